"""MLflow, imported late, with telemetry off, kept quiet, its errors translated."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from matcher.errors import TrackingError

_NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
_NO_CHATTER = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Else the project files of whatever folder a command is run in would go into the model.
    "MLFLOW_UV_AUTO_DETECT": "false",
}
_LOGGERS = ("mlflow", "alembic")
_FAIL_FAST = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


@contextmanager
def use_mlflow(where: str, *, fail_fast: bool = False) -> Iterator[None]:
    """MLflow imported and kept quiet, its errors translated, for the length of a ``with`` block.

    Parameters
    ----------
    where : str
        What messages name, mostly a tracking URI.
    fail_fast : bool, default False
        Give up on a server that does not answer after seconds instead of minutes.

    Yields
    ------
    None
        Nothing; MLflow can be imported inside the block.

    Raises
    ------
    TrackingError
        If MLflow, its database or the disk fails inside the block.

    Notes
    -----
    Telemetry is switched off in the environment before MLflow is imported and stays off for the
    process. The rest (log level, progress bars, printed addresses, two kinds of warning of MLflow's
    own database code) is put back afterwards.
    """
    os.environ.update(_NO_TELEMETRY)
    with _environment({**_NO_CHATTER, **(_FAIL_FAST if fail_fast else {})}), _quiet():
        import mlflow  # noqa: F401 - so that what follows is translated too
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SADeprecationWarning, SQLAlchemyError

        warnings.filterwarnings("ignore", category=SADeprecationWarning)
        # Again, because importing MLflow sets the level of its loggers.
        _set_levels(dict.fromkeys(_LOGGERS, logging.ERROR))
        try:
            yield
        except (MlflowException, SQLAlchemyError, OSError, *_migration_errors()) as error:
            raise TrackingError(f"{where}: {_first_line(error)}") from error


def _migration_errors() -> tuple[type[Exception], ...]:
    # Looked up when something failed, since Alembic takes its time to be imported.
    from alembic.util.exc import CommandError

    return (CommandError,)


@contextmanager
def open_client(uri: str, *, fail_fast: bool = False) -> Iterator[Any]:
    """MLflow client of one store, for the length of a ``with`` block.

    Parameters
    ----------
    uri : str
        Tracking URI.
    fail_fast : bool, default False
        Give up on a server that does not answer after seconds instead of minutes.

    Yields
    ------
    mlflow.MlflowClient
        A client that leaves MLflow's process-wide tracking URI alone; see `use_mlflow`.

    Raises
    ------
    TrackingError
        If the store cannot be reached, read or written inside the block.
    """
    with use_mlflow(uri, fail_fast=fail_fast):
        from mlflow import MlflowClient

        yield MlflowClient(tracking_uri=uri)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update({key: value for key, value in values.items() if before[key] is None})
    try:
        yield
    finally:
        for key in [key for key, value in before.items() if value is None]:
            os.environ.pop(key, None)


@contextmanager
def _quiet() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"mlflow(\.|$)")
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"mlflow(\.|$)")
        # MLflow warns of type hints in its own classes when its model code is imported.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"mlflow(\.|$)")
        _set_levels(dict.fromkeys(_LOGGERS, logging.ERROR))
        try:
            yield
        finally:
            _set_levels(before)


def _set_levels(levels: Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    # Of a connection that failed MLflow tells the whole story, of which the end is to the point.
    return re.sub(
        r" failed with exception .*\(Caused by .*: ([^:]+?)[\"']\)+$", r" failed: \1", lines[0]
    )
