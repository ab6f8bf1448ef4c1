"""Verb that asks what if: scenarios of brief, influencers and market against things as they are."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli.briefs import check_one_brief, named_brief
from matcher.cli.complete import (
    complete_accounts,
    complete_campaigns,
    complete_language,
    complete_order,
)
from matcher.cli.data import AsJson, Force, MarketFolder
from matcher.cli.models import (
    LateSnapshots,
    ModelAddress,
    TrackingUri,
    embedder,
    load_data,
    parse_instant,
)
from matcher.cli.output import Tell, as_table, check_word, note, print_json, print_result, progress
from matcher.cli.text import CacheFolder
from matcher.cli.whatif_logs import answer_logs, check_alone, split_scenarios
from matcher.files import check_output, write_output
from matcher.plain import one_line

if TYPE_CHECKING:
    from matcher.whatif.answer import Comparison
    from matcher.whatif.desk import Desk
    from matcher.whatif.extras import Extras


def whatif(
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
            help="Campaign of the market.",
        ),
    ] = None,
    scenario: Annotated[
        list[Path] | None,
        typer.Option(
            "--scenario",
            metavar="FILE",
            help="Scenario as YAML or JSON, or questions to the logs; may be repeated.",
        ),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Make the edits of all scenarios in one.")
    ] = False,
    grid: Annotated[
        list[str] | None,
        typer.Option("--grid", metavar="KNOB=A,B,C", help="Every value of a knob, of two crossed."),
    ] = None,
    tornado: Annotated[
        bool, typer.Option("--tornado", help="With --grid: each knob by itself.")
    ] = False,
    sentences: Annotated[
        bool, typer.Option("--sentences", help="Which sentence of the brief carries the ranking.")
    ] = False,
    enter: Annotated[
        list[str] | None,
        typer.Option(
            "--enter",
            autocompletion=complete_accounts,
            metavar="ACCOUNT",
            help="What it would take for an account to enter the list.",
        ),
    ] = None,
    curve: Annotated[
        list[str] | None,
        typer.Option(
            "--curve", metavar="ACCOUNT.KNOB=A,B", help="One account as one thing about it changes."
        ),
    ] = None,
    plans: Annotated[
        bool,
        typer.Option(
            "--plans", help="How the plan under the brief's budget changes with each scenario."
        ),
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="T", help="Use only what was known before; default all."),
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            autocompletion=complete_order,
            help="objective (as the settings say), fit, deliver, outcome, value or blend.",
        ),
    ] = "objective",
    top: Annotated[int, typer.Option("--top", metavar="K", min=1, help="Length of lists.")] = 10,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws behind intervals.")] = 0,
    refuse_outside: Annotated[
        bool,
        typer.Option(
            "--refuse-outside", help="Fail on a scenario beyond what the model learnt from."
        ),
    ] = False,
    language: Annotated[
        str,
        typer.Option(
            "--language",
            "--lang",
            autocompletion=complete_language,
            help="Language of sentences: en or vi.",
        ),
    ] = "en",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Answers: .json or .html.")
    ] = None,
    track: Annotated[
        bool, typer.Option("--track", help="Log the answers as an MLflow run.")
    ] = False,
    cache: CacheFolder = None,
    tracking_uri: TrackingUri = None,
    allow_late_snapshots: LateSnapshots = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Say what another brief, account or market would change of a list and of what it brings.

    Example: matcher whatif my-market --model models/mine --brief b.yaml --scenario more-money.yaml
    """
    from matcher.ranking.store import read_model
    from matcher.recommend.orders import REQUESTS
    from matcher.tracking.models import find_model
    from matcher.whatif.ask import compare_scenarios
    from matcher.whatif.checks import find_faults, raise_faults
    from matcher.whatif.desk import open_desk
    from matcher.whatif.extras import add_extras, parse_extras
    from matcher.whatif.planned import add_plans
    from matcher.whatif.scenario import join_scenarios

    started_at = time.time()
    check_word("--order", order, REQUESTS)
    check_word("--language", language, ("en", "vi"))
    extras = parse_extras(
        grid or [],
        tornado=tornado,
        sentences=sentences,
        enter=_only("--enter", enter),
        curve=_only("--curve", curve),
    )
    questions, scenarios, faults = split_scenarios(scenario or [])
    if questions or together or not (brief or campaign):
        raise_faults(faults)
    if together and scenarios:
        scenarios = [join_scenarios(scenarios)]
    if questions:
        check_alone(bool(scenarios) or not extras.is_empty or plans, brief or campaign)
    else:
        _check_asked(brief, campaign, bool(scenarios or faults), extras)
    if out is not None:
        check_output(out, force=force, suffixes=(".json", ".html"))
    where = find_model(model, tracking_uri=tracking_uri)
    loaded, bundle = read_model(where.folder)
    data, settings = load_data(market, loaded.settings, late_snapshots=allow_late_snapshots)
    if questions:
        answer_logs(
            loaded, data, questions, seed=seed, embed=embedder(settings, cache),
            model_id=bundle.model_id, model_version=where.version,
            language=language,  # type: ignore[arg-type]
            out=out, force=force, as_json=as_json,
            run=(market.resolve().name, tracking_uri, started_at) if track else None,
        )  # fmt: skip
        return
    desk = open_desk(
        loaded,
        data,
        named_brief(data.market, brief, campaign),
        as_of=None if as_of is None else parse_instant(as_of),
        settings=settings,
        order=order,  # type: ignore[arg-type]
        top_k=top,
        language=language,  # type: ignore[arg-type]
        context=loaded.context(data, embedder(settings, cache)),
    )
    cells = extras.cells(desk.job.language)
    asked = [*scenarios, *cells, *extras.points(desk.job.language)]
    raise_faults([*faults, *find_faults(desk, asked)])
    with progress() as tell:
        _score(desk, tell)
        found = compare_scenarios(
            desk,
            scenarios,
            seed=seed,
            model_id=bundle.model_id,
            model_version=where.version,
            refuse_outside=refuse_outside,
            is_part=not extras.is_empty,
            progress=tell,
        )
        found = add_extras(found, desk, extras, seed=seed, progress=tell)
        if plans:
            found = add_plans(found, desk, [*scenarios, *cells], seed=seed, progress=tell)
    if out is not None:
        _write(out, found, language, force=force)
    if track:
        _track(found, desk, market, tracking_uri, started_at, language)
    _say(found, language, as_json=as_json)
    _fail_if_refused(found)


