"""Other values for columns of the contract: wrong on purpose, and valid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matcher.evaluation.ranked import BoolArray, IntArray
from matcher.market.instants import positions_in, to_microseconds
from matcher.market.schema import TABLES, ColumnSpec, TableSpec
from matcher.market.taxonomy import read_taxonomy

__all__ = ["Later", "held_campaigns", "scramble_columns", "seen_links", "tidy_rows"]

_NULL_SHARE = 0.15
_N_TEXTS = 64
_N_POOL = 2_000
_DAY_US = 86_400_000_000
_FALLBACK: Mapping[str, tuple[str, ...]] = {
    "language": ("vi", "en"),
    "brief_language": ("vi", "en", "mul"),
    "languages": ("vi", "en"),
    "creator_languages": ("vi", "en"),
    "country": ("VN", "US"),
    "countries": ("VN", "US"),
    "currency": ("VND", "USD"),
    "timezone": ("Asia/Ho_Chi_Minh", "UTC"),
}
"""Values of open vocabularies that have a form, beside those found in the column."""


@dataclass(frozen=True)
class Later:
    """The time after a cut, from which new facts are drawn.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all chance.
    begin, end : int
        First and last instant of new facts, in microseconds since 1970.
    tables : dict of str to pandas.DataFrame
        Tables as they stand, to which references may point.
    """

    rng: np.random.Generator
    begin: int
    end: int
    tables: dict[str, pd.DataFrame]

    def instants(self, n: int, *, not_before: IntArray | None = None) -> pd.DatetimeIndex:
        """Draw instants between `begin` and `end`, or later where a bound asks for it.

        Parameters
        ----------
        n : int
            How many.
        not_before : numpy.ndarray of int64, shape (n,), optional
            Earliest instant of each, in microseconds.

        Returns
        -------
        pandas.DatetimeIndex
            UTC instants.
        """
        first = np.full(n, self.begin) if not_before is None else np.maximum(not_before, self.begin)
        last = np.maximum(first, self.end)
        ticks = self.rng.integers(first, last, endpoint=True).astype(np.int64)
        return pd.DatetimeIndex(ticks.view("datetime64[us]"), tz="UTC")

    def holes(self, n: int) -> BoolArray:
        """Choose which of `n` values become missing.

        Parameters
        ----------
        n : int
            How many values.

        Returns
        -------
        numpy.ndarray of bool, shape (n,)
            True for about one in seven.
        """
        return np.asarray(self.rng.random(n) < _NULL_SHARE)

    def pick(self, pool: Sequence[Any] | NDArray[np.object_], n: int) -> NDArray[np.object_]:
        """Draw from a pool with replacement.

        Parameters
        ----------
        pool : sequence
            Values; an empty pool gives missing values.
        n : int
            How many.

        Returns
        -------
        numpy.ndarray of object, shape (n,)
            Values.
        """
        values = np.empty(len(pool), dtype=object)
        values[:] = list(pool)
        if not len(pool):
            return np.full(n, None, dtype=object)
        return np.asarray(values[self.rng.integers(len(pool), size=n)], dtype=object)


def scramble_columns(
    frame: pd.DataFrame,
    spec: TableSpec,
    later: Later,
    *,
    rows: BoolArray,
    columns: Sequence[str],
) -> pd.DataFrame:
    """Give other values to some rows of some columns.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table in the dtypes of the contract.
    spec : TableSpec
        Its rule.
    later : Later
        Where instants and references come from.
    rows : numpy.ndarray of bool, shape (n_rows,)
        Rows that change.
    columns : sequence of str
        Columns that change, contract columns and further ones.

    Returns
    -------
    pandas.DataFrame
        A new frame with the same rows and dtypes.
    """
    n = int(rows.sum())
    if not n:
        return frame
    known = {column.name: column for column in spec.columns}
    changed: dict[str, pd.Series] = {}
    for name in columns:
        series = frame[name]
        column = known.get(name)
        new = _extra(series, rows, later) if column is None else _values(column, series, n, later)
        changed[name] = _put(series, rows, new)
    return frame.assign(**changed)


def _put(series: pd.Series, rows: BoolArray, values: Any) -> pd.Series:
    if series.dtype == object:
        cells = series.to_numpy(dtype=object, copy=True)
        cells[rows] = values
        return pd.Series(cells, index=series.index, dtype=object)
    # Arrays, since pandas would align two series first.
    array = series.array.copy()
    array[rows] = pd.Series(values).astype(series.dtype).array
    return pd.Series(array, index=series.index)


def _values(column: ColumnSpec, series: pd.Series, n: int, later: Later) -> Any:
    """New values of a contract column: any within its rule, some missing where that is allowed."""
    if column.dtype == "instant":
        new: Any = later.instants(n)
    elif column.dtype == "day":
        days = later.begin // _DAY_US + later.rng.integers(0, 400, size=n)
        new = pd.DatetimeIndex((days * _DAY_US).view("datetime64[us]"))
    elif column.dtype == "float":
        new = _numbers(column, n, later)
    elif column.dtype == "bool":
        new = pd.array(later.rng.random(n) < 0.5, dtype="boolean")
    elif column.dtype == "list":
        new = _lists(column, series, n, later)
    else:
        new = later.pick(_pool(column, series, later), n)
    return _with_holes(new, later.holes(n)) if column.nullable else new


def _with_holes(values: Any, holes: BoolArray) -> Any:
    if isinstance(values, np.ndarray) and values.dtype == object:
        values[holes] = None
        return values
    return pd.Series(values).mask(holes)


def _numbers(column: ColumnSpec, n: int, later: Later) -> NDArray[np.float64]:
    if column.minimum is None:
        return later.rng.normal(size=n)
    if column.maximum == 1.0:
        # Never 0, so that a probability of inclusion stays one.
        return 1.0 - later.rng.random(n)
    drawn = np.exp(later.rng.normal(6.0, 2.0, size=n))
    if column.minimum < 1 and column.minimum > 0:
        return np.clip(drawn, column.minimum, column.maximum)
    ceiling = math.inf if column.maximum is None else column.maximum
    return np.clip(np.floor(drawn), column.minimum, ceiling)


def _pool(column: ColumnSpec, series: pd.Series, later: Later) -> Sequence[Any]:
    """Values that a text column, or an element of a list, may take."""
    if column.allowed:
        return column.allowed
    if column.is_taxonomy:
        return read_taxonomy().ids
    if column.reference is not None:
        table, key = column.reference.split(".")
        parent = later.tables.get(table)
        return _found(series) if parent is None else parent[key].tolist()
    if column.pattern is not None or column.name in _FALLBACK:
        return sorted({*_found(series), *_FALLBACK.get(column.name, ())})
    return _texts(_found(series), later)


def _found(series: pd.Series) -> list[str]:
    """Some different values of a column, or of its lists."""
    held = series.dropna()
    held = held.iloc[:: 1 + len(held) // _N_POOL]
    return sorted(set(held.explode().dropna() if held.dtype == object else held.unique()))


def _texts(found: Sequence[str], later: Later) -> list[str]:
    """Texts mixed from the words of others, each with a word that stood nowhere."""
    some: list[str] = later.pick(found, 64).tolist() if found else []
    words = sorted({word for text in some for word in str(text).split()}) or ["later"]
    lengths = later.rng.integers(1, 30, size=_N_TEXTS)
    return [
        " ".join([*later.rng.choice(words, int(length)), f"x{later.rng.integers(1 << 40):010x}"])
        for length in lengths
    ]


def _lists(column: ColumnSpec, series: pd.Series, n: int, later: Later) -> NDArray[np.object_]:
    pool = _pool(column, series, later)
    lists = [
        tuple(sorted(set(later.pick(pool, int(size))) - {None}))
        for size in later.rng.integers(1, 4, size=_N_TEXTS)
    ]
    return later.pick(lists, n)


def _extra(series: pd.Series, rows: BoolArray, later: Later) -> Any:
    """New values of a column that the contract does not name, of the same dtype."""
    n = int(rows.sum())
    old = series[rows]
    if pd.api.types.is_bool_dtype(series.dtype):
        return later.rng.random(n) < 0.5
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return old + pd.to_timedelta(later.rng.integers(1, 400, size=n), unit="D")
    if pd.api.types.is_integer_dtype(series.dtype):
        return later.rng.integers(0, 1000, size=n)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return later.rng.normal(size=n) * (1.0 + np.abs(old.fillna(0.0).to_numpy(dtype=float)))
    if series.dtype == object:
        return later.pick(series.tolist(), n)
    return later.pick(_texts(_found(series), later), n)


def tidy_rows(frame: pd.DataFrame, spec: TableSpec, *, rows: BoolArray) -> pd.DataFrame:
    """Mend what changed values break across columns.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table after `scramble_columns`.
    spec : TableSpec
        Its rule.
    rows : numpy.ndarray of bool, shape (n_rows,)
        Rows that changed.

    Returns
    -------
    pandas.DataFrame
        Reach at most impressions, no money without currency, no flight that ends before it starts.
    """
    names = set(frame.columns)
    if {"reach", "impressions"} <= names:
        high = rows & (frame["reach"] > frame["impressions"]).to_numpy()
        frame = frame.assign(reach=frame["reach"].mask(high, frame["impressions"]))
    for amount in ("budget", "fee", "revenue"):
        if amount in names and spec.name in ("campaigns", "collaborations"):
            bare = rows & frame["currency"].isna().to_numpy()
            frame = frame.assign(**{amount: frame[amount].mask(bare)})
    if spec.name == "campaigns":
        wrong = rows & (frame["ends_on"] < frame["starts_on"]).to_numpy()
        frame = frame.assign(ends_on=frame["ends_on"].mask(wrong, frame["starts_on"]))
    return frame


def held_campaigns(later: Later) -> list[str]:
    """Campaigns that known rows of other tables refer to.

    Parameters
    ----------
    later : Later
        Cut and tables.

    Returns
    -------
    list of str
        Campaign ids, with repeats.
    """
    held: list[str] = []
    for name in ("collaborations", "decisions"):
        frame = later.tables.get(name)
        if frame is not None and len(frame):
            known = to_microseconds(frame[str(TABLES[name].known_at)]) < later.begin
            held += frame.loc[known, "campaign_id"].tolist()
    links = later.tables.get("campaign_posts")
    if links is not None and len(links):
        held += links.loc[seen_links(links, later), "campaign_id"].tolist()
    return held


def seen_links(links: pd.DataFrame, later: Later) -> BoolArray:
    """Links to posts that were published before the cut.

    Parameters
    ----------
    links : pandas.DataFrame
        Rows of `campaign_posts`.
    later : Later
        Cut and tables.

    Returns
    -------
    numpy.ndarray of bool, shape (n_links,)
        Whether `Market.as_of` shows them.
    """
    posts = later.tables["posts"]
    seen = posts.loc[to_microseconds(posts["published_at"]) < later.begin, "post_id"]
    return np.asarray(positions_in(links["post_id"], seen) >= 0)
