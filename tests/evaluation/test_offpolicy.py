"""What another policy would have brought: oracles by enumeration, refusals, bounds, words."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.config import Settings
from matcher.errors import DataError, SupportError, UsageError
from matcher.evaluation.offpolicy.ask import value_of_lists, value_of_model
from matcher.evaluation.offpolicy.bounds import GAMMAS, bound_totals
from matcher.evaluation.offpolicy.estimators import (
    Evidence,
    choose_clip,
    estimate_parts,
    estimator_names,
)
from matcher.evaluation.offpolicy.expected import expect_outcomes
from matcher.evaluation.offpolicy.intervals import Amount, total_interval
from matcher.evaluation.offpolicy.log import DecisionLog, read_log
from matcher.evaluation.offpolicy.models import Inputs, estimate_chances, race_chances
from matcher.evaluation.offpolicy.policy import (
    TargetPolicy,
    logged_policy,
    policy_of_frame,
    top_k_policy,
)
from matcher.evaluation.offpolicy.staffing import campaigns_since, staff_log
from matcher.evaluation.offpolicy.value import estimate_policy_value, learn, rows_to_judge
from matcher.evaluation.offpolicy.words import format_amount
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.recommend.explore import Lottery
from matcher.world.judge.bench import open_bench
from matcher.world.judge.judge import judge_predictions
from matcher.world.judge.predictions import parse_predictions
from matcher.world.knobs import WORLDS
from matcher.world.simulate import simulate_market
from matcher.world.truth import read_truth

TINY = Path(__file__).parents[2] / "data" / "tiny_market"

CODES = np.array([0, 0, 0, 1, 1, 1])
LOGGED = np.array([0.5, 0.3, 0.2, 0.1, 0.6, 0.3])
TARGET = np.array([0.1, 0.2, 0.7, 0.4, 0.4, 0.2])
MEANS = np.array([10.0, 20.0, 40.0, 5.0, 8.0, 30.0])
WRONG = np.array([7.0, 30.0, 12.0, 9.0, 1.0, 20.0])
SEEN = np.array([0.9, 0.5, 0.7, 0.8, 0.6, 1.0])


def evidence(observed, outcome=MEANS, *, target=TARGET, expected=WRONG, seen=SEEN):
    return Evidence(CODES, 2, target, LOGGED, np.asarray(observed), outcome, seen, expected)


def draws():
    """Every log in which each campaign chooses one, and its outcome is seen or not."""
    for first, second in product(range(3), range(3, 6)):
        for sights in product((True, False), repeat=2):
            chance, observed = 1.0, np.zeros(6, dtype=bool)
            for row, is_seen in zip((first, second), sights, strict=True):
                observed[row] = is_seen
                chance *= LOGGED[row] * (SEEN[row] if is_seen else 1 - SEEN[row])
            yield chance, observed


@pytest.mark.parametrize("estimator", ["IPS", "DR"])
def test_estimators_are_right_on_average_over_every_draw(estimator):
    mean = sum(p * estimate_parts(evidence(rows), estimator).value for p, rows in draws())
    assert sum(p for p, _ in draws()) == pytest.approx(1.0)
    assert mean == pytest.approx(TARGET @ MEANS, rel=1e-12)


def test_a_clip_shrinks_the_correction_of_what_it_clips_and_of_nothing_else():
    clip = 1.5
    mean = sum(p * estimate_parts(evidence(rows), "DR", clip=clip).value for p, rows in draws())
    kept = np.minimum(TARGET / LOGGED, clip) * LOGGED
    assert mean == pytest.approx(TARGET @ WRONG + kept @ (MEANS - WRONG), rel=1e-12)


def test_estimates_of_one_draw_by_hand():
    one = evidence([False, True, False, True, False, False])
    w = np.array([0.2 / 0.3 / 0.5, 0.4 / 0.1 / 0.8])
    y, q = np.array([20.0, 5.0]), np.array([30.0, 9.0])
    model = float(TARGET @ WRONG)
    expected = {
        "IPS": w @ y,
        "SNIPS": 2.0 * (w @ y) / w.sum(),
        "DM": model,
        "DR": model + w @ (y - q),
        "SNDR": model + 2.0 * (w @ (y - q)) / w.sum(),
    }
    assert tuple(expected) == estimator_names()
    for name, value in expected.items():
        assert estimate_parts(one, name).value == pytest.approx(value), name
    with pytest.raises(DataError, match="expected one of IPS, SNIPS"):
        estimate_parts(one, "MIPS")


def test_the_policy_that_wrote_the_log_is_worth_what_the_log_says():
    rows = [True, False, False, False, True, False]
    same = evidence(rows, target=LOGGED, seen=np.ones(6))
    assert estimate_parts(same, "IPS").value == MEANS[0] + MEANS[4]


def test_evidence_refuses_what_cannot_be():
    with pytest.raises(DataError, match="`expected` has shape"):
        evidence([False] * 6, expected=np.array([np.nan] * 6))
    with pytest.raises(DataError, match="had no chance"):
        Evidence(CODES, 2, TARGET, np.zeros(6), np.ones(6, bool), MEANS, SEEN, WRONG)
    with pytest.raises(DataError, match="above 0"):
        evidence([True] * 6, seen=np.zeros(6))


# --- logs that are drawn --------------------------------------------------------------------


def drawn_log(n_campaigns=80, *, n=30, size=4, seed=0, strength=1.0, noise=0.3):
    """Log of a race on known scores, the chances of another race, and its true value."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_campaigns * n, 3))
    bounds = np.arange(0, n_campaigns * n + 1, n)
    sizes = np.full(n_campaigns, size)
    chance = race_chances(values[:, 0], sizes, bounds)
    wanted = race_chances(values[:, 0] + strength * values[:, 1], sizes, bounds)
    chosen = np.zeros(len(values), dtype=bool)
    for first in bounds[:-1]:
        rows = first + rng.permutation(n)
        edges = np.floor(np.concatenate([[0.0], np.cumsum(chance[rows])]) + rng.random())
        chosen[rows] = np.diff(edges) > 0
    mean = np.exp(3.0 + 0.4 * values[:, 1] + 0.3 * values[:, 2])
    told = chosen & (rng.random(len(values)) < 0.85)
    brought = mean * np.exp(rng.normal(-(noise**2) / 2, noise, len(values)))
    log = DecisionLog(
        campaign_ids=tuple(f"c{code:03d}" for code in range(n_campaigns)),
        codes=np.repeat(np.arange(n_campaigns), n),
        account_ids=np.array([f"a{row:02d}" for row in range(n)] * n_campaigns, dtype=object),
        probability=chance,
        chosen=chosen,
        outcome=np.where(told, brought, np.nan),
        waited_days=np.linspace(300.0, 30.0, n_campaigns),
    )
    policy = TargetPolicy("another", wanted, np.zeros(n_campaigns))
    return log, Inputs(values, ("x", "y", "z")), policy, float(wanted @ mean)


