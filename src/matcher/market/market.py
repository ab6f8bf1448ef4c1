"""The market: everything that is known, and `as_of`, the only way to features."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from matcher.arguments import check_choice, to_instant
from matcher.config import MarketSettings
from matcher.errors import DataError, UsageError
from matcher.market.cut import cut_tables, list_timeless_columns, note_unread_times
from matcher.market.readings import build_readings, build_snapshots
from matcher.market.schema import TABLES
from matcher.market.validate import RawTable, Validated, validate_tables
from matcher.markup import html_table
from matcher.plain import encodable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Market", "build_market", "market_from"]

CUT_NOTE = "cut: "


@dataclass(frozen=True, eq=False)
class Market:
    """Validated tables of one market.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Every contract table in the in-memory dtypes, rows in canonical order; an absent table is
        an empty frame with all contract columns.
    present : frozenset of str
        Tables that the user gave.
    settings : MarketSettings
        How tables are read and when a fact counts as known.
    quarantine : pandas.DataFrame
        What validation set aside: ``table, row, column, value, rule, fix, level``.
    notes : tuple of str
        What was assumed, in sentences.
    data_hash : str
        First 16 hexadecimal digits of a SHA-256 over the canonical content of all tables as
        loaded; independent of row order, part files and file format, and unchanged by a cut.
    cut_at : pandas.Timestamp, optional
        Instant of the cut; None for the whole market.
    n_read : mapping of str to int
        Rows as read, per given table.
    """

    tables: Mapping[str, pd.DataFrame]
    present: frozenset[str]
    settings: MarketSettings
    quarantine: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...]
    data_hash: str
    cut_at: pd.Timestamp | None = None
    n_read: Mapping[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Check that every contract table is there, and close the mapping."""
        missing = [name for name in TABLES if name not in self.tables]
        if missing:
            raise DataError(
                f"market: tables {missing} are missing; build a market with `build_market`"
            )
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    def __repr__(self) -> str:
        """Row counts of the tables that hold rows."""
        counts = ", ".join(f"{name}={len(t):,}" for name, t in self.tables.items() if len(t))
        cut = "" if self.cut_at is None else f", cut_at={self.cut_at.isoformat()}"
        return f"Market({counts}, data_hash={self.data_hash}{cut})"

    def _repr_html_(self) -> str:
        """Rows of each table for notebooks, every text escaped."""
        rows = [
            (name, len(table), name in self.present)
            for name, table in self.tables.items()
            if len(table) or name in self.present
        ]
        cut = "" if self.cut_at is None else f", as known before {self.cut_at.isoformat()}"
        title = f"market {self.data_hash}{cut}"
        notes = [f"{len(self.quarantine):,} entries in quarantine"] * bool(len(self.quarantine))
        return html_table(
            pd.DataFrame(rows, columns=["table", "rows", "given"]), title=title, notes=notes
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Market:
        """Itself: a market does not change, and scikit-learn copies what an estimator holds."""
        return self

    def __reduce__(self) -> tuple[type[Market], tuple[Any, ...]]:
        """Parts that another process builds the same market from."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values |= {"tables": dict(self.tables), "n_read": dict(self.n_read)}
        return type(self), tuple(values.values())

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Table of a name."""
        check_choice(table, TABLES, where="market")
        return self.tables[table]

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What rests on an assumption, in sentences, for every run to say."""
        said = [note.removeprefix(CUT_NOTE) for note in self.notes]
        if self.cut_at is None:
            said += note_unread_times(self.tables, self.settings)
        absent = [name for name in TABLES if name not in self.present]
        if absent and self.cut_at is None:
            said.append(f"not given, and done without: {', '.join(absent)}")
        if self.timeless_columns:
            said.append(f"taken as timeless, being undated: {', '.join(self.timeless_columns)}")
        return tuple(said)

    def as_of(self, instant: pd.Timestamp | str) -> Market:
        """Only what was known strictly before an instant.

        Parameters
        ----------
        instant : pandas.Timestamp or str
            Cut, with timezone. A later instant than that of an earlier cut changes nothing.

        Returns
        -------
        Market
            Posts published before it; counters, snapshots, audiences and rates read before it;
            collaborations whose status, and their outcomes if these, were known before it;
            campaigns decided before it. Terms (availability, exclusivities) stay.

        Raises
        ------
        UsageError
            If the instant has no timezone.

        Examples
        --------
        >>> from matcher import load_market
        >>> market = load_market("data/tiny_market")
        >>> before = market.as_of("2024-07-01T00:00:00+07:00")
        >>> bool(before["posts"]["published_at"].max() < before.cut_at)
        True
        """
        cut = to_instant(instant, where="as_of")
        if self.cut_at is not None and cut >= self.cut_at:
            return self
        tables, notes = cut_tables(self.tables, cut, self.settings)
        lasting = tuple(note for note in self.notes if not note.startswith(CUT_NOTE))
        marked = tuple(CUT_NOTE + note for note in notes)
        return replace(self, tables=tables, notes=lasting + marked, cut_at=cut)

    @property
    def readings(self) -> pd.DataFrame:
        """Every reading of a post's counters.

        Columns ``post_id, account_id, known_at, valid_to`` and the counters; a reading is the
        newest of its post in ``[known_at, valid_to)``, missing `valid_to` meaning until now. One
        without `observed_at` counts as known ``counter_lag`` after publication. Made anew at each
        use, being larger than the posts and seldom needed whole.
        """
        return build_readings(self.tables, self.settings)

    def readings_of(self, post_ids: pd.Series) -> pd.DataFrame:
        """Readings of some posts.

        Parameters
        ----------
        post_ids : pandas.Series
            Ids of posts; unknown ones count for nothing.

        Returns
        -------
        pandas.DataFrame
            The rows of `readings` of these posts.
        """
        chosen = {
            name: self.tables[name][self.tables[name]["post_id"].isin(post_ids)]
            for name in ("posts", "post_metrics")
        }
        return build_readings(chosen, self.settings)

    @cached_property
    def snapshots(self) -> pd.DataFrame:
        """Every snapshot of an account, with the span in which it is the newest.

        Columns ``account_id, known_at, valid_to, as_of, n_followers, n_following, n_posts``. Under
        ``allow_late_snapshots`` an account's first one is known from 1900 on.
        """
        return build_snapshots(self.tables, self.settings)

    @cached_property
    def newest_known_at(self) -> pd.Timestamp:
        """Newest instant at which anything in the market was observed.

        Planned days, decision instants of campaigns and the assumed ``counter_lag`` do not count.
        `as_of` is strict: what was observed at this very instant is not known before it.

        Raises
        ------
        DataError
            If the market holds no observation.
        """
        instants = [
            self.tables[name][column.name].max()
            for name, spec in TABLES.items()
            for column in spec.columns
            if column.dtype == "instant" and not column.may_be_future
        ]
        known = [pd.Timestamp(instant) for instant in instants if not pd.isna(instant)]
        if not known:
            raise DataError("market: no table holds an instant; name one with --as-of")
        return max(known)

    @property
    def all_known_at(self) -> pd.Timestamp:
        """First whole second from which everything observed is known.

        Raises
        ------
        DataError
            If the market holds no observation.
        """
        return self.newest_known_at.floor("s") + pd.Timedelta(seconds=1)

    @cached_property
    def timeless_columns(self) -> tuple[str, ...]:
        """Undated columns in use, timeless by assumption, such as ``influencers.bio``."""
        return list_timeless_columns(self.tables, self.settings)

    def list_lacking(self, *names: str) -> tuple[str, ...]:
        """Tables that hold no row, each with the reason, in words.

        Parameters
        ----------
        *names : str
            Tables of the contract.

        Returns
        -------
        tuple of str
            In the order given; empty where all hold rows.
        """
        return tuple(
            f"`{name}` ({'has no usable row' if name in self.present else 'was not given'})"
            for name in names
            if self.tables[name].empty
        )

    def require_training_tables(self) -> None:
        """Check that a model can learn from hires, and be judged by them.

        Raises
        ------
        DataError
            Naming every table that this needs and that is missing or empty.
        """
        needed = ("brands", "campaigns", "collaborations")
        lacking = self.list_lacking(*needed)
        if lacking:
            raise DataError(
                "market: nothing can be learnt from hires, or judged by them, without "
                f"{', '.join(f'`{name}`' for name in needed)}; "
                f"missing: {', '.join(lacking)}; add them to the market's folder"
            )


def market_from(validated: Validated, settings: MarketSettings) -> Market:
    """Market of validated tables.

    Parameters
    ----------
    validated : Validated
        Result of `validate_tables`.
    settings : MarketSettings
        Settings it was validated under.

    Returns
    -------
    Market
        The whole market, not cut.
    """
    return Market(
        validated.tables,
        validated.present,
        settings,
        validated.quarantine,
        validated.notes,
        validated.data_hash,
        n_read=validated.n_read,
    )


def build_market(
    tables: Mapping[str, pd.DataFrame],
    settings: MarketSettings | None = None,
    *,
    strict: bool = False,
    latest: pd.Timestamp | None = None,
) -> Market:
    """Market of in-memory tables, under the same rules as one that is loaded.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of the contract by name.
    settings : MarketSettings, optional
        How they are read; the defaults when None.
    strict : bool, default False
        Raise on anything that would go to the quarantine.
    latest : pandas.Timestamp, optional
        Latest instant at which anything can have been observed; the clock plus one day when None.

    Returns
    -------
    Market
        The market.

    Raises
    ------
    SchemaError
        As `validate_tables`.
    UsageError
        If a table is not of the contract.
    DataError
        If a table names a column twice.
    """
    settings = MarketSettings() if settings is None else settings
    unknown = sorted(set(tables) - set(TABLES))
    if unknown:
        raise UsageError(f"build_market: unknown tables {unknown}; known: {', '.join(TABLES)}")
    raw = {name: _from_pandas(name, frame) for name, frame in tables.items()}
    validated = validate_tables(raw, settings, where="market", strict=strict, latest=latest)
    return market_from(validated, settings)


def _from_pandas(name: str, frame: pd.DataFrame) -> RawTable:
    doubled = sorted({str(label) for label in frame.columns[frame.columns.duplicated()]})
    if doubled:
        raise DataError(f"{name}: columns {doubled} stand twice; name each column once")
    columns = {str(label): _column(frame[label]) for label in frame.columns}
    return RawTable(columns, len(frame))


def _column(series: pd.Series) -> pa.ChunkedArray:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        ticks = pa.array(series.dt.tz_convert(None).to_numpy(), from_pandas=True)
        return pa.chunked_array([ticks.cast(pa.timestamp(series.dt.unit, "UTC"))])
    try:
        array = pa.array(series, from_pandas=True)
    except (pa.ArrowException, UnicodeEncodeError, TypeError, OverflowError):
        # A column of mixed types: each value is judged by its text.
        texts = [_text(value) for value in series.tolist()]
        array = pa.array(texts, pa.large_string())
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _text(value: object) -> str | None:
    if isinstance(value, list | tuple | set | frozenset):
        return encodable("|".join(str(item) for item in value))
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return None
    return encodable(str(value))
