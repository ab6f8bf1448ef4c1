"""Seconds of the metric suite: every metric, slice, interval and paired difference.

``python benchmarks/bench_metrics.py --campaigns 200 --candidates 300 --bootstrap 5000`` draws
candidates whose hiring and outcome follow a latent fit, and prints one line: what the suite takes
for the model beside one baseline, with the given number of bootstrap draws and with 100, so that
the cost of the draws stands beside that of the metrics.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from matcher.config import EvaluationSettings
from matcher.evaluation.results import evaluate_scores


def draw_scores(n_campaigns: int, n_candidates: int, seed: int = 0) -> pd.DataFrame:
    """Candidates with labels, slices, and the scores of a model and a baseline."""
    rng = np.random.default_rng(seed)
    n = n_campaigns * n_candidates
    campaign = np.repeat(np.arange(n_campaigns), n_candidates)
    fit, level = rng.normal(size=n), rng.normal(size=n)
    hired = fit + rng.normal(scale=0.5, size=n) > 2.0
    expected = np.exp(8 + level)
    return pd.DataFrame(
        {
            "campaign_id": [f"c{one:04d}" for one in campaign],
            "account_id": [f"a{one:04d}" for one in np.tile(range(n_candidates), n_campaigns)],
            "brand_id": [f"b{one % 40}" for one in campaign],
            "hired": hired,
            "outcome": np.where(hired, expected * np.exp(0.5 * fit), np.nan),
            "expected": expected,
            "same_category": rng.random(n) < 0.2,
            "warmth": rng.choice(["hot", "warm", "cold"], size=n),
            "platform": rng.choice(["tiktok", "youtube", "facebook"], size=n),
            "tier": rng.choice(["nano", "micro", "mid"], size=n),
            "brief_language": np.where(campaign % 3 == 0, "en", "vi"),
            "model": fit,
            "baseline": fit + rng.normal(size=n),
        }
    )


def seconds_of(scored: pd.DataFrame, n_bootstrap: int) -> float:
    """Wall-clock seconds of one evaluation."""
    start = time.perf_counter()
    evaluate_scores(
        scored,
        ["model", "baseline"],
        protocol="time",
        settings=EvaluationSettings(n_bootstrap=n_bootstrap),
        audit={},
    )
    return time.perf_counter() - start


def main() -> None:
    """Print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=200)
    parser.add_argument("--candidates", type=int, default=300)
    parser.add_argument("--bootstrap", type=int, default=5_000)
    given = parser.parse_args()
    scored = draw_scores(given.campaigns, given.candidates)
    few, many = (seconds_of(scored, n) for n in (100, given.bootstrap))
    print(
        f"{given.campaigns:,} campaigns x {given.candidates:,} candidates, 2 scorers, all slices: "
        f"{many:.1f} s with {given.bootstrap:,} bootstrap draws, {few:.1f} s with 100"
    )


if __name__ == "__main__":
    main()
