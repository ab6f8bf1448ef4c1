"""What outcome models see of accounts and pairs: features, platform, format, and its cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.columns import FORMATS, PLATFORMS
from matcher.errors import MatcherError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.features.pair_features import FeatureMatrix
    from matcher.features.pairs import Pairs

__all__ = [
    "DUMMIES",
    "FormatShares",
    "PairInputs",
    "count_formats",
    "dummy_columns",
    "formats_asked",
    "pair_inputs",
]

_PLATFORM_COLUMNS = tuple(f"platform_{name}" for name in PLATFORMS)
_FORMAT_COLUMNS = tuple(f"format_{name}" for name in FORMATS)
DUMMIES = (*_PLATFORM_COLUMNS, *_FORMAT_COLUMNS, "is_sponsored")
"""Columns beside the features: platform, shares of formats, and whether the post is an ad."""


@dataclass(frozen=True, eq=False)
class FormatShares:
    """In which formats each platform posts.

    Parameters
    ----------
    shares : numpy.ndarray of float64, shape (n_platforms, n_formats)
        Rows by `PLATFORMS`, columns by `FORMATS`; a row sums to 1, or is 0 where nothing is known.
    """

    shares: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.shares.shape != (len(PLATFORMS), len(FORMATS)):
            raise MatcherError(
                f"format shares: got shape {self.shares.shape}; expected "
                f"({len(PLATFORMS)}, {len(FORMATS)})"
            )

    def of(
        self, platforms: NDArray[np.object_], asked: Sequence[Sequence[str]]
    ) -> NDArray[np.float64]:
        """Share of each format in the posts that are expected of pairs.

        Parameters
        ----------
        platforms : numpy.ndarray of object, shape (n,)
            Platform of each pair.
        asked : sequence of sequence of str, length n
            Formats that each pair's brief asks for; empty is any.

        Returns
        -------
        numpy.ndarray of float64, shape (n, n_formats)
            Those asked for that the platform has, as often as it has them; all of its formats where
            none is asked for or it has none of them.
        """
        codes = pd.Index(PLATFORMS).get_indexer(pd.Index(platforms))
        own = np.where((codes >= 0)[:, None], self.shares[codes], 0.0)
        wanted = np.array([[name in names for name in FORMATS] for names in asked], dtype=bool)
        wanted = wanted.reshape(len(platforms), len(FORMATS))
        held = np.where(wanted, own, 0.0)
        held = np.where(held.sum(axis=1, keepdims=True) > 0, held, own)
        total = held.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(held, total, out=np.zeros_like(held), where=total > 0))


def count_formats(platforms: NDArray[np.object_], formats: NDArray[np.object_]) -> FormatShares:
    """Shares of formats by platform.

    Parameters
    ----------
    platforms, formats : numpy.ndarray of object, shape (n_posts,)
        Of each post; an unknown format counts for nothing.

    Returns
    -------
    FormatShares
        Shares.
    """
    rows = pd.Index(PLATFORMS).get_indexer(pd.Index(platforms))
    columns = pd.Index(FORMATS).get_indexer(pd.Index(formats))
    known = (rows >= 0) & (columns >= 0)
    counts = np.zeros((len(PLATFORMS), len(FORMATS)))
    np.add.at(counts, (rows[known], columns[known]), 1.0)
    total = counts.sum(axis=1, keepdims=True)
    return FormatShares(np.divide(counts, total, out=np.zeros_like(counts), where=total > 0))


@dataclass(frozen=True, eq=False)
class PairInputs:
    """Columns of pairs.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_pairs, n_columns)
        Features as they are, NaN where unknown, then `DUMMIES`.
    names : tuple of str
        Columns.
    platforms, tiers : numpy.ndarray of object, shape (n_pairs,)
        Cell of each pair's account as of its decision.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    platforms: NDArray[np.object_]
    tiers: NDArray[np.object_]

    def __post_init__(self) -> None:
        n = len(self.platforms)
        if self.values.shape != (n, len(self.names)) or len(self.tiers) != n:
            raise MatcherError(
                f"inputs: got {self.values.shape} values, {n} platforms and {len(self.tiers)} "
                f"tiers; expected one row each and {len(self.names)} columns"
            )

    def __len__(self) -> int:
        return len(self.platforms)

    def columns(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Some columns.

        Parameters
        ----------
        names : sequence of str
            Their names.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs, len(names))
            Values.
        """
        place = {name: column for column, name in enumerate(self.names)}
        return self.values[:, [place[name] for name in names]]

    def select(self, rows: NDArray[np.int64]) -> PairInputs:
        """Some rows.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Rows.

        Returns
        -------
        PairInputs
            Those rows.
        """
        return PairInputs(self.values[rows], self.names, self.platforms[rows], self.tiers[rows])


def pair_inputs(
    matrix: FeatureMatrix,
    shares: FormatShares,
    *,
    formats: Sequence[Sequence[str]] | None = None,
    rows: NDArray[np.int64] | None = None,
) -> PairInputs:
    """Columns of the pairs of a matrix, taken as posts made for pay.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features of pairs, as built from a market.
    shares : FormatShares
        What platforms post.
    formats : sequence of sequence of str, optional
        Formats of each row; those of its brief when None.
    rows : numpy.ndarray of int64, optional
        Rows of the matrix; all when None.

    Returns
    -------
    PairInputs
        Columns by row.

    Raises
    ------
    MatcherError
        If the matrix does not tell platforms and tiers.
    """
    if matrix.platforms is None or matrix.tiers is None:
        raise MatcherError("inputs: the matrix has no platforms; give one of `build_features`")
    chosen = np.arange(len(matrix.pairs)) if rows is None else rows
    platforms, tiers = matrix.platforms[chosen], matrix.tiers[chosen]
    if formats is None:
        formats = formats_asked(matrix.pairs.select(chosen))
    dummies = dummy_columns(platforms, shares.of(platforms, formats), np.ones(len(chosen)))
    values = np.hstack([matrix.values[chosen], dummies])
    return PairInputs(values, (*matrix.names, *DUMMIES), platforms, tiers)


def formats_asked(pairs: Pairs) -> list[tuple[str, ...]]:
    """Formats that the brief of each pair asks for.

    Parameters
    ----------
    pairs : Pairs
        Pairs.

    Returns
    -------
    list of tuple of str
        One per pair.
    """
    return [pairs.briefs[code].formats for code in pairs.brief_codes.tolist()]


def dummy_columns(
    platforms: NDArray[np.object_], formats: NDArray[np.float64], sponsored: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Columns of `DUMMIES`.

    Parameters
    ----------
    platforms : numpy.ndarray of object, shape (n,)
        Platforms.
    formats : numpy.ndarray of float64, shape (n, n_formats)
        Shares of formats.
    sponsored : numpy.ndarray of float64, shape (n,)
        1 for an ad, 0 for another post.

    Returns
    -------
    numpy.ndarray of float64, shape (n, len(DUMMIES))
        Columns.
    """
    on = np.column_stack([(platforms == name).astype(np.float64) for name in PLATFORMS])
    return np.hstack([on, formats, sponsored[:, None]])
