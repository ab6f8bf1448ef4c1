"""Questions that a re-score cannot answer: what a policy would have brought, what a term causes."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from pydantic import Field, field_validator

from matcher.arguments import to_path
from matcher.config import CheckedModel, parse_model, read_mapping
from matcher.errors import ConfigError, MatcherError, SupportError, UsageError
from matcher.evaluation.effects.answer import EffectAnswer, answer_effect
from matcher.evaluation.effects.hires import TREATMENTS, look_at_hires
from matcher.evaluation.effects.words import outcome_words, term_words
from matcher.evaluation.offpolicy.answer import PolicyValue
from matcher.evaluation.offpolicy.ask import value_of_model
from matcher.evaluation.offpolicy.log import check_policy
from matcher.evaluation.offpolicy.staffing import ORDERS
from matcher.evaluation.offpolicy.words import policy_words
from matcher.ranking.outcomes.names import OUTCOME_NAMES
from matcher.whatif.checks import raise_faults
from matcher.whatif.log_answers import LogAnswer, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matcher.features.context import Embed, MarketData
    from matcher.ranking.model import Model

__all__ = [
    "EffectQuestion",
    "LogScenario",
    "PolicyQuestion",
    "ask_logs",
    "parse_log_scenario",
    "read_log_scenario",
]


def _known(value: str, known: Sequence[str]) -> str:
    if value in known:
        return value
    near = difflib.get_close_matches(value, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "expected one of " + ", ".join(known)
    raise ValueError(f"{value!r} is unknown; {hint}")


class PolicyQuestion(CheckedModel):
    """What the campaigns of a log would have brought, had this model staffed them."""

    kind: Literal["policy"] = "policy"
    order: str = "outcome"
    """What the model staffs them by: fit (or hire), deliver or outcome."""
    outcome: str = "engagements"
    """What is counted."""
    policy_id: str | None = None
    """Policy whose decisions are the log; may be left out where there is one."""

    @field_validator("order")
    @classmethod
    def _known_order(cls, value: str) -> str:
        # Lists call by its meaning what the model calls by its question.
        return "hire" if value == "fit" else _known(value, ("fit", *ORDERS))

    @field_validator("outcome")
    @classmethod
    def _known_outcome(cls, value: str) -> str:
        return _known(value, OUTCOME_NAMES)


class EffectQuestion(CheckedModel):
    """What a term of a hire causes, on average."""

    kind: Literal["effect"] = "effect"
    term: str
    """Term of a hire, such as fee_per_post, n_posts, disclosed or format:short_video."""
    outcome: str = "engagements"
    """What is counted."""
    strength: float = Field(1.0, ge=0, allow_inf_nan=False)
    """How many times as strong as the strongest observed group something hidden may be."""

    @field_validator("term")
    @classmethod
    def _known_term(cls, value: str) -> str:
        return _known(value, TREATMENTS)

    @field_validator("outcome")
    @classmethod
    def _known_outcome(cls, value: str) -> str:
        return _known(value, OUTCOME_NAMES)


Question: TypeAlias = PolicyQuestion | EffectQuestion
_KINDS: Final[dict[str, type[PolicyQuestion | EffectQuestion]]] = {
    "policy": PolicyQuestion,
    "effect": EffectQuestion,
}


class LogScenario(CheckedModel):
    """Questions to the logs of a market, under one name."""

    version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=200)
    edits: tuple[PolicyQuestion | EffectQuestion, ...] = Field(min_length=1)

    @property
    def digest(self) -> str:
        """First 12 hexadecimal digits of a SHA-256 over the questions, in whatever order."""
        said = sorted(one.model_dump_json() for one in self.edits)
        return hashlib.sha256(json.dumps([self.version, *said]).encode()).hexdigest()[:12]


def read_log_scenario(path: Path | str) -> LogScenario | None:
    """Questions to the logs that a file holds.

    Parameters
    ----------
    path : pathlib.Path or str
        YAML or JSON file in UTF-8, of the form of scenario files.

    Returns
    -------
    LogScenario or None
        None where its edits are of another kind.

    Raises
    ------
    ConfigError
        If it cannot be read, mixes questions to the logs with other edits, or holds a bad value.
    """
    path = to_path(path, where="read_log_scenario: path")
    return parse_log_scenario({"name": path.stem, **read_mapping(path)}, where=str(path))


def parse_log_scenario(values: Mapping[str, Any], *, where: str) -> LogScenario | None:
    """Questions to the logs, of raw values.

    Parameters
    ----------
    values : mapping
        ``version``, ``name``, ``edits``.
    where : str
        File or place that messages name.

    Returns
    -------
    LogScenario or None
        None where no edit is a question to the logs.

    Raises
    ------
    ConfigError
        If questions to the logs stand beside other edits, or a value is bad.
    """
    edits = values.get("edits")
    if not isinstance(edits, list) or not all(isinstance(one, Mapping) for one in edits):
        return None
    kinds = [str(one.get("kind")) for one in edits]
    asked = [kind in _KINDS for kind in kinds]
    if not any(asked):
        return None
    if not all(asked):
        others = sorted({kind for kind in kinds if kind not in _KINDS})
        raise ConfigError(
            f"{where}: questions to the logs ({', '.join(_KINDS)}) stand beside other edits "
            f"({', '.join(others[:5])}); logs hold what happened, so ask them in a file of their "
            "own"
        )
    questions = tuple(
        parse_model(_KINDS[kind], dict(one), where=f"{where}: edits.{place}")
        for place, (kind, one) in enumerate(zip(kinds, edits, strict=True))
    )
    rest = {name: value for name, value in values.items() if name != "edits"}
    return parse_model(LogScenario, {**rest, "edits": questions}, where=where)


def ask_logs(
    model: Model,
    data: MarketData,
    scenarios: Sequence[LogScenario],
    *,
    seed: int = 0,
    embed: Embed | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[LogAnswer, ...]:
    """Answers of the logs: estimates with intervals, or why there are none.

    Parameters
    ----------
    model : Model
        Model that is asked about, and whose features outcomes are learnt from.
    data : MarketData
        Market with its table of decisions, and hires.
    scenarios : sequence of LogScenario
        Questions.
    seed : int, default 0
        Seed of parts and resamples.
    embed : callable, optional
        An embedding cache.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    tuple of LogAnswer
        One per question, in order.

    Raises
    ------
    UsageError
        Naming every question about a policy that the log does not hold. What the logs cannot answer
        is an answer too, that of the question alone.

    Examples
    --------
    >>> from matcher import MarketData, load_market, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, _ = read_model("models/tiny")
    >>> asked = {"version": 1, "name": "posts", "edits": [{"kind": "effect", "term": "n_posts"}]}
    >>> found = ask_logs(model, data, [parse_log_scenario(asked, where="here")])
    >>> found[0].is_declined
    True
    """
    raise_faults(_faults(data, scenarios))
    questions = [(one, question) for one in scenarios for question in one.edits]
    hires: dict[str, Any] = {}
    found = []
    for place, (scenario, question) in enumerate(questions):
        if progress is not None:
            progress("logs", place, len(questions))
        answer: PolicyValue | EffectAnswer | Unanswered
        try:
            if isinstance(question, PolicyQuestion):
                answer = value_of_model(
                    model, data, outcome=question.outcome, order=question.order,
                    policy_id=question.policy_id, seed=seed, embed=embed,
                )  # fmt: skip
            else:
                name = question.outcome
                if name not in hires:
                    hires[name] = look_at_hires(data, model.settings, outcome=name)
                answer = answer_effect(
                    hires[name], question.term, seed=seed, strength=question.strength
                )
        except SupportError as error:
            answer = _unanswered(question, error)
        found.append(LogAnswer(scenario.name, scenario.digest, question, answer))
    if progress is not None and questions:
        progress("logs", len(questions), len(questions))
    return tuple(found)


def _faults(data: MarketData, scenarios: Sequence[LogScenario]) -> list[MatcherError]:
    """Questions that make no sense for the log of a market, whatever would come of them."""
    found: list[MatcherError] = []
    for scenario in scenarios:
        for question in scenario.edits:
            try:
                if isinstance(question, PolicyQuestion):
                    check_policy(data.market, question.policy_id)
            except UsageError as error:
                found.append(UsageError(f"scenario {scenario.name}: `policy_id`: {error}"))
    return found


def _unanswered(question: Question, error: SupportError) -> Unanswered:
    if isinstance(question, PolicyQuestion):
        name = f"model ({question.order})"
        asked = {"en": policy_words(name, "en"), "vi": policy_words(name, "vi")}
        return Unanswered("policy", asked, error.told)
    asked = {
        "en": f"{term_words(question.term, 'en')} changes {outcome_words(question.outcome, 'en')}",
        "vi": f"{term_words(question.term, 'vi')} có thay đổi "
        f"{outcome_words(question.outcome, 'vi')} hay không",
    }
    return Unanswered("effect", asked, error.told)
