"""Versions, aliases and the history of champions, and how a model is found by them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from matcher.errors import TrackingError, UsageError
from matcher.ranking.bundle import read_bundle, write_bundle
from matcher.tracking.client import open_client
from matcher.tracking.models import FoundModel, find_model
from matcher.tracking.promotion import Comparison, look_up, promote, read_metrics, roll_back
from matcher.tracking.registry import Registered, Registry, check_name, pick_version
from matcher.tracking.runs import RunInfo, TrainingRecord, log_training_run
from matcher.tracking.store import Store

COMPARISON = Comparison(
    facts={
        "campaign_ids": ["c1", "c2"],
        "figures": [
            {"question": "hired", "metric": "auc", "difference": 0.1, "low": 0.0, "high": None},
        ],
    },
    per_campaign=pd.DataFrame({"campaign_id": ["c1", "c2"], "value": [0.5, 0.6]}),
    market="chợ",
)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three registered versions; copied, since making one takes seconds."""
    folder = tmp_path_factory.mktemp("registry")
    for number in range(1, 4):
        train(folder, f"m{number}")
    return folder


@pytest.fixture
def store(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    # Artifacts stay where they were logged; the database alone is written here.
    shutil.copy(pristine / "home" / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Store.open()


def train(folder: Path, name: str, register_as: str | None = "matcher") -> RunInfo:
    bundle = folder / name
    if not bundle.exists():
        write_bundle(bundle, {"hire.txt": name.encode()}, {})
    record = TrainingRecord(
        run_name=name, bundle=bundle, params={},
        metrics={"hired/model/auc": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 9.0},
                 "hired/random/auc": {"value": 0.5}},
        data_name="chợ", data_hash="d0", config_hash="c0", encoder="builtin",
        tags={"model_id": name, "trained_until": "2025-01-01T00:00:00+00:00"},
        register_as=register_as,
    )  # fmt: skip
    return log_training_run(Store.open(str(folder / "home")), record)


def champion(store: Store) -> int | None:
    found = look_up(store).champion
    return None if found is None else found.version


def test_the_first_version_is_the_champion_and_the_newest_the_challenger(store: Store) -> None:
    found = look_up(store)
    assert [(one.label, one.aliases) for one in found.versions] == [
        ("matcher/3", ("challenger",)), ("matcher/2", ()), ("matcher/1", ("champion",))
    ]  # fmt: skip
    assert found.versions[0].tags == {
        "market": "chợ", "data_hash": "d0", "config_hash": "c0", "encoder": "builtin",
        "model_id": "m3", "trained_until": "2025-01-01T00:00:00+00:00",
    }  # fmt: skip
    assert [(event.action, event.version) for event in found.history] == [("first", 1)]
    assert read_metrics(store, found.versions[0]) == {"hired/auc": 0.8}


def test_every_address_leads_to_the_bundle(store: Store, pristine: Path) -> None:
    expected = {
        "models:/matcher/2": "m2", "models:/matcher@challenger": "m3", "champion": "m1",
        "challenger": "m3", "models:/matcher/latest": "m3",
    }  # fmt: skip
    for version in look_up(store).versions:
        expected[f"runs:/{version.run_id}"] = version.tags["model_id"]
    for address, name in expected.items():
        found = find_model(address)
        assert read_bundle(found.folder) == read_bundle(pristine / name), address
        assert found.version == f"matcher/{name[1]}", address


def test_a_run_that_was_not_registered_has_no_version(pristine: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "new", {"hire.txt": b"new"}, {})
    info = train(tmp_path, "new", register_as=None)
    found = find_model(info.uri, tracking_uri=str(tmp_path / "home"))
    assert info.registered is None
    assert found.version is None
    assert read_bundle(found.folder) == read_bundle(tmp_path / "new")


def test_a_bundle_among_the_files_of_a_run_is_found_as_before(store: Store, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "old", {"hire.txt": b"old"}, {})
    with open_client(store.uri) as client:
        experiment = client.create_experiment("old", (tmp_path / "files").as_uri())
        run = client.create_run(experiment).info.run_id
        client.log_artifacts(run, str(tmp_path / "old"), "model_bundle")
    for address in (f"runs:/{run}", f"runs:/{run}/model_bundle"):
        found = find_model(address)
        assert (read_bundle(found.folder), found.version) == (bundle, None)


def test_a_word_that_is_also_a_folder_is_ambiguous(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "champion").mkdir()
    with pytest.raises(UsageError, match=r"stands for \./champion here and for models:/matcher@"):
        find_model("champion")
    assert find_model("./champion") == FoundModel(Path("champion"))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("models:/matcher/9", "no such version; versions: 3, 2, 1; aliases: challenger, champion"),
        ("models:/matcher@best", "no such version"),
        ("models:/nobody/1", "no version is registered as 'nobody' in this store"),
        ("models:/matcher", "expected models:/NAME/VERSION or models:/NAME@ALIAS"),
        ("models:/a/b/c", "expected models:/NAME/VERSION"),
        (f"models:/m-{'0' * 32}", "not found|does not exist|No such"),
    ],
)
def test_a_version_that_is_not_there_is_said(store: Store, address: str, message: str) -> None:
    with pytest.raises(TrackingError, match=message):
        find_model(address)


