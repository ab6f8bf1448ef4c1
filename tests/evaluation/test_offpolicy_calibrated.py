"""The estimate that is stated: its arithmetic, when it is taken, and how far it may be off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.evaluation.offpolicy.calibrated import ALIKE, calibrate, choose_calibration
from matcher.evaluation.offpolicy.estimators import Evidence, Parts, estimate_parts
from matcher.evaluation.offpolicy.expected import Lesson, expect_outcomes
from matcher.evaluation.offpolicy.intervals import total_interval
from matcher.evaluation.offpolicy.log import DecisionLog
from matcher.evaluation.offpolicy.models import Inputs
from matcher.evaluation.offpolicy.policy import TargetPolicy
from matcher.evaluation.offpolicy.value import estimate_policy_value, learn

CODES = np.array([0, 0, 1, 1])
TARGET = np.array([0.8, 0.2, 0.4, 0.6])
LOGGED = np.array([0.4, 0.6, 0.8, 0.2])
CHOSEN = np.array([True, False, True, True])
OUTCOME = np.array([30.0, np.nan, 8.0, 50.0])
EXPECTED = np.array([20.0, 5.0, 10.0, 40.0])


def evidence(**changes):
    columns = {
        "codes": CODES, "n_campaigns": 2, "target": TARGET, "probability": LOGGED,
        "observed": CHOSEN, "outcome": OUTCOME, "seen": np.full(4, 0.5), "expected": EXPECTED,
    }  # fmt: skip
    return Evidence(**(columns | changes))


def test_a_calibration_by_hand():
    model = 0.8 * 20 + 0.2 * 5 + 0.4 * 10 + 0.6 * 40
    w = np.array([0.8 / 0.4, 0.4 / 0.8, 0.6 / 0.2])
    y, q = np.array([30.0, 8.0, 50.0]), np.array([20.0, 10.0, 40.0])
    assert calibrate(evidence()).value == pytest.approx(model * (w @ y) / (w @ q))
    clipped = np.minimum(w, 1.0)
    s = 0.3 * model / 2.0
    ratio = (clipped / (q + s) @ y) / (clipped / (q + s) @ q)
    assert calibrate(evidence(), clip=1.0, alike=0.3).value == pytest.approx(model * ratio)


def test_only_the_shape_of_what_is_expected_matters():
    one = calibrate(evidence(), alike=1.0)
    same = calibrate(evidence(expected=7.0 * EXPECTED), alike=1.0)
    assert same.value == pytest.approx(one.value)
    np.testing.assert_allclose(same.linear, one.linear)


@given(st.floats(0.1, 10.0), st.sampled_from(ALIKE), st.sampled_from([1.0, 2.0, np.inf]))
@settings(deadline=None, max_examples=30)
def test_outcomes_in_proportion_to_what_is_expected_give_the_value_itself(factor, alike, clip):
    brought = evidence(outcome=factor * EXPECTED)
    found = calibrate(brought, alike=alike, clip=clip)
    assert found.value == pytest.approx(factor * TARGET @ EXPECTED)
    np.testing.assert_allclose(found.linear, 0.0, atol=1e-9)


def test_nothing_observed_or_expected_gives_no_calibration():
    nobody = evidence(observed=np.zeros(4, bool))
    assert np.isnan(calibrate(nobody, alike=1.0).value)
    assert choose_calibration(nobody).parts.value == pytest.approx(TARGET @ EXPECTED)
    nothing = evidence(expected=np.zeros(4))
    assert np.isnan(calibrate(nothing, alike=1.0).value)
    found = choose_calibration(nothing)
    assert np.isnan(found.alike)
    assert found.parts.value == estimate_parts(nothing, "DR", clip=found.clip).value


def many(ratio, *, n=4_000, spread=0.3, seed=0):
    """Evidence of a log whose choices bring `ratio` of size times what is expected of them."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    expected = np.exp(2.0 * size)
    mean = ratio(size) * expected
    chance = 0.2 / (1.0 + np.exp(-size))
    target = 0.2 / (1.0 + np.exp(size))
    brought = mean * np.exp(rng.normal(-(spread**2) / 2.0, spread, n))
    log = Evidence(
        np.arange(n) // 10, n // 10, target, chance, rng.random(n) < chance, brought,
        np.ones(n), expected,
    )  # fmt: skip
    return log, float(target @ mean)


def test_choices_count_alike_where_ratios_do_not_depend_on_size():
    steady, whole, kept = [], [], 0
    for seed in range(30):
        log, true = many(lambda size: np.full(len(size), 1.4), spread=1.5, seed=seed)
        found = choose_calibration(log)
        kept += found.alike == ALIKE[0]
        steady.append(found.parts.value / true - 1.0)
        whole.append(estimate_parts(log, "DR").value / true - 1.0)
    assert kept >= 25
    assert np.mean(np.square(steady)) < 0.8 * np.mean(np.square(whole))


def test_a_calibration_that_the_doubly_robust_estimate_contradicts_is_not_taken():
    log, true = many(lambda size: np.where(size > 0, 3.0, 0.3), spread=0.1)
    steady, found = calibrate(log, alike=ALIKE[0]), choose_calibration(log)
    assert abs(steady.value / true - 1.0) > 0.2
    assert found.alike != ALIKE[0]
    assert abs(found.parts.value / true - 1.0) < 0.5 * abs(steady.value / true - 1.0)


