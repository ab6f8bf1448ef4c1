"""A brief, its money and its constraints as a problem that can be solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher.arguments import check_type, to_instant
from matcher.columns import PLATFORMS
from matcher.errors import SupportError, UsageError
from matcher.features.data import MarketData
from matcher.market.brief import Brief
from matcher.plan.limits import build_limits
from matcher.plan.options import (
    build_options,
    count_unknown_formats,
    option_values,
    predict_options,
)
from matcher.plan.problem import Problem
from matcher.plan.request import check_quantile, join_request
from matcher.plan.sources import find_source
from matcher.plan.texts import TEXTS
from matcher.plan.wish import find_wish
from matcher.plan.words import describe_kept
from matcher.ranking.model import Model
from matcher.ranking.stated import describe_fallback
from matcher.recommend.recommend import score_brief
from matcher.recommend.wording import format_number
from matcher.retrieval.eligibility import RIVAL_DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.plan.constraints import Constraints
    from matcher.plan.objective import Objective
    from matcher.plan.options import Options
    from matcher.plan.panel import Panel
    from matcher.plan.request import Request
    from matcher.plan.sources import ReachSource
    from matcher.ranking.outcomes.distribution import Distributions
    from matcher.recommend.rows import Scored
    from matcher.recommend.wording import Language

__all__ = ["Prepared", "in_panel", "make_problem", "make_source", "prepare_plan"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A request as a problem, with all that it was made of.

    Parameters
    ----------
    model : Model
        Model.
    data : MarketData
        Market.
    request : Request
        Brief, money and constraints.
    objective : Objective
        What counts.
    quantile : float or None
        Probability of less at which options count; their mean when None.
    scored : Scored
        Candidates.
    options : Options
        Packages of them that the budget pays.
    predicted : mapping of str to Distributions
        Every predicted outcome of each option.
    dear_options : Options
        Their packages that only larger budgets pay; empty where none were asked for.
    dear_predicted : mapping of str to Distributions
        Every predicted outcome of those.
    source : ReachSource or None
        Whom accounts reach together; None where reach is not predicted.
    problem : Problem
        What is solved.
    notes : tuple of str
        What was noticed on the way.
    platform_reach : mapping of str to float
        What multiplies all that a platform brings from now on.
    n_people : int or None
        People of the panel, if one was given.
    """

    model: Model
    data: MarketData
    request: Request
    objective: Objective
    quantile: float | None
    scored: Scored
    options: Options
    predicted: dict[str, Distributions]
    dear_options: Options
    dear_predicted: dict[str, Distributions]
    source: ReachSource | None
    problem: Problem
    notes: tuple[str, ...]
    platform_reach: Mapping[str, float]
    n_people: int | None

    @property
    def reach_mean(self) -> NDArray[np.float64]:
        """People that each option reaches, by the mean."""
        return np.asarray(self.predicted["reach"].mean())


def prepare_plan(
    model: Model,
    data: MarketData,
    brief: Brief,
    *,
    budget: float | None = None,
    currency: str | None = None,
    constraints: Constraints | None = None,
    objective: str | Objective | None = None,
    quantile: float | None = None,
    panel: Panel | None = None,
    as_of: pd.Timestamp | None = None,
    settings: Settings | None = None,
    language: Language = "en",
    context: FeatureContext | None = None,
    platform_reach: Mapping[str, float] | None = None,
    most_budget: float = 1.0,
) -> Prepared:
    """The problem that `plan` solves, without solving it; see there for what is raised.

    Parameters
    ----------
    model : Model
        As in `plan`, and so are all others.
    data : MarketData
        Market.
    brief : Brief
        Brief.
    budget, currency : optional
        Money.
    constraints : Constraints, optional
        What else is to be kept to.
    objective : str or Objective, optional
        What counts.
    quantile : float, optional
        Of what options bring.
    panel : Panel, optional
        People whom the user knows.
    as_of : pandas.Timestamp, optional
        Aware instant.
    settings : Settings, optional
        Settings of retrieval.
    language : {"en", "vi"}
        Language of notes.
    context : FeatureContext, optional
        What ``model.context(data)`` gives.
    platform_reach : mapping of str to float, optional
        What multiplies all that a platform brings from now on.
    most_budget : float, default 1
        Largest budget that will be looked at, as a share of the plan's: dearer packages of the
        candidates are had ready for `matcher.plan.wider.widen`.

    Returns
    -------
    Prepared
        Problem, and what it was made of.
    """
    check_type(model, Model, where="plan: model", hint="`read_model` returns it first")
    check_type(data, MarketData, where="plan: data", hint="wrap it: MarketData(market)")
    check_type(brief, Brief, where="plan: brief")
    check_quantile(quantile)
    as_of = to_instant(data.market.all_known_at if as_of is None else as_of, where="plan: as_of")
    request = join_request(data, brief, constraints, budget=budget, currency=currency)
    wish, missed = find_wish(model, request.brief, objective, language=language)
    rival_days = request.constraints.rival_days
    scored = score_brief(
        model, data, request.brief, as_of=as_of, settings=settings, order="outcome",
        rival_days=RIVAL_DAYS if rival_days is None else rival_days, context=context,
    )  # fmt: skip
    options = build_options(
        data, scored, request.constraints.packages, budget=request.budget,
        most=most_budget * request.budget, fee_level=request.constraints.fee_level,
        language=language,
    )  # fmt: skip
    kept, ids = scored.candidates.eligible.kept_against, data.index.account_ids
    notes = [
        *filter(None, [describe_fallback(model.facts)]),
        *missed,
        *describe_kept({rule: ids[held].tolist() for rule, held in kept.items()}, language),
    ]
    unknown = count_unknown_formats(data, scored, options)
    if unknown:
        notes.append(TEXTS["format_unknown"][language].format(n=unknown))
    everything, lost = in_panel(options, panel)
    if lost:
        notes.append(TEXTS["not_in_panel"][language].format(n=lost))
    assert model.outcomes is not None
    if any(model.outcomes.models[name].is_of_hires_alone for name in wish.needed):
        notes.append(TEXTS["of_hires_alone"][language])
    instant = scored.candidates.instant
    asked = request.constraints.packages.formats or request.brief.formats
    factors = _check_factors(platform_reach or {}, language, notes)
    all_predicted = predict_options(model, scored, everything, model.outcomes.names, asked, factors)
    pays = everything.fee <= request.budget * (1 + 1e-12)
    options, dear_options = (everything.select(np.flatnonzero(one)) for one in (pays, ~pays))
    predicted, dear_predicted = (
        {name: held.select(np.flatnonzero(one)) for name, held in all_predicted.items()}
        for one in (pays, ~pays)
    )
    source = None
    if "reach" in predicted:
        weight = np.zeros(len(scored.candidates.codes))
        np.maximum.at(weight, options.rows, predicted["reach"].mean())
        source = make_source(data, request, scored.candidates.codes, weight, panel, instant)
    values = option_values(wish, predicted, quantile)
    problem, cut = make_problem(data, request, wish, options, values, source, instant=instant)
    if cut and source is not None:
        notes.append(TEXTS["cut" if source.kind == "panel" else "most"][language].format(n=cut))
    return Prepared(
        model, data, request, wish, quantile, scored, options, predicted, dear_options,
        dear_predicted, source, problem, tuple(notes), factors,
        None if panel is None else len(panel.weight),
    )  # fmt: skip


