"""Constraints as linear limits on options."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.errors import DataError, UsageError
from matcher.features.snapshots import newest_snapshots
from matcher.market.taxonomy import read_taxonomy
from matcher.market.tiers import assign_tier, find_scheme
from matcher.plan.constraints import DIMENSIONS
from matcher.plan.problem import Limit
from matcher.retrieval.facts import account_facts, primary_language

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.market.brief import Brief
    from matcher.plan.constraints import Bounds, Constraints
    from matcher.plan.options import Options

__all__ = [
    "BUDGET",
    "KEPT",
    "NUMBER",
    "build_limits",
    "check_accounts",
    "group_accounts",
    "read_earlier",
]

BUDGET = "budget"
"""Name of the limit on all fees."""
NUMBER = "number"
"""Name of the limit on the number of accounts."""
KEPT = "kept of the earlier plan"
"""Name of the limit on accounts of the earlier plan that are kept."""
_SOMEBODY = "somebody"


def check_accounts(data: MarketData, names: Iterable[str], *, where: str) -> NDArray[np.int64]:
    """Codes of accounts.

    Parameters
    ----------
    data : MarketData
        Market.
    names : iterable of str
        Account ids.
    where : str
        Field that messages name.

    Returns
    -------
    numpy.ndarray of int64
        Account codes.

    Raises
    ------
    DataError
        If the market has no such account, with the nearest one.
    """
    listed = list(names)
    codes = data.index.account_codes(np.array(listed, dtype=object))
    strangers = [one for one, code in zip(listed, codes.tolist(), strict=True) if code < 0]
    if strangers:
        known = data.index.account_ids.tolist()
        near = difflib.get_close_matches(strangers[0], known, n=1)
        hint = f"did you mean {near[0]!r} for the first?" if near else f"known: {known[:5]} ..."
        raise DataError(
            f"{where}: {len(strangers)} account(s) are not in the market: {strangers[:5]}; {hint}"
        )
    return np.asarray(codes, dtype=np.int64)


def group_accounts(
    data: MarketData, codes: NDArray[np.int64], instant: int
) -> dict[str, list[tuple[str, ...]]]:
    """Groups of accounts, by dimension, from what was known strictly before an instant.

    Parameters
    ----------
    data : MarketData
        Market.
    codes : numpy.ndarray of int64, shape (n,)
        Account codes.
    instant : int
        Microseconds since 1970.

    Returns
    -------
    dict of str to list of tuple of str
        For each of `DIMENSIONS` the groups of each account; none where nothing is known.
    """
    index = data.index
    sizes = newest_snapshots(index, codes, np.full(len(codes), instant))
    tiers = assign_tier(sizes["n_followers"], data.market.settings.tier_scheme)
    described = (account_facts(data).described_at < instant)[codes]
    people = index.influencers.iloc[codes]
    taxonomy = read_taxonomy()

    def wider(names: tuple[str, ...]) -> tuple[str, ...]:
        lines = [taxonomy.lineage(one) if one in taxonomy else (one,) for one in names]
        return tuple(dict.fromkeys(one for line in lines for one in line))

    def told(column: str) -> list[tuple[str, ...]]:
        held = people[column].tolist()
        return [_as_tuple(one) if known else () for one, known in zip(held, described, strict=True)]

    return {
        "tier": [(str(one),) for one in tiers],
        "platform": [(str(one),) for one in index.accounts["platform"].iloc[codes]],
        "category": [wider(one) for one in told("categories")],
        "language": [tuple(map(primary_language, one)) for one in told("languages")],
        "country": told("country"),
        "city": told("city"),
        "gender": told("gender"),
    }


def _as_tuple(value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) else ()


def build_limits(
    data: MarketData,
    brief: Brief,
    constraints: Constraints,
    options: Options,
    *,
    budget: float,
    instant: int,
    earlier: tuple[str, ...] = (),
) -> tuple[Limit, ...]:
    """Limits on the options of a brief.

    Parameters
    ----------
    data : MarketData
        Market.
    brief : Brief
        Brief, whose `must_have` holds those of the constraints too.
    constraints : Constraints
        What else is to be kept to.
    options : Options
        What can be bought.
    budget : float
        Greatest sum of fees.
    instant : int
        Microseconds since 1970.
    earlier : tuple of str
        Accounts of the earlier plan.

    Returns
    -------
    tuple of Limit
        Budget, number, must-haves, cliques, groups, changes; where a least share is asked for,
        also that somebody is hired.

    Raises
    ------
    UsageError
        If a group is of no account in the market.
    DataError
        If an account is not in the market, or one that is a must has no package with a fee within
        the budget.
    """
    everything = np.ones(len(options))
    found = [Limit.over(BUDGET, everything, unit="money", high=budget)]
    most = constraints.number.max
    if most is None:
        most = brief.n_creators
        if most is not None and constraints.number.min is not None:
            most = max(most, constraints.number.min)
    low = -np.inf if constraints.number.min is None else constraints.number.min
    if any(one.min_share for name in DIMENSIONS for one in getattr(constraints, name).values()):
        # Whoever asks for a share of the spend wants to spend: all shares of nothing are kept.
        somebody = Limit.over(_SOMEBODY, everything, unit="accounts", low=1)
        found.append(replace(somebody, is_implied=True))
    high = np.inf if most is None else most
    if np.isfinite(low) or np.isfinite(high):
        found.append(Limit.over(NUMBER, everything, unit="accounts", low=low, high=high))
    found += _must_have(data, brief, options, budget)
    for number, names in enumerate(constraints.at_most_one_of, start=1):
        codes = check_accounts(data, names, where=f"at_most_one_of[{number}]")
        taken = np.isin(options.codes, codes)
        found.append(
            Limit.over(f"at most one of {', '.join(names[:3])}{' ...' if names[3:] else ''}"
                       f" (list {number})", taken, unit="accounts", high=1)
        )  # fmt: skip
    found += _groups(data, constraints, options, instant)
    if constraints.earlier is not None:
        found += _changes(data, options, earlier, constraints.earlier.max_changes)
    return tuple(found)


def _must_have(data: MarketData, brief: Brief, options: Options, budget: float) -> list[Limit]:
    codes = check_accounts(data, brief.must_have, where="must_have")
    lost = [
        name
        for name, code in zip(brief.must_have, codes.tolist(), strict=True)
        if not (options.fee[options.codes == code] <= budget).any()
    ]
    if lost:
        raise DataError(
            f"must_have: {len(lost)} account(s) have no package with a fee within the budget, or "
            f"are not in the panel: {lost[:5]}; raise the budget, allow fewer posts, or leave them "
            "out"
        )
    return [
        Limit.over(f"must have {name}", options.codes == code, unit="accounts", low=1)
        for name, code in zip(brief.must_have, codes.tolist(), strict=True)
    ]


def _groups(
    data: MarketData, constraints: Constraints, options: Options, instant: int
) -> list[Limit]:
    asked = {name: getattr(constraints, name) for name in DIMENSIONS}
    asked = {name: held for name, held in asked.items() if held}
    if not asked:
        return []
    everyone = np.arange(len(data.index.account_ids))
    groups = group_accounts(data, everyone, instant)
    found = []
    for dimension, wanted in asked.items():
        members = groups[dimension]
        known = sorted({one for held in members for one in held})
        if dimension == "tier":
            known = [*find_scheme(data.market.settings.tier_scheme).tiers]
        for name, bounds in wanted.items():
            if name not in known and not _is_known_word(dimension, name):
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known[:12])}"
                raise UsageError(f"{dimension}: no account of the market is {name!r}; {hint}")
            of = np.array([name in held for held in members], dtype=np.float64)[options.codes]
            found += _bounded(f"{dimension} {name}", of, bounds)
    return found


def _is_known_word(dimension: str, name: str) -> bool:
    """Words of the contract may be of no account; the plan then says so by its conflict."""
    from matcher.columns import GENDER_BUCKETS, PLATFORMS

    closed = {"platform": PLATFORMS, "gender": GENDER_BUCKETS, "category": read_taxonomy().ids}
    return name in closed.get(dimension, ())


def _bounded(name: str, of: NDArray[np.float64], bounds: Bounds) -> list[Limit]:
    """Limits of one group: on its number, its money, and its share of the money."""

    def span(low: float | None, high: float | None) -> dict[str, float]:
        return {"low": -np.inf if low is None else low, "high": np.inf if high is None else high}

    found = []
    if bounds.min is not None or bounds.max is not None:
        found.append(Limit.over(name, of, unit="accounts", **span(bounds.min, bounds.max)))
    if bounds.min_spend is not None or bounds.max_spend is not None:
        held = span(bounds.min_spend, bounds.max_spend)
        found.append(Limit.over(f"spend on {name}", of, unit="money", **held))
    if bounds.min_share is not None:
        name_of = f"least share of spend on {name}"
        found.append(Limit.of_spend(name_of, of, bounds.min_share, side="at least"))
    if bounds.max_share is not None:
        name_of = f"greatest share of spend on {name}"
        found.append(Limit.of_spend(name_of, of, bounds.max_share, side="at most"))
    return found


def _changes(
    data: MarketData, options: Options, earlier: tuple[str, ...], most: int
) -> list[Limit]:
    codes = data.index.account_codes(np.array(earlier, dtype=object))
    old = np.isin(options.codes, codes[codes >= 0])
    found = [Limit.over("new against the earlier plan", ~old, unit="accounts", high=most)]
    least = len(set(earlier)) - most
    if least > 0:
        found.append(Limit.over(KEPT, old, unit="accounts", low=least))
    return found


def read_earlier(path: str) -> tuple[str, ...]:
    """Accounts of an earlier plan.

    Parameters
    ----------
    path : str
        File of ``matcher plan --out`` ending in ``.parquet`` or ``.json``.

    Returns
    -------
    tuple of str
        Account ids.

    Raises
    ------
    DataError
        If the file cannot be read or names no accounts.
    """
    import json
    from pathlib import Path

    place = Path(path)
    try:
        if place.suffix.lower() == ".parquet":
            frame = pd.read_parquet(place)
        else:
            content = json.loads(place.read_text(encoding="utf-8-sig"))
            frame = pd.DataFrame(content["rows"] if isinstance(content, dict) else content)
        return tuple(str(one) for one in frame["account_id"])
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise DataError(
            f"{place}: holds no earlier plan ({' '.join(str(error).split())[:200]}); expected a "
            ".parquet or .json file of matcher plan --out"
        ) from error
