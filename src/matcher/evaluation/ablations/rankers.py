"""The two rankers of the model on some of its columns: fitted as training fits them, and scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher.ranking.fit import fit_deliver, fit_hire
from matcher.ranking.forecast import fit_forecast_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.pair_features import FeatureMatrix
    from matcher.ranking.boosting import BoostedRanker
    from matcher.ranking.fit import TrainingRows
    from matcher.ranking.forecast import ForecastRows

__all__ = ["DELIVERED", "Rankers", "fit_rankers", "score_columns"]

DELIVERED = "@delivered"
"""How columns end that hold scores for the question *delivered*."""


@dataclass(frozen=True)
class Rankers:
    """Answers to the two questions.

    Parameters
    ----------
    names : tuple of str
        Columns that they score.
    hire : BoostedRanker or None
        None without a column to learn from.
    deliver : BoostedRanker or None
        None as well where too few outcomes were known.
    """

    names: tuple[str, ...]
    hire: BoostedRanker | None
    deliver: BoostedRanker | None


def fit_rankers(
    rows: TrainingRows,
    forecast: ForecastRows | None,
    names: Sequence[str],
    settings: Settings,
) -> Rankers:
    """Rankers that learn from some columns of training rows.

    Parameters
    ----------
    rows : TrainingRows
        Training rows.
    forecast : ForecastRows or None
        What the forecast from posts learns from, as far as its columns are among `names`.
    names : sequence of str
        Columns to learn from.
    settings : Settings
        Settings.

    Returns
    -------
    Rankers
        With all columns of the model, the rankers of the model.

    Raises
    ------
    SupportError
        If no campaign has both hired and other candidates.
    """
    if not names:
        return Rankers((), None, None)
    hire = fit_hire(rows, names, settings)
    foreseen = None
    if forecast is not None:
        foreseen, _ = fit_forecast_rows(forecast, names, settings)
    deliver, _ = fit_deliver(rows, names, settings, forecast=foreseen)
    return Rankers(tuple(names), hire, deliver)


def score_columns(
    name: str, rankers: Rankers, matrix: FeatureMatrix, asked: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Scores of pairs under both questions, as columns of a scored frame.

    Parameters
    ----------
    name : str
        Name of the row that they are for.
    rankers : Rankers
        Rankers.
    matrix : FeatureMatrix
        All candidates of some campaigns.
    asked : numpy.ndarray of bool, shape (n_pairs,)
        Pairs whose delivery is judged; others get no score for it.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (n_pairs,)
        Under `name` and ``name@delivered``. Rankers without a column know no candidate from
        another: all score 0, and a ranker that is not there gives NaN.
    """
    hired = np.zeros(len(matrix.pairs))
    delivered = np.full(len(matrix.pairs), np.nan)
    if rankers.hire is not None:
        values = matrix.relative(rankers.names)
        hired = rankers.hire.score(values)
        if rankers.deliver is not None:
            delivered[asked] = rankers.deliver.score(values[asked])
    return {name: hired, name + DELIVERED: delivered}
