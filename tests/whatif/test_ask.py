from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from matcher.columns import PLATFORMS
from matcher.errors import ConfigError, DataError, SupportError, UsageError
from matcher.whatif.ask import compare_scenarios, what_if
from matcher.whatif.scenario import BASELINE

FEW = settings(
    max_examples=6,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
REACH = {"kind": "market", "platform_reach": {"tiktok": 0.8, "youtube": 0.8}}


def ask(shop: SimpleNamespace, **options: Any) -> Any:
    known = {"order": "outcome", "top_k": 5, "context": shop.context, **options}
    return what_if(shop.model, shop.data, shop.brief, **known)


def test_without_edits_nothing_changes(shop: SimpleNamespace) -> None:
    for order in ("fit", "deliver", "outcome", "value", "blend"):
        answer = ask(shop, order=order).compare().answers[0]
        assert answer.movement.overlap == 1.0
        assert (answer.movement.n_entered, answer.movement.n_left, answer.movement.n_moved) == (
            (0, 0, 0)
        )
        assert answer.movement.groups == {}
        for one in answer.outcomes:
            assert one.before == one.after
            assert (one.change, one.low, one.high, one.low_drawn, one.high_drawn) == (0,) * 5
            assert (one.share, one.low_share, one.high_share) == (0.0, 0.0, 0.0)
        assert answer.cost.before == answer.cost.after
        assert answer.data_hash == shop.data.market.data_hash


def test_the_list_is_that_of_recommend(shop: SimpleNamespace) -> None:
    from matcher.recommend.recommend import recommend

    found = ask(shop, order="value").set(n_posts=3, budget=8e6).compare()
    state_brief = shop.brief.model_copy(update={"n_posts": 3, "budget": 8e6})
    listed = recommend(
        shop.model, shop.data, [state_brief], order="value", top_k=5, settings=shop.settings
    ).frame
    assert found.answers[0].ranking["account_id"].tolist() == listed["account_id"].tolist()
    np.testing.assert_allclose(found.answers[0].ranking["fee"], listed["fee"])


@FEW
@given(
    st.permutations(
        [
            {"kind": "brief", "n_posts": 3},
            {"kind": "brief", "audience_age": ["25-34"]},
            {"kind": "influencer", "account_id": "acc_000002", "price_factor": 0.5},
            {"kind": "market", "unavailable": ["acc_000003"]},
            REACH,
        ]
    )
)
def test_independent_edits_commute(shop: SimpleNamespace, edits: list[dict[str, Any]]) -> None:
    one = shop.open("value").state(shop.scenario(*edits))
    other = shop.open("value").state(shop.scenario(*edits[::-1]))
    assert one.ranked.scores.equals(other.ranked.scores)
    assert one.order.tolist() == other.order.tolist()


@FEW
@given(st.floats(0.2, 0.95), st.integers(2, 6))
def test_stated_monotonicities_hold(shop: SimpleNamespace, factor: float, n: int) -> None:
    desk = shop.open()
    reach = dict.fromkeys(("tiktok", "youtube", "facebook", "instagram"), factor)
    less = compare_scenarios(
        desk,
        [
            shop.scenario({"kind": "market", "platform_reach": reach}, name="less"),
            shop.scenario({"kind": "brief", "n_posts": n}, name="more"),
        ],
    ).answers
    assert all(one.change <= 0 or one.outcome == "trust_proxy" for one in less[0].outcomes)
    for one in less[1].outcomes:
        if one.outcome == "trust_proxy":
            continue
        usual = shop.model.outcomes.usual_posts
        assert one.after == pytest.approx(one.before * n / usual, rel=0.02, abs=1.0)
    # A lower price lifts an account, a higher one drops it, where lists go by value.
    valued = shop.open("value")
    for account in valued.base.ids(valued.base.order[[3, 8]]):
        ranks = [
            valued.state(
                shop.scenario({"kind": "influencer", "account_id": account, "price": price})
            ).rank_of(account)
            for price in (1e5, 1e6, 1e7)
        ]
        # Another account of the person may come to stand above it.
        known = [rank for rank in ranks if rank is not None]
        assert known == sorted(known)
        assert known


def test_market_edits_take_away_and_add(shop: SimpleNamespace) -> None:
    desk = shop.open()
    first, second = desk.base.ids(desk.base.order[:2])
    gone = desk.state(
        shop.scenario({"kind": "market", "unavailable": [first], "hired_by_rival": [second]})
    )
    assert gone.rank_of(first) is None
    assert gone.rank_of(second) is None
    joined = desk.state(
        shop.scenario(
            {
                "kind": "market",
                "new_accounts": [
                    {"account_id": "neu", "platform": "tiktok", "text": shop.brief.text}
                ],
            }
        )
    )
    assert joined.rank_of("neu") is not None
    assert len(joined.ranked.candidates) == len(desk.base.ranked.candidates) + 1
    assert joined.job.data.market.data_hash.startswith(shop.data.market.data_hash + "+")
    assert "neu" not in desk.base.ranked.candidates.account_ids


def test_answers_say_grade_support_and_verdict_in_both_languages(shop: SimpleNamespace) -> None:
    words = {"en": ("The model would say: ", "expected"), "vi": ("Mô hình sẽ nói: ", "dự kiến")}
    for language, (grade, expected) in words.items():
        asked = ask(shop, language=language).set_market(platform_reach={"tiktok": 0.5})
        answer = asked.called("half").compare().answers[0]
        assert answer.verdict.startswith(grade + "half: ")
        assert expected in answer.verdict
        assert answer.grade == "model"
        assert "effect" not in answer.verdict
        assert "tác động" not in answer.verdict
        assert answer.notes
    content = json.loads(json.dumps(asked.compare().to_dict(), allow_nan=False))
    assert content["answers"][0]["support"]["n_briefs"] > 0
    for name in ("model_id", "data_hash", "config_hash", "as_of", "seed"):
        assert content["audit"][name] is not None
    assert "<table>" in asked.compare()._repr_html_()


def test_an_order_that_does_not_react_says_so(shop: SimpleNamespace) -> None:
    answer = ask(shop).set_influencer("acc_000002", price_factor=0.5).compare().answers[0]
    assert any("No score moved" in note for note in answer.notes)
    assert any("Price acts on the order `value`" in note for note in answer.notes)


def test_the_same_question_gives_the_same_answer(shop: SimpleNamespace) -> None:
    asked = ask(shop).set(budget=9e6, brief="Tìm bạn ăn cay").set_market(**{
        key: value for key, value in REACH.items() if key != "kind"})  # fmt: skip
    one, other = asked.compare(seed=3), ask(shop, context=None)
    again = type(asked)(other.desk, asked.edits, asked.name).compare(seed=3)
    assert one.to_dict() == again.to_dict()
    assert one.to_dict() != asked.compare(seed=4).to_dict()


def test_what_cannot_be_asked(shop: SimpleNamespace) -> None:
    with pytest.raises(DataError, match="not in the market: .*did you mean 'acc_000002'"):
        ask(shop).set_influencer("acc_0000002", price_factor=0.5).compare()
    unused = set(PLATFORMS) - set(shop.data.market.tables["accounts"]["platform"])
    with pytest.raises(
        SupportError, match="scenario scenario: no account is eligible; .*platforms = "
    ):
        ask(shop).set(platforms=sorted(unused)[:1]).compare()
    with pytest.raises(DataError, match="no rate from .* to XAF"):
        ask(shop).set(currency="XAF").compare()
    with pytest.raises(DataError, match="no rate from EUR to VND"):
        ask(shop).set_influencer("acc_000001", price=5.0, currency="EUR").compare()
    with pytest.raises(ConfigError, match="`budget`: got -1"):
        ask(shop).set(budget=-1.0)
    with pytest.raises(ConfigError, match="did you mean `budget`"):
        ask(shop).set(budgt=1.0)
    fixed = shop.open(brief=shop.brief.model_copy(update={"must_have": ("acc_000001",)}))
    gone = shop.scenario({"kind": "market", "unavailable": ["acc_000001"]})
    with pytest.raises(ConfigError, match="must have .* which the scenario takes away"):
        fixed.state(gone)
    new = {"account_id": "acc_000001", "platform": "tiktok", "text": "x"}
    with pytest.raises(DataError, match="in the market already"):
        ask(shop).set_market(new_accounts=[new]).compare()
    with pytest.raises(SupportError, match="no price of acc_000001 is in force .* give `price`"):
        ask(shop).set_influencer("acc_000001", price_factor=0.5).compare()
    with pytest.raises(DataError, match="the budget is 0"):
        shop.open(brief=shop.brief.model_copy(update={"budget": 0.0}))
    with pytest.raises(UsageError, match="what_if: order"):
        ask(shop, order="rank")
    with pytest.raises(UsageError, match="expected Brief"):
        what_if(shop.model, shop.data, "brief.yaml")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            {"kind": "influencer", "account_id": "acc_000001", "price": 10.0, "currency": "JPY"},
            "không có tỷ giá từ JPY sang",
        ),
        (
            {"kind": "influencer", "account_id": "acc_000001", "price_factor": 0.5},
            "acc_000001 không có giá nào còn hiệu lực",
        ),
        (
            {"kind": "influencer", "account_id": "acc_000001", "formats": ["live"]},
            "acc_000001 không có giá nào còn hiệu lực nên không biết giá",
        ),
    ],
)
def test_refusals_are_of_the_language(
    shop: SimpleNamespace, edit: dict[str, Any], said: str
) -> None:
    fine, lacks = shop.scenario(name="fine"), shop.scenario(edit, name="lacks")
    found = compare_scenarios(shop.open("value", language="vi"), [fine, lacks])
    (refusal,) = found.refusals
    assert refusal.verdict.startswith(f"Mô hình không trả lời được: lacks: {said}")
    assert refusal.reason.startswith("scenario lacks: ")


def test_what_is_far_from_the_briefs_learnt_from_is_flagged(shop: SimpleNamespace) -> None:
    desk = shop.open()
    far = shop.scenario(
        {"kind": "brief", "budget": 1e15, "n_creators": 900, "brief": None, "title": "x"},
        name="far",
    )
    near, out = compare_scenarios(desk, [BASELINE, far]).answers
    assert out.support.percentile >= near.support.percentile
    assert out.support.is_outside
    assert "do not rely on it" in out.verdict
    with pytest.raises(SupportError, match="scenario far: lies beyond what the model learnt from"):
        compare_scenarios(desk, [far], refuse_outside=True)
