"""Where there is nothing to learn, nothing is learnt: text that is noise, and shuffled hires.

``python benchmarks/bench_null_worlds.py --seeds 8``

For each seed a market of ``no-text`` and one of ``default`` is simulated and a model is trained on
what was known at the decision of a campaign three fifths through. Every later decided campaign is
scored over all accounts that its brief lets pass, and the truth judges the orders: that of who is
hired by who was chosen and by the chance that the buyer chose it, that of what a hire delivers by
the expected outcome.

- *content*: the model less the same learners on the same rows with the features that read texts
  (``TEXT_FAMILIES``; of expertise all but the declared category) dealt out anew among the
  candidates of each campaign, in training and later: as many features, as noisy, that say nothing.
  In ``no-text`` this has to be 0 within its interval, in ``default`` it must not be.
- *content at all*: the model less the learners without these features. Features that say nothing
  cost a little, so that this may lie below 0.
- *lexical*, *cosine*: the baselines alone; .5 in ``no-text``, more in ``default``.
- *dealt*: a market whose hires, earlier and later ones, went to other accounts, drawn at random
  among those eligible for each campaign; a model trained in it and judged by its later hires has to
  reach .5.
- *permuted*: the control of ``matcher evaluate``, the learners on labels dealt out anew among their
  training rows, judged by the true later hires. It shows what they prefer when nothing is there to
  be learnt: unusual accounts, which are hired more often, so that it may lie above .5.

Intervals are 95 % of Student's t over the means of seeds, so that campaigns of one market, which
share a model, count as one observation. One of twenty true zeros lies outside by chance.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from matcher.config import Settings
from matcher.evaluation.controls import OPPOSITE, permuted_fits
from matcher.evaluation.metrics import auc
from matcher.evaluation.ranked import rank_candidates
from matcher.evaluation.scorers import baseline_scores
from matcher.features.context import MarketData
from matcher.features.pair_features import FAMILIES
from matcher.market.load import load_market
from matcher.market.market import build_market
from matcher.ranking.fit import candidate_pairs, fit_deliver, fit_hire, fit_model
from matcher.ranking.forecast import fit_forecast
from matcher.ranking.relevance import hired_pairs
from matcher.world.judge.bench import open_bench
from matcher.world.judge.rankings import judge_ranking
from matcher.world.simulate import simulate_market

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.features.pairs import FeatureMatrix
    from matcher.text.encoder import Encoder

WORLDS = ("no-text", "default")
TEXT_FAMILIES = ("content", "sponsored_content", "lexical", "bio", "expertise")
"""Families that compare the words of a brief, or its category, with those of posts and bios."""
_DECLARED = "category_declared"
"""The one of them that reads a column."""
_TRAINED_ON = 0.6
"""Share of the decided campaigns that come before the cut."""
_DEALT = ("dealt", "hire", "choice", "auc")
_FIGURES = (
    ("content", "hire", "choice", "auc_chosen", 0.0),
    ("content", "hire", "choice", "ndcg_at_10_chosen", 0.0),
    ("content", "hire", "choice", "ndcg_at_10", 0.0),
    ("content at all", "hire", "choice", "auc_chosen", 0.0),
    ("content at all", "hire", "choice", "ndcg_at_10_chosen", 0.0),
    ("content at all", "deliver", "outcome", "ndcg_at_10", 0.0),
    ("content at all", "deliver", "outcome", "spearman", 0.0),
    ("lexical", "", "choice", "auc_chosen", 0.5),
    ("cosine", "", "choice", "auc_chosen", 0.5),
    (*_DEALT, 0.5),
    ("permuted", "hire", "choice", "auc_chosen", 0.5),
    ("permuted", "deliver", "outcome", "spearman", 0.0),
)
"""Method, question, target and metric, and where the figure lies if there is nothing."""


def text_features() -> frozenset[str]:
    """Names of the features that read texts."""
    found = [family for family in FAMILIES if family.name in TEXT_FAMILIES]
    return frozenset(spec.name for family in found for spec in family.specs) - {_DECLARED}


@dataclass(frozen=True)
class Split:
    """Campaigns decided before and after the instant at which models are closed."""

    until: pd.Timestamp
    earlier: list[str]
    later: list[str]

    @classmethod
    def of(cls, data: MarketData) -> Split:
        """Split at a campaign three fifths through."""
        campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
        campaigns = campaigns.sort_values("decided_at", ignore_index=True)
        campaigns = campaigns[campaigns["decided_at"] < data.market.all_known_at]
        n = int(_TRAINED_ON * len(campaigns))
        ids = campaigns["campaign_id"].tolist()
        return cls(campaigns["decided_at"].iloc[n], ids[:n], ids[n:])


def score_later_campaigns(
    data: MarketData, settings: Settings, seed: int
) -> tuple[pd.DataFrame, Encoder]:
    """Scores of every candidate of the campaigns decided after the models were closed."""
    split = Split.of(data)
    model, rows, context = fit_model(data, split.until, settings)
    pairs = candidate_pairs(data, split.later, settings)
    matrix = model.features(context, pairs)
    simple = baseline_scores(context, matrix, settings.evaluation.seed)
    own = model.score(matrix, ("hire", "deliver"))
    scores = {name: simple[name] for name in ("lexical", "cosine")}
    scores |= {f"all {name}": own[name].to_numpy(np.float64) for name in own}
    names = model.hire.names
    rng = np.random.default_rng([seed, 0])
    noise = replace(rows, matrix=deal_texts_anew(rows.matrix, rng))
    values = deal_texts_anew(matrix, rng).relative(names)
    scores["noise hire"] = fit_hire(noise, names, settings).score(values)

    fewer = tuple(name for name in names if name not in text_features())
    values = matrix.relative(fewer)
    scores["fewer hire"] = fit_hire(rows, fewer, settings).score(values)
    forecast, _ = fit_forecast(context, model.prior, split.until, fewer, settings)
    deliver, _ = fit_deliver(rows, fewer, settings, forecast=forecast)
    if deliver is not None:
        scores["fewer deliver"] = deliver.score(values)

    values = matrix.relative(names)
    for name, fit in permuted_fits(rows, names, settings).items():
        hire, deliver = fit()
        scores[f"{name} hire"] = hire.score(values)
        if deliver is not None and not name.endswith(OPPOSITE):
            scores[f"{name} deliver"] = deliver.score(values)
    keys = pairs.frame()
    parts = [keys.assign(score=score, method=method) for method, score in scores.items()]
    return pd.concat(parts, ignore_index=True), context.encoder


def deal_texts_anew(matrix: FeatureMatrix, rng: np.random.Generator) -> FeatureMatrix:
    """The features that read texts, together, of another candidate of the same campaign."""
    texts = [place for place, name in enumerate(matrix.names) if name in text_features()]
    order = np.lexsort((rng.random(len(matrix.pairs)), matrix.pairs.brief_codes))
    stays = np.argsort(matrix.pairs.brief_codes, kind="stable")
    values = matrix.values.copy()
    values[np.ix_(stays, texts)] = matrix.values[np.ix_(order, texts)]
    return replace(matrix, values=values)


def judge_dealt_market(data: MarketData, settings: Settings, seed: int, encoder: Encoder) -> float:
    """AUC of a model by later hires where all hires were dealt out anew."""
    gone = ("campaign_posts", "decisions")  # they say who was hired in truth
    tables = {name: data.market.tables[name] for name in data.market.present if name not in gone}
    split = Split.of(data)
    whole = MarketData(build_market(tables, settings.market))
    pools = candidate_pairs(whole, split.earlier + split.later, settings).frame()
    rng = np.random.default_rng([seed, 1])
    hires = tables["collaborations"]
    parts = []
    for campaign_id, pool in pools.groupby("campaign_id", sort=True):
        own = hires[hires["campaign_id"] == campaign_id]
        codes, accounts = pd.factorize(own["account_id"])
        if len(accounts) > len(pool):
            print(f"{campaign_id}: more offers than eligible accounts; left out", file=sys.stderr)
        else:
            dealt = rng.choice(pool["account_id"].to_numpy(object), len(accounts), replace=False)
            parts.append(own.assign(account_id=pd.array(dealt[codes], dtype="str")))
    tables["collaborations"] = pd.concat(parts, ignore_index=True)
    dealt_market = MarketData(build_market(tables, settings.market))
    model, _, context = fit_model(dealt_market, split.until, settings, encoder=encoder)
    pairs = candidate_pairs(dealt_market, split.later, settings)
    score = model.score(model.features(context, pairs), ("hire",))["hire"].to_numpy(np.float64)
    chosen = pd.MultiIndex.from_frame(
        hired_pairs(dealt_market.market)[["campaign_id", "account_id"]]
    )
    hired = pd.MultiIndex.from_frame(pairs.frame()[["campaign_id", "account_id"]]).isin(chosen)
    ranked = rank_candidates(pairs.brief_codes, score, n_campaigns=len(pairs.briefs))
    return float(np.nanmean(auc(ranked, np.asarray(hired)).values))


def judge_market(
    folder: Path, settings: Settings, seed: int, *, deals: bool
) -> dict[tuple[str, ...], float]:
    """Every figure of one market, its mean over campaigns."""
    data = MarketData(load_market(folder, settings.market))
    scored, encoder = score_later_campaigns(data, settings, seed)
    _, found, _ = judge_ranking(open_bench(folder), scored)
    result = {}
    for method, question, target, metric, _ in _FIGURES:
        key = (method, question, target, metric)
        if key == _DEALT:
            result[key] = judge_dealt_market(data, settings, seed, encoder) if deals else np.nan
            continue
        by_method = {name: figures[target, metric] for name, figures in found.items()}
        result[key] = _mean(by_method, method, question)
    return result


def _mean(by_method: dict[str, NDArray[np.float64]], method: str, question: str) -> float:
    """Mean over campaigns; NaN where the market gave no such ranker."""
    if method.startswith("content"):
        whole = by_method.get(f"all {question}")
        other = by_method.get(f"{'noise' if method == 'content' else 'fewer'} {question}")
        return np.nan if whole is None or other is None else float(np.nanmean(whole - other))
    if method != "permuted":
        return float(np.nanmean(by_method[method]))
    drawn = [
        values
        for name, values in by_method.items()
        if name.startswith(method) and name.endswith(question)
    ]
    return float(np.nanmean(drawn)) if drawn else np.nan


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean over seeds with its 95 % interval of Student's t."""
    held = np.array([value for value in values if not np.isnan(value)])
    if len(held) < 2:
        return float(held.mean()) if len(held) else np.nan, np.nan, np.nan
    half = stats.t.ppf(0.975, len(held) - 1) * held.std(ddof=1) / np.sqrt(len(held))
    return float(held.mean()), float(held.mean() - half), float(held.mean() + half)


