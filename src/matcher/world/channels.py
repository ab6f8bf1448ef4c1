"""Channels of people: platform, size, growth, bought followers, pods, prices."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from matcher.columns import KINDS
from matcher.world.knobs import WorldKnobs
from matcher.world.platforms import trait
from matcher.world.streams import stream
from matcher.world.vocabulary import NICHE_PRICE, Vocabulary

__all__ = ["Channels", "draw_channels"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]

_TIER_MIX: Final = (0.60, 0.25, 0.11, 0.025, 0.015)
"""Nano, micro, mid, macro, mega of first channels (published mixes disagree; judgement)."""
_TIER_LOG10: Final = ((3.0, 4.0), (4.0, 4.7), (4.7, 5.7), (5.7, 6.0))
"""Log10 of followers in which each tier but the largest is spread evenly (assumed)."""
_TAIL: Final = 1.5
"""Pareto exponent above a million followers (published: 1 to 2)."""
_LARGEST: Final = 60.0
"""Followers in millions beyond which no account of the world grows."""
_P_BOUGHT: Final = (0.27, 0.33, 0.33, 0.40, 0.60)
"""Share that bought followers, by tier (creator audits: 27 % overall, 33 % at 5,000-20,000)."""
_P_POD: Final = (0.20, 0.18, 0.18, 0.20, 0.20)
"""Share in engagement pods, by tier (audit: pods 9.9 %, inauthentic comments 17 %; assumed to be
above both, so that accounts with any fraud are as many as audits find)."""
_FAKE_BOUGHT: Final = ((2.0, 4.0), (2.0, 4.0), (2.0, 4.0), (2.0, 4.0), (3.0, 4.0))
"""Beta of the fake share of who bought followers, by tier (judgement: mean of one third)."""
_FAKE_OTHERS: Final = (2.0, 18.0)
"""Beta of the fake share of all others (judgement: mean of one tenth)."""
_BIAS: Final[dict[str, float]] = {"comments": 0.55, "shares": 0.7, "saves": 0.7}
"""Log-sd between accounts of a counter per like: lists of the largest TikTok accounts give
spreads of .58 (likes), .79 (comments) and 1.04 (shares) at given followers; saves assumed."""
_VIRAL: Final = 0.08
"""Share of accounts that went viral once (assumed)."""
_MANAGED: Final = 5e5
"""Followers from which managers share an account's statistics more often (assumed)."""
_PRICE_VND: Final = 1.8e6
"""Price at 10,000 followers in Viet Nam (agency rate card 2025: 2-10 M at 10,000-100,000)."""
_PRICE_VND_SIZE: Final = 0.75
"""Exponent of price in followers, Viet Nam (published tables: .75 to .97)."""
_PRICE_USD: Final = 85.0
"""Price at 10,000 followers abroad, on Instagram (published table of 2023: 10 to 100 below, 100 to
500 above 10,000)."""
_PRICE_USD_SIZE: Final = 0.97
"""Exponent of price in followers abroad (published tables: .75 to .97)."""
_PRICE_NOISE: Final = 0.4
"""Spread of prices that nothing explains, natural log (assumed)."""
_PRICE_QUALITY: Final = 0.35
"""Log price per unit of an engagement level above that of like accounts (direction published, size
assumed)."""
_FX_VND: Final = 25_000.0
"""Dong per US dollar (assumed)."""
_KIND_PRICE: Final[dict[str, float]] = {
    "creator": 1.0, "kol": 1.25, "celebrity": 1.6, "koc": 0.8, "employee": 0.5, "customer": 0.4,
    "virtual": 1.3,
}  # fmt: skip
"""Price against a creator of the same size (assumed)."""


@dataclass(frozen=True, eq=False)
class Channels:
    """Accounts of people, sorted by person; every array has one entry per account."""

    person: Ints
    platform: Ints
    start_day: Floats
    followers: Floats
    growth: Floats
    fake_share: Floats
    bought_at: Floats
    viral_at: Floats
    in_pod: Masks
    account_level: Floats
    rate_level: Floats
    comment_bias: Floats
    share_bias: Floats
    save_bias: Floats
    price: Floats
    n_posts: Ints
    is_metered: Masks

    def priced_by(self, kind: Ints) -> dict[str, Any]:
        """All arrays by name, prices adjusted to what kind of influencer asks them.

        Parameters
        ----------
        kind : ndarray of int, shape (n_people,)
            Index into `matcher.columns.KINDS`.

        Returns
        -------
        dict of str to ndarray
            Arrays of shape (n_accounts,).
        """
        factor = np.array([_KIND_PRICE[name] for name in KINDS])[kind][self.person]
        priced = replace(self, price=self.price * factor)
        return {field.name: getattr(priced, field.name) for field in fields(priced)}


