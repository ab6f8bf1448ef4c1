"""`matcher train --tune`: what it prints, keeps and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"
CONFIG = {
    "encoder": {"name": "random", "dim": 8},
    "ranker": {"n_trees": 5, "n_draws": 1},
    "outcome": {"n_trees": 5, "n_periods": 1},
    "retrieval": {"min_posts": 1},
    "evaluation": {"n_blocks": 1, "min_earlier_hired": 40, "n_bootstrap": 50, "n_permutations": 1},
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    (tmp_path / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    return tmp_path


def train(place: Path, *options: str) -> Result:
    words = ["train", str(MARKET), "--config", str(place / "config.yaml"), "--no-track"]
    return CliRunner().invoke(app, [*words, *options])


def test_a_tuning_is_told_kept_and_marked_in_the_figures(place: Path) -> None:
    first = train(place, "--out", str(place / "a"), "--tune", "2", "--no-evaluate")
    assert first.exit_code == 0, first.stderr
    head, columns, as_they_are, *_ = first.stdout.splitlines()
    assert head == (
        "tuned by 3 trials, on 2 folds with 4 campaigns decided 2025-02-22 to 2025-05-21"
    )
    assert columns.split() == ["objective", "NDCG@10", "Spearman"]
    assert as_they_are.startswith("  trial 0, settings as they are ")
    assert "of 2 was better by" in first.stdout or "none of 2 trials was better" in first.stdout
    assert "tuning, trials: 3 of 3" in first.stderr
    options = ("--out", str(place / "b"), "--tune", "3", "--take-best", "--json")
    again = train(place, *options)
    assert again.exit_code == 0, again.stderr
    found = json.loads(again.stdout)
    told = found["tuning"]
    assert told["n_kept"] == 3
    assert Path(told["kept_in"]).parent == place / "home" / "tuning"
    assert [one["number"] for one in told["trials"]] == [0, 1, 2, 3]
    assert told["taken"] is (told["gain"]["best"] != 0)
    assert told["taken"]
    remarks = found["evaluation"]["audit"]["remarks"]
    assert any("settings were chosen on 4 of these campaigns" in text for text in remarks)
    manifest = json.loads((place / "b" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["config_hash"] == told["config_hash"] != told["asked_config_hash"]
    best = told["trials"][told["gain"]["best"]]["settings"]
    assert manifest["config"]["ranker"]["n_trees"] == best["ranker.n_trees"]


def test_a_dry_run_says_what_would_judge_and_writes_nothing(place: Path) -> None:
    done = train(place, "--out", str(place / "a"), "--tune", "2", "--dry-run", "--json")
    assert json.loads(done.stdout)["tuning"] == {
        "trials": 2,
        "folds": 2,
        "judging campaigns": 4,
        "decided": "2025-02-22 to 2025-05-21",
    }
    assert {path.name for path in place.iterdir()} == {"config.yaml"}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--tune", "0"), 2, "tune: got 0 trials; expected a whole number of 1 or more"),
        (("--tune", "-3"), 2, "tune: got -3 trials"),
        (("--take-best",), 2, "take_best: nothing is tuned"),
        (("--tune", "2", "--until", "2024-12-01"), 3, "2 folds are needed: give more history"),
    ],
)
def test_what_cannot_be_tuned_is_refused(
    place: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    done = train(place, "--out", str(place / "a"), *options)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr
    assert not (place / "a").exists()
