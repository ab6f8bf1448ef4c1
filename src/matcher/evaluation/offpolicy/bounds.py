r"""What a policy could be worth if estimated chances are wrong.

In the marginal sensitivity model the odds of the true chance of a candidate and those of the
estimated one differ by a factor between :math:`1/\Gamma` and :math:`\Gamma`, each candidate's by
its own. The extremes of the doubly robust estimate over all such chances take, for every choice,
the end that moves the estimate furthest; they widen as :math:`\Gamma` grows.

References
----------
Tan (2006), A distributional approach for causal inference using propensity scores; Zhao, Small,
Bhattacharya (2019), Sensitivity analysis for inverse probability weighting estimators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.estimators import Evidence

__all__ = ["GAMMAS", "TOLD_GAMMA", "bound_totals"]

GAMMAS: Final = (1.0, 1.1, 1.25, 1.5, 2.0)
"""Factors by which the odds of a chance may be wrong."""
TOLD_GAMMA: Final = 1.5
"""Factor by which verdicts take estimated chances to be wrong."""


def bound_totals(
    evidence: Evidence,
    gamma: float,
    *,
    less: Evidence | None = None,
    scale: float = 1.0,
) -> tuple[float, float]:
    """Least and greatest doubly robust estimate if chances are wrong by a factor of their odds.

    Parameters
    ----------
    evidence : Evidence
        What a log says of a policy.
    gamma : float
        Factor, 1 or more.
    less : Evidence, optional
        What it says of another policy; the difference is bounded then. The weights of the policy
        that wrote the log are 1 whatever its chances were.
    scale : float
        Number that the first estimate is multiplied by before the difference is taken.

    Returns
    -------
    low : float
        Least estimate; the estimate itself at a factor of 1.
    high : float
        Greatest one.

    Raises
    ------
    UsageError
        If the factor is below 1.
    """
    if not gamma >= 1:
        raise UsageError(f"bounds: got a factor of {gamma}; expected 1 or more")
    rows = np.flatnonzero(evidence.observed)
    rest = (evidence.outcome[rows] - evidence.expected[rows]) / evidence.seen[rows]
    ends = []
    for factor in (1.0 / gamma, gamma):
        inverse = 1.0 + (1.0 / evidence.probability[rows] - 1.0) * factor
        ends.append(scale * evidence.target[rows] * inverse * rest)
    fixed = scale * float(evidence.target @ evidence.expected)
    if less is not None:
        fixed -= float(less.target @ less.expected) + float(_logged_rest(less, rows).sum())
    low = fixed + float(np.minimum(ends[0], ends[1]).sum())
    high = fixed + float(np.maximum(ends[0], ends[1]).sum())
    return low, high


def _logged_rest(less: Evidence, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    rest = (less.outcome[rows] - less.expected[rows]) / less.seen[rows]
    return np.asarray(less.weights()[rows] * rest)
