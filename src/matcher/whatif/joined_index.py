"""Codes, words and readings of a market that accounts joined.

Codes follow ids, so that newcomers stand between the others and codes shift; their order among
the others stays. Values that are asked for are put together from those of the two sides, each
computed once; a value without a way of its own here is computed from the joined tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

from matcher.features.data import MarketData
from matcher.features.index import MarketIndex
from matcher.features.lazy import TextColumn
from matcher.features.texts import TextIndex
from matcher.whatif.places import Places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.text.lexical import Lexicon

__all__ = ["JoinedData", "JoinedIndex", "JoinedTexts"]


@dataclass(frozen=True)
class JoinedIndex(MarketIndex):
    """Codes and columns of a market that accounts joined.

    Parameters
    ----------
    others, newcomers : MarketIndex
        Those who were there, and those who join.
    """

    others: MarketIndex = field(kw_only=True)
    newcomers: MarketIndex = field(kw_only=True)

    @cached_property
    def account_places(self) -> Places:
        """Codes of the accounts of both sides."""
        return Places.of_sorted(self.others.account_ids, self.newcomers.account_ids)

    @cached_property
    def person_places(self) -> Places:
        """Codes of the persons of both sides."""
        return Places.of_sorted(self.others.person_ids, self.newcomers.person_ids)

    @cached_property
    def post_places(self) -> Places:
        """Codes of the posts of both sides."""
        before = self.account_places.n_before[self.newcomers.post_account]
        # Posts stand by account, so that those of the next account begin where a newcomer's end.
        return Places(
            len(self.others.post_account), np.searchsorted(self.others.post_account, before)
        )

    @cached_property
    def account_ids(self) -> pd.Index[Any]:
        """As of `MarketIndex`."""
        ids = self.account_places.merge(
            self.others.account_ids.to_numpy(object), self.newcomers.account_ids.to_numpy(object)
        )
        found: pd.Index[Any] = pd.Index(ids, dtype=object, name="account_id")
        return found

    @cached_property
    def accounts(self) -> pd.DataFrame:
        """As of `MarketIndex`."""
        return self.account_places.merge_frames(self.others.accounts, self.newcomers.accounts)

    @cached_property
    def influencers(self) -> pd.DataFrame:
        """As of `MarketIndex`."""
        return self.account_places.merge_frames(self.others.influencers, self.newcomers.influencers)

    @cached_property
    def person_ids(self) -> pd.Index[Any]:
        """As of `MarketIndex`."""
        ids = self.person_places.merge(
            self.others.person_ids.to_numpy(object), self.newcomers.person_ids.to_numpy(object)
        )
        found: pd.Index[Any] = pd.Index(ids, dtype=object, name="influencer_id")
        return found

    @cached_property
    def person_of(self) -> NDArray[np.int64]:
        """As of `MarketIndex`."""
        persons = self.person_places
        return self.account_places.merge(
            persons.of_others(self.others.person_of), persons.of_newcomers(self.newcomers.person_of)
        )

    @cached_property
    def posts(self) -> pd.DataFrame:
        """As of `MarketIndex`."""
        return self.post_places.merge_frames(self.others.posts, self.newcomers.posts)

    @property
    def post_texts(self) -> TextColumn:
        """As of `MarketIndex`."""
        columns = (self.others.posts[["text"]], self.newcomers.posts[["text"]])
        return TextColumn(self.post_places.merge_frames(*columns)["text"])

    @cached_property
    def post_account(self) -> NDArray[np.int64]:
        """As of `MarketIndex`."""
        accounts = self.account_places
        return self.post_places.merge(
            accounts.of_others(self.others.post_account),
            accounts.of_newcomers(self.newcomers.post_account),
        )

    @cached_property
    def post_published(self) -> NDArray[np.int64]:
        """As of `MarketIndex`."""
        return self.post_places.merge(self.others.post_published, self.newcomers.post_published)

    @cached_property
    def post_brand(self) -> NDArray[np.int64]:
        """As of `MarketIndex`."""
        return self.post_places.merge(self.others.post_brand, self.newcomers.post_brand)

    @cached_property
    def post_is_sponsored(self) -> NDArray[np.bool_]:
        """As of `MarketIndex`."""
        return self.post_places.merge(
            self.others.post_is_sponsored, self.newcomers.post_is_sponsored
        )

    @cached_property
    def own_posts(self) -> dict[str, NDArray[np.int64]]:
        """As of `MarketIndex`; newcomers made none."""
        places = self.post_places.others
        return {name: places[posts] for name, posts in self.others.own_posts.items()}

    def posts_before(
        self, accounts: NDArray[np.int64], instant: int, *, since: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As of `MarketIndex`.

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
        starts, ends = np.zeros((2, len(accounts)), dtype=np.int64)
        for part, mine, codes, shift in self._sides(accounts):
            first, last = part.posts_before(codes, instant, since=since)
            starts[mine], ends[mine] = first + shift, last + shift
        return starts, ends

    def _sides(
        self, accounts: NDArray[np.int64]
    ) -> list[tuple[MarketIndex, NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]]:
        """Each side: who of some accounts is on it, their codes there, how far posts shift."""
        is_new, codes = self.account_places.origin(accounts)
        n_earlier = np.searchsorted(self.newcomers.post_account, self._first_new[codes[~is_new]])
        before = self.account_places.n_before[codes[is_new]]
        n_others = np.searchsorted(self.others.post_account, before)
        return [
            (self.others, ~is_new, codes[~is_new], n_earlier),
            (self.newcomers, is_new, codes[is_new], n_others),
        ]

    @cached_property
    def _first_new(self) -> NDArray[np.int64]:
        """First newcomer whose id is higher, by code of the others, and 0 for code -1."""
        places = self.account_places
        codes = np.arange(len(places.others))
        return np.append(np.searchsorted(places.n_before, codes, side="right"), 0)


@dataclass(frozen=True)
class JoinedTexts(TextIndex):
    """Words of the posts of a market that accounts joined.

    Parameters
    ----------
    others, newcomers : TextIndex
        Those who were there, and those who join.
    places : Places
        Codes of the posts of both sides.
    """

    others: TextIndex = field(kw_only=True)
    newcomers: TextIndex = field(kw_only=True)
    places: Places = field(kw_only=True)

    @cached_property
    def post_category(self) -> NDArray[np.int64]:
        """As of `TextIndex`."""
        return self.places.merge(self.others.post_category, self.newcomers.post_category)

    def weigh(self, lexicon: Lexicon) -> sparse.csr_matrix:
        """As of `TextIndex`.

        Parameters
        ----------
        lexicon : Lexicon
            Document frequencies.

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_posts, n_lexicon_terms)
            Unit rows.
        """
        rows = sparse.vstack((self.others.weigh(lexicon), self.newcomers.weigh(lexicon)), "csr")
        found: sparse.csr_matrix = rows[self.places.order]
        return found

    @cached_property
    def mentions(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As of `TextIndex`."""
        return self._by_post(self.others.mentions, self.newcomers.mentions)

    def find_names(self, names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As of `TextIndex`.

        Parameters
        ----------
        names : sequence of str
            Names as written.

        Returns
        -------
        posts : numpy.ndarray of int64
            Post codes, in rising order.
        places : numpy.ndarray of int64
            Position in `names` of the name found in each.
        """
        return self._by_post(self.others.find_names(names), self.newcomers.find_names(names))

    def _by_post(
        self,
        old: tuple[NDArray[np.int64], NDArray[np.int64]],
        new: tuple[NDArray[np.int64], NDArray[np.int64]],
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        places = self.places
        posts = np.concatenate((places.of_others(old[0]), places.of_newcomers(new[0])))
        brands = np.concatenate((old[1], new[1]))
        order = np.lexsort((brands, posts))
        return posts[order], brands[order]


@dataclass(frozen=True)
class JoinedData(MarketData):
    """Index, words and readings of a market that accounts joined.

    Parameters
    ----------
    others, newcomers : MarketData
        Those who were there, and those who join.
    """

    others: MarketData = field(kw_only=True)
    newcomers: MarketData = field(kw_only=True)

    @cached_property
    def index(self) -> JoinedIndex:
        """As of `MarketData`."""
        return JoinedIndex(self.market, others=self.others.index, newcomers=self.newcomers.index)

    @cached_property
    def texts(self) -> JoinedTexts:
        """As of `MarketData`."""
        return JoinedTexts(
            self.index,
            others=self.others.texts,
            newcomers=self.newcomers.texts,
            places=self.index.post_places,
        )

    @cached_property
    def spans(self) -> pa.Table:
        """As of `MarketData`."""
        old, new = (
            self._recoded(part.spans, side)
            for side, part in enumerate((self.others, self.newcomers))
        )
        accounts = new["account"].to_numpy()
        before = np.searchsorted(old["account"].to_numpy(), accounts)
        parts, low = [], 0
        for first in np.flatnonzero(np.diff(accounts, prepend=-1)):
            last = np.searchsorted(accounts, accounts[first], side="right")
            parts += [old.slice(low, before[first] - low), new.slice(first, last - first)]
            low = before[first]
        return pa.concat_tables([*parts, old.slice(low)])

    def _recoded(self, spans: pa.Table, side: int) -> pa.Table:
        """Spans of a side with the codes of the joined market."""
        index = self.index
        for name, places in (("post", index.post_places), ("account", index.account_places)):
            codes = places.sides[side][spans[name].to_numpy()]
            spans = spans.set_column(spans.column_names.index(name), name, pa.array(codes))
        return spans
