"""Reductions over ragged segments: one segment of consecutive values per account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["expand_ranges", "segment_max", "segment_mean", "segment_top_mean", "sum_segments"]


def expand_ranges(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Integers of the half-open ranges, one range after the other.

    Parameters
    ----------
    starts, ends : numpy.ndarray of int64, shape (n_ranges,)
        Bounds with ``starts <= ends``.

    Returns
    -------
    numpy.ndarray of int64, shape (sum of lengths,)
        Members of the ranges.

    Examples
    --------
    >>> expand_ranges(np.array([3, 7]), np.array([5, 8])).tolist()
    [3, 4, 7]
    """
    lengths = ends - starts
    total = int(lengths.sum())
    if not total:
        return np.empty(0, dtype=np.int64)
    shifts = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    return np.asarray(np.arange(total, dtype=np.int64) + shifts)


def _reduce(
    ufunc: np.ufunc, values: NDArray[np.float64], lengths: NDArray[np.int64], empty: float
) -> NDArray[np.float64]:
    result = np.full(len(lengths), empty)
    filled = lengths > 0
    if filled.any():
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))[filled]
        result[filled] = ufunc.reduceat(values, starts)
    return result


def sum_segments(rows: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum of the rows of each segment; many times as fast as ``numpy.add.reduceat`` over rows.

    Parameters
    ----------
    rows : numpy.ndarray of float64, shape (n_rows, dim)
        Rows, segment after segment.
    lengths : numpy.ndarray of int64, shape (n_segments,)
        Length of each segment; they sum to ``n_rows``.

    Returns
    -------
    numpy.ndarray of float64, shape (n_segments, dim)
        Sums, zero for an empty segment.

    Examples
    --------
    >>> sum_segments(np.array([[1.0], [2.0], [4.0]]), np.array([2, 0, 1])).ravel().tolist()
    [3.0, 0.0, 4.0]
    """
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    members = sparse.csr_matrix(
        (np.ones(len(rows)), np.arange(len(rows)), bounds), shape=(len(lengths), len(rows))
    )
    return np.asarray(members @ rows)


def segment_max(values: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Largest value of each segment, NaN for an empty one.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_values,)
        Values, segment after segment.
    lengths : numpy.ndarray of int64, shape (n_segments,)
        Length of each segment; they sum to ``n_values``.

    Returns
    -------
    numpy.ndarray of float64, shape (n_segments,)
        Maxima.
    """
    return _reduce(np.maximum, values, lengths, np.nan)


def segment_mean(values: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of each segment, NaN for an empty one.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_values,)
        Values, segment after segment.
    lengths : numpy.ndarray of int64, shape (n_segments,)
        Length of each segment.

    Returns
    -------
    numpy.ndarray of float64, shape (n_segments,)
        Means.
    """
    sums = _reduce(np.add, values, lengths, np.nan)
    return np.asarray(sums / np.maximum(lengths, 1))


def segment_top_mean(
    values: NDArray[np.float64], lengths: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    """Mean of the `k` largest values of each segment, of all where it is shorter.

    Segments are padded to powers of two, so the cost is that of the values, not of the longest.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_values,)
        Values, segment after segment.
    lengths : numpy.ndarray of int64, shape (n_segments,)
        Length of each segment.
    k : int
        Values to average, 1 or more.

    Returns
    -------
    numpy.ndarray of float64, shape (n_segments,)
        Means; NaN for an empty segment.

    Examples
    --------
    >>> segment_top_mean(np.array([1.0, 5.0, 3.0, 2.0]), np.array([3, 1, 0]), 2).tolist()
    [4.0, 2.0, nan]
    """
    result = np.full(len(lengths), np.nan)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1])) if len(lengths) else lengths
    widths = np.where(lengths > 0, np.ceil(np.log2(np.maximum(lengths, 1))).astype(int), -1)
    for width in np.unique(widths[widths >= 0]):
        rows = np.flatnonzero(widths == width)
        size = max(1 << int(width), k)
        places = np.arange(size)
        inside = places < lengths[rows, None]
        source = np.minimum(starts[rows, None] + places, len(values) - 1)
        padded = np.where(inside, values[source], -np.inf)
        best = np.sort(np.partition(padded, size - k, axis=1)[:, size - k :], axis=1)
        kept = np.minimum(lengths[rows], k)
        result[rows] = np.where(np.isfinite(best), best, 0.0).sum(axis=1) / kept
    return result
