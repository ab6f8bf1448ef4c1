"""Figures per campaign, summed up: means, intervals, paired differences, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matcher.config import EvaluationSettings
from matcher.evaluation.bootstrap import BootstrapMeans, bootstrap_means
from matcher.evaluation.figures import METRICS, CampaignFigures, campaign_figures
from matcher.evaluation.ranked import NO_CANDIDATE, BoolArray, rank_candidates
from matcher.evaluation.scored import ScoredCandidates

__all__ = ["MODEL", "campaign_table", "compare_scorers", "count_candidates"]

MODEL = "model"
"""Scorer that paired differences compare with every other."""


def compare_scorers(
    pairs: ScoredCandidates,
    cell: Mapping[str, CampaignFigures],
    question: str,
    name: str,
    settings: EvaluationSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means with intervals, and paired differences, of one question and slice.

    Parameters
    ----------
    pairs : ScoredCandidates
        Labels of the pairs.
    cell : mapping of str to dict
        Figures per campaign by scorer.
    question : str
        Question the figures answer.
    name : str
        Slice they are of.
    settings : EvaluationSettings
        `n_bootstrap` and `seed`.

    Returns
    -------
    tuple of pandas.DataFrame
        The tables `figures` and `paired` of `EvaluationResult`; all on the same resamples.
    """
    own = [found[metric] for found in cell.values() for metric in METRICS]
    baselines = [scorer for scorer in cell if scorer != MODEL] if MODEL in cell else []
    against = [
        (cell[MODEL][metric].values, cell[baseline][metric])
        for baseline in baselines
        for metric in METRICS
    ]
    both = np.stack(
        [*(found.values for found in own), *(ours - held.values for ours, held in against)], axis=1
    )
    draws = [found.draws for found in own]
    draws += [None if held.draws is None else ours - held.draws for ours, held in against]
    seen = ~np.isnan(both).all(axis=1)
    means = bootstrap_means(
        both[seen],
        pairs.brands[seen],
        n_resamples=settings.n_bootstrap,
        seed=settings.seed,
        draws={column: held[:, seen].T for column, held in enumerate(draws) if held is not None},
    )
    n_main = len(own)
    reasons = [found[metric].reasons for found in cell.values() for metric in METRICS]
    main = _long(question, name, "scorer", list(cell), "value", means.part(0, n_main), reasons)
    either = [
        np.where(ours != "", ours, cell[baseline][metric].reasons)
        for baseline in baselines
        for metric, ours in ((metric, cell[MODEL][metric].reasons) for metric in METRICS)
    ]
    after = means.part(n_main, both.shape[1])
    rest = _long(question, name, "baseline", baselines, "difference", after, either)
    zero = (rest["low"] <= 0) & (rest["high"] >= 0)
    rest.insert(7, "includes_zero", zero.astype("boolean").mask(rest["low"].isna()))
    return main, rest


def _long(
    question: str,
    name: str,
    by: str,
    names: Sequence[str],
    value: str,
    means: BootstrapMeans,
    reasons: Sequence[NDArray[np.str_]],
) -> pd.DataFrame:
    why = [
        _summary(found) if n == 0 else str(reason)
        for found, n, reason in zip(reasons, means.n, means.reason, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "question": question,
            "slice": name,
            by: np.repeat(np.array(names, dtype=object), len(METRICS)),
            "metric": np.tile(np.array(METRICS, dtype=object), len(names)),
            value: means.value,
            "low": means.low,
            "high": means.high,
            "n": means.n,
            "reason": np.array(why, dtype=object),
        }
    )
    texts = ["question", "slice", by, "metric", "reason"]
    return frame.astype(dict.fromkeys(texts, "str"))


def _summary(reasons: NDArray[np.str_]) -> str:
    """Why a figure is undefined in every campaign, most frequent reason first."""
    names, counts = np.unique(reasons[reasons != ""], return_counts=True)
    found = dict(zip(names.tolist(), counts.tolist(), strict=True))
    if len(found) > 1:
        # Campaigns that are not in the slice at all explain nothing.
        found.pop(NO_CANDIDATE, None)
    if len(found) < 2:
        return next(iter(found), NO_CANDIDATE)
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{reason} ({count} campaigns)" for reason, count in ordered)


def campaign_table(
    pairs: ScoredCandidates, cell: Mapping[str, CampaignFigures], question: str
) -> pd.DataFrame:
    """Figures of every campaign in which they are defined.

    Parameters
    ----------
    pairs : ScoredCandidates
        Labels of the pairs.
    cell : mapping of str to dict
        Figures per campaign by scorer.
    question : str
        Question the figures answer.

    Returns
    -------
    pandas.DataFrame
        Columns ``question, campaign_id, brand_id, scorer, metric, value``.
    """
    names = np.array(pairs.campaign_ids, dtype=object)
    parts = []
    for scorer, found in cell.items():
        for metric in METRICS:
            rows = np.flatnonzero(~np.isnan(found[metric].values))
            part = {"campaign_id": names[rows], "brand_id": pairs.brands[rows]}
            values = found[metric].values[rows]
            parts.append(
                pd.DataFrame({**part, "scorer": scorer, "metric": metric, "value": values})
            )
    frame = pd.concat(parts, ignore_index=True)
    frame.insert(0, "question", question)
    texts = ["question", "campaign_id", "brand_id", "scorer", "metric"]
    return frame.astype(dict.fromkeys(texts, "str"))


def count_candidates(
    pairs: ScoredCandidates, slices: Mapping[str, BoolArray], *, question: str
) -> dict[str, dict[str, Any]]:
    """Candidates and campaigns behind the figures of a question, by slice.

    Parameters
    ----------
    pairs : ScoredCandidates
        Labels of the pairs that the question is about.
    slices : mapping of str to numpy.ndarray of bool, shape (n_rows,)
        Members by slice.
    question : str
        ``hired`` or ``delivered``.

    Returns
    -------
    dict
        By slice ``n_candidates, n_hired, n_campaigns`` (with a candidate) and ``skipped``: of
        these campaigns, those without a figure, by reason.
    """
    metric = "mrr" if question == "hired" else "ndcg_at_10"
    level = rank_candidates(pairs.codes, np.zeros(pairs.codes.size), n_campaigns=pairs.n_campaigns)
    counts: dict[str, dict[str, Any]] = {}
    for name, keep in slices.items():
        figures = campaign_figures(pairs, level.restrict(keep), question=question)
        skipped = dict(figures[metric].n_skipped)
        skipped.pop(NO_CANDIDATE, None)
        counts[name] = {
            "n_candidates": int(keep.sum()),
            "n_hired": int((keep & pairs.hired).sum()),
            "n_campaigns": int(np.unique(pairs.codes[keep]).size),
            "skipped": skipped,
        }
    return counts
