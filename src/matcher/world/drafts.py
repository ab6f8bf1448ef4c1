"""What captions are written from: a plan per post, tables of phrases, and a draft in progress."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from matcher.world.phrases import EMOJI, SPELLINGS, Deck, deal_deck, language_of, read_phrases
from matcher.world.seasons import SEASON_NAMES
from matcher.world.vocabulary import Vocabulary, fold, read_vocabulary

__all__ = [
    "CAPTION", "N_TAGS", "N_TONES", "PITCHES", "SHORT", "STORY", "SWITCHED", "CaptionPlan",
    "Draft", "Tables", "draw_words", "join", "read_tables", "shown_where", "take", "word_table",
]  # fmt: skip

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Masks = npt.NDArray[np.bool_]

PITCHES: Final = ("none", "sales", "asks")
"""What a paid post wants at its end: nothing, a purchase with a code, or a step to take."""

CAPTION, SHORT, STORY, SWITCHED = range(4)
N_TONES: Final = 4
"""Tones of texts (assumed)."""
N_TAGS: Final = 2
"""Hashtags and emoji of each category."""


@dataclass(frozen=True, eq=False)
class CaptionPlan:
    """What each caption says; arrays of shape (n_posts,)."""

    sub: Ints
    """Sub-topic; -1 for a post about nothing in particular."""
    tone: Ints
    style: Ints
    """Index into `STYLES`."""
    word_shift: Ints
    """Preference of the author among a sub-topic's words."""
    brand: Ints
    """Brand spoken of; -1 for none."""
    is_paid: Masks
    is_disclosed: Masks
    pitch: Ints
    """Index into `PITCHES`; 0 where nobody paid."""
    is_switching: Masks
    """Whether words of the other language come in."""
    day: Floats
    """Days since day 0."""
    stage: Ints
    """Stage of life that the audience is in: pupils, first jobs, parents, grandparents."""
    city: Ints
    """Home of the author, an index into `matcher.world.places.CITIES`."""


@dataclass(frozen=True, eq=False)
class Tables:
    """Phrases of one family and number of categories, in every way of writing."""

    bodies: Deck
    extras: Deck
    openers: Deck
    fillers: Deck
    life: Deck
    places: Deck
    seasons: Deck
    brands: Deck
    """Groups: paid, labelled, unpaid."""
    pitches: Deck
    """Groups: nothing, sales, asks."""
    words: pa.Array
    titled: pa.Array
    """`words` with a capital letter."""
    hashtags: pa.Array
    accented: pa.Array
    """`hashtags` with diacritics."""
    category_tags: pa.Array
    emoji: pa.Array
    """By tone, then by category."""


def _typed(word: str, spelling: str) -> str:
    """Phrase without diacritics or capitals, where this way of writing leaves them out.

    Parameters
    ----------
    word : str
        Phrase of the vocabulary; never clipped, so that it can be found again.
    spelling : str
        One of `matcher.world.phrases.SPELLINGS`.

    Returns
    -------
    str
        The phrase as typed.
    """
    if spelling == "vi_folded":
        return fold(word)
    return word.lower() if spelling.endswith(("casual", "loud")) else word


@functools.cache
def word_table(n_categories: int, family: str) -> tuple[pa.Array, pa.Array]:
    """Phrases of all sub-topics in every way of writing, and the same with a capital letter.

    Parameters
    ----------
    n_categories : int
        Categories in use.
    family : str
        Family of wording.

    Returns
    -------
    tuple of two pyarrow.Array of str, length ``n_spellings * n_sub * n_words``
        Phrases; row ``(spelling * n_sub + sub) * n_words + word``.
    """
    vocabulary = read_vocabulary(n_categories, family)
    words: list[str] = []
    for spelling in SPELLINGS:
        words.extend(_typed(w, spelling) for w in vocabulary.words[language_of(spelling)])
    return pa.array(words), pa.array([w[:1].upper() + w[1:] for w in words])


