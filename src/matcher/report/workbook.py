"""Recommendations as a workbook for marketers: a summary, then one sheet per brief."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.arguments import check_type, to_path
from matcher.files import check_output, write_output
from matcher.plain import is_formula, plain_text
from matcher.recommend.recommendations import Recommendations
from matcher.recommend.wording import money_digits
from matcher.report.layout import COLUMNS, SUMMARY, WORDS

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from pathlib import Path

    import xlsxwriter
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from matcher.recommend.wording import Language
    from matcher.report.layout import Column

__all__ = ["WORKBOOK_SUFFIX", "write_workbook"]

WORKBOOK_SUFFIX: Final = ".xlsx"

_MAX_CHARACTERS: Final = 32_767
"""Characters that a cell holds; Excel specifications and limits, Microsoft."""
_MAX_LINK: Final = 2_079
"""Characters of an address that Excel opens; XlsxWriter refuses longer ones."""
_SAFE_LINK: Final = re.compile(r"https?://[^\s\"<>\\^`{|}\x00-\x20]+", re.IGNORECASE)
_BAD_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_NAME_CHARACTERS: Final = 31
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def write_workbook(
    recommendations: Recommendations,
    path: Path | str,
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
    path : pathlib.Path or str
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

    Examples
    --------
    >>> from matcher import MarketData, load_market, read_brief, read_model, recommend_accounts
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, _ = read_model("models/tiny")
    >>> lists = recommend_accounts(model, data, [read_brief("data/brief-vi.yaml")], language="vi")
    >>> write_workbook(lists, "lists.xlsx", language="vi", force=True).name
    'lists.xlsx'
    """
    path = to_path(path, where="write_workbook: path")
    hint = "give what `recommend` returns, not its frame"
    check_type(recommendations, Recommendations, where="write_workbook", hint=hint)
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
            self.book, self.formats = book, _formats(book)
            summary = book.add_worksheet(self._word("summary"))
            names = _sheet_names(self.found.pools["brief_id"].tolist(), {summary.get_name()})
            for brief_id, name in names.items():
                rows = self.found.brief(brief_id)
                self._table(book.add_worksheet(name), COLUMNS, rows, top=0)
            self._summarise(summary, names)

    def _word(self, key: str) -> str:
        return WORDS[key][self.language]

    def _created(self) -> Any:
        instant = self.found.audit.get("as_of") or "2000-01-01T00:00:00Z"
        return pd.Timestamp(instant).tz_localize(None).floor("s").to_pydatetime(warn=False)

    def _table(
        self, sheet: Worksheet, columns: Sequence[Column], rows: pd.DataFrame, *, top: int
    ) -> None:
        """Headings, rows, filters, bars, and a head that stays in sight."""
        for place, column in enumerate(columns):
            sheet.write_string(top, place, column.heading[self.language], self.formats["heading"])
            group = {"level": 1, "hidden": column.is_folded} if column.is_grouped else {}
            sheet.set_column(place, place, column.width, None, group)
        if columns[-1].is_folded:
            # Excel keeps the sign that unfolds a group on the column after it.
            sheet.set_column(len(columns), len(columns), None, None, {"collapsed": True})
        sheet.set_row(top, 32)
        for offset, row in enumerate(rows.to_dict("records"), start=1):
            for place, column in enumerate(columns):
                self._cell(sheet, (top + offset, place), column, row)
        last = top + max(len(rows), 1)
        sheet.autofilter(top, 0, last, len(columns) - 1)
        sheet.freeze_panes(top + 1, 2 if columns is COLUMNS else 1)
        for place, column in enumerate(columns):
            if column.bar and len(rows):
                sheet.conditional_format(top + 1, place, last, place, _bar(column))

    def _cell(
        self,
        sheet: Worksheet,
        at: tuple[int, int],
        column: Column,
        row: Mapping[Hashable, Any],
    ) -> None:
        value, address = row[column.source], row.get(column.link)
        look = self._money(row) if column.kind == "money" else self.formats[column.kind]
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

    def _money(self, row: Mapping[Hashable, Any]) -> Format:
        """Format of a sum: with its currency, and with a mark where it is an estimate."""
        fee, currency = row["fee"], row["fee_currency"]
        digits = "#,##0.00" if not pd.isna(fee) and money_digits(fee) else "#,##0"
        unit = f' "{currency}"' if _CURRENCY.fullmatch(str(currency)) else ""
        look: dict[str, Any] = {"valign": "top", "num_format": digits + unit}
        if row["fee_is_estimate"]:
            look |= {"num_format": f'"≈ "{digits}{unit}', "italic": True, "font_color": "#7F7F7F"}
        name = f"{look['num_format']} {bool(row['fee_is_estimate'])}"
        if name not in self.formats:
            self.formats[name] = self.book.add_format(look)
        return self.formats[name]

    def _text(
        self, sheet: Worksheet, at: tuple[int, int], value: str, look: Format, address: Any
    ) -> None:
        text = self._fitting(value)
        is_link = (
            isinstance(address, str)
            and len(address) <= _MAX_LINK
            and _SAFE_LINK.fullmatch(address) is not None
        )
        if is_link and text:
            link = self.formats["link_marked" if is_formula(text) else "link"]
            sheet.write_url(*at, address, link, text)
        elif is_formula(text):
            marked = self.formats["long_marked" if look is self.formats["long"] else "marked"]
            sheet.write_string(*at, text, marked)
        else:
            sheet.write_string(*at, text, look)

    def _fitting(self, value: str) -> str:
        """Text that a cell can hold; a cut is marked and counted."""
        text = plain_text(value)
        # Excel counts in units of UTF-16, of which a pictograph takes two.
        units = text.encode("utf-16-le")
        if len(units) <= 2 * _MAX_CHARACTERS:
            return text
        self.n_cut += 1
        return units[: 2 * (_MAX_CHARACTERS - 1)].decode("utf-16-le", "ignore") + "…"

    def _summarise(self, sheet: Worksheet, names: Mapping[str, str]) -> None:
        pools = self.found.pools
        sheet.write_string(0, 0, self._word("title"), self.formats["title"])
        rows = pools.assign(removed=_listed(pools, "removed_"), unknown=_listed(pools, "unknown_"))
        rows = rows.reindex(columns=[column.source for column in SUMMARY])
        self._table(sheet, SUMMARY, rows, top=2)
        n_cut = self.n_cut
        for offset, (brief_id, name) in enumerate(names.items(), start=3):
            target = "internal:'" + name.replace("'", "''") + "'!A1"
            link = self.formats["link_marked" if is_formula(brief_id) else "link"]
            sheet.write_url(offset, 0, target, link, self._fitting(brief_id))
        # The table has counted these ids already.
        self.n_cut = n_cut
        line = len(rows) + 4
        for heading, texts in (
            ("notes", [*self._columns(), *self.found.notes, *self._cuts()]),
            ("origin", [f"{name}: {text}" for name, text in self.found.audit.items() if text]),
        ):
            sheet.write_string(line, 0, self._word(heading), self.formats["section"])
            for text in texts:
                line += 1
                self._text(sheet, (line, 0), text, self.formats["plain"], None)
            line += 2

    def _columns(self) -> list[str]:
        """What the columns mean; nothing of what the model does not state."""
        columns = {"fit": "fit", "acceptance": "acceptance", "outcomes": "outcome_median"}
        stated = [key for key, name in columns.items() if self.found.frame[name].notna().any()]
        return [self._word(key) for key in (*stated, "scores", "fees")]

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
    link = {**long, "font_color": "#0563C1", "underline": 1}
    styles: dict[str, dict[str, Any]] = {
        "text": top,
        "long": long,
        "marked": {**top, "quote_prefix": True},
        "long_marked": {**long, "quote_prefix": True},
        "count": {**top, "num_format": "#,##0"},
        "share": {**top, "num_format": "0.0%"},
        "times": {**top, "num_format": '0.0"×"'},
        "number": {**top, "num_format": "+0.00;-0.00;0.00"},
        "amount": {**top, "num_format": "[<1]0.0000;#,##0"},
        "cosine": {**top, "num_format": "0.00"},
        "instant": {**top, "num_format": "yyyy-mm-dd hh:mm"},
        "yes": top,
        "link": link,
        "link_marked": {**link, "quote_prefix": True},
        "heading": head,
        "title": {"bold": True, "font_size": 14},
        "section": {"bold": True},
        "plain": {},
    }
    return {name: book.add_format(style) for name, style in styles.items()}


def _bar(column: Column) -> dict[str, Any]:
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
