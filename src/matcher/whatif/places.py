"""Where the rows of two tables stand in the sorted whole of both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Places"]

_Value = TypeVar("_Value", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Places:
    """Rows of others, with those of newcomers between them.

    Parameters
    ----------
    n_others : int
        Rows of the others.
    n_before : numpy.ndarray of int64, shape (n_newcomers,)
        How many of the others stand before each newcomer; never falling.

    Examples
    --------
    >>> places = Places.of_sorted(pd.Index(["a", "d"]), pd.Index(["b", "c"]))
    >>> places.merge(np.array([1, 4]), np.array([2, 3])).tolist()
    [1, 2, 3, 4]
    """

    n_others: int
    n_before: NDArray[np.int64]

    @classmethod
    def of_sorted(cls, others: pd.Index[Any], newcomers: pd.Index[Any]) -> Places:
        """Places of ids that rise on both sides.

        Parameters
        ----------
        others, newcomers : pandas.Index of str
            Ids, none of them on both sides.

        Returns
        -------
        Places
            By rising id.
        """
        old, new = others.to_numpy(object), newcomers.to_numpy(object)
        return cls(len(old), np.searchsorted(old, new).astype(np.int64))

    @cached_property
    def sides(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Place in the whole of each row of the others, and of the newcomers."""
        newcomers = self.n_before + np.arange(len(self.n_before))
        is_old = np.ones(self.n_others + len(newcomers), dtype=bool)
        is_old[newcomers] = False
        return np.flatnonzero(is_old), newcomers

    @property
    def others(self) -> NDArray[np.int64]:
        """Place in the whole of each row of the others."""
        return self.sides[0]

    @property
    def newcomers(self) -> NDArray[np.int64]:
        """Place in the whole of each row of the newcomers."""
        return self.sides[1]

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Rows of the others followed by those of the newcomers, in the order of the whole."""
        return np.argsort(np.concatenate(self.sides), kind="stable")

    def merge(self, others: NDArray[_Value], newcomers: NDArray[_Value]) -> NDArray[_Value]:
        """Values of the whole.

        Parameters
        ----------
        others : numpy.ndarray, shape (n_others, ...)
            Values of the others.
        newcomers : numpy.ndarray, shape (n_newcomers, ...)
            Values of the newcomers.

        Returns
        -------
        numpy.ndarray, shape (n_others + n_newcomers, ...)
            Of the type of `others`.
        """
        found = np.empty((len(others) + len(newcomers), *others.shape[1:]), dtype=others.dtype)
        found[self.others], found[self.newcomers] = others, newcomers
        return found

    def merge_frames(self, others: pd.DataFrame, newcomers: pd.DataFrame) -> pd.DataFrame:
        """Rows of the whole.

        Parameters
        ----------
        others, newcomers : pandas.DataFrame
            Rows of both sides, with the same columns.

        Returns
        -------
        pandas.DataFrame
            Numbered anew.
        """
        if not len(others):
            return newcomers
        both = pd.concat([others, newcomers], ignore_index=True)
        return both.iloc[self.order].reset_index(drop=True)

    def of_others(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places in the whole of rows of the others.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Row numbers, -1 for none.

        Returns
        -------
        numpy.ndarray of int64
            Places, -1 for none.
        """
        return np.append(self.others, -1)[rows]

    def of_newcomers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places in the whole of rows of the newcomers.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Row numbers, -1 for none.

        Returns
        -------
        numpy.ndarray of int64
            Places, -1 for none.
        """
        return np.append(self.newcomers, -1)[rows]

    def origin(self, codes: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which side rows of the whole come from, and their row numbers there.

        Parameters
        ----------
        codes : numpy.ndarray of int64, shape (n,)
            Row numbers in the whole, -1 for none.

        Returns
        -------
        is_new : numpy.ndarray of bool, shape (n,)
            Whether a row is of the newcomers; False for none.
        rows : numpy.ndarray of int64, shape (n,)
            Row number on its side, -1 for none.
        """
        is_new, rows = self._origins
        return is_new[codes], rows[codes]

    @cached_property
    def _origins(self) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Side and row of each row of the whole, and of none in the last place."""
        is_new = np.zeros(self.n_others + len(self.n_before) + 1, dtype=bool)
        is_new[self.newcomers] = True
        rows = np.full(len(is_new), -1)
        for side in self.sides:
            rows[side] = np.arange(len(side))
        return is_new, rows
