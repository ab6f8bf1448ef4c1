"""What is shared between scenarios changes no result: everything equals a ranking made anew."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from matcher.features.contacts import Contacts
from matcher.features.context import FeatureContext, PairView
from matcher.features.data import MarketData
from matcher.features.index import MarketIndex
from matcher.features.pair_features import FAMILIES, compute_family
from matcher.features.pairs import build_pairs
from matcher.features.texts import TextIndex
from matcher.recommend.recommend import score_brief
from matcher.retrieval.facts import AccountFacts
from matcher.whatif.desk import Desk, open_desk
from matcher.whatif.edited import FACTS_READ, READS
from matcher.whatif.shared import BRIEF_FIELDS
from matcher.whatif.state import State

ACCOUNT = "acc_000001"
NEW = {
    "account_id": "zz_new",
    "platform": "tiktok",
    "text": "mì cay siêu ngon",
    "engagements": 900.0,
    "views": 20_000.0,
    "n_followers": 5e4,
    "price": 1e6,
    "currency": "VND",
    "format": "short_video",
}
EDITS: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "budget": [{"kind": "brief", "budget": 3e6}],
    "text": [{"kind": "brief", "brief": "Du lịch biển đảo, săn vé máy bay."}],
    "audience": [{"kind": "brief", "audience_age": ["45-54"], "audience_interests": None}],
    "formats": [{"kind": "brief", "formats": ["video"], "n_creators": 2}],
    "price": [{"kind": "influencer", "account_id": ACCOUNT, "price": 5e5}],
    "cadence": [{"kind": "influencer", "account_id": ACCOUNT, "cadence_factor": 3.0}],
    "engagement": [{"kind": "influencer", "account_id": ACCOUNT, "engagement_factor": 4.0}],
    "followers": [{"kind": "influencer", "account_id": ACCOUNT, "followers_factor": 9.0}],
    "shares": [{"kind": "influencer", "account_id": ACCOUNT, "audience": {"age": {"18-24": 0.7}}}],
    "absent": [{"kind": "market", "unavailable": [ACCOUNT]}],
    "bound": [{"kind": "market", "hired_by_rival": [ACCOUNT]}],
    "always": [{"kind": "market", "platform_reach": {"tiktok": 0.5}, "as_if_always": True}],
    "joined": [{"kind": "market", "new_accounts": [NEW]}],
}
EDITS["several"] = [
    *(EDITS[name][0] for name in ("budget", "text", "absent")),
    {"kind": "influencer", "account_id": "acc_000003", "cadence_factor": 0.5},
    {"kind": "influencer", "account_id": "acc_000005", "engagement_factor": 2.0},
]


def anew(desk: Desk, state: State, order: str) -> Any:
    """The same ranking from the edited tables alone."""
    data = MarketData(replace(state.job.data.market))
    return score_brief(
        desk.job.model, data, state.brief, as_of=desk.as_of, settings=desk.settings, order=order
    )


@pytest.mark.parametrize("name", list(EDITS))
def test_states_equal_rankings_made_anew(shop: SimpleNamespace, name: str) -> None:
    desk = shop.open()
    _ = desk.base
    state = desk.state(shop.scenario(*EDITS[name]))
    fresh = anew(desk, state, "outcome")
    assert state.ranked.candidates.account_ids.tolist() == fresh.candidates.account_ids.tolist()
    np.testing.assert_array_equal(state.ranked.matrix.values, fresh.matrix.values)
    assert state.ranked.scores.equals(fresh.scores)
    np.testing.assert_array_equal(state.ranked.order_score, fresh.order_score)


def test_order_of_asking_does_not_count(shop: SimpleNamespace) -> None:
    forth, back = shop.open("value"), shop.open("value")
    scenarios = [shop.scenario(*edits, name=name) for name, edits in EDITS.items()]
    found = [forth.state(one).ranked.scores for one in scenarios]
    again = [back.state(one).ranked.scores for one in reversed(scenarios)][::-1]
    assert all(one.equals(other) for one, other in zip(found, again, strict=True))


def test_edited_prices_teach_nothing_of_what_others_ask(shop: SimpleNamespace) -> None:
    """Not even where nobody asked for the currency before."""
    dollars = {"kind": "brief", "currency": "USD", "budget": 9e6}
    named = sorted(set(shop.data.market.tables["rates"]["account_id"]))
    dear = [
        {"kind": "influencer", "account_id": one, "price": 5e3, "currency": "USD"}
        for one in named[:20]
    ]
    asked = shop.scenario(dollars)
    plain, after = (
        open_desk(shop.model, MarketData(replace(shop.data.market)), shop.brief, order="value")
        for _ in range(2)
    )
    _ = after.state(shop.scenario(dollars, *dear))
    assert after.state(asked).ranked.scores.equals(plain.state(asked).ranked.scores)


OTHER = {
    "brief_id": "another",
    "title": "Sữa rửa mặt",
    "brief": "Da dầu, mụn, kem chống nắng",
    "brief_language": "en",
    "objective": "sales",
    "kpi": "conversions",
    "kpi_goal": 10.0,
    "platforms": ("tiktok",),
    "formats": ("video",),
    "countries": ("US",),
    "creator_languages": ("en",),
    "n_creators": 3,
    "n_posts": 4,
    "audience_age": ("45-54",),
    "audience_interests": ("travel",),
    "audience_gender": "female",
    "budget": 1e6,
    "currency": "USD",
    "timezone": "UTC",
    "must_have": (ACCOUNT,),
    "never": (ACCOUNT,),
    "starts_on": "2025-01-01",
    "ends_on": "2025-02-01",
    "brand_category": "beauty",
    "brand_id": "br_001",
    "brand_name": "Bramquill",
    "brand_description": "Kem đánh răng",
    "brand_owner": "x",
    "competitor_ids": ("br_000",),
}


@pytest.mark.parametrize("field", list(OTHER))
def test_families_read_no_field_that_they_do_not_name(shop: SimpleNamespace, field: str) -> None:
    brief = shop.brief
    changed = brief.model_validate({**brief.model_dump(), field: OTHER[field]})
    ids = shop.context.index.account_ids.to_numpy(object)
    values = []
    for one in (brief, changed):
        instants = {one.brief_id: shop.data.market.all_known_at}
        pairs = build_pairs([one], {one.brief_id: ids}, instants=instants)
        view = PairView(shop.context, pairs)
        values.append(
            {
                name: compute_family(name, shop.model.prior, view)
                for name in (*(family.name for family in FAMILIES), "resonance")
            }
        )
    for name, columns in values[0].items():
        if field in BRIEF_FIELDS[name]:
            continue
        for column, before in columns.items():
            np.testing.assert_array_equal(before, values[1][name][column], err_msg=column)


def test_every_kept_value_was_thought_of() -> None:
    """A new cached value must be judged: does an edit touch it?"""
    known = {
        MarketIndex: {
            "account_ids", "accounts", "person_ids", "person_of", "influencers",
            "influencer_described_at", "account_described_at", "brand_described_at", "brand_ids",
            "brands", "brand_owners", "posts", "post_account", "post_published", "post_languages",
            "post_brand", "post_is_sponsored", "_published_ranks", "_post_keys", "quotes",
            "audiences", "own_posts",
        },
        MarketData: {"index", "texts", "gaps", "_embedded", "spans"},
        TextIndex: {
            "_scanned", "hashtags", "terms", "counts", "post_category", "_posts_of",
            "_folded_terms", "mentions",
        },
        FeatureContext: {
            "post_embeddings", "hashtag_embeddings", "bio_embeddings", "brand_embeddings",
            "lexical_posts", "_running_sums", "_kept_sums", "contacts", "past_briefs",
        },
        Contacts: {
            "hires", "campaign_rows", "outcomes_at", "sponsored", "mentions", "_caption_sums",
        },
        AccountFacts: {
            "platforms", "described_at", "countries", "languages", "format_since",
            "_post_formats", "quoted_since", "_posts_at", "hires", "sponsored", "_sponsored_at",
            "absences", "bonds",
        },
    }  # fmt: skip
    for kind, names in known.items():
        held = {name for name, one in vars(kind).items() if isinstance(one, cached_property)}
        assert held == names, f"{kind.__name__}: say in matcher.whatif.edited what edits touch"
    for kind, reads in {**READS, AccountFacts: FACTS_READ}.items():
        assert set(reads) <= known[kind]
