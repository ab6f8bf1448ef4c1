"""What `matcher evaluate --full` does: ablations, robustness, learning curves, tracked as a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli.output import check_word, note, print_json, print_rich, progress
from matcher.errors import UsageError
from matcher.files import write_output, write_table

if TYPE_CHECKING:
    from matcher.config import Settings
    from matcher.evaluation.ablations.results import FullEvaluation
    from matcher.evaluation.results import EvaluationResult
    from matcher.features.context import Embed, MarketData
    from matcher.tracking.store import Store

__all__ = ["Full", "NoTrack", "check_evaluation", "evaluate_in_full", "write_figures"]

Full = Annotated[
    bool,
    typer.Option(
        "--full",
        help="Instead: what each feature family, the encoder and undated columns are worth; how "
        "far other spellings, an English brief and bought followers move the ranking; learning "
        "curves. Tracked as a run; takes several times as long.",
    ),
]
NoTrack = Annotated[bool, typer.Option("--no-track", help="With --full: log no MLflow run.")]


def check_evaluation(
    *,
    full: bool,
    model: str | None,
    protocol: str,
    leak_check: bool,
    exposure: str | None = None,
    since: str | None = None,
) -> None:
    """Refuse what cannot be asked for together.

    Parameters
    ----------
    full : bool
        Whether parts of the model are judged apart.
    model : str or None
        A model that is given.
    protocol : str
        Protocol.
    leak_check : bool
        Whether leaks are looked for.
    exposure : str, optional
        Groups that a re-ranking holds to a floor.
    since : str, optional
        Instant from which campaigns are judged.

    Raises
    ------
    UsageError
        Naming the options.
    """
    check_word("--protocol", protocol, ("time", "brands"))
    if model is not None and full:
        raise UsageError(
            "--full refits the rankers on parts of their features; it cannot judge a given "
            "--model: leave one of the two out"
        )
    if model is not None and protocol != "time":
        raise UsageError("--protocol brands refits; it cannot judge a given --model")
    if full and protocol != "time":
        raise UsageError("--full walks forward in time; leave --protocol brands out")
    if full and leak_check:
        raise UsageError("--full does not look for leaks; run --leak-check by itself")
    if full and exposure is not None:
        raise UsageError("--full re-ranks nothing; run --exposure by itself")
    if since is not None and (full or model is not None):
        raise UsageError(
            "--since: walking forward alone judges a part of its campaigns; leave --full out, and "
            "a given --model is judged on those decided after it was closed"
        )


def evaluate_in_full(
    market: Path,
    data: MarketData,
    settings: Settings,
    *,
    store: Store | None,
    embed: Embed | None,
    audit: dict[str, Any],
    out: Path | None,
    as_json: bool,
    force: bool,
) -> None:
    """Evaluate in full, log the run, and say what came of it.

    Parameters
    ----------
    market : pathlib.Path
        Folder of the market.
    data : MarketData
        Market.
    settings : Settings
        Settings as used.
    store : Store or None
        Where the run is logged.
    embed : callable or None
        Embedding function.
    audit : dict
        What is stated with every output.
    out : pathlib.Path or None
        File for the table.
    as_json : bool
        JSON in place of tables.
    force : bool
        Replace `out`.
    """
    from matcher.evaluation.ablations.full import evaluate_fully
    from matcher.report.evaluation_record import TASK, build_full_record
    from matcher.tracking.prepare import prepare_store
    from matcher.tracking.runs import log_training_run

    started_at = time.time()
    run = None
    with progress() as tell:
        if store is not None:
            prepare_store(store, TASK)
        result = evaluate_fully(data, settings, embed=embed, audit=audit, tell=tell)
        if out is not None:
            # Before the run is logged: a store that breaks down takes nothing with it.
            write_figures(out, result, force=force)
        if store is not None:
            record = build_full_record(
                result, data.market, market.resolve().name, settings, started_at=started_at
            )
            run = log_training_run(store, record)
    if as_json:
        print_json({**result.to_dict(), "run": None if run is None else run.uri})
    else:
        print_rich(result)
    if store is not None and run is not None:
        note(f"tracked as {run.uri}; look at it with: {store.how_to_look}")


def write_figures(out: Path, result: EvaluationResult | FullEvaluation, *, force: bool) -> None:
    """Write figures into a file, in the form that its suffix names.

    Parameters
    ----------
    out : pathlib.Path
        ``.parquet``, ``.json`` or ``.md``.
    result : EvaluationResult or FullEvaluation
        Figures.
    force : bool
        Replace it.
    """
    if out.suffix.lower() == ".parquet":
        write_table(out, result.to_frame(), force=force)
    else:
        text = result.to_json() if out.suffix.lower() == ".json" else result.to_markdown()
        write_output(out, lambda path: path.write_text(text, encoding="utf-8"), force=force)
