"""Shares of the way, frozen oracles, and judging over several markets."""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.errors import DataError, SupportError
from matcher.evaluation.scorers import BASELINES
from matcher.world.judge.ceilings import OBSERVABLES, SHARED, baseline_name, share_rows
from matcher.world.judge.figures import campaign_rows
from matcher.world.judge.frozen import read_oracle, why_stale, write_oracle
from matcher.world.judge.judge import judge_predictions
from matcher.world.judge.markets import lower_is_better, summarise_markets
from matcher.world.judge.oracle import (
    QUESTION_OF,
    QUESTIONS,
    fit_oracle,
    hash_features,
    hash_knobs,
    input_names,
)
from matcher.world.judge.predictions import parse_predictions


def flat(value: float, n: int = 6) -> dict[tuple[str, str], np.ndarray]:
    return {key: np.full(n, value) for key in SHARED}


def limits(best: float, oracle: float) -> dict[str, dict[tuple[str, str], np.ndarray]]:
    found = {baseline_name(name): flat(best - 0.1) for name in BASELINES}
    found[baseline_name("cosine")] = flat(best)
    for key in (("outcome", "regret_at_10"),):
        for name in BASELINES:
            found[baseline_name(name)][key] = np.full(6, 1 - best + 0.1)
        found[baseline_name("cosine")][key] = np.full(6, 1 - best)
    found[OBSERVABLES] = flat(oracle)
    found[OBSERVABLES]["outcome", "regret_at_10"] = np.full(6, 1 - oracle)
    return found


def shares(own: float, best: float, oracle: float) -> pd.DataFrame:
    figures = flat(own)
    figures["outcome", "regret_at_10"] = np.full(6, 1 - own)
    return pd.DataFrame(share_rows("m", figures, limits(best, oracle)))


def test_the_share_runs_from_the_best_baseline_to_the_oracle() -> None:
    rows = shares(0.75, 0.6, 0.8)
    found = rows[rows["metric"].str.startswith("share_")]
    assert found["value"].to_numpy() == pytest.approx([0.75] * 4)
    assert found["metric"].tolist() == [f"share_{metric}" for _, metric in SHARED]
    gaps = rows[rows["metric"].str.startswith("gap_")]
    assert gaps["value"].to_numpy() == pytest.approx([0.2] * 4)


def test_no_share_is_stated_of_a_gap_of_a_hair() -> None:
    rows = shares(0.61, 0.6, 0.6199)
    found = rows[rows["metric"].str.startswith("share_")]
    assert found["value"].isna().all()
    assert rows.loc[rows["metric"].str.startswith("gap_"), "value"].to_numpy() == pytest.approx(
        [0.0199] * 4
    )


def test_the_interval_of_a_share_is_that_of_resampled_campaigns() -> None:
    rng = np.random.default_rng(1)
    values = limits(0.5, 0.9)
    own = {key: rng.uniform(0.5, 0.9, 6) for key in SHARED}
    row = share_rows("m", own, values)[1]
    drawn = np.random.default_rng(8).integers(6, size=(20_000, 6))
    by_hand = (own["outcome", "ndcg_at_10"][drawn].mean(axis=1) - 0.5) / 0.4
    assert (row["low"], row["high"]) == pytest.approx(
        tuple(np.quantile(by_hand, [0.025, 0.975])), abs=0.02
    )


@pytest.mark.parametrize("apart", [[0.4, 0, 0, 0, 0, 0], [0.6, -0.2, 0.1, -0.2, 0.1, 0.1]])
def test_a_share_of_a_gap_that_may_be_0_has_no_interval(apart: list[float]) -> None:
    # Resamples of these six campaigns have no gap, or one of the other sign, time and again.
    found = limits(0.5, 0.5)
    found[OBSERVABLES]["choice", "ndcg_at_10"] = 0.5 + np.array(apart)
    own = flat(0.5)
    own["choice", "ndcg_at_10"] = 0.5 + np.array(apart) / 2
    rows = pd.DataFrame(share_rows("m", own, found, targets=["choice"]))
    row = rows[rows["metric"] == "share_ndcg_at_10"].iloc[0]
    assert row["value"] == pytest.approx(0.5)
    assert np.isnan([row["low"], row["high"]]).all()


def test_a_ranking_that_answers_one_question_has_shares_of_it_alone() -> None:
    rows = pd.DataFrame(share_rows("m", flat(0.7), limits(0.6, 0.8), targets=["choice"]))
    assert set(rows["target"]) == {"choice"}


@pytest.fixture(scope="module")
def oracle():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(400, len(input_names()))).astype(np.float32)
    targets = {name: inputs[:, place].astype(float) for place, name in enumerate(QUESTIONS)}
    # Each question may have its own pairs.
    for place, name in enumerate(QUESTIONS):
        targets[name][place::9] = np.nan
    record = {"world": "hand", "version": 7, "knobs": hash_knobs({"a": 1}), "encoder": "builtin"}
    return fit_oracle(inputs, targets, record), inputs.astype(float)


