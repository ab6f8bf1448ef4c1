"""Readers of one file: Parquet, CSV and JSONL as Arrow columns, every trouble as a DataError."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyarrow import csv as pa_csv
from pyarrow import json as pa_json
from pyarrow import parquet as pa_parquet

from matcher.errors import DataError
from matcher.market.validate import RawTable
from matcher.plain import encodable

if TYPE_CHECKING:
    from matcher.market.quarantine import Failures
    from matcher.market.spec import TableSpec

__all__ = ["SUFFIXES", "read_file"]

SUFFIXES: Final = (".parquet", ".csv", ".jsonl")

CHUNK: Final = 1 << 22
BLOCK: Final = 1 << 24
"""Bytes of a CSV or JSONL block; a larger file row is read with one block for the whole file."""

JSON_TYPES: Final = {
    "str": pa.string(),
    "instant": pa.string(),
    "day": pa.string(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "list": pa.list_(pa.string()),
}


def read_file(path: Path, spec: TableSpec, failures: Failures) -> RawTable:
    """Columns of one file, of whatever type it holds.

    Parameters
    ----------
    path : pathlib.Path
        File with a suffix of `SUFFIXES`.
    spec : TableSpec
        Rule of the table, for the types that JSONL is read with.
    failures : Failures
        Where rows go that are no rows at all.

    Returns
    -------
    RawTable
        Columns and their length.

    Raises
    ------
    DataError
        If the file is empty, damaged, not UTF-8, or names a column twice.
    """
    try:
        if path.suffix == ".parquet":
            table = pa_parquet.ParquetFile(path, page_checksum_verification=True).read()
        elif path.suffix == ".csv":
            table = _read_csv(path, spec, failures)
        else:
            table = _read_jsonl(path, spec, failures)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(
            f"{path}: cannot be read as {path.suffix[1:]}: {reason}; the file is damaged or cut "
            "off, export it again"
        ) from error
    doubled = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if doubled:
        raise DataError(f"{path}: columns {doubled} stand twice; name each column once")
    columns = dict(zip(table.column_names, table.columns, strict=True))
    return RawTable(columns, table.num_rows)


def _check_utf8(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    position = 0
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            pending = len(decoder.getstate()[0])
            _decode(decoder, block, position - pending, path, final=False)
            position += len(block)
        _decode(decoder, b"", position - len(decoder.getstate()[0]), path, final=True)


def _decode(
    decoder: codecs.IncrementalDecoder, block: bytes, start: int, path: Path, *, final: bool
) -> None:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        offset = start + error.start
        byte = error.object[error.start]
        hint = "UTF-16" if byte in (0xFE, 0xFF) and offset == 0 else "Windows-1258 or Windows-1252"
        raise DataError(
            f"{path}: is not UTF-8 (byte 0x{byte:02x} at offset {offset:,}); it looks like "
            f"{hint}: export it as UTF-8, or convert it with "
            f"`iconv -f {'UTF-16' if hint == 'UTF-16' else 'CP1258'} -t UTF-8` (CP1252 for "
            "Western European text)"
        ) from error


def _read_csv(path: Path, spec: TableSpec, failures: Failures) -> pa.Table:
    _check_utf8(path)
    if path.stat().st_size == 0:
        raise DataError(f"{path}: is empty; expected a header line")
    names = _csv_header(path)
    malformed: list[str] = []

    def skip(row: pa_csv.InvalidRow) -> str:
        malformed.append(
            f"{row.actual_columns} fields instead of {row.expected_columns}: {row.text}"
        )
        return "skip"

    def read(block: int) -> pa.Table:
        malformed.clear()
        return pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(block_size=block),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,
            ),
        )

    table = _with_growing_block(path, read)
    for text in malformed:
        failures.add(spec.name, None, rule="malformed_row", level="row", values=text[:200])
    return table


def _with_growing_block(path: Path, read: Any) -> pa.Table:
    try:
        return read(BLOCK)
    except pa.ArrowInvalid as error:
        size = path.stat().st_size + 1
        if "straddling" not in str(error) or size <= BLOCK or size >= 2**31:
            raise
        return read(size)


def _csv_header(path: Path) -> list[str]:
    with pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(block_size=BLOCK),
        parse_options=pa_csv.ParseOptions(
            newlines_in_values=True, invalid_row_handler=lambda _: "skip"
        ),
    ) as reader:
        names: list[str] = reader.schema.names
    if len(names) == 1 and any(mark in names[0] for mark in ";\t"):
        raise DataError(
            f"{path}: the header {names[0][:80]!r} is not separated by commas; "
            "export the table with commas"
        )
    return names


def _read_jsonl(path: Path, spec: TableSpec, failures: Failures) -> pa.Table:
    _check_utf8(path)
    schema = pa.schema([(column.name, JSON_TYPES[column.dtype]) for column in spec.columns])
    if path.stat().st_size == 0:
        # JSON lines name no columns, so that a table without rows is a file without bytes.
        return schema.empty_table()

    def read(block: int) -> pa.Table:
        return pa_json.read_json(
            path,
            read_options=pa_json.ReadOptions(block_size=block),
            parse_options=pa_json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="infer", newlines_in_values=False
            ),
        )

    try:
        table = _with_growing_block(path, read)
    except pa.ArrowInvalid:
        return _read_jsonl_by_line(path, spec, failures)
    absent = [
        name
        for name in schema.names
        if table[name].null_count == table.num_rows and not spec.column(name).required
    ]
    return table.drop_columns(absent)


def _read_jsonl_by_line(path: Path, spec: TableSpec, failures: Failures) -> pa.Table:
    """Slow road for a file with a broken line or a value of another type than its column."""
    rows: list[dict[str, Any]] = []
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                row = str(error)
            if isinstance(row, dict):
                rows.append(row)
                continue
            shown = f"line {number}: {line.strip()[:150]}"
            failures.add(
                spec.name,
                None,
                rule="malformed_row",
                level="row",
                values=shown,
                fix="write one JSON object per line",
            )
    names = list(dict.fromkeys(name for row in rows for name in row))
    lists = {column.name for column in spec.columns if column.dtype == "list"}
    columns = {
        name: pa.array(
            [_json_cell(row.get(name), name in lists) for row in rows],
            pa.list_(pa.string()) if name in lists else pa.large_string(),
        )
        for name in names
    }
    return pa.table(columns)


def _json_cell(value: Any, is_list: bool) -> Any:
    if value is None:
        return None
    if is_list:
        items = value if isinstance(value, list) else str(value).split("|")
        return [_json_text(item) for item in items if item is not None]
    return _json_text(value)


def _json_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return encodable(text)
