from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from matcher.errors import FeatureMismatchError, LeakageError, SupportError
from matcher.features.context import MarketData
from matcher.features.pair_features import FEATURES, FeatureMatrix
from matcher.features.relative import normal_scores
from matcher.ranking.boosting import Draw, fit_ranker
from matcher.ranking.fit import build_training_rows, candidate_pairs, fit_model
from matcher.text.encoder import random_encoder

RANKERS = ("hire", "deliver", "lift")


def texts(model) -> dict[str, tuple[str, ...]]:
    return {name: model.ranker(name).texts for name in RANKERS}


def test_all_rankers_are_fitted(m, fitted):
    assert all(len(some) == m.SETTINGS.ranker.n_draws for some in texts(fitted.model).values())
    assert fitted.model.facts["n_hired"] == fitted.rows.hired.sum() == 48
    assert fitted.model.facts["n_campaigns"] == 12


def test_hires_fit_the_brief_better_than_others(fitted):
    """Brands hire on their topic, which every third account posts about."""
    scores = fitted.model.score(fitted.matrix)["hire"].to_numpy()[:36]
    assert scores[0::3].mean() > max(scores[1::3].mean(), scores[2::3].mean())


@pytest.mark.parametrize("which", RANKERS)
def test_contributions_add_up_to_the_score(fitted, which):
    parts = fitted.model.contributions(fitted.matrix, which)
    assert parts.shape == (72, len(fitted.model.feature_names(which)) + 1)
    scores = fitted.model.score(fitted.matrix)[which]
    np.testing.assert_allclose(parts.sum(axis=1), scores, rtol=0, atol=1e-9)


def test_features_of_a_ranker_are_declared(fitted):
    assert set(fitted.model.feature_names()) <= {spec.name for spec in FEATURES}


def test_fitting_again_gives_the_same_model(m, fitted):
    again, rows, _ = fit_model(m.make_data(m.make_tables()), m.NOW, m.SETTINGS)
    assert texts(again) == texts(fitted.model)
    np.testing.assert_array_equal(rows.matrix.values, fitted.rows.matrix.values)


def test_threads_change_nothing(m, fitted):
    """Few trees: on a busy machine the threads of LightGBM mostly wait for each other."""
    found = []
    for n_threads in (1, 2):
        settings = m.with_settings(n_threads=n_threads, n_trees=3, n_draws=1)
        data = m.make_data(m.make_tables())
        model, rows, context = fit_model(data, m.NOW, settings)
        matrix = model.features(context, m.all_pairs(data, "one", "two"))
        trees = [text.split("parameters:")[0] for some in texts(model).values() for text in some]
        found.append((trees, rows.matrix.values, model.score(matrix)))
    (trees, values, scores), (other_trees, other_values, other_scores) = found
    assert trees == other_trees
    np.testing.assert_array_equal(values, other_values)
    pd.testing.assert_frame_equal(scores, other_scores, check_exact=True)


def test_order_of_rows_in_tables_changes_nothing(m, fitted):
    mixed = {name: t.sample(frac=1, random_state=1) for name, t in m.make_tables().items()}
    other, _, _ = fit_model(m.make_data(mixed), m.NOW, m.SETTINGS)
    assert texts(other) == texts(fitted.model)


def test_another_seed_gives_another_model(m, fitted):
    other, _, _ = fit_model(fitted.data, m.NOW, m.with_settings(seed=1))
    assert other.hire.texts != fitted.model.hire.texts


def test_later_facts_change_no_model(m, fitted, tables):
    """The market as of the instant trains what the whole market trains."""
    until = m.at(-40)
    whole, _, _ = fit_model(fitted.data, until, m.SETTINGS)
    known = MarketData(fitted.data.market.as_of(until))
    cut, _, _ = fit_model(known, until, m.SETTINGS)
    assert whole.facts["n_campaigns"] < fitted.model.facts["n_campaigns"]
    assert texts_or_none(whole) == texts_or_none(cut)
    assert whole.encoder.identity.digest == cut.encoder.identity.digest
    pd.testing.assert_frame_equal(whole.prior.table, cut.prior.table, check_exact=True)


