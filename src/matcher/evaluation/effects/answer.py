"""Whether a term of a hire changes what it brings: an adjusted answer, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.evaluation.effects.adjusted import (
    Estimate,
    estimate_effect,
    group_shares,
    leave_rests,
)
from matcher.evaluation.effects.hires import read_treatment
from matcher.evaluation.effects.sensitivity import (
    bias_bound,
    e_value,
    robustness_value,
    yardstick,
)
from matcher.evaluation.effects.words import (
    state_assumptions,
    state_decline,
    state_grade,
    state_verdict,
)
from matcher.evaluation.offpolicy.intervals import Amount, amount_to_dict

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from matcher.evaluation.effects.adjusted import Rests
    from matcher.evaluation.effects.hires import Hires, Treatment
    from matcher.evaluation.offpolicy.words import Language

__all__ = ["EffectAnswer", "answer_effect"]

LEAST_HIRES: Final = 100
"""Hires of accounts that were hired twice or more below which nothing is said."""
LEAST_CAMPAIGNS: Final = 20.0
"""Effective number of campaigns below which nothing is said."""
LEAST_FREE: Final = 0.02
"""What nothing foretells of a term, below which nothing is said: the spread of its logarithm, or
the share of its variance where it is had or not."""
LEAST_OF_A_KIND: Final = 30
"""Hires that have the term, and that lack it, below which nothing is said."""


@dataclass(frozen=True, eq=False)
class EffectAnswer:
    """The average effect of a term of a hire on what it brings.

    Effects are changes of the natural logarithm of 1 + outcome for the step that is told; in
    shares they are ``exp(effect) - 1``.

    Parameters
    ----------
    treatment : str
        Term that was asked about.
    outcome_name : str
        What is counted.
    is_amount : bool
        Whether the step is a doubling; else having the term against not having it.
    effect : Amount or None
        Adjusted effect, hires of an account compared with others of the same account; None where
        it is declined.
    bound : tuple of float or None
        Effects that are possible if something hidden is as strong as the strongest observed group
        of columns, on top of the interval.
    pooled : Amount or None
        The same with all hires compared, which leaves what is hidden in accounts unadjusted.
    naive : Amount or None
        Hires as they are, nothing adjusted.
    hidden_in_accounts : bool
        Whether pooled and adjusted effect surely differ: something in accounts that is not known
        moves both.
    yardstick : str or None
        Group of columns that the bound is measured by.
    robustness : float or None
        Share that something hidden must explain of both sides to explain the effect away, 0..1.
    e_value : float or None
        Ratio by which it must be tied to both.
    free_share : float
        Share of the treatment's variance between hires of the same account that nothing known
        foretells, 0..1.
    estimate : Estimate or None
        What the effect rests on.
    declined : tuple of str
        Names of what is missing; empty where an answer is given.
    n_hires : int
        Hires in which the term is known.
    """

    treatment: str
    outcome_name: str
    is_amount: bool
    effect: Amount | None
    bound: tuple[float, float] | None
    pooled: Amount | None
    naive: Amount | None
    hidden_in_accounts: bool
    yardstick: str | None
    robustness: float | None
    e_value: float | None
    free_share: float
    estimate: Estimate | None
    declined: tuple[str, ...]
    n_hires: int

    @property
    def is_declined(self) -> bool:
        """Whether the logs cannot answer."""
        return bool(self.declined)

    @property
    def is_claimed(self) -> bool:
        """Whether both the interval and the bound leave out that there is no effect."""
        if self.effect is None or self.bound is None:
            return False
        return bool(self.effect.is_sure and (self.bound[0] > 0 or self.bound[1] < 0))

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
        return state_grade(self, language)

    def decline(self, language: Language = "en") -> str | None:
        """Why there is no answer and what would allow one; None where there is one.

        Parameters
        ----------
        language : {"en", "vi"}
            Language.

        Returns
        -------
        str or None
            Sentences.
        """
        return state_decline(self, language) if self.is_declined else None

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
            Effects as changes of the logarithm; numbers that cannot be told are None.
        """
        return {
            "treatment": self.treatment,
            "outcome": self.outcome_name,
            "step": "doubling" if self.is_amount else "having it",
            "effect": amount_to_dict(self.effect),
            "bound": None
            if self.bound is None
            else [one if np.isfinite(one) else None for one in self.bound],
            "pooled": amount_to_dict(self.pooled),
            "naive": amount_to_dict(self.naive),
            "hidden_in_accounts": self.hidden_in_accounts,
            "yardstick": self.yardstick,
            "robustness": self.robustness,
            "e_value": self.e_value,
            "free_share": self.free_share,
            "n_hires_known": self.n_hires,
            "n_hires": 0 if self.estimate is None else self.estimate.n_hires,
            "n_accounts": 0 if self.estimate is None else self.estimate.n_accounts,
            "n_campaigns": 0 if self.estimate is None else self.estimate.n_campaigns,
            "declined": list(self.declined),
            **{
                f"{name}_{language}": getattr(self, name)(language)
                for language in ("en", "vi")
                for name in ("grade", "decline", "assumptions", "verdict")
            },
        }


