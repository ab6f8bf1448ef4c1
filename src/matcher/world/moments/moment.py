"""What a sourced figure of the market is, and what is only assumed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from matcher.errors import UsageError
from matcher.world.moments.export import Export

__all__ = ["CONFIDENCES", "PLATFORM_TITLES", "THEMES", "Assumption", "Moment"]

Measure = Callable[[Export], float]

THEMES: Final = {
    "followers": "Followers",
    "engagement": "Engagement rates",
    "reach": "Reach and formats",
    "spread": "Spread and common shocks",
    "prices": "Prices",
    "authenticity": "Authenticity",
    "funnel": "Clicks, orders and revenue",
    "audience": "Audience",
}
"""Headings by theme, in the order in which they are shown."""
PLATFORM_TITLES: Final = {
    "facebook": "Facebook",
    "instagram": "Instagram",
    "tiktok": "TikTok",
    "youtube": "YouTube",
}
"""Names of platforms as they stand in names of moments."""
CONFIDENCES: Final = {
    "V": "read in the named source",
    "V2": "read on a page that quotes the source",
    "C": "computed from a public data set or table",
    "M": "from memory of the field",
}


@dataclass(frozen=True)
class Moment:
    """A figure of the market with the range that a source gives.

    Parameters
    ----------
    theme : str
        A key of `THEMES`.
    name : str
        What it is, unique.
    low, high : float or None
        The sourced range, ends included; None leaves that side open.
    unit : str
        Unit of the range and of the value.
    source : str
        Who published it, and how the range follows from what was published.
    confidence : str
        A key of `CONFIDENCES`.
    definition : str
        How the value is measured.
    measure : callable
        Gives the value of an `Export`; raises SupportError where it cannot be had.
    held_out : bool, default False
        Not used when the world's constants were chosen.

    Raises
    ------
    UsageError
        If both sides are open, the range is empty, or the theme or confidence is unknown.
    """

    theme: str
    name: str
    low: float | None
    high: float | None
    unit: str
    source: str
    confidence: str
    definition: str
    measure: Measure
    held_out: bool = False

    def __post_init__(self) -> None:
        """Check the range and the words."""
        if self.low is None and self.high is None:
            raise UsageError(f"moment {self.name!r}: both sides are open; expected a bound")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise UsageError(f"moment {self.name!r}: low {self.low} exceeds high {self.high}")
        _check_words(self.name, self.theme, self.confidence)

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range.

        Parameters
        ----------
        value : float
            Measured value; finite.

        Returns
        -------
        bool
            True if it lies in the range, ends included up to the rounding of a sum.
        """
        above = self.low is None or value >= self.low or _is_equal(value, self.low)
        below = self.high is None or value <= self.high or _is_equal(value, self.high)
        return above and below


@dataclass(frozen=True)
class Assumption:
    """A figure of the market that no source settles: shown, never counted.

    Parameters
    ----------
    theme : str
        A key of `THEMES`.
    name : str
        What it is, unique.
    low, high : float or None
        What is assumed; equal ends for a single figure, None for no figure at all.
    unit : str
        Unit.
    source : str
        Why it is assumed.
    measure : callable
        Gives the value of an `Export`; raises SupportError where it cannot be had.

    Raises
    ------
    UsageError
        If the theme is unknown.
    """

    theme: str
    name: str
    low: float | None
    high: float | None
    unit: str
    source: str
    measure: Measure

    def __post_init__(self) -> None:
        """Check the words."""
        _check_words(self.name, self.theme, "M")


def _is_equal(value: float, end: float) -> bool:
    return math.isclose(value, end, rel_tol=1e-9)


def _check_words(name: str, theme: str, confidence: str) -> None:
    if theme not in THEMES:
        raise UsageError(f"moment {name!r}: theme {theme!r}; expected one of {', '.join(THEMES)}")
    if confidence not in CONFIDENCES:
        known = ", ".join(CONFIDENCES)
        raise UsageError(f"moment {name!r}: confidence {confidence!r}; expected one of {known}")
