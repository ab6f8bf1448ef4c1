"""Fit the observables oracle of a world and freeze it in the package.

``python benchmarks/fit_oracles.py --world default --seeds 10 --pairs 1000000``

Markets of the world are simulated, one seed after another. Of each the later half of the campaigns
is looked at through the product's own features, as of each decision, with an encoder closed at the
first of these; the truth of a random share of the pairs is kept. Regressions are fitted on the
pairs of all seeds, judged on one further seed, and written to ``src/matcher/world/judge/oracles``:
of the buyer's utility on all pairs, and of the log of the expected reach, engagements, clicks and
trust on a quarter of the pairs each, all less the mean of the campaign. They go stale when the
world's version or knobs, or the product's features, change.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import spearmanr

from matcher.world.judge.bench import open_bench
from matcher.world.judge.frozen import ORACLES, write_oracle
from matcher.world.judge.observer import open_observer
from matcher.world.judge.oracle import (
    CHOICE,
    QUESTION_OF,
    QUESTIONS,
    Oracle,
    fit_oracle,
    hash_knobs,
    oracle_inputs,
)
from matcher.world.judge.rankings import build_pool
from matcher.world.knobs import WORLDS
from matcher.world.simulate import simulate_market

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FIRST_SEED = 90_001
"""Far from the seeds that anybody judges with."""
_LEAST_OUTCOME = 1e-9
_KEYS = ("campaign_id", "account_id")


@dataclass(frozen=True)
class Sample:
    """Pairs of one market with their truth."""

    inputs: NDArray[np.float32]
    targets: Mapping[str, NDArray[np.float64]]
    judged_by: NDArray[np.object_]
    campaigns: NDArray[np.int64]
    record: Mapping[str, Any]
    encoder: str


def sample_market(
    world: str, seed: int, *, n_pairs: int, influencers: int, campaigns: int
) -> Sample:
    """Pairs of the later half of the campaigns of a market."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "market"
        simulate_market(
            folder, n_influencers=influencers, n_campaigns=campaigns, seed=seed, world=world
        )
        bench = open_bench(folder)
        later = sorted(bench.longlist["campaign_id"].unique())
        later = later[len(later) // 2 :]
        listed = bench.longlist[bench.longlist["campaign_id"].isin(later)]
        pool = build_pool(bench, listed)
        observer = open_observer(folder, pool.campaign_ids)
        rng = np.random.default_rng(seed)
        n = len(pool.pairs)
        kept = np.sort(rng.choice(n, size=min(n_pairs, n), replace=False))
        parts = []
        for rows, matrix in observer.look(pool.pairs):
            inside = kept[(kept >= rows[0]) & (kept <= rows[-1])] - rows[0]
            held = oracle_inputs(matrix, bench.accounts["platform"])
            parts.append(held[inside].astype(np.float32))
        outcomes = [name for name in QUESTIONS if name != CHOICE]
        truth = bench.truth.expected(*(pool.pairs[name].tolist() for name in _KEYS))
        logs = np.log(np.maximum(truth[outcomes].to_numpy(np.float64), _LEAST_OUTCOME))
        targets = {
            name: centre(logs[:, place], pool.codes)[kept] for place, name in enumerate(outcomes)
        }
        return Sample(
            inputs=np.concatenate(parts),
            targets={**targets, CHOICE: centre(pool.utility, pool.codes)[kept]},
            judged_by=np.array(
                [QUESTION_OF[name] for name in bench.outcome_names(pool.pairs["campaign_id"])],
                dtype=object,
            )[kept],
            campaigns=pool.codes[kept],
            record=bench.truth.record,
            encoder=observer.context.encoder.identity.name,
        )


def centre(values: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values less the mean of their campaign."""
    sums, counts = np.bincount(codes, weights=values), np.bincount(codes)
    return np.asarray(values - (sums / np.maximum(counts, 1))[codes])


def judge(
    predicted: NDArray[np.float64], true: NDArray[np.float64], codes: Any
) -> dict[str, float]:
    """How well a held-out seed is predicted."""
    by_campaign = [spearmanr(predicted[codes == one], true[codes == one])[0]
                   for one in np.unique(codes)]  # fmt: skip
    rest = float(((true - predicted) ** 2).sum() / (true**2).sum())
    return {"r2": round(1.0 - rest, 4), "spearman": round(float(np.nanmean(by_campaign)), 4)}


def judge_oracle(oracle: Oracle, held_out: Sample) -> dict[str, dict[str, float]]:
    """How well an oracle answers on a seed that it has not seen."""
    inputs = held_out.inputs.astype(np.float64)
    true = np.full(len(inputs), np.nan)
    for name in np.unique(held_out.judged_by):
        rows = held_out.judged_by == name
        true[rows] = held_out.targets[name][rows]
    asked = {
        "outcome": (oracle.score_outcome(inputs, held_out.judged_by), true),
        CHOICE: (oracle.score_choice(inputs), held_out.targets[CHOICE]),
    }
    return {
        name: judge(predicted, value, held_out.campaigns)
        for name, (predicted, value) in asked.items()
    }


def fit_world(world: str, options: argparse.Namespace) -> None:
    """Fit, judge and write one oracle."""
    started = time.monotonic()
    size = {"influencers": options.influencers, "campaigns": options.campaigns}
    share = -(-options.pairs // options.seeds)
    seeds = [_FIRST_SEED + number for number in range(options.seeds)]
    samples = []
    for seed in seeds:
        samples.append(sample_market(world, seed, n_pairs=share, **size))
        print(f"{world}: seed {seed}, {len(samples[-1].inputs):,} pairs, "
              f"{time.monotonic() - started:.0f} s", file=sys.stderr)  # fmt: skip
    held_out = sample_market(world, seeds[-1] + 1, n_pairs=share, **size)
    inputs = np.concatenate([one.inputs for one in samples])
    targets = {name: np.concatenate([one.targets[name] for one in samples]) for name in QUESTIONS}
    outcomes = [name for name in QUESTIONS if name != CHOICE]
    turn = np.random.default_rng(0).integers(len(outcomes), size=len(inputs))
    for place, name in enumerate(outcomes):
        targets[name][turn != place] = np.nan
    encoder, first = samples[0].encoder, samples[0].record
    del samples
    record = {
        "world": world,
        "version": first["version"],
        "knobs": hash_knobs(first["knobs"]),
        "encoder": encoder,
        "seeds": seeds,
        "n_pairs": len(inputs),
        **size,
    }
    oracle = fit_oracle(inputs, targets, record)
    fit = judge_oracle(oracle, held_out)
    oracle = Oracle({**oracle.record, "held_out": fit}, oracle.answers)
    path = write_oracle(oracle, options.out)
    unit = 2**30 if sys.platform == "darwin" else 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(
        f"{world:<14} {len(inputs):>9,} pairs  outcome R2 {fit['outcome']['r2']:.3f} Spearman "
        f"{fit['outcome']['spearman']:.3f}  choice R2 {fit['choice']['r2']:.3f} Spearman "
        f"{fit['choice']['spearman']:.3f}  {path.stat().st_size / 1024:.0f} KiB  "
        f"{time.monotonic() - started:.0f} s  peak {peak:.1f} GiB"
    )


def main() -> None:
    """Fit the oracles of the worlds that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", action="append", choices=sorted(WORLDS), help="default all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--influencers", type=int, default=2_000)
    parser.add_argument("--campaigns", type=int, default=220)
    parser.add_argument("--out", type=Path, default=ORACLES)
    options = parser.parse_args()
    for world in options.world or sorted(WORLDS):
        fit_world(world, options)


if __name__ == "__main__":
    main()
