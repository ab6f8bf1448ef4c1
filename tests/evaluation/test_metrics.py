"""Ranking metrics: by hand, by other libraries, by enumeration, and what may not change them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from matcher.errors import DataError
from matcher.evaluation.metrics import auc, cauc, medr, mrr, ndcg_at_k, recall_at_k
from matcher.evaluation.pairwise import NO_OTHER, NO_OTHER_IN_CATEGORY
from matcher.evaluation.ranked import NO_CANDIDATE, NO_HIT, CampaignValues, rank_candidates

METRICS = {
    "auc": auc,
    "ndcg": lambda ranked, hits: ndcg_at_k(ranked, hits.astype(int), k=3),
    "recall": lambda ranked, hits: recall_at_k(ranked, hits, k=3),
    "mrr": mrr,
    "medr": medr,
}


def one(metric, hits, scores, **options):
    """The figure of a single campaign."""
    ranked = rank_candidates(np.zeros(len(scores), dtype=int), np.array(scores, dtype=float))
    return metric(ranked, np.array(hits), **options).values[0]


@st.composite
def campaigns_with_ties(draw, max_rows=40):
    n = draw(st.integers(1, max_rows))
    codes = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    hits = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    few_values = st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0, float("nan")])
    scores = draw(st.lists(few_values, min_size=n, max_size=n))
    return np.array(codes), np.array(hits), np.array(scores)


# --- by hand ---------------------------------------------------------------------------------


def test_order_without_ties_gives_the_textbook_values():
    hits, scores = [True, False, True, False, False], [0.1, 0.9, 0.8, 0.3, 0.2]
    # order: other, hit, other, other, hit
    assert one(auc, hits, scores) == (2 + 0) / (2 * 3)
    assert one(recall_at_k, hits, scores, k=2) == 1 / 2
    assert one(mrr, hits, scores) == 1 / 2
    assert one(medr, hits, scores) == (2 + 5) / 2
    dcg = 1 / math.log2(3) + 1 / math.log2(6)
    ideal = 1 / math.log2(2) + 1 / math.log2(3)
    assert one(ndcg_at_k, np.array(hits, int), scores, k=5) == pytest.approx(dcg / ideal)


def test_gain_is_exponential_in_the_grade():
    # grades 0 3 1 in rank order; a linear gain would give another number
    dcg = 7 / math.log2(3) + 1 / math.log2(4)
    ideal = 7 / math.log2(2) + 1 / math.log2(3)
    assert one(ndcg_at_k, [0, 3, 1], [3, 2, 1], k=3) == pytest.approx(dcg / ideal)


def test_all_ties_give_the_expected_values_of_a_random_order():
    hits, scores = [True, True, False, False, False], [0.5] * 5
    assert one(auc, hits, scores) == 0.5
    assert one(recall_at_k, hits, scores, k=2) == pytest.approx(2 / 5)
    # first of 2 hits among 5: at 1 with 4/10, at 2 with 3/10, at 3 with 2/10, at 4 with 1/10
    assert one(mrr, hits, scores) == pytest.approx(0.4 + 0.3 / 2 + 0.2 / 3 + 0.1 / 4)
    # expected order statistics 1 * 6/3 and 2 * 6/3
    assert one(medr, hits, scores) == pytest.approx((2 + 4) / 2)
    dcg = 2 / 5 * (1 / math.log2(2) + 1 / math.log2(3))
    ideal = 1 / math.log2(2) + 1 / math.log2(3)
    assert one(ndcg_at_k, np.array(hits, int), scores, k=2) == pytest.approx(dcg / ideal)


def test_recall_counts_every_hit_in_its_denominator():
    assert one(recall_at_k, [True] * 4 + [False], [5, 4, 3, 2, 1], k=2) == 2 / 4


def test_missing_scores_rank_last_and_tie_with_each_other():
    hits, scores = [True, False, False], [float("nan"), float("nan"), -9.0]
    assert one(mrr, hits, scores) == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert one(auc, hits, scores) == (0 + 1 / 2) / 2


def test_infinite_scores_are_ordered():
    assert one(mrr, [False, True, False], [math.inf, 0.0, -math.inf]) == 1 / 2
    assert one(mrr, [True, False], [-math.inf, float("nan")]) == 1.0


def test_cauc_keeps_only_candidates_of_the_category():
    hits = [True, True, False, False, False]
    scores = [0.9, 0.3, 0.5, 0.8, 0.1]
    within = np.array([False, True, True, False, True])
    # left: the hit with .3 and the others with .5 and .1; it beats one of two
    assert one(cauc, hits, scores, same_category=within) == 1 / 2


# --- where there is no figure ----------------------------------------------------------------


@pytest.mark.parametrize("name", METRICS)
def test_a_campaign_without_a_hit_is_skipped_and_counted(name):
    ranked = rank_candidates(np.array([0, 0, 2]), np.array([1.0, 2.0, 3.0]), n_campaigns=3)
    got = METRICS[name](ranked, np.array([True, False, False]))
    assert np.isnan(got.values).tolist() == [False, True, True]
    assert got.reasons.tolist() == ["", NO_CANDIDATE, NO_HIT]
    assert got.n_skipped == {NO_CANDIDATE: 1, NO_HIT: 1}
    assert got.mean == got.values[0]


@pytest.mark.parametrize("name", METRICS)
def test_no_campaign_at_all(name):
    ranked = rank_candidates(np.zeros(0, dtype=int), np.zeros(0))
    got = METRICS[name](ranked, np.zeros(0, dtype=bool))
    assert got.values.shape == (0,)
    assert math.isnan(got.mean)


def test_auc_needs_somebody_unhired():
    ranked = rank_candidates(np.zeros(2, dtype=int), np.array([1.0, 2.0]))
    assert auc(ranked, np.array([True, True])).reasons.tolist() == [NO_OTHER]


def test_cauc_says_why_it_is_undefined():
    ranked = rank_candidates(np.array([0, 0, 1]), np.array([1.0, 2.0, 3.0]))
    got = cauc(ranked, np.array([True, False, False]), same_category=np.array([True, False, False]))
    assert got.reasons.tolist() == [NO_OTHER_IN_CATEGORY, NO_HIT]


def test_a_figure_without_value_or_reason_cannot_be_built():
    with pytest.raises(DataError, match=r"1 of 2 are NaN without a reason .*\(campaigns \[1\]\)"):
        CampaignValues(np.array([0.5, np.nan]), np.array(["", ""]))


def test_arrays_of_different_length_are_refused():
    with pytest.raises(DataError, match=r"shape \(2,\), `scores` \(3,\)"):
        rank_candidates(np.array([0, 1]), np.array([0.1, 0.2, 0.3]))


def test_labels_of_other_rows_are_refused():
    ranked = rank_candidates(np.array([0, 0]), np.array([0.1, 0.2]))
    with pytest.raises(DataError, match="expected labels for the same rows"):
        auc(ranked, np.array([True]))


def test_negative_codes_are_refused():
    with pytest.raises(DataError, match="codes from -1 to 0; expected 0 to 0"):
        rank_candidates(np.array([-1, 0]), np.array([0.1, 0.2]))


def test_negative_grades_are_refused():
    ranked = rank_candidates(np.array([0, 0]), np.array([0.1, 0.2]))
    with pytest.raises(DataError, match="1 of 2 grades are negative or missing"):
        ndcg_at_k(ranked, np.array([1, -1]), k=5)


def test_k_below_one_is_refused():
    ranked = rank_candidates(np.array([0]), np.array([0.1]))
    with pytest.raises(DataError, match="`k` is 0"):
        recall_at_k(ranked, np.array([True]), k=0)


# --- by another road -------------------------------------------------------------------------


@given(campaigns_with_ties(max_rows=12), st.integers(1, 12))
def test_ndcg_agrees_with_scikit_learn_on_exponential_gains(data, k):
    codes, _, scores = data
    scores = np.nan_to_num(scores, nan=-1e9)
    grades = (np.arange(codes.size) * 7919 + codes) % 5
    got = ndcg_at_k(rank_candidates(codes, scores), grades, k=k)
    for code in np.unique(codes):
        rows = codes == code
        if rows.sum() > 1 and grades[rows].any():
            gains = 2.0 ** grades[rows] - 1
            expected = ndcg_score([gains], [scores[rows]], k=k)
            assert got.values[code] == pytest.approx(expected, abs=1e-12)


@given(campaigns_with_ties())
def test_auc_agrees_with_scikit_learn(data):
    codes, hits, scores = data
    scores = np.nan_to_num(scores, nan=-1e9)
    got = auc(rank_candidates(codes, scores), hits)
    for code in np.unique(codes):
        rows = codes == code
        if hits[rows].any() and not hits[rows].all():
            expected = roc_auc_score(hits[rows], scores[rows])
            assert got.values[code] == pytest.approx(expected, abs=1e-12)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([1.0, 2.0])), min_size=1, max_size=6).filter(
        lambda rows: any(hit for hit, _ in rows)
    ),
    st.integers(1, 6),
)
def test_ties_agree_with_the_mean_over_all_their_orders(rows, k):
    hits, scores = np.array([hit for hit, _ in rows]), np.array([score for _, score in rows])
    found: dict[str, list[float]] = {name: [] for name in ("mrr", "medr", "recall", "ndcg")}
    for order in itertools.permutations(range(len(rows))):
        # a stable sort of a permuted list runs over every order of the ties equally often
        ranked = hits[sorted(order, key=lambda row: -scores[row])]
        ranks = np.flatnonzero(ranked) + 1
        found["mrr"].append(1 / ranks[0])
        found["medr"].append(float(np.median(ranks)))
        found["recall"].append(float(np.mean(ranks <= k)))
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, ranks.size) + 1))
        found["ndcg"].append(sum(1 / math.log2(r + 1) for r in ranks if r <= k) / ideal)
    assert one(mrr, hits, scores) == pytest.approx(np.mean(found["mrr"]))
    assert one(medr, hits, scores) == pytest.approx(np.mean(found["medr"]))
    assert one(recall_at_k, hits, scores, k=k) == pytest.approx(np.mean(found["recall"]))
    assert one(ndcg_at_k, hits.astype(int), scores, k=k) == pytest.approx(np.mean(found["ndcg"]))


def test_expected_reciprocal_rank_stays_exact_in_a_long_tie():
    n, m = 20_000, 3
    hits = np.arange(n) < m
    places = np.arange(1, n - m + 2, dtype=float)
    ways = (n - places) * (n - places - 1) / 2
    expected = np.sum(ways / places) / math.comb(n, m)
    assert one(mrr, hits, np.zeros(n)) == pytest.approx(expected, rel=1e-9)


# --- what may not change a figure ------------------------------------------------------------


@given(campaigns_with_ties(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_bit(data, random):
    codes, hits, scores = data
    order = list(range(codes.size))
    random.shuffle(order)
    n = int(codes.max()) + 1
    before = rank_candidates(codes, scores)
    after = rank_candidates(codes[order], scores[order], n_campaigns=n)
    for metric in METRICS.values():
        np.testing.assert_array_equal(
            metric(before, hits).values, metric(after, hits[order]).values
        )


@given(campaigns_with_ties())
def test_a_rising_transform_of_the_scores_changes_nothing(data):
    codes, hits, scores = data
    before, after = rank_candidates(codes, scores), rank_candidates(codes, np.exp(scores) * 3 - 7)
    for metric in METRICS.values():
        np.testing.assert_array_equal(metric(before, hits).values, metric(after, hits).values)


@given(campaigns_with_ties())
def test_negated_scores_give_the_complement_of_auc(data):
    codes, hits, scores = data
    scores = np.nan_to_num(scores, nan=0.5)
    up, down = auc(rank_candidates(codes, scores), hits), auc(rank_candidates(codes, -scores), hits)
    np.testing.assert_allclose(up.values, 1 - down.values, atol=1e-12)


@given(campaigns_with_ties(), st.integers(1, 50))
def test_ranges_and_ideal_order(data, k):
    codes, hits, scores = data
    ranked, grades = rank_candidates(codes, scores), hits * 3
    ideal = rank_candidates(codes, grades.astype(float))
    ndcg = ndcg_at_k(ranked, grades, k=k).values
    defined = ~np.isnan(ndcg)
    assert np.all((ndcg[defined] >= 0) & (ndcg[defined] <= 1 + 1e-12))
    assert ndcg_at_k(ideal, grades, k=k).values[defined] == pytest.approx(1.0)
    assert np.all(recall_at_k(ranked, hits, k=codes.size).values[defined] == pytest.approx(1.0))
    assert np.all(mrr(ideal, hits).values[defined] == pytest.approx(1.0))


@given(campaigns_with_ties(), st.integers(1, 20))
def test_recall_grows_with_k(data, k):
    codes, hits, scores = data
    ranked = rank_candidates(codes, scores)
    fewer, more = recall_at_k(ranked, hits, k=k).values, recall_at_k(ranked, hits, k=k + 1).values
    defined = ~np.isnan(fewer)
    assert np.all(more[defined] >= fewer[defined])


@given(campaigns_with_ties(), st.randoms(use_true_random=False))
def test_restricting_lists_equals_ranking_what_is_left(data, random):
    codes, hits, scores = data
    keep = np.array([random.random() < 0.6 for _ in codes])
    n = int(codes.max()) + 1
    restricted = rank_candidates(codes, scores).restrict(keep)
    afresh = rank_candidates(codes[keep], scores[keep], n_campaigns=n)
    for metric in METRICS.values():
        np.testing.assert_array_equal(
            metric(restricted, hits).values, metric(afresh, hits[keep]).values
        )
