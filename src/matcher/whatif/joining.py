"""Accounts that a scenario lets join the market."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.errors import DataError

if TYPE_CHECKING:
    from matcher.whatif.edits import NewAccount
    from matcher.whatif.tables import EditedTables

__all__ = ["join_accounts"]

_DAYS: Final = 90.0
"""Days before the instant over which the posts of a new account are spread."""


def join_accounts(edited: EditedTables, accounts: tuple[NewAccount, ...]) -> None:
    """Add accounts with their people, posts, size and price.

    Parameters
    ----------
    edited : EditedTables
        Tables, which are changed.
    accounts : tuple of NewAccount
        Those who join.

    Raises
    ------
    DataError
        If an account is in the market already.
    """
    known = set(edited.table("accounts")["account_id"])
    twice = sorted(one.account_id for one in accounts if one.account_id in known)
    if twice:
        raise DataError(
            f"scenario: {len(twice)} new account(s) are in the market already: {twice[:5]}; "
            "change them by edits of kind `influencer`"
        )
    for one in sorted(accounts, key=lambda account: account.account_id):
        _join(edited, one)


def _join(edited: EditedTables, one: NewAccount) -> None:
    person, name = f"scenario:{one.account_id}", one.account_id
    edited.add("influencers", [_person(one, person)], "accounts")
    account = {"account_id": name, "influencer_id": person, "platform": one.platform}
    edited.add("accounts", [{**account, "handle": one.handle or name}], "accounts")
    posts = []
    for number in range(one.n_posts):
        age = pd.Timedelta(days=_DAYS * (number + 0.5) / one.n_posts)
        posts.append(
            {
                "post_id": f"{person}:{number:04d}",
                "account_id": name,
                "published_at": edited.moment - age,
                "observed_at": edited.moment - age / 2,
                "format": one.format,
                "language": one.language,
                "text": one.text,
                "likes": one.engagements,
                "comments": None if one.engagements is None else 0.0,
                "shares": None if one.engagements is None else 0.0,
                "views": one.views,
            }
        )
    edited.add("posts", posts, "accounts")
    read_at = edited.moment - pd.Timedelta(seconds=1)
    if one.n_followers is not None:
        size = {"account_id": name, "as_of": read_at, "n_followers": one.n_followers}
        edited.add("account_snapshots", [size], "accounts")
    if one.price is not None:
        quote: dict[str, Any] = {"account_id": name, "as_of": read_at, "format": one.format}
        quote |= {"price": one.price, "currency": one.currency, "n_posts": 1.0}
        edited.add("rates", [quote], "accounts")


def _person(one: NewAccount, person: str) -> dict[str, Any]:
    return {
        "influencer_id": person,
        "display_name": one.display_name or one.account_id,
        "bio": one.bio,
        "languages": None if one.languages is None else tuple(one.languages),
        "country": one.country,
    }
