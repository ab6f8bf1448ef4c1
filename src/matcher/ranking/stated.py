"""A ranker by a stated rule, for markets without any history of hires, and how it is told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.errors import DataError, FeatureMismatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["FALLBACK", "STATED_KIND", "StatedRanker", "describe_fallback"]

FALLBACK: Final = "likeness-and-level"
"""Name of the model that is made where there is no history of hires."""
STATED_KIND: Final = "stated"
"""Kind of the ranker in the manifest of a bundle; one without a kind holds LightGBM models."""


@dataclass(frozen=True)
class StatedRanker:
    """Weighted mean of features that are normal scores within a brief; nothing in it is learnt.

    It answers as `matcher.ranking.boosting.BoostedRanker` does, so that a model may hold either.

    Parameters
    ----------
    names : tuple of str
        Features, in the order of the columns.
    weights : tuple of float, optional
        Weight of each feature, above 0, together 1; equal ones when not given.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is one usable weight per feature; DataError otherwise."""
        if not self.weights and self.names:
            object.__setattr__(self, "weights", (1.0 / len(self.names),) * len(self.names))
        is_mean = abs(math.fsum(self.weights) - 1.0) < 1e-9 and min(self.weights, default=0.0) > 0
        if not is_mean or len(self.weights) != len(self.names):
            raise DataError(
                f"stated ranker: got weights {self.weights[:5]} for {len(self.names)} features; "
                "expected one above 0 for each, together 1"
            )

    @property
    def digest_parts(self) -> tuple[str, ...]:
        """What two rankers of equal scores have in common, for digests of a model."""
        return (STATED_KIND, *self.names, *map(repr, self.weights))

    @property
    def summary(self) -> str:
        """Size, in words for people."""
        return f"a stated rule over {len(self.names)} features"

    @property
    def rule(self) -> str:
        """The rule, in words for people."""
        return f"the mean of the normal scores of {', '.join(self.names)} among the candidates"

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        r"""Score; comparable only within a brief.

        .. math:: s = \sum_j w_j z_j

        where an unknown z counts as 0, the middle of the candidates: it speaks neither for nor
        against.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape (n_pairs, n_features)
            Normal scores in the order of `names`, NaN where unknown; see
            `matcher.features.relative.normal_scores`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Scores; 0 is the middle.
        """
        return np.asarray(self._parts(values).sum(axis=1), dtype=np.float64)

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Exact additive contributions of each feature to the score.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape (n_pairs, n_features)
            Normal scores in the order of `names`, NaN where unknown.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs, n_features + 1)
            Weight times value; the last column is the base value, 0; rows sum to the score.
        """
        parts = self._parts(values)
        return np.hstack([parts, np.zeros((len(parts), 1))])

    def _parts(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise FeatureMismatchError(
                f"ranker: got {values.shape} values; expected {len(self.names)} columns"
            )
        return np.asarray(np.where(np.isnan(values), 0.0, values) * np.array(self.weights))


def describe_fallback(facts: Mapping[str, Any]) -> str:
    """Name of the fallback and what it does, for whoever sees a model or a list of it.

    Parameters
    ----------
    facts : mapping
        Facts of a model; ``trained_until`` among them is named.

    Returns
    -------
    str
        One sentence without its stop; empty for a model that learnt from hires.
    """
    if "fallback" not in facts:
        return ""
    until = facts.get("trained_until")
    where = f" (trained until {until})" if until else ""
    posts = "is forecast from public posts alone, whose ranges are too narrow for hires"
    if "no_outcomes" in facts:
        posts = "is not predicted"
    return (
        f"this model{where} is the fallback `{facts['fallback']}`, which learnt nothing from "
        f"hires ({facts['no_history']}): fit is a stated rule, {facts['rule']}; what a hire "
        f"brings {posts}"
    )
