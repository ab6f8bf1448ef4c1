"""Lists drawn on purpose a little off the best, with the chance that each account had."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DECISION_COLUMNS", "Lottery"]

DECISION_COLUMNS: Final = {
    "campaign_id": "str",
    "account_id": "str",
    "policy_id": "str",
    "logged_at": "datetime64[us, UTC]",
    "score": "float64",
    "inclusion_probability": "float64",
    "chosen": "bool",
    "inclusion_error": "float64",
    "rank": "Int64",
}
"""Columns of the log and their dtypes: the table `decisions` of a market, then two further ones.

``inclusion_error`` is the standard error of the probability, which is estimated by drawing; an
eligible account that retrieval left out has no score, no chance and no error.
"""

_DRAWS_AT_ONCE: Final = 64


@dataclass(frozen=True)
class Lottery:
    """Gumbel top-k: the list of the k best scores after Gumbel noise is added to each.

    The list is a draw without replacement in which the first place goes to an account with a
    chance proportional to ``exp(score / (epsilon * sd))``, where ``sd`` is the standard deviation
    of the scores of the brief; then the second among the rest, and so on.

    Parameters
    ----------
    epsilon : float
        Noise in standard deviations of the scores, above 0: near 0 the list is the best one, and
        far above 1 every account has the same chance.
    seed : int
        Equal seeds give equal lists of a brief.
    n_draws : int
        Draws from which the chances are estimated.

    References
    ----------
    Kool, van Hoof, Welling, Stochastic beams and where to find them: the Gumbel-top-k trick for
    sampling sequences without replacement, ICML 2019 (arXiv 1903.06059).
    """

    epsilon: float
    seed: int = 0
    n_draws: int = 1_024

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 < self.epsilon < np.inf or self.n_draws < 2:
            raise UsageError(
                f"explore: got epsilon {self.epsilon} and {self.n_draws} draws; expected noise "
                "above 0, such as 0.2, and 2 draws or more"
            )

    def draw(
        self, brief_id: str, scores: NDArray[np.float64], persons: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """One list, and the chance of every account to stand in such a list.

        The chance of an account is estimated with the noise of all others drawn and its own
        integrated out, so that it is never 0 and its error is small.

        Parameters
        ----------
        brief_id : str
            The brief; lists of two briefs are drawn independently.
        scores : numpy.ndarray of float64, shape (n,)
            Scores.
        persons : numpy.ndarray of int64, shape (n,)
            Who stands behind each account; a list holds the best account of a person alone.
        k : int
            Length of the list at most.

        Returns
        -------
        rows : numpy.ndarray of int64, shape (min(k, n_persons),)
            Accounts of the list, the first place first.
        probability : numpy.ndarray of float64, shape (n,)
            Chance of each account, above 0 and at most 1.
        error : numpy.ndarray of float64, shape (n,)
            Its standard error.
        """
        digest = hashlib.sha256(f"{self.seed}\n{brief_id}".encode(errors="backslashreplace"))
        rng = np.random.default_rng(int.from_bytes(digest.digest()[:16], "big"))
        spread = float(scores.std()) if len(scores) else 0.0
        logits = (scores - scores.max(initial=-np.inf)) / (self.epsilon * spread or 1.0)
        keys = logits + rng.gumbel(size=len(logits))
        order = np.argsort(-keys, kind="stable")
        _, first = np.unique(persons[order], return_index=True)
        rows = order[np.sort(first)][:k]
        probability, error = self._chances(logits, persons, k, rng)
        return rows.astype(np.int64), probability, error

    def _chances(
        self,
        logits: NDArray[np.float64],
        persons: NDArray[np.int64],
        k: int,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        by_person = np.argsort(persons, kind="stable")
        sorted_logits = logits[by_person]
        _, starts, holder = np.unique(persons[by_person], return_index=True, return_inverse=True)
        total, squares = np.zeros(len(logits)), np.zeros(len(logits))
        done = 0
        while done < self.n_draws and len(logits):
            n = min(_DRAWS_AT_ONCE, self.n_draws - done)
            keys = sorted_logits + rng.gumbel(size=(n, len(logits)))
            bar = np.maximum(_others_bar(keys, starts, holder, k), _siblings(keys, starts, holder))
            with np.errstate(over="ignore"):
                chance = -np.expm1(-np.exp(sorted_logits - bar))
            total += chance.sum(axis=0)
            squares += (chance * chance).sum(axis=0)
            done += n
        mean = total / max(done, 1)
        variance = np.maximum(squares / max(done, 1) - mean**2, 0.0)
        probability, error = np.empty(len(logits)), np.empty(len(logits))
        probability[by_person] = mean
        error[by_person] = np.sqrt(variance / max(done, 1))
        return probability, error


def _others_bar(
    keys: NDArray[np.float64], starts: NDArray[np.int64], holder: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    """K-th best key among the other persons, by draw and account."""
    best = np.maximum.reduceat(keys, starts, axis=1)
    n_persons = best.shape[1]
    if n_persons <= k:
        return np.full(keys.shape, -np.inf)
    top = -np.partition(-best, (k - 1, k), axis=1)[:, k - 1 : k + 1]
    is_in = best >= top[:, :1]
    return np.where(is_in, top[:, 1:], top[:, :1])[:, holder]


def _siblings(
    keys: NDArray[np.float64], starts: NDArray[np.int64], holder: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Best key among the other accounts of the same person, by draw and account."""
    bar = np.full(keys.shape, -np.inf)
    sizes = np.bincount(holder)
    for person in np.flatnonzero(sizes > 1):
        low, high = starts[person], starts[person] + sizes[person]
        mine = keys[:, low:high]
        top = -np.partition(-mine, 1, axis=1)[:, :2]
        bar[:, low:high] = np.where(mine >= top[:, :1], top[:, 1:], top[:, :1])
    return bar
