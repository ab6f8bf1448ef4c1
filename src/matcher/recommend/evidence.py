"""The posts of an account that lie nearest to a brief."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.features.segments import expand_ranges
from matcher.recommend.links import post_addresses
from matcher.recommend.recommendations import EVIDENCE_PARTS
from matcher.retrieval.facts import account_facts
from matcher.text.normalise import normalise_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext
    from matcher.market.brief import Brief

__all__ = [
    "EXCERPT_CHARACTERS",
    "Evidence",
    "build_evidence",
    "evidence_columns",
    "excerpt",
    "nearest_posts",
]

EXCERPT_CHARACTERS: Final = 160
"""Length of an excerpt at most."""

_POSTS_AT_ONCE: Final = 100_000
_PAIRED_AT_ONCE: Final = 5_000
_SHOWN: Final = {"id": "post_id", "url": "url", "text": "text"}


@dataclass(frozen=True)
class Evidence:
    """One post that speaks for an account.

    Parameters
    ----------
    post_id : str
        The post.
    url : str or None
        Where to look at it, see `matcher.recommend.links.post_addresses`.
    url_of : str or None
        ``post`` or ``account``: what stands at the address.
    published_at : pandas.Timestamp
        When it was published, UTC.
    similarity : float
        Cosine with the brief, -1 to 1.
    text : str
        Excerpt.
    """

    post_id: str
    url: str | None
    url_of: str | None
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
    n_close = np.zeros(len(codes), dtype=np.int64)
    best: list[NDArray[np.int64]] = []
    nearness: list[NDArray[np.float64]] = []
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
            nearest = order[first : min(last, first + n_posts)]
            best.append(posts[nearest])
            nearness.append(similarities[nearest])
    return _pieces(context, best, nearness), n_close


def _pieces(
    context: FeatureContext, best: list[NDArray[np.int64]], nearness: list[NDArray[np.float64]]
) -> list[tuple[Evidence, ...]]:
    """Evidence of each account, looked up for all accounts together."""
    if not best:
        return []
    index, posts = context.index, np.concatenate(best)
    addresses = post_addresses(index, posts)
    ids = index.posts["post_id"].iloc[posts].tolist()
    pieces = [
        Evidence(
            post_id=str(post_id),
            url=address.url,
            url_of=address.of,
            published_at=pd.Timestamp(int(index.post_published[post]), unit="us", tz="UTC"),
            similarity=float(similarity),
            text=excerpt(index.post_texts[post]),
        )
        for post, post_id, similarity, address in zip(
            posts.tolist(), ids, np.concatenate(nearness), addresses, strict=True
        )
    ]
    ends = np.cumsum([len(one) for one in best])
    return [tuple(pieces[end - len(one) : end]) for one, end in zip(best, ends, strict=True)]


def evidence_columns(evidence: Sequence[tuple[Evidence, ...]], n_posts: int) -> dict[str, Any]:
    """Evidence as columns of a list.

    Parameters
    ----------
    evidence : sequence of tuple of Evidence
        Posts of each account.
    n_posts : int
        Posts per account at most.

    Returns
    -------
    dict of str to list
        ``evidence_<number>_<part>`` for each part of `Evidence`, None where there are fewer.
    """
    columns: dict[str, Any] = {}
    for number in range(n_posts):
        pieces = [row[number] if number < len(row) else None for row in evidence]
        for part in EVIDENCE_PARTS:
            columns[f"evidence_{number + 1}_{part}"] = [
                None if piece is None else getattr(piece, part) for piece in pieces
            ]
    return columns


def nearest_posts(
    context: FeatureContext, code: int, codes: NDArray[np.int64], instant: int
) -> dict[str, list[Any]]:
    """The two posts, one of an account and one of another, that lie nearest to each other.

    Parameters
    ----------
    context : FeatureContext
        Market and encoder.
    code : int
        The account.
    codes : numpy.ndarray of int64, shape (n,)
        The others.
    instant : int
        Microseconds since 1970; posts published strictly before it count.

    Returns
    -------
    dict of str to list, length n
        ``post_similarity``, and ``id``, ``url`` and ``text`` behind ``own_post_`` and ``post_``;
        None where one of both has no post with text. The newest post of the other on a tie.
    """
    rows = context.post_embeddings
    starts, ends = context.index.posts_before(np.concatenate(([code], codes)), instant)
    ranges = [np.arange(first, last) for first, last in zip(starts, ends, strict=True)]
    with_text = [posts[rows[posts].any(axis=1)] for posts in ranges]
    own = with_text[0]
    queries = rows[own].astype(np.float64)
    pairs = [_nearest_pair(rows, own, queries, posts) for posts in with_text[1:]]
    columns: dict[str, list[Any]] = {
        "post_similarity": [None if pair is None else pair[2] for pair in pairs]
    }
    found = [pair for pair in pairs if pair is not None]
    nearness = [np.array([pair[2]]) for pair in found]
    for place, side in enumerate(("own_post", "post")):
        pieces = iter(_pieces(context, [np.array([pair[place]]) for pair in found], nearness))
        shown = [None if pair is None else next(pieces)[0] for pair in pairs]
        for part, source in _SHOWN.items():
            columns[f"{side}_{part}"] = [
                None if piece is None else getattr(piece, source) for piece in shown
            ]
    return columns


def _nearest_pair(
    rows: NDArray[np.float16],
    own: NDArray[np.int64],
    queries: NDArray[np.float64],
    posts: NDArray[np.int64],
) -> tuple[int, int, float] | None:
    best: tuple[int, int, float] | None = None
    for low in range(0, len(posts) if len(own) else 0, _PAIRED_AT_ONCE):
        # Newest first, since the first of equal cosines is taken.
        part = posts[low : low + _PAIRED_AT_ONCE][::-1]
        cosines = rows[part].astype(np.float64) @ queries.T
        row, column = np.unravel_index(int(cosines.argmax()), cosines.shape)
        if best is None or cosines[row, column] >= best[2]:
            best = int(own[column]), int(part[row]), float(cosines[row, column])
    return best
