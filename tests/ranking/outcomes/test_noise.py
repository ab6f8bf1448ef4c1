"""Counts around an uncertain mean, compared with what can be computed otherwise."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, poisson

from matcher.ranking.outcomes.noise import count_below, count_error, count_quantile


def test_without_spread_a_count_is_poisson() -> None:
    counts = np.arange(0.0, 40.0)
    log_mean = np.full(len(counts), np.log(12.0))
    found = count_below(counts, log_mean, np.full(len(counts), 1e-6))
    np.testing.assert_allclose(found, poisson.cdf(counts, 12.0), atol=1e-4)


def test_levels_are_those_of_drawn_counts() -> None:
    rng = np.random.default_rng(1)
    for log_mean, spread in ((0.5, 0.8), (3.0, 0.6), (6.0, 1.2)):
        drawn = rng.poisson(np.exp(log_mean + spread * rng.standard_normal(200_000)))
        at = np.quantile(drawn, [0.1, 0.3, 0.5, 0.7, 0.9]).round()
        size = np.ones(len(at))
        found = count_below(at, log_mean * size, spread * size)
        np.testing.assert_allclose(found, [(drawn <= one).mean() for one in at], atol=0.02)


def test_errors_of_drawn_counts_are_standard_normal() -> None:
    rng = np.random.default_rng(2)
    log_mean, spread = rng.uniform(-1.0, 7.0, 4_000), rng.uniform(0.3, 1.2, 4_000)
    drawn = rng.poisson(np.exp(log_mean + spread * rng.standard_normal(4_000)))
    error = count_error(drawn.astype(float), log_mean, spread, rng.random(4_000))
    assert kstest(error, "norm").pvalue > 0.01


@given(st.floats(-2.0, 4.0), st.floats(0.1, 1.5), st.floats(-2.0, 2.0))
def test_a_quantile_is_the_smallest_count_that_reaches_its_level(
    log_mean: float, spread: float, error: float
) -> None:
    from scipy.special import ndtr

    one = np.ones(1)
    count = count_quantile(error * one, log_mean * one, spread * one)
    assert count_below(count, log_mean * one, spread * one)[0] >= ndtr(error) - 1e-9
    assert count[0] == 0 or (
        count_below(count - 1, log_mean * one, spread * one)[0] < ndtr(error) + 1e-9
    )


def test_quantiles_rise_with_their_level_across_few_and_many() -> None:
    log_mean = np.linspace(-1.0, 12.0, 30)
    spread = np.full(30, 0.9)
    low, high = (count_quantile(np.full(30, z), log_mean, spread) for z in (-1.28, 1.28))
    assert (low <= high).all()
    assert (np.diff(high) >= 0).all()
