"""Fit as a probability: what a place in the ranking has meant in later campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import ndtri

from matcher.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FitCalibration", "PoolScores", "fit_calibration", "pool_percentiles"]

_KNOTS: Final = (-1.0, 0.0, 1.0, 2.0)
"""Normal scores at which the slope may change, beside the first slope."""
_RIDGE: Final = 0.05
"""Weight, in hires, of the belief that the slope does not change."""
LEAST_CAMPAIGNS: Final = 8
"""Later campaigns below which a probability is not stated."""
LEAST_HIRES: Final = 40


def pool_percentiles(
    scores: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Share of a pool that stands lower than each score, ties counting half.

    Parameters
    ----------
    scores : numpy.ndarray of float64, shape (n,)
        Scores.
    weights : numpy.ndarray of float64, shape (n,), optional
        Accounts of the pool for which each score stands; one each when None.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Above 0 and below 1.

    Examples
    --------
    >>> pool_percentiles(np.array([3.0, 1.0, 1.0, 2.0])).tolist()
    [0.875, 0.25, 0.25, 0.625]
    """
    mass = np.ones(len(scores)) if weights is None else weights
    _, place = np.unique(scores, return_inverse=True)
    of_value = np.bincount(place, weights=mass)
    below = np.concatenate(([0.0], np.cumsum(of_value)[:-1]))
    return np.asarray(((below + of_value / 2) / max(mass.sum(), 1e-300))[place])


@dataclass(frozen=True)
class PoolScores:
    """Scores of one later campaign by a ranker that did not know it.

    Parameters
    ----------
    scores : numpy.ndarray of float64, shape (n,)
        Scores of its candidates.
    hired : numpy.ndarray of bool, shape (n,)
        Whether each was hired.
    weights : numpy.ndarray of float64, shape (n,)
        Eligible accounts for which each candidate stands: 1, and more where the others were drawn.
    n_asked : int or None
        Creators that its brief asked for.
    """

    scores: NDArray[np.float64]
    hired: NDArray[np.bool_]
    weights: NDArray[np.float64]
    n_asked: int | None = None


