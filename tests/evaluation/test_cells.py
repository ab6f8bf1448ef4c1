"""Coverage by cell with intervals that hold for all cells at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.evaluation.cells import CELL_COLUMNS, judge_cells

CELLS = [(tier, platform) for tier in ("nano", "micro", "mid") for platform in ("tiktok", "x")]


def make(
    seed: int, *, shares: list[float] | None = None, n_campaigns: int = 60, spread: float = 0.0
) -> tuple[pd.DataFrame, np.ndarray]:
    """Campaigns with two hires in every cell, each inside its range with the cell's chance."""
    rng = np.random.default_rng(seed)
    chance = np.array(shares or [0.8] * len(CELLS))
    rows, inside = [], []
    for campaign in range(n_campaigns):
        moved = np.clip(chance + spread * rng.standard_normal(), 0.01, 0.99)
        for (tier, platform), share in zip(CELLS, moved, strict=True):
            for _ in range(2):
                rows.append({"campaign_id": f"c{campaign}", "tier": tier, "platform": platform})
                inside.append(rng.random() < share)
    return pd.DataFrame(rows), np.array(inside)


def judge(seed: int, *, n_resamples: int = 300, **options) -> pd.DataFrame:
    rows, inside = make(seed, **options)
    rng = np.random.default_rng(seed)
    return judge_cells(rows, inside, rng=rng, n_resamples=n_resamples)


def test_the_worst_cell_comes_first_with_its_own_figures() -> None:
    rows, inside = make(1, shares=[0.8, 0.8, 0.55, 0.8, 0.9, 0.8])
    found = judge_cells(rows, inside, rng=np.random.default_rng(0), n_resamples=300)
    assert list(found.columns) == list(CELL_COLUMNS)
    worst = found.iloc[0]
    assert (worst["tier"], worst["platform"]) == ("micro", "tiktok")
    own = (rows["tier"] == "micro") & (rows["platform"] == "tiktok")
    assert worst["coverage"] == inside[own.to_numpy()].mean()
    assert (worst["n_hires"], worst["n_campaigns"]) == (120, 60)
    assert worst["high"] < 0.8
    assert found["coverage"].is_monotonic_increasing


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_intervals_hold_all_cells_at_once(spread: float) -> None:
    together, alone = [], []
    for seed in range(80):
        found = judge(seed, spread=spread, n_campaigns=40, n_resamples=200)
        held = found["low"].le(0.8) & found["high"].ge(0.8)
        together.append(held.all())
        alone.append(held.mean())
    # 95 % are promised of the whole; with 80 markets the error is 2.4 points.
    assert np.mean(together) >= 0.88
    assert np.mean(alone) > np.mean(together)


def test_campaigns_that_share_their_luck_widen_intervals() -> None:
    widths = [
        (found["high"] - found["low"]).mean()
        for found in (judge(3, spread=0.0), judge(3, spread=0.3))
    ]
    assert widths[1] > 1.1 * widths[0]


def test_small_cells_and_none_are_left_out() -> None:
    rows, inside = make(0, n_campaigns=14)
    assert judge_cells(rows, inside, rng=np.random.default_rng(0), n_resamples=50).empty
    nothing = judge_cells(rows.head(0), inside[:0], rng=np.random.default_rng(0), n_resamples=50)
    assert list(nothing.columns) == list(CELL_COLUMNS)
    sure = judge_cells(
        make(0)[0], np.ones(len(make(0)[0]), dtype=bool), rng=np.random.default_rng(0),
        n_resamples=50,
    )  # fmt: skip
    assert (sure["coverage"] == 1.0).all()
    assert sure["low"].isna().all()
