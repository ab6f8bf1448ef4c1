"""The fee at which a chosen option drops out, by solving with the option held and without it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.plan.bound import Relaxation
from matcher.plan.dropout import charged_sides, greatest_fee, money_share
from matcher.plan.highs import LinearProgram
from matcher.plan.linear import Limit
from matcher.plan.pool import Pool
from matcher.plan.programs import best_choice, choice_program
from matcher.plan.search import Search, improve
from matcher.plan.start import round_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.plan.problem import Problem
    from matcher.plan.results import Solution

__all__ = ["GAP", "NEAR", "Prover", "Resolver"]

NEAR: Final = 0.05
"""Relative width of the bracket in which a price that is solved again lies."""
GAP: Final = 0.01
"""How closely plans are bounded at first, as a part of what the option is worth."""
_TIE: Final = 1e-9
_N_TANGENTS: Final = 8
_N_POOL: Final = 150
_WIDEST: Final = 1.6
_MOST_FEES: Final = 24


class Prover:
    """Proven drop-out fees where the objective adds up.

    Options that no plan needs, by the reduced costs of the linear program at hand, are left out of
    the integer programs first: of the rival's those with which it would be worth less than the
    plan without the option that is known, of the fee's those with which a plan at the fee known to
    be payable would be worth less than the rival.

    Parameters
    ----------
    problem : Problem
        A problem without overlap.

    Attributes
    ----------
    rivals : list of numpy.ndarray of int
        The best plans found without an option so far.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._base = choice_program(problem, problem.gains)
        self._lp = LinearProgram(self._base)
        self.rivals: list[NDArray[np.int64]] = []

    def fee(
        self,
        option: int,
        mates: NDArray[np.int64],
        rival: NDArray[np.int64],
        payable: NDArray[np.int64],
        *,
        until: float,
        gap: float = GAP,
    ) -> float | None:
        """Greatest fee at which some best plan holds an option, to within 5 %.

        Parameters
        ----------
        option : int
            The option.
        mates : numpy.ndarray of int
            All packages of its account, itself among them.
        rival : numpy.ndarray of int
            A plan within the limits without any of these.
        payable : numpy.ndarray of int
            A plan with it, that keeps to the limits at more than the option's own fee too.
        until : float
            Instant of `time.perf_counter` at which it gives up.
        gap : float, default 0.01
            How closely the best plan without the account is bounded, as a part of what the option
            is worth.

        Returns
        -------
        float or None
            A fee at which the best plan surely holds it, while at one that is 5 % higher it surely
            does not; inf where no limit bounds it; None where the time ran out or the gap was too
            wide to tell.
        """
        problem = self.problem
        if not len(charged_sides(problem, option)[0]):
            return np.inf
        worth = self._rival(option, mates, rival, payable, until, gap)
        if worth is None:
            return None
        low, high = worth
        payer = problem.objective(payable)
        fee = fee_at(problem, option, payable) if payer >= low else 0.0
        kept = self._needed(option, mates, fee * (1.0 - _TIE), low)
        fewer, place = problem.select(kept), int(np.searchsorted(kept, option))
        surely = greatest_fee(fewer, place, high, until, gap=gap)
        if surely is None:
            return None
        ends = surely
        if high > low:
            found = greatest_fee(fewer, place, low, until, gap=gap)
            if found is None:
                return None
            ends = (surely[0], found[1])
        return ends[0] if ends[1] <= ends[0] * (1.0 + NEAR) else None

    def _rival(
        self,
        option: int,
        mates: NDArray[np.int64],
        rival: NDArray[np.int64],
        payable: NDArray[np.int64],
        until: float,
        gap: float,
    ) -> tuple[float, float] | None:
        """What the best plan without an account is worth: at least, and at most."""
        problem = self.problem
        kept = self._needed(option, mates, None, problem.objective(rival))
        fewer = problem.select(kept)
        start = np.flatnonzero(np.isin(kept, rival))
        left = until - time.perf_counter()
        if left <= 0 or len(start) < len(rival):
            return None
        share = abs(problem.gains[option]) / max(abs(problem.objective(payable)), 1e-300)
        best = best_choice(fewer, fewer.gains, seconds=left, gap=gap * share, start=start)
        if best.chosen is None:
            return None
        worth = fewer.objective(best.chosen)
        self.rivals.append(kept[best.chosen])
        close = best.bound <= worth + 2.0 * gap * share * abs(worth)
        return (worth, max(worth, best.bound)) if close else None

    def _needed(
        self, option: int, mates: NDArray[np.int64], fee: float | None, worth: float
    ) -> NDArray[np.int64]:
        """Options of a plan worth as much without the account (fee None), or with it at a fee."""
        base, problem = self._base, self.problem
        lower, upper = base.lower.copy(), base.upper.copy()
        lows, highs = base.lows.copy(), base.highs.copy()
        if fee is None:
            upper[mates] = 0.0
        else:
            lower[option] = 1.0
            for row, moved in moves(problem, option, fee):
                lows[row] -= moved
                highs[row] -= moved
        self._lp.move(lows=lows, highs=highs, lower=lower, upper=upper)
        found = self._lp.maximise(problem.gains)
        needed = np.ones(problem.n_options, bool)
        if found.status == "optimal":
            reduced = problem.gains - base.matrix.T @ found.duals
            enough = worth - _TIE * max(abs(worth), abs(found.bound))
            needed = (reduced >= 0) | (found.bound + reduced >= enough)
        needed[mates] &= fee is not None
        needed[option] = fee is not None
        return np.flatnonzero(needed).astype(np.int64)