@dataclass(frozen=True)
class FitCalibration:
    r"""Probability of being hired, by place among the eligible accounts.

    With *u* the share of the eligible accounts that stand lower and :math:`z = \Phi^{-1}(u)`, an
    account is hired as if each were drawn with weight

    .. math:: w(z) = \exp\left(\beta_0 z + \sum_k \beta_k \max(z - c_k, 0)\right)

    until the campaign has its hires: :math:`p = 1 - \exp(-\lambda w)` with :math:`\lambda` such
    that the probabilities of all eligible accounts add up to the number of hires.

    Parameters
    ----------
    slopes : tuple of float
        :math:`\beta`: the first slope and its changes at each knot; no sum of the first ones is
        negative, so that who ranks higher is never less probable.
    knots : tuple of float
        :math:`c`, normal scores.
    hires_per_campaign : float
        Mean number of hires of the later campaigns.
    hires_per_asked : float or None
        Hires per creator that the brief asked for, over those of them that say.
    n_campaigns, n_hired : int
        Later campaigns and their hires from which the slopes were learnt.

    References
    ----------
    McFadden, Conditional logit analysis of qualitative choice behavior (1974), for the weights;
    Efraimidis and Spirakis, Weighted random sampling with a reservoir (2006), for draws in the
    order of exponential clocks.
    """

    slopes: tuple[float, ...]
    knots: tuple[float, ...]
    hires_per_campaign: float
    hires_per_asked: float | None
    n_campaigns: int
    n_hired: int

    def __post_init__(self) -> None:
        """Check that the weights never fall."""
        if len(self.slopes) != len(self.knots) + 1 or min(np.cumsum(self.slopes)) < -1e-12:
            raise DataError(
                f"calibration: got slopes {self.slopes} for knots {self.knots}; expected one more "
                "than knots, none of whose running sums is negative"
            )

    def log_weights(self, percentiles: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the weight of each place.

        Parameters
        ----------
        percentiles : numpy.ndarray of float64, shape (n,)
            Shares of the eligible accounts that stand lower.

        Returns
        -------
        numpy.ndarray of float64, shape (n,)
            Rising with the percentile.
        """
        return np.asarray(_basis(percentiles, self.knots) @ np.array(self.slopes))

    def expected_hires(self, n_asked: int | None) -> float:
        """Hires that a campaign is expected to make.

        Parameters
        ----------
        n_asked : int or None
            Creators that its brief asks for.

        Returns
        -------
        float
            Above 0.
        """
        if n_asked is None:
            return self.hires_per_campaign
        return n_asked * (1.0 if self.hires_per_asked is None else self.hires_per_asked)

    def judge(
        self, percentiles: NDArray[np.float64], n_eligible: int, n_asked: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probability of each candidate of a brief, and how that compares with the average.

        Parameters
        ----------
        percentiles : numpy.ndarray of float64, shape (n_candidates,)
            Shares of the eligible accounts that stand lower, for all candidates of the brief;
            eligible accounts that are no candidates stand below them.
        n_eligible : int
            Eligible accounts.
        n_asked : int or None
            Creators that the brief asks for.

        Returns
        -------
        probability : numpy.ndarray of float64, shape (n_candidates,)
            Of being hired, 0 to 1.
        times_average : numpy.ndarray of float64, shape (n_candidates,)
            Probability over that of the average eligible account.
        """
        n_others = max(n_eligible - len(percentiles), 0)
        others = (np.arange(n_others) + 0.5) / n_eligible
        logs = self.log_weights(np.concatenate((percentiles, others)))
        weights = np.exp(logs - logs.max(initial=-np.inf))
        n_hires = self.expected_hires(n_asked)
        if n_hires >= n_eligible:
            chance = np.ones(len(weights))
        else:
            chance = -np.expm1(-_rate(weights, n_hires) * weights)
        return chance[: len(percentiles)], chance[: len(percentiles)] / chance.mean()

    def as_dict(self) -> dict[str, Any]:
        """Calibration as JSON values, for `from_dict`."""
        return {
            "slopes": list(self.slopes),
            "knots": list(self.knots),
            "hires_per_campaign": self.hires_per_campaign,
            "hires_per_asked": self.hires_per_asked,
            "n_campaigns": self.n_campaigns,
            "n_hired": self.n_hired,
        }

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> FitCalibration:
        """Calibration that `as_dict` gave.

        Parameters
        ----------
        held : mapping of str to Any
            Its values.

        Returns
        -------
        FitCalibration
            An equal one.
        """
        return cls(**{**held, "slopes": tuple(held["slopes"]), "knots": tuple(held["knots"])})


def _rate(weights: NDArray[np.float64], n_hires: float) -> float:
    """Rate at which the expected number of draws is that of the hires."""

    def excess(log_rate: float) -> float:
        return float(-np.expm1(-np.exp(log_rate) * weights).sum() - n_hires)

    # No probability is above rate times weight, and each is at least half of it up to a rate of 1.
    low = np.log(n_hires / weights.sum()) - 1e-9
    high = low + 1.0
    while excess(high) < 0:
        high += 2.0
    return float(np.exp(brentq(excess, low, high, xtol=1e-12)))


def _basis(percentiles: NDArray[np.float64], knots: Sequence[float]) -> NDArray[np.float64]:
    normal = ndtri(percentiles)
    return np.column_stack([normal, *(np.maximum(normal - knot, 0.0) for knot in knots)])


def fit_calibration(campaigns: Sequence[PoolScores]) -> tuple[FitCalibration | None, str]:
    """What places in the ranking have meant, learnt from campaigns that the ranker did not know.

    The slopes maximise the likelihood of the hires as draws from the pools of their campaigns.

    Parameters
    ----------
    campaigns : sequence of PoolScores
        Later campaigns.

    Returns
    -------
    calibration : FitCalibration or None
        None where there are fewer than 8 later campaigns or 40 hires.
    reason : str
        Why there is none, else empty.
    """
    usable = [one for one in campaigns if one.hired.any() and not one.hired.all()]
    n_hired = sum(int(one.hired.sum()) for one in usable)
    if len(usable) < LEAST_CAMPAIGNS or n_hired < LEAST_HIRES:
        return None, (
            f"{len(usable)} later campaigns with {n_hired} hires; {LEAST_CAMPAIGNS} with "
            f"{LEAST_HIRES} are needed"
        )
    tables = [(_basis(pool_percentiles(one.scores, one.weights), _KNOTS), one) for one in usable]
    penalty = np.array([0.0, *[_RIDGE] * len(_KNOTS)])
    # Slopes of the pieces are what is bounded; changes of the slope are their differences.
    to_changes = np.eye(len(penalty)) - np.eye(len(penalty), k=-1)

    def loss(pieces: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slopes = to_changes @ pieces
        total = float((penalty * slopes**2).sum())
        gradient = 2 * penalty * slopes
        for basis, one in tables:
            logs = basis @ slopes
            top = logs.max()
            mass = one.weights * np.exp(logs - top)
            n = int(one.hired.sum())
            total -= float(logs[one.hired].sum()) - n * (top + float(np.log(mass.sum())))
            gradient += n * (mass @ basis) / mass.sum() - basis[one.hired].sum(axis=0)
        return total, to_changes.T @ gradient

    start = np.ones(len(penalty))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(start))
    asked = [one for one in campaigns if one.n_asked]
    n_asked = sum(one.n_asked or 0 for one in asked)
    return FitCalibration(
        slopes=tuple((to_changes @ found.x).tolist()),
        knots=_KNOTS,
        hires_per_campaign=float(np.mean([one.hired.sum() for one in campaigns])),
        hires_per_asked=sum(float(one.hired.sum()) for one in asked) / n_asked if asked else None,
        n_campaigns=len(usable),
        n_hired=n_hired,
    ), ""
