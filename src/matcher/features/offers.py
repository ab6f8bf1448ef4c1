"""What accounts ask and whom they reach: rates and audiences in arrays, newest in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.columns import FORMATS
from matcher.features.dated import DatedRows
from matcher.market.instants import to_microseconds
from matcher.market.money import find_exchange_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex
    from matcher.market.brief import Brief

__all__ = ["AudienceShares", "Quotes", "newest_prices"]


@dataclass(frozen=True)
class Quotes:
    """Usable rows of `rates`: those with an account, a price and a currency.

    Parameters
    ----------
    dated : DatedRows
        Rows by account and format.
    accounts : numpy.ndarray of int64, shape (n_quotes,)
        Account codes.
    formats : numpy.ndarray of int64, shape (n_quotes,)
        Places in `matcher.columns.FORMATS`, -1 for any format.
    currencies : numpy.ndarray of int64, shape (n_quotes,)
        Places in `currency_names`.
    currency_names : tuple of str
        Currencies, ISO 4217.
    price_per_post : numpy.ndarray of float64, shape (n_quotes,)
        Price of one post in the row's currency.
    n_posts : numpy.ndarray of float64, shape (n_quotes,)
        Posts that the whole price buys, over which it was divided.
    known_at : numpy.ndarray of int64, shape (n_quotes,)
        When each became known, in microseconds since 1970.
    valid_until : numpy.ndarray of int64, shape (n_quotes,)
        Last instant in microseconds since 1970.
    """

    dated: DatedRows
    accounts: NDArray[np.int64]
    formats: NDArray[np.int64]
    currencies: NDArray[np.int64]
    currency_names: tuple[str, ...]
    price_per_post: NDArray[np.float64]
    n_posts: NDArray[np.float64]
    known_at: NDArray[np.int64]
    valid_until: NDArray[np.int64]

    @classmethod
    def of(cls, index: MarketIndex) -> Quotes:
        """Arrange the rates of a market.

        Parameters
        ----------
        index : MarketIndex
            Market.

        Returns
        -------
        Quotes
            All of them, whenever known.
        """
        rates = index.market.tables["rates"]
        accounts = index.account_codes(rates["account_id"])
        usable = rates["price"].notna() & rates["currency"].notna() & (accounts >= 0)
        rates, accounts = rates[usable], accounts[usable.to_numpy(bool)]
        formats = pd.Index(FORMATS).get_indexer(pd.Index(rates["format"].astype(object)))
        formats = formats.astype(np.int64)
        keys = accounts * (len(FORMATS) + 1) + formats + 1
        currencies, names = pd.factorize(rates["currency"].to_numpy(object), sort=True)
        posts = rates["n_posts"].astype("float64").fillna(1.0).clip(lower=1.0).to_numpy(np.float64)
        known_at = to_microseconds(rates["as_of"])
        return cls(
            dated=DatedRows.arrange(keys, known_at),
            accounts=accounts,
            formats=formats,
            currencies=currencies.astype(np.int64),
            currency_names=tuple(names.tolist()),
            price_per_post=rates["price"].to_numpy(np.float64) / posts,
            n_posts=np.asarray(posts),
            known_at=known_at,
            valid_until=to_microseconds(rates["valid_until"]),
        )


def newest_prices(index: MarketIndex, brief: Brief, instant: int) -> NDArray[np.float64]:
    """Lowest valid price per post of each account in a format of the brief, in its currency.

    Parameters
    ----------
    index : MarketIndex
        Market.
    brief : Brief
        Brief; without formats any format counts, without a currency no price does.
    instant : int
        Decision in microseconds since 1970; only rates known strictly before it count.

    Returns
    -------
    numpy.ndarray of float64, shape (n_accounts,)
        Price by account code; NaN where no valid price is known in time.

    Raises
    ------
    DataError
        If a price stands in a currency that cannot be converted.
    """
    prices = np.full(len(index.account_ids), np.nan)
    if brief.currency is None:
        return prices
    quotes = index.quotes
    rows = quotes.dated.newest(instant)
    rows = rows[quotes.valid_until[rows] >= instant]
    if brief.formats:
        wanted = [-1, *(FORMATS.index(name) for name in brief.formats)]
        rows = rows[np.isin(quotes.formats[rows], wanted)]
    moment = pd.Timestamp(instant, unit="us", tz="UTC")
    factors = np.full(len(quotes.currency_names), np.nan)
    for code in np.unique(quotes.currencies[rows]):
        factors[code] = find_exchange_rate(
            index.market, quotes.currency_names[code], target=brief.currency, instant=moment
        )
    if len(rows):
        lowest = np.full(len(prices), np.inf)
        converted = quotes.price_per_post[rows] * factors[quotes.currencies[rows]]
        np.minimum.at(lowest, quotes.accounts[rows], converted)
        prices = np.where(np.isinf(lowest), np.nan, lowest)
    return prices


@dataclass(frozen=True)
class AudienceShares:
    """Rows of `audiences` in arrays.

    Parameters
    ----------
    dated : DatedRows
        Rows by account and dimension.
    accounts : numpy.ndarray of int64, shape (n_rows,)
        Account codes.
    labels : numpy.ndarray of int64, shape (n_rows,)
        Place in `label_names`.
    label_names : numpy.ndarray of object, shape (n_labels, 2)
        Dimension and bucket.
    shares : numpy.ndarray of float64, shape (n_rows,)
        Shares from 0 to 1.
    """

    dated: DatedRows
    accounts: NDArray[np.int64]
    labels: NDArray[np.int64]
    label_names: NDArray[np.object_]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, index: MarketIndex) -> AudienceShares:
        """Arrange the audiences of a market.

        Parameters
        ----------
        index : MarketIndex
            Market.

        Returns
        -------
        AudienceShares
            All of them, whenever known.
        """
        table = index.market.tables["audiences"]
        accounts = index.account_codes(table["account_id"])
        codes, names = pd.factorize(table["dimension"].to_numpy(object))
        buckets, bucket_names = pd.factorize(table["bucket"].to_numpy(object))
        pairs, labels = np.unique(codes * len(bucket_names) + buckets, return_inverse=True)
        places = np.divmod(pairs, max(len(bucket_names), 1))
        return cls(
            dated=DatedRows.arrange(
                accounts * (len(names) + 1) + codes, to_microseconds(table["as_of"])
            ),
            accounts=accounts,
            labels=labels.astype(np.int64),
            label_names=np.column_stack((names[places[0]], bucket_names[places[1]])),
            shares=table["share"].to_numpy(np.float64),
        )

    def among(self, dimension: str, buckets: Sequence[str]) -> NDArray[np.int64]:
        """What each label says of some buckets of a dimension.

        Parameters
        ----------
        dimension : str
            Dimension.
        buckets : sequence of str
            Buckets of it.

        Returns
        -------
        numpy.ndarray of int64, shape (n_labels,)
            1 for a bucket that is meant, 0 for another one of the dimension, -1 for another
            dimension.
        """
        of_dimension = self.label_names[:, 0] == dimension
        meant = np.isin(self.label_names[:, 1].astype(str), list(buckets))
        return np.where(of_dimension, meant.astype(np.int64), -1)
