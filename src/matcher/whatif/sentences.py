"""Which sentence of a brief carries its ranking: each is left out once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import SupportError
from matcher.whatif.findings import SUPPORT_COLUMNS, support_cells
from matcher.whatif.movement import measure_movement
from matcher.whatif.scenario import parse_scenario
from matcher.whatif.support import check_support

if TYPE_CHECKING:
    from matcher.whatif.desk import Desk

__all__ = ["SENTENCE_COLUMNS", "split_sentences", "weigh_sentences"]

SENTENCE_COLUMNS: Final = ("place", "sentence", "overlap", "carries", "n_left", "entered", "left",
                          *SUPPORT_COLUMNS)  # fmt: skip
"""Columns of `weigh_sentences`."""
_END: Final = re.compile(r"(?<=[.!?…。])\s+|\s*[\r\n]+\s*")
_ABBREVIATION: Final = re.compile(
    r"(?:^|.*[\s(])(?:tp|tx|tt|q|p|kp|th[s]|ts|bs|gs|pgs|đ/c|mr|mrs|ms|dr|st|vs|no|e\.g|i\.e|approx)\.",
    re.IGNORECASE | re.DOTALL,
)
"""Text that ends with an abbreviation after which a sentence goes on: city (TP.), district (Q.),
ward (P.), titles."""
_NUMBER: Final = re.compile(r"[\W\d_]*")
"""What is no sentence by itself: the number of an item, or a dash."""
_MOST: Final = 60
"""Sentences that are left out one by one; a longer brief is a document."""


def split_sentences(text: str) -> list[str]:
    r"""Sentences of a text.

    Parameters
    ----------
    text : str
        Text.

    Returns
    -------
    list of str
        In order; they end with a full stop, a question or exclamation mark, or a line.

    Examples
    --------
    >>> split_sentences("Son mới! Tìm 8 bạn ở TP. HCM.\nGiọng vui.")
    ['Son mới!', 'Tìm 8 bạn ở TP. HCM.', 'Giọng vui.']
    """
    found: list[str] = []
    begun = ""
    for part in (one.strip() for one in _END.split(text)):
        if not part:
            continue
        begun += part
        if _NUMBER.fullmatch(begun) or _ABBREVIATION.fullmatch(begun):
            begun += " "
        else:
            found.append(begun)
            begun = ""
    return [*found, begun.strip()] if begun else found


def weigh_sentences(desk: Desk) -> pd.DataFrame:
    """How far the list moves when a sentence of the brief is left out.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.

    Returns
    -------
    pandas.DataFrame
        `SENTENCE_COLUMNS`, one row per sentence in order, the title first: rank-biased overlap with
        the list of the whole text, ``carries`` (1 less that), accounts that leave, which enter
        and leave, and where the brief without it lies beside those learnt from.

    Raises
    ------
    SupportError
        If the brief has no text, or more than 60 sentences.
    """
    brief = desk.brief
    pieces = [("title", one) for one in ([brief.title] if brief.title else [])]
    pieces += [("brief", one) for one in split_sentences(brief.brief or "")]
    if not pieces:
        raise SupportError(f"brief {brief.brief_id}: has no text, so that no sentence carries it")
    if len(pieces) > _MOST:
        raise SupportError(
            f"brief {brief.brief_id}: {len(pieces)} sentences; {_MOST} at most are weighed one by "
            "one; shorten it"
        )
    rows = []
    for place, (where, sentence) in enumerate(pieces):
        kept = [text for at, (_, text) in enumerate(pieces) if at != place]
        edit: dict[str, str | None] = {"title": None} if where == "title" else {
            "brief": " ".join(kept[bool(brief.title):]) or None
        }  # fmt: skip
        values = {"version": 1, "name": f"sentence {place}", "edits": [{"kind": "brief", **edit}]}
        state = desk.score(parse_scenario(values, where="sentences"))
        found = measure_movement(desk.base, state)
        changes = found.changes
        rows.append(
            {
                "place": place,
                "sentence": sentence,
                "overlap": found.overlap,
                "carries": 1.0 - found.overlap,
                "n_left": found.n_left,
                **{
                    name: tuple(changes.loc[changes["change"] == name, "account_id"])
                    for name in ("entered", "left")
                },
                **support_cells(check_support(desk, state)),
            }
        )
    return pd.DataFrame(rows, columns=list(SENTENCE_COLUMNS)).astype({"overlap": np.float64})
