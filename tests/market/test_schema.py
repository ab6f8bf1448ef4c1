from __future__ import annotations

import json
import re

import pytest

from matcher.columns import COUNTERS, OUTCOMES
from matcher.market.quarantine import FIXES
from matcher.market.schema import TABLES, schema_as_json, schema_as_markdown
from matcher.market.spec import DTYPES

# The contract's page, table by table: key, then the other columns.
CONTRACT = {
    "influencers": "influencer_id | display_name bio languages country city gender categories kind "
    "as_of",
    "accounts": "account_id | influencer_id platform handle url created_at is_verified as_of",
    "account_snapshots": "account_id as_of | n_followers n_following n_posts",
    "posts": "post_id | account_id published_at format text language duration_s is_sponsored "
    "sponsor_brand_id is_disclosed observed_at view_definition " + " ".join(COUNTERS),
    "post_metrics": "post_id observed_at | view_definition " + " ".join(COUNTERS),
    "campaign_posts": "campaign_id post_id |",
    "audiences": "account_id as_of dimension bucket | share",
    "rates": "account_id as_of format | price currency n_posts valid_until",
    "availability": "account_id from_on to_on | reason",
    "exclusivities": "influencer_id brand_id category from_on to_on |",
    "brands": "brand_id | name category description country competitor_ids as_of",
    "campaigns": "campaign_id | brand_id title brief brief_language objective kpi kpi_goal "
    "platforms formats countries creator_languages n_creators audience_age audience_interests "
    "audience_gender budget currency timezone must_have never decided_at starts_on ends_on",
    "collaborations": "collaboration_id | campaign_id account_id status status_at format "
    "n_posts_agreed n_posts_delivered fee currency outcome_at view_definition engagements_parts "
    + " ".join(OUTCOMES),
    "decisions": "campaign_id account_id policy_id | logged_at score inclusion_probability chosen",
    "exchange_rates": "from to on | rate",
}


@pytest.mark.parametrize("table", sorted(CONTRACT))
def test_tables_hold_exactly_the_columns_of_the_contract(table: str) -> None:
    key, others = CONTRACT[table].split("|")
    assert list(TABLES[table].key) == key.split()
    assert set(TABLES[table].column_names) == {*key.split(), *others.split()}


def test_no_further_table_is_known() -> None:
    assert set(TABLES) == set(CONTRACT)


def test_parents_come_before_their_children() -> None:
    seen: set[str] = set()
    for name, spec in TABLES.items():
        seen.add(name)
        for column in spec.columns:
            if column.reference:
                parent, key = column.reference.split(".")
                assert parent in seen, (name, column.name)
                assert TABLES[parent].key == (key,)


def test_every_rule_of_time_names_a_column_or_a_known_word() -> None:
    words = {"identity", "timeless", "reading", "term"}
    for spec in TABLES.values():
        for column in spec.columns:
            known = column.known_at in words or column.known_at in spec.column_names
            assert known, (spec.name, column.name)
            assert column.dtype in DTYPES
            assert column.description.endswith(".")


def test_keys_come_with_values_unless_they_may_be_open() -> None:
    open_ended = {
        ("post_metrics", "observed_at"),
        ("rates", "format"),
        ("availability", "to_on"),
        ("exclusivities", "to_on"),
        ("exclusivities", "brand_id"),
        ("exclusivities", "category"),
    }
    nullable = {
        (spec.name, name)
        for spec in TABLES.values()
        for name in spec.key
        if spec.column(name).nullable
    }
    assert nullable == open_ended


def test_an_outcome_is_known_from_its_own_instant() -> None:
    spec = TABLES["collaborations"]
    for name in (*OUTCOMES, "n_posts_delivered", "engagements_parts"):
        assert spec.column(name).known_at == "outcome_at"
    assert spec.extra_known_at == "outcome_at"


def test_the_json_form_is_plain_and_complete() -> None:
    content = json.loads(json.dumps(schema_as_json()))
    assert set(content["tables"]) == set(TABLES)
    views = next(
        column for column in content["tables"]["posts"]["columns"] if column["name"] == "views"
    )
    assert views["dtype"] == "float"
    assert views["range"] == [0.0, 1e12]
    assert views["known_at"] == "reading"
    assert views["nullable"] is True


def test_the_markdown_form_names_every_column() -> None:
    page = schema_as_markdown()
    for name, spec in TABLES.items():
        assert f"## `{name}`" in page
        for column in spec.columns:
            assert f"| `{column.name}` |" in page
    # A cell may not break its row: bars inside patterns are escaped.
    for line in page.splitlines():
        if line.startswith("| `"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 7, line


def test_every_rule_says_what_to_do() -> None:
    assert all(fix and fix[0].islower() for fix in FIXES.values())


def test_a_column_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match=r"posts\.likez"):
        TABLES["posts"].column("likez")
