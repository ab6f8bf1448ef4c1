from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from matcher.plan.bound import Relaxation
from matcher.plan.linear import Limit
from matcher.plan.resolved import Resolver
from matcher.plan.solve import solve


@pytest.mark.parametrize("start", [0.5, 0.9, 0.96, 0.97, 0.98, 1.0, 1.3])
def test_a_fee_that_is_solved_again_is_one_that_the_plan_itself_pays(
    small: SimpleNamespace, start: float
) -> None:
    problem = small.problem(4, overlap=True, n=20, feasible=True)
    one = Limit.over("one", np.ones(20), unit="accounts", high=1)
    problem = problem.with_limits([problem.limit("budget"), one])
    option = int(solve(problem, gap=0.0, seconds=5.0).chosen[0])
    own = float(problem.fee[option])
    # Nothing is left of the budget and nobody else is hired, so that it may cost no more.
    problem = problem.with_bounds("budget", high=own)
    solution = solve(problem, gap=0.0, seconds=5.0)
    assert solution.chosen.tolist() == [option]
    resolver = Resolver(problem, solution, Relaxation(problem), {option: np.array([option])})
    assert resolver.fee(option, start * own, None, until=np.inf) == pytest.approx(own)
