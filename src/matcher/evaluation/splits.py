"""Which campaigns are evaluated, and until when what scores them may have been trained."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matcher.errors import DataError
from matcher.evaluation.blocks import Block, BrandBlock, BrandSplit, WalkForward
from matcher.evaluation.ranked import IntArray

__all__ = [
    "NOT_DECIDED",
    "NO_HIRED",
    "TOO_FEW_EARLIER",
    "WARMTHS",
    "Block",
    "BrandBlock",
    "BrandSplit",
    "WalkForward",
    "assign_folds",
    "assign_warmth",
    "brand_fold_blocks",
    "walk_forward_blocks",
]

WARMTHS = ("hot", "warm", "cold")
NOT_DECIDED = "no decision yet"
NO_HIRED = "no hired candidate"
TOO_FEW_EARLIER = "too few hired candidates in earlier campaigns"


def walk_forward_blocks(
    campaigns: pd.DataFrame,
    n_hired_candidates: pd.Series,
    *,
    n_blocks: int,
    min_earlier_hired: int,
) -> WalkForward:
    """Cut the campaigns that can be evaluated into blocks of time.

    A campaign is evaluated when it has a hired candidate and at least `min_earlier_hired` hired
    candidates belong to campaigns decided strictly earlier. Evaluated campaigns are cut into
    contiguous blocks of near-equal number; campaigns decided at one instant stay together, so
    that there may be fewer blocks than asked for.

    Parameters
    ----------
    campaigns : pandas.DataFrame
        Columns `campaign_id`, `decided_at` (UTC; missing when open), one row per campaign, in
        any order. With a column `closed_at`, a campaign counts as earlier once it was closed
        (its outcomes known), not once it was decided.
    n_hired_candidates : pandas.Series
        Hired candidates by campaign id; a campaign that is not named has none.
    n_blocks : int
        Blocks asked for, 1 or more; in each, everything is refitted once.
    min_earlier_hired : int
        Hired candidates that must come earlier, so that there is something to learn from.

    Returns
    -------
    WalkForward
        Blocks by time and skipped campaigns with reasons.

    Raises
    ------
    DataError
        If a column is missing, a campaign stands twice, or `n_blocks` is below 1.

    Examples
    --------
    >>> campaigns = pd.DataFrame({
    ...     "campaign_id": ["a", "b", "c"],
    ...     "decided_at": pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01"], utc=True),
    ... })
    >>> hired = pd.Series({"a": 5, "b": 4, "c": 3})
    >>> split = walk_forward_blocks(campaigns, hired, n_blocks=2, min_earlier_hired=5)
    >>> [block.campaign_ids for block in split], dict(split.skipped)
    ([('b',), ('c',)], {'a': 'too few hired candidates in earlier campaigns'})
    """
    if n_blocks < 1:
        raise DataError(f"walk_forward_blocks: `n_blocks` is {n_blocks}; expected 1 or more")
    timeline = _Timeline.build(campaigns, n_hired_candidates)
    reasons = timeline.reasons(timeline.n_earlier_hired(), min_earlier_hired)
    evaluated = np.flatnonzero(reasons == "")
    blocks = tuple(
        Block(
            trained_until=timeline.decided_at[rows[0]],
            last_decided_at=timeline.decided_at[rows[-1]],
            campaign_ids=timeline.names(rows),
        )
        for rows in timeline.cut(evaluated, n_blocks)
    )
    return WalkForward(blocks, timeline.skipped(reasons))


def brand_fold_blocks(
    campaigns: pd.DataFrame,
    n_hired_candidates: pd.Series,
    *,
    n_folds: int,
    n_blocks: int,
    min_earlier_hired: int,
    seed: int,
) -> BrandSplit:
    """Cut campaigns by time and by brand: each is scored without its brand and without its future.

    Blocks of time are those of `walk_forward_blocks`. In each, the campaigns of one fold of brands
    are scored by what was trained on campaigns of the other folds decided before the block.

    Parameters
    ----------
    campaigns : pandas.DataFrame
        Columns `campaign_id`, `brand_id`, `decided_at` (UTC; missing when open).
    n_hired_candidates : pandas.Series
        Hired candidates by campaign id; a campaign that is not named has none.
    n_folds : int
        Folds of brands, 2 or more.
    n_blocks : int
        Blocks of time asked for, 1 or more.
    min_earlier_hired : int
        Hired candidates that the training campaigns must have together.
    seed : int
        Seed of the assignment of brands to folds.

    Returns
    -------
    BrandSplit
        Blocks by time, then fold, and skipped campaigns with reasons.

    Raises
    ------
    DataError
        If a column is missing, a campaign stands twice, or there are too few folds or blocks.

    Notes
    -----
    Only training is brand-cold. A feature that looks up earlier hires by the scored brand still
    finds them; whoever wants a brand without any past leaves them out of the market as well.
    """
    if n_folds < 2:
        raise DataError(f"brand_fold_blocks: `n_folds` is {n_folds}; expected 2 or more")
    walk = walk_forward_blocks(
        campaigns, n_hired_candidates, n_blocks=n_blocks, min_earlier_hired=min_earlier_hired
    )
    timeline = _Timeline.build(campaigns, n_hired_candidates)
    brands = timeline.brands(campaigns)
    folds = assign_folds(brands, n_folds=n_folds, seed=seed)
    skipped = dict(walk.skipped)
    blocks = []
    for block in walk:
        inside = np.isin(timeline.campaign_ids, block.campaign_ids)
        earlier = np.asarray(timeline.decided_at < block.trained_until)
        for fold in np.unique(folds[inside]).tolist():
            test, train = inside & (folds == fold), earlier & (folds != fold)
            if int(timeline.n_hired[train].sum()) < min_earlier_hired:
                skipped.update(dict.fromkeys(timeline.names(test), TOO_FEW_EARLIER))
                continue
            blocks.append(
                BrandBlock(
                    fold=fold,
                    trained_until=block.trained_until,
                    campaign_ids=timeline.names(test),
                    brand_ids=tuple(sorted({str(name) for name in brands[folds == fold]})),
                    train_campaign_ids=timeline.names(train),
                )
            )
    ordered = {str(name): skipped[name] for name in timeline.campaign_ids if name in skipped}
    return BrandSplit(tuple(blocks), ordered)


@dataclass(frozen=True)
class _Timeline:
    """Campaigns by `decided_at`, then id; undecided ones last."""

    campaign_ids: NDArray[np.object_]
    decided_at: pd.DatetimeIndex
    n_hired: IntArray
    closed_at: pd.DatetimeIndex

    @classmethod
    def build(cls, campaigns: pd.DataFrame, n_hired_candidates: pd.Series) -> _Timeline:
        missing = [name for name in ("campaign_id", "decided_at") if name not in campaigns]
        if missing:
            raise DataError(f"campaigns: columns {missing} are missing; they are needed to split")
        twice = campaigns.loc[campaigns["campaign_id"].duplicated(), "campaign_id"].tolist()
        if twice:
            raise DataError(
                f"campaigns: {len(twice)} of {len(campaigns)} rows repeat a `campaign_id` "
                f"({twice[:5]}); expected one row each"
            )
        ordered = campaigns.sort_values(["decided_at", "campaign_id"], na_position="last")
        names = ordered["campaign_id"].to_numpy(dtype=object)
        hired = n_hired_candidates.reindex(names).fillna(0).to_numpy(dtype=np.int64)
        decided = pd.DatetimeIndex(ordered["decided_at"])
        closed = pd.DatetimeIndex(ordered["closed_at"]) if "closed_at" in ordered else decided
        return cls(names, decided, hired, closed)

    def brands(self, campaigns: pd.DataFrame) -> NDArray[np.object_]:
        """Brand of each campaign; one without a brand is a brand of its own."""
        if "brand_id" not in campaigns:
            raise DataError("campaigns: column `brand_id` is missing; it is needed for brand folds")
        by_campaign = campaigns.set_index("campaign_id")["brand_id"].reindex(self.campaign_ids)
        brands = by_campaign.to_numpy(dtype=object)
        return np.where(pd.isna(brands), self.campaign_ids, brands)

    def n_earlier_hired(self) -> IntArray:
        """Hired candidates of campaigns closed strictly before each decision."""
        known = np.flatnonzero(self.closed_at.notna())
        order = known[np.argsort(self.closed_at[known], kind="stable")]
        before = np.concatenate(([0], np.cumsum(self.n_hired[order])))
        decided = self.decided_at.notna()
        n_earlier = np.full(self.decided_at.size, before[-1])
        closed = self.closed_at[order]
        n_earlier[decided] = before[closed.searchsorted(self.decided_at[decided], side="left")]
        return np.asarray(n_earlier, dtype=np.int64)

    def reasons(self, n_earlier: IntArray, min_earlier_hired: int) -> NDArray[np.str_]:
        """Why each campaign is not evaluated; empty when it is."""
        return np.select(
            [self.decided_at.isna(), self.n_hired == 0, n_earlier < min_earlier_hired],
            [NOT_DECIDED, NO_HIRED, TOO_FEW_EARLIER],
            default="",
        ).astype(np.str_)

    def names(self, rows: NDArray[np.generic]) -> tuple[str, ...]:
        return tuple(str(name) for name in self.campaign_ids[rows])

    def skipped(self, reasons: NDArray[np.str_]) -> dict[str, str]:
        return {
            str(name): str(reason)
            for name, reason in zip(self.campaign_ids, reasons, strict=True)
            if reason
        }

    def cut(self, rows: NDArray[np.intp], n_blocks: int) -> list[NDArray[np.intp]]:
        """Near-equal runs of `rows` whose borders lie between different instants."""
        if not rows.size:
            return []
        instants = self.decided_at[rows]
        borders = np.flatnonzero(instants[1:] != instants[:-1]) + 1
        wanted = np.arange(1, n_blocks) * rows.size / n_blocks
        chosen = {int(borders[np.abs(borders - at).argmin()]) for at in wanted if borders.size}
        return np.split(rows, sorted(chosen))


def assign_folds(brands: NDArray[np.object_], *, n_folds: int, seed: int) -> IntArray:
    """Fold of each brand from a hash of its id, the same on every machine and in every market.

    Parameters
    ----------
    brands : numpy.ndarray of str, shape (n,)
        Brand ids; repeats are allowed.
    n_folds : int
        Folds, 1 or more.
    seed : int
        Another seed shuffles the brands anew.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        Folds from 0; about equal in size only when there are many brands.
    """
    names, inverse = np.unique(brands.astype(np.str_), return_inverse=True)
    digests = [hashlib.sha256(f"{seed}:{name}".encode()).digest() for name in names.tolist()]
    folds = [int.from_bytes(digest[:8], "big") % n_folds for digest in digests]
    return np.array(folds, dtype=np.int64)[inverse.reshape(-1)]


def assign_warmth(
    n_person_outcomes: NDArray[np.number],
    *,
    n_account_posts: NDArray[np.number],
    n_account_collaborations: NDArray[np.number],
) -> NDArray[np.object_]:
    """How much was known of each candidate as of the decision.

    Parameters
    ----------
    n_person_outcomes : numpy.ndarray, shape (n_rows,)
        Earlier collaborations of the account's person, on any account, whose outcome was known.
    n_account_posts : numpy.ndarray, shape (n_rows,)
        Earlier posts of the account.
    n_account_collaborations : numpy.ndarray, shape (n_rows,)
        Earlier collaborations of the account, with or without an outcome.

    Returns
    -------
    numpy.ndarray of str, shape (n_rows,)
        ``hot`` (with outcomes), ``warm`` (seen without) or ``cold`` (never seen). A missing count
        is read as none.

    Examples
    --------
    >>> assign_warmth(np.array([1, 0, 0]), n_account_posts=np.array([0, 5, 0]),
    ...               n_account_collaborations=np.array([0, 0, 0])).tolist()
    ['hot', 'warm', 'cold']
    """
    seen = (n_account_posts > 0) | (n_account_collaborations > 0)
    return np.select([n_person_outcomes > 0, seen], ["hot", "warm"], "cold").astype(object)
