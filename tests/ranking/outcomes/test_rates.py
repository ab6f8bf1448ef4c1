"""What hires have beyond expectation: blocks of time, known slopes, and no look ahead."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.ranking.linear import prepare_columns
from matcher.ranking.outcomes.rates import fit_adjustment, fit_log_rate, split_campaigns

NAMES = ("one", "two", "three")


def make_hires(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    campaigns = np.repeat([f"c{k:03d}" for k in range(n // 10)], 10).astype(object)
    decided = np.repeat(np.arange(n // 10), 10).astype("datetime64[D]")
    return rng.standard_normal((n, 3)), campaigns, decided


def test_blocks_follow_time_and_keep_campaigns_whole() -> None:
    _, campaigns, decided = make_hires()
    turned = np.random.default_rng(1).permutation(len(campaigns))
    blocks = split_campaigns(campaigns[turned], decided[turned])
    for block in range(1, 5):
        assert decided[turned][blocks < block].max() < decided[turned][blocks >= block].min()
    assert {len(set(blocks[campaigns[turned] == one])) for one in set(campaigns)} == {1}
    assert np.bincount(blocks).tolist() == [240, 90, 90, 90, 90]


def test_a_prediction_rests_on_earlier_campaigns_alone() -> None:
    values, campaigns, decided = make_hires()
    blocks = split_campaigns(campaigns, decided)
    targets = values[:, 0] + np.random.default_rng(2).standard_normal(len(values))
    swapped, last = targets.copy(), np.flatnonzero(blocks == 4)
    swapped[last[:2]] = targets[last[1::-1]]
    columns, nothing = prepare_columns(values), np.zeros(len(values))
    before, after = (
        fit_adjustment(values, one, columns, NAMES, forecast=nothing, blocks=blocks)
        for one in (targets, swapped)
    )
    assert before.penalty == after.penalty
    np.testing.assert_array_equal(before.unseen, after.unseen)
    assert not np.array_equal(before.model.slopes, after.model.slopes)
    np.testing.assert_array_equal(np.isnan(before.unseen), blocks == 0)


def test_slopes_are_found_and_noise_is_not() -> None:
    values, campaigns, decided = make_hires(3_000)
    blocks = split_campaigns(campaigns, decided)
    rng = np.random.default_rng(3)
    targets = 0.8 * values[:, 0] + rng.standard_normal(len(values))
    columns, nothing = prepare_columns(values), np.zeros(len(values))
    found = fit_adjustment(values, targets, columns, NAMES, forecast=nothing, blocks=blocks)
    assert found.model.slopes[0] == pytest.approx(0.8, abs=0.08)
    noise = rng.standard_normal(len(values))
    nothing_there = fit_adjustment(values, noise, columns, NAMES, forecast=nothing, blocks=blocks)
    assert np.abs(nothing_there.model.slopes).max() < 0.05


def test_a_forecast_that_is_too_steep_is_bent_back() -> None:
    values, campaigns, decided = make_hires(2_000)
    forecast = 2.0 * np.random.default_rng(4).standard_normal(len(values))
    targets = -0.3 * forecast + np.random.default_rng(5).standard_normal(len(values))
    found = fit_adjustment(
        values,
        targets,
        prepare_columns(values),
        NAMES,
        forecast=forecast,
        blocks=split_campaigns(campaigns, decided),
    )
    assert found.slope == pytest.approx(-0.3, abs=0.05)


def test_a_rate_and_what_moves_it_are_recovered_from_counts() -> None:
    values, campaigns, decided = make_hires(3_000)
    rng = np.random.default_rng(6)
    exposures = np.exp(rng.normal(7.0, 1.0, len(values)))
    counts = rng.poisson(exposures * np.exp(-4.0 + 0.5 * values[:, 1])).astype(float)
    found = fit_log_rate(
        values,
        counts,
        exposures,
        prepare_columns(values),
        NAMES,
        blocks=split_campaigns(campaigns, decided),
    )
    assert found.model.slopes[1] == pytest.approx(0.5, abs=0.05)
    assert found.model.predict(np.zeros((1, 3)))[0] == pytest.approx(-4.0, abs=0.05)
    expected = (exposures * np.exp(found.model.predict(values))).sum()
    assert expected == pytest.approx(counts.sum(), rel=0.03)


def test_counts_of_nothing_give_a_small_rate_rather_than_none() -> None:
    values, campaigns, decided = make_hires(200)
    found = fit_log_rate(
        values,
        np.zeros(200),
        np.full(200, 100.0),
        prepare_columns(values),
        NAMES,
        blocks=split_campaigns(campaigns, decided),
    )
    rates = np.exp(found.model.predict(values))
    assert (rates > 0).all()
    assert (rates * 100.0 * 200).max() < 5.0
