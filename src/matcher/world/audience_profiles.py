"""Whom an account appeals to: where, of which age and gender, with which interests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.columns import AGE_BUCKETS, PLATFORMS
from matcher.errors import DataError
from matcher.world.people import COUNTRIES, PLATFORM_NAMES, People
from matcher.world.places import home_cities
from matcher.world.population import PLACES, Population
from matcher.world.streams import stream
from matcher.world.vocabulary import Vocabulary

__all__ = ["AudienceProfiles", "draw_profiles"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_MOST_USERS: Final = 0.5
"""Largest share of a platform's users worldwide that follow one account."""

_HOME_VN: Final = 2.6
"""Log odds of following from Viet Nam for a Vietnamese creator: VN share 85 to 97 %, of mega
entertainers 70 to 90 % (judgement); each step below is set so."""
_HOME_ABROAD: Final = 0.75
"""The same for creators of other countries, about two thirds (assumed)."""
_HOME_SPREAD: Final = 0.4
"""Spread of these log odds over accounts (assumed)."""
_HOME_MIXED: Final = -0.5
"""Their change for who writes in two languages (assumed)."""
_HOME_MEGA: Final = -0.45
"""Their change above a million followers (assumed)."""
_HOME_DECADE: Final = -0.8
"""Their further change per tenfold above a million (assumed)."""
_HOME_SHOW: Final = -0.35
"""Their further change above a million for what is watched across borders (assumed)."""
_SHOW: Final = ("entertainment", "music", "comedy", "gaming", "sports")
"""What is watched across borders (assumed)."""

_CITIES_VN: Final = (0.29, 0.205, 0.04, 0.03, 0.035, 0.40)
"""Places of a Vietnamese audience: Hồ Chí Minh 25 to 35 %, Hà Nội 18 to 25 % (judgement); more
than their share of the people, since city people follow more; the others assumed."""
_P_LOCAL: Final = 0.1
"""Share of creators of one town (assumed)."""
_LOCAL_TILT: Final = 4.0
"""How much more the people of that town follow them (assumed)."""
_CITY_SPREAD: Final = 0.2
"""Spread of the share of a place over accounts, natural log (assumed)."""

_AGE_TILT: Final = {
    # Ages of creators' followers: TikTok 18-24 40 %, 25-34 35 %, 35-44 15 %; Facebook 25 %, 35 %,
    # 22 %, 45 and older 18 % (judgement), over those of the mean account; others assumed.
    "tiktok": (0.45, 1.75, 1.2, 0.72, 0.5, 0.4),
    "facebook": (0.12, 0.9, 1.18, 1.15, 1.5, 2.0),
    "instagram": (0.6, 1.35, 1.2, 0.75, 0.5, 0.4),
    "youtube": (0.9, 1.1, 1.05, 0.95, 0.9, 0.9),
    "linkedin": (0.02, 0.9, 1.5, 1.2, 0.8, 0.5),
    "threads": (0.8, 1.5, 1.1, 0.6, 0.4, 0.3),
    "snapchat": (2.0, 1.7, 0.8, 0.4, 0.2, 0.1),
    "zalo": (0.3, 0.8, 1.1, 1.2, 1.2, 1.1),
}
_AGE_SPREAD: Final = 0.12
"""Spread of the share of an age over accounts, natural log (assumed)."""
_GENDER_SPREAD: Final = 0.15
"""Spread of the log odds of women over accounts (assumed)."""

_OWN: Final = 0.8
"""Share of followers whose first interest is what the account posts about, at 10,000 followers
(assumed; with the next three set so that pairs of one niche share 10 to 30 % of the smaller
audience and others 1 to 8 %)."""
_OWN_DECADE: Final = -0.08
"""Its change per tenfold of followers (assumed)."""
_OWN_SPREAD: Final = 0.08
"""Its spread over accounts (assumed)."""
_NEAR: Final = 0.15
"""Part of the other followers per neighbouring interest (assumed)."""


