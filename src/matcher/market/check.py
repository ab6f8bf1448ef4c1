"""Checks of one table: columns, ranges, keys, references and rules across columns."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matcher.market.convert import ARROW_TYPES, build_lists, convert_column, convert_extra
from matcher.market.instants import instant_microseconds
from matcher.market.order import find_repeated_keys, order_rows, split_repeated
from matcher.market.quarantine import FIXES, MAX_VALUE_CHARACTERS, Failures
from matcher.market.textual import normalise_nfc

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from matcher.market.converted import Problem
    from matcher.market.quarantine import Level
    from matcher.market.spec import ColumnSpec, TableSpec

__all__ = ["TableCheck"]

REMARKS = {
    "nfc": "value(s) composed to Unicode NFC",
    "trimmed": "value(s) with surrounding space trimmed",
    "case": "value(s) with another case read as the contract's word",
    "naive": "instant(s) without an offset placed in the assumed timezone",
}


class TableCheck:
    """One table while it is checked: its columns, and which rows are still alive.

    Parameters
    ----------
    spec : TableSpec
        The table's rule.
    n_rows : int
        Rows as read.
    failures : Failures
        Where entries go.
    """

    def __init__(self, spec: TableSpec, n_rows: int, failures: Failures) -> None:
        self.spec = spec
        self.n_rows = n_rows
        self.alive: NDArray[np.bool_] = np.ones(n_rows, dtype=bool)
        self.columns: dict[str, pa.Array] = {}
        self.extras: list[str] = []
        self.notes: list[str] = []
        self.is_usable = True
        self._failures = failures

    def read_columns(self, raw: dict[str, pa.ChunkedArray], *, assume_timezone: str | None) -> None:
        """Convert every column; `raw` is emptied on the way to hold the memory down.

        Parameters
        ----------
        raw : dict of str to pyarrow.ChunkedArray
            Columns as read.
        assume_timezone : str or None
            IANA zone given to instants without an offset.
        """
        for column in self.spec.columns:
            values = raw.pop(column.name, None)
            if values is None:
                self._absent(column)
                continue
            converted = convert_column(values, column, assume_timezone=assume_timezone)
            del values
            self.columns[column.name] = converted.array
            for problem in converted.problems:
                self._register(column, problem)
            self._remark(column.name, converted.remarks)
            if column.required:
                self._require(column)
        for name in list(raw):
            array = convert_extra(raw.pop(name))
            if pa.types.is_large_string(array.type):
                array, n_composed = normalise_nfc(array)
                self._remark(name, {"nfc": n_composed} if n_composed else {})
            self.columns[name] = array
            self.extras.append(name)
            near = difflib.get_close_matches(name, self.spec.column_names, n=1, cutoff=0.8)
            if near and near[0] not in raw and self._is_empty(near[0]):
                self.notes.append(
                    f"{self.spec.name}: column `{name}` is not of the contract and only kept; "
                    f"did you mean `{near[0]}`?"
                )

    def _is_empty(self, name: str) -> bool:
        array = self.columns[name]
        return bool(array.null_count == len(array))

    def _absent(self, column: ColumnSpec) -> None:
        self.columns[column.name] = pa.nulls(self.n_rows, ARROW_TYPES[column.dtype])
        if column.required:
            self.is_usable = False
            self._failures.add(self.spec.name, column.name, rule="missing_column", level="table")

    def _remark(self, name: str, remarks: Mapping[str, int]) -> None:
        for change, count in remarks.items():
            self.notes.append(f"{self.spec.name}.{name}: {count:,} {REMARKS[change]}")

    def _register(self, column: ColumnSpec, problem: Problem) -> None:
        if problem.rows is None:
            self.is_usable = self.is_usable and column.nullable
            level: Level = "value" if column.nullable else "table"
            value = problem.values if isinstance(problem.values, str) else None
            self._failures.add(
                self.spec.name,
                column.name,
                rule=problem.rule,
                level=level,
                values=value,
                fix=problem.fix,
            )
            return
        level = "warning" if problem.is_warning else "value" if column.nullable else "row"
        self.flag(
            problem.rows,
            column.name,
            problem.rule,
            level=level,
            values=problem.values,
            fix=problem.fix,
        )

    def _require(self, column: ColumnSpec) -> None:
        missing = pc.is_null(self.columns[column.name]).to_numpy(zero_copy_only=False)
        self.flag(np.flatnonzero(missing & self.alive), column.name, "missing_value", level="row")

    def flag(
        self,
        rows: NDArray[np.int64],
        column: str | None,
        rule: str,
        *,
        level: Level,
        values: pa.Array | None = None,
        fix: str | None = None,
    ) -> None:
        """Remember broken rows; at level ``row`` they are set aside.

        Parameters
        ----------
        rows : ndarray of int64
            Row numbers; none is fine.
        column : str or None
            Column that broke the rule.
        rule : str
            The rule.
        level : {"row", "value", "warning"}
            What it costs.
        values : pyarrow.Array, optional
            Values shown, one per row; those of the column when None.
        fix : str, optional
            What to do.
        """
        if len(rows) == 0:
            return
        if values is None and column is not None:
            values = self.columns[column].take(pa.array(rows))
        shown = None if values is None else _preview(values)
        self._failures.add(
            self.spec.name, column, rule=rule, level=level, rows=rows, values=shown, fix=fix
        )
        if level == "row":
            self.alive[rows] = False

    def blank(self, rows: NDArray[np.int64], column: str, rule: str) -> None:
        """Set values to null and remember them.

        Parameters
        ----------
        rows : ndarray of int64
            Row numbers; none is fine.
        column : str
            Column.
        rule : str
            The rule.
        """
        if len(rows) == 0:
            return
        self.flag(rows, column, rule, level="value")
        mask = np.zeros(self.n_rows, dtype=bool)
        mask[rows] = True
        array = self.columns[column]
        self.columns[column] = pc.if_else(pa.array(mask), pa.scalar(None, array.type), array)

    def rows_where(self, condition: pa.Array) -> NDArray[np.int64]:
        """Living rows in which a condition holds; null does not.

        Parameters
        ----------
        condition : pyarrow.BooleanArray
            One value per row.

        Returns
        -------
        ndarray of int64
            Row numbers, ascending.
        """
        held = pc.fill_null(condition, fill_value=False).to_numpy(zero_copy_only=False)
        return np.flatnonzero(held & self.alive)

    def check_instants(self, latest: pd.Timestamp) -> None:
        """Refuse instants and days before 1990 or, for observations, after the moment of loading.

        Parameters
        ----------
        latest : pandas.Timestamp
            Latest instant at which anything can have been observed.
        """
        for column in self.spec.columns:
            if column.dtype not in ("instant", "day") or self._is_empty(column.name):
                continue
            zone = "UTC" if column.dtype == "instant" else None
            array = self.columns[column.name]
            early = pa.scalar(631_152_000_000_000, pa.int64()).cast(pa.timestamp("us", zone))
            late = pa.scalar(instant_microseconds(latest), pa.int64())
            if column.may_be_future:
                late = pa.scalar(7_258_118_400_000_000, pa.int64())
            for bad, rule in (
                (pc.less(array, early), "implausible_instant"),
                (
                    pc.greater(array, late.cast(pa.timestamp("us", zone))),
                    "implausible_instant" if column.may_be_future else "in_future",
                ),
            ):
                rows = self.rows_where(bad)
                if column.nullable:
                    self.blank(rows, column.name, rule)
                else:
                    self.flag(rows, column.name, rule, level="row")

    def check_keys(self) -> None:
        """Collapse exact duplicates; send all rows of a conflicting key to the quarantine."""
        alive = np.flatnonzero(self.alive)
        key = [self.columns[name] for name in self.spec.key]
        repeated = find_repeated_keys(key, alive)
        if len(repeated) == 0:
            return
        others = [self.columns[name] for name in self.columns if name not in self.spec.key]
        copies, conflicting = split_repeated(key, others, repeated)
        self._flag_keys(copies, "exact_duplicate")
        self._flag_keys(conflicting, "conflicting_key")

    def _flag_keys(self, rows: NDArray[np.int64], rule: str) -> None:
        if len(rows) == 0:
            return
        parts = [_preview(self.columns[name].take(pa.array(rows))) for name in self.spec.key]
        shown = pa.array(
            [" | ".join(part or "" for part in key) for key in zip(*parts, strict=True)],
            pa.large_string(),
        )
        is_duplicate = rule == "exact_duplicate"
        name = ", ".join(self.spec.key)
        level: Level = "warning" if is_duplicate else "row"
        self.flag(rows, name, rule, level=level, values=shown)
        self.alive[rows] = False

    def check_references(self, parents: Mapping[str, TableCheck]) -> None:
        """Refuse references to rows that are absent or quarantined.

        Parameters
        ----------
        parents : mapping of str to TableCheck
            Checked tables, this one included; a table that was not given is not checked against.
        """
        for column in self.spec.columns:
            if column.reference is None:
                continue
            table, key = column.reference.split(".")
            parent = parents.get(table)
            if parent is None or self._is_empty(column.name):
                continue
            if column.dtype == "list":
                self._check_list_reference(column, parent, key)
                continue
            array = self.columns[column.name]
            living = parent.columns[key].filter(pa.array(parent.alive))
            known = pc.or_(pc.is_in(array, value_set=living), pc.is_null(array))
            lost = self.rows_where(pc.invert(known))
            if len(lost) == 0:
                continue
            was_given = pc.is_in(array.take(pa.array(lost)), value_set=parent.columns[key])
            orphan = was_given.to_numpy(zero_copy_only=False)
            for rows, rule in (
                (lost[orphan], "parent_quarantined"),
                (lost[~orphan], "dangling_reference"),
            ):
                if column.nullable and column.on_dangling == "value":
                    self.blank(rows, column.name, rule)
                else:
                    fix = f"{FIXES[rule]} ({column.reference})"
                    self.flag(rows, column.name, rule, level="row", fix=fix)

    def _check_list_reference(self, column: ColumnSpec, parent: TableCheck, key: str) -> None:
        array = self.columns[column.name]
        parents = pc.list_parent_indices(array).to_numpy(zero_copy_only=False).astype(np.int64)
        elements = pc.list_flatten(array)
        living = parent.columns[key].filter(pa.array(parent.alive))
        known = pc.is_in(elements, value_set=living)
        lost = np.flatnonzero(~known.to_numpy(zero_copy_only=False) & self.alive[parents])
        if len(lost) == 0:
            return
        values = elements.take(pa.array(lost))
        was_given = pc.is_in(values, value_set=parent.columns[key]).to_numpy(zero_copy_only=False)
        for chosen, rule in ((was_given, "parent_quarantined"), (~was_given, "dangling_reference")):
            self.flag(
                parents[lost[chosen]],
                column.name,
                rule,
                level="value",
                values=values.filter(pa.array(chosen)),
            )
        kept = pc.if_else(known, elements, pa.scalar(None, pa.large_string()))
        self.columns[column.name] = build_lists(kept, parents, self.n_rows)

    def finish(self) -> dict[str, pa.Array]:
        """Living rows in canonical order; the check gives up its columns.

        Returns
        -------
        dict of str to pyarrow.Array
            Contract columns first, further ones after them by name.
        """
        alive = np.flatnonzero(self.alive)
        order = order_rows([self.columns[name] for name in self.spec.order], alive)
        names = [*self.spec.column_names, *sorted(self.extras)]
        result: dict[str, pa.Array] = {}
        take = None if order is None else pa.array(order)
        for name in names:
            array = self.columns.pop(name)
            result[name] = array if take is None else array.take(take)
        return result


def _preview(values: pa.Array) -> list[str | None]:
    if pa.types.is_large_string(values.type) or pa.types.is_string(values.type):
        short = pc.utf8_slice_codeunits(values, 0, MAX_VALUE_CHARACTERS)
        texts: list[str | None] = short.to_pylist()
        lengths = pc.utf8_length(values).to_pylist()
        return [
            f"{text}… ({length:,} characters)"
            if text is not None and length > MAX_VALUE_CHARACTERS
            else text
            for text, length in zip(texts, lengths, strict=True)
        ]
    if pa.types.is_timestamp(values.type):
        return [None if item is None else str(item.isoformat()) for item in values.to_pylist()]
    if pa.types.is_floating(values.type):
        return [None if item is None else f"{item:.15g}" for item in values.to_pylist()]
    return [
        None if item is None else str(item)[:MAX_VALUE_CHARACTERS] for item in values.to_pylist()
    ]
