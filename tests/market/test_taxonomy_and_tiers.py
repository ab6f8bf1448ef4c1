from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.config import MarketSettings
from matcher.errors import ConfigError
from matcher.market.taxonomy import read_taxonomy
from matcher.market.tiers import SCHEMES, TIERS, assign_tier, find_scheme


def test_every_parent_is_a_category() -> None:
    taxonomy = read_taxonomy()
    assert len(taxonomy.ids) == 36
    for category in taxonomy.categories.values():
        assert category.parent is None or category.parent in taxonomy
        assert category.vi
        assert category.en
        assert taxonomy.lineage(category.id)[0] == category.id


def test_keywords_are_lower_case_composed_and_enough() -> None:
    for category in read_taxonomy().categories.values():
        if category.id == "other":
            assert category.keywords == ()
            continue
        for words in (category.keywords_vi, category.keywords_en):
            assert 20 <= len(words) <= 50, category.id
            assert len(set(words)) == len(words)
            for word in words:
                assert word == unicodedata.normalize("NFC", word).lower().strip()


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("beverage", "beverage", True),
        ("beverage", "food", True),
        ("beverage", "restaurant", True),
        ("personal_care", "luxury", True),
        ("beverage", "travel", False),
        ("other", "other", False),
        (None, "food", False),
    ],
)
def test_relation_goes_by_the_root(left: str | None, right: str | None, expected: bool) -> None:
    assert read_taxonomy().related(left, right) is expected
    assert read_taxonomy().related(right, left) is expected


def test_an_unknown_category_names_the_nearest() -> None:
    taxonomy = read_taxonomy()
    with pytest.raises(ConfigError, match="got category 'bevrage'; did you mean 'beverage'"):
        taxonomy["bevrage"]


def test_names_in_both_languages() -> None:
    food = read_taxonomy()["food"]
    assert food.name() == "Food and cooking"
    assert food.name("vi") == "Ẩm thực, thực phẩm"


def test_bands_of_vietnamese_agencies() -> None:
    followers = pd.Series([0, 999, 1_000, 9_999, 10_000, 99_999, 100_000, 999_999, 1e6, 5e8, None])
    assert assign_tier(followers).tolist() == (
        ["nano"] * 4 + ["micro"] * 2 + ["macro"] * 2 + ["mega"] * 2 + ["unknown"]
    )


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("vn_agency", "micro"),
        ("vn_event", "mid"),
        ("later_fohr", "micro"),
        ("hypeauditor_classic", "mid"),
        ("marketing_trips", "macro"),
    ],
)
def test_schemes_disagree_on_fifty_thousand(scheme: str, expected: str) -> None:
    assert assign_tier(pd.Series([50_000.0]), scheme).tolist() == [expected]


@given(
    st.sampled_from(sorted(SCHEMES)),
    st.lists(st.none() | st.floats(0, 1e10, allow_nan=False), max_size=20),
)
def test_tiers_rise_with_followers(scheme: str, counts: list[float | None]) -> None:
    followers = pd.Series(counts, dtype="float64", index=range(10, 10 + len(counts)))
    tiers = assign_tier(followers, scheme)
    assert tiers.index.equals(followers.index)
    assert str(tiers.dtype) == "str"
    assert ((tiers == "unknown") == followers.isna()).all()
    known = followers.dropna().sort_values().index
    ranks = np.array([TIERS.index(tier) for tier in tiers[known]])
    assert (np.diff(ranks) >= 0).all()


def test_an_unknown_scheme_is_named() -> None:
    with pytest.raises(ConfigError, match="got 'vn_agencie'.*did you mean 'vn_agency'"):
        find_scheme("vn_agencie")


def test_the_settings_know_every_scheme_and_no_other() -> None:
    for scheme in SCHEMES:
        assert MarketSettings(tier_scheme=scheme).tier_scheme == scheme
    with pytest.raises(ConfigError, match="should be 'vn_agency'"):
        MarketSettings.model_validate({"tier_scheme": "vn_agencies"})
