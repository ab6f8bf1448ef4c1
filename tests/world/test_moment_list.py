"""The list of moments, the statistics they rest on, and the verdict."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from typer.testing import CliRunner

from matcher.cli.app import app
from matcher.columns import AGE_BUCKETS, PLATFORMS
from matcher.errors import DataError, SupportError, UsageError
from matcher.world import simulate_market
from matcher.world.moments import (
    ASSUMED,
    MOMENTS,
    THEMES,
    Check,
    Export,
    Moment,
    check_market,
    measure_moments,
)
from matcher.world.moments.intervals import (
    correlation_range,
    median_range,
    share_range,
    spread_range,
)
from matcher.world.moments.panel import read_panel
from matcher.world.moments.statistics import (
    hill_exponent,
    log_slope,
    residual_spread,
    within_correlation,
    within_spread,
)
from matcher.world.population import PLACES
from matcher.world.truth import read_truth

HELD_OUT = {
    "Accounts of 1-5k with bought followers or in a pod",
    "Facebook log-sd of shares within an account",
    "Facebook posts without shares",
    "Instagram comments per like, bottom quarter",
    "Instagram engagement rate by followers, 50-500k followers",
    "Instagram engagement, carousel over image",
    "Instagram log-correlation of likes and saves within an account",
    "Instagram log-sd of comments within an account",
    "Instagram price, story over feed post",
    "Instagram reach of a feed post by followers, 100k-1M followers",
    "Instagram reach of a story by followers, 10-100k followers",
    "Price in Vietnam, 100k-1M followers",
    "Revenue per follower, nano over macro",
    "Shared followers, different niches, same country",
    "TikTok engagement rate by views, 500k-1M followers",
    "YouTube price abroad, 10-100k followers",
}


def make_moment(value: float, *, held_out: bool = False, name: str = "m") -> Moment:
    return Moment("reach", name, 1.0, 2.0, "", "", "V", "", lambda _: value, held_out=held_out)


def make_check(values: list[float], held_out: list[float]) -> Check:
    moments = [make_moment(value) for value in values]
    moments += [make_moment(value, held_out=True) for value in held_out]
    return Check({"world": "w"}, measure_moments(Export({}), moments), ())


def test_what_is_held_out_was_chosen_before_any_calibration() -> None:
    # Moving one into or out of this list would undo what holding out is for.
    assert {moment.name for moment in MOMENTS if moment.held_out} == HELD_OUT


def test_enough_moments_are_sourced_and_every_theme_holds_some_out() -> None:
    assert len(MOMENTS) >= 55
    assert len(ASSUMED) >= 15
    names = [one.name for one in (*MOMENTS, *ASSUMED)]
    assert len(set(names)) == len(names)
    assert {moment.theme for moment in MOMENTS} == set(THEMES)
    assert len({moment.theme for moment in MOMENTS if moment.held_out}) >= 7


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_a_moment_names_its_source_and_how_it_is_measured(moment: Moment) -> None:
    assert len(moment.source) > 10
    assert len(moment.definition) > 10
    assert moment.unit
    # What the project makes of its sources, or a list selected on the figure, gives no range.
    assert not re.search(r"default|judgement|project|selected", moment.source.lower())


@pytest.mark.parametrize(
    ("low", "high", "theme", "confidence", "message"),
    [
        (None, None, "reach", "V", "both sides are open"),
        (2.0, 1.0, "reach", "V", "low 2.0 exceeds high 1.0"),
        (1.0, 2.0, "weather", "V", "theme 'weather'; expected one of followers"),
        (1.0, 2.0, "reach", "S", "confidence 'S'; expected one of V, V2, C, M"),
    ],
)
def test_a_moment_checks_itself(low, high, theme, confidence, message) -> None:
    with pytest.raises(UsageError, match=message):
        Moment(theme, "m", low, high, "", "", confidence, "", lambda _: 1.0)


@pytest.mark.parametrize(
    ("low", "high", "value", "holds"),
    [(1, 2, 1, True), (1, 2, 2, True), (1, 2, 2.1, False), (None, 2, -9, True),
     (None, 2, 2.1, False), (1, None, 99, True), (1, None, 0.9, False)],
)  # fmt: skip
def test_a_range_holds_its_ends_and_may_be_open(low, high, value, holds) -> None:
    assert Moment("reach", "m", low, high, "", "", "V", "", lambda _: 1.0).holds(value) is holds


def test_all_calibrated_moments_must_hold_and_nine_tenths_of_those_held_out() -> None:
    assert make_check([1.5, 1.0], [1.5] * 9 + [3.0]).ok
    assert not make_check([1.5, 3.0], [1.5] * 10).ok
    assert not make_check([1.5, 1.0], [1.5] * 8 + [3.0] * 2).ok
    assert not make_check([1.5], [float("nan")]).ok


def test_what_cannot_be_measured_has_no_value_is_not_ok_and_says_why() -> None:
    def refuse(_: Export) -> float:
        raise SupportError("no stories here")

    moment = Moment("reach", "stories", 1.0, 2.0, "", "", "V", "", refuse)
    moments = measure_moments(Export({}), [moment, make_moment(float("inf"))])
    rows = Check({}, moments, ()).as_dict()["moments"]
    assert [row["value"] for row in rows] == [None, None]
    assert [row["ok"] for row in rows] == [False, False]
    assert [row["note"] for row in rows] == ["no stories here", "came out as inf"]


def test_a_check_counts_and_is_plain_json() -> None:
    result = make_check([1.5, 3.0], [1.0]).as_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    counts = ("n_sourced", "n_ok", "n_held_out", "n_held_out_ok", "ok")
    assert [result[name] for name in counts] == [3, 2, 1, 1, False]


def test_an_empty_market_has_no_moment_and_every_one_says_why() -> None:
    for one in measure_moments(Export({}), (*MOMENTS, *ASSUMED)):
        assert one.value is None
        assert one.note


def test_a_market_too_small_to_be_checked_says_so(tmp_path: Path) -> None:
    simulate_market(tmp_path / "one", n_influencers=1, n_campaigns=0, seed=0)
    done = CliRunner().invoke(app, ["simulate", str(tmp_path / "one"), "--check", "-q"])
    assert done.exit_code == 1
    assert "seed 0, 1 influencer: " in done.stdout
    assert "moments (?) have too few rows to be measured" in done.stdout
    assert "draws 48,000 influencers and 600 campaigns" in done.stdout


def test_a_written_market_is_measured_whole(world) -> None:
    check = check_market(world.folder)
    result = check.as_dict()
    assert (result["world"], result["seed"], result["n_influencers"]) == ("default", 11, 1_200)
    assert len(result["moments"]) == len(MOMENTS)
    values = {row["moment"]: row["value"] for row in result["moments"]}
    # By another road: plain means and medians of the written tables.
    accounts = world.table("accounts")
    newest = world.table("account_snapshots").sort_values("as_of").groupby("account_id").last()
    accounts["followers"] = accounts["account_id"].map(newest["n_followers"])
    seen = accounts[accounts["platform"].eq("instagram") & accounts["followers"].ge(1_000)]
    share = seen["followers"].lt(10_000).mean()
    assert values["Share of nano accounts on Instagram"] == pytest.approx(share)
    hires = world.table("collaborations").dropna(subset=["link_clicks", "conversions"])
    orders = hires["conversions"].sum() / hires["link_clicks"].sum()
    assert values["Orders per link click"] == pytest.approx(orders)


def test_users_and_overlaps_are_those_of_the_true_audience(world) -> None:
    panel = read_panel(world.folder)
    assert panel is not None
    audience = read_truth(world.folder).audience
    home = np.array([place.country == "VN" for place in PLACES])
    for k, name in enumerate(PLATFORMS):
        users = audience.population.users(k)[home].sum(axis=(0, 2, 3))
        assert panel.users.loc[list(AGE_BUCKETS), name].to_numpy() == pytest.approx(users)
    pair = panel.overlaps.iloc[0]
    both = audience.overlap(np.array([pair["first"]]), np.array([pair["second"]]))
    assert pair["overlap"] == pytest.approx(both[0])
    (world.folder / "truth" / "population.parquet").rename(world.folder / "kept")
    try:
        assert read_panel(world.folder) is None
    finally:
        (world.folder / "kept").rename(world.folder / "truth" / "population.parquet")


def test_a_folder_that_is_no_simulated_market_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match=r"no truth/world\.json; expected a market made by"):
        check_market(tmp_path)
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "world.json").write_text("{}")
    (tmp_path / "posts.parquet").write_text("no parquet")
    with pytest.raises(DataError, match=r"posts\.parquet: cannot be read as Parquet"):
        check_market(tmp_path)


# --- intervals and statistics ----------------------------------------------------------------


def test_intervals_are_those_of_the_textbook() -> None:
    exact = stats.binomtest(105, 500).proportion_ci(method="wilson")
    assert share_range(0.21, 500) == pytest.approx((exact.low, exact.high))
    rng = np.random.default_rng(1)
    spreads = rng.normal(0, 1.15, (4_000, 499)).std(axis=1, ddof=1)
    assert spread_range(1.15, 499) == pytest.approx(np.quantile(spreads, [0.025, 0.975]), rel=0.01)
    medians = np.exp(np.median(rng.normal(np.log(0.18), 0.54, (4_000, 490)), axis=1))
    drawn = np.quantile(medians, [0.025, 0.975])
    assert median_range(0.18, 0.54, 490) == pytest.approx(drawn, rel=0.01)
    x = rng.normal(size=(4_000, 119))
    y = 0.87 * x + np.sqrt(1 - 0.87**2) * rng.normal(size=x.shape)
    drawn = np.quantile(
        [np.corrcoef(a, b)[0, 1] for a, b in zip(x, y, strict=True)], [0.025, 0.975]
    )
    assert correlation_range(0.87, 119) == pytest.approx(drawn, rel=0.01)


def test_slopes_are_those_of_least_squares_with_an_intercept_per_group() -> None:
    rng = np.random.default_rng(2)
    x = pd.Series(rng.lognormal(9, 1, 60))
    groups = pd.Series(rng.choice(list("abc"), 60))
    level = groups.map({"a": 1.0, "b": 5.0, "c": 0.1})
    y = level * x**0.7 * rng.lognormal(0, 0.3, 60)
    design = np.column_stack([np.log(x), *(groups.eq(name) for name in "abc")]).astype(float)
    fit, rest, *_ = np.linalg.lstsq(design, np.log(y), rcond=None)
    assert log_slope(y, x, groups) == pytest.approx(fit[0])
    assert residual_spread(y, x, groups) == pytest.approx(np.sqrt(rest[0] / 58))
    with pytest.raises(SupportError, match="do not vary"):
        log_slope(y, x * 0 + 3)


@given(st.floats(0.1, 10), st.integers(0, 99))
def test_within_statistics_ignore_levels_of_accounts(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    accounts = pd.Series(np.repeat(np.arange(8), 6))
    a, b = (pd.Series(rng.lognormal(0, 1, 48)) for _ in range(2))
    level = accounts.map(dict(enumerate(scale ** rng.normal(size=8))))
    assert within_spread(a * level, accounts) == pytest.approx(within_spread(a, accounts))
    one, other = within_correlation(a * level, b, accounts), within_correlation(b, a, accounts)
    assert one == pytest.approx(other)
    means = (
        np.log(a).groupby(accounts).transform("mean"),
        np.log(b).groupby(accounts).transform("mean"),
    )
    plain = np.corrcoef(np.log(a) - means[0], np.log(b) - means[1])[0, 1]
    assert one == pytest.approx(plain)


def test_tails_need_values() -> None:
    with pytest.raises(SupportError, match="0 values above 1,000,000 to measure it on"):
        hill_exponent(pd.Series([1e6, 2.0]), 1e6)
