"""What a post earns: expected exposure, the effects of a hire, and conditional counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.world.knobs import WorldKnobs
from matcher.world.people import People
from matcher.world.vocabulary import Vocabulary

__all__ = [
    "FORMAT_NAMES",
    "FORMAT_WEIGHTS",
    "POST_SHOCK",
    "Counts",
    "draw_counts",
    "draw_formats",
    "fit_effect",
    "fit_of_campaign",
    "log_exposure",
    "log_rate",
    "pair_effect",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FORMAT_NAMES: Final = ("short_video", "video", "image", "carousel", "story", "text")
FORMAT_WEIGHTS: Final = np.array(
    [
        (1.0, 0, 0, 0, 0, 0),
        (0.25, 0.15, 0.40, 0.10, 0, 0.10),
        (0.42, 0, 0.28, 0.25, 0.05, 0),
        (0.45, 0.55, 0, 0, 0, 0),
        (0.05, 0.05, 0.30, 0, 0, 0.60),
        (0, 0.05, 0.35, 0, 0, 0.60),
        (0, 0.10, 0.50, 0, 0, 0.40),
    ]
)
_FORMAT_EFFECT: Final = np.array([0.5, 0.1, 0.0, 0.25, -0.8, -0.3])
"""Log exposure relative to an image (reels reach about 1.5 to 3 times an image)."""
_EXPOSURE: Final = np.array([2_500.0, 700.0, 2_200.0, 1_800.0, 1_200.0, 1_500.0, 1_500.0])
"""Exposures of an image at 10,000 authentic followers: reach rate by platform, TikTok views."""
_SIZE: Final = np.array([0.40, 0.62, 0.70, 0.62, 0.75, 0.75, 0.75])
"""Exponent of authentic followers; TikTok views follow them weakly."""
_RATE: Final = np.array([0.065, 0.028, 0.075, 0.042, 0.022, 0.03, 0.02])
_RATE_SIZE: Final = -0.06
POST_SHOCK: Final = np.array([0.95, 0.75, 0.6, 0.75, 0.85, 0.85, 0.75])
"""Standard deviation of the post-level shock, natural log, by platform."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Final counters of posts, float, shape (n_posts,)."""

    exposure: Floats
    reach: Floats
    likes: Floats
    comments: Floats
    shares: Floats
    saves: Floats


def fit_of_campaign(sub: int, second_sub: int, people: People, vocabulary: Vocabulary) -> Floats:
    """Latent topical fit of every person to a campaign.

    Parameters
    ----------
    sub, second_sub : int
        Sub-topics of the campaign.
    people : People
        People.
    vocabulary : Vocabulary
        Topics in use.

    Returns
    -------
    ndarray of float, shape (n_people,)
        Fit in 0..1; saturates as the shared interest grows.
    """
    weights = np.zeros(vocabulary.n_sub, dtype=np.float32)
    weights[vocabulary.category_of == vocabulary.category_of[sub]] = 0.12
    weights[vocabulary.kin[sub]] = 0.5
    weights[second_sub] = 0.6
    weights[sub] = 1.0
    shared = (people.interests @ weights).astype(np.float64)
    return np.asarray(1 - np.exp(-2.4 * shared))


def fit_effect(fit: Floats, knobs: WorldKnobs) -> Floats:
    """Log exposure gained by fit: an inverted U, 0 without fit.

    Parameters
    ----------
    fit : ndarray of float
        Latent fit, 0..1.
    knobs : WorldKnobs
        The world; sets the height of the curve and where it peaks.

    Returns
    -------
    ndarray of float
        Natural log, of the shape of `fit`.
    """
    offset = (fit - knobs.fit_optimum) / max(knobs.fit_optimum, 1e-6)
    return np.asarray(knobs.effect_fit * (1 - offset**2))


def log_exposure(people: People, accounts: Ints, tau: Floats | float, form: Ints) -> Floats:
    """Expected log exposure of an organic post, without shocks.

    Parameters
    ----------
    people : People
        People and accounts.
    accounts : ndarray of int
        Account of each post.
    tau : ndarray of float or float
        Share of the two years passed, 0..1.
    form : ndarray of int
        Index into `FORMAT_NAMES`.

    Returns
    -------
    ndarray of float
        Natural log of exposures (views, or reach where there are none).
    """
    platform = people.platform[accounts]
    size = np.log(people.authentic_at(accounts, tau) / 1e4)
    base = np.log(_EXPOSURE[platform]) + _SIZE[platform] * size
    return np.asarray(base + people.level_at(accounts, tau) + _FORMAT_EFFECT[form])


