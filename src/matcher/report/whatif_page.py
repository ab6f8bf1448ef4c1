"""One page of HTML with what-if answers: no script, nothing loaded, every text escaped."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, Any, Final

from matcher.markup import html_facts, html_table
from matcher.plain import visible
from matcher.report.whatif_cells import outcome_table, part_title, table_in_words
from matcher.report.whatif_pictures import draw_answers
from matcher.report.whatif_said import say_audit, say_cost, say_finding, say_support
from matcher.whatif.wording import say_grade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.recommend.wording import Language
    from matcher.whatif.answer import Answer, Comparison, Refusal

__all__ = ["render_page", "wrap_page"]

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;"
    "color:#212121}h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.2rem;border-top:1px solid "
    "#ccc;padding-top:1rem}table{border-collapse:collapse;margin:.8rem 0;font-size:.9rem}"
    "table{display:block;overflow-x:auto}caption{text-align:left;font-weight:600;padding:.3rem 0}"
    "th,td{border-bottom:1px solid #ddd;"
    "padding:.25rem .6rem;text-align:left;vertical-align:top}img{max-width:100%}"
    ".grade{display:inline-block;background:#E3F2FD;border-radius:.3rem;padding:.1rem .5rem}"
    ".outside{background:#FFEBEE}.verdict{font-size:1.05rem}"
)
_WORDS: Final = {
    "title": {"en": "What if: {brief}", "vi": "Nếu như: {brief}"},
    "baseline": {"en": "The list as things are", "vi": "Danh sách hiện tại"},
    "edits": {"en": "What is changed", "vi": "Điều được thay đổi"},
    "list": {"en": "The list then", "vi": "Danh sách khi đó"},
    "moves": {"en": "Who entered, left and moved", "vi": "Ai vào, ai ra, ai đổi hạng"},
    "outcomes": {"en": "What those hired would bring", "vi": "Những người được thuê mang lại"},
    "joined": {"en": "Who joins", "vi": "Ai gia nhập"},
    "cost": {"en": "What they cost", "vi": "Chi phí"},
    "support": {"en": "Support", "vi": "Cơ sở dữ liệu"},
    "notes": {"en": "To be known", "vi": "Cần biết"},
    "audit": {"en": "How to make this again", "vi": "Cách tạo lại kết quả này"},
    "caveat": {
        "en": "Everything here is scored anew by the model; none of it is a measured effect.",
        "vi": "Mọi con số ở đây do mô hình chấm lại; không phải tác động đã đo được.",
    },
}
_MOVES: Final = ("handle", "rank_old", "rank_new", "sentence")
_LIST: Final = ("rank", "handle", "platform", "expected", "low", "high", "fee", "fee_currency",
                "fee_is_estimate")  # fmt: skip


def render_page(found: Comparison, *, language: Language = "en") -> str:
    """Answers as one page.

    Parameters
    ----------
    found : Comparison
        Answers.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        HTML in UTF-8 that stands by itself.
    """
    pictures = draw_answers(found, language=language)
    title = escape(visible(_say("title", language).format(brief=found.brief_id)))
    body = [f"<h1>{title}</h1>", f"<p>{escape(_say('caveat', language))}</p>"]
    if "changes" in pictures:
        body.append(_image(pictures["changes"], "changes"))
    body += [_section(one, language) for one in found.answers]
    body += [_refused(one, language) for one in found.refusals]
    body += [_part(name, found, pictures, language) for name in found.parts]
    body += [f"<p>{escape(visible(note))}</p>" for note in found.notes]
    body.append(f"<h2>{escape(_say('baseline', language))}</h2>")
    body.append(html_table(table_in_words(found.baseline[list(_LIST)], language), n_rows=100))
    body.append(f"<h2>{escape(_say('audit', language))}</h2>")
    facts = {
        say_audit(name, language): value
        for name, value in found.audit.items()
        if not isinstance(value, dict)
    }
    digests = {f"{one.name}": f"{one.digest}, {one.data_hash}" for one in found.answers}
    digests |= {one.name: one.digest for one in found.refusals}
    body.append(html_facts({name: _text(value) for name, value in (facts | digests).items()}))
    return wrap_page(
        _say("title", language).format(brief=found.brief_id), "".join(body), language=language
    )


def wrap_page(title: str, body: str, *, language: Language) -> str:
    """A body as a page that loads nothing.

    Parameters
    ----------
    title : str
        Title, as text.
    body : str
        HTML whose texts are escaped.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        HTML in UTF-8 that stands by itself.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{escape(visible(title))}</title><style>{_STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def _say(key: str, language: Language) -> str:
    return _WORDS[key][language]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return visible(", ".join(map(str, value)))
    return "" if value is None else visible(str(value))


def _image(content: bytes, name: str) -> str:
    data = base64.b64encode(content).decode("ascii")
    return f'<p><img alt="{escape(name)}" src="data:image/svg+xml;base64,{data}"></p>'


def _part(name: str, found: Comparison, pictures: Mapping[str, bytes], language: Language) -> str:
    """A further question: its grade, verdict, support, picture and table."""
    table, said = found.parts[name], found.findings.get(name)
    if said is None and table.empty:
        return ""
    parts = [f"<h2>{escape(part_title(name, language))}</h2>"]
    if said is not None:
        outside = " outside" if said.n_outside else ""
        grade = escape(say_grade(said.grade, language))
        parts.append(f'<p><span class="grade{outside}">{grade}</span></p>')
        parts.append(f'<p class="verdict">{escape(visible(said.verdict))}</p>')
        parts.append(f"<p>{escape(visible(say_finding(said, language)))}</p>")
    if name in pictures:
        parts.append(_image(pictures[name], name))
    if len(table):
        parts.append(html_table(table_in_words(table, language), n_rows=100))
    return "".join(parts)


def _refused(one: Refusal, language: Language) -> str:
    items = "".join(f"<li>{escape(visible(line))}</li>" for line in one.edits)
    support = " ".join(say_support(one.support, language))
    return (
        f"<h2>{escape(visible(one.name))}</h2>"
        f'<p><span class="grade outside">{escape(say_grade(one.grade, language))}</span></p>'
        f'<p class="verdict">{escape(visible(one.verdict))}</p>'
        f"<p>{escape(_say('edits', language))}</p><ul>{items}</ul><p>{escape(support)}</p>"
    )


def _section(one: Answer, language: Language) -> str:
    outside = " outside" if one.support.is_outside else ""
    moved = one.movement.changes
    moved = moved[moved["change"] != "same"]
    parts = [
        f"<h2>{escape(visible(one.name))}</h2>",
        f'<p><span class="grade{outside}">{escape(say_grade(one.grade, language))}</span></p>',
        f'<p class="verdict">{escape(visible(one.verdict))}</p>',
    ]
    if one.edits:
        items = "".join(f"<li>{escape(visible(line))}</li>" for line in one.edits)
        parts.append(f"<p>{escape(_say('edits', language))}</p><ul>{items}</ul>")
    if len(moved):
        table = table_in_words(moved[list(_MOVES)], language)
        parts.append(html_table(table, title=_say("moves", language), n_rows=60))
    if one.outcomes:
        table = outcome_table(one, language)
        parts.append(html_table(table, title=_say("outcomes", language)))
    for key, lines in (
        ("joined", one.joined["sentence"].tolist()),
        ("cost", [say_cost(one.cost, language)]),
        ("support", say_support(one.support, language)),
        ("notes", one.notes),
    ):
        if lines:
            items = "".join(f"<li>{escape(visible(line))}</li>" for line in lines)
            parts.append(f"<p><b>{escape(_say(key, language))}</b></p><ul>{items}</ul>")
    table = table_in_words(one.ranking[list(_LIST)], language)
    parts.append(html_table(table, title=_say("list", language), n_rows=100))
    return "".join(parts)
