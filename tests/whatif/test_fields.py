"""Edits, knobs and values in words of both languages."""

from __future__ import annotations

import re

import pytest

from matcher.whatif.edits import BriefEdit, InfluencerEdit, MarketEdit, NewAccount
from matcher.whatif.fields import (
    describe_edits,
    field_words,
    knob_words,
    show_value,
    value_words,
)

EDITS = [
    {"kind": "brief", "objective": "awareness", "audience_gender": "female",
     "audience_interests": ["food"], "formats": ["short_video"], "platforms": ["tiktok"],
     "starts_on": "2025-08-01", "budget": 120_000_000, "kpi_goal": 100_000.5, "brief": "Thêm 1234"},
    {"kind": "influencer", "account_id": "acc_1", "formats": ["live"], "cadence_factor": 1.5,
     "audience": {"age": {"18-24": 0.7}}},
    {"kind": "market", "platform_reach": {"tiktok": 0.8}, "as_if_always": True,
     "unavailable": ["acc_2"], "new_accounts": [{"account_id": "n", "platform": "tiktok",
                                                "text": "mì", "n_followers": 50_000}]},
]  # fmt: skip


def test_vietnamese_edits_hold_no_field_by_its_english_name() -> None:
    lines = describe_edits({"edits": EDITS}, "vi")
    assert lines[:3] == [
        "bản mô tả: mục tiêu = nhận biết",
        "bản mô tả: giới tính khán giả = nữ",
        "bản mô tả: sở thích khán giả = Ẩm thực, thực phẩm",
    ]
    assert "bản mô tả: ngày bắt đầu = 01/08/2025" in lines
    assert "bản mô tả: ngân sách = 120.000.000" in lines
    assert "bản mô tả: mức chỉ tiêu = 100.000,5" in lines
    assert "bản mô tả: nội dung mô tả = Thêm 1234" in lines
    assert "tài khoản acc_1: định dạng nhận thêm = livestream" in lines
    assert "thị trường: hệ số nhân kết quả trên nền tảng = TikTok 0,8" in lines
    assert "thị trường: như thể từ trước đến nay vẫn vậy" in lines
    known = {name for kind in (BriefEdit, InfluencerEdit, MarketEdit, NewAccount)
             for name in kind.model_fields} | {"market", "influencer"}  # fmt: skip
    assert not known & set(re.split(r"[^\w]+", " ".join(lines)))


def test_english_edits_have_the_names_that_files_give_them() -> None:
    lines = describe_edits({"edits": EDITS}, "en")
    assert "brief: budget = 120,000,000" in lines
    assert "brief: kpi_goal = 100,000.5" in lines
    assert "market: platform_reach = TikTok 0.8" in lines
    assert "market: as_if_always" in lines


@pytest.mark.parametrize("kind", [BriefEdit, InfluencerEdit, MarketEdit, NewAccount])
def test_every_field_has_words_in_both_languages(kind: type) -> None:
    for name in set(kind.model_fields) - {"kind"}:  # type: ignore[attr-defined]
        assert field_words(name, "vi") != name or name in ("platform", "text", "bio")
        assert "_" not in field_words(name, "en")


def test_knobs_and_their_values() -> None:
    assert knob_words("acc_1.price_factor", "vi") == "hệ số nhân giá của acc_1"
    assert knob_words("acc_1.price_factor", "en") == "the factor on the price of acc_1"
    assert knob_words("acc_1.cadence_factor", "en") == "the factor on how often acc_1 posts"
    assert knob_words("platform_reach.tiktok", "vi") == "hệ số nhân kết quả trên TikTok"
    assert knob_words("acc_1.formats", "en") == "further formats of acc_1"
    assert value_words("formats", "short_video+story", "vi") == "video ngắn, story"
    assert value_words("budget", None, "vi") == "không đặt"
    assert value_words("must_have", "00123", "vi") == "00123"
    assert value_words("budget", "inf", "en") == "inf"
    assert [show_value(one) for one in (3e7, 2, 0.25, ("a", "b"))] == [
        "30000000", "2", "0.25", "a+b",
    ]  # fmt: skip
