"""Verdicts of grids, tornados, curves, sentences and plans: one sentence for each table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.plain import one_line
from matcher.recommend.wording import OUTCOME_NAMES, format_number
from matcher.whatif.fields import field_words, knob_words, value_words
from matcher.whatif.wording import change_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from matcher.recommend.wording import Language

__all__ = ["say_curve", "say_grid", "say_plans", "say_sentences", "say_tornado"]

_LONGEST: Final = 80
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "one": {
        "en": "with {best}, {after} {outcome} are expected instead of {before}",
        "vi": "với {best}, dự kiến {after} {outcome} thay vì {before}",
    },
    "same": {
        "en": "with {best}, {after} {outcome} are expected, as they are now",
        "vi": "với {best}, dự kiến {after} {outcome}, như hiện tại",
    },
    "best": {
        "en": "of {n} cells, {best} brings most ({after} {outcome}, {before} as things are; 80 % "
        "of the change: {low} to {high}) and {worst} least ({least})",
        "vi": "trong {n} ô, {best} mang lại nhiều nhất ({after} {outcome}, hiện tại {before}; "
        "khoảng 80 % của thay đổi: {low} đến {high}) và {worst} ít nhất ({least})",
    },
    "level": {
        "en": "none of {n} cells brings more than another ({after} {outcome}, {before} as things "
        "are)",
        "vi": "không ô nào trong {n} ô mang lại nhiều hơn ô khác ({after} {outcome}, hiện tại "
        "{before})",
    },
    "list": {
        "en": "of {n} cells, {best} changes the first {k} most ({n_left} replaced, overlap {rbo})",
        "vi": "trong {n} ô, {best} thay đổi {k} tài khoản đầu nhiều nhất ({n_left} bị thay, độ "
        "trùng {rbo})",
    },
    "refused": {
        "en": "; {n} of {all} cannot be answered",
        "vi": "; {n} trong {all} không trả lời được",
    },
    "swing": {
        "en": "{knob} moves what is expected most, from {least} {outcome} ({worst}) to {after} "
        "({best}); {before} as things are",
        "vi": "{knob} làm kết quả dự kiến đổi nhiều nhất, từ {least} {outcome} ({worst}) đến "
        "{after} ({best}); hiện tại {before}",
    },
    "alone": {
        "en": "{best} moves what is expected most: {after} {outcome} instead of {before}",
        "vi": "{best} làm kết quả dự kiến đổi nhiều nhất: {after} {outcome} thay vì {before}",
    },
    "still": {
        "en": "no knob by itself moves what is expected ({after} {outcome})",
        "vi": "không yếu tố nào tự nó làm đổi kết quả dự kiến ({after} {outcome})",
    },
    "curve": {
        "en": "{account} goes from rank {first} ({at_first}) to rank {last} ({at_last}) as its "
        "{knob} changes; {now}",
        "vi": "khi {knob} thay đổi, {account} đi từ hạng {first} ({at_first}) đến hạng {last} "
        "({at_last}); {now}",
    },
    "flat": {
        "en": "{account} stays at rank {first} whatever its {knob} is; {now}",
        "vi": "{account} vẫn ở hạng {first} dù {knob} là bao nhiêu; {now}",
    },
    "nowhere": {
        "en": "{account} is no candidate at any of these values; {now}",
        "vi": "{account} không là ứng viên ở bất kỳ mức nào; {now}",
    },
    "now": {"en": "rank {rank} as things are", "vi": "hiện tại hạng {rank}"},
    "absent_now": {"en": "no candidate as things are", "vi": "hiện tại không là ứng viên"},
    "absent": {
        "en": "; no candidate at {values}",
        "vi": "; không là ứng viên ở mức {values}",
    },
    "carries": {
        "en": "“{text}” carries the list most: without it {n_left} of the first {k} are replaced "
        "(overlap {rbo})",
        "vi": "câu “{text}” quyết định danh sách nhiều nhất: bỏ câu này thì {n_left} trong {k} tài "
        "khoản đầu bị thay (độ trùng {rbo})",
    },
    "reorders": {
        "en": "no sentence by itself decides who is in the first {k}; “{text}” moves their order "
        "most (overlap {rbo} without it)",
        "vi": "không câu nào tự nó quyết định ai vào {k} tài khoản đầu; câu “{text}” làm đổi thứ "
        "tự nhiều nhất (độ trùng {rbo} khi bỏ câu)",
    },
    "idle": {
        "en": "no sentence by itself moves the first {k}",
        "vi": "không câu nào tự nó làm đổi {k} tài khoản đầu",
    },
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
        "en": "of {n} plans, that under {name} gains most: {after} {outcome} instead of {before} "
        "({share}); {worst} least ({least})",
        "vi": "trong {n} phương án, {name} tăng nhiều nhất: {after} {outcome} thay vì {before} "
        "({share}); {worst} ít nhất ({least})",
    },
    "other_objective": {
        "en": "the plans have other objectives than now, so that their worth has no difference",
        "vi": "các phương án có mục tiêu khác hiện tại nên không so sánh giá trị được",
    },
}


def say_grid(table: pd.DataFrame, knobs: Sequence[str], *, n_top: int, language: Language) -> str:
    """What a grid comes to, by its cells inside what was learnt from where there are any.

    Parameters
    ----------
    table : pandas.DataFrame
        As of `matcher.whatif.grid.score_grid`.
    knobs : sequence of str
        Names of its knobs.
    n_top : int
        Length of lists.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        One sentence.
    """
    answered = table[table["refused"].isna()]
    held = _inside(answered)
    n = len(held)
    said = {"n": format_number(n, language), "k": format_number(n_top, language)}
    if len(set(held["outcome"].dropna())) == 1 and held["after"].notna().all():
        best = _top(held, "after")
        worst = _bottom(held, "after")
        alone = "one" if best["change"] else "same"
        key = alone if n == 1 else "level" if best["after"] == worst["after"] else "best"
        said |= {
            **_amounts(best, worst, language),
            "best": _cell(best, knobs, language),
            "worst": _cell(worst, knobs, language),
        }
    else:
        key, best = "list", _bottom(held, "overlap")
        said |= {
            "best": _cell(best, knobs, language),
            "n_left": format_number(best["n_left"], language),
            "rbo": format_number(best["overlap"], language, digits=2),
        }
    return _WORDS[key][language].format(**said) + _refusals(table, language) + "."


def _inside(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that may be relied on; all of them where there is none."""
    inside = table[~table["is_outside"].astype(bool)]
    return inside if len(inside) else table


