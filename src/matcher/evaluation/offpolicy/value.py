"""The value of a policy by the log of another one, or why the log cannot tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.columns import TRUST_PROXY
from matcher.evaluation.offpolicy.answer import PolicyValue
from matcher.evaluation.offpolicy.bounds import GAMMAS, bound_totals
from matcher.evaluation.offpolicy.calibrated import choose_calibration
from matcher.evaluation.offpolicy.estimators import (
    Evidence,
    choose_clip,
    estimate_parts,
    estimator_names,
)
from matcher.evaluation.offpolicy.expected import expect_outcomes
from matcher.evaluation.offpolicy.intervals import Amount, total_interval
from matcher.evaluation.offpolicy.models import add_scores, estimate_chances, expect_seen
from matcher.evaluation.offpolicy.notes import Note
from matcher.evaluation.offpolicy.policy import TargetPolicy, logged_policy
from matcher.evaluation.offpolicy.support import measure_support

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.calibrated import Calibration
    from matcher.evaluation.offpolicy.expected import Lesson
    from matcher.evaluation.offpolicy.log import DecisionLog
    from matcher.evaluation.offpolicy.models import Inputs

__all__ = ["Learnt", "estimate_policy_value", "learn", "rows_to_judge"]

CHOSEN_ESTIMATOR: Final = "CAL"
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
    lesson : Lesson, optional
        How far expected outcomes may be off; taken to be right when None.
    """

    probability: NDArray[np.float64]
    expected: NDArray[np.float64]
    seen: NDArray[np.float64]
    lesson: Lesson | None = None


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
    expected = expect_outcomes(log, inputs, seed=seed)
    return Learnt(
        probability=log.probability
        if log.knows_chances
        else estimate_chances(log, inputs, seed=seed),
        expected=expected.values,
        seen=expect_seen(log, inputs, seed=seed),
        lesson=expected.lesson,
    )


