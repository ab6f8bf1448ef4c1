from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Tables = dict[str, pd.DataFrame]


def small_tables() -> Tables:
    """Three accounts, five posts, two brands, two campaigns: what every test starts from."""
    utc = pd.to_datetime
    return {
        "influencers": pd.DataFrame(
            {
                "influencer_id": ["i1", "i2", "i3"],
                "display_name": ["Một", "Hai", "Ba"],
                "languages": [("vi",), ("vi", "en"), None],
                "country": ["VN", "VN", None],
                "categories": [("food",), None, ("beauty", "travel")],
                "kind": ["koc", "creator", None],
            }
        ),
        "accounts": pd.DataFrame(
            {
                "account_id": ["a1", "a2", "a3"],
                "influencer_id": ["i1", "i2", "i3"],
                "platform": ["tiktok", "tiktok", "youtube"],
                "handle": ["@mot", "@hai", "@ba"],
            }
        ),
        "account_snapshots": pd.DataFrame(
            {
                "account_id": ["a1", "a1", "a2"],
                "as_of": utc(["2024-01-01", "2024-06-01", "2024-06-01"], utc=True),
                "n_followers": [1_000.0, 2_000.0, 50_000.0],
            }
        ),
        "posts": pd.DataFrame(
            {
                "post_id": ["p1", "p2", "p3", "p4", "p5"],
                "account_id": ["a1", "a1", "a2", "a2", "a3"],
                "published_at": utc(
                    ["2024-01-05", "2024-02-01", "2024-02-10", "2024-05-01", "2024-05-20"],
                    utc=True,
                ),
                "text": ["phở ngon", "trà sữa", "review son", None, "du lịch"],
                "format": ["short_video", "image", "short_video", "video", "video"],
                "views": [1_000.0, 500.0, 9_000.0, None, 10.0],
                "likes": [10.0, 5.0, 90.0, None, 1.0],
                "observed_at": utc([None, "2024-02-20", None, None, None], utc=True),
                "is_sponsored": [True, False, None, None, False],
                "sponsor_brand_id": ["b1", None, None, None, None],
            }
        ),
        "brands": pd.DataFrame(
            {
                "brand_id": ["b1", "b2"],
                "name": ["Trà Một", "Son Hai"],
                "category": ["beverage", "beauty"],
                "competitor_ids": [("b2",), None],
                "owner_group": ["g1", None],
            }
        ),
        "campaigns": pd.DataFrame(
            {
                "campaign_id": ["c1", "c2"],
                "brand_id": ["b1", "b2"],
                "title": ["Trà mới", "Son mới"],
                "brief": ["Giới thiệu trà", None],
                "objective": ["awareness", "sales"],
                "platforms": [("tiktok",), None],
                "decided_at": utc(["2024-03-01", None], utc=True),
                "starts_on": pd.to_datetime(["2024-03-08", "2024-07-01"]),
                "budget": [1e6, None],
                "currency": ["VND", None],
            }
        ),
        "campaign_posts": pd.DataFrame({"campaign_id": ["c1"], "post_id": ["p4"]}),
        "collaborations": pd.DataFrame(
            {
                "collaboration_id": ["k1", "k2"],
                "campaign_id": ["c1", "c1"],
                "account_id": ["a2", "a1"],
                "status": ["completed", "declined"],
                "status_at": utc(["2024-05-01", "2024-03-02"], utc=True),
                "outcome_at": utc(["2024-06-01", None], utc=True),
                "engagements": [120.0, None],
                "fee": [5e5, None],
                "currency": ["VND", None],
                "n_posts_flagged_ad": [1, 0],
            }
        ),
    }


@pytest.fixture
def tables() -> Tables:
    return small_tables()


@pytest.fixture(scope="session")
def make_tables() -> Callable[[], Tables]:
    """Fresh copies, for property tests that need one per example."""
    return small_tables


@pytest.fixture
def write_market(tmp_path: Path) -> Callable[..., Path]:
    """Write tables as Parquet, each other file as raw bytes or text; returns the folder."""

    def write(tables: Tables, **files: Any) -> Path:
        folder = tmp_path / "market"
        folder.mkdir()
        for name, frame in tables.items():
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        for name, content in files.items():
            path = folder / name.replace("__", ".")
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content, encoding="utf-8")
        return folder

    return write