def test_a_promotion_keeps_campaigns_and_figures(store: Store, tmp_path: Path) -> None:
    event = promote(store, look_up(store).version("challenger"), comparison=COMPARISON)
    found = look_up(store)
    assert (event.action, event.version, event.previous) == ("promoted", 3, 1)
    assert found.history[-1] == event
    assert found.version(3).aliases == ("champion",)
    with open_client(store.uri) as client:
        run = client.get_run(event.run_id)
        path = client.download_artifacts(event.run_id, "comparison.json", str(tmp_path))
        client.download_artifacts(event.run_id, "per_campaign.parquet", str(tmp_path))
    assert json.loads(Path(path).read_text(encoding="utf-8")) == COMPARISON.facts
    frame = pd.read_parquet(tmp_path / "per_campaign.parquet")
    assert frame["campaign_id"].tolist() == ["c1", "c2"]
    assert run.data.metrics == {"hired/auc_difference": 0.1, "hired/auc_low": 0.0}
    assert run.data.tags["over"] == "matcher/1"
    assert (run.info.run_name, run.info.status) == ("matcher/3 over matcher/1", "FINISHED")


def test_a_forced_promotion_keeps_what_spoke_against_it(store: Store) -> None:
    promote(store, look_up(store).version(2), comparison=None, reason="vì gấp", refusal="worse")
    last = look_up(store).history[-1]
    assert (last.action, last.reason, last.refusal, last.run_id) == (
        "forced", "vì gấp", "worse", None
    )  # fmt: skip


def test_rolling_back_follows_the_history_and_not_the_numbers(store: Store) -> None:
    for number in (3, 2):
        promote(store, look_up(store).version(number), comparison=COMPARISON)
    assert roll_back(store, reason="worse in the field").version == 3
    assert roll_back(store).version == 1
    assert roll_back(store) is None
    assert champion(store) == 1
    assert [event.action for event in look_up(store).history] == [
        "first", "promoted", "promoted", "rolled back", "rolled back"
    ]  # fmt: skip


@hypothesis_settings(max_examples=6)
@given(moves=st.lists(st.sampled_from([1, 2, 3, None]), max_size=6))
def test_the_champion_is_the_top_of_what_was_not_taken_back(
    pristine: Path, tmp_path_factory: pytest.TempPathFactory, moves: list[int | None]
) -> None:
    folder = tmp_path_factory.mktemp("moves")
    shutil.copy(pristine / "home" / "mlflow.db", folder / "mlflow.db")
    store = Store.open(str(folder))
    with open_client(store.uri) as client:
        registry = Registry(client)
        line = [1]
        for move in moves:
            if move is not None:
                registry.crown(move, "promoted")
                line.append(move)
            elif (before := registry.previous_champion()) is not None:
                registry.crown(before, "rolled back")
                line.pop()
            assert registry.champion == line[-1]
            assert registry.previous_champion() == (line[-2] if len(line) > 1 else None)


def test_an_alias_that_others_moved_is_not_guessed_about(store: Store) -> None:
    with open_client(store.uri) as client:
        client.set_registered_model_alias("matcher", "champion", "2")
    with pytest.raises(TrackingError, match="points to matcher/2, but the history .* matcher/1"):
        roll_back(store)
    with open_client(store.uri) as client:
        client.delete_registered_model_alias("matcher", "champion")
    with pytest.raises(TrackingError, match="there is no champion"):
        roll_back(store)


def test_names_that_an_address_could_not_hold_are_refused() -> None:
    assert check_name("Mạng".encode("ascii", "ignore").decode() + " v1.0") == "Mng v1.0"
    for name in ("", "a/b", "a:b", "a@b", "x'y", "ế"):
        with pytest.raises(TrackingError, match="cannot name a registered model"):
            check_name(name)


@pytest.mark.parametrize("reference", [2, "2", "matcher/2", "models:/matcher/2", "spare",
                                       "models:/matcher@spare", "matcher@spare"])  # fmt: skip
def test_a_version_is_named_in_many_ways(reference: int | str) -> None:
    made = [Registered("matcher", n, ("spare",) if n == 2 else (), "", "", "") for n in (3, 2, 1)]
    assert pick_version(made, reference, name="matcher").version == 2
    with pytest.raises(TrackingError, match="a version of the registered model 'other'"):
        pick_version(made, "matcher/2", name="other")
