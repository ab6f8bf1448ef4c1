"""All that is drawn of a market before its posts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.world.buyers import Brands, Campaigns, simulate_brands, simulate_campaigns
from matcher.world.deals import Deals, Schedule, simulate_deals
from matcher.world.hiring import Hiring, simulate_hiring
from matcher.world.knobs import WorldKnobs
from matcher.world.people import People, simulate_people
from matcher.world.vocabulary import Vocabulary, read_vocabulary

__all__ = ["Market", "draw_market"]

Ints = npt.NDArray[np.int64]
_MOST_BRANDS = 2_000


@dataclass(frozen=True, eq=False)
class Market:
    """All that was drawn before the posts."""

    people: People
    brands: Brands
    campaigns: Campaigns
    deals: Deals
    schedule: Schedule
    partnerships: Ints
    """Shape (n, 2): person and brand, from before."""
    vocabulary: Vocabulary
    knobs: WorldKnobs
    seed: int


@dataclass(frozen=True, eq=False)
class _Setting:
    """What outcomes rest on, before anybody was hired."""

    people: People
    campaigns: Campaigns
    knobs: WorldKnobs
    seed: int


def draw_market(
    n_influencers: int,
    n_campaigns: int,
    knobs: WorldKnobs,
    *,
    seed: int,
    progress: Callable[[str, int, int], None],
) -> tuple[Market, Hiring]:
    """Draw everything but the posts.

    Parameters
    ----------
    n_influencers : int
        People, 1 or more.
    n_campaigns : int
        Campaigns, 0 or more, open ones included.
    knobs : WorldKnobs
        The world.
    seed : int
        Seed of the world, 0 or more.
    progress : callable
        Called with the step's name, units done and units in all.

    Returns
    -------
    Market
        Latent traits, what campaigns ask for, and who was hired.
    Hiring
        Every decision, with its probability.
    """
    vocabulary = read_vocabulary(knobs.n_categories, knobs.phrases)
    progress("people", 0, 1)
    people = simulate_people(n_influencers, knobs, vocabulary, seed=seed)
    progress("people", 1, 1)
    n_brands = int(np.clip(round(n_campaigns / knobs.campaigns_per_brand), 6, _MOST_BRANDS))
    brands = simulate_brands(n_brands, knobs, vocabulary, seed=seed)
    campaigns = simulate_campaigns(n_campaigns, brands, knobs, vocabulary, seed=seed)
    hiring = simulate_hiring(
        people, brands, campaigns, knobs, vocabulary, seed=seed, progress=progress
    )
    deals, schedule = simulate_deals(_Setting(people, campaigns, knobs, seed), hiring)
    market = Market(
        people=people,
        brands=brands,
        campaigns=campaigns,
        deals=deals,
        schedule=schedule,
        partnerships=hiring.deals,
        vocabulary=vocabulary,
        knobs=knobs,
        seed=seed,
    )
    return market, hiring
