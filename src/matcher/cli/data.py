"""Verbs about the data: the contract, and how a market keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli.output import note, print_json, print_result
from matcher.files import TABLE_SUFFIXES, check_output, write_table

if TYPE_CHECKING:
    import pandas as pd

    from matcher.market.market import Market

MarketFolder = Annotated[
    Path, typer.Argument(metavar="MARKET", help="Folder of tables: Parquet, CSV or JSON lines.")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings, YAML or JSON.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an output that stands there.")]


def schema(as_json: AsJson = False) -> None:
    """Print the tables that Matcher reads: columns, types, ranges, units, when a fact is known.

    Example: matcher schema --json > schema.json
    """
    from matcher.market.schema import schema_as_json, schema_as_markdown

    if as_json:
        print_json(schema_as_json())
    else:
        print_result(schema_as_markdown())


def validate(
    market: MarketFolder,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 when anything is quarantined.")
    ] = False,
    as_json: AsJson = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Every entry: .parquet, .csv or .jsonl."),
    ] = None,
    config: ConfigFile = None,
    assume_timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Zone of instants without one, e.g. Asia/Ho_Chi_Minh."),
    ] = None,
    force: Force = False,
) -> None:
    """Check a market against the contract and report every failure at once.

    Bad rows are set aside and named; nothing is written into the market.
    A market that cannot be used at all ends with exit code 3, with or without --strict.

    Example: matcher validate my-market --strict --out bad.csv
    """
    from matcher.config import read_settings
    from matcher.errors import SchemaError
    from matcher.market.load import load_market

    if out is not None:
        check_output(out, force=force, suffixes=TABLE_SUFFIXES)
    settings = read_settings(config).market
    if assume_timezone is not None:
        settings = settings.model_copy(update={"assume_timezone": assume_timezone})
    try:
        loaded = load_market(market, settings)
    except SchemaError as error:
        _report_unusable(market, error, as_json=as_json, out=out, force=force)
        raise
    entries = loaded.quarantine
    if out is not None:
        write_table(out, entries, force=force)
        note(f"{len(entries):,} entries written to {out}")
    if as_json:
        print_json(_as_json(market, loaded))
    else:
        print_result(_as_text(market, loaded))
    if strict and len(entries):
        raise SchemaError(
            f"{market}: {len(entries):,} entries in quarantine; --strict allows none", entries
        )


def _report_unusable(
    folder: Path, error: Any, *, as_json: bool, out: Path | None, force: bool
) -> None:
    entries = error.failures
    if out is not None and entries is not None:
        write_table(out, entries, force=force)
    if as_json:
        print_json(
            {
                "market": str(folder),
                "usable": False,
                "error": str(error),
                "n_entries": 0 if entries is None else len(entries),
                "entries": [] if entries is None else _groups(entries),
            }
        )


def _as_json(folder: Path, market: Market) -> dict[str, Any]:
    return {
        "market": str(folder),
        "usable": True,
        "data_hash": market.data_hash,
        "newest_known_at": str(market.newest_known_at.isoformat()),
        "tables": {
            name: {"given": name in market.present, "n_rows": len(table)}
            for name, table in market.tables.items()
        },
        "n_entries": len(market.quarantine),
        "entries": _groups(market.quarantine),
        "timeless_columns": list(market.timeless_columns),
        "notes": list(market.notes),
    }


def _groups(entries: pd.DataFrame) -> list[dict[str, Any]]:
    keys = ["level", "table", "column", "rule", "fix"]
    return [
        {
            **{key: _plain(value) for key, value in zip(keys, values, strict=True)},
            "n": len(group),
            "first": [
                {"row": _plain(row), "value": _plain(value)}
                for row, value in group[["row", "value"]].head(5).itertuples(index=False)
            ],
        }
        for values, group in entries.groupby(keys, dropna=False, sort=False)
    ]


def _plain(value: Any) -> Any:
    import pandas as pd

    if pd.isna(value):
        return None
    return value if isinstance(value, str) else int(value)


def _as_text(folder: Path, market: Market) -> str:
    from matcher.market.quarantine import describe_failures

    entries = market.quarantine
    state = f"{len(entries):,} entries in quarantine" if len(entries) else "nothing to complain of"
    lines = [f"{folder}: usable, {state} (data {market.data_hash})", "", "Tables"]
    for name, table in market.tables.items():
        if name in market.present:
            lines.append(f"  {name:<18}{len(table):>12,} rows")
    if absent := [name for name in market.tables if name not in market.present]:
        lines.append(f"  not given: {', '.join(absent)}")
    if len(entries):
        lines += ["", "Quarantine", *(f"  {text}" for text in describe_failures(entries))]
    if market.notes:
        lines += ["", "Assumed", *(f"  {text}" for text in market.notes)]
    return "\n".join(lines)
