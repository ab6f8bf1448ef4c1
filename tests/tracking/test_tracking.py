from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from matcher.errors import TrackingError
from matcher.ranking.bundle import read_bundle, write_bundle
from matcher.tracking.datasets import DatasetRecord
from matcher.tracking.models import FoundModel, find_model
from matcher.tracking.runs import TrainingRecord, flatten_metrics, log_training_run
from matcher.tracking.store import Store, data_home
from matcher.tracking.trials import TrialRecord


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def record(tmp_path: Path) -> TrainingRecord:
    write_bundle(tmp_path / "model", {"hire.txt": b"tree\n", "encoder/c.json": b"{}"}, {})
    return TrainingRecord(
        run_name="demo market, seed 1",
        bundle=tmp_path / "model",
        params={"market": {"strict_time": False, "tier_scheme": "vn_agency"}, "seed": 1,
                "long": "x" * 9_000, "none": None},
        metrics={"hired/model/ndcg_at_10": {"value": 0.3, "low": 0.2, "high": 0.4, "n": 74.0},
                 "medr": {"value": None, "low": None, "high": None, "n": 0.0},
                 "auc": {"value": float("nan")}},
        data_name="thị trường nhỏ",
        data_hash="0123456789abcdef",
        config_hash="c0ffee",
        encoder="builtin@1",
        features=pd.DataFrame({"name": ["best_post"], "unit": ["cosine"]}),
        tables={"scores": pd.DataFrame({"campaign_id": ["c1"], "auc": [0.5]})},
        documents={"evaluation.md": "| a |\n|---|\n| ế |\n"},
        tags={"seed": "1"},
    )  # fmt: skip


def test_a_run_may_hold_figures_without_a_model(record: TrainingRecord) -> None:
    from mlflow import MlflowClient

    store = Store.open()
    info = log_training_run(store, replace(record, bundle=None, task="evaluate"))
    assert (info.uri, info.registered) == (f"runs:/{info.run_id}", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(store.uri)
        run = client.get_run(info.run_id)
        place = client.get_experiment(run.info.experiment_id)
        models = client.search_logged_models([run.info.experiment_id])
    assert (place.name, run.info.status, list(models)) == ("matcher/evaluate", "FINISHED", [])
    assert run.data.metrics["hired/model/ndcg_at_10"] == 0.3
    [given] = run.inputs.dataset_inputs
    assert [tag.value for tag in given.tags] == ["evaluation"]


def test_a_model_that_was_not_made_cannot_be_registered(record: TrainingRecord) -> None:
    with pytest.raises(TrackingError, match="no bundle to register as 'matcher'"):
        replace(record, bundle=None, register_as="matcher")


def test_a_run_holds_all_that_was_given(record: TrainingRecord, home: Path) -> None:
    from mlflow import MlflowClient

    store = Store.open()
    info = log_training_run(store, record)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(store.uri)
        run = client.get_run(info.run_id)
        experiment = client.get_experiment(run.info.experiment_id)
        artifacts = {item.path for item in client.list_artifacts(info.run_id)}
    assert experiment.name == "matcher/train"
    assert (run.info.run_name, run.info.status) == ("demo market, seed 1", "FINISHED")
    assert run.data.metrics == {
        "hired/model/ndcg_at_10": 0.3,
        "hired/model/ndcg_at_10_low": 0.2,
        "hired/model/ndcg_at_10_high": 0.4,
        "hired/model/ndcg_at_10_n": 74.0,
        "medr_n": 0.0,
    }
    assert run.data.params["market.tier_scheme"] == "vn_agency"
    assert run.data.params["market.strict_time"] == "false"
    assert run.data.params["long"].endswith("(whole in params.json)")
    assert run.data.tags["data_hash"] == "0123456789abcdef"
    assert run.data.tags["encoder"] == "builtin@1"
    assert run.inputs.dataset_inputs[0].dataset.digest == "0123456789abcdef"
    assert artifacts == {"params.json", "features.json", "features.parquet", "evaluation.md",
                         "tables"}  # fmt: skip
    assert Path(run.info.artifact_uri.removeprefix("file://")).is_relative_to(home)


def test_trials_are_children_of_a_run_and_nothing_undefined_is_logged(
    record: TrainingRecord,
) -> None:
    from mlflow import MlflowClient

    trials = tuple(
        TrialRecord(f"trial {n}", {"ranker.n_trees": 5 + n, "ranker.l2": 0.1},
                    {"objective": 0.5 * n, "spearman": float("nan")}, 1_700_000_000.0 + n,
                    1_700_000_000.5 + n, {"trial": str(n)})
        for n in range(2)
    )  # fmt: skip
    store = Store.open()
    info = log_training_run(store, replace(record, trials=trials))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(store.uri)
        experiment = client.get_run(info.run_id).info.experiment_id
        query = f"tags.`mlflow.parentRunId` = '{info.run_id}'"
        runs = client.search_runs([experiment], query, order_by=["tags.trial"])
    assert [run.info.run_name for run in runs] == ["trial 0", "trial 1"]
    assert [run.info.status for run in runs] == ["FINISHED"] * 2
    assert [run.data.metrics for run in runs] == [{"objective": 0.0}, {"objective": 0.5}]
    assert runs[1].data.params == {"ranker.n_trees": "6", "ranker.l2": "0.1"}
    assert (runs[1].info.start_time, runs[1].info.end_time) == (1_700_000_001_000,
                                                               1_700_000_001_500)  # fmt: skip


def test_a_run_names_its_data_its_pictures_its_process_and_its_time(
    record: TrainingRecord,
) -> None:
    from mlflow import MlflowClient
    from mlflow.types import Schema

    dtypes = ("str", "float", "bool", "instant", "day", "list", "other")
    columns = {f"posts.{dtype}": dtype for dtype in dtypes}
    datasets = (
        DatasetRecord("chợ", "0123", "training", "chợ", columns=columns, profile={"n": 3}),
        DatasetRecord("chợ: judged", "4567", "evaluation", "chợ"),
    )
    more = {"pictures": {"hired.png": b"\x89PNG"}, "datasets": datasets,
            "description": "What it is.", "started_at": 1_700_000_000.0}  # fmt: skip
    store = Store.open()
    info = log_training_run(store, TrainingRecord(**{**vars(record), **more}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(store.uri)
        run = client.get_run(info.run_id)
        pictures = [item.path for item in client.list_artifacts(info.run_id, "figures")]
    assert pictures == ["figures/hired.png"]
    assert run.info.start_time == 1_700_000_000_000
    assert run.info.end_time > run.info.start_time
    assert run.data.tags["mlflow.note.content"] == "What it is."
    assert run.data.tags["matcher.process"].startswith(f"pid={os.getpid()} ")
    held = {item.dataset.name: item for item in run.inputs.dataset_inputs}
    contexts = {name: [tag.value for tag in item.tags] for name, item in held.items()}
    assert contexts == {"chợ": ["training"], "chợ: judged": ["evaluation"]}
    dataset = held["chợ"].dataset
    assert json.loads(dataset.profile) == {"n": 3}
    specs = json.loads(dataset.schema)["mlflow_colspec"]
    assert Schema.from_json(json.dumps(specs)).input_names() == list(columns)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"digest": ""}, "the digest has 0 characters; expected 1 to 36"),
        ({"digest": "x" * 37}, "the digest has 37 characters"),
        ({"columns": {"a": "int"}}, r"got dtypes \['int'\]; expected some of"),
    ],
)
def test_a_dataset_checks_itself(change: dict, message: str) -> None:
    values = {"name": "m", "digest": "0", "context": "training", "market": "m", **change}
    with pytest.raises(TrackingError, match=message):
        DatasetRecord(**values)


