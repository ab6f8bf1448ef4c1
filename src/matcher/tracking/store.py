"""The tracking store: one absolute place, checked before work is put into a run."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from matcher.errors import TrackingError, UsageError
from matcher.files import check_writable
from matcher.tracking.client import open_client

__all__ = ["Store", "data_home"]

_LOCAL = "sqlite:///"


def data_home() -> Path:
    """Absolute folder of Matcher's own data: that of ``MATCHER_HOME``, or the platform's.

    Returns
    -------
    pathlib.Path
        On Linux ``$XDG_DATA_HOME/matcher``, by default ``~/.local/share/matcher``. It may not
        exist yet.

    Raises
    ------
    TrackingError
        If the user has no home folder and ``MATCHER_HOME`` is not set.
    """
    if own := os.environ.get("MATCHER_HOME"):
        return _absolute(own)
    try:
        home = Path.home()
    except RuntimeError as error:
        raise TrackingError(
            "no home folder is known for this user; set MATCHER_HOME, or give --tracking-uri or "
            "--no-track"
        ) from error
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "matcher"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "matcher"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "matcher"


@dataclass(frozen=True)
class Store:
    """A tracking store that could be written when it was opened.

    Parameters
    ----------
    uri : str
        Tracking URI; a local one is absolute.
    artifact_root : pathlib.Path or None
        Folder of artifacts beside a local store; None where a server keeps them.
    """

    uri: str
    artifact_root: Path | None

    @classmethod
    def open(
        cls, tracking_uri: str | None = None, *, writable: bool = True, make: bool = True
    ) -> Store:
        """Store at a tracking URI, checked.

        Parameters
        ----------
        tracking_uri : str, optional
            ``sqlite:///...``, ``http(s)://...``, another database that MLflow knows, or a plain
            folder for a local store. Without it, ``MLFLOW_TRACKING_URI`` counts, then the local
            store under :func:`data_home`.
        writable : bool, default True
            Check that it can be written. A local store that is not there is made.
        make : bool, default True
            False makes nothing: of a local store that is not there, only see whether it could be.

        Returns
        -------
        Store
            The store; nothing but its folders has been made.

        Raises
        ------
        TrackingError
            If it does not answer, cannot be written, or is of a kind that MLflow gave up.
        """
        given = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or str(data_home())
        scheme = urlsplit(given).scheme
        if scheme == "file":
            raise TrackingError(
                f"{given}: MLflow no longer writes file stores; give a folder without `file:` (an "
                "SQLite store is kept in it), sqlite:///PATH, or a server's http address"
            )
        if scheme == "" or Path(given).is_absolute():
            given = f"{_LOCAL}{_absolute(given) / 'mlflow.db'}"
        if not given.startswith("sqlite:"):
            store = cls(given, None)
            _check_remote(given)
            return store
        database = _database_path(given)
        if writable and not make and not database.exists():
            _check_could_be_made(database)
            writable = False
        store = cls(f"{_LOCAL}{database}", database.parent / "artifacts")
        if make or database.exists():
            _check_local(database, database.parent / "artifacts", writable=writable)
        return store

    @property
    def database(self) -> Path | None:
        """File of a local store; None where a server or another database keeps it."""
        return None if self.artifact_root is None else Path(self.uri.removeprefix(_LOCAL))

    @property
    def how_to_look(self) -> str:
        """Command or address that shows the store to a person."""
        if self.artifact_root is None:
            return self.uri
        return f"mlflow ui --backend-store-uri {self.uri}"


def _absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - keep links as given


def _database_path(uri: str) -> Path:
    path = unquote(urlsplit(uri).path.removeprefix("/"))
    if not path or "?" in uri:
        raise TrackingError(f"{uri}: names no database file; expected sqlite:///PATH/TO/mlflow.db")
    return _absolute(path)


def _check_local(database: Path, artifacts: Path, *, writable: bool) -> None:
    hint = "give another --tracking-uri, set MATCHER_HOME, or use --no-track"
    if not writable:
        if not database.is_file():
            raise TrackingError(f"{database}: no tracking store is there; {hint}")
        return
    try:
        artifacts.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=artifacts):
            pass
        connection = sqlite3.connect(database, timeout=2, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE matcher_probe (x)")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        raise TrackingError(
            f"{database}: the tracking store cannot be written: {error}; {hint}"
        ) from error


def _check_could_be_made(database: Path) -> None:
    try:
        check_writable(database)
    except UsageError as error:
        raise TrackingError(
            f"{error}; give another --tracking-uri, set MATCHER_HOME, or use --no-track"
        ) from error


def _check_remote(uri: str) -> None:
    try:
        with open_client(uri, fail_fast=True) as client:
            client.search_experiments(max_results=1)
    except TrackingError as error:
        raise TrackingError(
            f"{error}; the tracking store does not answer: start it, give another --tracking-uri, "
            "or use --no-track"
        ) from error
