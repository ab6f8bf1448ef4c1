"""What the fallback of a market without any history is worth, by the truth.

``python benchmarks/bench_without_history.py --first-seed 4003 --seeds 3``

For each seed a market of the world is simulated and cut three fifths through its campaigns, as in
``benchmarks/bench_world_truth.py``. One model learns from all that was known at the cut. The
fallback learns from the same market without its campaigns and collaborations, and never sees one:
later briefs are handed to it as files would be. Both order all accounts that each later brief lets
pass, and the truth judges who the buyer wanted, and what the first ten would bring.
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
from matcher.evaluation.scorers import BASELINES
from matcher.evaluation.stated import state_pairs
from matcher.evaluation.truth import Truth
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.market.market import build_market
from matcher.ranking.candidates import candidate_pairs, find_missing_history
from matcher.ranking.fallback import fit_without_history
from matcher.ranking.fit import fit_model
from matcher.world.judge.bench import open_bench
from matcher.world.judge.ceilings import OBSERVABLES, baseline_name
from matcher.world.judge.figures import ALL
from matcher.world.judge.frozen import ORACLES
from matcher.world.judge.judge import Ceilings, judge_predictions
from matcher.world.judge.markets import lower_is_better
from matcher.world.judge.predictions import parse_predictions
from matcher.world.knobs import WORLDS
from matcher.world.simulate import simulate_market

if TYPE_CHECKING:
    from matcher.features.context import FeatureContext
    from matcher.features.pairs import Pairs
    from matcher.ranking.model import Model

_TRAINED_ON = 0.6
"""Share of the decided campaigns that come before the cut."""
_HISTORY = ("campaigns", "collaborations", "campaign_posts", "exclusivities", "decisions")
"""Tables that a market without history lacks."""
_TARGETS = {"hire": "choice", "deliver": "outcome", "outcome": "outcome"}
_METRICS = {"choice": ("ndcg_at_10", "auc_chosen"), "outcome": ("ndcg_at_10", "regret_at_10")}
_NEED_HISTORY = ("past_partners", "past_hires")
"""Baselines that a market without history cannot have either."""


def score_later_campaigns(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of both models for every candidate of the campaigns decided after the cut.

    Beside them what both state of the hires of these campaigns.
    """
    settings = Settings()
    data = MarketData(load_market(folder, settings.market))
    campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
    campaigns = campaigns.sort_values("decided_at", ignore_index=True)
    campaigns = campaigns[campaigns["decided_at"] < data.market.all_known_at]
    later = campaigns.iloc[int(_TRAINED_ON * len(campaigns)) :]
    cut = later["decided_at"].iloc[0]
    pairs, truth = candidate_pairs(data, later["campaign_id"].tolist(), settings), Truth.of(data)
    learnt, _, context = fit_model(data, cut, settings)
    found = [_answers("model", learnt, context, pairs, truth)]
    kept = {name: held for name, held in data.market.tables.items() if name not in _HISTORY}
    bare = MarketData(
        build_market({name: held for name, held in kept.items() if len(held)}, settings.market)
    )
    reason = find_missing_history(bare.market, cut)
    fallback, context = fit_without_history(bare, cut, settings, reason=reason)
    found.append(_answers("fallback", fallback, context, pairs, truth))
    scores, stated = zip(*found, strict=True)
    return pd.concat(scores, ignore_index=True), pd.concat(stated, ignore_index=True)


def _answers(
    name: str, model: Model, context: FeatureContext, pairs: Pairs, truth: Truth
) -> tuple[pd.DataFrame, pd.DataFrame]:
    matrix = model.features(context, pairs)
    scores = model.score(matrix, tuple(_TARGETS))
    frames = [
        pairs.frame().assign(
            score=scores[question].to_numpy(), method=f"{name} {question}", target=target
        )
        for question, target in _TARGETS.items()
        if scores[question].notna().all()
    ]
    stated = state_pairs(model, matrix, scores["hire"].to_numpy(), truth)
    keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
    hires = pairs.frame().assign(
        method=name,
        outcome_name=truth.names.reindex(keys).to_numpy(object),
        outcome=truth.outcomes.reindex(keys).to_numpy(),
        low=stated["stated_low"],
        high=stated["stated_high"],
    )
    return pd.concat(frames, ignore_index=True), hires[hires["outcome"].notna()]


def judge_seed(
    world: str, seed: int, options: argparse.Namespace
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Figures of both models, baselines and oracles on one market, and what is stated of hires."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "market"
        simulate_market(
            folder,
            n_influencers=options.influencers,
            n_campaigns=options.campaigns,
            seed=seed,
            world=world,
        )
        scores, stated = score_later_campaigns(folder)
        predictions = parse_predictions(scores, f"seed {seed}")
        ceilings = Ceilings(options.oracles)
        rows = judge_predictions(open_bench(folder), predictions, ceilings=ceilings).rows
        return rows, stated.assign(seed=seed)


def print_ranges(stated: pd.DataFrame) -> None:
    """Print how many hires ranges of 80 % held, where both models state one."""
    known = stated.dropna(subset=["low", "high"])
    keys = ["seed", "campaign_id", "account_id"]
    known = known[known.groupby(keys)["method"].transform("nunique") == 2]
    inside = known["outcome"].between(known["low"], known["high"]).astype(float)
    width = np.log1p(known["high"]) - np.log1p(known["low"])
    table = known.assign(inside=inside, width=width).groupby(["method", "outcome_name"])
    print("\nranges of 80 % over the hires of later campaigns of which both models state one")
    for (method, name), part in table:
        print(
            f"  {method:<10}{name:<14}{len(part):>6} hires, held {part['inside'].mean():.3f}, "
            f"log width {part['width'].mean():.2f}"
        )


def print_target(rows: pd.DataFrame, target: str) -> None:
    """Print medians over seeds, and their range, of every method that answers a question."""
    whole = rows[rows["campaign_id"].eq(ALL) & rows["target"].eq(target)]
    print(f"\n{target}: median over seeds (lowest to highest)")
    for metric in _METRICS[target]:
        held = whole[whole["metric"].eq(metric)]
        table = held.pivot_table(index="method", columns="seed", values="value")
        own = [baseline_name(name) for name in BASELINES if name not in _NEED_HISTORY]
        best = table[table.index.isin(own)]
        best = best.min() if lower_is_better(metric) else best.max()
        table.loc["best baseline that needs no history"] = best
        asked = [f"{who} {question}" for who in ("fallback", "model")
                 for question, one in _TARGETS.items() if one == target]  # fmt: skip
        for method in ("best baseline that needs no history", *asked, OBSERVABLES):
            if method in table.index:
                line = table.loc[method]
                print(
                    f"  {metric:<14}{method:<38}{line.median():>7.3f} "
                    f"({line.min():.3f} to {line.max():.3f})"
                )


def main() -> None:
    """Judge all seeds and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="default", choices=sorted(WORLDS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=4_003)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--campaigns", type=int, default=150)
    parser.add_argument("--oracles", type=Path, default=ORACLES)
    options = parser.parse_args()
    parts, stated = [], []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        started = time.monotonic()
        found, ranges = judge_seed(options.world, seed, options)
        parts.append(found)
        stated.append(ranges)
        print(f"seed {seed}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    rows = pd.concat(parts, ignore_index=True)
    print(f"world {options.world}, {options.seeds} seeds from {options.first_seed}")
    for target in _METRICS:
        print_target(rows, target)
    print_ranges(pd.concat(stated, ignore_index=True))


if __name__ == "__main__":
    main()
