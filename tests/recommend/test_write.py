from __future__ import annotations

import csv
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import OutputExistsError, UsageError
from matcher.files import TABLE_SUFFIXES
from matcher.plain import formula_safe, spreadsheet_safe
from matcher.recommend.recommend import recommend
from matcher.recommend.write import write_recommendations


@pytest.fixture(scope="module")
def found(shop):
    briefs = [shop.make_brief("=1+1"), shop.make_brief("Đẹp")]
    return recommend(
        shop.model, shop.data, briefs, as_of=shop.NOW, top_k=8, context=shop.context, language="vi",
        order="fit",
    )  # fmt: skip


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_bytes_are_the_same_every_time(shop, found, tmp_path, suffix):
    again = recommend(
        shop.model,
        shop.data,
        [shop.make_brief("=1+1"), shop.make_brief("Đẹp")],
        as_of=shop.NOW,
        top_k=8,
        language="vi",
        order="fit",
    )
    paths = [tmp_path / f"{name}{suffix}" for name in ("one", "two")]
    for recommendations, path in zip((found, again), paths, strict=True):
        write_recommendations(recommendations, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths


def test_parquet_round_trip(found, tmp_path):
    path = write_recommendations(found, tmp_path / "out.parquet")
    back = pd.read_parquet(path)
    for name in ("warnings", "other_accounts"):
        back[name] = back[name].map(tuple)
    pd.testing.assert_frame_equal(back, found.frame)


def test_jsonl_holds_text_as_it_is(found, tmp_path):
    path = write_recommendations(found, tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["handle"] for row in rows] == found.frame["handle"].tolist()
    assert [row["fit_score"] for row in rows] == found.frame["fit_score"].tolist()
    assert rows[0]["url"] is None
    assert rows[0]["as_of"] == "2025-03-01T00:00:00.000000Z"
    assert isinstance(rows[0]["warnings"], list)


def test_csv_is_safe_and_opens_in_vietnamese(found, tmp_path):
    path = write_recommendations(found, tmp_path / "out.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.frame)
    assert {row["brief_id"] for row in rows} == {"'=1+1", "Đẹp"}
    for row, handle in zip(rows, found.frame["handle"], strict=True):
        assert row["handle"] == "'" + handle
    scores = [float(row["reason_history"]) for row in rows]
    assert scores == pytest.approx(found.frame["reason_history"].tolist())
    assert any(score < 0 for row in rows for score in [float(row["base"])])


def test_an_empty_list_is_written_too(shop, tmp_path):
    nobody = shop.make_brief(platforms=["podcast"])
    empty = recommend(shop.model, shop.data, [nobody], as_of=shop.NOW, context=shop.context)
    for suffix in TABLE_SUFFIXES:
        write_recommendations(empty, tmp_path / f"out{suffix}")
    assert list(pd.read_parquet(tmp_path / "out.parquet").columns) == list(empty.frame.columns)


def test_nothing_is_overwritten_without_force(found, tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match="--force"):
        write_recommendations(found, path)
    assert path.read_text() == "mine"
    write_recommendations(found, path, force=True)
    assert path.read_text(encoding="utf-8-sig").startswith('"brief_id"')


def test_an_unknown_suffix(found, tmp_path):
    with pytest.raises(UsageError, match="expected one of"):
        write_recommendations(found, tmp_path / "out.xls")


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_failure_leaves_nothing_behind(found, tmp_path, suffix, monkeypatch):
    def fail(*_args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("matcher.files.os.fsync", fail)
    with pytest.raises(UsageError, match="disk full"):
        write_recommendations(found, tmp_path / f"out{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_made_safe_and_keeps_its_numbers():
    frame = pd.DataFrame({"handle": ["=1", "ơ"], "gap": [-1.5, 2.0], "more": [("+a", "b"), ()]})
    safe = spreadsheet_safe(frame)
    assert safe["handle"].tolist() == ["'=1", "ơ"]
    assert safe["more"].tolist() == ["'+a|b", ""]
    assert safe["gap"].tolist() == [-1.5, 2.0]
    assert frame["handle"].tolist() == ["=1", "ơ"]


@given(st.text(max_size=40))
def test_no_text_can_begin_a_formula(text):
    safe = formula_safe(text)
    first = safe.lstrip(" \t\r\n\u200b\u202e\ufeff")[:1]
    assert first not in tuple("=+-@＝＋－＠")
    safe.encode("utf-8")


@pytest.mark.parametrize("text", ["=1", " =1", "\t1", "@x", "-2+3", "＝1", "\u200b=1", "\u202e+1"])
def test_risky_beginnings(text):
    assert formula_safe(text).startswith("'")


def test_lone_surrogates_and_controls_are_kept_readable():
    assert formula_safe("a\ud800b\x00c") == "a\\ud800b c"
