"""Options that a search moves among, with what it needs of them at hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from matcher.plan.reach import shares_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from matcher.plan.problem import Problem

__all__ = ["Pool"]

_LARGE: Final = 1e4
"""Rate beside which a difference of sums keeps too few digits of small ones."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Some options of a problem, addressed by their place in the pool.

    Parameters
    ----------
    options : numpy.ndarray of int, shape (p,)
        Options of the problem, ascending.
    gains : numpy.ndarray of float, shape (p,)
        What each value counts.
    charges : numpy.ndarray of float, shape (p,)
        What each option uses up of the limits, at their multipliers.
    persons : numpy.ndarray of int, shape (p,)
        Codes from 0 on.
    totals : numpy.ndarray of float, shape (p, limits)
        What each option adds to each limit.
    lows, highs : numpy.ndarray of float, shape (limits,)
        Bounds, widened by what rounding may come to.
    rates, shares : scipy.sparse.csr_array, shape (p, cells), or None
        Rates and probabilities; None where only values count.
    weights, evenness : numpy.ndarray of float, shape (cells,)
        What a whole cell counts, and its evenness; empty without reach.
    """

    options: NDArray[np.int64]
    gains: NDArray[np.float64]
    charges: NDArray[np.float64]
    persons: NDArray[np.int64]
    totals: NDArray[np.float64]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    rates: csr_array | None
    shares: csr_array | None
    weights: NDArray[np.float64]
    evenness: NDArray[np.float64]
    _terms: tuple[NDArray[Any], ...] = field(init=False, repr=False)
    _filled: NDArray[np.int64] = field(init=False, repr=False)
    _is_delicate: bool = field(init=False, repr=False, default=False)

    def __post_init__(self) -> None:
        if self.rates is None:
            return
        object.__setattr__(self, "_is_delicate", self.rates.data.max(initial=0.0) > _LARGE)
        # For every pair of an option and a cell: the cell, the rate in units of the evenness, the
        # evenness (once where all cells have the same) and the weight.
        at = self.rates.indices
        shapes = self.evenness[at]
        scaled = self.rates.data / np.where(np.isinf(shapes), 1.0, shapes)
        if len(self.evenness) and (self.evenness == self.evenness[0]).all():
            shapes = self.evenness[:1]
        object.__setattr__(self, "_terms", (at, scaled, shapes, self.weights[at]))
        object.__setattr__(self, "_filled", np.flatnonzero(np.diff(self.rates.indptr)))

    @classmethod
    def of(
        cls, problem: Problem, options: NDArray[np.int64], duals: NDArray[np.float64] | None = None
    ) -> Self:
        """Pool of some options of a problem.

        Parameters
        ----------
        problem : Problem
            The problem.
        options : numpy.ndarray of int
            Options, ascending.
        duals : numpy.ndarray of float, optional
            Multipliers of the limits, as `matcher.plan.bound.Overestimate` has them.

        Returns
        -------
        Pool
            The pool.
        """
        totals = problem.rows[:, options].toarray().T
        charges = np.zeros(len(options))
        if duals is not None:
            charges = totals @ duals[: totals.shape[1]]
        reach = problem.reach if problem.has_overlap else None
        return cls(
            options,
            problem.gains[options],
            charges,
            np.unique(problem.person[options], return_inverse=True)[1],
            np.ascontiguousarray(totals),
            problem.lows - problem.slack,
            problem.highs + problem.slack,
            reach.rates[options] if reach else None,
            reach.probability[options] if reach else None,
            reach.people * problem.reach_weight if reach else np.empty(0),
            np.asarray(reach.evenness) if reach else np.empty(0),
        )

    def places(self, options: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places of options that are in the pool.

        Parameters
        ----------
        options : numpy.ndarray of int
            Options of the problem.

        Returns
        -------
        numpy.ndarray of int
            Their places, in the same order.
        """
        return np.searchsorted(self.options, options).astype(np.int64)

    def rate_sums(self, places: list[int]) -> NDArray[np.float64]:
        """Sums of the rates of a choice.

        Parameters
        ----------
        places : list of int
            The choice.

        Returns
        -------
        numpy.ndarray of float, shape (cells,)
            New array.
        """
        sums = np.zeros(len(self.weights))
        for place in places:
            self.add_rates(sums, place, 1.0)
        return sums

    def sums_without(
        self, sums: NDArray[np.float64], chosen: list[int], leaving: list[int]
    ) -> NDArray[np.float64]:
        """Sums of the rates of a choice without some of its options.

        Parameters
        ----------
        sums : numpy.ndarray of float, shape (cells,)
            Sums of the whole choice.
        chosen, leaving : list of int
            The choice, and what leaves it.

        Returns
        -------
        numpy.ndarray of float, shape (cells,)
            New array; summed anew where a rate is so large that others are lost beside it.
        """
        if self._is_delicate:
            out = set(leaving)
            return self.rate_sums([place for place in chosen if place not in out])
        rest = sums.copy()
        for place in leaving:
            self.add_rates(rest, place, -1.0)
        return rest

    def add_rates(self, sums: NDArray[np.float64], place: int, sign: float) -> None:
        """Add an option's rates to sums in place, or take them off.

        Parameters
        ----------
        sums : numpy.ndarray of float, shape (cells,)
            Sums of rates; changed.
        place : int
            The option.
        sign : float
            1 to add, -1 to take off; sums stay at 0 or above.
        """
        if self.rates is None:
            return
        part = slice(self.rates.indptr[place], self.rates.indptr[place + 1])
        cells = self.rates.indices[part]
        if sign > 0:
            sums[cells] += self.rates.data[part]
        else:
            sums[cells] = np.maximum(sums[cells] - self.rates.data[part], 0.0)

    def worth(self, places: list[int], sums: NDArray[np.float64]) -> float:
        """Objective of a choice.

        Parameters
        ----------
        places : list of int
            The choice.
        sums : numpy.ndarray of float, shape (cells,)
            Sums of its rates.

        Returns
        -------
        float
            Weighted reach plus weighted values.
        """
        return self.reached(sums) + float(self.gains[places].sum())

    def reached(self, sums: NDArray[np.float64]) -> float:
        """Weighted people reached at sums of rates.

        Parameters
        ----------
        sums : numpy.ndarray of float, shape (cells,)
            Sums of rates.

        Returns
        -------
        float
            0 without reach.
        """
        return float(self.weights @ shares_of(sums, self.evenness))

    def additions(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each option would add to the objective of a choice that lacks it.

        Parameters
        ----------
        sums : numpy.ndarray of float, shape (cells,)
            Sums of the choice's rates.

        Returns
        -------
        numpy.ndarray of float, shape (p,)
            From 0 on where values are.
        """
        if self.rates is None or self.shares is None:
            return self.gains
        if np.isinf(self.evenness).all():
            return np.asarray(self.shares @ (self.weights * np.exp(-sums)) + self.gains)
        left = self._missed(sums)
        more = left[self.rates.indices]
        more -= self._missed_with(sums)
        added = np.zeros(len(self.options))
        added[self._filled] = np.add.reduceat(more, self.rates.indptr[:-1][self._filled])
        return added + self.gains

    def _missed(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.weights * (1.0 - shares_of(sums, self.evenness)), np.float64)

    def _missed_with(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """People of each cell whom an option that reaches it would leave unreached."""
        assert self.rates is not None
        at, scaled, shapes, weights = self._terms
        base = (1.0 + sums / np.where(np.isinf(self.evenness), 1.0, self.evenness))[at]
        base += scaled
        if shapes.size == 1:
            shape = float(shapes[0])
            return np.asarray(
                weights / base if shape == 1.0 else weights * base**-shape, np.float64
            )
        even = np.isinf(shapes)
        missed = weights * base ** -np.where(even, 1.0, shapes)
        if even.any():
            missed[even] = weights[even] * np.exp(-(base[even] - 1.0))
        return np.asarray(missed)

    def fits(self, totals: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether totals are within the limits.

        Parameters
        ----------
        totals : numpy.ndarray of float, shape (any, limits) or (limits,)
            Totals.

        Returns
        -------
        numpy.ndarray of bool, shape (any,) or ()
            True where all limits are kept.
        """
        return np.asarray(((totals >= self.lows) & (totals <= self.highs)).all(axis=-1))
