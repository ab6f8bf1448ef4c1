"""Sentences about plans, in English and Vietnamese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.plan.limit_words import amount
from matcher.plan.texts import MORE_NAMES, REASONS, TEXTS
from matcher.recommend.wording import OUTCOME_NAMES, format_money, format_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from matcher.recommend.wording import Language

__all__ = [
    "count_words",
    "counted_words",
    "describe_haste",
    "describe_kept",
    "describe_outside",
    "describe_plan",
    "describe_source",
    "level_words",
    "objective_name",
    "outcome_name",
]

_SHOWN: Final = 5
"""Accounts that are named."""


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
    return " + ".join(
        f"{_weight(float(weight), language)} × {outcome_name(name, language)}"
        for name, weight in parts
    )


def counted_words(objective: str, language: Language) -> str:
    """What an amount of an objective counts, as it stands behind a number.

    Parameters
    ----------
    objective : str
        Outcome, or weighted outcomes as they are typed.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Name of the outcome; points, with what they are made of, for several.
    """
    name = objective_name(objective, language)
    return TEXTS["mixed"][language].format(parts=name) if "=" in objective else name


def _weight(value: float, language: Language) -> str:
    """Weight with the decimals that it has."""
    digits = next((n for n in range(6) if abs(value - round(value, n)) <= 1e-9 * value), 6)
    return format_number(value, language, digits=digits)


def count_words(value: float, language: Language) -> str:
    """An amount of an outcome, of a plan or of one account.

    Parameters
    ----------
    value : float
        Amount.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Two decimals where it is broken and below 10; a dash where it is not known.
    """
    if np.isnan(value):
        return "–"
    is_small = abs(value) < 10 and abs(value - round(value)) >= 0.005
    return format_number(float(value), language, digits=2 if is_small else 0)


def level_words(quantile: float | None, language: Language) -> str:
    """What stands behind an amount that is counted by a quantile of what accounts bring.

    Parameters
    ----------
    quantile : float or None
        Probability of less.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words that begin with a blank; none where means are counted.
    """
    if quantile is None:
        return ""
    return TEXTS["level"][language].format(share=_exceeded(quantile, language))


def _exceeded(quantile: float, language: Language) -> str:
    """Share of cases in which a quantile is exceeded."""
    share = 100.0 * (1.0 - quantile)
    digits = 0 if abs(share - round(share)) < 0.05 else 1
    return f"{format_number(share, language, digits=digits)} %"


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
        key = "estimates_one" if facts["n_estimated_fees"] == 1 else "estimates"
        text = TEXTS[key][language].format(
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
                once=count_words(held["reach"], language),
                twice=count_words(held["reach_2"], language),
                thrice=count_words(held["reach_3"], language),
                sainsbury=count_words(held["reach_sainsbury"], language),
            )
        )
    if facts["quantile"] is not None:
        text = TEXTS["quantile"][language].format(
            share=_exceeded(facts["quantile"], language),
            worth=count_words(facts["worth"], language),
            outcome=counted_words(facts["objective"], language),
        )
        parts.append(text)
    return (*parts, *_certificate(facts, language), *_more(facts, limits, language))


def _head(facts: Mapping[str, Any], totals: pd.DataFrame, language: Language) -> str:
    row = totals[totals["outcome"] == facts["objective"]].iloc[0]
    key = "head_plain" if np.isnan(row["low"]) else "head"
    return TEXTS[key][language].format(
        n=amount(facts["n_accounts"], "accounts", "", language),
        cost=format_money(facts["cost"], facts["currency"], language),
        budget=format_money(facts["budget"], facts["currency"], language),
        expected=count_words(row["expected"], language),
        outcome=counted_words(facts["objective"], language),
        low=count_words(row["low"], language),
        high=count_words(row["high"], language),
    )


def _share(value: float, language: Language) -> str:
    return format_number(100 * value, language, digits=0 if value >= 0.0995 else 1) + " %"


def _worth(value: float, facts: Mapping[str, Any], language: Language) -> str:
    """Amount in the unit in which plans are compared."""
    return count_words(value, language) + level_words(facts["quantile"], language)


def _certificate(facts: Mapping[str, Any], language: Language) -> list[str]:
    key = "optimal" if facts["gap"] < 0.0005 else "gap"
    told = [
        TEXTS[key][language].format(
            bound=_worth(facts["bound"], facts, language),
            worth=_worth(facts["worth"], facts, language),
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
                greedy=_worth(greedy, facts, language), less=_share(1 - greedy / worth, language)
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
            change=_worth(row["change"], facts, language),
            most=_worth(row["most_change"], facts, language),
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
            text = TEXTS[f"{key}_one" if facts[name] == 1 else key][language]
            told.append(text.format(n=format_number(facts[name], language)))
    if facts["n_dearer_options"]:
        told.append(
            TEXTS["dearer_accounts" if facts["n_dearer_accounts"] else "dearer"][language].format(
                packages=amount(facts["n_dearer_options"], "packages", "", language),
                accounts=amount(facts["n_dearer_accounts"], "accounts", "", language),
            )
        )
    if facts["reach_kind"] is not None:
        population, n = facts["reach_population"], facts["reach_people"]
        held = {
            "known": format_number(facts["reach_known"], language),
            "all": format_number(facts["reach_accounts"], language),
            "population": format_number(population, language),
        }
        told.append(TEXTS[facts["reach_kind"]][language].format(**held))
        if n is not None and facts["reach_home"] is not None:
            held |= {"n": format_number(n, language), "home": facts["reach_home"]}
            each = format_number(population / n, language, digits=0 if population >= 10 * n else 1)
            told.append(TEXTS["sample"][language].format(each=each, **held))
    return tuple(told)


def describe_kept(kept_against: Mapping[str, Sequence[str]], language: Language) -> tuple[str, ...]:
    """Accounts that have to be hired though a hard rule is against them.

    Parameters
    ----------
    kept_against : mapping of str to sequence of str
        Account ids by rule.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    tuple of str
        One sentence per rule; it names five accounts at most.
    """
    return tuple(
        TEXTS["stays"][language].format(
            n=format_number(len(names), language),
            rule=rule,
            reason=REASONS[rule][language],
            names=", ".join(names[:5]) + (" ..." if len(names) > 5 else ""),
        )
        for rule, names in kept_against.items()
    )


def describe_outside(frame: pd.DataFrame, language: Language) -> tuple[str, ...]:
    """Hires that lie beyond what was learnt from.

    Parameters
    ----------
    frame : pandas.DataFrame
        Accounts, as in `matcher.plan.plans.Plan`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    tuple of str
        One sentence that names five accounts at most, by handle, or by id where none is known;
        none where all lie within.
    """
    beyond = frame[frame["outcome_is_outside"]]
    if beyond.empty:
        return ()
    handles = beyond["handle"].where(beyond["handle"].fillna("").str.strip() != "")
    names = handles.fillna(beyond["account_id"]).astype(str).tolist()
    shown = names[:_SHOWN]
    if len(names) > _SHOWN:
        rest = format_number(len(names) - _SHOWN, language)
        shown.append(TEXTS["and_more"][language].format(n=rest))
    text = TEXTS["outside_one" if len(names) == 1 else "outside"][language].format(
        n=format_number(len(names), language),
        all=format_number(len(frame), language),
        names=", ".join(shown),
    )
    return (text,)


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
