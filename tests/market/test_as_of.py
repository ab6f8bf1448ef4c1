from __future__ import annotations

import copy
import pickle

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.columns import COUNTERS, OUTCOMES
from matcher.config import MarketSettings
from matcher.errors import DataError, UsageError
from matcher.market.market import Market, build_market
from matcher.market.schema import TABLES

START = pd.Timestamp("2023-01-01", tz="UTC")


def at(day: int, micros: int = 0) -> pd.Timestamp:
    return START + pd.Timedelta(days=day) + pd.Timedelta(micros, unit="us")


def assert_same_tables(left: Market, right: Market) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(left.tables[name], right.tables[name])


days = st.integers(0, 40)
maybe_day = st.none() | days


@st.composite
def markets(draw: st.DrawFn, **options: object) -> Market:
    """A market whose every instant falls on one of forty days, so that ties with the cut occur."""
    n_posts = draw(st.integers(1, 12))
    published = draw(st.lists(days, min_size=n_posts, max_size=n_posts))
    observed = draw(st.lists(maybe_day, min_size=n_posts, max_size=n_posts))
    pick = st.sampled_from(["a1", "a2", "a3"])
    posts = pd.DataFrame(
        {
            "post_id": [f"p{i}" for i in range(n_posts)],
            "account_id": draw(st.lists(pick, min_size=n_posts, max_size=n_posts)),
            "published_at": [at(day) for day in published],
            "observed_at": pd.Series(
                [
                    pd.NaT if day is None else at(max(day, born))
                    for day, born in zip(observed, published, strict=True)
                ],
                dtype="datetime64[us, UTC]",
            ),
            "views": [float(i) for i in range(n_posts)],
            "crawler": ["x"] * n_posts,
        }
    )
    readings = draw(
        st.lists(st.tuples(st.integers(0, n_posts - 1), days), max_size=10, unique=True)
    )
    metrics = pd.DataFrame(
        {
            "post_id": [f"p{i}" for i, _ in readings],
            "observed_at": [at(day + published[i], 1) for i, day in readings],
            "likes": [float(day) for _, day in readings],
        }
    )
    snapshots = draw(st.lists(st.tuples(pick, days), max_size=8, unique=True))
    campaigns = draw(st.lists(maybe_day, min_size=1, max_size=4))
    collaborations = draw(
        st.lists(
            st.tuples(st.integers(0, len(campaigns) - 1), pick, maybe_day, maybe_day), max_size=8
        )
    )
    dated = draw(st.lists(maybe_day, min_size=3, max_size=3))
    utc = "datetime64[us, UTC]"
    tables = {
        "influencers": pd.DataFrame(
            {
                "influencer_id": ["i1", "i2", "i3"],
                "bio": ["một", "hai", "ba"],
                "categories": [("food",), None, ("travel",)],
                "as_of": pd.Series([pd.NaT if d is None else at(d) for d in dated], dtype=utc),
            }
        ),
        "accounts": pd.DataFrame(
            {
                "account_id": ["a1", "a2", "a3"],
                "influencer_id": ["i1", "i2", "i3"],
                "platform": ["tiktok"] * 3,
            }
        ),
        "posts": posts,
        "brands": pd.DataFrame({"brand_id": ["b1"], "name": ["B"]}),
        "campaigns": pd.DataFrame(
            {
                "campaign_id": [f"c{i}" for i in range(len(campaigns))],
                "brand_id": ["b1"] * len(campaigns),
                "decided_at": pd.Series(
                    [pd.NaT if d is None else at(d) for d in campaigns], dtype=utc
                ),
            }
        ),
        "campaign_posts": pd.DataFrame({"campaign_id": ["c0"], "post_id": ["p0"]}),
        "account_snapshots": pd.DataFrame(
            {
                "account_id": [account for account, _ in snapshots],
                "as_of": pd.Series([at(d) for _, d in snapshots], dtype=utc),
                "n_followers": [float(d) for _, d in snapshots],
            }
        ),
        "collaborations": pd.DataFrame(
            {
                "collaboration_id": [f"k{i}" for i in range(len(collaborations))],
                "campaign_id": [f"c{c}" for c, _, _, _ in collaborations],
                "account_id": [a for _, a, _, _ in collaborations],
                "status": ["completed"] * len(collaborations),
                "status_at": pd.Series(
                    [pd.NaT if d is None else at(d) for _, _, d, _ in collaborations], dtype=utc
                ),
                "outcome_at": pd.Series(
                    [pd.NaT if d is None else at(d) for _, _, _, d in collaborations], dtype=utc
                ),
                "engagements": [1.0] * len(collaborations),
            }
        ),
    }
    if metrics.empty:
        tables.pop("post_metrics", None)
    else:
        tables["post_metrics"] = metrics
    return build_market(tables, MarketSettings(**options))


