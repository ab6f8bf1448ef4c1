"""Reach over followers by tier, and how formats compare."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Final

import numpy as np

from matcher.world.moments.export import Export
from matcher.world.moments.intervals import median_range
from matcher.world.moments.moment import Moment
from matcher.world.moments.statistics import account_medians, band, median_of

__all__ = ["MOMENTS", "format_ratio", "reach_rate", "views_of_reach"]

_TIERS: Final = (
    ("below 10k", 0.0, 1e4),
    ("10-100k", 1e4, 1e5),
    ("100k-1M", 1e5, 1e6),
    ("above 1M", 1e6, inf),
)
_FEED: Final = ("image", "carousel")


def reach_rate(
    export: Export,
    *,
    platform: str,
    formats: Sequence[str] = (),
    low: float = 0.0,
    high: float = inf,
) -> float:
    """Median over accounts of the account's median reach over followers.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    formats : sequence of str
        Formats counted; empty for all.
    low, high : float
        Followers of the accounts compared.

    Returns
    -------
    float
        Fraction; above 1 where a post reaches more people than follow.
    """
    posts = export.posts_on(platform)
    if formats:
        posts = posts[posts["format"].isin(formats)]
    rates = account_medians(
        posts, posts["reach"] / posts["followers"].where(posts["followers"] > 0)
    )
    return median_of(band(rates, low, high)["value"], f"{platform} accounts with reach")


def format_ratio(
    export: Export, *, platform: str, over: str, under: str, counters: Sequence[str]
) -> float:
    """What a format earns relative to another of the same account.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    over, under : str
        Formats.
    counters : sequence of str
        Counters that are added up; a post lacking one is left out.

    Returns
    -------
    float
        Median over accounts of median post by median post, so that followers are equal.
    """
    posts = export.posts_on(platform)
    total = posts[list(counters)].sum(axis=1, min_count=len(counters))
    upper, lower = (
        account_medians(posts[posts["format"].eq(name)], total[posts["format"].eq(name)])["value"]
        for name in (over, under)
    )
    ratios = (upper / lower.where(lower > 0)).dropna()
    return median_of(ratios, f"{platform} accounts with {over} and {under} posts")


def views_of_reach(export: Export, *, platform: str) -> float:
    """Impressions per person reached.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.

    Returns
    -------
    float
        Median over accounts of the median organic post.
    """
    posts = export.posts_on(platform)
    ratios = account_medians(posts, posts["impressions"] / posts["reach"].replace(0, np.nan))
    return median_of(ratios["value"], f"{platform} accounts with impressions and reach")


def _by_tier(
    what: str,
    formats: Sequence[str],
    ranges: Sequence[tuple[float, float]],
    held_out: str,
) -> list[Moment]:
    return [
        Moment(
            "reach",
            f"Instagram reach of a {what} by followers, {tier} followers",
            *ends,
            "fraction",
            "startmotionmedia 2024, by tier",
            "V2",
            f"median over accounts of the median organic {what}'s reach / followers "
            f"({', '.join(formats)})",
            partial(reach_rate, platform="instagram", formats=formats, low=low, high=high),
            held_out=tier == held_out,
        )
        for (tier, low, high), ends in zip(_TIERS, ranges, strict=True)
    ]


MOMENTS: Final = (
    *_by_tier(
        "feed post",
        _FEED,
        ((0.20, 0.40), (0.15, 0.30), (0.10, 0.20), (0.05, 0.12)),
        held_out="100k-1M",
    ),
    *_by_tier(
        "story",
        ("story",),
        ((0.07, 0.15), (0.05, 0.12), (0.04, 0.10), (0.03, 0.08)),
        held_out="10-100k",
    ),
    Moment(
        "reach", "Instagram reach, reel over image", 1.5, 3.0, "ratio",
        "startmotionmedia 2024: 1.5-3; creatorsjet 2025: 2.25 lies within",
        "V2", "median over accounts of median reel by median image of the same account",
        partial(
            format_ratio, platform="instagram", over="short_video", under="image",
            counters=("reach",),
        ),
    ),
    Moment(
        "reach", "Instagram engagement, carousel over image", 1.2, 1.8, "ratio",
        "startmotionmedia 2024: 1.2-1.8",
        "V2",
        "median over accounts of median carousel by median image of the same account; "
        "likes + comments",
        partial(
            format_ratio, platform="instagram", over="carousel", under="image",
            counters=("likes", "comments"),
        ),
        held_out=True,
    ),
    Moment(
        "reach", "Instagram impressions per person reached", 1.1, 1.3, "ratio",
        "usual range in the field",
        "M", "median over accounts of the median organic post's impressions / reach",
        partial(views_of_reach, platform="instagram"),
    ),
    Moment(
        "reach", "Facebook reach by followers", *median_range(0.049, 1.14, 500), "fraction",
        "UCI Facebook metrics 2014: median 4.9 % of page likes; 95 % sampling interval at "
        "n = 500, log-sd 1.14",
        "C", "median over accounts of the median organic post's reach / followers",
        partial(reach_rate, platform="facebook"),
    ),
)  # fmt: skip
