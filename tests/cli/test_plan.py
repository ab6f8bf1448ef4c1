"""The verb plan: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app

DATA = Path(__file__).parents[2] / "data"
TINY = DATA / "tiny_market"
BRIEF = DATA / "brief-vi.yaml"
CONFIG = {
    "encoder": {"name": "random", "dim": 32},
    "ranker": {"n_trees": 10, "n_draws": 1},
    "retrieval": {"min_posts": 1},
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    (folder / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    plain = ["--config", folder / "config.yaml", "--no-track", "--no-evaluate"]
    made = run("train", TINY, "--out", folder / "model", *plain)
    assert made.exit_code == 0, made.stderr
    return folder / "model"


def planned(model: Path, *more: object) -> Result:
    asked = ("plan", TINY, "--model", model, "--brief", BRIEF, "--seconds", 1, "--no-frontier")
    return run(*asked, *more)


def refused(code: int, result: Result) -> str:
    assert (result.exit_code, result.stdout) == (code, ""), result.stderr
    return next(line for line in result.stderr.splitlines() if line.startswith("matcher: "))


def test_a_plan_is_shown_as_a_table_with_its_audit(model: Path) -> None:
    result = planned(model, "--budget", 30_000_000, "--currency", "VND")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Hire ")
    assert "of 30,000,000 VND" in lines[0]
    assert any(line.startswith("account ") and "lost without" in line for line in lines)
    assert lines[-1].startswith("plan: as of ")
    assert "request " in lines[-1]
    assert "Overlap of audiences is estimated" in result.stderr


def test_a_table_by_a_quantile_shows_what_accounts_count_beside_their_means(model: Path) -> None:
    result = planned(model, "--quantile", 0.2)
    assert result.exit_code == 0, result.stderr
    assert "counted (at 80 %)  lost without (at 80 %)" in result.stdout
    assert "counted" not in planned(model).stdout


def test_json_says_all_and_the_budget_of_the_brief_is_the_default(model: Path) -> None:
    result = planned(model, "--json", "--lang", "vi")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["facts"]["budget"] == 60_000_000
    assert told["facts"]["cost"] <= 60_000_000
    assert told["sentences"][0].startswith("Thuê ")
    assert told["audit"]["data_hash"]
    assert told["out"] is None


@pytest.mark.parametrize("form", ["xlsx", "json", "parquet"])
def test_files_are_written_whole_and_not_replaced(model: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"plan.{form}"
    result = planned(model, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert [one.name for one in tmp_path.iterdir()] == [out.name]
    assert "stands there already" in refused(2, planned(model, "--out", out))
    if form == "parquet":
        frame = pd.read_parquet(out)
        assert frame["fee"].sum() <= 60_000_000
        assert frame["model_id"].notna().all()


def test_a_dry_run_says_what_would_be_planned_and_writes_nothing(
    model: Path, tmp_path: Path
) -> None:
    result = planned(model, "--dry-run", "--out", tmp_path / "p.xlsx", "--json")
    assert result.exit_code == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    assert told["would"] == f"plan brief brief-vi into {tmp_path / 'p.xlsx'}"
    assert told["limits"] == ["budget", "number"]
    assert told["overlap"] == "audiences"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--budget", 0], 2, "budget of 0; expected an amount above 0"),
        (["--budget", -1], 2, "budget of -1; expected an amount above 0"),
        (["--budget", 9_000, "--currency", "EUR"], 3, "no rate from"),
        (["--currency", "EUR"], 2, "give --budget AMOUNT in the new currency too"),
        (["--currency", "x"], 2, "expected a code of ISO 4217"),
        (["--objective", "likes"], 2, "objective: got 'likes'"),
        (["--objective", "leads"], 3, "does not predict leads"),
        (["--quantile", 2], 2, "expected .01 to .99"),
        (["--panel", "none.csv"], 2, "no such file; expected a panel"),
        (["--constraints", "none.yaml"], 2, "no such file"),
        (
            ["--campaign", "cmp_0022"],
            2,
            "one brief is planned for; give either --brief FILE or --campaign ID",
        ),
        (["--out", "plan.csv"], 2, "expected one of .xlsx, .json, .parquet"),
        (["--lang", "fr"], 2, "--lang: got 'fr'"),
        (["--budget", 100], 3, "above the budget of 100"),
    ],
)
def test_what_cannot_be_planned_ends_in_a_message(
    model: Path, more: list[object], code: int, told: str
) -> None:
    assert told in refused(code, planned(model, *more))


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("numbr: {min: 1}", 2, "unknown key `numbr`; did you mean `number`?"),
        ("must_have: [acc_9]", 3, "must_have: 1 account(s) are not in the market"),
        ("rivals: [nobody]", 3, "rivals: 1 brand(s) are not in the market"),
        ("number: {min: 30}", 2, "number of accounts at least 30 accounts"),
    ],
)
def test_constraints_that_cannot_be_kept_end_in_a_message(
    model: Path, tmp_path: Path, text: str, code: int, told: str
) -> None:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    result = planned(model, "--constraints", tmp_path / "c.yaml", "--budget", 9_000_000)
    assert told in refused(code, result)


@pytest.mark.slow
def test_a_plan_is_judged_by_the_truth_of_a_simulated_market(tmp_path: Path) -> None:
    market, config = tmp_path / "market", tmp_path / "config.yaml"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    for words in (
        ["simulate", market, "--influencers", 200, "--campaigns", 60, "--seed", 4001],
        ["train", market, "--out", tmp_path / "model", "--config", config, "--no-track",
         "--no-evaluate"],
    ):  # fmt: skip
        made = run(*words)
        assert made.exit_code == 0, made.stderr
    campaigns = pd.read_parquet(market / "campaigns.parquet")
    campaign = campaigns.loc[campaigns["budget"].notna(), "campaign_id"].iloc[-1]
    for form in ("json", "parquet"):
        out = tmp_path / f"plan.{form}"
        made = run(
            "plan", market, "--model", tmp_path / "model", "--campaign", campaign, "--out", out,
            "--seconds", 2, "--no-frontier",
        )  # fmt: skip
        assert made.exit_code == 0, made.stderr
        judged = run("simulate", market, "--judge", "--predictions", out, "--no-ceilings", "--json")
        assert judged.exit_code == 0, judged.stderr
        rows = pd.DataFrame(json.loads(judged.stdout)["rows"])
        assert set(rows["kind"]) == {"plan"}
        assert rows["metric"].eq("regret").any()
