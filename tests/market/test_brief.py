from __future__ import annotations

import datetime as dt
import json
import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from matcher.errors import ConfigError, DataError
from matcher.market.brief import Brief, read_brief
from matcher.market.market import build_market

Tables = dict[str, pd.DataFrame]

FULL = {
    "brief_id": "tra",
    "brand_name": "Trà Một",
    "brand_category": "beverage",
    "title": "Trà mới",
    "brief": "Giới thiệu trà sữa ít đường.",
    "brief_language": "vi",
    "objective": "awareness",
    "platforms": ["tiktok", "YouTube"],
    "countries": ["vn"],
    "n_creators": 5,
    "budget": 1_000_000,
    "currency": "VND",
    "timezone": "Asia/Ho_Chi_Minh",
    "decided_at": "2025-01-01T00:00:00+07:00",
    "starts_on": "2025-02-01",
}


def write(path: Path, values: dict[str, Any]) -> Path:
    if path.suffix == ".json":
        path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    else:
        path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["b.yaml", "b.json"])
def test_a_brief_is_read_from_yaml_and_json(tmp_path: Path, name: str) -> None:
    brief = read_brief(write(tmp_path / name, FULL))
    assert brief.brief_id == brief.campaign_id == "tra"
    assert brief.text == "Trà mới\nGiới thiệu trà sữa ít đường."
    assert brief.platforms == ("tiktok", "youtube")
    assert brief.countries == ("VN",)
    assert brief.decided_at == dt.datetime(2024, 12, 31, 17, tzinfo=dt.UTC)
    assert brief.decision_instant == pd.Timestamp("2024-12-31T17:00:00Z")
    assert brief.starts_on == dt.date(2025, 2, 1)
    assert brief.never == ()


def test_the_name_of_the_file_is_the_id_of_a_nameless_brief(tmp_path: Path) -> None:
    brief = read_brief(write(tmp_path / "mua-he.yaml", {"title": "Mùa hè", "platforms": "tiktok"}))
    assert brief.brief_id == "mua-he"
    assert brief.platforms == ("tiktok",)
    assert brief.text == "Mùa hè"
    assert brief.decision_instant is None


def test_text_is_composed(tmp_path: Path) -> None:
    decomposed = {**FULL, "title": unicodedata.normalize("NFD", "Phở ngon")}
    assert read_brief(write(tmp_path / "b.json", decomposed)).title == "Phở ngon"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"titel": "x"}, "unknown key `titel`; did you mean `title`?"),
        ({"platforms": ["tiktokk"]}, "'tiktokk' is unknown; did you mean 'tiktok'?"),
        ({"brand_category": "bevrage"}, "did you mean 'beverage'?"),
        ({"objective": "fame"}, "`objective`: got 'fame'"),
        ({"countries": ["Vietnam"]}, "'Vietnam' is no ISO 3166"),
        ({"budget": -1}, "`budget`: got -1"),
        ({"budget": float("nan")}, "`budget`: got nan"),
        ({"currency": None}, "`budget` has no `currency`"),
        ({"timezone": "Hanoi"}, "`timezone`: got 'Hanoi'"),
        ({"decided_at": "2025-01-01T00:00:00"}, "has no offset; write"),
        ({"decided_at": dt.date(2025, 1, 1)}, "a day is no instant"),
        ({"n_creators": 0}, "`n_creators`: got 0"),
        ({"ends_on": "2025-01-01"}, "lies after `ends_on` 2025-01-01"),
        ({"must_have": ["a"], "never": ["a", "b"]}, "stand in both"),
        ({"audience_age": ["20-30"]}, "'20-30' is unknown"),
    ],
)
def test_a_bad_brief_is_a_config_error(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "b.yaml", {**FULL, **change})
    with pytest.raises(ConfigError, match="b.yaml") as caught:
        read_brief(path)
    assert message in str(caught.value)


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "b.yaml", {**FULL, "titel": 1, "budget": -1, "objective": "fame"})
    with pytest.raises(ConfigError, match=r"3 problem\(s\)"):
        read_brief(path)


def test_a_brief_cannot_be_changed() -> None:
    brief = Brief(brief_id="x")
    with pytest.raises(ValidationError, match="frozen"):
        brief.title = "y"  # type: ignore[misc]


def test_a_campaign_gives_its_brief_with_its_brand(tables: Tables) -> None:
    brief = Brief.from_campaign(build_market(tables), "c1")
    assert brief.brief_id == "c1"
    assert brief.brand_id == "b1"
    assert (brief.brand_name, brief.brand_category, brief.brand_owner) == (
        "Trà Một",
        "beverage",
        "g1",
    )
    assert brief.competitor_ids == ("b2",)
    assert brief.platforms == ("tiktok",)
    assert brief.budget == 1e6
    assert brief.decision_instant == pd.Timestamp("2024-03-01", tz="UTC")
    assert brief.starts_on == dt.date(2024, 3, 8)


def test_an_open_campaign_without_terms(tables: Tables) -> None:
    tables["brands"] = tables["brands"].head(1)
    tables["campaigns"]["brand_id"] = "b1"
    tables["campaigns"]["n_creators"] = [None, 3.0]
    brief = Brief.from_campaign(build_market(tables), "c2")
    assert brief.decided_at is None
    assert brief.text == "Son mới"
    assert brief.n_creators == 3
    assert brief.budget is None


def test_every_campaign_that_passes_validation_gives_a_brief(tables: Tables) -> None:
    campaigns = tables["campaigns"]
    campaigns["ends_on"] = pd.to_datetime(["2024-01-01", None])
    campaigns["n_creators"] = [0.0, 2.5]
    campaigns["currency"] = ["dong", None]
    campaigns["timezone"] = ["Hanoi", "UTC"]
    campaigns["must_have"] = [("a1",), ("a9",)]
    campaigns["never"] = [("a1",), None]
    market = build_market(tables)
    briefs = [Brief.from_campaign(market, name) for name in ("c1", "c2")]
    assert [brief.n_creators for brief in briefs] == [None, None]
    assert [brief.ends_on for brief in briefs] == [None, None]


def test_an_unknown_campaign_is_named_with_its_nearest(tables: Tables) -> None:
    market = build_market(tables)
    with pytest.raises(DataError, match="got campaign_id 'c11'; did you mean 'c1'"):
        Brief.from_campaign(market, "c11")
