from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matcher.columns import REASON_GROUPS
from matcher.errors import OutputExistsError, UsageError
from matcher.plain import plain_text
from matcher.recommend.recommendations import COLUMNS, Recommendations
from matcher.report.workbook import write_workbook

NOW = pd.Timestamp("2025-03-01T00:00:00Z")
pytestmark = pytest.mark.filterwarnings("ignore:.*xtension is not supported:UserWarning")


def make_found(briefs: dict[str, list[str]], **columns: Any) -> Recommendations:
    """Lists whose every text is the same in a row: one row for each text of a brief."""
    texts = [text for one in briefs.values() for text in one]
    values: dict[str, Any] = {}
    for name, dtype in COLUMNS.items():
        if name.endswith(("_published_at", "_decided_at")):
            values[name] = pd.Series([NOW - pd.Timedelta(days=1)] * len(texts), dtype=dtype)
        elif dtype.startswith("datetime"):
            values[name] = pd.Series([NOW] * len(texts), dtype=dtype)
        elif dtype == "str":
            values[name] = pd.Series(texts, dtype="object")
        elif dtype == "object":
            values[name] = pd.Series([(text,) for text in texts], dtype="object")
        else:
            values[name] = pd.Series(np.zeros(len(texts)), dtype=dtype)
    frame = pd.DataFrame(values)
    frame["brief_id"] = [brief for brief, one in briefs.items() for _ in one]
    frame["rank"] = frame.groupby("brief_id", sort=False).cumcount() + 1
    frame["account_id"] = [f"a{number}" for number in range(len(frame))]
    frame["explained"] = "fit"
    for name, value in columns.items():
        frame[name] = value
    pools = pd.DataFrame(
        {
            "brief_id": list(briefs),
            "as_of": NOW,
            "n_accounts": 9,
            "n_eligible": 5,
            "n_candidates": 5,
            "n_recommended": [len(one) for one in briefs.values()],
            "removed_platform": 4,
            "unknown_price": 0,
        }
    )
    return Recommendations(frame, pools, ("=note",), {"as_of": NOW.isoformat(), "model_id": "m"})


def cells(path: Path) -> dict[str, list[Any]]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: [cell for row in sheet for cell in row] for sheet in book}


def texts_of(row: list[Any]) -> set[str]:
    return {cell.value for cell in row if isinstance(cell.value, str)}


def test_the_summary_names_the_version_where_there_is_one(tmp_path: Path) -> None:
    for version in ("matcher/3", None):
        found = replace(make_found({"b": ["x"]}), audit={"model_version": version})
        path = write_workbook(found, tmp_path / "l.xlsx", force=True)
        said = texts_of(cells(path)["Summary"])
        assert ("model_version: matcher/3" in said) == (version is not None)
        assert not any("None" in text for text in said)


def test_a_summary_and_a_sheet_for_each_brief(tmp_path: Path) -> None:
    found = make_found({"Tết": ["x", "y"], "b": ["z"]}, fit=[0.9, 0.5, 0.1])
    book = openpyxl.load_workbook(write_workbook(found, tmp_path / "l.xlsx"))
    assert book.sheetnames == ["Summary", "Tết", "b"]
    sheet = book["Tết"]
    assert [cell.value for cell in sheet[1]][:3] == ["Rank", "Account", "Name"]
    assert [sheet.cell(line, 1).value for line in (2, 3)] == [1, 2]
    assert (sheet["E2"].value, sheet["E2"].number_format) == (0.9, "0.0%")
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref.startswith("A1:")
    summary = book["Summary"]
    assert [summary.cell(4, column).value for column in (1, 2, 3, 4, 5)] == [
        "Tết", 2, 5, 9, "platform 4"
    ]  # fmt: skip
    assert summary["A4"].hyperlink.location == "'Tết'!A1"
    assert {"=note", "model_id: m"} <= {cell.value for cell in summary["A"]}
    vi = openpyxl.load_workbook(write_workbook(found, tmp_path / "vi.xlsx", language="vi"))
    assert vi.sheetnames[0] == "Tổng quan"
    assert vi["b"]["A1"].value == "Hạng"


def test_every_reason_group_has_its_bars(tmp_path: Path) -> None:
    path = write_workbook(make_found({"b": ["x"]}), tmp_path / "l.xlsx")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
    assert sheet.count('<cfRule type="dataBar"') == 2 + len(REASON_GROUPS)


def test_fees_carry_their_currency_and_estimates_a_mark(tmp_path: Path) -> None:
    found = make_found(
        {"b": ["w", "x", "y", "z"]},
        fee=[1_600_000.0, 64.5, 900.0, np.nan],
        fee_low=[np.nan, 40.0, np.nan, np.nan],
        fee_high=[np.nan, 90.0, np.nan, np.nan],
        fee_currency=["VND", "USD", 'x"0', None],
        fee_is_estimate=[False, True, False, False],
    )
    sheet = openpyxl.load_workbook(write_workbook(found, tmp_path / "l.xlsx"))["b"]
    place = {cell.value: cell.column for cell in sheet[1]}
    fees = [sheet.cell(line, place["Fee, one post"]) for line in range(2, 6)]
    assert [cell.value for cell in fees] == [1_600_000, 64.5, 900, None]
    assert [cell.number_format for cell in fees[:3]] == [
        '#,##0 "VND"', '"≈ "#,##0.00 "USD"', "#,##0"
    ]  # fmt: skip
    assert [bool(cell.font.italic) for cell in fees] == [False, True, False, False]
    assert sheet.cell(3, place["Fee, lower end of 80 %"]).value == 40


