from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.config import MarketSettings
from matcher.errors import ConfigError, DataError, SchemaError, UsageError
from matcher.market.market import Market, build_market
from matcher.market.pandera_schema import build_pandera_schema
from matcher.market.quarantine import QUARANTINE_COLUMNS, describe_failures
from matcher.market.schema import TABLES
from matcher.market.spec import DTYPES
from matcher.market.textual import normalise_nfc

Tables = dict[str, pd.DataFrame]


def entries(market: Market, rule: str) -> list[tuple[Any, ...]]:
    """Table, column, row and level of each entry of one rule."""
    found = market.quarantine[market.quarantine["rule"] == rule]
    columns = [found[name].tolist() for name in ("table", "column", "row", "level")]
    return list(zip(*columns, strict=True))


def put(frame: pd.DataFrame, column: str, row: int, value: Any) -> None:
    values = frame[column].astype(object).tolist()
    values[row] = value
    frame[column] = pd.Series(values, dtype=object if isinstance(value, tuple) else None)


def test_a_good_market_has_an_empty_quarantine_and_every_contract_column(tables: Tables) -> None:
    market = build_market(tables, strict=True)
    assert market.quarantine.empty
    assert tuple(market.quarantine.columns) == QUARANTINE_COLUMNS
    assert set(market.tables) == set(TABLES)
    assert market.present == frozenset(tables)
    for name, spec in TABLES.items():
        frame = market.tables[name]
        assert list(frame.columns[: len(spec.columns)]) == list(spec.column_names)
        for column in spec.columns:
            assert str(frame[column.name].dtype) == DTYPES[column.dtype], (name, column.name)
    assert market.tables["brands"]["owner_group"].tolist()[0] == "g1"
    assert market.tables["influencers"]["categories"].tolist() == [
        ("food",),
        None,
        ("beauty", "travel"),
    ]


def test_pandera_agrees_that_the_result_keeps_the_contract(tables: Tables) -> None:
    tables["posts"].loc[0, "views"] = -1.0
    put(tables["posts"], "format", 1, "reel")
    market = build_market(tables)
    for name in TABLES:
        build_pandera_schema(name).validate(market.tables[name], lazy=True)


@pytest.mark.parametrize(
    ("table", "column", "value", "rule"),
    [
        ("posts", "views", -1.0, "below_minimum"),
        ("posts", "views", 1e15, "above_maximum"),
        ("posts", "views", float("inf"), "not_finite"),
        ("posts", "views", "many", "not_a_number"),
        ("posts", "views", "1,200", "not_a_number"),
        ("posts", "views", "3.4%", "not_a_number"),
        ("posts", "format", "reel", "unknown_word"),
        ("posts", "language", "tiếng Việt", "pattern"),
        ("posts", "is_sponsored", "maybe", "not_a_flag"),
        ("posts", "text", "x" * 10_000_000, "too_long"),
        ("posts", "sponsor_brand_id", "b9", "dangling_reference"),
        ("account_snapshots", "n_followers", 9e11, "above_maximum"),
        ("influencers", "country", "Vietnam", "pattern"),
        ("influencers", "kind", "star", "unknown_word"),
        ("campaigns", "objective", "fame", "unknown_word"),
        ("campaigns", "platforms", ("tiktok", "orkut"), "unknown_word"),
        ("campaigns", "must_have", ("a1", "a9"), "dangling_reference"),
        ("campaigns", "starts_on", "next week", "not_a_day"),
        ("campaigns", "timezone", "Saigon/Vietnam", "unknown_timezone"),
        ("campaigns", "n_creators", 2.5, "not_whole"),
        ("brands", "competitor_ids", ("b1", "b9"), "dangling_reference"),
    ],
)
def test_a_bad_optional_value_becomes_null(
    tables: Tables, table: str, column: str, value: Any, rule: str
) -> None:
    frame = tables[table]
    if column not in frame:
        frame[column] = pd.Series([None] * len(frame), dtype=object)
    put(frame, column, 0, value)
    market = build_market(tables)
    assert entries(market, rule) == [(table, column, 0, "value")]
    assert len(market.quarantine) == 1
    assert len(market.tables[table]) == len(frame)
    kept = market.tables[table][column].tolist()[0]
    good = tuple(word for word in value[:1]) if isinstance(value, tuple) else None
    assert kept == good if good else pd.isna(kept)
    assert len(market.quarantine["value"].tolist()[0]) < 300


