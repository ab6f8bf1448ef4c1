"""Cosines of briefs with the posts of their candidates, many briefs at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from matcher.features.blocks import BriefBlock
    from matcher.features.lazy import SharedRows

__all__ = ["block_similarities"]

_ROWS_AT_ONCE: Final = 100_000
"""Embeddings that are held as float64 at a time."""
_POSTS_AT_ONCE: Final = 1_000_000
"""Posts of the briefs that are multiplied together."""
_BRIEFS_AT_ONCE: Final = 32


def block_similarities(
    blocks: Sequence[BriefBlock],
    matrix: NDArray[np.float16] | SharedRows,
    queries: NDArray[np.float16],
) -> Iterator[tuple[BriefBlock, NDArray[np.float64]]]:
    """Cosine of each brief with the visible posts of its candidates.

    Products of float16 numbers are exact in float64 and so are their sums here, so a cosine does
    not depend on which posts are multiplied together. A row that several posts share is multiplied
    once.

    Parameters
    ----------
    blocks : sequence of BriefBlock
        Briefs with their candidates.
    matrix : numpy.ndarray of float16, shape (n_posts, dim), or SharedRows
        Unit rows by post code.
    queries : numpy.ndarray of float16, shape (n_briefs, dim)
        Unit rows by brief.

    Yields
    ------
    block : BriefBlock
        A brief with its candidates.
    values : numpy.ndarray of float64
        One cosine per entry of ``block.posts``.
    """
    rows, codes = (matrix, None) if isinstance(matrix, np.ndarray) else matrix.parts
    place = np.empty(len(rows), dtype=np.int64)
    for group in _groups(blocks):
        held = [block.posts if codes is None else codes[block.posts] for block in group]
        is_held = np.zeros(len(rows), dtype=bool)
        for places in held:
            is_held[places] = True
        chosen = np.flatnonzero(is_held)
        place[chosen] = np.arange(len(chosen))
        wanted = queries[[block.code for block in group]].astype(np.float64)
        product = np.empty((len(chosen), len(group)))
        for low in range(0, len(chosen), _ROWS_AT_ONCE):
            part = chosen[low : low + _ROWS_AT_ONCE]
            product[low : low + len(part)] = rows[part].astype(np.float64) @ wanted.T
        for column, (block, places) in enumerate(zip(group, held, strict=True)):
            yield block, product[place[places], column]


def _groups(blocks: Sequence[BriefBlock]) -> Iterator[list[BriefBlock]]:
    group: list[BriefBlock] = []
    load = 0
    for block in blocks:
        if group and (load + len(block.posts) > _POSTS_AT_ONCE or len(group) == _BRIEFS_AT_ONCE):
            yield group
            group, load = [], 0
        group.append(block)
        load += len(block.posts)
    if group:
        yield group
