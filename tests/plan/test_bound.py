from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.plan.bound import Relaxation


@given(seed=st.integers(0, 10**6), overlap=st.booleans(), n_tangents=st.integers(1, 30))
def test_no_choice_is_worth_more_than_any_bound_or_overestimate(
    small: SimpleNamespace, seed: int, overlap: bool, n_tangents: int
) -> None:
    problem = small.problem(seed, overlap=overlap, n=7, feasible=True)
    relaxation = Relaxation(problem)
    relaxation.tighten(n_tangents)
    choices = small.choices(problem)
    best = max(problem.objective(some) for some in choices)
    rounding = 1e-9 * max(abs(best), 1.0)
    assert relaxation.bound >= best - rounding
    assert relaxation.tighten_whole(seconds=5.0) >= best - rounding
    for over in relaxation.kept:
        for some in choices:
            said = over.constant + over.gains[list(some)].sum()
            assert said >= problem.objective(some) - rounding
    reduced = relaxation.reduced()
    for some in choices:
        most = relaxation.bound + np.minimum(reduced[list(some)], 0.0).sum()
        assert problem.objective(some) <= most + rounding


@given(seed=st.integers(0, 10**6))
def test_bounds_hold_after_moving_to_other_limits(small: SimpleNamespace, seed: int) -> None:
    problem = small.problem(seed, n=7, feasible=True)
    relaxation = Relaxation(problem)
    relaxation.tighten(10)
    for factor in (0.5, 1.7):
        there = problem.with_bounds("budget", high=problem.limit("budget").high * factor)
        relaxation.move(there)
        relaxation.tighten(5)
        assert relaxation.bound >= small.best(there) - 1e-9


@given(seed=st.integers(0, 10**6), overlap=st.booleans())
def test_the_slope_bounds_every_other_budget(
    small: SimpleNamespace, seed: int, overlap: bool
) -> None:
    problem = small.problem(seed, overlap=overlap, n=7, feasible=True)
    relaxation = Relaxation(problem)
    relaxation.tighten(10)
    budget = problem.limit("budget").high
    for other in (0.4 * budget, 0.9 * budget, 1.3 * budget, 3.0 * budget):
        said = relaxation.bound + relaxation.slope(0) * (other - budget)
        best = small.best(problem.with_bounds("budget", high=other))
        assert said >= best - 1e-9 * max(abs(best), 1.0)


def test_the_bound_comes_down_and_stops_where_it_is_enough(small: SimpleNamespace) -> None:
    problem = small.problem(5, n=12, feasible=True)
    relaxation = Relaxation(problem)
    assert relaxation.bound == np.inf
    relaxation.tighten(1)
    first = relaxation.bound
    relaxation.tighten(100)
    assert relaxation.bound <= first
    before = relaxation.bound
    relaxation.tighten(100, enough=before)
    assert relaxation.bound == before


def test_limits_that_parts_cannot_keep_to_are_seen(small: SimpleNamespace) -> None:
    problem = small.problem(5, n=6)
    relaxation = Relaxation(problem.with_bounds("number", low=7, high=9))
    assert not relaxation.is_feasible
    assert small.best(problem.with_bounds("number", low=7, high=9)) == pytest.approx(-np.inf)
