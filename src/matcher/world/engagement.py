"""What a post earns at the middle of its shocks: exposure, rate, and the effects of a hire."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.world.knobs import WorldKnobs
from matcher.world.people import People
from matcher.world.platforms import (
    FORMAT_EXPOSURE,
    FORMAT_RATE,
    FORMAT_SIZE,
    FORMAT_WEIGHTS,
    PLATFORM_NAMES,
    trait,
)
from matcher.world.vocabulary import Vocabulary

__all__ = [
    "draw_formats",
    "fit_effect",
    "fit_of_campaign",
    "log_exposure",
    "log_rate",
    "pair_effect",
    "season",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]

_VIRAL_GAIN: Final = 0.4
"""Log exposure gained after going viral (assumed)."""
_VIRAL_SPAN: Final = 0.1
"""Share of the two years over which it lasts (assumed)."""
_NOVEMBER: Final = 0.35
"""Share of a year from day 0, the second of July, to the shopping season."""
_YEAR_END: Final = 0.1
"""Height of the shopping season around November (assumed)."""


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

    Engagement peaks where part, not all, of an audience shares the brand's interest (Leung et
    al. 2022, Journal of Marketing); the height is assumed.

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


def season(tau: Floats | float) -> Floats:
    """Log exposure of the time of the year: more towards November.

    Parameters
    ----------
    tau : ndarray of float or float
        Share of the two years passed, 0..1.

    Returns
    -------
    ndarray of float
        Natural log.
    """
    return np.asarray(_YEAR_END * np.cos(2 * np.pi * (2 * np.asarray(tau) - _NOVEMBER)))


def log_exposure(
    people: People,
    accounts: Ints,
    tau: Floats | float,
    form: Ints,
    knobs: WorldKnobs,
    *,
    followers: float = 1.0,
) -> Floats:
    """Log exposure of an organic post at the middle of its shock.

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
    knobs : WorldKnobs
        The world; says whether a platform's algorithm changed by then.
    followers : float
        Multiplies authentic followers.

    Returns
    -------
    ndarray of float
        Natural log of impressions (plays for videos).
    """
    platform = people.platform[accounts]
    size = np.log(people.authentic_at(accounts, tau) * followers / 1e4)
    drifted = (platform == PLATFORM_NAMES.index(knobs.drift_platform)) & (tau >= knobs.drift_at)
    drifted &= knobs.drift_at < 1
    exponent = trait("size")[platform] + FORMAT_SIZE[platform, form] + knobs.drift_size * drifted
    base = np.log(trait("exposure"))[platform] + exponent * size + knobs.drift_exposure * drifted
    since = tau - people.viral_at[accounts]
    viral = _VIRAL_GAIN * ((since >= 0) & (since < _VIRAL_SPAN))
    level = people.level_at(accounts, tau) + people.account_level[accounts]
    return np.asarray(base + level + viral + FORMAT_EXPOSURE[platform, form])


def log_rate(
    people: People, accounts: Ints, tau: Floats | float, form: Ints, *, followers: float = 1.0
) -> Floats:
    """Log of interactions per impression at the middle of all shocks.

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
    followers : float
        Multiplies authentic followers.

    Returns
    -------
    ndarray of float
        Natural log of interactions per impression.
    """
    platform = people.platform[accounts]
    authentic = people.authentic_at(accounts, tau) * followers
    bend = trait("rate_bend")[platform] * np.maximum(np.log(authentic / 5e5), 0.0)
    size = trait("rate_size")[platform] * np.log(authentic / 1e4) + bend
    base = np.log(trait("rate"))[platform] + FORMAT_RATE[platform, form]
    return np.asarray(base + size + people.rate_level[accounts])


def pair_effect(
    people: People,
    accounts: Ints,
    *,
    fit: Floats,
    repeats: Floats,
    ad_share: Floats,
    fee_ratio: Floats | float,
    knobs: WorldKnobs,
) -> Floats:
    """Change of log exposure by being hired for a campaign.

    Parameters
    ----------
    people : People
        People and accounts.
    accounts : ndarray of int
        Hired (or possible) accounts.
    fit : ndarray of float
        Latent fit, 0..1.
    repeats : ndarray of float
        Earlier hires by the same brand.
    ad_share : ndarray of float
        Sponsored share of the account's posts, 0..1.
    fee_ratio : ndarray of float or float
        Fee paid over the fee asked.
    knobs : WorldKnobs
        The world.

    Returns
    -------
    ndarray of float
        Fit, ad fatigue, the account's own sponsored gap, repetition, pay and hidden fame, summed.
    """
    fatigue = np.maximum(ad_share - knobs.fatigue_from, 0)
    repeated = knobs.effect_repeat * np.minimum(repeats, 3) - 0.03 * np.maximum(repeats - 3, 0)
    person = people.person[accounts]
    paid = knobs.effect_fee * np.log(fee_ratio)
    hidden = knobs.effect_hidden * people.fame[person]
    known = fit_effect(fit, knobs) - knobs.effect_fatigue * fatigue + repeated
    return np.asarray(known + people.ad_gap[person] + paid + hidden)


def draw_formats(platform: Ints, uniform: Floats) -> Ints:
    """Formats of posts by platform, indices into `FORMAT_NAMES`.

    Parameters
    ----------
    platform : ndarray of int, shape (n,)
        Platform of each post, index into `PLATFORM_NAMES`.
    uniform : ndarray of float, shape (n,)
        Draws from 0..1.

    Returns
    -------
    ndarray of int, shape (n,)
        Formats, each in use on its platform.
    """
    cumulative = np.cumsum(FORMAT_WEIGHTS, axis=1)
    # The last edge is 1 whatever the rounding of the sum.
    cumulative /= cumulative[:, -1:]
    drawn = (cumulative[platform] <= uniform[:, None]).sum(axis=1)
    return np.asarray(drawn)
