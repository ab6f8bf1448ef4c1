"""True audiences: composition, overlap and de-duplicated reach from one model of membership."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.columns import AGE_BUCKETS, GENDER_BUCKETS, PLATFORMS
from matcher.errors import UsageError
from matcher.world.audience_model import (
    BOND,
    affinities,
    blocks_by_platform,
    chance_of,
    exact_levels,
    exact_rates,
    none_followed,
    parts,
    solve_levels,
)
from matcher.world.audience_panel import Panel, draw_panel
from matcher.world.audience_profiles import AudienceProfiles
from matcher.world.population import PLACES, Population, place_buckets, place_weights

__all__ = ["Audience", "Panel", "Shares"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]
Shares = list[tuple[str, tuple[str, ...], Floats]]

_ROUGH: Final = 1e-5
"""Precision of reach where speed counts: relative error of an account's followers."""
_OTHER_GENDER: Final = 0.015
"""Share of people who are neither women nor men, the same everywhere (assumed)."""
_PLACE_DIMENSIONS: Final = ("country", "city", "language")


@dataclass(frozen=True, eq=False)
class Audience:
    """Who follows which account, in probability.

    All methods read one model: people in cells of place, age, gender and first interest, who follow
    accounts by chance as `matcher.world.audience_model` says. So shares, overlaps, de-duplicated
    reach and drawn panels agree.

    Attributes
    ----------
    profiles : AudienceProfiles
        Composition and size of each account's audience.
    population : Population
        People and their platforms.
    """

    profiles: AudienceProfiles
    population: Population

    def shares(self, accounts: Ints) -> Shares:
        """Composition of audiences.

        Parameters
        ----------
        accounts : ndarray of int, shape (m,)
            Accounts; may repeat.

        Returns
        -------
        list of (str, tuple of str, ndarray of float of shape (m, n_buckets))
            Dimension, names of its buckets and shares, which sum to 1: ``country``, ``city``,
            ``age``, ``gender``, ``language``, ``interest``. The bucket ``other`` of a country or
            city holds all that are not named.
        """
        m = len(accounts)
        place = np.empty((m, len(PLACES)))
        age = np.empty((m, len(AGE_BUCKETS)))
        gender = np.empty((m, 2))
        interest = np.empty((m, len(self.population.categories)))
        for rows, members in self._members(accounts):
            place[rows] = members.sum(axis=(2, 3, 4))
            kinds = members.sum(axis=1)
            age[rows] = kinds.sum(axis=(2, 3))
            gender[rows] = kinds.sum(axis=(1, 3))
            interest[rows] = kinds.sum(axis=(1, 2))
        other = np.full((m, 1), _OTHER_GENDER)
        by_place = {name: place @ place_weights(name) for name in _PLACE_DIMENSIONS}
        return [
            ("country", place_buckets("country"), by_place["country"]),
            ("city", place_buckets("city"), by_place["city"]),
            ("age", AGE_BUCKETS, age),
            ("gender", GENDER_BUCKETS, np.hstack([(1 - _OTHER_GENDER) * gender, other])),
            ("language", place_buckets("language"), by_place["language"]),
            ("interest", self.population.categories, interest),
        ]

    def overlap(self, first: Ints, second: Ints) -> Floats:
        """Shared followers of pairs of accounts, relative to the smaller audience.

        Parameters
        ----------
        first, second : ndarray of int, shape (n,)
            Accounts of each pair, on one platform or two.

        Returns
        -------
        ndarray of float, shape (n,)
            People who follow both over those who follow the one with fewer, 0..1; 1 for an account
            with itself.
        """
        if len(first) != len(second):
            raise UsageError(f"overlap: {len(first)} and {len(second)} accounts; expected pairs")
        known, rows = np.unique(np.concatenate([first, second]), return_inverse=True)
        size = self.profiles.size
        levels = exact_levels(self.profiles, self.population, known, size[known])[rows]
        n = len(first)
        both = np.empty(n)
        platform = self.profiles.platform
        code = platform[first] * len(PLATFORMS) + platform[second]
        for pair in np.unique(code):
            for part in parts(np.flatnonzero(code == pair)):
                both[part] = self._shared(first[part], second[part], levels[part], levels[n + part])
        smaller = np.minimum(size[first], size[second])
        return np.where(first == second, 1.0, both / smaller)

    def _shared(self, first: Ints, second: Ints, level_a: Floats, level_b: Floats) -> Floats:
        """People who follow both accounts of each pair; one pair of platforms."""
        x, y = (
            affinities(self.profiles, rows, self.population, dtype=np.float64).cells(level)
            for rows, level in ((first, level_a), (second, level_b))
        )
        p, q = int(self.profiles.platform[first[0]]), int(self.profiles.platform[second[0]])
        on_both = self.population.users(p)
        if p != q:
            on_both = on_both * self.population.use[q][..., None]
        creator = self.profiles.creator
        bond = BOND * (creator[first] == creator[second])
        either = x + y - bond[:, None, None] * np.minimum(x, y)
        both = chance_of(x) + chance_of(y) - chance_of(either)
        return np.asarray(np.einsum("npk,pk->n", both, on_both.reshape(both.shape[1:])))

    def union(self, accounts: Ints, totals: Floats | None = None, *, at_least: int = 1) -> float:
        """People reached by at least so many of some accounts, each counted once.

        With nobody reached by a set S having the closed form of the model, N(S) in expectation,
        those reached by exactly one account are the sum of N(S without i) - N(S), and those
        reached by exactly two the sum over pairs of the second difference.

        Parameters
        ----------
        accounts : ndarray of int, shape (m,)
            Different accounts, on any platforms.
        totals : ndarray of float, shape (m,), optional
            People whom each reaches, above 0; all its followers by default. The audience reached
            is chosen as followers are: the active first.
        at_least : {1, 2, 3}
            Accounts by which a person is reached.

        Returns
        -------
        float
            People; 0 when there are fewer accounts than `at_least`.

        Raises
        ------
        UsageError
            If an account is named twice or `at_least` is none of 1, 2 and 3.
        DataError
            If an account is to reach more people than its platform has.
        """
        if len(np.unique(accounts)) != len(accounts):
            raise UsageError("union: an account is named twice; expected different accounts")
        if at_least not in (1, 2, 3):
            raise UsageError(f"union: at_least is {at_least}; expected 1, 2 or 3")
        if len(accounts) < at_least:
            return 0.0
        wanted = self.profiles.size[accounts] if totals is None else np.asarray(totals, np.float64)
        if wanted.shape != accounts.shape or not (wanted > 0).all():
            raise UsageError(f"union: expected {len(accounts)} totals above 0, one per account")
        rates = exact_rates(self.profiles, self.population, accounts, wanted)
        platforms, creators = self.profiles.platform[accounts], self.profiles.creator[accounts]
        missed = _Missed(self.population, platforms, creators, rates)
        people = float(self.population.people.sum())
        n = len(accounts)
        nobody = missed.people(())
        reached = people - nobody
        if at_least >= 2:
            without = np.array([missed.people((i,)) for i in range(n)])
            reached -= float((without - nobody).sum())
        if at_least == 3:
            for i, j in combinations(range(n), 2):
                reached -= missed.people((i, j)) - without[i] - without[j] + nobody
        return reached

    def membership(self, accounts: Ints, n_users: int, *, seed: int) -> Panel:
        """Panel of drawn people with the accounts that each follows.

        Most are drawn among the followers of the accounts. Weights undo this, so that weighted
        counts estimate people without bias; see `matcher.world.audience_panel.draw_panel`.

        Parameters
        ----------
        accounts : ndarray of int, shape (m,)
            Accounts, 1 or more.
        n_users : int
            People to draw, 1 or more.
        seed : int
            Seed of the draw.

        Returns
        -------
        Panel
            People, what they stand for and whom they follow.

        Raises
        ------
        UsageError
            If there is no account or nobody is to be drawn.
        """
        return draw_panel(self.profiles, self.population, accounts, n_users, seed=seed)

    def target_share(self, accounts: Ints, ages: Masks, gender: Ints, countries: Masks) -> Floats:
        """Share of audiences that lies in the target of a campaign.

        The first call solves the audiences of all accounts and keeps 72 numbers of each; further
        calls cost little.

        Parameters
        ----------
        accounts : ndarray of int, shape (n,)
            Accounts, one per pair; may repeat.
        ages : ndarray of bool, shape (n, 6) or (6,)
            Age buckets meant.
        gender : ndarray of int, shape (n,) or ()
            0 women, 1 men, -1 everybody.
        countries : ndarray of bool, shape (n, n_countries) or (n_countries,)
            Countries meant, in the order of `matcher.world.people.COUNTRIES`.

        Returns
        -------
        ndarray of float, shape (n,)
            Share of the people who follow, 0..1; people of other gender count only for -1.
        """
        n = len(accounts)
        ages = np.broadcast_to(ages, (n, len(AGE_BUCKETS)))
        gender = np.broadcast_to(gender, n)
        countries = np.broadcast_to(countries, (n, np.shape(countries)[-1]))
        result = np.empty(n)
        for k in range(0, n, 50_000):
            rows = slice(k, k + 50_000)
            table = self._demographics[accounts[rows], : countries.shape[1]]
            found = np.einsum("ncag,nc,na->ng", table, countries[rows], ages[rows])
            meant = gender[rows]
            one = found[np.arange(len(meant)), np.maximum(meant, 0)] * (1 - _OTHER_GENDER)
            result[rows] = np.where(meant < 0, found.sum(axis=1), one)
        return result

    @cached_property
    def _demographics(self) -> npt.NDArray[np.float32]:
        """Shares by country, age and gender of all accounts, shape (m, n_countries, 6, 2)."""
        accounts = np.arange(self.profiles.n)
        to_country = place_weights("country")
        shape = (len(accounts), to_country.shape[1], len(AGE_BUCKETS), 2)
        table = np.empty(shape, dtype=np.float32)
        for rows, members in self._members(accounts):
            table[rows] = np.einsum("mpag,pc->mcag", members.sum(axis=4), to_country)
        return table

    def _members(self, accounts: Ints) -> Iterator[tuple[Ints, npt.NDArray[np.float32]]]:
        """Rows of `accounts` and the share of their audience in each cell, by blocks."""
        shape = self.population.people.shape
        for rows in blocks_by_platform(self.profiles, accounts):
            chosen = accounts[rows]
            rates = affinities(self.profiles, chosen, self.population, dtype=np.float32)
            level = solve_levels(rates, self.profiles.size[chosen], precision=_ROUGH)
            members = chance_of(rates.cells(level)) * rates.users
            members /= members.sum(axis=(1, 2), keepdims=True)
            yield rows, members.reshape(len(rows), *shape)


