"""People who use social media: how many of each sort, and how many of them on which platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.columns import AGE_BUCKETS, PLATFORMS
from matcher.errors import DataError
from matcher.world.vocabulary import AGE_CENTRE, FEMALE_SHARE

__all__ = [
    "PLACES",
    "Place",
    "Population",
    "build_population",
    "place_buckets",
    "place_weights",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """People of one country who live in one sort of town and share their languages.

    Attributes
    ----------
    country : str
        ISO code, or ``other`` for the rest of the world.
    city : str
        A city that platforms name, or ``other``.
    users_m : float
        People who use social media, millions.
    vietnamese, english : float
        Share of them whose language it is; the rest speaks others.
    """

    country: str
    city: str
    users_m: float
    vietnamese: float
    english: float

    @property
    def is_diaspora(self) -> bool:
        """Whether these are Vietnamese speakers abroad."""
        return self.country != "VN" and self.vietnamese > 0.5


_VN_USERS_M: Final = 74.5
"""Social identities: 72.7 M in January 2024 (DataReportal 2024, vecom.vn), 76.2 M in January 2025
(DataReportal 2025, SGGP); the middle of the two."""

# Cities of Viet Nam: people of 2023 by the statistics office (9.5, 8.6, 1.2, 1.3 and 2.1 of 100 M,
# from memory), towns a fifth more than the country (assumed). Other countries: users of the
# January 2025 reports of DataReportal, rounded, from memory; the share of the large city is that
# of its metropolitan area (assumed). Vietnamese abroad: 2.3 M in the United States, 0.32 M in
# Australia, 0.1 M in Britain by their censuses, 2.6 M elsewhere (from memory), three in four on
# social media (assumed). Languages are assumed.
PLACES: Final = (
    Place("VN", "Hồ Chí Minh", 0.115 * _VN_USERS_M, 0.95, 0.05),
    Place("VN", "Hà Nội", 0.105 * _VN_USERS_M, 0.95, 0.05),
    Place("VN", "Đà Nẵng", 0.016 * _VN_USERS_M, 0.97, 0.03),
    Place("VN", "Cần Thơ", 0.014 * _VN_USERS_M, 0.98, 0.02),
    Place("VN", "Hải Phòng", 0.024 * _VN_USERS_M, 0.98, 0.02),
    Place("VN", "other", 0.726 * _VN_USERS_M, 0.98, 0.01),
    Place("US", "New York", 14.6, 0.0, 0.86),
    Place("US", "other", 229.7, 0.0, 0.88),
    Place("US", "other", 1.7, 0.75, 0.25),
    Place("GB", "London", 7.7, 0.0, 0.90),
    Place("GB", "other", 47.0, 0.0, 0.96),
    Place("GB", "other", 0.08, 0.75, 0.25),
    Place("SG", "Singapore", 5.16, 0.0, 0.80),
    Place("AU", "Sydney", 4.4, 0.0, 0.88),
    Place("AU", "other", 16.2, 0.0, 0.92),
    Place("AU", "other", 0.25, 0.75, 0.25),
    Place("other", "other", 1_100.0, 0.0, 0.85),
    Place("other", "other", 3_740.0, 0.0, 0.02),
    Place("other", "other", 2.0, 0.75, 0.05),
)
"""Where people live, countries in the order of `matcher.world.people.COUNTRIES`."""

_COUNTRIES: Final = ("VN", "US", "GB", "SG", "AU", "other")

_USERS_M: Final = {
    # In the order of _COUNTRIES. Viet Nam: Facebook 66.2 to 76.2 M, YouTube 62.3 to 63.0 M,
    # Instagram 10.6 to 10.9 M, LinkedIn 7.5 M and X 5.58 M (DataReportal 2024 and 2025);
    # TikTok 40.9 to 67.7 M, here what the use by age below comes to; Zalo 85 % of internet users
    # (Decision Lab 2024), the company says 75 M; Threads, Snapchat, blogs and podcasts assumed.
    # Elsewhere: DataReportal January 2025, rounded, from memory; blogs and podcasts assumed.
    "facebook": (72.7, 194.0, 38.0, 3.1, 16.7, 1_960.0),
    "instagram": (10.75, 172.0, 33.4, 2.9, 14.6, 1_500.0),
    "tiktok": (48.7, 136.0, 25.0, 3.0, 9.7, 1_360.0),
    "youtube": (62.7, 238.0, 52.0, 4.9, 20.0, 2_150.0),
    "x": (5.58, 103.0, 22.9, 2.5, 4.9, 447.0),
    "threads": (3.5, 50.0, 8.0, 1.0, 3.0, 255.0),
    "snapchat": (1.0, 106.0, 23.3, 0.75, 8.2, 570.0),
    "linkedin": (7.5, 100.0, 20.0, 2.0, 7.0, 350.0),
    "zalo": (68.0, 0.5, 0.02, 0.0, 0.08, 0.8),
    "blog": (26.0, 98.0, 22.0, 2.0, 8.4, 1_450.0),
    "podcast": (7.5, 123.0, 23.0, 1.7, 9.4, 580.0),
}
"""People that a platform reaches, millions."""

_AGE_USE: Final = {
    # TikTok: Gen Z above 81 %, Gen X about 46 % (Decision Lab 2023); the others assumed.
    "facebook": (0.75, 0.95, 1.0, 1.0, 0.97, 0.9),
    "instagram": (0.9, 1.5, 1.25, 0.8, 0.5, 0.3),
    "tiktok": (0.83, 0.83, 0.74, 0.62, 0.46, 0.34),
    "youtube": (0.95, 1.0, 1.0, 0.97, 0.93, 0.88),
    "x": (0.6, 1.3, 1.3, 1.0, 0.8, 0.5),
    "threads": (0.8, 1.5, 1.2, 0.8, 0.5, 0.3),
    "snapchat": (2.0, 1.8, 1.0, 0.4, 0.2, 0.1),
    "linkedin": (0.05, 1.1, 1.5, 1.1, 0.8, 0.4),
    "zalo": (0.7, 0.95, 1.0, 1.0, 0.95, 0.85),
    "blog": (0.5, 0.9, 1.1, 1.1, 1.0, 0.9),
    "podcast": (0.5, 1.2, 1.3, 1.0, 0.8, 0.5),
}
"""Use of a platform by age, relative."""

_FEMALE_USE: Final = {"instagram": 1.1, "tiktok": 1.05, "x": 0.75, "linkedin": 0.85}
"""Use by women relative to men (Instagram 55 % female, VietnamKOL; others assumed; 1 elsewhere)."""

_METRO_USE: Final = {
    "instagram": 1.6, "tiktok": 1.1, "facebook": 0.98, "zalo": 0.95, "x": 1.6, "threads": 1.6,
    "snapchat": 1.4, "linkedin": 1.8, "blog": 1.2, "podcast": 1.5,
}  # fmt: skip
"""Use in the five cities relative to the provinces. That Instagram and TikTok are of the cities,
Zalo and Facebook of the provinces, is from vectorgroup.vn 2025; the sizes are assumed."""

_AGE_MIX: Final = {
    "VN": (0.09, 0.17, 0.27, 0.22, 0.14, 0.11),
    "other": (0.09, 0.20, 0.28, 0.20, 0.13, 0.10),
}
"""Ages of those who use social media (assumed)."""
_AGE_MIX_RICH: Final = (0.07, 0.14, 0.22, 0.19, 0.16, 0.22)
"""The same for the other countries that are named (assumed)."""
_FEMALE: Final = 0.506
"""Women among the people of Viet Nam, January 2024 (DataReportal)."""

_POPULARITY: Final = {
    "entertainment": 2.0, "music": 1.6, "comedy": 1.6, "food": 1.5, "fashion": 1.3, "beauty": 1.3,
    "sports": 1.3, "travel": 1.2, "gaming": 1.2, "technology": 1.1, "books": 0.6,
    "real_estate": 0.6, "home_appliances": 0.6,
}  # fmt: skip
"""People whose first interest it is, relative. Entertainment leads (DI-Marketing 2016: 53 % follow
for it); the sizes are assumed, 1 elsewhere."""
_AGE_WIDTH: Final = 1.6
"""Spread of an interest over age buckets (assumed)."""
_MOST: Final = 0.995
"""Largest share of a cell's people on one platform."""


