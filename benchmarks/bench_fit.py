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
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from matcher.config import Settings, read_settings
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.calibration import pool_percentiles
from matcher.ranking.fit import candidate_pairs, fit_model
from matcher.ranking.relevance import hired_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

CUTS = (0.5, 0.6, 0.7, 0.8, 0.9)
EDGES = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, np.inf)


def judge(data: MarketData, settings: Settings) -> pd.DataFrame:
    """What was stated of each eligible account of later campaigns, and whether it was hired."""
    campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
    decided = campaigns.set_index("campaign_id")["decided_at"]
    hires = pd.MultiIndex.from_frame(hired_pairs(data.market)[["campaign_id", "account_id"]])
    bounds = [decided.quantile(cut) for cut in CUTS] + [decided.max() + pd.Timedelta(days=1)]
    parts = []
    for until, end in pairwise(bounds):
        model, _, context = fit_model(data, until, settings)
        if model.calibration is None:
            print(f"until {until}: {model.facts['no_fit_probability']}")
            continue
        ids = sorted(decided.index[(decided >= until) & (decided < end)])
        pairs = candidate_pairs(data, ids, settings)
        scores = model.score(model.features(context, pairs), ("hire",))["hire"].to_numpy()
        for code, brief in enumerate(pairs.briefs):
            inside = slice(int(pairs.bounds[code]), int(pairs.bounds[code + 1]))
            if inside.start == inside.stop:
                continue
            frame = pairs.frame().iloc[inside]
            frame["stated"], frame["times"] = model.calibration.judge(
                pool_percentiles(scores[inside]), len(frame), brief.n_creators
            )
            parts.append(frame)
    whole = pd.concat(parts, ignore_index=True)
    keys = pd.MultiIndex.from_frame(whole[["campaign_id", "account_id"]])
    whole["hired"] = keys.isin(hires)
    return whole[whole.groupby("campaign_id")["hired"].transform("any")].reset_index(drop=True)


def times_made(rows: pd.DataFrame) -> pd.DataFrame:
    """Per campaign and class: accounts, and hires expected of average ones."""
    rows = rows.assign(
        band=pd.cut(rows["times"], EDGES),
        share=rows.groupby("campaign_id")["hired"].transform("mean"),
    )
    return rows.groupby(["campaign_id", "band"], observed=True).agg(
        hired=("hired", "sum"),
        average=("share", "sum"),
        times=("times", "sum"),
        n=("times", "size"),
    )


def interval(table: pd.DataFrame, rng: np.random.Generator) -> tuple[float, float]:
    """Interval of hires over average hires, campaigns drawn with replacement."""
    pairs: NDArray[np.float64] = table[["hired", "average"]].to_numpy(np.float64)
    drawn = pairs[rng.integers(0, len(pairs), (2_000, len(pairs)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return float(low), float(high)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("market", type=Path)
    parser.add_argument("--config", type=Path)
    options = parser.parse_args()
    settings = read_settings(options.config)
    rows = judge(MarketData(load_market(options.market, settings.market)), settings)
    table = times_made(rows)
    rng = np.random.default_rng(0)
    print("| times the average, stated | accounts | mean stated | made (95 % interval) |")
    print("|---|--:|--:|--:|")
    for band, part in table.groupby("band", observed=True):
        low, high = interval(part, rng)
        made = part["hired"].sum() / part["average"].sum()
        stated = part["times"].sum() / part["n"].sum()
        count = int(part["n"].sum())
        print(f"| {band} | {count:,} | {stated:.2f} | {made:.2f} ({low:.2f} to {high:.2f}) |")
    stated = rows["stated"].clip(1e-9, 1 - 1e-9)
    odds = np.log(stated / (1 - stated)).to_numpy()[:, None]
    line = LogisticRegression(C=np.inf).fit(odds, rows["hired"])
    print(
        f"\n{rows['campaign_id'].nunique()} campaigns: {rows['stated'].sum():.0f} hires stated, "
        f"{int(rows['hired'].sum())} made; slope {line.coef_[0, 0]:.2f}, intercept "
        f"{line.intercept_[0]:+.2f}"
    )


if __name__ == "__main__":
    main()
