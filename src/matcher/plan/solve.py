"""Plans: the best choice of options that can be found, with a bound that no choice exceeds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.arguments import check_count, check_type
from matcher.errors import ConflictError, UsageError
from matcher.plan.bound import Relaxation
from matcher.plan.conflicts import conflict_message, explain_conflict
from matcher.plan.exact import prove_best
from matcher.plan.pool import Pool
from matcher.plan.problem import Problem
from matcher.plan.programs import Choice, best_choice
from matcher.plan.results import Solution
from matcher.plan.search import Search, anneal, improve
from matcher.plan.start import (
    check_start,
    choose_by_score_per_fee,
    is_dear_to_climb,
    round_greedily,
    round_parts,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["FEW", "Run", "finish", "solve"]

N_STEPS: Final = 20_000
"""Exchanges that `solve` tries unless told otherwise."""
_N_TANGENTS: Final = 250
"""Linear programs for the bound."""
_N_FIRST: Final = 12
"""Of these, those before the first plan where that is rounded from the relaxation."""
_N_POOL: Final = (150, 600)
"""Least and greatest number of options that are exchanged: those whose multipliers say that they
may count."""
_POOL_PAIRS: Final = 60_000
"""Pairs of an option and a cell that they have together, between the two."""
FEW: Final = 40
"""Options up to which a problem goes straight to the proof."""
_PROVABLE: Final = 60_000
"""Options times cells (those that meet) up to which a proof is tried."""
_FIRST_SECONDS: Final = 5.0
"""Time that the first plan has in any case."""
_SMALL_SHARE: Final = 0.15
"""Part of the time that the rounding may take, and the bound by whole options."""


class Run:
    """One problem being solved; `solve` goes through its phases in order.

    Parameters
    ----------
    problem : Problem
        The problem.
    seconds : float
        Time for all phases.
    gap : float
        Relative gap at which nothing more is tried.
    seed : int
        Seed of all draws.
    relaxation : Relaxation, optional
        One that stands at this problem; made anew otherwise.
    patience : float, optional
        Time that the first plan has however little `seconds` are. Given for one of many problems,
        which leaves out the choice by score per fee and the explanation of a conflict.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seconds: float,
        gap: float,
        seed: int,
        relaxation: Relaxation | None = None,
        patience: float | None = None,
    ) -> None:
        self.problem, self.gap = problem, gap
        self.is_hurried = patience is not None
        self.patience = _FIRST_SECONDS if patience is None else patience
        self.began = time.perf_counter()
        self.seconds, self.until = seconds, self.began + seconds
        self.rng = np.random.default_rng(seed)
        self.chosen: NDArray[np.int64] | None = None
        self.worth = -np.inf
        self.bound = np.inf
        self.seconds_feasible = np.nan
        self.how: list[str] = []
        self.relaxation = Relaxation(problem) if relaxation is None else relaxation
        by_score = None if self.is_hurried else choose_by_score_per_fee(problem)
        self.greedy = np.nan if by_score is None else problem.objective(by_score)
        if by_score is not None:
            self.offer(by_score)

    @property
    def is_proved(self) -> bool:
        """Whether the plan is within the gap that was asked for."""
        return self.bound - self.worth <= max(self.gap, 1e-9) * abs(self.bound)

    @property
    def left(self) -> float:
        """Seconds left, from 0 on."""
        return max(0.0, self.until - time.perf_counter())

    def offer(self, chosen: NDArray[np.int64]) -> None:
        """Take a choice within the limits if it is the best so far.

        Parameters
        ----------
        chosen : numpy.ndarray of int
            The choice.
        """
        worth = self.problem.objective(chosen)
        if self.chosen is None:
            self.seconds_feasible = time.perf_counter() - self.began
        if worth > self.worth:
            self.chosen, self.worth = np.sort(chosen), worth

    def add_up(self) -> None:
        """Solve a problem whose objective adds up, by one integer program."""
        choice = best_choice(
            self.problem, self.problem.gains, seconds=self.left, gap=self.gap, start=self.chosen
        )
        self._settle(self._or_by_score(choice).chosen, choice.is_impossible)
        self.bound = min(choice.bound, self.relaxation.bound)
        self.how.append("an integer program found and bounded it")

    def begin(self) -> None:
        """Find a first plan within the limits, by rounding: see `is_dear_to_climb`."""
        if not self.relaxation.is_feasible:
            self._settle(None, True)
        seconds = self.seconds * _SMALL_SHARE
        if self.chosen is None or self.is_hurried:
            seconds = max(seconds, self.patience)
        is_dear = is_dear_to_climb(self.problem)
        if is_dear:
            until = self.began + self.seconds * _SMALL_SHARE
            self.relaxation.tighten(_N_FIRST, until=until)
            choice = round_parts(self.problem, self.relaxation.point, seconds=seconds)
        else:
            choice = round_greedily(self.problem, self.relaxation, seconds=seconds)
        choice = self._or_by_score(choice)
        if choice.chosen is None and not choice.is_impossible and self.chosen is None:
            seconds = max(self.left, self.patience)
            choice = best_choice(self.problem, self.problem.gains, seconds=seconds, gap=np.inf)
        self._settle(choice.chosen, choice.is_impossible)
        self.how.append(f"{'tangents' if is_dear else 'continuous greedy'} with rounding")

    def tighten(self, iterations: int = _N_TANGENTS) -> None:
        """Improve the bound by tangents.

        Parameters
        ----------
        iterations : int
            Linear programs to solve.
        """
        late = self.began + self.seconds * 0.6
        self.relaxation.tighten(
            iterations, until=late, enough=self.worth, least=0 if self.relaxation.kept else 5
        )
        self.bound = min(self.bound, self.relaxation.bound)

    def exchange(self, steps: int) -> None:
        """Improve the plan by exchanges among the options that may count.

        Parameters
        ----------
        steps : int
            Exchanges to try.
        """
        assert self.chosen is not None
        options, duals = np.arange(self.problem.n_options), None
        if self.relaxation.kept:
            duals = self.relaxation.kept[0].duals
            options = np.argsort(-self.relaxation.reduced(), kind="stable")[: self._n_pool]
        pool = Pool.of(self.problem, np.union1d(options, self.chosen), duals)
        search = Search(pool, pool.places(self.chosen).tolist())
        enough = self.bound * (1.0 - self.gap) if self.bound > 0 else np.inf
        late = self.until - 0.1 * self.seconds
        found, done = anneal(search, steps=steps, rng=self.rng, until=late, enough=enough)
        search.stand(found)
        improve(search, until=late)
        self.offer(pool.options[search.chosen])
        self.how.append(f"{done:,} exchanges")
        if done < steps and time.perf_counter() >= late:
            self.how.append("the time limit ended the search")

    @property
    def _n_pool(self) -> int:
        reach = self.problem.reach
        least, most = _N_POOL
        n_pairs = 0 if reach is None else reach.probability.nnz
        return min(max(_POOL_PAIRS * self.problem.n_options // max(n_pairs, 1), least), most)

    def polish(self) -> None:
        """Exchange single options, among all, until none makes the plan better."""
        assert self.chosen is not None
        pool = Pool.of(self.problem, np.arange(self.problem.n_options))
        search = Search(pool, self.chosen.tolist())
        improve(search, until=self.until)
        chosen = np.sort(np.array(search.chosen, np.int64))
        if not self.problem.violations(chosen):
            self.offer(chosen)

    def prove(self, most: int) -> None:
        """Prove the plan best, or find a better one, where the problem is small.

        Parameters
        ----------
        most : int
            Pairs of an option that may count and a cell that it reaches, up to which it is small.
        """
        assert self.chosen is not None
        reach = self.problem.reach
        assert reach is not None
        usable = np.ones(self.problem.n_options, bool)
        if self.relaxation.kept:
            at = self.relaxation.bound + self.relaxation.reduced()
            usable = (at >= self.worth) | (self.relaxation.reduced() >= 0)
            usable[self.chosen] = True
        if int(np.diff(reach.probability.indptr)[usable].sum()) <= most and self.left > 0:
            proof = prove_best(
                self.problem,
                start=self.chosen,
                usable=usable,
                seconds=self.left,
                gap=self.gap,
            )
            if proof.chosen is not None:
                self.offer(proof.chosen)
            self.bound = min(self.bound, max(proof.bound, self.worth))
            self.how.append(f"{proof.n_programs} integer programs with tangents")
            if not self.is_proved and not self.left:
                self.how.append("the time limit ended the proof")

    def bound_whole(self, seconds: float) -> None:
        """Bound the plan by the best tangent over whole options.

        Parameters
        ----------
        seconds : float
            Time limit.
        """
        seconds = min(self.left, seconds)
        self.bound = min(self.bound, self.relaxation.tighten_whole(seconds=seconds))

    def solution(self) -> Solution:
        """Best plan so far, with the best bound."""
        assert self.chosen is not None
        problem, chosen = self.problem, self.chosen
        reach = 0.0 if problem.reach is None else problem.reach.people_reached(chosen)
        return Solution(
            chosen,
            self.worth,
            float(problem.value[chosen].sum()),
            reach,
            problem.cost(chosen),
            max(self.bound, self.worth),
            "; ".join(self.how),
            self.greedy,
            self.seconds_feasible,
            time.perf_counter() - self.began,
        )

    def _or_by_score(self, choice: Choice) -> Choice:
        """The choice by score per fee where there is no other and it was left out before."""
        if not self.is_hurried or choice.chosen is not None or self.chosen is not None:
            return choice
        return (
            choice
            if choice.is_impossible
            else Choice(choose_by_score_per_fee(self.problem), choice.bound)
        )

    def _settle(self, chosen: NDArray[np.int64] | None, is_impossible: bool) -> None:
        if chosen is not None:
            self.offer(chosen)
        elif is_impossible and self.is_hurried:
            raise ConflictError("plan: no choice keeps to all limits")
        elif is_impossible:
            conflict = explain_conflict(self.problem, seconds=max(5.0, self.seconds))
            raise ConflictError(conflict_message(conflict), conflict)
        if self.chosen is None:
            raise UsageError(
                f"plan: no choice within the {len(self.problem.limits)} limits was found in "
                f"{self.seconds:g} s, nor proved impossible; give it more seconds"
            )


def solve(
    problem: Problem,
    *,
    seconds: float = 30.0,
    gap: float = 1e-4,
    seed: int = 0,
    start: ArrayLike | None = None,
    steps: int = N_STEPS,
) -> Solution:
    """Best plan that can be found, and a bound that no plan within the limits exceeds.

    An objective that adds up takes one integer program. One with overlap takes continuous greedy
    with rounding (a first plan), tangents (the bound), exchanges (better plans) and, where it is
    small enough, integer programs that prove the best plan. The answer is the same for the same
    seed unless the time limit cuts a phase short, which `Solution.how` says.

    Parameters
    ----------
    problem : Problem
        The problem.
    seconds : float, default 30
        Time limit; phases end earlier where their work is done.
    gap : float, default 1e-4
        Share of the bound by which a plan may fall short so that nothing more is tried; 0 asks
        for the best plan, as always for problems of up to 40 options.
    seed : int, default 0
        Seed of all draws.
    start : array-like of int, optional
        A plan within the limits to start from; the answer is worth no less.
    steps : int, default 20000
        Exchanges to try.

    Returns
    -------
    Solution
        The plan.

    Raises
    ------
    ConflictError
        If no plan keeps to all limits; the message says which conflict and by how much.
    UsageError
        If a setting is no usable number, the start breaks a limit, or no plan was found in time.

    Examples
    --------
    >>> import numpy as np
    >>> from matcher.plan.linear import Limit
    >>> budget = Limit.over("budget", [1, 1, 1], unit="money", high=10.0)
    >>> three = Problem(np.array([3.0, 4, 5]), np.array([4.0, 5, 7]), np.arange(3), (budget,))
    >>> solve(three).chosen
    array([0, 1])
    """
    check_type(problem, Problem, where="solve: problem")
    check_count(steps, where="solve: steps")
    if not (seconds > 0 and gap >= 0):
        raise UsageError(
            f"solve: got {seconds:g} seconds and a gap of {gap:g}; expected seconds above 0 and "
            "a gap from 0 on"
        )
    if problem.n_options <= FEW:
        gap = 0.0
    run = Run(problem, seconds=seconds, gap=gap, seed=seed)
    if start is not None:
        run.offer(check_start(problem, start))
    finish(run, steps=steps)
    return run.solution()


def finish(
    run: Run, *, steps: int, tangents: int = _N_TANGENTS, most: int = _PROVABLE, anew: bool = True
) -> None:
    """Go through all phases of a problem.

    Parameters
    ----------
    run : Run
        The problem.
    steps : int
        Exchanges to try.
    tangents : int
        Linear programs for the bound.
    most : int
        See `Run.prove`. Where it is less than by default, exchanges among all options and the
        bound by whole options are left out too.
    anew : bool, default True
        Whether to look for a first plan also where one is at hand.
    """
    if not run.problem.has_overlap:
        run.add_up()
        return
    if anew or run.chosen is None:
        run.begin()
    is_small = run.problem.n_options <= FEW
    run.tighten(20 if is_small else tangents)
    if not run.is_proved and not is_small:
        run.exchange(steps)
    if is_small or most >= _PROVABLE:
        run.polish()
    if not run.is_proved and most >= _PROVABLE:
        run.bound_whole(run.seconds * _SMALL_SHARE)
    if not run.is_proved:
        run.prove(most)
    run.how.append("bounded by tangents")
