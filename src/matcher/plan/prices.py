"""What each chosen option and each binding limit of a plan is worth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.arguments import check_type
from matcher.errors import UsageError
from matcher.plan.bound import Relaxation
from matcher.plan.drop_outs import drop_outs
from matcher.plan.pool import Pool
from matcher.plan.problem import Problem
from matcher.plan.results import OptionPrice, Prices, Solution
from matcher.plan.search import Search, best_exchange
from matcher.plan.shadows import Shadows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.results import Frontier

__all__ = ["price"]

_N_TANGENTS: Final = 120
_LIMITS_SHARE: Final = 0.4
"""Part of the time for the limits at most; the rest is for the options."""
_MOST_PLANS: Final = 4
"""Plans, each better than the one before, of which options are priced at most."""


def price(
    problem: Problem,
    solution: Solution,
    *,
    seconds: float = 30.0,
    seed: int = 0,
    varied: str = "budget",
    wider: Problem | None = None,
    frontier: Frontier | None = None,
    account: NDArray[np.int64] | None = None,
) -> Prices:
    """Prices of the options and limits of a plan.

    Parameters
    ----------
    problem : Problem
        The problem.
    solution : Solution
        Its plan.
    seconds : float, default 30
        Time limit. What it cuts off is NaN.
    seed : int, default 0
        Seed of all draws.
    varied : str, default "budget"
        Name of the limit with which what can be bought varies.
    wider : Problem, optional
        The same problem with what only a greater total of that limit buys behind its options.
    frontier : Frontier, optional
        Plans of `wider` within other totals of that limit. Solving again starts from them too, and
        their bounds hold for what it can show.
    account : numpy.ndarray of int, shape (n,), optional
        The account that each option is a package of. What drives an account out is a plan without
        any of its packages. By default each option is an account of its own.

    Returns
    -------
    Prices
        The price at which an option's account drops out is proven for problems of up to 40 options
        and where the objective adds up, otherwise found by solving again, while time is left, those
        first that the plan would miss most; each says how it was found. Shadow prices come from the
        linear program that proves the best bound, and beside them what re-solving a loosened
        problem brings. Where a search comes upon a plan within the limits that is worth more than
        the one given, the prices are of that plan.

    Raises
    ------
    UsageError
        If the plan breaks a limit of the problem, the time is not above 0, or not every option
        has an account.

    Examples
    --------
    >>> from matcher.plan.linear import Limit
    >>> from matcher.plan.solve import solve
    >>> budget = Limit.over("budget", [1, 1, 1], unit="money", high=10.0)
    >>> three = Problem(np.array([3.0, 4, 5]), np.array([4.0, 5, 7]), np.arange(3), (budget,))
    >>> first = price(three, solve(three)).options[0]
    >>> first.option, first.marginal, first.drop_out_fee
    (0, 3.0, 5.0)
    """
    check_type(problem, Problem, where="price: problem")
    check_type(solution, Solution, where="price: solution")
    broken = problem.violations(solution.chosen)
    if broken or not seconds > 0:
        raise UsageError(
            f"price: got {seconds:g} seconds and a plan that breaks {len(broken)} limits "
            f"({[one.name for one in broken[:5]]}); expected seconds above 0 and the problem's plan"
        )
    account = np.arange(problem.n_options) if account is None else np.asarray(account, np.int64)
    if account.shape != (problem.n_options,):
        raise UsageError(
            f"price: got accounts of shape {account.shape}; expected one of each of the "
            f"{problem.n_options} options"
        )
    began = time.perf_counter()
    relaxation = Relaxation(problem)
    relaxation.tighten(_N_TANGENTS, until=began + 0.2 * seconds, enough=solution.objective)
    shadows = Shadows(
        problem, solution, relaxation, seed=seed, varied=varied, wider=wider, frontier=frontier
    )
    shadows.solve(until=began + _LIMITS_SHARE * seconds)
    options: tuple[OptionPrice, ...] | None = None
    for n_left in reversed(range(_MOST_PLANS)):
        options, better = _price_options(
            problem, shadows.best, relaxation, account=account, until=began + seconds, seed=seed,
            is_last=not n_left,
        )  # fmt: skip
        if better is None:
            break
        shadows.adopt(better)
    assert options is not None
    return Prices(
        options, shadows.told(), time.perf_counter() - began, shadows.best, shadows.loosened()
    )


def _price_options(
    problem: Problem,
    solution: Solution,
    relaxation: Relaxation,
    *,
    account: NDArray[np.int64],
    until: float,
    seed: int,
    is_last: bool,
) -> tuple[tuple[OptionPrice, ...], NDArray[np.int64] | None]:
    """Prices of the options of a plan, or a plan within the limits that is worth more."""
    everything = np.arange(problem.n_options)
    whole = Search(Pool.of(problem, everything), solution.chosen.tolist())
    swaps = {
        option: best_exchange(whole, option, others=problem.person != problem.person[option])
        for option in solution.chosen.tolist()
    }
    fees = drop_outs(
        problem, solution, relaxation, account=account, until=until, seed=seed, is_last=is_last
    )
    if fees.better is not None:
        return (), fees.better
    return tuple(
        OptionPrice(
            option,
            solution.objective - problem.objective(solution.chosen[solution.chosen != option]),
            *fees.fees[option],
            swap,
            worth - solution.objective if swap >= 0 else np.nan,
            float(problem.fee[swap] - problem.fee[option]) if swap >= 0 else np.nan,
        )
        for option, (worth, swap) in swaps.items()
    ), None
