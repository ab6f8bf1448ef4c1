"""Rates as of an instant: what accounts ask, and cells of accounts that are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.columns import FORMATS
from matcher.features.snapshots import newest_snapshots
from matcher.market.tiers import UNKNOWN_TIER, assign_tier
from matcher.recommend.fees.observed import exchange_factors, paid_currencies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex
    from matcher.features.offers import Quotes
    from matcher.market.brief import Brief
    from matcher.retrieval.facts import AccountFacts

__all__ = ["ENDS", "LEAST_RATES", "Asked", "Cell", "RateTable"]

LEAST_RATES: Final = 10
"""Accounts with a rate below which a cell gives no estimate and its parent is asked."""
ENDS: Final = (0.1, 0.5, 0.9)
"""Quantiles that an estimate states: the ends of its range, with the fee between them."""


@dataclass(frozen=True, eq=False)
class Asked:
    """Lowest newest rate of each account for one post, rates in force before those run out.

    Parameters
    ----------
    price : numpy.ndarray of float64, shape (n_accounts,)
        Price, NaN without a rate.
    quote : numpy.ndarray of int64, shape (n_accounts,)
        Row of `matcher.features.offers.Quotes` that it comes from, -1 without one.
    in_force : numpy.ndarray of bool, shape (n_accounts,)
        Whether that rate still holds.
    n_choices : numpy.ndarray of int64, shape (n_accounts,)
        Rates in force of which it is the lowest.
    """

    price: NDArray[np.float64]
    quote: NDArray[np.int64]
    in_force: NDArray[np.bool_]
    n_choices: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        quotes: Quotes,
        rows: NDArray[np.int64],
        factors: NDArray[np.float64],
        *,
        instant: int,
        n_accounts: int,
    ) -> Asked:
        """Choose a rate per account.

        Parameters
        ----------
        quotes : Quotes
            Rates of a market.
        rows : numpy.ndarray of int64
            Those to choose from.
        factors : numpy.ndarray of float64, shape (n_currencies,)
            What converts each currency, NaN where nothing does; such rates are left out.
        instant : int
            Microseconds since 1970.
        n_accounts : int
            Accounts of the market.

        Returns
        -------
        Asked
            By account code.
        """
        converted = quotes.price_per_post[rows] * factors[quotes.currencies[rows]]
        rows, converted = rows[np.isfinite(converted)], converted[np.isfinite(converted)]
        has_run_out = quotes.valid_until[rows] < instant
        accounts = quotes.accounts[rows]
        order = np.lexsort((quotes.formats[rows], converted, has_run_out, accounts))
        rows, converted, has_run_out = rows[order], converted[order], has_run_out[order]
        found, first = np.unique(accounts[order], return_index=True)
        price, quote = np.full(n_accounts, np.nan), np.full(n_accounts, -1, dtype=np.int64)
        in_force = np.zeros(n_accounts, dtype=bool)
        price[found], quote[found] = converted[first], rows[first]
        in_force[found] = ~has_run_out[first]
        choices = np.bincount(quotes.accounts[rows[~has_run_out]], minlength=n_accounts)
        return cls(price, quote, in_force, choices)


@dataclass(frozen=True, eq=False)
class Cell:
    """Accounts that are alike: where they were looked for, how many, and what they ask.

    Parameters
    ----------
    is_on_platform : bool
        Whether all are on the account's own platform.
    is_in_format : bool
        Whether all have a rate in a format of the brief.
    n : int
        Accounts.
    quantiles : numpy.ndarray of float64, shape (3,)
        Their prices at the levels of `ENDS`.
    """

    is_on_platform: bool
    is_in_format: bool
    n: int
    quantiles: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RateTable:
    """Newest rates and sizes of all accounts as of an instant.

    Parameters
    ----------
    index : MarketIndex
        Market.
    instant : int
        Microseconds since 1970.
    rows : numpy.ndarray of int64
        Newest rate of each account and format, as rows of `matcher.features.offers.Quotes`.
    platforms, tiers : numpy.ndarray of object, shape (n_accounts,)
        Platform and follower tier of each account.
    asked : dict
        What `ask` found.
    cells : dict
        What `cell` found.
    """

    index: MarketIndex
    instant: int
    rows: NDArray[np.int64]
    platforms: NDArray[np.object_]
    tiers: NDArray[np.object_]
    asked: dict[tuple[str, tuple[str, ...]], Asked]
    cells: dict[tuple[str, tuple[str, ...], str, str], Cell | None]

    @classmethod
    def of(cls, facts: AccountFacts, instant: int) -> RateTable:
        """Look at a market's rates as of an instant.

        Parameters
        ----------
        facts : AccountFacts
            Facts of a market.
        instant : int
            Microseconds since 1970; rates known strictly before it count.

        Returns
        -------
        RateTable
            Rates of all accounts.
        """
        index = facts.index
        everyone = np.arange(len(index.account_ids))
        known = newest_snapshots(index, everyone, np.full(len(everyone), instant))
        tiers = assign_tier(known["n_followers"], index.market.settings.tier_scheme)
        rows = index.quotes.dated.newest(instant)
        return cls(index, instant, rows, facts.platforms, tiers.to_numpy(object), {}, {})

    def currency(self, brief: Brief) -> str | None:
        """Currency of a brief, else the only one in which prices are known.

        Parameters
        ----------
        brief : Brief
            Brief.

        Returns
        -------
        str or None
            ISO 4217; None where the brief names none and rates (without any rate: fees that were
            paid) stand in several, or none.
        """
        if brief.currency is not None:
            return brief.currency
        held = np.unique(self.index.quotes.currencies[self.rows])
        names = [str(self.index.quotes.currency_names[code]) for code in held]
        names = names or paid_currencies(self.index, self.instant)
        return names[0] if len(names) == 1 else None

    def ask(self, currency: str, formats: tuple[str, ...]) -> Asked:
        """What accounts ask in some formats, in any when none is named.

        Parameters
        ----------
        currency : str
            Currency of the prices.
        formats : tuple of str
            Formats.

        Returns
        -------
        Asked
            One price per account.
        """
        key = (currency, formats)
        if key not in self.asked:
            quotes, rows = self.index.quotes, self.rows
            if formats:
                wanted = [-1, *(FORMATS.index(name) for name in formats)]
                rows = rows[np.isin(quotes.formats[rows], wanted)]
            held = [quotes.currency_names[code] for code in np.unique(quotes.currencies[rows])]
            known = exchange_factors(self.index, held, currency, self.instant)
            factors = [known.get(name, np.nan) for name in quotes.currency_names]
            self.asked[key] = Asked.of(
                quotes,
                rows,
                np.array(factors, dtype=np.float64),
                instant=self.instant,
                n_accounts=len(self.index.account_ids),
            )
        return self.asked[key]

    def cell(
        self, currency: str, formats: tuple[str, ...], platform: str, tier: str
    ) -> Cell | None:
        """The narrowest cell of an account's platform and tier that is large enough.

        Parameters
        ----------
        currency : str
            Currency of the prices.
        formats : tuple of str
            Formats of the brief.
        platform, tier : str
            Those of the account.

        Returns
        -------
        Cell or None
            None where no cell has `LEAST_RATES` accounts.
        """
        key = (currency, formats, platform, tier)
        if key not in self.cells:
            self.cells[key] = next(self._cells(*key), None)
        return self.cells[key]

    def _cells(
        self, currency: str, formats: tuple[str, ...], platform: str, tier: str
    ) -> Iterator[Cell]:
        """Cells that are large enough, from the narrowest to the widest."""
        for is_on_platform in (True, False):
            for is_in_format in (True, False):
                prices = self.ask(currency, formats if is_in_format else ()).price
                rows = np.flatnonzero(np.isfinite(prices))
                if tier != UNKNOWN_TIER:
                    rows = rows[self.tiers[rows] == tier]
                if is_on_platform:
                    rows = rows[self.platforms[rows] == platform]
                if len(rows) >= LEAST_RATES:
                    quantiles = np.quantile(prices[rows], ENDS)
                    yield Cell(is_on_platform, is_in_format, len(rows), quantiles)
