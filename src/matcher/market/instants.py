"""Instants as integers, and the rule for when a reading of counters is known."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.config import MarketSettings

__all__ = [
    "counter_lag",
    "instant_microseconds",
    "is_timezone",
    "positions_in",
    "reading_microseconds",
    "to_microseconds",
]


@lru_cache(maxsize=1_024)
def is_timezone(name: str) -> bool:
    """Whether a name is an IANA timezone.

    Parameters
    ----------
    name : str
        Name such as ``Asia/Ho_Chi_Minh``.

    Returns
    -------
    bool
        True if this machine's zone data, or that of the package `tzdata`, has it.
    """
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


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


def instant_microseconds(instant: pd.Timestamp) -> int:
    """Microseconds from 1970 to an instant.

    Parameters
    ----------
    instant : pandas.Timestamp
        An instant.

    Returns
    -------
    int
        Rounded down.
    """
    return int(instant.as_unit("us").to_numpy().astype(np.int64))


def to_microseconds(series: pd.Series) -> NDArray[np.int64]:
    """Microseconds since 1970 of instants or days.

    Parameters
    ----------
    series : pandas.Series
        Instants in UTC, or days.

    Returns
    -------
    ndarray of int64, shape (n_rows,)
        A missing one is the largest integer, hence never before a cut.
    """
    ticks = series.to_numpy(dtype="datetime64[us]").view(np.int64)
    return np.where(ticks == np.iinfo(np.int64).min, np.iinfo(np.int64).max, ticks)


def reading_microseconds(
    observed_at: pd.Series, published_at: pd.Series, settings: MarketSettings
) -> NDArray[np.int64]:
    """When readings of counters are known, in microseconds since 1970.

    Parameters
    ----------
    observed_at : pandas.Series
        When they were taken; may be missing.
    published_at : pandas.Series
        When their posts were published, in the same order.
    settings : MarketSettings
        Counter lag.

    Returns
    -------
    ndarray of int64, shape (n_rows,)
        When taken, but never before the post; ``counter_lag`` after publication when missing.
    """
    published = to_microseconds(published_at)
    lag = int(counter_lag(settings) // pd.Timedelta(1, unit="us"))
    return np.where(
        observed_at.isna().to_numpy(),
        published + lag,
        np.maximum(to_microseconds(observed_at), published),
    )


def positions_in(values: pd.Series, among: pd.Series) -> NDArray[np.int64]:
    """Position of each value among unique ones.

    Parameters
    ----------
    values : pandas.Series
        Ids looked for.
    among : pandas.Series
        Ids, each once.

    Returns
    -------
    ndarray of int64, shape (n_values,)
        -1 where the value is not there.
    """
    # Arrow's hash is used since pandas walks over text in Python.
    found = pc.index_in(_whole(values), value_set=_whole(among))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _whole(values: pd.Series) -> pa.Array:
    array = pa.array(values)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
