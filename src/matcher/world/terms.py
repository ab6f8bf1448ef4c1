"""What a pair would agree on: format and fee."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.world.engagement import draw_formats
from matcher.world.interventions import Setting
from matcher.world.noise import KeyedNoise
from matcher.world.people import People
from matcher.world.platforms import FORMAT_NAMES, FORMAT_PRICE, QUARTER_PRICE, main_format

__all__ = ["agreed_fee_ratio", "agreed_format", "fee_of_post"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FEE_SPREAD: Final = 0.12
"""Spread of the fee paid over the fee asked, natural log (assumed)."""
_FEE_OF_FAME: Final = 0.1
"""Log of fee paid per standard deviation of hidden fame, where buyers follow it (assumed)."""


def agreed_format(world: Setting, campaign: Ints, account: Ints) -> Ints:
    """Format that a pair agrees on, the same whoever asks.

    Parameters
    ----------
    world : Setting
        People and seed.
    campaign, account : ndarray of int, shape (n,)
        Pairs.

    Returns
    -------
    ndarray of int, shape (n,)
        Index into `FORMAT_NAMES`.
    """
    uniform = KeyedNoise(world.seed, campaign, account).uniform("agreed-format")
    return draw_formats(world.people.platform[account], uniform)


def agreed_fee_ratio(world: Setting, campaign: Ints, account: Ints) -> Floats:
    """Fee paid over the fee asked; fame that no table shows is paid for where buyers follow it.

    Parameters
    ----------
    world : Setting
        People, knobs and seed.
    campaign, account : ndarray of int, shape (n,)
        Pairs.

    Returns
    -------
    ndarray of float, shape (n,)
        Ratios around 1.
    """
    noise = _FEE_SPREAD * KeyedNoise(world.seed, campaign, account).normal("fee")
    fame = world.people.fame[world.people.person[account]]
    return np.asarray(np.exp(noise + _FEE_OF_FAME * world.knobs.weight_hidden * fame))


def fee_of_post(people: People, account: Ints, form: Ints, day: Floats) -> Floats:
    """Fee asked for one post in a format at a time of the year.

    Parameters
    ----------
    people : People
        People and accounts.
    account : ndarray of int, shape (n,)
        Accounts.
    form : ndarray of int, shape (n,)
        Index into `FORMAT_NAMES`.
    day : ndarray of float, shape (n,)
        Days since day 0, which is the first of the third quarter.

    Returns
    -------
    ndarray of float, shape (n,)
        VND.
    """
    by_format = np.array([FORMAT_PRICE[name] for name in FORMAT_NAMES])
    relative = by_format[form] / by_format[main_format(people.platform[account])]
    # Day 0 opens the third quarter.
    quarter = (2 + np.floor(day / 91.3125)).astype(np.int64) % 4
    return np.asarray(people.price[account] * relative * np.array(QUARTER_PRICE)[quarter])
