"""What the logs say of questions, or why they say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.evaluation.offpolicy.answer import PolicyValue
from matcher.recommend.wording import format_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.evaluation.effects.answer import EffectAnswer
    from matcher.recommend.wording import Language
    from matcher.whatif.logs import EffectQuestion, PolicyQuestion

__all__ = ["LogAnswer", "Unanswered", "logs_to_dict"]

_LANGUAGES: Final[tuple[Language, ...]] = ("en", "vi")
_CANNOT: Final = {"en": "the logs cannot say", "vi": "nhật ký không trả lời được"}
_SUPPORT: Final[Mapping[str, Mapping[str, str]]] = {
    "policy": {
        "en": "support: {n} campaigns, {effective} in effect; outcomes known of {seen} of {chosen} "
        "choices; {share} of the log's choices in effect; {outside} of the policy's choices beyond "
        "what the log could choose; {largest} of the weight on one choice",
        "vi": "cơ sở dữ liệu: {n} chiến dịch, thực chất {effective}; biết kết quả của {seen} trong "
        "{chosen} lựa chọn; tỷ lệ lựa chọn hữu hiệu của nhật ký {share}; {outside} lựa chọn của "
        "chính sách nằm ngoài những gì nhật ký có thể chọn; một lựa chọn nặng nhất gánh {largest}",
    },
    "effect": {
        "en": "support: {n} hires of {accounts} accounts in {campaigns} campaigns, {effective} in "
        "effect; {free} of how the term varied is not foretold by what is known",
        "vi": "cơ sở dữ liệu: {n} lần thuê của {accounts} tài khoản trong {campaigns} chiến dịch, "
        "thực chất {effective}; {free} biến động của điều khoản không đoán trước được từ những gì "
        "đã biết",
    },
    "none": {
        "en": "support: {n} hires tell the term",
        "vi": "cơ sở dữ liệu: {n} lần thuê cho biết điều khoản này",
    },
}
_UNANSWERED: Final[Mapping[str, Mapping[str, str]]] = {
    "policy": {
        "en": "The logs cannot say what {asked} would have brought: {why}.",
        "vi": "Nhật ký không cho biết {asked} sẽ mang lại bao nhiêu: {why}.",
    },
    "effect": {
        "en": "The logs cannot say whether {asked}: {why}.",
        "vi": "Nhật ký không cho biết {asked}: {why}.",
    },
}


@dataclass(frozen=True)
class Unanswered:
    """A question that the logs cannot take up at all.

    Parameters
    ----------
    subject : str
        ``policy`` or ``effect``.
    asked : mapping of str to str
        What was asked, as a clause by language.
    told : mapping of str to str
        Why there is no answer and what would let the logs give one, by language.
    """

    subject: str
    asked: Mapping[str, str]
    told: Mapping[str, str]

    def grade(self, language: Language = "en") -> str:
        """What kind of answer it is.

        Parameters
        ----------
        language : {"en", "vi"}
            Language.

        Returns
        -------
        str
            A few words.
        """
        return _CANNOT[language]

    def verdict(self, language: Language = "en") -> str:
        """Why there is no answer, in a sentence.

        Parameters
        ----------
        language : {"en", "vi"}
            Language.

        Returns
        -------
        str
            Sentence.
        """
        why = self.told[language].rstrip(".")
        return _UNANSWERED[self.subject][language].format(asked=self.asked[language], why=why)

    def to_dict(self) -> dict[str, Any]:
        """Plain values in both languages.

        Returns
        -------
        dict
            ``grade``, ``refusal`` and ``verdict``, each by language.
        """
        return {
            **{f"grade_{name}": self.grade(name) for name in _LANGUAGES},
            **{f"refusal_{name}": self.told[name] for name in _LANGUAGES},
            **{f"verdict_{name}": self.verdict(name) for name in _LANGUAGES},
        }


@dataclass(frozen=True, eq=False)
class LogAnswer:
    """What the logs say of one question.

    Parameters
    ----------
    name : str
        Name of the scenario.
    digest : str
        Digest of the scenario.
    question : PolicyQuestion or EffectQuestion
        What was asked.
    answer : PolicyValue, EffectAnswer or Unanswered
        What is said, or why nothing is.
    """

    name: str
    digest: str
    question: PolicyQuestion | EffectQuestion
    answer: PolicyValue | EffectAnswer | Unanswered

    @property
    def is_declined(self) -> bool:
        """Whether the logs cannot answer."""
        held = self.answer
        if isinstance(held, Unanswered):
            return True
        return held.is_refused if isinstance(held, PolicyValue) else held.is_declined

    def lines(self, language: Language) -> tuple[str, ...]:
        """The answer for people: verdict, grade, support, and what has to hold or is missing.

        Parameters
        ----------
        language : {"en", "vi"}
            Language.

        Returns
        -------
        tuple of str
            Sentences, the verdict first.
        """
        held, verdict = self.answer, self.answer.verdict(language)
        if isinstance(held, Unanswered):
            return (f"{self.name}: {verdict}", held.grade(language))
        why = held.refusal(language) if isinstance(held, PolicyValue) else held.decline(language)
        assumptions = () if self.is_declined else held.assumptions(language)
        # A verdict that declines may already say all that is missing.
        more = () if why is None or why in verdict else (why,)
        held_notes = held.notes if isinstance(held, PolicyValue) else ()
        notes = tuple(one.told(language) for one in held_notes)
        support = _say_support(held, language)
        told = (f"{self.name}: {verdict}", held.grade(language), support)
        return (*told, *more, *assumptions, *notes)

    @property
    def table(self) -> pd.DataFrame:
        """Estimates beside each other; without rows where nothing may be stated."""
        held = self.answer
        if isinstance(held, PolicyValue):
            # What a refusal rests on stays in `to_dict`; shown, it would be read as an answer.
            return held.estimators.head(0) if held.is_refused else held.estimators
        if isinstance(held, Unanswered):
            return pd.DataFrame()
        rows = [
            (name, one.value, one.low, one.high)
            for name in ("effect", "pooled", "naive")
            if (one := getattr(held, name)) is not None
        ]
        if held.bound is not None:
            rows.append(("bound", np.nan, *held.bound))
        names = ["share", "low_share", "high_share"]
        found = pd.DataFrame(rows, columns=["estimate", *names])
        # Effects are logarithms; what is said of them are relative changes.
        return found.assign(**{name: np.expm1(found[name]) for name in names})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them.

        Returns
        -------
        dict
            The question, and what the answer says.
        """
        return {
            "name": self.name,
            "digest": self.digest,
            "question": self.question.model_dump(mode="json"),
            "is_declined": self.is_declined,
            "answer": self.answer.to_dict(),
        }


