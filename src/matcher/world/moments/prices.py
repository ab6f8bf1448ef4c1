"""What a post costs: by tier, platform, format, niche, season and quality."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Final

import numpy as np
import pandas as pd

from matcher.errors import SupportError
from matcher.world.moments.export import Export
from matcher.world.moments.moment import PLATFORM_TITLES, Moment
from matcher.world.moments.statistics import (
    account_medians,
    band,
    enough,
    log_slope,
    median_of,
    residual_spread,
)

__all__ = [
    "MOMENTS",
    "format_price",
    "niche_price",
    "platform_price",
    "price_exponent",
    "price_spread",
    "quality_slope",
    "season_price",
    "tier_price",
]

_DEAR: Final = ("finance", "real_estate", "technology")
_CHEAP: Final = ("entertainment", "comedy")
_QUARTERS: Final = (4, 2)


def _home(export: Export) -> pd.DataFrame:
    """Main prices in USD, with the market that they are made in."""
    prices = export.main_prices
    market = np.where(prices["country"].eq("VN"), "VN", "abroad")
    return prices.assign(usd=_in_dollars(export, prices), market=market)


def _in_dollars(export: Export, prices: pd.DataFrame) -> pd.Series:
    is_dong = prices["currency"].eq("VND")
    dollars_per_dong = 1 / export.dong_per_dollar if is_dong.any() else 1.0
    return prices["price"].astype(float) * np.where(is_dong, dollars_per_dong, 1.0)


def _kinds(prices: pd.DataFrame) -> pd.Series:
    """Market and platform of each price, which get an intercept of their own."""
    return prices["market"] + prices["platform"].astype(str)


def tier_price(
    export: Export, *, country: str, low: float, high: float, platform: str | None = None
) -> float:
    """Median price of a post in the account's main format.

    Parameters
    ----------
    export : Export
        Market.
    country : {"VN", "abroad"}
        Whose accounts; Vietnamese prices are in VND, others in USD.
    low, high : float
        Followers of the accounts.
    platform : str, optional
        One platform; all of them by default.

    Returns
    -------
    float
        VND or USD.
    """
    prices = _home(export)
    prices = band(prices[prices["market"].eq(country)], low, high)
    if platform is not None:
        prices = prices[prices["platform"].eq(platform)]
    usd = median_of(prices["usd"], f"{platform or 'priced'} accounts")
    return usd * export.dong_per_dollar if country == "VN" else usd


def price_exponent(export: Export) -> float:
    """Exponent of price in followers.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Slope of log price on log followers, with an intercept per market and platform.
    """
    prices = band(_home(export), 1e3, inf)
    groups = _kinds(prices)
    return log_slope(prices["usd"], prices["followers"], groups)


def price_spread(export: Export) -> float:
    """Standard deviation of log price at given followers.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Around the line on log followers, with an intercept per market and platform.
    """
    prices = band(_home(export), 1e3, inf)
    groups = _kinds(prices)
    return residual_spread(prices["usd"], prices["followers"], groups)


def format_price(export: Export, *, platform: str, over: str, under: Sequence[str]) -> float:
    """Price of a format relative to another of the same account.

    Parameters
    ----------
    export : Export
        Market.
    platform : str
        Platform.
    over : str
        Format.
    under : sequence of str
        Formats it is compared with; the cheapest that the account offers counts.

    Returns
    -------
    float
        Median ratio over accounts that offer both.
    """
    prices = export.prices[export.prices["platform"].eq(platform)]
    upper = prices[prices["format"].eq(over)].set_index("account_id")["price"]
    lower = prices[prices["format"].isin(under)].groupby("account_id")["price"].min()
    ratios = (upper / lower).dropna()
    return median_of(ratios, f"{platform} accounts that price {over} and {' or '.join(under)}")


def _ratio_at_followers(prices: pd.DataFrame, is_over: pd.Series, groups: pd.Series) -> float:
    """Ratio of prices between two kinds of accounts at equal followers, from a line of logs."""
    usable = prices["usd"].gt(0) & prices["followers"].gt(0)
    prices, flag, groups = prices[usable], is_over[usable].astype(float), groups[usable]
    for side in (0.0, 1.0):
        enough(flag[flag == side], "priced accounts on one side of the ratio")
    followers = prices["followers"].to_numpy(dtype=float)
    dummies = pd.get_dummies(groups, dtype=float).to_numpy()
    design = np.hstack([np.log(followers)[:, None], flag.to_numpy()[:, None], dummies])
    logs = np.log(prices["usd"].to_numpy(dtype=float))
    return float(np.exp(np.linalg.lstsq(design, logs, rcond=None)[0][1]))


def platform_price(export: Export, *, over: str, under: str) -> float:
    """Price on a platform relative to another at equal followers.

    Parameters
    ----------
    export : Export
        Market.
    over, under : str
        Platforms.

    Returns
    -------
    float
        Ratio, from a line of log price on log followers with an intercept per market.
    """
    prices = band(_home(export), 1e3, inf)
    prices = prices[prices["platform"].isin((over, under))]
    return _ratio_at_followers(prices, prices["platform"].eq(over), prices["market"])


def niche_price(export: Export, *, over: Sequence[str], under: Sequence[str]) -> float:
    """Price of some niches relative to others at equal followers.

    Parameters
    ----------
    export : Export
        Market.
    over, under : sequence of str
        Categories; an account's is the first that its owner lists.

    Returns
    -------
    float
        Ratio, from a line of log price on log followers with an intercept per market and platform.
    """
    prices = band(_home(export), 1e3, inf)
    prices = prices[prices["category"].isin((*over, *under))]
    groups = _kinds(prices)
    return _ratio_at_followers(prices, prices["category"].isin(over), groups)


def quality_slope(export: Export) -> float:
    """Exponent of price in the engagement rate at given followers.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Slope of log price on log (likes + comments) / followers, both cleared of log followers,
        with an intercept per market and platform.
    """
    posts = export.posts[~export.posts["format"].isin(("story", "live"))]
    rate = posts[["likes", "comments"]].sum(axis=1, min_count=2) / posts["followers"]
    rates = account_medians(posts, rate)["value"].rename("rate")
    prices = band(_home(export).join(rates, on="account_id"), 1e3, inf)
    prices = prices[prices["rate"].gt(0) & prices["usd"].gt(0)]
    groups = _kinds(prices)
    rate_slope = log_slope(prices["rate"], prices["followers"], groups)
    price_slope = log_slope(prices["usd"], prices["followers"], groups)
    return log_slope(
        prices["usd"] / prices["followers"] ** price_slope,
        prices["rate"] / prices["followers"] ** rate_slope,
        groups,
    )


def season_price(export: Export) -> float:
    """Fees of the fourth quarter relative to those of the second.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Ratio of the medians of fee per post over the account's newest asking price of the format
        (of its main format where it asks none for that one), by the quarter in which the campaign
        starts.

    Raises
    ------
    SupportError
        If a quarter holds too few fees.
    """
    hires = export.hires.dropna(subset=["fee", "n_posts_agreed", "starts_on"])
    asked = _asked(export)
    own = hires.join(asked.rename("asked"), on=["account_id", "format"])["asked"]
    main = _home(export).set_index("account_id")["usd"]
    reference = own.fillna(hires["account_id"].map(main))
    paid = hires["fee"].astype(float) * hires["usd"] / hires["n_posts_agreed"].clip(lower=1)
    ratio = paid / reference.astype(float)
    quarter = pd.to_datetime(hires["starts_on"]).dt.quarter
    late, early = (median_of(ratio[quarter == q], f"fees of quarter {q}") for q in _QUARTERS)
    if not early > 0:
        raise SupportError("the median fee of the second quarter is 0")
    return late / early


def _asked(export: Export) -> pd.Series:
    prices = export.prices
    return _in_dollars(export, prices).set_axis(
        pd.MultiIndex.from_frame(prices[["account_id", "format"]])
    )


_TIERS: Final = (
    ("1-10k", 1e3, 1e4),
    ("10-100k", 1e4, 1e5),
    ("100k-1M", 1e5, 1e6),
    ("above 1M", 1e6, inf),
)
_MAIN: Final = "median over accounts of the newest price of one post in the main format"
_VIETNAM: Final = ((None, 1e6), (2e6, 1e7), (1.5e7, 5e7), (6e7, None))
_DOLLARS: Final = {
    "instagram": ((10, 100), (100, 500), (500, 10_000), (10_000, None)),
    "tiktok": ((5, 25), (25, 125), (125, 2_500), (2_500, None)),
    "youtube": ((20, 200), (200, 1_000), (1_000, 20_000), (20_000, None)),
}

MOMENTS: Final = (
    *(
        Moment(
            "prices", f"Price in Vietnam, {tier} followers", *ends, "VND per post",
            "Height Media 2025 (Vietnamese agencies)", "V", f"{_MAIN}; Vietnamese accounts",
            partial(tier_price, country="VN", low=low, high=high),
            held_out=tier == "100k-1M",
        )
        for (tier, low, high), ends in zip(_TIERS, _VIETNAM, strict=True)
    ),
    *(
        Moment(
            "prices", f"{PLATFORM_TITLES[platform]} price abroad, {tier} followers", *ends,
            "USD per post", "wordontheblock 2023", "V",
            f"{_MAIN}; accounts outside Viet Nam",
            partial(tier_price, country="abroad", platform=platform, low=low, high=high),
            held_out=(platform, tier) == ("youtube", "10-100k"),
        )
        for platform, ranges in _DOLLARS.items()
        for (tier, low, high), ends in zip(_TIERS, ranges, strict=True)
    ),
    Moment(
        "prices", "Exponent of price in followers", 0.75, 0.97, "exponent",
        "span of published tables: Vietnamese agencies 0.75, US Instagram 0.90, iidb 0.97", "C",
        "slope of log price on log followers, an intercept per market and platform",
        price_exponent,
    ),
    *(
        Moment(
            "prices", f"Instagram price, {what} over feed post", low, high, "ratio",
            f"influencerradar 2024 (over 200 campaigns): {shown}", "V",
            "median over accounts that price both; a feed post is an image or else a carousel",
            partial(format_price, platform="instagram", over=form, under=("image", "carousel")),
            held_out=form == "story",
        )
        for what, form, low, high, shown in (
            ("reel", "short_video", 1.15, 1.25, "reels +15-25 %"),
            ("story", "story", 0.40, 0.60, "a story frame 40-60 % of feed"),
        )
    ),
    Moment(
        "prices", "YouTube price over TikTok price at equal followers", 1.0, None, "ratio",
        "Height Media 2025: YouTube is dearest, before TikTok", "V",
        "from a line of log price on log followers, an intercept per market",
        partial(platform_price, over="youtube", under="tiktok"),
    ),
    Moment(
        "prices", "Price of finance, real estate and technology over entertainment", 1.0, None,
        "ratio", "Height Media 2025: entertainment cheap; finance, real estate, technology dear",
        "V",
        "from a line of log price on log followers, an intercept per market and platform; "
        "first listed category",
        partial(niche_price, over=_DEAR, under=_CHEAP),
    ),
    Moment(
        "prices", "Exponent of price in the engagement rate at given followers", 0.0, None,
        "exponent", "Height Media 2025: a higher engagement rate means a higher price", "V",
        "slope of log price on log (likes + comments) / followers, both cleared of log followers",
        quality_slope,
    ),
    Moment(
        "prices", "Fees of the fourth quarter over the second", 1.30, 1.55, "ratio",
        "CreatorLedger (n = 300; weak provenance): +30-55 %", "V2",
        "ratio of medians of fee per post over the account's newest asking price, by the quarter "
        "in which the campaign starts",
        season_price,
    ),
)  # fmt: skip
