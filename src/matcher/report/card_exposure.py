"""Whom the lists show, as a model card tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from matcher.evaluation.comparison import MODEL
from matcher.evaluation.exposure_grids import describe_rerank
from matcher.evaluation.places import LENGTHS
from matcher.report.markdown import as_code, as_table

if TYPE_CHECKING:
    from matcher.evaluation.exposure import Exposure

__all__ = ["describe_shortfalls", "exposure_section"]

_K = LENGTHS[0]


def exposure_section(exposure: Exposure | None) -> list[tuple[str, str]]:
    """Section of a card on the shares of groups and the spread over accounts.

    Parameters
    ----------
    exposure : Exposure or None
        What was measured.

    Returns
    -------
    list of (str, str)
        Title and Markdown; empty without measurements.
    """
    if exposure is None:
        return []
    header = ["group", "eligible", "hired", f"first {_K}", "times its share of the eligible (95 %)"]
    rows = [
        [
            as_code(f"{row['by']}={row['group']}"),
            *(f"{100 * row[name]:.1f} %" for name in ("supply", "hired", "listed")),
            _ratio(row),
        ]
        for row in _first(exposure)
    ]
    parts = [
        f"Shares of the first {_K} places of the model's lists, means over "
        f"{exposure.n_campaigns:,} campaigns with 95 % intervals over brands. Gender is only what "
        "people declared.",
        as_table(header, rows),
        _spread(exposure),
    ]
    if exposure.rerank is not None:
        rule = exposure.rerank.rule
        parts.append(
            f"With at least {rule.floor:g} of its supply for each group of {rule.by}: "
            f"{describe_rerank(exposure.rerank)}"
        )
    return [("Whom it shows", "\n\n".join(parts))]


def describe_shortfalls(exposure: Exposure | None) -> list[str]:
    """Groups that surely get less, or more, of the first places than their share of supply.

    Parameters
    ----------
    exposure : Exposure or None
        What was measured.

    Returns
    -------
    list of str
        At most one sentence of Markdown for each side.
    """
    if exposure is None:
        return []
    said = []
    for side, words in ((-1, "less"), (1, "more")):
        named = [
            f"{as_code(row['by'] + '=' + row['group'])} {_ratio(row)}"
            for row in _first(exposure)
            if side * (row["over_supply_low"] - 1) > 0 and side * (row["over_supply_high"] - 1) > 0
        ]
        if named:
            said.append(
                f"Some groups get {words} of the first {_K} places than their share of the "
                f"eligible accounts (times that share): {', '.join(named)}. `matcher recommend "
                "--exposure` can hold lists to a floor, and says what it costs."
            )
    return said


def _first(exposure: Exposure) -> list[dict[str, Any]]:
    shares = exposure.shares
    return [
        {str(name): value for name, value in row.items()}
        for row in shares[shares["k"] == _K].to_dict("records")
    ]


def _ratio(row: dict[str, Any]) -> str:
    if pd.isna(row["over_supply"]):
        return "–"
    value = f"{row['over_supply']:.2f}"
    if pd.isna(row["over_supply_low"]):
        return value
    return f"{value} ({row['over_supply_low']:.2f} to {row['over_supply_high']:.2f})"


def _spread(exposure: Exposure) -> str:
    table = exposure.spread
    said = []
    for name, words in ((MODEL, "the model's lists"), ("random", "lists in random order")):
        held = table[(table["of"] == name) & (table["k"] == _K)]
        said += [
            f"{words} reach {100 * row['coverage']:.1f} % of them, with a Gini coefficient of "
            f"{row['gini']:.3f}"
            for row in held.to_dict("records")
        ]
    hired = table[table["k"].isna()].to_dict("records")
    said += [f"hires reach {100 * row['coverage']:.1f} %, with {row['gini']:.3f}" for row in hired]
    return f"Of {exposure.n_accounts:,} accounts eligible for any campaign: {'; '.join(said)}."
