from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.features.context import MarketData
from matcher.market.market import build_market
from matcher.plan.audience import Audiences, read_audiences
from matcher.plan.cells import build_crowd, sainsbury, usual_people

NOW = int(pd.Timestamp("2025-01-01T00:00:00Z").value // 1_000)


def audiences(shares: list[list[float]]) -> Audiences:
    held = np.array(shares)
    n = len(held)
    return Audiences(
        {"country": ("VN", "other"), "interest": ("beauty", "food", "travel")},
        {"country": np.tile([0.9, 0.1], (n, 1)), "interest": held},
        {"country": n, "interest": n},
    )


@given(
    st.lists(st.just(0.0) | st.floats(1, 4e6), min_size=1, max_size=5),
    st.sampled_from([0.06, 0.5, np.inf]),
    st.integers(0, 9),
)
def test_each_account_reaches_as_many_as_wanted(
    wanted: list[float], evenness: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    n = len(wanted)
    held = audiences(rng.dirichlet([1, 1, 1], n).tolist())
    platforms = rng.choice(["tiktok", "facebook", "x", "zalo", "blog"], n).astype(object)
    people = np.array(wanted)
    crowd = build_crowd(held, platforms, people + 1, evenness=evenness)
    reach, cut = crowd.reach(people)
    alone = np.array([reach.people_reached([k]) for k in range(n)])
    assert not set(cut) - set(np.flatnonzero(platforms == "x"))
    fine = np.setdiff1d(np.arange(n), cut)
    assert alone[fine] == pytest.approx(people[fine], rel=1e-3, abs=1e-3)
    together = reach.people_reached_often(np.arange(n))
    assert together[0] <= alone.sum() * (1 + 1e-6) + 1e-6
    assert together[0] >= alone.max() * (1 - 1e-6)


def test_accounts_of_one_interest_overlap_more_and_even_people_least() -> None:
    alike, apart = [[0.9, 0.05, 0.05]] * 2, [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05]]
    wanted, on = np.full(2, 1e6), np.array(["tiktok"] * 2, dtype=object)

    def together(shares: list[list[float]], evenness: float = 0.06) -> float:
        reach, _ = build_crowd(audiences(shares), on, wanted, evenness=evenness).reach(wanted)
        return reach.people_reached([0, 1])

    assert together(alike) < together(apart) < together(apart, np.inf) < 2e6


def test_without_tables_the_figure_is_that_of_one_population() -> None:
    wanted = np.array([2e6, 3e6])
    on = np.array(["tiktok", "tiktok"], dtype=object)
    crowd = build_crowd(Audiences({}, {}, {}), on, wanted, evenness=np.inf)
    reach, _ = crowd.reach(wanted)
    users = usual_people().count("VN") * usual_people().use("tiktok", "VN")
    assert reach.people_reached([0, 1]) == pytest.approx(sainsbury(wanted, users), rel=1e-6)


def test_sainsbury_is_exact_for_one_and_never_more_than_the_sum() -> None:
    assert sainsbury(np.array([5.0]), 10.0) == pytest.approx(5.0)
    assert sainsbury(np.array([5.0, 5.0]), 10.0) == pytest.approx(7.5)
    assert sainsbury(np.array([20.0, 5.0]), 10.0) == pytest.approx(20.0)
    assert sainsbury(np.array([]), 10.0) == 0.0


def market() -> MarketData:
    people = ["p1", "p2", "p3"]
    influencers = pd.DataFrame(
        {"influencer_id": people, "categories": [["beauty"], ["beauty"], ["food"]]}
    )
    influencers["country"] = "VN"
    accounts = pd.DataFrame({"account_id": ["a1", "a2", "a3"], "influencer_id": people})
    accounts["platform"] = "tiktok"
    rows = [("a1", "interest", "beauty", 0.6), ("a1", "interest", "food", 0.1)]
    rows += [("a1", "country", "VN", 0.8), ("a3", "interest", "food", 1.0)]
    table = pd.DataFrame(rows, columns=["account_id", "dimension", "bucket", "share"])
    table["as_of"] = pd.Timestamp("2024-06-01T00:00:00Z")
    late = table.head(1).assign(as_of=pd.Timestamp("2025-06-01T00:00:00Z"), share=0.1)
    snapshots = pd.DataFrame({"account_id": ["a1"], "n_followers": [100.0]})
    snapshots["as_of"] = pd.Timestamp("2024-01-01T00:00:00Z")
    tables = {"influencers": influencers, "accounts": accounts, "account_snapshots": snapshots}
    return MarketData(build_market({**tables, "audiences": pd.concat([table, late])}))


def test_tables_are_completed_and_missing_ones_are_like_those_of_others() -> None:
    data = market()
    found = read_audiences(data, np.arange(3), NOW)
    assert found.n_known == {"country": 1, "interest": 2}
    country = dict(zip(found.buckets["country"], found.shares["country"][0], strict=True))
    assert country["VN"] == pytest.approx(0.8, abs=1e-4)
    assert country["other"] == pytest.approx(0.2, abs=1e-4)
    beauty = found.buckets["interest"].index("beauty")
    own, other, last = found.shares["interest"][:, beauty]
    # The second account is of the first one's category, and drawn to the mean of all.
    assert own > other > last
    assert read_audiences(data, np.arange(3), 0).n_known == {}
