"""The best plan by known values: exact for values that add up, greedy with swaps for others."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import linprog

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Solution", "solve_additive", "solve_greedily"]

_STATES: Final = 100_000
"""Partial plans that are followed at most; what is dropped beyond shows as a gap."""
_ROUNDING: Final = 1e-12
_SWAPPED: Final = 20
"""Accounts of the highest value alone that are tried in place of a chosen one."""


@dataclass(frozen=True)
class Solution:
    """Accounts of a plan.

    Parameters
    ----------
    chosen : numpy.ndarray of int64
        Rows, rising.
    value : float
        Value of the plan.
    gap : float
        Share of the value by which another plan can be better at most; NaN where nothing bounds it.
    """

    chosen: NDArray[np.int64]
    value: float
    gap: float


def solve_additive(
    values: NDArray[np.float64], fees: NDArray[np.float64], *, budget: float, limit: int
) -> Solution:
    """Accounts of the highest sum of values within a budget and a number of accounts.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n,)
        Value of each account, 0 or more.
    fees : numpy.ndarray of float64, shape (n,)
        Fee of each account; one without a fee cannot be chosen.
    budget : float
        Sum of fees at most; infinite for none.
    limit : int
        Accounts at most.

    Returns
    -------
    Solution
        Exact: accounts whose choice the linear relaxation settles are fixed, all sets of the others
        followed unless a bound or another set rules them out.

    Examples
    --------
    >>> found = solve_additive(np.array([6.0, 5.0, 5.0]), np.array([10.0, 6.0, 4.0]), budget=10.0,
    ...                        limit=3)
    >>> found.chosen.tolist(), found.value
    ([1, 2], 10.0)
    """
    usable = np.flatnonzero(np.isfinite(fees) & (values > 0) & (fees <= budget))
    if not len(usable) or limit < 1:
        return Solution(np.zeros(0, dtype=np.int64), 0.0, 0.0)
    usable = usable[_not_outdone(values[usable], fees[usable], limit)]
    if not np.isfinite(budget):
        chosen = usable[np.argsort(-values[usable], kind="stable")[:limit]]
        return Solution(np.sort(chosen), float(values[chosen].sum()), 0.0)
    rows, bound = _branch(values[usable], fees[usable], budget, limit)
    chosen = np.sort(usable[rows])
    value = float(values[chosen].sum())
    return Solution(chosen, value, max(bound / value - 1.0, 0.0) if bound > value else 0.0)


def _branch(
    values: NDArray[np.float64], fees: NDArray[np.float64], budget: float, limit: int
) -> tuple[NDArray[np.int64], float]:
    """Best plan, and a bound of what any plan can be worth, 0 where it is certainly the best."""
    prices, relaxed = _relax(values, fees, budget, limit)
    reduced = values - prices[0] * fees - prices[1]
    by_rate, by_value = (
        _take(order, fees, budget, limit)
        for order in (np.argsort(-values / np.maximum(fees, 1e-12)), np.argsort(-values))
    )
    best = max(by_rate, by_value, _take(np.argsort(-reduced), fees, budget, limit),
               key=lambda rows: values[rows].sum())  # fmt: skip
    reached = float(values[best].sum())
    # A better plan has every account in, or out, whose other choice would cost it too much.
    slack = _ROUNDING * relaxed
    is_open = relaxed - np.abs(reduced) >= reached - slack
    fixed = np.flatnonzero(~is_open & (reduced > 0))
    core = np.flatnonzero(is_open)
    core = core[np.argsort(-np.abs(reduced[core]), kind="stable")]
    rest = np.append(np.cumsum(np.maximum(reduced[core], 0.0)[::-1])[::-1], 0.0)
    fee, value = np.array([fees[fixed].sum()]), np.array([values[fixed].sum()])
    count, taken = np.array([len(fixed)]), np.zeros((1, len(core)), dtype=np.bool_)
    if fee[0] > budget or count[0] > limit:
        return best, 0.0
    if value[0] > reached:
        best, reached = fixed, float(value[0])
    dropped = 0.0
    for place, row in enumerate(core.tolist()):
        if not len(fee):
            break
        more = (fee + fees[row] <= budget) & (count < limit)
        with_it = taken[more].copy()
        with_it[:, place] = True
        taken = np.concatenate([taken, with_it])
        fee = np.concatenate([fee, fee[more] + fees[row]])
        value = np.concatenate([value, value[more] + values[row]])
        count = np.concatenate([count, count[more] + 1])
        top = int(value.argmax())
        if value[top] > reached:
            best = np.concatenate([fixed, core[taken[top]]])
            reached = float(values[best].sum())
        bound = value + prices[0] * (budget - fee) + prices[1] * (limit - count) + rest[place + 1]
        keep = np.flatnonzero(bound > reached + slack)
        keep = keep[_unbeaten(fee[keep], value[keep], count[keep])]
        if len(keep) > _STATES:
            keep = keep[np.argsort(-bound[keep], kind="stable")]
            dropped = max(dropped, float(bound[keep[_STATES]]))
            keep = keep[:_STATES]
        fee, value, count, taken = fee[keep], value[keep], count[keep], taken[keep]
    return best, dropped


def _relax(
    values: NDArray[np.float64], fees: NDArray[np.float64], budget: float, limit: int
) -> tuple[tuple[float, float], float]:
    """Prices of money and of a place in the plan, and the value, of plans of parts of accounts."""
    found = linprog(
        -values / values.max(),
        A_ub=np.vstack([fees / budget, np.ones(len(fees))]),
        b_ub=np.array([1.0, float(limit)]),
        bounds=(0, 1),
        method="highs",
    )
    money, place = np.maximum(-np.asarray(found.ineqlin.marginals), 0.0) * values.max()
    prices = float(money) / budget, float(place)
    rest = np.maximum(values - prices[0] * fees - prices[1], 0.0).sum()
    # Weak duality: a bound whatever the prices are.
    return prices, prices[0] * budget + prices[1] * limit + float(rest)


def _take(
    order: NDArray[np.intp], fees: NDArray[np.float64], budget: float, limit: int
) -> NDArray[np.int64]:
    """Accounts taken in some order while they can be paid."""
    chosen: list[int] = []
    left = budget
    for row in order.tolist():
        if len(chosen) < limit and fees[row] <= left:
            chosen.append(row)
            left -= float(fees[row])
    return np.array(chosen, dtype=np.int64)


def _unbeaten(
    fee: NDArray[np.float64], value: NDArray[np.float64], count: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Partial plans that no other of as many accounts beats in fee and value."""
    order = np.lexsort((-value, fee, count))
    kept: list[NDArray[np.int64]] = []
    for part in np.split(order, np.flatnonzero(np.diff(count[order])) + 1):
        highest = np.maximum.accumulate(value[part]) if len(part) else value[part]
        is_new = np.ones(len(part), dtype=np.bool_)
        is_new[1:] = value[part][1:] > highest[:-1]
        kept.append(part[is_new])
    return np.concatenate(kept)


