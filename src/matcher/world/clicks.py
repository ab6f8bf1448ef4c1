"""From impressions to clicks, leads, orders and revenue."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.columns import KINDS
from matcher.world.interventions import Pairs, Setting
from matcher.world.noise import KeyedNoise
from matcher.world.platforms import FORMAT_NAMES, trait

__all__ = ["CLICK_NOISE", "LEADS", "ORDERS", "baskets", "log_click", "target_share"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_KIND_CLICK: Final[dict[str, float]] = {
    "creator": 0.0, "kol": 0.15, "celebrity": -0.2, "koc": 0.35, "employee": 0.2, "customer": 0.3,
    "virtual": -0.2,
}  # fmt: skip
"""Log clicks per impression: consumers' recommendations sell, fame does not (assumed)."""
_STORY_CLICK: Final = 0.5
"""Log clicks per impression of a story over other formats (assumed)."""
_COMMENT_CLICK: Final = 0.35
"""More comments, more sales (weak coupon study of 410 accounts; size assumed)."""
_TARGET_CLICK: Final = 0.5
"""Log clicks per impression per log of the share of the audience that is asked for (assumed)."""
CLICK_NOISE: Final = 0.3
"""Spread of clicks per impression over posts, natural log (assumed)."""
LEADS: Final = 0.08
"""Leads per click (assumed)."""
ORDERS: Final = 0.02
"""Orders per click (1 to 3 % is usual)."""
_BASKET: Final = 350_000.0
"""VND per order at the median campaign."""
_BASKET_SPREAD: Final = 0.5
"""Spread of that over campaigns, natural log (assumed)."""


def log_click(world: Setting, pairs: Pairs, form: Ints) -> Floats:
    """Log of expected clicks per impression of a post that carries a link.

    Parameters
    ----------
    world : Setting
        People and campaigns.
    pairs : Pairs
        Pairs of campaign and account.
    form : ndarray of int, shape (n,)
        Format of each pair's posts.

    Returns
    -------
    ndarray of float, shape (n,)
        Natural log.
    """
    people = world.people
    person = people.person[pairs.account]
    kind = np.array([_KIND_CLICK[name] for name in KINDS])[people.kind[person]]
    is_story = form == FORMAT_NAMES.index("story")
    target = np.log(np.maximum(target_share(world, pairs.campaign, pairs.account), 0.02) / 0.25)
    return np.asarray(
        np.log(trait("click"))[people.platform[pairs.account]]
        + _STORY_CLICK * is_story
        + kind
        + world.knobs.effect_fit_click * (pairs.fit - 0.5)
        + _COMMENT_CLICK * people.comment_bias[pairs.account]
        + _TARGET_CLICK * target
    )


def target_share(world: Setting, campaign: Ints, account: Ints) -> Floats:
    """Share of an account's audience whom a campaign is for, by age and gender.

    Parameters
    ----------
    world : Setting
        People and campaigns.
    campaign, account : ndarray of int, shape (n,)
        Pairs.

    Returns
    -------
    ndarray of float, shape (n,)
        Share, 0..1; half of the ages asked for where any gender will do.
    """
    people, campaigns = world.people, world.campaigns
    person = people.person[account]
    ages = (people.audience_age[person] * campaigns.ages[campaign]).sum(axis=1)
    female = people.audience_female[person]
    gender = campaigns.gender[campaign]
    share = np.where(gender < 0, 0.5, np.where(gender == 1, female, 1 - female))
    return np.asarray(ages * share)


def baskets(seed: int, campaign: Ints) -> Floats:
    """Average order of each campaign.

    Parameters
    ----------
    seed : int
        Seed of the world.
    campaign : ndarray of int, shape (n,)
        Campaigns.

    Returns
    -------
    ndarray of float, shape (n,)
        VND.
    """
    spread = _BASKET_SPREAD * KeyedNoise(seed, campaign).normal("basket-of-campaign")
    return np.asarray(_BASKET * np.exp(spread))
