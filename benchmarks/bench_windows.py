"""Seconds and peak memory of window aggregates: many posts, many as-of queries.

``python benchmarks/bench_windows.py --posts 10000000 --queries 500000 --accounts 100000``
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np
import pyarrow as pa

from matcher.features.windows import window_aggregates

DAY_US = 86_400_000_000
N_DAYS = 730


def make_spans(n_posts: int, n_accounts: int, rng: np.random.Generator) -> pa.Table:
    """Posts over two years, each with one reading that is known from the start."""
    published = rng.integers(0, N_DAYS, n_posts) * DAY_US
    columns: dict[str, np.ndarray] = {
        "post": np.arange(n_posts),
        "account": np.sort(rng.integers(0, n_accounts, n_posts)),
        "published": published,
        "valid_from": published,
        "valid_to": np.full(n_posts, 2**62),
        "sponsored": rng.random(n_posts) < 0.1,
    }
    for name in (
        "comments",
        "log_engagements",
        "log_views",
        "log_reach",
        "log_impressions",
        "rate_by_views",
        "rate_by_reach",
        "rate_by_impressions",
        "shares_per_view",
        "comments_per_like",
    ):
        columns[name] = rng.normal(5.0, 1.0, n_posts)
    return pa.table(columns)


def peak_gib() -> float:
    """Peak memory of this process; Linux counts in KiB, macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def main() -> None:
    """Make the posts, aggregate them for every query, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=10_000_000)
    parser.add_argument("--queries", type=int, default=500_000)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    spans = make_spans(options.posts, options.accounts, rng)
    before = peak_gib()
    accounts = rng.integers(0, options.accounts, options.queries)
    instants = rng.integers(100, N_DAYS, options.queries) * DAY_US
    start = time.perf_counter()
    found = window_aggregates(spans, accounts, instants, n_threads=options.threads)
    seconds = time.perf_counter() - start
    print(
        f"{options.posts:,} posts x {options.queries:,} queries: {seconds:.1f} s; peak "
        f"{peak_gib():.2f} GiB, {before:.2f} of it the posts; "
        f"{found['n_posts'].sum():,.0f} posts seen in {found.shape[1]} columns"
    )


if __name__ == "__main__":
    main()
