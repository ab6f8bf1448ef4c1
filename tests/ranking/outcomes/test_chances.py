"""How far hires stand for all candidates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.config import Settings
from matcher.market.load import load_market
from matcher.market.market import Market, build_market
from matcher.ranking.outcomes.chances import (
    LEAST_CHANCE,
    LEAST_EFFECTIVE,
    count_effective,
    logged_chances,
    weigh_for_anyone,
)

MARKET = "data/tiny_market"


@pytest.fixture(scope="module")
def market() -> Market:
    return load_market(MARKET, Settings().market)


def with_log(market: Market, log: pd.DataFrame) -> Market:
    tables = {name: table.copy() for name, table in market.tables.items()}
    return build_market({**tables, "decisions": log}, settings=Settings().market)


def log_of(market: Market, rows: list[tuple[int, str, str, float, bool]]) -> pd.DataFrame:
    """Decisions on hires by their number: policy, instant, chance, whether chosen."""
    hires = market.tables["collaborations"]
    return pd.DataFrame(
        {
            "campaign_id": [hires["campaign_id"].iloc[row[0]] for row in rows],
            "account_id": [hires["account_id"].iloc[row[0]] for row in rows],
            "policy_id": [row[1] for row in rows],
            "logged_at": pd.to_datetime([row[2] for row in rows], utc=True),
            "score": np.nan,
            "inclusion_probability": [row[3] for row in rows],
            "chosen": [row[4] for row in rows],
        }
    )


def test_the_newest_decision_that_chose_counts(market: Market) -> None:
    log = log_of(
        market,
        [
            (0, "a", "2024-01-02", 0.3, True),
            (0, "b", "2024-01-03", 0.4, True),
            (0, "c", "2024-01-04", 0.9, False),
            (1, "a", "2024-01-02", 0.7, False),
            (2, "a", "2024-01-02", 0.0, True),
            (3, "a", "2024-01-02", 1.0, True),
        ],
    )
    hires = market.tables["collaborations"].iloc[:5]
    found = logged_chances(with_log(market, log), hires)
    np.testing.assert_array_equal(found, [0.4, np.nan, np.nan, 1.0, np.nan])


def test_certain_choices_tell_nothing(market: Market) -> None:
    log = log_of(market, [(0, "a", "2024-01-02", 1.0, True), (1, "a", "2024-01-02", 1.0, True)])
    found = logged_chances(with_log(market, log), market.tables["collaborations"].iloc[:3])
    assert np.isnan(found).all()


def test_without_a_log_nothing_is_known(market: Market) -> None:
    bare = with_log(market, market.tables["decisions"].iloc[:0])
    assert np.isnan(logged_chances(bare, market.tables["collaborations"].iloc[:4])).all()


@given(
    st.lists(
        st.tuples(st.floats(0.1, 1.0), st.one_of(st.none(), st.floats(0.001, 1.0))),
        min_size=1,
        max_size=200,
    )
)
def test_weights_are_worth_what_they_sum_to(rows: list[tuple[float, float | None]]) -> None:
    weights = np.array([one[0] for one in rows])
    chances = np.array([np.nan if one[1] is None else one[1] for one in rows])
    found = weigh_for_anyone(weights, chances)
    known = np.isfinite(chances)
    plain = np.where(known, weights, 0.0) / np.where(known, np.maximum(chances, LEAST_CHANCE), 1.0)
    if found is None:
        assert count_effective(plain) < LEAST_EFFECTIVE
        return
    assert (found[~known] == 0).all()
    np.testing.assert_allclose(found / found.sum(), plain / plain.sum())
    assert found.sum() <= weights[known].sum() * (1 + 1e-9)
    assert LEAST_EFFECTIVE <= count_effective(found) <= known.sum() * (1 + 1e-9)


def test_equal_chances_leave_weights_as_they_are() -> None:
    weights = np.linspace(0.5, 1.0, 40)
    found = weigh_for_anyone(weights, np.full(40, 0.2))
    assert found is not None
    np.testing.assert_allclose(found, weights)


def test_weighted_hires_stand_for_all_who_might_have_been_chosen() -> None:
    rng = np.random.default_rng(5)
    luck = rng.normal(size=40_000)
    chance = 0.02 + 0.28 / (1 + np.exp(-2 * luck))
    chosen = np.flatnonzero(rng.random(len(luck)) < chance)
    found = weigh_for_anyone(np.ones(len(chosen)), chance[chosen])
    assert found is not None
    assert luck[chosen].mean() > 0.4
    assert abs(np.average(luck[chosen], weights=found)) < 0.05
