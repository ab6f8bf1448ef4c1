"""The observables oracle: what the truth is, as far as the product's own features can tell."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.columns import PLATFORMS
from matcher.config import Settings
from matcher.errors import SupportError
from matcher.features.pair_features import FEATURES
from matcher.ranking.boosting import BoostedRanker, fit_regression
from matcher.ranking.linear import LinearModel, fit_linear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.features.pair_features import FeatureMatrix

__all__ = [
    "CHOICE",
    "FORMAT",
    "QUESTIONS",
    "QUESTION_OF",
    "Answer",
    "Oracle",
    "fit_oracle",
    "hash_features",
    "hash_knobs",
    "input_names",
    "oracle_inputs",
]

QUESTION_OF: Final = {
    "reach": "reach",
    "engagements": "engagements",
    "link_clicks": "link_clicks",
    "leads": "link_clicks",
    "conversions": "link_clicks",
    "trust": "trust",
}
"""What is asked of an oracle by the outcome that a campaign is judged by; leads and conversions are
a share of the clicks, the same for every account."""
CHOICE: Final = "choice"
"""How much the buyer wants a pair."""
QUESTIONS: Final = (*dict.fromkeys(QUESTION_OF.values()), CHOICE)
"""What an oracle answers."""
FORMAT: Final = 2
"""Form of an oracle's inputs, answers and file."""
_RAW: Final = "raw_"
_LEARNER: Final = Settings.model_validate(
    {
        "ranker": {
            "n_draws": 1,
            "n_threads": 2,
            "learning_rate": 0.1,
            "n_leaves": 31,
            "l2": 10.0,
            "feature_share": 0.3,
        },
        "outcome": {"n_trees": 200, "min_rows_in_leaf": 100},
    }
)
"""Larger trees than the product's, for it has a thousand times the labels."""
_PENALTY: Final = 10.0
_MOST_LINEAR: Final = 250_000
"""Rows of a linear part; more add nothing but memory."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Regression for one question: a linear part, and trees for what it leaves over.

    Trees alone cannot tell the largest accounts apart, which are the first ten of most campaigns.

    Parameters
    ----------
    linear : LinearModel
        Linear part.
    trees : BoostedRanker
        Trees, fitted on the rest.
    """

    linear: LinearModel
    trees: BoostedRanker

    def score(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of both parts.

        Parameters
        ----------
        inputs : numpy.ndarray of float64, shape (n_pairs, n_inputs)
            What `oracle_inputs` made.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Expected deviation from the mean of the campaign.
        """
        return self.linear.predict(inputs) + self.trees.score(inputs)


@dataclass(frozen=True, eq=False)
class Oracle:
    """Regressions of the truth on the product's features.

    Parameters
    ----------
    record : mapping
        World, version, hashes of knobs and features, encoder, seeds, pairs, and how well it fits a
        seed that it was not fitted on.
    answers : mapping of str to Answer
        Regression by question.
    """

    record: Mapping[str, Any]
    answers: Mapping[str, Answer]

    def score_choice(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected utility of pairs to the buyer.

        Parameters
        ----------
        inputs : numpy.ndarray of float64, shape (n_pairs, n_inputs)
            What `oracle_inputs` made.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Less the mean of the campaign.
        """
        return self.answers[CHOICE].score(inputs)

    def score_outcome(
        self, inputs: NDArray[np.float64], outcomes: NDArray[np.object_]
    ) -> NDArray[np.float64]:
        """Expected log of the outcome of pairs.

        Parameters
        ----------
        inputs : numpy.ndarray of float64, shape (n_pairs, n_inputs)
            What `oracle_inputs` made.
        outcomes : numpy.ndarray of object, shape (n_pairs,)
            Outcome of the campaign of each pair, a key of `QUESTION_OF`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Less the mean of the campaign.
        """
        asked = np.array([QUESTION_OF[name] for name in outcomes], dtype=object)
        found = np.full(len(inputs), np.nan)
        for question in pd.unique(asked):
            rows = asked == question
            found[rows] = self.answers[question].score(inputs[rows])
        return found


def input_names() -> tuple[str, ...]:
    """Columns of the oracle's inputs.

    Returns
    -------
    tuple of str
        Every feature relative to its campaign, every feature as it is, and the objective.
    """
    names = [spec.name for spec in FEATURES]
    platforms = [f"platform_{name}" for name in PLATFORMS]
    return (*names, *(f"{_RAW}{name}" for name in names), *platforms)


def oracle_inputs(matrix: FeatureMatrix, platforms: pd.Series) -> NDArray[np.float64]:
    """What the oracle sees of pairs.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features of all candidates of each brief.
    platforms : pandas.Series of str
        Platform by account id.

    Returns
    -------
    numpy.ndarray of float64, shape (n_pairs, n_inputs)
        Columns in the order of `input_names`.
    """
    names = [spec.name for spec in FEATURES]
    on = platforms.reindex(matrix.pairs.account_ids).to_numpy(object)
    dummies = [(on == name).astype(np.float64) for name in PLATFORMS]
    return np.column_stack([matrix.relative(names), matrix.columns(names), *dummies])


def fit_oracle(
    inputs: NDArray[np.floating],
    targets: Mapping[str, NDArray[np.float64]],
    record: Mapping[str, Any],
) -> Oracle:
    """Oracle of a world.

    Parameters
    ----------
    inputs : numpy.ndarray, shape (n_pairs, n_inputs)
        What `oracle_inputs` made.
    targets : mapping of str to numpy.ndarray
        By question, the deviation of each pair from the mean of its campaign, of the log of the
        outcome or of the buyer's utility; NaN where a pair is not to be learnt from.
    record : mapping
        What is stated of it.

    Returns
    -------
    Oracle
        The oracle.

    Raises
    ------
    SupportError
        If a question has no pair.
    """
    empty = [name for name in QUESTIONS if not np.isfinite(targets[name]).any()]
    if empty:
        raise SupportError(
            f"oracle of world {record['world']}: no pair has a truth for {', '.join(empty)}; give "
            "more pairs"
        )
    answers = {question: _fit_answer(inputs, targets[question]) for question in QUESTIONS}
    stated = {"format": FORMAT, "features": hash_features(), "inputs": list(input_names())}
    return Oracle({**record, **stated}, answers)


def _fit_answer(inputs: NDArray[np.floating], target: NDArray[np.float64]) -> Answer:
    names = input_names()
    rows = np.flatnonzero(np.isfinite(target))
    some = rows[:: -(-len(rows) // _MOST_LINEAR)]
    linear = fit_linear(inputs[some], target[some], names, penalties=(_PENALTY,))
    rest = np.concatenate(
        [
            target[part] - linear.predict(inputs[part])
            for part in np.array_split(rows, -(-len(rows) // _MOST_LINEAR))
        ]
    )
    trees = fit_regression(inputs[rows], rest, names, settings=_LEARNER, random_splits=False)
    return Answer(linear, trees)


def hash_features() -> str:
    """Hash of the feature catalogue, formulas included.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    return _hash([asdict(spec) for spec in FEATURES])


def hash_knobs(knobs: Mapping[str, Any]) -> str:
    """Hash of a world's knobs.

    Parameters
    ----------
    knobs : mapping
        As in the record of a market.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    return _hash(dict(knobs))


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
