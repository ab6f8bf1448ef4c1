"""The point-in-time cut: what of each table was known strictly before an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.columns import COUNTERS
from matcher.market.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.config import MarketSettings
    from matcher.market.spec import TableSpec

__all__ = [
    "build_readings",
    "build_snapshots",
    "counter_lag",
    "cut_tables",
    "list_timeless_columns",
]


def counter_lag(settings: MarketSettings) -> pd.Timedelta:
    """Time after publication at which a counter of unknown reading time counts as known.

    Parameters
    ----------
    settings : MarketSettings
        Holds it in days.

    Returns
    -------
    pandas.Timedelta
        In microseconds.
    """
    return pd.Timedelta(round(settings.counter_lag_days * 86_400_000_000), unit="us")


def _ticks(series: pd.Series) -> NDArray[np.int64]:
    """Microseconds since 1970; missing is the largest integer, hence never before a cut."""
    ticks = series.to_numpy(dtype="datetime64[us]").view(np.int64)
    return np.where(ticks == np.iinfo(np.int64).min, np.iinfo(np.int64).max, ticks)


def _nulled(frame: pd.DataFrame, columns: list[str], hidden: NDArray[np.bool_]) -> pd.DataFrame:
    """Frame with values of some rows made null; the frame itself when there is none."""
    if not columns or not hidden.any():
        return frame
    return frame.assign(**{name: _masked(frame[name], hidden) for name in columns})


def _masked(series: pd.Series, hidden: NDArray[np.bool_]) -> pd.Series:
    if series.dtype == object:
        cells = series.to_numpy(dtype=object, copy=True)
        cells[hidden] = None
        return pd.Series(cells, index=series.index, dtype=object)
    return series.mask(hidden)


def _columns_known_at(spec: TableSpec, frame: pd.DataFrame, known_at: str) -> list[str]:
    known = {column.name: column.known_at for column in spec.columns}
    return [name for name in frame.columns if known.get(str(name), spec.extra_known_at) == known_at]


def cut_tables(
    tables: Mapping[str, pd.DataFrame], instant: pd.Timestamp, settings: MarketSettings
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Tables with nothing in them that was known only at or after an instant.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Validated tables.
    instant : pandas.Timestamp
        Cut, with timezone.
    settings : MarketSettings
        Counter lag, strict time, late snapshots.

    Returns
    -------
    tables : dict of str to pandas.DataFrame
        The cut.
    notes : list of str
        How many values rest on an assumption.
    """
    cut = int(instant.as_unit("us")._value)
    result: dict[str, pd.DataFrame] = {}
    notes: list[str] = []
    for name, frame in tables.items():
        spec = TABLES[name]
        if frame.empty:
            result[name] = frame
        elif name in ("influencers", "accounts", "brands"):
            result[name] = _cut_description(spec, frame, cut, strict=settings.strict_time)
        elif name == "posts":
            result[name] = _cut_posts(spec, frame, cut, settings, notes)
        elif name == "account_snapshots" and settings.allow_late_snapshots:
            result[name] = _cut_late_snapshots(frame, cut, instant, notes)
        elif name == "post_metrics":
            result[name] = _cut_metrics(frame, result["posts"], cut, settings)
        elif spec.known_at is not None:
            known = _ticks(frame[spec.known_at]) < cut
            kept = frame if known.all() else frame[known].reset_index(drop=True)
            outcome = _columns_known_at(spec, kept, "outcome_at")
            if outcome:
                kept = _nulled(kept, outcome, _ticks(kept["outcome_at"]) >= cut)
            result[name] = kept
        else:
            result[name] = frame
    result["campaign_posts"] = _cut_links(result)
    return result, notes


def _cut_description(
    spec: TableSpec, frame: pd.DataFrame, cut: int, *, strict: bool
) -> pd.DataFrame:
    undated = frame["as_of"].isna().to_numpy()
    hidden = ~undated & (_ticks(frame["as_of"]) >= cut)
    if strict:
        hidden |= undated
    frame = _nulled(frame, _columns_known_at(spec, frame, "timeless"), hidden)
    if spec.name == "accounts":
        unborn = frame["created_at"].notna().to_numpy() & (_ticks(frame["created_at"]) >= cut)
        frame = _nulled(frame, ["created_at"], unborn)
    return frame


def _reading_columns(frame: pd.DataFrame) -> list[str]:
    return ["observed_at", *COUNTERS, "view_definition"]


