"""Collaborations and their outcomes, campaign posts, and the decision log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from matcher.columns import OBJECTIVES
from matcher.world.arrow import (
    account_ids,
    campaign_ids,
    ids,
    instants,
    maybe,
    names,
    whole,
)
from matcher.world.briefs import uses_dong
from matcher.world.buyers import N_DAYS
from matcher.world.deals import STATUS_NAMES
from matcher.world.hiring import Hiring
from matcher.world.interventions import Pairs
from matcher.world.latents import Market
from matcher.world.outcomes import finish_outcomes
from matcher.world.people import FX_VND, PLATFORM_NAMES
from matcher.world.platforms import FORMAT_NAMES, IS_VIDEO
from matcher.world.posts import PostBlock

__all__ = ["DealSums", "campaign_post_table", "collaboration_table", "decision_table"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SUMMED: Final = ("exposure", "reach", "likes", "comments", "shares", "saves")


@dataclass
class DealSums:
    """Final counters of campaign posts, summed by deal while blocks are written.

    Parameters
    ----------
    n_deals : int
        Deals.
    """

    n_deals: int
    total: dict[str, Floats] = field(init=False)
    post: list[Ints] = field(init=False, default_factory=list)
    deal: list[Ints] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Start at 0."""
        self.total = {name: np.zeros(self.n_deals) for name in (*_SUMMED, "clicks")}

    def add(self, block: PostBlock, first_id: int) -> None:
        """Add the campaign posts of a block, whose first post has number `first_id`.

        Parameters
        ----------
        block : PostBlock
            Posts, each block once and in order.
        first_id : int
            Number of the block's first post, 0 or more.
        """
        rows = np.flatnonzero(block.deal >= 0)
        deal = block.deal[rows]
        for name in _SUMMED:
            np.add.at(self.total[name], deal, getattr(block.counts, name)[rows])
        np.add.at(self.total["clicks"], deal, block.clicks[rows])
        self.post.append(first_id + rows)
        self.deal.append(deal)

    def of_block(self, block: PostBlock, first_id: int) -> dict[str, npt.NDArray[Any]]:
        """What a block adds, in a form that can be kept on disk.

        Parameters
        ----------
        block : PostBlock
            Posts.
        first_id : int
            Number of the block's first post, 0 or more.

        Returns
        -------
        dict of str to ndarray
            What `add_arrays` takes; arrays of whole or of floating-point numbers.
        """
        own = DealSums(self.n_deals)
        own.add(block, first_id)
        deal = np.unique(own.deal[0])
        sums = {name: total[deal] for name, total in own.total.items()}
        return {"post": own.post[0], "deal": own.deal[0], "summed_deal": deal, **sums}

    def add_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Add what `of_block` gave for one block.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Each block once and in order.
        """
        self.post.append(arrays["post"])
        self.deal.append(arrays["deal"])
        # All posts of a deal lie in one block, so that nothing is rounded here.
        for name, total in self.total.items():
            total[arrays["summed_deal"]] += arrays[name]


def campaign_post_table(market: Market, sums: DealSums) -> pa.Table:
    """Rows of `campaign_posts`.

    Parameters
    ----------
    market : Market
        All that was drawn: people, brands, campaigns and deals.
    sums : DealSums
        Filled by every block of posts.

    Returns
    -------
    pyarrow.Table
        One row per post made for a campaign, by campaign and post.
    """
    none = np.zeros(0, dtype=np.int64)
    post = np.concatenate([none, *sums.post])
    campaign = market.deals.campaign[np.concatenate([none, *sums.deal])]
    order = np.lexsort((post, campaign))
    return pa.table(
        {"campaign_id": campaign_ids(campaign[order]), "post_id": ids("p_", post[order], 8)}
    )


def collaboration_table(market: Market, sums: DealSums) -> pa.Table:
    """Rows of `collaborations`: one per invitation, in its latest status.

    Parameters
    ----------
    market : Market
        What was drawn.
    sums : DealSums
        Counters of the campaign posts.

    Returns
    -------
    pyarrow.Table
        Collaborations in order of campaign and account.
    """
    deals, campaigns = market.deals, market.campaigns
    n = len(deals.campaign)
    known = ~np.isnan(deals.outcome_day)
    objective = campaigns.objective[deals.campaign]
    in_dong = uses_dong(market)[deals.campaign]
    money = np.where(in_dong, 1.0, 1 / FX_VND)
    pairs = Pairs(deals.campaign, deals.account, deals.fit, deals.repeats)
    found = finish_outcomes(market, pairs, deals.form, sums.total)
    traffic, lead, sale = (
        known & (objective == OBJECTIVES.index(name)) for name in ("traffic", "leads", "sales")
    )
    is_video = known & IS_VIDEO[deals.form]
    return pa.table(
        {
            "collaboration_id": ids("col_", np.arange(n), 6),
            "campaign_id": campaign_ids(deals.campaign),
            "account_id": account_ids(deals.account),
            "status": names(STATUS_NAMES, deals.status),
            "status_at": instants(deals.status_day),
            "format": names(FORMAT_NAMES, deals.form),
            "n_posts_agreed": whole(deals.n_agreed.astype(np.float64), deals.status >= 1),
            "n_posts_delivered": whole(deals.n_delivered.astype(np.float64), deals.status == 3),
            "fee": maybe(np.round(np.nan_to_num(deals.fee) * money, 2), ~np.isnan(deals.fee)),
            "currency": names(("USD", "VND"), in_dong.astype(np.int64)),
            "outcome_at": instants(deals.outcome_day),
            "impressions": whole(found["impressions"], known),
            "reach": whole(found["reach"], known),
            "views": whole(found["views"], is_video),
            "view_definition": names(
                [f"{name} plays" for name in PLATFORM_NAMES],
                market.people.platform[deals.account],
                is_video,
            ),
            "engagements": whole(found["engagements"], known),
            "link_clicks": whole(found["link_clicks"], traffic | lead | sale),
            "leads": whole(found["leads"], lead),
            "conversions": whole(found["conversions"], sale),
            "revenue": maybe(np.round(found["revenue"] * money, 2), sale),
        }
    )


def decision_table(hiring: Hiring, campaigns_decided: Floats) -> pa.Table:
    """Rows of `decisions`: every longlisted account of every past campaign.

    Parameters
    ----------
    hiring : Hiring
        Longlists, probabilities and choices.
    campaigns_decided : ndarray of float, shape (n_campaigns,)
        Day of each campaign's decision; those from `N_DAYS` on are still open.

    Returns
    -------
    pyarrow.Table
        One row per campaign and longlisted account.
    """
    past = campaigns_decided[hiring.campaign] < N_DAYS
    past &= ~np.isnan(hiring.probability)
    campaign = hiring.campaign[past]
    return pa.table(
        {
            "campaign_id": campaign_ids(campaign),
            "account_id": account_ids(hiring.account[past]),
            "policy_id": pa.array(["logging"] * len(campaign), type=pa.string()),
            "logged_at": instants(campaigns_decided[campaign]),
            "score": pa.array(np.round(hiring.score[past], 4)),
            "inclusion_probability": pa.array(hiring.recorded[past]),
            "chosen": pa.array(hiring.chosen[past]),
        }
    )
