"""Pictures of an evaluation: every scorer with its interval, and the model by slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.evaluation.comparison import MODEL
from matcher.evaluation.grids import best_baselines
from matcher.evaluation.scored import QUESTIONS
from matcher.report.card_figures import main_metrics
from matcher.report.pictures import render_picture

if TYPE_CHECKING:
    from matcher.evaluation.results import EvaluationResult

__all__ = ["draw_comparison"]

_MODEL, _OTHER, _CONTROL = "#1565C0", "#455A64", "#B0BEC5"
_CONTROLS: Final = ("random", "missingness", "random_vectors", "permuted", "regression_to_mean")
_TITLES: Final = {
    "hired": "Who is hired: model, baselines and controls (grey)",
    "delivered": "What a hire delivers: model, baselines and controls (grey)",
}
_LEVEL: Final = {"auc": 0.5, "cauc": 0.5, "spearman_raw": 0.0, "spearman_lift": 0.0}
"""Values of an order that knows nothing."""
_BEST: Final[dict[str, Any]] = {
    "marker": "|",
    "markersize": 12,
    "markeredgewidth": 2,
    "linestyle": "",
    "color": _OTHER,
}
_DPI: Final = 110


def draw_comparison(result: EvaluationResult) -> dict[str, bytes]:
    """Pictures of an evaluation.

    Parameters
    ----------
    result : EvaluationResult
        Figures.

    Returns
    -------
    dict of str to bytes
        PNG by file name: per question with figures ``hired.png`` (every scorer, a panel per main
        metric, 95 % intervals) and ``hired-slices.png`` (the model and the best other by slice).
    """
    pictures = {}
    for question in QUESTIONS:
        table = result.figures[result.figures["question"] == question]
        own = table[(table["scorer"] == MODEL) & (table["slice"] == "all")]
        held = set(own.loc[own["value"].notna(), "metric"])
        metrics = [name for name in main_metrics(result, question) if name in held]
        if not metrics:
            continue
        pictures[f"{question}.png"] = _draw_scorers(table, question, metrics)
        if (rows := _slice_rows(table, metrics[0])).size:
            pictures[f"{question}-slices.png"] = _draw_slices(rows, question, metrics[0])
    return pictures


def _draw_scorers(table: pd.DataFrame, question: str, metrics: list[str]) -> bytes:
    table = table[(table["slice"] == "all") & table["metric"].isin(metrics)]
    first = table[(table["metric"] == metrics[0]) & table["value"].notna()]
    ordered = first.sort_values("value", kind="stable", ascending=False)["scorer"]
    names = [MODEL, *(name for name in ordered if name != MODEL)]

    colours = [
        _MODEL if name == MODEL else _CONTROL if name in _CONTROLS else _OTHER for name in names
    ]

    def draw(figure: Any) -> None:
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, metric in zip(panels, metrics, strict=True):
            held = table[table["metric"] == metric].set_index("scorer").reindex(names)
            _line(axes, _LEVEL.get(metric))
            _points(axes, held, colours)
            axes.set_title(metric)
            axes.set_yticks(range(len(names)), names)
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].invert_yaxis()
        figure.suptitle(_TITLES[question], x=0.01, ha="left")

    return render_picture(draw, size=(3 + 2.6 * len(metrics), 1.4 + 0.3 * len(names)), dpi=_DPI)


def _slice_rows(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    rows = []
    for name, held in table[table["metric"] == metric].groupby("slice", sort=False):
        own = held[(held["scorer"] == MODEL) & held["value"].notna()]
        if own.empty:
            continue
        best = best_baselines(held).get(metric)
        other = held.loc[held["scorer"] == best, "value"]
        rows.append(
            {
                **{column: own[column].iloc[0] for column in ("value", "low", "high")},
                "name": f"{name} ({int(own['n'].iloc[0])})",
                "best": best or "",
                "other": float(other.iloc[0]) if len(other) else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def _draw_slices(rows: pd.DataFrame, question: str, metric: str) -> bytes:
    def draw(figure: Any) -> None:
        axes = figure.subplots()
        _line(axes, _LEVEL.get(metric))
        _points(axes, rows, [_MODEL] * len(rows))
        axes.plot(rows["other"], range(len(rows)), **_BEST)
        axes.plot([], [], marker="o", color=_MODEL, label="model, 95 % interval")
        axes.plot([], [], label="best other scorer there", **_BEST)
        axes.set_yticks(range(len(rows)), rows["name"])
        axes.invert_yaxis()
        axes.set_xlabel(metric)
        axes.set_title(f"{question}: {metric} by slice (number of campaigns)", loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)

    return render_picture(draw, size=(7.5, 1.8 + 0.28 * len(rows)), dpi=_DPI)


def _points(axes: Any, rows: pd.DataFrame, colours: list[str]) -> None:
    """Values with their intervals, one line each from the top."""
    places = np.arange(len(rows))
    axes.hlines(places, rows["low"], rows["high"], color=colours, linewidth=2)
    axes.scatter(rows["value"], places, color=colours, s=36, zorder=3)


def _line(axes: Any, level: float | None) -> None:
    if level is not None:
        axes.axvline(level, color="#9E9E9E", linewidth=0.8, linestyle=":")
