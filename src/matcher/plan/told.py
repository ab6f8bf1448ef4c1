"""What is told of a solved plan: its rows, totals with joint ranges, limits and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.plan.limits import group_accounts
from matcher.plan.options import option_values
from matcher.plan.plans import COLUMNS, Plan
from matcher.plan.totals import LEVELS, expected_outcome, joint_draws, tell_totals
from matcher.plan.words import describe_haste, describe_outside, describe_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.plan.prepare import Prepared
    from matcher.plan.results import Frontier, Prices, Solution
    from matcher.plan.wider import Wider
    from matcher.ranking.outcomes.distribution import Distributions
    from matcher.recommend.wording import Language

__all__ = ["tell_plan"]

_NOTHING: Final = 1e-12


def tell_plan(
    ready: Prepared,
    solution: Solution,
    prices: Prices,
    traced: Frontier | None,
    *,
    wider: Wider | None = None,
    audit: Mapping[str, str | None],
    language: Language,
) -> Plan:
    """Plan of a solution.

    Parameters
    ----------
    ready : Prepared
        What was solved, and what it was made of.
    solution : Solution
        Choice and certificate.
    prices : Prices
        Of its options and limits.
    traced : Frontier or None
        Plans within other budgets.
    wider : Wider or None
        What those may buy besides.
    audit : mapping of str to str or None
        Where all of it comes from.
    language : {"en", "vi"}
        Language of sentences.

    Returns
    -------
    Plan
        Accounts by marginal contribution, the largest first.
    """
    chosen = solution.chosen
    by_option = {int(one.option): one for one in prices.options}
    marginal = np.array([by_option[int(one)].marginal for one in chosen], dtype=np.float64)
    order = np.lexsort((ready.options.codes[chosen], -marginal))
    chosen = chosen[order]
    found = {name: held.select(chosen) for name, held in ready.predicted.items()}
    wish = ready.objective
    draws = joint_draws(found, wish.weights)
    frame = _rows(ready, chosen, found, draws, [by_option[int(one)] for one in chosen], audit)
    totals = tell_totals(ready, chosen, found, draws, worth=solution.objective)
    facts = _facts(ready, solution, chosen)
    frontier = _frontier(traced)
    facts["least_budget"] = None if traced is None else traced.least_budget
    others = None if traced is None else wider
    facts["n_dearer_options"] = 0 if others is None else others.n_packages
    facts["n_dearer_accounts"] = 0 if others is None else others.n_accounts
    notes = (
        *ready.notes,
        *describe_outside(frame, language),
        *describe_source(facts, language),
        *describe_haste(frontier, language),
    )
    limits = _limits(ready, chosen, prices)
    return Plan(frame, facts, totals, limits, frontier, notes, dict(audit), language)


def _frontier(traced: Frontier | None) -> pd.DataFrame:
    """Plans within other budgets; `same_as` is the least budget with the same plan, if smaller."""
    rows: list[dict[str, Any]] = []
    first = np.nan
    before: Solution | None = None
    for point in () if traced is None else traced.points:
        row: dict[str, Any] = {"budget": point.budget, "status": point.status}
        best = point.solution
        if best is not None:
            is_same = before is not None and np.array_equal(best.chosen, before.chosen)
            first = first if is_same else point.budget
            row |= {
                "worth": best.objective,
                "bound": best.bound if np.isfinite(best.bound) else np.nan,
                "cost": best.cost,
                "n_accounts": len(best.chosen),
                "same_as": first if is_same else np.nan,
            }
            before = best
        rows.append(row)
    names = ["budget", "worth", "bound", "cost", "n_accounts", "same_as"]
    kinds = {**dict.fromkeys(names, "float64"), "status": "str"}
    return pd.DataFrame(rows, columns=[*names, "status"]).astype(kinds)


def _rows(
    ready: Prepared,
    chosen: NDArray[np.int64],
    found: Mapping[str, Distributions],
    draws: Mapping[str, NDArray[np.float64]],
    priced: list[Any],
    audit: Mapping[str, str | None],
) -> pd.DataFrame:
    options, request = ready.options, ready.request
    index = ready.data.index
    codes, rows = options.codes[chosen], options.rows[chosen]
    accounts, people = index.accounts.iloc[codes], index.influencers.iloc[codes]
    instant = ready.scored.candidates.instant
    n = len(chosen)
    swaps = np.array([one.swap for one in priced], dtype=np.int64)
    known = {
        "campaign_id": [request.brief.brief_id] * n,
        "account_id": accounts["account_id"].to_numpy(object),
        "influencer_id": accounts["influencer_id"].to_numpy(object),
        "display_name": people["display_name"].to_numpy(object),
        "handle": accounts["handle"].to_numpy(object),
        "platform": accounts["platform"].to_numpy(object),
        "url": accounts["url"].to_numpy(object),
        "tier": [one[0] for one in group_accounts(ready.data, codes, instant)["tier"]],
        "format": [options.formats[one] or None for one in chosen],
        "n_posts": options.n_posts[chosen],
        "fee": options.fee[chosen],
        "fee_currency": [request.currency] * n,
        "fee_is_estimate": options.is_estimate[chosen],
        "fee_low": options.low[chosen],
        "fee_high": options.high[chosen],
        "fee_note": [options.notes[one] for one in chosen],
        "budget": [request.budget] * n,
        "method": ["matcher plan"] * n,
        **_outcome(ready, found, draws, n),
        "marginal": [one.marginal for one in priced],
        "drop_out_fee": [one.drop_out_fee for one in priced],
        "drop_out_how": [
            "no fee" if np.isinf(one.drop_out_fee) else one.drop_out_how for one in priced
        ],
        **_swaps(ready, swaps, priced),
        "is_must_have": np.isin(accounts["account_id"].to_numpy(str), request.brief.must_have),
        "fit_percentile": ready.scored.percentiles("hire")[rows],
        **{name: [audit[name]] * n for name in _AUDITED},
    }
    frame = pd.DataFrame({name: pd.Series(known[name], dtype=COLUMNS[name]) for name in COLUMNS})
    # Another package of an account that has to be hired may be better; its account stays.
    frame.loc[frame["is_must_have"], "drop_out_how"] = "no fee"
    frame.loc[frame["drop_out_how"] == "no fee", "drop_out_fee"] = np.nan
    return frame


_AUDITED: Final = (
    "model_id", "model_version", "data_hash", "config_hash", "as_of", "assumed_timeless"
)  # fmt: skip


def _outcome(
    ready: Prepared,
    found: Mapping[str, Distributions],
    draws: Mapping[str, NDArray[np.float64]],
    n: int,
) -> dict[str, Any]:
    """What each account brings of the objective: its mean, what it counts, the range of 8 in 10."""
    weights, single = ready.objective.weights, ready.objective.main
    expected = np.sum([w * expected_outcome(found, name) for name, w in weights.items()], axis=0)
    values = option_values(ready.objective, found, ready.quantile)
    counted = np.sum([w * values[name] for name, w in weights.items()], axis=0)
    if single is not None and single in found:
        ends = {name: found[single].quantile(level) for name, level in LEVELS.items()}
    else:
        mixed = np.sum([w * draws[name] for name, w in weights.items()], axis=0)
        ends = {name: np.quantile(mixed, level, axis=0) for name, level in LEVELS.items()}
    outside = np.zeros(n, dtype=bool)
    for held in found.values():
        outside |= held.outside
    return {
        "outcome_name": [ready.objective.name] * n,
        "outcome_expected": expected,
        "outcome_counted": counted,
        **{f"outcome_{name}": values for name, values in ends.items()},
        "outcome_is_outside": outside,
    }


def _swaps(ready: Prepared, swaps: NDArray[np.int64], priced: list[Any]) -> dict[str, Any]:
    """The option that would replace each best; missing where none can."""
    options, accounts = ready.options, ready.data.index.accounts
    there = swaps >= 0
    codes = options.codes[np.maximum(swaps, 0)]

    def held(values: Any) -> list[Any]:
        return [value if is_there else None for value, is_there in zip(values, there, strict=True)]

    return {
        "swap_account_id": held(accounts["account_id"].iloc[codes]),
        "swap_handle": held(accounts["handle"].iloc[codes]),
        "swap_format": held(options.formats[max(int(one), 0)] or None for one in swaps),
        "swap_n_posts": np.where(there, options.n_posts[np.maximum(swaps, 0)], np.nan),
        "swap_fee": np.where(there, options.fee[np.maximum(swaps, 0)], np.nan),
        "swap_change": [one.swap_change for one in priced],
    }


def _limits(ready: Prepared, chosen: NDArray[np.int64], prices: Prices) -> pd.DataFrame:
    """Every limit, what the plan comes to in it, and what a little more would bring."""
    problem = ready.problem
    totals = problem.stated_totals(chosen)
    # What rounding leaves of a share is none.
    totals = np.where(np.abs(totals) < _NOTHING, 0.0, totals)
    priced = {(one.name, str(one.side)): one for one in prices.limits}
    rows = []
    for limit, total in zip(problem.limits, totals, strict=True):
        for side, bound in (("at least", limit.stated_low), ("at most", limit.stated_high)):
            if not np.isfinite(bound) or limit.is_implied:
                continue
            left = float(total) - bound if side == "at least" else bound - float(total)
            held = priced.get((limit.name, side))
            rows.append(
                {
                    "name": limit.name,
                    "side": side,
                    "unit": limit.unit,
                    "bound": bound,
                    "total": float(total),
                    "slack": left,
                    "lp_price": np.nan if held is None else held.lp_price,
                    "step": np.nan if held is None else held.step,
                    "change": np.nan if held is None else held.change,
                    "price": np.nan if held is None else held.price,
                    "most_change": np.nan if held is None else held.bound_change,
                }
            )
    return pd.DataFrame(
        rows,
        columns=["name", "side", "unit", "bound", "total", "slack", "lp_price", "step", "change",
                 "price", "most_change"],
    )  # fmt: skip


def _facts(ready: Prepared, solution: Solution, chosen: NDArray[np.int64]) -> dict[str, Any]:
    options, request, source = ready.options, ready.request, ready.source
    fee = options.fee[chosen]
    low = np.where(np.isnan(options.low[chosen]), fee, options.low[chosen])
    high = np.where(np.isnan(options.high[chosen]), fee, options.high[chosen])
    wish = ready.objective
    return {
        "brief_id": request.brief.brief_id,
        "objective": wish.name,
        "quantile": ready.quantile,
        "counted_by": "mean" if ready.quantile is None else f"quantile {ready.quantile:g}",
        "currency": request.currency,
        "budget": request.budget,
        "cost": float(fee.sum()),
        "cost_low": float(low.sum()),
        "cost_high": float(high.sum()),
        "fee_level": request.constraints.fee_level,
        "n_estimated_fees": int(options.is_estimate[chosen].sum()),
        "budget_left": request.budget - float(fee.sum()),
        "n_accounts": len(chosen),
        "n_candidates": len(ready.scored.candidates),
        "n_eligible": int(ready.scored.candidates.n_eligible),
        "n_options": len(options),
        "n_without_fee": options.n_without_fee,
        "n_too_dear": options.n_too_dear,
        "worth": solution.objective,
        "bound": solution.bound,
        "gap": solution.gap,
        "how": solution.how,
        "greedy": None if np.isnan(solution.greedy) else solution.greedy,
        "seconds_feasible": solution.seconds_feasible,
        "seconds": solution.seconds,
        "reach_kind": None if source is None else source.kind,
        "reach_population": None if source is None else source.population,
        "reach_known": None if source is None else source.n_known,
        "reach_accounts": None if source is None else source.n_accounts,
        "reach_home": None if source is None else source.home or None,
        "reach_people": ready.n_people,
    }
