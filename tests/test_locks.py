from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from matcher.errors import UsageError
from matcher.locks import claim_folder, hold_lock, is_stale

HOLDER = """
import sys, time
from pathlib import Path
from matcher.locks import claim_folder

with claim_folder(Path(sys.argv[1]), sys.argv[2]) as was_broken_off:
    print(was_broken_off, flush=True)
    time.sleep(60)
"""


def killed_at(folder: Path, work: str) -> None:
    """Leave what a process leaves that is killed while it holds a claim."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder), work],
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "False\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()


def left_over(folder: Path, random: str, kind: str) -> Path:
    made = folder.parent / f".{folder.name}.{random}.{kind}"
    made.mkdir()
    (made / "half.txt").write_text(kind)
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_claim_leaves_nothing(tmp_path: Path) -> None:
    with claim_folder(tmp_path / "deep" / "model", "a") as was_broken_off:
        assert not was_broken_off
        assert names(tmp_path / "deep") == [".model.claim"]
    assert names(tmp_path / "deep") == []


def test_a_claim_is_given_up_when_its_work_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="own"), claim_folder(tmp_path / "m", "a"):
        raise FileNotFoundError("own")
    assert names(tmp_path) == []


def test_claims_nest_and_the_outer_one_answers(tmp_path: Path) -> None:
    killed_at(tmp_path / "m", "a")
    with claim_folder(tmp_path / "m", "a") as outer:
        with claim_folder(tmp_path / "m", "a") as inner:
            assert outer
            assert inner
        assert names(tmp_path) == [".m.claim"]
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_another_process_at_work_is_said_at_once(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "m"), "a"],
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    try:
        with (
            pytest.raises(UsageError, match=r"m: another process is at work on it; wait"),
            claim_folder(tmp_path / "m", "a"),
        ):
            pytest.fail("claimed twice")
        with claim_folder(tmp_path / "other", "a"):
            pass
    finally:
        process.kill()
        process.communicate()


def test_another_thread_at_work_is_said(tmp_path: Path) -> None:
    said: list[str] = []

    def claim() -> None:
        try:
            with claim_folder(tmp_path / "m", "a"):
                said.append("claimed twice")
        except UsageError as error:
            said.append(str(error))

    with claim_folder(tmp_path / "m", "a"):
        thread = threading.Thread(target=claim)
        thread.start()
        thread.join()
    assert len(said) == 1
    assert "another thread is at work on it" in said[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_after_a_kill_only_the_same_work_may_replace(tmp_path: Path) -> None:
    for work, may_replace in (("a", True), ("b", False)):
        killed_at(tmp_path / "m", "a")
        assert names(tmp_path) == [".m.claim"]
        with claim_folder(tmp_path / "m", work) as was_broken_off:
            assert was_broken_off is may_replace
        assert names(tmp_path) == []


def test_what_a_kill_left_is_cleaned_up_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    left_over(folder, "abc_0123", "matcher-part")
    kept = [
        left_over(folder, "short", "matcher-part"),
        left_over(tmp_path / "m.b", "abc_0123", "matcher-part"),
        left_over(tmp_path / "mm", "abc_0123", "matcher-part"),
    ]
    (tmp_path / ".m.abc_0124.matcher-part").symlink_to(kept[0])
    (tmp_path / ".m.abc_0125.matcher-part").write_text("a file of somebody")
    (tmp_path / ".m.20250101.old").mkdir()
    with claim_folder(folder, "a"):
        pass
    assert not (tmp_path / ".m.abc_0123.matcher-part").exists()
    assert all((path / "half.txt").exists() for path in kept)
    assert (tmp_path / ".m.abc_0124.matcher-part").is_symlink()
    assert (tmp_path / ".m.abc_0125.matcher-part").is_file()
    assert (tmp_path / ".m.20250101.old").is_dir()


@pytest.mark.parametrize("stands", [False, True])
def test_a_folder_that_was_being_replaced_comes_back(tmp_path: Path, stands: bool) -> None:
    folder = tmp_path / "m"
    left_over(folder, "abc_0123", "matcher-old")
    left_over(folder, "abc_0123", "matcher-part")
    if stands:
        folder.mkdir()
        (folder / "half.txt").write_text("new")
    with claim_folder(folder, "a"):
        pass
    assert names(tmp_path) == ["m"]
    assert (folder / "half.txt").read_text() == ("new" if stands else "matcher-old")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with (
        pytest.raises(UsageError, match="its place cannot be written"),
        claim_folder(tmp_path / "file" / "m", "a"),
    ):
        pytest.fail("claimed")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_waiting_for_a_lock_gets_it_in_the_end(tmp_path: Path) -> None:
    order: list[str] = []
    held = threading.Event()

    def second() -> None:
        held.wait()
        with hold_lock(tmp_path / "lock", wait=True):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with hold_lock(tmp_path / "lock", wait=False):
        held.set()
        with (
            pytest.raises(BlockingIOError, match="unavailable"),
            hold_lock(tmp_path / "lock", wait=False),
        ):
            pytest.fail("locked twice")
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not os.path.lexists(tmp_path / "lock")


def test_work_is_stale_once_nothing_in_it_changed_for_seven_days(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    (work / "deep" / "part").write_text("part")
    now = time.time()
    for days, stale in ((6.9, False), (7.1, True)):
        for path in (work, work / "deep", work / "deep" / "part"):
            os.utime(path, (now - days * 86_400,) * 2)
        assert is_stale(work) is stale
    (work / "deep" / "more").write_text("more")
    assert not is_stale(work)
    assert not is_stale(tmp_path / "none")
