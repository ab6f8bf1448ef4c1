from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import DataError
from matcher.ranking.calibration import (
    FitCalibration,
    PoolScores,
    fit_calibration,
    pool_percentiles,
)


def make_calibration(slopes=(1.0, 0.5), knots=(0.0,), **facts):
    known = {"hires_per_campaign": 9.0, "hires_per_asked": 0.8, "n_campaigns": 9, "n_hired": 81}
    return FitCalibration(slopes, knots, **{**known, **facts})


def draw_campaigns(seed: int, n_campaigns: int, *, n: int = 400, k: int = 8, power: float = 1.5):
    """Campaigns that hire one after the other, each with odds exp(power x normal score)."""
    rng = np.random.default_rng(seed)
    for _ in range(n_campaigns):
        quality = rng.normal(size=n)
        hired = np.zeros(n, dtype=bool)
        hired[np.argsort(-(power * quality + rng.gumbel(size=n)))[:k]] = True
        # Scores of every campaign have a scale of their own, as those of a ranker do.
        yield PoolScores(np.exp(rng.uniform(0.1, 2) * quality), hired, np.ones(n), k)


def test_what_was_learnt_holds_on_later_campaigns():
    found, reason = fit_calibration(list(draw_campaigns(1, 60)))
    assert reason == ""
    later = list(draw_campaigns(2, 400))
    judged = [found.judge(pool_percentiles(one.scores), 400, 8) for one in later]
    chance = np.concatenate([probability for probability, _ in judged])
    times = np.concatenate([ratio for _, ratio in judged])
    hired = np.concatenate([one.hired for one in later])
    for low, high in ((0.0, 0.005), (0.005, 0.02), (0.02, 0.06), (0.06, 0.15), (0.15, 1.0)):
        inside = (chance >= low) & (chance < high)
        error = np.sqrt(chance[inside].mean() / inside.sum())
        assert (
            abs(hired[inside].mean() - chance[inside].mean())
            < 4 * error + 0.15 * chance[inside].mean()
        )
    assert times.mean() == pytest.approx(1.0)
    assert hired[times > 5].mean() / hired.mean() > 5


def test_a_pool_that_was_drawn_gives_what_the_whole_one_gives():
    whole = list(draw_campaigns(3, 60, n=2_000))
    rng = np.random.default_rng(4)
    drawn = []
    for one in whole:
        others = np.flatnonzero(~one.hired)
        kept = np.sort(np.concatenate((np.flatnonzero(one.hired), rng.choice(others, 300, False))))
        weights = np.where(one.hired[kept], 1.0, len(others) / 300)
        drawn.append(PoolScores(one.scores[kept], one.hired[kept], weights, one.n_asked))
    percentiles = np.array([0.2, 0.5, 0.8, 0.95, 0.99])
    judged = [
        fit_calibration(campaigns)[0].judge(percentiles, 2_000, 8)[0]
        for campaigns in (whole, drawn)
    ]
    np.testing.assert_allclose(judged[1], judged[0], rtol=0.35)


@given(
    n_eligible=st.integers(1, 500),
    n_asked=st.none() | st.integers(1, 600),
    first=st.floats(0, 3),
    change=st.floats(-1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_probabilities_add_up_to_the_hires_and_never_fall(n_eligible, n_asked, first, change, seed):
    calibration = make_calibration((first, max(change, -first)))
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 50, n_eligible).astype(float)
    percentiles = pool_percentiles(scores)
    chance, times = calibration.judge(percentiles, n_eligible, n_asked)
    assert (chance > 0).all()
    assert (chance <= 1).all()
    wanted = 9.0 if n_asked is None else 0.8 * n_asked
    assert chance.sum() == pytest.approx(min(wanted, n_eligible), rel=1e-6)
    assert times.mean() == pytest.approx(1.0)
    order = np.argsort(scores)
    assert (np.diff(chance[order]) >= -1e-12).all()


def test_accounts_that_retrieval_left_out_stand_lower():
    calibration = make_calibration()
    percentiles = pool_percentiles(np.arange(100.0))
    everyone, _ = calibration.judge(percentiles, 100, 10)
    best, times = calibration.judge(percentiles[-20:], 100, 10)
    np.testing.assert_allclose(best, everyone[-20:])
    assert (times > 1).all()


def test_too_few_campaigns_state_nothing_and_say_why():
    found, reason = fit_calibration(list(draw_campaigns(1, 7)))
    assert found is None
    assert reason == "7 later campaigns with 56 hires; 8 with 40 are needed"


def test_it_is_read_back_as_it_was():
    found, _ = fit_calibration(list(draw_campaigns(1, 12)))
    assert FitCalibration.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_a_ranking_that_says_nothing_leaves_everyone_at_the_average():
    rng = np.random.default_rng(5)
    noise = [
        PoolScores(rng.normal(size=400), one.hired, one.weights, one.n_asked)
        for one in draw_campaigns(6, 200)
    ]
    _, times = fit_calibration(noise)[0].judge(pool_percentiles(np.arange(400.0)), 400, 8)
    assert times.max() < 2.0
    assert times.min() > 0.5


def test_falling_weights_are_refused():
    with pytest.raises(DataError, match="none of whose running sums is negative"):
        make_calibration((0.5, -0.6))
