"""Verb that shows the whole line on a simulated market."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matcher.cli.data import Force
from matcher.cli.dry import DryRun, print_plan
from matcher.cli.models import load_data
from matcher.cli.output import note, print_result, print_rich, progress
from matcher.cli.recommend import write_lists
from matcher.files import check_folder

_EARLIER_HIRED_SHARE = 800 / 300
"""Hires that must come earlier for a campaign to be judged, per campaign of the market."""


def demo(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal markets.")] = 0,
    influencers: Annotated[int, typer.Option(min=10, help="People in the market.")] = 2_000,
    campaigns: Annotated[int, typer.Option(min=3, help="Campaigns, open ones included.")] = 300,
    dry_run: DryRun = False,
    force: Force = False,
) -> None:
    """Simulate a small bilingual market, train, compare and recommend: the whole line, offline.

    The figures are synthetic and say nothing about a real market.

    Example: matcher demo
    """
    from matcher.config import Settings
    from matcher.market.brief import read_brief
    from matcher.recommend.recommend import recommend, select_open_briefs
    from matcher.tracking.store import Store
    from matcher.training import train_model
    from matcher.world.simulate import simulate_market

    check_folder(out, force=force, marker="market/truth/world.json", make=not dry_run)
    least = max(1, round(_EARLIER_HIRED_SHARE * campaigns))
    settings = Settings.model_validate(
        {"evaluation": {"n_blocks": 1, "keep_encoder": True, "min_earlier_hired": least}}
    )
    store = Store.open(make=not dry_run)
    if dry_run:
        plan = {
            "would": f"simulate a market, train and recommend into {out}",
            "market": {"people": influencers, "campaigns": campaigns, "seed": seed},
            "briefs": [str(path) for path in example_briefs()],
            "tracked in": store.uri,
        }
        print_plan(plan, as_json=False)
        return
    market, folder = out / "market", out / "model"
    with progress() as tell:
        simulate_market(
            market,
            n_influencers=influencers,
            n_campaigns=campaigns,
            seed=seed,
            force=force,
            progress=tell,
        )
        data, settings = load_data(market, settings)
        result = train_model(
            data,
            settings,
            folder=folder,
            market_name=f"demo-seed-{seed}",
            store=store,
            force=force,
            tell=tell,
        )
        as_of = data.market.all_known_at
        briefs = [*select_open_briefs(data.market, as_of), *map(read_brief, example_briefs())]
        found = recommend(
            result.model,
            data,
            briefs,
            as_of=as_of,
            settings=settings,
            model_id=result.model_id,
            top_k=20,
            progress=tell,
        )
    written = [
        write_lists(found, out / f"recommendations.{suffix}", language="en", force=force)
        for suffix in ("parquet", "csv", "xlsx")
    ]
    if result.evaluation is None:
        note(f"no comparison: {result.evaluation_note}")
    else:
        print_rich(result.evaluation)
    print_result(
        "\n".join(
            [
                "",
                "Synthetic figures: they test the method and say nothing about a real market.",
                f"market            {market}",
                f"model             {folder} ({result.model_id})",
                *(f"recommendations   {path}" for path in written),
                f"run               {store.how_to_look}",
                "",
                *_next_steps(market, folder),
            ]
        )
    )


def example_briefs() -> list[Path]:
    """Briefs that come with Matcher, one Vietnamese and one English.

    Returns
    -------
    list of pathlib.Path
        Files.
    """
    from importlib.resources import files

    folder = Path(str(files("matcher") / "examples"))
    return sorted(folder.glob("brief-*.yaml"))


def _next_steps(market: Path, folder: Path) -> list[str]:
    asked = f"{market} --model {folder} --brief MY-BRIEF.yaml"
    return [
        "next:",
        f"  matcher recommend {asked} --out mine.csv",
        f"  matcher plan {asked} --budget 300000000 --currency VND --out plan.xlsx",
        "  matcher schema          the tables to bring for your own market",
        "  matcher validate MARKET; matcher train MARKET; matcher evaluate MARKET",
    ]