def answer_effect(
    hires: Hires, treatment: str, *, seed: int = 0, strength: float = 1.0
) -> EffectAnswer:
    """Average effect of a term of a hire, adjusted and bounded, or declined.

    Parameters
    ----------
    hires : Hires
        Hires of a market, see `matcher.evaluation.effects.hires.look_at_hires`.
    treatment : str
        One of `matcher.evaluation.effects.hires.TREATMENTS`.
    seed : int
        Seed by which campaigns are dealt to parts.
    strength : float
        How many times as strong as the strongest observed group something hidden may be, 0 or
        more.

    Returns
    -------
    EffectAnswer
        The answer.

    Raises
    ------
    UsageError
        If there is no such treatment, or the strength is below 0.
    """
    asked = read_treatment(hires, treatment)
    known = np.isfinite(asked.values) & np.isfinite(asked.outcome)
    rests, whole = (leave_rests(hires, asked, within=one, seed=seed) for one in (True, False))
    if rests is None:
        return _without(hires, asked, int(known.sum()), _why_not(asked, known))
    within = estimate_effect(rests, n_rows=len(hires))
    pooled = None if whole is None else estimate_effect(whole, n_rows=len(hires))
    naive = _naive(asked, known, hires)
    declined = _missing(asked, rests, within)
    free = rests.free_share
    if declined or within is None:
        return EffectAnswer(
            treatment=treatment,
            outcome_name=hires.outcome_name,
            is_amount=asked.is_amount,
            effect=None,
            bound=None,
            pooled=_amount(pooled, asked),
            naive=naive,
            hidden_in_accounts=False,
            yardstick=None,
            robustness=None,
            e_value=None,
            free_share=free,
            estimate=within,
            declined=declined,
            n_hires=int(known.sum()),
        )
    bias, group = _largest_bias(group_shares(rests, asked), within, strength)
    effect = _told(within, asked)
    return EffectAnswer(
        treatment=treatment,
        outcome_name=hires.outcome_name,
        is_amount=asked.is_amount,
        effect=effect,
        bound=(effect.low - bias * asked.contrast, effect.high + bias * asked.contrast),
        pooled=_amount(pooled, asked),
        naive=naive,
        hidden_in_accounts=_differ(pooled, within),
        yardstick=group,
        robustness=robustness_value(within.slope + asked.offset, within.error, within.freedom),
        e_value=e_value(float(np.exp(effect.value))),
        free_share=free,
        estimate=within,
        declined=(),
        n_hires=int(known.sum()),
    )


