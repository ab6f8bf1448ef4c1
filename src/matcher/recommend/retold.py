"""Past campaigns and hires retold in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.recommend.evidence import excerpt
from matcher.recommend.wording import (
    OUTCOME_NAMES,
    PLATFORM_NAMES,
    format_day,
    format_money,
    format_number,
    format_value,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from matcher.recommend.wording import Language

__all__ = ["Outcome", "Retold", "retell_campaign", "retell_hire"]

_WORDS: Final = {
    "en": {
        "campaign": "{title}{brand}, decided {day} ({like}): {n} hired, {result}.",
        "brand": " of {brand}",
        "like": "likeness {cosine}",
        "brand_too": "same brand",
        "category_too": "same category",
        "objective_too": "same objective",
        "nothing": "no text to compare",
        "median": "{value} at the median of the {n} outcomes known",
        "single": "{value} for the one whose outcome is known",
        "unknown": "no outcome known yet",
        "hire": "{title}{brand}, decided {day} ({like}){other}: {result}.",
        "other": ", with its account {handle} on {platform}",
        "reached": "{value}",
        "ratio": "{value}, {ratio} times the median of the {n} hires whose outcome is known",
    },
    "vi": {
        "campaign": "{title}{brand}, quyết định ngày {day} ({like}): thuê {n} tài khoản, {result}.",
        "brand": " của {brand}",
        "like": "độ giống {cosine}",
        "brand_too": "cùng nhãn hàng",
        "category_too": "cùng ngành hàng",
        "objective_too": "cùng mục tiêu",
        "nothing": "không có văn bản để so sánh",
        "median": "trung vị {value} trong {n} kết quả đã biết",
        "single": "{value} ở tài khoản duy nhất đã biết kết quả",
        "unknown": "chưa biết kết quả",
        "hire": "{title}{brand}, quyết định ngày {day} ({like}){other}: {result}.",
        "other": ", bằng tài khoản {handle} trên {platform}",
        "reached": "{value}",
        "ratio": "{value}, bằng {ratio} lần trung vị của {n} tài khoản đã biết kết quả",
    },
}


@dataclass(frozen=True)
class Outcome:
    """What a hire brought under its campaign's objective.

    Parameters
    ----------
    name : str
        Key of `matcher.recommend.wording.OUTCOME_NAMES`.
    value : float
        How much.
    """

    name: str
    value: float


@dataclass(frozen=True)
class Retold:
    """What of a past campaign is retold.

    Parameters
    ----------
    campaign_id : str
        The campaign.
    brand_id : str or None
        Its brand.
    title : str or None
        Its title, None where it has none.
    brand : str or None
        Name of its brand as known in time, else the id.
    decided_at : pandas.Timestamp
        When it was decided.
    currency : str or None
        In which its revenue is counted.
    """

    campaign_id: str
    brand_id: str | None
    title: str | None
    brand: str | None
    decided_at: pd.Timestamp
    currency: str | None


def _say_outcome(outcome: Outcome, currency: str | None, language: Language) -> str:
    name = OUTCOME_NAMES[outcome.name][language]
    if outcome.name == "revenue":
        sum_of = (
            format_number(outcome.value, language)
            if currency is None
            else format_money(outcome.value, currency, language)
        )
        return f"{name} {sum_of}" if language == "vi" else f"{sum_of} {name}"
    if outcome.name == "trust_proxy":
        return f"{format_value('rate', outcome.value, language)} {name}"
    digits = 0 if outcome.value == round(outcome.value) or outcome.value >= 100 else 1
    return f"{format_number(outcome.value, language, digits=digits)} {name}"


def _say_ratio(ratio: float, language: Language) -> str:
    digits = 0 if ratio >= 10 or ratio == 0 else 1 if ratio >= 0.1 else 2
    return format_number(ratio, language, digits=digits)


def _say_what(
    told: Retold, similarity: float, same: Sequence[bool], language: Language
) -> dict[str, str]:
    words = _WORDS[language]
    like = [words["nothing"]]
    if np.isfinite(similarity):
        like = [words["like"].format(cosine=format_number(similarity, language, digits=2))]
    too = ("brand_too", "category_too", "objective_too")
    like += [words[name] for name, holds in zip(too, same, strict=True) if holds]
    if same[0]:
        # The same brand has the same category; to say both says nothing more.
        like = [one for one in like if one != words["category_too"]]
    title = told.campaign_id if told.title is None else excerpt(told.title)
    brand = ""
    if told.brand is not None and told.brand.casefold() not in title.casefold():
        brand = words["brand"].format(brand=excerpt(told.brand))
    return {
        "title": title,
        "brand": brand,
        "day": format_day(told.decided_at.date(), language),
        "like": ", ".join(like),
    }


def retell_campaign(
    told: Retold,
    similarity: float,
    same: Sequence[bool],
    n_hired: int,
    n_outcomes: int,
    outcome: Outcome | None,
    language: Language,
) -> str:
    """Sentence about a past campaign.

    Parameters
    ----------
    told : Retold
        The campaign.
    similarity : float
        Cosine of its brief with the one in hand, NaN where there is no text.
    same : sequence of bool
        Whether brand, category and objective are the same.
    n_hired, n_outcomes : int
        Hires known, and how many of their outcomes.
    outcome : Outcome or None
        Median of these; None where none is known.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        One sentence.
    """
    words = _WORDS[language]
    result = words["unknown"]
    if outcome is not None:
        result = words["single" if n_outcomes == 1 else "median"].format(
            value=_say_outcome(outcome, told.currency, language),
            n=format_number(float(n_outcomes), language),
        )
    return words["campaign"].format(
        **_say_what(told, similarity, same, language),
        n=format_number(float(n_hired), language),
        result=result,
    )


def retell_hire(
    told: Retold,
    similarity: float,
    same: Sequence[bool],
    outcome: Outcome | None,
    ratio: float | None,
    n_outcomes: int,
    other: tuple[str, str] | None,
    language: Language,
) -> str:
    """Sentence about a past hire.

    Parameters
    ----------
    told : Retold
        Its campaign.
    similarity : float
        Cosine of the campaign's brief with the one in hand, NaN where there is no text.
    same : sequence of bool
        Whether brand, category and objective are the same.
    outcome : Outcome or None
        What it brought; None where that is not known.
    ratio : float or None
        The same over the median of all hires of the campaign.
    n_outcomes : int
        How many outcomes that median rests on.
    other : tuple of str or None
        Handle and platform where another account of the person was hired.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        One sentence.
    """
    words = _WORDS[language]
    result = words["unknown"]
    if outcome is not None:
        result = words["reached" if ratio is None else "ratio"].format(
            value=_say_outcome(outcome, told.currency, language),
            ratio="" if ratio is None else _say_ratio(ratio, language),
            n=format_number(float(n_outcomes), language),
        )
    elsewhere = ""
    if other is not None:
        platform = PLATFORM_NAMES.get(other[1], other[1])
        elsewhere = words["other"].format(handle=excerpt(other[0]), platform=platform)
    return words["hire"].format(
        **_say_what(told, similarity, same, language), other=elsewhere, result=result
    )
