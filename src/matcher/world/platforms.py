"""What differs by platform and format: reach, interactions, spread, prices; each with its source.

Figures are published ones where there are any (the sources are named beside each), tuned inside
their ranges, and assumed elsewhere. Rows follow `PLATFORM_NAMES`, columns `FORMAT_NAMES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.columns import FORMATS, PLATFORMS

__all__ = [
    "FORMAT_EXPOSURE",
    "FORMAT_NAMES",
    "FORMAT_PRICE",
    "FORMAT_RATE",
    "FORMAT_SIZE",
    "FORMAT_WEIGHTS",
    "IS_VIDEO",
    "PLATFORM_NAMES",
    "PLATFORM_TRAITS",
    "POST_SHOCK",
    "QUARTER_PRICE",
    "PlatformTraits",
    "main_format",
    "trait",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PLATFORM_NAMES: Final = PLATFORMS
FORMAT_NAMES: Final = FORMATS


@dataclass(frozen=True)
class PlatformTraits:
    """One platform, in figures that hold for an account with 10,000 authentic followers."""

    exposure: float
    """Impressions (plays for videos) of a post in the platform's reference format."""
    size: float
    """Exponent of authentic followers in impressions."""
    rate: float
    """Interactions per impression of the reference format."""
    rate_size: float
    """Exponent of authentic followers in the rate."""
    rate_bend: float
    """Further exponent above 500,000 followers."""
    per_reach: float
    """Impressions per person reached."""
    comments: float
    """Comments per like at the median account."""
    shares: float
    """Shares per like."""
    saves: float
    """Saves per like."""
    click: float
    """Clicks per impression of a campaign post that carries a link."""
    between: float
    """Spread of accounts around their person's level, natural log."""
    formats: tuple[tuple[str, float, float, float, float], ...]
    """Format, its share of posts, log impressions and log rate against the reference format, and
    the spread of its post-level shock (natural log)."""
    share_vn: float
    """Share of Vietnamese creators' first channels (before scaling to 1)."""
    share_global: float
    price_vn: float
    """Price against Instagram at equal followers, in Viet Nam."""
    price_global: float


PLATFORM_TRAITS: Final[dict[str, PlatformTraits]] = {
    # Reach 4.9 % of page likes, 1.76 impressions per person reached, spread 1.15 (UCI 2014);
    # interactions .7 to 2.1 % of reach; clicks .9 to 1.5 %; the others assumed.
    "facebook": PlatformTraits(
        930, 0.85, 0.0085, -0.03, 0.0, 1.76, 0.037, 0.226, 0.0, 0.011, 0.25,
        (
            ("image", 0.38, 0.0, 0.0, 1.07),
            ("carousel", 0.08, 0.1, 0.1, 1.07),
            ("short_video", 0.20, 0.3, -0.1, 1.12),
            ("video", 0.12, 0.15, 0.0, 1.12),
            ("live", 0.04, 0.3, 0.4, 1.12),
            ("text", 0.13, -0.15, 0.1, 1.07),
            ("article", 0.05, -0.3, -0.3, 1.07),
        ),
        0.27, 0.09, 0.85, 0.8,
    ),
    # Reach of a feed post 20-40 % of followers below 10,000 to 5-12 % above a million, of a story
    # 7-15 % to 3-8 %; reels reach 1.5 to 3 times an image, carousels engage 1.2 to 1.8 times;
    # engagement rate by followers falls as followers ** -.2; clicks 1 to 3 %; the others assumed.
    "instagram": PlatformTraits(
        2_860, 0.81, 0.094, -0.022, 0.0, 1.2, 0.0235, 0.05, 0.12, 0.015, 0.25,
        (
            ("image", 0.22, 0.0, 0.0, 0.46),
            ("carousel", 0.22, 0.26, 0.11, 0.46),
            ("short_video", 0.36, 0.74, -0.21, 0.6),
            ("story", 0.20, -0.85, -1.7, 0.4),
        ),
        0.12, 0.32, 1.0, 1.0,
    ),
    # Interactions 6-10 % of views below 10,000 followers to 1-2 % above a million. Assumed: that
    # views follow followers weakly (published elasticities of .10 are no slope over accounts), the
    # spread of posts, and the others.
    "tiktok": PlatformTraits(
        2_600, 0.35, 0.065, -0.2, -0.45, 1.25, 0.018, 0.07, 0.10, 0.008, 0.38,
        (("short_video", 0.97, 0.0, 0.0, 1.03), ("live", 0.03, -0.5, 0.5, 1.0)),
        0.36, 0.30, 1.1, 0.26,
    ),
    "youtube": PlatformTraits(
        2_000, 0.80, 0.04, -0.08, 0.0, 1.4, 0.03, 0.03, 0.0, 0.010, 0.5,
        (
            ("video", 0.52, 0.0, 0.0, 0.8),
            ("short_video", 0.45, 0.15, -0.1, 0.95),
            ("live", 0.03, -0.4, 0.3, 0.8),
        ),
        0.13, 0.15, 1.6, 2.3,
    ),
    "x": PlatformTraits(
        1_200, 0.75, 0.0055, -0.05, 0.0, 1.3, 0.04, 0.18, 0.05, 0.015, 0.3,
        (
            ("text", 0.58, 0.0, 0.0, 0.95),
            ("image", 0.30, 0.2, 0.1, 0.95),
            ("short_video", 0.12, 0.3, 0.0, 1.0),
        ),
        0.01, 0.045, 0.5, 0.5,
    ),
    "threads": PlatformTraits(
        1_500, 0.75, 0.03, -0.05, 0.0, 1.25, 0.04, 0.06, 0.0, 0.006, 0.3,
        (("text", 0.6, 0.0, 0.0, 0.9), ("image", 0.4, 0.15, 0.1, 0.9)),
        0.025, 0.02, 0.4, 0.4,
    ),
    "snapchat": PlatformTraits(
        1_000, 0.81, 0.01, 0.0, 0.0, 1.2, 0.01, 0.1, 0.0, 0.010, 0.3,
        (("story", 0.7, 0.0, 0.0, 0.6), ("short_video", 0.3, 0.4, 0.3, 0.9)),
        0.003, 0.015, 0.4, 0.4,
    ),
    # Interactions 3.9 to 6.5 % of impressions, clicks 2 to 5 %; the others assumed.
    "linkedin": PlatformTraits(
        2_000, 0.75, 0.05, -0.03, 0.0, 1.3, 0.05, 0.05, 0.0, 0.028, 0.3,
        (
            ("text", 0.40, 0.0, 0.0, 0.8),
            ("image", 0.25, 0.1, 0.0, 0.8),
            ("carousel", 0.15, 0.3, 0.1, 0.8),
            ("article", 0.10, -0.4, -0.2, 0.8),
            ("video", 0.10, 0.1, -0.1, 0.8),
        ),
        0.012, 0.03, 1.0, 1.2,
    ),
    "zalo": PlatformTraits(
        1_500, 0.80, 0.015, 0.0, 0.0, 1.2, 0.03, 0.12, 0.0, 0.015, 0.3,
        (
            ("article", 0.5, 0.0, 0.0, 0.75),
            ("image", 0.25, 0.1, 0.1, 0.75),
            ("text", 0.25, 0.0, 0.0, 0.75),
        ),
        0.035, 0.00001, 0.5, 0.3,
    ),
    "blog": PlatformTraits(
        800, 0.80, 0.008, 0.0, 0.0, 1.3, 0.05, 0.3, 0.0, 0.030, 0.4,
        (("article", 1.0, 0.0, 0.0, 0.8),),
        0.015, 0.02, 0.8, 1.0,
    ),
    "podcast": PlatformTraits(
        2_500, 0.85, 0.004, 0.0, 0.0, 1.2, 0.05, 0.2, 0.3, 0.006, 0.3,
        (("audio", 1.0, 0.0, 0.0, 0.5),),
        0.01, 0.02, 1.0, 1.2,
    ),
}  # fmt: skip
"""What each platform is like (assumed where nothing stands beside it)."""

