"""Verb that compares two lists, or two models on the same briefs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from matcher.cli.complete import complete_campaigns, complete_language, complete_order
from matcher.cli.data import AsJson, Force
from matcher.cli.models import (
    LateSnapshots,
    TrackingUri,
    embedder,
    load_data,
    parse_instant,
)
from matcher.cli.output import check_word, note, print_json, print_result, progress
from matcher.cli.recommend import collect_briefs
from matcher.cli.text import CacheFolder
from matcher.files import TABLE_SUFFIXES, check_output, write_table
from matcher.plain import one_line

if TYPE_CHECKING:
    from matcher.recommend.compare import ListComparison
    from matcher.recommend.compare_models import ModelComparison
    from matcher.recommend.wording import Language

Side = Annotated[
    str,
    typer.Argument(help="List of `matcher recommend` (.parquet, .csv, .jsonl), or a model."),
]
_MODEL_TOP = 20
_MOST_FEATURES = 10


def diff(
    old: Side,
    new: Side,
    market: Annotated[
        Path | None,
        typer.Option("--market", metavar="DIR", help="Of two models: market to rank."),
    ] = None,
    brief: Annotated[
        list[Path] | None,
        typer.Option("--brief", metavar="FILE", help="Brief to rank for; may be repeated."),
    ] = None,
    campaign: Annotated[
        list[str] | None,
        typer.Option(
            "--campaign",
            autocompletion=complete_campaigns,
            metavar="ID",
            help="Campaign to rank for; may be repeated.",
        ),
    ] = None,
    all_open: Annotated[
        bool, typer.Option("--all-open", help="Rank for every campaign that is not decided yet.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="T", help="Let both know only what was known before."),
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            autocompletion=complete_order,
            help="Of two models: objective, fit, deliver, outcome, value or blend.",
        ),
    ] = "objective",
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            metavar="K",
            min=1,
            help="Compare the first K; default all rows of lists, 20 of models.",
        ),
    ] = None,
    lang: Annotated[
        str,
        typer.Option(
            "--lang",
            autocompletion=complete_language,
            help="Language of sentences: en or vi.",
        ),
    ] = "en",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Every change: .parquet, .csv or .jsonl."),
    ] = None,
    cache: CacheFolder = None,
    tracking_uri: TrackingUri = None,
    allow_late_snapshots: LateSnapshots = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Compare two lists, or two models on the same briefs: who moved, and what did it.

    Lists may come from two models, two dates or two settings. Models rank the same briefs as of
    the same instant; changes are in standard deviations of a model's scores within a brief, and
    what differs between the models themselves comes first. Ranks beyond --top tell where an
    account came from or went.

    Examples: matcher diff old.parquet new.parquet --top 20;
    matcher diff models/old models/new --market my-market --all-open
    """
    from matcher.recommend.orders import REQUESTS

    check_word("--lang", lang, ("en", "vi"))
    check_word("--order", order, REQUESTS)
    if out is not None:
        check_output(out, force=force, suffixes=TABLE_SUFFIXES)
    asked = {"--market": market, "--brief": brief, "--campaign": campaign, "--as-of": as_of}
    given = [name for name, value in asked.items() if value] + ["--all-open"] * all_open
    models: ModelComparison | None = None
    if _are_lists(old, new, given):
        found = _compare_lists(old, new, top, lang)
    else:
        models = _compare_models(
            (old, new),
            market,
            (brief or [], campaign or [], all_open),
            as_of=as_of,
            tracking_uri=tracking_uri,
            cache=cache,
            late_snapshots=allow_late_snapshots,
            options={"top_k": top or _MODEL_TOP, "order": order, "language": lang},
        )
        found = models.lists
    for text in found.notes:
        note(one_line(text))
    if out is not None:
        _write(out, found, force=force)
    if as_json:
        print_json(_as_json(found, models))
    else:
        told = _changes(found, lang)  # type: ignore[arg-type]
        print_result("\n".join([*_differences(models, lang), *told]))


def _are_lists(old: str, new: str, given: list[str]) -> bool:
    """Whether both sides are lists; one list and one model cannot be compared."""
    from matcher.errors import UsageError

    sides = [
        Path(side).suffix.lower() in TABLE_SUFFIXES and not Path(side).is_dir()
        for side in (old, new)
    ]
    if sides[0] != sides[1]:
        raise UsageError(
            f"got {old} and {new}, a list and a model; compare two lists "
            f"({', '.join(TABLE_SUFFIXES)}) or two models"
        )
    if all(sides) and given:
        raise UsageError(f"{', '.join(given)}: for two models; lists are compared as they are")
    if not sides[0] and ("--market" not in given or len(set(given) - {"--market", "--as-of"}) == 0):
        raise UsageError(
            f"{old} and {new} are compared as models (lists end in {', '.join(TABLE_SUFFIXES)}); "
            "give --market DIR and what to rank for: --brief FILE, --campaign ID or --all-open"
        )
    return sides[0]


def _compare_lists(old: str, new: str, top: int | None, lang: str) -> ListComparison:
    from matcher.recommend.compare import compare_lists
    from matcher.recommend.write import read_recommendations

    lists = [read_recommendations(Path(path)) for path in (old, new)]
    return compare_lists(*lists, top=top, language=lang)  # type: ignore[arg-type]


