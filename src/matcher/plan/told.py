"""What is told of a solved plan: its rows, totals with joint ranges, limits and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.plan.limits import group_accounts
from matcher.plan.objective import TRUST
from matcher.plan.plans import COLUMNS, Plan
from matcher.plan.words import describe_haste, describe_source
from matcher.ranking.outcomes.distribution import scale_draws

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.plan.prepare import Prepared
    from matcher.plan.results import Frontier, Prices, Solution
    from matcher.plan.sources import ReachSource
    from matcher.plan.wider import Wider
    from matcher.ranking.outcomes.distribution import Distributions
    from matcher.recommend.wording import Language

__all__ = ["LEVELS", "tell_plan", "tell_totals"]

LEVELS: Final = {"low": 0.1, "median": 0.5, "high": 0.9}
"""Levels of the quantiles that are told."""
_N_DRAWS: Final = 1_000
_N_UNIONS: Final = 200
"""Joint draws in which people are counted once."""


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
    found, draws = _expect(ready, chosen)
    frame = _rows(ready, chosen, found, draws, [by_option[int(one)] for one in chosen], audit)
    totals = _totals(ready, chosen, found, _scaled(found, draws))
    facts = _facts(ready, solution, chosen)
    frontier = _frontier(traced, solution, ready.request.budget)
    facts["least_budget"] = None if traced is None else traced.least_budget
    facts["n_dearer_options"] = 0 if wider is None else wider.n_packages
    facts["n_dearer_accounts"] = 0 if wider is None else wider.n_accounts
    notes = (*ready.notes, *describe_source(facts, language), *describe_haste(frontier, language))
    limits = _limits(ready, chosen, prices)
    return Plan(frame, facts, totals, limits, frontier, notes, dict(audit), language)


def tell_totals(ready: Prepared, chosen: NDArray[np.int64]) -> pd.DataFrame:
    """What a choice of options brings together.

    Parameters
    ----------
    ready : Prepared
        What the choice is made from.
    chosen : numpy.ndarray of int, shape (k,)
        Options.

    Returns
    -------
    pandas.DataFrame
        By ``outcome`` what is ``expected``, and the quantiles of `LEVELS` of joint draws; people
        reached are counted once, and ``reach_sum`` counts them as often as they are reached.
    """
    found, draws = _expect(ready, chosen)
    return _totals(ready, chosen, found, _scaled(found, draws))


def _expect(
    ready: Prepared, chosen: NDArray[np.int64]
) -> tuple[dict[str, Distributions], dict[str, NDArray[np.float64]]]:
    found = {name: held.select(chosen) for name, held in ready.predicted.items()}
    return found, _draws(found, ready.objective.weights)


def _frontier(traced: Frontier | None, solution: Solution, budget: float) -> pd.DataFrame:
    """Plans within other budgets; from the plan's own on, none is worth less than the plan."""
    rows = []
    for point in () if traced is None else traced.points:
        best = point.solution
        if point.budget >= budget and (best is None or best.objective < solution.objective):
            best = solution
        row: dict[str, Any] = {"budget": point.budget, "status": point.status}
        if best is not None:
            if point.solution is None:
                row["status"] = "carried"
            row |= {"worth": best.objective, "cost": best.cost, "n_accounts": len(best.chosen)}
            bounds = [one.bound for one in (point.solution,) if one is not None]
            # What is proven of the plan holds within its own budget and smaller ones.
            bounds += [solution.bound] if point.budget <= budget else []
            bounds = [one for one in bounds if np.isfinite(one)]
            row["bound"] = max(best.objective, min(bounds)) if bounds else np.nan
        rows.append(row)
    names = ["budget", "worth", "bound", "cost", "n_accounts"]
    kinds = {**dict.fromkeys(names, "float64"), "status": "str"}
    return pd.DataFrame(rows, columns=[*names, "status"]).astype(kinds)


def _draws(
    found: Mapping[str, Distributions], weights: Mapping[str, float]
) -> dict[str, NDArray[np.float64]]:
    """Joint draws of every outcome, shape (n_draws, n); accounts share part of their luck."""
    drawn = {name: held.draws(n_draws=_N_DRAWS) for name, held in found.items()}
    if TRUST in weights:
        drawn[TRUST] = drawn["trust_proxy"] * drawn["reach"]
    return drawn


