"""Questions to the logs on the command line: what is written, said and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app

DATA = Path(__file__).parents[2] / "data"
TINY = DATA / "tiny_market"
CONFIG = {
    "encoder": {"name": "random", "dim": 32},
    "ranker": {"n_trees": 10, "n_draws": 1},
    "retrieval": {"min_posts": 1},
}
POSTS = {"kind": "effect", "term": "n_posts"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    config = folder / "config.yaml"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    asked = ["train", TINY, "--out", folder / "model", "--config", config]
    words = [str(one) for one in (*asked, "--no-track", "--no-evaluate")]
    assert CliRunner().invoke(app, words).exit_code == 0
    return folder / "model"


@pytest.fixture
def ask(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ask with one scenario file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def ask(*edits: dict[str, Any], options: tuple[object, ...] = ()) -> Result:
        path = tmp_path / "last-year.yaml"
        path.write_text(json.dumps({"version": 1, "edits": list(edits)}), encoding="utf-8")
        words = ["whatif", TINY, "--model", model, "--scenario", path, *options]
        return CliRunner().invoke(app, [str(one) for one in words])

    return ask


def test_answers_in_every_form(ask: Any, tmp_path: Path) -> None:
    result = ask(POSTS, {"kind": "effect", "term": "disclosed"})
    assert result.exit_code == 0
    assert result.stdout.startswith("last-year: The logs cannot say whether doubling")
    assert "the logs cannot say\n" in result.stdout
    page = tmp_path / "a.html"
    vi = ask(POSTS, options=("--lang", "vi", "--out", page, "--track"))
    assert vi.stdout.startswith("last-year: Nhật ký không cho biết")
    text = page.read_text(encoding="utf-8")
    assert text.startswith('<!doctype html><html lang="vi">')
    assert "Nhật ký không cho biết tăng gấp đôi số bài" in text
    assert "<script" not in text
    assert "tracked as runs:/" in vi.stderr
    held = tmp_path / "a.json"
    ask(POSTS, options=("--out", held))
    found = json.loads(held.read_text(encoding="utf-8"))
    assert found["logs"][0]["question"]["term"] == "n_posts"
    assert found["logs"][0]["is_declined"] is True
    assert set(found["audit"]) >= {"model_id", "data_hash", "config_hash", "seed", "digests"}
    printed = json.loads(ask(POSTS, options=("--json",)).stdout)
    assert printed == found


@pytest.mark.parametrize(
    ("edits", "options", "code", "match"),
    [
        ([{"kind": "policy", "policy_id": "nobody"}], (), 2, "`policy_id`: decisions: no policy"),
        ([{"kind": "policy", "order": "fame"}], (), 2, "'fame' is unknown"),
        ([POSTS, {"kind": "brief", "n_posts": 2}], (), 2, "in a file of their own"),
        ([POSTS], ("--brief", DATA / "brief-vi.yaml"), 2, "leave --brief and --campaign out"),
        ([POSTS], ("--sentences",), 2, "ask them in a run of their own"),
        ([POSTS], ("--out", "a.pdf"), 2, "expected one of .json, .html"),
    ],
)
def test_mistakes_end_in_a_message_and_a_code(
    ask: Any, edits: list[dict[str, Any]], options: tuple[object, ...], code: int, match: str
) -> None:
    result = ask(*edits, options=options)
    assert (result.exit_code, result.stdout) == (code, "")
    assert match in result.stderr


def test_what_the_logs_cannot_take_up_is_refused_by_itself(ask: Any, tmp_path: Path) -> None:
    questions = ({"kind": "policy"}, POSTS)
    result = ask(*questions, options=("--lang", "vi", "--out", tmp_path / "r.html"))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("last-year: Nhật ký không cho biết mô hình này, xếp hạng theo kết")
    assert "matcher train --until" in lines[0]
    assert lines[1].strip() == "nhật ký không trả lời được"
    assert "tăng gấp đôi số bài" in result.stdout
    assert "xếp hạng theo kết quả dự kiến" in (tmp_path / "r.html").read_text(encoding="utf-8")
    found = json.loads(ask(*questions, options=("--json",)).stdout)["logs"]
    assert [one["is_declined"] for one in found] == [True, True]
    assert "were decided before" in found[0]["answer"]["refusal_en"]
    assert found[0]["answer"]["grade_en"] == "the logs cannot say"
