"""Asking what if: scenarios set step by step, and compared with things as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.arguments import check_instances, check_type
from matcher.errors import SupportError
from matcher.recommend.recommend import identify_model, list_assumptions
from matcher.recommend.wording import format_money, format_number
from matcher.whatif.answer import Answer, Comparison
from matcher.whatif.cost import change_of_cost
from matcher.whatif.desk import open_desk
from matcher.whatif.movement import measure_movement
from matcher.whatif.paired import change_of_outcomes
from matcher.whatif.scenario import Scenario, parse_scenario
from matcher.whatif.support import check_support
from matcher.whatif.wording import WORDS, say_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.data import MarketData
    from matcher.market.brief import Brief
    from matcher.ranking.model import Model
    from matcher.recommend.orders import OrderRequest
    from matcher.recommend.wording import Language
    from matcher.whatif.desk import Desk
    from matcher.whatif.state import State
    from matcher.whatif.support import Support

__all__ = ["WhatIf", "compare_scenarios", "what_if"]

_LOW, _HIGH = 0.1, 0.9
_PRICED: Final = ("price", "price_factor", "formats")


@dataclass(frozen=True, eq=False)
class WhatIf:
    """A question in the making: a desk, and the edits said so far.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    edits : tuple of mapping
        Edits of the scenario that is being said, as a scenario file holds them.
    name : str
        Its name.
    """

    desk: Desk
    edits: tuple[Mapping[str, Any], ...] = ()
    name: str = "scenario"

    def set(self, **terms: Any) -> WhatIf:
        """Change terms of the brief.

        Parameters
        ----------
        **terms : Any
            Fields of `matcher.whatif.edits.BriefEdit`; None takes a term away.

        Returns
        -------
        WhatIf
            With one edit more.
        """
        return self._with({"kind": "brief", **terms})

    def set_influencer(self, account_id: str, **changes: Any) -> WhatIf:
        """Change an account.

        Parameters
        ----------
        account_id : str
            The account.
        **changes : Any
            Fields of `matcher.whatif.edits.InfluencerEdit`.

        Returns
        -------
        WhatIf
            With one edit more.
        """
        return self._with({"kind": "influencer", "account_id": account_id, **changes})

    def set_market(self, **changes: Any) -> WhatIf:
        """Change the market.

        Parameters
        ----------
        **changes : Any
            Fields of `matcher.whatif.edits.MarketEdit`.

        Returns
        -------
        WhatIf
            With one edit more.
        """
        return self._with({"kind": "market", **changes})

    def called(self, name: str) -> WhatIf:
        """Give the scenario a name.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        WhatIf
            The same question.
        """
        return replace(self, name=name)

    @property
    def scenario(self) -> Scenario:
        """What was said so far, checked."""
        values = {"version": 1, "name": self.name, "edits": list(self.edits)}
        return parse_scenario(values, where="what_if")

    def compare(self, *, seed: int = 0) -> Comparison:
        """Compare the scenario with things as they are.

        Parameters
        ----------
        seed : int, default 0
            Seed of the draws.

        Returns
        -------
        Comparison
            With one answer.
        """
        return compare_scenarios(self.desk, [self.scenario], seed=seed)

    def _with(self, edit: Mapping[str, Any]) -> WhatIf:
        asked = replace(self, edits=(*self.edits, edit))
        # A mistake is named where it is made, not when answers are asked for.
        _ = asked.scenario
        return asked


def what_if(
    model: Model,
    data: MarketData,
    brief: Brief,
    *,
    as_of: pd.Timestamp | None = None,
    settings: Settings | None = None,
    order: OrderRequest = "objective",
    top_k: int = 10,
    language: Language = "en",
    context: FeatureContext | None = None,
) -> WhatIf:
    """Ask what would change if the brief, an account or the market were another.

    Answers say what **the model would say**: everything is scored anew as `recommend` does it. No
    answer is an effect, which would need data on what was changed and what came of it.

    Parameters
    ----------
    model : Model
        Model, closed before the brief is seen.
    data : MarketData
        Market.
    brief : Brief
        Brief.
    as_of : pandas.Timestamp, optional
        Aware instant from which it is seen; one from which all of the market is known when None.
    settings : Settings, optional
        Settings of retrieval; the model's own when None.
    order : {"objective", "fit", "deliver", "outcome", "value", "blend"}
        What lists are ordered by, as in `matcher.recommend.recommend.recommend`.
    top_k : int, default 10
        Length of lists.
    language : {"en", "vi"}
        Language of sentences.
    context : FeatureContext, optional
        What ``model.context(data)`` gives, to share embeddings between calls.

    Returns
    -------
    WhatIf
        ``set``, ``set_influencer`` and ``set_market`` say what changes, ``compare`` answers.

    Raises
    ------
    UsageError
        If an argument is of another type or unknown.

    Examples
    --------
    >>> from matcher import MarketData, load_market, read_brief, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, _ = read_model("models/tiny")
    >>> asked = what_if(model, data, read_brief("data/brief-en.yaml"), top_k=5)
    >>> found = asked.set(n_creators=3).set_market(platform_reach={"tiktok": 0.8}).compare()
    >>> found.answers[0].grade, found.answers[0].movement.n_left
    ('model', 0)
    """
    desk = open_desk(
        model,
        data,
        brief,
        as_of=as_of,
        settings=settings,
        order=order,
        top_k=top_k,
        language=language,
        context=context,
    )
    return WhatIf(desk)


def compare_scenarios(
    desk: Desk,
    scenarios: Sequence[Scenario],
    *,
    seed: int = 0,
    model_id: str | None = None,
    model_version: str | None = None,
    refuse_outside: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Comparison:
    """Compare scenarios with things as they are, all with the same seeds and the same luck.

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
        Raise on a scenario that lies beyond what the model learnt from, instead of saying so.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    Comparison
        One answer per scenario, in order.

    Raises
    ------
    SupportError
        If a scenario leaves no candidate, or lies outside and `refuse_outside` is set.
    """
    check_instances(scenarios, Scenario, where="compare_scenarios: scenarios")
    check_type(seed, int, where="compare_scenarios: seed")
    answers = []
    for place, scenario in enumerate(scenarios, start=1):
        answers.append(_answer(desk, scenario, seed, refuse_outside))
        if progress is not None:
            progress("scenarios", place, len(scenarios))
    job = desk.job
    audit = {
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
    base = desk.base
    return Comparison(desk.brief.brief_id, list_ranking(base), tuple(answers), audit)


def _answer(desk: Desk, scenario: Scenario, seed: int, refuse_outside: bool) -> Answer:
    base, state = desk.base, desk.state(scenario)
    language = desk.job.language
    support = check_support(desk, state)
    if refuse_outside and support.is_outside:
        far = f"; far features: {', '.join(support.far_features)}" if support.far_features else ""
        raise SupportError(
            f"scenario {scenario.name}: lies beyond what the model learnt from (farther from its "
            f"like than {support.percentile:.0%} of {support.n_briefs} briefs{far}); change less, "
            "or ask without refusing"
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
    said = [] if state.ranked.order_note is None else [state.ranked.order_note]
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
