"""How far a ranking went from the best baseline to what the observables allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.evaluation.scorers import BASELINES, baseline_scores
from matcher.world.judge.figures import single_row
from matcher.world.judge.oracle import oracle_inputs
from matcher.world.judge.rankings import ranking_figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.world.judge.bench import Bench
    from matcher.world.judge.figures import Figures
    from matcher.world.judge.observer import Observer
    from matcher.world.judge.oracle import Oracle
    from matcher.world.judge.rankings import Pool

__all__ = [
    "LATENT",
    "LEAST_GAP",
    "OBSERVABLES",
    "SHARED",
    "baseline_name",
    "ceiling_figures",
    "guess_outcomes",
    "share_rows",
]

LATENT: Final = "oracle: latent"
"""Ranks by the truth itself."""
OBSERVABLES: Final = "oracle: observables"
"""Ranks by what the truth is as far as the product's features tell."""
LEAST_GAP: Final = 0.02
"""Distance from the best baseline to the oracle below which no share of the way is stated."""
SHARED: Final = (
    ("outcome", "ndcg_at_10"),
    ("outcome", "regret_at_10"),
    ("choice", "ndcg_at_10"),
    ("choice", "auc_chosen"),
)
"""Targets and metrics of which a share of the way is stated."""
_LOWER_IS_BETTER: Final = frozenset({"regret_at_10"})
_N_RESAMPLES: Final = 1_000


def baseline_name(scorer: str) -> str:
    """Method under which a baseline stands in the rows.

    Parameters
    ----------
    scorer : str
        One of `matcher.evaluation.scorers.BASELINES`.

    Returns
    -------
    str
        Name.
    """
    return f"baseline: {scorer}"


def ceiling_figures(
    bench: Bench, pool: Pool, observer: Observer, oracle: Oracle | None
) -> dict[str, Figures]:
    """Figures of baselines and oracles over the pool of a ranking.

    Parameters
    ----------
    bench : Bench
        Truth.
    pool : Pool
        Pairs with their truth.
    observer : Observer
        The product's view of the same campaigns.
    oracle : Oracle or None
        Observables oracle of the world; None leaves it out.

    Returns
    -------
    dict
        Figures by method.
    """
    n = len(pool.pairs)
    scores = {name: np.full(n, np.nan) for name in BASELINES}
    seen = {"outcome": np.full(n, np.nan), "choice": np.full(n, np.nan)}
    outcomes = bench.outcome_names(pool.pairs["campaign_id"])
    for rows, matrix in observer.look(pool.pairs):
        for name, values in baseline_scores(observer.context, matrix, 0).items():
            scores[name][rows] = values
        if oracle is not None:
            inputs = oracle_inputs(matrix, bench.accounts["platform"])
            seen["outcome"][rows] = oracle.score_outcome(inputs, outcomes[rows])
            seen["choice"][rows] = oracle.score_choice(inputs)
    found = {baseline_name(name): ranking_figures(pool, score, given=False)
             for name, score in scores.items()}  # fmt: skip
    truth = {"outcome": pool.outcome, "choice": pool.utility}
    for name, asked in ((OBSERVABLES, seen), (LATENT, truth)):
        if name == OBSERVABLES and oracle is None:
            continue
        found[name] = {
            key: values
            for target, score in asked.items()
            for key, values in ranking_figures(pool, score, given=False).items()
            if key[0] == target
        }
    return found


def guess_outcomes(
    bench: Bench, pairs: pd.DataFrame, observer: Observer, oracle: Oracle
) -> pd.Series:
    """Outcome of pairs as the observables oracle expects it, over the mean of their campaign.

    Parameters
    ----------
    bench : Bench
        Truth, for the objectives.
    pairs : pandas.DataFrame
        ``campaign_id, account_id``; the rows of a campaign stand together.
    observer : Observer
        The product's view of the same campaigns.
    oracle : Oracle
        Oracle.

    Returns
    -------
    pandas.Series
        Factors above 0 by campaign and account.
    """
    found = np.full(len(pairs), np.nan)
    outcomes = bench.outcome_names(pairs["campaign_id"])
    for rows, matrix in observer.look(pairs):
        inputs = oracle_inputs(matrix, bench.accounts["platform"])
        found[rows] = np.exp(oracle.score_outcome(inputs, outcomes[rows]))
    return pd.Series(found, index=pd.MultiIndex.from_frame(pairs))


def share_rows(
    method: str,
    own: Figures,
    ceilings: Mapping[str, Figures],
    *,
    targets: Sequence[str] = ("outcome", "choice"),
) -> list[dict[str, Any]]:
    """Share of the way from the best baseline to the observables oracle.

    Parameters
    ----------
    method : str
        Who ranked.
    own : mapping
        Its figures.
    ceilings : mapping
        What `ceiling_figures` found, the observables oracle among them.
    targets : sequence of str
        What the ranking is meant to answer.

    Returns
    -------
    list of dict
        Per target and metric of `SHARED` a row ``gap_<metric>`` and a row ``share_<metric>``,
        which is NaN where the gap is at most `LEAST_GAP`; intervals by a paired bootstrap over
        campaigns, NaN where the gap itself is not above 0 in 97.5 % of the resamples.
    """
    rows: list[dict[str, Any]] = []
    for target, metric in SHARED:
        if target not in targets:
            continue
        columns = [own[target, metric], ceilings[OBSERVABLES][target, metric]]
        columns += [ceilings[baseline_name(name)][target, metric] for name in BASELINES]
        values = np.column_stack(columns)
        values = values[np.isfinite(values).all(axis=1)]
        if not len(values):
            continue
        signed = -values if metric in _LOWER_IS_BETTER else values
        means = signed.mean(axis=0)
        best = 2 + int(means[2:].argmax())
        gap = float(means[1] - means[best])
        share, low, high = np.nan, np.nan, np.nan
        if gap > LEAST_GAP:
            share = float((means[0] - means[best]) / gap)
            low, high = _interval(signed[:, [0, 1, best]])
        n = len(values)
        rows.append(single_row("ranking", method, target, f"gap_{metric}", gap, n=n))
        rows.append(
            single_row("ranking", method, target, f"share_{metric}", share, n=n, low=low, high=high)
        )
    return rows


def _interval(columns: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of the share, from resampled campaigns; the baseline stays the same."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(columns), size=(_N_RESAMPLES, len(columns)))
    own, oracle, base = columns[drawn].mean(axis=1).T
    gap = oracle - base
    # A share of a gap that may be 0 or less can be any number, and has no interval.
    if not np.quantile(gap, 0.025) > 0:
        return np.nan, np.nan
    usable = gap > 0
    low, high = np.quantile((own - base)[usable] / gap[usable], [0.025, 0.975])
    return float(low), float(high)
