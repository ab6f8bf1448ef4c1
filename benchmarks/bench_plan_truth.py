"""What plans lose against the best plans, by the truth of simulated markets.

``python benchmarks/bench_plan_truth.py --world default --seeds 10``

For each seed a market is simulated, a model with default settings is trained on what was known at
the decision of a campaign three fifths through, and some of the later campaigns are planned within
their own budgets, as `matcher plan` does. The truth judges what each plan brings in expectation:

- against the plan that is best by the values that the observables oracle gives, which knows all
  that can be seen (the share of it that is missing is estimation);
- against the plan that is best by the truth itself;
- and against the best plan by the model's own values, as the solver's certificate bounds it.

Packages have the posts that the campaign asks for, as those of the judge's best plans do; with
``--free`` they may have 1, 2 or 3, of which the best plans know nothing. A greedy choice by value
per price, by the model's values and within the same limits, stands beside; so does what the plans
would cost by the fees that accounts ask in truth, over the budget.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from matcher.config import Settings
from matcher.errors import MatcherError
from matcher.features.context import MarketData
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.plan.constraints import Constraints
from matcher.plan.objective import TRUST
from matcher.plan.options import option_values
from matcher.plan.prepare import Prepared, prepare_plan
from matcher.plan.solve import solve
from matcher.plan.start import choose_by_score_per_fee
from matcher.plan.totals import joint_draws, tell_totals
from matcher.ranking.fit import fit_model
from matcher.world.judge.bench import Bench, open_bench
from matcher.world.judge.figures import ALL
from matcher.world.judge.frozen import ORACLES
from matcher.world.judge.judge import Ceilings, judge_predictions
from matcher.world.judge.predictions import parse_predictions
from matcher.world.knobs import WORLDS
from matcher.world.simulate import simulate_market
from matcher.world.truth import Intervention

_TRAINED_ON = 0.6
"""Share of the decided campaigns that come before the cut."""
_N_DRAWS = 5
_METRICS = {
    "regret_to_observables": "against the best by observables",
    "regret": "against the best by the truth",
    "regret_of_observables": "of that, hidden from everybody",
}


def plan_rows(ready: Prepared, chosen: np.ndarray, method: str) -> pd.DataFrame:
    """Rows of a choice, as the judge reads them."""
    options, request = ready.options, ready.request
    return pd.DataFrame(
        {
            "method": method,
            "campaign_id": request.brief.brief_id,
            "account_id": ready.data.index.account_ids[options.codes[chosen]],
            "format": [options.formats[one] or None for one in chosen],
            "n_posts": options.n_posts[chosen],
            "fee": options.fee[chosen],
            "budget": request.budget,
        }
    )


def plan_campaigns(
    data: MarketData, bench: Bench, options: argparse.Namespace
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Plans of later campaigns, and what the solver says of each."""
    campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
    campaigns = campaigns.sort_values("decided_at", ignore_index=True)
    campaigns = campaigns[campaigns["decided_at"] < data.market.all_known_at]
    later = campaigns.iloc[int(_TRAINED_ON * len(campaigns)) :]
    later = later[later["budget"].notna()]
    model, _, context = fit_model(data, later["decided_at"].iloc[0], model_settings())
    chosen = np.unique(np.linspace(0, len(later) - 1, options.most).astype(int))
    parts, told = [], []
    for campaign in later["campaign_id"].iloc[chosen]:
        brief = Brief.from_campaign(data.market, campaign)
        if not options.free:
            at = bench.truth.campaign_ids.index(campaign)
            n_posts = int(bench.truth.market.campaigns.n_posts[at])
            brief = brief.model_copy(update={"n_posts": n_posts})
        try:
            ready = prepare_plan(
                model,
                data,
                brief,
                constraints=Constraints(fee_level=options.fee_level),
                context=context,
            )
        except MatcherError as error:
            print(f"{campaign}: {error}", file=sys.stderr)
            continue
        found = solve(ready.problem, seconds=options.seconds)
        held = plan_rows(ready, found.chosen, "plan")
        fees = true_fees(bench, held)
        values = option_values(ready.objective, ready.predicted, None)
        value = np.sum(list(values.values()), axis=0)[found.chosen]
        parts.append(held)
        if len(held):
            parts.append(as_far_as_it_goes(held, value, fees).assign(method="plan at true fees"))
        greedy = choose_by_score_per_fee(ready.problem)
        if greedy is not None and len(greedy):
            parts.append(plan_rows(ready, greedy, "greedy by value per price"))
        told.append(
            {
                "campaign_id": campaign,
                "outcome": ready.objective.main,
                "gap": found.gap,
                "seconds": found.seconds,
                "true_cost": fees.sum() / ready.request.budget,
                **kept_promise(ready, found.chosen, bench, held),
            }
        )
    return pd.concat(parts, ignore_index=True), pd.DataFrame(told)


