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
