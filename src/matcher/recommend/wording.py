"""Numbers and names of features in plain English or Vietnamese."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "FORMAT_NAMES",
    "GROUP_NAMES",
    "LANGUAGES",
    "OUTCOME_NAMES",
    "PLATFORM_NAMES",
    "Label",
    "Language",
    "feature_label",
    "format_day",
    "format_money",
    "format_number",
    "format_value",
    "list_words",
    "money_digits",
]

Language = Literal["en", "vi"]
LANGUAGES: Final = ("en", "vi")
"""Languages of sentences."""

GROUP_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "reach": {"en": "Reach", "vi": "Độ phủ"},
    "relevance": {"en": "Relevance", "vi": "Độ liên quan"},
    "resonance": {"en": "Resonance", "vi": "Khả năng thuyết phục"},
    "follower_quality": {"en": "Quality of followers", "vi": "Chất lượng người theo dõi"},
    "expertise": {"en": "Expertise", "vi": "Chuyên môn"},
    "conduct": {"en": "Conduct", "vi": "Tác phong"},
    "audience": {"en": "Audience", "vi": "Khán giả"},
    "history": {"en": "History", "vi": "Lịch sử hợp tác"},
    "price": {"en": "Price", "vi": "Giá"},
}
"""Names of the reason groups."""

FORMAT_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "image": {"en": "image", "vi": "ảnh"},
    "carousel": {"en": "carousel", "vi": "album ảnh"},
    "short_video": {"en": "short video", "vi": "video ngắn"},
    "video": {"en": "video", "vi": "video"},
    "story": {"en": "story", "vi": "story"},
    "live": {"en": "live stream", "vi": "livestream"},
    "text": {"en": "text post", "vi": "bài chữ"},
    "article": {"en": "article", "vi": "bài viết dài"},
    "audio": {"en": "audio", "vi": "audio"},
}
"""Names of the formats of a post."""

PLATFORM_NAMES: Final[Mapping[str, str]] = {
    "facebook": "Facebook",
    "instagram": "Instagram",
    "tiktok": "TikTok",
    "youtube": "YouTube",
    "x": "X",
    "threads": "Threads",
    "snapchat": "Snapchat",
    "linkedin": "LinkedIn",
    "zalo": "Zalo",
    "blog": "blog",
    "podcast": "podcast",
}
"""Names of the platforms, the same in both languages."""

OUTCOME_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "reach": {"en": "accounts reached", "vi": "lượt tiếp cận"},
    "impressions": {"en": "impressions", "vi": "lượt hiển thị"},
    "views": {"en": "views", "vi": "lượt xem"},
    "engagements": {"en": "engagements", "vi": "lượt tương tác"},
    "link_clicks": {"en": "link clicks", "vi": "lượt nhấp liên kết"},
    "leads": {"en": "leads", "vi": "khách hàng tiềm năng"},
    "conversions": {"en": "conversions", "vi": "lượt chuyển đổi"},
    "revenue": {"en": "of revenue", "vi": "doanh thu"},
    "trust_proxy": {
        "en": "comments, shares and saves per account reached",
        "vi": "bình luận, chia sẻ và lưu trên mỗi lượt tiếp cận",
    },
}
"""What a hire brought, as it stands behind a number."""

_TIERS: Final = ("nano", "micro", "mid", "macro", "mega")


@dataclass(frozen=True)
class Label:
    """Words for one feature.

    Parameters
    ----------
    kind : str
        How its value is shown: ``cosine``, ``count`` (held as ``ln(1 + x)``), ``share``, ``rate``,
        ``number``, ``change`` (held as a log ratio), ``log``, ``log_share`` (as ``ln(1 + x)``),
        ``tier``, ``yes``, or ``hidden`` for a weight that says nothing by itself; its words then
        name what there is more or less of.
    words : mapping of str to str
        Noun phrase by language.
    """

    kind: str
    words: Mapping[str, str]


@lru_cache(maxsize=1)
def _labels() -> dict[str, Label]:
    path = resources.files("matcher.recommend").joinpath("labels.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    return {name: Label(item["as"], {k: item[k] for k in ("en", "vi")}) for name, item in
            content.items()}  # fmt: skip


def feature_label(feature: str) -> Label:
    """Words for a feature; its name where no better ones are known.

    Parameters
    ----------
    feature : str
        Feature name.

    Returns
    -------
    Label
        Noun phrase in each language and how to show its value.
    """
    plain = Label("number", dict.fromkeys(("en", "vi"), f"`{feature}`"))
    return _labels().get(feature, plain)


def format_number(value: float, language: Language, *, digits: int = 0) -> str:
    """Number with the separators of a language.

    Parameters
    ----------
    value : float
        Number.
    language : {"en", "vi"}
        Language.
    digits : int, default 0
        Decimals.

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> format_number(1234.5, "en", digits=1), format_number(1234.5, "vi", digits=1)
    ('1,234.5', '1.234,5')
    """
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    if language == "vi":
        return text.translate(str.maketrans(",.", ".,"))
    return text


def format_day(day: dt.date, language: Language) -> str:
    """Day as people write it.

    Parameters
    ----------
    day : datetime.date
        Day; of an instant, its day in UTC.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> format_day(dt.date(2025, 3, 1), "en"), format_day(dt.date(2025, 3, 1), "vi")
    ('2025-03-01', '01/03/2025')
    """
    return day.strftime("%d/%m/%Y") if language == "vi" else day.strftime("%Y-%m-%d")


def format_money(value: float, currency: str, language: Language) -> str:
    """Sum of money with its currency.

    Parameters
    ----------
    value : float
        Sum.
    currency : str
        Its currency, ISO 4217.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Text; small broken sums with two decimals.

    Examples
    --------
    >>> format_money(1_600_000, "VND", "vi"), format_money(64.5, "USD", "en")
    ('1.600.000 VND', '64.50 USD')
    """
    return f"{format_number(value, language, digits=money_digits(value))} {currency}"


def money_digits(value: float) -> int:
    """Decimals with which a sum of money is shown.

    Parameters
    ----------
    value : float
        Sum; conversion may leave it a hair from a whole one.

    Returns
    -------
    int
        2 for a broken sum below 1,000, else 0.

    Examples
    --------
    >>> money_digits(64.5), money_digits(48.0000000001), money_digits(1234.5)
    (2, 0, 0)
    """
    return 2 if abs(value) < 1_000 and abs(value - round(value)) >= 0.005 else 0


def list_words(words: Sequence[str], language: Language, *, last: Literal["and", "or"]) -> str:
    """Words as a list in a sentence.

    Parameters
    ----------
    words : sequence of str
        At least one word.
    language : {"en", "vi"}
        Language.
    last : {"and", "or"}
        What stands before the last word.

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> list_words(["image", "video", "story"], "en", last="or")
    'image, video or story'
    """
    joint = {"en": {"and": "and", "or": "or"}, "vi": {"and": "và", "or": "hoặc"}}[language][last]
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def _count(value: float, language: Language) -> str:
    number = float(np.expm1(value))
    is_whole = abs(number - round(number)) < 1e-6 * max(1.0, abs(number)) or number >= 100
    return format_number(number, language, digits=0 if is_whole else _digits(number, 1))


def _digits(value: float, usual: int) -> int:
    """Decimals that show a value: more where the usual ones would round it to nothing."""
    size = abs(value)
    return usual if size == 0 or size >= 10.0**-usual else min(6, int(-np.floor(np.log10(size))))


def _number(value: float, language: Language) -> str:
    size = abs(value)
    digits = 0 if size >= 100 or value == round(value) else 1 if size >= 10 else 2
    return format_number(value, language, digits=3 if 0 < size < 0.1 else digits)


def _percent(value: float, language: Language) -> str:
    is_whole = abs(value) >= 0.1 or value == 0
    digits = 0 if is_whole else _digits(100 * value, 1)
    return format_number(100 * value, language, digits=digits) + " %"


def _change(value: float, language: Language) -> str:
    ratio = float(np.expm1(value))
    return ("+" if ratio > 0 else "") + _percent(ratio, language)


def _tier(value: float, language: Language) -> str:
    del language
    return _TIERS[min(max(round(value), 0), len(_TIERS) - 1)]


def _yes(value: float, language: Language) -> str:
    words = {"en": ("no", "yes"), "vi": ("không", "có")}[language]
    return words[int(value > 0)]


_FORMATS: Final[Mapping[str, Callable[[float, Language], str]]] = {
    "cosine": lambda value, language: format_number(value, language, digits=2),
    "count": _count,
    "share": _percent,
    "rate": _percent,
    "number": _number,
    "change": _change,
    "log": lambda value, language: _number(float(np.exp(value)), language),
    "log_share": lambda value, language: _percent(float(np.expm1(value)), language),
    "tier": _tier,
    "yes": _yes,
}


def format_value(kind: str, value: float, language: Language) -> str | None:
    """Value of a feature as people read it.

    Parameters
    ----------
    kind : str
        Kind of a `Label`.
    value : float
        Feature value, finite.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str or None
        Text, None where the value says nothing by itself.

    Examples
    --------
    >>> format_value("share", 0.34, "vi"), format_value("count", 2.5649493574615367, "en")
    ('34 %', '12')
    """
    show = _FORMATS.get(kind)
    return None if show is None else show(value, language)
