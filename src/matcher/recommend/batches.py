"""Candidates and scores of many briefs, some at a time, so that memory stays bounded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.features.pairs import build_pairs
from matcher.features.relative import normal_scores
from matcher.market.instants import instant_microseconds
from matcher.recommend.fees import build_fees
from matcher.recommend.orders import resolve_order
from matcher.recommend.rows import Job, Scored
from matcher.retrieval.centroids import AccountCentroids
from matcher.retrieval.nearest import retrieve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.pair_features import FeatureMatrix
    from matcher.features.pairs import Pairs
    from matcher.market.brief import Brief
    from matcher.retrieval.nearest import Candidates

__all__ = ["batches", "per_fee", "score_batch", "score_dearer", "seen_from"]

_PAIRS_AT_ONCE: Final = 100_000
"""Pairs whose features are held at a time."""
_BRIEFS_AT_ONCE: Final = 32
"""Briefs that are compared with all accounts at a time."""


def seen_from(brief: Brief, as_of: pd.Timestamp) -> pd.Timestamp:
    """Instant from which a brief is seen: that of the request, or its own decision if earlier.

    Parameters
    ----------
    brief : Brief
        Brief.
    as_of : pandas.Timestamp
        Aware instant of the request.

    Returns
    -------
    pandas.Timestamp
        The earlier of the two.
    """
    decided = brief.decision_instant
    return as_of if decided is None else min(decided, as_of)


def batches(
    job: Job,
    briefs: Sequence[Brief],
    as_of: pd.Timestamp,
    settings: Settings,
    rival_days: float,
) -> Iterator[list[tuple[Brief, Candidates]]]:
    """Briefs with their candidates, as many at a time as memory is meant to hold.

    Parameters
    ----------
    job : Job
        What all briefs share.
    briefs : sequence of Brief
        Briefs.
    as_of : pandas.Timestamp
        Aware instant of the request.
    settings : Settings
        Settings of retrieval.
    rival_days : float
        As in `matcher.recommend.recommend.recommend`.

    Yields
    ------
    list of tuple of Brief and Candidates
        Consecutive briefs; one at least.
    """
    batch: list[tuple[Brief, Candidates]] = []
    n_pairs = 0
    for brief, candidates in _retrieve_all(job, briefs, as_of, settings, rival_days):
        if batch and n_pairs + len(candidates) > _PAIRS_AT_ONCE:
            yield batch
            batch, n_pairs = [], 0
        batch.append((brief, candidates))
        n_pairs += len(candidates)
    if batch:
        yield batch


def _retrieve_all(
    job: Job,
    briefs: Sequence[Brief],
    as_of: pd.Timestamp,
    settings: Settings,
    rival_days: float,
) -> Iterator[tuple[Brief, Candidates]]:
    """Candidates of each brief; briefs in a row that are seen from one instant go together."""
    instants = [instant_microseconds(seen_from(brief, as_of)) for brief in briefs]
    low = 0
    centroids: AccountCentroids | None = None
    while low < len(briefs):
        instant = instants[low]
        high = low + 1
        while high < min(len(briefs), low + _BRIEFS_AT_ONCE) and instants[high] == instant:
            high += 1
        if high - low > 1:
            job.context.keep_account_sums(instant)
        if centroids is None or centroids.instant != instant:
            centroids = AccountCentroids(job.context, instant)
        cosines = centroids.of_all(job.context.embed_briefs(briefs[low:high]))
        for brief, known in zip(briefs[low:high], cosines, strict=True):
            yield (
                brief,
                retrieve(
                    job.context,
                    brief,
                    instant,
                    settings.retrieval,
                    centroids=centroids,
                    cosines=known,
                    rival_days=rival_days,
                ),
            )
        low = high


def score_batch(
    job: Job,
    batch: list[tuple[Brief, Candidates]],
    *,
    build: Callable[[FeatureContext, Pairs], FeatureMatrix] | None = None,
) -> Iterator[Scored]:
    """Scores of the candidates of some briefs.

    Parameters
    ----------
    job : Job
        What all briefs share.
    batch : list of tuple of Brief and Candidates
        What `batches` gave.
    build : callable, optional
        Features of pairs, equal to those of the model but perhaps had sooner; the model's own way
        when None.

    Yields
    ------
    Scored
        One per brief with candidates, in order.
    """
    batch = [(brief, candidates) for brief, candidates in batch if len(candidates)]
    if not batch:
        return
    briefs = [brief for brief, _ in batch]
    instants = {
        brief.brief_id: pd.Timestamp(candidates.instant, unit="us", tz="UTC")
        for brief, candidates in batch
    }
    chosen = {brief.brief_id: candidates.account_ids for brief, candidates in batch}
    pairs = build_pairs(briefs, chosen, instants=instants)
    matrix = (build or job.model.features)(job.context, pairs)
    scores = job.model.score(matrix, ("hire", "deliver", "outcome"))
    scores["blend"] = normal_scores(
        scores[["hire", "deliver"]].to_numpy(np.float64), pairs.bounds
    ).mean(axis=1)
    for place, (brief, candidates) in enumerate(batch):
        rows = np.arange(pairs.bounds[place], pairs.bounds[place + 1])
        own, held = scores.iloc[rows].reset_index(drop=True), matrix.select(rows)
        order, note = resolve_order(job.model, brief, job.order)
        if order == "value":
            own[order] = per_fee(job, brief, candidates, own["outcome"].to_numpy(np.float64))
        yield Scored(brief, candidates, own, held, order, note)


def score_dearer(
    job: Job,
    scored: Scored,
    budget: float,
    *,
    as_of: pd.Timestamp,
    settings: Settings,
    rival_days: float,
) -> Scored | None:
    """Accounts that are no candidates of a brief for their price alone, and would be at more money.

    Parameters
    ----------
    job : Job
        What all briefs share.
    scored : Scored
        The brief and its own candidates.
    budget : float
        Larger budget, in the brief's currency.
    as_of : pandas.Timestamp
        Aware instant of the request.
    settings : Settings
        Settings of retrieval.
    rival_days : float
        As in `matcher.recommend.recommend.recommend`.

    Returns
    -------
    Scored or None
        Those among the candidates at the larger budget, with the features that they have for the
        brief as it is; None where there are none.
    """
    if not scored.candidates.removed["price"]:
        return None
    brief = scored.brief
    wider = brief.model_copy(update={"budget": budget})
    ((_, found),) = next(batches(job, [wider], as_of, settings, rival_days))
    more = np.flatnonzero(~np.isin(found.codes, scored.candidates.eligible.accounts))
    ranks = np.argsort(np.argsort(found.retrieval_rank[more])) + 1
    dearer = replace(
        found,
        codes=found.codes[more],
        account_ids=found.account_ids[more],
        retrieval_score=found.retrieval_score[more],
        retrieval_rank=ranks.astype(np.int64),
    )
    return next(score_batch(job, [(brief, dearer)]), None)


def per_fee(
    job: Job, brief: Brief, candidates: Candidates, middle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Outcome of each candidate of a brief at its middle per unit of its fee, in logs.

    Parameters
    ----------
    job : Job
        Market and language.
    brief : Brief
        Brief.
    candidates : Candidates
        Its candidates.
    middle : numpy.ndarray of float64, shape (n_candidates,)
        Log of the outcome of each at its middle.

    Returns
    -------
    numpy.ndarray of float64, shape (n_candidates,)
        Accounts without any fee come after all others, in the order of what they bring.
    """
    fees = build_fees(job.data, brief, candidates.codes, candidates.instant, language=job.language)
    # Those without a fee stand in the order of what they bring.
    known = fees.fee > 0
    value = middle - np.log(np.where(known, fees.fee, 1.0))
    last = value[known].min() if known.any() else 0.0
    return np.where(known, value, last - 1.0 - (middle.max() - middle))
