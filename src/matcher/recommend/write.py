"""Recommendations as Parquet, CSV or JSON lines: whole or not at all, the same bytes every time."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.arguments import check_type, to_path
from matcher.errors import DataError, UsageError
from matcher.files import TABLE_SUFFIXES, check_output, write_output
from matcher.plain import encodable, formula_unsafe, spreadsheet_safe
from matcher.recommend.recommendations import COLUMNS, Recommendations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


__all__ = ["json_value", "read_recommendations", "write_recommendations"]


_TEXTS: Final = tuple(name for name, dtype in COLUMNS.items() if dtype == "str")


def _write_csv(recommendations: Recommendations, path: Path) -> None:
    frame = spreadsheet_safe(recommendations.frame)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            frame[name] = frame[name].map(_instant).astype(object)
    # With a mark, since spreadsheets read Vietnamese wrongly without one. Every text is quoted,
    # so that a cell stays one cell where the separator of lists is another.
    frame.to_csv(
        path,
        index=False,
        encoding="utf-8-sig",
        quoting=csv.QUOTE_NONNUMERIC,
        lineterminator="\n",
    )


def _instant(value: Any) -> str | None:
    return None if pd.isna(value) else value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def json_value(value: Any) -> Any:
    """Cell of a list as a value of JSON.

    Parameters
    ----------
    value : Any
        Text, number, flag, instant, tuple of texts, or missing.

    Returns
    -------
    Any
        Lists for tuples, ISO 8601 for instants, None for missing values; a lone surrogate becomes
        its escape.
    """
    if isinstance(value, tuple):
        return [encodable(item) for item in value]
    if isinstance(value, pd.Timestamp):
        return _instant(value)
    if isinstance(value, str):
        return encodable(value)
    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _write_jsonl(recommendations: Recommendations, path: Path) -> None:
    names = list(recommendations.frame.columns)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in recommendations.frame.itertuples(index=False, name=None):
            record = {name: json_value(value) for name, value in zip(names, row, strict=True)}
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")


def _write_parquet(recommendations: Recommendations, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = recommendations.frame
    columns = {}
    for name in frame.columns:
        if frame[name].dtype == object:
            cells = [[encodable(item) for item in value] for value in frame[name]]
            columns[name] = pa.array(cells, pa.list_(pa.string()))
        else:
            columns[name] = pa.array(frame[name], from_pandas=True)
            if pa.types.is_large_string(columns[name].type):
                columns[name] = columns[name].cast(pa.string())
    pools = recommendations.pools.to_dict("records")
    for pool in pools:
        pool |= {name: json_value(value) for name, value in pool.items()}
    metadata = {
        "matcher.audit": json.dumps(dict(recommendations.audit), ensure_ascii=False),
        "matcher.notes": json.dumps(recommendations.notes, ensure_ascii=False),
        "matcher.pools": json.dumps(pools, ensure_ascii=False),
    }
    encoded = {name.encode(): encodable(text).encode() for name, text in metadata.items()}
    pq.write_table(pa.table(columns).replace_schema_metadata(encoded), path, compression="zstd")


def read_recommendations(path: Path | str) -> pd.DataFrame:
    """List that `write_recommendations` wrote.

    Parameters
    ----------
    path : pathlib.Path or str
        File ending in ``.parquet``, ``.csv`` or ``.jsonl``.

    Returns
    -------
    pandas.DataFrame
        Its columns; in CSV the apostrophes that guard against formulas are taken away, and lists
        stay joined by ``|``.

    Raises
    ------
    UsageError
        If there is no such file, or its suffix is another one.
    DataError
        If it cannot be read.
    """
    path = to_path(path, where="read_recommendations: path")
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise UsageError(
            f"{path}: got suffix {path.suffix!r}; expected one of {', '.join(TABLE_SUFFIXES)}"
        )
    if not path.is_file():
        raise UsageError(f"{path}: no such file; expected a list that `recommend` wrote")
    try:
        if suffix == ".parquet":
            return pd.read_parquet(path)
        if suffix == ".jsonl":
            if not path.stat().st_size:
                # A list without rows.
                return pd.DataFrame(columns=list(COLUMNS))
            return pd.read_json(path, lines=True, dtype=False)
        # An account may be called NA or null; only an empty cell is a missing one.
        frame = pd.read_csv(
            path,
            encoding="utf-8-sig",
            dtype=dict.fromkeys(_TEXTS, str),
            keep_default_na=False,
            na_values=[""],
        )
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"{path}: cannot be read as {suffix[1:]}: {reason}") from error
    for name in frame.columns.intersection(list(_TEXTS)):
        frame[name] = frame[name].map(formula_unsafe, na_action="ignore")
    return frame


_WRITERS: Final[Mapping[str, Callable[[Recommendations, Path], None]]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
}


def write_recommendations(
    recommendations: Recommendations, path: Path | str, *, force: bool = False
) -> Path:
    """Recommendations written to one file, whole or not at all.

    Parquet holds the text as it is, lists as lists, and notes and audit in its metadata. JSON lines
    hold missing values as null and instants as ISO 8601. CSV is meant for spreadsheets: UTF-8 with
    a mark, lists joined by ``|``, and text that could be read as a formula behind an apostrophe.

    Parameters
    ----------
    recommendations : Recommendations
        What to write.
    path : pathlib.Path or str
        File ending in ``.parquet``, ``.csv`` or ``.jsonl``.
    force : bool, default False
        Replace a file that stands there.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    UsageError
        If the suffix is another one or the place cannot be written.
    OutputExistsError
        If something stands there and may not be replaced.

    Examples
    --------
    >>> from matcher import Brief, MarketData, load_market, read_model, recommend_accounts
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, _ = read_model("models/tiny")
    >>> lists = recommend_accounts(model, data, [Brief(brief_id="any", brief="son môi")], top_k=4)
    >>> len(read_recommendations(write_recommendations(lists, "any.csv", force=True)))
    4
    """
    path = to_path(path, where="write_recommendations: path")
    hint = "give what `recommend` returns, not its frame"
    check_type(recommendations, Recommendations, where="write_recommendations", hint=hint)
    check_output(path, force=force, suffixes=TABLE_SUFFIXES)
    write = _WRITERS[path.suffix.lower()]
    return write_output(path, lambda target: write(recommendations, target), force=force)