def _top(table: pd.DataFrame, name: str) -> pd.Series:
    """Row with the largest value of a column, the first of equals."""
    return table.iloc[int(np.nanargmax(table[name].to_numpy(np.float64)))]


def _bottom(table: pd.DataFrame, name: str) -> pd.Series:
    """Row with the smallest value of a column, the first of equals."""
    return table.iloc[int(np.nanargmin(table[name].to_numpy(np.float64)))]


def _cell(row: pd.Series, knobs: Sequence[str], language: Language) -> str:
    return ", ".join(
        f"{knob_words(name, language)} = {value_words(name, row[name], language)}" for name in knobs
    )


def _amounts(best: pd.Series, worst: pd.Series, language: Language) -> dict[str, str]:
    return {
        "outcome": OUTCOME_NAMES[str(best["outcome"])][language],
        "before": _amount(best["before"], language),
        "after": _amount(best["after"], language),
        "least": _amount(worst["after"], language),
        "low": _signed(best["low"], language),
        "high": _signed(best["high"], language),
    }


def _amount(value: float, language: Language) -> str:
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 3
    return format_number(float(value), language, digits=digits)


def _signed(value: float, language: Language) -> str:
    return ("+" if value > 0 else "") + _amount(value, language)


def _refusals(table: pd.DataFrame, language: Language) -> str:
    n = int(table["refused"].notna().sum())
    return _WORDS["refused"][language].format(n=n, all=len(table)) if n else ""


def say_tornado(table: pd.DataFrame, *, n_top: int, language: Language) -> str:
    """What a tornado comes to, by its rows inside what was learnt from where there are any.

    Parameters
    ----------
    table : pandas.DataFrame
        As of `matcher.whatif.grid.tornado`.
    n_top : int
        Length of lists.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        One sentence.
    """
    answered = _inside(table[table["refused"].isna()])
    # A knob whose values stand for different outcomes has no swing.
    held = answered[answered["swing"].notna()]
    if held.empty:
        best = _bottom(answered, "overlap")
        said = {
            "n": format_number(len(answered), language),
            "k": format_number(n_top, language),
            "best": _set(best, language),
            "n_left": format_number(best["n_left"], language),
            "rbo": format_number(best["overlap"], language, digits=2),
        }
        return _WORDS["list"][language].format(**said) + _refusals(table, language) + "."
    reach = {str(name): _reach(own) for name, own in held.groupby("knob", sort=False)}
    own = held[held["knob"] == max(reach, key=lambda name: reach[name])]
    best, worst = _top(own, "after"), _bottom(own, "after")
    said = _amounts(best, worst, language)
    # A knob with one value is measured from things as they are.
    if len(own) == 1:
        said |= {"best": _set(best, language)}
        key = "alone" if best["change"] else "still"
        return _WORDS[key][language].format(**said) + _refusals(table, language) + "."
    said |= {
        "knob": knob_words(str(best["knob"]), language),
        "best": value_words(str(best["knob"]), best["value"], language),
        "worst": value_words(str(worst["knob"]), worst["value"], language),
    }
    key = "swing" if max(reach.values()) > 0 else "still"
    return _WORDS[key][language].format(**said) + _refusals(table, language) + "."


