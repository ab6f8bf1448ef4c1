"""Reach, resonance, quality of followers and conduct: what an account's own numbers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from matcher.features.contacts import brand_context, count_by_account
from matcher.features.spec import Family, FeatureSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext, PairView
    from matcher.features.priors import LevelPrior

__all__ = ["CONDUCT", "FOLLOWER_QUALITY", "REACH", "RESONANCE", "resonance"]

_DAY: Final = 86_400_000_000
_SNAPSHOT: Final = "account_snapshots, from as_of"
_READING: Final = "readings, from observed_at (or counter_lag after publication)"
_PUBLISHED: Final = "posts, from publication"


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    usable = bottom > 0
    return np.where(usable, top / np.where(usable, bottom, 1.0), np.nan)


def _reach(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    del context
    now = view.snapshots["n_followers"].to_numpy(np.float64)
    before = view.snapshots["n_followers_before"].to_numpy(np.float64)
    days = view.snapshots["days_between"].to_numpy(np.float64)
    tiers = {"nano": 0.0, "micro": 1.0, "mid": 2.0, "macro": 3.0, "mega": 4.0}
    growth = (np.log1p(now) - np.log1p(before)) / np.where(days > 0, days, np.nan) * 30.0
    return {
        "followers_log": np.log1p(now),
        "follower_tier": np.array([tiers.get(str(tier), np.nan) for tier in view.tiers]),
        "follower_growth_30d": growth,
        "views_level": view.windows["views_level"].to_numpy(np.float64),
        "reach_level": view.windows["reach_level"].to_numpy(np.float64),
        "impressions_level": view.windows["impressions_level"].to_numpy(np.float64),
    }


def resonance(prior: LevelPrior, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    """Engagement features of pairs, shrunk to a fitted prior.

    Parameters
    ----------
    prior : LevelPrior
        Expected levels by tier and platform.
    view : PairView
        Pairs.

    Returns
    -------
    mapping of str to numpy.ndarray of float64
        One array of length ``n_pairs`` per feature of `RESONANCE`.
    """
    seen = {name: view.windows[name].to_numpy(np.float64) for name in view.windows}
    followers = view.snapshots["n_followers"].to_numpy(np.float64)
    level = np.expm1(seen["engagements_level"])
    return {
        "engagements_expected": prior.shrink("engagements_level", view),
        "views_expected": prior.shrink("views_level", view),
        "engagement_rate_by_views": prior.shrink("rate_by_views", view),
        "engagement_rate_by_followers": _ratio(level, followers),
        "engagement_rate_by_reach": seen["rate_by_reach"],
        "engagement_rate_by_impressions": seen["rate_by_impressions"],
        "engagements_recent": seen["engagements_level_90d"],
        "engagements_trend": seen["engagements_level_90d"] - seen["engagements_level_old"],
        "engagements_volatility": seen["engagements_spread"],
        "shares_per_view": seen["shares_per_view"],
        "comments_per_like": prior.shrink("comments_per_like", view),
        "sponsored_gap": seen["sponsored_level"] - seen["organic_level"],
        "sponsored_engagements": seen["sponsored_level"],
    }


def _follower_quality(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    del context
    seen = view.windows
    snapshots = view.snapshots
    views = np.expm1(seen["views_level"].to_numpy(np.float64))
    return {
        "views_per_follower": _ratio(views, snapshots["n_followers"].to_numpy(np.float64)),
        "following_per_follower": _ratio(
            snapshots["n_following"].to_numpy(np.float64),
            snapshots["n_followers"].to_numpy(np.float64),
        ),
        "comment_like_spread": seen["comments_per_like_spread"].to_numpy(np.float64),
        "posts_without_comments": _ratio(
            seen["n_without_comments"].to_numpy(np.float64),
            seen["n_comments_known"].to_numpy(np.float64),
        ),
    }


def _conduct(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    seen = view.windows
    newest = seen["newest"].to_numpy(np.float64)
    oldest = seen["oldest"].to_numpy(np.float64)
    counts = {days: seen[f"n_posts_{days}d"].to_numpy(np.float64) for days in (30, 90, 365)}
    active_days = np.minimum((view.instants - oldest) / _DAY, 365.0)
    contacts = context.contacts
    rivals = np.zeros(len(view.pairs))
    n = len(context.index.account_ids)
    for block in view.blocks:
        mask = brand_context(context, block.brief, block.instant).rival
        if mask.any():
            total = np.zeros(len(block.accounts))
            ads = contacts.sponsored.before(block.instant)
            own = context.index.own_posts.get(block.brief.brief_id, ())
            for events in (
                contacts.hires.before(block.instant),
                ads.where(~np.isin(ads.sources, own)),
            ):
                part = events.accounts[(events.brands >= 0) & mask[events.brands]]
                total += count_by_account(block, part[part >= 0], None, n)
            rivals[block.rows] = np.log1p(total)
    return {
        "days_since_post": np.log1p((view.instants - newest) / _DAY),
        "posts_30d": np.log1p(counts[30]),
        "posts_90d": np.log1p(counts[90]),
        "posts_365d": np.log1p(counts[365]),
        "posts_per_week": _ratio(counts[365], np.maximum(active_days, 7.0) / 7.0),
        "ad_load": _ratio(
            seen["n_sponsored"].to_numpy(np.float64), seen["n_posts"].to_numpy(np.float64)
        ),
        "ad_load_90d": _ratio(seen["n_sponsored_90d"].to_numpy(np.float64), counts[90]),
        "ads_90d": np.log1p(seen["n_sponsored_90d"].to_numpy(np.float64)),
        "rival_contacts": rivals,
    }


def _specs(
    group: str, known: str, rows: tuple[tuple[str, str, str, Literal[-1, 0, 1]], ...]
) -> tuple[FeatureSpec, ...]:
    return tuple(
        FeatureSpec(name, unit, formula, group, known, trend=trend)
        for name, unit, formula, trend in rows
    )


REACH: Final = Family(
    "reach",
    (
        *_specs("reach", _SNAPSHOT, (
            ("followers_log", "ln(1 + followers)", "newest snapshot before the decision", 0),
            ("follower_tier", "0 nano to 4 mega", "band of the configured tier scheme", 0),
            ("follower_growth_30d", "ln ratio per 30 days",
             "change of ln(1 + followers) between the newest snapshot and one 80 or more days "
             "older", 0),
        )),
        *_specs("reach", _READING, (
            ("views_level", "ln(1 + views)", "median over posts", 0),
            ("reach_level", "ln(1 + reach)", "median over posts", 0),
            ("impressions_level", "ln(1 + impressions)", "median over posts", 0),
        )),
    ),
    _reach,
)  # fmt: skip
"""Followers where known in time, and reach per post."""

RESONANCE: Final = _specs("resonance", _READING, (
    ("engagements_expected", "ln(1 + engagements)",
     "median over posts of ln(1 + likes + comments + shares), drawn to tier x platform as if by "
     "5 posts", 1),
    ("views_expected", "ln(1 + views)", "median over posts, drawn likewise", 1),
    ("engagement_rate_by_views", "fraction", "median of engagements / views, drawn likewise", 0),
    ("engagement_rate_by_followers", "fraction", "median engagements / followers", 0),
    ("engagement_rate_by_reach", "fraction", "median of engagements / reach", 0),
    ("engagement_rate_by_impressions", "fraction", "median of engagements / impressions", 0),
    ("engagements_recent", "ln(1 + engagements)", "median over posts of the last 90 days", 0),
    ("engagements_trend", "ln ratio", "median of the last 90 days less that of before", 0),
    ("engagements_volatility", "ln ratio", "quartile range of ln(1 + engagements)", 0),
    ("shares_per_view", "fraction", "median of shares / views", 0),
    ("comments_per_like", "ratio", "median of comments / likes, drawn to tier x platform", 0),
    ("sponsored_gap", "ln ratio", "median of sponsored less that of organic posts", 0),
    ("sponsored_engagements", "ln(1 + engagements)", "median over sponsored posts", 0),
))  # fmt: skip
"""Engagement rates named by their denominator, level, trend and volatility."""

FOLLOWER_QUALITY: Final = Family(
    "follower_quality",
    _specs("follower_quality", f"{_READING}; {_SNAPSHOT}", (
        ("views_per_follower", "ratio", "median views / followers", 0),
        ("following_per_follower", "ratio", "following / followers", 0),
        ("comment_like_spread", "ratio", "quartile range of comments / likes", 0),
        ("posts_without_comments", "share, 0 to 1", "posts with no comment / posts read", 0),
    )),
    _follower_quality,
)  # fmt: skip
"""Signs of bought or absent followers."""

CONDUCT: Final = Family(
    "conduct",
    _specs("conduct", _PUBLISHED, (
        ("days_since_post", "ln(1 + days)", "since the newest post", -1),
        ("posts_30d", "ln(1 + count)", "posts of the last 30 days", 0),
        ("posts_90d", "ln(1 + count)", "posts of the last 90 days", 0),
        ("posts_365d", "ln(1 + count)", "posts of the last 365 days", 0),
        ("posts_per_week", "posts per week", "posts of the last year / weeks since the first", 0),
        ("ad_load", "share, 0 to 1", "sponsored posts / posts", 0),
        ("ad_load_90d", "share, 0 to 1", "the same over the last 90 days", 0),
        ("ads_90d", "ln(1 + count)", "sponsored posts of the last 90 days", 0),
        ("rival_contacts", "ln(1 + count)",
         "hires by and sponsored posts for rivals of the brand", 0),
    )),
    _conduct,
)  # fmt: skip
"""Cadence, recency, ad load and rivals."""
