"""Verbs that make and judge models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli.complete import complete_words
from matcher.cli.data import AsJson, ConfigFile, Force, MarketFolder
from matcher.cli.dry import DryRun, plan_training, plan_tuning, print_plan
from matcher.cli.exposure import ExposureBy, ExposureFloor, exposure_rule
from matcher.cli.full import Full, NoTrack, check_evaluation, evaluate_in_full, write_figures
from matcher.cli.output import note, print_json, print_rich, progress
from matcher.cli.text import CacheFolder, EncoderName, cache_folder, settings_with
from matcher.cli.trained import say_trained
from matcher.files import check_folder, check_output

if TYPE_CHECKING:
    import pandas as pd

    from matcher.config import Settings
    from matcher.evaluation.leak_report import LeakReport
    from matcher.evaluation.results import EvaluationResult
    from matcher.features.context import Embed, MarketData

ModelAddress = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="DIR|URI",
        help="Folder, runs:/ID, models:/matcher/3, models:/matcher@champion, or champion alone.",
    ),
]
TrackingUri = Annotated[
    str | None,
    typer.Option("--tracking-uri", metavar="URI", help="MLflow store; default a local SQLite one."),
]
StrictTime = Annotated[
    bool, typer.Option("--strict-time", help="Leave out undated columns, else taken as timeless.")
]
LateSnapshots = Annotated[
    bool,
    typer.Option("--allow-late-snapshots", help="Use the earliest later follower count if none."),
]


def load_data(
    market: Path, settings: Settings, *, strict_time: bool = False, late_snapshots: bool = False
) -> tuple[MarketData, Settings]:
    """Market in columnar form, with what the command line says about time.

    Parameters
    ----------
    market : pathlib.Path
        Folder of tables.
    settings : Settings
        Settings.
    strict_time : bool
        Leave out undated columns.
    late_snapshots : bool
        Take late follower counts as constants.

    Returns
    -------
    data : MarketData
        Market.
    settings : Settings
        Settings as used.
    """
    from matcher.features.context import MarketData
    from matcher.market.load import load_market

    update = {}
    if strict_time:
        update["strict_time"] = True
    if late_snapshots:
        update["allow_late_snapshots"] = True
    if update:
        settings = settings.model_copy(update={"market": settings.market.model_copy(update=update)})
    loaded = load_market(market, settings.market)
    if len(loaded.quarantine):
        note(
            f"{market}: {len(loaded.quarantine):,} entries in quarantine; "
            f"matcher validate {market} lists them"
        )
    return MarketData(loaded), settings


def embedder(settings: Settings, cache: Path | None) -> Embed | None:
    """Embedding function with the cache behind it.

    Parameters
    ----------
    settings : Settings
        Settings; the built-in encoder is faster than the disk, so its vectors are kept only where
        a cache is named.
    cache : pathlib.Path or None
        Folder of the cache.

    Returns
    -------
    callable or None
        ``embed(encoder, texts, role)``; None embeds without a cache.
    """
    if cache is None and settings.encoder.name in ("builtin", "random"):
        return None
    from matcher.text.cache import EmbeddingCache

    store = EmbeddingCache(cache_folder(cache))

    def embed(encoder: Any, texts: Any, role: Any) -> Any:
        return store.encode(encoder, texts, role=role)

    return embed


def train(
    market: MarketFolder,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to make; default models/MARKET-HASH."),
    ] = None,
    encoder: EncoderName = None,
    cache: CacheFolder = None,
    config: ConfigFile = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="T", help="Use only what was known before this instant."),
    ] = None,
    tune: Annotated[
        int | None,
        typer.Option(
            "--tune",
            metavar="N",
            help="First try N other settings of the rankers on earlier campaigns, and change "
            "settings only where that is surely better; a run that is killed goes on where it was.",
        ),
    ] = None,
    take_best: Annotated[
        bool,
        typer.Option("--take-best", help="With --tune: take the best settings, sure or not."),
    ] = False,
    no_evaluate: Annotated[
        bool, typer.Option("--no-evaluate", help="Do not walk forward before training.")
    ] = False,
    tracking_uri: TrackingUri = None,
    no_track: Annotated[bool, typer.Option("--no-track", help="Log no MLflow run.")] = False,
    register_as: Annotated[
        str,
        typer.Option(
            "--register-as",
            metavar="NAME",
            help="Registered model that a tracked training adds a version to: the first is its "
            "champion, each later one its challenger.",
        ),
    ] = "matcher",
    no_register: Annotated[
        bool, typer.Option("--no-register", help="Track the run, but register no version.")
    ] = False,
    strict_time: StrictTime = False,
    allow_late_snapshots: LateSnapshots = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Train a model on a market, judge it walking forward, and track the run.

    A market without a closed campaign gets a stated fallback, named in everything that shows it.

    Example: matcher train my-market --out models/mine
    """
    from matcher.tracking.registry import check_name
    from matcher.tracking.store import Store
    from matcher.training import claim_training, train_model
    from matcher.tuning.tune import check_tuning

    check_tuning(tune, take_best=take_best)
    settings = settings_with(config, encoder=encoder)
    check_name(register_as)
    store = None if no_track else Store.open(tracking_uri, make=not dry_run)
    data, settings = load_data(
        market, settings, strict_time=strict_time, late_snapshots=allow_late_snapshots
    )
    folder = out or Path("models") / f"{market.resolve().name}-{data.market.data_hash[:8]}"
    cut = None if until is None else parse_instant(until)
    if dry_run:
        check_folder(folder, force=force, marker="manifest.json", make=False)
        plan: dict[str, Any] = {"would": f"train a model into {folder}"}
        plan |= plan_training(data, settings, cut, evaluate=not no_evaluate, tune=tune)
        if tune is not None:
            plan["tuning"] = plan_tuning(data, settings, cut, tune)
        plan["tracked in"] = "nothing" if store is None else store.uri
        print_plan(plan, as_json=as_json)
        return
    asked: dict[str, Any] = {
        "folder": folder,
        "market_name": market.resolve().name,
        "trained_until": cut,
        "evaluate": not no_evaluate,
        "tune": tune,
        "take_best": take_best,
        "force": force,
    }
    # Claimed until all is said: what a kill cuts short may be asked for again in the same words.
    with claim_training(data, settings, **asked):
        with progress() as tell:
            result = train_model(
                data,
                settings,
                **asked,
                store=store,
                register_as=None if no_register else register_as,
                embed=embedder(settings, cache),
                tell=tell,
            )
        say_trained(result, data, market, folder, store, as_json=as_json)


