from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.plan.limit_words import amount, describe_conflict, limit_name
from matcher.plan.results import Conflict, ConflictPart
from matcher.plan.texts import LIMIT_NAMES, LIMIT_PARTS, MORE_NAMES, REASONS, TEXTS
from matcher.plan.words import (
    count_words,
    counted_words,
    describe_kept,
    describe_outside,
    objective_name,
)
from matcher.retrieval.eligibility import RULES


def part(name: str, side: Any, bound: float, give: float, unit: Any = "accounts") -> ConflictPart:
    return ConflictPart(name, side, bound, give, give, unit)


@pytest.mark.parametrize(
    ("name", "english", "vietnamese"),
    [
        ("budget", "budget", "ngân sách"),
        ("tier micro", "tier micro", "hạng quy mô micro"),
        ("spend on platform tiktok", "spend on platform TikTok", "chi cho nền tảng TikTok"),
        ("least share of spend on gender female", "share of spend on gender female",
         "tỷ trọng chi cho giới tính nữ"),
        ("greatest share of spend on category food", "share of spend on category Food and cooking",
         "tỷ trọng chi cho lĩnh vực Ẩm thực, thực phẩm"),
        ("must have acc_1", "must have acc_1", "bắt buộc có acc_1"),
        ("at most one of a, b ... (list 12)", "at most one of a, b ... (list 12)",
         "nhiều nhất một trong a, b ... (danh sách 12)"),
        ("anything else", "anything else", "anything else"),
    ],
)  # fmt: skip
def test_limits_have_names_in_both_languages(name: str, english: str, vietnamese: str) -> None:
    assert limit_name(name, "en") == english
    assert limit_name(name, "vi") == vietnamese


@pytest.mark.parametrize(
    ("value", "unit", "english", "vietnamese"),
    [
        (1_500_000.0, "money", "1,500,000 VND", "1.500.000 VND"),
        (1.0, "accounts", "1 account", "1 tài khoản"),
        (0.4, "share", "40 %", "40 %"),
        (0.125, "share", "12.5 %", "12,5 %"),
        (0.015, "points", "1.5 percentage points", "1,5 điểm phần trăm"),
    ],
)
def test_amounts_are_told_in_their_unit(
    value: float, unit: str, english: str, vietnamese: str
) -> None:
    assert amount(value, unit, "VND", "en") == english
    assert amount(value, unit, "VND", "vi") == vietnamese


@pytest.mark.parametrize(
    ("value", "english", "vietnamese"),
    [(0.426, "0.43", "0,43"), (6.0, "6", "6"), (1234.6, "1,235", "1.235"), (np.nan, "–", "–")],
)
def test_small_amounts_keep_decimals(value: float, english: str, vietnamese: str) -> None:
    assert count_words(value, "en") == english
    assert count_words(value, "vi") == vietnamese


def test_a_mix_is_named_by_its_parts() -> None:
    assert objective_name("reach", "vi") == "người tiếp cận được"
    assert objective_name("reach=1,engagements=20", "en") == (
        "1 × people reached + 20 × engagements"
    )
    assert counted_words("reach", "en") == "people reached"
    assert counted_words("reach=0.25,engagements=1500", "vi") == (
        "điểm (0,25 × người tiếp cận được + 1.500 × lượt tương tác)"
    )


def test_rules_that_a_must_is_against_are_told_in_both_languages() -> None:
    kept = {"format": list("abcdefg")}
    (english,), (vietnamese,) = describe_kept(kept, "en"), describe_kept(kept, "vi")
    assert english == (
        "must_have: 7 account(s) stay against the rule `format` (has not shown the format): "
        "a, b, c, d, e ..."
    )
    assert "vẫn giữ 7 tài khoản" in vietnamese


def test_every_text_has_both_languages_with_the_same_places() -> None:
    for texts in (TEXTS, REASONS, MORE_NAMES, LIMIT_NAMES, LIMIT_PARTS):
        for name, held in texts.items():
            assert set(held) == {"en", "vi"}, name
            places = [set(re.findall(r"{(\w+)}", text)) for text in held.values()]
            assert places[0] == places[1], name
    assert set(RULES) <= set(REASONS)


