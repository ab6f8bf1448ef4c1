"""How standardised errors were spread, by cell of tier and platform, small ones near parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from matcher.errors import DataError

__all__ = ["LEVELS", "UNKNOWN_ERRORS", "ErrorCells", "fit_error_cells"]

LEVELS: Final = np.arange(1, 100) / 100.0
"""Levels at which the distribution of a cell is kept."""
_PARENT_WEIGHT: Final = 50.0
"""Errors for which a parent's distribution stands beside those of a cell."""
_PRIOR_WEIGHT: Final = 2.0
"""Errors for which a normal distribution stands beside those of all cells."""
_PRIOR_SD: Final = 1.5
_MOST: Final = 4.0
"""Standardised error beyond which none is told apart."""
_ALL: Final = ""


@dataclass(frozen=True, eq=False)
class ErrorCells:
    """Quantiles of standardised errors by cell.

    Parameters
    ----------
    cells : mapping of tuple of str to numpy.ndarray of float64, shape (99,)
        By platform and tier, the quantiles at `LEVELS`, never decreasing; an empty platform stands
        for a tier on all platforms, both empty for everyone.
    plain : mapping of tuple of str to numpy.ndarray of float64, shape (99,)
        The same of the errors alone, without the room left for the next one: means rest on these.
    counts : mapping of tuple of str to int
        Errors of each cell.

    Raises
    ------
    DataError
        If the cell of everyone is missing, or quantiles decrease.
    """

    cells: Mapping[tuple[str, str], NDArray[np.float64]]
    plain: Mapping[tuple[str, str], NDArray[np.float64]]
    counts: Mapping[tuple[str, str], int]

    def __post_init__(self) -> None:
        if (_ALL, _ALL) not in self.cells:
            raise DataError("error cells: the cell of everyone is missing; train the model again")
        bad = [name for name, held in self.cells.items()
               if len(held) != len(LEVELS) or (np.diff(held) < 0).any()]  # fmt: skip
        if bad:
            raise DataError(
                f"error cells: the quantiles of {len(bad)} of {len(self.cells)} cells decrease "
                f"({bad[:5]}); train the model again"
            )

    def find(
        self, platforms: NDArray[np.object_], tiers: NDArray[np.object_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Cell of each account, of its parent where the cell is not known.

        Parameters
        ----------
        platforms, tiers : numpy.ndarray of object, shape (n,)
            Cells.

        Returns
        -------
        codes : numpy.ndarray of int64, shape (n,)
            Row of the tables.
        quantiles, plain : numpy.ndarray of float64, shape (n_cells, 99)
            As `cells` and `plain`.
        """
        codes, keys = pd.MultiIndex.from_arrays([platforms, tiers]).factorize()
        held = [self._key(str(platform), str(tier)) for platform, tier in keys]
        shape = (len(held), len(LEVELS))
        quantiles = np.array([self.cells[key] for key in held]).reshape(shape)
        plain = np.array([self.plain[key] for key in held]).reshape(shape)
        return codes.astype(np.int64), quantiles, plain

    def _key(self, platform: str, tier: str) -> tuple[str, str]:
        keys = ((platform, tier), (_ALL, tier), (_ALL, _ALL))
        return next(key for key in keys if key in self.cells)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, exact.

        Returns
        -------
        dict
            What `from_dict` reads.
        """
        return {
            "cells": [
                [*key, self.counts[key], values.tolist(), self.plain[key].tolist()]
                for key, values in self.cells.items()
            ]
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Cells of plain values.

        Parameters
        ----------
        content : mapping
            What `to_dict` gave.

        Returns
        -------
        ErrorCells
            The same cells.
        """
        rows = content["cells"]
        keys = [(str(row[0]), str(row[1])) for row in rows]
        return cls(
            {key: np.array(row[3], dtype=np.float64) for key, row in zip(keys, rows, strict=True)},
            {key: np.array(row[4], dtype=np.float64) for key, row in zip(keys, rows, strict=True)},
            {key: int(row[2]) for key, row in zip(keys, rows, strict=True)},
        )


UNKNOWN_ERRORS: Final = ErrorCells(
    {(_ALL, _ALL): _PRIOR_SD * ndtri(LEVELS)}, {(_ALL, _ALL): _PRIOR_SD * ndtri(LEVELS)},
    {(_ALL, _ALL): 0},
)  # fmt: skip
"""What stands for the errors of a model that was not calibrated."""


def fit_error_cells(
    errors: NDArray[np.float64],
    weights: NDArray[np.float64],
    platforms: NDArray[np.object_],
    tiers: NDArray[np.object_],
) -> ErrorCells:
    r"""Distributions of standardised errors, each level conformal on its own.

    The errors of a cell count by their weight; those of its tier on all platforms stand beside them
    as if they were 50 more, and beside these those of everyone. Beside everyone stands a wide
    normal distribution with the weight of two errors, and half an error at either end, so that few
    errors give wide ranges: with :math:`n` equal weights in one cell, the upper end at level
    :math:`1 - \alpha` is close to the :math:`\lceil (n + 1)(1 - \alpha) \rceil`-th error. Both ends
    are found apart, so that a skewed error makes a skewed range.

    Parameters
    ----------
    errors : numpy.ndarray of float64, shape (n,)
        Errors over their expected spread, of predictions made without the outcome; finite.
    weights : numpy.ndarray of float64, shape (n,)
        Weight of each, above 0; 1 for the newest.
    platforms, tiers : numpy.ndarray of object, shape (n,)
        Cells.

    Returns
    -------
    ErrorCells
        Quantiles by cell.

    Raises
    ------
    DataError
        If there is no error, or one is not finite.

    References
    ----------
    Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005), section 4.5, for
    conditional categories; Romano, Patterson and Candes, Conformalized quantile regression,
    NeurIPS 2019, for ends of their own; Vovk et al., Nonparametric predictive distributions based
    on conformal prediction, Machine Learning 108 (2019).
    """
    if not len(errors) or not np.isfinite(errors).all():
        raise DataError(f"error cells: got {len(errors)} errors; expected one or more, all finite")
    # What stands beside the errors: a wide normal distribution, and the unknown next error.
    prior = _PRIOR_SD * ndtri((np.arange(20) + 0.5) / 20)
    values = np.clip(np.concatenate((errors, prior, [-_MOST, _MOST])), -_MOST, _MOST)
    order = np.argsort(values, kind="stable")
    own = np.zeros(len(values))
    own[: len(errors)] = weights
    beside = np.concatenate(
        (np.zeros(len(errors)), np.full(len(prior), _PRIOR_WEIGHT / len(prior)), [0.5, 0.5])
    )
    cells, plain, counts = {}, {}, {}
    keys = pd.DataFrame({"platform": platforms, "tier": tiers}).astype("str")
    everyone, alone = _share(own + beside), _share(own)

    def keep(key: tuple[str, str], inside: NDArray[np.bool_], parents: _Parents) -> _Parents:
        held = tuple(_share(_only(own, inside) + _PARENT_WEIGHT * one) for one in parents)
        cells[key], plain[key] = (_quantiles(values, one, order) for one in held)
        counts[key] = int(inside.sum())
        return held[0], held[1]

    cells[_ALL, _ALL], plain[_ALL, _ALL] = (
        _quantiles(values, one, order) for one in (everyone, alone)
    )
    counts[_ALL, _ALL] = len(errors)
    for tier in sorted(keys["tier"].unique()):
        in_tier = (keys["tier"] == tier).to_numpy()
        of_tier = keep((_ALL, tier), in_tier, (everyone, alone))
        for platform in sorted(keys.loc[in_tier, "platform"].unique()):
            keep((platform, tier), in_tier & (keys["platform"] == platform).to_numpy(), of_tier)
    return ErrorCells(cells, plain, counts)


_Parents: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]


def _only(weights: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    held = np.zeros(len(weights))
    held[: len(inside)] = np.where(inside, weights[: len(inside)], 0.0)
    return held


def _share(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weights / weights.sum())


def _quantiles(
    values: NDArray[np.float64], shares: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Weighted quantiles at `LEVELS`, linear between the middles of the weights."""
    ranked, mass = values[order], shares[order]
    held = mass > 0
    ranked, mass = ranked[held], mass[held]
    middle = np.cumsum(mass) - mass / 2
    return np.asarray(np.interp(LEVELS, middle, ranked))
