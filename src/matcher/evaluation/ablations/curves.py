"""Learning curves: how much more past campaigns add, judged on the latest third of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import SupportError
from matcher.evaluation.ablations.block import build_cut
from matcher.evaluation.ablations.rankers import DELIVERED, score_columns
from matcher.evaluation.ablations.sources import Other
from matcher.evaluation.protocol import batch_campaigns
from matcher.evaluation.steps import Steps
from matcher.features.data import MarketData
from matcher.ranking.candidates import training_campaigns
from matcher.ranking.fit import TrainingRows, candidate_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matcher.config import Settings
    from matcher.evaluation.ablations.block import Cut
    from matcher.evaluation.ablations.rankers import Rankers
    from matcher.evaluation.ablations.variants import Variant
    from matcher.evaluation.blocks import Block
    from matcher.evaluation.steps import Tell
    from matcher.evaluation.truth import Truth
    from matcher.features.context import Embed

__all__ = ["ALL", "NOTHING", "SIZES", "Curve", "draw_curve", "latest_campaigns", "without_earlier"]

SIZES: Final = (10, 30, 100, 300, 1_000)
"""Past campaigns, as far as there are more."""
ALL: Final = "all campaigns"
"""Row of the model, that the others are compared with."""
NOTHING: Final = "no campaign"
"""Row of what needs no past campaign."""

_OF_RECORDS: Final = ("history", "person_history", "brand_contacts", "affinity", "conduct")
"""Families that read campaigns or collaborations of the past."""


@dataclass(frozen=True)
class Curve:
    """Scores of the judged candidates by rankers that know more and more campaigns.

    Parameters
    ----------
    frame : pandas.DataFrame
        Labels and two score columns per row of the table.
    about : mapping of str to str
        What each row is.
    notes : tuple of str
        What was left out.
    n_closed : int
        Campaigns closed before the judged ones.
    """

    frame: pd.DataFrame
    about: Mapping[str, str]
    notes: tuple[str, ...]
    n_closed: int


@dataclass(frozen=True)
class _Point:
    """Rankers of one row, and the market that they see the judged campaigns in."""

    rankers: Rankers
    seen: Other | None


def latest_campaigns(rows: TrainingRows, n: int) -> TrainingRows:
    """Training rows of the latest campaigns alone.

    Parameters
    ----------
    rows : TrainingRows
        Rows of campaigns in the order of their decisions.
    n : int
        How many of them, 1 or more.

    Returns
    -------
    TrainingRows
        The same candidates, labels and draws of these campaigns.
    """
    pairs = rows.matrix.pairs
    first = int(pairs.bounds[max(len(pairs.briefs) - n, 0)])
    kept = np.arange(first, len(pairs))
    return replace(
        rows,
        matrix=rows.matrix.select(kept),
        hired=rows.hired[kept],
        levels=rows.levels[kept],
        draws=tuple(draw[draw >= first] - first for draw in rows.draws),
    )


def without_earlier(data: MarketData, kept: Sequence[str]) -> MarketData:
    """Market whose records of campaigns begin with some of them.

    Parameters
    ----------
    data : MarketData
        Market.
    kept : sequence of str
        Campaigns by decision; the first of them is the first on record.

    Returns
    -------
    MarketData
        Without the campaigns decided before, and all that is recorded of these; posts stay.
    """
    campaigns = data.market.tables["campaigns"]
    decided = campaigns.set_index("campaign_id")["decided_at"]
    gone = decided.index[(decided <= decided[kept[0]]) & ~decided.index.isin(list(kept))]
    tables = {
        name: frame[~frame["campaign_id"].isin(gone)].reset_index(drop=True)
        if "campaign_id" in frame
        else frame
        for name, frame in data.market.tables.items()
    }
    return MarketData(replace(data.market, tables=tables))


def draw_curve(
    data: MarketData,
    block: Block,
    settings: Settings,
    *,
    model: Variant,
    truth: Truth,
    embed: Embed | None,
    tell: Tell,
) -> Curve:
    """Rankers that learn from the latest campaigns before a block, judged on the block.

    Each size is asked for twice: what more campaigns teach the rankers, while features know the
    whole past; and what it is to have no more on record, in features too.

    Parameters
    ----------
    data : MarketData
        Market.
    block : Block
        Judged campaigns.
    settings : Settings
        Settings.
    model : Variant
        The model: its columns.
    truth : Truth
        What happened.
    embed : callable or None
        ``embed(encoder, texts, role)``.
    tell : callable
        Told the task, its finished steps and all its steps.

    Returns
    -------
    Curve
        Scores.

    Raises
    ------
    SupportError
        If nothing can be learnt before the block.
    """
    n_closed = len(training_campaigns(data.market, block.trained_until))
    sizes = [size for size in SIZES if size < n_closed]
    batches = batch_campaigns(data, block.campaign_ids)
    steps = Steps(tell, "learning curve", total=2 + 2 * len(sizes) + len(batches))
    steps("features")
    cut = build_cut(data, block.trained_until, settings, embed=embed)
    steps("rankers")
    points = {ALL: _Point(cut.fit(model), None)}
    about = {
        ALL: f"the model from all {n_closed:,} campaigns closed before "
        f"{block.trained_until:%Y-%m-%d}",
        NOTHING: "nothing learnt: candidates by TF-IDF of the brief (best five posts), hires by "
        "the account's own earlier level of engagements",
    }
    notes = []
    for size in sizes:
        for name, seen in _ways(cut, size, settings):
            steps(name)
            try:
                points[name] = _Point(_fitted(cut, model, size, seen), seen)
            except SupportError as error:
                notes.append(f"{name}: left out, nothing to learn from ({error})")
    said = [f"{size:,}" for size in SIZES if size >= n_closed]
    if said:
        notes.append(
            f"learning curve over {', '.join(said)} campaigns: left out, since {n_closed:,} were "
            f"closed before {block.trained_until:%Y-%m-%d}"
        )
    parts = []
    for batch in batches:
        steps("scores")
        parts.append(_scored(cut, points, batch, truth))
    steps.finish()
    return Curve(pd.concat(parts, ignore_index=True), about, tuple(notes), n_closed)


def _ways(cut: Cut, size: int, settings: Settings) -> list[tuple[str, Other | None]]:
    """The two rows of a size, with the market that the second sees."""
    briefs = cut.rows.matrix.pairs.briefs
    short = without_earlier(cut.context.data, [one.brief_id for one in briefs[-size:]])
    families = tuple(name for name in _OF_RECORDS if name not in settings.ranker.leave_out)
    seen = Other(replace(cut.context, data=short), cut.prior, families)
    return [(f"{size:,} learnt from", None), (f"{size:,} on record", seen)]


def _fitted(cut: Cut, model: Variant, size: int, seen: Other | None) -> Rankers:
    rows = latest_campaigns(cut.rows, size)
    if seen is not None:
        rows = replace(rows, matrix=seen.of(rows.matrix))
    return cut.fit(model, rows)


def _scored(
    cut: Cut, points: Mapping[str, _Point], campaign_ids: Sequence[str], truth: Truth
) -> pd.DataFrame:
    pairs = candidate_pairs(cut.context.data, campaign_ids, cut.settings)
    labels, asked = cut.label(pairs, truth)
    matrix = cut.features(pairs)
    lexical, level = matrix.columns(["lexical_top5", "engagements_expected"]).T
    columns = {NOTHING: lexical, NOTHING + DELIVERED: level}
    for name, point in points.items():
        seen = matrix if point.seen is None else point.seen.of(matrix)
        columns |= score_columns(name, point.rankers, seen, asked)
    return pd.concat([labels, pd.DataFrame(columns)], axis=1)
