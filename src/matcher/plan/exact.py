"""Proof that a plan is best, by integer programs with tangents of the cells' shares.

Outer approximation: a program over whole options holds each cell's share below some tangents, so
that its optimum bounds the problem; where its choice is worth less than the program says, tangents
at that choice are added and it is solved again. At a choice its own tangents are exact, so the
method ends with the best choice after finitely many programs (Nemhauser and Wolsey, 1981, for
submodular functions in general).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csc_array, csr_array, hstack, vstack

from matcher.plan.highs import Program, solve_integer
from matcher.plan.programs import choice_program
from matcher.plan.reach import shares_of, slopes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.problem import Problem

__all__ = ["Proof", "Tangents", "prove_best"]

_STEEP: Final = 1e-6
"""Slope below which a cut by what options add takes the place of a tangent."""
_TINY: Final = 1e-9
"""Coefficients below this go into the constant of a cut, which they can only weaken."""
_FINE: Final = 1e-4
_BELOW: Final = 1e-9
"""Relative; how far apart what the program says and what is true may be."""


@dataclass(frozen=True, eq=False)
class Proof:
    """Best choice found and what is proved of all.

    Parameters
    ----------
    chosen : numpy.ndarray of int, or None
        The choice; None where none was found.
    bound : float
        No choice is worth more.
    n_programs : int
        Integer programs solved.
    """

    chosen: NDArray[np.int64] | None
    bound: float
    n_programs: int


class Tangents:
    """Rows ``z_u - coefficients @ x <= constant`` that hold the shares z of cells down.

    Parameters
    ----------
    problem : Problem
        The problem; without overlap there are no cells and no rows.
    usable : numpy.ndarray of bool, shape (n_options,), optional
        Options that may be chosen; by default all.

    Attributes
    ----------
    cells : numpy.ndarray of int, shape (m,)
        Cells that usable options reach and that count.
    weights : numpy.ndarray of float, shape (m,)
        What each of them counts in the objective.
    constants : list of float
        Right sides of the rows.
    """

    def __init__(self, problem: Problem, usable: NDArray[np.bool_] | None = None) -> None:
        reach = problem.reach if problem.has_overlap else None
        self._n_options = problem.n_options
        self._options = np.arange(problem.n_options) if usable is None else np.flatnonzero(usable)
        self._data: list[NDArray[np.float64]] = []
        self._columns: list[NDArray[np.int64]] = []
        self._places: list[int] = []
        self.constants: list[float] = []
        self.cells = np.empty(0, np.int64)
        self.weights = np.empty(0)
        self._reach = reach
        if reach is None:
            return
        self._rates = csc_array(reach.rates[self._options])
        self._shares = csc_array(reach.probability[self._options])
        counted = (np.diff(self._rates.indptr) > 0) & (reach.people > 0)
        self.cells = np.flatnonzero(counted)
        self.weights = reach.people[self.cells] * problem.reach_weight
        self._evenness = np.asarray(reach.evenness)[self.cells]
        for place, cell in enumerate(self.cells):
            part = slice(self._shares.indptr[cell], self._shares.indptr[cell + 1])
            self._row(place, part, self._shares.data[part], 0.0)

    def shares(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Shares of the cells that a choice reaches.

        Parameters
        ----------
        chosen : numpy.ndarray of int
            The choice.

        Returns
        -------
        numpy.ndarray of float, shape (m,)
            0 to 1.
        """
        if self._reach is None:
            return np.empty(0)
        return shares_of(self._reach.cell_rates(chosen)[self.cells], self._evenness)

    def add(self, chosen: NDArray[np.int64], said: NDArray[np.float64] | None = None) -> bool:
        """Add rows that are exact at a choice.

        Parameters
        ----------
        chosen : numpy.ndarray of int
            The choice.
        said : numpy.ndarray of float, shape (m,), optional
            Shares that a program gives it; only cells with more than is true get a row.

        Returns
        -------
        bool
            Whether there was a row to add.
        """
        if self._reach is None:
            return False
        sums = self._reach.cell_rates(chosen)[self.cells]
        shares, slopes = shares_of(sums, self._evenness), slopes_of(sums, self._evenness)
        above = np.ones(len(sums), bool) if said is None else said > shares + _BELOW
        for place in np.flatnonzero(above):
            cell = self.cells[place]
            part = slice(self._rates.indptr[cell], self._rates.indptr[cell + 1])
            rates = self._rates.data[part]
            if slopes[place] * max(float(rates.max()), 1.0) > _STEEP:
                constant = float(shares[place] - slopes[place] * sums[place])
                self._row(int(place), part, slopes[place] * rates, constant)
                continue
            more = shares_of(sums[place] + rates, np.full(len(rates), self._evenness[place]))
            more -= shares[place]
            more[np.isin(self._options[self._rates.indices[part]], chosen)] = 0.0
            self._row(int(place), part, np.maximum(more, 0.0), float(shares[place]))
        return bool(above.any())

    def rows(self, *, extra: int = 0) -> csr_array:
        """All rows so far.

        Parameters
        ----------
        extra : int, default 0
            Further columns of zeros.

        Returns
        -------
        scipy.sparse.csr_array, shape (rows, n_options + m + extra)
            Coefficients; columns are options, then cells.
        """
        n_rows, n = len(self.constants), self._n_options
        ends = np.concatenate([[0], np.cumsum([len(part) for part in self._data])])
        left = csr_array(
            (
                -np.concatenate([*self._data, np.empty(0)]),
                np.concatenate([*self._columns, np.empty(0, np.int64)]),
                ends,
            ),
            shape=(n_rows, n),
        )
        right = csr_array(
            (np.ones(n_rows), (np.arange(n_rows), np.array(self._places, np.int64))),
            shape=(n_rows, len(self.cells) + extra),
        )
        return csr_array(hstack([left, right], format="csr"))

    def _row(
        self, place: int, part: slice, coefficients: NDArray[np.float64], constant: float
    ) -> None:
        options = self._options[self._rates.indices[part]]
        small = coefficients < _TINY
        self._data.append(coefficients[~small])
        self._columns.append(options[~small])
        self._places.append(place)
        self.constants.append(constant + float(coefficients[small].sum()))


