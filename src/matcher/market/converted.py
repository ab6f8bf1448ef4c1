"""A column on its way into the contract's type, with what would not go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Converted", "Problem"]


@dataclass(frozen=True)
class Problem:
    """Values of one column that break one rule.

    Parameters
    ----------
    rule : str
        The rule.
    rows : ndarray of int64 or None
        Their rows; None stands for the whole column.
    values : pyarrow.Array or str or None
        The values as read, one per row.
    is_warning : bool, default False
        Whether the value is kept (or mapped) and only remarked.
    fix : str, optional
        What to do, when the rule's own text does not say it.
    """

    rule: str
    rows: NDArray[np.int64] | None
    values: pa.Array | str | None = None
    is_warning: bool = False
    fix: str | None = None


@dataclass
class Converted:
    """A column in the contract's type.

    Parameters
    ----------
    array : pyarrow.Array
        Values; null where missing or bad.
    problems : list of Problem
        What would not go.
    remarks : dict of str to int
        How many values were changed harmlessly, per change.
    """

    array: pa.Array
    problems: list[Problem] = field(default_factory=list)
    remarks: dict[str, int] = field(default_factory=dict)

    def refuse(self, bad: pa.Array, rule: str, raw: pa.Array, *, fix: str | None = None) -> None:
        """Turn values into null and remember them.

        Parameters
        ----------
        bad : pyarrow.BooleanArray
            True where the value breaks the rule; null counts as False.
        rule : str
            The rule.
        raw : pyarrow.Array
            The values as read.
        fix : str, optional
            What to do, when the rule's own text does not say it.
        """
        bad = pc.fill_null(bad, fill_value=False)
        rows = pc.indices_nonzero(bad)
        if len(rows) == 0:
            return
        numbers = rows.to_numpy(zero_copy_only=False).astype(np.int64)
        self.problems.append(Problem(rule, numbers, raw.take(rows), fix=fix))
        self.array = pc.if_else(bad, pa.scalar(None, self.array.type), self.array)
