"""How fast and how surely good plans are found: 5,000 candidates, 30 limits, 10,000 cells.

``python benchmarks/bench_plan.py [--seeds 1 2 3] [--kinds sets] [--patience 1]``

Candidates have a topic, a tier, a platform and so on, and reach cells mostly of their topic
(about 332,000 pairs); the budget pays for about 50 of them and minima of tiers, platforms and
categories bind. In `sets` each cell is reached wholly or not, in `shares` with probabilities, in
`uneven` the same with heavy users in each cell. Times are wall and processor seconds of one
process; on a machine with other work the processor's are what an idle one takes, and a patience
above 1 keeps the time limits (30 s, and 20 s for the frontier) from cutting off. Below stand a
problem whose objective adds up, one with three packages per candidate, and small problems against
enumeration.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from matcher.errors import ConflictError
from matcher.plan.frontier import trace_frontier
from matcher.plan.prices import price
from matcher.plan.problem import Limit, Problem
from matcher.plan.reach import Reach
from matcher.plan.solve import Run, solve

N, M, PAIRS, N_TOPICS = 5_000, 10_000, 336_000, 40
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
KINDS = {"sets": (True, np.inf), "shares": (False, np.inf), "uneven": (False, 1.0)}


def limits_of(
    rng: np.random.Generator, sizes: np.ndarray, topic: np.ndarray, budget: float
) -> tuple[Limit, ...]:
    """Thirty limits: budget, number, tiers, platforms, genders, categories, languages and more."""
    n = len(sizes)
    tier = np.digitize(sizes, [20, 60, 150, 400])
    platform = rng.choice(4, n, p=[0.45, 0.3, 0.15, 0.1])
    gender = rng.choice(2, n, p=[0.6, 0.4])
    language = rng.choice(2, n, p=[0.8, 0.2])

    def some(size: int) -> np.ndarray:
        return np.isin(np.arange(n), rng.choice(n, size, replace=False))

    limits = [
        Limit.over("budget", np.ones(n), unit="money", high=budget),
        Limit.over("number", np.ones(n), unit="accounts", low=20, high=80),
    ]
    limits.extend(
        Limit.over(f"tier {level} least", tier == level, unit="accounts", low=least)
        for level, least in ((0, 4), (1, 6), (2, 4))
    )
    limits.extend(
        Limit.over(f"tier {level} most", tier == level, unit="accounts", high=most)
        for level, most in ((2, 25), (3, 12), (4, 5))
    )
    for one, (least, share) in enumerate(((5, 0.5), (5, 0.4), (4, 0.3), (3, 0.25))):
        there = platform == one
        limits.append(Limit.over(f"platform {one}", there, unit="accounts", low=least, high=50))
        limits.append(Limit.over(f"spend {one}", there, unit="money", high=budget * share))
    limits.extend(
        Limit.over(f"gender {one}", gender == one, unit="accounts", low=8) for one in range(2)
    )
    limits.extend(
        Limit.over(f"category {one}", topic % 8 == one, unit="accounts", low=2, high=14)
        for one in range(8)
    )
    limits += [
        Limit.over("language 0", language == 0, unit="accounts", high=70),
        Limit.over("language 1", language == 1, unit="accounts", low=6),
        Limit.over("rivals", some(200), unit="accounts", high=1),
        Limit.over("earlier plan", some(60), unit="accounts", low=3),
    ]
    return tuple(limits)


def instance(seed: int, *, kind: str, budget: float, n_packages: int = 1) -> Problem:
    """A problem with overlap of the size above."""
    rng = np.random.default_rng(seed)
    is_sure, evenness = KINDS[kind]
    cell_topic = rng.integers(N_TOPICS, size=M)
    people = rng.lognormal(0, 1, M)
    cells_of = [np.flatnonzero(cell_topic == one) for one in range(N_TOPICS)]
    topic = rng.choice(N_TOPICS, N, p=rng.dirichlet(np.full(N_TOPICS, 2.0)))
    sizes = rng.lognormal(0, 1, N)
    sizes = np.clip(sizes / sizes.mean() * PAIRS / N, 3, 1500).astype(int)
    columns = []
    for one, size in zip(topic, sizes, strict=True):
        n_own = min(round(0.75 * size), len(cells_of[one]))
        own = rng.choice(cells_of[one], n_own, replace=False)
        columns.append(np.unique(np.concatenate([own, rng.integers(M, size=size - n_own)])))
    counts = [len(part) for part in columns]
    shares = np.ones(sum(counts)) if is_sure else rng.beta(1.2, 4, sum(counts))
    starts = np.concatenate([[0], np.cumsum(counts)])
    matrix = csr_array((shares, np.concatenate(columns), starts), shape=(N, M))
    fee = np.round(20 * sizes**0.8 * rng.lognormal(0, 0.4, N) / 5) * 5 + 10
    limits = limits_of(rng, sizes, topic, budget)
    person = np.arange(N)
    if n_packages > 1:
        # A second and third post cost less each and reach people who missed the first.
        rows = np.repeat(person, n_packages)
        posts = np.tile(np.arange(1, n_packages + 1), N)
        matrix = matrix[rows]
        matrix.data = 1 - (1 - matrix.data) ** np.repeat(posts, np.diff(matrix.indptr)) ** 0.5
        fee, person = fee[rows] * posts**0.8, rows
        limits = tuple(
            Limit.over(
                one.name, np.bincount(one.options, one.coefficients, minlength=N)[rows],
                unit=one.unit, low=one.low, high=one.high,
            )
            for one in limits
        )  # fmt: skip
    reach = Reach(matrix, people / people.sum(), evenness)
    return Problem(np.zeros(len(fee)), fee, person, limits, reach, 1.0, 0.0)


def timed(call: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, str]:
    """What a call gives, with its wall and processor seconds as text."""
    wall, processor = time.perf_counter(), time.process_time()
    given = call(*arguments, **options)
    return given, f"{time.perf_counter() - wall:.2f} / {time.process_time() - processor:.2f}"


def certificate(problem: Problem, seconds: float) -> tuple[float, float, float]:
    """First plan, then its first certificate, as `solve` comes to them."""
    run = Run(problem, seconds=seconds, gap=1e-4, seed=0)
    run.begin()
    first = run.worth
    run.tighten()
    return run.seconds_feasible, first, run.bound


def show_coverage(kinds: list[str], seeds: list[int], budget: float, patience: float) -> None:
    """Table of the coverage instances."""
    print("| instance | first plan, s | certified, s | gap then | solved, s | its gap |", end="")
    print(" greedy falls short | frontier, s | its worst gap | prices, s |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for kind in kinds:
        for seed in seeds:
            problem = instance(seed, kind=kind, budget=budget)
            assert len(problem.limits) == 30, len(problem.limits)
            (feasible, first, bound), certified = timed(certificate, problem, 30.0 * patience)
            found, whole = timed(solve, problem, seconds=30.0 * patience)
            budgets = [share * budget for share in SHARES]
            frontier, traced = timed(trace_frontier, problem, budgets, seconds=20.0 * patience)
            gaps = [one.solution.gap for one in frontier.points if one.solution is not None]
            _, priced = timed(price, problem, found, seconds=30.0 * patience)
            shortfall = 1 - found.greedy / found.objective
            print(
                f"| {kind} {seed} | {feasible:.2f} | {certified} | {1 - first / bound:.1%} "
                f"| {whole} | {found.gap:.1%} | {shortfall:.1%} | {traced} "
                f"| {max(gaps):.1%} ({len(gaps)} plans) | {priced} |",
                flush=True,
            )


def show_others(seed: int, budget: float, patience: float) -> None:
    """A problem that adds up, and one with packages."""
    shares = instance(seed, kind="shares", budget=budget)
    alone = np.asarray(shares.reach.probability @ shares.reach.people)
    adding = Problem(alone, shares.fee, shares.person, shares.limits)
    for name, problem in (
        ("adds up", adding),
        ("three packages each", instance(seed, kind="shares", budget=budget, n_packages=3)),
    ):
        found, whole = timed(solve, problem, seconds=30.0 * patience)
        print(
            f"{name}: {problem.n_options:,} options, gap {found.gap:.3%} after {whole} s, "
            f"first plan after {found.seconds_feasible:.2f} s; greedy falls "
            f"{1 - found.greedy / found.objective:.1%} short"
        )


def show_exactness(n_problems: int) -> None:
    """Small problems against enumeration."""
    n_same = n_impossible = 0
    worst = 0.0
    for seed in range(n_problems):
        rng = np.random.default_rng(seed)
        n, m = 12, 8
        fee = np.round(rng.lognormal(3, 1, n), 2)
        shares = rng.uniform(0, 1, (n, m)) * (rng.random((n, m)) < 0.5)
        limits = (
            Limit.over("budget", np.ones(n), unit="money", high=fee.sum() * rng.uniform(0.2, 0.6)),
            Limit.over("number", np.ones(n), unit="accounts", high=int(rng.integers(3, 8))),
            Limit.over("some", rng.random(n) < 0.4, unit="accounts", low=int(rng.integers(0, 4))),
        )
        reach = Reach(csr_array(shares), rng.uniform(0, 10, m), rng.choice([1.0, np.inf]))
        problem = Problem(rng.normal(1, 1, n), fee, np.arange(n) // 2, limits, reach)
        choices = [some for size in range(7) for some in combinations(range(n), size)]
        worths = [problem.objective(some) for some in choices if not problem.violations(some)]
        try:
            found = solve(problem, gap=0.0)
        except ConflictError:
            n_impossible += not worths
            continue
        worst = max(worst, abs(found.objective - max(worths)) / abs(max(worths)))
        n_same += np.isclose(found.objective, max(worths), rtol=1e-9)
    print(
        f"{n_problems} small problems: best plan found in {n_same}, proved impossible in "
        f"{n_impossible}; largest relative difference {worst:.1e}"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--budget", type=float, default=22_000.0)
    parser.add_argument("--kinds", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--patience", type=float, default=1.0, help="factor of all time limits")
    parser.add_argument("--small", type=int, default=50)
    options = parser.parse_args()
    print("Seconds are wall / processor.\n")
    show_coverage(options.kinds, options.seeds, options.budget, options.patience)
    print()
    show_others(options.seeds[0], options.budget, options.patience)
    show_exactness(options.small)


if __name__ == "__main__":
    main()
