"""How an outcome deviates from what is expected of it, learnt from hires, strongly penalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.ranking.linear import LinearModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from matcher.ranking.linear import PreparedColumns

__all__ = ["Adjustment", "fit_adjustment", "fit_log_rate", "split_campaigns"]

PENALTIES: Final = (30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 100_000.0)
"""Ridge penalties to choose from; the last leaves hardly more than a constant."""
N_BLOCKS: Final = 4
_CONSTANT: Final = 1.0
"""Value of the constant's column: it is penalised like a column of spread 1."""
_FORECAST: Final = 3.0
"""Spread of the forecast's own column, which makes good for a forecast that is too steep."""
_FREE: Final = 100.0
"""Value of a constant's column that is hardly penalised."""
_OVERDISPERSION: Final = 0.5
"""Variance of a count beyond its mean, over the square of its mean: a large campaign counts little
more than one with a handful of clicks."""


@dataclass(frozen=True, eq=False)
class Adjustment:
    """Regression fitted on all hires, and what those on parts of them say of the rest.

    Parameters
    ----------
    model : LinearModel
        Fitted on all.
    slope : float
        Change per unit of the forecast above that of the average candidate.
    unseen : numpy.ndarray of float64, shape (n_rows,)
        Prediction for each row by what was learnt from the blocks before; NaN in the first.
    penalty : float
        Penalty chosen.
    """

    model: LinearModel
    slope: float
    unseen: NDArray[np.float64]
    penalty: float


def split_campaigns(
    campaign_ids: NDArray[np.object_], decided: NDArray[np.datetime64]
) -> NDArray[np.int64]:
    """Block of time of each row; a campaign stands in one.

    The earliest two fifths of the campaigns are block 0, from which alone nothing is judged; the
    others make four blocks, each judged by what was learnt from all before it.

    Parameters
    ----------
    campaign_ids : numpy.ndarray of object, shape (n_rows,)
        Campaigns.
    decided : numpy.ndarray of datetime64, shape (n_rows,)
        Their decisions.

    Returns
    -------
    numpy.ndarray of int64, shape (n_rows,)
        0 to 4.
    """
    known, first, codes = np.unique(
        campaign_ids.astype(str), return_index=True, return_inverse=True
    )
    n = len(known)
    place = np.empty(n, dtype=np.int64)
    place[np.lexsort((known, decided[first]))] = np.arange(n)
    # Whole numbers throughout: a campaign on a border must not depend on rounding.
    later = 1 + (5 * place - 2 * n) * N_BLOCKS // (3 * n)
    return np.asarray(np.where(5 * place < 2 * n, 0, later)[codes], dtype=np.int64)


def fit_adjustment(
    values: NDArray[np.float64],
    targets: NDArray[np.float64],
    columns: PreparedColumns,
    names: Sequence[str],
    *,
    forecast: NDArray[np.float64],
    blocks: NDArray[np.int64],
) -> Adjustment:
    """Ridge regression whose penalty is chosen on later campaigns.

    Columns are taken as deviations from the average candidate, and the constant is penalised as
    one of them: what hires had beyond expectation is put down to what sets them apart from other
    candidates, and an average candidate is expected to get what its posts say.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_rows, n_columns)
        Columns of hires; NaN where missing.
    targets : numpy.ndarray of float64, shape (n_rows,)
        What an outcome had beyond expectation.
    columns : PreparedColumns
        What columns are like over all candidates.
    names : sequence of str
        Columns.
    forecast : numpy.ndarray of float64, shape (n_rows,)
        What was expected, less that of the average candidate.
    blocks : numpy.ndarray of int64, shape (n_rows,)
        From `split_campaigns`.

    Returns
    -------
    Adjustment
        Model and predictions of unseen campaigns.
    """
    from sklearn.linear_model import Ridge

    spread = max(float(forecast.std()), 1e-9)
    own = _FORECAST * forecast[:, None] / spread
    design = _with_constant(np.hstack([columns.design(values), own]), _CONSTANT)

    def fit(rows: NDArray[np.int64], penalty: float) -> NDArray[np.float64]:
        chosen = Ridge(penalty, fit_intercept=False).fit(design[rows], targets[rows])
        return np.asarray(chosen.coef_, dtype=np.float64)

    def loss(rows: NDArray[np.int64], predicted: NDArray[np.float64]) -> float:
        return float(((targets[rows] - predicted) ** 2).sum())

    weights, unseen, penalty = _choose(fit, loss, design, blocks)
    model = columns.model(names, weights[:-2], float(weights[-1] * _CONSTANT))
    return Adjustment(model, float(weights[-2]) * _FORECAST / spread, unseen, penalty)


