"""The control on permuted labels: what the model's learners make of noise."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matcher.ranking.fit import TrainingRows, fit_deliver, fit_hire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from matcher.config import Settings
    from matcher.ranking.boosting import BoostedRanker

__all__ = ["OPPOSITE", "Fit", "permuted_columns", "permuted_fits"]

Fit: TypeAlias = "Callable[[], tuple[BoostedRanker, BoostedRanker | None]]"
"""Fits a control: for *hired*, and for *delivered* where it answers that too."""

_PERMUTED: Final = "permuted_"
OPPOSITE: Final = "_opposite"
"""How those end that answer *hired* alone."""


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
            draws.setdefault(name.replace(OPPOSITE, ""), []).append(name)
    return list(draws.values())


def permuted_fits(rows: TrainingRows, names: Sequence[str], settings: Settings) -> dict[str, Fit]:
    """Fits of all draws of the control, by score column.

    Parameters
    ----------
    rows : TrainingRows
        What the model was trained on.
    names : sequence of str
        Features of the model.
    settings : Settings
        ``evaluation.n_permutations`` draws; two fits each for *hired*.

    Returns
    -------
    dict of str to callable
        Jobs that share nothing they write to.
    """
    fits: dict[str, Fit] = {}
    for number in range(settings.evaluation.n_permutations):
        name = f"{_PERMUTED}{number}"
        fits[name] = partial(_permuted, rows, names, settings, number)
        fits[name + OPPOSITE] = partial(_opposite, rows, names, settings, number)
    return fits


def _permuted(
    rows: TrainingRows, names: Sequence[str], settings: Settings, number: int
) -> tuple[BoostedRanker, BoostedRanker | None]:
    """The model's own learners on labels and outcomes shuffled within campaigns."""
    draw, shuffled, rng = _shuffled(rows, settings, number)
    outcomes = rows.outcomes.copy()
    order = pd.Series(rng.random(len(outcomes)), index=outcomes.index)
    outcomes["outcome"] = _reordered(outcomes["campaign_id"], outcomes["outcome"], order)
    deliver, _ = fit_deliver(replace(rows, outcomes=outcomes), names, _single(settings))
    return _fit_shuffled(rows, names, settings, draw, shuffled), deliver


def _opposite(
    rows: TrainingRows, names: Sequence[str], settings: Settings, number: int
) -> tuple[BoostedRanker, None]:
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
    return _fit_shuffled(rows, names, settings, draw, shuffled), None


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
