"""A plan as a workbook for marketers: accounts, totals and limits, other budgets, and origin."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.arguments import check_type, to_path
from matcher.files import check_output, write_output
from matcher.plain import is_formula, plain_text
from matcher.plan.limit_words import limit_name
from matcher.plan.plans import Plan
from matcher.plan.totals import COUNTED
from matcher.plan.words import counted_words, level_words, outcome_name
from matcher.recommend.wording import FORMAT_NAMES, PLATFORM_NAMES, format_money, money_digits
from matcher.report.plan_layout import ACCOUNTS, BUDGETS, LIMITS, TOTALS, WORDS, counted_columns
from matcher.report.plan_pictures import draw_frontier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from matcher.report.layout import Column

__all__ = ["write_plan_sheet"]

_MAX_UNITS: Final = 32_767
_MAX_LINK: Final = 2_079
_PROVEN: Final = 5e-4
"""Relative gap below which a plan is told as proven."""
_A4: Final = 9
_SAFE_LINK: Final = re.compile(r"https?://[^\s\"<>\\^`{|}\x00-\x20]+", re.IGNORECASE)
_SIDES: Final = {
    "at least": {"en": "at least", "vi": "ít nhất"},
    "at most": {"en": "at most", "vi": "nhiều nhất"},
}

_LOOKS: Final = {"money": "money", "accounts": "count", "posts": "count", "share": "share"}
"""Format of what a limit counts, by its unit."""


def write_plan_sheet(plan: Plan, path: Path | str, *, force: bool = False) -> Path:
    """Plan written as an Excel workbook, whole or not at all.

    No cell is a formula: every text is written as text, and one that could be read as a formula
    when it is edited carries Excel's mark for text. Only ``http`` and ``https`` addresses become
    links. Equal plans give equal bytes.

    Parameters
    ----------
    plan : Plan
        Plan.
    path : pathlib.Path or str
        File ending in ``.xlsx``.
    force : bool, default False
        Replace a file that stands there.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    UsageError
        If the suffix is another one or the place cannot be written.
    OutputExistsError
        If something stands there and may not be replaced.
    """
    path = to_path(path, where="write_plan_sheet: path")
    check_type(plan, Plan, where="write_plan_sheet: plan", hint="`plan_campaign` returns one")
    check_output(path, force=force, suffixes=(".xlsx",))
    return write_output(path, lambda target: _Sheets(plan).write(target), force=force)


class _Sheets:
    """One workbook while it is written."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.language = plan.language

    def write(self, path: Path) -> None:
        import xlsxwriter

        options = {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        }
        with xlsxwriter.Workbook(str(path), options) as book:
            # A fixed date, since equal plans have to give equal bytes.
            instant = pd.Timestamp(self.plan.audit.get("as_of") or "2000-01-01T00:00:00Z")
            made = instant.tz_localize(None).floor("s").to_pydatetime(warn=False)
            book.set_properties({"title": self._word("plan"), "created": made})
            self.formats = {name: book.add_format(look) for name, look in self._looks().items()}
            self._accounts(self._page(book, "plan", n_wide=2))
            self._limits(self._page(book, "limits"))
            if len(self.plan.frontier):
                self._budgets(self._page(book, "budgets"))
            self._origin(self._page(book, "origin"))

    def _page(self, book: Workbook, key: str, *, n_wide: int = 1) -> Worksheet:
        """New sheet that is printed across A4, in as many pages beside each other as are said."""
        sheet = book.add_worksheet(self._word(key))
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(n_wide, 0)
        if n_wide > 1:
            sheet.repeat_columns(0)
        return sheet

    def _word(self, key: str, **values: Any) -> str:
        return WORDS[key][self.language].format(**values)

    def _looks(self) -> dict[str, dict[str, Any]]:
        top: dict[str, Any] = {"valign": "top"}
        long = {**top, "text_wrap": True}
        link = {**long, "font_color": "#0563C1", "underline": 1}
        largest = self.plan.frame["fee"].max() if len(self.plan) else 0.0
        digits = "#,##0.00" if money_digits(float(largest)) else "#,##0"
        money = f'{digits} "{self.plan.facts["currency"]}"'
        grey = {"italic": True, "font_color": "#7F7F7F"}
        head = {"bold": True, "text_wrap": True, "bottom": 1, "bg_color": "#F2F2F2"}
        return {
            "text": top,
            "marked": {**top, "quote_prefix": True},
            "long": long,
            "link": link,
            "link_marked": {**link, "quote_prefix": True},
            "count": {**top, "num_format": "#,##0"},
            "amount": {**top, "num_format": "#,##0"},
            "small": {**top, "num_format": "0.00"},
            "points": {**top, "num_format": f'0.0 "{self._word("points")}"'},
            "share": {**top, "num_format": "0.0%"},
            "money": {**top, "num_format": money},
            "estimate": {**top, "num_format": f'"≈ "{money}', **grey},
            "yes": top,
            "heading": {**head, "valign": "vcenter"},
            "total": {"bold": True, "top": 1, "num_format": "#,##0"},
            "total_money": {"bold": True, "top": 1, "num_format": money},
            "title": {"bold": True, "font_size": 14},
            "section": {"bold": True},
            "plain": {},
        }

    def _accounts(self, sheet: Worksheet) -> None:
        plan = self.plan
        title = self._word("title", brief=plan.facts["brief_id"])
        self._text(sheet, (0, 0), title, "title")
        line = 1
        for sentence in plan.sentences:
            self._text(sheet, (line, 0), sentence, "plain")
            line += 1
        rows = plan.frame.assign(
            swap=pd.Series([self._swap(row) for row in plan.frame.to_dict("records")], dtype="str"),
            drop_out_label=[
                self._word("late" if how == "unknown" else how)
                for how in plan.frame["drop_out_how"]
            ],
            format=[self._format(one) for one in plan.frame["format"]],
            platform=plan.frame["platform"].map(lambda one: PLATFORM_NAMES.get(one, one)),
        )
        top = line + 1
        columns = self._columns(ACCOUNTS)
        last = self._table(sheet, columns, rows, top=top)
        sheet.freeze_panes(top + 1, 1)
        if len(rows):
            place = {column.source: number for number, column in enumerate(columns)}
            sheet.write_string(last + 1, 0, self._word("all"), self.formats["total"])
            fee = float(rows["fee"].sum())
            sheet.write_number(last + 1, place["fee"], fee, self.formats["total_money"])
            held = plan.totals.set_index("outcome").loc[plan.facts["objective"]]
            for part in ("expected", "low", "high"):
                at = (last + 1, place[f"outcome_{part}"])
                sheet.write_number(*at, float(held[part]), self.formats["total"])
            if "outcome_counted" in place:
                at = (last + 1, place["outcome_counted"])
                sheet.write_number(*at, float(plan.facts["worth"]), self.formats["total"])
            bar = {"type": "data_bar", "bar_color": "#63BE7B", "bar_solid": True}
            sheet.conditional_format(top + 1, place["marginal"], last, place["marginal"], bar)
        counted = self._word("counted", level=self._level) if self._level else ""
        told = self._word("columns", outcome=self._outcome, counted=counted)
        for offset, text in enumerate(told.split("\n")):
            self._text(sheet, (last + 3 + offset, 0), text, "plain")

    @property
    def _outcome(self) -> str:
        return counted_words(self.plan.facts["objective"], self.language)

    @property
    def _level(self) -> str:
        return level_words(self.plan.facts["quantile"], self.language)

    def _columns(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        return counted_columns(columns, self.plan.facts["quantile"], self.language)

    def _format(self, name: Any) -> str:
        return FORMAT_NAMES[name][self.language] if isinstance(name, str) else self._word("any")

    def _swap(self, row: Mapping[Any, Any]) -> str | None:
        if not isinstance(row["swap_account_id"], str):
            return None
        handle = row["swap_handle"]
        named = handle if isinstance(handle, str) and handle.strip() else row["swap_account_id"]
        words = {"handle": named, "format": self._format(row["swap_format"])}
        return self._word("swap", posts=int(row["swap_n_posts"]), **words)

    def _limits(self, sheet: Worksheet) -> None:
        plan, language = self.plan, self.language
        totals = plan.totals.assign(name=[self._total(one) for one in plan.totals["outcome"]])
        last = self._table(sheet, TOTALS, totals, top=0)
        self._text(sheet, (last + 1, 0), self._word("total_note"), "plain")
        limits = plan.limits.assign(
            label=[_capital(limit_name(one, language)) for one in plan.limits["name"]],
            side_label=[_SIDES[one][language] for one in plan.limits["side"]],
            lp_change=plan.limits["lp_price"] * plan.limits["step"],
        )
        self._text(sheet, (last + 3, 0), self._word("bounds"), "section")
        last = self._table(sheet, self._columns(LIMITS), limits, top=last + 4)
        note = self._word("lp_note", outcome=self._outcome + self._level)
        if (limits["step"].notna() & limits["change"].isna()).any():
            note += self._word("late_note")
        self._text(sheet, (last + 1, 0), note, "plain")

    def _total(self, name: str) -> str:
        words = (
            counted_words(name, self.language) if "=" in name else outcome_name(name, self.language)
        )
        if name == COUNTED:
            words += self._level
        return _capital(words)

    def _budgets(self, sheet: Worksheet) -> None:
        how = [self._how_found(row) for row in self.plan.frontier.to_dict("records")]
        rows = self.plan.frontier.assign(how=how)
        last = self._table(sheet, self._columns(BUDGETS), rows, top=0)
        note = self._word("budget_note", outcome=self._outcome + self._level)
        self._text(sheet, (last + 2, 0), note, "plain")
        if self.plan.frontier["worth"].notna().any():
            picture = io.BytesIO(draw_frontier(self.plan))
            words = " ".join(self.plan.sentences[:1])
            sheet.insert_image(
                last + 4, 0, "frontier.png", {"image_data": picture, "description": words[:250]}
            )

    def _how_found(self, row: Mapping[Any, Any]) -> str:
        status = str(row["status"])
        if pd.isna(row["same_as"]):
            return self._word("searched" if status == "same" else status)
        if status == "same" and row["bound"] <= row["worth"] * (1.0 + _PROVEN):
            status = "same_proven"
        elif status == "carried":
            status = "carried_same"
        money = format_money(row["same_as"], self.plan.facts["currency"], self.language)
        return self._word(status, budget=money)

    def _origin(self, sheet: Worksheet) -> None:
        sheet.set_column(0, 0, 110)
        line = 0
        parts = (
            ("notes", self.plan.notes),
            ("from", [f"{name}: {text}" for name, text in self.plan.audit.items() if text]),
        )
        for heading, texts in parts:
            self._text(sheet, (line, 0), self._word(heading), "section")
            for text in texts:
                line += 1
                self._text(sheet, (line, 0), text, "long")
            line += 2

    def _table(
        self, sheet: Worksheet, columns: Sequence[Column], rows: pd.DataFrame, *, top: int
    ) -> int:
        """Headings and rows; the last row that was written."""
        for place, column in enumerate(columns):
            sheet.write_string(top, place, column.heading[self.language], self.formats["heading"])
            sheet.set_column(place, place, column.width)
        sheet.set_row(top, 32)
        for offset, row in enumerate(rows.to_dict("records"), start=1):
            for place, column in enumerate(columns):
                self._cell(sheet, (top + offset, place), column, row)
        return top + len(rows)

    def _cell(
        self, sheet: Worksheet, at: tuple[int, int], column: Column, row: Mapping[Any, Any]
    ) -> None:
        value, name = row[column.source], str(column.kind)
        if column.source == "fee" and row.get("fee_is_estimate"):
            name = "estimate"
        elif column.kind in ("measure", "difference"):
            name = _LOOKS[row["unit"]]
            if name == "share" and column.kind == "difference":
                name, value = "points", 100.0 * value
        # A look for each, since a number format with conditions leaves out the sign of a loss.
        if name == "amount" and value is not None and 0 < abs(value) < 1:
            name = "small"
        look: Format = self.formats[name]
        if value is None or (not isinstance(value, str) and pd.isna(value)):
            sheet.write_blank(*at, None, look)
        elif column.kind == "yes":
            sheet.write_boolean(*at, bool(value), look)
        elif isinstance(value, str):
            self._text(sheet, at, value, name, row.get(column.link))
        else:
            sheet.write_number(*at, float(value), look)

    def _text(
        self, sheet: Worksheet, at: tuple[int, int], value: str, look: str, address: Any = None
    ) -> None:
        text = _fitting(value)
        is_link = isinstance(address, str) and len(address) <= _MAX_LINK
        if is_link and text and _SAFE_LINK.fullmatch(address):
            link = self.formats["link_marked" if is_formula(text) else "link"]
            sheet.write_url(*at, address, link, text)
        else:
            marked = self.formats["marked"] if is_formula(text) else self.formats[look]
            sheet.write_string(*at, text, marked)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _fitting(value: str) -> str:
    """Text that a cell can hold; Excel counts in units of UTF-16."""
    text = plain_text(value)
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _MAX_UNITS:
        return text
    return units[: 2 * (_MAX_UNITS - 1)].decode("utf-16-le", "ignore") + "…"
