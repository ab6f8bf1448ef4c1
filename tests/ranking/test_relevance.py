from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.columns import OBJECTIVES, OUTCOMES, TRUST_PROXY
from matcher.config import MarketSettings, Objectives
from matcher.errors import ConfigError, DataError
from matcher.market.market import build_market
from matcher.ranking.relevance import (
    closed_campaigns,
    fully_closed_at,
    hired_pairs,
    level_names,
    measured_outcomes,
)


@pytest.fixture(scope="session")
def market_of(m):
    """Market of collaborations alone; campaigns c1 and c2, each account with two own posts."""

    def make(*rows: dict, objective: str = "engagement", **more: pd.DataFrame):
        hires = [
            {"collaboration_id": f"k{place}", "status": "completed", "status_at": m.at(-60), **row}
            for place, row in enumerate(rows)
        ]
        accounts = [f"a{n}" for n in range(8)]
        posts = [
            {"post_id": f"{a}_{n}", "account_id": a, "published_at": m.at(-50)}
            for a in accounts
            for n in range(2)
        ]
        return build_market(
            {
                "accounts": pd.DataFrame(
                    {"account_id": accounts, "influencer_id": accounts, "platform": "tiktok"}
                ),
                "posts": pd.DataFrame(posts),
                "brands": pd.DataFrame({"brand_id": ["b"], "name": ["Alpha"]}),
                "campaigns": pd.DataFrame(
                    {
                        "campaign_id": ["c1", "c2"],
                        "brand_id": "b",
                        "objective": objective,
                        "decided_at": m.at(-70),
                    }
                ),
                "collaborations": pd.DataFrame(hires),
                **more,
            }
        )

    return make


def hire(account: str, campaign: str = "c1", **more) -> dict:
    return {"campaign_id": campaign, "account_id": account, **more}


def test_pairs_are_hired_once_by_accepted_or_completed_rows(m, market_of):
    market = market_of(
        hire("a1", status_at=m.at(-40), outcome_at=m.at(-20)),
        hire("a1", status="accepted", status_at=m.at(-60), outcome_at=m.at(-30)),
        hire("a2", status="declined"),
        hire("a3", status="shortlisted"),
        hire("a4", status="cancelled"),
    )
    found = hired_pairs(market)
    assert found[["campaign_id", "account_id"]].to_numpy().tolist() == [["c1", "a1"]]
    assert found["status_at"].tolist() == [m.at(-60)]
    assert found["outcome_at"].tolist() == [m.at(-20)]


@pytest.mark.parametrize(
    ("day", "closed"), [(-41, []), (-20, []), (-19, ["c1"]), (0, ["c1"]), (0.01, ["c1", "c2"])]
)
def test_campaigns_close_when_every_hire_is_settled(m, market_of, day, closed):
    """c1 by outcomes, the last at day -20; c2 by 30 days without any after day -30."""
    market = market_of(
        hire("a1", outcome_at=m.at(-40)),
        hire("a2", status_at=m.at(-45), outcome_at=m.at(-20)),
        hire("a3", "c2", status_at=m.at(-30)),
    )
    assert closed_campaigns(market, m.at(day)).tolist() == closed


def test_hires_after_the_instant_do_not_reopen_a_campaign(m, market_of):
    market = market_of(hire("a1", outcome_at=m.at(-40)), hire("a2", status_at=m.at(-10)))
    assert closed_campaigns(market, m.at(-20)).tolist() == ["c1"]


def test_later_rows_of_a_pair_do_not_reopen_a_campaign(m, market_of):
    market = market_of(
        hire("a1", outcome_at=m.at(-40)),
        hire("a1", status_at=m.at(-10), outcome_at=m.at(-5)),
    )
    assert closed_campaigns(market, m.at(-20)).tolist() == ["c1"]


DAYS = st.integers(-80, 0)
ROWS = st.lists(
    st.tuples(st.sampled_from(["a1", "a2", "a3"]), st.sampled_from(["c1", "c2"]), DAYS,
              st.one_of(st.none(), st.integers(0, 60))),
    min_size=1, max_size=6,
)  # fmt: skip


