from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app

MATCHER = [sys.executable, "-c", "from matcher.cli import main; main()"]

ACCOUNTS = {"account_id": ["a1", "a2"], "platform": ["tiktok", "tiktok"]}
POSTS = {
    "post_id": ["p1", "p2"],
    "account_id": ["a1", "a2"],
    "published_at": ["2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"],
    "text": ["Son môi mới", "new lipstick"],
    "views": [10, 20],
}


@pytest.fixture
def market(tmp_path: Path) -> Path:
    folder = tmp_path / "market"
    folder.mkdir()
    pd.DataFrame(ACCOUNTS).to_csv(folder / "accounts.csv", index=False)
    pd.DataFrame(POSTS).to_csv(folder / "posts.csv", index=False)
    return folder


@pytest.fixture
def bad_market(market: Path) -> Path:
    posts = pd.DataFrame(POSTS).assign(views=[-1, 20], account_id=["a1", "nobody"])
    posts.to_csv(market / "posts.csv", index=False)
    return market


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_good_market_is_0_and_its_tables_are_counted(market: Path) -> None:
    result = run("validate", market, "--strict")
    assert result.exit_code == 0, result.stderr
    assert "usable, nothing to complain of" in result.stdout
    assert "2 rows" in result.stdout


def test_bad_rows_are_named_and_strict_makes_them_3(bad_market: Path) -> None:
    mild, strict = run("validate", bad_market), run("validate", bad_market, "--strict")
    assert (mild.exit_code, strict.exit_code) == (0, 3)
    assert mild.stdout == strict.stdout
    for word in ("posts.views", "'-1'", "posts.account_id", "'nobody'"):
        assert word in mild.stdout
    assert "2 entries in quarantine; --strict allows none" in strict.stderr


def test_json_is_whole_on_stdout_and_nothing_else_is(bad_market: Path) -> None:
    result = run("validate", bad_market, "--json")
    report = json.loads(result.stdout)
    assert (report["usable"], report["n_entries"]) == (True, 2)
    assert report["tables"]["accounts"] == {"given": True, "n_rows": 2}
    assert {entry["column"]: entry["n"] for entry in report["entries"]} == {
        "views": 1,
        "account_id": 1,
    }
    assert report["entries"][0]["first"][0].keys() == {"row", "value"}
    assert result.stderr == ""


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_entry_is_written_out(bad_market: Path, tmp_path: Path, suffix: str) -> None:
    result = run("validate", bad_market, "--out", tmp_path / "out" / f"bad.{suffix}")
    assert result.exit_code == 0
    assert f"2 entries written to {tmp_path / 'out'}" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"bad.{suffix}"]
    if suffix == "csv":
        with (tmp_path / "out" / "bad.csv").open(encoding="utf-8-sig") as file:
            assert {row["rule"] for row in csv.DictReader(file)} == {
                "below_minimum",
                "dangling_reference",
            }


def test_an_output_is_refused_before_the_market_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("old")
    result = run("validate", tmp_path / "no market", "--out", tmp_path / "bad.csv")
    assert result.exit_code == 2
    assert "bad.csv: stands there already; give --force" in result.stderr
    assert (tmp_path / "bad.csv").read_text() == "old"


def test_the_market_is_left_as_it_is(bad_market: Path) -> None:
    before = {path: path.read_bytes() for path in bad_market.iterdir()}
    run("validate", bad_market, "--strict", "--json")
    assert {path: path.read_bytes() for path in bad_market.iterdir()} == before


@pytest.mark.parametrize(
    ("make", "code", "message"),
    [
        (lambda at: None, 2, "does not exist"),
        (lambda at: at.write_text("x"), 2, "is a file"),
        (lambda at: at.mkdir(), 3, "holds no table of the contract"),
    ],
)
def test_what_is_no_market_says_so(tmp_path: Path, make: object, code: int, message: str) -> None:
    make(tmp_path / "m")
    result = run("validate", tmp_path / "m")
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def test_a_missing_required_table_is_3_also_as_json(market: Path) -> None:
    (market / "accounts.csv").unlink()
    result = run("validate", market, "--json")
    assert result.exit_code == 3
    report = json.loads(result.stdout)
    assert report["usable"] is False
    assert "accounts" in report["error"]


