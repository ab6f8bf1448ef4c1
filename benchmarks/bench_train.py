"""Seconds of training every model on a long history.

``python benchmarks/bench_train.py --campaigns 1000 --hires 20`` simulates a market in which every
campaign asks for that many creators or a few more, fits encoder, rankers, calibration, outcomes and
acceptance on all of it, and prints one line: seconds on the clock, of the processor, and peak
memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import tempfile
import time
from pathlib import Path

from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.world.knobs import WORLDS
from matcher.world.simulate import simulate_market

_WORLD = "long-history"


def main() -> None:
    """Print what a training takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=1_000)
    parser.add_argument("--hires", type=int, default=20)
    parser.add_argument("--influencers", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=4001)
    given = parser.parse_args()
    # Some who are invited decline; a campaign that asks for a few more hires as many as are meant.
    WORLDS[_WORLD] = dataclasses.replace(
        WORLDS["default"], n_creators_low=given.hires, n_creators_high=round(1.3 * given.hires)
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "market"
        simulate_market(
            folder,
            n_influencers=given.influencers,
            n_campaigns=given.campaigns,
            seed=given.seed,
            world=_WORLD,
        )
        data = MarketData(load_market(folder))
        clock, processor = time.perf_counter(), time.process_time()
        model, rows, _ = fit_model(data, data.market.all_known_at, Settings())
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    n = len(rows.matrix.pairs.briefs)
    outcomes = "none" if model.outcomes is None else ", ".join(model.outcomes.names)
    print(
        f"{n:,} closed campaigns x {rows.hired.sum() / n:.0f} hires, {len(rows.hired):,} pairs: "
        f"{clock:.0f} s on the clock, {processor:.0f} s of the processor, peak {peak:.1f} GiB "
        f"(outcomes: {outcomes}; acceptance: {'yes' if model.acceptance else 'no'})"
    )


if __name__ == "__main__":
    main()
