"""Other ways of typing a text, to see how much of a ranking rests on its spelling."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["decompose", "strip_accents", "write_teencode"]

_CLIPPED: Final = {
    "anh em": "ae",
    "bao giờ": "bg",
    "bây giờ": "bh",
    "biết": "bít",
    "bình luận": "cmt",
    "bình thường": "bt",
    "chị em": "ce",
    "cũng": "cx",
    "được": "dc",
    "gì": "j",
    "không": "ko",
    "mình": "mk",
    "mọi người": "mn",
    "người": "ng",
    "như thế nào": "ntn",
    "nhiều": "nhìu",
    "quá": "wá",
    "rồi": "r",
    "trước": "trc",
    "vậy": "z",
    "với": "vs",
    "yêu": "iu",
}
"""Words that are clipped whole."""
_BY_SOUND: Final = (
    (re.compile(r"^ph"), "f"),
    (re.compile(r"^qu"), "w"),
    (re.compile(r"^gi(?=[^\W\d_])"), "j"),
    (re.compile(r"ng$"), "g"),
    (re.compile(r"nh$"), "h"),
    (re.compile(r"ch$"), "k"),
)
"""Letters of a syllable that are written as they sound, or shorter."""
_WORDS: Final = "|".join(sorted(_CLIPPED, key=len, reverse=True))
# A hashtag is looked for as it is known, so nobody respells it.
_PARTS: Final = re.compile(rf"[#＃]\w+|(?<!\w)(?:{_WORDS})(?!\w)|[^\W\d_]+", re.IGNORECASE)


def strip_accents(text: str) -> str:
    """Text without diacritics, as typed on a plain keyboard; case and all else stay.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text; ``đ`` becomes ``d``.

    Examples
    --------
    >>> strip_accents("Đồ ăn NGON #ẨmThực")
    'Do an NGON #AmThuc'
    """
    marks = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    kept = "".join(char for char in marks if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", kept)


def decompose(text: str) -> str:
    """Text in canonical decomposition (NFD), as some keyboards and file systems write it.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The same text to a reader.

    Examples
    --------
    >>> len("phở"), len(decompose("phở"))
    (3, 5)
    """
    return unicodedata.normalize("NFD", text)


def write_teencode(text: str) -> str:
    """Vietnamese as the young type it: common words clipped, syllables spelt by sound.

    Frequent words are clipped whole (``không`` to ``ko``). In every other syllable with a
    Vietnamese letter, ``ph``, ``qu`` and ``gi`` at its beginning become ``f``, ``w`` and ``j``,
    and ``ng``, ``nh`` and ``ch`` at its end ``g``, ``h`` and ``k``. Hashtags, and words of plain
    letters outside the list, stay.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text in NFC; everybody writes teencode in their own way, and this is one of them.

    Examples
    --------
    >>> write_teencode("Không biết phở gì nhưng ngon quá, mọi người thích #phở")
    'Ko bít fở j nhưg ngon wá, mn thík #phở'
    """
    return _PARTS.sub(_respelled, unicodedata.normalize("NFC", text))


def _respelled(match: re.Match[str]) -> str:
    part = match.group()
    clipped = _CLIPPED.get(part.lower())
    if clipped is None:
        if part.isascii() or part[0] in "#＃":
            return part
        clipped = part.lower()
        for letters, sound in _BY_SOUND:
            clipped = letters.sub(sound, clipped)
        if clipped == part.lower():
            return part
    if part.isupper() and len(part) > 1:
        return clipped.upper()
    return clipped.capitalize() if part[0].isupper() else clipped
