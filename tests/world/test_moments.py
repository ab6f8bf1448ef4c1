"""Measures on tables whose moments are known by construction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.errors import SupportError
from matcher.world.moments import Export
from matcher.world.moments import engagement as e
from matcher.world.moments import funnel as f
from matcher.world.moments import people as p
from matcher.world.moments import prices as c
from matcher.world.moments import reach as r
from matcher.world.moments import spread as s
from matcher.world.moments.assumed import sponsored_ratio, sponsored_share, vietnamese_share
from matcher.world.moments.audience import age_use, audience_share, overlap, platform_users
from matcher.world.moments.panel import Panel, sample_pairs

START = pd.Timestamp("2024-01-01", tz="UTC")
SIZES = np.geomspace(2_000, 2_000_000, 12)
PUBLIC = ("likes", "comments")


def make_posts(account: int, posts: Sequence[Mapping[str, Any]], form: str = "image", **more: Any):
    """Posts of an account, one a day, each read once, ten days after publication."""
    frame = pd.DataFrame(list(posts))
    published = START + pd.to_timedelta(range(len(frame)), unit="D")
    columns = {
        "post_id": [f"p{account}_{form}_{k}" for k in range(len(frame))],
        "account_id": f"a{account}",
        "published_at": published,
        "observed_at": published + pd.Timedelta(days=10),
        "format": form,
        "is_sponsored": False,
        **more,
    }
    return frame.assign(**columns)


def make_export(
    followers: Sequence[float],
    posts: Sequence[pd.DataFrame] = (),
    *,
    platform: Any = "instagram",
    country: Any = "VN",
    category: Any = "food",
    truth: pd.DataFrame | None = None,
    panel: Panel | None = None,
    **tables: pd.DataFrame,
) -> Export:
    """Market of accounts a0, a1, ... of persons i0, i1, ... with one snapshot each."""
    n = len(followers)
    rows = pd.DataFrame({"influencer_id": [f"i{k}" for k in range(n)], "kind": "creator"})
    rows = rows.assign(country=country, categories=category)
    people = rows.assign(categories=[[one] for one in rows["categories"]])
    accounts = pd.DataFrame({"account_id": [f"a{k}" for k in range(n)]})
    accounts = accounts.assign(influencer_id=rows["influencer_id"], platform=platform)
    snapshots = accounts[["account_id"]].assign(as_of=START, n_followers=list(followers))
    made = {"posts": pd.concat(list(posts), ignore_index=True)} if len(posts) else {}
    registers = {"influencers": people, "accounts": accounts, "account_snapshots": snapshots}
    return Export({**registers, **made, **tables}, {"accounts": truth} if truth is not None else {},
                  panel)  # fmt: skip


def equal_posts(rates: Sequence[float], n: int = 3, **counters: Any) -> list[pd.DataFrame]:
    """`n` equal posts of each account, whose likes are that rate per 10,000."""
    return [
        make_posts(k, [{"likes": 1e4 * rate, "comments": 0.0, **counters}] * n)
        for k, rate in enumerate(rates)
    ]


def prices_of(values: Sequence[float], form: str = "image", currency: str = "USD", **more: Any):
    accounts = [f"a{k}" for k in range(len(values))]
    table = pd.DataFrame({"account_id": accounts, "price": list(values)})
    return table.assign(as_of=START, format=form, currency=currency, n_posts=1, **more)


FX = pd.DataFrame({"from": ["USD"], "to": ["VND"], "on": [START.date()], "rate": [25_000.0]})


# --- what is counted -------------------------------------------------------------------------


def test_the_newest_final_reading_of_an_organic_post_counts() -> None:
    posts = make_posts(0, [{"likes": 7.0, "comments": 1.0}] * 4)
    posts.loc[1, "is_sponsored"] = True
    posts.loc[3, "observed_at"] = posts.loc[3, "published_at"] + pd.Timedelta(days=2)
    readings = pd.DataFrame({"post_id": "p0_image_0", "likes": [5.0, 9.0, 99.0]})
    days = pd.to_timedelta([8, 12, 1], unit="D")
    readings = readings.assign(observed_at=posts.loc[0, "published_at"] + days)
    made = pd.DataFrame({"campaign_id": ["c"], "post_id": ["p0_image_2"]})
    export = make_export([1_000], [posts], post_metrics=readings, campaign_posts=made)
    counted = export.posts.set_index("post_id")
    assert set(counted.index) == {"p0_image_0", "p0_image_3"}
    assert counted.loc["p0_image_0", ["likes", "comments"]].tolist() == [9.0, 1.0]
    assert math.isnan(counted.loc["p0_image_3", "likes"])


def test_a_post_counts_the_followers_nearest_in_time() -> None:
    posts = make_posts(0, [{"likes": 1.0}] * 11)
    snapshots = pd.DataFrame({"account_id": "a0", "as_of": [START, START + pd.Timedelta(days=10)]})
    snapshots = snapshots.assign(n_followers=[100, 200])
    export = make_export([1], [posts], account_snapshots=snapshots)
    assert export.posts["followers"].tolist()[:5] == [100] * 5
    assert export.posts["followers"].tolist()[6:] == [200] * 5
    assert export.accounts["followers"].tolist() == [200]


def test_columns_that_an_export_lacks_are_unknown_and_say_so() -> None:
    export = make_export([1_000] * 9, equal_posts([0.1] * 9))
    with pytest.raises(SupportError, match="0 instagram accounts with reach .* at least 8"):
        r.reach_rate(export, platform="instagram")


# --- engagement and reach --------------------------------------------------------------------


def test_engagement_rate_is_the_median_account_of_a_tier() -> None:
    rates = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09]
    export = make_export([1e4] * 9 + [1e6] * 9, equal_posts([*rates, *[0.9] * 9]))
    value = e.engagement_rate(
        export, platform="instagram", parts=PUBLIC, per="followers", low=1e4, high=5e4
    )
    assert value == pytest.approx(0.05)
    with pytest.raises(SupportError, match="0 instagram accounts"):
        e.engagement_rate(export, platform="instagram", parts=PUBLIC, per="followers", high=5e3)


def test_stories_and_accounts_with_two_posts_do_not_count() -> None:
    posts = equal_posts([0.02] * 9)
    posts += [make_posts(k, [{"likes": 1e4, "comments": 0.0}] * 9, "story") for k in range(9)]
    posts += [make_posts(9, [{"likes": 1e4, "comments": 0.0}] * 2)]
    export = make_export([1e4] * 10, posts)
    rates = e.rate_by_account(export, "instagram", PUBLIC, "followers")
    assert rates["value"].tolist() == pytest.approx([0.02] * 9)


def test_power_laws_give_back_their_exponents() -> None:
    posts = [
        make_posts(k, [{"likes": 3 * size**0.8, "comments": 0.0, "views": size**0.3}] * 3)
        for k, size in enumerate(SIZES)
    ]
    export = make_export(SIZES, posts)
    slope = e.rate_slope(export, platform="instagram", parts=PUBLIC, per="followers")
    assert slope == pytest.approx(-0.2)
    assert e.view_elasticity(export, platform="instagram") == pytest.approx(0.3)


def test_comments_per_like_are_summed_by_account() -> None:
    posts = [
        make_posts(k, [{"likes": 100.0, "comments": 2.0 * k}, {"likes": 300.0, "comments": 2.0 * k},
                       {"likes": 0.0, "comments": 0.0}])
        for k in range(9)
    ]  # fmt: skip
    export = make_export([1e4] * 9, posts)
    quarters = [
        e.comment_like_quarter(export, platform="instagram", quantile=q)
        for q in (0.125, 0.5, 0.875)
    ]
    assert quarters == pytest.approx([0.01, 0.04, 0.07])


def test_ratios_and_zeros_compare_accounts_alike() -> None:
    like = [{"likes": 100.0, "comments": c, "shares": 20.0} for c in (0.0, 2.0, 4.0, 4.0)]
    unlike = [{"likes": 5.0, "comments": 0.0, "shares": 5.0}] * 4
    posts = [make_posts(k, like if k < 9 else unlike) for k in range(20)]
    export = make_export([1e4] * 20, posts, platform="facebook")
    pages = {"platform": "facebook", "levels": {"likes": 101.0}}
    assert e.counter_ratio(export, over="comments", under="likes", **pages) == pytest.approx(0.03)
    assert e.counter_ratio(export, over="shares", under="likes", **pages) == pytest.approx(0.2)
    assert s.zero_share(export, counter="comments", **pages) == pytest.approx(0.25)


def test_reach_and_formats_compare_within_accounts() -> None:
    posts = [
        make_posts(k, [{"reach": size * rate, "impressions": size * rate * 1.2}] * 3, form)
        for k, size in enumerate(SIZES)
        for form, rate in (("image", 0.2), ("short_video", 0.5), ("story", 0.1))
    ]
    export = make_export(SIZES, posts)
    rate = r.reach_rate(export, platform="instagram", formats=("image", "carousel"))
    assert rate == pytest.approx(0.2)
    assert r.reach_rate(export, platform="instagram", formats=("story",)) == pytest.approx(0.1)
    ratio = r.format_ratio(
        export, platform="instagram", over="short_video", under="image", counters=("reach",)
    )
    assert ratio == pytest.approx(2.5)
    assert r.views_of_reach(export, platform="instagram") == pytest.approx(1.2)


# --- spread ----------------------------------------------------------------------------------


def test_spreads_within_accounts_do_not_see_differences_between_them() -> None:
    steps = np.array([-1.5, -0.5, 0.0, 0.5, 1.5])
    posts = [
        make_posts(k, [{"likes": level * math.exp(d), "saves": math.exp(2 * d)} for d in steps])
        for k, level in enumerate(np.geomspace(1, 1e4, 10))
    ]
    export = make_export([1e4] * 10, posts)
    expected = math.sqrt((steps**2).sum() / 4)
    spread = s.post_spread(export, platform="instagram", counter="likes", form="image")
    assert spread == pytest.approx(expected)
    both = s.correlation(export, platform="instagram", counters=("likes", "saves"))
    assert both == pytest.approx(1.0)
    with pytest.raises(SupportError, match="0 accounts with 5 such posts"):
        s.post_spread(export, platform="instagram", counter="likes", form="carousel")


def test_spread_between_accounts_is_around_the_line_on_followers() -> None:
    sizes = np.repeat(SIZES, 2)
    signs = np.tile([1.0, -1.0], len(SIZES))
    posts = [
        make_posts(k, [{"views": size**0.3 * math.exp(0.7 * sign)}] * 3)
        for k, (size, sign) in enumerate(zip(sizes, signs, strict=True))
    ]
    export = make_export(sizes, posts, platform="tiktok")
    spread = s.creator_spread(export, platform="tiktok", counter="views")
    assert spread == pytest.approx(0.7 * math.sqrt(24 / 22))


# --- prices ----------------------------------------------------------------------------------


def test_prices_are_per_post_newest_and_of_the_main_format() -> None:
    sizes = [2e4] * 9
    posts = [
        make_posts(k, [{"likes": 1.0}] * n, form)
        for k in range(9)
        for form, n in (("image", 5), ("carousel", 2), ("story", 9))
    ]
    image = prices_of(
        [6e6] * 9,
        currency="VND",
    ).assign(n_posts=2)
    old = prices_of([9e9] * 9, currency="VND").assign(as_of=START - pd.Timedelta(days=9))
    others = [prices_of([9e6] * 9, "carousel", "VND"), prices_of([1.2e6] * 9, "story", "VND")]
    export = make_export(sizes, posts, rates=pd.concat([image, old, *others]), exchange_rates=FX)
    assert c.tier_price(export, country="VN", low=1e4, high=1e5) == pytest.approx(3e6)
    story = c.format_price(export, platform="instagram", over="story", under=("image", "carousel"))
    assert story == pytest.approx(0.4)
    with pytest.raises(SupportError, match="0 tiktok accounts"):
        c.tier_price(export, country="abroad", low=1e4, high=1e5, platform="tiktok")


def test_prices_abroad_are_in_dollars() -> None:
    export = make_export([2e4] * 9, rates=prices_of(range(1, 10)), country="US")
    value = c.tier_price(export, country="abroad", low=1e4, high=1e5, platform="instagram")
    assert value == 5.0


def test_lines_of_prices_give_back_how_they_were_made() -> None:
    platform = np.where(np.arange(24) % 2, "youtube", "tiktok")
    country = np.where(np.arange(24) < 12, "US", "VN")
    niche = np.where(np.arange(24) % 3, "entertainment", "finance")
    sizes = np.concatenate([SIZES, SIZES * 1.5])
    rates = sizes**-0.2 * np.exp(np.sin(7.0 * np.arange(24)))
    plain = 5 * sizes**0.8 * np.where(platform == "youtube", 2.0, 1.0)
    plain *= np.where(country == "VN", 0.3, 1.0)
    posts = [
        make_posts(k, [{"likes": rates[k] * sizes[k], "comments": 0.0}] * 3) for k in range(24)
    ]
    how = {"platform": platform, "country": country, "category": niche}
    clear = make_export(sizes, posts, rates=prices_of(plain), **how)
    assert c.price_exponent(clear) == pytest.approx(0.8)
    assert c.platform_price(clear, over="youtube", under="tiktok") == pytest.approx(2.0)
    dear = make_export(
        sizes, posts, rates=prices_of(plain * np.where(niche == "finance", 1.5, 1.0)), **how
    )
    ratio = c.niche_price(dear, over=("finance",), under=("entertainment",))
    assert ratio == pytest.approx(1.5)
    better = make_export(sizes, posts, rates=prices_of(plain * rates**0.5), **how)
    assert c.quality_slope(better) == pytest.approx(0.5)


def test_seasons_compare_fees_with_what_the_account_asks() -> None:
    months = [5, 11] * 9
    asked = np.geomspace(10, 1_000, 18)
    fee = asked * np.where(np.array(months) == 11, 1.4, 1.0) * 3
    hires = pd.DataFrame({"campaign_id": [f"c{m}" for m in months], "fee": fee})
    hires = hires.assign(account_id=[f"a{k}" for k in range(18)], format="image",
                         currency="USD", n_posts_agreed=3)  # fmt: skip
    days = pd.to_datetime(["2024-05-03", "2024-11-03"]).date
    campaigns = pd.DataFrame({"campaign_id": ["c5", "c11"], "starts_on": days})
    tables = {"collaborations": hires, "campaigns": campaigns, "rates": prices_of(asked)}
    assert c.season_price(make_export([1e4] * 18, **tables)) == pytest.approx(1.4)


# --- people, funnel, audience ----------------------------------------------------------------


def test_shares_of_the_truth_are_those_of_instagram_accounts_in_a_band() -> None:
    truth = pd.DataFrame({"account_id": [f"a{k}" for k in range(20)], "fake_share": 0.1})
    bought_at = [0.5] * 4 + [2.0] * 16
    in_pod = [True] + [False] * 3 + [True] * 2 + [False] * 14
    truth = truth.assign(bought_at=bought_at, in_pod=in_pod)
    truth.loc[:3, "fake_share"] = 0.3
    platform = ["instagram"] * 10 + ["tiktok"] * 10
    export = make_export([2e3] * 20, platform=platform, truth=truth)
    assert p.fraud_share(export, low=1e3, high=5e3) == pytest.approx(0.6)
    assert p.bought_share(export, platform="instagram") == pytest.approx(0.4)
    assert p.bought_share(export) == pytest.approx(0.2)
    assert p.fake_share(export) == pytest.approx((4 * 0.3 + 16 * 0.1) / 20)
    assert p.fake_share(export, bought=False) == pytest.approx(0.1)
    with pytest.raises(SupportError, match="truth/accounts: no such table"):
        p.bought_share(make_export([1e3] * 20))


def test_tiers_leave_out_accounts_below_1000() -> None:
    export = make_export([500] * 5 + [5e3] * 6 + [5e4] * 4)
    assert p.tier_share(export, low=1e3, high=1e4) == pytest.approx(0.6)


def test_a_pareto_tail_gives_back_its_exponent() -> None:
    tail = 1e6 * (1 - (np.arange(2_000) + 0.5) / 2_000) ** (-1 / 1.5)
    assert p.tail_exponent(make_export([*tail, 5e3, 1e6])) == pytest.approx(1.5, rel=0.01)


def test_the_funnel_is_medians_of_clicks_and_sums_of_orders() -> None:
    sizes = [5e3] * 9 + [5e5] * 9 + [5e4]
    hires = pd.DataFrame({"account_id": [f"a{k}" for k in range(19)], "campaign_id": "c"})
    hires = hires.assign(
        impressions=1_000.0, link_clicks=[10.0] * 18 + [1_000.0], conversions=[0.0] * 18 + [23.6],
        revenue=[50.0] * 9 + [500.0] * 9 + [9e9], currency="USD", n_posts_delivered=2,
    )  # fmt: skip
    export = make_export(sizes, collaborations=hires)
    assert f.click_rate(export, platform="instagram") == pytest.approx(0.01)
    assert f.order_rate(export) == pytest.approx(0.02)
    assert f.revenue_ratio(export) == pytest.approx((50 / 5e3) / (500 / 5e5))


def test_the_panel_gives_users_and_means_of_overlap() -> None:
    ages = ["13-17", "18-24", "25-34"]
    pairs = pd.DataFrame({"is_same_niche": [True] * 9 + [False] * 9})
    pairs["overlap"] = [*np.linspace(0.1, 0.3, 9), *np.linspace(0.0, 0.08, 9)]
    users = pd.DataFrame({"tiktok": [8e6, 12e6, 9e6]}, index=ages)
    panel = Panel(pd.Series([10e6, 14e6, 20e6], index=ages), users, pairs)
    export = make_export([1e3], panel=panel)
    assert platform_users(export, platform="tiktok") == pytest.approx(29.0)
    assert platform_users(export, platform="tiktok", ages=ages[1:]) == pytest.approx(21.0)
    assert age_use(export, platform="tiktok", ages=ages[:2]) == pytest.approx(20 / 24)
    assert overlap(export, is_same_niche=True) == pytest.approx(0.2)
    assert overlap(export, is_same_niche=False) == pytest.approx(0.04)
    with pytest.raises(SupportError, match="the truth holds no audience"):
        overlap(make_export([1e3]), is_same_niche=True)


def test_pairs_are_of_one_platform_and_country_and_of_the_niches_asked_for() -> None:
    rng = np.random.default_rng(0)
    accounts = pd.DataFrame(
        {name: rng.choice(words, 400) for name, words in
         {"platform": ["x", "tiktok"], "country": ["VN", "US"], "category": list("abc")}.items()}
    )  # fmt: skip
    pairs = sample_pairs(accounts, 50)
    first, second = (accounts.loc[pairs[side]].reset_index() for side in ("first", "second"))
    assert (first[["platform", "country"]] == second[["platform", "country"]]).all(axis=None)
    assert (first["category"].eq(second["category"]) == pairs["is_same_niche"]).all()
    assert pairs["is_same_niche"].value_counts().to_dict() == {True: 50, False: 50}
    assert (pairs["first"] != pairs["second"]).all()


def test_audiences_count_their_newest_reading_and_a_bucket_left_out_as_0() -> None:
    rows = [(f"a{k}", 1, "VN", 0.9) for k in range(5)] + [(f"a{k}", 1, "US", 0.9) for k in (5, 6)]
    rows += [("a0", 0, "VN", 0.1), *((f"a{k}", 1, "VN", 0.5) for k in (7, 8))]
    table = pd.DataFrame(rows, columns=["account_id", "day", "bucket", "share"])
    table = table.assign(as_of=START + pd.to_timedelta(table["day"], unit="D"), dimension="country")
    export = make_export([1e3] * 9, audiences=table)
    assert audience_share(export, dimension="country", buckets=("VN",)) == pytest.approx(0.9)
    foreign = audience_share(export, dimension="country", buckets=("US", "GB"))
    assert foreign == 0.0


def test_assumed_shares_are_of_posts() -> None:
    posts = [make_posts(k, [{"likes": 10.0}] * 3, language="vi") for k in range(9)]
    posts += [make_posts(k, [{"likes": 8.0}] * 3, "video", is_sponsored=True) for k in range(9)]
    export = make_export([1e3] * 9, posts)
    assert sponsored_share(export) == pytest.approx(0.5)
    assert vietnamese_share(export) == 1.0
    assert sponsored_ratio(export) == pytest.approx(0.8)
