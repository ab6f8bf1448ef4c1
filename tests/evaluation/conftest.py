from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.config import EvaluationSettings


def scored_frame(n_campaigns=12, n_candidates=30, *, seed=0):
    """Candidates whose hiring and outcome follow a latent fit that `model` sees with noise."""
    rng = np.random.default_rng(seed)
    n = n_campaigns * n_candidates
    campaign = np.repeat(np.arange(n_campaigns), n_candidates)
    fit, level = rng.normal(size=n), rng.normal(size=n)
    hired = fit + rng.normal(scale=0.5, size=n) > 1.0
    expected = np.exp(8 + level)
    outcome = expected * np.exp(0.5 * fit + rng.normal(scale=0.3, size=n))
    return pd.DataFrame(
        {
            "campaign_id": [f"c{number:02d}" for number in campaign],
            "account_id": [
                f"a{number:02d}" for number in np.tile(range(n_candidates), n_campaigns)
            ],
            "brand_id": [f"b{number % 5}" for number in campaign],
            "hired": hired,
            "outcome": np.where(hired, outcome, np.nan),
            "expected": expected,
            "same_category": rng.random(n) < 0.5,
            "warmth": rng.choice(["hot", "warm"], size=n),
            "platform": rng.choice(["tiktok", "youtube"], size=n),
            "tier": rng.choice(["nano", None], size=n),
            "brief_language": np.where(campaign % 3 == 0, "en", "vi"),
            "model": fit,
            "followers": level,
            "draw_0": rng.normal(size=n),
            "draw_1": rng.normal(size=n),
        }
    )


@pytest.fixture(scope="session")
def scored():
    return scored_frame()


@pytest.fixture(scope="session")
def evaluation_settings():
    return EvaluationSettings(n_bootstrap=200, seed=3)


# --- small markets with every table of the contract, whose facts spread over 100 days ---------

START = pd.Timestamp(2024, 1, 1, tz="UTC")
N_DAYS = 100


