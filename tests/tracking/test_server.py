"""A tracking server of MLflow itself, on this machine, works the same as the local store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matcher.config import Settings
from matcher.errors import TrackingError
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.store import read_model
from matcher.tracking.models import find_model
from matcher.tracking.store import Store
from matcher.training import TrainingResult, train_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"
SETTINGS = Settings.model_validate(
    {
        "encoder": {"dim": 16, "epochs": 1},
        "ranker": {"n_trees": 5, "n_draws": 1},
        "outcome": {"n_trees": 5, "n_periods": 1},
        "retrieval": {"min_posts": 1},
        "evaluation": {
            "n_blocks": 1,
            "min_earlier_hired": 30,
            "n_bootstrap": 20,
            "n_permutations": 1,
        },
    }
)
OWN_TAGS = ("matcher.", "mlflow.", "data_hash", "config_hash", "encoder", "model_id", "trained")


@pytest.fixture(scope="module")
def data() -> MarketData:
    return MarketData(load_market(MARKET))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    place = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--backend-store-uri", f"sqlite:///{place}/server.db", "--artifacts-destination",
             str(place / "files"), "--host", "127.0.0.1", "--port", str(port),
             "--workers", "1"]  # fmt: skip
    log = (place / "log.txt").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "mlflow", "server", *words],
        stdout=log, stderr=subprocess.STDOUT, cwd=place, start_new_session=True,
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )  # fmt: skip
    uri = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{uri}/health", process)
        yield uri, place
    finally:
        # Its workers are of its own group, and of nobody else's.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        log.close()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1_200):
        assert process.poll() is None, "the server came to its end"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server did not answer within two minutes")


def trained(data: MarketData, store: Store, folder: Path) -> TrainingResult:
    return train_model(data, SETTINGS, folder=folder, market_name="tiny", store=store)


@pytest.fixture(scope="module")
def both(
    data: MarketData, server: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Store, TrainingResult]]:
    place = tmp_path_factory.mktemp("both")
    stores = {"local": Store.open(str(place / "store")), "remote": Store.open(server[0])}
    return {name: (store, trained(data, store, place / name)) for name, store in stores.items()}


def contents(store: Store, run_id: str) -> dict[str, Any]:
    """All that a run holds but for what is its own: ids, times, places."""
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        warnings.simplefilter("ignore")
        client = MlflowClient(store.uri)
        run = client.get_run(run_id)
        files = Path(download_artifacts(run_id=run_id, tracking_uri=store.uri, dst_path=scratch))
        found = {
            path.relative_to(files).as_posix(): path.read_bytes()
            for path in files.rglob("*")
            if path.is_file()
        }
        bundle = find_model(f"runs:/{run_id}", tracking_uri=store.uri).folder
        found |= {
            f"model_bundle/{path.relative_to(bundle).as_posix()}": path.read_bytes()
            for path in bundle.rglob("*")
            if path.is_file()
        }
        experiment = client.get_experiment(run.info.experiment_id).name
    tags = {key: text for key, text in run.data.tags.items() if key.startswith(OWN_TAGS)}
    tags.pop("mlflow.artifacts.hash", None)
    return {
        "experiment": experiment,
        "name": run.info.run_name,
        "status": run.info.status,
        "metrics": run.data.metrics,
        "params": run.data.params,
        "tags": tags,
        "inputs": [
            (held.dataset.to_dictionary(), [(tag.key, tag.value) for tag in held.tags])
            for held in run.inputs.dataset_inputs
        ],
        "files": found,
    }


def test_a_run_holds_the_same_on_a_server(
    both: dict[str, tuple[Store, TrainingResult]], server: tuple[str, Path]
) -> None:
    local, remote = (
        contents(store, result.run.run_id) for store, result in both.values() if result.run
    )
    assert remote == local
    needed = {
        "model_card.md",
        "data_card.md",
        "figures/hired.png",
        "evaluation.json",
        "tables/per_campaign.parquet",
        "model_bundle/manifest.json",
    }
    assert needed <= set(local["files"])
    assert len(local["inputs"]) == 2
    assert not [path for path in server[1].rglob("*") if "probe" in path.name]


def test_a_model_on_a_server_is_read_as_from_disk(
    both: dict[str, tuple[Store, TrainingResult]],
) -> None:
    store, result = both["remote"]
    assert result.run is not None
    model, bundle = read_model(find_model(result.run.uri, tracking_uri=store.uri).folder)
    assert bundle.model_id == result.model_id == both["local"][1].model_id
    assert model.hire.texts == result.model.hire.texts


def test_a_server_that_went_down_is_said_before_training(
    both: dict[str, tuple[Store, TrainingResult]], data: MarketData, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = Store(f"http://127.0.0.1:{taken.getsockname()[1]}", None)
    told: list[str] = []
    began = time.perf_counter()
    with pytest.raises(TrackingError, match=r"nothing was trained"):
        train_model(
            data, SETTINGS, folder=tmp_path / "m", market_name="tiny", store=gone,
            tell=lambda task, *_: told.append(task),
        )  # fmt: skip
    assert time.perf_counter() - began < 30
    assert set(told) == {"tracking store"}
    assert list(tmp_path.iterdir()) == []
