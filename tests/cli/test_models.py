"""The verbs train, evaluate, recommend and demo on a tiny market."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app
from matcher.columns import REASON_GROUPS
from matcher.recommend.recommendations import AUDIT_COLUMNS, COLUMNS

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
MATCHER = [sys.executable, "-c", "from matcher.cli import main; main()"]
INTERRUPTED = """
import os, pkgutil, signal, sys

holder, name = pkgutil.resolve_name(sys.argv[1]), sys.argv[2]
del sys.argv[1:3]
original = getattr(holder, name)

def interrupted(*args, **options):
    found = original(*args, **options)
    os.kill(os.getpid(), signal.SIGINT)
    return found

setattr(holder, name, interrupted)
from matcher.cli import main
main()
"""
"""The command line with Ctrl-C pressed as soon as a function has returned."""
CONFIG = {
    "encoder": {"dim": 32, "epochs": 1},
    "ranker": {"n_trees": 20, "n_draws": 1},
    "retrieval": {"min_posts": 1},
    "evaluation": {
        "n_blocks": 2,
        "min_earlier_hired": 3,
        "n_bootstrap": 50,
        "n_permutations": 2,
    },
}
SCORERS = {
    "model",
    "random",
    "followers",
    "past_engagement",
    "category",
    "lexical",
    "cosine",
    "past_partners",
    "past_hires",
    "lightgbm_plain",
    "missingness",
    "permuted",
    "random_vectors",
}
METRICS = {
    "hired": {
        "auc",
        "cauc",
        *(f"ndcg_at_{k}" for k in (5, 10, 20)),
        *(f"recall_at_{k}" for k in (20, 50, 100)),
        "mrr",
        "medr",
    },
    "delivered": {"spearman_raw", "spearman_lift"},
}
FIGURE = {"value", "low", "high", "n"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(code: int, *arguments: object) -> str:
    """The one line with which a command refuses."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("matcher: ")]
    assert len(lines) == 1
    assert "Traceback" not in result.stderr
    return lines[0]


