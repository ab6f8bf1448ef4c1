"""Linear limits on a choice of options, and how a choice breaks them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np

from matcher.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Limit", "Unit", "Violation", "frozen"]

Unit = Literal["money", "accounts", "posts", "share"]


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
    unit : {"money", "accounts", "posts", "share"}
        What `low` and `high` are stated in. A limit on a share of all fees counts money: see
        `Limit.of_spend`.
    low : float, default -inf
        Least total.
    high : float, default inf
        Greatest total.
    share : float, optional
        In a limit on a share of all fees the share that is asked for; None in others.
    is_implied : bool, default False
        Whether nobody asked for it by itself, so that it is always kept: it is neither told nor
        loosened, and no part of a conflict.

    Raises
    ------
    DataError
        If the name is empty, an option is negative or counted twice, a coefficient is not finite,
        lengths differ, neither side is bounded, `low` exceeds `high`, or the share is not from 0
        to 1.
    """

    name: str
    options: NDArray[np.int64]
    coefficients: NDArray[np.float64]
    unit: Unit
    low: float = -np.inf
    high: float = np.inf
    share: float | None = None
    is_implied: bool = False

    def __post_init__(self) -> None:
        options = frozen(self.options, np.int64)
        coefficients = frozen(self.coefficients, np.float64)
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
        if (self.unit == "share") != (self.share is not None and 0 <= self.share <= 1):
            raise DataError(
                f"{where}: got the share {self.share} and the unit {self.unit!r}; expected a share "
                "from 0 to 1 where that is the unit, and none elsewhere"
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

    @property
    def counts_money(self) -> bool:
        """Whether its coefficients count fees."""
        return self.unit in ("money", "share")

    @property
    def stated_low(self) -> float:
        """Least total as it was asked for: a share of all fees, or `low`."""
        return self.low if self.share is None or not np.isfinite(self.low) else self.share

    @property
    def stated_high(self) -> float:
        """Greatest total as it was asked for: a share of all fees, or `high`."""
        return self.high if self.share is None or not np.isfinite(self.high) else self.share

    @classmethod
    def of_spend(
        cls, name: str, of: ArrayLike, share: float, *, side: Literal["at least", "at most"]
    ) -> Self:
        """Limit on the share that some options have of all fees.

        Their fees less that share of all fees are 0 at least, or at most.

        Parameters
        ----------
        name : str
            What messages and shadow prices call it.
        of : array-like of 0 and 1, shape (n,)
            Which options of the problem the share is of.
        share : float
            Share, 0 to 1.
        side : {"at least", "at most"}
            Whether it is the least or the greatest.

        Returns
        -------
        Limit
            The limit.

        Examples
        --------
        >>> Limit.of_spend("on TikTok", [1, 0], 0.4, side="at most").coefficients
        array([ 0.6, -0.4])
        """
        counts = np.asarray(of, np.float64) - share
        low, high = (0.0, np.inf) if side == "at least" else (-np.inf, 0.0)
        return cls(name, np.arange(len(counts)), counts, "share", low, high, share)

    def with_share(self, share: float) -> Self:
        """The same limit on another share of all fees.

        Parameters
        ----------
        share : float
            The share, 0 to 1.

        Returns
        -------
        Limit
            The changed limit.
        """
        assert self.share is not None
        return replace(self, coefficients=self.coefficients + self.share - share, share=share)

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


def frozen(values: ArrayLike, kind: type[np.float64 | np.int64]) -> NDArray[Any]:
    """Copy of numbers that cannot be written to.

    Parameters
    ----------
    values : array-like
        Numbers.
    kind : type
        Type of the copy.

    Returns
    -------
    numpy.ndarray
        The copy.
    """
    array: NDArray[Any] = np.array(values, dtype=kind)
    array.setflags(write=False)
    return array
