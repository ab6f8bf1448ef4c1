"""The knobs of a simulated market, and the named worlds that set them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from matcher.errors import UsageError

__all__ = ["WORLDS", "WORLD_VERSION", "WorldKnobs", "find_world"]

WORLD_VERSION: Final = 1
"""Raised whenever the same knobs and seed give another market."""

_PLANNED: Final = ("cold", "drift", "confounded", "no-fit", "fraud")


@dataclass(frozen=True)
class WorldKnobs:
    """All that a world fixes besides its size and seed.

    Weights act on the log odds of being hired, effects on the natural logarithm of a post's
    exposure. Every value is synthetic: calibrated to published ranges where there are any,
    assumed elsewhere; never a claim about a real market.

    Raises
    ------
    UsageError
        If a share lies outside 0..1 or a count below 1.
    """

    share_vietnamese: float = 0.6
    """Share of people whose market is Viet Nam (0..1)."""
    share_mixed: float = 0.15
    """Share of people who write in Vietnamese and English (0..1)."""
    text_informative: bool = True
    """Whether captions and bios are about what their author is about."""
    n_categories: int = 24
    """Categories in use, in the order of the vocabulary."""
    posts_per_influencer: float = 30.0
    """Mean number of posts of a person over the two years."""
    months_of_campaigns: float = 15.0
    """Months before the end over which past campaigns were decided."""
    share_open: float = 0.067
    """Share of campaigns that are still open (0..1)."""
    n_creators_low: int = 8
    n_creators_high: int = 13
    longlist: int = 4_000
    """Eligible accounts that a buyer looks at, at most; a uniform draw where there are more."""
    weight_fit: float = 5.6
    weight_relation: float = 1.4
    weight_price: float = 0.9
    weight_audience: float = 0.9
    weight_engagement: float = 0.75
    weight_reliability: float = 0.6
    weight_language: float = 0.8
    weight_rival: float = 1.0
    weight_tone: float = 0.5
    weight_busy: float = 0.7
    """Reluctance per hire of the person lately (halved every 30 days), by any brand."""
    effect_fit: float = 2.2
    """Gain in log exposure at the best fit; an inverted U around `fit_optimum`."""
    fit_optimum: float = 0.6
    effect_fatigue: float = 3.2
    """Loss in log exposure per unit of ad share above `fatigue_from`."""
    fatigue_from: float = 0.15
    effect_repeat: float = 0.08
    shock_pair: float = 0.2
    """Standard deviation of what a pair shares over its posts (natural log)."""

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in ("share_vietnamese", "share_mixed", "share_open", "fit_optimum"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"WorldKnobs.{name}: got {value}; expected 0..1")
        for name in ("n_categories", "n_creators_low", "longlist"):
            value = getattr(self, name)
            if value < 1:
                raise UsageError(f"WorldKnobs.{name}: got {value}; expected 1 or more")

    def as_dict(self) -> dict[str, float | int | bool]:
        """Knobs by name, for the record beside the truth."""
        return asdict(self)


WORLDS: Final[dict[str, WorldKnobs]] = {
    "default": WorldKnobs(),
    "vietnamese": WorldKnobs(share_vietnamese=1.0, share_mixed=0.05),
    "english": WorldKnobs(share_vietnamese=0.0, share_mixed=0.0),
    "tiny": WorldKnobs(
        n_categories=6,
        posts_per_influencer=15.0,
        n_creators_low=3,
        n_creators_high=6,
        share_open=0.1,
    ),
    "no-text": WorldKnobs(text_informative=False, weight_language=0.0, weight_tone=0.0),
}
"""Worlds by name."""


def find_world(name: str) -> WorldKnobs:
    """Knobs of a named world.

    Parameters
    ----------
    name : str
        A key of `WORLDS`.

    Returns
    -------
    WorldKnobs
        Its knobs.

    Raises
    ------
    UsageError
        If there is no such world; the message lists those there are.
    """
    if name in WORLDS:
        return WORLDS[name]
    known = ", ".join(sorted(WORLDS))
    planned = " (planned, not built yet)" if name in _PLANNED else ""
    raise UsageError(f"world `{name}`{planned}: not available; choose one of: {known}")
