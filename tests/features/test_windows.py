"""Window aggregates against the same figures by pandas, one query at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.features.windows import WINDOW_COLUMNS, build_spans, window_aggregates

DAY = 86_400_000_000
NONE = np.empty(0, dtype=np.int64)


def known_posts(data, account: str, instant: pd.Timestamp, hidden: set[str]) -> pd.DataFrame:
    """Posts of an account before an instant, each with its newest reading before it."""
    tables, lag = data.market.tables, pd.Timedelta(days=data.market.settings.counter_lag_days)
    posts = tables["posts"]
    counters = ["likes", "comments", "shares", "views", "reach", "impressions"]
    short = posts[["post_id", "observed_at", *counters]].assign(source=0)
    long = tables["post_metrics"][["post_id", "observed_at", *counters]].assign(source=1)
    readings = pd.concat([short, long]).dropna(subset=counters, how="all")
    published = posts.set_index("post_id")["published_at"]
    lagged = readings["post_id"].map(published) + lag
    readings["known_at"] = readings["observed_at"].fillna(lagged)
    readings = readings[readings["known_at"] < instant].sort_values(["known_at", "source"])
    newest = readings.drop_duplicates("post_id", keep="last").set_index("post_id")[counters]
    seen = posts[(posts["account_id"] == account) & (posts["published_at"] < instant)]
    seen = seen[~seen["post_id"].isin(hidden)]
    return seen[["post_id", "published_at", "is_sponsored", "sponsor_brand_id"]].join(
        newest, on="post_id"
    )


def expected_row(data, account: str, instant: pd.Timestamp, hidden: set[str]) -> dict[str, float]:
    rows = known_posts(data, account, instant, hidden)
    at = rows["published_at"]
    age = (instant - at) / pd.Timedelta(days=1)
    recent = age <= 90
    sponsored = rows["is_sponsored"].fillna(False).astype(bool) | rows["sponsor_brand_id"].notna()
    engagements = rows["likes"] + rows["comments"].fillna(0) + rows["shares"].fillna(0)
    logs = np.log1p(engagements)

    def per(top: pd.Series, bottom: str) -> pd.Series:
        return top / rows[bottom].where(rows[bottom] > 0)

    talk = per(rows["comments"], "likes")
    ticks = at.astype("int64").astype(float) if len(at) else pd.Series(dtype=float)
    return {
        "n_posts": len(rows),
        "n_posts_30d": (age <= 30).sum(),
        "n_posts_90d": recent.sum(),
        "n_posts_365d": (age <= 365).sum(),
        "newest": ticks.max(),
        "oldest": ticks.min(),
        "n_measured": engagements.notna().sum(),
        "engagements_level": logs.median(),
        "engagements_level_90d": logs[recent].median(),
        "engagements_level_old": logs[~recent].median(),
        "engagements_spread": logs.quantile(0.75) - logs.quantile(0.25),
        "views_level": np.log1p(rows["views"]).median(),
        "reach_level": np.log1p(rows["reach"]).median(),
        "impressions_level": np.log1p(rows["impressions"]).median(),
        "rate_by_views": per(engagements, "views").median(),
        "rate_by_reach": per(engagements, "reach").median(),
        "rate_by_impressions": per(engagements, "impressions").median(),
        "shares_per_view": per(rows["shares"], "views").median(),
        "comments_per_like": talk.median(),
        "comments_per_like_spread": talk.quantile(0.75) - talk.quantile(0.25),
        "n_without_comments": (rows["comments"] == 0).sum(),
        "n_comments_known": rows["comments"].notna().sum(),
        "n_sponsored": sponsored.sum(),
        "n_sponsored_90d": (sponsored & recent).sum(),
        "sponsored_level": logs[sponsored].median(),
        "organic_level": logs[~sponsored].median(),
    }


@pytest.fixture(scope="module")
def queries(m, whole):
    """Every account at random instants, at those of readings and posts, and one tick later."""
    readings = whole.data.market.readings["known_at"]
    published = whole.data.market.tables["posts"]["published_at"]
    exact = [*readings.iloc[::9], *published.iloc[::6]]
    instants = [*exact, *(moment + pd.Timedelta(microseconds=1) for moment in exact[::2])]
    instants += [m.at(day) for day in (-500, -90, -30, 0, 90, 500)]
    accounts = whole.data.index.account_ids.tolist()
    rng = np.random.default_rng(0)
    chosen = [(accounts[rng.integers(len(accounts))], moment) for moment in instants * 3]
    return [*chosen, *((account, m.NOW) for account in accounts)]


def ask(data, queries, *, n_threads: int = 1, hidden: set[str] = frozenset()) -> pd.DataFrame:
    accounts = data.index.account_codes(np.array([a for a, _ in queries], dtype=object))
    instants = np.array([t.as_unit("us").value // 1000 for _, t in queries], dtype=np.int64)
    own = data.index.post_codes(pd.Series(sorted(hidden))) if hidden else NONE
    return window_aggregates(
        build_spans(data.index),
        accounts,
        instants,
        own=np.zeros(len(queries), dtype=np.int64),
        own_posts=(np.zeros(len(own), dtype=np.int64), own),
        n_threads=n_threads,
    )


@pytest.mark.parametrize("hidden", [frozenset(), frozenset({"a0_01", "a2_00", "a3_02", "a9_00"})])
def test_equals_pandas_query_by_query(whole, queries, hidden):
    found = ask(whole.data, queries, hidden=set(hidden))
    expected = pd.DataFrame(
        [expected_row(whole.data, account, moment, hidden) for account, moment in queries]
    ).astype(np.float64)
    assert list(found.columns) == list(WINDOW_COLUMNS)
    # Quantiles interpolate in another order of operations.
    pd.testing.assert_frame_equal(
        found, expected[list(WINDOW_COLUMNS)], rtol=1e-12, check_dtype=False
    )


def test_threads_change_no_bit(whole, queries):
    one, two = (ask(whole.data, queries, n_threads=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.mark.parametrize("n_parts", [2, 7])
def test_partitions_of_accounts_change_no_bit(whole, queries, n_parts):
    together = ask(whole.data, queries)
    parts = [[] for _ in range(n_parts)]
    for place, (account, _) in enumerate(queries):
        parts[int(account[1:]) % n_parts].append(place)
    for rows in parts:
        alone = ask(whole.data, [queries[row] for row in rows])
        expected = together.iloc[rows].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, expected, check_exact=True)


@pytest.fixture
def one_post(m):
    """Published 40 days before `NOW`; one undated reading, one dated one."""
    return {
        "accounts": m.frame({"account_id": "a", "influencer_id": "p", "platform": "tiktok"}),
        "posts": m.frame(
            {"post_id": "x", "account_id": "a", "published_at": m.at(-40), "likes": 10.0}
        ),
        "post_metrics": m.frame({"post_id": "x", "observed_at": m.at(-20), "likes": 50.0}),
    }


@pytest.mark.parametrize(
    ("day", "n_posts", "likes"),
    [(-40, 0, None), (-39, 1, None), (-33, 1, None), (-32, 1, 10), (-20, 1, 10), (-19, 1, 50)],
)
def test_facts_of_the_instant_itself_are_not_known(m, one_post, day, n_posts, likes):
    found = ask(m.make_data(one_post), [("a", m.at(day))]).iloc[0]
    assert found["n_posts"] == n_posts
    assert found["n_measured"] == (likes is not None)
    np.testing.assert_array_equal(
        found["engagements_level"], np.nan if likes is None else np.log1p(likes)
    )


def test_undated_counters_wait_for_the_configured_lag(m, one_post):
    data = m.make_data(one_post, counter_lag_days=2)
    found = ask(data, [("a", m.at(-38)), ("a", m.at(-37.9))])
    assert found["n_measured"].tolist() == [0, 1]


def test_accounts_without_posts_and_no_queries(m, one_post):
    one_post["accounts"] = pd.concat(
        [one_post["accounts"], m.frame({"account_id": "b", "influencer_id": "q", "platform": "x"})]
    )
    data = m.make_data(one_post)
    found = ask(data, [("b", m.NOW)])
    counts = [name for name in found if name.startswith("n_")]
    assert (found[counts] == 0).all(axis=None)
    assert found.drop(columns=counts).isna().all(axis=None)
    assert ask(data, []).shape == (0, len(WINDOW_COLUMNS))
