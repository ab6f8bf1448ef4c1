"""People whom accounts reach, by cells of the audience: who is there, and how many on a platform.

A cell is people of one country with one first interest who use the same of the platforms in
question. How strongly an account draws each cell follows from the shares of its audience; inside a
cell people differ in how much they see, by the evenness of `matcher.plan.reach.Reach`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from matcher.errors import MatcherError
from matcher.plan.audience import ELSEWHERE
from matcher.plan.reach import Reach

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.audience import Audiences

__all__ = ["EVENNESS", "Crowd", "People", "build_crowd", "sainsbury", "usual_people"]

EVENNESS: Final = 0.06
"""Shape of the activity inside a cell; chosen on development worlds 4001 to 4003, see
docs/plans.md."""
_LARGE: Final = 0.02
"""Share of all audiences from which a country has a cell of its own."""
_SPLIT: Final = 0.1
"""Share of all audiences from which a country has cells by interest."""
_MOST_PLATFORMS: Final = 4
"""Platforms whose users are told apart from other people, those that most people are reached on."""
_MOST_OF_USERS: Final = 0.95
"""Share of a platform's people that an option reaches at most."""
_MOST_USE: Final = 0.995
"""Share of a country's people on a platform at most."""
_STEPS: Final = 80
_TRACE: Final = 1e-4
"""Share of an option's people in a cell below which the cell is left out for it."""


@dataclass(frozen=True)
class People:
    """How many people there are, and how many of them use each platform.

    Parameters
    ----------
    people : mapping of str to float
        People on social media by country; ``other`` is the rest of the world.
    users : mapping of str to mapping of str to float
        Of them those on a platform, by platform and country.
    source : str
        Where the figures come from.
    """

    people: Mapping[str, float]
    users: Mapping[str, Mapping[str, float]]
    source: str

    def count(self, country: str) -> float:
        """People of a country; those of the rest of the world for one that is not known.

        Parameters
        ----------
        country : str
            ISO 3166 alpha-2.

        Returns
        -------
        float
            People.
        """
        return float(self.people.get(country, self.people[ELSEWHERE]))

    def use(self, platform: str, country: str) -> float:
        """Share of a country's people who use a platform.

        Parameters
        ----------
        platform : str
            Platform.
        country : str
            ISO 3166 alpha-2.

        Returns
        -------
        float
            Above 0 and at most .995.
        """
        known = self.users.get(platform, {})
        place = country if country in known and country in self.people else ELSEWHERE
        share = known.get(place, self.people[place]) / self.people[place]
        return min(max(float(share), 1e-6), _MOST_USE)


