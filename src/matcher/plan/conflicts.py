"""Which limits cannot hold together, and by how much they would have to give way."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from matcher.errors import UsageError
from matcher.plan.highs import LinearProgram, Program, solve_integer
from matcher.plan.programs import best_choice, choice_program
from matcher.plan.results import Conflict, ConflictPart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.problem import Problem

__all__ = ["conflict_message", "explain_conflict"]

_GAP: Final = 1e-6
_MOST_RATIOS: Final = 10


@dataclass(frozen=True)
class _Side:
    """One bound of one limit."""

    row: int
    side: Literal["at least", "at most"]


def explain_conflict(problem: Problem, *, seconds: float = 20.0) -> Conflict:
    """Limits that cannot hold together.

    Parameters
    ----------
    problem : Problem
        A problem that no choice of options solves.
    seconds : float, default 20
        Time limit of the search for an irreducible set; what bounds would have to give way is
        looked for in as much time again.

    Returns
    -------
    Conflict
        An irreducible set of bounds (QuickXplain; Junker, 2004), those stated first kept where
        there are several; how far each alone, and all together, would have to move (elastic
        programs).

    Raises
    ------
    UsageError
        If there is a choice within the limits, or the time was too short to find that there is
        none.
    """
    until = time.perf_counter() + seconds
    checker = _Checker(problem, until)
    sides = _sides(problem)
    if checker.consistent(sides):
        raise UsageError(
            "limits: a plan that keeps to all of them exists, or none could be ruled out within "
            f"{seconds:g} s; there is no conflict to explain"
        )
    parts = _explain(checker, [], sides, changed=False)
    parts.sort(key=sides.index)
    elastic = _Elastic(problem, time.perf_counter() + seconds)
    elastic.share_time(len(parts) + 1)
    joint = elastic.give(sides)
    chosen = joint if joint is not None else np.empty(0, np.int64)
    described = []
    for side in sides:
        moved = _excess(problem, side, chosen) if joint is not None else np.nan
        if side not in parts and not moved > 0:
            continue
        alone = None
        if side in parts:
            elastic.share_time(len(parts) - parts.index(side))
            alone = elastic.give([side])
        give = np.nan
        if alone is not None:
            give = _excess(problem, side, elastic.nearest(side, alone))
        limit = problem.limits[side.row]
        bound = limit.stated_low if side.side == "at least" else limit.stated_high
        described.append(
            (side, ConflictPart(limit.name, side.side, bound, give, moved, limit.unit))
        )
    return Conflict(
        tuple(part for side, part in described if side in parts),
        tuple(part for side, part in described if side not in parts),
        chosen,
        problem.violations(chosen),
        not checker.gave_up,
        not elastic.gave_up,
    )


def conflict_message(conflict: Conflict) -> str:
    """A conflict as one sentence.

    Parameters
    ----------
    conflict : Conflict
        The conflict.

    Returns
    -------
    str
        Which bounds conflict and how far each would have to move.
    """
    told = []
    for part in conflict.parts[:5]:
        moved = part.bound + (part.give if part.side == "at most" else -part.give)
        none = "moving it alone is not enough" if conflict.is_least else "no way alone was found"
        way = f"{moved:,.10g} would do" if np.isfinite(part.give) else none
        told.append(f"{part.name!r} {part.side} {part.bound:,.10g} {part.unit} ({way})")
    more = f", the first five of {len(conflict.parts)}" if len(conflict.parts) > 5 else ""
    together = [
        f"{part.name!r} by {part.joint_give:,.10g} {part.unit}"
        for part in (*conflict.parts, *conflict.others)
        if part.joint_give > 0
    ]
    out = f"; the least that has to move in all: {', '.join(together[:5])}" if together else ""
    haste = "" if conflict.is_least else "; time ran out, so that less may be enough"
    return (
        f"limits: no plan keeps to all of them; these cannot hold together{more}: "
        f"{'; '.join(told)}{out}{haste}"
    )


class _Checker:
    """Says whether some bounds can hold together."""

    def __init__(self, problem: Problem, until: float) -> None:
        self.problem, self.until = problem, until
        self.gave_up = False
        self._program = choice_program(problem, np.zeros(problem.n_options))
        self._relaxed = LinearProgram(self._program)

    def consistent(self, sides: list[_Side]) -> bool:
        lows, highs = self._program.lows.copy(), self._program.highs.copy()
        n_limits = len(self.problem.limits)
        moving = [row for row in range(n_limits) if not self.problem.limits[row].is_implied]
        lows[moving], highs[moving] = -np.inf, np.inf
        for side in sides:
            if side.side == "at least":
                lows[side.row] = self._program.lows[side.row]
            else:
                highs[side.row] = self._program.highs[side.row]
        self._relaxed.move(lows=lows, highs=highs)
        if self._relaxed.maximise(np.zeros(self.problem.n_options)).status == "infeasible":
            return False
        found = solve_integer(
            replace(self._program, lows=lows, highs=highs),
            np.ones(self.problem.n_options, bool),
            seconds=self.until - time.perf_counter(),
        )
        if found.status == "unknown":
            self.gave_up = True
        return found.status != "infeasible"


def _sides(problem: Problem) -> list[_Side]:
    sides = []
    for row, limit in enumerate(problem.limits):
        if limit.is_implied:
            continue
        if np.isfinite(limit.low):
            sides.append(_Side(row, "at least"))
        if np.isfinite(limit.high):
            sides.append(_Side(row, "at most"))
    return sides


def _explain(
    checker: _Checker, background: list[_Side], sides: list[_Side], *, changed: bool
) -> list[_Side]:
    """Irreducible part of `sides` that conflicts with what is in the background."""
    if changed and not checker.consistent(background):
        return []
    if len(sides) <= 1:
        return list(sides)
    half = len(sides) // 2
    first, second = sides[:half], sides[half:]
    late = _explain(checker, background + first, second, changed=bool(first))
    early = _explain(checker, background + late, first, changed=bool(late))
    return early + late


class _Elastic:
    """Choices for which bounds give way, and whether less was ruled out each time."""

    def __init__(self, problem: Problem, until: float) -> None:
        self.problem, self.until, self._late = problem, until, until
        self.gave_up = False

    def share_time(self, n: int) -> None:
        """Leave what is looked for next one of n parts of the time left."""
        now = time.perf_counter()
        self._late = now + (self.until - now) / n

    def give(self, sides: list[_Side]) -> NDArray[np.int64] | None:
        """Choice of somebody for which some bounds move least, others fixed; None without one."""
        problem = self.problem
        program = choice_program(problem, np.zeros(problem.n_options))
        rows = np.array([side.row for side in sides], np.int64)
        # What is missing from a least total is added; what is too much is taken off.
        signs = np.array([1.0 if side.side == "at least" else -1.0 for side in sides])
        bounds = np.where(signs > 0, program.lows[rows], program.highs[rows])
        largest = abs(program.matrix).max(axis=1).toarray().ravel()[rows]
        sizes = np.maximum(np.maximum(abs(bounds), largest), 1e-12)
        # In units of the bound's size, so that an account and a million weigh alike.
        reach = np.asarray(abs(program.matrix).sum(axis=1)).ravel()[rows] + abs(bounds)
        n, n_rows = problem.n_options, program.matrix.shape[0]
        slack = csr_array(
            (signs * sizes, (rows, np.arange(len(sides)))), shape=(n_rows, len(sides))
        )
        # A limit that only hiring nobody keeps is no way out.
        somebody = csr_array(np.concatenate([np.ones(n), np.zeros(len(sides))])[None, :])
        elastic = Program(
            np.concatenate([np.zeros(n), -np.ones(len(sides))]),
            csr_array(
                vstack([hstack([program.matrix, slack], format="csr"), somebody], format="csr")
            ),
            np.append(program.lows, 1.0),
            np.append(program.highs, np.inf),
            np.zeros(n + len(sides)),
            np.concatenate([np.ones(n), reach / sizes + 1.0]),
        )
        whole = np.concatenate([np.ones(n, bool), np.zeros(len(sides), bool)])
        found = solve_integer(elastic, whole, seconds=self._left, gap=_GAP)
        self.gave_up |= found.status in ("feasible", "unknown")
        return None if found.point is None else np.flatnonzero(found.point[:n] > 0.5)

    def nearest(self, side: _Side, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Choice nearest to a share of all fees, from one that keeps to all other limits.

        A choice that misses least money need not miss least of the share, a ratio: Dinkelbach's
        method. Limits in other units are as near as they can be.
        """
        problem, limit = self.problem, self.problem.limits[side.row]
        if limit.share is None:
            return chosen
        others = problem.with_limits([one for one in problem.limits if one is not limit])
        sign = 1.0 if side.side == "at least" else -1.0
        for _ in range(_MOST_RATIOS):
            share = float(problem.stated_totals(chosen)[side.row])
            if np.isnan(share):
                return chosen
            moved = problem.with_share(limit.name, min(max(share, 0.0), 1.0))
            gains = sign * moved.rows[[side.row], :].toarray().ravel()
            best = best_choice(others, gains, seconds=self._left)
            found, slack = best.chosen, float(problem.slack[side.row])
            if found is None or gains[found].sum() <= slack:
                self.gave_up |= best.bound > slack
                return chosen
            chosen = found
        self.gave_up = True
        return chosen

    @property
    def _left(self) -> float:
        return self._late - time.perf_counter()


def _excess(problem: Problem, side: _Side, chosen: NDArray[np.int64]) -> float:
    """How far a choice lies beyond a bound, in the limit's unit; 0 within rounding."""
    limit, total = problem.limits[side.row], float(problem.totals(chosen)[side.row])
    is_least = side.side == "at least"
    if (limit.low - total if is_least else total - limit.high) <= problem.slack[side.row]:
        return 0.0
    stated = float(problem.stated_totals(chosen)[side.row])
    return limit.stated_low - stated if is_least else stated - limit.stated_high
