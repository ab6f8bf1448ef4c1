"""Text in the forms that cells, pages and terminals can hold; nothing of others' is run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "counted",
    "encodable",
    "formula_safe",
    "formula_unsafe",
    "is_formula",
    "one_line",
    "plain_text",
    "spreadsheet_safe",
    "visible",
]

_SIGN: Final = r"[\s\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]*[=+\-@＝＋－＠]"
_FORMULA: Final = re.compile(rf"[\t\r\n]|{_SIGN}")
"""What spreadsheets may take for a formula, also behind blanks or invisible characters."""
_GUARDABLE: Final = re.compile(rf"'*(?:{_FORMULA.pattern})")
"""Such a beginning, also behind apostrophes, so that no earlier one is taken for a guard."""
_GUARDED: Final = re.compile(rf"'(?={_GUARDABLE.pattern})")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff]")
"""Control characters and noncharacters that a cell cannot hold."""
_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
"""What moves a terminal's cursor, turns the direction of its text, or is not seen in it.

Joiners are not among these, since pictographs and some scripts are written with them.
"""


def counted(n: int, noun: str) -> str:
    """Number of things, of one of them in the singular.

    Parameters
    ----------
    n : int
        How many.
    noun : str
        What one of them is called, where the plural ends in s.

    Returns
    -------
    str
        Number and noun.

    Examples
    --------
    >>> counted(1, "influencer"), counted(2_000, "influencer"), counted(0, "hire")
    ('1 influencer', '2,000 influencers', '0 hires')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def encodable(text: str) -> str:
    r"""Text that UTF-8 can hold.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text, a lone surrogate as its escape.

    Examples
    --------
    >>> encodable("a\ud800b")
    'a\\ud800b'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain_text(text: str) -> str:
    """Text that every form of output can hold.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Control characters and noncharacters become spaces, a lone surrogate its escape.
    """
    return _CONTROL.sub(" ", encodable(text))


def is_formula(text: str) -> bool:
    """Whether a spreadsheet could take a text for a formula, when it is read or edited.

    Parameters
    ----------
    text : str
        Content of a cell.

    Returns
    -------
    bool
        True also where blanks or invisible characters stand before the sign.
    """
    return _FORMULA.match(text) is not None


def formula_safe(text: str) -> str:
    r"""Text that no spreadsheet takes for a formula.

    Parameters
    ----------
    text : str
        Content of a cell.

    Returns
    -------
    str
        As by `plain_text`, behind an apostrophe where it could be read as a formula, or where
        `formula_unsafe` would else take away one of its own.

    References
    ----------
    CWE-1236; OWASP, CSV injection.

    Examples
    --------
    >>> formula_safe("=HYPERLINK(1)"), formula_safe("Phở 24")
    ("'=HYPERLINK(1)", 'Phở 24')
    """
    plain = plain_text(text)
    return "'" + plain if _GUARDABLE.match(plain) else plain


def formula_unsafe(text: str) -> str:
    """Text before `formula_safe` put an apostrophe in front of it.

    Parameters
    ----------
    text : str
        Content of a cell.

    Returns
    -------
    str
        The text without the apostrophe that guards it.

    Examples
    --------
    >>> [formula_unsafe(formula_safe(text)) for text in ("=1", "'=1", "'quoted'")]
    ['=1', "'=1", "'quoted'"]
    """
    return text[1:] if _GUARDED.match(text) else text


def _safe_cell(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return formula_safe("|".join(map(str, value)))
    return formula_safe(value) if isinstance(value, str) else value


def spreadsheet_safe(frame: pd.DataFrame) -> pd.DataFrame:
    """Table whose CSV no spreadsheet takes for formulas.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any table.

    Returns
    -------
    pandas.DataFrame
        Texts as by `formula_safe`, lists joined by ``|``; all else as it is.
    """
    safe = frame.copy()
    for name in safe.columns:
        if safe[name].dtype == object or safe[name].dtype == "str":
            safe[name] = safe[name].astype(object).map(_safe_cell)
    return safe


def visible(text: str) -> str:
    r"""Text whose every character a terminal shows as it stands.

    Parameters
    ----------
    text : str
        Any text, of one line or more.

    Returns
    -------
    str
        Escapes such as ``\u001b`` for control characters other than line break and tab, for those
        that turn the direction of text or are not seen, and for lone surrogates. In JSON these
        mean the same characters.

    Examples
    --------
    >>> visible("\x1b[2J\u202egpj.exe")
    '\\u001b[2J\\u202egpj.exe'
    """
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    r"""Text as by `visible`, on one line.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Line breaks and tabs as ``\n`` and ``\t``.
    """
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")
