"""`matcher evaluate --full`: one table, in every form and in the tracking store."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"
CONFIG = {
    "encoder": {"name": "random", "dim": 16, "seed": 5},
    "ranker": {"n_trees": 5, "n_draws": 1},
    "outcome": {"n_trees": 5, "n_periods": 0},
    "retrieval": {"min_posts": 1},
    "evaluation": {"n_blocks": 1, "min_earlier_hired": 30, "n_bootstrap": 20, "n_permutations": 1},
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", str(MARKET), *map(str, arguments)])


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "config.yaml"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def done(config: Path) -> tuple[Result, Path]:
    """A run that is tracked, with its table in a file."""
    folder = config.parent
    result = run(
        "--full", "--config", config, "--tracking-uri", folder / "store",
        "--out", folder / "full.parquet", "--json",
    )  # fmt: skip
    return result, folder


def test_the_table_is_the_same_in_every_form(done: tuple[Result, Path]) -> None:
    result, folder = done
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["audit"]["market"] == "tiny_market"
    frame = pd.read_parquet(folder / "full.parquet")
    assert [row["variant"] for row in said["table"]] == frame["variant"].tolist()
    assert {row["group"] for row in said["table"]} == {
        "ablations", "robustness", "learning curve"
    }  # fmt: skip
    assert "ablations and robustness" in result.stderr
    assert f"tracked as {said['run']}" in result.stderr


def test_the_run_holds_the_table_and_its_figures(done: tuple[Result, Path]) -> None:
    from mlflow import MlflowClient

    result, folder = done
    said = json.loads(result.stdout)
    run_id = said["run"].removeprefix("runs:/")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(f"sqlite:///{folder / 'store' / 'mlflow.db'}")
        held = client.get_run(run_id)
        experiment = client.get_experiment(held.info.experiment_id)
        files = {item.path for item in client.list_artifacts(run_id)}
        files |= {item.path for item in client.list_artifacts(run_id, "tables")}
        table = pd.read_parquet(client.download_artifacts(run_id, "tables/full.parquet"))
        models = client.search_logged_models([held.info.experiment_id])
    assert experiment.name == "matcher/evaluate"
    assert held.info.status == "FINISHED"
    assert {"full.md", "full.json", "params.json", "tables/full.parquet"} <= files
    assert not models
    assert held.data.tags["data_hash"] == said["audit"]["data_hash"]
    assert table.equals(pd.read_parquet(folder / "full.parquet"))
    for row in said["table"]:
        if row["group"] == "ablations" and row["variant"] == "without history" and row["value"]:
            place = f"ablations/without_history/{row['question']}/{row['metric']}"
            assert held.data.metrics[place] == row["value"]
            assert held.data.metrics[f"{place}/difference"] == row["difference"]
            assert held.data.metrics.get(f"{place}/difference_low") == row["difference_low"]
    english = "robustness/briefs_by_category_English/hired/auc"
    assert f"{english}/difference_from_briefs_by_category_Vietnamese" in held.data.metrics


def test_what_stands_is_not_replaced(done: tuple[Result, Path], config: Path) -> None:
    result = run("--full", "--config", config, "--no-track", "--out", done[1] / "full.parquet")
    assert result.exit_code != 0
    assert "--force" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "somewhere"], "cannot judge a given --model"),
        (["--protocol", "brands"], "leave --protocol brands out"),
        (["--leak-check"], "run --leak-check by itself"),
        (["--since", "2025-01-01"], "--since: walking forward alone judges a part"),
        (["--protocol", "x"], "--protocol: got 'x'; expected one of time, brands"),
    ],
)
def test_wrong_use_is_refused_before_any_work(words: list[str], message: str) -> None:
    result = run("--full", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_store_that_takes_no_writes_is_told_before_the_work(
    config: Path, read_only_folder: Path
) -> None:
    result = run("--full", "--config", config, "--tracking-uri", read_only_folder / "store")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert "ablations" not in result.stderr
