"""Categories, sub-topics and their words in both languages."""

from __future__ import annotations

import functools
import json
import unicodedata
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from matcher.errors import UsageError

__all__ = [
    "AGE_CENTRE",
    "FAMILIES",
    "FEMALE_SHARE",
    "NICHE_PRICE",
    "Vocabulary",
    "fold",
    "read_vocabulary",
]

FAMILIES: Final = {"training": "", "held_out": "_held_out"}
"""Families of wording, and how the keys of the word lists of each end."""

AGE_CENTRE: Final = {
    "gaming": 0.9, "music": 1.1, "comedy": 1.2, "entertainment": 1.3, "education": 0.9,
    "fashion": 1.5, "beauty": 1.6, "personal_care": 1.8, "beverage": 1.6, "restaurant": 1.7,
    "technology": 1.7, "sports": 1.7, "fitness": 1.9, "travel": 1.9, "pets": 1.9, "books": 1.6,
    "food": 2.1, "automotive": 2.2, "mother_baby": 2.3, "home_living": 2.4, "finance": 2.4,
    "home_appliances": 2.5, "real_estate": 2.8, "health": 3.0, "lifestyle": 1.6, "luxury": 2.6,
    "family": 2.6, "business": 2.2, "arts": 1.6, "retail": 1.8, "agriculture": 3.0,
    "science": 1.4, "local": 2.0, "news": 2.8, "industry": 2.8,
}  # fmt: skip
"""Index of the age bucket around which a category's audience lies (assumed)."""

FEMALE_SHARE: Final = {
    "beauty": 0.82, "personal_care": 0.6, "fashion": 0.7, "mother_baby": 0.85, "gaming": 0.25,
    "automotive": 0.2, "sports": 0.3, "technology": 0.32, "finance": 0.4, "pets": 0.6,
    "books": 0.62, "home_living": 0.6, "food": 0.6, "health": 0.58, "real_estate": 0.42,
    "lifestyle": 0.6, "family": 0.72, "business": 0.42, "arts": 0.58, "retail": 0.68,
    "agriculture": 0.38, "science": 0.38, "news": 0.42, "industry": 0.22,
}  # fmt: skip
"""Female share of a category's audience (assumed; .5 elsewhere)."""

NICHE_PRICE: Final = {
    "finance": 1.5, "real_estate": 1.4, "technology": 1.3, "automotive": 1.3, "health": 1.2,
    "fashion": 1.1, "beauty": 1.1, "gaming": 1.1, "food": 0.9, "entertainment": 0.9,
    "comedy": 0.9, "music": 0.9, "beverage": 0.9, "restaurant": 0.9, "pets": 0.8,
    "luxury": 1.5, "business": 1.3, "industry": 1.3, "lifestyle": 0.9, "local": 0.9,
}  # fmt: skip
"""Price of a post relative to the average niche (public rate calculators; 1 elsewhere)."""