def test_a_conflict_says_what_contradicts_and_what_would_be_enough() -> None:
    parts = (
        part("budget", "at most", 1_000_000.0, 250_000.0, "money"),
        part("tier mega", "at least", 2.0, 1.0),
        part("least share of spend on city Huế", "at least", 0.2, np.nan, "share"),
    )
    conflict = Conflict(parts, (), np.array([0]), (), True)
    text = describe_conflict(conflict, "VND", "en")
    assert text == (
        "no plan keeps to all limits. These cannot hold together: budget at most 1,000,000 VND, "
        "tier mega at least 2 accounts and share of spend on city Huế at least 20 %. Any one of "
        "these is enough: budget at most 1,250,000 VND (+250,000 VND) or tier mega at least 1 "
        "account (-1 account). Together they would hold with: budget at most 1,250,000 VND "
        "(+250,000 VND) and tier mega at least 1 account (-1 account)."
    )
    assert "ít nhất 2 tài khoản" in describe_conflict(conflict, "VND", "vi")
    alone = Conflict(parts[1:2], (), np.array([0]), (), True)
    assert describe_conflict(alone, "VND", "en") == (
        "no plan keeps to all limits. This cannot be kept: tier mega at least 2 accounts. A way "
        "out: tier mega at least 1 account (-1 account)."
    )
    hasty = Conflict(parts[:1], (), np.array([0]), (), False)
    assert "may hold more than it must" in describe_conflict(hasty, "VND", "en")
    share = part("greatest share of spend on platform tiktok", "at most", 0.4, 0.0312, "share")
    told = describe_conflict(Conflict((share,), (), np.array([0]), (), True), "VND", "en")
    assert told.endswith(
        "share of spend on platform TikTok at most 40 %. A way out: share of spend on platform "
        "TikTok at most 43.2 % (+3.2 percentage points)."
    )
    must = part("must have acc_1", "at least", 1.0, 1.0)
    told = describe_conflict(Conflict((must,), (), np.array([0]), (), True), "VND", "vi")
    assert told.endswith("Không thể giữ: bắt buộc có acc_1. Cách gỡ: bỏ “bắt buộc có acc_1”.")


def test_a_bound_that_would_hold_nothing_any_more_is_left_out_instead() -> None:
    none = (part("tier mega", "at least", 2.0, 2.0), part("budget", "at most", 5.0, 3.0, "money"))
    told = describe_conflict(Conflict(none, (), np.array([0]), (), True), "VND", "en")
    assert "enough: without “tier mega at least 2 accounts” or budget at most 8 VND" in told
    assert "at least 0" not in told
    share = part("greatest share of spend on city Huế", "at most", 0.9, 0.1, "share")
    told = describe_conflict(Conflict((share,), (), np.array([0]), (), True), "VND", "vi")
    assert told.endswith("Cách gỡ: bỏ “tỷ trọng chi cho thành phố Huế nhiều nhất 90 %”.")


def test_amounts_that_time_cut_short_are_not_told_as_the_least() -> None:
    parts = (part("tier mega", "at least", 4.0, 1.0),)
    for is_least in (True, False):
        conflict = Conflict(parts, (), np.array([0]), (), True, is_least)
        english, vietnamese = (describe_conflict(conflict, "VND", one) for one in ("en", "vi"))
        assert ("best found before time ran out; less may be enough" in english) != is_least
        assert ("trước khi hết thời gian" in vietnamese) != is_least


def test_hires_beyond_what_was_learnt_are_counted_and_five_are_named() -> None:
    frame = pd.DataFrame(
        {
            "account_id": [f"acc_{k}" for k in range(9)],
            "handle": ["a", "b", None, " ", "e", "f", "g", "h", "i"],
            "outcome_is_outside": [True] * 8 + [False],
        }
    )
    (english,) = describe_outside(frame, "en")
    assert "Of the 9 hires of this plan 8 have figures beyond any learnt from" in english
    assert english.endswith("wider: a, b, acc_2, acc_3, e, and 3 more.")
    (vietnamese,) = describe_outside(frame, "vi")
    assert "Trong 9 tài khoản của phương án có 8 tài khoản" in vietnamese
    assert vietnamese.endswith(": a, b, acc_2, acc_3, e, và 3 tài khoản nữa.")
    (single,) = describe_outside(frame.iloc[[0, 8]], "en")
    assert single.startswith("One of the 2 hires")
    assert single.endswith(": a.")
    assert describe_outside(frame.iloc[[8]], "en") == ()
    assert describe_outside(frame.iloc[:0], "vi") == ()
