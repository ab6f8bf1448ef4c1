"""People, their channels and what drives them (latent traits)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt

from matcher.columns import KINDS
from matcher.world.knobs import WorldKnobs
from matcher.world.streams import stream
from matcher.world.vocabulary import AGE_CENTRE, FEMALE_SHARE, NICHE_PRICE, Vocabulary

__all__ = ["COUNTRIES", "FX_VND", "N_TONES", "PLATFORM_NAMES", "People", "simulate_people"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PLATFORM_NAMES: Final = ("tiktok", "facebook", "instagram", "youtube", "x", "threads", "zalo")
COUNTRIES: Final = ("VN", "US", "GB", "SG", "AU")
FX_VND: Final = 25_000.0
"""Dong per US dollar, held constant over the simulated years."""
N_TONES: Final = 4

_PLATFORM_VN: Final = (0.40, 0.27, 0.14, 0.14, 0.01, 0.02, 0.02)
_PLATFORM_EN: Final = (0.34, 0.09, 0.34, 0.17, 0.04, 0.02, 0.00001)
_COUNTRY_EN: Final = (0.5, 0.2, 0.17, 0.13)
_TIER_MIX: Final = (0.60, 0.25, 0.11, 0.025, 0.015)
_TIER_LOG10: Final = ((3.0, 4.0), (4.0, 4.7), (4.7, 5.7), (5.7, 6.0))
_P_FRAUD: Final = (0.25, 0.40, 0.40, 0.45, 0.55)
_TAIL: Final = 1.5
_N_SUB_PER_PERSON: Final = 3


@dataclass(frozen=True, eq=False)
class People:
    """Latent traits of n people and m accounts; accounts are sorted by person.

    All arrays are indexed by person (shape n) or, from `person` on, by account (shape m).
    """

    country: Ints
    language: Ints
    """0 Vietnamese, 1 English, 2 both."""
    interests: npt.NDArray[np.float32]
    """Shape (n, n_sub): share of what a person posts about; the rest is daily life."""
    main_sub: Ints
    tone: npt.NDArray[np.float32]
    """Shape (n, 4), rows sum to 1."""
    kind: Ints
    is_female: npt.NDArray[np.bool_]
    age_centre: Floats
    audience_age: Floats
    """Shape (n, 6), rows sum to 1."""
    audience_female: Floats
    level: Floats
    """Engagement relative to like accounts, natural log."""
    trend: Floats
    """Change of `level` over the two years."""
    reliability: Floats
    ad_share: Floats
    """Shape (n, 4): sponsored share of posts per half-year."""
    ad_gap: Floats
    """Sponsored relative to organic exposure, natural log."""
    habit: Floats
    """0..1, settles how a person spells."""
    person: Ints
    platform: Ints
    start_day: Floats
    """Day of the first post at the earliest."""
    followers: Floats
    """At the end of the two years."""
    growth: Floats
    fake_share: Floats
    bought_at: Floats
    """Share of the two years after which followers were bought; 2 when never."""
    comment_bias: Floats
    price: Floats
    """Asked for one post, VND."""
    n_posts: Ints
    is_metered: npt.NDArray[np.bool_]
    """Whether counters come as several dated readings rather than one."""

    @property
    def n(self) -> int:
        """Number of people."""
        return len(self.country)

    @property
    def n_accounts(self) -> int:
        """Number of accounts."""
        return len(self.person)

    def level_at(self, accounts: Ints, tau: Floats | float) -> Floats:
        """Engagement level of accounts at a share `tau` of the two years, natural log.

        Parameters
        ----------
        accounts : ndarray of int
            Accounts, 0 to m - 1; may repeat.
        tau : ndarray of float or float
            When, as a share of the two years, 0..1; one for all accounts, or one for each.

        Returns
        -------
        ndarray of float
            Level relative to like accounts; 0 is average.
        """
        people = self.person[accounts]
        return np.asarray(self.level[people] + self.trend[people] * (tau - 0.5))

    def followers_at(self, accounts: Ints, tau: Floats | float) -> Floats:
        """Followers shown at `tau`, bought ones included.

        Parameters
        ----------
        accounts : ndarray of int
            Accounts, 0 to m - 1; may repeat.
        tau : ndarray of float or float
            When, as a share of the two years, 0..1; one for all accounts, or one for each.

        Returns
        -------
        ndarray of float
            Followers, 100 or more; not rounded.
        """
        shown = self.followers[accounts] * np.exp(-self.growth[accounts] * (1 - tau))
        before = tau < self.bought_at[accounts]
        kept = np.where(before & (self.bought_at[accounts] < 1), self.fake_share[accounts], 0.0)
        return np.maximum(shown * (1 - 0.8 * kept), 100.0)

    def authentic_at(self, accounts: Ints, tau: Floats | float) -> Floats:
        """Followers at `tau` who are people.

        Parameters
        ----------
        accounts : ndarray of int
            Accounts, 0 to m - 1; may repeat.
        tau : ndarray of float or float
            When, as a share of the two years, 0..1; one for all accounts, or one for each.

        Returns
        -------
        ndarray of float
            Followers, 50 or more; not rounded.
        """
        shown = self.followers[accounts] * np.exp(-self.growth[accounts] * (1 - tau))
        return np.maximum(shown * (1 - self.fake_share[accounts]), 50.0)

    def ad_share_at(self, accounts: Ints, tau: Floats | float) -> Floats:
        """Sponsored share of posts in the half-year of `tau`.

        Parameters
        ----------
        accounts : ndarray of int
            Accounts, 0 to m - 1; may repeat.
        tau : ndarray of float or float
            When, as a share of the two years, 0..1; one for all accounts, or one for each.

        Returns
        -------
        ndarray of float
            Share, 0.01..0.8.
        """
        half = np.clip((np.asarray(tau) * 4).astype(np.int64), 0, 3)
        return np.asarray(self.ad_share[self.person[accounts], half])


class _AccountTraits(TypedDict):
    person: Ints
    platform: Ints
    start_day: Floats
    followers: Floats
    growth: Floats
    fake_share: Floats
    bought_at: Floats
    comment_bias: Floats
    price: Floats
    n_posts: Ints
    is_metered: npt.NDArray[np.bool_]


def simulate_people(n: int, knobs: WorldKnobs, vocabulary: Vocabulary, *, seed: int) -> People:
    """Draw people and accounts.

    Parameters
    ----------
    n : int
        People, 1 or more.
    knobs : WorldKnobs
        The world.
    vocabulary : Vocabulary
        Topics in use.
    seed : int
        Seed of the world.

    Returns
    -------
    People
        Latent traits.
    """
    rng = stream(seed, "people")
    in_vietnam = rng.random(n) < knobs.share_vietnamese
    country = np.where(in_vietnam, 0, 1 + rng.choice(4, size=n, p=_COUNTRY_EN))
    is_mixed = rng.random(n) < np.where(in_vietnam, knobs.share_mixed, knobs.share_mixed / 3)
    language = np.where(is_mixed, 2, np.where(in_vietnam, 0, 1))
    interests, main_sub = _draw_interests(n, vocabulary, seed)
    category = vocabulary.category_of[main_sub]
    centre = vocabulary.per_category(AGE_CENTRE, 1.8)[category] + rng.normal(0, 0.6, n)
    centre = np.clip(centre, 0.2, 4.5)
    ages = np.exp(-0.5 * ((np.arange(6) - centre[:, None]) / 1.1) ** 2)
    female = vocabulary.per_category(FEMALE_SHARE, 0.5)[category]
    logit_female = np.log(female / (1 - female)) + rng.normal(0, 0.6, n)
    base_ads = rng.normal(-1.9, 0.9, n)
    ad_share = 1 / (1 + np.exp(-(base_ads[:, None] + rng.normal(0, 0.7, (n, 4)))))
    level = rng.normal(0, 0.5, n)
    accounts = _draw_accounts(n, in_vietnam, level, category, vocabulary, knobs, seed)
    top = np.maximum.reduceat(accounts["followers"], _first_rows(accounts["person"], n))
    return People(
        country=country,
        language=language,
        interests=interests,
        main_sub=main_sub,
        tone=rng.dirichlet(np.full(N_TONES, 0.35), n).astype(np.float32),
        kind=_draw_kind(top, rng),
        is_female=rng.random(n) < 1 / (1 + np.exp(-logit_female)),
        age_centre=centre,
        audience_age=ages / ages.sum(axis=1, keepdims=True),
        audience_female=1 / (1 + np.exp(-logit_female)),
        level=level,
        trend=rng.normal(0, 0.6, n),
        reliability=rng.normal(0, 1, n),
        ad_share=np.clip(ad_share, 0.01, 0.8),
        ad_gap=rng.normal(np.log(0.85), 0.4, n),
        habit=rng.random(n),
        **accounts,
    )


def _first_rows(person: Ints, n: int) -> Ints:
    return np.searchsorted(person, np.arange(n))


def _draw_kind(followers: Floats, rng: np.random.Generator) -> Ints:
    names = ("creator", "koc", "kol", "customer", "employee", "virtual")
    drawn = rng.choice(6, size=len(followers), p=(0.72, 0.15, 0.09, 0.02, 0.01, 0.01))
    index = np.array([KINDS.index(name) for name in names])[drawn]
    is_star = (followers > 1e6) & (rng.random(len(followers)) < 0.4)
    return np.where(is_star, KINDS.index("celebrity"), index)


def _draw_interests(
    n: int, vocabulary: Vocabulary, seed: int
) -> tuple[npt.NDArray[np.float32], Ints]:
    rng = stream(seed, "interests")
    n_sub = vocabulary.n_sub
    popularity = rng.gamma(4.0, size=n_sub)
    main = rng.choice(n_sub, size=n, p=popularity / popularity.sum())
    same = vocabulary.category_of[:, None] == vocabulary.category_of[None, :]
    near = vocabulary.related[np.ix_(vocabulary.category_of, vocabulary.category_of)]
    affinity = (0.45 * same + 0.1 * near + 1.6 * vocabulary.kin + 0.02) * popularity[None, :]
    np.fill_diagonal(affinity, 0)
    cumulative = np.cumsum(affinity, axis=1)
    cumulative /= cumulative[:, -1:]
    interests = np.zeros((n, n_sub), dtype=np.float32)
    rows = np.arange(n)
    total = rng.beta(12, 2.5, n)
    weights = rng.dirichlet((4.0, 2.0, 1.2), n) * total[:, None]
    interests[rows, main] += weights[:, 0]
    for k in range(1, _N_SUB_PER_PERSON):
        drawn = (cumulative[main] < rng.random(n)[:, None]).sum(axis=1)
        interests[rows, np.minimum(drawn, n_sub - 1)] += weights[:, k]
    return interests, main


def _draw_accounts(
    n: int,
    in_vietnam: npt.NDArray[np.bool_],
    level: Floats,
    category: Ints,
    vocabulary: Vocabulary,
    knobs: WorldKnobs,
    seed: int,
) -> _AccountTraits:
    rng = stream(seed, "accounts")
    n_each = 1 + rng.choice(3, size=n, p=(0.76, 0.20, 0.04))
    weights = np.where(in_vietnam[:, None], _PLATFORM_VN, _PLATFORM_EN)
    order = np.argsort(-(np.log(weights) + rng.gumbel(size=weights.shape)), axis=1)
    person = np.repeat(np.arange(n), n_each)
    m = len(person)
    rank = np.arange(m) - _first_rows(person, n)[person]
    followers, fraud = _draw_followers(n, rng)
    followers = followers[person] * np.where(rank > 0, np.exp(rng.normal(-0.8, 0.8, m)), 1.0)
    followers = np.round(np.maximum(followers, 1_000.0), 0).astype(np.float64)
    has_bought = rng.random(m) < np.where(rank > 0, fraud[person] * 0.5, fraud[person])
    fake = np.where(has_bought, rng.beta(2, 4, m), rng.beta(2, 18, m))
    niche = vocabulary.per_category(NICHE_PRICE, 1.0)[category][person]
    scale = followers / 1e4
    noise = np.exp(rng.normal(0, 0.45, m) + 0.35 * level[person])
    vnd = 1.8e6 * scale**0.75 * niche * noise
    usd = 50.0 * scale**0.85 * niche * noise
    price = np.where(in_vietnam[person], vnd, usd * FX_VND)
    mean_posts = knobs.posts_per_influencer * n / m
    n_posts = np.exp(rng.normal(np.log(mean_posts) - 0.5 * 0.4**2, 0.4, m))
    return {
        "person": person,
        "platform": order[person, rank],
        "start_day": np.where(rng.random(m) < 0.15, rng.uniform(5, 150, m), 0.0),
        "followers": followers,
        "growth": np.abs(rng.normal(0.35, 0.3, m)),
        "fake_share": fake,
        "bought_at": np.where(has_bought, rng.random(m), 2.0),
        "comment_bias": rng.normal(0, 0.4, m),
        "price": price,
        "n_posts": np.maximum(np.round(n_posts), 4).astype(np.int64),
        "is_metered": rng.random(m) < 0.3,
    }


def _draw_followers(n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    tier = rng.choice(5, size=n, p=_TIER_MIX)
    bands = np.array([*_TIER_LOG10, (6.0, 6.0)])
    log10 = bands[tier, 0] + rng.random(n) * (bands[tier, 1] - bands[tier, 0])
    tail = np.minimum(rng.pareto(_TAIL, n) + 1, 100.0)
    return 10**log10 * np.where(tier == 4, tail, 1.0), np.array(_P_FRAUD)[tier]
