"""What scenarios set, in words: fields of edits, knobs and their values."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from matcher.market.taxonomy import read_taxonomy
from matcher.plain import one_line
from matcher.recommend.wording import (
    FORMAT_NAMES,
    PLATFORM_NAMES,
    format_day,
    format_number,
)

if TYPE_CHECKING:
    from matcher.recommend.wording import Language

__all__ = ["describe_edits", "field_words", "is_knob", "knob_words", "show_value", "value_words"]

_KINDS: Final = {"brief": "bản mô tả", "influencer": "tài khoản", "market": "thị trường"}
_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("title", "tiêu đề"),
    "brief": ("text of the brief", "nội dung mô tả"),
    "brief_language": ("language of the brief", "ngôn ngữ bản mô tả"),
    "objective": ("objective", "mục tiêu"),
    "kpi": ("KPI", "chỉ tiêu"),
    "kpi_goal": ("goal of the KPI", "mức chỉ tiêu"),
    "platforms": ("platforms", "nền tảng"),
    "formats": ("formats", "định dạng"),
    "countries": ("countries", "quốc gia"),
    "creator_languages": ("languages of creators", "ngôn ngữ của người sáng tạo"),
    "n_creators": ("number of creators", "số người cần thuê"),
    "n_posts": ("number of posts", "số bài"),
    "audience_age": ("age of the audience", "độ tuổi khán giả"),
    "audience_interests": ("interests of the audience", "sở thích khán giả"),
    "audience_gender": ("gender of the audience", "giới tính khán giả"),
    "budget": ("budget", "ngân sách"),
    "currency": ("currency", "tiền tệ"),
    "timezone": ("time zone", "múi giờ"),
    "must_have": ("accounts it must have", "tài khoản bắt buộc có"),
    "never": ("accounts it never takes", "tài khoản không thuê"),
    "starts_on": ("start", "ngày bắt đầu"),
    "ends_on": ("end", "ngày kết thúc"),
    "brand_category": ("category of the brand", "ngành hàng của nhãn"),
    "competitor_ids": ("rivals", "nhãn đối thủ"),
    "price": ("price of a post", "giá một bài"),
    "price_factor": ("the factor on the price", "hệ số nhân giá"),
    "cadence_factor": ("the factor on how often it posts", "hệ số nhân nhịp đăng bài"),
    "audience": ("audience", "khán giả"),
    "engagement_factor": ("the factor on the engagement", "hệ số nhân tương tác"),
    "followers_factor": ("the factor on the followers", "hệ số nhân số người theo dõi"),
    "unavailable": ("not available", "không rảnh"),
    "hired_by_rival": ("hired by a rival", "bị đối thủ thuê"),
    "platform_reach": (
        "the factor on what a platform brings",
        "hệ số nhân kết quả trên nền tảng",
    ),
    "as_if_always": ("as if always", "như thể từ trước đến nay vẫn vậy"),
    "new_accounts": ("new accounts", "tài khoản mới gia nhập"),
    "account_id": ("account", "tài khoản"),
    "platform": ("platform", "nền tảng"),
    "display_name": ("name", "tên"),
    "handle": ("handle", "tên tài khoản"),
    "country": ("country", "quốc gia"),
    "languages": ("languages", "ngôn ngữ"),
    "bio": ("bio", "giới thiệu"),
    "text": ("text of its posts", "nội dung bài"),
    "format": ("format", "định dạng"),
    "language": ("language of its posts", "ngôn ngữ bài"),
    "n_followers": ("followers", "số người theo dõi"),
    "engagements": ("engagements of a post", "tương tác mỗi bài"),
    "views": ("views of a post", "lượt xem mỗi bài"),
    "age": ("age", "tuổi"),
    "gender": ("gender", "giới tính"),
    "city": ("city", "thành phố"),
    "interest": ("interest", "sở thích"),
}
"""Words for fields of edits, of new accounts and of audiences."""
_OF_ACCOUNT: Final = {"formats": ("further formats", "định dạng nhận thêm")}
"""Words for fields of an account that mean another thing than those of the brief."""
_OBJECTIVES: Final = {
    "awareness": "nhận biết",
    "engagement": "tương tác",
    "traffic": "lượt truy cập",
    "leads": "khách hàng tiềm năng",
    "sales": "bán hàng",
    "trust": "niềm tin",
}
_GENDERS: Final = {"female": "nữ", "male": "nam", "other": "khác"}
_FREE: Final = (
    "title", "brief", "kpi", "text", "bio", "display_name", "handle", "account_id", "must_have",
    "never", "unavailable", "hired_by_rival", "competitor_ids",
)  # fmt: skip
"""Fields whose texts are shown as they are, numbers in them too."""
_LISTS: Final = ("platforms", "formats", "countries", "creator_languages", "audience_age",
                 "audience_interests")  # fmt: skip
_CATEGORIES: Final = ("audience_interests", "brand_category", "interest")
_ON_PLATFORM: Final = {
    "en": "the factor on what {name} brings",
    "vi": "hệ số nhân kết quả trên {name}",
}
_POSTS_OF: Final = {"en": "the factor on how often {name} posts"}
"""Words for a knob of an account that names it in their midst."""


def is_knob(name: str) -> bool:
    """Whether a column of a grid can be one of its knobs.

    Parameters
    ----------
    name : str
        Name of the column.

    Returns
    -------
    bool
        Whether it is a field, or names what it is a field of.
    """
    return "." in name or name in _FIELDS


def knob_words(name: str, language: Language) -> str:
    """Words for a knob: a noun, as it stands within a sentence.

    Parameters
    ----------
    name : str
        Name as of `matcher.whatif.grid.Knob`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words.

    Examples
    --------
    >>> knob_words("platform_reach.tiktok", "en"), knob_words("acc_1.price", "vi")
    ('the factor on what TikTok brings', 'giá một bài của acc_1')
    """
    owner, _, what = name.rpartition(".")
    if owner == "platform_reach":
        return _ON_PLATFORM[language].format(name=PLATFORM_NAMES.get(what, what))
    if what == "cadence_factor" and language in _POSTS_OF:
        return _POSTS_OF[language].format(name=one_line(owner))
    words = field_words(what, language, is_account=bool(owner))
    joint = {"en": "of", "vi": "của"}[language]
    return f"{words} {joint} {one_line(owner)}" if owner else words


def field_words(name: str, language: Language, *, is_account: bool = False) -> str:
    """Words for a field of an edit.

    Parameters
    ----------
    name : str
        Field.
    language : {"en", "vi"}
        Language.
    is_account : bool, default False
        Whether it is a field of an account and not of the brief.

    Returns
    -------
    str
        Words; the name itself where there are none.
    """
    known = _OF_ACCOUNT if is_account and name in _OF_ACCOUNT else _FIELDS
    return known[name][language == "vi"] if name in known else name


def value_words(name: str, value: Any, language: Language) -> str:
    """Words for the value of a field or a knob.

    Parameters
    ----------
    name : str
        Field, or knob as of `matcher.whatif.grid.Knob`.
    value : Any
        Value as of an edit, or as `show_value` writes it.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words.

    Examples
    --------
    >>> value_words("budget", 120_000_000, "vi"), value_words("formats", ("story", "live"), "en")
    ('120.000.000', 'story, live stream')
    """
    if value is None or value == "None":
        return {"en": "none", "vi": "không đặt"}[language]
    if isinstance(value, bool):
        return {"en": ("no", "yes"), "vi": ("không", "có")}[language][value]
    if isinstance(value, Mapping):
        return _mapping_words(value, language)
    if isinstance(value, list | tuple):
        return ", ".join(value_words(name, one, language) for one in value)
    if isinstance(value, int | float):
        return _number(float(value), language)
    return _text_words(name.rpartition(".")[2], str(value), language)


def _mapping_words(value: Mapping[str, Any], language: Language) -> str:
    who = value.get("account_id")
    rest = {str(name): one for name, one in value.items() if name != "account_id"}
    said = "; ".join(
        f"{_key_words(name, language)} {value_words(name, one, language)}"
        for name, one in rest.items()
    )
    return f"{who} ({said})" if who is not None else said


def _key_words(name: str, language: Language) -> str:
    if name in PLATFORM_NAMES:
        return PLATFORM_NAMES[name]
    return field_words(name, language) if name in _FIELDS else _text_words("", name, language)


def _text_words(field: str, text: str, language: Language) -> str:
    if field in _FREE:
        return text
    if field in _LISTS and "+" in text:
        return ", ".join(_text_words(field, one, language) for one in text.split("+"))
    if field in ("format", "formats") and text in FORMAT_NAMES:
        return FORMAT_NAMES[text][language]
    if field in ("platform", "platforms"):
        return PLATFORM_NAMES.get(text, text)
    if field in _CATEGORIES and text in read_taxonomy():
        return read_taxonomy()[text].name(language)
    if field in ("starts_on", "ends_on"):
        return _day(text, language)
    return _plain_words(field, text, language)


def _plain_words(field: str, text: str, language: Language) -> str:
    if language == "vi" and field == "objective":
        return _OBJECTIVES.get(text, text)
    if language == "vi" and text in _GENDERS:
        return _GENDERS[text]
    try:
        value = float(text)
    except ValueError:
        return text
    return _number(value, language) if math.isfinite(value) else text


def _day(text: str, language: Language) -> str:
    try:
        return format_day(dt.date.fromisoformat(text), language)
    except ValueError:
        return text


def _number(value: float, language: Language) -> str:
    for digits in range(6):
        if round(value, digits) == value:
            return format_number(value, language, digits=digits)
    return format_number(value, language, digits=6)


def show_value(value: Any) -> str:
    """Value of a knob as it is typed.

    Parameters
    ----------
    value : Any
        Value.

    Returns
    -------
    str
        Words of a list joined by ``+``; whole numbers without decimals.

    Examples
    --------
    >>> show_value(3e7), show_value(0.5), show_value(("video", "story"))
    ('30000000', '0.5', 'video+story')
    """
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    is_whole = isinstance(value, float) and value == int(value)
    return f"{value:.0f}" if is_whole else f"{value}"


def describe_edits(scenario: Mapping[str, Any], language: Language = "en") -> list[str]:
    """Edits of a scenario, one line for each field.

    Parameters
    ----------
    scenario : mapping
        What `matcher.whatif.scenario.Scenario.to_dict` gives.
    language : {"en", "vi"}
        Language; in English fields have the names that scenario files give them.

    Returns
    -------
    list of str
        Such as ``brief: budget = 100,000,000``.
    """
    lines = []
    for edit in scenario["edits"]:
        kind = str(edit["kind"])
        where = kind if language == "en" else _KINDS[kind]
        who = f" {edit['account_id']}" if "account_id" in edit else ""
        for name, value in edit.items():
            if name in ("kind", "account_id"):
                continue
            words = name
            if language == "vi":
                words = field_words(name, language, is_account=kind == "influencer")
            said = words if value is True else f"{words} = {value_words(name, value, language)}"
            lines.append(one_line(f"{where}{who}: {said}"))
    return lines
