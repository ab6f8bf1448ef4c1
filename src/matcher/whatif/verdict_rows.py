"""Rows that verdicts of tables rest on, and their amounts in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.recommend.wording import format_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from matcher.recommend.wording import Language

__all__ = [
    "amount_words",
    "bottom_row",
    "inside_rows",
    "or_words",
    "refusal_words",
    "tied_rows",
    "top_row",
]

_REFUSED: Final[Mapping[str, str]] = {
    "en": "; {n} of {all} cannot be answered",
    "vi": "; {n} trong {all} không trả lời được",
}
_OR: Final[Mapping[str, str]] = {"en": " or ", "vi": " hoặc "}
_MORE: Final[Mapping[str, str]] = {"en": "{n} more", "vi": "{n} mức khác"}
_MOST_TIED: Final = 3
"""Rows of one value that a verdict names."""


def inside_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that may be relied on.

    Parameters
    ----------
    table : pandas.DataFrame
        Table with ``is_outside``.

    Returns
    -------
    pandas.DataFrame
        Those inside what was learnt from; all of them where there is none.
    """
    inside = table[~table["is_outside"].astype(bool)]
    return inside if len(inside) else table


def top_row(table: pd.DataFrame, name: str) -> pd.Series:
    """Row with the largest value of a column, the first of equals.

    Parameters
    ----------
    table : pandas.DataFrame
        Table of an answer.
    name : str
        Column that holds at least one number.

    Returns
    -------
    pandas.Series
        The row.
    """
    return table.iloc[int(np.nanargmax(table[name].to_numpy(np.float64)))]


def bottom_row(table: pd.DataFrame, name: str) -> pd.Series:
    """Row with the smallest value of a column, the first of equals.

    Parameters
    ----------
    table : pandas.DataFrame
        Table of an answer.
    name : str
        Column that holds at least one number.

    Returns
    -------
    pandas.Series
        The row.
    """
    return table.iloc[int(np.nanargmin(table[name].to_numpy(np.float64)))]


def tied_rows(table: pd.DataFrame, name: str, row: pd.Series) -> pd.DataFrame:
    """Rows with the same value of a column as one of them.

    Parameters
    ----------
    table : pandas.DataFrame
        Table of an answer.
    name : str
        Column of numbers.
    row : pandas.Series
        One of its rows.

    Returns
    -------
    pandas.DataFrame
        At least that row; values count as the same up to rounding.
    """
    same = np.isclose(table[name].to_numpy(np.float64), float(row[name]), rtol=1e-9, atol=1e-9)
    rows: pd.DataFrame = table[same]
    return rows


def or_words(words: Sequence[str], language: Language) -> str:
    """Things between which nothing decides.

    Parameters
    ----------
    words : sequence of str
        At least one; each is named once.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Joined by "or"; of more than three, three and how many there are besides.

    Examples
    --------
    >>> or_words(["a", "b"], "en"), or_words(list("abcde"), "vi")
    ('a or b', 'a hoặc b hoặc c hoặc 2 mức khác')
    """
    held = list(dict.fromkeys(words))
    shown, rest = held[:_MOST_TIED], len(held) - _MOST_TIED
    if rest > 0:
        shown.append(_MORE[language].format(n=rest))
    return _OR[language].join(shown)


def amount_words(value: float, language: Language) -> str:
    """An amount as a reader of the language writes it.

    Parameters
    ----------
    value : float
        Amount.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Without decimals from 100 on, one from 10 on, else three.
    """
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 3
    return format_number(float(value), language, digits=digits)


def refusal_words(table: pd.DataFrame, language: Language) -> str:
    """How many rows cannot be answered.

    Parameters
    ----------
    table : pandas.DataFrame
        Table with ``refused``.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        End of a sentence; empty where all are answered.
    """
    n = int(table["refused"].notna().sum())
    return _REFUSED[language].format(n=n, all=len(table)) if n else ""
