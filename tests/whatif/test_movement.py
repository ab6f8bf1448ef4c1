from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.whatif.ask import compare_scenarios
from matcher.whatif.movement import measure_movement, rank_biased_overlap

LISTS = st.lists(st.integers(0, 30), unique=True, max_size=12)


def by_definition(first: list[int], second: list[int], p: float) -> float:
    """Equation 23 of Webber et al., term by term, for lists of one length."""
    k = len(first)
    agreement = [len(set(first[:d]) & set(second[:d])) / d for d in range(1, k + 1)]
    total = (1 - p) / p * sum(one * p**d for d, one in enumerate(agreement, start=1))
    return agreement[-1] * p**k + total


@given(st.permutations(range(9)), st.permutations(range(4, 13)), st.sampled_from([0.5, 0.9]))
def test_equals_the_definition_for_equal_lengths(
    first: list[int], second: list[int], p: float
) -> None:
    found = rank_biased_overlap(first, second, persistence=p)
    assert found == pytest.approx(by_definition(first, second, p))


@given(LISTS, LISTS)
def test_is_a_symmetric_share(first: list[int], second: list[int]) -> None:
    found = rank_biased_overlap(first, second)
    assert 0.0 <= found <= 1.0
    assert found == pytest.approx(rank_biased_overlap(second, first))
    assert rank_biased_overlap(first, first) == pytest.approx(1.0)
    if first and second and not set(first) & set(second):
        assert found == 0.0


@given(st.permutations(range(8)))
def test_a_prefix_agrees_as_far_as_it_goes(first: list[int]) -> None:
    assert rank_biased_overlap(first, first[:5]) == pytest.approx(1.0)


def test_changes_at_the_top_weigh_more() -> None:
    plain = list(range(10))
    top, bottom = [1, 0, *plain[2:]], [*plain[:8], 9, 8]
    assert rank_biased_overlap(plain, top) < rank_biased_overlap(plain, bottom) < 1.0
    assert np.isclose(rank_biased_overlap([], [1]), 0.0)


@pytest.mark.parametrize("order", ["outcome", "value", "fit", "deliver"])
def test_who_moves_since_others_left_is_said_to(shop: SimpleNamespace, order: str) -> None:
    desk = shop.open(order)
    first, second = desk.base.ids(desk.base.order[:2])
    away = {"kind": "market", "unavailable": [first], "hired_by_rival": [second]}
    for language, said in (
        ("en", "because others that stood above left"),
        ("vi", "vì tài khoản khác đứng trên đã rời đi"),
    ):
        asked = shop.open(order, language=language)
        state = asked.state(shop.scenario(away))
        found = measure_movement(asked.base, state)
        changes = found.changes[found.changes["change"].isin(["up", "entered"])]
        assert len(changes)
        before, after = (
            one.ranked.order_score[one.rows_of(changes["account_id"].to_numpy(object))]
            for one in (asked.base, state)
        )
        for moved, sentence in zip(after - before, changes["sentence"], strict=True):
            if abs(moved) < 1e-9:
                assert said in sentence
                assert "(+" not in sentence
    # Nobody's own part in a score that reads no other account has changed.
    if order in ("outcome", "value"):
        assert found.groups == {}


def test_only_who_changed_is_helped_by_a_reason_group(shop: SimpleNamespace) -> None:
    desk = shop.open("outcome")
    first = desk.base.ids(desk.base.order)[0]
    lifted = desk.base.ids(desk.base.order)[4]
    scenario = shop.scenario(
        {"kind": "market", "unavailable": [first]},
        {"kind": "influencer", "account_id": lifted, "engagement_factor": 3.0},
    )
    found = measure_movement(desk.base, desk.state(scenario)).changes.set_index("account_id")
    helped = found.index[found["sentence"].str.contains("helped most by")].tolist()
    assert helped == [lifted]


def test_a_price_that_no_reason_group_holds_is_the_account_s_own(shop: SimpleNamespace) -> None:
    desk = shop.open("value")
    account = desk.base.ids(desk.base.order)[4]
    edit = {"kind": "influencer", "account_id": account, "price": 1000.0, "currency": "VND"}
    found = measure_movement(desk.base, desk.state(shop.scenario(edit))).changes
    sentence = found.set_index("account_id").loc[account, "sentence"]
    assert "by its own score (+" in sentence


@pytest.mark.parametrize("language", ["en", "vi"])
def test_who_gives_way_to_an_account_of_the_same_person_is_told(
    shop: SimpleNamespace, language: str
) -> None:
    desk = shop.open("value", top_k=10, language=language)
    index, base = desk.job.data.index, desk.base
    persons = index.person_of[base.ranked.candidates.codes]
    hidden = next(row for row in range(len(persons)) if row not in base.order)
    shown = int(base.order[persons[base.order] == persons[hidden]][0])
    first, second = base.ids(np.array([shown, hidden]))
    price = {"kind": "influencer", "currency": "VND"}
    cheap = shop.scenario(
        {**price, "account_id": second, "price": 1.0}, {**price, "account_id": first, "price": 1e6}
    )
    handles = index.accounts.set_index("account_id")["handle"]
    there = desk.state(cheap)
    gone = measure_movement(base, there).changes.set_index("account_id")
    assert there.rank_of(second) == 1
    assert str(handles[first]) in gone.loc[second, "sentence"]
    assert gone.loc[second, "change"] == "entered"
    back = measure_movement(there, base).changes.set_index("account_id").loc[second]
    assert (back["change"], back["why"]) == ("left", "another account of its person")
    assert str(handles[first]) in back["sentence"]


def test_who_was_no_candidate_and_lists_that_run_short_are_told(shop: SimpleNamespace) -> None:
    platforms = shop.data.index.accounts["platform"]
    asked, other = platforms.value_counts().index[[0, -1]]
    brief = shop.brief.model_copy(update={"platforms": (asked,)})
    n_all = int((platforms == other).sum())
    desk = shop.open("fit", brief=brief, top_k=n_all + 1)
    scenario = shop.scenario({"kind": "brief", "platforms": [other]})
    (answer,) = compare_scenarios(desk, [scenario]).answers
    entered = answer.movement.changes.query("change == 'entered'")
    assert entered["sentence"].str.endswith("It was no candidate as things are.").all()
    n_new = answer.movement.n_listed
    assert n_new == len(answer.ranking) < len(desk.base.chosen)
    assert f"only {n_new} accounts are left to list: {len(desk.base.chosen)} of" in answer.verdict
    assert f"leave and {n_new} enter" in answer.verdict
