"""What is seen to before work begins: a store that takes writes, and runs that were killed."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import Any, Final

from matcher.errors import TrackingError
from matcher.tracking.client import open_client
from matcher.tracking.database import create_database
from matcher.tracking.names import experiment_name
from matcher.tracking.processes import has_died
from matcher.tracking.store import Store

__all__ = ["find_experiment", "make_local", "prepare_store"]

_TASK_TAG: Final = "matcher.task"
_DONE: Final = {"train": "trained", "evaluate": "evaluated"}
"""What a task does, for people."""


def prepare_store(store: Store, task: str = "train") -> list[str]:
    """Make sure that a run can be logged, before work is put into it.

    Parameters
    ----------
    store : Store
        Opened store.
    task : str, default "train"
        The run will go to the experiment ``matcher/<task>``, which is made where it is missing.

    Returns
    -------
    list of str
        Ids of earlier runs that were still marked as running though their process on this machine
        was killed; they are marked as killed now.

    Raises
    ------
    TrackingError
        If the store does not answer, or refuses to take values or files.

    Notes
    -----
    Two writes are tried: a tag of the experiment, which is the same each time, and a small file,
    which is removed again.
    """
    try:
        make_local(store)
        with open_client(store.uri, fail_fast=True) as client:
            experiment = find_experiment(client, store, task)
            client.set_experiment_tag(experiment, _TASK_TAG, task)
            _try_artifacts(client, store, experiment)
            return _mark_killed(client, experiment)
    except TrackingError as error:
        raise TrackingError(
            f"{error}; nothing was {_DONE.get(task, 'done')}, since the run could not be logged: "
            "mend the store, give another --tracking-uri, or use --no-track"
        ) from error


def make_local(store: Store) -> None:
    """Make the database of a local store that has none yet.

    Parameters
    ----------
    store : Store
        Opened store; one on a server is left alone.

    Raises
    ------
    TrackingError
        If it cannot be made.
    """
    if store.database is not None and store.artifact_root is not None:
        create_database(store.database, store.artifact_root)


def find_experiment(client: Any, store: Store, task: str) -> str:
    """Id of a task's experiment, made where it is missing.

    Parameters
    ----------
    client : mlflow.MlflowClient
        Client of the store.
    store : Store
        Store.
    task : str
        Such as ``"train"``.

    Returns
    -------
    str
        Id of the experiment.

    Raises
    ------
    TrackingError
        If it was deleted.
    """
    name = experiment_name(task)
    if found := client.get_experiment_by_name(name):
        if found.lifecycle_stage != "active":
            raise TrackingError(
                f"{store.uri}: the experiment {name!r} was deleted; bring it back "
                f"(mlflow experiments restore -x {found.experiment_id})"
            )
        return str(found.experiment_id)
    place = None if store.artifact_root is None else (store.artifact_root / task).as_uri()
    return str(client.create_experiment(name, artifact_location=place))


def _try_artifacts(client: Any, store: Store, experiment: str) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    place = client.get_experiment(experiment).artifact_location
    name = f"matcher-probe-{uuid.uuid4().hex[:12]}"
    try:
        repository = get_artifact_repository(place, tracking_uri=store.uri)
    except ImportError as error:
        raise TrackingError(f"{place}: files cannot be written there: {error}") from error
    with tempfile.TemporaryDirectory() as scratch:
        probe = Path(scratch) / "probe.txt"
        probe.write_text("Removed at once.\n", encoding="utf-8")
        repository.log_artifact(str(probe), name)
    repository.delete_artifacts(name)


def _mark_killed(client: Any, experiment: str) -> list[str]:
    running = client.search_runs([experiment], "attributes.status = 'RUNNING'", max_results=1_000)
    dead = [run.info.run_id for run in running if has_died(run.data.tags)]
    for run_id in dead:
        client.set_terminated(run_id, "KILLED")
    return dead
