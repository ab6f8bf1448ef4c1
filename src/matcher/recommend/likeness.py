"""How alike accounts are to one of them: content, audience, and several likenesses as one.

Every likeness is measured where both accounts are known; NaN stands where one of them is not.
"""

from __future__ import annotations

from math import comb, factorial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from matcher.columns import DIMENSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex
    from matcher.retrieval.nearest import AccountCentroids

__all__ = ["audience_overlaps", "audience_shares", "combine", "content_cosines", "share_below"]


def share_below(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the known values that are lower, ties counting half.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n,)
        Values, NaN where unknown.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        0 to 1, NaN where unknown.

    Examples
    --------
    >>> share_below(np.array([3.0, np.nan, 1.0, 3.0])).round(3).tolist()
    [0.667, nan, 0.167, 0.667]
    """
    shares = np.full(len(values), np.nan)
    known = np.isfinite(values)
    if known.any():
        shares[known] = (rankdata(values[known]) - 0.5) / known.sum()
    return shares


def combine(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""One likeness of several, whatever of them is known.

    .. math:: \frac{1}{k!} \sum_{j=0}^{\lfloor s \rfloor} (-1)^j \binom{k}{j} (s - j)^k

    with s the sum, over the k known columns of a row, of the shares of rows that are less alike:
    the chance that a sum of k even draws from 0 to 1 is smaller. Were the columns independent, it
    would have the same distribution for every k, so that a row of which less is known is neither
    favoured nor held back. One high share does not make up for low ones.

    Parameters
    ----------
    columns : numpy.ndarray of float64, shape (n, k)
        Likenesses in any unit, NaN where unknown.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        0 to 1, NaN where nothing is known.

    References
    ----------
    Edgington, An additive method for combining probability values (1972).

    Examples
    --------
    >>> combine(np.array([[0.1, 5.0], [0.9, np.nan], [0.5, 7.0]])).round(3).tolist()
    [0.087, 0.833, 0.719]
    """
    shares = np.column_stack([share_below(column) for column in columns.T])
    n_known = np.isfinite(shares).sum(axis=1)
    sums = np.nansum(shares, axis=1)
    found = np.full(len(columns), np.nan)
    for k in np.unique(n_known[n_known > 0]).tolist():
        rows = n_known == k
        # From the nearer end, where the alternating terms do not cancel.
        tail = np.minimum(sums[rows], k - sums[rows])
        below = sum(
            (-1) ** j * comb(k, j) * np.maximum(tail - j, 0.0) ** k for j in range(k // 2 + 1)
        ) / factorial(k)
        found[rows] = np.where(sums[rows] > k / 2, 1.0 - below, below)
    return found


def content_cosines(
    centroids: AccountCentroids, code: int, codes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Cosine of the mean directions of what accounts posted.

    Parameters
    ----------
    centroids : AccountCentroids
        Mean directions as of the instant.
    code : int
        The account.
    codes : numpy.ndarray of int64, shape (n,)
        Accounts to compare it with, each once.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        -1 to 1; NaN where one of both has no post with text.
    """
    own = centroids.rows[code]
    if not own.any():
        return np.full(len(codes), np.nan)
    return centroids.similarities(own, codes)


def audience_shares(index: MarketIndex, instant: int) -> pd.DataFrame:
    """Newest audience of every account that was known strictly before an instant.

    Parameters
    ----------
    index : MarketIndex
        Market in columnar form.
    instant : int
        Microseconds since 1970.

    Returns
    -------
    pandas.DataFrame
        Columns ``code, dimension, bucket, share``.
    """
    audiences = index.audiences
    rows = audiences.dated.newest(instant)
    rows = rows[np.isfinite(audiences.shares[rows]) & (audiences.accounts[rows] >= 0)]
    names = audiences.label_names[audiences.labels[rows]].reshape(-1, 2)
    return pd.DataFrame(
        {
            "code": audiences.accounts[rows],
            "dimension": names[:, 0],
            "bucket": names[:, 1],
            "share": audiences.shares[rows],
        }
    )


def audience_overlaps(
    shares: pd.DataFrame, code: int, codes: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    r"""Overlap of audiences by dimension.

    .. math:: \frac{\sum_b \min(p_b, q_b)}{\max(\sum_b p_b, \sum_b q_b)}

    over the buckets of a dimension. Where both lists are complete it is one less their distance in
    total variation; of a list that names only the largest buckets, the rest counts for nothing.

    Parameters
    ----------
    shares : pandas.DataFrame
        What `audience_shares` gives.
    code : int
        The account.
    codes : numpy.ndarray of int64, shape (n,)
        Accounts to compare it with.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (n,)
        0 to 1 by dimension of the account; NaN where the other one's is unknown.
    """
    found: dict[str, NDArray[np.float64]] = {}
    own = shares[shares["code"] == code]
    for dimension in DIMENSIONS:
        mine = own[own["dimension"] == dimension]
        total = float(mine["share"].sum())
        if total <= 0:
            continue
        theirs = shares[shares["dimension"] == dimension]
        limit = theirs["bucket"].map(mine.set_index("bucket")["share"]).fillna(0.0)
        common = theirs["share"].clip(upper=limit).groupby(theirs["code"]).sum()
        sums = theirs.groupby("code")["share"].sum()
        overlap: pd.Series = (common / np.maximum(sums, total))[sums > 0]
        found[dimension] = overlap.reindex(codes).to_numpy(np.float64)
    return found
