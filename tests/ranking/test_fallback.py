"""Markets without a closed campaign get a stated rule, and what public posts tell."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, rankdata

from matcher.config import OutcomeSettings
from matcher.errors import BundleError, SupportError
from matcher.features.context import MarketData
from matcher.features.pair_features import FEATURES
from matcher.ranking.bundle import read_bundle, write_bundle
from matcher.ranking.candidates import find_missing_history
from matcher.ranking.fallback import LEVELS, LIKENESS, fit_without_history
from matcher.ranking.fit import fit_model
from matcher.ranking.forecast import build_forecast_rows
from matcher.ranking.model import describe_facts
from matcher.ranking.store import model_files, read_model, write_model
from matcher.recommend.recommend import identify_model

HISTORY = ("campaigns", "collaborations")


def without_tables(tables):
    return {name: held for name, held in tables.items() if name not in HISTORY}


def without_collaborations(tables):
    return {name: held for name, held in tables.items() if name != "collaborations"}


def with_empty_tables(tables):
    return {name: held.head(0) if name in HISTORY else held for name, held in tables.items()}


def with_open_campaigns(tables):
    campaigns = tables["campaigns"].assign(
        decided_at=pd.Series(pd.NaT, dtype="datetime64[us, UTC]")
    )
    return {**without_collaborations(tables), "campaigns": campaigns}


def with_unsettled_hires(tables):
    hires = tables["collaborations"].drop(columns=["outcome_at", "engagements"])
    return {
        **tables,
        "collaborations": hires.assign(status_at=tables["posts"]["published_at"].max()),
    }


BARE = [without_tables, without_collaborations, with_empty_tables, with_open_campaigns]


@pytest.fixture(scope="module")
def settings(m):
    periods = OutcomeSettings(n_trees=10, n_periods=6, period_days=80)
    return m.SETTINGS.model_copy(update={"outcome": periods})


def fit(m, tables, settings):
    data = m.make_data(tables)
    reason = find_missing_history(data.market, m.NOW)
    model, context = fit_without_history(data, m.NOW, settings, reason=reason)
    return data, model, context


@pytest.fixture(scope="module")
def bare(m, settings):
    return fit(m, without_tables(m.make_tables(n_accounts=90)), settings)


@pytest.mark.parametrize("change", BARE)
def test_a_market_without_closed_campaigns_has_no_history(m, change):
    data = m.make_data(change(m.make_tables()))
    reason = find_missing_history(data.market, m.NOW)
    assert "no history of hires: " in reason
    assert "`collaborations` (" in reason
    with pytest.raises(SupportError, match="no campaign is closed before"):
        fit_model(data, m.NOW, m.SETTINGS)


def test_hires_that_are_not_settled_are_no_history(m):
    data = m.make_data(with_unsettled_hires(m.make_tables()))
    before = data.market.tables["collaborations"]["status_at"].min() + pd.Timedelta(days=5)
    assert "no campaign is closed before" in find_missing_history(data.market, before)


def test_one_closed_campaign_is_history(m):
    tables = m.make_tables(n_campaigns=1)
    market = m.make_data(tables).market
    assert find_missing_history(market, m.NOW) == ""
    first = tables["collaborations"]["outcome_at"].max()
    assert "no campaign is closed before" in find_missing_history(market, first)


def test_the_rule_is_one_feature_of_each_kind_and_none_of_hires(bare):
    _, model, _ = bare
    assert model.hire.names == (*LIKENESS, LEVELS[0])
    known = {spec.name: spec.known for spec in FEATURES}
    assert not [name for name in model.hire.names if "collaborations" in known[name]]


def test_scores_are_means_of_normal_scores_and_explained_exactly(m, bare):
    data, model, context = bare
    matrix = model.features(context, m.all_pairs(data, "one", "two"))
    found = model.score(matrix)["hire"].to_numpy()
    expected = np.zeros(len(found))
    for name in model.hire.names:
        column = matrix.columns([name])[:, 0]
        for first, last in zip(matrix.pairs.bounds[:-1], matrix.pairs.bounds[1:], strict=True):
            part = column[first:last]
            known = np.flatnonzero(~np.isnan(part))
            ranks = rankdata(part[known])
            expected[first + known] += norm.ppf((ranks - 0.5) / max(len(known), 1))
    np.testing.assert_allclose(found, expected / len(model.hire.names), atol=1e-9)
    parts = model.contributions(matrix, "hire")
    np.testing.assert_allclose(parts.sum(axis=1), found, atol=1e-12)
    # Accounts that post on the brief's topic stand before the others.
    on_topic = np.array([int(one[1:]) % 3 == 0 for one in matrix.pairs.account_ids])
    assert found[on_topic].mean() > found[~on_topic].mean() + 0.3


def test_what_is_lacking_is_said_and_named(bare):
    _, model, _ = bare
    facts = model.facts
    assert facts["fallback"] == "likeness-and-level"
    assert (facts["n_campaigns"], facts["n_hired"], facts["n_pairs"]) == (0, 0, 0)
    assert model.lift is model.calibration is model.acceptance is None
    for name in ("no_history", "no_fit_probability", "no_acceptance"):
        assert facts[name], name
    said = describe_facts(facts)
    assert "the fallback `likeness-and-level`" in said[0]
    assert "likeness-and-level" in model._repr_html_()
    assert sum("likeness-and-level" in text for text in said) == 1
    with pytest.raises(SupportError, match="no ranker 'lift'"):
        model.ranker("lift")


def test_delivery_and_outcomes_come_from_posts_alone(m, bare, settings):
    data, model, context = bare
    rows, _ = build_forecast_rows(context, model.prior, m.NOW, settings)
    assert rows is not None
    assert model.deliver is not None
    assert set(model.deliver.names) <= set(rows.matrix.names)
    assert model.facts["deliver_from_posts_alone"] == "no hire has an outcome"
    assert {"engagements", "views"} <= set(model.outcomes.names)
    assert {"link_clicks", "leads", "conversions"}.isdisjoint(model.outcomes.names)
    matrix = model.features(context, m.all_pairs(data))
    for name, held in model.outcomes.predict(matrix).items():
        assert model.outcomes.models[name].facts["from"] == "public posts alone"
        low, middle, high = (held.quantile(level) for level in (0.1, 0.5, 0.9))
        assert (low <= middle).all()
        assert (middle <= high).all()
        assert (held.mean() > 0).all()
        parts = model.outcomes.contributions(name, matrix, np.arange(len(matrix.pairs)))
        located = model.outcomes.order(matrix, settings.market.objectives)
        if name == "engagements":
            np.testing.assert_allclose(parts.sum(axis=1), located, atol=1e-9)
    assert np.isfinite(model.score(matrix, ("deliver", "outcome")).to_numpy()).all()


def test_a_bundle_gives_the_same_model_back(m, bare, tmp_path):
    data, model, _ = bare
    bundle = write_model(model, tmp_path / "model")
    assert not [name for name in bundle.files if name.startswith("hire/")]
    assert bundle.manifest["rankers"]["hire"]["kind"] == "stated"
    assert "kind" not in bundle.manifest["rankers"]["deliver"]
    again, _ = read_model(tmp_path / "model")
    assert again.hire == model.hire
    assert again.facts == model.facts
    assert model_files(again) == model_files(model)
    assert identify_model(again) == identify_model(model)
    pairs = m.all_pairs(data, "one", "two")
    matrix, other = (one.features(one.context(data), pairs) for one in (model, again))
    questions = ("hire", "deliver", "lift", "outcome")
    pd.testing.assert_frame_equal(
        model.score(matrix, questions), again.score(other, questions), check_exact=True
    )
    np.testing.assert_array_equal(model.contributions(matrix), again.contributions(other))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda held: held["hire"].update(kind="oracle"), "unknown kind 'oracle'"),
        (lambda held: held["hire"].update(weights=[1.0]), "one above 0 for each"),
        (lambda held: held["deliver"].update(kind="stated", weights=None), "NoneType"),
        (lambda held: held["hire"].pop("kind"), "hire/0000.txt"),
        (
            lambda held: held["deliver"].update(held["hire"]),
            "ranker deliver is a stated rule; only `hire` can be one",
        ),
    ],
)
def test_a_manifest_of_another_kind_is_refused(bare, tmp_path, change, said):
    write_model(bare[1], tmp_path / "model")
    bundle = read_bundle(tmp_path / "model")
    own = ("files", "format_version", "written_by", "manifest_sha256")
    manifest = {name: held for name, held in bundle.manifest.items() if name not in own}
    manifest = json.loads(json.dumps(manifest))
    change(manifest["rankers"])
    write_bundle(tmp_path / "other", bundle.files, manifest)
    with pytest.raises(BundleError, match=said):
        read_model(tmp_path / "other")


def test_nothing_known_later_changes_it(m, bare, settings):
    data, _, _ = bare
    cut = m.at(-150)
    whole, known = (
        fit_without_history(one, cut, settings, reason="none")[0]
        for one in (data, MarketData(data.market.as_of(cut)))
    )
    assert model_files(whole) == model_files(known)
    assert whole.facts == known.facts


def test_too_few_posts_predict_nothing_and_say_so(m):
    _, model, _ = fit(m, without_tables(m.make_tables(n_accounts=12)), m.SETTINGS)
    assert model.deliver is None
    assert model.outcomes is None
    assert "200 are needed" in model.facts["no_deliver"]
    assert "200 measured posts are needed" in model.facts["no_outcomes"]
    assert describe_facts(model.facts)[0].endswith("what a hire brings is not predicted")


def test_followers_are_the_level_where_no_post_was_read(m):
    tables = without_tables(m.make_tables())
    tables["posts"] = tables["posts"].drop(columns=["likes", "comments", "views"])
    _, model, _ = fit(m, tables, m.SETTINGS)
    assert model.hire.names == LIKENESS
    snapshots = tables["accounts"][["account_id"]].assign(as_of=m.at(-50), n_followers=10.0)
    snapshots["n_followers"] = np.arange(len(snapshots)) + 100.0
    _, model, _ = fit(m, {**tables, "account_snapshots": snapshots}, m.SETTINGS)
    assert model.hire.names == (*LIKENESS, "followers_log")


def test_families_that_settings_leave_out_are_left_out(m):
    tables = without_tables(m.make_tables())
    families = ("content", "lexical", "bio", "expertise", "brand_contacts")
    _, model, _ = fit(m, tables, m.with_settings(leave_out=families))
    assert model.hire.names == (LEVELS[0],)
    tables["posts"] = tables["posts"].drop(columns=["likes", "comments", "views"])
    with pytest.raises(SupportError, match="leaves out every feature of the fallback"):
        fit(m, tables, m.with_settings(leave_out=families))


def test_before_anything_is_known_there_is_no_rule(m):
    data = m.make_data(without_tables(m.make_tables()))
    with pytest.raises(SupportError, match="nothing is known of any of 36 accounts before"):
        fit_without_history(data, m.at(-900), m.SETTINGS, reason="none")
