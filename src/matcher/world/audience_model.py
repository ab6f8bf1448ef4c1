"""Chances that people of a cell follow accounts: gamma activity over a Poisson following.

A person of a cell has an activity A, gamma distributed with shape `SHAPE` and scale 1. Given A,
she follows account i with probability 1 - exp(-A x_i), independently of other accounts, where
x_i = level_i * affinity_i(cell). Mixing over A gives the negative binomial model of media exposure
(Ehrenberg 1959, Applied Statistics 8:26-41; for several media Danaher 2007, Marketing Science
26:422-437): nobody of a set S of accounts on one platform is followed with probability
(1 + sum of x_i)^-SHAPE.

Channels of one creator share followers: of each rate a part `BOND` goes by one threshold per person
and creator, drawn from the unit exponential and met by channel i where it is below A BOND x_i.
Chances of single channels stay; of several, the rates add up to (1 - BOND) sum + BOND max.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from matcher.errors import DataError
from matcher.world.audience_profiles import AudienceProfiles
from matcher.world.population import Population

__all__ = [
    "BOND",
    "SHAPE",
    "Affinities",
    "affinities",
    "blocks_by_platform",
    "chance_of",
    "exact_levels",
    "exact_rates",
    "none_followed",
    "parts",
    "solve_levels",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.floating[Any]]

SHAPE: Final = 0.13
"""Shape of the activity: a few people follow many creators, most follow few. Set so that pairs of
one niche, country and platform share 10 to 30 % of the smaller audience."""

BOND: Final = 0.5
"""Part of a creator's followers on one channel who follow his others too where they can (assumed;
no public figure was found)."""
_BLOCK: Final = 128
"""Accounts at a time: their rates in all cells fit into the memory close to the processor."""
_EXACT: Final = 1e-10
"""Relative error of followers at which the search for a level stops."""
_N_RAKES: Final = 6
"""Rounds of fitting the margins of the users; more change nothing that counts."""
_N_STEPS: Final = 80
"""Steps after which the search for a level gives up."""
_LONGEST: Final = 6.0
"""Largest step of the logarithm of a level."""


@dataclass(frozen=True, eq=False)
class Affinities:
    """How much the people of each cell are drawn to accounts of one platform.

    Attributes
    ----------
    place : ndarray, shape (m, n_places)
        Factor of the place.
    kind : ndarray, shape (m, n_kinds)
        Factor of age, gender and interest, flattened in that order.
    users : ndarray, shape (n_places, n_kinds)
        Users of the platform in each cell.
    """

    place: Reals
    kind: Reals
    users: Reals

    def cells(self, level: Floats) -> Reals:
        """Rates x of following.

        Parameters
        ----------
        level : ndarray of float, shape (m,)
            Level of each account.

        Returns
        -------
        ndarray, shape (m, n_places, n_kinds)
            Rates, 0 or more.
        """
        place = (self.place * level[:, None]).astype(self.place.dtype)
        return np.asarray(place[:, :, None] * self.kind[:, None, :])

    def take(self, rows: Ints) -> Affinities:
        """Some of the accounts.

        Parameters
        ----------
        rows : ndarray of int
            Rows to keep.

        Returns
        -------
        Affinities
            Those rows.
        """
        return Affinities(self.place[rows], self.kind[rows], self.users)


def affinities(
    profiles: AudienceProfiles, accounts: Ints, population: Population, *, dtype: type[Any]
) -> Affinities:
    """Affinities that give accounts the composition of their profiles.

    Factors of age, gender and interest are raked to the profile among the users of the country
    where most of the audience lives; the factor of each place then gives the place its share. With
    them the audience of a small account, whose chances are proportional to rates, has the shares
    of its profile by place, and by age, gender and interest up to the differences between
    countries. A large account exhausts those whom it appeals to most and spreads to others.

    Parameters
    ----------
    profiles : AudienceProfiles
        Composition of audiences.
    accounts : ndarray of int, shape (m,)
        Accounts of one platform.
    population : Population
        People.
    dtype : type
        Of the factors: float32 or float64.

    Returns
    -------
    Affinities
        Scaled so that a level L gives about ``SHAPE * L`` followers while that is small.
    """
    platform = int(profiles.platform[accounts[0]])
    users = population.users(platform)
    n_ages, n_genders, n_categories = users.shape[1:]
    where = profiles.place[accounts]
    base = users[where.argmax(axis=1)]
    base = base / base.sum(axis=(1, 2, 3), keepdims=True)
    age = profiles.age[accounts].astype(np.float64)
    female = profiles.female[accounts].astype(np.float64)
    gender = np.column_stack([female, 1 - female])
    interest = profiles.interest[accounts].astype(np.float64)
    by_gender, by_interest = np.ones_like(gender), np.ones_like(interest)
    for _ in range(_N_RAKES):
        among = np.einsum("magc,mc->mag", base, by_interest)
        by_age = age / np.einsum("mag,mg->ma", among, by_gender)
        by_gender = gender / np.einsum("mag,ma->mg", among, by_age)
        both = by_age[:, :, None] * by_gender[:, None, :]
        by_interest = interest / np.einsum("magc,mag->mc", base, both)
    kind = (both[..., None] * by_interest[:, None, None, :]).reshape(len(accounts), -1)
    flat = users.reshape(len(users), n_ages * n_genders * n_categories)
    drawn = np.einsum("mk,pk->mp", kind, flat)
    place = np.divide(where, drawn, out=np.zeros_like(drawn), where=drawn > 0)
    return Affinities(place.astype(dtype), kind.astype(dtype), flat.astype(dtype))


def solve_levels(rates: Affinities, totals: Floats, *, precision: float) -> Floats:
    """Levels at which accounts have given numbers of followers.

    The number of followers grows with the level, from level * SHAPE when small to all users.
    Newton's method in logarithms starts from the proportional solution, which lies below the root;
    a step that leaves the bracket is halved into it.

    Parameters
    ----------
    rates : Affinities
        Accounts of one platform, m.
    totals : ndarray of float, shape (m,)
        Followers wanted, above 0.
    precision : float
        Relative error of the followers that is good enough.

    Returns
    -------
    ndarray of float, shape (m,)
        Levels.

    Raises
    ------
    DataError
        If an account has more followers than its platform has users that it appeals to.
    """
    reachable = np.einsum("mp,pk->m", (rates.place > 0).astype(np.float64), rates.users)
    if (totals >= 0.98 * reachable).any():
        k = int((totals - 0.98 * reachable).argmax())
        raise DataError(
            f"audience: {totals[k]:.0f} people asked for; {reachable[k]:.0f} use the platform; "
            "expected less than 98 % of them"
        )
    guess = np.log(totals / SHAPE)
    low, high = guess.copy(), np.full(len(totals), np.inf)
    active = np.arange(len(totals))
    for _ in range(_N_STEPS):
        found, slope = _followers(rates.take(active), np.exp(guess[active]))
        gap = np.log(found / totals[active])
        far = np.abs(gap) > precision
        active, gap, slope = active[far], gap[far], slope[far]
        if not len(active):
            return np.exp(guess)
        now = guess[active]
        low[active] = np.where(gap < 0, now, low[active])
        high[active] = np.where(gap > 0, now, high[active])
        step = now - np.maximum(gap / slope, -_LONGEST)
        middle = (low[active] + np.minimum(high[active], now + _LONGEST)) / 2
        inside = (step > low[active]) & (step < high[active])
        guess[active] = np.where(inside, step, middle)
    raise DataError(f"audience: no level found for {len(active)} accounts; report this as a defect")


def _followers(rates: Affinities, level: Floats) -> tuple[Floats, Floats]:
    """Followers, and their change with the logarithm of the level relative to them."""
    x = rates.cells(level)
    grown = np.log1p(x)
    grown *= -SHAPE
    chance = np.expm1(grown)
    found = -np.einsum("mpk,pk->m", chance, rates.users)
    chance += 1
    chance *= x
    x += 1
    chance /= x
    change = SHAPE * np.einsum("mpk,pk->m", chance, rates.users)
    return found.astype(np.float64), (change / found).astype(np.float64)


def none_followed(
    exposure: Sequence[Floats],
    use: Sequence[Floats],
    creators: Sequence[Sequence[tuple[int, Floats]]] = (),
) -> Floats:
    """Chance that people of each cell follow none of some accounts, over several platforms.

    Whether a person uses one platform does not depend on whether she uses another, given her cell;
    her activity is the same on all.

    Parameters
    ----------
    exposure : sequence of ndarray of float
        Sum of the rates of the accounts on each platform; shapes agree.
    use : sequence of ndarray of float
        Share of each cell's people who use it; shapes that broadcast to those of `exposure`.
    creators : sequence of sequence of (int, ndarray of float)
        Creators with several channels among the accounts: for each channel the position of its
        platform in `exposure`, and its rates.

    Returns
    -------
    ndarray of float
        Chances, 0..1.
    """
    total = np.zeros_like(exposure[0])
    for pattern in product((False, True), repeat=len(exposure)):
        weight: Floats = np.ones_like(use[0])
        rate: Floats = np.zeros_like(exposure[0])
        for is_used, x, share in zip(pattern, exposure, use, strict=True):
            weight = weight * (share if is_used else 1 - share)
            rate = rate + x if is_used else rate
        for channels in creators:
            used = [x for k, x in channels if pattern[k]]
            if len(used) > 1:
                rate = rate - BOND * (np.sum(used, axis=0) - np.max(used, axis=0))
        total += weight * np.exp(-SHAPE * np.log1p(rate))
    return total


def chance_of(rates: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Chance of following at least one of some accounts of a platform that one uses.

    Parameters
    ----------
    rates : ndarray
        Sum of their rates.

    Returns
    -------
    ndarray
        Chances, 0..1.
    """
    return np.asarray(-np.expm1(np.log1p(rates) * -SHAPE))


