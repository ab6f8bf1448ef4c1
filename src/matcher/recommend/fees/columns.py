"""What prices are learnt from: facts of accounts as of an instant, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.columns import KINDS, PLATFORMS
from matcher.features.snapshots import newest_snapshots
from matcher.features.windows import window_aggregates
from matcher.market.instants import to_microseconds
from matcher.retrieval.facts import account_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.features.context import MarketData

__all__ = ["AccountColumns"]

_DAY_US: Final = 86_400_000_000
_LEVELS: Final = (
    "engagements_level",
    "views_level",
    "reach_level",
    "impressions_level",
    "rate_by_views",
    "rate_by_reach",
    "shares_per_view",
    "comments_per_like",
    "comments_per_like_spread",
    "engagements_spread",
    "sponsored_level",
)
_COUNTS: Final = ("n_posts", "n_posts_90d", "n_sponsored")
_TYPICAL: Final = 9.0
"""ln of a usual number of followers, about 8,000, from which products of columns are measured."""
_LEAST_OF_A_KIND: Final = 5
"""Accounts from which a country, language or category has a column of its own."""
_MOST_COUNTRIES: Final = 8
_HOMES: Final = 3
"""Countries, the most frequent ones, in which platforms and followers may be paid differently."""


@dataclass(frozen=True, eq=False)
class AccountColumns:
    """Columns of accounts as of an instant; which ones there are is fixed by some accounts.

    Parameters
    ----------
    instant : int
        Microseconds since 1970; only what was known strictly before counts.
    countries, languages, categories : tuple of str
        Those that have a column.
    """

    instant: int
    countries: tuple[str, ...]
    languages: tuple[str, ...]
    categories: tuple[str, ...]

    @classmethod
    def of(cls, data: MarketData, accounts: NDArray[np.int64], instant: int) -> AccountColumns:
        """Columns that some accounts can fill.

        Parameters
        ----------
        data : MarketData
            Market.
        accounts : numpy.ndarray of int64, shape (n_accounts,)
            Accounts to learn from.
        instant : int
            Microseconds since 1970.

        Returns
        -------
        AccountColumns
            Columns, countries by frequency.
        """
        described = accounts[data.index.influencer_described_at[accounts] < instant]
        facts = account_facts(data)
        countries = pd.Series(facts.countries[described], dtype=object).dropna()
        names, spoken = facts.languages
        spoken_by = spoken[described].sum(axis=0)
        return cls(
            instant,
            _frequent(countries, most=_MOST_COUNTRIES),
            tuple(str(one) for one in names[spoken_by >= _LEAST_OF_A_KIND]),
            _frequent(_listed(data, described)["category"], most=None),
        )

    def values(
        self, data: MarketData, accounts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """Columns of accounts.

        Parameters
        ----------
        data : MarketData
            Market that holds them.
        accounts : numpy.ndarray of int64, shape (n_accounts,)
            Account codes.

        Returns
        -------
        values : numpy.ndarray of float64, shape (n_accounts, n_columns)
            NaN where a number is not known.
        names : tuple of str
            Columns; those of size, platform and home come first, see `n_first`.
        """
        instants = np.full(len(accounts), self.instant)
        sizes = newest_snapshots(data.index, accounts, instants)
        columns = {"followers_log": np.log1p(sizes["n_followers"].to_numpy(np.float64))}
        columns |= {**self._places(data, accounts), **self._described(data, accounts)}
        columns |= self._measured(data, accounts, sizes)
        columns |= self._together(columns)
        return np.column_stack(list(columns.values())), tuple(columns)

    @property
    def n_first(self) -> int:
        """Leading columns that say most of a price: followers, platform, country, language."""
        return 1 + len(PLATFORMS) + len(self.countries) + len(self.languages)

    def _places(
        self, data: MarketData, accounts: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float64]]:
        index, facts = data.index, account_facts(data)
        known = index.influencer_described_at[accounts] < self.instant
        platforms, countries = facts.platforms[accounts], facts.countries[accounts]
        names, spoken = facts.languages
        columns = {f"on {one}": (platforms == one).astype(np.float64) for one in PLATFORMS}
        for one in self.countries:
            columns[f"from {one}"] = (known & (countries == one)).astype(np.float64)
        for one in self.languages:
            place = int(np.searchsorted(names, one))
            columns[f"speaks {one}"] = (known & spoken[accounts, place]).astype(np.float64)
        return columns

    def _described(
        self, data: MarketData, accounts: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float64]]:
        index = data.index
        known = index.influencer_described_at[accounts] < self.instant
        kinds = index.influencers["kind"].to_numpy(object)[accounts]
        columns = {f"kind {one}": (known & (kinds == one)).astype(np.float64) for one in KINDS}
        listed = _listed(data, accounts)
        for one in self.categories:
            column = np.zeros(len(accounts))
            column[listed.loc[listed["category"] == one, "place"].to_numpy(np.int64)] = 1.0
            columns[f"about {one}"] = np.where(known, column, 0.0)
        verified = index.accounts["is_verified"].astype("float64").to_numpy(np.float64)[accounts]
        is_read = index.account_described_at[accounts] < self.instant
        columns["is_verified"] = np.where(is_read, verified, np.nan)
        created = to_microseconds(index.accounts["created_at"])[accounts]
        days = np.maximum(self.instant - created, 0) / _DAY_US
        columns["age_log"] = np.where(created < self.instant, np.log1p(days), np.nan)
        return columns

    def _measured(
        self, data: MarketData, accounts: NDArray[np.int64], sizes: pd.DataFrame
    ) -> dict[str, NDArray[np.float64]]:
        instants = np.full(len(accounts), self.instant)
        seen = window_aggregates(data.spans, accounts, instants, n_threads=1)
        growth = np.log1p(sizes["n_followers"]) - np.log1p(sizes["n_followers_before"])
        return {
            **{name: seen[name].to_numpy(np.float64) for name in _LEVELS},
            **{name: np.log1p(seen[name].to_numpy(np.float64)) for name in _COUNTS},
            "follower_growth": (growth / sizes["days_between"]).to_numpy(np.float64),
        }

    def _together(
        self, columns: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, NDArray[np.float64]]:
        """Products: a follower is not worth the same on every platform and in every country."""
        size = columns["followers_log"] - _TYPICAL
        homes = [f"from {one}" for one in self.countries[:_HOMES]]
        places = [f"on {one}" for one in PLATFORMS]
        # Where followers are not known these products say nothing.
        known = np.nan_to_num(size)
        found = {"followers_log squared": size**2}
        found |= {f"followers {name}": columns[name] * known for name in (*places, *homes)}
        for home in homes:
            found |= {f"{name} {home}": columns[name] * columns[home] for name in places}
        return found


def _listed(data: MarketData, accounts: NDArray[np.int64]) -> pd.DataFrame:
    """One row per account and category of its person."""
    lists = data.index.influencers["categories"].to_numpy(object)[accounts]
    rows = [
        (place, category)
        for place, names in enumerate(lists)
        if isinstance(names, tuple)
        for category in names
    ]
    return pd.DataFrame(rows, columns=["place", "category"])


def _frequent(names: pd.Series, *, most: int | None) -> tuple[str, ...]:
    """Names that stand often enough, by frequency, then by name."""
    counts = names.value_counts()
    ranked = sorted((-int(n), str(name)) for name, n in counts.items() if n >= _LEAST_OF_A_KIND)
    return tuple(name for _, name in ranked[:most])
