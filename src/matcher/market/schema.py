"""The data contract held as data: every table and column that Matcher reads.

Validation, the point-in-time cut, the documentation and ``matcher schema`` are all derived from
`TABLES`; no other module repeats a column's rule.
"""

from __future__ import annotations

from typing import Any

from matcher.market.spec import DTYPES, ColumnSpec, TableSpec
from matcher.market.tables import TABLES

__all__ = ["DTYPES", "TABLES", "ColumnSpec", "TableSpec", "schema_as_json", "schema_as_markdown"]


def _column_as_json(column: ColumnSpec, key: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": column.name,
        "dtype": column.dtype,
        "pandas_dtype": column.pandas_dtype,
        "key": column.name in key,
        "nullable": column.nullable,
        "required": column.required,
        "range": None if column.range is None else list(column.range),
        "unit": column.unit,
        "allowed": list(column.allowed) or (["taxonomy id"] if column.is_taxonomy else None),
        "pattern": column.pattern,
        "reference": column.reference,
        "max_characters": column.max_characters if column.dtype in ("str", "list") else None,
        "known_at": column.known_at,
        "description": column.description,
    }


def schema_as_json() -> dict[str, Any]:
    """Contract as plain data, as ``matcher schema --json`` prints it.

    Returns
    -------
    dict
        ``{"version": 1, "tables": {name: {"key", "need", "known_at", "description", "columns"}}}``,
        with nothing but JSON types.

    Examples
    --------
    >>> schema_as_json()["tables"]["posts"]["key"]
    ['post_id']
    """
    return {
        "version": 1,
        "tables": {
            name: {
                "key": list(spec.key),
                "need": spec.need,
                "known_at": spec.known_at,
                "description": spec.description,
                "columns": [_column_as_json(column, spec.key) for column in spec.columns],
            }
            for name, spec in TABLES.items()
        },
    }


def _limits(column: ColumnSpec) -> str:
    parts = []
    if column.range is not None:
        low, high = column.range
        left = "" if low is None else f"{low:g}"
        right = "" if high is None else f"{high:g}"
        parts.append(f"{left} to {right}".strip())
    if column.unit:
        parts.append(column.unit)
    if column.allowed:
        parts.append(", ".join(f"`{word}`" for word in column.allowed))
    if column.is_taxonomy:
        parts.append("taxonomy id")
    if column.pattern:
        parts.append("pattern `" + column.pattern.replace("|", "\\|") + "`")
    if column.reference:
        parts.append(f"refers to `{column.reference}`")
    return "; ".join(parts)


def schema_as_markdown() -> str:
    """Contract as a Markdown page, generated into the documentation.

    Returns
    -------
    str
        One heading and one table of columns per contract table.
    """
    lines = ["# The market's tables", ""]
    for spec in TABLES.values():
        known = "always" if spec.known_at is None else f"from `{spec.known_at}`"
        key = ", ".join(f"`{name}`" for name in spec.key)
        lines += [
            f"## `{spec.name}`",
            "",
            f"{spec.description} Key: {key}. A row is known {known}. Needed: {spec.need}.",
            "",
            "| column | dtype | missing allowed | values | known at | meaning |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| `{column.name}` | {column.dtype} | {'yes' if column.nullable else 'no'} "
            f"| {_limits(column)} | {column.known_at} | {column.description} |"
            for column in spec.columns
        ]
        lines.append("")
    return "\n".join(lines)
