"""Seconds and peak memory of each step of the whole line on a simulated market.

``python benchmarks/bench_line.py --influencers 2000``

Each step is the command that a user types, in a process of its own; starting Python is in the
figure. Seconds on the clock grow when others use the machine, seconds of the processor hardly. The
table is printed as Markdown as it grows. A step that fails, or takes longer than ``--limit``
seconds, is named so, and the steps that need it are left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

MATCHER = [sys.executable, "-c", "from matcher.cli import main; main()", "--quiet"]
BRIEF = Path(__file__).parents[1] / "data" / "brief-vi.yaml"
_HIRES_PER_CAMPAIGN = 9.0
"""About what the default world draws."""


@dataclass(frozen=True)
class Step:
    """One command.

    Parameters
    ----------
    name : str
        Its row in the table.
    words : tuple of str
        What follows `matcher`.
    needs : str
        Name of the step without which it cannot run; empty for none.
    """

    name: str
    words: tuple[str, ...]
    needs: str = ""


def list_steps(folder: Path, *, n_influencers: int, n_campaigns: int) -> list[Step]:
    """Steps of the line in order; all but `evaluate` share one embedding cache."""
    market, model, cache = (str(folder / name) for name in ("market", "model", "cache"))
    # One block, so that one encoder is fitted, and only late campaigns are judged.
    late = folder / "late.yaml"
    least = round(n_campaigns * _HIRES_PER_CAMPAIGN * 0.5)
    late.write_text(f"evaluation: {{n_blocks: 1, min_earlier_hired: {least}}}\n")
    size = ("--influencers", str(n_influencers), "--campaigns", str(n_campaigns))
    lists = ("recommend", market, "--model", model, "--cache", cache, "--out")
    train = ("train", market, "--out", model, "--cache", cache, "--no-track", "--no-evaluate")
    judge = ("evaluate", market, "--config", str(late), "--cache", cache, "--json")
    one = (str(folder / "one.parquet"), "--brief", str(BRIEF))
    return [
        Step("simulate", ("simulate", market, *size)),
        Step("validate", ("validate", market), "simulate"),
        Step("embed", ("embed", market, "--cache", cache), "simulate"),
        Step("train", train, "simulate"),
        Step("recommend, one brief", (*lists, *one), "train"),
        Step(
            "recommend, all open campaigns",
            (*lists, str(folder / "all.parquet"), "--all-open"),
            "train",
        ),
        Step("evaluate the latest campaigns", judge, "simulate"),
    ]


def measure(step: Step, home: Path, limit_s: float) -> tuple[int, str]:
    """Exit code and figures of one command: seconds, of the processor too, and peak GiB."""
    environment = {**os.environ, "MATCHER_HOME": str(home)}
    start = time.perf_counter()
    process = subprocess.Popen([*MATCHER, *step.words], stdout=subprocess.DEVNULL, env=environment)
    timer = threading.Timer(limit_s, process.terminate)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    code = os.waitstatus_to_exitcode(status)
    seconds, busy = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    return code, f"{seconds:.0f} | {busy:.0f} | {usage.ru_maxrss * unit / 2**30:.1f}"


def main() -> None:
    """Run every step and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--influencers", type=int, default=2_000)
    parser.add_argument("--campaigns", type=int, default=300)
    parser.add_argument("--limit", type=float, default=3_600.0, help="seconds per step")
    options = parser.parse_args()
    size = {"n_influencers": options.influencers, "n_campaigns": options.campaigns}
    done: set[str] = set()
    print(f"| step, {options.influencers:,} influencers | seconds | processor | peak GiB |")
    print("|---|--:|--:|--:|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for step in list_steps(folder, **size):
            if step.needs and step.needs not in done:
                print(f"| {step.name} | needs `{step.needs}` | | |", flush=True)
                continue
            code, figures = measure(step, folder / "home", options.limit)
            if code == 0:
                done.add(step.name)
            failed = "" if code == 0 else f" (ended with {code})"
            print(f"| {step.name}{failed} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
