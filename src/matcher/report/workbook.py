"""Recommendations as a workbook for marketers: a summary, then one sheet per brief."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from matcher.columns import REASON_GROUPS
from matcher.files import check_output, write_output
from matcher.recommend.recommendations import N_EVIDENCE, N_REASONS
from matcher.recommend.wording import GROUP_NAMES
from matcher.recommend.write import is_formula, plain_text

if TYPE_CHECKING:
    from pathlib import Path

    import xlsxwriter
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from matcher.recommend.recommendations import Recommendations
    from matcher.recommend.wording import Language

__all__ = ["WORKBOOK_SUFFIX", "write_workbook"]

WORKBOOK_SUFFIX: Final = ".xlsx"

_MAX_CHARACTERS: Final = 32_767
"""Characters that a cell holds; Excel specifications and limits, Microsoft."""
_MAX_LINK: Final = 2_079
"""Characters of an address that Excel opens; XlsxWriter refuses longer ones."""
_SAFE_LINK: Final = re.compile(r"https?://[^\s\"<>\\^`{|}\x00-\x20]+", re.IGNORECASE)
_BAD_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_NAME_CHARACTERS: Final = 31

Kind = Literal["text", "long", "count", "share", "number", "instant", "yes"]


@dataclass(frozen=True)
class _Column:
    """One column of a brief's sheet.

    Parameters
    ----------
    source : str
        Column of the recommendations.
    heading : mapping of str to str
        By language.
    width : float
        In characters.
    kind : str
        How it is written.
    link : str
        Column that holds the address behind it; empty for none.
    bar : str
        Colour of its data bars; empty for none.
    """

    source: str
    heading: Mapping[str, str]
    width: float
    kind: Kind = "text"
    link: str = ""
    bar: str = ""


def _said(en: str, vi: str) -> dict[str, str]:
    return {"en": en, "vi": vi}


_GREEN, _BLUE, _GREY = "#63BE7B", "#5B9BD5", "#A6A6A6"

_COLUMNS: Final = (
    _Column("rank", _said("Rank", "Hạng"), 6, "count"),
    _Column("handle", _said("Account", "Tài khoản"), 22, link="url"),
    _Column("display_name", _said("Name", "Tên"), 22),
    _Column("platform", _said("Platform", "Nền tảng"), 11),
    _Column(
        "fit_percentile", _said("Fit, percentile", "Độ phù hợp, phân vị"), 11, "share", bar=_GREEN
    ),
    _Column(
        "deliver_percentile",
        _said("Delivery, percentile", "Kết quả, phân vị"),
        11,
        "share",
        bar=_BLUE,
    ),
    *(
        _Column(f"why_{number}", _said(f"Why {number}", f"Lý do {number}"), 44, "long")
        for number in range(1, N_REASONS + 1)
    ),
    _Column("against", _said("Against", "Điểm trừ"), 44, "long"),
    _Column("warning_text", _said("Check first", "Cần kiểm tra"), 44, "long"),
    *(
        _Column(
            f"evidence_{number}_text",
            _said(f"Nearest post {number}", f"Bài đăng gần nhất {number}"),
            44,
            "long",
            link=f"evidence_{number}_url",
        )
        for number in range(1, N_EVIDENCE + 1)
    ),
    _Column("n_close_posts", _said("Close posts", "Số bài gần với brief"), 10, "count"),
    *(
        _Column(f"reason_{group}", GROUP_NAMES[group], 12, "number", bar=_GREY)
        for group in REASON_GROUPS
    ),
    _Column("other_accounts", _said("Other accounts", "Tài khoản khác"), 20),
    _Column("is_must_have", _said("Must have", "Bắt buộc"), 9, "yes"),
    _Column("account_id", _said("Account id", "Mã tài khoản"), 16),
)
_SUMMARY: Final = (
    _Column("brief_id", _said("Brief", "Brief"), 28),
    _Column("n_recommended", _said("Recommended", "Được đề xuất"), 13, "count"),
    _Column("n_eligible", _said("Eligible", "Đủ điều kiện"), 13, "count"),
    _Column("n_accounts", _said("Accounts", "Tổng tài khoản"), 13, "count"),
    _Column("removed", _said("Removed by rule", "Bị loại theo quy tắc"), 44, "long"),
    _Column("unknown", _said("Passed for want of a value", "Cho qua vì thiếu dữ liệu"), 44, "long"),
    _Column("as_of", _said("Seen from", "Tính đến"), 20, "instant"),
)
_WORDS: Final = {
    "summary": _said("Summary", "Tổng quan"),
    "title": _said("Recommended accounts", "Tài khoản được đề xuất"),
    "notes": _said("Notes", "Ghi chú"),
    "origin": _said("Origin", "Nguồn gốc"),
    "cut": _said(
        "{count} text(s) were longer than a cell holds and end in an ellipsis here; the whole text "
        "is in the Parquet, CSV or JSON-lines form.",
        "{count} đoạn văn bản dài hơn giới hạn của một ô nên kết thúc bằng dấu ba chấm; toàn văn "
        "có trong tệp Parquet, CSV hoặc JSON lines.",
    ),
    "scores": _said(
        "Percentiles compare the accounts eligible for one brief. They are no probabilities, and "
        "those of two briefs cannot be compared. The grey columns say what raised the score above "
        "that of a typical account, and what lowered it.",
        "Phân vị so sánh các tài khoản đủ điều kiện của cùng một brief, không phải là xác suất và "
        "không so sánh được giữa hai brief. Các cột màu xám cho biết điều gì nâng hoặc hạ điểm số "
        "so với một tài khoản thông thường.",
    ),
}


def write_workbook(
    recommendations: Recommendations,
    path: Path,
    *,
    language: Language = "en",
    force: bool = False,
) -> Path:
    """Recommendations written as an Excel workbook, whole or not at all.

    No cell is a formula: every text is written as text, and one that could be read as a formula
    when it is edited carries Excel's mark for text. Only ``http`` and ``https`` addresses become
    links. Equal recommendations give equal bytes.

    Parameters
    ----------
    recommendations : Recommendations
        What to write.
    path : pathlib.Path
        File ending in ``.xlsx``.
    language : {"en", "vi"}
        Language of headings; sentences are in that of the recommendations.
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
    check_output(path, force=force, suffixes=(WORKBOOK_SUFFIX,))
    return write_output(
        path, lambda target: _Writer(recommendations, language).write(target), force=force
    )


