"""Rank correlation, lift and grades over measured outcomes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from matcher.evaluation.outcomes import (
    EQUAL_OUTCOMES,
    EQUAL_SCORES,
    TOO_FEW_OUTCOMES,
    grade_outcomes,
    lift,
    spearman,
)
from matcher.evaluation.ranked import rank_candidates

few_values = st.sampled_from([0.0, 1.0, 2.5, 4.0, 7.0])


def test_lift_is_the_log_of_outcome_over_expectation():
    got = lift(np.array([100.0, 0.0, np.nan, 5.0, -1.0, 5.0]), np.array([50.0, 5, 5, 0, 5, np.nan]))
    assert got[0] == pytest.approx(math.log(100) - math.log(50))
    assert got[1] == -math.inf
    assert np.isnan(got[2:]).all()


def test_spearman_says_why_it_is_undefined():
    codes = np.array([0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    scores = np.array([1.0, 2, 1, 2, 3, 5, 5, 5, 1, 2, 3])
    outcomes = np.array([1.0, 2, 4, 4, 4, 1, 2, 3, 1, np.nan, 3])
    got = spearman(rank_candidates(codes, scores, n_campaigns=5), outcomes)
    assert np.isnan(got.values).all()
    few = TOO_FEW_OUTCOMES
    assert got.reasons.tolist() == [few, EQUAL_OUTCOMES, EQUAL_SCORES, few, few]


def test_spearman_of_infinite_lifts_is_that_of_their_order():
    ranked = rank_candidates(np.zeros(3, dtype=int), np.array([1.0, 2.0, 3.0]))
    assert spearman(ranked, np.array([-math.inf, 0.0, 1.0])).values.tolist() == [1.0]


@given(st.lists(st.tuples(few_values, few_values), min_size=3, max_size=20))
def test_spearman_agrees_with_scipy(rows):
    scores, outcomes = np.array(rows).T
    got = spearman(rank_candidates(np.zeros(len(rows), dtype=int), scores), outcomes)
    if len(set(scores)) > 1 and len(set(outcomes)) > 1:
        assert got.values[0] == pytest.approx(spearmanr(scores, outcomes).statistic, abs=1e-12)
        flipped = spearman(rank_candidates(np.zeros(len(rows), dtype=int), -scores), outcomes)
        assert flipped.values[0] == pytest.approx(-got.values[0], abs=1e-12)
    else:
        assert np.isnan(got.values[0])


@given(st.lists(st.tuples(few_values, few_values, st.integers(0, 2)), min_size=1, max_size=30))
def test_campaigns_do_not_touch_each_other(rows):
    scores, outcomes, codes = np.array(rows).T
    codes = codes.astype(int)
    together = spearman(rank_candidates(codes, scores, n_campaigns=3), outcomes).values
    for code in range(3):
        own = codes == code
        ranked = rank_candidates(np.zeros(own.sum(), dtype=int), scores[own], n_campaigns=1)
        np.testing.assert_array_equal(together[code], spearman(ranked, outcomes[own]).values[0])


def test_grades_follow_the_quantile_inside_the_campaign():
    codes = np.array([0] * 10 + [1] * 3)
    outcomes = np.array([*range(10), 500.0, 300.0, 400.0])
    expected = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 0, 2]
    assert grade_outcomes(codes, outcomes).tolist() == expected


def test_equal_outcomes_share_a_grade_and_missing_ones_have_none():
    outcomes = np.array([1.0, 1.0, 9.0, np.nan])
    # mid-ranks 1.5, 1.5, 3 of 3
    assert grade_outcomes(np.zeros(4, dtype=int), outcomes).tolist() == [1, 1, 4, -1]


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=40))
def test_grades_never_contradict_the_outcomes(outcomes):
    values = np.array(outcomes)
    grades = grade_outcomes(np.zeros(values.size, dtype=int), values)
    if np.unique(values).size == 1:
        assert set(grades) == {-1}
    else:
        order = np.argsort(values, kind="stable")
        assert np.all(np.diff(grades[order]) >= 0)
        assert grades.min() >= 0
        assert grades.max() <= 4
