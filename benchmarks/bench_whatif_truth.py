"""Whether what-if answers come true: 200 random scenarios per simulated market, judged by truth.

``python benchmarks/bench_whatif_truth.py --world default --seeds 10``

For each seed a market of the world is simulated, a model with default settings is trained on what
was known at the decision of a campaign three fifths through, and scenarios are drawn for later
campaigns: another number of posts, another format, a platform that reaches more or less, or two of
these. The product states the change of the outcome that stands for the campaign's objective, of
one account each, with an interval of 80 %; the truth knows the expected outcome with and without
the change. A brief knows how many posts its campaign agreed on, and names no format, since the
truth's own baseline leaves the format open.

Printed per world: how often the sign is right where the true change exceeds 5 % of the baseline,
the rank correlation of the scenarios of one account, and how often the interval holds the true
change, with 95 % intervals over seeds, all together and by kind.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr, t

from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.ranking.store import read_model, write_model
from matcher.whatif.desk import Desk, open_desk
from matcher.whatif.paired import change_of_account
from matcher.whatif.scenario import parse_scenario
from matcher.world.judge.bench import open_bench
from matcher.world.judge.figures import ALL
from matcher.world.judge.judge import judge_predictions
from matcher.world.judge.predictions import parse_predictions
from matcher.world.knobs import WORLDS
from matcher.world.platforms import FORMAT_NAMES, FORMAT_WEIGHTS, PLATFORM_NAMES
from matcher.world.simulate import simulate_market
from matcher.world.truth import Intervention

_TRAINED_ON = 0.6
_PER_ACCOUNT = 4
_ACCOUNTS = 2
_KINDS = ("posts", "format", "reach", "posts+format", "posts+reach", "format+reach")
_TRUE_NAME = {"trust_proxy": "trust"}
_LEAST_CHANGE = 0.05
_CANDIDATES = 60
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Question:
    """One scenario of one account, in the words of the product and of the truth."""

    kind: str
    edits: list[dict[str, Any]]
    truth: Intervention


def draw_question(rng: np.random.Generator, platform: str, n_posts: int, kind: str) -> Question:
    """One random scenario of a kind."""
    edits: list[dict[str, Any]] = []
    change: dict[str, Any] = {}
    brief: dict[str, Any] = {}
    if "posts" in kind:
        change["n_posts"] = int(rng.choice([n for n in range(1, 7) if n != n_posts]))
        brief["n_posts"] = change["n_posts"]
    if "format" in kind:
        weights = FORMAT_WEIGHTS[PLATFORM_NAMES.index(platform)]
        used = [FORMAT_NAMES[k] for k in np.flatnonzero(weights > 0)]
        change["format"] = str(rng.choice(used))
        brief["formats"] = [change["format"]]
    if brief:
        edits.append({"kind": "brief", **brief})
    if "reach" in kind:
        factor = float(np.round(np.exp(rng.uniform(np.log(0.5), np.log(2.0))), 2))
        change["platform_reach"] = {platform: factor}
        edits.append({"kind": "market", "platform_reach": {platform: factor}})
    return Question(kind, edits, Intervention.from_dict(change))


def ask_campaign(
    desk: Desk, accounts: list[str], n_posts: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Rows of answers of some accounts of one campaign."""
    platforms = desk.job.data.market.tables["accounts"].set_index("account_id")["platform"]
    name = desk.base.main_outcome
    if name is None:
        return []
    rows = []
    for account in accounts:
        asked_before: set[str] = set()
        for kind in rng.choice(_KINDS, size=_PER_ACCOUNT):
            asked = draw_question(rng, str(platforms[account]), n_posts, str(kind))
            if repr(asked.truth) in asked_before:
                continue
            asked_before.add(repr(asked.truth))
            scenario = parse_scenario(
                {"version": 1, "name": str(kind), "edits": asked.edits}, where="bench"
            )
            found = change_of_account(desk.base, desk.score(scenario), account, name)
            given = {
                key: value
                for key, value in asdict(asked.truth).items()
                if value != getattr(Intervention(), key)
            }
            rows.append(
                {
                    "campaign_id": desk.brief.brief_id,
                    "account_id": account,
                    "scenario": json.dumps(given, sort_keys=True),
                    "outcome": _TRUE_NAME.get(name, name),
                    "delta": found.change,
                    "before": found.before,
                    # A change of nothing is a range of no width, which rounding must not miss.
                    "lower": found.low - _ROUNDING * found.before,
                    "upper": found.high + _ROUNDING * found.before,
                    "kind": str(kind),
                }
            )
    return rows


def posts_agreed(folder: Path) -> pd.Series:
    """Posts of each account of a campaign, by campaign; the texts of most briefs state them."""
    truth = open_bench(folder).truth
    return pd.Series(truth.market.campaigns.n_posts, index=truth.campaign_ids)


