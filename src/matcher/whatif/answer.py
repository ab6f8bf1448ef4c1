"""Answers: what scenarios would change, on what grounds, and how to make them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.markup import html_facts, html_table
from matcher.whatif.fields import describe_edits
from matcher.whatif.wording import GRADES

if TYPE_CHECKING:
    from matcher.recommend.wording import Language
    from matcher.whatif.cost import Cost
    from matcher.whatif.findings import Finding
    from matcher.whatif.movement import Movement
    from matcher.whatif.paired import OutcomeChange
    from matcher.whatif.support import Support

__all__ = ["ANSWER_VERSION", "Answer", "Comparison", "Refusal", "records"]

ANSWER_VERSION: Final = 1
"""Version of the form of answers."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What one scenario would change.

    Parameters
    ----------
    name : str
        Name of the scenario.
    scenario : mapping
        The scenario as a file holds it.
    digest : str
        Digest of its edits.
    grade : str
        One of `matcher.whatif.wording.GRADES`; a re-score is ``model``, and no effect.
    verdict : str
        One sentence.
    support : Support
        Whether the model has learnt from the like.
    movement : Movement
        Who entered, left and moved.
    outcomes : tuple of OutcomeChange
        Changes of what those who would be hired bring, the main one first.
    cost : Cost
        Their fees.
    ranking : pandas.DataFrame
        The list under the scenario: ``rank, account_id, handle, score, outcome, expected, low,
        high, fee, fee_currency, fee_is_estimate``.
    n_candidates, n_eligible : int
        Accounts that were ranked, and that passed the hard rules.
    data_hash : str
        Hash of the market, marked where a scenario edits it.
    notes : tuple of str
        What else is to be known.
    language : {"en", "vi"}
        Language of its sentences.
    joined : pandas.DataFrame
        Where accounts that join stand and what they lack, as of
        `matcher.whatif.newcomers.place_newcomers`.
    """

    name: str
    scenario: Mapping[str, Any]
    digest: str
    grade: str
    verdict: str
    support: Support
    movement: Movement
    outcomes: tuple[OutcomeChange, ...]
    cost: Cost
    ranking: pd.DataFrame
    n_candidates: int
    n_eligible: int
    data_hash: str
    notes: tuple[str, ...] = ()
    language: Language = "en"
    joined: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def edits(self) -> list[str]:
        """Edits, one line each."""
        return describe_edits(self.scenario, self.language)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them.

        Returns
        -------
        dict
            By name.
        """
        return {
            "name": self.name,
            "scenario": dict(self.scenario),
            "digest": self.digest,
            "grade": self.grade,
            "grade_in_words": GRADES[self.grade][self.language],
            "verdict": self.verdict,
            "support": self.support.to_dict(),
            "overlap": self.movement.overlap,
            "tau": self.movement.tau if np.isfinite(self.movement.tau) else None,
            "n_entered": self.movement.n_entered,
            "n_left": self.movement.n_left,
            "n_moved": self.movement.n_moved,
            "groups": self.movement.groups,
            "changes": records(self.movement.changes),
            "joined": records(self.joined),
            "outcomes": [one.to_dict() for one in self.outcomes],
            "cost": self.cost.to_dict(),
            "ranking": records(self.ranking),
            "n_candidates": self.n_candidates,
            "n_eligible": self.n_eligible,
            "data_hash": self.data_hash,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, eq=False)
