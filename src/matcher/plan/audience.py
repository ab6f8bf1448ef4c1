"""Of whom the audience of each account consists, from the table `audiences`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import MatcherError
from matcher.retrieval.facts import account_facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import MarketData

__all__ = ["ELSEWHERE", "Audiences", "read_audiences"]

ELSEWHERE: Final = "other"
"""Bucket of all countries that no table names."""
_DIMENSIONS: Final = ("country", "interest")
"""What cells are made of. On development markets age, gender and city changed little more."""
_LEAST: Final = 1e-6
"""Share that a bucket has at least, so that nobody is impossible."""
_PSEUDO_ACCOUNTS: Final = 2.0
"""Accounts for which the mean over all stands where an account's own table is missing."""


@dataclass(frozen=True, eq=False)
class Audiences:
    """Shares of audiences by dimension.

    Parameters
    ----------
    buckets : mapping of str to tuple of str
        Buckets of each dimension that is known of some account.
    shares : mapping of str to numpy.ndarray of float64, shape (n_accounts, n_buckets)
        Shares of each account asked for; rows sum to 1.
    n_known : mapping of str to int
        Accounts asked for whose own shares of a dimension are known; the others have those of
        accounts like them.
    """

    buckets: Mapping[str, tuple[str, ...]]
    shares: Mapping[str, NDArray[np.float64]]
    n_known: Mapping[str, int]

    def __post_init__(self) -> None:
        for name, held in self.shares.items():
            if held.shape[1:] != (len(self.buckets[name]),) or not np.allclose(held.sum(axis=1), 1):
                raise MatcherError(
                    f"audiences: shares of {name} have the shape {held.shape}; expected rows that "
                    f"sum to 1 over {len(self.buckets[name])} buckets"
                )


def read_audiences(data: MarketData, codes: NDArray[np.int64], instant: int) -> Audiences:
    """Shares of the audiences of accounts, known strictly before an instant.

    What a table does not name of countries lies elsewhere; what it does not name of interests is
    spread over the buckets that it leaves out, as they are in the mean of all tables. An account
    without a table has the mean of those like it (of its home country for the countries, of its
    first category for the interests), drawn to the mean of all as if that stood for 2 accounts.

    Parameters
    ----------
    data : MarketData
        Market.
    codes : numpy.ndarray of int64, shape (n,)
        Account codes.
    instant : int
        Microseconds since 1970.

    Returns
    -------
    Audiences
        In the order of `codes`; without a dimension of which nothing is known.
    """
    table = data.index.audiences
    known = table.dated.newest(instant)
    buckets: dict[str, tuple[str, ...]] = {}
    shares: dict[str, NDArray[np.float64]] = {}
    n_known: dict[str, int] = {}
    for name in _DIMENSIONS:
        labels = np.flatnonzero(table.label_names[:, 0] == name)
        place = np.full(len(table.label_names), -1)
        place[labels] = np.arange(len(labels))
        rows = known[place[table.labels[known]] >= 0]
        if not len(rows):
            continue
        names = tuple(str(one) for one in table.label_names[labels, 1])
        held = np.zeros((len(data.index.account_ids), len(names)))
        held[table.accounts[rows], place[table.labels[rows]]] = table.shares[rows]
        has = np.zeros(len(held), dtype=bool)
        has[table.accounts[rows]] = True
        names, held = _complete(name, names, held, has)
        alike = _alike(data, instant)[name]
        buckets[name] = names
        shares[name] = _fill(held, has, alike)[codes]
        n_known[name] = int(has[codes].sum())
    return Audiences(buckets, shares, n_known)


def _complete(
    name: str, names: tuple[str, ...], held: NDArray[np.float64], has: NDArray[np.bool_]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Shares that sum to 1, with a place for what the tables do not name."""
    rest = np.maximum(1.0 - held.sum(axis=1), 0.0)
    if name == "country":
        if ELSEWHERE not in names:
            names, held = (*names, ELSEWHERE), np.column_stack((held, np.zeros(len(held))))
        held = held.copy()
        held[:, names.index(ELSEWHERE)] += rest
    else:
        usual = np.maximum(held[has].mean(axis=0), _LEAST)
        missing = (held <= 0) * usual
        total = missing.sum(axis=1, keepdims=True)
        held = held + rest[:, None] * np.divide(missing, total, where=total > 0, out=missing * 0)
    held = np.maximum(held, _LEAST)
    return names, held / held.sum(axis=1, keepdims=True)


def _fill(
    held: NDArray[np.float64], has: NDArray[np.bool_], alike: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Means over accounts that are alike, where an account's own shares are missing."""
    overall = held[has].mean(axis=0)
    n_groups = int(alike.max()) + 1
    sums = np.zeros((n_groups, held.shape[1]))
    np.add.at(sums, alike[has], held[has])
    counts = np.bincount(alike[has], minlength=n_groups)[:, None]
    means = (sums + _PSEUDO_ACCOUNTS * overall) / (counts + _PSEUDO_ACCOUNTS)
    return np.where(has[:, None], held, means[alike])


def _alike(data: MarketData, instant: int) -> dict[str, NDArray[np.int64]]:
    """Group of each account whose members have like audiences, by dimension."""
    facts = account_facts(data)
    described = facts.described_at < instant
    lists = data.index.influencers["categories"].to_numpy(object)
    first = [one[0] if isinstance(one, tuple) and one else None for one in lists]
    keys = {"country": facts.countries, "interest": np.array(first, dtype=object)}
    found = {}
    for name, values in keys.items():
        known = np.where(described & ~pd.isna(values), values, "")
        found[name] = pd.factorize(known)[0].astype(np.int64)
    return found
