"""Sentences of answers, in English and Vietnamese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from matcher.plain import one_line
from matcher.recommend.wording import (
    OUTCOME_NAMES,
    format_money,
    format_number,
)

if TYPE_CHECKING:
    from matcher.recommend.wording import Language
    from matcher.whatif.cost import Cost
    from matcher.whatif.movement import Movement
    from matcher.whatif.paired import OutcomeChange
    from matcher.whatif.support import Support

__all__ = ["GRADES", "WORDS", "change_words", "say_grade", "say_verdict"]

GRADES: Final[Mapping[str, Mapping[str, str]]] = {
    "model": {"en": "the model would say", "vi": "mô hình sẽ nói"},
    "logs": {"en": "the logs support", "vi": "nhật ký ủng hộ"},
    "world": {"en": "true in the simulated world", "vi": "đúng trong thế giới mô phỏng"},
}
"""How far an answer may be believed: a re-score, an estimate from logs, or a known truth."""

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "same": {
        "en": "the first {k} stay as they are",
        "vi": "{k} tài khoản đầu giữ nguyên",
    },
    "reordered": {
        "en": "the same accounts stay in the first {k}, {moved} of them at another rank (overlap "
        "{rbo})",
        "vi": "{k} tài khoản đầu vẫn là những người đó, {moved} người đổi hạng (độ trùng {rbo})",
    },
    "moved": {
        "en": "{n} of the first {k} replaced (overlap {rbo})",
        "vi": "{n} trong {k} tài khoản đầu bị thay (độ trùng {rbo})",
    },
    "fewer": {
        "en": "only {n_new} accounts are left to list: {n_left} of the first {k} leave and "
        "{n_entered} enter (overlap {rbo})",
        "vi": "chỉ còn {n_new} tài khoản để xếp: {n_left} trong {k} tài khoản đầu rời đi và "
        "{n_entered} mới vào (độ trùng {rbo})",
    },
    "unchanged": {
        "en": "as many {outcome} as now are expected",
        "vi": "dự kiến {outcome} không đổi",
    },
    "outcome": {
        "en": "{share} {outcome} are expected (80 %: {low} to {high})",
        "vi": "dự kiến {share} {outcome} (khoảng 80 %: {low} đến {high})",
    },
    "assumed": {
        "en": "{share} {outcome} are expected, in proportion as assumed",
        "vi": "dự kiến {share} {outcome}, theo tỷ lệ như giả định",
    },
    "no_outcome": {
        "en": "nothing is predicted of what it brings",
        "vi": "chưa dự đoán được kết quả mang lại",
    },
    "cost": {
        "en": "at fees of {after} instead of {before}",
        "vi": "với chi phí {after} thay vì {before}",
    },
    "outside": {
        "en": "This lies beyond what the model learnt from: do not rely on it.",
        "vi": "Điều này nằm ngoài dữ liệu mà mô hình đã học: không nên dựa vào.",
    },
    "refused": {
        "en": "The model cannot say: {name}: {why}.",
        "vi": "Mô hình không trả lời được: {name}: {why}.",
    },
    "beyond": {
        "en": "it lies beyond what the model learnt from, and such answers are refused as asked; "
        "change less",
        "vi": "điều này nằm ngoài dữ liệu mà mô hình đã học và đã yêu cầu từ chối các câu trả lời "
        "như vậy; hãy thay đổi ít hơn",
    },
    "order": {
        "en": "Ordered by `{order}`: the model cannot order by the objective of the brief.",
        "vi": "Xếp hạng theo `{order}`: mô hình không xếp được theo mục tiêu của bản mô tả.",
    },
    "untouched": {
        "en": "No score moved: nothing that the order `{order}` rests on reacts to these edits.",
        "vi": "Không điểm nào thay đổi: cách xếp hạng `{order}` không dựa vào điều được sửa.",
    },
    "price": {
        "en": "Price acts on the order `value`, on the rule that no price may exceed the budget, "
        "and where a ranker has learnt from it; on predicted outcomes it does not.",
        "vi": "Giá chỉ tác động đến cách xếp hạng `value`, đến quy tắc giá không vượt ngân sách, "
        "và nơi mô hình xếp hạng đã học từ giá; không tác động đến kết quả dự đoán.",
    },
    "reach": {
        "en": "That what a platform brings changes by a factor is assumed, not learnt; orders by "
        "`fit` and `deliver` look at the past, which it leaves alone.",
        "vi": "Việc kết quả trên một nền tảng đổi theo hệ số là giả định, không phải học được; "
        "cách xếp hạng `fit` và `deliver` chỉ nhìn quá khứ nên không đổi.",
    },
    "posts": {
        "en": "More posts are taken to bring proportionally more.",
        "vi": "Giả định thêm bài thì kết quả tăng theo tỷ lệ.",
    },
    "dates": {
        "en": "Dates bear on who is free; predicted outcomes know no season.",
        "vi": "Ngày chỉ ảnh hưởng đến việc ai rảnh; kết quả dự đoán không tính mùa vụ.",
    },
    "above_budget": {
        "en": "Fees of those who would be hired come to more than the budget of {budget}; "
        "`matcher plan` finds whom it pays.",
        "vi": "Chi phí của những người được thuê vượt ngân sách {budget}; `matcher plan` tìm những "
        "ai vừa ngân sách.",
    },
    "unknown_briefs": {
        "en": "Of {n} briefs that the model learnt from here nothing can be said of how usual this "
        "one is.",
        "vi": "Chỉ có {n} bản mô tả mà mô hình đã học nên chưa thể nói bản này có quen không.",
    },
    "unusual": {
        "en": "The brief lies farther from its like than {share} of those learnt from.",
        "vi": "Bản mô tả xa lạ hơn {share} số bản mà mô hình đã học.",
    },
}
"""Sentences and their parts."""


def say_grade(grade: str, language: Language) -> str:
    """Words for a grade, with a capital.

    Parameters
    ----------
    grade : str
        One of `GRADES`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words.
    """
    words = GRADES[grade][language]
    return words[0].upper() + words[1:]


def say_verdict(
    name: str,
    movement: Movement,
    outcome: OutcomeChange | None,
    *,
    n_top: int,
    cost: Cost | None,
    support: Support,
    language: Language,
    grade: str = "model",
) -> str:
    """One sentence that says what a scenario comes to, and one more where it may not be believed.

    Parameters
    ----------
    name : str
        Name of the scenario.
    movement : Movement
        What moved.
    outcome : OutcomeChange or None
        Change of the outcome that stands for the objective.
    n_top : int
        Length of the list.
    cost : Cost or None
        Fees before and after.
    support : Support
        Where the scenario lies.
    language : {"en", "vi"}
        Language.
    grade : str, default "model"
        One of `GRADES`.

    Returns
    -------
    str
        Sentence.
    """
    numbers = {
        "k": format_number(n_top, language),
        "n": format_number(max(movement.n_left, movement.n_entered), language),
        "moved": format_number(movement.n_moved, language),
        "rbo": format_number(movement.overlap, language, digits=2),
    }
    numbers |= {
        "n_new": format_number(movement.n_listed, language),
        "n_left": format_number(movement.n_left, language),
        "n_entered": format_number(movement.n_entered, language),
    }
    key = "same"
    if movement.n_left > movement.n_entered:
        key = "fewer"
    elif movement.n_entered:
        key = "moved"
    elif movement.n_moved:
        key = "reordered"
    parts = [WORDS[key][language].format(**numbers), _say_outcome(outcome, language)]
    sums = {} if cost is None else {
        name: format_money(getattr(cost, name), str(cost.currency), language)
        for name in ("before", "after")
    }  # fmt: skip
    if cost is not None and cost.is_comparable and sums["before"] != sums["after"]:
        parts.append(WORDS["cost"][language].format(**sums))
    text = f"{say_grade(grade, language)}: {one_line(name)}: {', '.join(parts)}."
    return f"{text} {WORDS['outside'][language]}" if support.is_outside else text


def _say_outcome(outcome: OutcomeChange | None, language: Language) -> str:
    if outcome is None:
        return WORDS["no_outcome"][language]
    words = OUTCOME_NAMES[outcome.outcome][language]
    if outcome.change == 0 or not outcome.before:
        return WORDS["unchanged"][language].format(outcome=words)
    shares = (outcome.share, outcome.low_share, outcome.high_share)
    share, low, high = (change_words(one, language) for one in shares)
    key = "assumed" if low == high else "outcome"
    return WORDS[key][language].format(share=share, outcome=words, low=low, high=high)


def change_words(share: float, language: Language) -> str:
    """Relative change with its sign.

    Parameters
    ----------
    share : float
        Change over what it changes.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Percent.

    Examples
    --------
    >>> change_words(0.125, "vi"), change_words(-0.5, "en")
    ('+12,5 %', '-50 %')
    """
    digits = 0 if abs(share) >= 0.2 or share == round(share, 2) else 1
    text = format_number(100.0 * share, language, digits=digits)
    return ("+" if share > 0 and text != "0" else "") + f"{text} %"
