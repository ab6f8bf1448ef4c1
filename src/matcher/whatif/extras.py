"""Further questions beside scenarios: grids, sentences, one account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matcher.errors import UsageError
from matcher.whatif.curve import account_curve
from matcher.whatif.entry import find_entries
from matcher.whatif.findings import find_out
from matcher.whatif.grid import Knob, grid_scenarios, parse_knob, score_grid
from matcher.whatif.grid import tornado as one_at_a_time
from matcher.whatif.sentences import weigh_sentences
from matcher.whatif.verdicts import say_curve, say_grid, say_sentences, say_tornado

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from matcher.recommend.wording import Language
    from matcher.whatif.answer import Comparison
    from matcher.whatif.desk import Desk
    from matcher.whatif.scenario import Scenario

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

    def cells(self, language: Language) -> list[Scenario]:
        """Cells of the grid or tornado as scenarios.

        Parameters
        ----------
        language : {"en", "vi"}
            Language of their names.

        Returns
        -------
        list of Scenario
            As of `matcher.whatif.grid.grid_scenarios`.
        """
        return grid_scenarios(self.knobs, is_tornado=self.is_tornado, language=language)

    def points(self, language: Language) -> list[Scenario]:
        """Points of the curve as scenarios.

        Parameters
        ----------
        language : {"en", "vi"}
            Language of their names.

        Returns
        -------
        list of Scenario
            None where no curve is asked for.
        """
        return [] if self.curve is None else grid_scenarios([self.curve], language=language)


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
        With one table more for each, its grade, its support and its verdict.
    """
    parts: dict[str, pd.DataFrame] = dict(found.parts)
    findings = dict(found.findings)
    language, n_top = desk.job.language, len(desk.base.chosen)

    def keep(name: str, table: pd.DataFrame, said: str) -> None:
        parts[name], findings[name] = table, find_out(desk, said, table)

    if extras.knobs and extras.is_tornado:
        table = one_at_a_time(desk, extras.knobs, seed=seed)
        keep("tornado", table, say_tornado(table, n_top=n_top, language=language))
    elif extras.knobs:
        table = score_grid(desk, extras.knobs, seed=seed, progress=progress)
        names = [knob.name for knob in extras.knobs]
        keep("grid", table, say_grid(table, names, n_top=n_top, language=language))
    if extras.sentences:
        table = weigh_sentences(desk)
        keep("sentences", table, say_sentences(table, n_top=n_top, language=language))
    if extras.curve is not None:
        account, _, what = extras.curve.name.rpartition(".")
        table = account_curve(desk, account, what, extras.curve.values)
        rank = desk.base.rank_of(account)
        said = say_curve(table, account, what, rank=rank, language=language)
        table.insert(0, "knob", extras.curve.name)
        keep("curve", table, said)
    if extras.enter is not None:
        entry = find_entries(desk, extras.enter)
        keep("ways", entry.ways, entry.verdict)
        parts["levers"] = entry.levers
    return replace(found, parts=parts, findings=findings)