def texts_or_none(model) -> list[tuple[str, ...] | None]:
    rankers = [getattr(model, name) for name in RANKERS]
    return [None if ranker is None else ranker.texts for ranker in rankers]


def test_scores_do_not_depend_on_other_briefs(m, fitted):
    alone = fitted.model.features(fitted.context, m.all_pairs(fitted.data, "two"))
    together = fitted.model.score(fitted.matrix).iloc[36:].reset_index(drop=True)
    pd.testing.assert_frame_equal(fitted.model.score(alone), together, check_exact=True)


def test_order_of_candidates_changes_no_score(m, fitted):
    pairs = m.all_pairs(fitted.data)
    back = replace(pairs, account_ids=pairs.account_ids[::-1])
    one, other = (
        fitted.model.score(fitted.model.features(fitted.context, some)) for some in (pairs, back)
    )
    backwards = other.iloc[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, backwards, check_exact=True)


def test_brief_of_before_the_model_is_refused(m, fitted):
    with pytest.raises(LeakageError, match="was trained until .* but a brief is seen from"):
        fitted.model.features(fitted.context, m.all_pairs(fitted.data, instant=m.at(-1e-6)))


def test_missing_columns_are_named(fitted):
    name = fitted.model.feature_names()[0]
    kept = [place for place, other in enumerate(fitted.matrix.names) if other != name]
    fewer = FeatureMatrix(
        fitted.matrix.values[:, kept],
        tuple(fitted.matrix.names[place] for place in kept),
        fitted.matrix.pairs,
    )
    with pytest.raises(FeatureMismatchError, match=f"1 of .* are missing .{name}"):
        fitted.model.score(fewer)


def test_further_and_reordered_columns_change_nothing(fitted):
    matrix = fitted.matrix
    order = np.random.default_rng(0).permutation(len(matrix.names))
    mixed = FeatureMatrix(
        np.column_stack([matrix.values[:, order], np.arange(len(matrix.pairs))]),
        (*(matrix.names[place] for place in order), "further"),
        matrix.pairs,
    )
    expected = fitted.model.score(matrix)
    pd.testing.assert_frame_equal(fitted.model.score(mixed), expected, check_exact=True)


def test_values_of_another_width_are_refused(fitted):
    with pytest.raises(FeatureMismatchError, match=r"expected \d+ columns"):
        fitted.model.hire.score(np.zeros((3, 2)))


def test_nobody_to_score(fitted):
    empty = fitted.matrix.select(np.zeros(len(fitted.matrix.pairs), dtype=bool))
    assert fitted.model.score(empty).shape == (0, 3)
    assert len(fitted.model.contributions(empty)) == 0


def test_unknown_ranker_is_refused(fitted):
    with pytest.raises(SupportError, match="no ranker 'fame'"):
        fitted.model.contributions(fitted.matrix, "fame")


def test_no_closed_campaign_is_said(m, fitted):
    with pytest.raises(
        SupportError, match=r"no campaign is closed before .*: of 12 campaigns 0 were decided"
    ):
        fit_model(fitted.data, m.at(-90), m.SETTINGS)


def test_excluded_brands_leave_no_labels(m, fitted):
    _, rows, _ = fit_model(fitted.data, m.NOW, m.SETTINGS, exclude_brands=frozenset({"b0", "b1"}))
    assert {brief.brand_id for brief in rows.matrix.pairs.briefs} == {"b2"}


def test_too_few_outcomes_give_no_deliver_and_say_so(m, tables):
    hires = tables["collaborations"]
    hires.loc[19:, "engagements"] = np.nan
    model, _, context = fit_model(m.make_data(tables), m.NOW, m.SETTINGS)
    assert model.deliver is None
    assert model.facts["no_deliver"] == "19 comparable outcomes; 20 are needed"
    scores = model.score(model.features(context, m.all_pairs(context.data)))
    assert scores["deliver"].isna().all()
    assert scores["hire"].notna().all()