def answer_market(folder: Path, seed: int, n_scenarios: int, kept: Path | None) -> pd.DataFrame:
    """What the product says of random scenarios of later campaigns."""
    settings = Settings()
    data = MarketData(load_market(folder, settings.market))
    campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
    campaigns = campaigns.sort_values("decided_at", ignore_index=True)
    campaigns = campaigns[campaigns["decided_at"] < data.market.all_known_at]
    later = campaigns.iloc[int(_TRAINED_ON * len(campaigns)) :]
    if kept is not None and kept.is_dir():
        model = read_model(kept)[0]
    else:
        model = fit_model(data, later["decided_at"].iloc[0], settings)[0]
        if kept is not None:
            write_model(model, kept)
    context = model.context(data)
    # What an account would bring rests on its own features; fewer others are ranked sooner.
    few = settings.model_copy(
        update={"retrieval": settings.retrieval.model_copy(update={"n_candidates": _CANDIDATES})}
    )
    agreed = posts_agreed(folder)
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    ids = [name for name in later["campaign_id"] if agreed.get(name, np.nan) > 0]
    for name in rng.permutation(ids):
        brief = Brief.from_campaign(data.market, str(name))
        n_posts = int(agreed[name])
        plain = {"formats": (), "n_posts": n_posts, "budget": None}
        first = open_desk(
            model,
            data,
            brief.model_copy(update=plain),
            order="outcome",
            context=context,
            settings=few,
        )
        known = first.base
        listed = known.ids(known.order[:20]).tolist()
        others = known.ids(known.order).tolist()
        half = _ACCOUNTS // 2
        chosen = [*rng.choice(listed, half, replace=False), *rng.choice(others, half)]
        accounts = sorted({str(one) for one in chosen})
        fixed = {**plain, "must_have": tuple(accounts)}
        desk = open_desk(
            model,
            data,
            brief.model_copy(update=fixed),
            order="outcome",
            context=context,
            settings=few,
        )
        rows += ask_campaign(desk, accounts, n_posts, rng)
        if len(rows) >= n_scenarios:
            break
    return pd.DataFrame(rows[:n_scenarios])


def judge_seed(
    world: str, seed: int, options: argparse.Namespace
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers with the truth beside them, and the judge's own rows."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, kept = Path(scratch) / "market", None
        if options.keep is not None:
            folder = options.keep / f"{world}-{seed}" / "market"
            kept = folder.parent / "model"
        if not folder.is_dir():
            simulate_market(
                folder,
                n_influencers=options.influencers,
                n_campaigns=options.campaigns,
                seed=seed,
                world=world,
            )
        answers = answer_market(folder, seed, options.scenarios, kept)
        answers["method"] = "matcher"
        told = answers.drop(columns=["before", "kind"])
        bench = open_bench(folder)
        judged = judge_predictions(bench, parse_predictions(told, f"seed {seed}")).rows
        for scenario, rows in answers.groupby("scenario").groups.items():
            part = answers.loc[rows]
            pairs = (part["campaign_id"].tolist(), part["account_id"].tolist())
            base = bench.truth.expected(*pairs)
            then = bench.truth.expected(*pairs, Intervention.from_dict(json.loads(str(scenario))))
            picked = part["outcome"].to_numpy(object)
            answers.loc[rows, "base"] = [base[name].iloc[k] for k, name in enumerate(picked)]
            answers.loc[rows, "true"] = [
                then[name].iloc[k] - base[name].iloc[k] for k, name in enumerate(picked)
            ]
    return answers.assign(seed=seed), judged.assign(seed=seed)


def summarise(rows: pd.DataFrame) -> dict[str, float]:
    """Figures of some answers."""
    known = rows[rows["base"] > 0]
    true = known["true"] / known["base"]
    told = known["delta"] / known["base"]
    moved = true.abs() > _LEAST_CHANGE
    right = np.sign(told[moved]) == np.sign(true[moved])
    rhos = []
    for _, part in known.groupby(["campaign_id", "account_id"]):
        if len(part) >= 3 and np.ptp(part["true"]) > 0:
            has_order = np.ptp(part["delta"]) > 0
            rhos.append(float(spearmanr(part["delta"], part["true"])[0]) if has_order else 0.0)
    inside = known["true"].between(known["lower"], known["upper"])
    ratio = (known["delta"].abs() / known["true"].abs())[moved]
    return {
        "n": float(len(known)),
        "moved": float(moved.mean()),
        "sign": float(right.mean()) if len(right) else float("nan"),
        "spearman": float(np.mean(rhos)) if rhos else float("nan"),
        "coverage": float(inside.mean()),
        "ratio": float(ratio.median()) if len(ratio) else float("nan"),
    }


def over_seeds(rows: pd.DataFrame, name: str) -> str:
    """Mean over seeds of a figure with its 95 % interval of Student's t."""
    values = np.array([summarise(part)[name] for _, part in rows.groupby("seed")])
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return f"{values.mean():.3f}" if len(values) else "-"
    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.3f} ({values.mean() - half:.3f} to {values.mean() + half:.3f})"


def main() -> None:
    """Judge all seeds and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="default", choices=sorted(WORLDS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1_001)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--campaigns", type=int, default=150)
    parser.add_argument("--scenarios", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="Folder in which markets and models are kept.")
    parser.add_argument("--out", type=Path, help="All answers with the truth, as Parquet.")
    options = parser.parse_args()
    parts, judged = [], []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        started = time.monotonic()
        answers, rows = judge_seed(options.world, seed, options)
        parts.append(answers)
        judged.append(rows)
        found = summarise(answers)
        told = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
        print(f"seed {seed}: {time.monotonic() - started:.0f} s, {told}", file=sys.stderr)
    whole = pd.concat(parts, ignore_index=True)
    if options.out is not None:
        whole.to_parquet(options.out, index=False)
    names = ("sign", "spearman", "coverage", "ratio")
    print(f"world {options.world}, {options.seeds} seeds, {len(whole):,} answers; means over seeds")
    print(f"{'':<16}{'n':>6}" + "".join(f"{name:>26}" for name in names))
    groups = [("all", whole), *(
        (str(kind), part) for kind, part in whole.groupby("kind")),
        *((str(name), part) for name, part in whole.groupby("outcome"))]  # fmt: skip
    for label, part in groups:
        cells = "".join(f"{over_seeds(part, name):>26}" for name in names)
        print(f"{label:<16}{len(part):>6}{cells}")
    official = pd.concat(judged, ignore_index=True)
    official = official[official["campaign_id"] == ALL]
    print("the judge's own figures, means over seeds")
    print(official.groupby("metric")["value"].mean().round(3).to_string())


if __name__ == "__main__":
    main()