@dataclass(frozen=True, eq=False)
class Population:
    """People by place, age, gender and first interest, and how many of them use each platform.

    Attributes
    ----------
    categories : tuple of str
        Interests, n_categories.
    people : ndarray of float, shape (n_places, 6, 2, n_categories)
        People in each cell: place, age bucket, female or male, interest.
    use : ndarray of float, shape (n_platforms, n_places, 6, 2)
        Share of a cell's people on a platform, 0..1, platforms in the order of
        `matcher.columns.PLATFORMS`; the same for every interest.

    Raises
    ------
    DataError
        If shapes do not agree, a number of people is negative or a share lies outside 0..1.
    """

    categories: tuple[str, ...]
    people: Floats
    use: Floats

    def __post_init__(self) -> None:
        """Check shapes and ranges."""
        shape = (len(PLACES), len(AGE_BUCKETS), 2, len(self.categories))
        if self.people.shape != shape:
            raise DataError(f"Population.people: shape {self.people.shape}; expected {shape}")
        if self.use.shape != (len(PLATFORMS), *shape[:3]):
            expected = (len(PLATFORMS), *shape[:3])
            raise DataError(f"Population.use: shape {self.use.shape}; expected {expected}")
        if not (np.isfinite(self.people) & (self.people >= 0)).all():
            raise DataError("Population.people: negative or not finite; expected 0 or more")
        if not ((self.use >= 0) & (self.use <= 1)).all():
            raise DataError("Population.use: outside 0..1; expected shares")

    def users(self, platform: int) -> Floats:
        """People in each cell who use a platform.

        Parameters
        ----------
        platform : int
            Index into `matcher.columns.PLATFORMS`.

        Returns
        -------
        ndarray of float, shape (n_places, 6, 2, n_categories)
            People.
        """
        return np.asarray(self.people * self.use[platform][..., None])


