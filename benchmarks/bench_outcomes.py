"""How true predicted outcomes are, by the truth of simulated markets.

``python benchmarks/bench_outcomes.py --world default --seeds 10``

Each market is walked forward: models of outcomes are fitted on what was known at the first
decision of each of three blocks of the later three fifths of its campaigns, and predict the outcome
that stands for the objective of each campaign, with as many posts as were agreed. The truth then
draws what every eligible account would have brought.

Printed are, over all seeds: how often 80 % ranges hold drawn outcomes and how far sums of stated
means are from those of the truth (of all accounts, of those who were hired, told as hires and as
anyone, and of the first ten by expectation), ranges by cell of tier and platform with 1,000 rows,
their Winkler score beside followers times a multiplier and beside the quantiles of the account's
own posts, totals of campaigns, and how much lists of ten lose by each order against the best ten.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from matcher.columns import TRUST_PROXY
from matcher.config import Settings
from matcher.evaluation.metrics import ndcg_at_k
from matcher.evaluation.outcomes import grade_outcomes, winkler_score
from matcher.evaluation.ranked import rank_candidates
from matcher.features.context import MarketData
from matcher.market.instants import instant_microseconds
from matcher.market.load import load_market
from matcher.ranking.fit import candidate_pairs, fit_model
from matcher.ranking.outcomes.distribution import scale_draws
from matcher.ranking.relevance import hire_outcomes
from matcher.world.judge.bench import open_bench
from matcher.world.knobs import WORLDS
from matcher.world.simulate import simulate_market

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext
    from matcher.features.pair_features import FeatureMatrix
    from matcher.ranking.model import Model
    from matcher.world.judge.bench import Bench

_FROM: Final = 0.4
_N_BLOCKS: Final = 3
_N_DRAWS: Final = 4
_LEAST_CELL: Final = 1_000
_LEAST_OWN_POSTS: Final = 5
_NAMES: Final = {"trust": TRUST_PROXY}
_LOGS: Final = {name: f"log_{name}" for name in ("engagements", "reach")}
ORDERS: Final = ("fit", "deliver", "outcome", "blend", "past engagement", "followers")


@dataclass(frozen=True)
class Block:
    """Rows of one block of campaigns of one market, and totals of its campaigns."""

    rows: pd.DataFrame
    totals: pd.DataFrame
    orders: pd.DataFrame


def walk_market(folder: Path, seed: int) -> list[Block]:
    """Predictions and drawn outcomes of each block of a market."""
    settings = Settings()
    data = MarketData(load_market(folder, settings.market))
    bench = open_bench(folder)
    campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
    campaigns = campaigns.sort_values("decided_at", ignore_index=True)
    campaigns = campaigns[campaigns["decided_at"] < data.market.all_known_at]
    later = campaigns.iloc[int(_FROM * len(campaigns)) :]
    found = []
    for number, rows in enumerate(np.array_split(np.arange(len(later)), _N_BLOCKS)):
        held = later.iloc[rows]
        model, _, context = fit_model(data, held["decided_at"].iloc[0], settings)
        pairs = candidate_pairs(data, held["campaign_id"].tolist(), settings)
        matrix = model.features(context, pairs)
        found.append(predict_block(model, context, matrix, bench, seed=seed, number=number))
    return found


def predict_block(
    model: Model,
    context: FeatureContext,
    matrix: FeatureMatrix,
    bench: Bench,
    *,
    seed: int,
    number: int,
) -> Block:
    """Predictions of one block beside the truth."""
    market = context.index.market
    pairs = matrix.pairs
    frame = pairs.frame().assign(seed=seed, block=number, platform=matrix.platforms,
                                 tier=matrix.tiers)  # fmt: skip
    asked = bench.outcome_names(frame["campaign_id"])
    hires = market.tables["collaborations"]
    agreed = hires.groupby("campaign_id")["n_posts_agreed"].first()
    n_posts = agreed.reindex(frame["campaign_id"]).fillna(1.0).to_numpy(np.float64)
    frame["outcome"] = [_NAMES.get(name, name) for name in asked]
    frame[["low", "high", "mean", "base_low", "base_high", "own_low", "own_high"]] = np.nan
    frame[["hired_low", "hired_high", "hired_mean"]] = np.nan
    ids = frame["campaign_id"].tolist(), frame["account_id"].tolist()
    expected = bench.truth.expected(*ids)
    frame["true"] = bench.pick(expected, asked)
    drawn = [bench.truth.draw(*ids, draw=k) for k in range(1, _N_DRAWS + 1)]
    for k, one in enumerate(drawn):
        frame[f"draw_{k}"] = bench.pick(one, asked)
    known = hire_outcomes(market).set_index(["campaign_id", "account_id"])
    actual = known.reindex(pd.MultiIndex.from_frame(frame[["campaign_id", "account_id"]]))
    totals = []
    for name in pd.unique(frame["outcome"]):
        rows = np.flatnonzero((frame["outcome"] == name).to_numpy())
        if model.outcomes is None or name not in model.outcomes.names:
            continue
        held = model.outcomes.predict(matrix, names=[name], n_posts=n_posts[rows], rows=rows)[name]
        frame.loc[rows, "low"], frame.loc[rows, "high"] = held.quantile(0.1), held.quantile(0.9)
        frame.loc[rows, "mean"] = held.mean()
        chosen = model.outcomes.of_hires().predict(
            matrix, names=[name], n_posts=n_posts[rows], rows=rows
        )[name]
        frame.loc[rows, "hired_low"] = chosen.quantile(0.1)
        frame.loc[rows, "hired_high"] = chosen.quantile(0.9)
        frame.loc[rows, "hired_mean"] = chosen.mean()
        base = baseline_ranges(model, context, matrix, name, rows, n_posts[rows])
        for column, values in base.items():
            frame.loc[rows, column] = values
        brought = actual[name].to_numpy(np.float64)[rows]
        for campaign, part in frame.loc[rows].groupby("campaign_id"):
            inside = part.index.to_numpy() - 0
            hired = inside[np.isfinite(brought[np.searchsorted(rows, inside)])]
            if len(hired) < 2 or name == TRUST_PROXY:
                continue
            place = np.searchsorted(rows, hired)
            own = chosen.select(place)
            draws = scale_draws(
                own.draws(n_draws=500, seed=seed), own.mean(), is_whole=True, seed=seed
            )
            sums = draws.sum(axis=1)
            totals.append(
                {
                    "campaign_id": campaign, "outcome": name, "seed": seed,
                    "low": np.quantile(sums, 0.1), "high": np.quantile(sums, 0.9),
                    "mean": own.mean().sum(), "actual": brought[place].sum(),
                }
            )  # fmt: skip
    frame["hired"] = actual["engagements"].notna().to_numpy()
    scores = model.score(matrix, ("hire", "deliver", "outcome"))
    orders = {
        "fit": scores["hire"].to_numpy(),
        "deliver": scores["deliver"].to_numpy(),
        "outcome": scores["outcome"].to_numpy(),
        "past engagement": matrix.columns(["engagements_expected"])[:, 0],
        "followers": matrix.columns(["followers_log"])[:, 0],
    }
    ranks = pd.DataFrame(orders).groupby(pairs.brief_codes).rank()
    orders["blend"] = (ranks["fit"] + ranks["outcome"]).to_numpy()
    return Block(frame, pd.DataFrame(totals), judge_orders(frame, orders, pairs.brief_codes))


def baseline_ranges(
    model: Model,
    context: FeatureContext,
    matrix: FeatureMatrix,
    name: str,
    rows: NDArray[np.int64],
    n_posts: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Followers times the multipliers of past hires, and the quantiles of the account's posts."""
    cut = model.trained_until
    hires = hire_outcomes(context.index.market.as_of(cut))
    hires = hires[hires[name].notna()]
    followers = np.expm1(matrix.columns(["followers_log"])[:, 0])
    snapshots = context.index.market.as_of(cut).snapshots
    size = snapshots.sort_values("known_at").groupby("account_id")["n_followers"].last()
    per = hires[name] / hires["n_posts"].fillna(1.0) / size.reindex(hires["account_id"]).to_numpy()
    low, high = (np.nanquantile(per, level) if len(per) else np.nan for level in (0.1, 0.9))
    found = {
        "base_low": followers[rows] * low * n_posts,
        "base_high": followers[rows] * high * n_posts,
    }
    if name not in _LOGS:
        return found
    end = instant_microseconds(cut)
    spans = context.data.spans
    now = spans.filter((pc.field("valid_from") < end) & (pc.field("valid_to") >= end))
    own = pd.DataFrame(
        {"account": now["account"].to_numpy(), "level": now[_LOGS[name]].to_numpy()}
    ).dropna()
    grouped = own.groupby("account")["level"]
    codes = context.index.account_codes(matrix.pairs.account_ids[rows])
    for column, level in (("own_low", 0.1), ("own_high", 0.9)):
        ends = grouped.quantile(level)[grouped.size() >= _LEAST_OWN_POSTS]
        found[column] = np.expm1(ends.reindex(codes).to_numpy(np.float64)) * n_posts
    return found


