"""Where questions are asked: one brief, market and model, and every state of them scored once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.arguments import check_choice, check_count, check_type, to_instant
from matcher.errors import ConfigError, DataError, MatcherError, SchemaError, SupportError
from matcher.features.data import MarketData
from matcher.market.brief import Brief, parse_brief
from matcher.market.instants import instant_microseconds
from matcher.ranking.model import Model
from matcher.recommend.batches import per_fee, seen_from
from matcher.recommend.orders import REQUESTS
from matcher.recommend.recommend import score_brief
from matcher.recommend.rows import Job, choose
from matcher.retrieval.eligibility import RIVAL_DAYS, select_eligible
from matcher.whatif.edited import edit_context
from matcher.whatif.joining import check_known
from matcher.whatif.lacking import nobody_eligible
from matcher.whatif.scenario import BASELINE
from matcher.whatif.shared import SharedFeatures
from matcher.whatif.state import State, main_outcome
from matcher.whatif.support import LearntBriefs, find_learnt_briefs
from matcher.whatif.tables import edit_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.pair_features import FeatureMatrix
    from matcher.features.pairs import Pairs
    from matcher.recommend.orders import OrderRequest
    from matcher.recommend.rows import Scored
    from matcher.recommend.wording import Language
    from matcher.whatif.scenario import Scenario

__all__ = ["Desk", "open_desk"]

_EDITED_MARKETS: Final = 16
"""Edited markets that are kept, the newest, so that scenarios that differ in the brief alone
share one."""


@dataclass(frozen=True, eq=False)
class Desk:
    """A question's fixed side: model, market, brief, instant, and what was scored already.

    Parameters
    ----------
    job : Job
        Model, market as it is, length and order of lists, language.
    brief : Brief
        The brief as it is.
    as_of : pandas.Timestamp
        Aware instant; a brief decided before is seen from its decision.
    settings : Settings
        Settings of retrieval.
    rival_days : float
        Days before the instant in which work for a rival makes an account ineligible.
    """

    job: Job
    brief: Brief
    as_of: pd.Timestamp
    settings: Settings
    rival_days: float
    _shared: SharedFeatures = field(repr=False)
    _markets: dict[tuple[Any, ...], tuple[FeatureContext, dict[str, str]]] = field(
        default_factory=dict, repr=False
    )
    _states: dict[str, State] = field(default_factory=dict, repr=False)

    @property
    def instant(self) -> int:
        """Instant from which the brief is seen, in microseconds since 1970."""
        return instant_microseconds(seen_from(self.brief, self.as_of))

    @property
    def base(self) -> State:
        """Things as they are."""
        return self.state(BASELINE)

    @cached_property
    def learnt(self) -> LearntBriefs:
        """Briefs that the model has learnt from."""
        return find_learnt_briefs(self.job.model, self.job.context, self.brief)

    def edit_brief(self, scenario: Scenario) -> Brief:
        """The brief as a scenario has it.

        Parameters
        ----------
        scenario : Scenario
            Scenario.

        Returns
        -------
        Brief
            Checked by the rules of any brief.
        """
        changes = scenario.brief_changes
        if not changes:
            return self.brief
        values = {**self.brief.model_dump(), **changes}
        return parse_brief(values, where=f"scenario {scenario.name}: brief")

    def state(self, scenario: Scenario) -> State:
        """Candidates and their order under a scenario, scored once.

        Parameters
        ----------
        scenario : Scenario
            Scenario; without edits things as they are.

        Returns
        -------
        State
            Scored by `matcher.recommend.recommend.score_brief`, as everything is.

        Raises
        ------
        SupportError
            If no candidate is left.
        """
        held = self._states.get(scenario.digest)
        if held is None:
            held = self._states[scenario.digest] = self.score(scenario)
        return held

    def score(self, scenario: Scenario) -> State:
        """As `state`, without keeping it.

        Parameters
        ----------
        scenario : Scenario
            Scenario.

        Returns
        -------
        State
            Scored anew; features that the edits leave alone are looked up.
        """
        brief = self.edit_brief(scenario)
        try:
            context, versions = self.market(scenario, brief)
            named = [scenario.brief_changes.get(name) or () for name in ("must_have", "never")]
            check_known(context.index.accounts["account_id"].tolist(), {*named[0], *named[1]})
        except (ConfigError, DataError, SupportError) as error:
            raise _named(error, scenario.name) from error
        job = replace(self.job, context=context)

        def build(context: FeatureContext, pairs: Pairs) -> FeatureMatrix:
            return self._shared.build(context, pairs, versions)

        try:
            ranked = score_brief(
                job.model,
                context.data,
                brief,
                as_of=self.as_of,
                settings=self.settings,
                order=job.order,
                rival_days=self.rival_days,
                context=context,
                build=build,
            )
        except DataError as error:
            left = None
            if isinstance(error, SupportError) and not self._has_eligible(context, brief):
                left = nobody_eligible(scenario.brief_changes)
            raise _named(left or error, scenario.name) from error
        factors = {
            name: factor
            for one in scenario.markets
            if not one.as_if_always
            for name, factor in (one.platform_reach or {}).items()
            if factor != 1.0
        }
        ranked = _rescaled(job, ranked, factors)
        whole = replace(job, top_k=len(ranked.candidates), language=job.language)
        order, _ = choose(whole, ranked)
        fixed = np.isin(ranked.candidates.account_ids[order], list(brief.must_have))
        order = np.concatenate((order[fixed], order[~fixed]))
        usual = None if job.model.outcomes is None else job.model.outcomes.usual_posts
        return State(
            scenario,
            job,
            ranked,
            order,
            factors,
            self.brief.n_posts or usual,
            set(brief.formats) != set(self.brief.formats),
        )

    def _has_eligible(self, context: FeatureContext, brief: Brief) -> bool:
        found = select_eligible(
            context.data,
            brief,
            self.instant,
            min_posts=self.settings.retrieval.min_posts,
            rival_days=self.rival_days,
        )
        return len(found.accounts) > 0

    def market(self, scenario: Scenario, brief: Brief) -> tuple[FeatureContext, dict[str, str]]:
        """The market as a scenario has it, and what tells its aspects from those of others.

        Parameters
        ----------
        scenario : Scenario
            Scenario.
        brief : Brief
            The brief as the scenario has it.

        Returns
        -------
        context : FeatureContext
            The market.
        versions : dict of str to str
            By aspect that differs from the market as it is.
        """
        if not scenario.influencers and not scenario.markets:
            return self.job.context, {}
        edits = (*scenario.influencers, *scenario.markets)
        key = (tuple(one.model_dump_json() for one in edits), brief.currency, brief.must_have)
        held = self._markets.get(key)
        if held is None:
            edited = edit_tables(self.job.data.market, scenario, brief, self.instant)
            context = edit_context(self.job.context, edited)
            aspects = edited.aspects | (set() if edited.newcomers is None else {"accounts"})
            versions = dict.fromkeys(sorted(aspects), context.data.market.data_hash)
            if len(self._markets) >= _EDITED_MARKETS:
                del self._markets[next(iter(self._markets))]
            held = self._markets[key] = (context, versions)
        return held


def _named(error: MatcherError, name: str) -> MatcherError:
    """The same error with the name of the scenario in front."""
    said = f"scenario {name}: {str(error).removeprefix('scenario: ')}"
    # Tables that break the contract are told by their failures.
    if isinstance(error, DataError) and not isinstance(error, SchemaError):
        return type(error)(said, error.told)
    return type(error)(said)


def open_desk(
    model: Model,
    data: MarketData,
    brief: Brief,
    *,
    as_of: pd.Timestamp | None = None,
    settings: Settings | None = None,
    order: OrderRequest = "objective",
    top_k: int = 10,
    language: Language = "en",
    one_per_person: bool = True,
    rival_days: float = RIVAL_DAYS,
    context: FeatureContext | None = None,
) -> Desk:
    """Desk for questions about one brief.

    Parameters
    ----------
    model : Model
        Model.
    data : MarketData
        Market.
    brief : Brief
        Brief.
    as_of : pandas.Timestamp, optional
        Aware instant; one from which all of the market is known when None.
    settings : Settings, optional
        Settings of retrieval; the model's own when None.
    order : {"objective", "fit", "deliver", "outcome", "value", "blend"}
        What lists are ordered by; by default as the settings say of the objective.
    top_k : int, default 10
        Length of lists.
    language : {"en", "vi"}
        Language of sentences.
    one_per_person : bool, default True
        Whether a list shows only the best account of each person.
    rival_days : float, default 90
        Days before the instant in which work for a rival makes an account ineligible.
    context : FeatureContext, optional
        What ``model.context(data)`` gives, to share embeddings.

    Returns
    -------
    Desk
        Nothing is scored yet.

    Raises
    ------
    UsageError
        If an argument is of another type or unknown.
    DataError
        If the budget of the brief is 0, under which every price is too high.
    """
    hint = "`read_model` returns it first"
    check_type(model, Model, where="what_if: model", hint=hint)
    check_type(data, MarketData, where="what_if: data", hint="wrap it: MarketData(market)")
    check_type(brief, Brief, where="what_if: brief")
    check_choice(order, REQUESTS, where="what_if: order")
    check_choice(language, ("en", "vi"), where="what_if: language")
    check_count(top_k, where="what_if: top_k")
    if brief.budget == 0:
        raise DataError(f"brief {brief.brief_id}: the budget is 0; give one above 0, or none")
    instant = data.market.all_known_at if as_of is None else as_of
    context = model.context(data) if context is None else context
    return Desk(
        Job(model, context, top_k, order, language, one_per_person, {}),
        brief,
        to_instant(instant, where="what_if: as_of"),
        model.settings if settings is None else settings,
        rival_days,
        SharedFeatures(model.prior),
    )


def _rescaled(job: Job, ranked: Scored, factors: Mapping[str, float]) -> Scored:
    """Scores by outcome where platforms bring more or less from now on; all others stay."""
    models, name = job.model.outcomes, main_outcome(job.model, ranked.brief)
    if not factors or models is None or name is None or models.models[name].kind == "rate":
        return ranked
    scores = ranked.scores.copy()
    middle = scores["outcome"].to_numpy(np.float64)
    rows = np.arange(len(scores))
    found = models.predict(ranked.matrix, names=[name], rows=rows)[name]
    middle = middle + found.scaled(ranked.matrix.by_platform(factors)).centre - found.centre
    scores["outcome"] = middle
    if ranked.order == "value":
        scores["value"] = per_fee(job, ranked.brief, ranked.candidates, middle)
    return replace(ranked, scores=scores)
