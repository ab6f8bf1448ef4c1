from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.config import Settings
from matcher.errors import ConfigError, ConflictError, DataError, SupportError, UsageError
from matcher.features.context import MarketData
from matcher.market.brief import read_brief
from matcher.market.load import load_market
from matcher.plan.constraints import Constraints
from matcher.plan.panel import parse_panel
from matcher.plan.plan import plan
from matcher.plan.plans import COLUMNS, Plan
from matcher.plan.prepare import Prepared, prepare_plan
from matcher.plan.prices import price
from matcher.plan.solve import solve
from matcher.plan.told import tell_plan
from matcher.ranking.fallback import fit_without_history
from matcher.ranking.fit import fit_model
from matcher.ranking.outcomes.single import HiredErrors
from matcher.recommend.wording import format_number
from matcher.report.plan_files import write_plan

DATA = Path(__file__).parents[2] / "data"
BUDGET = 40_000_000.0
TIKTOK_SHARE = "least share of spend on platform tiktok"


@pytest.fixture(scope="module")
def shop() -> SimpleNamespace:
    settings = Settings.model_validate(
        {
            "encoder": {"name": "random", "dim": 32},
            "ranker": {"n_trees": 10, "n_draws": 1},
            "retrieval": {"min_posts": 1},
        }
    )
    data = MarketData(load_market(DATA / "tiny_market", settings.market))
    model, _, context = fit_model(data, data.market.all_known_at, settings)
    brief = read_brief(DATA / "brief-vi.yaml")
    return SimpleNamespace(model=model, data=data, context=context, brief=brief)


def made(shop: SimpleNamespace, rules: dict[str, Any] | None = None, **options: Any) -> Plan:
    held = {"budget": BUDGET, "seconds": 1, "frontier": False, "context": shop.context, **options}
    constraints = None if rules is None else Constraints.model_validate(rules)
    return plan(shop.model, shop.data, shop.brief, constraints=constraints, **held)


def ready(shop: SimpleNamespace, rules: dict[str, Any], **options: Any) -> Prepared:
    held = {"budget": BUDGET, "context": shop.context, **options}
    constraints = Constraints.model_validate(rules)
    return prepare_plan(shop.model, shop.data, shop.brief, constraints=constraints, **held)


def test_a_plan_keeps_to_its_budget_and_hires_each_person_once(shop: SimpleNamespace) -> None:
    found = made(shop)
    assert list(found.frame.columns) == list(COLUMNS)
    assert found.frame["fee"].sum() <= BUDGET
    assert 0 < len(found) <= shop.brief.n_creators
    assert found.frame["influencer_id"].is_unique
    assert set(found.frame["format"]) == {"short_video"}
    assert found.facts["budget_left"] == pytest.approx(BUDGET - found.frame["fee"].sum())
    assert found.frame["marginal"].is_monotonic_decreasing


def test_totals_add_up_and_ranges_hold_their_middle(shop: SimpleNamespace) -> None:
    found = made(shop)
    totals = found.totals.set_index("outcome")
    assert totals.index[0] == "engagements"
    expected = found.frame["outcome_expected"].sum()
    assert totals.loc["engagements", "expected"] == pytest.approx(expected)
    assert found.facts["worth"] == pytest.approx(expected)
    told = totals.dropna()
    assert (told["low"] <= told["median"]).all()
    assert (told["median"] <= told["high"]).all()
    # No mean of outcomes from 0 on with these quantiles is less.
    least = 0.4 * told["low"] + 0.4 * told["median"] + 0.1 * told["high"]
    assert (least <= told["expected"]).all()
    reached = totals.loc[["reach", "reach_2", "reach_3"], "expected"]
    assert reached.is_monotonic_decreasing
    assert totals.loc["reach_sum", "expected"] >= totals.loc["reach", "expected"]


@pytest.mark.parametrize("objective", ["engagements", "reach", "reach=1,engagements=30"])
def test_no_pair_is_better_than_the_plan(shop: SimpleNamespace, objective: str) -> None:
    rules = {"number": {"max": 2}, "packages": {"n_posts": [1, 2]}}
    problem = ready(shop, rules, objective=objective).problem
    pairs = [(), *combinations(range(problem.n_options), 1), *combinations(
        range(problem.n_options), 2)]  # fmt: skip
    best = max(
        problem.objective(np.array(pair, dtype=np.int64))
        for pair in pairs
        if not problem.violations(np.array(pair, dtype=np.int64))
    )
    found = made(shop, rules, objective=objective)
    assert found.facts["worth"] == pytest.approx(best, rel=1e-3)
    assert found.facts["bound"] >= best * (1 - 1e-9)