def judge_orders(
    frame: pd.DataFrame, orders: dict[str, NDArray[np.float64]], codes: NDArray[np.int64]
) -> pd.DataFrame:
    """NDCG@10 and regret of the first ten by expected outcome, of each order and campaign."""
    n = int(codes.max()) + 1
    true = frame["true"].to_numpy(np.float64)
    grades = np.maximum(grade_outcomes(codes, true, n_campaigns=n), 0)
    parts = []
    for name, score in orders.items():
        filled = np.where(np.isnan(score), -np.inf, score)
        ndcg = ndcg_at_k(rank_candidates(codes, filled, n_campaigns=n), grades, k=10).values
        regret = []
        for code in range(n):
            rows = np.flatnonzero(codes == code)
            first = rows[np.argsort(-filled[rows], kind="stable")[:10]]
            best = np.sort(true[rows])[-10:].sum()
            regret.append(1.0 - true[first].sum() / best)
        parts.append(pd.DataFrame({"order": name, "ndcg": ndcg, "regret": regret}))
    return pd.concat(parts, ignore_index=True).assign(seed=frame["seed"].iloc[0])


def log_winkler(low: pd.Series, high: pd.Series, drawn: pd.DataFrame) -> NDArray[np.float64]:
    """Winkler score of 80 % ranges, of ln(1 + outcome), by row."""
    ends = [np.log1p(one.clip(lower=0)).to_numpy()[:, None] for one in (low, high)]
    scores = winkler_score(ends[0], ends[1], np.log1p(drawn.to_numpy()), 0.2)
    return np.asarray(np.nanmean(scores, axis=1))


