"""What is missing of each post: the traces that collecting the data leaves in a market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.market.instants import to_microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex

__all__ = ["PostGaps"]

_FIXED_COLUMNS: Final = ("text", "language", "duration_s", "is_sponsored", "sponsor_brand_id")
_COUNTER_COLUMNS: Final = ("views", "likes", "comments", "shares", "saves", "reach", "impressions")


@dataclass(frozen=True)
class PostGaps:
    """Missing cells of all posts, by post code.

    Parameters
    ----------
    fixed : numpy.ndarray of bool, shape (n_posts, 5)
        Whether a cell that never changes is missing.
    first_read : numpy.ndarray of int64, shape (n_posts,)
        When the counters were first known, in microseconds since 1970; the end of time for never.
    unread : numpy.ndarray of bool, shape (n_posts, 7)
        Whether that reading lacked a counter.
    """

    fixed: NDArray[np.bool_]
    first_read: NDArray[np.int64]
    unread: NDArray[np.bool_]

    names = tuple(f"null_{name}" for name in (*_FIXED_COLUMNS, *_COUNTER_COLUMNS))
    """Columns of `before`."""

    @classmethod
    def of(cls, index: MarketIndex) -> PostGaps:
        """Missing cells of a market's posts.

        Parameters
        ----------
        index : MarketIndex
            Market.

        Returns
        -------
        PostGaps
            All of them, whenever known.
        """
        readings = index.market.readings
        known = to_microseconds(readings["known_at"])
        posts = index.post_codes(readings["post_id"])
        # The earliest reading of each post is written last and stays.
        order = np.argsort(-known, kind="stable")
        order = order[posts[order] >= 0]
        first = np.full(len(index.posts), np.iinfo(np.int64).max)
        unread = np.ones((len(first), len(_COUNTER_COLUMNS)), dtype=bool)
        first[posts[order]] = known[order]
        unread[posts[order]] = readings[list(_COUNTER_COLUMNS)].isna().to_numpy()[order]
        return cls(index.posts[list(_FIXED_COLUMNS)].isna().to_numpy(), first, unread)

    def before(self, posts: NDArray[np.int64], instant: int) -> NDArray[np.float64]:
        """Missing cells of some posts as known strictly before an instant.

        Parameters
        ----------
        posts : numpy.ndarray of int64, shape (n,)
            Post codes.
        instant : int
            Microseconds since 1970; a post not read until then lacks every counter.

        Returns
        -------
        numpy.ndarray of float64, shape (n, 12)
            1 where a cell of `names` is missing, else 0.
        """
        unknown = self.first_read[posts] >= instant
        counters = self.unread[posts] | unknown[:, None]
        return np.hstack((self.fixed[posts], counters)).astype(np.float64)
