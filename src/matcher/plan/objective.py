"""What a plan is to bring most of."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matcher.columns import OBJECTIVES
from matcher.errors import SupportError, UsageError
from matcher.ranking.outcomes.names import OUTCOME_NAMES, RATES, objective_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.config import Objectives
    from matcher.market.brief import Brief

__all__ = ["TRUST", "WISHES", "Objective", "find_objective", "missed_wishes", "read_objective"]

TRUST: Final = "trust"
"""Comments, shares and saves: the rate `trust_proxy` times the people it is of."""
WISHES: Final = (*(name for name in OUTCOME_NAMES if name not in RATES), TRUST)
"""Outcomes that a plan may be asked for."""


@dataclass(frozen=True)
class Objective:
    """Weighted outcomes, of which ``reach`` counts people once.

    Parameters
    ----------
    weights : mapping of str to float
        What one of each outcome counts, above 0; one alone counts 1.
    """

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        bad = {name: n for name, n in self.weights.items() if not (0 < n < math.inf)}
        if not self.weights or bad:
            raise UsageError(f"objective: got the weights {bad}; expected numbers above 0")
        strange = [name for name in self.weights if name not in WISHES]
        if strange:
            raise UsageError(_unknown(strange[0]))
        if len(self.weights) == 1:
            object.__setattr__(self, "weights", dict.fromkeys(self.weights, 1.0))

    @classmethod
    def parse(cls, text: str) -> Objective:
        """Objective as it is typed.

        Parameters
        ----------
        text : str
            Outcomes with weights, such as ``reach`` or ``reach=1,engagements=20``.

        Returns
        -------
        Objective
            Weights; 1 where none is given.

        Raises
        ------
        UsageError
            If an outcome is unknown or stands twice, or a weight is no number above 0.

        Examples
        --------
        >>> dict(Objective.parse("reach=1, link_clicks=25").weights)
        {'reach': 1.0, 'link_clicks': 25.0}
        """
        return cls(_weights(text))

    @property
    def main(self) -> str | None:
        """The only outcome; None where several are mixed."""
        return next(iter(self.weights)) if len(self.weights) == 1 else None

    @property
    def name(self) -> str:
        """The only outcome, or several as they are typed, such as ``reach=1,engagements=20``."""
        return self.main or ",".join(f"{name}={one:g}" for name, one in self.weights.items())

    @property
    def needed(self) -> tuple[str, ...]:
        """Outcomes that have to be predicted."""
        names: list[str] = []
        for name in self.weights:
            names += ["trust_proxy", "reach"] if name == TRUST else [name]
        return tuple(dict.fromkeys(names))

    def check(self, known: Sequence[str], reason: str = "") -> Objective:
        """The objective itself, refused where a model predicts too little.

        Parameters
        ----------
        known : sequence of str
            Outcomes that a model predicts.
        reason : str
            Why it predicts none, if so.

        Returns
        -------
        Objective
            The same.

        Raises
        ------
        SupportError
            If an outcome that is needed is not predicted.
        """
        missing = [name for name in self.needed if name not in known]
        if missing:
            raise SupportError(
                f"objective: the model does not predict {', '.join(missing)}"
                + (f" ({reason})" if reason else f"; it predicts {', '.join(known)}")
                + "; name another --objective"
            )
        return self


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, [*WISHES, *OBJECTIVES], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return (
        f"objective: got {name!r}; expected one of the outcomes {', '.join(WISHES)}, an objective "
        f"of briefs ({', '.join(OBJECTIVES)}), or a mix such as reach=1,engagements=20{hint}"
    )


def _weights(text: str) -> dict[str, float]:
    """Names with weights as they are typed."""
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = (one.strip() for one in part.partition("="))
        if name in weights:
            raise UsageError(f"objective: {name!r} stands twice in {text!r}; name it once")
        try:
            weights[name] = float(number) if equals else 1.0
        except ValueError:
            raise UsageError(
                f"objective: got the weight {number!r} of {name}; expected a number, such as "
                "reach=1,engagements=20"
            ) from None
    return weights


def read_objective(
    text: str, known: Sequence[str], objectives: Objectives, reason: str = ""
) -> Objective:
    """Objective as it is typed, of outcomes and of objectives that briefs have.

    A word that is both, such as ``leads``, is the outcome; another objective is the outcome that
    stands for it, as in a brief.

    Parameters
    ----------
    text : str
        Names with weights, such as ``sales`` or ``awareness=1,engagements=20``.
    known : sequence of str
        Outcomes that a model predicts.
    objectives : Objectives
        What stands for which objective.
    reason : str
        Why it predicts none, if so.

    Returns
    -------
    Objective
        Outcomes, all of which are predicted.

    Raises
    ------
    UsageError
        If a name is neither, two of them come to one outcome, or a weight is no number above 0.
    SupportError
        If an outcome, or any that stands for an objective, is not predicted.

    Examples
    --------
    >>> from matcher.config import Objectives
    >>> read_objective("sales", ["reach", "conversions"], Objectives()).main
    'conversions'
    """
    weights: dict[str, float] = {}
    for word, weight in _weights(text).items():
        name = word
        if word not in WISHES and word in OBJECTIVES:
            name = _standing(word, known, objectives, reason, where="objective")
        if name in weights:
            raise UsageError(
                f"objective: two of {text!r} come to {name}; give that one the weight of both"
            )
        weights[name] = weight
    return Objective(weights).check(known, reason)


def missed_wishes(
    asked: str | None, known: Sequence[str], objectives: Objectives
) -> dict[str, tuple[str, str]]:
    """Objectives for which another outcome stands in than the one that is wanted most.

    Parameters
    ----------
    asked : str or None
        Objective of a brief, or names with weights as they are typed; None counts as engagement.
    known : sequence of str
        Outcomes that a model predicts, with all that `read_objective` needs of them.
    objectives : Objectives
        What stands for which objective.

    Returns
    -------
    dict of str to tuple of str
        By objective, the outcome that is wanted most and the one that counts.
    """
    found = {}
    for word in _weights(asked or "engagement"):
        if word in OBJECTIVES:
            wanted = objectives.of(word).outcomes[0]
            taken = objective_outcome(word, _usable(known), objectives)
            if taken is not None and taken != wanted:
                found[word] = (wanted, taken)
    return found


def _usable(known: Sequence[str]) -> list[str]:
    return [one for one in known if one not in RATES or "reach" in known]


def _standing(
    objective: str | None, known: Sequence[str], objectives: Objectives, reason: str, *, where: str
) -> str:
    """The outcome that stands for an objective, which a sum over accounts can have."""
    name = objective_outcome(objective, _usable(known), objectives)
    if name is None:
        raise SupportError(
            f"{where}: nothing that stands for the objective {objective or 'engagement'} is "
            "predicted"
            + (f" ({reason})" if reason else "")
            + "; name an --objective among "
            + (", ".join(known) or "outcomes that were measured")
        )
    return TRUST if name in RATES else name


def find_objective(
    brief: Brief, known: Sequence[str], objectives: Objectives, reason: str = ""
) -> Objective:
    """Objective that stands for that of a brief.

    Parameters
    ----------
    brief : Brief
        Brief; without an objective engagements count.
    known : sequence of str
        Outcomes that a model predicts.
    objectives : Objectives
        What stands for which objective.
    reason : str
        Why it predicts none, if so.

    Returns
    -------
    Objective
        One outcome.

    Raises
    ------
    SupportError
        If none that stands for the objective is predicted.
    """
    where = f"brief {brief.brief_id}"
    name = _standing(brief.objective, known, objectives, reason, where=where)
    return Objective({name: 1.0}).check(known, reason)
