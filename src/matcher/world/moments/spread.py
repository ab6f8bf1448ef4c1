"""How much posts of one account differ, how counters move together, and how accounts differ."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import inf
from typing import Final

import pandas as pd

from matcher.world.moments.engagement import PAGE_LEVELS, alike
from matcher.world.moments.export import Export
from matcher.world.moments.intervals import correlation_range, share_range, spread_range
from matcher.world.moments.moment import Moment
from matcher.world.moments.statistics import (
    LEAST_POSTS,
    account_medians,
    band,
    enough,
    residual_spread,
    within_correlation,
    within_spread,
)

__all__ = [
    "CREATOR_LEVELS",
    "MOMENTS",
    "correlation",
    "creator_spread",
    "post_spread",
    "zero_share",
]

_ANY: Final[Mapping[str, float]] = {}
CREATOR_LEVELS: Final = {
    "likes": 151.0, "comments": 6.0, "shares": 6.0, "saves": 106.0, "follows": 8.0,
}  # fmt: skip
"""Medians of the published creator's posts, from memory; saves from the published .70 per like."""


def _like(levels: Mapping[str, float], *counters: str) -> dict[str, float]:
    """Levels of likes and of the counters measured."""
    return {name: levels[name] for name in dict.fromkeys(("likes", *counters)) if name in levels}


def _of_kind(
    export: Export, platform: str, form: str | None, levels: Mapping[str, float]
) -> pd.DataFrame:
    posts = alike(export, platform, levels)
    return posts if form is None else posts[posts["format"].eq(form)]


def post_spread(
    export: Export,
    *,
    platform: str,
    counter: str,
    form: str | None = None,
    levels: Mapping[str, float] = _ANY,
) -> float:
    """Standard deviation of a counter's log within accounts.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    counter : str
        Counter; posts at 0 are left out.
    form : str, optional
        One format; all of them by default.
    levels : mapping of str to float
        Accounts compared, as in `alike`; all of them by default.

    Returns
    -------
    float
        Natural log, pooled over accounts; organic posts.
    """
    posts = _of_kind(export, platform, form, levels)
    return within_spread(posts[counter], posts["account_id"])


def correlation(
    export: Export,
    *,
    platform: str,
    counters: tuple[str, str],
    form: str | None = None,
    levels: Mapping[str, float] = _ANY,
) -> float:
    """Correlation of two counters' logs within accounts.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    counters : tuple of str
        Counters; posts with one at 0 are left out.
    form : str, optional
        One format; all of them by default.
    levels : mapping of str to float
        Accounts compared, as in `alike`; all of them by default.

    Returns
    -------
    float
        Pooled over accounts; organic posts.
    """
    posts = _of_kind(export, platform, form, levels)
    return within_correlation(posts[counters[0]], posts[counters[1]], posts["account_id"])


def zero_share(
    export: Export, *, platform: str, counter: str, levels: Mapping[str, float]
) -> float:
    """Share of posts without any.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    counter : str
        Counter.
    levels : mapping of str to float
        Accounts compared, as in `alike`; all of them by default.

    Returns
    -------
    float
        Mean over accounts of the share of organic posts at 0.
    """
    posts = alike(export, platform, levels).dropna(subset=[counter])
    groups = posts[counter].eq(0).groupby(posts["account_id"])
    shares = groups.mean()[groups.size() >= LEAST_POSTS]
    return float(enough(shares, f"{platform} accounts of this kind").mean())


def creator_spread(export: Export, *, platform: str, counter: str) -> float:
    """Standard deviation between accounts of a counter's log at given followers.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    counter : str
        Counter.

    Returns
    -------
    float
        Spread of the accounts' median posts around their line on log followers.
    """
    posts = export.posts_on(platform)
    medians = band(account_medians(posts, posts[counter]), 1e3, inf)
    return residual_spread(medians["value"], medians["followers"])


_PAGE: Final = "UCI Facebook metrics 2014, one page"
_CREATOR: Final = "Instagram insights of one creator (A. Kharwal, about 2021)"
_KIND: Final = "accounts whose median likes and counter are within a factor of two of the page's"
_IMAGES: Final = (
    "images of accounts whose median likes and counter are within a factor of two of the creator's"
)


def _spread_at_n(value: float, n: int) -> str:
    return f"log-sd {value}; 95 % sampling interval at n = {n} (log-normal)"


_FACEBOOK_SPREADS: Final = tuple(
    Moment(
        "spread", f"Facebook log-sd of {counter} within an account",
        *spread_range(value, n), "natural log", f"{_PAGE}: {_spread_at_n(value, n)}{note}", "C",
        f"pooled over accounts, organic posts above 0; {_KIND}",
        partial(post_spread, platform="facebook", counter=counter,
                levels=_like(PAGE_LEVELS, counter)),
        held_out=counter == "shares",
    )
    for counter, value, n, note in (
        ("likes", 1.15, 499, ""), ("comments", 1.08, 395, "; the 79 % of 500 posts above 0"),
        ("shares", 0.98, 496, ""), ("reach", 1.14, 500, ""),
    )
)  # fmt: skip
_INSTAGRAM_SPREADS: Final = tuple(
    Moment(
        "spread", f"Instagram log-sd of {counter} within an account",
        *spread_range(value, 119), "natural log", f"{_CREATOR}: {_spread_at_n(value, 119)}", "C",
        f"pooled over accounts, organic posts above 0; {_IMAGES}",
        partial(
            post_spread, platform="instagram", counter=counter, form="image",
            levels=_like(CREATOR_LEVELS, counter),
        ),
        held_out=counter == "comments",
    )
    for counter, value in (
        ("impressions", 0.52), ("likes", 0.42), ("comments", 0.56), ("saves", 0.76),
        ("shares", 0.97),
    )
)  # fmt: skip
_CORRELATIONS: Final = tuple(
    Moment(
        "spread", f"Instagram log-correlation of {first} and {second} within an account",
        *correlation_range(value, 119), "correlation",
        f"{_CREATOR}: {value}; 95 % sampling interval at n = 119 (Fisher)", "C",
        f"pooled over accounts, organic posts above 0; {_IMAGES}",
        partial(
            correlation, platform="instagram", counters=(first, second), form="image",
            levels=_like(CREATOR_LEVELS, first, second),
        ),
        held_out=(first, second) == ("likes", "saves"),
    )
    for first, second, value in (
        ("impressions", "likes", 0.87), ("impressions", "saves", 0.74),
        ("likes", "saves", 0.87), ("impressions", "follows", 0.83),
    )
)  # fmt: skip
_ZEROS: Final = tuple(
    Moment(
        "spread", f"Facebook posts without {counter}", *share_range(value, n), "fraction",
        f"{_PAGE}: {value:.1%} of posts; 95 % sampling interval at n = {n} (Wilson)", "C",
        f"mean over accounts of the share of organic posts at 0; {_KIND}",
        partial(zero_share, platform="facebook", counter=counter,
                levels=_like(PAGE_LEVELS, counter)),
        held_out=counter == "shares",
    )
    for counter, value, n in (("comments", 0.21, 500), ("likes", 0.01, 499), ("shares", 0.026, 496))
)  # fmt: skip

MOMENTS: Final = (*_FACEBOOK_SPREADS, *_INSTAGRAM_SPREADS, *_CORRELATIONS, *_ZEROS)
