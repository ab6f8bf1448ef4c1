"""Verbs about registered models: `matcher models ...`."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from matcher.cli.data import AsJson
from matcher.cli.frame import talkative
from matcher.cli.models import TrackingUri, embedder, load_data
from matcher.cli.output import note, print_json, print_result, progress
from matcher.cli.text import CacheFolder

if TYPE_CHECKING:
    from matcher.evaluation.versus import Versus
    from matcher.ranking.model import Model
    from matcher.tracking.promotion import Comparison, Overview
    from matcher.tracking.registry import Event, Registered

Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Registered model.")]
Market = Annotated[
    Path, typer.Option("--market", metavar="DIR", help="Folder with one file per table.")
]

app = typer.Typer(
    name="models",
    no_args_is_help=True,
    help="Versions of trained models: which there are, which is the champion, and changing that.",
    epilog="A version is named by its number, `champion`, `challenger`, `matcher/3`, "
    "`models:/matcher/3` or `models:/matcher@champion`.",
)

_LABEL: Final = re.compile(r"[^/:@]+/[0-9]+")


@app.command("list")
@talkative
def list_versions(
    name: Name = "matcher", tracking_uri: TrackingUri = None, as_json: AsJson = False
) -> None:
    """List the versions of a registered model, newest first.

    Example: matcher models list
    """
    found = _look_up(name, tracking_uri)
    if as_json:
        print_json([_plain(one) for one in found.versions])
        return
    if not found.versions:
        note(f"no version is registered as {name!r}; matcher train MARKET registers one")
        return
    rows = [("version", "alias", "model", "trained until", "market", "registered at")]
    rows += [
        (
            one.label,
            ", ".join(one.aliases),
            one.tags.get("model_id", ""),
            one.tags.get("trained_until", "")[:10],
            one.tags.get("market", ""),
            one.created_at,
        )
        for one in found.versions
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    print_result(
        "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )
    )


@app.command("show")
@talkative
def show(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Version to show.")],
    name: Name = "matcher",
    tracking_uri: TrackingUri = None,
    as_json: AsJson = False,
) -> None:
    """Show a version: what it was trained on, its figures, and when it was the champion.

    Example: matcher models show champion
    """
    from matcher.tracking.promotion import read_metrics

    found = _look_up(name, tracking_uri)
    one = found.version(version)
    metrics = read_metrics(_store(tracking_uri), one)
    events = [event for event in found.history if one.version in (event.version, event.previous)]
    if as_json:
        print_json(
            {**_plain(one), "metrics": metrics, "history": [asdict(event) for event in events]}
        )
        return
    lines = [f"{one.label}  {', '.join(one.aliases)}".rstrip(), ""]
    facts = {
        **one.tags,
        "registered at": one.created_at,
        "run": f"runs:/{one.run_id}",
        "address": one.address,
        "files": one.location,
    }
    width = max(map(len, facts)) + 2
    lines += [f"{key.replace('_', ' '):<{width}}{text}" for key, text in facts.items()]
    if metrics:
        lines += ["", "walking forward, when it was trained:"]
        width = max(map(len, metrics)) + 2
        lines += [f"  {key:<{width}}{value:.3f}" for key, value in metrics.items()]
    if events:
        lines += ["", "history:", *(f"  {_describe(event, name)}" for event in events)]
    print_result("\n".join(lines))


@app.command("compare")
@talkative
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="Version, run or folder.")],
    second: Annotated[str, typer.Argument(metavar="B", help="What it is compared with.")],
    market: Market,
    name: Name = "matcher",
    cache: CacheFolder = None,
    tracking_uri: TrackingUri = None,
    as_json: AsJson = False,
) -> None:
    """Compare two models on the campaigns decided after both were trained.

    Both score the same candidates, by the hard rules and settings of B.
    Differences are A minus B, with 95 % intervals over brands.

    Example: matcher models compare challenger champion --market my-market
    """
    pair = _Pair(_read(first, name, tracking_uri), _read(second, name, tracking_uri))
    versus = _compare(pair, market, cache)
    if as_json:
        print_json(_as_json(versus, pair))
    else:
        print_result(_as_text(versus, pair))


@app.command("promote")
@talkative
def promote(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Version to promote.")],
    market: Annotated[
        Path | None,
        typer.Option("--market", metavar="DIR", help="Market whose later campaigns decide."),
    ] = None,
    min_campaigns: Annotated[
        int, typer.Option("--min-campaigns", min=2, help="Fewer campaigns decide nothing.")
    ] = 10,
    force: Annotated[
        bool, typer.Option("--force", help="Promote whatever the comparison says; needs --reason.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the promotion.")
    ] = "",
    name: Name = "matcher",
    cache: CacheFolder = None,
    tracking_uri: TrackingUri = None,
    as_json: AsJson = False,
) -> None:
    """Make a version the champion, unless it is worse than the one that is.

    Both are compared on the campaigns decided after both were trained. It is
    refused where NDCG@10 of who was hired, or Spearman's correlation with what
    they delivered, is worse with its whole 95 % interval, or where there are
    too few such campaigns. Campaigns and figures are kept with the promotion.

    Example: matcher models promote challenger --market my-market
    """
    from matcher.errors import PromotionError, UsageError
    from matcher.tracking.promotion import promote as crown

    if force and not reason.strip():
        raise UsageError("--force: give --reason TEXT with it, which is kept with the promotion")
    found = _look_up(name, tracking_uri, writable=True)
    one = found.version(version)
    champion = found.champion
    if champion is not None and champion.version == one.version:
        raise UsageError(f"{one.label} is the champion already")
    if champion is not None and market is None and not force:
        raise UsageError(
            f"--market: give the market on whose later campaigns {one.label} is compared with the "
            f"champion {champion.label}"
        )
    versus: Versus | None = None
    told: dict[str, Any] = {}
    objections: tuple[str, ...] = ()
    if champion is not None and market is not None:
        addresses = (one.address, champion.address)
        pair = _Pair(*(_read(each, name, tracking_uri) for each in addresses))
        versus, objections = _judge(pair, market, cache, min_campaigns)
        told = {} if versus is None else _as_json(versus, pair)
        if versus is not None and not as_json:
            print_result(_as_text(versus, pair) + "\n")
    elif champion is not None:
        objections = ("it was not compared with the champion",)
    if objections and not force:
        if as_json:
            print_json({**told, "promoted": False, "objections": list(objections)})
        raise PromotionError(
            f"{one.label} was not promoted: {'; '.join(objections)}; "
            f"{champion.label if champion else ''} stays the champion; --force --reason TEXT "
            "promotes it all the same"
        )
    event = crown(
        _store(tracking_uri, writable=True),
        one,
        comparison=None if versus is None else _evidence(versus, told, market),
        reason=reason,
        refusal="; ".join(objections),
    )
    if as_json:
        facts = {"promoted": True, "objections": list(objections), "event": asdict(event)}
        print_json({**told, **facts})
    else:
        print_result(_describe(event, name))


@app.command("rollback")
@talkative
def rollback(
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the history.")
    ] = "",
    name: Name = "matcher",
    tracking_uri: TrackingUri = None,
    as_json: AsJson = False,
) -> None:
    """Put the previous champion back, as the history of promotions has it.

    Example: matcher models rollback --reason "worse lists in the field"
    """
    from matcher.errors import PromotionError
    from matcher.tracking.promotion import roll_back

    event = roll_back(_store(tracking_uri, writable=True), name, reason=reason)
    if event is None:
        raise PromotionError(
            f"no version of {name} was the champion before the present one; nothing was changed"
        )
    if as_json:
        print_json(asdict(event))
    else:
        print_result(_describe(event, name))


class _Read(NamedTuple):
    label: str
    model: Model
    model_id: str
    market: str | None


class _Pair(NamedTuple):
    first: _Read
    second: _Read


def _store(tracking_uri: str | None, *, writable: bool = False) -> Any:
    from matcher.tracking.store import Store

    return Store.open(tracking_uri, writable=writable)


def _look_up(name: str, tracking_uri: str | None, *, writable: bool = False) -> Overview:
    from matcher.tracking.promotion import look_up

    return look_up(_store(tracking_uri, writable=writable), name)


def _read(reference: str, name: str, tracking_uri: str | None) -> _Read:
    from matcher.ranking.store import read_model
    from matcher.tracking.models import find_model

    address = reference
    if reference.isdecimal():
        address = f"models:/{name}/{reference}"
    elif reference in ("champion", "challenger"):
        address = f"models:/{name}@{reference}"
    elif _LABEL.fullmatch(reference) and not Path(reference).exists():
        address = f"models:/{reference}"
    where = find_model(address, tracking_uri=tracking_uri)
    model, bundle = read_model(where.folder)
    trained_on = bundle.manifest.get("market")
    return _Read(where.version or bundle.model_id, model, bundle.model_id, trained_on)


def _compare(pair: _Pair, market: Path, cache: Path | None) -> Versus:
    from matcher.evaluation.versus import compare_models

    first, second = pair
    name = market.resolve().name
    for one in pair:
        if one.market not in (None, name):
            note(f"{one.label} was trained on the market {one.market!r}, not on {name!r}")
    data, settings = load_data(market, second.model.settings)
    with progress() as tell:
        return compare_models(
            first.model,
            second.model,
            data,
            settings,
            embed=embedder(settings, cache),
            audit={"model": first.label, "other": second.label, "market": name},
            tell=tell,
        )


def _judge(
    pair: _Pair, market: Path, cache: Path | None, min_campaigns: int
) -> tuple[Versus | None, tuple[str, ...]]:
    from matcher.errors import SupportError

    try:
        versus = _compare(pair, market, cache)
    except SupportError as error:
        return None, (str(error),)
    for text in versus.gaps(min_campaigns=min_campaigns):
        note(text)
    return versus, versus.objections(min_campaigns=min_campaigns)


def _evidence(versus: Versus, told: dict[str, Any], market: Path | None) -> Comparison:
    from matcher.tracking.promotion import Comparison

    name = "" if market is None else market.resolve().name
    return Comparison(told, versus.result.per_campaign, name)


def _as_json(versus: Versus, pair: _Pair) -> dict[str, Any]:
    first, second = pair
    return {
        "model": first.label,
        "model_id": first.model_id,
        "other": second.label,
        "other_id": second.model_id,
        **versus.to_dict(),
    }


def _as_text(versus: Versus, pair: _Pair) -> str:
    first, second = pair
    width = max(len(first.label), len(second.label), 8)
    head = f"{'':<24}{first.label:>{width}}  {second.label:>{width}}  difference (95 % interval)"
    lines = [
        f"{first.label} against {second.label} on {len(versus.campaign_ids)} campaigns decided "
        f"from {versus.decided_from:%Y-%m-%d} on",
        "",
        head,
    ]
    lines += [
        f"{row['question'] + ' ' + row['metric']:<24}"
        f"{_number(row['model']):>{width}}  {_number(row['other']):>{width}}  "
        f"{_number(row['difference'], '+.3f')} ({_number(row['low'], '+.3f')} to "
        f"{_number(row['high'], '+.3f')})  {row['verdict']}, n = {int(row['n'])}"
        for row in versus.table().to_dict("records")
    ]
    return "\n".join(lines)


def _number(value: float, form: str = ".3f") -> str:
    return "–" if value != value else format(value, form)


def _describe(event: Event, name: str) -> str:
    now, before = f"{name}/{event.version}", f"{name}/{event.previous}"
    text = {
        "first": f"{now} became the champion, there being none",
        "promoted": f"{now} became the champion in place of {before}",
        "forced": f"{now} was made the champion in place of {before} by force",
        "rolled back": f"{now} became the champion again, {before} being taken back",
    }[event.action]
    parts = [f"{event.at}: {text}"]
    parts += [f"against it: {event.refusal}"] if event.refusal else []
    parts += [f"reason: {event.reason}"] if event.reason else []
    parts += [f"comparison: runs:/{event.run_id}"] if event.run_id else []
    return "; ".join(parts)


def _plain(one: Registered) -> dict[str, Any]:
    return {**asdict(one), "label": one.label, "address": one.address}
