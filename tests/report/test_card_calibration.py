"""What a card says of stated chances and ranges, and where they surely miss."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd

from matcher.config import EvaluationSettings
from matcher.evaluation.calibration import CalibrationCheck, check_calibration
from matcher.ranking.outcomes.single import HiredErrors, OutcomeModel
from matcher.report.card_calibration import (
    calibration_section,
    describe_misses,
    describe_outcomes,
)

NAN = float("nan")


def make(*, slope: float, coverage: float, width: float = 0.05) -> CalibrationCheck:
    empty = check_calibration(
        pd.DataFrame(
            columns=[
                "campaign_id", "hired", "outcome", "stated_fit", "stated_low", "stated_high",
                "stated_mean", "usual_low", "usual_high", "n_past_hires",
            ]
        ).astype({"hired": bool}),
        EvaluationSettings(n_bootstrap=10),
    )  # fmt: skip
    fit = {"slice": "all", "n_campaigns": 9, "n_hires": 90, "n_stated": 88.0}
    for name, value in (("slope", slope), ("intercept", 0.0), ("skill_base", 0.1),
                        ("skill_past", 0.1)):  # fmt: skip
        fit |= {name: value, f"{name}_low": value - width, f"{name}_high": value + width}
    ranges = {
        "slice": "all", "n_campaigns": 9, "n_hires": 90, "below": 0.1, "above": 0.1,
        "winkler": 3.0, "winkler_usual": NAN, "n_usual": 0,
    }  # fmt: skip
    for name, value in (("coverage", coverage), ("total", 1.0)):
        ranges |= {name: value, f"{name}_low": value - width, f"{name}_high": value + width}
    return CalibrationCheck(
        pd.DataFrame([fit]), empty.reliability, pd.DataFrame([ranges]), empty.cells
    )


def test_what_surely_misses_is_a_limit_and_nothing_else() -> None:
    assert describe_misses(make(slope=1.02, coverage=0.78)) == []
    told = describe_misses(make(slope=1.3, coverage=0.6))
    assert told == [
        "*fit*: the slope of hires on the stated log odds is 1.30 (1.25 to 1.35) instead of 1.",
        "*outcomes*: ranges that state 80 % hold 0.60 (0.55 to 0.65) instead of 0.8.",
    ]


def test_without_an_interval_nothing_is_sure() -> None:
    assert describe_misses(make(slope=1.3, coverage=0.6, width=NAN)) == []
    assert describe_misses(None) == []


def test_a_section_has_both_tables_and_says_what_they_mean() -> None:
    ((title, text),) = calibration_section(make(slope=1.0, coverage=0.8))
    assert title == "Whether what it states comes true"
    assert "88 / 90" in text
    assert "0.800 (0.750 to 0.850)" in text
    assert "*came / expected*" in text
    assert calibration_section(None) == []


def test_outcomes_say_whom_hires_stand_for() -> None:
    learnt: Any = object()
    held = OutcomeModel(
        "clicks", "count", parent="views", adjustment=learnt,
        facts={"n_hires": 70, "from": "hires"},
    )  # fmt: skip
    weighted = replace(
        held,
        hired=HiredErrors(held.errors, 1.0),
        facts={**held.facts, "n_chances": 60, "n_effective": 31.6},
    )
    alone = replace(held, adjustment=None)
    for one, told in (
        (held, "(70 hires, as buyers chose them; with the same features, others bring less)"),
        (weighted, "70 hires, of which 60 by their logged chances stand for all candidates, worth "
         "32 alike)"),
        (alone, "(70 hires)"),
    ):  # fmt: skip
        model: Any = SimpleNamespace(outcomes=SimpleNamespace(models={"clicks": one}), facts={})
        assert describe_outcomes(model).endswith(told)
