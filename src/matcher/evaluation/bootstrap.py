"""Means over campaigns with intervals from a bootstrap clustered over brands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.errors import DataError
from matcher.evaluation.ranked import FloatArray, IntArray

__all__ = [
    "LEVEL",
    "NO_DEFINED_CAMPAIGN",
    "ONE_BRAND",
    "BootstrapMeans",
    "bootstrap_means",
    "bootstrap_ratios",
]

LEVEL = 0.95
"""Nominal coverage of every interval."""
ONE_BRAND = "fewer than 2 brands; an interval over brands needs at least 2"
NO_DEFINED_CAMPAIGN = "no campaign in which it is defined"
_MAX_CELLS = 4_000_000


@dataclass(frozen=True)
class BootstrapMeans:
    """Means of several columns with their intervals; all arrays have shape (n_columns,).

    Parameters
    ----------
    value : numpy.ndarray of float64
        Mean over the campaigns in which the column is defined; NaN when there is none.
    low, high : numpy.ndarray of float64
        Ends of the 95 % percentile interval; NaN when fewer than two brands have a value.
    n : numpy.ndarray of int64
        Campaigns in which the column is defined.
    n_brands : numpy.ndarray of int64
        Brands of these campaigns.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    n: IntArray
    n_brands: IntArray

    @property
    def reason(self) -> NDArray[np.str_]:
        """Why a value or its interval is undefined, shape (n_columns,); empty when it is not."""
        reasons = np.select(
            [self.n == 0, self.n_brands < 2], [NO_DEFINED_CAMPAIGN, ONE_BRAND], default=""
        )
        return reasons.astype(np.str_)

    def part(self, begin: int, end: int) -> BootstrapMeans:
        """Means of some neighbouring columns.

        Parameters
        ----------
        begin, end : int
            First column, and the one after the last.

        Returns
        -------
        BootstrapMeans
            The same figures.
        """
        wanted = slice(begin, end)
        return BootstrapMeans(
            value=self.value[wanted],
            low=self.low[wanted],
            high=self.high[wanted],
            n=self.n[wanted],
            n_brands=self.n_brands[wanted],
        )


def bootstrap_means(
    values: FloatArray,
    brands: NDArray[np.integer] | NDArray[np.str_] | NDArray[np.object_],
    *,
    n_resamples: int,
    seed: int,
    draws: Mapping[int, FloatArray] | None = None,
) -> BootstrapMeans:
    r"""Mean of each column over campaigns, with a 95 % interval over brands.

    Brands are drawn with replacement, as many as there are, and come with all their campaigns; a
    resampled figure is the mean over the campaigns of the drawn brands. All columns share the
    resamples, so that the interval of a column of differences is a paired one.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_campaigns, n_columns)
        One figure per campaign and column; NaN where it is undefined.
    brands : numpy.ndarray, shape (n_campaigns,)
        Brand of each campaign.
    n_resamples : int
        Resamples, 1 or more.
    seed : int
        Seed; equal seeds and brands give equal resamples.
    draws : mapping of int to numpy.ndarray, shape (n_campaigns, n_draws), optional
        By column, the figures of several random draws that it is the mean of. Its interval is
        taken over brands and draws, both drawn with replacement.

    Returns
    -------
    BootstrapMeans
        Mean, 2.5 % and 97.5 % percentile, numbers of campaigns and brands per column.

    Raises
    ------
    DataError
        If the arrays do not match, or `n_resamples` is below 1.

    Notes
    -----
    A resample in which a column is nowhere defined is left out of that column's percentiles. With
    few brands (below about 20) percentile intervals are somewhat too narrow. Cost
    ``O(n_resamples * n_brands * n_columns)`` as matrix products; memory is bounded by working
    through the resamples in chunks.

    References
    ----------
    Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 13; Field and Welsh
    (2007), Bootstrapping clustered data, JRSS B 69 (clusters drawn whole).

    Examples
    --------
    Two brands: a resample holds the first alone (mean 1), the second alone (3), or both (2).

    >>> means = bootstrap_means(np.array([[1.0], [3.0]]), np.array(["a", "b"]),
    ...                         n_resamples=500, seed=0)
    >>> means.value.tolist(), means.low.tolist(), means.high.tolist()
    ([2.0], [1.0], [3.0])
    """
    if values.ndim != 2 or brands.shape != values.shape[:1]:
        raise DataError(
            f"bootstrap_means: `values` has shape {values.shape}, `brands` {brands.shape}; "
            "expected (n_campaigns, n_columns) and (n_campaigns,)"
        )
    if n_resamples < 1:
        raise DataError(f"bootstrap_means: `n_resamples` is {n_resamples}; expected 1 or more")
    names, codes = np.unique(brands, return_inverse=True)
    defined = ~np.isnan(values)
    totals = _by_brand(np.where(defined, values, 0.0), codes, names.size)
    # Columns that are undefined in the same campaigns share their counts.
    patterns, pattern_of = np.unique(defined, axis=1, return_inverse=True)
    pattern_of = pattern_of.reshape(-1)
    counts = _by_brand(patterns.astype(np.float64), codes, names.size)
    n = patterns.sum(axis=0)[pattern_of].astype(np.int64)
    n_brands = (counts > 0).sum(axis=0)[pattern_of].astype(np.int64)
    value = np.divide(totals.sum(axis=0), n, out=np.full(n.shape, np.nan), where=n > 0)
    low, high = np.full(n.shape, np.nan), np.full(n.shape, np.nan)
    wanted = np.flatnonzero(n_brands >= 2)
    if wanted.size:
        means = _resample(totals[:, wanted], counts, pattern_of[wanted], n_resamples, seed)
        low[wanted], high[wanted] = _percentiles(means)
    for column, drawn in (draws or {}).items():
        if n_brands[column] >= 2:
            low[column], high[column] = _percentiles_over_draws(
                drawn, codes, names.size, n_resamples, seed
            )
    return BootstrapMeans(value, low, high, n, n_brands)


