"""Columns that are read in parts, so that millions of rows never stand in memory twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, overload

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["SharedRows", "TextColumn"]

_ROWS_AT_ONCE: Final = 100_000


@dataclass(frozen=True, eq=False)
class TextColumn(Sequence[str]):
    """Texts of a column; a slice of it is a list of strings, a missing text is empty.

    Parameters
    ----------
    column : pandas.Series of str
        The column.
    """

    column: pd.Series

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.column)

    @overload
    def __getitem__(self, rows: int) -> str: ...

    @overload
    def __getitem__(self, rows: slice) -> list[str]: ...

    def __getitem__(self, rows: int | slice) -> str | list[str]:
        """Read one text, or a list of texts."""
        if isinstance(rows, slice):
            texts: list[str] = self.column.iloc[rows].fillna("").tolist()
            return texts
        text = self.column.iloc[rows]
        return text if isinstance(text, str) else ""

    def __iter__(self) -> Iterator[str]:
        """Read all texts, some at a time."""
        for part in self.parts():
            yield from part

    def parts(self) -> Iterator[list[str]]:
        """Lists of consecutive texts.

        Yields
        ------
        list of str
            100,000 texts, the last time fewer.
        """
        for low in range(0, len(self), _ROWS_AT_ONCE):
            yield self[low : low + _ROWS_AT_ONCE]

    def share(self, change: Callable[[str], str]) -> tuple[list[str], NDArray[np.int32]]:
        """Distinct results of a change, and which of them each text gives.

        Parameters
        ----------
        change : callable
            What is done to a text.

        Returns
        -------
        texts : list of str
            Distinct results by first occurrence.
        codes : numpy.ndarray of int32, shape (n_rows,)
            Place of each row's result.
        """
        places: dict[str, int] = {}
        codes = np.empty(len(self), dtype=np.int32)
        low = 0
        for part in self.parts():
            found = [places.setdefault(change(text), len(places)) for text in part]
            codes[low : low + len(found)] = found
            low += len(found)
        return list(places), codes


@dataclass(frozen=True, eq=False)
class SharedRows:
    """Rows of a matrix in which many are equal, each distinct one held once.

    Parameters
    ----------
    distinct : numpy.ndarray of float16, shape (n_distinct, dim)
        Distinct rows.
    codes : numpy.ndarray of int32, shape (n_rows,)
        Which of them stands in each row.
    """

    distinct: NDArray[np.float16]
    codes: NDArray[np.int32]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.codes)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        """Take rows."""
        return self.distinct[self.codes[rows]]

    @property
    def parts(self) -> tuple[NDArray[np.float16], NDArray[np.int32]]:
        """Distinct rows, and which of them stands in each row."""
        return self.distinct, self.codes

    @property
    def is_filled(self) -> NDArray[np.bool_]:
        """Whether each row has a value other than zero, shape (n_rows,)."""
        filled = np.asarray(self.distinct.any(axis=1), dtype=bool)
        return np.asarray(filled[self.codes])
