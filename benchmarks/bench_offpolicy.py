"""How far off-policy estimates miss, and how often their intervals hold, where the truth is known.

``python benchmarks/bench_offpolicy.py --lists`` draws lists by Gumbel top-k (Plackett-Luce) from
invented candidates, with the chances that the lottery of the recommender states, and estimates
what milder and stronger changes of the scores would have brought.

``python benchmarks/bench_offpolicy.py --world default --seeds 10`` simulates markets, trains a
small model on what was known at the decision of an early campaign, and estimates from the log of
the later ones what other policies would have brought: by the chances that the log states, then as
if it stated scores alone, then as if it stated neither. The truth is the expected outcome of each
choice, which only the world knows. The line ``logged``, IPS, is what the log's own choices in fact
brought over what its policy was expected to bring: chance alone, and the luck that the last table
sets beside the errors.
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
from matcher.evaluation.offpolicy.answer import PolicyValue
from matcher.evaluation.offpolicy.log import DecisionLog, read_log
from matcher.evaluation.offpolicy.models import Inputs, add_scores, estimate_chances, race_chances
from matcher.evaluation.offpolicy.policy import TargetPolicy, logged_policy, top_k_policy
from matcher.evaluation.offpolicy.staffing import Staffing, campaigns_since, staff_log
from matcher.evaluation.offpolicy.value import estimate_policy_value, learn
from matcher.features.context import MarketData
from matcher.features.relative import normal_scores
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.recommend.explore import Lottery
from matcher.world.knobs import WORLDS
from matcher.world.simulate import simulate_market
from matcher.world.truth import read_truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALL = {
    "encoder": {"dim": 64, "epochs": 1},
    "ranker": {"n_trees": 100, "n_draws": 1},
    "outcome": {"n_periods": 0},
}
_TRAINED_ON = 0.15
_ESTIMATORS = ("IPS", "SNIPS", "DM", "DR", "SNDR", "CAL")
_N_CANDIDATES = 60
_LIST = 8
"""Candidates and places of an invented campaign."""


def draw_lists(
    n_campaigns: int, seed: int, strength: float
) -> tuple[DecisionLog, Inputs, TargetPolicy, float]:
    """A log of lists drawn by Gumbel top-k, another policy, and that policy's true value."""
    rng = np.random.default_rng(seed)
    n = n_campaigns * _N_CANDIDATES
    known = rng.normal(size=(n, 4))
    hidden = rng.normal(size=n)
    quality = 0.5 * known[:, 0] + 0.3 * known[:, 1] - 0.2 * known[:, 2] ** 2 + 0.2 * hidden
    logging = 0.8 * known[:, 0] + 0.4 * hidden
    wanted = logging + strength * (known[:, 1] + 0.5 * known[:, 3])
    persons = np.arange(_N_CANDIDATES)
    names = tuple(f"c{number:04d}" for number in range(n_campaigns))
    chances, targets, chosen = np.zeros(n), np.zeros(n), np.zeros(n, dtype=bool)
    for code, name in enumerate(names):
        rows = np.arange(code * _N_CANDIDATES, (code + 1) * _N_CANDIDATES)
        lottery = Lottery(1.0, seed=seed, n_draws=256)
        drawn, chances[rows], _ = lottery.draw(name, logging[rows], persons, _LIST)
        chosen[rows[drawn]] = True
        targets[rows] = Lottery(1.0, seed=seed + 1, n_draws=256).draw(
            name, wanted[rows], persons, _LIST
        )[1]
    mean = 100.0 * np.exp(0.5 * quality)
    outcome = np.where(chosen, mean * np.exp(rng.normal(-0.045, 0.3, n)), np.nan)
    log = DecisionLog(
        campaign_ids=names,
        codes=np.repeat(np.arange(n_campaigns), _N_CANDIDATES),
        account_ids=np.array([f"a{number:02d}" for number in persons] * n_campaigns, dtype=object),
        probability=chances,
        chosen=chosen,
        outcome=outcome,
        waited_days=np.full(n_campaigns, 100.0),
    )
    policy = TargetPolicy("changed", targets, np.zeros(n_campaigns))
    return log, Inputs(known, ("x0", "x1", "x2", "x3")), policy, float(targets @ mean)


