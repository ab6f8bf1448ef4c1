"""Other spellings and another language: what becomes of briefs, and of what creators write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from matcher.features.data import MarketData
from matcher.market.brief import Brief
from matcher.market.taxonomy import read_taxonomy
from matcher.text.spelling import decompose, strip_accents, write_teencode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BRIEFS", "POSTS", "BriefChange", "TextChange", "rewritten_data"]


@dataclass(frozen=True)
class TextChange:
    """Another spelling.

    Parameters
    ----------
    name : str
        Name of its row.
    about : str
        What it is, in a sentence.
    spell : callable
        Text as it is then written.
    """

    name: str
    about: str
    spell: Callable[[str], str]


@dataclass(frozen=True)
class BriefChange:
    """Another text of a brief.

    Parameters
    ----------
    name : str
        Name of its row.
    about : str
        What it is, in a sentence.
    tell : callable
        Fields of a brief that change; empty where the brief stays as it is.
    against : str
        Row that it is compared with besides the model; empty for none.
    """

    name: str
    about: str
    tell: Callable[[Brief], Mapping[str, object]]
    against: str = ""

    def retell(self, brief: Brief) -> Brief | None:
        """Brief as it is then told, read as any brief is.

        Parameters
        ----------
        brief : Brief
            Brief.

        Returns
        -------
        Brief or None
            None where nothing of it changes.
        """
        told = self.tell(brief)
        if all(getattr(brief, name) == value for name, value in told.items()):
            return None
        return Brief.model_validate({**brief.model_dump(), **told})


def _spelt(spell: Callable[[str], str]) -> Callable[[Brief], Mapping[str, object]]:
    def tell(brief: Brief) -> Mapping[str, object]:
        texts = {"title": brief.title, "brief": brief.brief}
        return {name: spell(text) for name, text in texts.items() if text}

    return tell


def _by_category(language: Literal["en", "vi"]) -> Callable[[Brief], Mapping[str, object]]:
    """A Vietnamese brief told by the name and the keywords of its brand's category."""

    def tell(brief: Brief) -> Mapping[str, object]:
        taxonomy = read_taxonomy()
        own = (brief.brief_language or "").split("-")[0].lower()
        if own != "vi" or not brief.text or brief.brand_category not in taxonomy:
            return {}
        category = taxonomy[str(brief.brand_category)]
        words = category.keywords_en if language == "en" else category.keywords_vi
        # The creators stay those that the brief asked for: only its own text is another.
        return {
            "title": category.name(language),
            "brief": ", ".join(words),
            "brief_language": language,
            "creator_languages": brief.creator_languages or ("vi",),
        }

    return tell


_IN_VIETNAMESE: Final = "briefs by category, Vietnamese"
BRIEFS: Final = (
    BriefChange(
        "briefs without diacritics",
        "title and text of the brief typed on a plain keyboard",
        _spelt(strip_accents),
    ),
    BriefChange(
        "briefs in teencode",
        "words clipped and syllables spelt by sound (không: ko, phở: fở)",
        _spelt(write_teencode),
    ),
    BriefChange(
        "briefs in NFD",
        "letters and marks apart; a check: text is composed when it is read, so nothing may move",
        _spelt(decompose),
    ),
    BriefChange(
        _IN_VIETNAMESE,
        "a Vietnamese brief told by the taxonomy's Vietnamese name and keywords of its brand's "
        "category: what the brief said beyond it is lost",
        _by_category("vi"),
    ),
    BriefChange(
        "briefs by category, English",
        "the same in English, over the same creators; what differs from the row before is the "
        "language (markets hold no translation of a brief)",
        _by_category("en"),
        against=_IN_VIETNAMESE,
    ),
)
"""What becomes of briefs."""

POSTS: Final = (
    TextChange(
        "posts without diacritics",
        "posts and bios of all creators typed on a plain keyboard, the brief as it is",
        strip_accents,
    ),
    TextChange(
        "posts in teencode", "the same, clipped and spelt by sound; hashtags stay", write_teencode
    ),
    TextChange("posts in NFD", "the same, letters and marks apart; nothing may move", decompose),
)
"""What becomes of what creators write."""


def rewritten_data(data: MarketData, change: TextChange) -> MarketData:
    """Market whose creators write in another way.

    Parameters
    ----------
    data : MarketData
        Market.
    change : TextChange
        How they write.

    Returns
    -------
    MarketData
        Texts of posts and bios changed, all else as it is.
    """
    tables = dict(data.market.tables)
    for table, column in (("posts", "text"), ("influencers", "bio")):
        texts = tables[table][column]
        spelt = texts.map(change.spell, na_action="ignore").astype(texts.dtype)
        tables[table] = tables[table].assign(**{column: spelt})
    return MarketData(replace(data.market, tables=tables))
