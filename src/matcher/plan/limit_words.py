"""Limits and what contradicts among them in words, in English and Vietnamese."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.market.taxonomy import read_taxonomy
from matcher.plan.texts import GENDER_NAMES, LIMIT_NAMES, LIMIT_PARTS, TEXTS
from matcher.recommend.wording import PLATFORM_NAMES, format_money, format_number, list_words

if TYPE_CHECKING:
    from matcher.plan.results import Conflict, ConflictPart
    from matcher.recommend.wording import Language

__all__ = ["amount", "describe_conflict", "enough", "limit_name"]

_WHOLE: Final = ("must have ", "at most one of ")
"""Beginnings of limits whose name says all, so that a bound beside it would say it twice."""
_LIST: Final = re.compile(r"\(list (\d+)\)$")


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
        Words; groups by the names that platforms, categories and genders have.
    """
    if name in LIMIT_NAMES:
        return LIMIT_NAMES[name][language]
    told, rest, part = "", name, ""
    while True:
        begin = next((one for one in LIMIT_PARTS if rest.startswith(one)), None)
        if begin is None:
            return told + _member(part, rest, language)
        told, rest, part = told + LIMIT_PARTS[begin][language], rest[len(begin) :], begin


def _member(part: str, name: str, language: Language) -> str:
    if part == "at most one of ":
        return _LIST.sub(lambda found: TEXTS["list"][language].format(n=found[1]), name)
    if part == "platform ":
        return PLATFORM_NAMES.get(name, name)
    if part == "category " and name in read_taxonomy():
        return read_taxonomy()[name].name(language)
    if part == "gender " and name in GENDER_NAMES:
        return GENDER_NAMES[name][language]
    return name


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

    def ways(parts: list[ConflictPart], moved: list[float], last: str) -> str:
        told = [
            _part("way", one, currency, language, moved=by)
            for one, by in zip(parts, moved, strict=True)
        ]
        return list_words(told, language, last=last)  # type: ignore[arg-type]

    parts = [_part("part", one, currency, language) for one in conflict.parts]
    is_one = len(conflict.parts) == 1
    text = TEXTS["conflict_one" if is_one else "conflict"][language].format(
        parts=list_words(parts, language, last="and")
    )
    if not conflict.is_irreducible:
        text = text[:-1] + TEXTS["perhaps"][language] + "."
    alone = [one for one in conflict.parts if np.isfinite(one.give) and one.give > 0]
    if alone:
        told = ways(alone, [one.give for one in alone], "or")
        text += TEXTS["give" if len(alone) > 1 else "give_one"][language].format(ways=told)
    moved = [one for one in (*conflict.parts, *conflict.others) if one.joint_give > 0]
    if moved and not (alone and len(moved) == 1):
        told = ways(moved, [one.joint_give for one in moved], "and")
        text += TEXTS["joint"][language].format(ways=told)
    if (alone or moved) and not conflict.is_least:
        text += TEXTS["hasty"][language]
    return text


def _part(
    key: str, part: ConflictPart, currency: str, language: Language, *, moved: float = 0.0
) -> str:
    """One side of a limit, perhaps moved by as much as is enough."""
    name = limit_name(part.name, language)
    if part.name.startswith(_WHOLE):
        return TEXTS[f"whole_{key}"][language].format(name=name)
    is_least = part.side == "at least"
    moved = enough(moved, part.unit)
    if key == "way" and _is_nothing(part, moved):
        whole = _part("part", part, currency, language)
        return TEXTS["whole_way"][language].format(name=whole)
    return TEXTS[key][language].format(
        name=name,
        side=TEXTS[part.side][language],
        bound=amount(part.bound - moved if is_least else part.bound + moved, part.unit, currency,
                     language),
        sign="-" if is_least else "+",
        give=amount(moved, "points" if part.unit == "share" else part.unit, currency, language),
    )  # fmt: skip


def _is_nothing(part: ConflictPart, moved: float) -> bool:
    """Whether a bound that is moved so far holds nothing any more."""
    if part.side == "at least":
        return part.bound - moved <= 0
    return part.unit == "share" and part.bound + moved >= 1


def enough(moved: float, unit: str) -> float:
    """What a bound has to move by, rounded up to what is shown of it.

    Parameters
    ----------
    moved : float
        In its unit; of a share, 0 to 1.
    unit : {"money", "accounts", "posts", "share"}
        Its unit.

    Returns
    -------
    float
        At least as much: whole money, tenths of a percentage point, and the rest as it is.
    """
    if unit == "money":
        return float(math.ceil(moved - 1e-9))
    if unit == "share":
        return math.ceil(1000.0 * moved - 1e-9) / 1000.0
    return moved


def amount(value: float, unit: str, currency: str, language: Language) -> str:
    """Amount of what a limit counts.

    Parameters
    ----------
    value : float
        Amount; of a share, 0 to 1.
    unit : {"money", "accounts", "posts", "packages", "share", "points"}
        Its unit; points are those of per cent, as a difference of shares.
    currency : str
        Of money.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words.
    """
    if unit == "money":
        return format_money(value, currency, language)
    if unit in ("share", "points"):
        shown = 100.0 * value
        digits = 0 if abs(shown - round(shown)) < 0.05 else 1
        return TEXTS[unit][language].format(n=format_number(shown, language, digits=digits))
    if unit in ("accounts", "packages") and value == 1:
        return TEXTS[unit.removesuffix("s")][language]
    return TEXTS[unit][language].format(n=format_number(float(value), language))
