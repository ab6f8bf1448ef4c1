"""Candidates in the order of a score, cut into blocks of ties: what every ranking metric reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from matcher.errors import DataError

__all__ = [
    "BoolArray",
    "CampaignValues",
    "FloatArray",
    "HoldingBlocks",
    "IntArray",
    "RankedLists",
    "rank_candidates",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

NO_CANDIDATE = "no candidate"
NO_HIT = "no hit among the candidates"


@dataclass(frozen=True)
class CampaignValues:
    """One figure per campaign, with the reason where there is none.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_campaigns,)
        The figure; NaN where it is undefined.
    reasons : numpy.ndarray of str, shape (n_campaigns,)
        Why a figure is undefined; empty exactly where it is defined.
    draws : numpy.ndarray, shape (n_draws, n_campaigns), optional
        The figures that `values` is the mean of, where a scorer was drawn several times.

    Raises
    ------
    DataError
        If a NaN has no reason, or a figure has one.
    """

    values: FloatArray
    reasons: NDArray[np.str_]
    draws: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.values.shape != self.reasons.shape:
            raise DataError(
                f"campaign values: {self.values.shape} figures and {self.reasons.shape} reasons; "
                "expected one reason per figure"
            )
        wrong = np.flatnonzero(np.isnan(self.values) != (self.reasons != ""))
        if wrong.size:
            raise DataError(
                f"campaign values: {wrong.size} of {self.values.size} are NaN without a reason or "
                f"have both figure and reason (campaigns {wrong[:5].tolist()})"
            )

    @property
    def mean(self) -> float:
        """Mean over the campaigns in which the figure is defined; NaN when there is none."""
        defined = self.values[~np.isnan(self.values)]
        return float(defined.mean()) if defined.size else float("nan")

    @property
    def n_skipped(self) -> dict[str, int]:
        """Number of campaigns without a figure, by reason, in the order of the reasons."""
        names, counts = np.unique(self.reasons[self.reasons != ""], return_counts=True)
        return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


@dataclass(frozen=True)
class HoldingBlocks:
    """Blocks of equal score that hold hits or gain, by campaign, then by rank.

    Parameters
    ----------
    n_campaigns : int
        Campaigns, those without such a block included.
    campaign, start, size : numpy.ndarray of int, shape (n_blocks,)
        As in `RankedLists`.
    amount : numpy.ndarray of float64, shape (n_blocks,)
        Number of hits, or sum of gains, in the block; above 0.
    """

    n_campaigns: int
    campaign: IntArray
    start: IntArray
    size: IntArray
    amount: FloatArray

    @cached_property
    def totals(self) -> FloatArray:
        """Amount per campaign, shape (n_campaigns,); 0 where there is none."""
        return self.per_campaign(self.amount)

    @cached_property
    def above(self) -> FloatArray:
        """Amount in the blocks of the same campaign that rank above, shape (n_blocks,)."""
        before = np.cumsum(self.amount) - self.amount
        return np.asarray(before - (np.cumsum(self.totals) - self.totals)[self.campaign])

    def per_campaign(self, values: NDArray[np.floating]) -> FloatArray:
        """Sum of a value over the blocks of each campaign.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape (n_blocks,)
            One number per block.

        Returns
        -------
        numpy.ndarray of float64, shape (n_campaigns,)
            Sums; 0 for a campaign without a block.
        """
        sums = np.bincount(self.campaign, weights=values, minlength=self.n_campaigns)
        return sums.astype(np.float64)


@dataclass(frozen=True)
class RankedLists:
    """The candidates of each campaign, best first, in blocks of equal score.

    Built by `rank_candidates`. A metric adds up what a block holds, so that it is exact in
    expectation over a random order of ties and does not depend on the order of the input.

    Parameters
    ----------
    n_campaigns : int
        Campaigns, those without a candidate included.
    rows : numpy.ndarray of int, shape (n_rows,)
        Positions in the caller's arrays, by campaign, then by falling score.
    block : numpy.ndarray of int, shape (n_rows,)
        Block of each of these rows, from 0, not falling.
    campaign : numpy.ndarray of int, shape (n_blocks,)
        Campaign of each block.
    start : numpy.ndarray of int, shape (n_blocks,)
        Candidates of the same campaign that rank strictly above the block.
    size : numpy.ndarray of int, shape (n_blocks,)
        Candidates in the block; at least 1.
    """

    n_campaigns: int
    rows: IntArray
    block: IntArray
    campaign: IntArray
    start: IntArray
    size: IntArray

    @cached_property
    def n_candidates(self) -> IntArray:
        """Candidates per campaign, shape (n_campaigns,)."""
        counts = np.bincount(self.campaign[self.block], minlength=self.n_campaigns)
        return counts.astype(np.int64)

    def holding(self, amounts: NDArray[np.generic]) -> HoldingBlocks:
        """Find the blocks that hold something, such as hits or gain.

        Parameters
        ----------
        amounts : numpy.ndarray, shape (n_input_rows,)
            What each row of the caller's arrays holds, 0 or more.

        Returns
        -------
        HoldingBlocks
            Blocks with an amount above 0, by campaign, then by rank.
        """
        taken = amounts[self.rows]
        places = np.flatnonzero(taken)
        return self.holding_at(places, taken[places].astype(np.float64))

    def holding_at(self, places: NDArray[np.intp], held: FloatArray) -> HoldingBlocks:
        """Sum up by block what some ranked candidates hold.

        Parameters
        ----------
        places : numpy.ndarray of int, shape (n_holding,)
            Positions in `rows`, rising.
        held : numpy.ndarray of float64, shape (n_holding,)
            What the candidate there holds, above 0.

        Returns
        -------
        HoldingBlocks
            Blocks of these candidates, by campaign, then by rank.
        """
        blocks, begins = np.unique(self.block[places], return_index=True)
        return HoldingBlocks(
            n_campaigns=self.n_campaigns,
            campaign=self.campaign[blocks],
            start=self.start[blocks],
            size=self.size[blocks],
            amount=np.add.reduceat(held, begins) if begins.size else held,
        )

    def restrict(self, keep: BoolArray) -> RankedLists:
        """Leave out some of the candidates.

        Parameters
        ----------
        keep : numpy.ndarray of bool, shape (n_input_rows,)
            Which rows of the caller's arrays stay.

        Returns
        -------
        RankedLists
            Lists in the same order; equal to ranking the rows that stay, without sorting again.
        """
        if keep.all():
            return self
        stays = keep[self.rows]
        block = self.block[stays]
        return _cut(self.n_campaigns, self.rows[stays], self.campaign[block], block)


def _cut(n_campaigns: int, rows: IntArray, campaigns: IntArray, labels: IntArray) -> RankedLists:
    """Cut sorted rows wherever the block label changes."""
    first = np.ones(rows.size, dtype=np.bool_)
    first[1:] = labels[1:] != labels[:-1]
    begins = np.flatnonzero(first)
    per_campaign = np.bincount(campaigns, minlength=n_campaigns)
    offset = np.cumsum(per_campaign) - per_campaign
    campaign = campaigns[begins]
    return RankedLists(
        n_campaigns=n_campaigns,
        rows=rows,
        block=np.cumsum(first, dtype=np.int64) - 1,
        campaign=campaign,
        start=(begins - offset[campaign]).astype(np.int64),
        size=np.diff(begins, append=rows.size).astype(np.int64),
    )


def _by_campaign_and_score(
    codes: IntArray, scores: NDArray[np.floating], n_campaigns: int
) -> IntArray:
    """Rows by campaign, then falling score; missing scores last, ties in any order."""
    order = np.argsort(-scores)
    # Sixteen bits are sorted by radix, several times as fast.
    narrow = np.uint16 if n_campaigns <= np.iinfo(np.uint16).max else np.int64
    by_campaign = np.argsort(codes[order].astype(narrow), kind="stable")
    return order[by_campaign].astype(np.int64)


def rank_candidates(
    campaigns: NDArray[np.integer], scores: NDArray[np.floating], *, n_campaigns: int | None = None
) -> RankedLists:
    """Rank the candidates of each campaign by falling score.

    Parameters
    ----------
    campaigns : numpy.ndarray of int, shape (n_rows,)
        Campaign of each candidate as a code from 0; rows may stand in any order.
    scores : numpy.ndarray of float, shape (n_rows,)
        Score of each candidate, comparable inside a campaign only. A missing score (NaN) ranks
        below every other, tied with all other missing ones.
    n_campaigns : int, optional
        Number of campaigns, those without a candidate included; by default the highest code + 1.

    Returns
    -------
    RankedLists
        Candidates best first, in blocks of equal score.

    Raises
    ------
    DataError
        If the arrays differ in length, or a code is negative or too high.

    Examples
    --------
    >>> lists = rank_candidates(np.array([0, 0, 0, 1]), np.array([0.2, 0.9, 0.2, 0.5]))
    >>> lists.start.tolist(), lists.size.tolist()  # 0.9 first, then two ties; one of its own
    ([0, 1, 0], [1, 2, 1])
    """
    if campaigns.shape != scores.shape or campaigns.ndim != 1:
        raise DataError(
            f"rank_candidates: `campaigns` has shape {campaigns.shape}, `scores` {scores.shape}; "
            "expected two vectors of one length"
        )
    n_known = int(campaigns.max()) + 1 if campaigns.size else 0
    n_campaigns = n_known if n_campaigns is None else n_campaigns
    if n_known > n_campaigns or (campaigns.size and int(campaigns.min()) < 0):
        raise DataError(
            f"rank_candidates: `campaigns` holds codes from {campaigns.min()} to {n_known - 1}; "
            f"expected 0 to {n_campaigns - 1}"
        )
    codes = campaigns.astype(np.int64)
    order = _by_campaign_and_score(codes, scores, n_campaigns)
    sorted_codes, sorted_scores = codes[order], scores[order]
    missing = np.isnan(sorted_scores)
    new = np.ones(order.size, dtype=np.bool_)
    same_score = (sorted_scores[1:] == sorted_scores[:-1]) | (missing[1:] & missing[:-1])
    new[1:] = (sorted_codes[1:] != sorted_codes[:-1]) | ~same_score
    return _cut(n_campaigns, order, sorted_codes, np.cumsum(new, dtype=np.int64))


def give_reasons(values: FloatArray, *undefined: tuple[BoolArray, str]) -> CampaignValues:
    """Mark the campaigns in which a figure is undefined.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_campaigns,)
        Figures; whatever stands where one is undefined is replaced by NaN.
    *undefined : tuple of (numpy.ndarray of bool, str)
        Which campaigns have no figure, and why; the first that applies counts.

    Returns
    -------
    CampaignValues
        Figures with their reasons.
    """
    reasons = np.select([mask for mask, _ in undefined], [name for _, name in undefined], "")
    return CampaignValues(np.where(reasons == "", values, np.nan), reasons.astype(np.str_))


def check_labels(ranked: RankedLists, labels: NDArray[np.generic]) -> None:
    """Check that labels are long enough to belong to the rows that were ranked.

    Parameters
    ----------
    ranked : RankedLists
        Candidates by score.
    labels : numpy.ndarray, shape (n_rows,)
        One label per row.

    Raises
    ------
    DataError
        If a ranked row has no label.
    """
    if ranked.rows.size and labels.size <= int(ranked.rows.max()):
        raise DataError(
            f"metric: the lists rank row {int(ranked.rows.max())}, the labels have {labels.size} "
            "rows; expected labels for the same rows in the same order"
        )
