"""From seen to bought: clicks, orders, and revenue per follower."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Final

import pandas as pd

from matcher.errors import SupportError
from matcher.world.moments.export import Export
from matcher.world.moments.moment import Moment
from matcher.world.moments.statistics import enough, median_of

__all__ = ["MOMENTS", "click_rate", "order_rate", "revenue_ratio"]

_NANO: Final = (0.0, 1e4)
_MACRO: Final = (1e5, inf)


def click_rate(export: Export, *, platform: str | None = None) -> float:
    """Link clicks per impression of campaign posts.

    Parameters
    ----------
    export : Export
        Market.
    platform : str, optional
        One platform; all of them by default.

    Returns
    -------
    float
        Median over collaborations that state both.
    """
    hires = export.hires
    if platform is not None:
        hires = hires[hires["platform"].eq(platform)]
    impressions = hires["impressions"].astype(float)
    rates = hires["link_clicks"].astype(float) / impressions.where(impressions > 0)
    return median_of(rates, f"{platform or 'all'} collaborations with clicks and impressions")


def order_rate(export: Export) -> float:
    """Orders per link click.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Conversions summed over clicks summed, collaborations that state both.

    Raises
    ------
    SupportError
        If too few state both, or nobody clicked.
    """
    both = export.hires.dropna(subset=["link_clicks", "conversions"])
    enough(both["conversions"], "collaborations with orders and clicks")
    clicks = float(both["link_clicks"].sum())
    if not clicks > 0:
        raise SupportError("nobody clicked in the collaborations with orders and clicks")
    return float(both["conversions"].sum()) / clicks


def revenue_ratio(export: Export) -> float:
    """Revenue per follower of nano accounts relative to macro accounts.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Ratio of the means over collaborations of revenue per post and follower; nano below
        10,000, macro above 100,000 followers.

    Raises
    ------
    SupportError
        If a side has too few collaborations, or macro accounts sold nothing.
    """
    hires = export.hires
    n_posts = hires["n_posts_delivered"].astype(float)
    rate = hires["revenue"].astype(float) * hires["usd"] / n_posts.where(n_posts > 0)
    rate = rate / hires["followers"].where(hires["followers"] > 0)
    nano, macro = (_mean(rate, hires["followers"], *ends) for ends in (_NANO, _MACRO))
    if not macro > 0:
        raise SupportError("accounts above 100,000 followers sold nothing")
    return nano / macro


def _mean(rate: pd.Series, followers: pd.Series, low: float, high: float) -> float:
    within = followers.ge(low) & followers.lt(high)
    side = f"above {low:,.0f}" if low else f"below {high:,.0f}"
    return float(enough(rate[within], f"collaborations of accounts {side} followers").mean())


MOMENTS: Final = (
    *(
        Moment(
            "funnel", f"{name} link clicks per impression", low, high, "fraction",
            f"linkjolt 2025: {shown}", "V2",
            "median over collaborations of link clicks / impressions",
            partial(click_rate, platform=name.lower()),
        )
        for name, low, high, shown in (
            ("Facebook", 0.009, 0.015, "0.9-1.5 %"), ("Instagram", 0.01, 0.03, "1-3 %"),
        )
    ),
    Moment(
        "funnel", "Orders per link click", 0.01, 0.03, "fraction",
        "typical of online shops: 1-3 %", "M",
        "conversions summed over link clicks summed, collaborations that state both",
        order_rate,
    ),
    Moment(
        "funnel", "Revenue per follower, nano over macro", 5.0, 114.0, "ratio",
        "Beichert et al., JM 2024: about 5 (2,808 posts) to 17-114 (three field studies)", "V",
        "ratio of mean revenue per post and follower, below 10,000 over above 100,000 followers",
        revenue_ratio, held_out=True,
    ),
)  # fmt: skip
