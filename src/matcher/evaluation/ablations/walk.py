"""A walk over blocks of campaigns: all variants, and the model on distorted campaigns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from matcher.errors import SupportError
from matcher.evaluation.ablations.block import build_cut, fit_block
from matcher.evaluation.ablations.distorted import FRAUD, Distorter
from matcher.evaluation.ablations.distortions import BRIEFS
from matcher.evaluation.ablations.rankers import score_columns
from matcher.evaluation.comparison import MODEL
from matcher.evaluation.protocol import batch_campaigns
from matcher.ranking.fit import candidate_pairs, fit_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matcher.config import Settings
    from matcher.evaluation.ablations.block import FittedBlock
    from matcher.evaluation.ablations.variants import Variant
    from matcher.evaluation.blocks import Block
    from matcher.evaluation.truth import Truth
    from matcher.features.context import Embed, MarketData
    from matcher.features.pairs import Pairs
    from matcher.text.encoder import Encoder

__all__ = ["Job", "Walk", "walk_blocks"]


@dataclass
class Walk:
    """What a walk over the blocks gathers.

    Parameters
    ----------
    parts : list of pandas.DataFrame
        Labels and scores of all candidates, by batch of campaigns.
    used : set of str
        Columns that any variant learnt from in any block.
    told : dict of str to set of str
        Campaigns that each distortion touches.
    blocks : list of dict
        What each block was fitted on.
    skipped : dict of str to str
        Reason by campaign that is not judged.
    """

    parts: list[pd.DataFrame] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    told: dict[str, set[str]] = field(default_factory=dict)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What every block is asked for.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings.
    variants : tuple of Variant
        Variants, the model first.
    strict : MarketData or None
        The market without undated columns, if a variant asks for it.
    rewritten : mapping of str to MarketData
        The market with creators who write otherwise, by name of the row.
    truth : Truth
        What happened.
    embed : callable or None
        ``embed(encoder, texts, role)``.
    """

    data: MarketData
    settings: Settings
    variants: tuple[Variant, ...]
    strict: MarketData | None
    rewritten: Mapping[str, MarketData]
    truth: Truth
    embed: Embed | None

    @property
    def n_distorted(self) -> int:
        """Distortions of each judged campaign."""
        return len(BRIEFS) + len(self.rewritten) + 1

    def n_steps(self, blocks: Sequence[Block]) -> int:
        """Steps of a walk over blocks.

        Parameters
        ----------
        blocks : sequence of Block
            Blocks.

        Returns
        -------
        int
            How often a step is told at most.
        """
        n_batches = sum(len(batch_campaigns(self.data, one.campaign_ids)) for one in blocks)
        return len(blocks) * (3 + len(self.variants)) + n_batches * (1 + self.n_distorted)

    def judge(self, block: Block, encoder: Encoder, walk: Walk, step: Callable[[], None]) -> None:
        """Fit all variants before a block and score its campaigns.

        Parameters
        ----------
        block : Block
            Block.
        encoder : Encoder
            Encoder fitted before it.
        walk : Walk
            What is gathered.
        step : callable
            Called as each step begins.

        Raises
        ------
        SupportError
            If nothing can be learnt before the block; nothing is gathered then.
        """
        step()
        cut = build_cut(
            self.data, block.trained_until, self.settings, encoder=encoder, embed=self.embed
        )
        fitted = fit_block(cut, self.variants, block.campaign_ids, strict=self.strict, step=step)
        parts = [
            self._scored(fitted, candidate_pairs(self.data, batch, self.settings), walk, step)
            for batch in batch_campaigns(self.data, block.campaign_ids)
        ]
        # Only now, since a block that cannot be fitted leaves nothing behind.
        walk.parts += parts
        for _, rankers in fitted.variants.values():
            walk.used.update(rankers.names)
        walk.blocks.append(
            {
                "trained_until": str(block.trained_until),
                "n_campaigns": len(cut.rows.matrix.pairs.briefs),
                "n_hired": int(cut.rows.hired.sum()),
                "n_judged": len(block.campaign_ids),
            }
        )

    def _scored(
        self, fitted: FittedBlock, pairs: Pairs, walk: Walk, step: Callable[[], None]
    ) -> pd.DataFrame:
        """Labels and scores of all candidates of some campaigns, as they are and distorted."""
        step()
        cut = fitted.cut
        labels, asked = cut.label(pairs, self.truth)
        matrix = cut.features(pairs)
        columns = fitted.score(matrix, asked)
        _, rankers = fitted.variants[MODEL]
        distorter = Distorter(
            cut.context,
            cut.prior,
            self.settings.ranker.leave_out,
            self.settings.evaluation.seed,
        )
        everyone = frozenset(brief.brief_id for brief in pairs.briefs)
        for change in BRIEFS:
            step()
            seen, told = distorter.retold(matrix, change)
            columns |= score_columns(change.name, rankers, seen, asked)
            walk.told.setdefault(change.name, set()).update(told)
        for name, data in self.rewritten.items():
            step()
            seen = distorter.rewritten(matrix, data)
            columns |= score_columns(name, rankers, seen, asked)
            walk.told.setdefault(name, set()).update(everyone)
        step()
        seen, told = distorter.inflated(matrix)
        columns |= score_columns(FRAUD, rankers, seen, asked)
        walk.told.setdefault(FRAUD, set()).update(told)
        return pd.concat([labels, pd.DataFrame(columns)], axis=1)


def walk_blocks(
    job: Job, blocks: Sequence[Block], skipped: Mapping[str, str], step: Callable[[], None]
) -> Walk:
    """Judge block after block.

    Parameters
    ----------
    job : Job
        What every block is asked for.
    blocks : sequence of Block
        Blocks by time.
    skipped : mapping of str to str
        Reason by campaign that stands in no block.
    step : callable
        Called as each step begins.

    Returns
    -------
    Walk
        What was gathered; a block that cannot be fitted is among what was skipped.
    """
    walk = Walk(skipped=dict(skipped))
    encoders: dict[pd.Timestamp, Encoder] = {}
    for block in blocks:
        step()
        keep = job.settings.evaluation.keep_encoder
        first = blocks[0].trained_until if keep else block.trained_until
        if first not in encoders:
            encoders = {first: fit_encoder(job.data, first, job.settings)}
        try:
            job.judge(block, encoders[first], walk, step)
        except SupportError as error:
            reason = f"nothing to train on ({error})"
            walk.skipped |= dict.fromkeys(block.campaign_ids, reason)
    return walk