@lru_cache(maxsize=1)
def usual_people() -> People:
    """People and users as published, rounded.

    Returns
    -------
    People
        Viet Nam, the United States, Britain, Singapore, Australia, and the rest of the world.
    """
    path = resources.files("matcher.plan").joinpath("populations.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    million = 1_000_000.0
    return People(
        {name: million * n for name, n in content["people"].items()},
        {
            platform: {name: million * n for name, n in users.items()}
            for platform, users in content["users"].items()
        },
        content["source"],
    )


@dataclass(frozen=True, eq=False)
class Crowd:
    """People in cells, and how strongly each option draws them.

    Parameters
    ----------
    people : numpy.ndarray of float64, shape (n_kinds,)
        People of each country and interest.
    patterns : numpy.ndarray of bool, shape (n_patterns, n_platforms)
        Which of the platforms that are told apart the people of a cell use.
    likely : numpy.ndarray of float64, shape (n_kinds, n_patterns)
        Share of each pattern; rows sum to 1.
    platform : numpy.ndarray of int64, shape (n_options,)
        Column of `patterns` of each option's platform, -1 where it is not told apart.
    draw : numpy.ndarray of float64, shape (n_options, n_kinds)
        How much the people of a kind are drawn to an option, relative to its other kinds.
    users : numpy.ndarray of float64, shape (n_options, n_kinds)
        People of a kind who use the option's platform.
    evenness : float
        Shape of the activity inside a cell.
    """

    people: NDArray[np.float64]
    patterns: NDArray[np.bool_]
    likely: NDArray[np.float64]
    platform: NDArray[np.int64]
    draw: NDArray[np.float64]
    users: NDArray[np.float64]
    evenness: float

    def __post_init__(self) -> None:
        n, kinds = self.draw.shape
        if self.users.shape != (n, kinds) or self.people.shape != (kinds,):
            raise MatcherError(f"crowd: got {self.users.shape} users; expected {(n, kinds)}")

    def reach(self, wanted: NDArray[np.float64]) -> tuple[Reach, NDArray[np.int64]]:
        """Cells of all people, with options that each reach as many as wanted.

        Parameters
        ----------
        wanted : numpy.ndarray of float64, shape (n_options,)
            People that each option reaches, from 0 on.

        Returns
        -------
        reach : Reach
            Probabilities by option and cell.
        cut : numpy.ndarray of int64
            Options that were to reach more than 95 % of their platform's people, and reach that.
        """
        most = _MOST_OF_USERS * self.users.sum(axis=1)
        cut = np.flatnonzero(wanted > most)
        shares = self._shares(np.minimum(wanted, most))
        return self._spread(shares), cut

    def select(self, options: NDArray[np.int64]) -> Crowd:
        """The same people, drawn to some of the options.

        Parameters
        ----------
        options : numpy.ndarray of int64
            Rows; may repeat.

        Returns
        -------
        Crowd
            Those rows.
        """
        return Crowd(
            self.people, self.patterns, self.likely, self.platform[options], self.draw[options],
            self.users[options], self.evenness,
        )  # fmt: skip

    def _shares(self, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of each kind's users that each option reaches; Newton's method in logarithms."""
        found = np.zeros_like(self.draw)
        rows = np.flatnonzero(wanted > 0)
        draw, users = self.draw[rows], self.users[rows]
        target = np.log(wanted[rows])
        level = target - np.log((draw * users).sum(axis=1))
        for _ in range(_STEPS):
            rate = np.exp(level)[:, None] * draw
            reached = (_reached(rate, self.evenness) * users).sum(axis=1)
            slope = (_slope(rate, self.evenness) * rate * users).sum(axis=1) / reached
            gap = target - np.log(reached)
            if np.abs(gap).max(initial=0.0) < 1e-9:
                break
            # The people reached are concave in the level, and its logarithm grows more slowly.
            level += np.clip(gap / np.maximum(slope, 1e-3), -3.0, 3.0)
        found[rows] = _reached(np.exp(level)[:, None] * draw, self.evenness)
        return found

    def _spread(self, shares: NDArray[np.float64]) -> Reach:
        """Cells of kinds and patterns; traces of an option are left out, its sum stays."""
        held = shares * self.users
        total = held.sum(axis=1, keepdims=True)
        kept = held >= _TRACE * total
        lost = np.divide(total, (held * kept).sum(axis=1, keepdims=True),
                         out=np.ones_like(total), where=total > 0)  # fmt: skip
        shares = np.minimum(shares * kept * lost, 1.0 - 1e-9)
        parts = []
        for pattern in self.patterns:
            uses = (self.platform < 0) | pattern[np.maximum(self.platform, 0)]
            parts.append(np.where(uses[:, None], shares, 0.0))
        n = len(shares)
        stacked = np.stack(parts, axis=2).reshape(n, -1)
        people = (self.people[:, None] * self.likely).ravel()
        drawn = np.flatnonzero(stacked.any(axis=0))
        return Reach(csr_array(stacked[:, drawn]), people[drawn], self.evenness)


def _reached(rate: NDArray[np.float64], evenness: float) -> NDArray[np.float64]:
    """Share of people who are reached at a rate."""
    if np.isinf(evenness):
        return np.asarray(-np.expm1(-rate))
    return np.asarray(-np.expm1(-evenness * np.log1p(rate / evenness)))


def _slope(rate: NDArray[np.float64], evenness: float) -> NDArray[np.float64]:
    """Change of the share reached with the rate."""
    if np.isinf(evenness):
        return np.exp(-rate)
    return np.exp(-(evenness + 1.0) * np.log1p(rate / evenness))


def build_crowd(
    audiences: Audiences,
    platforms: NDArray[np.object_],
    weight: NDArray[np.float64],
    *,
    people: People | None = None,
    home: str = "VN",
    evenness: float = EVENNESS,
) -> Crowd:
    """People who could be reached by some options, in cells.

    Parameters
    ----------
    audiences : Audiences
        Shares of each option's audience; without countries all people live in `home`, without
        interests nobody has one.
    platforms : numpy.ndarray of object, shape (n_options,)
        Platform of each.
    weight : numpy.ndarray of float64, shape (n_options,)
        How many people each reaches, by which platforms and countries are told apart or not.
    people : People, optional
        People and users; as published when None.
    home : str, default "VN"
        Country of all people where no table tells of countries.
    evenness : float
        Shape of the activity inside a cell; inf where all are alike.

    Returns
    -------
    Crowd
        People, and whom they are drawn to.
    """
    people = usual_people() if people is None else people
    n = len(platforms)
    where, by_country = _countries(audiences, weight, home, n)
    totals = (weight[:, None] * by_country).sum(axis=0) / weight.sum()
    held = _held_platforms(platforms, weight)
    interests = audiences.shares.get("interest")
    cells = []
    for place, country in enumerate(where):
        share = by_country[:, place]
        if interests is None or country == ELSEWHERE or totals[place] < _SPLIT:
            cells.append((country, people.count(country), share[:, None]))
            continue
        kinds = interests.shape[1]
        # Interests are taken to be of equally many people.
        cells += [
            (country, people.count(country) / kinds, share[:, None] * interests[:, [kind]])
            for kind in range(kinds)
        ]
    counts = np.array([count for _, count, _ in cells])
    shares = np.hstack([share for _, _, share in cells])
    names = list(dict.fromkeys(platforms.tolist()))
    use = {name: np.array([people.use(name, country) for country, _, _ in cells]) for name in names}
    own_use = np.array([use[name] for name in platforms])
    users = counts * own_use
    patterns = np.array(list(product((False, True), repeat=len(held))), dtype=bool)
    likely = np.ones((len(cells), len(patterns)))
    for column, name in enumerate(held):
        likely *= np.where(patterns[:, column], use[name][:, None], 1.0 - use[name][:, None])
    platform = np.array([held.index(name) if name in held else -1 for name in platforms])
    apart = (platform >= 0)[:, None]
    return Crowd(
        counts, patterns, likely, platform.astype(np.int64), shares / users,
        np.where(apart, users, counts), evenness,
    )  # fmt: skip


def _countries(
    audiences: Audiences, weight: NDArray[np.float64], home: str, n: int
) -> tuple[list[str], NDArray[np.float64]]:
    """Countries that have cells of their own, the rest of the world last, and their shares."""
    if "country" not in audiences.shares:
        return [home], np.ones((n, 1))
    names, shares = audiences.buckets["country"], audiences.shares["country"]
    large = (weight[:, None] * shares).sum(axis=0) >= _LARGE * weight.sum()
    kept = [place for place in np.flatnonzero(large) if names[place] != ELSEWHERE]
    rest = 1.0 - shares[:, kept].sum(axis=1)
    return [*(names[one] for one in kept), ELSEWHERE], np.column_stack((shares[:, kept], rest))


def _held_platforms(platforms: NDArray[np.object_], weight: NDArray[np.float64]) -> list[str]:
    """Platforms that are told apart, by the people reached on them."""
    totals = {name: float(weight[platforms == name].sum()) for name in sorted(set(platforms))}
    return sorted(totals, key=lambda name: (-totals[name], name))[:_MOST_PLATFORMS]


def sainsbury(wanted: NDArray[np.float64], people: float) -> float:
    """People reached at least once if nothing is known but how many each option reaches.

    Parameters
    ----------
    wanted : numpy.ndarray of float64, shape (n,)
        People whom each option reaches.
    people : float
        People that there are; more where one option reaches more.

    Returns
    -------
    float
        ``N (1 - prod(1 - n_i / N))``: chances are taken as independent.

    References
    ----------
    Danaher, Modeling page views across multiple websites, Marketing Science 26 (2007): the formula
    of Sainsbury as the simplest of media models.
    """
    if not len(wanted):
        return 0.0
    people = max(people, float(wanted.max()))
    return float(people * (1.0 - np.prod(1.0 - wanted / people)))
