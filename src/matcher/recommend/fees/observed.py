"""Prices per post known before an instant: rates that were asked, and fees that were paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.columns import FORMATS, HIRED_STATUSES
from matcher.features.segments import expand_ranges
from matcher.market.instants import to_microseconds
from matcher.market.money import find_exchange_rate, has_exchange_rate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex

__all__ = ["ObservedPrices", "exchange_factors", "observe_prices", "paid_currencies"]


@dataclass(frozen=True, eq=False)
class ObservedPrices:
    """Prices of one post, by account, then by time.

    Parameters
    ----------
    accounts : numpy.ndarray of int64, shape (n,)
        Account codes, rising.
    formats : numpy.ndarray of int64, shape (n,)
        Places in `matcher.columns.FORMATS`, -1 for any or an unknown one.
    priced_at : numpy.ndarray of int64, shape (n,)
        Instant whose price it is, in microseconds since 1970.
    known_at : numpy.ndarray of int64, shape (n,)
        Instant at which it became known.
    log_price : numpy.ndarray of float64, shape (n,)
        Natural logarithm of the price of one post.
    log_posts : numpy.ndarray of float64, shape (n,)
        Natural logarithm of the number of posts that were priced together.
    is_paid : numpy.ndarray of bool, shape (n,)
        Whether it is a fee that was agreed, rather than a rate.
    """

    accounts: NDArray[np.int64]
    formats: NDArray[np.int64]
    priced_at: NDArray[np.int64]
    known_at: NDArray[np.int64]
    log_price: NDArray[np.float64]
    log_posts: NDArray[np.float64]
    is_paid: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.accounts)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ObservedPrices:
        """Some of the prices.

        Parameters
        ----------
        rows : numpy.ndarray of int64 or bool
            Row numbers in rising order, or a mask.

        Returns
        -------
        ObservedPrices
            Those rows.
        """
        return ObservedPrices(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def of(self, accounts: NDArray[np.int64], most: int) -> tuple[NDArray[np.int64], ...]:
        """Newest prices of some accounts.

        Parameters
        ----------
        accounts : numpy.ndarray of int64, shape (n_asked,)
            Account codes in any order.
        most : int
            Prices of an account at most, the newest ones.

        Returns
        -------
        asked : numpy.ndarray of int64
            Place in `accounts`.
        rows : numpy.ndarray of int64
            Row of a price of that account.
        """
        starts = np.searchsorted(self.accounts, accounts)
        ends = np.searchsorted(self.accounts, accounts, side="right")
        starts = np.maximum(starts, ends - most)
        return np.repeat(np.arange(len(accounts)), ends - starts), expand_ranges(starts, ends)


def exchange_factors(
    index: MarketIndex, names: Iterable[str], currency: str, instant: int
) -> dict[str, float]:
    """What one unit of each currency is worth in another one.

    Parameters
    ----------
    index : MarketIndex
        Market.
    names : iterable of str
        Currencies, ISO 4217.
    currency : str
        Currency that they become.
    instant : int
        Microseconds since 1970; only exchange rates of earlier days count.

    Returns
    -------
    dict of str to float
        Those currencies that can be converted.
    """
    moment = pd.Timestamp(instant, unit="us", tz="UTC")
    return {
        name: find_exchange_rate(index.market, name, target=currency, instant=moment)
        for name in names
        if has_exchange_rate(index.market, name, target=currency, instant=moment)
    }


def _paid(index: MarketIndex, instant: int) -> pd.DataFrame:
    """Hires with a fee for a stated number of posts, known strictly before an instant."""
    table = index.market.tables["collaborations"]
    usable = table["status"].isin(HIRED_STATUSES) & (to_microseconds(table["status_at"]) < instant)
    usable &= (table["fee"] > 0) & (table["n_posts_agreed"] > 0) & table["currency"].notna()
    return table[usable.to_numpy(bool)]


def paid_currencies(index: MarketIndex, instant: int) -> list[str]:
    """Currencies of the fees that were known strictly before an instant.

    Parameters
    ----------
    index : MarketIndex
        Market.
    instant : int
        Microseconds since 1970.

    Returns
    -------
    list of str
        In alphabetical order.
    """
    return sorted(map(str, _paid(index, instant)["currency"].unique()))


def observe_prices(index: MarketIndex, currency: str, instant: int) -> ObservedPrices:
    """Rates and fees per post that were known strictly before an instant.

    Parameters
    ----------
    index : MarketIndex
        Market.
    currency : str
        Currency of the prices; what cannot be converted into it is left out.
    instant : int
        Microseconds since 1970.

    Returns
    -------
    ObservedPrices
        Rates, superseded ones and those that ran out among them, and fees agreed with hired
        accounts over the posts agreed. A price of 0 has no logarithm and is left out.
    """
    quotes = index.quotes
    rows = np.flatnonzero((quotes.known_at < instant) & (quotes.price_per_post > 0))
    paid = _paid(index, instant)
    names = {*quotes.currency_names, *map(str, paid["currency"].unique())}
    factors = exchange_factors(index, sorted(names), currency, instant)
    campaigns = index.market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    known_at = to_microseconds(paid["status_at"])
    decided_at = to_microseconds(campaigns.reindex(paid["campaign_id"].to_numpy(object)))
    n_posts = np.concatenate((quotes.n_posts[rows], paid["n_posts_agreed"].to_numpy(np.float64)))
    source = np.array(
        [*(quotes.currency_names[code] for code in quotes.currencies[rows]), *paid["currency"]],
        dtype=object,
    )
    price = np.concatenate(
        (quotes.price_per_post[rows], (paid["fee"] / paid["n_posts_agreed"]).to_numpy(np.float64))
    )
    price = price * np.array([factors.get(name, np.nan) for name in source], dtype=np.float64)
    formats = pd.Index(FORMATS).get_indexer(pd.Index(paid["format"].to_numpy(object)))
    accounts = np.concatenate((quotes.accounts[rows], index.account_codes(paid["account_id"])))
    usable = np.isfinite(price) & (accounts >= 0)
    found = ObservedPrices(
        accounts=accounts,
        formats=np.concatenate((quotes.formats[rows], formats.astype(np.int64))),
        # A fee is agreed when the brand decides, though it may become known later.
        priced_at=np.concatenate((quotes.known_at[rows], np.minimum(decided_at, known_at))),
        known_at=np.concatenate((quotes.known_at[rows], known_at)),
        log_price=np.log(np.where(usable, price, 1.0)),
        log_posts=np.log(n_posts),
        is_paid=np.arange(len(price)) >= len(rows),
    )
    order = np.lexsort((found.formats, found.is_paid, found.known_at, found.accounts))
    return found.select(order[usable[order]])
