"""All metrics of a scorer per campaign, for each question and slice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np

from matcher.evaluation.metrics import auc, cauc, medr, mrr, ndcg_at_k, recall_at_k
from matcher.evaluation.outcomes import (
    EQUAL_OUTCOMES,
    MIN_OUTCOMES,
    TOO_FEW_OUTCOMES,
    grade_outcomes,
    spearman,
)
from matcher.evaluation.ranked import (
    NO_CANDIDATE,
    BoolArray,
    CampaignValues,
    IntArray,
    RankedLists,
    rank_candidates,
)
from matcher.evaluation.scored import ScoredCandidates

__all__ = [
    "HIRED_ONLY",
    "LOWER_IS_BETTER",
    "METRICS",
    "NO_SCORE",
    "OUTCOMES_ONLY",
    "CampaignFigures",
    "campaign_figures",
    "figures_of_scorer",
]

METRICS = (
    "auc",
    "cauc",
    "ndcg_at_5",
    "ndcg_at_10",
    "ndcg_at_20",
    "recall_at_20",
    "recall_at_50",
    "recall_at_100",
    "mrr",
    "medr",
    "spearman_raw",
    "spearman_lift",
)
LOWER_IS_BETTER = frozenset({"medr"})
OUTCOMES_ONLY = "outcomes are known of hired candidates only; see the question `delivered`"
HIRED_ONLY = "among delivered collaborations every candidate was hired; see the question `hired`"
NO_SCORE = "the scorer has no score for any candidate"
NO_CATEGORY = "the scored frame has no column `same_category`"

Draws: TypeAlias = Sequence[Sequence[str]]
"""Score columns of each draw of a scorer; mostly one draw of one column."""
CampaignFigures: TypeAlias = dict[str, CampaignValues]
"""Figures by metric."""

_Metric: TypeAlias = Callable[[RankedLists], CampaignValues]


def campaign_figures(
    pairs: ScoredCandidates, ranked: RankedLists, *, question: str
) -> CampaignFigures:
    """All metrics of one scorer per campaign.

    Parameters
    ----------
    pairs : ScoredCandidates
        Labels of the pairs that the question is about.
    ranked : RankedLists
        These pairs, or those of a slice, by the scorer's score.
    question : str
        ``hired`` or ``delivered``.

    Returns
    -------
    dict of str to CampaignValues
        Figures by metric, in the order of `METRICS`; those that the question has no answer for
        are undefined in every campaign.
    """
    figures = _hired_metrics(pairs) if question == "hired" else _delivered_metrics(pairs, ranked)
    reason = OUTCOMES_ONLY if question == "hired" else HIRED_ONLY
    return {
        name: figures[name](ranked) if name in figures else undefined(pairs.n_campaigns, reason)
        for name in METRICS
    }


def undefined(n_campaigns: int, reason: str) -> CampaignValues:
    """Figures that are undefined in every campaign for one reason.

    Parameters
    ----------
    n_campaigns : int
        Number of campaigns.
    reason : str
        Why.

    Returns
    -------
    CampaignValues
        NaN throughout.
    """
    return CampaignValues(np.full(n_campaigns, np.nan), np.full(n_campaigns, reason))


def _hired_metrics(pairs: ScoredCandidates) -> Mapping[str, _Metric]:
    hired = pairs.hired
    metrics: dict[str, _Metric] = {
        "auc": partial(auc, hits=hired),
        "cauc": _no_category,
        "mrr": partial(mrr, hits=hired),
        "medr": partial(medr, hits=hired),
    }
    if pairs.same_category is not None:
        metrics["cauc"] = partial(cauc, hits=hired, same_category=pairs.same_category)
    for k in (5, 10, 20):
        metrics[f"ndcg_at_{k}"] = partial(ndcg_at_k, relevance=hired.astype(np.int8), k=k)
    for k in (20, 50, 100):
        metrics[f"recall_at_{k}"] = partial(recall_at_k, hits=hired, k=k)
    return metrics


def _no_category(ranked: RankedLists) -> CampaignValues:
    return undefined(ranked.n_campaigns, NO_CATEGORY)


def _delivered_metrics(pairs: ScoredCandidates, ranked: RankedLists) -> Mapping[str, _Metric]:
    kept = np.zeros_like(pairs.hired)
    kept[ranked.rows] = True
    outcome = np.where(kept, pairs.outcome, np.nan)
    grades = grade_outcomes(pairs.codes, outcome, n_campaigns=pairs.n_campaigns)
    metrics: dict[str, _Metric] = {
        "spearman_raw": partial(spearman, outcomes=pairs.outcome),
        "spearman_lift": partial(spearman, outcomes=pairs.lifts),
    }
    for k in (5, 10, 20):
        metrics[f"ndcg_at_{k}"] = partial(_graded_ndcg, grades=grades, k=k)
    return metrics


def _graded_ndcg(ranked: RankedLists, *, grades: IntArray, k: int) -> CampaignValues:
    graded = ndcg_at_k(ranked.restrict(grades >= 0), np.maximum(grades, 0), k=k)
    n = ranked.n_candidates
    why = np.select(
        [n == 0, n < MIN_OUTCOMES], [NO_CANDIDATE, TOO_FEW_OUTCOMES], default=EQUAL_OUTCOMES
    )
    return CampaignValues(graded.values, np.where(np.isnan(graded.values), why, "").astype(np.str_))


def mean_of_draws(draws: Sequence[CampaignFigures]) -> CampaignFigures:
    """Mean figure per campaign over several draws of a scorer.

    Parameters
    ----------
    draws : sequence of dict
        Figures of each draw; at least one.

    Returns
    -------
    dict of str to CampaignValues
        Per metric the mean over the draws in which it is defined; where it is defined in none,
        the first draw's reason.
    """
    if len(draws) == 1:
        return draws[0]
    merged: CampaignFigures = {}
    for name, first in draws[0].items():
        stacked = np.stack([draw[name].values for draw in draws])
        n_defined = (~np.isnan(stacked)).sum(axis=0)
        means = np.divide(
            np.nansum(stacked, axis=0),
            n_defined,
            out=np.full(n_defined.shape, np.nan),
            where=n_defined > 0,
        )
        reasons = np.where(n_defined > 0, "", first.reasons)
        merged[name] = CampaignValues(means, reasons.astype(np.str_), stacked)
    return merged


def _without_score(figures: CampaignValues) -> CampaignValues:
    if np.isnan(figures.values).all():
        return figures
    return undefined(figures.values.size, NO_SCORE)


def figures_of_scorer(
    pairs: ScoredCandidates,
    draws: Draws,
    *,
    question: str,
    slices: Mapping[str, BoolArray],
) -> dict[str, CampaignFigures]:
    """Figures of one scorer on one question for every slice.

    Parameters
    ----------
    pairs : ScoredCandidates
        Labels and scores of the pairs that the question is about.
    draws : sequence of sequence of str
        Columns of each draw of the scorer, whose figures are averaged; mostly one draw of one.
    question : str
        ``hired`` or ``delivered``.
    slices : mapping of str to numpy.ndarray of bool, shape (n_rows,)
        Members by slice.

    Returns
    -------
    dict of str to dict
        Figures per campaign by slice. All are undefined where no candidate has a score.
    """
    found: dict[str, list[CampaignFigures]] = {name: [] for name in slices}
    for columns in draws:
        parts: dict[str, list[CampaignFigures]] = {name: [] for name in slices}
        for column in columns:
            scores = pairs.scores(column)
            known = ~np.isnan(scores)
            # Ranked once; a slice of a ranking keeps its order.
            ranked = rank_candidates(pairs.codes, scores, n_campaigns=pairs.n_campaigns)
            for name, keep in slices.items():
                figures = campaign_figures(pairs, ranked.restrict(keep), question=question)
                if not (keep & known).any():
                    figures = {metric: _without_score(held) for metric, held in figures.items()}
                parts[name].append(figures)
        for name in slices:
            averaged = mean_of_draws(parts[name])
            # Columns of one draw are no draws of their own.
            found[name].append(
                {metric: replace(held, draws=None) for metric, held in averaged.items()}
            )
    return {name: mean_of_draws(held) for name, held in found.items()}
