r"""Figures over measured outcomes: rank correlation, lift over the expected level, grades."""

from __future__ import annotations

import numpy as np

from matcher.evaluation.ranked import (
    CampaignValues,
    FloatArray,
    IntArray,
    RankedLists,
    rank_candidates,
)

__all__ = [
    "EQUAL_OUTCOMES",
    "EQUAL_SCORES",
    "MIN_OUTCOMES",
    "N_GRADES",
    "TOO_FEW_OUTCOMES",
    "grade_outcomes",
    "lift",
    "spearman",
    "winkler_score",
]

MIN_OUTCOMES = 3
"""Outcomes a campaign needs before its order is judged."""
N_GRADES = 5
TOO_FEW_OUTCOMES = f"fewer than {MIN_OUTCOMES} outcomes"
EQUAL_OUTCOMES = "all outcomes are equal"
EQUAL_SCORES = "all scores are equal"


def lift(outcome: FloatArray, expected: FloatArray) -> FloatArray:
    r"""Outcome over the account's expected level, on the log scale.

    .. math:: lift = \ln(outcome) - \ln(expected)

    Parameters
    ----------
    outcome : numpy.ndarray of float64, shape (n_rows,)
        Measured outcome, 0 or more; NaN where there is none.
    expected : numpy.ndarray of float64, shape (n_rows,)
        Level the account was expected to reach as of the decision, in the outcome's unit.

    Returns
    -------
    numpy.ndarray of float64, shape (n_rows,)
        0 when the outcome is as expected, ln 2 when it is twice that, minus infinity for an
        outcome of 0; NaN where the outcome is missing or negative, or the level is not above 0.

    Examples
    --------
    >>> lift(np.array([200.0, 50.0]), np.array([100.0, 100.0])).round(4).tolist()
    [0.6931, -0.6931]
    """
    usable = (outcome >= 0) & (expected > 0)
    ratio = np.divide(outcome, expected, out=np.ones(outcome.shape), where=usable)
    with np.errstate(divide="ignore"):
        return np.where(usable, np.log(ratio), np.nan)


def spearman(ranked: RankedLists, outcomes: FloatArray) -> CampaignValues:
    r"""Spearman's rank correlation of score and outcome per campaign.

    .. math:: \rho = corr(rank(score), rank(outcome))

    Parameters
    ----------
    ranked : RankedLists
        Candidates by score.
    outcomes : numpy.ndarray of float64, shape (n_rows,)
        Outcome or lift of each candidate; a candidate without one (NaN) is left out.

    Returns
    -------
    CampaignValues
        -1 to 1. Undefined with fewer than three outcomes, and when all scores or all outcomes of
        the campaign are equal.

    Notes
    -----
    Ties have the mean of their ranks, on both sides, so that the figure is Pearson's correlation
    of mid-ranks. No gain and no discount. Missing scores are one block of ties, ranked last.

    References
    ----------
    Kendall (1945), The treatment of ties in ranking problems, Biometrika 33.

    Examples
    --------
    Orders 1 2 3 and 1 3 2: 1 - 6 (0 + 1 + 1) / (3 * 8).

    >>> ranked = rank_candidates(np.zeros(3, dtype=int), np.array([0.9, 0.5, 0.1]))
    >>> spearman(ranked, np.array([30.0, 10.0, 20.0])).values.tolist()
    [0.5]
    """
    measured = ranked.restrict(~np.isnan(outcomes))
    campaigns = measured.campaign[measured.block]
    by_outcome = rank_candidates(campaigns, outcomes[measured.rows], n_campaigns=ranked.n_campaigns)
    score_ranks = _mid_ranks(measured)[measured.block]
    outcome_ranks = np.empty(campaigns.size)
    outcome_ranks[by_outcome.rows] = _mid_ranks(by_outcome)[by_outcome.block]

    def summed(values: FloatArray) -> FloatArray:
        sums = np.bincount(campaigns, weights=values, minlength=ranked.n_campaigns)
        return sums.astype(np.float64)

    # Sums of quarters are exact, so that the order of the rows cannot show in the last digit.
    n = summed(np.ones(campaigns.size))
    sum_x, sum_y = summed(score_ranks), summed(outcome_ranks)
    spread_x = n * summed(score_ranks**2) - sum_x**2
    spread_y = n * summed(outcome_ranks**2) - sum_y**2
    both = n * summed(score_ranks * outcome_ranks) - sum_x * sum_y
    scale = np.sqrt(spread_x * spread_y)
    reasons = np.select(
        [n < MIN_OUTCOMES, spread_y == 0, spread_x == 0],
        [TOO_FEW_OUTCOMES, EQUAL_OUTCOMES, EQUAL_SCORES],
        "",
    )
    rho = np.divide(both, scale, out=np.full(n.shape, np.nan), where=reasons == "")
    return CampaignValues(np.clip(rho, -1.0, 1.0), reasons.astype(np.str_))


