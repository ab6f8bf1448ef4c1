r"""Estimators of the value of a policy from the log of another one, by candidate.

For candidates :math:`a` of campaign :math:`c` with logged chance :math:`p`, target chance
:math:`\pi`, choice :math:`D`, outcome :math:`y`, chance :math:`o` that the outcome of a chosen one
is known, and expected outcome :math:`q`, the value :math:`\sum_{ca} \pi \, E[y]` is estimated with
weights :math:`w = \pi / p` by

- IPS :math:`\sum D w y / o`;
- SNIPS :math:`\sum \pi \cdot \sum D w y / o \, / \sum D w / o`;
- DM :math:`\sum \pi q`;
- DR :math:`\sum \pi q + \sum D \min(w, \lambda) (y - q) / o`;
- SNDR, whose correction is divided by :math:`\sum D w / o` over :math:`\sum \pi`.

These are estimators for outcomes that add up over accounts, each by the marginal chance of an
account: the chance of a whole list is not needed, and lists of many have tiny ones.

References
----------
Horvitz and Thompson (1952) for IPS; Swaminathan and Joachims (2015), The self-normalized estimator
for counterfactual learning; Dudik, Langford, Li (2011), Doubly robust policy evaluation and
learning; Li et al. (2018), Offline evaluation of ranking policies with click models (item level).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.expected import Lesson

__all__ = ["CLIPS", "Evidence", "Parts", "choose_clip", "estimate_parts", "estimator_names"]

CLIPS: Final = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, np.inf)
"""Weights at which the corrections of DR may be clipped."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a log says of one policy; arrays by candidate, shape (n,).

    Parameters
    ----------
    codes : numpy.ndarray of int64
        Campaign, 0 to n_campaigns - 1.
    n_campaigns : int
        Campaigns.
    target : numpy.ndarray of float64
        Chance with which the policy that is asked about chooses the candidate.
    probability : numpy.ndarray of float64
        Chance with which the log chose it; where it is 0 nothing can be said, and the candidate
        counts by its expected outcome alone.
    observed : numpy.ndarray of bool
        Whether it was chosen and its outcome is known.
    outcome : numpy.ndarray of float64
        Outcome where observed.
    seen : numpy.ndarray of float64
        Chance that the outcome of a chosen one is known, above 0.
    expected : numpy.ndarray of float64
        Outcome that a model expects, fitted on other campaigns.
    lesson : Lesson, optional
        How far that may be off; taken to be right when None.

    Raises
    ------
    DataError
        If an array has another length, is not finite, or an observed candidate had no chance.
    """

    codes: NDArray[np.int64]
    n_campaigns: int
    target: NDArray[np.float64]
    probability: NDArray[np.float64]
    observed: NDArray[np.bool_]
    outcome: NDArray[np.float64]
    seen: NDArray[np.float64]
    expected: NDArray[np.float64]
    lesson: Lesson | None = None

    def __post_init__(self) -> None:
        n = len(self.codes)
        for name in ("target", "probability", "seen", "expected"):
            values = getattr(self, name)
            if values.shape != (n,) or not np.isfinite(values).all():
                raise DataError(
                    f"off-policy evidence: `{name}` has shape {values.shape} with "
                    f"{int((~np.isfinite(values)).sum())} values that are not finite; expected "
                    f"{n} finite numbers"
                )
        rows = self.observed
        if rows.any() and not (self.probability[rows] > 0).all():
            raise DataError("off-policy evidence: a chosen candidate had no chance to be chosen")
        if not (self.seen > 0).all() or not np.isfinite(self.outcome[rows]).all():
            raise DataError(
                "off-policy evidence: chances of being seen must lie above 0, and outcomes of "
                "observed candidates be finite"
            )

    def weights(self) -> NDArray[np.float64]:
        """Target over logged chance of each candidate; 0 where the log had no chance."""
        has = self.probability > 0
        return np.divide(self.target, self.probability, out=np.zeros(len(has)), where=has)

    def by_campaign(
        self, values: NDArray[np.float64], rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Sums of values over the candidates of each campaign.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape (n,) or that of `rows`
            Values.
        rows : numpy.ndarray of int64, optional
            Candidates that they belong to; all in order when None.

        Returns
        -------
        numpy.ndarray of float64, shape (n_campaigns,)
            Sums.
        """
        codes = self.codes if rows is None else self.codes[rows]
        sums = np.bincount(codes, weights=values, minlength=self.n_campaigns)
        return sums.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Parts:
    """An estimate as a constant and contributions of campaigns that chance would draw anew.

    Parameters
    ----------
    fixed : float
        What does not depend on who was chosen or what came of it.
    drawn : numpy.ndarray of float64, shape (n_campaigns,)
        Contributions that do; their sum and `fixed` make the estimate.
    linear : numpy.ndarray of float64, shape (n_campaigns,)
        By how much each campaign moves the estimate; the same as `drawn` for sums, the linear
        part for ratios. Its spread is the error of the estimate.
    doubts : numpy.ndarray of float64, shape (n_accounts,) or (0,)
        Standard deviations of what is not known of accounts and adds to the error, whatever
        campaigns draw.
    """

    fixed: float
    drawn: NDArray[np.float64]
    linear: NDArray[np.float64]
    doubts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def value(self) -> float:
        """The estimate."""
        return float(self.fixed + self.drawn.sum())

    @property
    def variance(self) -> float:
        """Its variance: of what campaigns might have drawn, from their spread, and of doubts."""
        return self.drawn_variance + float((self.doubts**2).sum())

    @property
    def drawn_variance(self) -> float:
        """Its variance over what campaigns might have drawn alone."""
        n = len(self.linear)
        return float(((self.linear - self.linear.mean()) ** 2).sum() * n / max(n - 1, 1))

    def times(self, factor: float) -> Parts:
        """The estimate in another unit.

        Parameters
        ----------
        factor : float
            Number that it and its contributions are multiplied by.

        Returns
        -------
        Parts
            Estimate.
        """
        return Parts(
            self.fixed * factor, self.drawn * factor, self.linear * factor, self.doubts * factor
        )

    def minus(self, other: Parts) -> Parts:
        """Difference from another estimate on the same campaigns.

        Parameters
        ----------
        other : Parts
            What is taken off.

        Returns
        -------
        Parts
            Difference; its spread is that of differences within campaigns.
        """
        doubts = np.zeros(max(len(self.doubts), len(other.doubts)))
        doubts[: len(self.doubts)] += self.doubts
        doubts[: len(other.doubts)] -= other.doubts
        return Parts(
            self.fixed - other.fixed,
            self.drawn - other.drawn,
            self.linear - other.linear,
            doubts,
        )


