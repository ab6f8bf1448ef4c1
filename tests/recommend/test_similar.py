from __future__ import annotations

import dataclasses
import re
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import DataError, LeakageError, MatcherError, SupportError, UsageError
from matcher.features.context import MarketData
from matcher.market.market import build_market
from matcher.recommend.likeness import combine, share_below
from matcher.recommend.similar import SIMILAR_COLUMNS, find_similar

PARTS = ["content", "audience", "engagement"]
SHARES = {
    "a00": {"age": {"18-24": 0.6, "25-34": 0.4}, "country": {"VN": 0.9}},
    "a01": {"age": {"18-24": 0.2, "25-34": 0.5}, "country": {"VN": 0.5, "US": 0.4}},
    "a02": {"age": {"35-44": 1.0}},
    "a03": {"gender": {"female": 1.0}},
}


def tables_of(shop):
    """The shop with audiences of four accounts, followers of all but one, and a late reading."""
    tables = shop.make_tables()
    tables["audiences"] = pd.DataFrame(
        [
            {"account_id": account, "as_of": shop.at(-30), "dimension": dimension,
             "bucket": bucket, "share": share}
            for account, dimensions in SHARES.items()
            for dimension, buckets in dimensions.items()
            for bucket, share in buckets.items()
        ]
    )  # fmt: skip
    accounts = [name for name in tables["accounts"]["account_id"] if name != "a05"]
    tables["account_snapshots"] = pd.DataFrame(
        [
            {"account_id": account, "as_of": shop.at(day), "n_followers": 1_000 * n + 100 - day}
            for n, account in enumerate(accounts, start=1)
            for day in (-100, -10)
        ]
    )
    return tables


@pytest.fixture(scope="module")
def fair(shop):
    return MarketData(build_market(tables_of(shop)))


def run(shop, data, account="a00", **options):
    return find_similar(shop.model, data, account, **{"as_of": shop.NOW, "top_k": 99, **options})


def test_the_list_is_whole_and_in_order(shop, fair):
    found = run(shop, fair)
    frame = found.frame
    assert list(frame.columns) == list(SIMILAR_COLUMNS)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == SIMILAR_COLUMNS
    assert set(frame["like"]) == {"a00"}
    assert frame["likeness"].is_monotonic_decreasing
    assert frame["influencer_id"].is_unique
    # 48 people, of whom the first has two accounts.
    assert len(found) == 47
    assert found.n_compared == 52
    assert "other accounts of the same person are left out: b00" in found.notes
    assert "audience is known of 2 of 52 accounts" in found.notes


def test_cosines_are_those_of_the_mean_posts(shop, fair):
    frame = run(shop, fair, one_per_person=False).frame.set_index("account_id")
    context = shop.model.context(fair)
    posts = fair.index.posts
    vectors = pd.DataFrame(context.post_embeddings.astype(np.float64))
    means = vectors.groupby(posts["account_id"].to_numpy(object)).mean()
    unit = means.div(np.linalg.norm(means, axis=1), axis=0)
    expected = (unit @ unit.loc["a00"]).drop("a00")
    # Directions are held as float16.
    np.testing.assert_allclose(frame["cosine"], expected[frame.index], atol=2e-3)
    expected_shares = expected[frame.index].rank().sub(0.5) / len(frame)
    np.testing.assert_allclose(frame["content"], expected_shares, atol=0.02)


def test_the_nearest_posts_are_the_nearest_of_all_pairs(shop, fair):
    row = run(shop, fair).frame.iloc[0]
    context, posts = shop.model.context(fair), fair.index.posts
    ids = posts["post_id"].to_numpy(object)
    rows = {name: np.flatnonzero(posts["account_id"] == name) for name in ("a00", row.account_id)}
    vectors = context.post_embeddings.astype(np.float64)
    best = max(
        (float(vectors[one] @ vectors[other]), ids[one], ids[other])
        for one, other in product(rows["a00"], rows[row.account_id])
    )
    assert row.post_similarity == best[0]
    cosine = vectors[ids == row.own_post_id][0] @ vectors[ids == row.post_id][0]
    assert cosine == best[0]
    texts = posts.set_index("post_id")["text"]
    assert (row.own_post_text, row.post_text) == (texts[row.own_post_id], texts[row.post_id])


