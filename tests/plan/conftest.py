from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array

from matcher.plan.problem import Limit, Problem
from matcher.plan.reach import Reach


def random_problem(
    seed: int, *, overlap: bool = True, n: int = 8, feasible: bool = False
) -> Problem:
    """Random options with limits of every kind; fees and coefficients with awkward decimals."""
    rng = np.random.default_rng(seed)
    fee = np.round(rng.lognormal(3, 1, n), 2)
    person = np.sort(rng.integers(0, n, n)) if rng.random() < 0.5 else np.arange(n)
    groups = rng.integers(0, 3, n)
    posts = rng.integers(1, 4, n)
    limits = [
        Limit.over("budget", np.ones(n), unit="money", high=fee.sum() * rng.uniform(0.2, 0.7)),
        Limit.over("number", np.ones(n), unit="accounts", high=rng.integers(2, n)),
        Limit.over("posts", posts, unit="posts", high=rng.integers(3, 9)),
        Limit.over("group 0", groups == 0, unit="accounts", low=rng.integers(0, 2)),
        Limit.over("group 1", groups == 1, unit="accounts", low=0, high=rng.integers(1, 3)),
        Limit.over("spend 2", groups == 2, unit="money", high=fee.sum() * rng.uniform(0.1, 0.5)),
        Limit.of_spend("share of 1", groups == 1, rng.uniform(0.2, 0.9), side="at most"),
    ]
    if feasible:
        limits = [limit for limit in limits if limit.name != "group 0"]
    value = np.round(rng.normal(5, 4, n), 3)
    if not overlap:
        return Problem(value, fee, person, tuple(limits))
    m = int(rng.integers(2, 12))
    shares = rng.uniform(0, 1, (n, m)) * (rng.random((n, m)) < 0.5)
    kind = rng.integers(3)
    if kind == 0:
        shares = (shares > 0).astype(float)
    evenness = np.inf if kind < 2 else rng.uniform(0.05, 3.0, m)
    reach = Reach(csr_array(shares), rng.uniform(0, 10, m), evenness)
    return Problem(
        value, fee, person, tuple(limits), reach, rng.uniform(0.5, 2), rng.choice([0, 0.2])
    )


def all_choices(problem: Problem) -> list[tuple[int, ...]]:
    """Every choice within the limits."""
    return [
        some
        for size in range(problem.n_options + 1)
        for some in combinations(range(problem.n_options), size)
        if not problem.violations(some)
    ]


def best_by_enumeration(problem: Problem) -> float:
    """Greatest objective of all choices; -inf where there is none."""
    return max((problem.objective(some) for some in all_choices(problem)), default=-np.inf)


def best_with(problem: Problem, option: int, *, held: bool) -> float:
    """Greatest objective of the choices that hold an option, or of those that do not."""
    return max(
        (problem.objective(some) for some in all_choices(problem) if (option in some) == held),
        default=-np.inf,
    )


@pytest.fixture(scope="session")
def small() -> SimpleNamespace:
    """Problems small enough to enumerate, and the enumeration; modules cannot import a conftest."""
    return SimpleNamespace(
        problem=random_problem,
        choices=all_choices,
        best=best_by_enumeration,
        best_with=best_with,
    )
