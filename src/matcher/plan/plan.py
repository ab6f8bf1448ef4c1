"""Whom to hire for a brief within a budget: from scores to a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from matcher.arguments import check_choice, check_number
from matcher.errors import ConflictError
from matcher.plan.frontier import join_plans, trace_frontier
from matcher.plan.limit_words import describe_conflict
from matcher.plan.limits import BUDGET
from matcher.plan.prepare import prepare_plan
from matcher.plan.prices import price
from matcher.plan.refused import describe_refused
from matcher.plan.shadows import MONEY_STEP
from matcher.plan.solve import solve
from matcher.plan.told import tell_plan
from matcher.plan.wider import widen
from matcher.recommend.recommend import identify_model, list_assumptions
from matcher.recommend.wording import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from matcher.config import Settings
    from matcher.features.context import FeatureContext, MarketData
    from matcher.market.brief import Brief
    from matcher.plan.constraints import Constraints
    from matcher.plan.objective import Objective
    from matcher.plan.panel import Panel
    from matcher.plan.plans import Plan
    from matcher.plan.prepare import Prepared
    from matcher.plan.results import Frontier, Solution
    from matcher.plan.wider import Wider
    from matcher.ranking.model import Model
    from matcher.recommend.wording import Language

__all__ = ["FRONTIER_BUDGETS", "plan"]

FRONTIER_BUDGETS: Final = (0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5)
"""Budgets of the frontier, as shares of the plan's."""