def _not_outdone(
    values: NDArray[np.float64], fees: NDArray[np.float64], limit: int
) -> NDArray[np.bool_]:
    """Accounts that fewer than `limit` others beat in both value and fee.

    Of a best plan with another account in it, at least one of those that beat it is left out and
    can take its place.
    """
    order = np.lexsort((-values, fees))
    best: list[float] = []
    kept = np.zeros(len(values), dtype=np.bool_)
    for row in order.tolist():
        # The highest values among cheaper accounts; equal ones of equal fee count by their order.
        if len(best) < limit or values[row] > best[0]:
            kept[row] = True
            heapq.heappush(best, float(values[row]))
            if len(best) > limit:
                heapq.heappop(best)
    return kept


def solve_greedily(
    value: Callable[[NDArray[np.int64]], float],
    fees: NDArray[np.float64],
    *,
    budget: float,
    limit: int,
    candidates: NDArray[np.int64],
) -> Solution:
    """Plan grown by gain per fee, or by gain, whichever ends higher, and improved by swaps.

    Parameters
    ----------
    value : callable
        Value of a set of rows: never less for more of them, and with ever smaller gains.
    fees : numpy.ndarray of float64, shape (n,)
        Fee of each account; one without a fee cannot be chosen.
    budget : float
        Sum of fees at most.
    limit : int
        Accounts at most.
    candidates : numpy.ndarray of int64
        Rows that are looked at.

    Returns
    -------
    Solution
        Its gap is unknown.

    References
    ----------
    Leskovec et al., Cost-effective outbreak detection in networks, KDD 2007: the better of both
    orders, with gains that are only looked at again where they could still be the highest.
    """
    rows = candidates[np.isfinite(fees[candidates])]
    alone = {row: value(np.array([row])) for row in rows.tolist()}
    grown = [
        _grow(value, fees, alone, budget=budget, limit=limit, per_fee=per_fee)
        for per_fee in (True, False)
    ]
    best = max(grown, key=lambda plan: _worth(value, plan))
    best = _swap(value, fees, alone, budget, best)
    return Solution(np.sort(np.array(best, dtype=np.int64)), _worth(value, best), np.nan)


def _worth(value: Callable[[NDArray[np.int64]], float], plan: list[int]) -> float:
    return value(np.array(plan, dtype=np.int64)) if plan else 0.0


def _grow(
    value: Callable[[NDArray[np.int64]], float],
    fees: NDArray[np.float64],
    alone: dict[int, float],
    *,
    budget: float,
    limit: int,
    per_fee: bool,
) -> list[int]:
    def rate(row: int, gain: float) -> float:
        return gain / max(float(fees[row]), 1e-12) if per_fee else gain

    # A gain is an upper bound of the later gains of the same account.
    heap = [(-rate(row, gain), row, 0) for row, gain in alone.items()]
    heapq.heapify(heap)
    chosen: list[int] = []
    reached, left = 0.0, budget
    while heap and len(chosen) < limit:
        bound, row, seen = heapq.heappop(heap)
        if fees[row] > left or bound >= 0:
            continue
        if seen < len(chosen):
            gain = _worth(value, [*chosen, row]) - reached
            heapq.heappush(heap, (-rate(row, gain), row, len(chosen)))
            continue
        chosen.append(row)
        reached, left = _worth(value, chosen), left - float(fees[row])
    return chosen


def _swap(
    value: Callable[[NDArray[np.int64]], float],
    fees: NDArray[np.float64],
    alone: dict[int, float],
    budget: float,
    chosen: list[int],
) -> list[int]:
    """One pass of exchanges of a chosen account for another that makes the plan better."""
    others = sorted(alone, key=lambda row: -alone[row])[:_SWAPPED]
    reached = _worth(value, chosen)
    for place in range(len(chosen)):
        rest = [*chosen[:place], *chosen[place + 1 :]]
        left = budget - float(fees[rest].sum())
        for row in others:
            if row in chosen or fees[row] > left:
                continue
            tried = _worth(value, [*rest, row])
            if tried > reached:
                chosen, reached = [*chosen[:place], row, *chosen[place + 1 :]], tried
    return chosen
