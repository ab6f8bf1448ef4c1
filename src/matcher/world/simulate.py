"""Draw a whole market and write it as an export would look, with its truth beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from matcher.errors import UsageError
from matcher.world.audience_tables import audience_table
from matcher.world.blocks import metric_table, post_table, snapshot_table
from matcher.world.briefs import campaign_table
from matcher.world.hiring import Hiring
from matcher.world.knobs import WORLD_VERSION, WorldKnobs, find_world
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
from matcher.world.unfinished import Note, open_market
from matcher.world.writing import KeptBlock, UnfinishedMarket, libraries

__all__ = ["WorldSummary", "hash_knobs", "simulate_market"]

Progress = Callable[[str, int, int], None]

_BLOCK: Final = 4_000
"""People per block; part of the world, since each block has its own random stream."""


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
    n_parts, n_resumed : int
        Parts that posts come in, and those of them that an earlier run had written.
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
    n_parts: int
    n_resumed: int


def simulate_market(
    folder: Path | str,
    *,
    n_influencers: int,
    n_campaigns: int,
    seed: int,
    world: str = "default",
    force: bool = False,
    progress: Progress | None = None,
    note: Note | None = None,
) -> WorldSummary:
    """Write a simulated market folder, and its truth in ``truth/`` inside it.

    The figures are synthetic: calibrated to published ranges where there are any, never a claim
    about a real market. Equal arguments give equal bytes under equal library versions.

    A run that is stopped, by force too, leaves the parts that are whole in a hidden folder beside
    `folder`; the same call goes on from there and ends in the same bytes. They are removed after
    seven days.

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
    note : callable, optional
        Called with one line each on parts that an earlier run left, or that this one leaves.

    Returns
    -------
    WorldSummary
        Sizes and the content hash.

    Raises
    ------
    UsageError
        If a size or the seed is out of range, the world is unknown, another process is at work on
        the folder, or it cannot be written.
    OutputExistsError
        If a file stands there, or the folder holds something and either `force` is false or it is
        no simulated market.
    """
    knobs = find_world(world)
    _check(n_influencers, n_campaigns, seed)
    tell = progress or _silent
    n_blocks = _count_blocks(n_influencers)
    sizes = {"n_influencers": n_influencers, "n_campaigns": n_campaigns}
    request = {
        "world": world,
        "version": WORLD_VERSION,
        "seed": seed,
        **sizes,
        "n_per_block": _BLOCK,
        "knobs_sha256": hash_knobs(knobs),
    }
    with open_market(
        Path(folder), request, n_blocks=n_blocks, force=force, note=note or _say_nothing
    ) as found:
        market, hiring = draw_market(n_influencers, n_campaigns, knobs, seed=seed, progress=tell)
        _write_all(found, market, hiring, tell)
        n_rows, content_hash = found.count_rows(), found.hash_content()
        found.write_record(
            {
                **request,
                "knobs": knobs.as_dict(),
                "libraries": libraries(),
                "n_rows": n_rows,
                "content_sha256": content_hash,
                "files": found.digests,
                "note": "synthetic; calibrated to published ranges, not a real market",
            }
        )
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
        n_parts=n_blocks,
        n_resumed=found.n_resumed,
        **sizes,
    )


def hash_knobs(knobs: WorldKnobs) -> str:
    """SHA-256 of the knobs of a world, the same for equal knobs.

    Parameters
    ----------
    knobs : WorldKnobs
        Knobs.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    text = json.dumps(knobs.as_dict(), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _say_nothing(text: str) -> None:
    """Say nothing."""


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


def _count_blocks(n_influencers: int) -> int:
    return -(-n_influencers // _BLOCK)


def _write_all(found: UnfinishedMarket, market: Market, hiring: Hiring, tell: Progress) -> None:
    sums = _write_blocks(found, market, tell)
    campaigns = market.campaigns
    tables: dict[str, pa.Table | Iterable[pa.Table]] = {
        "influencers": influencer_table(market),
        "accounts": account_table(market),
        "rates": rate_table(market),
        "availability": availability_table(market),
        "brands": brand_table(market),
        "campaigns": campaign_table(market),
        "campaign_posts": campaign_post_table(market, sums),
        "collaborations": collaboration_table(market, sums),
        "decisions": (decision_table(part, campaigns.decided) for part in hiring.pieces()),
        "exchange_rates": exchange_table(),
    }
    tables |= {f"truth/{name}": table for name, table in truth_tables(market, hiring).items()}
    for done, (name, table) in enumerate(tables.items()):
        tell("tables", done, len(tables))
        found.write(f"{name}.parquet", table)
    tell("tables", len(tables), len(tables))


def _write_blocks(found: UnfinishedMarket, market: Market, tell: Progress) -> DealSums:
    people = market.people
    sums = DealSums(len(market.deals.campaign))
    edges = np.searchsorted(people.person, np.arange(0, people.n + _BLOCK, _BLOCK)).tolist()
    n_posts = 0
    for k, (first, last) in enumerate(pairwise(edges)):
        kept = found.take_block(k) or _write_block(found, market, k, (first, last), n_posts)
        sums.add_arrays(kept.sums)
        n_posts += kept.n_posts
        tell("posts", k + 1, found.n_blocks)
    return sums


def _write_block(
    found: UnfinishedMarket, market: Market, number: int, accounts: tuple[int, int], first_id: int
) -> KeptBlock:
    first, last = accounts
    rng = stream(market.seed, "block", number)
    block = simulate_posts(market, first, last, rng)
    tables = {
        "posts": post_table(market, block, first_id=first_id, rng=rng),
        "post_metrics": metric_table(market, block, first_id=first_id, rng=rng),
        "account_snapshots": snapshot_table(market, first, last, rng),
        "audiences": audience_table(market, first, last, rng),
    }
    sums = DealSums(len(market.deals.campaign)).of_block(block, first_id)
    return found.write_block(number, tables, n_posts=len(block.day), sums=sums)