def _compare_models(
    sides: tuple[str, str],
    market: Path | None,
    asked: tuple[list[Path], list[str], bool],
    *,
    as_of: str | None,
    tracking_uri: str | None,
    cache: Path | None,
    late_snapshots: bool,
    options: dict[str, Any],
) -> ModelComparison:
    from matcher.ranking.store import read_model
    from matcher.recommend.compare_models import compare_models
    from matcher.tracking.models import find_model

    (old, old_bundle), (new, new_bundle) = (
        read_model(find_model(side, tracking_uri=tracking_uri).folder) for side in sides
    )
    # The market is read in the way of the new model, which is the one to be used from now on.
    data, settings = load_data(market or Path(), new.settings, late_snapshots=late_snapshots)
    if old.settings.market != settings.market:
        note("the models read markets in different ways; both are shown it in that of the new one")
    instant = data.market.all_known_at if as_of is None else parse_instant(as_of)
    briefs = collect_briefs(data.market, instant, asked[0], asked[1], all_open=asked[2])
    with progress() as tell:
        tell("comparing", 0, 1)
        found = compare_models(
            old,
            new,
            data,
            briefs,
            as_of=instant,
            contexts=(
                old.context(data, embedder(old.settings, cache)),
                new.context(data, embedder(settings, cache)),
            ),
            manifests=(old_bundle.manifest, new_bundle.manifest),
            **options,
        )
        tell("comparing", 1, 1)
    return found


def _write(out: Path, found: ListComparison, *, force: bool) -> None:
    write_table(out, found.changes, force=force)
    note(f"{len(found.changes):,} rows written to {out}")


def _as_json(found: ListComparison, models: ModelComparison | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "briefs": json.loads(found.briefs.to_json(orient="records")),
        "changes": json.loads(found.changes.to_json(orient="records")),
        "notes": list(found.notes),
    }
    if models is not None:
        told["as_of"] = models.as_of.isoformat()
        told["models"] = json.loads(models.differences.to_json(orient="records"))
    return told


_WORDS: Final = {
    "en": {
        "equal": "the models are equal in data, settings, features and encoder",
        "differs": "what differs between the models (old | new):",
        "alone_old": "features of the old model alone, {n}: {names}",
        "alone_new": "features of the new model alone, {n}: {names}",
        "brief": "{brief}: {common} of {n} were there before, {entered} entered, {left} left, "
        "{moved} moved",
        "ranks": "; rank correlation {value}",
        "both": "; both ranked {n} accounts",
        "scores": ", whose scores correlate by {value}",
    },
    "vi": {
        "equal": "hai mô hình giống nhau về dữ liệu, cấu hình, đặc trưng và bộ mã hoá",
        "differs": "điểm khác nhau giữa hai mô hình (cũ | mới):",
        "alone_old": "đặc trưng chỉ có ở mô hình cũ, {n}: {names}",
        "alone_new": "đặc trưng chỉ có ở mô hình mới, {n}: {names}",
        "brief": "{brief}: {common} trong {n} tài khoản đã có từ trước, {entered} mới vào, {left} "
        "rời đi, {moved} đổi hạng",
        "ranks": "; tương quan thứ hạng {value}",
        "both": "; cả hai cùng xếp hạng {n} tài khoản",
        "scores": ", điểm số tương quan {value}",
    },
}


def _differences(models: ModelComparison | None, language: str) -> list[str]:
    if models is None:
        return []
    words = _WORDS[language]
    rows = models.differences.to_dict("records")
    if not rows:
        return [words["equal"], ""]
    lines = [words["differs"]]
    features = [row for row in rows if row["what"].startswith("features.")]
    lines += [
        f"  {row['what']}: {_said(row['old'])} | {_said(row['new'])}"
        for row in rows
        if row not in features
    ]
    for side, other in (("old", "new"), ("new", "old")):
        alone = [row["what"].removeprefix("features.") for row in features if row[other] is None]
        if alone:
            names = ", ".join(alone[:_MOST_FEATURES])
            names += ", ..." if len(alone) > _MOST_FEATURES else ""
            lines.append("  " + words[f"alone_{side}"].format(n=len(alone), names=names))
    return [*lines, ""]


def _said(value: object) -> str:
    return "–" if value is None else str(value)


def _changes(found: ListComparison, language: Language) -> list[str]:
    from matcher.recommend.wording import format_number

    words = _WORDS[language]
    lines = []
    for brief in found.briefs.to_dict("records"):
        told = words["brief"].format(
            brief=one_line(brief["brief_id"]),
            common=brief["n_common"],
            n=brief["n_new"],
            entered=brief["n_entered"],
            left=brief["n_left"],
            moved=brief["n_moved"],
        )
        if brief["rank_correlation"] == brief["rank_correlation"]:
            told += words["ranks"].format(
                value=format_number(brief["rank_correlation"], language, digits=2)
            )
        if "n_candidates_both" in brief:
            told += words["both"].format(n=format_number(brief["n_candidates_both"], language))
            whole = brief["score_correlation"]
            told += (
                ""
                if whole != whole
                else words["scores"].format(value=format_number(whole, language, digits=2))
            )
        lines.append(told)
        rows = found.changes[found.changes["brief_id"] == brief["brief_id"]]
        names = rows["handle"].fillna(rows["account_id"])
        lines += [
            f"  {one_line(name)}: {sentence}"
            for name, sentence in zip(names, rows["sentence"], strict=True)
        ]
    return lines
