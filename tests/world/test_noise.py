"""Random numbers by key: uniform, independent by name and row, and the same for ever."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from matcher.world.noise import KeyedNoise, keyed_uniforms

N = 50_000


def test_uniforms_are_uniform_and_unrelated_across_names_keys_and_seeds() -> None:
    rows = np.arange(N)
    draws = [
        keyed_uniforms(1, "a", rows),
        keyed_uniforms(1, "b", rows),
        keyed_uniforms(2, "a", rows),
        keyed_uniforms(1, "a", rows + 1),
        keyed_uniforms(1, "a", rows, np.zeros(N, np.int64)),
    ]
    for draw in draws:
        assert stats.kstest(draw, "uniform").pvalue > 1e-3
    related = np.corrcoef(draws[:3] + draws[4:]) - np.eye(4)
    assert np.abs(related).max() < 0.02
    assert draws[3][:-1] == pytest.approx(draws[0][1:])


def test_known_values_stay_as_they_are() -> None:
    found = keyed_uniforms(7, "exposure", np.array([0, 1, 2]), np.array([5, 5, 5]))
    assert found == pytest.approx([0.571086276926609, 0.25449039924499145, 0.8102514928224733])


@pytest.mark.parametrize("mean", [0.02, 0.7, 4.0, 60.0, 199.0, 201.0, 5_000.0])
def test_poisson_counts_are_the_quantiles_of_another_implementation(mean: float) -> None:
    noise = KeyedNoise(3, np.arange(4_000))
    counts = noise.poisson("count", np.full(4_000, mean))
    expected = stats.poisson.ppf(noise.uniform("count"), mean)
    # The expansion used for large means may be off by one.
    assert np.abs(counts - expected).max() <= (0 if mean < 200 else 1)


@given(st.floats(0, 5_000), st.floats(1, 3))
def test_counts_never_fall_when_their_mean_rises(mean: float, factor: float) -> None:
    noise = KeyedNoise(5, np.arange(50))
    low = noise.poisson("count", np.full(50, mean))
    high = noise.poisson("count", np.full(50, mean * factor))
    assert (high >= low - (1 if mean * factor > 200 >= mean else 0)).all()
