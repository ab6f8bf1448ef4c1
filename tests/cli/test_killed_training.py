"""Training that is killed at any moment leaves no half output, and can be asked for again."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matcher.ranking.bundle import read_bundle
from matcher.ranking.store import read_model

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"
Send = Callable[..., dict[str, Any]]
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
N_MOMENTS = int(os.environ.get("MATCHER_TEST_KILLS", "1"))
"""More of them on demand; each takes two trainings."""


def words_for(place: Path) -> list[str]:
    """Words that train into ``place/out/model``."""
    place.mkdir(exist_ok=True)
    (place / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    out = place / "out" / "model"
    return ["train", str(MARKET), "--config", str(place / "config.yaml"), "--out", str(out)]


def train(send: Send, place: Path, **killed: Any) -> dict[str, Any]:
    """Train with a store of its own."""
    return send(words_for(place), home=str(place / "home"), **killed)


def statuses(place: Path) -> list[str]:
    """Statuses of the runs in a store, without MLflow's own reading of it."""
    connection = sqlite3.connect(place / "home" / "mlflow.db")
    rows = connection.execute("SELECT status FROM runs ORDER BY start_time, run_uuid").fetchall()
    connection.close()
    return [row[0] for row in rows]


@pytest.fixture(scope="module")
def undisturbed(
    send: Send, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], float]:
    place = tmp_path_factory.mktemp("undisturbed")
    ended = train(send, place)
    assert ended["code"] == 0, ended["said"]
    assert [path.name for path in (place / "out").iterdir()] == ["model"]
    assert statuses(place) == ["FINISHED"]
    return files_of(place / "out" / "model"), ended["took"]


def files_of(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(N_MOMENTS))
def test_a_killed_training_leaves_nothing_half_and_runs_again(
    number: int, send: Send, tmp_path: Path, undisturbed: tuple[dict[str, bytes], float]
) -> None:
    whole, seconds = undisturbed
    # One moment in each equal part of the time that a training takes.
    share = (number + random.Random(f"kill {number}").random()) / N_MOMENTS
    place = tmp_path / "place"
    ended = train(send, place, after=share * seconds)
    assert ended["code"] in (0, -signal.SIGKILL)
    out = place / "out"
    if out.exists():
        assert {path.name for path in out.iterdir() if path.name[0] != "."} <= {"model"}
    if (out / "model").exists():
        read_bundle(out / "model")
        read_model(out / "model")
    if ended["code"] == 0:
        # It came to its end before its time; there is nothing to run again.
        assert files_of(out / "model") == whole
        return
    # As people ask again, in a process that shares nothing with the first.
    again = subprocess.run(
        [*MATCHER, *words_for(place)],
        capture_output=True,
        timeout=300,
        check=False,
        env={**os.environ, "MATCHER_HOME": str(place / "home")},
    )
    assert again.returncode == 0, again.stderr.decode()
    assert files_of(out / "model") == whole
    assert [path.name for path in out.iterdir()] == ["model"]
    assert not [path.name for path in (place / "home").iterdir() if path.name[0] == "."]
    found = statuses(place)
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
    send: Send,
    tmp_path: Path,
    undisturbed: tuple[dict[str, bytes], float],
) -> None:
    whole, _ = undisturbed
    place = tmp_path / "place"
    ended = train(send, place, killed_after=killed_after)
    assert ended["code"] == -signal.SIGKILL, ended["said"]
    assert (place / "out" / "model").exists() is stands
    assert statuses(place) == ["FINISHED"]
    ended = train(send, place)
    assert ended["code"] == 0, ended["said"]
    assert files_of(place / "out" / "model") == whole
    assert [path.name for path in (place / "out").iterdir()] == ["model"]
    # Whole again, and now it is another's: the same words are refused.
    ended = train(send, place)
    assert ended["code"] == 2
    assert "stands there already; give --force" in ended["said"]