def plan(
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
    seconds: float = 15.0,
    seed: int = 0,
    frontier: bool = True,
    model_id: str | None = None,
    model_version: str | None = None,
    context: FeatureContext | None = None,
    platform_reach: Mapping[str, float] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Plan:
    """Whom to hire with which package, so that most comes of a budget.

    Candidates and their scores are those of `recommend`; outcomes those of its lists, each for the
    format and the posts of the package; fees own rates or marked estimates. The plan is the best
    that was found within all limits, and says how much a better one could bring at most.

    Parameters
    ----------
    model : Model
        Model that predicts outcomes, closed at or before the instant from which the brief is seen.
    data : MarketData
        Market.
    brief : Brief
        Brief.
    budget : float, optional
        Greatest sum of fees, above 0; that of the constraints, else of the brief, when None.
    currency : str, optional
        Its currency, ISO 4217; from the same places when None.
    constraints : Constraints, optional
        What else is to be kept to.
    objective : str or Objective, optional
        Outcome, objective that briefs have, or several with weights (see
        `matcher.plan.objective.read_objective`); what stands for the brief's objective when None.
    quantile : float, optional
        Let each account count by what it exceeds with probability ``1 - quantile``; by its mean
        when None.
    panel : Panel, optional
        People whom the user knows, for overlap; from the market's audiences when None.
    as_of : pandas.Timestamp, optional
        Aware instant; facts from it on are not used. All of the market is known when None.
    settings : Settings, optional
        Settings of retrieval; the model's own when None.
    language : {"en", "vi"}
        Language of sentences.
    seconds : float, default 15
        Time for the plan and its certificate; what is proved sooner ends sooner. The frontier and
        prices take as long again each at most. A better plan that they come upon takes its place.
    seed : int, default 0
        Seed of the search.
    frontier : bool, default True
        Whether plans within other budgets are found too.
    model_id, model_version : str, optional
        Names of the model in the audit; a digest of it when None.
    context : FeatureContext, optional
        What ``model.context(data)`` gives.
    platform_reach : mapping of str to float, optional
        What multiplies all that a platform brings from now on, such as ``{"tiktok": .8}``: assumed,
        not learnt. Who is a candidate is not changed by it.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    Plan
        Accounts, totals, certificate, prices and frontier.

    Raises
    ------
    UsageError
        If the budget is not above 0, the currency no code, or an outcome unknown.
    ConflictError
        If the constraints contradict each other; it says which, and by how much.
    SupportError
        If no account is eligible, no fee known, or an outcome not predicted.
    DataError
        If an account is not in the market, or a price stands in a currency without a rate of
        exchange.
    LeakageError
        If the model was closed after the instant from which the brief is seen.

    Examples
    --------
    >>> from matcher import MarketData, load_market, plan_campaign, read_brief, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, bundle = read_model("models/tiny")
    >>> brief = read_brief("data/brief-vi.yaml")
    >>> found = plan_campaign(model, data, brief, budget=20_000_000, currency="VND", seconds=2)
    >>> bool(found.frame["fee"].sum() <= 20_000_000), found.facts["objective"]
    (True, 'engagements')
    """
    check_choice(language, LANGUAGES, where="plan: language")
    check_number(seconds, where="plan: seconds")

    def tell(step: str, done: int) -> None:
        if progress is not None:
            progress(step, done, 1)

    tell("candidates", 0)
    most = FRONTIER_BUDGETS[-1] if frontier else 1.0 + MONEY_STEP
    ready = prepare_plan(
        model, data, brief, budget=budget, currency=currency, constraints=constraints,
        objective=objective, quantile=quantile, panel=panel, as_of=as_of, settings=settings,
        language=language, context=context, platform_reach=platform_reach,
        most_budget=most,
    )  # fmt: skip
    tell("candidates", 1)
    tell("plan", 0)
    used = model.settings if settings is None else settings
    try:
        solution = solve(ready.problem, seconds=seconds, seed=seed)
    except ConflictError as error:
        raise _told(error, ready, used, panel, language) from error
    tell("plan", 1)
    wider = widen(ready, most * ready.request.budget, settings=settings, context=context,
                  panel=panel)  # fmt: skip
    traced = None
    if frontier:
        tell("other budgets", 0)
        traced = _trace(ready, wider, solution, seconds=seconds, seed=seed)
        solution = _best_known(ready, solution, traced)
        tell("other budgets", 1)
    tell("prices", 0)
    prices = price(
        ready.problem, solution, seconds=seconds, seed=seed, varied=BUDGET, wider=wider.problem,
        frontier=traced, account=ready.options.codes,
    )  # fmt: skip
    solution = prices.solution
    tell("prices", 1)
    if traced is not None:
        known = [(ready.request.budget, solution), *prices.loosened]
        traced = join_plans(traced, wider.problem, known)
    audit: dict[str, str | None] = {
        "model_id": identify_model(model) if model_id is None else model_id,
        "model_version": model_version,
        "data_hash": data.market.data_hash,
        "config_hash": used.hash,
        "as_of": ready.scored.as_of.isoformat(),
        "assumed_timeless": "|".join(list_assumptions(data.market)),
        **_tell_request(ready, panel, seconds=seconds, seed=seed),
    }
    return tell_plan(ready, solution, prices, traced, wider=wider, audit=audit, language=language)


def _tell_request(
    ready: Prepared, panel: Panel | None, *, seconds: float, seed: int
) -> dict[str, str | None]:
    return ready.request.tell(
        {
            "objective": {name: float(one) for name, one in ready.objective.weights.items()},
            "quantile": None if ready.quantile is None else float(ready.quantile),
            "seed": int(seed),
            "seconds": float(seconds),
            "platform_reach": {k: float(v) for k, v in sorted(ready.platform_reach.items())},
            "panel": None if panel is None else panel.digest,
        }
    )


def _told(
    error: ConflictError,
    ready: Prepared,
    settings: Settings,
    panel: Panel | None,
    language: Language,
) -> ConflictError:
    """A conflict in words, with whoever is missing."""
    if error.conflict is None:
        return error
    told = describe_conflict(error.conflict, ready.request.currency, language)
    told += describe_refused(
        ready, error.conflict, settings=settings, panel=panel, language=language
    )
    return ConflictError(f"brief {ready.request.brief.brief_id}: {told}", error.conflict)


def _best_known(ready: Prepared, solution: Solution, traced: Frontier) -> Solution:
    """The plan, or one that is worth more within its limits and was found for another budget."""
    problem = ready.problem
    for point in traced.points:
        found = point.solution
        if found is None:
            continue
        if point.budget >= ready.request.budget and found.bound < solution.bound:
            solution = replace(solution, bound=max(found.bound, solution.objective))
        is_own = (found.chosen < problem.n_options).all()
        if not is_own or problem.violations(found.chosen):
            continue
        worth = problem.objective(found.chosen)
        if worth > solution.objective:
            solution = replace(
                solution, chosen=found.chosen, objective=worth, value=found.value,
                reach=found.reach, cost=found.cost, bound=max(solution.bound, worth),
                how=f"{solution.how}; the search within other budgets found it",
            )  # fmt: skip
    return solution


def _trace(
    ready: Prepared, wider: Wider, solution: Solution, *, seconds: float, seed: int
) -> Frontier:
    budgets = [share * ready.request.budget for share in FRONTIER_BUDGETS]
    return trace_frontier(
        wider.problem, budgets, limit=BUDGET, seconds=seconds, seed=seed, known=[solution.chosen]
    )
