from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.features.context import MarketData
from matcher.market.market import build_market
from matcher.recommend.links import post_addresses
from matcher.recommend.recommend import recommend

MADE = pd.Timestamp("2024-12-24T08:00:00Z")
TIKTOK_ID = str(int(MADE.timestamp()) << 32 | 12345)
X_ID = str((int(MADE.timestamp() * 1_000) - 1_288_834_974_657) << 22 | 7)
PROFILE = "https://example.org/me"


def address(post_id, platform, *, handle="an.nguyen", days=0.2, profile=PROFILE, own=None):
    tables = {
        "accounts": pd.DataFrame(
            {"account_id": ["a"], "platform": [platform], "handle": [handle], "url": [profile]}
        ),
        "posts": pd.DataFrame(
            {
                "post_id": [post_id],
                "account_id": ["a"],
                "published_at": [MADE + pd.Timedelta(days=days)],
                "permalink": pd.Series([own], dtype="object"),
            }
        ),
    }
    index = MarketData(build_market(tables)).index
    return tuple(post_addresses(index, np.array([0]))[0])


@pytest.mark.parametrize(
    ("platform", "post_id", "published"),
    [
        # The example of X's API documentation, and a widely reported video of August 2020.
        ("x", "1212092628029698048", "2019-12-31T19:26:16Z"),
        ("tiktok", "6862153058223197445", "2020-08-18T02:00:00Z"),
    ],
)
def test_ids_hold_the_time_of_known_posts(platform, post_id, published):
    days = (pd.Timestamp(published) - MADE) / pd.Timedelta(days=1)
    assert address(post_id, platform, handle="somebody", days=days)[1] == "post"
    assert address(post_id, platform, handle="somebody", days=days + 3)[1] == "account"


@pytest.mark.parametrize(
    ("post_id", "platform", "terms", "url"),
    [
        (TIKTOK_ID, "tiktok", {}, f"https://www.tiktok.com/@an.nguyen/video/{TIKTOK_ID}"),
        (X_ID, "x", {"handle": "an_n"}, f"https://x.com/an_n/status/{X_ID}"),
        ("1", "youtube", {"own": "https://youtu.be/1"}, "https://youtu.be/1"),
        (TIKTOK_ID, "tiktok", {"own": "https://vm.tiktok.com/1"}, "https://vm.tiktok.com/1"),
    ],
)
def test_addresses_that_are_certain(post_id, platform, terms, url):
    assert address(post_id, platform, **terms) == (url, "post")


@pytest.mark.parametrize(
    ("post_id", "platform", "terms"),
    [
        (TIKTOK_ID, "tiktok", {"days": 2}),
        (TIKTOK_ID, "tiktok", {"days": -2}),
        (TIKTOK_ID, "x", {}),
        (TIKTOK_ID, "instagram", {}),
        (TIKTOK_ID, "tiktok", {"handle": "an/../nguyen"}),
        (TIKTOK_ID, "tiktok", {"handle": None}),
        (X_ID, "x", {"handle": "quite-other"}),
        ("p_" + TIKTOK_ID, "tiktok", {}),
        ("12", "tiktok", {}),
        ("dQw4w9WgXcQ", "youtube", {}),
        ("٧" * 19, "tiktok", {}),
    ],
)
def test_what_is_not_certain_leads_to_the_account(post_id, platform, terms):
    assert address(post_id, platform, **terms) == (PROFILE, "account")
    assert address(post_id, platform, **terms, profile=None) == (None, None)


def test_lists_say_what_their_addresses_lead_to(shop):
    tables = shop.make_tables()
    tables["accounts"]["url"] = [
        "https://example.org/" + one for one in tables["accounts"]["account_id"]
    ]
    mine = tables["posts"]["account_id"] == "a00"
    tables["posts"]["url"] = np.where(mine, "https://example.org/post", None)
    data = MarketData(build_market(tables))
    rows = recommend(shop.model, data, [shop.make_brief()], as_of=shop.NOW, top_k=60,
                     one_per_person=False).frame  # fmt: skip
    own = rows["account_id"] == "a00"
    assert rows.loc[own, "evidence_1_url"].tolist() == ["https://example.org/post"]
    assert rows.loc[own, "evidence_1_url_of"].tolist() == ["post"]
    assert (rows.loc[~own, "evidence_2_url"] == rows.loc[~own, "url"]).all()
    assert (rows.loc[~own, "evidence_2_url_of"] == "account").all()