@pytest.mark.parametrize(
    ("table", "column", "value", "rule"),
    [
        ("posts", "post_id", None, "missing_value"),
        ("posts", "post_id", "x" * 300, "too_long"),
        ("posts", "account_id", "a9", "dangling_reference"),
        ("posts", "published_at", None, "missing_value"),
        ("posts", "published_at", pd.Timestamp("1970-01-01", tz="UTC"), "implausible_instant"),
        ("posts", "published_at", pd.Timestamp("2200-01-01", tz="UTC"), "in_future"),
        ("accounts", "platform", "orkut", "unknown_word"),
        ("accounts", "influencer_id", "i9", "dangling_reference"),
        ("account_snapshots", "as_of", pd.Timestamp("2200-01-01", tz="UTC"), "in_future"),
        ("collaborations", "status", "maybe", "unknown_word"),
        ("collaborations", "campaign_id", "c9", "dangling_reference"),
        ("campaigns", "brand_id", "b9", "dangling_reference"),
        ("campaign_posts", "post_id", "p9", "dangling_reference"),
    ],
)
def test_a_bad_required_value_sends_its_row_away(
    tables: Tables, table: str, column: str, value: Any, rule: str
) -> None:
    frame = tables[table]
    put(frame, column, 0, value)
    market = build_market(tables)
    assert (table, column, 0, "row") in entries(market, rule)
    assert len(market.tables[table]) == len(frame) - 1


def test_one_pass_reports_every_failure(tables: Tables) -> None:
    put(tables["posts"], "views", 0, -1.0)
    put(tables["posts"], "format", 0, "reel")
    put(tables["posts"], "account_id", 4, "a9")
    put(tables["brands"], "category", 1, "lipsticks")
    put(tables["accounts"], "platform", 2, "orkut")
    with pytest.raises(SchemaError, match=r"(?s)5 kind.*posts\.account_id") as caught:
        build_market(tables, strict=True)
    assert caught.value.failures is not None
    assert set(caught.value.failures["rule"]) == {
        "below_minimum",
        "dangling_reference",
        "unknown_category",
        "unknown_word",
    }


def test_children_go_with_their_parent(tables: Tables) -> None:
    put(tables["influencers"], "influencer_id", 1, None)
    put(tables["accounts"], "influencer_id", 0, None)
    market = build_market(tables)
    assert market.tables["accounts"]["account_id"].tolist() == ["a3"]
    assert market.tables["posts"]["post_id"].tolist() == ["p5"]
    assert market.tables["collaborations"].empty
    orphans = entries(market, "parent_quarantined")
    assert ("posts", "account_id", 0, "row") in orphans
    assert ("campaign_posts", "post_id", 0, "row") in orphans


def test_a_quarantined_sponsor_costs_only_the_value(tables: Tables) -> None:
    tables["brands"] = pd.concat(
        [tables["brands"], tables["brands"].head(1).assign(name="other")], ignore_index=True
    )
    market = build_market(tables)
    assert entries(market, "conflicting_key") == [
        ("brands", "brand_id", 0, "row"),
        ("brands", "brand_id", 2, "row"),
    ]
    assert ("posts", "sponsor_brand_id", 0, "value") in entries(market, "parent_quarantined")
    assert ("campaigns", "brand_id", 0, "row") in entries(market, "parent_quarantined")
    assert len(market.tables["posts"]) == 5


