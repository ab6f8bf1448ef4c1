"""Dated rows, arranged so that the newest ones before an instant are found without grouping."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from matcher.features.segments import expand_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DatedRows"]


@dataclass(frozen=True)
class DatedRows:
    """Rows in runs of equal key and instant, by key, then by instant.

    Parameters
    ----------
    rows : numpy.ndarray of int64, shape (n_rows,)
        Row numbers, run after run.
    starts, ends : numpy.ndarray of int64, shape (n_runs,)
        Bounds of each run in `rows`.
    keys, known_at : numpy.ndarray of int64, shape (n_runs,)
        What the rows of a run are about, and when they became known, in microseconds since 1970.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    keys: NDArray[np.int64]
    known_at: NDArray[np.int64]

    @classmethod
    def arrange(cls, keys: NDArray[np.int64], known_at: NDArray[np.int64]) -> DatedRows:
        """Arrange rows.

        Parameters
        ----------
        keys, known_at : numpy.ndarray of int64, shape (n_rows,)
            What each row is about, and when it became known, in microseconds since 1970.

        Returns
        -------
        DatedRows
            All rows.
        """
        order = np.lexsort((known_at, keys))
        sorted_keys, sorted_instants = keys[order], known_at[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (sorted_keys[1:] != sorted_keys[:-1]) | (
            sorted_instants[1:] != sorted_instants[:-1]
        )
        starts = np.flatnonzero(first)
        ends = np.append(starts[1:], len(order)) if len(order) else starts
        return cls(order, starts, ends, sorted_keys[starts], sorted_instants[starts])

    def newest(self, instant: int) -> NDArray[np.int64]:
        """Rows of the newest run of each key that was known strictly before an instant.

        Parameters
        ----------
        instant : int
            Microseconds since 1970.

        Returns
        -------
        numpy.ndarray of int64
            Row numbers.

        Examples
        --------
        >>> dated = DatedRows.arrange(np.array([7, 7, 7, 8]), np.array([1, 5, 5, 9]))
        >>> dated.newest(6).tolist()
        [1, 2]
        """
        if instant not in self._latest:
            known = self.known_at < instant
            newest = known.copy()
            newest[:-1] &= ~(known[1:] & (self.keys[1:] == self.keys[:-1]))
            # Briefs that are seen from one instant come in a row.
            self._latest.clear()
            self._latest[instant] = self.rows[expand_ranges(self.starts[newest], self.ends[newest])]
        return self._latest[instant]

    @cached_property
    def _latest(self) -> dict[int, NDArray[np.int64]]:
        return {}
