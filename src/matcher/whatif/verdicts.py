"""Verdicts of grids, tornados, curves and sentences: one sentence for each table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.plain import one_line
from matcher.recommend.wording import OUTCOME_NAMES, format_number
from matcher.whatif.fields import field_words, knob_words, value_words
from matcher.whatif.verdict_rows import (
    amount_words,
    bottom_row,
    inside_rows,
    or_words,
    refusal_words,
    tied_rows,
    top_row,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from matcher.recommend.wording import Language

__all__ = ["say_curve", "say_grid", "say_sentences", "say_tornado"]

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
    "idle_knob": {
        "en": "; {knob} makes no difference",
        "vi": "; {knob} không làm thay đổi gì",
    },
    "as_far": {"en": "; as far with {knobs}", "vi": "; {knobs} cũng vậy"},
    "list": {
        "en": "of {n} cells, {best} changes the first {k} most ({n_left} replaced, overlap {rbo})",
        "vi": "trong {n} ô, {best} thay đổi {k} tài khoản đầu nhiều nhất ({n_left} bị thay, độ "
        "trùng {rbo})",
    },
    "swing": {
        "en": "what is expected moves most with {knob}, from {least} {outcome} ({worst}) to "
        "{after} ({best}); {before} as things are",
        "vi": "kết quả dự kiến đổi nhiều nhất theo {knob}, từ {least} {outcome} ({worst}) đến "
        "{after} ({best}); hiện tại {before}",
    },
    "alone": {
        "en": "what is expected moves most with {best}: {after} {outcome} instead of {before}",
        "vi": "kết quả dự kiến đổi nhiều nhất với {best}: {after} {outcome} thay vì {before}",
    },
    "still": {
        "en": "no knob by itself moves what is expected ({after} {outcome})",
        "vi": "không yếu tố nào tự nó làm đổi kết quả dự kiến ({after} {outcome})",
    },
    "curve": {
        "en": "{account} goes from rank {first} ({at_first}) to rank {last} ({at_last}), by "
        "{knob}; {now}",
        "vi": "{account} đi từ hạng {first} ({at_first}) đến hạng {last} ({at_last}), tùy theo "
        "{knob}; {now}",
    },
    "flat": {
        "en": "{account} stays at rank {first} whatever {knob}; {now}",
        "vi": "{account} vẫn ở hạng {first} dù {knob} thế nào; {now}",
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
    held = inside_rows(answered)
    n = len(held)
    said = {"n": format_number(n, language), "k": format_number(n_top, language)}
    if len(set(held["outcome"].dropna())) == 1 and held["after"].notna().all():
        best = top_row(held, "after")
        worst = bottom_row(held, "after")
        idle = _idle_knobs(held, knobs) if len(held) == len(table) else []
        told = [name for name in knobs if name not in idle] or list(knobs)
        alone = "one" if best["change"] else "same"
        key = alone if n == 1 else "level" if best["after"] == worst["after"] else "best"
        said |= {
            **_amounts(best, worst, language),
            "best": _cells(tied_rows(held, "after", best), told, language),
            "worst": _cells(tied_rows(held, "after", worst), told, language),
        }
    else:
        key, best = "list", bottom_row(held, "overlap")
        said |= {
            "best": _cells(tied_rows(held, "overlap", best), knobs, language),
            "n_left": format_number(best["n_left"], language),
            "rbo": format_number(best["overlap"], language, digits=2),
        }
    text = _WORDS[key][language].format(**said)
    if key == "best":
        for name in idle:
            words = _definite(knob_words(name, language), language)
            text += _WORDS["idle_knob"][language].format(knob=words)
    return text + refusal_words(table, language) + "."


def _idle_knobs(held: pd.DataFrame, knobs: Sequence[str]) -> list[str]:
    """Knobs of a crossed grid that move nothing, whatever the other is set to."""
    idle = []
    for name in knobs:
        others = [one for one in knobs if one != name]
        if not others or held[name].nunique() < 2:
            continue
        spread = held.groupby(others[0], sort=False)["after"].agg(np.ptp)
        if (spread.to_numpy(np.float64) <= 1e-9 * held["after"].abs().max()).all():
            idle.append(name)
    return idle


def _cells(rows: pd.DataFrame, knobs: Sequence[str], language: Language) -> str:
    """Cells by what is set; those between which nothing decides joined by "or"."""
    said = [
        ", ".join(
            f"{knob_words(name, language)} = {value_words(name, row[name], language)}"
            for name in knobs
        )
        for _, row in rows.iterrows()
    ]
    return or_words(said, language)


def _amounts(best: pd.Series, worst: pd.Series, language: Language) -> dict[str, str]:
    return {
        "outcome": OUTCOME_NAMES[str(best["outcome"])][language],
        "before": amount_words(best["before"], language),
        "after": amount_words(best["after"], language),
        "least": amount_words(worst["after"], language),
        "low": _signed(best["low"], language),
        "high": _signed(best["high"], language),
    }


def _signed(value: float, language: Language) -> str:
    return ("+" if value > 0 else "") + amount_words(value, language)


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
    answered = inside_rows(table[table["refused"].isna()])
    # A knob whose values stand for different outcomes has no swing.
    held = answered[answered["swing"].notna()]
    if held.empty:
        best = bottom_row(answered, "overlap")
        tied = tied_rows(answered, "overlap", best)
        said = {
            "n": format_number(len(answered), language),
            "k": format_number(n_top, language),
            "best": or_words([_set(row, language) for _, row in tied.iterrows()], language),
            "n_left": format_number(best["n_left"], language),
            "rbo": format_number(best["overlap"], language, digits=2),
        }
        return _WORDS["list"][language].format(**said) + refusal_words(table, language) + "."
    reach = {str(name): _reach(own) for name, own in held.groupby("knob", sort=False)}
    first = max(reach, key=lambda name: reach[name])
    own = held[held["knob"] == first]
    same = [
        _definite(knob_words(name, language), language)
        for name, far in reach.items()
        if name != first and far > 0 and np.isclose(far, reach[first], rtol=1e-9)
    ]
    more = _WORDS["as_far"][language].format(knobs=or_words(same, language)) if same else ""
    more += refusal_words(table, language) + "."
    best, worst = top_row(own, "after"), bottom_row(own, "after")
    said = _amounts(best, worst, language)
    # A knob with one value is measured from things as they are.
    if len(own) == 1:
        said |= {"best": _set(best, language)}
        key = "alone" if best["change"] else "still"
        return _WORDS[key][language].format(**said) + more
    said |= {
        "knob": _definite(knob_words(str(best["knob"]), language), language),
        **{
            end: or_words(
                [
                    value_words(first, one, language)
                    for one in tied_rows(own, "after", row)["value"]
                ],
                language,
            )
            for end, row in (("best", best), ("worst", worst))
        },
    }
    key = "swing" if max(reach.values()) > 0 else "still"
    return _WORDS[key][language].format(**said) + more


def _reach(own: pd.DataFrame) -> float:
    """How far a knob moves what is expected; of one value, from things as they are."""
    after = own["after"].to_numpy(np.float64)
    if len(after) > 1:
        return float(after.max() - after.min())
    return float(abs(own["change"].iloc[0]))


def _definite(words: str, language: Language) -> str:
    return words if language == "vi" or words.startswith("the ") else f"the {words}"


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
        "knob": _definite(field_words(what, language, is_account=True), language),
        "now": _WORDS[now][language].format(rank=rank),
    }
    ranked = table[table["rank"].notna()]
    absent = table.loc[table["rank"].isna() & table["refused"].isna(), "value"].tolist()
    if ranked.empty:
        return _WORDS["nowhere"][language].format(**said) + refusal_words(table, language) + "."
    held = inside_rows(ranked)
    first, last = top_row(held, "rank"), bottom_row(held, "rank")
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
    return text + refusal_words(table, language) + "."


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
