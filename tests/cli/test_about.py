"""The verbs doctor and config."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from matcher.cli import app
from matcher.config import Settings, read_settings


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_doctor_finds_everything_in_order(home: Path) -> None:
    result = run("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    found = {one["what"]: one for one in json.loads(result.stdout)}
    six = {"scikit-learn", "lightgbm", "pandas", "sentence-transformers", "mlflow", "pytest"}
    assert six <= set(found)
    assert {one["state"] for one in found.values()} <= {"ok", "note"}
    assert str(home) in found["tracking"]["text"]
    lines = run("doctor").stdout.splitlines()
    assert len(lines) == len(found)


def test_the_doctor_says_what_is_wrong(home: Path, read_only_folder: Path) -> None:
    result = run("doctor", "--encoder", "no/such", "--json")
    bad = [one for one in json.loads(result.stdout) if one["state"] == "bad"]
    assert result.exit_code == 1
    assert [one["what"] for one in bad] == ["encoder"]
    assert "hf download no/such" in bad[0]["text"]
    result = run("doctor", "--tracking-uri", f"sqlite:///{read_only_folder / 'm.db'}")
    assert result.exit_code == 1
    assert "bad   tracking" in result.stdout


def test_printed_settings_are_those_that_are_read(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(run("config").stdout, encoding="utf-8")
    assert read_settings(path) == Settings()
    assert f"# config hash {Settings().hash}" in path.read_text(encoding="utf-8")


def test_each_value_names_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("{ranker: {n_trees: 7}, encoder: {name: a/b, dim: 16}}", encoding="utf-8")
    options = ["--config", path, "--encoder", "random"]
    text = run("config", "--resolved", *options).stdout
    assert f"  n_trees: 7  # {path}" in text
    assert f"  dim: 16  # {path}" in text
    assert '  name: "random"  # command line' in text
    assert "  n_leaves: 6  # default" in text
    assert yaml.safe_load(text)["encoder"]["name"] == "random"
    found = json.loads(run("config", "--json", *options).stdout)["settings"]
    assert found["encoder.name"] == {"value": "random", "from": "command line"}
    assert found["language"] == {"value": "en", "from": "default"}


def test_a_bad_setting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("ranker: {n_tree: 7}", encoding="utf-8")
    result = run("config", "--config", path)
    assert result.exit_code == 2
