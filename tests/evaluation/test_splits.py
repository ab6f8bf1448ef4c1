"""Blocks of time and folds of brands: ordered, disjoint, complete."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import DataError, LeakageError
from matcher.evaluation.blocks import keep_later
from matcher.evaluation.splits import (
    NO_HIRED,
    NOT_DECIDED,
    TOO_FEW_EARLIER,
    Block,
    BrandBlock,
    WalkForward,
    assign_folds,
    assign_warmth,
    brand_fold_blocks,
    walk_forward_blocks,
)


def campaigns(days, brands=None):
    """One campaign per day of January 2025 (0 = undecided), c0, c1, ..."""
    decided = [pd.NaT if day == 0 else pd.Timestamp(2025, 1, day, tz="UTC") for day in days]
    return pd.DataFrame(
        {
            "campaign_id": [f"c{number}" for number in range(len(days))],
            "brand_id": brands if brands is not None else ["b"] * len(days),
            "decided_at": pd.Series(decided, dtype="datetime64[us, UTC]"),
        }
    )


def hired(*counts):
    return pd.Series(counts, index=[f"c{number}" for number in range(len(counts))], dtype=float)


@st.composite
def markets(draw):
    n = draw(st.integers(0, 25))
    days = draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))
    brands = draw(st.lists(st.sampled_from("vwxyz"), min_size=n, max_size=n))
    counts = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    return campaigns(days, brands), hired(*counts)


def test_a_campaign_waits_for_enough_earlier_hires():
    split = walk_forward_blocks(
        campaigns([3, 1, 2, 0, 4, 2]), hired(2, 5, 4, 9, 0, 3), n_blocks=5, min_earlier_hired=5
    )
    # c1 (day 1) has nothing before it; c2 and c5 (day 2) have its 5; c0 has 5 + 4 + 3
    assert [block.campaign_ids for block in split] == [("c2", "c5"), ("c0",)]
    assert split.skipped == {"c1": TOO_FEW_EARLIER, "c4": NO_HIRED, "c3": NOT_DECIDED}
    assert split.blocks[0].trained_until == pd.Timestamp(2025, 1, 2, tz="UTC")


def test_campaigns_of_the_same_instant_do_not_count_as_earlier():
    split = walk_forward_blocks(campaigns([1, 1]), hired(50, 50), n_blocks=1, min_earlier_hired=1)
    assert len(split) == 0
    assert set(split.skipped.values()) == {TOO_FEW_EARLIER}


def test_blocks_are_near_equal():
    split = walk_forward_blocks(
        campaigns(range(1, 25)), hired(*[1] * 24), n_blocks=4, min_earlier_hired=1
    )
    assert sorted(len(block.campaign_ids) for block in split) == [5, 6, 6, 6]


@given(markets(), st.integers(1, 6), st.integers(1, 9))
def test_what_is_judged_later_is_judged_by_the_same_blocks(market, n_blocks, day):
    table, counts = market
    split = walk_forward_blocks(table, counts, n_blocks=n_blocks, min_earlier_hired=1)
    since = pd.Timestamp(2025, 1, day, tz="UTC")
    kept, left_out = keep_later(split.blocks, table, since)
    decided = table.set_index("campaign_id")["decided_at"]
    until = {name: block.trained_until for block in split for name in block.campaign_ids}
    judged = {name: block.trained_until for block in kept for name in block.campaign_ids}
    assert judged == {name: one for name, one in until.items() if decided[name] >= since}
    assert set(left_out) == set(until) - set(judged)


def test_no_campaign_gives_no_block():
    split = walk_forward_blocks(campaigns([]), hired(), n_blocks=3, min_earlier_hired=1)
    assert (split.blocks, split.skipped) == ((), {})


@given(markets(), st.integers(1, 6), st.integers(1, 12), st.randoms(use_true_random=False))
def test_blocks_are_ordered_disjoint_and_complete(market, n_blocks, needed, random):
    table, counts = market
    split = walk_forward_blocks(table, counts, n_blocks=n_blocks, min_earlier_hired=needed)
    assert len(split) <= n_blocks
    assert sorted([*split.campaign_ids, *split.skipped]) == sorted(table["campaign_id"])
    decided = table.set_index("campaign_id")["decided_at"]
    for block in split:
        assert (decided[list(block.campaign_ids)] >= block.trained_until).all()
        before = decided.index[decided < block.trained_until]
        assert counts[before].sum() >= needed
    instants = [set(decided[list(block.campaign_ids)]) for block in split]
    assert sum(len(part) for part in instants) == len(set().union(*instants))
    order = list(range(len(table)))
    random.shuffle(order)
    again = walk_forward_blocks(
        table.iloc[order], counts, n_blocks=n_blocks, min_earlier_hired=needed
    )
    assert again == split


@given(markets(), st.integers(2, 4), st.integers(1, 3), st.integers(1, 6), st.integers(0, 3))
def test_brand_folds_see_neither_the_brand_nor_the_future(market, n_folds, n_blocks, needed, seed):
    table, counts = market
    split = brand_fold_blocks(
        table, counts, n_folds=n_folds, n_blocks=n_blocks, min_earlier_hired=needed, seed=seed
    )
    assert sorted([*split.campaign_ids, *split.skipped]) == sorted(table["campaign_id"])
    decided = table.set_index("campaign_id")["decided_at"]
    brand = table.set_index("campaign_id")["brand_id"]
    for block in split:
        scored, trained = list(block.campaign_ids), list(block.train_campaign_ids)
        assert set(brand[scored]) <= set(block.brand_ids)
        assert not set(brand[trained]) & set(block.brand_ids)
        assert (decided[trained] < block.trained_until).all()
        assert (decided[scored] >= block.trained_until).all()
        assert counts[trained].sum() >= needed


def test_brand_folds_skip_what_has_too_few_hires_of_other_brands():
    table = campaigns([1, 2, 3], ["v", "v", "v"])
    split = brand_fold_blocks(
        table, hired(9, 9, 9), n_folds=2, n_blocks=1, min_earlier_hired=1, seed=0
    )
    assert split.skipped == dict.fromkeys(["c0", "c1", "c2"], TOO_FEW_EARLIER)


def test_folds_depend_on_the_brand_and_the_seed_only():
    names = np.array([f"brand {number}" for number in range(200)], dtype=object)
    folds = assign_folds(names, n_folds=5, seed=0)
    assert set(folds) == {0, 1, 2, 3, 4}
    assert np.bincount(folds).min() > 20
    np.testing.assert_array_equal(folds[50:60], assign_folds(names[50:60], n_folds=5, seed=0))
    assert (folds != assign_folds(names, n_folds=5, seed=1)).mean() > 0.5


def test_a_campaign_without_a_brand_is_a_brand_of_its_own():
    table = campaigns([1, 2, 3, 4], [None, None, None, None])
    split = brand_fold_blocks(
        table, hired(5, 5, 5, 5), n_folds=2, n_blocks=1, min_earlier_hired=5, seed=1
    )
    assert len(split.campaign_ids) > 0


def test_warmth_counts_the_person_for_outcomes_and_the_account_for_the_rest():
    got = assign_warmth(
        np.array([2, 0, 0, 0, np.nan]),
        n_account_posts=np.array([0, 3, 0, 0, np.nan]),
        n_account_collaborations=np.array([0, 0, 1, 0, 0]),
    )
    assert got.tolist() == ["hot", "warm", "warm", "cold", "cold"]


# --- types that check themselves -------------------------------------------------------------

DAY = pd.Timestamp(2025, 1, 1, tz="UTC")


def test_a_block_cannot_end_before_it_begins():
    with pytest.raises(LeakageError, match="before its `trained_until`"):
        Block(DAY, DAY - pd.Timedelta(days=1), ("c0",))


def test_a_block_needs_campaigns():
    with pytest.raises(DataError, match="got 0 campaigns"):
        Block(DAY, DAY, ())


def test_a_block_needs_instants_with_a_zone():
    with pytest.raises(DataError, match="expected UTC instants"):
        Block(pd.Timestamp(2025, 1, 1), DAY, ("c0",))


def test_blocks_cannot_overlap():
    later = DAY + pd.Timedelta(days=1)
    with pytest.raises(LeakageError, match="expected blocks one after the other"):
        WalkForward((Block(DAY, later, ("c0",)), Block(later, later, ("c1",))), {})


def test_a_campaign_cannot_stand_twice():
    with pytest.raises(DataError, match=r"1 campaigns stand in two places \(\['c0'\]\)"):
        WalkForward((Block(DAY, DAY, ("c0",)),), {"c0": NO_HIRED})


def test_a_campaign_cannot_be_trained_on_and_scored():
    with pytest.raises(LeakageError, match=r"1 campaigns are trained on and scored \(\['c0'\]\)"):
        BrandBlock(0, DAY, ("c0",), ("b",), ("c0", "c1"))


def test_campaigns_need_unique_ids():
    table = campaigns([1, 2])
    table["campaign_id"] = "c0"
    with pytest.raises(DataError, match="1 of 2 rows repeat a `campaign_id`"):
        walk_forward_blocks(table, hired(1), n_blocks=1, min_earlier_hired=1)


def test_a_missing_column_is_named():
    table = campaigns([1]).drop(columns="decided_at")
    with pytest.raises(DataError, match=r"columns \['decided_at'\] are missing"):
        walk_forward_blocks(table, hired(1), n_blocks=1, min_earlier_hired=1)


def test_at_least_two_folds():
    with pytest.raises(DataError, match="`n_folds` is 1"):
        brand_fold_blocks(
            campaigns([1]), hired(1), n_folds=1, n_blocks=1, min_earlier_hired=1, seed=0
        )


def test_at_least_one_block():
    with pytest.raises(DataError, match="`n_blocks` is 0"):
        walk_forward_blocks(campaigns([1]), hired(1), n_blocks=0, min_earlier_hired=1)
