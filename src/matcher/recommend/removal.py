"""Whether reasons are true: what becomes of a candidate that loses its strongest one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from matcher.columns import REASON_GROUPS
from matcher.errors import UsageError
from matcher.ranking.model import GROUP_OF
from matcher.recommend.reasons import (
    group_contributions,
    over_typical,
    typical_candidates,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.ranking.boosting import BoostedRanker
    from matcher.ranking.model import Model
    from matcher.ranking.stated import StatedRanker
    from matcher.recommend.rows import Scored

__all__ = ["REPLACEMENTS", "Replacement", "remove_top_reason"]

Replacement = Literal["average", "median", "middle", "unknown"]

REPLACEMENTS: Final[tuple[Replacement, ...]] = ("average", "median", "middle", "unknown")
"""What a candidate gets in place of the features of its strongest reason.

``average``: in turn what each typical candidate has of all of them together, and the mean of the
scores; to this contributions are relative. ``median``: of each feature what the median candidate
has. ``middle``: the middle of the scale, which no candidate has where many are alike. ``unknown``:
nothing known, which is telling in itself.
"""

_TYPICAL_AT_ONCE: Final = 10
"""Typical candidates whose features are held beside those of every row at a time."""


def remove_top_reason(
    model: Model,
    ranked: Scored,
    *,
    ranker: Literal["hire", "deliver"] = "hire",
    replacement: Replacement = "average",
    rows: NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    """Rank of candidates without the features of their strongest reason, all others unchanged.

    The strongest reason of a candidate is the reason group with the highest contribution, where
    that is above 0.

    Parameters
    ----------
    model : Model
        Model.
    ranked : Scored
        All candidates of one brief, as from `matcher.recommend.recommend.score_brief` with the
        order that the ranker makes.
    ranker : {"hire", "deliver"}
        Question.
    replacement : {"average", "median", "middle", "unknown"}
        See `REPLACEMENTS`.
    rows : numpy.ndarray of int64, shape (n,), optional
        Candidates; all when None.

    Returns
    -------
    pandas.DataFrame
        One row per candidate asked for: ``account_id``, ``group`` (missing where no reason speaks
        for it), ``contribution``, ``error`` (by how much contributions miss the score), ``score``,
        ``score_without``, ``rank`` (1 + candidates with a higher score), ``rank_without``, and
        ``can_fall``, whether a reason speaks for it and another candidate stands below it.

    Raises
    ------
    UsageError
        If the replacement is unknown.
    SupportError
        If the model has no such ranker.
    """
    if replacement not in REPLACEMENTS:
        raise UsageError(
            f"replacement: got {replacement!r}; expected one of {', '.join(REPLACEMENTS)}"
        )
    chosen = model.ranker(ranker)
    inputs = ranked.matrix.relative(chosen.names)
    scores = ranked.scores[ranker].to_numpy(np.float64)
    asked = np.arange(len(scores)) if rows is None else rows
    everyone = np.concatenate((asked, typical_candidates(scores)))
    contributions = over_typical(chosen.contributions(inputs[everyone]), len(asked))
    sums = group_contributions(contributions, chosen.names, GROUP_OF)
    top = sums.argmax(axis=1)
    strongest = sums[np.arange(len(asked)), top]
    groups = np.array([REASON_GROUPS.index(GROUP_OF[name]) for name in chosen.names])
    without = _score_without(
        chosen, inputs, asked, groups == top[:, None], scores=scores, replacement=replacement
    )
    without = np.where(strongest > 0, without, scores[asked])
    names = np.array(REASON_GROUPS, dtype=object)[top]
    return pd.DataFrame(
        {
            "account_id": ranked.candidates.account_ids[asked],
            "group": pd.Series(np.where(strongest > 0, names, None), dtype="str"),
            "contribution": strongest,
            "error": np.abs(contributions.sum(axis=1) - scores[asked]),
            "score": scores[asked],
            "score_without": without,
            "rank": _places(scores, asked, scores[asked]),
            "rank_without": _places(scores, asked, without),
            "can_fall": (strongest > 0) & (scores[asked] > scores.min(initial=np.inf)),
        }
    )


def _places(
    scores: NDArray[np.float64], rows: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Ranks that candidates would have with other scores, each among all the others as they are."""
    ordered = np.sort(scores)
    higher = len(ordered) - np.searchsorted(ordered, values, side="right")
    # A candidate is not above itself.
    return np.asarray(1 + higher - (scores[rows] > values))


def _score_without(
    ranker: BoostedRanker | StatedRanker,
    inputs: NDArray[np.float64],
    rows: NDArray[np.int64],
    removed: NDArray[np.bool_],
    *,
    scores: NDArray[np.float64],
    replacement: Replacement,
) -> NDArray[np.float64]:
    """Scores of rows whose removed features, shape (n, n_features), are replaced."""
    if replacement == "average":
        total = np.zeros(len(rows))
        typical = typical_candidates(scores)
        for block in np.array_split(typical, max(1, len(typical) // _TYPICAL_AT_ONCE)):
            given = np.where(removed, inputs[block, None], inputs[rows])
            total += ranker.score(given.reshape(-1, inputs.shape[1])).reshape(len(block), -1).sum(0)
        return total / max(len(typical), 1)
    filler = {"middle": 0.0, "unknown": np.nan}.get(replacement, _median_candidate(inputs))
    return ranker.score(np.where(removed, filler, inputs[rows]))


def _median_candidate(inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value of each column that stands in the middle of the known ones; NaN without any."""
    ordered = np.sort(inputs, axis=0)
    last = np.maximum(np.isfinite(inputs).sum(axis=0) - 1, 0)
    # A value that a candidate has; between two of them there may be one that nobody has.
    return np.asarray(ordered[last // 2, np.arange(inputs.shape[1])])
