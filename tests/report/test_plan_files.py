from __future__ import annotations

import io
import json
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from matcher.config import Settings
from matcher.errors import OutputExistsError, UsageError
from matcher.features.context import MarketData
from matcher.market.brief import read_brief
from matcher.market.load import load_market
from matcher.plan.constraints import Constraints
from matcher.plan.plan import plan
from matcher.plan.plans import Plan
from matcher.ranking.fit import fit_model
from matcher.recommend.wording import format_money
from matcher.report.plan_files import write_plan
from matcher.report.plan_pictures import draw_frontier

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def shop() -> SimpleNamespace:
    settings = Settings.model_validate(
        {
            "encoder": {"name": "random", "dim": 32},
            "ranker": {"n_trees": 10, "n_draws": 1},
            "retrieval": {"min_posts": 1},
        }
    )
    data = MarketData(load_market(DATA / "tiny_market", settings.market))
    model, _, context = fit_model(data, data.market.all_known_at, settings)
    return SimpleNamespace(model=model, data=data, context=context)


def made(shop: SimpleNamespace, language: str, **options: Any) -> Plan:
    brief = read_brief(DATA / f"brief-{language}.yaml")
    return plan(
        shop.model, shop.data, brief, language=language, context=shop.context, seconds=1, **options
    )  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["vi", "en"])
def found(shop: SimpleNamespace, request: pytest.FixtureRequest) -> Plan:
    return made(shop, request.param)


def opened(path: Path) -> Any:
    with warnings.catch_warnings():
        # Data bars are an extension that openpyxl does not know.
        warnings.filterwarnings("ignore", message=".*xtension is not supported")
        return openpyxl.load_workbook(io.BytesIO(path.read_bytes()))


def rows_of(path: Path, sheet: str) -> list[list[Any]]:
    book = opened(path)
    return [[cell.value for cell in row] for row in book[sheet].iter_rows()]


def test_a_sheet_shows_accounts_their_total_and_what_a_marketer_reads(
    found: Plan, tmp_path: Path
) -> None:
    path = write_plan(found, tmp_path / "plan.xlsx")
    book = opened(path)
    assert len(book.sheetnames) == 4
    rows = rows_of(path, book.sheetnames[0])
    texts = [row[0] for row in rows if row[0]]
    assert texts[1 : 1 + len(found.sentences)] == list(found.sentences)
    head = next(number for number, row in enumerate(rows) if row[1] in ("Name", "Tên"))
    fee = next(place for place, name in enumerate(rows[head]) if name in
               ("Fee of the package", "Giá trọn gói"))  # fmt: skip
    handles = [row[0] for row in rows[head + 1 : head + 1 + len(found)]]
    assert handles == found.frame["handle"].tolist()
    total = rows[head + 1 + len(found)]
    assert total[0] in ("All together", "Tổng cộng")
    assert total[fee] == pytest.approx(found.frame["fee"].sum())
    origin = rows_of(path, book.sheetnames[3])
    told = [row[0] for row in origin]
    assert f"model_id: {found.audit['model_id']}" in told
    assert {"seed: 0", "seconds: 1.0", f"objective: {found.audit['objective']}"} <= set(told)


def test_a_sheet_says_how_sure_fees_are_by_the_words_of_the_data(
    found: Plan, tmp_path: Path
) -> None:
    hows = ["exact", "proven", "re-solved", "estimate", "no fee", "unknown"]
    fees = [1e6, 1e6, 1e6, 1e6, float("nan"), float("nan")]
    rows = pd.concat([found.frame] * 6)[:6]
    frame = rows.assign(drop_out_how=hows, drop_out_fee=fees, is_must_have=False)
    facts = {**found.facts, "n_accounts": 6, "cost": float(frame["fee"].sum())}
    varied = replace(found, frame=frame.reset_index(drop=True), facts=facts)
    written = rows_of(
        write_plan(varied, tmp_path / "plan.xlsx"),
        {"en": "Plan", "vi": "Phương án"}[found.language],
    )
    head = next(row for row in written if row[1] in ("Name", "Tên"))
    place = next(
        at for at, name in enumerate(head) if name in ("How sure that fee is",
                                                       "Mức giá đó chắc đến đâu")
    )  # fmt: skip
    top = written.index(head) + 1
    for how, row in zip(hows, written[top : top + 6], strict=True):
        if found.language == "en":
            assert row[place].startswith(how)
        else:
            assert f"({how})" in row[place]


