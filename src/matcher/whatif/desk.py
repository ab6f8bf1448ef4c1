"""Where questions are asked: one brief, market and model, and every state of them scored once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.arguments import check_choice, check_count, check_type, to_instant
from matcher.errors import DataError, SupportError
from matcher.features.data import MarketData
from matcher.market.brief import Brief, parse_brief
from matcher.market.instants import instant_microseconds
from matcher.ranking.model import Model
from matcher.ranking.outcomes.names import objective_outcome
from matcher.recommend.batches import per_fee, seen_from
from matcher.recommend.fees import build_fees
from matcher.recommend.orders import REQUESTS
from matcher.recommend.recommend import score_brief
from matcher.recommend.rows import Job, choose
from matcher.retrieval.eligibility import RIVAL_DAYS
from matcher.whatif.edited import edit_context
from matcher.whatif.scenario import BASELINE
from matcher.whatif.shared import SharedFeatures
from matcher.whatif.tables import edit_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.pair_features import FeatureMatrix
    from matcher.features.pairs import Pairs
    from matcher.ranking.outcomes.distribution import Distributions
    from matcher.recommend.fees import Fees
    from matcher.recommend.orders import OrderRequest
    from matcher.recommend.rows import Scored
    from matcher.recommend.wording import Language
    from matcher.whatif.scenario import Scenario

__all__ = ["Desk", "State", "open_desk"]

_EDITED_MARKETS: Final = 16
"""Edited markets that are kept, the newest, so that scenarios that differ in the brief alone
share one."""


@dataclass(frozen=True, eq=False)
class State:
    """A brief and a market, as they are or as a scenario has them, scored.

    Parameters
    ----------
    scenario : Scenario
        What differs from things as they are.
    job : Job
        Model and market that everything was scored with.
    ranked : Scored
        All candidates.
    order : numpy.ndarray of int64, shape (n_ranked,)
        Rows of the candidates, best first, one per person if asked; those that the brief must have
        stand before all others.
    factors : mapping of str to float
        What multiplies the outcomes on a platform from now on.
    n_posts : float, optional
        Posts that each account makes as things are; outcomes are in proportion to it. Those of the
        brief when None.
    has_other_formats : bool, default False
        Whether the brief asks for other formats than as things are.
    """

    scenario: Scenario
    job: Job
    ranked: Scored
    order: NDArray[np.int64]
    factors: Mapping[str, float] = field(default_factory=dict)
    n_posts: float | None = None
    has_other_formats: bool = False

    @property
    def brief(self) -> Brief:
        """The brief, as edited."""
        return self.ranked.brief

    @property
    def chosen(self) -> NDArray[np.int64]:
        """Rows of the list, best first."""
        return self.order[: max(self.job.top_k, self.n_fixed)]

    @property
    def n_fixed(self) -> int:
        """Accounts of the list that the brief must have."""
        fixed = np.isin(self.ranked.candidates.account_ids, list(self.brief.must_have))
        return int(fixed.sum())

    @property
    def hired(self) -> NDArray[np.int64]:
        """Rows of those who would be hired: as many as the brief asks for, else the list."""
        n = self.brief.n_creators
        return self.chosen if n is None else self.order[:n]

    @cached_property
    def fees(self) -> Fees:
        """Fees of the first of `order`, as many as the longer of list and hires."""
        n = max(len(self.chosen), len(self.hired))
        return build_fees(
            self.job.data,
            self.brief,
            self.ranked.candidates.codes[self.order[:n]],
            self.ranked.candidates.instant,
            language=self.job.language,
        )

    @cached_property
    def hired_outcomes(self) -> dict[str, Distributions]:
        """Distributions of what those who would be hired bring, by outcome."""
        return self.outcomes(self.hired)

    @cached_property
    def draws(self) -> dict[Any, Any]:
        """What was drawn of this state already, by what was drawn and the seed."""
        return {}

    def ids(self, rows: NDArray[np.int64]) -> NDArray[np.object_]:
        """Account ids of rows.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Rows of the candidates.

        Returns
        -------
        numpy.ndarray of object
            Their ids.
        """
        return self.ranked.candidates.account_ids[rows]

    def rows_of(self, account_ids: NDArray[np.object_]) -> NDArray[np.int64]:
        """Rows of accounts, -1 for one that is no candidate.

        Parameters
        ----------
        account_ids : numpy.ndarray of object
            Account ids.

        Returns
        -------
        numpy.ndarray of int64
            Rows of the candidates.
        """
        known = pd.Index(self.ranked.candidates.account_ids, dtype=object)
        return known.get_indexer(pd.Index(account_ids, dtype=object)).astype(np.int64)

    def rank_of(self, account_id: str) -> int | None:
        """Place of an account among all candidates.

        Parameters
        ----------
        account_id : str
            The account.

        Returns
        -------
        int or None
            From 1; None where it is no candidate, or another account of the person stands higher.
        """
        row = self.rows_of(np.array([account_id], dtype=object))[0]
        found = np.flatnonzero(self.order == row)
        return int(found[0]) + 1 if row >= 0 and len(found) else None

    def outcomes(
        self, rows: NDArray[np.int64], *, names: tuple[str, ...] | None = None
    ) -> dict[str, Distributions]:
        """Distributions of what candidates would bring.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Rows of the candidates.
        names : tuple of str, optional
            Outcomes; all when None.

        Returns
        -------
        dict of str to Distributions
            By outcome; empty where the model predicts none.
        """
        models = self.job.model.outcomes
        if models is None:
            return {}
        usual = models.usual_posts
        asked = self.brief.n_posts or usual
        now = asked if self.n_posts is None else self.n_posts
        found = models.predict(self.ranked.matrix, names=names, rows=rows, n_posts=now)
        factors = _factors(self.ranked.matrix, self.factors)[rows] * (asked / now)
        if (factors == 1.0).all():
            return found
        return {name: one.scaled(factors) for name, one in found.items()}

    @property
    def main_outcome(self) -> str | None:
        """Outcome that stands for the objective; None where none is predicted."""
        return _main_outcome(self.job.model, self.brief)


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
        context, versions = self.market(scenario, brief)
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
        except SupportError as error:
            raise SupportError(f"scenario {scenario.name}: {error}") from error
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
            versions = dict.fromkeys(sorted(edited.aspects), context.data.market.data_hash)
            if len(self._markets) >= _EDITED_MARKETS:
                del self._markets[next(iter(self._markets))]
            held = self._markets[key] = (context, versions)
        return held


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


def _main_outcome(model: Model, brief: Brief) -> str | None:
    objectives, models = model.settings.market.objectives, model.outcomes
    return None if models is None else objective_outcome(brief.objective, models.names, objectives)


def _factors(matrix: FeatureMatrix, factors: Mapping[str, float]) -> NDArray[np.float64]:
    platforms = pd.Series(matrix.platforms)
    return np.asarray(platforms.map(dict(factors)).astype(float).fillna(1.0), dtype=np.float64)


def _rescaled(job: Job, ranked: Scored, factors: Mapping[str, float]) -> Scored:
    """Scores by outcome where platforms bring more or less from now on; all others stay."""
    models, name = job.model.outcomes, _main_outcome(job.model, ranked.brief)
    if not factors or models is None or name is None or models.models[name].kind == "rate":
        return ranked
    scores = ranked.scores.copy()
    middle = scores["outcome"].to_numpy(np.float64)
    rows = np.arange(len(scores))
    found = models.predict(ranked.matrix, names=[name], rows=rows)[name]
    middle = middle + found.scaled(_factors(ranked.matrix, factors)).centre - found.centre
    scores["outcome"] = middle
    if ranked.order == "value":
        scores["value"] = per_fee(job, ranked.brief, ranked.candidates, middle)
    return replace(ranked, scores=scores)
