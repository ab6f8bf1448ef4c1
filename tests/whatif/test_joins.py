"""Accounts that join are as if the market had always held them, to the last bit."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.errors import ConfigError, DataError
from matcher.features.account_groups import GROUPINGS, account_groups
from matcher.features.contacts import Contacts
from matcher.features.context import FeatureContext
from matcher.features.data import MarketData
from matcher.features.index import MarketIndex
from matcher.features.texts import TextIndex
from matcher.plan.plan import plan
from matcher.recommend.recommend import recommend, score_brief
from matcher.retrieval.facts import AccountFacts, account_facts
from matcher.whatif.ask import compare_scenarios
from matcher.whatif.desk import Desk, open_desk
from matcher.whatif.joined import JoinedContacts, JoinedContext, JoinedFacts
from matcher.whatif.joined_index import JoinedData, JoinedIndex, JoinedTexts
from matcher.whatif.scenario import Scenario
from matcher.whatif.state import State

OLD = "acc_000001"
FULL = {
    "account_id": "zz_new",
    "platform": "tiktok",
    "text": "mì cay siêu ngon #anvat cùng Bramquill",
    "engagements": 900.0,
    "views": 20_000.0,
    "n_followers": 5e4,
    "price": 1e6,
    "currency": "VND",
    "format": "short_video",
    "language": "vi",
    "languages": ("vi", "en"),
    "country": "VN",
    "bio": "ăn vặt Sài Gòn",
}
BARE = {"account_id": "00_first", "platform": "instagram", "text": "skincare", "n_posts": 1}
MIDDLE = {
    "account_id": "acc_000010_b",
    "platform": "youtube",
    "text": "review sữa rửa mặt, da dầu mụn",
    "n_posts": 30,
    "n_followers": 3e5,
    "engagements": 4_000.0,
    "language": "en",
}
DEAR = {**MIDDLE, "account_id": "acc_000040_b", "price": 9e8, "currency": "VND"}


def joins(*accounts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "market", "new_accounts": list(accounts), **more}


def change(account_id: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "influencer", "account_id": account_id, **fields}


ALONE: dict[str, list[dict[str, Any]]] = {
    "full": [joins(FULL)],
    "bare": [joins(BARE)],
    "several": [joins(FULL, BARE, MIDDLE, DEAR)],
    "unpriced": [joins(BARE, MIDDLE)],
    "two edits": [joins(FULL), joins(MIDDLE)],
}
MIXED: dict[str, list[dict[str, Any]]] = {
    "text": [joins(FULL, MIDDLE), {"kind": "brief", "brief": "Du lịch biển đảo, săn vé."}],
    "budget": [joins(DEAR, BARE), {"kind": "brief", "budget": 3e6, "currency": "VND"}],
    "formats": [joins(FULL, MIDDLE), {"kind": "brief", "formats": ["short_video"]}],
    "price": [joins(MIDDLE), change(OLD, price=5e5, currency="VND")],
    "cadence": [joins(BARE, FULL), change(OLD, cadence_factor=3.0)],
    "engagement": [joins(MIDDLE), change(OLD, engagement_factor=4.0)],
    "shares": [joins(FULL), change(OLD, audience={"age": {"18-24": 0.7}})],
    "followers": [joins(FULL), change(OLD, followers_factor=9.0)],
    "of newcomers": [
        joins(FULL, MIDDLE),
        change("zz_new", price_factor=0.5, cadence_factor=2.0, followers_factor=3.0),
        change(
            "acc_000010_b",
            price=2e6,
            currency="VND",
            engagement_factor=2.0,
            audience={"age": {"18-24": 0.9}},
        ),
    ],
    "absent": [joins(FULL, BARE, MIDDLE, unavailable=[OLD, "zz_new"], hired_by_rival=["00_first"])],
    "bound": [joins(FULL, MIDDLE, hired_by_rival=[OLD])],
    "always": [joins(FULL, MIDDLE, platform_reach={"tiktok": 0.5}, as_if_always=True)],
    "from now on": [joins(FULL, MIDDLE, platform_reach={"youtube": 2.0})],
    "everything": [
        joins(FULL, BARE, MIDDLE, DEAR, platform_reach={"tiktok": 2.0}, as_if_always=True),
        {"kind": "brief", "audience_age": ["18-24"], "countries": ["VN"], "n_creators": 2},
        change("acc_000003", cadence_factor=0.5, price=4e5, currency="VND"),
        change("acc_000005", engagement_factor=2.0),
    ],
}
EVERY = {**ALONE, **MIXED}


def made_anew(state: State) -> MarketData:
    """The scenario's market from its tables alone, in another order of their rows."""
    market = state.job.data.market
    tables = {
        name: table.iloc[::-1].reset_index(drop=True) if name in ("accounts", "posts") else table
        for name, table in market.tables.items()
    }
    return MarketData(replace(market, tables=tables))