def test_sentences_can_be_folded_and_technical_columns_are(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(write_workbook(make_found({"b": ["x"]}), tmp_path / "l.xlsx"))[
        "b"
    ]
    head = {cell.value: cell.column_letter for cell in sheet[1]}
    look = {name: sheet.column_dimensions[letter] for name, letter in head.items()}
    assert {"Why 1", "Past hire 1", "Reach ±"} <= set(head)
    assert look["Reach"].outlineLevel == 1
    assert not look["Reach"].hidden
    assert look["Account id"].hidden
    assert look["Account id"].outlineLevel == 1
    assert not look["Check first"].outlineLevel


def test_the_summary_tells_of_past_campaigns(tmp_path: Path) -> None:
    found = make_found({"b": ["x"]})
    pools = found.pools.assign(similar_1_text="=once", similar_2_text=None)
    found = Recommendations(found.frame, pools, found.notes, found.audit)
    sheet = openpyxl.load_workbook(write_workbook(found, tmp_path / "l.xlsx"))["Summary"]
    place = {cell.value: cell.column for cell in sheet[3]}
    cell = sheet.cell(4, place["Past campaign like it 1"])
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=once", "s", True)
    assert sheet.cell(4, place["Past campaign like it 2"]).value is None


def test_equal_lists_give_equal_bytes(tmp_path: Path) -> None:
    found = make_found({"b": ["x", "ơ"]})
    paths = [write_workbook(found, tmp_path / f"{name}.xlsx") for name in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()


HOSTILE = st.text(
    st.characters(codec=None, exclude_categories=()) | st.sampled_from("=+-@\t\r\n<>&'\"\u202e"),
    max_size=30,
)


@given(st.lists(HOSTILE, min_size=1, max_size=4))
@example(['=HYPERLINK("http://x")', "+84 90", "_x0041_", "<b>&amp;", "\x00\x1f\ufffe\ud800"])
def test_no_text_becomes_a_formula_or_is_lost(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = write_workbook(make_found({"b": texts}), tmp_path_factory.mktemp("x") / "l.xlsx")
    held = cells(path)
    assert {cell.data_type for row in held.values() for cell in row} <= {"s", "n", "b", "d"}
    wanted = {plain_text(text).replace("\r\n", "\n").replace("\r", "\n") for text in texts}
    read = {str(cell.value or "").replace("\r\n", "\n").replace("\r", "\n") for cell in held["b"]}
    assert {text for text in wanted if text} <= read


@pytest.mark.parametrize(
    ("address", "is_link"),
    [
        ("https://www.tiktok.com/@a/video/1", True),
        ("http://x.vn/đẹp", True),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("internal:Summary!A1", False),
        ("https://x.vn/a b", False),
        ("https://x.vn/" + "a" * 3_000, False),
    ],
)
def test_only_web_addresses_become_links(tmp_path: Path, address: str, is_link: bool) -> None:
    found = make_found({"b": ["x"]}, url=[address], evidence_1_url=[address])
    sheet = openpyxl.load_workbook(write_workbook(found, tmp_path / "l.xlsx"))["b"]
    linked = [cell.coordinate for row in sheet for cell in row if cell.hyperlink]
    assert (len(linked) == 2) is is_link
    assert sheet["B2"].value == "x"


def test_a_text_longer_than_a_cell_is_cut_and_said(tmp_path: Path) -> None:
    held = cells(write_workbook(make_found({"b": ["x" * 40_000]}), tmp_path / "l.xlsx"))
    long = [cell.value for cell in held["b"] if str(cell.value).startswith("xx")]
    assert {len(text) for text in long} == {32_767}
    assert all(text.endswith("…") for text in long)
    assert f"{len(long)} text(s) were longer than a cell holds" in str(
        [cell.value for cell in held["Summary"]]
    )


@given(st.lists(HOSTILE.filter(bool), min_size=1, max_size=6, unique=True))
@example(["History", "history", "a" * 40, "A" * 40, "[]:*?/\\", "'", "📱" * 20, "Summary"])
def test_sheet_names_are_allowed_and_unique(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    found = make_found({name: ["x"] for name in names})
    path = write_workbook(found, tmp_path_factory.mktemp("x") / "l.xlsx")
    book = openpyxl.load_workbook(path)
    assert len({name.lower() for name in book.sheetnames}) == 1 + len(names)
    for name in book.sheetnames:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not re.search(r"[\[\]:*?/\\]", name)
        assert name.lower() != "history"


def test_lists_without_accounts_are_written(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write_workbook(make_found({"b": []}), tmp_path / "l.xlsx"))
    assert book["Summary"]["B4"].value == 0
    assert book["b"].max_row == 1


def test_what_is_refused(tmp_path: Path) -> None:
    found = make_found({"b": ["x"]})
    with pytest.raises(UsageError, match=r"expected one of \.xlsx"):
        write_workbook(found, tmp_path / "l.xls")
    path = tmp_path / "l.xlsx"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match="--force"):
        write_workbook(found, path)
    assert path.read_text() == "mine"