def print_lists(options: argparse.Namespace) -> None:
    """Print errors of every estimator on drawn lists."""
    print("relative root mean square error over seeds; coverage of 95 % intervals of CAL")
    head = ("change", "campaigns", "ESS", *_ESTIMATORS, "coverage", "refused")
    print("".join(f"{name:>10}" for name in head))
    for label, strength in (("mild", 0.3), ("strong", 1.0)):
        for n_campaigns in (300, 1_000):
            errors, held, share, refused = [], [], [], 0
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                log, inputs, policy, true = draw_lists(n_campaigns, seed, strength)
                found = estimate_policy_value(log, policy, learn(log, inputs), seed=seed)
                table = found.estimators.set_index("estimator")
                errors.append(table["value"] / true - 1.0)
                held.append(table.loc["CAL", "low"] <= true <= table.loc["CAL", "high"])
                share.append(found.support.ess_share)
                refused += found.is_refused
            rmse = np.sqrt((pd.DataFrame(errors) ** 2).mean())
            cells = [label, f"{n_campaigns:,}", f"{np.mean(share):.2f}"]
            cells += [f"{rmse[name]:.4f}" for name in _ESTIMATORS]
            cells += [f"{np.mean(held):.2f}", str(refused)]
            print("".join(f"{cell:>10}" for cell in cells))


def list_policies(held: Staffing, log: DecisionLog) -> list[TargetPolicy]:
    """Policies that are asked about.

    Those that are drawn run a race on scores. With the chances of a log, its own scores are made
    sharper, softer, and mixed with a feature; without, only what is known of accounts may count.
    """
    nothing = np.zeros(log.n_campaigns)

    def drawn(name: str, scores: NDArray[np.float64]) -> TargetPolicy:
        return TargetPolicy(name, race_chances(scores, log.n_chosen, log.bounds), nothing)

    def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.nan_to_num(normal_scores(values[:, None], log.bounds)[:, 0])

    model = spread(held.scores)
    level = spread(held.inputs.values[:, held.inputs.names.index("engagements_expected")])
    found = [
        drawn("model, drawn", 1.5 * model),
        top_k_policy(log, held.scores, "model, first k", persons=held.persons),
    ]
    if log.knows_chances and not log.is_deterministic:
        rate = np.log(-np.log1p(-np.clip(log.probability, 1e-12, 1.0 - 1e-12)))
        found += [
            drawn("log, sharper", 1.5 * rate),
            drawn("log, softer", 0.7 * rate),
            drawn("log and model", rate + 0.7 * model),
            drawn("log and level", rate + 0.5 * level),
            top_k_policy(log, rate, "log, first k"),
        ]
    if not log.knows_chances:
        said = np.log(estimate_chances(log, add_scores(log, held.inputs)))
        found += [
            drawn("estimate, sharper", 1.3 * said),
            drawn("estimate, softer", 0.7 * said),
            drawn("estimate and model", said + 0.3 * model),
            drawn("estimate and level", said + 0.3 * level),
            top_k_policy(log, said, "estimate, first k"),
        ]
    return found


