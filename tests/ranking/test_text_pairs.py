from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.config import EncoderSettings, Settings
from matcher.errors import LeakageError
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.fit import fit_text
from matcher.ranking.text_pairs import BRIEFS, POSTS, market_text_pairs
from matcher.text.encoder import Encoder, fit_builtin_encoder

TINY = Path(__file__).parents[2] / "data" / "tiny_market"
CUTS = ("2024-06-01", "2024-12-15", "2025-02-01")


@pytest.fixture(scope="module")
def data() -> MarketData:
    return MarketData(load_market(TINY))


def by_kind(data: MarketData, cut: pd.Timestamp, **options: Any) -> dict[str, Any]:
    return {one.kind: one for one in market_text_pairs(data, cut, **options)}


@pytest.mark.parametrize("day", CUTS)
def test_nothing_that_became_known_later_is_used(data: MarketData, day: str) -> None:
    cut = pd.Timestamp(day, tz="UTC")
    early = MarketData(data.market.as_of(cut))
    whole, known = by_kind(data, cut), by_kind(early, cut)
    posts = data.market["posts"]
    late = set(posts.loc[posts["published_at"] >= cut, "text"]) - set(
        posts.loc[posts["published_at"] < cut, "text"]
    )
    assert whole.keys() == known.keys()
    for kind, one in whole.items():
        assert not late & {*one.left, *one.right}
        assert (one.left, one.right) == (known[kind].left, known[kind].right)


@given(st.integers(0, 50))
def test_pairs_are_of_one_account_or_of_one_hire(data: MarketData, seed: int) -> None:
    found = by_kind(data, pd.Timestamp("2025-01-01", tz="UTC"), seed=seed, max_pairs=60)
    posts = data.market["posts"]
    authors = posts.groupby("text")["account_id"].agg(set)
    one = found[POSTS]
    assert len(one) == 60
    assert all(authors[a] & authors[b] for a, b in zip(one.left, one.right, strict=True))
    assert all(a != b for a, b in zip(one.left, one.right, strict=True))
    ids = data.index.account_ids
    for text, account in zip(found[BRIEFS].right, found[BRIEFS].right_groups, strict=True):
        assert ids[account] in authors[text]


def test_a_post_made_for_a_campaign_is_not_paired_with_its_brief(data: MarketData) -> None:
    market = data.market
    own = market["campaign_posts"].merge(market["posts"][["post_id", "text"]], on="post_id")
    campaigns = market["campaigns"].set_index("campaign_id")
    found = by_kind(data, market.all_known_at)[BRIEFS]
    pairs = set(zip(found.left, found.right, strict=True))
    made = {
        (f"{campaigns['title'][row.campaign_id]}\n{campaigns['brief'][row.campaign_id]}", row.text)
        for row in own.itertuples()
        if row.campaign_id in campaigns.index
    }
    assert len(made) > 10
    assert not pairs & made


def test_equal_seeds_draw_equal_pairs(data: MarketData) -> None:
    cut = pd.Timestamp("2025-01-01", tz="UTC")
    one, same, other = (by_kind(data, cut, seed=seed)[POSTS] for seed in (0, 0, 1))
    assert (one.left, one.right) == (same.left, same.right)
    assert (one.left, one.right) != (other.left, other.right)


def test_an_instant_before_everything_gives_no_pair(data: MarketData) -> None:
    assert market_text_pairs(data, pd.Timestamp("1990-01-01", tz="UTC")) == ()


def test_an_encoder_of_a_later_cut_is_refused(data: MarketData) -> None:
    cut = pd.Timestamp("2025-01-01", tz="UTC")
    encoder: Encoder = fit_builtin_encoder(
        ["phở bò", "son môi"], ["a", "b"], settings=EncoderSettings(dim=8), trained_until=cut
    )
    context = fit_text(data, cut, Settings(), encoder=encoder)
    assert np.isfinite(context.post_embeddings.astype(float)).all()
    with pytest.raises(LeakageError, match="may not be used for campaigns decided before"):
        fit_text(data, cut - pd.Timedelta(days=1), Settings(), encoder=encoder)