def write_seeds(
    path: Path, found: dict[str, list[dict[tuple[str, ...], float]]], first_seed: int
) -> None:
    """Write one row per world, seed and figure."""
    rows = [
        (world, first_seed + number, *key, value)
        for world, markets in found.items()
        for number, market in enumerate(markets)
        for key, value in market.items()
    ]
    columns = ["world", "seed", "method", "question", "target", "metric", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)


def main() -> None:
    """Judge all seeds of both worlds and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=2_001)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--campaigns", type=int, default=150)
    parser.add_argument("--permutations", type=int, default=3)
    parser.add_argument("--out", type=Path, help="Figures of every seed, as CSV.")
    options = parser.parse_args()
    settings = Settings.model_validate({"evaluation": {"n_permutations": options.permutations}})
    found: dict[str, list[dict[tuple[str, ...], float]]] = {world: [] for world in WORLDS}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for world in WORLDS:
            started = time.monotonic()
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch) / "market"
                simulate_market(
                    folder,
                    n_influencers=options.influencers,
                    n_campaigns=options.campaigns,
                    seed=seed,
                    world=world,
                )
                deals = world == "default"  # the same question in every world
                found[world].append(judge_market(folder, settings, seed, deals=deals))
            print(f"{world}, seed {seed}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    if options.out is not None:
        write_seeds(options.out, found, options.first_seed)
    print(f"| figure | nothing is | {' | '.join(WORLDS)} |")
    print(f"|---|--:|{'--:|' * len(WORLDS)}")
    for *key, nothing in _FIGURES:
        cells = []
        for world in WORLDS:
            mean, low, high = interval([one[tuple(key)] for one in found[world]])
            if np.isnan(mean):
                cells.append("–")
                continue
            mark = "" if low <= nothing <= high else " *"
            cells.append(f"{mean:+.4f} ({low:+.4f} to {high:+.4f}){mark}")
        print(f"| {' '.join(filter(None, key))} | {nothing} | {' | '.join(cells)} |")
    print("\n* nothing lies outside the interval")


if __name__ == "__main__":
    main()
