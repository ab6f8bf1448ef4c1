"""Calibration as grids of rounded cells, for every form in which it is shown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matcher.evaluation.grids import Grid

if TYPE_CHECKING:
    from matcher.evaluation.calibration import CalibrationCheck

__all__ = ["calibration_grids"]


def calibration_grids(check: CalibrationCheck) -> list[Grid]:
    """All tables of a check.

    Parameters
    ----------
    check : CalibrationCheck
        What is shown.

    Returns
    -------
    list of Grid
        Chances by slice and by class, ranges by slice and by cell; without rows where nothing was
        stated.
    """
    return [_fit(check), _reliability(check), _ranges(check), _cells(check)]


def _fit(check: CalibrationCheck) -> Grid:
    rows = [
        (
            str(row["slice"]),
            f"{row['n_stated']:,.0f} / {row['n_hires']:,}",
            _with_interval(row, "slope"),
            _with_interval(row, "intercept"),
            _with_interval(row, "skill_base", digits=3),
            _with_interval(row, "skill_past", digits=3),
        )
        for row in check.fit.to_dict("records")
    ]
    header = (
        "fit", "hires stated / made", "slope", "intercept", "Brier skill, base rate",
        "Brier skill, past hires",
    )  # fmt: skip
    notes = (
        "Of the chance of a hire: slope and intercept of hires on the stated log odds (1 and 0 are "
        "right), and the share by which its Brier score is below that of the campaign's base rate, "
        "and of chances in proportion to 1 + past hires; 95 % intervals over campaigns.",
    )
    return Grid("fit: whether stated chances come true", header, tuple(rows), notes)


def _reliability(check: CalibrationCheck) -> Grid:
    rows = [
        (
            str(row["band"]),
            f"{row['n']:,}",
            f"{row['stated']:.2f}",
            _with_interval(row, "made"),
        )
        for row in check.reliability.to_dict("records")
    ]
    header = ("times the average, stated", "accounts", "mean stated", "made")
    return Grid("fit: stated and made, in times the average account", header, tuple(rows), ())


def _ranges(check: CalibrationCheck) -> Grid:
    rows = [
        (
            str(row["slice"]),
            f"{row['n_hires']:,}",
            _with_interval(row, "coverage", digits=3),
            f"{row['below']:.3f} / {row['above']:.3f}",
            _number(row["winkler"]),
            _number(row["winkler_usual"]),
            _with_interval(row, "total"),
        )
        for row in check.ranges.to_dict("records")
    ]
    header = (
        "outcome", "hires", "in the 80 % range", "below / above", "Winkler", "followers x multiple",
        "came / expected",
    )  # fmt: skip
    notes = (
        "Of what a hire brings: how often it fell into its 80 % range (.8 is right), the Winkler "
        "score of ln(1 + outcome) (less is better) beside that of followers times the multiples of "
        "past hires, and what the hires of a campaign brought over what was expected of them (1 is "
        "right); 95 % intervals over campaigns.",
    )
    return Grid("outcomes: whether stated ranges come true", header, tuple(rows), notes)


def _cells(check: CalibrationCheck) -> Grid:
    rows = [
        (
            f"{row['tier']}, {row['platform']}",
            f"{row['n_hires']:,}",
            f"{row['n_campaigns']:,}",
            _with_ends(row),
        )
        for row in check.cells.to_dict("records")
    ]
    header = ("tier, platform", "hires", "campaigns", "in the 80 % range")
    notes = (
        "Cells with 30 hires of 5 campaigns or more, the worst first; intervals over campaigns "
        "hold for all cells at once with 95 %, so that the worst may be judged by its own.",
    )
    return Grid("outcomes: whether ranges come true in every cell", header, tuple(rows), notes)


def _with_ends(row: dict[Any, Any]) -> str:
    text = f"{row['coverage']:.3f}"
    return text if math.isnan(row["low"]) else f"{text}\n({row['low']:.3f} to {row['high']:.3f})"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _with_interval(row: dict[Any, Any], name: str, *, digits: int = 2) -> str:
    if math.isnan(row[name]):
        return "–"
    text = f"{row[name]:.{digits}f}"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return text if math.isnan(low) else f"{text}\n({low:.{digits}f} to {high:.{digits}f})"