class _Writer:
    """One workbook while it is written."""

    def __init__(self, recommendations: Recommendations, language: Language) -> None:
        self.found = recommendations
        self.language = language
        self.n_cut = 0

    def write(self, path: Path) -> None:
        import xlsxwriter

        options = {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
            "remove_timezone": True,
        }
        with xlsxwriter.Workbook(str(path), options) as book:
            # A fixed date, since equal recommendations have to give equal bytes.
            book.set_properties({"title": self._word("title"), "created": self._created()})
            self.formats = _formats(book)
            summary = book.add_worksheet(self._word("summary"))
            names = _sheet_names(self.found.pools["brief_id"].tolist(), {summary.get_name()})
            for brief_id, name in names.items():
                rows = self.found.brief(brief_id)
                self._table(book.add_worksheet(name), _COLUMNS, rows, top=0)
            self._summarise(summary, names)

    def _word(self, key: str) -> str:
        return _WORDS[key][self.language]

    def _created(self) -> Any:
        instant = self.found.audit.get("as_of", "2000-01-01T00:00:00Z")
        return pd.Timestamp(instant).tz_localize(None).floor("s").to_pydatetime(warn=False)

    def _table(
        self, sheet: Worksheet, columns: Sequence[_Column], rows: pd.DataFrame, *, top: int
    ) -> None:
        """Headings, rows, filters, bars, and a head that stays in sight."""
        for place, column in enumerate(columns):
            sheet.write_string(top, place, column.heading[self.language], self.formats["heading"])
            sheet.set_column(place, place, column.width)
        sheet.set_row(top, 32)
        for offset, row in enumerate(rows.to_dict("records"), start=1):
            for place, column in enumerate(columns):
                address = row.get(column.link) if column.link else None
                self._cell(sheet, (top + offset, place), column, row[column.source], address)
        last = top + max(len(rows), 1)
        sheet.autofilter(top, 0, last, len(columns) - 1)
        sheet.freeze_panes(top + 1, 2 if columns is _COLUMNS else 1)
        for place, column in enumerate(columns):
            if column.bar and len(rows):
                sheet.conditional_format(top + 1, place, last, place, _bar(column))

    def _cell(
        self, sheet: Worksheet, at: tuple[int, int], column: _Column, value: Any, address: Any
    ) -> None:
        look = self.formats[column.kind]
        if isinstance(value, tuple):
            value = ", ".join(value)
        if value is None or (not isinstance(value, str) and pd.isna(value)):
            sheet.write_blank(*at, None, look)
        elif column.kind == "instant":
            sheet.write_datetime(*at, value.tz_localize(None), look)
        elif column.kind == "yes":
            sheet.write_boolean(*at, bool(value), look)
        elif isinstance(value, str):
            self._text(sheet, at, value, look, address)
        else:
            sheet.write_number(*at, float(value), look)

    def _text(
        self, sheet: Worksheet, at: tuple[int, int], value: str, look: Format, address: Any
    ) -> None:
        text = plain_text(value)
        if len(text) > _MAX_CHARACTERS:
            self.n_cut += 1
            text = text[: _MAX_CHARACTERS - 1] + "…"
        is_link = (
            isinstance(address, str)
            and len(address) <= _MAX_LINK
            and _SAFE_LINK.fullmatch(address) is not None
        )
        if is_link and text:
            sheet.write_url(*at, address, self.formats["link"], text)
        elif is_formula(text):
            marked = self.formats["long_marked" if look is self.formats["long"] else "marked"]
            sheet.write_string(*at, text, marked)
        else:
            sheet.write_string(*at, text, look)

    def _summarise(self, sheet: Worksheet, names: Mapping[str, str]) -> None:
        pools = self.found.pools
        sheet.write_string(0, 0, self._word("title"), self.formats["title"])
        rows = pools.assign(removed=_listed(pools, "removed_"), unknown=_listed(pools, "unknown_"))
        self._table(sheet, _SUMMARY, rows, top=2)
        for offset, (brief_id, name) in enumerate(names.items(), start=3):
            target = "internal:'" + name.replace("'", "''") + "'!A1"
            sheet.write_url(offset, 0, target, self.formats["link"], plain_text(brief_id)[:255])
        line = len(rows) + 4
        for heading, texts in (
            ("notes", [self._word("scores"), *self.found.notes, *self._cuts()]),
            ("origin", [f"{name}: {text}" for name, text in self.found.audit.items()]),
        ):
            sheet.write_string(line, 0, self._word(heading), self.formats["section"])
            for text in texts:
                line += 1
                self._text(sheet, (line, 0), text, self.formats["plain"], None)
            line += 2

    def _cuts(self) -> list[str]:
        return [self._word("cut").format(count=self.n_cut)] if self.n_cut else []


