"""A model bundle found by a path, by the run that made it, or by its place in the registry."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from matcher.errors import TrackingError, UsageError
from matcher.tracking.client import open_client
from matcher.tracking.logged import BUNDLE_PATH
from matcher.tracking.names import BUNDLE_ARTIFACT, CHALLENGER, CHAMPION
from matcher.tracking.registry import Registry
from matcher.tracking.store import Store

__all__ = ["FoundModel", "find_model"]

_RUN: Final = re.compile(r"runs:/(?P<run_id>[0-9a-f]{32})(?P<path>/[^?#]*)?")
_LOGGED: Final = re.compile(r"models:/(?P<model_id>m-[0-9a-f]{32})")
_REGISTERED: Final = re.compile(r"models:/(?P<name>[^/:@]+)[/@](?P<ref>[^/:@]+)")
_META: Final = "MLmodel"


class FoundModel(NamedTuple):
    """Where a model stands.

    Attributes
    ----------
    folder : pathlib.Path
        Its bundle: the folder given, or a copy that is removed when the process ends.
    version : str or None
        Registered version, such as ``matcher/3``; None for a model that is in no registry.
    """

    folder: Path
    version: str | None = None


def find_model(path_or_uri: str | Path, *, tracking_uri: str | None = None) -> FoundModel:
    """Local folder of a model bundle; its content is not checked here.

    Parameters
    ----------
    path_or_uri : str or pathlib.Path
        A folder (a bundle, or a model of MLflow that holds one), ``models:/matcher/3``,
        ``models:/matcher@champion``, ``runs:/<id>`` or ``runs:/<id>/model_bundle`` of a tracked
        run, ``models:/<id>`` of a logged model, an ``mlflow-artifacts:`` address, or ``champion``
        or ``challenger`` alone.
    tracking_uri : str, optional
        Store that knows the model; see :meth:`Store.open`. Not needed for a folder.

    Returns
    -------
    FoundModel
        Its folder and, where there is one, its registered version.

    Raises
    ------
    TrackingError
        If there is no such folder, run, version or artifact, or the store does not answer.
    UsageError
        If ``champion`` or ``challenger`` is a folder here too.
    """
    text = str(path_or_uri)
    if text in (CHAMPION, CHALLENGER):
        if Path(text).exists():
            raise UsageError(
                f"{text}: stands for ./{text} here and for models:/matcher@{text} in the registry; "
                "give one of the two"
            )
        text = f"models:/matcher@{text}"
    if not text.startswith(("models:", "runs:", "mlflow-artifacts:")):
        return FoundModel(_local(Path(text)))
    store = Store.open(tracking_uri, writable=False)
    with open_client(store.uri) as client:
        location, version = _locate(client, text)
        return FoundModel(_download(location, store), version)


def _local(folder: Path) -> Path:
    if not folder.is_dir():
        raise TrackingError(
            f"{folder}: no such folder; expected a model bundle, runs:/ID, models:/NAME/VERSION or "
            "models:/NAME@ALIAS"
        )
    return folder / BUNDLE_PATH if (folder / _META).is_file() else folder


def _locate(client: Any, address: str) -> tuple[str, str | None]:
    """Place of a model's files in the store, and its registered version."""
    if address.startswith("mlflow-artifacts:"):
        return address, None
    if match := _RUN.fullmatch(address):
        return _of_run(client, match["run_id"], (match["path"] or "").strip("/"))
    if match := _LOGGED.fullmatch(address):
        logged = client.get_logged_model(match["model_id"])
        return logged.artifact_location, _version_of(client, logged)
    if match := _REGISTERED.fullmatch(address):
        found = Registry(client, match["name"]).version(match["ref"])
        return found.location, found.label
    expected = (
        f"runs:/ID or runs:/ID/{BUNDLE_ARTIFACT}"
        if address.startswith("runs:")
        else "models:/NAME/VERSION or models:/NAME@ALIAS, such as models:/matcher@champion"
    )
    raise TrackingError(f"{address}: expected {expected}")


def _of_run(client: Any, run_id: str, path: str) -> tuple[str, str | None]:
    outputs = client.get_run(run_id).outputs
    for output in [] if outputs is None else outputs.model_outputs:
        logged = client.get_logged_model(output.model_id)
        if logged.name == (path or BUNDLE_ARTIFACT):
            return logged.artifact_location, _version_of(client, logged)
    # A bundle among the run's own files, as the first releases logged it.
    return f"runs:/{run_id}/{path or BUNDLE_ARTIFACT}", None


def _version_of(client: Any, logged: Any) -> str | None:
    """Version that a logged model was registered as; None for none, or for more than one."""
    made = client.search_model_versions(f"run_id = '{logged.source_run_id}'")
    own = [one for one in made if one.source == logged.artifact_location]
    return f"{own[0].name}/{own[0].version}" if len(own) == 1 else None


def _download(uri: str, store: Store) -> Path:
    from mlflow.artifacts import download_artifacts, list_artifacts

    scratch = tempfile.mkdtemp(prefix="matcher-model-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    held = {Path(item.path).name for item in list_artifacts(uri, tracking_uri=store.uri)}
    place = f"{uri}/{BUNDLE_PATH}" if _META in held else uri
    found = Path(download_artifacts(artifact_uri=place, tracking_uri=store.uri, dst_path=scratch))
    if not found.is_dir():
        raise TrackingError(f"{uri}: is no folder in {store.uri}; expected a model")
    return found
