"""Options that no best plan needs, since another of the same person is as good in every way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.problem import Problem

__all__ = ["undominated"]


def undominated(problem: Problem) -> NDArray[np.int64]:
    """Options of which some best plan is made, whatever the limits' bounds are.

    An option is dominated by another of the same person that is worth no less, reaches no smaller
    share of any cell, and takes no more of any limit with a greatest total and no less of any with
    a least one. In a plan the other can stand in its place, so that the best plans without
    dominated options are worth as much as with them. Of options that dominate each other the first
    stays.

    Parameters
    ----------
    problem : Problem
        The problem.

    Returns
    -------
    numpy.ndarray of int64, shape (k,)
        Options that nothing dominates, ascending.

    Examples
    --------
    >>> from matcher.plan.linear import Limit
    >>> from matcher.plan.problem import Problem
    >>> budget = Limit.over("budget", [1, 1, 1], unit="money", high=10.0)
    >>> packages = Problem(np.array([3.0, 4, 4]), np.array([4.0, 4, 9]), np.zeros(3), (budget,))
    >>> undominated(packages)
    array([1])
    """
    ours, theirs = _rivals(problem.person)
    gains = problem.gains
    ours, theirs = _where(ours, theirs, gains[theirs] >= gains[ours])
    totals = problem.rows.toarray()
    for row, limit in enumerate(problem.limits):
        term = totals[row]
        fits = np.ones(len(ours), bool)
        if np.isfinite(limit.high):
            fits &= term[theirs] <= term[ours]
        if np.isfinite(limit.low):
            fits &= term[theirs] >= term[ours]
        ours, theirs = _where(ours, theirs, fits)
    reach = problem.reach if problem.has_overlap else None
    if reach is not None and len(ours):
        less = (reach.probability[theirs] - reach.probability[ours]).min(axis=1).toarray().ravel()
        ours, theirs = _where(ours, theirs, less >= 0)
    both = set(zip(ours.tolist(), theirs.tolist(), strict=True))
    dominated = np.zeros(problem.n_options, bool)
    for one, other in both:
        if (other, one) not in both or other < one:
            dominated[one] = True
    return np.flatnonzero(~dominated).astype(np.int64)


def _where(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], kept: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return ours[kept], theirs[kept]


def _rivals(person: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All ordered pairs of different options of one person."""
    order = np.argsort(person, kind="stable")
    _, starts, counts = np.unique(person[order], return_index=True, return_counts=True)
    begin, size = np.repeat(starts, counts), np.repeat(counts, counts)
    ours = np.repeat(order, size)
    offsets = np.arange(len(ours)) - np.repeat(np.cumsum(size) - size, size)
    theirs = order[np.repeat(begin, size) + offsets]
    return _where(ours.astype(np.int64), theirs.astype(np.int64), ours != theirs)
