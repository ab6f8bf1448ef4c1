"""Bring a column as read into the contract's type, and say which values would not go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from matcher.market.converted import Converted, Problem
from matcher.market.textual import clean_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.market.spec import ColumnSpec

__all__ = ["ARROW_TYPES", "as_array", "build_lists", "convert_column", "convert_extra"]

ARROW_TYPES: Final[dict[str, pa.DataType]] = {
    "str": pa.large_string(),
    "instant": pa.timestamp("us", "UTC"),
    "day": pa.timestamp("us"),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "list": pa.large_list(pa.large_string()),
}
"""Arrow type of each contract dtype."""

NUMBER: Final = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
MISSING_WORDS: Final = ("nan", "null", "none", "na", "nat", "<na>", "n/a")
"""Words that a CSV or JSONL file may write for a missing value of a column that is not text."""
ZONED: Final = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s?(Z|[+-]\d{2}(:?\d{2})?)$"
NAIVE: Final = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
DAY_US: Final = 86_400_000_000
FIRST_DAY: Final = -719_162
"""1 January of the year 1, in days since 1970."""
LAST_DAY: Final = 2_932_896
"""31 December of the year 9999."""


def as_array(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One contiguous array without dictionary encoding.

    Parameters
    ----------
    values : pyarrow.ChunkedArray or pyarrow.Array
        Values in any layout.

    Returns
    -------
    pyarrow.Array
        The same values.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
    if pa.types.is_string(values.type) or pa.types.is_string_view(values.type):
        # 32-bit offsets overflow when the chunks of a long text column are joined.
        values = values.cast(pa.large_string())
    if isinstance(values, pa.ChunkedArray):
        values = values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    return values


def convert_column(
    values: pa.ChunkedArray | pa.Array, spec: ColumnSpec, *, assume_timezone: str | None = None
) -> Converted:
    """Column in the contract's type, with the values that would not go.

    Parameters
    ----------
    values : pyarrow.ChunkedArray or pyarrow.Array
        Column as read, of any Arrow type.
    spec : ColumnSpec
        The column's rule.
    assume_timezone : str, optional
        IANA zone given to instants without an offset; without it they are refused.

    Returns
    -------
    Converted
        Values of the type in `ARROW_TYPES`, null where missing or bad.
    """
    raw = as_array(values)
    if pa.types.is_float16(raw.type):
        raw = raw.cast(pa.float64())
    if pa.types.is_null(raw.type):
        return Converted(pa.nulls(len(raw), ARROW_TYPES[spec.dtype]))
    if spec.dtype == "str":
        return _to_text(raw, spec)
    if spec.dtype == "list":
        return _to_list(raw, spec)
    if pa.types.is_large_string(raw.type):
        words = pc.utf8_trim_whitespace(raw)
        missing = pc.is_in(pc.utf8_lower(words), value_set=pa.array(["", *MISSING_WORDS]))
        raw = pc.if_else(missing, pa.scalar(None, raw.type), words)
    if spec.dtype == "float":
        return _to_number(raw, spec)
    if spec.dtype == "bool":
        return _to_flag(raw)
    if spec.dtype == "day":
        return _to_day(raw)
    return _to_instant(raw, spec, assume_timezone)


def _wrong_type(raw: pa.Array, spec_dtype: str, expected: str) -> Converted:
    count = len(raw) - raw.null_count
    converted = Converted(pa.nulls(len(raw), ARROW_TYPES[spec_dtype]))
    if count:
        fix = f"store the column as {expected}; all {count:,} values were set aside"
        converted.problems.append(Problem("wrong_type", None, str(raw.type), fix=fix))
    return converted


def _to_text(raw: pa.Array, spec: ColumnSpec) -> Converted:
    text = _text_of(raw)
    if text is None:
        return _wrong_type(raw, "str", "text")
    result = Converted(text)
    if pa.types.is_floating(raw.type):
        whole = pc.equal(raw, pc.floor(raw))
        result.refuse(pc.invert(whole), "wrong_type", raw, fix="store ids as text")
    return clean_text(result, spec)


def _text_of(raw: pa.Array) -> pa.Array | None:
    kind = raw.type
    if pa.types.is_large_string(kind):
        return raw
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return raw.cast(pa.large_string())
    if pa.types.is_floating(kind):
        finite = pc.if_else(pc.is_finite(raw), pc.floor(raw), pa.scalar(None, kind))
        return finite.cast(pa.int64(), safe=False).cast(pa.large_string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.Array.from_buffers(
            pa.large_string(), len(raw), raw.cast(pa.large_binary()).buffers(), offset=raw.offset
        )
    return None


def _to_number(raw: pa.Array, spec: ColumnSpec) -> Converted:
    kind = raw.type
    if pa.types.is_large_string(kind):
        good = pc.match_substring_regex(raw, NUMBER)
        result = Converted(pc.if_else(good, raw, pa.scalar(None, kind)).cast(pa.float64()))
        result.refuse(pc.invert(good), "not_a_number", raw)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        result = Converted(raw.cast(pa.float64(), safe=False))
    else:
        return _wrong_type(raw, "float", "numbers")
    nan = pc.is_nan(result.array)
    if pc.any(nan).as_py():
        result.array = pc.if_else(nan, pa.scalar(None, pa.float64()), result.array)
    result.refuse(pc.is_inf(result.array), "not_finite", raw)
    if spec.minimum is not None:
        fix = f"expected at least {spec.minimum:g}; leave a missing value empty, never -1"
        result.refuse(pc.less(result.array, spec.minimum), "below_minimum", raw, fix=fix)
    if spec.maximum is not None:
        fix = f"expected at most {spec.maximum:g} ({spec.unit}); correct the export"
        result.refuse(pc.greater(result.array, spec.maximum), "above_maximum", raw, fix=fix)
    return result


def _to_flag(raw: pa.Array) -> Converted:
    if pa.types.is_boolean(raw.type):
        return Converted(raw)
    if pa.types.is_large_string(raw.type):
        words = pc.utf8_lower(raw)
        true, false = pa.array(["true", "1", "1.0"]), pa.array(["false", "0", "0.0"])
    elif pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type):
        words = raw.cast(pa.float64(), safe=False)
        words = pc.if_else(pc.is_nan(words), pa.scalar(None, pa.float64()), words)
        true, false = pa.array([1.0]), pa.array([0.0])
    else:
        return _wrong_type(raw, "bool", "true and false")
    is_true = pc.is_in(words, value_set=true)
    known = pc.or_(is_true, pc.is_in(words, value_set=false))
    result = Converted(pc.if_else(pc.is_valid(words), is_true, pa.scalar(None, pa.bool_())))
    result.refuse(pc.and_(pc.is_valid(words), pc.invert(known)), "not_a_flag", raw)
    return result


def _to_us(raw: pa.Array, zone: str | None) -> pa.Array:
    options = pc.CastOptions(pa.timestamp("us", zone), allow_time_truncate=True)
    return pc.cast(raw, options=options)


def _parse(words: pa.Array, *, utc: bool) -> pa.Array:
    series = pd.Series(words.to_pandas(), dtype="str")
    parsed = pd.to_datetime(series, format="ISO8601", utc=utc, errors="coerce")
    if utc:
        parsed = parsed.dt.tz_convert(None)
    naive = pa.Array.from_pandas(parsed.to_numpy(dtype="datetime64[us]"))
    naive = _within_years(Converted(naive), naive)
    return naive.cast(pa.timestamp("us", "UTC" if utc else None))


def _within_years(result: Converted, raw: pa.Array) -> pa.Array:
    """Dates of the years 1 to 9999; others, which no calendar prints, are refused."""
    kind = raw.type
    if pa.types.is_timestamp(kind) and kind.unit != "ns":
        ticks, per_day = raw.cast(pa.int64()), {"s": 1, "ms": 1_000, "us": 1_000_000}[kind.unit]
        per_day *= 86_400
    elif pa.types.is_date32(kind):
        ticks, per_day = raw.cast(pa.int32()).cast(pa.int64()), 1
    else:
        return raw
    bad = pc.or_(
        pc.less(ticks, FIRST_DAY * per_day), pc.greater_equal(ticks, (LAST_DAY + 1) * per_day)
    )
    result.refuse(bad, "implausible_instant", ticks)
    return pc.if_else(bad, pa.scalar(None, kind), raw)


def _to_instant(raw: pa.Array, spec: ColumnSpec, assume_timezone: str | None) -> Converted:
    kind = raw.type
    naive = pa.nulls(len(raw), pa.timestamp("us"))
    result = Converted(pa.nulls(len(raw), ARROW_TYPES["instant"]))
    raw = _within_years(result, raw)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        result.array = _to_us(raw, kind.tz).cast(ARROW_TYPES["instant"])
    elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        naive = _to_us(raw, None)
    elif pa.types.is_large_string(kind):
        empty = pa.scalar(None, kind)
        is_zoned = pc.match_substring_regex(raw, ZONED)
        is_naive = pc.match_substring_regex(raw, NAIVE)
        result.array = _parse(pc.if_else(is_zoned, raw, empty), utc=True)
        naive = _parse(pc.if_else(is_naive, raw, empty), utc=False)
        unread = pc.and_(
            pc.is_valid(raw),
            pc.is_null(pc.coalesce(result.array.cast(pa.int64()), naive.cast(pa.int64()))),
        )
        result.refuse(unread, "not_an_instant", raw)
    else:
        return _wrong_type(raw, "instant", "UTC instants (no epoch numbers)")
    if naive.null_count < len(naive):
        _place_naive(result, naive, raw, spec, assume_timezone)
    return result


def _place_naive(
    result: Converted, naive: pa.Array, raw: pa.Array, spec: ColumnSpec, zone: str | None
) -> None:
    if spec.accepts_day:
        ticks = naive.cast(pa.int64())
        is_day = pc.equal(pc.subtract(ticks, pc.multiply(pc.divide(ticks, DAY_US), DAY_US)), 0)
        last = pc.add(ticks, DAY_US - 1).cast(pa.timestamp("us")).cast(ARROW_TYPES["instant"])
        placed = pc.if_else(is_day, last, pa.scalar(None, last.type))
        result.array = pc.coalesce(result.array, placed)
        naive = pc.if_else(is_day, pa.scalar(None, naive.type), naive)
    if zone is None:
        result.refuse(pc.is_valid(naive), "naive_instant", raw)
        return
    placed = pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="earliest")
    result.array = pc.coalesce(result.array, placed.cast(ARROW_TYPES["instant"]))
    result.remarks["naive"] = len(naive) - naive.null_count


def _to_day(raw: pa.Array) -> Converted:
    kind = raw.type
    if pa.types.is_large_string(kind):
        good = pc.match_substring_regex(raw, NAIVE)
        result = Converted(_parse(pc.if_else(good, raw, pa.scalar(None, kind)), utc=False))
        unread = pc.and_(pc.is_valid(raw), pc.is_null(result.array))
        result.refuse(unread, "not_a_day", raw)
    elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        result = Converted(pa.nulls(len(raw), ARROW_TYPES["day"]))
        raw = _within_years(result, raw)
        # A zoned midnight is read as the day of that zone, not of UTC.
        zoned = pa.types.is_timestamp(kind) and kind.tz is not None
        local = pc.local_timestamp(raw) if zoned else raw
        result.array = _to_us(local, None)
    else:
        return _wrong_type(raw, "day", "days")
    midnight = pc.equal(pc.floor_temporal(result.array, unit="day"), result.array)
    result.refuse(pc.invert(midnight), "not_a_day", raw)
    return result


def _to_list(raw: pa.Array, spec: ColumnSpec) -> Converted:
    kind = raw.type
    if pa.types.is_large_string(kind):
        trimmed = pc.utf8_trim_whitespace(raw)
        filled = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, kind), trimmed)
        raw = pc.split_pattern(filled, "|")
    elif pa.types.is_fixed_size_list(kind):
        raw = raw.cast(pa.large_list(kind.value_type))
    elif not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return _wrong_type(raw, "list", "lists of text")
    parents = pc.list_parent_indices(raw).to_numpy(zero_copy_only=False).astype(np.int64)
    elements = as_array(pc.list_flatten(raw))
    if pa.types.is_null(elements.type):
        return Converted(pa.nulls(len(raw), ARROW_TYPES["list"]))
    inner = _to_text(elements, spec)
    problems = [
        Problem(p.rule, None if p.rows is None else parents[p.rows], p.values, p.is_warning, p.fix)
        for p in inner.problems
    ]
    return Converted(build_lists(inner.array, parents, len(raw)), problems, inner.remarks)


def build_lists(elements: pa.Array, parents: NDArray[np.int64], n_rows: int) -> pa.Array:
    """List array from its elements, without null elements and without empty lists.

    Parameters
    ----------
    elements : pyarrow.Array
        Elements in the order of their rows; null ones are left out.
    parents : ndarray of int64
        Row of each element.
    n_rows : int
        Rows of the result.

    Returns
    -------
    pyarrow.LargeListArray
        Row without an element is null.
    """
    kept = pc.is_valid(elements).to_numpy(zero_copy_only=False)
    counts = np.bincount(parents[kept], minlength=n_rows)
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    values = elements.drop_null().cast(pa.large_string())
    return pa.LargeListArray.from_arrays(pa.array(offsets), values, mask=pa.array(counts == 0))


def convert_extra(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Further column in the in-memory type nearest to its own.

    Parameters
    ----------
    values : pyarrow.ChunkedArray or pyarrow.Array
        Column as read.

    Returns
    -------
    pyarrow.Array
        Text, float64, bool, microsecond instants or days, or lists of text; a nested value
        becomes its text.
    """
    raw = as_array(values)
    kind = raw.type
    if pa.types.is_boolean(kind):
        return raw
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return raw.cast(pa.float64(), safe=False)
    if pa.types.is_timestamp(kind):
        raw = _within_years(Converted(raw), raw)
        return _to_us(raw, kind.tz).cast(pa.timestamp("us", "UTC" if kind.tz else None))
    if pa.types.is_date(kind):
        return _to_us(_within_years(Converted(raw), raw), None)
    if pa.types.is_null(kind):
        return raw.cast(pa.large_string())
    if pa.types.is_large_string(kind):
        return raw
    texts: list[Any] = [None if item is None else str(item) for item in raw.to_pylist()]
    return pa.array(texts, pa.large_string())
