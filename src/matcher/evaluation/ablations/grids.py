"""The full evaluation as grids of rounded cells, for every form in which it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pandas as pd

from matcher.evaluation.ablations.table import FIGURES
from matcher.evaluation.comparison import MODEL
from matcher.evaluation.grids import Grid

if TYPE_CHECKING:
    from matcher.evaluation.ablations.results import FullEvaluation

__all__ = ["full_grids"]

_TITLES: Final = {
    "ablations": "ablations: what each part of the model is worth",
    "robustness": "robustness: the same model on judged campaigns that are seen distorted",
    "learning curve": "learning curve: the latest past campaigns alone",
}
_NOTES: Final = {
    "ablations": "`without` a family, and a family `alone`, are fitted anew. Differences are from "
    f"`{MODEL}`, paired over campaigns, with 95 % intervals over brands; * where 0 is outside, "
    "which by chance alone it is in one of twenty.",
    "robustness": "The model is fitted on what was there, and each distortion judged on the "
    "campaigns that it touches.",
    "learning curve": "`learnt from`: the rankers see these campaigns alone, features the whole "
    "past. `on record`: nothing of earlier campaigns is known, in features neither.",
}
_SHOWN: Final = {
    "ndcg_at_10": "hired NDCG@10",
    "auc": "hired AUC",
    "spearman_raw": "delivered Spearman",
}


def full_grids(result: FullEvaluation) -> list[Grid]:
    """One grid per part of the table.

    Parameters
    ----------
    result : FullEvaluation
        What is shown.

    Returns
    -------
    list of Grid
        Each figure with its difference; a star marks one whose interval leaves 0 out.
    """
    grids = []
    for group, names in result.variants.items():
        rows = result.table[result.table["group"] == group]
        notes = [_NOTES[group], _count(rows)]
        notes += [f"{name}: {result.about[name]}." for name in names if result.about.get(name)]
        grids.append(Grid(_TITLES[group], _header(), tuple(_cells(rows)), tuple(notes)))
    if grids:
        said = [f"Note: {text}." for text in result.notes]
        grids[-1] = replace(grids[-1], notes=(*grids[-1].notes, *said))
    return grids


def _count(rows: pd.DataFrame) -> str:
    delivered = int(rows.loc[rows["question"] == "delivered", "n"].max())
    return f"n: campaigns of the figures of hired; those of delivered are means over {delivered:,}."


def _header() -> tuple[str, ...]:
    return ("variant", "n", *(part for _, name in FIGURES for part in (_SHOWN[name], "difference")))


def _cells(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    cells = []
    base = rows.loc[rows["against"] == "", "variant"].iloc[0]
    for (variant, against), part in rows.groupby(["variant", "against"], sort=False):
        by_figure = {(row["question"], row["metric"]): row for row in part.to_dict("records")}
        name = str(variant)
        if against not in ("", base):
            name = f"{name}, against: {against}"
        line = [name, f"{part.loc[part['question'] == 'hired', 'n'].max():,}"]
        for key in FIGURES:
            row = by_figure[key]
            line.append(_shown(row["value"], row["low"], row["high"]))
            star = "*" if row["includes_zero"] is False else ""
            line.append(
                star
                + _shown(row["difference"], row["difference_low"], row["difference_high"], sign="+")
            )
        cells.append(tuple(line))
    return cells


def _shown(value: float, low: float, high: float, *, sign: str = "") -> str:
    if pd.isna(value):
        return "–"
    text = f"{value:{sign}.3f}"
    if pd.isna(low):
        return text
    to = " to " if sign else "–"
    return f"{text}\n{low:{sign}.3f}{to}{high:{sign}.3f}"
