"""Grids over one or two knobs, crossed or one at a time."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import yaml

from matcher.errors import SupportError, UsageError
from matcher.whatif.cost import change_of_cost
from matcher.whatif.edits import BriefEdit, InfluencerEdit
from matcher.whatif.fields import knob_words, show_value, value_words
from matcher.whatif.findings import support_cells
from matcher.whatif.movement import rank_biased_overlap
from matcher.whatif.paired import change_of_outcomes
from matcher.whatif.scenario import BASELINE, Scenario, parse_scenario
from matcher.whatif.support import check_brief, check_support

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matcher.recommend.wording import Language
    from matcher.whatif.desk import Desk
    from matcher.whatif.state import State

__all__ = [
    "Knob",
    "check_some",
    "grid_scenarios",
    "knob_scenario",
    "parse_knob",
    "score_grid",
    "tornado",
]

_BRIEF: Final = tuple(name for name in BriefEdit.model_fields if name != "kind")
_ACCOUNT: Final = tuple(
    name
    for name in InfluencerEdit.model_fields
    if name not in ("kind", "account_id", "audience", "currency")
)
_LISTS: Final = ("platforms", "formats", "countries", "creator_languages", "audience_age",
                 "audience_interests", "must_have", "never", "competitor_ids")  # fmt: skip
_MOST: Final = 400
"""Cells of a grid at most."""


@dataclass(frozen=True)
class Knob:
    """Something that a scenario can set, and the values it is set to.

    Parameters
    ----------
    name : str
        A field of the brief; ``platform_reach.PLATFORM``; or ``ACCOUNT.FIELD`` with a field of
        `matcher.whatif.edits.InfluencerEdit`.
    values : tuple
        Values, at least one.
    """

    name: str
    values: tuple[Any, ...]

    def edit(self, value: Any) -> dict[str, Any]:
        """Edit that sets the knob.

        Parameters
        ----------
        value : Any
            Value.

        Returns
        -------
        dict
            As a scenario file holds it.

        Raises
        ------
        UsageError
            If there is no such knob.
        """
        if self.name in _BRIEF:
            return {"kind": "brief", self.name: value}
        owner, _, what = self.name.rpartition(".")
        if owner == "platform_reach":
            return {"kind": "market", "platform_reach": {what: value}}
        if owner and what in _ACCOUNT:
            return {"kind": "influencer", "account_id": owner, what: value}
        known = (*_BRIEF, "platform_reach.PLATFORM", *(f"ACCOUNT.{name}" for name in _ACCOUNT))
        near = difflib.get_close_matches(self.name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
        raise UsageError(f"grid: there is no knob {self.name!r}; {hint}")


def parse_knob(text: str) -> Knob:
    """Knob as it is typed.

    Parameters
    ----------
    text : str
        ``NAME=VALUE,VALUE,...``; the words of a list are joined by ``+``.

    Returns
    -------
    Knob
        Name and values, read as YAML reads them.

    Raises
    ------
    UsageError
        If it has another form, or there is no such knob.

    Examples
    --------
    >>> parse_knob("formats=video,short_video+story").values
    (('video',), ('short_video', 'story'))
    >>> parse_knob("acc_000001.price_factor=0.5,1").values
    (0.5, 1)
    """
    name, equals, rest = text.partition("=")
    parts = [part.strip() for part in rest.split(",")]
    if not equals or not name.strip() or not all(parts):
        raise UsageError(f"grid: got {text!r}; expected NAME=VALUE,VALUE,...")
    is_list = name.strip().rpartition(".")[2] in _LISTS
    values = tuple(tuple(part.split("+")) if is_list else _scalar(part) for part in parts)
    knob = Knob(name.strip(), values)
    knob.edit(values[0])
    return knob


def _scalar(text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    # YAML takes 1e8 for a word.
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def knob_scenario(
    knobs: Sequence[Knob], values: Sequence[Any], start: Scenario, language: Language = "en"
) -> Scenario:
    """Scenario that sets knobs to some values.

    Parameters
    ----------
    knobs : sequence of Knob
        Knobs.
    values : sequence
        A value of each.
    start : Scenario
        Edits that are made too.
    language : {"en", "vi"}
        Language of its name, which says what is set.

    Returns
    -------
    Scenario
        Checked.
    """
    edits = [knob.edit(value) for knob, value in zip(knobs, values, strict=True)]
    shown = [
        f"{knob_words(knob.name, language)} = {value_words(knob.name, value, language)}"
        for knob, value in zip(knobs, values, strict=True)
    ]
    content = start.to_dict() | {"name": ", ".join(shown)[:200]}
    content["edits"] = [*content["edits"], *edits]
    return parse_scenario(content, where="grid")


def grid_scenarios(
    knobs: Sequence[Knob], *, is_tornado: bool = False, language: Language = "en"
) -> list[Scenario]:
    """Cells of a grid as scenarios, named by what they set.

    Parameters
    ----------
    knobs : sequence of Knob
        One or two; any number, each by itself, of a tornado.
    is_tornado : bool, default False
        Whether each knob is moved by itself.
    language : {"en", "vi"}
        Language of their names.

    Returns
    -------
    list of Scenario
        In the order of the rows of `score_grid` or of the knobs; none without knobs.
    """
    if is_tornado:
        return [one for knob in knobs for one in grid_scenarios([knob], language=language)]
    if not knobs:
        return []
    cells = product(*(knob.values for knob in knobs))
    return [knob_scenario(knobs, values, BASELINE, language) for values in cells]


def _row(desk: Desk, state: State, seed: int) -> dict[str, Any]:
    base = desk.base
    changes = change_of_outcomes(base, state, seed=seed, main_only=True)
    main = changes[0] if changes and changes[0].outcome == state.main_outcome else None
    cost = change_of_cost(base, state)
    lists = [one.ids(one.chosen).tolist() for one in (base, state)]
    return {
        "overlap": rank_biased_overlap(*lists),
        "n_left": len(set(lists[0]) - set(lists[1])),
        "n_candidates": len(state.ranked.candidates),
        "outcome": None if main is None else main.outcome,
        **{
            name: float("nan") if main is None else getattr(main, name)
            for name in ("before", "after", "change", "low", "high")
        },
        "cost_before": cost.before,
        "cost_after": cost.after,
        "cost_is_comparable": cost.is_comparable,
        **support_cells(check_support(desk, state)),
        "refused": None,
        "digest": state.scenario.digest,
    }


def _cell(desk: Desk, scenario: Scenario, seed: int) -> dict[str, Any]:
    """A cell of a grid; one that cannot be answered says why."""
    try:
        return _row(desk, desk.score(scenario), seed)
    except SupportError as error:
        language, n = desk.job.language, len(desk.base.chosen)
        unknown = ("before", "after", "change", "low", "high", "cost_before", "cost_after")
        return {
            "overlap": float("nan"),
            "n_left": n,
            "n_candidates": 0,
            "outcome": None,
            **dict.fromkeys(unknown, float("nan")),
            "cost_is_comparable": False,
            **support_cells(check_brief(desk, desk.edit_brief(scenario))),
            "refused": error.told[language],
            "digest": scenario.digest,
        }


def check_some(rows: Sequence[Mapping[str, Any]], where: str) -> None:
    """Refuse a question none of whose values can be answered.

    Parameters
    ----------
    rows : sequence of mapping
        Rows with ``refused``.
    where : str
        What messages call the question.

    Raises
    ------
    SupportError
        If every row is refused.
    """
    if rows and all(row["refused"] is not None for row in rows):
        said = [str(row["refused"]) for row in rows]
        raise SupportError(
            f"{where}: none of {len(rows)} value(s) can be answered: "
            f"{'; '.join(dict.fromkeys(said[:5]))}"
        )


def score_grid(
    desk: Desk,
    knobs: Sequence[Knob],
    *,
    seed: int = 0,
    start: Scenario | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> pd.DataFrame:
    """Every value of a knob, or every pair of values of two.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    knobs : sequence of Knob
        One or two.
    seed : int, default 0
        Seed of the draws.
    start : Scenario, optional
        Edits that all cells share; none when None.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    pandas.DataFrame
        One row per cell: a column per knob, overlap with the list as it is, accounts that left,
        candidates, expected outcome before and after with the interval of the change, fees; the
        support of the cell, as of `matcher.whatif.findings.SUPPORT_COLUMNS`; and ``refused``, why
        a cell cannot be answered, such as one that leaves no candidate.

    Raises
    ------
    UsageError
        If there are more than two knobs, the same twice, or more than 400 cells.
    SupportError
        If no cell can be answered.
    """
    _check_knobs(knobs)
    cells = list(product(*(knob.values for knob in knobs)))
    rows = []
    for place, values in enumerate(cells, start=1):
        scenario = knob_scenario(knobs, values, BASELINE if start is None else start)
        told = {knob.name: show_value(value) for knob, value in zip(knobs, values, strict=True)}
        rows.append(told | _cell(desk, scenario, seed))
        if progress is not None:
            progress("grid", place, len(cells))
    check_some(rows, "grid")
    return pd.DataFrame(rows)


def _check_knobs(knobs: Sequence[Knob]) -> None:
    names = [knob.name for knob in knobs]
    if not 1 <= len(names) <= 2 or len(set(names)) != len(names):
        raise UsageError(f"grid: got the knobs {names}; expected one or two, each once")
    n_cells = len(list(product(*(knob.values for knob in knobs))))
    if n_cells > _MOST:
        raise UsageError(f"grid: {n_cells} cells; expected {_MOST} at most; give fewer values")


def tornado(desk: Desk, knobs: Sequence[Knob], *, seed: int = 0) -> pd.DataFrame:
    """Each knob moved by itself, those that swing the outcome most first.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    knobs : sequence of Knob
        Knobs.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    pandas.DataFrame
        One row per knob and value: ``knob, value`` and the columns of `score_grid`; ``swing`` is
        the largest less the smallest change of a knob, of one value the size of its change; NaN
        where values stand for different outcomes.
    """
    parts = []
    for knob in knobs:
        found = score_grid(desk, [knob], seed=seed)
        found = found.rename(columns={knob.name: "value"})
        found.insert(0, "knob", knob.name)
        found["swing"] = _swing(found)
        parts.append(found)
    whole = pd.concat(parts, ignore_index=True)
    return whole.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def _swing(table: pd.DataFrame) -> float:
    """How far a knob moves what is expected."""
    change = table["change"].dropna()
    # What two values bring in different outcomes has no difference.
    if change.empty or len(set(table["outcome"].dropna())) > 1:
        return float("nan")
    return float(change.max() - change.min() if len(change) > 1 else abs(change.iloc[0]))