def check_equal(desk: Desk, state: State, order: str) -> None:
    fresh = score_brief(
        desk.job.model,
        made_anew(state),
        state.brief,
        as_of=desk.as_of,
        settings=desk.settings,
        order=order,
    )
    found = state.ranked
    np.testing.assert_array_equal(found.candidates.codes, fresh.candidates.codes)
    assert found.candidates.account_ids.tolist() == fresh.candidates.account_ids.tolist()
    assert found.candidates.retrieval_rank.tolist() == fresh.candidates.retrieval_rank.tolist()
    assert found.candidates.removed == fresh.candidates.removed
    np.testing.assert_array_equal(found.matrix.values, fresh.matrix.values)
    assert found.matrix.names == fresh.matrix.names
    assert found.matrix.tiers.tolist() == fresh.matrix.tiers.tolist()
    assert found.matrix.platforms.tolist() == fresh.matrix.platforms.tolist()
    if not state.factors:
        assert found.scores.equals(fresh.scores)
        np.testing.assert_array_equal(found.order_score, fresh.order_score)


@pytest.mark.parametrize("name", list(EVERY))
def test_rankings_equal_those_made_anew(shop: SimpleNamespace, name: str) -> None:
    desk = shop.open()
    _ = desk.base
    check_equal(desk, desk.state(shop.scenario(*EVERY[name])), "outcome")


@pytest.mark.parametrize("name", list(ALONE))
def test_fees_learn_from_those_who_join(shop: SimpleNamespace, name: str) -> None:
    desk = shop.open("value")
    check_equal(desk, desk.state(shop.scenario(*ALONE[name])), "value")


def test_newcomers_take_the_places_of_others(shop: SimpleNamespace) -> None:
    settings = shop.settings.model_copy(
        update={"retrieval": shop.settings.retrieval.model_copy(update={"n_candidates": 20})}
    )
    desk = shop.open(settings=settings)
    _ = desk.base
    near = {**FULL, "text": desk.brief.brief}
    state = desk.state(shop.scenario(joins(near, BARE)))
    assert len(desk.base.ranked.candidates) == len(state.ranked.candidates) == 20
    assert "zz_new" in state.ranked.candidates.account_ids
    check_equal(desk, state, "outcome")


@pytest.mark.parametrize(
    "gone",
    [
        ("posts", "post_metrics", "campaign_posts"),
        ("rates", "account_snapshots", "audiences", "post_metrics"),
        ("collaborations", "campaign_posts", "brands", "campaigns"),
    ],
)
def test_they_join_markets_without_some_tables(
    shop: SimpleNamespace, gone: tuple[str, ...]
) -> None:
    market = shop.data.market
    tables = {
        name: table.head(0) if name in gone else table for name, table in market.tables.items()
    }
    data = MarketData(replace(market, tables=tables))
    instant = market.all_known_at
    desk = open_desk(shop.model, data, shop.brief, as_of=instant, order="outcome")
    for edits in (ALONE["several"], MIXED["absent"]):
        state = desk.state(shop.scenario(*edits))
        check_equal(desk, state, "outcome")
        assert len(compare_scenarios(desk, [state.scenario]).answers) == 1