def test_packages_cost_and_bring_more_with_more_posts(shop: SimpleNamespace) -> None:
    held = ready(shop, {"packages": {"n_posts": [1, 3]}}, budget=1e9)
    table = pd.DataFrame({"code": held.options.codes, "posts": held.options.n_posts})
    table["fee"], table["value"] = held.options.fee, held.problem.value
    wide = table.pivot_table(index="code", columns="posts", values=["fee", "value"])
    assert wide["fee"][3].to_numpy() == pytest.approx(3 * wide["fee"][1].to_numpy())
    assert (wide["value"][3] > wide["value"][1]).all()


def test_estimated_fees_are_set_aside_at_the_level_asked_for(shop: SimpleNamespace) -> None:
    low, high = (ready(shop, {"fee_level": level}, budget=1e9).options for level in (0.5, 0.9))
    guessed = low.is_estimate & np.isfinite(low.high)
    assert guessed.any()
    assert high.fee[guessed] == pytest.approx(high.high[guessed])
    assert (low.fee[guessed] < high.fee[guessed]).all()
    assert np.array_equal(low.fee[~low.is_estimate], high.fee[~high.is_estimate])


def test_groups_are_held_to_their_bounds(shop: SimpleNamespace) -> None:
    rules = {
        "number": {"min": 3, "max": 6},
        "tier": {"nano": {"min": 2}},
        "platform": {"instagram": {"max": 1}, "facebook": {"min": 1, "max_spend": 9_000_000}},
        "language": {"vi": {"min": 1}},
        "country": {"VN": {"min_share": 0.5}},
        "category": {"food": {"max_share": 0.9}},
    }
    frame = made(shop, rules).frame
    assert 3 <= len(frame) <= 6
    assert (frame["tier"] == "nano").sum() >= 2
    assert (frame["platform"] == "instagram").sum() <= 1
    on = frame["platform"] == "facebook"
    assert on.sum() >= 1
    assert frame.loc[on, "fee"].sum() <= 9_000_000


def test_shares_that_exceed_the_whole_are_not_kept_by_hiring_nobody(shop: SimpleNamespace) -> None:
    shares = {"tiktok": {"min_share": 0.7}, "facebook": {"min_share": 0.5}}
    with pytest.raises(ConflictError, match=r"TikTok at least 70 %.*Facebook at least") as caught:
        made(shop, {"platform": shares})
    told = str(caught.value)
    assert "share of spend on platform Facebook at least 50 %. Any one of these is enough" in told
    assert "account" not in told
    few = {"number": {"min": 2}, "platform": shares}
    with pytest.raises(ConflictError, match="Any one of these is enough: share of spend on") as two:
        made(shop, few)
    assert "at least 0 accounts" not in str(two.value)


