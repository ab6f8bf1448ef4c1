"""How true the prices are at which accounts drop out of a plan, where they are not proven.

``python benchmarks/bench_dropout.py [--seeds 4001 4002] [--kinds adds] [--most 12] [--seconds 15]``

Problems have 60 to 600 options under a budget, a number, tiers and platforms with a share of the
spend; the budget pays for about an eighth of the options, so that plans hold 8 to 75. `adds` has
values that add up, `even` and `uneven` count people once over cells. The prices of `price` are
compared with proven ones (`drop_out_fee`, up to two minutes each) or, where that is too slow, with
bisection: the fee is raised and lowered, and the problem solved with the option held and without
it, each from the plan and with ten times the exchanges. `--most` options of each plan are looked
at. A price is counted as true within 5 %.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.sparse import csr_array

from matcher.errors import ConflictError
from matcher.plan.dropout import drop_out_fee, without_options
from matcher.plan.linear import Limit
from matcher.plan.prices import price
from matcher.plan.problem import Problem
from matcher.plan.reach import Reach
from matcher.plan.results import Solution
from matcher.plan.solve import solve

KINDS = ("adds", "even", "uneven")
SIZES = (60, 120, 300, 600)
NEAR = 0.05


def instance(seed: int, *, kind: str, n: int) -> Problem:
    """A problem of a size; three packages per person, the dearer the more they bring."""
    rng = np.random.default_rng([seed, n])
    n_persons, packages = n // 3, np.tile([1, 2, 3], n // 3)
    person = np.repeat(np.arange(n_persons), 3)
    size = rng.lognormal(0, 1, n_persons)[person]
    fee = np.round(10 * size**0.8 * rng.lognormal(0, 0.4, n_persons)[person] * packages, 2) + 1
    tier, platform = np.digitize(size, [0.5, 1.5, 4]), (rng.integers(0, 3, n_persons))[person]
    budget = float(np.sort(fee)[: max(n // 2, 1)].sum() / 3)
    limits = (
        Limit.over("budget", np.ones(n), unit="money", high=budget),
        Limit.over("number", np.ones(n), unit="accounts", high=n // 8),
        Limit.over("tier 2", tier == 2, unit="accounts", low=2),
        Limit.over("tier 0", tier == 0, unit="accounts", high=max(n // 16, 2)),
        Limit.of_spend("platform 1", platform == 1, 0.4, side="at most"),
    )
    if kind == "adds":
        value = size * packages * rng.lognormal(0, 0.2, n)
        return Problem(value, fee, person, limits)
    m = 60
    topic, cell_topic = rng.integers(0, 6, n_persons)[person], rng.integers(0, 6, m)
    drawn = rng.random((n_persons, m))[person]
    own = (topic[:, None] == cell_topic) | (drawn < 0.15)
    shares = own * np.minimum(0.05 * size * packages, 0.8)[:, None] * rng.beta(4, 4, (n, m))
    evenness = np.inf if kind == "even" else 0.3
    reach = Reach(csr_array(shares), rng.lognormal(0, 1, m), evenness)
    return Problem(np.zeros(n), fee, person, limits, reach)


def held_by(problem: Problem, option: int, fee: float) -> Problem:
    """The problem in which the option costs a fee and has to be chosen."""
    counts = np.arange(problem.n_options) == option
    held = Limit.over("held", counts, unit="accounts", low=1)
    return problem.with_fee(option, fee).with_limits([*problem.limits, held])


def by_bisection(problem: Problem, found: Solution, option: int, seconds: float) -> float:
    """Fee up to which a plan with the option is worth no less than the best one without."""
    rival = solve(without_options(problem, [option]), seconds=4.0 * seconds, steps=20_000)
    low, high = 0.0, 40.0 * float(problem.fee[option])
    start = problem.fee[option]
    if found.objective >= rival.objective:
        low = float(start)
    while high > low * 1.01 and high > 1e-6:
        middle = min(2.0 * low, 0.5 * (low + high)) if low else 0.5 * high
        there = held_by(problem, option, middle)
        try:
            worth = solve(there, seconds=seconds, steps=20_000).objective
        except ConflictError:
            worth = -np.inf
        if worth >= rival.objective * (1.0 - 1e-9):
            low = middle
        else:
            high = middle
    return low


def show(problem: Problem, label: str, options: argparse.Namespace) -> None:
    """One line: how many prices are near those that are proven or solved again."""
    found = solve(problem, seconds=options.seconds)
    began = time.perf_counter()
    prices = price(problem, found, seconds=options.seconds)
    taken = time.perf_counter() - began
    rng = np.random.default_rng(0)
    looked = rng.permutation(len(prices.options))[: options.most]
    ratios, proven = {"proven": [], "re-solved": [], "estimate": []}, 0
    for place in looked:
        one = prices.options[place]
        exact = drop_out_fee(problem, one.option, seconds=options.patience)
        if exact is None:
            exact = by_bisection(problem, found, one.option, options.patience / 8)
        else:
            proven += 1
        if np.isinf(exact) or np.isinf(one.drop_out_fee):
            ratio = 1.0 if exact == one.drop_out_fee else np.inf
        else:
            ratio = one.drop_out_fee / exact
        how = "proven" if one.drop_out_how == "exact" else one.drop_out_how
        ratios.setdefault(how, []).append(ratio)
    parts = []
    for how, held in ratios.items():
        off = np.abs(np.array(held) - 1.0)
        near = f"{np.mean(off <= NEAR):.0%} of {len(off)}" if len(off) else "–"
        worst = f"{np.nanmax(off):.0%}" if len(off) else "–"
        parts.append(f"{how}: {near} near, worst {worst}")
    print(
        f"| {label} | {len(found.chosen)} of {problem.n_options} | {taken:.1f} | {proven} "
        f"| {' | '.join(parts)} |",
        flush=True,
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[4001, 4002])
    parser.add_argument("--kinds", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--most", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--patience", type=float, default=20.0)
    options = parser.parse_args()
    print("| problem | chosen | prices, s | proven below | proven | re-solved | estimates |")
    print("|---|--:|--:|--:|---|---|---|")
    for kind in options.kinds:
        for n in options.sizes:
            for seed in options.seeds:
                show(instance(seed, kind=kind, n=n), f"{kind}, seed {seed}", options)


if __name__ == "__main__":
    main()
