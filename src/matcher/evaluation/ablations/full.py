"""Ablations, robustness and learning curves of one market, walking forward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.arguments import check_type
from matcher.config import Settings
from matcher.errors import SupportError
from matcher.evaluation.ablations.curves import ALL, NOTHING, draw_curve
from matcher.evaluation.ablations.distorted import FRAUD, FRAUD_ABOUT
from matcher.evaluation.ablations.distortions import BRIEFS, POSTS, rewritten_data
from matcher.evaluation.ablations.rankers import DELIVERED
from matcher.evaluation.ablations.results import FullEvaluation
from matcher.evaluation.ablations.sources import strict_data
from matcher.evaluation.ablations.table import build_rows
from matcher.evaluation.ablations.variants import FAMILY_COLUMNS, PERMUTED, list_variants
from matcher.evaluation.ablations.walk import Job, Walk, walk_blocks
from matcher.evaluation.comparison import MODEL
from matcher.evaluation.controls import permuted_columns
from matcher.evaluation.splits import walk_forward_blocks
from matcher.evaluation.steps import Steps, Tell
from matcher.evaluation.truth import Truth, count_reasons, describe_outside, list_campaigns
from matcher.features.context import MarketData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.evaluation.blocks import Block
    from matcher.features.context import Embed

__all__ = ["evaluate_fully"]

_THIRDS: Final = 3


def evaluate_fully(
    data: MarketData,
    settings: Settings,
    *,
    embed: Embed | None = None,
    audit: Mapping[str, Any] | None = None,
    tell: Tell = lambda _task, _done, _total: None,
) -> FullEvaluation:
    """Ablations and robustness in the blocks of `walk_forward`, and learning curves.

    In each block the features of training and judged pairs are built once, and each variant refits
    the rankers on a part of their columns. Distortions are of the judged side alone: the model
    that sees them was fitted on what was there. Candidates are the same throughout.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings of the model, the blocks and the intervals.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.
    audit : mapping, optional
        What the caller states.
    tell : callable, optional
        Told the task, its finished steps and all its steps.

    Returns
    -------
    FullEvaluation
        One table.

    Raises
    ------
    SupportError
        If no campaign can be evaluated.

    Examples
    --------
    >>> from matcher import Settings, load_market
    >>> quick = {
    ...     "encoder": {"name": "random", "dim": 8},
    ...     "ranker": {"n_trees": 2, "n_draws": 1},
    ...     "outcome": {"n_periods": 0, "n_trees": 2},
    ...     "retrieval": {"min_posts": 1},
    ...     "evaluation": {
    ...         "n_blocks": 1, "min_earlier_hired": 40, "n_bootstrap": 20, "n_permutations": 1
    ...     },
    ... }
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> found = evaluate_fully(data, Settings.model_validate(quick))
    >>> list(found.variants), found.variants["ablations"][:2]
    (['ablations', 'robustness', 'learning curve'], ('model', 'without content'))
    """
    check_type(data, MarketData, where="evaluate_fully: data", hint="wrap it: MarketData(market)")
    check_type(settings, Settings, where="evaluate_fully: settings")
    table, counts, outside = list_campaigns(data, settings)
    chosen = settings.evaluation
    walked = walk_forward_blocks(
        table, counts, n_blocks=chosen.n_blocks, min_earlier_hired=chosen.min_earlier_hired
    )
    with_strict = bool(data.market.timeless_columns)
    job = Job(
        data,
        settings,
        list_variants(settings, with_strict=with_strict),
        strict_data(data) if with_strict else None,
        {change.name: rewritten_data(data, change) for change in POSTS},
        Truth.of(data),
        embed,
    )
    steps = Steps(tell, "ablations and robustness", total=job.n_steps(walked.blocks) + 1)
    walk = walk_blocks(job, walked.blocks, walked.skipped, steps)
    skipped = walk.skipped
    if not walk.parts:
        raise SupportError(
            f"evaluation: none of {len(table)} campaigns can be evaluated "
            f"({count_reasons(skipped)}); lower `evaluation.min_earlier_hired` (now "
            f"{chosen.min_earlier_hired}) or `retrieval.min_posts` (now "
            f"{settings.retrieval.min_posts}), or give more history"
        )
    frame = pd.concat(walk.parts, ignore_index=True)
    steps("figures")
    rows, notes = _ablations(job, frame, walk)
    more, said = _robustness(job, frame, walk)
    steps.finish()
    third = walk_forward_blocks(
        table, counts, n_blocks=_THIRDS, min_earlier_hired=chosen.min_earlier_hired
    ).blocks[-1]
    curve, about, left_out = _curve(job, third, tell)
    n_outside = int(outside.drop(list(skipped), errors="ignore").sum())
    stated = {
        **(audit or {}),
        "protocol": "time",
        "blocks": walk.blocks,
        "learning_curve_until": str(third.trained_until),
        "skipped_campaigns": pd.Series(skipped, dtype=object).value_counts().to_dict(),
        "hires_outside_candidates": n_outside,
        "n_bootstrap": chosen.n_bootstrap,
        "seed": chosen.seed,
        **job.truth.stated,
        "data_hash": data.market.data_hash,
        "config_hash": settings.hash,
        "assumed_timeless": list(data.market.timeless_columns),
    }
    remarks = [
        f"data {data.market.data_hash}, settings {settings.hash}",
        *data.market.assumptions,
        f"{len(skipped)} of {len(table)} campaigns are not judged ({count_reasons(skipped)})",
        *describe_outside(n_outside, settings),
    ]
    return FullEvaluation(
        pd.concat([rows, more, *curve], ignore_index=True),
        {**_about(job), **about},
        (*notes, *said, *left_out, *remarks),
        stated,
    )


def _ablations(job: Job, frame: pd.DataFrame, walk: Walk) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the variants, without those of families that tell nobody apart."""
    idle = [name for name, columns in FAMILY_COLUMNS.items() if not columns & walk.used]
    notes = []
    if idle:
        notes.append(
            f"{', '.join(idle)}: left out, since no column of theirs takes two values in a block"
        )
    if job.strict is None:
        notes.append("strict time: left out, since no undated column is in use")
    names = [one.name for one in job.variants if one.family not in idle]
    draws = permuted_columns(
        str(name) for name in frame.columns if not str(name).endswith(DELIVERED)
    )
    rows = build_rows("ablations", frame, names, job.settings.evaluation, draws={PERMUTED: draws})
    return rows, notes