def test_who_is_missing_of_an_earlier_plan_is_named_with_the_reason(
    shop: SimpleNamespace, tmp_path: Path
) -> None:
    old = made(shop, {"number": {"min": 4, "max": 5}})
    path = write_plan(old, tmp_path / "old.json")
    lost = sorted(old.frame["account_id"])[:2]
    earlier = {"plan": str(path), "max_changes": 1}
    with pytest.raises(ConflictError, match="kept of the earlier plan at least") as caught:
        made(shop, {"never": lost, "earlier": earlier})
    told = str(caught.value)
    assert f"Of the {len(old)} accounts of the earlier plan 2 cannot be hired: " in told
    for name in lost:
        assert f"{name} (`never`)" in told
    content = json.loads(path.read_text(encoding="utf-8"))
    gone = [{**content["rows"][0], "account_id": name} for name in ("x1", "x2")]
    path.write_text(json.dumps({"rows": [*content["rows"], *gone]}), encoding="utf-8")
    with pytest.raises(ConflictError, match=r"x1 \(không có trong dữ liệu\); x2 \(không có"):
        made(shop, {"earlier": earlier, "number": {"max": 9}}, language="vi")


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"min": 2}, "platform YouTube"),
        ({"min_share": 0.9}, "share of spend on platform YouTube"),
        ({"min_spend": 1_000_000}, "spend on platform YouTube"),
    ],
)
def test_a_group_of_which_nobody_can_be_hired_says_so(
    shop: SimpleNamespace, asked: dict[str, float], name: str
) -> None:
    rules = {"platform": {"youtube": asked}}
    with pytest.raises(ConflictError, match=f"Nobody who can be hired counts for “{name}”") as one:
        made(shop, rules)
    assert "can reach" not in str(one.value)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_share_that_cannot_be_reached_says_how_much_can(
    shop: SimpleNamespace, language: str
) -> None:
    cheap = made(shop, {"number": {"max": 2}, "platform": {"tiktok": {"max": 0}}}).frame
    rules = {
        "must_have": cheap["account_id"].tolist(),
        "number": {"max": 3},
        "platform": {"tiktok": {"min_share": 0.99}},
    }
    words = {
        "en": r"“share of spend on platform TikTok” can reach ([\d.]+) % at most",
        "vi": r"“tỷ trọng chi cho nền tảng TikTok” đạt nhiều nhất ([\d,]+) %",
    }[language]
    with pytest.raises(ConflictError, match=words) as caught:
        made(shop, rules, language=language, seconds=5)
    found = re.search(words, str(caught.value))
    assert found is not None
    told = float(found[1].replace(",", ".")) / 100
    # By counting out all packages of those who have to be hired, with any one on TikTok.
    held = ready(shop, rules)
    options, problem = held.options, held.problem
    platforms = shop.data.index.accounts["platform"].to_numpy(str)[options.codes]
    ids = shop.data.index.account_ids[options.codes]
    parts = [np.flatnonzero(one) for one in (ids == name for name in rules["must_have"])]
    parts.append(np.flatnonzero(platforms == "tiktok"))
    spent = [options.fee[list(some)] for some in product(*parts)
             if {one.name for one in problem.violations(some)} <= {TIKTOK_SHARE}]  # fmt: skip
    shares = [fees[-1] / fees.sum() for fees in spent]
    assert 0 < told <= max(shares) < told + 0.0011


def test_two_amounts_that_differ_are_told_with_digits_that_differ(shop: SimpleNamespace) -> None:
    cheapest = float(ready(shop, {}).options.fee.min())
    with pytest.raises(SupportError, match="above the budget of") as caught:
        ready(shop, {}, budget=cheapest * (1 - 1e-8))
    cost, most = re.findall(r"[0-9][0-9,]*\.?[0-9]*", str(caught.value).split("candidates ")[1])[:2]
    assert cost != most


def test_that_somebody_is_hired_for_a_share_is_no_limit_that_is_told(shop: SimpleNamespace) -> None:
    found = made(shop, {"platform": {"tiktok": {"min_share": 0.2}}})
    assert set(found.limits["name"]) == {
        "budget", "number", "least share of spend on platform tiktok"
    }  # fmt: skip
    assert found.limits.set_index("name").loc["number", "side"] == "at most"


def test_limits_are_told_as_they_were_asked_for(shop: SimpleNamespace) -> None:
    rules = {
        "number": {"max": 6},
        "platform": {"tiktok": {"max_share": 0.125, "max_spend": 9_000_000}},
        "tier": {"nano": {"min_share": 0.3, "min": 1}},
    }
    found = made(shop, rules)
    frame, limits = found.frame, found.limits.set_index(["name", "side"])
    spent = frame["fee"].sum()
    for name, side, asked, column, group in (
        ("greatest share of spend on platform tiktok", "at most", 0.125, "platform", "tiktok"),
        ("least share of spend on tier nano", "at least", 0.3, "tier", "nano"),
    ):
        row = limits.loc[(name, side)]
        reached = frame.loc[frame[column] == group, "fee"].sum() / spent
        assert (row["unit"], row["bound"]) == ("share", asked)
        assert row["total"] == pytest.approx(reached)
        assert row["slack"] == pytest.approx(abs(reached - asked))
        assert np.isnan(row["step"]) or row["step"] == pytest.approx(0.01)
    money = limits.loc[("budget", "at most")]
    assert (money["unit"], money["bound"], money["total"]) == ("money", BUDGET, spent)
    # A share that binds has a price, found by solving with one percentage point more.
    share = limits.loc[("least share of spend on tier nano", "at least")]
    looser = made(shop, {**rules, "tier": {"nano": {"min_share": 0.29, "min": 1}}})
    if np.isfinite(share["change"]):
        gain = looser.facts["worth"] - found.facts["worth"]
        assert share["change"] == pytest.approx(gain, rel=1e-3, abs=1e-6)
    else:
        assert looser.facts["worth"] == pytest.approx(found.facts["worth"])


