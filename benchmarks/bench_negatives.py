"""Whom the rankers should learn from: unlabelled candidates left out, drawn and weighted.

``python benchmarks/bench_negatives.py --seeds 5``

For each seed and world a market is simulated and cut at the decision of a campaign three fifths
through. Features of all eligible accounts of the earlier and the later campaigns are built once;
the rankers are then fitted again and again on other candidates of the earlier campaigns, and score
every candidate of the later ones. The truth judges them, over the full pool (the buyer's longlist
for *hire*, all eligible accounts for *deliver*) and over those contacted alone.

- *hire*, over the pool: NDCG@10 by the true probability of being contacted, NDCG@10 and AUC of who
  was contacted, and the share of the best ten accounts' expected outcome that is missed; over those
  contacted: rank correlation with the true probability, and AUC of hired over declined.
- *deliver*: NDCG@10, the missed share and rank correlation by the true expected outcome.

Everything is a difference from the first row, paired by campaign, with the 95 % interval of
Student's t over the means of seeds, so that campaigns of one market, which share a model, count as
one observation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench_null_worlds import Split, interval
from matcher.columns import HIRED_STATUSES
from matcher.config import Settings
from matcher.evaluation.outcomes import grade_outcomes
from matcher.features.context import MarketData
from matcher.features.pair_features import FEATURES, build_features
from matcher.market.load import load_market
from matcher.ranking.boosting import Draw, fit_ranker
from matcher.ranking.candidates import build_training_rows
from matcher.ranking.fit import candidate_pairs, fit_deliver, fit_prior, fit_text, used_features
from matcher.ranking.forecast import fit_forecast
from matcher.world.judge.bench import open_bench
from matcher.world.judge.rankings import Pool, build_pool, ranking_figures
from matcher.world.knobs import WORLDS
from matcher.world.simulate import simulate_market

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from matcher.features.pairs import FeatureMatrix
    from matcher.ranking.boosting import BoostedRanker
    from matcher.ranking.candidates import TrainingRows

_FOLDS = 5
_MOST_COPIES = 4
_IN_CATEGORY = 0.25
"""Share of posts in the brief's category from which an account that declares none counts as of it.
"""
_FIGURES = {
    "hire": (
        ("pool", "choice", "ndcg_at_10"),
        ("pool", "choice", "ndcg_at_10_chosen"),
        ("pool", "choice", "auc_chosen"),
        ("pool", "outcome", "regret_at_10"),
        ("contacted", "choice", "spearman"),
        ("contacted", "choice", "auc_chosen"),
    ),
    "deliver": (
        ("pool", "outcome", "ndcg_at_10"),
        ("pool", "outcome", "regret_at_10"),
        ("pool", "outcome", "spearman"),
        ("contacted", "outcome", "ndcg_at_10"),
        ("contacted", "outcome", "spearman"),
    ),
}
"""Judged over whom, by which truth, and in which figure."""


@dataclass(frozen=True)
class Lessons:
    """Candidates of the earlier campaigns, all of them, and what can be done with them."""

    data: MarketData
    rows: TrainingRows
    until: pd.Timestamp
    names: tuple[str, ...]
    settings: Settings

    @cached_property
    def is_contacted(self) -> NDArray[np.bool_]:
        """Whether a collaboration of any status was known."""
        return self._among(self.data.market.tables["collaborations"])

    def _among(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        pairs = self.rows.matrix.pairs
        known = table.loc[table["status_at"] < self.until, ["campaign_id", "account_id"]]
        keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
        return np.asarray(keys.isin(pd.MultiIndex.from_frame(known)))

    @cached_property
    def is_in_category(self) -> NDArray[np.bool_]:
        """Whether an account is of the brief's category."""
        declared, share = self.rows.matrix.columns(["category_declared", "category_share"]).T
        return np.where(np.isnan(declared), share >= _IN_CATEGORY, declared == 1.0)

    @cached_property
    def propensity(self) -> NDArray[np.float64]:
        """Probability of being contacted, by a logistic regression that left the campaign out."""
        from sklearn.linear_model import LogisticRegression

        matrix = self.rows.matrix
        values = np.nan_to_num(matrix.relative(self.names))
        fold = np.random.default_rng(0).permutation(len(matrix.pairs.briefs)) % _FOLDS
        fold = fold[matrix.pairs.brief_codes]
        found = np.empty(len(values))
        for number in range(_FOLDS):
            left_out = fold == number
            learner = LogisticRegression(C=0.01, max_iter=300)
            learner.fit(values[~left_out], self.is_contacted[~left_out])
            found[left_out] = learner.predict_proba(values[left_out])[:, 1]
        return np.clip(found, 0.001, 0.999)

    def draw(
        self,
        number: int,
        size: int,
        *,
        among: NDArray[np.bool_] | None = None,
        chances: NDArray[np.float64] | None = None,
        kept: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.int64]:
        """Rows of the hired (or of those to keep), and some of the others of each campaign."""
        bounds, briefs = self.rows.matrix.pairs.bounds, self.rows.matrix.pairs.briefs
        kept = self.rows.hired if kept is None else kept
        usable = ~kept if among is None else among & ~kept
        rows = []
        for code, brief in enumerate(briefs):
            inside = np.arange(bounds[code], bounds[code + 1])
            others = inside[usable[inside]]
            rng = np.random.default_rng([number, *brief.brief_id.encode()])
            weight = None if chances is None else chances[others] / chances[others].sum()
            n = min(size, len(others))
            rows += [inside[kept[inside]], rng.choice(others, n, replace=False, p=weight)]
        return np.sort(np.concatenate(rows))

    def fit(
        self,
        draws: list[NDArray[np.int64]],
        *,
        labels: NDArray[np.bool_] | NDArray[np.int64] | None = None,
        copies: NDArray[np.int64] | None = None,
        constrained: bool = True,
    ) -> BoostedRanker:
        """LambdaRank on some rows; a campaign that stands several times weighs as much."""
        matrix = self.rows.matrix
        labels = self.rows.hired if labels is None else labels
        trend = {spec.name: spec.trend for spec in FEATURES} if constrained else {}
        members = []
        for draw in draws:
            times = np.ones(len(draw), dtype=np.int64) if copies is None else copies[draw]
            again = np.repeat(draw, times)
            number = np.arange(len(again)) - np.repeat(np.cumsum(times) - times, times)
            ids = pd.Series(matrix.pairs.campaign_ids[again]) + "/" + pd.Series(number).astype(str)
            values = matrix.relative(self.names, again)
            members.append(Draw(values, labels[again].astype(np.int64), ids.to_numpy(object)))
        trends = [trend.get(name, 0) for name in self.names]
        return fit_ranker(members, self.names, trends=trends, settings=self.settings.ranker)

    @cached_property
    def copies(self) -> NDArray[np.int64]:
        """Times that a campaign stands, by the inverse mean propensity of its hires, mean 2."""
        codes, hired = self.rows.matrix.pairs.brief_codes, self.rows.hired
        inverse = pd.Series(1.0 / self.propensity[hired]).groupby(codes[hired]).mean()
        times = np.clip(np.round(2.0 * inverse / inverse.median()), 1, _MOST_COPIES)
        return times.reindex(np.arange(codes.max() + 1)).fillna(1).to_numpy(np.int64)[codes]


