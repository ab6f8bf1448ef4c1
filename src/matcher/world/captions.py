"""Captions and bios, put together columnwise from phrase tables."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from matcher.world.phrases import (
    BIOS,
    BRAND_LINES,
    CAPTIONS,
    EMOJI,
    FILLERS,
    GENERIC_TAGS,
    TEENCODE,
)
from matcher.world.vocabulary import N_WORDS, Vocabulary, fold, read_vocabulary

__all__ = ["STYLES", "CaptionPlan", "build_bios", "build_captions"]

Ints = npt.NDArray[np.int64]

STYLES: Final = ("vi", "vi_casual", "vi_folded", "en", "en_casual")
"""Ways of writing; the first three are Vietnamese."""
_N_TEMPLATES: Final = 6
_N_COMMON_WORDS: Final = 5


@dataclass(frozen=True, eq=False)
class CaptionPlan:
    """What each caption says; arrays of shape (n_posts,)."""

    sub: Ints
    """Sub-topic; -1 for a post about nothing in particular."""
    tone: Ints
    style: Ints
    word_shift: Ints
    """Preference of the author among a sub-topic's words."""
    brand: Ints
    """Brand spoken of; -1 for none."""
    is_disclosed: npt.NDArray[np.bool_]
    is_switching: npt.NDArray[np.bool_]
    """Whether the second word comes from the other language."""


@dataclass(frozen=True, eq=False)
class _Tables:
    heads: pa.Array
    middles: pa.Array
    tails: pa.Array
    fillers: pa.Array
    words: pa.Array
    hashtags: pa.Array
    generic: pa.Array


def _restyle(text: str, style: str) -> str:
    if style == "vi_casual":
        for plain, clipped in TEENCODE:
            text = text.replace(plain, clipped)
        return text.lower()
    if style == "vi_folded":
        return fold(text)
    if style == "en_casual":
        return text.lower().replace("you ", "u ").replace(" and ", " n ").replace("are ", "r ")
    return text


def _language(style: str) -> str:
    return style[:2]


@functools.cache
def _tables(n_categories: int) -> _Tables:
    vocabulary = read_vocabulary(n_categories)
    parts: list[list[str]] = [[], [], []]
    fillers: list[str] = []
    words: list[str] = []
    hashtags: list[str] = []
    generic: list[str] = []
    for style in STYLES:
        language = _language(style)
        for tone in CAPTIONS[language]:
            for template in tone:
                for k in range(3):
                    parts[k].append(_restyle(template[k], style))
        fillers.extend(_restyle(text, style) for text in FILLERS[language])
        folded = style == "vi_folded"
        words.extend(fold(w) if folded else w for w in vocabulary.words[language])
        hashtags.extend(" #" + fold(w).replace(" ", "") for w in vocabulary.words[language])
        generic.extend(GENERIC_TAGS[language])
    return _Tables(
        heads=pa.array(parts[0]),
        middles=pa.array(parts[1]),
        tails=pa.array(parts[2]),
        fillers=pa.array(fillers),
        words=pa.array(words),
        hashtags=pa.array([*hashtags, ""]),
        generic=pa.array(generic),
    )


def _take(table: pa.Array, index: Ints) -> Any:
    return table.take(pa.array(index))


def _join(*columns: Any) -> Any:
    # pyarrow ships no type information for its kernels.
    join: Any = getattr(pc, "binary_join_element_wise")  # noqa: B009
    return join(*columns, "")


def _draw_words(sub: Ints, shift: Ints, rng: np.random.Generator) -> Ints:
    common = (np.floor(_N_COMMON_WORDS * rng.random(len(sub)) ** 1.5) + shift) % _N_COMMON_WORDS
    rare = _N_COMMON_WORDS + rng.integers(0, N_WORDS - _N_COMMON_WORDS, len(sub))
    word = np.where(rng.random(len(sub)) < 0.08, rare, common).astype(np.int64)
    return np.maximum(sub, 0) * N_WORDS + word


