"""Whole rows of an altered future: some fewer, some more, valid and in order."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from matcher.evaluation.ranked import BoolArray
from matcher.evaluation.scramble import Later, tidy_rows
from matcher.market.schema import TableSpec

__all__ = ["CHANGED_SHARE", "other_columns", "redraw_rows", "settle_rows"]

CHANGED_SHARE: Final = 0.2
"""Share of later rows that are deleted, and that are added."""


def redraw_rows(
    spec: TableSpec,
    frame: pd.DataFrame,
    later: Later,
    *,
    hidden: BoolArray,
    deletable: BoolArray | None = None,
) -> tuple[pd.DataFrame, BoolArray]:
    """Known rows as they are, then later ones: some fewer, some more; and which are later.

    Added rows are copies, of known rows where there is no later one; a table with an id of its
    own gives them new ids.

    Parameters
    ----------
    spec : TableSpec
        Rule of the table.
    frame : pandas.DataFrame
        Its rows.
    later : Later
        Source of chance.
    hidden : numpy.ndarray of bool, shape (n_rows,)
        Later rows.
    deletable : numpy.ndarray of bool, shape (n_rows,), optional
        Rows to which nothing known refers; all when None.

    Returns
    -------
    rows : pandas.DataFrame
        Known rows first.
    changed : numpy.ndarray of bool
        Which of them are later.
    """
    free = hidden if deletable is None else hidden & deletable
    drop = free & (later.rng.random(len(frame)) < CHANGED_SHARE)
    if free.any() and not drop.any():
        drop[later.rng.choice(np.flatnonzero(free))] = True
    known, stays = frame[~hidden], frame[hidden & ~drop]
    n_added = max(1, int(CHANGED_SHARE * hidden.sum()))
    pool = np.flatnonzero(hidden) if hidden.any() else np.arange(len(frame))
    added = frame.iloc[later.rng.choice(pool, size=n_added)]
    if len(spec.key) == 1:
        ids = [f"later_{number:012x}" for number in later.rng.integers(1 << 48, size=n_added)]
        added = added.assign(**{spec.key[0]: pd.array(ids, dtype="str")})
    result = pd.concat([known, stays, added], ignore_index=True)
    return result, np.arange(len(result)) >= len(known)


def settle_rows(spec: TableSpec, frame: pd.DataFrame, *, changed: BoolArray) -> pd.DataFrame:
    """Valid rows in canonical order; of equal keys the known row stays.

    Parameters
    ----------
    spec : TableSpec
        Rule of the table.
    frame : pandas.DataFrame
        Rows, known ones first.
    changed : numpy.ndarray of bool, shape (n_rows,)
        Rows whose values may contradict each other.

    Returns
    -------
    pandas.DataFrame
        The table.
    """
    tidy = tidy_rows(frame, spec, rows=changed)
    unique = tidy.drop_duplicates(list(spec.key), keep="first")
    ordered = unique.sort_values(list(spec.order), na_position="first", kind="stable")
    return ordered.reset_index(drop=True)


def other_columns(spec: TableSpec, frame: pd.DataFrame, *kept: str) -> list[str]:
    """All columns but the id of the row and those named.

    Parameters
    ----------
    spec : TableSpec
        Rule of the table.
    frame : pandas.DataFrame
        Its rows, with columns that the contract does not name.
    *kept : str
        Columns left out.

    Returns
    -------
    list of str
        Names.
    """
    own = spec.key if len(spec.key) == 1 else ()
    return [str(name) for name in frame.columns if name not in (*own, *kept)]
