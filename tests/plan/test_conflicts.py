from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from matcher.errors import ConflictError, UsageError
from matcher.plan.conflicts import conflict_message, explain_conflict
from matcher.plan.problem import Limit, Problem
from matcher.plan.results import ConflictPart
from matcher.plan.solve import solve


def ten_options(*limits: Limit) -> Problem:
    return Problem(np.ones(10), np.arange(10.0, 110.0, 10.0), np.arange(10), limits)


def money(high: float) -> Limit:
    return Limit.over("budget", np.ones(10), unit="money", high=high)


def accounts(name: str, counted: slice, low: float = -np.inf, high: float = np.inf) -> Limit:
    counts = np.zeros(10)
    counts[counted] = 1
    return Limit.over(name, counts, unit="accounts", low=low, high=high)


def test_a_minimum_that_the_budget_does_not_pay_for_says_by_how_much() -> None:
    problem = ten_options(
        accounts("some", slice(0, 10), low=1), money(150.0), accounts("dear", slice(7, 10), low=2)
    )
    conflict = explain_conflict(problem)
    budget, dear = conflict.parts
    assert (budget.name, budget.side, budget.unit, budget.bound) == (
        "budget", "at most", "money", 150.0
    )  # fmt: skip
    assert (dear.name, dear.side, dear.unit) == ("dear", "at least", "accounts")
    assert budget.give == 20.0
    assert dear.give == 1.0
    assert conflict.is_irreducible
    # A seventh of a budget is less than half of a minimum of two.
    assert (budget.joint_give, dear.joint_give) == (20.0, 0.0)
    assert [one.name for one in conflict.broken] == ["budget"]
    message = conflict_message(conflict)
    assert "'budget' at most 150 money (170 would do)" in message
    assert "'dear' at least 2 accounts (1 would do)" in message
    with pytest.raises(ConflictError, match="'dear' at least 2 accounts"):
        solve(problem)


def test_a_limit_that_cannot_help_alone_says_so() -> None:
    problem = ten_options(
        accounts("all three", slice(0, 3), low=4), accounts("none", slice(5, 7), low=1),
        accounts("never", slice(5, 7), high=0),
    )  # fmt: skip
    conflict = explain_conflict(problem)
    told = [*conflict.parts, *conflict.others]
    assert {part.name for part in told if part.joint_give > 0} >= {"all three"}
    assert all(np.isnan(part.give) for part in conflict.parts)
    assert "moving it alone is not enough" in conflict_message(conflict)


def test_two_packages_of_one_person_do_not_make_two_accounts() -> None:
    two = Problem(
        np.ones(2), np.ones(2), np.zeros(2, int),
        (Limit.over("number", [1, 1], unit="accounts", low=2),),
    )  # fmt: skip
    with pytest.raises(ConflictError, match=r"'number' at least 2 accounts \(1 would do\)"):
        solve(two)


def test_a_problem_that_can_be_solved_has_no_conflict() -> None:
    with pytest.raises(UsageError, match="there is no conflict to explain"):
        explain_conflict(ten_options(money(150.0)))


def moved(problem: Problem, part: ConflictPart, enough: float) -> Problem:
    """The problem with a bound that gives way by a part of what is enough."""
    bound = part.bound + (1.0 if part.side == "at most" else -1.0) * part.give * enough
    if part.unit == "share":
        # What rounding of a ratio may come to is let in.
        slack = 1e-9 if enough == 1.0 else 0.0
        return problem.with_share(part.name, bound + (slack if part.side == "at most" else -slack))
    return problem.with_bounds(part.name, **{"high" if part.side == "at most" else "low": bound})


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_parts_conflict_and_no_part_can_be_spared(small: SimpleNamespace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = small.problem(seed, overlap=False, n=6)
    strict = [
        Limit.over(f"strict {k}", rng.random(6) < 0.6, unit="accounts", low=rng.integers(1, 4))
        for k in range(2)
    ]
    problem = problem.with_limits([*problem.limits, *strict])
    assume(small.best(problem) == -np.inf)
    conflict = explain_conflict(problem)

    def possible(parts: list[tuple[str, str, float]]) -> bool:
        limits = []
        for name, side, bound in parts:
            old = problem.limit(name)
            sides = {"low" if side == "at least" else "high": bound if old.share is None else 0.0}
            limits.append(
                Limit(
                    f"{name} {side}", old.options, old.coefficients, old.unit,
                    share=old.share, **sides,
                )
            )  # fmt: skip
        return bool(small.best(problem.with_limits(limits)) > -np.inf)

    parts = [(part.name, part.side, part.bound) for part in conflict.parts]
    assert not possible(parts)
    for left_out in parts:
        assert possible([part for part in parts if part != left_out])
    for part in conflict.parts:
        if not np.isfinite(part.give):
            continue
        for enough in (1.0, 0.999):
            there = moved(problem, part, enough)
            assert (small.best(there) > -np.inf) == (enough == 1.0)


def test_a_share_gives_way_in_shares() -> None:
    least = Limit.of_spend("dear share", np.arange(10) >= 9, 0.9, side="at least")
    both = accounts("both", slice(8, 10), low=2)
    conflict = explain_conflict(ten_options(least, both))
    share = conflict.parts[0]
    assert (share.name, share.unit, share.bound) == ("dear share", "share", 0.9)
    # The two cost 90 and 100, so that the share is 100 of 190.
    assert share.give == pytest.approx(0.9 - 100 / 190)
    assert "'dear share' at least 0.9 share" in conflict_message(conflict)


def halves(problem: Problem, *more: Limit) -> Problem:
    """Two groups of which each is to have more than half of the spend."""
    first = np.arange(10) % 2 == 0
    shares = (
        Limit.of_spend("first", first, 0.8, side="at least"),
        Limit.of_spend("second", ~first, 0.6, side="at least"),
    )
    return problem.with_limits([*shares, *more])


@pytest.mark.parametrize("least", [0, 3])
def test_shares_of_more_than_all_give_way_themselves(least: int) -> None:
    everybody = accounts("number", slice(0, 10), low=max(least, 1))
    more = everybody if least else replace(everybody, is_implied=True)
    conflict = explain_conflict(halves(ten_options(), more))
    gives = {one.name: one.give for one in conflict.parts}
    # 0.4 and 0.6, or 0.8 and 0.2, are of what some of the fees from 10 to 100 make.
    assert (gives["first"], gives["second"]) == pytest.approx((0.4, 0.4))
    assert np.isnan(gives.get("number", np.nan))
    assert len(conflict.chosen) > 0
    assert "0 accounts would do" not in conflict_message(conflict)
    assert all(one.name != "number" for one in (*conflict.parts, *conflict.others)) or least


def test_hiring_nobody_is_no_way_out() -> None:
    problem = ten_options(
        accounts("all", slice(0, 10), low=1), accounts("none", slice(0, 10), high=0)
    )
    conflict = explain_conflict(problem)
    gives = {one.name: one.give for one in conflict.parts}
    assert np.isnan(gives["all"])
    assert gives["none"] == 1.0
    assert conflict.is_least


def test_a_message_says_where_time_cut_amounts_short() -> None:
    conflict = explain_conflict(ten_options(accounts("all", slice(0, 3), low=4)))
    assert "time ran out" not in conflict_message(conflict)
    hasty = replace(conflict, is_least=False)
    assert conflict_message(hasty).endswith("time ran out, so that less may be enough")
