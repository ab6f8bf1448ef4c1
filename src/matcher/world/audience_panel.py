"""People drawn from the population with the accounts that each of them follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from matcher.columns import PLATFORMS
from matcher.errors import UsageError
from matcher.world.audience_model import BOND, SHAPE, blocks_by_platform, chance_of, exact_rates
from matcher.world.audience_profiles import AudienceProfiles
from matcher.world.population import Population
from matcher.world.streams import stream

__all__ = ["Panel", "draw_panel"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]


_ANYBODY: Final = 0.25
"""Share of a panel that is drawn from all people."""


@dataclass(frozen=True, eq=False)
class Panel:
    """People drawn from the population, and whom each of them follows.

    Attributes
    ----------
    cell : ndarray of int, shape (n_users,)
        Index into the flattened cells of the population.
    weight : ndarray of float, shape (n_users,)
        People that each stands for; their expected sum is the population.
    follows : scipy.sparse.csr_array of bool, shape (n_users, m)
        Whom each person follows, in the order of the accounts asked for.
    """

    cell: Ints
    weight: Floats
    follows: sparse.csr_array


@dataclass(frozen=True, eq=False)
class _Drawn:
    """People before they follow: the account drawn for (-1 for none), cell, activity, platforms.

    `threshold` is that of the account's creator, given that it is followed.
    """

    source: Ints
    cell: Ints
    activity: Floats
    threshold: Floats
    uses: Masks


def draw_panel(
    profiles: AudienceProfiles, population: Population, accounts: Ints, n_users: int, *, seed: int
) -> Panel:
    """Draw people, a quarter of them from all, the others among the followers of the accounts.

    Each of the others is drawn for one account i, with probability q_i proportional to the root of
    its followers, and follows it for certain; her cell, activity and other follows are drawn given
    that. Weights undo it: a person stands for
    (N / n_users) / (1/4 + 3/4 sum of q_i follows_i N / followers_i), which makes weighted counts
    unbiased.

    Parameters
    ----------
    profiles : AudienceProfiles
        Audiences.
    population : Population
        People, N in all.
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
    if n_users < 1 or not len(accounts):
        raise UsageError(
            f"membership: {n_users} users and {len(accounts)} accounts; expected 1 or more"
        )
    rng = stream(seed, "panel")
    creators = profiles.creator[accounts]
    _, owner, counts = np.unique(creators, return_inverse=True, return_counts=True)
    has_others = counts[owner] > 1
    often = np.sqrt(profiles.size[accounts])
    often /= often.sum()
    drawn = _draw_people(profiles, population, accounts, often, n_users, rng)
    columns = []
    order = np.empty(0, dtype=np.int64)
    for rows, rates in _all_rates(profiles, population, accounts):
        chance = rates.T[drawn.cell] * drawn.activity[:, None]
        is_bonded = has_others[rows]
        alone = np.where(is_bonded, 1 - BOND, 1.0)
        follows = rng.random(chance.shape) < -np.expm1(-chance * alone)
        for column in np.flatnonzero(is_bonded):
            creator = int(creators[rows[column]])
            threshold = stream(seed, "panel", creator).exponential(size=n_users)
            is_own = creators[drawn.source] == creator
            threshold = np.where(is_own & (drawn.source >= 0), drawn.threshold, threshold)
            follows[:, column] |= threshold < BOND * chance[:, column]
        follows &= drawn.uses[:, profiles.platform[accounts[rows]]]
        follows |= drawn.source[:, None] == rows
        columns.append(sparse.csc_array(follows))
        order = np.concatenate([order, rows])
    followed = sparse.csc_array(sparse.hstack(columns, format="csc"))[:, np.argsort(order)]
    n_people = float(population.people.sum())
    density = np.asarray(followed @ (often * n_people / profiles.size[accounts]))
    return Panel(
        cell=drawn.cell,
        weight=n_people / n_users / (_ANYBODY + (1 - _ANYBODY) * density),
        follows=sparse.csr_array(followed),
    )


def _all_rates(
    profiles: AudienceProfiles, population: Population, accounts: Ints
) -> Iterator[tuple[Ints, Floats]]:
    for rows in blocks_by_platform(profiles, accounts):
        chosen = accounts[rows]
        yield rows, exact_rates(profiles, population, chosen, profiles.size[chosen])


def _draw_people(
    profiles: AudienceProfiles,
    population: Population,
    accounts: Ints,
    often: Floats,
    n_users: int,
    rng: np.random.Generator,
) -> _Drawn:
    source = _draw_index(often, rng.random(n_users))
    source = np.where(rng.random(n_users) < _ANYBODY, -1, source)
    cell = _draw_index(population.people.ravel(), rng.random(n_users))
    activity = rng.gamma(SHAPE, size=n_users)
    threshold = np.zeros(n_users)
    by_source = np.argsort(source, kind="stable")
    edges = np.searchsorted(source[by_source], np.arange(len(accounts) + 1))
    for rows, rates in _all_rates(profiles, population, accounts):
        users = population.users(int(profiles.platform[accounts[rows[0]]])).ravel()
        for row, rate in zip(rows, rates, strict=True):
            mine = by_source[edges[row] : edges[row + 1]]
            cell[mine] = _draw_index(chance_of(rate) * users, rng.random(len(mine)))
            activity[mine] = _draw_activity(rate[cell[mine]], rng)
            threshold[mine] = _draw_threshold(activity[mine] * rate[cell[mine]], rng)
    n_interests = len(population.categories)
    share = population.use.reshape(len(PLATFORMS), -1).T[cell // n_interests]
    uses = rng.random(share.shape) < share
    rows = np.flatnonzero(source >= 0)
    uses[rows, profiles.platform[accounts[source[rows]]]] = True
    return _Drawn(source, cell, activity, threshold, uses)


def _draw_index(counts: Floats, drawn: Floats) -> Ints:
    edges = np.cumsum(counts)
    return np.searchsorted(edges / edges[-1], drawn, side="right")


def _draw_activity(rate: Floats, rng: np.random.Generator) -> Floats:
    """Activity given that an account with this rate is followed.

    Its density is that of the gamma times 1 - exp(-A x), the integral of A exp(-A t) over t from 0
    to x: t is drawn first, then A given t.
    """
    followed = rng.random(len(rate)) * chance_of(rate)
    t = np.expm1(-np.log1p(-followed) / SHAPE)
    return np.asarray(rng.gamma(SHAPE + 1, size=len(rate)) / (1 + t))


def _draw_threshold(rate: Floats, rng: np.random.Generator) -> Floats:
    """Threshold of a creator given that one channel, with this rate times activity, is followed.

    It lies below BOND * rate, or the rest of the rate was enough and it lies above.
    """
    bonded = -np.expm1(-BOND * rate)
    is_below = rng.random(len(rate)) * -np.expm1(-rate) < bonded
    below = -np.log1p(-rng.random(len(rate)) * bonded)
    return np.where(is_below, below, BOND * rate + rng.exponential(size=len(rate)))
