"""What the hard rules look at, as arrays over accounts that are built once per market."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from matcher.columns import FORMATS, HIRED_STATUSES
from matcher.features.segments import expand_ranges
from matcher.market.instants import to_microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.features.index import MarketIndex
    from matcher.market.brief import Brief

__all__ = ["AccountFacts", "account_facts", "keep_facts", "primary_language"]

_NEVER: Final = np.iinfo(np.int64).max


def primary_language(tag: str) -> str:
    """First part of a BCP 47 tag, in lower case.

    Parameters
    ----------
    tag : str
        Tag, for example ``vi-VN``.

    Returns
    -------
    str
        Language, for example ``vi``.
    """
    return tag.split("-")[0].lower()


def _days(days: pd.Series, missing: int) -> NDArray[np.int64]:
    """Days since 1970, with a value for a missing day."""
    values = days.to_numpy("datetime64[us]")
    return np.where(np.isnat(values), missing, values.astype("datetime64[D]").astype(np.int64))


@dataclass(frozen=True)
class AccountFacts:
    """Arrays over account codes and over dated rows, built once per market.

    Parameters
    ----------
    index : MarketIndex
        Codes and sorted columns.
    """

    index: MarketIndex

    @cached_property
    def platforms(self) -> NDArray[np.object_]:
        """Platform of each account."""
        return self.index.accounts["platform"].to_numpy(object)

    @cached_property
    def described_at(self) -> NDArray[np.int64]:
        """Instant from which each account's row of `influencers` is known.

        An undated row is timeless by assumption, and never known under `strict_time`.
        """
        read_at = self.index.influencers["as_of"]
        undated = _NEVER if self.index.market.settings.strict_time else np.iinfo(np.int64).min
        return np.where(read_at.isna().to_numpy(bool), undated, to_microseconds(read_at))

    @cached_property
    def countries(self) -> NDArray[np.object_]:
        """Country of each account's influencer; missing where unknown."""
        return self.index.influencers["country"].to_numpy(object)

    @cached_property
    def languages(self) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
        """Primary languages of the market, and who speaks which, (n_accounts, n_languages)."""
        lists = self.index.influencers["languages"].to_numpy(object)
        pairs = [
            (code, primary_language(tag))
            for code, tags in enumerate(lists)
            if isinstance(tags, tuple)
            for tag in tags
        ]
        names, place = np.unique(np.array([name for _, name in pairs], str), return_inverse=True)
        spoken = np.zeros((len(lists), len(names)), dtype=bool)
        spoken[np.array([code for code, _ in pairs], dtype=np.int64), place] = True
        return names, spoken

    @cached_property
    def format_since(self) -> NDArray[np.int64]:
        """First publication in each format, (n_accounts, n_formats); never: the largest integer."""
        since = np.full((len(self.index.account_ids), len(FORMATS)), _NEVER)
        codes = self._post_formats
        known = np.flatnonzero(codes >= 0)
        keys = self.index.post_account[known] * len(FORMATS) + codes[known]
        # Posts of an account stand oldest first, and `unique` returns first occurrences.
        found, first = np.unique(keys, return_index=True)
        since.ravel()[found] = self.index.post_published[known[first]]
        return since

    @cached_property
    def _post_formats(self) -> NDArray[np.int64]:
        return pd.Index(FORMATS).get_indexer(pd.Index(self.index.posts["format"].to_numpy(object)))

    @cached_property
    def quoted_since(self) -> NDArray[np.int64]:
        """First rate in each format, (n_accounts, n_formats); a rate without one buys any."""
        since = np.full((len(self.index.account_ids), len(FORMATS)), _NEVER)
        table = self.index.market.tables["rates"]
        accounts = self.index.account_codes(table["account_id"])
        quoted_at = to_microseconds(table["as_of"])
        formats = pd.Index(FORMATS).get_indexer(pd.Index(table["format"].to_numpy(object)))
        for code in range(len(FORMATS)):
            rows = (formats == code) | table["format"].isna().to_numpy(bool)
            np.minimum.at(since[:, code], accounts[rows], quoted_at[rows])
        return since

    def formats_shown(self, brief: Brief, instant: int) -> NDArray[np.bool_]:
        """Formats that accounts published or quoted strictly before an instant.

        Parameters
        ----------
        brief : Brief
            Brief, whose own campaign posts do not count.
        instant : int
            Microseconds since 1970.

        Returns
        -------
        numpy.ndarray of bool, shape (n_accounts, n_formats)
            Formats in the order of `matcher.columns.FORMATS`.
        """
        shown = self.format_since < instant
        own = self.own_posts(brief, instant)
        if len(own):
            touched = np.unique(self.index.post_account[own])
            starts, ends = self.index.posts_before(touched, instant)
            posts = np.setdiff1d(expand_ranges(starts, ends), own)
            formats = self._post_formats[posts]
            shown[touched] = False
            known = formats >= 0
            shown[self.index.post_account[posts[known]], formats[known]] = True
        return np.asarray(shown | (self.quoted_since < instant))

    def own_posts(self, brief: Brief, instant: int) -> NDArray[np.int64]:
        """Codes of the brief's own campaign posts published strictly before an instant.

        Parameters
        ----------
        brief : Brief
            Brief.
        instant : int
            Microseconds since 1970.

        Returns
        -------
        numpy.ndarray of int64
            Post codes.
        """
        own = self.index.own_posts.get(brief.brief_id, np.empty(0, dtype=np.int64))
        return np.asarray(own[self.index.post_published[own] < instant])

    def count_posts(self, brief: Brief, instant: int) -> NDArray[np.int64]:
        """Posts of every account published strictly before an instant, the brief's own left out.

        Parameters
        ----------
        brief : Brief
            Brief.
        instant : int
            Microseconds since 1970.

        Returns
        -------
        numpy.ndarray of int64, shape (n_accounts,)
            Counts.
        """
        if instant not in self._posts_at:
            starts, ends = self.index.posts_before(np.arange(len(self.index.account_ids)), instant)
            # Briefs that are seen from one instant come in a row.
            self._posts_at.clear()
            self._posts_at[instant] = ends - starts
        counts = self._posts_at[instant]
        own = self.index.post_account[self.own_posts(brief, instant)]
        return np.asarray(counts - np.bincount(own, minlength=len(counts)))

    @cached_property
    def _posts_at(self) -> dict[int, NDArray[np.int64]]:
        return {}

    @cached_property
    def hires(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.object_]]:
        """Instants, account codes and brand ids of hires, by instant.

        A hire is known when its status and its campaign both are.
        """
        tables = self.index.market.tables
        table = tables["collaborations"]
        table = table[table["status"].isin(HIRED_STATUSES).to_numpy(bool)]
        campaigns = tables["campaigns"].set_index("campaign_id")[["brand_id", "decided_at"]]
        rows = campaigns.reindex(table["campaign_id"].to_numpy(object))
        known_at = np.maximum(
            to_microseconds(table["status_at"]), to_microseconds(rows["decided_at"])
        )
        accounts = self.index.account_codes(table["account_id"])
        usable = np.flatnonzero((accounts >= 0) & (known_at < _NEVER))
        order = usable[np.argsort(known_at[usable], kind="stable")]
        brands = rows["brand_id"].to_numpy(object)[order]
        return known_at[order], accounts[order], brands

    @cached_property
    def sponsored(self) -> NDArray[np.int64]:
        """Codes of the posts whose sponsor is known, oldest first."""
        posts = np.flatnonzero(self.index.post_brand >= 0)
        return posts[np.argsort(self.index.post_published[posts], kind="stable")]

    @cached_property
    def _sponsored_at(self) -> NDArray[np.int64]:
        return self.index.post_published[self.sponsored]

    def dealt_with(self, brief: Brief, instant: int) -> NDArray[np.bool_]:
        """Accounts hired or sponsored by a brief's brand, or by one of its category, before.

        Parameters
        ----------
        brief : Brief
            Brief, whose own campaign posts do not count.
        instant : int
            Microseconds since 1970.

        Returns
        -------
        numpy.ndarray of bool, shape (n_accounts,)
            True where a hire or a sponsored post was known strictly before the instant.
        """
        alike = self._brands_alike(brief, instant)
        dealt = np.zeros(len(self.index.account_ids), dtype=bool)
        known_at, accounts, brands = self.hires
        n_known = int(np.searchsorted(known_at, instant))
        hirers = self.index.brand_ids.get_indexer(pd.Index(brands[:n_known], dtype=object))
        dealt[accounts[:n_known][(hirers >= 0) & alike[hirers]]] = True
        posts = self.sponsored[: int(np.searchsorted(self._sponsored_at, instant))]
        posts = posts[alike[self.index.post_brand[posts]]]
        posts = np.setdiff1d(posts, self.own_posts(brief, instant))
        dealt[self.index.post_account[posts]] = True
        return dealt

    def _brands_alike(self, brief: Brief, instant: int) -> NDArray[np.bool_]:
        """Mask over brand codes, with one false entry more for an unknown brand."""
        brands = self.index.brands
        alike = brands["brand_id"].to_numpy(object) == brief.brand_id
        category = self.category(brief, instant)
        if category is not None and category != "other":
            read_at = to_microseconds(brands["as_of"])
            undated = brands["as_of"].isna().to_numpy(bool)
            timeless = not self.index.market.settings.strict_time
            known = np.where(undated, timeless, read_at < instant)
            alike = alike | (known & (brands["category"] == category).to_numpy(bool))
        return np.append(alike, False)

    @cached_property
    def absences(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Account codes, first days and last days of `availability`."""
        table = self.index.market.tables["availability"]
        return (
            self.index.account_codes(table["account_id"]),
            _days(table["from_on"], -_NEVER),
            _days(table["to_on"], _NEVER),
        )

    @cached_property
    def bonds(self) -> pd.DataFrame:
        """Rows of `exclusivities`: ``person, brand_id, category, first_day, last_day``."""
        table = self.index.market.tables["exclusivities"]
        persons = self.index.person_ids.get_indexer(
            pd.Index(table["influencer_id"].to_numpy(object))
        )
        frame = pd.DataFrame(
            {
                "person": persons.astype(np.int64),
                "brand_id": table["brand_id"].to_numpy(object),
                "category": table["category"].to_numpy(object),
                "first_day": _days(table["from_on"], -_NEVER),
                "last_day": _days(table["to_on"], _NEVER),
            }
        )
        return frame[frame["person"] >= 0].reset_index(drop=True)

    def competitors(self, brief: Brief, instant: int) -> frozenset[str]:
        """Rivals of a brief's brand: those it names and those of its row of `brands`.

        Parameters
        ----------
        brief : Brief
            Brief.
        instant : int
            Microseconds since 1970; a row read at or after it does not count.

        Returns
        -------
        frozenset of str
            Brand ids.
        """
        named = set(brief.competitor_ids or ())
        row = self._brand_row(brief, instant)
        if row is not None:
            named |= set(row["competitor_ids"] or ())
        return frozenset(named - {brief.brand_id})

    def category(self, brief: Brief, instant: int) -> str | None:
        """Category of a brief's brand, from the brief or from its row of `brands`.

        Parameters
        ----------
        brief : Brief
            Brief.
        instant : int
            Microseconds since 1970; a row read at or after it does not count.

        Returns
        -------
        str or None
            Taxonomy id, None where unknown.
        """
        if brief.brand_category:
            return str(brief.brand_category)
        row = self._brand_row(brief, instant)
        if row is None or not isinstance(row["category"], str):
            return None
        return str(row["category"])

    def _brand_row(self, brief: Brief, instant: int) -> pd.Series | None:
        code = int(self.index.brand_ids.get_indexer(pd.Index([brief.brand_id], dtype=object))[0])
        if code < 0:
            return None
        row = self.index.brands.iloc[code]
        if pd.isna(row["as_of"]):
            return None if self.index.market.settings.strict_time else row
        return row if row["as_of"] < pd.Timestamp(instant, unit="us", tz="UTC") else None


_FACTS: WeakKeyDictionary[MarketData, AccountFacts] = WeakKeyDictionary()


def account_facts(data: MarketData) -> AccountFacts:
    """Facts of a market, built on first use and kept as long as `data` is.

    Parameters
    ----------
    data : MarketData
        The market in columnar form.

    Returns
    -------
    AccountFacts
        The same object for the same `data`.
    """
    facts = _FACTS.get(data)
    if facts is None:
        facts = _FACTS[data] = AccountFacts(data.index)
    return facts


def keep_facts(data: MarketData, facts: AccountFacts) -> None:
    """Let `account_facts` give the facts of a market that were put together in another way.

    Parameters
    ----------
    data : MarketData
        The market.
    facts : AccountFacts
        What it comes to there.
    """
    _FACTS[data] = facts
