from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import ConflictError, UsageError
from matcher.plan.frontier import trace_frontier
from matcher.plan.problem import Limit, Problem


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), overlap=st.booleans())
def test_every_point_is_the_best_plan_within_its_budget(
    small: SimpleNamespace, seed: int, overlap: bool
) -> None:
    problem = small.problem(seed, overlap=overlap, n=7)
    budget = problem.limit("budget").high
    budgets = [share * budget for share in (1.5, 0.1, 1.0, 0.4)]
    if small.best(problem.with_bounds("budget", high=1e9)) == -np.inf:
        with pytest.raises(ConflictError, match="cannot hold together"):
            trace_frontier(problem, budgets)
        return
    frontier = trace_frontier(problem, budgets, gap=0.0)
    assert [point.budget for point in frontier.points] == sorted(budgets)
    earlier = -np.inf
    for point in frontier.points:
        best = small.best(problem.with_bounds("budget", high=point.budget))
        if point.solution is None:
            assert best == -np.inf
            continue
        assert point.budget >= frontier.least_budget * (1 - 1e-9)
        assert point.solution.cost <= point.budget * (1 + 1e-9)
        assert point.solution.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
        assert point.solution.bound >= best - 1e-9 * abs(best)
        assert point.solution.objective >= earlier
        earlier = point.solution.objective


def test_budgets_below_the_least_one_have_no_plan() -> None:
    limits = (
        Limit.over("budget", np.ones(3), unit="money", high=50.0),
        Limit.over("two", np.ones(3), unit="accounts", low=2),
    )
    problem = Problem(np.ones(3), np.array([10.0, 20, 40]), np.arange(3), limits)
    frontier = trace_frontier(problem, [29.0, 30.0, 70.0])
    assert frontier.least_budget == pytest.approx(30.0)
    assert [point.solution is None for point in frontier.points] == [True, False, False]


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        ([], "expected numbers above 0"),
        ([0.0, 1.0], "expected numbers above 0"),
        ([1.0, 1.0], "named twice"),
        ([4.0], "lies below the least total 5"),
    ],
)
def test_budgets_that_make_no_frontier_are_refused(budgets: list[float], message: str) -> None:
    limit = Limit.over("budget", [1.0], unit="money", low=5.0, high=9.0)
    problem = Problem(np.ones(1), np.full(1, 5.0), np.arange(1), (limit,))
    with pytest.raises(UsageError, match=message):
        trace_frontier(problem, budgets)


def test_an_unknown_limit_is_refused() -> None:
    problem = Problem(np.ones(1), np.ones(1), np.arange(1))
    with pytest.raises(UsageError, match="there is no limit 'budget'"):
        trace_frontier(problem, [1.0])
