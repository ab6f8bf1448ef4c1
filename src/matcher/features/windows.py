"""Window aggregates of posts as of any number of instants, in DuckDB.

Every figure is a count, an extremum, or a quantile: none depends on the order in which rows are
read, so results are equal bit by bit for any number of threads and any partition of accounts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex

__all__ = ["WINDOW_COLUMNS", "build_spans", "window_aggregates"]

_DAY: Final = 86_400_000_000
_ROWS_PER_CHUNK: Final = 4_000_000
"""Joined rows held at a time; bounds the memory of quantiles, which keep their values."""

_ENGAGEMENTS: Final = ("likes", "comments", "shares")
_AUDIENCES: Final = ("views", "reach", "impressions")
_RECENT: Final = f"s.published >= q.instant - {90 * _DAY}"
_YEAR: Final = f"s.published >= q.instant - {365 * _DAY}"

_AGGREGATES: Final = {
    "n_posts": "count(*)",
    "n_posts_30d": f"count(*) FILTER (s.published >= q.instant - {30 * _DAY})",
    "n_posts_90d": f"count(*) FILTER ({_RECENT})",
    "n_posts_365d": f"count(*) FILTER ({_YEAR})",
    "newest": "max(s.published)",
    "oldest": "min(s.published)",
    "n_measured": "count(s.log_engagements)",
    "engagements_level": "quantile_cont(s.log_engagements, 0.5)",
    "engagements_level_90d": f"quantile_cont(s.log_engagements, 0.5) FILTER ({_RECENT})",
    "engagements_level_old": f"quantile_cont(s.log_engagements, 0.5) FILTER (NOT {_RECENT})",
    "engagements_quartiles": "quantile_cont(s.log_engagements, [0.25, 0.75])",
    "views_level": "quantile_cont(s.log_views, 0.5)",
    "reach_level": "quantile_cont(s.log_reach, 0.5)",
    "impressions_level": "quantile_cont(s.log_impressions, 0.5)",
    "rate_by_views": "quantile_cont(s.rate_by_views, 0.5)",
    "rate_by_reach": "quantile_cont(s.rate_by_reach, 0.5)",
    "rate_by_impressions": "quantile_cont(s.rate_by_impressions, 0.5)",
    "shares_per_view": "quantile_cont(s.shares_per_view, 0.5)",
    "comments_per_like": "quantile_cont(s.comments_per_like, 0.5)",
    "comments_per_like_quartiles": "quantile_cont(s.comments_per_like, [0.25, 0.75])",
    "n_without_comments": "count(*) FILTER (s.comments = 0)",
    "n_comments_known": "count(s.comments)",
    "n_sponsored": "count(*) FILTER (s.sponsored)",
    "n_sponsored_90d": f"count(*) FILTER (s.sponsored AND {_RECENT})",
    "sponsored_level": "quantile_cont(s.log_engagements, 0.5) FILTER (s.sponsored)",
    "organic_level": "quantile_cont(s.log_engagements, 0.5) FILTER (NOT s.sponsored)",
}
WINDOW_COLUMNS: Final = (
    *(name for name in _AGGREGATES if not name.endswith("quartiles")),
    "engagements_spread",
    "comments_per_like_spread",
)
"""Columns of `window_aggregates`; levels are medians of ln(1 + counter), spreads quartile ranges
of the same, rates fractions."""

_QUERY: Final = (
    "SELECT q.query, "
    + ", ".join(f"{sql} AS {name}" for name, sql in _AGGREGATES.items())
    + " FROM queries q JOIN spans s ON s.account = q.account"
    " AND s.valid_from < q.instant AND q.instant <= s.valid_to"
    " WHERE NOT EXISTS (SELECT 1 FROM own o WHERE o.own = q.own AND o.post = s.post)"
    " GROUP BY q.query ORDER BY q.query"
)


def _spans_of(index: MarketIndex) -> dict[str, NDArray[np.generic]]:
    """Rows of every post: one before its first reading, then one per reading."""
    readings = index.market.readings
    post = index.post_codes(readings["post_id"])
    readings = readings[post >= 0]
    post = post[post >= 0]
    known = readings["known_at"].dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
    until_at = readings["valid_to"].dt.tz_localize(None).to_numpy("datetime64[us]")
    until = np.where(np.isnat(until_at), np.iinfo(np.int64).max, until_at.astype(np.int64))
    published = index.post_published
    first = np.full(len(published), np.iinfo(np.int64).max)
    np.minimum.at(first, post, known)
    unread = np.flatnonzero(first > published)
    columns: dict[str, NDArray[np.generic]] = {
        "post": np.concatenate((unread, post)),
        "valid_from": np.concatenate((published[unread], np.maximum(known, published[post]))),
        "valid_to": np.concatenate((first[unread], until)),
    }
    blank = np.full(len(unread), np.nan)
    for name in (*_ENGAGEMENTS, *_AUDIENCES):
        columns[name] = np.concatenate((blank, readings[name].to_numpy(np.float64)))
    return columns


def build_spans(index: MarketIndex) -> pa.Table:
    """Posts with the spans of time in which each of their readings is the newest.

    Parameters
    ----------
    index : MarketIndex
        Market in columnar form.

    Returns
    -------
    pyarrow.Table
        One row per post and span ``(valid_from, valid_to]`` in microseconds since 1970, by
        account code, with engagements (likes + comments + shares, as far as given; null without
        likes) and views, reach and impressions as ln(1 + n), and rates as fractions.
    """
    raw = _spans_of(index)
    post = raw["post"].astype(np.int64)
    order = np.argsort(index.post_account[post], kind="stable")

    def sorted_column(values: NDArray[np.generic]) -> pa.Array:
        return pa.array(values[order], from_pandas=True)

    columns = {
        "post": sorted_column(post),
        "account": sorted_column(index.post_account[post]),
        "published": sorted_column(index.post_published[post]),
        "valid_from": sorted_column(raw.pop("valid_from")),
        "valid_to": sorted_column(raw.pop("valid_to")),
        "sponsored": sorted_column(index.post_is_sponsored[post]),
        "comments": sorted_column(raw["comments"]),
    }
    likes, comments, shares = (raw[name].astype(np.float64) for name in _ENGAGEMENTS)
    engagements = likes + np.nan_to_num(comments) + np.nan_to_num(shares)

    def ratio(top: NDArray[np.float64], bottom: NDArray[np.generic]) -> NDArray[np.float64]:
        below = bottom.astype(np.float64)
        usable = below > 0
        return np.where(usable, top / np.where(usable, below, 1.0), np.nan)

    # One column after the other: those of millions of posts are never all held twice.
    columns["log_engagements"] = sorted_column(np.log1p(engagements))
    for name in _AUDIENCES:
        columns[f"log_{name}"] = sorted_column(np.log1p(raw[name].astype(np.float64)))
        columns[f"rate_by_{name}"] = sorted_column(ratio(engagements, raw[name]))
    columns["shares_per_view"] = sorted_column(ratio(shares, raw["views"]))
    columns["comments_per_like"] = sorted_column(ratio(comments, likes))
    return pa.table(columns)


def window_aggregates(
    spans: pa.Table,
    accounts: NDArray[np.int64],
    instants: NDArray[np.int64],
    *,
    own: NDArray[np.int64] | None = None,
    own_posts: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    n_threads: int = 2,
) -> pd.DataFrame:
    """Aggregates of the posts of accounts that were known strictly before instants.

    Parameters
    ----------
    spans : pyarrow.Table
        What `build_spans` made.
    accounts, instants : numpy.ndarray of int64, shape (n_queries,)
        Account codes and instants in microseconds since 1970.
    own : numpy.ndarray of int64, shape (n_queries,), optional
        Code of the campaign whose own posts a query may not see, -1 for none.
    own_posts : pair of numpy.ndarray of int64, optional
        Campaign codes and codes of the posts made for them.
    n_threads : int
        Threads of the engine; they do not change the result.

    Returns
    -------
    pandas.DataFrame
        `WINDOW_COLUMNS`, one row per query in the order given: counts are 0 and other values NaN
        where an account had no post.

    Notes
    -----
    Cost grows with the posts of the queried accounts, not with all posts; memory is bounded by
    joining a few million rows at a time.
    """
    import duckdb

    connection = duckdb.connect(config={"threads": n_threads, "memory_limit": "2GB"})
    connection.execute("SET preserve_insertion_order = false")
    if own is None:
        own = np.full(len(accounts), -1, dtype=np.int64)
    hidden = own_posts if own_posts is not None else (np.empty(0, np.int64), np.empty(0, np.int64))
    connection.register("own", pa.table({"own": hidden[0], "post": hidden[1]}))
    span_accounts = spans["account"].to_numpy()
    parts = []
    for rows, low, high in _chunks(accounts, span_accounts):
        connection.register("spans", spans.slice(low, high - low))
        connection.register(
            "queries",
            pa.table(
                {
                    "query": rows,
                    "account": accounts[rows],
                    "instant": instants[rows],
                    "own": own[rows],
                }
            ),
        )
        parts.append(connection.sql(_QUERY).to_arrow_table())
    connection.close()
    return _arrange(parts, len(accounts))


def _chunks(
    accounts: NDArray[np.int64], span_accounts: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], int, int]]:
    order = np.argsort(accounts, kind="stable").astype(np.int64)
    queried, first, n_queries = np.unique(accounts[order], return_index=True, return_counts=True)
    lows = np.searchsorted(span_accounts, queried)
    highs = np.searchsorted(span_accounts, queried, side="right")
    load = np.cumsum((highs - lows) * n_queries) // _ROWS_PER_CHUNK
    chunks = []
    for group in np.unique(load):
        members = np.flatnonzero(load == group)
        start = first[members[0]]
        end = first[members[-1]] + n_queries[members[-1]]
        chunks.append((order[start:end], int(lows[members[0]]), int(highs[members[-1]])))
    return chunks


def _arrange(parts: list[pa.Table], n_queries: int) -> pd.DataFrame:
    found = pa.concat_tables(parts).to_pandas() if parts else pd.DataFrame({"query": []})
    frame = found.set_index("query").reindex(range(n_queries))
    columns: dict[str, NDArray[np.float64]] = {}
    for name in WINDOW_COLUMNS:
        if name.endswith("_spread"):
            quartiles = frame.get(name.replace("_spread", "_quartiles"))
            columns[name] = _spread(quartiles, n_queries)
        else:
            values = frame[name].to_numpy(np.float64) if name in frame else np.full(n_queries, 0.0)
            columns[name] = np.nan_to_num(values) if name.startswith("n_") else values
    return pd.DataFrame(columns)


def _spread(quartiles: pd.Series | None, n_queries: int) -> NDArray[np.float64]:
    spread = np.full(n_queries, np.nan)
    if quartiles is None:
        return spread
    given = quartiles.notna().to_numpy()
    if given.any():
        pair = np.stack(quartiles[given].to_list())
        spread[given] = pair[:, 1] - pair[:, 0]
    return spread
