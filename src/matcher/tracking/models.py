"""A model bundle found by a path or by the run that made it."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from matcher.errors import TrackingError
from matcher.tracking.client import open_client
from matcher.tracking.names import BUNDLE_ARTIFACT
from matcher.tracking.store import Store

__all__ = ["FoundModel", "find_model", "resolve_model"]

_RUN: Final = re.compile(r"runs:/(?P<run_id>[0-9a-f]{32})(?P<path>/[^?#]*)?")


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
        A folder, ``runs:/<id>`` or ``runs:/<id>/model_bundle`` of a tracked run, or an
        ``mlflow-artifacts:`` address.
    tracking_uri : str, optional
        Store that knows the run; see :meth:`Store.open`. Not needed for a folder.

    Returns
    -------
    FoundModel
        Its folder and, where there is one, its registered version.

    Raises
    ------
    TrackingError
        If there is no such folder, run or artifact, or the store does not answer.
    """
    text = str(path_or_uri)
    if text.startswith("models:/"):
        raise TrackingError(
            f"{text}: models are not registered by name yet; give a folder or runs:/ID"
        )
    if text.startswith("mlflow-artifacts:"):
        return FoundModel(_download(text, Store.open(tracking_uri, writable=False)))
    if text.startswith("runs:/"):
        match = _RUN.fullmatch(text)
        if match is None:
            raise TrackingError(f"{text}: expected runs:/ID or runs:/ID/{BUNDLE_ARTIFACT}")
        path = (match["path"] or "").strip("/") or BUNDLE_ARTIFACT
        store = Store.open(tracking_uri, writable=False)
        return FoundModel(_download(f"runs:/{match['run_id']}/{path}", store))
    if not Path(text).is_dir():
        raise TrackingError(f"{text}: no such folder; expected a model bundle or runs:/ID")
    return FoundModel(Path(text))


def resolve_model(path_or_uri: str | Path, *, tracking_uri: str | None = None) -> Path:
    """Local folder of a model bundle, where its version does not matter.

    Parameters
    ----------
    path_or_uri : str or pathlib.Path
        As in :func:`find_model`.
    tracking_uri : str, optional
        As in :func:`find_model`.

    Returns
    -------
    pathlib.Path
        Its folder.
    """
    return find_model(path_or_uri, tracking_uri=tracking_uri).folder


def _download(uri: str, store: Store) -> Path:
    with open_client(store.uri):
        from mlflow.artifacts import download_artifacts

        scratch = tempfile.mkdtemp(prefix="matcher-model-")
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        found = Path(download_artifacts(artifact_uri=uri, tracking_uri=store.uri, dst_path=scratch))
    if not found.is_dir():
        raise TrackingError(f"{uri}: the run holds no such folder in {store.uri}")
    return found
