"""Whether the probabilities of fit come true on later campaigns.

``python benchmarks/bench_fit.py MARKET [--config FILE]``

A model is trained on all that was known at each of several instants and states the fit of every
eligible account for the campaigns decided between that instant and the next. The table compares
what was stated with who was hired, by how many times the average account's chance was stated;
intervals are over campaigns (percentile bootstrap, 2,000 draws). Under it stand the hires stated
and made, and the slope and intercept of a logistic regression of hires on the stated log odds (1
and 0 where the probabilities come true).
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from matcher.config import Settings, read_settings
from matcher.evaluation.calibration import check_calibration
from matcher.evaluation.stated import state_pairs
from matcher.evaluation.truth import Truth
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.fit import candidate_pairs, fit_model

CUTS = (0.5, 0.6, 0.7, 0.8, 0.9)


def judge(data: MarketData, settings: Settings) -> pd.DataFrame:
    """What was stated of each eligible account of later campaigns, and what came."""
    campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
    decided = campaigns.set_index("campaign_id")["decided_at"]
    truth = Truth.of(data)
    bounds = [decided.quantile(cut) for cut in CUTS] + [decided.max() + pd.Timedelta(days=1)]
    parts = []
    for until, end in pairwise(bounds):
        model, _, context = fit_model(data, until, settings)
        if model.calibration is None:
            print(f"until {until}: {model.facts['no_fit_probability']}")
            continue
        ids = sorted(decided.index[(decided >= until) & (decided < end)])
        pairs = candidate_pairs(data, ids, settings)
        matrix = model.features(context, pairs)
        scores = model.score(matrix, ("hire",))["hire"].to_numpy(np.float64)
        frame = pairs.frame()
        keys = pd.MultiIndex.from_frame(frame)
        frame["hired"] = keys.isin(truth.hires)
        frame["outcome"] = truth.outcomes.reindex(keys).to_numpy(np.float64)
        parts.append(pd.concat([frame, state_pairs(model, matrix, scores, truth)], axis=1))
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("market", type=Path)
    parser.add_argument("--config", type=Path)
    options = parser.parse_args()
    settings = read_settings(options.config)
    rows = judge(MarketData(load_market(options.market, settings.market)), settings)
    check = check_calibration(rows, settings.evaluation)
    print("| times the average, stated | accounts | mean stated | made (95 % interval) |")
    print("|---|--:|--:|--:|")
    for row in check.reliability.to_dict("records"):
        print(
            f"| {row['band']} | {row['n']:,} | {row['stated']:.2f} | {row['made']:.2f} "
            f"({row['made_low']:.2f} to {row['made_high']:.2f}) |"
        )
    whole = check.fit.iloc[0]
    print(
        f"\n{whole['n_campaigns']} campaigns: {whole['n_stated']:.0f} hires stated, "
        f"{whole['n_hires']} made; slope {whole['slope']:.2f}, intercept {whole['intercept']:+.2f}"
    )


if __name__ == "__main__":
    main()
