"""Names found through the vocabulary, and columns read in parts, each against a plainer road."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.features.data import MarketData
from matcher.features.lazy import SharedRows, TextColumn
from matcher.features.texts import brand_patterns
from matcher.market.market import build_market
from matcher.text.normalise import fold_accents, lexical_tokens

WORDS = st.sampled_from(
    ["nam", "ngư", "Nam", "NGU", "namngu", "#namngưxịn", "trà", "tra", "sữa", "#TraSua", "bon", "x"]
)
CAPTIONS = st.lists(st.lists(WORDS, max_size=6).map(" ".join), min_size=1, max_size=8)
NAMES = ["Nam Ngư", "Trà Sữa", "Bon Bon", "Tra", "X", "Sữa Nam Việt Nam"]


def market_of(captions: list[str]) -> MarketData:
    posts = pd.DataFrame({"post_id": [f"p{place:02d}" for place in range(len(captions))]})
    posts["account_id"] = "a"
    posts["text"] = captions
    posts["published_at"] = pd.Timestamp("2024-01-01", tz="UTC")
    accounts = pd.DataFrame({"account_id": ["a"], "influencer_id": ["i"], "platform": "tiktok"})
    return MarketData(build_market({"accounts": accounts, "posts": posts}))


@given(CAPTIONS)
def test_names_are_found_as_by_reading_every_caption(captions: list[str]) -> None:
    data = market_of(captions)
    posts, places = data.texts.find_names(NAMES)
    expected = []
    for post, text in enumerate(data.index.post_texts):
        folded = f" {fold_accents(' '.join(lexical_tokens(text)))} "
        for place, name in enumerate(NAMES):
            if any(pattern in folded for pattern in brand_patterns(name)):
                expected.append((post, place))
    assert list(zip(posts.tolist(), places.tolist(), strict=True)) == expected


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_column_read_in_parts_is_the_whole_column(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("matcher.features.lazy._ROWS_AT_ONCE", size)
    column = TextColumn(pd.Series(["phở", None, "Trà", "phở", ""], dtype="str"))
    whole = ["phở", "", "Trà", "phở", ""]
    assert list(column) == whole == column[0:5] == [column[place] for place in range(len(column))]
    assert max(map(len, column.parts())) <= size
    texts, codes = column.share(str.lower)
    assert texts == ["phở", "", "trà"]
    assert [texts[code] for code in codes] == [text.lower() for text in whole]


def test_shared_rows_are_those_of_the_whole_matrix() -> None:
    distinct = np.array([[1, 0], [0, 0], [0, 1]], dtype=np.float16)
    rows = SharedRows(distinct, np.array([2, 0, 1, 0], dtype=np.int32))
    assert len(rows) == 4
    np.testing.assert_array_equal(rows[np.array([3, 0])], distinct[[0, 2]])
    assert rows.is_filled.tolist() == [True, True, False, True]


@pytest.mark.parametrize("mark_values", [1, 5_000_000])
def test_words_of_brands_are_the_means_of_what_is_known(m, monkeypatch, mark_values) -> None:
    monkeypatch.setattr("matcher.features.contacts._MARKED_VALUES", mark_values)
    context = m.make_context(m.make_data(m.base_tables()))
    contacts, sponsored = context.contacts, context.contacts.sponsored
    assert len(sponsored) > 5
    hidden = sponsored.sources[[1, 4]]
    for n_known in range(len(sponsored) + 1):
        rows = np.flatnonzero(~np.isin(sponsored.sources[:n_known], hidden))
        vectors = context.post_embeddings[sponsored.sources[rows]].astype(np.float64)
        for brand, found in enumerate(contacts._captions(n_known, hidden)):
            own = vectors[sponsored.brands[rows] == brand]
            expected = own.sum(axis=0) / max(len(own), 1)
            np.testing.assert_array_equal(found, expected)


def test_missing_cells_are_those_of_the_first_reading_known(m) -> None:
    data = m.make_data(m.base_tables())
    readings, instant = data.market.readings, int(m.NOW.value // 1_000)
    ids = data.index.posts["post_id"]
    found = pd.DataFrame(data.gaps.before(np.arange(len(ids)), instant), columns=data.gaps.names)
    for place, post_id in enumerate(ids):
        mine = readings[(readings["post_id"] == post_id) & (readings["known_at"] < m.NOW)]
        for name in ("views", "likes", "shares", "saves"):
            first = mine.sort_values("known_at")[name].head(1)
            assert found.loc[place, f"null_{name}"] == float(first.isna().all())
    assert found["null_text"].sum() == data.index.posts["text"].isna().sum()
    assert 0 < found["null_shares"].mean() < 1
