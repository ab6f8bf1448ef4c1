"""How surely one of many trials is better than the settings as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from matcher.evaluation.bootstrap import LEVEL
from matcher.tuning.trial import LEAST_COMPARED, SPEARMAN_WEIGHT, weigh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.tuning.trial import FoldFigures

__all__ = ["Gain", "find_gain"]


@dataclass(frozen=True)
class Gain:
    """The best trial against the first, the settings as they are.

    Parameters
    ----------
    best : int
        Number of the best trial; the first of equals.
    value, low, high : float
        Its objective less that of trial 0, with a 95 % interval; 0, 0, 0 where trial 0 is best.
    ndcg, spearman : float
        The same difference in each part; NaN where nothing delivered can be compared.
    """

    best: int
    value: float
    low: float
    high: float
    ndcg: float
    spearman: float

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0


def find_gain(trials: Sequence[Sequence[FoldFigures]], *, n_resamples: int, seed: int) -> Gain:
    r"""Gain of the best trial, with an interval that holds for all trials at once.

    Campaigns are drawn with replacement within each fold, the same for all trials, so that the
    interval is a paired one. The best of many looks better than it is; so the half-width is that
    of the largest studentised deviation of any trial:

    .. math:: \hat g \pm q \, s \, \frac{t_{.975,\,n-k}}{z_{.975}},
              \quad q = Q_{.95}\left(\max_t \frac{|g^*_t - g_t|}{s_t}\right)

    for n campaigns in k folds; s is unbiased in each fold. Without the last factor intervals over a
    dozen campaigns are too narrow.

    Parameters
    ----------
    trials : sequence of sequence of FoldFigures
        Figures by trial, then fold; trial 0 has the settings as they are.
    n_resamples : int
        Resamples, 2 or more.
    seed : int
        Seed.

    Returns
    -------
    Gain
        Gain and interval.

    References
    ----------
    Romano and Wolf, Exact and approximate stepdown methods for multiple hypothesis testing, JASA
    100 (2005), for the largest deviation; Efron and Tibshirani (1993), chapter 13.

    Examples
    --------
    >>> from matcher.tuning.trial import FoldFigures
    >>> low, high = (
    ...     FoldFigures(np.array(values), np.full(3, np.nan))
    ...     for values in ([0.1, 0.2, 0.3], [0.3, 0.3, 0.5])
    ... )
    >>> gain = find_gain([[low, low], [high, high]], n_resamples=500, seed=0)
    >>> gain.best, round(gain.value, 3), gain.is_sure
    (1, 0.167, True)
    """
    weighed = np.array([weigh(folds) for folds in trials])
    best = int(weighed[:, 0].argmax())
    difference = weighed[best] - weighed[0]
    if best == 0:
        return Gain(0, 0.0, 0.0, 0.0, *(float(part) for part in difference[1:]))
    resampled = _resample(trials, n_resamples, seed)
    spread = resampled.std(axis=0, ddof=1)
    moved = np.flatnonzero(spread > 0)
    found = weighed[:, 0] - weighed[0, 0]
    half = 0.0
    if spread[best] > 0:
        deviations = np.abs(resampled[:, moved] - found[moved]) / spread[moved]
        largest = float(np.quantile(deviations.max(axis=1), LEVEL))
        n_free = sum(len(one.ndcg) - 1 for one in trials[0])
        quantile = (1 + LEVEL) / 2
        half = largest * float(spread[best] * student.ppf(quantile, n_free) / norm.ppf(quantile))
    value = float(difference[0])
    return Gain(best, value, value - half, value + half, float(difference[1]), float(difference[2]))


def _resample(
    trials: Sequence[Sequence[FoldFigures]], n_resamples: int, seed: int
) -> NDArray[np.float64]:
    """Differences from trial 0 in every resample, shape (n_resamples, n_trials)."""
    rng = np.random.default_rng(seed)
    total = np.zeros((n_resamples, len(trials)))
    compared, n_compared = np.zeros_like(total), np.zeros((n_resamples, 1))
    n_folds = len(trials[0])
    for fold in range(n_folds):
        ndcg = np.array([folds[fold].ndcg for folds in trials]).T
        rho = np.array([folds[fold].spearman for folds in trials]).T
        n = len(ndcg)
        times = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples).astype(np.float64)
        total += _widened(times @ ndcg / n, ndcg.mean(axis=0), n) / n_folds
        known = ~np.isnan(rho).any(axis=1)
        if known.sum() < LEAST_COMPARED:
            continue
        held = (times @ known.astype(np.float64))[:, None]
        sums = times @ np.where(known[:, None], rho, 0.0)
        center = rho[known].mean(axis=0)
        means = np.divide(sums, held, out=np.zeros_like(sums), where=held > 0)
        # A resample without a comparable outcome says nothing of this fold.
        compared += np.where(held > 0, _widened(means, center, int(known.sum())), 0.0)
        n_compared += held > 0
    total += SPEARMAN_WEIGHT * np.divide(
        compared, n_compared, out=np.zeros_like(compared), where=n_compared > 0
    )
    return np.asarray(total - total[:, :1])


def _widened(
    means: NDArray[np.float64], center: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """Resampled means of `n` campaigns, spread as those of a sample without bias would be."""
    return np.asarray(center + (means - center) * np.sqrt(n / (n - 1)))
