"""Pictures of whether figures come true, what each part is worth, and what more history adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.evaluation.calibration import RANGE_LEVEL
from matcher.report.pictures import render_picture

if TYPE_CHECKING:
    import pandas as pd

    from matcher.evaluation.ablations.results import FullEvaluation
    from matcher.evaluation.calibration import CalibrationCheck

__all__ = ["draw_calibration", "draw_full"]

_MAIN, _BESIDE, _LIGHT = "#1565C0", "#455A64", "#B0BEC5"
_CURVES: Final = {
    "learnt from": "rankers learn from them alone",
    "on record": "nothing earlier is on record",
}
_ANCHORS: Final = {("hired", "ndcg_at_10"): "who is hired: NDCG@10",
                   ("delivered", "spearman_raw"): "what a hire delivers: Spearman"}  # fmt: skip
_MOST_VARIANTS: Final = 24
_TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_DPI: Final = 110


def draw_calibration(check: CalibrationCheck | None) -> dict[str, bytes]:
    """Pictures of stated chances and ranges.

    Parameters
    ----------
    check : CalibrationCheck or None
        What was measured.

    Returns
    -------
    dict of str to bytes
        PNG by file name: ``fit-reliability.png`` (hires made by class of what was stated, on logs,
        95 % intervals over campaigns) and ``outcome-cells.png`` (coverage by cell of tier and
        platform, intervals that hold for all cells at once); without those that have no rows.
    """
    pictures: dict[str, bytes] = {}
    if check is None:
        return pictures
    if (check.reliability["made"] > 0).any():
        pictures["fit-reliability.png"] = _draw_reliability(check.reliability)
    if not check.cells.empty:
        pictures["outcome-cells.png"] = _draw_cells(check.cells)
    return pictures


def draw_full(result: FullEvaluation) -> dict[str, bytes]:
    """Pictures of a full evaluation.

    Parameters
    ----------
    result : FullEvaluation
        The table.

    Returns
    -------
    dict of str to bytes
        PNG by file name: ``ablations.png`` (differences of variants from the model, the largest
        first) and ``learning-curve.png`` (figures by the number of past campaigns); without those
        that have no rows.
    """
    pictures = {}
    table = result.table
    if (rows := table[(table["group"] == "ablations") & table["difference"].notna()]).size:
        pictures["ablations.png"] = _draw_ablations(rows)
    if (rows := _curve_rows(table)).size:
        pictures["learning-curve.png"] = _draw_curve(rows)
    return pictures


def _draw_reliability(table: pd.DataFrame) -> bytes:
    held = table[(table["made"] > 0) & (table["stated"] > 0)]
    # A logarithmic axis has no 0; an interval that reaches it is drawn down to the axis.
    floor = 0.5 * float(held[["stated", "made"]].min().min())

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        ends = [floor, 2.0 * float(held[["stated", "made"]].max().max())]
        axes.plot(ends, ends, color=_LIGHT, linewidth=1, label="stated = made")
        low = held["made_low"].clip(lower=floor)
        axes.vlines(held["stated"], low, held["made_high"], color=_MAIN, linewidth=2)
        axes.scatter(held["stated"], held["made"], color=_MAIN, s=36, zorder=3,
                     label="classes of candidates, 95 % interval")  # fmt: skip
        axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
        ticks = [one for one in _TICKS if ends[0] <= one <= ends[1]]
        axes.set_xticks(ticks, [f"{one:g}" for one in ticks])
        axes.set_yticks(ticks, [f"{one:g}" for one in ticks])
        axes.minorticks_off()
        axes.set_xlabel("stated: times the average candidate's chance")
        axes.set_ylabel("hires made: times the average candidate's")
        axes.set_title("Fit: what was stated and what came", loc="left")
        axes.legend(frameon=False, loc="upper left")
        axes.spines[["top", "right"]].set_visible(False)

    return render_picture(draw, size=(5.6, 5.2), dpi=_DPI)


def _draw_cells(cells: pd.DataFrame) -> bytes:
    names = [
        f"{row['tier']}, {row['platform']} ({row['n_hires']:,})" for row in cells.to_dict("records")
    ]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        places = np.arange(len(cells))
        axes.axvline(RANGE_LEVEL, color=_LIGHT, linewidth=1)
        known = cells["low"].notna().to_numpy()
        axes.hlines(places[known], cells["low"][known], cells["high"][known], color=_MAIN,
                    linewidth=2)  # fmt: skip
        axes.scatter(cells["coverage"], places, color=_MAIN, s=36, zorder=3)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set_xlim(right=1.0)
        axes.set_xlabel("share of hires whose outcome fell into its 80 % range")
        axes.set_title("Outcomes: ranges by tier and platform (hires)", loc="left")
        axes.spines[["top", "right"]].set_visible(False)

    return render_picture(draw, size=(7.0, 1.6 + 0.3 * len(names)), dpi=_DPI)


def _draw_ablations(rows: pd.DataFrame) -> bytes:
    kept = {
        anchor: held.set_index("variant")
        for anchor in _ANCHORS
        if (held := rows[(rows["question"] == anchor[0]) & (rows["metric"] == anchor[1])]).size
    }
    first = next(iter(kept.values()))
    names = first["difference"].sort_values().index[:_MOST_VARIANTS].tolist()

    def draw(figure: Any) -> None:
        panels = figure.subplots(1, len(kept), sharey=True, squeeze=False)[0]
        places = np.arange(len(names))
        for axes, (anchor, held) in zip(panels, kept.items(), strict=True):
            part = held.reindex(names)
            sure = (~part["includes_zero"].fillna(True).astype(bool)).to_numpy()
            colours = np.where(sure, _MAIN, _LIGHT)
            axes.axvline(0.0, color="#9E9E9E", linewidth=0.8)
            axes.hlines(
                places, part["difference_low"], part["difference_high"], color=colours, linewidth=2
            )
            axes.scatter(part["difference"], places, color=colours, s=30, zorder=3)
            axes.set_title(_ANCHORS[anchor], loc="left", fontsize=10)
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_yticks(places, names)
        panels[0].invert_yaxis()
        figure.suptitle(
            "Variant less model, 95 % intervals (grey where they hold 0)", x=0.01, ha="left"
        )

    return render_picture(draw, size=(3 + 3.0 * len(kept), 1.6 + 0.28 * len(names)), dpi=_DPI)


def _curve_rows(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[(table["group"] == "learning curve") & table["value"].notna()]
    sizes = rows["variant"].str.extract(r"^([\d,]+) (learnt from|on record)$")
    rows = rows.assign(n_campaigns=sizes[0].str.replace(",", "").astype("float64"), curve=sizes[1])
    return rows[rows["curve"].notna()]


def _draw_curve(rows: pd.DataFrame) -> bytes:
    kept = {
        anchor: held
        for anchor in _ANCHORS
        if (held := rows[(rows["question"] == anchor[0]) & (rows["metric"] == anchor[1])]).size
    }

    def draw(figure: Any) -> None:
        panels = figure.subplots(1, len(kept), squeeze=False)[0]
        for axes, (anchor, held) in zip(panels, kept.items(), strict=True):
            for (name, words), colour in zip(_CURVES.items(), (_MAIN, _BESIDE), strict=True):
                part = held[held["curve"] == name].sort_values("n_campaigns")
                if part.empty:
                    continue
                axes.plot(part["n_campaigns"], part["value"], marker="o", color=colour, label=words)
                axes.fill_between(
                    part["n_campaigns"], part["low"], part["high"], color=colour, alpha=0.12
                )
            axes.set_xscale("log")
            ticks = sorted(held["n_campaigns"].unique())
            axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
            axes.minorticks_off()
            axes.set_xlabel("latest past campaigns")
            axes.set_title(_ANCHORS[anchor], loc="left", fontsize=10)
            axes.spines[["top", "right"]].set_visible(False)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)

    return render_picture(draw, size=(1 + 4.2 * len(kept), 4.0), dpi=_DPI)
