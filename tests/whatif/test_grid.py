from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from matcher.errors import DataError, SupportError, UsageError
from matcher.whatif.ask import compare_scenarios
from matcher.whatif.curve import account_curve
from matcher.whatif.grid import Knob, parse_knob, score_grid, tornado
from matcher.whatif.sentences import split_sentences, weigh_sentences


def test_knobs_are_read_as_they_are_typed() -> None:
    assert parse_knob("budget=5e7, 60000000").values == (5e7, 60000000)
    assert parse_knob("objective=sales,awareness").values == ("sales", "awareness")
    assert parse_knob("countries=VN+US,VN").values == (("VN", "US"), ("VN",))
    assert parse_knob("budget=null,1").values == (None, 1)
    assert parse_knob("platform_reach.tiktok=0.8").edit(0.8) == {
        "kind": "market",
        "platform_reach": {"tiktok": 0.8},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("budget", "expected NAME=VALUE,VALUE"),
        ("budget=1,,2", "expected NAME=VALUE,VALUE"),
        ("budgt=1", "no knob 'budgt'; did you mean 'budget'"),
        ("acc.followers=1", "no knob 'acc.followers'"),
    ],
)
def test_unknown_knobs_are_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_knob(text)


def test_a_cell_of_a_grid_is_the_answer_to_its_scenario(shop: SimpleNamespace) -> None:
    desk = shop.open("value")
    found = score_grid(desk, [parse_knob("n_posts=1,3"), parse_knob("budget=4e6,9e9")])
    assert len(found) == 4
    for row in found.to_dict("records"):
        edit = {"kind": "brief", "n_posts": int(row["n_posts"]), "budget": float(row["budget"])}
        answer = compare_scenarios(desk, [shop.scenario(edit)]).answers[0]
        assert row["overlap"] == answer.movement.overlap
        assert row["change"] == answer.outcomes[0].change
        assert row["cost_after"] == answer.cost.after
        assert row["digest"] == answer.digest
    with pytest.raises(UsageError, match="expected one or two, each once"):
        score_grid(desk, [parse_knob("n_posts=1")] * 2)
    with pytest.raises(UsageError, match="401 cells; expected 400 at most"):
        score_grid(desk, [Knob("n_posts", tuple(range(1, 402)))])


def test_a_tornado_puts_the_widest_swing_first(shop: SimpleNamespace) -> None:
    knobs = [parse_knob("platform_reach.tiktok=0.9,1.1"), parse_knob("n_posts=1,4")]
    found = tornado(shop.open(), knobs)
    assert found["knob"].tolist()[:2] == ["n_posts", "n_posts"]
    assert (np.diff(found["swing"]) <= 0).all()


def test_a_curve_follows_one_account(shop: SimpleNamespace) -> None:
    desk = shop.open("value")
    account = desk.base.ids(desk.base.order)[5]
    found = account_curve(desk, account, "price", [1e5, 1e6, 1e9])
    ranks = found["rank"].tolist()
    assert ranks[:2] == sorted(ranks[:2])
    # Beyond the budget it is no candidate any more.
    assert found["rank"].isna().tolist() == [False, False, True]
    assert found["expected"].iloc[0] == found["expected"].iloc[1]
    with pytest.raises(DataError, match="not in the market"):
        account_curve(desk, "nobody", "price", [1.0])


def test_sentences_are_weighed_by_leaving_them_out(shop: SimpleNamespace) -> None:
    desk = shop.open("fit")
    found = weigh_sentences(desk)
    texts = [shop.brief.title, *split_sentences(shop.brief.brief)]
    assert found["sentence"].tolist() == texts
    np.testing.assert_allclose(found["carries"], 1.0 - found["overlap"])
    kept = " ".join(texts[2:])
    again = desk.state(shop.scenario({"kind": "brief", "brief": kept}))
    left = set(desk.base.ids(desk.base.chosen)) - set(again.ids(again.chosen))
    assert set(found["left"].iloc[1]) == left
    bare = shop.brief.model_copy(update={"title": None, "brief": None})
    with pytest.raises(SupportError, match="has no text"):
        weigh_sentences(shop.open(brief=bare))
    long = shop.brief.model_copy(update={"brief": "Một câu. " * 70})
    with pytest.raises(SupportError, match="71 sentences; 60 at most"):
        weigh_sentences(shop.open(brief=long))


def test_numbers_of_items_are_no_sentences() -> None:
    assert split_sentences("1. Son mới.\n2. Da dầu") == ["1. Son mới.", "2. Da dầu"]
    assert split_sentences("Ở TP. HCM, Q. 1. Gặp Mr. Lâm!") == ["Ở TP. HCM, Q. 1.", "Gặp Mr. Lâm!"]
    assert split_sentences("") == []
    assert split_sentences("…") == ["…"]
