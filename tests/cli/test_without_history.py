"""A market with accounts and public posts only: trained, listed and explained under a name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from matcher.cli import app

DATA = Path(__file__).parents[2] / "data"
NAME = "likeness-and-level"
CONFIG = {
    "encoder": {"dim": 16, "epochs": 1},
    "ranker": {"n_trees": 5, "n_draws": 1},
    "outcome": {"n_trees": 5},
    "retrieval": {"min_posts": 1},
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def strip(market: Path, kind: str) -> Path:
    """The tiny market without collaborations, without campaigns, or with open campaigns only."""
    shutil.copytree(DATA / "tiny_market", market)
    lost = {"collaborations", "decisions", "campaign_posts"} | {
        "no campaigns": {"campaigns"}, "accounts and posts": {"campaigns", "brands"}
    }.get(kind, set())  # fmt: skip
    for name in lost:
        for path in market.glob(f"{name}.*"):
            path.unlink()
    if kind == "open campaigns":
        path = next(market.glob("campaigns.*"))
        table = pd.read_parquet(path)
        nothing = pd.Series(pd.NaT, index=table.index, dtype=table["decided_at"].dtype)
        table.assign(decided_at=nothing).to_parquet(path, index=False)
    return market


KINDS = ["no collaborations", "no campaigns", "open campaigns", "accounts and posts"]


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("bare")
    market = strip(folder / "market", request.param)
    config = folder / "config.yaml"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    result = run(
        "train", market, "--out", folder / "model", "--no-track", "--config", config
    )  # fmt: skip
    return request.param, market, folder / "model", config, result


def test_training_names_the_fallback_and_says_why_nothing_is_judged(made: Any) -> None:
    kind, market, model, _, result = made
    assert result.exit_code == 0, result.stderr
    assert f"without any hire: the fallback {NAME} of 6 features" in result.stdout
    assert f"is the fallback `{NAME}`" in result.stderr
    assert "not evaluated: without history nothing can be judged" in result.stderr
    assert "--all-open" in result.stdout or kind in ("no campaigns", "accounts and posts")
    card = (model / "model_card.md").read_text(encoding="utf-8")
    assert card.split("\n")[2].startswith(f"The fallback `{NAME}`: ranks accounts")
    assert "LambdaRank" not in card
    assert "*Hired*: not learnt; the mean of the normal scores of" in card
    assert market.name in card


def test_lists_and_explanations_name_it_once(made: Any, tmp_path: Path) -> None:
    kind, market, model, _, _ = made
    brief, out = DATA / "brief-vi.yaml", tmp_path / "lists.parquet"
    asked = ["--model", model, "--brief", brief]
    is_open = kind == "open campaigns"
    result = run("recommend", market, *asked, *["--all-open"] * is_open, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count(f"is the fallback `{NAME}`") == 1
    assert "ordered by outcome (engagements)" in result.stderr
    lists = pd.read_parquet(out)
    assert lists["outcome_note"].str.contains("8 of 10 such public posts bring").all()
    assert lists["brief_id"].nunique() == 1 + 24 * is_open
    account = lists["account_id"].iloc[0]
    result = run("explain", market, *asked, "--account", account)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count(f"is the fallback `{NAME}`") == 1


def test_evaluation_says_that_nothing_can_be_judged(made: Any) -> None:
    _, market, model, config, _ = made
    for given in ([], ["--model", model]):
        result = run("evaluate", market, "--config", config, *given)
        assert result.exit_code == 3
        assert "nothing can be learnt from hires, or judged by them" in result.stderr


def test_a_dry_run_tells_the_same_and_tuning_is_refused(made: Any, tmp_path: Path) -> None:
    _, market, _, config, _ = made
    asked = ["train", market, "--out", tmp_path / "other", "--no-track", "--config", config]
    result = run(*asked, "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    plan = json.loads(result.stdout)
    assert plan["learns from"] == {"campaigns": 0, "hires": 0}
    assert plan["fallback"].startswith(f"{NAME}: no history of hires")
    assert plan["evaluation"] == "none"
    for options in ([], ["--dry-run"]):
        result = run(*asked, "--tune", 2, *options)
        assert result.exit_code == 3
        assert "there is no history to tune on" in result.stderr
    assert not (tmp_path / "other").exists()


def test_a_market_without_a_trace_of_hires_to_judge_by_says_so(tmp_path: Path) -> None:
    """Tables of campaigns and hires are there, but nothing is closed yet."""
    market = tmp_path / "market"
    shutil.copytree(DATA / "tiny_market", market)
    path = next(market.glob("collaborations.*"))
    table = pd.read_parquet(path)
    table["status"] = "invited"
    lost = [name for name in table if name.startswith("outcome") or name == "engagements"]
    table.drop(columns=lost).to_parquet(path, index=False)
    result = run("evaluate", market)
    assert result.exit_code == 3
    assert "none of 24 campaigns can be evaluated" in result.stderr
    model = tmp_path / "model"
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    result = run("train", market, "--out", model, "--no-track", "--config", config)
    assert result.exit_code == 0, result.stderr
    assert f"the fallback {NAME}" in result.stdout
    assert "no campaign is closed before" in result.stderr


def test_hires_without_brands_are_still_refused(tmp_path: Path) -> None:
    market = tmp_path / "market"
    shutil.copytree(DATA / "tiny_market", market)
    next(market.glob("brands.*")).unlink()
    result = run("train", market, "--out", tmp_path / "model", "--no-track")
    assert result.exit_code == 3
    assert "missing: `brands` (was not given)" in result.stderr
    assert not (tmp_path / "model").exists()
