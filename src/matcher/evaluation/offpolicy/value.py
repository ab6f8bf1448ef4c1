"""The value of a policy by the log of another one, or why the log cannot tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.evaluation.offpolicy.bounds import GAMMAS, bound_totals
from matcher.evaluation.offpolicy.estimators import (
    Evidence,
    choose_clip,
    estimate_parts,
    estimator_names,
)
from matcher.evaluation.offpolicy.intervals import Amount, total_interval
from matcher.evaluation.offpolicy.models import (
    add_scores,
    estimate_chances,
    expect_outcomes,
    expect_seen,
)
from matcher.evaluation.offpolicy.policy import TargetPolicy, logged_policy
from matcher.evaluation.offpolicy.support import Support, measure_support
from matcher.evaluation.offpolicy.words import (
    state_assumptions,
    state_grade,
    state_refusal,
    state_verdict,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.log import DecisionLog
    from matcher.evaluation.offpolicy.models import Inputs
    from matcher.evaluation.offpolicy.words import Language

__all__ = ["Learnt", "PolicyValue", "estimate_policy_value", "learn"]

CHOSEN_ESTIMATOR: Final = "DR"
"""Estimator whose figures are stated; the others stand beside it."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """What was learnt of a log once, for every policy that is asked about; arrays of shape (n,).

    Parameters
    ----------
    probability : numpy.ndarray of float64
        Chances of the log, as stated or as estimated.
    expected : numpy.ndarray of float64
        Outcome expected of each candidate, from other campaigns.
    seen : numpy.ndarray of float64
        Chance that the outcome of a chosen one is known, from other campaigns.
    """

    probability: NDArray[np.float64]
    expected: NDArray[np.float64]
    seen: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PolicyValue:
    """What a policy would have brought in the campaigns of a log.

    Parameters
    ----------
    policy : str
        Policy that was asked about.
    outcome_name : str
        What is counted.
    n_accounts : float
        Accounts that the policy chooses in all campaigns together.
    value : Amount or None
        Sum over campaigns of what its choices would bring if all of them work; None where the
        log cannot say.
    logged : Amount or None
        The same for the policy that wrote the log.
    difference : Amount or None
        Value less logged, over the same campaigns.
    estimators : pandas.DataFrame
        ``estimator, value, low, high, logged, difference, difference_low, difference_high``.
    clip : float
        Weight at which corrections were clipped; infinite for none.
    support : Support
        What carries the estimate.
    bounds : pandas.DataFrame
        ``gamma, low, high, difference_low, difference_high``: values that are possible, on top of
        the interval, if the odds of estimated chances are wrong by up to a factor; empty where the
        log states them.
    notes : tuple of str
        What was left out on the way.
    """

    policy: str
    outcome_name: str
    n_accounts: float
    value: Amount | None
    logged: Amount | None
    difference: Amount | None
    estimators: pd.DataFrame
    clip: float
    support: Support
    bounds: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether the log cannot answer."""
        return bool(self.support.failures)

    def grade(self, language: Language = "en") -> str:
        """What kind of answer it is, in a few words.

        Parameters
        ----------
        language : {"en", "vi"}
            Language.

        Returns
        -------
        str
            A few words.
        """
        return state_grade(self.support, language)

    def refusal(self, language: Language = "en") -> str | None:
        """Why the log cannot answer and what logging would let it; None where it can.

        Parameters
        ----------
        language : {"en", "vi"}
            Language.

        Returns
        -------
        str or None
            Sentences.
        """
        return state_refusal(self, language) if self.is_refused else None

    def assumptions(self, language: Language = "en") -> tuple[str, ...]:
        """What has to hold for the answer to be right.

        Parameters
        ----------
        language : {"en", "vi"}
            Language.

        Returns
        -------
        tuple of str
            Sentences.
        """
        return state_assumptions(self, language)

    def verdict(self, language: Language = "en") -> str:
        """The answer in one sentence.

        Parameters
        ----------
        language : {"en", "vi"}
            Language.

        Returns
        -------
        str
            Sentence.
        """
        return state_verdict(self, language)

    def to_dict(self) -> dict[str, Any]:
        """Plain values in both languages, for files.

        Returns
        -------
        dict
            Numbers that cannot be told are None.
        """

        def amount(one: Amount | None) -> dict[str, float | None] | None:
            if one is None:
                return None
            told = {"value": one.value, "low": one.low, "high": one.high}
            return {name: _number(number) for name, number in told.items()}

        return {
            "policy": self.policy,
            "outcome": self.outcome_name,
            "n_accounts": self.n_accounts,
            "value": amount(self.value),
            "logged": amount(self.logged),
            "difference": amount(self.difference),
            "clip": _number(self.clip),
            "estimators": _records(self.estimators),
            "bounds": _records(self.bounds),
            "support": {name: getattr(self.support, name) for name in _SUPPORT},
            "gates_failed": list(self.support.failures),
            "is_weak": self.support.is_weak,
            "notes": list(self.notes),
            **{
                f"{name}_{language}": getattr(self, name)(language)
                for language in ("en", "vi")
                for name in ("grade", "refusal", "assumptions", "verdict")
            },
        }


