"""The types in which the data contract is held as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["DTYPES", "MAX_ID_CHARACTERS", "MAX_TEXT_CHARACTERS", "ColumnSpec", "TableSpec"]

Dtype = Literal["str", "instant", "day", "float", "bool", "list"]

DTYPES: Final[dict[str, str]] = {
    "str": "str",
    "instant": "datetime64[us, UTC]",
    "day": "datetime64[us]",
    "float": "float64",
    "bool": "boolean",
    "list": "object",
}
"""Pandas dtype of each contract dtype; a list cell is a tuple of text or None."""

MAX_ID_CHARACTERS: Final = 256
"""Longest id or closed word that is read."""
MAX_TEXT_CHARACTERS: Final = 100_000
"""Longest free text that is read; a longer one is quarantined whole, never cut."""


@dataclass(frozen=True)
class ColumnSpec:
    """One column of the contract.

    Parameters
    ----------
    name : str
        Column name, fixed.
    dtype : {"str", "instant", "day", "float", "bool", "list"}
        Kind of value; see `DTYPES` for the in-memory dtype.
    description : str
        What the value means.
    nullable : bool, default True
        Whether a value may be missing. A bad value of a nullable column becomes null, a bad value
        of any other sends its row to the quarantine.
    known_at : str, default "identity"
        When a value becomes known: the name of an instant column of the same table; ``identity``
        (as soon as the row itself); ``timeless`` (undated: from the row's `as_of` when it has one,
        else always known by assumption); ``reading`` (from `observed_at`, or ``counter_lag`` after
        publication when that is null); ``term`` (agreed terms, always known).
    minimum, maximum : float, optional
        Inclusive range of a number.
    unit : str, optional
        Unit of a number.
    allowed : tuple of str, optional
        Closed vocabulary of the value or of the list's elements; empty means open.
    pattern : str, optional
        Regular expression that the whole value, or each element of a list, matches.
    reference : str, optional
        ``table.column`` that the value, or each element of a list, refers to.
    is_taxonomy : bool, default False
        Whether the value is a taxonomy id; an unknown one maps to ``other`` with a warning.
    max_characters : int
        Longest value that is read.
    accepts_day : bool, default False
        Whether a plain day is read as an instant, the last of that day in UTC.
    may_be_future : bool, default False
        Whether an instant or day may lie after the moment of loading; an observation may not.
    on_dangling : {"row", "value"}
        What a reference to a missing row costs: its row, or only the value.
    """

    name: str
    dtype: Dtype
    description: str
    nullable: bool = True
    known_at: str = "identity"
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None
    allowed: tuple[str, ...] = ()
    pattern: str | None = None
    reference: str | None = None
    is_taxonomy: bool = False
    max_characters: int = MAX_ID_CHARACTERS
    accepts_day: bool = False
    may_be_future: bool = False
    on_dangling: Literal["row", "value"] = "row"

    @property
    def required(self) -> bool:
        """Whether the column must stand in the file."""
        return not self.nullable

    @property
    def range(self) -> tuple[float | None, float | None] | None:
        """Inclusive range of a number, or None where any is allowed."""
        if self.minimum is None and self.maximum is None:
            return None
        return (self.minimum, self.maximum)

    @property
    def pandas_dtype(self) -> str:
        """Dtype of the column in memory."""
        return DTYPES[self.dtype]


@dataclass(frozen=True)
class TableSpec:
    """One table of the contract.

    Parameters
    ----------
    name : str
        Table name, also the name of its file or folder.
    key : tuple of str
        Columns that identify a row.
    columns : tuple of ColumnSpec
        Columns in their canonical order.
    description : str
        What one row is.
    need : str
        Whether and for what the table is needed.
    known_at : str, optional
        Instant (or day) column from which a row is known; None where a row is always known.
    sort : tuple of str, optional
        Columns that order the rows in memory; the key when empty.
    extra_known_at : str, default "identity"
        `known_at` of further columns that the contract does not name.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[ColumnSpec, ...]
    description: str
    need: str = "optional"
    known_at: str | None = None
    sort: tuple[str, ...] = ()
    extra_known_at: str = "identity"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the contract columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def order(self) -> tuple[str, ...]:
        """Columns that order the rows in memory."""
        return self.sort or self.key

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns that must stand in the file."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> ColumnSpec:
        """Specification of one column.

        Parameters
        ----------
        name : str
            Column name.

        Returns
        -------
        ColumnSpec
            Its specification.

        Raises
        ------
        KeyError
            If the contract has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")
