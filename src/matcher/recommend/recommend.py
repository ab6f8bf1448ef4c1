"""Batch recommendations: retrieve, score, order and explain accounts for many briefs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import SupportError, UsageError
from matcher.features.pairs import build_pairs
from matcher.features.relative import normal_scores
from matcher.market.brief import Brief
from matcher.market.instants import instant_microseconds
from matcher.recommend.pools import (
    describe_brief,
    describe_pool,
    describe_strangers,
    describe_unknown_words,
)
from matcher.recommend.recommendations import Recommendations
from matcher.recommend.rows import Job, Order, Scored, build_rows, choose, join_rows
from matcher.retrieval.centroids import AccountCentroids
from matcher.retrieval.eligibility import RIVAL_DAYS
from matcher.retrieval.nearest import retrieve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matcher.config import Settings
    from matcher.features.context import FeatureContext, MarketData
    from matcher.market.market import Market
    from matcher.ranking.model import Model
    from matcher.recommend.explore import Lottery
    from matcher.recommend.wording import Language
    from matcher.retrieval.nearest import Candidates

__all__ = [
    "Order",
    "identify_model",
    "list_assumptions",
    "recommend",
    "score_brief",
    "select_open_briefs",
]

_PAIRS_AT_ONCE: Final = 100_000
"""Pairs whose features are held at a time."""
_BRIEFS_AT_ONCE: Final = 32
"""Briefs that are compared with all accounts at a time."""


def identify_model(model: Model) -> str:
    """Short digest of everything in a model that bears on a score.

    Parameters
    ----------
    model : Model
        Model.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    deliver = () if model.deliver is None else (*model.deliver.texts, *model.deliver.weights)
    parts = [
        *model.hire.texts,
        "deliver",
        *deliver,
        str(model.encoder.identity.digest),
        model.trained_until.isoformat(),
        model.data_hash,
        model.settings.hash,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def list_assumptions(market: Market) -> tuple[str, ...]:
    """What a list takes as known at any time, for the audit of every output.

    Parameters
    ----------
    market : Market
        Market.

    Returns
    -------
    tuple of str
        Undated columns in use, and the tables of terms, which are taken as known ahead.
    """
    terms = ("availability", "exclusivities")
    if market.settings.strict_time:
        return market.timeless_columns
    return (
        *market.timeless_columns,
        *(name for name in terms if len(market.tables[name])),
    )


def select_open_briefs(market: Market, as_of: pd.Timestamp) -> tuple[Brief, ...]:
    """Briefs of the campaigns that are still open at an instant.

    Parameters
    ----------
    market : Market
        Market.
    as_of : pandas.Timestamp
        Aware instant; a campaign without a decision, or decided at or after it, is open.

    Returns
    -------
    tuple of Brief
        By campaign id.
    """
    campaigns = market.tables["campaigns"]
    is_open = campaigns["decided_at"].isna() | (campaigns["decided_at"] >= as_of)
    ids = sorted(campaigns.loc[is_open, "campaign_id"].tolist())
    return tuple(Brief.from_campaign(market, campaign_id) for campaign_id in ids)


def recommend(
    model: Model,
    data: MarketData,
    briefs: Sequence[Brief],
    *,
    as_of: pd.Timestamp | None = None,
    settings: Settings | None = None,
    top_k: int = 20,
    order: Order = "fit",
    language: Language = "en",
    one_per_person: bool = True,
    rival_days: float = RIVAL_DAYS,
    model_id: str | None = None,
    lottery: Lottery | None = None,
    context: FeatureContext | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Recommendations:
    """Ranked accounts for briefs, with reasons, evidence and warnings.

    A brief that was decided before `as_of` is seen from its decision, every other one from
    `as_of`. The list of a brief does not depend on which others are asked for with it.

    Parameters
    ----------
    model : Model
        Model, closed at or before every instant from which a brief is seen.
    data : MarketData
        Market.
    briefs : sequence of Brief
        Briefs with unique ids.
    as_of : pandas.Timestamp, optional
        Aware instant; one from which all of the market is known when None. Facts from it on are
        not used.
    settings : Settings, optional
        Settings of retrieval, and the hash in the audit; the model's own when None.
    top_k : int, default 20
        Accounts per brief at most.
    order : {"fit", "deliver", "blend"}
        By the score of being chosen, by that of what a hire brings, or by the mean of the normal
        scores of both.
    language : {"en", "vi"}
        Language of reasons and warnings.
    one_per_person : bool, default True
        Whether a list shows only the best account of each person.
    rival_days : float, default 90
        Days before the instant in which work for a rival makes an account ineligible; 0 lets it
        stand, with a warning.
    model_id : str, optional
        Name of the model in the audit; a digest of it when None.
    lottery : Lottery, optional
        Draw lists instead of taking the best, and log the chance of each account.
    context : FeatureContext, optional
        What ``model.context(data)`` gives, to share embeddings between calls.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    Recommendations
        Lists in the order of `briefs`; a brief without eligible accounts has none, and a note.

    Raises
    ------
    UsageError
        If `top_k` is not positive, `as_of` has no timezone, or `order` is unknown.
    DataError
        If a brief id stands twice.
    LeakageError
        If the model was closed after an instant from which a brief is seen.
    SupportError
        If `order` needs a ranker that the model does not have.
    """
    settings = model.settings if settings is None else settings
    as_of = _check_request(data.market, as_of, top_k, order)
    for brief in briefs:
        model.check_closed_before(_seen_from(brief, as_of))
    if order != "fit":
        model.ranker("deliver")
    context = model.context(data) if context is None else context
    audit = {
        "model_id": identify_model(model) if model_id is None else model_id,
        "data_hash": data.market.data_hash,
        "config_hash": settings.hash,
        "assumed_timeless": "|".join(list_assumptions(data.market)),
    }
    job = Job(model, context, top_k, order, language, one_per_person, audit, lottery)
    # Refuses an id that stands twice before any work is done.
    build_pairs(briefs, {}, instants={brief.brief_id: as_of for brief in briefs})
    parts: list[dict[str, Sequence[Any]]] = []
    pools: list[dict[str, Any]] = []
    logs: list[pd.DataFrame] = []
    newest, late = data.market.newest_known_at, as_of > data.market.all_known_at
    notes = [f"as of {as_of}: the newest known fact is of {newest}"] if late else []
    for batch in _batches(job, briefs, as_of, settings, rival_days):
        scored = {ranked.brief.brief_id: ranked for ranked in _score(job, batch)}
        for brief, candidates in batch:
            n_rows = 0
            if brief.brief_id in scored:
                chosen, log = choose(job, scored[brief.brief_id])
                parts.append(build_rows(job, scored[brief.brief_id], chosen))
                n_rows = len(chosen)
                logs += [] if log is None else [log]
            pools.append(describe_pool(candidates, n_rows))
            notes += describe_strangers(data.market, brief)
            notes += describe_unknown_words(model, brief)
            notes += describe_brief(brief, candidates, n_rows, top_k)
            if progress is not None:
                progress("briefs", len(pools), len(briefs))
    audit["as_of"] = as_of.isoformat()
    decisions = pd.concat(logs, ignore_index=True) if logs else None
    return Recommendations(join_rows(parts), pd.DataFrame(pools), tuple(notes), audit, decisions)


def score_brief(
    model: Model,
    data: MarketData,
    brief: Brief,
    *,
    as_of: pd.Timestamp | None = None,
    settings: Settings | None = None,
    order: Order = "fit",
    rival_days: float = RIVAL_DAYS,
    context: FeatureContext | None = None,
) -> Scored:
    """All candidates of a brief with their scores, as `recommend` sees them.

    Parameters
    ----------
    model : Model
        As in `recommend`, and so are the others.
    data : MarketData
        Market.
    brief : Brief
        Brief.
    as_of : pandas.Timestamp, optional
        Aware instant.
    settings : Settings, optional
        Settings of retrieval.
    order : {"fit", "deliver", "blend"}
        Which rankers are needed.
    rival_days : float, default 90
        Days before the instant in which work for a rival makes an account ineligible.
    context : FeatureContext, optional
        What ``model.context(data)`` gives.

    Returns
    -------
    Scored
        Candidates, scores, and what these rest on.

    Raises
    ------
    SupportError
        If no account is eligible, or `order` needs a ranker that the model does not have.
    LeakageError
        If the model was closed after the instant from which the brief is seen.
    """
    settings = model.settings if settings is None else settings
    as_of = _check_request(data.market, as_of, 1, order)
    model.check_closed_before(_seen_from(brief, as_of))
    if order != "fit":
        model.ranker("deliver")
    context = model.context(data) if context is None else context
    job = Job(model, context, 1, order, "en", True, {})
    batch = next(_batches(job, [brief], as_of, settings, rival_days))
    found = next(_score(job, batch), None)
    if found is None:
        raise SupportError(f"brief {brief.brief_id}: no account is eligible; loosen its terms")
    return found


def _check_request(
    market: Market, as_of: pd.Timestamp | None, top_k: int, order: str
) -> pd.Timestamp:
    if top_k < 1:
        raise UsageError(f"recommend: got top_k {top_k}; expected 1 or more")
    if order not in ("fit", "deliver", "blend"):
        raise UsageError(f"recommend: got order {order!r}; expected fit, deliver or blend")
    instant = market.all_known_at if as_of is None else pd.Timestamp(as_of)
    if instant.tzinfo is None:
        raise UsageError(
            f"recommend: got as_of {instant} without timezone; expected an instant such as "
            "2025-01-01T00:00:00+07:00"
        )
    return instant.tz_convert("UTC").as_unit("us")


def _seen_from(brief: Brief, as_of: pd.Timestamp) -> pd.Timestamp:
    decided = brief.decision_instant
    return as_of if decided is None else min(decided, as_of)


def _batches(
    job: Job,
    briefs: Sequence[Brief],
    as_of: pd.Timestamp,
    settings: Settings,
    rival_days: float,
) -> Iterator[list[tuple[Brief, Candidates]]]:
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
    instants = [instant_microseconds(_seen_from(brief, as_of)) for brief in briefs]
    low = 0
    while low < len(briefs):
        instant = instants[low]
        high = low + 1
        while high < min(len(briefs), low + _BRIEFS_AT_ONCE) and instants[high] == instant:
            high += 1
        if high - low > 1:
            job.context.keep_account_sums(instant)
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


def _score(job: Job, batch: list[tuple[Brief, Candidates]]) -> Iterator[Scored]:
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
    matrix = job.model.features(job.context, pairs)
    scores = job.model.score(matrix, ("hire", "deliver"))
    scores["blend"] = normal_scores(
        scores[["hire", "deliver"]].to_numpy(np.float64), pairs.bounds
    ).mean(axis=1)
    names = job.model.feature_names(job.ranker)
    inputs = normal_scores(matrix.columns(names), pairs.bounds)
    for place, (brief, candidates) in enumerate(batch):
        rows = np.arange(pairs.bounds[place], pairs.bounds[place + 1])
        yield Scored(
            brief,
            candidates,
            scores.iloc[rows].reset_index(drop=True),
            matrix.select(rows),
            inputs[rows],
        )