def test_equal_outcomes_give_no_deliver(m, tables):
    tables["collaborations"]["engagements"] = 5.0
    model, _, _ = fit_model(m.make_data(tables), m.NOW, m.SETTINGS)
    assert model.deliver is None
    assert model.facts["no_deliver"] == "0 comparable outcomes; 20 are needed"


def test_three_campaigns_are_enough(m):
    data = m.make_data(m.make_tables(n_campaigns=3))
    model, _, context = fit_model(data, m.NOW, m.SETTINGS)
    scores = model.score(model.features(context, m.all_pairs(data)))
    assert scores["hire"].notna().all()
    assert model.deliver is None
    assert "are needed" in model.facts["no_deliver"]


def test_default_settings_on_three_campaigns(m):
    """30 rows in a leaf may allow no split at all: then everyone scores alike."""
    data = m.make_data(m.make_tables(n_campaigns=3, n_accounts=9))
    settings = type(m.SETTINGS)(encoder=m.SETTINGS.encoder, evaluation=m.SETTINGS.evaluation)
    model, _, context = fit_model(data, m.NOW, settings)
    matrix = model.features(context, m.all_pairs(data))
    parts = model.contributions(matrix)
    scores = model.score(matrix)["hire"]
    np.testing.assert_allclose(parts.sum(axis=1), scores, rtol=0, atol=1e-9)


def test_everyone_hired_is_said(m):
    tables = m.make_tables(n_campaigns=3, n_accounts=9)
    hires = tables["campaigns"].merge(tables["accounts"], how="cross")
    hires["collaboration_id"] = [f"k{n}" for n in range(len(hires))]
    hires["status"], hires["status_at"] = "completed", hires["decided_at"]
    hires["outcome_at"] = hires["decided_at"]
    names = ["collaboration_id", "campaign_id", "account_id", "status", "status_at", "outcome_at"]
    data = m.make_data(tables | {"collaborations": hires[names]})
    with pytest.raises(SupportError, match="none of 3 campaigns has both hired and other"):
        fit_model(data, m.NOW, m.SETTINGS)


def test_accounts_without_posts_are_ranked_by_their_size(m, tables):
    """No posts at all: followers and history are what is left."""
    rng = np.random.default_rng(0)
    snapshots = tables["accounts"][["account_id"]].assign(
        as_of=m.at(-200), n_followers=rng.integers(500, 9e5, size=36).astype(float)
    )
    del tables["posts"]
    data = m.make_data(tables | {"account_snapshots": snapshots})
    encoder = random_encoder(32, seed=0)  # there is no text to fit the built-in one on
    model, rows, context = fit_model(data, m.NOW, m.SETTINGS, encoder=encoder)
    assert len(rows.matrix.pairs) == 12 * (4 + 2 * 15)  # hires, and others for two draws
    scores = model.score(model.features(context, m.all_pairs(data)))
    assert len(set(scores["hire"])) > 1


def test_outcomes_of_accounts_without_counters(m, tables):
    tables["posts"] = tables["posts"].drop(columns=["likes", "comments", "views"])
    model, _, context = fit_model(m.make_data(tables), m.NOW, m.SETTINGS)
    scores = model.score(model.features(context, m.all_pairs(context.data)))
    assert scores["deliver"].notna().all()
    assert scores["lift"].isna().all()


def test_open_and_undated_campaigns_are_left_alone(m, tables, fitted):
    more = pd.DataFrame(
        {"campaign_id": ["open", "undated"], "brand_id": "b0", "brief": "son",
         "decided_at": [m.at(30), pd.NaT]}
    )  # fmt: skip
    tables["campaigns"] = pd.concat([tables["campaigns"], more], ignore_index=True)
    _, rows, _ = fit_model(m.make_data(tables), m.NOW, m.SETTINGS)
    assert len(rows.matrix.pairs.briefs) == 12