def test_a_sheet_holds_the_picture_of_other_budgets(found: Plan, tmp_path: Path) -> None:
    path = write_plan(found, tmp_path / "plan.xlsx")
    with ZipFile(path) as parts:
        pictures = [name for name in parts.namelist() if name.startswith("xl/media/")]
        content = parts.read(pictures[0])
    assert len(pictures) == 1
    assert content == draw_frontier(found)
    assert content.startswith(b"\x89PNG")
    assert draw_frontier(found, form="svg").startswith(b"<?xml")


def test_sheets_tell_budgets_without_a_plan_of_their_own(
    shop: SimpleNamespace, tmp_path: Path
) -> None:
    # One account at most: budgets from some on buy nothing better.
    one = Constraints.model_validate({"number": {"max": 1}})
    for language, told in (
        ("en", "Same plan as for {}; nothing better exists"),
        ("vi", "Cùng phương án với mức {}; đã chứng minh không có tốt hơn"),
    ):
        found = made(shop, language, constraints=one)
        table = found.frontier
        assert (table["status"] == "same").any()
        path = write_plan(found, tmp_path / f"{language}.xlsx")
        rows = rows_of(path, opened(path).sheetnames[2])
        how = [row[-1] for row in rows[1 : 1 + len(table)]]
        for text, row in zip(how, table.to_dict("records"), strict=True):
            money = format_money(row["same_as"], found.facts["currency"], language)  # type: ignore[arg-type]
            assert (text == told.format(money)) == (row["status"] == "same")
        # Points without a plan of their own are drawn otherwise, so that the picture changes.
        searched = replace(found, frontier=table.assign(status="searched"))
        assert draw_frontier(found) != draw_frontier(searched)


def test_limits_stand_in_the_unit_in_which_they_were_asked_for(
    shop: SimpleNamespace, tmp_path: Path
) -> None:
    rules = {
        "number": {"max": 6},
        "platform": {"tiktok": {"max_share": 0.4}},
        "gender": {"female": {"min_share": 0.125}},
    }
    for language, names, points in (
        ("en", ("Share of spend on platform TikTok", "Share of spend on gender female"), "pp"),
        ("vi", ("Tỷ trọng chi cho nền tảng TikTok", "Tỷ trọng chi cho giới tính nữ"), "điểm %"),
    ):
        found = made(shop, language, frontier=False, constraints=Constraints.model_validate(rules))
        book = opened(write_plan(found, tmp_path / f"{language}.xlsx"))
        rows = {row[0].value: row for row in book[book.sheetnames[1]].iter_rows()}
        told = found.limits.set_index("name")
        for name, (key, asked) in zip(
            names,
            (
                ("greatest share of spend on platform tiktok", 0.4),
                ("least share of spend on gender female", 0.125),
            ),
            strict=True,
        ):
            bound, total, left = rows[name][2:5]
            assert (bound.value, bound.number_format) == (asked, "0.0%")
            assert total.value == pytest.approx(told.loc[key, "total"])
            assert total.number_format == "0.0%"
            assert left.value == pytest.approx(100 * told.loc[key, "slack"])
            assert left.number_format == f'0.0 "{points}"'
        budget = rows["Budget" if language == "en" else "Ngân sách"]
        assert budget[2].number_format.endswith(f'"{found.facts["currency"]}"')