def test_exact_duplicates_collapse_and_conflicting_keys_all_go(tables: Tables) -> None:
    posts = tables["posts"]
    twin = posts.iloc[[0]]
    rival = posts.iloc[[1]].assign(text="khác")
    tables["posts"] = pd.concat([posts, twin, rival, twin], ignore_index=True)
    market = build_market(tables)
    assert market.tables["posts"]["post_id"].tolist() == ["p1", "p3", "p4", "p5"]
    assert entries(market, "exact_duplicate") == [
        ("posts", "post_id", 5, "warning"),
        ("posts", "post_id", 7, "warning"),
    ]
    assert entries(market, "conflicting_key") == [
        ("posts", "post_id", 1, "row"),
        ("posts", "post_id", 6, "row"),
    ]


def test_several_collaborations_of_one_pair_are_fine(tables: Tables) -> None:
    again = tables["collaborations"].head(1).assign(collaboration_id="k3")
    tables["collaborations"] = pd.concat([tables["collaborations"], again], ignore_index=True)
    assert len(build_market(tables, strict=True).tables["collaborations"]) == 3


def test_an_unknown_category_is_other_with_its_value_in_a_warning(tables: Tables) -> None:
    put(tables["brands"], "category", 0, "nước ngọt")
    put(tables["influencers"], "categories", 0, ("food", "lego"))
    market = build_market(tables)
    assert market.tables["brands"]["category"].tolist() == ["other", "beauty"]
    assert market.tables["influencers"]["categories"].tolist()[0] == ("food", "other")
    warnings = market.quarantine[market.quarantine["level"] == "warning"]
    assert warnings["value"].tolist() == ["lego", "nước ngọt"]


def test_words_in_another_case_are_read_and_noted(tables: Tables) -> None:
    tables["accounts"]["platform"] = ["TikTok", "tiktok", " YouTube"]
    tables["influencers"]["country"] = ["vn", "VN", None]
    market = build_market(tables, strict=True)
    assert market.tables["accounts"]["platform"].tolist() == ["tiktok", "tiktok", "youtube"]
    assert market.tables["influencers"]["country"].tolist()[0] == "VN"
    assert any(note.startswith("accounts.platform: 2 value(s)") for note in market.notes)


@pytest.mark.parametrize("kind", ["datetime", "text", "day"])
def test_naive_instants_are_quarantined_unless_a_zone_is_assumed(tables: Tables, kind: str) -> None:
    naive = tables["posts"]["published_at"].dt.tz_localize(None)
    spoken = {
        "datetime": naive,
        "text": naive.dt.strftime("%Y-%m-%d %H:%M:%S"),
        "day": naive.dt.date,
    }
    tables["posts"]["published_at"] = spoken[kind]
    with pytest.raises(SchemaError, match="posts: 1 problem no_usable_row"):
        build_market(tables)


def test_assumed_zone_places_naive_instants(tables: Tables) -> None:
    tables["posts"]["published_at"] = tables["posts"]["published_at"].dt.tz_localize(None)
    market = build_market(tables, MarketSettings(assume_timezone="Asia/Ho_Chi_Minh"))
    first = market.tables["posts"]["published_at"].tolist()[0]
    assert first == pd.Timestamp("2024-01-04T17:00:00Z")
    assert any("5 instant(s) without an offset" in note for note in market.notes)


def test_an_unknown_assumed_zone_is_a_config_error(tables: Tables) -> None:
    with pytest.raises(ConfigError, match="assume_timezone: got 'Hanoi'"):
        build_market(tables, MarketSettings(assume_timezone="Hanoi"))


def test_an_optional_naive_instant_costs_only_the_value(tables: Tables) -> None:
    tables["accounts"]["created_at"] = ["2020-01-01", "2020-01-01T00:00:00Z", None]
    market = build_market(tables)
    assert entries(market, "naive_instant") == [("accounts", "created_at", 0, "value")]
    assert market.tables["accounts"]["created_at"].notna().tolist() == [False, True, False]


def test_planned_instants_may_lie_ahead(tables: Tables) -> None:
    tables["campaigns"]["decided_at"] = pd.to_datetime(["2090-01-01", None], utc=True)
    tables["campaigns"]["starts_on"] = pd.to_datetime(["2091-01-01", None])
    assert len(build_market(tables, strict=True).tables["campaigns"]) == 2


