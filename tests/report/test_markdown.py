from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from matcher.report.markdown import as_bullets, as_code, as_table, as_text

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/p.png)",
    "*a* _b_ __c__ ~~d~~ `e` **f**",
    "| a | b |",
    "# heading",
    "1. list",
    "12) list",
    "- list",
    "+ list",
    "> quote",
    "---",
    "===",
    "&lt;b&gt; &amp; &#60;",
    "$x^2$",
    "a\nb\r\n\tc",
    "\u202eevil\u2066",
    "\ud800 lone",
    "x" * 40_000,
    "\\",
    "\\*",
    "a_b_c counter_lag",
    "",
]


def kinds(text: str) -> set[str]:
    """Kinds of everything that a reader of Markdown makes of a text."""
    found = set()
    for token in READER.parse(text):
        found.add(token.type)
        found |= {child.type for child in token.children or ()}
    return found


def shown(text: str) -> str:
    """Words that a reader sees."""
    return html.unescape(re.sub(r"<[^>]*>", "", READER.render(text))).strip()


@given(st.text(max_size=80) | st.text(alphabet="*_`[]()<>|#+-.!~\\ \n1ax&;:/@$", max_size=30))
@example("1.")
@example("_a_")
def test_texts_of_others_stay_words(text: str) -> None:
    safe = as_text(text)
    assert kinds(f"x {safe} y") <= {"paragraph_open", "inline", "text", "paragraph_close",
                                    "text_special"}  # fmt: skip
    plain = " ".join(text.split())
    if plain.isprintable() and not re.search("[\u00ad\u061c\u180e\u200b-\u206f\ufeff]", plain):
        assert shown(f"x {safe} y") == f"x {plain} y"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_make_nothing_of_a_heading_a_bullet_or_a_table(text: str) -> None:
    safe = as_text(text)
    assert "\n" not in safe
    assert len(safe) < 1_000
    assert kinds(f"# T: {safe}") <= {"heading_open", "inline", "text", "text_special",
                                     "heading_close"}  # fmt: skip
    listed = {"bullet_list", "list_item", "paragraph"}
    assert kinds(as_bullets([safe, "end"])) <= {"inline", "text", "text_special"} | {
        f"{kind}_{end}" for kind in listed for end in ("open", "close")
    }
    table = READER.parse(as_table(["name", "n"], [[safe, "1"], [as_code(text), "2"]]))
    rows = [token for token in table if token.type == "tr_open"]
    cells = [token for token in table if token.type in ("td_open", "th_open")]
    assert (len(rows), len(cells)) == (3, 6)
    inside = {child.type for token in table for child in token.children or ()}
    assert inside <= {"text", "text_special", "code_inline"}


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example", "me@evil.example"])
def test_bare_addresses_are_broken_up(text: str) -> None:
    safe = as_text(text)
    assert text not in safe
    assert shown(safe) == text


def test_names_stay_readable() -> None:
    assert as_text("posts: 34 reading(s), counter_lag, 2025-06-30, v1.2") == (
        "posts: 34 reading(s), counter_lag, 2025-06-30, v1.2"
    )
    assert as_code("platform=tiktok") == "`platform=tiktok`"
    assert as_code("a`b") == "a\\`b"
    assert as_text("abcdef", longest=4) == "abc…"
