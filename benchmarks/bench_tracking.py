"""Seconds that tracking adds to a training: first and later runs of one process, and of new ones.

``python benchmarks/bench_tracking.py --market data/tiny_market --runs 5``; with ``--tracking-uri``
the same against a server. By the clock, and in brackets of the processor.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

_SMALL = {
    "encoder": {"dim": 32, "epochs": 1},
    "ranker": {"n_trees": 20, "n_draws": 1},
    "retrieval": {"min_posts": 1},
    "evaluation": {"n_blocks": 1, "min_earlier_hired": 20, "n_bootstrap": 50, "n_permutations": 1},
}


def clocks() -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    return time.perf_counter(), time.process_time()


def measure(market: Path, place: Path, tracking_uri: str | None, n_runs: int) -> None:
    """Print the seconds that runs of one trained model take, one after another."""
    from matcher.config import Settings
    from matcher.evaluation.protocol import walk_forward
    from matcher.features.context import MarketData
    from matcher.market.load import load_market
    from matcher.ranking.fit import fit_model
    from matcher.ranking.store import stage_model
    from matcher.report.training_record import build_cards, build_record
    from matcher.tracking.prepare import prepare_store
    from matcher.tracking.runs import log_training_run
    from matcher.tracking.store import Store
    from matcher.training import feature_table

    data, settings = MarketData(load_market(market)), Settings.model_validate(_SMALL)
    result = walk_forward(data, settings)
    model, _, _ = fit_model(data, data.market.all_known_at, settings)
    cards = build_cards(model, data.market, market.name, result)
    features = feature_table()
    with stage_model(model, place / "model", documents=cards) as staged:
        for number in range(1, n_runs + 1):
            began = clocks()
            store = Store.open(tracking_uri)
            prepare_store(store)
            prepared = clocks()
            record = build_record(
                model,
                data.market,
                market.name,
                result,
                unevaluated="",
                bundle=staged.path,
                model_id=staged.bundle.model_id,
                cards=cards,
                features=features,
                started_at=time.time(),
            )
            recorded = clocks()
            log_training_run(store, record)
            ends = (began, prepared, recorded, clocks())
            parts = [[b - a for a, b in zip(*pair, strict=True)] for pair in pairwise(ends)]
            whole = [sum(part) for part in zip(*parts, strict=True)]
            said = ", ".join(
                f"{name} {wall:.2f} ({cpu:.2f})"
                for name, (wall, cpu) in zip(("store", "record", "logging"), parts, strict=True)
            )
            print(f"  run {number}: {whole[0]:5.2f} s ({whole[1]:.2f}): {said}", flush=True)


def main() -> None:
    """Measure in a process that meets an empty store, then in one that meets it filled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--market", type=Path, default=Path("data/tiny_market"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tracking-uri", default=None)
    parser.add_argument("--place", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.place is not None:
        measure(options.market, options.place, options.tracking_uri, options.runs)
        return
    words = ["--market", str(options.market), "--runs", str(options.runs)]
    if options.tracking_uri:
        words += ["--tracking-uri", options.tracking_uri]
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "MATCHER_HOME": str(Path(scratch) / "home")}
        for title in ("a new store", "the same store, another process"):
            print(f"{title}:", flush=True)
            subprocess.run(
                [sys.executable, __file__, *words, "--place", scratch], check=True, env=environment
            )


if __name__ == "__main__":
    main()
