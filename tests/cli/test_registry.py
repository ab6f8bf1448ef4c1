"""The verbs of `matcher models`, and the addresses that the other verbs take, on a tiny market."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app

DATA = Path(__file__).parents[2] / "data"
MARKET = DATA / "tiny_market"
CONFIG = {
    "encoder": {"dim": 16, "epochs": 1},
    "ranker": {"n_trees": 10, "n_draws": 1},
    "outcome": {"n_periods": 2},
    "retrieval": {"min_posts": 1},
    "evaluation": {"n_bootstrap": 200},
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(code: int, *arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == code, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A store with two models that leave campaigns to be judged on, and one that leaves none."""
    folder = tmp_path_factory.mktemp("models")
    config = folder / "config.yaml"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    poor = folder / "poor.yaml"
    poor.write_text(json.dumps(CONFIG | {"ranker": {"n_trees": 1, "n_draws": 1}}), encoding="utf-8")
    common = ["train", MARKET, "--no-evaluate"]
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATCHER_HOME", str(folder / "home"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        # The first knows no words, since its vectors are random, and has one tree.
        choices = (
            ("--config", poor, "--until", "2024-10-01", "--encoder", "random"),
            ("--config", config, "--until", "2024-11-01"),
            ("--config", config),
        )
        for number, options in enumerate(choices, start=1):
            said.append(done(*common, "--out", folder / f"m{number}", *options))
    return folder, said