def test_candidates_are_eligible_and_hires_are_kept(m, fitted):
    kept = {"c05": {"a35", "a02"}}
    pairs = candidate_pairs(fitted.data, ["c05", "c01"], m.SETTINGS, keep=kept, limit=3)
    sizes = np.diff(pairs.bounds).tolist()
    assert [brief.brief_id for brief in pairs.briefs] == ["c05", "c01"]
    assert sizes == [5, 3]
    assert kept["c05"] <= set(pairs.account_ids[:5])
    assert pairs.account_ids[:5].tolist() == sorted(pairs.account_ids[:5])


def test_draws_hold_every_hire_and_at_most_so_many_others(m, fitted):
    rows = fitted.rows
    hired = np.flatnonzero(rows.hired)
    for draw in rows.draws:
        assert set(hired) <= set(draw)
        ids = rows.matrix.pairs.campaign_ids[draw][~rows.hired[draw]]
        assert np.unique(ids, return_counts=True)[1].max() == 15
    assert not np.array_equal(*rows.draws)


def test_training_rows_are_relative_within_the_campaign(m, fitted):
    rows = build_training_rows(fitted.context, fitted.model.prior, m.NOW, m.SETTINGS)
    np.testing.assert_array_equal(rows.matrix.values, fitted.rows.matrix.values)
    names = rows.matrix.names[:5]
    expected = normal_scores(rows.matrix.values, rows.matrix.pairs.bounds)[:, :5]
    np.testing.assert_array_equal(rows.matrix.relative(names), expected)


@pytest.fixture(scope="module")
def draw():
    rng = np.random.default_rng(5)
    ids = np.repeat([f"c{n}" for n in range(8)], 25).astype(object)
    values = rng.normal(size=(200, 4))
    relevance = (values[:, 0] + rng.normal(size=200) > 1).astype(np.int64)
    return Draw(values, relevance, ids)


def fit(m, *draws, **changes):
    names = [f"f{n}" for n in range(draws[0].values.shape[1])]
    ranker = m.with_settings(**changes).ranker
    return fit_ranker(draws, names, trends=[0] * len(names), settings=ranker)


def test_order_of_campaigns_changes_nothing(m, draw):
    """Rows of a campaign need not stand together."""
    rng = np.random.default_rng(0)
    order = np.concatenate([np.arange(n, 200, 25) for n in range(25)])  # interleaved
    campaigns = rng.permutation(8)
    blocks = np.concatenate([np.arange(25 * n, 25 * n + 25) for n in campaigns])
    one, *others = (
        fit(m, Draw(draw.values[rows], draw.relevance[rows], draw.campaign_ids[rows])).texts
        for rows in (np.arange(200), order, blocks)
    )
    assert all(other == one for other in others)


def test_order_of_rows_within_a_campaign_hardly_matters(m, draw):
    """Without bagging of rows the trees are those of the same groups."""
    rng = np.random.default_rng(0)
    order = np.concatenate([25 * n + rng.permutation(25) for n in range(8)])
    mixed = Draw(draw.values[order], draw.relevance[order], draw.campaign_ids[order])
    one, other = fit(m, draw), fit(m, mixed)
    correlation = np.corrcoef(one.score(draw.values), other.score(draw.values))[0, 1]
    assert correlation > 0.8


def test_trends_are_obeyed(m, draw):
    settings = m.with_settings(n_trees=40).ranker
    names = ["f0", "f1", "f2", "f3"]
    ranker = fit_ranker([draw], names, trends=[-1, 1, 1, 1], settings=settings)
    grid = np.zeros((50, 4))
    grid[:, 0] = np.linspace(-3, 3, 50)
    assert (np.diff(ranker.score(grid)) <= 1e-12).all()


def test_too_large_a_campaign_is_refused(m):
    n = 10_001
    large = Draw(np.zeros((n, 1)), np.arange(n) % 2, np.full(n, "c", dtype=object))
    with pytest.raises(SupportError, match=r"largest campaign has 10001 rows.*unlabelled_per_"):
        fit(m, large)


def test_no_rows_are_refused(m):
    with pytest.raises(SupportError, match="largest campaign has 0 rows"):
        fit(m, Draw(np.empty((0, 1)), np.empty(0, dtype=np.int64), np.empty(0, dtype=object)))
