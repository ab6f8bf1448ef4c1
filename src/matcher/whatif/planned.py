"""How the plan under a budget changes with a scenario, and what more budget is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.errors import SupportError
from matcher.plan.plan import plan
from matcher.whatif.findings import SUPPORT_COLUMNS, find_out, support_cells
from matcher.whatif.plan_verdicts import say_plans
from matcher.whatif.scenario import BASELINE
from matcher.whatif.support import check_brief, check_support

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matcher.plan.plans import Plan
    from matcher.whatif.answer import Comparison
    from matcher.whatif.desk import Desk
    from matcher.whatif.scenario import Scenario
    from matcher.whatif.state import State

__all__ = ["PLAN_COLUMNS", "add_plans", "compare_plans"]

PLAN_COLUMNS: Final = (
    "scenario",
    "objective_before",
    "objective",
    "worth_before",
    "worth_after",
    "bound_after",
    "cost_before",
    "cost_after",
    "currency",
    "n_accounts_before",
    "n_accounts_after",
    "n_kept",
    "entered",
    "left",
    "per_million",
    *SUPPORT_COLUMNS,
    "refused",
)
"""Columns of `compare_plans`."""
_MILLION: Final = 1e6


def compare_plans(
    desk: Desk,
    scenarios: Sequence[Scenario],
    *,
    seconds: float = 5.0,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> pd.DataFrame:
    """Plans under the budget of each scenario's brief beside that of things as they are.

    A scenario that changes nothing but the budget says what more of it is worth: ``per_million``
    is the change of worth per million that the budget is larger, NaN for any other. Two
    plans can share few accounts and be worth nearly the same; ``bound_after`` says how much a
    better one could be worth at most.

    Parameters
    ----------
    desk : Desk
        Model, market and brief; the brief has a budget and a currency.
    scenarios : sequence of Scenario
        Scenarios.
    seconds : float, default 5
        Time of each plan and its certificate.
    seed : int, default 0
        Seed of the search.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    pandas.DataFrame
        `PLAN_COLUMNS`, one row per scenario; worth is in units of the objective, and has a change
        only where both plans have the same one; ``refused`` says why there is no plan under one of
        several scenarios, such as one that leaves no candidate.

    Raises
    ------
    SupportError
        If the brief as it is, or that of a single scenario, has no budget or no candidate.
    """
    before = _plan(desk, desk.state(BASELINE), seconds, seed)
    rows: list[dict[str, Any]] = []
    for place, scenario in enumerate(scenarios, start=1):
        try:
            state = desk.state(scenario)
            row = _row(scenario, before, _plan(desk, state, seconds, seed))
            row |= support_cells(check_support(desk, state)) | {"refused": None}
        except SupportError as error:
            if len(scenarios) == 1:
                raise
            row = {"scenario": scenario.name, "entered": (), "left": ()}
            row |= support_cells(check_brief(desk, desk.edit_brief(scenario)))
            row["refused"] = error.told[desk.job.language]
        rows.append(row)
        if progress is not None:
            progress("plans", place, len(scenarios))
    return pd.DataFrame(rows, columns=list(PLAN_COLUMNS))


def add_plans(
    found: Comparison,
    desk: Desk,
    scenarios: Sequence[Scenario],
    *,
    seconds: float = 5.0,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Comparison:
    """Put plans under scenarios beside the other answers.

    Parameters
    ----------
    found : Comparison
        Answers.
    desk : Desk
        As of `compare_plans`, as are the further ones.
    scenarios : sequence of Scenario
        Scenarios, at least one.
    seconds : float, default 5
        Time of each plan.
    seed : int, default 0
        Seed of the search.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    Comparison
        With the table ``plans`` and what it comes to.
    """
    table = compare_plans(desk, scenarios, seconds=seconds, seed=seed, progress=progress)
    if table.empty:
        return found
    said = find_out(desk, say_plans(table, language=desk.job.language), table)
    return replace(
        found,
        parts={**found.parts, "plans": table},
        findings={**found.findings, "plans": said},
    )


def _plan(desk: Desk, state: State, seconds: float, seed: int) -> Plan:
    brief, name = state.brief, state.scenario.name
    if brief.budget is None or brief.currency is None:
        raise SupportError(
            f"scenario {name}: the brief has no budget and currency, within which a plan could be "
            "made; give both in the brief or in the scenario",
            {
                "en": "the brief has no budget and currency, within which a plan could be made",
                "vi": "bản mô tả không có ngân sách và tiền tệ nên không lập phương án được",
            },
        )
    return plan(
        desk.job.model,
        state.job.data,
        brief,
        as_of=desk.as_of,
        settings=desk.settings,
        language=desk.job.language,
        seconds=seconds,
        seed=seed,
        frontier=False,
        context=state.job.context,
        platform_reach=state.factors,
    )


def _row(scenario: Scenario, before: Plan, after: Plan) -> dict[str, Any]:
    old, new = (set(one.frame["account_id"]) for one in (before, after))
    facts = [one.facts for one in (before, after)]
    more = facts[1]["budget"] - facts[0]["budget"]
    # Of anything else than the budget it would be said as if money had done it.
    is_budget = scenario.edits and all(
        one.kind == "brief" and one.model_fields_set <= {"kind", "budget"} for one in scenario.edits
    )
    alike = is_budget and facts[0]["currency"] == facts[1]["currency"]
    gain = facts[1]["worth"] - facts[0]["worth"]
    return {
        "scenario": scenario.name,
        "objective_before": facts[0]["objective"],
        "objective": facts[1]["objective"],
        "worth_before": facts[0]["worth"],
        "worth_after": facts[1]["worth"],
        "bound_after": facts[1]["bound"],
        "cost_before": facts[0]["cost"],
        "cost_after": facts[1]["cost"],
        "currency": facts[1]["currency"],
        "n_accounts_before": len(old),
        "n_accounts_after": len(new),
        "n_kept": len(old & new),
        "entered": tuple(sorted(new - old)),
        "left": tuple(sorted(old - new)),
        "per_million": gain / more * _MILLION if alike and more else float("nan"),
    }