def fit_log_rate(
    values: NDArray[np.float64],
    counts: NDArray[np.float64],
    exposures: NDArray[np.float64],
    columns: PreparedColumns,
    names: Sequence[str],
    *,
    blocks: NDArray[np.int64],
) -> Adjustment:
    r"""Log of a count per unit of exposure, by penalised Poisson regression.

    The weights are those of a negative binomial count, :math:`1 / (1 + \mu / 2)`, with
    :math:`\mu` the count expected at the common rate.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_rows, n_columns)
        Columns of hires; NaN where missing.
    counts : numpy.ndarray of float64, shape (n_rows,)
        Counts, 0 or more.
    exposures : numpy.ndarray of float64, shape (n_rows,)
        What they are a part of, above 0.
    columns : PreparedColumns
        What columns are like over all candidates.
    names : sequence of str
        Columns.
    blocks : numpy.ndarray of int64, shape (n_rows,)
        From `split_campaigns`.

    Returns
    -------
    Adjustment
        Model and predictions of unseen campaigns.

    References
    ----------
    McCullagh and Nelder, Generalized Linear Models (1989), chapters 6 and 9.
    """
    from sklearn.linear_model import PoissonRegressor

    # Half a count more overall keeps the logarithm of a rate without any count finite.
    common = (counts.sum() + 0.5) / exposures.sum()
    # In units of the common rate, so that the constant starts at 0.
    weights = common * exposures / (1.0 + _OVERDISPERSION * common * exposures)
    rates = counts / exposures / common
    design = _with_constant(columns.design(values), _FREE)

    def fit(rows: NDArray[np.int64], penalty: float) -> NDArray[np.float64]:
        if not counts[rows].any():
            return np.zeros(design.shape[1])
        chosen = PoissonRegressor(
            alpha=penalty / weights[rows].sum(), fit_intercept=False, solver="newton-cholesky",
            max_iter=200,
        )  # fmt: skip
        chosen.fit(design[rows], rates[rows], sample_weight=weights[rows])
        return np.asarray(chosen.coef_, dtype=np.float64)

    def loss(rows: NDArray[np.int64], predicted: NDArray[np.float64]) -> float:
        return float((weights[rows] * (np.exp(predicted) - rates[rows] * predicted)).sum())

    found, unseen, penalty = _choose(fit, loss, design, blocks)
    model = columns.model(names, found[:-1], float(found[-1] * _FREE + np.log(common)))
    return Adjustment(model, 0.0, unseen + np.log(common), penalty)


def _with_constant(design: NDArray[np.float64], constant: float) -> NDArray[np.float64]:
    return np.hstack([design, np.full((len(design), 1), constant)])


def _choose(
    fit: Callable[[NDArray[np.int64], float], NDArray[np.float64]],
    loss: Callable[[NDArray[np.int64], NDArray[np.float64]], float],
    design: NDArray[np.float64],
    blocks: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Weights by the penalty that does best on later blocks, and predictions of these."""
    best: tuple[float, float, NDArray[np.float64]] | None = None
    for penalty in PENALTIES:
        unseen, total = np.full(len(blocks), np.nan), 0.0
        for block in np.unique(blocks):
            inside, before = np.flatnonzero(blocks == block), np.flatnonzero(blocks < block)
            if len(before):
                unseen[inside] = design[inside] @ fit(before, penalty)
                total += loss(inside, unseen[inside])
        # Of equal ones the stronger penalty.
        if best is None or total <= best[0]:
            best = (total, penalty, unseen)
    assert best is not None
    return fit(np.arange(len(blocks)), best[1]), best[2], best[1]
