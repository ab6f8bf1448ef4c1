"""Relevance: how close an account's posts, hashtags and bio are to the brief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.features.segments import segment_max, segment_mean, segment_top_mean
from matcher.features.spec import Family, FeatureSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.features.context import BriefBlock, FeatureContext, PairView

__all__ = ["BIO", "CONTENT", "LEXICAL", "SPONSORED_CONTENT"]

_COSINE: Final = "cosine, -1 to 1"
_POSTS: Final = "posts published before the decision; text known from publication"
_RECENT: Final = 50
_TOP: Final = 5


def _relevance(name: str, unit: str, formula: str, known: str = _POSTS) -> FeatureSpec:
    return FeatureSpec(name, unit, formula, "relevance", known, trend=1)


def _newest(block: BriefBlock, n: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Mask of the `n` newest visible posts of each candidate, and their numbers."""
    ends = np.cumsum(block.lengths)
    age = np.repeat(ends, block.lengths) - np.arange(len(block.posts))
    return np.asarray(age <= n), np.minimum(block.lengths, n)


def _asked(view: PairView) -> NDArray[np.bool_]:
    """Whether the brief of each pair says anything that the encoder can compare."""
    filled = np.asarray(view.brief_embeddings.any(axis=1), dtype=bool)
    return np.asarray(filled[view.pairs.brief_codes])


def _where_asked(
    columns: Mapping[str, NDArray[np.float64]], asked: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Likeness to a brief without content is unknown, not nothing."""
    return {name: np.where(asked, values, np.nan) for name, values in columns.items()}


def _spread(
    prefix: str, view: PairView, similar: Sequence[tuple[BriefBlock, NDArray[np.float64]]]
) -> dict[str, NDArray[np.float64]]:
    columns = {
        f"{prefix}_{what}": np.full(len(view.pairs), np.nan)
        for what in ("best", "top5", "mean", "recent_top5", "recent_mean")
    }
    for block, values in similar:
        recent, n_recent = _newest(block, _RECENT)
        columns[f"{prefix}_best"][block.rows] = segment_max(values, block.lengths)
        columns[f"{prefix}_top5"][block.rows] = segment_top_mean(values, block.lengths, _TOP)
        columns[f"{prefix}_mean"][block.rows] = segment_mean(values, block.lengths)
        columns[f"{prefix}_recent_top5"][block.rows] = segment_top_mean(
            values[recent], n_recent, _TOP
        )
        columns[f"{prefix}_recent_mean"][block.rows] = segment_mean(values[recent], n_recent)
    return columns


def _content(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    queries = view.brief_embeddings
    columns: dict[str, NDArray[np.float64]] = {}
    columns.update(_spread("content", view, view.post_similarities))
    columns["content_centroid"] = _centroid(context, view)
    tags = np.full(len(view.pairs), np.nan)
    tagged = context.hashtag_embeddings.is_filled
    for block, values in view.similarities(context.hashtag_embeddings, queries):
        chosen = tagged[block.posts]
        lengths = np.bincount(block.owners[chosen], minlength=len(block.lengths))
        tags[block.rows] = segment_top_mean(values[chosen], lengths, _TOP)
    columns["hashtags_top5"] = tags
    return _where_asked(columns, _asked(view))


def _sponsored(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    best = np.full(len(view.pairs), np.nan)
    top = np.full(len(view.pairs), np.nan)
    for block, values in view.post_similarities:
        chosen: NDArray[np.bool_] = context.index.post_is_sponsored[block.posts]
        lengths = np.bincount(block.owners[chosen], minlength=len(block.lengths))
        best[block.rows] = segment_max(values[chosen], lengths)
        top[block.rows] = segment_top_mean(values[chosen], lengths, _TOP)
    return _where_asked({"sponsored_best": best, "sponsored_top5": top}, _asked(view))


def _centroid(context: FeatureContext, view: PairView) -> NDArray[np.float64]:
    """Cosine of the brief with the sum of all visible posts."""
    result = np.full(len(view.pairs), np.nan)
    for block in view.blocks:
        sums = context.block_sums(block)
        norms = np.sqrt((sums * sums).sum(axis=1))
        query = view.brief_embeddings[block.code].astype(np.float64)
        dots = (sums * query).sum(axis=1)
        result[block.rows] = np.where(norms > 0, dots / np.where(norms > 0, norms, 1.0), np.nan)
    return result


def _bio(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    bios = context.bio_embeddings.astype(np.float64)
    queries = view.brief_embeddings.astype(np.float64)
    result = np.full(len(view.pairs), np.nan)
    written = np.asarray(np.abs(bios).max(axis=1, initial=0.0) > 0)
    for block in view.blocks:
        values = (bios[block.accounts] * queries[block.code]).sum(axis=1)
        known = written & (context.index.influencer_described_at < block.instant)
        result[block.rows] = np.where(known[block.accounts], values, np.nan)
    return _where_asked({"bio_similarity": result}, _asked(view))


def _lexical(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    queries = context.lexicon.vectors([brief.text for brief in view.pairs.briefs])
    posts = context.lexical_posts
    similar = []
    for block in view.blocks:
        product = posts[block.posts] @ queries[block.code].T
        similar.append((block, np.asarray(product.toarray()).ravel()))
    # Nor can words be compared of which the market's posts hold none.
    known = np.diff(queries.indptr) > 0
    return _where_asked(_spread("lexical", view, similar), known[view.pairs.brief_codes])


CONTENT: Final = Family(
    "content",
    (
        _relevance("content_best", _COSINE, "highest cosine of the brief with a post"),
        _relevance("content_top5", _COSINE, "mean of the five highest cosines with posts"),
        _relevance("content_mean", _COSINE, "mean cosine with all posts"),
        _relevance(
            "content_recent_top5", _COSINE, "mean of the five highest among the newest 50 posts"
        ),
        _relevance("content_recent_mean", _COSINE, "mean over the newest 50 posts"),
        _relevance("content_centroid", _COSINE, "cosine with the sum of all post embeddings"),
        _relevance("hashtags_top5", _COSINE, "as content_top5, over the posts' hashtags alone"),
    ),
    _content,
)
"""Similarities under the text encoder."""

SPONSORED_CONTENT: Final = Family(
    "sponsored_content",
    (
        _relevance("sponsored_best", _COSINE, "as content_best, over sponsored posts"),
        _relevance("sponsored_top5", _COSINE, "as content_top5, over sponsored posts"),
    ),
    _sponsored,
)
"""Similarities of sponsored posts; apart, since having any says something by itself."""

LEXICAL: Final = Family(
    "lexical",
    tuple(
        _relevance(f"lexical_{what}", "cosine, 0 to 1", f"{text} of TF-IDF rows")
        for what, text in (
            ("best", "highest cosine with a post"),
            ("top5", "mean of the five highest cosines"),
            ("mean", "mean cosine with all posts"),
            ("recent_top5", "mean of the five highest cosines among the newest 50 posts"),
            ("recent_mean", "mean cosine with the newest 50 posts"),
        )
    ),
    _lexical,
)
"""Similarities of words."""

BIO: Final = Family(
    "bio",
    (
        _relevance(
            "bio_similarity",
            _COSINE,
            "cosine of the brief with the account's bio",
            "`influencers.bio`, timeless by assumption where undated",
        ),
    ),
    _bio,
)
"""Similarity of the bio."""
