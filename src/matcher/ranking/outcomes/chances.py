"""How far hires stand for all candidates: by the chance with which each was chosen, where logged.

Buyers choose by more than any table shows, so hires bring more than others of the same features. A
hire that was chosen with one chance in ten stands for ten candidates like it; weighted so, errors
are those of anyone, not of whom a buyer would have chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.market.market import Market

__all__ = ["LEAST_EFFECTIVE", "count_effective", "logged_chances", "weigh_for_anyone"]

LEAST_CHANCE: Final = 0.02
"""Chance below which a hire counts as one of this chance: rarer ones would outweigh all others."""
LEAST_EFFECTIVE: Final = 20.0
"""Hires of equal weight that weighted ones have to be worth."""


def logged_chances(market: Market, hires: pd.DataFrame) -> NDArray[np.float64]:
    """Chance with which each hire was chosen.

    Parameters
    ----------
    market : Market
        What was known at an instant.
    hires : pandas.DataFrame
        ``campaign_id, account_id``.

    Returns
    -------
    numpy.ndarray of float64, shape (n_hires,)
        Above 0, at most 1: that of the newest decision of ``decisions`` that chose the account; NaN
        where none did, or states no such chance. All are NaN where every one is 1: whoever is
        chosen for certain has no chance that tells anything.
    """
    log = market.tables["decisions"]
    log = log[log["chosen"].to_numpy(bool)].sort_values("logged_at", kind="stable")
    log = log.drop_duplicates(["campaign_id", "account_id"], keep="last")
    known = log.set_index(["campaign_id", "account_id"])["inclusion_probability"]
    keys = pd.MultiIndex.from_frame(hires[["campaign_id", "account_id"]])
    found = known.reindex(keys).to_numpy(np.float64)
    found = np.where((found > 0) & (found <= 1), found, np.nan)
    return found if (found < 1).any() else np.full(len(found), np.nan)


def weigh_for_anyone(
    weights: NDArray[np.float64], chances: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Weights by which hires stand for all candidates.

    Parameters
    ----------
    weights : numpy.ndarray of float64, shape (n_hires,)
        Weight of each hire among hires, above 0.
    chances : numpy.ndarray of float64, shape (n_hires,)
        From `logged_chances`.

    Returns
    -------
    numpy.ndarray of float64, shape (n_hires,) or None
        0 where the chance is not known; they sum to as much as the weights of the hires that would
        say as much were all chosen alike. None where that is less than 20 hires.

    References
    ----------
    Horvitz and Thompson, A generalization of sampling without replacement from a finite universe,
    JASA 47 (1952); Tibshirani, Barber, Candes and Ramdas, Conformal prediction under covariate
    shift, NeurIPS 2019; Kish, Survey Sampling (1965), for the effective number.
    """
    known = np.isfinite(chances)
    held = np.zeros(len(chances))
    held[known] = weights[known] / np.maximum(chances[known], LEAST_CHANCE)
    if count_effective(held) < LEAST_EFFECTIVE:
        return None
    kept = held.sum() ** 2 / float((held[known] ** 2 / weights[known]).sum())
    return np.asarray(held * kept / held.sum())


def count_effective(weights: NDArray[np.float64]) -> float:
    """Number of equal weights that say as much.

    Parameters
    ----------
    weights : numpy.ndarray of float64, shape (n,)
        0 or more.

    Returns
    -------
    float
        0 to `n`.
    """
    total = float(weights.sum())
    return total**2 / float((weights**2).sum()) if total else 0.0
