"""Verb that recommends accounts for briefs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli.complete import complete_campaigns, complete_language, complete_order
from matcher.cli.data import AsJson, Force, MarketFolder
from matcher.cli.dry import DryRun, count_market, print_plan
from matcher.cli.exposure import ExposureBy, ExposureFloor, exposure_rule
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
from matcher.files import TABLE_SUFFIXES, check_output, write_table
from matcher.plain import is_formula, one_line

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd

    from matcher.config import Settings
    from matcher.features.data import MarketData
    from matcher.market.brief import Brief
    from matcher.market.market import Market
    from matcher.ranking.model import Model
    from matcher.recommend.explore import Lottery
    from matcher.recommend.orders import OrderRequest
    from matcher.recommend.recommendations import Recommendations


def recommend(
    market: MarketFolder,
    model: ModelAddress,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="Lists as .parquet, .csv, .jsonl or .xlsx."),
    ],
    brief: Annotated[
        list[Path] | None,
        typer.Option("--brief", metavar="FILE", help="Brief as YAML or JSON; may be repeated."),
    ] = None,
    campaign: Annotated[
        list[str] | None,
        typer.Option(
            "--campaign",
            autocompletion=complete_campaigns,
            metavar="ID",
            help="Campaign of the market; may be repeated.",
        ),
    ] = None,
    all_open: Annotated[
        bool, typer.Option("--all-open", help="Every campaign that is not decided yet.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="T", help="Use only what was known before; default all."),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="K", min=1, help="Accounts per brief.")] = 20,
    order: Annotated[
        str,
        typer.Option(
            autocompletion=complete_order,
            help="objective (as the settings say), fit, deliver, outcome, value or blend.",
        ),
    ] = "objective",
    explore: Annotated[
        float | None,
        typer.Option(
            "--explore",
            metavar="EPS",
            help="Draw the list: noise in standard deviations of the scores, such as 0.2.",
        ),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(
            "--decisions", metavar="FILE", help="Log of a draw; default OUT-decisions.parquet."
        ),
    ] = None,
    exposure: ExposureBy = None,
    exposure_floor: ExposureFloor = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds draw equal lists.")] = 0,
    lang: Annotated[
        str,
        typer.Option(
            "--lang",
            autocompletion=complete_language,
            help="Language of sentences: en or vi.",
        ),
    ] = "en",
    all_accounts: Annotated[
        bool, typer.Option("--all-accounts", help="Not only one account per person.")
    ] = False,
    cache: CacheFolder = None,
    tracking_uri: TrackingUri = None,
    allow_late_snapshots: LateSnapshots = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Rank accounts for briefs, with reasons, evidence and warnings.

    Example: matcher recommend my-market --model models/mine --brief brief.yaml --out list.csv
    """
    from matcher.errors import UsageError
    from matcher.ranking.store import read_model
    from matcher.recommend.orders import REQUESTS
    from matcher.recommend.recommend import recommend as rank
    from matcher.recommend.unfinished import Unfinished
    from matcher.tracking.models import find_model
    from matcher.tracking.store import data_home

    check_word("--order", order, REQUESTS)
    check_word("--lang", lang, ("en", "vi"))
    rule = exposure_rule(exposure, exposure_floor)
    if rule is not None and explore is not None:
        raise UsageError("--exposure: lists that --explore draws cannot be held to a floor")
    if not (brief or campaign or all_open):
        raise UsageError("nothing to recommend for; give --brief FILE, --campaign ID or --all-open")
    check_output(out, force=force, suffixes=(*TABLE_SUFFIXES, ".xlsx"), make=not dry_run)
    lottery, log = _lottery(explore, seed, decisions, out, force=force, make=not dry_run)
    where = find_model(model, tracking_uri=tracking_uri)
    loaded, bundle = read_model(where.folder)
    data, settings = load_data(market, loaded.settings, late_snapshots=allow_late_snapshots)
    trained_on = bundle.manifest.get("market")
    if trained_on not in (None, market.resolve().name):
        note(
            f"the model was trained on the market {trained_on!r}, not on {market.resolve().name!r}"
        )
    instant = data.market.all_known_at if as_of is None else parse_instant(as_of)
    briefs = collect_briefs(data.market, instant, brief or [], campaign or [], all_open=all_open)
    if dry_run:
        plan = _plan(
            loaded,
            data,
            briefs,
            instant,
            settings,
            order=order,  # type: ignore[arg-type]
            top_k=top,
        )
        what = f"rank accounts for {len(briefs)} brief(s) into {out}"
        what += "" if lottery is None else f", drawn, with its log in {log}"
        what += "" if rule is None else f", {rule.floor:g} of supply for each {rule.by} at least"
        audit = {"model": bundle.model_id, "order": order, "as of": instant.isoformat()}
        print_plan({"would": what, **audit, **plan}, as_json=as_json)
        return
    unfinished = Unfinished(data_home() / "unfinished")
    with progress() as tell:
        found = rank(
            loaded,
            data,
            briefs,
            as_of=instant,
            settings=settings,
            top_k=top,
            order=order,  # type: ignore[arg-type]
            language=lang,  # type: ignore[arg-type]
            one_per_person=not all_accounts,
            model_id=bundle.model_id,
            model_version=where.version,
            lottery=lottery,
            exposure=rule,
            context=loaded.context(data, embedder(settings, cache)),
            unfinished=unfinished,
            progress=tell,
        )
    if found.decisions is not None:
        # First, since a list without its log could not be learnt from.
        _write_log(log, found.decisions, force=force)
    write_lists(found, out, language=lang, force=force)
    unfinished.discard()
    if unfinished.n_resumed:
        note(f"{unfinished.n_resumed} lists were done by an earlier run that was stopped")
    _say(found, data.market, out, where.version or bundle.model_id, as_json=as_json)


