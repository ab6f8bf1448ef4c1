"""Bios, in which people say what they are about, where they live and how to reach them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from matcher.world.drafts import draw_words, join, take, word_table
from matcher.world.phrases import STYLES, Deck, deal_deck, read_phrases
from matcher.world.places import CITY_WORDS
from matcher.world.vocabulary import Vocabulary, fold

__all__ = ["BioPlan", "build_bios"]

Ints = npt.NDArray[np.int64]

_BREAKS: Final = (". ", " | ", "\n", " • ", " ✨ ", " / ", "\n")
_P_NULL: Final = 0.12
"""Share of people without a bio (assumed)."""
_P_OTHER_LANGUAGE: Final = 0.06
"""Share of bios in the other language of who may switch (assumed)."""


@dataclass(frozen=True, eq=False)
class BioPlan:
    """What each bio says; arrays of shape (n_people,)."""

    first: Ints
    """Sub-topic."""
    second: Ints
    style: Ints
    """Index into `STYLES`."""
    stage: Ints
    """Stage of life, as in `matcher.world.drafts.CaptionPlan`."""
    city: Ints
    """Index into `matcher.world.places.CITIES`."""
    handle: tuple[str, ...]
    """Name in addresses, of n_people."""
    may_switch: bool
    """Whether some write their bio in the other language."""


@dataclass(frozen=True, eq=False)
class _Tables:
    bodies: Deck
    life: Deck
    contacts: Deck


@functools.cache
def _tables(family: str) -> _Tables:
    texts = {k: read_phrases(f"captions_{k}", family) for k in ("vi", "en")}
    contacts = {
        k: [[c.replace("{mail}", "{a}") for c in t["bio_contacts"] if "{link}" not in c],
            [c for c in t["bio_contacts"] if "{link}" in c]]
        for k, t in texts.items()
    }  # fmt: skip
    return _Tables(
        bodies=deal_deck({k: [t["bios"]] for k, t in texts.items()}),
        life=deal_deck({k: t["bio_life"] for k, t in texts.items()}),
        contacts=deal_deck(contacts),
    )


def build_bios(plan: BioPlan, vocabulary: Vocabulary, rng: np.random.Generator) -> Any:
    """Bios that name two sub-topics, and some of home, time of life and contact.

    Parameters
    ----------
    plan : BioPlan
        What each bio says.
    vocabulary : Vocabulary
        Topics in use, and the family of wording.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    pyarrow.Array of str, length n_people
        Bios; about 12 % null. Addresses are of example domains.
    """
    n = len(plan.first)
    tables = _tables(vocabulary.phrases)
    words, titled = word_table(len(vocabulary.categories), vocabulary.phrases)
    block = vocabulary.n_sub * vocabulary.n_words
    is_other = plan.may_switch & (rng.random(n) < _P_OTHER_LANGUAGE)
    style = np.where(is_other, np.where(plan.style < 3, 3, 0), plan.style)
    rows = tables.bodies.draw(style, 0, rng)
    zero = np.zeros(n, dtype=np.int64)
    first = style * block + draw_words(plan.first, zero, vocabulary, rng)
    second = draw_words(plan.second, zero, vocabulary, rng)
    is_first = pa.array(tables.bodies.is_first[rows])
    kernels: Any = pc
    body = join(
        take(tables.bodies.heads, rows),
        kernels.if_else(is_first, take(titled, first), take(words, first)),
        take(tables.bodies.middles, rows),
        take(words, style * block + second),
        take(tables.bodies.tails, rows),
    )
    breaks = take(pa.array(_BREAKS), rng.integers(0, len(_BREAKS), n))
    pieces = [body]
    for share, text in (
        (0.28, take(tables.life.heads, tables.life.draw(style, plan.stage, rng))),
        (0.3, _city_line(plan, style)),
        (0.55, _contact_line(plan, style, tables, rng)),
    ):
        shown = pa.array(rng.random(n) < share)
        pieces.append(kernels.if_else(shown, join(breaks, text), ""))
    text = join(*pieces)
    return kernels.if_else(pa.array(rng.random(n) >= _P_NULL), text, pa.scalar(None, pa.string()))


def _city_line(plan: BioPlan, style: Ints) -> Any:
    names = [
        fold(city) if spelling == "vi_folded" else city
        for spelling in STYLES
        for city in CITY_WORDS[spelling[:2]]
    ]
    row = style * len(CITY_WORDS["vi"]) + plan.city
    return join("📍 ", take(pa.array(names), row))


def _contact_line(plan: BioPlan, style: Ints, tables: _Tables, rng: np.random.Generator) -> Any:
    n = len(style)
    handle = pa.array(plan.handle, type=pa.string())
    hosts = pa.array(("mail.example", "booking.example", "work.example"))
    mail = join(handle, "@", take(hosts, rng.integers(0, 3, n)))
    sites = pa.array(("linkbio.example/", "shop.example/", "me.example/"))
    link = join(take(sites, rng.integers(0, 3, n)), handle)
    is_link = rng.random(n) < 0.25
    kernels: Any = pc
    rows = tables.contacts.draw(style, is_link.astype(np.int64), rng)
    has_slot = pa.array(tables.contacts.n_slots[rows] > 0)
    address = kernels.if_else(pa.array(is_link), link, mail)
    filled = kernels.if_else(has_slot, address, "")
    return join(take(tables.contacts.heads, rows), filled, take(tables.contacts.middles, rows))
