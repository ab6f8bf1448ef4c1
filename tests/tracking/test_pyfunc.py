"""A logged model, loaded by MLflow alone, answers as the trained one did."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from matcher.config import Settings
from matcher.errors import BundleError, ConfigError, DataError, MatcherError, UsageError
from matcher.features.context import MarketData
from matcher.market.brief_table import BRIEF_COLUMNS, briefs_of_table
from matcher.market.load import load_market
from matcher.ranking.bundle import read_bundle
from matcher.recommend.recommend import recommend
from matcher.recommend.recommendations import COLUMNS
from matcher.recommend.serving import json_frame
from matcher.tracking.client import open_client
from matcher.tracking.logged import BUNDLE_PATH, save_pyfunc
from matcher.tracking.models import find_model
from matcher.tracking.store import Store
from matcher.training import train_model

ROOT = Path(__file__).parents[2]
TINY = ROOT / "data" / "tiny_market"
SETTINGS = Settings.model_validate(
    {
        "encoder": {"dim": 16, "epochs": 1},
        "ranker": {"n_trees": 10, "n_draws": 1, "min_rows_in_leaf": 3},
        "outcome": {"n_trees": 5, "n_periods": 2},
        "retrieval": {"min_posts": 1},
    }
)
BRIEFS = [
    {"brief_id": "noodles", "brief": "mì ly siêu cay", "platforms": ["tiktok"], "n_creators": 3.0},
    {"brief_id": "sun", "brief": "mineral sunscreen", "countries": ["VN"], "budget": None},
]
OPTIONS = {"top_k": 5, "order": "blend", "lang": "vi"}
ELSEWHERE = """
import json, socket, sys

def refuse(*args, **options):
    raise AssertionError("something reached for the network")

socket.socket.connect = socket.socket.connect_ex = socket.create_connection = refuse
socket.getaddrinfo = refuse
import mlflow

store, briefs, market, options, out, *addresses = sys.argv[1:]
mlflow.set_tracking_uri(store)
found = []
for address in addresses:
    model = mlflow.pyfunc.load_model(address, model_config={"market": market})
    rows = model.predict(json.loads(briefs), params=json.loads(options))
    found.append(rows.to_dict("records"))
with open(out, "w") as file:
    json.dump(found, file, allow_nan=False)
"""


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A model trained in memory and logged, and the list that it gives in memory."""
    folder = tmp_path_factory.mktemp("pyfunc")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATCHER_HOME", str(folder / "home"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("MATCHER_MARKET", raising=False)
        data = MarketData(load_market(TINY, SETTINGS.market))
        store = Store.open()
        result = train_model(
            data,
            SETTINGS,
            folder=folder / "Mô hình 1",
            market_name="tiny",
            store=store,
            register_as="matcher",
            evaluate=False,
        )
        lists = recommend(
            result.model,
            data,
            briefs_of_table(BRIEFS),
            top_k=5,
            order="blend",
            language="vi",
            model_id=result.model_id,
            model_version="matcher/1",
        )
        yield SimpleNamespace(
            folder=folder, store=store, result=result, lists=json_frame(lists.frame)
        )


@pytest.fixture(scope="module")
def saved(tracked: SimpleNamespace) -> Path:
    """The same model as a folder of MLflow's."""
    with open_client(tracked.store.uri):
        return save_pyfunc(tracked.folder / "Mô hình 1", tracked.folder / "pyfunc")


@pytest.fixture(scope="module")
def loaded(saved: Path, tracked: SimpleNamespace) -> Any:
    with open_client(tracked.store.uri):
        import mlflow

        return mlflow.pyfunc.load_model(str(saved), model_config={"market": str(TINY)})


def rows_of(lists: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(json.dumps(lists.to_dict("records"), allow_nan=False))


def predict(model: Any, briefs: object, **params: object) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.predict(briefs, params=params)


def test_a_clean_process_without_network_gives_every_bit(
    tracked: SimpleNamespace, tmp_path: Path
) -> None:
    words = [tracked.store.uri, json.dumps(BRIEFS), str(TINY), json.dumps(OPTIONS)]
    addresses = ["models:/matcher@champion", tracked.result.run.uri]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *words, str(tmp_path / "out.json"), *addresses],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
    )
    assert done.returncode == 0, done.stderr
    registered, run = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert registered == rows_of(tracked.lists)
    # MLflow tells a loaded model its version only where it was asked for by it.
    assert run == rows_of(tracked.lists.assign(model_version=None))
    assert len(run) == 10


def test_the_logged_model_is_a_bundle_still(tracked: SimpleNamespace) -> None:
    own = read_bundle(tracked.folder / "Mô hình 1")
    run = tracked.result.run
    addresses = ["models:/matcher/1", "models:/matcher@champion", "models:/matcher/latest",
                 "champion", run.uri, f"runs:/{run.run_id}"]  # fmt: skip
    for address in addresses:
        found = find_model(address)
        assert read_bundle(found.folder) == own, address
        assert found.version == "matcher/1", address


