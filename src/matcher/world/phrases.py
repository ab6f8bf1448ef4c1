"""What captions, bios and briefs are put together from, in both languages and two families."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from matcher.world.vocabulary import fold

__all__ = [
    "CLIPPED",
    "ELONGATED",
    "EMOJI",
    "GENERIC_TAGS",
    "MARKS",
    "SPELLINGS",
    "STYLES",
    "Deck",
    "deal_deck",
    "language_of",
    "read_phrases",
    "respell",
]

Ints = npt.NDArray[np.int64]

STYLES: Final = ("vi", "vi_casual", "vi_folded", "en", "en_casual")
"""Ways of writing of people; the first three are Vietnamese."""

SPELLINGS: Final = (*STYLES, "vi_loud", "en_loud")
"""Ways of writing of single texts: those of people, and with letters drawn out."""

CLIPPED: Final = {
    "vi": (
        ("không", "ko"), ("được", "dc"), ("mọi người", "mn"), ("rồi", "r"), ("với", "vs"),
        ("mình", "mik"), ("vậy", "z"), ("nhé", "nha"), ("người", "ng"), ("biết", "bít"),
        ("bây giờ", "bh"), ("gì", "j"), ("bình luận", "cmt"),
    ),
    "en": (
        ("you", "u"), ("your", "ur"), ("and", "n"), ("are", "r"), ("because", "bc"),
        ("thank you", "ty"), ("to be honest", "tbh"), ("weekend", "wknd"), ("please", "pls"),
    ),
}  # fmt: skip
"""Plain to clipped spelling (teencode), whole words only."""

ELONGATED: Final = {
    "vi": (
        ("quá", "quáaaa"), ("đẹp", "đẹpppp"), ("xinh", "xinhhhh"), ("luôn", "luônnnn"),
        ("nha", "nhaaaa"), ("ghê", "ghêeee"), ("mê", "mêeee"), ("ơi", "ơiiii"),
        ("vui", "vuiiii"), ("thật", "thậtttt"), ("thôi", "thôiii"), ("nè", "nèeee"),
    ),
    "en": (
        ("so", "sooo"), ("good", "goooood"), ("love", "loveee"), ("really", "reallyyy"),
        ("yes", "yesss"), ("all", "allll"), ("pls", "plsss"), ("obsessed", "obsesseddd"),
        ("today", "todayyy"), ("no", "nooo"), ("help", "helppp"), ("just", "justtt"),
    ),
}  # fmt: skip
"""Words that are typed with letters drawn out, whole words only."""

EMOJI: Final = (
    ("😂", "🤣", "😭", "💀", "🤪", "🫣", "😂😂", "🙈"),
    ("📌", "📊", "✅", "🔍", "👇", "💡", "📝", "⚠️"),
    ("✨", "🤍", "🌿", "🕊️", "🌙", "🥀", "☁️", "💫"),
    ("❤️", "🥰", "🙏", "😊", "😅", "🫶", "👍", "❤️❤️"),
)
"""Emoji by tone: playful, expert, premium, honest."""

GENERIC_TAGS: Final = {
    "vi": ("#xuhuong", "#fyp", "#trending", "#viral", "#vietnam", "#xuhuongtiktok", "#xh"),
    "en": ("#fyp", "#viral", "#foryou", "#reels", "#explore", "#foryoupage", "#trending"),
}

MARKS: Final = {
    "vi": ("#quangcao", "#hoptac", "#qc", "#taitro", "#ad"),
    "en": ("#ad", "#sponsored", "#ad", "#paidpartnership", "#sponsored"),
}
"""Hashtags that disclose an advertisement."""


def language_of(spelling: str) -> str:
    """``"vi"`` or ``"en"``, the language of a way of writing.

    Parameters
    ----------
    spelling : str
        One of `SPELLINGS`.

    Returns
    -------
    str
        Its first two letters.
    """
    return spelling[:2]


def _swap(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    for plain, other in pairs:
        text = re.sub(rf"\b{plain}\b", other, text)
    return text


def respell(text: str, spelling: str) -> str:
    """Text as somebody with this way of writing types it.

    Parameters
    ----------
    text : str
        Text in the language of `spelling`; names in braces are kept.
    spelling : str
        One of `SPELLINGS`.

    Returns
    -------
    str
        With clipped words, without diacritics, in small letters or with letters drawn out.
    """
    if spelling == "vi_folded":
        return fold(text)
    if not spelling.endswith(("casual", "loud")):
        return text
    language = language_of(spelling)
    text = _swap(text.lower(), CLIPPED[language])
    return _swap(text, ELONGATED[language]) if spelling.endswith("loud") else text


@functools.cache
def read_phrases(name: str, family: str) -> Any:
    """Texts of one file and family.

    Parameters
    ----------
    name : str
        ``"captions_vi"``, ``"captions_en"`` or ``"briefs"``.
    family : str
        ``"training"`` or ``"held_out"``.

    Returns
    -------
    dict
        As in the file.
    """
    source = resources.files("matcher.world").joinpath(f"{name}.json")
    return json.loads(source.read_text("utf-8"))[family]


@dataclass(frozen=True, eq=False)
class Deck:
    """Templates in every way of writing, cut at their slots.

    Attributes
    ----------
    heads, middles, tails : pyarrow.Array of str
        What stands before, between and after the two slots; a template with one slot has an
        empty tail, one without any has only a head.
    n_slots : ndarray of int
        Slots of each row, 0 to 2.
    is_first : ndarray of bool
        Whether a row begins with a slot and wants a capital letter there.
    start, size : ndarray of int, shape (n_spellings, n_groups)
        Rows of each way of writing and group.
    """

    heads: pa.Array
    middles: pa.Array
    tails: pa.Array
    n_slots: Ints
    is_first: npt.NDArray[np.bool_]
    start: Ints
    size: Ints

    def draw(self, spelling: Ints, group: Ints | int, rng: np.random.Generator) -> Ints:
        """Rows drawn evenly within a way of writing and group.

        Parameters
        ----------
        spelling : ndarray of int, shape (n,)
            Index into `SPELLINGS`.
        group : ndarray of int, shape (n,), or int
            Group of templates.
        rng : numpy.random.Generator
            Source of draws.

        Returns
        -------
        ndarray of int, shape (n,)
            Rows; 0 where the group is empty in that language.
        """
        size = self.size[spelling, group]
        drawn = np.floor(rng.random(len(spelling)) * size).astype(np.int64)
        return np.where(size > 0, self.start[spelling, group] + drawn, 0)


def deal_deck(groups: Mapping[str, Sequence[Sequence[str]]]) -> Deck:
    """Templates of both languages, written in every way.

    Parameters
    ----------
    groups : mapping of str to sequence of sequences of str
        Language to groups of templates; slots are ``{a}`` and, after it, ``{b}``, or one slot
        of another name.

    Returns
    -------
    Deck
        Templates in all spellings.
    """
    rows: list[tuple[str, str, str, int, bool]] = []
    n_groups = len(groups["vi"])
    start = np.zeros((len(SPELLINGS), n_groups), dtype=np.int64)
    size = np.zeros_like(start)
    for k, spelling in enumerate(SPELLINGS):
        for g, templates in enumerate(groups[language_of(spelling)]):
            start[k, g], size[k, g] = len(rows), len(templates)
            rows.extend(_cut(template, spelling) for template in templates)
    heads, middles, tails, n_slots, is_first = zip(*rows, strict=True)
    return Deck(
        heads=pa.array(heads),
        middles=pa.array(middles),
        tails=pa.array(tails),
        n_slots=np.array(n_slots),
        is_first=np.array(is_first),
        start=start,
        size=size,
    )


def _cut(template: str, spelling: str) -> tuple[str, str, str, int, bool]:
    parts = [""]
    for piece in template.replace("{", "\0{").split("\0"):
        if piece.startswith("{"):
            parts.append(piece.split("}", 1)[1])
        else:
            parts[-1] += piece
    parts = [respell(part, spelling) for part in parts]
    n_slots = len(parts) - 1
    is_casual = spelling.endswith(("casual", "loud"))
    head, middle, tail = (*parts, "", "")[:3]
    return head, middle, tail, n_slots, n_slots > 0 and not head and not is_casual
