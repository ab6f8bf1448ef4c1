from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import ndcg_score, roc_auc_score

from matcher.evaluation.outcomes import grade_outcomes
from matcher.world.judge.rankings import build_pool, judge_ranking, ranking_figures


def frame(scores: dict[str, dict[str, float]], method: str = "m") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"method": method, "campaign_id": campaign, "account_id": account, "score": score}
            for campaign, held in scores.items()
            for account, score in held.items()
        ]
    )


def figure(bench, scores: dict[str, dict[str, float]], target: str, metric: str) -> float:
    _, figures, _ = judge_ranking(bench, frame(scores))
    return float(figures["m"][target, metric][0])


OUTCOMES = [3.0, 11.0, 7.0, 1.0, 25.0, 2.0, 14.0, 5.0, 9.0, 6.0, 4.0, 30.0, 8.0, 13.0]


def test_figures_agree_with_scikit_learn_and_scipy(make_bench) -> None:
    rng = np.random.default_rng(3)
    bench = make_bench({"c0": OUTCOMES})
    score = rng.normal(size=len(OUTCOMES))
    given = {"c0": {f"a{place}": float(one) for place, one in enumerate(score)}}
    truth = np.array(OUTCOMES)
    gains = 2.0 ** grade_outcomes(np.zeros(len(truth), int), truth) - 1
    assert figure(bench, given, "outcome", "ndcg_at_10") == pytest.approx(
        ndcg_score([gains], [score], k=10)
    )
    first = np.argsort(-score)[:10]
    best = np.sort(truth)[::-1][:10]
    assert figure(bench, given, "outcome", "regret_at_10") == pytest.approx(
        1 - truth[first].sum() / best.sum()
    )
    overlap = len({*first} & {*np.argsort(-truth)[:10]}) / 10
    assert figure(bench, given, "outcome", "overlap_at_10") == pytest.approx(overlap)
    assert figure(bench, given, "outcome", "spearman") == pytest.approx(spearmanr(score, truth)[0])
    # All longlisted accounts are listed: the pool and the rows given are the same.
    for metric in ("ndcg_at_10", "regret_at_10", "overlap_at_10", "spearman"):
        assert figure(bench, given, "outcome", metric) == pytest.approx(
            figure(bench, given, "outcome_given", metric)
        )


def test_unlisted_accounts_rank_last_in_random_order(make_bench) -> None:
    values = [5.0, 1.0, 8.0, 2.0, 13.0, 3.0, *[0.5] * 7]
    bench = make_bench({"c0": values})
    # Eight are listed, worst first; of the other five two find a place among the first ten.
    listed = {f"a{place}": float(place) for place in range(5, 13)}
    unlisted = [0, 1, 2, 3, 4]
    order = sorted(range(5, 13), reverse=True)
    truth, best = np.array(values), np.sort(values)[::-1][:10].sum()
    regrets = [1 - truth[[*order, *rest]][:10].sum() / best for rest in permutations(unlisted)]
    pool, figures, notes = judge_ranking(bench, frame({"c0": listed}))
    assert figures["m"]["outcome", "regret_at_10"][0] == pytest.approx(np.mean(regrets))
    assert notes == ["m: 5 of 13 longlisted accounts have no row; they rank last, in random order"]
    assert len(pool.pairs) == 13


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.floats(0.01, 1e6), min_size=3, max_size=30, unique=True),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_the_truth_itself_has_regret_0_and_ndcg_1(make_bench, values: list[list[float]]) -> None:
    bench = make_bench({f"c{place}": held for place, held in enumerate(values)})
    scores = {
        f"c{place}": {f"a{number}": one for number, one in enumerate(held)}
        for place, held in enumerate(values)
    }
    _, figures, _ = judge_ranking(bench, frame(scores))
    assert figures["m"]["outcome", "regret_at_10"] == pytest.approx(0, abs=1e-12)
    assert figures["m"]["outcome", "ndcg_at_10"] == pytest.approx(1)
    assert figures["m"]["outcome", "overlap_at_10"] == pytest.approx(1)
    # And no order of the same accounts has a negative regret.
    turned = {c: {a: -one for a, one in held.items()} for c, held in scores.items()}
    _, figures, _ = judge_ranking(bench, frame(turned))
    assert (figures["m"]["outcome", "regret_at_10"] >= -1e-12).all()


