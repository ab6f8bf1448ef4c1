from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.config import MarketSettings
from matcher.features.context import FeatureContext, MarketData, PairView
from matcher.features.pair_features import FeatureMatrix, build_features
from matcher.features.pairs import Pairs, build_pairs
from matcher.features.priors import LevelPrior, fit_level_prior
from matcher.market.brief import Brief
from matcher.market.market import build_market
from matcher.text.encoder import random_encoder

NOW = pd.Timestamp("2025-03-01T00:00:00Z")
ENCODER = random_encoder(32, seed=5)
CAPTIONS = (
    "son môi dưỡng da review #makeup",
    "phở bún trà sữa ngon quá #foodie",
    "Alphabrand son mới lên kệ",
    "beach flight hotel #travel",
    "chúc cả nhà ngày mới",
    "lipstick serum skin routine #skincare",
    "",
)

Tables = dict[str, pd.DataFrame]


def at(days: float) -> pd.Timestamp:
    return NOW + pd.Timedelta(days=days)


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def base_tables(seed: int = 1) -> Tables:
    """Ten accounts of nine people, four brands, five campaigns, and every table of features."""
    rng = np.random.default_rng(seed)
    ids = [f"a{n}" for n in range(10)]
    owners = [f"p{max(n - 1, 0)}" for n in range(10)]
    posts, metrics, snapshots, audiences, rates = [], [], [], [], []
    for place, account in enumerate(ids):
        for number in range(2 + int(rng.integers(0, 9))):
            post_id = f"{account}_{number:02d}"
            published = at(float(rng.uniform(-420, 20)))
            row: dict[str, Any] = {
                "post_id": post_id,
                "account_id": account,
                "published_at": published,
                "format": "short_video",
                "language": ("vi", "en", None)[int(rng.integers(0, 3))],
                "text": CAPTIONS[int(rng.integers(0, len(CAPTIONS)))],
                "is_sponsored": bool(rng.random() < 0.3),
                "sponsor_brand_id": f"b{rng.integers(0, 4)}" if rng.random() < 0.3 else None,
            }
            if number % 3 == 0:  # the short form, at an unknown time
                row |= {"likes": float(rng.integers(1, 900)), "comments": 3.0, "views": 1e4}
            for _ in range(int(rng.integers(0, 4))):
                reading = {
                    "likes": float(rng.integers(1, 900)),
                    "comments": float(rng.integers(0, 4)),
                    "shares": float(rng.integers(0, 20)),
                    "views": float(rng.integers(900, 9_000)),
                    "reach": float(rng.integers(100, 900)),
                }
                read = published + pd.Timedelta(days=float(rng.uniform(0, 90)))
                metrics.append({"post_id": post_id, "observed_at": read, **reading})
            posts.append(row)
        for number in range(int(rng.integers(0, 5))):
            size = float(rng.integers(500, 900_000))
            row = {"account_id": account, "as_of": at(-300 + 70 * number), "n_followers": size}
            snapshots.append({**row, "n_following": 90.0})
        for day in (-200, -20, 4):
            if place % 3:
                known = {"account_id": account, "as_of": at(day)}
                share = float(rng.uniform(0.1, 0.5))
                audiences += [
                    {**known, "dimension": "age", "bucket": "18-24", "share": share},
                    {**known, "dimension": "age", "bucket": "25-34", "share": 0.4},
                    {**known, "dimension": "country", "bucket": "VN", "share": 2 * share},
                ]
                money = {"price": float(rng.integers(1, 9)) * 1e6, "currency": "VND"}
                if place % 2:
                    money = {"price": float(rng.integers(40, 400)), "currency": "USD"}
                kind = None if place == 4 else "short_video"
                rates.append({**known, "format": kind, "n_posts": 2, **money})
    brands = frame(
        {"brand_id": "b0", "name": "Alphabrand", "category": "beauty", "competitor_ids": ["b1"]},
        {"brand_id": "b1", "name": "Betafoods", "category": "food", "competitor_ids": None},
        {"brand_id": "b2", "name": "Gammaair", "category": "travel", "competitor_ids": None},
        {"brand_id": "b3", "name": "Deltaskin", "category": "beauty", "competitor_ids": ["b0"]},
    ).assign(
        description=["son môi", "phở bún", "flight hotel", "serum skin"],
        owner_group=["g1", "g1", None, None],
        as_of=[pd.NaT, at(-30), at(10), pd.NaT],
    )
    terms = {
        "brief_language": "vi",
        "platforms": ["tiktok"],
        "audience_age": ["18-24", "25-34"],
        "countries": ["VN"],
        "budget": 1e8,
        "currency": "VND",
        "n_creators": 3,
    }
    campaigns = pd.DataFrame(
        [
            {
                "campaign_id": f"c{number}",
                "brand_id": f"b{number % 4}",
                "title": f"Chiến dịch {number}",
                "brief": CAPTIONS[number],
                "objective": "engagement",
                "decided_at": at(-200 + 40 * number),
                **terms,
            }
            for number in range(6)
        ]
    )
    hires = [
        {
            "collaboration_id": f"c{number}_{place}",
            "campaign_id": f"c{number}",
            "account_id": f"a{(2 * number + place) % 10}",
            "status": "completed" if place else "accepted",
            "status_at": at(-198 + 40 * number + 20 * (place % 2)),
            "outcome_at": at(-180 + 40 * number + 20 * place),
            "engagements": float(rng.integers(10, 900)),
        }
        for number in range(6)
        for place in range(4)
    ]
    decided = campaigns.set_index("campaign_id")["decided_at"]
    made = [
        (name, row["post_id"])
        for number, row in enumerate(posts)
        if row["published_at"] >= decided[name := f"c{number % 6}"]
    ]
    return {
        "influencers": frame(
            *(
                {
                    "influencer_id": f"p{n}",
                    "bio": None if n == 2 else f"{CAPTIONS[n % 6]} {n}",
                    "categories": ["beauty"] if n % 2 else None,
                    "as_of": at(-90) if n in (3, 5) else (at(7) if n == 7 else pd.NaT),
                }
                for n in range(9)
            )
        ),
        "accounts": frame(
            *(
                {
                    "account_id": a,
                    "influencer_id": p,
                    "platform": "youtube" if a == "a1" else "tiktok",
                }
                for a, p in zip(ids, owners, strict=True)
            )
        ),
        "posts": pd.DataFrame(posts),
        "post_metrics": pd.DataFrame(metrics),
        "account_snapshots": pd.DataFrame(snapshots),
        "audiences": pd.DataFrame(audiences),
        "rates": pd.DataFrame(rates),
        "exchange_rates": frame(
            {"from": "USD", "to": "VND", "on": pd.Timestamp("2024-01-01"), "rate": 25_000.0},
            {"from": "USD", "to": "VND", "on": pd.Timestamp("2025-01-15"), "rate": 26_000.0},
        ),
        "brands": brands,
        "campaigns": campaigns,
        "collaborations": pd.DataFrame(hires),
        "campaign_posts": pd.DataFrame(made, columns=["campaign_id", "post_id"]),
    }