def _reading_ticks(
    observed_at: pd.Series, published_at: pd.Series, settings: MarketSettings
) -> NDArray[np.int64]:
    """When a reading is known: when taken, but never before the post; else after the lag."""
    published = _ticks(published_at)
    lag = round(settings.counter_lag_days * 86_400_000_000)
    return np.where(
        observed_at.isna().to_numpy(),
        published + lag,
        np.maximum(_ticks(observed_at), published),
    )


def _cut_posts(
    spec: TableSpec,
    frame: pd.DataFrame,
    cut: int,
    settings: MarketSettings,
    notes: list[str],
) -> pd.DataFrame:
    known = _ticks(frame["published_at"]) < cut
    kept = frame if known.all() else frame[known].reset_index(drop=True)
    ticks = _reading_ticks(kept["observed_at"], kept["published_at"], settings)
    hidden = ticks >= cut
    columns = [n for n in _columns_known_at(spec, kept, "reading") if kept[n].notna().any()]
    rests = kept["observed_at"].isna().to_numpy() & ~hidden
    if columns and rests.any():
        has_counter = kept[[n for n in columns if n in COUNTERS]].notna().any(axis=1).to_numpy()
        n_rests = int((rests & has_counter).sum())
        if n_rests:
            notes.append(
                f"posts: {n_rests:,} reading(s) of unknown time count as known "
                f"{settings.counter_lag_days:g} days after publication (counter_lag)"
            )
    return _nulled(kept, columns, hidden)


def _cut_metrics(
    frame: pd.DataFrame, posts: pd.DataFrame, cut: int, settings: MarketSettings
) -> pd.DataFrame:
    published = frame["post_id"].map(posts.set_index("post_id")["published_at"])
    ticks = _reading_ticks(frame["observed_at"], published, settings)
    # A post after the cut has no instant here, so that its readings are never before the cut.
    known = (ticks < cut) & published.notna().to_numpy()
    return frame if known.all() else frame[known].reset_index(drop=True)


def _cut_late_snapshots(
    frame: pd.DataFrame, cut: int, instant: pd.Timestamp, notes: list[str]
) -> pd.DataFrame:
    """Snapshots before the cut, and for an account without one its earliest, marked `is_late`."""
    known = _ticks(frame["as_of"]) < cut
    first = ~frame["account_id"].duplicated().to_numpy()
    late = first & ~known
    if late.any():
        notes.append(
            f"account_snapshots: {int(late.sum()):,} account(s) rest on a snapshot taken at or "
            f"after {instant.isoformat()} (allow_late_snapshots)"
        )
    kept = known | late
    return frame[kept].assign(is_late=pd.array(late[kept], dtype="boolean")).reset_index(drop=True)


def _cut_links(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    frame = tables["campaign_posts"]
    if frame.empty:
        return frame
    kept = frame["post_id"].isin(tables["posts"]["post_id"]) & frame["campaign_id"].isin(
        tables["campaigns"]["campaign_id"]
    )
    return frame if kept.all() else frame[kept].reset_index(drop=True)


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
    posts, metrics = tables["posts"], tables["post_metrics"]
    short = posts[["post_id", "account_id", "published_at", "observed_at", *COUNTERS]]
    parts = [short.assign(_post=np.arange(len(posts)), _source=0)]
    if len(metrics):
        position = pd.Index(posts["post_id"]).get_indexer(metrics["post_id"])
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
    ticks = _reading_ticks(rows["observed_at"], rows["published_at"], settings)
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
    ticks = _ticks(frame["as_of"])
    codes = pd.factorize(frame["account_id"])[0].astype(np.int64)
    if settings.allow_late_snapshots:
        first = ~frame["account_id"].duplicated().to_numpy()
        ticks = np.where(first, pd.Timestamp("1900-01-01").as_unit("us")._value, ticks)
    columns = ["account_id", "as_of", "n_followers", "n_following", "n_posts"]
    return _with_spans(frame[columns], ticks, codes)


def list_timeless_columns(
    tables: Mapping[str, pd.DataFrame], settings: MarketSettings
) -> tuple[str, ...]:
    """Undated columns that hold a value and so are timeless by assumption.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Validated tables.
    settings : MarketSettings
        Under `strict_time` there are none.

    Returns
    -------
    tuple of str
        ``table.column``, in the order of the contract.
    """
    if settings.strict_time:
        return ()
    found: list[str] = []
    for name in ("influencers", "accounts", "brands"):
        frame = tables[name]
        undated = frame[frame["as_of"].isna().to_numpy()]
        found += [
            f"{name}.{column}"
            for column in _columns_known_at(TABLES[name], frame, "timeless")
            if column not in ("as_of", "created_at") and undated[column].notna().any()
        ]
    return tuple(found)
