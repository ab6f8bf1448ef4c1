"""Judging predictions of several markets under one folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError, UsageError
from matcher.world.judge.bench import open_bench
from matcher.world.judge.figures import ALL
from matcher.world.judge.judge import (
    USUAL_CEILINGS,
    Judgement,
    judge_predictions,
    suspect_inversion,
)
from matcher.world.judge.predictions import SUFFIXES, read_predictions

if TYPE_CHECKING:
    from matcher.world.judge.judge import Ceilings, Tell

__all__ = ["MANY", "find_markets", "judge_folder", "lower_is_better", "summarise_markets"]

MANY: Final = -1
"""Seed of rows over several markets."""
_AIMS: Final = {
    "bias": 0.0,
    "bias_of_effect": 0.0,
    "relative_bias": 0.0,
    "relative_error": 0.0,
    "coverage_error": 0.0,
    "below_median": 0.5,
}
"""Metrics that may miss on either side of what is right; the worst is the furthest from it."""


def find_markets(folder: Path) -> list[Path]:
    """Markets in the sub-folders of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        A folder.

    Returns
    -------
    list of pathlib.Path
        Sub-folders that hold a truth, by name; empty where the folder is a market itself.
    """
    if (folder / "truth").is_dir() or not folder.is_dir():
        return []
    return sorted(one.parent for one in folder.glob("*/truth") if one.is_dir())


def judge_folder(
    markets: Path,
    predictions: Path,
    *,
    kind: str | None = None,
    ceilings: Ceilings | None = USUAL_CEILINGS,
    tell: Tell = lambda _step, _done, _total: None,
) -> Judgement:
    """Predictions of several markets, each judged by its own truth.

    Parameters
    ----------
    markets : pathlib.Path
        Folder with markets in its sub-folders.
    predictions : pathlib.Path
        Folder with one file per market, called as its sub-folder; its name stands for a missing
        `method`.
    kind : str, optional
        What the files hold; known from their columns when None.
    ceilings : Ceilings, optional
        Score baselines and oracles too, unless None.
    tell : callable, optional
        Told the step, its finished parts and all its parts.

    Returns
    -------
    Judgement
        Rows of each market, whose seeds tell them apart, and, with `n` counting markets, median
        and worst over them: metrics ``median_<metric>`` and ``worst_<metric>``.

    Raises
    ------
    UsageError
        If a market has no file or two, or a file no market.
    """
    files = _match(find_markets(markets), markets, predictions)
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    for place, (market, path) in enumerate(files):
        tell("markets", place, len(files))
        given = read_predictions(path, kind)
        # A method that only the file's name stands for is one method in all markets.
        alike = given.frame["method"].replace(path.stem, predictions.name or "predictions")
        found = judge_predictions(
            open_bench(market),
            replace(given, frame=given.frame.assign(method=alike)),
            ceilings=ceilings,
        )
        parts.append(found.rows)
        notes += [f"{market.name}: {note}" for note in found.notes]
    tell("markets", len(files), len(files))
    rows = pd.concat(parts, ignore_index=True)
    whole = pd.concat([rows, summarise_markets(rows)], ignore_index=True)
    suspect = suspect_inversion(rows[rows["metric"].str.startswith("share_")])
    return Judgement(whole, (*notes, *suspect))


def _match(markets: list[Path], folder: Path, predictions: Path) -> list[tuple[Path, Path]]:
    if not markets:
        raise DataError(f"{folder}: holds no simulated market, and no folders of such")
    if not predictions.is_dir():
        raise UsageError(
            f"{predictions}: is no folder; {folder} holds {len(markets)} markets, so give a folder "
            "with one file of predictions per market, called as the market"
        )
    files = [path for path in sorted(predictions.iterdir()) if path.suffix.lower() in SUFFIXES]
    by_stem: dict[str, list[Path]] = {}
    for path in files:
        by_stem.setdefault(path.stem, []).append(path)
    names = {market.name for market in markets}
    wrong = [name for name in sorted(names) if len(by_stem.get(name, [])) != 1]
    wrong += sorted(set(by_stem) - names)
    if wrong:
        raise UsageError(
            f"{predictions}: {len(wrong)} names do not match the markets of {folder} one to one: "
            f"{', '.join(wrong[:5])}; expected one file of predictions per market"
        )
    return [(market, by_stem[market.name][0]) for market in markets]


def summarise_markets(rows: pd.DataFrame) -> pd.DataFrame:
    """Median and worst over markets of the figures over all campaigns.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of several markets.

    Returns
    -------
    pandas.DataFrame
        Rows of seed `MANY` in the order in which methods and metrics come first, whose `n` counts
        the markets that have the figure.
    """
    whole = rows[rows["campaign_id"] == ALL]
    found: list[dict[str, Any]] = []
    names = ["world", "version", "kind", "method", "target", "metric"]
    for key, part in whole.groupby(names, sort=False):
        known = part["value"].dropna()
        if not len(known):
            continue
        facts = dict(zip(names, key, strict=True))
        metric = str(facts["metric"])
        if metric.startswith("gap_"):
            # The gap of the worst share is no figure of its own.
            found.append(_over(facts, f"median_{metric}", float(known.median()), len(known)))
            continue
        for name, value in (("median", known.median()), ("worst", _worst(metric, known))):
            found.append(_over(facts, f"{name}_{metric}", float(value), len(known)))
    return pd.DataFrame(found, columns=list(rows.columns))


def _worst(metric: str, values: pd.Series) -> float:
    if metric in _AIMS:
        missed = (values - _AIMS[metric]).abs().to_numpy()
        return float(values.iloc[int(missed.argmax())])
    return float(values.max() if lower_is_better(metric) else values.min())


def _over(facts: dict[str, Any], metric: str, value: float, n: int) -> dict[str, Any]:
    whole = {"seed": MANY, "campaign_id": ALL, "low": np.nan, "high": np.nan}
    return {**facts, **whole, "metric": metric, "value": value, "n": n}


def lower_is_better(metric: str) -> bool:
    """Whether a lower figure is the better one.

    Parameters
    ----------
    metric : str
        Metric of a row.

    Returns
    -------
    bool
        True for regrets, errors, widths and costs.
    """
    parts = ("regret", "pehe", "winkler", "width", "rmse", "cost", "gap")
    return any(metric.startswith(part) or metric.endswith(part) for part in parts)
