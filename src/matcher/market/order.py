"""Canonical row order and repeated keys, without a loop over rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["find_repeated_keys", "order_rows", "split_repeated"]


def _codes(column: pa.Array) -> NDArray[np.int64]:
    """Integers that sort as the values do, null first."""
    if pa.types.is_timestamp(column.type):
        ticks = pc.fill_null(column.cast(pa.int64()), fill_value=np.iinfo(np.int64).min)
        return np.asarray(ticks.to_numpy(zero_copy_only=False), dtype=np.int64)
    encoded = pc.dictionary_encode(column)
    ranks = np.empty(len(encoded.dictionary) + 1, dtype=np.int64)
    ranks[pc.sort_indices(encoded.dictionary).to_numpy()] = np.arange(len(encoded.dictionary))
    ranks[-1] = -1
    codes = pc.fill_null(encoded.indices, fill_value=-1).to_numpy(zero_copy_only=False)
    return np.asarray(ranks[codes], dtype=np.int64)


def _steps(codes: list[NDArray[np.int64]], order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each row of an order differs from the one before it."""
    differs = np.zeros(max(len(order) - 1, 0), dtype=bool)
    for code in codes:
        ordered = code[order]
        differs |= ordered[1:] != ordered[:-1]
    return differs


def find_repeated_keys(key: list[pa.Array], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows whose key stands more than once.

    Parameters
    ----------
    key : list of pyarrow.Array
        Key columns.
    rows : ndarray of int64
        Rows that count.

    Returns
    -------
    ndarray of int64
        All rows of every repeated key, ascending.
    """
    if len(rows) < 2:
        return np.array([], dtype=np.int64)
    if len(key) == 1:
        living = key[0] if len(rows) == len(key[0]) else key[0].take(pa.array(rows))
        if pc.count_distinct(living, mode="all").as_py() == len(living):
            return np.array([], dtype=np.int64)
    codes = [_codes(column)[rows] for column in key]
    order = np.lexsort(codes[::-1])
    same = ~_steps(codes, order)
    member = np.zeros(len(rows), dtype=bool)
    member[order[1:][same]] = True
    member[order[:-1][same]] = True
    return np.asarray(rows[member], dtype=np.int64)


def _equality_codes(column: pa.Array) -> NDArray[np.int64]:
    """Integers that are equal where the values are, null included."""
    if pa.types.is_large_list(column.type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), "\x1f")
    indices = pc.fill_null(pc.dictionary_encode(column).indices, fill_value=-1)
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def split_repeated(
    key: list[pa.Array], others: list[pa.Array], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of repeated keys, parted into mere copies and contradictions.

    Parameters
    ----------
    key : list of pyarrow.Array
        Key columns.
    others : list of pyarrow.Array
        All other columns.
    rows : ndarray of int64
        All rows of every repeated key, ascending.

    Returns
    -------
    copies : ndarray of int64
        Rows equal in every column to an earlier one of their key, when all rows of the key are;
        ascending.
    conflicting : ndarray of int64
        All rows of a key whose rows differ; ascending.
    """
    take = pa.array(rows)
    codes = [_equality_codes(column.take(take)) for column in key]
    order = np.lexsort([np.arange(len(rows)), *codes[::-1]])
    starts = np.concatenate(([True], _steps(codes, order)))
    group = np.cumsum(starts) - 1
    differs = _steps([_equality_codes(column.take(take)) for column in others], order)
    conflict = np.zeros(group[-1] + 1, dtype=bool)
    conflict[group[1:][differs & ~starts[1:]]] = True
    is_conflict = conflict[group]
    copies = rows[order[~is_conflict & ~starts]]
    return np.sort(copies), np.sort(rows[order[is_conflict]])


def order_rows(columns: list[pa.Array], rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Rows in the order of their columns, null first.

    Parameters
    ----------
    columns : list of pyarrow.Array
        Columns, the most significant first; together unique.
    rows : ndarray of int64
        Rows that are kept, ascending.

    Returns
    -------
    ndarray of int64 or None
        Row numbers in order; None when that is every row as it stands.
    """
    leading = columns if len(columns) == 1 else columns[:-1]
    codes = [_codes(column)[rows] for column in leading]
    order = np.lexsort(codes[::-1])
    if len(columns) > 1:
        # Ids of a million rows are ranked only where the columns before them leave a tie.
        same = ~_steps(codes, order)
        tied = np.zeros(len(order), dtype=bool)
        tied[1:][same] = True
        tied[:-1][same] = True
        if tied.any():
            members = order[tied]
            last = _codes(columns[-1].take(pa.array(rows[members])))
            finer = np.lexsort([last, *(code[members] for code in codes[::-1])])
            order[tied] = members[finer]
    result = rows[order]
    if len(result) == len(columns[0]) and bool(np.all(result[1:] > result[:-1])):
        return None
    return np.asarray(result, dtype=np.int64)
