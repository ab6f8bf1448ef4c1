"""Whole markets judged from files, by Python and from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from matcher.cli.app import app
from matcher.config import Settings
from matcher.errors import DataError, UsageError
from matcher.market.load import load_market
from matcher.world.judge.bench import OUTCOME_OF, open_bench
from matcher.world.judge.ceilings import LATENT, OBSERVABLES, baseline_name
from matcher.world.judge.frozen import write_oracle
from matcher.world.judge.judge import Ceilings, judge_file
from matcher.world.judge.markets import MANY, judge_folder, summarise_markets
from matcher.world.judge.observer import open_observer
from matcher.world.judge.oracle import QUESTION_OF, fit_oracle, hash_knobs, oracle_inputs
from matcher.world.judge.rankings import build_pool
from matcher.world.simulate import simulate_market

QUICK = {"encoder": {"name": "random", "dim": 16}}


@pytest.fixture(scope="module")
def markets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small markets side by side."""
    folder = tmp_path_factory.mktemp("markets")
    for seed in (1, 2):
        simulate_market(
            folder / f"seed-{seed}", n_influencers=150, n_campaigns=24, seed=seed, world="tiny"
        )
    return folder


def latent_ranking(market: Path, *, n: int = 4) -> pd.DataFrame:
    """The truth itself as a ranking of the last campaigns, open ones among them."""
    truth = open_bench(market).truth
    pairs = truth.pairs()
    last = sorted(pairs["campaign_id"].unique())[-n:]
    pairs = pairs[pairs["campaign_id"].isin(last)]
    expected = truth.expected(pairs["campaign_id"].tolist(), pairs["account_id"].tolist())
    objective = pd.read_parquet(market / "campaigns.parquet").set_index("campaign_id")["objective"]
    names = objective[pairs["campaign_id"]].map(OUTCOME_OF).to_numpy()
    score = [expected[name].iloc[place] for place, name in enumerate(names)]
    return pairs[["campaign_id", "account_id"]].assign(score=score)


def of(rows: pd.DataFrame, method: str, target: str, metric: str) -> float:
    keep = (rows["method"] == method) & (rows["campaign_id"] == "all")
    keep &= (rows["target"] == target) & (rows["metric"] == metric)
    return float(rows.loc[keep, "value"].iloc[0])


def test_the_regret_of_the_truth_is_0_and_every_baseline_has_some(
    markets: Path, tmp_path: Path
) -> None:
    market = markets / "seed-1"
    latent_ranking(market).to_parquet(tmp_path / "latent.parquet")
    quick = Settings.model_validate(QUICK)
    found = judge_file(market, tmp_path / "latent.parquet", ceilings=Ceilings(tmp_path, quick))
    for method in ("latent", LATENT):
        assert of(found.rows, method, "outcome", "regret_at_10") == pytest.approx(0, abs=1e-12)
        assert of(found.rows, method, "outcome", "ndcg_at_10") == pytest.approx(1)
    assert of(found.rows, LATENT, "choice", "ndcg_at_10") == pytest.approx(1)
    assert of(found.rows, baseline_name("random"), "outcome", "regret_at_10") > 0.05
    assert found.notes == (
        "no observables oracle is frozen for world tiny; its ceiling is left out",
    )


