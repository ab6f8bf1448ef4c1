"""What a list is ordered by, and the contributions that explain its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from matcher.columns import ORDERS, Order
from matcher.errors import SupportError
from matcher.ranking.model import GROUP_OF
from matcher.ranking.outcomes.contributions import PLACE
from matcher.ranking.outcomes.names import objective_outcome
from matcher.recommend.reasons import over_typical, typical_candidates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.features.pair_features import FeatureMatrix
    from matcher.market.brief import Brief
    from matcher.ranking.model import Model
    from matcher.recommend.rows import Scored

__all__ = [
    "EXPLAINABLE",
    "EXPLAINED",
    "GROUPS_OF",
    "REQUESTS",
    "OrderRequest",
    "Question",
    "explained_question",
    "feature_values",
    "pool_values",
    "raw_contributions",
    "resolve_order",
    "score_contributions",
]

OrderRequest: TypeAlias = Literal["objective", "fit", "deliver", "outcome", "value", "blend"]
REQUESTS: Final[tuple[OrderRequest, ...]] = ("objective", *ORDERS)
"""What may be asked for: an order, or the one that the settings give the brief's objective."""

Question: TypeAlias = Literal["hire", "deliver", "outcome"]
EXPLAINED: Final[dict[Question, Literal["fit", "deliver", "outcome"]]] = {
    "hire": "fit",
    "deliver": "deliver",
    "outcome": "outcome",
}
"""Name of the score of each question, in the column ``explained`` of a list."""
EXPLAINABLE: Final = ("objective", *EXPLAINED.values())
"""What may be asked to be explained."""

GROUPS_OF: Final = {**GROUP_OF, PLACE: "reach"}
"""Reason group of every column that a score is explained by."""


def resolve_order(model: Model, brief: Brief, order: OrderRequest) -> tuple[Order, str | None]:
    """Order of the list of a brief.

    Parameters
    ----------
    model : Model
        Model.
    brief : Brief
        Brief.
    order : str
        One of `REQUESTS`; ``objective`` is the order that the model's settings give the brief's
        objective, or ``fit`` where the model cannot give that.

    Returns
    -------
    order : str
        One of `matcher.columns.ORDERS`.
    note : str or None
        Why another order was taken than the settings say.

    Raises
    ------
    SupportError
        If an order is asked for by its own name and the model cannot give it.
    """
    wanted: Order = (
        model.settings.market.objectives.of(brief.objective).order
        if order == "objective"
        else order
    )
    reason = _obstacle(model, brief, wanted)
    if reason is None:
        return wanted, None
    if order != "objective":
        raise SupportError(f"brief {brief.brief_id}: {reason}; order by fit")
    return "fit", f"brief {brief.brief_id}: ordered by fit, not by {wanted}: {reason}"


def _obstacle(model: Model, brief: Brief, order: Order) -> str | None:
    """Why a model cannot give an order."""
    if order in ("deliver", "blend") and model.deliver is None:
        return f"the model has no ranker 'deliver': {model.facts.get('no_deliver', 'unknown name')}"
    if order not in ("outcome", "value"):
        return None
    if model.outcomes is None:
        reason = model.facts.get("no_outcomes", "the model was trained without it")
        return f"the model predicts no outcome ({reason})"
    objectives = model.settings.market.objectives
    if objective_outcome(brief.objective, model.outcomes.names, objectives) is None:
        return (
            "nothing is predicted that stands for the objective "
            f"{brief.objective or 'engagement'}, since too little of it was measured"
        )
    return None


def explained_question(order: Order) -> Question:
    """Question whose score the reasons of a list add up to.

    Parameters
    ----------
    order : str
        One of `matcher.columns.ORDERS`; a blend is explained by its fit, value by the outcome.

    Returns
    -------
    str
        Column of `matcher.recommend.rows.Scored.scores`.
    """
    if order in ("outcome", "value"):
        return "outcome"
    return "deliver" if order == "deliver" else "hire"


def score_contributions(
    model: Model, ranked: Scored, question: Question, rows: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """What the scores of some candidates are made of, over those of a typical candidate.

    Parameters
    ----------
    model : Model
        Model.
    ranked : Scored
        All candidates of a brief.
    question : {"hire", "deliver", "outcome"}
        Which score.
    rows : numpy.ndarray of int64, shape (n,)
        Candidates that are asked for.

    Returns
    -------
    names : tuple of str
        Columns, each in `GROUPS_OF`.
    contributions : numpy.ndarray of float64, shape (n, n_names + 1)
        Less the mean over typical candidates; the last column is the mean score of these. Rows sum
        to the score.
    """
    typical = typical_candidates(ranked.scores[question].to_numpy(np.float64))
    asked = np.concatenate((rows, typical))
    names, parts = raw_contributions(model, ranked.matrix, ranked.brief, question, asked)
    return names, over_typical(parts, len(rows))


def raw_contributions(
    model: Model,
    matrix: FeatureMatrix,
    brief: Brief,
    question: Question,
    rows: NDArray[np.int64],
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """What scores are made of, as the models themselves say.

    Parameters
    ----------
    model : Model
        Model.
    matrix : FeatureMatrix
        Features of all candidates of a brief.
    brief : Brief
        The brief.
    question : {"hire", "deliver", "outcome"}
        Which score.
    rows : numpy.ndarray of int64, shape (n,)
        Rows of the matrix.

    Returns
    -------
    names : tuple of str
        Columns.
    contributions : numpy.ndarray of float64, shape (n, n_names + 1)
        The base value last; rows sum to the score.

    Raises
    ------
    SupportError
        If the model does not answer the question.
    """
    if question != "outcome":
        ranker = model.ranker(question)
        return ranker.names, ranker.contributions(matrix.relative(ranker.names, rows))
    resolve_order(model, brief, "outcome")
    assert model.outcomes is not None
    objectives = model.settings.market.objectives
    name = objective_outcome(brief.objective, model.outcomes.names, objectives)
    assert name is not None
    return (*matrix.names, PLACE), model.outcomes.contributions(name, matrix, rows)


def feature_values(
    matrix: FeatureMatrix,
    names: Sequence[str],
    *,
    place: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Values of the columns that a score is explained by.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features of pairs.
    names : sequence of str
        Columns.
    place : numpy.ndarray of float64, shape (n_pairs,), optional
        What stands for `PLACE`: its contributions, since it has no value of its own; unknown when
        None.

    Returns
    -------
    numpy.ndarray of float64, shape (n_pairs, n_names)
        Raw values, NaN where unknown.
    """
    known = [name for name in names if name != PLACE]
    values = matrix.columns(known)
    if PLACE not in names:
        return values
    last = np.full(len(values), np.nan) if place is None else place
    return np.insert(values, list(names).index(PLACE), last, axis=1)


def pool_values(model: Model, ranked: Scored, names: Sequence[str]) -> NDArray[np.float64]:
    """Values of all candidates of a brief, in the columns that a score is explained by.

    Parameters
    ----------
    model : Model
        Model.
    ranked : Scored
        Its scored candidates.
    names : sequence of str
        Columns, as from `score_contributions`.

    Returns
    -------
    numpy.ndarray of float64, shape (n_candidates, n_names)
        Raw values, NaN where unknown; of `PLACE` its contribution.
    """
    if PLACE not in names:
        return feature_values(ranked.matrix, names)
    everyone = np.arange(len(ranked.scores))
    _, parts = raw_contributions(model, ranked.matrix, ranked.brief, "outcome", everyone)
    return feature_values(ranked.matrix, names, place=parts[:, list(names).index(PLACE)])
