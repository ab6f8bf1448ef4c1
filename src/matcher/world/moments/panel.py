"""What only a panel of people could tell: who is on a platform, and who follows two accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from matcher.columns import AGE_BUCKETS, PLATFORMS

__all__ = ["Panel", "build_panel"]

_N_PAIRS: Final = 1_500
"""Pairs of accounts of each kind whose overlap is asked for."""
_PAIR_SEED: Final = 7


@dataclass(frozen=True, eq=False)
class Panel:
    """People of Viet Nam and pairs of accounts.

    Parameters
    ----------
    people : pandas.Series
        People who use social media, by age bucket.
    users : pandas.DataFrame
        Of these, users of a platform: index age bucket, columns platforms.
    overlaps : pandas.DataFrame
        One row per pair of accounts of one platform and country: ``is_same_niche``, and `overlap`
        (people who follow both over those who follow the one with fewer, 0..1).
    """

    people: pd.Series
    users: pd.DataFrame
    overlaps: pd.DataFrame


def build_panel(audience: Any, places: npt.NDArray[np.bool_], accounts: pd.DataFrame) -> Panel:
    """Panel of a market's audience model.

    Parameters
    ----------
    audience : Any
        `Truth.audience`: has ``population`` with ``people`` and ``users``, and ``overlap``.
    places : ndarray of bool, shape (n_places,)
        Places of Viet Nam.
    accounts : pandas.DataFrame
        Accounts in the order of the truth, with ``platform, country, category``.

    Returns
    -------
    Panel
        People, users and overlaps.
    """
    population = audience.population
    ages = list(AGE_BUCKETS)
    people = pd.Series(population.people[places].sum(axis=(0, 2, 3)), index=ages)
    users = pd.DataFrame(
        {name: population.users(k)[places].sum(axis=(0, 2, 3)) for k, name in enumerate(PLATFORMS)},
        index=ages,
    )
    pairs = sample_pairs(accounts, _N_PAIRS)
    shared = audience.overlap(pairs["first"].to_numpy(), pairs["second"].to_numpy())
    return Panel(people, users, pairs.assign(overlap=shared))


def sample_pairs(accounts: pd.DataFrame, n: int) -> pd.DataFrame:
    """Pairs of accounts of one platform and country, of one niche and of two.

    Parameters
    ----------
    accounts : pandas.DataFrame
        Accounts with ``platform, country, category``; those with an unknown one are left out.
    n : int
        Pairs of each kind, at most.

    Returns
    -------
    pandas.DataFrame
        Columns ``first, second`` (row numbers in `accounts`), ``is_same_niche``.
    """
    known = accounts.reset_index(drop=True)[["platform", "country", "category"]].dropna()
    rng = np.random.default_rng(_PAIR_SEED)
    parts: list[pd.DataFrame] = []
    for is_same in (True, False):
        keys = ["platform", "country", *(["category"] if is_same else [])]
        shuffled = known.iloc[rng.permutation(len(known))]
        # Everybody's partner is the next one in the random order of the group.
        order = shuffled.sort_values(keys, kind="stable")
        partner = order.shift(-1)
        alike = (order[keys] == partner[keys]).all(axis=1)
        alike &= order["category"].eq(partner["category"]) == is_same
        rows = np.flatnonzero(alike.to_numpy())
        rows = np.sort(rng.permutation(rows)[:n])
        places = order.index.to_numpy()
        pairs = {"first": places[rows], "second": places[rows + 1], "is_same_niche": is_same}
        parts.append(pd.DataFrame(pairs))
    return pd.concat(parts, ignore_index=True)