def test_the_truth_beside_a_market_is_no_part_of_it(markets: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(markets / "seed-1", alone, ignore=shutil.ignore_patterns("truth"))
    assert load_market(alone).data_hash == load_market(markets / "seed-1").data_hash
    latent_ranking(markets / "seed-1").to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(DataError, match="expected a market written by `matcher simulate`"):
        judge_file(alone, tmp_path / "x.csv")


def test_another_version_of_the_world_is_refused(markets: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(markets / "seed-1", old)
    record = json.loads((old / "truth" / "world.json").read_text())
    (old / "truth" / "world.json").write_text(json.dumps({**record, "version": 0}))
    latent_ranking(markets / "seed-1").to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(DataError, match="written by version 0 of the generator"):
        judge_file(old, tmp_path / "x.csv")


def test_several_markets_have_a_median_and_a_worst(markets: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for seed in (1, 2):
        ranking = latent_ranking(markets / f"seed-{seed}", n=3)
        ranking["score"] = rng.normal(size=len(ranking))
        ranking.assign(method="noise").to_csv(tmp_path / f"seed-{seed}.csv", index=False)
    found = judge_folder(markets, tmp_path, ceilings=None)
    each = [
        of(found.rows[found.rows["seed"] == seed], "noise", "outcome", "regret_at_10")
        for seed in (1, 2)
    ]
    over = found.rows[found.rows["seed"] == MANY]
    assert of(over, "noise", "outcome", "median_regret_at_10") == pytest.approx(np.mean(each))
    assert of(over, "noise", "outcome", "worst_regret_at_10") == pytest.approx(max(each))
    (tmp_path / "seed-2.csv").rename(tmp_path / "seed-3.csv")
    with pytest.raises(UsageError, match=r"2 names do not match the markets of .*: seed-2, seed-3"):
        judge_folder(markets, tmp_path)
    with pytest.raises(UsageError, match="holds 2 markets, so give a folder"):
        judge_folder(markets, tmp_path / "seed-3.csv")


def test_the_worst_of_what_may_miss_on_either_side_is_the_furthest() -> None:
    names = {"world": "w", "version": 1, "kind": "what-if", "method": "m", "campaign_id": "all"}
    rows = pd.DataFrame(
        [
            {**names, "seed": seed, "target": "delta", "metric": metric, "value": value,
             "low": np.nan, "high": np.nan, "n": 1}
            for metric, values in {
                "bias": (0.5, -0.1), "relative_error": (-0.4, 0.2), "below_median": (0.4, 0.9),
                "coverage": (0.7, 0.9), "pehe": (0.3, 1.0),
            }.items()
            for seed, value in enumerate(values)
        ]
    )  # fmt: skip
    over = summarise_markets(rows)
    worst = over[over["metric"].str.startswith("worst_")].set_index("metric")["value"].to_dict()
    assert worst == {
        "worst_bias": 0.5,
        "worst_relative_error": -0.4,
        "worst_below_median": 0.9,
        "worst_coverage": 0.7,
        "worst_pehe": 1.0,
    }


def test_files_without_a_method_are_one_method_and_worlds_stay_apart(
    markets: Path, tmp_path: Path
) -> None:
    both, mine = tmp_path / "both", tmp_path / "mine"
    shutil.copytree(markets, both)
    simulate_market(both / "fraud", n_influencers=150, n_campaigns=24, seed=1, world="fraud")
    mine.mkdir()
    for name in ("seed-1", "seed-2", "fraud"):
        latent_ranking(both / name).to_csv(mine / f"{name}.csv", index=False)
    code, out, _ = run(
        "simulate", str(both), "--judge", "--predictions", str(mine), "--no-ceilings", "-q"
    )
    assert code == 0
    assert "of worlds fraud, tiny, 3 markets; median and worst over those of a world" in out
    assert out.count("mine, tiny ") == out.count("mine, fraud ") > 0
    assert "seed-1" not in out


def test_intervals_cover_what_the_world_draws(markets: Path, tmp_path: Path) -> None:
    market = markets / "seed-1"
    pairs = latent_ranking(market).drop(columns="score")
    pairs.assign(lower=0.0, upper=1e15).to_csv(tmp_path / "wide.csv", index=False)
    found = judge_file(market, tmp_path / "wide.csv")
    assert of(found.rows, "wide", "outcome", "coverage") == 1.0


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def test_from_the_command_line(markets: Path, tmp_path: Path) -> None:
    market, mine, rows = markets / "seed-1", tmp_path / "mine.csv", tmp_path / "rows.json"
    latent_ranking(market).to_csv(mine, index=False)
    words = ("simulate", str(market), "--judge", "--predictions", str(mine), "--no-ceilings")
    code, out, err = run(*words, "--out", str(rows))
    assert (code, "expected outcome" in out, "buyer's choice" in out) == (0, True, True)
    assert "mine" in out
    assert "1.000 [1.000, 1.000]" in out
    assert str(rows) in err
    code, out, _ = run(*words, "--json")
    told = json.loads(out)
    assert code == 0
    assert told == json.loads(rows.read_text())
    assert {row["campaign_id"] for row in told["rows"]} > {"all"}
    code, _, err = run(*words, "--out", str(rows))
    assert (code, "stands there already" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--predictions", "x.csv"), "--predictions: given without --judge"),
        (("--kind", "plan", "--no-ceilings"), "--kind, --no-ceilings: given without --judge"),
        (("--judge",), "--judge: no predictions are named; give --predictions FILE"),
        (("--judge", "--predictions", "x.csv", "--seed", "0", "--influencers", "9"),
         "--influencers, --seed: given with --judge, which makes and checks no market"),
        (("--judge", "--predictions", "x.csv", "--check"), "--check: given with --judge"),
        (("--judge", "--predictions", "x.csv", "--dry-run"), "--dry-run: given with --judge"),
        (("--judge", "--predictions", "x.txt"), "got suffix '.txt'"),
        (("--judge", "--predictions", "x.csv", "--out", "x.md"), "got suffix '.md'"),
    ],
)  # fmt: skip
def test_modes_do_not_mix(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    code, out, err = run("simulate", str(tmp_path / "new"), *words)
    assert (code, out) == (2, "")
    assert message in err
    assert not (tmp_path / "new").exists()


def test_what_is_judged_stands_apart_and_shares_far_off_are_told_in_gaps(tmp_path: Path) -> None:
    both, mine = tmp_path / "both", tmp_path / "mine"
    mine.mkdir()
    simulate_market(both / "s1", n_influencers=150, n_campaigns=24, seed=1, world="default")
    worst = latent_ranking(both / "s1", n=3).assign(method="worst", target="outcome")
    worst.assign(score=-worst["score"]).to_csv(mine / "s1.csv", index=False)
    code, out, _ = run("simulate", str(both), "--judge", "--predictions", str(mine), "-q")
    assert code == 0
    lines = out.splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("expected outcome"))
    first = [line.split("  ")[0] for line in lines[head + 1 : head + 4]]
    assert (first[0], set(first[1]), first[2]) == ("worst", {"-"}, "baseline: random")
    told = next(line for line in lines if line.startswith("  worst, outcome by ndcg_at_10: "))
    assert "gaps behind the best baseline; 1 market with a gap (" in told
    rows = tmp_path / "rows.json"
    words = ("simulate", str(both / "s1"), "--judge", "--predictions", str(mine / "s1.csv"), "-q")
    code, out, _ = run(*words, "--out", str(rows))
    assert (code, "gaps behind the best baseline" in out) == (0, True)
    held = pd.DataFrame(json.loads(rows.read_text())["rows"])
    assert held.loc[held["metric"] == "share_ndcg_at_10", "value"].iloc[0] < -1


def test_a_frozen_oracle_is_used_unless_it_is_stale(markets: Path, tmp_path: Path) -> None:
    market, quick = markets / "seed-2", Settings.model_validate(QUICK)
    bench, ranking = open_bench(market), latent_ranking(market)
    pool = build_pool(bench, ranking)
    observer = open_observer(market, pool.campaign_ids, settings=quick)
    # Fitted on the very pairs that it is asked about, it knows nearly all.
    platforms = bench.accounts["platform"]
    inputs = np.concatenate(
        [oracle_inputs(matrix, platforms) for _, matrix in observer.look(pool.pairs)]
    )
    truth = bench.truth.expected(
        pool.pairs["campaign_id"].tolist(), pool.pairs["account_id"].tolist()
    )
    targets = {name: np.log(truth[name].to_numpy(float)) for name in QUESTION_OF.values()}
    targets["choice"] = pool.utility
    record = {
        "world": "tiny",
        "version": bench.truth.record["version"],
        "knobs": hash_knobs(bench.truth.record["knobs"]),
        "encoder": observer.context.encoder.identity.name,
    }
    write_oracle(fit_oracle(inputs, targets, record), tmp_path)
    mine = tmp_path / "mine.csv"
    ranking.to_csv(mine, index=False)
    found = judge_file(market, mine, ceilings=Ceilings(tmp_path, quick))
    assert of(found.rows, OBSERVABLES, "outcome", "spearman") > 0.8
    shares = found.shares
    assert set(shares["target"]) == {"outcome", "choice"}
    held = shares[shares["metric"] == "share_regret_at_10"]
    # The truth itself goes further than any oracle of observables.
    assert (held["value"].dropna() >= 1).all()
    assert len(held) == 1
    plan = tmp_path / "plan.csv"
    ranking.groupby("campaign_id").head(3)[["campaign_id", "account_id"]].to_csv(plan, index=False)
    rows = judge_file(market, plan, ceilings=Ceilings(tmp_path, quick)).rows
    parts = [
        of(rows, "plan", "outcome", f"regret_{part}") for part in ("of_observables", "besides")
    ]
    assert sum(parts) == pytest.approx(of(rows, "plan", "outcome", "regret"))
    stale = fit_oracle(inputs, targets, {**record, "knobs": "other"})
    write_oracle(stale, tmp_path)
    found = judge_file(market, mine, ceilings=Ceilings(tmp_path, quick))
    assert found.shares.empty
    assert found.notes == (
        "the observables oracle of world tiny is stale and left out: it was fitted on other knobs "
        "of the world",
    )