@dataclass(frozen=True, eq=False)
class AudienceProfiles:
    """Composition that each account's audience has as long as it exhausts no group of people.

    Attributes
    ----------
    creator : ndarray of int, shape (m,)
        Who owns the account; equal for the channels of one person.
    platform : ndarray of int, shape (m,)
        Index into `matcher.columns.PLATFORMS`.
    size : ndarray of float, shape (m,)
        People who follow, 1 or more: followers who are people at the end, and at most half of the
        platform's users.
    place : ndarray of float32, shape (m, n_places)
        Share by place; rows sum to 1.
    age : ndarray of float32, shape (m, 6)
        Share by age bucket; rows sum to 1.
    female : ndarray of float32, shape (m,)
        Share of women among women and men.
    interest : ndarray of float32, shape (m, n_categories)
        Share by first interest; rows sum to 1.

    Raises
    ------
    DataError
        If lengths do not agree, a share is negative or a row does not sum to 1.
    """

    creator: Ints
    platform: Ints
    size: Floats
    place: Singles
    age: Singles
    female: Singles
    interest: Singles

    def __post_init__(self) -> None:
        """Check lengths and shares."""
        m = len(self.platform)
        for name, width in (("place", len(PLACES)), ("age", len(AGE_BUCKETS)), ("interest", None)):
            shares: Singles = getattr(self, name)
            if shares.shape != (m, width or shares.shape[-1]):
                raise DataError(f"AudienceProfiles.{name}: shape {shares.shape} for {m} accounts")
            off = ~(np.abs(shares.sum(axis=1) - 1) < 1e-4) | (shares < 0).any(axis=1)
            if off.any():
                rows = np.flatnonzero(off)
                raise DataError(
                    f"AudienceProfiles.{name}: {len(rows)} rows do not hold shares that sum to 1 "
                    f"(first: {rows[:5].tolist()})"
                )
        if len(self.creator) != m:
            raise DataError(f"AudienceProfiles.creator: {len(self.creator)} for {m} accounts")
        if len(self.size) != m or not (np.isfinite(self.size) & (self.size >= 1)).all():
            raise DataError(f"AudienceProfiles.size: expected {m} numbers, each 1 or more")
        if len(self.female) != m or not ((self.female > 0) & (self.female < 1)).all():
            raise DataError(f"AudienceProfiles.female: expected {m} shares between 0 and 1")

    @property
    def n(self) -> int:
        """Number of accounts."""
        return len(self.platform)


def draw_profiles(
    people: People, vocabulary: Vocabulary, population: Population, *, seed: int
) -> AudienceProfiles:
    """Draw whom each account appeals to.

    Parameters
    ----------
    people : People
        Traits of persons and accounts.
    vocabulary : Vocabulary
        Topics in use; its categories are those of `population`.
    population : Population
        Who uses which platform.
    seed : int
        Seed of the world.

    Returns
    -------
    AudienceProfiles
        One row per account.
    """
    rng = stream(seed, "audience")
    platform = np.array([PLATFORMS.index(name) for name in PLATFORM_NAMES])[people.platform]
    most = np.array([_MOST_USERS * population.users(k).sum() for k in range(len(PLATFORMS))])
    followers = people.authentic_at(np.arange(people.n_accounts), 1.0)
    size = np.minimum(followers, most[platform])
    decades = np.log10(size / 1e4)
    town = home_cities(people, seed)[people.person]
    return AudienceProfiles(
        creator=people.person,
        platform=platform,
        size=size,
        place=_draw_places(people, vocabulary, population, platform, size, town, rng),
        age=_draw_ages(people, platform, rng),
        female=_draw_female(people, rng),
        interest=_draw_interests(people, vocabulary, population, platform, decades, rng),
    )


def _rows_to_one(weights: Floats) -> Singles:
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _draw_places(
    people: People,
    vocabulary: Vocabulary,
    population: Population,
    platform: Ints,
    size: Floats,
    town: Ints,
    rng: np.random.Generator,
) -> Singles:
    m = people.n_accounts
    country = people.country[people.person]
    language = people.language[people.person]
    is_vn = country == 0
    show = np.array([name in _SHOW for name in vocabulary.categories])
    is_show = show[vocabulary.category_of[people.main_sub]][people.person]
    above = np.maximum(np.log10(size / 1e6), 0.0)
    logit = np.where(is_vn, _HOME_VN, _HOME_ABROAD) + rng.normal(0, _HOME_SPREAD, m)
    logit += np.where(language == 2, _HOME_MIXED, 0.0)
    logit += np.where(above > 0, _HOME_MEGA + np.where(is_show, _HOME_SHOW, 0.0), 0.0)
    logit += _HOME_DECADE * above
    home = 1 / (1 + np.exp(-logit))
    at_home, abroad = _home_places(country, language), _places_abroad(country, language)
    at_home = at_home * _city_tilt(is_vn, platform, population, town, rng)
    abroad = abroad * np.exp(rng.normal(0, 0.5, abroad.shape))
    users = np.stack([population.users(k).sum(axis=(1, 2, 3)) for k in range(len(PLATFORMS))])
    is_there = users[platform] > 0
    at_home, abroad = at_home * is_there, abroad * is_there
    # Where nobody of a group uses the platform, the audience lies wholly in the others.
    share_home = at_home / np.maximum(at_home.sum(axis=1, keepdims=True), 1e-300)
    share_abroad = abroad / np.maximum(abroad.sum(axis=1, keepdims=True), 1e-300)
    return _rows_to_one(home[:, None] * share_home + (1 - home)[:, None] * share_abroad)


def _place_mask(country: str) -> Floats:
    return np.array([float(place.country == country) for place in PLACES])


def _home_places(country: Ints, language: Ints) -> Floats:
    """Weights of the places of each creator's own country."""
    by_country = np.zeros((len(COUNTRIES), len(PLACES)))
    for k, name in enumerate(COUNTRIES):
        users = np.array([place.users_m for place in PLACES])
        big = np.array([1.3 if place.city != "other" else 1.0 for place in PLACES])
        by_country[k] = _place_mask(name) * users * big
        by_country[k] /= by_country[k].sum()
    by_country[COUNTRIES.index("VN"), : len(_CITIES_VN)] = _CITIES_VN
    home = by_country[country]
    diaspora = np.array([place.is_diaspora for place in PLACES])
    # Who writes Vietnamese abroad is followed by Vietnamese there, by a third of all (assumed).
    writes_vi = (country > 0) & (language != 1)
    share = np.where(writes_vi[:, None] & diaspora & (home > 0), 0.5, home)
    return np.asarray(share)


