from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from matcher.errors import SupportError, UsageError
from matcher.plan.plan import plan
from matcher.whatif.planned import compare_plans


def test_plans_are_those_of_the_verb_and_more_budget_is_worth_more(shop: SimpleNamespace) -> None:
    brief = shop.brief.model_copy(update={"budget": 2e7, "currency": "VND"})
    desk = shop.open(brief=brief)
    more = shop.scenario({"kind": "brief", "budget": 4e7}, name="more")
    gone = shop.scenario({"kind": "market", "unavailable": [desk.base.ids(desk.base.order)[0]]})
    found = compare_plans(desk, [more, gone], seconds=2.0)
    made = plan(shop.model, shop.data, brief, seconds=2.0, frontier=False, settings=shop.settings)
    assert found["worth_before"].tolist() == [made.facts["worth"]] * 2
    assert found["cost_before"].iloc[0] <= 2e7
    assert found["cost_after"].iloc[0] <= 4e7
    assert found["worth_after"].iloc[0] > found["worth_before"].iloc[0]
    assert found["per_million"].iloc[0] > 0
    assert np.isnan(found["per_million"].iloc[1])
    assert found["worth_before"].iloc[0] <= found["bound_after"].iloc[0]
    assert not set(found["entered"].iloc[1]) & {desk.base.ids(desk.base.order)[0]}


def test_what_plans_cannot_say(shop: SimpleNamespace) -> None:
    bare = shop.open(brief=shop.brief.model_copy(update={"budget": None}))
    with pytest.raises(SupportError, match="scenario baseline: the brief has no budget"):
        compare_plans(bare, [])


def test_plans_know_what_platforms_bring_from_now_on(shop: SimpleNamespace) -> None:
    brief = shop.brief.model_copy(update={"budget": 2e7, "currency": "VND"})
    desk = shop.open(brief=brief)
    platforms = sorted(set(desk.base.ranked.matrix.platforms))
    half = shop.scenario({"kind": "market", "platform_reach": dict.fromkeys(platforms, 0.5)})
    found = compare_plans(desk, [half], seconds=2.0).iloc[0]
    # Where everything brings half, the same plan is best and worth half.
    assert found["worth_after"] == pytest.approx(0.5 * found["worth_before"], rel=0.01)
    assert (found["entered"], found["left"]) == ((), ())
    made = plan(
        shop.model, shop.data, brief, seconds=2.0, frontier=False, settings=shop.settings,
        platform_reach=dict.fromkeys(platforms, 0.5),
    )  # fmt: skip
    assert made.facts["worth"] == found["worth_after"]
    assert any("Assumed, not learnt" in note for note in made.notes)
    with pytest.raises(UsageError, match=r"platform_reach has 2 wrong value\(s\)"):
        plan(
            shop.model, shop.data, brief, settings=shop.settings,
            platform_reach={"tiktok": 0.0, "telegraph": 0.5},
        )  # fmt: skip
