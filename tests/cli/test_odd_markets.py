"""Markets that lack something: they work, or the command says exactly what is missing."""

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
CONFIG = {
    "encoder": {"dim": 32, "epochs": 1},
    "ranker": {"n_trees": 20, "n_draws": 1},
    "outcome": {"n_trees": 20},
    "evaluation": {
        "n_blocks": 2,
        "min_earlier_hired": 5,
        "n_bootstrap": 50,
        "n_permutations": 2,
    },
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def market(tmp_path: Path) -> Path:
    shutil.copytree(DATA / "tiny_market", tmp_path / "market")
    (tmp_path / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    return tmp_path / "market"


def train(market: Path, *options: object) -> Result:
    config = market.parent / "config.yaml"
    return run(
        "train", market, "--out", market.parent / "model", "--no-track", "--config", config,
        *options,
    )  # fmt: skip


def recommend(market: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    out = market.parent / "lists.parquet"
    model = market.parent / "model"
    brief = DATA / "brief-vi.yaml"
    result = run("recommend", market, "--model", model, "--brief", brief, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout), pd.read_parquet(out)


def drop(market: Path, *tables: str) -> None:
    for name in tables:
        for path in market.glob(f"{name}.*"):
            path.unlink()


def test_snapshots_without_posts_are_enough_to_rank(market: Path) -> None:
    drop(market, "posts", "post_metrics", "campaign_posts")
    result = train(market)
    assert result.exit_code == 0, result.stderr
    said, lists = recommend(market)
    pool = said["pools"][0]
    assert pool["removed_posts"] == 0
    assert pool["unknown_posts"] == pool["n_eligible"] > 0
    assert lists["fit_score"].nunique() > 5


def test_without_any_text_content_is_said_not_to_be_compared(market: Path) -> None:
    drop(market, "posts", "post_metrics", "campaign_posts", "influencers")
    result = train(market, "--no-evaluate")
    assert result.exit_code == 0, result.stderr
    assert "content is not compared: no post and no bio with text" in result.stderr


def test_three_campaigns_give_an_order_that_is_no_alphabet(market: Path) -> None:
    path = next(market.glob("campaigns.*"))
    table = pd.read_parquet(path).sort_values("decided_at").head(3)
    table.to_parquet(path, index=False)
    for name in ("collaborations", "campaign_posts", "decisions"):
        held = next(market.glob(f"{name}.*"))
        part = pd.read_parquet(held)
        part[part["campaign_id"].isin(table["campaign_id"])].to_parquet(held, index=False)
    result = train(market)
    assert result.exit_code == 0, result.stderr
    _, lists = recommend(market)
    assert lists["fit_score"].nunique() > 5


def test_a_cut_before_the_first_campaign_says_why(market: Path) -> None:
    result = train(market, "--until", "2024-01-01")
    assert result.exit_code == 0, result.stderr
    assert "the fallback likeness-and-level" in result.stdout
    assert "no campaign is closed before 2024-01-01" in result.stderr
    assert "of 24 campaigns 0 were decided before" in result.stderr


def test_brands_that_leave_nothing_to_train_on_are_counted(market: Path) -> None:
    config = market.parent / "config.yaml"
    text = json.loads(config.read_text(encoding="utf-8"))
    text["evaluation"]["min_earlier_hired"] = 1
    config.write_text(json.dumps(text), encoding="utf-8")
    out = market.parent / "figures.JSON"
    result = run("evaluate", market, "--config", config, "--protocol", "brands", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "campaigns are not judged (" in result.stdout.replace("\n", " ")
    audit = json.loads(out.read_text(encoding="utf-8"))["audit"]
    assert any("are no candidates" in text for text in audit["remarks"])


def test_every_rule_is_counted_for_every_brief(market: Path) -> None:
    assert train(market, "--no-evaluate").exit_code == 0
    said, _ = recommend(market)
    pool = said["pools"][0]
    removed = [n for name, n in pool.items() if name.startswith("removed_")]
    assert sum(removed) + pool["n_eligible"] == pool["n_accounts"]


def test_readings_of_unknown_time_are_counted_in_every_run(market: Path) -> None:
    path = next(market.glob("post_metrics.*"))
    table = pd.read_parquet(path)
    table["observed_at"] = pd.Series(pd.NaT, index=table.index, dtype=table["observed_at"].dtype)
    table.drop_duplicates("post_id").to_parquet(path, index=False)
    result = train(market, "--no-evaluate")
    n_rows = table["post_id"].nunique()
    assert f"post_metrics: {n_rows:,} reading(s) of unknown time" in result.stderr, result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("brief: " + "[" * 5_000, "nested too deeply"),
        ("", "is empty; expected a mapping"),
        ("brief: makeup\nbrief: motor oil\n", "key 'brief' stands twice; keep one of them"),
        ('{"brief": "makeup", "brief": "motor oil"}', "key 'brief' stands twice"),
    ],
)
def test_hopeless_briefs_are_refused(market: Path, text: str, said: str) -> None:
    assert train(market, "--no-evaluate").exit_code == 0
    brief = market.parent / "brief.yaml"
    brief.write_text(text, encoding="utf-8")
    model, out = market.parent / "model", market.parent / "l.csv"
    result = run("recommend", market, "--model", model, "--brief", brief, "--out", out)
    assert result.exit_code != 0
    assert said in result.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("table", "column", "value", "rule"),
    [
        ("posts", "published_at", pd.Timestamp("2026-01-01", tz="UTC"), "posts"),
        ("accounts", "platform", "podcast", "platform"),
    ],
)
def test_a_market_in_which_nobody_can_be_hired_says_why(
    market: Path, table: str, column: str, value: object, rule: str
) -> None:
    path = next(market.glob(f"{table}.*"))
    frame = pd.read_parquet(path)
    frame[column] = pd.Series([value] * len(frame), dtype=frame[column].dtype)
    frame.to_parquet(path, index=False)
    if rule == "platform":
        campaigns = pd.read_parquet(market / "campaigns.parquet")
        campaigns["platforms"] = [["tiktok"]] * len(campaigns)
        campaigns.to_parquet(market / "campaigns.parquet", index=False)
    drop(market, "campaign_posts", "post_metrics")
    result = train(market)
    assert result.exit_code == 3, result.stderr
    assert "closed campaigns has a candidate among" in result.stderr
    assert f"(removed by {rule} " in result.stderr
    assert not (market.parent / "model").exists()


def test_what_was_not_given_is_said_by_every_run(market: Path) -> None:
    drop(market, "rates", "audiences")
    said = "not given, and done without: "
    result = train(market)
    line = next(text for text in result.stdout.replace("\n", " ").split("Note: ") if said in text)
    assert {"rates", "audiences"} <= set(line.split(said)[1].split(".")[0].split(", "))
    told, _ = recommend(market)
    assert any(text.startswith(said) for text in told["notes"])


def brief_of(market: Path, text: str) -> tuple[list[str], pd.DataFrame]:
    path, out = market.parent / "b.yaml", market.parent / "l.parquet"
    path.write_text(text, encoding="utf-8")
    model = market.parent / "model"
    result = run("recommend", market, "--model", model, "--brief", path, "--out", out, "--json",
                 "--force")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["notes"], pd.read_parquet(out)


def test_a_brief_that_cannot_be_compared_shows_no_likeness(market: Path) -> None:
    assert train(market, "--no-evaluate").exit_code == 0
    notes, lists = brief_of(market, "platforms: [tiktok]")
    assert "brief b: has no text, so that content cannot be compared with it" in notes
    evidence = [name for name in lists if name.startswith("evidence_")]
    assert lists[evidence].isna().all().all()
    assert (lists["n_close_posts"] == 0).all()
    said = lists[["why_1", "why_2", "why_3", "against"]].to_numpy().ravel()
    relevance = [text for text in said if isinstance(text, str) and text.startswith("Relevance")]
    assert all(text.endswith("is not known.") for text in relevance), relevance
    assert not any("no_close_post" in row for row in lists["warnings"])


def test_a_language_never_seen_is_said(market: Path) -> None:
    assert train(market, "--no-evaluate").exit_code == 0
    thai = "ครีมกันแดดสำหรับผิวแพ้ง่าย หาผู้รีวิวที่ใช้จริง งบประมาณ จำกัด"
    notes, _ = brief_of(market, f"brief: {thai}")
    assert any("hold 0 of its" in note and "--encoder" in note for note in notes)
    notes, _ = brief_of(market, (DATA / "brief-vi.yaml").read_text(encoding="utf-8"))
    assert not any("of its" in note and "--encoder" in note for note in notes)


def test_a_model_of_another_market_is_said(market: Path) -> None:
    assert train(market, "--no-evaluate").exit_code == 0
    other = market.with_name("other")
    market.rename(other)
    model, out = market.parent / "model", market.parent / "l.csv"
    brief = DATA / "brief-en.yaml"
    result = run("recommend", other, "--model", model, "--brief", brief, "--out", out)
    assert "the model was trained on the market 'market', not on 'other'" in result.stderr
