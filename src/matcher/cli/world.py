"""Verb that makes a simulated market."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from matcher.cli.data import AsJson, Force
from matcher.cli.dry import DryRun, print_plan
from matcher.cli.output import note, print_json, print_result, progress
from matcher.cli.world_judge import (
    Judge,
    JudgedFile,
    JudgedKind,
    NoCeilings,
    RowsFile,
    check_modes,
    judge_world,
)
from matcher.errors import UsageError
from matcher.files import check_folder
from matcher.plain import counted


def simulate(
    out: Annotated[
        Path | None,
        typer.Argument(metavar="OUT", help="Folder to make, or market to check or to judge by."),
    ] = None,
    influencers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="People; about 1.3 accounts each; 2000 by default, 48000 to be checked.",
        ),
    ] = None,
    campaigns: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Campaigns, open ones included; 300 by default, 600 to be checked.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Equal seeds give equal markets; 0 by default.")
    ] = None,
    world: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="World to draw from; `default` unless named."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Measure OUT, or a market drawn for it, against published figures; exit with 1 "
            "when it is unlike them.",
        ),
    ] = False,
    judge: Judge = False,
    predictions: JudgedFile = None,
    kind: JudgedKind = None,
    no_ceilings: NoCeilings = False,
    rows: RowsFile = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Simulate a market with a known truth, to try things on and to test against.

    The figures are synthetic and say nothing about a real market.
    The truth lies in OUT/truth; no other verb reads it. --judge scores predictions by it.

    Example: matcher simulate demo-market --influencers 500 --campaigns 80 --seed 1

    Example: matcher simulate demo-market --judge --predictions lists.parquet
    """
    judging = {
        "--predictions": predictions,
        "--kind": kind,
        "--no-ceilings": no_ceilings or None,
        "--out": rows,
    }
    making = {
        "--influencers": influencers,
        "--campaigns": campaigns,
        "--seed": seed,
        "--world": world,
        "--check": check or None,
        "--dry-run": dry_run or None,
    }
    check_modes(judge, judging, making)
    if judge and out is not None and predictions is not None:
        judge_world(
            out, predictions, kind=kind, ceilings=not no_ceilings, out=rows, as_json=as_json,
            force=force,
        )  # fmt: skip
        return
    if check:
        from matcher.cli.world_check import DrawnWorld, check_world

        drawn = DrawnWorld(world, seed, influencers, campaigns)
        check_world(out, drawn, as_json=as_json, dry_run=dry_run, force=force)
        return
    if out is None:
        what = "the market to judge by" if judge else "the folder to make, or give --check"
        raise UsageError(f"simulate: OUT is missing; name {what}")
    influencers = 2_000 if influencers is None else influencers
    campaigns = 300 if campaigns is None else campaigns
    seed = 0 if seed is None else seed
    world = "default" if world is None else world
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
        f"{out}: simulated market of {counted(summary.n_influencers, 'influencer')}, "
        f"{counted(summary.n_accounts, 'account')}, {counted(summary.n_posts, 'post')}, "
        f"{counted(summary.n_campaigns, 'campaign')} ({summary.n_open:,} open) and "
        f"{counted(summary.n_hires, 'hire')}; world {summary.world}, seed {summary.seed}; "
        "synthetic figures\n"
        f"next: matcher validate {out}"
    )


def _names(summary: object) -> list[str]:
    return [field.name for field in dataclasses.fields(summary)]  # type: ignore[arg-type]
