from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.config import MarketSettings
from matcher.features.context import FeatureContext, MarketData
from matcher.market.brief import Brief
from matcher.market.market import build_market
from matcher.retrieval.eligibility import Eligible, select_eligible
from matcher.text.encoder import random_encoder

NOW = pd.Timestamp("2025-03-01T00:00:00Z")
INSTANT = int(NOW.as_unit("us")._value)
DAY = 86_400_000_000

Tables = dict[str, pd.DataFrame]


def at(days: float) -> pd.Timestamp:
    return NOW + pd.Timedelta(days=days)


def base_tables() -> Tables:
    """Six accounts of five people; p1 has two. Everyone has three posts before the decision."""
    accounts = pd.DataFrame(
        {
            "account_id": ["a1", "a2", "a3", "a4", "a5", "a6"],
            "influencer_id": ["p1", "p1", "p2", "p3", "p4", "p5"],
            "platform": ["tiktok", "youtube", "tiktok", "tiktok", "tiktok", "tiktok"],
        }
    )
    influencers = pd.DataFrame(
        {
            "influencer_id": ["p1", "p2", "p3", "p4", "p5"],
            "country": ["VN", "VN", "US", None, "VN"],
            "languages": [["vi"], ["vi-VN", "en"], ["en"], None, ["vi"]],
        }
    )
    posts = pd.DataFrame(
        [
            {
                "post_id": f"{account}_{number}",
                "account_id": account,
                "published_at": at(-10 - number),
                "format": "short_video",
                "text": f"{account} talks about topic {number}",
            }
            for account in accounts["account_id"]
            for number in range(3)
        ]
    )
    brands = pd.DataFrame(
        {
            "brand_id": ["b1", "b2", "b3"],
            "name": ["Alpha", "Beta", "Gamma"],
            "category": ["beauty", "beauty", "travel"],
            "competitor_ids": [["b2"], None, None],
        }
    )
    campaigns = pd.DataFrame(
        {
            "campaign_id": ["old_b2", "old_b3"],
            "brand_id": ["b2", "b3"],
            "brief": ["lipstick", "beach"],
            "decided_at": [at(-60), at(-60)],
        }
    )
    collaborations = pd.DataFrame(
        {
            "collaboration_id": ["c0"],
            "campaign_id": ["old_b3"],
            "account_id": ["a6"],
            "status": ["completed"],
            "status_at": [at(-50)],
        }
    )
    return {
        "accounts": accounts,
        "influencers": influencers,
        "posts": posts,
        "brands": brands,
        "campaigns": campaigns,
        "collaborations": collaborations,
    }


def make_brief(**terms: Any) -> Brief:
    return Brief(**{"brief_id": "new", "brand_id": "b1", "brand_category": "beauty", **terms})


def make_data(tables: Tables, **settings: Any) -> MarketData:
    return MarketData(build_market(tables, MarketSettings(**settings)))


def make_context(tables: Tables) -> FeatureContext:
    data = make_data(tables)
    return FeatureContext(data, random_encoder(16, seed=3), data.texts.fit_lexicon(NOW))


def ids(data: MarketData, codes: np.ndarray) -> list[str]:
    return data.index.account_ids[codes].tolist()


def select(tables: Tables, **options: Any) -> tuple[list[str], Eligible]:
    """Eligible account ids; options are those of `select_eligible`, the rest terms of the brief."""
    strict_time = options.pop("strict_time", False)
    instant = options.pop("instant", INSTANT)
    known = {"min_posts": 1, "use_history": True}
    rules = {name: options.pop(name, value) for name, value in known.items()}
    data = make_data(tables, strict_time=strict_time)
    found = select_eligible(data, make_brief(**options), instant, **rules)
    return ids(data, found.accounts), found


def add(tables: Tables, name: str, **row: Any) -> None:
    new = pd.DataFrame([row])
    tables[name] = pd.concat([tables[name], new], ignore_index=True) if name in tables else new


@pytest.fixture
def tables() -> Tables:
    return base_tables()


@pytest.fixture(scope="session")
def m() -> SimpleNamespace:
    """The small market and what is done with it; test modules cannot import a conftest."""
    parts = (at, base_tables, make_brief, make_data, make_context, ids, select, add)
    named = {part.__name__: part for part in parts}
    return SimpleNamespace(NOW=NOW, INSTANT=INSTANT, DAY=DAY, **named)