@pytest.fixture(scope="module")
def drawn():
    log, inputs, policy, true = drawn_log()
    return log, inputs, policy, true, learn(log, inputs)


def test_estimates_come_near_the_truth_and_say_how_far_they_may_miss(drawn):
    log, _, policy, true, learnt = drawn
    found = estimate_policy_value(log, policy, learnt)
    assert not found.is_refused
    assert found.refusal() is None
    assert found.value.value == pytest.approx(true, rel=0.05)
    assert found.value.low < true < found.value.high
    assert found.difference.value == pytest.approx(found.value.value - found.logged.value)
    assert found.difference.low > 0
    assert found.bounds.empty
    assert found.support.weight_sum == pytest.approx(1.0, abs=0.1)


def test_intervals_of_95_percent_hold_about_as_often():
    held = []
    for seed in range(40):
        log, inputs, policy, true = drawn_log(60, seed=seed, noise=0.8)
        table = estimate_policy_value(log, policy, learn(log, inputs), seed=seed).estimators
        one = table.set_index("estimator").loc["DR"]
        held.append(one["low"] <= true <= one["high"])
    # 40 draws of a coin that comes up in 95 of 100 give fewer than 34 once in 70 times.
    assert sum(held) >= 34


def test_the_same_log_gives_the_same_answer(drawn):
    log, inputs, policy, _, learnt = drawn
    again = learn(log, inputs)
    one, two = (estimate_policy_value(log, policy, held) for held in (learnt, again))
    assert json.dumps(one.to_dict()) == json.dumps(two.to_dict())
    other = estimate_policy_value(log, policy, learnt, seed=1)
    assert other.value.value == one.value.value
    assert other.value.low != one.value.low


