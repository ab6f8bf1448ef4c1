"""What loosening each binding limit of a plan brings, found by solving again."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from matcher.plan.bound import Relaxation
from matcher.plan.results import ShadowPrice, Solution
from matcher.plan.solve import FEW, Run, finish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from matcher.plan.linear import Limit
    from matcher.plan.problem import Problem
    from matcher.plan.results import Frontier

__all__ = ["MONEY_STEP", "SHARE_STEP", "Shadows"]

MONEY_STEP: Final = 0.05
"""Part of its bound by which a limit on money is loosened to see what that brings."""
SHARE_STEP: Final = 0.01
"""By how much a share of all fees is loosened."""
_N_STEPS: Final = 1500
_N_LOOSENED: Final = 30
_PROVABLE: Final = 2000
_GAP: Final = 1e-4
"""Relative gap at which nothing more is tried, as in `matcher.plan.solve.solve`."""


@dataclass(frozen=True)
class _Binding:
    row: int
    side: Literal["at least", "at most"]
    lp_price: float
    step: float


class Shadows:
    """Loosened problems of a plan, and what solving them again finds.

    Parameters
    ----------
    problem : Problem
        The problem.
    solution : Solution
        Its plan.
    relaxation : Relaxation
        Of the problem; not moved.
    seed : int
        Seed of all draws.
    varied, wider, frontier : optional
        As in `matcher.plan.prices.price`.

    Attributes
    ----------
    best : Solution
        The best plan within the limits as they are that is known.
    """

    def __init__(
        self,
        problem: Problem,
        solution: Solution,
        relaxation: Relaxation,
        *,
        seed: int,
        varied: str = "budget",
        wider: Problem | None = None,
        frontier: Frontier | None = None,
    ) -> None:
        self.problem, self.best, self.seed = problem, solution, seed
        self._relaxation = relaxation
        self._moved: Relaxation | None = None
        self._varied = varied
        self._wider = problem if wider is None else wider
        points = () if frontier is None else frontier.points
        self._frontier = [(one.budget, one.solution) for one in points if one.solution is not None]
        self._found: dict[_Binding, Solution | None] = {}

    def solve(self, *, until: float) -> None:
        """Solve the problem again as it is, and loosened by a step of each limit that binds.

        Parameters
        ----------
        until : float
            Instant of `time.perf_counter` at which it ends.
        """
        binding = list(_binding(self.problem, self.best, self._relaxation))
        # What the same search finds in the problem as it is, no limit stands in the way of.
        seconds = (until - time.perf_counter()) / (len(binding) + 1)
        found = self._again(self.problem, self._relaxation.under(self.problem), seconds)
        self._adopt(found)
        self._loosen(binding, until)
        known = {(one.row, one.side) for one in self._found}
        # Another plan may touch other limits.
        binding = list(_binding(self.problem, self.best, self._relaxation))
        self._loosen([one for one in binding if (one.row, one.side) not in known], until)
        # What no plan exceeds within looser limits, none does within these.
        proved = [one.bound for one in self._found.values() if one is not None]
        proved += [] if found is None else [found.bound]
        bound = max(min([self.best.bound, *proved]), self.best.objective)
        self.best = replace(self.best, bound=bound)

    def adopt(self, chosen: NDArray[np.int64]) -> None:
        """Take a plan within the limits as they are that is worth more than the best at hand.

        Parameters
        ----------
        chosen : numpy.ndarray of int
            Its options.
        """
        problem, worth = self.problem, self.problem.objective(chosen)
        reach = 0.0 if problem.reach is None else problem.reach.people_reached(chosen)
        self._adopt(
            replace(
                self.best,
                chosen=np.sort(chosen),
                objective=worth,
                value=float(problem.value[chosen].sum()),
                reach=reach,
                cost=problem.cost(chosen),
                bound=max(self.best.bound, worth),
            )
        )

    def told(self) -> tuple[ShadowPrice, ...]:
        """Prices of the limits, in their order."""
        worth = self.best.objective
        prices = []
        for one in sorted(self._found, key=lambda one: (one.row, one.side)):
            limit, found = self.problem.limits[one.row], self._found[one]
            change = bound_change = np.nan
            if found is not None:
                bound = min([found.bound, *self._proved(one)])
                change = max(found.objective - worth, 0.0)
                bound_change = max(bound - worth, change)
            prices.append(
                ShadowPrice(
                    limit.name, one.side, limit.unit, one.lp_price, one.step, change, bound_change
                )
            )
        return tuple(prices)

    def loosened(self) -> tuple[tuple[float, Solution], ...]:
        """Greater totals of the limit that varies, and the plans within them."""
        return tuple(
            (self.problem.limits[one.row].high + one.step, found)
            for one, found in self._found.items()
            if self._is_varied(one) and found is not None
        )

    def _is_varied(self, one: _Binding) -> bool:
        return self.problem.limits[one.row].name == self._varied and one.side == "at most"

    def _proved(self, one: _Binding) -> list[float]:
        """Bounds of the frontier that hold for a loosened problem too."""
        if not self._is_varied(one):
            return []
        total = self.problem.limits[one.row].high + one.step
        return [plan.bound for budget, plan in self._frontier if budget >= total]

    def _loosen(self, binding: list[_Binding], until: float) -> None:
        for place, one in enumerate(binding):
            seconds = (until - time.perf_counter()) / (len(binding) - place)
            base = self._wider if self._is_varied(one) else self.problem
            looser = _loosened(base, one)
            found = None
            if seconds > 0:
                found = self._again(looser, self._there(looser, one), seconds)
            self._found[one] = found
            if found is not None and (found.chosen < self.problem.n_options).all():
                self._adopt(found)

    def _there(self, looser: Problem, one: _Binding) -> Relaxation:
        if looser.n_options != self.problem.n_options:
            return Relaxation(looser)
        if self.problem.limits[one.row].share is not None:
            return self._relaxation.under(looser)
        if self._moved is None:
            self._moved = self._relaxation.under(looser)
        else:
            self._moved.move(looser)
        return self._moved

    def _again(self, there: Problem, relaxation: Relaxation, seconds: float) -> Solution | None:
        """The best plan that a search finds, from the best that are known."""
        if seconds <= 0:
            return None
        gap = 0.0 if there.n_options <= FEW else _GAP
        run = Run(there, seconds=seconds, gap=gap, seed=self.seed, relaxation=relaxation)
        known = [self.best.chosen, *(plan.chosen for _, plan in self._frontier)]
        for chosen in known:
            if (chosen < there.n_options).all() and not there.violations(chosen):
                run.offer(chosen)
        finish(run, steps=_N_STEPS, tangents=_N_LOOSENED, most=_PROVABLE, anew=False)
        return run.solution()

    def _adopt(self, found: Solution | None) -> None:
        """Take a better plan within the limits as they are."""
        if found is None or found.objective <= self.best.objective:
            return
        if self.problem.violations(found.chosen):
            return
        self.best = replace(
            found,
            bound=max(self.best.bound, found.objective),
            how=f"{self.best.how}; solving again for prices found it",
            greedy=self.best.greedy,
            seconds_feasible=self.best.seconds_feasible,
            seconds=self.best.seconds,
        )


def _loosened(problem: Problem, binding: _Binding) -> Problem:
    limit, step = problem.limits[binding.row], binding.step
    if limit.share is not None:
        return problem.with_share(
            limit.name, limit.share + (step if binding.side == "at most" else -step)
        )
    if binding.side == "at most":
        return problem.with_bounds(limit.name, high=limit.high + step)
    return problem.with_bounds(limit.name, low=limit.low - step)


def _binding(problem: Problem, solution: Solution, relaxation: Relaxation) -> Iterator[_Binding]:
    """Bounds that the plan touches, or that the linear program puts a price on."""
    totals = problem.totals(solution.chosen)
    duals: NDArray[np.float64] = np.zeros(len(totals))
    if relaxation.kept:
        duals = relaxation.kept[0].duals[: len(totals)]
    for row, limit in enumerate(problem.limits):
        for side, bound, dual in (
            ("at least", limit.low, -duals[row]),
            ("at most", limit.high, duals[row]),
        ):
            kind: Literal["at least", "at most"] = "at least" if side == "at least" else "at most"
            step = _step(limit, kind)
            if not np.isfinite(bound) or step <= 0 or limit.is_implied:
                continue
            dear = dual if limit.share is None else dual * solution.cost
            touches = abs(totals[row] - bound) <= problem.slack[row]
            matters = dear * step > 1e-9 * max(abs(solution.objective), 1e-300)
            if touches or matters:
                yield _Binding(row, kind, max(float(dear), 0.0), step)


def _step(limit: Limit, side: Literal["at least", "at most"]) -> float:
    """How far a bound is loosened; 0 where it cannot be."""
    if limit.share is not None:
        return min(SHARE_STEP, limit.share if side == "at least" else 1.0 - limit.share)
    bound = limit.low if side == "at least" else limit.high
    return MONEY_STEP * abs(bound) if limit.unit == "money" else 1.0