def judge_market(folder: Path, seed: int, options: argparse.Namespace) -> list[dict[str, object]]:
    """Estimates for one market with their true values."""
    settings = Settings.model_validate(_SMALL)
    data = MarketData(load_market(folder, settings.market))
    campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
    campaigns = campaigns.sort_values("decided_at", ignore_index=True)
    cut = campaigns["decided_at"].iloc[int(_TRAINED_ON * len(campaigns))]
    model, _, _ = fit_model(data, cut, settings)
    held = staff_log(model, data, read_log(data.market, options.outcomes[0]))
    truth = read_truth(folder)
    pairs = held.log.row_campaigns.tolist(), held.log.account_ids.tolist()
    expected = truth.expected(*pairs)
    found: list[dict[str, object]] = []
    for outcome in options.outcomes:
        log = campaigns_since(data.market, read_log(data.market, outcome), model.trained_until)
        same = Staffing(log, held.inputs, held.scores, held.persons)
        name = {"trust_proxy": "trust"}.get(outcome, outcome)
        rows = judge_log(same, expected[name].to_numpy(np.float64), seed, options)
        found += [{"outcome": outcome, **row} for row in rows]
    return found


def judge_log(
    held: Staffing, expected: NDArray[np.float64], seed: int, options: argparse.Namespace
) -> list[dict[str, object]]:
    """Estimates for one log, with its chances and without them, and their true values."""
    found = []
    blind = held.log.without_chances()
    logs = {"stated": held.log, "from scores": blind, "from features": blind.without_scores()}
    for chances, log in logs.items():
        if held.log.is_deterministic and not log.knows_chances and not options.forget:
            continue
        learnt = learn(log, held.inputs)
        asked = list_policies(held, log)
        if log.knows_chances:
            asked.insert(0, logged_policy(log, log.probability))
        for policy in asked:
            answer = estimate_policy_value(log, policy, learnt, seed=seed)
            base = float(held.log.probability @ expected)
            row = tell(seed, answer, float(policy.probability @ expected), base)
            found.append({"chances": chances, **row})
    return found


def tell(seed: int, one: PolicyValue, true: float, base: float) -> dict[str, object]:
    """One row: support of an answer and how far each estimator misses.

    `true` and `base` are the true values of the policy and of the one that wrote the log.
    """
    support = one.support
    table = one.estimators.set_index("estimator")
    row: dict[str, object] = {
        "seed": seed,
        "policy": one.policy,
        "refused": one.is_refused,
        "gates": ",".join(support.failures),
        "weak": support.is_weak,
        "ess": support.ess_share,
        "outside": support.outside,
        "campaigns": support.n_campaigns,
        "clip": one.clip,
        "true": true,
        "alike": one.alike,
        "covered": bool(table.loc["CAL", "low"] <= true <= table.loc["CAL", "high"]),
        "width": (table.loc["CAL", "high"] - table.loc["CAL", "low"]) / true,
    }
    stated = table.loc["CAL", ["difference_low", "difference", "difference_high"]]
    low, told, high = stated.to_numpy(np.float64) - (true - base)
    row |= {"difference": told / base, "difference_covered": bool(low <= 0 <= high)}
    row |= {name: table.loc[name, "value"] / true - 1.0 for name in _ESTIMATORS}
    if support.is_estimated:
        held = one.bounds.set_index("gamma").loc[1.5]
        row["bounded"] = bool(held["low"] <= true <= held["high"])
    return row


