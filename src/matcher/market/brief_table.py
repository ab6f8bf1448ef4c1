"""Briefs of a table: one row each, in the columns of a brief."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from matcher.errors import ConfigError, UsageError
from matcher.market.brief import Brief, parse_brief

__all__ = ["BRIEF_COLUMNS", "briefs_of_table"]

ColumnKind = Literal["text", "number", "list"]

_NUMBERS: Final = ("kpi_goal", "n_creators", "n_posts", "budget")
_MOST_PROBLEMS: Final = 5

BRIEF_COLUMNS: Final[Mapping[str, ColumnKind]] = {
    name: "number" if name in _NUMBERS else "list" if field.default == () else "text"
    for name, field in Brief.model_fields.items()
}
"""Columns of a table of briefs and what they hold; days and instants are texts in ISO 8601."""


def briefs_of_table(table: object) -> tuple[Brief, ...]:
    """Briefs of a table, every problem of it in one message.

    Parameters
    ----------
    table : pandas.DataFrame or sequence of mapping or mapping
        One row per brief in the columns of `BRIEF_COLUMNS`, of which ``brief_id`` (or
        ``campaign_id``) alone is needed. Lists are sequences of text, or text joined by ``|``. A
        missing cell says nothing.

    Returns
    -------
    tuple of Brief
        In the order of the rows.

    Raises
    ------
    UsageError
        If it is no table, or holds no row.
    ConfigError
        If a column is unknown, naming the nearest known one, or a value is bad.
    """
    rows = _rows(table)
    if not rows:
        raise UsageError("briefs: the table holds no row; expected one per brief")
    known = [*BRIEF_COLUMNS, "campaign_id"]
    unknown = sorted({str(name) for row in rows for name in row if name not in known})
    if unknown:
        hints = "; ".join(f"`{name}`{_nearest(name, known)}" for name in unknown[:_MOST_PROBLEMS])
        raise ConfigError(
            f"briefs: {len(unknown)} unknown column(s): {hints}; known are {', '.join(known)}"
        )
    briefs, problems = [], []
    for number, row in enumerate(rows, start=1):
        values = {name: _cell(name, value) for name, value in row.items()}
        given = {name: value for name, value in values.items() if value is not None}
        try:
            briefs.append(parse_brief(given, where=f"row {number}"))
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        rest = len(problems) - _MOST_PROBLEMS
        more = f"; and {rest} more row(s)" if rest > 0 else ""
        raise ConfigError(
            f"briefs: {len(problems)} of {len(rows)} row(s) cannot be read: "
            + "; ".join(problems[:_MOST_PROBLEMS])
            + more
        )
    return tuple(briefs)


def _rows(table: object) -> list[dict[str, Any]]:
    if isinstance(table, pd.DataFrame):
        return [{str(name): value for name, value in row.items()}
                for row in table.to_dict(orient="records")]  # fmt: skip
    rows = [table] if isinstance(table, Mapping) else table
    if (
        not isinstance(rows, Sequence)
        or isinstance(rows, str | bytes)
        or not all(isinstance(row, Mapping) for row in rows)
    ):
        raise UsageError(
            f"briefs: got a {type(table).__name__}; expected a table or a list of objects, one per "
            'brief, such as {"brief_id": "b1", "brief": "..."}'
        )
    return [{str(name): value for name, value in row.items()} for row in rows]


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _cell(name: str, value: Any) -> Any:
    """Cell as the plain value that a brief takes; None where it is missing."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple | Mapping):
        return value
    if value is None or pd.isna(value):
        return None
    if isinstance(value, str):
        return value.split("|") if BRIEF_COLUMNS.get(name) == "list" and "|" in value else value
    if isinstance(value, pd.Timestamp):
        # A day is read as an instant at midnight; a brief tells the two apart.
        moment = value.to_pydatetime(warn=False)
        return moment if moment.tzinfo else moment.date()
    return value.item() if isinstance(value, np.generic) else value
