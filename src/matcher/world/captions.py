"""Captions, put together columnwise from phrase tables."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from matcher.world.drafts import (
    CAPTION,
    N_TONES,
    SHORT,
    STORY,
    SWITCHED,
    CaptionPlan,
    Draft,
    draw_words,
    join,
    read_tables,
    shown_where,
    take,
)
from matcher.world.hashtags import brand_tag_column, emoji_column, hashtag_columns, mark_column
from matcher.world.phrases import SPELLINGS, STYLES
from matcher.world.places import CITY_WORDS
from matcher.world.seasons import season_of
from matcher.world.vocabulary import Vocabulary, fold

__all__ = ["STYLES", "CaptionPlan", "build_captions"]

Masks = npt.NDArray[np.bool_]

_BREAKS: Final = (". ", ". ", ". ", ".\n", "! ", "\n", "\n\n", "... ")
_CODE_ENDINGS: Final = ("10", "15", "20", "50K", "VIP", "NEW")


def build_captions(
    plan: CaptionPlan,
    vocabulary: Vocabulary,
    brand_names: tuple[str, ...],
    rng: np.random.Generator,
) -> Any:
    """Captions as they would be typed: some bare, some of a few sentences, some all hashtags.

    Parameters
    ----------
    plan : CaptionPlan
        What each caption says.
    vocabulary : Vocabulary
        Topics in use, and the family of wording.
    brand_names : tuple of str
        Brands that may be spoken of.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    pyarrow.Array of str, length n_posts
        Captions; about 2 % null.
    """
    draft = _start(plan, vocabulary, rng)
    named = pa.array(["", *brand_names])
    brand = take(named, plan.brand + 1)
    label, thanks, is_named, is_labelled = _brand_lines(draft, brand)
    pieces = [
        label,
        _body(draft),
        *_asides(draft),
        thanks,
        _pitch_line(draft, brand_names),
        emoji_column(draft),
        *hashtag_columns(draft),
        brand_tag_column(draft, brand_names, is_named),
        mark_column(draft, is_labelled),
    ]
    kernels: Any = pc
    text = join(*pieces)
    # A question or an exclamation ends its sentence by itself.
    text = kernels.replace_substring_regex(text, r"([?!…])[.,!]+", r"\1")
    text = kernels.replace_substring_regex(text, r"^[\s.!]+", "")
    text = kernels.replace_substring_regex(text, r" {2,}", " ")
    text = kernels.utf8_trim_whitespace(text)
    return kernels.if_else(pa.array(rng.random(draft.n) < 0.98), text, pa.scalar(None, pa.string()))


def _start(plan: CaptionPlan, vocabulary: Vocabulary, rng: np.random.Generator) -> Draft:
    n = len(plan.sub)
    tables = read_tables(len(vocabulary.categories), vocabulary.phrases)
    has_topic = plan.sub >= 0
    loud = np.where(plan.style < 3, SPELLINGS.index("vi_loud"), SPELLINGS.index("en_loud"))
    is_casual = (plan.style == 1) | (plan.style == 4)
    spelling = np.where(is_casual & (rng.random(n) < 0.35), loud, plan.style)
    drawn = rng.random(n)
    form = np.select([drawn < 0.2, drawn > 0.93], [SHORT, STORY], CAPTION)
    form = np.where(plan.is_switching & (rng.random(n) < 0.5), SWITCHED, form)
    # Few captions are made of emoji or hashtags alone; one that was paid for says something.
    has_body = plan.is_paid | (rng.random(n) >= np.where(has_topic, 0.07, 0.05))
    return Draft(
        plan=plan,
        vocabulary=vocabulary,
        tables=tables,
        spelling=spelling,
        form=form,
        breaks=take(pa.array(_BREAKS), rng.integers(0, len(_BREAKS), n)),
        has_body=has_body,
        is_long=has_body & (form != STORY) & (rng.random(n) < 0.3),
        rng=rng,
    )


def _body(draft: Draft) -> Any:
    """Opener and main sentence with its two words, or a line about nothing in particular."""
    plan, tables, rng = draft.plan, draft.tables, draft.rng
    has_topic = plan.sub >= 0
    block = draft.vocabulary.n_sub * draft.vocabulary.n_words
    n_words = draft.vocabulary.n_words
    group = np.where(draft.form == SWITCHED, SWITCHED * N_TONES, draft.form * N_TONES + plan.tone)
    rows = tables.bodies.draw(draft.spelling, group, rng)
    first = draw_words(plan.sub, plan.word_shift, draft.vocabulary, rng)
    second = draw_words(plan.sub, plan.word_shift, draft.vocabulary, rng)
    second = np.where(second == first, first - first % n_words + (first + 1) % n_words, second)
    other = np.where(plan.style < 3, SPELLINGS.index("en"), SPELLINGS.index("vi"))
    other = np.where(plan.is_switching, other, draft.spelling)
    opening = draft.spelling * block + first
    word = pc.if_else(
        pa.array(tables.bodies.is_first[rows]),
        take(tables.titled, opening),
        take(tables.words, opening),
    )
    closing = shown_where(
        tables.bodies.n_slots[rows] > 1, take(tables.words, other * block + second)
    )
    body = join(
        take(tables.bodies.heads, rows),
        word,
        take(tables.bodies.middles, rows),
        closing,
        take(tables.bodies.tails, rows),
    )
    filler = take(tables.fillers.heads, tables.fillers.draw(draft.spelling, 0, rng))
    body = pc.if_else(pa.array(has_topic), body, filler)
    is_opened = draft.has_body & (draft.form == CAPTION) & (rng.random(draft.n) < 0.12)
    opener = draft.sentence(tables.openers, 0, is_opened)
    body = pc.if_else(pa.array(is_opened), join("! ", body), join(draft.breaks, body))
    return join(opener, shown_where(draft.has_body, body))


def _asides(draft: Draft) -> list[Any]:
    """Further sentences: in the author's tone, of the season, of home and of the time of life."""
    plan, tables, rng = draft.plan, draft.tables, draft.rng
    n, is_long = draft.n, draft.is_long
    is_second = draft.has_body & (rng.random(n) < 0.22)
    season = season_of(plan.day, plan.style < 3)
    is_seasonal = draft.has_body & (season >= 0) & (rng.random(n) < 0.3)
    is_local = draft.has_body & (rng.random(n) < np.where(is_long, 0.22, 0.04))
    is_of_age = draft.has_body & (rng.random(n) < np.where(is_long, 0.4, 0.05))
    cities = np.array([CITY_WORDS["vi"], CITY_WORDS["en"]])
    spoken = pa.array([*cities[0], *map(fold, cities[0]), *cities[1]])
    row = np.select([plan.style == 2, plan.style >= 3], [1, 2], 0) * len(cities[0]) + plan.city
    return [
        draft.sentence(tables.extras, plan.tone, is_second | is_long),
        draft.sentence(tables.life, plan.stage, is_of_age),
        draft.sentence(tables.places, 0, is_local, take(spoken, row)),
        draft.sentence(tables.seasons, np.maximum(season, 0), is_seasonal),
    ]