def test_an_oracle_needs_pairs_for_every_question(oracle) -> None:
    _, inputs = oracle
    targets = dict.fromkeys(QUESTIONS, inputs[:, 0])
    targets["trust"] = np.full(len(inputs), np.nan)
    with pytest.raises(SupportError, match="world hand: no pair has a truth for trust"):
        fit_oracle(inputs, targets, {"world": "hand"})


def test_a_frozen_oracle_scores_as_it_did(oracle, tmp_path: Path) -> None:
    made, inputs = oracle
    path = write_oracle(made, tmp_path)
    held = read_oracle("hand", tmp_path)
    asked = np.array([*QUESTION_OF, "reach"], dtype=object)[np.arange(len(inputs)) % 7]
    mine, again = made.score_outcome(inputs, asked), held.score_outcome(inputs, asked)
    assert mine.tolist() == again.tolist()
    assert made.score_choice(inputs).tolist() == held.score_choice(inputs).tolist()
    for outcome, question in QUESTION_OF.items():
        truth = inputs[asked == outcome, QUESTIONS.index(question)]
        assert np.corrcoef(mine[asked == outcome], truth)[0, 1] == pytest.approx(1, abs=0.05)
    before = path.read_bytes()
    assert write_oracle(held, tmp_path).read_bytes() == before
    assert read_oracle("elsewhere", tmp_path) is None
    path.write_bytes(lzma.compress(b'{"record": {"format": 1}}'))
    assert read_oracle("hand", tmp_path).record == {"format": 1}
    path.write_bytes(lzma.compress(b"{}"))
    with pytest.raises(DataError, match=r"is damaged: 'record'; fit it anew"):
        read_oracle("hand", tmp_path)


@pytest.mark.parametrize(
    ("record", "market", "encoder", "why"),
    [
        ({}, {}, "builtin", ""),
        ({}, {"version": 8}, "builtin", "it was fitted on version 7 of the world"),
        ({}, {"knobs": {"a": 2}}, "builtin", "it was fitted on other knobs of the world"),
        ({"features": "other"}, {}, "builtin", "it was fitted on other features"),
        ({"format": 9}, {}, "builtin", "its file is of format 9, this Matcher reads 2"),
        ({}, {}, "random", "it was fitted with the encoder builtin, this one is random"),
    ],
)
def test_a_stale_oracle_says_why(oracle, record, market, encoder: str, why: str) -> None:
    made, _ = oracle
    assert made.record["features"] == hash_features()
    now = {"version": 7, "knobs": {"a": 1}, **market}
    assert why_stale({**made.record, **record}, now, encoder) == why


def test_rows_name_world_version_and_seed(make_bench) -> None:
    bench = make_bench({"c0": [1.0, 2.0, 3.0], "c1": [1.0, 2.0, 3.0]})
    frame = pd.DataFrame(
        {
            "campaign_id": ["c0"] * 3 + ["c1"] * 3,
            "account_id": ["a0", "a1", "a2"] * 2,
            "score": [1.0, 2.0, 3.0, 3.0, 2.0, 1.0],
        }
    )
    rows = judge_predictions(bench, parse_predictions(frame, "mine.csv")).rows
    assert rows[
        ["world", "version", "seed", "kind", "method"]
    ].drop_duplicates().to_numpy().tolist() == [["hand", 7, 5, "ranking", "mine"]]
    rho = rows[(rows["target"] == "outcome") & (rows["metric"] == "spearman")]
    assert rho.set_index("campaign_id")["value"].to_dict() == {"all": 0.0, "c0": 1.0, "c1": -1.0}
    whole = rho.iloc[0]
    # Resampled campaigns are c0 twice, c1 twice, or both.
    assert (whole["low"], whole["high"], whole["n"]) == (-1.0, 1.0, 2)


def test_means_leave_out_campaigns_without_a_figure() -> None:
    values = {("outcome", "x"): np.array([1.0, np.nan, 3.0])}
    rows = campaign_rows("ranking", "m", ["a", "b", "c"], values, counts=np.array([1, 2, 3]))
    assert rows["campaign_id"].tolist() == ["all", "a", "c"]
    assert rows["value"].tolist() == [2.0, 1.0, 3.0]
    assert rows["n"].tolist() == [2, 1, 3]


def test_the_worst_of_a_regret_is_the_highest() -> None:
    assert lower_is_better("regret_at_10")
    assert not lower_is_better("ndcg_at_10")
    assert not lower_is_better("share_regret_at_10")


def test_figures_over_markets_keep_the_order_of_methods_and_metrics() -> None:
    methods = ("mine", baseline_name("cosine"), OBSERVABLES)
    rows = pd.DataFrame(
        [
            {"world": "w", "version": 1, "seed": seed, "kind": "ranking", "method": method,
             "campaign_id": "all", "target": "outcome", "metric": metric, "value": 0.5,
             "low": np.nan, "high": np.nan, "n": 1}
            for seed in (1, 2) for method in methods for metric in ("spearman", "ndcg_at_10")
        ]
    )  # fmt: skip
    over = summarise_markets(rows)
    assert over["method"].drop_duplicates().tolist() == list(methods)
    assert over["metric"].drop_duplicates().tolist() == [
        f"{name}_{metric}" for metric in ("spearman", "ndcg_at_10") for name in ("median", "worst")
    ]
