from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import DataError
from matcher.features.context import MarketData
from matcher.retrieval.eligibility import RULES, Eligible, select_eligible

EVERYONE = ["a1", "a2", "a3", "a4", "a5", "a6"]


def test_a_silent_brief_keeps_everyone(m, tables):
    kept, found = m.select(tables)
    assert kept == EVERYONE
    assert list(found.removed) == list(RULES)
    assert sum(found.removed.values()) == 0


def test_platform(m, tables):
    kept, found = m.select(tables, platforms=["tiktok"])
    assert kept == ["a1", "a3", "a4", "a5", "a6"]
    assert found.removed["platform"] == 1


def test_country_unknown_passes(m, tables):
    kept, found = m.select(tables, countries=["VN"])
    assert kept == ["a1", "a2", "a3", "a5", "a6"]
    assert found.removed["country"] == 1
    assert found.unknown["country"] == 1


def test_language_compares_primary_tags_and_unknown_passes(m, tables):
    kept, found = m.select(tables, creator_languages=["en-GB"])
    assert kept == ["a3", "a4", "a5"]
    assert found.unknown["language"] == 1


def test_description_read_after_the_decision_is_unknown(m, tables):
    tables["influencers"]["as_of"] = m.at(1)
    kept, found = m.select(tables, countries=["VN"], creator_languages=["vi"])
    assert kept == EVERYONE
    assert found.unknown["country"] == 6


def test_strict_time_takes_undated_descriptions_as_unknown(m, tables):
    assert m.select(tables, strict_time=True, countries=["VN"])[0] == EVERYONE


def test_format_by_earlier_posts_or_rates(m, tables):
    m.add(tables, "posts", post_id="x1", account_id="a1", published_at=m.at(-1), format="live")
    m.add(tables, "posts", post_id="x2", account_id="a2", published_at=m.at(1), format="live")
    rate = {"as_of": m.at(-5), "price": 1.0, "currency": "VND"}
    m.add(tables, "rates", account_id="a3", format="live", **rate)
    m.add(tables, "rates", account_id="a4", format=None, **rate)
    tables["posts"].loc[tables["posts"]["account_id"] == "a5", "format"] = None
    kept, found = m.select(tables, formats=["live"])
    assert kept == ["a1", "a3", "a4", "a5"]
    assert found.unknown["format"] == 1


def test_own_campaign_posts_show_no_format_and_do_not_count(m, tables):
    m.add(tables, "campaigns", campaign_id="new", brand_id="b1", brief="x", decided_at=m.NOW)
    m.add(tables, "posts", post_id="x1", account_id="a1", published_at=m.at(-1), format="live")
    m.add(tables, "campaign_posts", campaign_id="new", post_id="x1")
    assert m.select(tables, formats=["live"])[0] == []
    assert m.select(tables, formats=["live"], brief_id="other")[0] == ["a1"]
    assert m.select(tables, min_posts=4)[0] == []
    assert m.select(tables, min_posts=4, brief_id="other")[0] == ["a1"]


def test_price_above_the_whole_budget_in_the_briefs_currency(m, tables):
    m.add(
        tables, "rates", account_id="a1", as_of=m.at(-5), format="live", price=30.0, currency="USD"
    )
    m.add(
        tables, "rates", account_id="a3", as_of=m.at(-5), format="live", price=90.0, currency="VND"
    )
    m.add(tables, "rates", account_id="a4", as_of=m.at(2), format="live", price=9e9, currency="VND")
    m.add(
        tables, "exchange_rates", **{"from": "USD", "to": "VND", "on": "2025-02-01", "rate": 10.0}
    )
    kept, found = m.select(tables, budget=100, currency="VND")
    assert kept == ["a2", "a3", "a4", "a5", "a6"]
    assert found.removed["price"] == 1
    assert found.unknown["price"] == 4


def test_price_without_an_exchange_rate_is_an_error(m, tables):
    m.add(
        tables, "rates", account_id="a1", as_of=m.at(-5), format="live", price=30.0, currency="USD"
    )
    with pytest.raises(DataError, match="USD to VND"):
        m.select(tables, budget=100, currency="VND")


@pytest.mark.parametrize(
    ("from_on", "to_on", "is_away"),
    [
        ("2025-04-10", "2025-04-20", True),
        ("2025-03-01", "2025-04-01", True),
        ("2025-04-30", None, True),
        ("2025-03-01", "2025-03-31", False),
        ("2025-05-01", "2025-05-02", False),
    ],
)
def test_availability_that_touches_the_flight(m, tables, from_on, to_on, is_away):
    m.add(tables, "availability", account_id="a1", from_on=from_on, to_on=to_on)
    flight = {"starts_on": "2025-04-01", "ends_on": "2025-04-30"}
    assert ("a1" not in m.select(tables, **flight)[0]) is is_away


def test_a_brief_without_days_is_judged_on_the_day_of_the_decision(m, tables):
    m.add(tables, "availability", account_id="a1", from_on="2025-03-01", to_on="2025-03-01")
    assert "a1" not in m.select(tables)[0]
    # 1 March in UTC is still 28 February in New York.
    assert "a1" in m.select(tables, timezone="America/New_York")[0]