def _robustness(job: Job, frame: pd.DataFrame, walk: Walk) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the distortions, each over the campaigns that it touches."""
    parts = [build_rows("robustness", frame, [MODEL], job.settings.evaluation)]
    notes = []
    against = {change.name: change.against for change in BRIEFS if change.against}
    for name, told in walk.told.items():
        if not told:
            notes.append(f"{name}: left out, {_untouched(name)}")
            continue
        inside = frame[frame["campaign_id"].isin(told)]
        bases = [MODEL, against[name]] if name in against else [MODEL]
        parts += [
            build_rows(
                "robustness",
                inside,
                [base, name],
                job.settings.evaluation,
                against=base,
                with_base=False,
            )
            for base in bases
        ]
    return pd.concat(parts, ignore_index=True), notes


def _untouched(name: str) -> str:
    if name == FRAUD:
        return "since no candidate that buys has followers known from the days before a decision"
    return "since it changes no judged brief"


def _curve(
    job: Job, block: Block, tell: Tell
) -> tuple[list[pd.DataFrame], dict[str, str], tuple[str, ...]]:
    """Rows of the learning curve, if there is one; what they are; what was left out."""
    try:
        curve = draw_curve(
            job.data,
            block,
            job.settings,
            model=job.variants[0],
            truth=job.truth,
            embed=job.embed,
            tell=tell,
        )
    except SupportError as error:
        # What all the blocks came to is not thrown away for it.
        return [], {}, (f"learning curve: left out, nothing to train on ({error})",)
    names = [str(name) for name in curve.frame.columns if str(name) + DELIVERED in curve.frame]
    ordered = [ALL, NOTHING, *(name for name in names if name not in (ALL, NOTHING))]
    rows = build_rows("learning curve", curve.frame, ordered, job.settings.evaluation, against=ALL)
    return [rows], dict(curve.about), curve.notes


def _about(job: Job) -> dict[str, str]:
    told = {one.name: one.about for one in job.variants if one.about}
    told[PERMUTED] = (
        "the model's learners on hires and outcomes shuffled within campaigns; the mean over "
        f"{job.settings.evaluation.n_permutations} draws"
    )
    told |= {change.name: change.about for change in (*BRIEFS, *POSTS)}
    return told | {FRAUD: FRAUD_ABOUT}
