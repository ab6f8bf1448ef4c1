"""Coverage of ranges by cell of tier and platform, all cells judged at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.evaluation.bootstrap import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CELL_COLUMNS", "judge_cells"]

CELL_COLUMNS: Final = ("tier", "platform", "n_campaigns", "n_hires", "coverage", "low", "high")
_LEAST_HIRES: Final = 30
_LEAST_CAMPAIGNS: Final = 5
"""Campaigns below which a cell's spread over campaigns is not known."""


def judge_cells(
    rows: pd.DataFrame,
    inside: NDArray[np.bool_],
    *,
    rng: np.random.Generator,
    n_resamples: int,
) -> pd.DataFrame:
    r"""Share of outcomes inside their ranges, by cell, with simultaneous intervals.

    Campaigns are drawn with replacement, all cells together. With the linearised standard error
    :math:`s_c` of each cell over campaigns, the interval is :math:`\hat p_c \pm q s_c`, where
    :math:`q` is the 95 % quantile of :math:`\max_c |p_c^* - \hat p_c| / s_c^*`: all cells lie
    inside at once 95 times of a hundred, so that the worst may be looked at for being the worst.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``campaign_id, tier, platform`` of hires with a stated range and an outcome.
    inside : numpy.ndarray of bool, shape (n_rows,)
        Whether the outcome fell into the range.
    rng : numpy.random.Generator
        Source of the draws.
    n_resamples : int
        Draws.

    Returns
    -------
    pandas.DataFrame
        `CELL_COLUMNS`, the lowest coverage first, cells with 30 hires of 5 campaigns or more; ends
        of intervals are held between 0 and 1, and NaN for a cell that no draw moves.

    References
    ----------
    Montiel Olea and Plagborg-Møller, Simultaneous confidence bands: theory, implementation, and an
    application to SVARs, Journal of Applied Econometrics 34 (2019); Efron and Tibshirani, An
    Introduction to the Bootstrap (1993), chapter 12, for dividing by each draw's own error.
    """
    empty = pd.DataFrame(columns=list(CELL_COLUMNS))
    if not len(rows) or not {"tier", "platform"} <= set(rows.columns):
        return empty
    held = rows[["campaign_id", "tier", "platform"]].assign(inside=inside.astype(np.float64))
    grouped = held.groupby(["tier", "platform"], sort=True, observed=True)
    cells = grouped.agg(
        n_campaigns=("campaign_id", "nunique"), n_hires=("inside", "size"),
        coverage=("inside", "mean"),
    ).reset_index()  # fmt: skip
    kept = (cells["n_hires"] >= _LEAST_HIRES) & (cells["n_campaigns"] >= _LEAST_CAMPAIGNS)
    cells = cells[kept].reset_index(drop=True)
    if cells.empty:
        return empty
    codes, ids = pd.factorize(held["campaign_id"])
    keys = pd.MultiIndex.from_frame(cells[["tier", "platform"]])
    place = keys.get_indexer(pd.MultiIndex.from_frame(held[["tier", "platform"]]))
    asked = place >= 0
    shape = (len(ids), len(cells))
    sizes, sums = np.zeros(shape), np.zeros(shape)
    np.add.at(sizes, (codes[asked], place[asked]), 1.0)
    np.add.at(sums, (codes[asked], place[asked]), held["inside"].to_numpy()[asked])
    drawn = rng.multinomial(len(ids), np.full(len(ids), 1.0 / len(ids)), size=n_resamples)
    low, high = _band(drawn.astype(np.float64), sums, sizes, cells["coverage"].to_numpy())
    found = cells.assign(low=low, high=high)[list(CELL_COLUMNS)]
    return found.sort_values(["coverage", "tier", "platform"], ignore_index=True)


def _band(
    drawn: NDArray[np.float64],
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
    coverage: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the intervals; `sums` and `sizes` by campaign and cell."""
    error = _standard_error(np.ones((1, len(sums))), sums, sizes)[1][0]
    shares, errors = _standard_error(drawn, sums, sizes)
    # A draw in which all campaigns of a cell agree, or which holds none, says nothing of it.
    apart = np.full(shares.shape, np.nan)
    np.divide(np.abs(shares - coverage), errors, out=apart, where=errors > 0)
    told = np.isfinite(apart).any(axis=1)
    if not told.any():
        return np.full(len(coverage), np.nan), np.full(len(coverage), np.nan)
    reach = float(np.quantile(np.nanmax(apart[told], axis=1), LEVEL))
    half = np.where(error > 0, reach * error, np.nan)
    return np.clip(coverage - half, 0.0, 1.0), np.clip(coverage + half, 0.0, 1.0)


def _standard_error(
    drawn: NDArray[np.float64], sums: NDArray[np.float64], sizes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of each cell in each draw, and its linearised standard error over campaigns."""
    n = drawn @ sizes
    held = n > 0
    share = np.divide(drawn @ sums, n, out=np.full(n.shape, np.nan), where=held)
    squares = (
        drawn @ sums**2 - 2.0 * share * (drawn @ (sums * sizes)) + share**2 * (drawn @ sizes**2)
    )
    error = np.sqrt(np.maximum(squares, 0.0))
    return share, np.divide(error, n, out=np.full(n.shape, np.nan), where=held)
