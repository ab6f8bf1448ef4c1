"""Addresses of posts: the market's own, one that is certain, else that of the account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex

__all__ = ["Address", "post_addresses"]

_URL_COLUMNS: Final = ("url", "post_url", "permalink")
"""Further columns of `posts` in which exports keep the address of a post."""

_SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _SECOND_US
_SNOWFLAKES_SINCE_MS: Final = 1_288_834_974_657
"""First millisecond of the ids of X; Twitter, Announcing Snowflake, 2010."""
_TIKTOK_HANDLE: Final = re.compile(r"[A-Za-z0-9._]{1,23}[A-Za-z0-9_]")
_X_HANDLE: Final = re.compile(r"[A-Za-z0-9_]{1,15}")
_LONG_ID: Final = re.compile(r"[1-9][0-9]{16,19}")


class Address(NamedTuple):
    """Where to look at a post.

    Parameters
    ----------
    url : str or None
        Address, None where none is known.
    of : {"post", "account"} or None
        What stands there: the post itself, or only its account's profile.
    """

    url: str | None
    of: Literal["post", "account"] | None


def post_addresses(index: MarketIndex, posts: NDArray[np.int64]) -> list[Address]:
    """Addresses of posts.

    The market's own address of a post comes first: a further column ``url``, ``post_url`` or
    ``permalink`` of `posts`. Without it one is made of handle and id only where these are certain
    to be the platform's own, which the contract does not ask for: on TikTok and X a numeric id
    holds the time at which the post was made, and it has to be that of publication, to a day.
    Everywhere else the address is that of the account, where the market holds one.

    Parameters
    ----------
    index : MarketIndex
        Market.
    posts : numpy.ndarray of int64, shape (n,)
        Post codes.

    Returns
    -------
    list of Address, length n
        In the order of `posts`.

    References
    ----------
    Twitter, Announcing Snowflake (2010), for ids whose upper bits are milliseconds since November
    2010; R. Benson, Tinkering with TikTok Timestamps (2020), for ids whose upper 32 bits are
    seconds since 1970.
    """
    table = index.posts.iloc[posts]
    column = next((name for name in _URL_COLUMNS if name in table), None)
    own = [None] * len(posts) if column is None else table[column].tolist()
    accounts = index.accounts.iloc[index.post_account[posts]]
    rows = zip(
        own,
        table["post_id"].tolist(),
        index.post_published[posts].tolist(),
        *(accounts[name].tolist() for name in ("platform", "handle", "url")),
        strict=True,
    )
    return [_address(*row) for row in rows]


def _address(
    own: object, post_id: str, published: int, platform: str, handle: object, profile: object
) -> Address:
    if isinstance(own, str) and own:
        return Address(own, "post")
    if isinstance(handle, str) and _LONG_ID.fullmatch(post_id):
        made = _made_at(platform, int(post_id))
        if made is not None and abs(made - published) <= _DAY_US:
            if platform == "tiktok" and _TIKTOK_HANDLE.fullmatch(handle):
                return Address(f"https://www.tiktok.com/@{handle}/video/{post_id}", "post")
            if platform == "x" and _X_HANDLE.fullmatch(handle):
                return Address(f"https://x.com/{handle}/status/{post_id}", "post")
    if isinstance(profile, str) and profile:
        return Address(profile, "account")
    return Address(None, None)


def _made_at(platform: str, post_id: int) -> int | None:
    """Microseconds since 1970 that an id of a platform holds."""
    if platform == "tiktok":
        return (post_id >> 32) * _SECOND_US
    if platform == "x":
        return ((post_id >> 22) + _SNOWFLAKES_SINCE_MS) * 1_000
    return None