def build_captions(
    plan: CaptionPlan,
    vocabulary: Vocabulary,
    brand_names: tuple[str, ...],
    rng: np.random.Generator,
) -> Any:
    """Captions as they would be typed.

    Parameters
    ----------
    plan : CaptionPlan
        What each caption says.
    vocabulary : Vocabulary
        Topics in use.
    brand_names : tuple of str
        Brands that may be spoken of.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    pyarrow.Array of str, length n_posts
        Captions; about 2 % null.
    """
    n = len(plan.sub)
    tables = _tables(len(vocabulary.categories))
    has_topic = plan.sub >= 0
    template = rng.integers(0, _N_TEMPLATES, n)
    template += _N_TEMPLATES * (plan.tone + len(CAPTIONS["vi"]) * plan.style)
    block = vocabulary.n_sub * N_WORDS
    is_vi = plan.style < 3
    other = np.where(plan.is_switching, np.where(is_vi, 3, 0), plan.style)
    first = _draw_words(plan.sub, plan.word_shift, rng)
    second = _draw_words(plan.sub, plan.word_shift, rng)
    twice = second == first
    second = np.where(twice, first - first % N_WORDS + (first + 1) % N_WORDS, second)
    n_fillers = len(FILLERS["vi"])
    filler = plan.style * n_fillers + rng.integers(0, n_fillers, n)
    body = _join(
        _take(tables.heads, template),
        _take(tables.words, plan.style * block + first),
        _take(tables.middles, template),
        _take(tables.words, other * block + second),
        _take(tables.tails, template),
    )
    body = pc.if_else(pa.array(has_topic), body, _take(tables.fillers, filler))
    none = len(tables.hashtags) - 1
    tags = []
    for share in (0.55, 0.35):
        tag = plan.style * block + _draw_words(plan.sub, plan.word_shift, rng)
        tags.append(np.where(has_topic & (rng.random(n) < share), tag, none))
    n_generic = len(GENERIC_TAGS["vi"])
    text = _join(
        body,
        _brand_lines(plan, brand_names, rng),
        _take(pa.array(EMOJI), rng.integers(0, len(EMOJI), n)),
        _take(tables.hashtags, tags[0]),
        _take(tables.hashtags, tags[1]),
        _take(tables.generic, plan.style * n_generic + rng.integers(0, n_generic, n)),
        _disclosures(plan, rng),
    )
    return pc.if_else(pa.array(rng.random(n) < 0.98), text, pa.scalar(None, pa.string()))


def _brand_lines(plan: CaptionPlan, brand_names: tuple[str, ...], rng: np.random.Generator) -> Any:
    lines = [""]
    for language in ("vi", "en"):
        for name in brand_names:
            lines.extend(line.format(brand=name) for line in BRAND_LINES[language])
    n_lines = len(BRAND_LINES["vi"])
    offset = np.where(plan.style < 3, 0, len(brand_names) * n_lines)
    index = 1 + offset + plan.brand * n_lines + rng.integers(0, n_lines, len(plan.brand))
    return _take(pa.array(lines), np.where(plan.brand >= 0, index, 0))


def _disclosures(plan: CaptionPlan, rng: np.random.Generator) -> Any:
    marks = pa.array(["", " #quangcao", " #hoptac", " #ad", " #sponsored"])
    drawn = rng.integers(0, 2, len(plan.style)) + np.where(plan.style < 3, 1, 3)
    return _take(marks, np.where(plan.is_disclosed, drawn, 0))


def build_bios(
    first: Ints, second: Ints, style: Ints, vocabulary: Vocabulary, rng: np.random.Generator
) -> Any:
    """Bios that name two of a person's sub-topics.

    Parameters
    ----------
    first, second : ndarray of int, shape (n,)
        Sub-topics.
    style : ndarray of int, shape (n,)
        Index into `STYLES`.
    vocabulary : Vocabulary
        Topics in use.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    pyarrow.Array of str, length n
        Bios; about 12 % null.
    """
    n = len(first)
    parts: list[list[str]] = [[], [], []]
    for name in STYLES:
        for bio in BIOS[_language(name)]:
            for k in range(3):
                parts[k].append(_restyle(bio[k], name))
    template = style * len(BIOS["vi"]) + rng.integers(0, len(BIOS["vi"]), n)
    tables = _tables(len(vocabulary.categories))
    block = vocabulary.n_sub * N_WORDS
    zero = np.zeros(n, dtype=np.int64)
    text = _join(
        _take(pa.array(parts[0]), template),
        _take(tables.words, style * block + _draw_words(first, zero, rng)),
        _take(pa.array(parts[1]), template),
        _take(tables.words, style * block + _draw_words(second, zero, rng)),
        _take(pa.array(parts[2]), template),
    )
    return pc.if_else(pa.array(rng.random(n) < 0.88), text, pa.scalar(None, pa.string()))
