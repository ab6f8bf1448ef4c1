"""How sure the gain of the best of many trials is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.tuning.trial import SPEARMAN_WEIGHT, FoldFigures, read_figures, weigh
from matcher.tuning.verdict import find_gain


def draw(rng: np.random.Generator, gain: float = 0.0, n: int = 6) -> tuple[FoldFigures, ...]:
    folds = []
    for _ in range(3):
        rho = rng.normal(0.5 + gain, 0.2, n)
        rho[0] = np.nan
        folds.append(FoldFigures(rng.normal(0.3 + gain, 0.1, n), rho))
    return tuple(folds)


def test_the_best_of_many_trials_of_noise_is_seldom_sure() -> None:
    n_sure = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        trials = [draw(rng) for _ in range(12)]
        n_sure += find_gain(trials, n_resamples=200, seed=seed).is_sure
    # 2.5 % where the interval is right; without care for the best of many it would be a third.
    assert n_sure <= 12


def test_a_real_gain_is_found_and_its_parts_add_up() -> None:
    rng = np.random.default_rng(0)
    trials = [draw(rng), draw(rng), draw(rng, gain=0.3)]
    gain = find_gain(trials, n_resamples=500, seed=0)
    assert gain.best == 2
    assert gain.is_sure
    assert gain.low < gain.value < gain.high
    assert gain.value == pytest.approx(gain.ndcg + SPEARMAN_WEIGHT * gain.spearman)
    assert gain.value == pytest.approx(weigh(trials[2])[0] - weigh(trials[0])[0])


def test_the_interval_is_paired() -> None:
    rng = np.random.default_rng(0)
    base = draw(rng)
    better = tuple(FoldFigures(one.ndcg + 0.01, one.spearman) for one in base)
    gain = find_gain([base, better], n_resamples=200, seed=0)
    # Each campaign is better by as much, however much campaigns differ.
    assert (gain.low, gain.high) == (pytest.approx(0.01), pytest.approx(0.01))


@given(st.integers(1, 5))
def test_trials_like_the_settings_as_they_are_change_nothing(n_trials: int) -> None:
    base = draw(np.random.default_rng(0))
    gain = find_gain([base] * (n_trials + 1), n_resamples=20, seed=0)
    assert (gain.best, gain.value, gain.low, gain.high, gain.is_sure) == (0, 0, 0, 0, False)


@given(st.integers(0, 10_000))
def test_figures_survive_being_kept(seed: int) -> None:
    folds = draw(np.random.default_rng(seed))
    again = read_figures([one.as_dict() for one in folds])
    for one, other in zip(folds, again, strict=True):
        np.testing.assert_array_equal(one.ndcg, other.ndcg)
        np.testing.assert_array_equal(one.spearman, other.spearman)
    assert weigh(folds) == weigh(again)


def test_where_nothing_delivered_can_be_compared_ndcg_counts_alone() -> None:
    folds = [FoldFigures(np.array([0.2, 0.4]), np.array([np.nan, 0.9]))] * 2
    objective, ndcg, rho = weigh(folds)
    assert (objective, ndcg) == (pytest.approx(0.3), pytest.approx(0.3))
    assert np.isnan(rho)
    better = [FoldFigures(np.array([0.9, 0.4]), np.array([np.nan, 0.1]))] * 2
    gain = find_gain([folds, better], n_resamples=50, seed=0)
    assert (gain.best, gain.value) == (1, pytest.approx(0.35))
    assert np.isnan(gain.spearman)
