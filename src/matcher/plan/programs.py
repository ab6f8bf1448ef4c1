"""The programs that a problem's limits make, whatever is maximised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack

from matcher.plan.highs import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.problem import Problem

__all__ = ["choice_program", "person_rows"]


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