def test_newcomers_alone_can_be_ranked(shop: SimpleNamespace) -> None:
    desk = shop.open()
    names = desk.job.data.index.account_ids.tolist()
    scenario = shop.scenario(joins(FULL, BARE), {"kind": "brief", "never": names})
    state = desk.state(scenario)
    assert state.ranked.candidates.account_ids.tolist() == ["00_first", "zz_new"]
    check_equal(desk, state, "outcome")


@pytest.mark.parametrize("name", ["several", "unpriced", "price", "of newcomers", "everything"])
def test_answers_are_those_of_a_market_that_holds_them(shop: SimpleNamespace, name: str) -> None:
    """Prices that are edited teach nothing of what others ask; those of newcomers do."""
    edits = EVERY[name]
    desk = shop.open("value", top_k=90)
    new = [account for one in edits for account in one.get("new_accounts", ())]
    data = made_anew(desk.state(shop.scenario(joins(*new))))
    other = open_desk(shop.model, data, shop.brief, order="value", top_k=90)
    rest = [
        {field: value for field, value in one.items() if field != "new_accounts"} for one in edits
    ]
    rest = [one for one in rest if one != {"kind": "market"}]
    found = compare_scenarios(desk, [shop.scenario(*edits)]).answers[0]
    asked = compare_scenarios(other, [shop.scenario(*rest)]).answers[0]
    pd.testing.assert_frame_equal(found.ranking, asked.ranking, check_exact=True)
    assert found.ranking["fee_is_estimate"].any()
    assert found.cost.to_dict()["after"] == asked.cost.to_dict()["after"]
    assert [one.after for one in found.outcomes] == [one.after for one in asked.outcomes]


def test_nothing_leaks_between_scenarios_of_a_batch(shop: SimpleNamespace) -> None:
    def compare(asked: list[Scenario]) -> list[dict[str, Any]]:
        # A market of its own, of which nothing is remembered yet.
        data = MarketData(replace(shop.data.market))
        desk = open_desk(shop.model, data, shop.brief, order="value")
        return [one.to_dict() for one in compare_scenarios(desk, asked).answers]

    names = ("several", "unpriced", "text", "price", "of newcomers", "everything")
    scenarios = [
        *(shop.scenario(*EVERY[name], name=name) for name in names),
        shop.scenario({"kind": "brief", "budget": 9e6, "currency": "USD"}, name="plain"),
        shop.scenario(change(OLD, price=7e5, currency="VND"), name="price alone"),
    ]
    found = compare(scenarios)
    assert compare(scenarios[::-1])[::-1] == found
    for place in (1, 3, 5):
        assert compare([scenarios[place]]) == [found[place]]


