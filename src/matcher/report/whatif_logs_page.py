"""One page of HTML with what the logs say: no script, nothing loaded, every text escaped."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, Final

from matcher.markup import html_facts, html_table
from matcher.plain import visible
from matcher.report.whatif_cells import table_in_words
from matcher.report.whatif_page import wrap_page
from matcher.report.whatif_record import TASK
from matcher.report.whatif_said import say_audit
from matcher.tracking.runs import TrainingRecord
from matcher.whatif.log_answers import logs_to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matcher.ranking.model import Model
    from matcher.recommend.wording import Language
    from matcher.whatif.log_answers import LogAnswer

__all__ = ["build_logs_record", "render_logs"]

_WORDS: Final = {
    "title": {"en": "What the logs say", "vi": "Nhật ký cho biết gì"},
    "estimates": {"en": "Estimates beside each other", "vi": "Các ước lượng cạnh nhau"},
    "audit": {"en": "How to make this again", "vi": "Cách tạo lại kết quả này"},
}


def render_logs(
    answers: Sequence[LogAnswer], audit: Mapping[str, Any], *, language: Language = "en"
) -> str:
    """Answers of the logs as one page.

    Parameters
    ----------
    answers : sequence of LogAnswer
        Answers.
    audit : mapping of str to Any
        What they rest on.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        HTML in UTF-8 that stands by itself.
    """
    title = _WORDS["title"][language]
    body = [f"<h1>{escape(title)}</h1>"]
    for one in answers:
        verdict, grade, *rest = one.lines(language)
        declined = " outside" if one.is_declined else ""
        body.append(f"<h2>{escape(visible(one.name))}</h2>")
        body.append(f'<p><span class="grade{declined}">{escape(grade)}</span></p>')
        body.append(f'<p class="verdict">{escape(visible(verdict))}</p>')
        items = "".join(f"<li>{escape(visible(text))}</li>" for text in rest)
        body.append(f"<ul>{items}</ul>" if items else "")
        if len(one.table):
            table = table_in_words(one.table, language)
            body.append(html_table(table, title=_WORDS["estimates"][language], n_rows=100))
    body.append(f"<h2>{escape(_WORDS['audit'][language])}</h2>")
    body.append(html_facts(_facts(audit, language)))
    return wrap_page(title, "".join(body), language=language)


def _facts(audit: Mapping[str, Any], language: Language) -> dict[str, str]:
    """Lines of the audit, the digest of each scenario as one of its own."""
    held = {name: value for name, value in audit.items() if value is not None}
    digests = held.pop("digests", {})
    facts = {say_audit(name, language): visible(str(value)) for name, value in held.items()}
    return facts | {visible(str(name)): visible(str(value)) for name, value in digests.items()}


def build_logs_record(
    model: Model,
    answers: Sequence[LogAnswer],
    audit: Mapping[str, Any],
    market_name: str,
    *,
    started_at: float,
    language: Language = "en",
) -> TrainingRecord:
    """Record of a run: answers as JSON and as a page, and the figures that are stated.

    Parameters
    ----------
    model : Model
        Model that was asked about.
    answers : sequence of LogAnswer
        Answers.
    audit : mapping of str to Any
        What they rest on.
    market_name : str
        Name of the market.
    started_at : float
        When the work began, in seconds since 1970.
    language : {"en", "vi"}
        Language of the page.

    Returns
    -------
    TrainingRecord
        To be logged.
    """
    metrics: dict[str, dict[str, float]] = {}
    for place, one in enumerate(answers):
        for name in ("value", "difference", "effect"):
            held = getattr(one.answer, name, None)
            if held is not None:
                metrics[f"question_{place + 1:02d}/{name}"] = {
                    "value": held.value, "low": held.low, "high": held.high
                }  # fmt: skip
    content = logs_to_dict(answers, audit)
    identity = model.encoder.identity
    return TrainingRecord(
        run_name="what the logs say",
        bundle=None,
        params={"audit": dict(audit)},
        metrics=metrics,
        data_name=market_name,
        data_hash=str(audit["data_hash"]),
        config_hash=str(audit["config_hash"]),
        encoder=f"{identity.name} {identity.digest[:12]}",
        documents={
            "logs.json": json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
            "logs.html": render_logs(answers, audit, language=language),
        },
        started_at=started_at,
        task=TASK,
        tags={"model_id": str(audit["model_id"])},
    )
