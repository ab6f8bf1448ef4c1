"""Verb that makes a simulated market."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from matcher.cli.data import AsJson, Force
from matcher.cli.dry import DryRun, print_plan
from matcher.cli.output import note, print_json, print_result, progress
from matcher.files import check_folder


def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make.")],
    influencers: Annotated[int, typer.Option(min=1, help="People; about 1.3 accounts each.")] = (
        2_000
    ),
    campaigns: Annotated[int, typer.Option(min=0, help="Campaigns, open ones included.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal markets.")] = 0,
    world: Annotated[str, typer.Option(help="Name of the world to draw from.")] = "default",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Simulate a market with a known truth, to try things on and to test against.

    The figures are synthetic and say nothing about a real market.
    The truth lies in OUT/truth; no other verb reads it.

    Example: matcher simulate demo-market --influencers 500 --campaigns 80 --seed 1
    """
    from matcher.world.knobs import find_world
    from matcher.world.simulate import simulate_market

    check_folder(out, force=force, marker="truth/world.json", make=not dry_run)
    find_world(world)
    if dry_run:
        sizes = {"people": influencers, "campaigns": campaigns, "world": world, "seed": seed}
        print_plan({"would": f"simulate a market into {out}", **sizes}, as_json=as_json)
        return
    with progress() as tell:
        summary = simulate_market(
            out,
            n_influencers=influencers,
            n_campaigns=campaigns,
            seed=seed,
            world=world,
            force=force,
            progress=tell,
            note=note,
        )
    if as_json:
        fields = {name: getattr(summary, name) for name in _names(summary)}
        print_json({**fields, "folder": str(out), "n_rows": dict(summary.n_rows)})
        return
    print_result(
        f"{out}: simulated market of {summary.n_influencers:,} influencers, "
        f"{summary.n_accounts:,} accounts, {summary.n_posts:,} posts, {summary.n_campaigns:,} "
        f"campaigns ({summary.n_open:,} open) and {summary.n_hires:,} hires; world "
        f"{summary.world}, seed {summary.seed}; synthetic figures\n"
        f"next: matcher validate {out}"
    )


def _names(summary: object) -> list[str]:
    return [field.name for field in dataclasses.fields(summary)]  # type: ignore[arg-type]