def parts(rows: Ints) -> Iterator[Ints]:
    """Rows in blocks of bounded size.

    Parameters
    ----------
    rows : ndarray of int
        Rows.

    Yields
    ------
    ndarray of int
        Some of them, in order.
    """
    for k in range(0, len(rows), _BLOCK):
        yield rows[k : k + _BLOCK]


def blocks_by_platform(profiles: AudienceProfiles, accounts: Ints) -> Iterator[Ints]:
    """Positions of accounts in blocks of bounded size, each of one platform.

    Parameters
    ----------
    profiles : AudienceProfiles
        Audiences.
    accounts : ndarray of int, shape (m,)
        Accounts; may repeat.

    Yields
    ------
    ndarray of int
        Positions in `accounts`.
    """
    platform = profiles.platform[accounts]
    for p in np.unique(platform):
        yield from parts(np.flatnonzero(platform == p))


def exact_levels(
    profiles: AudienceProfiles, population: Population, accounts: Ints, totals: Floats
) -> Floats:
    """Levels at which accounts reach given numbers of people, to ten digits.

    Parameters
    ----------
    profiles : AudienceProfiles
        Audiences.
    population : Population
        People.
    accounts : ndarray of int, shape (m,)
        Accounts on any platforms.
    totals : ndarray of float, shape (m,)
        People, above 0.

    Returns
    -------
    ndarray of float, shape (m,)
        Levels; see `solve_levels`.
    """
    level = np.empty(len(accounts))
    for rows in blocks_by_platform(profiles, accounts):
        found = affinities(profiles, accounts[rows], population, dtype=np.float64)
        level[rows] = solve_levels(found, totals[rows], precision=_EXACT)
    return level


def exact_rates(
    profiles: AudienceProfiles, population: Population, accounts: Ints, totals: Floats
) -> Floats:
    """Rates of following in every cell.

    Parameters
    ----------
    profiles : AudienceProfiles
        Audiences.
    population : Population
        People.
    accounts : ndarray of int, shape (m,)
        Accounts on any platforms.
    totals : ndarray of float, shape (m,)
        People whom each reaches, above 0.

    Returns
    -------
    ndarray of float, shape (m, n_cells)
        Rates, cells flattened.
    """
    rates = np.empty((len(accounts), population.people.size))
    for rows in blocks_by_platform(profiles, accounts):
        found = affinities(profiles, accounts[rows], population, dtype=np.float64)
        level = solve_levels(found, totals[rows], precision=_EXACT)
        rates[rows] = found.cells(level).reshape(len(rows), -1)
    return rates