def _fail_if_refused(found: Comparison) -> None:
    """End with a message where a scenario was refused; all answers are told by then."""
    from matcher.errors import SupportError

    if found.refusals:
        n = len(found.answers) + len(found.refusals)
        said = "; ".join(one.reason for one in found.refusals[:5])
        raise SupportError(f"{len(found.refusals)} of {n} scenario(s) cannot be answered: {said}")


def _only(option: str, values: list[str] | None) -> str | None:
    from matcher.errors import UsageError

    if values is not None and len(values) > 1:
        raise UsageError(f"{option}: got {len(values)} accounts; one at a time can be asked about")
    return values[0] if values else None


def _check_asked(
    brief: Path | None, campaign: str | None, has_scenarios: bool, extras: Extras
) -> None:
    from matcher.errors import UsageError

    check_one_brief(brief, campaign, "asked about")
    if not has_scenarios and extras.is_empty:
        raise UsageError(
            "nothing is asked; give --scenario FILE, --grid KNOB=A,B, --sentences, --enter ACCOUNT "
            "or --curve ACCOUNT.KNOB=A,B"
        )


def _score(desk: Desk, tell: Tell) -> None:
    tell("ranking", 0, 1)
    _ = desk.base
    tell("ranking", 1, 1)


def _write(out: Path, found: Comparison, language: str, *, force: bool) -> None:
    if out.suffix.lower() == ".json":
        text = json.dumps(found.to_dict(), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    else:
        from matcher.report.whatif_page import render_page

        text = render_page(found, language=language)  # type: ignore[arg-type]
    write_output(out, lambda path: path.write_text(text, encoding="utf-8"), force=force)
    note(f"{out}: written")


def _track(
    found: Comparison,
    desk: Desk,
    market: Path,
    tracking_uri: str | None,
    started_at: float,
    language: str,
) -> None:
    from matcher.report.whatif_record import TASK, build_whatif_record
    from matcher.tracking.prepare import prepare_store
    from matcher.tracking.runs import log_training_run
    from matcher.tracking.store import Store

    store = Store.open(tracking_uri)
    prepare_store(store, TASK)
    record = build_whatif_record(
        found,
        desk,
        market.resolve().name,
        started_at=started_at,
        language=language,  # type: ignore[arg-type]
    )
    run = log_training_run(store, record)
    note(f"tracked as {run.uri}; look at it with: {store.how_to_look}")


def _say(found: Comparison, language: str, *, as_json: bool) -> None:
    from matcher.report.whatif_cells import part_title, table_in_words
    from matcher.report.whatif_said import say_cost, say_finding, say_support

    if as_json:
        print_json(found.to_dict())
        return
    words: Any = language
    lines = []
    for one in found.answers:
        lines.append(one_line(one.verdict))
        lines += [f"  {one_line(text)}" for text in one.edits]
        moved = one.movement.changes
        for row in moved[moved["change"] != "same"].to_dict("records"):
            name = row["handle"] if isinstance(row["handle"], str) else row["account_id"]
            lines.append(f"  {one_line(str(name))}: {row['sentence']}")
        lines += [f"  {one_line(text)}" for text in one.joined["sentence"]]
        lines += [
            f"  {text}" for text in (say_cost(one.cost, words), *say_support(one.support, words))
        ]
        for text in one.notes:
            note(f"note: {one.name}: {text}")
    for refused in found.refusals:
        lines.append(one_line(refused.verdict))
        lines += [f"  {one_line(text)}" for text in refused.edits]
        lines += [f"  {text}" for text in say_support(refused.support, words)]
    for name, table in found.parts.items():
        said = found.findings.get(name)
        if said is None and table.empty:
            continue
        lines += ["", part_title(name, words)]
        if said is not None:
            lines += [one_line(said.verdict), f"  {say_finding(said, words)}"]
        if len(table):
            lines.append(as_table(table_in_words(table, words)))
    lines += [one_line(text) for text in found.notes]
    print_result("\n".join(lines))