def _say(found: Recommendations, market: Market, out: Path, model: str, *, as_json: bool) -> None:
    counts = found.frame["brief_id"].value_counts()
    for text in (*market.assumptions, *found.notes):
        note(one_line(text))
    for pool in found.pools.to_dict(orient="records"):
        note(_describe_pool(pool))
    if as_json:
        print_json(
            {
                "out": str(out),
                "audit": dict(found.audit),
                "briefs": counts.to_dict(),
                "pools": json.loads(found.pools.to_json(orient="records", date_format="iso")),
                "notes": [*market.assumptions, *found.notes],
            }
        )
        return
    print_result(
        f"{out}: {len(found)} recommendations for {len(found.pools)} briefs "
        f"as of {found.audit['as_of']}, "
        f"model {model}, data {market.data_hash}"
    )


def _lottery(
    explore: float | None,
    seed: int,
    decisions: Path | None,
    out: Path,
    *,
    force: bool,
    make: bool,
) -> tuple[Lottery | None, Path]:
    """How lists are drawn, and where the log of it goes."""
    from matcher.errors import UsageError
    from matcher.recommend.explore import Lottery

    log = decisions or out.with_name(f"{out.stem}-decisions.parquet")
    if explore is None:
        if decisions is not None:
            raise UsageError("--decisions: is the log of a draw; give --explore EPS with it")
        return None, log
    if log.resolve() == out.resolve():
        raise UsageError(f"--decisions: {log} is the path of --out too; choose another")
    # One that stands there may be that of the same draw, killed before its list was written.
    check_output(log, force=force or log.is_file(), suffixes=TABLE_SUFFIXES, make=make)
    return Lottery(explore, seed), log


def _write_log(log: Path, decisions: pd.DataFrame, *, force: bool) -> None:
    if not (log.is_file() and not force and _holds(log, decisions)):
        write_table(log, decisions, force=force)
    error = decisions["inclusion_error"].max()
    note(
        f"{log}: chances of {len(decisions):,} eligible accounts, standard errors up to {error:.2g}"
    )
    if log.suffix.lower() == ".csv" and decisions["account_id"].map(is_formula).any():
        note(
            f"{log}: some ids could be read as formulas and stand behind an apostrophe; "
            "Parquet and JSON lines hold them as they are"
        )


