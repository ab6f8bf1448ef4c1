"""What a plan is to bring most of, from what was asked for and what a model predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher.arguments import check_type
from matcher.plan.objective import Objective, find_objective, missed_wishes, read_objective
from matcher.plan.texts import TEXTS
from matcher.plan.words import outcome_name

if TYPE_CHECKING:
    from matcher.market.brief import Brief
    from matcher.ranking.model import Model
    from matcher.recommend.wording import Language

__all__ = ["find_wish"]


def find_wish(
    model: Model, brief: Brief, objective: str | Objective | None, *, language: Language
) -> tuple[Objective, list[str]]:
    """What counts, and notes on objectives for which another outcome stands in.

    Parameters
    ----------
    model : Model
        Model that predicts outcomes.
    brief : Brief
        Brief.
    objective : str or Objective or None
        As in `matcher.plan.plan.plan`.
    language : {"en", "vi"}
        Language of notes.

    Returns
    -------
    wish : Objective
        Outcomes that are predicted, with weights.
    notes : list of str
        Sentences.

    Raises
    ------
    UsageError
        If it is no outcome or objective.
    SupportError
        If nothing that it stands for is predicted.
    """
    known = () if model.outcomes is None else model.outcomes.names
    reason = str(model.facts.get("no_outcomes", "")) if not known else ""
    objectives = model.settings.market.objectives
    if isinstance(objective, Objective):
        return objective.check(known, reason), []
    asked: str | None = brief.objective
    if objective is None:
        wish = find_objective(brief, known, objectives, reason)
    else:
        check_type(objective, str, where="plan: objective")
        wish, asked = read_objective(objective, known, objectives, reason), objective
    words = [
        TEXTS["stands_in"][language].format(
            objective=name,
            wanted=outcome_name(wanted, language),
            outcome=outcome_name(taken, language),
        )
        for name, (wanted, taken) in missed_wishes(asked, known, objectives).items()
        if taken in wish.needed
    ]
    return wish, words
