"""The quarantine: every row and value that validation set aside, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from matcher.files import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.market.market import Market

__all__ = ["FIXES", "QUARANTINE_COLUMNS", "Failures", "describe_failures", "write_quarantine"]

Level = Literal["table", "row", "value", "warning"]

QUARANTINE_COLUMNS: Final = ("table", "row", "column", "value", "rule", "fix", "level")
"""`row` counts from 0 in the table as read (over part files in the order of their names) and is
missing for an entry about a whole column or table."""

MAX_VALUE_CHARACTERS: Final = 200
"""Longest piece of a bad value that the quarantine shows."""

FIXES: Final[dict[str, str]] = {
    "above_maximum": "correct the export, or leave the value empty",
    "below_minimum": "leave a missing value empty, never 0 or -1; correct the export",
    "bucket_unknown": "use a bucket of the contract for this dimension",
    "conflicting_key": "keep the one row that is right",
    "dangling_reference": "add the parent row, or remove the reference",
    "empty_file": "fill the file, or take it away",
    "exact_duplicate": "nothing; it counts once",
    "implausible_instant": "correct the date; an unknown one is left empty",
    "in_future": "correct the date; only planned dates may lie ahead",
    "malformed_row": "quote fields that hold separators or line breaks",
    "missing_column": "add the column",
    "missing_rate": "add a row with this `from` and `to` and an earlier day `on`; what needs the "
    "price of an account ends with an error until then",
    "missing_table": "add the table",
    "missing_value": "fill the value",
    "naive_instant": "write it with its offset (2025-03-01T09:00:00+07:00), or name the zone "
    "with --assume-timezone",
    "no_usable_row": "correct the rows that the entries of this table name",
    "not_a_day": "write it as YYYY-MM-DD",
    "not_a_flag": "write true or false",
    "not_read": "rename it after a table of the contract and store it as .parquet, .csv or .jsonl, "
    "or take it away",
    "not_a_number": "write digits with a dot for decimals, no thousands separator, no percent sign",
    "not_whole": "write a whole number",
    "not_an_instant": "write it as YYYY-MM-DDTHH:MM:SS+00:00",
    "not_finite": "leave the value empty",
    "not_utf8": "export the table as UTF-8",
    "observed_before_published": "correct one of the two instants",
    "parent_quarantined": "correct the parent row; this one returns with it",
    "pattern": "write the value as the contract says",
    "reach_above_impressions": "reach counts distinct accounts, check the export",
    "shares_above_one": "shares are fractions that sum to at most 1 in a dimension",
    "span_reversed": "swap the two days",
    "subject_missing": "name a brand or a category",
    "too_long": "shorten the value",
    "unknown_category": "use a taxonomy id; read as `other` for now",
    "unknown_timezone": "use an IANA zone such as Asia/Ho_Chi_Minh",
    "unknown_word": "use a word of the contract's list",
    "unreadable": "export the file again",
    "without_currency": "add the ISO 4217 currency of the row",
    "wrong_type": "store the column in the contract's type",
}
"""What to do about each rule."""


class Failures:
    """Growing list of quarantine entries, stored by check so that a million cost no loop."""

    def __init__(self) -> None:
        self._chunks: list[pd.DataFrame] = []

    def add(
        self,
        table: str,
        column: str | None,
        *,
        rule: str,
        level: Level,
        rows: NDArray[np.int64] | None = None,
        values: Sequence[str | None] | str | None = None,
        fix: str | None = None,
    ) -> None:
        """Add one entry per row, or one about the whole column when `rows` is None.

        Parameters
        ----------
        table : str
            Table name.
        column : str or None
            Column name; None when the entry is about the row or table as a whole.
        rule : str
            Rule that was broken, a key of `FIXES`.
        level : {"table", "row", "value", "warning"}
            What it costs.
        rows : ndarray of int64, optional
            Row numbers.
        values : sequence of str or None, or str, optional
            Values as read, one per row.
        fix : str, optional
            What to do; the rule's own text when None.
        """
        index = pd.array([pd.NA] if rows is None else rows, dtype="Int64")
        self._chunks.append(
            pd.DataFrame(
                {
                    "table": pd.Series([table] * len(index), dtype="str"),
                    "row": index,
                    "column": pd.Series([column] * len(index), dtype="str"),
                    "value": pd.Series(
                        [values] * len(index)
                        if values is None or isinstance(values, str)
                        else list(values),
                        dtype="str",
                    ),
                    "rule": pd.Series([rule] * len(index), dtype="str"),
                    "fix": pd.Series([fix or FIXES[rule]] * len(index), dtype="str"),
                    "level": pd.Series([level] * len(index), dtype="str"),
                }
            )
        )

    def frame(self) -> pd.DataFrame:
        """All entries so far, in the order of the checks.

        Returns
        -------
        pandas.DataFrame
            Columns `QUARANTINE_COLUMNS`; empty when nothing failed.
        """
        if self._chunks:
            return pd.concat(self._chunks, ignore_index=True)
        empty = {name: pd.Series([], dtype="str") for name in QUARANTINE_COLUMNS}
        empty["row"] = pd.Series([], dtype="Int64")
        return pd.DataFrame(empty)


def describe_failures(failures: pd.DataFrame) -> tuple[str, ...]:
    """One sentence per table, column and rule: how many, the first five, what to do.

    Parameters
    ----------
    failures : pandas.DataFrame
        Entries with columns `QUARANTINE_COLUMNS`.

    Returns
    -------
    tuple of str
        Sentences, the costliest level first, then by count.

    Examples
    --------
    >>> failures = Failures()
    >>> failures.add("posts", "views", rule="below_minimum", level="value",
    ...              rows=np.array([3]), values=["-1"])
    >>> print(describe_failures(failures.frame())[0])
    posts.views: 1 value below_minimum (row 3: '-1'); leave a missing value empty, never 0 or -1; \
correct the export
    """
    order = {"table": 0, "row": 1, "value": 2, "warning": 3}
    sentences: list[tuple[int, int, str]] = []
    keys = ["level", "table", "column", "rule", "fix"]
    for (level, table, column, rule, fix), group in failures.groupby(
        keys, dropna=False, sort=False
    ):
        place = str(table) if column != column else f"{table}.{column}"
        shown = ", ".join(
            _example(row, value)
            for row, value in zip(group["row"].head(5), group["value"].head(5), strict=True)
        )
        count = len(group)
        noun = level if level in ("row", "value", "warning") else "problem"
        head = f"{place}: {count:,} {noun}{'s' if count > 1 else ''} {rule}"
        if shown.strip(", "):
            head += f" ({shown}{', …' if count > 5 else ''})"
        sentences.append((order[str(level)], -count, f"{head}; {fix}"))
    return tuple(text for _, _, text in sorted(sentences, key=lambda item: item[:2]))


def _example(row: int | None, value: str | None) -> str:
    seen = "" if pd.isna(value) else repr(str(value)[:60])
    if pd.isna(row):
        return seen
    return f"row {row}: {seen}" if seen else f"row {row}"


def write_quarantine(market: Market, path: Path, *, force: bool = False) -> Path:
    """Write a market's quarantine to one file, whole or not at all.

    Parameters
    ----------
    market : Market
        Market whose quarantine is written.
    path : pathlib.Path
        Target with suffix ``.parquet``, ``.csv`` or ``.jsonl``; never inside the market's folder.
    force : bool, default False
        Replace a file that stands there.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    OutputExistsError
        If the file stands already and `force` is False.
    UsageError
        If the suffix is another one, or the folder cannot be written.
    """
    return write_table(Path(path), market.quarantine, force=force)