_RELATED: Final = (
    ("food", "beverage"), ("food", "restaurant"), ("beverage", "restaurant"),
    ("beauty", "personal_care"), ("beauty", "fashion"), ("home_appliances", "home_living"),
    ("technology", "gaming"), ("sports", "fitness"), ("fitness", "health"),
    ("entertainment", "music"), ("entertainment", "comedy"), ("education", "books"),
    ("travel", "restaurant"), ("real_estate", "home_living"), ("automotive", "technology"),
    ("mother_baby", "health"), ("finance", "real_estate"), ("family", "mother_baby"),
    ("luxury", "fashion"), ("luxury", "travel"), ("business", "finance"),
    ("business", "industry"), ("business", "retail"), ("lifestyle", "home_living"),
    ("lifestyle", "family"), ("arts", "books"), ("retail", "fashion"), ("science", "education"),
    ("science", "technology"), ("local", "travel"), ("local", "restaurant"),
    ("agriculture", "food"), ("agriculture", "local"), ("news", "business"),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Sub-topics in a fixed order, with their words.

    Attributes
    ----------
    categories : tuple of str
        Taxonomy ids in use.
    sub_topics : tuple of str
        ``category/sub_topic``, n_sub.
    category_of : ndarray of int, shape (n_sub,)
        Index into `categories`.
    words : dict
        Language to list of ``n_sub * n_words`` phrases, sub-topic by sub-topic; the `n_common`
        first ones of each are the usual ones.
    tags : dict
        Language to list of ``n_categories * 2`` hashtags without ``#``, category by category.
    emoji : list of str
        ``n_categories * 2`` emoji, category by category.
    products : dict
        Language to list of n_sub product names.
    related : ndarray of bool, shape (n_categories, n_categories)
        Neighbouring categories, symmetric, false on the diagonal.
    kin : ndarray of bool, shape (n_sub, n_sub)
        Sub-topics that the same people care for, across categories; symmetric. No table of the
        market holds this: it shows only in what people write.
    phrases : str
        Family of wording, a key of `FAMILIES`.
    """

    categories: tuple[str, ...]
    sub_topics: tuple[str, ...]
    category_of: npt.NDArray[np.int64]
    words: dict[str, list[str]]
    tags: dict[str, list[str]]
    emoji: list[str]
    products: dict[str, list[str]]
    related: npt.NDArray[np.bool_]
    kin: npt.NDArray[np.bool_]
    phrases: str

    @property
    def n_sub(self) -> int:
        """Number of sub-topics."""
        return len(self.sub_topics)

    @property
    def n_words(self) -> int:
        """Phrases per sub-topic and language."""
        return len(self.words["vi"]) // self.n_sub

    @property
    def n_common(self) -> int:
        """Phrases per sub-topic that are in everyday use; the others are rare."""
        return self.n_words - max(1, self.n_words // 3)

    def per_category(self, table: dict[str, float], otherwise: float) -> npt.NDArray[np.float64]:
        """Values of a table in the order of the categories.

        Parameters
        ----------
        table : dict of str to float
            Category to value.
        otherwise : float
            Value of categories that the table leaves out.

        Returns
        -------
        ndarray of float, shape (n_categories,)
            Values.
        """
        return np.array([table.get(name, otherwise) for name in self.categories])


def fold(text: str) -> str:
    """Text without diacritics, as typed by many on a plain keyboard.

    Parameters
    ----------
    text : str
        Text in any language.

    Returns
    -------
    str
        The text without accents, đ as d.

    Examples
    --------
    >>> fold("Đẹp quá")
    'Dep qua'
    """
    stripped = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in stripped if not unicodedata.combining(c))


@functools.cache
def read_vocabulary(n_categories: int, phrases: str = "training") -> Vocabulary:
    """Vocabulary restricted to the first categories and one family of wording.

    Parameters
    ----------
    n_categories : int
        Categories in use, 1 or more; all where there are fewer.
    phrases : str
        ``"training"``, or ``"held_out"`` for paraphrases that no training world holds.

    Returns
    -------
    Vocabulary
        Its words and relations.

    Raises
    ------
    UsageError
        If there is no such family.
    """
    if phrases not in FAMILIES:
        raise UsageError(f"phrases: got {phrases!r}; expected one of {', '.join(FAMILIES)}")
    suffix = FAMILIES[phrases]
    content = _read("vocabulary.json")
    categories = tuple(content)[:n_categories]
    sub_topics = [(i, c, s) for i, c in enumerate(categories) for s in content[c]]
    entries = [content[c][s] for _, c, s in sub_topics]
    tags = _read("tags.json")
    related = np.zeros((len(categories), len(categories)), dtype=bool)
    for a, b in _RELATED:
        if a in categories and b in categories:
            i, j = categories.index(a), categories.index(b)
            related[i, j] = related[j, i] = True
    names = tuple(f"{c}/{s}" for _, c, s in sub_topics)
    languages = ("vi", "en")
    return Vocabulary(
        categories=categories,
        sub_topics=names,
        category_of=np.array([i for i, _, _ in sub_topics]),
        words={k: [word for e in entries for word in e[k + suffix]] for k in languages},
        tags={k: [tag for c in categories for tag in tags[c][k + suffix]] for k in languages},
        emoji=[sign for c in categories for sign in tags[c]["emoji"]],
        products={k: [e["product"][k + suffix] for e in entries] for k in languages},
        related=related,
        kin=_read_kin(names),
        phrases=phrases,
    )


def _read(name: str) -> Any:
    source = resources.files("matcher.world").joinpath(name)
    return json.loads(source.read_text("utf-8"))


def _read_kin(names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    pairs: list[list[str]] = _read("kin.json")
    kin = np.zeros((len(names), len(names)), dtype=bool)
    for a, b in pairs:
        if a in names and b in names:
            i, j = names.index(a), names.index(b)
            kin[i, j] = kin[j, i] = True
    return kin
