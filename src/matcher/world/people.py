"""People, their channels and what drives them (latent traits)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.columns import KINDS
from matcher.world.channels import Channels, draw_channels
from matcher.world.knobs import WorldKnobs
from matcher.world.platforms import PLATFORM_NAMES
from matcher.world.streams import stream
from matcher.world.vocabulary import AGE_CENTRE, FEMALE_SHARE, Vocabulary

__all__ = ["COUNTRIES", "FX_VND", "N_TONES", "PLATFORM_NAMES", "People", "simulate_people"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COUNTRIES: Final = ("VN", "US", "GB", "SG", "AU")
FX_VND: Final = 25_000.0
"""Dong per US dollar, held constant over the simulated years."""
N_TONES: Final = 4
"""Tones of texts and briefs (assumed)."""

_COUNTRY_EN: Final = (0.5, 0.2, 0.17, 0.13)
"""Countries of people abroad, in the order of `COUNTRIES` after Viet Nam (assumed)."""
_N_SUB_PER_PERSON: Final = 3
"""Sub-topics that a person posts about, at most (assumed)."""
_VIRAL: Final = 0.5
"""Log of followers won by going viral once (assumed)."""


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
    fame: Floats
    """Fame off the platforms, which no table shows; standard normal."""
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
    """Share of followers who are no people, at the end."""
    bought_at: Floats
    """Share of the two years after which followers were bought; 2 when never."""
    viral_at: Floats
    """Share of the two years after which a post went viral; 2 when never."""
    in_pod: npt.NDArray[np.bool_]
    """Whether other creators like and comment by agreement."""
    account_level: Floats
    """Exposure relative to the person's level, natural log."""
    rate_level: Floats
    """Interactions per exposure relative to like accounts, natural log."""
    comment_bias: Floats
    """Log deviation of comments per like; likewise for shares and saves."""
    share_bias: Floats
    save_bias: Floats
    price: Floats
    """Asked for one post in the platform's main format, VND, before seasons."""
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

    def _grown(self, accounts: Ints, tau: Floats | float) -> Floats:
        """Followers of all kinds at `tau`, as if bought ones had always been there."""
        shown = self.followers[accounts] * np.exp(-self.growth[accounts] * (1 - tau))
        viral = self.viral_at[accounts]
        return np.asarray(shown * np.exp(-_VIRAL * ((tau < viral) & (viral < 1))))

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
        before = (tau < self.bought_at[accounts]) & (self.bought_at[accounts] < 1)
        kept = np.where(before, self.fake_share[accounts], 0.0)
        return np.maximum(self._grown(accounts, tau) * (1 - 0.8 * kept), 100.0)

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
        return np.maximum(self._grown(accounts, tau) * (1 - self.fake_share[accounts]), 50.0)

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
    channels = draw_channels(n, in_vietnam, level, category, vocabulary, knobs, seed=seed)
    kind = _draw_kind(_largest(channels, n), rng)
    return People(
        country=country,
        language=language,
        interests=interests,
        main_sub=main_sub,
        tone=rng.dirichlet(np.full(N_TONES, 0.35), n).astype(np.float32),
        kind=kind,
        is_female=rng.random(n) < 1 / (1 + np.exp(-logit_female)),
        age_centre=centre,
        audience_age=ages / ages.sum(axis=1, keepdims=True),
        audience_female=1 / (1 + np.exp(-logit_female)),
        level=level,
        trend=rng.normal(0, 0.5, n),
        reliability=rng.normal(0, 1, n),
        fame=stream(seed, "fame").normal(0, 1, n),
        ad_share=np.clip(ad_share, 0.01, 0.8),
        ad_gap=rng.normal(np.log(0.85), 0.4, n),
        habit=rng.random(n),
        **channels.priced_by(kind),
    )


def _largest(channels: Channels, n: int) -> Floats:
    """Followers of each person's largest account."""
    first = np.searchsorted(channels.person, np.arange(n))
    return np.asarray(np.maximum.reduceat(channels.followers, first))


def _draw_kind(followers: Floats, rng: np.random.Generator) -> Ints:
    """Kinds follow size: customers and employees are small, celebrities are large."""
    odds = np.zeros((len(followers), len(KINDS)))
    size = np.log10(followers)
    odds[:, KINDS.index("creator")] = 1.0
    odds[:, KINDS.index("koc")] = np.where(size < 4.7, 0.3, 0.05)
    odds[:, KINDS.index("kol")] = np.where(size < 4.3, 0.03, 0.22)
    odds[:, KINDS.index("celebrity")] = np.where(size < 5.5, 0.0, np.where(size < 6, 0.15, 0.8))
    odds[:, KINDS.index("employee")] = np.where(size < 4, 0.03, 0.0)
    odds[:, KINDS.index("customer")] = np.where(size < 4, 0.04, 0.0)
    odds[:, KINDS.index("virtual")] = 0.008
    edges = np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)
    drawn = (edges < rng.random(len(followers))[:, None]).sum(axis=1)
    return np.asarray(np.minimum(drawn, len(KINDS) - 1))


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
