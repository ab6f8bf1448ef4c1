"""The closed vocabularies of the data contract: words that every room uses, no logic."""

from __future__ import annotations

from typing import Final

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