def parse_instant(text: str) -> pd.Timestamp:
    """Instant named on the command line.

    Parameters
    ----------
    text : str
        ISO 8601; without a zone it is taken as UTC.

    Returns
    -------
    pandas.Timestamp
        Aware instant in UTC.

    Raises
    ------
    UsageError
        If it is no instant.
    """
    import pandas as pd

    from matcher.errors import UsageError

    try:
        instant = pd.Timestamp(text)
    except ValueError as error:
        raise UsageError(f"got {text!r}; expected an instant such as 2025-03-01") from error
    return instant.tz_localize("UTC") if instant.tzinfo is None else instant.tz_convert("UTC")


def _plain(result: EvaluationResult | None) -> dict[str, Any] | None:
    return None if result is None else result.to_dict()


def evaluate(
    market: MarketFolder,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="DIR|URI",
            help="Judge this model on later campaigns; a folder or any address of it.",
        ),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            autocompletion=complete_words("time", "brands"),
            help="time: walk forward; brands: over brands not trained on.",
        ),
    ] = "time",
    config: ConfigFile = None,
    encoder: EncoderName = None,
    cache: CacheFolder = None,
    exposure: ExposureBy = None,
    exposure_floor: ExposureFloor = None,
    leak_check: Annotated[
        bool,
        typer.Option("--leak-check", help="Prove that nothing known later moves anything; slow."),
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="T", help="Judge only campaigns decided from then on."),
    ] = None,
    full: Full = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Figures as .json, .md or .parquet."),
    ] = None,
    tracking_uri: TrackingUri = None,
    no_track: NoTrack = False,
    strict_time: StrictTime = False,
    allow_late_snapshots: LateSnapshots = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Compare the model with baselines and negative controls on campaigns decided later.

    Without --model, walk forward: refit in blocks of time, each campaign scored by the last block
    closed before it.

    Example: matcher evaluate my-market --json > figures.json
    """
    from matcher.evaluation.protocol import evaluate_model, walk_forward
    from matcher.tracking.store import Store

    check_evaluation(
        full=full, model=model, protocol=protocol, leak_check=leak_check, exposure=exposure,
        since=since,
    )  # fmt: skip
    rule = exposure_rule(exposure, exposure_floor)
    settings = settings_with(config, encoder=encoder)
    if out is not None:
        check_output(out, force=force, suffixes=(".json", ".md", ".parquet"))
    store = Store.open(tracking_uri) if full and not no_track else None
    data, settings = load_data(
        market, settings, strict_time=strict_time, late_snapshots=allow_late_snapshots
    )
    data.market.require_training_tables()
    audit: dict[str, Any] = {
        "market": market.resolve().name,
        "notes": list(data.market.notes),
    }
    embed = embedder(settings, cache)
    if full:
        evaluate_in_full(
            market, data, settings, store=store, embed=embed, audit=audit, out=out,
            as_json=as_json, force=force,
        )  # fmt: skip
        return
    leaks: LeakReport | None = None
    with progress() as tell:
        if leak_check:
            from matcher.evaluation.leaks import check_leaks

            leaks = check_leaks(data, settings, tell=tell)
            audit["leak_check"] = leaks.to_dict()
        if model is None:
            result = walk_forward(
                data,
                settings,
                protocol=protocol,
                exposure=rule,
                since=None if since is None else parse_instant(since),
                embed=embed,
                audit=audit,
                tell=tell,
            )
        else:
            from matcher.ranking.store import read_model
            from matcher.tracking.models import find_model

            found = find_model(model, tracking_uri=tracking_uri)
            loaded, bundle = read_model(found.folder)
            audit |= {"model_id": bundle.model_id, "model_version": found.version}
            result = evaluate_model(
                loaded, data, settings, exposure=rule, embed=embed, audit=audit, tell=tell
            )
    if out is not None:
        write_figures(out, result, force=force)
    if as_json:
        print_json(result.to_dict())
    else:
        print_rich(result)
    if leaks is not None:
        note(leaks.verdict)
        if leaks.assumed_planned:
            note(f"Taken as known ahead: {', '.join(leaks.assumed_planned)}.")
        leaks.raise_if_leaky()
