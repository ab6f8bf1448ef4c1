"""What lists are ordered by where nothing is asked for, and what explains an order by outcome."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from matcher.columns import REASON_GROUPS
from matcher.config import Settings
from matcher.errors import SupportError
from matcher.recommend.orders import (
    GROUPS_OF,
    PLACE,
    explained_question,
    feature_values,
    resolve_order,
    score_contributions,
)
from matcher.recommend.recommend import recommend, score_brief


def by(**orders: str) -> Settings:
    """Settings that order lists for some objectives in another way."""
    usual = Settings().market.objectives
    changed = {
        name: {**usual.of(name).model_dump(), "order": order} for name, order in orders.items()
    }
    return Settings.model_validate({"market": {"objectives": changed}})


def run(shop, briefs, *, model=None, **options):
    known = {"as_of": shop.NOW, "top_k": 6, "context": shop.context}
    return recommend(model or shop.model, shop.data, briefs, **{**known, **options})


def test_the_objective_decides_where_nothing_is_asked_for(shop):
    settings = by(awareness="fit", traffic="deliver")
    model = dataclasses.replace(shop.model, settings=settings)
    briefs = [
        shop.make_brief(name, objective=name) for name in ("awareness", "traffic", "engagement")
    ]
    found = run(shop, briefs, model=model)
    orders = found.frame.groupby("brief_id")["order"].unique().map(list).to_dict()
    assert orders == {"awareness": ["fit"], "traffic": ["deliver"], "engagement": ["outcome"]}
    assert found.pools.set_index("brief_id")["order"].to_dict() == {
        "awareness": "fit", "traffic": "deliver", "engagement": "outcome",
    }  # fmt: skip
    assert {resolve_order(shop.model, one, "objective") for one in briefs} == {("outcome", None)}


def test_fit_stands_in_and_says_so(shop):
    bare = dataclasses.replace(
        shop.model, outcomes=None, facts={**shop.model.facts, "no_outcomes": "nothing measured"}
    )
    found = run(shop, [shop.make_brief("one")], model=bare)
    assert found.frame["order"].unique().tolist() == ["fit"]
    assert (
        "brief one: ordered by fit, not by outcome: the model predicts no outcome "
        "(nothing measured)" in found.notes
    )
    with pytest.raises(SupportError, match=r"predicts no outcome \(nothing measured\); order by"):
        run(shop, [shop.make_brief("one")], model=bare, order="outcome")
    alone = dataclasses.replace(
        shop.model,
        deliver=None,
        facts={"no_deliver": "3 outcomes"},
        settings=by(engagement="blend"),
    )
    order, note = resolve_order(alone, shop.make_brief("one"), "objective")
    assert (order, note) == (
        "fit",
        "brief one: ordered by fit, not by blend: the model has no ranker 'deliver': 3 outcomes",
    )
    with pytest.raises(SupportError, match="has no ranker 'deliver': 3 outcomes; order by fit"):
        resolve_order(alone, shop.make_brief("one"), "deliver")


def test_an_objective_whose_outcome_was_never_measured(shop):
    models = shop.model.outcomes
    assert "leads" not in models.names
    only = Settings.model_validate({"market": {"objectives": {"leads": {"outcomes": ["leads"]}}}})
    model = dataclasses.replace(shop.model, settings=only)
    brief = shop.make_brief("one", objective="leads")
    order, note = resolve_order(model, brief, "objective")
    assert order == "fit"
    assert note is not None
    assert note.endswith(
        "nothing is predicted that stands for the objective leads, since too little of it was "
        "measured"
    )


@pytest.mark.parametrize(
    ("order", "question"),
    [
        ("fit", "hire"),
        ("blend", "hire"),
        ("deliver", "deliver"),
        ("outcome", "outcome"),
        ("value", "outcome"),
    ],
)
def test_each_order_is_explained_by_one_score(shop, order, question):
    assert explained_question(order) == question
    ranked = score_brief(
        shop.model, shop.data, shop.make_brief(), as_of=shop.NOW, order=order, context=shop.context
    )
    assert (ranked.order, ranked.question) == (order, question)


def test_contributions_of_an_outcome_are_over_a_typical_candidate(shop):
    ranked = score_brief(
        shop.model, shop.data, shop.make_brief(), as_of=shop.NOW, context=shop.context
    )
    rows = np.arange(len(ranked.scores))
    names, parts = score_contributions(shop.model, ranked, "outcome", rows)
    assert set(names) <= set(GROUPS_OF)
    np.testing.assert_allclose(parts.sum(axis=1), ranked.scores["outcome"], rtol=0, atol=1e-9)
    # With fewer than a hundred candidates all of them are typical.
    np.testing.assert_allclose(parts[:, :-1].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(parts[:, -1], ranked.scores["outcome"].mean())


def test_where_an_account_publishes_has_no_value_of_its_own(shop):
    ranked = score_brief(
        shop.model, shop.data, shop.make_brief(), as_of=shop.NOW, context=shop.context
    )
    names = [*ranked.matrix.names[:2], PLACE]
    values = feature_values(ranked.matrix, names)
    assert np.isnan(values[:, 2]).all()
    given = feature_values(ranked.matrix, names, place=np.arange(float(len(values))))
    np.testing.assert_array_equal(given[:, 2], np.arange(len(values)))
    np.testing.assert_array_equal(given[:, :2], values[:, :2])


@pytest.mark.parametrize("language", ["en", "vi"])
def test_reasons_of_an_outcome_are_said(shop, language):
    rows = run(shop, [shop.make_brief()], language=language).frame
    sums = rows[[f"reason_{group}" for group in REASON_GROUPS]]
    assert (sums.abs().sum() > 0).any()
    assert rows["why_1"].str.endswith(".").all()
    pd.testing.assert_series_equal(
        rows["base"] + sums.sum(axis=1), rows["outcome_score"], check_names=False, atol=1e-9
    )
