"""What the solver answers with: a choice and its certificate, a frontier, a conflict, prices.

The functions that give them are ``solve.solve(problem, *, seconds, gap, seed, start)``,
``frontier.trace_frontier(problem, budgets, *, limit, seconds, seed)``,
``conflicts.explain_conflict(problem, *, seconds)`` and
``prices.price(problem, solution, *, seconds, seed, wider, frontier, account)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from matcher.errors import DataError
from matcher.plan.linear import Unit, Violation

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Conflict",
    "ConflictPart",
    "DropOutHow",
    "Frontier",
    "FrontierPoint",
    "FrontierStatus",
    "OptionPrice",
    "Prices",
    "ShadowPrice",
    "Solution",
]

_ROUNDING = 1e-6
"""Relative; how far a proven bound may lie below a choice by the rounding of sums."""


@dataclass(frozen=True, eq=False)
class Solution:
    """A choice of options that keeps to all limits, and how good it surely is.

    Parameters
    ----------
    chosen : numpy.ndarray of int, shape (k,)
        Chosen options, ascending; may be empty.
    objective : float
        What the choice is worth.
    value : float
        Sum of the chosen options' values, unweighted.
    reach : float
        People reached, overlap removed; 0 where the problem has no reach.
    cost : float
        Sum of the fees.
    bound : float
        No choice within the limits is worth more; at least `objective`.
    how : str
        How the choice was found and the bound proved, as part of a sentence.
    greedy : float
        What the choice by score per fee is worth (options in that order, taken while the limits
        allow, minima first); NaN where that finds no choice within the limits.
    seconds_feasible, seconds : float
        Time until the first choice within the limits, and in all.

    Raises
    ------
    DataError
        If the bound lies below the objective.
    """

    chosen: NDArray[np.int64]
    objective: float
    value: float
    reach: float
    cost: float
    bound: float
    how: str
    greedy: float
    seconds_feasible: float
    seconds: float

    def __post_init__(self) -> None:
        scale = max(abs(self.objective), abs(self.bound))
        if not self.bound >= self.objective - _ROUNDING * scale:
            raise DataError(
                f"solution: got an upper bound of {self.bound:g} below the objective "
                f"{self.objective:g}"
            )

    @property
    def gap(self) -> float:
        """Share of the bound that may be missing, from 0 on: ``(bound - objective) / bound``.

        Infinite without a bound, and where the bound is 0 or less and not reached.
        """
        if np.isinf(self.bound):
            return np.inf
        if self.bound <= 0:
            return 0.0 if self.bound <= self.objective else np.inf
        return max(0.0, (self.bound - self.objective) / self.bound)


FrontierStatus = Literal["searched", "same", "carried", "impossible", "unknown"]
"""How a budget ended: its plan was searched for; the search found nothing better than the plan of a
smaller budget; time ran out before, and the best plan known that fits stands in; it is proved that
no plan fits; time ran out, and no plan is known."""


@dataclass(frozen=True)
class FrontierPoint:
    """What the best plan found within one budget is worth.

    Parameters
    ----------
    budget : float
        Greatest total of the limit that varies.
    solution : Solution or None
        The plan; None where the status is "impossible" or "unknown".
    status : {"searched", "same", "carried", "impossible", "unknown"}
        How the budget ended.

    Raises
    ------
    DataError
        If the status says that there is a plan and there is none, or the other way round.
    """

    budget: float
    solution: Solution | None
    status: FrontierStatus

    def __post_init__(self) -> None:
        if (self.solution is None) != (self.status in ("impossible", "unknown")):
            found = "no plan" if self.solution is None else "a plan"
            raise DataError(f"frontier: got {found} that is {self.status!r}")


@dataclass(frozen=True)
class Frontier:
    """Best plans found within rising budgets; never worth less within a larger one.

    Parameters
    ----------
    limit : str
        Name of the limit that varies.
    points : tuple of FrontierPoint
        By rising budget.
    least_budget : float
        Within less than this no plan keeps to the limits (a proven lower bound of it).
    seconds : float
        Time for all.

    Raises
    ------
    DataError
        If budgets do not rise or a plan is worth less than one within a smaller budget.
    """

    limit: str
    points: tuple[FrontierPoint, ...]
    least_budget: float
    seconds: float

    def __post_init__(self) -> None:
        budgets = [point.budget for point in self.points]
        if any(late <= early for early, late in pairwise(budgets)):
            raise DataError(f"frontier: budgets do not rise: {budgets[:5]}")
        worth = [point.solution.objective for point in self.points if point.solution is not None]
        if any(late < early for early, late in pairwise(worth)):
            raise DataError("frontier: a larger budget has a plan that is worth less")


@dataclass(frozen=True)
class ConflictPart:
    """One side of a limit that takes part in a conflict.

    Parameters
    ----------
    name : str
        The limit's name.
    side : {"at least", "at most"}
        Which bound.
    bound : float
        What it is now.
    give : float
        How far this bound alone would have to move for a plan to exist while everything else
        stays, in the limit's unit; NaN where moving it alone is not enough, or leaves no plan but
        one that hires nobody.
    joint_give : float
        How far it moves where all bounds give way together as little as possible, each measured
        relative to its size; 0 where another gives way instead.
    unit : {"money", "accounts", "posts", "share"}
        Of the three numbers; a share is one of all fees, 0 to 1.
    """

    name: str
    side: Literal["at least", "at most"]
    bound: float
    give: float
    joint_give: float
    unit: Unit


@dataclass(frozen=True, eq=False)
class Conflict:
    """Limits that cannot hold together, and what would have to give way.

    Parameters
    ----------
    parts : tuple of ConflictPart
        An irreducible set: they cannot hold together (with one option per person), and any of
        them left out, the others can.
    others : tuple of ConflictPart
        Further bounds that move in the joint way out; there may be more conflicts than one.
    chosen : numpy.ndarray of int
        A plan that the joint way out allows.
    broken : tuple of Violation
        The limits that this plan breaks, with what it comes to.
    is_irreducible : bool
        False where time ran out before every part was tried; the set is then a conflict still,
        but may hold more than it must.
    is_least : bool
        False where time ran out before it was proved that no less has to give way.
    """

    parts: tuple[ConflictPart, ...]
    others: tuple[ConflictPart, ...]
    chosen: NDArray[np.int64]
    broken: tuple[Violation, ...]
    is_irreducible: bool
    is_least: bool = True


DropOutHow = Literal["exact", "proven", "re-solved", "estimate", "unknown"]
"""How surely the price at which an option drops out is known."""


@dataclass(frozen=True)
class OptionPrice:
    """What a chosen option is worth in its plan.

    Parameters
    ----------
    option : int
        The chosen option.
    marginal : float
        Objective of the plan less that of the plan without it, the others fixed.
    drop_out_fee : float
        At a higher fee a plan without any package of its account is worth more; inf where no fee
        drives it out (a limit demands the account, or no limit counts money).
    drop_out_how : {"exact", "proven", "re-solved", "estimate", "unknown"}
        Whether the price is proven; proven to within 5 %; within 5 % of a fee at which plans that
        are found by solving again no longer hold the option; where exchanges that free money no
        longer beat the best plan that exchanges find without it; or no plan without it was found
        in time (NaN).
    swap : int
        The option of another person that replaces it best, the others fixed; -1 where none can.
    swap_change : float
        Change of the objective by the swap (at most 0 in a locally best plan); NaN without swap.
    swap_fee_change : float
        Change of the cost by the swap; NaN without swap.
    """

    option: int
    marginal: float
    drop_out_fee: float
    drop_out_how: DropOutHow
    swap: int
    swap_change: float
    swap_fee_change: float


@dataclass(frozen=True)
class ShadowPrice:
    """What a little more of a limit would bring.

    Parameters
    ----------
    name : str
        The limit's name.
    side : {"at least", "at most"}
        Which bound binds.
    unit : {"money", "accounts", "posts", "share"}
        Unit of `step`; a share is one of all fees, 0 to 1.
    lp_price : float
        Objective per unit of the limit in the relaxation in which options may be taken in part
        (its dual, for a share times what the plan spends); from 0 on.
    step : float
        How far the bound was loosened to verify it: 5 % of money, one percentage point of a share
        (less where less is left), one of the rest.
    change : float
        Change of the objective when the loosened problem is solved again, starting from the
        plan; from 0 on. The plan is the best that the same search finds without loosening.
    bound_change : float
        Upper bound of the loosened problem less the plan's objective: no re-solve can show more.
    """

    name: str
    side: Literal["at least", "at most"]
    unit: Unit
    lp_price: float
    step: float
    change: float
    bound_change: float

    @property
    def price(self) -> float:
        """Verified objective per unit: ``change / step``."""
        return self.change / self.step


@dataclass(frozen=True)
class Prices:
    """Prices of a plan's options and limits.

    Parameters
    ----------
    options : tuple of OptionPrice
        One per chosen option, in the order of the choice.
    limits : tuple of ShadowPrice
        One per bound that binds, or nearly: that could not give way by one step to the plan's
        advantage otherwise.
    seconds : float
        Time for all.
    solution : Solution
        The plan that these are prices of: the one given, or a better one within the same limits
        that solving again came upon.
    loosened : tuple of tuple of float and Solution
        Greatest totals of the limit that varies (see `matcher.plan.prices.price`) and the plans
        that solving again found within them.
    """

    options: tuple[OptionPrice, ...]
    limits: tuple[ShadowPrice, ...]
    seconds: float
    solution: Solution
    loosened: tuple[tuple[float, Solution], ...] = ()
