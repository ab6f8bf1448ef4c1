"""The knobs of a simulated market, and the named worlds that set them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final

from matcher.columns import PLATFORMS
from matcher.errors import UsageError

__all__ = ["WORLDS", "WORLD_VERSION", "WorldKnobs", "find_world"]

WORLD_VERSION: Final = 2
"""Raised whenever the same knobs and seed give another market."""

_SHARES: Final = (
    "share_vietnamese",
    "share_mixed",
    "share_open",
    "share_newcomers",
    "fit_optimum",
    "drift_at",
)
_COUNTS: Final = ("n_categories", "n_creators_low", "longlist", "campaigns_per_brand")
_CHOICES: Final = {
    "phrases": ("training", "held_out"),
    "policy": ("stochastic", "deterministic"),
    "drift_platform": PLATFORMS,
}


@dataclass(frozen=True)
class WorldKnobs:
    """All that a world fixes besides its size and seed.

    Weights act on the log odds of being hired, effects on the natural logarithm of a campaign
    post's exposure. Every value is synthetic: calibrated to published ranges where there are any,
    assumed elsewhere; never a claim about a real market.

    Raises
    ------
    UsageError
        If a share lies outside 0..1, a count below 1, or a choice is unknown.
    """

    share_vietnamese: float = 0.6
    """Share of people whose market is Viet Nam (0..1)."""
    share_mixed: float = 0.15
    """Share of people who write in Vietnamese and English (0..1)."""
    text_informative: bool = True
    """Whether captions and bios are about what their author is about."""
    phrases: str = "training"
    """Family of phrases and templates: ``training``, or ``held_out``, its paraphrases."""
    n_categories: int = 24
    """Categories in use, in the order of the vocabulary."""
    posts_per_influencer: float = 30.0
    """Mean number of posts of a person over the two years."""
    share_newcomers: float = 0.15
    """Share of accounts whose first post falls within the two years (0..1)."""
    newcomer_days: float = 150.0
    """Day by which newcomers have started."""
    months_of_campaigns: float = 15.0
    """Months before the end over which past campaigns were decided."""
    campaigns_per_brand: float = 5.0
    """Mean number of campaigns of a brand."""
    share_open: float = 0.067
    """Share of campaigns that are still open (0..1)."""
    n_creators_low: int = 8
    """Fewest creators that a campaign asks for (assumed)."""
    n_creators_high: int = 13
    """Most creators that a campaign asks for (assumed)."""
    longlist: int = 4_000
    """Eligible accounts that a buyer looks at, at most; a uniform draw where there are more."""
    policy: str = "stochastic"
    """How buyers choose: ``stochastic`` with known probabilities, or ``deterministic``."""
    weight_fit: float = 5.6
    """Pull of topical fit on who is hired (assumed)."""
    weight_relation: float = 1.4
    """Pull of earlier hires by the brand or its owner (assumed)."""
    weight_price: float = 0.9
    """Reluctance about prices far from what the buyer has in mind (assumed)."""
    weight_audience: float = 0.9
    """Pull of an audience of the age and gender asked for (assumed)."""
    weight_engagement: float = 0.75
    """Pull of engagement above that of like accounts (assumed)."""
    weight_reliability: float = 0.6
    """Pull of a name for reliability (assumed)."""
    weight_language: float = 0.8
    """Pull of writing in the language of the brief (assumed)."""
    weight_rival: float = 1.0
    """Reluctance after a hire by a rival within 90 days (assumed)."""
    weight_tone: float = 0.5
    """Pull of the tone asked for (assumed)."""
    weight_kind: float = 0.6
    """Preference for kinds of influencer that suit the objective (assumed)."""
    weight_busy: float = 0.7
    """Reluctance per hire of the person lately, halved every 30 days, by any brand (assumed)."""
    weight_hidden: float = 0.0
    """Pull of fame that no table shows."""
    effect_fit: float = 0.9
    """Gain in log exposure at the best fit, an inverted U (Leung et al. 2022; height assumed)."""
    effect_fit_click: float = 0.6
    """Gain in log clicks per impression per unit of fit (assumed)."""
    fit_optimum: float = 0.6
    """Fit at which exposure peaks (assumed)."""
    effect_fatigue: float = 0.8
    """Loss in log exposure per unit of ad share above `fatigue_from` (direction published,
    size assumed)."""
    fatigue_from: float = 0.2
    """Sponsored share of posts from which ads tire (assumed)."""
    effect_repeat: float = 0.08
    """Gain in log exposure per repeat to the fourth post, less .03 after it (vendors; weak)."""
    effect_fee: float = 0.15
    """Gain in log exposure per log of fee paid over fee asked: effort follows pay (assumed)."""
    effect_hidden: float = 0.0
    """Gain in log exposure of campaign posts per standard deviation of hidden fame."""
    shock_pair: float = 0.2
    """Log-sd of what a pair shares over its posts (assumed)."""
    shock_campaign: float = 0.15
    """Log-sd of what all posts of a campaign share (assumed)."""
    fraud: float = 1.0
    """Multiplies the odds that an account bought followers or belongs to an engagement pod."""
    drift_platform: str = "tiktok"
    """Platform whose algorithm changes."""
    drift_at: float = 1.0
    """When it changes, as a share of the two years; 1 for never."""
    drift_exposure: float = 0.0
    """Change of log exposure on that platform."""
    drift_size: float = 0.0
    """Change of the exponent of followers on that platform."""

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in _SHARES:
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"WorldKnobs.{name}: got {value}; expected 0..1")
        for name in _COUNTS:
            value = getattr(self, name)
            if value < 1:
                raise UsageError(f"WorldKnobs.{name}: got {value}; expected 1 or more")
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                expected = ", ".join(known)
                raise UsageError(f"WorldKnobs.{name}: got `{value}`; expected one of: {expected}")

    def as_dict(self) -> dict[str, float | int | bool | str]:
        """Knobs by name, for the record beside the truth."""
        return asdict(self)

    @property
    def sha256(self) -> str:
        """Digest of all knobs."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


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
    "cold": WorldKnobs(
        posts_per_influencer=12.0,
        share_newcomers=0.85,
        newcomer_days=600.0,
        campaigns_per_brand=1.0,
        months_of_campaigns=8.0,
    ),
    "drift": WorldKnobs(drift_at=0.8, drift_exposure=-0.6, drift_size=0.15),
    "confounded": WorldKnobs(weight_hidden=1.0, effect_hidden=0.5),
    "deterministic": WorldKnobs(policy="deterministic"),
    "no-text": WorldKnobs(text_informative=False, weight_language=0.0, weight_tone=0.0),
    "no-fit": WorldKnobs(weight_fit=0.0, weight_tone=0.0, effect_fit=0.0, effect_fit_click=0.0),
    "fraud": WorldKnobs(fraud=4.0),
    "paraphrased": WorldKnobs(phrases="held_out"),
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
    raise UsageError(f"world `{name}`: not available; choose one of: {known}")
