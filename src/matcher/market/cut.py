"""The point-in-time cut: what of each table was known strictly before an instant."""

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
from matcher.market.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.config import MarketSettings
    from matcher.market.spec import TableSpec

__all__ = ["cut_tables", "list_timeless_columns", "note_unread_times"]


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
    cut = instant_microseconds(instant)
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
            known = to_microseconds(frame[spec.known_at]) < cut
            kept = frame if known.all() else frame[known].reset_index(drop=True)
            outcome = _columns_known_at(spec, kept, "outcome_at")
            if outcome:
                kept = _nulled(kept, outcome, to_microseconds(kept["outcome_at"]) >= cut)
            result[name] = kept
        else:
            result[name] = frame
    result["campaign_posts"] = _cut_links(result)
    return result, notes


def _cut_description(
    spec: TableSpec, frame: pd.DataFrame, cut: int, *, strict: bool
) -> pd.DataFrame:
    undated = frame["as_of"].isna().to_numpy()
    hidden = ~undated & (to_microseconds(frame["as_of"]) >= cut)
    if strict:
        hidden |= undated
    frame = _nulled(frame, _columns_known_at(spec, frame, "timeless"), hidden)
    if spec.name == "accounts":
        unborn = frame["created_at"].notna().to_numpy() & (
            to_microseconds(frame["created_at"]) >= cut
        )
        frame = _nulled(frame, ["created_at"], unborn)
    return frame


def _cut_posts(
    spec: TableSpec,
    frame: pd.DataFrame,
    cut: int,
    settings: MarketSettings,
    notes: list[str],
) -> pd.DataFrame:
    known = to_microseconds(frame["published_at"]) < cut
    kept = frame if known.all() else frame[known].reset_index(drop=True)
    ticks = reading_microseconds(kept["observed_at"], kept["published_at"], settings)
    hidden = ticks >= cut
    columns = [n for n in _columns_known_at(spec, kept, "reading") if kept[n].notna().any()]
    rests = kept["observed_at"].isna().to_numpy() & ~hidden
    if columns and rests.any():
        has_counter = kept[[n for n in columns if n in COUNTERS]].notna().any(axis=1).to_numpy()
        n_rests = int((rests & has_counter).sum())
        if n_rests:
            notes.append(_unread_sentence("posts", n_rests, settings))
    return _nulled(kept, columns, hidden)


def note_unread_times(tables: Mapping[str, pd.DataFrame], settings: MarketSettings) -> list[str]:
    """How many readings rest on the counter lag.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Validated tables.
    settings : MarketSettings
        Counter lag.

    Returns
    -------
    list of str
        One sentence per table with readings of unknown time.
    """
    said = []
    for name in ("posts", "post_metrics"):
        frame = tables[name]
        counters = [column for column in COUNTERS if column in frame]
        unread = frame["observed_at"].isna() & frame[counters].notna().any(axis=1)
        if unread.any():
            said.append(_unread_sentence(name, int(unread.sum()), settings))
    return said


def _unread_sentence(table: str, n_rows: int, settings: MarketSettings) -> str:
    return (
        f"{table}: {n_rows:,} reading(s) of unknown time count as known "
        f"{settings.counter_lag_days:g} days after publication (counter_lag)"
    )


def _cut_metrics(
    frame: pd.DataFrame, posts: pd.DataFrame, cut: int, settings: MarketSettings
) -> pd.DataFrame:
    position = positions_in(frame["post_id"], posts["post_id"])
    kept_post = position >= 0
    if len(posts) == 0:
        return frame[kept_post]
    published = posts["published_at"].take(position)
    known = kept_post & (reading_microseconds(frame["observed_at"], published, settings) < cut)
    return frame if known.all() else frame[known].reset_index(drop=True)


def _cut_late_snapshots(
    frame: pd.DataFrame, cut: int, instant: pd.Timestamp, notes: list[str]
) -> pd.DataFrame:
    """Snapshots before the cut, and for an account without one its earliest, marked `is_late`."""
    known = to_microseconds(frame["as_of"]) < cut
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
    # Whether or not its campaign is known yet: a campaign decided at the cut must not see the
    # posts that were made for it before.
    kept = positions_in(frame["post_id"], tables["posts"]["post_id"]) >= 0
    return frame if kept.all() else frame[kept].reset_index(drop=True)


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