@settings(max_examples=20, deadline=None)
@given(market=markets(), day=st.integers(0, 41))
def test_nothing_known_at_or_after_the_instant_is_visible(market: Market, day: int) -> None:
    cut = market.as_of(at(day))
    before = at(day)
    for name, column in (
        ("posts", "published_at"),
        ("posts", "observed_at"),
        ("post_metrics", "observed_at"),
        ("account_snapshots", "as_of"),
        ("collaborations", "status_at"),
        ("collaborations", "outcome_at"),
        ("campaigns", "decided_at"),
        ("influencers", "as_of"),
    ):
        assert (cut.tables[name][column].dropna() < before).all(), (name, column)
    assert (cut.readings["known_at"] < before).all()
    posts = cut.tables["posts"]
    assumed = posts["observed_at"].isna() & posts[list(COUNTERS)].notna().any(axis=1)
    assert (posts.loc[assumed, "published_at"] + pd.Timedelta(days=7) < before).all()
    hires = cut.tables["collaborations"]
    unknown = hires["outcome_at"].isna()
    assert hires.loc[unknown, [*OUTCOMES, "n_posts_delivered"]].isna().all(axis=None)
    assert set(cut.tables["campaign_posts"]["post_id"]) <= set(posts["post_id"])
    # Ids stay, whatever is known of them.
    assert len(cut.tables["influencers"]) == 3


@settings(max_examples=20, deadline=None)
@given(market=markets(), first=st.integers(0, 41), second=st.integers(0, 41))
def test_nested_cuts_equal_the_earlier_one(market: Market, first: int, second: int) -> None:
    nested = market.as_of(at(first)).as_of(at(second))
    assert_same_tables(nested, market.as_of(at(min(first, second))))
    assert nested.cut_at == at(min(first, second))
    assert nested.notes == market.as_of(at(min(first, second))).notes


@settings(max_examples=12, deadline=None)
@given(
    market=markets(allow_late_snapshots=True, strict_time=True),
    first=st.integers(0, 41),
    second=st.integers(0, 41),
)
def test_nested_cuts_agree_under_every_option(market: Market, first: int, second: int) -> None:
    early = min(first, second)
    assert_same_tables(market.as_of(at(first)).as_of(at(second)), market.as_of(at(early)))


@settings(max_examples=12, deadline=None)
@given(market=markets(), day=st.integers(0, 41))
def test_the_newest_reading_of_a_span_is_the_one_visible_then(market: Market, day: int) -> None:
    instant = at(day)
    whole = market.readings
    inside = (whole["known_at"] < instant) & (
        whole["valid_to"].isna() | (whole["valid_to"] >= instant)
    )
    from_spans = whole[inside].set_index("post_id")[list(COUNTERS)].sort_index()
    cut = market.as_of(instant).readings
    newest = cut[cut["valid_to"].isna()].set_index("post_id")[list(COUNTERS)].sort_index()
    pd.testing.assert_frame_equal(from_spans, newest)


