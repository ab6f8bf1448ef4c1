"""A new local store's database, which appears whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

from matcher.errors import TrackingError
from matcher.locks import hold_lock
from matcher.tracking.client import use_mlflow

__all__ = ["create_database"]


def create_database(database: Path, artifact_root: Path) -> None:
    """Make MLflow's tables in an SQLite file that has none yet.

    MLflow makes them in many steps over seconds; a process that is killed on the way would leave a
    database that nobody can open. They are made in another file, which then takes the name.

    Parameters
    ----------
    database : pathlib.Path
        Absolute path of the database; missing or empty. One with tables is left as it is.
    artifact_root : pathlib.Path
        Absolute folder of artifacts of experiments that name none.

    Raises
    ------
    TrackingError
        If the database cannot be made or read.
    """
    try:
        if _has_tables(database):
            return
        with hold_lock(database.parent / f".{database.name}.lock", wait=True):
            if not _has_tables(database):
                _create(database, artifact_root)
    except (OSError, sqlite3.Error) as error:
        raise TrackingError(f"{database}: the tracking store cannot be made: {error}") from error


def _has_tables(database: Path) -> bool:
    if not database.exists() or database.stat().st_size == 0:
        return False
    connection = sqlite3.connect(database, timeout=10)
    try:
        return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    finally:
        connection.close()


def _create(database: Path, artifact_root: Path) -> None:
    start = f".{database.name}."
    for stale in database.parent.glob(f"{start}*.matcher-part*"):
        stale.unlink()
    with tempfile.NamedTemporaryFile(
        prefix=start, suffix=".matcher-part", dir=database.parent, delete=False
    ) as file:
        partial = Path(file.name)
    try:
        with use_mlflow(str(database)):
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            SqlAlchemyStore(f"sqlite:///{partial}", artifact_root.as_uri()).engine.dispose()
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)
        partial.replace(database)
    finally:
        partial.unlink(missing_ok=True)
