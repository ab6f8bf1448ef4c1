"""What became of each invitation: answers, fees, posts and dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.world.buyers import N_DAYS, Campaigns
from matcher.world.engagement import draw_formats
from matcher.world.hiring import Hiring
from matcher.world.knobs import WorldKnobs
from matcher.world.people import People
from matcher.world.streams import stream

__all__ = ["STATUS_NAMES", "CampaignPosts", "Deals", "simulate_deals"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STATUS_NAMES: Final = ("declined", "cancelled", "accepted", "completed")


@dataclass(frozen=True, eq=False)
class Deals:
    """Invitations of past campaigns; arrays of shape (n_deals,)."""

    campaign: Ints
    account: Ints
    fit: Floats
    repeats: Floats
    status: Ints
    """Index into `STATUS_NAMES`."""
    status_day: Floats
    outcome_day: Floats
    """NaN where the outcome is never known."""
    form: Ints
    n_agreed: Ints
    n_delivered: Ints
    fee: Floats
    """VND; NaN where unknown."""
    shock: Floats


@dataclass(frozen=True, eq=False)
class CampaignPosts:
    """Posts made for campaigns, sorted by account; arrays of shape (n_posts,)."""

    deal: Ints
    account: Ints
    day: Floats
    decided: Floats
    rank: Ints
    """0 for the first post of a deal, 1 for the second."""


def simulate_deals(
    people: People, campaigns: Campaigns, hiring: Hiring, knobs: WorldKnobs, *, seed: int
) -> tuple[Deals, CampaignPosts]:
    """Answers to invitations and the posts that follow.

    Parameters
    ----------
    people, campaigns, hiring
        The market and its decisions.
    knobs : WorldKnobs
        The world.
    seed : int
        Seed of the world.

    Returns
    -------
    Deals
        One row per invitation.
    CampaignPosts
        Posts published before the end.
    """
    rng = stream(seed, "deals-outcome")
    rows = np.flatnonzero(hiring.chosen)
    campaign, account = hiring.campaign[rows], hiring.account[rows]
    n = len(rows)
    decided = campaigns.decided[campaign]
    accepted = hiring.accepted[rows]
    cancelled = accepted & (rng.random(n) < 0.03)
    works = accepted & ~cancelled
    n_agreed = campaigns.n_posts[campaign]
    days = decided[:, None] + 6 + np.sort(rng.uniform(0, 26, (n, 2)), axis=1)
    last = np.where(n_agreed > 1, days[:, 1], days[:, 0])
    completed_day = last + rng.uniform(2, 6, n)
    outcome_day = last + 15 + rng.uniform(0, 6, n)
    done = works & (completed_day < N_DAYS)
    early = decided + rng.uniform(0.5, 3.5, n)
    status = np.where(~accepted, 0, np.where(cancelled, 1, np.where(done, 3, 2)))
    is_measured = done & (outcome_day < N_DAYS) & (rng.random(n) < 0.97)
    published = works[:, None] & (days < N_DAYS) & (np.arange(2) < n_agreed[:, None])
    price = people.price[account] * n_agreed * rng.uniform(0.85, 1.15, n)
    is_paid = works & (rng.random(n) < 0.9)
    deals = Deals(
        campaign=campaign,
        account=account,
        fit=hiring.fit[rows],
        repeats=hiring.repeats[rows],
        status=status,
        status_day=np.where(done, completed_day, early),
        outcome_day=np.where(is_measured, outcome_day, np.nan),
        form=draw_formats(people.platform[account], rng),
        n_agreed=n_agreed,
        n_delivered=np.where(done, published.sum(axis=1), 0),
        fee=np.where(is_paid, price, np.nan),
        shock=rng.normal(0, knobs.shock_pair, n),
    )
    deal, rank = np.nonzero(published)
    order = np.lexsort((days[deal, rank], account[deal]))
    deal, rank = deal[order], rank[order]
    return deals, CampaignPosts(
        deal=deal,
        account=account[deal],
        day=days[deal, rank],
        decided=decided[deal],
        rank=rank,
    )
