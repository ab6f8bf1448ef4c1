"""The forecast of engagement from public posts: what it learns, from when, and what it is for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.features.context import FeatureContext
from matcher.features.pair_features import build_features
from matcher.ranking.fit import fit_model, fit_prior
from matcher.ranking.forecast import fit_forecast
from matcher.text.encoder import random_encoder

NAMES = (
    "engagements_expected",
    "engagements_recent",
    "engagements_trend",
    "posts_90d",
    "followers_log",
)


def steady_tables(m, *, n_accounts=40, n_posts=30, seed=0):
    """Accounts that post every 14 days at a level of their own, the first half growing."""
    rng = np.random.default_rng(seed)
    tables = m.make_tables(n_accounts=n_accounts)
    ids = tables["accounts"]["account_id"].tolist()
    level = rng.permutation(np.linspace(3.0, 9.0, n_accounts))
    posts = []
    for place, account in enumerate(ids):
        growth = 0.15 if place < n_accounts // 2 else 0.0
        for number in range(n_posts):
            days = -14.0 * (n_posts - number) - float(rng.uniform(0, 5))
            log = level[place] + growth * number + rng.normal(0, 0.3)
            posts.append(
                {
                    "post_id": f"{account}_{number}",
                    "account_id": account,
                    "published_at": m.at(days),
                    "observed_at": m.at(days + 3),
                    "text": "son môi",
                    "likes": float(np.round(np.expm1(log))),
                    "comments": 0.0,
                }
            )
    tables["posts"] = pd.DataFrame(posts)
    return tables, pd.Series(level + np.where(np.arange(n_accounts) < n_accounts // 2, 4.5, 0), ids)


def forecast_of(m, tables, until=None, **changes):
    data = m.make_data(tables)
    context = FeatureContext(data, random_encoder(16, 0), data.texts.fit_lexicon(m.NOW))
    until = m.NOW if until is None else until
    settings = m.SETTINGS.model_copy(
        update={"outcome": m.SETTINGS.outcome.model_copy(update=changes)}
    )
    prior = fit_prior(context, until)
    ranker, source = fit_forecast(context, prior, until, NAMES, settings)
    return ranker, context, prior, source


def test_it_ranks_what_comes_next(m):
    tables, upcoming = steady_tables(m)
    ranker, context, prior, source = forecast_of(m, tables)
    assert source == "all posts"
    matrix = build_features(context, prior, m.all_pairs(context.data))
    scores = pd.Series(ranker.score(matrix.relative(NAMES)), matrix.pairs.account_ids)
    assert scores.corr(upcoming.reindex(scores.index), method="spearman") > 0.9


def test_sponsored_posts_go_first_where_there_are_enough(m):
    """Sponsored posts that reach the opposite of the others: they alone are learnt from."""
    tables, upcoming = steady_tables(m)
    posts = tables["posts"]
    sponsored = posts["post_id"].str.endswith(("0", "3", "5", "8"))
    posts["is_sponsored"] = sponsored
    posts.loc[sponsored, "likes"] = (1e9 / (posts["likes"] + 1)).round()
    ranker, context, prior, source = forecast_of(m, tables)
    assert source == "sponsored posts"
    matrix = build_features(context, prior, m.all_pairs(context.data))
    scores = pd.Series(ranker.score(matrix.relative(NAMES)), matrix.pairs.account_ids)
    assert scores.corr(upcoming.reindex(scores.index), method="spearman") < -0.8


def test_what_comes_after_the_cut_changes_nothing(m):
    tables, _ = steady_tables(m)
    cut = m.at(-100)
    before, *_ = forecast_of(m, tables, cut)
    later = tables["posts"]["observed_at"] >= cut
    tables["posts"].loc[later, "likes"] = 7.0
    after, *_ = forecast_of(m, tables, cut)
    assert before.texts == after.texts
    tables["posts"].loc[~later, "likes"] += 1 + np.arange((~later).sum()) % 90
    moved, *_ = forecast_of(m, tables, cut)
    assert moved.texts != before.texts


@pytest.mark.parametrize("why", ["no readings", "no periods", "few posts"])
def test_without_measured_posts_there_is_none(m, why):
    tables, _ = steady_tables(m)
    changes = {"n_periods": 0} if why == "no periods" else {}
    if why == "no readings":
        tables["posts"][["likes", "comments"]] = np.nan
    if why == "few posts":
        tables["posts"] = tables["posts"].groupby("account_id").head(2)
    ranker, _, _, reason = forecast_of(m, tables, **changes)
    assert ranker is None
    assert reason.endswith("accounts x periods with a measured post; 200 are needed")


def test_without_outcomes_delivery_rests_on_the_forecast(m):
    tables, _ = steady_tables(m)
    tables["collaborations"]["engagements"] = np.nan
    model, _, context = fit_model(m.make_data(tables), m.NOW, m.SETTINGS)
    assert model.facts["deliver_from_posts_alone"] == "0 comparable outcomes; 20 are needed"
    scores = model.score(model.features(context, m.all_pairs(context.data)))
    assert scores["deliver"].notna().all()
    assert scores["lift"].isna().all()


def test_outcomes_beside_the_forecast_add_up(m):
    """Outcomes that follow the level: forecast and remainder together, each with its part."""
    tables, upcoming = steady_tables(m)
    hires = tables["collaborations"]
    hires["engagements"] = np.exp(upcoming.reindex(hires["account_id"]).to_numpy()).round()
    model, _, context = fit_model(m.make_data(tables), m.NOW, m.SETTINGS)
    assert len(model.deliver.texts) == 2 * m.SETTINGS.ranker.n_draws
    assert model.deliver.weights[0] != model.deliver.weights[-1]
    matrix = model.features(context, m.all_pairs(context.data))
    parts = model.contributions(matrix, "deliver")
    scores = model.score(matrix)["deliver"].to_numpy()
    np.testing.assert_allclose(parts.sum(axis=1), scores, atol=1e-9)
    found = pd.Series(scores, matrix.pairs.account_ids)
    assert found.corr(upcoming.reindex(found.index), method="spearman") > 0.9
