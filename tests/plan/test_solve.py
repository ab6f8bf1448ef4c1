from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import ConflictError
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
