"""How captions end: emoji, hashtags and marks of advertising."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from matcher.world.drafts import N_TAGS, N_TONES, Draft, draw_words, join, shown_where, take
from matcher.world.phrases import EMOJI, GENERIC_TAGS, MARKS
from matcher.world.vocabulary import fold

__all__ = ["brand_tag_column", "emoji_column", "hashtag_columns", "mark_column"]

Masks = npt.NDArray[np.bool_]


def emoji_column(draft: Draft) -> Any:
    """Up to three emoji of the tone or the topic; always three where there is no sentence.

    Parameters
    ----------
    draft : Draft
        Captions in progress.

    Returns
    -------
    pyarrow.Array of str
        Emoji, most of them after a space.
    """
    plan, rng, n = draft.plan, draft.rng, draft.n
    n_each = len(EMOJI[0])
    category = draft.vocabulary.category_of[np.maximum(plan.sub, 0)]
    columns = []
    # Captions of emoji alone show three, so that few are the same.
    for share in (0.45, 0.15, 0.04):
        by_tone = plan.tone * n_each + rng.integers(0, n_each, n)
        by_topic = N_TONES * n_each + category * N_TAGS + rng.integers(0, N_TAGS, n)
        is_topical = (plan.sub >= 0) & (rng.random(n) < 0.3)
        sign = take(draft.tables.emoji, np.where(is_topical, by_topic, by_tone))
        columns.append(shown_where(~draft.has_body | (rng.random(n) < share), sign))
    signs = join(*columns)
    return pc.if_else(pa.array(rng.random(n) < 0.85), join(" ", signs), signs)


def hashtag_columns(draft: Draft) -> list[Any]:
    """Hashtags of the sub-topic, its category and none; a few captions are nothing else.

    Parameters
    ----------
    draft : Draft
        Captions in progress.

    Returns
    -------
    list of pyarrow.Array of str
        Columns of at most one hashtag each, after a space.
    """
    plan, tables, rng, n = draft.plan, draft.tables, draft.rng, draft.n
    has_topic = plan.sub >= 0
    block = draft.vocabulary.n_sub * draft.vocabulary.n_words
    is_heavy = has_topic & (~draft.has_body | (rng.random(n) < 0.08))
    # Without a body, most captions are rows of hashtags and few are emoji alone.
    is_heavy &= draft.has_body | (rng.random(n) < 0.85)
    may = np.where(~draft.has_body & ~is_heavy, 0.0, 1.0)
    is_accented = (plan.style == 0) & (rng.random(n) < 0.25)
    columns = []
    n_words, n_common = draft.vocabulary.n_words, draft.vocabulary.n_common
    first = draw_words(plan.sub, plan.word_shift, draft.vocabulary, rng)
    for k, (share, heavy) in enumerate(((0.5, 1.0), (0.28, 0.95), (0.06, 0.7), (0.02, 0.4))):
        # Steps through the usual words, so that no caption repeats a hashtag.
        word = first % n_words if k == 0 else (first % n_words + k) % n_common
        row = draft.spelling * block + first - first % n_words + word
        tag = pc.if_else(
            pa.array(is_accented), take(tables.accented, row), take(tables.hashtags, row)
        )
        shown = has_topic & (rng.random(n) < may * np.where(is_heavy, heavy, share))
        columns.append(shown_where(shown, tag))
    category = draft.vocabulary.category_of[np.maximum(plan.sub, 0)]
    row = category * N_TAGS + rng.integers(0, N_TAGS, n)
    row += draft.spelling * len(draft.vocabulary.categories) * N_TAGS
    shown = has_topic & (rng.random(n) < may * np.where(is_heavy, 0.7, 0.2))
    columns.append(shown_where(shown, take(tables.category_tags, row)))
    generic = pa.array([f" {tag}" for k in ("vi", "en") for tag in GENERIC_TAGS[k]])
    n_generic = len(GENERIC_TAGS["vi"])
    row = np.where(plan.style < 3, 0, n_generic) + rng.integers(0, n_generic, n)
    shown = rng.random(n) < may * np.where(is_heavy, 0.8, 0.3)
    columns.append(shown_where(shown, take(generic, row)))
    return columns


def brand_tag_column(draft: Draft, brand_names: tuple[str, ...], is_named: Masks) -> Any:
    """Hashtag of the brand, always where no sentence names it.

    Parameters
    ----------
    draft : Draft
        Captions in progress.
    brand_names : tuple of str
        Brands that may be spoken of.
    is_named : ndarray of bool, shape (n,)
        Whether a sentence names the brand.

    Returns
    -------
    pyarrow.Array of str
        Hashtags after a space, or nothing.
    """
    tags = ["", *(" #" + "".join(c for c in fold(b).lower() if c.isalnum()) for b in brand_names)]
    share = np.where(is_named, 0.3, 1.0)
    shown = (draft.plan.brand >= 0) & (draft.rng.random(draft.n) < share)
    return shown_where(shown, take(pa.array(tags), draft.plan.brand + 1))


def mark_column(draft: Draft, is_labelled: Masks) -> Any:
    """Hashtag that marks an advertisement, where it is disclosed.

    Parameters
    ----------
    draft : Draft
        Captions in progress.
    is_labelled : ndarray of bool, shape (n,)
        Whether a sentence says so already; then the hashtag is often left out.

    Returns
    -------
    pyarrow.Array of str
        Hashtags after a space, or nothing.
    """
    marks = pa.array([f" {mark}" for k in ("vi", "en") for mark in MARKS[k]])
    n_marks = len(MARKS["vi"])
    row = np.where(draft.plan.style < 3, 0, n_marks) + draft.rng.integers(0, n_marks, draft.n)
    shown = draft.plan.is_disclosed & (~is_labelled | (draft.rng.random(draft.n) < 0.4))
    return shown_where(shown, take(marks, row))
