"""What a training job leaves behind: cards beside the model, and the record of its run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.evaluation.comparison import MODEL
from matcher.evaluation.grids import MAIN_METRICS
from matcher.market.schema import TABLES
from matcher.report.comparison_pictures import draw_comparison
from matcher.report.data_card import data_card
from matcher.report.evidence_pictures import draw_calibration
from matcher.report.model_card import describe_run, model_card
from matcher.tracking.datasets import DatasetRecord
from matcher.tracking.runs import TrainingRecord, flatten_metrics
from matcher.tracking.trials import TrialRecord

if TYPE_CHECKING:
    from pathlib import Path

    from matcher.evaluation.results import EvaluationResult
    from matcher.market.market import Market
    from matcher.ranking.model import Model
    from matcher.tuning.results import TuningResult

__all__ = ["build_cards", "build_record"]

_CAMPAIGN_COLUMNS: Final = {"float64": "float", "bool": "bool"}


def build_cards(
    model: Model,
    market: Market,
    name: str,
    result: EvaluationResult | None,
    *,
    unevaluated: str = "",
) -> dict[str, str]:
    """Pages for people that go with a model wherever it goes.

    Parameters
    ----------
    model : Model
        Model.
    market : Market
        What it was trained on, cut where the model was closed.
    name : str
        Name of the market for people.
    result : EvaluationResult or None
        Figures.
    unevaluated : str, default ""
        Why there are none.

    Returns
    -------
    dict of str to str
        ``model_card.md`` and ``data_card.md``.
    """
    return {
        "model_card.md": model_card(model, market, name, result, unevaluated=unevaluated),
        "data_card.md": data_card(market, name),
    }


def build_record(
    model: Model,
    market: Market,
    name: str,
    result: EvaluationResult | None,
    *,
    unevaluated: str,
    bundle: Path,
    model_id: str,
    cards: dict[str, str],
    features: pd.DataFrame,
    started_at: float,
    tuning: TuningResult | None = None,
) -> TrainingRecord:
    """Record of a training job, as it is tracked.

    Parameters
    ----------
    model : Model
        Model.
    market : Market
        What it was trained on.
    name : str
        Name of the market for people.
    result : EvaluationResult or None
        Figures.
    unevaluated : str
        Why there are none.
    bundle : pathlib.Path
        Folder of the written bundle.
    model_id : str
        Id of the bundle.
    cards : dict of str to str
        What `build_cards` made.
    features : pandas.DataFrame
        Declared metadata of the features.
    started_at : float
        When the job began, in seconds since 1970.
    tuning : TuningResult, optional
        How the settings were chosen.

    Returns
    -------
    TrainingRecord
        Settings, figures overall and by slice, tables, pictures, cards and data; no text of a
        person.
    """
    identity = model.encoder.identity
    documents = dict(cards)
    tables: dict[str, pd.DataFrame] = {}
    pictures: dict[str, bytes] = {}
    if result is not None:
        tables = {
            "evaluation": result.to_frame(),
            "paired": result.paired,
            "per_campaign": result.per_campaign,
        }
        documents |= {"evaluation.md": result.to_markdown(), "evaluation.json": result.to_json()}
        pictures = draw_comparison(result) | draw_calibration(result.calibration)
    return TrainingRecord(
        run_name=f"{name} until {model.trained_until:%Y-%m-%d}",
        bundle=bundle,
        params=model.settings.model_dump(mode="json"),
        metrics={} if result is None else _metrics(result),
        data_name=name,
        data_hash=model.data_hash,
        config_hash=model.settings.hash,
        encoder=" ".join(filter(None, (identity.name, identity.revision, identity.digest[:12]))),
        features=features,
        tables=tables,
        documents=documents,
        pictures=pictures,
        datasets=tuple(_datasets(model, market, name, result)),
        description=describe_run(model, result, unevaluated=unevaluated),
        started_at=started_at,
        tags={
            "model_id": model_id,
            "trained_until": model.trained_until.isoformat(),
            "encoder_revision": identity.revision or identity.digest[:12],
        },
        trials=() if tuning is None else _trials(tuning),
    )


def _trials(tuning: TuningResult) -> tuple[TrialRecord, ...]:
    used = tuning.gain.best if tuning.is_taken else 0
    return tuple(
        TrialRecord(
            name=f"trial {one.number}" + ("" if one.number else ", as they are"),
            params=one.values,
            metrics=one.figures(),
            started_at=one.started_at,
            ended_at=one.ended_at,
            tags={"trial": str(one.number), "taken": str(one.number == used).lower()},
        )
        for one in tuning.trials
    )


def _metrics(result: EvaluationResult) -> dict[str, Any]:
    """All figures over all candidates, and the model's main ones by slice."""
    by_question = result.to_dict()[result.protocol]
    found = flatten_metrics({name: slices["all"] for name, slices in by_question.items()})
    for question, slices in by_question.items():
        for name, scorers in slices.items():
            if name == "all":
                continue
            column, _, value = name.partition("=")
            for metric in MAIN_METRICS[question]:
                if metric in scorers.get(MODEL, {}):
                    place = f"{question}/by_{column}/{_plain(value)}/{MODEL}/{metric}"
                    found[place] = scorers[MODEL][metric]
    return found


def _plain(value: str) -> str:
    """Value of a slice as a part of a metric's name."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "_-.") else "_"
                   for sign in value[:60])  # fmt: skip


def _datasets(
    model: Model, market: Market, name: str, result: EvaluationResult | None
) -> list[DatasetRecord]:
    held = {table: frame for table, frame in market.tables.items() if len(frame)}
    training = DatasetRecord(
        name,
        model.data_hash,
        "training",
        name,
        columns={
            f"{table}.{column}": _dtype(table, str(column))
            for table, frame in held.items()
            for column in frame.columns
        },
        profile={
            "rows": {table: len(frame) for table, frame in held.items()},
            "trained_until": model.trained_until.isoformat(),
            **{key: value for key, value in model.facts.items() if key.startswith("n_")},
        },
    )
    if result is None:
        return [training]
    judged = result.per_campaign
    ids = sorted(judged["campaign_id"].unique())
    # One set of campaigns of one market, whatever was found of them.
    digest = hashlib.sha256("\n".join([model.data_hash, *ids]).encode("utf-8", "replace"))
    evaluation = DatasetRecord(
        f"{name}: judged campaigns",
        digest.hexdigest()[:16],
        "evaluation",
        name,
        columns={
            str(column): _CAMPAIGN_COLUMNS.get(str(dtype), "str")
            for column, dtype in judged.dtypes.items()
        },
        profile={
            "protocol": result.protocol,
            "n_campaigns": len(ids),
            "questions": {
                question: slices["all"]
                for question, slices in result.audit["evaluation"]["questions"].items()
            },
        },
    )
    return [training, evaluation]


def _dtype(table: str, column: str) -> str:
    spec = TABLES[table]
    return spec.column(column).dtype if column in spec.column_names else "other"
