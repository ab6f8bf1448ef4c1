"""Lists and explanations of the fallback: ordered, explained, and named as what they are."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from matcher.columns import REASON_GROUPS
from matcher.config import OutcomeSettings, RetrievalSettings
from matcher.errors import SupportError
from matcher.features.context import MarketData
from matcher.market.brief import Brief
from matcher.market.market import build_market
from matcher.ranking.candidates import find_missing_history
from matcher.ranking.fallback import fit_without_history
from matcher.recommend.explain import explain
from matcher.recommend.recommend import recommend

NOW = pd.Timestamp("2025-03-01T00:00:00Z")
NAME = "the fallback `likeness-and-level`"
BRIEF = Brief(brief_id="new", brief="son môi dưỡng da lipstick", brand_category="beauty")


@pytest.fixture(scope="module")
def bare(shop: SimpleNamespace) -> SimpleNamespace:
    tables = shop.make_tables()
    for name in ("campaigns", "collaborations"):
        tables.pop(name)
    data = MarketData(build_market(tables))
    periods = OutcomeSettings(n_trees=10, n_periods=9, period_days=50)
    settings = shop.settings.model_copy(
        update={"outcome": periods, "retrieval": RetrievalSettings(min_posts=1)}
    )
    reason = find_missing_history(data.market, shop.NOW)
    model, _ = fit_without_history(data, shop.NOW, settings, reason=reason)
    return SimpleNamespace(data=data, model=model)


def lists(model, data, briefs=(BRIEF,), **options):
    return recommend(model, data, briefs, as_of=NOW, **options)


def silent(model):
    """The same model with too few posts read."""
    facts = {**model.facts, "no_outcomes": "3 posts", "no_deliver": "3 posts"}
    return dataclasses.replace(model, outcomes=None, deliver=None, facts=facts)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_lists_are_ordered_by_what_posts_foretell_and_name_the_fallback_once(bare, language):
    briefs = [BRIEF, BRIEF.model_copy(update={"brief_id": "other"})]
    found = lists(bare.model, bare.data, briefs, top_k=8, language=language)
    assert sum(NAME in note for note in found.notes) == 1
    frame = found.frame
    assert set(frame["order"]) == {"outcome"}
    assert frame["outcome_median"].notna().all()
    words = {"en": "8 of 10 such public posts bring", "vi": "8 trong 10 bài đăng công khai"}
    assert frame["outcome_note"].str.contains(words[language]).all()
    assert frame[["fit", "acceptance"]].isna().all(axis=None)
    for _, rows in frame.groupby("brief_id"):
        assert rows["outcome_score"].is_monotonic_decreasing
    sums = frame["base"] + frame[[f"reason_{group}" for group in REASON_GROUPS]].sum(axis=1)
    np.testing.assert_allclose(sums, frame["outcome_score"], atol=1e-9)


def test_without_outcomes_lists_follow_the_stated_rule_and_say_so(bare):
    found = lists(silent(bare.model), bare.data, top_k=8)
    frame = found.frame
    assert set(frame["order"]) == {"fit"}
    assert frame["fit_score"].is_monotonic_decreasing
    assert "ordered by fit, not by outcome: the model predicts no outcome (3 posts)" in "|".join(
        found.notes
    )
    sums = frame["base"] + frame[[f"reason_{group}" for group in REASON_GROUPS]].sum(axis=1)
    np.testing.assert_allclose(sums, frame["fit_score"], atol=1e-9)
    # Every third account posts on the brief's topic.
    assert (frame["account_id"].str[1:].astype(int) % 3 == 0).mean() > 0.7


def test_orders_that_need_what_it_lacks_are_refused(bare):
    for order in ("deliver", "blend", "outcome", "value"):
        with pytest.raises(SupportError, match="3 posts"):
            lists(silent(bare.model), bare.data, order=order)


@pytest.mark.parametrize("order", ["fit", "deliver", "outcome"])
def test_explanations_name_it_and_add_up(bare, order):
    names = lists(bare.model, bare.data, top_k=2).frame["account_id"]
    why = explain(bare.model, bare.data, BRIEF, names[0], against=names[1], order=order, as_of=NOW)
    assert why.explained == order
    assert [NAME in note for note in why.notes] == [True]
    total = why.base + why.features.groupby("account_id")["contribution"].sum()
    pd.testing.assert_series_equal(
        total[why.accounts["account_id"]].reset_index(drop=True),
        why.accounts["score"],
        check_names=False,
    )


def test_a_model_that_learnt_from_hires_is_not_called_so(shop):
    found = lists(shop.model, shop.data, top_k=2)
    assert "fallback" not in "|".join(found.notes)
    why = explain(shop.model, shop.data, BRIEF, found.frame["account_id"][0], as_of=NOW)
    assert "fallback" not in "|".join(why.notes)