def test_it_holds_no_pickle_and_pins_what_scores_rest_on(saved: Path) -> None:
    names = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    assert {Path(name).suffix for name in names} <= {
        "", ".json", ".md", ".py", ".safetensors", ".txt", ".yaml",
    }  # fmt: skip
    assert f"{BUNDLE_PATH}/manifest.json" in names
    pins = (saved / "requirements.txt").read_text(encoding="utf-8").split()
    assert {pin.partition("==")[0] for pin in pins} >= {"matcher", "lightgbm", "mlflow", "torch"}
    assert all("==" in pin and "+" not in pin for pin in pins)
    assert find_model(saved).folder == saved / BUNDLE_PATH


def test_its_signature_is_that_of_the_raw_columns(loaded: Any) -> None:
    signature = loaded.metadata.signature
    assert signature.inputs.input_names() == list(BRIEF_COLUMNS)
    assert signature.inputs.required_input_names() == ["brief_id"]
    assert signature.outputs.input_names() == list(COLUMNS)
    assert [param.name for param in signature.params] == [
        "market", "top_k", "order", "lang", "as_of"
    ]  # fmt: skip


def test_project_files_of_the_working_folder_stay_out(
    tracked: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("uv.lock", "pyproject.toml"):
        (tmp_path / name).write_text("secret = 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with open_client(tracked.store.uri):
        save_pyfunc(tracked.folder / "Mô hình 1", tmp_path / "model")
    assert not {"uv.lock", "pyproject.toml"} & {path.name for path in tmp_path.glob("model/*")}


@pytest.mark.parametrize(
    ("briefs", "params", "error", "message"),
    [
        ([{"brief_id": "b", "plattforms": []}], {}, ConfigError, "did you mean `platforms`"),
        (pd.DataFrame({"brief_id": ["b"], "title": [5]}), {}, ConfigError, "`title`: got 5"),
        (pd.DataFrame({"brief": ["x"]}), {}, ConfigError, "`brief_id`"),
        (BRIEFS, {"market": "/elsewhere"}, UsageError, "set where the model was loaded"),
        (
            BRIEFS,
            {"order": "best"},
            UsageError,
            "expected one of objective, fit, deliver",
        ),
        (BRIEFS, {"as_of": "2020-01-01T00:00:00Z"}, DataError, "was trained until"),
    ],
)
def test_bad_input_is_an_error_of_matcher(
    loaded: Any, briefs: object, params: dict, error: type[MatcherError], message: str
) -> None:
    with pytest.raises(error, match=message):
        predict(loaded, briefs, **params)


def test_the_market_may_come_from_the_surroundings(
    saved: Path, tracked: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    bare = mlflow.pyfunc.load_model(str(saved))
    with pytest.raises(UsageError, match="no market is named"):
        predict(bare, BRIEFS)
    named = predict(bare, BRIEFS, market=str(TINY), **OPTIONS)
    monkeypatch.setenv("MATCHER_MARKET", str(TINY))
    served = predict(mlflow.pyfunc.load_model(str(saved)), BRIEFS, **OPTIONS)
    pd.testing.assert_frame_equal(named, served)
    assert served["blend_score"].tolist() == tracked.lists["blend_score"].tolist()


def test_an_altered_model_is_not_loaded(saved: Path, tmp_path: Path) -> None:
    import mlflow

    shutil.copytree(saved, tmp_path / "model")
    with (tmp_path / "model" / BUNDLE_PATH / "hire" / "0000.txt").open("a") as file:
        file.write("tree\n")
    with pytest.raises(BundleError, match=r"hire/0000\.txt"):
        mlflow.pyfunc.load_model(str(tmp_path / "model"))


@pytest.fixture
def server(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The scoring server's application, without a socket."""
    from mlflow.pyfunc.scoring_server import init
    from starlette.testclient import TestClient

    # The application sets it for its process; here it has to go again.
    monkeypatch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
    return TestClient(init(loaded))


def test_the_scoring_server_gives_every_bit(server: Any, tracked: SimpleNamespace) -> None:
    answer = server.post("/invocations", json={"inputs": BRIEFS, "params": OPTIONS})
    assert answer.status_code == 200, answer.text
    expected = rows_of(tracked.lists.assign(model_version=None))
    assert answer.json()["predictions"] == expected


def test_the_scoring_server_says_what_is_wrong(server: Any) -> None:
    answer = server.post("/invocations", json={"inputs": [{"brief_id": "b", "breif": "x"}]})
    assert answer.status_code == 400
    assert "unknown column(s): `breif` (did you mean `brief`?)" in answer.json()["message"]


@pytest.mark.slow
def test_mlflow_serves_it(saved: Path, tracked: SimpleNamespace, tmp_path: Path) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(saved), "-h",
               "127.0.0.1", "-p", str(port), "--env-manager", "local"]  # fmt: skip
    # As in an activated environment, where MLflow finds its server.
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "MATCHER_MARKET": str(TINY), "PATH": programs}
    body = json.dumps({"inputs": BRIEFS, "params": OPTIONS}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
    )
    with (
        (tmp_path / "log").open("w+b") as log,
        subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, cwd=tmp_path, start_new_session=True
        ) as process,
    ):
        try:
            for _ in range(120):
                try:
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        found = json.load(answer)["predictions"]
                    break
                except (ConnectionError, urllib.error.URLError):
                    assert process.poll() is None, (tmp_path / "log").read_text()
                    time.sleep(0.5)
            else:
                pytest.fail((tmp_path / "log").read_text())
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
    assert found == rows_of(tracked.lists.assign(model_version=None))
