from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from matcher.errors import ConflictError, UsageError
from matcher.plan.frontier import join_plans, trace_frontier
from matcher.plan.problem import Limit, Problem
from matcher.plan.reach import Reach
from matcher.plan.solve import solve


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


def test_budgets_without_time_keep_the_best_plan_known_and_say_so(small: SimpleNamespace) -> None:
    problem = small.problem(3, n=12, feasible=True)
    plan = solve(problem, gap=0.0)
    budgets = [0.01, plan.cost, 3.0 * plan.cost]
    frontier = trace_frontier(problem, budgets, seconds=1e-9, known=[plan.chosen])
    first, *others = frontier.points
    assert (first.status, first.solution) == ("unknown", None)
    for point in others:
        assert point.status == "carried"
        assert point.solution is not None
        assert point.solution.objective == pytest.approx(plan.objective)
        assert "the time limit came first" in point.solution.how


def test_a_known_plan_is_never_undercut(small: SimpleNamespace) -> None:
    problem = small.problem(11, n=60, feasible=True)
    best = solve(problem, seconds=10.0)
    budgets = [share * best.cost for share in (0.5, 1.0, 2.0)]
    frontier = trace_frontier(problem, budgets, steps=1, known=[best.chosen])
    assert {point.status for point in frontier.points} <= {"searched", "same"}
    for point in frontier.points[1:]:
        assert point.solution is not None
        assert point.solution.objective >= best.objective


def test_a_budget_for_which_nothing_better_is_found_shows_the_plan_of_a_smaller_one() -> None:
    limits = (Limit.over("budget", np.ones(3), unit="money", high=50.0),)
    problem = Problem(np.array([1.0, 2, 4]), np.array([10.0, 20, 40]), np.arange(3), limits)
    points = trace_frontier(problem, [10.0, 15.0, 40.0, 45.0, 70.0, 90.0]).points
    assert [one.status for one in points] == [
        "searched", "same", "searched", "same", "searched", "same"
    ]  # fmt: skip
    chosen = [one.solution.chosen.tolist() for one in points if one.solution is not None]
    assert chosen == [[0], [0], [2], [2], [0, 1, 2], [0, 1, 2]]


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_plans_found_elsewhere_count_wherever_they_are_paid(
    small: SimpleNamespace, seed: int
) -> None:
    problem = small.problem(seed, n=8, feasible=True)
    budget = problem.limit("budget").high
    budgets = [share * budget for share in (0.3, 0.7, 1.0, 1.6)]
    hasty = trace_frontier(problem, budgets, seconds=1e-9)
    within = 1.2 * budget
    known = solve(problem.with_bounds("budget", high=within), gap=0.0)
    joined = join_plans(hasty, problem, [(within, known)])
    for before, point in zip(hasty.points, joined.points, strict=True):
        if point.solution is None:
            assert before.solution is None
            assert known.cost > point.budget * (1 - 1e-9)
            continue
        there = problem.with_bounds("budget", high=point.budget)
        assert not there.violations(point.solution.chosen)
        assert point.solution.bound >= small.best(there) - 1e-9
        if known.cost <= point.budget:
            assert point.solution.objective >= known.objective * (1 - 1e-9) - 1e-9
        if point.budget <= within:
            assert point.solution.bound <= max(known.bound, point.solution.objective) + 1e-9
        assert point.status in ("carried", before.status)


def test_a_frontier_of_many_options_ends_in_its_time() -> None:
    rng = np.random.default_rng(0)
    n, m = 4_000, 150
    reach = Reach(csr_array(rng.uniform(0, 0.05, (n, m))), rng.uniform(1, 10, m), 0.06)
    fee = rng.lognormal(0, 1, n)
    limits = (
        Limit.over("budget", np.ones(n), unit="money", high=50.0),
        Limit.over("number", np.ones(n), unit="accounts", high=30),
    )
    problem = Problem(np.zeros(n), fee, np.arange(n) // 3, limits, reach)
    budgets = [10.0 * k for k in range(1, 9)]
    frontier = trace_frontier(problem, budgets, seconds=2.0)
    # Budgets that have begun end; on a busy machine one may take seconds.
    assert frontier.seconds < 10.0
    found = [point for point in frontier.points if point.solution is not None]
    assert {point.status for point in found} <= {"searched", "same", "carried"}
    assert found
    assert all(np.isfinite(point.solution.bound) for point in found if point.solution)


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


def test_no_time_is_refused() -> None:
    problem = Problem(np.ones(1), np.ones(1), np.arange(1))
    with pytest.raises(UsageError, match="got 0 seconds; expected a time above 0"):
        trace_frontier(problem, [1.0], seconds=0.0)


def test_an_unknown_limit_is_refused() -> None:
    problem = Problem(np.ones(1), np.ones(1), np.arange(1))
    with pytest.raises(UsageError, match="there is no limit 'budget'"):
        trace_frontier(problem, [1.0])
