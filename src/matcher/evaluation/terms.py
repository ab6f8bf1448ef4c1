"""Another future of flights and terms that leaves the same people free where it was asked."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import pandas as pd

from matcher.evaluation.ranked import BoolArray, IntArray
from matcher.evaluation.scramble import Later
from matcher.market.instants import to_microseconds

__all__ = ["TERMS", "draw_last_days", "last_asked_day", "later_spans", "unasked_terms"]

TERMS: Final = ("availability", "exclusivities")
"""Tables whose rows are agreed ahead and carry no instant at which they became known."""
_ROOM: Final = 400
"""Days after the last flight asked about in which no altered term begins."""
_DAY_US: Final = 86_400_000_000
_NEVER: Final = np.iinfo(np.int64).max // 2


def _days(column: pd.Series, missing: int) -> IntArray:
    """Days since 1970."""
    ticks = column.to_numpy("datetime64[D]").astype(np.int64)
    return np.where(column.isna().to_numpy(), missing, ticks).astype(np.int64)


def last_asked_day(later: Later, keep: Collection[str]) -> int:
    """Last day for which somebody's freedom was known at the cut.

    What a decision knows of absences to come is who is free in the flight that it staffs. The
    flights of all campaigns decided before the cut have been asked about, and those of kept ones
    are being asked about now.

    Parameters
    ----------
    later : Later
        Cut and tables as they were.
    keep : collection of str
        Campaigns whose brief stays.

    Returns
    -------
    int
        Days since 1970; the day of the cut at the least.
    """
    today = later.begin // _DAY_US
    campaigns = later.tables.get("campaigns")
    if campaigns is None or campaigns.empty:
        return today
    asked = to_microseconds(campaigns["decided_at"]) < later.begin
    asked |= campaigns["campaign_id"].isin(list(keep)).to_numpy()
    flights = campaigns[asked]
    # A day more, since a campaign's own day may be one ahead of that in UTC.
    ends = [_days(flights[name], today).max(initial=today) for name in ("starts_on", "ends_on")]
    return int(max(today, *ends)) + 1


def unasked_terms(
    frame: pd.DataFrame, later: Later, *, asked_until: int, strict: bool
) -> BoolArray:
    """Terms that nothing decided before the cut, or kept, may rest on.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of one of `TERMS`.
    later : Later
        The cut.
    asked_until : int
        From `last_asked_day`.
    strict : bool
        Whether only terms count that began before the decision (``strict_time``).

    Returns
    -------
    numpy.ndarray of bool, shape (n_rows,)
        True where the term begins later than that.
    """
    known_until = (later.begin - 1) // _DAY_US if strict else asked_until
    return np.asarray(_days(frame["from_on"], 0) > known_until)


def later_spans(
    frame: pd.DataFrame, later: Later, *, rows: BoolArray, asked_until: int
) -> pd.DataFrame:
    """Give some terms another time, after all that was asked about.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of one of `TERMS`.
    later : Later
        Source of chance.
    rows : numpy.ndarray of bool, shape (n_rows,)
        Rows that change.
    asked_until : int
        From `last_asked_day`.

    Returns
    -------
    pandas.DataFrame
        The same rows; some of those that change stay open.
    """
    n = len(frame)
    first = asked_until + 1 + _ROOM + later.rng.integers(0, 400, size=n)
    last = first + later.rng.integers(0, 60, size=n)
    spans = {"from_on": first, "to_on": last}
    new = {name: pd.Series(_as_days(days), index=frame.index) for name, days in spans.items()}
    new["to_on"] = new["to_on"].mask(later.holes(n))
    return frame.assign(**{name: frame[name].mask(rows, new[name]) for name in new})


def _as_days(days: IntArray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex((days * _DAY_US).view("datetime64[us]"))


def draw_last_days(rows: pd.DataFrame, later: Later, *, shown: BoolArray) -> pd.DataFrame:
    """Let kept flights end on another day on which the same terms touch them.

    Who is free in the planned flight is known when it is decided; anything else that rests on its
    last day, such as its length, may be a result and has to move.

    Parameters
    ----------
    rows : pandas.DataFrame
        Campaigns.
    later : Later
        Source of chance, and the terms as they stand after their own alteration.
    shown : numpy.ndarray of bool, shape (n_campaigns,)
        Kept campaigns.

    Returns
    -------
    pandas.DataFrame
        Campaigns; a flight keeps its last day where every other one would free or bar somebody.
    """
    held = [later.tables[name] for name in TERMS if name in later.tables]
    begins = np.concatenate([_days(frame["from_on"], 0) for frame in held] or [np.empty(0, int)])
    stops = np.concatenate([_days(frame["to_on"], _NEVER) for frame in held] or [np.empty(0, int)])
    ends = rows["ends_on"].copy()
    for place in np.flatnonzero(shown).tolist():
        row = rows.iloc[[place]]
        is_open = bool(row["decided_at"].isna().iloc[0])
        decided = later.begin if is_open else int(to_microseconds(row["decided_at"])[0])
        # A day more than the day of the decision, as above.
        today = decided // _DAY_US + 1
        first = int(_days(row["starts_on"], today)[0])
        last = int(_days(row["ends_on"], first)[0])
        near = begins[stops >= first]
        lowest = int(near[near <= last].max(initial=first))
        highest = int(near[near > last].min(initial=last + _ROOM)) - 1
        if last < lowest:
            # The flight ended before its decision: its first day is read from its last one.
            continue
        drawn = int(later.rng.integers(lowest, highest)) if highest > lowest else last
        drawn += drawn >= last and highest > lowest
        ends.iloc[place] = pd.Timestamp(drawn * _DAY_US, unit="us")
    return rows.assign(ends_on=ends)
