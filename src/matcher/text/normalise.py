"""Vietnamese and English text in one form: for the encoder, and as keys for lexical matching."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = [
    "LETTERS",
    "MAX_CHARS",
    "NORMALISER_VERSION",
    "encoder_text",
    "find_hashtags",
    "fold_accents",
    "lexical_tokens",
    "normalise_text",
    "split_caption",
    "split_hashtags",
]

NORMALISER_VERSION: Final = "2"
"""Changes whenever the same raw text would reach an encoder in another form; part of cache keys."""

MAX_CHARS: Final = 20_000
"""Characters of one text that tokens and encoders look at; the rest of a longer text is ignored."""

_SPACES: Final = r"\t-\r\x1c-\x20\x85\xa0"
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]+"
)
# `\w` leaves out vowel signs; whole South and South-East Asian blocks keep their words whole.
LETTERS: Final = (
    r"\w\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0eff\u3099\u309a"
)
"""Characters of words, inside a character class of a regular expression."""
_WORD: Final = re.compile(f"[{LETTERS}]+(?:['\u2019][{LETTERS}]+)*")
_HASHTAG: Final = re.compile(f"[#\uff03]+([{LETTERS}]+)")
# Latin, Greek and Cyrillic; upper and lower case alternate, so that ranges would mix them.
_CASED: Final = [
    chr(code) for code in (*range(0x41, 0x250), *range(0x370, 0x530), *range(0x1E00, 0x1F00))
]
_UPPER: Final = "".join(char for char in _CASED if char.isupper())
_LOWER: Final = "".join(char for char in _CASED if char.islower())
_BOUNDARY: Final = re.compile(
    f"_+|(?<=[{_LOWER}])(?=[{_UPPER}])|(?<=[{_UPPER}])(?=[{_UPPER}][{_LOWER}])"
    r"|(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)"
)
_SPLITTABLE: Final = re.compile(f"[#\uff03]+([{LETTERS}]*[{_UPPER}\\d_][{LETTERS}]*)")
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]{3,}")
_LATE_TONE: Final = re.compile("(?:o[àáảãạèéẻẽẹ]|(?<!q)u[ỳýỷỹỵ])(?![^\\W\\d_])")
_TONES: Final = ("\u0300", "\u0301", "\u0309", "\u0303", "\u0323")


def _early_tone(vowels: str) -> str:
    marks = unicodedata.normalize("NFD", vowels[1])
    return unicodedata.normalize("NFC", vowels[0] + marks[1]) + marks[0]


_EARLY: Final = {
    first + unicodedata.normalize("NFC", second + tone): _early_tone(
        first + unicodedata.normalize("NFC", second + tone)
    )
    for first, second in (("o", "a"), ("o", "e"), ("u", "y"))
    for tone in _TONES
}


def normalise_text(text: str) -> str:
    r"""Text in canonical composition, without invisible characters, on one line.

    Control characters, zero-width and bidirectional marks, soft hyphens, variation selectors and
    lone surrogates go; the look-alike ``Ð`` (U+00D0) becomes the Vietnamese ``Đ`` (U+0110); runs
    of white space become one space. Accents, case, punctuation, emoji and teencode stay.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Normalised text; normalising it again changes nothing.

    Examples
    --------
    >>> normalise_text("Ðồ a\u0306n\u200b  ngon\n") == "Đồ ăn ngon"
    True
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", text).replace("\u00d0", "\u0110")
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
    elif not text.isprintable():
        text = _INVISIBLE.sub("", text)
    return " ".join(text.split())


