"""First plans: by score per fee, and by continuous greedy with rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.plan.pool import Pool
from matcher.plan.programs import Choice, best_choice
from matcher.plan.search import Search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.bound import Relaxation
    from matcher.plan.problem import Problem

__all__ = ["choose_by_score_per_fee", "part_gains", "round_greedily"]

_STEPS: Final = 20
"""Steps of continuous greedy; each solves one linear program."""
_SURE: Final = 1.0 - 1e-9
_ROUNDING_GAP: Final = 5e-3


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
    parts = shares * point[rows]
    rates = rates_of(parts, evenness[cells])
    sums = np.bincount(cells, rates, minlength=reach.n_cells).astype(np.float64)
    weights = (reach.people * problem.reach_weight)[cells]
    if np.isinf(evenness).all():
        each = weights * shares / (1.0 - parts) * np.exp(-sums)[cells]
    else:
        others = np.maximum(sums[cells] - rates, 0.0)
        whole = others + reach.rates.data
        each = weights * (shares_of(whole, evenness[cells]) - shares_of(others, evenness[cells]))
    return np.bincount(rows, each, minlength=reach.n_options) + problem.gains


def round_greedily(
    problem: Problem, relaxation: Relaxation, *, seconds: float, gains: bool = True
) -> Choice:
    """Choice by continuous greedy (Calinescu et al., 2011), rounded by an integer program.

    Parameters
    ----------
    problem : Problem
        The problem.
    relaxation : Relaxation
        Its relaxation; solves the linear programs.
    seconds : float
        Time limit of the rounding.
    gains : bool, default True
        Whether to round by what options add where the method ends; by the parts themselves
        otherwise.

    Returns
    -------
    Choice
        Options of the support where those can keep to the limits, of all otherwise. Its bound is
        that of the rounding, not of the objective, but for what is impossible.
    """
    point = np.zeros(problem.n_options)
    for _ in range(_STEPS):
        found = relaxation.linear(part_gains(problem, point)).point
        if found is None:
            break
        point = np.minimum(point + found / _STEPS, 1.0)
    aims = part_gains(problem, point) if gains else point
    among = point > 0
    if among.any():
        choice = best_choice(problem, aims, seconds=seconds / 2, gap=_ROUNDING_GAP, among=among)
        if choice.chosen is not None:
            return choice
    return best_choice(problem, aims, seconds=seconds, gap=_ROUNDING_GAP)
