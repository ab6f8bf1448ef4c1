"""The closed vocabularies of the data contract: words that every room uses, no logic."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

PLATFORMS: Final = (
    "facebook",
    "instagram",
    "tiktok",
    "youtube",
    "x",
    "threads",
    "snapchat",
    "linkedin",
    "zalo",
    "blog",
    "podcast",
)
FORMATS: Final = (
    "image",
    "carousel",
    "short_video",
    "video",
    "story",
    "live",
    "text",
    "article",
    "audio",
)
OBJECTIVES: Final = ("awareness", "engagement", "traffic", "leads", "sales", "trust")
Order: TypeAlias = Literal["fit", "deliver", "outcome", "value", "blend"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
"""What a list may be ordered by: who would be chosen, what a hire brings as learnt from hires, the
expected outcome, that per unit of the fee, and the mean of the first two."""
KINDS: Final = ("creator", "kol", "celebrity", "koc", "employee", "customer", "virtual")
STATUSES: Final = ("shortlisted", "invited", "declined", "accepted", "completed", "cancelled")
HIRED_STATUSES: Final = ("accepted", "completed")
"""Statuses in which an account counts as hired."""

DIMENSIONS: Final = ("country", "city", "age", "gender", "language", "interest")
AGE_BUCKETS: Final = ("13-17", "18-24", "25-34", "35-44", "45-54", "55+")
GENDER_BUCKETS: Final = ("female", "male", "other")

COUNTERS: Final = (
    "impressions",
    "reach",
    "views",
    "likes",
    "comments",
    "shares",
    "saves",
    "link_clicks",
    "watch_time_s",
    "completion_rate",
    "screenshots",
    "profile_visits",
    "follows",
)
"""Readings of a post, in ``post_metrics`` or (short form) in ``posts``."""

OUTCOMES: Final = (
    "impressions",
    "reach",
    "views",
    "engagements",
    "link_clicks",
    "leads",
    "conversions",
    "revenue",
)
"""Measured results of a collaboration, known from its ``outcome_at``."""
TRUST_PROXY: Final = "trust_proxy"
"""(Comments + shares + saves) per reach: a stand-in, since `trust` has no outcome of its own."""

REASON_GROUPS: Final = (
    "reach",
    "relevance",
    "resonance",
    "follower_quality",
    "expertise",
    "conduct",
    "audience",
    "history",
    "price",
)
"""Groups in which a score is explained: those of the field's own selection criteria."""
