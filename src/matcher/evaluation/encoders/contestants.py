"""Encoders, TF-IDF, and each encoder together with TF-IDF, as one kind of thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse

from matcher.errors import DataError
from matcher.text.lexical import fit_lexicon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.features.context import Embed
    from matcher.text.encoder import Encoder
    from matcher.text.identity import Role
    from matcher.text.lexical import Lexicon

__all__ = ["LEXICAL", "TOGETHER", "Contestants", "TaskValues", "Vectors", "find_ranks"]

LEXICAL: Final = "tfidf"
"""The product's lexical similarity."""
TOGETHER: Final = " + tfidf"
"""Ending of the name of an encoder whose cosine is averaged with that of TF-IDF."""
_DIGITS: Final = 6
"""Decimals of a cosine; equal texts then tie whatever order the sums were taken in."""


@dataclass(frozen=True)
class Vectors:
    """Unit rows of some texts under one contestant, in one part or two.

    Parameters
    ----------
    parts : tuple of scipy.sparse.csr_matrix or numpy.ndarray, shape (n_texts, any)
        Rows of length 1, or 0 for texts without content. A likeness is the mean over the parts.
    """

    parts: tuple[sparse.csr_matrix | NDArray[np.float32], ...]

    def like(self, other: Vectors) -> NDArray[np.float64]:
        """Likeness of each text to each of other texts.

        Parameters
        ----------
        other : Vectors
            Texts under the same contestant.

        Returns
        -------
        numpy.ndarray of float64, shape (n_texts, n_other)
            Mean of the cosines of the parts, to six decimals.
        """
        total = np.zeros((self.parts[0].shape[0], other.parts[0].shape[0]))
        for mine, theirs in zip(self.parts, other.parts, strict=True):
            product: Any = mine @ theirs.T
            total += product.toarray() if hasattr(product, "toarray") else product
        return np.asarray(np.round(total / len(self.parts), _DIGITS), dtype=np.float64)

    def rows(self, places: NDArray[np.integer] | Sequence[int]) -> Vectors:
        """Some of the texts.

        Parameters
        ----------
        places : array-like of int
            Their rows.

        Returns
        -------
        Vectors
            In the order of `places`.
        """
        return Vectors(tuple(part[places] for part in self.parts))

    def columns(self) -> sparse.csr_matrix | NDArray[np.float32]:
        """Parts side by side, for a linear model.

        Returns
        -------
        scipy.sparse.csr_matrix or numpy.ndarray, shape (n_texts, any)
            One row per text.
        """
        if len(self.parts) == 1:
            return self.parts[0]
        parts = [sparse.csr_matrix(part) for part in self.parts]
        beside: sparse.csr_matrix = sparse.hstack(parts, format="csr")
        return beside


@dataclass(frozen=True)
class Contestants:
    """What is compared, on the same texts.

    Parameters
    ----------
    encoders : mapping of str to Encoder
        Encoders by the name that people gave.
    lexicon : Lexicon
        Document frequencies of TF-IDF.
    embed : callable
        ``embed(encoder, texts, role)``.
    """

    encoders: Mapping[str, Encoder]
    lexicon: Lexicon
    embed: Embed

    @property
    def names(self) -> tuple[str, ...]:
        """TF-IDF, each encoder, and each encoder together with TF-IDF."""
        return (LEXICAL, *self.encoders, *(f"{name}{TOGETHER}" for name in self.encoders))

    def fitted_on(self, texts: Sequence[str]) -> Contestants:
        """Contestants whose TF-IDF knows other documents.

        Parameters
        ----------
        texts : sequence of str
            Documents that frequencies are counted over.

        Returns
        -------
        Contestants
            The same encoders.
        """
        return replace(self, lexicon=fit_lexicon(texts, None))

    def vectors(self, texts: Sequence[str], role: Role) -> dict[str, Vectors]:
        """Rows of texts under every contestant.

        Parameters
        ----------
        texts : sequence of str
            Raw texts.
        role : {"brief", "content"}
            Role of the texts.

        Returns
        -------
        dict of str to Vectors
            By contestant, in the order of `names`.
        """
        words = self.lexicon.vectors(texts)
        found = {LEXICAL: Vectors((words,))}
        dense = {
            name: np.asarray(self.embed(encoder, texts, role), dtype=np.float32)
            for name, encoder in self.encoders.items()
        }
        found |= {name: Vectors((rows,)) for name, rows in dense.items()}
        return found | {f"{name}{TOGETHER}": Vectors((rows, words)) for name, rows in dense.items()}


@dataclass(frozen=True)
class TaskValues:
    """What every contestant reached on each query of a task.

    Parameters
    ----------
    data, task, languages, measure : str
        Where, what, in which languages, and how it is measured.
    values : mapping of str to numpy.ndarray of float64, shape (n_queries,)
        By contestant; NaN where undefined.
    clusters : numpy.ndarray, shape (n_queries,)
        What intervals are taken over.
    clustered_by : str
        What a cluster is.
    more_is_better : bool
        False for errors.
    """

    data: str
    task: str
    languages: str
    measure: str
    values: Mapping[str, NDArray[np.float64]]
    clusters: NDArray[np.object_]
    clustered_by: str
    more_is_better: bool = True

    def __post_init__(self) -> None:
        odd = [name for name, held in self.values.items() if held.shape != self.clusters.shape]
        if odd:
            raise DataError(
                f"{self.data}, {self.task}: {odd[0]} has values of shape "
                f"{self.values[odd[0]].shape}; expected {self.clusters.shape}, one per query"
            )


def find_ranks(
    likeness: NDArray[np.float64],
    targets: NDArray[np.integer],
    *,
    hidden: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Expected rank of each query's target, 1 for the nearest; ties at random.

    Parameters
    ----------
    likeness : numpy.ndarray of float64, shape (n_queries, n_texts)
        Likeness of each query to each text.
    targets : numpy.ndarray of int, shape (n_queries,)
        Column of the text that belongs to each query.
    hidden : numpy.ndarray of bool, shape (n_queries, n_texts), optional
        Texts that do not compete for a query; never its target.

    Returns
    -------
    numpy.ndarray of float64, shape (n_queries,)
        Mean rank over all orders of the ties.

    Examples
    --------
    >>> find_ranks(np.array([[0.9, 0.9, 0.1], [0.2, 0.3, 0.1]]), np.array([0, 2])).tolist()
    [1.5, 3.0]
    """
    own = np.take_along_axis(likeness, np.asarray(targets)[:, None], axis=1)
    open_to = np.ones(likeness.shape, dtype=bool) if hidden is None else ~hidden
    above = ((likeness > own) & open_to).sum(axis=1)
    level = ((likeness == own) & open_to).sum(axis=1) - 1
    return np.asarray(1.0 + above + level / 2.0)