def place_weights(name: str) -> Floats:
    """Indicator of the places of each bucket of a dimension.

    Parameters
    ----------
    name : {"country", "city", "language"}
        Dimension that the place settles.

    Returns
    -------
    ndarray of float, shape (n_places, n_buckets)
        Rows sum to 1. Countries and cities in order of first appearance in `PLACES`, ``other``
        last; languages Vietnamese, English, other.
    """
    if name == "language":
        spoken = np.array([(place.vietnamese, place.english) for place in PLACES])
        return np.column_stack([spoken, 1 - spoken.sum(axis=1)])
    values = [str(getattr(place, name)) for place in PLACES]
    return np.array(
        [[float(value == bucket) for bucket in place_buckets(name)] for value in values]
    )


def place_buckets(name: str) -> tuple[str, ...]:
    """Names of the buckets of `place_weights`.

    Parameters
    ----------
    name : {"country", "city", "language"}
        Dimension that the place settles.

    Returns
    -------
    tuple of str
        Names, ``other`` last.
    """
    if name == "language":
        return ("vi", "en", "other")
    values = dict.fromkeys(str(getattr(place, name)) for place in PLACES)
    return (*(value for value in values if value != "other"), "other")


def build_population(categories: tuple[str, ...]) -> Population:
    """Population whose people have one of the given categories as their first interest.

    Parameters
    ----------
    categories : tuple of str
        Interests in use.

    Returns
    -------
    Population
        Cells; the same for every seed.
    """
    users = np.array([place.users_m * 1e6 for place in PLACES])
    ages = np.array([_AGE_MIX.get(place.country, _AGE_MIX_RICH) for place in PLACES])
    genders = np.array([_FEMALE, 1 - _FEMALE])
    counts = users[:, None, None] * ages[:, :, None] * genders
    people = counts[..., None] * _interest_given(categories)
    use = np.stack([_use(name, counts) for name in PLATFORMS])
    return Population(categories=categories, people=people, use=use)


def _interest_given(categories: tuple[str, ...]) -> Floats:
    """First interest by age and gender, shape (6, 2, n_categories); the last axis sums to 1."""
    popularity = np.array([_POPULARITY.get(name, 1.0) for name in categories])
    centre = np.array([AGE_CENTRE.get(name, 1.8) for name in categories])
    female = np.array([FEMALE_SHARE.get(name, 0.5) for name in categories])
    by_age = np.exp(-0.5 * ((np.arange(len(AGE_BUCKETS))[:, None] - centre) / _AGE_WIDTH) ** 2)
    weight = popularity * by_age[:, None, :] * np.stack([female, 1 - female])
    return np.asarray(weight / weight.sum(axis=-1, keepdims=True))


def _use(platform: str, counts: Floats) -> Floats:
    """Share of people on a platform, shape (n_places, 6, 2), so that its users come out."""
    by_age = np.array(_AGE_USE[platform])
    by_gender = np.array([_FEMALE_USE.get(platform, 1.0), 1.0])
    shape = np.empty_like(counts)
    for k, place in enumerate(PLACES):
        is_metro = place.country == "VN" and place.city != "other"
        where = _METRO_USE.get(platform, 1.0) if is_metro else 1.0
        if platform == "zalo" and place.country != "VN":
            where = float(place.is_diaspora)
        shape[k] = where * by_age[:, None] * by_gender
    use = np.empty_like(counts)
    for country, target in zip(_COUNTRIES, _USERS_M[platform], strict=True):
        rows = [k for k, place in enumerate(PLACES) if place.country == country]
        use[rows] = _fill(shape[rows], counts[rows], target * 1e6)
    return use


def _fill(shape: Floats, counts: Floats, target: float) -> Floats:
    """Shares proportional to `shape`, at most `_MOST`, with `target` users in all."""
    reachable = float(counts[shape > 0].sum()) * _MOST
    if not counts[shape > 0].size:
        return np.zeros_like(shape)
    if target > reachable:
        raise DataError(f"population: {target:.0f} users; expected at most {reachable:.0f} people")
    low, high = 0.0, _MOST / float(shape[shape > 0].min())
    for _ in range(100):
        middle = (low + high) / 2
        too_few = float((counts * np.minimum(shape * middle, _MOST)).sum()) < target
        low, high = (middle, high) if too_few else (low, middle)
    return np.minimum(shape * high, _MOST)
