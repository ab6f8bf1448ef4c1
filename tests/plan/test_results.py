from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matcher.errors import DataError
from matcher.plan.results import Frontier, FrontierPoint, ShadowPrice, Solution


def solution(objective: float, bound: float) -> Solution:
    return Solution(
        np.arange(2), objective, objective, 0.0, 5.0, bound, "by hand", np.nan, 0.1, 0.2
    )


@pytest.mark.parametrize(
    ("objective", "bound", "gap"),
    [
        (9.0, 10.0, 0.1),
        (10.0, 10.0, 0.0),
        (0.0, 0.0, 0.0),
        (-2.0, 0.0, np.inf),
        (1.0, np.inf, np.inf),
    ],
)
def test_the_gap_is_a_share_of_the_bound(objective: float, bound: float, gap: float) -> None:
    assert solution(objective, bound).gap == pytest.approx(gap)


def test_a_bound_below_the_objective_is_refused() -> None:
    with pytest.raises(DataError, match="upper bound of 9 below the objective 10"):
        solution(10.0, 9.0)


def test_a_frontier_rises() -> None:
    low, high = solution(1.0, 2.0), solution(3.0, 4.0)
    points = (
        FrontierPoint(1.0, None, "impossible"),
        FrontierPoint(2.0, low, "searched"),
        FrontierPoint(3.0, high, "carried"),
    )
    assert Frontier("budget", points, 1.5, 0.1).points == points
    with pytest.raises(DataError, match="a larger budget has a plan that is worth less"):
        Frontier("budget", (replace(points[2], budget=1.0), points[1]), 0.0, 0.1)
    with pytest.raises(DataError, match="budgets do not rise"):
        Frontier("budget", points[::-1], 0.0, 0.1)


def test_a_point_has_a_plan_where_it_says_so() -> None:
    with pytest.raises(DataError, match="got no plan that is 'carried'"):
        FrontierPoint(1.0, None, "carried")
    with pytest.raises(DataError, match="got a plan that is 'unknown'"):
        FrontierPoint(1.0, solution(1.0, 2.0), "unknown")


def test_a_shadow_price_is_per_unit() -> None:
    assert ShadowPrice("budget", "at most", "money", 0.3, 50.0, 10.0, 12.0).price == 0.2
