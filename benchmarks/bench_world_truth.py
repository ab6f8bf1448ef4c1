"""How far trained models go from the best baseline to what the observables allow, by the truth.

``python benchmarks/bench_world_truth.py --world default --seeds 10``

For each seed a market of the world is simulated, a model with default settings is trained on what
was known at the decision of a campaign three fifths through, and every later decided campaign is
scored over all accounts that its brief lets pass. The truth judges both orders: that of who is
hired by what the buyer wanted, that of what a hire delivers by the expected outcome. The oracles
must be frozen first (``benchmarks/fit_oracles.py``), on other seeds.

``python benchmarks/bench_world_truth.py --fees --seeds 3`` says instead by what factor estimated
fees miss, by what they rest on, and how often the range of 80 % holds: what accounts ask in truth
for one post in each format of each platform at the latest campaigns, and the rates that accounts
without one in force named in the 30 days after some campaigns. Beside it stand the median of
accounts of the same tier, platform and format, an own rate that ran out as it is, and followers
times a constant of the platform.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from matcher.columns import FORMATS
from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.features.snapshots import newest_snapshots
from matcher.market.brief import Brief
from matcher.market.instants import to_microseconds
from matcher.market.load import load_market
from matcher.ranking.fit import candidate_pairs, fit_model
from matcher.recommend.fees import build_fees
from matcher.recommend.fees.observed import exchange_factors
from matcher.recommend.fees.rates import RateTable
from matcher.retrieval.facts import account_facts
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
    from numpy.typing import NDArray

    from matcher.world.judge.judge import Judgement

_TRAINED_ON = 0.6
"""Share of the decided campaigns that come before the cut."""
_LATEST = 10
"""Campaigns of each market at whose decisions fees are estimated."""
_EARLIER = 10
"""Campaigns, spread over all, whose estimates are compared with the next rates."""
_SOON_US = 30 * 86_400_000_000
_RULES = ("cell median", "own old rate", "followers")
"""Simple rules beside the estimates."""
_QUESTIONS = {"hire": "choice", "deliver": "outcome", "outcome": "outcome"}


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
        "share of the way over the seeds with a gap above .02; gain over each seed's best "
        "baseline, mean and 95 % interval over seeds"
    )
    print(f"{head[0]:<22}" + "".join(f"{name:>11}" for name in head[1:]) + "   gain")
    for question, target in _QUESTIONS.items():
        print_question(rows, over, f"model {question}", target)
    shares = rows.loc[rows["metric"].str.startswith("share_"), "value"].dropna()
    if len(shares) and (shares > INVERTED).all():
        print("warning: above 98 % everywhere; the learner may invert the generator")


@dataclass(frozen=True)
class FeeQuestions:
    """Accounts, one format, and the instant as of which a fee is estimated."""

    data: MarketData
    table: RateTable
    brief: Brief
    codes: NDArray[np.int64]

    def answer(self) -> pd.DataFrame:
        """Estimates of the product and of simple rules, in the currency of the brief."""
        table = self.table
        fees = build_fees(self.data, self.brief, self.codes, table.instant, language="en")
        currency, formats = str(self.brief.currency), tuple(self.brief.formats)
        kinds = [(str(table.platforms[one]), str(table.tiers[one])) for one in self.codes]
        cells = {kind: table.cell(currency, formats, *kind) for kind in set(kinds)}
        asked = table.ask(currency, formats)
        return pd.DataFrame(
            {
                "code": self.codes,
                "from": fees.basis,
                "model": fees.fee,
                "low": fees.low,
                "high": fees.high,
                "cell median": [
                    np.nan if cells[kind] is None else cells[kind].quantiles[1] for kind in kinds
                ],
                "own old rate": np.where(asked.in_force, np.nan, asked.price)[self.codes],
                "followers": self._followers(currency),
            }
        )[fees.is_estimate]

    def _followers(self, currency: str) -> NDArray[np.float64]:
        """Followers times the median price of a follower on the platform."""
        index, table = self.data.index, self.table
        everyone = np.arange(len(index.account_ids))
        known = newest_snapshots(index, everyone, np.full(len(everyone), table.instant))
        followers = known["n_followers"].to_numpy(np.float64)
        each = pd.Series(table.ask(currency, ()).price / followers)
        per_follower = each.groupby(table.platforms).median().fillna(each.median())
        return followers[self.codes] * per_follower[table.platforms[self.codes]].to_numpy()


def decided_campaigns(data: MarketData) -> tuple[list[str], list[int]]:
    """Campaigns with a currency, by decision, and their decisions in microseconds since 1970."""
    campaigns = data.market["campaigns"].dropna(subset=["decided_at", "currency"])
    campaigns = campaigns.sort_values("decided_at")
    return campaigns["campaign_id"].tolist(), to_microseconds(campaigns["decided_at"]).tolist()


def miss_asked(folder: Path, data: MarketData) -> pd.DataFrame:
    """Estimates at the latest campaigns, and what accounts ask in truth."""
    truth = read_truth(folder)
    ids = np.array(truth.account_ids, dtype=object)
    platforms = data.market["accounts"].set_index("account_id")["platform"].reindex(ids)
    parts = []
    for campaign, at in list(zip(*decided_campaigns(data), strict=True))[-_LATEST:]:
        brief = Brief.from_campaign(data.market, campaign)
        table = RateTable.of(account_facts(data), at)
        for platform, traits in PLATFORM_TRAITS.items():
            accounts = pd.Series(ids[(platforms == platform).to_numpy()])
            codes = data.index.account_codes(accounts)
            for form in (one[0] for one in traits.formats):
                change = Intervention(n_posts=1, format=form, fee_ratio=1.0)
                asked = truth.expected([campaign] * len(accounts), accounts, change)["fee"]
                one = brief.model_copy(update={"formats": (form,)})
                found = FeeQuestions(data, table, one, codes).answer()
                parts.append(found.assign(asked=asked.to_numpy()[found.index]))
    return pd.concat(parts, ignore_index=True)


def miss_later_rates(data: MarketData) -> pd.DataFrame:
    """Estimates at some campaigns, and the next rates of the same accounts and formats."""
    quotes, parts = data.index.quotes, []
    ids, instants = decided_campaigns(data)
    chosen = np.linspace(0, len(ids) - 1, _EARLIER).astype(int)
    for campaign, at in ((ids[place], instants[place]) for place in chosen):
        brief = Brief.from_campaign(data.market, campaign)
        table = RateTable.of(account_facts(data), at)
        names = sorted(set(quotes.currency_names))
        factors = exchange_factors(data.index, names, str(brief.currency), at)
        soon = (quotes.known_at >= at) & (quotes.known_at < at + _SOON_US)
        rows = np.flatnonzero(soon & (quotes.formats >= 0))
        rows = rows[np.argsort(quotes.known_at[rows], kind="stable")]
        for form in np.unique(quotes.formats[rows]):
            held = rows[quotes.formats[rows] == form]
            codes, first = np.unique(quotes.accounts[held], return_index=True)
            currency = [quotes.currency_names[one] for one in quotes.currencies[held[first]]]
            price = quotes.price_per_post[held[first]] * [factors[name] for name in currency]
            one = brief.model_copy(update={"formats": (FORMATS[form],)})
            found = FeeQuestions(data, table, one, codes).answer()
            parts.append(found.assign(asked=price[found.index]))
    return pd.concat(parts, ignore_index=True)


def print_fees(options: argparse.Namespace) -> None:
    """Print the factors by which estimates miss, over seeds, and how often ranges hold."""
    parts = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "market"
            size = {"n_influencers": options.influencers, "n_campaigns": options.campaigns}
            simulate_market(folder, **size, seed=seed, world=options.world)
            data = MarketData(load_market(folder, Settings().market))
            asked, later = miss_asked(folder, data), miss_later_rates(data)
        parts.append(asked.assign(against="what is asked in truth", seed=seed))
        parts.append(later.assign(against="the next rate", seed=seed))
        print(f"seed {seed}: {len(asked):,} and {len(later):,} estimates", file=sys.stderr)
    rows = pd.concat(parts, ignore_index=True)
    if options.out is not None:
        rows.to_parquet(options.out, index=False)
    print(
        f"world {options.world}, {options.seeds} seeds: median factor of estimated over asked fee,"
    )
    print("or its inverse, with its lowest and highest over seeds; share inside the range of 80 %")
    head = ("from", "n", "model", "over seeds", "inside", "over seeds", *_RULES)
    for against, judged in rows.groupby("against", sort=False):
        print(f"\nagainst {against}")
        print("".join(f"{name:>14}" for name in head))
        for name, group in judged.groupby("from"):
            print_misses(str(name), group)


def print_misses(name: str, rows: pd.DataFrame) -> None:
    """Print one line: the product's estimates that rest on one thing, and the rules beside them."""
    miss = {rule: np.exp(np.abs(np.log(rows[rule] / rows["asked"]))) for rule in ("model", *_RULES)}
    inside = ((rows["asked"] >= rows["low"]) & (rows["asked"] <= rows["high"])).astype(float)
    by_seed, held = (
        miss["model"].groupby(rows["seed"]).median(),
        inside.groupby(rows["seed"]).mean(),
    )
    cells = [
        name,
        f"{len(rows):,}",
        f"{miss['model'].median():.3f}",
        f"{by_seed.min():.2f}-{by_seed.max():.2f}",
        f"{inside.mean():.3f}",
        f"{held.min():.2f}-{held.max():.2f}",
        *(f"{miss[rule].median():.3f}" for rule in _RULES),
    ]
    print("".join(f"{cell:>14}" for cell in cells))