class Refusal:
    """A scenario that is sound, and that the data cannot answer.

    Parameters
    ----------
    name : str
        Name of the scenario.
    scenario : mapping
        The scenario as a file holds it.
    digest : str
        Digest of its edits.
    verdict : str
        One sentence: why, and what to do.
    support : Support
        Where its brief lies beside those learnt from.
    reason : str
        What kept it from being answered, as an error says it.
    grade : str, default "model"
        One of `matcher.whatif.wording.GRADES`: what the answer would have been.
    language : {"en", "vi"}
        Language of the verdict.
    """

    name: str
    scenario: Mapping[str, Any]
    digest: str
    verdict: str
    support: Support
    reason: str
    grade: str = "model"
    language: Language = "en"

    @property
    def edits(self) -> list[str]:
        """Edits, one line each."""
        return describe_edits(self.scenario, self.language)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them.

        Returns
        -------
        dict
            By name.
        """
        return {
            "name": self.name,
            "scenario": dict(self.scenario),
            "digest": self.digest,
            "grade": self.grade,
            "is_refused": True,
            "verdict": self.verdict,
            "support": self.support.to_dict(),
            "reason": self.reason,
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """Answers to scenarios, all compared with the same baseline.

    Parameters
    ----------
    brief_id : str
        The brief.
    baseline : pandas.DataFrame
        The list as things are, as of `Answer.ranking`.
    answers : tuple of Answer
        One per scenario that is answered, in order.
    audit : mapping of str to Any
        What it takes to make this again: ``model_id, model_version, data_hash, config_hash, as_of,
        seed, order, top_k, brief_id`` and the rest.
    parts : mapping of str to pandas.DataFrame
        Further tables: what each sentence of the brief carries, grids, curves, what it would take.
    findings : mapping of str to Finding
        Grade, support and verdict of each further question, by the name of its table; that of what
        it would take by ``ways``.
    notes : tuple of str
        What else is to be known.
    refusals : tuple of Refusal
        Scenarios that cannot be answered, in order.
    """

    brief_id: str
    baseline: pd.DataFrame
    answers: tuple[Answer, ...]
    audit: Mapping[str, Any]
    parts: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    findings: Mapping[str, Finding] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def frame(self) -> pd.DataFrame:
        """One row per scenario that is answered.

        Returns
        -------
        pandas.DataFrame
            ``name, digest, grade, overlap, tau, n_entered, n_left, n_moved, outcome, before,
            after, change, low, high, low_drawn, high_drawn, share, low_share, high_share,
            cost_before, cost_after, percentile, is_outside, verdict``.
        """
        rows = []
        for one in self.answers:
            main = one.outcomes[0].to_dict() if one.outcomes else {}
            rows.append(
                {
                    "name": one.name,
                    "digest": one.digest,
                    "grade": one.grade,
                    "overlap": one.movement.overlap,
                    "tau": one.movement.tau,
                    "n_entered": one.movement.n_entered,
                    "n_left": one.movement.n_left,
                    "n_moved": one.movement.n_moved,
                    **{
                        name: main.get(name)
                        for name in (
                            "outcome", "before", "after", "change", "low", "high", "low_drawn",
                            "high_drawn", "share", "low_share", "high_share",
                        )
                    },
                    "cost_before": one.cost.before,
                    "cost_after": one.cost.after,
                    "percentile": one.support.percentile,
                    "is_outside": one.support.is_outside,
                    "verdict": one.verdict,
                }
            )  # fmt: skip
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them.

        Returns
        -------
        dict
            ``version``, audit, baseline, answers and further tables.
        """
        return {
            "version": ANSWER_VERSION,
            "brief_id": self.brief_id,
            "audit": dict(self.audit),
            "baseline": records(self.baseline),
            "answers": [one.to_dict() for one in self.answers],
            "refusals": [one.to_dict() for one in self.refusals],
            **{name: records(table) for name, table in self.parts.items()},
            "findings": {name: one.to_dict() for name, one in self.findings.items()},
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        """Verdicts and changes for notebooks, every text escaped."""
        names = ["name", "overlap", "n_entered", "outcome", "before", "after", "low", "high"]
        title = f"what if: {self.brief_id}"
        table = self.frame()
        head = html_table(table[names], title=title) if len(table) else ""
        verdicts = {one.name: one.verdict for one in self.answers}
        verdicts |= {one.name: one.verdict for one in self.refusals}
        said = html_facts(verdicts, notes=self.notes)
        more = []
        if self.findings:
            more.append(html_facts({name: one.verdict for name, one in self.findings.items()}))
        more += [html_table(table, title=name) for name, table in self.parts.items()]
        return head + said + "".join(more)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON holds them: what is missing is None.

    Parameters
    ----------
    table : pandas.DataFrame
        Table.

    Returns
    -------
    list of dict
        One per row.
    """
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