def test_overlaps_are_said_as_they_are(shop, fair):
    frame = run(shop, fair, by=["audience"]).frame.set_index("account_id")
    # Of the age lists min(.6, .2) + min(.4, .5) = .6 is common; of the countries .5 of .9.
    assert sorted(frame.index) == ["a01", "a02"]
    assert "56 % by country, 60 % by age in common" in frame.loc["a01", "why_audience"]
    assert "VN (90 % | 50 %)" in frame.loc["a01", "why_audience"]
    assert "0 % by age" in frame.loc["a02", "why_audience"]
    assert frame.loc["a01", "rank"] == 1
    assert frame[["content", "engagement", "why_content", "post_id"]].isna().all().all()


def test_engagement_is_measured_against_the_usual_level(shop, fair):
    frame = run(shop, fair, by="engagement", one_per_person=False).frame.set_index("account_id")
    posts = fair.index.posts
    log = np.log1p(posts["likes"] + posts["comments"] + posts["shares"])
    level = log.groupby(posts["account_id"]).median()
    rate = ((posts["likes"] + posts["comments"] + posts["shares"]) / posts["views"]).groupby(
        posts["account_id"]
    )
    said = frame.loc["a04", "why_engagement"]
    platform = fair.index.accounts.set_index("account_id")["platform"]
    usual = shop.model.prior.level(
        "engagements_level", np.array(["tiktok"], object), np.array(["nano"], object)
    )[0]
    assert platform[["a00", "a04"]].tolist() == ["tiktok", "tiktok"]
    shown = [float(value) for value in re.search(r": ([\d.]+) \| ([\d.]+) times", said).groups()]
    np.testing.assert_allclose(shown, np.exp(level[["a00", "a04"]] - usual), rtol=0.01)
    shown = re.search(r"([\d.]+) % \| ([\d.]+) % engagements per view", said).groups()
    medians = 100 * rate.median()[["a00", "a04"]]
    np.testing.assert_allclose([float(value) for value in shown], medians, atol=0.5)
    # Followers of one account are unknown, and so is how they grew; the rest is compared.
    assert "followers" not in frame.loc["a05", "why_engagement"]
    assert np.isfinite(frame.loc["a05", "engagement"])


def test_what_is_unknown_is_said_and_never_filled(shop, fair):
    known = run(shop, fair, one_per_person=False).frame.set_index("account_id")
    assert known["audience"].notna().sum() == 2
    assert known.loc["a07", "why_audience"] == "Audience: not known of this account."
    unknown = run(shop, fair, account="a09").frame
    assert unknown["audience"].isna().all()
    assert set(unknown["why_audience"]) == {"Audience: not known of the account asked about."}
    # Parts that are not known bear on nothing.
    two = run(shop, fair, account="a09", by=["content", "engagement"]).frame
    assert unknown["likeness"].tolist() == two["likeness"].tolist()
    with pytest.raises(SupportError, match="audience of a09 was not known"):
        run(shop, fair, account="a09", by="audience")


def test_nothing_known_later_moves_anything(shop, fair):
    tables = tables_of(shop)
    late = tables["posts"].head(40).assign(
        post_id=[f"late{n}" for n in range(40)],
        published_at=shop.NOW, text="phở bún trà sữa", likes=1e6,
    )  # fmt: skip
    tables["posts"] = pd.concat([tables["posts"], late], ignore_index=True)
    readings = tables["audiences"].assign(as_of=shop.NOW, share=0.1)
    tables["audiences"] = pd.concat([tables["audiences"], readings], ignore_index=True)
    snapshots = tables["account_snapshots"].assign(as_of=shop.at(1), n_followers=7)
    tables["account_snapshots"] = pd.concat([tables["account_snapshots"], snapshots])
    now = run(shop, fair).frame.drop(columns="data_hash")
    then = run(shop, MarketData(build_market(tables))).frame.drop(columns="data_hash")
    pd.testing.assert_frame_equal(now, then, check_exact=True)


