from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from matcher import __version__
from matcher.cli import app
from matcher.cli.frame import VerbGroup
from matcher.cli.output import set_verbose
from matcher.errors import (
    BundleError,
    ConfigError,
    LeakageError,
    MatcherError,
    OutputExistsError,
    SchemaError,
    TrackingError,
)

MATCHER = [sys.executable, "-c", "from matcher.cli import main; main()"]


def _failing(error: BaseException) -> typer.Typer:
    broken = typer.Typer(cls=VerbGroup, pretty_exceptions_enable=False)

    @broken.callback()
    def start(verbose: bool = typer.Option(False, "-v")) -> None:
        set_verbose(verbose)

    @broken.command("fail")
    def fail() -> None:
        raise error

    return broken


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BundleError("truncated"), 1),
        (TrackingError("down"), 1),
        (MatcherError("other"), 1),
        (PermissionError(13, "Permission denied", "posts.csv"), 1),
        (ConfigError("unknown key"), 2),
        (OutputExistsError("there"), 2),
        (SchemaError("bad rows"), 3),
        (LeakageError("from the future"), 3),
    ],
)
def test_an_expected_error_is_one_message_and_its_exit_code(error: Exception, code: int) -> None:
    result = CliRunner().invoke(_failing(error), ["fail"])
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"matcher: {error}\n"


def test_verbose_shows_where_it_arose() -> None:
    result = CliRunner().invoke(_failing(BundleError("truncated")), ["-v", "fail"])
    assert result.exit_code == 1
    assert "Traceback (most recent call last)" in result.stderr
    assert "in fail" in result.stderr
    assert result.stderr.endswith("matcher: truncated\n")


def test_an_interrupt_is_one_line_and_130() -> None:
    result = CliRunner().invoke(_failing(KeyboardInterrupt()), ["fail"])
    assert result.exit_code == 130
    assert result.stderr == "matcher: interrupted; no half-written output was left\n"


def test_a_defect_keeps_its_traceback() -> None:
    result = CliRunner().invoke(_failing(ZeroDivisionError("defect")), ["fail"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"matcher {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["validat", "m"], "Did you mean 'validate'"),
        (["validate", "m", "--stric"], "--strict"),
        (["validate"], "MARKET"),
    ],
)
def test_wrong_use_is_2_and_names_the_nearest(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_help_lists_every_verb_and_the_exit_codes() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for word in ("schema", "validate", "3 data invalid", "130 interrupted"):
        assert word in result.stdout


def test_help_answers_in_half_a_second_of_work() -> None:
    # Processor time of the best of three, since the machine may be busy with other things.
    seconds = []
    for _ in range(3):
        before = os.times()
        subprocess.run([*MATCHER, "--help"], check=True, capture_output=True)
        after = os.times()
        seconds.append(
            after.children_user + after.children_system
            - before.children_user - before.children_system
        )  # fmt: skip
    assert min(seconds) < 0.5


def test_schema_as_json_is_whole_and_valid() -> None:
    result = CliRunner().invoke(app, ["schema", "--json"])
    assert result.exit_code == 0
    tables = json.loads(result.stdout)["tables"]
    assert {"accounts", "posts", "campaigns", "decisions"} <= set(tables)
    assert result.stderr == ""


def test_schema_for_people_names_each_table() -> None:
    result = CliRunner().invoke(app, ["schema"])
    assert result.exit_code == 0
    assert "account_snapshots" in result.stdout


def test_a_closed_pipe_is_no_traceback() -> None:
    done = subprocess.run(
        f'{sys.executable} -c "from matcher.cli import main; main()" schema --json | head -1',
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_output_that_the_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    done = subprocess.run(
        [*MATCHER, "validate", str(tmp_path / "thị trường")],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        check=False,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_termination_is_in_order(tmp_path: Path) -> None:
    code = (
        "import signal, os, time; from matcher.cli.signals import watch_signals\n"
        "watch_signals()\n"
        "try: os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)\n"
        "finally: print('cleaned')"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (143, "cleaned\n")
    assert time.perf_counter() - started < 5
