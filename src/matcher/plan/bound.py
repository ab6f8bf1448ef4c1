"""Upper bounds of what any choice within the limits is worth.

Each cell's share is at most ``min(share(sum of rates), sum of probabilities)``. A tangent of the
first, the second, or a mixture of both lies above the objective at every choice: a sum over
options plus a constant, whose greatest value a linear program finds and its duals prove. In
uneven cells tangents have a kink where an option's own rate passes the tangent point (see
`Relaxation`), which lies lower and still above all whole choices. Where the tangents are put comes
from the Frank-Wolfe method (Jaggi, 2013, "Revisiting Frank-Wolfe"), on a smoothed minimum; it does
not matter for the proof, so no convergence is trusted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array

from matcher.plan.highs import LinearProgram, Program, solve_integer
from matcher.plan.programs import choice_program
from matcher.plan.reach import shares_of, slopes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.highs import Outcome
    from matcher.plan.problem import Problem

__all__ = ["Overestimate", "Relaxation"]

_SMOOTHING: Final = (0.2, 0.005)
"""First and last width of the smoothed minimum, relative to a cell's sum of probabilities."""
_FADE: Final = 5.0
"""Iterations in which the width halves, at first."""
_EMPTY: Final = 1e-9
_AT_LEAST: Final = 5
_N_NEWTON: Final = 8
_N_KEPT: Final = 4
"""Overestimates that are kept for problems with other bounds."""


@dataclass(frozen=True, eq=False)
class Overestimate:
    """A sum over options that no choice's objective exceeds.

    Parameters
    ----------
    gains : numpy.ndarray of float, shape (n_options,)
        What each option adds.
    constant : float
        What is added in any case.
    bound : float
        Its proven greatest value within the limits.
    duals : numpy.ndarray of float, shape (rows,)
        Multipliers of the limits, then of the persons, that prove it.
    """

    gains: NDArray[np.float64]
    constant: float
    bound: float
    duals: NDArray[np.float64]


