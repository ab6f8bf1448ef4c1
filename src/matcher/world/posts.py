"""Posts of a block of accounts: when, about what, paid by whom, and what they earned."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from matcher.columns import OBJECTIVES
from matcher.world.buyers import N_DAYS
from matcher.world.captions import build_captions
from matcher.world.counters import Counts, PostMeans, draw_counts
from matcher.world.drafts import CaptionPlan
from matcher.world.engagement import draw_formats, log_exposure, log_rate, season
from matcher.world.interventions import Pairs
from matcher.world.latents import Market
from matcher.world.noise import StreamNoise
from matcher.world.outcomes import draw_campaign_posts
from matcher.world.people import People
from matcher.world.places import home_cities, life_stage

__all__ = ["Market", "PostBlock", "simulate_posts"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]

_PITCH_OF: Final = {"sales": 1, "traffic": 2, "leads": 2}
"""Index into `matcher.world.drafts.PITCHES` by objective; nothing is asked for elsewhere."""
_BOUGHT_LIKES: Final = 0.5
"""Likes bought on organic posts, against those that would hide the bought followers (assumed)."""
_POD_LIKES: Final = 8.0
"""Likes of a pod per organic post; its members comment too (assumed)."""


@dataclass(frozen=True, eq=False)
class PostBlock:
    """Posts of consecutive accounts, sorted by account and time."""

    account: Ints
    day: Floats
    form: Ints
    sub: Ints
    style: Ints
    deal: Ints
    """Deal that the post was made for; -1 for none."""
    brand: Ints
    """Brand that paid; -1 for none or unknown."""
    is_sponsored: Masks
    is_disclosed: Masks
    counts: Counts
    clicks: Floats
    """Clicks on the link; 0 where there is none."""
    text: Any


def simulate_posts(market: Market, first: int, last: int, rng: np.random.Generator) -> PostBlock:
    """Posts of accounts ``first`` to ``last`` (exclusive).

    Parameters
    ----------
    market : Market
        All that was drawn before.
    first, last : int
        Range of accounts.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    PostBlock
        Posts, campaign posts among them.
    """
    people = market.people
    schedule = market.schedule
    rows = slice(*np.searchsorted(schedule.account, [first, last]).tolist())
    account, day, made_for = schedule.account[rows], schedule.day[rows], schedule.deal[rows]
    tau = day / N_DAYS
    who = people.person[account]
    is_deal = made_for >= 0
    sub = _draw_subs(people, account, rng)
    is_sponsored = is_deal | (rng.random(len(day)) < people.ad_share_at(account, tau))
    brand, is_organic_mention = _draw_brands(market, who, sub, is_sponsored, rng)
    campaign = market.deals.campaign
    brand = _of_deal(made_for, market.campaigns.brand[campaign], brand)
    pick = market.brands.subs[np.maximum(brand, 0), rng.integers(0, 2, len(day))]
    about_brand = is_sponsored & (brand >= 0) & (rng.random(len(day)) < 0.6)
    sub = np.where(about_brand, pick, sub)
    sub = _of_deal(made_for, market.campaigns.sub[campaign], sub)
    form = draw_formats(people.platform[account], rng.random(len(day)))
    form = _of_deal(made_for, market.deals.form, form)
    is_disclosed = is_sponsored & (rng.random(len(day)) < 0.6)
    style = _draw_styles(people, who, rng)
    named = np.where(is_sponsored | is_organic_mention, brand, -1)
    counts, clicks = _earn(market, rows, form, is_sponsored, rng)
    # Where text carries nothing, only the platform's own label tells that a post is paid.
    told = is_sponsored & market.knobs.text_informative
    plan = replace(
        _plan(market, who, sub, style, named, rng),
        is_paid=told,
        is_disclosed=is_disclosed & told,
        pitch=_draw_pitches(market, made_for, told, rng),
        day=day,
    )
    return PostBlock(
        account=account,
        day=day,
        form=form,
        sub=sub,
        style=style,
        deal=made_for,
        brand=np.where(is_sponsored, brand, -1),
        is_sponsored=is_sponsored,
        is_disclosed=is_disclosed,
        counts=counts,
        clicks=clicks,
        text=build_captions(plan, market.vocabulary, market.brands.names, rng),
    )


def _of_deal(made_for: Ints, values: Ints, otherwise: Ints) -> Ints:
    """Value of the deal that a post was made for, or another one where it was made for none."""
    if not len(values):
        return otherwise
    return np.where(made_for >= 0, values[np.maximum(made_for, 0)], otherwise)


def _draw_subs(people: People, account: Ints, rng: np.random.Generator) -> Ints:
    who = people.person[account]
    base = int(who[0]) if len(who) else 0
    top = int(who[-1]) + 1 if len(who) else 0
    cumulative = np.cumsum(people.interests[base:top], axis=1)
    drawn = rng.random(len(account), dtype=np.float32)
    sub = np.empty(len(account), dtype=np.int64)
    for k in range(0, len(account), 20_000):
        rows = slice(k, k + 20_000)
        sub[rows] = (cumulative[who[rows] - base] <= drawn[rows, None]).sum(axis=1)
    return np.where(sub >= people.interests.shape[1], -1, sub)


def _draw_brands(
    market: Market, who: Ints, sub: Ints, is_sponsored: Masks, rng: np.random.Generator
) -> tuple[Ints, Masks]:
    """Payers of sponsored posts outside campaigns, and unpaid mentions of a partner."""
    n = len(who)
    pairs = market.partnerships
    partner = np.full((market.people.n, 2), -1)
    if len(pairs):
        is_first = np.concatenate([[True], pairs[1:, 0] != pairs[:-1, 0]])
        partner[pairs[is_first, 0], 0] = pairs[is_first, 1]
        partner[pairs[~is_first, 0], 1] = pairs[~is_first, 1]
    second = partner[who, 1]
    drawn = np.where((second >= 0) & (rng.random(n) < 0.5), second, partner[who, 0])
    known = np.where(rng.random(n) < 0.55, drawn, -1)
    category = market.vocabulary.category_of[np.maximum(sub, 0)]
    by_chance = rng.integers(0, market.brands.n, n)
    suits = (market.brands.category[by_chance] == category) & (sub >= 0)
    brand = np.where(known >= 0, known, np.where(suits, by_chance, -1))
    is_mention = ~is_sponsored & (drawn >= 0) & (rng.random(n) < 0.04)
    return np.where(is_mention, drawn, brand), is_mention


def _draw_styles(people: People, who: Ints, rng: np.random.Generator) -> Ints:
    language = people.language[who]
    is_vi = np.where(language == 2, rng.random(len(who)) < 0.6, language == 0)
    habit = people.habit[who]
    vi = np.where(habit < 0.5, 0, np.where(habit < 0.82, 1, 2))
    en = np.where(habit < 0.6, 3, 4)
    return np.where(is_vi, vi, en)


def _draw_pitches(
    market: Market, made_for: Ints, is_sponsored: Masks, rng: np.random.Generator
) -> Ints:
    """What a paid caption asks for: by the campaign's objective, by chance where none is known."""
    by_objective = np.array([_PITCH_OF.get(name, 0) for name in OBJECTIVES])
    drawn = rng.random(len(made_for))
    by_chance = np.select([drawn < 0.25, drawn < 0.35], [1, 2], 0)
    of_deal = by_objective[market.campaigns.objective[market.deals.campaign]]
    return np.where(is_sponsored, _of_deal(made_for, of_deal, by_chance), 0)