def _formats(book: xlsxwriter.Workbook) -> dict[str, Format]:
    top: dict[str, Any] = {"valign": "top"}
    long = {**top, "text_wrap": True}
    head = {
        "bold": True,
        "text_wrap": True,
        "valign": "vcenter",
        "bottom": 1,
        "bg_color": "#F2F2F2",
    }
    styles: dict[str, dict[str, Any]] = {
        "text": top,
        "long": long,
        "marked": {**top, "quote_prefix": True},
        "long_marked": {**long, "quote_prefix": True},
        "count": {**top, "num_format": "#,##0"},
        "share": {**top, "num_format": "0.0%"},
        "number": {**top, "num_format": "+0.00;-0.00;0.00"},
        "instant": {**top, "num_format": "yyyy-mm-dd hh:mm"},
        "yes": top,
        "link": {**long, "font_color": "#0563C1", "underline": 1},
        "heading": head,
        "title": {"bold": True, "font_size": 14},
        "section": {"bold": True},
        "plain": {},
    }
    return {name: book.add_format(style) for name, style in styles.items()}


def _bar(column: _Column) -> dict[str, Any]:
    bar: dict[str, Any] = {"type": "data_bar", "bar_color": column.bar, "bar_solid": True}
    if column.kind == "share":
        bar |= {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": 1}
    return bar


def _listed(pools: pd.DataFrame, prefix: str) -> list[str]:
    """Rules of a prefix with their counts, as one text per brief."""
    names = [name for name in pools.columns if name.startswith(prefix)]
    return [
        ", ".join(
            f"{name.removeprefix(prefix)} {count:,}"
            for name, count in zip(names, counts, strict=True)
            if count
        )
        for counts in pools[names].to_numpy().tolist()
    ]


def _sheet_names(brief_ids: Sequence[str], taken: set[str]) -> dict[str, str]:
    """A sheet's name for each brief: allowed by Excel, and no two alike but for their case."""
    used = {name.lower() for name in (*taken, "History")}
    names: dict[str, str] = {}
    for brief_id in brief_ids:
        stem = _BAD_IN_NAMES.sub(" ", plain_text(brief_id)).strip(" '") or "brief"
        name, number = _short(stem, ""), 1
        while name.lower() in used:
            number += 1
            name = _short(stem, f" ({number})")
        used.add(name.lower())
        names[brief_id] = name
    return names


def _short(stem: str, ending: str) -> str:
    """Name of at most 31 UTF-16 units, which is how Excel counts."""
    room = _NAME_CHARACTERS - len(ending)
    while len(stem.encode("utf-16-le")) // 2 > room:
        stem = stem[:-1]
    return stem.strip(" '") + ending
