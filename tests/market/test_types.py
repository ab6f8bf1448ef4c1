from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pa_parquet

from matcher.errors import DataError, MatcherError
from matcher.market.load import load_market
from matcher.market.schema import TABLES
from matcher.market.summary import validation_report

Tables = dict[str, pd.DataFrame]

VALUES: dict[str, tuple[Any, pa.DataType]] = {
    "null": (None, pa.null()),
    "bool": (True, pa.bool_()),
    "uint64": (2**64 - 1, pa.uint64()),
    "float16": (np.float16(1.5), pa.float16()),
    "nan": (float("nan"), pa.float64()),
    "infinite": (float("-inf"), pa.float64()),
    "decimal": (decimal.Decimal("1.50"), pa.decimal128(10, 2)),
    "empty text": ("", pa.string()),
    "null byte": ("a\0b", pa.string()),
    "400 digits": ("9" * 400, pa.string()),
    "view": ("x", pa.string_view()),
    "dictionary": ("x", pa.dictionary(pa.int32(), pa.string())),
    "binary": (b"\xff", pa.large_binary()),
    "day": (dt.date(2024, 1, 1), pa.date32()),
    "last day of int32": (2**31 - 1, pa.date32()),
    "seconds far ahead": (2**51, pa.timestamp("s", "UTC")),
    "microseconds long ago": (-(2**62), pa.timestamp("us")),
    "zoned": (dt.datetime(2024, 1, 1), pa.timestamp("ms", "Asia/Ho_Chi_Minh")),  # noqa: DTZ001
    "time": (dt.time(1), pa.time64("us")),
    "span": (dt.timedelta(1), pa.duration("us")),
    "list": (["x", "", None], pa.list_(pa.string())),
    "empty list": ([], pa.list_(pa.null())),
    "list of lists": ([["x"]], pa.list_(pa.list_(pa.string()))),
    "struct": ({"a": 1}, pa.struct([("a", pa.int64())])),
    "map": ([("a", 1)], pa.map_(pa.string(), pa.int64())),
    "impossible day": ("2024-02-31", pa.string()),
    "impossible zone": ("2024-01-01T00:00:00+99:99", pa.string()),
    "year 0": ("0000-01-01T00:00:00Z", pa.string()),
}


def replace_columns(path: Path, columns: list[str], kind: str) -> None:
    value, dtype = VALUES[kind]
    whole = pa_parquet.read_table(path)
    array = pa.array([value] * whole.num_rows, dtype)
    kept = whole.drop_columns([name for name in columns if name in whole.column_names])
    for name in columns:
        kept = kept.append_column(name, array)
    pa_parquet.write_table(kept, path)


@pytest.mark.parametrize("kind", VALUES)
def test_an_optional_column_of_any_type_is_read_or_set_aside(
    tables: Tables, write_market: Callable[..., Path], kind: str
) -> None:
    folder = write_market(tables)
    for name in tables:
        optional = [column.name for column in TABLES[name].columns if column.nullable]
        replace_columns(folder / f"{name}.parquet", [*optional, "further"], kind)
    market = load_market(folder)
    for name in tables:
        assert len(market.tables[name]) == len(tables[name])
        for column in TABLES[name].columns:
            assert str(market.tables[name][column.name].dtype) == column.pandas_dtype
    assert validation_report(market.as_of("2024-05-15T00:00:00Z"))["messages"] is not None


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("column", ["account_id", "published_at"])
def test_a_required_column_of_any_type_is_read_or_refused(
    tables: Tables, write_market: Callable[..., Path], column: str, kind: str
) -> None:
    folder = write_market(tables)
    replace_columns(folder / "posts.parquet", [column], kind)
    refused = ""
    try:
        load_market(folder)
    except DataError as error:
        refused = str(error)
    assert not refused or "posts" in refused


@settings(max_examples=30, deadline=None)
@given(body=st.binary(max_size=200), suffix=st.sampled_from(["csv", "jsonl", "parquet"]))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "accounts.csv").write_text("account_id,platform\na1,tiktok\n", encoding="utf-8")
    (folder / "account_snapshots.csv").write_text(
        "account_id,as_of,n_followers\na1,2024-01-01T00:00:00Z,5\n", encoding="utf-8"
    )
    (folder / f"posts.{suffix}").write_bytes(body)
    refused = ""
    try:
        load_market(folder)
    except MatcherError as error:
        refused = str(error)
    assert not refused or "posts" in refused