def true_fees(bench: Bench, rows: pd.DataFrame) -> np.ndarray:
    """What the accounts of a plan ask in truth for the same packages."""
    asked = [bench.truth.expected(*terms(row))["fee"] for row in rows.to_dict("records")]
    return np.array([float(one.iloc[0]) for one in asked])


def terms(row: dict) -> tuple[list[str], list[str], Intervention]:
    """Campaign, account and package of a row, as the truth is asked about them."""
    edit = {"n_posts": int(row["n_posts"]), "format": row["format"]}
    change = Intervention.from_dict({name: one for name, one in edit.items() if pd.notna(one)})
    return [row["campaign_id"]], [row["account_id"]], change


def kept_promise(
    ready: Prepared, chosen: np.ndarray, bench: Bench, rows: pd.DataFrame
) -> dict[str, float]:
    """What a plan states over what the truth expects, and the share of draws in its range."""
    name = ready.objective.main
    total = "reach_sum" if name == "reach" else name
    found = {name: held.select(chosen) for name, held in ready.predicted.items()}
    draws = joint_draws(found, ready.objective.weights)
    told = tell_totals(ready, chosen, found, draws, worth=np.nan).set_index("outcome")
    if not len(rows) or total not in told.index:
        return {"stated": np.nan, "held": np.nan, "below": np.nan}
    expected, drawn = 0.0, np.zeros(_N_DRAWS)
    for row in rows.to_dict("records"):
        asked = terms(row)
        expected += brought(bench.truth.expected(*asked), name)
        for k in range(_N_DRAWS):
            drawn[k] += brought(bench.truth.draw(*asked, draw=1 + k), name)
    low, high = told.loc[total, "low"], told.loc[total, "high"]
    return {
        "stated": told.loc[total, "expected"] / max(expected, 1e-9),
        "held": float(np.mean((drawn >= low) & (drawn <= high))),
        "below": float(np.mean(drawn < low)),
    }


def brought(outcomes: pd.DataFrame, name: str | None) -> float:
    """One outcome of one pair; of trust the comments, shares and saves."""
    if name == TRUST:
        return float(outcomes["trust"].iloc[0] * outcomes["reach"].iloc[0])
    return float(outcomes[name].iloc[0])


def as_far_as_it_goes(rows: pd.DataFrame, values: np.ndarray, fees: np.ndarray) -> pd.DataFrame:
    """Accounts of a plan that the budget buys once their true fees are known, by value per fee."""
    order = np.argsort(-values / np.maximum(fees, 1e-9), kind="stable")
    left, kept = float(rows["budget"].iloc[0]), []
    for place in order:
        if fees[place] <= left:
            left -= fees[place]
            kept.append(place)
    return rows.iloc[kept].assign(fee=fees[kept])


def model_settings() -> Settings:
    """Settings of every model."""
    return Settings()


