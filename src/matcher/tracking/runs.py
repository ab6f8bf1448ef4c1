"""One finished job, a training or an evaluation, as one MLflow run."""

from __future__ import annotations

import json
import math
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import pandas as pd

from matcher import __version__
from matcher.errors import TrackingError
from matcher.tracking.client import open_client
from matcher.tracking.datasets import DatasetRecord, log_datasets
from matcher.tracking.logged import log_bundle
from matcher.tracking.names import BUNDLE_ARTIFACT
from matcher.tracking.prepare import find_experiment, make_local
from matcher.tracking.processes import process_tags
from matcher.tracking.registry import Registered, Registry
from matcher.tracking.store import Store
from matcher.tracking.trials import TrialRecord, log_trials

__all__ = ["RunInfo", "TrainingRecord", "flatten_metrics", "log_training_run"]

Estimate = Mapping[str, float | None]
"""``value`` and, where known, ``low``, ``high`` and ``n``; None where undefined."""

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. /-]{0,240}")
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}")
_SUFFIXES: Final = {"value": "", "low": "_low", "high": "_high", "n": "_n"}
_MAX_PARAM: Final = 500


@dataclass(frozen=True)
class TrainingRecord:
    """What a training or an evaluation leaves behind for people who were not there.

    Parameters
    ----------
    run_name : str
        Short phrase for people.
    bundle : pathlib.Path or None
        Folder of the finished model bundle, logged file for file; None where no model was made.
    params : mapping
        Settings, nested as they are; logged flat as ``room.key``.
    metrics : mapping of str to mapping
        Estimates by name (``ndcg_at_10``, ``hired/model/auc``): ``value``, ``low``, ``high``,
        ``n``. Undefined figures are left out; their reasons stand in the tables.
    data_name, data_hash : str
        Name of the market and hash of its content.
    config_hash : str
        Hash of the resolved settings.
    encoder : str
        Name, revision and digest of the encoder.
    features : pandas.DataFrame, optional
        One row per feature: name, unit, formula, group, as-of rule.
    tables : mapping of str to pandas.DataFrame
        Tables by name; logged as Parquet.
    documents : mapping of str to str
        Texts by file name, such as ``"evaluation.md"``.
    pictures : mapping of str to bytes
        Pictures by file name, such as ``"hired.png"``; logged in the folder ``figures``.
    datasets : tuple of DatasetRecord
        What was trained and judged on; by default the market alone.
    description : str, default ""
        What the run's page shows first, in Markdown.
    started_at : float, optional
        When the work began, in seconds since 1970; by default when logging does.
    tags : mapping of str to str
        Further tags.
    task : str, default "train"
        The run goes to the experiment ``matcher/<task>``.
    register_as : str, optional
        Registered model of which the bundle becomes a version; None registers nothing.
    trials : tuple of TrialRecord
        Trials of a tuning; each becomes a child of the run.

    Raises
    ------
    TrackingError
        If a name cannot be used in a store, or a model is to be registered that was not made.
    """

    run_name: str
    bundle: Path | None
    params: Mapping[str, Any]
    metrics: Mapping[str, Estimate]
    data_name: str
    data_hash: str
    config_hash: str
    encoder: str
    features: pd.DataFrame | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    datasets: tuple[DatasetRecord, ...] = ()
    description: str = ""
    started_at: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    task: str = "train"
    register_as: str | None = None
    trials: tuple[TrialRecord, ...] = ()

    def __post_init__(self) -> None:
        bad = [name for name in (*self.metrics, self.task) if not _NAME.fullmatch(name)]
        files = (*self.tables, *self.documents, *self.pictures)
        bad += [name for name in files if not _FILE.fullmatch(name)]
        if bad:
            raise TrackingError(
                f"training record: {len(bad)} names cannot be logged: {bad[:5]}; expected letters, "
                "digits and ._- (metrics also / and blanks)"
            )
        if self.bundle is None and self.register_as is not None:
            raise TrackingError(
                f"training record: no bundle to register as {self.register_as!r}; give one"
            )


class RunInfo(NamedTuple):
    """Where a run stands.

    Attributes
    ----------
    run_id : str
        MLflow's id of the run.
    uri : str
        Address of its model bundle, as ``--model`` takes it; of the run itself where it made none.
    seconds : float
        Time that logging took.
    registered : Registered or None
        Version that the model became.
    """

    run_id: str
    uri: str
    seconds: float
    registered: Registered | None = None


