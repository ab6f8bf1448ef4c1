"""Picture of a plan among those within other budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.plan.words import counted_words, level_words
from matcher.recommend.wording import format_number
from matcher.report.pictures import render_picture

if TYPE_CHECKING:
    from matcher.plan.plans import Plan

__all__ = ["draw_frontier"]

_WORDS: Final = {
    "plans": {"en": "best plans found", "vi": "phương án tốt nhất tìm được"},
    "carried": {"en": "time ran out before", "vi": "hết thời gian trước đó"},
    "same": {
        "en": "plan of a smaller budget, nothing better found",
        "vi": "phương án của mức nhỏ hơn, không thấy tốt hơn",
    },
    "bound": {"en": "no plan can be above", "vi": "không phương án nào vượt được"},
    "this": {"en": "this plan", "vi": "phương án này"},
    "greedy": {"en": "by outcome per price", "vi": "chọn theo kết quả trên giá"},
    "budget": {"en": "Budget, {unit}{currency}", "vi": "Ngân sách, {unit}{currency}"},
    "title": {
        "en": "What other budgets would bring",
        "vi": "Các mức ngân sách khác mang lại gì",
    },
    "million": {"en": "millions of ", "vi": "triệu "},
}
_MILLION: Final = 1e6
_LINE, _FAINT, _MARK = "#1565C0", "#9E9E9E", "#C62828"


_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "same": {"marker": "|", "markersize": 10, "markeredgewidth": 1.5},
    "carried": {"marker": "o", "markersize": 6, "markerfacecolor": "white"},
}
"""Marks of budgets that have no plan of their own."""


def draw_frontier(plan: Plan, *, form: str = "png") -> bytes:
    """What plans within other budgets are worth, with the bound that none exceeds.

    Parameters
    ----------
    plan : Plan
        Plan with its frontier.
    form : {"png", "svg"}
        Form.

    Returns
    -------
    bytes
        Content of the file; equal plans give equal bytes.
    """

    def draw(figure: Any) -> None:
        _frontier(figure.subplots(), plan)

    return render_picture(draw, form=form, size=(8, 4.6), dpi=120)


def _frontier(axes: Any, plan: Plan) -> None:
    language = plan.language

    def word(key: str, **values: str) -> str:
        return _WORDS[key][language].format(**values)

    table = plan.frontier.dropna(subset=["worth"])
    large = plan.facts["budget"] >= 10 * _MILLION
    scale = _MILLION if large else 1.0
    budgets = table["budget"].to_numpy(np.float64) / scale
    bound = table["bound"].to_numpy(np.float64)
    axes.plot(budgets, bound, color=_FAINT, linestyle="--", linewidth=1, label=word("bound"))
    # Only plans of their own have a filled mark.
    own = np.flatnonzero(table["status"].to_numpy() == "searched").tolist()
    look = {"marker": "o", "markersize": 4, "markevery": own}
    axes.plot(budgets, table["worth"], color=_LINE, label=word("plans"), **look)
    for status, look in _LOOKS.items():
        there = table["status"].to_numpy() == status
        if there.any():
            worth = table["worth"].to_numpy()[there]
            held = {"linestyle": "none", "color": _LINE, "label": word(status), **look}
            axes.plot(budgets[there], worth, **held)
    here = plan.facts["budget"] / scale
    axes.plot([here], [plan.facts["worth"]], "D", color=_MARK, markersize=8, label=word("this"))
    if plan.facts["greedy"] is not None:
        axes.plot([here], [plan.facts["greedy"]], "x", color="#424242", label=word("greedy"))
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    unit = word("million") if large else ""
    axes.set_xlabel(word("budget", unit=unit, currency=plan.facts["currency"]))
    level = level_words(plan.facts["quantile"], language)
    axes.set_ylabel(_capital(counted_words(plan.facts["objective"], language)) + level)
    axes.set_title(word("title"), loc="left")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _place: _tick(value, plan))
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)


def _tick(value: float, plan: Plan) -> str:
    whole = abs(value - round(value)) < 1e-9
    return format_number(value, plan.language, digits=0 if whole else 1)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
