from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.errors import LeakageError
from matcher.features.context import MarketData
from matcher.market.market import build_market
from matcher.recommend.precedents import (
    SAME_BRAND,
    SAME_CATEGORY,
    SAME_OBJECTIVE,
    build_past_hires,
    build_similar_campaigns,
)
from matcher.recommend.recommend import recommend
from matcher.recommend.recommendations import PAST_PARTS, SIMILAR_PARTS, Recommendations

INSTANTS = (-300.0, -150.0, -100.0, 0.0)


def microseconds(instant):
    return int(instant.value // 1_000)


def nearest(shop, brief, instant):
    """Campaigns decided before an instant, the nearest first, with cosine, by plain loops."""
    tables = shop.make_tables()
    category = tables["brands"].set_index("brand_id")["category"]
    encode = shop.model.encoder.encode
    query = encode([brief.text], role="brief")[0].astype(float)
    found = []
    for row in tables["campaigns"].to_dict("records"):
        if pd.isna(row["decided_at"]) or row["decided_at"] >= instant:
            continue
        if row["campaign_id"] == brief.brief_id:
            continue
        text = f"{row['title']}\n{row['brief']}"
        cosine = float(encode([text], role="brief")[0].astype(float) @ query)
        near = cosine + SAME_BRAND * (row["brand_id"] == brief.brand_id)
        near += SAME_CATEGORY * (category[row["brand_id"]] == category[brief.brand_id])
        near += SAME_OBJECTIVE * (row.get("objective") == brief.objective)
        found.append((near, row["decided_at"], row["campaign_id"], cosine))
    return [(name, cosine) for near, _, name, cosine in sorted(found, reverse=True) if near > 0]


def hires_of(shop, instant):
    """Account, outcome (None when not known yet) of the hires of each campaign known in time."""
    found = {}
    for row in shop.make_tables()["collaborations"].to_dict("records"):
        if row["status_at"] < instant:
            reached = row["engagements"] if row["outcome_at"] < instant else None
            found.setdefault(row["campaign_id"], {})[row["account_id"]] = reached
    return found


@pytest.mark.parametrize("days", INSTANTS)
@pytest.mark.parametrize("terms", [{}, {"brand_id": "br4", "objective": "engagement"}])
def test_similar_campaigns_are_those_found_by_loops(shop, days, terms):
    instant, brief = shop.at(days), shop.make_brief("old03", **terms)
    hires = hires_of(shop, instant)
    expected = [(name, cosine) for name, cosine in nearest(shop, brief, instant) if name in hires]
    found = build_similar_campaigns(shop.context, brief, microseconds(instant), language="en")
    assert set(found) == {f"similar_{n}_{part}" for n in (1, 2, 3) for part in SIMILAR_PARTS}
    shown = [found[f"similar_{n}_campaign_id"] for n in (1, 2, 3)]
    assert [name for name in shown if name] == [name for name, _ in expected[:3]]
    for number, (name, cosine) in enumerate(expected[:3], start=1):
        known = [one for one in hires[name].values() if one is not None]
        values = {part: found[f"similar_{number}_{part}"] for part in SIMILAR_PARTS}
        assert values["similarity"] == pytest.approx(cosine, abs=1e-6)
        assert (values["n_hired"], values["n_outcomes"]) == (len(hires[name]), len(known))
        assert values["outcome"] == (np.median(known) if known else None)
        assert values["outcome_name"] == ("engagements" if known else None)
        assert ("no outcome known yet" in values["text"]) is (not known)
        assert values["decided_at"] < instant


@pytest.mark.parametrize("days", INSTANTS)
def test_past_hires_are_those_found_by_loops(shop, days):
    instant, brief = shop.at(days), shop.make_brief("old03")
    index = shop.data.index
    person_of = dict(
        zip(index.accounts["account_id"], index.accounts["influencer_id"], strict=True)
    )
    hires = hires_of(shop, instant)
    order = [name for name, _ in nearest(shop, brief, instant) if name in hires]
    codes = np.arange(len(index.account_ids))
    found = build_past_hires(shop.context, brief, codes, microseconds(instant), language="vi")
    assert set(found) == {f"past_{n}_{part}" for n in (1, 2) for part in PAST_PARTS}
    n_shown = 0
    for row, account in enumerate(index.account_ids):
        expected = []
        for name in order:
            mine = [one for one in hires[name] if person_of[one] == person_of[account]]
            if mine:
                expected.append((name, account if account in mine else min(mine)))
        for number in (1, 2):
            shown = {part: found[f"past_{number}_{part}"][row] for part in PAST_PARTS}
            if number > len(expected):
                assert shown == dict.fromkeys(PAST_PARTS)
                continue
            n_shown += 1
            name, hired = expected[number - 1]
            outcome = hires[name][hired]
            known = [one for one in hires[name].values() if one is not None]
            assert (shown["campaign_id"], shown["account_id"]) == (name, hired)
            assert shown["outcome"] == outcome
            if outcome is None or len(known) < 3:
                assert shown["outcome_ratio"] is None
            else:
                assert shown["outcome_ratio"] == pytest.approx(outcome / np.median(known))
            assert ("trên YouTube" in shown["text"]) is (hired != account and hired[0] == "b")
            assert ("chưa biết kết quả" in shown["text"]) is (outcome is None)
    assert (n_shown > 0) is (days > -260)


def test_what_is_said_of_the_past(shop):
    brief = shop.make_brief(brand_id="br3", objective="engagement")
    instant = microseconds(shop.NOW)
    en = build_similar_campaigns(shop.context, brief, instant, language="en")
    vi = build_similar_campaigns(shop.context, brief, instant, language="vi")
    reached = hires_of(shop, shop.NOW)[en["similar_1_campaign_id"]]
    middle = f"{np.median(list(reached.values())):,.0f}"
    assert en["similar_1_text"] == (
        "Chiến dịch 9 of Brandname3, decided 2024-10-27 (likeness "
        f"{en['similar_1_similarity']:.2f}, same brand, same objective): 5 hired, {middle} "
        "engagements at the median of the 5 outcomes known."
    )
    cosine = f"{en['similar_1_similarity']:.2f}".replace(".", ",")
    assert vi["similar_1_text"] == (
        f"Chiến dịch 9 của Brandname3, quyết định ngày 27/10/2024 (độ giống {cosine}, cùng nhãn "
        f"hàng, cùng mục tiêu): thuê 5 tài khoản, trung vị {middle.replace(',', '.')} lượt tương "
        "tác trong 5 kết quả đã biết."
    )


def test_a_brief_without_text_is_near_by_its_terms_alone(shop):
    brief = shop.make_brief(brief=None, title=None)
    found = build_similar_campaigns(shop.context, brief, microseconds(shop.NOW), language="en")
    assert [found[f"similar_{n}_campaign_id"] for n in (1, 2, 3)] == ["old06", "old00", "old09"]
    assert np.isnan(found["similar_1_similarity"])
    assert "(no text to compare, same brand)" in found["similar_1_text"]
    stranger = shop.make_brief(brief=None, title=None, brand_id=None)
    none = build_similar_campaigns(shop.context, stranger, microseconds(shop.NOW), language="en")
    assert set(none.values()) == {None}


def test_what_became_known_later_changes_nothing(shop):
    tables = shop.make_tables()
    campaigns, collaborations = tables["campaigns"], tables["collaborations"]
    twin = campaigns[campaigns["campaign_id"] == "old06"].assign(
        campaign_id="twin", decided_at=shop.NOW
    )
    tables["campaigns"] = pd.concat([campaigns, twin], ignore_index=True)
    extra = collaborations[collaborations["campaign_id"] == "old06"]
    new = extra.assign(
        campaign_id="twin",
        collaboration_id="twin_" + extra["collaboration_id"],
        status_at=shop.at(-3),
        outcome_at=shop.at(-1),
    )
    late = extra.head(1).assign(
        account_id="a47", collaboration_id="late", status_at=shop.NOW, outcome_at=shop.at(1)
    )
    tables["collaborations"] = pd.concat([collaborations, new, late], ignore_index=True)
    data = MarketData(build_market(tables))
    briefs = [shop.make_brief(), shop.make_brief("old06")]
    options = {"as_of": shop.NOW, "top_k": 60}
    before = recommend(shop.model, shop.data, briefs, **options)
    after = recommend(shop.model, data, briefs, **options)
    kept = [name for name in before.frame if name != "data_hash"]
    pd.testing.assert_frame_equal(before.frame[kept], after.frame[kept])
    pd.testing.assert_frame_equal(before.pools, after.pools)
    own = before.frame[before.frame["brief_id"] == "old06"]
    assert not (own[["past_1_campaign_id", "past_2_campaign_id"]] == "old06").any().any()
    assert before.frame["past_1_outcome"].notna().any()


@pytest.mark.parametrize("name", ["past_1_decided_at", "similar_2_decided_at"])
def test_a_campaign_from_the_instant_on_is_refused(shop, name):
    found = recommend(shop.model, shop.data, [shop.make_brief()], as_of=shop.NOW, top_k=5)
    frame, pools = found.frame.copy(), found.pools.copy()
    (frame if name in frame else pools)[name] = shop.NOW
    with pytest.raises(LeakageError, match=f"`{name}` was decided at or after"):
        Recommendations(frame, pools)
