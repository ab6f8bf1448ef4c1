from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app

MATCHER = [sys.executable, "-c", "from matcher.cli import main; main()"]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market") / "m"
    size = ["--influencers", "40", "--campaigns", "6", "--world", "tiny"]
    assert CliRunner().invoke(app, ["simulate", str(folder), *size]).exit_code == 0
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("encoder", ["random", pytest.param("builtin", marks=pytest.mark.slow)])
def test_a_second_run_embeds_only_what_is_new(market: Path, tmp_path: Path, encoder: str) -> None:
    command = ["embed", market, "--cache", tmp_path / "c", "--encoder", encoder, "--json"]
    first, second = (json.loads(run(*command).stdout) for _ in range(2))
    assert set(first["texts"]) == {"posts", "hashtags", "bios", "brands", "briefs"}
    assert first["texts"]["posts"]["n_new"] > 100
    assert [count["n_new"] for count in second["texts"].values()] == [0] * 5
    assert first["encoder"] == second["encoder"]
    assert first["encoder"]["name"].startswith(encoder)


def test_the_cache_lies_under_the_home_unless_named(
    market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    result = run("embed", market, "--encoder", "random")
    assert result.exit_code == 0, result.stderr
    assert f"embedded by random:256:0 into {tmp_path / 'embeddings'}" in result.stdout
    assert (tmp_path / "embeddings").is_dir()


def test_an_encoder_that_is_not_here_is_1_and_nothing_is_fetched(
    market: Path, tmp_path: Path
) -> None:
    result = run("embed", market, "--cache", tmp_path / "c", "--encoder", "no/such")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'no/such'" in result.stderr
    assert not (tmp_path / "c").exists()


def test_a_cache_that_cannot_be_written_says_so(market: Path, read_only_folder: Path) -> None:
    result = run("embed", market, "--cache", read_only_folder / "c", "--encoder", "random")
    assert result.exit_code == 1
    assert str(read_only_folder) in result.stderr


def test_a_broken_off_run_is_taken_up_again(tmp_path: Path) -> None:
    size = ["--influencers", "400", "--campaigns", "5"]
    assert run("simulate", tmp_path / "m", *size).exit_code == 0
    cache = tmp_path / "c"
    command = ["embed", str(tmp_path / "m"), "--cache", str(cache), "--encoder", "random"]
    with subprocess.Popen([*MATCHER, *command], stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while not cache.is_dir():
            assert process.poll() is None, "ended before it could be broken off"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.endswith(b"matcher: interrupted; no half-written output was left\n")
    again = run(*command, "--json")
    whole = run("embed", tmp_path / "m", "--cache", tmp_path / "d", "--encoder", "random", "--json")
    posts = [json.loads(result.stdout)["texts"]["posts"] for result in (again, whole)]
    assert posts[0]["n_texts"] == posts[1]["n_texts"]
    assert posts[0]["n_new"] <= posts[1]["n_new"]
    assert run(*command).exit_code == 0