def _brand_lines(draft: Draft, brand: Any) -> tuple[Any, Any, Masks, Masks]:
    """A label before the text, a line about the brand after it, whether any, whether a label."""
    plan, tables, rng = draft.plan, draft.tables, draft.rng
    is_named = plan.brand >= 0
    is_labelled = is_named & plan.is_disclosed & (rng.random(draft.n) < 0.3)
    is_before = rng.random(draft.n) < 0.5
    says_more = is_named & ~is_labelled & (rng.random(draft.n) < 0.8)
    group = np.where(is_labelled, 1, np.where(plan.is_paid, 0, 2))
    label = draft.sentence(tables.brands, 1, is_labelled & is_before, brand)
    line = draft.sentence(tables.brands, group, says_more | (is_labelled & ~is_before), brand)
    return label, line, is_labelled | says_more, is_labelled


def _pitch_line(draft: Draft, brand_names: tuple[str, ...]) -> Any:
    codes = [f"SALE{ending}" for ending in _CODE_ENDINGS]
    for name in brand_names:
        letters = "".join(c for c in fold(name).upper() if c.isalnum())
        codes.extend(f"{letters[:8]}{ending}" for ending in _CODE_ENDINGS)
    n_each = len(_CODE_ENDINGS)
    row = (draft.plan.brand + 1) * n_each + draft.rng.integers(0, n_each, draft.n)
    shown = draft.plan.pitch > 0
    return draft.sentence(draft.tables.pitches, draft.plan.pitch, shown, take(pa.array(codes), row))