def covered_share(known: pd.DataFrame, low: str, high: str) -> pd.Series:
    """Share of the draws of each row that a range holds."""
    draws = known[[name for name in known if str(name).startswith("draw_")]]
    return (draws.ge(known[low], axis=0) & draws.le(known[high], axis=0)).mean(axis=1)


def told_level(part: pd.DataFrame, mean: str, name: str) -> str:
    """Sum of stated means over that of the truth: the median over seeds."""
    if name == TRUST_PROXY:
        return ""
    sums = part.groupby("seed")[[mean, "true"]].sum()
    return f", {name} {np.median(sums[mean] / sums['true'].clip(lower=1e-9)):.2f}"


def print_ranges(rows: pd.DataFrame) -> None:
    """Coverage and sharpness over all seeds."""
    draws = [name for name in rows if str(name).startswith("draw_")]
    known = rows[rows["low"].notna() & rows[draws].notna().all(axis=1)].copy()
    known["covered"] = covered_share(known, "low", "high")
    known["hired_covered"] = covered_share(known, "hired_low", "hired_high")
    place = known.groupby(["seed", "campaign_id"])["mean"].rank(ascending=False, method="first")
    campaigns = known.groupby(["seed", "campaign_id"])["covered"]
    print(f"rows {len(known):,}, not predicted {len(rows) - len(known):,}, campaigns "
          f"{campaigns.ngroups:,}")  # fmt: skip
    everyone = np.ones(len(known), bool)
    for label, mask, column, mean in (
        ("all accounts", everyone, "covered", "mean"),
        ("hired, as hires", known["hired"], "hired_covered", "hired_mean"),
        ("hired, as anyone", known["hired"], "covered", "mean"),
        ("first ten by expectation", place <= 10, "covered", "mean"),
        ("last block", known["block"] == _N_BLOCKS - 1, "covered", "mean"),
        ("all accounts, as hires", everyone, "hired_covered", "hired_mean"),
    ):
        part = known[np.asarray(mask)]
        by_seed = part.groupby("seed")[column].mean()
        levels = [told_level(one, mean, name) for name, one in part.groupby("outcome")]
        print(f"  {label:<28} {part[column].mean():.3f}  (seeds {by_seed.min():.3f} to "
              f"{by_seed.max():.3f}; n {len(part):,})")  # fmt: skip
        print(f"      stated over true{''.join(levels)}")
    for name, part in known.groupby("outcome"):
        print(f"    {name:<26} {part['covered'].mean():.3f}  n {len(part):,}")
    cells = known.groupby(["platform", "tier"])["covered"].agg(["mean", "size"])
    cells = cells[cells["size"] >= _LEAST_CELL].sort_values("mean")
    low = cells[cells["mean"] < 0.75]
    print(f"  {len(cells)} cells of {_LEAST_CELL:,} rows: worst {cells['mean'].iloc[0]:.3f} "
          f"({' x '.join(cells.index[0])}); below .75: {len(low)}")  # fmt: skip
    for label, columns in (
        ("followers x multiplier", ("base_low", "base_high")),
        ("the account's own posts", ("own_low", "own_high")),
    ):
        part = known[known[list(columns)].notna().all(axis=1)]
        own = log_winkler(part["low"], part["high"], part[draws]).mean()
        other = log_winkler(part[columns[0]], part[columns[1]], part[draws]).mean()
        print(f"  Winkler, log: model {own:.2f}, {label} {other:.2f} (n {len(part):,})")


