"""Verb that plans whom to hire within a budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli.briefs import check_one_brief, named_brief
from matcher.cli.complete import complete_campaigns, complete_language
from matcher.cli.data import AsJson, Force, MarketFolder
from matcher.cli.dry import DryRun, count_market, print_plan
from matcher.cli.models import (
    LateSnapshots,
    ModelAddress,
    TrackingUri,
    embedder,
    load_data,
    parse_instant,
)
from matcher.cli.output import check_word, note, print_json, print_result, progress
from matcher.cli.text import CacheFolder
from matcher.files import check_output
from matcher.plain import one_line

if TYPE_CHECKING:
    from matcher.market.market import Market
    from matcher.plan.plans import Plan
    from matcher.plan.prepare import Prepared

_SUFFIXES = (".xlsx", ".json", ".parquet")


def plan(
    market: MarketFolder,
    model: ModelAddress,
    brief: Annotated[
        Path | None, typer.Option("--brief", metavar="FILE", help="Brief as YAML or JSON.")
    ] = None,
    campaign: Annotated[
        str | None,
        typer.Option(
            "--campaign",
            autocompletion=complete_campaigns,
            metavar="ID",
            help="Campaign of the market, in place of a brief.",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option("--budget", metavar="AMOUNT", help="Sum of fees; default the brief's."),
    ] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="Of all money, such as VND.")
    ] = None,
    constraints: Annotated[
        Path | None,
        typer.Option("--constraints", metavar="FILE", help="What else to keep to, as YAML."),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            "--objective",
            metavar="WHAT",
            help="Outcome (reach, impressions, views, engagements, link_clicks, leads, "
            "conversions, trust), objective (awareness, engagement, traffic, sales), or a mix such "
            "as reach=1,engagements=20; default what the brief is for.",
        ),
    ] = None,
    quantile: Annotated[
        float | None,
        typer.Option(
            "--quantile", metavar="Q", help="Count what is exceeded with chance 1 - Q; try 0.2."
        ),
    ] = None,
    panel: Annotated[
        Path | None,
        typer.Option(
            "--panel",
            metavar="FILE",
            help="Who sees whom: person, account_id, perhaps weight, probability (.csv, .parquet).",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Plan as .xlsx, .json or .parquet."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="T", help="Use only what was known before; default all."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.5, help="Time for the plan; as much again for prices, budgets.")
    ] = 15.0,
    no_frontier: Annotated[
        bool, typer.Option("--no-frontier", help="Look at no other budgets.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds find equal plans.")] = 0,
    lang: Annotated[
        str,
        typer.Option(
            "--lang", autocompletion=complete_language, help="Language of sentences: en or vi."
        ),
    ] = "en",
    cache: CacheFolder = None,
    tracking_uri: TrackingUri = None,
    allow_late_snapshots: LateSnapshots = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Choose whom to hire, with how many posts each, so that a budget brings most.

    Example: matcher plan my-market --model models/mine --brief brief.yaml --out plan.xlsx
    """
    from matcher.plan.constraints import read_constraints
    from matcher.plan.panel import read_panel
    from matcher.plan.plan import plan as make_plan
    from matcher.plan.prepare import prepare_plan
    from matcher.ranking.store import read_model
    from matcher.report.plan_files import write_plan
    from matcher.tracking.models import find_model

    check_word("--lang", lang, ("en", "vi"))
    check_one_brief(brief, campaign, "planned for")
    if out is not None:
        check_output(out, force=force, suffixes=_SUFFIXES, make=not dry_run)
    rules = None if constraints is None else read_constraints(constraints)
    where = find_model(model, tracking_uri=tracking_uri)
    loaded, bundle = read_model(where.folder)
    data, settings = load_data(market, loaded.settings, late_snapshots=allow_late_snapshots)
    instant = data.market.all_known_at if as_of is None else parse_instant(as_of)
    asked: dict[str, Any] = {
        "budget": budget,
        "currency": currency,
        "constraints": rules,
        "objective": objective,
        "quantile": quantile,
        "panel": None if panel is None else read_panel(panel, data.index.account_ids),
        "as_of": instant,
        "settings": settings,
        "language": lang,
        "context": loaded.context(data, embedder(settings, cache)),
    }
    named = named_brief(data.market, brief, campaign)
    if dry_run:
        ready = prepare_plan(loaded, data, named, **asked)
        what = f"plan brief {named.brief_id}" + ("" if out is None else f" into {out}")
        facts = {"model": bundle.model_id, "as of": instant.isoformat()}
        held = {"market": count_market(data.market), **_prepared(ready)}
        print_plan({"would": what, **facts, **held}, as_json=as_json)
        return
    with progress() as tell:
        found = make_plan(
            loaded, data, named, **asked, seconds=seconds, seed=seed, frontier=not no_frontier,
            model_id=bundle.model_id, model_version=where.version, progress=tell,
        )  # fmt: skip
    if out is not None:
        write_plan(found, out, force=force)
    _say(found, data.market, out, as_json=as_json)


