"""What a tuning came to: trials, the best of them, and which settings are used."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matcher.tuning.folds import PURGE_DAYS
from matcher.tuning.space import given_values
from matcher.tuning.trial import SPEARMAN_WEIGHT, weigh

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matcher.config import Settings
    from matcher.tuning.folds import PlannedFold
    from matcher.tuning.space import Value
    from matcher.tuning.trial import FoldFigures
    from matcher.tuning.verdict import Gain

__all__ = ["Trial", "TuningResult"]


@dataclass(frozen=True)
class Trial:
    """One set of settings and how well the rankers did with it.

    Parameters
    ----------
    number : int
        0 for the settings as they are.
    values : mapping of str to int or float
        Tuned settings by name.
    folds : tuple of FoldFigures
        Figures by fold.
    started_at, ended_at : float
        Seconds since 1970.
    """

    number: int
    values: Mapping[str, Value]
    folds: tuple[FoldFigures, ...]
    started_at: float
    ended_at: float

    def figures(self) -> dict[str, float]:
        """Objective and its parts, over all folds and in each.

        Returns
        -------
        dict of str to float
            ``objective``, ``ndcg_at_10``, ``spearman``, and the same after ``fold_1/``, ...; one
            that is undefined is left out.
        """
        found: dict[str, float] = {}
        parts = [("", self.folds)]
        parts += [(f"fold_{number}/", (one,)) for number, one in enumerate(self.folds, start=1)]
        for prefix, folds in parts:
            named = zip(("objective", "ndcg_at_10", "spearman"), weigh(folds), strict=True)
            found |= {prefix + name: value for name, value in named if math.isfinite(value)}
        return found


@dataclass(frozen=True)
class TuningResult:
    """Trials, the best of them, and the settings that are used.

    Parameters
    ----------
    asked : Settings
        Settings as they were.
    settings : Settings
        Settings to use.
    folds : tuple of PlannedFold
        Folds that judged.
    trials : tuple of Trial
        By number; the first has the settings as they were.
    gain : Gain
        The best trial against the first.
    take_best : bool
        Whether the best was to be taken, sure or not.
    skipped : tuple of str
        Why further folds could not be used.
    n_kept : int
        Trials that an earlier run had done already.
    path : pathlib.Path
        File of the study.
    """

    asked: Settings
    settings: Settings
    folds: tuple[PlannedFold, ...]
    trials: tuple[Trial, ...]
    gain: Gain
    take_best: bool
    skipped: tuple[str, ...]
    n_kept: int
    path: Path

    @property
    def is_taken(self) -> bool:
        """Whether the settings were changed."""
        return self.gain.best != 0 and (self.gain.is_sure or self.take_best)

    @property
    def n_campaigns(self) -> int:
        """Campaigns that judged."""
        return sum(len(fold.campaign_ids) for fold in self.folds)

    @property
    def changes(self) -> dict[str, tuple[Value, Value]]:
        """Settings in which the best trial differs: as they were, and its own."""
        given, best = given_values(self.asked), self.trials[self.gain.best].values
        return {name: (given[name], best[name]) for name in given if best[name] != given[name]}

    @property
    def verdict(self) -> str:
        """Which settings are used, and why, in one sentence."""
        gain = self.gain
        if gain.best == 0:
            return (
                f"none of {len(self.trials) - 1} trials was better than the settings as they are, "
                "which stay"
            )
        measure = "NDCG@10"
        if math.isfinite(gain.spearman):
            measure += f" + {SPEARMAN_WEIGHT:g} x Spearman"
        what = (
            f"trial {gain.best} of {len(self.trials) - 1} was better by {gain.value:.4f} "
            f"({gain.low:.4f} to {gain.high:.4f}) in {measure} on "
            f"{self.n_campaigns} campaigns"
        )
        if gain.is_sure:
            return f"{what}; its settings are taken"
        if self.take_best:
            return f"{what}; the interval includes 0, and its settings are taken as asked"
        return f"{what}; the interval includes 0, so the settings stay as they are"

    def to_dict(self) -> dict[str, Any]:
        """The tuning as JSON values, the same however often it was broken off.

        Returns
        -------
        dict of str to Any
            ``asked_config_hash, config_hash, taken, verdict, objective, gain, folds, skipped,
            trials``.
        """
        gain = self.gain
        return {
            "asked_config_hash": self.asked.hash,
            "config_hash": self.settings.hash,
            "taken": self.is_taken,
            "verdict": self.verdict,
            "objective": {
                "is": f"NDCG@10 of hire + {SPEARMAN_WEIGHT:g} x Spearman of deliver, means over "
                "folds of means over campaigns",
                "purge_days": PURGE_DAYS,
            },
            "gain": {
                "best": gain.best,
                "value": gain.value,
                "low": gain.low,
                "high": gain.high,
                "ndcg_at_10": gain.ndcg,
                "spearman": gain.spearman if math.isfinite(gain.spearman) else None,
                "interval": "95 %, paired over campaigns, for all trials at once",
            },
            "folds": [
                {
                    "trained_until": fold.trained_until.isoformat(),
                    "first_decided_at": fold.first_decided_at.isoformat(),
                    "last_decided_at": fold.last_decided_at.isoformat(),
                    "n_campaigns": len(fold.campaign_ids),
                }
                for fold in self.folds
            ],
            "skipped": list(self.skipped),
            "trials": [
                {"number": one.number, "settings": dict(one.values), **one.figures()}
                for one in self.trials
            ],
        }
