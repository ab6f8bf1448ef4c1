"""The contract as pandera schemas: a second road to the same checks, and one for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matcher.market.schema import TABLES
from matcher.market.spec import DTYPES
from matcher.market.taxonomy import read_taxonomy

if TYPE_CHECKING:
    import pandera.pandas as pa_schema

    from matcher.market.spec import ColumnSpec

__all__ = ["build_pandera_schema"]


def build_pandera_schema(table: str) -> pa_schema.DataFrameSchema:
    """Pandera schema of one table, generated from the contract.

    Parameters
    ----------
    table : str
        Table name.

    Returns
    -------
    pandera.DataFrameSchema
        Checks dtypes, missing values, ranges, vocabularies, patterns and the key of a frame in
        the in-memory dtypes; further columns are let through. References and rules across
        columns are checked by `matcher.market.validate` alone.

    Raises
    ------
    KeyError
        If the contract has no such table.
    """
    import pandera.pandas as pa_schema

    spec = TABLES[table]
    return pa_schema.DataFrameSchema(
        {
            column.name: pa_schema.Column(
                DTYPES[column.dtype],
                checks=_checks(column, pa_schema),
                nullable=column.nullable,
                required=True,
            )
            for column in spec.columns
        },
        unique=list(spec.key),
        strict=False,
        name=table,
    )


def _checks(column: ColumnSpec, pa_schema: Any) -> list[Any]:
    if column.dtype == "list":
        return []
    checks: list[Any] = []
    if column.minimum is not None:
        checks.append(pa_schema.Check.ge(column.minimum))
    if column.maximum is not None:
        checks.append(pa_schema.Check.le(column.maximum))
    if column.allowed:
        checks.append(pa_schema.Check.isin(column.allowed))
    if column.is_taxonomy:
        checks.append(pa_schema.Check.isin(read_taxonomy().ids))
    if column.pattern:
        checks.append(pa_schema.Check.str_matches(column.pattern))
    return checks
