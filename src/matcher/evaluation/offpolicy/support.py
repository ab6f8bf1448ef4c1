"""Whether a log can answer for a policy at all, and how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.log import DecisionLog
    from matcher.evaluation.offpolicy.policy import TargetPolicy

__all__ = [
    "LARGEST_OUTSIDE",
    "LARGEST_SHARE",
    "LEAST_CAMPAIGNS",
    "LEAST_ESS",
    "Support",
    "measure_support",
]

LEAST_CAMPAIGNS: Final = 50.0
"""Effective number of campaigns below which nothing is said."""
LARGEST_SHARE: Final = 0.10
"""Share of all weight on one choice above which nothing is said."""
LARGEST_OUTSIDE: Final = 0.05
"""Share of the policy's choices that the log could not have made above which nothing is said."""
LEAST_ESS: Final = 0.20
"""Effective share of the choices below which an answer is weak."""
_ODD_MASS: Final = 4.0
_ODD_SUM: Final = 0.1
"""Standard errors, and share, by which weights may miss their sum; chances that make them miss it
by more of both are wrong."""


@dataclass(frozen=True)
class Support:
    r"""What carries an off-policy estimate.

    Parameters
    ----------
    n_campaigns, n_chosen, n_observed : int
        Campaigns of the log, accounts that they chose, and those whose outcome is known.
    effective_campaigns : float
        :math:`(\sum W)^2 / \sum W^2` of the weights of campaigns.
    effective_choices : float
        The same over choices.
    ess_share : float
        `effective_choices` over `n_chosen`, 0..1.
    largest_share : float
        Largest weight of one choice over the sum of all, 0..1.
    outside : float
        Share of the policy's choices that the log could not have made, 0..1.
    weight_sum : float
        Sum of the weights over the number of accounts that the policy chooses inside the log; 1 is
        expected where the chances are right.
    weight_error : float
        Its standard error over campaigns.
    is_deterministic : bool
        Whether the log chose without chance.
    is_estimated : bool
        Whether the log's chances were estimated.
    """

    n_campaigns: int
    n_chosen: int
    n_observed: int
    effective_campaigns: float
    effective_choices: float
    ess_share: float
    largest_share: float
    outside: float
    weight_sum: float
    weight_error: float
    is_deterministic: bool
    is_estimated: bool

    @property
    def chances_are_odd(self) -> bool:
        """Whether the weights miss their sum by a tenth and by four standard errors."""
        missed = abs(self.weight_sum - 1.0)
        return bool(missed > max(_ODD_SUM, _ODD_MASS * self.weight_error))

    @property
    def failures(self) -> tuple[str, ...]:
        """Names of the gates that are not passed; empty where an estimate may be stated."""
        found = []
        if self.outside > LARGEST_OUTSIDE:
            found.append("outside")
        if self.effective_campaigns < LEAST_CAMPAIGNS:
            found.append("campaigns")
        if self.largest_share > LARGEST_SHARE:
            found.append("share")
        if self.chances_are_odd and not self.is_estimated:
            found.append("chances")
        return tuple(found)

    @property
    def is_weak(self) -> bool:
        """Whether an estimate that may be stated rests on little."""
        return self.ess_share < LEAST_ESS


def measure_support(
    log: DecisionLog,
    target: TargetPolicy,
    probability: NDArray[np.float64],
) -> Support:
    """What carries an estimate for a policy.

    Parameters
    ----------
    log : DecisionLog
        Log.
    target : TargetPolicy
        Policy that is asked about.
    probability : numpy.ndarray of float64, shape (n,)
        Chances of the log, as stated or as estimated. Where they are estimated, a candidate less
        probable than every chosen one counts as one that could not have been chosen.

    Returns
    -------
    Support
        Figures and the gates that they pass.
    """
    chosen = log.chosen
    floor = 0.0
    if not log.knows_chances and chosen.any():
        floor = float(probability[chosen].min())
    possible = probability >= floor if floor > 0 else probability > 0
    weights = np.divide(
        target.probability, probability, out=np.zeros(len(log)), where=probability > 0
    )
    held = np.where(chosen, weights, 0.0)
    total = float(held.sum())
    campaigns = np.bincount(log.codes, weights=held, minlength=log.n_campaigns)
    inside = np.bincount(
        log.codes, weights=np.where(possible, target.probability, 0.0), minlength=log.n_campaigns
    )
    missed = campaigns - inside
    mass = float(inside.sum())
    missing = float(target.probability[~possible].sum() + target.outside.sum())
    squares = float((held**2).sum())
    effective = total**2 / squares if squares > 0 else 0.0
    by_campaign = float((campaigns**2).sum())
    n_chosen = int(chosen.sum())
    return Support(
        n_campaigns=log.n_campaigns,
        n_chosen=n_chosen,
        n_observed=int(log.observed.sum()),
        effective_campaigns=total**2 / by_campaign if by_campaign > 0 else 0.0,
        effective_choices=effective,
        ess_share=effective / n_chosen if n_chosen else 0.0,
        largest_share=float(held.max()) / total if total > 0 else 1.0,
        outside=missing / target.n_expected,
        weight_sum=total / mass if mass > 0 else 0.0,
        weight_error=float(np.sqrt((missed**2).sum())) / mass if mass > 0 else 0.0,
        is_deterministic=log.is_deterministic,
        is_estimated=not log.knows_chances,
    )