class Resolver:
    """Drop-out fees found by solving again, in brackets.

    Parameters
    ----------
    problem : Problem
        The problem.
    solution : Solution
        Its plan.
    relaxation : Relaxation
        Of the problem; not moved.
    mates : mapping of int to numpy.ndarray of int
        By chosen option all packages of its account, itself among them.

    Attributes
    ----------
    rivals : list of numpy.ndarray of int
        The best plans found without an option so far.
    """

    def __init__(
        self,
        problem: Problem,
        solution: Solution,
        relaxation: Relaxation,
        mates: Mapping[int, NDArray[np.int64]],
    ) -> None:
        self.problem = problem
        taken = {limit.name for limit in problem.limits}
        self._holds: dict[int, str] = {}
        self._bars: dict[int, str] = {}
        holds = []
        for option in solution.chosen.tolist():
            for named, begin, counted in (
                (self._holds, "hold", np.array([option])),
                (self._bars, "account of", mates[option]),
            ):
                name = f"{begin} {option}"
                while name in taken:
                    name += "'"
                named[option] = name
                # At most one package of an account is chosen anyway.
                ones = np.ones(len(counted))
                holds.append(Limit(name, counted, ones, "accounts", high=1.0))
        self._held = problem.with_limits([*problem.limits, *holds])
        self._relaxation = relaxation.under(self._held)
        self._own = solution.chosen
        self._plans = [solution.chosen]
        self._worth = solution.objective
        self.rivals: list[NDArray[np.int64]] = []

    def fee(
        self, option: int, guess: float, rival: NDArray[np.int64] | None, *, until: float
    ) -> float | None:
        """Fee up to which plans that are found with an option are worth as much as one without.

        Parameters
        ----------
        option : int
            A chosen option.
        guess : float
            Where to look first; above 0.
        rival : numpy.ndarray of int, or None
            A plan without its account, if one is known.
        until : float
            Instant of `time.perf_counter` at which it gives up.

        Returns
        -------
        float or None
            A fee at which the option stays, while it goes at one that is 5 % higher; at least
            what the plan at hand can pay for it. None where the time ran out before.
        """
        bars = self._held.with_bounds(self._bars[option], high=0.0)
        without = self._solve(bars, [] if rival is None else [rival])
        if without is None:
            return None
        self.rivals.append(without)
        # A better plan than the one at hand is told as such, not by fees below those it pays.
        worth = min(self.problem.objective(without), self._worth)
        # The plan at hand is worth as much, and keeps to the limits up to this fee.
        own = float(self.problem.fee[option])
        low, high, width = max(own, fee_at(self.problem, option, self._own)), np.inf, 1 + NEAR / 2
        fee = guess if guess > low else max(low * width, guess)
        for _ in range(_MOST_FEES):
            if time.perf_counter() >= until:
                return None
            there = self._at(option, fee)
            found = self._solve(there, self._plans)
            is_kept = found is not None and self.problem.objective(found) >= worth * (1.0 - _TIE)
            if is_kept:
                low = fee
            else:
                high = fee
            if low and high <= low * (1.0 + NEAR):
                return low
            if low and np.isfinite(high):
                fee = max(np.sqrt(low * high), low * (1.0 + NEAR / 2))
            else:
                fee = fee * width if low else fee / width
                width = min(width * width, _WIDEST)
        return None

    def _at(self, option: int, fee: float) -> Problem:
        """The problem with an option held at a fee: its own stays, and bounds make up for it."""
        there = self._held.with_bounds(self._holds[option], low=1.0)
        for row, moved in moves(self.problem, option, fee):
            limit = there.limits[row]
            there = there.with_bounds(limit.name, low=limit.low - moved, high=limit.high - moved)
        return there

    def _solve(self, there: Problem, starts: list[NDArray[np.int64]]) -> NDArray[np.int64] | None:
        """The best plan that rounding and exchanges find; None where they find none."""
        relaxation = self._relaxation
        relaxation.move(there)
        if not relaxation.is_feasible:
            return None
        relaxation.tighten(_N_TANGENTS)
        rounded = round_parts(there, relaxation.point, seconds=1.0).chosen
        plans = [one for one in starts if not there.violations(one)]
        plans += [] if rounded is None else [rounded]
        if not plans:
            return None
        best = max(plans, key=there.objective)
        options = np.argsort(-relaxation.reduced(), kind="stable")[:_N_POOL]
        pool = Pool.of(there, np.union1d(options, best))
        search = Search(pool, pool.places(best).tolist())
        improve(search)
        found = np.sort(pool.options[search.chosen])
        self._plans.append(found)
        del self._plans[1:-6]
        return found


