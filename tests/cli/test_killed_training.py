"""Training that is killed at any moment leaves no half output, and can be asked for again."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from matcher.ranking.bundle import read_bundle
from matcher.ranking.store import read_model

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"
MATCHER = [sys.executable, "-c", "from matcher.cli import main; main()"]
CONFIG = {
    "encoder": {"dim": 8, "epochs": 1},
    "ranker": {"n_trees": 5, "n_draws": 1},
    "outcome": {"n_trees": 5, "n_periods": 1},
    "retrieval": {"min_posts": 1},
    "evaluation": {
        "n_blocks": 1,
        "min_earlier_hired": 30,
        "n_bootstrap": 20,
        "n_permutations": 1,
    },
}
KILLED_AFTER = """
import os, pkgutil, signal, sys

holder, name = pkgutil.resolve_name(sys.argv[1]), sys.argv[2]
del sys.argv[1:3]
original = getattr(holder, name)

def killed(*args, **options):
    original(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(holder, name, killed)
from matcher.cli import main
main()
"""
"""The command line, killed as soon as a function has returned."""
N_MOMENTS = int(os.environ.get("MATCHER_TEST_KILLS", "1"))
"""More of them on demand; each takes two trainings."""


def start(place: Path, *, killed_after: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    """Train into ``place/out/model`` with a store of its own."""
    place.mkdir(exist_ok=True)
    program = [sys.executable, "-c", KILLED_AFTER, *killed_after] if killed_after else MATCHER
    (place / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    words = ["train", MARKET, "--config", place / "config.yaml", "--out", place / "out" / "model"]
    return subprocess.Popen(
        [*program, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "MATCHER_HOME": str(place / "home")},
    )


def finish(process: subprocess.Popen[bytes]) -> str:
    shown, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()
    return shown.decode()


def statuses(place: Path) -> list[str]:
    """Statuses of the runs in a store, without MLflow's own reading of it."""
    connection = sqlite3.connect(place / "home" / "mlflow.db")
    rows = connection.execute("SELECT status FROM runs ORDER BY start_time, run_uuid").fetchall()
    connection.close()
    return [row[0] for row in rows]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], float]:
    place = tmp_path_factory.mktemp("undisturbed")
    began = time.perf_counter()
    finish(start(place))
    seconds = time.perf_counter() - began
    assert [path.name for path in (place / "out").iterdir()] == ["model"]
    assert statuses(place) == ["FINISHED"]
    return files_of(place / "out" / "model"), seconds


def files_of(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(N_MOMENTS))
def test_a_killed_training_leaves_nothing_half_and_runs_again(
    number: int, tmp_path: Path, undisturbed: tuple[dict[str, bytes], float]
) -> None:
    whole, seconds = undisturbed
    # One moment in each equal part of the time that a training takes.
    share = (number + random.Random(f"kill {number}").random()) / N_MOMENTS
    process = start(tmp_path / "place")
    time.sleep(share * seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    was_killed = process.returncode == -signal.SIGKILL
    out = tmp_path / "place" / "out"
    if out.exists():
        assert {path.name for path in out.iterdir() if path.name[0] != "."} <= {"model"}
    if (out / "model").exists():
        read_bundle(out / "model")
        read_model(out / "model")
    if not was_killed:
        # It came to its end before its time; there is nothing to run again.
        assert files_of(out / "model") == whole
        return
    finish(start(tmp_path / "place"))
    assert files_of(out / "model") == whole
    assert [path.name for path in out.iterdir()] == ["model"]
    assert [path.name for path in (tmp_path / "place" / "home").iterdir()
            if path.name[0] == "."] == []  # fmt: skip
    found = statuses(tmp_path / "place")
    assert set(found[:-1]) <= {"KILLED", "FINISHED"}
    assert found[-1] == "FINISHED"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("killed_after", "stands"),
    [
        (("matcher.training", "log_training_run"), False),
        (("matcher.ranking.bundle:StagedBundle", "publish"), True),
        (("matcher.cli.models", "say_trained"), True),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_a_kill_between_the_last_steps_is_made_good(
    killed_after: tuple[str, str],
    stands: bool,
    tmp_path: Path,
    undisturbed: tuple[dict[str, bytes], float],
) -> None:
    whole, _ = undisturbed
    place = tmp_path / "place"
    process = start(place, killed_after=killed_after)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    assert (place / "out" / "model").exists() is stands
    assert statuses(place) == ["FINISHED"]
    finish(start(place))
    assert files_of(place / "out" / "model") == whole
    assert [path.name for path in (place / "out").iterdir()] == ["model"]
    # Whole again, and now it is another's: the same words are refused.
    again = start(place)
    _, said = again.communicate(timeout=300)
    assert again.returncode == 2
    assert b"stands there already; give --force" in said
