from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from matcher.errors import UsageError
from matcher.market.market import build_market
from matcher.recommend.explore import DECISION_COLUMNS, Lottery
from matcher.recommend.recommend import recommend

SCORES = np.array([1.2, 0.3, -0.4, 0.0, 2.0])


def plackett_luce(logits: np.ndarray, persons: np.ndarray, k: int) -> np.ndarray:
    """Chance of each account by walking through every order in which accounts can be drawn."""
    weights, chance = np.exp(logits), np.zeros(len(logits))
    for order in permutations(range(len(logits))):
        left, probability = weights.sum(), 1.0
        for one in order:
            probability *= weights[one] / left
            left -= weights[one]
        seen: list[int] = []
        for one in order:
            if persons[one] not in persons[seen] and len(seen) < k:
                seen.append(one)
        chance[seen] += probability
    return chance


@pytest.mark.parametrize("persons", [[0, 1, 2, 3, 4], [0, 1, 0, 1, 2], [0, 0, 0, 0, 0]])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("epsilon", [0.3, 2.0])
def test_chances_are_those_of_drawing_without_replacement(
    persons: list[int], k: int, epsilon: float
) -> None:
    _, chance, error = Lottery(epsilon, n_draws=8_192).draw("b", SCORES, np.array(persons), k)
    exact = plackett_luce(SCORES / (epsilon * SCORES.std()), np.array(persons), k)
    assert (np.abs(chance - exact) < 5 * error + 1e-9).all()
    assert error.max() < 0.006
    assert (chance > 0).all()


def test_lists_come_as_often_as_their_chance_says() -> None:
    persons = np.array([0, 1, 2, 0, 4])
    counts = np.zeros(5)
    for seed in range(3_000):
        counts[Lottery(0.5, seed, n_draws=2).draw("b", SCORES, persons, 2)[0]] += 1
    _, chance, _ = Lottery(0.5, n_draws=8_192).draw("b", SCORES, persons, 2)
    assert np.abs(counts / 3_000 - chance).max() < 4 * np.sqrt(0.25 / 3_000)


def test_little_noise_gives_the_best_list_and_much_noise_any() -> None:
    persons = np.arange(5)
    rows, chance, _ = Lottery(1e-4).draw("b", SCORES, persons, 3)
    assert rows.tolist() == [4, 0, 1]
    np.testing.assert_allclose(chance, [1, 1, 0, 0, 1], atol=1e-6)
    _, chance, error = Lottery(1e4, n_draws=8_192).draw("b", SCORES, persons, 3)
    assert (np.abs(chance - 0.6) < 5 * error).all()


def test_equal_scores_and_no_scores() -> None:
    rows, chance, _ = Lottery(0.2).draw("b", np.zeros(3), np.arange(3), 5)
    assert sorted(rows.tolist()) == [0, 1, 2]
    assert chance.tolist() == [1.0, 1.0, 1.0]
    rows, chance, error = Lottery(0.2).draw("b", np.empty(0), np.empty(0, dtype=np.int64), 5)
    assert len(rows) == len(chance) == len(error) == 0


@pytest.mark.parametrize("epsilon", [0.0, -1.0, np.nan, np.inf])
def test_noise_that_is_none(epsilon: float) -> None:
    with pytest.raises(UsageError, match="expected noise above 0"):
        Lottery(epsilon)


def drawn(shop, seed=0, **options):
    lottery = Lottery(1.0, seed)
    return recommend(
        shop.model,
        shop.data,
        [shop.make_brief("one"), shop.make_brief("two", platforms=["youtube"])],
        as_of=shop.NOW,
        lottery=lottery,
        context=shop.context,
        **{"top_k": 8, **options},
    )


def test_the_log_holds_every_eligible_account_and_what_was_chosen(shop) -> None:
    found = drawn(shop)
    log = found.decisions
    assert {name: str(dtype) for name, dtype in log.dtypes.items()} == DECISION_COLUMNS
    counts = log.groupby("campaign_id")["account_id"].size()
    assert counts.to_dict() == found.pools.set_index("brief_id")["n_eligible"].to_dict()
    chosen = log[log["chosen"]].sort_values(["campaign_id", "rank"])
    assert chosen["account_id"].tolist() == found.frame["account_id"].tolist()
    assert chosen["score"].tolist() == found.frame["outcome_score"].tolist()
    sums = log.groupby("campaign_id")["inclusion_probability"].sum()
    np.testing.assert_allclose(sums[["one", "two"]], [8.0, 6.0], atol=0.2)
    persons = found.frame.groupby("brief_id")["influencer_id"].nunique()
    assert persons.tolist() == [8, 6]


def test_draws_depend_on_seed_and_brief_alone(shop) -> None:
    pd.testing.assert_frame_equal(drawn(shop).decisions, drawn(shop).decisions)
    assert not drawn(shop).decisions["chosen"].equals(drawn(shop, seed=1).decisions["chosen"])
    alone = recommend(
        shop.model, shop.data, [shop.make_brief("one")], as_of=shop.NOW, lottery=Lottery(1.0),
        context=shop.context, top_k=8,
    )  # fmt: skip
    whole = drawn(shop).decisions
    pd.testing.assert_frame_equal(alone.decisions, whole[whole["campaign_id"] == "one"])


def test_an_account_that_was_not_retrieved_had_no_chance(shop) -> None:
    settings = shop.settings.model_copy(
        update={"retrieval": shop.settings.retrieval.model_copy(update={"n_candidates": 9})}
    )
    log = drawn(shop, settings=settings).decisions
    left_out = log[log["score"].isna()]
    assert len(log[log["campaign_id"] == "one"]) - 9 == len(
        left_out[left_out["campaign_id"] == "one"]
    )
    assert (left_out["inclusion_probability"] == 0).all()
    assert left_out["inclusion_error"].isna().all()
    assert not left_out["chosen"].any()


def test_a_market_takes_the_log_as_its_table_of_decisions(shop) -> None:
    brief_ids = {"one": "open1", "two": "open2"}
    log = drawn(shop).decisions
    log["campaign_id"] = log["campaign_id"].map(brief_ids)
    market = build_market({**shop.make_tables(), "decisions": log}, strict=True)
    assert len(market.tables["decisions"]) == len(log)


def test_accounts_that_a_brief_must_have_are_certain(shop) -> None:
    brief = shop.make_brief("one", must_have=["a47", "b00"])
    found = recommend(
        shop.model, shop.data, [brief], as_of=shop.NOW, lottery=Lottery(1.0), top_k=5,
        context=shop.context,
    )  # fmt: skip
    log = found.decisions.set_index("account_id")
    assert log.loc[["a47", "b00"], "inclusion_probability"].tolist() == [1.0, 1.0]
    # The other account of the same person never stands beside it.
    assert log.loc["a00", "inclusion_probability"] == 0
    assert log["inclusion_probability"].sum() == pytest.approx(5, abs=0.2)
    assert set(found.frame["account_id"].head(2)) == {"a47", "b00"}
    assert len(found.frame) == 5


def test_a_draw_without_anybody_eligible_has_an_empty_log(shop) -> None:
    brief = shop.make_brief(platforms=["zalo"])
    found = recommend(shop.model, shop.data, [brief], as_of=shop.NOW, lottery=Lottery(0.3))
    assert len(found) == 0
    assert found.decisions.dtypes.astype(str).to_dict() == dict(DECISION_COLUMNS)