def _without(hires: Hires, asked: Treatment, n: int, declined: tuple[str, ...]) -> EffectAnswer:
    return EffectAnswer(
        treatment=asked.name,
        outcome_name=hires.outcome_name,
        is_amount=asked.is_amount,
        effect=None,
        bound=None,
        pooled=None,
        naive=None,
        hidden_in_accounts=False,
        yardstick=None,
        robustness=None,
        e_value=None,
        free_share=0.0,
        estimate=None,
        declined=declined,
        n_hires=n,
    )


def _why_not(asked: Treatment, known: NDArray[np.bool_]) -> tuple[str, ...]:
    told = asked.values[known]
    return ("constant",) if len(told) and np.ptp(told) == 0 else ("hires",)


def _missing(asked: Treatment, rests: Rests, within: Estimate | None) -> tuple[str, ...]:
    found = []
    if within is None or within.n_hires < LEAST_HIRES:
        found.append("hires")
    elif within.n_effective < LEAST_CAMPAIGNS:
        found.append("campaigns")
    if _freedom(asked, rests) < LEAST_FREE:
        found.append("free")
    if not asked.is_amount:
        kinds = asked.values[rests.rows]
        if min((kinds == 1).sum(), (kinds == 0).sum()) < LEAST_OF_A_KIND:
            found.append("kinds")
    return tuple(found)


def _freedom(asked: Treatment, rests: Rests) -> float:
    if asked.is_amount:
        # A share would depend on currencies and tiers, of which there may be any number.
        return float(rests.treatment_rest.std())
    return rests.free_share


def _amount(one: Estimate | None, asked: Treatment) -> Amount | None:
    return None if one is None else _told(one, asked)


def _told(one: Estimate, asked: Treatment) -> Amount:
    slope, low, high = (one + asked.offset for one in (one.slope, one.low, one.high))
    return _amount_of(slope, low, high, step=asked.contrast)


def _naive(asked: Treatment, known: NDArray[np.bool_], hires: Hires) -> Amount | None:
    """Slope of the outcome on the treatment as they are, errors clustered over campaigns."""
    d, y = asked.values[known], asked.outcome[known]
    d, y = d - d.mean(), y - y.mean()
    square = float((d**2).sum())
    if square <= 0:
        return None
    slope = float(d @ y) / square
    campaigns = np.unique(hires.frame["campaign_id"].to_numpy(object)[known].astype(str))
    codes = np.searchsorted(
        campaigns, hires.frame["campaign_id"].to_numpy(object)[known].astype(str)
    )
    left = np.bincount(codes, weights=d * (y - slope * d))
    error = float(np.sqrt((left**2).sum())) / square
    step, slope = asked.contrast, slope + asked.offset
    return _amount_of(slope, slope - 1.96 * error, slope + 1.96 * error, step=step)


def _amount_of(value: float, low: float, high: float, *, step: float) -> Amount:
    return Amount(float(value * step), float(low * step), float(high * step))


def _largest_bias(
    shares: pd.DataFrame, within: Estimate, strength: float
) -> tuple[float, str | None]:
    """Largest bias of something as strong as one of the groups, and that group."""
    worst, name = 0.0, None
    for row in shares.to_dict("records"):
        own, other = yardstick(row["treatment_share"], row["outcome_share"], strength)
        bias = bias_bound(within.error, within.freedom, treatment_share=own, outcome_share=other)
        if name is None or bias > worst:
            worst, name = bias, str(row["group"])
    return worst, name


def _differ(pooled: Estimate | None, within: Estimate) -> bool:
    """Whether the estimates differ by more than 2.58 standard errors of their difference.

    Hausman (1978), Specification tests in econometrics; the pooled one is taken as the more
    precise of the two, so that the variance of the difference is at most the sum of both.
    """
    if pooled is None:
        return False
    variance = sum(((one.high - one.low) / 3.92) ** 2 for one in (pooled, within))
    return bool(abs(pooled.slope - within.slope) > 2.58 * np.sqrt(variance))