def bootstrap_ratios(
    tops: FloatArray,
    bottoms: FloatArray,
    brands: NDArray[np.integer] | NDArray[np.str_] | NDArray[np.object_],
    *,
    n_resamples: int,
    seed: int,
) -> BootstrapMeans:
    r"""Ratio of two means over campaigns, by column, with a 95 % interval over brands.

    Both means of a ratio are taken over the same drawn brands. The ratio of means, unlike the mean
    of ratios, is defined where a campaign has nothing below.

    Parameters
    ----------
    tops, bottoms : numpy.ndarray of float64, shape (n_campaigns, n_columns)
        Figures above and below the line; 0 or more.
    brands : numpy.ndarray, shape (n_campaigns,)
        Brand of each campaign.
    n_resamples : int
        Resamples, 1 or more.
    seed : int
        Seed; equal seeds and brands give equal resamples.

    Returns
    -------
    BootstrapMeans
        Ratios; NaN where the sum below is 0. Resamples in which it is 0 are left out of the
        percentiles.

    Raises
    ------
    DataError
        If the arrays do not match.

    References
    ----------
    Efron and Tibshirani (1993), An introduction to the bootstrap, section 10.4 (ratios).

    Examples
    --------
    >>> one, two = np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]])
    >>> bootstrap_ratios(one, two, np.array(["a", "b"]), n_resamples=99, seed=0).value.tolist()
    [0.6]
    """
    if tops.ndim != 2 or tops.shape != bottoms.shape or brands.shape != tops.shape[:1]:
        raise DataError(
            f"bootstrap_ratios: got shapes {tops.shape} and {bottoms.shape} for {brands.shape} "
            "brands; expected (n_campaigns, n_columns) twice and (n_campaigns,)"
        )
    names, codes = np.unique(brands, return_inverse=True)
    above, below = (_by_brand(values, codes, names.size) for values in (tops, bottoms))
    total = below.sum(axis=0)
    value = np.divide(above.sum(axis=0), total, out=np.full(total.shape, np.nan), where=total > 0)
    low, high = np.full(total.shape, np.nan), np.full(total.shape, np.nan)
    wanted = np.flatnonzero((total > 0) & (names.size >= 2))
    if wanted.size:
        ratios = _resample(
            above[:, wanted], below[:, wanted], np.arange(wanted.size), n_resamples, seed
        )
        low[wanted], high[wanted] = _percentiles(ratios)
    n = np.where(total > 0, len(tops), 0).astype(np.int64)
    return BootstrapMeans(value, low, high, n, np.where(total > 0, names.size, 0).astype(np.int64))


def _percentiles_over_draws(
    drawn: FloatArray, codes: NDArray[np.intp], n_brands: int, n_resamples: int, seed: int
) -> tuple[float, float]:
    """Interval of a mean over draws, from resampled brands and draws."""
    known = ~np.isnan(drawn)
    patterns, pattern_of = np.unique(known, axis=1, return_inverse=True)
    means = _resample(
        _by_brand(np.where(known, drawn, 0.0), codes, n_brands),
        _by_brand(patterns.astype(np.float64), codes, n_brands),
        pattern_of.reshape(-1),
        n_resamples,
        seed,
    )
    n_draws = drawn.shape[1]
    chosen = np.random.default_rng([seed, n_draws]).integers(n_draws, size=(n_resamples, n_draws))
    picked = np.take_along_axis(means, chosen, axis=1)
    counted = (~np.isnan(picked)).sum(axis=1)
    averaged = np.divide(
        np.nansum(picked, axis=1), counted, out=np.full(n_resamples, np.nan), where=counted > 0
    )
    low, high = _percentiles(averaged[:, None])
    return float(low[0]), float(high[0])


def _by_brand(values: FloatArray, codes: NDArray[np.intp], n_brands: int) -> FloatArray:
    summed = np.zeros((n_brands, values.shape[1]))
    np.add.at(summed, codes, values)
    return summed


def _resample(
    totals: FloatArray, counts: FloatArray, pattern_of: NDArray[np.intp], n: int, seed: int
) -> FloatArray:
    """Means of `n` resamples, shape (n, n_columns)."""
    rng = np.random.default_rng(seed)
    n_brands = totals.shape[0]
    means = np.empty((n, totals.shape[1]))
    chunk = max(1, _MAX_CELLS // n_brands)
    for begin in range(0, n, chunk):
        size = min(chunk, n - begin)
        drawn = rng.integers(n_brands, size=(size, n_brands))
        cells = drawn + np.arange(size)[:, None] * n_brands
        times = np.bincount(cells.ravel(), minlength=size * n_brands).reshape(size, n_brands)
        weights = times.astype(np.float64)
        held = (weights @ counts)[:, pattern_of]
        np.divide(
            weights @ totals,
            held,
            out=means[begin : begin + size],
            where=held > 0,
        )
        means[begin : begin + size][held == 0] = np.nan
    return means


def _percentiles(means: FloatArray) -> tuple[FloatArray, FloatArray]:
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    result = np.empty((2, means.shape[1]))
    gaps = np.asarray(np.isnan(means).any(axis=0), dtype=np.bool_)
    result[:, ~gaps] = np.quantile(means[:, ~gaps], ends, axis=0)
    for column in np.flatnonzero(gaps):
        held = means[:, column]
        held = held[~np.isnan(held)]
        result[:, column] = np.quantile(held, ends) if held.size else np.nan
    return result[0], result[1]
