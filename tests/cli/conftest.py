from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Imports once what every command needs: a command starts at once, and moments at which it is killed
# fall into its work and not before it.
NURSERY = """
import json, os, pkgutil, signal, sys, time
import duckdb, joblib, lightgbm, matplotlib.figure, mlflow, mlflow.pyfunc, pandera.pandas
import scipy.stats, sklearn.base, sentence_transformers, torch, xlsxwriter
from matcher.cli import main
import matcher.cli.models, matcher.ranking.store, matcher.recommend.recommend
import matcher.report.workbook, matcher.training
TICK = os.sysconf("SC_CLK_TCK")
def worked(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
def kill_after(where, name):
    holder = pkgutil.resolve_name(where)
    original = getattr(holder, name)
    def killed(*args, **options):
        original(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(holder, name, killed)
def run(order):
    for number, path in ((1, os.devnull), (2, order["said"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if order["home"]:
        os.environ["MATCHER_HOME"] = order["home"]
    if order["killed_after"]:
        kill_after(*order["killed_after"])
    sys.argv = ["matcher", *order["words"]]
    main()
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        run(order)
    pid = 0
    while not pid:
        if order["after"] is not None and worked(child) >= order["after"]:
            os.kill(child, signal.SIGKILL)
            order["after"] = None
        pid, status, used = os.wait4(child, os.WNOHANG)
        time.sleep(0.002)
    took = used.ru_utime + used.ru_stime
    print(json.dumps({"code": os.waitstatus_to_exitcode(status), "took": took}), flush=True)
# Taking the libraries apart costs seconds.
os._exit(0)
"""


@pytest.fixture(scope="session")
def send(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., dict[str, Any]]]:
    """Run a command in a process of its own, killed on the way if asked.

    `after` are seconds of work, of the processor, since those on the clock change with what else
    the machine does; `killed_after` is a function by module and name that it does not outlive.
    Gives ``code``, ``took`` (seconds of work) and ``said`` (what went to stderr).
    """
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc and fork")
    folder = tmp_path_factory.mktemp("nursery")
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "MATCHER_HOME": str(folder / "home")},
    ) as nursery:
        assert nursery.stdin
        assert nursery.stdout

        def send(
            words: list[str],
            after: float | None = None,
            *,
            killed_after: tuple[str, str] | None = None,
            home: str | None = None,
        ) -> dict[str, Any]:
            order = {"words": words, "after": after, "killed_after": killed_after, "home": home}
            said = folder / "said.txt"
            nursery.stdin.write(json.dumps({**order, "said": str(said)}) + "\n")
            nursery.stdin.flush()
            ended = json.loads(nursery.stdout.readline())
            return {**ended, "said": said.read_text(encoding="utf-8")}

        yield send
        nursery.stdin.close()
