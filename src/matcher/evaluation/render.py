"""Comparison tables for people: terminal, Markdown and HTML from the same grids."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from matcher.evaluation.calibration_grids import calibration_grids
from matcher.evaluation.comparison import MODEL
from matcher.evaluation.exposure_grids import exposure_grids
from matcher.evaluation.grids import (
    MAIN_METRICS,
    NAMING,
    Grid,
    paired_grid,
    scorer_grid,
    slice_grid,
)
from matcher.evaluation.places import LENGTHS
from matcher.evaluation.scored import QUESTIONS
from matcher.plain import plain_text

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from matcher.evaluation.results import EvaluationResult

__all__ = [
    "group_of",
    "html_of",
    "markdown_of",
    "render_group",
    "render_html",
    "render_markdown",
    "render_table",
]

_MARKUP = re.compile(r"[\\`*\[\]|]")
_WIDE = 110
"""Terminal columns from which all metrics stand in one table."""


def render_table(result: EvaluationResult, question: str) -> Table:
    """Terminal table of `scorer_grid`.

    Parameters
    ----------
    result : EvaluationResult
        What is shown.
    question : str
        ``hired`` or ``delivered``.

    Returns
    -------
    rich.table.Table
        Its notes as caption.
    """
    return _rich(scorer_grid(result, question))


def render_group(result: EvaluationResult, *, width: int) -> Group:
    """Terminal view of both questions with their slices.

    Parameters
    ----------
    result : EvaluationResult
        What is shown.
    width : int
        Columns of the terminal; a narrow one gets the main metrics and the others apart.

    Returns
    -------
    rich.console.Group
        Tables.
    """
    return group_of(_grids(result, width=width))


def group_of(grids: Sequence[Grid]) -> Group:
    """Grids for the terminal, one below the other.

    Parameters
    ----------
    grids : sequence of Grid
        Grids.

    Returns
    -------
    rich.console.Group
        Tables with their notes as captions.
    """
    from rich.console import Group
    from rich.text import Text

    return Group(*(part for grid in grids for part in (_rich(grid), Text())))


def _grids(result: EvaluationResult, *, width: int = _WIDE) -> list[Grid]:
    grids = []
    for question in QUESTIONS:
        whole = scorer_grid(result, question)
        if width >= _WIDE:
            grids.append(whole)
        else:
            main = MAIN_METRICS[question]
            others = [name for name in whole.header[1:] if name not in main]
            rest = scorer_grid(result, question, metrics=others)
            grids.append(scorer_grid(result, question, metrics=main))
            grids.append(replace(rest, title=f"{question}, other metrics", notes=()))
        grids += [paired_grid(result, question), slice_grid(result, question)]
    if result.calibration is not None:
        grids += calibration_grids(result.calibration)
    if result.exposure is not None:
        # A narrow terminal has room for the shorter lists.
        lengths = LENGTHS if width >= _WIDE else LENGTHS[:1]
        grids += exposure_grids(result.exposure, lengths=lengths)
    return [grid for grid in grids if len(grid.header) > 1 and grid.rows]


def _rich(grid: Grid) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=grid.title,
        caption=Text("\n".join(grid.notes), style="dim"),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for number, name in enumerate(grid.header):
        # Names of scorers may break on a narrow terminal, numbers never.
        header = name.replace(" ", "\n").replace("_", "_\n", 1) if number else name
        is_name = number == 0 or name in NAMING
        table.add_column(
            header,
            justify="right" if number and name not in NAMING[1:] else "left",
            no_wrap=not is_name,
            overflow="fold",
            min_width=None if is_name else 5,
        )
    for row in grid.rows:
        style = "bold" if row[0] == MODEL else None
        table.add_row(*(Text(cell, overflow="fold") for cell in row), style=style)
    return table


def render_markdown(result: EvaluationResult) -> str:
    """Both questions with their slices as Markdown.

    Parameters
    ----------
    result : EvaluationResult
        What is shown.

    Returns
    -------
    str
        Headings, tables and notes; ends with a line break.
    """
    return markdown_of(_grids(result))


def markdown_of(grids: Sequence[Grid]) -> str:
    """Grids as Markdown.

    Parameters
    ----------
    grids : sequence of Grid
        Grids.

    Returns
    -------
    str
        Headings, tables and notes; ends with a line break.
    """
    parts = []
    for grid in grids:
        lines = [f"## {grid.title}", "", _markdown_row(grid.header)]
        lines.append(_markdown_row(["---", *["---:"] * (len(grid.header) - 1)]))
        lines += [_markdown_row(row) for row in grid.rows]
        lines += ["", *(f"- {_markdown_text(note)}" for note in grid.notes)]
        parts.append("\n".join(lines).rstrip())
    return "\n\n".join(parts) + "\n"


def _markdown_text(text: str) -> str:
    """Text that is neither mark-up nor HTML."""
    return _MARKUP.sub(r"\\\g<0>", plain_text(text)).replace("<", "&lt;")


def _markdown_row(cells: Sequence[str]) -> str:
    escaped = (_markdown_text(cell).replace("\n", "<br>") for cell in cells)
    return "| " + " | ".join(escaped) + " |"


def render_html(result: EvaluationResult) -> str:
    """Both questions with their slices as HTML for notebooks and reports.

    Parameters
    ----------
    result : EvaluationResult
        What is shown.

    Returns
    -------
    str
        Tables without scripts or outside resources; all texts escaped.
    """
    return html_of(_grids(result))


def html_of(grids: Sequence[Grid]) -> str:
    """Grids as HTML.

    Parameters
    ----------
    grids : sequence of Grid
        Grids.

    Returns
    -------
    str
        Tables without scripts or outside resources; all texts escaped.
    """
    return "".join(_html_table(grid) for grid in grids)


def _html_table(grid: Grid) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        parts = (html.escape(plain_text(cell)).partition("\n") for cell in cells)
        texts = (f"{top}<br><small>{low}</small>" if low else top for top, _, low in parts)
        return "<tr>" + "".join(f"<{tag}>{text}</{tag}>" for text in texts) + "</tr>"

    body = "".join(row(cells, "td") for cells in grid.rows)
    notes = "".join(f"<p>{html.escape(plain_text(note))}</p>" for note in grid.notes)
    return (
        f"<table><caption>{html.escape(grid.title)}</caption>"
        f"<thead>{row(grid.header, 'th')}</thead><tbody>{body}</tbody></table>{notes}"
    )
