"""How far trained models go from the best baseline to what the observables allow, by the truth.

``python benchmarks/bench_world_truth.py --world default --seeds 10``

For each seed a market of the world is simulated, a model with default settings is trained on what
was known at the decision of a campaign three fifths through, and every later decided campaign is
scored over all accounts that its brief lets pass. The truth judges both orders: that of who is
hired by what the buyer wanted, that of what a hire delivers by the expected outcome. The oracles
must be frozen first (``benchmarks/fit_oracles.py``), on other seeds.

``python benchmarks/bench_world_truth.py --fees --seeds 3`` says instead by what factor estimated
fees miss what accounts ask: at the latest campaigns, for one post in each format of each platform,
accounts whose own rate ran out, and those that are estimated from accounts like them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.market.brief import Brief
from matcher.market.instants import to_microseconds
from matcher.market.load import load_market
from matcher.ranking.fit import candidate_pairs, fit_model
from matcher.recommend.fees import build_fees
from matcher.world.judge.bench import open_bench
from matcher.world.judge.ceilings import LATENT, OBSERVABLES
from matcher.world.judge.figures import ALL
from matcher.world.judge.frozen import ORACLES
from matcher.world.judge.judge import INVERTED, Ceilings, judge_predictions
from matcher.world.judge.markets import lower_is_better, summarise_markets
from matcher.world.judge.predictions import parse_predictions
from matcher.world.knobs import WORLDS
from matcher.world.platforms import PLATFORM_TRAITS
from matcher.world.simulate import simulate_market
from matcher.world.truth import Intervention, read_truth

if TYPE_CHECKING:
    from matcher.world.judge.judge import Judgement

_TRAINED_ON = 0.6
"""Share of the decided campaigns that come before the cut."""
_LATEST = 10
"""Campaigns of each market at whose decisions fees are estimated."""
_QUESTIONS = {"hire": "choice", "deliver": "outcome"}


def score_later_campaigns(folder: Path) -> pd.DataFrame:
    """Both scores of every candidate of the campaigns decided after a model was closed."""
    settings = Settings()
    data = MarketData(load_market(folder, settings.market))
    campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
    campaigns = campaigns.sort_values("decided_at", ignore_index=True)
    campaigns = campaigns[campaigns["decided_at"] < data.market.all_known_at]
    later = campaigns.iloc[int(_TRAINED_ON * len(campaigns)) :]
    model, _, context = fit_model(data, later["decided_at"].iloc[0], settings)
    pairs = candidate_pairs(data, later["campaign_id"].tolist(), settings)
    scores = model.score(model.features(context, pairs), tuple(_QUESTIONS))
    return pd.concat(
        [
            pairs.frame().assign(
                score=scores[question].to_numpy(), method=f"model {question}", target=target
            )
            for question, target in _QUESTIONS.items()
            if scores[question].notna().all()
        ],
        ignore_index=True,
    )


def judge_seed(world: str, seed: int, options: argparse.Namespace) -> Judgement:
    """Judgement of a model on one market."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "market"
        simulate_market(
            folder,
            n_influencers=options.influencers,
            n_campaigns=options.campaigns,
            seed=seed,
            world=world,
        )
        predictions = parse_predictions(score_later_campaigns(folder), f"seed {seed}")
        return judge_predictions(
            open_bench(folder), predictions, ceilings=Ceilings(options.oracles)
        )


