"""What every feature family works from: a market's index, fitted text, and pairs seen in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import LeakageError
from matcher.features.blocks import BriefBlock
from matcher.features.contacts import Contacts
from matcher.features.data import MarketData
from matcher.features.index import MarketIndex
from matcher.features.lazy import SharedRows
from matcher.features.products import block_similarities
from matcher.features.segments import expand_ranges, sum_segments
from matcher.features.snapshots import newest_snapshots
from matcher.features.windows import window_aggregates
from matcher.market.tiers import assign_tier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from matcher.features.pairs import Pairs
    from matcher.market.brief import Brief
    from matcher.text.encoder import Encoder
    from matcher.text.lexical import Lexicon

    Embed = Callable[[Encoder, Sequence[str], str], NDArray[np.float16]]

__all__ = ["BriefBlock", "FeatureContext", "MarketData", "PairView"]

_POSTS_AT_ONCE: Final = 250_000
"""Posts whose embeddings are held as float64 at a time."""
_RUNNING_SUM_VALUES: Final = 50_000_000
"""Embedding values up to which running sums are kept (400 MB); beyond, ranges are summed anew."""


def _plain_embed(encoder: Encoder, texts: Sequence[str], role: str) -> NDArray[np.float16]:
    return encoder.encode(texts, role=role)  # type: ignore[arg-type]


@dataclass(frozen=True)
class FeatureContext:
    """A market seen through a fitted encoder and lexicon.

    Parameters
    ----------
    data : MarketData
        Index and word counts.
    encoder : Encoder
        Text encoder.
    lexicon : Lexicon
        Document frequencies.
    embed : callable, optional
        ``embed(encoder, texts, role)``; an embedding cache goes here.
    n_threads : int
        Threads of the columnar engine; they do not change any result.
    """

    data: MarketData
    encoder: Encoder
    lexicon: Lexicon
    embed: Embed = field(default=_plain_embed)
    n_threads: int = 2

    @property
    def index(self) -> MarketIndex:
        """Codes and sorted columns of the market."""
        return self.data.index

    def _once(self, what: str, texts: Callable[[], Sequence[str]]) -> NDArray[np.float16]:
        return self.data.remember(
            self.encoder.identity.digest,
            what,
            lambda: self.embed(self.encoder, texts(), "content"),
        )

    @cached_property
    def post_embeddings(self) -> NDArray[np.float16]:
        """Embeddings of post texts, shape (n_posts, dim)."""
        return self._once("posts", lambda: self.index.post_texts)

    @cached_property
    def hashtag_embeddings(self) -> SharedRows:
        """Embeddings of each post's hashtags alone; zero rows where it has none."""
        texts, codes = self.data.texts.hashtags
        return SharedRows(self._once("hashtags", lambda: texts), codes)

    @cached_property
    def bio_embeddings(self) -> NDArray[np.float16]:
        """Embeddings of each account's bio, shape (n_accounts, dim)."""
        return self._once("bios", lambda: self.index.influencers["bio"].fillna("").tolist())

    @cached_property
    def brand_embeddings(self) -> NDArray[np.float16]:
        """Embeddings of brand descriptions, shape (n_brands, dim)."""
        texts = self.index.brands["description"].fillna("").tolist()
        return self.embed(self.encoder, texts, "brief")

    @cached_property
    def lexical_posts(self) -> sparse.csr_matrix:
        """TF-IDF rows of posts, shape (n_posts, n_terms)."""
        return self.data.texts.weigh(self.lexicon)

    def embed_briefs(self, briefs: Sequence[Brief]) -> NDArray[np.float16]:
        """Embeddings of brief texts.

        Parameters
        ----------
        briefs : sequence of Brief
            Briefs.

        Returns
        -------
        numpy.ndarray of float16, shape (n_briefs, dim)
            Unit rows.
        """
        return self.embed(self.encoder, [brief.text for brief in briefs], "brief")

    @cached_property
    def _running_sums(self) -> NDArray[np.float64] | None:
        matrix = self.post_embeddings
        if matrix.size > _RUNNING_SUM_VALUES:
            return None
        sums = np.zeros((len(matrix) + 1, matrix.shape[1]))
        np.cumsum(matrix, axis=0, dtype=np.float64, out=sums[1:])
        return sums

    def block_sums(self, block: BriefBlock) -> NDArray[np.float64]:
        """Sums of the embeddings of the visible posts of a block's candidates.

        Parameters
        ----------
        block : BriefBlock
            Candidates of a brief.

        Returns
        -------
        numpy.ndarray of float64, shape (n_candidates, dim)
            Sums, zero without posts.
        """
        sums = self.account_sums(block.accounts, block.instant)
        hidden_owners, hidden_posts = block.hidden
        np.subtract.at(sums, hidden_owners, self.post_embeddings[hidden_posts].astype(np.float64))
        return sums

    def embedding_sums(
        self, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Sums of post embeddings over ranges of post codes; exact in float64.

        Parameters
        ----------
        starts, ends : numpy.ndarray of int64, shape (n,)
            Half-open ranges.

        Returns
        -------
        numpy.ndarray of float64, shape (n, dim)
            Sums, zero for an empty range.
        """
        if self._running_sums is not None:
            return np.asarray(self._running_sums[ends] - self._running_sums[starts])
        sums = np.zeros((len(starts), self.post_embeddings.shape[1]))
        filled = np.flatnonzero(ends > starts)
        for part in np.array_split(filled, 1 + int((ends - starts).sum()) // _POSTS_AT_ONCE):
            if len(part):
                posts = expand_ranges(starts[part], ends[part])
                rows = self.post_embeddings[posts].astype(np.float64)
                sums[part] = sum_segments(rows, ends[part] - starts[part])
        return sums

    def keep_account_sums(self, instant: int) -> None:
        """Sum the embeddings of every account's posts before an instant, and keep the sums.

        Those of one instant are kept at a time: what is asked for next as of the same instant is
        looked up instead of summed.

        Parameters
        ----------
        instant : int
            Microseconds since 1970.
        """
        if instant not in self._kept_sums:
            starts, ends = self.index.posts_before(np.arange(len(self.index.account_ids)), instant)
            self._kept_sums.clear()
            self._kept_sums[instant] = self.embedding_sums(starts, ends)

    @cached_property
    def _kept_sums(self) -> dict[int, NDArray[np.float64]]:
        return {}

    def account_sums(self, accounts: NDArray[np.int64], instant: int) -> NDArray[np.float64]:
        """Sums of the embeddings of accounts' posts published strictly before an instant.

        Parameters
        ----------
        accounts : numpy.ndarray of int64, shape (n,)
            Account codes.
        instant : int
            Microseconds since 1970.

        Returns
        -------
        numpy.ndarray of float64, shape (n, dim)
            Sums, zero without posts.
        """
        if instant in self._kept_sums:
            known = (accounts >= 0)[:, None]
            return np.asarray(np.where(known, self._kept_sums[instant][accounts], 0.0))
        return self.embedding_sums(*self.index.posts_before(accounts, instant))

    @cached_property
    def contacts(self) -> Contacts:
        """Dealings of accounts with brands."""
        return Contacts(self)

    @cached_property
    def past_briefs(self) -> tuple[pd.DataFrame, NDArray[np.float16]]:
        """Campaigns of the market by decision, and embeddings of their briefs."""
        table = self.index.market.tables["campaigns"]
        dated = table[table["decided_at"].notna()].sort_values(["decided_at", "campaign_id"])
        dated = dated.reset_index(drop=True)
        texts = (dated["title"].fillna("") + "\n" + dated["brief"].fillna("")).tolist()
        return dated, self.embed(self.encoder, texts, "brief")

    def check_trained(self, pairs: Pairs) -> None:
        """Refuse briefs decided before the fitted text objects were closed.

        Parameters
        ----------
        pairs : Pairs
            Pairs to score.

        Raises
        ------
        LeakageError
            If an encoder or lexicon knows texts from after a decision.
        """
        earliest = pd.Timestamp(pairs.instants.min()).tz_localize("UTC")
        for what, until in (
            ("encoder", self.encoder.identity.trained_until),
            ("lexicon", self.lexicon.trained_until),
        ):
            if until is not None and earliest < until:
                raise LeakageError(
                    f"the {what} was trained on texts until {until} but a brief was decided at "
                    f"{earliest}; use a model closed before it"
                )


@dataclass(frozen=True)
class PairView:
    """Pairs joined with what a context knows strictly before each decision.

    Parameters
    ----------
    context : FeatureContext
        Market and fitted text.
    pairs : Pairs
        Pairs.
    """

    context: FeatureContext
    pairs: Pairs

    @cached_property
    def accounts(self) -> NDArray[np.int64]:
        """Account code of each pair, -1 for an account that the market does not hold."""
        return self.context.index.account_codes(self.pairs.account_ids)

    @cached_property
    def instants(self) -> NDArray[np.int64]:
        """Decision of each pair in microseconds since 1970."""
        return self.pairs.pair_instants.astype("datetime64[us]").astype(np.int64)

    @cached_property
    def brief_embeddings(self) -> NDArray[np.float16]:
        """Embeddings of the briefs, shape (n_briefs, dim)."""
        return self.context.embed_briefs(self.pairs.briefs)

    @cached_property
    def blocks(self) -> tuple[BriefBlock, ...]:
        """One block per brief, in order."""
        index = self.context.index
        bounds = self.pairs.bounds
        moments = self.pairs.instants.astype("datetime64[us]").astype(np.int64)
        found = []
        for code, brief in enumerate(self.pairs.briefs):
            rows = slice(int(bounds[code]), int(bounds[code + 1]))
            accounts = self.accounts[rows]
            starts, ends = index.posts_before(accounts, int(moments[code]))
            lengths = ends - starts
            posts = expand_ranges(starts, ends)
            owners = np.repeat(np.arange(len(lengths)), lengths)
            own = np.isin(posts, index.own_posts.get(brief.brief_id, ()))
            found.append(
                BriefBlock(
                    brief=brief,
                    code=code,
                    instant=int(moments[code]),
                    rows=rows,
                    accounts=accounts,
                    posts=posts[~own],
                    lengths=np.bincount(owners[~own], minlength=len(lengths)),
                    starts=starts,
                    ends=ends,
                    hidden=(owners[own], posts[own]),
                )
            )
        return tuple(found)

    @cached_property
    def windows(self) -> pd.DataFrame:
        """Window aggregates of each pair's account; see `matcher.features.windows`."""
        own_codes = np.full(len(self.pairs), -1, dtype=np.int64)
        hidden_own: list[NDArray[np.int64]] = []
        hidden_posts: list[NDArray[np.int64]] = []
        for block in self.blocks:
            early = block.hidden[1]
            if len(early):
                own_codes[block.rows] = block.code
                hidden_own.append(np.full(len(early), block.code, dtype=np.int64))
                hidden_posts.append(early)
        keys = pd.DataFrame({"account": self.accounts, "instant": self.instants, "own": own_codes})
        unique = keys.drop_duplicates(ignore_index=True)
        own_posts = (
            (np.concatenate(hidden_own), np.concatenate(hidden_posts)) if hidden_own else None
        )
        found = window_aggregates(
            self.context.data.spans,
            unique["account"].to_numpy(),
            unique["instant"].to_numpy(),
            own=unique["own"].to_numpy(),
            own_posts=own_posts,
            n_threads=self.context.n_threads,
        )
        place = pd.MultiIndex.from_frame(unique).get_indexer(pd.MultiIndex.from_frame(keys))
        return found.iloc[place].reset_index(drop=True)

    @cached_property
    def snapshots(self) -> pd.DataFrame:
        """Newest snapshot before each decision, and the one at least 80 days older.

        Columns ``n_followers, n_following, n_posts, n_followers_before, days_between``, NaN where
        none is known in time.
        """
        return newest_snapshots(self.context.index, self.accounts, self.instants)

    @cached_property
    def tiers(self) -> NDArray[np.object_]:
        """Follower tier of each pair's account at the decision, ``unknown`` without followers."""
        market = self.context.index.market
        tiers = assign_tier(self.snapshots["n_followers"], market.settings.tier_scheme)
        return tiers.to_numpy(object)

    @cached_property
    def platforms(self) -> NDArray[np.object_]:
        """Platform of each pair's account."""
        return self.context.index.accounts["platform"].to_numpy(object)[self.accounts]

    def similarities(
        self, matrix: NDArray[np.float16] | SharedRows, queries: NDArray[np.float16]
    ) -> Iterator[tuple[BriefBlock, NDArray[np.float64]]]:
        """Cosine of each brief with the visible posts of its candidates.

        Parameters
        ----------
        matrix : numpy.ndarray of float16, shape (n_posts, dim), or SharedRows
            Unit rows by post code.
        queries : numpy.ndarray of float16, shape (n_briefs, dim)
            Unit rows by brief.

        Returns
        -------
        iterator of tuple
            As from `matcher.features.products.block_similarities`.
        """
        return block_similarities(self.blocks, matrix, queries)

    @cached_property
    def post_similarities(self) -> tuple[tuple[BriefBlock, NDArray[np.float64]], ...]:
        """Cosines of each brief with the visible posts of its candidates, see `similarities`."""
        return tuple(self.similarities(self.context.post_embeddings, self.brief_embeddings))
