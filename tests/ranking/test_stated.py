from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from matcher.errors import DataError, FeatureMismatchError
from matcher.ranking.stated import StatedRanker, describe_fallback

VALUES = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
    elements=st.floats(-4, 4) | st.just(np.nan),
)


def named(n: int) -> tuple[str, ...]:
    return tuple(f"f{number}" for number in range(n))


@given(values=VALUES)
def test_contributions_add_up_to_the_mean_with_the_unknown_in_the_middle(values):
    ranker = StatedRanker(named(values.shape[1]))
    scores, parts = ranker.score(values), ranker.contributions(values)
    expected = [sum(0.0 if v != v else v for v in row) / len(row) for row in values.tolist()]
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    np.testing.assert_allclose(parts.sum(axis=1), scores, atol=1e-12)
    assert (parts[:, -1] == 0).all()
    assert not parts[:, :-1][np.isnan(values)].any()


@given(values=VALUES, data=st.data())
def test_weights_are_those_of_a_mean(values, data):
    n = values.shape[1]
    drawn = np.array(data.draw(st.lists(st.floats(0.1, 1), min_size=n, max_size=n)))
    weights = drawn / drawn.sum()
    ranker = StatedRanker(named(n), tuple(weights.tolist()))
    np.testing.assert_allclose(ranker.score(values), np.nan_to_num(values) @ weights, atol=1e-12)


def test_nothing_is_scored_as_nothing():
    ranker = StatedRanker(("a", "b"))
    assert ranker.score(np.empty((0, 2))).shape == (0,)
    assert ranker.contributions(np.empty((0, 2))).shape == (0, 3)


@pytest.mark.parametrize(
    ("names", "weights"),
    [
        ((), ()),
        (("a", "b"), (1.0,)),
        (("a", "b"), (0.5, 0.6)),
        (("a", "b"), (1.5, -0.5)),
        (("a", "b"), (np.nan, 1.0)),
    ],
)
def test_weights_that_make_no_mean_are_refused(names, weights):
    with pytest.raises(DataError, match="one above 0 for each, together 1"):
        StatedRanker(names, weights)


def test_other_columns_are_refused():
    ranker = StatedRanker(("a", "b"))
    for method in (ranker.score, ranker.contributions):
        with pytest.raises(FeatureMismatchError, match="expected 2 columns"):
            method(np.zeros((3, 1)))


def test_digests_tell_rules_apart():
    rules = [
        StatedRanker(("a", "b")),
        StatedRanker(("b", "a")),
        StatedRanker(("a", "b"), (0.6, 0.4)),
    ]
    assert len({rule.digest_parts for rule in rules}) == 3


def test_only_the_fallback_is_described():
    assert describe_fallback({"n_hired": 3}) == ""
    facts = {"fallback": "plain", "no_history": "no table", "rule": "the mean of a"}
    said = describe_fallback({**facts, "trained_until": "2025"})
    assert "(trained until 2025) is the fallback `plain`" in said
    assert "(no table): fit is a stated rule, the mean of a" in said
    assert said.endswith("public posts alone, whose ranges are too narrow for hires")
    assert describe_fallback({**facts, "no_outcomes": "few"}).endswith("is not predicted")
