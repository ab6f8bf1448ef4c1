"""What a plan is to bring most of."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matcher.errors import SupportError, UsageError
from matcher.ranking.outcomes.names import OUTCOME_NAMES, RATES, objective_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.config import Objectives
    from matcher.market.brief import Brief

__all__ = ["TRUST", "WISHES", "Objective", "find_objective"]

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
            near = difflib.get_close_matches(strange[0], WISHES, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageError(
                f"objective: got {strange[0]!r}; expected one of {', '.join(WISHES)}{hint}"
            )
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
        return cls(weights)

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
    usable = [one for one in known if one not in RATES or "reach" in known]
    name = objective_outcome(brief.objective, usable, objectives)
    if name is None:
        raise SupportError(
            f"brief {brief.brief_id}: nothing that stands for the objective "
            f"{brief.objective or 'engagement'} is predicted"
            + (f" ({reason})" if reason else "")
            + "; name an --objective among "
            + (", ".join(known) or "outcomes that were measured")
        )
    return Objective({TRUST if name in RATES else name: 1.0}).check(known, reason)
