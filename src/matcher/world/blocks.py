"""Tables that grow with accounts and time: posts, readings, snapshots."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from matcher.world.arrow import account_ids, ids, instants, maybe, names, whole
from matcher.world.buyers import N_DAYS
from matcher.world.latents import Market
from matcher.world.people import PLATFORM_NAMES
from matcher.world.platforms import FORMAT_NAMES
from matcher.world.posts import PostBlock

__all__ = ["metric_table", "post_table", "snapshot_table"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]

_HALF_LIFE: Final = 1.6
"""Days after which about two thirds of all interactions have come in."""
_N_MONTHS: Final = 24
"""Months of the two years; each account may be read once in every one."""
_VIDEO: Final = ("short_video", "video", "live")
_SHOWS_SHARES: Final = ("tiktok", "facebook", "x", "threads", "linkedin")
"""Platforms that show shares to everybody."""


def _share_seen(age: Floats) -> Floats:
    return np.asarray(-np.expm1(-age / _HALF_LIFE))


def _is_video(block: PostBlock) -> Masks:
    return np.isin(block.form, [FORMAT_NAMES.index(name) for name in _VIDEO])


def _view_definition(market: Market, block: PostBlock, known: Masks) -> pa.Array:
    texts = [f"{name} plays" for name in PLATFORM_NAMES]
    return names(texts, market.people.platform[block.account], known)


def post_table(
    market: Market, block: PostBlock, *, first_id: int, rng: np.random.Generator
) -> pa.Table:
    """Posts, with one reading each where the account is seen from outside.

    Parameters
    ----------
    market : Market
        What was drawn before.
    block : PostBlock
        Posts.
    first_id : int
        Number of the first post.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    pyarrow.Table
        Rows of `posts`.
    """
    n = len(block.day)
    people, counts = market.people, block.counts
    platform = people.platform[block.account]
    observed = block.day + rng.uniform(3, 21, n)
    is_undated = (rng.random(n) < 0.05) & (block.day < N_DAYS - 12)
    # What a story earns is seen by its author alone.
    is_public = ~people.is_metered[block.account] & (block.form != FORMAT_NAMES.index("story"))
    is_read = is_public & ((observed < N_DAYS) | is_undated)
    seen = np.where(is_undated, 1.0, _share_seen(observed - block.day))
    is_video = _is_video(block)
    is_tiktok = platform == PLATFORM_NAMES.index("tiktok")
    has_shares = np.isin(platform, [PLATFORM_NAMES.index(name) for name in _SHOWS_SHARES])
    flagged = block.is_sponsored & (block.is_disclosed | (rng.random(n) < 0.75))
    is_long = block.form == FORMAT_NAMES.index("video")
    duration = np.round(np.exp(rng.normal(3.4, 0.5, n)) * np.where(is_long, 8, 1), 1)
    style_language = np.where(block.style < 3, 0, 1)
    columns = {
        "post_id": ids("p_", first_id + np.arange(n), 8),
        "account_id": account_ids(block.account),
        "published_at": instants(block.day),
        "format": names(FORMAT_NAMES, block.form),
        "text": block.text,
        "language": names(("vi", "en"), style_language, rng.random(n) < 0.8),
        "duration_s": maybe(duration, is_video),
        "is_sponsored": pa.array(flagged),
        "sponsor_brand_id": ids(
            "br_", np.where(flagged & (rng.random(n) < 0.75), block.brand, -1), 3
        ),
        "is_disclosed": maybe(block.is_disclosed, flagged),
        "observed_at": instants(np.where(is_read & ~is_undated, observed, np.nan)),
        "views": whole(np.floor(counts.exposure * seen), is_read & is_video),
        "view_definition": _view_definition(market, block, is_read & is_video),
        "likes": whole(np.floor(counts.likes * seen), is_read),
        "comments": whole(np.floor(counts.comments * seen), is_read),
        "shares": whole(np.floor(counts.shares * seen), is_read & has_shares),
        "saves": whole(np.floor(counts.saves * seen), is_read & is_tiktok),
    }
    return pa.table(columns)


def metric_table(
    market: Market, block: PostBlock, *, first_id: int, rng: np.random.Generator
) -> pa.Table:
    """Two dated readings of each post whose account opened its statistics.

    Parameters
    ----------
    market : Market
        What was drawn before.
    block : PostBlock
        Posts.
    first_id : int
        Number of the first post.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    pyarrow.Table
        Rows of `post_metrics`, by post and time.
    """
    rows = np.flatnonzero(market.people.is_metered[block.account])
    n = len(rows)
    age = np.column_stack([rng.uniform(0.8, 3, n), rng.uniform(9, 20, n)])
    post = np.repeat(rows, 2)
    ages = age.ravel()
    observed = block.day[post] + ages
    keep = observed < N_DAYS
    post, ages, observed = post[keep], ages[keep], observed[keep]
    seen = _share_seen(ages)
    counts = block.counts
    every = np.ones(len(post), dtype=bool)
    is_video = _is_video(block)[post]
    # Instagram gives no profile visits and follows for reels.
    is_reel = block.form[post] == FORMAT_NAMES.index("short_video")
    is_instagram = market.people.platform[block.account[post]] == PLATFORM_NAMES.index("instagram")
    has_visits = ~(is_reel & is_instagram)
    definition = names(
        [f"{name} plays" for name in PLATFORM_NAMES],
        market.people.platform[block.account[post]],
        is_video,
    )
    return pa.table(
        {
            "post_id": ids("p_", first_id + post, 8),
            "observed_at": instants(observed),
            "impressions": whole(np.floor(counts.exposure[post] * seen), every),
            "reach": whole(np.floor(counts.reach[post] * seen), every),
            "views": whole(np.floor(counts.exposure[post] * seen), is_video),
            "view_definition": definition,
            "likes": whole(np.floor(counts.likes[post] * seen), every),
            "comments": whole(np.floor(counts.comments[post] * seen), every),
            "shares": whole(np.floor(counts.shares[post] * seen), every),
            "saves": whole(np.floor(counts.saves[post] * seen), every),
            "profile_visits": whole(np.floor(counts.visits[post] * seen), has_visits),
            "follows": whole(np.floor(counts.follows[post] * seen), has_visits),
        }
    )


def snapshot_table(market: Market, first: int, last: int, rng: np.random.Generator) -> pa.Table:
    """Followers about once a month; a fifth of the months is missing.

    Parameters
    ----------
    market : Market
        What was drawn before.
    first, last : int
        Range of accounts.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    pyarrow.Table
        Rows of `account_snapshots`.
    """
    people = market.people
    m = last - first
    account = np.repeat(np.arange(first, last), _N_MONTHS)
    month = np.tile(np.arange(_N_MONTHS), m)
    width = N_DAYS / _N_MONTHS
    day = (month + rng.uniform(0.02, 0.98, len(month))) * width
    tau = day / N_DAYS
    followers = people.followers_at(account, tau) * np.exp(rng.normal(0, 0.004, len(day)))
    bought = people.bought_at[account] <= tau
    following = np.exp(rng.normal(5.4, 0.7, m))[account - first]
    following = following * np.where(bought & (people.habit[people.person[account]] < 0.6), 6, 1)
    earlier = rng.integers(0, 300, m)[account - first]
    n_posts = earlier + np.floor(people.n_posts[account] * tau)
    keep = (rng.random(len(day)) < 0.8) & (day >= people.start_day[account])
    every = np.ones(int(keep.sum()), dtype=bool)
    return pa.table(
        {
            "account_id": account_ids(account[keep]),
            "as_of": instants(day[keep]),
            "n_followers": whole(np.round(followers[keep]), every),
            "n_following": whole(np.round(following[keep]), every),
            "n_posts": whole(n_posts[keep], every),
        }
    )
