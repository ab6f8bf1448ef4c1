"""Collaborations and their outcomes, campaign posts, and the decision log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

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
from matcher.world.engagement import FORMAT_NAMES
from matcher.world.hiring import Hiring
from matcher.world.people import FX_VND, PLATFORM_NAMES
from matcher.world.posts import Market, PostBlock
from matcher.world.streams import stream

__all__ = ["DealSums", "campaign_post_table", "collaboration_table", "decision_table"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CLICK: Final = 0.007
"""Clicks per exposure of an average creator (public funnels: .3 to 2 %)."""
_LEAD: Final = 0.08
_ORDER: Final = 0.02
_BASKET: Final = 350_000.0
"""VND per order."""


@dataclass
class DealSums:
    """Final counters of campaign posts, summed by deal while blocks are written.

    Parameters
    ----------
    n_deals : int
        Deals.
    """

    n_deals: int
    exposure: Floats = field(init=False)
    reach: Floats = field(init=False)
    engagements: Floats = field(init=False)
    views: Floats = field(init=False)
    post: list[Ints] = field(init=False, default_factory=list)
    deal: list[Ints] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Start at 0."""
        self.exposure = np.zeros(self.n_deals)
        self.reach = np.zeros(self.n_deals)
        self.engagements = np.zeros(self.n_deals)
        self.views = np.zeros(self.n_deals)

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
        counts = block.counts
        total = counts.likes + counts.comments + counts.shares + counts.saves
        np.add.at(self.exposure, deal, counts.exposure[rows])
        np.add.at(self.reach, deal, counts.reach[rows])
        np.add.at(self.engagements, deal, total[rows])
        is_video = np.isin(block.form[rows], (0, 1))
        np.add.at(self.views, deal[is_video], counts.exposure[rows][is_video])
        self.post.append(first_id + rows)
        self.deal.append(deal)


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
    rng = stream(market.seed, "outcomes")
    deals, campaigns = market.deals, market.campaigns
    n = len(deals.campaign)
    known = ~np.isnan(deals.outcome_day)
    objective = campaigns.objective[deals.campaign]
    in_dong = uses_dong(market)[deals.campaign]
    money = np.where(in_dong, 1.0, 1 / FX_VND)
    bias = market.people.comment_bias[deals.account]
    clicks = rng.poisson(sums.exposure * _CLICK * np.exp(0.5 * bias + 0.6 * (deals.fit - 0.5)))
    leads = rng.binomial(clicks, _LEAD)
    orders = rng.binomial(clicks, _ORDER)
    revenue = orders * _BASKET * rng.uniform(0.7, 1.3, n) * money
    traffic, lead, sale = (
        known & (objective == OBJECTIVES.index(name)) for name in ("traffic", "leads", "sales")
    )
    impressions = np.floor(sums.exposure * rng.uniform(1.05, 1.3, n))
    is_video = known & (sums.views > 0)
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
            "impressions": whole(impressions, known),
            "reach": whole(sums.reach, known),
            "views": whole(sums.views, is_video),
            "view_definition": names(
                [f"{name} plays" for name in PLATFORM_NAMES],
                market.people.platform[deals.account],
                is_video,
            ),
            "engagements": whole(sums.engagements, known),
            "link_clicks": whole(clicks.astype(np.float64), traffic | lead | sale),
            "leads": whole(leads.astype(np.float64), lead),
            "conversions": whole(orders.astype(np.float64), sale),
            "revenue": maybe(np.round(revenue, 2), sale),
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
            "score": pa.array(np.round(hiring.utility[past], 4)),
            "inclusion_probability": pa.array(hiring.probability[past]),
            "chosen": pa.array(hiring.chosen[past]),
        }
    )