def fold_accents(text: str) -> str:
    """Text without diacritics and in lower case, as a search key; never an encoder's input.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Folded text; ``đ`` becomes ``d``.

    Examples
    --------
    >>> fold_accents("Đồ ăn NGON")
    'do an ngon'
    """
    lowered = normalise_text(text).lower().replace("đ", "d")
    if lowered.isascii():
        return lowered
    marks = unicodedata.normalize("NFD", lowered)
    kept = "".join(char for char in marks if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", kept)


def find_hashtags(text: str) -> tuple[str, ...]:
    """Hashtags of a text as whole lower-case words, in order, repeats kept.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    tuple of str
        Tags without the sign.

    Examples
    --------
    >>> find_hashtags("Quán mới #ReviewAnNgon #saigon")
    ('reviewanngon', 'saigon')
    """
    return tuple(tag.lower() for tag in _HASHTAG.findall(normalise_text(text[:MAX_CHARS])))


def split_hashtags(text: str) -> tuple[str, ...]:
    """Lower-case words of all hashtags of a text, in order.

    A tag is split where its case, digits or underscores show a boundary. A tag without such a
    boundary stays one word: guessing is left to the encoder's word pieces.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    tuple of str
        Words of the tags.

    Examples
    --------
    >>> split_hashtags("#ReviewAnNgon #reviewanngon #top10_saigon #KFCVietnam")
    ('review', 'an', 'ngon', 'reviewanngon', 'top', '10', 'saigon', 'kfc', 'vietnam')
    """
    tags = _HASHTAG.findall(normalise_text(text[:MAX_CHARS]))
    return tuple(word.lower() for tag in tags for word in _tag_words(tag))


def _tag_words(tag: str) -> list[str]:
    return _BOUNDARY.sub(" ", tag).split() or [tag]


def _spread_tag(match: re.Match[str]) -> str:
    tag = match.group(1)
    words = _tag_words(tag)
    return f" {tag} " if len(words) == 1 else f" {tag} {' '.join(words)} "


def encoder_text(text: str) -> str:
    """Normalised text with each hashtag as a word, followed by its parts where it has some.

    Parameters
    ----------
    text : str
        Any text; characters after the first `MAX_CHARS` are ignored.

    Returns
    -------
    str
        Text for the built-in encoder: accents, case and teencode kept.

    Examples
    --------
    >>> encoder_text("Ngon quá #AnNgon #saigon")
    'Ngon quá AnNgon An Ngon saigon'
    """
    clean = normalise_text(text[:MAX_CHARS])
    if "#" not in clean and "\uff03" not in clean:
        return clean
    spread = _SPLITTABLE.sub(_spread_tag, clean)
    return " ".join(spread.replace("#", " ").replace("\uff03", " ").split())


def split_caption(text: str) -> tuple[str, str]:
    """Words and hashtags of a text, each as `encoder_text` gives them.

    Parameters
    ----------
    text : str
        Any text; characters after the first `MAX_CHARS` are ignored.

    Returns
    -------
    tuple of (str, str)
        The text without its hashtags, and the hashtags.

    Examples
    --------
    >>> split_caption("Ngon quá #AnNgon nha #saigon")
    ('Ngon quá nha', 'AnNgon An Ngon saigon')
    """
    clean = normalise_text(text[:MAX_CHARS])
    tags = [match.group() for match in _HASHTAG.finditer(clean)]
    return encoder_text(_HASHTAG.sub(" ", clean)), encoder_text(" ".join(tags))


def lexical_tokens(text: str) -> tuple[str, ...]:
    """Lower-case words as keys for lexical matching.

    Compatibility forms are folded (styled letters become plain ones), tone marks stand where the
    older spelling puts them (``hoà`` becomes ``hòa``), a hashtag gives itself and its parts, and
    scripts without spaces give pairs of characters.

    Parameters
    ----------
    text : str
        Any text; characters after the first `MAX_CHARS` are ignored.

    Returns
    -------
    tuple of str
        Words in order, repeats kept.

    Examples
    --------
    >>> lexical_tokens("Hoà giải #AnNgon")
    ('hòa', 'giải', 'anngon', 'an', 'ngon')
    """
    clean = encoder_text(text)
    if not clean.isascii():
        clean = unicodedata.normalize("NFKC", clean)
        lowered = clean.lower()
        lowered = _LATE_TONE.sub(lambda match: _EARLY[match.group()], lowered)
        if _UNSPACED.search(lowered):
            lowered = _UNSPACED.sub(_character_pairs, lowered)
    else:
        lowered = clean.lower()
    return tuple(_WORD.findall(lowered))


def _character_pairs(match: re.Match[str]) -> str:
    run = match.group()
    pairs = (run[start : start + 2] for start in range(len(run) - 1))
    return f" {' '.join(pairs)} "
