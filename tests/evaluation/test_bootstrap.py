"""Intervals over brands: by hand, paired, seeded, and as wide as they claim."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import DataError
from matcher.evaluation.bootstrap import NO_DEFINED_CAMPAIGN, ONE_BRAND, bootstrap_means


def test_interval_matches_the_enumeration_of_all_resamples():
    values = np.array([[1.0], [2.0], [6.0], [9.0]])
    brands = np.array(["a", "a", "b", "c"])
    sums, counts = np.array([3.0, 6.0, 9.0]), np.array([2, 1, 1])
    every = [
        sums[list(drawn)].sum() / counts[list(drawn)].sum()
        for drawn in itertools.product(range(3), repeat=3)
    ]
    got = bootstrap_means(values, brands, n_resamples=40_000, seed=1)
    assert got.value[0] == (1 + 2 + 6 + 9) / 4
    # 1 of 27 resamples holds only brand a, 1 only brand c: both tails lie beyond 2.5 %
    assert got.low[0] == min(every) == 1.5
    assert got.high[0] == max(every) == 9.0


def test_undefined_campaigns_are_left_out_and_counted():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan], [8.0, 4.0]])
    got = bootstrap_means(values, np.array(["a", "b", "b", "c"]), n_resamples=50, seed=0)
    assert got.value.tolist() == [4.0, 4.0]
    assert got.n.tolist() == [3, 1]
    assert got.n_brands.tolist() == [3, 1]
    assert got.reason.tolist() == ["", ONE_BRAND]
    assert np.isnan(got.low[1])


def test_no_campaign_gives_no_value():
    got = bootstrap_means(np.zeros((0, 2)), np.zeros(0, dtype="<U1"), n_resamples=5, seed=0)
    assert np.isnan(got.value).all()
    assert got.reason.tolist() == [NO_DEFINED_CAMPAIGN] * 2


def test_one_campaign_has_a_value_without_an_interval():
    got = bootstrap_means(np.array([[0.7]]), np.array(["a"]), n_resamples=5, seed=0)
    assert got.value.tolist() == [0.7]
    assert np.isnan([got.low[0], got.high[0]]).all()


def test_campaigns_of_one_brand_stand_or_fall_together():
    rng = np.random.default_rng(0)
    of_brand = rng.normal(size=20).repeat(10)[:, None]
    clustered = bootstrap_means(of_brand, np.arange(200) // 10, n_resamples=2000, seed=0)
    alone = bootstrap_means(of_brand, np.arange(200), n_resamples=2000, seed=0)
    ratio = (clustered.high - clustered.low) / (alone.high - alone.low)
    assert ratio[0] == pytest.approx(np.sqrt(10), rel=0.2)


def test_differences_are_paired():
    rng = np.random.default_rng(0)
    difficulty = rng.normal(size=100)
    model = difficulty + 0.1 + rng.normal(scale=0.05, size=100)
    values = np.column_stack([model, difficulty, model - difficulty])
    got = bootstrap_means(values, np.arange(100), n_resamples=1000, seed=0)
    widths = got.high - got.low
    assert got.low[2] > 0
    assert widths[2] < widths[:2].min() / 5


def test_a_column_does_not_depend_on_the_columns_beside_it():
    rng = np.random.default_rng(3)
    values, brands = rng.random((30, 4)), rng.integers(8, size=30)
    values[4:9, 1] = np.nan
    together = bootstrap_means(values, brands, n_resamples=300, seed=5)
    alone = bootstrap_means(values[:, 2:3], brands, n_resamples=300, seed=5)
    assert together.low[2] == pytest.approx(alone.low[0], abs=1e-12)
    assert together.high[2] == pytest.approx(alone.high[0], abs=1e-12)


def test_many_brands_are_worked_through_in_bounded_memory():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(30_000, 1))
    got = bootstrap_means(values, np.arange(30_000), n_resamples=200, seed=5)
    assert got.high[0] - got.low[0] == pytest.approx(2 * 1.96 / np.sqrt(30_000), rel=0.2)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.one_of(st.floats(-5, 5), st.just(float("nan")))),
        min_size=1,
        max_size=25,
    ),
    st.integers(0, 3),
)
def test_ends_lie_inside_the_data_and_repeat_under_a_seed(rows, seed):
    brands, values = np.array([row[0] for row in rows]), np.array([[row[1]] for row in rows])
    first = bootstrap_means(values, brands, n_resamples=60, seed=seed)
    second = bootstrap_means(values, brands, n_resamples=60, seed=seed)
    np.testing.assert_array_equal(first.low, second.low)
    np.testing.assert_array_equal(first.high, second.high)
    if first.n_brands[0] >= 2:
        assert np.nanmin(values) - 1e-9 <= first.low[0] <= first.high[0]
        assert first.high[0] <= np.nanmax(values) + 1e-9
    else:
        assert first.reason[0] in {ONE_BRAND, NO_DEFINED_CAMPAIGN}


def test_shapes_are_checked():
    with pytest.raises(DataError, match=r"`values` has shape \(2, 1\), `brands` \(3,\)"):
        bootstrap_means(np.zeros((2, 1)), np.arange(3), n_resamples=5, seed=0)


def test_a_resample_is_needed():
    with pytest.raises(DataError, match="`n_resamples` is 0"):
        bootstrap_means(np.zeros((2, 1)), np.arange(2), n_resamples=0, seed=0)


@pytest.mark.slow
def test_intervals_cover_the_truth_about_as_often_as_they_say():
    # 60 brands of unequal size with a brand effect; the truth is the ratio of expectations, 0
    rng = np.random.default_rng(11)
    covered, n_worlds = 0, 500
    for world in range(n_worlds):
        sizes = rng.integers(1, 5, size=60)
        brands = np.repeat(np.arange(60), sizes)
        values = rng.normal(size=60)[brands] + rng.normal(size=brands.size)
        got = bootstrap_means(values[:, None], brands, n_resamples=400, seed=world)
        covered += int(got.low[0] <= 0 <= got.high[0])
    # binomial error of 500 worlds is .01; percentile intervals over 60 brands run ~.01 narrow
    assert 0.91 <= covered / n_worlds <= 0.975


def test_interval_over_draws_covers_the_mean_of_noisy_draws():
    """Draws that each miss 0 by far more than brands vary; oracle: repeated sampling."""
    rng = np.random.default_rng(4)
    hits = 0
    for world in range(200):
        drawn = rng.normal(size=(1, 12)) + 0.01 * rng.normal(size=(40, 12))
        mean = drawn.mean(axis=1, keepdims=True)
        kind = {"n_resamples": 300, "seed": world}
        wide = bootstrap_means(mean, np.arange(40), draws={0: drawn}, **kind)
        narrow = bootstrap_means(mean, np.arange(40), **kind)
        assert wide.value == narrow.value
        assert wide.high - wide.low > 20 * (narrow.high - narrow.low)
        hits += bool(wide.low[0] <= 0 <= wide.high[0])
    assert 0.87 < hits / 200 < 0.99
