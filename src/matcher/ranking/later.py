"""Later campaigns as a ranker sees them that was fitted on the earlier ones alone."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.ranking.calibration import FitCalibration, PoolScores, fit_calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from matcher.ranking.boosting import BoostedRanker
    from matcher.ranking.candidates import TrainingRows

__all__ = ["calibrate_fit", "score_later"]

_EARLIER: Final = 2 / 3
"""Share of the campaigns on which the ranker is fitted whose places are then looked at."""


def score_later(
    rows: TrainingRows,
    names: Sequence[str],
    fit: Callable[[tuple[NDArray[np.int64], ...]], BoostedRanker],
) -> list[PoolScores]:
    """Scores of the latest third of the campaigns by a ranker fitted on the others.

    Parameters
    ----------
    rows : TrainingRows
        Candidates of campaigns in the order of their decisions.
    names : sequence of str
        Features to use.
    fit : callable
        Fits a ranker on draws of rows.

    Returns
    -------
    list of PoolScores
        One per later campaign; none where the earlier ones hold no hire, or no other candidate.
    """
    pairs = rows.matrix.pairs
    cut = int(np.ceil(_EARLIER * len(pairs.briefs)))
    end = int(pairs.bounds[cut])
    draws = tuple(draw[draw < end] for draw in rows.draws)
    learnable = [
        len(set(rows.hired[low:high].tolist())) == 2
        for low, high in _spans(pairs.bounds[: cut + 1])
    ]
    if cut == len(pairs.briefs) or not any(learnable):
        return []
    ranker = fit(draws)
    found = []
    for code in range(cut, len(pairs.briefs)):
        inside = np.arange(pairs.bounds[code], pairs.bounds[code + 1])
        if not len(inside):
            continue
        hired = rows.hired[inside]
        n_others = int((~hired).sum())
        each = (rows.n_eligible[code] - hired.sum()) / n_others if n_others else 1.0
        found.append(
            PoolScores(
                ranker.score(rows.matrix.relative(names, inside)),
                hired,
                np.where(hired, 1.0, each),
                pairs.briefs[code].n_creators,
            )
        )
    return found


def _spans(bounds: NDArray[np.int64]) -> list[tuple[int, int]]:
    return [(low, high) for low, high in pairwise(bounds.tolist()) if high > low]


def calibrate_fit(
    rows: TrainingRows,
    names: Sequence[str],
    fit: Callable[[tuple[NDArray[np.int64], ...]], BoostedRanker],
) -> tuple[FitCalibration | None, str]:
    """What places in the ranking have meant, from the latest third of the campaigns.

    Parameters
    ----------
    rows : TrainingRows
        Candidates of campaigns in the order of their decisions.
    names : sequence of str
        Features to use.
    fit : callable
        Fits a ranker on draws of rows.

    Returns
    -------
    calibration : FitCalibration or None
        None where later campaigns or their hires are too few.
    reason : str
        Why there is none, else empty.
    """
    return fit_calibration(score_later(rows, names, fit))
