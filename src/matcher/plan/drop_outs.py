"""The fees at which the options of a plan drop out, each as surely as there is time for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.plan.dropout import drop_out_fee, greatest_fee_by_exchanges
from matcher.plan.pool import Pool
from matcher.plan.programs import best_choice
from matcher.plan.resolved import GAP, Prover, Resolver
from matcher.plan.search import Search, anneal, best_exchange, improve
from matcher.plan.solve import FEW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.plan.bound import Relaxation
    from matcher.plan.problem import Problem
    from matcher.plan.programs import Choice
    from matcher.plan.results import DropOutHow, Solution

__all__ = ["DropOuts", "drop_outs"]

_N_POOL: Final = 400
_N_STEPS: Final = (200, 3000)
"""Exchanges tried for the best plan without an option, where the objective adds up (programs find
better ones) and where it does not."""
_ESTIMATE_SHARE: Final = 0.25
"""Part of the time in which plans without each option are looked for, and in which all fees are
estimated; the rest proves them or solves again."""
_ANYWAY: Final = 0.05
"""Seconds for the estimate of one option, however late it is."""
_LEAST_SECONDS: Final = 1.5
"""Time that the price of one option has to be made surer."""
_REBUILD_SECONDS: Final = 0.3
_REBUILD_GAP: Final = 0.01
_MORE: Final = 1e-6
"""Relative; what a plan has to be worth more so that it counts as better."""
_FINER: Final = 0.1
"""Part of the usual gap with which a fee is tried to be proven again."""
_AFTERWARDS: Final = 0.05
"""Part of the time in which estimates are made better in the end."""


def drop_outs(
    problem: Problem,
    solution: Solution,
    relaxation: Relaxation,
    *,
    account: NDArray[np.int64],
    until: float,
    seed: int,
    is_last: bool = False,
) -> DropOuts:
    """Fee at which the account of each chosen option drops out, and how it was found.

    Plans without an option are those without any option of its account: where no plan does
    without the account, no fee drives it out, though a plan may hold another package of it.

    Fees of problems of up to 40 options are proven. Of others all are estimated first, however
    short the time is, then proven to within 5 % where the objective adds up, or found by solving
    again, while time is left: those first that the plan would miss most.

    Parameters
    ----------
    problem : Problem
        The problem.
    solution : Solution
        Its plan.
    relaxation : Relaxation
        Of the problem; not moved.
    account : numpy.ndarray of int, shape (n,)
        The account that each option is a package of.
    until : float
        Instant of `time.perf_counter` at which it ends.
    seed : int
        Seed of all draws.
    is_last : bool, default False
        Whether fees are told also where a plan without an option is worth more than the plan.

    Returns
    -------
    DropOuts
        Fees, or a better plan.
    """
    chosen = solution.chosen.tolist()
    mates = {one: np.flatnonzero(account == account[one]) for one in chosen}
    found: dict[int, tuple[float, DropOutHow]] = {}
    if problem.n_options <= FEW:
        for place, option in enumerate(chosen):
            left = (until - time.perf_counter()) / (len(chosen) - place)
            fee = None
            if left > 0:
                fee = drop_out_fee(problem, option, seconds=left, mates=mates[option])
            if fee is not None:
                found[option] = (fee, "exact")
    rest = {option: mates[option] for option in chosen if option not in found}
    better = None
    if rest:
        more = _larger(problem, solution, rest, relaxation, until, seed, is_last=is_last)
        found, better = found | more.fees, more.better
    # The plan itself holds each option at its own fee; below that only imprecision leads.
    return DropOuts(
        {
            option: (float(np.maximum(fee, problem.fee[option])), how)
            for option, (fee, how) in found.items()
        },
        better,
    )


@dataclass(frozen=True)
class DropOuts:
    """Fees at which options drop out.

    Parameters
    ----------
    fees : dict of int to tuple of float and str
        By option: the fee, inf where none drives it out and NaN where no plan without it was found
        in time, and one of `matcher.plan.results.DropOutHow`.
    better : numpy.ndarray of int, or None
        A plan that is worth more than the one that was to be priced; fees are then not told.
    """

    fees: dict[int, tuple[float, DropOutHow]]
    better: NDArray[np.int64] | None = None


def _better(
    problem: Problem, solution: Solution, rivals: Sequence[NDArray[np.int64]]
) -> NDArray[np.int64] | None:
    """The best of some plans where it is surely worth more than the plan."""
    best = max(rivals, key=problem.objective, default=None)
    if best is None:
        return None
    more = problem.objective(best) - solution.objective
    return best if more > _MORE * abs(solution.objective) else None


def _larger(
    problem: Problem,
    solution: Solution,
    mates: Mapping[int, NDArray[np.int64]],
    relaxation: Relaxation,
    until: float,
    seed: int,
    *,
    is_last: bool,
) -> DropOuts:
    ranked = np.arange(problem.n_options)
    if relaxation.kept:
        ranked = np.argsort(-relaxation.reduced(), kind="stable")
    few = Pool.of(problem, np.union1d(ranked[:_N_POOL], solution.chosen))
    began = time.perf_counter()
    part = _ESTIMATE_SHARE * (until - began)
    rivals, needed = _rivals(
        problem, few, solution, mates, relaxation, until=began + part, seed=seed
    )
    if not is_last and (better := _better(problem, solution, rivals)) is not None:
        return DropOuts({}, better)
    guesses = {}
    for place, (option, same) in enumerate(mates.items()):
        now = time.perf_counter()
        late = now + max((began + 2.0 * part - now) / (len(mates) - place), _ANYWAY)
        guesses[option] = _estimate(problem, solution, few, option, same, rivals, until=late)
    found = {option: guess.told for option, guess in guesses.items()}
    found |= dict.fromkeys(needed, (np.inf, "exact"))
    missed = [problem.objective(np.setdiff1d(solution.chosen, [one])) for one in mates]
    order = np.array(list(mates), np.int64)[np.argsort(missed, kind="stable")]
    surer = _Surer(problem, solution, relaxation, mates)
    for place, option in enumerate(order.tolist()):
        now = time.perf_counter()
        if option in needed or now >= until:
            continue
        share = (until - now) / (len(order) - place)
        late = now + max(share, min(until - now, _LEAST_SECONDS))
        found[option] = surer.fee(option, guesses[option], until=late) or found[option]
        if not is_last and (better := _better(problem, solution, surer.rivals)) is not None:
            return DropOuts({}, better)
    if surer.prover is not None:
        # What was proven of some options is a better rival of those that are estimates still.
        rivals += surer.prover.rivals
        late = time.perf_counter() + _AFTERWARDS * (until - began)
        _estimate_again(problem, solution, few, mates, rivals, found, until=late)
    return DropOuts(found)


def _rivals(
    problem: Problem,
    pool: Pool,
    solution: Solution,
    mates: Mapping[int, NDArray[np.int64]],
    relaxation: Relaxation,
    *,
    until: float,
    seed: int,
) -> tuple[list[NDArray[np.int64]], set[int]]:
    """The plan and plans without each of some accounts, and those that no plan does without."""
    rivals, needed = [solution.chosen], set()
    steps = _N_STEPS[problem.has_overlap]
    for place, (option, same) in enumerate(mates.items()):
        now = time.perf_counter()
        late = now + (until - now) / (len(mates) - place)
        rival = _without(pool, rivals, option, same, until=late, seed=seed, steps=steps)
        if rival is None and all(np.isin(same, one).any() for one in rivals):
            choice = _rebuilt(problem, relaxation, same, seconds=late - now)
            rival = choice.chosen
            if choice.is_impossible:
                needed.add(option)
        rivals += [] if rival is None else [rival]
    return rivals, needed


def _estimate_again(
    problem: Problem,
    solution: Solution,
    pool: Pool,
    mates: Mapping[int, NDArray[np.int64]],
    rivals: Sequence[NDArray[np.int64]],
    found: dict[int, tuple[float, DropOutHow]],
    *,
    until: float,
) -> None:
    """Estimates by better plans without each option, put in the place of those at hand."""
    for option in [one for one, (_, how) in found.items() if how == "estimate"]:
        if time.perf_counter() >= until:
            return
        found[option] = _estimate(
            problem, solution, pool, option, mates[option], rivals, until=until
        ).told


@dataclass(frozen=True)
class _Guess:
    """An estimate, with the plans that it rests on."""

    fee: float
    rival: NDArray[np.int64] | None
    payable: NDArray[np.int64]

    @property
    def told(self) -> tuple[float, DropOutHow]:
        if self.rival is None:
            return np.nan, "unknown"
        return self.fee, "estimate"


class _Surer:
    """Prices that are better than estimates, by what the problem allows."""

    def __init__(
        self,
        problem: Problem,
        solution: Solution,
        relaxation: Relaxation,
        mates: Mapping[int, NDArray[np.int64]],
    ) -> None:
        self.problem, self.relaxation, self.solution = problem, relaxation, solution
        self.mates = mates
        self.prover = None if problem.has_overlap else Prover(problem)
        self._resolver: Resolver | None = None

    @property
    def rivals(self) -> list[NDArray[np.int64]]:
        """Plans without an option that were found."""
        held = self.prover or self._resolver
        return [] if held is None else held.rivals

    def fee(self, option: int, guess: _Guess, *, until: float) -> tuple[float, DropOutHow] | None:
        """Proven fee, or one found by solving again; None where time is too short for both."""
        if self.prover is not None and guess.rival is not None:
            for gap in (GAP, _FINER * GAP):
                fee = self.prover.fee(
                    option, self.mates[option], guess.rival, guess.payable, until=until, gap=gap
                )
                if fee is not None or time.perf_counter() >= until:
                    break
            return None if fee is None else (fee, "proven")
        if guess.rival is None or not np.isfinite(guess.fee):
            return None
        if self._resolver is None:
            self._resolver = Resolver(self.problem, self.solution, self.relaxation, self.mates)
        fee = self._resolver.fee(option, max(guess.fee, 1e-12), guess.rival, until=until)
        return None if fee is None else (fee, "re-solved")


def _estimate(
    problem: Problem,
    solution: Solution,
    pool: Pool,
    option: int,
    same: NDArray[np.int64],
    rivals: Sequence[NDArray[np.int64]],
    *,
    until: float,
) -> _Guess:
    """Fee at which exchanges no longer pay for an option; rivals of the others may be its too."""
    without = [one for one in rivals if not np.isin(same, one).any()]
    rival = max(without, key=problem.objective, default=None)
    worth = -np.inf if rival is None else min(problem.objective(rival), solution.objective)
    search = Search(pool, pool.places(solution.chosen).tolist())
    place = int(pool.places(np.array([option]))[0])
    fee = greatest_fee_by_exchanges(problem, search, place, worth, until=until)
    return _Guess(fee, rival, np.sort(pool.options[search.chosen]))


def _rebuilt(
    problem: Problem, relaxation: Relaxation, same: NDArray[np.int64], *, seconds: float
) -> Choice:
    """A plan without an account where no exchange of one for one makes one, if there is any."""
    gains = relaxation.kept[0].gains if relaxation.kept else problem.gains
    others = ~np.isin(np.arange(problem.n_options), same)
    seconds = max(seconds, _REBUILD_SECONDS)
    return best_choice(problem, gains, seconds=seconds, gap=_REBUILD_GAP, among=others)


def _without(
    pool: Pool,
    known: list[NDArray[np.int64]],
    option: int,
    same: NDArray[np.int64],
    *,
    until: float,
    seed: int,
    steps: int,
) -> NDArray[np.int64] | None:
    """Best plan that exchanges find without an option's account; None where they find none.

    They begin at the best of the plans at hand, of which the first, the plan itself, holds it.
    """
    place = int(pool.places(np.array([option]))[0])
    search = Search(pool, pool.places(known[0]).tolist())
    search.barred = np.isin(pool.options, same)
    worth, coming = best_exchange(search, place)
    kept = [one for one in search.chosen if one != place]
    starts = [
        pool.places(one).tolist()
        for one in known[1:]
        if not np.isin(same, one).any() and np.isin(one, pool.options).all()
    ]
    if worth > -np.inf:
        starts.append([*kept, coming] if coming >= 0 else kept)
    if not starts:
        return None
    search.stand(max(starts, key=lambda one: pool.worth(one, pool.rate_sums(one))))
    rng = np.random.default_rng([seed, place])
    best, _ = anneal(search, steps=steps, rng=rng, until=until)
    search.stand(best)
    improve(search, until=until)
    return np.sort(pool.options[search.chosen])
