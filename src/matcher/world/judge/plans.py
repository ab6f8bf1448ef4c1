"""Plans judged by the true value of what they buy, against the best that could be bought."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.world.judge.figures import campaign_rows
from matcher.world.judge.solve import Solution, solve_additive, solve_greedily
from matcher.world.truth import Intervention

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from matcher.world.judge.bench import Bench

    Guess = Callable[[pd.DataFrame], NDArray[np.float64]]

__all__ = ["judge_plans"]

_LOOKED_AT: Final = 60
"""Accounts of the most value per fee, and of the most value, that the greedy search looks at."""


@dataclass(frozen=True, eq=False)
class _Shop:
    """What could be bought for a campaign, the plan's own accounts first."""

    accounts: NDArray[np.object_]
    values: NDArray[np.float64]
    fees: NDArray[np.float64]
    cost: float
    budget: float
    limit: int
    n_own: int


def judge_plans(
    bench: Bench, given: pd.DataFrame, *, guess: Guess | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Rows of plans.

    The best plan buys, from the longlist and the plan's own accounts, at true expected fees, what
    has the highest true value within the same budget and with no more accounts than the brief asks
    for or the plan has.

    Parameters
    ----------
    bench : Bench
        Truth.
    given : pandas.DataFrame
        ``method, campaign_id, account_id`` and perhaps ``format, n_posts, fee, budget``.
    guess : callable, optional
        What the observables oracle expects of pairs, in any unit: its plan divides the regret into
        what nobody could see, and the rest.

    Returns
    -------
    rows : pandas.DataFrame
        Figures per campaign and over all.
    notes : list of str
        How the best plans were found.
    """
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    reaches = False
    for method, held in given.groupby("method", sort=False):
        found: list[dict[str, float]] = []
        ids, counts = [], []
        for campaign, rows in held.groupby("campaign_id", sort=False):
            reaches |= _union(bench, str(campaign)) is not None
            found.append(_judge(bench, str(campaign), rows.reset_index(drop=True), guess))
            ids.append(str(campaign))
            counts.append(len(rows))
        frame = pd.DataFrame(found)
        figures = {("outcome", str(name)): frame[name].to_numpy(np.float64) for name in frame}
        parts.append(
            campaign_rows(
                "plan",
                str(method),
                ids,
                figures,
                counts=np.array(counts, np.int64),
                apart=_mixed(bench, ids),
            )
        )
    notes.append(
        "best plans of outcomes that add up are exact; `gap` bounds what is left"
        + ("; those of reach, which counts people once, are greedy with swaps" if reaches else "")
    )
    return pd.concat(parts, ignore_index=True), notes


def _mixed(bench: Bench, campaigns: list[str]) -> tuple[str, ...]:
    """Amounts that campaigns count in different units."""
    currencies = bench.campaigns["currency"].reindex(campaigns).drop_duplicates()
    money = ("cost",) if len(currencies) > 1 else ()
    many_outcomes = len(set(bench.outcome_names(campaigns))) > 1
    return (*money, "value", "best_value") if many_outcomes else money


def _judge(
    bench: Bench, campaign: str, rows: pd.DataFrame, guess: Guess | None
) -> dict[str, float]:
    shop = _open_shop(bench, campaign, rows)
    union = _union(bench, campaign)

    def worth(chosen: NDArray[np.int64]) -> float:
        if union is None:
            return float(shop.values[chosen].sum())
        return union(shop.accounts[chosen].tolist(), shop.values[chosen])

    value = worth(np.arange(shop.n_own))
    best = _solve(shop, shop.values, worth, is_additive=union is None)
    figures = {
        "value": value,
        "cost": shop.cost,
        "cost_of_budget": shop.cost / shop.budget if np.isfinite(shop.budget) else np.nan,
        "within_budget": float(shop.cost <= shop.budget * (1 + 1e-9)),
        "best_value": best.value,
        "regret": _regret(value, best.value),
        "gap": best.gap,
    }
    if guess is None:
        return figures
    pairs = pd.DataFrame({"campaign_id": campaign, "account_id": shop.accounts})
    seen = guess(pairs)
    usual = _solve(shop, seen, lambda chosen: float(seen[chosen].sum()), is_additive=True)
    known = worth(usual.chosen) if len(usual.chosen) else 0.0
    # Both parts are shares of the best value, so that they add up to the regret.
    hidden = _regret(known, best.value)
    return figures | {
        "regret_to_observables": _regret(value, known),
        "regret_of_observables": hidden,
        "regret_besides": figures["regret"] - hidden,
    }


def _regret(value: float, best: float) -> float:
    return 1.0 - value / best if best > 0 else np.nan


def _open_shop(bench: Bench, campaign: str, rows: pd.DataFrame) -> _Shop:
    own = rows["account_id"].to_numpy(object)
    listed = bench.longlist
    others = listed.loc[listed["campaign_id"] == campaign, "account_id"].to_numpy(object)
    others = others[~np.isin(others.astype(str), own.astype(str))]
    usual = bench.truth.expected([campaign] * len(others), others.tolist())
    planned = _expect_plan(bench, campaign, rows)
    found = pd.concat([planned, usual], ignore_index=True)
    fees = found["fee"].to_numpy(np.float64, na_value=np.nan)
    paid = fees[: len(own)].copy()
    if "fee" in rows:
        given = rows["fee"].to_numpy(np.float64, na_value=np.nan)
        paid = np.where(np.isnan(given), paid, given)
    asked = bench.number(campaign, "n_creators")
    return _Shop(
        accounts=np.concatenate([own, others]),
        values=_worth(bench, campaign, found),
        fees=np.concatenate([paid, fees[len(own) :]]),
        cost=float(paid.sum()),
        budget=_budget(bench, campaign, rows),
        limit=max(len(own), 0 if np.isnan(asked) else int(asked)),
        n_own=len(own),
    )


def _budget(bench: Bench, campaign: str, rows: pd.DataFrame) -> float:
    if "budget" in rows and rows["budget"].notna().any():
        return float(rows["budget"].dropna().iloc[0])
    known = bench.number(campaign, "budget")
    return np.inf if np.isnan(known) else known


def _worth(bench: Bench, campaign: str, found: pd.DataFrame) -> NDArray[np.float64]:
    """What each account adds; a rate of trust counts by how many people it is of."""
    name = bench.outcome_names([campaign])[0]
    values = found[name].to_numpy(np.float64, na_value=np.nan)
    if name == "trust":
        values = values * found["reach"].to_numpy(np.float64, na_value=np.nan)
    return np.asarray(np.nan_to_num(values, nan=0.0))


def _expect_plan(bench: Bench, campaign: str, rows: pd.DataFrame) -> pd.DataFrame:
    """True expectation of the plan's rows, each with its own posts and format."""
    edits: list[dict[str, Any]] = [{} for _ in range(len(rows))]
    for name, kind in (("n_posts", int), ("format", str)):
        if name in rows:
            for edit, value in zip(edits, rows[name], strict=True):
                if not pd.isna(value):
                    edit[name] = kind(value)
    parts: list[pd.DataFrame | None] = [None] * len(rows)
    distinct = {tuple(sorted(edit.items())) for edit in edits}
    for key in distinct:
        places = [place for place, edit in enumerate(edits) if tuple(sorted(edit.items())) == key]
        accounts = rows["account_id"].iloc[places].tolist()
        change = Intervention.from_dict(dict(key)) if key else Intervention()
        found = bench.truth.expected([campaign] * len(places), accounts, change)
        for number, place in enumerate(places):
            parts[place] = found.iloc[[number]]
    return pd.concat([part for part in parts if part is not None], ignore_index=True)


def _union(bench: Bench, campaign: str) -> Callable[[list[str], NDArray[np.float64]], float] | None:
    """People reached together, where the truth knows who sees whom."""
    if bench.outcome_names([campaign])[0] != "reach":
        return None
    audience: Any = getattr(bench.truth, "audience", None)
    if audience is None:
        return None
    codes = pd.Index(bench.truth.account_ids)

    def together(accounts: list[str], reach: NDArray[np.float64]) -> float:
        seen = reach > 0
        who = codes.get_indexer(pd.Index(accounts))[seen]
        return float(audience.union(who, reach[seen])) if seen.any() else 0.0

    return together


def _solve(
    shop: _Shop,
    values: NDArray[np.float64],
    worth: Callable[[NDArray[np.int64]], float],
    *,
    is_additive: bool,
) -> Solution:
    if is_additive:
        return solve_additive(values, shop.fees, budget=shop.budget, limit=shop.limit)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(shop.fees > 0, values / shop.fees, np.inf)
    looked_at = np.unique(
        np.concatenate([np.argsort(-rate)[:_LOOKED_AT], np.argsort(-values)[:_LOOKED_AT]])
    )
    found = solve_greedily(
        worth, shop.fees, budget=shop.budget, limit=shop.limit, candidates=looked_at
    )
    # People who are counted once are no more than people counted as often as they are reached.
    bound = solve_additive(values, shop.fees, budget=shop.budget, limit=shop.limit)
    gap = bound.value * (1 + bound.gap) / found.value - 1.0 if found.value > 0 else np.nan
    return replace(found, gap=gap)
