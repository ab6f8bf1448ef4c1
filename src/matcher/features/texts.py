"""The words of a market's posts, counted once: vocabulary, categories and mentioned brands."""

from __future__ import annotations

import bisect
import re
from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from matcher.market.instants import instant_microseconds
from matcher.market.taxonomy import read_taxonomy
from matcher.text.lexical import Lexicon
from matcher.text.normalise import find_hashtags, fold_accents, lexical_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex

__all__ = ["TextIndex", "brand_patterns"]

_LEGAL_WORDS: Final = re.compile(
    r"\b(?:viet nam|vietnam|vn|cong ty|tap doan|thuong hieu|tnhh|company|group|corp|corporation"
    r"|inc|ltd|jsc|official|store|shop|brand|global)\b"
)
_POSTS_AT_ONCE: Final = 100_000
_LEAST_LETTERS: Final = 3
_PREFIX_LETTERS: Final = 5
"""A brand name this long also counts where a longer hashtag begins with it."""


def brand_patterns(name: str) -> tuple[str, ...]:
    """Patterns to look for in folded, space-joined words to find a brand's name.

    Parameters
    ----------
    name : str
        Brand name as written.

    Returns
    -------
    tuple of str
        The name's words in a row, and written together as in a hashtag; empty for a name of
        fewer than three letters.

    Examples
    --------
    >>> brand_patterns("Nam Ngư Việt Nam")
    (' nam ngu ', ' namngu')
    >>> brand_patterns("Bear")
    (' bear ',)
    """
    words = " ".join(fold_accents(word) for word in lexical_tokens(name))
    kept = _LEGAL_WORDS.sub(" ", words).split() or words.split()
    joined = "".join(kept)
    if len(joined) < _LEAST_LETTERS:
        return ()
    patterns = [f" {' '.join(kept)} "]
    if len(joined) >= _PREFIX_LETTERS:
        patterns.append(f" {joined}")
    elif len(kept) > 1:
        patterns.append(f" {joined} ")
    return tuple(patterns)


