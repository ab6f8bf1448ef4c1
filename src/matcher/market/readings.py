"""Readings of posts and accounts, each with the span in which it is the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.columns import COUNTERS
from matcher.market.instants import (
    instant_microseconds,
    positions_in,
    reading_microseconds,
    to_microseconds,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.config import MarketSettings

__all__ = ["build_readings", "build_snapshots"]


def build_readings(tables: Mapping[str, pd.DataFrame], settings: MarketSettings) -> pd.DataFrame:
    """Every reading of a post's counters with the span in which it is the newest.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Validated tables.
    settings : MarketSettings
        Counter lag.

    Returns
    -------
    pandas.DataFrame
        ``post_id, account_id, known_at, valid_to`` and the counters; one row per reading, by post
        (in the order of `posts`) and instant. Of two readings known at one instant the one of
        `post_metrics` stands.
    """
    # Columns are joined by row number below, whatever rows of the tables were chosen.
    posts = tables["posts"].reset_index(drop=True)
    metrics = tables["post_metrics"].reset_index(drop=True)
    short = posts[["post_id", "account_id", "published_at", "observed_at", *COUNTERS]]
    parts = [short.assign(_post=np.arange(len(posts)), _source=0)]
    if len(metrics):
        position = positions_in(metrics["post_id"], posts["post_id"])
        home = posts[["account_id", "published_at"]].take(position).reset_index(drop=True)
        parts.append(
            metrics[["post_id", "observed_at", *COUNTERS]].assign(
                account_id=home["account_id"],
                published_at=home["published_at"],
                _post=position,
                _source=1,
            )
        )
    rows = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    rows = rows[rows[list(COUNTERS)].notna().any(axis=1).to_numpy()]
    ticks = reading_microseconds(rows["observed_at"], rows["published_at"], settings)
    post, source = rows["_post"].to_numpy(), rows["_source"].to_numpy()
    if len(parts) > 1:
        order = np.lexsort([source, ticks, post])
        rows, ticks, post = rows.iloc[order], ticks[order], post[order]
        last = np.ones(len(rows), dtype=bool)
        last[:-1] = (post[1:] != post[:-1]) | (ticks[1:] != ticks[:-1])
        rows, ticks, post = rows[last], ticks[last], post[last]
    return _with_spans(rows[["post_id", "account_id", *COUNTERS]], ticks, post)


def _with_spans(
    rows: pd.DataFrame, ticks: NDArray[np.int64], entity: NDArray[np.int64]
) -> pd.DataFrame:
    until = np.full(len(ticks), np.iinfo(np.int64).min, dtype=np.int64)
    same = entity[1:] == entity[:-1]
    until[:-1][same] = ticks[1:][same]
    result = rows.reset_index(drop=True)
    at = 2
    for offset, (name, values) in enumerate((("known_at", ticks), ("valid_to", until))):
        instants = pd.Series(values.view("datetime64[us]")).dt.tz_localize("UTC")
        result.insert(at + offset, name, instants)
    return result


def build_snapshots(tables: Mapping[str, pd.DataFrame], settings: MarketSettings) -> pd.DataFrame:
    """Every snapshot of an account's size with the span in which it is the newest.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Validated tables.
    settings : MarketSettings
        With `allow_late_snapshots` the first snapshot of each account is known from 1900 on.

    Returns
    -------
    pandas.DataFrame
        ``account_id, as_of, known_at, valid_to, n_followers, n_following, n_posts``, by account
        and instant. A row is late for instants between `known_at` and `as_of`.
    """
    frame = tables["account_snapshots"]
    ticks = to_microseconds(frame["as_of"])
    codes = pd.factorize(frame["account_id"])[0].astype(np.int64)
    if settings.allow_late_snapshots:
        first = ~frame["account_id"].duplicated().to_numpy()
        ticks = np.where(first, instant_microseconds(pd.Timestamp("1900-01-01")), ticks)
    columns = ["account_id", "as_of", "n_followers", "n_following", "n_posts"]
    return _with_spans(frame[columns], ticks, codes)