def _reach(own: pd.DataFrame) -> float:
    """How far a knob moves what is expected; of one value, from things as they are."""
    after = own["after"].to_numpy(np.float64)
    if len(after) > 1:
        return float(after.max() - after.min())
    return float(abs(own["change"].iloc[0]))


def _set(row: pd.Series, language: Language) -> str:
    name = str(row["knob"])
    return f"{knob_words(name, language)} = {value_words(name, row['value'], language)}"


def say_curve(
    table: pd.DataFrame, account_id: str, what: str, *, rank: int | None, language: Language
) -> str:
    """What a curve of one account comes to.

    Parameters
    ----------
    table : pandas.DataFrame
        As of `matcher.whatif.grid.account_curve`.
    account_id : str
        The account.
    what : str
        Field that changes.
    rank : int or None
        Rank as things are.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        One sentence; from the best rank inside what was learnt from to the worst.
    """
    name = f"{account_id}.{what}"
    now = "absent_now" if rank is None else "now"
    said: dict[str, Any] = {
        "account": one_line(account_id),
        "knob": field_words(what, language, is_account=True),
        "now": _WORDS[now][language].format(rank=rank),
    }
    ranked = table[table["rank"].notna()]
    absent = table.loc[table["rank"].isna() & table["refused"].isna(), "value"].tolist()
    if ranked.empty:
        return _WORDS["nowhere"][language].format(**said) + _refusals(table, language) + "."
    held = _inside(ranked)
    first, last = _top(held, "rank"), _bottom(held, "rank")
    said |= {
        "first": first["rank"],
        "last": last["rank"],
        "at_first": value_words(name, first["value"], language),
        "at_last": value_words(name, last["value"], language),
    }
    text = _WORDS["flat" if first["rank"] == last["rank"] else "curve"][language].format(**said)
    if absent:
        values = "; ".join(value_words(name, one, language) for one in absent[:5])
        text += _WORDS["absent"][language].format(values=values)
    return text + _refusals(table, language) + "."


def say_sentences(table: pd.DataFrame, *, n_top: int, language: Language) -> str:
    """Which sentence of a brief carries its list.

    Parameters
    ----------
    table : pandas.DataFrame
        As of `matcher.whatif.sentences.weigh_sentences`.
    n_top : int
        Length of lists.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        One sentence.
    """
    first = table.sort_values("carries", ascending=False, kind="stable").iloc[0]
    text = one_line(str(first["sentence"]))
    said = {
        "text": text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…",
        "k": format_number(n_top, language),
        "n_left": format_number(first["n_left"], language),
        "rbo": format_number(first["overlap"], language, digits=2),
    }
    key = "carries" if first["n_left"] else "reorders" if first["carries"] > 0 else "idle"
    return _WORDS[key][language].format(**said) + "."


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
    held = _inside(answered[answered["objective"] == answered["objective_before"]])
    if held.empty:
        return _WORDS["other_objective"][language] + _refusals(table, language) + "."
    share = held["worth_after"] / held["worth_before"].replace(0.0, np.nan) - 1.0
    held = held.assign(share=share.fillna(0.0))
    best, worst = _top(held, "share"), _bottom(held, "share")
    objective = str(best["objective"])
    said = {
        "n": format_number(len(held), language),
        "name": one_line(str(best["scenario"])),
        "worst": one_line(str(worst["scenario"])),
        "outcome": OUTCOME_NAMES.get(objective, {}).get(language, objective),
        "before": _amount(best["worth_before"], language),
        "after": _amount(best["worth_after"], language),
        "bound": _amount(best["bound_after"], language),
        "cost": _amount(best["cost_after"], language),
        "currency": str(best["currency"]),
        "share": change_words(float(best["share"]), language),
        "least": change_words(float(worst["share"]), language),
    }
    key = "plan" if len(held) == 1 else "plans"
    text = _WORDS[key][language].format(**said)
    if len(held) == 1 and np.isfinite(best["per_million"]):
        worth = _amount(best["per_million"], language)
        text += _WORDS["per_million"][language].format(worth=worth)
    return text + _refusals(table, language) + "."
