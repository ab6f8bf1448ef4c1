"""Read a market's folder: Parquet, CSV or JSONL, one file or a folder of parts per table."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from matcher.arguments import check_type, to_path
from matcher.config import MarketSettings
from matcher.errors import DataError, UsageError
from matcher.market.market import Market, market_from
from matcher.market.quarantine import Failures
from matcher.market.readers import SUFFIXES, read_file
from matcher.market.schema import TABLES
from matcher.market.validate import RawTable, validate_tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find_tables", "load_market"]

UNREADABLE: Final = (".xlsx", ".xls", ".tsv", ".json", ".txt", ".feather", ".arrow", ".gz", ".zip")


def load_market(
    folder: Path | str,
    settings: MarketSettings | None = None,
    *,
    strict: bool = False,
    latest: pd.Timestamp | None = None,
) -> Market:
    """Market that a folder holds.

    Parameters
    ----------
    folder : pathlib.Path or str
        Folder with one Parquet, CSV or JSONL file, or one folder of part files, per table. Nothing
        is written into it.
    settings : MarketSettings, optional
        How tables are read; the defaults when None.
    strict : bool, default False
        Raise on anything that would go to the quarantine.
    latest : pandas.Timestamp, optional
        Latest instant at which anything can have been observed; the clock plus one day when None.

    Returns
    -------
    Market
        The market; its `quarantine` holds whatever was set aside.

    Raises
    ------
    UsageError
        If there is no such folder.
    SchemaError
        With every failure of the one pass, when files cannot be read, a required table or column
        is missing, or (with `strict`) anything was set aside.
    DataError
        If the folder holds no table at all, or one table twice.

    Examples
    --------
    >>> market = load_market("data/tiny_market")
    >>> len(market["accounts"]), len(market.quarantine)
    (81, 0)
    """
    folder = to_path(folder, where="load_market: folder")
    settings = MarketSettings() if settings is None else settings
    hint = "of `Settings` it is the part `market`"
    check_type(settings, MarketSettings, where="load_market: settings", hint=hint)
    found, unread = find_tables(folder)
    failures = Failures()
    for table, file, _ in unread:
        failures.add(table, None, rule="not_read", level="warning", values=file)
    raw: dict[str, RawTable] = {}
    for name in [table for table in TABLES if table in found]:
        try:
            raw[name] = _read_table(name, found[name], failures)
        except DataError as error:
            failures.add(
                name,
                None,
                rule="unreadable",
                level="table",
                values=str(found[name].name),
                fix=str(error),
            )
    validated = validate_tables(
        raw,
        settings,
        where=str(folder),
        failures=failures,
        strict=strict,
        latest=latest,
    )
    return market_from(validated, settings)


def find_tables(folder: Path) -> tuple[dict[str, Path], list[tuple[str, str, str]]]:
    """Where each table of a folder stands.

    Parameters
    ----------
    folder : pathlib.Path
        A market's folder.

    Returns
    -------
    paths : dict of str to pathlib.Path
        File or folder of parts, by table.
    unread : list of (str, str, str)
        Table, file and sentence of every file that is not read and nearly has a table's name.

    Raises
    ------
    UsageError
        If there is no such folder.
    DataError
        If it holds no table, or one table twice.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise UsageError(f"{folder}: {what}; expected a folder with one file per table")
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error}") from error
    found: dict[str, list[Path]] = {}
    unread: list[tuple[str, str, str]] = []
    for entry in entries:
        stem = entry.name if entry.is_dir() else entry.stem
        if entry.name.startswith((".", "_")):
            continue
        if stem in TABLES and (entry.is_dir() or entry.suffix in SUFFIXES):
            found.setdefault(stem, []).append(entry)
        elif entry.suffix in (*SUFFIXES, *UNREADABLE) or entry.is_dir():
            unread += _near_miss(entry, stem)
    doubled = {name: paths for name, paths in found.items() if len(paths) > 1}
    if doubled:
        listed = "; ".join(
            f"`{name}`: {', '.join(path.name for path in paths)}" for name, paths in doubled.items()
        )
        raise DataError(f"{folder}: more than one file for a table: {listed}; keep one of each")
    if not found:
        seen = ", ".join(entry.name for entry in entries[:5]) or "nothing"
        raise DataError(
            f"{folder}: holds no table of the contract (seen: {seen}); expected `accounts`, and "
            f"`posts` or `account_snapshots`, as {', '.join(SUFFIXES)} or folders of these"
            + "".join(f"; {sentence}" for _, _, sentence in unread)
        )
    return {name: paths[0] for name, paths in found.items()}, unread


def _near_miss(entry: Path, stem: str) -> list[tuple[str, str, str]]:
    name = stem.lower()
    if name in TABLES:
        sentence = f"{entry.name}: not read; expected `{name}` as {', '.join(SUFFIXES)}"
        return [(name, entry.name, sentence)]
    return [
        (near, entry.name, f"{entry.name}: not read; did you mean `{near}`?")
        for near in difflib.get_close_matches(name, TABLES, n=1, cutoff=0.8)
    ]


def _read_table(name: str, path: Path, failures: Failures) -> RawTable:
    if path.is_file():
        return read_file(path, TABLES[name], failures)
    files = [
        part
        for part in sorted(path.iterdir())
        if not part.name.startswith((".", "_")) and part.suffix in SUFFIXES
    ]
    if not files:
        raise DataError(f"{path}: holds no part file ({', '.join(SUFFIXES)}); fill or remove it")
    parts = [read_file(part, TABLES[name], failures) for part in files]
    return _join(path, parts, files)


def _join(path: Path, parts: list[RawTable], files: list[Path]) -> RawTable:
    n_rows = sum(part.n_rows for part in parts)
    names = list(dict.fromkeys(name for part in parts for name in part.columns))
    columns: dict[str, pa.ChunkedArray] = {}
    for name in names:
        chunks = [part.columns.pop(name, None) for part in parts]
        kinds = {chunk.type for chunk in chunks if chunk is not None}
        kinds -= {pa.null()}
        target = kinds.pop() if len(kinds) == 1 else _common_type(path, name, chunks, files)
        columns[name] = pa.chunked_array(
            [
                piece
                for part, chunk in zip(parts, chunks, strict=True)
                for piece in (
                    [pa.nulls(part.n_rows, target)] if chunk is None else chunk.cast(target).chunks
                )
            ],
            type=target,
        )
    return RawTable(columns, n_rows)


def _common_type(
    path: Path, name: str, chunks: list[pa.ChunkedArray | None], files: list[Path]
) -> pa.DataType:
    schemas = [pa.schema([(name, chunk.type)]) for chunk in chunks if chunk is not None]
    kinds = [schema.field(name).type for schema in schemas]
    is_text = [pa.types.is_string(kind) or pa.types.is_large_string(kind) for kind in kinds]
    if any(is_text) and not any(pa.types.is_nested(kind) for kind in kinds):
        # A CSV part beside Parquet parts; values are judged by their text.
        return pa.large_string()
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(name).type
    except pa.ArrowException as error:
        types = ", ".join(
            f"{file.name}: {chunk.type}"
            for file, chunk in zip(files, chunks, strict=True)
            if chunk is not None
        )
        raise DataError(
            f"{path}: part files disagree on the type of `{name}` ({types[:400]}); "
            "export all parts in one way"
        ) from error