def log_training_run(store: Store, record: TrainingRecord) -> RunInfo:
    """Log a finished job as one run.

    Parameters
    ----------
    store : Store
        Opened store.
    record : TrainingRecord
        What to log.

    Returns
    -------
    RunInfo
        Id, address of the bundle, seconds.

    Raises
    ------
    TrackingError
        If the store fails on the way; the run is then marked as failed where that is possible, and
        the bundle on disk is untouched.
    """
    started = time.perf_counter()
    try:
        make_local(store)
        with open_client(store.uri) as client, tempfile.TemporaryDirectory() as scratch:
            experiment = find_experiment(client, store, record.task)
            run_id = client.create_run(
                experiment,
                start_time=None if record.started_at is None else int(1_000 * record.started_at),
                run_name=record.run_name,
                tags=_tags(record),
            ).info.run_id
            status = "FAILED"
            try:
                _log_values(client, run_id, record)
                log_trials(client, experiment, run_id, record.trials, tags=_data_tags(record))
                _write_artifacts(Path(scratch), record)
                client.log_artifacts(run_id, scratch)
                registered = _log_model(client, run_id, record)
                status = "FINISHED"
            except KeyboardInterrupt:
                status = "KILLED"
                raise
            finally:
                client.set_terminated(run_id, status)
    except TrackingError as error:
        raise TrackingError(f"{error}; the run was not logged in full") from error
    seconds = time.perf_counter() - started
    place = f"runs:/{run_id}" + ("" if record.bundle is None else f"/{BUNDLE_ARTIFACT}")
    return RunInfo(run_id, place, seconds, registered)


def flatten_metrics(report: Mapping[str, Any], *, prefix: str = "") -> dict[str, Estimate]:
    """Estimates of a nested report under names joined by ``/``.

    Parameters
    ----------
    report : mapping
        Mappings down to estimates; an estimate is a mapping with the key ``value``.
    prefix : str, default ""
        Start of every name.

    Returns
    -------
    dict
        Estimates by name, in the report's order.

    Examples
    --------
    >>> flatten_metrics({"hired": {"model": {"auc": {"value": 0.8, "low": 0.7, "high": 0.9}}}})
    {'hired/model/auc': {'value': 0.8, 'low': 0.7, 'high': 0.9}}
    """
    flat: dict[str, Estimate] = {}
    for key, value in report.items():
        if "value" in value:
            flat[prefix + key] = value
        else:
            flat.update(flatten_metrics(value, prefix=f"{prefix}{key}/"))
    return flat


def _log_model(client: Any, run_id: str, record: TrainingRecord) -> Registered | None:
    if record.bundle is None:
        return None
    facts = {
        "market": record.data_name,
        "data_hash": record.data_hash,
        "config_hash": record.config_hash,
        "encoder": record.encoder,
        **record.tags,
    }
    logged = log_bundle(client, run_id, record.bundle, tags=facts)
    if record.register_as is None:
        return None
    return Registry(client, record.register_as).register(logged, tags=facts)


def _data_tags(record: TrainingRecord) -> dict[str, str]:
    return {"matcher.version": __version__, "data_hash": record.data_hash}


def _tags(record: TrainingRecord) -> dict[str, str]:
    tags = {
        **_data_tags(record),
        "config_hash": record.config_hash,
        "encoder": record.encoder,
        **process_tags(),
        **record.tags,
    }
    if record.description:
        tags["mlflow.note.content"] = record.description
    if commit := _code_commit():
        tags["mlflow.source.git.commit"] = commit
    return tags


def _code_commit() -> str | None:
    """Commit of the code that runs, when it runs from a checkout and not from site-packages."""
    here = Path(__file__).resolve().parent
    ask = ["git", "-C", str(here), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    top, commit = done.stdout.split("\n")[:2]
    return commit if here.is_relative_to(Path(top) / "src") else None


def _log_values(client: Any, run_id: str, record: TrainingRecord) -> None:
    from mlflow.entities import Metric, Param

    now = time.time_ns() // 1_000_000
    metrics = [Metric(name, value, now, 0) for name, value in _numbers(record.metrics)]
    params = [Param(key, text) for key, text in _texts(record.params)]
    for start in range(0, len(metrics), 500):
        client.log_batch(run_id, metrics=metrics[start : start + 500])
    for start in range(0, len(params), 100):
        client.log_batch(run_id, params=params[start : start + 100])
    context: Literal["training", "evaluation"] = (
        "evaluation" if record.bundle is None else "training"
    )
    market = DatasetRecord(record.data_name, record.data_hash, context, record.data_name)
    log_datasets(client, run_id, record.datasets or (market,))


def _numbers(metrics: Mapping[str, Estimate]) -> Iterator[tuple[str, float]]:
    for name, estimate in metrics.items():
        for part, suffix in _SUFFIXES.items():
            value = estimate.get(part)
            if value is not None and math.isfinite(value):
                yield name + suffix, float(value)


def _texts(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from _texts(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            cut = "... (whole in params.json)"
            yield prefix + str(key), text if len(text) <= _MAX_PARAM else text[:_MAX_PARAM] + cut


def _write_artifacts(folder: Path, record: TrainingRecord) -> None:
    whole = json.dumps(record.params, indent=1, default=str, ensure_ascii=False)
    (folder / "params.json").write_text(whole + "\n", encoding="utf-8")
    if record.features is not None:
        record.features.to_parquet(folder / "features.parquet", index=False)
        rows = record.features.to_json(orient="records", indent=1, force_ascii=False)
        (folder / "features.json").write_text(rows + "\n", encoding="utf-8")
    for name, text in record.documents.items():
        (folder / name).write_text(text, encoding="utf-8")
    if record.pictures:
        (folder / "figures").mkdir()
    for name, content in record.pictures.items():
        (folder / "figures" / name).write_bytes(content)
    if record.tables:
        (folder / "tables").mkdir()
    for name, table in record.tables.items():
        table.to_parquet(folder / "tables" / f"{name}.parquet", index=False)
