"""Questions to the logs: typed, kept apart from edits, answered or declined with reasons."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from matcher.errors import ConfigError, SupportError, UsageError
from matcher.evaluation.effects.answer import EffectAnswer, answer_effect
from matcher.evaluation.effects.hires import look_at_hires
from matcher.evaluation.offpolicy.ask import value_of_model
from matcher.features.data import MarketData
from matcher.whatif.logs import (
    EffectQuestion,
    PolicyQuestion,
    ask_logs,
    parse_log_scenario,
    read_log_scenario,
)


def parse(*edits: dict, **more: object):
    values = {"version": 1, "name": "asked", "edits": list(edits), **more}
    return parse_log_scenario(values, where="here")


def test_a_file_of_questions_is_told_from_one_of_edits(tmp_path):
    path = tmp_path / "last-year.yaml"
    path.write_text("version: 1\nedits:\n  - {kind: policy, order: hire, outcome: reach}\n")
    found = read_log_scenario(path)
    assert found is not None
    assert (found.name, found.edits) == (
        "last-year", (PolicyQuestion(order="hire", outcome="reach"),)
    )  # fmt: skip
    path.write_text("version: 1\nedits:\n  - {kind: brief, n_posts: 2}\n")
    assert read_log_scenario(path) is None
    assert parse_log_scenario({"version": 1, "edits": "none"}, where="here") is None


@pytest.mark.parametrize(
    ("edits", "match"),
    [
        ([{"kind": "policy", "order": "hyre"}], "edits.0.*did you mean 'hire'"),
        ([{"kind": "policy", "outcome": "clicks"}], "'clicks' is unknown; did you mean"),
        ([{"kind": "effect", "term": "n_post"}], "did you mean 'n_posts'"),
        ([{"kind": "effect"}], "`term`"),
        ([{"kind": "effect", "term": "n_posts", "strength": -1}], "strength"),
        ([{"kind": "policy"}, {"kind": "policy", "ordr": "hire"}], "edits.1.*did you mean `order`"),
        ([{"kind": "policy"}, {"kind": "brief"}], r"stand beside other edits \(brief\)"),
    ],
)
def test_what_cannot_be_asked_is_named(edits, match):
    with pytest.raises(ConfigError, match=match):
        parse(*edits)


def test_a_version_of_another_form_is_refused():
    with pytest.raises(ConfigError, match="version"):
        parse({"kind": "policy"}, version=2)


def test_the_digest_is_that_of_the_questions():
    one, two = {"kind": "policy"}, {"kind": "effect", "term": "n_posts"}
    assert parse(one, two).digest == parse(two, one, name="other").digest
    assert parse(one, two).digest != parse(one).digest


def test_answers_are_those_of_the_estimators(shop):
    asked = parse({"kind": "effect", "term": "n_posts"}, {"kind": "effect", "term": "fee_per_post"})
    told = []
    found = ask_logs(
        shop.model, shop.data, [asked], progress=lambda step, done, _: told.append((step, done))
    )
    assert [one.question for one in found] == [
        EffectQuestion(term="n_posts"), EffectQuestion(term="fee_per_post")
    ]  # fmt: skip
    assert told == [("logs", 0), ("logs", 1), ("logs", 2)]
    hires = look_at_hires(shop.data, shop.model.settings)
    for one in found:
        same = answer_effect(hires, one.question.term)
        assert isinstance(one.answer, EffectAnswer)
        assert one.answer.to_dict() == same.to_dict()
        assert one.is_declined == same.is_declined
        for language in ("en", "vi"):
            lines = one.lines(language)
            assert lines[0] == f"asked: {same.verdict(language)}"
            assert lines[1] == same.grade(language)
        assert json.loads(json.dumps(one.to_dict(), allow_nan=False))["digest"] == asked.digest
        assert set(one.table.columns) == {"estimate", "share", "low_share", "high_share"}
        if same.effect is not None:
            stated = one.table.set_index("estimate").loc["effect"]
            assert 1.0 + stated["share"] == pytest.approx(math.exp(same.effect.value))


def test_a_declined_effect_claims_nothing(shop):
    (found,) = ask_logs(shop.model, shop.data, [parse({"kind": "effect", "term": "disclosed"})])
    assert found.is_declined
    assert not {"effect", "bound"} & set(found.table["estimate"])
    assert found.lines("en")[1] == "the logs cannot say"


def test_a_log_that_the_model_may_have_learnt_from_is_refused(shop):
    match = "18 campaigns of the log were decided before .* when the model was closed"
    with pytest.raises(SupportError, match=match):
        value_of_model(shop.model, shop.data)
    # Asked beside others it is refused by itself, and the others are answered.
    others = [{"kind": "effect", "term": term} for term in ("n_posts", "fee_per_post")]
    found = ask_logs(shop.model, shop.data, [parse({"kind": "policy"}, *others)])
    alone = ask_logs(shop.model, shop.data, [parse(*others)])
    assert [one.answer.to_dict() for one in found[1:]] == [one.answer.to_dict() for one in alone]
    assert found[0].is_declined
    assert found[0].table.empty
    for language, said in (("en", "The logs cannot say what this model"), ("vi", "Nhật ký không")):
        verdict, grade = found[0].lines(language)
        assert verdict.startswith(f"asked: {said}")
        assert "matcher train --until" in verdict
        assert grade == found[0].answer.grade(language)


def test_a_market_without_a_log_says_what_to_log(shop):
    market = shop.data.market
    bare = replace(
        market, tables={**market.tables, "decisions": market.tables["decisions"].head(0)}
    )
    (found,) = ask_logs(shop.model, MarketData(bare), [parse({"kind": "policy"})])
    assert "recommend --explore 0.2" in found.lines("en")[0]
    assert "nhật ký quyết định" in found.lines("vi")[0]


def test_all_questions_about_unknown_policies_are_named(shop):
    asked = [parse({"kind": "policy", "policy_id": name}, name=name) for name in ("a", "b")]
    with pytest.raises(
        UsageError, match=r"2 scenarios cannot be asked:\n- scenario a: .*\n- scenario b: "
    ):
        ask_logs(shop.model, shop.data, asked)


def test_answers_of_the_logs_state_their_support_in_both_languages(shop):
    asked = parse({"kind": "effect", "term": "n_posts"}, {"kind": "effect", "term": "disclosed"})
    for one in ask_logs(shop.model, shop.data, [asked]):
        assert one.lines("en")[2].startswith("support: ")
        assert one.lines("vi")[2].startswith("cơ sở dữ liệu: ")


def test_a_policy_may_be_named_as_lists_name_their_order():
    found = parse({"kind": "policy", "order": "fit"}).edits[0]
    assert found.order == "hire"
    with pytest.raises(ConfigError, match="expected one of fit, hire, deliver, outcome"):
        parse({"kind": "policy", "order": "fame"})
