"""Linear and integer programs, handed to HiGHS; the one file that knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.sparse import csr_array

from matcher.errors import MatcherError

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

__all__ = ["LinearProgram", "Outcome", "Program", "solve_integer"]

_EXACT: Final = 1e-9
"""Tolerance of rows, bounds and integrality; rows are scaled so that their largest term is 1."""


@dataclass(frozen=True, eq=False)
class Program:
    """``max gains @ x`` subject to ``lows <= matrix @ x <= highs``, ``lower <= x <= upper``.

    Parameters
    ----------
    gains : numpy.ndarray of float, shape (n,)
        Objective.
    matrix : scipy.sparse.csr_array, shape (k, n)
        Rows.
    lows, highs : numpy.ndarray of float, shape (k,)
        Bounds of the rows, infinite where there is none.
    lower, upper : numpy.ndarray of float, shape (n,)
        Bounds of the columns; finite, so that every dual gives a bound.
    """

    gains: NDArray[np.float64]
    matrix: csr_array
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    def dual_bound(self, duals: NDArray[np.float64]) -> float:
        """Upper bound of the objective that multipliers of the rows prove.

        Parameters
        ----------
        duals : numpy.ndarray of float, shape (k,)
            Any numbers, positive for a row's `highs`, negative for its `lows`. Weak duality:
            ``gains @ x <= duals @ (matrix @ x) + (gains - duals @ matrix) @ x``, and either
            product is at most what its bounds allow. So the bound holds whether or not they are
            optimal, or even feasible in a solver's sense.

        Returns
        -------
        float
            The bound; the multiplier of a bound that is infinite counts as 0.
        """
        usable = np.where(duals > 0, np.isfinite(self.highs), np.isfinite(self.lows))
        held = np.where(usable, duals, 0.0)
        sides = np.where(held > 0, self.highs, self.lows)
        rest = self.gains - self.matrix.T @ held
        return float(
            held[held != 0] @ sides[held != 0]
            + np.maximum(rest * self.lower, rest * self.upper).sum()
        )


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a solver came to.

    Parameters
    ----------
    status : {"optimal", "feasible", "infeasible", "unknown"}
        "feasible" where time or nodes ran out with a point at hand, "unknown" without one.
    point : numpy.ndarray of float, shape (n,), or None
        Best point.
    bound : float
        No point is worth more; inf where nothing is proved.
    duals : numpy.ndarray of float, shape (k,)
        Multipliers of the rows of a linear program; empty for an integer one.
    """

    status: Literal["optimal", "feasible", "infeasible", "unknown"]
    point: NDArray[np.float64] | None
    bound: float
    duals: NDArray[np.float64]


class LinearProgram:
    """A linear program solved again and again with other objectives or bounds, from its basis.

    Parameters
    ----------
    program : Program
        The program.
    """

    def __init__(self, program: Program) -> None:
        self.program, self._scales = program, _scales(program.matrix)
        self._solver = _solver(program, self._scales)
        self._columns = np.arange(len(program.gains), dtype=np.int32)

    def maximise(self, gains: NDArray[np.float64]) -> Outcome:
        """Optimum for another objective.

        Parameters
        ----------
        gains : numpy.ndarray of float, shape (n,)
            Objective.

        Returns
        -------
        Outcome
            Its bound is computed here from the duals, see `Program.dual_bound`.
        """
        size = float(abs(gains).max()) or 1.0
        self._solver.changeColsCost(len(gains), self._columns, gains / size)
        self._solver.run()
        status = _status(self._solver)
        if status == "infeasible":
            return Outcome(status, None, -np.inf, np.zeros(0))
        found = self._solver.getSolution()
        duals = np.array(found.row_dual, np.float64) * self._scales * size
        if status != "optimal" or len(duals) != len(self._scales):
            return Outcome("unknown", None, np.inf, np.zeros(0))
        old = self.program
        program = Program(gains, old.matrix, old.lows, old.highs, old.lower, old.upper)
        point = np.clip(np.array(found.col_value, np.float64), old.lower, old.upper)
        return Outcome(status, point, program.dual_bound(duals), duals)

    def move(
        self,
        *,
        lows: NDArray[np.float64] | None = None,
        highs: NDArray[np.float64] | None = None,
        lower: NDArray[np.float64] | None = None,
        upper: NDArray[np.float64] | None = None,
    ) -> None:
        """Put other bounds in place of those that are given.

        Parameters
        ----------
        lows, highs : numpy.ndarray of float, shape (k,), optional
            Bounds of the rows.
        lower, upper : numpy.ndarray of float, shape (n,), optional
            Bounds of the columns.
        """
        old = self.program
        self.program = Program(
            old.gains,
            old.matrix,
            old.lows if lows is None else lows,
            old.highs if highs is None else highs,
            old.lower if lower is None else lower,
            old.upper if upper is None else upper,
        )
        for row, scale in enumerate(self._scales):
            self._solver.changeRowBounds(
                row, self.program.lows[row] * scale, self.program.highs[row] * scale
            )
        self._solver.changeColsBounds(
            len(self._columns), self._columns, self.program.lower, self.program.upper
        )


