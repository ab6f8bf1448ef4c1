"""Categories, sub-topics and their words in both languages."""

from __future__ import annotations

import functools
import json
import unicodedata
from dataclasses import dataclass
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["AGE_CENTRE", "FEMALE_SHARE", "NICHE_PRICE", "Vocabulary", "fold", "read_vocabulary"]

N_WORDS: Final = 7
"""Phrases per sub-topic and language."""

AGE_CENTRE: Final = {
    "gaming": 0.9, "music": 1.1, "comedy": 1.2, "entertainment": 1.3, "education": 0.9,
    "fashion": 1.5, "beauty": 1.6, "personal_care": 1.8, "beverage": 1.6, "restaurant": 1.7,
    "technology": 1.7, "sports": 1.7, "fitness": 1.9, "travel": 1.9, "pets": 1.9, "books": 1.6,
    "food": 2.1, "automotive": 2.2, "mother_baby": 2.3, "home_living": 2.4, "finance": 2.4,
    "home_appliances": 2.5, "real_estate": 2.8, "health": 3.0,
}  # fmt: skip
"""Index of the age bucket around which a category's audience lies (assumed)."""

FEMALE_SHARE: Final = {
    "beauty": 0.82, "personal_care": 0.6, "fashion": 0.7, "mother_baby": 0.85, "gaming": 0.25,
    "automotive": 0.2, "sports": 0.3, "technology": 0.32, "finance": 0.4, "pets": 0.6,
    "books": 0.62, "home_living": 0.6, "food": 0.6, "health": 0.58, "real_estate": 0.42,
}  # fmt: skip
"""Female share of a category's audience (assumed; .5 elsewhere)."""

NICHE_PRICE: Final = {
    "finance": 1.5, "real_estate": 1.4, "technology": 1.3, "automotive": 1.3, "health": 1.2,
    "fashion": 1.1, "beauty": 1.1, "gaming": 1.1, "food": 0.9, "entertainment": 0.9,
    "comedy": 0.9, "music": 0.9, "beverage": 0.9, "restaurant": 0.9, "pets": 0.8,
}  # fmt: skip
"""Price of a post relative to the average niche (public rate calculators; 1 elsewhere)."""

_RELATED: Final = (
    ("food", "beverage"), ("food", "restaurant"), ("beverage", "restaurant"),
    ("beauty", "personal_care"), ("beauty", "fashion"), ("home_appliances", "home_living"),
    ("technology", "gaming"), ("sports", "fitness"), ("fitness", "health"),
    ("entertainment", "music"), ("entertainment", "comedy"), ("education", "books"),
    ("travel", "restaurant"), ("real_estate", "home_living"), ("automotive", "technology"),
    ("mother_baby", "health"), ("finance", "real_estate"),
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
        Language to list of ``n_sub * 7`` phrases, sub-topic by sub-topic.
    products : dict
        Language to list of n_sub product names.
    related : ndarray of bool, shape (n_categories, n_categories)
        Neighbouring categories, symmetric, false on the diagonal.
    kin : ndarray of bool, shape (n_sub, n_sub)
        Sub-topics that the same people care for, across categories; symmetric. No table of the
        market holds this: it shows only in what people write.
    """

    categories: tuple[str, ...]
    sub_topics: tuple[str, ...]
    category_of: npt.NDArray[np.int64]
    words: dict[str, list[str]]
    products: dict[str, list[str]]
    related: npt.NDArray[np.bool_]
    kin: npt.NDArray[np.bool_]

    @property
    def n_sub(self) -> int:
        """Number of sub-topics."""
        return len(self.sub_topics)

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
def read_vocabulary(n_categories: int) -> Vocabulary:
    """Vocabulary restricted to the first categories.

    Parameters
    ----------
    n_categories : int
        Categories in use, 1 or more.

    Returns
    -------
    Vocabulary
        Its words and relations.
    """
    source = resources.files("matcher.world").joinpath("vocabulary.json")
    content: dict[str, dict[str, dict[str, object]]] = json.loads(source.read_text("utf-8"))
    categories = tuple(content)[:n_categories]
    sub_topics = [(i, c, s) for i, c in enumerate(categories) for s in content[c]]
    words: dict[str, list[str]] = {"vi": [], "en": []}
    products: dict[str, list[str]] = {"vi": [], "en": []}
    for _, category, sub_topic in sub_topics:
        entry = content[category][sub_topic]
        for language in ("vi", "en"):
            words[language].extend(_texts(entry[language]))
            product = entry["product"]
            products[language].append(dict(product)[language] if isinstance(product, dict) else "")
    related = np.zeros((len(categories), len(categories)), dtype=bool)
    for a, b in _RELATED:
        if a in categories and b in categories:
            i, j = categories.index(a), categories.index(b)
            related[i, j] = related[j, i] = True
    names = tuple(f"{c}/{s}" for _, c, s in sub_topics)
    return Vocabulary(
        categories=categories,
        sub_topics=names,
        category_of=np.array([i for i, _, _ in sub_topics]),
        words=words,
        products=products,
        related=related,
        kin=_read_kin(names),
    )


def _read_kin(names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    source = resources.files("matcher.world").joinpath("kin.json")
    pairs: list[list[str]] = json.loads(source.read_text("utf-8"))
    kin = np.zeros((len(names), len(names)), dtype=bool)
    for a, b in pairs:
        if a in names and b in names:
            i, j = names.index(a), names.index(b)
            kin[i, j] = kin[j, i] = True
    return kin


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
