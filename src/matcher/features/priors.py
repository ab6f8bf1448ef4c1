"""Expected levels of engagement by tier and platform, to which short histories are shrunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import PairView

__all__ = ["LEVELS", "LevelPrior", "fit_level_prior"]

LEVELS: Final = ("engagements_level", "views_level", "rate_by_views", "comments_per_like")
"""Window columns that are shrunk."""

_PSEUDO_POSTS: Final = 5.0
_LEAST_ACCOUNTS: Final = 20


@dataclass(frozen=True)
class LevelPrior:
    """Mean level of accounts by platform and tier.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``platform, tier, n_accounts`` and `LEVELS`; the row with both empty is for all,
        rows with an empty tier are for a platform.
    trained_until : pandas.Timestamp
        Instant before which everything was known.
    """

    table: pd.DataFrame
    trained_until: pd.Timestamp

    def level(
        self, name: str, platforms: NDArray[np.object_], tiers: NDArray[np.object_]
    ) -> NDArray[np.float64]:
        """Mean level of each account's cell, of its parent where the cell is small.

        Parameters
        ----------
        name : str
            One of `LEVELS`.
        platforms, tiers : numpy.ndarray of object, shape (n,)
            Cells.

        Returns
        -------
        numpy.ndarray of float64, shape (n,)
            Levels; NaN where nobody was measured.
        """
        wide = self.table[self.table["n_accounts"] >= _LEAST_ACCOUNTS]
        known = {
            (row.platform, row.tier): getattr(row, name)
            for row in wide.itertuples()
            if np.isfinite(getattr(row, name))
        }
        overall = self.table.loc[self.table["platform"] == "", name]
        fallback = float(overall.iloc[0]) if len(overall) else np.nan
        cells = pd.MultiIndex.from_arrays([platforms, tiers]).unique()
        value = {
            cell: known.get(cell, known.get((cell[0], ""), fallback)) for cell in cells.tolist()
        }
        return np.array(
            [value[cell] for cell in zip(platforms, tiers, strict=True)], dtype=np.float64
        )

    def shrink(self, name: str, view: PairView) -> NDArray[np.float64]:
        """Level of each pair's account, drawn to its cell when few posts were measured.

        Parameters
        ----------
        name : str
            One of `LEVELS`.
        view : PairView
            Pairs.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            ``(n level + 5 prior) / (n + 5)`` with n measured posts.
        """
        own = view.windows[name].to_numpy(np.float64)
        n = np.where(np.isnan(own), 0.0, view.windows["n_measured"].to_numpy(np.float64))
        prior = self.level(name, view.platforms, view.tiers)
        blend = (n * np.nan_to_num(own) + _PSEUDO_POSTS * prior) / (n + _PSEUDO_POSTS)
        return np.where(np.isnan(prior), own, blend)


def fit_level_prior(view: PairView, trained_until: pd.Timestamp) -> LevelPrior:
    """Mean levels of a market's accounts as of an instant.

    Parameters
    ----------
    view : PairView
        Every account once, as of `trained_until`.
    trained_until : pandas.Timestamp
        Instant of the view.

    Returns
    -------
    LevelPrior
        Levels of platform x tier cells and of their parents.
    """
    frame = view.windows[[*LEVELS, "n_measured"]].assign(platform=view.platforms, tier=view.tiers)
    frame = frame[frame["n_measured"] > 0]
    rows = [_cell(frame, "", "")]
    for platform, part in frame.groupby("platform", sort=True):
        rows.append(_cell(part, str(platform), ""))
        for tier, cell in part.groupby("tier", sort=True):
            rows.append(_cell(cell, str(platform), str(tier)))
    return LevelPrior(pd.DataFrame(rows), trained_until)


def _cell(frame: pd.DataFrame, platform: str, tier: str) -> dict[str, object]:
    means = {name: float(np.nanmean(frame[name])) if frame[name].notna().any() else np.nan
             for name in LEVELS}  # fmt: skip
    return {"platform": platform, "tier": tier, "n_accounts": len(frame), **means}