@given(ROWS, DAYS)
def test_closing_looks_only_at_what_was_known(m, market_of, rows, day):
    market = market_of(
        *(
            hire(
                account,
                campaign,
                status_at=m.at(status),
                outcome_at=pd.NaT if wait is None else m.at(status + wait),
            )
            for account, campaign, status, wait in rows
        )
    )
    whole = closed_campaigns(market, m.at(day)).tolist()
    cut = closed_campaigns(market.as_of(m.at(day)), m.at(day)).tolist()
    assert whole == cut


def test_full_closing_waits_for_every_hire(m, market_of):
    market = market_of(hire("a1", outcome_at=m.at(-40)), hire("a2", status_at=m.at(-10)))
    assert fully_closed_at(market).to_dict() == {"c1": m.at(20)}


def test_nobody_hired_closes_nothing(m, market_of):
    market = market_of(hire("a1", status="declined"))
    assert closed_campaigns(market, m.NOW).tolist() == []
    assert measured_outcomes(market).empty


def test_every_objective_has_outcomes_of_the_contract():
    mapping = Objectives().outcomes()
    assert tuple(mapping) == OBJECTIVES
    named = {name for names in mapping.values() for name in names}
    assert named - {TRUST_PROXY} <= set(OUTCOMES)
    assert {Objectives().of(name).order for name in (*OBJECTIVES, None)} == {"outcome"}


def test_settings_say_what_stands_for_an_objective(m, market_of):
    seen = {"outcome_at": m.at(-9), "engagements": 3.0, "reach": 70.0}
    market = market_of(hire("a1", **seen), objective="awareness")
    assert measured_outcomes(market)["outcome_name"].tolist() == ["reach"]
    settings = MarketSettings.model_validate(
        {"objectives": {"awareness": {"outcomes": ["engagements"], "order": "fit"}}}
    )
    other = build_market(market.tables, settings)
    assert measured_outcomes(other)["outcome_name"].tolist() == ["engagements"]
    assert settings.objectives.of("awareness").order == "fit"
    assert settings.objectives.of("sales").order == "outcome"


@pytest.mark.parametrize(
    ("awareness", "match"),
    [
        ({"outcomes": ["reech"]}, "'reech' is no outcome; did you mean 'reach'"),
        ({"outcomes": ["reach", "reach"]}, "an outcome stands twice"),
        ({"outcomes": []}, "at least 1 item"),
        ({"outcomes": ["reach"], "order": "score"}, "objectives.awareness.order"),
    ],
)
def test_a_mapping_that_cannot_be(awareness, match):
    with pytest.raises(ConfigError, match=match):
        MarketSettings.model_validate({"objectives": {"awareness": awareness}})


@pytest.mark.parametrize(
    ("objective", "name"),
    [
        ("awareness", "reach"),
        ("engagement", "engagements"),
        ("traffic", "link_clicks"),
        ("leads", "leads"),
        ("sales", "conversions"),
        (None, "engagements"),
    ],
)
def test_objective_chooses_the_outcome(m, market_of, objective, name):
    values = {outcome: float(place) for place, outcome in enumerate(OUTCOMES, start=1)}
    market = market_of(hire("a1", outcome_at=m.at(-9), **values), objective=objective)
    found = measured_outcomes(market).iloc[0]
    assert found["outcome_name"] == name
    assert found["outcome"] == values[name]
    assert found["outcome_at"] == m.at(-9)


def test_an_outcome_that_half_of_the_hires_lack_gives_way(m, market_of):
    seen = {"outcome_at": m.at(-9)}
    market = market_of(
        hire("a1", conversions=4.0, link_clicks=10.0, **seen),
        hire("a2", link_clicks=20.0, **seen),
        hire("a3", link_clicks=None, views=5.0, **seen),
        hire("a4", "c2", conversions=1.0, **seen),
        hire("a5", "c2", link_clicks=6.0, **seen),
        objective="sales",
    )
    found = measured_outcomes(market).set_index("account_id")
    assert found["outcome_name"].to_dict() == {
        "a1": "link_clicks", "a2": "link_clicks", "a4": "conversions",
    }  # fmt: skip
    assert found["outcome"].to_dict() == {"a1": 10, "a2": 20, "a4": 1}