def moves(problem: Problem, option: int, fee: float) -> list[tuple[int, float]]:
    """By how much a held option's fee fills each limit on money beyond its own fee.

    Parameters
    ----------
    problem : Problem
        The problem.
    option : int
        The option.
    fee : float
        What it is to cost.

    Returns
    -------
    list of tuple of int and float
        Row of the limit, and the amount; limits that do not count the option are left out.
    """
    more = fee - float(problem.fee[option])
    found = []
    for row, limit in enumerate(problem.limits):
        if limit.counts_money and (share := money_share(problem, row, option)):
            found.append((row, share * more))
    return found


def fee_at(problem: Problem, option: int, chosen: NDArray[np.int64]) -> float:
    """Fee up to which a plan with an option keeps to the limits.

    Parameters
    ----------
    problem : Problem
        The problem.
    option : int
        An option of the plan.
    chosen : numpy.ndarray of int
        The plan.

    Returns
    -------
    float
        At least its own fee where the plan keeps to the limits; inf where none counts it.
    """
    totals, (charged, signs) = problem.totals(chosen), charged_sides(problem, option)
    ends = np.where(signs > 0, problem.highs[charged], problem.lows[charged])
    rests = [
        (end - totals[row]) / money_share(problem, int(row), option)
        for row, end in zip(charged, ends, strict=True)
    ]
    return float(problem.fee[option]) + min(rests, default=np.inf)
