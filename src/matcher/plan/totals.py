"""Totals of a plan with joint ranges; people who are reached are counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.plan.objective import TRUST
from matcher.ranking.outcomes.distribution import scale_draws

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.plan.objective import Objective
    from matcher.plan.prepare import Prepared
    from matcher.plan.sources import ReachSource
    from matcher.ranking.outcomes.distribution import Distributions

__all__ = ["COUNTED", "LEVELS", "expected_outcome", "joint_draws", "tell_totals"]

COUNTED: Final = "counted"
"""Name of the total of what accounts count, where that is a quantile of what they bring."""
LEVELS: Final = {"low": 0.1, "median": 0.5, "high": 0.9}
"""Levels of the quantiles that are told."""
N_DRAWS: Final = 1_000
"""Joint draws of what accounts bring."""
_N_UNIONS: Final = 200
"""Joint draws in which people are counted once."""


def joint_draws(
    found: Mapping[str, Distributions], weights: Mapping[str, float]
) -> dict[str, NDArray[np.float64]]:
    """Joint draws of every outcome; accounts share part of their luck.

    Parameters
    ----------
    found : mapping of str to Distributions
        What n accounts bring, by outcome.
    weights : mapping of str to float
        Weight of each outcome of the objective.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (1000, n)
        By outcome, ``trust`` among them where it counts.
    """
    drawn = {name: held.draws(n_draws=N_DRAWS) for name, held in found.items()}
    if TRUST in weights:
        drawn[TRUST] = drawn["trust_proxy"] * drawn["reach"]
    return drawn


def expected_outcome(found: Mapping[str, Distributions], name: str) -> NDArray[np.float64]:
    """Mean of an outcome of the objective.

    Parameters
    ----------
    found : mapping of str to Distributions
        What n accounts bring, by outcome.
    name : str
        Outcome; ``trust`` is the rate times the people that it is of.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        From 0 on.
    """
    if name == TRUST:
        return np.asarray(found["trust_proxy"].mean() * found["reach"].mean())
    return found[name].mean()


def tell_totals(
    ready: Prepared,
    chosen: NDArray[np.int64],
    found: Mapping[str, Distributions],
    draws: Mapping[str, NDArray[np.float64]],
    *,
    worth: float,
) -> pd.DataFrame:
    """Sums over the plan with joint ranges; people once, twice and three times.

    Parameters
    ----------
    ready : Prepared
        What was solved, and what it was made of.
    chosen : numpy.ndarray of int64
        Options of the plan.
    found : mapping of str to Distributions
        What they bring, by outcome.
    draws : mapping of str to numpy.ndarray of float64
        Of `joint_draws`; scaled here, so that totals agree with the means.
    worth : float
        What the plan is worth by what its options count.

    Returns
    -------
    pandas.DataFrame
        As `matcher.plan.plans.Plan.totals`, the objective first; ``counted`` follows it where
        options count by a quantile.
    """
    draws = _scaled(found, draws)
    rows = []
    rates = [name for name, held in found.items() if held.kind == "rate"]
    for name, drawn in draws.items():
        if name in rates or name == "reach":
            continue
        rows.append(_total(name, float(expected_outcome(found, name).sum()), drawn.sum(axis=1)))
    unions = np.zeros(0)
    if ready.source is not None:
        place = ready.options.rows[chosen]
        unions = np.zeros(_N_UNIONS)
        if len(chosen):
            unions = ready.source.unions(place, draws["reach"][:_N_UNIONS])
        rows += _reached(ready.source, place, found["reach"].mean(), draws["reach"], unions)
    if ready.objective.main is None:
        rows.append(_mixed(ready.objective, rows, draws, unions))
    wish = ready.objective
    if ready.quantile is not None:
        rows.append({"outcome": COUNTED, "expected": worth})
    frame = pd.DataFrame(rows, columns=["outcome", "expected", *LEVELS])
    first = {name: place for place, name in enumerate([wish.name, *wish.weights, COUNTED])}
    order = frame["outcome"].map(lambda name: first.get(name, len(first)))
    return frame.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)


def _scaled(
    found: Mapping[str, Distributions], draws: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Draws that bring the mean of each account on average, so that totals agree with them."""
    rates = {name for name, held in found.items() if held.kind == "rate"}
    return {
        name: scale_draws(drawn, expected_outcome(found, name), is_whole=name not in rates)
        for name, drawn in draws.items()
    }


def _total(name: str, expected: float, drawn: NDArray[np.float64]) -> dict[str, Any]:
    ends = {part: float(np.quantile(drawn, level)) for part, level in LEVELS.items()}
    return {"outcome": name, "expected": expected, **ends}


def _reached(
    source: ReachSource,
    rows: NDArray[np.int64],
    mean: NDArray[np.float64],
    drawn: NDArray[np.float64],
    unions: NDArray[np.float64],
) -> list[dict[str, Any]]:
    counted = source.count(rows, mean)
    at_least = counted.at_least
    return [
        _total("reach", at_least[0], unions),
        {"outcome": "reach_2", "expected": at_least[1]},
        {"outcome": "reach_3", "expected": at_least[2]},
        _total("reach_sum", counted.counted_twice, drawn.sum(axis=1)),
        {"outcome": "reach_sainsbury", "expected": counted.sainsbury},
    ]


def _mixed(
    wish: Objective,
    rows: list[dict[str, Any]],
    draws: Mapping[str, NDArray[np.float64]],
    unions: NDArray[np.float64],
) -> dict[str, Any]:
    """Total of a mixed objective, in draws that all its outcomes share."""
    expected = {row["outcome"]: row["expected"] for row in rows}
    n = len(unions) if "reach" in wish.weights else N_DRAWS
    drawn = np.zeros(n)
    for name, weight in wish.weights.items():
        drawn += weight * (unions if name == "reach" else draws[name][:n].sum(axis=1))
    total = float(sum(weight * expected[name] for name, weight in wish.weights.items()))
    return _total(wish.name, total, drawn)
