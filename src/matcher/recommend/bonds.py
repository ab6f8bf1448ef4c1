"""Exclusivities of recommended people near the flight of a brief, in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import pandas as pd

from matcher.market.taxonomy import read_taxonomy
from matcher.recommend.evidence import excerpt
from matcher.recommend.wording import format_day, format_number
from matcher.retrieval.eligibility import flight_days, last_day_known
from matcher.retrieval.facts import account_facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.market.brief import Brief
    from matcher.recommend.wording import Language

__all__ = ["NEAR_DAYS", "describe_bonds"]

NEAR_DAYS: Final = 30
"""Days before and after the flight in which an exclusivity is worth knowing."""

_WORDS: Final = {
    "en": {
        "both": "to {brand} in {category}",
        "brand": "to {brand}",
        "category": "in {category}",
        "span": "from {first} to {last}",
        "open": "from {first} on, without an end",
        "during": "which touches the flight",
        "before": "which ends {n} day(s) before the flight",
        "after": "which begins {n} day(s) after the flight",
        "joint": "; and ",
    },
    "vi": {
        "both": "với {brand} trong ngành {category}",
        "brand": "với {brand}",
        "category": "trong ngành {category}",
        "span": "từ {first} đến {last}",
        "open": "từ {first}, không ghi ngày kết thúc",
        "during": "trùng với thời gian chạy chiến dịch",
        "before": "kết thúc {n} ngày trước khi chiến dịch bắt đầu",
        "after": "bắt đầu {n} ngày sau khi chiến dịch kết thúc",
        "joint": "; và ",
    },
}


def describe_bonds(
    data: MarketData,
    brief: Brief,
    codes: NDArray[np.int64],
    instant: int,
    *,
    language: Language,
) -> list[str | None]:
    """Exclusivities of each account's person with others than the brief's brand, near the flight.

    The hard rule removes those whose exclusivity touches the flight and bars the brief. What is
    left to warn of touches the flight in another category, holds for an account that the brief must
    have, or ends or begins within 30 days of the flight.

    Parameters
    ----------
    data : MarketData
        Market.
    brief : Brief
        Brief.
    codes : numpy.ndarray of int64, shape (n,)
        Account codes.
    instant : int
        Microseconds since 1970; under ``strict_time`` only exclusivities that began before it
        count.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    list of str or None, length n
        To whom, from when to when, and how that lies to the flight; the earliest ending first.
    """
    facts = account_facts(data)
    bonds = facts.bonds
    persons = facts.index.person_of[codes]
    start, end = flight_days(brief, instant)
    near = bonds["person"].isin(persons) & (bonds["brand_id"] != brief.brand_id)
    near &= (bonds["first_day"] <= end + NEAR_DAYS) & (bonds["last_day"] >= start - NEAR_DAYS)
    if data.market.settings.strict_time:
        near &= bonds["first_day"] <= last_day_known(instant)
    told: dict[int, list[str]] = {}
    words = _WORDS[language]
    for row in bonds[near].sort_values(["last_day", "first_day"], kind="stable").to_dict("records"):
        first, last = int(row["first_day"]), int(row["last_day"])
        relation = words["during"]
        if last < start:
            relation = words["before"].format(n=format_number(float(start - last), language))
        elif first > end:
            relation = words["after"].format(n=format_number(float(first - end), language))
        whom = _whom(data, row["brand_id"], row["category"], instant, language)
        span = f"{whom} {_span(first, last, language)}, {relation}"
        told.setdefault(int(row["person"]), []).append(span)
    joint = words["joint"]
    return [joint.join(told[one]) if one in told else None for one in persons.tolist()]


def _span(first: int, last: int, language: Language) -> str:
    words = _WORDS[language]
    start = format_day(_EPOCH + dt.timedelta(days=first), language)
    if last > _FAR:
        return words["open"].format(first=start)
    return words["span"].format(
        first=start, last=format_day(_EPOCH + dt.timedelta(days=last), language)
    )


_EPOCH: Final = dt.date(1970, 1, 1)
_FAR: Final = 2_900_000
"""Days since 1970, near the year 9910: a later last day stands for none."""


def _whom(
    data: MarketData, brand_id: object, category: object, instant: int, language: Language
) -> str:
    index, words = data.index, _WORDS[language]
    parts = {}
    if isinstance(brand_id, str):
        parts["brand"] = brand_id
        code = int(index.brand_codes(pd.Series([brand_id], dtype="str"))[0])
        if code >= 0 and index.brand_described_at[code] < instant:
            name = index.brands["name"].iloc[code]
            parts["brand"] = excerpt(name) if isinstance(name, str) and name.strip() else brand_id
    if isinstance(category, str):
        taxonomy = read_taxonomy()
        known = category in taxonomy
        parts["category"] = taxonomy[category].name(language) if known else category
    kind = "both" if len(parts) == 2 else next(iter(parts))
    return words[kind].format(**parts)
