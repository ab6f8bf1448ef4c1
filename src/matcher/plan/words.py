"""Sentences about plans, in English and Vietnamese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from matcher.plan.texts import LIMIT_NAMES, LIMIT_PARTS, MORE_NAMES, TEXTS
from matcher.recommend.wording import OUTCOME_NAMES, format_money, format_number, list_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from matcher.plan.results import Conflict, ConflictPart
    from matcher.recommend.wording import Language

__all__ = [
    "describe_conflict",
    "describe_haste",
    "describe_plan",
    "describe_source",
    "limit_name",
    "objective_name",
    "outcome_name",
]


def outcome_name(name: str, language: Language) -> str:
    """Name of an outcome or of a total.

    Parameters
    ----------
    name : str
        Outcome, as in `matcher.plan.plans.Plan.totals`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words as they stand behind a number; the name itself where none are known.
    """
    held = MORE_NAMES.get(name) or OUTCOME_NAMES.get(name)
    return name if held is None else held[language]


def objective_name(objective: str, language: Language) -> str:
    """Name of an objective.

    Parameters
    ----------
    objective : str
        Outcome, or weighted outcomes as they are typed.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words.
    """
    if "=" not in objective:
        return outcome_name(objective, language)
    parts = [part.split("=") for part in objective.split(",")]
    return " + ".join(f"{weight} × {outcome_name(name, language)}" for name, weight in parts)


def limit_name(name: str, language: Language) -> str:
    """Name of a limit.

    Parameters
    ----------
    name : str
        As in `matcher.plan.problem.Limit`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words.
    """
    if name in LIMIT_NAMES:
        return LIMIT_NAMES[name][language]
    told, rest = "", name
    while True:
        begin = next((one for one in LIMIT_PARTS if rest.startswith(one)), None)
        if begin is None:
            return told + rest
        told, rest = told + LIMIT_PARTS[begin][language], rest[len(begin) :]


def describe_plan(
    facts: Mapping[str, Any], totals: pd.DataFrame, limits: pd.DataFrame, language: Language
) -> tuple[str, ...]:
    """What a plan comes to.

    Parameters
    ----------
    facts : mapping of str to Any
        As in `matcher.plan.plans.Plan`, and so are the others.
    totals, limits : pandas.DataFrame
        Tables.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    tuple of str
        Sentences: what is hired and expected, what is left, people reached, the certificate, the
        greedy choice beside, what more money would bring.
    """
    if not facts["n_accounts"]:
        return (TEXTS["nobody"][language], *_certificate(facts, language))
    currency = facts["currency"]

    def money(value: float) -> str:
        return format_money(value, currency, language)

    parts = [_head(facts, totals, language)]
    if facts["budget_left"] > 0:
        parts.append(TEXTS["left"][language].format(left=money(facts["budget_left"])))
    if facts["n_estimated_fees"]:
        text = TEXTS["estimates"][language].format(
            n=facts["n_estimated_fees"],
            share=_share(facts["fee_level"], language),
            low=money(facts["cost_low"]),
            high=money(facts["cost_high"]),
        )
        parts.append(text)
    held = totals.set_index("outcome")["expected"]
    if "reach" in held.index:
        parts.append(
            TEXTS["reached"][language].format(
                once=_count(held["reach"], language),
                twice=_count(held["reach_2"], language),
                thrice=_count(held["reach_3"], language),
                sainsbury=_count(held["reach_sainsbury"], language),
            )
        )
    if facts["quantile"] is not None:
        share = format_number(100 * (1 - facts["quantile"]), language) + " %"
        parts.append(TEXTS["quantile"][language].format(share=share))
    return (*parts, *_certificate(facts, language), *_more(facts, limits, language))


def _head(facts: Mapping[str, Any], totals: pd.DataFrame, language: Language) -> str:
    row = totals[totals["outcome"] == facts["objective"]].iloc[0]
    key = "head_plain" if np.isnan(row["low"]) else "head"
    return TEXTS[key][language].format(
        n=_amount(facts["n_accounts"], "accounts", "", language),
        cost=format_money(facts["cost"], facts["currency"], language),
        budget=format_money(facts["budget"], facts["currency"], language),
        expected=_count(row["expected"], language),
        outcome=objective_name(facts["objective"], language),
        low=_count(row["low"], language),
        high=_count(row["high"], language),
    )


def _count(value: float, language: Language) -> str:
    digits = 0 if abs(value) >= 10 or value == 0 else 2
    return "–" if np.isnan(value) else format_number(float(value), language, digits=digits)


def _share(value: float, language: Language) -> str:
    return format_number(100 * value, language, digits=0 if value >= 0.0995 else 1) + " %"


def _certificate(facts: Mapping[str, Any], language: Language) -> list[str]:
    key = "optimal" if facts["gap"] < 0.0005 else "gap"
    told = [
        TEXTS[key][language].format(
            bound=_count(facts["bound"], language),
            worth=_count(facts["worth"], language),
            gap=_share(facts["gap"], language),
        )
    ]
    greedy, worth = facts["greedy"], facts["worth"]
    if greedy is None:
        told.append(TEXTS["greedy_none"][language])
    elif worth > 0 and greedy >= 0.9995 * worth:
        told.append(TEXTS["greedy_same"][language])
    elif worth > 0:
        told.append(
            TEXTS["greedy"][language].format(
                greedy=_count(greedy, language), less=_share(1 - greedy / worth, language)
            )
        )
    return told


def _more(facts: Mapping[str, Any], limits: pd.DataFrame, language: Language) -> list[str]:
    priced = limits[(limits["name"] == "budget") & limits["change"].notna()]
    if priced.empty:
        return []
    row = priced.iloc[0]
    return [
        TEXTS["more_budget"][language].format(
            step=format_money(row["step"], facts["currency"], language),
            change=_count(row["change"], language),
            most=_count(row["most_change"], language),
        )
    ]


def describe_source(facts: Mapping[str, Any], language: Language) -> tuple[str, ...]:
    """What overlap rests on, and whom the plan did not consider.

    Parameters
    ----------
    facts : mapping of str to Any
        As in `matcher.plan.plans.Plan`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    tuple of str
        Sentences.
    """
    told = []
    for name, key in (("n_without_fee", "no_fee"), ("n_too_dear", "too_dear")):
        if facts[name]:
            told.append(TEXTS[key][language].format(n=format_number(facts[name], language)))
    if facts["n_dearer_options"]:
        told.append(
            TEXTS["dearer"][language].format(
                packages=format_number(facts["n_dearer_options"], language),
                accounts=format_number(facts["n_dearer_accounts"], language),
            )
        )
    if facts["reach_kind"] is not None:
        told.append(
            TEXTS[facts["reach_kind"]][language].format(
                known=format_number(facts["reach_known"], language),
                all=format_number(facts["reach_accounts"], language),
            )
        )
    return tuple(told)


def describe_haste(frontier: pd.DataFrame, language: Language) -> tuple[str, ...]:
    """For how many other budgets no time was left.

    Parameters
    ----------
    frontier : pandas.DataFrame
        As in `matcher.plan.plans.Plan`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    tuple of str
        One sentence; none where all were looked at.
    """
    n = int(frontier["status"].isin(["carried", "unknown"]).sum())
    return (TEXTS["haste"][language].format(n=n, all=len(frontier)),) if n else ()


def describe_conflict(conflict: Conflict, currency: str, language: Language) -> str:
    """Which limits contradict each other, and by how much each would have to give way.

    Parameters
    ----------
    conflict : Conflict
        What the solver found.
    currency : str
        Of all money.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Sentences, the first beginning in lower case.
    """

    def said(part: ConflictPart, moved: float = 0.0) -> dict[str, str]:
        sign = -1.0 if part.side == "at least" else 1.0
        return {
            "name": limit_name(part.name, language),
            "side": TEXTS[part.side][language],
            "bound": _amount(part.bound + sign * moved, part.unit, currency, language),
            "sign": "-" if sign < 0 else "+",
            "give": _amount(moved, part.unit, currency, language),
        }

    parts = [_part("part", said(one), one, language) for one in conflict.parts]
    is_one = len(conflict.parts) == 1
    text = TEXTS["conflict_one" if is_one else "conflict"][language].format(
        parts=list_words(parts, language, last="and")
    )
    if not conflict.is_irreducible:
        text = text[:-1] + TEXTS["perhaps"][language] + "."
    alone = [one for one in conflict.parts if np.isfinite(one.give) and one.give > 0]
    if alone:
        ways = [_part("way", said(one, one.give), one, language) for one in alone]
        text += TEXTS["give" if len(alone) > 1 else "give_one"][language].format(
            ways=list_words(ways, language, last="or")
        )
    moved = [one for one in (*conflict.parts, *conflict.others) if one.joint_give > 0]
    if moved and not (alone and len(moved) == 1):
        ways = [_part("way", said(one, one.joint_give), one, language) for one in moved]
        text += TEXTS["joint"][language].format(ways=list_words(ways, language, last="and"))
    return text


def _part(key: str, words: Mapping[str, str], part: ConflictPart, language: Language) -> str:
    """One side of a limit; a share of the money has no bound of its own to name."""
    is_share = "share of spend" in part.name
    return TEXTS[f"share_{key}" if is_share else key][language].format(**words)


def _amount(value: float, unit: str, currency: str, language: Language) -> str:
    if unit == "money":
        return format_money(float(np.ceil(value)), currency, language)
    if unit == "accounts" and value == 1:
        return TEXTS["account"][language]
    return TEXTS[unit][language].format(n=format_number(float(value), language))
