"""Seconds and memory of lists for many briefs over a large market, features being built.

``python benchmarks/bench_recommend.py --influencers 78000 --briefs 100``

A market is simulated (78,000 influencers hold about 100,000 accounts), and a model with default
settings is trained on a small market of the same world. What belongs to the accounts alone (the
market in columns, embeddings, words, readings) is built first and timed apart. Then lists are made
for all briefs together, each over all accounts, kept as they are done, and written; and again for
one brief by itself. The briefs are those of the market's campaigns, seen from today.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.recommend.recommend import recommend
from matcher.recommend.unfinished import Unfinished
from matcher.recommend.write import write_recommendations
from matcher.world.simulate import simulate_market

if TYPE_CHECKING:
    from matcher.features.context import FeatureContext
    from matcher.ranking.model import Model


def train_small(folder: Path) -> Model:
    """Model of a market of 1,000 influencers."""
    simulate_market(folder, n_influencers=1_000, n_campaigns=120, seed=1)
    data = MarketData(load_market(folder))
    model, _, _ = fit_model(data, data.market.all_known_at, Settings())
    return model


def build(model: Model, folder: Path) -> FeatureContext:
    """Everything that belongs to the accounts alone."""
    data = MarketData(load_market(folder))
    context = model.context(data)
    for part in ("post_embeddings", "hashtag_embeddings", "bio_embeddings", "lexical_posts"):
        getattr(context, part)
    assert len(data.spans)
    return context


def make_briefs(context: FeatureContext, n_briefs: int) -> list[Brief]:
    """Briefs of campaigns as if they were to be decided now."""
    market = context.data.market
    ids = market.tables["campaigns"]["campaign_id"].tolist()
    chosen = [ids[place % len(ids)] for place in range(n_briefs)]
    return [
        Brief.from_campaign(market, name).model_copy(
            update={"brief_id": f"{place}-{name}", "decided_at": None}
        )
        for place, name in enumerate(chosen)
    ]


def peak_gib() -> float:
    """Most memory that the process held so far."""
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def main() -> None:
    """Time the parts and print them as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--influencers", type=int, default=78_000)
    parser.add_argument("--briefs", type=int, default=100)
    options = parser.parse_args()
    print("| part | clock s | processor s | peak GiB |\n|---|--:|--:|--:|")

    def timed(name: str, clock: float, busy: float) -> None:
        spent = time.perf_counter() - clock, time.process_time() - busy
        print(f"| {name} | {spent[0]:.1f} | {spent[1]:.1f} | {peak_gib():.1f} |", flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = train_small(folder / "small")
        simulate_market(
            folder / "market", n_influencers=options.influencers, n_campaigns=300, seed=0
        )
        start = time.perf_counter(), time.process_time()
        context = build(model, folder / "market")
        n_accounts = len(context.index.account_ids)
        timed(f"features of {n_accounts:,} accounts", *start)
        briefs = make_briefs(context, options.briefs)
        start = time.perf_counter(), time.process_time()
        unfinished = Unfinished(folder / "unfinished")
        found = recommend(model, context.data, briefs, context=context, unfinished=unfinished)
        write_recommendations(found, folder / "lists.parquet")
        timed(f"lists for {len(briefs)} briefs, {len(found):,} rows", *start)
        together = time.perf_counter() - start[0]
        start = time.perf_counter(), time.process_time()
        recommend(model, context.data, briefs[:1], context=context)
        timed("list for one of them by itself", *start)
        alone = time.perf_counter() - start[0]
    print(f"\nEach brief by itself would take {alone * len(briefs) / together:.1f} times as long.")


if __name__ == "__main__":
    main()
