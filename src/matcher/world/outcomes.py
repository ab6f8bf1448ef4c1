"""What a campaign's posts would bring for any pair, hired or not: expected, and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.errors import UsageError
from matcher.world.buyers import N_DAYS, Campaigns
from matcher.world.clicks import CLICK_NOISE, LEADS, ORDERS, baskets, log_click
from matcher.world.counters import Counts, PostMeans, draw_counts, expected_counts
from matcher.world.engagement import log_exposure, log_rate, pair_effect, season
from matcher.world.interventions import Intervention, Pairs, Setting
from matcher.world.noise import KeyedNoise
from matcher.world.platforms import FORMAT_NAMES, FORMAT_WEIGHTS, IS_VIDEO, PLATFORM_NAMES
from matcher.world.terms import agreed_fee_ratio, agreed_format, fee_of_post

__all__ = [
    "draw_campaign_posts",
    "draw_outcomes",
    "expected_outcomes",
    "finish_outcomes",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_POSTED_AFTER: Final = 19.0
"""Days from the decision to the middle of a campaign's posts."""


def _planned(campaigns: Campaigns, campaign: Ints, later: float) -> Floats:
    return np.asarray((campaigns.decided[campaign] + _POSTED_AFTER + later) / N_DAYS)


def _means(
    world: Setting, pairs: Pairs, form: Ints, change: Intervention
) -> tuple[PostMeans, Floats]:
    """What settles the counters of one post of each pair, and log clicks per impression."""
    people, knobs = world.people, world.knobs
    account = pairs.account
    tau = _planned(world.campaigns, pairs.campaign, change.days_later)
    ad_share = people.ad_share_at(account, tau)
    if change.ad_share is not None:
        ad_share = np.full(len(account), change.ad_share)
    ratio: Floats | float = agreed_fee_ratio(world, pairs.campaign, account)
    if change.fee_ratio is not None:
        ratio = change.fee_ratio
    organic = log_exposure(people, account, tau, form, knobs, followers=change.followers)
    effect = pair_effect(
        people,
        account,
        fit=pairs.fit,
        repeats=pairs.repeats,
        ad_share=ad_share,
        fee_ratio=ratio,
        knobs=knobs,
    )
    reach = np.array([np.log(change.platform_reach.get(name, 1.0)) for name in PLATFORM_NAMES])
    platform = people.platform[account]
    means = PostMeans(
        exposure=organic + season(tau) + effect + reach[platform],
        rate=log_rate(people, account, tau, form, followers=change.followers),
        platform=platform,
        form=form,
        comment_bias=people.comment_bias[account],
        share_bias=people.share_bias[account],
        save_bias=people.save_bias[account],
    )
    return means, log_click(world, pairs, form)


def draw_campaign_posts(
    world: Setting,
    pairs: Pairs,
    number: Ints,
    form: Ints,
    change: Intervention | None = None,
    *,
    draw: int = 0,
) -> tuple[Counts, Floats]:
    """Counters of posts made for campaigns, and their clicks.

    Parameters
    ----------
    world : Setting
        People, campaigns, knobs and seed.
    pairs : Pairs
        Pair of each post.
    number : ndarray of int, shape (n,)
        Number of each post within its pair, from 0.
    form : ndarray of int, shape (n,)
        Format of each post.
    change : Intervention, optional
        A change of the world.
    draw : int
        Number of the draw; 0 is what happened where the pair was hired.

    Returns
    -------
    Counts
        Whole numbers as float.
    ndarray of float, shape (n,)
        Clicks on the link.
    """
    knobs = world.knobs
    means, clicked = _means(world, pairs, form, change or Intervention())
    campaign = KeyedNoise(world.seed, pairs.campaign, draw).normal("campaign")
    pair = KeyedNoise(world.seed, pairs.campaign, pairs.account, draw).normal("pair")
    shocked = means.exposure + knobs.shock_campaign * campaign + knobs.shock_pair * pair
    noise = KeyedNoise(world.seed, pairs.campaign, pairs.account, number, draw)
    none = np.zeros(len(pairs))
    counts = draw_counts(
        replace(means, exposure=shocked),
        noise,
        bought_likes=none,
        pod=none,
    )
    rate = np.exp(clicked + CLICK_NOISE * noise.normal("click"))
    clicks = np.minimum(noise.poisson("clicks", counts.exposure * rate), counts.exposure)
    return counts, clicks


def draw_outcomes(
    world: Setting, pairs: Pairs, change: Intervention | None = None, *, draw: int = 0
) -> dict[str, Floats]:
    """Outcomes of pairs, drawn with common random numbers.

    The same pair meets the same shocks under every change, so that two scenarios differ by what
    the change does and by nothing else.

    Parameters
    ----------
    world : Setting
        People, campaigns, knobs and seed.
    pairs : Pairs
        Pairs of campaign and account.
    change : Intervention, optional
        A change of the world.
    draw : int
        Number of the draw; 0 is what happened where the pair was hired.

    Returns
    -------
    dict of str to ndarray
        Each of `matcher.columns.OUTCOMES` and ``comments``, ``shares``, ``saves``, shape
        (n_pairs,); views are NaN where the format has none; money in VND.
    """
    change = change or Intervention()
    form = _formats(world, pairs, change)
    n_posts = _n_posts(world, pairs, change)
    total = {name: np.zeros(len(pairs)) for name in _SUMMED}
    for number in range(int(n_posts.max(initial=0))):
        rows = np.flatnonzero(n_posts > number)
        part = pairs.take(rows)
        numbers = np.full(len(rows), number)
        counts, clicks = draw_campaign_posts(world, part, numbers, form[rows], change, draw=draw)
        for name in _SUMMED:
            total[name][rows] += clicks if name == "clicks" else getattr(counts, name)
    return finish_outcomes(world, pairs, form, total, draw=draw)


