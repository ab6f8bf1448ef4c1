from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from matcher.errors import DataError
from matcher.plan.reach import Reach


def random_reach(seed: int, *, even: bool = False, n: int = 6, m: int = 5) -> Reach:
    rng = np.random.default_rng(seed)
    shares = rng.uniform(0, 1, (n, m)) * (rng.random((n, m)) < 0.7)
    evenness = np.inf if even else rng.uniform(0.2, 5.0, m)
    return Reach(csr_array(shares), rng.uniform(0, 100, m), evenness)


@given(seed=st.integers(0, 10**6), even=st.booleans())
def test_one_option_reaches_exactly_its_shares(seed: int, even: bool) -> None:
    reach = random_reach(seed, even=even)
    alone = reach.probability.toarray() @ reach.people
    assert [reach.people_reached([i]) for i in range(6)] == pytest.approx(alone, rel=1e-9)


@given(seed=st.integers(0, 10**6), even=st.booleans())
def test_reach_rises_with_diminishing_returns(seed: int, even: bool) -> None:
    reach = random_reach(seed, even=even)
    order = np.random.default_rng(seed).permutation(6).tolist()
    small, large, new = order[:2], order[:4], order[5]
    before, after = reach.people_reached(small), reach.people_reached(large)
    assert after >= before - 1e-9
    early = reach.people_reached([*small, new]) - before
    late = reach.people_reached([*large, new]) - after
    assert late <= early + 1e-9


def test_even_cells_are_independent_and_uneven_ones_overlap_more() -> None:
    shares = csr_array(np.array([[0.5], [0.4], [0.3]]))
    even = Reach(shares, np.array([100.0]))
    assert even.people_reached([0, 1, 2]) == pytest.approx(100 * (1 - 0.5 * 0.6 * 0.7))
    reached = [Reach(shares, np.array([100.0]), k).people_reached([0, 1, 2]) for k in (9, 1, 0.3)]
    assert even.people_reached([0, 1, 2]) > reached[0] > reached[1] > reached[2] > 50.0
    # Shape 1: the share is c / (1 + c) with rates p / (1 - p).
    rates = 1 + 0.4 / 0.6 + 0.3 / 0.7
    assert reached[1] == pytest.approx(100 * rates / (1 + rates))


@pytest.mark.parametrize("evenness", [np.inf, 2.5, 0.6, 0.06])
def test_people_reached_often_agree_with_drawn_people(evenness: float) -> None:
    rng = np.random.default_rng(3)
    shares = rng.uniform(0.05, 0.9, (5, 1))
    reach = Reach(csr_array(shares), np.ones(1), evenness)
    n = 400_000
    activity = np.ones(n) if np.isinf(evenness) else rng.gamma(evenness, 1 / evenness, n)
    rates = reach.rates.toarray().ravel()
    met = rng.random((n, 5)) < -np.expm1(-activity[:, None] * rates)
    drawn = [(met.sum(axis=1) >= often).mean() for often in (1, 2, 3, 4)]
    assert reach.people_reached_often(range(5), most=4) == pytest.approx(drawn, abs=0.004)


@pytest.mark.parametrize("evenness", [0.05, 0.06, 0.3, 1.0, 20.0])
def test_the_quadrature_agrees_with_the_closed_form(evenness: float) -> None:
    shares = np.random.default_rng(1).uniform(0.0, 1.0, (4, 6)) ** 2
    reach = Reach(csr_array(shares), np.full(6, 1 / 6), evenness)
    for size in (1, 2, 4):
        often = reach.people_reached_often(range(size), most=size + 1)
        # Expected number of options that a person meets, counted by how many; and nobody more.
        assert often.sum() == pytest.approx(shares[:size].mean(axis=1).sum(), abs=2e-3)
        assert often[size] == pytest.approx(0.0, abs=1e-9)


def test_nobody_is_reached_by_nothing() -> None:
    reach = random_reach(1)
    assert reach.people_reached([]) == 0.0
    assert reach.people_reached_often([]).tolist() == [0.0, 0.0, 0.0]


def test_a_sure_share_is_the_whole_cell() -> None:
    reach = Reach(csr_array(np.array([[1.0], [1.0]])), np.array([7.0]))
    assert reach.people_reached([0, 1]) == pytest.approx(7.0, rel=1e-11)


@pytest.mark.parametrize(
    ("shares", "people", "evenness", "message"),
    [
        ([[1.5]], [1.0], 1.0, "1 shares are no numbers from 0 to 1; the first are \\[1.5\\]"),
        ([[np.nan]], [1.0], 1.0, "no numbers from 0 to 1"),
        ([[0.5]], [-1.0], 1.0, "not a number from 0 on"),
        ([[0.5]], [1.0, 2.0], 1.0, "one number for each of 1 cells"),
        ([[0.5]], [1.0], 0.0, "got an evenness of 0; expected numbers from 0.05 on"),
    ],
)
def test_impossible_reach_is_refused(
    shares: list[list[float]], people: list[float], evenness: float, message: str
) -> None:
    matrix = csr_array(np.array(shares))
    with pytest.raises(DataError, match=message):
        Reach(matrix, np.array(people), evenness)
