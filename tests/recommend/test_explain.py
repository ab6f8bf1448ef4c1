from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from matcher.columns import REASON_GROUPS
from matcher.errors import DataError, LeakageError, MatcherError, SupportError
from matcher.features.pairs import build_pairs
from matcher.recommend.explain import explain
from matcher.recommend.recommend import recommend


def run(shop, account, brief=None, **options):
    return explain(
        shop.model, shop.data, brief or shop.make_brief(), account,
        **{"as_of": shop.NOW, "context": shop.context, "order": "fit", **options},
    )  # fmt: skip


@pytest.fixture(scope="module")
def rows(shop):
    found = recommend(
        shop.model, shop.data, [shop.make_brief()], as_of=shop.NOW, top_k=100, context=shop.context,
        one_per_person=False, order="fit",
    )  # fmt: skip
    return found.frame.set_index("account_id")


@pytest.mark.parametrize("account", ["a00", "a07", "b03"])
def test_an_explanation_says_what_the_list_says(shop, rows, account):
    found = run(shop, account)
    row, told = rows.loc[account], found.accounts.iloc[0]
    assert told["score"] == row["fit_score"]
    assert told["percentile"] == row["fit_percentile"]
    assert told["rank"] == row["rank"] == (rows["fit_score"] > row["fit_score"]).sum() + 1
    assert found.n_candidates == row["n_candidates"]
    assert found.base == row["base"]
    groups = found.groups()
    assert list(groups.columns) == [account]
    for group in REASON_GROUPS:
        assert groups.loc[group, account] == pytest.approx(row[f"reason_{group}"], abs=1e-12)


def test_differences_add_up_to_the_difference_of_the_scores(shop):
    found = run(shop, "a00", against="a01")
    table = found.difference()
    gap = found.accounts["score"].iloc[0] - found.accounts["score"].iloc[1]
    assert table["difference"].sum() == pytest.approx(gap, abs=1e-9)
    assert (np.diff(table["difference"].abs()) <= 0).all()
    reverse = run(shop, "a01", against="a00").difference().set_index("feature")["difference"]
    again = table.set_index("feature")["difference"]
    np.testing.assert_allclose(again, -reverse[again.index])
    with pytest.raises(DataError, match="name another one to compare with"):
        run(shop, "a00").difference()


def test_percentiles_are_shares_of_candidates_and_of_peers(shop):
    found = run(shop, "b02")
    table = found.features.set_index("feature")
    # Six accounts are on youtube; none has followers or a country, so that all are of one kind.
    assert found.accounts["n_peers"].tolist() == [5]
    count = table.loc["posts_90d"]
    assert 0 <= count["pool_percentile"] <= 1
    assert set(np.round(table["peer_percentile"].dropna() * 10).astype(int)) <= set(range(11))
    names = ["pool_percentile", "peer_percentile", "shown"]
    assert table.loc[table["value"].isna(), names].isna().all().all()
    brief, ids = shop.make_brief(), shop.data.index.account_ids.to_numpy(object)
    pairs = build_pairs([brief], {brief.brief_id: ids}, instants={brief.brief_id: shop.NOW})
    everyone = shop.model.features(shop.context, pairs).columns(["posts_90d"])[:, 0]
    below = (everyone < count["value"]).mean() + (everyone == count["value"]).mean() / 2
    assert count["pool_percentile"] == pytest.approx(below)


def test_an_account_that_the_rules_remove_is_explained_and_they_are_named(shop):
    brief = shop.make_brief(platforms=["youtube"], never=["a05"], must_have=["a06"])
    found = run(shop, "a05", brief, against="b00")
    assert found.notes == (
        "a05 is no candidate by the rule(s) platform, blocklist; explained all the same",
    )
    assert found.accounts["account_id"].tolist() == ["a05", "b00"]
    assert run(shop, "b00", brief).notes == ()


def test_both_scores_and_both_languages(shop):
    fit, deliver = (run(shop, "a00", order=order) for order in ("fit", "deliver"))
    assert deliver.explained == "deliver"
    assert fit.accounts["score"].iloc[0] != deliver.accounts["score"].iloc[0]
    vi = run(shop, "a00", language="vi").features
    assert (vi["label"] != fit.features["label"]).any()
    assert vi["contribution"].tolist() == fit.features["contribution"].tolist()


def test_what_cannot_be_explained(shop):
    with pytest.raises(DataError, match=r"account_id 'a0x'; did you mean 'a"):
        run(shop, "a0x")
    handle = shop.data.index.accounts["handle"].iloc[0]
    with pytest.raises(DataError, match="did you mean 'a00'"):
        run(shop, handle)
    with pytest.raises(LeakageError, match="trained until"):
        run(shop, "a00", as_of=shop.at(-9))
    model = dataclasses.replace(shop.model, deliver=None)
    with pytest.raises(SupportError, match="deliver"):
        explain(model, shop.data, shop.make_brief(), "a00", as_of=shop.NOW, order="deliver")
    found = run(shop, "a00")
    with pytest.raises(MatcherError, match="contributions miss the score"):
        dataclasses.replace(found, base=found.base + 1e-6)
