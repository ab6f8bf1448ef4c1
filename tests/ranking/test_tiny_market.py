"""The model on the market that comes with the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.errors import SupportError
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.fit import candidate_pairs, fit_model
from matcher.ranking.store import read_model, write_model

TINY = Path(__file__).parents[2] / "data" / "tiny_market"
UNTIL = pd.Timestamp("2025-01-10T00:00:00Z")


@pytest.fixture(scope="module")
def tiny(m):
    data = MarketData(load_market(TINY))
    model, rows, context = fit_model(data, UNTIL, m.SETTINGS)
    campaigns = data.market.tables["campaigns"]
    later = campaigns.loc[campaigns["decided_at"] >= UNTIL, "campaign_id"].tolist()
    pairs = candidate_pairs(data, later, m.SETTINGS)
    return data, model, rows, model.features(context, pairs)


def test_later_campaigns_are_scored_and_explained(tiny):
    _, model, _, matrix = tiny
    assert len(matrix.pairs.briefs) > 3
    scores = model.score(matrix)
    assert scores["hire"].notna().all()
    parts = model.contributions(matrix)
    np.testing.assert_allclose(parts.sum(axis=1), scores["hire"], rtol=0, atol=1e-9)


def test_bundle_of_the_tiny_market_scores_the_same(tiny, tmp_path):
    data, model, _, matrix = tiny
    write_model(model, tmp_path / "model")
    again, _ = read_model(tmp_path / "model")
    found = again.score(again.features(again.context(data), matrix.pairs))
    pd.testing.assert_frame_equal(found, model.score(matrix), check_exact=True)


def test_market_of_the_instant_trains_the_same_model(m, tiny):
    data, model, _, _ = tiny
    known = MarketData(data.market.as_of(UNTIL))
    cut, _, _ = fit_model(known, UNTIL, m.SETTINGS)
    assert cut.hire.texts == model.hire.texts
    assert cut.facts == model.facts


def test_before_the_first_campaign_nothing_can_be_learnt(m, tiny):
    with pytest.raises(SupportError, match="no campaign is closed before"):
        fit_model(tiny[0], pd.Timestamp("2024-04-14T00:00:00Z"), m.SETTINGS)
