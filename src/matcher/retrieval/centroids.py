"""Where each account's earlier posts point, and how near that is to briefs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext

__all__ = ["BLOCK_SIZE", "AccountCentroids"]

BLOCK_SIZE: Final = 16_384
"""Accounts whose embeddings are held as float64 at a time."""


def _unit_rows(sums: NDArray[np.float64]) -> NDArray[np.float16]:
    norms = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    return (sums / np.where(norms > 0, norms, 1.0)).astype(np.float16)


@dataclass(frozen=True)
class AccountCentroids:
    """Mean direction of what each account had posted before an instant.

    Directions are held as float16: products of float16 numbers and their sums are exact in
    float64, so that a cosine does not depend on what else is multiplied in the same block.

    Parameters
    ----------
    context : FeatureContext
        Market and encoder.
    instant : int
        Microseconds since 1970; posts published strictly before it count.
    block_size : int
        Accounts held as float64 at a time.
    """

    context: FeatureContext
    instant: int
    block_size: int = BLOCK_SIZE

    @cached_property
    def rows(self) -> NDArray[np.float16]:
        """Unit rows by account code, (n_accounts, dim); zero without a post that has text."""
        n_accounts = len(self.context.index.account_ids)
        rows = np.zeros((n_accounts, self.context.encoder.identity.dim), dtype=np.float16)
        for low in range(0, n_accounts, self.block_size):
            codes = np.arange(low, min(low + self.block_size, n_accounts))
            rows[codes] = _unit_rows(self.context.account_sums(codes, self.instant))
        return rows

    def of_all(self, brief_embeddings: NDArray[np.float16]) -> NDArray[np.float64]:
        """Cosines of briefs with the centroids of all accounts, computed together.

        Parameters
        ----------
        brief_embeddings : numpy.ndarray of float16, shape (n_briefs, dim)
            Unit vectors, or zeros for a brief without text.

        Returns
        -------
        numpy.ndarray of float64, shape (n_briefs, n_accounts)
            Cosines, -1 to 1; NaN for an account without a post that has text.
        """
        queries = brief_embeddings.astype(np.float64).T
        found = np.empty((queries.shape[1], len(self.rows)))
        for low in range(0, len(self.rows), self.block_size):
            rows = self.rows[low : low + self.block_size]
            found[:, low : low + len(rows)] = _cosines(rows, queries).T
        return found

    def similarities(
        self,
        brief_embedding: NDArray[np.float16],
        codes: NDArray[np.int64],
        *,
        hidden_posts: NDArray[np.int64] | None = None,
        known: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Cosine of a brief with the centroids of accounts.

        Parameters
        ----------
        brief_embedding : numpy.ndarray of float16, shape (dim,)
            Unit vector, or zeros for a brief without text.
        codes : numpy.ndarray of int64, shape (n,)
            Account codes, each once.
        hidden_posts : numpy.ndarray of int64, optional
            Posts before the instant that the brief may not see, those of its own campaign.
        known : numpy.ndarray of float64, shape (n_accounts,), optional
            The brief's row of `of_all`.

        Returns
        -------
        numpy.ndarray of float64, shape (n,)
            Cosines, -1 to 1; NaN for an account without a visible post that has text.
        """
        query = brief_embedding.astype(np.float64)
        if known is None:
            known = self.of_all(brief_embedding[None])[0]
        found = known[codes]
        if hidden_posts is not None and len(hidden_posts):
            owners = self.context.index.post_account[hidden_posts]
            touched, place = np.unique(owners, return_inverse=True)
            sums = self.context.account_sums(touched, self.instant)
            hidden = self.context.post_embeddings[hidden_posts].astype(np.float64)
            np.subtract.at(sums, place, hidden)
            corrected = pd.Series(_cosines(_unit_rows(sums), query), index=touched)
            mine = np.isin(codes, touched)
            found[mine] = corrected.reindex(codes[mine]).to_numpy(np.float64)
        return found


def _cosines(rows: NDArray[np.float16], query: NDArray[np.float64]) -> NDArray[np.float64]:
    found = rows.astype(np.float64) @ query
    found[~rows.any(axis=1)] = np.nan
    return np.asarray(found)