def test_hand_made_cut(tables: dict[str, pd.DataFrame]) -> None:
    tables["campaign_posts"].loc[1] = ["c1", "p1"]
    cut = build_market(tables).as_of("2024-02-11T00:00:00Z")
    assert cut.tables["posts"]["post_id"].tolist() == ["p1", "p2", "p3"]
    # p1: seven days after 5 January; p2: read on 20 February; p3: 17 February.
    assert cut.tables["posts"]["views"].isna().tolist() == [False, True, True]
    assert cut.tables["account_snapshots"]["n_followers"].tolist() == [1_000.0]
    assert cut.tables["collaborations"].empty
    assert cut.tables["campaigns"].empty
    # c1 is decided later, and must not see what was made for it before.
    assert cut.tables["campaign_posts"]["post_id"].tolist() == ["p1"]
    assert cut.tables["brands"]["name"].tolist() == ["Trà Một", "Son Hai"]


def test_an_outcome_and_further_columns_stay_hidden_until_the_outcome_is_known(
    tables: dict[str, pd.DataFrame],
) -> None:
    market = build_market(tables)
    hidden = market.as_of("2024-05-15T00:00:00Z").tables["collaborations"]
    assert hidden["status"].tolist() == ["completed", "declined"]
    assert hidden["fee"].tolist()[0] == 5e5
    assert hidden[["engagements", "n_posts_flagged_ad"]].isna().all(axis=None)
    known = market.as_of("2024-06-02T00:00:00Z").tables["collaborations"]
    assert known["engagements"].tolist()[0] == 120.0
    # The outcome of the second row has no instant: it is never known.
    assert pd.isna(known["n_posts_flagged_ad"].tolist()[1])


def test_late_snapshots_are_a_marked_constant(tables: dict[str, pd.DataFrame]) -> None:
    market = build_market(tables, MarketSettings(allow_late_snapshots=True))
    cut = market.as_of("2024-03-01T00:00:00Z")
    rows = cut.tables["account_snapshots"]
    assert list(zip(rows["account_id"], rows["n_followers"], rows["is_late"], strict=True)) == [
        ("a1", 1_000.0, False),
        ("a2", 50_000.0, True),
    ]
    assert any("1 account(s) rest on a snapshot" in note for note in cut.notes)
    spans = market.snapshots
    early = spans[(spans["known_at"] < at(0)) & (spans["account_id"] == "a2")]
    assert early["n_followers"].tolist() == [50_000.0]
    strict = build_market(tables).as_of("2024-03-01T00:00:00Z")
    assert strict.tables["account_snapshots"]["account_id"].tolist() == ["a1"]


def test_strict_time_leaves_out_undated_columns(tables: dict[str, pd.DataFrame]) -> None:
    market = build_market(tables, MarketSettings(strict_time=True))
    cut = market.as_of("2025-01-01T00:00:00Z")
    assert market.timeless_columns == ()
    assert cut.tables["influencers"].drop(columns="influencer_id").isna().all(axis=None)
    assert cut.tables["accounts"]["platform"].tolist() == ["tiktok", "tiktok", "youtube"]
    assert cut.tables["brands"][["name", "category", "owner_group"]].isna().all(axis=None)
    timeless = build_market(tables).timeless_columns
    assert "influencers.display_name" in timeless
    assert "brands.owner_group" in timeless
    assert "accounts.platform" not in timeless


def test_a_dated_description_is_known_from_its_instant(tables: dict[str, pd.DataFrame]) -> None:
    tables["brands"]["as_of"] = pd.to_datetime(["2024-02-01", None], utc=True)
    market = build_market(tables)
    before = market.as_of("2024-02-01T00:00:00Z").tables["brands"]
    after = market.as_of("2024-02-01T00:00:00.000001Z").tables["brands"]
    assert before["name"].isna().tolist() == [True, False]
    assert before["competitor_ids"].tolist() == [None, None]
    assert after["name"].tolist() == ["Trà Một", "Son Hai"]


