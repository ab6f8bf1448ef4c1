"""Simulations that are stopped at any moment go on where they were and end in the same bytes."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matcher.errors import OutputExistsError, UsageError
from matcher.world import WorldSummary, simulate_market
from matcher.world.writing import UnfinishedMarket

SIZES = {"n_influencers": 8_100, "n_campaigns": 6, "seed": 4, "world": "tiny"}
"""Three parts."""
PROGRAM = """
import json, os, signal, sys, time
from matcher.world import simulate_market

folder, at, sizes = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

def tell(step, done, total):
    if json.dumps([step, done]) == at:
        print("there", flush=True)
        if sys.argv[4] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(100)

simulate_market(folder, progress=tell, **sizes)
"""
"""A simulation that is killed, or waits, at one step of its progress."""
N_MOMENTS = int(os.environ.get("MATCHER_TEST_KILLS", "1"))
"""More of them on demand; each takes two simulations."""


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def start(folder: Path, at: tuple[str, int] | None = None, *, then: str = "die"):
    words = [sys.executable, "-c", PROGRAM, str(folder), json.dumps(at), json.dumps(SIZES), then]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kill_at(folder: Path, step: tuple[str, int]) -> None:
    process = start(folder, step)
    _, said = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, said.decode()


def stop_after(n_parts: int) -> Callable[[str, int, int], None]:
    def tell(step: str, done: int, total: int) -> None:
        if (step, done) == ("posts", n_parts):
            raise KeyboardInterrupt("stopped")

    return tell


def stop(folder: Path, n_parts: int = 2, **changes: object) -> Path:
    """Break off a simulation after some parts; the hidden folder that it leaves."""
    before = set(folder.parent.iterdir())
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        simulate_market(folder, **{**SIZES, **changes}, progress=stop_after(n_parts))
    (left,) = set(folder.parent.iterdir()) - before
    assert re.fullmatch(rf"\.{folder.name}\.[0-9a-f]{{16}}\.matcher-part", left.name)
    return left


def run(folder: Path, **changes: object) -> tuple[WorldSummary, list[str]]:
    notes: list[str] = []
    summary = simulate_market(folder, **{**SIZES, **changes}, note=notes.append)
    return summary, notes


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], float]:
    folder = tmp_path_factory.mktemp("undisturbed") / "m"
    began = time.perf_counter()
    process = start(folder)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode()
    assert [path.name for path in folder.parent.iterdir()] == ["m"]
    return contents(folder), time.perf_counter() - began


@pytest.fixture
def whole(undisturbed: tuple[dict[str, bytes], float]) -> dict[str, bytes]:
    return undisturbed[0]


@pytest.mark.parametrize(("step", "n_resumed"), [(("posts", 2), 2), (("tables", 7), 3)])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(
    step: tuple[str, int], n_resumed: int, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    folder = tmp_path / "m"
    kill_at(folder, step)
    assert not folder.exists()
    assert all(path.name.startswith(".m.") for path in tmp_path.iterdir())
    summary, notes = run(folder)
    assert (summary.n_parts, summary.n_resumed) == (3, n_resumed)
    said = f"{n_resumed} of 3 parts were written by an earlier run that was stopped"
    assert [said in note for note in notes] == [True]
    assert contents(folder) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("number", range(N_MOMENTS))
def test_a_run_killed_at_a_random_moment_leaves_nothing_half(
    number: int, tmp_path: Path, undisturbed: tuple[dict[str, bytes], float]
) -> None:
    whole, seconds = undisturbed
    folder = tmp_path / "m"
    share = (number + random.Random(f"kill {number}").random()) / N_MOMENTS
    process = start(folder)
    time.sleep(share * seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    if not folder.exists():
        run(folder)
        assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert contents(folder) == whole


def test_a_run_that_is_asked_to_stop_keeps_whole_parts_and_says_so(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    notes: list[str] = []
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        simulate_market(tmp_path / "m", **SIZES, progress=stop_after(1), note=notes.append)
    (left,) = tmp_path.iterdir()
    assert notes == [
        f"stopped after 1 of 3 parts, which are kept for seven days in {left}; the same command "
        "goes on from there"
    ]
    summary, _ = run(tmp_path / "m")
    assert summary.n_resumed == 1
    assert contents(tmp_path / "m") == whole


def test_damaged_parts_are_noticed_and_written_again(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    market = stop(tmp_path / "m", 3) / "market"
    cut, changed = market / "posts/part-000.parquet", market / "post_metrics/part-001.parquet"
    cut.write_bytes(cut.read_bytes()[:-100])
    held = bytearray(changed.read_bytes())
    held[len(held) // 2] ^= 1
    changed.write_bytes(held)
    (market / "audiences/part-001.parquet").unlink()
    summary, notes = run(tmp_path / "m")
    assert summary.n_resumed == 1
    assert notes[1] == (
        "3 files of an earlier run are not what was written: posts/part-000.parquet, "
        "post_metrics/part-001.parquet, audiences/part-001.parquet; their parts are written again"
    )
    assert contents(tmp_path / "m") == whole


def test_a_part_without_its_record_is_written_again(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    left = stop(tmp_path / "m", 3)
    for number, text in enumerate(["", "0" * 64 + "\n{}\n", "\xff"]):
        (left / "blocks" / f"{number:03d}.json").write_text(text, encoding="latin-1")
    (left / "market" / "posts" / ".part-001.0123abcd.matcher-part.parquet").write_text("half")
    summary, notes = run(tmp_path / "m")
    assert (summary.n_resumed, notes) == (0, [])
    assert contents(tmp_path / "m") == whole


def test_other_arguments_start_afresh_and_leave_the_other_parts(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    folder = tmp_path / "m"
    left = stop(folder)
    summary, notes = run(folder, seed=5)
    assert summary.n_resumed == 0
    assert notes == [
        f"{left}: holds parts of another market that was begun for {folder} (world tiny, 8,100 "
        "influencers, 6 campaigns, seed 4); they stay for seven days, for that command"
    ]
    assert contents(folder) != whole
    assert run(folder, force=True)[0].n_resumed == 2
    assert contents(folder) == whole
    assert [*tmp_path.iterdir()] == [folder]


def test_parts_of_another_release_are_said_to_be_so(tmp_path: Path) -> None:
    left = stop(tmp_path / "m")
    # As if the generator had changed since.
    other = left.with_name(".m.0123456789abcdef.matcher-part")
    left.rename(other)
    summary, notes = run(tmp_path / "m")
    assert summary.n_resumed == 0
    assert "seed 4, by another release of Matcher or its libraries); they stay" in notes[0]
    assert other.is_dir()


def test_an_error_of_the_caller_stays_what_it_is(tmp_path: Path) -> None:
    def tell(step: str, done: int, total: int) -> None:
        raise BrokenPipeError("nobody listens")

    with pytest.raises(BrokenPipeError, match="nobody listens"):
        simulate_market(tmp_path / "m", **SIZES, progress=tell)
    assert [*tmp_path.iterdir()] == []


def test_parts_that_nobody_asked_for_in_seven_days_are_removed(tmp_path: Path) -> None:
    old, new = stop(tmp_path / "old"), stop(tmp_path / "new")
    somebodys = tmp_path / ".old.0123456789abcdef.matcher-part"
    somebodys.mkdir()
    then = time.time() - 7.1 * 86_400
    for path in [somebodys, old, *old.rglob("*")]:
        os.utime(path, (then, then))
    simulate_market(tmp_path / "third", n_influencers=5, n_campaigns=0, seed=0)
    assert not old.exists()
    assert new.exists()
    assert somebodys.exists()


def test_two_runs_at_once_into_one_folder_are_refused(tmp_path: Path) -> None:
    process = start(tmp_path / "m", ("posts", 1), then="wait")
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"there\n"
        with pytest.raises(UsageError, match="m: another process is at work on it; wait for its"):
            run(tmp_path / "m")
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert run(tmp_path / "m")[0].n_resumed == 1


def test_a_market_that_was_being_replaced_by_a_killed_run_is_there_again(tmp_path: Path) -> None:
    folder, old = tmp_path / "m", tmp_path / ".m.0123abcd.matcher-old"
    simulate_market(folder, n_influencers=5, n_campaigns=0, seed=0)
    before = contents(folder)
    folder.rename(old)
    with pytest.raises(OutputExistsError, match="m: holds something already; .* --force"):
        simulate_market(folder, n_influencers=5, n_campaigns=0, seed=1)
    assert [*tmp_path.iterdir()] == [folder]
    assert contents(folder) == before


def test_what_is_left_of_a_run_that_was_killed_at_its_very_end_is_no_part(tmp_path: Path) -> None:
    left = stop(tmp_path / "m")
    shutil.rmtree(left / "market")
    assert run(tmp_path / "m")[1] == []
    assert not left.exists()


def test_a_table_may_come_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "market").mkdir()
    found = UnfinishedMarket(tmp_path, n_blocks=1)
    pieces = [
        pa.table({"n": [1, 2]}),
        pa.table({"n": pa.array([], pa.int64())}),
        pa.table({"n": [3]}),
    ]
    found.write("one.parquet", iter(pieces))
    assert pq.read_table(tmp_path / "market" / "one.parquet")["n"].to_pylist() == [1, 2, 3]
    assert pq.ParquetFile(tmp_path / "market" / "one.parquet").num_row_groups == 2
    assert found.count_rows() == {"one": 3}


def test_a_link_is_never_replaced(tmp_path: Path) -> None:
    simulate_market(tmp_path / "m", n_influencers=5, n_campaigns=0, seed=0)
    (tmp_path / "link").symlink_to("m")
    with pytest.raises(OutputExistsError, match="link: is a link; expected a new folder"):
        simulate_market(tmp_path / "link", n_influencers=5, n_campaigns=0, seed=0, force=True)


def test_others_may_read_what_the_umask_allows(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        simulate_market(tmp_path / "m", n_influencers=5, n_campaigns=0, seed=0)
    finally:
        os.umask(mask)
    modes = {
        path.is_dir(): path.stat().st_mode & 0o777
        for path in [tmp_path / "m", *(tmp_path / "m").rglob("*")]
    }
    assert modes == {True: 0o750, False: 0o640}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    left = stop(folder)
    shutil.rmtree(left / "blocks")
    (left / "blocks").write_text("in the way")
    with pytest.raises(UsageError, match="m: cannot be written: .*blocks"):
        run(folder)
    assert not folder.exists()
