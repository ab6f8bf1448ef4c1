"""Pictures of calibration, ablations and learning curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.config import EvaluationSettings
from matcher.evaluation.ablations.results import FullEvaluation
from matcher.evaluation.ablations.table import COLUMNS
from matcher.evaluation.calibration import CalibrationCheck, check_calibration
from matcher.report.evidence_pictures import draw_calibration, draw_full

PNG = b"\x89PNG\r\n\x1a\n"
ANCHORS = (("hired", "ndcg_at_10"), ("delivered", "spearman_raw"))


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(PNG)
    return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")


@pytest.fixture(scope="module")
def check() -> CalibrationCheck:
    rng = np.random.default_rng(0)
    n = 4_000
    chance = rng.beta(1.0, 9.0, n)
    hired = rng.random(n) < chance
    centre = rng.normal(7.0, 1.0, n)
    known = np.where(hired, 1.0, np.nan)
    rows = pd.DataFrame(
        {
            "campaign_id": [f"c{k % 40}" for k in range(n)],
            "account_id": [f"a{k}" for k in range(n)],
            "tier": rng.choice(["nano", "mid"], n),
            "platform": rng.choice(["tiktok", "youtube"], n),
            "hired": hired,
            "outcome": np.exp(centre + 0.8 * rng.standard_normal(n)) * known,
            "stated_fit": chance,
            "stated_low": np.exp(centre - 1.03) * known,
            "stated_high": np.exp(centre + 1.03) * known,
            "stated_mean": np.exp(centre + 0.32) * known,
            "usual_low": np.nan,
            "usual_high": np.nan,
            "n_past_hires": 0.0,
        }
    )
    return check_calibration(rows, EvaluationSettings(n_bootstrap=100))


def full_table(variants: list[tuple[str, str, float]]) -> FullEvaluation:
    rows = [
        {
            "group": group, "variant": name, "against": against, "question": question,
            "metric": metric, "value": value, "low": value - 0.1, "high": value + 0.1, "n": 30,
            "difference": value - 0.3 if against else np.nan,
            "difference_low": value - 0.4 if against else np.nan,
            "difference_high": value - 0.2 if against else np.nan,
            "includes_zero": abs(value - 0.3) < 0.1 if against else False, "reason": "",
        }
        for group, name, value in variants
        for question, metric in ANCHORS
        for against in [_base(group, name)]
    ]  # fmt: skip
    return FullEvaluation(pd.DataFrame(rows)[list(COLUMNS)], {}, (), {})


def _base(group: str, name: str) -> str:
    first = {"ablations": "model", "learning curve": "all campaigns"}[group]
    return "" if name == first else first


def test_pictures_of_what_came_true_grow_with_cells(check: CalibrationCheck) -> None:
    found = draw_calibration(check)
    assert list(found) == ["fit-reliability.png", "outcome-cells.png"]
    few = CalibrationCheck(check.fit, check.reliability, check.ranges, check.cells.head(1))
    less = draw_calibration(few)
    assert less["fit-reliability.png"] == found["fit-reliability.png"]
    assert size(less["outcome-cells.png"])[1] < size(found["outcome-cells.png"])[1]


def test_what_was_not_stated_is_not_drawn(check: CalibrationCheck) -> None:
    nothing = CalibrationCheck(
        check.fit.head(0), check.reliability.head(0), check.ranges.head(0), check.cells.head(0)
    )
    assert draw_calibration(nothing) == {}
    assert draw_calibration(None) == {}


def test_pictures_of_a_full_evaluation() -> None:
    variants = [("ablations", "model", 0.3), ("ablations", "without content", 0.1)]
    curve = [
        ("learning curve", "all campaigns", 0.3),
        ("learning curve", "10 learnt from", 0.2),
        ("learning curve", "1,000 learnt from", 0.25),
        ("learning curve", "10 on record", 0.1),
    ]
    found = draw_full(full_table(variants + curve))
    assert list(found) == ["ablations.png", "learning-curve.png"]
    assert all(min(size(one)) > 100 for one in found.values())
    assert list(draw_full(full_table(variants))) == ["ablations.png"]
    assert draw_full(full_table(variants + curve)) == found
    bigger = draw_full(full_table([*variants, ("ablations", "without reach", 0.28)]))
    assert size(bigger["ablations.png"])[1] > size(found["ablations.png"])[1]
