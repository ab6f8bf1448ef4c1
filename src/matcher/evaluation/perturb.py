"""A market whose past is the same and whose future is another one, for the leak linter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from matcher.config import MarketSettings
from matcher.errors import DataError
from matcher.evaluation.ranked import BoolArray
from matcher.evaluation.redraw import CHANGED_SHARE, other_columns, redraw_rows, settle_rows
from matcher.evaluation.scramble import (
    Later,
    held_campaigns,
    scramble_columns,
    seen_links,
    tidy_rows,
)
from matcher.evaluation.terms import (
    TERMS,
    draw_last_days,
    last_asked_day,
    later_spans,
    unasked_terms,
)
from matcher.market.instants import (
    instant_microseconds,
    positions_in,
    reading_microseconds,
    to_microseconds,
)
from matcher.market.schema import TABLES, TableSpec

__all__ = ["DISGUISED", "perturb_after"]

DISGUISED = ("ends_on",)
"""Columns of `campaigns` that may come from what happened although they read like a plan."""


def perturb_after(
    tables: Mapping[str, pd.DataFrame],
    instant: pd.Timestamp,
    *,
    rng: np.random.Generator,
    keep_campaigns: Collection[str] = frozenset(),
    settings: MarketSettings | None = None,
    disguised: Sequence[str] = DISGUISED,
) -> dict[str, pd.DataFrame]:
    """Alter every fact that was known only at or after an instant.

    What `Market.as_of` shows of the result, terms apart, is bit-equal to what it shows of the
    original. A feature, a prior or a score that moves therefore rests on something it could not
    know.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of a built market (all of `Market.tables`, or those in `Market.present`).
    instant : pandas.Timestamp
        UTC instant, such as a campaign's `decided_at`.
    rng : numpy.random.Generator
        Source of all chance; equal states give equal results.
    keep_campaigns : collection of str, optional
        Campaigns whose brief stays although it was decided at or after the instant. Their
        `disguised` and further columns are altered.
    settings : MarketSettings, optional
        Settings of the market: counter lag, late snapshots, strict time, planned flights.
    disguised : sequence of str, optional
        Columns of kept campaigns that are outcomes in disguise; `starts_on` besides where flights
        are not planned.

    Returns
    -------
    dict of str to pandas.DataFrame
        The same tables, valid under the contract, in the canonical order of rows; the input is
        left alone.

    Raises
    ------
    DataError
        If the instant has no timezone, or a table is not of the contract.

    Notes
    -----
    Whole rows, some deleted and some added: posts, readings, snapshots, audiences, rates,
    campaigns, campaign posts, collaborations by `status_at`, decisions, exchange rates. Values
    only: counters of earlier posts that were read later, outcomes of earlier collaborations,
    descriptions dated later, `created_at`. Nothing is done to what the contract calls known
    always: undated descriptions, the existence of accounts and brands. Under
    `allow_late_snapshots` an account's first snapshot counts as known.

    Terms (availability, exclusivities) are agreed ahead and bear no instant. What a decision knows
    of them is who is free in the flight that it plans: terms that begin after the last flight
    decided before the instant, or kept, are redrawn, under `strict_time` all that begin after it.
    A kept flight gets another last day that leaves the same people free, so that anything else
    which rests on its end moves. Where flights are not planned their days are any.
    """
    if instant.tzinfo is None:  # NaT has none either
        raise DataError(f"perturb_after: got {instant!r}; expected an instant with its offset")
    unknown = sorted(set(tables) - set(TABLES))
    if unknown:
        raise DataError(f"perturb_after: tables {unknown} are not of the contract")
    settings = MarketSettings() if settings is None else settings
    begin = instant_microseconds(instant.tz_convert("UTC"))
    later = Later(rng, begin, max(begin, _newest(tables)), dict(tables))
    asked_until = last_asked_day(later, keep_campaigns)
    for name in TERMS:  # before campaigns, whose last days depend on them
        if name in tables and len(tables[name]):
            later.tables[name] = _perturb_terms(
                TABLES[name],
                tables[name],
                later,
                asked_until=asked_until,
                strict=settings.strict_time,
            )
    for name, spec in TABLES.items():
        frame = tables.get(name)
        if frame is None or frame.empty:
            continue
        step = _STEPS.get(name, _perturb_dated)
        if name == "campaigns":
            later.tables[name] = _perturb_campaigns(
                spec,
                frame,
                later,
                keep=keep_campaigns,
                disguised=disguised,
                planned=settings.flights_planned,
            )
        elif spec.known_at is not None or name in _STEPS:
            later.tables[name] = step(spec, frame, later, settings)
    return dict(later.tables)


def _newest(tables: Mapping[str, pd.DataFrame]) -> int:
    """Last instant at which anything was observed."""
    found = [
        tables[name][column.name].max()
        for name, spec in TABLES.items()
        for column in spec.columns
        if name in tables and column.dtype == "instant" and not column.may_be_future
    ]
    ticks = [instant_microseconds(pd.Timestamp(value)) for value in found if not pd.isna(value)]
    return max(ticks, default=0)


# --- whole rows ------------------------------------------------------------------------------


def _perturb_dated(
    spec: TableSpec, frame: pd.DataFrame, later: Later, _settings: MarketSettings
) -> pd.DataFrame:
    """A table whose rows are known from one column on."""
    hidden = to_microseconds(frame[str(spec.known_at)]) >= later.begin
    rows, changed = redraw_rows(spec, frame, later, hidden=hidden)
    columns = other_columns(spec, rows)
    return settle_rows(
        spec, scramble_columns(rows, spec, later, rows=changed, columns=columns), changed=changed
    )


def _perturb_snapshots(
    spec: TableSpec, frame: pd.DataFrame, later: Later, settings: MarketSettings
) -> pd.DataFrame:
    if not settings.allow_late_snapshots:
        return _perturb_dated(spec, frame, later, settings)
    # The first snapshot of an account counts as known; values of the others may change.
    first = ~frame["account_id"].duplicated().to_numpy()
    hidden = (to_microseconds(frame["as_of"]) >= later.begin) & ~first
    columns = other_columns(spec, frame, "account_id", "as_of")
    return scramble_columns(frame, spec, later, rows=hidden, columns=columns)


def _perturb_audiences(
    spec: TableSpec, frame: pd.DataFrame, later: Later, _settings: MarketSettings
) -> pd.DataFrame:
    hidden = to_microseconds(frame["as_of"]) >= later.begin
    rows, changed = redraw_rows(spec, frame, later, hidden=hidden)
    columns = other_columns(spec, rows, "dimension", "bucket")
    rows = scramble_columns(rows, spec, later, rows=changed, columns=columns)
    # Small enough that any set of buckets sums to at most 1.
    n_buckets = rows.groupby("dimension")["bucket"].transform("nunique")
    share = rows["share"].where(~changed, rows["share"] / n_buckets)
    return settle_rows(spec, rows.assign(share=share), changed=changed)


def _perturb_exchange_rates(
    spec: TableSpec, frame: pd.DataFrame, later: Later, _settings: MarketSettings
) -> pd.DataFrame:
    hidden = to_microseconds(frame["on"]) >= later.begin
    columns = other_columns(spec, frame, *spec.key)
    rows = scramble_columns(frame, spec, later, rows=hidden, columns=columns)
    kept = ~(hidden & (later.rng.random(len(rows)) < CHANGED_SHARE))
    return rows[kept].reset_index(drop=True)


def _perturb_terms(
    spec: TableSpec, frame: pd.DataFrame, later: Later, *, asked_until: int, strict: bool
) -> pd.DataFrame:
    hidden = unasked_terms(frame, later, asked_until=asked_until, strict=strict)
    rows, changed = redraw_rows(spec, frame, later, hidden=hidden)
    columns = [name for name in other_columns(spec, rows) if name not in (*spec.key, "to_on")]
    rows = scramble_columns(rows, spec, later, rows=changed, columns=columns)
    rows = later_spans(rows, later, rows=changed, asked_until=asked_until)
    return settle_rows(spec, rows, changed=changed)


# --- posts and what hangs on them ------------------------------------------------------------


def _perturb_posts(
    spec: TableSpec, frame: pd.DataFrame, later: Later, settings: MarketSettings
) -> pd.DataFrame:
    hidden = to_microseconds(frame["published_at"]) >= later.begin
    rows, changed = redraw_rows(spec, frame, later, hidden=hidden)
    rows = scramble_columns(
        rows, spec, later, rows=changed, columns=other_columns(spec, rows, "observed_at")
    )
    readings = [column.name for column in spec.columns if column.known_at == "reading"]
    ticks = reading_microseconds(rows["observed_at"], rows["published_at"], settings)
    read_later = ~changed & (ticks >= later.begin)
    columns = [name for name in readings if name != "observed_at"]
    rows = scramble_columns(rows, spec, later, rows=read_later, columns=columns)
    rows = _new_reading_times(rows, later, settings, changed=changed | read_later)
    return settle_rows(spec, rows, changed=changed | read_later)


def _new_reading_times(
    rows: pd.DataFrame, later: Later, settings: MarketSettings, *, changed: BoolArray
) -> pd.DataFrame:
    """Reading times after the cut and after publication; missing where that too is after it."""
    published = to_microseconds(rows["published_at"])
    drawn = pd.Series(later.instants(len(rows), not_before=published), index=rows.index)
    unread = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")
    without = reading_microseconds(unread, rows["published_at"], settings) >= later.begin
    drawn = drawn.mask(without & (later.rng.random(len(rows)) < 0.5))
    new = drawn.astype(rows["observed_at"].dtype)
    return rows.assign(observed_at=rows["observed_at"].where(~changed, new))


def _perturb_metrics(
    spec: TableSpec, frame: pd.DataFrame, later: Later, settings: MarketSettings
) -> pd.DataFrame:
    posts = later.tables["posts"]
    frame = frame[positions_in(frame["post_id"], posts["post_id"]) >= 0].reset_index(drop=True)
    if frame.empty:
        return frame
    hidden = (
        reading_microseconds(frame["observed_at"], _published(frame, posts), settings)
        >= later.begin
    )
    rows, changed = redraw_rows(spec, frame, later, hidden=hidden)
    columns = other_columns(spec, rows, "post_id", "observed_at")
    rows = scramble_columns(rows, spec, later, rows=changed, columns=columns)
    times = later.instants(len(rows), not_before=to_microseconds(_published(rows, posts)))
    new = pd.Series(times, index=rows.index).astype(rows["observed_at"].dtype)
    rows = rows.assign(observed_at=rows["observed_at"].where(~changed, new))
    return settle_rows(spec, rows, changed=changed)


def _published(rows: pd.DataFrame, posts: pd.DataFrame) -> pd.Series:
    places = positions_in(rows["post_id"], posts["post_id"])
    return posts["published_at"].take(places).reset_index(drop=True)


# --- campaigns and what hangs on them --------------------------------------------------------


def _perturb_campaigns(
    spec: TableSpec,
    frame: pd.DataFrame,
    later: Later,
    *,
    keep: Collection[str],
    disguised: Sequence[str],
    planned: bool,
) -> pd.DataFrame:
    ids = frame["campaign_id"]
    hidden = to_microseconds(frame["decided_at"]) >= later.begin
    kept = hidden & ids.isin(list(keep)).to_numpy()
    free = hidden & ~kept
    rows, changed = redraw_rows(
        spec, frame, later, hidden=free, deletable=~ids.isin(held_campaigns(later)).to_numpy()
    )
    rows = scramble_columns(rows, spec, later, rows=changed, columns=other_columns(spec, rows))
    shown = rows["campaign_id"].isin(ids[kept]).to_numpy() & ~changed
    hindsight = set(disguised) if planned else {*disguised, "starts_on"}
    if planned and "ends_on" in disguised:
        hindsight.remove("ends_on")
        rows = draw_last_days(rows, later, shown=shown)
    named = set(spec.column_names)
    columns = [name for name in other_columns(spec, rows) if name in hindsight or name not in named]
    rows = scramble_columns(rows, spec, later, rows=shown, columns=columns)
    return settle_rows(spec, _later_ends(rows, later, shown=shown), changed=changed)


def _later_ends(rows: pd.DataFrame, later: Later, *, shown: BoolArray) -> pd.DataFrame:
    """Ends of kept campaigns between their start and a year after it."""
    start = rows["starts_on"].fillna(pd.Timestamp(later.begin, unit="us").normalize())
    after = pd.to_timedelta(later.rng.integers(0, 365, size=len(rows)), unit="D")
    early = shown & (rows["ends_on"] < rows["starts_on"]).to_numpy()
    return rows.assign(
        ends_on=rows["ends_on"].mask(early, (start + after).astype("datetime64[us]"))
    )


def _perturb_links(
    spec: TableSpec, frame: pd.DataFrame, later: Later, _settings: MarketSettings
) -> pd.DataFrame:
    posts, campaigns = later.tables.get("posts"), later.tables.get("campaigns")
    if posts is None or campaigns is None or posts.empty or campaigns.empty:
        return frame
    known = seen_links(frame, later)
    n_added = max(1, int((~known).sum()))
    added = frame.iloc[later.rng.integers(len(frame), size=n_added)].assign(
        campaign_id=pd.array(later.pick(campaigns["campaign_id"].tolist(), n_added), dtype="str"),
        post_id=pd.array(later.pick(posts["post_id"].tolist(), n_added), dtype="str"),
    )
    rows = pd.concat([frame[known], added[~seen_links(added, later)]], ignore_index=True)
    changed = np.arange(len(rows)) >= int(known.sum())
    columns = other_columns(spec, rows, *spec.key)
    return settle_rows(
        spec, scramble_columns(rows, spec, later, rows=changed, columns=columns), changed=changed
    )


def _perturb_collaborations(
    spec: TableSpec, frame: pd.DataFrame, later: Later, _settings: MarketSettings
) -> pd.DataFrame:
    hidden = to_microseconds(frame["status_at"]) >= later.begin
    rows, changed = redraw_rows(spec, frame, later, hidden=hidden)
    rows = scramble_columns(rows, spec, later, rows=changed, columns=other_columns(spec, rows))
    outcomes = [column.name for column in spec.columns if column.known_at == "outcome_at"]
    outcomes += [name for name in other_columns(spec, rows) if name not in spec.column_names]
    measured_later = ~changed & (to_microseconds(rows["outcome_at"]) >= later.begin)
    rows = scramble_columns(rows, spec, later, rows=measured_later, columns=outcomes)
    return _settle_money(spec, rows, changed=changed, measured=measured_later)


def _settle_money(
    spec: TableSpec,
    rows: pd.DataFrame,
    *,
    changed: BoolArray,
    measured: BoolArray,
) -> pd.DataFrame:
    """A fee that was agreed in time stays, whatever became of the revenue."""
    fee = rows["fee"]
    settled = tidy_rows(rows, spec, rows=changed | measured)
    settled = settled.assign(fee=settled["fee"].where(changed, fee))
    return settle_rows(spec, settled, changed=changed)


# --- descriptions ----------------------------------------------------------------------------


def _perturb_description(
    spec: TableSpec, frame: pd.DataFrame, later: Later, _settings: MarketSettings
) -> pd.DataFrame:
    """Rows stay, since an account exists whatever is known of it; what was read later changes."""
    named = {column.name: column.known_at for column in spec.columns}
    columns = [
        str(name)
        for name in frame.columns
        if named.get(str(name), spec.extra_known_at) == "timeless"
    ]
    dated = frame["as_of"].notna().to_numpy() & (to_microseconds(frame["as_of"]) >= later.begin)
    rows = scramble_columns(frame, spec, later, rows=dated, columns=columns)
    times = pd.Series(later.instants(len(rows)), index=rows.index).astype(rows["as_of"].dtype)
    rows = rows.assign(as_of=rows["as_of"].where(~dated, times))
    if "created_at" in rows:
        unborn = frame["created_at"].notna().to_numpy() & (
            to_microseconds(frame["created_at"]) >= later.begin
        )
        rows = rows.assign(created_at=rows["created_at"].where(~(unborn | dated), times))
    return rows


_Step = Callable[[TableSpec, pd.DataFrame, Later, MarketSettings], pd.DataFrame]

_STEPS: dict[str, _Step] = {
    "influencers": _perturb_description,
    "accounts": _perturb_description,
    "brands": _perturb_description,
    "account_snapshots": _perturb_snapshots,
    "posts": _perturb_posts,
    "post_metrics": _perturb_metrics,
    "campaign_posts": _perturb_links,
    "audiences": _perturb_audiences,
    "collaborations": _perturb_collaborations,
    "exchange_rates": _perturb_exchange_rates,
}
