from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from matcher.features.relative import normal_scores
from matcher.features.segments import expand_ranges, segment_max, segment_mean, segment_top_mean

FINITE = st.floats(-1e6, 1e6, allow_nan=False)
SEGMENTS = st.lists(st.lists(FINITE, max_size=40), max_size=12)


def ragged(segments: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([value for segment in segments for value in segment], dtype=np.float64)
    return values, np.array([len(segment) for segment in segments], dtype=np.int64)


@given(SEGMENTS)
def test_max_of_each_segment(segments):
    expected = [max(segment, default=np.nan) for segment in segments]
    np.testing.assert_array_equal(segment_max(*ragged(segments)), expected)


@given(SEGMENTS)
def test_mean_of_each_segment(segments):
    expected = [np.mean(segment) if segment else np.nan for segment in segments]
    # The order of addition differs; 1e6 summed 40 times keeps nine digits after the point.
    np.testing.assert_allclose(segment_mean(*ragged(segments)), expected, rtol=1e-9, atol=1e-9)


@given(SEGMENTS, st.integers(1, 9))
def test_mean_of_the_largest_of_each_segment(segments, k):
    expected = [np.mean(sorted(part)[-k:]) if part else np.nan for part in segments]
    found = segment_top_mean(*ragged(segments), k)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@given(SEGMENTS, st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_largest_do_not_depend_on_order_or_company(segments, k, seed):
    rng = np.random.default_rng(seed)
    together = segment_top_mean(*ragged(segments), k)
    alone = [segment_top_mean(*ragged([list(rng.permutation(part))]), k)[0] for part in segments]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("reduce", [segment_max, segment_mean])
def test_reductions_do_not_depend_on_company(reduce):
    rng = np.random.default_rng(0)
    segments = [rng.normal(size=n).tolist() for n in (300, 0, 1, 17, 0, 129, 8, 0)]
    alone = [reduce(*ragged([part]))[0] for part in segments]
    np.testing.assert_array_equal(reduce(*ragged(segments)), alone)


@pytest.mark.parametrize(
    "reduce", [segment_max, segment_mean, lambda v, n: segment_top_mean(v, n, 5)]
)
def test_no_segments_and_empty_segments(reduce):
    nothing = np.empty(0)
    assert reduce(nothing, np.empty(0, dtype=np.int64)).shape == (0,)
    assert np.isnan(reduce(nothing, np.zeros(3, dtype=np.int64))).all()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=15))
def test_ranges_are_expanded_one_after_the_other(ranges):
    starts = np.array([first for first, _ in ranges], dtype=np.int64)
    ends = np.array([first + n for first, n in ranges], dtype=np.int64)
    expected = [member for first, n in ranges for member in range(first, first + n)]
    assert expand_ranges(starts, ends).tolist() == expected


@given(st.lists(st.lists(st.one_of(st.just(np.nan), st.integers(-3, 3)), max_size=9), max_size=6))
def test_normal_scores_within_each_brief(briefs):
    values = np.array([v for brief in briefs for v in brief], dtype=np.float64)[:, None]
    bounds = np.concatenate(([0], np.cumsum([len(brief) for brief in briefs]))).astype(np.int64)
    expected = np.full(len(values), np.nan)
    for first, last in pairwise(bounds.tolist()):
        part = values[first:last, 0]
        known = ~np.isnan(part)
        ranks = rankdata(part[known])
        expected[first:last][known] = norm.ppf((ranks - 0.5) / max(known.sum(), 1))
    found = normal_scores(values, bounds)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_normal_scores_of_ties_unknown_and_single_values():
    nan = np.nan
    values = np.array([[5.0, nan, 1.0], [5.0, nan, nan], [5.0, nan, nan], [9.0, 2.0, 3.0]])
    found = normal_scores(values, np.array([0, 3, 4]))
    np.testing.assert_array_equal(found[:, 0], [0, 0, 0, 0])
    np.testing.assert_array_equal(found[:3, 1], [nan] * 3)
    np.testing.assert_array_equal(found[:, 2], [0, nan, nan, 0])


def test_normal_scores_of_nothing():
    assert normal_scores(np.empty((0, 3)), np.array([0, 0])).shape == (0, 3)


@given(st.lists(FINITE, min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_normal_scores_follow_rows_and_rise_with_values(values, seed):
    column = np.array(values)[:, None]
    bounds = np.array([0, len(values)])
    order = np.random.default_rng(seed).permutation(len(values))
    scores = normal_scores(column, bounds)
    np.testing.assert_array_equal(scores[order], normal_scores(column[order], bounds))
    by_value = np.argsort(column[:, 0], kind="stable")
    assert (np.diff(scores[by_value, 0]) >= 0).all()
