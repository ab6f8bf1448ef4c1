"""`recommend` killed at random moments: its output is whole or absent, and a rerun makes it."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from matcher.cli import app

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"
N_MOMENTS = int(os.environ.get("MATCHER_KILLS", "3"))
"""Moments for each of two forms; MATCHER_KILLS=10 makes 20 of them."""
CONFIG = {
    "encoder": {"dim": 16, "epochs": 1},
    "ranker": {"n_trees": 8, "n_draws": 1},
    "outcome": {"n_trees": 8},
}
pytestmark = pytest.mark.slow

Send = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A command that makes lists for nine campaigns, but for its output."""
    folder = tmp_path_factory.mktemp("kill")
    (folder / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    trained = CliRunner().invoke(
        app,
        [
            "train", str(MARKET), "--out", str(folder / "model"), "--config",
            str(folder / "config.yaml"), "--until", "2024-12-01T00:00:00Z", "--no-track",
            "--no-evaluate",
        ],
    )  # fmt: skip
    assert trained.exit_code == 0, trained.stderr
    return [
        "--quiet", "recommend", str(MARKET), "--model", str(folder / "model"), "--all-open",
        "--as-of", "2024-12-05T00:00:00Z", "--top", "1000",
    ]  # fmt: skip


def visible_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_killed_at_random_moments(send: Send, words: list[str], tmp_path: Path, form: str) -> None:
    (tmp_path / "whole").mkdir()
    whole = tmp_path / "whole" / f"lists.{form}"
    undisturbed = send([*words, "--out", str(whole)])
    assert undisturbed["code"] == 0
    wanted = whole.read_bytes()
    rng = random.Random(form)
    n_killed = 0
    for number in range(N_MOMENTS):
        folder = tmp_path / f"moment-{number}"
        folder.mkdir()
        out = folder / whole.name
        ended = send([*words, "--out", str(out)], rng.uniform(0.1, 1.0) * undisturbed["took"])
        assert ended["code"] in (0, -9)
        n_killed += ended["code"] == -9
        assert visible_in(folder) == ([out.name] if out.exists() else [])
        if out.exists():
            assert out.read_bytes() == wanted
            shutil.rmtree(folder)
            continue
        again = send([*words, "--out", str(out)])
        assert again["code"] == 0
        assert out.read_bytes() == wanted
        assert visible_in(folder) == [out.name]
    assert n_killed >= N_MOMENTS // 2
