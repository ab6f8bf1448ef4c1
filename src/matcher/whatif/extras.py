"""Further questions beside scenarios: grids, sentences, one account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matcher.errors import UsageError
from matcher.whatif.entry import find_entries
from matcher.whatif.grid import Knob, account_curve, parse_knob, score_grid
from matcher.whatif.grid import tornado as one_at_a_time
from matcher.whatif.sentences import weigh_sentences
from matcher.whatif.wording import say_grade

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from matcher.whatif.answer import Comparison
    from matcher.whatif.desk import Desk

__all__ = ["Extras", "add_extras", "parse_extras"]


@dataclass(frozen=True)
class Extras:
    """What is asked besides scenarios.

    Parameters
    ----------
    knobs : tuple of Knob
        Knobs of a grid, two at most.
    is_tornado : bool
        Whether each is moved by itself.
    sentences : bool
        Whether sentences of the brief are weighed.
    enter : str or None
        Account that wants to enter the list.
    curve : Knob or None
        What is changed of one account.
    """

    knobs: tuple[Knob, ...] = ()
    is_tornado: bool = False
    sentences: bool = False
    enter: str | None = None
    curve: Knob | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return not (self.knobs or self.sentences or self.enter or self.curve)


def parse_extras(
    grid: Sequence[str],
    *,
    tornado: bool = False,
    sentences: bool = False,
    enter: str | None = None,
    curve: str | None = None,
) -> Extras:
    """Further questions as they are typed.

    Parameters
    ----------
    grid : sequence of str
        Knobs as of `matcher.whatif.grid.parse_knob`.
    tornado : bool, default False
        Whether each is moved by itself.
    sentences : bool, default False
        Whether sentences are weighed.
    enter : str, optional
        Account that wants to enter the list.
    curve : str, optional
        ``ACCOUNT.FIELD=VALUE,VALUE``.

    Returns
    -------
    Extras
        Checked.

    Raises
    ------
    UsageError
        If a knob is unknown, more than two are crossed, or a tornado has no knob.
    """
    knobs = tuple(parse_knob(text) for text in grid)
    if tornado and not knobs:
        raise UsageError("--tornado: which knobs? give --grid KNOB=A,B")
    if len(knobs) > 2 and not tornado:
        raise UsageError(f"--grid: got {len(knobs)} knobs; two at most are crossed; see --tornado")
    along = None if curve is None else parse_knob(curve)
    if along is not None and along.edit(along.values[0])["kind"] != "influencer":
        raise UsageError(f"--curve: got {curve!r}; expected ACCOUNT.FIELD=VALUE,VALUE")
    return Extras(knobs, tornado, sentences, enter, along)


def add_extras(
    found: Comparison,
    desk: Desk,
    extras: Extras,
    *,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Comparison:
    """Answer the further questions.

    Parameters
    ----------
    found : Comparison
        Answers to scenarios.
    desk : Desk
        Model, market and brief.
    extras : Extras
        What is asked besides.
    seed : int, default 0
        Seed of the draws.
    progress : callable, optional
        Told ``(step, n_done, n_all)``.

    Returns
    -------
    Comparison
        With one table more for each, and a sentence where there is one.
    """
    parts: dict[str, pd.DataFrame] = dict(found.parts)
    notes = list(found.notes)
    if extras.knobs and extras.is_tornado:
        parts["tornado"] = one_at_a_time(desk, extras.knobs, seed=seed)
    elif extras.knobs:
        parts["grid"] = score_grid(desk, extras.knobs, seed=seed, progress=progress)
    if extras.sentences:
        parts["sentences"] = weigh_sentences(desk)
    if extras.curve is not None:
        account, _, what = extras.curve.name.rpartition(".")
        held = account_curve(desk, account, what, extras.curve.values)
        held.insert(0, "knob", extras.curve.name)
        parts["curve"] = held
    if extras.enter is not None:
        entry = find_entries(desk, extras.enter)
        parts |= {"ways": entry.ways, "levers": entry.levers}
        notes.append(f"{say_grade('model', desk.job.language)}: {entry.verdict}")
    return replace(found, parts=parts, notes=tuple(notes))
