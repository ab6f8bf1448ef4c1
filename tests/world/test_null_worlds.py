"""Where there is nothing to learn, the ranker learns nothing; where there is, it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.features.pair_features import FAMILIES
from matcher.market.load import load_market
from matcher.market.market import build_market
from matcher.ranking.fit import candidate_pairs, fit_hire, fit_model
from matcher.ranking.relevance import hired_pairs
from matcher.world import simulate_market

pytestmark = pytest.mark.slow

SETTINGS = Settings.model_validate(
    {"encoder": {"dim": 64, "epochs": 1}, "ranker": {"n_trees": 60, "n_draws": 2}}
)


def features_of(*families):
    return {spec.name for one in FAMILIES if one.name in families for spec in one.specs}


# Not of sponsored posts alone: the highest of many random likenesses tells how many there were.
READS_TEXT = features_of("content", "lexical", "bio", "expertise") - {"category_declared"}
# They know how much is posted, but not of what, so that texts are all that does.
KNOWS_NO_TOPIC = features_of("conduct", "reach", "price", "follower_quality")


def simulated(folder, world):
    simulate_market(folder, n_influencers=400, n_campaigns=80, seed=3, world=world)
    return MarketData(load_market(folder))


def later_campaigns(data):
    """The last two fifths of the decided campaigns, and the instant at which they begin."""
    campaigns = data.market["campaigns"].dropna(subset=["decided_at"]).sort_values("decided_at")
    campaigns = campaigns[campaigns["decided_at"] < data.market.all_known_at]
    later = campaigns.iloc[int(0.6 * len(campaigns)) :]
    return later["campaign_id"].tolist(), later["decided_at"].iloc[0]


def aucs(data, pairs, score):
    """AUC of each campaign with a hire, by the ranks of those hired."""
    keys = ["campaign_id", "account_id"]
    hires = pd.MultiIndex.from_frame(hired_pairs(data.market)[keys])
    frame = pairs.frame().assign(score=score)
    frame["hired"] = pd.MultiIndex.from_frame(frame[keys]).isin(hires)
    found = []
    for _, part in frame.groupby("campaign_id"):
        hired, n = part["hired"].to_numpy(), int(part["hired"].sum())
        if 0 < n < len(part):
            above = rankdata(part["score"])[hired].sum() - n * (n + 1) / 2
            found.append(above / (n * (len(part) - n)))
    return np.array(found)


def trained(data):
    ids, until = later_campaigns(data)
    model, rows, context = fit_model(data, until, SETTINGS)
    pairs = candidate_pairs(data, ids, SETTINGS)
    return model, rows, pairs, model.features(context, pairs)


def own_aucs(data):
    model, _, pairs, matrix = trained(data)
    return aucs(data, pairs, model.score(matrix, ("hire",))["hire"].to_numpy())


def distance(values, expected):
    """Distance of a mean from where it should lie, in standard errors over campaigns."""
    return (values.mean() - expected) / (values.std(ddof=1) / np.sqrt(len(values)))


def dealt_anew(data):
    """The market whose hires went to accounts drawn at random from those eligible."""
    tables = {
        name: data.market.tables[name]
        for name in data.market.present
        if name not in ("campaign_posts", "decisions")  # these say who was hired in truth
    }
    whole = MarketData(build_market(tables))
    hires = tables["collaborations"]
    ids = whole.market["campaigns"].dropna(subset=["decided_at"])["campaign_id"].tolist()
    pools = candidate_pairs(whole, ids, SETTINGS).frame().groupby("campaign_id")["account_id"]
    rng, parts = np.random.default_rng(0), []
    for campaign_id, pool in pools:
        own = hires[hires["campaign_id"] == campaign_id]
        codes, accounts = pd.factorize(own["account_id"])
        dealt = rng.choice(pool.to_numpy(object), len(accounts), replace=False)
        parts.append(own.assign(account_id=pd.array(dealt[codes], dtype="str")))
    tables["collaborations"] = pd.concat(parts, ignore_index=True)
    return MarketData(build_market(tables))


def test_hires_dealt_out_anew_teach_nothing(tmp_path):
    data = simulated(tmp_path / "market", "default")
    assert distance(own_aucs(data), 0.5) > 6
    assert abs(distance(own_aucs(dealt_anew(data)), 0.5)) < 3


def other_texts(matrix, rng):
    """The features that read texts, of another candidate of the same campaign."""
    places = [place for place, name in enumerate(matrix.names) if name in READS_TEXT]
    codes = matrix.pairs.brief_codes
    order = np.lexsort((rng.random(len(codes)), codes))
    values = matrix.values.copy()
    values[np.ix_(np.argsort(codes, kind="stable"), places)] = values[np.ix_(order, places)]
    return replace(matrix, values=values)


def gains(data):
    """AUC per campaign that the texts of the right account bring over those of another."""
    model, rows, pairs, matrix = trained(data)
    names = [name for name in model.hire.names if name in READS_TEXT | KNOWS_NO_TOPIC]
    rng = np.random.default_rng(0)
    noise = fit_hire(replace(rows, matrix=other_texts(rows.matrix, rng)), names, SETTINGS)
    without = noise.score(other_texts(matrix, rng).relative(names))
    with_texts = fit_hire(rows, names, SETTINGS).score(matrix.relative(names))
    return aucs(data, pairs, with_texts) - aucs(data, pairs, without)


def test_texts_that_say_nothing_bring_nothing(tmp_path):
    # Campaigns of one market share a model, so that their spread says too little of its chance.
    assert abs(gains(simulated(tmp_path / "null", "no-text")).mean()) < 0.05
    assert gains(simulated(tmp_path / "market", "default")).mean() > 0.1