def _mid_ranks(ranked: RankedLists) -> FloatArray:
    """Mean rank of each block, from 1."""
    return np.asarray(ranked.start + (ranked.size + 1) / 2, dtype=np.float64)


def grade_outcomes(
    campaigns: IntArray, outcomes: FloatArray, *, n_campaigns: int | None = None
) -> IntArray:
    r"""Relevance grades from the quantile of an outcome inside its campaign.

    .. math:: grade = \lfloor 5 \, (rank - \tfrac{1}{2}) / n \rfloor

    with the rank counted from the lowest outcome; equal outcomes share the mean of their ranks
    and so one grade.

    Parameters
    ----------
    campaigns : numpy.ndarray of int, shape (n_rows,)
        Campaign of each row as a code from 0.
    outcomes : numpy.ndarray of float64, shape (n_rows,)
        Outcome of each row; NaN where there is none.
    n_campaigns : int, optional
        Number of campaigns; by default the highest code + 1.

    Returns
    -------
    numpy.ndarray of int64, shape (n_rows,)
        0 (lowest fifth) to 4 (highest fifth). -1 where no grade can be given: without an outcome,
        in a campaign with fewer than three, and where all outcomes of the campaign are equal.

    Examples
    --------
    >>> grade_outcomes(np.zeros(5, dtype=int), np.array([7.0, 1.0, 9.0, 3.0, 5.0])).tolist()
    [3, 0, 4, 1, 2]
    >>> grade_outcomes(np.zeros(3, dtype=int), np.array([7.0, 7.0, 7.0])).tolist()
    [-1, -1, -1]
    """
    measured = np.flatnonzero(~np.isnan(outcomes))
    ranked = rank_candidates(campaigns[measured], -outcomes[measured], n_campaigns=n_campaigns)
    n = ranked.n_candidates[ranked.campaign]
    grades = np.minimum(N_GRADES * (_mid_ranks(ranked) - 0.5) // n, N_GRADES - 1)
    graded = (n >= MIN_OUTCOMES) & (ranked.size < n)
    result = np.full(outcomes.size, -1, dtype=np.int64)
    result[measured[ranked.rows]] = np.where(graded, grades, -1)[ranked.block].astype(np.int64)
    return result


def winkler_score(
    low: FloatArray, high: FloatArray, outcome: FloatArray, alpha: FloatArray | float
) -> FloatArray:
    r"""Interval score of ranges: their width, and what they miss by, dearly.

    .. math:: S = u - l + \frac{2}{\alpha} (l - y)_+ + \frac{2}{\alpha} (y - u)_+

    Parameters
    ----------
    low, high : numpy.ndarray of float64
        Ends, l and u above.
    outcome : numpy.ndarray of float64
        What came, y above.
    alpha : float or numpy.ndarray of float64
        1 - the level that the ranges state, above 0 and below 1.

    Returns
    -------
    numpy.ndarray of float64
        Of the common shape, in the unit of the outcome; less is better; NaN where a value is.

    References
    ----------
    Gneiting and Raftery, Strictly proper scoring rules, prediction, and estimation, JASA 102
    (2007), section 6.2.

    Examples
    --------
    >>> winkler_score(np.array([1.0]), np.array([3.0]), np.array([4.0]), 0.2).tolist()
    [12.0]
    """
    missed = np.maximum(low - outcome, 0.0) + np.maximum(outcome - high, 0.0)
    return np.asarray(high - low + 2.0 / alpha * missed)