def _plan(
    market: Market,
    who: Ints,
    sub: Ints,
    style: Ints,
    named: Ints,
    rng: np.random.Generator,
) -> CaptionPlan:
    """Plan of captions that nobody paid for, on day 0."""
    n = len(who)
    people = market.people
    stage = life_stage(people)[who]
    tone_edges = np.cumsum(people.tone[who], axis=1)
    tone = (tone_edges < rng.random(n)[:, None]).sum(axis=1)
    tone = np.minimum(tone, people.tone.shape[1] - 1)
    switching = np.where(people.language[who] == 2, 0.3, 0.06)
    if market.knobs.share_vietnamese == 0:
        switching = np.zeros(n)
    is_switching = rng.random(n) < switching
    if not market.knobs.text_informative:
        sub = rng.integers(-8, market.vocabulary.n_sub, n).clip(-1)
        tone = rng.integers(0, people.tone.shape[1], n)
        named = np.full(n, -1)
        stage = rng.integers(0, 4, n)
    return CaptionPlan(
        sub=sub,
        tone=tone,
        style=style,
        word_shift=who % 5,
        brand=named,
        is_paid=np.zeros(n, dtype=bool),
        is_disclosed=np.zeros(n, dtype=bool),
        pitch=np.zeros(n, dtype=np.int64),
        is_switching=is_switching,
        day=np.zeros(n),
        stage=stage,
        city=home_cities(people, market.seed)[who],
    )


def _earn(
    market: Market, rows: slice, form: Ints, is_sponsored: Masks, rng: np.random.Generator
) -> tuple[Counts, Floats]:
    """Counters of a block's posts; those of campaign posts are the pair's own, whoever asks."""
    people, knobs, schedule = market.people, market.knobs, market.schedule
    account, tau = schedule.account[rows], schedule.day[rows] / N_DAYS
    fatigue = np.maximum(people.ad_share_at(account, tau) - knobs.fatigue_from, 0)
    gap = people.ad_gap[people.person[account]] - knobs.effect_fatigue * fatigue
    organic = log_exposure(people, account, tau, form, knobs) + season(tau)
    exposure = organic + np.where(is_sponsored, gap, 0.0)
    rate = log_rate(people, account, tau, form)
    fake = np.where(tau >= people.bought_at[account], people.fake_share[account], 0.0)
    counts = draw_counts(
        PostMeans(
            exposure=exposure,
            rate=rate,
            platform=people.platform[account],
            form=form,
            comment_bias=people.comment_bias[account],
            share_bias=people.share_bias[account],
            save_bias=people.save_bias[account],
        ),
        StreamNoise(rng, len(account)),
        bought_likes=_BOUGHT_LIKES * fake / (1 - fake) * np.exp(exposure + rate),
        pod=np.where(people.in_pod[account], _POD_LIKES, 0.0),
    )
    made = np.flatnonzero(schedule.deal[rows] >= 0)
    return _with_campaign_posts(market, rows, form, made, counts)


def _with_campaign_posts(
    market: Market, rows: slice, form: Ints, made: Ints, counts: Counts
) -> tuple[Counts, Floats]:
    schedule, deals = market.schedule, market.deals
    deal = schedule.deal[rows][made]
    pairs = Pairs(deals.campaign[deal], deals.account[deal], deals.fit[deal], deals.repeats[deal])
    own, clicked = draw_campaign_posts(market, pairs, schedule.number[rows][made], form[made])
    merged = {}
    for entry in fields(Counts):
        values = getattr(counts, entry.name).copy()
        values[made] = getattr(own, entry.name)
        merged[entry.name] = values
    clicks = np.zeros(len(form))
    clicks[made] = clicked
    return Counts(**merged), clicks