def test_the_choice_is_judged_by_probability_and_by_who_was_chosen(make_bench) -> None:
    rng = np.random.default_rng(0)
    probability = np.round(rng.uniform(0.05, 0.9, 12), 3)
    chosen = rng.random(12) < probability
    bench = make_bench(
        {"c0": [1.0] * 14},
        outside=2,
        probability={"c0": probability.tolist()},
        chosen={"c0": chosen.tolist()},
    )
    score = rng.normal(size=14)
    given = {"c0": {f"a{place}": float(one) for place, one in enumerate(score)}}
    # Two accounts are outside the longlist: nobody knows whether the buyer would want them.
    assert figure(bench, given, "choice", "auc_chosen") == pytest.approx(
        roc_auc_score(chosen, score[:12])
    )
    assert figure(bench, given, "choice", "ndcg_at_10_chosen") == pytest.approx(
        ndcg_score([chosen.astype(float)], [score[:12]], k=10)
    )
    gains = 2.0 ** grade_outcomes(np.zeros(12, int), probability) - 1
    assert figure(bench, given, "choice", "ndcg_at_10") == pytest.approx(
        ndcg_score([gains], [score[:12]], k=10)
    )
    _, _, notes = judge_ranking(bench, frame(given))
    assert notes == [
        "m: 2 of 14 rows are of accounts outside the buyer's longlist; they count for outcomes, "
        "not for the choice"
    ]


def test_a_campaign_that_is_open_is_judged_by_utility(make_bench) -> None:
    bench = make_bench({"c0": [1.0, 2.0, 3.0, 4.0]}, probability={"c0": [0.1, 0.4, 0.2, 0.3]})
    bench.longlist["inclusion_probability"] = np.nan
    given = {"c0": {"a0": 1.0, "a1": 4.0, "a2": 2.0, "a3": 3.0}}
    assert figure(bench, given, "choice", "spearman") == pytest.approx(1)
    assert np.isnan(figure(bench, given, "choice", "auc_chosen"))


def test_methods_share_the_pool_and_have_nothing_where_they_did_not_rank(make_bench) -> None:
    bench = make_bench({"c0": [1.0, 2.0, 3.0], "c1": [3.0, 2.0, 1.0]})
    whole = {c: {"a0": 3.0, "a1": 2.0, "a2": 1.0} for c in ("c0", "c1")}
    both = pd.concat([frame(whole), frame({"c1": whole["c1"]}, "half")])
    pool, figures, _ = judge_ranking(bench, both)
    assert pool.campaign_ids == ("c0", "c1")
    assert np.isnan(figures["half"]["outcome", "ndcg_at_10"][0])
    assert figures["half"]["outcome", "ndcg_at_10"][1] == pytest.approx(1)
    assert figures["m"]["outcome", "spearman"].tolist() == pytest.approx([-1, 1])


def test_the_pool_is_the_longlist_and_what_was_listed_besides(make_bench) -> None:
    bench = make_bench({"c0": [1.0, 2.0, 3.0, 4.0]}, outside=2)
    pool = build_pool(bench, frame({"c0": {"a3": 1.0}}))
    assert pool.pairs["account_id"].tolist() == ["a0", "a1", "a3"]
    assert pool.listed.tolist() == [True, True, False]
    figures = ranking_figures(pool, np.array([np.nan, np.nan, 1.0]))
    # Best of all first; the other two in either order.
    assert figures["outcome", "overlap_at_10"].tolist() == [1.0]