def test_the_logged_bundle_is_found_again_by_its_run(record: TrainingRecord) -> None:
    info = log_training_run(Store.open(), record)
    for uri in (info.uri, f"runs:/{info.run_id}"):
        assert read_bundle(find_model(uri).folder) == read_bundle(record.bundle)


def test_logging_says_nothing_to_the_terminal_or_to_anybody(
    record: TrainingRecord, tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from matcher.tracking.runs import TrainingRecord, log_training_run\n"
        "from matcher.tracking.store import Store\n"
        f"record = TrainingRecord(run_name='x', bundle=Path({str(record.bundle)!r}), params={{}},\n"
        "    metrics={}, data_name='m', data_hash='0', config_hash='0', encoder='e')\n"
        "log_training_run(Store.open(), record)\n"
        "from mlflow.telemetry.client import get_telemetry_client\n"
        "print(get_telemetry_client())"
    )
    # Without what keeps telemetry off in tests and in CI anyhow.
    silencers = ("MLFLOW", "DO_NOT_TRACK", "PYTEST", "CI", "GITHUB")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(silencers)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**environment, "MATCHER_HOME": str(tmp_path / "nhà mới")},
    )
    assert (done.stdout, done.stderr) == ("None\n", "")
    assert {path.name for path in tmp_path.iterdir()} == {"nhà mới", "model"}


def test_the_surroundings_are_put_back(record: TrainingRecord) -> None:
    before, filters = dict(os.environ), list(warnings.filters)
    log_training_run(Store.open(), record)
    changed = {key for key in os.environ if os.environ[key] != before.get(key)}
    assert changed <= {"MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "KMP_INIT_AT_FORK",
                       "KMP_DUPLICATE_LIB_OK"}  # fmt: skip
    assert warnings.filters == filters