_SUMMED: Final = ("exposure", "reach", "likes", "comments", "shares", "saves", "clicks")


def finish_outcomes(
    world: Setting, pairs: Pairs, form: Ints, total: Mapping[str, Floats], *, draw: int = 0
) -> dict[str, Floats]:
    """Outcomes from the sums over a pair's posts: leads, orders and revenue follow the clicks.

    Parameters
    ----------
    world : Setting
        Campaigns and seed.
    pairs : Pairs
        Pairs.
    form : ndarray of int, shape (n_pairs,)
        Format of each pair's posts.
    total : mapping of str to ndarray
        Sums of ``exposure``, ``reach``, ``likes``, ``comments``, ``shares``, ``saves``,
        ``clicks``.
    draw : int
        Number of the draw.

    Returns
    -------
    dict of str to ndarray
        See `draw_outcomes`.
    """
    noise = KeyedNoise(world.seed, pairs.campaign, pairs.account, draw)
    clicks = total["clicks"]
    leads = np.minimum(noise.poisson("leads", clicks * LEADS), clicks)
    orders = np.minimum(noise.poisson("orders", clicks * ORDERS), clicks)
    basket = baskets(world.seed, pairs.campaign) * (0.7 + 0.6 * noise.uniform("basket"))
    parts = {name: total[name] for name in ("comments", "shares", "saves")}
    return {
        "impressions": total["exposure"],
        "reach": total["reach"],
        "views": np.where(IS_VIDEO[form], total["exposure"], np.nan),
        "engagements": total["likes"] + parts["comments"] + parts["shares"] + parts["saves"],
        "link_clicks": clicks,
        "leads": leads,
        "conversions": orders,
        "revenue": orders * basket,
        **parts,
    }


def _formats(world: Setting, pairs: Pairs, change: Intervention) -> Ints:
    if change.format is None:
        return agreed_format(world, pairs.campaign, pairs.account)
    form = FORMAT_NAMES.index(change.format)
    platform = world.people.platform[pairs.account]
    missing = np.unique(platform[FORMAT_WEIGHTS[platform, form] == 0])
    if len(missing):
        names = ", ".join(PLATFORM_NAMES[p] for p in missing.tolist())
        raise UsageError(
            f"intervention: format `{change.format}` is not in use on {names}; ask about accounts "
            "of other platforms, or choose another format"
        )
    return np.full(len(pairs), form)


def _n_posts(world: Setting, pairs: Pairs, change: Intervention) -> Ints:
    if change.n_posts is not None:
        return np.full(len(pairs), change.n_posts)
    return np.asarray(world.campaigns.n_posts[pairs.campaign])


def expected_outcomes(
    world: Setting, pairs: Pairs, change: Intervention | None = None
) -> dict[str, Floats]:
    """Expected outcomes of pairs given the latent traits, every shock integrated out.

    The format is integrated out too, unless the change fixes it.

    Parameters
    ----------
    world : Setting
        People, campaigns, knobs and seed.
    pairs : Pairs
        Pairs of campaign and account.
    change : Intervention, optional
        A change of the world.

    Returns
    -------
    dict of str to ndarray
        Each of `matcher.columns.OUTCOMES`, ``comments``, ``shares``, ``saves`` and ``fee``, shape
        (n_pairs,); views count only formats that have them; money in VND.
    """
    change = change or Intervention()
    people, knobs = world.people, world.knobs
    n = len(pairs)
    spread = knobs.shock_pair**2 + knobs.shock_campaign**2
    names = ("exposure", "reach", "likes", "comments", "shares", "saves", "clicks", "views", "fee")
    total = {name: np.zeros(n) for name in names}
    day = (_planned(world.campaigns, pairs.campaign, change.days_later)) * N_DAYS - _POSTED_AFTER
    ratio: Floats | float = agreed_fee_ratio(world, pairs.campaign, pairs.account)
    if change.fee_ratio is not None:
        ratio = change.fee_ratio
    weights = _format_weights(world, pairs, change)
    for form in np.flatnonzero(weights.any(axis=0)).tolist():
        rows = np.flatnonzero(weights[:, form] > 0)
        part = pairs.take(rows)
        forms = np.full(len(rows), form)
        means, clicked = _means(world, part, forms, change)
        found = expected_counts(means, spread=spread)
        found["clicks"] = found["exposure"] * np.exp(clicked + 0.5 * CLICK_NOISE**2)
        found["views"] = found["exposure"] * float(IS_VIDEO[form])
        found["fee"] = fee_of_post(people, part.account, forms, day[rows])
        for name in names:
            total[name][rows] += weights[rows, form] * found[name]
    n_posts = _n_posts(world, pairs, change).astype(np.float64)
    for name in names:
        total[name] *= n_posts
    orders = total["clicks"] * ORDERS
    return {
        "impressions": total["exposure"],
        "reach": total["reach"],
        "views": total["views"],
        "engagements": sum(
            (total[name] for name in ("likes", "comments", "shares", "saves")), np.zeros(n)
        ),
        "link_clicks": total["clicks"],
        "leads": total["clicks"] * LEADS,
        "conversions": orders,
        "revenue": orders * baskets(world.seed, pairs.campaign),
        **{name: total[name] for name in ("comments", "shares", "saves")},
        "fee": total["fee"] * ratio,
    }


def _format_weights(world: Setting, pairs: Pairs, change: Intervention) -> Floats:
    if change.format is None:
        return np.asarray(FORMAT_WEIGHTS[world.people.platform[pairs.account]])
    weights = np.zeros((len(pairs), len(FORMAT_NAMES)))
    weights[np.arange(len(pairs)), _formats(world, pairs, change)] = 1.0
    return weights
