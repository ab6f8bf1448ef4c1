"""What a term of a hire causes: known effects, hidden traits, bounds, and what is declined."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.config import Settings
from matcher.errors import DataError, SupportError, UsageError
from matcher.evaluation.effects.adjusted import estimate_effect, group_shares, leave_rests
from matcher.evaluation.effects.answer import answer_effect
from matcher.evaluation.effects.hires import TREATMENTS, Hires, look_at_hires, read_treatment
from matcher.evaluation.effects.sensitivity import (
    bias_bound,
    e_value,
    robustness_value,
    yardstick,
)
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.world.simulate import simulate_market
from matcher.world.truth import Intervention, read_truth

SMALL = Settings.model_validate({"encoder": {"dim": 32, "epochs": 0}})


def ordinary_least_squares(outcome, *columns):
    """Slope of the first column, its classical standard error, and degrees of freedom."""
    design = np.column_stack([*columns, np.ones(len(outcome))])
    inverse = np.linalg.inv(design.T @ design)
    slopes = inverse @ design.T @ outcome
    freedom = len(outcome) - design.shape[1]
    variance = ((outcome - design @ slopes) ** 2).sum() / freedom
    return slopes[0], np.sqrt(variance * inverse[0, 0]), freedom


def unexplained(target, *columns):
    design = np.column_stack([*columns, np.ones(len(target))])
    solved = np.linalg.lstsq(design, target, rcond=None)[0]
    return ((target - design @ solved) ** 2).sum()


def test_the_bias_of_a_hidden_trait_is_what_its_strength_says():
    rng = np.random.default_rng(0)
    known, hidden = rng.normal(size=(2, 500))
    treatment = 0.5 * known + 0.7 * hidden + rng.normal(size=500)
    outcome = 0.3 * treatment + known + 0.9 * hidden + rng.normal(size=500)
    short, error, freedom = ordinary_least_squares(outcome, treatment, known)
    whole, _, _ = ordinary_least_squares(outcome, treatment, known, hidden)
    treatment_share = 1 - unexplained(treatment, known, hidden) / unexplained(treatment, known)
    outcome_share = 1 - unexplained(outcome, treatment, known, hidden) / unexplained(
        outcome, treatment, known
    )
    bias = bias_bound(error, freedom, treatment_share=treatment_share, outcome_share=outcome_share)
    assert bias == pytest.approx(abs(short - whole), rel=1e-9)


def test_a_trait_of_the_robustness_value_explains_everything_away():
    share = robustness_value(0.4, 0.1, 200.0)
    bias = bias_bound(0.1, 200.0, treatment_share=share, outcome_share=share)
    assert bias == pytest.approx(0.4)
    assert robustness_value(0.0, 0.1, 200.0) == 0
    assert 0.99 < robustness_value(1e6, 0.1, 200.0) <= 1


@given(*[st.floats(0, 0.95)] * 2, *[st.floats(0, 3)] * 2)
def test_bounds_widen_with_the_strength_that_is_assumed(treatment, outcome, one, two):
    low, high = sorted((one, two))
    biases = []
    for strength in (low, high):
        own, other = yardstick(treatment, outcome, strength)
        biases.append(bias_bound(0.1, 100.0, treatment_share=own, outcome_share=other))
    assert biases[0] <= biases[1] * (1 + 1e-9) + 1e-12


def test_strengths_at_the_ends():
    assert yardstick(0.3, 0.3, 0.0) == (0.0, 0.0)
    assert yardstick(0.9, 0.1) == (1.0, 1.0)
    assert bias_bound(0.1, 100.0, treatment_share=1.0, outcome_share=1.0) == np.inf
    assert bias_bound(0.1, 100.0, treatment_share=1.0, outcome_share=0.0) == 0
    with pytest.raises(UsageError, match="`outcome_share` is 1.5"):
        bias_bound(0.1, 100.0, treatment_share=0.5, outcome_share=1.5)
    with pytest.raises(UsageError, match="expected 0..1 and 0 or more"):
        yardstick(0.5, 0.5, -1.0)


def test_e_values_are_those_of_the_paper():
    # VanderWeele and Ding (2017) give 7.26 for a risk ratio of 3.9.
    assert e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert e_value(1 / 3.9) == pytest.approx(e_value(3.9))
    assert e_value(1.0) == 1
    with pytest.raises(UsageError, match="expected more than 0"):
        e_value(0.0)


# --- hires that are made up -------------------------------------------------------------------


def made_hires(*, n_campaigns=60, n_accounts=60, each=10, slope=0.5, hidden=0.0, seed=0):
    """Hires whose outcome rises with the fee by a known slope, and with a hidden trait."""
    rng = np.random.default_rng(seed)
    campaign = np.repeat(np.arange(n_campaigns), each)
    n = len(campaign)
    account = np.concatenate(
        [rng.choice(n_accounts, each, replace=False) for _ in range(n_campaigns)]
    )
    fame = rng.normal(size=n_accounts)[account]
    size = rng.normal(size=n_accounts)[account]
    mood = rng.normal(size=n)
    log_fee = 2.0 + size + 0.2 * mood + hidden * fame + 0.3 * rng.normal(size=n)
    log_outcome = 6.0 + slope * log_fee + 0.5 * size + 0.3 * mood + 2 * hidden * fame
    log_outcome = log_outcome + 0.4 * rng.normal(size=n)
    n_posts = rng.integers(1, 3, n).astype(float)
    outcome = n_posts * np.exp(log_outcome)
    frame = pd.DataFrame(
        {
            "campaign_id": [f"c{one}" for one in campaign],
            "account_id": [f"a{one}" for one in account],
            "person_id": [f"a{one}" for one in account],
            "platform": "tiktok",
            "format": rng.choice(["video", "image"], n),
            "n_posts": n_posts,
            "fee": n_posts * np.exp(log_fee),
            "currency": "VND",
            "budget_per_creator": 10.0,
            "disclosed": rng.choice([0.0, 0.5, 1.0], n),
            "outcome": outcome,
            "log_each": log_outcome,
        }
    )
    values = np.column_stack([size + 0.1 * rng.normal(size=n), mood])
    return Hires(frame, values, ("size", "mood"), ("reach", "relevance"), "engagements")


def test_a_known_effect_is_found_and_told():
    found = answer_effect(made_hires(), "fee_per_post", strength=0.2)
    true = 0.5 * np.log(2.0)
    assert found.effect.low < true < found.effect.high
    assert found.pooled.low < true + 0.05
    assert found.naive.low > true
    assert not found.hidden_in_accounts
    assert found.is_claimed
    assert found.bound[0] <= found.effect.low
    assert found.effect.high <= found.bound[1]
    assert found.yardstick in {"reach", "relevance"}
    assert 0 < found.robustness < 1
    assert found.estimate.weights.sum() == pytest.approx(1.0)
    assert found.verdict().startswith("Doubling the fee per post raises engagements per post (+")
    assert found.verdict("vi").startswith("Tăng gấp đôi phí mỗi bài làm tăng")
    assert "adjusted" in found.grade()
    assert len(found.assumptions("vi")) == 3


def test_what_is_hidden_in_accounts_moves_the_pooled_effect_alone():
    found = answer_effect(made_hires(hidden=0.5, each=20), "fee_per_post")
    true = 0.5 * np.log(2.0)
    assert found.effect.low < true < found.effect.high
    assert found.pooled.low > true
    assert found.hidden_in_accounts


def test_no_effect_is_not_claimed():
    found = answer_effect(made_hires(slope=0.0), "fee_per_post")
    assert not found.is_claimed
    assert found.effect.low < 0 < found.effect.high
    assert found.verdict().startswith("The logs do not show that doubling the fee per post")
    assert found.verdict("vi").startswith("Nhật ký không cho thấy")


def test_an_effect_that_something_hidden_could_explain_is_not_claimed():
    found = answer_effect(made_hires(), "fee_per_post", strength=30.0)
    assert found.effect.is_sure
    assert not found.is_claimed
    assert "so that no effect is claimed" in found.verdict()
    assert "không khẳng định" in found.verdict("vi")
    assert found.grade() == (
        "the logs support that the two go together, not that one causes the other"
    )
    assert "không ủng hộ rằng điều này gây ra" in found.grade("vi")


def test_posts_count_by_arithmetic_beside_what_each_brings():
    found = answer_effect(made_hires(), "n_posts")
    assert found.effect.low < np.log(2.0) < found.effect.high
    assert found.verdict().startswith("Doubling the number of posts raises engagements (+")


@pytest.mark.parametrize("name", ["format:video", "disclosed"])
def test_terms_without_effect_are_not_claimed(name):
    found = answer_effect(made_hires(), name)
    assert found.effect is not None
    assert not found.is_claimed


@pytest.mark.parametrize(
    ("hires", "name", "reason", "words"),
    [
        (made_hires(), "budget_per_creator", "constant", "the same in all hires"),
        (made_hires(n_campaigns=8), "fee_per_post", "hires", "too few hires"),
        (made_hires(n_accounts=10_000), "fee_per_post", "hires", "hired twice or more"),
        (made_hires(), "format:live", "hires", "too few hires"),
    ],
)
def test_what_the_logs_cannot_say_is_declined(hires, name, reason, words):
    found = answer_effect(hires, name)
    assert found.is_declined
    assert found.effect is None
    assert not found.is_claimed
    assert reason in found.declined
    assert words in found.decline()
    assert "vary the term by chance" in found.verdict()
    assert "ngẫu nhiên" in found.verdict("vi")
    assert json.loads(json.dumps(found.to_dict()))["effect"] is None


def test_a_term_that_is_settled_by_what_is_known_is_declined():
    hires = made_hires()
    fee = hires.frame["n_posts"] * np.exp(hires.values[:, 0])
    settled = Hires(
        hires.frame.assign(fee=fee), hires.values, hires.names, hires.groups, "engagements"
    )
    assert "free" in answer_effect(settled, "fee_per_post").declined
    few = hires.frame.assign(disclosed=np.where(np.arange(len(hires)) < 5, 1.0, 0.0))
    rare = Hires(few, hires.values, hires.names, hires.groups, "engagements")
    assert "kinds" in answer_effect(rare, "disclosed").declined


def test_equal_seeds_give_equal_answers():
    one, two = (answer_effect(made_hires(), "fee_per_post").to_dict() for _ in range(2))
    assert json.dumps(one) == json.dumps(two)
    assert one["verdict_vi"]
    assert one["step"] == "doubling"


def test_partial_shares_are_those_of_regressions():
    hires = made_hires()
    treatment = read_treatment(hires, "fee_per_post")
    rests = leave_rests(hires, treatment, within=False)
    found = group_shares(rests, treatment).set_index("group")
    groups = np.array(rests.groups)
    fee = rests.treatment
    rest = rests.design[:, groups != "reach"]
    k = rests.design.shape[1]
    full, less = unexplained(fee, rests.design), unexplained(fee, rest)
    n = len(fee)
    rank = np.linalg.matrix_rank(np.column_stack([rests.design, np.ones(n)]))
    less_rank = np.linalg.matrix_rank(np.column_stack([rest, np.ones(n)]))
    assert k >= rank - 1
    expected = 1 - (full / (n - rank)) / (less / (n - less_rank))
    assert found.loc["reach", "treatment_share"] == pytest.approx(expected, abs=1e-6)
    assert estimate_effect(rests, n_rows=n).n_hires == n


def test_strange_questions_are_refused():
    with pytest.raises(UsageError, match="expected one of fee_per_post, n_posts"):
        answer_effect(made_hires(), "horoscope")
    hires = made_hires()
    with pytest.raises(DataError, match="a group for each column"):
        Hires(hires.frame, hires.values, ("size",), ("reach",), "engagements")


# --- markets ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def market_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world") / "market"
    simulate_market(folder, n_influencers=120, n_campaigns=80, seed=4_002)
    return folder


def test_hires_of_a_market_hold_their_terms(market_folder):
    data = MarketData(load_market(market_folder, SMALL.market))
    hires = look_at_hires(data, SMALL)
    deals = data.market.tables["collaborations"].set_index(["campaign_id", "account_id"])
    keys = pd.MultiIndex.from_frame(hires.frame[["campaign_id", "account_id"]])
    for name, column in (("fee", "fee"), ("outcome", "engagements"), ("format", "format")):
        told = deals[column].reindex(keys)
        pd.testing.assert_series_equal(
            hires.frame[name].reset_index(drop=True),
            told.reset_index(drop=True),
            check_names=False,
            check_dtype=False,
        )
    assert hires.frame["disclosed"].dropna().between(0, 1).all()
    assert hires.frame["log_each"].notna().mean() > 0.3
    for name in TREATMENTS:
        assert len(read_treatment(hires, name).values) == len(hires)
    found = answer_effect(hires, "format:story")
    if found.effect is not None:
        truth = read_truth(market_folder)
        rows = hires.frame[found.estimate.weights > 0]
        pairs = rows["campaign_id"].tolist(), rows["account_id"].tolist()
        story = truth.expected(*pairs, Intervention(format="story"))["engagements"]
        assert (np.log(story).mean() < np.log(rows["outcome"] + 1).mean()) == (
            found.effect.value < 0
        )
    with pytest.raises(UsageError, match="expected one of engagements, views"):
        look_at_hires(data, SMALL, outcome="applause")


def test_markets_without_outcomes_are_refused(market_folder):
    data = MarketData(load_market(market_folder, SMALL.market))
    begin = data.market.as_of(data.market.tables["campaigns"]["decided_at"].min())
    with pytest.raises(SupportError, match="no hire of a campaign with a decision has reach"):
        look_at_hires(MarketData(begin), SMALL, outcome="reach")
