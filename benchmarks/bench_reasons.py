"""Whether reasons are true: the share of candidates that fall when they lose their strongest one.

``python benchmarks/bench_reasons.py MARKET --until 2024-10-15`` trains on what was known before and
looks at the campaigns decided later; without MARKET, a market is simulated and a model trained on
the first 7 tenths of its campaigns.

Per campaign the first 20 of the list, and 60 of all candidates that can still fall, drawn at
random. The intervals are over brands. The table is printed as Markdown.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from matcher.config import Settings
from matcher.errors import SupportError
from matcher.evaluation.bootstrap import bootstrap_means
from matcher.features.context import MarketData
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.ranking.model import Model
from matcher.recommend.recommend import score_brief
from matcher.recommend.removal import REPLACEMENTS, remove_top_reason
from matcher.world.simulate import simulate_market

N_LISTED = 20
N_DRAWN = 60


def measure_campaigns(
    model: Model, data: MarketData, campaigns: list[str], *, seed: int
) -> Iterator[pd.DataFrame]:
    """Rows of `remove_top_reason` of each campaign, with where they come from."""
    context = model.context(data)
    for number, campaign in enumerate(campaigns):
        brief = Brief.from_campaign(data.market, campaign)
        try:
            ranked = score_brief(model, data, brief, context=context)
        except SupportError as error:
            print(f"left out: {error}")
            continue
        for ranker in ("hire", "deliver"):
            if getattr(model, ranker) is None:
                continue
            scores = ranked.scores[ranker].to_numpy()
            order = np.argsort(-scores, kind="stable")
            rng = np.random.default_rng([seed, number])
            drawn = rng.permutation(len(scores))[: 2 * N_DRAWN]
            for replacement in REPLACEMENTS:
                for sample, rows in (("list", order[:N_LISTED]), ("any", drawn)):
                    found = remove_top_reason(
                        model, ranked, ranker=ranker, replacement=replacement, rows=rows
                    )
                    found = found[found["can_fall"]].head(N_DRAWN)
                    found.insert(0, "campaign_id", campaign)
                    yield found.assign(
                        brand=brief.brand_id,
                        ranker=ranker,
                        replacement=replacement,
                        sample=sample,
                    )


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Share that falls, and its interval over brands, by ranker, sample and replacement."""
    rows = rows.assign(fell=(rows["rank_without"] > rows["rank"]).astype(float))
    lines = []
    for key, part in rows.groupby(["ranker", "sample", "replacement"], sort=False):
        by_campaign = part.groupby("campaign_id").agg(
            fell=("fell", "mean"), brand=("brand", "first")
        )
        means = bootstrap_means(
            by_campaign[["fell"]].to_numpy(),
            by_campaign["brand"].to_numpy(),
            n_resamples=2_000,
            seed=0,
        )
        lines.append((*key, len(part), part["fell"].mean(), means.low[0], means.high[0]))
    return pd.DataFrame(
        lines, columns=["ranker", "sample", "replacement", "rows", "fell", "low", "high"]
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("market", nargs="?", type=Path)
    parser.add_argument("--until", help="instant up to which the model learns")
    parser.add_argument("--influencers", type=int, default=2_000)
    parser.add_argument("--campaigns", type=int, default=300)
    parser.add_argument("--most", type=int, default=20, help="campaigns that are looked at")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    settings = Settings()
    with tempfile.TemporaryDirectory() as name:
        folder = options.market or Path(name) / "market"
        if options.market is None:
            simulate_market(
                folder,
                n_influencers=options.influencers,
                n_campaigns=options.campaigns,
                seed=options.seed,
            )
        data = MarketData(load_market(folder, settings.market))
    decided = data.market["campaigns"].set_index("campaign_id")["decided_at"].dropna().sort_values()
    until = pd.Timestamp(options.until) if options.until else decided.quantile(0.7)
    until = until.tz_localize("UTC") if until.tzinfo is None else until
    model, _, _ = fit_model(data, until, settings)
    later = decided[decided >= until].index.tolist()
    places = np.unique(np.linspace(0, len(later) - 1, options.most).round().astype(int))
    campaigns = [later[place] for place in places]
    rows = pd.concat(measure_campaigns(model, data, campaigns, seed=options.seed))
    print(f"{rows['campaign_id'].nunique()} campaigns decided from {until} on")
    print(f"contributions miss the score by {rows['error'].max():.1e} at most\n")
    print("| ranker | sample | given instead | rows | fell | 95 % |")
    print("|---|---|---|--:|--:|---|")
    for line in summarise(rows).itertuples():
        print(
            f"| {line.ranker} | {line.sample} | {line.replacement} | {line.rows:,} "
            f"| {line.fell:.3f} | {line.low:.3f} to {line.high:.3f} |"
        )


if __name__ == "__main__":
    main()
