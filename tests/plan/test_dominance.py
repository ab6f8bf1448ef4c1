from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from matcher.plan.dominance import undominated
from matcher.plan.problem import Limit, Problem
from matcher.plan.reach import Reach


@given(seed=st.integers(0, 10**6), overlap=st.booleans())
def test_the_best_plan_is_worth_as_much_without_dominated_options(
    small: SimpleNamespace, seed: int, overlap: bool
) -> None:
    problem = small.problem(seed, overlap=overlap, n=8)
    kept = undominated(problem)
    fewer = problem.select(kept)
    assert small.best(fewer) == pytest.approx(small.best(problem), rel=1e-9, abs=1e-9)
    some = [choice for choice in small.choices(fewer) if choice]
    for choice in some[:5]:
        assert fewer.objective(choice) == pytest.approx(problem.objective(kept[list(choice)]))


def packages(*limits: Limit, shares: list[list[float]]) -> Problem:
    """Two packages of one person and one of another; the second costs less."""
    reach = Reach(csr_array(np.array(shares)), np.array([10.0, 10.0]))
    return Problem(np.zeros(3), np.array([9.0, 5.0, 5.0]), np.array([0, 0, 1]), limits, reach)


def test_a_package_that_reaches_more_for_less_dominates() -> None:
    budget = Limit.over("budget", [1, 1, 1], unit="money", high=9.0)
    assert undominated(packages(budget, shares=[[0.2, 0.1], [0.2, 0.3], [0.9, 0.9]])).tolist() == [
        1,
        2,
    ]
    # What reaches fewer people anywhere stays.
    crossed = packages(budget, shares=[[0.3, 0.1], [0.2, 0.3], [0.9, 0.9]])
    assert undominated(crossed).tolist() == [0, 1, 2]


def test_a_cheaper_package_does_not_dominate_where_spend_has_to_be_high() -> None:
    budget = Limit.over("budget", [1, 1, 1], unit="money", high=20.0)
    least = Limit.over("spend on one", [1, 1, 0], unit="money", low=8.0)
    # Of all spend the other's may be half: a dearer first package makes room for it.
    share = Limit.over("share of the other", [-0.5, -0.5, 0.5], unit="money", high=0.0)
    shares = [[0.2, 0.1], [0.2, 0.3], [0.9, 0.9]]
    assert undominated(packages(budget, least, shares=shares)).tolist() == [0, 1, 2]
    assert undominated(packages(budget, share, shares=shares)).tolist() == [0, 1, 2]


def test_of_equal_packages_the_first_stays() -> None:
    budget = Limit.over("budget", [1, 1, 1], unit="money", high=9.0)
    equal = Problem(np.ones(3), np.full(3, 2.0), np.zeros(3), (budget,))
    assert undominated(equal).tolist() == [0]
