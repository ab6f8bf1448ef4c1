"""The programs that a problem's limits make, whatever is maximised."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array, vstack

from matcher.plan.highs import Program, solve_integer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.problem import Problem

__all__ = ["Choice", "best_choice", "choice_program", "person_rows"]


_MOST_REFUSED: Final = 50


@dataclass(frozen=True, eq=False)
class Choice:
    """Best choice for an objective that adds up.

    Parameters
    ----------
    chosen : numpy.ndarray of int, or None
        Options, ascending; None where none was found.
    bound : float
        No choice is worth more; -inf where none keeps to the limits.
    """

    chosen: NDArray[np.int64] | None
    bound: float

    @property
    def is_impossible(self) -> bool:
        """Whether it is proved that no choice keeps to the limits."""
        return self.bound == -np.inf


def person_rows(problem: Problem) -> csr_array:
    """One row per person with two options or more, of which one may be chosen.

    Parameters
    ----------
    problem : Problem
        The problem.

    Returns
    -------
    scipy.sparse.csr_array, shape (persons, n_options)
        Ones; persons ascending.
    """
    _, codes, counts = np.unique(problem.person, return_inverse=True, return_counts=True)
    several = counts > 1
    rows = np.cumsum(several) - 1
    options = np.flatnonzero(several[codes])
    return csr_array(
        (np.ones(len(options)), (rows[codes[options]], options)),
        shape=(int(several.sum()), problem.n_options),
    )


def choice_program(problem: Problem, gains: NDArray[np.float64]) -> Program:
    """Program over the options within all limits, for an objective that adds up.

    Parameters
    ----------
    problem : Problem
        The problem.
    gains : numpy.ndarray of float, shape (n_options,)
        What each option counts.

    Returns
    -------
    Program
        Its first rows are the problem's limits, in their order; one per person follows.
    """
    persons = person_rows(problem)
    n = problem.n_options
    return Program(
        gains,
        csr_array(vstack([problem.rows, persons], format="csr")),
        np.concatenate([problem.lows, np.full(persons.shape[0], -np.inf)]),
        np.concatenate([problem.highs, np.ones(persons.shape[0])]),
        np.zeros(n),
        np.ones(n),
    )


def best_choice(
    problem: Problem,
    gains: NDArray[np.float64],
    *,
    seconds: float,
    gap: float = 0.0,
    start: NDArray[np.int64] | None = None,
    among: NDArray[np.bool_] | None = None,
) -> Choice:
    """Choice within the limits that is worth most by an objective that adds up.

    Parameters
    ----------
    problem : Problem
        The problem.
    gains : numpy.ndarray of float, shape (n_options,)
        What each option counts.
    seconds : float
        Time limit.
    gap : float, default 0
        Relative gap at which the search ends.
    start : numpy.ndarray of int, optional
        A choice within the limits.
    among : numpy.ndarray of bool, shape (n_options,), optional
        Options that may be chosen; by default all.

    Returns
    -------
    Choice
        Its options keep to the limits by `Problem.violations`, not just by the tolerance of the
        solver: a choice that does not is forbidden and the program solved again.
    """
    until = time.perf_counter() + seconds
    program = choice_program(problem, gains)
    if among is not None:
        program = replace(program, upper=among.astype(np.float64))
    begin = None
    if start is not None:
        begin = np.zeros(problem.n_options)
        begin[start] = 1.0
    bound = np.inf
    for _ in range(_MOST_REFUSED):
        found = solve_integer(
            program,
            np.ones(problem.n_options, bool),
            seconds=until - time.perf_counter(),
            gap=gap,
            start=begin,
        )
        if found.point is None:
            return Choice(None, min(bound, found.bound))
        bound = min(bound, found.bound)
        chosen = np.flatnonzero(found.point > 0.5)
        if not problem.violations(chosen):
            return Choice(chosen, max(bound, float(gains[chosen].sum())))
        signs = np.where(found.point > 0.5, 1.0, -1.0)
        program = replace(
            program,
            matrix=csr_array(vstack([program.matrix, csr_array(signs[None, :])], format="csr")),
            lows=np.append(program.lows, -np.inf),
            highs=np.append(program.highs, len(chosen) - 1.0),
        )
    return Choice(None, bound)
