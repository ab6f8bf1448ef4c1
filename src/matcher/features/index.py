"""A market in columnar form: accounts and their posts, sorted so that time is a range."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.features.lazy import TextColumn
from matcher.features.offers import AudienceShares, Quotes
from matcher.market.instants import positions_in, to_microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.market.market import Market

__all__ = ["MarketIndex"]

_NEVER = np.iinfo(np.int64).max
_ALWAYS = np.iinfo(np.int64).min


@dataclass(frozen=True)
class MarketIndex:
    """Integer codes and sorted columns of a market, built once and shared by all families.

    Parameters
    ----------
    market : Market
        Tables as loaded, or as cut by ``Market.as_of``.
    """

    market: Market

    @cached_property
    def account_ids(self) -> pd.Index[Any]:
        """Account ids in code order."""
        ids = self.market.tables["accounts"]["account_id"].to_numpy(object)
        found: pd.Index[Any] = pd.Index(np.sort(ids), dtype=object, name="account_id")
        return found

    @cached_property
    def accounts(self) -> pd.DataFrame:
        """Accounts in code order."""
        table = self.market.tables["accounts"]
        return table.set_index("account_id").reindex(self.account_ids).reset_index()

    @cached_property
    def person_ids(self) -> pd.Index[Any]:
        """Influencer ids in code order."""
        ids = self.accounts["influencer_id"].to_numpy(object)
        unique = np.unique(ids.astype(str))
        found: pd.Index[Any] = pd.Index(unique, dtype=object, name="influencer_id")
        return found

    @cached_property
    def person_of(self) -> NDArray[np.int64]:
        """Influencer code of each account, shape (n_accounts,)."""
        return self.person_ids.get_indexer(
            pd.Index(self.accounts["influencer_id"].to_numpy(object))
        ).astype(np.int64)

    @cached_property
    def influencers(self) -> pd.DataFrame:
        """Row of `influencers` of each account, in account order."""
        table = self.market.tables["influencers"].set_index("influencer_id")
        return table.reindex(self.accounts["influencer_id"]).reset_index()

    @cached_property
    def influencer_described_at(self) -> NDArray[np.int64]:
        """When the description of each account's person was read, shape (n_accounts,).

        Microseconds since 1970; the beginning of time where it is undated and so timeless by
        assumption, the end of time under ``strict_time``.
        """
        return self._described_at(self.influencers["as_of"])

    @cached_property
    def account_described_at(self) -> NDArray[np.int64]:
        """When the description of each account was read; see `influencer_described_at`."""
        return self._described_at(self.accounts["as_of"])

    @cached_property
    def brand_described_at(self) -> NDArray[np.int64]:
        """When the description of each brand was read; see `influencer_described_at`."""
        return self._described_at(self.brands["as_of"])

    def _described_at(self, as_of: pd.Series) -> NDArray[np.int64]:
        undated = _NEVER if self.market.settings.strict_time else _ALWAYS
        return np.where(as_of.isna().to_numpy(bool), undated, to_microseconds(as_of))

    @cached_property
    def brand_ids(self) -> pd.Index[Any]:
        """Brand ids in code order."""
        ids = self.market.tables["brands"]["brand_id"].to_numpy(object)
        found: pd.Index[Any] = pd.Index(np.sort(ids), dtype=object, name="brand_id")
        return found

    @cached_property
    def brands(self) -> pd.DataFrame:
        """Brands in code order."""
        table = self.market.tables["brands"]
        return table.set_index("brand_id").reindex(self.brand_ids).reset_index()

    @cached_property
    def brand_owners(self) -> NDArray[np.object_]:
        """Owner of each brand: column ``owner_group`` or ``owner``, else the brand itself."""
        for column in ("owner_group", "owner"):
            if column in self.brands:
                owners = self.brands[column].to_numpy(object)
                missing = pd.isna(owners)
                return np.where(missing, self.brands["brand_id"].to_numpy(object), owners)
        return self.brands["brand_id"].to_numpy(object)

    @cached_property
    def posts(self) -> pd.DataFrame:
        """Posts by account code, publication and id; row number is the post code."""
        table = self.market.tables["posts"]
        codes = self.account_codes(table["account_id"])
        published = to_microseconds(table["published_at"])
        order = np.lexsort((table["post_id"].to_numpy(object).astype(str), published, codes))
        if (order == np.arange(len(order))).all():
            # Millions of captions need not stand in memory twice.
            return table
        return table.iloc[order].reset_index(drop=True)

    @cached_property
    def post_account(self) -> NDArray[np.int64]:
        """Account code of each post."""
        return self.account_codes(self.posts["account_id"])

    @cached_property
    def post_published(self) -> NDArray[np.int64]:
        """Publication of each post in microseconds since 1970."""
        return to_microseconds(self.posts["published_at"])

    @property
    def post_texts(self) -> TextColumn:
        """Text of each post, empty where it is missing."""
        return TextColumn(self.posts["text"])

    @cached_property
    def post_languages(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Place of each post's language among the primary subtags, -1 where unknown; the subtags.

        A subtag stands twice where posts write it with several regions.
        """
        codes, tags = pd.factorize(self.posts["language"])
        return codes.astype(np.int64), tuple(str(tag).split("-")[0].lower() for tag in tags)

    @cached_property
    def post_brand(self) -> NDArray[np.int64]:
        """Code of the sponsoring brand of each post, -1 where none is named or known."""
        return self.brand_codes(self.posts["sponsor_brand_id"])

    @cached_property
    def post_is_sponsored(self) -> NDArray[np.bool_]:
        """Whether a post is flagged as sponsored or names a sponsor."""
        flagged = self.posts["is_sponsored"].fillna(False).to_numpy(bool)
        return np.asarray(flagged | self.posts["sponsor_brand_id"].notna().to_numpy(bool))

    @cached_property
    def _published_ranks(self) -> NDArray[np.int64]:
        return np.unique(self.post_published)

    @cached_property
    def _post_keys(self) -> NDArray[np.int64]:
        base = len(self._published_ranks) + 1
        ranks = np.searchsorted(self._published_ranks, self.post_published)
        return np.asarray(self.post_account * base + ranks)

    def account_codes(self, ids: pd.Series | NDArray[np.object_]) -> NDArray[np.int64]:
        """Codes of account ids, -1 where unknown.

        Parameters
        ----------
        ids : pandas.Series or numpy.ndarray
            Account ids.

        Returns
        -------
        numpy.ndarray of int64
            Codes.
        """
        return self.account_ids.get_indexer(pd.Index(ids)).astype(np.int64)

    def post_codes(self, ids: pd.Series) -> NDArray[np.int64]:
        """Codes of post ids, -1 where unknown.

        Parameters
        ----------
        ids : pandas.Series
            Post ids.

        Returns
        -------
        numpy.ndarray of int64
            Codes.
        """
        return positions_in(ids, self.posts["post_id"])

    def brand_codes(self, ids: pd.Series) -> NDArray[np.int64]:
        """Codes of brand ids, -1 where missing or unknown.

        Parameters
        ----------
        ids : pandas.Series
            Brand ids.

        Returns
        -------
        numpy.ndarray of int64
            Codes.
        """
        return self.brand_ids.get_indexer(pd.Index(ids.to_numpy(object))).astype(np.int64)

    def posts_before(
        self, accounts: NDArray[np.int64], instant: int, *, since: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ranges of post codes of accounts, published strictly before an instant.

        Parameters
        ----------
        accounts : numpy.ndarray of int64, shape (n,)
            Account codes.
        instant : int
            Microseconds since 1970.
        since : int, optional
            Earliest publication, in microseconds since 1970.

        Returns
        -------
        starts : numpy.ndarray of int64, shape (n,)
            First post code of each account's range.
        ends : numpy.ndarray of int64, shape (n,)
            One past its last.
        """
        base = len(self._published_ranks) + 1
        last = int(np.searchsorted(self._published_ranks, instant))
        first = 0 if since is None else int(np.searchsorted(self._published_ranks, since))
        starts = np.searchsorted(self._post_keys, accounts * base + first)
        ends = np.searchsorted(self._post_keys, accounts * base + last)
        return starts, np.maximum(starts, ends)

    @cached_property
    def quotes(self) -> Quotes:
        """Rates that a price can be read from."""
        return Quotes.of(self)

    @cached_property
    def audiences(self) -> AudienceShares:
        """Shares of the accounts' audiences."""
        return AudienceShares.of(self)

    @cached_property
    def own_posts(self) -> dict[str, NDArray[np.int64]]:
        """Codes of the posts made for each campaign, which its own features may not see."""
        table = self.market.tables["campaign_posts"]
        codes = self.post_codes(table["post_id"])
        known = codes >= 0
        ids = table["campaign_id"].to_numpy(object)[known]
        order = np.argsort(ids.astype(str), kind="stable")
        found, first = np.unique(ids[order].astype(str), return_index=True)
        parts = np.split(codes[known][order], first[1:]) if len(found) else []
        return dict(zip(found.tolist(), parts, strict=True))
