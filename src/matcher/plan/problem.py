"""What is to be decided: options with fees and outcomes, the limits, and what counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from matcher.errors import DataError, UsageError
from matcher.plan.linear import Limit, Violation, frozen
from matcher.plan.reach import Reach

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Limit", "Problem", "Violation"]

_TOLERANCE: Final = 1e-9
"""Relative to the size of a limit's terms: what sums of binary fractions are off by."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Options of which some are chosen, at most one per person, so that most comes of them.

    The objective of a choice is ``reach_weight`` times the people it reaches, overlap removed (see
    `matcher.plan.reach.Reach`), plus ``value_weight`` times the sum of the options' values.

    Parameters
    ----------
    value : numpy.ndarray of float, shape (n,)
        Expected outcome of each option that adds up over options; finite, negative ones allowed.
    fee : numpy.ndarray of float, shape (n,)
        What each option costs, from 0 on, in one currency.
    person : numpy.ndarray of int, shape (n,)
        Who each option hires; at most one option of a person is chosen.
    limits : tuple of Limit, default ()
        Everything else that a choice must keep to.
    reach : Reach or None, default None
        Whom each option reaches; None where only values count.
    reach_weight, value_weight : float
        How much one person reached and one unit of value count, from 0 on; by default 1 for what
        is there.

    Raises
    ------
    DataError
        If lengths differ, a number is not finite or a fee negative, a limit counts an option that
        is not there, or two limits have one name.
    """

    value: NDArray[np.float64]
    fee: NDArray[np.float64]
    person: NDArray[np.int64]
    limits: tuple[Limit, ...] = ()
    reach: Reach | None = None
    reach_weight: float = 1.0
    value_weight: float = 1.0
    _rows: list[csr_array] = field(default_factory=list, repr=False, init=False)

    def __post_init__(self) -> None:
        for name, kind in (("value", np.float64), ("fee", np.float64), ("person", np.int64)):
            object.__setattr__(self, name, frozen(getattr(self, name), kind))
        object.__setattr__(self, "limits", tuple(self.limits))
        n = len(self.value)
        if not n or self.value.shape != (n,) or self.fee.shape != (n,) or self.person.shape != (n,):
            raise DataError(
                f"problem: got values of shape {self.value.shape}, fees of {self.fee.shape} and "
                f"persons of {self.person.shape}; expected one of each per option, and an option"
            )
        bad = np.flatnonzero(~(np.isfinite(self.value) & np.isfinite(self.fee) & (self.fee >= 0)))
        if len(bad):
            raise DataError(
                f"problem: {len(bad)} options have a value that is not finite or a fee that is no "
                f"number from 0 on; the first are {bad[:5].tolist()}"
            )
        if self.reach is not None and self.reach.n_options != n:
            raise DataError(
                f"problem: got the reach of {self.reach.n_options} options; expected {n}"
            )
        weights = (self.reach_weight, self.value_weight)
        if not (np.isfinite(weights).all() and min(weights) >= 0):
            raise DataError(f"problem: got the weights {weights}; expected numbers from 0 on")
        self._check_limits()

    def _check_limits(self) -> None:
        seen: set[str] = set()
        for limit in self.limits:
            if limit.name in seen:
                raise DataError(f"problem: two limits are called {limit.name!r}; rename one")
            seen.add(limit.name)
            if len(limit.options) and limit.options.max() >= self.n_options:
                raise DataError(
                    f"limit {limit.name!r}: counts option {limit.options.max()}; the problem has "
                    f"{self.n_options}, counted from 0"
                )

    @property
    def n_options(self) -> int:
        """Number of options, chosen or not."""
        return len(self.value)

    @property
    def has_overlap(self) -> bool:
        """Whether the objective counts reach, so that it is no sum over options."""
        return self.reach is not None and self.reach_weight > 0

    @property
    def gains(self) -> NDArray[np.float64]:
        """What each option's value counts in the objective, shape (n,)."""
        return self.value * self.value_weight

    @property
    def rows(self) -> csr_array:
        """Coefficients of the limits with fees multiplied in, shape (limits, options)."""
        if not self._rows:
            counts = [len(limit.options) for limit in self.limits]
            data = [
                limit.coefficients * (self.fee[limit.options] if limit.counts_money else 1.0)
                for limit in self.limits
            ]
            columns = [limit.options for limit in self.limits]
            self._rows.append(
                csr_array(
                    (
                        np.concatenate([*data, np.empty(0)]),
                        np.concatenate([*columns, np.empty(0, np.int64)]),
                        np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
                    ),
                    shape=(len(self.limits), self.n_options),
                )
            )
        return self._rows[0]

    @property
    def lows(self) -> NDArray[np.float64]:
        """Least totals of the limits, shape (limits,)."""
        return np.array([limit.low for limit in self.limits], np.float64)

    @property
    def highs(self) -> NDArray[np.float64]:
        """Greatest totals of the limits, shape (limits,)."""
        return np.array([limit.high for limit in self.limits], np.float64)

    @property
    def slack(self) -> NDArray[np.float64]:
        """What rounding of sums may exceed a limit by, in its unit, shape (limits,)."""
        largest = abs(self.rows).max(axis=1).toarray().ravel() if self.limits else np.empty(0)
        bounds = np.stack([self.lows, self.highs]) if self.limits else np.empty((2, 0))
        return np.asarray(
            _TOLERANCE
            * np.maximum(np.where(np.isfinite(bounds), abs(bounds), 0.0).max(axis=0), largest),
            np.float64,
        )

    def limit(self, name: str) -> Limit:
        """The limit of a name.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Limit
            The limit.

        Raises
        ------
        UsageError
            If the problem has none of that name.
        """
        for limit in self.limits:
            if limit.name == name:
                return limit
        known = [limit.name for limit in self.limits]
        raise UsageError(
            f"limits: there is no limit {name!r} among {len(known)}; the first are {known[:5]}"
        )

    def totals(self, chosen: ArrayLike) -> NDArray[np.float64]:
        """What a choice comes to in each limit, shape (limits,), in the limit's unit.

        Parameters
        ----------
        chosen : array-like of int
            Chosen options.

        Returns
        -------
        numpy.ndarray of float, shape (limits,)
            In the unit of each limit.
        """
        taken = np.zeros(self.n_options)
        taken[np.asarray(chosen, np.int64)] = 1.0
        return np.asarray(self.rows @ taken, np.float64)

    def stated_totals(self, chosen: ArrayLike) -> NDArray[np.float64]:
        """What a choice comes to in each limit, as that was asked for.

        Parameters
        ----------
        chosen : array-like of int
            Chosen options.

        Returns
        -------
        numpy.ndarray of float, shape (limits,)
            The share reached in a limit on a share of all fees, NaN where nothing is spent; in
            others as `totals` has it.
        """
        totals, cost = self.totals(chosen), self.cost(chosen)
        for row, limit in enumerate(self.limits):
            if limit.share is not None:
                totals[row] = totals[row] / cost + limit.share if cost > 0 else np.nan
        return totals

    def violations(self, chosen: ArrayLike) -> tuple[Violation, ...]:
        """Limits that a choice breaks by more than rounding; empty where it may be made.

        Parameters
        ----------
        chosen : array-like of int
            Chosen options.

        Returns
        -------
        tuple of Violation
            Empty where the choice may be made.
        """
        options = np.asarray(chosen, np.int64)
        totals, lows, highs = self.totals(options), self.lows, self.highs
        broken = (totals < lows - self.slack) | (totals > highs + self.slack)
        found = [
            Violation(
                self.limits[row].name, float(totals[row]), float(lows[row]), float(highs[row])
            )
            for row in np.flatnonzero(broken)
        ]
        _, counts = np.unique(self.person[options], return_counts=True)
        if len(counts) and counts.max() > 1:
            found.append(Violation("one option per person", float(counts.max()), 0.0, 1.0))
        return tuple(found)

    def objective(self, chosen: ArrayLike) -> float:
        """What a choice is worth: weighted reach plus weighted values.

        Parameters
        ----------
        chosen : array-like of int
            Chosen options.

        Returns
        -------
        float
            The objective.
        """
        options = np.asarray(chosen, np.int64)
        total = float(self.gains[options].sum())
        if self.reach is not None and self.reach_weight > 0:
            total += self.reach_weight * self.reach.people_reached(options)
        return total

    def cost(self, chosen: ArrayLike) -> float:
        """Sum of the fees of a choice.

        Parameters
        ----------
        chosen : array-like of int
            Chosen options.

        Returns
        -------
        float
            In the currency of the fees.
        """
        return float(self.fee[np.asarray(chosen, np.int64)].sum())

    def with_limits(self, limits: Sequence[Limit]) -> Problem:
        """The same problem under other limits.

        Parameters
        ----------
        limits : sequence of Limit
            The limits.

        Returns
        -------
        Problem
            The changed problem.
        """
        return replace(self, limits=tuple(limits))

    def with_bounds(
        self, name: str, *, low: float | None = None, high: float | None = None
    ) -> Problem:
        """The same problem with one limit's least or greatest total changed.

        Parameters
        ----------
        name : str
            Which limit.
        low, high : float, optional
            The new bounds; what is not given stays.

        Returns
        -------
        Problem
            The changed problem.

        Raises
        ------
        UsageError
            If there is no such limit.
        """
        old = self.limit(name)
        new = replace(
            old, low=old.low if low is None else low, high=old.high if high is None else high
        )
        return self.with_limits([new if limit is old else limit for limit in self.limits])

    def with_share(self, name: str, share: float) -> Problem:
        """The same problem with another share in a limit on a share of all fees.

        Parameters
        ----------
        name : str
            Which limit.
        share : float
            The share, 0 to 1.

        Returns
        -------
        Problem
            The changed problem.
        """
        old = self.limit(name)
        new = old.with_share(share)
        return self.with_limits([new if limit is old else limit for limit in self.limits])

    def select(self, kept: NDArray[np.int64]) -> Problem:
        """The same problem with some of its options, counted anew.

        Parameters
        ----------
        kept : numpy.ndarray of int, shape (k,)
            Options, each once.

        Returns
        -------
        Problem
            Option i of it is option ``kept[i]`` of this one; limits keep their names and bounds.
        """
        place = np.full(self.n_options, -1)
        place[kept] = np.arange(len(kept))
        limits = []
        for limit in self.limits:
            stays = place[limit.options] >= 0
            options, counts = place[limit.options[stays]], limit.coefficients[stays]
            limits.append(replace(limit, options=options, coefficients=counts))
        reach = None if self.reach is None else self.reach.select(kept)
        return replace(
            self,
            value=self.value[kept],
            fee=self.fee[kept],
            person=self.person[kept],
            limits=tuple(limits),
            reach=reach,
        )

    def with_fee(self, option: int, fee: float) -> Problem:
        """The same problem in which one option costs another fee.

        Parameters
        ----------
        option : int
            Which option.
        fee : float
            Its fee.

        Returns
        -------
        Problem
            The changed problem; limits on money count the new fee.
        """
        fees = self.fee.copy()
        fees[option] = fee
        return replace(self, fee=fees)
