from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from matcher.errors import SupportError
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
    reach = shop.scenario({"kind": "market", "platform_reach": {"tiktok": 0.5}})
    with pytest.raises(SupportError, match="do not know what platforms bring from now on"):
        compare_plans(shop.open(), [reach], seconds=1.0)
