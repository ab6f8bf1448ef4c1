"""Figures of an evaluation as a model card shows them, and what they say against the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.evaluation.comparison import MODEL
from matcher.evaluation.figures import LOWER_IS_BETTER, METRICS
from matcher.evaluation.grids import MAIN_METRICS, best_baselines, scorer_grid
from matcher.evaluation.scored import QUESTIONS
from matcher.report.markdown import as_code, as_table, as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matcher.evaluation.grids import Grid
    from matcher.evaluation.results import EvaluationResult

__all__ = ["describe_limits", "figure_sections", "headline", "main_metrics"]

_CONTROLS: Final[Mapping[str, tuple[str, bool]]] = {
    "random": ("any order", True),
    "permuted": ("the learner on shuffled labels", True),
    "random_vectors": ("random vectors in place of embeddings", True),
    "missingness": ("which values are missing, and nothing else", False),
}
"""What each negative control is, and whether its AUC should be one half."""
_TITLES: Final = {
    "hired": "How well it does: who is hired",
    "delivered": "How well it does: what a hire delivers",
}
_FEW_CAMPAIGNS: Final = 10


def headline(result: EvaluationResult) -> list[str]:
    """The main figures of both questions, one sentence of Markdown each.

    Parameters
    ----------
    result : EvaluationResult
        Figures.

    Returns
    -------
    list of str
        Model with interval beside the best baseline; empty where nothing is defined.
    """
    return [
        f"{question}, {as_code(row['metric'])}: {_interval(row)}; best baseline "
        f"{as_code(row['baseline'])} {_number(row['other'], row['metric'])}"
        for question in QUESTIONS
        for row in _against_best(result, question)
        if row["metric"] in main_metrics(result, question)
    ]


def figure_sections(result: EvaluationResult) -> list[tuple[str, str]]:
    """Sections of a card with the figures of both questions.

    Parameters
    ----------
    result : EvaluationResult
        Figures.

    Returns
    -------
    list of (str, str)
        Title and Markdown.
    """
    sections = []
    for question in QUESTIONS:
        against = _against_best(result, question)
        if not against:
            reasons = result.figures.loc[result.figures["question"] == question, "reason"]
            why = "; ".join(map(as_text, reasons[reasons != ""].drop_duplicates()[:3]))
            sections.append((_TITLES[question], f"No figure: {why or 'nothing to judge'}."))
            continue
        parts = [
            _intro(result, question),
            _main_table(against),
            "All scorers; the best baseline of each column is starred:",
            _grid_table(scorer_grid(result, question, metrics=main_metrics(result, question))),
            "By slice, with the best of the other scorers there; hot accounts have outcomes, warm "
            "ones were seen without, cold ones never:",
            _slices(result, question),
        ]
        sections.append((_TITLES[question], "\n\n".join(parts)))
    controls = _controls(result)
    return [*sections, ("Negative controls", controls)] if controls else sections


def describe_limits(result: EvaluationResult) -> list[str]:
    """What the evaluation itself says against the model, in sentences of Markdown.

    Parameters
    ----------
    result : EvaluationResult
        Figures.

    Returns
    -------
    list of str
        Metrics and slices in which a baseline is ahead or not surely behind, figures that tell
        nothing apart, controls away from one half, slices that rest on little or nothing.
    """
    said = []
    for question in QUESTIONS:
        said += _behind(result, question)
        said += _weak_slices(result, question)
    said += [
        f"The control {as_code(name)} ({words}) has an AUC of {_interval(row)} and should have "
        ".5: a difference of that size says nothing here."
        for name, (words, is_level) in _CONTROLS.items()
        for row in _rows_of(result, "hired", name, "auc")
        if is_level and not row["low"] <= 0.5 <= row["high"]
    ]
    skipped = result.audit.get("skipped_campaigns", {})
    if skipped:
        reasons = ", ".join(f"{n} {as_text(reason)}" for reason, n in sorted(skipped.items()))
        said.append(f"{sum(skipped.values())} campaigns could not be judged: {reasons}.")
    return said


def main_metrics(result: EvaluationResult, question: str) -> list[str]:
    """Metrics that are shown for a question.

    Parameters
    ----------
    result : EvaluationResult
        Figures.
    question : str
        ``hired`` or ``delivered``.

    Returns
    -------
    list of str
        The main metrics, without those of which even random order reaches the best value.
    """
    return [name for name in MAIN_METRICS[question] if not _is_blunt(result, question, name)]


def _is_blunt(result: EvaluationResult, question: str, metric: str) -> bool:
    """Whether even random order reaches the best value there is."""
    if metric in LOWER_IS_BETTER or metric.startswith("spearman"):
        return False
    return any(row["value"] >= 1 for row in _rows_of(result, question, "random", metric))


def _against_best(result: EvaluationResult, question: str) -> list[dict[str, Any]]:
    """Model beside the best baseline of each metric, over all candidates."""
    figures = result.figures
    figures = figures[(figures["question"] == question) & (figures["slice"] == "all")]
    paired = result.paired
    paired = paired[(paired["question"] == question) & (paired["slice"] == "all")]
    best = best_baselines(figures)
    rows = []
    for metric in METRICS:
        own = figures[(figures["scorer"] == MODEL) & (figures["metric"] == metric)]
        if own.empty or own["value"].isna().all() or metric not in best:
            continue
        name = best[metric]
        other = figures[(figures["scorer"] == name) & (figures["metric"] == metric)]
        gap = paired[(paired["baseline"] == name) & (paired["metric"] == metric)]
        rows.append(
            {
                **_records(own)[0],
                "baseline": name,
                "other": float(other["value"].iloc[0]),
                **{
                    f"gap_{key}": float(gap[column].iloc[0]) if len(gap) else float("nan")
                    for key, column in (("value", "difference"), ("low", "low"), ("high", "high"))
                },
            }
        )
    return rows


def _intro(result: EvaluationResult, question: str) -> str:
    counts = result.audit["evaluation"]["questions"].get(question, {}).get("all", {})
    how = {
        "time": "Walking forward: each campaign is scored by a model that was closed before it.",
        "brands": "Walking forward over brands that the model has not seen.",
    }.get(result.protocol, "Campaigns decided after the model was closed.")
    candidates = counts.get("n_candidates", 0)
    said = (
        f"{how} {counts.get('n_campaigns', 0):,} campaigns, {candidates:,} candidates, "
        f"{counts.get('n_hired', 0):,} of them hired. Means over campaigns with 95 % intervals "
        "over brands."
    )
    lower = [as_code(name) for name in LOWER_IS_BETTER]
    return said + (f" Of {', '.join(lower)} less is better." if question == "hired" else "")


def _main_table(rows: Iterable[Mapping[str, Any]]) -> str:
    header = ["metric", "best baseline", "model (95 %)", "baseline", "difference (95 %)", "n"]
    cells = [
        [
            as_code(row["metric"]),
            as_code(row["baseline"]),
            _interval(row),
            _number(row["other"], row["metric"]),
            _signed(row),
            str(int(row["n"])),
        ]
        for row in rows
    ]
    return as_table(header, cells, n_names=2)


def _grid_table(grid: Grid) -> str:
    rows = [[as_code(row[0]), *(cell.replace("*", "\\*") for cell in row[1:])] for row in grid.rows]
    return as_table([grid.header[0], *map(as_code, grid.header[1:])], rows)


def _slices(result: EvaluationResult, question: str) -> str:
    metrics = main_metrics(result, question)
    table = result.figures[result.figures["question"] == question]
    header = ["slice", "n"]
    for metric in metrics:
        header += [f"{as_code(metric)} (95 %)", "best other"]
    rows = []
    for name, held in table[table["slice"] != "all"].groupby("slice", sort=False):
        best = best_baselines(held)
        of = {(row["scorer"], row["metric"]): row for row in _records(held)}
        own = [of[MODEL, metric] for metric in metrics]
        if all(pd.isna(row["value"]) for row in own):
            continue
        cells = [as_code(name), str(max(int(row["n"]) for row in own))]
        for metric, row in zip(metrics, own, strict=True):
            other = of.get((best.get(metric, ""), metric))
            cells.append(_interval(row))
            cells.append(
                f"{_number(other['value'], metric)} {as_code(other['scorer'])}" if other else "–"
            )
        rows.append(cells)
    return as_table(header, rows) if rows else "No slice has a figure."


def _controls(result: EvaluationResult) -> str:
    rows = [
        [as_code(name), words, ".500" if is_level else "–", _interval(row)]
        for name, (words, is_level) in _CONTROLS.items()
        for row in _rows_of(result, "hired", name, "auc")
    ]
    if not rows:
        return ""
    header = ["control", "what it knows", "AUC expected", "AUC (95 %)"]
    return as_table(header, rows, n_names=2)


def _rows_of(
    result: EvaluationResult, question: str, scorer: str, metric: str
) -> list[dict[str, Any]]:
    table = result.figures
    held = table[
        (table["question"] == question)
        & (table["slice"] == "all")
        & (table["scorer"] == scorer)
        & (table["metric"] == metric)
        & table["value"].notna()
    ]
    return _records(held)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _behind(result: EvaluationResult, question: str) -> list[str]:
    behind, unsure, blunt = [], [], []
    for row in _against_best(result, question):
        metric = row["metric"]
        sign = -1 if metric in LOWER_IS_BETTER else 1
        ends = sorted((sign * row["gap_low"], sign * row["gap_high"]))
        if _is_blunt(result, question, metric):
            blunt.append(as_code(metric))
        elif ends[1] < 0:
            behind.append(f"{as_code(metric)} ({as_code(row['baseline'])})")
        elif not ends[0] > 0:
            unsure.append(f"{as_code(metric)} ({as_code(row['baseline'])})")
    said = []
    if behind:
        said.append(f"*{question}*: behind the best baseline on {', '.join(behind)}.")
    if unsure:
        said.append(f"*{question}*: not surely ahead of the best baseline on {', '.join(unsure)}.")
    if blunt:
        said.append(
            f"*{question}*: {', '.join(blunt)} cannot tell scorers apart here; even random order "
            "reaches 1, since a list is longer than the candidates are many."
        )
    return said


def _weak_slices(result: EvaluationResult, question: str) -> list[str]:
    metric = MAIN_METRICS[question][0]
    table = result.figures
    table = table[(table["question"] == question) & (table["metric"] == metric)]
    behind, small, empty = [], [], []
    for name, held in table[table["slice"] != "all"].groupby("slice", sort=False):
        own = held[held["scorer"] == MODEL]
        if own.empty or pd.isna(own["value"].iloc[0]):
            empty.append(as_code(name))
            continue
        value, n = float(own["value"].iloc[0]), int(own["n"].iloc[0])
        best = best_baselines(held).get(metric)
        other = float(held.loc[held["scorer"] == best, "value"].iloc[0]) if best else float("nan")
        if other >= value:
            behind.append(f"{as_code(name)} ({_number(value, metric)}, {as_code(best)} "
                          f"{_number(other, metric)})")  # fmt: skip
        if n < _FEW_CAMPAIGNS:
            small.append(f"{as_code(name)} {n}")
    said = []
    if behind:
        said.append(
            f"*{question}*, {as_code(metric)} by slice: a baseline is as good or better in "
            f"{', '.join(behind)}."
        )
    if small:
        said.append(
            f"*{question}*: these slices rest on fewer than {_FEW_CAMPAIGNS} campaigns each: "
            f"{', '.join(small)}."
        )
    if empty:
        said.append(f"*{question}*: nothing is known of {', '.join(empty)}; no figure came out.")
    return said


def _number(value: float, metric: str) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:.1f}" if metric in LOWER_IS_BETTER else f"{value:.3f}"


def _interval(row: Mapping[str, Any]) -> str:
    value = _number(row["value"], row["metric"])
    if pd.isna(row["low"]):
        return value
    low, high = (_number(row[end], row["metric"]) for end in ("low", "high"))
    return f"{value} ({low} to {high})"


def _signed(row: Mapping[str, Any]) -> str:
    digits = 1 if row["metric"] in LOWER_IS_BETTER else 3
    if pd.isna(row["gap_value"]):
        return "–"
    value = f"{row['gap_value']:+.{digits}f}"
    if pd.isna(row["gap_low"]):
        return value
    return f"{value} ({row['gap_low']:+.{digits}f} to {row['gap_high']:+.{digits}f})"
