"""A market that accounts joined: what is known of those who were there, and of the newcomers.

As in `matcher.whatif.joined_index`, values are put together from those of the two sides.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.features.contacts import Contacts, Events
from matcher.features.context import FeatureContext
from matcher.features.data import MarketData
from matcher.features.lazy import SharedRows
from matcher.retrieval.facts import AccountFacts, account_facts, keep_facts
from matcher.whatif.joined_index import JoinedData, JoinedIndex
from matcher.whatif.joining import OF_ACCOUNTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.market.market import Market

__all__ = ["JoinedContacts", "JoinedContext", "JoinedFacts", "join_contexts"]


def join_contexts(context: FeatureContext, newcomers: Market, data_hash: str) -> JoinedContext:
    """A market after accounts joined it.

    Parameters
    ----------
    context : FeatureContext
        The market without them.
    newcomers : Market
        The accounts that join, none of which the market holds, with the people behind them, their
        posts and all else of them in the tables of `matcher.whatif.joining.OF_ACCOUNTS`; nobody
        hired or sponsored them. All other tables are those of the market.
    data_hash : str
        Hash of the joined market.

    Returns
    -------
    JoinedContext
        Gives the same features as a context made from the joined tables, but sooner.
    """
    own = replace(context, data=MarketData(newcomers))
    # What is known of campaigns and brands is the same on both sides.
    own.__dict__["past_briefs"] = context.past_briefs
    own.__dict__["brand_embeddings"] = context.brand_embeddings
    market = context.data.market
    tables = dict(market.tables)
    for name in OF_ACCOUNTS:
        held, more = market.tables[name], newcomers.tables[name]
        if len(more):
            tables[name] = pd.concat([held, more], ignore_index=True) if len(held) else more
    joined = replace(market, tables=tables, data_hash=data_hash)
    data = JoinedData(joined, others=context.data, newcomers=own.data)
    facts = JoinedFacts(
        data.index, others=account_facts(context.data), newcomers=account_facts(own.data)
    )
    keep_facts(data, facts)
    return JoinedContext(
        data,
        context.encoder,
        context.lexicon,
        context.embed,
        context.n_threads,
        others=context,
        newcomers=own,
    )


@dataclass(frozen=True)
class JoinedContacts(Contacts):
    """Dealings with brands in a market that accounts joined; nobody hired or sponsored these.

    Parameters
    ----------
    context : JoinedContext
        The joined market.
    """

    context: JoinedContext

    @cached_property
    def hires(self) -> Events:
        """As of `Contacts`."""
        held = self.context.others.contacts.hires
        codes = self.context.index.account_places.of_others(held.accounts)
        return Events(held.times, codes, held.brands, held.sources)

    @cached_property
    def outcomes_at(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As of `Contacts`."""
        times, accounts = self.context.others.contacts.outcomes_at
        return times, self.context.index.account_places.of_others(accounts)

    @cached_property
    def sponsored(self) -> Events:
        """As of `Contacts`."""
        held = self.context.others.contacts.sponsored
        index = self.context.index
        accounts = index.account_places.of_others(held.accounts)
        return Events(held.times, accounts, held.brands, index.post_places.of_others(held.sources))

    def brand_profiles(self, instant: int, hidden: NDArray[np.int64]) -> NDArray[np.float64]:
        """As of `Contacts`; newcomers' captions are of no brand.

        Parameters
        ----------
        instant : int
            As of `Contacts`.
        hidden : numpy.ndarray of int64
            As of `Contacts`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_brands, dim)
            Unit rows.
        """
        is_new, posts = self.context.index.post_places.origin(hidden)
        return self.context.others.contacts.brand_profiles(instant, posts[~is_new])


@dataclass(frozen=True)
class JoinedContext(FeatureContext):
    """A market that accounts joined, seen through the same text objects.

    Parameters
    ----------
    data : JoinedData
        The joined market.
    others, newcomers : FeatureContext
        Those who were there, and those who join.
    """

    data: JoinedData
    others: FeatureContext = field(kw_only=True)
    newcomers: FeatureContext = field(kw_only=True)

    @property
    def index(self) -> JoinedIndex:
        """As of `FeatureContext`."""
        return self.data.index

    @cached_property
    def post_embeddings(self) -> NDArray[np.float16]:
        """As of `FeatureContext`."""
        return self.index.post_places.merge(
            self.others.post_embeddings, self.newcomers.post_embeddings
        )

    @cached_property
    def hashtag_embeddings(self) -> SharedRows:
        """As of `FeatureContext`."""
        old, new = self.others.hashtag_embeddings, self.newcomers.hashtag_embeddings
        codes = self.index.post_places.merge(old.codes, new.codes + len(old.distinct))
        return SharedRows(np.concatenate((old.distinct, new.distinct)), codes)

    @cached_property
    def bio_embeddings(self) -> NDArray[np.float16]:
        """As of `FeatureContext`."""
        return self.index.account_places.merge(
            self.others.bio_embeddings, self.newcomers.bio_embeddings
        )

    @cached_property
    def brand_embeddings(self) -> NDArray[np.float16]:
        """As of `FeatureContext`."""
        return self.others.brand_embeddings

    @cached_property
    def past_briefs(self) -> tuple[pd.DataFrame, NDArray[np.float16]]:
        """As of `FeatureContext`."""
        return self.others.past_briefs

    @cached_property
    def contacts(self) -> JoinedContacts:
        """As of `FeatureContext`."""
        return JoinedContacts(self)

    def account_sums(self, accounts: NDArray[np.int64], instant: int) -> NDArray[np.float64]:
        """As of `FeatureContext`.

        Parameters
        ----------
        accounts : numpy.ndarray of int64, shape (n,)
            Account codes.
        instant : int
            Microseconds since 1970.

        Returns
        -------
        numpy.ndarray of float64, shape (n, dim)
            Sums.
        """
        is_new, codes = self.index.account_places.origin(accounts)
        sums = np.empty((len(accounts), self.encoder.identity.dim))
        for part, mine in ((self.others, ~is_new), (self.newcomers, is_new)):
            sums[mine] = part.account_sums(codes[mine], instant)
        return sums


@dataclass(frozen=True)
class JoinedFacts(AccountFacts):
    """What hard rules look at in a market that accounts joined.

    Parameters
    ----------
    index : JoinedIndex
        The joined market.
    others, newcomers : AccountFacts
        Those who were there, and those who join.
    """

    index: JoinedIndex
    others: AccountFacts = field(kw_only=True)
    newcomers: AccountFacts = field(kw_only=True)

    @cached_property
    def format_since(self) -> NDArray[np.int64]:
        """As of `AccountFacts`."""
        return self.index.account_places.merge(
            self.others.format_since, self.newcomers.format_since
        )

    @cached_property
    def _post_formats(self) -> NDArray[np.int64]:
        return self.index.post_places.merge(self.others._post_formats, self.newcomers._post_formats)

    @cached_property
    def quoted_since(self) -> NDArray[np.int64]:
        """As of `AccountFacts`."""
        return self.index.account_places.merge(
            self.others.quoted_since, self.newcomers.quoted_since
        )

    @cached_property
    def hires(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.object_]]:
        """As of `AccountFacts`; nobody hired newcomers."""
        known_at, accounts, brands = self.others.hires
        return known_at, self.index.account_places.of_others(accounts), brands
