from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.config import EncoderSettings, RankerSettings, RetrievalSettings, Settings
from matcher.features.context import MarketData
from matcher.features.pairs import Pairs, build_pairs
from matcher.market.brief import Brief
from matcher.market.market import build_market
from matcher.ranking.fit import fit_model

NOW = pd.Timestamp("2025-03-01T00:00:00Z")
TOPICS = ("son môi dưỡng da makeup", "biển núi vé máy bay", "phở bún trà sữa")
SETTINGS = Settings(
    encoder=EncoderSettings(dim=32, epochs=1),
    ranker=RankerSettings(
        n_trees=12, n_draws=2, min_rows_in_leaf=3, unlabelled_per_campaign=15, feature_share=0.5
    ),
    retrieval=RetrievalSettings(min_posts=1),
)

Tables = dict[str, pd.DataFrame]


def at(days: float) -> pd.Timestamp:
    return NOW + pd.Timedelta(days=days)


def make_tables(*, n_campaigns: int = 12, n_accounts: int = 36, seed: int = 3) -> Tables:
    """Accounts that post on one of three topics, and brands that hire on theirs."""
    rng = np.random.default_rng(seed)
    accounts = pd.DataFrame({"account_id": [f"a{n:02d}" for n in range(n_accounts)]})
    accounts["influencer_id"] = accounts["account_id"].str.replace("a", "p")
    accounts["platform"] = "tiktok"
    posts = [
        {
            "post_id": f"{account}_{number}",
            "account_id": account,
            "published_at": at(float(rng.uniform(-500, -100))),
            "text": " ".join(rng.permutation(TOPICS[place % 3].split())[:4]),
            "language": "vi",
            "likes": float(rng.integers(1, 2_000)),
            "comments": float(rng.integers(0, 50)),
            "views": float(rng.integers(2_000, 9_000)),
        }
        for place, account in enumerate(accounts["account_id"])
        for number in range(3 + place % 5)
    ]
    brands = pd.DataFrame({"brand_id": ["b0", "b1", "b2"], "name": ["Alpha", "Beta", "Gamma"]})
    brands["category"] = ["beauty", "travel", "food"]
    campaigns, hires = [], []
    for number in range(n_campaigns):
        name, decided = f"c{number:02d}", -90 + 5 * number
        campaigns.append(
            {
                "campaign_id": name,
                "brand_id": f"b{number % 3}",
                "brief": TOPICS[number % 3],
                "brief_language": "vi",
                "objective": "engagement",
                "decided_at": at(decided),
            }
        )
        fitting = accounts["account_id"].iloc[number % 3 :: 3]
        hires += [
            {
                "collaboration_id": f"{name}_{place}",
                "campaign_id": name,
                "account_id": account,
                "status": "completed",
                "status_at": at(decided + 1),
                "outcome_at": at(decided + 4),
                "engagements": float(rng.integers(10, 9_000)),
            }
            for place, account in enumerate(rng.permutation(fitting)[:4])
        ]
    return {
        "accounts": accounts,
        "posts": pd.DataFrame(posts),
        "brands": brands,
        "campaigns": pd.DataFrame(campaigns),
        "collaborations": pd.DataFrame(hires),
    }


def make_data(tables: Tables) -> MarketData:
    return MarketData(build_market(tables))


def all_pairs(data: MarketData, *names: str, instant: pd.Timestamp = NOW) -> Pairs:
    """All accounts for briefs on the first topic, decided at one instant."""
    names = names or ("new",)
    accounts = data.index.account_ids.to_numpy(object)
    briefs = [Brief(brief_id=n, brand_id="b0", brief=TOPICS[0]) for n in names]
    return build_pairs(
        briefs, dict.fromkeys(names, accounts), instants=dict.fromkeys(names, instant)
    )


def with_settings(**changes: Any) -> Settings:
    return SETTINGS.model_copy(update={"ranker": SETTINGS.ranker.model_copy(update=changes)})


@pytest.fixture
def tables() -> Tables:
    return make_tables()


@pytest.fixture(scope="session")
def m() -> SimpleNamespace:
    """The small market and what is done with it; test modules cannot import a conftest."""
    parts = (at, make_tables, make_data, all_pairs, with_settings)
    named = {part.__name__: part for part in parts}
    return SimpleNamespace(NOW=NOW, SETTINGS=SETTINGS, **named)


@pytest.fixture(scope="session")
def fitted(m: SimpleNamespace) -> SimpleNamespace:
    data = make_data(make_tables())
    model, rows, context = fit_model(data, NOW, SETTINGS)
    matrix = model.features(context, all_pairs(data, "one", "two"))
    return SimpleNamespace(data=data, model=model, rows=rows, context=context, matrix=matrix)
