"""Draw a whole market and write it as an export would look, with its truth beside it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from matcher.errors import OutputExistsError, UsageError
from matcher.world.blocks import audience_table, metric_table, post_table, snapshot_table
from matcher.world.briefs import campaign_table
from matcher.world.hiring import Hiring
from matcher.world.knobs import WORLD_VERSION, find_world
from matcher.world.latents import Market, draw_market
from matcher.world.posts import simulate_posts
from matcher.world.registers import (
    account_table,
    availability_table,
    brand_table,
    exchange_table,
    influencer_table,
    rate_table,
)
from matcher.world.results import (
    DealSums,
    campaign_post_table,
    collaboration_table,
    decision_table,
)
from matcher.world.streams import stream
from matcher.world.truth import truth_tables

__all__ = ["WorldSummary", "simulate_market"]

Progress = Callable[[str, int, int], None]

_BLOCK: Final = 4_000
"""People per block; part of the world, since each block has its own random stream."""
_RECORD: Final = "truth/world.json"
"""What tells a simulated market from any other folder."""


@dataclass(frozen=True)
class WorldSummary:
    """What was written.

    Attributes
    ----------
    folder : pathlib.Path
        The market.
    world : str
        Name of the world.
    version, seed : int
        Version of the generator, and the seed.
    n_influencers, n_accounts, n_posts, n_campaigns, n_open, n_hires : int
        Sizes; hires are accepted or completed collaborations.
    n_rows : mapping of str to int
        Rows of every table of the market.
    content_hash : str
        SHA-256 over the written tables, truth included.
    """

    folder: Path
    world: str
    version: int
    seed: int
    n_influencers: int
    n_accounts: int
    n_posts: int
    n_campaigns: int
    n_open: int
    n_hires: int
    n_rows: Mapping[str, int]
    content_hash: str


def simulate_market(
    folder: Path | str,
    *,
    n_influencers: int,
    n_campaigns: int,
    seed: int,
    world: str = "default",
    force: bool = False,
    progress: Progress | None = None,
) -> WorldSummary:
    """Write a simulated market folder, and its truth in ``truth/`` inside it.

    The figures are synthetic: calibrated to published ranges where there are any, never a claim
    about a real market. Equal arguments give equal bytes under equal library versions.

    Parameters
    ----------
    folder : pathlib.Path or str
        Where to write; appears whole or not at all.
    n_influencers : int
        People, 1 or more; about 1.3 accounts and 30 posts each in most worlds.
    n_campaigns : int
        Campaigns, 0 or more, open ones included.
    seed : int
        Seed, 0 or more.
    world : str
        Name of a world; see `matcher.world.knobs.WORLDS`.
    force : bool
        Replace a simulated market that stands there already, known by its ``truth/world.json``;
        no other folder is ever replaced.
    progress : callable, optional
        Called with the step's name, units done and units in all.

    Returns
    -------
    WorldSummary
        Sizes and the content hash.

    Raises
    ------
    UsageError
        If a size or the seed is out of range, or the world is unknown.
    OutputExistsError
        If a file stands there, or the folder holds something and either `force` is false or it is
        no simulated market.
    """
    knobs = find_world(world)
    _check(n_influencers, n_campaigns, seed)
    tell = progress or _silent
    with _new_folder(Path(folder), force=force) as temporary:
        market, hiring = draw_market(n_influencers, n_campaigns, knobs, seed=seed, progress=tell)
        n_rows = _write_market(temporary, market, hiring, tell)
        truth = temporary / "truth"
        truth.mkdir()
        for name, table in truth_tables(market, hiring).items():
            _write_table(truth / f"{name}.parquet", table)
        content_hash = _hash_folder(temporary)
        sizes = {"n_influencers": n_influencers, "n_campaigns": n_campaigns}
        record = {
            "world": world,
            "version": WORLD_VERSION,
            "seed": seed,
            **sizes,
            "knobs": knobs.as_dict(),
            "n_rows": n_rows,
            "content_sha256": content_hash,
            "note": "synthetic; calibrated to published ranges, not a real market",
        }
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        (temporary / _RECORD).write_text(text, encoding="utf-8")
    return WorldSummary(
        folder=Path(folder),
        world=world,
        version=WORLD_VERSION,
        seed=seed,
        n_accounts=market.people.n_accounts,
        n_posts=n_rows["posts"],
        n_open=int(market.campaigns.is_open.sum()),
        n_hires=int((market.deals.status >= 2).sum()),
        n_rows=n_rows,
        content_hash=content_hash,
        **sizes,
    )


def _silent(step: str, done: int, total: int) -> None:
    """Say nothing."""


def _check(n_influencers: int, n_campaigns: int, seed: int) -> None:
    for name, value, least in (
        ("n_influencers", n_influencers, 1),
        ("n_campaigns", n_campaigns, 0),
        ("seed", seed, 0),
    ):
        if value < least:
            raise UsageError(f"simulate: {name} is {value}; expected {least} or more")


@contextmanager
def _new_folder(folder: Path, *, force: bool) -> Iterator[Path]:
    """Temporary folder beside the target that takes its place when all went well."""
    if folder.exists() and not folder.is_dir():
        raise OutputExistsError(f"{folder}: is a file; expected a new folder; choose another path")
    if folder.exists() and any(folder.iterdir()):
        _refuse_to_replace(folder, force=force)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        if folder.exists():
            shutil.rmtree(folder)
        # mkdtemp makes folders that only the owner may open.
        temporary.chmod(0o777 & ~_umask())
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_to_replace(folder: Path, *, force: bool) -> None:
    if not (folder / _RECORD).is_file():
        raise OutputExistsError(
            f"{folder}: holds something already and no {_RECORD}, so it is not replaced; "
            "choose another folder"
        )
    if not force:
        raise OutputExistsError(
            f"{folder}: holds something already; choose another folder, or pass --force to replace"
        )


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _write_market(folder: Path, market: Market, hiring: Hiring, tell: Progress) -> dict[str, int]:
    n_rows: dict[str, int] = {}
    sums = _write_blocks(folder, market, n_rows, tell)
    tables = {
        "influencers": influencer_table(market),
        "accounts": account_table(market),
        "rates": rate_table(market),
        "availability": availability_table(market),
        "brands": brand_table(market),
        "campaigns": campaign_table(market),
        "campaign_posts": campaign_post_table(market, sums),
        "collaborations": collaboration_table(market, sums),
        "decisions": decision_table(hiring, market.campaigns.decided),
        "exchange_rates": exchange_table(),
    }
    for name, table in tables.items():
        _write_table(folder / f"{name}.parquet", table)
        n_rows[name] = table.num_rows
    return n_rows


def _write_blocks(folder: Path, market: Market, n_rows: dict[str, int], tell: Progress) -> DealSums:
    people = market.people
    sums = DealSums(len(market.deals.campaign))
    edges = np.searchsorted(people.person, np.arange(0, people.n + _BLOCK, _BLOCK)).tolist()
    n_blocks = len(edges) - 1
    n_posts = 0
    for k, (first, last) in enumerate(pairwise(edges)):
        rng = stream(market.seed, "block", k)
        block = simulate_posts(market, first, last, rng)
        sums.add(block, n_posts)
        tables = {
            "posts": post_table(market, block, first_id=n_posts, rng=rng),
            "post_metrics": metric_table(market, block, first_id=n_posts, rng=rng),
            "account_snapshots": snapshot_table(market, first, last, rng),
            "audiences": audience_table(market, first, last, rng),
        }
        n_posts += len(block.day)
        for name, table in tables.items():
            path = folder / f"{name}.parquet"
            if n_blocks > 1:
                (folder / name).mkdir(exist_ok=True)
                path = folder / name / f"part-{k:03d}.parquet"
            _write_table(path, table)
            n_rows[name] = n_rows.get(name, 0) + table.num_rows
        tell("posts", k + 1, n_blocks)
    return sums


def _write_table(path: Path, table: pa.Table) -> None:
    writer: Any = pq
    writer.write_table(table, path, compression="zstd", store_schema=False)


def _hash_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.parquet")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
