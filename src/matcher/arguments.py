"""What callers hand over: checked where it comes in, so that a mistake is named at once."""

from __future__ import annotations

import numbers
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matcher.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "check_choice",
    "check_count",
    "check_instances",
    "check_number",
    "check_type",
    "to_instant",
    "to_path",
]


def check_type(value: Any, kind: type, *, where: str, hint: str = "") -> None:
    """Refuse a value of another type.

    Parameters
    ----------
    value : Any
        What was given.
    kind : type
        What is expected.
    where : str
        Function and argument that the message names.
    hint : str, default ""
        What to do instead.

    Raises
    ------
    UsageError
        If it is of another type.

    Examples
    --------
    >>> check_type("lists.csv", dict, where="diff: old")
    Traceback (most recent call last):
    matcher.errors.UsageError: diff: old: got str; expected dict
    """
    if not isinstance(value, kind):
        raise UsageError(
            f"{where}: got {type(value).__name__}; expected {kind.__name__}"
            + (f"; {hint}" if hint else "")
        )


def check_choice(value: Any, known: Collection[str], *, where: str) -> None:
    """Refuse a word that is not among the known ones.

    Parameters
    ----------
    value : Any
        What was given.
    known : collection of str
        Known words.
    where : str
        Function and argument that the message names.

    Raises
    ------
    UsageError
        If it is another one.
    """
    if value not in known:
        raise UsageError(f"{where}: got {value!r:.80}; expected one of {', '.join(known)}")


def check_count(value: Any, *, where: str) -> None:
    """Refuse what is no whole number from 1 on.

    Parameters
    ----------
    value : Any
        What was given.
    where : str
        Function and argument that the message names.

    Raises
    ------
    UsageError
        If it is another number, or none.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise UsageError(f"{where}: got {value!r:.80}; expected a whole number from 1 on")


def check_number(value: Any, *, where: str) -> None:
    """Refuse what is no number; text that holds one, and a truth value, are none.

    Parameters
    ----------
    value : Any
        What was given.
    where : str
        Function and argument that the message names.

    Raises
    ------
    UsageError
        If it is of another type.

    Examples
    --------
    >>> check_number("60", where="plan: budget")
    Traceback (most recent call last):
    matcher.errors.UsageError: plan: budget: got '60'; expected a number
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise UsageError(f"{where}: got {value!r:.80}; expected a number")


def check_instances(values: Any, kind: type, *, where: str) -> None:
    """Refuse what is no list of values of a type; a lone value is the usual mistake.

    Parameters
    ----------
    values : Any
        What was given.
    kind : type
        What each value should be.
    where : str
        Function and argument that the message names.

    Raises
    ------
    UsageError
        If it is no list, or one of its values is of another type.
    """
    name = kind.__name__
    if isinstance(values, kind | str | bytes) or not isinstance(values, Iterable):
        raise UsageError(f"{where}: got {type(values).__name__}; expected a list of {name}")
    if not hasattr(values, "__len__"):
        raise UsageError(
            f"{where}: got {type(values).__name__}, which is read but once; expected a list"
        )
    for place, value in enumerate(values):
        check_type(value, kind, where=f"{where}[{place}]")


def to_path(value: Any, *, where: str) -> Path:
    """Path of a value that names one.

    Parameters
    ----------
    value : str or os.PathLike
        What was given.
    where : str
        Function and argument that the message names.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    UsageError
        If it is neither text nor a path, or names nothing.
    """
    if not isinstance(value, str | os.PathLike) or not str(value):
        raise UsageError(f"{where}: got {value!r:.80}; expected a path")
    return Path(value)


def to_instant(value: Any, *, where: str) -> pd.Timestamp:
    """Instant in UTC of a value that names one.

    Parameters
    ----------
    value : pandas.Timestamp, datetime.datetime or str
        What was given.
    where : str
        Function and argument that the message names.

    Returns
    -------
    pandas.Timestamp
        In UTC, in microseconds.

    Raises
    ------
    UsageError
        If it is no instant, or has no timezone.

    Examples
    --------
    >>> to_instant("2025-01-01T07:00:00+07:00", where="as_of").isoformat()
    '2025-01-01T00:00:00+00:00'
    """
    import pandas as pd

    expected = "expected an instant with its offset, such as 2025-01-01T00:00:00+07:00"
    try:
        instant = pd.Timestamp(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: got {value!r:.80}; {expected}") from error
    if pd.isna(instant):
        raise UsageError(f"{where}: got {value!r:.80}; {expected}")
    if instant.tzinfo is None:
        raise UsageError(f"{where}: got {value!r:.80} without timezone; {expected}")
    return instant.tz_convert("UTC").as_unit("us")