def prove_best(
    problem: Problem,
    *,
    start: NDArray[np.int64],
    usable: NDArray[np.bool_],
    seconds: float,
    gap: float,
) -> Proof:
    """Best choice of a problem with overlap, and a bound of all choices.

    Parameters
    ----------
    problem : Problem
        A problem with overlap.
    start : numpy.ndarray of int
        A choice within the limits, of usable options.
    usable : numpy.ndarray of bool, shape (n_options,)
        Options that a choice better than `start` may hold.
    seconds : float
        Time limit.
    gap : float
        Relative gap at which the search ends.

    Returns
    -------
    Proof
        Its bound holds for choices of usable options, and is at least what its choice is worth.
    """
    until = time.perf_counter() + seconds
    n = problem.n_options
    tangents = Tangents(problem, usable)
    best, worth = start, problem.objective(start)
    tangents.add(start)
    bound, n_programs = np.inf, 0
    while time.perf_counter() < until:
        program = _program(problem, tangents, usable)
        open_gap = (bound - worth) / max(abs(bound), 1e-300) if np.isfinite(bound) else 0.02
        # Early programs need not be solved further than the tangents are good.
        rough = open_gap / 4 if open_gap > _FINE else 0.0
        found = solve_integer(
            program,
            np.arange(len(program.gains)) < n,
            seconds=until - time.perf_counter(),
            gap=max(gap / 2, rough),
            start=np.concatenate([_flags(best, n), tangents.shares(best)]),
        )
        n_programs += 1
        bound = min(bound, found.bound)
        if found.point is None:
            break
        chosen = np.flatnonzero(found.point[:n] > 0.5)
        if problem.violations(chosen):
            break
        value = problem.objective(chosen)
        if value > worth:
            best, worth = chosen, value
        if bound - worth <= max(gap, _BELOW) * abs(bound):
            break
        if not tangents.add(chosen, found.point[n:]) and not rough:
            break
    return Proof(best, max(bound, worth), n_programs)


def _flags(chosen: NDArray[np.int64], n_options: int) -> NDArray[np.float64]:
    taken = np.zeros(n_options)
    taken[chosen] = 1.0
    return taken


def _program(problem: Problem, tangents: Tangents, usable: NDArray[np.bool_]) -> Program:
    base = choice_program(problem, problem.gains)
    m = len(tangents.cells)
    empty = csr_array((base.matrix.shape[0], m))
    rows = tangents.rows()
    return Program(
        np.concatenate([problem.gains, tangents.weights]),
        csr_array(vstack([hstack([base.matrix, empty]), rows], format="csr")),
        np.concatenate([base.lows, np.full(rows.shape[0], -np.inf)]),
        np.concatenate([base.highs, tangents.constants]),
        np.zeros(problem.n_options + m),
        np.concatenate([usable.astype(np.float64), np.ones(m)]),
    )