def judge_seed(seed: int, options: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judged rows of one market, and what the solver says."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "market"
        size = {"n_influencers": options.influencers, "n_campaigns": options.campaigns}
        simulate_market(folder, **size, seed=seed, world=options.world)
        data = MarketData(load_market(folder, model_settings().market))
        bench = open_bench(folder)
        rows, told = plan_campaigns(data, bench, options)
        predictions = parse_predictions(rows, f"seed {seed}", kind="plan")
        found = judge_predictions(bench, predictions, ceilings=Ceilings(options.oracles))
        for text in found.notes:
            if "oracle" in text:
                print(f"seed {seed}: {text}", file=sys.stderr)
    judged = found.rows[found.rows["campaign_id"] != ALL]
    return judged.assign(seed=seed), told.assign(seed=seed)


def main() -> None:
    """Judge all seeds and print medians, with intervals over seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="default", choices=sorted(WORLDS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1_001)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--campaigns", type=int, default=150)
    parser.add_argument("--most", type=int, default=12, help="Campaigns planned per market.")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--fee-level", type=float, default=0.7, help="See Constraints.fee_level.")
    parser.add_argument("--free", action="store_true", help="Packages of 1, 2 or 3 posts.")
    parser.add_argument("--oracles", type=Path, default=ORACLES)
    parser.add_argument("--out", type=Path, help="All rows, as Parquet.")
    options = parser.parse_args()
    judged, told = [], []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        started = time.monotonic()
        rows, said = judge_seed(seed, options)
        judged.append(rows)
        told.append(said)
        print(f"seed {seed}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    rows, said = pd.concat(judged, ignore_index=True), pd.concat(told, ignore_index=True)
    if options.out is not None:
        rows.to_parquet(options.out, index=False)
    print_regret(rows, said, options)


def print_regret(rows: pd.DataFrame, said: pd.DataFrame, options: argparse.Namespace) -> None:
    """Print medians over campaigns, 95 % intervals over seeds, and the solver's part."""
    n = said["campaign_id"].count()
    posts = "1 to 3 posts" if options.free else "the campaign's posts"
    print(
        f"world {options.world}, {options.seeds} seeds, {n} campaigns, packages of {posts}; "
        "median share missing (95 % interval over seeds; mean)"
    )
    for method in ("plan", "plan at true fees", "greedy by value per price"):
        held = rows[rows["method"] == method]
        print(method)
        for metric, words in _METRICS.items():
            values = held[held["metric"] == metric]
            if len(values):
                print(f"  {words:<40}{told_median(values)}")
    print(
        f"solver: proven gap by the model's values, median {said['gap'].median():.2%}, worst "
        f"{said['gap'].max():.2%}; {said['seconds'].median():.2f} s"
    )
    for outcome, part in said.groupby("outcome"):
        keys = part[["seed", "campaign_id"]]
        held = rows[(rows["method"] == "plan") & (rows["metric"] == "regret_to_observables")]
        held = held.merge(keys, on=["seed", "campaign_id"])
        print(f"  {outcome:<16}{len(part):>5} campaigns{held['value'].median():>9.3f}")
    promised = said.dropna(subset="stated")
    print(
        f"stated totals over what the truth expects: median {promised['stated'].median():.2f}, "
        f"{promised['stated'].quantile(0.1):.2f} to {promised['stated'].quantile(0.9):.2f} in 8 of "
        f"10; ranges of 80 % hold {promised['held'].mean():.3f} of what is drawn, "
        f"{promised['below'].mean():.3f} lies below ({len(promised)} plans)"
    )
    for outcome, part in promised.groupby("outcome"):
        print(f"  {outcome:<16}{len(part):>5} plans{part['stated'].median():>9.2f}"
              f"{part['held'].mean():>8.3f}")  # fmt: skip
    over = said["true_cost"]
    print(
        f"cost by true fees over the budget: median {over.median():.2f}, "
        f"{over.quantile(0.1):.2f} to {over.quantile(0.9):.2f} in 8 of 10"
    )


def told_median(values: pd.DataFrame) -> str:
    """Median over campaigns, its interval by drawing seeds, and the mean."""
    rng = np.random.default_rng(0)
    by_seed = [part["value"].to_numpy(np.float64) for _, part in values.groupby("seed")]
    drawn = [
        np.nanmedian(
            np.concatenate([by_seed[k] for k in rng.integers(0, len(by_seed), len(by_seed))])
        )
        for _ in range(1_000)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    every = np.concatenate(by_seed)
    return f"{np.nanmedian(every):>8.3f} ({low:.3f} to {high:.3f}; {np.nanmean(every):.3f})"


if __name__ == "__main__":
    main()
