"""What larger budgets than the plan's may buy, as a problem of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher.errors import SupportError
from matcher.plan.options import build_options, option_values, predict_options
from matcher.plan.prepare import in_panel, make_problem, make_source
from matcher.recommend.batches import score_dearer
from matcher.recommend.rows import Job
from matcher.retrieval.eligibility import RIVAL_DAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.plan.options import Options
    from matcher.plan.panel import Panel
    from matcher.plan.prepare import Prepared
    from matcher.plan.problem import Problem
    from matcher.recommend.rows import Scored

__all__ = ["Wider", "widen"]


@dataclass(frozen=True, eq=False)
class Wider:
    """A plan's problem with all that a larger budget may buy besides.

    Parameters
    ----------
    problem : Problem
        Its first options are those of the plan, in their order; the limit on all fees is that of
        the plan until another one is put in its place.
    n_packages : int
        Options that cost more than the plan's budget.
    n_accounts : int
        Accounts that the plan could not consider for their price.
    """

    problem: Problem
    n_packages: int
    n_accounts: int


def widen(
    ready: Prepared,
    most: float,
    *,
    settings: Settings | None = None,
    context: FeatureContext | None = None,
    panel: Panel | None = None,
) -> Wider:
    """The problem of a plan with what only larger budgets pay.

    Besides dearer packages of the candidates these are the accounts that the hard rule on prices
    removed at the plan's budget and would not at the largest one. All are predicted for the brief
    as it is, and reach the same cells of people, which stay those of the plan's own candidates.

    Parameters
    ----------
    ready : Prepared
        The plan's problem, made with a `most_budget`.
    most : float
        Largest budget.
    settings, context, panel : optional
        As in `matcher.plan.prepare.prepare_plan`.

    Returns
    -------
    Wider
        The plan's own problem where larger budgets buy nothing else.
    """
    dear = _dearer(ready, most, settings, context)
    found = None if dear is None else _packages(ready, dear, most, panel)
    n_own = len(ready.options)
    if found is None and not len(ready.dear_options):
        return Wider(ready.problem, 0, 0)
    options = ready.options.joined(ready.dear_options, shift=0)
    values = _joined(
        option_values(ready.objective, ready.predicted, ready.quantile),
        option_values(ready.objective, ready.dear_predicted, ready.quantile),
    )
    source, candidates = ready.source, ready.scored.candidates
    n_accounts = 0
    if dear is not None and found is not None:
        further, worth = found
        options = options.joined(further, shift=len(candidates))
        values = _joined(values, worth)
        n_accounts = len(np.unique(further.codes))
        if source is not None:
            weight = np.zeros(len(candidates) + len(dear.candidates))
            np.maximum.at(weight, ready.options.rows, ready.reach_mean)
            codes = np.concatenate([candidates.codes, dear.candidates.codes])
            source = make_source(
                ready.data, ready.request, codes, weight, panel, candidates.instant
            )
    problem, _ = make_problem(
        ready.data, ready.request, ready.objective, options, values, source,
        instant=candidates.instant,
    )  # fmt: skip
    return Wider(problem, len(options) - n_own, n_accounts)


def _joined(
    first: dict[str, NDArray[np.float64]], second: dict[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    return {name: np.concatenate([held, second[name]]) for name, held in first.items()}


def _dearer(
    ready: Prepared, most: float, settings: Settings | None, context: FeatureContext | None
) -> Scored | None:
    model = ready.model
    rival_days = ready.request.constraints.rival_days
    return score_dearer(
        Job(model, model.context(ready.data) if context is None else context, 1, "outcome", "en",
            True, {}),
        ready.scored,
        most,
        as_of=ready.scored.as_of,
        settings=model.settings if settings is None else settings,
        rival_days=RIVAL_DAYS if rival_days is None else rival_days,
    )  # fmt: skip


def _packages(
    ready: Prepared, dear: Scored, most: float, panel: Panel | None
) -> tuple[Options, dict[str, NDArray[np.float64]]] | None:
    """Packages of dearer accounts and what they count; None where none can be bought."""
    rules, model = ready.request.constraints, ready.model
    try:
        options = build_options(
            ready.data, dear, rules.packages, budget=most, fee_level=rules.fee_level, language="en"
        )
        options, _ = in_panel(options, panel)
    except SupportError:
        # That nobody is added to the candidates is no failure of the plan.
        return None
    assert model.outcomes is not None
    asked = rules.packages.formats or ready.request.brief.formats
    predicted = predict_options(
        model, dear, options, model.outcomes.names, asked, ready.platform_reach
    )
    return options, option_values(ready.objective, predicted, ready.quantile)