FORMAT_PRICE: Final[dict[str, float]] = {
    "image": 1.0, "carousel": 1.1, "short_video": 1.2, "video": 1.45, "story": 0.5, "live": 2.0,
    "text": 0.8, "article": 1.1, "audio": 1.0,
}  # fmt: skip
"""Price against a feed image: reels +15-25 %, stories 40-60 %, video +30-60 % (rate
cards); the others assumed."""

QUARTER_PRICE: Final = (0.97, 0.85, 1.0, 1.2)
"""Price by quarter of the year; the last is 30 to 55 % above the second (creator survey); the
others assumed."""


def _matrix(column: int) -> Floats:
    found = np.zeros((len(PLATFORM_NAMES), len(FORMAT_NAMES)))
    for row, name in enumerate(PLATFORM_NAMES):
        for entry in PLATFORM_TRAITS[name].formats:
            found[row, FORMAT_NAMES.index(entry[0])] = float(entry[column])
    return found


FORMAT_WEIGHTS: Final = _matrix(1)
"""Share of posts, shape (11, 9); rows sum to 1."""
FORMAT_EXPOSURE: Final = _matrix(2)
FORMAT_RATE: Final = _matrix(3)
POST_SHOCK: Final = _matrix(4)
"""Standard deviation of the post-level shock, natural log, shape (11, 9)."""
FORMAT_SIZE: Final = np.zeros_like(FORMAT_WEIGHTS)
"""Further exponent of authentic followers by format; stories lose less as accounts grow."""
FORMAT_SIZE[PLATFORM_NAMES.index("instagram"), FORMAT_NAMES.index("story")] = 0.07
IS_VIDEO: Final = np.array([name in ("short_video", "video", "live") for name in FORMAT_NAMES])


def main_format(platform: Ints) -> Ints:
    """The format that is most usual on a platform, whose price an account names first.

    Parameters
    ----------
    platform : ndarray of int, shape (n,)
        Index into `PLATFORM_NAMES`.

    Returns
    -------
    ndarray of int, shape (n,)
        Index into `FORMAT_NAMES`.
    """
    return np.asarray(FORMAT_WEIGHTS.argmax(axis=1)[platform])


def trait(name: str) -> Floats:
    """One trait of all platforms.

    Parameters
    ----------
    name : str
        A field of `PlatformTraits` that holds a number.

    Returns
    -------
    ndarray of float, shape (11,)
        Values in the order of `PLATFORM_NAMES`.
    """
    return np.array([float(getattr(PLATFORM_TRAITS[p], name)) for p in PLATFORM_NAMES])
