"""Pictures of what-if answers: changes with intervals, grids, tornados, sentences, curves."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.plain import one_line
from matcher.recommend.wording import OUTCOME_NAMES, format_number
from matcher.report.pictures import render_picture
from matcher.whatif.fields import knob_words, value_words

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from matcher.recommend.wording import Language
    from matcher.whatif.answer import Comparison

__all__ = ["draw_answers"]

_UP, _DOWN, _PLAIN = "#2E7D32", "#C62828", "#455A64"
_LONGEST: Final = 44
_WORDS: Final = {
    "changes": {"en": "Expected change, {outcome}", "vi": "Thay đổi dự kiến, {outcome}"},
    "percent": {"en": "% of what is expected now, 80 %", "vi": "% so với hiện tại, khoảng 80 %"},
    "share": {"en": "% of what is expected now", "vi": "% so với hiện tại"},
    "grid": {"en": "Expected, by {knob}", "vi": "Dự kiến, theo {knob}"},
    "tornado": {"en": "One knob at a time", "vi": "Thay đổi từng yếu tố"},
    "sentences": {
        "en": "What each sentence carries (1 less overlap without it)",
        "vi": "Mỗi câu quyết định bao nhiêu (1 trừ độ trùng khi bỏ câu)",
    },
    "curve": {"en": "Rank by {what}", "vi": "Thứ hạng theo {what}"},
    "outside": {
        "en": "hollow: beyond what the model learnt from",
        "vi": "rỗng: ngoài dữ liệu mà mô hình đã học",
    },
    "starred": {
        "en": "*: beyond what the model learnt from",
        "vi": "*: ngoài dữ liệu mà mô hình đã học",
    },
}


def draw_answers(
    found: Comparison, *, language: Language = "en", form: str = "svg"
) -> dict[str, bytes]:
    """Pictures of a comparison.

    Parameters
    ----------
    found : Comparison
        Answers.
    language : {"en", "vi"}
        Language.
    form : {"svg", "png"}
        Form.

    Returns
    -------
    dict of str to bytes
        By name without suffix: ``changes`` where scenarios have predicted outcomes, and one of
        each further table that can be drawn.
    """
    jobs: dict[str, tuple[Callable[[Any], None], int]] = {}
    table = found.frame()
    if len(table) and table["before"].notna().any():
        held = table[table["before"].fillna(0.0) > 0]
        jobs["changes"] = (lambda axes: _changes(axes, held, language), len(held))
    parts = found.parts
    if "grid" in parts and len(_knobs(parts["grid"])) == 2:
        jobs["grid"] = (lambda axes: _heat(axes, parts["grid"], language), 10)
    elif "grid" in parts:
        jobs["grid"] = (lambda axes: _line(axes, parts["grid"], language), 10)
    if "tornado" in parts:
        jobs["tornado"] = (lambda axes: _tornado(axes, parts["tornado"], language),
                           len(parts["tornado"]))  # fmt: skip
    if "sentences" in parts:
        jobs["sentences"] = (
            lambda axes: _sentences(axes, parts["sentences"], language),
            len(parts["sentences"]),
        )
    if "curve" in parts:
        jobs["curve"] = (lambda axes: _curve(axes, parts["curve"], language), 10)
    return {name: _picture(draw, n_rows, form) for name, (draw, n_rows) in jobs.items()}


def _picture(draw: Callable[[Any], None], n_rows: int, form: str) -> bytes:
    def on(figure: Any) -> None:
        axes = figure.subplots()
        draw(axes)
        axes.spines[["top", "right"]].set_visible(False)

    return render_picture(on, form=form, size=(8.5, 1.8 + 0.34 * n_rows), dpi=110)


def _short(text: object) -> str:
    plain = " ".join(one_line(str(text)).split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def _changes(axes: Any, table: pd.DataFrame, language: Language) -> None:
    middle, low, high = (
        100.0 * table[name].to_numpy(np.float64) for name in ("share", "low_share", "high_share")
    )
    colours = np.where(middle > 0, _UP, np.where(middle < 0, _DOWN, _PLAIN))
    places = np.arange(len(table))[::-1]
    axes.barh(places, middle, color=colours, height=0.5, alpha=0.85)
    axes.hlines(places, low, high, color="#212121", linewidth=1.6)
    axes.axvline(0, color="#9E9E9E", linewidth=0.8)
    axes.set_yticks(places, [_short(name) for name in table["name"]])
    axes.set_xlabel(_WORDS["percent"][language])
    outcome = OUTCOME_NAMES[str(table["outcome"].iloc[0])][language]
    axes.set_title(_WORDS["changes"][language].format(outcome=outcome), loc="left")


def _knobs(table: pd.DataFrame) -> list[str]:
    names = list(table.columns)
    return [str(name) for name in names[: names.index("overlap")]]


def _line(axes: Any, table: pd.DataFrame, language: Language) -> None:
    knob = _knobs(table)[0]
    places = np.arange(len(table))
    after = table["after"].to_numpy(np.float64)
    before = table["before"].to_numpy(np.float64)
    axes.fill_between(
        places, before + table["low"], before + table["high"], color="#90CAF9", alpha=0.5
    )
    axes.plot(places, after, marker="o", color="#1565C0")
    _hollow(axes, places, after, table, language)
    # A cell that cannot be answered knows nothing of things as they are either.
    known = before[np.isfinite(before)]
    if len(known):
        axes.axhline(known[0], color="#9E9E9E", linewidth=0.8, linestyle=":")
    names = [_short(value_words(knob, value, language)) for value in table[knob]]
    axes.set_xticks(places, names, rotation=20, ha="right")
    words = _short(knob_words(knob, language))
    axes.set_title(_WORDS["grid"][language].format(knob=words), loc="left")


def _hollow(
    axes: Any, places: NDArray[np.int64], values: NDArray[Any], table: pd.DataFrame,
    language: Language,
) -> None:  # fmt: skip
    """Mark what lies beyond what the model learnt from."""
    far = table["is_outside"].to_numpy(bool)
    if far.any():
        axes.plot(places[far], values[far], "o", markerfacecolor="white", color="#1565C0")
        axes.set_xlabel(_WORDS["outside"][language])


def _heat(axes: Any, table: pd.DataFrame, language: Language) -> None:
    first, second = _knobs(table)
    rows, columns = list(dict.fromkeys(table[first])), list(dict.fromkeys(table[second]))
    far = table["is_outside"].to_numpy(bool).reshape(len(rows), len(columns))
    values = table["after"].to_numpy(np.float64).reshape(len(rows), len(columns))
    axes.imshow(values, cmap="Blues", aspect="auto")
    limit = np.nanmean(values) if np.isfinite(values).any() else 0.0
    for row in range(len(rows)):
        for column in range(len(columns)):
            value = float(values[row, column])
            text = "–" if not np.isfinite(value) else format_number(value, language)
            text += "*" if far[row, column] else ""
            colour = "white" if value > limit else "black"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    words = [knob_words(name, language) for name in (first, second)]
    names = [
        [_short(value_words(name, one, language)) for one in held]
        for name, held in ((first, rows), (second, columns))
    ]
    axes.set_xticks(range(len(columns)), names[1], rotation=20, ha="right")
    axes.set_yticks(range(len(rows)), names[0])
    starred = f" ({_WORDS['starred'][language]})" if far.any() else ""
    axes.set_xlabel(_short(words[1]) + starred)
    axes.set_ylabel(_short(words[0]))
    axes.set_title(_WORDS["grid"][language].format(knob=", ".join(words)), loc="left")


def _tornado(axes: Any, table: pd.DataFrame, language: Language) -> None:
    before = table["before"].to_numpy(np.float64)
    change = 100.0 * np.divide(
        table["change"].to_numpy(np.float64), before, out=np.zeros(len(table)), where=before > 0
    )
    places = np.arange(len(table))[::-1]
    bars = axes.barh(places, change, color=np.where(change >= 0, _UP, _DOWN), height=0.6)
    far = table["is_outside"].to_numpy(bool)
    for bar, is_far in zip(bars, far, strict=True):
        if is_far:
            bar.set_facecolor("white")
            bar.set_edgecolor(_PLAIN)
    axes.axvline(0, color="#9E9E9E", linewidth=0.8)
    names = [
        f"{_short(knob_words(knob, language))} = {_short(value_words(knob, value, language))}"
        for knob, value in zip(table["knob"], table["value"], strict=True)
    ]
    axes.set_yticks(places, names)
    hollow = f"; {_WORDS['outside'][language]}" if far.any() else ""
    axes.set_xlabel(_WORDS["share"][language] + hollow)
    axes.set_title(_WORDS["tornado"][language], loc="left")


def _sentences(axes: Any, table: pd.DataFrame, language: Language) -> None:
    places = np.arange(len(table))[::-1]
    axes.barh(places, table["carries"].to_numpy(np.float64), color="#1565C0", height=0.6)
    axes.set_yticks(places, [_short(text) for text in table["sentence"]])
    axes.set_xlim(left=0.0)
    axes.set_title(_WORDS["sentences"][language], loc="left")


def _curve(axes: Any, table: pd.DataFrame, language: Language) -> None:
    places = np.arange(len(table))
    ranks = np.array(table["rank"].astype(float).tolist(), dtype=np.float64)
    axes.plot(places, ranks, marker="o", color="#1565C0")
    _hollow(axes, places, ranks, table, language)
    axes.invert_yaxis()
    knob = str(table["knob"].iloc[0])
    axes.set_xticks(places, [_short(value_words(knob, one, language)) for one in table["value"]])
    title = _WORDS["curve"][language].format(what=knob_words(knob, language))
    axes.set_title("\n".join(textwrap.wrap(one_line(title), 64)), loc="left")
