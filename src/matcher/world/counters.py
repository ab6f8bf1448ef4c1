"""Counters of posts around one shock of the exposure and one of quality.

One post-level shock moves the exposure, and every counter follows it in its own measure; what
the counters share beyond it is a second shock (how good the post was). Spreads and correlations
are those of published data sets: one Facebook page of 500 posts, one Instagram creator of 119.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.world.noise import Noise
from matcher.world.platforms import PLATFORM_NAMES, POST_SHOCK, trait

__all__ = ["COUNTER_NAMES", "Counts", "PostMeans", "draw_counts", "expected_counts"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COUNTER_NAMES: Final = ("likes", "comments", "shares", "saves", "visits", "follows")
_NO_REACTION: Final = ("visits", "follows")
_VISITS: Final = 0.0048
"""Profile visits per impression (one creator, 119 posts)."""
_FOLLOWS: Final = 0.32
"""Follows per profile visit (one creator, 119 posts)."""


@dataclass(frozen=True)
class _Spread:
    """How one counter follows a post, natural log."""

    slope: float
    """Of the exposure shock."""
    quality: float
    """Of the shock that counters share."""
    own: float


_SPREAD_INSTAGRAM: Final[dict[str, _Spread]] = {
    # Log-sd .42, .56, .97, .76, .93, 1.17; log-correlation with impressions .87 (likes), .74
    # (saves), .83 (follows), of likes with saves .87.
    "likes": _Spread(0.74, 0.20, 0.05),
    "comments": _Spread(0.45, 0.15, 0.30),
    "shares": _Spread(1.1, 0.30, 0.70),
    "saves": _Spread(1.18, 0.38, 0.26),
    "visits": _Spread(1.2, 0.20, 0.55),
    "follows": _Spread(2.4, 0.20, 0.15),
}
_SPREAD_FACEBOOK: Final[dict[str, _Spread]] = {
    # Log-sd of likes 1.15, comments 1.08, shares .98; of comments per like .93, shares per like
    # .54.
    "likes": _Spread(0.97, 0.30, 0.25),
    "comments": _Spread(0.76, 0.30, 0.84),
    "shares": _Spread(0.73, 0.30, 0.28),
    "saves": _Spread(0.90, 0.30, 0.30),
    "visits": _Spread(0.90, 0.20, 0.50),
    "follows": _Spread(0.90, 0.20, 0.60),
}
_SPREAD_OTHERS: Final[dict[str, _Spread]] = {
    "likes": _Spread(0.95, 0.20, 0.15),
    "comments": _Spread(0.80, 0.20, 0.60),
    "shares": _Spread(0.95, 0.25, 0.45),
    "saves": _Spread(0.95, 0.25, 0.35),
    "visits": _Spread(0.90, 0.20, 0.50),
    "follows": _Spread(0.90, 0.20, 0.60),
}
"""Of all other platforms (assumed)."""
_SPREADS: Final = tuple(
    {"instagram": _SPREAD_INSTAGRAM, "facebook": _SPREAD_FACEBOOK}.get(name, _SPREAD_OTHERS)
    for name in PLATFORM_NAMES
)
_IGNORED: Final[dict[str, float]] = {"facebook": 0.01}
"""Share of posts to which nobody reacts (1 % of a page's posts had no like at all)."""
_LIKES_OF_RATE: Final = 0.85
"""Likes among all interactions, about."""


@dataclass(frozen=True, eq=False)
class PostMeans:
    """What settles the counters of posts, arrays of shape (n_posts,)."""

    exposure: Floats
    """Log of expected impressions at the middle of the post-level shock."""
    rate: Floats
    """Log of interactions per impression."""
    platform: Ints
    form: Ints
    comment_bias: Floats
    """Log deviation of the account's comments per like; likewise for shares and saves."""
    share_bias: Floats
    save_bias: Floats


@dataclass(frozen=True, eq=False)
class Counts:
    """Final counters of posts, whole numbers as float, shape (n_posts,)."""

    exposure: Floats
    reach: Floats
    likes: Floats
    comments: Floats
    shares: Floats
    saves: Floats
    visits: Floats
    follows: Floats


def _log_ratios(means: PostMeans) -> dict[str, Floats]:
    """Log of each counter per impression at the middle of all shocks."""
    likes = means.rate + np.log(_LIKES_OF_RATE)
    with np.errstate(divide="ignore"):
        shares, saves = np.log(trait("shares")), np.log(trait("saves"))
    return {
        "likes": likes,
        "comments": likes + np.log(trait("comments"))[means.platform] + means.comment_bias,
        "shares": likes + shares[means.platform] + means.share_bias,
        "saves": likes + saves[means.platform] + means.save_bias,
        "visits": np.full(len(likes), np.log(_VISITS)),
        "follows": np.full(len(likes), np.log(_VISITS * _FOLLOWS)),
    }


def _ignored(platform: Ints) -> Floats:
    return np.array([_IGNORED.get(name, 0.0) for name in PLATFORM_NAMES])[platform]


def _per_platform(name: str, field: str) -> Floats:
    return np.array([getattr(spread[name], field) for spread in _SPREADS])


def draw_counts(means: PostMeans, noise: Noise, *, bought_likes: Floats, pod: Floats) -> Counts:
    """Counters of posts, conditional on one shock of the exposure and one of quality.

    Parameters
    ----------
    means : PostMeans
        What settles the counters.
    noise : Noise
        Source of draws, one row per post.
    bought_likes : ndarray of float
        Expected likes that no person gave.
    pod : ndarray of float
        Expected likes given by agreement with other creators, who comment too.

    Returns
    -------
    Counts
        Whole numbers as float.
    """
    is_ignored = noise.uniform("ignored") < _ignored(means.platform)
    shock = POST_SHOCK[means.platform, means.form] * noise.normal("exposure")
    quality = noise.normal("quality")
    likely = np.exp(means.exposure + shock)
    exposure = noise.poisson("exposures", likely)
    found: dict[str, Floats] = {}
    for name, ratio in _log_ratios(means).items():
        slope, shared, own = (
            _per_platform(name, field)[means.platform] for field in ("slope", "quality", "own")
        )
        mean = np.exp(
            means.exposure + ratio + slope * shock + shared * quality + own * noise.normal(name)
        )
        # Given the exposures, so that nobody interacts who did not see the post.
        rate = np.where(is_ignored & (name not in _NO_REACTION), 0.0, mean / likely)
        counted = noise.poisson(f"{name}-count", exposure * rate)
        found[name] = np.minimum(counted, exposure)
    per_reach = trait("per_reach")[means.platform] * np.exp(0.06 * noise.normal("reach"))
    found["likes"] = found["likes"] + noise.poisson("bought", (bought_likes + pod) * ~is_ignored)
    found["comments"] = found["comments"] + noise.poisson("pod", 0.35 * pod * ~is_ignored)
    return Counts(
        exposure=exposure,
        reach=np.minimum(np.round(exposure / np.maximum(per_reach, 1.0)), exposure),
        **found,
    )


def expected_counts(means: PostMeans, *, spread: Floats | float = 0.0) -> dict[str, Floats]:
    """Expected counters, every shock integrated out (log-normal means).

    Parameters
    ----------
    means : PostMeans
        What settles the counters.
    spread : ndarray of float or float
        Variance of further log-normal shocks of the exposure.

    Returns
    -------
    dict of str to ndarray
        Expectations of ``exposure``, ``reach`` and each of `COUNTER_NAMES`.
    """
    variance = POST_SHOCK[means.platform, means.form] ** 2
    exposure = np.exp(means.exposure + 0.5 * (variance + spread))
    found = {
        "exposure": exposure,
        "reach": exposure / trait("per_reach")[means.platform] * np.exp(0.5 * 0.06**2),
    }
    for name, ratio in _log_ratios(means).items():
        slope, shared, own = (
            _per_platform(name, field)[means.platform] for field in ("slope", "quality", "own")
        )
        log_variance = slope**2 * variance + shared**2 + own**2 + spread
        share = 1.0 if name in _NO_REACTION else 1 - _ignored(means.platform)
        found[name] = share * np.exp(means.exposure + ratio + 0.5 * log_variance)
    return found