def _holds(log: Path, decisions: pd.DataFrame) -> bool:
    """Whether a file is what would be written there."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = write_table(Path(scratch) / log.name, decisions, force=False)
        return fresh.read_bytes() == log.read_bytes()


def _plan(
    model: Model,
    data: MarketData,
    briefs: list[Brief],
    instant: pd.Timestamp,
    settings: Settings,
    *,
    order: OrderRequest,
    top_k: int,
) -> dict[str, Any]:
    from matcher.recommend.preview import preview_pools

    pools = preview_pools(
        model, data, briefs, as_of=instant, settings=settings, order=order, top_k=top_k
    )
    told = json.loads(pools.to_json(orient="records", date_format="iso"))
    return {"market": count_market(data.market), "briefs": [_without_zeros(one) for one in told]}


def _without_zeros(pool: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in pool.items() if value or not name.startswith("removed_")}


def write_lists(found: Recommendations, out: Path, *, language: str, force: bool) -> Path:
    """Lists in the form that the suffix names.

    Parameters
    ----------
    found : Recommendations
        Lists.
    out : pathlib.Path
        File ending in ``.parquet``, ``.csv``, ``.jsonl`` or ``.xlsx``.
    language : str
        Language of a workbook's headings.
    force : bool
        Replace a file that stands there.

    Returns
    -------
    pathlib.Path
        The file written.
    """
    from matcher.recommend.write import write_recommendations
    from matcher.report.workbook import write_workbook

    if out.suffix.lower() == ".xlsx":
        return write_workbook(found, out, language=language, force=force)  # type: ignore[arg-type]
    return write_recommendations(found, out, force=force)


def _describe_pool(pool: dict[Hashable, Any]) -> str:
    """Whom the hard rules removed for a brief, and where they knew nothing."""

    def counted(prefix: str) -> str:
        held = {str(name): int(n) for name, n in pool.items() if str(name).startswith(prefix)}
        parts = [f"{name.removeprefix(prefix)} {n:,}" for name, n in held.items() if n]
        return ", ".join(parts) or "no rule"

    by = "" if pool["order"] is None else f"ordered by {_describe_order(pool)}; "
    return (
        f"brief {one_line(str(pool['brief_id']))}: {by}"
        f"{pool['n_eligible']:,} of {pool['n_accounts']:,} accounts are eligible; "
        f"removed by {counted('removed_')}; passed for want of a value: "
        f"{counted('unknown_')}"
    )


def _describe_order(pool: dict[Hashable, Any]) -> str:
    from matcher.recommend.wording import OUTCOME_NAMES

    outcome = pool["total_outcome_name"]
    if pool["order"] not in ("outcome", "value") or outcome is None:
        return str(pool["order"])
    return f"{pool['order']} ({OUTCOME_NAMES[str(outcome)]['en']})"


def collect_briefs(
    market: Market, instant: pd.Timestamp, files: list[Path], ids: list[str], *, all_open: bool
) -> list[Brief]:
    """Briefs that a command names.

    Parameters
    ----------
    market : Market
        Market.
    instant : pandas.Timestamp
        Instant from which campaigns count as open.
    files : list of pathlib.Path
        Briefs as files.
    ids : list of str
        Campaigns of the market.
    all_open : bool
        Whether every open campaign is meant too.

    Returns
    -------
    list of Brief
        In that order, open campaigns once.

    Raises
    ------
    UsageError
        If nothing else is asked for than open campaigns, and none is open.
    """
    from matcher.errors import UsageError
    from matcher.market.brief import Brief, read_brief
    from matcher.recommend.recommend import select_open_briefs

    briefs = [read_brief(path) for path in files]
    briefs += [Brief.from_campaign(market, name) for name in ids]
    if all_open:
        found = select_open_briefs(market, instant)
        if not found and not briefs:
            raise UsageError(
                f"--all-open: none of {len(market.tables['campaigns'])} campaigns is open at "
                f"{instant}; give --brief FILE, --campaign ID or an earlier --as-of"
            )
        briefs += [one for one in found if one.brief_id not in {b.brief_id for b in briefs}]
    return briefs
