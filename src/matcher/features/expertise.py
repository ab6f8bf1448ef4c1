"""Expertise: how much of an account's work is in the brief's category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.features.segments import segment_mean
from matcher.features.spec import Family, FeatureSpec
from matcher.market.taxonomy import read_taxonomy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.features.context import BriefBlock, FeatureContext, PairView

__all__ = ["EXPERTISE", "brief_category", "inferred_categories"]

_POSTS: Final = "posts published before the decision"
_RECENT: Final = 50


def brief_category(context: FeatureContext, block: BriefBlock) -> str | None:
    """Category of a brief: its own, else that of its brand.

    Parameters
    ----------
    context : FeatureContext
        Market.
    block : BriefBlock
        Brief.

    Returns
    -------
    str or None
        Taxonomy id; None where nobody says.
    """
    if block.brief.brand_category:
        return block.brief.brand_category
    brands = context.index.brands
    place = context.index.brand_ids.get_indexer(pd.Index([block.brief.brand_id]))[0]
    if place < 0 or context.index.brand_described_at[place] >= block.instant:
        return None
    found = brands["category"].iloc[place]
    return found if isinstance(found, str) else None


def inferred_categories(context: FeatureContext, block: BriefBlock) -> NDArray[np.int64]:
    """Category most posts of each candidate fall into, as of the decision.

    Parameters
    ----------
    context : FeatureContext
        Market.
    block : BriefBlock
        Candidates.

    Returns
    -------
    numpy.ndarray of int64, shape (n_candidates,)
        Codes of ``read_taxonomy().ids``, the first on a tie; -1 without a categorised post.
    """
    n_categories = len(read_taxonomy().ids)
    categories = context.data.texts.post_category[block.posts]
    known = categories >= 0
    keys = block.owners[known] * n_categories + categories[known]
    counts = np.bincount(keys, minlength=len(block.lengths) * n_categories)
    table = counts.reshape(len(block.lengths), n_categories)
    return np.where(table.max(axis=1, initial=0) > 0, table.argmax(axis=1), -1)


def _expertise(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    taxonomy = read_taxonomy()
    names = [spec.name for spec in EXPERTISE.specs]
    columns = {name: np.full(len(view.pairs), np.nan) for name in names}
    declared = context.index.influencers["categories"].to_numpy(object)
    for block in view.blocks:
        category = brief_category(context, block)
        if category is None or category not in taxonomy.ids:
            continue
        code = taxonomy.ids.index(category)
        near = np.array([taxonomy.related(category, other) for other in taxonomy.ids])
        of_post = context.data.texts.post_category[block.posts]
        inside = (of_post == code).astype(np.float64)
        related = ((of_post >= 0) & near[of_post]).astype(np.float64)
        ends = np.repeat(np.cumsum(block.lengths), block.lengths)
        recent = ends - np.arange(len(of_post)) <= _RECENT
        rows = block.rows
        columns["category_share"][rows] = segment_mean(inside, block.lengths)
        columns["category_share_recent"][rows] = segment_mean(
            inside[recent], np.minimum(block.lengths, _RECENT)
        )
        columns["category_share_related"][rows] = segment_mean(related, block.lengths)
        columns["category_depth"][rows] = np.log1p(
            np.bincount(block.owners, weights=inside, minlength=len(block.lengths))
        )
        read_at = context.index.influencer_described_at[block.accounts]
        columns["category_declared"][rows] = [
            float(category in given) if given and moment < block.instant else np.nan
            for given, moment in zip(declared[block.accounts], read_at, strict=True)
        ]
    return columns


def _spec(name: str, unit: str, formula: str, known: str = _POSTS) -> FeatureSpec:
    return FeatureSpec(name, unit, formula, "expertise", known, trend=1)


EXPERTISE: Final = Family(
    "expertise",
    (
        _spec("category_share", "share, 0 to 1", "posts whose category is the brief's / posts"),
        _spec("category_share_recent", "share, 0 to 1", "the same among the newest 50 posts"),
        _spec("category_share_related", "share, 0 to 1", "posts of the category, its parent or "
              "its children / posts"),
        _spec("category_depth", "ln(1 + count)", "posts whose category is the brief's"),
        _spec("category_declared", "0 or 1", "the brief's category is among the declared ones",
              "`influencers.categories`, timeless by assumption where undated"),
    ),
    _expertise,
)  # fmt: skip
"""Share and depth of posts in the brief's category."""
