"""Trials of a tuning as child runs of the training that they belong to."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from matcher.tracking.processes import process_tags

__all__ = ["TrialRecord", "log_trials"]

_PARENT: Final = "mlflow.parentRunId"


@dataclass(frozen=True)
class TrialRecord:
    """One trial.

    Parameters
    ----------
    name : str
        Name of its run.
    params : mapping of str to int or float
        What was tried.
    metrics : mapping of str to float
        Figures; those that are not finite are left out.
    started_at, ended_at : float
        Seconds since 1970.
    tags : mapping of str to str
        Further tags.
    """

    name: str
    params: Mapping[str, int | float]
    metrics: Mapping[str, float]
    started_at: float
    ended_at: float
    tags: Mapping[str, str] = field(default_factory=dict)


def log_trials(
    client: Any,
    experiment: str,
    parent: str,
    trials: Sequence[TrialRecord],
    *,
    tags: Mapping[str, str],
) -> None:
    """Log trials as child runs.

    Parameters
    ----------
    client : mlflow.MlflowClient
        Client of the store.
    experiment : str
        Id of the experiment of the training's run.
    parent : str
        Id of that run.
    trials : sequence of TrialRecord
        Trials.
    tags : mapping of str to str
        Tags of every trial.
    """
    from mlflow.entities import Metric, Param

    for trial in trials:
        given = {**tags, **process_tags(), **trial.tags, _PARENT: parent}
        run_id = client.create_run(
            experiment, start_time=int(1_000 * trial.started_at), run_name=trial.name, tags=given
        ).info.run_id
        now = time.time_ns() // 1_000_000
        metrics = [
            Metric(name, float(value), now, 0)
            for name, value in trial.metrics.items()
            if math.isfinite(value)
        ]
        params = [Param(name, str(value)) for name, value in trial.params.items()]
        client.log_batch(run_id, metrics=metrics, params=params)
        client.set_terminated(run_id, "FINISHED", end_time=int(1_000 * trial.ended_at))