@functools.cache
def read_tables(n_categories: int, family: str) -> Tables:
    """Tables of phrases that captions are put together from.

    Parameters
    ----------
    n_categories : int
        Categories in use.
    family : str
        Family of wording.

    Returns
    -------
    Tables
        Read once per family.
    """
    vocabulary = read_vocabulary(n_categories, family)
    texts = {k: read_phrases(f"captions_{k}", family) for k in ("vi", "en")}
    words, titled = word_table(n_categories, family)
    hashtags: list[str] = []
    accented: list[str] = []
    category_tags: list[str] = []
    for spelling in SPELLINGS:
        language = language_of(spelling)
        every = [" #" + w.replace(" ", "") for w in vocabulary.words[language]]
        hashtags.extend(fold(tag).lower() for tag in every)
        accented.extend(tag.lower() for tag in every)
        category_tags.extend(f" #{tag}" for tag in vocabulary.tags[language])
    bodies = {
        k: [*t["captions"], *t["shorts"], *t["stories"], t["switched"]] for k, t in texts.items()
    }
    seasons = {k: [t["seasons"].get(name, []) for name in SEASON_NAMES] for k, t in texts.items()}
    return Tables(
        bodies=deal_deck(bodies),
        extras=_deal(texts, "extras"),
        openers=deal_deck({k: [t["openers"]] for k, t in texts.items()}),
        fillers=deal_deck({k: [t["fillers"]] for k, t in texts.items()}),
        life=_deal(texts, "life"),
        places=deal_deck({k: [t["places"]] for k, t in texts.items()}),
        seasons=deal_deck(seasons),
        brands=deal_deck({k: [t["paid"], t["labelled"], t["unpaid"]] for k, t in texts.items()}),
        pitches=deal_deck({k: [[], t["sales"], t["asks"]] for k, t in texts.items()}),
        words=words,
        titled=titled,
        hashtags=pa.array(hashtags),
        accented=pa.array(accented),
        category_tags=pa.array(category_tags),
        emoji=pa.array([sign for signs in EMOJI for sign in signs] + vocabulary.emoji),
    )


def _deal(texts: dict[str, Any], key: str) -> Deck:
    return deal_deck({language: content[key] for language, content in texts.items()})


def join(*columns: Any) -> Any:
    """Columns of text put end to end, row by row.

    Parameters
    ----------
    *columns : pyarrow.Array of str
        Texts of equal length, or scalars.

    Returns
    -------
    pyarrow.Array of str
        Joined texts; null where any part is null.
    """
    # pyarrow ships no type information for its kernels.
    kernel: Any = getattr(pc, "binary_join_element_wise")  # noqa: B009
    return kernel(*columns, "")


def take(table: pa.Array, index: Ints) -> Any:
    """Entries of a table of text.

    Parameters
    ----------
    table : pyarrow.Array of str
        Texts.
    index : ndarray of int, shape (n,)
        Which ones.

    Returns
    -------
    pyarrow.Array of str, length n
        The texts asked for.
    """
    return table.take(pa.array(index))


def shown_where(mask: Masks, column: Any) -> Any:
    """Texts where shown, empty ones elsewhere.

    Parameters
    ----------
    mask : ndarray of bool, shape (n,)
        Which are shown.
    column : pyarrow.Array of str, length n
        Texts.

    Returns
    -------
    pyarrow.Array of str, length n
        No nulls where `column` has none.
    """
    return pc.if_else(pa.array(mask), column, pa.scalar("", pa.string()))


def draw_words(sub: Ints, shift: Ints, vocabulary: Vocabulary, rng: np.random.Generator) -> Ints:
    """Phrases of sub-topics, the usual ones more often, by preference of the author.

    Parameters
    ----------
    sub : ndarray of int, shape (n,)
        Sub-topics; negative ones draw from the first.
    shift : ndarray of int, shape (n,)
        Preference of the author.
    vocabulary : Vocabulary
        Topics in use.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    ndarray of int, shape (n,)
        Row within one way of writing of `word_table`.
    """
    n_common, n_words = vocabulary.n_common, vocabulary.n_words
    common = (np.floor(n_common * rng.random(len(sub)) ** 1.5) + shift) % n_common
    rare = n_common + rng.integers(0, n_words - n_common, len(sub))
    word = np.where(rng.random(len(sub)) < 0.08, rare, common).astype(np.int64)
    return np.asarray(np.maximum(sub, 0) * n_words + word)


@dataclass(frozen=True, eq=False)
class Draft:
    """One block of captions while it is written."""

    plan: CaptionPlan
    vocabulary: Vocabulary
    tables: Tables
    spelling: Ints
    form: Ints
    breaks: Any
    """What parts the sentences of a caption."""
    has_body: Masks
    is_long: Masks
    rng: np.random.Generator

    @property
    def n(self) -> int:
        """Number of captions."""
        return len(self.plan.sub)

    def sentence(self, deck: Deck, group: Ints | int, shown: Masks, slot: Any = "") -> Any:
        """A break and a text of a deck, with one slot filled, where shown.

        Parameters
        ----------
        deck : Deck
            Texts with at most one slot.
        group : ndarray of int, shape (n,), or int
            Group of texts; nothing is shown where it is empty.
        shown : ndarray of bool, shape (n,)
            Which captions have the sentence.
        slot : pyarrow.Array of str, length n, or str
            What fills the slot.

        Returns
        -------
        pyarrow.Array of str, length n
            Sentences; empty where not shown.
        """
        rows = deck.draw(self.spelling, group, self.rng)
        shown = shown & (deck.size[self.spelling, group] > 0)
        filled = pc.if_else(pa.array(deck.n_slots[rows] > 0), slot, "")
        text = join(take(deck.heads, rows), filled, take(deck.middles, rows))
        return shown_where(shown, join(self.breaks, text))
