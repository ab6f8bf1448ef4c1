"""The accounts nearest to a brief in content, and what retrieval hands to the ranker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.retrieval.centroids import BLOCK_SIZE, AccountCentroids
from matcher.retrieval.eligibility import RIVAL_DAYS, Eligible, select_eligible
from matcher.retrieval.facts import account_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.config import RetrievalSettings
    from matcher.features.context import FeatureContext
    from matcher.market.brief import Brief

__all__ = [
    "AccountCentroids",
    "Candidates",
    "RetrievalLoss",
    "nearest_accounts",
    "retrieval_loss",
    "retrieve",
]


def _by_similarity(
    codes: NDArray[np.int64], similarities: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Order from nearest to farthest, unknown last, ties by account id (codes follow ids)."""
    return np.lexsort((codes, -np.nan_to_num(similarities, nan=-np.inf)))


def nearest_accounts(
    context: FeatureContext,
    brief_embedding: NDArray[np.float16],
    eligible_codes: NDArray[np.int64],
    instant: int,
    n: int,
    *,
    block_size: int = BLOCK_SIZE,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Accounts whose earlier posts point most nearly the way of a brief, by exact cosine.

    Parameters
    ----------
    context : FeatureContext
        Market and encoder.
    brief_embedding : numpy.ndarray of float16, shape (dim,)
        Unit vector.
    eligible_codes : numpy.ndarray of int64
        Accounts to choose from.
    instant : int
        Microseconds since 1970; only posts published strictly before it count.
    n : int
        Accounts to return at most.
    block_size : int
        Accounts held as float64 at a time; it does not change the result.

    Returns
    -------
    codes : numpy.ndarray of int64
        Nearest first, ties by account id; accounts without text come last.
    similarities : numpy.ndarray of float64
        Their cosines, NaN without text.
    """
    centroids = AccountCentroids(context, instant, block_size)
    similarities = centroids.similarities(brief_embedding, eligible_codes)
    order = _by_similarity(eligible_codes, similarities)[:n]
    return eligible_codes[order], similarities[order]


@dataclass(frozen=True)
class Candidates:
    """Accounts that retrieval hands to the ranker for one brief.

    Parameters
    ----------
    brief_id : str
        The brief.
    instant : int
        Decision in microseconds since 1970.
    codes : numpy.ndarray of int64, shape (n,)
        Account codes, rising.
    account_ids : numpy.ndarray of object, shape (n,)
        Their ids, rising.
    retrieval_score : numpy.ndarray of float64, shape (n,)
        Cosine of the brief with the account's earlier posts; NaN without text.
    retrieval_rank : numpy.ndarray of int64, shape (n,)
        1 for the nearest; ties by account id.
    eligible : Eligible
        Accounts that passed the hard rules, with counts of the others.
    n_from_history : int
        Candidates that stand here for their history with the brand or its category, not for their
        content alone.
    """

    brief_id: str
    instant: int
    codes: NDArray[np.int64]
    account_ids: NDArray[np.object_]
    retrieval_score: NDArray[np.float64]
    retrieval_rank: NDArray[np.int64]
    eligible: Eligible
    n_from_history: int = 0

    def __post_init__(self) -> None:
        """Check lengths, uniqueness, ranks, and that every candidate is eligible."""
        n = len(self.codes)
        lengths = (len(self.account_ids), len(self.retrieval_score), len(self.retrieval_rank))
        if any(length != n for length in lengths):
            raise DataError(
                f"candidates of {self.brief_id}: {n} codes but columns of {lengths} values"
            )
        if n > 1 and (np.diff(self.codes) <= 0).any():
            raise DataError(f"candidates of {self.brief_id}: account codes must rise, each once")
        if not np.array_equal(np.sort(self.retrieval_rank), np.arange(1, n + 1)):
            raise DataError(f"candidates of {self.brief_id}: ranks are not 1 to {n}")
        strangers = ~np.isin(self.codes, self.eligible.accounts)
        if strangers.any():
            first = self.account_ids[strangers][:5].tolist()
            raise DataError(
                f"candidates of {self.brief_id}: {int(strangers.sum())} are not eligible, the "
                f"first {first}; choose from `eligible.accounts`"
            )

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def removed(self) -> Mapping[str, int]:
        """Accounts that each hard rule removed, in order."""
        return self.eligible.removed

    @property
    def n_eligible(self) -> int:
        """Accounts that passed the hard rules."""
        return len(self.eligible)

    def frame(self) -> pd.DataFrame:
        """Columns ``brief_id, account_id, retrieval_score, retrieval_rank``, by account id."""
        return pd.DataFrame(
            {
                "brief_id": pd.Series([self.brief_id] * len(self), dtype="str"),
                "account_id": pd.Series(self.account_ids, dtype="str"),
                "retrieval_score": self.retrieval_score,
                "retrieval_rank": self.retrieval_rank,
            }
        )


def retrieve(
    context: FeatureContext,
    brief: Brief,
    instant: int,
    settings: RetrievalSettings,
    *,
    use_history: bool = True,
    rival_days: float = RIVAL_DAYS,
    centroids: AccountCentroids | None = None,
    cosines: NDArray[np.float64] | None = None,
) -> Candidates:
    """Candidates of a brief: all eligible accounts, or the most promising of them.

    When more than ``n_candidates`` are eligible, accounts that the brand or another of its
    category hired or sponsored before fill up to half of the places, the nearest of them first;
    the accounts nearest in content fill the others.

    Parameters
    ----------
    context : FeatureContext
        Market and encoder.
    brief : Brief
        Brief.
    instant : int
        Decision in microseconds since 1970; only what was known strictly before it counts.
    settings : RetrievalSettings
        ``n_candidates`` and ``min_posts``.
    use_history : bool, default True
        Whether earlier hires and sponsored posts count.
    rival_days : float, default 90
        As in `select_eligible`.
    centroids : AccountCentroids, optional
        Centroids as of the same instant, shared by several briefs.
    cosines : numpy.ndarray of float64, shape (n_accounts,), optional
        The brief's row of ``centroids.of_all``.

    Returns
    -------
    Candidates
        At most ``n_candidates`` accounts, more only where `must_have` names more.

    Raises
    ------
    DataError
        If the centroids are of another instant, or a price cannot be converted.
    """
    if centroids is None:
        centroids = AccountCentroids(context, instant)
    if centroids.instant != instant:
        raise DataError(
            f"retrieve: centroids as of {centroids.instant} given for a brief seen from {instant}"
        )
    eligible = select_eligible(
        context.data,
        brief,
        instant,
        min_posts=settings.min_posts,
        use_history=use_history,
        rival_days=rival_days,
    )
    facts = account_facts(context.data)
    codes = eligible.accounts
    scores = centroids.similarities(
        context.embed_briefs([brief])[0],
        codes,
        hidden_posts=facts.own_posts(brief, instant),
        known=cosines,
    )
    order = _by_similarity(codes, scores)
    n_from_history = 0
    if len(codes) > settings.n_candidates:
        favoured = np.zeros(len(codes), dtype=bool)
        if use_history:
            favoured = facts.dealt_with(brief, instant)[codes]
        fixed = np.asarray(context.index.account_ids[codes].isin(list(brief.must_have)))
        order, n_from_history = _fill(order, fixed, favoured & ~fixed, settings.n_candidates)
    rank = np.argsort(order, kind="stable").astype(np.int64) + 1
    kept = np.sort(order)
    return Candidates(
        brief_id=brief.brief_id,
        instant=instant,
        codes=codes[kept],
        account_ids=context.index.account_ids.to_numpy(object)[codes[kept]],
        retrieval_score=scores[kept],
        retrieval_rank=rank,
        eligible=eligible,
        n_from_history=n_from_history,
    )


def _fill(
    order: NDArray[np.int64], fixed: NDArray[np.bool_], favoured: NDArray[np.bool_], n: int
) -> tuple[NDArray[np.int64], int]:
    """First `n` of an order with all fixed ones, half of the places open to the favoured."""
    must_have = order[fixed[order]]
    n_reserved = max(0, (n + 1) // 2 - len(must_have))
    reserved = np.concatenate([must_have, order[favoured[order]][:n_reserved]])
    nearest = order[~np.isin(order, reserved)][: max(0, n - len(reserved))]
    chosen = order[np.isin(order, np.concatenate([reserved, nearest]))]
    return chosen, int((favoured[chosen] & ~np.isin(chosen, order[:n])).sum())


@dataclass(frozen=True)
class RetrievalLoss:
    """What retrieval kept from the list that scoring every eligible account would give.

    Parameters
    ----------
    n_top : int
        Length of the exhaustive list.
    n_lost : int
        Accounts of it that are no candidates.
    first_lost_rank : int or None
        Best exhaustive rank among the lost, None without loss.
    """

    n_top: int
    n_lost: int
    first_lost_rank: int | None

    @property
    def share_kept(self) -> float:
        """Kept part of the exhaustive list; NaN for an empty one."""
        return 1.0 - self.n_lost / self.n_top if self.n_top else float("nan")


def retrieval_loss(
    candidates: Candidates,
    account_ids: Sequence[str],
    scores: Sequence[float],
    *,
    top_k: int,
) -> RetrievalLoss:
    """Loss of a brief's candidates against exhaustive scoring.

    Parameters
    ----------
    candidates : Candidates
        What retrieval kept.
    account_ids : sequence of str, length n
        Every eligible account.
    scores : sequence of float, length n
        The ranker's score of each, all eligible accounts scored together.
    top_k : int
        Length of the list that matters.

    Returns
    -------
    RetrievalLoss
        How much of the exhaustive top list is lost.
    """
    ids = np.asarray(account_ids, dtype=object)
    order = np.lexsort((ids.astype(str), -np.asarray(scores, dtype=np.float64)))[:top_k]
    lost = np.flatnonzero(~np.isin(ids[order], candidates.account_ids))
    first = int(lost[0]) + 1 if len(lost) else None
    return RetrievalLoss(n_top=len(order), n_lost=len(lost), first_lost_rank=first)
