"""Accounts that join are told of wherever they stand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from matcher.whatif.ask import compare_scenarios
from matcher.whatif.movement import reason_groups
from matcher.whatif.newcomers import rule_words


def joining(*accounts: dict[str, object]) -> dict[str, object]:
    return {"kind": "market", "new_accounts": [{"text": "đi câu", **one} for one in accounts]}


@pytest.mark.parametrize("order", ["outcome", "fit", "value"])
def test_who_misses_the_list_is_told_its_rank_and_what_it_lacks(
    shop: SimpleNamespace, order: str
) -> None:
    desk = shop.open(order)
    scenario = shop.scenario(
        joining(
            {"account_id": "low", "platform": "tiktok", "engagements": 1.0, "n_followers": 10.0},
            {"account_id": "high", "platform": "tiktok", "engagements": 1e6, "n_followers": 1e7},
        )
    )
    (answer,) = compare_scenarios(desk, [scenario]).answers
    state = desk.state(scenario)
    table = answer.joined.set_index("account_id")
    for account in ("low", "high"):
        assert table.loc[account, "rank"] == state.rank_of(account)
    row = table.loc["low"]
    assert row["rank"] > 5
    assert f"joins at rank {row['rank']} of {len(state.order)}" in row["sentence"]
    last = state.ranked.order_score[state.chosen[-1]]
    own = state.ranked.order_score[state.rows_of(np.array(["low"], dtype=object))[0]]
    assert row["gap"] == pytest.approx(last - own)
    rows = np.array([state.order[row["rank"] - 1], state.chosen[-1]])
    behind = np.subtract(*reason_groups(state, rows))
    assert bool(row["lacks"]) == bool(behind.min() < 0)
    assert answer.to_dict()["joined"][0]["sentence"] in table["sentence"].tolist()


def test_who_is_no_candidate_is_told_the_rules_against_it(shop: SimpleNamespace) -> None:
    brief = shop.brief.model_copy(update={"platforms": ("tiktok",), "countries": ("VN",)})
    scenario = shop.scenario(
        joining({"account_id": "far", "platform": "youtube", "country": "US", "n_posts": 3})
    )
    for language, words in (("en", "its platform, its country"), ("vi", "nền tảng, quốc gia")):
        desk = shop.open(brief=brief, language=language)
        (answer,) = compare_scenarios(desk, [scenario]).answers
        assert answer.joined["rank"].isna().all()
        assert answer.joined["rules"].tolist() == [("platform", "country")]
        assert words in answer.joined["sentence"].iloc[0]


def test_without_newcomers_nothing_is_said(shop: SimpleNamespace) -> None:
    (answer,) = compare_scenarios(
        shop.open(), [shop.scenario({"kind": "brief", "n_posts": 2})]
    ).answers
    assert answer.joined.empty
    assert answer.to_dict()["joined"] == []


def test_every_rule_has_words() -> None:
    from matcher.retrieval.eligibility import RULES

    for language in ("en", "vi"):
        assert not set(rule_words([*RULES, "retrieval"], language).split(", ")) & set(RULES)
