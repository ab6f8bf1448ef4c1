"""The categories of influencers, posts and brands, with names and keywords in two languages."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

from matcher.errors import ConfigError

__all__ = ["Category", "Taxonomy", "read_taxonomy"]


@dataclass(frozen=True)
class Category:
    """One category.

    Parameters
    ----------
    id : str
        Its id, as in the data.
    vi, en : str
        Names in Vietnamese and English.
    parent : str or None
        Id of the wider category.
    keywords_vi, keywords_en : tuple of str
        Words and hashtag stems of captions, lower case, NFC, accents kept.
    """

    id: str
    vi: str
    en: str
    parent: str | None
    keywords_vi: tuple[str, ...] = ()
    keywords_en: tuple[str, ...] = ()

    @property
    def keywords(self) -> tuple[str, ...]:
        """Keywords of both languages, Vietnamese first."""
        return self.keywords_vi + self.keywords_en

    def name(self, language: Literal["en", "vi"] = "en") -> str:
        """Name in one language.

        Parameters
        ----------
        language : {"en", "vi"}
            Language of the name.

        Returns
        -------
        str
            The name.
        """
        return self.vi if language == "vi" else self.en


@dataclass(frozen=True)
class Taxonomy:
    """All categories.

    Parameters
    ----------
    categories : mapping of str to Category
        Categories by id, in the order of the file.
    version : int
        Version of the file.
    """

    categories: Mapping[str, Category]
    version: int = 1

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids, in the order of the file."""
        return tuple(self.categories)

    def __getitem__(self, category: str) -> Category:
        """Category of an id; `ConfigError` names the nearest id when there is none."""
        try:
            return self.categories[category]
        except KeyError as error:
            near = difflib.get_close_matches(category, self.ids, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(self.ids)
            raise ConfigError(f"taxonomy: got category {category!r}; {hint}") from error

    def __contains__(self, category: object) -> bool:
        """Whether an id is known."""
        return category in self.categories

    def lineage(self, category: str) -> tuple[str, ...]:
        """Category with all wider ones.

        Parameters
        ----------
        category : str
            A taxonomy id.

        Returns
        -------
        tuple of str
            The id, its parent, and so on up to the root.

        Examples
        --------
        >>> read_taxonomy().lineage("personal_care")
        ('personal_care', 'beauty', 'fashion')
        """
        path: list[str] = []
        step: str | None = category
        while step is not None:
            path.append(step)
            step = self[step].parent
        return tuple(path)

    def related(self, left: str | None, right: str | None) -> bool:
        """Whether two categories share a root.

        Parameters
        ----------
        left, right : str or None
            Taxonomy ids; None or ``other`` is related to nothing, itself included.

        Returns
        -------
        bool
            True for a category and itself, its ancestors, descendants and cousins.

        Examples
        --------
        >>> read_taxonomy().related("beverage", "restaurant")
        True
        >>> read_taxonomy().related("beverage", "travel")
        False
        """
        if left is None or right is None or "other" in (left, right):
            return False
        return self.lineage(left)[-1] == self.lineage(right)[-1]


def _package_json(name: str) -> dict[str, Any]:
    text = resources.files("matcher.market").joinpath(name).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


@lru_cache(maxsize=1)
def read_taxonomy() -> Taxonomy:
    """Taxonomy that ships with Matcher, read once.

    Returns
    -------
    Taxonomy
        Categories with names and keywords.
    """
    content = _package_json("taxonomy.json")
    keywords = _package_json("keywords.json")
    return Taxonomy(
        MappingProxyType(
            {
                item["id"]: Category(
                    item["id"],
                    item["vi"],
                    item["en"],
                    item["parent"],
                    tuple(keywords.get(item["id"], {}).get("vi", ())),
                    tuple(keywords.get(item["id"], {}).get("en", ())),
                )
                for item in content["categories"]
            }
        ),
        int(content["version"]),
    )
