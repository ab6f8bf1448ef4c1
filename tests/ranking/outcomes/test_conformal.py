"""Distributions of errors by cell: coverage, shrinkage, and refusal of what is no error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import DataError
from matcher.ranking.outcomes.conformal import LEVELS, ErrorCells, fit_error_cells

P10, P90 = 9, 89


def fit(errors: np.ndarray, platform: str = "tiktok", tier: str = "nano") -> ErrorCells:
    n = len(errors)
    return fit_error_cells(
        errors, np.ones(n), np.full(n, platform, dtype=object), np.full(n, tier, dtype=object)
    )


def test_ranges_hold_new_errors_as_often_as_they_say() -> None:
    rng = np.random.default_rng(4)
    held = []
    for n in (20, 60, 300):
        inside = []
        for _ in range(300):
            ends = fit(rng.standard_t(4, n)).cells["", ""]
            fresh = rng.standard_t(4, 50)
            inside.append(((fresh >= ends[P10]) & (fresh <= ends[P90])).mean())
        held.append(np.mean(inside))
    assert all(share >= 0.79 for share in held)
    assert held[-1] <= 0.83


def test_both_ends_are_found_apart() -> None:
    skewed = np.random.default_rng(5).exponential(1.0, 2_000) - 1.0
    ends = fit(skewed).cells["", ""]
    assert abs(ends[P90]) > 1.3 * abs(ends[P10])


def test_a_cell_of_few_errors_stays_near_its_parent() -> None:
    rng = np.random.default_rng(6)
    errors = np.concatenate((rng.standard_normal(500), 3.0 + rng.standard_normal(3)))
    tiers = np.array(["nano"] * 500 + ["mega"] * 3, dtype=object)
    found = fit_error_cells(errors, np.ones(503), np.full(503, "x", dtype=object), tiers)
    shift = {tier: found.cells["x", tier][49] for tier in ("nano", "mega")}
    assert abs(shift["mega"] - shift["nano"]) < 0.5
    many = fit_error_cells(
        np.concatenate((errors[:500], 3.0 + rng.standard_normal(500))),
        np.ones(1_000),
        np.full(1_000, "x", dtype=object),
        np.array(["nano"] * 500 + ["mega"] * 500, dtype=object),
    )
    assert many.cells["x", "mega"][49] > 2.0


def test_an_unknown_cell_is_answered_by_its_tier_and_an_unknown_tier_by_everyone() -> None:
    rng = np.random.default_rng(7)
    tiers = np.array(["nano", "mega"] * 200, dtype=object)
    errors = rng.standard_normal(400) + 2.0 * (tiers == "mega")
    found = fit_error_cells(errors, np.ones(400), np.full(400, "x", dtype=object), tiers)
    asked = np.array(["zalo", "zalo"], dtype=object), np.array(["mega", "macro"], dtype=object)
    codes, table, _ = found.find(*asked)
    np.testing.assert_array_equal(table[codes[0]], found.cells["", "mega"])
    np.testing.assert_array_equal(table[codes[1]], found.cells["", ""])


def test_the_newest_errors_count_most() -> None:
    errors = np.concatenate((np.zeros(200), np.full(200, 2.0)))
    names = np.full(400, "x", dtype=object)
    weights = np.concatenate((np.full(200, 0.05), np.ones(200)))
    assert fit_error_cells(errors, weights, names, names).cells["", ""][49] == pytest.approx(2.0)


@given(st.lists(st.floats(-30.0, 30.0), min_size=1, max_size=60))
def test_quantiles_never_decrease_and_survive_their_json(errors: list[float]) -> None:
    found = fit(np.array(errors))
    for held in (*found.cells.values(), *found.plain.values()):
        assert len(held) == len(LEVELS)
        assert (np.diff(held) >= 0).all()
    again = ErrorCells.from_dict(found.to_dict())
    assert again.to_dict() == found.to_dict()


@pytest.mark.parametrize("errors", [[], [0.0, np.nan]])
def test_what_is_no_error_is_refused(errors: list[float]) -> None:
    held = np.array(errors)
    with pytest.raises(DataError, match="expected one or more, all finite"):
        fit(held)


def test_cells_without_everyone_or_that_decrease_are_refused() -> None:
    flat = np.zeros(99)
    with pytest.raises(DataError, match="the cell of everyone is missing"):
        ErrorCells({("x", "y"): flat}, {("x", "y"): flat}, {("x", "y"): 1})
    falling = {("", ""): -np.arange(99.0)}
    with pytest.raises(DataError, match="quantiles of 1 of 1 cells decrease"):
        ErrorCells(falling, falling, {("", ""): 1})