def hire_variants(lessons: Lessons) -> dict[str, Callable[[], BoostedRanker]]:
    """Rankers of who is hired, by whom they learn from; the first is what the product does."""
    hired, contacted = lessons.rows.hired, lessons.is_contacted
    near, chance = lessons.is_in_category, lessons.propensity

    def several(n: int, size: int, **choice: NDArray[np.bool_] | NDArray[np.float64]) -> list:
        return [lessons.draw(number, size, **choice) for number in range(n)]

    def mixed() -> list[NDArray[np.int64]]:
        half = [lessons.draw(number, 50, among=near) for number in range(3)]
        rest = [lessons.draw(number + 10, 50) for number in range(3)]
        return [np.union1d(one, two) for one, two in zip(half, rest, strict=True)]

    fit, uniform = lessons.fit, several(3, 100)
    return {
        "100 of the others, 3 draws": lambda: fit(uniform),
        "contacted alone (dropped)": lambda: fit(several(3, 0, kept=contacted)),
        "50 of the others": lambda: fit(several(3, 50)),
        "300 of the others": lambda: fit(several(3, 300)),
        "100 in the category": lambda: fit(several(3, 100, among=near)),
        "50 in the category, 50 of all": lambda: fit(mixed()),
        "1 draw": lambda: fit(uniform[:1]),
        "10 draws": lambda: fit(several(10, 100)),
        "100 by propensity": lambda: fit(several(3, 100, chances=chance)),
        "100 by inverse propensity": lambda: fit(several(3, 100, chances=1 / chance)),
        "campaigns by inverse propensity": lambda: fit(uniform, copies=lessons.copies),
        "without those who declined": lambda: fit(several(3, 100, among=~contacted)),
        "contacted counts as hired": lambda: fit(
            several(3, 100, kept=contacted), labels=contacted | hired
        ),
        "without trends": lambda: fit(uniform, constrained=False),
    }