def test_rows_of_a_pair_are_added_up(m, market_of):
    market = market_of(
        hire("a1", engagements=3.0, outcome_at=m.at(-9)),
        hire("a1", engagements=4.0, outcome_at=m.at(-5)),
        hire("a1", engagements=None, outcome_at=m.at(-4)),
        hire("a2", engagements=0.0, outcome_at=m.at(-9)),
    )
    found = measured_outcomes(market)
    assert found["outcome"].tolist() == [7, 0]
    assert found["outcome_at"].tolist() == [m.at(-4), m.at(-9)]


def test_outcomes_are_used_only_once_known(m, market_of):
    market = market_of(
        hire("a1", engagements=3.0, outcome_at=m.at(-9)),
        hire("a2", engagements=4.0, outcome_at=m.at(-4)),
        hire("a3", engagements=5.0),
    )
    assert measured_outcomes(market)["account_id"].tolist() == ["a1", "a2"]
    assert measured_outcomes(market.as_of(m.at(-4)))["account_id"].tolist() == ["a1"]


@pytest.fixture
def readings(m):
    """Post 0 of account n: likes 100 n, then 1000 n; comments 10 n; shares n. Post 1: likes 1."""
    rows = []
    for n in range(1, 8):
        more = {"comments": 10.0 * n, "shares": 1.0 * n}
        rows.append({"post_id": f"a{n}_0", "observed_at": m.at(-40), "likes": 100.0 * n, **more})
        rows.append({"post_id": f"a{n}_0", "observed_at": m.at(-30), "likes": 1e3 * n, **more})
        rows.append(
            {"post_id": f"a{n}_1", "observed_at": m.at(-40), "likes": 1.0, "comments": 0.0,
             "shares": 0.0}
        )  # fmt: skip
    return pd.DataFrame(rows)


def links(*names: str) -> pd.DataFrame:
    return pd.DataFrame({"campaign_id": "c1", "post_id": list(names)})


def test_mixed_engagements_are_rebuilt_on_the_parts_all_have(m, market_of, readings):
    seen = {"outcome_at": m.at(-9)}
    market = market_of(
        hire("a1", engagements=7.0, engagements_parts="likes+comments+shares", **seen),
        hire("a2", engagements=7.0, engagements_parts="likes+comments", **seen),
        hire("a3", "c2", engagements=7.0, engagements_parts="likes", **seen),
        post_metrics=readings,
        campaign_posts=links("a1_0", "a1_1", "a2_0"),
    )
    found = measured_outcomes(market).set_index("account_id")["outcome"]
    assert found.to_dict() == {"a1": 1_000 + 10 + 1, "a2": 2_000 + 20, "a3": 7}


def test_rebuilt_engagements_of_several_rows_of_a_pair_count_once(m, market_of, readings):
    seen = {"outcome_at": m.at(-9), "engagements": 7.0}
    market = market_of(
        hire("a1", engagements_parts="likes+comments+shares", **seen),
        hire("a1", engagements_parts="likes+comments+shares", **seen),
        hire("a2", engagements_parts="likes+comments", **seen),
        post_metrics=readings,
        campaign_posts=links("a1_0", "a2_0"),
    )
    found = measured_outcomes(market).set_index("account_id")["outcome"]
    assert found.to_dict() == {"a1": 1_010, "a2": 2_020}


def test_mixed_engagements_without_posts_are_not_compared(m, market_of):
    seen = {"outcome_at": m.at(-9), "engagements": 7.0, "views": 3.0}
    market = market_of(
        hire("a1", engagements_parts="likes+comments+shares", **seen),
        hire("a2", engagements_parts="likes+comments", **seen),
    )
    found = measured_outcomes(market)
    assert found["outcome_name"].tolist() == ["views", "views"]


def test_engagements_without_a_common_part_are_not_compared(m, market_of, readings):
    seen = {"outcome_at": m.at(-9), "engagements": 7.0, "views": 3.0}
    market = market_of(
        hire("a1", engagements_parts="likes", **seen),
        hire("a2", engagements_parts="comments+shares", **seen),
        post_metrics=readings,
        campaign_posts=links("a1_0", "a2_0"),
    )
    assert measured_outcomes(market)["outcome_name"].tolist() == ["views", "views"]


