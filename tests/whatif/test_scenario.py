from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import ConfigError
from matcher.whatif.scenario import join_scenarios, parse_scenario, read_scenario

EDITS: list[dict[str, Any]] = [
    {"kind": "brief", "budget": 5e7},
    {"kind": "brief", "formats": ["video"], "n_posts": 2},
    {"kind": "influencer", "account_id": "a1", "price_factor": 0.5},
    {"kind": "influencer", "account_id": "a2", "cadence_factor": 2.0},
    {"kind": "market", "platform_reach": {"tiktok": 0.8}},
    {"kind": "market", "unavailable": ["a3"]},
]


def parse(*edits: Any, **values: Any) -> Any:
    content = {"version": 1, "name": "s", "edits": list(edits), **values}
    return parse_scenario(content, where="s.yaml")


def test_a_file_is_read_and_written_back(tmp_path: Path) -> None:
    path = tmp_path / "more.json"
    path.write_text(json.dumps({"version": 1, "edits": EDITS}), encoding="utf-8")
    found = read_scenario(path)
    assert found.name == "more"
    assert parse_scenario(found.to_dict(), where="again") == found
    assert found.brief_changes == {"budget": 5e7, "formats": ("video",), "n_posts": 2}


@given(st.permutations(EDITS))
def test_the_order_of_edits_does_not_count(edits: list[dict[str, Any]]) -> None:
    assert parse(*edits).digest == parse(*EDITS).digest


def test_digests_tell_scenarios_apart_and_ignore_names() -> None:
    digests = {parse(*some).digest for some in permutations(EDITS, 1)}
    assert len(digests) == len(EDITS)
    assert parse(EDITS[0], name="other").digest == parse(EDITS[0]).digest
    assert parse({"kind": "brief", "budget": None}).digest != parse(EDITS[0]).digest


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([{"kind": "brief", "budgt": 1}], r"edit 1: .*`budgt`; did you mean `budget`\?"),
        ([{"kind": "brif", "budget": 1}], r"got kind 'brif'; did you mean 'brief'\?"),
        ([{"kind": "policy"}], "expected one of brief, influencer, market"),
        ([{"budget": 1}], "got kind None"),
        (["budget"], "edit 1: holds a str"),
        ([{"kind": "brief"}], "changes nothing; give at least one of title"),
        ([{"kind": "brief", "budget": 0}], "`budget`: got 0"),
        ([{"kind": "brief", "budget": -5.0}], "`budget`: got -5"),
        ([{"kind": "influencer", "account_id": "a"}], "changes nothing; give price"),
        (
            [{"kind": "influencer", "account_id": "a", "price": 1, "price_factor": 2}],
            "contradict each other; give one of them",
        ),
        ([{"kind": "influencer", "account_id": "a", "formats": "vidio"}], "'vidio' is unknown"),
        (
            [{"kind": "influencer", "account_id": "a", "audience": {"age": {"18-24": 1.5}}}],
            "sum to 1 at most",
        ),
        ([{"kind": "market"}], "changes nothing; give unavailable"),
        ([{"kind": "market", "platform_reach": {"titok": 0.5}}], "'titok' is unknown"),
        ([{"kind": "market", "platform_reach": {"tiktok": 0.0}}], "expected above 0"),
        (
            [{"kind": "market", "unavailable": "a", "as_if_always": True}],
            "goes with `platform_reach`",
        ),
        (
            [{"kind": "market", "new_accounts": [{"account_id": "n", "platfrm": "tiktok"}]}],
            r"new account 1: .*`platfrm`; did you mean `platform`\?",
        ),
        (
            [{"kind": "market", "new_accounts": [{"account_id": "n", "platform": "tiktok",
                                                  "text": "x", "price": 5}]}],
            "`price` has no `currency`",
        ),
        ([EDITS[0], {"kind": "brief", "budget": 6e7}], "contradict each other on `brief.budget`"),
        (
            [EDITS[2], {"kind": "influencer", "account_id": "a1", "price": 5}],
            "contradict each other on `influencer.a1.price`",
        ),
        (
            [EDITS[4], {"kind": "market", "platform_reach": {"tiktok": 0.7}}],
            "contradict each other on `market.platform_reach.tiktok`",
        ),
        (
            [EDITS[5], {"kind": "brief", "must_have": ["a3"]}],
            "in `must_have` and taken away by the same scenario",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_named(edits: list[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(*edits)


def test_other_versions_and_forms_are_refused() -> None:
    with pytest.raises(ConfigError, match="got version 2; expected `version: 1`"):
        parse(EDITS[0], version=2)
    with pytest.raises(ConfigError, match="`edits` holds a dict; expected a list"):
        parse_scenario({"version": 1, "name": "s", "edits": EDITS[0]}, where="s")
    with pytest.raises(ConfigError, match=r"unknown key `edit`; did you mean `edits`\?"):
        parse_scenario({"version": 1, "name": "s", "edit": []}, where="s")


def test_scenarios_join_unless_they_contradict() -> None:
    one, two = parse(EDITS[0], name="one"), parse(EDITS[2], name="two")
    both = join_scenarios([one, two])
    assert (both.name, both.digest) == ("one + two", parse(EDITS[2], EDITS[0]).digest)
    with pytest.raises(ConfigError, match="scenarios together: .*contradict"):
        join_scenarios([one, parse({"kind": "brief", "budget": 1.0})])
