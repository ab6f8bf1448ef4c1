"""Frozen objects of arrays as tables, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["read_arrays", "table_of_arrays", "table_of_pairs"]


def table_of_arrays(
    drawn: Any,
    *,
    only: Collection[str] | None = None,
    but: Collection[str] = (),
    length: int | None = None,
    ids: Mapping[str, pa.Array] | None = None,
) -> pa.Table:
    """Table of the arrays of a frozen object; arrays of two dimensions become fixed-size lists.

    Parameters
    ----------
    drawn : dataclass instance
        Object whose fields are arrays or tuples of equal length.
    only : collection of str, optional
        Fields to write; all by default.
    but : collection of str
        Fields to leave out.
    length : int, optional
        Rows; checked when given.
    ids : mapping of str to pyarrow.Array, optional
        Further columns, put first.

    Returns
    -------
    pyarrow.Table
        One column per field.

    Raises
    ------
    ValueError
        If an array has another length.
    """
    columns: dict[str, Any] = dict(ids or {})
    for entry in fields(drawn):
        if entry.name in but or (only is not None and entry.name not in only):
            continue
        values = getattr(drawn, entry.name)
        if length is not None and len(values) != length:
            raise ValueError(f"{entry.name} has {len(values)} rows; expected {length}")
        columns[entry.name] = _column(values)
    return pa.table(columns)


def _column(values: Any) -> Any:
    array = np.asarray(values)
    if array.ndim == 1:
        return pa.array(list(values) if array.dtype.kind == "U" else array)
    flat = pa.array(np.ascontiguousarray(array).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, array.shape[1]).cast(pa.list_(flat.type))


def read_arrays(kind: type, path: Path) -> dict[str, Any]:
    """Arrays of a frozen object as `table_of_arrays` wrote them.

    Parameters
    ----------
    kind : type
        The dataclass; columns that are no field of it (ids) are left out.
    path : pathlib.Path
        Parquet file.

    Returns
    -------
    dict of str to ndarray
        Arrays by field, of the dimensions they had.
    """
    reader: Any = pq
    table = reader.read_table(path)
    names = [entry.name for entry in fields(kind) if entry.name in table.column_names]
    return {name: _array(table.column(name).combine_chunks()) for name in names}


def _array(column: Any) -> Any:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_list(column.type):
        flat = column.flatten().to_numpy(zero_copy_only=False)
        # Without rows there is no telling how wide they were.
        return flat.reshape(len(column), -1) if len(column) else flat.reshape(0, 1)
    return column.to_numpy(zero_copy_only=False)


def table_of_pairs(is_pair: npt.NDArray[np.bool_], names: tuple[str, str]) -> pa.Table:
    """Table of the true cells of a matrix.

    Parameters
    ----------
    is_pair : ndarray of bool, shape (n, n)
        Relation.
    names : tuple of str
        Names of the columns that hold row and column of each true cell.

    Returns
    -------
    pyarrow.Table
        One row per true cell, by row and column.
    """
    return pa.table(dict(zip(names, np.nonzero(is_pair), strict=True)))
