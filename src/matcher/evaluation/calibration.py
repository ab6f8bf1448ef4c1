"""Whether what is stated comes true: chances of a hire, and ranges of what a hire brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.evaluation.bootstrap import LEVEL
from matcher.evaluation.cells import CELL_COLUMNS, judge_cells
from matcher.evaluation.outcomes import winkler_score
from matcher.evaluation.stated import STATED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from matcher.config import EvaluationSettings

__all__ = ["RANGE_LEVEL", "CalibrationCheck", "check_calibration"]

RANGE_LEVEL: Final = 0.8
"""What stated ranges promise to hold."""
_EDGES: Final = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, np.inf)
"""Classes of the reliability table, in times the average account's chance."""
_SLICES: Final = ("warmth", "platform", "tier", "brief_language")
_LEAST_HIRES: Final = 30
"""Hires that a slice needs before it is judged by itself."""
_N_BINS: Final = 200
_LEAST_SPREAD: Final = 1e-6
_N_SLOPES: Final = 200
"""Draws of a bootstrap that fits a regression each time."""
_FIT: Final = (
    "slice", "n_campaigns", "n_hires", "n_stated", "slope", "slope_low", "slope_high", "intercept",
    "intercept_low", "intercept_high", "skill_base", "skill_base_low", "skill_base_high",
    "skill_past", "skill_past_low", "skill_past_high",
)  # fmt: skip
_RANGES: Final = (
    "slice", "n_campaigns", "n_hires", "coverage", "coverage_low", "coverage_high", "below",
    "above", "winkler", "winkler_usual", "n_usual", "total", "total_low", "total_high",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class CalibrationCheck:
    """What was stated beside what came.

    Parameters
    ----------
    fit : pandas.DataFrame
        One row per slice, ``all`` first: slope and intercept of a logistic regression of hires on
        the stated log odds (1 and 0 are right), and Brier skill over the base rate of the campaign
        and over chances in proportion to 1 + past hires (above 0 is better), with 95 % intervals
        over campaigns; hires stated and made. Empty where no chance was stated.
    reliability : pandas.DataFrame
        By class of what was stated, in times the average account's chance: ``band, n, stated,
        made, made_low, made_high``.
    ranges : pandas.DataFrame
        One row per slice: share of the hires whose outcome fell into its 80 % range, with its
        interval over campaigns, and below and above it; Winkler score of ln(1 + outcome) beside
        that of followers times the multipliers of past hires; and the mean over campaigns of what
        all of its hires brought over what was expected of them (1 is right). Empty where no range
        was stated.
    cells : pandas.DataFrame
        What `matcher.evaluation.cells.judge_cells` says of tiers and platforms, the lowest first.

    Raises
    ------
    DataError
        If a table lacks a column.
    """

    fit: pd.DataFrame
    reliability: pd.DataFrame
    ranges: pd.DataFrame
    cells: pd.DataFrame

    def __post_init__(self) -> None:
        for table, columns in (
            (self.fit, _FIT),
            (self.ranges, _RANGES),
            (self.cells, CELL_COLUMNS),
        ):
            missing = [name for name in columns if name not in table]
            if missing:
                raise DataError(
                    f"calibration: {len(missing)} columns are missing ({missing[:5]}); expected "
                    f"{', '.join(columns)}"
                )

    def to_dict(self) -> dict[str, Any]:
        """Tables as records; undefined numbers are None.

        Returns
        -------
        dict
            ``fit``, ``reliability``, ``ranges`` and ``cells``.
        """
        return {
            name: [
                {str(key): _plain(value) for key, value in row.items()}
                for row in getattr(self, name).to_dict("records")
            ]
            for name in ("fit", "reliability", "ranges", "cells")
        }


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value


def check_calibration(scored: pd.DataFrame, settings: EvaluationSettings) -> CalibrationCheck:
    """What was stated of candidates beside what came.

    Parameters
    ----------
    scored : pandas.DataFrame
        ``campaign_id, hired, outcome``, the slice columns, and
        `matcher.evaluation.stated.STATED_COLUMNS`.
    settings : EvaluationSettings
        Resamples and seed.

    Returns
    -------
    CalibrationCheck
        Tables.

    Raises
    ------
    DataError
        If a column is missing.

    References
    ----------
    Cox, Two further applications of a model for binary regression, Biometrika 45 (1958), for slope
    and intercept; Brier, Verification of forecasts expressed in terms of probability, Monthly
    Weather Review 78 (1950); Gneiting and Raftery, JASA 102 (2007), for the score of ranges.
    """
    missing = [name for name in ("hired", "outcome", *STATED_COLUMNS) if name not in scored]
    if missing:
        raise DataError(f"calibration: columns {missing[:5]} are missing")
    whole = scored[scored.groupby("campaign_id")["hired"].transform("any")]
    stated = whole[whole["stated_fit"].notna()]
    known = whole[whole["stated_low"].notna() & whole["outcome"].notna()]
    rng = np.random.default_rng(settings.seed)
    n = settings.n_bootstrap
    return CalibrationCheck(
        pd.DataFrame(
            [_judge_fit(name, part, rng, n) for name, part in _slices(stated)], columns=list(_FIT)
        ),
        _reliability(stated, rng, n),
        pd.DataFrame(
            [_judge_ranges(name, part, rng, n) for name, part in _slices(known)],
            columns=list(_RANGES),
        ),
        judge_cells(known, _is_inside(known), rng=rng, n_resamples=n),
    )


def _is_inside(rows: pd.DataFrame) -> NDArray[np.bool_]:
    low, high, brought = (
        rows[column].to_numpy(np.float64) for column in ("stated_low", "stated_high", "outcome")
    )
    return np.asarray((brought >= low) & (brought <= high))


def _slices(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """All rows, then each slice with enough hires."""
    if not len(frame):
        return
    yield "all", frame
    for column in _SLICES:
        if column in frame:
            for value, part in frame.groupby(column, sort=True):
                if int(part["hired"].sum()) >= _LEAST_HIRES and len(part) < len(frame):
                    yield f"{column}={value}", part


def _judge_fit(
    name: str, rows: pd.DataFrame, rng: np.random.Generator, n_resamples: int
) -> dict[str, Any]:
    codes, ids = pd.factorize(rows["campaign_id"])
    n = len(ids)
    hired = rows["hired"].to_numpy(np.float64)
    stated = rows["stated_fit"].to_numpy(np.float64)
    sizes = np.bincount(codes, minlength=n)
    expected = np.bincount(codes, weights=stated, minlength=n)
    base = (expected / sizes)[codes]
    past = 1.0 + rows["n_past_hires"].fillna(0.0).to_numpy(np.float64)
    past = np.minimum(past / np.bincount(codes, weights=past, minlength=n)[codes]
                      * expected[codes], 1.0)  # fmt: skip
    brier = {
        key: np.bincount(codes, weights=(chance - hired) ** 2, minlength=n) / sizes
        for key, chance in (("model", stated), ("base", base), ("past", past))
    }
    drawn = _draw(rng, n, n_resamples)
    found: dict[str, Any] = {
        "slice": name,
        "n_campaigns": n,
        "n_hires": int(hired.sum()),
        "n_stated": float(stated.sum()),
    }
    for key in ("base", "past"):
        skills = 1.0 - (drawn @ brier["model"]) / (drawn @ brier[key])
        value = 1.0 - brier["model"].sum() / brier[key].sum()
        found |= _with_ends(f"skill_{key}", float(value), skills, n)
    counts = _bin_odds(codes, n, stated, hired)
    lines = [_line(counts, weights) for weights in drawn[:_N_SLOPES]]
    slope, intercept = _line(counts, np.ones(n))
    found |= _with_ends("slope", slope, np.array([one for one, _ in lines]), n)
    return found | _with_ends("intercept", intercept, np.array([two for _, two in lines]), n)


def _draw(rng: np.random.Generator, n: int, n_resamples: int) -> NDArray[np.float64]:
    """How often each campaign stands in each resample, shape (n_resamples, n)."""
    return rng.multinomial(n, np.full(n, 1.0 / n), size=n_resamples).astype(np.float64)


def _with_ends(
    name: str, value: float, draws: NDArray[np.float64], n_campaigns: int
) -> dict[str, float]:
    """A figure with its percentile interval; no interval over fewer than two campaigns."""
    low, high = np.nan, np.nan
    if n_campaigns > 1 and np.isfinite(draws).any():
        tail = (1.0 - LEVEL) / 2.0
        low, high = (float(end) for end in np.nanquantile(draws, (tail, 1.0 - tail)))
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _bin_odds(
    codes: NDArray[np.int64],
    n: int,
    stated: NDArray[np.float64],
    hired: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean log odds of classes of what was stated; accounts and hires by class and campaign."""
    chance = np.clip(stated, 1e-9, 1.0 - 1e-9)
    odds = np.log(chance / (1.0 - chance))
    edges = np.unique(np.quantile(odds, np.linspace(0.0, 1.0, _N_BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, odds, side="right")
    n_bins = len(edges) + 1
    middle = np.bincount(bins, weights=odds, minlength=n_bins)
    size = np.bincount(bins, minlength=n_bins)
    place = codes * n_bins + bins
    accounts = np.bincount(place, minlength=n * n_bins).reshape(n, n_bins).astype(np.float64)
    hires = np.bincount(place, weights=hired, minlength=n * n_bins).reshape(n, n_bins)
    return middle / np.maximum(size, 1), accounts, hires.astype(np.float64)


def _line(
    counts: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    weights: NDArray[np.float64],
) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of hires on log odds."""
    from sklearn.linear_model import LogisticRegression

    odds, accounts, hires = counts
    made = weights @ hires
    others = weights @ accounts - made
    # Without hires, or with one chance stated of all, there is no line to draw.
    if not made.sum() or np.ptp(odds[made + others > 0]) < _LEAST_SPREAD:
        return np.nan, np.nan
    design = np.concatenate((odds, odds))[:, None]
    is_hire = np.repeat([1, 0], len(odds))
    size = np.concatenate((made, others))
    used = size > 0
    fitted = LogisticRegression(C=np.inf, max_iter=500).fit(
        design[used], is_hire[used], sample_weight=size[used]
    )
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _reliability(rows: pd.DataFrame, rng: np.random.Generator, n_resamples: int) -> pd.DataFrame:
    """Hires made by class of what was stated, in times the average account's chance."""
    columns = ["band", "n", "stated", "made", "made_low", "made_high"]
    if not len(rows):
        return pd.DataFrame(columns=columns)
    by_campaign = rows.groupby("campaign_id")
    held = rows.assign(
        times=rows["stated_fit"] / by_campaign["stated_fit"].transform("mean"),
        share=by_campaign["hired"].transform("mean"),
    )
    held["band"] = pd.cut(held["times"], _EDGES)
    found = []
    for band, part in held.groupby("band", observed=True):
        sums = part.groupby("campaign_id")[["hired", "share"]].sum().to_numpy(np.float64)
        drawn = _draw(rng, len(sums), n_resamples) @ sums
        ends = _with_ends(
            "made", float(sums[:, 0].sum() / sums[:, 1].sum()), drawn[:, 0] / drawn[:, 1], len(sums)
        )
        found.append(
            {"band": str(band), "n": len(part), "stated": float(part["times"].mean()), **ends}
        )
    return pd.DataFrame(found, columns=columns)


def _judge_ranges(
    name: str, rows: pd.DataFrame, rng: np.random.Generator, n_resamples: int
) -> dict[str, Any]:
    codes, ids = pd.factorize(rows["campaign_id"])
    n = len(ids)
    low, high, brought = (
        rows[column].to_numpy(np.float64) for column in ("stated_low", "stated_high", "outcome")
    )
    inside = _is_inside(rows).astype(np.float64)
    sizes = np.bincount(codes, minlength=n).astype(np.float64)
    held = np.bincount(codes, weights=inside, minlength=n)
    drawn = _draw(rng, n, n_resamples)
    usual = rows[["usual_low", "usual_high"]].to_numpy(np.float64)
    both = np.isfinite(usual).all(axis=1)
    own = _log_winkler(low, high, brought)
    other = _log_winkler(usual[both, 0], usual[both, 1], brought[both])
    expected = np.bincount(codes, weights=rows["stated_mean"].to_numpy(np.float64), minlength=n)
    ratio = np.bincount(codes, weights=brought, minlength=n) / np.maximum(expected, 1e-12)
    return {
        "slice": name,
        "n_campaigns": n,
        "n_hires": len(rows),
        **_with_ends("coverage", float(inside.mean()), (drawn @ held) / (drawn @ sizes), n),
        "below": float((brought < low).mean()),
        "above": float((brought > high).mean()),
        "winkler": float((own[both] if both.any() else own).mean()),
        "winkler_usual": float(other.mean()) if both.any() else np.nan,
        "n_usual": int(both.sum()),
        **_with_ends("total", float(ratio.mean()), drawn @ ratio / n, n),
    }


def _log_winkler(
    low: NDArray[np.float64], high: NDArray[np.float64], brought: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Winkler score of ranges of ln(1 + outcome)."""
    a, b, y = (np.log1p(np.maximum(one, 0.0)) for one in (low, high, brought))
    return winkler_score(a, b, y, 1.0 - RANGE_LEVEL)
