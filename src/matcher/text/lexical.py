"""Document frequencies of a market's words: TF-IDF vectors and BM25 scores."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy import sparse

from matcher.errors import DataError
from matcher.market.instants import instant_microseconds
from matcher.text.normalise import lexical_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Lexicon", "fit_lexicon"]

_BM25_K1: Final = 1.2
_BM25_B: Final = 0.75
_RARE_FROM: Final = 20_000
"""Documents from which on a word must occur in two of them to be kept."""


@dataclass(frozen=True)
class Lexicon:
    """Words of a corpus with the number of documents each occurs in.

    Parameters
    ----------
    terms : tuple of str
        Words in code-point order.
    document_frequency : numpy.ndarray of int64, shape (n_terms,)
        Documents that hold the word, 1 to `n_documents`.
    n_documents : int
        Documents of the corpus.
    mean_length : float
        Mean number of words per document.
    trained_until : pandas.Timestamp or None
        Everything in the corpus was known before this instant; None for no instant.
    """

    terms: tuple[str, ...]
    document_frequency: NDArray[np.int64]
    n_documents: int
    mean_length: float
    trained_until: pd.Timestamp | None

    def __post_init__(self) -> None:
        if len(self.terms) != len(self.document_frequency):
            raise DataError(
                f"lexicon: {len(self.terms)} terms but {len(self.document_frequency)} document "
                "frequencies; expected one for each term"
            )

    @cached_property
    def _column_of(self) -> dict[str, int]:
        return {term: column for column, term in enumerate(self.terms)}

    @cached_property
    def _idf(self) -> NDArray[np.float64]:
        ratio = (1.0 + self.n_documents) / (1.0 + self.document_frequency)
        return np.asarray(np.log(ratio) + 1.0, dtype=np.float64)

    def counts(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Occurrences of each known word in each text.

        Parameters
        ----------
        texts : sequence of str
            Raw texts; they are normalised here.

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_texts, n_terms)
            Counts; words that the corpus did not hold are left out.
        """
        column_of = self._column_of
        columns: list[int] = []
        starts = [0]
        for text in texts:
            columns.extend(column_of[word] for word in lexical_tokens(text) if word in column_of)
            starts.append(len(columns))
        matrix = sparse.csr_matrix(
            (
                np.ones(len(columns)),
                np.asarray(columns, dtype=np.int32),
                np.asarray(starts, dtype=np.int64),
            ),
            shape=(len(texts), len(self.terms)),
        )
        matrix.sum_duplicates()
        return matrix

    def vectors(self, texts: Sequence[str]) -> sparse.csr_matrix:
        r"""TF-IDF rows of unit length.

        .. math:: w_{dt} = (1 + \ln n_{dt}) (1 + \ln \frac{1 + N}{1 + N_t})

        Parameters
        ----------
        texts : sequence of str
            Raw texts.

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_texts, n_terms)
            Rows of length 1; zero rows for texts without a known word. The product of two rows is
            their cosine.
        """
        return self.weigh(self.counts(texts))

    def weigh(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """TF-IDF rows of unit length from word counts; see `vectors`.

        Parameters
        ----------
        counts : scipy.sparse.csr_matrix of float64, shape (n_texts, n_terms)
            Occurrences of each word, 1 or more where stored.

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_texts, n_terms)
            Rows of length 1; zero rows for texts without a known word.
        """
        matrix = counts.copy()
        matrix.data = (1.0 + np.log(matrix.data)) * self._idf[matrix.indices]
        squares = matrix.multiply(matrix).sum(axis=1)
        norms = np.sqrt(np.asarray(squares).ravel())
        matrix.data = matrix.data / np.repeat(norms, np.diff(matrix.indptr))
        return matrix

    def bm25_weights(self, texts: Sequence[str]) -> sparse.csr_matrix:
        r"""BM25 weight of each word in each document.

        .. math:: w_{dt} = \ln(1 + \frac{N - N_t + .5}{N_t + .5})
            \frac{n_{dt} (k_1 + 1)}{n_{dt} + k_1 (1 - b + b\, l_d / \bar l)}

        with :math:`k_1 = 1.2, b = 0.75`; lengths count known words.

        Parameters
        ----------
        texts : sequence of str
            Raw documents.

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_texts, n_terms)
            Weights, 0 or above.
        """
        matrix = self.counts(texts)
        lengths = np.asarray(matrix.sum(axis=1)).ravel()
        found = self.document_frequency.astype(np.float64)
        rarity = np.log1p((self.n_documents - found + 0.5) / (found + 0.5))
        relative = lengths / self.mean_length if self.mean_length > 0 else np.ones_like(lengths)
        damping = _BM25_K1 * (1.0 - _BM25_B + _BM25_B * relative)
        spread = np.repeat(damping, np.diff(matrix.indptr))
        frequency = matrix.data
        weight = frequency * (_BM25_K1 + 1.0) / (frequency + spread)
        matrix.data = rarity[matrix.indices] * weight
        return matrix

    def bm25(
        self, queries: Sequence[str], documents: Sequence[str] | sparse.csr_matrix
    ) -> sparse.csr_matrix:
        """BM25 scores of documents for queries; each distinct word of a query counts once.

        Parameters
        ----------
        queries : sequence of str
            Raw queries, for example texts of briefs.
        documents : sequence of str or scipy.sparse.csr_matrix
            Raw documents, or what `bm25_weights` made of them.

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_queries, n_documents)
            Scores, 0 or above, comparable inside one query.
        """
        weights = (
            documents if isinstance(documents, sparse.csr_matrix) else self.bm25_weights(documents)
        )
        wanted = self.counts(queries)
        wanted.data = np.ones_like(wanted.data)
        return sparse.csr_matrix(wanted @ weights.T)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """State as plain arrays, for a file without pickle.

        Returns
        -------
        dict of str to numpy.ndarray
            ``terms`` (UTF-8, one word per line), ``document_frequency``, ``n_documents``,
            ``mean_length`` and ``trained_until`` (microseconds since 1970 in UTC; empty for None).
        """
        until = self.trained_until
        instant = [] if until is None else [instant_microseconds(until)]
        return {
            "terms": np.frombuffer("\n".join(self.terms).encode(), dtype=np.uint8).copy(),
            "document_frequency": self.document_frequency.astype(np.int64),
            "n_documents": np.array([self.n_documents], dtype=np.int64),
            "mean_length": np.array([self.mean_length], dtype=np.float64),
            "trained_until": np.array(instant, dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Lexicon:
        """Lexicon that `arrays` described.

        Parameters
        ----------
        arrays : mapping of str to numpy.ndarray
            Arrays as `arrays` returns them.

        Returns
        -------
        Lexicon
            Equal to the one that was taken apart.

        Raises
        ------
        DataError
            If an array is missing or sizes do not fit.
        """
        needed = ("terms", "document_frequency", "n_documents", "mean_length", "trained_until")
        missing = [name for name in needed if name not in arrays]
        if missing:
            raise DataError(f"lexicon: lacks {', '.join(missing)}; expected {', '.join(needed)}")
        joined = np.asarray(arrays["terms"], dtype=np.uint8).tobytes().decode()
        instant = np.asarray(arrays["trained_until"], dtype=np.int64)
        until = pd.Timestamp(int(instant[0]), unit="us", tz="UTC") if instant.size else None
        return cls(
            terms=tuple(joined.split("\n")) if joined else (),
            document_frequency=np.asarray(arrays["document_frequency"], dtype=np.int64),
            n_documents=int(np.asarray(arrays["n_documents"], dtype=np.int64)[0]),
            mean_length=float(np.asarray(arrays["mean_length"], dtype=np.float64)[0]),
            trained_until=until,
        )


def fit_lexicon(texts: Sequence[str], trained_until: pd.Timestamp | None) -> Lexicon:
    """Lexicon of a corpus.

    Parameters
    ----------
    texts : sequence of str
        Raw documents, all known before `trained_until`.
    trained_until : pandas.Timestamp or None
        Instant that the lexicon carries; a naive one is taken as UTC.

    Returns
    -------
    Lexicon
        Words of the corpus; in corpora of 20,000 documents and more, those of at least two
        documents. An empty corpus gives a lexicon without words, whose vectors are zero.

    Examples
    --------
    >>> lexicon = fit_lexicon(["phở ngon", "phở bò"], None)
    >>> lexicon.terms
    ('bò', 'ngon', 'phở')
    >>> float((lexicon.vectors(["phở"]) @ lexicon.vectors(["phở"]).T).toarray()[0, 0])
    1.0
    """
    found: Counter[str] = Counter()
    n_words = 0
    for text in texts:
        words = lexical_tokens(text)
        n_words += len(words)
        found.update(set(words))
    least = 2 if len(texts) >= _RARE_FROM else 1
    terms = sorted(term for term, count in found.items() if count >= least)
    if trained_until is not None and trained_until.tzinfo is None:
        trained_until = trained_until.tz_localize("UTC")
    return Lexicon(
        terms=tuple(terms),
        document_frequency=np.array([found[term] for term in terms], dtype=np.int64),
        n_documents=len(texts),
        mean_length=n_words / len(texts) if len(texts) else 0.0,
        trained_until=trained_until,
    )
