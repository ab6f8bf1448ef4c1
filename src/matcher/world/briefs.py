"""Campaigns and their briefs, as a buyer would have written them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from matcher.columns import AGE_BUCKETS, OBJECTIVES
from matcher.world.arrow import campaign_ids, days, ids, instants, names, text_lists
from matcher.world.latents import Market
from matcher.world.people import COUNTRIES, FX_VND, PLATFORM_NAMES
from matcher.world.phrases import ASKS, BRIEFS, TONE_WORDS
from matcher.world.streams import stream
from matcher.world.vocabulary import N_WORDS

__all__ = ["campaign_table", "uses_dong"]

_KPI: Final = ("reach", "engagements", "link_clicks", "leads", "conversions", "engagements")
_WHO: Final = {"vi": ("nam", "nữ", "khách hàng"), "en": ("men", "women", "people")}


def uses_dong(market: Market) -> npt.NDArray[np.bool_]:
    """Campaigns whose money is in VND rather than USD.

    Parameters
    ----------
    market : Market
        All that was drawn: people, brands, campaigns and deals.

    Returns
    -------
    ndarray of bool, shape (n_campaigns,)
        True for VND.
    """
    return np.asarray(market.brands.in_vietnam[market.campaigns.brand])


def campaign_table(market: Market) -> pa.Table:
    """Rows of `campaigns`, open ones last.

    Parameters
    ----------
    market : Market
        What was drawn.

    Returns
    -------
    pyarrow.Table
        Campaigns with their briefs.
    """
    rng = stream(market.seed, "briefs")
    campaigns = market.campaigns
    n = campaigns.n
    in_dong = uses_dong(market)
    raw = np.where(in_dong, campaigns.budget, campaigns.budget / FX_VND)
    step = np.where(in_dong, 1e6, 50.0)
    budget = np.maximum(np.round(raw / step), 1) * step
    titles, briefs = _write_briefs(market, budget, in_dong, rng)
    speaks = campaigns.speaks[:, :2]
    category = market.vocabulary.category_of[campaigns.sub]
    interests = np.arange(len(market.vocabulary.categories)) == category[:, None]
    starts = campaigns.decided + rng.uniform(5, 8, n)
    zones = np.where(in_dong, 0, 1)
    return pa.table(
        {
            "campaign_id": campaign_ids(np.arange(n)),
            "brand_id": ids("br_", campaigns.brand, 3),
            "title": pa.array(titles, type=pa.string()),
            "brief": pa.array(briefs, type=pa.string()),
            "brief_language": names(("vi", "en", "mul"), campaigns.brief_language),
            "objective": names(OBJECTIVES, campaigns.objective),
            "kpi": names(_KPI, campaigns.objective, rng.random(n) < 0.7),
            "platforms": text_lists(PLATFORM_NAMES, campaigns.platforms),
            "countries": text_lists(COUNTRIES, campaigns.countries),
            "creator_languages": text_lists(("vi", "en"), speaks),
            "n_creators": pa.array(campaigns.n_creators),
            "audience_age": text_lists(AGE_BUCKETS, campaigns.ages),
            "audience_gender": names(("male", "female"), campaigns.gender),
            "audience_interests": text_lists(
                market.vocabulary.categories, interests, rng.random(n) < 0.5
            ),
            "budget": pa.array(budget),
            "currency": names(("USD", "VND"), in_dong.astype(np.int64)),
            "timezone": names(("Asia/Ho_Chi_Minh", "UTC"), zones),
            "decided_at": instants(np.where(campaigns.has_date, campaigns.decided, np.nan)),
            "starts_on": days(starts),
            "ends_on": days(starts + 32),
        }
    )


def _write_briefs(
    market: Market,
    budget: npt.NDArray[np.float64],
    in_dong: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[list[str], list[str]]:
    campaigns = market.campaigns
    titles, briefs = [], []
    for c in range(campaigns.n):
        language = "en" if campaigns.brief_language[c] == 1 else "vi"
        mixed = "en" if campaigns.brief_language[c] == 2 else language
        sub, second = int(campaigns.sub[c]), int(campaigns.second_sub[c])
        words = market.vocabulary.words
        first, other = rng.choice(N_WORDS, 2, replace=False).tolist()
        money = _money(float(budget[c]), is_dong=bool(in_dong[c]), language=language)
        brand = market.brands.names[campaigns.brand[c]]
        product = market.vocabulary.products[mixed][sub]
        template = BRIEFS[language][int(rng.integers(0, len(BRIEFS[language])))]
        text = template.format(
            brand=brand,
            product=product,
            who=_customers(campaigns.ages[c], int(campaigns.gender[c]), language),
            n=int(campaigns.n_creators[c]),
            a=words[language][N_WORDS * sub + first],
            b=words[mixed][N_WORDS * sub + other],
            c=words[language][N_WORDS * second + int(rng.integers(0, N_WORDS))],
            tone=TONE_WORDS[language][campaigns.tone[c]],
            ask=ASKS[language][campaigns.objective[c]],
            budget=money,
        )
        titles.append(f"{brand} - {product}")
        briefs.append(text[0].upper() + text[1:])
    return titles, briefs


def _money(amount: float, *, is_dong: bool, language: str) -> str:
    if not is_dong:
        return f"{amount:,.0f} USD"
    unit = "triệu đồng" if language == "vi" else "million VND"
    return f"{amount / 1e6:,.0f} {unit}"


def _customers(ages: npt.NDArray[np.bool_], gender: int, language: str) -> str:
    chosen = [bucket for bucket, yes in zip(AGE_BUCKETS, ages.tolist(), strict=True) if yes]
    low = chosen[0].split("-")[0].rstrip("+")
    high = chosen[-1].split("-")[-1]
    who = _WHO[language][gender]
    span = low + "+" if high == "55+" else f"{low}-{high}"
    return f"{who} {span} tuổi" if language == "vi" else f"{who} aged {span}"
