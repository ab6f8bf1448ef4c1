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
from matcher.plan.dominance import undominated
from matcher.plan.highs import LinearProgram
from matcher.plan.problem import Problem
from matcher.plan.programs import best_choice, choice_program
from matcher.plan.results import Frontier, FrontierPoint, FrontierStatus, Solution
from matcher.plan.solve import Run, finish

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["join_plans", "trace_frontier"]

N_STEPS: Final = 2000
"""Exchanges tried within each budget unless told otherwise."""
_N_TANGENTS: Final = 60
_PROVABLE: Final = 2000
_GAP: Final = 1e-3
_LEAST_SHARE: Final = 0.1
"""Part of the time in which the least budget is looked for."""
_EXACTLY: Final = 2000
"""Options up to which it is looked for among whole options at once."""
_PATIENCE: Final = 0.15
"""Part of the time left that the first plan of a budget may take in any case."""
_SAME: Final = 1e-9
"""Relative; worth that counts as the same."""
_HASTE: Final = 0.8
"""Part of the time of the quickest budget so far that has to be left to begin another."""


def trace_frontier(
    problem: Problem,
    budgets: Sequence[float],
    *,
    limit: str = "budget",
    seconds: float = 20.0,
    gap: float = _GAP,
    seed: int = 0,
    steps: int = N_STEPS,
    known: Sequence[ArrayLike] = (),
) -> Frontier:
    """Best plans that can be found within rising budgets, each with its bound.

    The largest and the smallest budget come first, then those between, ever closer, each with an
    equal part of the time left and from the best plan known that fits. A plan of one budget keeps
    to the limits within every larger one too, so that none is worth less than that of a smaller
    one. The multipliers that prove the bound of one budget prove bounds of all others. Budgets for
    which no time is left keep the best plan known that fits, with the best bound that the others
    prove, and say so. Options that another of the same person dominates are left out.

    Parameters
    ----------
    problem : Problem
        The problem; other limits stay as they are.
    budgets : sequence of float
        Greatest totals of the limit that varies; above 0, in any order, each once.
    limit : str, default "budget"
        Name of the limit that varies.
    seconds : float, default 20
        Time limit of all together. What has begun ends shortly after it.
    gap : float, default 0.001
        Gap at which nothing more is tried within a budget; 0 asks for the best plans.
    seed : int, default 0
        Seed of all draws.
    steps : int, default 2000
        Exchanges to try within each budget.
    known : sequence of array-like of int, default ()
        Choices at hand, such as the plan of one budget; each counts where it keeps to the limits.

    Returns
    -------
    Frontier
        One point per budget; without a plan where nothing keeps to the limits within it, or time
        ran out before one was known.

    Raises
    ------
    ConflictError
        If no plan keeps to the other limits at any budget.
    UsageError
        If there is no such limit or budget, a budget is not above 0 or lies below the limit's
        least total, or one is named twice; if the time is not above 0.
    """
    check_type(problem, Problem, where="trace_frontier: problem")
    check_count(steps, where="trace_frontier: steps")
    if not seconds > 0:
        raise UsageError(f"trace_frontier: got {seconds:g} seconds; expected a time above 0")
    rising = _rising(problem, budgets, limit)
    began = time.perf_counter()
    kept = undominated(problem)
    fewer = problem.select(kept)
    least = _least_budget(fewer, limit, seconds, whole=len(kept) <= _EXACTLY)
    tracer = _Tracer(fewer, limit, began + seconds, _placed(problem, kept, known))
    found = {
        budget: FrontierPoint(budget, None, "impossible")
        for budget in rising
        if budget < least * (1.0 - 1e-9)
    }
    open_ones = [budget for budget in rising if budget not in found]
    order = _spread(len(open_ones))
    for done, place in enumerate(order):
        budget, n_left = open_ones[place], len(order) - done
        found[budget] = tracer.point(budget, n_left, gap=gap, seed=seed, steps=steps)
        if not done and found[budget].status == "impossible":
            least = max(least, _least_budget(fewer, limit, seconds, whole=True))
    points = _share_bounds([tracer.completed(found[budget]) for budget in rising])
    points = _told_apart([_counted_back(point, kept) for point in points])
    return Frontier(limit, tuple(points), least, time.perf_counter() - began)