def test_terms_that_begin_later_do_not_count_under_strict_time(m, tables):
    m.add(tables, "availability", account_id="a1", from_on="2025-04-01", to_on="2025-04-02")
    flight = {"starts_on": "2025-04-01"}
    assert "a1" not in m.select(tables, **flight)[0]
    assert "a1" in m.select(tables, strict_time=True, **flight)[0]


@pytest.mark.parametrize(
    ("brand_id", "category", "is_bound"),
    [
        ("b3", None, True),
        ("b1", None, False),
        (None, "beauty", True),
        (None, "fashion", True),
        (None, "personal_care", False),
        (None, "travel", False),
        ("b1", "beauty", False),
        ("b3", "travel", False),
    ],
)
def test_exclusivity_binds_every_account_of_the_person(m, tables, brand_id, category, is_bound):
    m.add(
        tables,
        "exclusivities",
        influencer_id="p1",
        brand_id=brand_id,
        category=category,
        from_on="2025-01-01",
        to_on="2025-12-31",
    )
    kept, found = m.select(tables)
    assert kept == (["a3", "a4", "a5", "a6"] if is_bound else EVERYONE)
    assert found.removed["exclusivity"] == (2 if is_bound else 0)


def test_blocklist(m, tables):
    assert m.select(tables, never=["a2", "nobody"])[0] == ["a1", "a3", "a4", "a5", "a6"]


@pytest.mark.parametrize(
    ("days", "status", "is_rival"),
    [
        (-1, "accepted", True),
        (-89, "completed", True),
        (-91, "completed", False),
        (0, "completed", False),
        (5, "completed", False),
        (-1, "declined", False),
    ],
)
def test_rival_hires_in_the_window(m, tables, days, status, is_rival):
    tables["campaigns"]["decided_at"] = m.at(-100)
    m.add(
        tables,
        "collaborations",
        collaboration_id="c1",
        campaign_id="old_b2",
        account_id="a1",
        status=status,
        status_at=m.at(days),
    )
    kept, _ = m.select(tables)
    assert kept == (["a3", "a4", "a5", "a6"] if is_rival else EVERYONE)
    assert m.select(tables, use_history=False)[0] == EVERYONE


def test_bond_to_a_rival_that_ended_lately_is_a_conflict(m, tables):
    bond = {"influencer_id": "p2", "brand_id": "b2", "from_on": "2024-06-01"}
    m.add(tables, "exclusivities", to_on="2025-02-01", **bond)
    _, found = m.select(tables)
    assert found.removed["exclusivity"] == 0
    assert found.removed["rival"] == 1


def test_few_posts(m, tables):
    tables["posts"] = tables["posts"].query("post_id != 'a1_0'")
    assert m.select(tables, min_posts=3)[0] == EVERYONE[1:]
    assert m.select(tables, min_posts=4)[0] == []


def test_must_have_stays_with_a_note(m, tables):
    kept, found = m.select(tables, platforms=["youtube"], must_have=["a1", "gone"])
    assert kept == ["a1", "a2"]
    assert found.removed["platform"] == 4
    assert any("`platform`" in note for note in found.notes)
    assert any("not in the market" in note for note in found.notes)


def test_each_account_counts_once(m, tables):
    kept, found = m.select(tables, platforms=["tiktok"], countries=["VN"], min_posts=9)
    assert kept == []
    assert sum(found.removed.values()) == found.n_accounts == 6


def test_an_instant_in_nanoseconds_is_refused(m, tables):
    with pytest.raises(DataError, match="microseconds"):
        m.select(tables, instant=m.INSTANT * 1000)


def test_eligible_checks_its_counts():
    with pytest.raises(DataError, match="do not add up"):
        Eligible(np.array([1, 2]), {"posts": 1}, {}, 9)


@settings(max_examples=15)
@given(
    shift=st.floats(0, 400),
    account=st.sampled_from(EVERYONE),
    campaign=st.sampled_from(["old_b2", "old_b3"]),
    is_cut=st.booleans(),
)
def test_facts_from_the_decision_on_change_nothing(m, shift, account, campaign, is_cut):
    terms = {
        "formats": ["live"],
        "budget": 10,
        "currency": "VND",
        "countries": ["VN"],
        "starts_on": "2025-03-05",
    }
    tables = m.base_tables()
    rate = {"format": "live", "currency": "VND"}
    tables["rates"] = pd.DataFrame([{"account_id": "a3", "as_of": m.at(-1), "price": 1.0, **rate}])
    before = m.select(tables, **terms)[0]
    later = m.at(shift)
    new = {
        "posts": {"post_id": "n", "account_id": account, "published_at": later, "format": "live"},
        "rates": {"account_id": account, "as_of": later, "price": 99.0, **rate},
        "collaborations": {
            "collaboration_id": "n",
            "campaign_id": campaign,
            "account_id": account,
            "status": "completed",
            "status_at": later,
        },
    }
    for name, row in new.items():
        m.add(tables, name, **row)
    data = m.make_data(tables)
    if is_cut:
        data = MarketData(data.market.as_of(m.NOW))
    after = select_eligible(data, m.make_brief(**terms), m.INSTANT, min_posts=1)
    assert m.ids(data, after.accounts) == before
