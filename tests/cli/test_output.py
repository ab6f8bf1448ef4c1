from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from matcher.cli.output import print_json, progress, set_quiet
from matcher.errors import OutputExistsError, UsageError
from matcher.files import check_folder, check_output, write_output, write_table

TABLE = pd.DataFrame(
    {"account_id": ["a1", "một"], "topics": [("x", "y"), None], "score": [0.5, None]}
)


def test_a_file_appears_whole(tmp_path: Path) -> None:
    write_output(tmp_path / "new" / "a.txt", lambda at: at.write_text("whole"), force=False)
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"
    assert len([*(tmp_path / "new").iterdir()]) == 1


@pytest.mark.parametrize("error", [ValueError("late failure"), KeyboardInterrupt("now")])
def test_a_failure_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "a.txt").write_text("old")

    def half(at: Path) -> None:
        at.write_text("ha")
        raise error

    with pytest.raises(type(error), match="late failure|now"):
        write_output(tmp_path / "a.txt", half, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(OutputExistsError, match="give --force to replace it"):
        write_output(tmp_path / "a.txt", lambda at: at.write_text("new"), force=False)
    write_output(tmp_path / "a.txt", lambda at: at.write_text("new"), force=True)
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_link_counts_as_standing_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputExistsError, match="stands there already"):
        check_output(tmp_path / "a.txt", force=False)


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.xlsx", "got suffix '.xlsx'; expected one of .parquet, .csv"), ("file/a.csv", "cannot be")],
)
def test_a_bad_place_is_refused_before_the_work(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UsageError, match=message):
        check_output(tmp_path / name, force=True, suffixes=(".parquet", ".csv"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputExistsError, match="is a folder"):
        check_output(tmp_path, force=True)


def test_a_read_only_folder_is_refused_before_the_work(read_only_folder: Path) -> None:
    with pytest.raises(UsageError, match="its folder cannot be written"):
        check_output(read_only_folder / "a.csv", force=True)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_tables_come_back_in_each_format(tmp_path: Path, suffix: str) -> None:
    path = write_table(tmp_path / f"a{suffix}", TABLE, force=False)
    if suffix == ".parquet":
        again = pd.read_parquet(path)
    elif suffix == ".csv":
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        again = pd.read_csv(path)
        assert again["topics"][0] == "x|y"
    else:
        again = pd.read_json(path, lines=True)
    assert again["account_id"].tolist() == ["a1", "một"]
    assert again["score"][0] == 0.5
    assert pd.isna(again["score"][1])
    assert TABLE["topics"][0] == ("x", "y")


@pytest.mark.parametrize("force", [False, True])
def test_only_a_folder_of_its_kind_is_replaced(tmp_path: Path, force: bool) -> None:
    check_folder(tmp_path / "new" / "m", force=force, marker="here")
    (tmp_path / "m").mkdir()
    check_folder(tmp_path / "m", force=force, marker="here")
    (tmp_path / "m" / "thesis").write_text("years of work")
    (tmp_path / "link").symlink_to(tmp_path / "m")
    for name in ("m", "m/thesis", "link"):
        with pytest.raises(OutputExistsError, match="holds no here, so it is not replaced"):
            check_folder(tmp_path / name, force=force, marker="here")


def test_a_folder_of_its_kind_is_replaced_only_by_force(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("")
    with pytest.raises(OutputExistsError, match="give --force to replace it"):
        check_folder(tmp_path, force=False, marker="here")
    check_folder(tmp_path, force=True, marker="here")


def test_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"tên": "Mỹ phẩm", "auc": None})
    assert json.loads(capsys.readouterr().out) == {"tên": "Mỹ phẩm", "auc": None}
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"auc": float("nan")})


def test_lines_instead_of_bars_when_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as tell:
        for done in (0, 1, 1_200, 1_200):
            tell("reading", done, 1_200)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "reading ...\nreading: 1,200 of 1,200 in 0 s\n"


def test_quiet_shows_neither(capsys: pytest.CaptureFixture[str]) -> None:
    set_quiet(quiet=True)
    try:
        with progress() as tell:
            tell("reading", 1, 1)
    finally:
        set_quiet(quiet=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("quiet", [False, True])
def test_a_bar_per_step_when_a_person_watches(tmp_path: Path, quiet: bool) -> None:
    import pty

    code = "from matcher.cli import main; main()"
    size = ["--influencers", "20", "--campaigns", "3", "--world", "tiny"]
    command = [sys.executable, "-c", code, *(["-q"] if quiet else []), "simulate", "m", *size]
    watcher, terminal = pty.openpty()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=terminal,
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "100"},
    ) as process:
        os.close(terminal)
        shown = _read_all(watcher)
        assert process.stdout is not None
        assert process.stdout.read().startswith(b"m: simulated market of 20 influencers")
    assert process.returncode == 0
    if quiet:
        assert shown == b""
    else:
        assert b"posts" in shown
        assert b"1/1" in shown
        assert not re.search(rb"\x1b\[(3|9)[0-7]m", shown), "NO_COLOR was not heeded"


def _read_all(watcher: int) -> bytes:
    shown = b""
    try:
        while chunk := os.read(watcher, 65_536):
            shown += chunk
    except OSError:
        return shown  # how Linux says that the other end was closed
    finally:
        os.close(watcher)
    return shown


def test_a_swallowed_signal_ends_the_command_at_the_next_step(tmp_path: Path) -> None:
    """The first exception is lost in a callback, as in a destructor; the next step raises again."""
    code = (
        "import os, signal, sys\n"
        "from matcher.cli.output import progress\n"
        "from matcher.cli.signals import watch_signals\n"
        "watch_signals()\n"
        "with progress() as tell:\n"
        "    try:\n"
        "        os.kill(os.getpid(), getattr(signal, sys.argv[1]))\n"
        "        signal.sigtimedwait([], 0.2)\n"
        "    except BaseException:\n"
        "        pass\n"
        "    tell('reading', 1, 2)\n"
        "    print('went on')\n"
    )
    for name, exit_code in (("SIGTERM", 143), ("SIGINT", -2)):
        process = subprocess.run(
            [sys.executable, "-c", code, name], capture_output=True, text=True, check=False
        )
        assert process.stdout == ""
        assert process.returncode in (exit_code, 130), process.stderr


def test_what_a_killed_process_left_is_removed_and_that_of_a_living_one_is_not(tmp_path):
    (tmp_path / ".a.0123abcd.matcher-part.txt").write_text("half")
    (tmp_path / ".a.txt").write_text("somebody's")
    (tmp_path / ".a.20250101.txt").write_text("somebody's backup")
    (tmp_path / ".ab.0123abcd.matcher-part.txt").write_text("of another file")

    def write(target: Path) -> None:
        target.write_text("outer")
        write_output(tmp_path / "a.txt", lambda at: at.write_text("inner"), force=True)

    write_output(tmp_path / "a.txt", write, force=True)
    assert (tmp_path / "a.txt").read_text() == "outer"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".a.20250101.txt", ".a.txt", ".ab.0123abcd.matcher-part.txt", "a.txt",
    ]  # fmt: skip
