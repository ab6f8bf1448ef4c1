"""Grids, tornados, curves, sentences and entries state grade, support and a verdict."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from matcher.errors import SupportError
from matcher.whatif.ask import compare_scenarios
from matcher.whatif.curve import account_curve
from matcher.whatif.desk import open_desk
from matcher.whatif.extras import add_extras, parse_extras
from matcher.whatif.findings import SUPPORT_COLUMNS
from matcher.whatif.grid import grid_scenarios, parse_knob, score_grid, tornado
from matcher.whatif.plan_verdicts import say_plans
from matcher.whatif.planned import add_plans
from matcher.whatif.support import check_support
from matcher.whatif.verdicts import say_grid

GRADES = {"en": "The model would say: ", "vi": "Mô hình sẽ nói: "}


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_further_question_has_a_finding(shop: SimpleNamespace, language: str) -> None:
    desk = shop.open("value", language=language)
    account = desk.base.ids(desk.base.order)[8]
    held = parse_extras(["budget=4e6,9e9"], sentences=True, enter=account,
                        curve=f"{account}.price=1e5,1e6")  # fmt: skip
    found = add_extras(compare_scenarios(desk, []), desk, held)
    found = add_extras(found, desk, parse_extras(["budget=4e6,9e9", "n_posts=1,2"], tornado=True))
    assert set(found.findings) == {"grid", "sentences", "ways", "curve", "tornado"}
    for name, said in found.findings.items():
        assert said.grade == "model"
        assert said.verdict.startswith(GRADES[language])
        assert said.n_rows == len(found.parts[name])
        assert said.n_outside == found.parts[name]["is_outside"].sum()
        assert said.n_briefs == desk.learnt.n
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["findings"]["grid"]["verdict"] == found.findings["grid"].verdict
    assert set(SUPPORT_COLUMNS) < set(content["grid"][0])


def test_cells_outside_are_marked_and_are_not_the_best(shop: SimpleNamespace) -> None:
    # Far more accounts than any brief asked for bring more, but nothing was learnt of the like.
    desk = shop.open("outcome")
    asked = parse_extras(["n_creators=6,8,5000"])
    table = score_grid(desk, asked.knobs)
    far = table["is_outside"].tolist()
    assert far == [False, False, True]
    for row, scenario in zip(table.to_dict("records"), grid_scenarios(asked.knobs), strict=True):
        own = check_support(desk, desk.state(scenario))
        assert (row["percentile"], row["is_outside"]) == (own.percentile, own.is_outside)
    assert table["after"].idxmax() == 2
    said = add_extras(compare_scenarios(desk, []), desk, asked).findings["grid"]
    assert "number of creators = 8 brings most" in said.verdict
    assert said.verdict.endswith(
        "1 of 3 rows lie beyond what the model learnt from and are marked: do not rely on those."
    )


def test_a_curve_beyond_what_was_seen_names_the_features(shop: SimpleNamespace) -> None:
    desk = shop.open("outcome")
    account = desk.base.ids(desk.base.order)[3]
    table = account_curve(desk, account, "engagement_factor", [1.0, 100.0])
    assert table["is_outside"].tolist() == [False, True]
    assert table["far_features"].iloc[1]
    asked = parse_extras([], curve=f"{account}.engagement_factor=1,100")
    said = add_extras(compare_scenarios(desk, []), desk, asked).findings["curve"]
    assert said.far_features == table["far_features"].iloc[1]
    assert said.n_outside == 1


def test_who_joins_beyond_what_was_seen_is_outside(shop: SimpleNamespace) -> None:
    new = {"account_id": "neu", "platform": "tiktok", "text": "mì cay", "engagements": 1e12}
    scenario = shop.scenario({"kind": "market", "new_accounts": [new]})
    (answer,) = compare_scenarios(shop.open("outcome"), [scenario]).answers
    assert answer.support.is_outside
    assert "do not rely on it" in answer.verdict


def test_a_cell_without_candidates_does_not_take_the_others_along(shop: SimpleNamespace) -> None:
    desk = shop.open("outcome", language="vi")
    knob = parse_knob("platforms=snapchat,tiktok")
    table = score_grid(desk, [knob])
    assert table["n_candidates"].tolist()[0] == 0
    assert "không tài khoản nào đủ điều kiện" in table["refused"].iloc[0]
    assert table["refused"].iloc[1] is None or table["refused"].isna().iloc[1]
    said = add_extras(
        compare_scenarios(desk, []), desk, parse_extras(["platforms=snapchat,tiktok"])
    )
    assert "1 trong 2 không trả lời được" in said.findings["grid"].verdict
    assert tornado(desk, [knob])["swing"].notna().all()
    with pytest.raises(SupportError, match=r"grid: none of 1 value\(s\) can be answered"):
        score_grid(desk, [parse_knob("platforms=snapchat")])
    with pytest.raises(SupportError, match=r"curve: none of 1 value\(s\) can be answered"):
        account_curve(shop.open(), "acc_000001", "price_factor", [0.5])


def test_terms_that_leave_nobody_are_those_of_the_scenario(shop: SimpleNamespace) -> None:
    brief = shop.brief.model_copy(update={"formats": ("short_video",)})
    edit = {"kind": "brief", "countries": ["AQ"], "creator_languages": ["is"]}
    nobody = shop.scenario(edit, name="nobody")
    said = {
        "en": "nobody: no account is eligible; the scenario sets countries = AQ, languages of "
        "creators = is: loosen this first.",
        "vi": "nobody: không tài khoản nào đủ điều kiện; kịch bản đặt quốc gia = AQ, ngôn ngữ của "
        "người sáng tạo = is: hãy nới điều này trước.",
    }
    for language, words in said.items():
        desk = shop.open(brief=brief, language=language)
        found = compare_scenarios(desk, [shop.scenario(name="fine"), nobody])
        assert found.refusals[0].verdict.endswith(words)


def test_ties_are_told_and_no_cell_is_preferred(shop: SimpleNamespace) -> None:
    desk = shop.open("outcome")
    knobs = ["kpi_goal=1,2", "n_posts=1,3"]
    found = add_extras(compare_scenarios(desk, []), desk, parse_extras(knobs))
    said = found.findings["grid"].verdict
    assert "of 4 cells, number of posts = 3 brings most" in said
    assert "number of posts = 1 least" in said
    assert "; the goal of the KPI makes no difference." in said
    table = found.parts["grid"]
    rows = table.assign(after=table["n_posts"].map({"1": 5.0, "3": 7.0}), is_outside=False)
    rows = rows.assign(cell=["a", "b", "c", "d"])
    assert "cell = b or cell = d brings most" in say_grid(rows, ["cell"], n_top=5, language="en")
    assert "cell = a hoặc cell = c ít nhất" in say_grid(rows, ["cell"], n_top=5, language="vi")


def test_a_tornado_over_objectives_claims_no_swing(shop: SimpleNamespace) -> None:
    desk = shop.open("outcome")
    table = tornado(desk, [parse_knob("objective=awareness,engagement"), parse_knob("n_posts=1,4")])
    swings = dict(zip(table["knob"], table["swing"], strict=True))
    assert table["knob"].tolist()[:2] == ["n_posts", "n_posts"]
    assert swings["objective"] != swings["objective"]


def test_plans_have_a_verdict_and_skip_what_has_no_candidate(shop: SimpleNamespace) -> None:
    desk = shop.open(brief=shop.brief.model_copy(update={"budget": 2e7, "currency": "VND"}))
    more = shop.scenario({"kind": "brief", "budget": 4e7}, name="more")
    none = shop.scenario({"kind": "brief", "platforms": ["snapchat"]}, name="none")
    found = add_plans(compare_scenarios(desk, []), desk, [more, none], seconds=1.0)
    said = found.findings["plans"]
    assert said.verdict.startswith("The model would say: under more the best plan found is worth")
    assert "1 of 2 cannot be answered" in said.verdict
    assert "a million of budget more or less comes to" in said.verdict
    assert "no account is eligible" in found.parts["plans"]["refused"].iloc[1]


def test_verdicts_name_what_is_set_in_words(shop: SimpleNamespace) -> None:
    brief = shop.brief.model_copy(update={"budget": 2e7, "currency": "VND"})
    reach = "platform_reach.tiktok=0.5,2"
    for language, noun, by in (
        ("en", "the factor on what TikTok brings", "most with the factor on what TikTok brings,"),
        ("vi", "hệ số nhân kết quả trên TikTok", "nhiều nhất theo hệ số nhân kết quả trên TikTok,"),
    ):
        desk = shop.open(brief=brief, language=language)
        account = desk.base.ids(desk.base.order)[3]
        asked = parse_extras([reach], tornado=True, curve=f"{account}.engagement_factor=1,2")
        found = add_extras(compare_scenarios(desk, []), desk, asked)
        assert by in found.findings["tornado"].verdict
        one = {"en": "the factor on the engagement", "vi": "hệ số nhân tương tác"}[language]
        assert one in found.findings["curve"].verdict
        cells = grid_scenarios(asked.knobs, language=language)
        planned = add_plans(found, desk, cells, seconds=0.5).findings["plans"].verdict
        assert f"{noun} = 2" in planned
        assert "platform_reach" not in planned


def test_briefs_learnt_from_are_the_campaigns_that_training_counts(shop: SimpleNamespace) -> None:
    from matcher.ranking.candidates import training_campaigns
    from matcher.ranking.fit import fit_model

    market = shop.data.market
    until = market.tables["campaigns"]["decided_at"].dropna().sort_values().iloc[12]
    model, rows, context = fit_model(shop.data, until, shop.settings)
    desk = open_desk(model, shop.data, shop.brief, context=context)
    ids = training_campaigns(market, until)
    assert desk.learnt.n == len(ids) == len(rows.matrix.pairs.briefs)
    assert desk.learnt.terms["campaign_id"].tolist() == ids
    decided = (market.tables["campaigns"]["decided_at"] < until).sum()
    # Some were decided whose hires were not settled yet; nothing was learnt from these.
    assert len(ids) < decided


@pytest.mark.parametrize(("before", "told"), [(400.0, "(+25 %)"), (0.0, "(–)")])
def test_a_plan_gains_a_share_of_what_there_is(before: float, told: str) -> None:
    rows = [
        {
            "scenario": name, "objective": "engagements", "objective_before": "engagements",
            "worth_before": before, "worth_after": after, "bound_after": 600.0,
            "cost_after": 9e6, "currency": "VND", "per_million": float("nan"),
            "refused": None, "is_outside": False,
        }
        for name, after in (("less", before), ("more", 1.25 * before if before else 500.0))
    ]  # fmt: skip
    said = say_plans(pd.DataFrame(rows), language="en")
    assert "that under more brings most: 500 engagements" in said
    assert told in said
