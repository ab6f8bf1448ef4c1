"""Canonical Arrow columns as pandas frames, and the hash of their content."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from matcher.market.convert import ARROW_TYPES
from matcher.market.spec import DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.market.spec import TableSpec

__all__ = ["build_frame", "empty_frame", "hash_columns"]

_EXTENSION_DTYPES: Final = {
    pa.large_string(): pd.StringDtype(na_value=np.nan),
    pa.bool_(): pd.BooleanDtype(),
}


def _tuples(array: pa.Array) -> NDArray[np.object_]:
    offsets = array.offsets.to_numpy()
    words = array.values.to_pylist()
    cells = np.empty(len(array), dtype=object)
    for row in np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False)):
        cells[row] = tuple(words[offsets[row] : offsets[row + 1]])
    return cells


def build_frame(columns: dict[str, pa.Array]) -> pd.DataFrame:
    """Frame in the in-memory dtypes of the contract; `columns` is emptied on the way.

    Parameters
    ----------
    columns : dict of str to pyarrow.Array
        Columns in canonical types, all of one length.

    Returns
    -------
    pandas.DataFrame
        Same columns, RangeIndex.
    """
    names = list(columns)
    lists = {
        name: _tuples(columns.pop(name))
        for name in names
        if pa.types.is_large_list(columns[name].type)
    }
    table = pa.table(columns)
    columns.clear()
    # Memory of each column is given up as soon as it is converted.
    frame = table.to_pandas(
        types_mapper=_EXTENSION_DTYPES.get, split_blocks=True, self_destruct=True
    )
    for name, cells in lists.items():
        frame.insert(names.index(name), name, pd.Series(cells, dtype=object))
    return pd.DataFrame(frame)


def empty_frame(spec: TableSpec) -> pd.DataFrame:
    """Frame without rows and with every contract column.

    Parameters
    ----------
    spec : TableSpec
        The table's rule.

    Returns
    -------
    pandas.DataFrame
        No rows; dtypes of the contract.
    """
    return _empty(spec).copy()


@lru_cache(maxsize=64)
def _empty(spec: TableSpec) -> pd.DataFrame:
    return pd.DataFrame(
        {column.name: pd.Series([], dtype=DTYPES[column.dtype]) for column in spec.columns}
    )


def hash_columns(name: str, columns: Mapping[str, pa.Array]) -> bytes:
    """SHA-256 of a table's content; a column of nulls counts as an absent one.

    Parameters
    ----------
    name : str
        Table name.
    columns : mapping of str to pyarrow.Array
        Columns in canonical types and order of rows.

    Returns
    -------
    bytes
        Digest of 32 bytes.
    """
    digest = hashlib.sha256(name.encode())
    for column in sorted(columns):
        array = columns[column]
        if array.null_count == len(array):
            continue
        digest.update(f"\0{column}\0{array.type}\0{len(array)}\0".encode())
        for buffer in _content(array):
            digest.update(buffer)
    return digest.digest()


def _content(array: pa.Array) -> list[memoryview]:
    valid = np.packbits(array.is_valid().to_numpy(zero_copy_only=False)).data
    if pa.types.is_large_list(array.type):
        lengths = pc.fill_null(pc.list_value_length(array), fill_value=0)
        return [valid, _numbers(lengths.cast(pa.int64())), *_content(array.flatten())]
    if pa.types.is_large_string(array.type):
        full = array if array.null_count == 0 else pc.fill_null(array, fill_value="")
        lengths = pc.binary_length(full)
        ends = np.frombuffer(full.buffers()[1], dtype=np.int64)[
            [full.offset, full.offset + len(full)]
        ]
        text = memoryview(full.buffers()[2] or b"")[int(ends[0]) : int(ends[1])]
        return [valid, _numbers(lengths), text]
    if pa.types.is_timestamp(array.type):
        return [valid, _numbers(pc.fill_null(array.cast(pa.int64()), fill_value=0))]
    if pa.types.is_boolean(array.type):
        return [valid, _numbers(pc.fill_null(array, fill_value=False).cast(pa.int8()))]
    full = pc.fill_null(array.cast(ARROW_TYPES["float"]), fill_value=0.0)
    # Adding zero turns -0.0 into 0.0, which compares equal and so must hash equal.
    return [valid, (full.to_numpy(zero_copy_only=False) + 0.0).data]


def _numbers(array: pa.Array) -> memoryview:
    return np.ascontiguousarray(array.to_numpy(zero_copy_only=False)).data
