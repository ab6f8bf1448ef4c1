"""Seconds, peak memory and shares of the steps of simulating a market.

``python benchmarks/bench_world.py --influencers 2000 100000``

Each market is made in a process of its own, as a user's call would; starting Python and importing
are in the figures. A share is that of the clock until the step's progress was told, so that
placing posts in time counts as part of `posts`. The table is printed as Markdown as it grows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = """
import json, sys, time
began = time.perf_counter()
from matcher.world import simulate_market

shares, last = {}, time.perf_counter()
shares["import"] = last - began

def tell(step, done, total):
    global last
    now = time.perf_counter()
    shares[step] = shares.get(step, 0.0) + now - last
    last = now

summary = simulate_market(sys.argv[1], progress=tell, **json.loads(sys.argv[2]))
tell("end", 1, 1)
print(json.dumps({"n_posts": summary.n_posts, "n_parts": summary.n_parts, "shares": shares}))
"""


def measure(folder: Path, sizes: dict[str, int | str]) -> str:
    """Row of the table for one market."""
    start = time.perf_counter()
    words = [sys.executable, "-c", PROGRAM, str(folder), json.dumps(sizes)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds, busy = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return f"| {sizes['n_influencers']:,} | ended with {process.returncode} |"
    # Linux counts in KiB, macOS in bytes.
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30
    found = json.loads(said)
    n_posts = found["n_posts"]
    whole = sum(found["shares"].values())
    shares = ", ".join(f"{step} {held / whole:.0%}" for step, held in found["shares"].items())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
    return (
        f"| {sizes['n_influencers']:,} | {n_posts:,} | {found['n_parts']} | {size:,.0f} "
        f"| {seconds:.1f} | {busy:.1f} | {seconds / n_posts * 1e6:.1f} | {peak:.2f} | {shares} |"
    )


def main() -> None:
    """Simulate every size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--influencers", type=int, nargs="+", default=[2_000, 100_000])
    parser.add_argument("--campaigns", type=int, default=300)
    parser.add_argument("--world", default="default")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(
        "| influencers | posts | parts | MiB | seconds | processor | seconds per million posts "
        "| peak GiB | shares |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|--:|---|", flush=True)
    for n_influencers in options.influencers:
        with tempfile.TemporaryDirectory() as place:
            sizes = {
                "n_influencers": n_influencers,
                "n_campaigns": options.campaigns,
                "seed": options.seed,
                "world": options.world,
            }
            print(measure(Path(place) / "market", sizes), flush=True)


if __name__ == "__main__":
    main()
