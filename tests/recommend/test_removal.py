from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from matcher.columns import REASON_GROUPS
from matcher.config import Settings
from matcher.errors import SupportError, UsageError
from matcher.features.context import MarketData
from matcher.features.pair_features import FEATURES
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.recommend.orders import score_contributions
from matcher.recommend.reasons import typical_candidates
from matcher.recommend.recommend import recommend, score_brief
from matcher.recommend.removal import REPLACEMENTS, remove_top_reason
from matcher.world.simulate import simulate_market


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Every candidate of the later campaigns of a simulated market, and the model before them."""
    folder = tmp_path_factory.mktemp("world") / "market"
    simulate_market(folder, n_influencers=400, n_campaigns=120, seed=1)
    # The rankers as they come: smaller bags hang more on what happens to be drawn together.
    settings = Settings.model_validate({"encoder": {"dim": 32, "epochs": 1}})
    data = MarketData(load_market(folder, settings.market))
    decided = data.market["campaigns"].set_index("campaign_id")["decided_at"].dropna()
    until = decided.quantile(0.75)
    model, _, _ = fit_model(data, until, settings)
    later = sorted(decided.index[decided >= until])[:6]
    briefs = [Brief.from_campaign(data.market, name) for name in later]
    context = model.context(data)
    scored = [score_brief(model, data, brief, context=context) for brief in briefs]
    return SimpleNamespace(model=model, scored=scored)


def removed(world, ranker, replacement):
    parts = []
    for ranked in world.scored:
        rows = remove_top_reason(world.model, ranked, ranker=ranker, replacement=replacement)
        parts.append(rows[rows["can_fall"]])
    return pd.concat(parts)


@pytest.mark.slow
@pytest.mark.parametrize("ranker", ["hire", "deliver"])
def test_candidates_fall_with_what_average_ones_have_in_place_of_their_top_reason(world, ranker):
    rows = removed(world, ranker, "average")
    assert len(rows) > 800
    fell = rows["rank_without"] > rows["rank"]
    assert fell.mean() >= 0.9
    assert fell[rows["rank"] <= 20].mean() >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("ranker", ["hire", "deliver"])
def test_listed_accounts_fall_with_what_the_median_candidate_has(world, ranker):
    rows = removed(world, ranker, "median")
    listed = rows[rows["rank"] <= 20]
    assert (listed["rank_without"] > listed["rank"]).mean() >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("ranker", ["hire", "deliver"])
def test_contributions_add_up_for_every_candidate(world, ranker):
    for ranked in world.scored:
        rows = remove_top_reason(world.model, ranked, ranker=ranker, replacement="median")
        assert len(rows) == len(ranked.scores)
        assert rows["error"].max() <= 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("ranker", ["hire", "deliver"])
def test_what_typical_candidates_share_is_nobodys_reason(world, ranker):
    chosen = world.model.ranker(ranker)
    for ranked in world.scored[:2]:
        scores = ranked.scores[ranker].to_numpy()
        typical = typical_candidates(scores)
        names, parts = score_contributions(world.model, ranked, ranker, typical)
        assert names == chosen.names
        np.testing.assert_allclose(parts[:, :-1].mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(parts[:, -1], scores[typical].mean(), rtol=0, atol=1e-9)


@pytest.mark.slow
def test_the_places_of_a_candidate_by_another_road(world):
    ranked, model = world.scored[0], world.model
    rows = remove_top_reason(model, ranked, replacement="unknown")
    inputs = ranked.matrix.relative(model.hire.names)
    scores = ranked.scores["hire"].to_numpy()
    group_of = {spec.name: spec.group for spec in FEATURES}
    for place in (0, 7, 100, len(rows) - 1):
        row, mine = rows.iloc[place], inputs[[place]].copy()
        if row["can_fall"]:
            mine[0, [group_of[name] == row["group"] for name in model.hire.names]] = np.nan
        score = model.hire.score(mine)[0]
        assert row["score_without"] == score
        others = np.delete(scores, place)
        assert row["rank_without"] == 1 + sum(others > score)
        assert row["rank"] == 1 + sum(others > scores[place])


def test_the_typical_candidates():
    scores = np.array([0.0, 3.0, 3.0, -1.0])
    assert typical_candidates(scores).tolist() == [1, 2, 0, 3]
    many = np.random.default_rng(0).permutation(1_001).astype(float)
    chosen = many[typical_candidates(many)]
    assert len(set(chosen)) == 100
    assert (np.diff(chosen) < 0).all()
    assert chosen.mean() == pytest.approx(many.mean(), abs=1)
    assert typical_candidates(np.empty(0)).tolist() == []


def test_a_list_and_the_removal_name_the_same_strongest_reason(shop):
    ranked = score_brief(shop.model, shop.data, shop.make_brief(), as_of=shop.NOW)
    rows = remove_top_reason(shop.model, ranked).set_index("account_id")
    found = recommend(
        shop.model, shop.data, [shop.make_brief()], as_of=shop.NOW, top_k=10, order="fit"
    )
    reasons = found.frame.set_index("account_id")[[f"reason_{group}" for group in REASON_GROUPS]]
    for name, row in reasons.iterrows():
        assert row.max() == pytest.approx(rows.loc[name, "contribution"], abs=1e-12)
        assert row.idxmax() == f"reason_{rows.loc[name, 'group']}"


def test_what_is_refused(shop):
    ranked = score_brief(shop.model, shop.data, shop.make_brief(), as_of=shop.NOW)
    with pytest.raises(UsageError, match="got 'mean'; expected one of average"):
        remove_top_reason(shop.model, ranked, replacement="mean")
    with pytest.raises(SupportError, match="no ranker 'fame'"):
        remove_top_reason(shop.model, ranked, ranker="fame")
    for replacement in REPLACEMENTS:
        none = remove_top_reason(
            shop.model, ranked, replacement=replacement, rows=np.empty(0, dtype=np.int64)
        )
        assert none.empty
