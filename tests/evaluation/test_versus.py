"""Two models side by side: who is better, how surely, and what speaks against a change."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.config import EvaluationSettings, Settings
from matcher.errors import SupportError
from matcher.evaluation.results import evaluate_scores
from matcher.evaluation.versus import GATE_METRICS, Versus, compare_models
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.ranking.model import Model

TINY = Path(__file__).parents[2] / "data" / "tiny_market"
START = pd.Timestamp("2025-01-02T00:00:00Z")


def versus(quality: float, other: float, *, n_campaigns: int = 14, n_brands: int = 5) -> Versus:
    """Two scorers that see who was hired, and what came of it, through noise."""
    rng = np.random.default_rng(5)
    rows = []
    for number in range(n_campaigns):
        hired = np.arange(40) < 8
        outcome = np.where(hired, rng.lognormal(6, 1, 40), np.nan)
        signal = np.where(hired, np.log(outcome), 0.0)
        part = {
            "campaign_id": f"c{number:02d}",
            "account_id": [f"a{place:02d}" for place in range(40)],
            "brand_id": f"b{number % n_brands}",
            "hired": hired,
            "outcome": outcome,
            "expected": 400.0,
        }
        for name, weight in (("model", quality), ("other", other)):
            part[name] = weight * hired + rng.normal(size=40)
            part[f"{name}@delivered"] = np.where(hired, weight * signal, 0) + rng.normal(size=40)
        rows.append(pd.DataFrame(part))
    frame = pd.concat(rows, ignore_index=True)
    result = evaluate_scores(
        frame,
        ["model", "other"],
        protocol="versus",
        settings=EvaluationSettings(n_bootstrap=200),
        audit={},
        delivered={name: [[f"{name}@delivered"]] for name in ("model", "other")},
    )
    return Versus(result, tuple(sorted(frame["campaign_id"].unique())), START)


def test_the_better_model_may_take_the_place_and_the_worse_may_not() -> None:
    better, worse = versus(4, 0.1), versus(0.1, 4)
    assert better.objections() == ()
    objections = worse.objections()
    assert len(objections) == len(GATE_METRICS)
    assert "spearman_raw of delivered is worse by" in " ".join(objections)
    assert "95 % interval of the difference -" in objections[0]


def test_two_of_a_kind_are_told_apart_by_nothing() -> None:
    assert versus(1, 1).objections() == ()
    verdicts = versus(1, 1).table().set_index(["question", "metric"])["verdict"]
    assert set(verdicts[list(GATE_METRICS)]) == {"unclear"}


def test_swapping_the_models_turns_every_sign() -> None:
    one, rows = versus(4, 0.1).table(), versus(4, 0.1).result
    swapped = {"model": "other", "other": "model"}
    frame = rows.figures.assign(scorer=rows.figures["scorer"].map(swapped))
    paired = rows.paired.copy()
    paired["difference"] = -paired["difference"]
    paired[["low", "high"]] = -paired[["high", "low"]].to_numpy()
    turned = Versus(
        type(rows)("versus", frame, paired, rows.per_campaign, {}), ("c",), START
    ).table()
    other = {"better": "worse", "worse": "better", "unclear": "unclear", "unknown": "unknown"}
    assert turned["verdict"].tolist() == one["verdict"].map(other).tolist()
    assert set(one.loc[one["metric"] == "medr", "verdict"]) == {"better"}


def test_few_campaigns_or_one_brand_decide_nothing() -> None:
    few = versus(4, 0.1, n_campaigns=6)
    assert few.objections() == (
        "only 6 campaign(s) with a hired candidate were decided from 2025-01-02 on; expected 10 or "
        "more",
    )
    assert few.gaps() == ()
    assert few.objections(min_campaigns=6) == ()
    [said] = versus(4, 0.1, n_brands=1).objections()
    assert "fewer than 2 brands" in said


def test_an_ability_that_is_lost_speaks_against_a_model() -> None:
    found = versus(1, 1)
    figures = found.result.figures.copy()
    lost = (figures["scorer"] == "model") & (figures["question"] == "delivered")
    figures.loc[lost, "value"] = np.nan
    figures.loc[lost, "reason"] = "no ranker"
    paired = found.result.paired.copy()
    is_lost = paired["question"] == "delivered"
    paired.loc[is_lost, ["difference", "low", "high"]] = np.nan
    paired.loc[is_lost, "n"] = 0
    result = type(found.result)("versus", figures, paired, found.result.per_campaign, {})
    bare = Versus(result, found.campaign_ids, START)
    assert "spearman_raw of delivered is unknown" in " ".join(bare.objections())
    assert len(bare.gaps()) == 1


@pytest.fixture(scope="module")
def pair() -> tuple[MarketData, Model, Model]:
    data = MarketData(load_market(TINY))
    settings = Settings.model_validate(
        {
            "encoder": {"dim": 16, "epochs": 1},
            "ranker": {"n_trees": 10, "n_draws": 1, "min_rows_in_leaf": 3},
            "outcome": {"n_periods": 0},
            "retrieval": {"min_posts": 1},
            "evaluation": {"n_bootstrap": 100},
        }
    )
    early, late = (
        fit_model(data, pd.Timestamp(until, tz="UTC"), settings)[0]
        for until in ("2024-10-01", "2024-11-15")
    )
    return data, early, late


def test_both_are_judged_on_what_neither_could_know(pair: tuple) -> None:
    data, early, late = pair
    found = compare_models(late, early, data, early.settings)
    campaigns = data.market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    assert found.decided_from == late.trained_until + pd.Timedelta(days=1)
    assert len(found.campaign_ids) > 3
    assert (campaigns[list(found.campaign_ids)] >= found.decided_from).all()
    assert json.dumps(found.to_dict(), allow_nan=False, default=str)
    # The other way round is the same comparison.
    back = compare_models(early, late, data, early.settings)
    assert back.campaign_ids == found.campaign_ids
    ours = found.table().set_index(["question", "metric"])
    theirs = back.table().set_index(["question", "metric"])
    hired = ours.loc["hired"].index
    assert ours.loc["hired", "model"].tolist() == theirs.loc["hired", "other"].tolist()
    np.testing.assert_allclose(
        ours.loc["hired", "difference"][hired], -theirs.loc["hired", "difference"][hired]
    )


def test_a_model_differs_from_itself_in_nothing(pair: tuple) -> None:
    data, early, _ = pair
    table = compare_models(early, early, data, early.settings).table()
    known = table.dropna(subset=["difference"])
    assert len(known) > 8
    assert (known[["difference", "low", "high"]].fillna(0) == 0).all(axis=None)


def test_without_later_campaigns_there_is_no_comparison(pair: tuple) -> None:
    data, early, _ = pair
    whole, _, _ = fit_model(data, data.market.all_known_at, early.settings)
    with pytest.raises(SupportError, match="none of 24 campaigns .* train with --until"):
        compare_models(whole, early, data, early.settings)
