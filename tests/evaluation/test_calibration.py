"""Stated chances and ranges, right and wrong by construction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.config import EvaluationSettings
from matcher.errors import DataError
from matcher.evaluation.calibration import CalibrationCheck, check_calibration
from matcher.evaluation.calibration_grids import calibration_grids

SETTINGS = EvaluationSettings(n_bootstrap=200)


def make(
    *, n_campaigns: int = 60, n: int = 120, power: float = 1.0, wide: float = 1.2816, seed: int = 0
) -> pd.DataFrame:
    """Candidates hired with a known chance and outcomes of a known spread; `power` and `wide` are
    what is stated of them: 1 and 1.2816 tell the truth."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(n_campaigns):
        odds = rng.normal(-3.0, 1.2, n)
        hired = rng.random(n) < 1.0 / (1.0 + np.exp(-odds))
        centre = rng.normal(7.0, 1.0, n)
        outcome = np.exp(centre + 0.8 * rng.standard_normal(n))
        stated = 1.0 / (1.0 + np.exp(-power * (odds + 3.0) + 3.0))
        known = np.where(hired, 1.0, np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "campaign_id": f"c{number:02d}",
                    "account_id": [f"a{k}" for k in range(n)],
                    "hired": hired,
                    "outcome": np.where(hired, outcome, np.nan),
                    "warmth": np.where(np.arange(n) % 2, "hot", "warm"),
                    "platform": "tiktok",
                    "stated_fit": stated,
                    "stated_low": np.exp(centre - wide * 0.8) * known,
                    "stated_high": np.exp(centre + wide * 0.8) * known,
                    "stated_mean": np.exp(centre + 0.32) * known,
                    "usual_low": np.exp(4.0) * known,
                    "usual_high": np.exp(10.0) * known,
                    "n_past_hires": rng.poisson(1.0, n).astype(float),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def row(check: CalibrationCheck, table: str = "fit", name: str = "all") -> pd.Series:
    found = getattr(check, table)
    return found[found["slice"] == name].iloc[0]


def test_true_chances_have_slope_one_and_skill() -> None:
    found = row(check_calibration(make(), SETTINGS))
    assert found["slope_low"] < 1.0 < found["slope_high"]
    assert abs(found["slope"] - 1.0) < 0.1
    assert found["skill_base_low"] > 0.0
    assert found["skill_past_low"] > 0.0
    assert found["n_stated"] == pytest.approx(found["n_hires"], rel=0.15)


def test_chances_that_are_too_extreme_have_a_low_slope_and_too_timid_ones_a_high_one() -> None:
    bold, timid = (row(check_calibration(make(power=p), SETTINGS)) for p in (2.0, 0.5))
    assert bold["slope_high"] < 0.7
    assert timid["slope_low"] > 1.5


def test_chances_that_say_nothing_have_no_skill() -> None:
    rows = make()
    rows["stated_fit"] = rows["hired"].mean()
    found = row(check_calibration(rows, SETTINGS))
    assert found["skill_base"] == pytest.approx(0.0, abs=1e-9)


def test_true_ranges_hold_four_of_five_and_narrow_ones_fewer() -> None:
    right, narrow = (
        row(check_calibration(make(wide=wide), SETTINGS), "ranges") for wide in (1.2816, 0.6)
    )
    assert right["coverage_low"] < 0.8 < right["coverage_high"]
    assert narrow["coverage_high"] < 0.6
    assert right["winkler"] < narrow["winkler"]
    assert right["winkler"] < right["winkler_usual"]
    assert right["below"] + right["above"] + right["coverage"] == pytest.approx(1.0)
    assert right["total_low"] < 1.0 < right["total_high"]


def test_means_that_are_half_of_what_comes_are_seen() -> None:
    rows = make()
    rows["stated_mean"] /= 2.0
    assert row(check_calibration(rows, SETTINGS), "ranges")["total_low"] > 1.5


def test_slices_are_judged_apart_where_they_have_enough_hires() -> None:
    check = check_calibration(make(), SETTINGS)
    assert check.fit["slice"].tolist() == ["all", "warmth=hot", "warmth=warm"]
    few = check_calibration(make(n_campaigns=3, n=30), SETTINGS)
    assert few.fit["slice"].tolist() == ["all"]


def test_classes_of_what_was_stated_add_up_to_all_accounts() -> None:
    rows = make()
    check = check_calibration(rows, SETTINGS)
    assert check.reliability["n"].sum() == len(rows)
    assert check.reliability["made"].is_monotonic_increasing
    inside = check.reliability.eval("made_low <= made <= made_high")
    assert inside.all()


def test_nothing_stated_gives_empty_tables_and_no_grid_rows() -> None:
    rows = make(n_campaigns=3)
    names = [name for name in rows if name.startswith("stated_")]
    rows[names] = np.nan
    check = check_calibration(rows, SETTINGS)
    assert check.fit.empty
    assert check.ranges.empty
    assert not any(grid.rows for grid in calibration_grids(check))
    assert check.to_dict() == {"fit": [], "reliability": [], "ranges": [], "cells": []}


def test_one_campaign_has_figures_without_intervals() -> None:
    found = row(check_calibration(make(n_campaigns=1), SETTINGS))
    assert np.isfinite(found["slope"])
    assert np.isnan(found["slope_low"])


def test_a_missing_column_is_named() -> None:
    rows = make(n_campaigns=2).drop(columns="stated_low")
    with pytest.raises(DataError, match=r"calibration: columns \['stated_low'\] are missing"):
        check_calibration(rows, SETTINGS)
    empty = pd.DataFrame()
    with pytest.raises(DataError, match="16 columns are missing"):
        CalibrationCheck(empty, empty, empty, empty)
