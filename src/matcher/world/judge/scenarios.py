"""Answers to what-if questions judged by the true change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from matcher.world.judge.figures import campaign_rows, single_row
from matcher.world.truth import Intervention

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from matcher.world.judge.bench import Bench

__all__ = ["judge_scenarios"]

_LEAST_CHANGE: Final = 0.05
"""Share of the baseline above which a true change has a sign that can be got wrong."""
_LEAST_SCENARIOS: Final = 3
"""Scenarios of one pair whose order is judged."""


def judge_scenarios(bench: Bench, given: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Rows of what-if answers.

    All figures but coverage are of changes relative to the true baseline, so that campaigns and
    outcomes can be pooled.

    Parameters
    ----------
    bench : Bench
        Truth.
    given : pandas.DataFrame
        ``method, campaign_id, account_id, scenario, delta`` and perhaps ``outcome, lower, upper``.
        A row without an account is of the sum over the accounts that the method lists for the
        campaign, or over its longlist where it lists none.

    Returns
    -------
    rows : pandas.DataFrame
        ``sign_accuracy`` where the true change exceeds 5 % of the baseline, ``bias``,
        ``bias_of_effect`` (over the mean true change), ``pehe`` (root mean square error over the
        standard deviation of the true changes), ``spearman`` of scenarios, ``coverage``.
    notes : list of str
        What was counted on the way.
    """
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    for method, held in given.groupby("method", sort=False):
        frame = held.reset_index(drop=True)
        base, change = _true_changes(bench, frame)
        frame = frame.assign(
            base=base,
            true=np.divide(change, base, out=np.full(len(base), np.nan), where=base > 0),
            told=np.divide(frame["delta"], base, out=np.full(len(base), np.nan), where=base > 0),
            change=change,
        )
        without = int((~(base > 0)).sum())
        if without:
            notes.append(f"{method}: {without:,} of {len(frame):,} rows have a baseline of 0")
        parts.append(_by_campaign(str(method), frame))
        parts.append(_whole(str(method), frame))
    return pd.concat(parts, ignore_index=True), notes


def _true_changes(
    bench: Bench, frame: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True baseline, and true change, of each row."""
    names = bench.outcome_names(frame["campaign_id"])
    if "outcome" in frame:
        names = frame["outcome"].where(frame["outcome"].notna(), names).to_numpy(object)
    owner, pairs = _expand(bench, frame)
    picked = names[owner]
    usual = bench.truth.expected(pairs["campaign_id"].tolist(), pairs["account_id"].tolist())
    before = bench.pick(usual, picked)
    after = np.full(len(pairs), np.nan)
    scenarios = frame["scenario"].to_numpy(object)[owner]
    for scenario in pd.unique(scenarios):
        rows = np.flatnonzero(scenarios == scenario)
        asked = pairs.iloc[rows]
        found = bench.truth.expected(
            asked["campaign_id"].tolist(),
            asked["account_id"].tolist(),
            Intervention.from_dict(json.loads(scenario)),
        )
        after[rows] = bench.pick(found, picked[rows])
    n = len(frame)
    sums = [
        np.bincount(owner, weights=one, minlength=n).astype(np.float64)
        for one in (before, after - before)
    ]
    return sums[0], sums[1]


def _expand(bench: Bench, frame: pd.DataFrame) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Pairs that each row is about."""
    listed = frame[frame["account_id"].notna()].groupby("campaign_id")["account_id"].unique()
    longlist = bench.longlist.groupby("campaign_id")["account_id"].unique()
    owner: list[int] = []
    campaigns: list[str] = []
    accounts: list[str] = []
    for row, (campaign, account) in enumerate(
        zip(frame["campaign_id"], frame["account_id"], strict=True)
    ):
        who = [account]
        if pd.isna(account):
            who = list(listed[campaign] if campaign in listed.index else longlist[campaign])
        owner += [row] * len(who)
        campaigns += [campaign] * len(who)
        accounts += who
    pairs = pd.DataFrame({"campaign_id": campaigns, "account_id": accounts})
    return np.array(owner, dtype=np.int64), pairs


def _by_campaign(method: str, frame: pd.DataFrame) -> pd.DataFrame:
    moved = frame["true"].abs() > _LEAST_CHANGE
    right = (np.sign(frame["told"]) == np.sign(frame["true"])).astype(float).where(moved)
    columns = {"sign_accuracy": right, "bias": frame["told"] - frame["true"]}
    if {"lower", "upper"} <= set(frame.columns):
        held = frame[["lower", "upper"]].notna().all(axis=1)
        inside = frame["change"].between(frame["lower"], frame["upper"]).astype(float)
        columns["coverage"] = inside.where(held)
    by_campaign = pd.DataFrame(columns).groupby(frame["campaign_id"], sort=False)
    means = by_campaign.mean()
    figures = {("delta", str(name)): means[name].to_numpy(np.float64) for name in means}
    figures["delta", "spearman"] = _orders(frame, list(means.index))
    return campaign_rows(
        "what-if",
        method,
        [str(one) for one in means.index],
        figures,
        counts=np.asarray(by_campaign.size(), dtype=np.int64),
    )


def _orders(frame: pd.DataFrame, campaigns: list[Any]) -> NDArray[np.float64]:
    """Mean correlation of told and true order of the scenarios of each pair."""
    found: dict[Any, list[float]] = {}
    keys = ["campaign_id", frame["account_id"].fillna("")]
    for (campaign, _), part in frame.groupby(keys, sort=False):
        known = part[part["true"].notna()]
        if len(known) < _LEAST_SCENARIOS or known["true"].max() == known["true"].min():
            continue
        # Answers that are all alike put the scenarios in no order at all.
        has_order = known["told"].max() > known["told"].min()
        rho = spearmanr(known["told"], known["true"])[0] if has_order else 0.0
        found.setdefault(campaign, []).append(float(rho))
    return np.array([np.mean(found[one]) if one in found else np.nan for one in campaigns])


def _whole(method: str, frame: pd.DataFrame) -> pd.DataFrame:
    known = frame[frame["true"].notna()]
    error = (known["told"] - known["true"]).to_numpy(np.float64)
    spread, effect = known["true"].std(ddof=0), known["true"].mean()
    n = len(known)
    pehe = float(np.sqrt(np.mean(error**2)) / spread) if n and spread > 0 else np.nan
    bias = float(error.mean() / abs(effect)) if n and effect else np.nan
    return pd.DataFrame(
        [
            single_row("what-if", method, "delta", "pehe", pehe, n=n),
            single_row("what-if", method, "delta", "bias_of_effect", bias, n=n),
        ]
    )
