"""The answer of a log to what a policy would have brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.evaluation.offpolicy.bounds import TOLD_GAMMA
from matcher.evaluation.offpolicy.intervals import Amount, amount_to_dict
from matcher.evaluation.offpolicy.support import Support
from matcher.evaluation.offpolicy.words import (
    state_assumptions,
    state_grade,
    state_refusal,
    state_verdict,
)

if TYPE_CHECKING:
    import pandas as pd

    from matcher.evaluation.offpolicy.notes import Note
    from matcher.evaluation.offpolicy.words import Language

__all__ = ["PolicyValue"]


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
        Weight at which choices were clipped; infinite for none.
    support : Support
        What carries the estimate.
    bounds : pandas.DataFrame
        ``gamma, low, high, difference_low, difference_high``: values that are possible, on top of
        the interval, if the odds of estimated chances are wrong by up to a factor; empty where the
        log states them.
    notes : tuple of Note
        What was left out on the way.
    alike : float
        Expected outcome from which choices count alike, in those of the policy's mean choice, see
        `matcher.evaluation.offpolicy.calibrated`; NaN where the doubly robust estimate is stated.
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
    notes: tuple[Note, ...] = ()
    alike: float = np.nan

    @property
    def is_refused(self) -> bool:
        """Whether the log cannot answer."""
        return bool(self.support.failures)

    @property
    def told_difference(self) -> Amount | None:
        """Difference with the ends that verdicts tell.

        Where chances are estimated these are the bounds if their odds are wrong by up to 1.5: the
        interval alone takes it for granted that features and scores hold all that buyers knew.
        """
        if self.difference is None or self.bounds.empty:
            return self.difference
        row = self.bounds[self.bounds["gamma"] == TOLD_GAMMA].iloc[0]
        low, high = float(row["difference_low"]), float(row["difference_high"])
        return Amount(self.difference.value, low, high).around(self.difference.value)

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
        return {
            "policy": self.policy,
            "outcome": self.outcome_name,
            "n_accounts": self.n_accounts,
            "value": amount_to_dict(self.value),
            "logged": amount_to_dict(self.logged),
            "difference": amount_to_dict(self.difference),
            "told_difference": amount_to_dict(self.told_difference),
            "clip": _number(self.clip),
            "alike": _number(self.alike),
            "estimators": _records(self.estimators),
            "bounds": _records(self.bounds),
            "support": {name: getattr(self.support, name) for name in _SUPPORT},
            "gates_failed": list(self.support.failures),
            "is_weak": self.support.is_weak,
            "notes": [one.en for one in self.notes],
            "notes_vi": [one.vi for one in self.notes],
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
