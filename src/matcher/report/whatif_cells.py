"""What-if tables in words: columns, numbers and lists as a reader of the language writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.plain import visible
from matcher.recommend.wording import OUTCOME_NAMES, format_money, format_number
from matcher.whatif.wording import change_words

if TYPE_CHECKING:
    from matcher.recommend.wording import Language
    from matcher.whatif.answer import Answer
    from matcher.whatif.cost import Cost
    from matcher.whatif.support import Support

__all__ = ["outcome_table", "part_title", "say_cost", "say_support", "table_in_words"]

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
}
"""Words for columns in English and Vietnamese."""
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "price": {"en": "price of a post", "vi": "giá một bài"},
    "format": {"en": "another format", "vi": "định dạng khác"},
    "cadence": {"en": "how often it posts, times", "vi": "nhịp đăng bài, số lần"},
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
    "cost": {"en": "Fees of {after} instead of {before}", "vi": "Chi phí {after} thay vì {before}"},
    "cost_same": {"en": "Fees of {after}, as now", "vi": "Chi phí {after}, như hiện tại"},
    "not_comparable": {
        "en": "; the two sums cannot be compared",
        "vi": "; hai tổng này không so sánh được với nhau",
    },
    "no_fee": {"en": "No fee is known", "vi": "Chưa biết chi phí nào"},
    "estimated": {"en": "; {n} of them estimated", "vi": "; trong đó {n} giá là ước tính"},
    "unknown": {"en": "; {n} unknown", "vi": "; {n} giá chưa biết"},
    "near": {
        "en": "The brief lies farther from its like than {share} of the {n} briefs learnt from "
        "(as things are: {base}).",
        "vi": "Bản mô tả xa lạ hơn {share} trong số {n} bản mà mô hình đã học (hiện tại: {base}).",
    },
    "too_few": {
        "en": "{n} briefs were learnt from: too few to say how usual this one is.",
        "vi": "Mô hình đã học {n} bản mô tả: quá ít để nói bản này có quen không.",
    },
    "outside": {
        "en": "Accounts hired whose figures lie beyond any learnt from: {n}.",
        "vi": "{n} người được thuê có chỉ số nằm ngoài dữ liệu đã học.",
    },
    "far": {
        "en": "Far beyond what was seen in training: {names}.",
        "vi": "Vượt xa dữ liệu đã học: {names}.",
    },
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
    place = 0 if language == "en" else 1
    for name in table:
        values = table[name].tolist()
        if name in _LEFT_OUT or any(isinstance(value, dict) for value in values):
            continue
        cells = [_cell(str(name), value, language) for value in values]
        if len(cells) and not any(cells):
            continue
        words = _HEADS.get(str(name))
        head = str(name) if words is None else words[place]
        while head in shown:
            head += " "
        shown[head] = cells
    return pd.DataFrame(shown)


def _cell(name: str, value: Any, language: Language) -> str:
    if isinstance(value, list | tuple):
        return _names(value, language)
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, bool):
        return _WORDS["yes" if value else "no"][language]
    if name in ("outcome", "objective", "objective_before") and value in OUTCOME_NAMES:
        return OUTCOME_NAMES[value][language]
    if name in ("lever", "estimate") and value in _NAMES:
        return _NAMES[value][language]
    if name in _CHANGES:
        return change_words(float(value), language)
    if isinstance(value, int | float):
        return format_number(float(value), language, digits=_digits(name, float(value)))
    return visible(str(value))


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


def say_cost(cost: Cost, language: Language) -> str:
    """Fees before and after in one sentence.

    Parameters
    ----------
    cost : Cost
        Fees.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Sentence; it says how many fees are estimates and how many are not known.
    """
    if cost.currency is None:
        return _WORDS["no_fee"][language] + "."
    sums = {
        name: format_money(getattr(cost, name), cost.currency, language)
        for name in ("before", "after")
    }
    same = cost.is_comparable and sums["before"] == sums["after"]
    text = _WORDS["cost_same" if same else "cost"][language].format(**sums)
    if cost.n_estimated:
        text += _WORDS["estimated"][language].format(n=cost.n_estimated)
    if cost.n_unknown:
        text += _WORDS["unknown"][language].format(n=cost.n_unknown)
    return text + ("" if cost.is_comparable else _WORDS["not_comparable"][language]) + "."


def say_support(support: Support, language: Language) -> list[str]:
    """Where a scenario lies beside what the model learnt from, in sentences.

    Parameters
    ----------
    support : Support
        Support.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    list of str
        Sentences.
    """
    facts = support.to_dict()
    n = format_number(support.n_briefs, language)
    if facts["percentile"] is None:
        said = [_WORDS["too_few"][language].format(n=n)]
    else:
        share, base = (
            "–" if facts[name] is None else format_number(100.0 * facts[name], language) + " %"
            for name in ("percentile", "baseline_percentile")
        )
        said = [_WORDS["near"][language].format(share=share, base=base, n=n)]
    if support.n_outside:
        said.append(_WORDS["outside"][language].format(n=support.n_outside))
    if support.far_features:
        said.append(_WORDS["far"][language].format(names=", ".join(support.far_features)))
    return said