def make_data(tables: Tables, **settings: Any) -> MarketData:
    return MarketData(build_market(tables, MarketSettings(**settings)))


def make_pairs(data: MarketData, briefs: list[Brief], instant: pd.Timestamp = NOW) -> Pairs:
    """All accounts for each brief, at its own decision or else at one instant."""
    accounts = data.index.account_ids.to_numpy(object)
    moments = {b.brief_id: b.decision_instant for b in briefs}
    return build_pairs(
        briefs,
        {b.brief_id: accounts for b in briefs},
        instants={name: instant if moment is None else moment for name, moment in moments.items()},
    )


def make_prior(context: FeatureContext, instant: pd.Timestamp = NOW) -> LevelPrior:
    everyone = Brief(brief_id="everyone", brief="")
    return fit_level_prior(
        PairView(context, make_pairs(context.data, [everyone], instant)), instant
    )


def make_context(data: MarketData, *, n_threads: int = 1) -> FeatureContext:
    lexicon = data.texts.fit_lexicon(NOW)
    return FeatureContext(data, ENCODER, lexicon, n_threads=n_threads)


def compute(
    tables: Tables, *briefs: Brief, instant: pd.Timestamp = NOW, **settings: Any
) -> pd.DataFrame:
    """Features of all accounts by account, for one brief or by brief and account for several."""
    data = make_data(tables, **settings)
    context = make_context(data)
    pairs = make_pairs(data, list(briefs), instant)
    found = build_features(context, make_prior(context), pairs).to_frame()
    keys = ["account_id"] if len(briefs) == 1 else ["campaign_id", "account_id"]
    return found.set_index(keys)


def changed_columns(one: FeatureMatrix, other: FeatureMatrix) -> list[str]:
    """Features that differ in at least one bit of at least one pair."""
    assert one.names == other.names
    same = (one.values == other.values) | (np.isnan(one.values) & np.isnan(other.values))
    return [name for name, column in zip(one.names, same.T, strict=True) if not column.all()]


def make_brief(name: str = "new", **terms: Any) -> Brief:
    known: dict[str, Any] = {"brand_id": "b0", "title": "Son", "brief": "son môi dưỡng da"}
    return Brief(**{"brief_id": name, "brief_language": "vi", **known, **terms})


@pytest.fixture
def tables() -> Tables:
    return base_tables()


@pytest.fixture(scope="session")
def m() -> SimpleNamespace:
    """The small market and what is done with it; test modules cannot import a conftest."""
    parts = (
        at, base_tables, changed_columns, compute, frame, make_brief, make_context, make_data,
        make_pairs, make_prior,
    )  # fmt: skip
    named = {part.__name__: part for part in parts}
    return SimpleNamespace(NOW=NOW, ENCODER=ENCODER, **named)


@pytest.fixture(scope="session")
def whole(m: SimpleNamespace) -> SimpleNamespace:
    """The market with features of all its campaigns and of a brief by an unknown brand."""
    data = m.make_data(base_tables())
    assert data.market.quarantine[data.market.quarantine["level"] != "warning"].empty
    context = m.make_context(data)
    ids = data.market.tables["campaigns"]["campaign_id"]
    briefs = [Brief.from_campaign(data.market, name) for name in ids]
    stranger = m.make_brief(
        "stranger", brand_id="zz", brand_name="Skincare", brand_category="food", brief="phở"
    )
    pairs = m.make_pairs(data, [*briefs, stranger])
    prior = m.make_prior(context)
    return SimpleNamespace(
        data=data,
        context=context,
        pairs=pairs,
        prior=prior,
        matrix=build_features(context, prior, pairs),
    )