def test_the_bound_of_observations_can_be_given(tables: Tables) -> None:
    market = build_market(tables, latest=pd.Timestamp("2024-03-01", tz="UTC"))
    assert market.tables["posts"]["post_id"].tolist() == ["p1", "p2", "p3"]


def test_shares_of_a_dimension_sum_to_at_most_one(tables: Tables) -> None:
    tables["audiences"] = pd.DataFrame(
        {
            "account_id": ["a1"] * 4 + ["a2", "a2"],
            "as_of": pd.to_datetime(["2024-01-01"] * 6, utc=True),
            "dimension": ["age", "age", "gender", "age", "age", "country"],
            "bucket": ["18-24", "25-34", "female", "teens", "18-24", "VN"],
            "share": [0.7, 0.6, 0.5, 0.1, 1.2, 0.9],
        }
    )
    market = build_market(tables)
    assert market.tables["audiences"]["dimension"].tolist() == ["gender", "country"]
    assert entries(market, "shares_above_one") == [
        ("audiences", "share", 0, "row"),
        ("audiences", "share", 1, "row"),
    ]
    assert entries(market, "bucket_unknown") == [("audiences", "bucket", 3, "row")]
    assert entries(market, "above_maximum") == [("audiences", "share", 4, "row")]


def test_rules_across_columns(tables: Tables) -> None:
    tables["posts"]["reach"] = [10.0, 5.0, None, None, None]
    tables["posts"]["impressions"] = [5.0, 5.0, None, None, None]
    tables["posts"]["observed_at"] = pd.to_datetime(["2020-01-01"] + [None] * 4, utc=True)
    tables["campaigns"]["currency"] = None
    tables["exclusivities"] = pd.DataFrame(
        {
            "influencer_id": ["i1", "i1"],
            "category": ["food", None],
            "from_on": pd.to_datetime(["2024-05-01", "2024-01-01"]),
            "to_on": pd.to_datetime(["2024-01-01", None]),
        }
    )
    market = build_market(tables)
    assert entries(market, "reach_above_impressions") == [("posts", "reach", 0, "warning")]
    assert entries(market, "observed_before_published") == [("posts", "observed_at", 0, "value")]
    assert entries(market, "without_currency") == [("campaigns", "budget", 0, "warning")]
    assert entries(market, "span_reversed") == [("exclusivities", "from_on", 0, "row")]
    assert entries(market, "subject_missing") == [("exclusivities", "brand_id", 1, "row")]


def test_a_reading_taken_before_its_post_is_quarantined(tables: Tables) -> None:
    tables["post_metrics"] = pd.DataFrame(
        {
            "post_id": ["p1", "p1"],
            "observed_at": pd.to_datetime(["2023-01-01", "2024-01-06"], utc=True),
            "likes": [1.0, 2.0],
        }
    )
    market = build_market(tables)
    assert market.tables["post_metrics"]["likes"].tolist() == [2.0]
    assert entries(market, "observed_before_published") == [
        ("post_metrics", "observed_at", 0, "row")
    ]


def test_decomposed_unicode_is_composed_so_that_ids_join(tables: Tables) -> None:
    tables["accounts"]["account_id"] = ["đài_tiếng_nói", "a2", "a3"]
    decomposed = unicodedata.normalize("NFD", "đài_tiếng_nói")
    for name in ("posts", "account_snapshots", "collaborations"):
        tables[name]["account_id"] = tables[name]["account_id"].replace("a1", decomposed)
    tables["posts"]["text"] = [unicodedata.normalize("NFD", "phở ngon")] + [None] * 4
    market = build_market(tables, strict=True)
    posts = market.tables["posts"]
    assert (posts["account_id"] == "đài_tiếng_nói").sum() == 2
    assert "phở ngon" in set(posts["text"].dropna())
    assert any("posts.account_id: 2 value(s) composed" in note for note in market.notes)