def test_readings_prefer_the_dated_table(tables: dict[str, pd.DataFrame]) -> None:
    tables["post_metrics"] = pd.DataFrame(
        {
            "post_id": ["p2", "p2", "p1"],
            "observed_at": pd.to_datetime(["2024-02-20", "2024-03-01", None], utc=True),
            "views": [501.0, 700.0, 1.0],
        }
    )
    readings = build_market(tables).readings
    second = readings[readings["post_id"] == "p2"]
    assert second["views"].tolist() == [501.0, 700.0]
    assert second["valid_to"].tolist() == [pd.Timestamp("2024-03-01", tz="UTC"), pd.NaT]
    assert readings[readings["post_id"] == "p1"]["views"].tolist() == [1.0]
    assert "p4" not in set(readings["post_id"])


def test_the_newest_instant_leaves_out_what_is_planned(tables: dict[str, pd.DataFrame]) -> None:
    tables["campaigns"]["decided_at"] = pd.to_datetime(["2024-03-01", "2030-01-01"], utc=True)
    assert build_market(tables).newest_known_at == pd.Timestamp("2024-06-01", tz="UTC")


def test_terms_are_known_always(tables: dict[str, pd.DataFrame]) -> None:
    tables["availability"] = pd.DataFrame(
        {"account_id": ["a1"], "from_on": pd.to_datetime(["2030-01-01"]), "to_on": [None]}
    )
    tables["exchange_rates"] = pd.DataFrame(
        {
            "from": ["USD", "USD"],
            "to": ["VND", "VND"],
            "on": pd.to_datetime(["2024-01-01", "2024-06-01"]),
            "rate": [24_000.0, 25_000.0],
        }
    )
    cut = build_market(tables).as_of("2024-06-01T00:00:00Z")
    assert len(cut.tables["availability"]) == 1
    assert cut.tables["exchange_rates"]["rate"].tolist() == [24_000.0]


@pytest.mark.parametrize("instant", ["2024-01-01", "2024-01-01T10:00:00", "NaT"])
def test_an_instant_without_offset_is_refused(
    tables: dict[str, pd.DataFrame], instant: str
) -> None:
    market = build_market(tables)
    with pytest.raises(UsageError, match=r"as_of: got '.*expected an instant with its offset"):
        market.as_of(instant)


def test_a_market_without_instants_has_no_newest_one(tables: dict[str, pd.DataFrame]) -> None:
    market = build_market(tables).as_of("1999-01-01T00:00:00Z")
    with pytest.raises(DataError, match="no table holds an instant"):
        _ = market.newest_known_at


def test_a_market_is_copied_as_itself_and_crosses_processes(
    tables: dict[str, pd.DataFrame],
) -> None:
    cut = build_market(tables).as_of("2024-05-15T00:00:00Z")
    assert copy.deepcopy(cut) is cut
    twin = pickle.loads(pickle.dumps(cut))
    assert_same_tables(cut, twin)
    assert (twin.data_hash, twin.cut_at, twin.notes) == (cut.data_hash, cut.cut_at, cut.notes)


def test_a_market_without_posts_can_be_cut(tables: dict[str, pd.DataFrame]) -> None:
    few = {name: tables[name] for name in ("accounts", "account_snapshots")}
    market = build_market(few)
    cut = market.as_of("2024-05-15T00:00:00Z")
    assert market.readings.empty
    assert list(cut.readings.columns[:4]) == ["post_id", "account_id", "known_at", "valid_to"]
    assert cut.snapshots["n_followers"].tolist() == [1_000.0]
    assert market.as_of("1999-01-01T00:00:00Z").snapshots.empty


def test_readings_of_some_posts_are_those_of_all():
    from matcher.market.load import load_market

    market = load_market("data/tiny_market")
    posts = market.tables["posts"]["post_id"]
    some = posts.iloc[1::3]
    whole = market.readings_of(posts)
    expected = whole[whole["post_id"].isin(some)].reset_index(drop=True)
    assert len(expected) > len(some) / 2
    pd.testing.assert_frame_equal(market.readings_of(some).reset_index(drop=True), expected)
