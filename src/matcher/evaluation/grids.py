"""Comparison tables as grids of rounded cells, for every form in which they are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from matcher.errors import DataError
from matcher.evaluation.comparison import MODEL
from matcher.evaluation.figures import LOWER_IS_BETTER, METRICS
from matcher.evaluation.scored import QUESTIONS

if TYPE_CHECKING:
    from matcher.evaluation.results import EvaluationResult

__all__ = [
    "MAIN_METRICS",
    "NAMING",
    "Grid",
    "best_baselines",
    "paired_grid",
    "scorer_grid",
    "slice_grid",
]

MAIN_METRICS = {
    "hired": ("auc", "recall_at_50", "ndcg_at_10"),
    "delivered": ("spearman_raw", "spearman_lift", "ndcg_at_10"),
}
"""Metrics that are printed with their interval, and by slice."""
_REMARKS_OF = {"hired": "remarks", "delivered": "proxies"}
_TITLES = {
    "hired": "hired: who was chosen (all others are unlabelled)",
    "delivered": "delivered: among hired, what came of it",
}
NAMING = ("best other", "best baseline", "includes 0 against")
"""Columns of names, which may be broken."""
_STAR_NOTE = "* best baseline of the column"


@dataclass(frozen=True)
class Grid:
    """A table of texts.

    Parameters
    ----------
    title : str
        What the table shows.
    header : tuple of str
        Column names; the first names the rows.
    rows : tuple of tuple of str
        Cells, as many per row as there are columns; a line break parts a figure and its interval.
    notes : tuple of str
        Sentences below the table.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def _number(value: float, metric: str) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.1f}" if metric in LOWER_IS_BETTER else f"{value:.3f}"


def _cell(figure: dict[str, Any], metric: str, *, with_interval: bool, star: bool = False) -> str:
    text = ("*" if star else "") + _number(figure["value"], metric)
    if not with_interval or math.isnan(figure["low"]):
        return text
    return f"{text}\n{_number(figure['low'], metric)}–{_number(figure['high'], metric)}"


def _by_key(figures: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {str(key): value for key, value in row.items()} for row in figures.to_dict("records")
    ]
    return {(row["scorer"], row["metric"]): row for row in rows}


def _figures(result: EvaluationResult, question: str) -> pd.DataFrame:
    if question not in QUESTIONS:
        raise DataError(f"table: `question` is {question!r}; expected one of {list(QUESTIONS)}")
    return result.figures[result.figures["question"] == question]


def best_baselines(figures: pd.DataFrame) -> dict[str, str]:
    """Best scorer other than the model for each metric, among those with figures throughout.

    One that knows nothing of some campaigns is averaged over others, and cannot be the best of all.

    Parameters
    ----------
    figures : pandas.DataFrame
        Rows of `EvaluationResult.figures`, of one question and slice.

    Returns
    -------
    dict of str to str
        Scorer by metric; metrics that no other scorer has are left out.
    """
    found: dict[str, str] = {}
    others = figures[(figures["scorer"] != MODEL) & figures["value"].notna()]
    for metric, known in others.groupby("metric", sort=False):
        group = known[known["n"] == known["n"].max()]
        values = -group["value"] if metric in LOWER_IS_BETTER else group["value"]
        found[str(metric)] = str(group["scorer"].iloc[int(values.to_numpy().argmax())])
    return found


def scorer_grid(
    result: EvaluationResult, question: str, *, metrics: Sequence[str] = METRICS
) -> Grid:
    """All scorers on all candidates: one row per scorer, one column per metric.

    Parameters
    ----------
    result : EvaluationResult
        What is shown.
    question : str
        ``hired`` or ``delivered``.
    metrics : sequence of str, optional
        Metrics that are wanted; those without any value are left out.

    Returns
    -------
    Grid
        `model` first, best baseline of each column starred.

    Raises
    ------
    DataError
        If there is no such question.
    """
    figures = _figures(result, question)
    figures = figures[figures["slice"] == "all"]
    held = set(figures.loc[figures["value"].notna(), "metric"])
    shown = [name for name in metrics if name in held]
    best = best_baselines(figures)
    by_key = _by_key(figures)
    rows = []
    for scorer in sorted(dict.fromkeys(figures["scorer"]), key=lambda name: name != MODEL):
        cells = [
            _cell(
                by_key[scorer, metric],
                metric,
                with_interval=metric in MAIN_METRICS[question],
                star=best.get(metric) == scorer,
            )
            for metric in shown
        ]
        rows.append((scorer, *cells))
    n_campaigns = int(figures["n"].max()) if len(figures) else 0
    notes = [
        f"Means over {n_campaigns} campaigns{_fewer(figures, shown)}; 95 % intervals over brands, "
        f"and over draws where a scorer is drawn anew. {_STAR_NOTE}."
    ]
    if not shown:
        notes = [f"No figure: {reason}." for reason in figures["reason"].drop_duplicates()[:3]]
    notes += [f"Note: {text}." for text in result.audit.get(_REMARKS_OF[question], ())]
    title = f"{_TITLES[question]} – protocol {result.protocol}"
    return Grid(title, ("scorer", *shown), tuple(rows), tuple(notes))


