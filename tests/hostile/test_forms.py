"""A thousand hostile texts in every column of a list, through every form in which it is written."""

from __future__ import annotations

import csv
import json
import re
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from matcher.files import write_table
from matcher.plain import encodable, formula_safe, formula_unsafe, one_line, plain_text, visible
from matcher.recommend.recommendations import COLUMNS, Recommendations
from matcher.recommend.write import read_recommendations, write_recommendations
from matcher.report.workbook import write_workbook

NOW = pd.Timestamp("2025-03-01T00:00:00Z")
PER_BRIEF = 25
CELL = 32_767
BEGINS = re.compile(r"[\s\u200b-\u202e\ufeff]*[=+\-@＝＋－＠]|[\t\r]")
pytestmark = pytest.mark.filterwarnings("ignore:.*xtension is not supported:UserWarning")


def make_column(name: str, dtype: str, texts: list[str], shift: int) -> pd.Series:
    turned = texts[shift:] + texts[:shift]
    if name.endswith(("_published_at", "_decided_at")):
        return pd.Series([NOW - pd.Timedelta(days=1)] * len(texts), dtype=dtype)
    if dtype.startswith("datetime"):
        return pd.Series([NOW] * len(texts), dtype=dtype)
    if dtype == "str":
        return pd.Series(turned, dtype=object)
    if dtype == "object":
        return pd.Series([(text, "b") for text in turned], dtype=object)
    return pd.Series(np.zeros(len(texts)), dtype=dtype)


