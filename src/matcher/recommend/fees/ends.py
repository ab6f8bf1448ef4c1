"""Ends of estimates, moved to where prices of accounts that were left out have fallen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.recommend.fees.rates import ENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["EndOffsets", "Scores"]

_LEAST_ACCOUNTS: Final = 20
"""Accounts left out below which the ends of the model are not moved."""
_PSEUDO_ACCOUNTS: Final = 50.0
"""Accounts for which the parent of a cell stands."""


@dataclass(frozen=True, eq=False)
class Scores:
    """How far prices of accounts that a model did not know lie from its quantiles.

    Parameters
    ----------
    distances : numpy.ndarray of float64, shape (n, 3)
        Price less each quantile of `ENDS`, in the unit of the offsets.
    accounts : numpy.ndarray of int64, shape (n,)
        Account of each; all its rows in a cell together count as one.
    cells : numpy.ndarray of object, shape (n, n_levels)
        Cell and parents of each, the widest first.
    """

    distances: NDArray[np.float64]
    accounts: NDArray[np.int64]
    cells: NDArray[np.object_]

    @classmethod
    def join(cls, parts: Sequence[Scores]) -> Scores:
        """Scores of several folds together.

        Parameters
        ----------
        parts : sequence of Scores
            Scores of each fold.

        Returns
        -------
        Scores
            All of them.
        """
        return cls(
            np.concatenate([one.distances for one in parts]),
            np.concatenate([one.accounts for one in parts]),
            np.concatenate([one.cells for one in parts]),
        )


@dataclass(frozen=True)
class EndOffsets:
    """What is added to each quantile, by cell.

    Parameters
    ----------
    offsets : dict of tuple to tuple of float
        By path, from the widest cell to the narrowest.
    """

    offsets: dict[tuple[object, ...], tuple[float, ...]]

    @classmethod
    def of(cls, scores: Scores) -> EndOffsets:
        """Offsets at which the stated share of left-out prices lies below.

        Parameters
        ----------
        scores : Scores
            Prices of accounts that were left out.

        Returns
        -------
        EndOffsets
            Order statistics of the distances with the correction for a finite number of accounts,
            each drawn to its parent as if that stood for 50 accounts; the widest cells are taken as
            they are from 20 accounts on, below the model's own quantiles stay.

        References
        ----------
        Lei et al., Distribution-free predictive inference for regression, JASA 113 (2018); Vovk,
        Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 74 (2015).
        """
        found: dict[tuple[object, ...], tuple[float, ...]] = {}
        codes = np.zeros(len(scores.cells), dtype=np.int64)
        for depth in range(1, scores.cells.shape[1] + 1):
            level, names = pd.factorize(scores.cells[:, depth - 1])
            _, first, codes = np.unique(
                codes * len(names) + level, return_index=True, return_inverse=True
            )
            paths = [tuple(row) for row in scores.cells[first, :depth].tolist()]
            for code, path in enumerate(paths):
                rows = codes == code
                own, n = _quantiles(
                    scores.distances[rows], scores.accounts[rows], n_more=int(depth == 1)
                )
                if depth == 1:
                    moved = own if n >= _LEAST_ACCOUNTS else np.zeros(len(ENDS))
                else:
                    parent = np.array(found[path[:-1]])
                    moved = (n * own + _PSEUDO_ACCOUNTS * parent) / (n + _PSEUDO_ACCOUNTS)
                found[path] = tuple(moved.tolist())
        return cls(found)

    def look_up(self, cells: NDArray[np.object_]) -> NDArray[np.float64]:
        """Offsets of cells, of the nearest parent where a cell was never seen.

        Parameters
        ----------
        cells : numpy.ndarray of object, shape (n, n_levels)
            Cell and parents of each row, the widest first.

        Returns
        -------
        numpy.ndarray of float64, shape (n, 3)
            Offsets; 0 where not even the widest was seen.
        """
        none = (0.0,) * len(ENDS)
        known: dict[tuple[object, ...], tuple[float, ...]] = {}
        for path in {tuple(row) for row in cells.tolist()}:
            parents = (path[:depth] for depth in range(len(path), 0, -1))
            known[path] = next((self.offsets[one] for one in parents if one in self.offsets), none)
        return np.array([known[tuple(row)] for row in cells.tolist()]).reshape(-1, len(ENDS))


def _quantiles(
    distances: NDArray[np.float64], accounts: NDArray[np.int64], *, n_more: int
) -> tuple[NDArray[np.float64], int]:
    """Order statistics of distances, each account of weight 1, and how many accounts there are.

    The ends lie so far out as if there were `n_more` accounts beyond them.
    """
    _, member, counts = np.unique(accounts, return_inverse=True, return_counts=True)
    n = len(counts)
    weight = 1.0 / counts[member]
    found = []
    for place, level in enumerate(ENDS):
        sign = 1.0 if level >= 0.5 else -1.0
        order = np.argsort(sign * distances[:, place], kind="stable")
        wanted = max(level, 1.0 - level) * (n + n_more * (level != 0.5))
        first = int(np.searchsorted(np.cumsum(weight[order]), wanted - 1e-9))
        found.append(float(distances[order[min(first, len(order) - 1)], place]))
    return np.array(found), n
