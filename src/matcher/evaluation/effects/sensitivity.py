r"""How strong something hidden would have to be to explain an effect away.

With :math:`R_d^2` the share of what is left of the treatment, and :math:`R_y^2` that of what is
left of the outcome, that a hidden trait would explain, the estimate of a linear model is off by at
most :math:`se \sqrt{df} \sqrt{R_y^2 R_d^2 / (1 - R_d^2)}`.

References
----------
Cinelli and Hazlett (2020), Making sense of sensitivity: extending omitted variable bias, JRSS B 82;
VanderWeele and Ding (2017), Sensitivity analysis in observational research: introducing the
E-value.
"""

from __future__ import annotations

import numpy as np

from matcher.errors import UsageError

__all__ = ["bias_bound", "e_value", "robustness_value", "yardstick"]


def bias_bound(
    error: float, freedom: float, *, treatment_share: float, outcome_share: float
) -> float:
    """Largest bias that a hidden trait of a given strength can bring.

    Parameters
    ----------
    error : float
        Classical standard error of the estimate, above 0.
    freedom : float
        Its degrees of freedom, above 0.
    treatment_share, outcome_share : float
        Shares of the rest of the treatment and of the rest of the outcome that it explains, 0..1.

    Returns
    -------
    float
        0 or more; infinite where it would explain all of the treatment.

    Raises
    ------
    UsageError
        If a share lies outside 0..1.
    """
    for name, share in (("treatment_share", treatment_share), ("outcome_share", outcome_share)):
        if not 0 <= share <= 1:
            raise UsageError(f"sensitivity: `{name}` is {share}; expected a share, 0 to 1")
    if treatment_share == 1:
        return np.inf if outcome_share > 0 else 0.0
    odds = treatment_share / (1.0 - treatment_share)
    return float(error * np.sqrt(freedom * outcome_share * odds))


def robustness_value(estimate: float, error: float, freedom: float) -> float:
    """Share that a hidden trait must explain of both treatment and outcome to explain all away.

    Parameters
    ----------
    estimate, error : float
        Estimate and its classical standard error.
    freedom : float
        Degrees of freedom.

    Returns
    -------
    float
        0 (anything would) to 1 (nothing could).
    """
    f_square = (estimate / error) ** 2 / freedom
    return float(0.5 * (np.sqrt(f_square**2 + 4.0 * f_square) - f_square))


def yardstick(
    treatment_share: float, outcome_share: float, strength: float = 1.0
) -> tuple[float, float]:
    """Shares of a hidden trait that is as strong as an observed group of columns.

    Parameters
    ----------
    treatment_share : float
        Partial share of the treatment that the group explains given all other columns, 0..1.
    outcome_share : float
        Partial share of the outcome that it explains given the treatment and all other columns.
    strength : float
        How many times as strong the hidden trait is, 0 or more.

    Returns
    -------
    treatment_share : float
        What `bias_bound` takes; 1 where the trait would explain everything.
    outcome_share : float
        The same of the outcome.

    Raises
    ------
    UsageError
        If a share lies outside 0..1 or the strength is below 0.
    """
    shares = (treatment_share, outcome_share)
    if not all(0 <= share <= 1 for share in shares) or not strength >= 0:
        raise UsageError(
            f"sensitivity: got shares {shares} and strength {strength}; expected 0..1 and 0 or more"
        )
    if strength == 0:
        return 0.0, 0.0
    if treatment_share == 1 or outcome_share == 1:
        return 1.0, 1.0
    own = strength * treatment_share / (1.0 - treatment_share)
    if own >= 1 or strength * treatment_share >= 1:
        return 1.0, 1.0
    shared = (
        strength
        * treatment_share**2
        / ((1.0 - strength * treatment_share) * (1.0 - treatment_share))
    )
    if shared >= 1:
        return own, 1.0
    eta = (np.sqrt(strength) + np.sqrt(shared)) / np.sqrt(1.0 - shared)
    return float(own), float(min(eta**2 * outcome_share / (1.0 - outcome_share), 1.0))


def e_value(ratio: float) -> float:
    """Ratio by which a hidden trait must be tied to treatment and outcome to explain a ratio.

    Parameters
    ----------
    ratio : float
        Ratio of expected outcomes with and without the treatment, above 0.

    Returns
    -------
    float
        1 or more.

    Raises
    ------
    UsageError
        If the ratio is not above 0.
    """
    if not ratio > 0:
        raise UsageError(f"E-value: got a ratio of {ratio}; expected more than 0")
    larger = max(ratio, 1.0 / ratio)
    return float(larger + np.sqrt(larger * (larger - 1.0)))
