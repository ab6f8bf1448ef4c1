"""A model bundle logged as a model of MLflow: loadable, servable, and a bundle still."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from matcher.tracking.names import BUNDLE_ARTIFACT

__all__ = ["BUNDLE_PATH", "log_bundle", "save_pyfunc"]

BUNDLE_PATH: Final = f"artifacts/{BUNDLE_ARTIFACT}"
"""Where the bundle lies inside a logged model."""

_PINNED: Final = (
    "matcher", "duckdb", "lightgbm", "mlflow", "numpy", "pandas", "pyarrow", "safetensors",
    "scikit-learn", "scipy", "sentence-transformers", "tokenizers", "torch",
)  # fmt: skip
"""What scores rest on; everything else follows from Matcher's own requirements."""

_EXAMPLE: Final = [
    {
        "brief_id": "example",
        "title": "Mì ly siêu cay",
        "brief": "Tìm 8 bạn hay làm nội dung về món cay; giọng vui, bắt trend.",
        "brief_language": "vi",
        "brand_category": "food",
        "platforms": ["tiktok", "instagram"],
        "countries": ["VN"],
        "n_creators": 8.0,
        "starts_on": "2026-01-05",
    }
]


def save_pyfunc(bundle: Path, folder: Path, *, model: Any = None) -> Path:
    """Bundle written as a model of MLflow, which loads with no network and no pickle.

    Parameters
    ----------
    bundle : pathlib.Path
        Folder of a bundle; it is copied and not read.
    folder : pathlib.Path
        Folder to make.
    model : mlflow.models.Model, optional
        Ids that MLflow gave the model.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    from mlflow import pyfunc

    from matcher.tracking import model_code

    with tempfile.TemporaryDirectory() as scratch:
        # MLflow keeps the name of the folder, which here is the user's.
        named = Path(scratch) / BUNDLE_ARTIFACT
        shutil.copytree(bundle, named)
        pyfunc.save_model(
            folder,
            python_model=model_code.__file__,
            artifacts={BUNDLE_ARTIFACT: str(named)},
            signature=model_code.build_signature(),
            input_example=_EXAMPLE,
            pip_requirements=[f"{name}=={_public(version(name))}" for name in _PINNED],
            model_config={"market": ""},
            mlflow_model=model,
        )
    return folder


def _public(release: str) -> str:
    """Release without the mark of a build, such as ``+cpu``, which no index knows."""
    return release.partition("+")[0]


def log_bundle(client: Any, run_id: str, bundle: Path, *, tags: Mapping[str, str]) -> Any:
    """Log a bundle as the model of a run.

    Parameters
    ----------
    client : mlflow.MlflowClient
        Client of the store.
    run_id : str
        The run.
    bundle : pathlib.Path
        Folder of the bundle.
    tags : mapping of str to str
        Tags of the model.

    Returns
    -------
    mlflow.entities.LoggedModel
        The model, ready.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    experiment = client.get_run(run_id).info.experiment_id
    logged = client.create_logged_model(
        experiment, name=BUNDLE_ARTIFACT, source_run_id=run_id, tags=dict(tags), model_type="ranker"
    )
    status = LoggedModelStatus.FAILED
    try:
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        with tempfile.TemporaryDirectory() as scratch:
            meta = Model(
                artifact_path=logged.artifact_location,
                run_id=run_id,
                model_uuid=logged.model_id,
                model_id=logged.model_id,
            )
            folder = save_pyfunc(bundle, Path(scratch) / "model", model=meta)
            client.log_model_artifacts(logged.model_id, str(folder))
        status = LoggedModelStatus.READY
    finally:
        client.finalize_logged_model(logged.model_id, status)
    return logged
