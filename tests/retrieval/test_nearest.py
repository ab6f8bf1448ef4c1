from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.config import RetrievalSettings
from matcher.errors import DataError
from matcher.retrieval.nearest import (
    AccountCentroids,
    Candidates,
    nearest_accounts,
    retrieval_loss,
    retrieve,
)


@pytest.fixture(scope="module")
def crowd(m):
    """60 accounts, some silent, each with up to four posts; the first half is of the category."""
    rng = np.random.default_rng(5)
    tables = m.base_tables()
    names = [f"u{number:02d}" for number in range(60)]
    tables["accounts"] = pd.DataFrame(
        {"account_id": names, "influencer_id": names, "platform": "tiktok"}
    )
    del tables["influencers"], tables["collaborations"]
    tables["posts"] = pd.DataFrame(
        [
            {
                "post_id": f"{name}_{number}",
                "account_id": name,
                "published_at": m.at(float(rng.integers(-300, 20))),
                "text": f"{name} {number}",
            }
            for name in names
            for number in range(int(rng.integers(0, 5)))
        ]
    )
    return tables


@pytest.fixture(scope="module")
def context(m, crowd):
    return m.make_context(crowd)


def brute_force(context, query, instant):
    found = []
    for code, account in enumerate(context.index.account_ids):
        table = context.index.posts
        mine = (table["account_id"] == account).to_numpy() & (
            context.index.post_published < instant
        )
        total = context.post_embeddings[mine].astype(np.float64).sum(axis=0)
        norm = np.linalg.norm(total)
        if norm == 0:
            continue
        found.append((-float(total / norm @ query.astype(np.float64)), code))
    return found


def test_nearest_equals_brute_force(m, context):
    query = context.embed_briefs([m.make_brief(brief="anything")])[0]
    everyone = np.arange(len(context.index.account_ids))
    codes, similarities = nearest_accounts(context, query, everyone, m.INSTANT, 60)
    expected = sorted(brute_force(context, query, m.INSTANT))
    n = len(expected)
    assert codes[:n].tolist() == [code for _, code in expected]
    np.testing.assert_allclose(similarities[:n], [-value for value, _ in expected], atol=2e-3)
    assert np.isnan(similarities[n:]).all()
    assert codes[n:].tolist() == sorted(set(range(60)) - set(codes[:n].tolist()))


@pytest.mark.parametrize("block_size", [1, 7, 64])
def test_block_size_does_not_matter(m, context, block_size):
    query = context.embed_briefs([m.make_brief(brief="anything")])[0]
    everyone = np.arange(len(context.index.account_ids))
    whole = nearest_accounts(context, query, everyone, m.INSTANT, 30)
    parts = nearest_accounts(context, query, everyone, m.INSTANT, 30, block_size=block_size)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_array_equal(whole[1], parts[1])


def test_ties_go_by_account_id(m, crowd):
    same = crowd | {"posts": crowd["posts"].assign(text="the same words")}
    context = m.make_context(same)
    query = context.embed_briefs([m.make_brief(brief="anything")])[0]
    codes, similarities = nearest_accounts(context, query, np.arange(60), m.INSTANT, 20)
    assert len(set(similarities.tolist())) == 1
    assert (np.diff(codes) > 0).all()


def test_few_eligible_accounts_are_all_kept(m, context):
    found = retrieve(context, m.make_brief(brief="x"), m.INSTANT, RetrievalSettings(min_posts=1))
    assert len(found) == found.n_eligible
    assert found.account_ids.tolist() == sorted(found.account_ids.tolist())
    by_rank = found.retrieval_score[np.argsort(found.retrieval_rank)]
    assert (np.diff(by_rank) <= 0).all()
    assert found.frame()["retrieval_rank"].is_unique


def test_top_n_is_a_prefix_of_a_longer_one(m, context):
    brief = m.make_brief(brief="x", brand_id=None, brand_category=None)
    settings = [RetrievalSettings(n_candidates=n, min_posts=1) for n in (5, 6)]
    short, longer = (retrieve(context, brief, m.INSTANT, one) for one in settings)
    ranked = longer.account_ids[np.argsort(longer.retrieval_rank)]
    assert short.account_ids[np.argsort(short.retrieval_rank)].tolist() == ranked[:5].tolist()
    assert len(short) == 5


