from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from matcher.errors import DataError
from matcher.features.data import MarketData
from matcher.recommend.recommend import score_brief
from matcher.recommend.rows import choose
from matcher.whatif.desk import open_desk
from matcher.whatif.entry import find_entries
from matcher.whatif.scenario import parse_scenario

ALLOWED = {"kind", "account_id", "price", "currency", "formats", "cadence_factor"}


@pytest.mark.parametrize("order", ["value", "fit", "outcome"])
def test_every_way_is_true_after_ranking_everybody_anew(shop: SimpleNamespace, order: str) -> None:
    desk = shop.open(order)
    n_ways = 0
    for account in desk.base.ids(desk.base.order)[[6, 9]]:
        entry = find_entries(desk, account)
        assert entry.rank == desk.base.rank_of(account)
        assert entry.n_screened > 0
        for way in entry.ways.to_dict("records"):
            n_ways += 1
            scenario = parse_scenario(way["scenario"], where="test")
            assert way["n_changes"] <= 2
            assert all(set(one) <= ALLOWED for one in way["scenario"]["edits"])
            # From the edited tables alone, by the road of `recommend`.
            state = open_desk(shop.model, shop.data, shop.brief, order=order).state(scenario)  # type: ignore[arg-type]
            data = MarketData(replace(state.job.data.market))
            ranked = score_brief(
                shop.model,
                data,
                shop.brief,
                settings=shop.settings,
                order=order,  # type: ignore[arg-type]
            )
            if order != "value":
                job = replace(state.job, context=shop.model.context(data), top_k=5)
                rows, _ = choose(job, ranked)
                assert account in ranked.candidates.account_ids[rows]
            assert state.rank_of(account) == way["rank"] <= 5
        if entry.ways.empty:
            assert entry.verdict.startswith("Impossible within what similar accounts show: ")
    assert n_ways or order != "value"


def test_levers_say_whether_the_order_reacts(shop: SimpleNamespace) -> None:
    desk = shop.open("outcome")
    entry = find_entries(desk, desk.base.ids(desk.base.order)[9])
    acts = entry.levers.set_index("lever")["acts"]
    assert not acts["price"]
    assert not acts["posts"]
    valued = shop.open("value")
    found = find_entries(valued, valued.base.ids(valued.base.order)[9])
    assert found.levers.set_index("lever")["acts"]["price"]


def test_who_is_inside_barred_or_unknown(shop: SimpleNamespace) -> None:
    desk = shop.open()
    first = desk.base.ids(desk.base.order)[0]
    assert find_entries(desk, first).verdict == f"{first} stands at rank 1 already."
    barred = shop.open(brief=shop.brief.model_copy(update={"never": (first,)}), language="vi")
    entry = find_entries(barred, first)
    assert entry.rank is None
    assert entry.ways.empty
    assert "bản mô tả không nhận" in entry.verdict
    assert entry.verdict.startswith("Không thể")
    with pytest.raises(DataError, match="got account_id 'nobody'"):
        find_entries(desk, "nobody")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "not tried: the brief does not ask for its platform"),
        ("vi", "không thử: bản mô tả không cần nền tảng của tài khoản này"),
    ],
)
def test_levers_of_a_platform_that_is_not_asked_for_say_so(
    shop: SimpleNamespace, language: str, said: str
) -> None:
    platforms = shop.data.index.accounts.set_index("account_id")["platform"]
    asked = str(platforms.iloc[0])
    outside = str(platforms.index[platforms != asked][0])
    brief = shop.brief.model_copy(update={"platforms": (asked,)})
    entry = find_entries(shop.open(brief=brief, language=language), outside)
    assert entry.ways.empty
    held = entry.levers.set_index("lever")
    assert held.loc[["price", "format", "cadence"], "note"].tolist() == [said] * 3
    assert not held["acts"].any()
