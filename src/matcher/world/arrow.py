"""Arrow columns in the forms of the data contract: ids, instants, days, lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "START",
    "account_ids",
    "campaign_ids",
    "days",
    "ids",
    "instants",
    "maybe",
    "names",
    "text_lists",
    "whole",
]

START: Final = np.datetime64("2023-07-02T00:00:00", "us")
"""Day 0 of every simulated market; fixed, so that no clock is read."""
_DAY_US: Final = 86_400_000_000

Values = npt.NDArray[np.floating[Any]] | npt.NDArray[np.integer[Any]] | npt.NDArray[np.bool_]


def ids(prefix: str, numbers: npt.NDArray[np.int64], width: int) -> Any:
    """Ids such as ``p_00000012``.

    Parameters
    ----------
    prefix : str
        What stands before the digits.
    numbers : ndarray of int
        Numbers; negative ones become null.
    width : int
        Digits.

    Returns
    -------
    pyarrow.Array of str
        Ids.
    """
    kernels: Any = pc
    digits = kernels.utf8_lpad(pa.array(np.maximum(numbers, 0)).cast(pa.string()), width, "0")
    full = kernels.binary_join_element_wise(pa.scalar(prefix), digits, "")
    return kernels.if_else(pa.array(numbers >= 0), full, pa.scalar(None, pa.string()))


def account_ids(numbers: npt.NDArray[np.int64]) -> Any:
    """Ids of accounts.

    Parameters
    ----------
    numbers : ndarray of int
        Numbers; negative ones become null.

    Returns
    -------
    pyarrow.Array of str
        Ids such as ``acc_000012``.
    """
    return ids("acc_", numbers, 6)


def campaign_ids(numbers: npt.NDArray[np.int64]) -> Any:
    """Ids of campaigns.

    Parameters
    ----------
    numbers : ndarray of int
        Numbers; negative ones become null.

    Returns
    -------
    pyarrow.Array of str
        Ids such as ``cmp_0012``.
    """
    return ids("cmp_", numbers, 4)


def instants(day: npt.NDArray[np.float64]) -> Any:
    """UTC instants of days since `START`; NaN becomes null.

    Parameters
    ----------
    day : ndarray of float
        Days since `START`, fractions of days included; negative before it.

    Returns
    -------
    pyarrow.Array of timestamp
        Whole seconds, kept in microseconds.
    """
    known = ~np.isnan(day)
    seconds = np.floor(np.where(known, day, 0.0) * 86_400).astype(np.int64)
    micro = seconds * 1_000_000 + START.astype(np.int64)
    return pa.array(micro, mask=~known).cast(pa.timestamp("us", tz="UTC"))


def days(day: npt.NDArray[np.float64]) -> Any:
    """Calendar days of days since `START`; NaN becomes null.

    Parameters
    ----------
    day : ndarray of float
        Days since `START`, fractions of days included; negative before it.

    Returns
    -------
    pyarrow.Array of date32
        The day that each falls on, in UTC.
    """
    known = ~np.isnan(day)
    number = np.floor(np.where(known, day, 0.0)).astype(np.int64)
    base = int(START.astype(np.int64) // _DAY_US)
    return pa.array((number + base).astype(np.int32), mask=~known).cast(pa.date32())


def maybe(values: Values, known: npt.NDArray[np.bool_]) -> Any:
    """Values where known, null elsewhere.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Numbers or booleans; any value where unknown.
    known : ndarray of bool, shape (n,)
        Rows with a value; others are null.

    Returns
    -------
    pyarrow.Array
        Of the type of `values`.
    """
    return pa.array(values, mask=~known)


def whole(
    values: npt.NDArray[np.floating[Any]] | npt.NDArray[np.integer[Any]],
    known: npt.NDArray[np.bool_],
) -> Any:
    """Whole numbers where known and not NaN, null elsewhere.

    Parameters
    ----------
    values : ndarray of float or int, shape (n,)
        Numbers; fractions are cut off.
    known : ndarray of bool, shape (n,)
        Rows with a value; others are null.

    Returns
    -------
    pyarrow.Array of int64
        Whole numbers.
    """
    given = np.asarray(known & ~np.isnan(values))
    return pa.array(np.where(given, values, 0.0).astype(np.int64), mask=~given)


def names(
    vocabulary: Sequence[str],
    index: npt.NDArray[np.int64],
    known: npt.NDArray[np.bool_] | None = None,
) -> Any:
    """Words by index; null where the index is negative or the value unknown.

    Parameters
    ----------
    vocabulary : sequence of str
        Words, n_words.
    index : ndarray of int, shape (n,)
        Index into `vocabulary`, below n_words; negative ones become null.
    known : ndarray of bool, shape (n,), optional
        Rows with a value; others are null. All rows by default.

    Returns
    -------
    pyarrow.Array of str
        Words.
    """
    given = index >= 0 if known is None else known & (index >= 0)
    return pa.array(list(vocabulary)).take(pa.array(np.maximum(index, 0), mask=~given))


def text_lists(
    vocabulary: Sequence[str],
    chosen: npt.NDArray[np.bool_],
    known: npt.NDArray[np.bool_] | None = None,
) -> Any:
    """Lists of the words chosen in each row.

    Parameters
    ----------
    vocabulary : sequence of str
        Words, n_words.
    chosen : ndarray of bool, shape (n, n_words)
        Words of each row.
    known : ndarray of bool, shape (n,), optional
        Rows with a value; others are null.

    Returns
    -------
    pyarrow.Array of list of str
        Lists.
    """
    words = np.asarray(vocabulary, dtype=object)
    values = [words[row].tolist() for row in chosen]
    if known is not None:
        values = [v if k else None for v, k in zip(values, known.tolist(), strict=True)]
    return pa.array(values, type=pa.list_(pa.string()))