def deliver_variants(
    lessons: Lessons, forecast: BoostedRanker | None
) -> dict[str, Callable[[], BoostedRanker | None]]:
    """Rankers of what a hire delivers; the first is what the product does."""
    rows, pairs = lessons.rows, lessons.rows.matrix.pairs
    keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
    known = rows.outcomes.set_index(["campaign_id", "account_id"])["outcome"].reindex(keys)
    outcome = np.where(rows.hired, known.to_numpy(np.float64), np.nan)
    measured = np.isfinite(outcome)
    grades = grade_outcomes(pairs.brief_codes, outcome, n_campaigns=len(pairs.briefs))
    among_hired, above_all = np.maximum(grades, 0), np.where(measured, grades + 1, 0)

    def graded(labels: NDArray[np.int64], size: int) -> BoostedRanker:
        draws = [lessons.draw(number, size, kept=measured) for number in range(3)]
        return lessons.fit(draws, labels=labels, constrained=False)

    return {
        "hired alone, after the forecast": lambda: fit_deliver(
            rows, lessons.names, lessons.settings, forecast=forecast
        )[0],
        "hired alone": lambda: fit_deliver(rows, lessons.names, lessons.settings)[0],
        "hired alone, LambdaRank": lambda: graded(among_hired, 0),
        "100 of the others as grade 0": lambda: graded(above_all, 100),
    }


@dataclass(frozen=True)
class Exam:
    """Later campaigns: features of their candidates, and pools with the truth."""

    matrix: FeatureMatrix
    pools: dict[str, Pool]

    @classmethod
    def of(cls, folder: Path, data: MarketData, matrix: FeatureMatrix) -> Exam:
        """Pools of the candidates of later campaigns."""
        pool = build_pool(open_bench(folder), matrix.pairs.frame())
        table = data.market.tables["collaborations"]
        table = table[table["status"].isin(HIRED_STATUSES)]
        keys = pd.MultiIndex.from_frame(table[["campaign_id", "account_id"]])
        hired = np.asarray(pd.MultiIndex.from_frame(pool.pairs).isin(keys))
        rows = np.flatnonzero(pool.chosen)
        contacted = Pool(
            pool.pairs.iloc[rows].reset_index(drop=True),
            pool.campaign_ids,
            *(part[rows] for part in (pool.codes, pool.outcome, pool.wanted, pool.utility, hired)),
        )
        return cls(matrix, {"pool": pool, "contacted": contacted})

    def mark(self, ranker: BoostedRanker, question: str) -> dict[tuple[str, str, str], NDArray]:
        """Figures of a ranker by campaign."""
        score = ranker.score(self.matrix.relative(ranker.names))
        keyed = self.matrix.pairs.frame().assign(score=score)
        keyed = keyed.set_index(["campaign_id", "account_id"])["score"]
        found = {}
        for over, pool in self.pools.items():
            own = keyed.reindex(pd.MultiIndex.from_frame(pool.pairs)).to_numpy(np.float64)
            figures = ranking_figures(pool, own, given=False)
            found |= {(over, *key): values for key, values in figures.items()}
        return {key: found[key] for key in _FIGURES[question]}