def best_baseline(rows: pd.DataFrame, target: str, metric: str) -> float:
    """Median over seeds of the figure of each seed's best baseline, as the shares take it."""
    held = rows[rows["campaign_id"].eq(ALL) & rows["method"].str.startswith("baseline")]
    held = held[held["target"].eq(target) & held["metric"].eq(metric)]
    by_seed = held.groupby("seed")["value"]
    return float((by_seed.min() if lower_is_better(metric) else by_seed.max()).median())


def paired_gain(rows: pd.DataFrame, method: str, target: str, metric: str) -> str:
    """Mean gain over each seed's best baseline, with the 95 % interval of t over seeds."""
    held = rows[rows["campaign_id"].eq(ALL) & rows["target"].eq(target) & rows["metric"].eq(metric)]
    table = held.pivot_table(index="seed", columns="method", values="value")
    baselines = table.loc[:, table.columns.str.startswith("baseline")]
    if lower_is_better(metric):
        gain = baselines.min(axis=1) - table[method]
    else:
        gain = table[method] - baselines.max(axis=1)
    if len(gain) < 2:
        return f"{gain.mean():+.3f}"
    low, high = ttest_1samp(gain, 0.0).confidence_interval()
    return f"{gain.mean():+.3f} ({low:+.3f} to {high:+.3f})"


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
        gain = paired_gain(rows, method, target, metric)
        print(f"{method.removeprefix('model ') + ': ' + metric:<22}{cells}{n_seeds:>11}   {gain}")


if __name__ == "__main__":
    main()
