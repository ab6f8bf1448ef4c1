"""The posts of an account that lie nearest to a brief."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.features.segments import expand_ranges
from matcher.retrieval.facts import account_facts
from matcher.text.normalise import normalise_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext
    from matcher.market.brief import Brief

__all__ = ["EXCERPT_CHARACTERS", "Evidence", "build_evidence", "excerpt"]

EXCERPT_CHARACTERS: Final = 160
"""Length of an excerpt at most."""

_POSTS_AT_ONCE: Final = 100_000
_URL_COLUMNS: Final = ("url", "post_url", "permalink")
"""Further columns of `posts` in which exports keep the address of a post."""


@dataclass(frozen=True)
class Evidence:
    """One post that speaks for an account.

    Parameters
    ----------
    post_id : str
        The post.
    url : str or None
        Its address, where the market holds one.
    published_at : pandas.Timestamp
        When it was published, UTC.
    similarity : float
        Cosine with the brief, -1 to 1.
    text : str
        Excerpt.
    """

    post_id: str
    url: str | None
    published_at: pd.Timestamp
    similarity: float
    text: str


def excerpt(text: str) -> str:
    """Beginning of a text on one line, without control characters.

    Parameters
    ----------
    text : str
        Text of a post.

    Returns
    -------
    str
        At most 160 characters; a cut is marked by an ellipsis.
    """
    # Ten times the length is enough for what normalising takes away, and spares huge captions.
    line = normalise_text(text[: 10 * EXCERPT_CHARACTERS])
    if len(line) <= EXCERPT_CHARACTERS:
        return line
    return line[: EXCERPT_CHARACTERS - 1].rstrip() + "…"


def build_evidence(
    context: FeatureContext,
    brief: Brief,
    codes: NDArray[np.int64],
    instant: int,
    *,
    close: float,
    n_posts: int = 3,
) -> tuple[list[tuple[Evidence, ...]], NDArray[np.int64]]:
    """Posts nearest to a brief of each account, published strictly before an instant.

    Parameters
    ----------
    context : FeatureContext
        Market and encoder.
    brief : Brief
        Brief, whose own campaign posts are left out.
    codes : numpy.ndarray of int64, shape (n,)
        Account codes.
    instant : int
        Microseconds since 1970.
    close : float
        Cosine from which a post counts as close to the brief.
    n_posts : int, default 3
        Posts per account at most.

    Returns
    -------
    evidence : list of tuple of Evidence, length n
        Nearest first, the older one on a tie; posts without text do not count.
    n_close : numpy.ndarray of int64, shape (n,)
        Close posts of each account.
    """
    index = context.index
    query = context.embed_briefs([brief])[0].astype(np.float64)
    if not query.any():
        # A brief without content is near to no post.
        return [() for _ in codes], np.zeros(len(codes), dtype=np.int64)
    own = account_facts(context.data).own_posts(brief, instant)
    starts, ends = index.posts_before(codes, instant)
    found: list[tuple[Evidence, ...]] = []
    n_close = np.zeros(len(codes), dtype=np.int64)
    urls = _urls(context)
    n_parts = 1 + int((ends - starts).sum()) // _POSTS_AT_ONCE
    for part in np.array_split(np.arange(len(codes)), n_parts):
        posts = expand_ranges(starts[part], ends[part])
        owners = np.repeat(np.arange(len(part)), (ends - starts)[part])
        rows = context.post_embeddings[posts]
        seen = rows.any(axis=1) & ~np.isin(posts, own)
        posts, owners = posts[seen], owners[seen]
        similarities = rows[seen].astype(np.float64) @ query
        n_close[part] = np.bincount(owners[similarities >= close], minlength=len(part))
        order = np.lexsort((posts, -similarities, owners))
        bounds = np.searchsorted(owners[order], np.arange(len(part) + 1))
        for first, last in pairwise(bounds):
            best = order[first : min(last, first + n_posts)]
            found.append(
                tuple(
                    _piece(context, urls, int(posts[row]), float(similarities[row])) for row in best
                )
            )
    return found, n_close


def _urls(context: FeatureContext) -> NDArray[np.object_] | None:
    table = context.index.posts
    return next((table[name].to_numpy(object) for name in _URL_COLUMNS if name in table), None)


def _piece(
    context: FeatureContext, urls: NDArray[np.object_] | None, post: int, similarity: float
) -> Evidence:
    url = None if urls is None else urls[post]
    published = pd.Timestamp(int(context.index.post_published[post]), unit="us", tz="UTC")
    return Evidence(
        post_id=str(context.index.posts["post_id"].iloc[post]),
        url=url if isinstance(url, str) and url else None,
        published_at=published,
        similarity=similarity,
        text=excerpt(context.index.post_texts[post]),
    )
