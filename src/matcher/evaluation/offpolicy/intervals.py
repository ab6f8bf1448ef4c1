"""Intervals of totals over campaigns, by a bootstrap that draws campaigns whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import norm

from matcher.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.estimators import Parts

__all__ = ["LEVEL", "Amount", "amount_to_dict", "total_interval"]

LEVEL: Final = 0.95
"""Nominal coverage of every interval."""


@dataclass(frozen=True)
class Amount:
    """An estimate with its interval.

    Parameters
    ----------
    value : float
        Estimate.
    low, high : float
        Ends of the interval of 95 %; NaN where none can be stated.

    Raises
    ------
    DataError
        If the ends stand in the wrong order.
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise DataError(f"interval: got {self.low} to {self.high}; expected rising ends")

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return bool(self.low > 0 or self.high < 0)

    def around(self, value: float) -> Amount:
        """The same interval for another estimate, which it is stretched to hold.

        Parameters
        ----------
        value : float
            Estimate.

        Returns
        -------
        Amount
            Estimate and ends.
        """
        low, high = np.minimum(self.low, value), np.maximum(self.high, value)
        return Amount(value, float(low), float(high))

    def over(self, divisor: float) -> Amount:
        """The same amount in another unit.

        Parameters
        ----------
        divisor : float
            Number above 0 that it is divided by.

        Returns
        -------
        Amount
            Estimate and ends.
        """
        return Amount(self.value / divisor, self.low / divisor, self.high / divisor)


def amount_to_dict(one: Amount | None) -> dict[str, float | None] | None:
    """An estimate as JSON holds it.

    Parameters
    ----------
    one : Amount or None
        Estimate, if there is one.

    Returns
    -------
    dict or None
        ``value, low, high``; None for a number that cannot be told, and for no estimate.
    """
    if one is None:
        return None
    held = {"value": one.value, "low": one.low, "high": one.high}
    return {name: float(end) if np.isfinite(end) else None for name, end in held.items()}


def total_interval(
    parts: Parts, *, seed: int, bias: float = 0.0, n_resamples: int = 2_000
) -> Amount:
    """Estimate with its interval of 95 % over campaigns.

    Campaigns are drawn with replacement, and each drawn total is studentised by its own spread:
    outcomes are skewed, and percentiles of the totals alone would leave out too much above. What is
    not known of accounts, and a bias, lengthen both arms: arms add as squares, a bias as if it
    were another standard error.

    Parameters
    ----------
    parts : Parts
        Estimate and contributions.
    seed : int
        Seed of the draws.
    bias : float
        Estimated bias, in the unit of the estimate.
    n_resamples : int
        Resamples, 1 or more.

    Returns
    -------
    Amount
        Estimate and interval; without one where fewer than 2 campaigns contribute or none varies,
        unless every campaign contributes nothing at all, as to the difference between a policy and
        itself, which is 0 for sure.

    References
    ----------
    Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 12 (bootstrap-t).
    """
    n, spread = len(parts.linear), float(np.sqrt(parts.drawn_variance))
    if n and parts.value == 0 and bias == 0 and not parts.linear.any() and not parts.doubts.any():
        return Amount(0.0, 0.0, 0.0)
    if n < 2 or not np.isfinite(spread) or spread == 0:
        return Amount(parts.value, np.nan, np.nan)
    counts = _resamples(n, n_resamples, seed)
    centred = parts.linear - parts.linear.mean()
    sums, squares = counts @ centred, counts @ centred**2
    own = np.sqrt(np.maximum(squares - sums**2 / n, 0.0) * n / (n - 1))
    ratios = np.divide(sums, own, out=np.zeros(n_resamples), where=own > 0)
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(ratios, [1.0 - tail, tail])
    more = float(norm.ppf(1.0 - tail)) * float(np.hypot(np.linalg.norm(parts.doubts), bias))
    value, arms = parts.value, np.hypot(np.maximum([low, -high], 0.0) * spread, more)
    return Amount(value, value - float(arms[0]), value + float(arms[1]))


@lru_cache(maxsize=2)
def _resamples(n: int, n_resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each campaign is drawn; the same for every estimate of one log."""
    rng = np.random.default_rng(seed)
    found = rng.multinomial(n, np.full(n, 1.0 / n), size=n_resamples).astype(np.float64)
    found.setflags(write=False)
    return found