@pytest.fixture(autouse=True)
def home(pristine: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Artifacts stay where they were logged; the database alone is written here.
    shutil.copy(pristine[0] / "home" / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def champion() -> str:
    [found] = [one["label"] for one in done("models", "list") if "champion" in one["aliases"]]
    return found


def test_training_registers_a_champion_and_then_challengers(pristine: tuple[Path, Any]) -> None:
    _, said = pristine
    assert [(one["model_version"], one["aliases"]) for one in said] == [
        ("matcher/1", ["champion"]), ("matcher/2", ["challenger"]), ("matcher/3", ["challenger"])
    ]  # fmt: skip
    listed = done("models", "list")
    assert [one["label"] for one in listed] == ["matcher/3", "matcher/2", "matcher/1"]
    assert [one["tags"]["model_id"] for one in listed] == [m["model_id"] for m in reversed(said)]
    text = run("models", "list").stdout
    assert text.splitlines()[1].split()[:4] == [
        "matcher/3", "challenger", said[2]["model_id"], "2025-06-30"
    ]  # fmt: skip


@pytest.mark.parametrize("address", ["champion", "models:/matcher/1", "models:/matcher@champion"])
def test_rows_name_the_version_that_an_address_led_to(
    pristine: tuple[Path, Any], tmp_path: Path, address: str
) -> None:
    folder, said = pristine
    asked = ["recommend", MARKET, "--brief", DATA / "brief-vi.yaml", "--top", 2, "--model"]
    audit = done(*asked, address, "--out", tmp_path / "l.parquet")["audit"]
    lists = pd.read_parquet(tmp_path / "l.parquet")
    assert set(lists["model_version"]) == {audit["model_version"]} == {"matcher/1"}
    done(*asked, folder / "m1", "--out", tmp_path / "f.parquet")
    other = pd.read_parquet(tmp_path / "f.parquet")
    pd.testing.assert_frame_equal(
        other.drop(columns="model_version"), lists.drop(columns="model_version")
    )
    assert other["model_version"].isna().all()
    assert audit["model_id"] == said[0]["model_id"]


def test_explain_and_evaluate_name_it_too(pristine: tuple[Path, Any]) -> None:
    brief = ["--brief", DATA / "brief-vi.yaml", "--account", "acc_000005"]
    told = done("explain", MARKET, "--model", "challenger", *brief)
    assert (told["model_version"], told["model_id"]) == ("matcher/3", pristine[1][2]["model_id"])
    config = pristine[0] / "config.yaml"
    figures = done("evaluate", MARKET, "--model", "models:/matcher/2", "--config", config)
    assert figures["audit"]["model_version"] == "matcher/2"


def test_a_comparison_is_paired_on_the_same_campaigns() -> None:
    told = done("models", "compare", 2, "champion", "--market", MARKET)
    assert (told["model"], told["other"]) == ("matcher/2", "matcher/1")
    assert len(told["campaign_ids"]) == 10
    figures = {(row["question"], row["metric"]): row for row in told["figures"]}
    row = figures["hired", "ndcg_at_10"]
    assert row["difference"] == pytest.approx(row["model"] - row["other"])
    assert row["low"] <= row["difference"] <= row["high"]


def test_a_comparison_on_another_market_says_so(tmp_path: Path) -> None:
    shutil.copytree(MARKET, tmp_path / "other")
    result = run("models", "compare", 2, 1, "--market", tmp_path / "other")
    assert result.stdout.startswith(
        "matcher/2 against matcher/1 on 10 campaigns decided from 2024-11-02"
    )
    assert "matcher/1 was trained on the market 'tiny_market', not on 'other'" in result.stderr


def test_a_folder_may_be_compared_with_a_version(pristine: tuple[Path, Any]) -> None:
    told = done("models", "compare", pristine[0] / "m2", "matcher/2", "--market", MARKET)
    assert (told["model"], told["other"]) == (pristine[1][1]["model_id"], "matcher/2")
    assert {row["difference"] for row in told["figures"]} <= {0.0, None}


def test_a_better_model_is_promoted_and_taken_back() -> None:
    told = done("models", "promote", 2, "--market", MARKET)
    assert (told["promoted"], told["objections"]) == (True, [])
    assert told["event"]["run_id"]
    assert champion() == "matcher/2"
    shown = done("models", "show", "champion")
    assert [event["action"] for event in shown["history"]] == ["promoted"]
    assert "matcher/2 became the champion in place of matcher/1" in run("models", "show", 2).stdout
    assert done("models", "rollback", "--reason", "why not")["version"] == 1
    assert champion() == "matcher/1"
    assert "was the champion before" in refused(1, "models", "rollback")


def test_a_worse_model_is_refused_unless_forced() -> None:
    done("models", "promote", 2, "--market", MARKET)
    result = run("models", "promote", 1, "--market", MARKET, "--json")
    assert "matcher/1 was not promoted: ndcg_at_10 of hired is worse by" in result.stderr
    assert "matcher/2 stays the champion; --force --reason TEXT" in result.stderr
    assert champion() == "matcher/2"
    told = json.loads(result.stdout)
    assert (result.exit_code, told["promoted"], len(told["objections"])) == (1, False, 1)
    force = ["--force", "--reason", "the other one broke"]
    event = done("models", "promote", 1, "--market", MARKET, *force)["event"]
    assert event["action"] == "forced"
    assert "is worse by" in event["refusal"]
    assert event["reason"] == "the other one broke"
    assert champion() == "matcher/1"


def test_without_enough_later_campaigns_nothing_is_promoted() -> None:
    assert "none of 24 campaigns" in refused(1, "models", "promote", 3, "--market", MARKET)
    few = refused(1, "models", "promote", 2, "--market", MARKET, "--min-campaigns", 11)
    assert "only 10 campaign(s)" in few
    assert champion() == "matcher/1"


@pytest.mark.parametrize(
    ("code", "words", "message"),
    [
        (2, ["promote", 2], "--market: give the market"),
        (2, ["promote", 1, "--market", MARKET], "matcher/1 is the champion already"),
        (2, ["promote", 2, "--force"], "give --reason TEXT"),
        (1, ["promote", 9, "--market", MARKET], "no such version"),
        (1, ["show", "best"], "aliases: challenger, champion"),
        (1, ["show", 1, "--name", "other"], "no version is registered as 'other'"),
        (1, ["rollback", "--name", "other"], "there is no champion"),
        (1, ["list", "--tracking-uri", "nowhere"], "no tracking store is there"),
        (3, ["compare", 3, 1, "--market", MARKET], "wait for later campaigns"),
    ],
)
def test_what_cannot_be_done_is_said(code: int, words: list[object], message: str) -> None:
    assert message in refused(code, "models", *words)


def test_an_empty_registry_is_a_note_and_an_empty_list() -> None:
    result = run("models", "list", "--name", "other")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "matcher train MARKET registers one" in result.stderr
    assert done("models", "list", "--name", "other") == []


def test_train_may_leave_the_registry_alone_or_choose_another_name(
    pristine: tuple[Path, Any], tmp_path: Path
) -> None:
    common = ["train", MARKET, "--config", pristine[0] / "config.yaml", "--no-evaluate", "--out"]
    told = done(*common, tmp_path / "a", "--no-register")
    assert (told["model_version"], told["aliases"]) == (None, [])
    assert told["run"]
    told = done(*common, tmp_path / "b", "--register-as", "tiktok vn")
    assert (told["model_version"], told["aliases"]) == ("tiktok vn/1", ["champion"])
    assert champion() == "matcher/1"
    assert "cannot name a registered model" in refused(
        1, *common, tmp_path / "c", "--register-as", "a/b"
    )
    assert not (tmp_path / "c").exists()