_SUPPORT: Final = tuple(Support.__dataclass_fields__)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(k): _number(v) if isinstance(v, float) else v for k, v in row.items()}
        for row in frame.to_dict("records")
    ]


def learn(log: DecisionLog, inputs: Inputs, *, seed: int = 0) -> Learnt:
    """What a log leaves open: expected outcomes, whether they are seen, and chances not stated.

    Parameters
    ----------
    log : DecisionLog
        Log.
    inputs : Inputs
        What is known of its candidates as of each decision.
    seed : int
        Seed by which campaigns are dealt to parts.

    Returns
    -------
    Learnt
        Answers for each candidate from campaigns other than its own.
    """
    inputs = add_scores(log, inputs)
    return Learnt(
        probability=log.probability
        if log.knows_chances
        else estimate_chances(log, inputs, seed=seed),
        expected=expect_outcomes(log, inputs, seed=seed),
        seen=expect_seen(log, inputs, seed=seed),
    )


def estimate_policy_value(
    log: DecisionLog, target: TargetPolicy, learnt: Learnt, *, seed: int = 0
) -> PolicyValue:
    """Value of a policy in the campaigns of a log, with interval, support and assumptions.

    Stated is the doubly robust estimate with clipped weights. Its interval is that of the estimate
    with whole weights: clipping errs less, but no interval can be both right and as narrow as the
    clipped estimate is steady, since what it leaves to the outcome model is not checked by the log
    (Low, 1997, On nonparametric confidence intervals). It is over what the campaigns of the log
    might have drawn and brought, not over which campaigns there might have been.

    Parameters
    ----------
    log : DecisionLog
        Log.
    target : TargetPolicy
        Policy.
    learnt : Learnt
        What `learn` found.
    seed : int
        Seed of the resamples.

    Returns
    -------
    PolicyValue
        The answer, or a refusal where the log does not carry one.
    """
    support = measure_support(log, target, learnt.probability)
    asked = _evidence(log, target, learnt)
    logged = _evidence(log, logged_policy(log, learnt.probability), learnt)
    clip = choose_clip(asked)
    # Places that go to accounts the log does not hold bring what the others bring.
    inside = float(target.probability.sum())
    scale = target.n_expected / inside if inside > 0 else np.nan
    rows, stated = [], {}
    for name in estimator_names():
        one = estimate_parts(asked, name).times(scale)
        clipped = estimate_parts(asked, name, clip=clip).times(scale).value
        base = estimate_parts(logged, name)
        amounts = (
            total_interval(one, seed=seed).around(clipped),
            total_interval(base, seed=seed),
            total_interval(one.minus(base), seed=seed).around(clipped - base.value),
        )
        rows.append(_row(name, *amounts))
        stated[name] = amounts
    value, base_value, difference = stated[CHOSEN_ESTIMATOR]
    is_refused = bool(support.failures)
    return PolicyValue(
        policy=target.name,
        outcome_name=log.outcome_name,
        n_accounts=target.n_expected,
        value=None if is_refused else value,
        logged=base_value,
        difference=None if is_refused else difference,
        estimators=pd.DataFrame(rows),
        clip=clip,
        support=support,
        bounds=_bounds(asked, logged, scale, value, difference)
        if support.is_estimated
        else _NO_BOUNDS.copy(),
        notes=log.notes,
    )


_NO_BOUNDS: Final = pd.DataFrame(
    columns=["gamma", "low", "high", "difference_low", "difference_high"], dtype=np.float64
)


def _row(name: str, value: Amount, logged: Amount, difference: Amount) -> dict[str, Any]:
    return {
        "estimator": name,
        "value": value.value,
        "low": value.low,
        "high": value.high,
        "logged": logged.value,
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
    }


def _evidence(log: DecisionLog, target: TargetPolicy, learnt: Learnt) -> Evidence:
    return Evidence(
        codes=log.codes,
        n_campaigns=log.n_campaigns,
        target=target.probability,
        probability=learnt.probability,
        observed=log.observed,
        outcome=log.outcome,
        seen=learnt.seen,
        expected=learnt.expected,
    )


def _bounds(
    asked: Evidence, logged: Evidence, scale: float, value: Amount, difference: Amount
) -> pd.DataFrame:
    """Ends of the intervals, moved by as much as wrong chances would move the estimates."""
    base, both_base = (
        bound_totals(asked, 1.0)[0] * scale,
        bound_totals(asked, 1.0, less=logged, scale=scale)[0],
    )
    rows = []
    for gamma in GAMMAS:
        low, high = (one * scale - base for one in bound_totals(asked, gamma))
        less, more = (
            one - both_base for one in bound_totals(asked, gamma, less=logged, scale=scale)
        )
        rows.append(
            (
                gamma,
                value.low + low,
                value.high + high,
                difference.low + less,
                difference.high + more,
            )
        )
    return pd.DataFrame(rows, columns=list(_NO_BOUNDS.columns))
