"""The train job: a market becomes a model, judged on earlier campaigns and tracked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from matcher.arguments import check_type, to_instant, to_path
from matcher.config import Settings
from matcher.errors import SupportError
from matcher.evaluation.protocol import walk_forward
from matcher.evaluation.steps import Steps, Tell
from matcher.features.context import MarketData
from matcher.features.pair_features import FEATURES
from matcher.files import check_folder
from matcher.markup import html_facts
from matcher.ranking.fit import fit_model
from matcher.ranking.store import write_model
from matcher.tracking.runs import RunInfo, TrainingRecord, flatten_metrics, log_training_run

if TYPE_CHECKING:
    from pathlib import Path

    from matcher.evaluation.results import EvaluationResult
    from matcher.features.context import Embed
    from matcher.ranking.model import Model
    from matcher.tracking.store import Store

__all__ = ["TrainingResult", "feature_table", "train_model"]


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
    """

    model: Model
    model_id: str
    evaluation: EvaluationResult | None
    evaluation_note: str
    run: RunInfo | None

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


def train_model(
    data: MarketData,
    settings: Settings,
    *,
    folder: Path | str,
    market_name: str,
    store: Store | None = None,
    trained_until: pd.Timestamp | None = None,
    evaluate: bool = True,
    embed: Embed | None = None,
    force: bool = False,
    tell: Tell = lambda _task, _done, _total: None,
) -> TrainingResult:
    """Train a model on all that is known, write its bundle, and log the run.

    Parameters
    ----------
    data : MarketData
        Market with brands, campaigns and collaborations.
    settings : Settings
        Settings.
    folder : pathlib.Path or str
        Where the bundle goes.
    market_name : str
        Name of the market for people.
    store : Store, optional
        Opened tracking store; None tracks nothing.
    trained_until : pandas.Timestamp, optional
        Use only what was known before; everything when None.
    evaluate : bool
        Walk forward first and keep the figures with the model.
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
        If a table that training needs is missing.
    UsageError
        If something stands at `folder`, or it cannot be written; before any work is done.
    SupportError
        If nothing can be learnt from the market.

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
    folder = check_folder(
        to_path(folder, where="train_model: folder"), force=force, marker="manifest.json"
    )
    data.market.require_training_tables()
    until = data.market.all_known_at
    if trained_until is not None:
        until = to_instant(trained_until, where="train_model: trained_until")
    result, reason = None, "" if evaluate else "not asked for"
    if evaluate:
        known = data if trained_until is None else MarketData(data.market.as_of(until))
        try:
            result = walk_forward(
                known, settings, embed=embed, audit={"market": market_name}, tell=tell
            )
        except SupportError as error:
            reason = str(error)
    steps = Steps(tell, "model", total=5 if store is not None else 4)
    model, _, _ = fit_model(data, until, settings, embed=embed, progress=steps)
    steps("bundle")
    figures = None if result is None else result.to_dict()
    extra = {"market": market_name, "evaluation": None if figures is None else figures["time"]}
    bundle = write_model(model, folder, extra=extra, force=force)
    run = None
    if store is not None:
        steps("tracking")
        run = log_training_run(
            store, _record(model, folder, settings, market_name, result, bundle.model_id)
        )
    steps.finish()
    return TrainingResult(model, bundle.model_id, result, reason, run)


def _record(
    model: Model,
    folder: Path,
    settings: Settings,
    market_name: str,
    result: EvaluationResult | None,
    model_id: str,
) -> TrainingRecord:
    metrics: dict[str, Any] = {}
    tables: dict[str, pd.DataFrame] = {}
    documents: dict[str, str] = {}
    if result is not None:
        figures = result.to_dict()[result.protocol]
        metrics = flatten_metrics({name: slices["all"] for name, slices in figures.items()})
        tables = {"evaluation": result.to_frame(), "per_campaign": result.per_campaign}
        documents = {"evaluation.md": result.to_markdown(), "evaluation.json": result.to_json()}
    identity = model.encoder.identity
    return TrainingRecord(
        run_name=f"{market_name} until {model.trained_until:%Y-%m-%d}",
        bundle=folder,
        params=settings.model_dump(mode="json"),
        metrics=metrics,
        data_name=market_name,
        data_hash=model.data_hash,
        config_hash=settings.hash,
        encoder=f"{identity.name} {identity.revision or ''} {identity.digest[:12]}",
        features=feature_table(),
        tables=tables,
        documents=documents,
        tags={"model_id": model_id, "trained_until": model.trained_until.isoformat()},
    )
