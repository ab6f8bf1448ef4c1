"""The chance that an account accepts, beside each account of a list."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.special import expit

from matcher.features.pairs import build_pairs
from matcher.ranking.acceptance import AcceptanceModel
from matcher.ranking.linear import LinearModel
from matcher.recommend.recommend import identify_model, recommend

COLUMNS = ("content_top5", "posts_30d")


def run(shop, model):
    brief = shop.make_brief()
    return recommend(model, shop.data, [brief], as_of=shop.NOW, top_k=60, context=shop.context)


def with_acceptance(shop, linear):
    held = AcceptanceModel(0.8, linear, 100, 20, 12, 0.45, 0.5, relative=())
    return dataclasses.replace(shop.model, acceptance=held)


def test_it_is_the_regression_on_the_features_of_the_pair(shop):
    zeros, wide = np.zeros(2), np.full(2, 1e9)
    linear = LinearModel(COLUMNS, zeros, -wide, wide, np.array([2.0, -0.5]), zeros, 0.3)
    model = with_acceptance(shop, linear)
    found = run(shop, model)
    rows = found.frame.set_index("account_id")
    everyone = shop.data.index.account_ids.to_numpy(object)
    asked = build_pairs([shop.make_brief()], {"new": everyone}, instants={"new": shop.NOW})
    matrix = model.features(shop.context, asked)
    content, posts = np.nan_to_num(matrix.columns(COLUMNS)).T
    expected = dict(zip(everyone, expit(0.3 + 2.0 * content - 0.5 * posts), strict=True))
    assert rows["acceptance"].to_dict() == pytest.approx(
        {account: expected[account] for account in rows.index}, rel=1e-9
    )
    assert not any("acceptance" in note for note in found.notes)
    # The order of the list is none of its business.
    assert found.frame["account_id"].tolist() == run(shop, shop.model).frame["account_id"].tolist()


def test_one_rate_for_everybody_is_said_to_be_one(shop):
    found = run(shop, with_acceptance(shop, None))
    assert set(found.frame["acceptance"]) == {0.8}
    (note,) = [note for note in found.notes if "acceptance" in note]
    assert note.startswith("acceptance is the same for every account: 100 answered invitations")


def test_where_it_is_not_known_it_is_missing_and_the_reason_is_given(shop):
    found = run(shop, shop.model)
    assert found.frame["acceptance"].isna().all()
    assert any(
        note.startswith("acceptance is not stated: 60 answered invitations with 0 declines")
        for note in found.notes
    )
    older = dataclasses.replace(shop.model, facts={})
    assert any(
        "acceptance is not stated: the model was trained without it" in note
        for note in run(shop, older).notes
    )


def test_a_model_that_states_it_is_another_model(shop):
    ids = {identify_model(one) for one in (shop.model, with_acceptance(shop, None))}
    assert len(ids) == 2
