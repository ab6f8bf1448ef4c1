"""Verdict of plans under scenarios: one sentence for their table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.plain import one_line
from matcher.recommend.wording import OUTCOME_NAMES, format_number
from matcher.whatif.verdict_rows import (
    amount_words,
    bottom_row,
    inside_rows,
    or_words,
    refusal_words,
    tied_rows,
    top_row,
)
from matcher.whatif.wording import change_words

if TYPE_CHECKING:
    import pandas as pd

    from matcher.recommend.wording import Language

__all__ = ["say_plans"]

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "plan": {
        "en": "under {name} the best plan found is worth {after} {outcome} instead of {before} "
        "({share}), at {cost} {currency}, and no plan is worth more than {bound}",
        "vi": "với {name}, phương án tốt nhất tìm được mang lại {after} {outcome} thay vì {before} "
        "({share}), chi phí {cost} {currency}, và không phương án nào vượt {bound}",
    },
    "per_million": {
        "en": "; a million of budget more or less comes to {worth}",
        "vi": "; mỗi triệu ngân sách thêm hoặc bớt tương ứng {worth}",
    },
    "plans": {
        "en": "of {n} plans, that under {name} brings most: {after} {outcome} instead of {before} "
        "({share}); {worst} least ({least})",
        "vi": "trong {n} phương án, {name} mang lại nhiều nhất: {after} {outcome} thay vì {before} "
        "({share}); {worst} ít nhất ({least})",
    },
    "other_objective": {
        "en": "the plans have other objectives than now, so that their worth has no difference",
        "vi": "các phương án có mục tiêu khác hiện tại nên không so sánh giá trị được",
    },
}


def _names(rows: pd.DataFrame, language: Language) -> str:
    return or_words([one_line(str(name)) for name in rows["scenario"]], language)


def _share(row: pd.Series, language: Language) -> str:
    """Gain over what the plan is worth as things are; of nothing there is no share."""
    before = float(row["worth_before"])
    return change_words(float(row["gain"]) / before, language) if before > 0 else "–"


def say_plans(table: pd.DataFrame, *, language: Language) -> str:
    """What plans under scenarios come to.

    Parameters
    ----------
    table : pandas.DataFrame
        As of `matcher.whatif.planned.compare_plans`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        One sentence.
    """
    answered = table[table["refused"].isna()]
    held = inside_rows(answered[answered["objective"] == answered["objective_before"]])
    if held.empty:
        return _WORDS["other_objective"][language] + refusal_words(table, language) + "."
    held = held.assign(gain=held["worth_after"] - held["worth_before"])
    best, worst = top_row(held, "gain"), bottom_row(held, "gain")
    objective = str(best["objective"])
    said = {
        "n": format_number(len(held), language),
        "name": _names(tied_rows(held, "gain", best), language),
        "worst": _names(tied_rows(held, "gain", worst), language),
        "outcome": OUTCOME_NAMES.get(objective, {}).get(language, objective),
        "before": amount_words(best["worth_before"], language),
        "after": amount_words(best["worth_after"], language),
        "bound": amount_words(best["bound_after"], language),
        "cost": amount_words(best["cost_after"], language),
        "currency": str(best["currency"]),
        "share": _share(best, language),
        "least": _share(worst, language),
    }
    key = "plan" if len(held) == 1 else "plans"
    text = _WORDS[key][language].format(**said)
    if len(held) == 1 and np.isfinite(best["per_million"]):
        worth = amount_words(best["per_million"], language)
        text += _WORDS["per_million"][language].format(worth=worth)
    return text + refusal_words(table, language) + "."
