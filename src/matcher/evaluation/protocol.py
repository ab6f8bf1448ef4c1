"""Protocols: walking forward in time, walking forward over unseen brands, and one given model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.arguments import check_choice, check_type, to_instant
from matcher.config import Settings
from matcher.errors import SupportError
from matcher.evaluation.blocks import Block, BrandBlock, keep_later
from matcher.evaluation.calibration import check_calibration
from matcher.evaluation.controls import permuted_columns
from matcher.evaluation.labels import label_pairs
from matcher.evaluation.results import EvaluationResult, evaluate_scores
from matcher.evaluation.scorers import (
    FITTED,
    SCORERS,
    Panel,
    ScoredPairs,
)
from matcher.evaluation.splits import brand_fold_blocks, walk_forward_blocks
from matcher.evaluation.stated import STATED_COLUMNS, state_pairs
from matcher.evaluation.steps import Steps, Tell
from matcher.evaluation.truth import Truth, count_reasons, describe_outside, list_campaigns
from matcher.features.context import MarketData
from matcher.ranking.exposure import ExposureRule
from matcher.ranking.fit import build_training_rows, candidate_pairs, fit_encoder, fit_model
from matcher.ranking.model import describe_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matcher.features.context import Embed
    from matcher.ranking.model import Model
    from matcher.text.encoder import Encoder

__all__ = ["GAP_DAYS", "batch_campaigns", "evaluate_model", "walk_forward"]

GAP_DAYS: Final = 1
"""Days after a model was closed from which on campaigns may judge it."""
N_FOLDS: Final = 5
_STEPS_PER_BLOCK: Final = 6
"""Steps of a block before its batches of campaigns are scored."""
_PAIRS_AT_ONCE: Final = 1_000_000
"""Pairs whose features are held at a time, about; 1 GB per million and 130 features, twice."""


def walk_forward(
    data: MarketData,
    settings: Settings,
    *,
    protocol: str = "time",
    exposure: ExposureRule | None = None,
    since: pd.Timestamp | None = None,
    embed: Embed | None = None,
    audit: Mapping[str, Any] | None = None,
    tell: Tell = lambda _task, _done, _total: None,
) -> EvaluationResult:
    """Evaluation that refits in blocks of time; each campaign is scored by the last one before it.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings.
    protocol : {"time", "brands"}
        Whether a campaign's own brand may be among those trained on.
    exposure : ExposureRule, optional
        Floor under the share of each group in lists, whose cost is measured.
    since : pandas.Timestamp, optional
        Aware instant; only campaigns decided from then on are judged, by the same blocks as if all
        were, so that what was settled on the earlier ones can be reported on the later ones.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.
    audit : mapping, optional
        What the caller states.
    tell : callable, optional
        Told the task, its finished steps and all its steps.

    Returns
    -------
    EvaluationResult
        Figures of all scorers.

    Raises
    ------
    SupportError
        If no campaign can be evaluated.
    UsageError
        If there is no such protocol.

    Examples
    --------
    >>> from matcher import Settings, load_market
    >>> quick = {
    ...     "encoder": {"name": "random", "dim": 16},
    ...     "ranker": {"n_trees": 5, "n_draws": 1},
    ...     "retrieval": {"min_posts": 1},
    ...     "evaluation": {
    ...         "n_blocks": 1, "min_earlier_hired": 40, "n_bootstrap": 20, "n_permutations": 1
    ...     },
    ... }
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> found = walk_forward(data, Settings.model_validate(quick))
    >>> found.protocol, found.scorers[0]
    ('time', 'model')
    """
    _check_request(data, settings, protocol, exposure)
    table, counts, outside = list_campaigns(data, settings)
    chosen = settings.evaluation
    blocks, skipped = _blocks(table, counts, protocol, settings)
    # An encoder that is kept is that of the whole walk's first block.
    first_until = blocks[0].trained_until if blocks else None
    if since is not None:
        blocks, before = keep_later(blocks, table, to_instant(since, where="walk_forward: since"))
        skipped |= before
    truth = Truth.of(data)
    parts, notes = [], []
    encoders: dict[pd.Timestamp, Encoder] = {}
    n_batches = sum(len(batch_campaigns(data, block.campaign_ids)) for block in blocks)
    steps = Steps(tell, "walking forward", total=_STEPS_PER_BLOCK * len(blocks) + n_batches + 1)
    for number in range(len(blocks)):
        block = blocks[number]
        steps("encoder")
        first = block.trained_until
        if chosen.keep_encoder and first_until is not None:
            first = first_until
        if first not in encoders:
            encoders = {first: fit_encoder(data, first, settings)}
        without = frozenset(block.brand_ids) if isinstance(block, BrandBlock) else frozenset()
        try:
            model, rows, context = fit_model(
                data,
                block.trained_until,
                settings,
                encoder=encoders[first],
                embed=embed,
                exclude_brands=without,
                progress=steps,
            )
        except SupportError as error:
            skipped |= dict.fromkeys(block.campaign_ids, f"nothing to train on ({error})")
            continue
        steps("controls")
        panel = Panel.fit(model, rows, context, settings)
        parts += list(_score_campaigns(panel, data, block.campaign_ids, truth, steps))
        notes.append({"trained_until": str(block.trained_until), **model.facts})
    if not parts:
        raise SupportError(
            f"evaluation: none of {len(table)} campaigns can be evaluated "
            f"({count_reasons(skipped)}); lower `evaluation.min_earlier_hired` (now "
            f"{chosen.min_earlier_hired}) or `retrieval.min_posts` (now "
            f"{settings.retrieval.min_posts}), or give more history"
        )
    n_outside = int(outside.drop(list(skipped), errors="ignore").sum())
    stated = {
        **(audit or {}),
        "judged_since": None if since is None else str(since),
        "blocks": notes,
        "skipped_campaigns": pd.Series(skipped, dtype=object).value_counts().to_dict(),
        "remarks": [
            f"data {data.market.data_hash}, settings {settings.hash}",
            *data.market.assumptions,
            f"{len(skipped)} of {len(table)} campaigns are not judged ({count_reasons(skipped)})",
            *describe_outside(n_outside, settings),
            *(text for held in notes for text in describe_facts(held)),
        ],
        "hires_outside_candidates": n_outside,
        "candidates": "accounts that pass the brief's hard rules"
        + (
            f" and have {settings.retrieval.min_posts} or more earlier posts"
            if len(data.market.tables["posts"])
            else ""
        ),
        **truth.stated,
        "data_hash": data.market.data_hash,
        "config_hash": settings.hash,
        "assumed_timeless": list(data.market.timeless_columns),
    }
    steps("figures")
    result = _evaluated(parts, protocol, settings, stated, exposure)
    steps.finish()
    return result


def _blocks(
    table: pd.DataFrame, counts: pd.Series, protocol: str, settings: Settings
) -> tuple[Sequence[Block | BrandBlock], dict[str, str]]:
    """Blocks of a protocol, and why campaigns stand in none."""
    chosen = settings.evaluation
    if protocol == "brands":
        split = brand_fold_blocks(
            table, counts, n_folds=N_FOLDS, n_blocks=chosen.n_blocks,
            min_earlier_hired=chosen.min_earlier_hired, seed=chosen.seed,
        )  # fmt: skip
        return split.blocks, dict(split.skipped)
    walk = walk_forward_blocks(
        table, counts, n_blocks=chosen.n_blocks, min_earlier_hired=chosen.min_earlier_hired
    )
    return walk.blocks, dict(walk.skipped)


def _check_request(
    data: MarketData, settings: Settings, protocol: str, exposure: ExposureRule | None
) -> None:
    hint = "wrap it: MarketData(market)"
    check_type(data, MarketData, where="walk_forward: data", hint=hint)
    check_type(settings, Settings, where="walk_forward: settings")
    check_choice(protocol, ("time", "brands"), where="walk_forward: protocol")
    if exposure is not None:
        check_type(exposure, ExposureRule, where="walk_forward: exposure")


def batch_campaigns(data: MarketData, campaign_ids: Sequence[str]) -> list[list[str]]:
    """Campaigns in batches whose candidates' features fit into memory.

    Parameters
    ----------
    data : MarketData
        Market.
    campaign_ids : sequence of str
        Campaigns.

    Returns
    -------
    list of list of str
        All of them, in their order.
    """
    size = max(1, _PAIRS_AT_ONCE // max(len(data.index.account_ids), 1))
    ids = list(campaign_ids)
    return [ids[low : low + size] for low in range(0, len(ids), size)]


def _score_campaigns(
    panel: Panel,
    data: MarketData,
    campaign_ids: Sequence[str],
    truth: Truth,
    steps: Steps,
) -> Iterator[pd.DataFrame]:
    """Scores, labels and slices of all candidates of campaigns."""
    for batch in batch_campaigns(data, campaign_ids):
        steps("scores")
        pairs = candidate_pairs(data, batch, panel.settings)
        keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
        scored = panel.score(pairs, np.asarray(keys.isin(truth.outcomes.index)))
        labels = label_pairs(panel.context, panel.model.prior, pairs, truth)
        hire = scored.hired["model"].to_numpy(np.float64)
        stated = state_pairs(panel.model, scored.matrix, hire, truth)
        yield pd.concat([_joined(labels, scored), stated], axis=1)


def _joined(frame: pd.DataFrame, scored: ScoredPairs) -> pd.DataFrame:
    delivered = scored.delivered.add_suffix("@delivered")
    return pd.concat([frame, scored.hired, delivered], axis=1)


def _evaluated(
    parts: Iterable[pd.DataFrame],
    protocol: str,
    settings: Settings,
    audit: Mapping[str, Any],
    exposure: ExposureRule | None,
) -> EvaluationResult:
    whole = pd.concat(list(parts), ignore_index=True)
    names = [str(name) for name in whole.columns]
    draws = permuted_columns(name for name in names if "@" not in name)
    fixed = [name for name in SCORERS if name in whole]
    delivered = {name: [[f"{name}@delivered"]] for name in fixed if f"{name}@delivered" in whole}
    if "regression_to_mean@delivered" in whole:
        delivered["regression_to_mean"] = [["regression_to_mean@delivered"]]
    if draws:
        delivered["permuted"] = permuted_columns(
            name for name in names if name.endswith("@delivered")
        )
    result = evaluate_scores(
        whole.drop(columns=list(STATED_COLUMNS)),
        fixed,
        protocol=protocol,
        settings=settings.evaluation,
        audit=audit,
        multi_draw={"permuted": draws} if draws else None,
        delivered=delivered,
        lift={"model": [["model_lift@delivered"]]},
        exposure=exposure,
    )
    return replace(result, calibration=check_calibration(whole, settings.evaluation))


def evaluate_model(
    model: Model,
    data: MarketData,
    settings: Settings,
    *,
    exposure: ExposureRule | None = None,
    embed: Embed | None = None,
    audit: Mapping[str, Any] | None = None,
    tell: Tell = lambda _task, _done, _total: None,
) -> EvaluationResult:
    """Evaluation of a given model on campaigns decided after it was closed.

    Parameters
    ----------
    model : Model
        Model.
    data : MarketData
        Market.
    settings : Settings
        Settings of candidates and intervals.
    exposure : ExposureRule, optional
        As for `walk_forward`.
    embed : callable, optional
        ``embed(encoder, texts, role)``.
    audit : mapping, optional
        What the caller states.
    tell : callable, optional
        Told the task, its finished steps and all its steps.

    Returns
    -------
    EvaluationResult
        Figures of the model, of the baselines, and of learners and controls fitted on what was
        known in this market when the model was closed.

    Raises
    ------
    SupportError
        If no campaign with a hired candidate was decided late enough.
    """
    table, counts, outside = list_campaigns(data, settings)
    start = model.trained_until + pd.Timedelta(days=GAP_DAYS)
    late = table[table["decided_at"].notna() & (table["decided_at"] >= start)]
    judged = [name for name in late["campaign_id"] if counts.get(name, 0)]
    if not judged:
        raise SupportError(
            f"evaluation: the model was trained until {model.trained_until} and none of "
            f"{len(table)} campaigns with a hired candidate was decided {GAP_DAYS} day(s) later; "
            "run `evaluate` without --model to walk forward"
        )
    context = model.context(data, embed)
    truth = Truth.of(data)
    steps = Steps(tell, "judging", total=3 + len(batch_campaigns(data, judged)))
    steps("training rows")
    learners = settings.model_copy(update={"ranker": model.settings.ranker})
    rows, reason = None, ""
    try:
        rows = build_training_rows(context, model.prior, model.trained_until, learners)
    except SupportError as error:
        reason = str(error)
    steps("controls")
    panel = Panel.fit(model, rows, context, learners)
    parts = list(_score_campaigns(panel, data, judged, truth, steps))
    n_outside = int(outside.reindex(judged).sum())
    stated = {
        **(audit or {}),
        "trained_until": str(model.trained_until),
        "remarks": [
            f"data {data.market.data_hash}, settings {settings.hash}",
            *data.market.assumptions,
            f"{len(judged)} of {len(table)} campaigns are judged: those with a hired candidate, "
            f"decided {GAP_DAYS} day(s) or more after {model.trained_until}",
            *describe_outside(n_outside, settings),
            *describe_facts(model.facts),
            *([f"no learners or controls beside it: {reason}"] if rows is None else []),
        ],
        "left_out_before_cut": int(len(table) - len(late)),
        "left_out_without_hire": len(late) - len(judged),
        "hires_outside_candidates": n_outside,
        "not_compared": dict.fromkeys(FITTED, reason) if rows is None else {},
        **truth.stated,
        "data_hash": data.market.data_hash,
        "config_hash": settings.hash,
    }
    steps("figures")
    result = _evaluated(parts, "model", settings, stated, exposure)
    steps.finish()
    return result
