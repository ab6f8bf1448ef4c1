"""What a model states beside its scores: the chance of a hire, the range of an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.ranking.calibration import pool_percentiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.truth import Truth
    from matcher.features.pair_features import FeatureMatrix
    from matcher.ranking.model import Model

__all__ = ["STATED_COLUMNS", "state_pairs"]

STATED_COLUMNS: Final = (
    "stated_fit",
    "stated_low",
    "stated_high",
    "stated_mean",
    "usual_low",
    "usual_high",
    "n_past_hires",
)
"""Chance of a hire; ends of the 80 % range and mean of what a hire brings, known outcomes only; the
range that followers times the multiplier of past hires would give; earlier hires of the account."""


def state_pairs(
    model: Model, matrix: FeatureMatrix, hire: NDArray[np.float64], truth: Truth
) -> pd.DataFrame:
    """What a model states of the candidates of some campaigns.

    Parameters
    ----------
    model : Model
        Model closed before.
    matrix : FeatureMatrix
        Features of all candidates of each campaign.
    hire : numpy.ndarray of float64, shape (n_pairs,)
        Their scores for being hired.
    truth : Truth
        What happened: outcomes are predicted for known hires alone, with as many posts as they had.

    Returns
    -------
    pandas.DataFrame
        `STATED_COLUMNS` by pair; NaN where nothing is stated.
    """
    pairs = matrix.pairs
    found = {name: np.full(len(pairs), np.nan) for name in STATED_COLUMNS}
    found["n_past_hires"] = np.expm1(matrix.columns(["hires_all"])[:, 0])
    if model.calibration is not None:
        for code, brief in enumerate(pairs.briefs):
            inside = slice(int(pairs.bounds[code]), int(pairs.bounds[code + 1]))
            n = inside.stop - inside.start
            if n:
                places = pool_percentiles(hire[inside])
                found["stated_fit"][inside] = model.calibration.judge(places, n, brief.n_creators)[
                    0
                ]
    if model.outcomes is None:
        return pd.DataFrame(found)
    keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
    # Judged are accounts that buyers chose.
    hired = model.outcomes.of_hires()
    named = truth.names.reindex(keys).to_numpy(object)
    n_posts = truth.n_posts.reindex(keys).fillna(1.0).to_numpy(np.float64)
    for name in hired.names:
        rows = np.flatnonzero(named == name)
        if len(rows):
            held = hired.predict(matrix, names=[name], rows=rows, n_posts=n_posts[rows])
            found["stated_low"][rows] = held[name].quantile(0.1)
            found["stated_high"][rows] = held[name].quantile(0.9)
            found["stated_mean"][rows] = held[name].mean()
            followers = np.expm1(matrix.columns(["followers_log"])[rows, 0])
            low, high = hired.models[name].multipliers
            found["usual_low"][rows] = followers * low * n_posts[rows]
            found["usual_high"][rows] = followers * high * n_posts[rows]
    return pd.DataFrame(found)
