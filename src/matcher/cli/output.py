"""Where results, notes and progress go."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from matcher.cli.signals import leave_if_asked
from matcher.errors import UsageError
from matcher.plain import one_line, visible

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import TaskID

    from matcher.evaluation.ablations.results import FullEvaluation
    from matcher.evaluation.results import EvaluationResult

_quiet = False
_verbose = False


def set_verbose(verbose: bool) -> None:
    """Choose whether more is told: where an error arose, and what a command took.

    Parameters
    ----------
    verbose : bool
        True tells it.
    """
    global _verbose
    _verbose = verbose


def is_verbose() -> bool:
    """Whether more is told.

    Returns
    -------
    bool
        As last chosen.
    """
    return _verbose


def set_quiet(quiet: bool) -> None:
    """Choose whether notes and progress are shown.

    Parameters
    ----------
    quiet : bool
        True shows results and errors only.
    """
    global _quiet
    _quiet = quiet


def check_word(option: str, value: str, known: Sequence[str]) -> None:
    """Refuse a word that an option does not know.

    Parameters
    ----------
    option : str
        Option as typed.
    value : str
        What was given.
    known : sequence of str
        Words it knows.

    Raises
    ------
    UsageError
        If it is another word.
    """
    if value not in known:
        raise UsageError(f"{option}: got {value!r}; expected one of {', '.join(known)}")


def print_result(text: str) -> None:
    """Write a result to stdout.

    Parameters
    ----------
    text : str
        Text of one line or more, shown as by `matcher.plain.visible`; a newline is added.
    """
    sys.stdout.write(_encodable(visible(text), sys.stdout.encoding) + "\n")


def print_json(value: Any) -> None:
    """Write a result to stdout as JSON.

    Parameters
    ----------
    value : Any
        JSON values; numbers must be finite, since ``NaN`` is no JSON. What a terminal would not
        show stands there as JSON's own escape, so that nothing is lost.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    if _encodable(visible(text), sys.stdout.encoding) != visible(text):
        text = json.dumps(value, indent=2, allow_nan=False)
    print_result(text)


def note(text: str) -> None:
    """Write a note for people to stderr, unless quiet.

    Parameters
    ----------
    text : str
        One line or more, shown as by `matcher.plain.visible`.
    """
    if not _quiet:
        print_error(text)


def print_error(text: str) -> None:
    """Write a message to stderr, quiet or not.

    Parameters
    ----------
    text : str
        One line or more, shown as by `matcher.plain.visible`.
    """
    typer.echo(_encodable(visible(text), sys.stderr.encoding), err=True)


def _encodable(text: str, encoding: str | None) -> str:
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


Tell = Callable[[str, int, int], None]
"""Told the name of a step, the units of it that are done, and its units in all."""


@contextmanager
def progress() -> Iterator[Tell]:
    """Progress on stderr while a block runs: a bar per step, or lines where nobody is watching.

    Yields
    ------
    callable
        To be called with a step's name, units done and units in all. A total of 0 is unknown and
        shows no percentage.
    """
    if _quiet:
        yield lambda _step, _done, _total: leave_if_asked()
        return
    if not sys.stderr.isatty():
        yield _tell_in_lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            leave_if_asked()
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total or None)
            bars.update(tasks[step], completed=done, total=total or None)

        yield tell


def _tell_in_lines() -> Tell:
    """Progress for logs: a line when a step begins, one when it is done."""
    began: dict[str, float] = {}
    done_steps: set[str] = set()

    def tell(step: str, done: int, total: int) -> None:
        leave_if_asked()
        if step not in began:
            began[step] = time.monotonic()
            note(f"{step} ...")
        if total and done >= total and step not in done_steps:
            done_steps.add(step)
            note(f"{step}: {done:,} of {total:,} in {time.monotonic() - began[step]:.0f} s")

    return tell


def print_rich(result: EvaluationResult | FullEvaluation) -> None:
    """Write an evaluation's tables to stdout.

    Parameters
    ----------
    result : EvaluationResult or FullEvaluation
        Figures.
    """
    import shutil
    import sys

    from rich.console import Console

    width = None if sys.stdout.isatty() else shutil.get_terminal_size((160, 50)).columns
    Console(width=width).print(result)


def as_table(table: pd.DataFrame) -> str:
    """A table as lines of plain text.

    Parameters
    ----------
    table : pandas.DataFrame
        Table.

    Returns
    -------
    str
        One line per row, texts on one line each.
    """
    shown = table.map(lambda value: one_line(value) if isinstance(value, str) else value)
    text: str = shown.to_string(index=False, na_rep="–", float_format=lambda one: f"{one:,.4g}")
    return text
