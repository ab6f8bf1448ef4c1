"""Intervals judged by how often drawn outcomes fall into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from matcher.evaluation.outcomes import winkler_score
from matcher.world.judge.figures import campaign_rows, single_row
from matcher.world.judge.rankings import FIRST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.world.judge.bench import Bench

__all__ = ["LEVEL", "N_DRAWS", "judge_intervals"]

LEVEL: Final = 0.8
"""Level of intervals that state none."""
N_DRAWS: Final = 20
"""Draws of each outcome at most, of which none is the logged one."""
_LEAST_DRAWS: Final = 5
_OUTCOMES: Final = 1_000_000
"""Outcomes to be drawn, about; where rows are plenty, each needs fewer draws."""
_LEAST_CELL: Final = 100
"""Rows that a cell of tier and platform needs before it is judged by itself."""


def judge_intervals(
    bench: Bench, given: pd.DataFrame, *, least_cell: int = _LEAST_CELL
) -> tuple[pd.DataFrame, list[str]]:
    r"""Rows of intervals.

    A row's coverage is the share of up to `N_DRAWS` draws inside ``[lower, upper]``. The Winkler
    score of an interval of level :math:`1 - \alpha` is
    :math:`u - l + \frac{2}{\alpha} (l - y)_+ + \frac{2}{\alpha} (y - u)_+`; with the suffix
    ``_log`` it and the width are taken of ln(1 + outcome), so that large accounts do not drown the
    others.

    Parameters
    ----------
    bench : Bench
        Truth.
    given : pandas.DataFrame
        ``method, campaign_id, account_id, lower, upper`` and perhaps ``outcome, level, median,
        score``.
    least_cell : int
        Rows that a cell needs.

    Returns
    -------
    rows : pandas.DataFrame
        Figures over all rows, the first ten by score, and each cell of tier and platform, whose
        interval is binomial over rows.
    notes : list of str
        What was counted on the way.

    Raises
    ------
    DataError
        If an outcome is named that the truth does not have.

    References
    ----------
    Gneiting and Raftery, Strictly proper scoring rules, prediction, and estimation, JASA 102
    (2007), section 6.2, for the score.
    """
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    for method, held in given.groupby("method", sort=False):
        frame = held.reset_index(drop=True)
        found = _row_figures(bench, frame)
        unread = int(found["coverage"].isna().sum())
        if unread:
            notes.append(f"{method}: {unread:,} of {len(found):,} rows have no drawn outcome")
        parts.append(_means(str(method), frame, found, apart=_mixed(bench, frame)))
        cells, said = _cells(bench, str(method), frame, found, least_cell)
        parts.append(cells)
        notes += said
        notes.append(
            f"{method}: coverage is that of {_count_draws(len(frame))} draws per row besides the "
            "logged one"
        )
    return pd.concat(parts, ignore_index=True), notes


def _row_figures(bench: Bench, frame: pd.DataFrame) -> pd.DataFrame:
    names = _names(bench, frame)
    level = frame["level"].fillna(LEVEL) if "level" in frame else pd.Series(LEVEL, frame.index)
    alpha = np.asarray(1.0 - level.to_numpy(np.float64), dtype=np.float64)
    low, high = (frame[name].to_numpy(np.float64) for name in ("lower", "upper"))
    ids = frame["campaign_id"].tolist(), frame["account_id"].tolist()
    middle = np.full(len(frame), np.nan)
    if "median" in frame:
        middle = frame["median"].to_numpy(np.float64, na_value=np.nan)
    sums = np.zeros((4, len(frame)))
    read = np.zeros(len(frame))
    for number in range(1, _count_draws(len(frame)) + 1):
        drawn = bench.truth.draw(*ids, draw=number)
        y = bench.pick(drawn, names)
        known = ~np.isnan(y)
        inside = (y >= low) & (y <= high)
        # Half of an outcome that is met exactly lies below.
        below = (np.sign(middle - y) + 1) / 2
        scores = np.stack(
            [
                inside,
                winkler_score(low, high, y, alpha),
                winkler_score(_log(low), _log(high), _log(y), alpha),
                below,
            ]
        )
        sums += np.where(known, scores, 0.0)
        read += known
    means = np.divide(sums, read, out=np.full(sums.shape, np.nan), where=read > 0)
    found = pd.DataFrame(
        {
            "coverage": means[0],
            "coverage_error": means[0] - (1.0 - alpha),
            "width": high - low,
            "width_log": _log(high) - _log(low),
            "winkler": means[1],
            "winkler_log": means[2],
        }
    )
    return found.assign(below_median=means[3]) if "median" in frame else found


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # A lower end below 0 says no more than 0 does, since no outcome is negative.
    return np.asarray(np.log1p(np.maximum(values, 0.0)))


def _count_draws(n_rows: int) -> int:
    return max(_LEAST_DRAWS, min(N_DRAWS, _OUTCOMES // max(n_rows, 1)))


def _names(bench: Bench, frame: pd.DataFrame) -> NDArray[np.object_]:
    """Outcome that each row is about."""
    names = bench.outcome_names(frame["campaign_id"])
    if "outcome" not in frame:
        return names
    return frame["outcome"].where(frame["outcome"].notna(), names).to_numpy(object)


def _mixed(bench: Bench, frame: pd.DataFrame) -> tuple[str, ...]:
    """Metrics in the unit of the outcome, where there is more than one."""
    return ("width", "winkler") if len(set(_names(bench, frame))) > 1 else ()


def _means(
    method: str, frame: pd.DataFrame, found: pd.DataFrame, *, apart: tuple[str, ...]
) -> pd.DataFrame:
    """Figures by campaign and over all; a campaign counts as one, however many rows it has."""
    by_campaign = found.groupby(frame["campaign_id"], sort=False)
    means = by_campaign.mean()
    figures = {("outcome", str(name)): means[name].to_numpy(np.float64) for name in means}
    if "score" in frame:
        place = frame.groupby("campaign_id")["score"].rank(ascending=False, method="first")
        top = found["coverage"].where(place <= FIRST).groupby(frame["campaign_id"], sort=False)
        figures["outcome", "coverage_of_first_10"] = top.mean().to_numpy(np.float64)
    counts = np.asarray(by_campaign.size(), dtype=np.int64)
    return campaign_rows(
        "interval", method, [str(one) for one in means.index], figures, counts=counts, apart=apart
    )


def _cells(
    bench: Bench, method: str, frame: pd.DataFrame, found: pd.DataFrame, least: int
) -> tuple[pd.DataFrame, list[str]]:
    facts = bench.accounts.reindex(frame["account_id"])
    cell = (facts["tier"].astype("str") + " x " + facts["platform"].astype("str")).to_numpy(object)
    known = found["coverage"].dropna()
    cells = [
        _binomial(method, f"cell {name}", "coverage", part)
        for name, part in known.groupby(cell[found["coverage"].notna()])
        if len(part) >= least
    ]
    # Coverage over all rows alike, beside that over campaigns.
    rows = [*([_binomial(method, "outcome", "coverage_of_rows", known)] if len(known) else [])]
    if not cells:
        note = f"{method}: no cell of tier and platform has {least} rows; none is judged by itself"
        return pd.DataFrame(rows), [note]
    worst = min(cells, key=lambda row: row["value"])
    note = f"{method}: the worst of {len(cells)} cells is {worst['target'].removeprefix('cell ')}"
    rows.append({**worst, "target": "outcome", "metric": "coverage_of_worst_cell"})
    return pd.DataFrame([*rows, *cells]), [note]


def _binomial(method: str, target: str, metric: str, coverage: pd.Series) -> dict[str, Any]:
    """Coverage of a cell; rows are taken as its trials, since draws of one row share its level."""
    n = len(coverage)
    ends = binomtest(round(float(coverage.sum())), n).proportion_ci(0.95, method="exact")
    return single_row(
        "interval",
        method,
        target,
        metric,
        float(coverage.mean()),
        n=n,
        low=ends.low,
        high=ends.high,
    )