@pytest.fixture(scope="module")
def found(hostile):
    """Lists in which every text column holds every string, each column shifted by another step."""
    texts = hostile.strings
    columns = {
        name: make_column(name, dtype, texts, 7 * place)
        for place, (name, dtype) in enumerate(COLUMNS.items())
    }
    frame = pd.DataFrame(columns)
    # As objects: what pandas takes for text holds no lone surrogate.
    frame["account_id"] = pd.Series(texts, dtype=object)
    frame["explained"] = "fit"
    briefs = texts[: len(texts) // PER_BRIEF]
    repeated = [brief for brief in briefs for _ in range(PER_BRIEF)]
    frame["brief_id"] = pd.Series(repeated, dtype=object)
    frame["rank"] = np.tile(np.arange(1, PER_BRIEF + 1), len(briefs))
    pools = pd.DataFrame(
        {
            "brief_id": pd.Series(briefs, dtype=object),
            "as_of": NOW,
            "n_accounts": 9,
            "n_eligible": 5,
            "n_candidates": 5,
            "n_recommended": PER_BRIEF,
            "removed_platform": 4,
        }
    )
    audit = {"as_of": NOW.isoformat(), "model_id": texts[0], "assumed_timeless": texts[60]}
    return Recommendations(frame, pools, tuple(texts), audit)


TEXTS = [name for name, dtype in COLUMNS.items() if dtype == "str"]
LISTS = [name for name, dtype in COLUMNS.items() if dtype == "object"]


def test_parquet_holds_everything(found, tmp_path):
    typed = found.frame.assign(**{
        name: pd.Series(map(encodable, found.frame[name]), dtype="str") for name in TEXTS
    })  # fmt: skip
    lists = Recommendations(typed, found.pools, found.notes, found.audit)
    back = pd.read_parquet(write_recommendations(lists, tmp_path / "l.parquet"))
    assert len(back) == len(found)
    for name in TEXTS:
        assert back[name].tolist() == [encodable(text) for text in found.frame[name]], name
    for name in LISTS:
        wanted = [tuple(map(encodable, cell)) for cell in found.frame[name]]
        assert [tuple(cell) for cell in back[name]] == wanted


def test_json_lines_hold_everything(found, tmp_path):
    path = write_recommendations(found, tmp_path / "l.jsonl")
    lines = path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    rows = [json.loads(line) for line in lines]
    assert len(rows) == len(found)
    for name in TEXTS:
        assert [row[name] for row in rows] == [encodable(text) for text in found.frame[name]]
    back = read_recommendations(path)
    assert back["handle"].tolist() == [encodable(text) for text in found.frame["handle"]]


def test_csv_holds_everything_and_begins_no_formula(found, tmp_path):
    path = write_recommendations(found, tmp_path / "l.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows) == len(found)
    for name in TEXTS:
        cells = [row[name] for row in rows]
        assert cells == [formula_safe(text) for text in found.frame[name]], name
        assert not [cell for cell in cells if BEGINS.match(cell)], name
        assert [formula_unsafe(cell) for cell in cells] == [
            plain_text(text) for text in found.frame[name]
        ]
    back = read_recommendations(path)
    for name in TEXTS:
        assert back[name].tolist() == [plain_text(text) for text in found.frame[name]], name


def sheet_text(value: Any) -> str:
    return str(value or "").replace("\r\n", "\n").replace("\r", "\n")


def fitting(text: str) -> str:
    plain = plain_text(text)
    if len(plain.encode("utf-16-le")) <= 2 * CELL:
        return plain
    return plain.encode("utf-16-le")[: 2 * CELL - 2].decode("utf-16-le", "ignore") + "…"


def test_a_workbook_opens_and_holds_everything(hostile, found, tmp_path):
    path = write_workbook(found, tmp_path / "l.xlsx")
    hostile.check_workbook(path)
    book = openpyxl.load_workbook(path)
    names = [sheet.title for sheet in book]
    assert len({name.casefold() for name in names}) == len(names) == 1 + len(found.pools)
    for name in names:
        assert not re.search(r"[\[\]:*?/\\\x00-\x1f]", name)
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not name.startswith("'")
        assert not name.endswith("'")
    held = [[cell for row in sheet.iter_rows(min_row=2) for cell in row] for sheet in book][1:]
    for cells, brief in zip(held, found.pools["brief_id"], strict=True):
        assert {cell.data_type for cell in cells} <= {"s", "n", "b", "d", "inlineStr"}
        read = {sheet_text(cell.value) for cell in cells}
        rows = found.brief(brief)
        for name in ("handle", "display_name", "why_1", "account_id", "evidence_1_text"):
            assert {fitting(text) for text in rows[name]} <= read | {""}, name
        for cell in cells:
            if cell.data_type == "s":
                assert len(str(cell.value).encode("utf-16-le")) <= 2 * CELL
            if isinstance(cell.value, str) and BEGINS.match(cell.value):
                assert cell.quotePrefix, cell.value
    summary = [sheet_text(cell.value) for row in book["Summary"] for cell in row]
    assert {fitting(note) for note in found.notes} <= set(summary)
    assert {fitting(brief) for brief in found.pools["brief_id"]} <= set(summary)
    assert any("the whole text is in the Parquet" in text for text in summary)


def test_a_page_is_a_table_and_nothing_else(hostile, found):
    for first in range(0, len(found), PER_BRIEF):
        rows = found.frame.iloc[first : first + PER_BRIEF].reset_index(drop=True)
        page = Recommendations(rows, found.pools, found.notes[first : first + 20])._repr_html_()
        hostile.check_page(page)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_any_table_holds_everything(hostile, tmp_path, suffix):
    texts = [plain_text(text) for text in hostile.strings]
    table = pd.DataFrame({"value": texts, "n": range(len(texts))})
    path = write_table(tmp_path / f"t{suffix}", table, force=False)
    if suffix == ".parquet":
        back = pd.read_parquet(path)["value"].tolist()
    elif suffix == ".jsonl":
        lines = path.read_text(encoding="utf-8").split("\n")
        back = [json.loads(line)["value"] for line in lines if line]
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            back = [formula_unsafe(row["value"]) for row in csv.DictReader(file, strict=True)]
    assert back == texts


def test_terminal_forms_can_be_seen_and_told_apart(hostile):
    for text in hostile.strings:
        hostile.check_terminal(visible(text))
        line = one_line(text)
        hostile.check_terminal(line)
        assert "\n" not in line
    assert len({one_line(text) for text in hostile.strings}) == len(hostile.strings)


def test_a_json_result_means_the_same_text(hostile, capsys):
    from matcher.cli.output import print_json

    print_json(hostile.strings)
    shown = capsys.readouterr().out
    hostile.check_terminal(shown)
    assert json.loads(shown) == hostile.strings
