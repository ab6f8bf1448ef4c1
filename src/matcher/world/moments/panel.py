"""What only a panel of people could tell: who is on a platform, and who follows two accounts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from matcher.columns import PLATFORMS

__all__ = ["Panel", "read_panel", "sample_pairs"]

_N_PAIRS: Final = 1_500
"""Pairs of accounts of each kind whose overlap is asked for."""
_PAIR_SEED: Final = 7
_LEAST_FOLLOWERS: Final = 10_000.0


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


def read_panel(folder: Path) -> Panel | None:
    """Panel of a simulated market.

    Parameters
    ----------
    folder : pathlib.Path
        Market, its truth inside.

    Returns
    -------
    Panel or None
        People, users and overlaps; None where the truth holds no population.
    """
    path = folder / "truth" / "population.parquet"
    if not path.is_file():
        return None
    from matcher.world.truth import read_truth

    truth = read_truth(folder)
    people, vocabulary = truth.market.people, truth.market.vocabulary
    niche = vocabulary.category_of[people.main_sub[people.person]]
    accounts = pd.DataFrame(
        {
            "platform": people.platform,
            "country": people.country[people.person],
            # Overlap is looked at for accounts that are hired together for their reach.
            "category": np.where(people.followers >= _LEAST_FOLLOWERS, niche, np.nan),
        }
    )
    pairs = sample_pairs(accounts, _N_PAIRS)
    shared = truth.audience.overlap(pairs["first"].to_numpy(), pairs["second"].to_numpy())
    return Panel(*_count_people(pd.read_parquet(path)), pairs.assign(overlap=shared))


def _count_people(cells: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """People and users of Viet Nam by age."""
    home = cells[cells["country"].eq("VN")]
    used = {name: home["people"] * home[f"use_{name}"] for name in PLATFORMS}
    users = pd.DataFrame(used).groupby(home["age"]).sum()
    return home.groupby("age")["people"].sum(), users


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
