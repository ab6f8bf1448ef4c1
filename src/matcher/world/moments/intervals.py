"""Sampling intervals of published figures that come as one number with its sample size."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["Range", "correlation_range", "median_range", "share_range", "spread_range"]

Range = tuple[float, float]

_Z: Final = 1.959963984540054
"""Quantile .975 of the standard normal."""


def share_range(share: float, n: int) -> Range:
    """Wilson's 95 % interval of a share.

    Parameters
    ----------
    share : float
        Published share, 0..1.
    n : int
        Published sample size, 1 or more.

    Returns
    -------
    tuple of float
        Low and high.

    Examples
    --------
    >>> low, high = share_range(0.21, 500)
    >>> round(low, 3), round(high, 3)
    (0.177, 0.248)
    """
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    return centre - half, centre + half


def spread_range(spread: float, n: int) -> Range:
    """95 % interval of a standard deviation of normal draws (chi-square).

    Parameters
    ----------
    spread : float
        Published standard deviation.
    n : int
        Published sample size, 2 or more.

    Returns
    -------
    tuple of float
        Low and high.

    Examples
    --------
    >>> low, high = spread_range(1.15, 499)
    >>> round(low, 2), round(high, 2)
    (1.08, 1.23)
    """
    from scipy.stats import chi2

    low = spread * math.sqrt((n - 1) / float(chi2.ppf(0.975, n - 1)))
    return low, spread * math.sqrt((n - 1) / float(chi2.ppf(0.025, n - 1)))


def correlation_range(correlation: float, n: int) -> Range:
    """Fisher's 95 % interval of a correlation.

    Parameters
    ----------
    correlation : float
        Published correlation, within -1 and 1.
    n : int
        Published sample size, 4 or more.

    Returns
    -------
    tuple of float
        Low and high.

    Examples
    --------
    >>> low, high = correlation_range(0.87, 119)
    >>> round(low, 3), round(high, 3)
    (0.818, 0.908)
    """
    centre, half = math.atanh(correlation), _Z / math.sqrt(n - 3)
    return math.tanh(centre - half), math.tanh(centre + half)


def median_range(median: float, spread: float, n: int) -> Range:
    """95 % interval of the median of log-normal draws.

    Parameters
    ----------
    median : float
        Published median, positive.
    spread : float
        Published standard deviation of the natural log.
    n : int
        Published sample size, 1 or more.

    Returns
    -------
    tuple of float
        Low and high.

    Examples
    --------
    >>> low, high = median_range(0.18, 0.54, 490)
    >>> round(low, 3), round(high, 3)
    (0.17, 0.191)
    """
    half = _Z * math.sqrt(math.pi / 2) * spread / math.sqrt(n)
    return median * math.exp(-half), median * math.exp(half)
