"""Engagement rates, by tier and their decay with followers; ratios of counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from typing import Final

import pandas as pd

from matcher.world.moments.export import Export
from matcher.world.moments.intervals import median_range
from matcher.world.moments.moment import PLATFORM_TITLES, Moment
from matcher.world.moments.statistics import (
    LEAST_POSTS,
    account_medians,
    band,
    enough,
    log_slope,
    median_of,
)

__all__ = [
    "MOMENTS",
    "PAGE_LEVELS",
    "alike",
    "comment_like_quarter",
    "counter_ratio",
    "engagement_rate",
    "rate_by_account",
    "rate_slope",
    "view_elasticity",
]

_EPHEMERAL: Final = ("story", "live")
_TIERS: Final = (
    ("1-10k", 1e3, 1e4),
    ("10-50k", 1e4, 5e4),
    ("50-500k", 5e4, 5e5),
    ("500k-1M", 5e5, 1e6),
    ("above 1M", 1e6, inf),
)
_PUBLIC: Final = ("likes", "comments", "shares")


def rate_by_account(export: Export, platform: str, parts: Sequence[str], per: str) -> pd.DataFrame:
    """Interactions over a denominator, as the median of each account's organic posts.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    parts : sequence of str
        Counters that are added up; a post lacking one is left out.
    per : str
        Denominator: a counter, or ``followers`` at the time.

    Returns
    -------
    pandas.DataFrame
        Index `account_id`, columns ``value, followers``; stories and live videos are left out.
    """
    posts = export.posts_on(platform)
    posts = posts[~posts["format"].isin(_EPHEMERAL)]
    total = posts[list(parts)].sum(axis=1, min_count=len(parts))
    return account_medians(posts, total / posts[per].where(posts[per] > 0))


def engagement_rate(
    export: Export,
    *,
    platform: str,
    parts: Sequence[str],
    per: str,
    low: float = 1e3,
    high: float = inf,
) -> float:
    """Median over accounts of the account's median engagement rate.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    parts : sequence of str
        Counters that are added up.
    per : str
        Denominator.
    low, high : float
        Followers of the accounts compared.

    Returns
    -------
    float
        Fraction.
    """
    rates = band(rate_by_account(export, platform, parts, per), low, high)
    return median_of(rates["value"], f"{platform} accounts")


def rate_slope(export: Export, *, platform: str, parts: Sequence[str], per: str) -> float:
    """Exponent of the engagement rate in followers.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    parts : sequence of str
        Counters that are added up.
    per : str
        Denominator.

    Returns
    -------
    float
        Slope of log rate on log followers over accounts with 1,000 followers or more.
    """
    rates = band(rate_by_account(export, platform, parts, per), 1e3, inf)
    return log_slope(rates["value"], rates["followers"])


def view_elasticity(export: Export, *, platform: str) -> float:
    """Exponent of views in followers.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.

    Returns
    -------
    float
        Slope of log median views on log followers over accounts.
    """
    posts = export.posts_on(platform)
    views = band(account_medians(posts, posts["views"]), 1e3, inf)
    return log_slope(views["value"], views["followers"])


def comment_like_quarter(export: Export, *, platform: str, quantile: float) -> float:
    """Comments per like of accounts, at a quantile over accounts.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    quantile : float
        Quantile over accounts; .875 is the median account of the top quarter.

    Returns
    -------
    float
        Sum of comments over sum of likes of the account's organic posts.
    """
    posts = export.posts_on(platform).dropna(subset=["likes", "comments"])
    groups = posts.groupby("account_id")
    sums = groups[["likes", "comments"]].sum()[groups.size() >= LEAST_POSTS]
    ratios = sums["comments"] / sums["likes"].where(sums["likes"] > 0)
    return float(enough(ratios, f"{platform} accounts").quantile(quantile))


def counter_ratio(
    export: Export, *, platform: str, over: str, under: str, levels: Mapping[str, float]
) -> float:
    """Median over accounts of the account's median ratio of two counters.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    over, under : str
        Counters; posts whose `under` is 0 are left out.
    levels : mapping of str to float
        Accounts compared, as in `alike`.

    Returns
    -------
    float
        Ratio.
    """
    posts = alike(export, platform, levels)
    ratios = account_medians(posts, posts[over] / posts[under].where(posts[under] > 0))
    return median_of(ratios["value"], f"{platform} accounts of this kind")


def alike(export: Export, platform: str, levels: Mapping[str, float]) -> pd.DataFrame:
    """Organic posts of the accounts whose median post earns about as much as a published one.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    levels : mapping of str to float
        Published median of each counter that must be alike, within a factor of two: counting noise
        depends on the level, so that only like counts compare.

    Returns
    -------
    pandas.DataFrame
        Rows of `Export.posts`.
    """
    posts = export.posts_on(platform)
    for counter, level in levels.items():
        usual = posts.groupby("account_id")[counter].transform("median")
        posts = posts[usual.between(level / 2, level * 2)]
    return posts


def _by_tier(
    platform: str,
    parts: Sequence[str],
    per: str,
    ranges: Sequence[tuple[float, float]],
    held_out: str,
) -> list[Moment]:
    return [
        Moment(
            "engagement",
            f"{PLATFORM_TITLES[platform]} engagement rate by {per}, {tier} followers",
            *ends,
            "fraction",
            "untapper.com 2026, by tier",
            "V",
            f"median over accounts of the median organic post's ({' + '.join(parts)}) / {per}; "
            "no stories, no live videos",
            partial(engagement_rate, platform=platform, parts=parts, per=per, low=low, high=high),
            held_out=tier == held_out,
        )
        for (tier, low, high), ends in zip(_TIERS, ranges, strict=True)
    ]


PAGE_LEVELS: Final = {"likes": 101.0, "comments": 2.6, "shares": 18.0}
"""Medians of the page of the UCI Facebook metrics, whose likes are from memory."""
_SLOPE: Final = "slope over accounts of log median engagement rate on log followers"

MOMENTS: Final = (
    *_by_tier(
        "instagram",
        ("likes", "comments"),
        "followers",
        ((0.03, 0.05), (0.02, 0.035), (0.015, 0.025), (0.01, 0.018), (0.007, 0.012)),
        held_out="50-500k",
    ),
    *_by_tier(
        "tiktok",
        _PUBLIC,
        "views",
        ((0.06, 0.10), (0.04, 0.07), (0.03, 0.05), (0.02, 0.035), (0.01, 0.02)),
        held_out="500k-1M",
    ),
    Moment(
        "engagement", "Instagram decay of the engagement rate with followers", -0.28, -0.19,
        "exponent",
        "span of published tables: CreatorLedger -0.19, untapper and organicmediabuying -0.21, "
        "iidb -0.27, top-200 accounts 2022 -0.28",
        "C", f"{_SLOPE}; likes + comments over followers",
        partial(
            rate_slope, platform="instagram", parts=("likes", "comments"), per="followers"
        ),
    ),
    Moment(
        "engagement", "TikTok decay of the engagement rate with followers", -0.24, -0.12,
        "exponent",
        "span of published tables: organicmediabuying -0.12, untapper -0.24",
        "C", f"{_SLOPE}; likes + comments + shares over views",
        partial(rate_slope, platform="tiktok", parts=_PUBLIC, per="views"),
    ),
    *(
        Moment(
            "engagement", f"{name} engagement rate by {per}", low, high, "fraction", source,
            confidence,
            "median over accounts of the median organic post's (likes + comments + shares) / "
            f"{per}",
            partial(engagement_rate, platform=name.lower(), parts=_PUBLIC, per=per),
        )
        for name, per, low, high, source, confidence in (
            (
                "Facebook", "reach", 0.0069, 0.021,
                "span of two pages' medians: public page data 2025-26 0.69 % (n = 730), UCI "
                "Facebook metrics 2014 2.1 % (n = 500)",
                "C",
            ),
            (
                "Facebook", "followers", 0.0006, 0.0015,
                "span of Rival IQ 2023 (brand median 0.06 %) and Socialinsider 2026 (mean 0.15 %)",
                "V2",
            ),
            (
                "X", "followers", 0.00035, 0.0012,
                "span of Rival IQ 2023 (brand median 0.035 %) and Socialinsider 2026 (mean 0.12 %)",
                "V2",
            ),
            (
                "LinkedIn", "impressions", 0.0385, 0.065,
                "span of Socialinsider 2026 (3.85 %) and Buffer 2025 (6.50 %)",
                "V2",
            ),
        )
    ),
    *(
        Moment(
            "engagement", f"Instagram comments per like, {which}", low, high, "ratio",
            "CreatorLedger (n = 410; weak provenance)", "V2",
            f"{how} of comments summed over likes summed, per account",
            partial(comment_like_quarter, platform="instagram", quantile=quantile),
            held_out=which == "bottom quarter",
        )
        for which, low, high, quantile, how in (
            ("top quarter", 0.041, 0.068, 0.875, "median over the quarter with most"),
            ("median account", 0.019, 0.030, 0.5, "median over accounts"),
            ("bottom quarter", 0.006, 0.014, 0.125, "median over the quarter with fewest"),
        )
    ),
    *(
        Moment(
            "engagement", f"Facebook {over} per like", *median_range(median, spread, 490), "ratio",
            f"UCI Facebook metrics 2014: median {shown}; 95 % sampling interval at n = 490, "
            f"log-sd {spread}",
            "C",
            "median over accounts of the median organic post; accounts whose median likes are "
            "within a factor of two of the page's",
            partial(
                counter_ratio, platform="facebook", over=over, under="likes",
                levels={"likes": PAGE_LEVELS["likes"]},
            ),
        )
        for over, median, shown, spread in (
            ("comments", 0.026, "2.6 %", 0.93), ("shares", 0.18, "18 %", 0.54),
        )
    ),
)  # fmt: skip
