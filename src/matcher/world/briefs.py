"""Campaigns and their briefs, as a buyer would have written them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from matcher.columns import AGE_BUCKETS, OBJECTIVES
from matcher.world.arrow import START, campaign_ids, days, ids, instants, names, text_lists
from matcher.world.latents import Market
from matcher.world.people import COUNTRIES, FX_VND, PLATFORM_NAMES
from matcher.world.phrases import read_phrases
from matcher.world.streams import stream
from matcher.world.vocabulary import Vocabulary, fold

__all__ = ["brand_texts", "campaign_table", "uses_dong"]

_KPI: Final = ("reach", "engagements", "link_clicks", "leads", "conversions", "engagements")
_N_DAYS_RUN: Final = 32
"""Days from the first to the last day of a flight (assumed)."""
_LANGUAGES: Final = ("vi", "en", "mul")
_SHOWN: Final = {
    "facebook": "Facebook", "instagram": "Instagram", "tiktok": "TikTok", "youtube": "YouTube",
    "x": "X", "threads": "Threads", "snapchat": "Snapchat", "linkedin": "LinkedIn",
    "zalo": "Zalo", "blog": "blog", "podcast": "podcast",
}  # fmt: skip
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Terms:
    """What briefs and the table state alike; arrays of shape (n_campaigns,)."""

    budget: npt.NDArray[np.float64]
    in_dong: npt.NDArray[np.bool_]
    starts: npt.NDArray[np.float64]
    ends: npt.NDArray[np.float64]
    """Days since day 0."""


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
    starts = campaigns.decided + rng.uniform(5, 8, n)
    ends = starts + _N_DAYS_RUN
    titles, briefs = _write_briefs(market, _Terms(budget, in_dong, starts, ends), rng)
    speaks = campaigns.speaks[:, :2]
    category = market.vocabulary.category_of[campaigns.sub]
    interests = np.arange(len(market.vocabulary.categories)) == category[:, None]
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
            "ends_on": days(ends),
        }
    )


def _write_briefs(
    market: Market, terms: _Terms, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    campaigns, vocabulary = market.campaigns, market.vocabulary
    texts = read_phrases("briefs", market.knobs.phrases)
    titles, briefs = [], []
    for c in range(campaigns.n):
        language = _LANGUAGES[campaigns.brief_language[c]]
        sub, second, tone = (
            int(a[c]) for a in (campaigns.sub, campaigns.second_sub, campaigns.tone)
        )
        if not market.knobs.text_informative:
            sub, second = rng.integers(0, vocabulary.n_sub, 2).tolist()
            tone = int(rng.integers(0, len(texts[language]["tones"])))
        brand = market.brands.names[campaigns.brand[c]]
        product = vocabulary.products["vi" if language == "vi" else "en"][sub]
        slots: dict[str, Any] = {
            "brand": brand,
            "product": product,
            "item": _bare(product, language),
            "who": _customers(campaigns.ages[c], int(campaigns.gender[c]), texts[language]),
            "tone": _pick(texts[language]["tones"][tone], rng),
            "ask": _pick(texts[language]["asks"][campaigns.objective[c]], rng),
            "budget": _money(float(terms.budget[c]), bool(terms.in_dong[c]), language, rng),
            "start": _date(float(terms.starts[c]), language),
            "end": _date(float(terms.ends[c]), language),
            "n": int(campaigns.n_creators[c]),
            "posts": _posts(int(campaigns.n_posts[c]), language),
            "platforms": ", ".join(
                _SHOWN[PLATFORM_NAMES[p]] for p in np.flatnonzero(campaigns.platforms[c])
            ),
            "tag": "#" + "".join(x for x in fold(brand).lower() if x.isalnum()),
            **_topics(vocabulary, sub, second, language, rng),
        }
        # Under a heading that says so already, the goal stands by itself.
        aim = slots["ask"].removeprefix("Mục tiêu là ").removeprefix("The goal is ")
        slots["aim"] = aim[:1].upper() + aim[1:]
        text = _pick(texts[language]["templates"], rng).format(**slots)
        titles.append(f"{brand} - {slots['item']}")
        briefs.append("\n".join(line[:1].upper() + line[1:] for line in text.split("\n")))
    return titles, briefs


def _pick(texts: list[str], rng: np.random.Generator) -> str:
    return texts[int(rng.integers(0, len(texts)))]


def _topics(
    vocabulary: Vocabulary, sub: int, second: int, language: str, rng: np.random.Generator
) -> dict[str, str]:
    """Two phrases of the first sub-topic and one of the second; of both languages where mixed."""
    n_words = vocabulary.n_words
    one, other = ("vi", "en") if language == "mul" else (language, language)
    first, next_one = rng.choice(n_words, 2, replace=False).tolist()
    return {
        "a": vocabulary.words[one][n_words * sub + first],
        "b": vocabulary.words[other][n_words * sub + next_one],
        "c": vocabulary.words[one][n_words * second + int(rng.integers(0, n_words))],
    }


def _bare(product: str, language: str) -> str:
    """Product without its English article, as in a heading."""
    if language == "vi":
        return product
    return product.removeprefix("a ").removeprefix("an ")


def _posts(n_posts: int, language: str) -> str:
    if language != "en":
        return str(n_posts)
    return f"{n_posts} post" if n_posts == 1 else f"{n_posts} posts"


def _date(day: float, language: str) -> str:
    """Calendar day as the table holds it, which cuts off hours."""
    date = (START.astype("datetime64[D]") + int(np.floor(day))).item()
    if language == "en":
        return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"
    return f"{date.day}/{date.month}/{date.year}"


def _money(amount: float, is_dong: bool, language: str, rng: np.random.Generator) -> str:
    """Exact amount in one of the forms that people write."""
    if not is_dong:
        thousands = f"{amount / 1e3:,.2f}".rstrip("0").rstrip(".")
        forms = [f"${amount:,.0f}", f"{amount:,.0f} USD", f"USD {amount:,.0f}"]
        return _pick(forms + [f"${thousands}k"] * (amount >= 1e3), rng)
    million = f"{amount / 1e6:.0f}"
    whole, dotted = f"{amount:,.0f}", f"{amount:,.0f}".replace(",", ".")
    if language == "en":
        return _pick([f"{million} million VND", f"VND {whole}", f"{million}M VND"], rng)
    forms = [f"{million} triệu đồng", f"{million} triệu", f"{million}tr", f"{dotted}đ", f"{whole}đ"]
    # 1,029 tỷ would read as a thousand times as much.
    if amount >= 1e9 and amount % 1e8 == 0:
        billion = f"{amount / 1e9:.1f}".removesuffix(".0").replace(".", ",")
        forms += [f"{billion} tỷ", f"{billion} tỷ đồng"]
    return _pick(forms, rng)


def _customers(ages: npt.NDArray[np.bool_], gender: int, texts: dict[str, Any]) -> str:
    chosen = [bucket for bucket, yes in zip(AGE_BUCKETS, ages.tolist(), strict=True) if yes]
    low = chosen[0].split("-")[0].rstrip("+")
    high = chosen[-1].split("-")[-1]
    span = low + "+" if high == "55+" else f"{low}-{high}"
    form: str = texts["who_form"]
    return form.format(who=texts["who"][gender], span=span)


def brand_texts(market: Market) -> list[str]:
    """Descriptions of the brands, in the language of their market.

    Parameters
    ----------
    market : Market
        What was drawn.

    Returns
    -------
    list of str
        One per brand; about its two sub-topics, or any where text carries nothing.
    """
    rng = stream(market.seed, "brand-texts")
    brands, vocabulary = market.brands, market.vocabulary
    texts = read_phrases("briefs", market.knobs.phrases)
    subs = brands.subs
    if not market.knobs.text_informative:
        subs = rng.integers(0, vocabulary.n_sub, subs.shape)
    described = []
    for name, (one, two), vn in zip(
        brands.names, subs.tolist(), brands.in_vietnam.tolist(), strict=True
    ):
        language = "vi" if vn else "en"
        products = vocabulary.products[language]
        text = _pick(texts[language]["brands"], rng).format(
            brand=name,
            first=products[one],
            second=products[two],
            word=vocabulary.words[language][vocabulary.n_words * one],
        )
        described.append(text)
    return described