def files_of(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line")
    shutil.copytree(DATA / "tiny_market", folder / "market")
    (folder / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def trained(place: Path) -> dict[str, Any]:
    settings = ["--config", place / "config.yaml", "--no-track"]
    return done("train", place / "market", "--out", place / "model", *settings)


@pytest.fixture(scope="session")
def model(place: Path, trained: dict[str, Any]) -> Path:
    assert trained["model"] == str(place / "model")
    return place / "model"


@pytest.fixture(scope="session")
def lists(place: Path, model: Path) -> pd.DataFrame:
    briefs = [part for name in ("vi", "en") for part in ("--brief", DATA / f"brief-{name}.yaml")]
    out = place / "lists.parquet"
    said = done(
        "recommend", place / "market", "--model", model, *briefs, "--all-open", "--out", out
    )
    frame = pd.read_parquet(out)
    assert said["briefs"] == frame["brief_id"].value_counts().to_dict()
    return frame


@pytest.fixture
def recommend(place: Path) -> list[object]:
    return ["recommend", place / "market", "--brief", DATA / "brief-vi.yaml"]


def check_figures(figures: dict[str, Any], protocol: str = "time") -> None:
    assert list(figures) == [protocol, "paired", "exposure", "calibration", "audit"]
    assert set(figures["exposure"]["shares"]) == {"tier", "platform", "gender", "language"}
    assert set(figures[protocol]) == set(METRICS)
    for question, slices in figures[protocol].items():
        assert next(iter(slices)) == "all"
        assert {name.partition("=")[0] for name in slices} >= {"warmth", "platform", "tier"}
        assert set(slices["all"]) >= SCORERS
        assert next(iter(slices["all"])) == "model"
        for scorers in slices.values():
            for metrics in scorers.values():
                assert set(metrics) >= METRICS[question]
                for figure in metrics.values():
                    assert set(figure) >= FIGURE
                    assert None not in (figure["value"], figure["low"]) or figure["reason"]


def test_train_says_what_it_made_and_how_it_fared(trained: dict[str, Any]) -> None:
    assert trained["run"] is None
    assert trained["facts"]["n_hired"] > 0
    assert trained["evaluation_note"] == ""
    check_figures(trained["evaluation"])


def test_evaluate_gives_every_scorer_on_both_questions(
    place: Path, trained: dict[str, Any], tmp_path: Path
) -> None:
    command = ["evaluate", place / "market", "--config", place / "config.yaml"]
    figures = done(*command, "--out", tmp_path / "figures.parquet")
    check_figures(figures)
    paired = figures["paired"]["time"]["hired"]["all"]
    assert set(paired) == set(figures["time"]["hired"]["all"]) - {"model"}
    assert set(paired["random"]["auc"]) >= {"difference", "low", "high", "includes_zero", "n"}
    assert figures["audit"]["market"] == "market"
    # Training walked forward on the same market with the same settings.
    assert figures["time"] == trained["evaluation"]["time"]
    frame = pd.read_parquet(tmp_path / "figures.parquet")
    row = frame[(frame["slice"] == "all") & (frame["scorer"] == "model")].iloc[0]
    assert row["value"] == figures["time"][row["question"]]["all"]["model"][row["metric"]]["value"]


def test_a_given_model_is_judged_on_later_campaigns(
    place: Path, model: Path, tmp_path: Path
) -> None:
    settings = ["--config", place / "config.yaml", "--no-track", "--no-evaluate"]
    said = done(
        "train", place / "market", "--out", tmp_path / "m", "--until", "2024-09-01", *settings
    )
    assert said["evaluation"] is None
    assert said["trained_until"].startswith("2024-09-01")
    judge = ["evaluate", place / "market", "--config", place / "config.yaml", "--model"]
    figures = done(*judge, tmp_path / "m", "--exposure", "platform", "--exposure-floor", 0.9)
    check_figures(figures, "model")
    cost = figures["exposure"]["rerank"]
    assert (cost["by"], cost["floor"]) == ("platform", 0.9)
    assert cost["n_campaigns"] == figures["exposure"]["n_campaigns"] > 0
    assert figures["audit"]["model_id"] == said["model_id"]
    line = refused(3, *judge, model)
    assert "campaign" in line


def test_lists_are_ranked_explained_and_audited(
    lists: pd.DataFrame, trained: dict[str, Any]
) -> None:
    assert set(COLUMNS) <= set(lists.columns)
    assert {"brief-vi", "brief-en"} < set(lists["brief_id"])
    for _, block in lists.groupby("brief_id"):
        assert block["rank"].tolist() == list(range(1, len(block) + 1))
        assert block["outcome_score"].is_monotonic_decreasing
        assert (block["order"] == "outcome").all()
        assert block["account_id"].is_unique
    reasons = lists[[f"reason_{group}" for group in REASON_GROUPS]].sum(axis=1)
    np.testing.assert_allclose(lists["base"] + reasons, lists["outcome_score"], rtol=0, atol=1e-9)
    assert lists["fit_percentile"].between(0, 1).all()
    # A model in a folder is no registered version.
    assert lists["model_version"].isna().all()
    assert lists[list(AUDIT_COLUMNS)].drop(columns="model_version").notna().all(axis=None)
    assert (lists["model_id"] == trained["model_id"]).all()
    seen = lists["evidence_1_published_at"].dropna()
    assert (seen < lists["as_of"].iloc[0]).all()


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_each_form_of_output_holds_the_same_lists(
    recommend: list[object], model: Path, lists: pd.DataFrame, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"lists.{suffix}"
    done(*recommend, "--model", model, "--out", out)
    frame = pd.read_csv(out) if suffix == "csv" else pd.read_json(out, lines=True)
    same = lists[lists["brief_id"] == "brief-vi"]
    assert frame["account_id"].tolist() == same["account_id"].tolist()
    np.testing.assert_allclose(frame["fit_score"], same["fit_score"], rtol=0, atol=1e-9)


def test_each_order_sorts_by_its_own_score(
    recommend: list[object], model: Path, tmp_path: Path
) -> None:
    for order, column in (("deliver", "deliver_score"), ("blend", "blend_score")):
        out = tmp_path / f"{order}.parquet"
        done(*recommend, "--model", model, "--order", order, "--top", 7, "--out", out)
        frame = pd.read_parquet(out)
        assert len(frame) == 7
        assert frame[column].is_monotonic_decreasing


def test_a_tracked_run_is_a_model_for_recommending(
    place: Path,
    recommend: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    settings = ["--config", place / "config.yaml", "--no-evaluate"]
    said = done("train", place / "market", "--out", tmp_path / "model", *settings)
    assert said["run"].startswith("runs:/")
    assert str(tmp_path / "home") in said["tracking_uri"]
    shutil.rmtree(tmp_path / "model")
    found = done(*recommend, "--model", said["run"], "--out", tmp_path / "lists.csv")
    assert found["audit"]["model_id"] == said["model_id"]
    line = refused(1, *recommend, "--model", "runs:/0" * 8, "--out", tmp_path / "other.csv")
    assert "runs:/" in line


def test_equal_training_gives_equal_bytes(
    place: Path, model: Path, tmp_path: Path, trained: dict[str, Any]
) -> None:
    settings = ["--config", place / "config.yaml", "--no-track"]
    again = done("train", place / "market", "--out", tmp_path / "again", *settings)
    assert again["model_id"] == trained["model_id"]
    assert files_of(tmp_path / "again") == files_of(model)


def test_a_model_that_is_not_there_is_refused(recommend: list[object], tmp_path: Path) -> None:
    line = refused(1, *recommend, "--model", tmp_path / "none", "--out", tmp_path / "l.csv")
    assert str(tmp_path / "none") in line


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--order", "fastest"], "'fastest'"),
        (["--lang", "fr"], "'fr'"),
        (["--out", "lists.xls"], "'.xls'"),
        (["--as-of", "soon"], "'soon'"),
    ],
)
def test_wrong_use_is_named(
    recommend: list[object], model: Path, tmp_path: Path, options: list[str], named: str
) -> None:
    usual = [] if "--out" in options else ["--out", tmp_path / "lists.csv"]
    line = refused(2, *recommend, "--model", model, *usual, *options)
    assert named in line
    assert not list(tmp_path.iterdir())


def test_an_unknown_campaign_is_named(place: Path, model: Path, tmp_path: Path) -> None:
    command = ["recommend", place / "market", "--model", model, "--campaign", "cmp_none"]
    assert "'cmp_none'" in refused(3, *command, "--out", tmp_path / "lists.csv")


def test_a_list_for_nothing_is_wrong_use(place: Path, model: Path, tmp_path: Path) -> None:
    line = refused(
        2, "recommend", place / "market", "--model", model, "--out", tmp_path / "lists.csv"
    )
    assert "--brief FILE" in line


def test_nothing_is_overwritten_unless_forced(
    place: Path, recommend: list[object], model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "lists.csv"
    out.write_text("mine", encoding="utf-8")
    assert "--force" in refused(2, *recommend, "--model", model, "--out", out)
    assert out.read_text(encoding="utf-8") == "mine"
    assert "--force" in refused(2, "train", place / "market", "--out", model, "--no-track")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").write_text("mine", encoding="utf-8")
    refused(2, "train", place / "market", "--out", tmp_path / "own", "--no-track", "--force")
    assert (tmp_path / "own" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_written_is_named_before_the_work(
    place: Path, recommend: list[object], model: Path, read_only_folder: Path
) -> None:
    out = read_only_folder / "lists.csv"
    assert str(read_only_folder) in refused(2, *recommend, "--model", model, "--out", out)
    target = read_only_folder / "model"
    line = refused(2, "train", place / "market", "--no-track", "--out", target)
    assert str(read_only_folder) in line


@pytest.mark.parametrize("harm", ["altered", "cut", "gone", "added"])
def test_a_bundle_that_is_not_whole_is_refused(
    recommend: list[object], model: Path, tmp_path: Path, harm: str
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    target = copy / "prior.json"
    content = target.read_bytes()
    if harm == "gone":
        target.unlink()
    elif harm == "added":
        (copy / "other.json").write_text("{}", encoding="utf-8")
    else:
        target.write_bytes(content[:-9] if harm == "cut" else b" " + content[1:])
    line = refused(1, *recommend, "--model", copy, "--out", tmp_path / "lists.csv")
    assert ("other.json" if harm == "added" else "prior.json") in line
    assert not (tmp_path / "lists.csv").exists()


def test_a_market_without_hires_cannot_be_evaluated(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "market", tmp_path / "market")
    (tmp_path / "market" / "collaborations.parquet").unlink()
    assert "collaborations" in refused(3, "evaluate", tmp_path / "market")


@pytest.mark.parametrize(
    ("options", "code", "named"),
    [
        (["--protocol", "space"], 2, "'space'"),
        (["--protocol", "brands", "--model", "m"], 2, "--model"),
        (["--encoder", "no/such"], 1, "no/such"),
        (["--exposure", "age"], 2, "'age'"),
        (["--exposure", "tier", "--exposure-floor", "2"], 2, "above 0 and at most 1"),
        (["--exposure-floor", "0.5"], 2, "is a floor of --exposure"),
    ],
)
def test_evaluate_refuses_what_it_cannot_do(
    place: Path, options: list[str], code: int, named: str
) -> None:
    settings = ["--config", place / "config.yaml"]
    assert named in refused(code, "evaluate", place / "market", *settings, *options)


def test_an_unknown_setting_is_answered_with_the_nearest(place: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("ranker: {n_tree: 3}", encoding="utf-8")
    line = refused(2, "train", place / "market", "--no-track", "--config", tmp_path / "c.yaml")
    assert "did you mean `n_trees`?" in line


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("options", [[], ["--no-evaluate"]], ids=["evaluating", "fitting"])
def test_ctrl_c_while_training_leaves_no_bundle(
    place: Path, tmp_path: Path, options: list[str]
) -> None:
    command = ["train", place / "market", "--no-track", "--out", tmp_path / "model", *options]
    ours, theirs = pty.openpty()
    with subprocess.Popen([*MATCHER, *map(str, command)], stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        # The first bar shows that the work has begun.
        while "━".encode() not in shown:
            assert process.poll() is None, shown.decode()
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        shown += _drain(ours)
        assert process.wait(timeout=60) == 130, shown.decode()
    assert b"matcher: interrupted; no half-written output was left" in shown
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("verb", "holder", "name"),
    [
        ("validate", "matcher.market.load", "validate_tables"),
        ("validate", "pandas:DataFrame", "to_csv"),
        ("embed", "matcher.text.shards", "write_shard"),
        ("train", "matcher.ranking.fit", "fit_forecast"),
        ("train", "matcher.ranking.bundle", "_write_files"),
        ("evaluate", "matcher.evaluation.protocol", "fit_model"),
        ("evaluate", "pathlib:Path", "write_text"),
        ("recommend", "matcher.recommend.lists", "build_rows"),
        ("recommend", "pandas:DataFrame", "to_csv"),
    ],
)
def test_ctrl_c_anywhere_leaves_nothing(
    place: Path, model: Path, tmp_path: Path, verb: str, holder: str, name: str
) -> None:
    options: dict[str, list[object]] = {
        "validate": ["--out", tmp_path / "bad.csv"],
        "embed": ["--encoder", "random", "--cache", tmp_path.with_name(f"{tmp_path.name}-cache")],
        "train": ["--no-track", "--no-evaluate", "--config", place / "config.yaml",
                  "--out", tmp_path / "model"],
        "evaluate": ["--config", place / "config.yaml", "--out", tmp_path / "figures.md"],
        "recommend": ["--all-open", "--model", model, "--out", tmp_path / "lists.csv"],
    }  # fmt: skip
    command = [sys.executable, "-c", INTERRUPTED, holder, name, verb, place / "market"]
    found = subprocess.run(
        [str(word) for word in [*command, *options[verb]]], capture_output=True, timeout=120
    )
    assert found.returncode == 130, found.stderr.decode()
    assert found.stderr.endswith(b"matcher: interrupted; no half-written output was left\n")
    assert b"Traceback" not in found.stderr
    assert found.stdout == b""
    assert not list(tmp_path.iterdir())


def _drain(terminal: int) -> bytes:
    found = b""
    try:
        while part := os.read(terminal, 4096):
            found += part
    except OSError:  # how Linux says that the other end was closed
        return found
    finally:
        os.close(terminal)
    return found


@pytest.mark.slow
def test_the_demo_leads_from_nothing_to_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    size = ["--influencers", "150", "--campaigns", "60"]
    result = run("demo", tmp_path / "demo", *size)
    assert result.exit_code == 0, result.stderr
    assert "Synthetic figures" in result.stdout
    assert "next:" in result.stdout
    lists = pd.read_parquet(tmp_path / "demo" / "recommendations.parquet")
    assert {"brief-vi", "brief-en"} <= set(lists["brief_id"])
    assert run("demo", tmp_path / "demo", *size).exit_code == 2


@pytest.mark.filterwarnings("ignore:.*xtension is not supported:UserWarning")
def test_a_workbook_is_a_form_of_the_lists(
    place: Path, model: Path, recommend: list[object], tmp_path: Path
) -> None:
    options = ["--model", model, "--out", tmp_path / "l.xlsx", "--lang", "vi", "--top", 3]
    said = done(*recommend, *options)
    book = pd.read_excel(tmp_path / "l.xlsx", sheet_name=None)
    assert list(book) == ["Tổng quan", "brief-vi"]
    assert said["briefs"] == {"brief-vi": len(book["brief-vi"])} == {"brief-vi": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["l.xlsx"]


def test_a_draw_writes_its_log(model: Path, recommend: list[object], tmp_path: Path) -> None:
    options = ["--model", model, "--out", tmp_path / "l.parquet", "--top", 4]
    drawn = done(*recommend, *options, "--explore", 0.5, "--seed", 3)
    log = pd.read_parquet(tmp_path / "l-decisions.parquet")
    lists = pd.read_parquet(tmp_path / "l.parquet")
    assert log["chosen"].sum() == len(lists) == 4
    assert set(log.loc[log["chosen"], "account_id"]) == set(lists["account_id"])
    assert len(log) == drawn["pools"][0]["n_eligible"]
    whole = files_of(tmp_path)
    # As a kill between the log and the list leaves them.
    (tmp_path / "l.parquet").unlink()
    done(*recommend, *options, "--explore", 0.5, "--seed", 3)
    assert files_of(tmp_path) == whole
    (tmp_path / "l.parquet").unlink()
    line = refused(2, *recommend, *options, "--explore", 0.5, "--seed", 4)
    assert "give --force to replace it" in line
    line = refused(2, *recommend, *options[:2], "--out", tmp_path / "m.csv", "--decisions", "x.csv")
    assert "give --explore EPS with it" in line
    same = ["--out", tmp_path / "m.csv", "--decisions", tmp_path / "m.csv", "--explore", 1]
    assert "is the path of --out too" in refused(2, *recommend, *options[:2], *same)
    line = refused(2, *recommend, *options[:2], "--out", tmp_path / "m.csv", "--explore", 0)
    assert "expected noise above 0" in line


def test_lists_are_held_to_a_floor_and_say_what_it_costs(
    model: Path, recommend: list[object], tmp_path: Path
) -> None:
    options = ["--model", model, "--top", 10]
    floor = ["--exposure", "gender", "--exposure-floor", 1]
    plain = done(*recommend, *options, "--out", tmp_path / "plain.parquet")
    held = done(*recommend, *options, "--out", tmp_path / "held.parquet", *floor)
    assert "exposure" not in plain["audit"]
    assert held["audit"]["exposure"] == "by gender, at least 1 of supply"
    notes = [note for note in held["notes"] if "exposure by gender" in note]
    # One of the list, one of all.
    assert len(notes) == 2
    one, other = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("plain", "held"))
    pool = held["pools"][0]
    entered, left = (set(filter(None, pool[f"exposure_{side}"].split("|")))
                     for side in ("entered", "left"))  # fmt: skip
    assert set(other["account_id"]) - set(one["account_id"]) == entered
    assert set(one["account_id"]) - set(other["account_id"]) == left
    assert "at least" in run(*recommend, *options, "--out", tmp_path / "n.csv", *floor,
                             "--dry-run").stdout  # fmt: skip
    line = refused(2, *recommend, *options, "--out", tmp_path / "m.csv", *floor, "--explore", 1)
    assert "lists that --explore draws cannot be held to a floor" in line
    line = refused(2, *recommend, *options, "--out", tmp_path / "m.csv", "--exposure", "age")
    assert "expected one of tier, platform, gender, language" in line


def test_one_account_or_two_are_explained(
    place: Path, model: Path, lists: pd.DataFrame, tmp_path: Path
) -> None:
    first, second = lists.loc[lists["brief_id"] == "brief-vi", "account_id"].head(2)
    asked = ["explain", place / "market", "--model", model, "--brief", DATA / "brief-vi.yaml"]
    told = done(*asked, "--account", first, "--out", tmp_path / "one.svg")
    row = lists[(lists["brief_id"] == "brief-vi") & (lists["account_id"] == first)].iloc[0]
    assert told["accounts"][0]["score"] == pytest.approx(row["outcome_score"], abs=1e-9)
    assert told["groups"][first]["history"] == pytest.approx(row["reason_history"], abs=1e-9)
    assert (tmp_path / "one.svg").read_text(encoding="utf-8").startswith("<?xml")
    text = run(*asked, "--account", first, "--against", second).stdout
    assert "what sets them apart most" in text
    assert "did you mean" in refused(3, *asked, "--account", first[:-1])
    assert "give either --brief FILE or --campaign ID" in refused(2, *asked[:4], "--account", first)


def test_two_lists_are_compared(
    place: Path, model: Path, recommend: list[object], tmp_path: Path
) -> None:
    paths = [tmp_path / "fit.parquet", tmp_path / "blend.csv"]
    for path in paths:
        done(*recommend, "--model", model, "--order", path.stem, "--out", path)
    found = done("diff", *paths, "--top", 5, "--out", tmp_path / "d.csv")
    assert found["briefs"][0]["n_new"] == 5
    assert len(pd.read_csv(tmp_path / "d.csv")) == len(found["changes"])
    text = run("diff", paths[0], paths[0]).stdout
    assert "0 entered, 0 left, 0 moved; rank correlation 1.00" in text
    assert "no such file" in refused(2, "diff", paths[0], tmp_path / "none.csv")
