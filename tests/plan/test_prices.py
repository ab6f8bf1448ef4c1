from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import ConflictError, UsageError
from matcher.plan.dropout import drop_out_fee
from matcher.plan.frontier import join_plans, trace_frontier
from matcher.plan.prices import price
from matcher.plan.problem import Limit, Problem
from matcher.plan.results import Solution
from matcher.plan.solve import solve


def solved(problem: Problem) -> Solution | None:
    try:
        return solve(problem, gap=0.0)
    except ConflictError:
        return None


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), overlap=st.booleans())
def test_marginals_and_swaps_are_differences_of_the_objective(
    small: SimpleNamespace, seed: int, overlap: bool
) -> None:
    problem = small.problem(seed, overlap=overlap, n=7, feasible=True)
    solution = solve(problem, gap=0.0)
    prices = price(problem, solution)
    assert [one.option for one in prices.options] == solution.chosen.tolist()
    for one in prices.options:
        rest = [option for option in solution.chosen if option != one.option]
        drop = solution.objective - problem.objective(rest)
        assert one.marginal == pytest.approx(drop, rel=1e-9, abs=1e-9)
        swaps = {
            other: problem.objective([*rest, other])
            for other in range(problem.n_options)
            if problem.person[other] != problem.person[one.option]
            and other not in rest
            and not problem.violations([*rest, other])
        }
        if not swaps:
            assert one.swap == -1
            assert np.isnan(one.swap_change)
            continue
        change = max(swaps.values()) - solution.objective
        assert one.swap_change == pytest.approx(change, rel=1e-9, abs=1e-9)
        assert one.swap_change <= 1e-9
        assert one.swap_fee_change == problem.fee[one.swap] - problem.fee[one.option]


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), overlap=st.booleans())
def test_an_option_stays_below_its_drop_out_fee_and_goes_above(
    small: SimpleNamespace, seed: int, overlap: bool
) -> None:
    problem = small.problem(seed, overlap=overlap, n=7, feasible=True)
    solution = solve(problem, gap=0.0)
    for one in price(problem, solution).options:
        assert one.drop_out_how == "exact"
        # With other options of the person in the way of a clear answer, enumerate both sides.
        above = 10.0 * problem.fee.sum() if np.isinf(one.drop_out_fee) else one.drop_out_fee * 1.001
        below = problem.fee[one.option] if np.isinf(one.drop_out_fee) else one.drop_out_fee * 0.999
        assert one.drop_out_fee >= problem.fee[one.option] * (1 - 1e-9)
        without = small.best_with(problem, one.option, held=False)
        at_most = small.best_with(problem.with_fee(one.option, below), one.option, held=True)
        assert at_most >= without - 1e-7 * abs(without)
        if np.isfinite(one.drop_out_fee):
            beyond = small.best_with(problem.with_fee(one.option, above), one.option, held=True)
            assert beyond < without
        else:
            assert without == -np.inf


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), overlap=st.booleans())
def test_fees_are_of_the_account_with_all_its_packages(
    small: SimpleNamespace, seed: int, overlap: bool
) -> None:
    problem = small.problem(seed, overlap=overlap, n=7, feasible=True)
    problem = replace(problem, person=np.arange(7) // 2)
    solution = solve(problem, gap=0.0)
    for one in price(problem, solution, account=problem.person).options:
        assert one.drop_out_how == "exact"
        same = np.flatnonzero(problem.person == problem.person[one.option])
        without = max(
            (problem.objective(some) for some in small.choices(problem)
             if not np.isin(same, some).any()),
            default=-np.inf,
        )  # fmt: skip
        fee = one.drop_out_fee
        if np.isinf(fee):
            assert without == -np.inf
            continue
        assert fee >= problem.fee[one.option]
        below, above = (problem.with_fee(one.option, fee * part) for part in (0.999, 1.001))
        assert small.best_with(below, one.option, held=True) >= without - 1e-7 * abs(without)
        assert small.best_with(above, one.option, held=True) < without


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("n", [12, 60])
def test_no_fee_drives_out_an_account_that_a_limit_demands_in_any_package(
    small: SimpleNamespace, overlap: bool, n: int
) -> None:
    problem = small.problem(4, overlap=overlap, n=n, feasible=True)
    account = np.arange(n) // 3
    # Two of these three accounts have to stay, and one of them cannot be hired.
    asked = Limit.over("kept", account < 3, unit="accounts", low=2)
    gone = Limit.over("gone", account == 2, unit="accounts", high=0)
    problem = replace(problem, person=account, limits=(problem.limit("budget"), asked, gone))
    solution = solve(problem, seconds=5.0)
    found = price(problem, solution, seconds=8.0, account=account).options
    told = {int(account[one.option]): one for one in found}
    assert {0, 1} <= set(told)
    for name, one in told.items():
        if name < 3:
            assert (one.drop_out_fee, one.drop_out_how) == (np.inf, "exact")
        else:
            assert one.drop_out_how != "unknown"
            assert np.isfinite(one.drop_out_fee)
    assert len(told) > 2


@pytest.mark.parametrize("overlap", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_fees_of_accounts_with_many_packages_are_near_the_proven_ones(
    small: SimpleNamespace, overlap: bool
) -> None:
    problem = small.problem(4, overlap=overlap, n=60, feasible=True)
    account = np.arange(60) // 3
    problem = replace(problem, person=account, limits=(problem.limit("budget"),))
    solution = solve(problem, gap=0.0, seconds=5.0)
    found = price(problem, solution, seconds=15.0, account=account).options
    surely = [one for one in found if one.drop_out_how in ("proven", "re-solved")]
    assert surely
    for one in surely[:3]:
        mates = np.flatnonzero(account == account[one.option])
        exact = drop_out_fee(problem, one.option, seconds=30.0, mates=mates)
        assert exact is not None
        assert one.drop_out_fee == pytest.approx(exact, rel=0.1 if overlap else 0.05)


def test_every_option_has_an_account(small: SimpleNamespace) -> None:
    problem = small.problem(4, n=8, feasible=True)
    with pytest.raises(UsageError, match="accounts of shape .3,.; expected one of each of the 8"):
        price(problem, solve(problem), account=np.arange(3))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fees_of_many_options_that_add_up_are_proven_to_within_a_twentieth(
    small: SimpleNamespace, seed: int
) -> None:
    problem = small.problem(seed, overlap=False, n=80, feasible=True)
    problem = problem.with_limits([one for one in problem.limits if one.name != "posts"])
    solution = solve(problem, gap=0.0)
    found = price(problem, solution, seconds=60.0).options
    assert {one.drop_out_how for one in found} <= {"proven"}
    for one in found[:3]:
        exact = drop_out_fee(problem, one.option, seconds=60.0)
        assert exact is not None
        assert exact / 1.05 * (1 - 1e-9) <= one.drop_out_fee <= exact * (1 + 1e-6)


def test_fees_with_overlap_are_solved_again(small: SimpleNamespace) -> None:
    problem = small.problem(4, overlap=True, n=48, feasible=True)
    solution = solve(problem, gap=0.0, seconds=20.0)
    found = price(problem, solution, seconds=20.0).options
    assert {one.drop_out_how for one in found} <= {"re-solved", "estimate"}
    assert "re-solved" in {one.drop_out_how for one in found}
    solved_again = [one for one in found if one.drop_out_how == "re-solved"]
    for one in solved_again[:2]:
        exact = drop_out_fee(problem, one.option, seconds=60.0)
        assert exact is not None
        assert one.drop_out_fee == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("overlap", [False, True])
def test_an_option_that_a_limit_demands_has_no_fee_that_drives_it_out(
    small: SimpleNamespace, overlap: bool
) -> None:
    problem = small.problem(4, overlap=overlap, n=48, feasible=True)
    must = Limit.over("must", np.arange(48) == 5, unit="accounts", low=1)
    two = Limit.over("two", np.isin(np.arange(48), [7, 9]), unit="accounts", low=1)
    problem = problem.with_limits([problem.limit("budget"), must, two])
    solution = solve(problem, seconds=10.0)
    found = {one.option: one for one in price(problem, solution, seconds=10.0).options}
    assert (found[5].drop_out_fee, found[5].drop_out_how) == (np.inf, "exact")
    other = next(one for one in (7, 9) if one in found)
    assert np.isfinite(found[other].drop_out_fee)


@pytest.mark.parametrize("overlap", [False, True])
def test_fees_are_estimated_however_short_the_time_is(
    small: SimpleNamespace, overlap: bool
) -> None:
    problem = small.problem(4, overlap=overlap, n=48, feasible=True)
    # No single exchange keeps to shares that leave hardly any room.
    groups = np.arange(48) % 2 == 0
    narrow = [
        Limit.of_spend("at least", groups, 0.44, side="at least"),
        Limit.of_spend("at most", groups, 0.46, side="at most"),
        Limit.over("somebody", np.ones(48), unit="accounts", low=4),
    ]
    problem = problem.with_limits([problem.limit("budget"), *narrow])
    solution = solve(problem, seconds=5.0)
    found = price(problem, solution, seconds=1e-9).options
    assert found
    for one in found:
        assert one.drop_out_how == "estimate"
        assert one.drop_out_fee >= problem.fee[one.option] * (1 - 1e-9)


def test_nothing_more_is_tried_once_all_fees_are_proven(small: SimpleNamespace) -> None:
    problem = small.problem(1, overlap=False, n=80, feasible=True)
    problem = problem.with_limits([one for one in problem.limits if one.name != "posts"])
    found = price(problem, solve(problem, gap=0.0), seconds=300.0)
    assert {one.drop_out_how for one in found.options} <= {"proven", "exact"}
    assert found.seconds < 60.0


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), overlap=st.booleans())
def test_a_shadow_price_is_what_solving_the_loosened_problem_brings(
    small: SimpleNamespace, seed: int, overlap: bool
) -> None:
    problem = small.problem(seed, overlap=overlap, n=7, feasible=True)
    solution = solve(problem, gap=0.0)
    for one in price(problem, solution).limits:
        limit = problem.limit(one.name)
        steps = {"money": 0.05 * abs(limit.high), "share": 0.01}
        assert one.step == steps.get(limit.unit, 1.0)
        if limit.share is not None:
            looser = problem.with_share(one.name, limit.share + one.step)
        elif one.side == "at most":
            looser = problem.with_bounds(one.name, high=limit.high + one.step)
        else:
            looser = problem.with_bounds(one.name, low=limit.low - one.step)
        best = small.best(looser)
        assert one.change == pytest.approx(best - solution.objective, rel=1e-6, abs=1e-7)
        assert one.price == one.change / one.step
        assert one.bound_change >= one.change - 1e-7
        assert one.lp_price >= 0


