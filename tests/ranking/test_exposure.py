"""The best accounts under a floor: no list that keeps to it has a higher total."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import UsageError
from matcher.ranking.exposure import ExposureRule, choose_places, least_places

GROUPS = st.lists(st.integers(0, 2), min_size=1, max_size=8)


def best_total(scores, groups, least, k, fixed):
    """Highest total of all lists of k accounts that hold the fixed ones and the promised places."""
    others = np.flatnonzero(~fixed)
    totals = [
        scores[list(rows)].sum() + scores[fixed].sum()
        for rows in combinations(others, k - int(fixed.sum()))
        if (
            np.bincount(groups[[*rows, *np.flatnonzero(fixed)]], minlength=3)
            >= np.minimum(least, np.bincount(groups, minlength=3))
        ).all()
    ]
    return max(totals, default=None)


@given(GROUPS, st.data())
def test_no_other_list_under_the_floor_has_a_higher_total(groups, data):
    groups = np.array(groups)
    n = len(groups)
    # Few values, so that ties are common; best first.
    scores = np.sort(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))[::-1]
    fixed = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    fixed &= data.draw(st.booleans())
    k = data.draw(st.integers(max(1, int(fixed.sum())), n))
    floor = data.draw(st.floats(0.05, 1.0))
    least = least_places(np.bincount(groups, minlength=3), k, floor)
    rows = choose_places(groups, least, k, fixed=fixed)
    assert len(set(rows)) == len(rows) == k
    assert (np.diff(rows) > 0).all()
    assert np.isin(np.flatnonzero(fixed), rows).all()
    oracle = best_total(scores, groups, least, k, fixed)
    # Fixed accounts can leave no room for what is promised; then no list keeps to it.
    if oracle is not None:
        assert scores[rows].sum() == oracle
        assert (np.bincount(groups[rows], minlength=3) >= least).all()
    # A rising function of the scores is added up to the highest total as well.
    if oracle is not None:
        risen = np.exp(scores)
        assert risen[rows].sum() == pytest.approx(best_total(risen, groups, least, k, fixed))


@given(
    st.lists(st.integers(0, 500), min_size=1, max_size=6).filter(any),
    st.integers(1, 50),
    st.floats(0.01, 1.0),
)
def test_promises_can_be_kept_and_are_as_high_as_whole_places_allow(supply, k, floor):
    supply = np.array(supply)
    k = min(k, int(supply.sum()))
    least = least_places(supply, k, floor)
    exact = floor * k * supply / supply.sum()
    assert least.sum() <= k
    assert (least <= supply).all()
    assert (least <= exact + 1e-6).all()
    assert (least > exact - 1).all()


def test_without_promises_the_list_is_the_best_one():
    groups = np.array([0, 1, 0, 1, 1])
    assert choose_places(groups, np.zeros(2, dtype=int), 3).tolist() == [0, 1, 2]
    assert choose_places(groups, np.array([0, 3]), 3).tolist() == [1, 3, 4]
    assert choose_places(groups, np.array([1, 2]), 9).tolist() == [0, 1, 2, 3, 4]


def test_accounts_that_must_stand_there_leave_what_room_they_leave():
    groups = np.array([0, 1, 1, 0, 0])
    fixed = np.array([False, False, False, True, True])
    # Two places are promised to group 1, and one is left.
    assert choose_places(groups, np.array([0, 2]), 3, fixed=fixed).tolist() == [1, 3, 4]
    assert choose_places(groups, np.array([0, 2]), 1, fixed=fixed).tolist() == [3, 4]
    # What is promised to group 0 is theirs already.
    assert choose_places(groups, np.array([2, 0]), 3, fixed=fixed).tolist() == [0, 3, 4]


@pytest.mark.parametrize("floor", [0.0, 1.01, float("nan"), "0.8", None])
def test_a_floor_outside_its_range_is_refused(floor):
    with pytest.raises(UsageError, match=r"got a floor of .*; expected a part of the supply"):
        ExposureRule("tier", floor)


def test_an_unknown_grouping_is_refused():
    with pytest.raises(UsageError, match="expected one of tier, platform, gender, language"):
        ExposureRule("age")