@pytest.mark.parametrize(("language", "level"), [("en", "(at 80 %)"), ("vi", "(ở mức 80 %)")])
def test_sheets_say_what_is_counted_by_a_quantile(
    shop: SimpleNamespace, tmp_path: Path, language: str, level: str
) -> None:
    found = made(shop, language, quantile=0.2)
    path = write_plan(found, tmp_path / "plan.xlsx")
    accounts, limits, budgets = (rows_of(path, name) for name in opened(path).sheetnames[:3])
    head = next(row for row in accounts if row[1] in ("Name", "Tên"))
    marked = [place for place, name in enumerate(head) if name and name.endswith(level)]
    # What it counts, what is lost without it, and the change by a swap.
    assert len(marked) == 3
    total = accounts[accounts.index(head) + 1 + len(found)]
    assert total[marked[0]] == pytest.approx(found.facts["worth"])
    row = next(row for row in limits if row[0] and row[0].endswith(level))
    assert row[1] == pytest.approx(found.facts["worth"])
    assert sum(bool(name) and str(name).endswith(level) for name in budgets[0]) == 2
    plain = write_plan(made(shop, language, frontier=False), tmp_path / "means.xlsx")
    cells = [cell for row in rows_of(plain, opened(plain).sheetnames[0]) for cell in row]
    assert not any("Counted outcome" in str(cell) or level in str(cell) for cell in cells)


def test_equal_plans_give_equal_bytes(found: Plan, tmp_path: Path) -> None:
    for form in ("xlsx", "json", "parquet"):
        one = write_plan(found, tmp_path / f"one.{form}").read_bytes()
        assert one == write_plan(found, tmp_path / f"two.{form}").read_bytes()


def test_json_and_parquet_hold_rows_and_audit(found: Plan, tmp_path: Path) -> None:
    told = json.loads(write_plan(found, tmp_path / "p.json").read_text(encoding="utf-8"))
    assert [row["account_id"] for row in told["rows"]] == found.frame["account_id"].tolist()
    assert told["audit"] == dict(found.audit)
    assert set(told["rows"][0]) >= {"campaign_id", "format", "n_posts", "fee", "budget", "method"}
    path = write_plan(found, tmp_path / "p.parquet")
    frame = pd.read_parquet(path)
    assert frame["fee"].tolist() == found.frame["fee"].tolist()
    assert frame["assumed_timeless"].notna().all()
    held = json.loads(pq.read_schema(path).metadata[b"matcher.plan"])
    assert held["facts"] == told["facts"]


def test_what_others_write_is_never_a_formula(shop: SimpleNamespace, tmp_path: Path) -> None:
    found = made(shop, "en", frontier=False)
    evil = '=HYPERLINK("http://x","y")'
    frame = found.frame.assign(handle=evil, display_name="+1", swap_handle="@x", url="javascript:1")
    hostile = Plan(
        frame, found.facts, found.totals, found.limits, found.frontier, (evil,), found.audit, "en"
    )
    book = opened(write_plan(hostile, tmp_path / "plan.xlsx"))
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None
                if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "@")):
                    assert cell.quotePrefix


def test_files_are_not_replaced_unasked(found: Plan, tmp_path: Path) -> None:
    path = write_plan(found, tmp_path / "p.json")
    with pytest.raises(OutputExistsError, match="give --force"):
        write_plan(found, path)
    write_plan(found, path, force=True)
    with pytest.raises(UsageError, match="expected one of"):
        write_plan(found, tmp_path / "p.csv")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["p.json"]


def test_a_plan_that_hires_nobody_is_written_too(shop: SimpleNamespace, tmp_path: Path) -> None:
    rules = Constraints.model_validate({"number": {"max": 0}})
    found = made(shop, "en", constraints=rules)
    assert len(found) == 0
    assert found.sentences[0].startswith("The best plan within these limits hires nobody")
    for form in ("xlsx", "json", "parquet"):
        assert write_plan(found, tmp_path / f"p.{form}").stat().st_size > 0


def test_sheets_show_losses_as_losses_and_small_amounts_with_decimals(
    found: Plan, tmp_path: Path
) -> None:
    changes = np.resize([-1_234.5, -0.25, 0.0, 0.5, 12.0, np.nan], len(found.frame))
    held = replace(found, frame=found.frame.assign(swap_change=changes))
    sheet = opened(write_plan(held, tmp_path / "plan.xlsx")).worksheets[0]
    heading = {"en": "Change by that", "vi": "Thay đổi khi thay"}[found.language]
    top = next(cell for row in sheet.iter_rows() for cell in row if cell.value == heading)
    for offset, change in enumerate(changes, start=1):
        cell = sheet.cell(top.row + offset, top.column)
        assert cell.value == (None if np.isnan(change) else change)
        assert cell.number_format == ("0.00" if 0 < abs(change) < 1 else "#,##0")
