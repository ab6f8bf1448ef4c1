"""What a list says its accounts bring, one by one and together."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from scipy.special import ndtri

from matcher.market.brief import Brief
from matcher.ranking.outcomes.conformal import LEVELS
from matcher.ranking.outcomes.distribution import Distributions
from matcher.recommend.fees import Fees
from matcher.recommend.outcomes import OUTCOME_COLUMNS, TOTAL_COLUMNS, Expectations, goal_outcome

N = 4


def make(kind: Literal["level", "count", "rate"] = "level", posts: float = 2.0) -> Distributions:
    table = ndtri(LEVELS)[None, :]
    return Distributions(
        outcome="engagements",
        kind=kind,
        centre=np.linspace(5.0, 8.0, N) if kind != "rate" else np.full(N, -4.0),
        spread=np.full(N, 0.7),
        n_posts=np.full(N, posts),
        cells=np.zeros(N, dtype=np.int64),
        errors=table,
        plain=table,
        outside=np.array([False, False, False, True]),
        expected=np.full(N, np.nan),
        factor=1.0,
        shared=0.2,
    )


def fees() -> Fees:
    known = np.array([100.0, 200.0, np.nan, 400.0])
    nothing = np.full(N, np.nan)
    return Fees("VND", known, nothing, nothing, np.zeros(N, dtype=bool), ("rate",) * N, ("",) * N)


def held(kind: Literal["level", "rate"] = "level") -> Expectations:
    name = "trust_proxy" if kind == "rate" else "engagements"
    return Expectations(name, {name: make(kind)}, np.full(N, 1.5))


def brief(**values: object) -> Brief:
    return Brief.model_validate({"brief_id": "b", "brief": "mì cay", **values})


def test_a_cost_is_the_fee_of_all_posts_per_outcome_at_the_middle() -> None:
    found = held().columns(brief(), fees(), "en")
    np.testing.assert_allclose(
        found["cost_per_outcome"], 2.0 * fees().fee / found["outcome_median"]
    )
    assert found["cost_per_outcome_low"][0] < found["cost_per_outcome"][0]
    assert found["cost_per_outcome"][0] < found["cost_per_outcome_high"][0]
    assert np.isnan(found["cost_per_outcome"][2])


def test_a_rate_has_no_cost_and_no_sum() -> None:
    expected = held("rate")
    found = expected.columns(brief(objective="trust"), fees(), "vi")
    assert np.isnan(found["cost_per_outcome"]).all()
    total = expected.total(brief(objective="trust"))
    assert total["total_expected"] == pytest.approx(found["outcome_expected"].mean())


def test_a_goal_is_shared_out_over_the_creators_asked_for() -> None:
    asked = brief(kpi_goal=8_000, n_creators=4)
    found = held().columns(asked, fees(), "en")
    assert set(found["outcome_goal"]) == {2_000.0}
    assert (np.diff(found["outcome_goal_chance"]) > 0).all()
    total = held().total(asked)
    assert 0.0 < total["total_goal_chance"] < 1.0
    assert total["total_low"] < total["total_median"] < total["total_high"]
    assert total["total_expected"] == pytest.approx(found["outcome_expected"].sum())


@pytest.mark.parametrize("kind", ["level", "rate"])
@pytest.mark.parametrize("level", [0.2, 1.0, 5.0])
def test_the_total_expected_is_one_that_its_range_allows(
    kind: Literal["level", "rate"], level: float
) -> None:
    own = make(kind)
    apart = replace(own, expected=level * own.mean())
    total = Expectations(own.outcome, {own.outcome: apart}, np.full(N, 1.5)).total(brief())
    low, median, high = (total[f"total_{part}"] for part in ("low", "median", "high"))
    # The last tenth brings five times the upper end at the very most.
    least = 0.4 * low + 0.4 * median + 0.1 * high
    most = 0.1 * low + 0.4 * median + 0.4 * high + 0.1 * 5.0 * high
    assert least <= total["total_expected"] <= most
    plain = Expectations(own.outcome, {own.outcome: own}, np.full(N, 1.5)).total(brief())
    assert median == pytest.approx(level * plain["total_median"], rel=0.02)


def test_a_goal_of_another_figure_is_not_taken_for_one_of_the_outcome() -> None:
    assert goal_outcome(brief(kpi_goal=5, kpi="Engagements"), "engagements")
    assert not goal_outcome(brief(kpi_goal=5, kpi="brand lift"), "engagements")
    assert not goal_outcome(brief(kpi="engagements"), "engagements")
    found = held().columns(brief(kpi_goal=5, kpi="brand lift"), fees(), "en")
    assert np.isnan(found["outcome_goal_chance"]).all()


def test_every_column_is_there_whatever_is_predicted() -> None:
    nothing = Expectations(None, {}, np.full(N, np.nan), "too few posts were measured")
    for expected in (held(), nothing):
        found = expected.columns(brief(), fees(), "en")
        assert set(OUTCOME_COLUMNS) <= set(found)
        assert {len(found[name]) for name in OUTCOME_COLUMNS} == {N}
        assert set(expected.total(brief())) == set(TOTAL_COLUMNS)
    notes = nothing.columns(brief(), fees(), "en")["outcome_note"]
    assert notes[0] == "No outcome is predicted: too few posts were measured."


def test_sentences_tell_the_range_and_what_it_rests_on() -> None:
    found = held().columns(brief(), fees(), "en")["outcome_note"]
    assert found[0].startswith("295 engagements from 2 posts; 8 of 10 such hires bring ")
    assert "beyond any learnt from" in found[3]
    assert "beyond any learnt from" not in found[0]


@pytest.mark.parametrize("is_fallback", [True, False])
def test_ranges_that_no_hire_calibrated_are_said_to_be_those_of_posts(is_fallback: bool) -> None:
    expected = replace(held(), from_posts_alone=True, is_fallback=is_fallback)
    cases: tuple[tuple[Literal["en", "vi"], str, str, str], ...] = (
        ("en", "8 of 10 such public posts", "8 of 10 such hires", "learnt from hires."),
        ("vi", "8 trong 10 bài đăng", "8 trong 10 lần hợp tác", "gì từ các lần hợp tác."),
    )
    for language, posts, hires, why in cases:
        said = expected.columns(brief(), fees(), language)["outcome_note"][0]
        assert posts in said
        assert hires not in said
        assert said.endswith(why) is is_fallback
