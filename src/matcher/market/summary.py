"""What a market holds and what its validation set aside, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from matcher.errors import DataError
from matcher.market.quarantine import describe_failures
from matcher.market.schema import TABLES

if TYPE_CHECKING:
    from matcher.market.market import Market
    from matcher.market.spec import TableSpec

__all__ = ["profile_market", "validation_report"]

COUNTED = ["table", "column", "rule", "level"]


def validation_report(market: Market) -> dict[str, Any]:
    """Outcome of a market's validation, as ``matcher validate --json`` prints it.

    Parameters
    ----------
    market : Market
        A validated market.

    Returns
    -------
    dict
        ``is_clean``; ``data_hash``; ``n_entries``; ``tables`` (per given table ``read``, ``kept``);
        ``levels`` (entries per level); ``entries`` (per table, column, rule and level ``n`` and
        the first five rows and values); ``messages`` (one sentence per kind); ``notes``. Nothing
        but JSON types.
    """
    entries = market.quarantine
    return {
        "is_clean": entries.empty,
        "data_hash": market.data_hash,
        "n_entries": len(entries),
        "tables": {
            name: {"read": int(n_read), "kept": len(market.tables[name])}
            for name, n_read in market.n_read.items()
        },
        "levels": {str(level): int(n) for level, n in entries["level"].value_counts().items()},
        "entries": [
            {
                "table": str(table),
                "column": None
                if column != column
                else str(column),  # NaN alone differs from itself
                "rule": str(rule),
                "level": str(level),
                "n": len(group),
                "first": [
                    {
                        "row": None if pd.isna(row) else int(row),
                        "value": None if pd.isna(value) else str(value),
                    }
                    for row, value in zip(group["row"].head(5), group["value"].head(5), strict=True)
                ],
                "fix": str(group["fix"].iloc[0]),
            }
            for (table, column, rule, level), group in entries.groupby(
                COUNTED, dropna=False, sort=False
            )
        ],
        "messages": list(describe_failures(entries)),
        "notes": list(market.notes),
    }


def profile_market(market: Market) -> dict[str, Any]:
    """Numbers that describe a market.

    Parameters
    ----------
    market : Market
        A market, whole or cut.

    Returns
    -------
    dict
        ``data_hash``, ``cut_at``, ``newest_known_at``, ``timeless_columns``, and ``tables``: per
        table that holds rows its ``rows``, ``null_share`` per column and ``span`` (oldest and
        newest value) per column of instants or days. Nothing but JSON types.
    """
    return {
        "data_hash": market.data_hash,
        "cut_at": None if market.cut_at is None else market.cut_at.isoformat(),
        "newest_known_at": _newest(market),
        "timeless_columns": list(market.timeless_columns),
        "tables": {
            name: _profile_table(frame, TABLES[name])
            for name, frame in market.tables.items()
            if len(frame)
        },
    }


def _newest(market: Market) -> str | None:
    try:
        return market.newest_known_at.isoformat()
    except DataError:
        return None


def _profile_table(frame: pd.DataFrame, spec: TableSpec) -> dict[str, Any]:
    dated = [column.name for column in spec.columns if column.dtype in ("instant", "day")]
    return {
        "rows": len(frame),
        "null_share": {
            str(name): round(float(share), 6) for name, share in frame.isna().mean().items()
        },
        "span": {
            name: [frame[name].min().isoformat(), frame[name].max().isoformat()]
            for name in dated
            if frame[name].notna().any()
        },
    }