def test_prices_are_of_the_better_plan_that_solving_again_finds(small: SimpleNamespace) -> None:
    problem = small.problem(4, overlap=True, n=48, feasible=True)
    best = solve(problem, seconds=2.0)
    poor = best.chosen[:1]
    given = replace(best, chosen=poor, objective=problem.objective(poor), cost=problem.cost(poor))
    found = price(problem, given, seconds=2.0)
    assert found.solution.objective > given.objective
    assert not problem.violations(found.solution.chosen)
    assert [one.option for one in found.options] == found.solution.chosen.tolist()
    assert found.solution.objective <= found.solution.bound <= given.bound
    for one in found.limits:
        assert 0 <= one.change <= one.bound_change


@pytest.mark.parametrize("overlap", [False, True])
def test_no_fee_that_drives_an_option_out_is_below_the_fee_that_it_has(
    small: SimpleNamespace, overlap: bool
) -> None:
    problem = small.problem(4, overlap=overlap, n=60, feasible=True)
    # A plan that is far from the best one; better ones are found on the way to prices.
    poor = np.array([int(np.argmin(problem.fee))])
    given = replace(
        solve(problem, seconds=0.5),
        chosen=poor,
        objective=problem.objective(poor),
        cost=problem.cost(poor),
    )
    found = price(problem, given, seconds=1.5)
    for one in found.options:
        assert one.drop_out_fee >= problem.fee[one.option] * (1 - 1e-9)
        if np.isfinite(one.swap_change):
            assert one.swap_change <= 1e-6 * abs(found.solution.objective)


def test_a_loosened_budget_starts_from_the_plans_of_other_budgets(small: SimpleNamespace) -> None:
    problem = small.problem(4, overlap=True, n=48, feasible=True)
    problem = problem.with_limits([problem.limit("budget")])
    budget = problem.fee.sum() / 4
    problem = problem.with_bounds("budget", high=budget)
    frontier = trace_frontier(problem, [budget, 1.03 * budget, 1.1 * budget], seconds=10.0)
    first = frontier.points[0].solution
    assert first is not None
    found = price(problem, first, seconds=5.0, frontier=frontier)
    shadow = next(one for one in found.limits if one.name == "budget")
    for total, plan in found.loosened:
        assert total == pytest.approx(1.05 * budget)
        assert plan.cost <= total * (1 + 1e-9)
    at = [one.solution for one in frontier.points if one.solution is not None]
    worth = found.solution.objective + shadow.change
    assert worth >= at[1].objective - 1e-9
    assert found.solution.objective + shadow.bound_change <= at[2].bound + 1e-9
    joined = join_plans(frontier, problem, [(budget, found.solution), *found.loosened])
    last = joined.points[-1].solution
    assert last is not None
    assert last.objective >= worth - 1e-9