def test_chances_that_the_log_does_not_state_are_estimated_and_bounded(drawn):
    log, inputs, policy, true, _ = drawn
    blind = log.without_chances()
    learnt = learn(blind, inputs)
    sums = np.bincount(log.codes, weights=learnt.probability)
    np.testing.assert_allclose(sums, 4.0)
    assert np.corrcoef(np.log(learnt.probability), np.log(log.probability))[0, 1] > 0.95
    found = estimate_policy_value(blind, policy, learnt)
    assert found.value.value == pytest.approx(true, rel=0.1)
    assert "estimated" in found.grade()
    assert "ước lượng" in found.grade("vi")
    assert found.bounds["gamma"].tolist() == list(GAMMAS)
    told = found.told_difference
    assert told.low < found.difference.low
    assert told.high > found.difference.high
    assert "off by up to 1.5 in their odds" in found.verdict()
    assert "sai tới 1,5 lần" in found.verdict("vi")
    assert (found.bounds["low"].diff().dropna() < 0).all()
    assert (found.bounds["high"].diff().dropna() > 0).all()
    assert found.bounds.loc[0, "low"] == pytest.approx(found.value.low)
    assert found.bounds.loc[0, "difference_high"] == pytest.approx(found.difference.high)


@given(st.lists(st.floats(1.0, 5.0), min_size=2, max_size=2), st.integers(0, 63))
@settings(deadline=None, max_examples=40)
def test_bounds_widen_with_the_factor_and_hold_the_estimate(factors, rows):
    low, high = sorted(factors)
    one = evidence([bool(rows >> bit & 1) for bit in range(6)])
    inner, outer = bound_totals(one, low), bound_totals(one, high)
    value = estimate_parts(one, "DR").value
    slack = 1e-9 * (1 + abs(value))
    assert outer[0] - slack <= inner[0] <= value + slack
    assert value - slack <= inner[1] <= outer[1] + slack


def test_bounds_need_a_factor_of_1_or_more():
    with pytest.raises(UsageError, match="expected 1 or more"):
        bound_totals(evidence([False] * 6), 0.9)


def test_nothing_is_clipped_where_no_weight_is_large(drawn):
    log, _, _, _, learnt = drawn
    same = logged_policy(log, log.probability)
    found = estimate_policy_value(log, same, learnt)
    assert found.clip == np.inf
    assert found.difference.value == pytest.approx(0.0, abs=1e-9)


def test_a_clip_is_chosen_where_a_huge_weight_brings_nothing_but_noise():
    n = 400
    rng = np.random.default_rng(0)
    probability = np.full(n, 0.5)
    probability[::40] = 0.001
    observed = rng.random(n) < probability
    observed[::40] = np.arange(10) < 2
    outcome = 10.0 + rng.normal(size=n)
    one = Evidence(
        np.arange(n) // 4, 100, np.full(n, 0.3), probability, observed, outcome, np.ones(n),
        np.full(n, 10.0),
    )  # fmt: skip
    clip = choose_clip(one)
    whole = estimate_parts(one, "DR")
    clipped = estimate_parts(one, "DR", clip=clip)
    assert clip < 300
    assert clipped.variance < whole.variance
    assert abs(clipped.value - 1_200.0) < abs(whole.value - 1_200.0)


# --- refusals -------------------------------------------------------------------------------


def test_a_log_without_chance_answers_for_its_own_lists_alone(drawn):
    log, _, policy, _, learnt = drawn
    fixed = replace(log, probability=log.chosen.astype(float))
    learnt = replace(learnt, probability=fixed.probability)
    refused = estimate_policy_value(fixed, policy, learnt)
    assert refused.is_refused
    assert refused.value is None
    assert refused.difference is None
    assert refused.support.failures[0] == "outside"
    assert "written without chance" in refused.refusal()
    assert "--explore" in refused.refusal()
    assert "--explore" in refused.refusal("vi")
    assert refused.verdict().startswith("The logs cannot say what another would have brought")
    assert refused.verdict("vi").startswith("Nhật ký không cho biết")
    assert refused.grade() == "the logs cannot say"
    own = estimate_policy_value(fixed, logged_policy(fixed, fixed.probability), learnt)
    assert not own.is_refused