def draw_channels(
    n: int,
    in_vietnam: Masks,
    level: Floats,
    category: Ints,
    vocabulary: Vocabulary,
    knobs: WorldKnobs,
    *,
    seed: int,
) -> Channels:
    """Draw the channels of people.

    Parameters
    ----------
    n : int
        People.
    in_vietnam : ndarray of bool, shape (n,)
        Whose market is Viet Nam.
    level : ndarray of float, shape (n,)
        Engagement relative to like accounts; partly in the price.
    category : ndarray of int, shape (n,)
        Main category of each person.
    vocabulary : Vocabulary
        Topics in use.
    knobs : WorldKnobs
        The world.
    seed : int
        Seed of the world.

    Returns
    -------
    Channels
        One to four per person, the main one first.
    """
    rng = stream(seed, "accounts")
    n_each = 1 + rng.choice(4, size=n, p=(0.70, 0.22, 0.06, 0.02))
    share = np.where(in_vietnam[:, None], trait("share_vn"), trait("share_global"))
    order = np.argsort(-(np.log(share) + rng.gumbel(size=share.shape)), axis=1)
    person = np.repeat(np.arange(n), n_each)
    m = len(person)
    rank = np.arange(m) - np.searchsorted(person, np.arange(n))[person]
    platform = order[person, rank]
    followers = _draw_followers(n, rng)[person]
    # A second channel is smaller: the same person's reach carries over in part.
    smaller = 1e3 * (followers / 1e3) ** rng.uniform(0.55, 1.0, m)
    followers = np.asarray(np.round(np.where(rank > 0, smaller, followers)), dtype=np.float64)
    tier = np.searchsorted((1e4, 5e4, 5e5, 1e6), followers, side="right")
    bought = rng.random(m) < _odds(np.array(_P_BOUGHT)[tier], knobs.fraud)
    in_pod = rng.random(m) < _odds(np.array(_P_POD)[tier], knobs.fraud)
    shape = np.array(_FAKE_BOUGHT)[tier]
    fake = np.where(bought, rng.beta(shape[:, 0], shape[:, 1]), rng.beta(*_FAKE_OTHERS, size=m))
    mean_posts = knobs.posts_per_influencer * n / m
    n_posts = np.exp(rng.normal(np.log(mean_posts) - 0.5 * 0.4**2, 0.4, m))
    niche = vocabulary.per_category(NICHE_PRICE, 1.0)[category]
    is_new = rng.random(m) < knobs.share_newcomers
    return Channels(
        person=person,
        platform=platform,
        start_day=np.where(is_new, rng.uniform(5, knobs.newcomer_days, m), 0.0),
        followers=followers,
        growth=np.abs(rng.normal(0.35, 0.3, m)),
        fake_share=fake,
        bought_at=np.where(bought, rng.random(m), 2.0),
        viral_at=np.where(rng.random(m) < _VIRAL, rng.random(m), 2.0),
        in_pod=in_pod,
        account_level=rng.normal(0, 1, m) * trait("between")[platform],
        rate_level=rng.normal(0, 0.25, m),
        comment_bias=rng.normal(0, _BIAS["comments"], m),
        share_bias=rng.normal(0, _BIAS["shares"], m),
        save_bias=rng.normal(0, _BIAS["saves"], m),
        price=_draw_prices(followers, platform, person, in_vietnam, level, niche, rng),
        n_posts=np.maximum(np.round(n_posts), 4).astype(np.int64),
        is_metered=rng.random(m) < np.where(followers >= _MANAGED, 0.5, 0.3),
    )


def _odds(probability: Floats, factor: float) -> Floats:
    """Probabilities whose odds are multiplied by a factor."""
    odds = factor * probability / (1 - probability)
    return np.asarray(odds / (1 + odds))


def _draw_followers(n: int, rng: np.random.Generator) -> Floats:
    tier = rng.choice(5, size=n, p=_TIER_MIX)
    bands = np.array([*_TIER_LOG10, (6.0, 6.0)])
    log10 = bands[tier, 0] + rng.random(n) * (bands[tier, 1] - bands[tier, 0])
    tail = np.minimum(rng.pareto(_TAIL, n) + 1, _LARGEST)
    return np.asarray(10**log10 * np.where(tier == 4, tail, 1.0))


def _draw_prices(
    followers: Floats,
    platform: Ints,
    person: Ints,
    in_vietnam: Masks,
    level: Floats,
    niche: Floats,
    rng: np.random.Generator,
) -> Floats:
    scale = followers / 1e4
    # Better accounts ask more, so that price tells part of the quality.
    noise = np.exp(rng.normal(0, _PRICE_NOISE, len(scale)) + _PRICE_QUALITY * level[person])
    vnd = _PRICE_VND * scale**_PRICE_VND_SIZE * trait("price_vn")[platform]
    usd = _PRICE_USD * scale**_PRICE_USD_SIZE * trait("price_global")[platform]
    return np.asarray(np.where(in_vietnam[person], vnd, usd * _FX_VND) * niche[person] * noise)