def test_earlier_partners_of_the_category_are_not_lost(m, crowd):
    tables = dict(crowd)
    context = m.make_context(tables)
    brief = m.make_brief(brief="x")
    order = retrieve(context, brief, m.INSTANT, RetrievalSettings(min_posts=1))
    ranked = order.account_ids[np.argsort(order.retrieval_rank)]
    last, before_last = ranked[-1], ranked[-2]
    rows = tables["posts"]["account_id"] == last
    first = tables["posts"][rows]["published_at"].idxmin()
    tables["posts"] = tables["posts"].assign(sponsor_brand_id=None)
    tables["posts"].loc[first, "sponsor_brand_id"] = "b2"
    tables["collaborations"] = pd.DataFrame(
        {
            "collaboration_id": ["c1", "c2"],
            "campaign_id": ["old_b2", "old_b3"],
            "account_id": [before_last, ranked[-3]],
            "status": ["completed", "completed"],
            "status_at": [m.at(-20), m.at(-20)],
        }
    )
    few = RetrievalSettings(n_candidates=6, min_posts=1)
    context = m.make_context(tables)
    found = retrieve(context, brief, m.INSTANT, few, rival_days=0)
    assert {last, before_last} <= set(found.account_ids)
    assert ranked[-3] not in found.account_ids
    assert (len(found), found.n_from_history) == (6, 2)
    without = retrieve(context, brief, m.INSTANT, few, rival_days=0, use_history=False)
    assert set(without.account_ids) == set(ranked[:6])
    must = retrieve(context, m.make_brief(brief="x", must_have=[ranked[-3]]), m.INSTANT, few)
    assert ranked[-3] in must.account_ids


def test_own_campaign_posts_are_not_seen(m, crowd):
    tables = dict(crowd)
    new = {"post_id": "own", "account_id": "u00", "published_at": m.at(-1), "text": "own text"}
    m.add(tables, "posts", **new)
    m.add(tables, "campaigns", campaign_id="new", brand_id="b1", brief="x", decided_at=m.NOW)
    m.add(tables, "campaign_posts", campaign_id="new", post_id="own")
    settings = RetrievalSettings(min_posts=0)
    plain = m.make_context(crowd)
    context = m.make_context(tables)
    brief = m.make_brief(brief="x")
    one = retrieve(plain, brief, m.INSTANT, settings)
    two = retrieve(context, brief, m.INSTANT, settings)
    np.testing.assert_array_equal(one.retrieval_score, two.retrieval_score)
    other = retrieve(context, m.make_brief(brief="x", brief_id="z"), m.INSTANT, settings)
    assert other.retrieval_score[0] != one.retrieval_score[0]


def test_shared_centroids_must_be_of_the_same_instant(m, context):
    centroids = AccountCentroids(context, m.INSTANT - 1)
    with pytest.raises(DataError, match="centroids as of"):
        retrieve(
            context, m.make_brief(), m.INSTANT, RetrievalSettings(min_posts=1), centroids=centroids
        )


def test_candidates_refuse_strangers(m, context):
    found = retrieve(context, m.make_brief(brief="x"), m.INSTANT, RetrievalSettings(min_posts=1))
    codes = np.append(found.codes[:1], 10_000)
    names = np.array(["u00", "stranger"], dtype=object)
    with pytest.raises(DataError, match="not eligible"):
        Candidates("new", 0, codes, names, np.zeros(2), np.array([1, 2]), found.eligible)


def test_retrieval_loss_counts_the_lost_part_of_the_top(m, context):
    brief = m.make_brief(brief="x", brand_id=None, brand_category=None)
    everyone = retrieve(context, brief, m.INSTANT, RetrievalSettings(min_posts=1))
    few = retrieve(context, brief, m.INSTANT, RetrievalSettings(n_candidates=5, min_posts=1))
    scores = -everyone.retrieval_rank.astype(float)
    loss = retrieval_loss(few, everyone.account_ids, scores, top_k=10)
    assert (loss.n_top, loss.n_lost, loss.first_lost_rank) == (10, 5, 6)
    assert loss.share_kept == 0.5
    none = retrieval_loss(everyone, everyone.account_ids, scores, top_k=10)
    assert none.first_lost_rank is None
