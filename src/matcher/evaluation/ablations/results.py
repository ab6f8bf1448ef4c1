"""The full evaluation: one table of ablations, robustness and learning curves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.evaluation.ablations.table import COLUMNS

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["GROUPS", "FullEvaluation"]

GROUPS: Final = ("ablations", "robustness", "learning curve")
"""Parts of the table, in its order."""

_KEYS: Final = ["group", "variant", "against", "question", "metric"]
_NUMBERS: Final = (
    "value",
    "low",
    "high",
    "difference",
    "difference_low",
    "difference_high",
    "includes_zero",
)


@dataclass(frozen=True, eq=False)
class FullEvaluation:
    """What each part of the model is worth, what moves it, and what more campaigns add.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``group, variant, against, question, metric, value, low, high, n, difference,
        difference_low, difference_high, includes_zero, reason``: mean over `n` campaigns with its
        95 % interval over brands, and variant minus `against` on the campaigns in which both are
        defined. What all others of a part are compared with is itself against nothing.
    about : mapping of str to str
        What each variant is, in a sentence; those of one family need none.
    notes : tuple of str
        What was left out, and what the figures rest on.
    audit : mapping
        What the caller stated, blocks, hashes, assumptions.

    Raises
    ------
    DataError
        If a column is missing, a row stands twice or has neither value nor reason, there is no such
        part, or a row compares with a variant that has none.
    """

    table: pd.DataFrame
    about: Mapping[str, str]
    notes: tuple[str, ...]
    audit: Mapping[str, Any]

    def __post_init__(self) -> None:
        table = self.table
        if missing := [name for name in COLUMNS if name not in table]:
            raise DataError(f"full evaluation: columns {missing} are missing; expected {COLUMNS}")
        if table.duplicated(_KEYS).any():
            first = table.loc[table.duplicated(_KEYS), _KEYS].head(5).to_numpy().tolist()
            raise DataError(f"full evaluation: rows stand twice ({first}); expected each once")
        bare = table["value"].isna() & (table["reason"] == "")
        if bare.any():
            first = table.loc[bare, _KEYS].head(5).to_numpy().tolist()
            raise DataError(
                f"full evaluation: {int(bare.sum())} of {len(table)} rows have neither value nor "
                f"reason ({first}); expected one of them"
            )
        if strangers := sorted(set(table["group"]) - set(GROUPS)):
            raise DataError(f"full evaluation: parts {strangers}; expected some of {list(GROUPS)}")
        for group, rows in table.groupby("group", sort=False):
            names = set(rows["variant"])
            if strangers := sorted(set(rows["against"]) - names - {""}):
                raise DataError(
                    f"full evaluation: {group}: compared with {strangers[:5]}, which have no row; "
                    f"expected some of {sorted(names)[:5]}"
                )

    @property
    def variants(self) -> dict[str, tuple[str, ...]]:
        """Variants by part, in the order of the table."""
        return {
            str(group): tuple(dict.fromkeys(rows["variant"].tolist()))
            for group, rows in self.table.groupby("group", sort=False)
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it for machines.

        Returns
        -------
        dict
            ``table`` (one object per row, undefined numbers None), ``about``, ``notes`` and
            ``audit``.
        """
        rows = []
        for row in self.table.to_dict("records"):
            plain = {str(key): value for key, value in row.items()}
            for name in _NUMBERS:
                value = plain[name]
                unknown = pd.isna(value) or (isinstance(value, float) and not np.isfinite(value))
                plain[name] = None if unknown else value
            plain["includes_zero"] = (
                None if plain["includes_zero"] is None else bool(plain["includes_zero"])
            )
            plain["n"] = int(plain["n"])
            rows.append(plain)
        return {
            "table": rows,
            "about": dict(self.about),
            "notes": list(self.notes),
            "audit": dict(self.audit),
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """Text form of `to_dict`.

        Parameters
        ----------
        indent : int, optional
            Spaces per level; None for one line.

        Returns
        -------
        str
            JSON with full precision, letters as they are, and no NaN.
        """
        return json.dumps(
            self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False, default=str
        )

    def to_frame(self) -> pd.DataFrame:
        """The table, ready for Parquet.

        Returns
        -------
        pandas.DataFrame
            A copy of `table`.
        """
        return self.table.copy()

    def to_markdown(self) -> str:
        """The table in its parts, with notes, as Markdown.

        Returns
        -------
        str
            Markdown with rounded numbers.
        """
        from matcher.evaluation.ablations.grids import full_grids
        from matcher.evaluation.render import markdown_of

        return markdown_of(full_grids(self))

    def _repr_html_(self) -> str:
        from matcher.evaluation.ablations.grids import full_grids
        from matcher.evaluation.render import html_of

        return html_of(full_grids(self))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from matcher.evaluation.ablations.grids import full_grids
        from matcher.evaluation.render import group_of

        yield group_of(full_grids(self))
