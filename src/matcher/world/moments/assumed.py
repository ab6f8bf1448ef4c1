"""Figures of the world that no source settles: what is assumed, beside what comes out."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Final

import numpy as np

from matcher.world.moments.audience import audience_share
from matcher.world.moments.engagement import view_elasticity
from matcher.world.moments.export import Export
from matcher.world.moments.funnel import click_rate
from matcher.world.moments.moment import Assumption
from matcher.world.moments.people import bought_share, fake_share, tier_share
from matcher.world.moments.prices import price_spread
from matcher.world.moments.reach import views_of_reach
from matcher.world.moments.spread import creator_spread, post_spread
from matcher.world.moments.statistics import account_medians, enough, median_of

__all__ = ["ASSUMED", "disclosed_share", "sponsored_ratio", "sponsored_share", "vietnamese_share"]


def sponsored_share(export: Export) -> float:
    """Share of posts that are flagged as sponsored.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Share of the posts whose flag is known, campaign posts included.
    """
    return float(enough(export.all_posts["is_sponsored"], "posts").mean())


def disclosed_share(export: Export) -> float:
    """Share of sponsored posts that say so.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Share of the flagged posts whose disclosure is known.
    """
    posts = export.all_posts[export.all_posts["is_sponsored"].eq(True).fillna(False).astype(bool)]
    return float(enough(posts["is_disclosed"], "sponsored posts").mean())


def vietnamese_share(export: Export) -> float:
    """Share of posts in Vietnamese.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Share of the posts whose language is known.
    """
    language = enough(export.all_posts["language"].dropna().eq("vi"), "posts")
    return float(language.mean())


def sponsored_ratio(export: Export) -> float:
    """Likes of sponsored posts relative to organic ones of the same account.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Median over accounts of median sponsored by median organic post; no campaign posts.
    """
    posts = export.all_posts[~export.all_posts["is_campaign"]]
    posts = posts[~posts["format"].isin(("story", "live"))]
    flag = posts["is_sponsored"]
    paid, organic = (
        account_medians(posts[flag.eq(value)], posts.loc[flag.eq(value), "likes"])["value"]
        for value in (True, False)
    )
    ratios = (paid / organic.where(organic > 0)).replace([np.inf], np.nan)
    return median_of(ratios, "accounts with sponsored and organic posts")


_JUDGED: Final = "judgement"
_TIERS: Final = (
    ("nano, 1-10k", 1e3, 1e4, 0.60, 0.25),
    ("micro, 10-50k", 1e4, 5e4, 0.25, 0.40),
    ("mid, 50-500k", 5e4, 5e5, 0.11, 0.40),
    ("macro, 500k-1M", 5e5, 1e6, 0.025, 0.45),
    ("mega, above 1M", 1e6, inf, 0.015, 0.55),
)


def _shown(
    name: str,
    low: float,
    high: float,
    dimension: str,
    bucket: str,
    *,
    platform: str | None = None,
    category: str | None = None,
) -> Assumption:
    measure = partial(
        audience_share,
        dimension=dimension,
        buckets=(bucket,),
        platform=platform,
        category=category,
    )
    return Assumption("audience", name, low, high, "fraction", _JUDGED, measure)


ASSUMED: Final = (
    *(
        Assumption(
            "followers", f"Share of accounts, {tier}", share, share, "fraction",
            f"{_JUDGED}: the mix of all platforms", partial(tier_share, low=low, high=high),
        )
        for tier, low, high, share, _ in _TIERS
    ),
    Assumption(
        "followers", "Share of nano accounts on TikTok", 0.49, 0.49, "fraction",
        "HypeAuditor 2022: one figure without its sample size",
        partial(tier_share, low=1e3, high=1e4, platform="tiktok"),
    ),
    Assumption(
        "engagement", "Sponsored posts' likes over organic ones'", 0.6, 1.15, "ratio",
        f"{_JUDGED} between sources that disagree on the sign; median 0.85", sponsored_ratio,
    ),
    Assumption(
        "engagement", "Share of posts that are sponsored", None, None, "fraction",
        "no public figure found", sponsored_share,
    ),
    Assumption(
        "engagement", "Share of sponsored posts that disclose it", None, None, "fraction",
        "no public figure found", disclosed_share,
    ),
    Assumption(
        "engagement", "Share of posts in Vietnamese", None, None, "fraction",
        "no public figure found; depends on whose market it is", vietnamese_share,
    ),
    Assumption(
        "reach", "Facebook impressions per person reached", 1.76, 1.76, "ratio",
        "UCI Facebook metrics 2014: one page's median without its spread",
        partial(views_of_reach, platform="facebook"),
    ),
    Assumption(
        "engagement", "TikTok views, exponent in followers", 0.1, 0.4, "exponent",
        f"{_JUDGED}: slope over accounts; published are 0.10 within accounts, and on a list "
        "selected on views",
        partial(view_elasticity, platform="tiktok"),
    ),
    Assumption(
        "spread", "TikTok log-sd of views within an account", 1.0, 1.2, "natural log", _JUDGED,
        partial(post_spread, platform="tiktok", counter="views"),
    ),
    Assumption(
        "spread", "Instagram log-sd of reels' reach within an account", 0.6, 0.6, "natural log",
        _JUDGED,
        partial(post_spread, platform="instagram", counter="reach", form="short_video"),
    ),
    Assumption(
        "spread", "Instagram log-sd of likes between accounts at given followers", 0.5, 0.7,
        "natural log", f"{_JUDGED}; lists of the largest accounts give 0.91-1.00",
        partial(creator_spread, platform="instagram", counter="likes"),
    ),
    *(
        Assumption(
            "spread", f"TikTok log-sd of {counter} between accounts at given followers", 0.8, 0.8,
            "natural log", f"{_JUDGED}; a list selected on views gives {selected}",
            partial(creator_spread, platform="tiktok", counter=counter),
        )
        for counter, selected in (("views", 0.56), ("likes", 0.58))
    ),
    Assumption(
        "prices", "Log-sd of prices at given followers", 0.6, 0.6, "natural log", _JUDGED,
        price_spread,
    ),
    Assumption(
        "authenticity", "Accounts with bought followers on Instagram", 0.27, 0.27, "fraction",
        "HypeAuditor, Singapore 2019: one figure without its sample size (33 % at 5-20k); from the "
        "truth",
        partial(bought_share, platform="instagram"),
    ),
    *(
        Assumption(
            "authenticity", f"Accounts with bought followers, {tier}", share, share, "fraction",
            f"{_JUDGED}; from the truth", partial(bought_share, low=low, high=high),
        )
        for tier, low, high, _, share in _TIERS
    ),
    Assumption(
        "authenticity", "Fake share of accounts that bought followers", 1 / 3, 1 / 3, "fraction",
        f"{_JUDGED}: mean of Beta(2, 4); from the truth", partial(fake_share, bought=True),
    ),
    Assumption(
        "authenticity", "Fake share of accounts that bought none", 0.1, 0.1, "fraction",
        f"{_JUDGED}: mean of Beta(2, 18); from the truth", partial(fake_share, bought=False),
    ),
    Assumption(
        "funnel", "Link clicks per impression, all platforms", 0.003, 0.02, "fraction",
        f"{_JUDGED}: feed 0.3-1.0 %, stories and shop tags 0.8-2 %", click_rate,
    ),
    _shown("Vietnamese share of Vietnamese accounts' audiences", 0.85, 0.97, "country", "VN"),
    _shown("Audience share of Hồ Chí Minh city", 0.25, 0.35, "city", "Hồ Chí Minh"),
    _shown("Audience share of Hà Nội", 0.18, 0.25, "city", "Hà Nội"),
    _shown("Female audience, beauty", 0.80, 0.80, "gender", "female", category="beauty"),
    _shown("Female audience, technology", 0.22, 0.22, "gender", "female", category="technology"),
    _shown("Female audience, gaming", 0.20, 0.20, "gender", "female", category="gaming"),
    _shown("TikTok audience aged 18-24", 0.40, 0.40, "age", "18-24", platform="tiktok"),
    _shown("Facebook audience aged 18-24", 0.25, 0.25, "age", "18-24", platform="facebook"),
)  # fmt: skip