@pytest.mark.parametrize("name", ["several", "everything"])
def test_every_joined_value_equals_that_made_anew(shop: SimpleNamespace, name: str) -> None:
    desk = shop.open()
    state = desk.state(shop.scenario(*EVERY[name]))
    found, fresh = state.job.context, shop.model.context(made_anew(state))
    for one in ("account_ids", "person_ids", "person_of", "post_account", "post_published",
                "post_brand", "post_is_sponsored", "brand_described_at", "brand_ids",
                "influencer_described_at", "account_described_at", "_post_keys"):  # fmt: skip
        np.testing.assert_array_equal(getattr(found.index, one), getattr(fresh.index, one), one)
    for one in ("accounts", "influencers", "posts", "brands"):
        frames = (getattr(found.index, one), getattr(fresh.index, one))
        pd.testing.assert_frame_equal(*frames, check_exact=True)
    assert list(found.index.post_texts) == list(fresh.index.post_texts)
    for key, posts in fresh.index.own_posts.items():
        np.testing.assert_array_equal(np.sort(found.index.own_posts[key]), np.sort(posts))
    accounts = np.arange(-1, len(fresh.index.account_ids))
    for since in (None, desk.instant - 40 * 86_400_000_000):
        ranges = [one.index.posts_before(accounts, desk.instant, since=since)
                  for one in (found, fresh)]  # fmt: skip
        np.testing.assert_array_equal(*ranges)
    np.testing.assert_array_equal(
        found.account_sums(accounts, desk.instant), fresh.account_sums(accounts, desk.instant)
    )
    np.testing.assert_array_equal(found.data.texts.post_category, fresh.data.texts.post_category)
    np.testing.assert_array_equal(found.data.texts.mentions, fresh.data.texts.mentions)
    np.testing.assert_array_equal(
        *(one.data.texts.find_names(["Bramquill", "mì cay"]) for one in (found, fresh))
    )
    assert (found.lexical_posts != fresh.lexical_posts).nnz == 0
    for one in ("post_embeddings", "bio_embeddings", "brand_embeddings"):
        np.testing.assert_array_equal(getattr(found, one), getattr(fresh, one), one)
    posts = np.arange(len(fresh.index.posts))
    np.testing.assert_array_equal(found.hashtag_embeddings[posts], fresh.hashtag_embeddings[posts])
    spans = [
        one.data.spans.to_pandas().sort_values(["account", "post", "valid_from"], ignore_index=True)
        for one in (found, fresh)
    ]
    pd.testing.assert_frame_equal(*spans, check_exact=True)
    assert (np.diff(found.data.spans["account"].to_numpy()) >= 0).all()


@pytest.mark.parametrize("name", ["several", "everything"])
def test_joined_dealings_and_facts_equal_those_made_anew(shop: SimpleNamespace, name: str) -> None:
    desk = shop.open()
    state = desk.state(shop.scenario(*EVERY[name]))
    found, fresh = state.job.context, shop.model.context(made_anew(state))
    for one in ("hires", "sponsored", "mentions"):
        for column in ("times", "accounts", "brands", "sources"):
            parts = (getattr(getattr(context.contacts, one), column) for context in (found, fresh))
            np.testing.assert_array_equal(*parts, f"{one} {column}")
    np.testing.assert_array_equal(found.contacts.outcomes_at, fresh.contacts.outcomes_at)
    assert found.contacts.campaign_rows.equals(fresh.contacts.campaign_rows)
    hidden = next(posts for posts in fresh.index.own_posts.values() if len(posts))
    np.testing.assert_array_equal(
        *(one.contacts.brand_profiles(desk.instant, hidden) for one in (found, fresh))
    )
    facts, made = account_facts(found.data), account_facts(fresh.data)
    assert pd.Series(facts.countries).equals(pd.Series(made.countries))
    for one in ("platforms", "described_at", "format_since", "_post_formats",
                "quoted_since", "sponsored", "_sponsored_at"):  # fmt: skip
        np.testing.assert_array_equal(getattr(facts, one), getattr(made, one), one)
    for one in ("languages", "hires", "absences"):
        for part, other in zip(getattr(facts, one), getattr(made, one), strict=True):
            np.testing.assert_array_equal(part, other, one)
    assert facts.bonds.equals(made.bonds)


def test_markets_go_with_their_desk(shop: SimpleNamespace) -> None:
    data = MarketData(replace(shop.data.market))
    desk = open_desk(shop.model, data, shop.brief, order="value")
    scenario = shop.scenario(*MIXED["price"], joins(FULL))
    compare_scenarios(desk, [scenario])
    held = [weakref.ref(data), weakref.ref(desk.state(scenario).job.data)]
    del desk, data
    gc.collect()
    assert [one() for one in held] == [None, None]


