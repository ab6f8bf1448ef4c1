"""Grids over one or two knobs, one at a time or crossed, and curves of one account."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import yaml

from matcher.errors import UsageError
from matcher.whatif.cost import change_of_cost
from matcher.whatif.edits import BriefEdit, InfluencerEdit
from matcher.whatif.movement import rank_biased_overlap
from matcher.whatif.paired import change_of_outcomes
from matcher.whatif.scenario import Scenario, parse_scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matcher.whatif.desk import Desk
    from matcher.whatif.state import State

__all__ = [
    "CURVE_COLUMNS",
    "Knob",
    "account_curve",
    "grid_scenarios",
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
CURVE_COLUMNS: Final = ("value", "rank", "score", "expected", "low", "high", "n_candidates")
"""Columns of `account_curve`."""


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


def _scenario(knobs: Sequence[Knob], values: Sequence[Any], start: Scenario) -> Scenario:
    edits = [knob.edit(value) for knob, value in zip(knobs, values, strict=True)]
    shown = [f"{knob.name}={_show(value)}" for knob, value in zip(knobs, values, strict=True)]
    content = start.to_dict() | {"name": ", ".join(shown)}
    content["edits"] = [*content["edits"], *edits]
    return parse_scenario(content, where="grid")


def grid_scenarios(knobs: Sequence[Knob], *, is_tornado: bool = False) -> list[Scenario]:
    """Cells of a grid as scenarios, named by what they set.

    Parameters
    ----------
    knobs : sequence of Knob
        One or two; any number, each by itself, of a tornado.
    is_tornado : bool, default False
        Whether each knob is moved by itself.

    Returns
    -------
    list of Scenario
        In the order of the rows of `score_grid` or of the knobs; none without knobs.
    """
    from matcher.whatif.scenario import BASELINE

    if is_tornado:
        return [one for knob in knobs for one in grid_scenarios([knob])]
    if not knobs:
        return []
    cells = product(*(knob.values for knob in knobs))
    return [_scenario(knobs, values, BASELINE) for values in cells]


def _show(value: Any) -> str:
    return "+".join(value) if isinstance(value, tuple) else f"{value}"


def _row(base: State, state: State, seed: int) -> dict[str, Any]:
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
        "digest": state.scenario.digest,
    }


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
        candidates, expected outcome before and after with the interval of the change, fees.

    Raises
    ------
    UsageError
        If there are more than two knobs, the same twice, or more than 400 cells.
    """
    _check_knobs(knobs)
    from matcher.whatif.scenario import BASELINE

    cells = list(product(*(knob.values for knob in knobs)))
    rows = []
    for place, values in enumerate(cells, start=1):
        state = desk.score(_scenario(knobs, values, BASELINE if start is None else start))
        told = {knob.name: _show(value) for knob, value in zip(knobs, values, strict=True)}
        rows.append(told | _row(desk.base, state, seed))
        if progress is not None:
            progress("grid", place, len(cells))
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
        the largest less the smallest change of a knob.
    """
    parts = []
    for knob in knobs:
        found = score_grid(desk, [knob], seed=seed)
        found = found.rename(columns={knob.name: "value"})
        found.insert(0, "knob", knob.name)
        found["swing"] = found["change"].max() - found["change"].min()
        parts.append(found)
    whole = pd.concat(parts, ignore_index=True)
    return whole.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def account_curve(desk: Desk, account_id: str, what: str, values: Sequence[Any]) -> pd.DataFrame:
    """What becomes of one account as one thing about it changes, all else as it is.

    An individual conditional expectation: the other accounts stay, and all are ranked anew.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    account_id : str
        The account.
    what : str
        Field of `matcher.whatif.edits.InfluencerEdit`, such as ``price_factor``.
    values : sequence
        Values.

    Returns
    -------
    pandas.DataFrame
        `CURVE_COLUMNS`, one row per value: rank (missing where the account is no candidate), score
        of the order, and expected main outcome with its 80 % range.

    References
    ----------
    Goldstein, Kapelner, Bleich and Pitkin, Peeking inside the black box, Journal of Computational
    and Graphical Statistics 24 (2015).
    """
    knob = Knob(f"{account_id}.{what}", tuple(values))
    rows = []
    from matcher.whatif.scenario import BASELINE

    for value in knob.values:
        state = desk.score(_scenario([knob], [value], BASELINE))
        rows.append({"value": _show(value), **_of_account(state, account_id)})
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS)).astype({"rank": "Int64"})


def _of_account(state: State, account_id: str) -> Mapping[str, Any]:
    import numpy as np

    found = state.rows_of(np.array([account_id], dtype=object))
    held: dict[str, Any] = {
        "rank": state.rank_of(account_id),
        "n_candidates": len(state.ranked.candidates),
    }
    if found[0] < 0:
        return held
    held["score"] = float(state.ranked.order_score[int(found[0])])
    main = state.outcomes(found).get(state.main_outcome or "")
    if main is not None:
        held["expected"] = float(main.mean()[0])
        held["low"], held["high"] = (float(main.quantile(level)[0]) for level in (0.1, 0.9))
    return held
