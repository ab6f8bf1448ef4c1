"""`recommend` killed at random moments: its output is whole or absent, and a rerun makes it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
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
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc and fork"),
]

# Imports once what every command needs, so that moments fall into the work and not before it.
NURSERY = """
import json, os, signal, sys, time
import duckdb, joblib, lightgbm, pandera.pandas, scipy.stats, sklearn.base, torch, xlsxwriter
import sentence_transformers
from matcher.cli import app
import matcher.report.workbook, matcher.recommend.recommend, matcher.ranking.store
TICK = os.sysconf("SC_CLK_TCK")
def worked(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1), os.dup2(sink, 2)
        try:
            app(order["words"])
        except SystemExit as done:
            os._exit(done.code or 0)
    pid = 0
    while not pid:
        if order["after"] is not None and worked(child) >= order["after"]:
            os.kill(child, signal.SIGKILL)
            order["after"] = None
        pid, status, used = os.wait4(child, os.WNOHANG)
        time.sleep(0.002)
    took = used.ru_utime + used.ru_stime
    print(json.dumps({"code": os.waitstatus_to_exitcode(status), "took": took}), flush=True)
"""

Send = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def send(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Send]:
    """Run a command in a process of its own, killed after some seconds of work if asked.

    Seconds of the processor, since those on the clock change with what else the machine does.
    """
    home = {"MATCHER_HOME": str(tmp_path_factory.mktemp("home"))}
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **home},
    ) as nursery:
        assert nursery.stdin
        assert nursery.stdout

        def send(words: list[str], after: float | None = None) -> dict[str, Any]:
            nursery.stdin.write(json.dumps({"words": words, "after": after}) + "\n")
            nursery.stdin.flush()
            return json.loads(nursery.stdout.readline())

        yield send
        nursery.stdin.close()


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
