"""What rising budgets are worth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.arguments import check_count, check_type
from matcher.errors import ConflictError, UsageError
from matcher.plan.bound import Relaxation
from matcher.plan.conflicts import conflict_message, explain_conflict
from matcher.plan.problem import Problem
from matcher.plan.programs import best_choice
from matcher.plan.results import Frontier, FrontierPoint, Solution
from matcher.plan.solve import Run, finish

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["trace_frontier"]

N_STEPS: Final = 2000
"""Exchanges tried within each budget unless told otherwise."""
_N_TANGENTS: Final = 60
_PROVABLE: Final = 2000
_GAP: Final = 1e-3


def trace_frontier(
    problem: Problem,
    budgets: Sequence[float],
    *,
    limit: str = "budget",
    seconds: float = 20.0,
    gap: float = _GAP,
    seed: int = 0,
    steps: int = N_STEPS,
) -> Frontier:
    """Best plans that can be found within rising budgets, each with its bound.

    Budgets are gone through from the smallest. A plan of one budget keeps to the limits within
    the next one too and is where that begins, so that no plan is worth less than an earlier one.

    Parameters
    ----------
    problem : Problem
        The problem; other limits stay as they are.
    budgets : sequence of float
        Greatest totals of the limit that varies; above 0, in any order, each once.
    limit : str, default "budget"
        Name of the limit that varies.
    seconds : float, default 20
        Time limit of all together.
    gap : float, default 0.001
        Gap at which nothing more is tried within a budget; 0 asks for the best plans.
    seed : int, default 0
        Seed of all draws.
    steps : int, default 2000
        Exchanges to try within each budget.

    Returns
    -------
    Frontier
        One point per budget; without a plan where nothing keeps to the limits within it.

    Raises
    ------
    ConflictError
        If no plan keeps to the other limits at any budget.
    UsageError
        If there is no such limit or budget, a budget is not above 0 or lies below the limit's
        least total, or one is named twice.
    """
    check_type(problem, Problem, where="trace_frontier: problem")
    check_count(steps, where="trace_frontier: steps")
    rising = _rising(problem, budgets, limit)
    began = time.perf_counter()
    least = _least_budget(problem, limit, seconds)
    points: list[FrontierPoint] = []
    relaxation: Relaxation | None = None
    plan: NDArray[np.int64] | None = None
    for place, budget in enumerate(rising):
        there = problem.with_bounds(limit, high=budget)
        if budget < least * (1.0 - 1e-9):
            points.append(FrontierPoint(budget, None))
            continue
        left = seconds - (time.perf_counter() - began)
        share = max(left / (len(rising) - place), 0.05)
        if relaxation is None:
            relaxation = Relaxation(there)
        else:
            relaxation.move(there)
        run = Run(there, seconds=share, gap=gap, seed=seed, relaxation=relaxation)
        if plan is not None:
            run.offer(plan)
        try:
            finish(run, steps=steps, tangents=_N_TANGENTS, most=_PROVABLE)
        except ConflictError:
            points.append(FrontierPoint(budget, None))
            continue
        solution = run.solution()
        plan = solution.chosen
        points.append(FrontierPoint(budget, solution))
    return Frontier(limit, tuple(_share_bounds(points)), least, time.perf_counter() - began)


def _rising(problem: Problem, budgets: Sequence[float], limit: str) -> list[float]:
    rising = sorted(float(budget) for budget in budgets)
    if not rising or not all(0 < budget < np.inf for budget in rising):
        raise UsageError(f"trace_frontier: got the budgets {rising[:5]}; expected numbers above 0")
    if len(set(rising)) < len(rising):
        raise UsageError(f"trace_frontier: a budget is named twice among {rising[:5]}")
    low = problem.limit(limit).low
    if rising[0] < low:
        raise UsageError(
            f"trace_frontier: the budget {rising[0]:,.10g} lies below the least total "
            f"{low:,.10g} of the limit {limit!r}; expected budgets from there on"
        )
    return rising


def _least_budget(problem: Problem, limit: str, seconds: float) -> float:
    """Proven lower bound of the total without which no plan keeps to the other limits."""
    row = [one.name for one in problem.limits].index(limit)
    totals = problem.rows[[row], :].toarray().ravel()
    varied = problem.limits[row]
    open_end = (replace(varied, high=np.inf),) if np.isfinite(varied.low) else ()
    free = problem.with_limits([*problem.limits[:row], *open_end, *problem.limits[row + 1 :]])
    cheapest = best_choice(free, -totals, seconds=max(seconds / 10, 1.0), gap=1e-4)
    if cheapest.is_impossible:
        conflict = explain_conflict(free, seconds=seconds)
        raise ConflictError(conflict_message(conflict), conflict)
    return max(0.0, -cheapest.bound)


def _share_bounds(points: list[FrontierPoint]) -> list[FrontierPoint]:
    """A bound of a larger budget bounds the smaller ones too."""
    shared: list[FrontierPoint] = []
    bound = np.inf
    for point in reversed(points):
        solution: Solution | None = point.solution
        if solution is not None:
            bound = min(bound, solution.bound)
            point = FrontierPoint(point.budget, replace(solution, bound=bound))
        shared.append(point)
    return shared[::-1]