def solve_integer(
    program: Program,
    whole: NDArray[np.bool_],
    *,
    seconds: float,
    gap: float = 0.0,
    start: NDArray[np.float64] | None = None,
    nodes: int | None = None,
) -> Outcome:
    """Optimum with some columns held to whole numbers, by branch and bound.

    Parameters
    ----------
    program : Program
        The program.
    whole : numpy.ndarray of bool, shape (n,)
        Columns that take whole numbers only.
    seconds : float
        Time limit.
    gap : float, default 0
        Relative gap at which the search ends.
    start : numpy.ndarray of float, shape (n,), optional
        A point within the limits.
    nodes : int, optional
        Nodes after which the search ends.

    Returns
    -------
    Outcome
        Whole columns of its point are rounded; whether rows hold to more than the solver's
        tolerance of 1e-9 (relative to the row's largest term) is the caller's to check.
    """
    import highspy

    size = float(abs(program.gains).max()) or 1.0
    scaled = Program(
        program.gains / size,
        program.matrix,
        program.lows,
        program.highs,
        program.lower,
        program.upper,
    )
    solver = _solver(scaled, _scales(program.matrix), whole=whole)
    solver.setOptionValue("time_limit", max(seconds, 0.01))
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("mip_abs_gap", _EXACT)
    solver.setOptionValue("mip_feasibility_tolerance", _EXACT)
    if nodes is not None:
        solver.setOptionValue("mip_max_nodes", nodes)
    if start is not None:
        point = highspy.HighsSolution()
        point.col_value = start.tolist()
        solver.setSolution(point)
    solver.run()
    status = _status(solver)
    if status == "infeasible":
        return Outcome(status, None, -np.inf, np.zeros(0))
    info = solver.getInfo()
    bound = float(info.mip_dual_bound) * size
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Outcome("unknown", None, bound, np.zeros(0))
    values = np.array(solver.getSolution().col_value, np.float64)
    values[whole] = np.round(values[whole])
    return Outcome("optimal" if status == "optimal" else "feasible", values, bound, np.zeros(0))


def _solver(
    program: Program, scales: NDArray[np.float64], *, whole: NDArray[np.bool_] | None = None
) -> Any:
    import highspy

    untyped: Any = highspy.Highs
    solver = untyped()
    # One thread and a fixed seed, so that the same program has the same answer.
    for name, value in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
        solver.setOptionValue(name, value)
    for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        solver.setOptionValue(name, _EXACT if whole is not None else 1e-8)
    n_rows, n_columns = program.matrix.shape
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = n_columns, n_rows
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = program.gains
    model.col_lower_, model.col_upper_ = program.lower, program.upper
    model.row_lower_, model.row_upper_ = program.lows * scales, program.highs * scales
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.num_col_, model.a_matrix_.num_row_ = n_columns, n_rows
    model.a_matrix_.start_ = program.matrix.indptr
    model.a_matrix_.index_ = program.matrix.indices
    model.a_matrix_.value_ = program.matrix.data * np.repeat(scales, np.diff(program.matrix.indptr))
    if whole is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[flag] for flag in whole.astype(int)]
    answer = solver.passModel(model)
    if answer == highspy.HighsStatus.kError:
        raise MatcherError(
            f"HiGHS: refused a program of {n_rows} rows and {n_columns} columns; "
            "a coefficient or bound is not a number"
        )
    return solver


def _scales(matrix: csr_array) -> NDArray[np.float64]:
    """Reciprocal of the largest term of each row; 1 for an empty one."""
    largest = abs(matrix).max(axis=1).toarray().ravel() if matrix.shape[0] else np.empty(0)
    return np.asarray(1.0 / np.where(largest > 0, largest, 1.0), np.float64)


def _status(solver: Any) -> Literal["optimal", "feasible", "infeasible", "unknown"]:
    import highspy

    status = solver.getModelStatus()
    if status in {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty}:
        return "optimal"
    # Columns are bounded, so that what may be either is infeasible.
    if status in {
        highspy.HighsModelStatus.kInfeasible,
        highspy.HighsModelStatus.kUnboundedOrInfeasible,
    }:
        return "infeasible"
    return "unknown"
