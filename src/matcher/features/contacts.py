"""Which brands an account dealt with before a decision: hires, sponsored posts and mentions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.columns import HIRED_STATUSES
from matcher.market.instants import to_microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import BriefBlock, FeatureContext
    from matcher.market.brief import Brief

__all__ = ["BrandContext", "Contacts", "Events", "brand_context"]

_MARKED_VALUES: Final = 5_000_000
"""Numbers that the marked sums of sponsored posts hold at most (40 MB), one mark apart."""
_ROWS_AT_ONCE: Final = 50_000


@dataclass(frozen=True)
class Events:
    """Dated dealings of accounts with brands, sorted by time.

    Parameters
    ----------
    times : numpy.ndarray of int64, shape (n_events,)
        When each became known, in microseconds since 1970, rising.
    accounts, brands, sources : numpy.ndarray of int64, shape (n_events,)
        Account code, brand code, and code of the post or campaign it comes from.
    """

    times: NDArray[np.int64]
    accounts: NDArray[np.int64]
    brands: NDArray[np.int64]
    sources: NDArray[np.int64]

    def before(self, instant: int) -> Events:
        """Events known strictly before an instant.

        Parameters
        ----------
        instant : int
            Microseconds since 1970.

        Returns
        -------
        Events
            The earlier part.
        """
        n = int(np.searchsorted(self.times, instant))
        return Events(self.times[:n], self.accounts[:n], self.brands[:n], self.sources[:n])

    def where(self, mask: NDArray[np.bool_]) -> Events:
        """Events of a mask.

        Parameters
        ----------
        mask : numpy.ndarray of bool, shape (n_events,)
            Which to keep.

        Returns
        -------
        Events
            Those events.
        """
        return Events(self.times[mask], self.accounts[mask], self.brands[mask], self.sources[mask])

    def __len__(self) -> int:
        return len(self.times)


def _sorted_events(
    times: NDArray[np.int64],
    accounts: NDArray[np.int64],
    brands: NDArray[np.int64],
    sources: NDArray[np.int64],
) -> Events:
    order = np.lexsort((sources, brands, accounts, times))
    return Events(times[order], accounts[order], brands[order], sources[order])


@dataclass(frozen=True)
class Contacts:
    """All dealings of a market's accounts with its brands.

    Parameters
    ----------
    context : FeatureContext
        Market in columnar form.
    """

    context: FeatureContext

    @cached_property
    def hires(self) -> Events:
        """Hires, known from ``status_at``; the source is a row of `campaign_rows`.

        A hire that came before its campaign's decision counts from that decision: it is what the
        decision is about.
        """
        index = self.context.index
        table = index.market.tables["collaborations"]
        hired = table[table["status"].isin(HIRED_STATUSES) & table["status_at"].notna()]
        hired = hired.sort_values(["status_at", "collaboration_id"])
        hired = hired.drop_duplicates(["campaign_id", "account_id"])
        rows = self.campaign_rows.get_indexer(pd.Index(hired["campaign_id"].to_numpy(object)))
        campaigns = self.context.past_briefs[0]
        brands, times = rows, to_microseconds(hired["status_at"])
        if len(campaigns):
            brands = index.brand_codes(campaigns["brand_id"])[rows]
            times = np.maximum(times, to_microseconds(campaigns["decided_at"])[rows])
        return _sorted_events(
            times,
            index.account_codes(hired["account_id"]),
            np.where(rows >= 0, brands, -1),
            rows.astype(np.int64),
        )

    @cached_property
    def campaign_rows(self) -> pd.Index[Any]:
        """Campaign ids in the order of ``FeatureContext.past_briefs``."""
        ids = self.context.past_briefs[0]["campaign_id"].to_numpy(object)
        found: pd.Index[Any] = pd.Index(ids)
        return found

    @cached_property
    def outcomes_at(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Times and account codes of known outcomes, by time."""
        index = self.context.index
        table = index.market.tables["collaborations"]
        table = table[table["outcome_at"].notna()]
        times = to_microseconds(table["outcome_at"])
        order = np.argsort(times, kind="stable")
        return times[order], index.account_codes(table["account_id"])[order]

    @cached_property
    def sponsored(self) -> Events:
        """Posts that name a sponsor, known from publication; the source is a post code."""
        index = self.context.index
        posts = np.flatnonzero(index.post_brand >= 0)
        return _sorted_events(
            index.post_published[posts], index.post_account[posts], index.post_brand[posts], posts
        )

    @cached_property
    def mentions(self) -> Events:
        """Posts whose text holds a brand's name without that brand being named as sponsor."""
        index = self.context.index
        posts, brands = self.context.data.texts.mentions
        organic = index.post_brand[posts] != brands
        posts, brands = posts[organic], brands[organic]
        return _sorted_events(index.post_published[posts], index.post_account[posts], brands, posts)

    def mentions_before(self, instant: int) -> Events:
        """Mentions known strictly before an instant, of brands whose names were known then.

        Parameters
        ----------
        instant : int
            Microseconds since 1970.

        Returns
        -------
        Events
            The earlier part of `mentions`.
        """
        events = self.mentions.before(instant)
        return events.where(self.context.index.brand_described_at[events.brands] < instant)

    def naming(self, name: str, instant: int) -> Events:
        """Posts that name a brand which the market does not hold, strictly before an instant.

        Parameters
        ----------
        name : str
            Name as the brief writes it.
        instant : int
            Microseconds since 1970.

        Returns
        -------
        Events
            Mentions with brand code -1.
        """
        index = self.context.index
        posts, _ = self.context.data.texts.find_names([name])
        nobody = np.full(len(posts), -1, dtype=np.int64)
        times, accounts = index.post_published[posts], index.post_account[posts]
        return _sorted_events(times, accounts, nobody, posts).before(instant)

    @cached_property
    def _caption_sums(self) -> tuple[int, NDArray[np.float64]]:
        """Sponsored posts from one mark to the next, and sums of their embeddings by brand.

        The sums hold all posts before each mark; sums of float16 numbers are exact in float64, so
        it does not matter that posts are added to them, or taken away, in another order.
        """
        n_brands, dim = len(self.context.index.brand_ids), self.context.encoder.identity.dim
        n_marks = int(np.clip(_MARKED_VALUES // max(n_brands * dim, 1), 1, 64))
        stride = 1 + len(self.sponsored) // n_marks
        sums = np.zeros((1 + len(self.sponsored) // stride, n_brands, dim))
        for mark in range(1, len(sums)):
            sums[mark] = sums[mark - 1]
            self._add_captions(sums[mark], np.arange((mark - 1) * stride, mark * stride))
        return stride, sums

    def _add_captions(self, sums: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        for part in np.array_split(rows, 1 + len(rows) // _ROWS_AT_ONCE):
            vectors = self.context.post_embeddings[self.sponsored.sources[part]]
            np.add.at(sums, self.sponsored.brands[part], vectors.astype(np.float64))

    def _captions(self, n_known: int, hidden: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean of the first sponsored posts of each brand, without some of them."""
        stride, marks = self._caption_sums
        sums = marks[n_known // stride].copy()
        self._add_captions(sums, np.arange(n_known // stride * stride, n_known))
        sources, brands = self.sponsored.sources[:n_known], self.sponsored.brands[:n_known]
        counts = np.bincount(brands, minlength=len(sums))
        unseen = np.flatnonzero(np.isin(sources, hidden))
        vectors = self.context.post_embeddings[sources[unseen]].astype(np.float64)
        np.subtract.at(sums, brands[unseen], vectors)
        np.subtract.at(counts, brands[unseen], 1)
        return np.asarray(sums / np.maximum(counts, 1)[:, None])

    def brand_profiles(self, instant: int, hidden: NDArray[np.int64]) -> NDArray[np.float64]:
        """What is known of each brand in words before an instant, as unit vectors.

        The mean of its sponsored captions plus the mean of its earlier briefs plus its
        description, as far as each is known.

        Parameters
        ----------
        instant : int
            Microseconds since 1970.
        hidden : numpy.ndarray of int64
            Codes of posts that may not be seen: those made for the campaign itself.

        Returns
        -------
        numpy.ndarray of float64, shape (n_brands, dim)
            Unit rows; zero where nothing is known.
        """
        n_brands = len(self.context.index.brand_ids)
        captions = self._captions(len(self.sponsored.before(instant)), hidden)
        table, embeddings = self.context.past_briefs
        earlier = to_microseconds(table["decided_at"]) < instant
        codes = self.context.index.brand_codes(table["brand_id"])
        usable = earlier & (codes >= 0)
        briefs = _mean_rows(embeddings[usable].astype(np.float64), codes[usable], n_brands)
        described = self.context.brand_embeddings.astype(np.float64)
        described[self.context.index.brand_described_at >= instant] = 0.0
        return _unit(_unit(captions) + _unit(briefs) + _unit(described))


def _mean_rows(rows: NDArray[np.float64], codes: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    sums = np.zeros((n, rows.shape[1]))
    np.add.at(sums, codes, rows)
    counts = np.bincount(codes, minlength=n)
    return np.asarray(sums / np.maximum(counts, 1)[:, None])


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(norms > 0, norms, 1.0))


@dataclass(frozen=True)
class BrandContext:
    """How a market's brands relate to the brand of a brief.

    Parameters
    ----------
    code : int
        Code of the brief's brand, -1 where the market does not hold it.
    same_owner, same_category, rival : numpy.ndarray of bool, shape (n_brands,)
        Relations; the brand itself has the same owner and category and is no rival.
    """

    code: int
    same_owner: NDArray[np.bool_]
    same_category: NDArray[np.bool_]
    rival: NDArray[np.bool_]

    @property
    def own(self) -> NDArray[np.bool_]:
        """Mask of the brief's own brand."""
        return np.asarray(np.arange(len(self.same_owner)) == self.code)


def brand_context(context: FeatureContext, brief: Brief, instant: int) -> BrandContext:
    """Relations of a market's brands to the brand of a brief.

    Parameters
    ----------
    context : FeatureContext
        Market in columnar form.
    brief : Brief
        Brief; what it does not say is taken from its row of `brands`.
    instant : int
        Decision in microseconds since 1970; rows of `brands` that were read at or after it are
        as good as blank.

    Returns
    -------
    BrandContext
        Masks over brand codes.
    """
    index = context.index
    brands = index.brands
    code = int(index.brand_codes(pd.Series([brief.brand_id], dtype="str"))[0])
    owner, category = brief.brand_owner, brief.brand_category
    rivals = set(brief.competitor_ids or ())
    described = index.brand_described_at < instant
    if code >= 0 and described[code]:
        owner = owner or index.brand_owners[code]
        listed = brands["category"].iloc[code]
        category = category or (listed if isinstance(listed, str) else None)
        rivals |= set(brands["competitor_ids"].iloc[code] or ())
    own = np.arange(len(brands)) == code
    blank = np.full(len(brands), None, dtype=object)
    categories = np.where(described, brands["category"].to_numpy(object), blank)
    owners = np.where(described, index.brand_owners, brands["brand_id"].to_numpy(object))
    return BrandContext(
        code=code,
        same_owner=own | (owners == owner),
        same_category=own | ((categories == category) if category else np.zeros_like(own)),
        rival=np.isin(brands["brand_id"].to_numpy(object), list(rivals)) & ~own,
    )


def count_by_account(
    block: BriefBlock, accounts: NDArray[np.int64], weights: NDArray[np.float64] | None, n: int
) -> NDArray[np.float64]:
    """Events, or the sum of their weights, of each candidate of a block.

    Parameters
    ----------
    block : BriefBlock
        A brief's candidates.
    accounts : numpy.ndarray of int64, shape (n_events,)
        Account of each event.
    weights : numpy.ndarray of float64, shape (n_events,), or None
        Weights; None counts.
    n : int
        Accounts of the market.

    Returns
    -------
    numpy.ndarray of float64, shape (n_candidates,)
        Sums.
    """
    return np.bincount(accounts, weights=weights, minlength=n).astype(np.float64)[block.accounts]
