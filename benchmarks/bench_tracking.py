"""Seconds that tracking adds to a training: first and later runs of one process, and of new ones.

``python benchmarks/bench_tracking.py --market data/tiny_market --runs 5``; with ``--tracking-uri``
the same against a server.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_SMALL = {
    "encoder": {"dim": 32, "epochs": 1},
    "ranker": {"n_trees": 20, "n_draws": 1},
    "retrieval": {"min_posts": 1},
    "evaluation": {"n_blocks": 1, "min_earlier_hired": 20, "n_bootstrap": 50, "n_permutations": 1},
}


def measure(market: Path, place: Path, tracking_uri: str | None, n_runs: int) -> list[float]:
    """Seconds of preparing, record and logging of runs of one trained model, one after another."""
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
    seconds = []
    with stage_model(model, place / "model", documents=cards) as staged:
        for _ in range(n_runs):
            began = time.perf_counter()
            store = Store.open(tracking_uri)
            prepare_store(store)
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
            logged = log_training_run(store, record)
            seconds.append(time.perf_counter() - began)
            print(
                f"  run {len(seconds)}: {seconds[-1]:5.2f} s, {logged.seconds:.2f} s of it logging"
            )
    return seconds


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
