"""Distributions of outcomes agree with themselves, whatever is asked of them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy.special import ndtri

from matcher.errors import MatcherError
from matcher.ranking.outcomes.conformal import LEVELS
from matcher.ranking.outcomes.distribution import Distributions, scale_draws

KINDS = ("level", "count", "rate")


def make(
    kind: Literal["level", "count", "rate"] = "level", n: int = 5, shared: float = 0.0
) -> Distributions:
    centre = np.linspace(4.0, 8.0, n) if kind != "rate" else np.linspace(-5.0, -2.0, n)
    table = np.stack([ndtri(LEVELS), 0.3 + 1.4 * ndtri(LEVELS)])
    return Distributions(
        outcome="x",
        kind=kind,
        centre=centre,
        spread=np.linspace(0.4, 0.9, n),
        n_posts=np.ones(n) if kind == "rate" else np.arange(1.0, n + 1.0),
        cells=np.arange(n) % 2,
        errors=table,
        plain=table,
        outside=np.zeros(n, dtype=bool),
        expected=np.full(n, np.nan),
        factor=1.0,
        shared=shared,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_chance_of_a_quantile_is_its_level(kind: Literal["level", "count", "rate"]) -> None:
    held = make(kind)
    for level in (0.1, 0.5, 0.9):
        chance = held.exceeds(held.quantile(level))
        np.testing.assert_allclose(chance, 1.0 - level, atol=0.02 if kind == "rate" else 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_draws_have_the_mean_and_the_quantiles(kind: Literal["level", "count", "rate"]) -> None:
    held = make(kind)
    draws = held.draws(n_draws=20_000, seed=1)
    np.testing.assert_allclose(np.median(draws, axis=0), held.quantile(0.5), rtol=0.06, atol=1.0)
    np.testing.assert_allclose(draws.mean(axis=0), held.mean(), rtol=0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_goals_that_rise_are_reached_less_often(kind: Literal["level", "count", "rate"]) -> None:
    held = make(kind)
    goals = np.quantile(held.draws(n_draws=2_000), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    chances = np.array([held.exceeds(float(goal)) for goal in goals])
    assert (np.diff(chances, axis=0) <= 1e-12).all()
    assert (held.exceeds(0.0) == 1.0).all()


def test_one_beats_another_as_often_as_the_other_does_not() -> None:
    held = make()
    assert held.beats(4, 0) > 0.9
    assert held.beats(0, 4) == pytest.approx(1.0 - held.beats(4, 0), abs=0.02)
    equal = held.select(np.array([2, 2]))
    assert equal.beats(0, 1) == pytest.approx(0.5, abs=0.03)


def test_what_a_campaign_shares_widens_its_total() -> None:
    apart, together = (
        make(n=12, shared=shared).draws(n_draws=4_000).sum(axis=1) for shared in (0.0, 0.5)
    )
    assert np.std(np.log(together)) > 1.2 * np.std(np.log(apart))


def test_a_mean_by_another_road_stands() -> None:
    held = make("count")
    told = Distributions(**{**held.__dict__, "expected": np.arange(5.0)})
    np.testing.assert_array_equal(told.mean(), np.arange(5.0))


def test_arrays_that_differ_in_length_are_refused() -> None:
    values = {**make().__dict__, "spread": np.ones(4)}
    with pytest.raises(MatcherError, match=r"got arrays of \[4, 5\] pairs"):
        Distributions(**values)


@pytest.mark.parametrize("level", [0.02, 3.0, 4_000.0])
def test_scaled_draws_bring_the_mean_and_stay_whole(level: float) -> None:
    rng = np.random.default_rng(0)
    draws = rng.poisson([0.0, 0.4, 7.0, 900.0], (4_000, 4)).astype(np.float64)
    mean = level * np.array([1.0, 2.0, 1.0, 0.5])
    scaled = scale_draws(draws, mean, is_whole=True)
    np.testing.assert_array_equal(scaled, np.round(scaled))
    np.testing.assert_allclose(scaled.mean(axis=0), mean, atol=0.03, rtol=0.01)
    exact = scale_draws(draws, mean, is_whole=False)
    np.testing.assert_allclose(exact.mean(axis=0), mean, rtol=1e-9)
    assert (np.diff(exact[np.argsort(draws[:, 2]), 2]) >= 0).all()
    assert scale_draws(np.empty((5, 0)), np.empty(0), is_whole=True).shape == (5, 0)