def main() -> None:
    """Judge all seeds and print medians and worsts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="default", choices=sorted(WORLDS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1_001)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--campaigns", type=int, default=150)
    parser.add_argument("--oracles", type=Path, default=ORACLES)
    parser.add_argument("--out", type=Path, help="All rows, as Parquet.")
    parser.add_argument("--fees", action="store_true", help="Judge estimated fees; train nothing.")
    options = parser.parse_args()
    if options.fees:
        print_fees(options)
        return
    parts: list[pd.DataFrame] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        started = time.monotonic()
        found = judge_seed(options.world, seed, options)
        parts.append(found.rows)
        notes = "; ".join(note for note in found.notes if "oracle" in note)
        print(f"seed {seed}: {time.monotonic() - started:.0f} s {notes}", file=sys.stderr)
    rows = pd.concat(parts, ignore_index=True)
    if options.out is not None:
        rows.to_parquet(options.out, index=False)
    over = summarise_markets(rows).set_index(["method", "target", "metric"])
    head = ("figure", "baselines", "model", "oracle", "latent", "gap", "median", "worst", "seeds")
    print(
        f"world {options.world}, {options.seeds} seeds; medians over seeds, then median and worst "
        "share of the way over the seeds with a gap above .02"
    )
    print(f"{head[0]:<22}" + "".join(f"{name:>11}" for name in head[1:]))
    for question, target in _QUESTIONS.items():
        print_question(rows, over, f"model {question}", target)
    shares = rows.loc[rows["metric"].str.startswith("share_"), "value"].dropna()
    if len(shares) and (shares > INVERTED).all():
        print("warning: above 98 % everywhere; the learner may invert the generator")


def miss_fees(folder: Path) -> pd.DataFrame:
    """Factor by which every estimated fee of the latest campaigns misses what accounts ask."""
    data = MarketData(load_market(folder, Settings().market))
    truth = read_truth(folder)
    campaigns = data.market["campaigns"].dropna(subset=["decided_at", "currency"])
    latest = campaigns.sort_values("decided_at").tail(_LATEST)
    ids, platforms = truth.account_ids, data.market["accounts"].set_index("account_id")["platform"]
    parts = []
    decided = to_microseconds(latest["decided_at"]).tolist()
    for campaign, at in zip(latest["campaign_id"], decided, strict=True):
        brief = Brief.from_campaign(data.market, campaign)
        for platform, traits in PLATFORM_TRAITS.items():
            accounts = pd.Series([one for one in ids if platforms[one] == platform])
            codes = data.index.account_codes(accounts)
            for form in (one[0] for one in traits.formats):
                asked = truth.expected(
                    [campaign] * len(accounts),
                    accounts,
                    Intervention(n_posts=1, format=form, fee_ratio=1.0),
                )["fee"]
                asking = brief.model_copy(update={"formats": (form,)})
                fees = build_fees(data, asking, codes, at, language="en")
                parts.append(
                    pd.DataFrame(
                        {
                            "from": np.where(np.isnan(fees.low), "own rate run out", "median"),
                            "miss": np.exp(np.abs(np.log(fees.fee / asked))),
                        }
                    )[fees.is_estimate]
                )
    return pd.concat(parts, ignore_index=True)


def print_fees(options: argparse.Namespace) -> None:
    """Print quartiles of the factor over seeds."""
    parts = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "market"
            size = {"n_influencers": options.influencers, "n_campaigns": options.campaigns}
            simulate_market(folder, **size, seed=seed, world=options.world)
            parts.append(miss_fees(folder).assign(seed=seed))
    rows = pd.concat(parts).groupby("from")["miss"]
    print(f"world {options.world}, {options.seeds} seeds: estimated over asked fee, or its inverse")
    print(rows.describe()[["count", "25%", "50%", "75%"]].round(3).to_string())


def best_baseline(rows: pd.DataFrame, target: str, metric: str) -> float:
    """Median over seeds of the figure of each seed's best baseline, as the shares take it."""
    held = rows[rows["campaign_id"].eq(ALL) & rows["method"].str.startswith("baseline")]
    held = held[held["target"].eq(target) & held["metric"].eq(metric)]
    by_seed = held.groupby("seed")["value"]
    return float((by_seed.min() if lower_is_better(metric) else by_seed.max()).median())


def print_question(rows: pd.DataFrame, over: pd.DataFrame, method: str, target: str) -> None:
    """Print one line per metric of a question."""
    values, counts = over["value"], over["n"]
    for metric in ("ndcg_at_10", "regret_at_10", "auc_chosen"):
        if (method, target, f"median_{metric}") not in values.index:
            continue
        held = values.xs(f"median_{metric}", level="metric").xs(target, level="target")
        best = best_baseline(rows, target, metric)
        figures = [best, held[method], held.get(OBSERVABLES), held.get(LATENT)]
        figures += [
            values.get((method, target, f"{name}_{metric}"))
            for name in ("median_gap", "median_share", "worst_share")
        ]
        # No share is stated where the gap is below .02, and no oracle where none is frozen.
        cells = "".join(f"{'-' if one is None else f'{one:.3f}':>11}" for one in figures)
        n_seeds = counts.get((method, target, f"median_share_{metric}"), 0)
        print(f"{target + ' ' + metric:<22}{cells}{n_seeds:>11}")


if __name__ == "__main__":
    main()
