"""One trial: the rankers fitted with some settings on every fold, and how well they rank later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.evaluation.metrics import ndcg_at_k
from matcher.evaluation.outcomes import EQUAL_SCORES, spearman
from matcher.evaluation.ranked import rank_candidates
from matcher.ranking.fit import fit_deliver, fit_hire, used_features
from matcher.ranking.forecast import fit_forecast_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.tuning.folds import Fold

__all__ = [
    "LEAST_COMPARED",
    "SPEARMAN_WEIGHT",
    "FoldFigures",
    "judge_fold",
    "read_figures",
    "weigh",
]

SPEARMAN_WEIGHT: Final = 0.25
"""Weight of Spearman beside NDCG@10, a choice of our own: it rests on the few hires of a campaign
whose outcomes are known by then, and is to decide between settings that find hires equally well."""
LEAST_COMPARED: Final = 2
"""Campaigns with comparable outcomes from which a fold has a Spearman; one has no spread."""
_K: Final = 10


@dataclass(frozen=True)
class FoldFigures:
    """Figures of each judged campaign of a fold.

    Parameters
    ----------
    ndcg : numpy.ndarray of float64, shape (n_campaigns,)
        NDCG@10 of hired accounts among all candidates, by `hire`.
    spearman : numpy.ndarray of float64, shape (n_campaigns,)
        Rank correlation of what hires delivered with `deliver`; 0 where all scores are equal, NaN
        where the outcomes of a campaign cannot be compared.
    """

    ndcg: NDArray[np.float64]
    spearman: NDArray[np.float64]

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values, None for NaN.

        Returns
        -------
        dict of str to list
            ``ndcg`` and ``spearman``.
        """
        return {
            name: [None if np.isnan(value) else float(value) for value in getattr(self, name)]
            for name in ("ndcg", "spearman")
        }


def read_figures(held: Sequence[Mapping[str, Any]]) -> tuple[FoldFigures, ...]:
    """Figures read back from JSON values.

    Parameters
    ----------
    held : sequence of mapping
        What `FoldFigures.as_dict` gave for each fold.

    Returns
    -------
    tuple of FoldFigures
        The same figures.
    """
    return tuple(
        FoldFigures(
            np.array(one["ndcg"], dtype=np.float64), np.array(one["spearman"], dtype=np.float64)
        )
        for one in held
    )


def judge_fold(fold: Fold, settings: Settings) -> FoldFigures:
    """Fit both rankers on what a fold knew, and judge them on its later campaigns.

    Parameters
    ----------
    fold : Fold
        Fold.
    settings : Settings
        Settings of the trial.

    Returns
    -------
    FoldFigures
        One figure per campaign.
    """
    rows = fold.rows[settings.ranker.unlabelled_per_campaign]
    names = used_features(rows.matrix, settings.ranker.leave_out)
    hire = fit_hire(rows, names, settings)
    forecast = None
    if fold.forecast is not None:
        forecast, _ = fit_forecast_rows(fold.forecast, names, settings)
    deliver, _ = fit_deliver(rows, names, settings, forecast=forecast)
    judged = fold.judged
    pairs = judged.matrix.pairs
    n_campaigns = len(pairs.briefs)
    ranked = rank_candidates(
        pairs.brief_codes, hire.score(judged.matrix.relative(names)), n_campaigns=n_campaigns
    )
    ndcg = ndcg_at_k(ranked, judged.hired.astype(np.int64), k=_K).values
    if deliver is None:
        return FoldFigures(ndcg, np.full(n_campaigns, np.nan))
    measured = np.flatnonzero(np.isfinite(judged.outcomes))
    ranked = rank_candidates(
        pairs.brief_codes[measured],
        deliver.score(judged.matrix.relative(names, measured)),
        n_campaigns=n_campaigns,
    )
    found = spearman(ranked, judged.outcomes[measured])
    # A ranker that tells nobody apart has been tried and found no order.
    return FoldFigures(ndcg, np.where(found.reasons == EQUAL_SCORES, 0.0, found.values))


def weigh(folds: Sequence[FoldFigures]) -> tuple[float, float, float]:
    r"""How good a trial is.

    .. math:: objective = \overline{NDCG@10} + \tfrac{1}{4} \, \overline{\rho}

    where each bar is the mean over folds of the mean over a fold's campaigns.

    Parameters
    ----------
    folds : sequence of FoldFigures
        Figures by fold.

    Returns
    -------
    objective : float
        The weighted sum; NDCG@10 alone where nothing delivered can be compared.
    ndcg : float
        Mean over folds.
    spearman : float
        Mean over the folds in which the outcomes of two or more campaigns can be compared; NaN
        where there is none.

    Examples
    --------
    >>> one = FoldFigures(np.array([0.2, 0.4, 0.3]), np.array([0.5, np.nan, 0.7]))
    >>> [round(value, 3) for value in weigh([one, one])]
    [0.45, 0.3, 0.6]
    """
    ndcg = float(np.mean([one.ndcg.mean() for one in folds]))
    compared = [one.spearman[~np.isnan(one.spearman)] for one in folds]
    means = [held.mean() for held in compared if held.size >= LEAST_COMPARED]
    rho = float(np.mean(means)) if means else float("nan")
    return ndcg + (SPEARMAN_WEIGHT * rho if means else 0.0), ndcg, rho