def estimator_names() -> tuple[str, ...]:
    """Names of the estimators, the simplest first."""
    return ("IPS", "SNIPS", "DM", "DR", "SNDR")


def estimate_parts(evidence: Evidence, estimator: str, *, clip: float = np.inf) -> Parts:
    """One estimate of the value of a policy.

    Parameters
    ----------
    evidence : Evidence
        What the log says.
    estimator : str
        One of `estimator_names`.
    clip : float
        Weight at which the correction of DR is clipped, above 0.

    Returns
    -------
    Parts
        Estimate; all campaigns are those of the log, so that only who was chosen and what came of
        it is drawn, and what a model expects of fixed lists is not.

    Raises
    ------
    DataError
        If there is no such estimator.
    """
    total = float(evidence.target.sum())
    model = float(evidence.target @ evidence.expected)
    shares = np.where(evidence.observed, evidence.weights() / evidence.seen, 0.0)
    outcome = np.where(evidence.observed, evidence.outcome, 0.0)
    rest = np.where(evidence.observed, evidence.outcome - evidence.expected, 0.0)
    if estimator == "DM":
        nothing = np.zeros(evidence.n_campaigns)
        return Parts(model, nothing, nothing)
    if estimator == "IPS":
        sums = evidence.by_campaign(shares * outcome)
        return Parts(0.0, sums, sums)
    if estimator == "SNIPS":
        return _ratio(evidence, shares, outcome, total, 0.0)
    if estimator == "SNDR":
        return _ratio(evidence, shares, rest, total, model)
    if estimator == "DR":
        clipped = np.where(
            evidence.observed, np.minimum(evidence.weights(), clip) / evidence.seen, 0.0
        )
        sums = evidence.by_campaign(clipped * rest)
        return Parts(model, sums, sums)
    raise DataError(f"estimator: got {estimator!r}; expected one of {', '.join(estimator_names())}")


def _ratio(
    evidence: Evidence,
    shares: NDArray[np.float64],
    values: NDArray[np.float64],
    total: float,
    fixed: float,
) -> Parts:
    top, bottom = evidence.by_campaign(shares * values), evidence.by_campaign(shares)
    sum_of_weights = float(bottom.sum())
    if sum_of_weights <= 0:
        return Parts(np.nan, top, top)
    mean = float(top.sum()) / sum_of_weights
    scale = total / sum_of_weights
    return Parts(fixed, top * scale, (top - mean * bottom) * scale)


def choose_clip(evidence: Evidence) -> float:
    """Weight at which DR is clipped, by estimated error.

    Of the clips of `CLIPS` that bind, the one with the least estimated mean square error is taken.
    Its variance is that over campaigns; its bias is estimated as the difference from the estimate
    that is not clipped, squared, less the variance of that difference, and at least 0. One whose
    difference is more than two of its standard errors is never taken.

    Parameters
    ----------
    evidence : Evidence
        What the log says.

    Returns
    -------
    float
        Weight; infinite where clipping does not help.

    References
    ----------
    Lepski (1991) and Su, Srinath, Krishnamurthy (2020), Adaptive estimator selection for
    off-policy evaluation (the comparison of nested estimators by their difference); Wang,
    Agarwal, Dudik (2017), Optimal and adaptive off-policy evaluation (threshold by estimated mean
    square error).
    """
    whole = estimate_parts(evidence, "DR")
    best, least = np.inf, whole.variance
    weights = evidence.weights()[evidence.observed]
    for clip in CLIPS:
        if not (weights > clip).any():
            continue
        tried = estimate_parts(evidence, "DR", clip=clip)
        moved = tried.minus(whole)
        square = moved.value**2
        if square > 4.0 * moved.variance:
            continue
        added = max(square - moved.variance, 0.0)
        if tried.variance + added < least:
            best, least = clip, tried.variance + added
    return best
