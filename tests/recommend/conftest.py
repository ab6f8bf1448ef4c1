from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.config import EncoderSettings, RankerSettings, Settings
from matcher.features.context import MarketData
from matcher.market.brief import Brief
from matcher.market.market import build_market
from matcher.ranking.fit import fit_model

NOW = pd.Timestamp("2025-03-01T00:00:00Z")
TOPICS = {
    "beauty": ("son môi dưỡng da", "lipstick serum skin"),
    "travel": ("biển núi vé máy bay", "beach flight hotel"),
    "food": ("phở bún trà sữa", "noodles recipe cooking"),
}


def at(days: float) -> pd.Timestamp:
    return NOW + pd.Timedelta(days=days)


def make_tables(*, seed: int = 7) -> dict[str, pd.DataFrame]:
    """48 people, the first six with a second account, who post on one topic each; six brands."""
    rng = np.random.default_rng(seed)
    topics = list(TOPICS)
    people = pd.DataFrame({"influencer_id": [f"p{n:02d}" for n in range(48)]})
    people["topic"] = [topics[n % 3] for n in range(48)]
    people["display_name"] = [f"Người {n} <b>&" for n in range(48)]
    second = people.head(6)
    owners = pd.concat([people, second], ignore_index=True)
    accounts = pd.DataFrame(
        {
            "account_id": [f"a{n:02d}" for n in range(48)] + [f"b{n:02d}" for n in range(6)],
            "influencer_id": owners["influencer_id"],
            "platform": ["tiktok"] * 48 + ["youtube"] * 6,
            "handle": [f"=cmd{n}" if n % 2 else f"+{n} Đà Nẵng" for n in range(54)],
            "topic": owners["topic"],
        }
    )
    posts = []
    for account, topic in zip(accounts["account_id"], accounts["topic"], strict=True):
        for number in range(int(rng.integers(6, 14))):
            words = " ".join(rng.permutation(" ".join(TOPICS[topic]).split())[:5])
            posts.append(
                {
                    "post_id": f"{account}_{number:02d}",
                    "account_id": account,
                    "published_at": at(float(rng.uniform(-500, -1))),
                    "format": "short_video",
                    "language": "vi",
                    "text": f"{words} {number}",
                    "likes": float(rng.integers(10, 5_000)),
                    "comments": float(rng.integers(0, 100)),
                    "shares": float(rng.integers(0, 50)),
                    "views": float(rng.integers(10_000, 90_000)),
                }
            )
    brands = pd.DataFrame({"brand_id": [f"br{n}" for n in range(6)]})
    brands["name"] = [f"Brandname{n}" for n in range(6)]
    brands["category"] = [topics[n % 3] for n in range(6)]
    brands["competitor_ids"] = [[f"br{(n + 3) % 6}"] for n in range(6)]
    campaigns, collaborations = [], []
    for number in range(12):
        brand = number % 6
        topic = topics[brand % 3]
        name = f"old{number:02d}"
        decided = -260 + 15 * number
        campaigns.append(
            {
                "campaign_id": name,
                "brand_id": f"br{brand}",
                "title": f"Chiến dịch {number}",
                "brief": " ".join(TOPICS[topic]),
                "brief_language": "vi",
                "objective": "engagement",
                "decided_at": at(decided),
            }
        )
        fitting = accounts.loc[accounts["topic"] == topic, "account_id"].head(16)
        for place, account in enumerate(rng.permutation(fitting)[:5]):
            collaborations.append(
                {
                    "collaboration_id": f"{name}_{place}",
                    "campaign_id": name,
                    "account_id": account,
                    "status": "completed",
                    "status_at": at(decided + 2),
                    "outcome_at": at(decided + 20),
                    "engagements": float(rng.integers(100, 9_000)),
                }
            )
    for name, day in (("open1", 5.0), ("open2", None)):
        campaigns.append(
            {
                "campaign_id": name,
                "brand_id": "br0",
                "title": "Son mới",
                "brief": "son môi dưỡng da",
                "brief_language": "vi",
                "decided_at": pd.NaT if day is None else at(day),
            }
        )
    return {
        "influencers": people.drop(columns="topic"),
        "accounts": accounts.drop(columns="topic"),
        "posts": pd.DataFrame(posts),
        "brands": brands,
        "campaigns": pd.DataFrame(campaigns),
        "collaborations": pd.DataFrame(collaborations),
    }


def make_brief(name: str = "new", **terms: Any) -> Brief:
    known = {"brief_id": name, "brand_id": "br0", "brief": "son môi dưỡng da", "title": "Son"}
    return Brief(**{**known, "brief_language": "vi", **terms})


@pytest.fixture(scope="session")
def shop() -> SimpleNamespace:
    """A small market with a model that was fitted on it; modules cannot import a conftest."""
    settings = Settings(
        encoder=EncoderSettings(name="random", dim=32),
        ranker=RankerSettings(
            n_trees=12, n_draws=2, min_rows_in_leaf=3, unlabelled_per_campaign=20, n_threads=1
        ),
    )
    data = MarketData(build_market(make_tables()))
    model, _, context = fit_model(data, NOW, settings)
    return SimpleNamespace(
        model=model,
        data=data,
        context=context,
        settings=settings,
        NOW=NOW,
        at=at,
        make_tables=make_tables,
        make_brief=make_brief,
    )
