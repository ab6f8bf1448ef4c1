"""Scenarios compared with things as they are, each answered or refused by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.arguments import check_instances, check_type
from matcher.errors import DataError, SupportError
from matcher.plain import one_line
from matcher.recommend.recommend import identify_model, list_assumptions
from matcher.recommend.wording import format_money, format_number
from matcher.whatif.answer import Answer, Comparison, Refusal
from matcher.whatif.checks import find_faults, raise_faults
from matcher.whatif.cost import change_of_cost
from matcher.whatif.movement import measure_movement
from matcher.whatif.newcomers import place_newcomers
from matcher.whatif.paired import change_of_outcomes
from matcher.whatif.scenario import Scenario
from matcher.whatif.support import check_brief, check_support
from matcher.whatif.wording import WORDS, say_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matcher.whatif.desk import Desk
    from matcher.whatif.state import State
    from matcher.whatif.support import Support

__all__ = ["compare_scenarios", "list_ranking"]

_LOW, _HIGH = 0.1, 0.9
_PRICED: Final = ("price", "price_factor", "formats")


def compare_scenarios(
    desk: Desk,
    scenarios: Sequence[Scenario],
    *,
    seed: int = 0,
    model_id: str | None = None,
    model_version: str | None = None,
    refuse_outside: bool = False,
    is_part: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Comparison:
    """Compare scenarios with things as they are, all with the same seeds and the same luck.

    Scenarios are checked before anything is scored. One that is sound but that the data cannot
    answer, such as one that leaves no candidate, is refused by itself; the others are answered.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    scenarios : sequence of Scenario
        Scenarios.
    seed : int, default 0
        Seed of the draws.
    model_id, model_version : str, optional
        Names of the model in the audit; a digest of it when None.
    refuse_outside : bool, default False
        Refuse a scenario that lies beyond what the model learnt from, instead of saying so.
    is_part : bool, default False
        Whether more is asked besides, so that refusing all scenarios leaves something to say.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    Comparison
        One answer per scenario in order, but for the refused ones, which stand in ``refusals``.

    Raises
    ------
    ConfigError
        Naming every scenario that makes no sense for this brief.
    DataError
        Naming every scenario that names accounts that the market does not hold.
    SupportError
        If all scenarios are refused and nothing else is asked.
    """
    check_instances(scenarios, Scenario, where="compare_scenarios: scenarios")
    check_type(seed, int, where="compare_scenarios: seed")
    raise_faults(find_faults(desk, scenarios))
    answers: list[Answer] = []
    refusals: list[Refusal] = []
    errors: list[DataError] = []
    for place, scenario in enumerate(scenarios, start=1):
        try:
            answers.append(_answer(desk, scenario, seed, refuse_outside))
        except DataError as error:
            errors.append(error)
            refusals.append(_refuse(desk, scenario, error))
        if progress is not None:
            progress("scenarios", place, len(scenarios))
    if errors and not answers and not is_part:
        raise_faults(errors, what="answered")
    base = desk.base
    return Comparison(
        desk.brief.brief_id,
        list_ranking(base),
        tuple(answers),
        _audit(desk, seed, model_id, model_version),
        refusals=tuple(refusals),
    )


def _audit(
    desk: Desk, seed: int, model_id: str | None, model_version: str | None
) -> dict[str, Any]:
    job = desk.job
    return {
        "model_id": identify_model(job.model) if model_id is None else model_id,
        "model_version": model_version,
        "data_hash": job.data.market.data_hash,
        "config_hash": desk.settings.hash,
        "as_of": pd.Timestamp(desk.instant, unit="us", tz="UTC").isoformat(),
        "seed": seed,
        "order": desk.base.ranked.order,
        "top_k": job.top_k,
        "language": job.language,
        "one_per_person": job.one_per_person,
        "brief_id": desk.brief.brief_id,
        "brief": desk.brief.model_dump(mode="json", exclude_defaults=True),
        "assumed_timeless": list(list_assumptions(job.data.market)),
    }


def _refuse(desk: Desk, scenario: Scenario, error: DataError) -> Refusal:
    """What is said of a scenario that the data cannot answer."""
    language = desk.job.language
    why = error.told[language].removeprefix(f"scenario {scenario.name}: ").rstrip(".")
    return Refusal(
        scenario.name,
        scenario.to_dict(),
        scenario.digest,
        WORDS["refused"][language].format(name=one_line(scenario.name), why=why),
        check_brief(desk, desk.edit_brief(scenario)),
        str(error),
        language=language,
    )


def _answer(desk: Desk, scenario: Scenario, seed: int, refuse_outside: bool) -> Answer:
    base, state = desk.base, desk.state(scenario)
    language = desk.job.language
    support = check_support(desk, state)
    if refuse_outside and support.is_outside:
        far = f"; far features: {', '.join(support.far_features)}" if support.far_features else ""
        raise SupportError(
            f"scenario {scenario.name}: lies beyond what the model learnt from (farther from its "
            f"like than {support.percentile:.0%} of {support.n_briefs} briefs{far}); change less, "
            "or ask without refusing",
            {name: WORDS["beyond"][name] for name in ("en", "vi")},
        )
    movement = measure_movement(base, state)
    outcomes = change_of_outcomes(base, state, seed=seed)
    main = outcomes[0] if outcomes and outcomes[0].outcome == state.main_outcome else None
    cost = change_of_cost(base, state)
    verdict = say_verdict(
        scenario.name,
        movement,
        main,
        n_top=max(len(base.chosen), len(state.chosen)),
        cost=cost,
        support=support,
        language=language,
    )
    return Answer(
        name=scenario.name,
        scenario=scenario.to_dict(),
        digest=scenario.digest,
        grade="model",
        verdict=verdict,
        support=support,
        movement=movement,
        outcomes=tuple(outcomes),
        cost=cost,
        ranking=list_ranking(state),
        n_candidates=len(state.ranked.candidates),
        n_eligible=state.ranked.candidates.n_eligible,
        data_hash=state.job.data.market.data_hash,
        notes=tuple(_notes(desk, state, support)),
        language=language,
        joined=place_newcomers(desk, state),
    )


def list_ranking(state: State) -> pd.DataFrame:
    """The list of a state.

    Parameters
    ----------
    state : State
        State.

    Returns
    -------
    pandas.DataFrame
        As of `matcher.whatif.answer.Answer.ranking`.
    """
    rows, job = state.chosen, state.job
    codes = state.ranked.candidates.codes[rows]
    n, fees = len(rows), state.fees
    main = state.outcomes(rows).get(state.main_outcome or "")
    unknown = np.full(len(rows), np.nan)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "account_id": state.ids(rows),
            "handle": job.data.index.accounts["handle"].to_numpy(object)[codes],
            "platform": job.data.index.accounts["platform"].to_numpy(object)[codes],
            "score": state.ranked.order_score[rows],
            "outcome": state.main_outcome,
            "expected": unknown if main is None else main.mean(),
            "low": unknown if main is None else main.quantile(_LOW),
            "high": unknown if main is None else main.quantile(_HIGH),
            "fee": fees.fee[:n],
            "fee_currency": fees.currency,
            "fee_is_estimate": fees.is_estimate[:n],
        }
    )


def _notes(desk: Desk, state: State, support: Support) -> list[str]:
    """What is to be known of an answer: which edits can act at all, and what is assumed."""
    language, scenario = desk.job.language, state.scenario
    said = []
    if state.ranked.order_note is not None:
        other = WORDS["order"][language].format(order=state.ranked.order)
        said.append(state.ranked.order_note if language == "en" else other)
    if scenario.edits and _is_untouched(desk.base, state):
        said.append(WORDS["untouched"][language].format(order=state.ranked.order))
    if any(one.model_fields_set & set(_PRICED) for one in scenario.influencers):
        said.append(WORDS["price"][language])
    if state.factors:
        said.append(WORDS["reach"][language])
    changes = scenario.brief_changes
    if "n_posts" in changes:
        said.append(WORDS["posts"][language])
    if {"starts_on", "ends_on"} & set(changes):
        said.append(WORDS["dates"][language])
    brief, cost = state.brief, change_of_cost(desk.base, state)
    if brief.budget is not None and brief.currency == cost.currency and cost.after > brief.budget:
        budget = format_money(brief.budget, str(brief.currency), language)
        said.append(WORDS["above_budget"][language].format(budget=budget))
    if np.isnan(support.percentile):
        n = format_number(support.n_briefs, language)
        said.append(WORDS["unknown_briefs"][language].format(n=n))
    elif support.percentile > 0.95:
        share = format_number(100 * support.percentile, language) + " %"
        said.append(WORDS["unusual"][language].format(share=share))
    return said


def _is_untouched(base: State, state: State) -> bool:
    codes = (base.ranked.candidates.codes, state.ranked.candidates.codes)
    first, second = (one.ranked.order_score for one in (base, state))
    return np.array_equal(*codes) and np.array_equal(first, second, equal_nan=True)