def test_accounts_that_must_or_may_not_be_hired(shop: SimpleNamespace) -> None:
    usual = made(shop).frame["account_id"].tolist()
    rules = {"never": usual[:2], "must_have": ["acc_000015"], "at_most_one_of": [usual[2:5]]}
    found = made(shop, rules).frame
    assert not set(found["account_id"]) & set(usual[:2])
    assert found.loc[found["is_must_have"], "account_id"].tolist() == ["acc_000015"]
    # No fee drives out whoever has to be hired.
    assert found.loc[found["is_must_have"], "drop_out_how"].tolist() == ["no fee"]
    assert found.loc[found["is_must_have"], "drop_out_fee"].isna().all()
    assert found["account_id"].isin(usual[2:5]).sum() <= 1


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_a_plan_strays_from_an_earlier_one_as_far_as_it_may(
    shop: SimpleNamespace, tmp_path: Path, form: str
) -> None:
    old = made(shop)
    path = write_plan(old, tmp_path / f"old.{form}")
    rules = {"earlier": {"plan": str(path), "max_changes": 1}}
    new = made(shop, rules, objective="reach")
    before, after = set(old.frame["account_id"]), set(new.frame["account_id"])
    assert len(after - before) <= 1
    assert len(before - after) <= 1


def test_limits_that_contradict_each_other_are_named(shop: SimpleNamespace) -> None:
    rules = {"number": {"min": 6}, "platform": {"instagram": {"min": 4}, "tiktok": {"max": 0}}}
    with pytest.raises(ConflictError, match="cannot hold together: .*at least") as caught:
        made(shop, rules, budget=6_000_000)
    assert caught.value.conflict is not None
    assert "VND" in str(caught.value)
    with pytest.raises(ConflictError, match="mâu thuẫn: .*ít nhất"):
        made(shop, rules, budget=6_000_000, language="vi")


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"budget": 0.0}, UsageError, "budget of 0; expected an amount above 0"),
        ({"budget": -5.0}, UsageError, "budget of -5"),
        ({"budget": float("nan")}, UsageError, "budget of nan"),
        ({"currency": "dong"}, UsageError, "currency 'dong'; expected a code of ISO 4217"),
        ({"currency": "EUR"}, DataError, "no rate from USD to EUR"),
        ({"budget": None, "currency": "USD"}, UsageError, "states a budget of 60,000,000 VND"),
        (
            {"budget": None, "currency": "USD", "rules": {"budget": 9e6, "currency": "VND"}},
            UsageError,
            "the constraints state a budget of 9,000,000 VND, which is not converted; give --budg",
        ),
        ({"budget": None, "rules": {"currency": "USD"}}, UsageError, "got the currency USD, but"),
        ({"budget": 1.0}, SupportError, "above the budget of 1"),
        ({"budget": "60"}, UsageError, "plan: budget: got '60'; expected a number"),
        ({"budget": True}, UsageError, "plan: budget: got True; expected a number"),
        ({"budget": 0, "currency": 5}, UsageError, "plan: currency: got int; expected str"),
        ({"quantile": ".2"}, UsageError, "plan: quantile: got '.2'; expected a number"),
        ({"seconds": "1"}, UsageError, "plan: seconds: got '1'; expected a number"),
        ({"quantile": 1.5}, UsageError, "quantile 1.5; expected .01 to .99"),
        ({"objective": "likes"}, UsageError, "got 'likes'; expected one of"),
        ({"objective": "leads"}, SupportError, "does not predict leads"),
        ({"rules": {"must_have": ["acc_00001"]}}, DataError, "did you mean 'acc_0000"),
        ({"rules": {"never": ["x"]}}, DataError, r"never: 1 account\(s\) are not in the market"),
        ({"rules": {"rivals": ["x"]}}, DataError, r"rivals: 1 brand\(s\) are not in the market"),
        ({"rules": {"tier": {"micr": {"min": 1}}}}, UsageError, "did you mean 'micro'"),
        ({"rules": {"city": {"Huế": {"min": 1}}}}, UsageError, "no account of the market is"),
        ({"rules": {"packages": {"formats": ["audio"]}}}, SupportError, "the formats audio"),
        ({"rules": {"must_have": ["acc_000061"]}, "budget": 3e6}, DataError, "no package"),
    ],
)
def test_what_cannot_be_planned_is_said(
    shop: SimpleNamespace, options: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        made(shop, options.pop("rules", None), **options)


def test_a_currency_counts_for_an_amount_that_has_none(shop: SimpleNamespace) -> None:
    rules = {"budget": 2_000.0}
    assert ready(shop, rules, budget=None, currency="USD").request.currency == "USD"
    assert ready(shop, {}, budget=None, currency="VND").request.budget == 60_000_000
    assert ready(shop, {"currency": "USD"}, budget=2_000.0).request.currency == "USD"


def test_options_are_of_formats_that_their_account_has_shown(shop: SimpleNamespace) -> None:
    posts = shop.data.market.tables["posts"].groupby("account_id")["format"].agg(set)
    rates = shop.data.market.tables["rates"]
    rates = rates.assign(format=rates["format"].fillna("any")).groupby("account_id")["format"]
    quoted = rates.agg(set)
    held = ready(shop, {"packages": {"formats": ["story", "live"]}}, budget=1e9)
    accounts = shop.data.index.account_ids[held.options.codes]
    assert len(held.options)
    for account, form in zip(accounts, held.options.formats, strict=True):
        shown = posts.get(account, set()) | quoted.get(account, set())
        assert form in shown or "any" in shown
    assert not any("no format is known" in note for note in held.notes)


def test_accounts_of_which_no_format_is_known_pass_and_are_counted(shop: SimpleNamespace) -> None:
    name = made(shop).frame["account_id"].iloc[0]
    tables = dict(shop.data.market.tables)
    posts, rates = tables["posts"], tables["rates"]
    tables["posts"] = posts.assign(format=posts["format"].mask(posts["account_id"] == name))
    tables["rates"] = rates[rates["account_id"] != name].reset_index(drop=True)
    data = MarketData(replace(shop.data.market, tables=tables))
    other = SimpleNamespace(
        model=shop.model, data=data, brief=shop.brief, context=shop.model.context(data)
    )
    held = ready(other, {"packages": {"formats": ["short_video", "story"]}}, budget=1e9)
    mine = held.options.codes == data.index.account_codes([name])[0]
    assert {held.options.formats[one] for one in np.flatnonzero(mine)} == {"short_video", "story"}
    assert any(note.endswith("taken to sell those asked for: 1.") for note in held.notes)


def test_an_account_that_has_to_be_hired_may_sell_a_new_format(shop: SimpleNamespace) -> None:
    hired = made(shop).frame["account_id"].iloc[0]
    rules = {"must_have": [hired], "packages": {"formats": ["article"]}, "number": {"max": 1}}
    found = made(shop, rules)
    assert found.frame[["account_id", "format"]].to_numpy().tolist() == [[hired, "article"]]
    assert any("stay against the rule `format`" in note for note in found.notes)
    vietnamese = made(shop, rules, language="vi")
    told = f"trái với quy tắc `format` (chưa từng đăng định dạng này): {hired}"
    assert [note for note in vietnamese.notes if told in note], vietnamese.notes


def test_a_mix_is_told_in_points(shop: SimpleNamespace) -> None:
    english = made(shop, objective="reach=0.5,engagements=20")
    assert "points (0.5 × people reached + 20 × engagements) expected" in english.sentences[0]
    vietnamese = made(shop, objective="reach=0.5,engagements=20", language="vi")
    assert "điểm (0,5 × người tiếp cận được + 20 × lượt tương tác)" in vietnamese.sentences[0]


def test_brief_and_constraints_together_may_not_contradict(shop: SimpleNamespace) -> None:
    brief = shop.brief.model_copy(update={"must_have": ("acc_000001",)})
    rules = Constraints(never=("acc_000001",))
    with pytest.raises(ConfigError, match="have to be hired and may not be hired"):
        plan(shop.model, shop.data, brief, constraints=rules, context=shop.context)


def test_nobody_to_plan_with(shop: SimpleNamespace) -> None:
    brief = shop.brief.model_copy(update={"countries": ("FR",)})
    with pytest.raises(SupportError, match="no account is eligible"):
        plan(shop.model, shop.data, brief, context=shop.context)


def test_a_lower_quantile_counts_what_is_exceeded_more_often(shop: SimpleNamespace) -> None:
    mean, careful = made(shop), made(shop, quantile=0.2)
    assert careful.facts["worth"] < mean.facts["worth"]
    values = ready(shop, {}, quantile=0.2).problem.value
    assert (values <= ready(shop, {}).problem.value).all()


@pytest.mark.parametrize(("language", "level"), [("en", "(at 80 %)"), ("vi", "(ở mức 80 %)")])
def test_a_plan_by_a_quantile_says_what_its_figures_count(
    shop: SimpleNamespace, language: str, level: str
) -> None:
    found = made(shop, quantile=0.2, language=language)
    worth, frame = found.facts["worth"], found.frame
    # Engagements add up: what accounts count adds up to the worth, their means to the total.
    assert frame["outcome_counted"].sum() == pytest.approx(worth)
    assert frame["marginal"].to_numpy() == pytest.approx(frame["outcome_counted"].to_numpy())
    assert (frame["outcome_counted"] < frame["outcome_expected"]).all()
    totals = found.totals.set_index("outcome")["expected"]
    assert totals["engagements"] == pytest.approx(frame["outcome_expected"].sum())
    assert totals["counted"] == pytest.approx(worth)
    assert found.facts["counted_by"] == "quantile 0.2"
    shown = format_number(worth, language)  # type: ignore[arg-type]
    assert sum("80 %" in text and shown in text for text in found.sentences) >= 1
    for text in found.sentences[-2:]:
        assert level in text or not any(letter.isdigit() for letter in text)


def test_a_plan_by_means_counts_means(shop: SimpleNamespace) -> None:
    found = made(shop)
    assert found.facts["counted_by"] == "mean"
    assert found.frame["outcome_counted"].equals(found.frame["outcome_expected"])
    assert "counted" not in found.totals["outcome"].tolist()
    assert not any("(at " in text for text in found.sentences)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_objectives_of_briefs_may_be_asked_for(shop: SimpleNamespace, language: str) -> None:
    found = made(shop, objective="awareness", language=language)
    assert found.facts["objective"] == "reach"
    assert not any("`awareness`" in note for note in found.notes)
    # The market holds no conversions and clicks to learn from.
    sales = made(shop, objective="sales", language=language)
    assert sales.facts["objective"] == "engagements"
    words = {"en": "since the model does not predict conv", "vi": "vì mô hình không dự đoán lượt"}
    assert any("`sales`" in note and words[language] in note for note in sales.notes)


def test_a_panel_takes_the_place_of_audience_tables(shop: SimpleNamespace) -> None:
    ids = shop.data.index.account_ids
    rng = np.random.default_rng(0)
    seen = rng.random((400, len(ids) - 1)) < 0.2
    people, columns = np.nonzero(seen)
    frame = pd.DataFrame({"person": people, "account_id": ids[columns], "weight": 50_000.0})
    panel = parse_panel(frame, ids, where="panel")
    found = made(shop, objective="reach", panel=panel)
    assert found.facts["reach_kind"] == "panel"
    assert any("panel" in text for text in found.notes)
    assert made(shop, objective="reach").facts["reach_kind"] == "audiences"


def test_a_panel_without_weights_stands_for_the_people_of_the_country(
    shop: SimpleNamespace,
) -> None:
    ids = shop.data.index.account_ids
    rng = np.random.default_rng(0)
    people, columns = np.nonzero(rng.random((2_000, len(ids))) < 0.1)
    frame = pd.DataFrame({"person": people, "account_id": ids[columns]})
    n = int(frame["person"].nunique())
    plain = parse_panel(frame, ids, where="panel")
    found = made(shop, objective="reach", panel=plain)
    facts, totals = found.facts, found.totals.set_index("outcome")["expected"]
    assert (facts["reach_population"], facts["reach_home"]) == (74_500_000.0, "VN")
    assert facts["reach_people"] == n
    told = f"its {n:,} people are taken to be a sample of all 74,500,000 people on social media"
    assert any(told in note and f"stands for {74.5e6 / n:,.0f}." in note for note in found.notes)
    # Both formulas count people of one country, of whom each account reaches what is predicted.
    largest = found.frame["outcome_expected"].max()
    for name in ("reach", "reach_sainsbury"):
        assert largest <= totals[name] <= totals["reach_sum"] * (1 + 1e-9)
    # The same as with weights that say so, and another population where the constraints do.
    weighted = parse_panel(frame.assign(weight=74.5e6 / n), ids, where="panel")
    same = made(shop, objective="reach", panel=weighted)
    assert same.facts["worth"] == pytest.approx(facts["worth"])
    assert same.facts["reach_home"] is None
    assert not any("sample of all" in note for note in same.notes)
    rules = {"reach": {"people": {"VN": 5_000_000}}}
    fewer = made(shop, rules, objective="reach", panel=plain, language="vi")
    assert fewer.facts["reach_population"] == 5_000_000
    assert any("mẫu của toàn bộ 5.000.000 người" in note for note in fewer.notes)


def test_equal_questions_have_equal_answers(shop: SimpleNamespace) -> None:
    one, two = (made(shop, frontier=True, seconds=60) for _ in range(2))
    pd.testing.assert_frame_equal(one.frame, two.frame)
    pd.testing.assert_frame_equal(one.totals, two.totals)
    assert one.audit == two.audit
    assert one.frontier["worth"].dropna().is_monotonic_increasing


@pytest.mark.parametrize("objective", ["engagements", "reach"])
def test_larger_budgets_buy_what_the_plan_cannot_pay(shop: SimpleNamespace, objective: str) -> None:
    small = made(shop, frontier=True, budget=3_000_000, objective=objective, seconds=5)
    large = made(shop, budget=7_500_000, objective=objective, seconds=5)
    own = made(shop, budget=3_000_000, objective=objective, seconds=5)
    last = small.frontier.iloc[-1]
    assert last["budget"] == 7_500_000
    assert last["worth"] == pytest.approx(large.facts["worth"], rel=1e-3)
    assert last["bound"] >= large.facts["worth"] * (1 - 1e-9)
    # The plan itself is made of what its own budget pays, with or without other budgets.
    assert small.facts["n_options"] == own.facts["n_options"]
    assert small.facts["worth"] == pytest.approx(own.facts["worth"])
    assert small.facts["n_dearer_options"] > small.facts["n_dearer_accounts"] > 0
    assert own.facts["n_dearer_options"] == 0
    assert any("each dearer than this budget" in note for note in small.notes)


@pytest.mark.parametrize(("objective", "seconds"), [("reach", 0.5), ("engagements", 2.0)])
def test_no_figure_of_a_plan_contradicts_another(
    shop: SimpleNamespace, objective: str, seconds: float
) -> None:
    rules = {"platform": {"tiktok": {"max_share": 0.5}}}
    budget = 12_000_000.0
    found = made(shop, rules, frontier=True, budget=budget, objective=objective, seconds=seconds)
    facts, table = found.facts, found.frontier.dropna(subset=["worth"])
    own = table[table["budget"] == budget].iloc[0]
    assert own["worth"] == pytest.approx(facts["worth"], rel=1e-9)
    assert own["bound"] == pytest.approx(facts["bound"], rel=1e-9)
    assert table["worth"].is_monotonic_increasing
    assert (table["bound"] >= table["worth"] * (1 - 1e-9)).all()
    priced = found.limits[(found.limits["name"] == "budget") & found.limits["change"].notna()]
    for row in priced.to_dict("records"):
        larger = table[table["budget"] >= budget + row["step"]]
        assert (larger["worth"] >= (facts["worth"] + row["change"]) * (1 - 1e-9)).all()
        assert (larger["bound"] >= (facts["worth"] + row["most_change"]) * (1 - 1e-9)).all()
    same = table["status"] == "same"
    assert table.loc[same, "same_as"].notna().all()
    assert (table["same_as"].dropna() < table.loc[table["same_as"].notna(), "budget"]).all()


def test_a_panel_and_rules_hold_for_larger_budgets_too(shop: SimpleNamespace) -> None:
    ids = shop.data.index.account_ids
    usual = made(shop, frontier=True, budget=3_000_000, seconds=5)
    rng = np.random.default_rng(0)
    people, columns = np.nonzero(rng.random((300, len(ids) // 2)) < 0.2)
    frame = pd.DataFrame({"person": people, "account_id": ids[columns], "weight": 60_000.0})
    held = {"frontier": True, "budget": 3_000_000, "seconds": 5, "objective": "reach"}
    found = made(shop, panel=parse_panel(frame, ids, where="panel"), **held)
    assert 0 < found.facts["n_dearer_options"] < usual.facts["n_dearer_options"]
    one = made(shop, {"number": {"max": 1}}, frontier=True, budget=3_000_000, seconds=5)
    assert (one.frontier["n_accounts"].dropna() <= 1).all()


def test_sentences_are_in_both_languages(shop: SimpleNamespace) -> None:
    english, vietnamese = made(shop), made(shop, language="vi")
    assert english.sentences[0].startswith("Hire ")
    assert vietnamese.sentences[0].startswith("Thuê ")
    assert len(english.sentences) == len(vietnamese.sentences)
    assert english.frame["account_id"].tolist() == vietnamese.frame["account_id"].tolist()
    assert "<table>" in english._repr_html_()


def test_a_plan_of_the_fallback_names_it(shop: SimpleNamespace) -> None:
    model, context = fit_without_history(
        shop.data, shop.model.trained_until, shop.model.settings, reason="none is closed"
    )
    bare = SimpleNamespace(model=model, data=shop.data, context=context, brief=shop.brief)
    found = made(bare)
    assert len(found)
    assert sum("is the fallback `likeness-and-level`" in note for note in found.notes) == 1
    assert not any("fallback" in note for note in made(shop).notes)


def test_the_audit_tells_what_was_asked_for(shop: SimpleNamespace) -> None:
    ids = shop.data.index.account_ids
    seen = pd.DataFrame({"person": np.arange(len(ids)), "account_id": ids, "weight": 9_000.0})
    usual = made(shop).audit
    assert usual["objective"] == '{"engagements": 1.0}'
    assert (usual["seed"], usual["seconds"]) == ("0", "1.0")
    assert (usual["quantile"], usual["constraints"], usual["panel"]) == (None, None, None)
    others: dict[str, dict[str, Any]] = {
        "objective": {"objective": "reach"},
        "quantile": {"quantile": 0.2},
        "seed": {"seed": 4},
        "seconds": {"seconds": 1.5},
        "platform_reach": {"platform_reach": {"tiktok": 0.8}},
        "panel": {"panel": parse_panel(seen, ids, where="panel")},
        "constraints": {"rules": {"number": {"max": 3}}},
    }
    hashes = {usual["request_hash"]}
    for name, more in others.items():
        audit = made(shop, more.pop("rules", None), **more).audit
        assert audit[name] not in (None, usual[name])
        hashes.add(audit["request_hash"])
    assert len(hashes) == len(others) + 1


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_plan_says_where_nothing_tells_hires_from_others(
    shop: SimpleNamespace, language: str
) -> None:
    told = {"en": "as buyers chose them", "vi": "nhãn hàng đã chọn"}[language]
    models = dict(shop.model.outcomes.models)
    assert models["engagements"].adjustment is not None
    known = replace(
        models["engagements"],
        hired=HiredErrors(models["engagements"].errors, models["engagements"].factor),
    )
    for one, is_said in ((known, False), (replace(known, hired=None), True)):
        # What others are learnt from does not matter, since the plan does not count them.
        outcomes = replace(shop.model.outcomes, models={**models, "engagements": one})
        other = SimpleNamespace(**{**vars(shop), "model": replace(shop.model, outcomes=outcomes)})
        assert any(held.is_of_hires_alone for held in outcomes.models.values())
        found = made(other, language=language, objective="engagements")
        assert sum(told in note for note in found.notes) == is_said
    mixed = made(other, language=language, objective="reach=1,engagements=20")
    assert sum(told in note for note in mixed.notes) == 1


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_plan_names_hires_beyond_what_was_learnt(shop: SimpleNamespace, language: str) -> None:
    told = {"en": "beyond any learnt from", "vi": "nằm ngoài dữ liệu đã học"}[language]
    held = ready(shop, {})
    solution = solve(held.problem, seconds=2.0)
    prices = price(held.problem, solution, seconds=1.0, account=held.options.codes)
    within = made(shop, language=language)
    assert not within.frame["outcome_is_outside"].any()
    assert not any(told in one for one in within.notes)
    far = {
        name: replace(one, outside=np.isin(np.arange(len(one.outside)), solution.chosen[:2]))
        for name, one in held.predicted.items()
    }
    found = tell_plan(
        replace(held, predicted=far), solution, prices, None, audit=within.audit, language=language
    )
    rows = found.frame[found.frame["outcome_is_outside"]]
    assert len(rows) == 2
    (note,) = [one for one in found.notes if told in one]
    assert note in found.to_dict()["notes"]
    assert f" {len(found)} " in note
    assert all(handle in note for handle in rows["handle"])