def estimate_policy_value(
    log: DecisionLog, target: TargetPolicy, learnt: Learnt, *, seed: int = 0
) -> PolicyValue:
    """Value of a policy in the campaigns of a log, with interval, support and assumptions.

    Stated is what is expected of the policy's choices, times what the log's choices brought over
    what was expected of them (`CAL`), the steadiest form that the doubly robust estimate does not
    contradict, see `matcher.evaluation.offpolicy.calibrated`. Its interval is over what the
    campaigns of the log might have drawn and brought, what the regression learnt wrongly and what
    it does not know of accounts, not over which campaigns there might have been. Of a bias it
    holds what the doubly robust estimate can show; one that is smaller than that estimate is
    unsure remains, and no interval can be both right and narrower for every log (Low, 1997, On
    nonparametric confidence intervals).

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
    # Places that go to accounts the log does not hold bring what the others bring.
    inside = float(target.probability.sum())
    scale = target.n_expected / inside if inside > 0 else np.nan
    rows = [_row(name, *_plain(name, asked, logged, scale, seed)) for name in estimator_names()]
    chosen = choose_calibration(asked)
    value, base_value, difference = _stated(chosen, choose_calibration(logged), scale, seed)
    rows.append(_row(CHOSEN_ESTIMATOR, value, base_value, difference))
    is_refused = bool(support.failures)
    return PolicyValue(
        policy=target.name,
        outcome_name=log.outcome_name,
        n_accounts=target.n_expected,
        value=None if is_refused else value,
        logged=base_value,
        difference=None if is_refused else difference,
        estimators=pd.DataFrame(rows),
        clip=chosen.clip,
        alike=chosen.alike,
        support=support,
        bounds=_bounds(asked, logged, scale, value, difference)
        if support.is_estimated
        else _NO_BOUNDS.copy(),
        notes=(*log.notes, *_note_unseen(log, learnt)),
    )


def _note_unseen(log: DecisionLog, learnt: Learnt) -> list[Note]:
    """That known outcomes, by their estimated chances to be known, do not stand for all choices."""
    chosen = np.flatnonzero(log.chosen)
    weights = np.where(log.observed[chosen], 1.0 / learnt.seen[chosen], 0.0)
    share = float(weights.sum() / max(len(chosen), 1))
    if abs(share - 1.0) <= _ODD_SEEN:
        return []
    percent = f"{100.0 * share:.0f}"
    return [
        Note(
            f"outcomes are known of {log.observed.sum()} of {len(chosen)} choices, and by the "
            f"estimated chances to be known these stand for {percent} % of them: IPS and what is "
            "told of the log itself by it are off by as much; the other estimators rest on ratios",
            f"chỉ biết kết quả của {log.observed.sum()} trong {len(chosen)} lựa chọn, và theo xác "
            f"suất được biết đã ước lượng thì chúng đại diện cho {percent} % số đó: IPS, và giá "
            "trị nhật ký tính theo IPS, lệch chừng ấy; các ước lượng khác dựa trên tỷ lệ",
        )
    ]


_ODD_SEEN: Final = 0.1
"""Share by which weights of known outcomes may miss the number of choices before it is said."""
_NO_BOUNDS: Final = pd.DataFrame(
    columns=["gamma", "low", "high", "difference_low", "difference_high"], dtype=np.float64
)


def _plain(
    name: str, asked: Evidence, logged: Evidence, scale: float, seed: int
) -> tuple[Amount, Amount, Amount]:
    """Value, that of the log, and their difference, by one of the simple estimators.

    Clipped where clipping errs less; intervals are those of whole weights, stretched to hold it.
    """
    clip = choose_clip(asked) if name == "DR" else np.inf
    one = estimate_parts(asked, name).times(scale)
    clipped = estimate_parts(asked, name, clip=clip).times(scale).value
    base = estimate_parts(logged, name)
    return (
        total_interval(one, seed=seed).around(clipped),
        total_interval(base, seed=seed),
        total_interval(one.minus(base), seed=seed).around(clipped - base.value),
    )


def _stated(
    asked: Calibration, logged: Calibration, scale: float, seed: int
) -> tuple[Amount, Amount, Amount]:
    """The same by the estimates of least error."""
    one, bias = asked.parts.times(scale), asked.bias * scale
    return (
        total_interval(one, seed=seed, bias=bias),
        total_interval(logged.parts, seed=seed, bias=logged.bias),
        total_interval(one.minus(logged.parts), seed=seed, bias=bias - logged.bias),
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
        lesson=learnt.lesson,
    )


def _bounds(
    asked: Evidence, logged: Evidence, scale: float, value: Amount, difference: Amount
) -> pd.DataFrame:
    """Ends of the intervals, moved by as much as wrong chances move the doubly robust estimate."""
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


def rows_to_judge(log: DecisionLog, target: TargetPolicy, answer: PolicyValue) -> pd.DataFrame:
    """An answer in the form that `matcher simulate --judge` takes.

    Parameters
    ----------
    log : DecisionLog
        Log.
    target : TargetPolicy
        Policy that was asked about.
    answer : PolicyValue
        Its value, refused or not.

    Returns
    -------
    pandas.DataFrame
        ``policy, campaign_id, account_id, probability, outcome, method, value, lower, upper``, one
        row per estimator and account that the policy may choose; accounts outside of the log are
        not among them.
    """
    kept = target.probability > 0
    pairs = pd.DataFrame(
        {
            "policy": answer.policy,
            "campaign_id": log.row_campaigns[kept],
            "account_id": log.account_ids[kept],
            "probability": target.probability[kept],
            "outcome": {TRUST_PROXY: "trust"}.get(log.outcome_name, log.outcome_name),
        }
    )
    parts = [
        pairs.assign(
            method=one["estimator"], value=one["value"], lower=one["low"], upper=one["high"]
        )
        for one in answer.estimators.to_dict("records")
    ]
    return pd.concat(parts, ignore_index=True)
