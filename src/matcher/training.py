"""The train job: a market becomes a model, judged on earlier campaigns and tracked."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from matcher.arguments import check_type, to_instant, to_path
from matcher.config import Settings
from matcher.errors import BundleError, SupportError, TrackingError
from matcher.evaluation.protocol import walk_forward
from matcher.evaluation.steps import Steps, Tell
from matcher.features.context import MarketData
from matcher.features.pair_features import FEATURES
from matcher.files import check_folder
from matcher.locks import claim_folder
from matcher.markup import html_facts
from matcher.ranking.candidates import find_missing_history
from matcher.ranking.fallback import fit_without_history
from matcher.ranking.fit import fit_model
from matcher.ranking.manifest import MANIFEST_NAME, parse_manifest
from matcher.ranking.store import stage_model
from matcher.report.training_record import build_cards, build_record
from matcher.tracking.prepare import prepare_store
from matcher.tracking.runs import RunInfo, log_training_run
from matcher.tuning.tune import check_tuning, tune_rankers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matcher.evaluation.results import EvaluationResult
    from matcher.features.context import Embed
    from matcher.market.market import Market
    from matcher.ranking.bundle import StagedBundle
    from matcher.ranking.model import Model
    from matcher.tracking.runs import TrainingRecord
    from matcher.tracking.store import Store
    from matcher.tuning.results import TuningResult

__all__ = ["TrainingResult", "check_history", "claim_training", "feature_table", "train_model"]


@dataclass(frozen=True)
class TrainingResult:
    """What a train job made.

    Parameters
    ----------
    model : Model
        Model closed at the newest known fact, or where the caller cut it.
    model_id : str
        Id of its bundle, in the audit line of every output.
    evaluation : EvaluationResult or None
        How the same procedure fared walking forward; None where it was not asked for or could not
        be done.
    evaluation_note : str
        Why there is no evaluation, else empty.
    run : RunInfo or None
        Where the run is tracked.
    tuning : TuningResult or None
        How the settings were chosen; None where they were not tuned.
    """

    model: Model
    model_id: str
    evaluation: EvaluationResult | None
    evaluation_note: str
    run: RunInfo | None
    tuning: TuningResult | None = None

    def _repr_html_(self) -> str:
        """The model and its run, for notebooks; every text escaped."""
        run = None if self.run is None else self.run.uri
        note = [f"not evaluated: {self.evaluation_note}"] if self.evaluation_note else []
        facts = html_facts({"model": self.model_id, "run": run}, title="trained", notes=note)
        return facts + self.model._repr_html_()


def feature_table() -> pd.DataFrame:
    """Declared metadata of every feature.

    Returns
    -------
    pandas.DataFrame
        Columns ``name, unit, formula, group, known, trend``.
    """
    return pd.DataFrame([asdict(spec) for spec in FEATURES])


@contextmanager
def claim_training(
    data: MarketData,
    settings: Settings,
    *,
    folder: Path,
    market_name: str,
    trained_until: pd.Timestamp | None = None,
    evaluate: bool = True,
    tune: int | None = None,
    take_best: bool = False,
    force: bool = False,
) -> Iterator[bool]:
    """Claim on a model's folder, and what a killed process left there cleaned up.

    `train_model` makes its own; a caller that goes on to say what came of it holds one around both,
    so that a kill in between is not taken for the end of the work.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings.
    folder : pathlib.Path
        Where the bundle goes.
    market_name : str
        Name of the market for people.
    trained_until : pandas.Timestamp, optional
        As for `train_model`.
    evaluate : bool
        As for `train_model`.
    tune : int, optional
        As for `train_model`.
    take_best : bool
        As for `train_model`.
    force : bool
        Replace a bundle that stands there.

    Yields
    ------
    bool
        Whether a bundle that stands at `folder` is replaced: by `force`, or because the same
        training was killed before it came to its end.

    Raises
    ------
    OutputExistsError
        If something stands there that may not be replaced.
    UsageError
        If another process is at work on it, or its place cannot be written.
    """
    until = "everything" if trained_until is None else trained_until.isoformat()
    tuning = "" if tune is None else f"tune {tune} {take_best}"
    parts = (data.market.data_hash, settings.hash, market_name, until, str(evaluate), tuning)
    work = hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()
    with claim_folder(folder, f"train {work[:32]}") as was_broken_off:
        may_replace = force or (was_broken_off and _is_own(folder, data, settings, market_name))
        check_folder(folder, force=may_replace, marker=MANIFEST_NAME)
        yield may_replace


def _is_own(folder: Path, data: MarketData, settings: Settings, market_name: str) -> bool:
    """Whether what stands there is what the same training wrote before it was killed."""
    path = folder / MANIFEST_NAME
    try:
        held = parse_manifest(path.read_bytes(), where=str(path))
    except (OSError, BundleError):
        return False
    own = (data.market.data_hash, settings.hash, market_name)
    asked = (held.get("tuning") or held).get("asked_config_hash", held.get("config_hash"))
    return (held.get("data_hash"), asked, held.get("market")) == own


def train_model(
    data: MarketData,
    settings: Settings,
    *,
    folder: Path | str,
    market_name: str,
    store: Store | None = None,
    register_as: str | None = None,
    trained_until: pd.Timestamp | None = None,
    evaluate: bool = True,
    tune: int | None = None,
    take_best: bool = False,
    embed: Embed | None = None,
    force: bool = False,
    tell: Tell = lambda _task, _done, _total: None,
) -> TrainingResult:
    """Train a model on all that is known, write its bundle, and log the run.

    Where no campaign with a hire is closed, the model is a stated fallback with its own name, see
    `matcher.ranking.fallback.fit_without_history`; it cannot be evaluated, and the note says why.

    The bundle takes its name last, when all else is done: a process that is killed leaves no
    folder, and the same call made again starts over and comes to the same bytes.

    Parameters
    ----------
    data : MarketData
        Market; with brands, campaigns and collaborations it learns from hires.
    settings : Settings
        Settings.
    folder : pathlib.Path or str
        Where the bundle goes.
    market_name : str
        Name of the market for people.
    store : Store, optional
        Opened tracking store; None tracks nothing.
    register_as : str, optional
        Registered model of which a tracked model becomes a version.
    trained_until : pandas.Timestamp, optional
        Use only what was known before; everything when None.
    evaluate : bool
        Walk forward first and keep the figures with the model.
    tune : int, optional
        Settings of the rankers to try on earlier campaigns beside those given, 1 or more; see
        `matcher.tuning.tune.tune_rankers`. None tries none.
    take_best : bool
        Take the best of them also where it is not sure that it is better.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.
    force : bool
        Replace a bundle that stands at `folder`.
    tell : callable, optional
        Told the task, its finished steps and all its steps.

    Returns
    -------
    TrainingResult
        Model, figures and run.

    Raises
    ------
    DataError
        If there are hires to learn from, but no brands.
    SupportError
        If nothing can be learnt from the market, or there is too little history to tune on.
    OutputExistsError
        If something stands at `folder` that may not be replaced; before any work is done.
    UsageError
        If an argument is of another kind, `folder` cannot be written, or another process is at
        work on it; before any work is done.
    TrackingError
        Before any work, if the store refuses to be written; at the end, if it fails by then, with
        the bundle in its place.

    Examples
    --------
    >>> from matcher import Settings, load_market
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> quick = {"encoder": {"name": "random", "dim": 16}, "ranker": {"n_trees": 5, "n_draws": 1}}
    >>> settings = Settings.model_validate(quick)
    >>> made = train_model(data, settings, folder="models/quick", market_name="t", evaluate=False)
    >>> made.model.facts["n_hired"] > 0, made.evaluation_note
    (True, 'not asked for')
    """
    check_type(data, MarketData, where="train_model: data", hint="wrap it: MarketData(market)")
    check_type(settings, Settings, where="train_model: settings")
    folder = to_path(folder, where="train_model: folder")
    check_tuning(tune, take_best=take_best)
    started_at = time.time()
    until = data.market.all_known_at
    if trained_until is not None:
        until = trained_until = to_instant(trained_until, where="train_model: trained_until")
    lacking = check_history(data.market, until, tune=tune)
    with claim_training(
        data, settings, folder=folder, market_name=market_name, trained_until=trained_until,
        evaluate=evaluate, tune=tune, take_best=take_best, force=force,
    ) as may_replace:  # fmt: skip
        if store is not None:
            tell("tracking store", 0, 1)
            prepare_store(store)
            tell("tracking store", 1, 1)
        known = data if trained_until is None else MarketData(data.market.as_of(until))
        tuning = None
        if tune is not None:
            tuning = tune_rankers(
                known, until, settings, n_trials=tune, take_best=take_best, embed=embed, tell=tell
            )
            settings = tuning.settings
        result, reason = None, "not asked for"
        if evaluate and lacking:
            reason = f"without history nothing can be judged ({lacking})"
        elif evaluate:
            result, reason = _judged(known, settings, market_name, tuning, embed, tell)
        steps = Steps(tell, "model", total=6 if store is not None else 5)
        if lacking:
            model, _ = fit_without_history(
                data, until, settings, reason=lacking, embed=embed, progress=steps
            )
        else:
            model, _, _ = fit_model(data, until, settings, embed=embed, progress=steps)
        if tuning is not None:
            model = replace(model, facts={**model.facts, "tuned": tuning.verdict})
        steps("bundle")
        cards = build_cards(model, known.market, market_name, result, unevaluated=reason)
        figures = None if result is None else result.to_dict()
        extra = {"market": market_name, "evaluation": None if figures is None else figures["time"]}
        if tuning is not None:
            extra["tuning"] = tuning.to_dict()
        run = None
        with stage_model(model, folder, extra=extra, documents=cards, force=may_replace) as staged:
            if store is not None:
                steps("tracking")
                record = build_record(
                    model, known.market, market_name, result, unevaluated=reason,
                    bundle=staged.path, model_id=staged.bundle.model_id, cards=cards,
                    features=feature_table(), started_at=started_at, tuning=tuning,
                )  # fmt: skip
                run = _logged(store, replace(record, register_as=register_as), staged)
            bundle = staged.publish()
        steps.finish()
    return TrainingResult(model, bundle.model_id, result, reason, run, tuning)


def check_history(market: Market, until: pd.Timestamp, *, tune: int | None = None) -> str:
    """Whether a training learns from hires, and if not, why not.

    Parameters
    ----------
    market : Market
        Market.
    until : pandas.Timestamp
        Aware instant; only what was known before counts.
    tune : int, optional
        Settings to try on earlier campaigns.

    Returns
    -------
    str
        Why the fallback is made; empty where hires are learnt from.

    Raises
    ------
    DataError
        If there are hires to learn from, but no brands.
    SupportError
        If settings are to be tuned without history.
    """
    lacking = find_missing_history(market, until)
    if not lacking:
        market.require_training_tables()
    elif tune is not None:
        raise SupportError(f"tuning: there is no history to tune on ({lacking}); train without it")
    return lacking


def _judged(
    known: MarketData,
    settings: Settings,
    market_name: str,
    tuning: TuningResult | None,
    embed: Embed | None,
    tell: Tell,
) -> tuple[EvaluationResult | None, str]:
    """How the procedure fares walking forward, or why that cannot be said."""
    audit = {"market": market_name}
    try:
        result = walk_forward(known, settings, embed=embed, audit=audit, tell=tell)
    except SupportError as error:
        return None, str(error)
    if tuning is None or not tuning.is_taken:
        return result, ""
    remark = (
        f"the settings were chosen on {tuning.n_campaigns} of these campaigns, so that figures of "
        "the model are optimistic"
    )
    remarks = [*result.audit["remarks"], remark]
    return replace(result, audit={**result.audit, "remarks": remarks}), ""


def _logged(store: Store, record: TrainingRecord, staged: StagedBundle) -> RunInfo:
    try:
        return log_training_run(store, record)
    except TrackingError as error:
        # Hours of training are not thrown away because a store broke down.
        staged.publish()
        raise TrackingError(f"{error}, but the model bundle stands at {staged.folder}") from error
