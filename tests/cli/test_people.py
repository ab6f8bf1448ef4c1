"""The verbs similar and diff of models, dry runs, and how much a command tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app
from matcher.recommend.similar import SIMILAR_COLUMNS

DATA = Path(__file__).parents[2] / "data"
TINY = DATA / "tiny_market"
CONFIG = {
    "encoder": {"name": "random", "dim": 32},
    "ranker": {"n_trees": 10, "n_draws": 1},
    "retrieval": {"min_posts": 1},
}
CLOSED = "2024-10-01"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(code: int, *arguments: object) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.stderr
    return next(line for line in result.stderr.splitlines() if line.startswith("matcher: "))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("people")
    (folder / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    plain = ["--config", folder / "config.yaml", "--no-track", "--no-evaluate"]
    done("train", TINY, "--out", folder / "new", *plain)
    done("train", TINY, "--out", folder / "old", "--until", CLOSED, *plain)
    return {"old": folder / "old", "new": folder / "new", "config": folder / "config.yaml"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty folder to work in, with nothing of Matcher's own in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_similar_in_every_form(models: dict[str, Path], home: Path) -> None:
    asked = ["similar", TINY, "acc_000001", "--model", models["new"], "--top", 4]
    said = done(*asked)
    assert [row["rank"] for row in said["accounts"]] == [1, 2, 3, 4]
    assert set(said["accounts"][0]) == set(SIMILAR_COLUMNS)
    for suffix in ("parquet", "csv", "jsonl"):
        run(*asked, "--out", f"s.{suffix}")
    assert list(pd.read_parquet("s.parquet")["account_id"]) == [
        row["account_id"] for row in said["accounts"]
    ]
    assert (home / "s.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert "stands there already" in refused(2, *asked, "--out", "s.csv")
    text = run(*asked, "--lang", "vi", "--by", "content").stdout
    assert text.count("Nội dung (gần hơn") == 4
    assert "Khán giả" not in text
    early = ["--as-of", CLOSED]
    assert "trained until" in refused(3, *asked, *early)
    old = done("similar", TINY, "acc_000001", "--model", models["old"], *early)
    assert old["as_of"].startswith(CLOSED)
    assert "expected one of content" in refused(2, *asked, "--by", "style")
    assert "did you mean" in refused(3, "similar", TINY, "acc_00001", "--model", models["new"])


def test_diff_of_two_models(models: dict[str, Path], home: Path) -> None:
    asked = ["diff", models["old"], models["new"], "--market", TINY]
    said = done(*asked, "--all-open", "--brief", DATA / "brief-vi.yaml", "--top", 5)
    assert len(said["briefs"]) == 3
    assert {"n_candidates_both", "score_correlation", "n_entered"} <= set(said["briefs"][0])
    named = {row["what"] for row in said["models"]}
    assert {"trained_until", "training.n_campaigns"} <= named
    text = run(*asked, "--campaign", "cmp_0022", "--lang", "vi", "--out", "d.csv").stdout
    assert "change_relevance" in pd.read_csv("d.csv").columns
    assert text.startswith("điểm khác nhau giữa hai mô hình (cũ | mới):")
    assert "hạng" in text
    same = run(
        "diff", models["new"], models["new"], "--market", TINY, "--campaign", "cmp_0022"
    ).stdout
    assert same.startswith("the models are equal in data")
    assert "trained until" in refused(3, *asked, "--all-open", "--as-of", CLOSED)


def test_what_cannot_be_compared(models: dict[str, Path], home: Path) -> None:
    old, new = models["old"], models["new"]
    assert "give --market DIR and what to rank for" in refused(2, "diff", old, new)
    assert "what to rank for" in refused(2, "diff", old, new, "--market", TINY)
    assert "a list and a model" in refused(2, "diff", old, "list.csv")
    assert "for two models" in refused(2, "diff", "a.csv", "b.csv", "--all-open")
    assert "no such folder" in refused(1, "diff", old, "nothing", "--market", TINY, "--all-open")


def test_dry_runs_check_everything_and_write_nothing(models: dict[str, Path], home: Path) -> None:
    model = ["--model", models["new"], "--all-open"]
    plans = {
        "train": done("train", TINY, "--config", models["config"], "--dry-run"),
        "recommend": done(
            "recommend", TINY, *model, "--out", "deep/l.xlsx", "--explore", 0.2, "--dry-run"
        ),
        "embed": done("embed", TINY, "--dry-run"),
        "simulate": done("simulate", "deep/world", "--influencers", 7, "--dry-run"),
    }
    assert all(plan["dry_run"] and plan["would"] for plan in plans.values())
    assert plans["train"]["learns from"] == {"campaigns": 20, "hires": 71}
    posts = pd.read_parquet(TINY / "posts.parquet")["text"]
    assert plans["embed"]["texts"]["posts"] == (posts.fillna("") != "").sum()
    result = run("demo", "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.startswith("dry run, nothing written: would simulate a market, train")
    text = run("recommend", TINY, *model, "--out", "deep/l.csv", "--dry-run").stdout
    assert "would rank accounts for 2 brief(s) into deep/l.csv" in text
    assert list(home.iterdir()) == []
    made = done("recommend", TINY, *model, "--out", "l.parquet")
    eligible = {pool["brief_id"]: pool["n_eligible"] for pool in made["pools"]}
    assert eligible == {one["brief_id"]: one["n_eligible"] for one in plans["recommend"]["briefs"]}


def test_a_dry_run_refuses_what_the_run_would_refuse(
    models: dict[str, Path], home: Path, read_only_folder: Path
) -> None:
    (home / "there.csv").write_text("mine", encoding="utf-8")
    model = ["recommend", TINY, "--model", models["new"], "--all-open", "--dry-run"]
    assert "stands there already" in refused(2, *model, "--out", "there.csv")
    assert "cannot be" in refused(2, *model, "--out", read_only_folder / "deep" / "l.csv")
    assert "trained until" in refused(3, *model, "--out", "l.csv", "--as-of", CLOSED)
    dry = ["train", TINY, "--dry-run"]
    assert "no history to tune on" in refused(3, *dry, "--tune", 2, "--until", "2024-01-01")
    store = read_only_folder / "store"
    assert "give another --tracking-uri" in refused(1, *dry, "--tracking-uri", store)
    assert "not found" in refused(1, *dry, "--encoder", "nobody/nothing")
    assert "not available" in refused(2, "simulate", "w", "--world", "mars", "--dry-run")


def test_how_much_is_told_can_be_asked_before_a_verb_or_behind_it(
    models: dict[str, Path], home: Path
) -> None:
    asked = ["similar", TINY, "acc_000001", "--model", models["new"]]
    told = run(*asked).stderr
    assert "taken as timeless" in told
    assert "took" not in told
    for quiet in (["-q", *asked], [*asked, "-q"], [*asked, "--quiet"]):
        assert run(*quiet).stderr == ""
    for verbose in (["-v", *asked], [*asked, "-v"]):
        assert "took" in run(*verbose).stderr.splitlines()[-1]
    assert "Traceback" in run("validate", "nowhere", "-v").stderr
    assert "Traceback" not in run("validate", "nowhere").stderr
