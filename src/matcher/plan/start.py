"""First plans: by score per fee, and by rounding: of continuous greedy, or of the relaxation."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.errors import UsageError
from matcher.plan.pool import Pool
from matcher.plan.programs import Choice, best_choice
from matcher.plan.search import Search

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from matcher.plan.bound import Relaxation
    from matcher.plan.problem import Problem

__all__ = [
    "check_start",
    "choose_by_score_per_fee",
    "is_dear_to_climb",
    "part_gains",
    "round_greedily",
    "round_parts",
]

_STEPS: Final = 20
"""Steps of continuous greedy; each solves one linear program."""
_SURE: Final = 1.0 - 1e-9
_NO_PART: Final = 1e-9
"""Part of an option that is rounding."""
_ROUNDING_GAP: Final = 5e-3
_LIGHT: Final = 1_000_000
"""Pairs of an option and a cell up to which the steps of continuous greedy cost little."""


def check_start(problem: Problem, start: ArrayLike) -> NDArray[np.int64]:
    """A choice to start from, as options in their order.

    Parameters
    ----------
    problem : Problem
        The problem.
    start : array-like of int
        Options.

    Returns
    -------
    numpy.ndarray of int64, shape (k,)
        Ascending, each once.

    Raises
    ------
    UsageError
        If an option is not there or the choice breaks a limit.
    """
    chosen = np.unique(np.asarray(start, np.int64))
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < problem.n_options:
        raise UsageError(
            f"solve: the start holds options {chosen[0]} to {chosen[-1]}; the problem has "
            f"{problem.n_options}, counted from 0"
        )
    broken = problem.violations(chosen)
    if broken:
        first = broken[0]
        raise UsageError(
            f"solve: the start breaks {len(broken)} limits; {first.name!r} comes to "
            f"{first.total:,.10g}, expected {first.low:,.10g} to {first.high:,.10g}"
        )
    return chosen


def choose_by_score_per_fee(problem: Problem) -> NDArray[np.int64] | None:
    """Choice that a sorted table leads to.

    Options are sorted by what each alone is worth per unit of fee (options without fee first, by
    worth; ties by place). Minima come first: of each limit with a least total, in their order,
    the best options that count for it are taken until it is met. Then the list is gone through
    and what still fits is taken.

    Parameters
    ----------
    problem : Problem
        The problem.

    Returns
    -------
    numpy.ndarray of int, or None
        The choice; None where it breaks a limit in the end.
    """
    pool = Pool.of(problem, np.arange(problem.n_options))
    alone = pool.additions(np.zeros(len(pool.weights)))
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(problem.fee > 0, alone / problem.fee, np.inf)
    order = np.lexsort((-alone, -score))
    search = Search(pool, [])
    totals, taken = search.totals, search.taken
    chosen: list[int] = []

    def take(places: NDArray[np.int64], row: int | None) -> None:
        nonlocal totals
        for place in places:
            if row is not None and totals[row] >= pool.lows[row]:
                return
            after = totals + pool.totals[place]
            if not taken[pool.persons[place]] and (after <= pool.highs).all():
                totals = after
                taken[pool.persons[place]] = True
                chosen.append(int(place))

    for row in np.flatnonzero(np.isfinite(pool.lows)):
        take(order[pool.totals[order, row] > 0], int(row))
    take(order[alone[order] > 0], None)
    found = np.sort(np.array(chosen, np.int64))
    return None if problem.violations(found) else found


def part_gains(problem: Problem, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each option adds where options are taken with independent chances.

    Gradient of the multilinear extension where cells are even. Where they are not, the others
    are taken to have the rates of parts of their probabilities; at whole options that is exact.

    Parameters
    ----------
    problem : Problem
        A problem with overlap.
    point : numpy.ndarray of float, shape (n_options,)
        Chances, 0 to 1.

    Returns
    -------
    numpy.ndarray of float, shape (n_options,)
        What each whole option adds to the others.
    """
    from matcher.plan.reach import rates_of, shares_of

    reach = problem.reach
    if reach is None or not problem.has_overlap:
        return problem.gains
    matrix = reach.probability
    cells, evenness = matrix.indices, np.asarray(reach.evenness)
    rows = np.repeat(np.arange(reach.n_options), np.diff(matrix.indptr))
    shares = np.minimum(matrix.data, _SURE)
    taken = np.flatnonzero(point[rows] > 0)
    parts = shares[taken] * point[rows[taken]]
    rates = rates_of(parts, evenness[cells[taken]])
    sums = np.bincount(cells[taken], rates, minlength=reach.n_cells).astype(np.float64)
    weights = (reach.people * problem.reach_weight)[cells]
    if np.isinf(evenness).all():
        each = weights * shares * np.exp(-sums)[cells]
        each[taken] /= 1.0 - parts
    else:
        others = sums[cells]
        others[taken] = np.maximum(others[taken] - rates, 0.0)
        before = shares_of(sums, evenness)[cells]
        before[taken] = shares_of(others[taken], evenness[cells[taken]])
        each = weights * (shares_of(others + reach.rates.data, evenness[cells]) - before)
    return np.bincount(rows, each, minlength=reach.n_options) + problem.gains


def round_greedily(problem: Problem, relaxation: Relaxation, *, seconds: float) -> Choice:
    """Choice by continuous greedy (Calinescu et al., 2011), rounded by an integer program.

    Parameters
    ----------
    problem : Problem
        The problem.
    relaxation : Relaxation
        Its relaxation; solves the linear programs.
    seconds : float
        Time limit of the rounding.

    Returns
    -------
    Choice
        As `round_parts` gives it.
    """
    point = np.zeros(problem.n_options)
    for _ in range(_STEPS):
        found = relaxation.linear(part_gains(problem, point)).point
        if found is None:
            break
        point = np.minimum(point + found / _STEPS, 1.0)
    return round_parts(problem, point, seconds=seconds)


def is_dear_to_climb(problem: Problem) -> bool:
    """Whether continuous greedy costs more than it is worth.

    In uneven cells its plans are no better than those that the relaxation's point is rounded to,
    and each of its steps takes powers of all pairs of an option and a cell. In even cells its plans
    are better by some per cent, and dearer only where pairs are many.

    Parameters
    ----------
    problem : Problem
        A problem with overlap.

    Returns
    -------
    bool
        True where the point of the relaxation is to be rounded instead.
    """
    reach = problem.reach
    if reach is None:
        return False
    return reach.probability.nnz > _LIGHT or not np.isinf(np.asarray(reach.evenness)).all()


def round_parts(problem: Problem, point: NDArray[np.float64], *, seconds: float) -> Choice:
    """Choice that an integer program rounds a point to, by what options add there.

    Parameters
    ----------
    problem : Problem
        The problem.
    point : numpy.ndarray of float, shape (n_options,)
        Parts in which options are taken, 0 to 1.
    seconds : float
        Time limit.

    Returns
    -------
    Choice
        Options that the point takes a part of where those can keep to the limits, of all otherwise.
        Its bound is that of the rounding, not of the objective, but for what is impossible.
    """
    until = time.perf_counter() + seconds
    aims = part_gains(problem, point)
    among = point > _NO_PART
    if among.any():
        choice = best_choice(problem, aims, seconds=seconds / 2, gap=_ROUNDING_GAP, among=among)
        if choice.chosen is not None:
            return choice
    left = max(until - time.perf_counter(), seconds / 4)
    return best_choice(problem, aims, seconds=left, gap=_ROUNDING_GAP)