def _fewer(figures: pd.DataFrame, metrics: Sequence[str]) -> str:
    """Figures that rest on fewer campaigns than the others, in words."""
    table = figures[figures["metric"].isin(metrics) & (figures["n"] > 0)]
    most = table["n"].max()
    by_metric = table.groupby("metric", sort=False)["n"].max()
    said = [f"{name} {n}" for name, n in by_metric.items() if n < most]
    lacking = table[table["n"] < table.groupby("metric")["n"].transform("max")]
    for scorer, rows in lacking.groupby("scorer", sort=False):
        least = rows["n"].min()
        said.append(f"{scorer} {least}" + (f" to {most}" if rows["n"].max() > least else ""))
    return f" (over fewer: {', '.join(said)})" if said else ""


def paired_grid(result: EvaluationResult, question: str) -> Grid:
    """The model against the best baseline of each metric, campaign by campaign.

    Parameters
    ----------
    result : EvaluationResult
        What is shown.
    question : str
        ``hired`` or ``delivered``.

    Returns
    -------
    Grid
        One row per metric, and all baselines whose interval includes 0; no row without a scorer
        `model`.

    Raises
    ------
    DataError
        If there is no such question.
    """
    figures = _figures(result, question)
    best = best_baselines(figures[figures["slice"] == "all"])
    paired = result.paired
    paired = paired[(paired["question"] == question) & (paired["slice"] == "all")]
    rows = []
    for metric in METRICS:
        known = paired[(paired["metric"] == metric) & paired["low"].notna()]
        for row in known[known["baseline"] == best.get(metric)].to_dict("records"):
            unsure = known.loc[known["includes_zero"].astype(bool), "baseline"].tolist()
            rows.append(
                (
                    metric,
                    str(row["baseline"]),
                    f"{row['difference']:+.3f}",
                    f"{row['low']:+.3f} to {row['high']:+.3f}",
                    ", ".join(unsure) or "none",
                )
            )
    header = ("metric", "best baseline", "difference", "interval", "includes 0 against")
    smaller = ", ".join(row[0] for row in rows if row[0] in LOWER_IS_BETTER)
    note = f"Difference: {MODEL} minus the best baseline, with its 95 % interval over brands"
    notes = (note + (f"; of {smaller} less is better." if smaller else "."),)
    return Grid(f"{question}, paired differences", header, tuple(rows), notes)


def slice_grid(result: EvaluationResult, question: str) -> Grid:
    """The main metrics by slice, of the model and of the best baseline there.

    Parameters
    ----------
    result : EvaluationResult
        What is shown.
    question : str
        ``hired`` or ``delivered``.

    Returns
    -------
    Grid
        One row per slice; without a scorer `model` the first scorer stands in its place.

    Raises
    ------
    DataError
        If there is no such question.
    """
    figures = _figures(result, question)
    asked = list(dict.fromkeys(figures["scorer"]))
    shown = MODEL if MODEL in asked else asked[0]
    metrics = MAIN_METRICS[question]
    header = ["slice", "n"]
    for metric in metrics:
        header += [f"{metric} {shown}", "best other"]
    rows = []
    for name, group in figures.groupby("slice", sort=False):
        best = best_baselines(group[group["scorer"] != shown])
        by_key = _by_key(group)
        row = [str(name), str(max(by_key[shown, metric]["n"] for metric in metrics))]
        for metric in metrics:
            row.append(_cell(by_key[shown, metric], metric, with_interval=True))
            other = best.get(metric, "")
            row.append(
                f"{_number(by_key[other, metric]['value'], metric)}\n{other}" if other else "–"
            )
        rows.append(tuple(row))
    empty = [row[0] for row in rows[1:] if set(row[2:]) == {"–"}]
    notes = ["n: campaigns with a figure in the slice."]
    if empty:
        notes.append(f"Without any figure: {', '.join(empty)}.")
    rows = [row for row in rows if row[0] not in empty]
    return Grid(f"{question}, by slice", tuple(header), tuple(rows), tuple(notes))
