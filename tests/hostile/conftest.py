"""Texts that are meant to break outputs, and checks of what a file may hold."""

from __future__ import annotations

import random
import re
import unicodedata
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

ATOMS = (
    # Formulas, also behind what cannot be seen, and in full width.
    "=1+1", '=HYPERLINK("http://evil.example","click")', "=cmd|' /C calc'!A0", "+84 90 123",
    "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)", "＝1＋1", "＋1", "－1", "＠handle", "\t=1", "\r=1",
    "\n=1", " =1", "\u200b=1", "\u202e=1", "'=1", "''=1", "'quoted'", '"=1"', "=1;=2", "%0A=1",
    # HTML, scripts and addresses.
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>',
    "</td></table><script>", "&lt;b&gt;&amp;", "<!--", "]]>", "<![CDATA[x]]>",
    "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "https://x.vn/?q=<b>&a='\"",
    "https://x.vn/" + "a" * 3_000, "file:///etc/passwd", "internal:Summary!A1", "\\\\host\\share",
    # Markdown, separators, templates.
    "[click](javascript:alert(1))", "![x](http://evil.example/x.png)", "**b** _i_ `c` ~~d~~",
    "| a | b |", "# head", "a|b;c,d\te", '"', "''", '""","",', "{{7*7}}${7*7}%s%n{0}",
    # What moves a cursor or turns the direction of text.
    "\x1b[31mred\x1b[0m", "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07", "\x1b[2J\x1b[H",
    "\x9b31m", "\x07\x08\x7f", "a\x00b", "\u202egpj.exe", "\u2066x\u2069\u200e\u200f\u061c",
    "\u202a\u202b\u202d\u202c", "a\u2028b\u2029c", "one\ntwo", "one\r\ntwo\rthree",
    "x\x0b\x0cy\x85z",
    # Unicode.
    "\ud800", "x\udfffy", "\ufeffBOM", "\ufffe\uffff\ufdd0", "zero\u200bwidth\u200d\u2060",
    unicodedata.normalize("NFD", "Tiếng Việt đẹp"), "Đà Nẵng", "Tiáº¿ng Viá»‡t", "ÃŠ©",
    "👨\u200d👩\u200d👧\u200d👦🏽🇻🇳", "Z̸̡̛̥a̶̝l̷͈g̵͖ơ", "\U0010ffff", "مرحبا שלום", "ﷺ",
    # Words that readers take for something else.
    "NA", "NULL", "null", "None", "nan", "#N/A", "TRUE", "1e5", "007", "1/2", "_x0041_", "inf",
    # Names that file systems refuse.
    "CON", "NUL.txt", "COM1", "../../etc/passwd", "C:\\x", "a/b:c*d?e[f]", "History", ".", "~",
)  # fmt: skip
N_STRINGS = 1_000
LONG = 40_000


def make_strings() -> list[str]:
    """The atoms, six very long texts, and atoms joined by chance: 1,000 different strings."""
    rng = random.Random(20250301)
    found = dict.fromkeys(ATOMS)
    for unit in ("x", "đ", "👍", "=1+", "<b>", "a\n"):
        found[(unit * LONG)[:LONG]] = None
    while len(found) < N_STRINGS:
        joint = rng.choice(("", "", " ", "\n", "|", ",", "\u200b"))
        found[joint.join(rng.choices(ATOMS, k=rng.randint(2, 3)))] = None
    return list(found)


_SEEN = re.compile(r"[\t\n\x20-\x7e\u00a0-\U0010ffff]*")
_TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def check_terminal(text: str) -> None:
    """No raw control character, none that turns text, no lone surrogate."""
    assert _SEEN.fullmatch(text)
    assert not _TURNING.search(text)
    text.encode("utf-8")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not attributes, attributes


def check_page(page: str) -> None:
    """Tables and lists alone, without any attribute, and text that UTF-8 holds."""
    parser = _Page()
    parser.feed(page)
    parser.close()
    known = {"table", "thead", "tbody", "tr", "th", "td", "p", "ul", "li", "caption", "br", "small"}
    assert set(parser.tags) <= known
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", page)
    page.encode("utf-8")


def check_workbook(path: Path) -> None:
    """Every part is XML, there is no formula, and links lead to web pages or within the book."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            root = ElementTree.fromstring(archive.read(name))
            for element in root.iter():
                space, _, tag = element.tag.rpartition("}")
                assert tag not in ("ddeLink", "oleLink"), name
                if tag == "f":
                    # The bounds of data bars.
                    assert space.endswith("microsoft.com/office/excel/2006/main"), name
                    assert float(element.text or "nan") in (0, 1)
                target = element.get("Target")
                if element.get("TargetMode") == "External":
                    assert target
                    assert target.lower().startswith(("http://", "https://"))
        assert not [name for name in archive.namelist() if "external" in name.lower()]


def check_picture(path: Path) -> None:
    """SVG that is XML without scripts and links, or a PNG."""
    content = path.read_bytes()
    if path.suffix == ".png":
        assert content.startswith(b"\x89PNG")
        assert content.endswith(b"IEND\xaeB`\x82")
        return
    for element in ElementTree.fromstring(content).iter():
        assert element.tag.rpartition("}")[2] not in ("script", "a", "foreignObject", "image")
        assert not [name for name in element.keys() if name.lower().startswith("on")]  # noqa: SIM118


@pytest.fixture(scope="session")
def hostile() -> SimpleNamespace:
    """Strings and checks; modules cannot import a conftest."""
    strings = make_strings()
    assert len(set(strings)) == len(strings) == N_STRINGS
    return SimpleNamespace(
        strings=strings,
        check_terminal=check_terminal,
        check_page=check_page,
        check_workbook=check_workbook,
        check_picture=check_picture,
    )
