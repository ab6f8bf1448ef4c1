"""Plans as files: a workbook, JSON, or Parquet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from matcher.arguments import check_type, to_path
from matcher.files import check_output, write_output
from matcher.plain import encodable
from matcher.plan.plans import Plan
from matcher.report.plan_sheet import write_plan_sheet

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PLAN_SUFFIXES", "write_plan"]

PLAN_SUFFIXES: Final = (".xlsx", ".json", ".parquet")
"""Forms of a plan."""


def write_plan(plan: Plan, path: Path | str, *, force: bool = False) -> Path:
    """Plan written in the form that the suffix names, whole or not at all.

    ``.json`` holds `Plan.to_dict`; ``.parquet`` the rows, with all else as JSON in the metadata
    ``matcher.plan``. Both can be read as an earlier plan, and by ``matcher simulate --judge``.

    Parameters
    ----------
    plan : Plan
        Plan.
    path : pathlib.Path or str
        File ending in ``.xlsx``, ``.json`` or ``.parquet``.
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
    >>> from matcher import MarketData, load_market, plan_campaign, read_brief, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> brief, (model, _) = read_brief("data/brief-vi.yaml"), read_model("models/tiny")
    >>> found = plan_campaign(model, data, brief, seconds=2, frontier=False)
    >>> write_plan(found, "plan.xlsx", force=True).name
    'plan.xlsx'
    """
    path = to_path(path, where="write_plan: path")
    check_type(plan, Plan, where="write_plan: plan", hint="`plan_campaign` returns one")
    check_output(path, force=force, suffixes=PLAN_SUFFIXES)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return write_plan_sheet(plan, path, force=force)
    write = _write_json if suffix == ".json" else _write_parquet
    return write_output(path, lambda target: write(plan, target), force=force)


def _write_json(plan: Plan, path: Path) -> None:
    text = json.dumps(plan.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)
    path.write_text(encodable(text) + "\n", encoding="utf-8")


def _write_parquet(plan: Plan, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in plan.frame.columns:
        values = pa.array(plan.frame[name], from_pandas=True)
        if pa.types.is_large_string(values.type):
            values = values.cast(pa.string())
        columns[name] = values
    rest = {name: value for name, value in plan.to_dict().items() if name != "rows"}
    text = encodable(json.dumps(rest, ensure_ascii=False, allow_nan=False))
    table = pa.table(columns).replace_schema_metadata({b"matcher.plan": text.encode()})
    pq.write_table(table, path, compression="zstd")
