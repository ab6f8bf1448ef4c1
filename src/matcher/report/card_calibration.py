"""Whether what a model states comes true, as a model card tells it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matcher.evaluation.calibration import RANGE_LEVEL
from matcher.report.markdown import as_code, as_table, as_text

if TYPE_CHECKING:
    import pandas as pd

    from matcher.evaluation.calibration import CalibrationCheck
    from matcher.ranking.model import Model
    from matcher.ranking.outcomes.single import OutcomeModel

__all__ = ["calibration_section", "describe_misses", "describe_outcomes"]


def calibration_section(check: CalibrationCheck | None) -> list[tuple[str, str]]:
    """Section of a card on stated chances and ranges.

    Parameters
    ----------
    check : CalibrationCheck or None
        What was measured.

    Returns
    -------
    list of (str, str)
        Title and Markdown; empty where nothing was stated.
    """
    if check is None or (check.fit.empty and check.ranges.empty):
        return []
    parts = [
        "Slope and intercept are of hires on stated log odds; Brier skill is the share by which "
        "the score of `fit` lies below that of the base rate, or of chances by past hires; "
        "*came / expected* is what the hires of a campaign brought over the mean that was stated "
        "of them. 95 % intervals over campaigns."
    ]
    if not check.fit.empty:
        header = [
            "fit",
            "hires stated / made",
            "slope (1)",
            "intercept (0)",
            "Brier skill, base rate",
            "Brier skill, past hires",
        ]
        rows = [
            [
                as_code(str(row["slice"])),
                f"{row['n_stated']:,.0f} / {row['n_hires']:,}",
                *(
                    _with_interval(row, name, 2 if name in ("slope", "intercept") else 3)
                    for name in ("slope", "intercept", "skill_base", "skill_past")
                ),
            ]
            for row in check.fit.to_dict("records")
        ]
        parts.append(as_table(header, rows))
    if not check.ranges.empty:
        header = ["outcome", "hires", "in the 80 % range", "below / above", "came / expected"]
        rows = [
            [
                as_code(str(row["slice"])),
                f"{row['n_hires']:,}",
                _with_interval(row, "coverage", 3),
                f"{row['below']:.3f} / {row['above']:.3f}",
                _with_interval(row, "total", 2),
            ]
            for row in check.ranges.to_dict("records")
        ]
        parts.append(as_table(header, rows))
    if not check.cells.empty:
        parts.append(_worst_cell(check.cells))
    return [("Whether what it states comes true", "\n\n".join(parts))]


def _worst_cell(cells: pd.DataFrame) -> str:
    row = cells.iloc[0]
    ends = "" if math.isnan(row["low"]) else f" ({row['low']:.3f} to {row['high']:.3f})"
    return (
        f"Of {len(cells)} cells of tier and platform with 30 hires or more, ranges hold least in "
        f"{as_text(str(row['tier']))}, {as_text(str(row['platform']))}: {row['coverage']:.3f}"
        f"{ends} of {row['n_hires']:,} hires; the interval holds for all cells at once."
    )


def describe_misses(check: CalibrationCheck | None) -> list[str]:
    """What is stated and surely does not come true, over all campaigns.

    Parameters
    ----------
    check : CalibrationCheck or None
        What was measured.

    Returns
    -------
    list of str
        Sentences of Markdown; empty where intervals hold what is right.
    """
    if check is None:
        return []
    found = []
    for table, name, right, words in (
        (check.fit, "slope", 1.0, "*fit*: the slope of hires on the stated log odds is"),
        (check.fit, "intercept", 0.0, "*fit*: the intercept of hires on the stated log odds is"),
        (check.ranges, "coverage", RANGE_LEVEL, "*outcomes*: ranges that state 80 % hold"),
        (check.ranges, "total", 1.0, "*outcomes*: what campaigns bring, over what is expected, is"),
    ):
        # Without an interval nothing is sure.
        found += [
            f"{words} {_with_interval(row, name, 2)} instead of {right:g}."
            for row in table.head(1).to_dict("records")
            if row[f"{name}_low"] > right or row[f"{name}_high"] < right
        ]
    return found


def describe_outcomes(model: Model) -> str:
    """Which outcomes a model predicts, and what each was learnt from.

    Parameters
    ----------
    model : Model
        Model.

    Returns
    -------
    str
        One sentence of Markdown without its stop.
    """
    if model.outcomes is None:
        reason = model.facts.get("no_outcomes", "the model was trained without it")
        return f"not predicted ({as_text(str(reason))})"
    said = []
    for name, one in model.outcomes.models.items():
        posts = f"{one.facts['n_posts']:,} posts, " if "n_posts" in one.facts else ""
        origin = as_text(str(one.facts.get("from", "hires")))
        hires = f"{one.facts['n_hires']:,} hires{_stand_for(one)}"
        said.append(f"{as_code(name)} from {origin} ({posts}{hires})")
    return "; ".join(said)


def _stand_for(model: OutcomeModel) -> str:
    """Whether errors of hires are those of anyone."""
    facts = model.facts
    if "n_chances" in facts:
        return (
            f", of which {facts['n_chances']:,} by their logged chances stand for all candidates, "
            f"worth {facts['n_effective']:.0f} alike"
        )
    if not model.is_of_hires_alone:
        return ""
    return ", as buyers chose them; with the same features, others bring less"


def _with_interval(row: dict[Any, Any], name: str, digits: int) -> str:
    if math.isnan(row[name]):
        return "–"
    text = f"{row[name]:.{digits}f}"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return text if math.isnan(low) else f"{text} ({low:.{digits}f} to {high:.{digits}f})"