def examine(folder: Path, only: str | None) -> pd.DataFrame:
    """Figures of every variant on one market, one row per campaign."""
    settings = Settings()
    everyone = {"n_draws": 10, "unlabelled_per_campaign": 1_000}
    wide = settings.model_copy(update={"ranker": settings.ranker.model_copy(update=everyone)})
    data = MarketData(load_market(folder, settings.market))
    split = Split.of(data)
    context = fit_text(data, split.until, settings)
    prior = fit_prior(context, split.until)
    rows = build_training_rows(context, prior, split.until, wide)
    names = used_features(rows.matrix, settings.ranker.leave_out)
    lessons = Lessons(data, rows, split.until, names, settings)
    exam = Exam.of(
        folder,
        data,
        build_features(context, prior, candidate_pairs(data, split.later, settings)),
    )
    forecast, _ = fit_forecast(context, prior, split.until, names, settings)
    questions = {
        "hire": hire_variants(lessons),
        "deliver": deliver_variants(lessons, forecast),
    }
    parts = []
    for question, variants in questions.items():
        for variant, fit in variants.items():
            ranker = fit() if only in (None, question) else None
            if ranker is None:
                continue
            for key, values in exam.mark(ranker, question).items():
                parts.append(
                    pd.DataFrame(
                        {
                            "question": question,
                            "variant": variant,
                            "figure": " ".join(key),
                            "campaign_id": exam.pools["pool"].campaign_ids,
                            "value": values,
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True)


def print_table(rows: pd.DataFrame, question: str) -> None:
    """Print levels of the first variant and differences of the others."""
    held = rows[rows["question"] == question]
    figures = [" ".join(key) for key in _FIGURES[question]]
    wide = held.pivot_table(
        index=["seed", "campaign_id"], columns=["variant", "figure"], values="value", sort=False
    )
    variants = list(dict.fromkeys(held["variant"]))
    print(f"\n| {question} | {' | '.join(figures)} |\n|---|{'--:|' * len(figures)}")
    for variant in variants:
        cells = []
        for figure in figures:
            level, first = wide[variant, figure], wide[variants[0], figure]
            values = level if variant == variants[0] else level - first
            mean, low, high = interval(values.groupby("seed").mean().tolist())
            if variant == variants[0]:
                cells.append(f"{mean:.3f}")
            else:
                mark = "" if low <= 0 <= high or np.isnan(low) else " *"
                cells.append(f"{mean:+.4f} ({low:+.4f} to {high:+.4f}){mark}")
        print(f"| {variant} | {' | '.join(cells)} |")


def main() -> None:
    """Examine all seeds of all worlds and print one table per world and question."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", nargs="+", default=["default", "fraud"], choices=sorted(WORLDS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=3_001)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--campaigns", type=int, default=150)
    parser.add_argument("--only", choices=sorted(_FIGURES), help="One question instead of both.")
    parser.add_argument("--out", type=Path, help="Figures of every campaign, as Parquet.")
    options = parser.parse_args()
    parts: list[pd.DataFrame] = []
    for world in options.worlds:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            started = time.monotonic()
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch) / "market"
                size = {"n_influencers": options.influencers, "n_campaigns": options.campaigns}
                simulate_market(folder, **size, seed=seed, world=world)
                parts.append(examine(folder, options.only).assign(world=world, seed=seed))
            print(f"{world}, seed {seed}: {time.monotonic() - started:.0f} s", file=sys.stderr)
            if options.out is not None:
                pd.concat(parts, ignore_index=True).to_parquet(options.out, index=False)
    rows = pd.concat(parts, ignore_index=True)
    for world, found in rows.groupby("world", sort=False):
        print(f"\n{world}, {options.seeds} seeds from {options.first_seed}")
        for question in _FIGURES:
            if (found["question"] == question).any():
                print_table(found, question)
    print("\n* 0 lies outside the interval")


if __name__ == "__main__":
    main()