def _scaled(
    found: Mapping[str, Distributions], draws: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Draws that bring the mean of each account on average, so that totals agree with them."""
    rates = {name for name, held in found.items() if held.kind == "rate"}
    return {
        name: scale_draws(drawn, _expected(found, name), is_whole=name not in rates)
        for name, drawn in draws.items()
    }


def _expected(found: Mapping[str, Distributions], name: str) -> NDArray[np.float64]:
    if name == TRUST:
        return np.asarray(found["trust_proxy"].mean() * found["reach"].mean())
    return found[name].mean()


def _rows(
    ready: Prepared,
    chosen: NDArray[np.int64],
    found: Mapping[str, Distributions],
    draws: Mapping[str, NDArray[np.float64]],
    priced: list[Any],
    audit: Mapping[str, str | None],
) -> pd.DataFrame:
    options, request, wish = ready.options, ready.request, ready.objective
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
        **_outcome(found, draws, wish.weights, n),
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
    frame["drop_out_fee"] = frame["drop_out_fee"].replace(np.inf, np.nan)
    return frame


_AUDITED: Final = (
    "model_id", "model_version", "data_hash", "config_hash", "as_of", "assumed_timeless"
)  # fmt: skip


def _outcome(
    found: Mapping[str, Distributions],
    draws: Mapping[str, NDArray[np.float64]],
    weights: Mapping[str, float],
    n: int,
) -> dict[str, Any]:
    """What each account brings of the objective: its mean, and the range of 8 in 10."""
    expected = np.sum([w * _expected(found, name) for name, w in weights.items()], axis=0)
    single = next(iter(weights)) if len(weights) == 1 else None
    if single is not None and single in found:
        ends = {name: found[single].quantile(level) for name, level in LEVELS.items()}
    else:
        mixed = np.sum([w * draws[name] for name, w in weights.items()], axis=0)
        ends = {name: np.quantile(mixed, level, axis=0) for name, level in LEVELS.items()}
    outside = np.zeros(n, dtype=bool)
    for held in found.values():
        outside |= held.outside
    return {
        "outcome_name": [single or mix_name(weights)] * n,
        "outcome_expected": expected,
        **{f"outcome_{name}": values for name, values in ends.items()},
        "outcome_is_outside": outside,
    }


def mix_name(weights: Mapping[str, float]) -> str:
    """Name of a mixed objective, as it is typed.

    Parameters
    ----------
    weights : mapping of str to float
        Weight of each outcome.

    Returns
    -------
    str
        Such as ``reach=1,engagements=20``.
    """
    return ",".join(f"{name}={weight:g}" for name, weight in weights.items())


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


def _totals(
    ready: Prepared,
    chosen: NDArray[np.int64],
    found: Mapping[str, Distributions],
    draws: Mapping[str, NDArray[np.float64]],
) -> pd.DataFrame:
    """Sums over the plan with joint ranges; people once, twice and three times."""
    rows = []
    rates = [name for name, held in found.items() if held.kind == "rate"]
    for name, drawn in draws.items():
        if name in rates or name == "reach":
            continue
        rows.append(_total(name, float(_expected(found, name).sum()), drawn.sum(axis=1)))
    unions = np.zeros(0)
    if ready.source is not None:
        place = ready.options.rows[chosen]
        unions = np.zeros(_N_UNIONS)
        if len(chosen):
            unions = ready.source.unions(place, draws["reach"][:_N_UNIONS])
        rows += _reached(ready.source, place, found["reach"].mean(), draws["reach"], unions)
    if ready.objective.main is None:
        rows.append(_mixed(ready.objective.weights, rows, draws, unions))
    wish = ready.objective
    frame = pd.DataFrame(rows, columns=["outcome", "expected", *LEVELS])
    first = {name: place for place, name in enumerate([mix_name(wish.weights), *wish.weights])}
    order = frame["outcome"].map(lambda name: first.get(name, len(first)))
    return frame.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)


def _total(name: str, expected: float, drawn: NDArray[np.float64]) -> dict[str, Any]:
    ends = {part: float(np.quantile(drawn, level)) for part, level in LEVELS.items()}
    return {"outcome": name, "expected": expected, **ends}


def _reached(
    source: ReachSource,
    rows: NDArray[np.int64],
    mean: NDArray[np.float64],
    drawn: NDArray[np.float64],
    unions: NDArray[np.float64],
) -> list[dict[str, Any]]:
    counted = source.count(rows, mean)
    at_least = counted.at_least
    return [
        _total("reach", at_least[0], unions),
        {"outcome": "reach_2", "expected": at_least[1]},
        {"outcome": "reach_3", "expected": at_least[2]},
        _total("reach_sum", counted.counted_twice, drawn.sum(axis=1)),
        {"outcome": "reach_sainsbury", "expected": counted.sainsbury},
    ]


def _mixed(
    weights: Mapping[str, float],
    rows: list[dict[str, Any]],
    draws: Mapping[str, NDArray[np.float64]],
    unions: NDArray[np.float64],
) -> dict[str, Any]:
    """Total of a mixed objective, in draws that all its outcomes share."""
    expected = {row["outcome"]: row["expected"] for row in rows}
    n = len(unions) if "reach" in weights else _N_DRAWS
    drawn = np.zeros(n)
    for name, weight in weights.items():
        drawn += weight * (unions if name == "reach" else draws[name][:n].sum(axis=1))
    total = float(sum(weight * expected[name] for name, weight in weights.items()))
    return _total(mix_name(weights), total, drawn)


def _limits(ready: Prepared, chosen: NDArray[np.int64], prices: Prices) -> pd.DataFrame:
    """Every limit, what the plan comes to in it, and what a little more would bring."""
    problem = ready.problem
    totals = problem.stated_totals(chosen)
    priced = {(one.name, str(one.side)): one for one in prices.limits}
    rows = []
    for limit, total in zip(problem.limits, totals, strict=True):
        for side, bound in (("at least", limit.stated_low), ("at most", limit.stated_high)):
            if not np.isfinite(bound):
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
        "objective": wish.main or mix_name(wish.weights),
        "quantile": ready.quantile,
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
    }