@dataclass(frozen=True)
class TextIndex:
    """Counts over the words of all posts; nothing here is fitted, so nothing here can leak.

    Parameters
    ----------
    index : MarketIndex
        Market in columnar form.
    """

    index: MarketIndex

    @cached_property
    def _scanned(self) -> tuple[dict[str, int], NDArray[np.int32], NDArray[np.int64], pa.Array]:
        """Words by first occurrence; their codes by post, with bounds; joined words of posts."""
        seen: dict[str, int] = {}
        codes = array("i")
        lengths: list[int] = []
        joined: list[pa.Array] = []
        # Kept as codes and Arrow text: lists of words take ten times the memory.
        for texts in self.index.post_texts.parts():
            part = [lexical_tokens(text) for text in texts]
            for words in part:
                codes.extend([seen.setdefault(word, len(seen)) for word in words])
                lengths.append(len(words))
            joined.append(pa.array([f" {' '.join(words)} " for words in part], pa.large_string()))
        bounds = np.concatenate(([0], np.cumsum(np.array(lengths, dtype=np.int64))))
        text = pa.concat_arrays(joined) if joined else pa.array([], pa.large_string())
        return seen, np.frombuffer(codes, dtype=np.int32), bounds, text

    @cached_property
    def hashtags(self) -> tuple[list[str], NDArray[np.int32]]:
        """Distinct sets of hashtags, written one after the other, and that of each post."""
        return self.index.post_texts.share(
            lambda text: " ".join(f"#{tag}" for tag in find_hashtags(text))
        )

    @cached_property
    def terms(self) -> NDArray[np.object_]:
        """All words of all posts, in code-point order."""
        return np.array(sorted(self._scanned[0]), dtype=object)

    @cached_property
    def counts(self) -> sparse.csr_matrix:
        """Occurrences of each word in each post, shape (n_posts, n_terms)."""
        seen, codes, bounds, _ = self._scanned
        place = np.empty(len(seen), dtype=np.int32)
        place[[seen[term] for term in self.terms.tolist()]] = np.arange(len(seen))
        matrix = sparse.csr_matrix(
            (np.ones(len(codes), dtype=np.float32), place[codes], bounds),
            shape=(len(bounds) - 1, len(seen)),
        )
        matrix.sum_duplicates()
        return matrix

    def fit_lexicon(self, trained_until: pd.Timestamp) -> Lexicon:
        """Document frequencies of the posts published before an instant.

        Parameters
        ----------
        trained_until : pandas.Timestamp
            Instant, aware of its zone.

        Returns
        -------
        Lexicon
            Words of those posts.
        """
        seen = self.index.post_published < instant_microseconds(trained_until)
        counts, n_seen = self.counts, int(seen.sum())
        entries = np.repeat(seen, np.diff(counts.indptr))
        found = np.bincount(counts.indices[entries], minlength=len(self.terms)).astype(np.int64)
        n_words = float(counts.data[entries].sum(dtype=np.float64))
        least = 2 if n_seen >= 20_000 else 1
        kept = found >= least
        return Lexicon(
            terms=tuple(self.terms[kept].tolist()),
            document_frequency=found[kept],
            n_documents=n_seen,
            mean_length=n_words / max(n_seen, 1),
            trained_until=trained_until,
        )

    def weigh(self, lexicon: Lexicon) -> sparse.csr_matrix:
        """TF-IDF rows of all posts under a lexicon.

        Parameters
        ----------
        lexicon : Lexicon
            Document frequencies, whether fitted here or read from a model.

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_posts, n_lexicon_terms)
            Rows of unit length, zero for a post without a known word.
        """
        column_of = {term: column for column, term in enumerate(lexicon.terms)}
        target = np.array([column_of.get(term, -1) for term in self.terms.tolist()], dtype=np.int64)
        parts: list[sparse.csr_matrix] = []
        for low in range(0, self.counts.shape[0], _POSTS_AT_ONCE):
            entries = self.counts[low : low + _POSTS_AT_ONCE].tocoo()
            columns = target[entries.col]
            known = columns >= 0
            matrix = sparse.csr_matrix(
                (entries.data[known].astype(np.float64), (entries.row[known], columns[known])),
                shape=(entries.shape[0], len(lexicon.terms)),
            )
            matrix.sort_indices()
            parts.append(lexicon.weigh(matrix))
        if not parts:
            return sparse.csr_matrix((0, len(lexicon.terms)))
        stacked: sparse.csr_matrix = sparse.vstack(parts, format="csr")
        return stacked

    @cached_property
    def post_category(self) -> NDArray[np.int64]:
        """Category code with the most keywords of each post, the first on a tie; -1 for none."""
        taxonomy = read_taxonomy()
        words: list[int] = []
        categories: list[int] = []
        phrases: list[tuple[NDArray[np.int64], int]] = []
        position = {term: column for column, term in enumerate(self.terms.tolist())}
        for code, category in enumerate(taxonomy.ids):
            for keyword in taxonomy[category].keywords:
                tokens = lexical_tokens(keyword)
                for variant in {"".join(tokens), tokens[0] if len(tokens) == 1 else ""}:
                    if variant in position:
                        words.append(position[variant])
                        categories.append(code)
                if len(tokens) > 1:
                    phrases.append((self._posts_with(tokens), code))
        n_posts, n_categories = self.counts.shape[0], len(taxonomy.ids)
        chooser = sparse.csr_matrix(
            (np.ones(len(words)), (words, categories)), shape=(len(self.terms), n_categories)
        )
        found = np.empty(n_posts, dtype=np.int64)
        for low in range(0, n_posts, _POSTS_AT_ONCE):
            part = self.counts[low : low + _POSTS_AT_ONCE]
            part.data = np.ones_like(part.data)
            hits = np.asarray((part @ chooser).toarray())
            for posts, code in phrases:
                here = posts[(posts >= low) & (posts < low + len(hits))]
                hits[here - low, code] += 1.0
            best = hits.argmax(axis=1)
            found[low : low + len(hits)] = np.where(hits.max(axis=1, initial=0.0) > 0, best, -1)
        return found

    @cached_property
    def _posts_of(self) -> dict[str, NDArray[np.int32]]:
        by_term = self.counts.tocsc()
        parts = np.split(by_term.indices, by_term.indptr[1:-1]) if len(self.terms) else []
        return dict(zip(self.terms.tolist(), parts, strict=True))

    def _posts_with(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Posts that hold some words one after the other."""
        nothing = np.empty(0, dtype=np.int32)
        common = _intersect([self._posts_of.get(word, nothing) for word in words])
        pattern = f" {' '.join(words)} "
        texts = self._scanned[3].take(pa.array(common))
        found = pc.match_substring(texts, pattern).to_numpy(zero_copy_only=False).astype(bool)
        return np.asarray(common[found], dtype=np.int64)

    @cached_property
    def _folded_terms(self) -> tuple[list[str], list[str]]:
        """Words without accents in code-point order, and the words they come from."""
        pairs = sorted((fold_accents(term), term) for term in self.terms.tolist())
        return [folded for folded, _ in pairs], [term for _, term in pairs]

    def _posts_with_folded(self, word: str, *, whole: bool) -> NDArray[np.int32]:
        """Posts with a word that, without its accents, is this one or begins with it."""
        folded, terms = self._folded_terms
        low = bisect.bisect_left(folded, word)
        high = bisect.bisect_right(folded, word, lo=low)
        if not whole:
            while high < len(folded) and folded[high].startswith(word):
                high += 1
        parts = [self._posts_of[term] for term in terms[low:high]]
        return np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int32)

    def _posts_with_pattern(self, pattern: str) -> NDArray[np.int64]:
        """Posts in whose words, without accents, a pattern of `brand_patterns` stands."""
        words = pattern.split()
        whole = pattern.endswith(" ")
        common = _intersect([self._posts_with_folded(word, whole=whole) for word in words])
        if len(words) > 1:
            texts = self._scanned[3].take(pa.array(common)).to_pylist()
            common = common[[pattern in f" {fold_accents(text)} " for text in texts]]
        return common.astype(np.int64)

    @cached_property
    def mentions(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Codes of posts and of the brands whose names they contain, by post."""
        return self.find_names(self.index.brands["name"].fillna("").tolist())

    def find_names(self, names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Posts that contain brand names.

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
        posts: list[NDArray[np.int64]] = []
        places: list[NDArray[np.int64]] = []
        for place, name in enumerate(names):
            parts = [self._posts_with_pattern(pattern) for pattern in brand_patterns(name)]
            codes = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)
            posts.append(codes)
            places.append(np.full(len(codes), place, dtype=np.int64))
        if not posts:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        post, brand = np.concatenate(posts), np.concatenate(places)
        order = np.lexsort((brand, post))
        return post[order], brand[order]


def _intersect(sets: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Members of all sets, in rising order; each set holds a member once."""
    common, *others = sorted(sets, key=len)
    for other in others:
        common = np.intersect1d(common, other, assume_unique=True)
    return common
