"""Candidates of one brief with the posts that its decision may see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.market.brief import Brief

__all__ = ["BriefBlock"]


@dataclass(frozen=True)
class BriefBlock:
    """Candidates of one brief with their visible posts.

    Parameters
    ----------
    brief : Brief
        The brief.
    code : int
        Row of the brief among the pairs' briefs.
    instant : int
        Decision in microseconds since 1970.
    rows : slice
        Rows of the pairs.
    accounts : numpy.ndarray of int64, shape (n,)
        Account codes.
    posts : numpy.ndarray of int64
        Codes of the visible posts, account after account, oldest first.
    lengths : numpy.ndarray of int64, shape (n,)
        Visible posts of each account.
    starts, ends : numpy.ndarray of int64, shape (n,)
        Ranges of the posts published before the decision, the brief's own among them.
    hidden : pair of numpy.ndarray of int64
        Places of candidates and codes of their posts that belong to the brief's own campaign.
    """

    brief: Brief
    code: int
    instant: int
    rows: slice
    accounts: NDArray[np.int64]
    posts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    hidden: tuple[NDArray[np.int64], NDArray[np.int64]]

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Place among the candidates of the account of each visible post."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)
