"""Where people are at home, and in which stage of life their followers are."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.world.people import People
from matcher.world.streams import stream

__all__ = ["CITIES", "CITY_WORDS", "home_cities", "life_stage"]

CITIES: Final = (
    "Hồ Chí Minh", "Hà Nội", "Đà Nẵng", "Cần Thơ", "Hải Phòng",
    "New York", "London", "Singapore", "Sydney",
)  # fmt: skip
"""Cities by name, those of Viet Nam first."""

CITY_WORDS: Final = {
    "vi": ("Sài Gòn", "Hà Nội", "Đà Nẵng", "Cần Thơ", "Hải Phòng",
           "New York", "London", "Singapore", "Sydney"),
    "en": ("Saigon", "Hanoi", "Da Nang", "Can Tho", "Hai Phong",
           "New York", "London", "Singapore", "Sydney"),
}  # fmt: skip
"""What people call them."""

_SHARES_VN: Final = (0.42, 0.33, 0.1, 0.08, 0.07)
"""Home of people of Viet Nam, in the order of `CITIES` (assumed)."""


def home_cities(people: People, seed: int) -> npt.NDArray[np.int64]:
    """City of every person; a person has one throughout.

    Parameters
    ----------
    people : People
        People; outside Viet Nam the country settles the city.
    seed : int
        Seed of the world.

    Returns
    -------
    ndarray of int, shape (n_people,)
        Index into `CITIES`.
    """
    city = stream(seed, "cities").choice(len(_SHARES_VN), size=people.n, p=_SHARES_VN)
    return np.where(people.country == 0, city, 4 + people.country)


def life_stage(people: People) -> npt.NDArray[np.int64]:
    """Stage of life that most followers of each person are in.

    Parameters
    ----------
    people : People
        People.

    Returns
    -------
    ndarray of int, shape (n_people,)
        0 pupils and students, 1 first jobs, 2 parents, 3 grown children.
    """
    return np.searchsorted((1.0, 2.0, 3.0), people.age_centre, side="right")
