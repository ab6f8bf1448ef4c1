"""Whom the first places go to: shares against supply and hires, spread, and the cost of a floor."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from matcher.config import EvaluationSettings
from matcher.errors import DataError
from matcher.evaluation.bootstrap import bootstrap_ratios
from matcher.evaluation.exposure import Exposure, gini, measure_exposure
from matcher.evaluation.results import evaluate_scores
from matcher.evaluation.scored import ScoredCandidates
from matcher.ranking.exposure import ExposureRule

SETTINGS = EvaluationSettings(n_bootstrap=200, seed=3)


def make_frame(n_campaigns=14, n_accounts=60, *, seed=1):
    """Candidates of campaigns, with a model that likes one platform more than brands do."""
    rng = np.random.default_rng(seed)
    platform = np.where(np.arange(n_accounts) % 3 == 0, "youtube", "tiktok")
    gender = rng.choice(["female", "male", "other", None], size=n_accounts, p=[0.4, 0.3, 0.1, 0.2])
    tier = rng.choice(["nano", "micro", "macro"], size=n_accounts)
    parts = []
    for number in range(n_campaigns):
        rows = np.sort(
            rng.choice(n_accounts, size=int(rng.integers(30, n_accounts)), replace=False)
        )
        fit = rng.normal(size=len(rows))
        parts.append(
            pd.DataFrame(
                {
                    "campaign_id": f"c{number:02d}",
                    "account_id": [f"a{row:02d}" for row in rows],
                    "brand_id": f"b{number % 5}",
                    "hired": fit + rng.normal(scale=0.5, size=len(rows)) > 1.2,
                    "platform": platform[rows],
                    "gender": gender[rows],
                    "tier": tier[rows],
                    "content_language": "vi",
                    "model": fit + 0.8 * (platform[rows] == "tiktok"),
                    "random": rng.random(len(rows)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def frame():
    return make_frame()


def measure(frame, *, rule=None, settings=SETTINGS) -> Exposure:
    columns = [name for name in ("model", "random") if name in frame]
    found = measure_exposure(ScoredCandidates.build(frame, columns), settings, rule=rule)
    assert found is not None
    return found


def row_of(exposure, by, group, k=10):
    held = exposure.shares.set_index(["by", "group", "k"])
    return held.loc[(by, group, k)]


@pytest.mark.parametrize("k", [10, 20])
def test_shares_are_means_over_campaigns_of_counted_places(frame, k):
    found = measure(frame)
    lists = frame.sort_values("model", ascending=False).groupby("campaign_id").head(k)
    for by, column in (("platform", "platform"), ("gender", "gender"), ("tier", "tier")):
        for group in sorted(set(frame[column].fillna("unknown"))):
            row = row_of(found, by, group, k)
            for name, table in (
                ("supply", frame), ("hired", frame[frame["hired"]]), ("listed", lists)
            ):  # fmt: skip
                inside = table[column].fillna("unknown") == group
                expected = inside.groupby(table["campaign_id"]).mean().mean()
                assert row[name] == pytest.approx(expected)
            assert row["over_supply"] == pytest.approx(row["listed"] / row["supply"])
            assert row["over_hired"] == pytest.approx(row["listed"] / row["hired"])
            assert row["over_supply_low"] < row["over_supply"] < row["over_supply_high"]
    tiktok = row_of(found, "platform", "tiktok", 10)
    assert tiktok["over_supply_low"] > 1
    assert row_of(found, "language", "vi", k)["over_supply"] == 1


def test_spread_counts_places_of_accounts(frame):
    found = measure(frame)
    lists = frame.sort_values("model", ascending=False).groupby("campaign_id").head(10)
    everyone = pd.Index(sorted(set(frame["account_id"])))
    had = lists["account_id"].value_counts().reindex(everyone, fill_value=0).to_numpy(float)
    spread = found.spread.set_index(["of", "k"])
    row = spread.loc[("model", 10)]
    gaps = np.abs(had[:, None] - had[None, :]).mean() / (2 * had.mean())
    assert row["gini"] == pytest.approx(gaps)
    assert row["coverage"] == pytest.approx((had > 0).mean())
    assert row["n_listed"] == pytest.approx((had > 0).sum())
    chosen = frame.loc[frame["hired"], "account_id"].nunique() / len(everyone)
    hired = found.spread[found.spread["of"] == "hired"].iloc[0]
    assert hired["coverage"] == pytest.approx(chosen)
    assert set(found.spread["of"]) == {"model", "random", "hired"}
    assert (found.n_campaigns, found.n_accounts) == (14, len(everyone))


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12))
def test_gini_is_the_mean_gap_of_all_pairs(amounts):
    values = np.array(amounts, dtype=float)
    mean = values.mean()
    gaps = np.abs(values[:, None] - values[None, :]).mean()
    assert gini(values) == pytest.approx(gaps / (2 * mean) if mean else 0.0, abs=1e-12)
    assert gini(values[::-1]) == gini(values)
    assert -1e-12 <= gini(values) <= 1 - 1 / len(values) + 1e-12


def test_ties_count_with_the_chance_of_standing_there():
    """All orders of the ties, by hand: 12 candidates of whom 5 share the places from the eighth."""
    scores = np.array([9.0, 8, 7, 6, 5, 4, 3, 1, 1, 1, 1, 1])
    frame = pd.DataFrame(
        {
            "campaign_id": "c",
            "account_id": [f"a{n:02d}" for n in range(12)],
            "brand_id": "b",
            "hired": np.arange(12) == 0,
            "platform": ["x"] * 7 + ["x", "y", "y", "y", "z"],
            "model": scores,
        }
    )
    found = measure(frame)
    tied = frame["platform"].to_numpy()[7:]
    lists = [[*["x"] * 7, *(tied[n] for n in order[:3])] for order in permutations(range(5))]
    for group in "xyz":
        expected = np.mean([held.count(group) / 10 for held in lists])
        assert row_of(found, "platform", group)["listed"] == pytest.approx(expected)
    spread = found.spread.set_index(["of", "k"]).loc[("model", 10)]
    assert spread["n_listed"] == pytest.approx(7 + 5 * 3 / 5)
    # One brand alone gives no interval.
    assert np.isnan(row_of(found, "platform", "x")["over_supply_low"])


def test_the_ratio_of_means_is_drawn_over_whole_brands():
    rng = np.random.default_rng(0)
    tops, bottoms = rng.random((9, 2)), rng.random((9, 2))
    brands = np.array(list("aabbbcdde"))
    found = bootstrap_ratios(tops, bottoms, brands, n_resamples=4_000, seed=1)
    np.testing.assert_allclose(found.value, tops.sum(0) / bottoms.sum(0))
    names = np.unique(brands)
    drawn = rng.choice(names, size=(4_000, len(names)))
    ratios = []
    for one in drawn:
        rows = np.concatenate([np.flatnonzero(brands == name) for name in one])
        ratios.append(tops[rows].sum(0) / bottoms[rows].sum(0))
    low, high = np.quantile(ratios, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(found.low, low, rtol=0.05)
    np.testing.assert_allclose(found.high, high, rtol=0.05)
    nothing = bootstrap_ratios(tops, bottoms * 0, brands, n_resamples=9, seed=1)
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()
    with pytest.raises(DataError, match=r"got shapes \(9, 2\) and \(9, 1\)"):
        bootstrap_ratios(tops, bottoms[:, :1], brands, n_resamples=9, seed=1)


def test_groups_with_little_supply_stand_together_and_unknown_stands_apart():
    frame = make_frame(n_campaigns=20, n_accounts=400)
    number = frame["account_id"].str.removeprefix("a").astype(int)
    names = {0: "podcast", 1: "blog", 2: "zalo", 3: None}
    frame["platform"] = number.map(names).where(number.isin(list(names)), frame["platform"])
    found = measure(frame)
    held = found.shares[(found.shares["by"] == "platform") & (found.shares["k"] == 10)]
    assert held["group"].tolist() == ["tiktok", "youtube", "small groups", "unknown"]
    assert set(found.merged["platform"]) == {"podcast", "blog", "zalo"}
    alone = frame.assign(platform=frame["platform"].replace({"blog": "podcast", "zalo": "podcast"}))
    rare = measure(alone[number.isin([0]) | (number > 3)])
    assert "podcast" in set(rare.shares["group"])
    assert rare.merged == {}


def test_groups_of_which_few_were_hired_are_not_compared_with_hires(frame):
    rows = np.flatnonzero(frame["hired"].to_numpy())
    tier = frame["tier"].to_numpy(object).copy()
    tier[frame["tier"] == "macro"] = "micro"
    tier[rows[:4]] = "macro"
    found = measure(frame.assign(tier=tier))
    assert row_of(found, "tier", "macro")["hired"] > 0
    assert np.isnan(row_of(found, "tier", "macro")["over_hired"])
    assert row_of(found, "tier", "micro")["over_hired"] > 0


def test_campaigns_without_a_hire_are_not_looked_at(frame):
    hired = frame["hired"] & (frame["campaign_id"] != "c03")
    without = measure(frame.assign(hired=hired))
    gone = measure(frame[frame["campaign_id"] != "c03"])
    pd.testing.assert_frame_equal(without.shares, gone.shares)
    assert without.n_campaigns == 13


def ndcg(frame, chosen):
    """NDCG@10 of each campaign whose first places are the chosen rows, by the book."""
    found = {}
    for name, held in frame.groupby("campaign_id"):
        first = held[held.index.isin(chosen)].sort_values("model", ascending=False)
        discounts = 1 / np.log2(np.arange(2, 12))
        n_ideal = min(10, int(held["hired"].sum()))
        gains = first["hired"].to_numpy() * discounts[: len(first)]
        found[name] = gains.sum() / discounts[:n_ideal].sum()
    return pd.Series(found)


def test_the_cost_of_a_floor_is_that_of_the_lists_it_makes(frame):
    found = measure(frame, rule=ExposureRule("platform", 1.0)).rerank
    assert found is not None
    plain, again = [], []
    for _, held in frame.groupby("campaign_id"):
        ranked = held.sort_values("model", ascending=False)
        plain += ranked.index[:10].tolist()
        least = np.floor(10 * held["platform"].value_counts(normalize=True) + 1e-9).astype(int)
        best = [part.index[: least[name]] for name, part in ranked.groupby("platform", sort=False)]
        kept = set(np.concatenate(best).tolist())
        rest = [row for row in ranked.index if row not in kept]
        again += [*kept, *rest[: 10 - len(kept)]]
    before, after = ndcg(frame, plain), ndcg(frame, again)
    assert found.plain.value == pytest.approx(before.mean())
    assert found.reranked.value == pytest.approx(after.mean())
    assert found.difference.value == pytest.approx((after - before).mean())
    assert found.difference.low < found.difference.value < found.difference.high
    assert found.n_replaced == pytest.approx(len(set(again) - set(plain)) / 14)
    assert 0 < found.n_changed <= found.n_campaigns == 14
    shares = found.shares.set_index("group")
    assert shares.loc["youtube", "reranked"] > shares.loc["youtube", "plain"]
    np.testing.assert_allclose(shares.sum(), 1.0)


def test_a_floor_that_does_not_bear_costs_nothing(frame):
    found = measure(frame, rule=ExposureRule("language", 1.0)).rerank
    assert found is not None
    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    assert (found.n_changed, found.n_replaced) == (0, 0)


def test_the_order_of_rows_changes_no_bit(frame):
    tied = frame.assign(model=frame["model"].round(0))
    rule = ExposureRule("tier", 0.9)
    one = measure(tied, rule=rule).to_dict()
    two = measure(tied.sample(frac=1, random_state=2), rule=rule).to_dict()
    assert json.dumps(one) == json.dumps(two)


def test_without_a_model_or_a_group_nothing_is_told(frame):
    bare = frame.drop(columns=["platform", "gender", "tier", "content_language"])
    assert measure_exposure(ScoredCandidates.build(bare, ["model"]), SETTINGS) is None
    other = frame.rename(columns={"model": "mine"})
    assert measure_exposure(ScoredCandidates.build(other, ["mine"]), SETTINGS) is None
    nobody = frame.assign(hired=False)
    assert measure_exposure(ScoredCandidates.build(nobody, ["model"]), SETTINGS) is None


def test_a_floor_under_groups_that_are_not_told_is_refused(frame):
    with pytest.raises(DataError, match="has no column `gender` to group by gender"):
        measure(frame.drop(columns="gender"), rule=ExposureRule("gender"))


def test_shares_that_do_not_add_up_are_refused(frame):
    found = measure(frame)
    wrong = found.shares.assign(listed=found.shares["listed"] * 0.9)
    with pytest.raises(DataError, match="shares miss 1 by up to 0.1"):
        replace(found, shares=wrong)


@pytest.fixture(scope="module")
def result(frame):
    return evaluate_scores(
        frame,
        ["model", "random"],
        protocol="time",
        settings=SETTINGS,
        audit={},
        exposure=ExposureRule("platform", 0.9),
    )


def test_json_holds_all_of_it(result):
    found = json.loads(result.to_json())["exposure"]
    assert list(found) == ["shares", "spread", "merged", "n_campaigns", "n_accounts", "rerank"]
    assert list(found["shares"]) == ["tier", "platform", "gender", "language"]
    assert list(found["shares"]["tier"]) == ["nano", "micro", "macro"]
    row = found["shares"]["gender"]["unknown"]["first_20"]
    assert row["over_supply"] == pytest.approx(row["listed"] / row["supply"])
    assert set(found["spread"]) == {"model", "random", "hired"}
    assert set(found["spread"]["hired"]) == {"all"}
    assert found["rerank"]["by"] == "platform"
    gap = found["rerank"]["ndcg_at_10"]
    assert gap["difference"]["value"] == pytest.approx(
        gap["reranked"]["value"] - gap["plain"]["value"]
    )


def test_every_form_shows_groups_spread_and_cost(result):
    text = result.to_markdown()
    assert "## exposure: whom the first places go to" in text
    assert "| gender=unknown |" in text
    assert "| model, first 20 |" in text
    assert "## exposure: at least 0.9 of the supply for each group of platform" in text
    cost = result.exposure.rerank
    assert f"difference {cost.difference.value:+.3f} ({cost.difference.low:+.3f} to" in text
    assert "exposure: spread over accounts" in result._repr_html_()
    console = Console(width=80, record=True)
    console.print(result)
    shown = console.export_text()
    # A narrow terminal has the shorter lists alone.
    assert "platform=youtube" in shown
    assert "20 ÷" not in shown