def test_few_campaigns_are_refused():
    log, inputs, policy, _ = drawn_log(40)
    found = estimate_policy_value(log, policy, learn(log, inputs))
    assert found.support.failures == ("campaigns",)
    assert "campaigns in effect, of 40; 50 are needed" in found.refusal()


def test_known_outcomes_that_do_not_stand_for_all_are_told_of(drawn):
    log, _, _, _, learnt = drawn
    asked = logged_policy(log, log.probability)
    plain = estimate_policy_value(log, asked, learnt)
    told = estimate_policy_value(log, asked, replace(learnt, seen=0.5 * learnt.seen))
    assert not any("stand for" in note.en for note in plain.notes)
    assert any("stand for" in note.en and "đại diện" in note.vi for note in told.notes)


def test_one_choice_that_carries_the_answer_is_refused(drawn):
    log, _, policy, _, learnt = drawn
    row = int(np.flatnonzero(log.chosen)[0])
    chance = log.probability.copy()
    chance[row] = 1e-5
    target = replace(policy, probability=np.where(np.arange(len(log)) == row, 1.0, chance))
    found = estimate_policy_value(
        replace(log, probability=chance), target, replace(learnt, probability=chance)
    )
    assert "share" in found.support.failures
    assert "one choice would carry" in found.refusal()


def test_chances_that_do_not_fit_the_choices_are_refused(drawn):
    log, _, policy, _, learnt = drawn
    wrong = replace(log, probability=np.minimum(log.probability * 0.5, 1.0))
    found = estimate_policy_value(wrong, policy, replace(learnt, probability=wrong.probability))
    assert "chances" in found.support.failures
    assert "do not fit its choices" in found.refusal()
    assert "không khớp" in found.refusal("vi")


def test_accounts_outside_of_the_log_count_and_too_many_are_refused(drawn):
    log, _, policy, _, learnt = drawn
    few = replace(policy, outside=np.full(log.n_campaigns, 0.1))
    found = estimate_policy_value(log, few, learnt)
    base = estimate_policy_value(log, policy, learnt)
    assert found.support.outside == pytest.approx(0.1 / 4.1)
    assert found.value.value == pytest.approx(base.value.value * 4.1 / 4.0)
    assert any("could not have made" in one for one in found.assumptions())
    many = replace(policy, outside=np.full(log.n_campaigns, 1.0))
    assert "outside" in estimate_policy_value(log, many, learnt).support.failures


def test_verdicts_say_it_in_both_languages(drawn):
    log, _, policy, _, learnt = drawn
    found = estimate_policy_value(log, policy, learnt)
    assert "Had another staffed these 80 campaigns, they would have brought" in found.verdict()
    assert "the difference is sure" in found.verdict()
    assert "khác biệt là chắc chắn" in found.verdict("vi")
    assert len(found.assumptions()) == len(found.assumptions("vi")) == 4
    assert found.grade() in ("the logs support", "the logs support, weakly")
    told = json.loads(json.dumps(found.to_dict()))
    assert told["verdict_vi"] == found.verdict("vi")
    assert told["gates_failed"] == []


# --- logs and policies ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probability": np.full(6, 1.5)}, "outside 0..1"),
        ({"probability": np.zeros(6)}, "is 0; log the chance"),
        ({"probability": np.array([0.5] * 5 + [np.nan])}, "state it for all, or for none"),
        ({"outcome": np.ones(6)}, "have an outcome but were not chosen .c0 a1"),
        ({"codes": CODES[::-1]}, "sort by campaign"),
        ({"chosen": np.ones(3, bool)}, "differ in length"),
        ({"waited_days": np.ones(1)}, "waits for 2 campaigns"),
    ],
)
def test_logs_that_contradict_themselves_are_refused(change, message):
    columns = {
        "campaign_ids": ("c0", "c1"),
        "codes": CODES,
        "account_ids": np.array(["a0", "a1", "a2"] * 2, dtype=object),
        "probability": LOGGED,
        "chosen": np.array([True, False, False] * 2),
        "outcome": np.array([1.0, np.nan, np.nan] * 2),
        "waited_days": np.array([10.0, 9.0]),
    }
    with pytest.raises(DataError, match=message):
        DecisionLog(**(columns | change))


