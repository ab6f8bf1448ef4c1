"""Features of a market small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy import log1p

from matcher.market.brief import Brief

BEAUTY, FOOD = "son môi", "phở bún"


@pytest.fixture
def shop(m):
    """Account `a` with four posts, `b` with one, `c` with none; two brands, one campaign."""

    def post(name: str, day: float, text: str | None, **more):
        return {
            "post_id": name,
            "account_id": name[0],
            "published_at": m.at(day),
            "text": text,
            "is_sponsored": False,
            "sponsor_brand_id": None,
            "observed_at": m.at(-1),
            **more,
        }

    return {
        "accounts": m.frame(
            *({"account_id": x, "influencer_id": f"p{x}", "platform": "tiktok"} for x in "abc")
        ),
        "influencers": m.frame(
            {"influencer_id": "pa", "categories": ["beauty"]},
            {"influencer_id": "pb", "categories": ["food"]},
            {"influencer_id": "pc", "categories": None},
        ),
        "posts": m.frame(
            post("a1", -200, BEAUTY, likes=10.0, comments=0.0, views=100.0, is_sponsored=True),
            post("a2", -100, BEAUTY, likes=30.0, comments=3.0, views=100.0),
            post("a3", -20, FOOD, likes=100.0, comments=0.0, views=1000.0, sponsor_brand_id="b1"),
            post("a4", -10, "Alphabrand #freeship", likes=200.0, comments=2.0, shares=8.0),
            post("b1", -40, "đi mua #Alphabrand"),
        ),
        "account_snapshots": m.frame(
            {"account_id": "a", "as_of": m.at(-110), "n_followers": 1_000.0},
            {"account_id": "a", "as_of": m.at(-60), "n_followers": 1_500.0},
            {"account_id": "a", "as_of": m.at(-10), "n_followers": 2_000.0, "n_following": 500.0},
            {"account_id": "a", "as_of": m.at(0), "n_followers": 9_000.0},
            {"account_id": "b", "as_of": m.at(-5), "n_followers": 50.0},
        ),
        "audiences": m.frame(
            {"account_id": "a", "as_of": m.at(-50), "dimension": "age", "bucket": "18-24",
             "share": 0.9},
            {"account_id": "a", "as_of": m.at(-5), "dimension": "age", "bucket": "18-24",
             "share": 0.25},
            {"account_id": "a", "as_of": m.at(-5), "dimension": "age", "bucket": "25-34",
             "share": 0.5},
            {"account_id": "a", "as_of": m.at(-5), "dimension": "age", "bucket": "45-54",
             "share": 0.125},
            {"account_id": "b", "as_of": m.at(-5), "dimension": "age", "bucket": "55+",
             "share": 0.5},
        ),
        "rates": m.frame(
            {"account_id": "a", "as_of": m.at(-9), "format": "short_video", "price": 200.0,
             "currency": "USD", "n_posts": 2},
            {"account_id": "a", "as_of": m.at(-9), "format": "image", "price": 1.0,
             "currency": "USD", "n_posts": 1},
            {"account_id": "b", "as_of": m.at(-9), "format": None, "price": 5e6,
             "currency": "VND", "n_posts": 1},
            {"account_id": "c", "as_of": m.at(-9), "format": "short_video", "price": 5e6,
             "currency": "VND", "n_posts": 1, "valid_until": m.at(-2)},
        ),
        "exchange_rates": m.frame(
            {"from": "USD", "to": "VND", "on": pd.Timestamp("2025-01-01"), "rate": 20_000.0},
            {"from": "USD", "to": "VND", "on": pd.Timestamp("2025-02-01"), "rate": 25_000.0},
            {"from": "USD", "to": "VND", "on": pd.Timestamp("2025-04-01"), "rate": 30_000.0},
        ),
        "brands": m.frame(
            {"brand_id": "b0", "name": "Alphabrand", "category": "beauty"},
            {"brand_id": "b1", "name": "Betafoods", "category": "food"},
        ),
        "campaigns": m.frame(
            {"campaign_id": "c1", "brand_id": "b0", "brief": BEAUTY, "decided_at": m.at(-300)},
            {"campaign_id": "c2", "brand_id": "b1", "brief": FOOD, "decided_at": m.at(-200)},
        ),
        "collaborations": m.frame(
            *(
                {"collaboration_id": f"{n}", "campaign_id": campaign, "account_id": account,
                 "status": status, "status_at": m.at(day)}
                for n, (campaign, account, status, day) in enumerate(
                    [("c1", "a", "completed", -290), ("c1", "a", "accepted", -280),
                     ("c2", "a", "accepted", -190), ("c1", "b", "declined", -290),
                     ("c2", "c", "completed", 0)]
                )
            )
        ),
    }  # fmt: skip


@pytest.fixture
def found(m, shop):
    return m.compute(
        shop,
        Brief(
            brief_id="new",
            brand_id="b0",
            brand_category="beauty",
            brief="Son môi mới",
            audience_age=("18-24", "25-34"),
            formats=("short_video",),
            budget=1e7,
            currency="VND",
            n_creators=2,
        ),
    )


def test_expertise(found):
    # Four posts of `a`: two of beauty; three of them name a category or none.
    assert found.loc["a", "category_share"] == 2 / 4
    assert found.loc["a", "category_depth"] == log1p(2)
    assert found.loc["b", "category_share"] == 0
    assert np.isnan(found.loc["c", "category_share"])
    np.testing.assert_array_equal(found["category_declared"], [1, 0, np.nan])


def test_conduct(found):
    assert found.loc["a", "ad_load"] == 2 / 4  # one flagged, one naming its sponsor
    assert found.loc["a", "ads_90d"] == log1p(1)
    assert found.loc["a", "ad_load_90d"] == 1 / 2
    assert found.loc["a", "posts_30d"] == log1p(2)
    assert found.loc["a", "posts_365d"] == log1p(4)
    assert found.loc["a", "posts_per_week"] == 4 / (200 / 7)
    assert found.loc["a", "days_since_post"] == log1p(10)
    assert found.loc["c", "posts_365d"] == 0
    assert np.isnan(found.loc["c", "days_since_post"])


def test_history_counts_pairs_once_and_only_hires(found):
    assert found.loc["a", "hires_all"] == log1p(2)
    assert found.loc["a", "hires_brand"] == log1p(1)
    assert found.loc["a", "hires_category"] == log1p(1)
    assert found.loc["a", "hires_recent"] == pytest.approx(
        log1p(2 ** (-290 / 90) + 2 ** (-190 / 90)), rel=1e-12
    )
    assert found.loc["b", "hires_all"] == 0  # declined
    assert found.loc["c", "hires_all"] == 0  # at the very instant of the decision


def test_mentions_are_found_at_both_ends_of_a_caption(found):
    np.testing.assert_array_equal(found["mentions_brand"], [log1p(1), log1p(1), 0])
    np.testing.assert_array_equal(found["mentions_any"], [log1p(1), log1p(1), 0])


def test_sponsored_posts_are_no_mentions(m, shop):
    shop["posts"].loc[3, "sponsor_brand_id"] = "b0"
    seen = m.compute(shop, m.make_brief())
    assert seen.loc["a", "mentions_brand"] == 0
    assert seen.loc["a", "sponsored_brand"] == log1p(1)


def test_followers(found):
    assert found.loc["a", "followers_log"] == log1p(2_000)
    # The newest snapshot before the decision and the one 80 or more days before it.
    growth = (log1p(2_000) - log1p(1_000)) / 100 * 30
    assert found.loc["a", "follower_growth_30d"] == pytest.approx(growth, rel=1e-12)
    assert found.loc["a", "following_per_follower"] == 500 / 2_000
    assert np.isnan(found.loc["b", "follower_growth_30d"])
    assert np.isnan(found.loc["c", "followers_log"])


def test_resonance(found):
    # ln(1 + likes + comments + shares) of 90 days and of before, medians.
    recent = (log1p(100) + log1p(210)) / 2
    before = (log1p(10) + log1p(33)) / 2
    assert found.loc["a", "engagements_trend"] == pytest.approx(recent - before, rel=1e-12)
    assert found.loc["a", "engagements_recent"] == pytest.approx(recent, rel=1e-12)
    level = (log1p(33) + log1p(100)) / 2
    rate = np.expm1(level) / 2_000
    assert found.loc["a", "engagement_rate_by_followers"] == pytest.approx(rate, rel=1e-12)
    assert found.loc["a", "posts_without_comments"] == 2 / 4
    assert np.isnan(found.loc["a", "shares_per_view"])
    sponsored, organic = (log1p(10) + log1p(100)) / 2, (log1p(33) + log1p(210)) / 2
    assert found.loc["a", "sponsored_gap"] == pytest.approx(sponsored - organic, rel=1e-12)


def test_short_histories_are_drawn_to_the_level_of_all(found):
    # `a` alone is measured, so its own level is the prior's, and `c` has the prior alone.
    level = (log1p(33) + log1p(100)) / 2
    np.testing.assert_allclose(found["engagements_expected"], level, rtol=1e-12)


def test_audience(found):
    assert found.loc["a", "audience_age"] == 0.25 + 0.5
    assert found.loc["b", "audience_age"] == 0
    assert np.isnan(found.loc["c", "audience_age"])
    assert found["audience_gender"].isna().all()


def test_price_in_the_currency_of_the_brief(found):
    per_post = 200 / 2 * 25_000
    assert found.loc["a", "price_log"] == pytest.approx(log1p(per_post), rel=1e-12)
    share = per_post * 2 / 1e7
    assert found.loc["a", "price_share_of_budget"] == pytest.approx(log1p(share), rel=1e-12)
    assert np.isnan(found.loc["c", "price_log"])  # no longer valid


def test_price_without_a_format_buys_any(found):
    assert found.loc["b", "price_log"] == pytest.approx(log1p(5e6), rel=1e-12)


def test_missing_exchange_rate_names_pair_and_day(m, shop):
    del shop["exchange_rates"]
    brief = m.make_brief(currency="EUR", budget=100.0)
    with pytest.raises(ValueError, match=r"no rate from \w+ to EUR before 2025-03-01"):
        m.compute(shop, brief)


def test_new_brand_of_a_brief_is_found_in_captions(m, shop):
    """A brand that the market has never seen, named in the brief alone."""
    brief = m.make_brief(brand_id="zz", brand_name="Freeship", brand_category="beauty")
    seen = m.compute(shop, brief)
    np.testing.assert_array_equal(seen["mentions_brand"], [log1p(1), 0, 0])
    assert (seen["hires_brand"] == 0).all()
    assert seen.loc["a", "hires_category"] == log1p(1)


def test_language_share(m, shop):
    shop["posts"]["language"] = ["vi", "vi-VN", "en", None, "en"]
    seen = m.compute(shop, m.make_brief(brief_language="vi"))
    np.testing.assert_array_equal(seen["language_share"], [2 / 3, 0, np.nan])
    other = m.compute(shop, m.make_brief(brief_language="sw"))
    np.testing.assert_array_equal(other["language_share"], [0, 0, np.nan])
    mixed = m.compute(shop, m.make_brief(brief_language="mul"))
    assert mixed["language_share"].isna().all()


def test_person_history_counts_all_accounts_of_a_person(m, shop):
    shop["accounts"].loc[1, "influencer_id"] = "pa"
    seen = m.compute(shop, m.make_brief())
    assert seen.loc["b", "hires_all"] == 0
    assert seen.loc["b", "person_hires_all"] == seen.loc["a", "hires_all"] == log1p(2)


def test_content_of_the_same_words_is_the_closest(m, shop):
    shop["posts"]["text"] = ["x y", "son môi", "z", "w", None]
    seen = m.compute(shop, m.make_brief(title=None, brief="son môi"))
    assert seen.loc["a", "content_best"] == pytest.approx(1, abs=1e-3)  # float16 rows
    assert seen.loc["a", "lexical_best"] == pytest.approx(1, rel=1e-12)
    assert seen.loc["a", "content_top5"] == pytest.approx(seen.loc["a", "content_mean"], rel=1e-9)
    assert seen.loc["c", ["content_best", "lexical_best", "sponsored_best"]].isna().all()


def test_growth_is_a_log_ratio_per_30_days(found):
    days = 100
    ratio = np.exp(found.loc["a", "follower_growth_30d"] * days / 30)
    assert ratio == pytest.approx(2_001 / 1_001)
    assert ratio > 1


def test_unknown_account_is_not_given_the_features_of_another(m, shop):
    from matcher.features.pair_features import build_features
    from matcher.features.pairs import build_pairs

    context = m.make_context(m.make_data(shop))
    prior = m.make_prior(context)
    pairs = build_pairs([m.make_brief()], {"new": ["a", "nobody"]}, instants={"new": m.NOW})
    with pytest.raises(ValueError, match="nobody"):
        build_features(context, prior, pairs)