def join_plans(
    frontier: Frontier, problem: Problem, known: Sequence[tuple[float, Solution]]
) -> Frontier:
    """A frontier with plans that were found elsewhere.

    Each counts within every budget that pays it where it is worth more than the plan there, and
    its bound within every budget up to the one that it was found within.

    Parameters
    ----------
    frontier : Frontier
        Of the problem.
    problem : Problem
        The problem.
    known : sequence of tuple of float and Solution
        Budgets, and plans of options of the problem that keep to its other limits within them.

    Returns
    -------
    Frontier
        Nowhere worth less, nor with a greater bound.
    """
    points = []
    for point in frontier.points:
        there = problem.with_bounds(frontier.limit, high=point.budget)
        best, status = point.solution, point.status
        for _, plan in known:
            is_better = best is None or there.objective(plan.chosen) > best.objective
            if status != "impossible" and is_better and not there.violations(plan.chosen):
                bound = np.inf if best is None else best.bound
                best = replace(plan, objective=there.objective(plan.chosen), bound=np.inf)
                best = replace(best, bound=max(bound, best.objective))
                status = "carried" if status in ("unknown", "carried") else "searched"
        if best is not None:
            proved = [plan.bound for budget, plan in known if budget >= point.budget]
            best = replace(best, bound=max(min([best.bound, *proved]), best.objective))
        points.append(FrontierPoint(point.budget, best, status))
    return replace(frontier, points=tuple(_told_apart(points)))


def _told_apart(points: list[FrontierPoint]) -> list[FrontierPoint]:
    """Points whose search found no better plan than that of a smaller budget show that one."""
    told: list[FrontierPoint] = []
    before: Solution | None = None
    for point in points:
        solution, status = point.solution, point.status
        if solution is not None and before is not None:
            if solution.objective <= before.objective * (1.0 + np.sign(before.objective) * _SAME):
                solution = replace(
                    before, bound=max(solution.bound, before.objective), how=solution.how
                )
                status = "same" if status == "searched" else status
            elif status == "same":
                status = "searched"
        told.append(FrontierPoint(point.budget, solution, status))
        before = before if solution is None else solution
    return told


def _spread(n: int) -> list[int]:
    """The last and the first of n places, then the middle of each widest stretch between."""
    order = [n - 1, 0][:n]
    stretches = [(0, n - 1)]
    while stretches:
        low, high = stretches.pop(0)
        if high - low > 1:
            middle = (low + high) // 2
            order.append(middle)
            stretches += [(low, middle), (middle, high)]
    return order


def _placed(
    problem: Problem, kept: NDArray[np.int64], known: Sequence[ArrayLike]
) -> list[NDArray[np.int64]]:
    """Choices at hand, by the places of their options among those kept.

    A choice of which an option is not kept is left out: others that are kept are worth as much.
    """
    place = np.full(problem.n_options, -1)
    place[kept] = np.arange(len(kept))
    placed = [place[np.unique(np.asarray(one, np.int64))] for one in known]
    return [one.astype(np.int64) for one in placed if (one >= 0).all()]


def _counted_back(point: FrontierPoint, kept: NDArray[np.int64]) -> FrontierPoint:
    if point.solution is None:
        return point
    chosen = kept[point.solution.chosen]
    return replace(point, solution=replace(point.solution, chosen=chosen))