def test_policies_of_frames_and_of_scores(drawn):
    log = drawn[0]
    rows = [(name, account, 0.5) for name in log.campaign_ids for account in ("a01", "z")]
    frame = pd.DataFrame(rows, columns=["campaign_id", "account_id", "probability"])
    found = policy_of_frame(log, frame, "half")
    assert found.probability.sum() == 0.5 * log.n_campaigns
    assert (found.outside == 0.5).all()
    assert found.n_expected == log.n_campaigns
    with pytest.raises(DataError, match="79 of 80 campaigns of the log have no row"):
        policy_of_frame(log, frame.head(2), "half")
    with pytest.raises(DataError, match="a pair stands twice"):
        policy_of_frame(log, pd.concat([frame, frame]), "half")
    with pytest.raises(DataError, match="column probability is missing"):
        policy_of_frame(log, frame.drop(columns="probability"), "half")
    with pytest.raises(DataError, match="chooses nobody"):
        policy_of_frame(log, frame.assign(probability=0.0), "half")
    scores = np.tile(np.arange(30.0), log.n_campaigns)
    best = top_k_policy(log, scores, "best")
    assert set(log.account_ids[best.probability == 1]) == {"a26", "a27", "a28", "a29"}
    people = np.tile(np.arange(30) // 2, log.n_campaigns).astype(object)
    apart = top_k_policy(log, scores, "best", persons=people, k=2)
    assert set(log.account_ids[apart.probability == 1]) == {"a27", "a29"}


def test_races_sum_to_what_is_asked_and_are_near_the_chances_of_drawn_lists():
    scores = np.random.default_rng(0).normal(size=40)
    chance = race_chances(scores, np.array([5]), np.array([0, 40]))
    assert chance.sum() == pytest.approx(5.0)
    assert (np.argsort(chance) == np.argsort(scores)).all()
    _, drawn, _ = Lottery(1.0 / scores.std(), n_draws=4_096).draw("b", scores, np.arange(40), 5)
    np.testing.assert_allclose(chance, drawn, atol=0.02)
    everybody = race_chances(scores, np.array([40, 0]), np.array([0, 40, 40]))
    assert (everybody == 1).all()


def test_too_little_to_learn_from_is_said():
    log, inputs, _, _ = drawn_log(10, size=3)
    with pytest.raises(SupportError, match="50 are needed to learn what an account would bring"):
        expect_outcomes(log, inputs)
    with pytest.raises(SupportError, match="50 are needed to estimate with which chance"):
        estimate_chances(log, inputs)
    with pytest.raises(DataError, match="rows for 300 candidates of the log"):
        expect_outcomes(log, Inputs(inputs.values[:5], inputs.names))
    with pytest.raises(DataError, match="values for 2 columns"):
        Inputs(inputs.values, ("x", "y"))


@pytest.mark.parametrize(
    ("value", "english", "vietnamese"),
    [
        (1_234_567.0, "1,230,000", "1.230.000"),
        (999.6, "1,000", "1.000"),
        (-0.01234, "-0.0123", "-0,0123"),
        (0.0, "0", "0"),
    ],
)
def test_numbers_read_as_a_language_writes_them(value, english, vietnamese):
    assert format_amount(value, "en") == english
    assert format_amount(value, "vi") == vietnamese


def test_intervals_without_spread_are_not_stated():
    one = evidence([False] * 6)
    found = total_interval(estimate_parts(one, "DM"), seed=0)
    assert np.isnan(found.low)
    assert not found.is_sure
    with pytest.raises(DataError, match="expected rising ends"):
        Amount(1.0, 2.0, 0.0)


# --- markets --------------------------------------------------------------------------------

SMALL = {
    "encoder": {"dim": 32, "epochs": 0},
    "ranker": {"n_trees": 20, "n_draws": 1},
    "outcome": {"n_periods": 0},
}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worlds")
    for world in ("default", "deterministic"):
        simulate_market(folder / world, n_influencers=150, n_campaigns=90, seed=4_001, world=world)
    return folder


@pytest.fixture(scope="module")
def market_data(worlds):
    return {
        world: MarketData(load_market(worlds / world, Settings().market))
        for world in ("default", "deterministic")
    }


def test_logs_of_markets_hold_every_closed_campaign(market_data):
    market = market_data["default"].market
    log = read_log(market)
    table = market.tables["decisions"].set_index(["campaign_id", "account_id"])
    keys = pd.MultiIndex.from_arrays([log.row_campaigns, log.account_ids])
    np.testing.assert_array_equal(log.probability, table["inclusion_probability"].reindex(keys))
    np.testing.assert_array_equal(log.chosen, table["chosen"].reindex(keys))
    told = market.tables["collaborations"].set_index(["campaign_id", "account_id"])["engagements"]
    np.testing.assert_array_equal(log.outcome[log.observed], told.reindex(keys)[log.observed])
    assert 0.5 < log.observed.sum() / log.chosen.sum() < 1
    assert "are not closed yet" in log.notes[0].en
    with pytest.raises(UsageError, match="expected one of logging"):
        read_log(market, policy_id="other")
    with pytest.raises(UsageError, match="expected one of engagements, views"):
        read_log(market, "applause")


def test_markets_without_decisions_say_what_to_log(tmp_path):
    shutil.copytree(TINY, tmp_path / "market")
    (tmp_path / "market" / "decisions.parquet").unlink()
    market = load_market(tmp_path / "market", Settings().market)
    with pytest.raises(SupportError, match="matcher recommend --explore"):
        read_log(market)


def test_a_model_is_asked_about_campaigns_after_it_was_closed(market_data, worlds):
    data, folder = market_data["default"], worlds / "default"
    log = read_log(data.market)
    campaigns = data.market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    cut = campaigns[log.campaign_ids[20]]
    model, _, _ = fit_model(data, cut, Settings.model_validate(SMALL))
    held = staff_log(model, data, log)
    assert held.log.campaign_ids == log.campaign_ids[20:]
    assert "20 of" in held.log.notes[-1].en
    assert held.inputs.values.shape == (len(held.log), len(held.inputs.names))
    policy = top_k_policy(held.log, held.scores, "the model", persons=held.persons)
    found = estimate_policy_value(held.log, policy, learn(held.log, held.inputs))
    assert found.support.n_campaigns == held.log.n_campaigns
    assert found.verdict()
    assert found.verdict("vi")
    rows = rows_to_judge(held.log, policy, found)
    judged = judge_predictions(open_bench(folder), parse_predictions(rows, "policies"))
    true = judged.rows.query("metric == 'true_value' and method == 'DR'")["value"].item()
    expected = read_truth(folder).expected(
        held.log.row_campaigns.tolist(), held.log.account_ids.tolist()
    )
    assert true == pytest.approx(policy.probability @ expected["engagements"].to_numpy())
    asked = value_of_model(model, data)
    assert asked.to_dict() == {**found.to_dict(), **_names(asked)}
    lists = rows[rows["method"] == "DR"].head(200)
    logged = logged_policy(log, log.probability).probability
    own = pd.DataFrame(
        {"campaign_id": log.row_campaigns, "account_id": log.account_ids, "probability": logged}
    )
    same = value_of_lists(model, data, own, name="the log's own").difference
    assert same is None or (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    for wrong in (("model", data), (model, "data")):
        with pytest.raises(UsageError, match="value_of_lists: "):
            value_of_lists(*wrong, own, name="the log's own")
    few = value_of_lists(model, data, lists, name="the list")
    assert few.support.n_campaigns == lists["campaign_id"].nunique()
    assert "are not staffed by the list" in few.notes[1].en
    with pytest.raises(SupportError, match="staffs none of the"):
        value_of_lists(model, data, lists.assign(campaign_id="x"), name="the list")
    with pytest.raises(DataError, match="column campaign_id is missing"):
        value_of_lists(model, data, lists[["account_id"]], name="the list")
    with pytest.raises(UsageError, match="expected one of hire, deliver, outcome"):
        staff_log(model, data, log, order="fame")
    with pytest.raises(SupportError, match="matcher train --until"):
        campaigns_since(data.market, log, pd.Timestamp("2100-01-01", tz="UTC"))


def _names(answer):
    told = answer.to_dict()
    return {name: told[name] for name in told if name.startswith(("policy", "verdict", "refusal"))}


def test_worlds_without_chance_are_refused(market_data):
    log = read_log(market_data["deterministic"].market)
    assert log.is_deterministic
    assert WORLDS["deterministic"].policy == "deterministic"
    scores = np.random.default_rng(0).random(len(log))
    inputs = Inputs(scores[:, None], ("score",))
    found = estimate_policy_value(log, top_k_policy(log, scores, "random"), learn(log, inputs))
    assert found.is_refused
    assert found.support.outside > 0.5
