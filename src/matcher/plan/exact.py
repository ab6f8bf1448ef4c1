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
from scipy.sparse import block_array, csc_array, csr_array

from matcher.plan.highs import Program, solve_integer
from matcher.plan.programs import choice_program
from matcher.plan.reach import shares_of, slopes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.problem import Problem

__all__ = ["Proof", "prove_best"]

_STEEP: Final = 1e-6
"""Slope below which a cut by what options add takes the place of a tangent."""
_TINY: Final = 1e-9
"""Coefficients below this go into the constant of a cut, which they can only weaken."""
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


class _Cuts:
    """Rows ``z_u <= constant + coefficients @ x`` of cells."""

    def __init__(self, problem: Problem, usable: NDArray[np.bool_]) -> None:
        assert problem.reach is not None
        reach = problem.reach
        keep = np.flatnonzero(usable)
        self.rates = csc_array(reach.rates[keep])
        self.shares = csc_array(reach.probability[keep])
        self.options = keep
        self.evenness = np.asarray(reach.evenness)
        self.n_options = problem.n_options
        self._data: list[NDArray[np.float64]] = []
        self._columns: list[NDArray[np.int64]] = []
        self.cells: list[int] = []
        self.constants: list[float] = []

    def add(self, cell: int, coefficients: NDArray[np.float64], constant: float) -> None:
        part = slice(self.rates.indptr[cell], self.rates.indptr[cell + 1])
        options = self.options[self.rates.indices[part]]
        small = coefficients < _TINY
        self._data.append(coefficients[~small])
        self._columns.append(options[~small])
        self.cells.append(cell)
        self.constants.append(constant + float(coefficients[small].sum()))

    def add_sums(self, cells: NDArray[np.int64]) -> None:
        for cell in cells:
            part = slice(self.shares.indptr[cell], self.shares.indptr[cell + 1])
            self.add(int(cell), self.shares.data[part], 0.0)

    def add_tangents(
        self, cells: NDArray[np.int64], sums: NDArray[np.float64], taken: NDArray[np.bool_]
    ) -> None:
        """Cuts that are exact at a choice with these sums of rates."""
        shares = shares_of(sums, self.evenness)
        slopes = slopes_of(sums, self.evenness)
        for cell in cells:
            part = slice(self.rates.indptr[cell], self.rates.indptr[cell + 1])
            rates = self.rates.data[part]
            if slopes[cell] * max(rates.max(initial=0.0), 1.0) > _STEEP:
                constant = float(shares[cell] - slopes[cell] * sums[cell])
                self.add(int(cell), slopes[cell] * rates, constant)
                continue
            even = np.full(len(rates), self.evenness[cell])
            more = shares_of(sums[cell] + rates, even) - shares[cell]
            more[taken[self.options[self.rates.indices[part]]]] = 0.0
            self.add(int(cell), np.maximum(more, 0.0), float(shares[cell]))

    def matrix(self) -> csr_array:
        """Coefficients with the sign they have on the left side, shape (cuts, options)."""
        ends = np.concatenate([[0], np.cumsum([len(part) for part in self._data])])
        return csr_array(
            (
                -np.concatenate([*self._data, np.empty(0)]),
                np.concatenate([*self._columns, np.empty(0, np.int64)]),
                ends,
            ),
            shape=(len(self.cells), self.n_options),
        )


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
    assert problem.reach is not None
    reach = problem.reach
    cuts = _Cuts(problem, usable)
    cells = np.flatnonzero((np.diff(cuts.rates.indptr) > 0) & (reach.people > 0))
    best, worth = start, problem.objective(start)
    cuts.add_sums(cells)
    cuts.add_tangents(cells, reach.cell_rates(start), _flags(start, problem.n_options))
    bound, n_programs = np.inf, 0
    while time.perf_counter() < until:
        program, whole = _program(problem, cuts, cells, usable)
        begin = _point(problem, best, cells)
        open_gap = (bound - worth) / max(abs(bound), 1e-300) if np.isfinite(bound) else 0.02
        found = solve_integer(
            program,
            whole,
            seconds=until - time.perf_counter(),
            gap=max(gap / 2, open_gap / 4 if open_gap > 1e-4 else 0.0),
            start=begin,
        )
        n_programs += 1
        bound = min(bound, found.bound)
        if found.point is None:
            break
        chosen = np.flatnonzero(found.point[: problem.n_options] > 0.5)
        if problem.violations(chosen):
            break
        value = problem.objective(chosen)
        if value > worth:
            best, worth = chosen, value
        if bound - worth <= max(gap, _BELOW) * abs(bound):
            break
        sums = reach.cell_rates(chosen)
        said = found.point[problem.n_options :]
        above = said > shares_of(sums, cuts.evenness)[cells] + _BELOW
        if not above.any() and found.status == "optimal" and open_gap <= 1e-4:
            break
        cuts.add_tangents(cells[above], sums, _flags(chosen, problem.n_options))
    return Proof(best, max(bound, worth), n_programs)


def _flags(chosen: NDArray[np.int64], n_options: int) -> NDArray[np.bool_]:
    taken = np.zeros(n_options, bool)
    taken[chosen] = True
    return taken


def _point(
    problem: Problem, chosen: NDArray[np.int64], cells: NDArray[np.int64]
) -> NDArray[np.float64]:
    assert problem.reach is not None
    reach = problem.reach
    shares = shares_of(reach.cell_rates(chosen), np.asarray(reach.evenness))[cells]
    return np.concatenate([_flags(chosen, problem.n_options).astype(np.float64), shares])


def _program(
    problem: Problem, cuts: _Cuts, cells: NDArray[np.int64], usable: NDArray[np.bool_]
) -> tuple[Program, NDArray[np.bool_]]:
    assert problem.reach is not None
    base = choice_program(problem, problem.gains)
    left = cuts.matrix()
    n_cuts, n, m = left.shape[0], problem.n_options, len(cells)
    columns = np.searchsorted(cells, cuts.cells)
    right = csr_array((np.ones(n_cuts), (np.arange(n_cuts), columns)), shape=(n_cuts, m))
    matrix = block_array([[base.matrix, None], [left, right]], format="csr")
    program = Program(
        np.concatenate([problem.gains, problem.reach.people[cells] * problem.reach_weight]),
        csr_array(matrix),
        np.concatenate([base.lows, np.full(n_cuts, -np.inf)]),
        np.concatenate([base.highs, cuts.constants]),
        np.zeros(n + m),
        np.concatenate([usable.astype(np.float64), np.ones(m)]),
    )
    return program, np.concatenate([np.ones(n, bool), np.zeros(m, bool)])