def test_trust_is_read_from_the_campaigns_posts_per_reach(m, market_of, readings):
    """(10 n + n + 5) per reach, where the reach of the hire goes before that of its posts."""
    seen = {"outcome_at": m.at(-9), "engagements": 7.0}
    counted = readings.assign(saves=5.0, reach=1_000.0)
    market = market_of(
        hire("a1", reach=100.0, **seen),
        hire("a2", **seen),
        hire("a3", **seen),
        objective="trust",
        post_metrics=counted,
        campaign_posts=links("a1_0", "a2_0"),
    )
    found = measured_outcomes(market).set_index("account_id")
    assert set(found["outcome_name"]) == {TRUST_PROXY}
    assert found["outcome"].to_dict() == pytest.approx({"a1": 16 / 100, "a2": 27 / 1_000})
    assert level_names(found, np.array(["c1", "new"], dtype=object)).tolist() == [
        "", "engagements_level",
    ]  # fmt: skip


def test_trust_without_counts_falls_back_to_engagements(m, market_of):
    market = market_of(hire("a1", engagements=7.0, outcome_at=m.at(-9)), objective="trust")
    assert measured_outcomes(market)["outcome_name"].tolist() == ["engagements"]


def test_lift_of_views_is_taken_over_the_level_of_views(m, market_of):
    market = market_of(hire("a1", views=7.0, outcome_at=m.at(-9)), objective="engagement")
    names = level_names(measured_outcomes(market), np.array(["c1"], dtype=object))
    assert names.tolist() == ["views_level"]


def sales(currency: str | None = "USD", **more):
    return {
        "objective": "sales",
        "campaigns": pd.DataFrame(
            {
                "campaign_id": ["c1", "c2"],
                "brand_id": "b",
                "objective": "sales",
                "currency": [currency] * 2,
                "decided_at": pd.Timestamp("2024-01-01", tz="UTC"),
            }
        ),
        **more,
    }


def earned(account: str, revenue: float, currency: str | None):
    at = pd.Timestamp("2024-02-01", tz="UTC")
    return {
        "campaign_id": "c1", "account_id": account, "status_at": at, "outcome_at": at,
        "revenue": revenue, "currency": currency,
    }  # fmt: skip


RATES = pd.DataFrame({"from": ["VND"], "to": ["USD"], "on": ["2024-01-15"], "rate": [1 / 25_000]})


def test_revenue_is_compared_in_the_currency_of_its_campaign(market_of):
    rows = (earned("a0", 5_000.0, "USD"), earned("a1", 25_000_000.0, "VND"))
    market = market_of(*rows, **sales(exchange_rates=RATES))
    found = measured_outcomes(market).set_index("account_id")["outcome"]
    assert found.to_dict() == pytest.approx({"a0": 5_000.0, "a1": 1_000.0})
    lacking = market_of(*rows, **sales())
    with pytest.raises(DataError, match="no rate from VND to USD before 2024-02-01"):
        measured_outcomes(lacking)
    listed = lacking.quarantine.loc[lacking.quarantine["rule"] == "missing_rate", "value"]
    assert listed.tolist() == [
        "VND to USD before 2024-02-01, for the revenue of 1 collaboration(s)"
    ]


@pytest.mark.parametrize("held", ["VND", None])
def test_a_campaign_without_currency_is_computed_in_that_of_its_rows(market_of, held):
    market = market_of(earned("a0", 2.0, held), earned("a1", 3.0, held), **sales(None))
    if held is None:
        assert market.tables["collaborations"]["revenue"].notna().any()
    assert measured_outcomes(market)["outcome"].tolist() == [2.0, 3.0]


def test_revenue_in_several_currencies_needs_that_of_the_campaign(market_of):
    rows = (earned("a0", 2.0, "USD"), earned("a1", 3.0, "VND"))
    with pytest.raises(DataError, match="give the `currency` of the campaign"):
        measured_outcomes(market_of(*rows, **sales(None)))
