"""Groups of accounts, from what was known before an instant and from nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.config import MarketSettings
from matcher.errors import UsageError
from matcher.features.account_groups import account_groups
from matcher.features.data import MarketData
from matcher.market.instants import instant_microseconds
from matcher.market.market import build_market

NOW = pd.Timestamp("2025-03-01T00:00:00Z")


def at(days: float) -> pd.Timestamp:
    return NOW + pd.Timedelta(days=days)


def market_of(posts=(), *, people=None, snapshots=(), settings=None, links=()):
    accounts = pd.DataFrame(
        {
            "account_id": ["a", "b", "c"],
            "influencer_id": ["p", "p", "q"],
            "platform": ["tiktok", "youtube", "tiktok"],
        }
    )
    tables = {"accounts": accounts}
    tables["posts"] = pd.DataFrame(
        [
            {
                "post_id": f"x{number}",
                "account_id": account,
                "published_at": at(day),
                "language": language,
                "text": "x",
            }
            for number, (account, day, language) in enumerate(posts or [("a", -900, None)])
        ]
    )
    if people is not None:
        tables["influencers"] = pd.DataFrame(people)
    if snapshots:
        rows = [
            {"account_id": account, "as_of": at(day), "n_followers": float(n)}
            for account, day, n in snapshots
        ]
        tables["account_snapshots"] = pd.DataFrame(rows)
    if links:
        tables["brands"] = pd.DataFrame({"brand_id": ["br"]})
        tables["campaigns"] = pd.DataFrame(
            {"campaign_id": ["mine"], "brand_id": ["br"], "brief": ["x"], "decided_at": [NOW]}
        )
        tables["campaign_posts"] = pd.DataFrame(
            {"campaign_id": ["mine"] * len(links), "post_id": list(links)}
        )
    return MarketData(build_market(tables, settings))


def groups(data, by, *, instant=NOW, **options):
    codes = np.arange(3)
    return account_groups(data.index, by, codes, instant_microseconds(instant), **options).tolist()


def test_platforms_are_those_of_the_accounts():
    data = market_of()
    assert groups(data, "platform") == ["tiktok", "youtube", "tiktok"]
    turned = account_groups(data.index, "platform", np.array([1, 0]), instant_microseconds(NOW))
    assert turned.tolist() == ["youtube", "tiktok"]


def test_tiers_are_those_of_the_newest_followers_known_before():
    data = market_of(snapshots=[("a", -10, 500), ("a", -5, 50_000), ("a", 0, 2e6), ("b", 1, 10)])
    assert groups(data, "tier") == ["micro", "unknown", "unknown"]
    assert groups(data, "tier", instant=at(-7)) == ["nano", "unknown", "unknown"]


def test_gender_is_only_what_was_declared_before():
    people = {
        "influencer_id": ["p", "q"],
        # Neither a name nor a description makes anybody of one gender.
        "display_name": ["Nguyễn Thị Hoa", "Mr John"],
        "bio": ["mẹ bỉm sữa", "father of two"],
        "gender": ["female", None],
        "as_of": [at(-3), at(-3)],
    }
    data = market_of(people=people)
    assert groups(data, "gender") == ["female", "female", "unknown"]
    assert groups(data, "gender", instant=at(-3)) == ["unknown"] * 3
    undated = {**people, "as_of": [pd.NaT, pd.NaT]}
    assert groups(market_of(people=undated), "gender") == ["female", "female", "unknown"]
    strict = MarketSettings(strict_time=True)
    assert groups(market_of(people=undated, settings=strict), "gender") == ["unknown"] * 3


def test_the_language_of_an_account_is_that_of_most_of_its_earlier_posts():
    posts = [
        ("a", -9, "vi"),
        ("a", -8, "en-US"),
        ("a", -7, "en-GB"),
        ("a", -6, None),
        ("a", -6, None),
        ("a", -6, None),
        ("a", 0, "vi"),
        ("a", 1, "vi"),
        ("b", -4, "vi"),
        ("b", -3, "en"),
        ("c", -2, "und"),
    ]
    data = market_of(posts)
    # Ties go by name; a post without a language, or an undetermined one, does not count.
    assert groups(data, "language") == ["en", "en", "unknown"]
    assert groups(data, "language", instant=at(-3)) == ["en", "vi", "unknown"]
    assert groups(data, "language", instant=at(2)) == ["vi", "en", "unknown"]
    assert groups(market_of(), "language") == ["unknown"] * 3


def test_posts_of_the_campaign_itself_do_not_count():
    posts = [("a", -9, "vi"), ("a", -8, "en"), ("a", -7, "en")]
    data = market_of(posts, links=("x1", "x2"))
    assert groups(data, "language")[0] == "en"
    assert groups(data, "language", campaign_id="mine")[0] == "vi"


def test_an_unknown_grouping_is_refused():
    data = market_of()
    with pytest.raises(UsageError, match="expected one of tier, platform, gender, language"):
        groups(data, "age")
