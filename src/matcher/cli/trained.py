"""What is said of a training that is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matcher.cli.output import note, print_json, print_result, print_rich

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matcher.features.context import MarketData
    from matcher.tracking.registry import Registered
    from matcher.tracking.store import Store
    from matcher.training import TrainingResult
    from matcher.tuning.results import Trial, TuningResult

__all__ = ["say_trained"]


def say_trained(
    result: TrainingResult,
    data: MarketData,
    market: Path,
    folder: Path,
    store: Store | None,
    *,
    as_json: bool,
) -> None:
    """Say what a training came to, where it stands, and what comes next.

    Parameters
    ----------
    result : TrainingResult
        What was trained.
    data : MarketData
        Market.
    market : pathlib.Path
        Folder of the market.
    folder : pathlib.Path
        Folder of the model.
    store : Store or None
        Where it is tracked.
    as_json : bool
        One JSON object instead of sentences.
    """
    from matcher.ranking.model import describe_facts

    registered = None if result.run is None else result.run.registered
    if as_json:
        print_json(
            {
                "model": str(folder),
                "card": str(folder / "model_card.md"),
                "model_id": result.model_id,
                "trained_until": result.model.trained_until.isoformat(),
                "facts": dict(result.model.facts),
                "run": None if result.run is None else result.run.uri,
                "model_version": None if registered is None else registered.label,
                "aliases": [] if registered is None else list(registered.aliases),
                "tracking_uri": None if store is None else store.uri,
                "evaluation": None if result.evaluation is None else result.evaluation.to_dict(),
                "evaluation_note": result.evaluation_note,
                "tuning": _as_json(result.tuning),
            }
        )
        return
    if result.tuning is not None:
        _say_tuned(result.tuning)
    if result.evaluation is not None:
        print_rich(result.evaluation)
    elif result.evaluation_note:
        note(f"not evaluated: {result.evaluation_note}")
    print_result(
        f"{folder}: model {result.model_id}, trained until {result.model.trained_until} "
        f"{_learnt_from(result.model.facts)} features (data {data.market.data_hash}, config "
        f"{result.model.settings.hash})"
    )
    for text in describe_facts(result.model.facts):
        note(f"note: {text}")
    if result.evaluation is None:
        for text in data.market.assumptions:
            note(f"note: {text}")
    if store is not None and result.run is not None:
        print_result(f"tracked as {result.run.uri} in {store.uri}\nlook: {store.how_to_look}")
    print_result(f"read: {folder / 'model_card.md'}, {folder / 'data_card.md'}")
    if registered is not None:
        print_result(f"registered as {registered.label}, {' and '.join(registered.aliases)}")
        _note_other_market(registered, store)
    whom = _whom_to_ask_for(data)
    print_result(f"next: matcher recommend {market} --model {folder} {whom} --out F.parquet")


def _learnt_from(facts: Mapping[str, Any]) -> str:
    if "fallback" in facts:
        return f"without any hire: the fallback {facts['fallback']} of {facts['n_features']}"
    return (
        f"on {facts['n_campaigns']} campaigns with {facts['n_hired']} hires and "
        f"{facts['n_features']}"
    )


def _whom_to_ask_for(data: MarketData) -> str:
    return "--all-open" if len(data.market["campaigns"]) else "--brief FILE"


def _as_json(tuning: TuningResult | None) -> dict[str, Any] | None:
    if tuning is None:
        return None
    return {**tuning.to_dict(), "n_kept": tuning.n_kept, "kept_in": str(tuning.path)}


def _say_tuned(tuning: TuningResult) -> None:
    """Say on a few lines what was judged, which trial was the best, and what became of it."""
    first, last = tuning.folds[0].first_decided_at, tuning.folds[-1].last_decided_at
    kept = f", {tuning.n_kept} of them kept from an earlier run" if tuning.n_kept else ""
    lines = [
        f"tuned by {len(tuning.trials):,} trials{kept}, on {len(tuning.folds)} folds with "
        f"{tuning.n_campaigns} campaigns decided {first:%Y-%m-%d} to {last:%Y-%m-%d}",
        f"  {'':<30}{'objective':>10}{'NDCG@10':>10}{'Spearman':>10}",
        _row("trial 0, settings as they are", tuning.trials[0]),
    ]
    if tuning.gain.best:
        lines.append(_row(f"trial {tuning.gain.best}, the best", tuning.trials[tuning.gain.best]))
        lines += [
            f"    {name:<32} {old:.4g} -> {new:.4g}" for name, (old, new) in tuning.changes.items()
        ]
    print_result("\n".join([*lines, tuning.verdict, ""]))
    for text in tuning.skipped:
        note(f"note: not used in tuning: {text}")


def _row(name: str, trial: Trial) -> str:
    figures = trial.figures()
    cells = [
        f"{figures[key]:>10.4f}" if key in figures else f"{'-':>10}"
        for key in ("objective", "ndcg_at_10", "spearman")
    ]
    return f"  {name:<30}" + "".join(cells)


def _note_other_market(registered: Registered, store: Store | None) -> None:
    """Say so where the champion is of another market, since it could not be replaced fairly."""
    from matcher.tracking.promotion import look_up

    champion = None if store is None else look_up(store, registered.name).champion
    if champion is None:
        return
    ours, theirs = registered.tags["market"], champion.tags.get("market", "")
    if ours != theirs:
        note(
            f"note: the champion {champion.label} is of the market {theirs!r}, not of {ours!r}; "
            "--register-as NAME keeps the models of each market apart"
        )
