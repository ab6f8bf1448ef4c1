"""The fee at which a chosen option drops out of its plan."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array, hstack, lil_array, vstack

from matcher.errors import ConflictError, UsageError
from matcher.plan.exact import Tangents
from matcher.plan.highs import Program, solve_integer
from matcher.plan.programs import choice_program
from matcher.plan.solve import solve

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from matcher.plan.problem import Problem
    from matcher.plan.search import Search

__all__ = [
    "charged_sides",
    "drop_out_fee",
    "greatest_fee",
    "greatest_fee_by_exchanges",
    "money_share",
    "without_options",
]

_TIE: Final = 1e-9
"""Relative; worth that counts as the same."""
_MOST_EXCHANGES: Final = 60


def drop_out_fee(
    problem: Problem, option: int, *, seconds: float, mates: ArrayLike | None = None
) -> float | None:
    """Greatest fee of an option at which some best plan holds it, proven.

    The best plan without the option and its mates is solved first; then an integer program makes
    the fee as great as it can be while a plan with the option is worth as much and keeps to all
    limits on money. With overlap, tangents are added until its plan is worth what it says.

    Parameters
    ----------
    problem : Problem
        The problem.
    option : int
        The option.
    seconds : float
        Time limit.
    mates : array-like of int, optional
        Options that go with it, itself among them: all packages of its account. By default it
        goes alone.

    Returns
    -------
    float or None
        The fee; inf where no limit bounds what it may cost or no plan does without it; None
        where the time ran out.
    """
    until = time.perf_counter() + seconds
    if not len(charged_sides(problem, option)[0]):
        return np.inf
    gone = [option] if mates is None else mates
    try:
        rival = solve(without_options(problem, gone), gap=0.0, seconds=seconds)
    except ConflictError:
        return np.inf
    except UsageError:
        return None
    if rival.bound - rival.objective > 1e-6 * abs(rival.bound):
        return None
    found = greatest_fee(problem, option, rival.objective, until)
    return None if found is None else found[0]


def without_options(problem: Problem, options: ArrayLike) -> Problem:
    """The problem in which some options may not be chosen.

    Parameters
    ----------
    problem : Problem
        The problem.
    options : array-like of int
        The options.

    Returns
    -------
    Problem
        With one limit more.
    """
    from matcher.plan.linear import Limit

    names = {limit.name for limit in problem.limits}
    gone = np.unique(np.asarray(options, np.int64))
    name = f"without options {gone.tolist()}"
    while name in names:
        name += "'"
    never = Limit(name, gone, np.ones(len(gone)), "accounts", high=0.0)
    return problem.with_limits([*problem.limits, never])


def greatest_fee_by_exchanges(
    problem: Problem, search: Search, place: int, worth: float, *, until: float
) -> float:
    """Fee up to which exchanges of the others pay for an option.

    From the plan at hand, exchanges of one other option, or its loss, free money as cheaply as
    they can (in worth per money), until the plan would be worth less than one without the option.

    Parameters
    ----------
    problem : Problem
        The problem.
    search : Search
        Stands at the plan; moved.
    place : int
        The option's place in the pool.
    worth : float
        What the best known plan without the option is worth.
    until : float
        Instant of `time.perf_counter` at which it ends.

    Returns
    -------
    float
        The fee; inf where no limit bounds it. At least the option's own fee where the plan at
        hand is worth `worth` or more.
    """
    pool = search.pool
    option = int(pool.options[place])
    charged, signs = charged_sides(problem, option)
    if not len(charged):
        return np.inf
    per_fee = np.array([money_share(problem, int(row), option) for row in charged])
    bounds = np.where(signs > 0, problem.highs[charged], problem.lows[charged])
    rest = bounds + pool.totals[place, charged]

    def fee_at(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(((rest - totals[..., charged]) / per_fee).min(axis=-1))

    fee = float(fee_at(search.totals))
    for _ in range(_MOST_EXCHANGES):
        best: tuple[float, int, int] | None = None
        is_late = False
        for leaving in search.chosen:
            if leaving == place:
                continue
            is_late = time.perf_counter() >= until
            if is_late:
                break
            found = _cheapest(search, leaving, fee_at, fee, worth)
            if found is not None and (best is None or found[0] < best[0]):
                best = (found[0], leaving, found[1])
        if best is None:
            return fee
        kept = [one for one in search.chosen if one != best[1]]
        search.stand([*kept, best[2]] if best[2] >= 0 else kept)
        fee = float(fee_at(search.totals))
        if is_late:
            return fee
    return fee


def _cheapest(
    search: Search, leaving: int, fee_at: object, fee: float, worth: float
) -> tuple[float, int] | None:
    """Worth lost per money freed, and what comes in (-1 for nothing); None where nothing does."""
    assert callable(fee_at)
    pool = search.pool
    sums = pool.sums_without(search.sums, search.chosen, [leaving])
    taken = search.taken.copy()
    taken[pool.persons[leaving]] = False
    totals = search.totals - pool.totals[leaving]
    base = pool.worth([one for one in search.chosen if one != leaving], sums)
    places = search.candidates(totals, taken, 0)
    worths = base + pool.additions(sums)[places]
    fees = np.asarray(fee_at(totals + pool.totals[places]))
    if pool.fits(totals):
        places = np.append(places, -1)
        worths, fees = np.append(worths, base), np.append(fees, fee_at(totals))
    usable = (fees > fee * (1.0 + _TIE)) & (worths >= worth)
    if not usable.any():
        return None
    loss = np.maximum(search.worth - worths[usable], 0.0) / (fees[usable] - fee)
    at = int(np.argmin(loss))
    return float(loss[at]), int(places[usable][at])


def money_share(problem: Problem, row: int, option: int) -> float:
    """How much of an option's fee a limit counts.

    Parameters
    ----------
    problem : Problem
        The problem.
    row : int
        Place of a limit on money.
    option : int
        The option.

    Returns
    -------
    float
        Such as 1 for the budget; below 0 where it makes room for others.
    """
    limit = problem.limits[row]
    return float(limit.coefficients[limit.options == option].sum())


def charged_sides(problem: Problem, option: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Bounds on money that a higher fee of an option comes up against.

    Parameters
    ----------
    problem : Problem
        The problem.
    option : int
        The option.

    Returns
    -------
    rows : numpy.ndarray of int64, shape (k,)
        Places of their limits.
    signs : numpy.ndarray of float64, shape (k,)
        1 for a greatest total, -1 for a least one, which a fee that counts below 0 falls short of.
    """
    found = []
    for row, limit in enumerate(problem.limits):
        if not limit.counts_money:
            continue
        share = money_share(problem, row, option)
        if share > 0 and np.isfinite(limit.high):
            found.append((row, 1.0))
        if share < 0 and np.isfinite(limit.low):
            found.append((row, -1.0))
    rows = np.array([row for row, _ in found], np.int64)
    return rows, np.array([sign for _, sign in found], np.float64)