def _prepared(ready: Prepared) -> dict[str, Any]:
    request, options = ready.request, ready.options
    return {
        "objective": dict(ready.objective.weights),
        "budget": f"{request.budget:,.0f} {request.currency}",
        "candidates": len(ready.scored.candidates),
        "packages": len(options),
        "candidates without a fee": options.n_without_fee,
        "candidates above the budget": options.n_too_dear,
        "limits": [one.name for one in ready.problem.limits if not one.is_implied],
        "overlap": "none counted" if ready.source is None else ready.source.kind,
        "notes": list(ready.notes),
    }


def _say(found: Plan, market: Market, out: Path | None, *, as_json: bool) -> None:
    for text in (*market.assumptions, *found.notes):
        note(one_line(text))
    if as_json:
        told = found.to_dict()
        told["notes"] = [*market.assumptions, *found.notes]
        print_json({"out": None if out is None else str(out), **told})
        return
    print_result(_as_text(found))
    audit = found.audit
    print_result(
        f"{'plan' if out is None else out}: as of {audit['as_of']}, model "
        f"{audit['model_version'] or audit['model_id']}, data {audit['data_hash']}, config "
        f"{audit['config_hash']}, request {audit['request_hash']}"
    )


_HEADS = {
    "en": ("account", "platform", "format", "posts", "fee", "expected", "8 of 10 times",
           "counted", "lost without", "up to fee", "else"),
    "vi": ("tài khoản", "nền tảng", "định dạng", "số bài", "giá", "dự kiến", "8 trong 10 lần",
           "được tính", "mất nếu bỏ", "đến giá", "thay bằng"),
}  # fmt: skip
_COUNTED, _LOST = 7, 8
_RIGHT = {3, 4, 5, 6, 7, 8, 9}


def _as_text(found: Plan) -> str:
    """Sentences, then the accounts as a table; estimates of money behind a sign.

    What accounts count has a column where it is not their mean, and losses say that they are
    counted so.
    """
    from matcher.plan.words import count_words, level_words
    from matcher.recommend.wording import FORMAT_NAMES, format_number

    language, quantile = found.language, found.facts["quantile"]

    def money(value: float) -> str:
        return "–" if value != value else format_number(value, language)

    def amount(name: str) -> str:
        return count_words(row[name], language)

    head = list(_HEADS[language])
    for place in (_COUNTED, _LOST):
        head[place] += level_words(quantile, language)
    lines = [head]
    for row in found.frame.to_dict("records"):
        form = row["format"]
        lines.append(
            [
                _name(row["handle"], row["account_id"]),
                row["platform"],
                FORMAT_NAMES[form][language] if isinstance(form, str) else "–",
                str(row["n_posts"]),
                ("≈ " if row["fee_is_estimate"] else "") + money(row["fee"]),
                amount("outcome_expected"),
                f"{amount('outcome_low')} – {amount('outcome_high')}",
                amount("outcome_counted"),
                amount("marginal"),
                ("≈ " if row["drop_out_how"] == "estimate" else "") + money(row["drop_out_fee"]),
                _name(row["swap_handle"], row["swap_account_id"]),
            ]
        )
    shown = [place for place in range(len(head)) if place != _COUNTED or quantile is not None]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    table = [
        "  ".join(
            line[place].rjust(widths[place])
            if place in _RIGHT
            else line[place].ljust(widths[place])
            for place in shown
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*found.sentences, "", *(table if len(found) else [])])


def _name(handle: Any, account_id: Any) -> str:
    if isinstance(handle, str) and handle.strip():
        return one_line(handle)
    return one_line(account_id) if isinstance(account_id, str) else "–"
