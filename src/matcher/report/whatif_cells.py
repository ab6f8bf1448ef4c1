"""What-if tables in words: columns, numbers and lists as a reader of the language writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.plain import visible
from matcher.recommend.wording import (
    OUTCOME_NAMES,
    PLATFORM_NAMES,
    feature_label,
    format_number,
)
from matcher.report.whatif_said import say_share
from matcher.whatif.fields import is_knob, knob_words, value_words
from matcher.whatif.wording import change_words

if TYPE_CHECKING:
    from matcher.recommend.wording import Language
    from matcher.whatif.answer import Answer

__all__ = ["outcome_table", "part_title", "table_in_words"]

_PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "sentences": {"en": "What each sentence carries", "vi": "Mỗi câu quyết định bao nhiêu"},
    "grid": {"en": "Grid", "vi": "Lưới"},
    "tornado": {"en": "One knob at a time", "vi": "Thay đổi từng yếu tố"},
    "curve": {"en": "One account", "vi": "Một tài khoản"},
    "plans": {"en": "How the plan changes", "vi": "Phương án thay đổi thế nào"},
    "ways": {"en": "What it would take", "vi": "Cần thay đổi gì"},
    "levers": {"en": "What was tried", "vi": "Những gì đã thử"},
}
_MOST_NAMES: Final = 4
"""Accounts that a cell names; how many more there are is said."""
_HEADS: Final[Mapping[str, tuple[str, str]]] = {
    "scenario": ("scenario", "kịch bản"),
    "sentence": ("", ""),
    "overlap": ("overlap", "độ trùng"),
    "carries": ("carries", "mức quyết định"),
    "n_left": ("accounts that left", "số tài khoản rời"),
    "n_candidates": ("candidates", "số ứng viên"),
    "entered": ("entered", "mới vào"),
    "left": ("left", "rời đi"),
    "outcome": ("outcome", "kết quả"),
    "before": ("now", "hiện tại"),
    "after": ("then", "khi đó"),
    "change": ("change", "thay đổi"),
    "low": ("at least", "ít nhất"),
    "share": ("change", "thay đổi"),
    "low_share": ("at least", "ít nhất"),
    "high_share": ("at most", "nhiều nhất"),
    "high": ("at most", "nhiều nhất"),
    "cost_before": ("fees now", "chi phí hiện tại"),
    "cost_after": ("fees then", "chi phí khi đó"),
    "cost_is_comparable": ("fees all known", "biết đủ chi phí"),
    "knob": ("what is set", "yếu tố"),
    "value": ("value", "giá trị"),
    "estimate": ("estimate", "ước lượng"),
    "estimator": ("estimator", "phương pháp"),
    "logged": ("as it was", "thực tế"),
    "difference": ("difference", "chênh lệch"),
    "difference_low": ("difference at least", "chênh lệch ít nhất"),
    "difference_high": ("difference at most", "chênh lệch nhiều nhất"),
    "swing": ("swing", "biên độ"),
    "rank": ("rank", "hạng"),
    "score": ("score", "điểm"),
    "expected": ("expected", "dự kiến"),
    "n_changes": ("changes", "số thay đổi"),
    "changes": ("what", "thay đổi gì"),
    "size": ("size", "độ lớn"),
    "lever": ("lever", "yếu tố"),
    "n_values": ("tried", "số mức đã thử"),
    "acts": ("moves the rank", "có tác động"),
    "note": ("", ""),
    "objective_before": ("objective now", "mục tiêu hiện tại"),
    "objective": ("objective then", "mục tiêu khi đó"),
    "worth_before": ("plan now", "phương án hiện tại"),
    "worth_after": ("plan then", "phương án khi đó"),
    "bound_after": ("no plan beyond", "không thể vượt"),
    "currency": ("currency", "tiền tệ"),
    "n_accounts_before": ("accounts now", "số tài khoản hiện tại"),
    "n_accounts_after": ("accounts then", "số tài khoản khi đó"),
    "n_kept": ("in both", "có trong cả hai"),
    "per_million": ("per million more", "mỗi triệu thêm"),
    "handle": ("account", "tài khoản"),
    "platform": ("platform", "nền tảng"),
    "fee": ("fee of a post", "giá một bài"),
    "fee_currency": ("currency", "tiền tệ"),
    "fee_is_estimate": ("estimated", "ước tính"),
    "rank_old": ("rank now", "hạng hiện tại"),
    "rank_new": ("rank then", "hạng khi đó"),
    "percentile": ("brief farther than", "bản mô tả xa lạ hơn"),
    "is_outside": ("beyond what was learnt", "ngoài dữ liệu đã học"),
    "far_features": ("far features", "chỉ số vượt xa"),
    "refused": ("not answered", "không trả lời được"),
}
"""Words for columns in English and Vietnamese."""
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "price": {"en": "price of a post", "vi": "giá một bài"},
    "format": {"en": "another format", "vi": "định dạng khác"},
    "cadence": {"en": "posts a week", "vi": "số bài mỗi tuần"},
    "posts": {"en": "number of posts", "vi": "số bài"},
    "effect": {"en": "effect, adjusted", "vi": "tác động, đã hiệu chỉnh"},
    "pooled": {"en": "hires of all accounts pooled", "vi": "gộp mọi tài khoản"},
    "naive": {"en": "not adjusted", "vi": "chưa hiệu chỉnh"},
    "bound": {"en": "bound, something hidden", "vi": "cận nếu có yếu tố ẩn"},
}
_CHANGES: Final = ("share", "low_share", "high_share")
_SHARES: Final = ("overlap", "carries")
_LEFT_OUT: Final = ("digest", "place")
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "yes": {"en": "yes", "vi": "có"},
    "no": {"en": "no", "vi": "không"},
    "more": {"en": "{names} and {n} more", "vi": "{names} và {n} tài khoản khác"},
    "of_expected": {"en": "of what is expected, 80 %", "vi": "của kỳ vọng, 80 %"},
    "of_drawn": {"en": "change of what comes, 80 %", "vi": "thay đổi thực tế, 80 %"},
}


def part_title(name: str, language: Language) -> str:
    """Heading of a further table of an answer.

    Parameters
    ----------
    name : str
        Its name in `matcher.whatif.answer.Comparison.parts`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words; the name itself where there are none.
    """
    return _PARTS.get(name, {}).get(language, name)


def table_in_words(table: pd.DataFrame, language: Language) -> pd.DataFrame:
    """A table of an answer with headings and cells as text.

    Parameters
    ----------
    table : pandas.DataFrame
        Table of `matcher.whatif.answer.Comparison`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    pandas.DataFrame
        Texts, empty where nothing is known; columns that make an edit again are left out, and so
        are those that say nothing in any row.
    """
    shown: dict[str, list[str]] = {}
    place, knobs = 0 if language == "en" else 1, _knobs(table)
    for name in table:
        values = table[name].tolist()
        if name in _LEFT_OUT or any(isinstance(value, dict) for value in values):
            continue
        cells = _cells(table, str(name), language)
        if len(cells) and not any(cells):
            continue
        words = None if name in knobs else _HEADS.get(str(name))
        plain = knob_words(str(name), language) if name in knobs else str(name)
        head = plain if words is None else words[place]
        while head in shown:
            head += " "
        shown[head] = cells
    return pd.DataFrame(shown)


def _cells(table: pd.DataFrame, name: str, language: Language) -> list[str]:
    """Cells of a column; those of knobs are read as the knob reads them."""
    values = table[name].tolist()
    if name == "value" and "knob" in table:
        knobs = table["knob"].tolist()
        return [
            visible(value_words(str(knob), value, language))
            for knob, value in zip(knobs, values, strict=True)
        ]
    if name == "knob":
        return [visible(knob_words(str(value), language)) for value in values]
    if name in _knobs(table):
        return [visible(value_words(name, value, language)) for value in values]
    return [_cell(name, value, language) for value in values]


def _knobs(table: pd.DataFrame) -> list[str]:
    """Columns of a grid that hold what its knobs are set to: the first ones."""
    names = [str(column) for column in table]
    first = names[: names.index("overlap")] if "overlap" in names else []
    return [name for name in first if is_knob(name)]


def _cell(name: str, value: Any, language: Language) -> str:
    if name == "far_features":
        return ", ".join(feature_label(str(one)).words[language] for one in value)
    if isinstance(value, list | tuple):
        return _names(value, language)
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, bool):
        return _WORDS["yes" if value else "no"][language]
    known = _known(name, value, language)
    if known is not None:
        return known
    if name == "percentile":
        return say_share(float(value), language)
    if name in _CHANGES:
        return change_words(float(value), language)
    if isinstance(value, int | float):
        return format_number(float(value), language, digits=_digits(name, float(value)))
    return visible(str(value))


def _known(name: str, value: Any, language: Language) -> str | None:
    """Words of the vocabulary of a column; None where it has none."""
    if name in ("outcome", "objective", "objective_before") and value in OUTCOME_NAMES:
        return OUTCOME_NAMES[value][language]
    if name in ("lever", "estimate") and value in _NAMES:
        return _NAMES[value][language]
    return PLATFORM_NAMES.get(value) if name == "platform" else None


def _digits(name: str, value: float) -> int:
    if name in _SHARES:
        return 3
    size = abs(value)
    if size == int(size) or size >= 100:
        return 0
    return 1 if size >= 10 else 3


def _names(values: list[Any] | tuple[Any, ...], language: Language) -> str:
    names = [visible(str(one)) for one in values]
    said = ", ".join(names[:_MOST_NAMES])
    rest = len(names) - _MOST_NAMES
    if rest <= 0:
        return said
    return _WORDS["more"][language].format(names=said, n=format_number(rest, language))


def outcome_table(answer: Answer, language: Language) -> pd.DataFrame:
    """What those who would be hired bring, before and after.

    Parameters
    ----------
    answer : Answer
        Answer.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    pandas.DataFrame
        Texts, one row per outcome.
    """
    place = 0 if language == "en" else 1
    rows = []
    for one in answer.outcomes:
        row = {
            _HEADS["outcome"][place]: OUTCOME_NAMES[one.outcome][language],
            _HEADS["before"][place]: _cell("before", one.before, language),
            _HEADS["after"][place]: _cell("after", one.after, language),
        }
        if one.before:
            shares = (one.share, one.low_share, one.high_share)
            told = [change_words(value, language) for value in shares]
            ends = [_cell("low", value, language) for value in (one.low_drawn, one.high_drawn)]
            row[_HEADS["change"][place]] = told[0]
            row[_WORDS["of_expected"][language]] = f"{told[1]} … {told[2]}"
            row[_WORDS["of_drawn"][language]] = f"{ends[0]} … {ends[1]}"
        rows.append(row)
    return pd.DataFrame(rows).fillna("")