class Relaxation:
    """The problem with options that may be taken in part, and the bounds that it proves.

    Parameters
    ----------
    problem : Problem
        The problem.

    Attributes
    ----------
    is_feasible : bool
        False where even options taken in part cannot keep to the limits: then nothing can.
    kept : list of Overestimate
        The best overestimates, best first.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.kept: list[Overestimate] = []
        self._lp = LinearProgram(choice_program(problem, problem.gains))
        self._n_done = 0
        reach = problem.reach
        if problem.has_overlap and reach is not None:
            self._weights = reach.people * problem.reach_weight
            self._shares, self._rates = reach.probability, reach.rates
            self._shares_t = csr_array(reach.probability.T)
            self._rates_t = csr_array(reach.rates.T)
            self._evenness = np.asarray(reach.evenness)
            self._is_even = bool(np.isinf(self._evenness).all())
            start = self._lp.maximise(self._shares @ self._weights + problem.gains)
        else:
            start = self._lp.maximise(problem.gains)
            self._keep(problem.gains, 0.0, start)
        self.is_feasible = start.status != "infeasible"
        self._stand(np.zeros(problem.n_options) if start.point is None else start.point)

    @property
    def bound(self) -> float:
        """Best bound so far; inf before the first iteration of a problem with overlap."""
        return self.kept[0].bound if self.kept else np.inf

    @property
    def point(self) -> NDArray[np.float64]:
        """Parts in which options are taken where the method stands, shape (n_options,)."""
        return self._point

    def linear(self, gains: NDArray[np.float64]) -> Outcome:
        """Optimum of a sum over options taken in part.

        Parameters
        ----------
        gains : numpy.ndarray of float, shape (n_options,)
            What each option counts.

        Returns
        -------
        Outcome
            Point, bound and duals.
        """
        return self._lp.maximise(gains)

    def tighten(
        self,
        iterations: int,
        *,
        until: float = np.inf,
        enough: float = -np.inf,
        least: int = _AT_LEAST,
    ) -> None:
        """Improve the bound.

        Parameters
        ----------
        iterations : int
            Linear programs to solve.
        until : float, default inf
            Instant of `time.perf_counter` at which to stop earlier.
        enough : float, default -inf
            Bound at which to stop earlier.
        least : int, default 5
            Linear programs to solve however late it is.
        """
        if not self.problem.has_overlap or not self.is_feasible:
            return
        for done in range(iterations):
            late = time.perf_counter() >= until and done >= least
            if late or self.bound <= enough:
                return
            self._iterate()

    def move(self, problem: Problem) -> None:
        """Go over to a problem that differs in the bounds of its limits alone.

        Parameters
        ----------
        problem : Problem
            The other problem; what was kept bounds it too, by other values.
        """
        program = choice_program(problem, problem.gains)
        self.problem = problem
        self._lp.move(lows=program.lows, highs=program.highs)
        kept, self.kept = self.kept, []
        for old in kept:
            self._keep(old.gains, old.constant, self._lp.maximise(old.gains))
        start = self._lp.maximise(kept[0].gains if kept else problem.gains)
        self.is_feasible = start.status != "infeasible"
        self._n_done = min(self._n_done, 20)
        if start.point is not None and not self._is_within(program):
            self._stand(start.point)

    def under(self, problem: Problem) -> Relaxation:
        """A relaxation of a problem with the same options and other limits.

        Parameters
        ----------
        problem : Problem
            The other problem.

        Returns
        -------
        Relaxation
            New, with what is kept here, which is no less than the objective there either.
        """
        other = Relaxation(problem)
        for old in self.kept:
            other._keep(old.gains, old.constant, other._lp.maximise(old.gains))
        return other

    def slope(self, row: int) -> float:
        """What the best bound rises by per unit of the greatest total of a limit.

        Parameters
        ----------
        row : int
            Place of the limit in the problem.

        Returns
        -------
        float
            From 0 on. The bound plus that many times the change bounds the problem with any other
            greatest total, larger or smaller, since the same multipliers prove it.
        """
        return max(float(self.kept[0].duals[row]), 0.0)

    def reduced(self) -> NDArray[np.float64]:
        """What taking each option costs or brings at the best bound's multipliers.

        Returns
        -------
        numpy.ndarray of float, shape (n_options,)
            A choice with an option of ``-r`` is worth at most the bound less r.
        """
        best = self.kept[0]
        return np.asarray(best.gains - self._lp.program.matrix.T @ best.duals, np.float64)

    def tighten_whole(self, *, seconds: float, gap: float = 1e-3) -> float:
        """Bound of the best overestimate over choices of whole options.

        Parameters
        ----------
        seconds : float
            Time limit.
        gap : float, default 1e-3
            Relative gap at which branch and bound ends.

        Returns
        -------
        float
            At most `bound`; proved by branch and bound.
        """
        if not self.kept or seconds <= 0:
            return self.bound
        best, program = self.kept[0], self._lp.program
        whole = Program(
            best.gains, program.matrix, program.lows, program.highs, program.lower, program.upper
        )
        found = solve_integer(whole, np.ones(len(best.gains), bool), seconds=seconds, gap=gap)
        if found.status == "infeasible":
            self.is_feasible = False
            return -np.inf
        return min(self.bound, found.bound + best.constant)

    def _is_within(self, program: Program) -> bool:
        totals = program.matrix @ self._point
        slack = 1e-9 * np.maximum(1.0, abs(totals))
        return bool(((totals >= program.lows - slack) & (totals <= program.highs + slack)).all())

    def _stand(self, point: NDArray[np.float64]) -> None:
        self._point = point
        if self.problem.has_overlap:
            self._rate_sums = np.asarray(self._rates_t @ point)
            self._share_sums = np.asarray(self._shares_t @ point)

    def _keep(self, gains: NDArray[np.float64], constant: float, found: Outcome) -> None:
        if found.status != "optimal":
            return
        self.kept.append(Overestimate(gains, constant, found.bound + constant, found.duals))
        self.kept.sort(key=lambda one: one.bound)
        del self.kept[_N_KEPT:]

    def _iterate(self) -> None:
        first, last = _SMOOTHING
        width = np.maximum(first / (1.0 + self._n_done / _FADE), last)
        widths = width * np.maximum(self._share_sums, 1e-3)
        self._n_done += 1
        gains, constant = self._tangent(widths) if self._is_even else self._envelope(width)
        found = self._lp.maximise(gains)
        self._keep(gains, constant, found)
        if found.point is None:
            return
        change = found.point - self._point
        if not self._is_even:
            self._stand(self._point + 2.0 / (self._n_done + 2.0) * change)
            return
        rates = np.asarray(self._rates_t @ change)
        shares = np.asarray(self._shares_t @ change)
        values = float(self.problem.gains @ change)

        def loss(step: float) -> float:
            return -step * values - self._smoothed(
                np.maximum(self._rate_sums + step * rates, 0.0),
                np.maximum(self._share_sums + step * shares, 0.0),
                widths,
            )

        step = float(
            minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-3}).x
        )
        self._point = self._point + step * change
        self._rate_sums = np.maximum(self._rate_sums + step * rates, 0.0)
        self._share_sums = np.maximum(self._share_sums + step * shares, 0.0)

    def _tangent(self, widths: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Mixture, cell by cell, of the tangent of the share and the sum of probabilities."""
        shares = shares_of(self._rate_sums, self._evenness)
        slopes = slopes_of(self._rate_sums, self._evenness)
        linear = 1.0 / (1.0 + np.exp(np.clip((self._share_sums - shares) / widths, -50.0, 50.0)))
        # In an empty cell both are 0, and the sum of probabilities rises less.
        linear[self._share_sums < _EMPTY] = 1.0
        curved = self._weights * (1.0 - linear)
        gains = self._shares @ (self._weights * linear) + self._rates @ (curved * slopes)
        constant = float(curved @ (shares - slopes * self._rate_sums))
        return np.asarray(gains) + self.problem.gains, constant

    def _envelope(self, width: float) -> tuple[NDArray[np.float64], float]:
        """Mixture, cell by cell, of the best kinked tangent and the sum of probabilities.

        With ``s`` the slope of the share at a sum of rates ``c`` and ``a`` the tangent's height
        at 0, an option of a rate r up to c counts ``s r``, one of a larger rate its whole share
        less a. These terms are a concave function of the rate that is 0 at 0, so that those of
        a choice add up to no less than that of its sum: the mixture lies above the objective at
        all whole choices, and far below the tangent where one option reaches much.
        """
        shares, matrix = self._shares, self._rates
        taken = np.flatnonzero(self._point > _EMPTY)
        part = matrix[taken]
        rows = np.repeat(self._point[taken], np.diff(part.indptr))
        kinks = _kinks(part.indices, part.data, rows, len(self._weights))
        slopes, heights = slopes_of(kinks, self._evenness), shares_of(kinks, self._evenness)
        heights = heights - slopes * kinks
        cells = matrix.indices
        kinked = np.where(
            matrix.data <= kinks[cells], slopes[cells] * matrix.data, shares.data - heights[cells]
        )
        terms = csr_array((kinked, cells, matrix.indptr), shape=matrix.shape)
        said = heights + np.asarray(terms.T @ self._point)
        widths = width * np.maximum(self._share_sums, 1e-3)
        linear = 1.0 / (1.0 + np.exp(np.clip((self._share_sums - said) / widths, -50.0, 50.0)))
        linear[self._share_sums < _EMPTY] = 1.0
        curved = self._weights * (1.0 - linear)
        gains = shares @ (self._weights * linear) + terms @ curved
        return np.asarray(gains) + self.problem.gains, float(curved @ heights)

    def _smoothed(
        self,
        rate_sums: NDArray[np.float64],
        share_sums: NDArray[np.float64],
        widths: NDArray[np.float64],
    ) -> float:
        shares = shares_of(rate_sums, self._evenness)
        least = np.minimum(shares, share_sums)
        off = np.exp((least - shares) / widths) + np.exp((least - share_sums) / widths)
        return float(self._weights @ (least - widths * np.log(off)))


def _kinks(
    cells: NDArray[np.integer],
    rates: NDArray[np.float64],
    parts: NDArray[np.float64],
    n_cells: int,
) -> NDArray[np.float64]:
    """Sums of rates c with ``sum of parts * min(rate, c) = c``: where a kinked tangent is lowest.

    Newton's method from the right, where the difference of the two sides is concave and falls;
    each step ends at or beyond the root, so that any number of steps will do.
    """
    kinks = np.bincount(cells, rates * parts, minlength=n_cells).astype(np.float64)
    for _ in range(_N_NEWTON):
        large = rates > kinks[cells]
        below = np.bincount(cells, np.where(large, 0.0, rates * parts), minlength=n_cells)
        above = np.bincount(cells, np.where(large, parts, 0.0), minlength=n_cells)
        kinks = np.minimum(kinks, below / np.maximum(1.0 - above, _EMPTY))
    return kinks
