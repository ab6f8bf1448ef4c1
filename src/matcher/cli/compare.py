"""Verb that compares two lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matcher.cli.data import AsJson, Force
from matcher.cli.output import check_word, note, print_json, print_result
from matcher.files import TABLE_SUFFIXES, check_output, write_table
from matcher.plain import one_line

if TYPE_CHECKING:
    from matcher.recommend.compare import ListComparison

ListFile = Annotated[
    Path, typer.Argument(help="List of `matcher recommend`: .parquet, .csv or .jsonl.")
]


def diff(
    old: ListFile,
    new: ListFile,
    top: Annotated[
        int | None,
        typer.Option("--top", metavar="K", min=1, help="Compare the first K; default all rows."),
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help="Language of sentences: en or vi.")] = "en",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Every change: .parquet, .csv or .jsonl."),
    ] = None,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Compare two lists for the same briefs: who entered, left and moved, and what did it.

    Lists may come from two models, two dates or two settings. With --top, rows beyond it still
    tell where an account came from or went.

    Example: matcher diff old.parquet new.parquet --top 20
    """
    from matcher.recommend.compare import compare_lists
    from matcher.recommend.write import read_recommendations

    check_word("--lang", lang, ("en", "vi"))
    if out is not None:
        check_output(out, force=force, suffixes=TABLE_SUFFIXES)
    lists = [read_recommendations(path) for path in (old, new)]
    found = compare_lists(*lists, top=top, language=lang)  # type: ignore[arg-type]
    for text in found.notes:
        note(one_line(text))
    if out is not None:
        write_table(out, found.changes, force=force)
        note(f"{len(found.changes):,} rows written to {out}")
    if as_json:
        print_json(
            {
                "briefs": json.loads(found.briefs.to_json(orient="records")),
                "changes": json.loads(found.changes.to_json(orient="records")),
                "notes": list(found.notes),
            }
        )
    else:
        print_result(_as_text(found))


def _as_text(found: ListComparison) -> str:
    lines = []
    for brief in found.briefs.to_dict("records"):
        correlation = brief["rank_correlation"]
        agreement = "" if correlation != correlation else f"; rank correlation {correlation:.2f}"
        lines.append(
            f"{one_line(brief['brief_id'])}: "
            f"{brief['n_common']} of {brief['n_new']} were there before, "
            f"{brief['n_entered']} entered, {brief['n_left']} left, {brief['n_moved']} moved"
            + agreement
        )
        rows = found.changes[found.changes["brief_id"] == brief["brief_id"]]
        names = rows["handle"].fillna(rows["account_id"])
        lines += [
            f"  {one_line(name)}: {sentence}"
            for name, sentence in zip(names, rows["sentence"], strict=True)
        ]
    return "\n".join(lines)
