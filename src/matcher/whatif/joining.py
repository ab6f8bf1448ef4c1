"""Accounts that a scenario names: those in the market, and those that it lets join."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from matcher.market.market import Market
    from matcher.whatif.edits import NewAccount
    from matcher.whatif.tables import EditedTables

__all__ = ["OF_ACCOUNTS", "check_joining", "check_known", "join_accounts"]

_DAYS: Final = 90.0
"""Days before the instant over which the posts of a new account are spread."""
OF_ACCOUNTS: Final = (
    "influencers",
    "accounts",
    "account_snapshots",
    "posts",
    "post_metrics",
    "campaign_posts",
    "audiences",
    "rates",
    "availability",
    "exclusivities",
    "collaborations",
    "decisions",
)
"""Tables whose rows are each of one account, or of its person; brands, campaigns and rates of
exchange are everybody's."""


def join_accounts(edited: EditedTables, accounts: Sequence[NewAccount]) -> EditedTables:
    """Market of new accounts alone, with their people, posts, size and price.

    Parameters
    ----------
    edited : EditedTables
        The market that they join.
    accounts : sequence of NewAccount
        Those who join.

    Returns
    -------
    EditedTables
        Not edited yet. Its market holds the new accounts alone in the tables of `OF_ACCOUNTS`, and
        all other tables as they are.

    Raises
    ------
    DataError
        If an account is in the market already, or the id of its person.
    """
    check_joining(edited.market, accounts)
    joined = replace(edited, market=_nobody(edited.market), tables={}, aspects=set())
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(accounts, key=lambda account: account.account_id):
        for name, own in _rows(edited.moment, one).items():
            rows.setdefault(name, []).extend(own)
    for name, own in rows.items():
        joined.add(name, own, "accounts")
    market = replace(joined.market, tables={**joined.market.tables, **joined.tables})
    return replace(joined, market=market, tables={}, aspects=set())


def check_joining(market: Market, accounts: Sequence[NewAccount]) -> None:
    """Accounts that join may not be in the market, nor the ids of their people.

    Parameters
    ----------
    market : Market
        Market.
    accounts : sequence of NewAccount
        Those who join.

    Raises
    ------
    DataError
        If some are.
    """
    known = set(market.tables["accounts"]["account_id"])
    ids = [one.account_id for one in accounts]
    twice = sorted(one for one in ids if one in known)
    if twice:
        raise DataError(
            f"scenario: {len(twice)} new account(s) are in the market already: {twice[:5]}; "
            "change them by edits of kind `influencer`"
        )
    people = set(market.tables["influencers"]["influencer_id"])
    taken = sorted(one for one in map(_person_id, ids) if one in people)
    if taken:
        raise DataError(
            f"scenario: {len(taken)} id(s) of the people of new accounts are in the market "
            f"already: {taken[:5]}; give the accounts other ids"
        )


def _nobody(market: Market) -> Market:
    """A market without its accounts."""
    blank = {name: market.tables[name].head(0) for name in OF_ACCOUNTS}
    return replace(market, tables={**market.tables, **blank})


def _person_id(account_id: str) -> str:
    return f"scenario:{account_id}"


def _rows(moment: pd.Timestamp, one: NewAccount) -> dict[str, list[dict[str, Any]]]:
    """Rows of a new account, by table."""
    person, name = _person_id(one.account_id), one.account_id
    account = {"account_id": name, "influencer_id": person, "platform": one.platform}
    rows: dict[str, list[dict[str, Any]]] = {
        "influencers": [_person(one, person)],
        "accounts": [{**account, "handle": one.handle or name}],
        "posts": [_post(moment, one, number) for number in range(one.n_posts)],
    }
    read_at = moment - pd.Timedelta(seconds=1)
    if one.n_followers is not None:
        size = {"account_id": name, "as_of": read_at, "n_followers": one.n_followers}
        rows["account_snapshots"] = [size]
    if one.price is not None:
        quote: dict[str, Any] = {"account_id": name, "as_of": read_at, "format": one.format}
        rows["rates"] = [{**quote, "price": one.price, "currency": one.currency, "n_posts": 1.0}]
    return rows


def _post(moment: pd.Timestamp, one: NewAccount, number: int) -> dict[str, Any]:
    age = pd.Timedelta(days=_DAYS * (number + 0.5) / one.n_posts)
    return {
        "post_id": f"{_person_id(one.account_id)}:{number:04d}",
        "account_id": one.account_id,
        "published_at": moment - age,
        "observed_at": moment - age / 2,
        "format": one.format,
        "language": one.language,
        "text": one.text,
        "likes": one.engagements,
        "comments": None if one.engagements is None else 0.0,
        "shares": None if one.engagements is None else 0.0,
        "views": one.views,
    }


def _person(one: NewAccount, person: str) -> dict[str, Any]:
    return {
        "influencer_id": person,
        "display_name": one.display_name or one.account_id,
        "bio": one.bio,
        "languages": None if one.languages is None else tuple(one.languages),
        "country": one.country,
    }


def check_known(known: Collection[str], asked: Iterable[str]) -> None:
    """Accounts that edits name must be in the market.

    Parameters
    ----------
    known : collection of str
        Accounts of the market.
    asked : iterable of str
        Accounts that are named.

    Raises
    ------
    DataError
        If some are not.
    """
    missing = sorted(set(asked) - set(known))
    if missing:
        near = difflib.get_close_matches(missing[0], list(known), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known, first five: {list(known)[:5]}"
        raise DataError(
            f"scenario: {len(missing)} account(s) are not in the market: {missing[:5]}; {hint}"
        )