def print_world(options: argparse.Namespace) -> None:
    """Print errors of every policy over seeds."""
    told: list[dict[str, object]] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "market"
            size = {"n_influencers": options.influencers, "n_campaigns": options.campaigns}
            simulate_market(folder, **size, seed=seed, world=options.world)
            told += judge_market(folder, seed, options)
        print(f"seed {seed}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    rows = pd.DataFrame(told)
    if options.out is not None:
        rows.to_parquet(options.out, index=False)
    n = rows["campaigns"]
    print(
        f"world {options.world}, {options.seeds} seeds, {n.min()} to {n.max()} campaigns; relative "
        "root mean square error of values that were not refused; share of seeds in which the "
        "interval of 95 % holds the truth, and its width"
    )
    for (outcome, chances), part in rows.groupby(["outcome", "chances"], sort=False):
        print_rows(f"{outcome}, chances {chances}", part)
    print_summary(rows)


def print_summary(rows: pd.DataFrame) -> None:
    """Print one line per outcome and kind of chances: errors, coverage, and the luck in the log."""
    print("\nanswers that were not refused, policies other than the log's own")
    head = ("answers", "luck", "DR", "CAL", "holds", "width", "diff.", "holds", "bounds hold")
    print(f"{'outcome, chances':<30}" + "".join(f"{name:>12}" for name in head))
    for (outcome, chances), part in rows.groupby(["outcome", "chances"], sort=False):
        own = rows[(rows["outcome"] == outcome) & (rows["policy"] == "logged")]
        asked = part[part["policy"] != "logged"]
        kept = asked[~asked["refused"]]
        if kept.empty:
            continue
        cells = [f"{len(kept)}/{len(asked)}", f"{_root(own['IPS']):.3f}"]
        cells += [f"{_root(kept[name]):.3f}" for name in ("DR", "CAL")]
        cells += [f"{kept['covered'].mean():.2f}", f"{kept['width'].median():.3f}"]
        cells += [f"{_root(kept['difference']):.3f}", f"{kept['difference_covered'].mean():.2f}"]
        bounded = kept["bounded"].dropna() if "bounded" in kept else kept["covered"].head(0)
        cells.append(f"{bounded.mean():.2f}" if len(bounded) else "")
        print(f"{f'{outcome}, {chances}':<30}" + "".join(f"{cell:>12}" for cell in cells))


def _root(errors: pd.Series) -> float:
    """Root mean square."""
    return float(np.sqrt((errors**2).mean()))


def print_rows(title: str, rows: pd.DataFrame) -> None:
    """Print one line per policy, then of all that are not the log's own, refused or not."""
    print(f"\n{title}")
    head = (
        "ESS",
        "outside",
        "refused",
        *_ESTIMATORS,
        "bias",
        "holds",
        "width",
        "diff.",
        "holds",
    )
    print(f"{'policy':<22}" + "".join(f"{name:>9}" for name in head))
    others = rows["policy"] != "logged"
    groups = {str(name): part for name, part in rows.groupby("policy", sort=False)}
    groups["all others, answered"] = rows[others & ~rows["refused"]]
    groups["all others, not weak"] = rows[others & ~rows["refused"] & ~rows["weak"]]
    groups["all others, refused"] = rows[others & rows["refused"]]
    for name, part in groups.items():
        kept = part if name.endswith("refused") else part[~part["refused"]]
        if part.empty:
            continue
        cells = [f"{part['ess'].mean():.2f}", f"{part['outside'].mean():.3f}"]
        cells.append(f"{int(part['refused'].sum())}/{len(part)}")
        cells += [f"{_root(kept[one]):.3f}" for one in _ESTIMATORS]
        cells += [f"{kept['CAL'].mean():+.3f}", f"{kept['covered'].mean():.2f}"]
        cells.append(f"{kept['width'].median():.3f}")
        cells.append(f"{_root(kept['difference']):.3f}")
        cells.append(f"{kept['difference_covered'].mean():.2f}")
        if "bounded" in kept and kept["bounded"].notna().any():
            cells.append(f"  {kept['bounded'].mean():.2f} in bounds of 1.5")
        print(f"{name:<22}" + "".join(f"{cell:>9}" for cell in cells))
    gates = rows.loc[rows["refused"], "gates"].value_counts()
    if len(gates):
        print("gates of refusals: " + "; ".join(f"{gate} {n}" for gate, n in gates.items()))


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", action="store_true", help="Invented lists instead of a world.")
    parser.add_argument("--world", default="default", choices=sorted(WORLDS))
    parser.add_argument(
        "--forget", action="store_true", help="Estimate chances of a log without chance too."
    )
    parser.add_argument("--outcomes", nargs="+", default=["engagements", "trust_proxy"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1_001)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--campaigns", type=int, default=560)
    parser.add_argument("--out", type=Path, help="All rows, as Parquet.")
    options = parser.parse_args()
    if options.lists:
        print_lists(options)
    else:
        print_world(options)


if __name__ == "__main__":
    main()
