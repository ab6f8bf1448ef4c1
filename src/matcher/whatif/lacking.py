"""Edits that need what is not known of an account: why, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from matcher.errors import SupportError

__all__ = ["lacking"]

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "followers": {
        "en": "no follower count of {account} is known before {moment}; there is nothing to "
        "multiply",
        "vi": "không biết số người theo dõi của {account} trước {moment} nên không có gì để nhân",
    },
    "price": {
        "en": "no price of {account} is in force at {moment}, so that `price_factor` has nothing "
        "to multiply; give `price` instead",
        "vi": "{account} không có giá nào còn hiệu lực lúc {moment} nên `price_factor` không có gì "
        "để nhân; hãy dùng `price`",
    },
    "format_price": {
        "en": "{account} has no price in force, so that it is not known what another format "
        "costs; give `price` beside `formats`",
        "vi": "{account} không có giá nào còn hiệu lực nên không biết giá của định dạng khác; hãy "
        "thêm `price` bên cạnh `formats`",
    },
    "posts": {
        "en": "{account} has no post before {moment}; its cadence is not known",
        "vi": "{account} không có bài nào trước {moment} nên không biết nhịp đăng bài",
    },
    "spot": {
        "en": "cadence_factor {factor} puts posts of {account} on one spot",
        "vi": "`cadence_factor` {factor} dồn các bài của {account} vào cùng một lúc",
    },
}


def lacking(what: str, **said: object) -> SupportError:
    """Error for an edit that needs what is not known.

    Parameters
    ----------
    what : {"followers", "price", "format_price", "posts", "spot"}
        What is not known.
    **said : object
        What the sentence names: ``account``, ``moment``, ``factor``.

    Returns
    -------
    SupportError
        To be raised; `told` holds the sentence in English and Vietnamese.

    Examples
    --------
    >>> lacking("posts", account="acc_1", moment="2025-06-30").told["vi"]
    'acc_1 không có bài nào trước 2025-06-30 nên không biết nhịp đăng bài'
    """
    told = {language: text.format(**said) for language, text in _WORDS[what].items()}
    return SupportError(f"scenario: {told['en']}", told)