def log_rate(people: People, accounts: Ints, tau: Floats | float) -> Floats:
    """Expected log of interactions per exposure.

    Parameters
    ----------
    people : People
        People and accounts.
    accounts : ndarray of int
        Account of each post.
    tau : ndarray of float or float
        Share of the two years passed, 0..1.

    Returns
    -------
    ndarray of float
        Natural log of interactions per exposure.
    """
    platform = people.platform[accounts]
    size = np.log(people.authentic_at(accounts, tau) / 1e4)
    return np.asarray(np.log(_RATE[platform]) + _RATE_SIZE * size)


def pair_effect(
    people: People,
    accounts: Ints,
    tau: Floats | float,
    *,
    fit: Floats,
    repeats: Floats,
    knobs: WorldKnobs,
) -> Floats:
    """Expected change of log exposure by being hired for a campaign.

    Parameters
    ----------
    people : People
        People and accounts.
    accounts : ndarray of int
        Hired (or possible) accounts.
    tau : ndarray of float or float
        When, as a share of the two years.
    fit : ndarray of float
        Latent fit, 0..1.
    repeats : ndarray of float
        Earlier hires by the same brand.
    knobs : WorldKnobs
        The world.

    Returns
    -------
    ndarray of float
        Fit, ad fatigue, the account's own sponsored gap and repetition, summed.
    """
    fatigue = np.maximum(people.ad_share_at(accounts, tau) - knobs.fatigue_from, 0)
    repeated = knobs.effect_repeat * np.minimum(repeats, 3) - 0.03 * np.maximum(repeats - 3, 0)
    gap = people.ad_gap[people.person[accounts]]
    return np.asarray(fit_effect(fit, knobs) - knobs.effect_fatigue * fatigue + repeated + gap)


def draw_counts(
    exposure_mean: Floats,
    rate: Floats,
    platform: Ints,
    comment_bias: Floats,
    bought_likes: Floats,
    rng: np.random.Generator,
) -> Counts:
    """Conditional counts around one post-level shock.

    Parameters
    ----------
    exposure_mean : ndarray of float
        Expected exposures of each post, natural log.
    rate : ndarray of float
        Expected interactions per exposure, natural log.
    platform : ndarray of int
        Index into `PLATFORM_NAMES`.
    comment_bias : ndarray of float
        Log deviation of the account's comments per like.
    bought_likes : ndarray of float
        Expected likes that no person gave.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    Counts
        Whole numbers as float.
    """
    n = len(exposure_mean)
    shock = POST_SHOCK[platform] * rng.standard_normal(n)
    exposure = rng.poisson(np.exp(np.clip(exposure_mean + shock, 0, 19))).astype(np.float64)
    likely = exposure * np.exp(rate + 0.25 * rng.standard_normal(n))
    likes = rng.poisson(np.minimum(0.9 * likely, exposure) + bought_likes)
    spread = rng.gamma(0.9, 1 / 0.9, n)
    comments = rng.poisson(likely * 0.035 * np.exp(comment_bias) * spread)
    shares = rng.poisson(likely * 0.045 * np.exp(0.5 * rng.standard_normal(n)))
    saves = rng.poisson(likely * 0.06 * np.exp(0.4 * rng.standard_normal(n)))
    reach = np.round(exposure * rng.uniform(0.72, 0.92, n))
    return Counts(
        exposure=exposure,
        reach=reach,
        likes=likes.astype(np.float64),
        comments=comments.astype(np.float64),
        shares=shares.astype(np.float64),
        saves=saves.astype(np.float64),
    )


def draw_formats(platform: Ints, rng: np.random.Generator) -> Ints:
    """Formats of posts by platform, indices into `FORMAT_NAMES`.

    Parameters
    ----------
    platform : ndarray of int, shape (n,)
        Platform of each post, index into `PLATFORM_NAMES`.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    ndarray of int, shape (n,)
        Formats, each in use on its platform.
    """
    cumulative = np.cumsum(FORMAT_WEIGHTS, axis=1)
    drawn = (cumulative[platform] < rng.random(len(platform))[:, None]).sum(axis=1)
    return np.asarray(np.minimum(drawn, len(FORMAT_NAMES) - 1))
