"""Markdown that stays what it was written as, whatever the texts that are put into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from matcher.plain import plain_text

__all__ = ["as_bullets", "as_code", "as_table", "as_text"]

_MEANT: Final = re.compile(
    r"[\\`*{}\[\]|~!$@]"  # code, emphasis, links, cells, formulas, addresses
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis, but not a sign inside a name
    r"|(?<=:)/|(?<=www)\.|(?<=WWW)\."  # links made of bare addresses
    r"|^[#+\-=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]"  # headings, lists and rules at the start
)
"""What Markdown, its tables, its links or its formulas could read as more than a sign."""
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_INVISIBLE: Final = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def as_text(text: object, *, longest: int = 200) -> str:
    r"""Text of others as one line of plain words.

    Parameters
    ----------
    text : object
        Anything; its text is used.
    longest : int, default 200
        Characters; a longer text is cut and ends in an ellipsis.

    Returns
    -------
    str
        No markup, link or HTML comes of it; blanks and line breaks become one blank, an invisible
        or direction-changing sign a replacement character.

    Examples
    --------
    >>> print(as_text("*Phở* <b>24</b>"))
    \*Phở\* &lt;b&gt;24&lt;/b&gt;
    """
    plain = " ".join(_INVISIBLE.sub("\ufffd", plain_text(str(text))).split())
    if len(plain) > longest:
        plain = plain[: longest - 1] + "…"
    escaped = _MEANT.sub(r"\\\g<0>", plain)
    return "".join(_ENTITIES.get(sign, sign) for sign in escaped)


def as_code(text: object) -> str:
    r"""Name in the type of code, also inside a table.

    Parameters
    ----------
    text : object
        Anything; its text is used.

    Returns
    -------
    str
        Code span; a name of other than plain letters, digits and signs is escaped as text.

    Examples
    --------
    >>> as_code("posts.views"), as_code("a|b")
    ('`posts.views`', 'a\\|b')
    """
    name = str(text)
    if re.fullmatch(r"[A-Za-z0-9_.,:+/@= -]{1,200}", name) and name.strip() == name:
        return f"`{name}`"
    return as_text(name)


def as_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, n_names: int = 1) -> str:
    """Table of cells that are Markdown already.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
        Cells, as many as there are columns; a line break becomes one of the cell.
    n_names : int, default 1
        Leading columns of words; the others are numbers, and stand to the right.

    Returns
    -------
    str
        Lines of the table, without a last line break.
    """
    rule = ["---"] * n_names + ["---:"] * (len(header) - n_names)
    lines = [header, rule, *rows]
    cells = (" | ".join(cell.replace("\n", "<br>") for cell in line) for line in lines)
    return "\n".join(f"| {line} |" for line in cells)


def as_bullets(sentences: Iterable[str]) -> str:
    """Sentences that are Markdown already, one per bullet.

    Parameters
    ----------
    sentences : iterable of str
        Sentences.

    Returns
    -------
    str
        Lines of the list, without a last line break.
    """
    return "\n".join(f"- {sentence}" for sentence in sentences)