def test_every_character_that_form_c_changes_is_looked_at() -> None:
    unused = ("Cn", "Co", "Cs")
    characters = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in unused]
    texts = [*characters, *("a" + c for c in characters), *(c + "\u0301" for c in characters)]
    kept, _ = normalise_nfc(pa.array(texts, pa.large_string()))
    changed = [t for t, k in zip(texts, kept.to_pylist(), strict=True) if t != k]
    expected = [t for t in texts if not unicodedata.is_normalized("NFC", t)]
    assert changed == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=20))
def test_every_text_is_kept_in_form_c(texts: list[str]) -> None:
    n = len(texts)
    market = build_market(
        {
            "accounts": pd.DataFrame({"account_id": ["a"], "platform": ["tiktok"]}),
            "posts": pd.DataFrame(
                {
                    "post_id": [f"p{i:03d}" for i in range(n)] + ["z"],
                    "account_id": ["a"] * (n + 1),
                    "published_at": pd.to_datetime(["2024-01-01"] * (n + 1), utc=True),
                    "text": [*texts, "end"],
                }
            ),
        },
        strict=True,
    )
    kept = market.tables["posts"]["text"].tolist()[:-1]
    expected = [unicodedata.normalize("NFC", text) for text in texts]
    assert ["" if pd.isna(text) else text for text in kept] == expected


def test_an_influencer_is_made_per_account_where_the_table_is_absent(tables: Tables) -> None:
    del tables["influencers"]
    named = build_market(tables, strict=True)
    assert named.tables["influencers"]["influencer_id"].tolist() == ["i1", "i2", "i3"]
    tables["accounts"] = tables["accounts"].drop(columns="influencer_id")
    market = build_market(tables, strict=True)
    assert market.tables["influencers"]["influencer_id"].tolist() == ["a1", "a2", "a3"]
    assert market.tables["accounts"]["influencer_id"].tolist() == ["a1", "a2", "a3"]
    assert "influencers" not in market.present
    assert any("3 were made, one per account" in note for note in market.notes)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (["accounts"], "accounts: 1 problem missing_table"),
        (["posts", "account_snapshots"], "add `posts` or `account_snapshots`"),
    ],
)
def test_a_required_table_must_be_there(tables: Tables, missing: list[str], message: str) -> None:
    for name in missing:
        del tables[name]
    with pytest.raises(SchemaError, match=message):
        build_market(tables)


def test_snapshots_alone_are_enough(tables: Tables) -> None:
    few = {name: tables[name] for name in ("accounts", "account_snapshots")}
    market = build_market(few)
    assert len(market.tables["account_snapshots"]) == 3
    assert any(note.startswith("posts: no such table") for note in market.notes)


@pytest.mark.parametrize("column", ["account_id", "published_at"])
def test_a_required_column_must_be_there(tables: Tables, column: str) -> None:
    tables["posts"] = tables["posts"].drop(columns=column)
    tables["brands"] = tables["brands"].drop(columns="brand_id")
    with pytest.raises(SchemaError, match=rf"(?s)missing_column.*posts\.{column}") as caught:
        build_market(tables)
    assert caught.value.failures["table"].tolist()[:2] == ["brands", "posts"]


def test_a_column_of_a_wrong_type_is_set_aside_whole(tables: Tables) -> None:
    tables["posts"]["views"] = [[1], [2], [3], [4], [5]]
    market = build_market(tables)
    entry = market.quarantine.iloc[0]
    assert (entry["rule"], entry["level"], entry["column"]) == ("wrong_type", "value", "views")
    assert "all 5 values were set aside" in entry["fix"]
    assert market.tables["posts"]["views"].isna().all()


def test_a_required_column_of_a_wrong_type_is_refused(tables: Tables) -> None:
    tables["posts"]["published_at"] = [1, 2, 3, 4, 5]
    with pytest.raises(SchemaError, match=r"posts\.published_at: 1 problem wrong_type"):
        build_market(tables)


def test_numeric_ids_are_read_as_text(tables: Tables) -> None:
    tables["campaign_posts"] = pd.DataFrame({"campaign_id": ["c1"], "post_id": [7.0]})
    put(tables["posts"], "post_id", 0, "7")
    assert build_market(tables, strict=True).tables["campaign_posts"]["post_id"].tolist() == ["7"]