def test_every_value_of_a_market_was_thought_of() -> None:
    """A new cached value must be judged: is it put together, or made from the joined tables?"""
    made_from_joined = {
        JoinedIndex: {
            "influencer_described_at", "account_described_at", "brand_described_at", "brand_ids",
            "brands", "brand_owners", "post_languages", "_published_ranks", "_post_keys", "quotes",
            "audiences",
        },
        JoinedData: {"gaps", "_embedded"},
        JoinedTexts: {
            "_scanned", "hashtags", "terms", "counts", "_posts_of", "_folded_terms",
        },
        JoinedContext: {"_running_sums", "_kept_sums", "lexical_posts"},
        JoinedContacts: {"campaign_rows", "mentions", "_caption_sums"},
        JoinedFacts: {
            "platforms", "described_at", "countries", "languages", "_posts_at", "sponsored",
            "_sponsored_at", "absences", "bonds",
        },
    }  # fmt: skip
    bases = (MarketIndex, MarketData, TextIndex, FeatureContext, Contacts, AccountFacts)
    for (kind, inherited), base in zip(made_from_joined.items(), bases, strict=True):
        assert issubclass(kind, base)
        held = {name for name, one in vars(base).items() if isinstance(one, cached_property)}
        assert held - set(vars(kind)) == inherited, kind.__name__


def test_lists_and_plans_are_those_made_anew(shop: SimpleNamespace) -> None:
    """What answers do not look at is right too: evidence, reasons, warnings, past hires."""
    brief = shop.brief.model_copy(update={"budget": 2e7, "currency": "VND"})
    state = shop.open("value", brief=brief).state(shop.scenario(*ALONE["several"]))
    lists, plans = [], []
    for data, context in ((state.job.data, state.job.context), (made_anew(state), None)):
        options = {"settings": shop.settings, "context": context}
        made = recommend(shop.model, data, [brief], top_k=90, order="value", **options)
        lists.append(made.frame)
        plans.append(plan(shop.model, data, brief, seconds=2.0, frontier=False, **options))
    assert {"zz_new", "00_first"} <= set(lists[0]["account_id"])
    pd.testing.assert_frame_equal(*lists, check_exact=True)
    assert plans[0].facts["worth"] == plans[1].facts["worth"]
    assert plans[0].frame["account_id"].tolist() == plans[1].frame["account_id"].tolist()


@pytest.mark.parametrize("by", GROUPINGS)
def test_newcomers_belong_to_groups(shop: SimpleNamespace, by: str) -> None:
    desk = shop.open()
    state = desk.state(shop.scenario(*ALONE["several"]))
    codes = state.ranked.candidates.codes
    groups = [
        account_groups(data.index, by, codes, desk.instant).tolist()
        for data in (state.job.data, made_anew(state))
    ]
    assert groups[0] == groups[1]


def test_refusals(shop: SimpleNamespace) -> None:
    desk = shop.open()
    with pytest.raises(DataError, match=r"1 new account\(s\) are in the market already"):
        desk.state(shop.scenario(joins({**FULL, "account_id": OLD})))
    with pytest.raises(DataError, match=r"not in the market: \['zz_neww'\]; did you mean 'zz_new'"):
        desk.state(shop.scenario(joins(FULL), change("zz_neww", price=1.0, currency="VND")))
    wanted = shop.open(brief=desk.brief.model_copy(update={"must_have": ("zz_new",)}))
    with pytest.raises(ConfigError, match=r"the brief must have \['zz_new'\]"):
        wanted.state(shop.scenario(joins(FULL, unavailable=["zz_new"])))
    named = (
        desk.job.data.market.tables["influencers"].iloc[[0]].assign(influencer_id="scenario:zz_new")
    )
    tables = desk.job.data.market.tables
    people = pd.concat([tables["influencers"], named], ignore_index=True)
    data = MarketData(replace(shop.data.market, tables={**tables, "influencers": people}))
    other = open_desk(shop.model, data, shop.brief)
    with pytest.raises(DataError, match=r"1 id\(s\) of the people of new accounts"):
        other.state(shop.scenario(joins(FULL)))
