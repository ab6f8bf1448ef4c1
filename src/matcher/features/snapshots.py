"""Follower counts as of any number of instants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.market.instants import to_microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex

__all__ = ["newest_snapshots"]


def newest_snapshots(
    index: MarketIndex, accounts: NDArray[np.int64], instants: NDArray[np.int64]
) -> pd.DataFrame:
    """Newest account snapshot strictly before each decision, with an older one for growth.

    Parameters
    ----------
    index : MarketIndex
        Market in columnar form.
    accounts, instants : numpy.ndarray of int64, shape (n_pairs,)
        Account codes and decisions in microseconds since 1970.

    Returns
    -------
    pandas.DataFrame
        Columns ``n_followers, n_following, n_posts, n_followers_before, days_between``.
    """
    table = index.market.tables["account_snapshots"]
    codes = index.account_codes(table["account_id"])
    moments = taken = to_microseconds(table["as_of"])
    if index.market.settings.allow_late_snapshots:
        moments = _late_as_constant(codes, moments)
    order = np.lexsort((moments, codes))
    codes, moments, taken = codes[order], moments[order], taken[order]
    ranks, rank = np.unique(moments, return_inverse=True)
    keys = codes * (len(ranks) + 1) + rank

    def newest(moment: NDArray[np.int64]) -> NDArray[np.int64]:
        base = accounts * (len(ranks) + 1)
        found = np.searchsorted(keys, base + np.searchsorted(ranks, moment)) - 1
        if not len(codes):
            return np.full(len(moment), -1)
        return np.where((found >= 0) & (codes[found] == accounts), found, -1)

    def pick(column: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return (
            np.where(rows >= 0, column[rows], np.nan) if len(column) else np.full(len(rows), np.nan)
        )

    now = newest(instants)
    month = 80 * 86_400_000_000
    before = newest(np.where(now >= 0, moments[now] if len(moments) else 0, 0) - month + 1)
    # A constant that stands in for earlier times is no measurement of them.
    real = (now >= 0) & (before >= 0)
    real[real] = taken[now[real]] - taken[before[real]] >= month
    before = np.where(real, before, -1)
    columns = {
        name: pick(table[name].to_numpy(np.float64)[order], now)
        for name in ("n_followers", "n_following", "n_posts")
    }
    followers = table["n_followers"].to_numpy(np.float64)[order]
    columns["n_followers_before"] = pick(followers, before)
    days = taken.astype(np.float64) / 86_400_000_000
    columns["days_between"] = pick(days, now) - pick(days, before)
    return pd.DataFrame(columns)


def _late_as_constant(codes: NDArray[np.int64], moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Date each account's earliest snapshot at the beginning of time."""
    order = np.lexsort((moments, codes))
    first = np.ones(len(codes), dtype=bool)
    first[1:] = codes[order][1:] != codes[order][:-1]
    dated = moments.copy()
    dated[order[first]] = np.iinfo(np.int64).min // 2
    return dated