def _check_factors(
    factors: Mapping[str, float], language: Language, notes: list[str]
) -> dict[str, float]:
    """Factors by platform, said among the notes."""
    wrong = {
        name: value
        for name, value in factors.items()
        if name not in PLATFORMS or not (np.isfinite(value) and value > 0)
    }
    if wrong:
        raise UsageError(
            f"plan: platform_reach has {len(wrong)} wrong value(s), such as "
            f"{dict(list(wrong.items())[:5])}; expected factors above 0 of {', '.join(PLATFORMS)}"
        )
    if factors:
        told = ", ".join(
            f"{name} × {format_number(value, language, digits=2)}"
            for name, value in sorted(factors.items())
        )
        notes.append(TEXTS["platform_reach"][language].format(factors=told))
    return dict(factors)


def in_panel(options: Options, panel: Panel | None) -> tuple[Options, int]:
    """Options whose accounts somebody in the panel sees.

    Parameters
    ----------
    options : Options
        Packages.
    panel : Panel or None
        People whom the user knows, if any.

    Returns
    -------
    options : Options
        Those; all without a panel.
    n_lost : int
        Accounts that nobody in it sees.

    Raises
    ------
    SupportError
        If nobody in it sees any of them.
    """
    if panel is None:
        return options, 0
    known = panel.is_known[options.codes]
    if not known.any():
        raise SupportError("panel: nobody in it sees any of the candidates; plan without it")
    return options.select(np.flatnonzero(known)), len(np.unique(options.codes[~known]))


def make_source(
    data: MarketData,
    request: Request,
    codes: NDArray[np.int64],
    weight: NDArray[np.float64],
    panel: Panel | None,
    instant: int,
) -> ReachSource:
    """Whom candidates reach together.

    Parameters
    ----------
    data : MarketData
        Market.
    request : Request
        Brief, and settings of reach.
    codes : numpy.ndarray of int64, shape (n_accounts,)
        Account of each candidate.
    weight : numpy.ndarray of float64, shape (n_accounts,)
        People that each reaches, by which cells are made; 0 for one that has no say in them.
    panel : Panel or None
        People whom the user knows.
    instant : int
        Microseconds since 1970.

    Returns
    -------
    ReachSource
        The surest that there is.
    """
    return find_source(
        data, request.brief, codes, instant,
        weight=weight, panel=panel, settings=request.constraints.reach,
    )  # fmt: skip


def make_problem(
    data: MarketData,
    request: Request,
    wish: Objective,
    options: Options,
    values: dict[str, NDArray[np.float64]],
    source: ReachSource | None,
    *,
    instant: int,
) -> tuple[Problem, int]:
    """Options within all limits as a problem.

    Parameters
    ----------
    data : MarketData
        Market.
    request : Request
        Brief, money and constraints.
    wish : Objective
        What counts.
    options : Options
        What can be bought.
    values : dict of str to numpy.ndarray of float64, shape (n,)
        What each option counts, by outcome of the objective.
    source : ReachSource or None
        Whom accounts reach together.
    instant : int
        Microseconds since 1970.

    Returns
    -------
    problem : Problem
        What is solved.
    n_cut : int
        Options that were to reach more people than there are.
    """
    adding = [weight * values[name] for name, weight in wish.weights.items() if name != "reach"]
    value = np.sum(adding, axis=0) if adding else np.zeros(len(options))
    limits = build_limits(
        data, request.brief, request.constraints, options, budget=request.budget,
        instant=instant, earlier=request.earlier,
    )  # fmt: skip
    reach, cut = None, np.empty(0, np.int64)
    if "reach" in wish.weights:
        assert source is not None
        reach, cut = source.reach(options.rows, values["reach"])
    weight = wish.weights.get("reach", 1.0)
    problem = Problem(
        value, options.fee, options.persons, limits, reach, reach_weight=weight, value_weight=1.0
    )
    return problem, len(cut)
