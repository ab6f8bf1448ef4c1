from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matcher.plan.results import Conflict, ConflictPart
from matcher.plan.words import describe_conflict, limit_name, objective_name


def part(name: str, side: Any, bound: float, give: float, unit: Any = "accounts") -> ConflictPart:
    return ConflictPart(name, side, bound, give, give, unit)


@pytest.mark.parametrize(
    ("name", "vietnamese"),
    [
        ("budget", "ngân sách"),
        ("tier micro", "hạng quy mô micro"),
        ("spend on platform tiktok", "chi cho nền tảng tiktok"),
        ("least share of spend on gender female (20%)",
         "tỷ trọng chi tối thiểu cho giới tính female (20%)"),
        ("must have acc_1", "bắt buộc có acc_1"),
        ("anything else", "anything else"),
    ],
)  # fmt: skip
def test_limits_have_names_in_both_languages(name: str, vietnamese: str) -> None:
    assert limit_name(name, "vi") == vietnamese
    assert limit_name(name, "en") == ("budget" if name == "budget" else name)


def test_a_mix_is_named_by_its_parts() -> None:
    assert objective_name("reach", "vi") == "người tiếp cận được"
    assert objective_name("reach=1,engagements=20", "en") == (
        "1 × people reached + 20 × engagements"
    )


def test_a_conflict_says_what_contradicts_and_what_would_be_enough() -> None:
    parts = (
        part("budget", "at most", 1_000_000.0, 250_000.0, "money"),
        part("tier mega", "at least", 2.0, 1.0),
        part("least share of spend on city Huế (20%)", "at least", 0.0, np.nan, "money"),
    )
    conflict = Conflict(parts, (), np.array([0]), (), True)
    text = describe_conflict(conflict, "VND", "en")
    assert text == (
        "no plan keeps to all limits. These cannot hold together: budget at most 1,000,000 VND, "
        "tier mega at least 2 accounts and least share of spend on city Huế (20%). Any one of "
        "these is enough: budget at most 1,250,000 VND (+250,000 VND) or tier mega at least 1 "
        "account (-1 account). Together they would hold with: budget at most 1,250,000 VND "
        "(+250,000 VND) and tier mega at least 1 account (-1 account)."
    )
    assert "ít nhất 2 tài khoản" in describe_conflict(conflict, "VND", "vi")
    alone = Conflict(parts[1:2], (), np.array([0]), (), True)
    assert describe_conflict(alone, "VND", "en") == (
        "no plan keeps to all limits. This cannot be kept: tier mega at least 2 accounts. It could "
        "be: tier mega at least 1 account (-1 account)."
    )
    hasty = Conflict(parts[:1], (), np.array([0]), (), False)
    assert "may hold more than it must" in describe_conflict(hasty, "VND", "en")