class _Tracer:
    """What budgets hand on to each other: the relaxation, plans, and lines that bound all."""

    def __init__(
        self, problem: Problem, limit: str, until: float, known: list[NDArray[np.int64]]
    ) -> None:
        self.problem, self.limit, self.until = problem, limit, until
        self.row = [one.name for one in problem.limits].index(limit)
        self.plans = list(known)
        self.relaxation: Relaxation | None = None
        self.lines: list[tuple[float, float, float]] = []
        self.quickest = 0.0

    def point(
        self, budget: float, n_left: int, *, gap: float, seed: int, steps: int
    ) -> FrontierPoint:
        """Plan within one budget; `n_left` budgets, this one included, share the time left."""
        there = self.problem.with_bounds(self.limit, high=budget)
        start = self._start(there)
        begun = time.perf_counter()
        left = self.until - begun
        if left <= _HASTE * self.quickest:
            return FrontierPoint(budget, None, "unknown")
        if self.relaxation is None:
            self.relaxation = Relaxation(there)
        else:
            self.relaxation.move(there)
        run = Run(
            there,
            seconds=max(left / n_left - (time.perf_counter() - begun), 0.01),
            gap=gap,
            seed=seed,
            relaxation=self.relaxation,
            patience=max(left / n_left / 2, _PATIENCE * left),
        )
        if start is not None:
            run.offer(start)
        try:
            finish(run, steps=steps, tangents=_N_TANGENTS, most=_PROVABLE)
            if there.has_overlap and not run.is_proved:
                # Where limits leave little room the options that may count hold too few exchanges.
                run.polish()
        except ConflictError:
            return FrontierPoint(budget, None, "impossible")
        except UsageError:
            return FrontierPoint(budget, None, "unknown")
        finally:
            taken = time.perf_counter() - begun
            self.quickest = min(self.quickest or taken, taken)
        if self.relaxation.kept:
            line = (budget, self.relaxation.bound, self.relaxation.slope(self.row))
            self.lines.append(line)
        solution = run.solution()
        self.plans.append(solution.chosen)
        return FrontierPoint(budget, solution, "searched")

    def completed(self, point: FrontierPoint) -> FrontierPoint:
        """The point with the best plan of any budget that fits, and the least bound proved."""
        if point.status == "impossible":
            return point
        there = self.problem.with_bounds(self.limit, high=point.budget)
        best, found = self._start(there), point.solution
        if best is None:
            return point
        if found is None or there.objective(best) > found.objective:
            found = self._solution(there, best, point)
        proved = [bound + slope * (point.budget - at) for at, bound, slope in self.lines]
        bound = max(min([found.bound, *proved]), found.objective)
        status: FrontierStatus = "carried" if point.status == "unknown" else "searched"
        return FrontierPoint(point.budget, replace(found, bound=bound), status)

    def _start(self, there: Problem) -> NDArray[np.int64] | None:
        """Most valuable of the plans at hand that keep to the limits; the earliest of equals."""
        fitting = [one for one in self.plans if not there.violations(one)]
        return max(fitting, key=there.objective, default=None)

    def _solution(
        self, there: Problem, chosen: NDArray[np.int64], point: FrontierPoint
    ) -> Solution:
        """A plan of another budget as that of this one."""
        reach = 0.0 if there.reach is None else there.reach.people_reached(chosen)
        searched = point.solution
        return Solution(
            chosen,
            there.objective(chosen),
            float(there.value[chosen].sum()),
            reach,
            there.cost(chosen),
            np.inf if searched is None else searched.bound,
            "the plan of a smaller budget, which is worth more than what was found within this one"
            if searched is not None
            else "the best plan known, since the time limit came first",
            np.nan,
            0.0 if searched is None else searched.seconds_feasible,
            0.0 if searched is None else searched.seconds,
        )


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


def _least_budget(problem: Problem, limit: str, seconds: float, *, whole: bool) -> float:
    """Proven lower bound of the total without which no plan keeps to the other limits."""
    row = [one.name for one in problem.limits].index(limit)
    totals = problem.rows[[row], :].toarray().ravel()
    varied = problem.limits[row]
    open_end = (replace(varied, high=np.inf),) if np.isfinite(varied.low) else ()
    free = problem.with_limits([*problem.limits[:row], *open_end, *problem.limits[row + 1 :]])
    if whole:
        choice = best_choice(free, -totals, seconds=_LEAST_SHARE * seconds, gap=1e-4)
        bound = choice.bound
    else:
        bound = LinearProgram(choice_program(free, -totals)).maximise(-totals).bound
    if bound == -np.inf:
        conflict = explain_conflict(free, seconds=seconds)
        raise ConflictError(conflict_message(conflict), conflict)
    return max(0.0, -bound)


def _share_bounds(points: list[FrontierPoint]) -> list[FrontierPoint]:
    """A bound of a larger budget bounds the smaller ones too."""
    shared: list[FrontierPoint] = []
    bound = np.inf
    for point in reversed(points):
        solution: Solution | None = point.solution
        if solution is not None:
            bound = min(bound, solution.bound)
            point = replace(point, solution=replace(solution, bound=bound))
        shared.append(point)
    return shared[::-1]