def greatest_fee(
    problem: Problem, option: int, worth: float, until: float, *, gap: float = 0.0
) -> tuple[float, float] | None:
    """Greatest fee of an option at which a plan with it is worth as much as is said.

    Parameters
    ----------
    problem : Problem
        The problem.
    option : int
        The option, on whose fee there is a limit.
    worth : float
        What plans with it have to be worth.
    until : float
        Instant of `time.perf_counter` at which it gives up.
    gap : float, default 0
        Relative difference of the two fees at which it ends.

    Returns
    -------
    tuple of float, or None
        A fee at which there is such a plan, and one above which there is none; None where the time
        ran out or there is none at any fee.
    """
    base = choice_program(problem, problem.gains)
    n = problem.n_options
    rows = lil_array(base.matrix)
    money = [row for row, limit in enumerate(problem.limits) if limit.counts_money]
    shares = {row: money_share(problem, row, option) for row in money}
    for row in money:
        rows[row, option] = 0.0
    spans = abs(base.matrix).sum(axis=1).ravel()
    charged, signs = charged_sides(problem, option)
    ends = np.where(signs > 0, problem.highs[charged], problem.lows[charged])
    most = min(
        (abs(end) + float(spans[row])) / abs(shares[int(row)])
        for row, end in zip(charged, ends, strict=True)
    )
    scale = max(most, 1e-12)
    tangents = Tangents(problem)
    m = len(tangents.cells)
    # Columns: options, shares of the cells, and the fee in units of the greatest it can be.
    fee_column = csr_array(
        ([shares[row] * scale for row in money], (money, [0] * len(money))),
        shape=(base.matrix.shape[0], 1),
    )
    wide = csr_array((base.matrix.shape[0], m))
    lower, upper = np.zeros(n + m + 1), np.ones(n + m + 1)
    lower[option] = 1.0
    whole = np.concatenate([np.ones(n, bool), np.zeros(m + 1, bool)])
    top = np.concatenate([problem.gains, tangents.weights, [0.0]])
    size = max(float(abs(top).max()), 1e-300)
    needed = (worth - _TIE * abs(worth)) / size
    limits = csr_array(hstack([csr_array(rows), wide, fee_column], format="csr"))
    while time.perf_counter() < until:
        cuts = tangents.rows(extra=1)
        matrix = csr_array(vstack([limits, csr_array(top[None, :] / size), cuts], format="csr"))
        n_cuts = cuts.shape[0]
        program = Program(
            np.append(np.zeros(n + m), 1.0),
            matrix,
            np.concatenate([base.lows, [needed], np.full(n_cuts, -np.inf)]),
            np.concatenate([base.highs, [np.inf], tangents.constants]),
            lower,
            upper,
        )
        left = until - time.perf_counter()
        found = solve_integer(program, whole, seconds=left, gap=gap)
        if found.status != "optimal" or found.point is None:
            return None
        chosen = np.flatnonzero(found.point[:n] > 0.5)
        if problem.objective(chosen) >= worth - 10 * _TIE * abs(worth):
            fee = float(found.point[-1] * scale)
            return fee, max(fee, float(found.bound) * scale)
        if not tangents.add(chosen, found.point[n : n + m]):
            return None
    return None
