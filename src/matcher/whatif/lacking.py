"""Edits that need what is not known, or leave nobody: why, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from matcher.errors import SupportError
from matcher.whatif.fields import field_words, value_words

__all__ = ["lacking", "nobody_eligible"]

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

_ELIGIBLE: Final = (
    "platforms", "countries", "creator_languages", "formats", "budget", "currency", "never",
    "competitor_ids", "brand_category", "starts_on", "ends_on",
)  # fmt: skip
"""Terms of a brief that decide who is eligible."""
_NOBODY: Final[Mapping[str, str]] = {
    "en": "no account is eligible; the scenario sets {terms}: loosen this first",
    "vi": "không tài khoản nào đủ điều kiện; kịch bản đặt {terms}: hãy nới điều này trước",
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


def nobody_eligible(changes: Mapping[str, Any]) -> SupportError | None:
    """Error for a scenario under whose brief nobody is eligible.

    Parameters
    ----------
    changes : mapping
        Terms that the scenario sets, as of `matcher.whatif.scenario.Scenario.brief_changes`.

    Returns
    -------
    SupportError or None
        To be raised; names the terms that it sets of those that decide who is eligible, and is
        None where it sets none of them.
    """
    # A term that is taken away keeps nobody out.
    terms = [name for name in _ELIGIBLE if changes.get(name) not in (None, ())]
    if not terms:
        return None
    told = {}
    for language in ("en", "vi"):
        said = [
            f"{field_words(name, language)} = {value_words(name, changes[name], language)}"
            for name in terms
        ]
        told[language] = _NOBODY[language].format(terms=", ".join(said))
    return SupportError(f"scenario: {told['en']}", told)