def test_mixed_python_types_are_judged_value_by_value(tables: Tables) -> None:
    tables["posts"]["views"] = pd.Series([1, "x", None, b"3", 2.5], dtype=object)
    market = build_market(tables)
    assert [row for _, _, row, _ in entries(market, "not_a_number")] == [1, 3]
    assert market.tables["posts"]["views"].tolist()[0] == 1.0


def test_training_says_what_is_missing(tables: Tables) -> None:
    build_market(tables).require_training_tables()
    del tables["brands"]
    tables["collaborations"] = tables["collaborations"].head(0)
    market = build_market(tables)
    with pytest.raises(
        DataError,
        match=r"missing: `brands` \(was not given\), `collaborations` \(has no usable row\)",
    ):
        market.require_training_tables()


def test_references_to_an_absent_table_are_not_checked_and_noted(tables: Tables) -> None:
    del tables["brands"]
    market = build_market(tables, strict=True)
    assert len(market.tables["campaigns"]) == 2
    assert any("campaigns.brand_id: not checked" in note for note in market.notes)


def test_a_near_miss_of_a_column_is_noted(tables: Tables) -> None:
    tables["posts"] = tables["posts"].rename(columns={"likes": "like"})
    market = build_market(tables, strict=True)
    assert any("did you mean `likes`?" in note for note in market.notes)


def test_an_unknown_table_is_wrong_use(tables: Tables) -> None:
    with pytest.raises(UsageError, match=r"unknown tables \['post'\]"):
        build_market({**tables, "post": tables["posts"]})


def test_messages_say_where_what_how_many_and_what_to_do(tables: Tables) -> None:
    tables["posts"]["views"] = [-1.0, -2.0, -3.0, -4.0, -5.0]
    tables["posts"]["likes"] = [-1.0] * 5
    extra = tables["posts"].head(1).assign(post_id="p6")
    tables["posts"] = pd.concat([tables["posts"], extra], ignore_index=True)
    sentence = describe_failures(build_market(tables).quarantine)[0]
    assert sentence == (
        "posts.views: 6 values below_minimum (row 0: '-1', row 1: '-2', row 2: '-3', row 3: '-4', "
        "row 4: '-5', …); expected at least 0; leave a missing value empty, never -1"
    )


@settings(max_examples=12, deadline=None)
@given(order=st.permutations(range(5)), seed=st.integers(0, 5))
def test_row_order_changes_neither_rows_nor_hash(
    make_tables: Callable[[], Tables], order: list[int], seed: int
) -> None:
    given_order, shuffled = make_tables(), make_tables()
    shuffled["posts"] = shuffled["posts"].iloc[order]
    for name in ("accounts", "brands", "collaborations"):
        shuffled[name] = shuffled[name].sample(frac=1.0, random_state=seed)
    left, right = build_market(given_order), build_market(shuffled)
    assert left.data_hash == right.data_hash
    for name in TABLES:
        pd.testing.assert_frame_equal(left.tables[name], right.tables[name])


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("posts", "text", "khác"),
        ("posts", "views", 1_001.0),
        ("posts", "is_sponsored", False),
        ("campaigns", "starts_on", pd.Timestamp("2024-03-09")),
        ("influencers", "categories", ("food", "travel")),
        ("posts", "published_at", pd.Timestamp("2024-01-06", tz="UTC")),
    ],
)
def test_any_change_of_content_changes_the_hash(
    tables: Tables, table: str, column: str, value: Any
) -> None:
    before = build_market(tables).data_hash
    put(tables[table], column, 0, value)
    assert build_market(tables).data_hash != before


def test_tables_cannot_be_replaced(tables: Tables) -> None:
    market = build_market(tables)
    with pytest.raises(TypeError, match="does not support item assignment"):
        market.tables["posts"] = tables["posts"]  # type: ignore[index]


def test_a_market_needs_every_table(tables: Tables) -> None:
    market = build_market(tables)
    with pytest.raises(DataError, match="build a market with `build_market`"):
        Market({}, market.present, market.settings, market.quarantine, (), market.data_hash)