def test_a_corrupted_file_is_3_without_traceback(market: Path) -> None:
    (market / "posts.csv").unlink()
    (market / "posts.parquet").write_bytes(b"PAR1 and then nothing of use PAR1")
    result = run("validate", market)
    assert result.exit_code == 3
    assert "posts" in result.stderr
    assert "Traceback" not in result.stderr


def test_naive_instants_take_the_zone_that_is_named(market: Path) -> None:
    naive = pd.DataFrame(POSTS).assign(published_at="2025-01-01 00:00:00")
    naive.to_csv(market / "posts.csv", index=False)
    assert json.loads(run("validate", market, "--json").stdout)["n_entries"] > 0
    result = run("validate", market, "--json", "--assume-timezone", "Asia/Ho_Chi_Minh")
    assert json.loads(result.stdout)["n_entries"] == 0


def test_an_unknown_setting_names_the_nearest(market: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("market: {strict_tme: true}")
    result = run("validate", market, "--config", tmp_path / "c.yaml")
    assert result.exit_code == 2
    assert "unknown key `market.strict_tme`; did you mean `strict_time`?" in result.stderr


def test_a_simulated_market_is_valid_and_repeatable(tmp_path: Path) -> None:
    size = ["--influencers", 60, "--campaigns", 12, "--world", "tiny", "--json"]
    hashes = []
    for name in "ab":
        result = run("simulate", tmp_path / name, "--seed", 7, *size)
        assert result.exit_code == 0, result.stderr
        hashes.append(json.loads(result.stdout)["content_hash"])
    assert hashes[0] == hashes[1]
    assert run("validate", tmp_path / "a", "--strict").exit_code == 0


def test_simulate_replaces_only_simulated_markets(tmp_path: Path) -> None:
    size = ["--influencers", 20, "--campaigns", 3, "--world", "tiny"]
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "thesis").write_text("years of work")
    for extra in ([], ["--force"]):
        result = run("simulate", tmp_path / "m", *size, *extra)
        assert result.exit_code == 2
        assert "holds no truth/world.json, so it is not replaced" in result.stderr
    assert (tmp_path / "m" / "thesis").read_text() == "years of work"
    assert run("simulate", tmp_path / "n", *size).exit_code == 0
    assert run("simulate", tmp_path / "n", *size).exit_code == 2
    assert run("simulate", tmp_path / "n", *size, "--force").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [["--world", "nowhere"], ["--influencers", "0"], ["--seed", "-1"], ["--campaigns", "many"]],
)
def test_a_world_that_cannot_be_is_2(tmp_path: Path, arguments: list[str]) -> None:
    result = run("simulate", tmp_path / "m", *arguments)
    assert result.exit_code == 2
    assert not (tmp_path / "m").exists()


def test_simulating_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = run("simulate", tmp_path / "file" / "m")
    assert result.exit_code == 2
    assert "its folder cannot be written" in result.stderr


def test_simulating_into_a_read_only_folder_is_refused(read_only_folder: Path) -> None:
    result = run("simulate", read_only_folder / "m")
    assert result.exit_code == 2
    assert "its folder cannot be written" in result.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_broken_off_simulation_leaves_nothing(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    place = tmp_path / "place"
    command = [*MATCHER, "simulate", str(place / "m"), "--influencers", "60000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not (place.is_dir() and any(path.is_dir() for path in place.iterdir())):
            assert process.poll() is None, "ended before it could be broken off"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"Traceback" not in stderr
    if number == signal.SIGINT:
        assert stderr.endswith(b"matcher: interrupted; no half-written output was left\n")
    assert [*place.iterdir()] == []
