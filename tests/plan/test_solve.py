from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from matcher.errors import ConflictError, UsageError
from matcher.plan.problem import Limit, Problem
from matcher.plan.reach import Reach
from matcher.plan.solve import solve


@given(seed=st.integers(0, 10**6), overlap=st.booleans())
def test_plan_is_the_best_of_all_choices_and_the_bound_says_so(
    small: SimpleNamespace, seed: int, overlap: bool
) -> None:
    problem = small.problem(seed, overlap=overlap)
    best = small.best(problem)
    if best == -np.inf:
        with pytest.raises(ConflictError, match="cannot hold together"):
            solve(problem, gap=0.0)
        return
    solution = solve(problem, gap=0.0)
    assert not problem.violations(solution.chosen)
    assert solution.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
    assert solution.objective == problem.objective(solution.chosen)
    assert solution.bound == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert solution.bound >= best - 1e-9 * abs(best)
    assert np.isnan(solution.greedy) or solution.greedy <= solution.objective


@pytest.fixture(scope="module")
def middling() -> Problem:
    """Three hundred options whose overlap and minima matter, too many to enumerate."""
    rng = np.random.default_rng(4)
    n, m = 300, 400
    topic, cell_topic = rng.integers(0, 8, n), rng.integers(0, 8, m)
    meets = rng.random((n, m)) < np.where(topic[:, None] == cell_topic, 0.3, 0.02)
    fee = np.round(meets.sum(axis=1) ** 0.8 * rng.lognormal(0, 0.4, n), 2) + 1
    limits = (
        Limit.over("budget", np.ones(n), unit="money", high=150.0),
        Limit.over("number", np.ones(n), unit="accounts", low=5, high=25),
        Limit.over("topic 3", topic == 3, unit="accounts", low=2),
        Limit.over("topic 5", topic == 5, unit="accounts", low=2, high=4),
    )
    reach = Reach(csr_array(meets * rng.beta(2, 2, (n, m))), rng.lognormal(0, 1, m), 1.5)
    return Problem(rng.random(n), fee, np.arange(n) // 2, limits, reach, 1.0, 0.05)


def test_a_larger_plan_beats_the_sorted_table_within_a_small_gap(middling: Problem) -> None:
    solution = solve(middling, seconds=60.0, steps=2000, gap=0.04)
    assert not middling.violations(solution.chosen)
    assert solution.greedy < 0.97 * solution.objective
    assert solution.gap <= 0.04
    assert solution.cost == pytest.approx(middling.fee[solution.chosen].sum())
    assert solution.reach == middling.reach.people_reached(solution.chosen)  # type: ignore[union-attr]
    assert 0 < solution.seconds_feasible <= solution.seconds


def test_the_same_seed_gives_the_same_plan_and_a_start_is_never_lost(middling: Problem) -> None:
    first, again = (solve(middling, seconds=60.0, steps=2000, gap=0.04, seed=7) for _ in range(2))
    assert first.chosen.tolist() == again.chosen.tolist()
    assert (first.objective, first.bound) == (again.objective, again.bound)
    better = solve(middling, seconds=60.0, steps=2000, gap=0.0375, seed=1, start=first.chosen)
    assert better.objective >= first.objective


def test_a_start_is_checked(middling: Problem) -> None:
    with pytest.raises(UsageError, match="'number' comes to 1, expected 5 to 25"):
        solve(middling, start=[0])
    with pytest.raises(UsageError, match="holds options 300 to 300; the problem has 300"):
        solve(middling, start=[300])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": 0.0}, "got 0 seconds and a gap of 0.0001"),
        ({"gap": -1.0}, "a gap from 0 on"),
        ({"steps": 0}, "expected a whole number from 1 on"),
    ],
)
def test_settings_that_are_no_usable_numbers_are_refused(
    middling: Problem, options: dict[str, float], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        solve(middling, **options)  # type: ignore[arg-type]


def test_nothing_is_chosen_where_everything_costs_more_than_it_brings() -> None:
    problem = Problem(np.array([-1.0, -2.0]), np.ones(2), np.arange(2))
    solution = solve(problem)
    assert (solution.chosen.tolist(), solution.objective, solution.gap) == ([], 0.0, 0.0)


def test_one_package_per_person_and_the_better_one() -> None:
    budget = Limit.over("budget", np.ones(4), unit="money", high=10.0)
    problem = Problem(np.array([3.0, 5, 4, 1]), np.array([4.0, 7, 5, 1]), [0, 0, 1, 1], (budget,))
    assert solve(problem).chosen.tolist() == [0, 2]
    assert solve(problem.with_bounds("budget", high=12.0)).chosen.tolist() == [1, 2]


@pytest.mark.parametrize("n", [3, 60])
def test_without_limits_everything_that_adds_is_chosen(n: int) -> None:
    shares = csr_array(np.random.default_rng(0).uniform(0, 0.9, (n, 4)))
    value = np.where(np.arange(n) == 1, -100.0, 0.0)
    problem = Problem(value, np.ones(n), np.arange(n), reach=Reach(shares, np.ones(4), 0.5))
    solution = solve(problem, steps=200, seconds=20.0)
    assert solution.chosen.tolist() == [option for option in range(n) if option != 1]
    assert solution.gap < 1e-6


def test_two_limits_that_shut_out_all_are_a_conflict_at_any_size(middling: Problem) -> None:
    with pytest.raises(ConflictError, match="'number' at least 160 accounts"):
        solve(middling.with_bounds("number", low=160, high=160))
