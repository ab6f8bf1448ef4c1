"""A store that cannot take a run says so before work is put into it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from matcher.errors import TrackingError
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.tracking.prepare import make_local, prepare_store
from matcher.tracking.processes import has_died, process_tags
from matcher.tracking.store import Store
from matcher.training import train_model

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"
EXPERIMENT = {
    "experiment_id": "7",
    "name": "matcher/train",
    "artifact_location": "mlflow-artifacts:/7",
    "lifecycle_stage": "active",
}


class Refusing(BaseHTTPRequestHandler):
    """A tracking server that answers questions and takes only what `taken` names."""

    taken: tuple[str, ...] = ()
    asked: ClassVar[list[str]] = []

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        path = self.path.partition("?")[0]
        self.asked.append(f"{self.command} {path}")
        body: dict[str, Any]
        if path.endswith("/experiments/search"):
            status, body = 200, {"experiments": [EXPERIMENT]}
        elif path.endswith(("/experiments/get-by-name", "/experiments/get")):
            status, body = 200, {"experiment": EXPERIMENT}
        elif any(part in path for part in self.taken):
            status, body = 200, {}
        else:
            status = 403
            body = {"error_code": "PERMISSION_DENIED", "message": "this store is read-only"}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Refusing, "asked", [])
    found = HTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "store"))


def client_of(store: Store) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(store.uri)


def test_a_server_that_takes_no_writes_is_said_before_training(server: str, tmp_path: Path) -> None:
    opened = Store.open(server)
    told: list[str] = []
    message = r"this store is read-only.*nothing was trained.*another --tracking-uri.*--no-track"
    with pytest.raises(TrackingError, match=message):
        train_model(
            MarketData(load_market(MARKET)), settings_of_a_long_training(),
            folder=tmp_path / "model", market_name="tiny", store=opened,
            tell=lambda task, *_: told.append(task),
        )  # fmt: skip
    assert set(told) == {"tracking store"}
    assert list(tmp_path.iterdir()) == []


def settings_of_a_long_training() -> Any:
    from matcher.config import Settings

    return Settings()


def test_a_server_that_takes_no_files_is_said(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Refusing, "taken", ("set-experiment-tag",))
    with pytest.raises(TrackingError, match="nothing was trained"):
        prepare_store(Store.open(server))
    assert any("matcher-probe" in line and line.startswith("PUT") for line in Refusing.asked)


def test_a_local_store_is_made_whole_and_holds_no_litter(store: Store) -> None:
    assert prepare_store(store) == []
    assert prepare_store(store) == []
    assert store.database is not None
    assert {path.name for path in store.database.parent.iterdir()} == {"mlflow.db", "artifacts"}
    assert store.artifact_root is not None
    assert [path for path in store.artifact_root.rglob("*") if path.is_file()] == []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = client_of(store)
        experiment = client.get_experiment_by_name("matcher/train")
        assert experiment.tags["matcher.task"] == "train"
        assert client.search_runs([experiment.experiment_id]) == []


def test_a_store_whose_making_was_killed_is_made_anew(store: Store) -> None:
    assert store.database is not None
    code = (
        "import os, sqlite3, sys\n"
        "from pathlib import Path\n"
        "from matcher.tracking import database\n"
        "import mlflow.store.db.utils as utils\n"
        "utils._verify_schema = lambda engine: os._exit(9)\n"
        "database.create_database(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    words = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(
        [*words, str(store.database), str(store.artifact_root)], check=False, capture_output=True
    )
    assert done.returncode == 9, done.stderr
    left = {path.name for path in store.database.parent.iterdir() if path.name[0] == "."}
    assert any(name.endswith(".matcher-part") for name in left)
    assert store.database.stat().st_size == 0
    prepare_store(store)
    assert {path.name for path in store.database.parent.iterdir()} == {"mlflow.db", "artifacts"}


def test_a_store_of_other_tables_is_left_as_it_is(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "mlflow.db")
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
    connection.commit()
    connection.close()
    before = (tmp_path / "mlflow.db").read_bytes()
    with pytest.raises(TrackingError, match="nothing was trained, since the run could not be"):
        prepare_store(Store.open(f"sqlite:///{tmp_path}/mlflow.db"))
    assert before[:16] == (tmp_path / "mlflow.db").read_bytes()[:16]


def test_files_that_cannot_be_kept_are_said(store: Store, read_only_folder: Path) -> None:
    make_local(store)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = (read_only_folder / "files").as_uri()
        client_of(store).create_experiment("matcher/train", artifact_location=place)
    with pytest.raises(TrackingError, match=r"files.*nothing was trained.*mend the store"):
        prepare_store(store)


def test_a_deleted_experiment_is_said(store: Store) -> None:
    prepare_store(store)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = client_of(store)
        client.delete_experiment(client.get_experiment_by_name("matcher/train").experiment_id)
    with pytest.raises(TrackingError, match=r"'matcher/train' was deleted; bring it back"):
        prepare_store(store)


def test_runs_of_killed_processes_are_marked_and_no_others(store: Store) -> None:
    prepare_store(store)
    dead = subprocess.run(
        [sys.executable, "-c", "from matcher.tracking.processes import process_tags; import json; "
         "print(json.dumps(process_tags()))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    tags_of = {
        "dead": json.loads(dead.stdout),
        "alive": process_tags(),
        "elsewhere": {**json.loads(dead.stdout), "matcher.host": "another machine"},
        "unknown": {},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = client_of(store)
        experiment = client.get_experiment_by_name("matcher/train").experiment_id
        ids = {
            name: client.create_run(experiment, run_name=name, tags=tags).info.run_id
            for name, tags in tags_of.items()
        }
        found = prepare_store(store)
        statuses = {name: client.get_run(run_id).info.status for name, run_id in ids.items()}
    if not Path("/proc/self/stat").exists():
        pytest.skip("whether a process lives is told here by /proc alone")
    assert found == [ids["dead"]]
    assert statuses == dict.fromkeys(tags_of, "RUNNING") | {"dead": "KILLED"}


def test_only_what_is_certain_counts_as_dead() -> None:
    own = process_tags()
    assert not has_died(own)
    assert not has_died({})
    assert not has_died({**own, "matcher.process": "nonsense"})
    assert not has_died({**own, "matcher.process": own["matcher.process"].replace("pid=", "pid=x")})
    other_space = own["matcher.process"].rpartition("space=")[0] + "space=1"
    assert not has_died({**own, "matcher.process": other_space})
