"""What each chosen option and each binding limit of a plan is worth."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from matcher.arguments import check_type
from matcher.errors import UsageError
from matcher.plan.bound import Relaxation
from matcher.plan.drop_outs import drop_outs
from matcher.plan.pool import Pool
from matcher.plan.problem import Problem
from matcher.plan.results import OptionPrice, Prices, ShadowPrice, Solution
from matcher.plan.search import Search, best_exchange
from matcher.plan.solve import Run, finish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from matcher.plan.linear import Limit

__all__ = ["price"]

MONEY_STEP: Final = 0.05
"""Part of its bound by which a limit on money is loosened to see what that brings."""
SHARE_STEP: Final = 0.01
"""By how much a share of all fees is loosened."""
_N_STEPS: Final = 1500
_N_TANGENTS: Final = 120
_N_LOOSENED: Final = 30
_OPTIONS_SHARE: Final = 0.6
"""Part of the time for the options; the rest is for the limits."""
_PROVABLE: Final = 2000


def price(problem: Problem, solution: Solution, *, seconds: float = 30.0, seed: int = 0) -> Prices:
    """Prices of the options and limits of a plan.

    Parameters
    ----------
    problem : Problem
        The problem.
    solution : Solution
        Its plan.
    seconds : float, default 30
        Time limit. What it cuts off is NaN.
    seed : int, default 0
        Seed of all draws.

    Returns
    -------
    Prices
        The price at which an option drops out is proven for problems of up to 40 options and where
        the objective adds up, otherwise found by solving again, while time is left, those first
        that the plan would miss most; each says how it was found. Shadow prices come from the
        linear program that proves the best bound, and beside them what re-solving a loosened
        problem brings.

    Raises
    ------
    UsageError
        If the plan breaks a limit of the problem, or the time is not above 0.

    Examples
    --------
    >>> from matcher.plan.linear import Limit
    >>> from matcher.plan.solve import solve
    >>> budget = Limit.over("budget", [1, 1, 1], unit="money", high=10.0)
    >>> three = Problem(np.array([3.0, 4, 5]), np.array([4.0, 5, 7]), np.arange(3), (budget,))
    >>> first = price(three, solve(three)).options[0]
    >>> first.option, first.marginal, first.drop_out_fee
    (0, 3.0, 5.0)
    """
    check_type(problem, Problem, where="price: problem")
    check_type(solution, Solution, where="price: solution")
    broken = problem.violations(solution.chosen)
    if broken or not seconds > 0:
        raise UsageError(
            f"price: got {seconds:g} seconds and a plan that breaks {len(broken)} limits "
            f"({[one.name for one in broken[:5]]}); expected seconds above 0 and the problem's plan"
        )
    began = time.perf_counter()
    relaxation = Relaxation(problem)
    relaxation.tighten(_N_TANGENTS, until=began + 0.2 * seconds, enough=solution.objective)
    options = tuple(
        _price_options(
            problem, solution, relaxation, until=began + _OPTIONS_SHARE * seconds, seed=seed
        )
    )
    limits = tuple(_price_limits(problem, solution, relaxation, until=began + seconds, seed=seed))
    return Prices(options, limits, time.perf_counter() - began)


def _price_options(
    problem: Problem, solution: Solution, relaxation: Relaxation, *, until: float, seed: int
) -> Iterator[OptionPrice]:
    everything = np.arange(problem.n_options)
    whole = Search(Pool.of(problem, everything), solution.chosen.tolist())
    swaps = {
        option: best_exchange(whole, option, others=problem.person != problem.person[option])
        for option in solution.chosen.tolist()
    }
    fees = drop_outs(problem, solution, relaxation, until=until, seed=seed)
    for option, (worth, swap) in swaps.items():
        rest = solution.chosen[solution.chosen != option]
        yield OptionPrice(
            option,
            solution.objective - problem.objective(rest),
            *fees[option],
            swap,
            worth - solution.objective if swap >= 0 else np.nan,
            float(problem.fee[swap] - problem.fee[option]) if swap >= 0 else np.nan,
        )


@dataclass(frozen=True)
class _Binding:
    row: int
    side: Literal["at least", "at most"]
    lp_price: float
    step: float


def _price_limits(
    problem: Problem, solution: Solution, relaxation: Relaxation, *, until: float, seed: int
) -> Iterator[ShadowPrice]:
    binding = list(_binding(problem, solution, relaxation))
    # The same search in the problem as it is: what it finds there no limit stands in the way of.
    base = _again(
        problem, solution, relaxation, (until - time.perf_counter()) / (len(binding) + 1), seed
    )
    before = solution.objective if base is None else base.objective
    for place, one in enumerate(binding):
        limit = problem.limits[one.row]
        looser = _loosened(problem, one)
        seconds = (until - time.perf_counter()) / (len(binding) - place)
        change = bound_change = np.nan
        if limit.share is None:
            relaxation.move(looser)
            there = relaxation
        else:
            there = relaxation.under(looser)
        found = _again(looser, solution if base is None else base, there, seconds, seed)
        if found is not None:
            change, bound_change = found.objective - before, found.bound - before
        yield ShadowPrice(
            limit.name, one.side, limit.unit, one.lp_price, one.step, change, bound_change
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


def _again(
    problem: Problem, start: Solution, relaxation: Relaxation, seconds: float, seed: int
) -> Solution | None:
    if seconds <= 0:
        return None
    run = Run(problem, seconds=seconds, gap=0.0, seed=seed, relaxation=relaxation)
    run.offer(start.chosen)
    finish(run, steps=_N_STEPS, tangents=_N_LOOSENED, most=_PROVABLE, anew=False)
    return run.solution()


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
            if not np.isfinite(bound) or step <= 0:
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
