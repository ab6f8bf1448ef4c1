from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matcher.errors import DataError, UsageError
from matcher.plan.problem import Limit, Problem

BUDGET = Limit.over("budget", [1, 1, 1], unit="money", high=30.0)


def three(**changed: Any) -> Problem:
    fields: dict[str, Any] = {
        "value": np.array([1.0, 2.0, 3.0]), "fee": np.array([10.0, 20.0, 30.0]),
        "person": np.array([0, 0, 1]), "limits": (BUDGET,),
    }  # fmt: skip
    return Problem(**{**fields, **changed})


def test_a_choice_has_totals_cost_and_objective() -> None:
    problem = three(value_weight=2.0)
    assert problem.objective([0, 2]) == 8.0
    assert problem.cost([0, 2]) == 40.0
    assert problem.totals([0, 2]).tolist() == [40.0]
    assert problem.totals([]).tolist() == [0.0]
    assert not problem.has_overlap


def test_violations_name_the_limit_and_the_person() -> None:
    problem = three()
    assert problem.violations([2]) == ()
    broken = problem.violations([0, 1, 2])
    assert [(one.name, one.total, one.high) for one in broken] == [
        ("budget", 60.0, 30.0), ("one option per person", 2.0, 1.0),
    ]  # fmt: skip


def test_sums_of_binary_fractions_do_not_break_a_limit() -> None:
    limit = Limit.over("budget", np.ones(3), unit="money", high=0.3)
    problem = Problem(np.ones(3), np.full(3, 0.1), np.arange(3), (limit,))
    assert problem.totals([0, 1, 2])[0] > 0.3
    assert problem.violations([0, 1, 2]) == ()


def test_a_changed_fee_changes_every_limit_on_money() -> None:
    cap = Limit.over("cap", [0, 1, 0.5], unit="money", high=30.0)
    posts = Limit.over("posts", [1, 2, 3], unit="posts", low=1.0)
    problem = three(limits=(BUDGET, cap, posts)).with_fee(2, 8.0)
    assert problem.totals([1, 2]).tolist() == [28.0, 24.0, 5.0]


def test_a_limit_on_a_share_of_all_fees_is_told_as_a_share() -> None:
    most = Limit.of_spend("third", [0, 0, 1], 0.6, side="at most")
    problem = three(limits=(BUDGET, most), person=np.arange(3))
    assert problem.stated_totals([1, 2]).tolist() == pytest.approx([50.0, 0.6])
    assert not [one for one in problem.violations([1, 2]) if one.name == "third"]
    assert [one.name for one in problem.violations([0, 2])] == ["budget", "third"]
    assert np.isnan(problem.stated_totals([])[1])
    looser = problem.with_share("third", 0.8)
    assert looser.limit("third").stated_high == 0.8
    assert [one.name for one in looser.violations([0, 2])] == ["budget"]
    assert looser.with_fee(0, 5.0).stated_totals([0, 2])[1] == pytest.approx(30 / 35)
    assert (most.stated_low, BUDGET.stated_high) == (-np.inf, 30.0)


@pytest.mark.parametrize(("unit", "share"), [("share", 1.5), ("share", None), ("money", 0.5)])
def test_a_share_without_its_unit_is_refused(unit: Any, share: float | None) -> None:
    with pytest.raises(DataError, match="expected a share from 0 to 1 where that is the unit"):
        Limit("odd", np.array([0]), np.ones(1), unit, high=0.0, share=share)


def test_some_options_keep_their_limits() -> None:
    posts = Limit.over("posts", [1, 0, 3], unit="posts", low=1.0)
    fewer = three(limits=(BUDGET, posts)).select(np.array([0, 2]))
    assert fewer.fee.tolist() == [10.0, 30.0]
    assert fewer.totals([1]).tolist() == [30.0, 3.0]
    assert fewer.objective([0, 1]) == 4.0


def test_bounds_change_one_limit_alone() -> None:
    problem = three().with_bounds("budget", low=5.0, high=60.0)
    assert (problem.lows.tolist(), problem.highs.tolist()) == ([5.0], [60.0])
    with pytest.raises(UsageError, match="there is no limit 'bugdet' among 1"):
        problem.with_bounds("bugdet", high=1.0)


def test_numbers_cannot_be_written_to() -> None:
    problem = three()
    with pytest.raises(ValueError, match="read-only"):
        problem.fee[0] = 1.0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"fee": np.array([1.0, -1.0, 2.0])}, r"1 options have a value .* first are \[1\]"),
        ({"value": np.array([np.nan, 1.0, 2.0])}, r"first are \[0\]"),
        ({"person": np.array([0, 1])}, "expected one of each per option"),
        ({"limits": (BUDGET, BUDGET)}, "two limits are called 'budget'"),
        ({"value_weight": -1.0}, "expected numbers from 0 on"),
        (
            {"limits": (Limit.over("far", [0, 0, 0, 1], unit="posts", high=1),)},
            "counts option 3; the problem has 3",
        ),
    ],
)
def test_impossible_problems_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        three(**changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": ""}, "expected a name"),
        ({"unit": "VND"}, "expected a name and one of the units money, accounts, posts"),
        ({"high": np.inf}, "at least one of the two"),
        ({"low": 3.0, "high": 2.0}, "got 3 to 2"),
        ({"options": np.array([0, 0])}, "negative or counted twice"),
        ({"coefficients": np.array([1.0])}, "one coefficient per option"),
        ({"coefficients": np.array([1.0, np.inf])}, "not finite"),
    ],
)
def test_impossible_limits_are_refused(changed: dict[str, Any], message: str) -> None:
    fields: dict[str, Any] = {
        "name": "some", "options": np.array([0, 1]), "coefficients": np.ones(2),
        "unit": "accounts", "high": 1.0,
    }  # fmt: skip
    with pytest.raises(DataError, match=message):
        Limit(**{**fields, **changed})
