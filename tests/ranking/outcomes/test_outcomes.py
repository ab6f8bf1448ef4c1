"""Models of outcomes on markets: what they learn from, what they refuse, what they hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from matcher.config import Objectives, Settings
from matcher.features.context import MarketData
from matcher.features.pair_features import build_features
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.market.market import build_market
from matcher.ranking.candidates import build_training_rows, candidate_pairs
from matcher.ranking.fit import fit_prior, fit_text
from matcher.ranking.outcomes.contributions import centre_contributions
from matcher.ranking.outcomes.fit import fit_outcomes
from matcher.ranking.outcomes.inputs import count_formats, pair_inputs
from matcher.ranking.outcomes.model import OutcomeModels
from matcher.ranking.outcomes.names import OUTCOME_NAMES, objective_outcome
from matcher.ranking.relevance import hire_outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from matcher.features.pair_features import FeatureMatrix

SETTINGS = Settings.model_validate(
    {
        "encoder": {"name": "random", "dim": 16},
        "retrieval": {"min_posts": 1},
        "ranker": {"n_draws": 1, "n_trees": 2},
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from matcher.world.simulate import simulate_market

    made = tmp_path_factory.mktemp("world") / "market"
    simulate_market(made, n_influencers=400, n_campaigns=90, seed=11, world="default")
    return made


def fit(
    data: MarketData, until: pd.Timestamp
) -> tuple[OutcomeModels | None, str, FeatureMatrix, list[str]]:
    context = fit_text(data, until, SETTINGS)
    prior = fit_prior(context, until)
    rows = build_training_rows(context, prior, until, SETTINGS)
    models, reason = fit_outcomes(context, prior, rows, until, SETTINGS)
    campaigns = data.market.tables["campaigns"].dropna(subset=["decided_at"])
    later = campaigns[campaigns["decided_at"] >= until].sort_values("decided_at")
    later = later[later["decided_at"] < data.market.all_known_at]
    ids = later["campaign_id"].tolist()
    matrix = build_features(context, prior, candidate_pairs(data, ids, SETTINGS))
    return models, reason, matrix, ids


@pytest.fixture(scope="module")
def cut(folder: Path) -> pd.Timestamp:
    campaigns = load_market(folder, SETTINGS.market).tables["campaigns"]
    decided = campaigns["decided_at"].dropna().sort_values().reset_index(drop=True)
    return decided[55]


@pytest.fixture(scope="module")
def fitted(folder: Path, cut: pd.Timestamp) -> tuple[OutcomeModels, FeatureMatrix]:
    models, reason, matrix, _ = fit(MarketData(load_market(folder, SETTINGS.market)), cut)
    assert models is not None, reason
    return models, matrix


def test_later_hires_fall_into_their_ranges_and_in_order(
    folder: Path, fitted: tuple[OutcomeModels, FeatureMatrix]
) -> None:
    models, matrix = fitted[0].of_hires(), fitted[1]
    market = load_market(folder, SETTINGS.market)
    outcomes = hire_outcomes(market).set_index(["campaign_id", "account_id"])
    keys = pd.MultiIndex.from_arrays([matrix.pairs.campaign_ids, matrix.pairs.account_ids])
    hires = outcomes.reindex(keys)
    rows = np.flatnonzero(hires["engagements"].notna())
    assert len(rows) > 150
    n_posts = hires["n_posts"].to_numpy()[rows]
    for name in ("engagements", "reach"):
        held = models.predict(matrix, names=[name], n_posts=n_posts, rows=rows)[name]
        brought = hires[name].to_numpy()[rows]
        low, median, high = (held.quantile(level) for level in (0.1, 0.5, 0.9))
        assert 0.70 < ((brought >= low) & (brought <= high)).mean() < 0.92
        assert 0.35 < (brought < median).mean() < 0.65
        ranks = pd.Series(held.mean()).rank().corr(pd.Series(brought).rank())
        assert ranks > 0.6


def test_nothing_known_later_moves_a_model(folder: Path, cut: pd.Timestamp) -> None:
    market = load_market(folder, SETTINGS.market)
    tables = {name: table.copy() for name, table in market.tables.items()}
    hires, readings = tables["collaborations"], tables["post_metrics"]
    late = (hires["outcome_at"] >= cut).to_numpy(bool)
    assert late.any()
    for name in ("engagements", "reach", "link_clicks", "n_posts_delivered"):
        hires.loc[late, name] = hires.loc[late, name] * 9
    read_later = (readings["observed_at"] >= cut).to_numpy(bool)
    assert read_later.any()
    readings.loc[read_later, ["likes", "reach", "views"]] *= 9
    altered = MarketData(build_market(tables, settings=SETTINGS.market))
    kept = MarketData(market)
    found = [fit(one, cut)[0] for one in (kept, altered)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].to_dict() == found[1].to_dict()


def test_anyone_is_told_nearer_to_the_truth_than_as_a_hire(
    folder: Path, fitted: tuple[OutcomeModels, FeatureMatrix]
) -> None:
    from matcher.world.judge.bench import open_bench

    models, matrix = fitted
    rows = np.arange(0, len(matrix.pairs), 11)
    ids = matrix.pairs.campaign_ids[rows].tolist(), matrix.pairs.account_ids[rows].tolist()
    truth = open_bench(folder).truth.expected(*ids)
    agreed = load_market(folder, SETTINGS.market).tables["collaborations"]
    posts = agreed.groupby("campaign_id")["n_posts_agreed"].first().reindex(ids[0])
    asked = posts.fillna(1.0).to_numpy(np.float64)
    for name in ("engagements", "reach"):
        anyone, hired = (
            one.predict(matrix, names=[name], rows=rows, n_posts=asked)[name]
            for one in (models, models.of_hires())
        )
        assert models.models[name].facts["n_effective"] >= 20
        true = truth[name].to_numpy(np.float64)
        over = [np.abs(np.log(one.mean().sum() / true.sum())) for one in (anyone, hired)]
        assert over[0] < over[1]
    # Who stands before whom does not depend on how either is told.
    orders = [one.order(matrix, Objectives()) for one in (models, models.of_hires())]
    np.testing.assert_array_equal(*orders)


def test_without_logged_chances_anyone_is_told_as_hires_are(
    folder: Path, cut: pd.Timestamp, fitted: tuple[OutcomeModels, FeatureMatrix]
) -> None:
    market = load_market(folder, SETTINGS.market)
    tables = {name: table.copy() for name, table in market.tables.items()}
    tables["decisions"] = tables["decisions"].iloc[:0]
    models = fit(MarketData(build_market(tables, settings=SETTINGS.market)), cut)[0]
    assert models is not None
    logged, matrix = fitted
    rows = np.arange(0, len(matrix.pairs), 50)
    for name in models.names:
        assert models.models[name].hired is None
        found, as_hires, told_as_hires = (
            one.predict(matrix, names=[name], rows=rows)[name]
            for one in (models, models.of_hires(), logged.of_hires())
        )
        for other in (as_hires, told_as_hires):
            np.testing.assert_array_equal(found.mean(), other.mean())
            np.testing.assert_array_equal(found.quantile(0.9), other.quantile(0.9))


def test_models_survive_their_json_bit_by_bit(
    fitted: tuple[OutcomeModels, FeatureMatrix],
) -> None:
    import json

    models, matrix = fitted
    again = OutcomeModels.from_dict(json.loads(json.dumps(models.to_dict())))
    rows = np.arange(0, len(matrix.pairs), 50)
    before, after = (one.predict(matrix, rows=rows) for one in (models, again))
    for name in models.names:
        np.testing.assert_array_equal(before[name].mean(), after[name].mean())
        np.testing.assert_array_equal(before[name].quantile(0.9), after[name].quantile(0.9))


def test_what_is_beyond_anything_learnt_from_is_wider_and_flagged(
    fitted: tuple[OutcomeModels, FeatureMatrix],
) -> None:
    models, matrix = fitted
    rows = np.arange(0, len(matrix.pairs), 50)
    column = matrix.names.index("followers_log")
    values = matrix.values.copy()
    values[:, column] = 40.0
    strange = type(matrix)(values, matrix.names, matrix.pairs, matrix.platforms, matrix.tiers)
    usual, far = (one["engagements"] for one in (
        models.predict(matrix, names=["engagements"], rows=rows),
        models.predict(strange, names=["engagements"], rows=rows),
    ))  # fmt: skip
    assert far.outside.mean() > usual.outside.mean()
    assert (far.spread >= usual.spread - 1e-12).all()
    assert (far.spread > usual.spread).mean() > 0.9


def test_more_posts_bring_more_and_vary_less(
    fitted: tuple[OutcomeModels, FeatureMatrix],
) -> None:
    models, matrix = fitted
    rows = np.arange(0, len(matrix.pairs), 80)
    one, three = (
        models.predict(matrix, names=["engagements"], rows=rows, n_posts=n)["engagements"]
        for n in (1.0, 3.0)
    )
    assert (three.quantile(0.5) >= one.quantile(0.5)).all()
    assert (three.spread <= one.spread).all()


@pytest.mark.parametrize("name", ["engagements", "reach", "link_clicks"])
def test_so_many_times_the_posts_bring_so_many_times_as_much(
    fitted: tuple[OutcomeModels, FeatureMatrix], name: str
) -> None:
    # Those of hires rest on more errors, beside which the room for the next one is small.
    models, matrix = fitted[0].of_hires(), fitted[1]
    rows = np.arange(0, len(matrix.pairs), 80)
    held = {
        n: models.predict(matrix, names=[name], rows=rows, n_posts=n)[name] for n in (1.0, 2.0, 5.0)
    }
    one = held[1.0].mean()
    # An outcome of nothing at all is cut off at zero, per post; everywhere else it is exact.
    kept = one > 5.0
    assert kept.sum() > 20
    for n, found in held.items():
        np.testing.assert_allclose(found.mean()[kept], n * one[kept], rtol=1e-9)
        # And what is drawn agrees with what is expected, but for what is beyond the last levels.
        if name != "link_clicks":
            drawn = found.draws(n_draws=4_000, seed=3).mean(axis=0) * models.models[name].factor
            assert np.median(drawn[kept] / found.mean()[kept]) == pytest.approx(1.0, abs=0.12)


def test_each_objective_has_an_outcome(fitted: tuple[OutcomeModels, FeatureMatrix]) -> None:
    models, _ = fitted
    assert set(models.names) <= set(OUTCOME_NAMES)
    usual = Objectives()
    assert objective_outcome("awareness", models.names, usual) == "reach"
    assert objective_outcome(None, models.names, usual) == "engagements"
    assert objective_outcome("sales", ("link_clicks", "engagements"), usual) == "link_clicks"
    assert objective_outcome("trust", ("reach",), usual) is None


def test_contributions_add_up_to_what_is_expected(
    fitted: tuple[OutcomeModels, FeatureMatrix],
) -> None:
    models, matrix = fitted
    rows = np.arange(0, len(matrix.pairs), 7)
    for name in models.names:
        parts = models.contributions(name, matrix, rows)
        assert parts.shape == (len(rows), len(matrix.names) + 2)
        inputs = pair_inputs(matrix, models.shares, rows=rows)
        centre = models.locate(name, inputs).centre
        np.testing.assert_allclose(parts.sum(axis=1), centre, rtol=0, atol=1e-9)
        assert len(np.unique(parts[:, -1])) == 1


@pytest.mark.parametrize("name", ["engagements", "link_clicks"])
def test_a_column_acts_by_its_own_contribution_alone(
    fitted: tuple[OutcomeModels, FeatureMatrix], name: str
) -> None:
    models, matrix = fitted
    rows = np.arange(60)
    inputs = pair_inputs(matrix, models.shares, rows=rows)
    column = inputs.names.index("engagement_rate_by_followers")
    moved = replace(inputs, values=inputs.values.copy())
    moved.values[:, column] = np.roll(inputs.values[:, column], 1)
    before, after = (centre_contributions(models.models, name, one) for one in (inputs, moved))
    change = models.locate(name, moved).centre - models.locate(name, inputs).centre
    assert np.ptp(change) > 0
    if name == "engagements":
        np.testing.assert_allclose((after - before)[:, column], change, rtol=0, atol=1e-9)
        np.testing.assert_allclose(np.delete(after, column, 1), np.delete(before, column, 1))
    else:
        # Where a level becomes a log, all of a row is stretched a little with it.
        np.testing.assert_allclose((after - before).sum(axis=1), change, rtol=0, atol=1e-9)
        assert (np.sign((after - before)[:, column]) == np.sign(change)).all()


def test_formats_that_are_asked_for_stand_for_the_post() -> None:
    platforms = np.array(["tiktok"] * 4 + ["facebook"] * 4, dtype=object)
    formats = np.array(["video", "short_video"] * 2 + ["image", "image", "video", None], object)
    shares = count_formats(platforms, formats)
    asked = [("short_video",), ("article",), ()]
    found = shares.of(np.array(["tiktok", "facebook", "zalo"], dtype=object), asked)
    np.testing.assert_allclose(found.sum(axis=1), [1.0, 1.0, 0.0])
    assert found[0].max() == 1.0
    assert sorted(found[1][found[1] > 0].round(3).tolist()) == [0.333, 0.667]


def test_a_market_without_enough_measured_posts_says_so() -> None:
    data = MarketData(load_market("data/tiny_market", SETTINGS.market))
    market = data.market
    tables = {name: table.copy() for name, table in market.tables.items()}
    tables["post_metrics"] = tables["post_metrics"].iloc[:0]
    for name in ("likes", "views", "reach", "impressions", "comments", "shares", "saves"):
        tables["posts"][name] = np.nan
    bare = MarketData(build_market(tables, settings=SETTINGS.market))
    models, reason, _, _ = fit(bare, market.all_known_at)
    assert models is None
    assert "200 measured posts are needed" in reason


def test_a_brief_may_say_how_many_posts_it_wants() -> None:
    assert Brief(brief_id="b", brief="mì cay", n_posts=3).n_posts == 3


def test_hires_that_do_not_tell_their_posts_are_counted(folder: Path, cut: pd.Timestamp) -> None:
    tables = {
        name: table.copy() for name, table in load_market(folder, SETTINGS.market).tables.items()
    }
    hires = tables["collaborations"]
    silent = hires.index[::4]
    for name in ("n_posts_agreed", "n_posts_delivered"):
        hires.loc[silent, name] = np.nan
    tables["campaign_posts"] = tables["campaign_posts"].iloc[:0]
    models = fit(MarketData(build_market(tables, settings=SETTINGS.market)), cut)[0]
    assert models is not None
    assert 0 < models.n_without_posts < models.n_hires
    assert OutcomeModels.from_dict(models.to_dict()).n_without_posts == models.n_without_posts
