"""All that a run says of one brief: its list, the pool behind it, and what was noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matcher.recommend.batches import score_batch
from matcher.recommend.exposure import hold_to_floor
from matcher.recommend.outcomes import TOTAL_COLUMNS, expect_outcomes
from matcher.recommend.pools import (
    describe_brief,
    describe_pool,
    describe_strangers,
    describe_unknown_words,
)
from matcher.recommend.precedents import build_similar_campaigns
from matcher.recommend.rows import build_rows, choose
from matcher.recommend.unfinished import BriefList

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matcher.market.brief import Brief
    from matcher.recommend.rows import Job
    from matcher.retrieval.nearest import Candidates

__all__ = ["build_lists"]


def build_lists(
    job: Job, batch: list[tuple[Brief, Candidates]]
) -> Iterator[tuple[Brief, BriefList]]:
    """Lists of the briefs of a batch.

    Parameters
    ----------
    job : Job
        What all briefs share.
    batch : list of tuple of Brief and Candidates
        What `matcher.recommend.batches.batches` gave.

    Yields
    ------
    tuple of Brief and BriefList
        One per brief, in order.
    """
    scored = {ranked.brief.brief_id: ranked for ranked in score_batch(job, batch)}
    for brief, candidates in batch:
        rows, log, n_rows = None, None, 0
        facts: dict[str, Any] = dict.fromkeys(("order", *TOTAL_COLUMNS))
        said: list[str] = []
        if brief.brief_id in scored:
            ranked = scored[brief.brief_id]
            chosen, log = choose(job, ranked)
            if ranked.order_note is not None:
                said.append(ranked.order_note)
            if job.exposure is not None:
                chosen, held, note = hold_to_floor(job, ranked, chosen, job.exposure)
                facts |= held
                said.append(note)
            facts["order"] = ranked.order
            rows, n_rows = build_rows(job, ranked, chosen), len(chosen)
            first = chosen[: brief.n_creators]
            facts |= expect_outcomes(job.model, ranked.matrix, brief, first).total(brief)
        notes = (
            *describe_strangers(job.data.market, brief),
            *describe_unknown_words(job.model, brief),
            *describe_brief(brief, candidates, n_rows, job.top_k),
            *said,
        )
        similar = build_similar_campaigns(
            job.context, brief, candidates.instant, language=job.language
        )
        pool = describe_pool(candidates, n_rows) | facts | similar
        yield brief, BriefList(rows, pool, notes, log)