def test_unknown_accounts_and_biases_lengthen_intervals():
    drawn = np.random.default_rng(0).normal(size=50)
    plain = total_interval(Parts(100.0, drawn, drawn), seed=0)
    unsure = total_interval(Parts(100.0, drawn, drawn, np.array([30.0, 40.0])), seed=0)
    biased = total_interval(Parts(100.0, drawn, drawn), seed=0, bias=-50.0)
    assert unsure == biased
    assert unsure.high - unsure.value == pytest.approx(
        np.hypot(plain.high - plain.value, 1.959964 * 50.0), rel=1e-6
    )
    assert unsure.value == plain.value


def test_a_policy_differs_from_itself_by_nothing_for_sure():
    drawn = np.random.default_rng(0).normal(size=50)
    one = Parts(100.0, drawn, drawn, np.array([30.0, 40.0]))
    same = total_interval(one.minus(one), seed=0)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    assert not same.is_sure
    biased = total_interval(one.minus(one), seed=0, bias=1.0)
    assert np.isnan(biased.low)


def test_doubts_of_the_same_accounts_cancel_in_differences():
    nothing = np.zeros(3)
    one = Parts(1.0, nothing, nothing, np.array([3.0, 1.0]))
    other = Parts(1.0, nothing, nothing, np.array([2.0, 1.0]))
    assert one.minus(other).variance == pytest.approx(1.0)
    assert one.minus(Parts(0.0, nothing, nothing)).variance == pytest.approx(10.0)
    assert one.times(2.0).variance == pytest.approx(40.0)


# --- what is expected -----------------------------------------------------------------------


def hires_log(n_campaigns=150, *, n=40, size=8, seed=0, tau=0.8, noise=0.5):
    """Log of a lottery among accounts whose level is partly hidden, and a policy for large ones."""
    rng = np.random.default_rng(seed)
    known, hidden = rng.normal(size=n), tau * rng.normal(size=n)
    chosen = np.concatenate([rng.permutation(np.arange(n) < size) for _ in range(n_campaigns)])
    mean = np.exp(4.0 + 1.5 * np.tile(known, n_campaigns) + np.tile(hidden, n_campaigns))
    rows = n * n_campaigns
    brought = mean * np.exp(rng.normal(-(noise**2) / 2.0, noise, rows))
    log = DecisionLog(
        campaign_ids=tuple(f"c{code:03d}" for code in range(n_campaigns)),
        codes=np.repeat(np.arange(n_campaigns), n),
        account_ids=np.array([f"a{row:02d}" for row in range(n)] * n_campaigns, dtype=object),
        probability=np.full(rows, size / n),
        chosen=chosen,
        outcome=np.where(chosen, brought, np.nan),
        waited_days=np.full(n_campaigns, 50.0),
    )
    wanted = np.tile(size * np.exp(0.5 * known) / np.exp(0.5 * known).sum(), n_campaigns)
    inputs = Inputs(np.tile(known, n_campaigns)[:, None], ("known",))
    policy = TargetPolicy("larger", np.minimum(wanted, 1.0), np.zeros(n_campaigns))
    return log, inputs, policy, mean


def test_what_an_account_brought_elsewhere_tells_what_it_will_bring():
    log, inputs, _, mean = hires_log()
    found = expect_outcomes(log, inputs)
    assert isinstance(found.lesson, Lesson)
    error = np.log(found.values) - np.log(mean)
    assert error.std() < 0.4
    doubt = found.lesson.doubt
    assert len(doubt) == 40
    assert ((doubt > 0) & (doubt < 0.3)).all()


def test_accounts_that_are_alike_leave_no_doubt():
    log, inputs, _, mean = hires_log(tau=0.0)
    found = expect_outcomes(log, inputs)
    assert (found.lesson.doubt < 0.1).all()
    assert np.std(np.log(found.values) - np.log(mean)) < 0.15


def test_values_and_intervals_where_outcomes_differ_by_orders_of_magnitude():
    errors, plain, held = [], [], []
    for seed in range(25):
        log, inputs, policy, mean = hires_log(60, seed=seed, noise=1.0)
        true = float(policy.probability @ mean)
        found = estimate_policy_value(log, policy, learn(log, inputs), seed=seed)
        rows = found.estimators.set_index("estimator")
        assert found.value.value == rows.loc["CAL", "value"]
        errors.append(found.value.value / true - 1.0)
        plain.append(rows.loc["IPS", "value"] / true - 1.0)
        held.append(found.value.low <= true <= found.value.high)
    assert np.mean(np.square(errors)) < 0.75 * np.mean(np.square(plain))
    # 25 draws of a coin that comes up in 95 of 100 give fewer than 20 once in 800 times.
    assert sum(held) >= 20


def test_platforms_whose_outcomes_spread_more_are_expected_to_bring_more():
    log, inputs, _, mean = hires_log(tau=0.0, noise=0.1)
    rng = np.random.default_rng(5)
    on = np.tile(np.arange(40) % 2, log.n_campaigns)
    wild = np.exp(rng.normal(0.0, 1.3, len(log)))
    wilder = DecisionLog(
        **{
            name: getattr(log, name)
            for name in ("campaign_ids", "codes", "account_ids", "probability", "chosen")
        },
        outcome=np.where(on == 1, log.outcome * wild, log.outcome),
        waited_days=log.waited_days,
    )
    values = np.column_stack([inputs.values, on == 0, on == 1]).astype(float)
    names = ("followers_log", "platform_instagram", "platform_tiktok")
    found = expect_outcomes(wilder, Inputs(values, names)).values
    quiet, loud = (found[on == side].sum() / mean[on == side].sum() for side in (0, 1))
    assert quiet == pytest.approx(1.0, abs=0.1)
    assert loud == pytest.approx(np.exp(1.3**2 / 2), rel=0.25)