@dataclass(frozen=True, eq=False)
class _Missed:
    """Expected people whom none of the accounts reaches, some accounts left out."""

    population: Population
    platforms: Ints
    creators: Ints
    rates: Floats

    @cached_property
    def sums(self) -> dict[int, Floats]:
        """Sum of rates by platform."""
        return {
            int(p): self.rates[self.platforms == p].sum(axis=0) for p in np.unique(self.platforms)
        }

    def _bonded(self, left_out: tuple[int, ...]) -> list[list[tuple[int, Floats]]]:
        """Platform and rates of the channels of each creator who has several."""
        position = {p: k for k, p in enumerate(self.sums)}
        owners, counts = np.unique(self.creators, return_counts=True)
        channels = [np.flatnonzero(self.creators == owner) for owner in owners[counts > 1]]
        return [
            [(position[int(self.platforms[i])], self.rates[i]) for i in own if i not in left_out]
            for own in channels
        ]

    def people(self, left_out: tuple[int, ...]) -> float:
        """Number of people."""
        sums = dict(self.sums)
        for i in left_out:
            p = int(self.platforms[i])
            # Rounding may leave a trace below 0 where one rate is nearly all of the sum.
            sums[p] = np.maximum(sums[p] - self.rates[i], 0.0)
        n_interests = len(self.population.categories)
        use = [self.population.use[p].ravel().repeat(n_interests) for p in sums]
        chance = none_followed(list(sums.values()), use, self._bonded(left_out))
        return float((chance * self.population.people.ravel()).sum())
