from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.whatif.movement import rank_biased_overlap

LISTS = st.lists(st.integers(0, 30), unique=True, max_size=12)


def by_definition(first: list[int], second: list[int], p: float) -> float:
    """Equation 23 of Webber et al., term by term, for lists of one length."""
    k = len(first)
    agreement = [len(set(first[:d]) & set(second[:d])) / d for d in range(1, k + 1)]
    total = (1 - p) / p * sum(one * p**d for d, one in enumerate(agreement, start=1))
    return agreement[-1] * p**k + total


@given(st.permutations(range(9)), st.permutations(range(4, 13)), st.sampled_from([0.5, 0.9]))
def test_equals_the_definition_for_equal_lengths(
    first: list[int], second: list[int], p: float
) -> None:
    found = rank_biased_overlap(first, second, persistence=p)
    assert found == pytest.approx(by_definition(first, second, p))


@given(LISTS, LISTS)
def test_is_a_symmetric_share(first: list[int], second: list[int]) -> None:
    found = rank_biased_overlap(first, second)
    assert 0.0 <= found <= 1.0
    assert found == pytest.approx(rank_biased_overlap(second, first))
    assert rank_biased_overlap(first, first) == pytest.approx(1.0)
    if first and second and not set(first) & set(second):
        assert found == 0.0


@given(st.permutations(range(8)))
def test_a_prefix_agrees_as_far_as_it_goes(first: list[int]) -> None:
    assert rank_biased_overlap(first, first[:5]) == pytest.approx(1.0)


def test_changes_at_the_top_weigh_more() -> None:
    plain = list(range(10))
    top, bottom = [1, 0, *plain[2:]], [*plain[:8], 9, 8]
    assert rank_biased_overlap(plain, top) < rank_biased_overlap(plain, bottom) < 1.0
    assert np.isclose(rank_biased_overlap([], [1]), 0.0)
