"""The truth: outcomes of any pair, agreeing with what was logged and with itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from matcher.columns import OUTCOMES
from matcher.errors import DataError, UsageError
from matcher.world import simulate_market
from matcher.world.engagement import season
from matcher.world.interventions import Intervention
from matcher.world.truth import Truth, read_truth


@pytest.fixture(scope="module")
def truth(world) -> Truth:
    return read_truth(world.folder)


@pytest.fixture(scope="module")
def logged(world) -> pd.DataFrame:
    found = world.table("collaborations")
    return found[found["outcome_at"].notna()].reset_index(drop=True)


@pytest.fixture(scope="module")
def some_pairs(truth: Truth) -> pd.DataFrame:
    return truth.pairs().sample(1_500, random_state=3).reset_index(drop=True)


def ids(pairs: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return pairs["campaign_id"], pairs["account_id"]


def test_what_was_logged_is_the_draw_of_the_hired_pair(truth: Truth, logged: pd.DataFrame) -> None:
    drawn = truth.draw(*ids(logged))
    for name in OUTCOMES:
        known = logged[name].notna()
        assert known.any(), name
        gap = (drawn[name][known] - logged[name][known].astype(float)).abs()
        # Money is rounded to hundredths.
        assert gap.max() < (0.01 if name == "revenue" else 1e-6), name


def test_other_draws_agree_with_the_log_in_distribution(truth: Truth, logged: pd.DataFrame) -> None:
    # As expected in the format that was agreed on, which both draws share.
    expected = pd.concat(
        truth.expected(*ids(part), Intervention(format=form)).set_index(part.index)
        for form, part in logged.groupby("format")
    ).loc[logged.index]
    other = truth.draw(*ids(logged), draw=1)
    for name in ("impressions", "engagements"):
        surprise = np.log1p(logged[name].astype(float)) - np.log1p(expected[name])
        other_surprise = np.log1p(other[name]) - np.log1p(expected[name])
        assert stats.ks_2samp(surprise, other_surprise).pvalue > 1e-3
        assert abs(np.corrcoef(surprise, other_surprise)[0, 1]) < 0.1


def test_expectations_are_the_means_of_many_draws(truth: Truth, some_pairs: pd.DataFrame) -> None:
    expected = truth.expected(*ids(some_pairs))
    draws = [truth.draw(*ids(some_pairs), draw=k) for k in range(1, 41)]
    for name in ("impressions", "reach", "engagements", "link_clicks", "conversions"):
        each = np.array([draw[name].sum() for draw in draws])
        error = each.std() / np.sqrt(len(each))
        assert abs(each.mean() - expected[name].sum()) < 4 * error, name


def test_a_pair_meets_the_same_luck_in_every_scenario(
    truth: Truth, some_pairs: pd.DataFrame
) -> None:
    base = truth.draw(*ids(some_pairs))
    less = truth.draw(*ids(some_pairs), Intervention(platform_reach={"tiktok": 0.8}))
    platform = truth.market.people.platform
    rows = [truth.account_ids.index(a) for a in some_pairs["account_id"]]
    on_tiktok = platform[rows] == 2
    assert (less[~on_tiktok].fillna(0) == base[~on_tiktok].fillna(0)).all(axis=None)
    assert (less["impressions"] <= base["impressions"]).all()
    large = on_tiktok & (base["impressions"] > 2_000)
    ratio = less["impressions"][large] / base["impressions"][large]
    assert np.median(ratio) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        (Intervention(n_posts=2), 2.0),
        (Intervention(fee_ratio=1.0), 1.0),
        (Intervention(followers=1.0), None),
        (Intervention(platform_reach={"facebook": 2.0, "zalo": 2.0}), None),
    ],
)
def test_interventions_change_what_they_say(
    change: Intervention, factor: float | None, truth: Truth, some_pairs: pd.DataFrame
) -> None:
    base = truth.expected(*ids(some_pairs), Intervention(n_posts=1))
    changed = truth.expected(
        *ids(some_pairs), Intervention(**{**vars(change), "n_posts": change.n_posts or 1})
    )
    ratio = changed["impressions"] / base["impressions"]
    assert np.isfinite(ratio).all()
    if factor is not None:
        assert ratio.median() == pytest.approx(factor, rel=0.02)


def test_more_followers_and_better_pay_never_lower_the_reach(
    truth: Truth, some_pairs: pd.DataFrame
) -> None:
    base = truth.expected(*ids(some_pairs), Intervention(fee_ratio=1.0))
    more = truth.expected(*ids(some_pairs), Intervention(fee_ratio=1.0, followers=1.5))
    paid = truth.expected(*ids(some_pairs), Intervention(fee_ratio=1.5))
    assert (more["reach"] > base["reach"]).all()
    assert (paid["reach"] > base["reach"]).all()
    assert (paid["fee"] > base["fee"]).all()


def test_another_subject_changes_the_fit_and_nothing_else(truth: Truth) -> None:
    pairs = truth.pairs()
    pairs = pairs[pairs["campaign_id"] == pairs["campaign_id"].iloc[0]]
    sub = truth.market.vocabulary.sub_topics[truth.market.campaigns.sub[0]]
    same = truth.expected(*ids(pairs), Intervention(sub_topic=sub))
    pd.testing.assert_frame_equal(same, truth.expected(*ids(pairs)))
    other = next(s for s in truth.market.vocabulary.sub_topics if s[:3] != sub[:3])
    changed = truth.expected(*ids(pairs), Intervention(sub_topic=other))
    assert (changed["reach"] != same["reach"]).any()
    assert np.allclose(changed["fee"], same["fee"])


def test_inclusion_probabilities_are_right(truth: Truth) -> None:
    pairs = truth.pairs()
    n_draws = 150
    counts = truth.redraw_decisions(n_draws, seed=1).sum(axis=0)
    past = ~pairs["is_open"].to_numpy() & pairs["inclusion_probability"].notna().to_numpy()
    assert (counts[~past] == 0).all()
    p = pairs["inclusion_probability"].to_numpy()[past]
    # Pairs of like probability together, so that every cell is expected often enough.
    cell = pd.qcut(p, 40, labels=False, duplicates="drop")
    frame = pd.DataFrame({"cell": cell, "seen": counts[past], "p": p})
    sums = frame.groupby("cell").agg(seen=("seen", "sum"), p=("p", "sum"))
    variance = frame.assign(v=p * (1 - p)).groupby("cell")["v"].sum() * n_draws
    statistic = ((sums["seen"] - n_draws * sums["p"]) ** 2 / variance).sum()
    assert stats.chi2.sf(statistic, len(sums)) > 1e-3
    size = pd.Series(p).groupby(pairs["campaign_id"].to_numpy()[past]).sum()
    assert np.allclose(size, size.round())


def test_earlier_hires_count_the_same_for_any_pair(truth: Truth) -> None:
    pairs = truth.pairs()
    hiring = truth.hiring
    assert (truth._repeats(hiring.campaign, hiring.account) == pairs["repeats"]).all()


def test_strange_questions_are_refused(truth: Truth, world, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"2 accounts are not of this market, e\.g\. a, b"):
        truth.expected(["cmp_0000"] * 3, ["a", "b", "a"])
    with pytest.raises(UsageError, match="got 1 campaigns for 2 accounts"):
        truth.expected(["cmp_0000"], ["acc_000000", "acc_000001"])
    with pytest.raises(UsageError, match="unknown colour; expected any of: n_posts"):
        Intervention.from_dict({"colour": 1})
    with pytest.raises(UsageError, match="fee_ratio is 0; expected more than 0"):
        Intervention(fee_ratio=0)
    with pytest.raises(UsageError, match="platform_reach names myspace"):
        Intervention(platform_reach={"myspace": 0.5})
    with pytest.raises(UsageError, match="ad_share is 2; expected 0"):
        Intervention(ad_share=2)
    with pytest.raises(UsageError, match="format `hologram`"):
        Intervention(format="hologram")
    with pytest.raises(UsageError, match="sub_topic `nothing`"):
        truth.expected(["cmp_0000"], ["acc_000000"], Intervention(sub_topic="nothing"))
    audio = Intervention(format="audio")
    with pytest.raises(UsageError, match="`audio` is not in use on"):
        truth.expected(["cmp_0000"] * 40, truth.account_ids[:40], audio)
    with pytest.raises(DataError, match=r"no truth/world\.json"):
        read_truth(tmp_path)
    copy = tmp_path / "market"
    shutil.copytree(world.folder, copy)
    record = json.loads((copy / "truth" / "world.json").read_text(encoding="utf-8"))
    (copy / "truth" / "world.json").write_text(json.dumps({**record, "version": 0}))
    with pytest.raises(DataError, match="version 0 of the generator"):
        read_truth(copy)


def simulated(folder: Path, world: str, *, seed: int = 6) -> tuple[Truth, pd.DataFrame]:
    simulate_market(folder / world, n_influencers=900, n_campaigns=120, seed=seed, world=world)
    truth = read_truth(folder / world)
    return truth, pd.read_parquet(folder / world / "decisions.parquet")


def test_a_platform_changes_its_algorithm_in_drift(tmp_path: Path) -> None:
    truth, _ = simulated(tmp_path, "drift")
    posts = pd.read_parquet(tmp_path / "drift" / "posts.parquet")
    accounts = pd.read_parquet(tmp_path / "drift" / "accounts.parquet")
    posts = posts.merge(accounts[["account_id", "platform"]], on="account_id")
    posts = posts[posts["views"].notna() & posts["platform"].isin(["tiktok", "instagram"])]
    end = pd.Timestamp("2025-07-01", tz="UTC")
    late = posts["published_at"] > end - pd.Timedelta(days=0.2 * 730)
    log_views = np.log1p(posts["views"].astype(float))
    change = {
        name: log_views[late & own].mean() - log_views[~late & own].mean()
        for name in ("tiktok", "instagram")
        for own in [posts["platform"] == name]
    }
    assert change["tiktok"] < change["instagram"] - 0.4
    assert truth.market.knobs.drift_at == 0.8


def test_fame_that_no_table_shows_moves_choices_and_outcomes_in_confounded(tmp_path: Path) -> None:
    truth, decisions = simulated(tmp_path, "confounded")
    pairs = truth.pairs()
    fame = truth.market.people.fame[truth.market.people.person[truth.hiring.account]]
    past = ~pairs["is_open"]
    assert fame[past & pairs["chosen"]].mean() > 0.3
    chosen_rate = decisions["inclusion_probability"]
    real = pairs["inclusion_probability"][past].to_numpy()
    assert (np.abs(chosen_rate.to_numpy() - real) > 1e-6).mean() > 0.9
    assert np.allclose(chosen_rate, pairs["recorded_probability"][past])
    expected = truth.expected(*ids(pairs))["reach"]
    control, _ = simulated(tmp_path, "default")
    usual = control.expected(*ids(control.pairs()))["reach"]
    assert np.corrcoef(fame, np.log(expected))[0, 1] > 0.15
    usual_fame = control.market.people.fame[control.market.people.person[control.hiring.account]]
    assert abs(np.corrcoef(usual_fame, np.log(usual))[0, 1]) < 0.08


def test_a_deterministic_buyer_logs_certainty(tmp_path: Path) -> None:
    truth, decisions = simulated(tmp_path, "deterministic")
    assert set(decisions["inclusion_probability"]) == {0.0, 1.0}
    assert (decisions["inclusion_probability"].eq(1.0) == decisions["chosen"]).all()
    pairs = truth.pairs().query("not is_open")
    best = pairs.sort_values("utility").groupby("campaign_id").tail(1)
    assert best["chosen"].all()


def test_fit_moves_nothing_in_no_fit(tmp_path: Path) -> None:
    truth, decisions = simulated(tmp_path, "no-fit")
    pairs = truth.pairs().query("not is_open")
    ranks = pairs.groupby("campaign_id")["fit"].rank(pct=True)
    assert abs(ranks[pairs["chosen"]].mean() - ranks.mean()) < 0.03
    assert len(decisions) == len(pairs)
    sub = truth.market.vocabulary.sub_topics
    some = pairs.head(500)
    one, other = (truth.expected(*ids(some), Intervention(sub_topic=s)) for s in (sub[0], sub[40]))
    pd.testing.assert_frame_equal(one, other)


def test_worlds_differ_where_they_say(tmp_path: Path) -> None:
    people = {}
    for name in ("default", "fraud", "cold"):
        truth, _ = simulated(tmp_path, name, seed=8)
        people[name] = truth.market
    bought = {name: (m.people.bought_at < 1).mean() for name, m in people.items()}
    assert bought["fraud"] > bought["default"] + 0.2
    assert people["cold"].brands.n > 3 * people["default"].brands.n
    assert np.median(people["cold"].people.start_day) > 150
    assert np.median(people["default"].people.start_day) == 0


def test_exposure_rises_towards_november() -> None:
    tau = (pd.date_range("2024-01-15", periods=12, freq="30D") - pd.Timestamp("2023-07-02")).days
    heights = pd.Series(season(np.asarray(tau) / 730.0), index=range(1, 13))
    assert heights.idxmax() in (10, 11, 12)
    assert heights.idxmin() in (4, 5, 6)


def test_invited_accounts_have_times_off_too(world) -> None:
    invited = set(world.table("collaborations")["account_id"])
    away = world.table("availability")
    assert set(away["account_id"]) & invited
    deals = world.table("collaborations").merge(away, on="account_id")
    deals = deals.merge(world.table("campaigns")[["campaign_id", "decided_at"]], on="campaign_id")
    decided = deals["decided_at"].dt.tz_localize(None).dt.date
    assert not ((decided >= deals["from_on"]) & (decided < deals["to_on"])).any()
