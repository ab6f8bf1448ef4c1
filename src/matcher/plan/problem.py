"""What is to be decided: options with fees and outcomes, the limits, and what counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Self, get_args

import numpy as np
from scipy.sparse import csr_array

from matcher.errors import DataError, UsageError
from matcher.plan.reach import Reach

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Limit", "Problem", "Unit", "Violation"]

Unit = Literal["money", "accounts", "posts"]

_TOLERANCE: Final = 1e-9
"""Relative to the size of a limit's terms: what sums of binary fractions are off by."""


@dataclass(frozen=True, eq=False)
class Limit:
    """A linear limit on the chosen options.

    ``low <= sum of coefficients of the chosen options <= high``; in a limit on money each
    coefficient counts that many times the option's fee. So a budget has the coefficient 1 for
    every option, a cap on what one platform may cost 1 for that platform's options, and a fee
    that changes needs no other limit. A must-have is ``low=1`` over the options of a person, a
    clique of rivals ``high=1`` over theirs.

    Parameters
    ----------
    name : str
        What messages and shadow prices call it; unique in a problem.
    options : numpy.ndarray of int, shape (k,)
        Options that it counts; each once.
    coefficients : numpy.ndarray of float, shape (k,)
        How much each of them counts; in a limit on money, as shares of its fee.
    unit : {"money", "accounts", "posts"}
        What `low` and `high` are stated in.
    low : float, default -inf
        Least total.
    high : float, default inf
        Greatest total.

    Raises
    ------
    DataError
        If the name is empty, an option is negative or counted twice, a coefficient is not finite,
        lengths differ, neither side is bounded, or `low` exceeds `high`.
    """

    name: str
    options: NDArray[np.int64]
    coefficients: NDArray[np.float64]
    unit: Unit
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        options = _frozen(self.options, np.int64)
        coefficients = _frozen(self.coefficients, np.float64)
        object.__setattr__(self, "options", options)
        object.__setattr__(self, "coefficients", coefficients)
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))
        where = f"limit {self.name!r}"
        if not self.name or self.unit not in get_args(Unit):
            raise DataError(
                f"{where}: got the unit {self.unit!r}; expected a name and one of the units "
                f"{', '.join(get_args(Unit))}"
            )
        if options.ndim != 1 or options.shape != coefficients.shape:
            raise DataError(
                f"{where}: got options of shape {options.shape} and coefficients of shape "
                f"{coefficients.shape}; expected one coefficient per option"
            )
        if len(options) and (options.min() < 0 or len(np.unique(options)) < len(options)):
            raise DataError(f"{where}: an option is negative or counted twice")
        if not np.isfinite(coefficients).all():
            raise DataError(f"{where}: a coefficient is not finite")
        unbounded = np.isinf(self.low) and np.isinf(self.high)
        if not self.low <= self.high or unbounded or self.low == np.inf or self.high == -np.inf:
            raise DataError(
                f"{where}: got {self.low:g} to {self.high:g}; expected a least total that is at "
                "most the greatest one, and at least one of the two"
            )

    @classmethod
    def over(
        cls,
        name: str,
        counts: ArrayLike,
        *,
        unit: Unit,
        low: float = -np.inf,
        high: float = np.inf,
    ) -> Self:
        """Limit of a number or a truth value per option; zeros are not counted.

        Parameters
        ----------
        name : str
            What messages and shadow prices call it.
        counts : array-like, shape (n,)
            How much each option of the problem counts.
        unit : {"money", "accounts", "posts"}
            What `low` and `high` are stated in.
        low, high : float
            Least and greatest total.

        Returns
        -------
        Limit
            The limit.

        Examples
        --------
        >>> Limit.over("budget", [1, 1, 1], unit="money", high=300.0).options
        array([0, 1, 2])
        """
        numbers = np.asarray(counts, np.float64)
        options = np.flatnonzero(numbers)
        return cls(name, options, numbers[options], unit, low, high)


@dataclass(frozen=True)
class Violation:
    """A limit that a choice breaks.

    Parameters
    ----------
    name : str
        The limit's name, or "one option per person".
    total, low, high : float
        What the choice comes to and what was allowed, in the limit's unit.
    """

    name: str
    total: float
    low: float
    high: float


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
            object.__setattr__(self, name, _frozen(getattr(self, name), kind))
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
                limit.coefficients * (self.fee[limit.options] if limit.unit == "money" else 1.0)
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
        """What a choice comes to in each limit, shape (limits,), in the limit's unit."""
        taken = np.zeros(self.n_options)
        taken[np.asarray(chosen, np.int64)] = 1.0
        return np.asarray(self.rows @ taken, np.float64)

    def violations(self, chosen: ArrayLike) -> tuple[Violation, ...]:
        """Limits that a choice breaks by more than rounding; empty where it may be made."""
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
        """What a choice is worth: weighted reach plus weighted values."""
        options = np.asarray(chosen, np.int64)
        total = float(self.gains[options].sum())
        if self.reach is not None and self.reach_weight > 0:
            total += self.reach_weight * self.reach.people_reached(options)
        return total

    def cost(self, chosen: ArrayLike) -> float:
        """Sum of the fees of a choice."""
        return float(self.fee[np.asarray(chosen, np.int64)].sum())

    def with_limits(self, limits: Sequence[Limit]) -> Problem:
        """The same problem under other limits."""
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

    def with_fee(self, option: int, fee: float) -> Problem:
        """The same problem in which one option costs another fee."""
        fees = self.fee.copy()
        fees[option] = fee
        return replace(self, fee=fees)


def _frozen(values: ArrayLike, kind: type[np.float64 | np.int64]) -> NDArray[Any]:
    array: NDArray[Any] = np.array(values, dtype=kind)
    array.setflags(write=False)
    return array
