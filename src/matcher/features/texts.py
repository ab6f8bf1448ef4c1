"""The words of a market's posts, counted once: vocabulary, categories and mentioned brands."""

from __future__ import annotations

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
from matcher.text.normalise import fold_accents, lexical_tokens

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
        texts = self.index.post_texts
        # Kept as codes and Arrow text: lists of words take ten times the memory.
        for low in range(0, len(texts), _POSTS_AT_ONCE):
            part = [lexical_tokens(text) for text in texts[low : low + _POSTS_AT_ONCE]]
            for words in part:
                codes.extend([seen.setdefault(word, len(seen)) for word in words])
                lengths.append(len(words))
            joined.append(pa.array([f" {' '.join(words)} " for words in part], pa.large_string()))
        bounds = np.concatenate(([0], np.cumsum(np.array(lengths, dtype=np.int64))))
        text = pa.concat_arrays(joined) if joined else pa.array([], pa.large_string())
        return seen, np.frombuffer(codes, dtype=np.int32), bounds, text

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
            (np.ones(len(codes)), place[codes], bounds), shape=(len(bounds) - 1, len(seen))
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
        counts = self.counts[np.flatnonzero(seen)]
        found = np.bincount(counts.indices, minlength=len(self.terms)).astype(np.int64)
        least = 2 if counts.shape[0] >= 20_000 else 1
        kept = found >= least
        return Lexicon(
            terms=tuple(self.terms[kept].tolist()),
            document_frequency=found[kept],
            n_documents=int(counts.shape[0]),
            mean_length=float(counts.sum() / max(counts.shape[0], 1)),
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
                (entries.data[known], (entries.row[known], columns[known])),
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
    def _folded(self) -> pa.Array:
        # Folding trims; the blanks at both ends are what a pattern begins and ends with.
        joined = self._scanned[3]
        parts = [
            pa.array(
                [
                    f" {fold_accents(text)} "
                    for text in joined[low : low + _POSTS_AT_ONCE].to_pylist()
                ],
                pa.large_string(),
            )
            for low in range(0, len(joined), _POSTS_AT_ONCE)
        ]
        return pa.concat_arrays(parts) if parts else joined

    @cached_property
    def _posts_of(self) -> dict[str, NDArray[np.int32]]:
        by_term = self.counts.tocsc()
        parts = np.split(by_term.indices, by_term.indptr[1:-1]) if len(self.terms) else []
        return dict(zip(self.terms.tolist(), parts, strict=True))

    def _posts_with(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Posts that hold some words one after the other."""
        nothing = np.empty(0, dtype=np.int32)
        sets = sorted((self._posts_of.get(word, nothing) for word in words), key=len)
        common = sets[0]
        for other in sets[1:]:
            common = np.intersect1d(common, other, assume_unique=True)
        pattern = f" {' '.join(words)} "
        texts = self._scanned[3].take(pa.array(common))
        found = pc.match_substring(texts, pattern).to_numpy(zero_copy_only=False).astype(bool)
        return np.asarray(common[found], dtype=np.int64)

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
            found = np.zeros(len(self._folded), dtype=bool)
            for pattern in brand_patterns(name):
                hit = pc.match_substring(self._folded, pattern)
                found |= hit.to_numpy(zero_copy_only=False).astype(bool)
            codes = np.flatnonzero(found)
            posts.append(codes)
            places.append(np.full(len(codes), place, dtype=np.int64))
        if not posts:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        post, brand = np.concatenate(posts), np.concatenate(places)
        order = np.lexsort((brand, post))
        return post[order], brand[order]
