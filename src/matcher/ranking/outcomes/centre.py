"""What the next post of an account gets, learnt from public posts: far more of them than hires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from matcher.ranking.linear import LinearModel, fit_linear
from matcher.ranking.outcomes.names import OWN_LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.ranking.outcomes.inputs import PairInputs
    from matcher.ranking.outcomes.posts import PostRows

__all__ = ["PostForecast", "fit_post_forecast"]

_LEAST_POSTS: Final = 200
"""Measured posts below which nothing is learnt from posts."""
_PENALTY: Final = 10.0
_LEAST_ERROR: Final = 0.1
"""Added to errors before their logarithm is taken, so that a lucky hit counts for little."""


@dataclass(frozen=True, eq=False)
class PostForecast:
    """Two regressions of one metric, and one of how far they err.

    Accounts whose own readings of the metric are known are asked by a regression that sees these;
    all others by one that was never shown them. Filling what is missing would instead draw every
    account without readings to the middle.

    Parameters
    ----------
    known : LinearModel or None
        For accounts with readings of their own; None where the metric needs none.
    others : LinearModel
        For the others.
    spread : LinearModel
        Log of the expected size of the error.
    own : tuple of str
        Columns that only `known` sees; the first one tells whether an account has readings.
    n_posts : int
        Posts it was learnt from.

    References
    ----------
    Fletcher Mercaldo and Blume, Missing data and prediction: the pattern submodel, Biostatistics 21
    (2020).
    """

    known: LinearModel | None
    others: LinearModel
    spread: LinearModel
    own: tuple[str, ...]
    n_posts: int

    def centre(self, inputs: PairInputs) -> NDArray[np.float64]:
        """Expected log of the metric.

        Parameters
        ----------
        inputs : PairInputs
            Pairs.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            As `matcher.ranking.outcomes.posts.PostRows.targets`.
        """
        found = self.others.predict(inputs.columns(self.others.names))
        if self.known is None:
            return found
        has_own = np.isfinite(inputs.columns(self.own[:1])[:, 0])
        seen = self.known.predict(inputs.columns(self.known.names))
        return np.where(has_own, seen, found)

    def scale(self, inputs: PairInputs) -> NDArray[np.float64]:
        """Expected size of the error of one post.

        Parameters
        ----------
        inputs : PairInputs
            Pairs.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Up to a factor that is the same for all, above 0.
        """
        return np.asarray(np.exp(self.spread.predict(inputs.columns(self.spread.names))))

    def beyond(self, inputs: PairInputs) -> NDArray[np.float64]:
        """How far predictions might be off because values lie beyond those learnt from.

        Parameters
        ----------
        inputs : PairInputs
            Pairs.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            See `matcher.ranking.linear.LinearModel.held_back`.
        """
        found = self.others.held_back(inputs.columns(self.others.names))
        if self.known is None:
            return found
        has_own = np.isfinite(inputs.columns(self.own[:1])[:, 0])
        return np.where(has_own, self.known.held_back(inputs.columns(self.known.names)), found)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, exact.

        Returns
        -------
        dict
            What `from_dict` reads.
        """
        return {
            "known": None if self.known is None else self.known.to_dict(),
            "others": self.others.to_dict(),
            "spread": self.spread.to_dict(),
            "own": list(self.own),
            "n_posts": self.n_posts,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Forecast of plain values.

        Parameters
        ----------
        content : mapping
            What `to_dict` gave.

        Returns
        -------
        PostForecast
            The same forecast.
        """
        known = content["known"]
        return cls(
            None if known is None else LinearModel.from_dict(known),
            LinearModel.from_dict(content["others"]),
            LinearModel.from_dict(content["spread"]),
            tuple(content["own"]),
            int(content["n_posts"]),
        )


def fit_post_forecast(rows: PostRows, metric: str) -> PostForecast | None:
    """Regressions of a metric on what was known of the accounts of posts.

    Parameters
    ----------
    rows : PostRows
        Posts.
    metric : str
        One of its targets.

    Returns
    -------
    PostForecast or None
        None where fewer than 200 posts were measured.
    """
    target = rows.targets[metric]
    measured = np.flatnonzero(np.isfinite(target))
    if len(measured) < _LEAST_POSTS:
        return None
    inputs, target = rows.inputs.select(measured), target[measured]
    own = OWN_LEVELS.get(metric, ())
    without = tuple(name for name in inputs.names if name not in own)
    others = _fit(inputs, target, without)
    known = None
    if own:
        has_own = np.flatnonzero(np.isfinite(inputs.columns(own[:1])[:, 0]))
        if len(has_own) >= _LEAST_POSTS:
            known = _fit(inputs.select(has_own), target[has_own], inputs.names)
    found = PostForecast(known, others, others, own, len(measured))
    error = np.log(_LEAST_ERROR + np.abs(target - found.centre(inputs)))
    return PostForecast(known, others, _fit(inputs, error, without), own, len(measured))


def _fit(inputs: PairInputs, target: NDArray[np.float64], names: tuple[str, ...]) -> LinearModel:
    return fit_linear(inputs.columns(names), target, names, penalties=(_PENALTY,))
