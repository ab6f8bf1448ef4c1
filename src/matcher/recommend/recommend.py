"""Batch recommendations: retrieve, score, order and explain accounts for many briefs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from matcher.arguments import (
    check_choice,
    check_count,
    check_instances,
    check_type,
    to_instant,
)
from matcher.errors import SupportError
from matcher.features.data import MarketData
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief
from matcher.market.market import Market
from matcher.ranking.model import Model
from matcher.ranking.stated import describe_fallback
from matcher.recommend.batches import batches, score_batch, seen_from
from matcher.recommend.explore import DECISION_COLUMNS
from matcher.recommend.exposure import check_rule, describe_floor, describe_total
from matcher.recommend.lists import build_lists
from matcher.recommend.orders import REQUESTS, OrderRequest, resolve_order
from matcher.recommend.pools import describe_acceptance, join_pools
from matcher.recommend.recommendations import Recommendations, join_rows
from matcher.recommend.rows import Job, Scored
from matcher.recommend.unfinished import Unfinished, request_key
from matcher.recommend.wording import FORMAT_NAMES, LANGUAGES
from matcher.retrieval.eligibility import RIVAL_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.pair_features import FeatureMatrix
    from matcher.features.pairs import Pairs
    from matcher.ranking.exposure import ExposureRule
    from matcher.recommend.explore import Lottery
    from matcher.recommend.wording import Language

__all__ = [
    "OrderRequest",
    "identify_model",
    "list_assumptions",
    "recommend",
    "score_brief",
    "select_open_briefs",
]


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
        *model.hire.digest_parts,
        "deliver",
        *deliver,
        str(model.encoder.identity.digest),
        model.trained_until.isoformat(),
        model.data_hash,
        model.settings.hash,
        None if model.calibration is None else model.calibration.as_dict(),
        *([] if model.acceptance is None else [model.acceptance.to_dict()]),
        *([] if model.outcomes is None else [model.outcomes.to_dict()]),
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

    Examples
    --------
    >>> from matcher import load_market
    >>> market = load_market("data/tiny_market")
    >>> [brief.brief_id for brief in select_open_briefs(market, market.all_known_at)]
    ['cmp_0022', 'cmp_0023']
    """
    check_type(market, Market, where="select_open_briefs: market", hint="give its `market`")
    as_of = to_instant(as_of, where="select_open_briefs: as_of")
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
    order: OrderRequest = "objective",
    language: Language = "en",
    one_per_person: bool = True,
    rival_days: float = RIVAL_DAYS,
    model_id: str | None = None,
    model_version: str | None = None,
    lottery: Lottery | None = None,
    exposure: ExposureRule | None = None,
    context: FeatureContext | None = None,
    unfinished: Unfinished | None = None,
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
    order : {"objective", "fit", "deliver", "outcome", "value", "blend"}
        As the model's settings say for the objective of each brief, by the score of being chosen,
        by that of what a hire brings, by the expected outcome that stands for the objective, by
        that per unit of the fee, or by the mean of the normal scores of the second and third.
    language : {"en", "vi"}
        Language of reasons and warnings.
    one_per_person : bool, default True
        Whether a list shows only the best account of each person.
    rival_days : float, default 90
        Days before the instant in which work for a rival makes an account ineligible; 0 lets it
        stand, with a warning.
    model_id : str, optional
        Name of the model in the audit; a digest of it when None.
    model_version : str, optional
        Registered version in the audit, such as ``matcher/3``.
    lottery : Lottery, optional
        Draw lists instead of taking the best, and log the chance of each account.
    exposure : ExposureRule, optional
        Floor under the share of each group in lists; notes say who entered and left, and the cost.
    context : FeatureContext, optional
        What ``model.context(data)`` gives, to share embeddings between calls.
    unfinished : Unfinished, optional
        Where lists are kept as they are done, so that the same call after a kill goes on from
        there; its `discard` is the caller's, once the output stands.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    Recommendations
        Lists in the order of `briefs`; a brief without eligible accounts has none, and a note.

    Raises
    ------
    UsageError
        If `top_k` is not positive, `as_of` has no timezone, `order` is unknown, or lists are to be
        both drawn and held to a floor.
    DataError
        If a brief id stands twice.
    LeakageError
        If the model was closed after an instant from which a brief is seen.
    SupportError
        If `order` needs a ranker that the model does not have.

    Examples
    --------
    >>> from matcher import MarketData, load_market, read_brief, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, bundle = read_model("models/tiny")
    >>> briefs = [read_brief(f"data/brief-{language}.yaml") for language in ("vi", "en")]
    >>> lists = recommend(model, data, briefs, top_k=3, model_id=bundle.model_id)
    >>> lists.frame[["brief_id", "rank"]].to_numpy().tolist()[2:4]
    [['brief-vi', 3], ['brief-en', 1]]
    """
    check_instances(briefs, Brief, where="recommend: briefs")
    check_choice(language, LANGUAGES, where="recommend: language")
    as_of = _check_request(model, data, as_of, top_k, order)
    check_rule(exposure, lottery)
    settings = model.settings if settings is None else settings
    for brief in briefs:
        model.check_closed_before(seen_from(brief, as_of))
    for brief in briefs:
        resolve_order(model, brief, order)
    context = model.context(data) if context is None else context
    audit: dict[str, str | None] = {
        "model_id": identify_model(model) if model_id is None else model_id,
        "model_version": model_version,
        "data_hash": data.market.data_hash,
        "config_hash": settings.hash,
        "assumed_timeless": "|".join(list_assumptions(data.market)),
    }
    job = Job(model, context, top_k, order, language, one_per_person, audit, lottery, exposure)
    # Refuses an id that stands twice before any work is done.
    build_pairs(briefs, {}, instants={brief.brief_id: as_of for brief in briefs})
    newest, late = data.market.newest_known_at, as_of > data.market.all_known_at
    notes = [f"as of {as_of}: the newest known fact is of {newest}"] if late else []
    texts = [brief.model_dump_json() for brief in briefs]
    key = _key(job, as_of, settings, rival_days)
    done = {} if unfinished is None else unfinished.begin(key, texts)
    text_of = {brief.brief_id: text for brief, text in zip(briefs, texts, strict=True)}
    left = [brief for brief in briefs if text_of[brief.brief_id] not in done]
    for batch in batches(job, left, as_of, settings, rival_days):
        for brief, found in build_lists(job, batch):
            done[text_of[brief.brief_id]] = found
            if unfinished is not None:
                unfinished.keep(key, text_of[brief.brief_id], found)
            if progress is not None:
                progress("briefs", len(done), len(briefs))
    lists = [done[text] for text in texts]
    notes += filter(None, [describe_fallback(model.facts)])
    if model.calibration is None:
        reason = model.facts.get("no_fit_probability", "the model was trained without it")
        notes.append(f"fit is not stated as a probability: {reason}")
    notes += describe_acceptance(model)
    if exposure is not None:
        notes += describe_total(exposure, [found.pool for found in lists])
    logs = [found.log for found in lists if found.log is not None]
    if lottery is not None and not logs:
        logs = [pd.DataFrame(columns=list(DECISION_COLUMNS)).astype(dict(DECISION_COLUMNS))]
    return Recommendations(
        join_rows([found.rows for found in lists if found.rows is not None]),
        join_pools([dict(found.pool) for found in lists]),
        (*notes, *(note for found in lists for note in found.notes)),
        {**audit, **describe_floor(exposure), "as_of": as_of.isoformat()},
        pd.concat(logs, ignore_index=True) if logs else None,
    )


def _key(job: Job, as_of: pd.Timestamp, settings: Settings, rival_days: float) -> str:
    """Name of the request, from everything that bears on a list but its brief."""
    drawn = None if job.lottery is None else asdict(job.lottery)
    return request_key(
        {
            "audit": dict(job.audit),
            "model": identify_model(job.model),
            "market": job.data.market.settings.model_dump(mode="json"),
            "settings": settings.model_dump(mode="json"),
            "as_of": as_of.isoformat(),
            "top_k": job.top_k,
            "order": job.order,
            "language": job.language,
            "one_per_person": job.one_per_person,
            "rival_days": rival_days,
            "lottery": drawn,
            "exposure": None if job.exposure is None else asdict(job.exposure),
        }
    )


def score_brief(
    model: Model,
    data: MarketData,
    brief: Brief,
    *,
    as_of: pd.Timestamp | None = None,
    settings: Settings | None = None,
    order: OrderRequest = "objective",
    rival_days: float = RIVAL_DAYS,
    context: FeatureContext | None = None,
    build: Callable[[FeatureContext, Pairs], FeatureMatrix] | None = None,
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
    order : {"objective", "fit", "deliver", "outcome", "value", "blend"}
        What the list would be ordered by.
    rival_days : float, default 90
        Days before the instant in which work for a rival makes an account ineligible.
    context : FeatureContext, optional
        What ``model.context(data)`` gives.
    build : callable, optional
        Features of pairs, as in `matcher.recommend.batches.score_batch`.

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
    check_type(brief, Brief, where="score_brief: brief")
    as_of = _check_request(model, data, as_of, 1, order)
    settings = model.settings if settings is None else settings
    model.check_closed_before(seen_from(brief, as_of))
    resolve_order(model, brief, order)
    context = model.context(data) if context is None else context
    job = Job(model, context, 1, order, "en", True, {})
    batch = next(batches(job, [brief], as_of, settings, rival_days))
    found = next(score_batch(job, batch, build=build), None)
    if found is None:
        formats = ", ".join(brief.formats)
        asked = f", such as the formats {formats}" if formats else ""
        named = ", ".join(FORMAT_NAMES[name]["vi"] for name in brief.formats)
        asked_vi = f", chẳng hạn định dạng {named}" if named else ""
        raise SupportError(
            f"brief {brief.brief_id}: no account is eligible; loosen its terms{asked}",
            {
                "en": f"no account is eligible; loosen the terms of the brief{asked}",
                "vi": "không tài khoản nào đủ điều kiện; hãy nới các điều kiện của bản mô tả"
                f"{asked_vi}",
            },
        )
    return found


def _check_request(
    model: Model, data: MarketData, as_of: pd.Timestamp | None, top_k: int, order: str
) -> pd.Timestamp:
    check_type(model, Model, where="recommend: model", hint="`read_model` returns it first")
    check_type(data, MarketData, where="recommend: data", hint="wrap it: MarketData(market)")
    check_count(top_k, where="recommend: top_k")
    check_choice(order, REQUESTS, where="recommend: order")
    instant = data.market.all_known_at if as_of is None else as_of
    return to_instant(instant, where="recommend: as_of")
