from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app

SIZE = ("--influencers", 150, "--campaigns", 20)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["simulate", *map(str, arguments)])


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check") / "m"
    assert run(folder, *SIZE, "--seed", 3).exit_code == 0
    return folder


def test_a_market_too_small_to_be_measured_is_1_and_says_what_is_missing(market: Path) -> None:
    before = sorted(path.name for path in market.rglob("*"))
    result = run("--check", market)
    assert result.exit_code == 1, result.stderr
    assert "Engagement rates\n" in result.stdout
    assert "at least 8 are needed" in result.stdout
    assert "Assumed, no source settles them; not counted" in result.stdout
    *_, verdict, why = result.stdout.splitlines()
    assert verdict.startswith("world default, seed 3, 150 influencers: ")
    assert verdict.endswith("; not ok")
    assert "moments (?) have too few rows to be measured" in why
    assert sorted(path.name for path in market.rglob("*")) == before


def test_machines_get_every_moment_and_the_verdict(market: Path) -> None:
    result = run(market, "--check", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert not found["ok"]
    keys = {"moment", "low", "high", "value", "source", "confidence", "ok", "held_out"}
    assert all(keys <= set(row) for row in found["moments"])
    assert found["n_sourced"] == len(found["moments"]) >= 55
    assert found["n_ok"] == sum(row["ok"] for row in found["moments"])
    assert found["n_held_out"] == sum(row["held_out"] for row in found["moments"])
    assert all("ok" not in row for row in found["assumed"])


def test_without_a_market_one_is_drawn_and_removed(
    market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    drawn = run("--check", "--json", *SIZE, "--seed", 3)
    assert drawn.exit_code == 1
    assert json.loads(drawn.stdout) == json.loads(run(market, "--check", "--json").stdout)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_what_would_be_drawn() -> None:
    result = run("--check", "--dry-run", "--json", "--world", "vietnamese")
    assert result.exit_code == 0
    plan = json.loads(result.stdout)
    assert (plan["world"], plan["n_influencers"], plan["n_campaigns"]) == (
        "vietnamese",
        48_000,
        600,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "OUT is missing"),
        (("--check", "--world", "mars"), 2, "world `mars`"),
        (("--check", "--force"), 2, "--force: a check writes nothing"),
        (("--check", "nowhere"), 3, "no truth/world.json"),
        (("--check", "nowhere", "--seed", 0), 2, "its world and size stand in"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: tuple, code: int, message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert message in result.stderr