def test_languages_that_the_encoder_does_not_align_are_said(shop):
    tables = tables_of(shop)
    english = tables["posts"]["account_id"].isin(["a03", "a06"])
    tables["posts"]["language"] = tables["posts"]["language"].mask(english, "en-US")
    frame = run(shop, MarketData(build_market(tables)), one_per_person=False).frame
    said = frame.set_index("account_id")["why_content"].str.contains(
        r"posts in vi \| en, which this encoder does not align"
    )
    assert sorted(said.index[said]) == ["a03", "a06"]


def test_filters_and_other_accounts_of_a_person(shop, fair):
    found = run(shop, fair, account="b00", same_platform=True)
    assert set(found.frame["platform"]) == {"youtube"}
    assert "compared with accounts of its platform, youtube, alone" in found.notes
    tiers = run(shop, fair, same_tier=True).frame["tier"]
    assert set(tiers) == {"nano"}
    everybody = run(shop, fair, one_per_person=False).frame.set_index("account_id")
    assert len(everybody) == 53
    assert everybody.index[everybody["is_same_person"]].tolist() == ["b00"]


def test_lists_are_cut_and_equal_when_made_again(shop, fair):
    whole = run(shop, fair).frame
    pd.testing.assert_frame_equal(run(shop, fair, top_k=5).frame, whole.head(5), check_exact=True)


def test_languages_differ_in_words_alone(shop, fair):
    en, vi = (run(shop, fair, language=one).frame for one in ("en", "vi"))
    whys = [f"why_{part}" for part in PARTS]
    assert (en[whys] != vi[whys]).all().all()
    pd.testing.assert_frame_equal(en.drop(columns=whys), vi.drop(columns=whys))
    assert vi["why_audience"].str.startswith("Khán giả").all()


def test_misuse_is_refused(shop, fair):
    with pytest.raises(UsageError, match="expected some of content, audience, engagement"):
        run(shop, fair, by=["style"])
    with pytest.raises(UsageError, match="top_k: got 0"):
        run(shop, fair, top_k=0)
    with pytest.raises(UsageError, match="without timezone"):
        run(shop, fair, as_of=pd.Timestamp("2025-04-01"))
    with pytest.raises(DataError, match=r"account_id 'a0x'; did you mean 'a"):
        run(shop, fair, account="a0x")
    with pytest.raises(LeakageError, match="trained until"):
        run(shop, fair, as_of=shop.at(-1))
    cut = MarketData(fair.market.as_of(shop.NOW))
    with pytest.raises(LeakageError, match="the market is cut at"):
        run(shop, cut, as_of=shop.at(1))


def test_its_table_is_escaped_and_it_checks_itself(shop, fair):
    found = run(shop, fair)
    hostile = found.frame.assign(handle="<script>alert(1)</script>")
    html = dataclasses.replace(found, frame=hostile)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "20 of 47 rows" in html
    with pytest.raises(MatcherError, match="fall from rank to rank"):
        dataclasses.replace(found, frame=found.frame.assign(likeness=range(len(found))))
    with pytest.raises(MatcherError, match="beside itself"):
        dataclasses.replace(found, account_id=found.frame["account_id"].iloc[3])


def test_a_combination_of_even_draws_is_even_for_any_number_of_them():
    draws = np.random.default_rng(3).uniform(size=(4_000, 5))
    for k in range(1, 6):
        found = np.sort(combine(draws[:, :k]))
        even = (np.arange(4_000) + 0.5) / 4_000
        # Kolmogorov's distance of 4,000 draws stays below 1.63 / sqrt(4,000) in 99 of 100 cases.
        assert np.abs(found - even).max() < 0.026


@given(
    st.lists(
        st.tuples(*[st.one_of(st.floats(-9, 9), st.just(np.nan))] * 3), min_size=1, max_size=30
    ),
    st.integers(0, 29),
)
def test_more_alike_in_one_part_is_never_less_alike(rows, place):
    columns = np.array(rows)
    found = combine(columns)
    known = np.isfinite(columns).any(axis=1)
    assert np.isfinite(found).tolist() == known.tolist()
    assert ((found[known] > 0) & (found[known] < 1)).all()
    np.testing.assert_allclose(combine(columns[:, :1]), share_below(columns[:, 0]), atol=1e-12)
    place %= len(rows)
    if np.isfinite(columns[place, 0]):
        nearer = columns.copy()
        nearer[place, 0] = 10.0
        assert combine(nearer)[place] >= found[place]
