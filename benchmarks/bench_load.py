"""Seconds and peak memory of loading and checking a market of a million posts.

``python benchmarks/bench_load.py --posts 1000000 --parts 4 --suffix parquet``
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv as pa_csv
from pyarrow import parquet as pa_parquet

WORDS = (  # noqa: SIM905 (a sentence reads better than a list)
    "hôm nay mình review quán ăn ngon ở sài gòn nha cả nhà ơi #reviewanngon #angicungduoc thử "
    "ngay món mới của thương hiệu này giá rất hợp lý và phục vụ nhanh my honest review of the new "
    "menu today it was really good and affordable #foodie #saigon link ở bio nhé mọi người ❤️"
).split()


def write_market(folder: Path, *, n_posts: int, n_parts: int, suffix: str, seed: int = 0) -> None:
    """Write a market with posts in random order, as an export would hold them.

    Parameters
    ----------
    folder : pathlib.Path
        Where the tables go.
    n_posts : int
        Posts; there are 30 times fewer accounts.
    n_parts : int
        Part files of the posts.
    suffix : {"parquet", "csv"}
        Format of the posts.
    seed : int, default 0
        Seed of the draw.
    """
    rng = np.random.default_rng(seed)
    n_accounts = max(n_posts // 30, 1)
    accounts = np.char.add("tt_", np.arange(n_accounts).astype(str))
    pa_parquet.write_table(
        pa.table({"account_id": accounts, "platform": ["tiktok"] * n_accounts}),
        folder / "accounts.parquet",
    )
    pieces = [" ".join(rng.choice(WORDS, size=28)) for _ in range(5_000)]
    captions = np.array(pieces, dtype=object)
    (folder / "posts").mkdir()
    start = np.datetime64("2022-01-01", "us").astype(np.int64)
    ids = rng.permutation(n_posts)
    for part, numbers in enumerate(np.array_split(ids, n_parts)):
        n = len(numbers)
        views = np.floor(rng.lognormal(9, 2, n))
        texts = pa.array(captions[rng.integers(0, len(captions), n)]).cast(pa.string())
        table = pa.table(
            {
                "post_id": pa.array(np.char.add("p_", numbers.astype(str))),
                "account_id": pa.array(accounts[rng.integers(0, n_accounts, n)]),
                "published_at": pa.array(
                    start + rng.integers(0, 3 * 365 * 86_400, n) * 1_000_000
                ).cast(pa.timestamp("us", "UTC")),
                "format": ["short_video"] * n,
                # The number makes every caption its own.
                "text": pa.compute.binary_join_element_wise(
                    texts, pa.array(numbers.astype(str)), " "
                ),
                "language": ["vi"] * n,
                "duration_s": rng.uniform(5, 90, n),
                "is_sponsored": rng.random(n) < 0.1,
                "views": views,
                "likes": np.floor(views * 0.05),
                "comments": np.floor(views * 0.004),
                "shares": np.floor(views * 0.002),
                "saves": np.floor(views * 0.003),
            }
        )
        path = folder / "posts" / f"part-{part:03d}.{suffix}"
        if suffix == "csv":
            pa_csv.write_csv(table, path)
        else:
            pa_parquet.write_table(table, path)


def measure(folder: Path, queue: multiprocessing.Queue[dict[str, float]]) -> None:
    """Load a market in this process and report what it took.

    Parameters
    ----------
    folder : pathlib.Path
        The market.
    queue : multiprocessing.Queue
        Where the figures go.
    """
    begun = time.perf_counter()
    from matcher.market.load import load_market

    imported = time.perf_counter()
    market = load_market(folder)
    loaded = time.perf_counter()
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    market.as_of("2024-01-01T00:00:00Z")
    queue.put(
        {
            "import_s": imported - begun,
            "load_s": loaded - imported,
            "as_of_s": time.perf_counter() - loaded,
            "peak_gib": peak / 2**30,
            "n_posts": float(len(market.tables["posts"])),
        }
    )


def main() -> None:
    """Write a market to a temporary folder, load it in a fresh process, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--suffix", choices=("parquet", "csv"), default="parquet")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_market(folder, n_posts=options.posts, n_parts=options.parts, suffix=options.suffix)
        queue = context.Queue()
        process = context.Process(target=measure, args=(folder, queue))
        process.start()
        figures = queue.get()
        process.join()
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