def small_tables(seed, *, n_accounts=6, n_posts=40, n_campaigns=6):
    """Contract tables, drawn from a seed; some with a column the contract does not name."""
    rng = np.random.default_rng(seed)

    def ids(letter, n):
        return [f"{letter}{number}" for number in range(n)]

    def times(n, *, holes=0.0):
        hours = rng.integers(0, N_DAYS * 24, size=n)
        drawn = pd.Series([START + pd.Timedelta(hours=int(hour)) for hour in hours])
        return drawn.mask(rng.random(n) < holes)

    def counts(n, *, holes=0.2):
        return pd.Series(rng.integers(0, 10_000, size=n).astype(float)).mask(rng.random(n) < holes)

    def pick(values, n):
        return [values[index] for index in rng.integers(len(values), size=n)]

    accounts, brands = ids("a", n_accounts), ids("b", 3)
    posts, campaigns = ids("p", n_posts), ids("c", n_campaigns)
    n_rows = 15
    impressions = counts(n_rows)
    published = times(n_posts)
    read_after = pd.to_timedelta(rng.integers(0, 40, size=n_posts), unit="D")
    observed = (published + read_after).mask(rng.random(n_posts) < 0.5)
    reading_of = rng.integers(n_posts, size=n_rows)
    decided = times(n_campaigns, holes=0.1)
    return {
        "influencers": pd.DataFrame(
            {
                "influencer_id": accounts,
                "bio": pick(["ăn uống", "du lịch", None], n_accounts),
                "languages": pick([("vi",), ("vi", "en"), None], n_accounts),
                "as_of": times(n_accounts, holes=0.5),
                "agency": pick(["x", "y"], n_accounts),
            }
        ),
        "accounts": pd.DataFrame(
            {
                "account_id": accounts,
                "influencer_id": accounts,
                "platform": pick(["tiktok", "youtube"], n_accounts),
                "is_verified": pick([True, False, None], n_accounts),
                "created_at": times(n_accounts, holes=0.5),
                "as_of": times(n_accounts, holes=0.5),
            }
        ),
        "brands": pd.DataFrame(
            {
                "brand_id": brands,
                "name": ["Một", "Hai", "Ba"],
                "category": pick(["food", "beauty"], 3),
                "competitor_ids": pick([("b0",), None], 3),
                "as_of": times(3, holes=0.5),
            }
        ),
        "account_snapshots": pd.DataFrame(
            {
                "account_id": pick(accounts, n_rows),
                "as_of": times(n_rows),
                "n_followers": counts(n_rows),
            }
        ).drop_duplicates(["account_id", "as_of"]),
        "posts": pd.DataFrame(
            {
                "post_id": posts,
                "account_id": pick(accounts, n_posts),
                "published_at": published,
                "text": pick(["bún bò #huế", "son môi đẹp", "trip to Đà Lạt", None], n_posts),
                "is_sponsored": pick([True, False, None], n_posts),
                "sponsor_brand_id": pick([*brands, None], n_posts),
                "observed_at": observed,
                "views": counts(n_posts),
                "likes": counts(n_posts),
                "stratum": pick(["raw", "top"], n_posts),
            }
        ),
        "post_metrics": pd.DataFrame(
            {
                "post_id": [posts[index] for index in reading_of],
                "observed_at": published.take(reading_of).reset_index(drop=True)
                + pd.to_timedelta(rng.integers(0, 20, size=n_rows), unit="D"),
                "views": counts(n_rows),
                "impressions": impressions,
                "reach": (impressions / 2).round(),
            }
        ).drop_duplicates(["post_id", "observed_at"]),
        "campaigns": pd.DataFrame(
            {
                "campaign_id": campaigns,
                "brand_id": pick(brands, n_campaigns),
                "brief": pick(["Tìm creator ăn uống", "Skincare launch"], n_campaigns),
                "platforms": pick([("tiktok",), None], n_campaigns),
                "budget": counts(n_campaigns),
                "currency": "VND",
                "decided_at": decided,
                "starts_on": (decided + pd.Timedelta(days=3)).dt.tz_localize(None).dt.normalize(),
                "ends_on": (decided + pd.Timedelta(days=9)).dt.tz_localize(None).dt.normalize(),
                "n_found": rng.integers(1, 9, size=n_campaigns),
            }
        ),
        "campaign_posts": pd.DataFrame(
            {"campaign_id": pick(campaigns, n_rows), "post_id": pick(posts, n_rows)}
        ).drop_duplicates(),
        "audiences": pd.DataFrame(
            {
                "account_id": np.repeat(accounts, 2),
                "as_of": times(n_accounts).repeat(2).reset_index(drop=True),
                "dimension": "gender",
                "bucket": ["female", "male"] * n_accounts,
                "share": [0.6, 0.4] * n_accounts,
            }
        ),
        "rates": pd.DataFrame(
            {
                "account_id": pick(accounts, n_rows),
                "as_of": times(n_rows),
                "format": pick(["short_video", None], n_rows),
                "price": counts(n_rows, holes=0),
                "currency": "VND",
            }
        ).drop_duplicates(["account_id", "as_of", "format"]),
        "collaborations": pd.DataFrame(
            {
                "collaboration_id": ids("k", n_rows),
                "campaign_id": pick(campaigns, n_rows),
                "account_id": pick(accounts, n_rows),
                "status": pick(["completed", "accepted", "declined"], n_rows),
                "status_at": times(n_rows, holes=0.1),
                "fee": counts(n_rows),
                "currency": "VND",
                "outcome_at": times(n_rows, holes=0.2),
                "views": counts(n_rows),
                "engagements": counts(n_rows),
                "revenue": counts(n_rows),
                "n_posts_flagged_ad": rng.integers(0, 4, size=n_rows),
            }
        ),
        "decisions": pd.DataFrame(
            {
                "campaign_id": pick(campaigns, n_rows),
                "account_id": pick(accounts, n_rows),
                "policy_id": "agency",
                "logged_at": times(n_rows),
                "score": rng.normal(size=n_rows),
                "inclusion_probability": rng.random(n_rows),
                "chosen": rng.random(n_rows) < 0.5,
            }
        ).drop_duplicates(["campaign_id", "account_id"]),
        "exclusivities": pd.DataFrame(
            {
                "influencer_id": ["a0"],
                "brand_id": ["b0"],
                "category": [None],
                "from_on": [pd.Timestamp(2024, 2, 1)],
                "to_on": [pd.NaT],
            }
        ),
        "exchange_rates": pd.DataFrame(
            {
                "from": ["USD"] * 10 + ["VND"] * 10,
                "to": ["VND"] * 10 + ["USD"] * 10,
                "on": [*pd.date_range("2023-01-01", periods=10, freq="60D")] * 2,
                "rate": [*(25_000.0 + np.arange(10)), *(1 / (25_000.0 + np.arange(10)))],
            }
        ),
    }


@pytest.fixture(scope="session", name="small_tables")
def small_tables_fixture():
    return small_tables