def _say_support(held: PolicyValue | EffectAnswer, language: Language) -> str:
    """What carries an answer, or would have to."""
    if isinstance(held, PolicyValue):
        one = held.support
        return _SUPPORT["policy"][language].format(
            n=format_number(one.n_campaigns, language),
            effective=format_number(one.effective_campaigns, language),
            seen=format_number(one.n_observed, language),
            chosen=format_number(one.n_chosen, language),
            share=_percent(one.ess_share, language),
            outside=_percent(one.outside, language),
            largest=_percent(one.largest_share, language),
        )
    found = held.estimate
    return _SUPPORT["effect" if found is not None else "none"][language].format(
        n=format_number(held.n_hires if found is None else found.n_hires, language),
        accounts=format_number(0 if found is None else found.n_accounts, language),
        campaigns=format_number(0 if found is None else found.n_campaigns, language),
        effective=format_number(0 if found is None else found.n_effective, language),
        free=_percent(held.free_share, language),
    )


def _percent(share: float, language: Language) -> str:
    if not np.isfinite(share):
        return "–"
    text = f"{100.0 * share:.1f}".removesuffix(".0")
    return f"{text.replace('.', ',') if language == 'vi' else text} %"


def logs_to_dict(answers: Sequence[LogAnswer], audit: Mapping[str, Any]) -> dict[str, Any]:
    """Answers of the logs as JSON values.

    Parameters
    ----------
    answers : sequence of LogAnswer
        Answers.
    audit : mapping of str to Any
        What they rest on.

    Returns
    -------
    dict
        ``audit`` and ``logs``.
    """
    return {"audit": dict(audit), "logs": [one.to_dict() for one in answers]}