def test_a_run_that_breaks_off_is_marked(record: TrainingRecord) -> None:
    from mlflow import MlflowClient

    store = Store.open(str(record.bundle.parent / "store"))
    broken = pd.DataFrame({"a": [object()]})
    record = TrainingRecord(**{**vars(record), "tables": {"broken": broken}})
    with pytest.raises(Exception, match="Could not convert|object"):
        log_training_run(store, record)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(store.uri)
        experiment = client.get_experiment_by_name("matcher/train")
        [run] = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FAILED"


def test_the_default_store_is_one_absolute_place(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (home, tmp_path):
        monkeypatch.chdir(place)
        assert Store.open() == Store(f"sqlite:///{home}/mlflow.db", home / "artifacts")
    assert Store.open().how_to_look == f"mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db"


def test_a_relative_home_or_uri_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATCHER_HOME", "here")
    assert data_home() == tmp_path / "here"
    for uri in ("sqlite:///runs/mlflow.db", "runs"):
        assert Store.open(uri).uri == f"sqlite:///{tmp_path}/runs/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///from-env.db")
    assert Store.open().uri == f"sqlite:///{tmp_path}/from-env.db"


def test_the_platform_place_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MATCHER_HOME")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_home() == tmp_path / "matcher"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_home() == tmp_path / ".local" / "share" / "matcher"


_DOWN = (
    r"/search failed: \[Errno \d+\] Connection refused; the tracking store does not answer: start "
    "it.*--no-track"
)


def test_a_server_that_is_down_is_said_within_seconds() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
    started = time.perf_counter()
    with pytest.raises(TrackingError, match=_DOWN):
        Store.open(uri)
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize(
    ("make", "uri", "message"),
    [
        (lambda at: at.write_text("x"), "sqlite:///{at}/m.db", "cannot be written: .*--no-track"),
        (lambda at: at.write_text("x"), "{at}", "cannot be written"),
        (lambda at: at.mkdir(), "sqlite:///{at}", "cannot be written: unable to open database"),
        (lambda at: at.write_bytes(b"no database" * 99), "sqlite:///{at}", "is not a database"),
        (lambda at: None, "file://{at}", "no longer writes file stores"),
        (lambda at: None, "sqlite://", "names no database file"),
    ],
)
def test_a_store_that_cannot_be_used_is_said_at_once(
    tmp_path: Path, make: object, uri: str, message: str
) -> None:
    make(tmp_path / "at")
    with pytest.raises(TrackingError, match=message):
        Store.open(uri.format(at=tmp_path / "at"))


def test_a_read_only_place_is_said_at_once(read_only_folder: Path) -> None:
    with pytest.raises(TrackingError, match="cannot be written"):
        Store.open(str(read_only_folder / "new"))


def test_a_locked_store_is_said(tmp_path: Path) -> None:
    Store.open(str(tmp_path))
    other = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(TrackingError, match="database is locked"):
            Store.open(str(tmp_path))
    finally:
        other.close()


def test_checking_a_store_leaves_no_table_and_needs_no_mlflow(tmp_path: Path) -> None:
    code = (
        "import sys; from matcher.tracking.store import Store; "
        f"Store.open({str(tmp_path)!r}); print('mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("nowhere", "no such folder; expected a model bundle, runs:/ID, models:/NAME/VERSION"),
        ("models:/matcher@champion", "no version is registered as 'matcher'"),
        ("runs:/xyz", "expected runs:/ID or"),
        (f"runs:/{'0' * 32}", "not found|No such|does not exist"),
    ],
)
def test_a_model_that_cannot_be_found_is_said(model: str, message: str) -> None:
    Store.open()
    with pytest.raises(TrackingError, match=message):
        find_model(model)


def test_looking_for_a_run_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="no tracking store is there"):
        find_model(f"runs:/{'0' * 32}", tracking_uri=str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_a_folder_is_its_own_answer(tmp_path: Path) -> None:
    assert find_model(tmp_path) == find_model(str(tmp_path)) == FoundModel(tmp_path)


@pytest.mark.parametrize("change", [{"metrics": {"ndcg@10": {}}}, {"documents": {"../x.md": ""}}])
def test_names_that_no_store_takes_are_refused(record: TrainingRecord, change: dict) -> None:
    with pytest.raises(TrackingError, match="1 names cannot be logged"):
        TrainingRecord(**{**vars(record), **change})


def test_metrics_are_flattened_down_to_estimates() -> None:
    report = {"time": {"hired": {"all": {"model": {"auc": {"value": None, "n": 0}}}}}}
    assert flatten_metrics(report) == {"time/hired/all/model/auc": {"value": None, "n": 0}}