def _places_abroad(country: Ints, language: Ints) -> Floats:
    """Weights of places outside each creator's country (all assumed)."""
    users = np.array([place.users_m for place in PLACES])
    diaspora = np.array([place.is_diaspora for place in PLACES])
    english = np.array([place.english for place in PLACES])
    in_country = np.stack([_place_mask(name) for name in COUNTRIES])
    is_vn = in_country[0]
    foreign = (1 - is_vn) * (1 - diaspora)
    vietnamese_abroad = diaspora * users / (diaspora * users).sum()
    strangers = foreign * users**0.5
    strangers = strangers / strangers.sum()
    english_speaking = foreign * english * users
    english_speaking = english_speaking / english_speaking.sum()
    home_vn = is_vn * users / (is_vn * users).sum()
    of_language = np.stack(
        [
            # Vietnamese, English, both.
            0.6 * vietnamese_abroad + 0.4 * strangers,
            0.85 * english_speaking + 0.13 * strangers + 0.02 * home_vn,
            0.4 * vietnamese_abroad + 0.4 * english_speaking + 0.2 * strangers,
        ]
    )
    abroad = of_language[language]
    # From abroad, a creator who writes Vietnamese is followed from Viet Nam most of all.
    wanted = np.where((country > 0) & (language != 1), 0.6, 0.0)[:, None]
    abroad = (1 - wanted) * abroad + wanted * home_vn
    return np.asarray(abroad * (1 - in_country[country]))


def _city_tilt(
    is_vn: npt.NDArray[np.bool_],
    platform: Ints,
    population: Population,
    town: Ints,
    rng: np.random.Generator,
) -> Floats:
    """Factor by place: cities by platform, taste, and the home town of a local creator."""
    m, n_cities = len(is_vn), len(_CITIES_VN)
    tilt = np.ones((m, len(PLACES)))
    tilt[:] = np.exp(rng.normal(0, _CITY_SPREAD, tilt.shape))
    is_local = rng.random(m) < _P_LOCAL
    counts = population.people[:n_cities].sum(axis=(1, 2, 3))
    users = np.stack(
        [population.users(k)[:n_cities].sum(axis=(1, 2, 3)) for k in range(len(PLATFORMS))]
    )
    relative = (users / counts) / (users.sum(axis=1) / counts.sum())[:, None]
    # Half of what sets a platform's cities apart shows in whom creators reach there.
    tilt[:, :n_cities] *= np.sqrt(relative)[platform]
    rows = np.flatnonzero(is_local & is_vn)
    tilt[rows, town[rows]] *= _LOCAL_TILT
    return tilt


def _draw_ages(people: People, platform: Ints, rng: np.random.Generator) -> Singles:
    flat = (1.0,) * len(AGE_BUCKETS)
    tilt = np.array([_AGE_TILT.get(name, flat) for name in PLATFORMS])[platform]
    ages = people.audience_age[people.person] * tilt
    return _rows_to_one(ages * np.exp(rng.normal(0, _AGE_SPREAD, ages.shape)))


def _draw_female(people: People, rng: np.random.Generator) -> Singles:
    share = people.audience_female[people.person]
    logit = np.log(share / (1 - share)) + rng.normal(0, _GENDER_SPREAD, len(share))
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float32)


def _draw_interests(
    people: People,
    vocabulary: Vocabulary,
    population: Population,
    platform: Ints,
    decades: Floats,
    rng: np.random.Generator,
) -> Singles:
    n_categories = len(vocabulary.categories)
    of_category = np.zeros((vocabulary.n_sub, n_categories))
    of_category[np.arange(vocabulary.n_sub), vocabulary.category_of] = 1.0
    about = people.interests @ of_category
    about = about / np.maximum(about.sum(axis=1, keepdims=True), 1e-12)
    near = about @ (vocabulary.related / np.maximum(vocabulary.related.sum(axis=1), 1)[:, None])
    users = np.stack([population.users(k).sum(axis=(0, 1, 2)) for k in range(len(PLATFORMS))])
    mean = (users / users.sum(axis=1, keepdims=True))[platform]
    own = _OWN + _OWN_DECADE * decades + rng.normal(0, _OWN_SPREAD, len(decades))
    own = np.clip(own, 0.15, 0.85)[:, None]
    near_share = _NEAR * (1 - own) * near.sum(axis=1)[people.person, None]
    near_share = np.where(near_share > 0, near_share, 0.0)
    near = near / np.maximum(near.sum(axis=1, keepdims=True), 1e-12)
    mix = own * about[people.person] + near_share * near[people.person]
    return _rows_to_one(mix + (1 - own - near_share) * mean)
