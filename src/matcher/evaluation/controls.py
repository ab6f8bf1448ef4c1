"""The control on permuted labels: what the model's learners make of noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matcher.ranking.fit import TrainingRows, fit_deliver, fit_hire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matcher.config import Settings
    from matcher.ranking.boosting import BoostedRanker

__all__ = ["Learner", "permuted_columns", "permuted_learners", "score_asked"]

Learner: TypeAlias = Callable[[], tuple[NDArray[np.float64], NDArray[np.float64] | None]]
"""Fits and scores: for *hired*, and for *delivered* where it answers that too."""

_PERMUTED: Final = "permuted_"
_OPPOSITE: Final = "_opposite"


def score_asked(
    ranker: BoostedRanker | None, values: NDArray[np.float64], asked: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Score some pairs only.

    Parameters
    ----------
    ranker : BoostedRanker or None
        Ranker.
    values : numpy.ndarray of float64, shape (n_pairs, n_features)
        Features in the order of the ranker.
    asked : numpy.ndarray of bool, shape (n_pairs,)
        Pairs to score.

    Returns
    -------
    numpy.ndarray of float64, shape (n_pairs,)
        Scores; NaN for the others, and for all without a ranker.
    """
    scores = np.full(len(values), np.nan)
    if ranker is not None:
        scores[asked] = ranker.score(values[asked])
    return scores


def permuted_columns(columns: Iterable[str]) -> list[list[str]]:
    """Columns of the permuted control by draw.

    Parameters
    ----------
    columns : iterable of str
        Score columns, other scorers' among them.

    Returns
    -------
    list of list of str
        One list per draw.
    """
    draws: dict[str, list[str]] = {}
    for name in columns:
        if name.startswith(_PERMUTED):
            draws.setdefault(name.replace(_OPPOSITE, ""), []).append(name)
    return list(draws.values())


def permuted_learners(
    rows: TrainingRows,
    names: Sequence[str],
    values: NDArray[np.float64],
    *,
    settings: Settings,
    asked: NDArray[np.bool_],
) -> dict[str, Learner]:
    """Learners of all draws of the control, by score column.

    Parameters
    ----------
    rows : TrainingRows
        What the model was trained on.
    names : sequence of str
        Features of the model.
    values : numpy.ndarray of float64, shape (n_pairs, n_features)
        Features of the pairs to score.
    settings : Settings
        ``evaluation.n_permutations`` draws; two fits each for *hired*.
    asked : numpy.ndarray of bool, shape (n_pairs,)
        Pairs whose delivery is judged.

    Returns
    -------
    dict of str to callable
        Jobs that share nothing they write to.
    """
    learners: dict[str, Learner] = {}
    for number in range(settings.evaluation.n_permutations):
        name = f"{_PERMUTED}{number}"
        learners[name] = partial(_permuted, rows, names, values, settings, number, asked)
        learners[name + _OPPOSITE] = partial(_opposite, rows, names, values, settings, number)
    return learners


def _permuted(
    rows: TrainingRows,
    names: Sequence[str],
    values: NDArray[np.float64],
    settings: Settings,
    number: int,
    asked: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The model's own learners on labels and outcomes shuffled within campaigns."""
    draw, shuffled, rng = _shuffled(rows, settings, number)
    outcomes = rows.outcomes.copy()
    order = pd.Series(rng.random(len(outcomes)), index=outcomes.index)
    outcomes["outcome"] = _reordered(outcomes["campaign_id"], outcomes["outcome"], order)
    deliver, _ = fit_deliver(replace(rows, outcomes=outcomes), names, _single(settings))
    hire = _fit_shuffled(rows, names, settings, draw, shuffled)
    return hire.score(values), score_asked(deliver, values, asked)


def _opposite(
    rows: TrainingRows,
    names: Sequence[str],
    values: NDArray[np.float64],
    settings: Settings,
    number: int,
) -> tuple[NDArray[np.float64], None]:
    """The other half of a permuted draw: the same rows with opposite labels.

    What a learner makes of noise points one way or the other along the features' common direction,
    so that single fits lie far from chance; the two of a draw lie about opposite.

    References
    ----------
    Hammersley and Morton, A new Monte Carlo technique: antithetic variates, Mathematical
    Proceedings of the Cambridge Philosophical Society 52 (1956).
    """
    draw, shuffled, _ = _shuffled(rows, settings, number)
    shuffled[draw] = ~shuffled[draw]
    return _fit_shuffled(rows, names, settings, draw, shuffled).score(values), None


def _single(settings: Settings) -> Settings:
    return settings.model_copy(update={"ranker": settings.ranker.model_copy(update={"n_draws": 1})})


def _fit_shuffled(
    rows: TrainingRows,
    names: Sequence[str],
    settings: Settings,
    draw: NDArray[np.int64],
    shuffled: NDArray[np.bool_],
) -> BoostedRanker:
    return fit_hire(
        replace(rows, draws=(draw,)), names, _single(settings), hired=shuffled, constrained=False
    )


def _shuffled(
    rows: TrainingRows, settings: Settings, number: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], np.random.Generator]:
    """Labels shuffled within campaigns: the chosen at random, and as many others."""
    rng = np.random.default_rng([settings.evaluation.seed, number])
    codes = rows.matrix.pairs.brief_codes
    shuffled = np.zeros_like(rows.hired)
    kept = []
    for code in np.unique(codes):
        inside = np.flatnonzero(codes == code)
        size = min(int(rows.hired[inside].sum()), len(inside) // 2)
        chosen = rng.choice(inside, size=2 * size, replace=False)
        shuffled[chosen[:size]] = True
        kept.append(chosen)
    return np.sort(np.concatenate(kept)), shuffled, rng


def _reordered(campaigns: pd.Series, values: pd.Series, order: pd.Series) -> pd.Series:
    """Values of each campaign dealt out anew by rising `order`."""
    frame = pd.DataFrame({"campaign": campaigns, "value": values, "order": order})
    rank = frame.groupby("campaign")["order"].rank(method="first")
    frame["rank"] = rank
    dealt = frame.sort_values(["campaign", "value"])["value"].to_numpy()
    place = frame.sort_values(["campaign", "rank"]).index
    return pd.Series(dealt, index=place).reindex(frame.index)
