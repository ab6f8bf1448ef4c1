"""A perturbed future: the past is bit-equal, everything later is different, and all is valid."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.config import MarketSettings
from matcher.errors import DataError
from matcher.evaluation.perturb import perturb_after
from matcher.market.brief import Brief
from matcher.market.market import Market, build_market

START, N_DAYS = pd.Timestamp(2024, 1, 1, tz="UTC"), 100


def given_tables(market):
    return {name: market.tables[name] for name in market.present}


def perturbed(market, instant, seed=0, **options):
    rng = np.random.default_rng(seed)
    options.setdefault("settings", market.settings)
    return perturb_after(given_tables(market), instant, rng=rng, **options)


def assert_same_tables(left, right):
    assert set(left) == set(right)
    for name in left:
        pd.testing.assert_frame_equal(left[name], right[name], obj=name)


def dated(market):
    """Tables without the terms, which bear no instant."""
    terms = ("availability", "exclusivities")
    return {name: frame for name, frame in market.tables.items() if name not in terms}


@pytest.fixture(scope="module")
def market(small_tables) -> Market:
    tables = small_tables(5, n_accounts=12, n_posts=150, n_campaigns=20)
    return build_market(tables, strict=True)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(-5, N_DAYS + 40),
    st.booleans(),
    st.sampled_from([0.0, 7.0]),
)
def test_the_past_is_bit_equal_and_the_whole_is_valid(small_tables, seed, day, late, lag):
    chosen = MarketSettings(allow_late_snapshots=late, counter_lag_days=lag)
    before = build_market(small_tables(seed), chosen, strict=True)
    instant = START + pd.Timedelta(hours=round(24 * day))
    tables = perturbed(before, instant, seed, keep_campaigns={"c0", "c1"})
    # strict: nothing goes to the quarantine, so nothing is lost on the way
    after = build_market(tables, chosen, strict=True)
    assert_same_tables({name: after.tables[name] for name in after.present}, tables)
    assert_same_tables(dated(after.as_of(instant)), dated(before.as_of(instant)))


def test_what_is_known_at_the_very_instant_changes(market):
    posts = market.tables["posts"]
    instant = posts["published_at"].iloc[7]
    tables = perturbed(market, instant)
    old = posts[posts["published_at"] == instant].set_index("post_id")["text"]
    new = tables["posts"].set_index("post_id")["text"].reindex(old.index)
    assert not new.eq(old).any()


def test_every_later_fact_changes(market):
    instant = START + pd.Timedelta(days=40)
    new, old = perturbed(market, instant), market.tables
    rows_known_from = {
        "posts": "published_at",
        "collaborations": "status_at",
        "campaigns": "decided_at",
        "account_snapshots": "as_of",
        "rates": "as_of",
        "decisions": "logged_at",
    }
    for name, column in rows_known_from.items():
        later = old[name][~(old[name][column] < instant)]
        kept = later.merge(new[name], how="inner", on=[c for c in later if c != "platforms"])
        assert len(later) > 0
        assert kept.empty, name


def test_only_the_counters_of_an_earlier_post_change(market):
    instant = START + pd.Timedelta(days=40)
    new = perturbed(market, instant)["posts"].set_index("post_id")
    old = market.tables["posts"].set_index("post_id")
    read_at = old["observed_at"].fillna(old["published_at"] + pd.Timedelta(days=7))
    ids = old.index[(old["published_at"] < instant) & (read_at >= instant)]
    assert len(ids) > 5
    same = ["account_id", "published_at", "text", "is_sponsored", "stratum"]
    pd.testing.assert_frame_equal(new.loc[ids, same], old.loc[ids, same])
    assert not new.loc[ids, "views"].eq(old.loc[ids, "views"]).any()


def test_only_the_outcome_of_an_earlier_collaboration_changes(market):
    instant = START + pd.Timedelta(days=60)
    new = perturbed(market, instant)["collaborations"].set_index("collaboration_id")
    old = market.tables["collaborations"].set_index("collaboration_id")
    ids = old.index[(old["status_at"] < instant) & ~(old["outcome_at"] < instant)]
    assert len(ids) > 1
    same = ["campaign_id", "account_id", "status", "status_at", "fee", "currency"]
    pd.testing.assert_frame_equal(new.loc[ids, same], old.loc[ids, same])
    for column in ("engagements", "views"):
        assert not new.loc[ids, column].eq(old.loc[ids, column]).any()
    assert not new.loc[ids, "n_posts_flagged_ad"].eq(old.loc[ids, "n_posts_flagged_ad"]).all()


def test_a_kept_campaign_keeps_its_brief_but_not_its_outcomes_in_disguise(market):
    campaigns = market.tables["campaigns"]
    row = campaigns[campaigns["decided_at"].notna()].iloc[3]
    name, instant = row["campaign_id"], row["decided_at"]
    tables = perturbed(market, instant, keep_campaigns={name})
    after = build_market(tables, strict=True)
    brief, before = Brief.from_campaign(after, name), Brief.from_campaign(market, name)
    assert brief.text == before.text
    assert (brief.brand_id, brief.budget, brief.decided_at, brief.starts_on) == (
        before.brand_id,
        before.budget,
        before.decided_at,
        before.starts_on,
    )
    new = tables["campaigns"].set_index("campaign_id").loc[name]
    assert new["ends_on"] != row["ends_on"]
    assert new["n_found"] != row["n_found"]
    others = tables["campaigns"].set_index("campaign_id")["brief"]
    later = campaigns[(campaigns["decided_at"] > instant)].set_index("campaign_id")["brief"]
    assert not others.reindex(later.index).eq(later).any()


def test_rows_are_deleted_and_added(market):
    new = perturbed(market, START + pd.Timedelta(days=20))
    for name, key in (("posts", "post_id"), ("collaborations", "collaboration_id")):
        before, after = set(market.tables[name][key]), set(new[name][key])
        assert before - after
        assert after - before


@pytest.mark.parametrize(
    "leak",
    [
        lambda tables: tables["posts"].groupby("account_id").size(),
        lambda tables: tables["collaborations"].groupby("account_id")["engagements"].mean(),
        lambda tables: tables["account_snapshots"].groupby("account_id")["n_followers"].last(),
        lambda tables: tables["posts"].groupby("account_id")["views"].sum(),
        lambda tables: (tables["campaigns"]["ends_on"] - tables["campaigns"]["starts_on"]).sum(),
        lambda tables: tables["campaign_posts"].groupby("campaign_id").size(),
        lambda tables: tables["rates"]["price"].sum(),
        lambda tables: tables["audiences"]["share"].sum(),
        lambda tables: tables["influencers"]["bio"].value_counts().sort_index(),
    ],
)
def test_what_looks_at_the_whole_market_moves(market, leak):
    new = perturbed(market, START + pd.Timedelta(days=50))
    before, after = leak(market.tables), leak(new)
    assert not (before.equals(after) if isinstance(before, pd.Series) else before == after)


def test_the_input_is_left_alone_and_seeds_repeat(market):
    copies = {name: frame.copy() for name, frame in given_tables(market).items()}
    instant = START + pd.Timedelta(days=30)
    first, second = perturbed(market, instant, 4), perturbed(market, instant, 4)
    assert_same_tables(given_tables(market), copies)
    assert_same_tables(first, second)
    other = perturbed(market, instant, 5)
    assert not first["posts"].equals(other["posts"])


def test_undated_descriptions_stay(market):
    new = perturbed(market, START)
    for name in ("accounts", "influencers", "brands"):
        old = market.tables[name]
        undated = old["as_of"].isna()
        columns = [column for column in old if column != "created_at"]
        pd.testing.assert_frame_equal(new[name].loc[undated, columns], old.loc[undated, columns])


def absences(market, seed, n=40):
    """The market with absences before, during and after its flights."""
    rng = np.random.default_rng(seed)
    first = START.tz_localize(None) + pd.to_timedelta(rng.integers(-20, 260, n), unit="D")
    table = pd.DataFrame(
        {
            "account_id": [f"a{number}" for number in rng.integers(0, 6, n)],
            "from_on": first,
            "to_on": (first + pd.to_timedelta(rng.integers(0, 30, n), unit="D")),
            "reason": "leave",
        }
    )
    table["to_on"] = table["to_on"].mask(rng.random(n) < 0.1)
    table = table.drop_duplicates(["account_id", "from_on", "to_on"])
    tables = {**given_tables(market), "availability": table}
    return build_market(tables, market.settings, strict=True)


def away(market, names):
    """Who is absent or bound in the flights of some campaigns, by campaign; an oracle by hand."""
    campaigns = market.tables["campaigns"].set_index("campaign_id").loc[names]
    found = {}
    for name, row in campaigns.iterrows():
        start = row["decided_at"].tz_localize(None).normalize()
        first = start if pd.isna(row["starts_on"]) else row["starts_on"]
        last = first if pd.isna(row["ends_on"]) else max(first, row["ends_on"])
        for table, who in (("availability", "account_id"), ("exclusivities", "influencer_id")):
            terms = market.tables[table]
            to_on = terms["to_on"].fillna(pd.Timestamp(2200, 1, 1))
            found[name, table] = set(terms.loc[(terms["from_on"] <= last) & (to_on >= first), who])
    return found


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 19))
def test_another_future_leaves_the_same_people_free(small_tables, seed, place):
    before = absences(build_market(small_tables(seed, n_campaigns=20), strict=True), seed)
    campaigns = before.tables["campaigns"].dropna(subset=["decided_at"])
    row = campaigns.iloc[place % len(campaigns)]
    name, instant = row["campaign_id"], row["decided_at"]
    after = build_market(perturbed(before, instant, seed, keep_campaigns={name}), strict=True)
    asked = [*campaigns.loc[campaigns["decided_at"] < instant, "campaign_id"], name]
    assert away(after, asked) == away(before, asked)
    assert not after["availability"].equals(before["availability"])


def test_a_term_that_nobody_asked_about_changes(market):
    before = absences(market, 1)
    instant = START + pd.Timedelta(days=30)
    campaigns = before["campaigns"]
    ends = campaigns.loc[campaigns["decided_at"] < instant, ["starts_on", "ends_on"]].max().max()
    old, new = before["availability"], perturbed(before, instant)["availability"]
    later = old[old["from_on"] > ends + pd.Timedelta(days=1)]
    assert len(later) > 5
    assert later.merge(new, how="inner").empty
    earlier = old[old["from_on"] <= ends]
    assert len(earlier.merge(new, how="inner")) == len(earlier) > 0


def test_strict_time_knows_no_term_before_it_begins(market):
    before = absences(build_market(given_tables(market), MarketSettings(strict_time=True)), 1)
    instant = START + pd.Timedelta(days=30)
    old, new = before["availability"], perturbed(before, instant)["availability"]
    begun = old[old["from_on"] < instant.tz_localize(None)]
    assert len(begun) > 0
    assert old.merge(new, how="inner").equals(begun.reset_index(drop=True))


def test_a_flight_that_was_not_planned_is_altered_whole(market):
    campaigns = market["campaigns"].dropna(subset=["decided_at", "starts_on"])
    row = campaigns.iloc[3]
    chosen = build_market(given_tables(market), MarketSettings(flights_planned=False))
    new = perturbed(chosen, row["decided_at"], keep_campaigns={row["campaign_id"]})["campaigns"]
    after = new.set_index("campaign_id").loc[row["campaign_id"]]
    assert after["starts_on"] != row["starts_on"]
    assert after["ends_on"] != row["ends_on"]
    brief = Brief.from_campaign(chosen, row["campaign_id"])
    assert (brief.starts_on, brief.ends_on) == (None, None)


def test_a_market_of_few_tables_is_enough(small_tables):
    tables = small_tables(1)
    market = build_market({name: tables[name] for name in ("accounts", "posts")})
    instant = START + pd.Timedelta(days=30)
    after = build_market(perturbed(market, instant))
    assert_same_tables(after.as_of(instant).tables, market.as_of(instant).tables)


def test_an_instant_needs_its_offset(market):
    with pytest.raises(DataError, match="expected an instant with its offset"):
        perturb_after(market.tables, pd.Timestamp(2024, 1, 1), rng=np.random.default_rng(0))


def test_unknown_tables_are_named():
    with pytest.raises(DataError, match=r"tables \['payments'\] are not of the contract"):
        perturb_after({"payments": pd.DataFrame()}, START, rng=np.random.default_rng(0))
