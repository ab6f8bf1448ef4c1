"""Small tables in HTML for notebooks, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["html_facts", "html_table"]


def html_table(
    frame: pd.DataFrame, *, title: str = "", notes: Iterable[str] = (), n_rows: int = 20
) -> str:
    """First rows of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        Table; its index is left out.
    title : str, default ""
        Caption.
    notes : iterable of str, default ()
        Sentences under it.
    n_rows : int, default 20
        Rows at most; how many there are in all is said where there are more.

    Returns
    -------
    str
        HTML; every text in it is escaped.
    """
    head = "".join(f"<th>{escape(str(name))}</th>" for name in frame.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>"
        for row in frame.head(n_rows).itertuples(index=False, name=None)
    )
    more = f"<p>{n_rows:,} of {len(frame):,} rows</p>" if len(frame) > n_rows else ""
    return (
        f"<table>{_caption(title)}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"{more}{_list(notes)}"
    )


def html_facts(facts: Mapping[str, Any], *, title: str = "", notes: Iterable[str] = ()) -> str:
    """Names and values, one below the other; what is None or empty is left out.

    Parameters
    ----------
    facts : mapping of str to Any
        Values by name.
    title : str, default ""
        Caption.
    notes : iterable of str, default ()
        Sentences under them.

    Returns
    -------
    str
        HTML; every text in it is escaped.
    """
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{_cell(value)}</td></tr>"
        for name, value in facts.items()
        if value not in (None, "", ())
    )
    return f"<table>{_caption(title)}<tbody>{rows}</tbody></table>{_list(notes)}"


def _caption(title: str) -> str:
    return f"<caption>{escape(title)}</caption>" if title else ""


def _list(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<ul>{items}</ul>" if items else ""


def _cell(value: object) -> str:
    # NaN, NaT and pandas.NA all say nothing; the first two differ from themselves.
    if value is None or str(value) in ("nan", "NaT", "<NA>"):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3f}"
    if isinstance(value, tuple | list):
        return escape(", ".join(map(str, value)))
    return escape(f"{value:,}" if type(value) is int else str(value))
