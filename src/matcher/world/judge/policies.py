"""Estimates of the value of policies judged by their true value."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.world.judge.figures import single_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.world.judge.bench import Bench

__all__ = ["judge_policies"]


def judge_policies(bench: Bench, given: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    r"""Rows of off-policy estimates.

    The true value of a policy is :math:`\sum p_{ca} \, E[y_{ca}]` over its rows: what it is
    expected to bring in all of its campaigns together.

    Parameters
    ----------
    bench : Bench
        Truth.
    given : pandas.DataFrame
        ``method, policy, value, campaign_id, account_id, probability`` and perhaps ``outcome,
        lower, upper``; `value` and its bounds stand on one row of a policy or on all.

    Returns
    -------
    rows : pandas.DataFrame
        Per policy ``true_value, value, relative_error, covered``; per method their summaries, the
        share of policies put in the right order (``tau``), and ``regret_at_1`` of the policy that
        was estimated best.
    notes : list of str
        What was counted on the way.

    Raises
    ------
    DataError
        If a policy has two values or a probability lies outside 0 to 1.
    """
    wrong = ~given["probability"].between(0, 1)
    if wrong.any():
        raise DataError(
            f"`probability`: {int(wrong.sum())} of {len(given)} lie outside 0 to 1; expected the "
            "chance with which the policy chooses the account"
        )
    rows: list[dict[str, Any]] = []
    notes = _mixed_units(bench, given)
    for method, held in given.groupby("method", sort=False):
        stated = pd.DataFrame(
            [_policy(bench, str(name), part) for name, part in held.groupby("policy", sort=False)]
        )
        for one in stated.to_dict("records"):
            target, n = f"policy {one['policy']}", int(one["n"])
            rows += [
                single_row("off-policy", str(method), target, metric, float(one[metric]), n=n)
                for metric in ("true_value", "value", "relative_error", "covered")
            ]
        rows += _summaries(str(method), stated)
    found = pd.DataFrame(rows)
    return found[found["value"].notna()].reset_index(drop=True), notes


def _names(bench: Bench, part: pd.DataFrame) -> NDArray[np.object_]:
    """Outcome that each row is about."""
    names = bench.outcome_names(part["campaign_id"])
    if "outcome" not in part:
        return names
    return part["outcome"].where(part["outcome"].notna(), names).to_numpy(object)


def _mixed_units(bench: Bench, given: pd.DataFrame) -> list[str]:
    """Note on sums of different outcomes, or of different currencies."""
    names = _names(bench, given)
    units = sorted({str(name) for name in names})
    if units == ["revenue"]:
        currencies = bench.campaigns["currency"].reindex(given["campaign_id"])
        units = sorted({f"revenue in {one}" for one in currencies})
    if len(units) < 2:
        return []
    return [
        f"values add up {', '.join(units)}, which are counted in different units; name one in the "
        "column `outcome`, or judge their campaigns apart"
    ]


def _policy(bench: Bench, name: str, part: pd.DataFrame) -> dict[str, Any]:
    stated = {}
    for column in ("value", "lower", "upper"):
        known = part[column].dropna().unique() if column in part else np.empty(0)
        if len(known) > 1:
            raise DataError(
                f"policy {name!r}: column `{column}` holds {len(known)} numbers; expected one per "
                "policy"
            )
        stated[column] = float(known[0]) if len(known) else np.nan
    if np.isnan(stated["value"]):
        raise DataError(f"policy {name!r}: no `value`; expected the estimate on one of its rows")
    expected = bench.truth.expected(part["campaign_id"].tolist(), part["account_id"].tolist())
    true = float(
        part["probability"].to_numpy(np.float64) @ bench.pick(expected, _names(bench, part))
    )
    held = not np.isnan([stated["lower"], stated["upper"]]).any()
    covered = float(stated["lower"] <= true <= stated["upper"]) if held else np.nan
    return {
        "policy": name,
        "true_value": true,
        "value": stated["value"],
        "relative_error": stated["value"] / true - 1.0 if true else np.nan,
        "covered": covered,
        "n": len(part),
    }


def _summaries(method: str, stated: pd.DataFrame) -> list[dict[str, Any]]:
    n = len(stated)
    error = stated["relative_error"].to_numpy(np.float64)
    told, true = (stated[name].to_numpy(np.float64) for name in ("value", "true_value"))
    signs = [
        np.sign(told[i] - told[j]) * np.sign(true[i] - true[j])
        for i, j in combinations(range(n), 2)
    ]
    best = float(true.max())
    figures = {
        "relative_rmse": float(np.sqrt(np.nanmean(error**2)))
        if np.isfinite(error).any()
        else np.nan,
        "relative_bias": float(np.nanmean(error)) if np.isfinite(error).any() else np.nan,
        "coverage": float(stated["covered"].mean()),
        "tau": float(np.mean(signs)) if signs else np.nan,
        "regret_at_1": 1.0 - float(true[told.argmax()]) / best if n > 1 and best > 0 else np.nan,
    }
    return [
        single_row("off-policy", method, "policies", metric, value, n=n)
        for metric, value in figures.items()
    ]