def print_totals(totals: pd.DataFrame) -> None:
    """Totals of the hires of campaigns over all seeds."""
    inside = totals["actual"].between(totals["low"], totals["high"])
    print(f"totals of {len(totals):,} campaigns: ranges hold {inside.mean():.3f}")
    for name, part in totals.groupby("outcome"):
        bias = part["mean"].sum() / max(part["actual"].sum(), 1e-9) - 1.0
        ratio = np.median(np.log((part["mean"] + 1) / (part["actual"] + 1)))
        print(f"    {name:<14} n {len(part):>4}  bias of the sum {bias:+.2f}  median ratio "
              f"{np.exp(ratio):.2f}")  # fmt: skip


def print_orders(orders: pd.DataFrame) -> None:
    """Regret and NDCG@10 of each order: medians over seeds of means over campaigns."""
    by_seed = orders.groupby(["order", "seed"])[["ndcg", "regret"]].mean()
    print(f"{'order':<18}{'NDCG@10':>9}{'worst':>8}{'regret':>9}{'worst':>8}")
    for name in ORDERS:
        part = by_seed.loc[name]
        print(f"{name:<18}{part['ndcg'].median():>9.3f}{part['ndcg'].min():>8.3f}"
              f"{part['regret'].median():>9.3f}{part['regret'].max():>8.3f}")  # fmt: skip


def main() -> None:
    """Walk the markets of a world forward and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="default", choices=sorted(WORLDS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1_001)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--campaigns", type=int, default=150)
    options = parser.parse_args()
    blocks: list[Block] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "market"
            simulate_market(
                folder,
                n_influencers=options.influencers,
                n_campaigns=options.campaigns,
                seed=seed,
                world=options.world,
            )
            blocks += walk_market(folder, seed)
        print(f"seed {seed}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    print(f"world {options.world}, {options.seeds} seeds from {options.first_seed}")
    print_ranges(pd.concat([one.rows for one in blocks], ignore_index=True))
    print_totals(pd.concat([one.totals for one in blocks], ignore_index=True))
    print_orders(pd.concat([one.orders for one in blocks], ignore_index=True))


if __name__ == "__main__":
    main()
