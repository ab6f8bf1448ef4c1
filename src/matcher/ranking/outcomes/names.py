"""The outcomes that are predicted, and what each of them rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matcher.columns import TRUST_PROXY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.config import Objectives

__all__ = [
    "COUNTS",
    "OUTCOME_NAMES",
    "OWN_LEVELS",
    "PARENTS",
    "POST_METRICS",
    "RATES",
    "objective_outcome",
]

POST_METRICS: Final = ("engagements", "views", "reach", "impressions", TRUST_PROXY)
"""Outcomes that public posts are read for too, so that every account can teach something."""

COUNTS: Final = ("link_clicks", "leads", "conversions")
"""Small whole numbers that follow from larger ones."""

OUTCOME_NAMES: Final = (*POST_METRICS, *COUNTS)
"""Every outcome that is predicted, parents before those that follow from them."""

RATES: Final = (TRUST_PROXY,)
"""Outcomes that are shares, and do not add up over posts."""

PARENTS: Final[dict[str, tuple[str, ...]]] = {
    "engagements": ("views", "impressions", "reach"),
    "views": ("impressions", "engagements", "reach"),
    "reach": ("impressions", "engagements", "views"),
    "impressions": ("reach", "engagements", "views"),
    "link_clicks": ("impressions", "views", "reach", "engagements"),
    "leads": ("link_clicks", "impressions", "views", "reach", "engagements"),
    "conversions": ("link_clicks", "impressions", "views", "reach", "engagements"),
}
"""What an outcome is a multiple of, the nearest first: clicks follow impressions, leads clicks."""

_INSIGHTS: Final = (
    "reach_level",
    "impressions_level",
    "engagement_rate_by_reach",
    "engagement_rate_by_impressions",
)
_PLAYS: Final = ("views_level", "views_per_follower", "shares_per_view")

OWN_LEVELS: Final[dict[str, tuple[str, ...]]] = {
    "reach": _INSIGHTS,
    "impressions": _INSIGHTS,
    "views": _PLAYS,
    TRUST_PROXY: (*_INSIGHTS[2:], *_INSIGHTS[:2]),
}
"""Columns that exist for accounts whose own readings of an outcome are known; the first one tells
whether they are."""


def objective_outcome(
    objective: str | None, known: Sequence[str], objectives: Objectives
) -> str | None:
    """Outcome that stands for an objective, among those that are predicted.

    Parameters
    ----------
    objective : str or None
        Objective of a brief; None counts as engagement.
    known : sequence of str
        Outcomes that are predicted.
    objectives : Objectives
        What stands for what.

    Returns
    -------
    str or None
        The most wanted of those known; None where there is none.
    """
    return next((name for name in objectives.of(objective).outcomes if name in known), None)
