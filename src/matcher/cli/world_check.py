"""Check of a simulated market against published figures."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from matcher.cli.dry import print_plan
from matcher.cli.output import print_json, print_result, progress
from matcher.errors import UsageError
from matcher.plain import counted

if TYPE_CHECKING:
    from matcher.world.moments import Check

__all__ = ["DrawnWorld", "check_world"]

N_INFLUENCERS: Final = 48_000
"""People of a market that is drawn to be checked: enough for accounts above 1 M per platform."""
N_CAMPAIGNS: Final = 600


@dataclass(frozen=True)
class DrawnWorld:
    """What is drawn to be checked; None where the command line gave none.

    Parameters
    ----------
    world : str or None
        Name of the world.
    seed, n_influencers, n_campaigns : int or None
        Seed and size.
    """

    world: str | None = None
    seed: int | None = None
    n_influencers: int | None = None
    n_campaigns: int | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of `simulate_market`, the check's own size where none was given."""
        return {
            "world": self.world or "default",
            "seed": self.seed or 0,
            "n_influencers": self.n_influencers or N_INFLUENCERS,
            "n_campaigns": N_CAMPAIGNS if self.n_campaigns is None else self.n_campaigns,
        }


def check_world(
    folder: Path | None, drawn: DrawnWorld, *, as_json: bool, dry_run: bool, force: bool
) -> None:
    """Measure the moments of a market and print them against their ranges.

    Parameters
    ----------
    folder : pathlib.Path or None
        A simulated market; None draws one into a temporary folder.
    drawn : DrawnWorld
        What to draw; must be empty where a market is given.
    as_json : bool
        Whether machines will read it.
    dry_run : bool
        Say what would be done.
    force : bool
        Must be false: nothing is written that could be replaced.

    Raises
    ------
    UsageError
        If options do not go together, or the world is unknown.
    Exit
        With 1 if a calibrated moment does not hold, or too many of those held out.
    """
    from matcher.world.knobs import find_world
    from matcher.world.moments import check_market

    if force:
        raise UsageError("--force: a check writes nothing that could be replaced; leave it out")
    if folder is not None and drawn != DrawnWorld():
        raise UsageError(
            f"{folder}: its world and size stand in its truth/world.json; with a market to check, "
            "leave out --world, --seed, --influencers and --campaigns"
        )
    find_world(drawn.arguments["world"])
    if dry_run:
        plan = {"market": str(folder)} if folder else drawn.arguments
        print_plan({"would": "measure a simulated market", **plan}, as_json=as_json)
        return
    with progress() as tell:
        if folder is not None:
            check = check_market(folder, progress=tell)
        else:
            check = _draw_and_check(drawn, tell)
    if as_json:
        print_json(check.as_dict())
    else:
        print_result(render_check(check))
    if not check.ok:
        raise typer.Exit(1)


def _draw_and_check(drawn: DrawnWorld, tell: Any) -> Check:
    from matcher.world.moments import check_market
    from matcher.world.simulate import simulate_market

    with tempfile.TemporaryDirectory(prefix="matcher-check-") as place:
        market = Path(place) / "market"
        simulate_market(market, **drawn.arguments, progress=tell)
        return check_market(market, progress=tell)


def render_check(check: Check) -> str:
    """Check as a table by theme.

    Parameters
    ----------
    check : Check
        Moments and assumptions.

    Returns
    -------
    str
        Lines for a terminal.
    """
    from matcher.world.moments import THEMES
    from matcher.world.moments.wording import format_range, format_value

    result = check.as_dict()
    names = [row["moment"] for row in (*result["moments"], *result["assumed"])]
    width = max(map(len, names))

    # One line: verdict, name, value, range, and why there is no value.
    def line(row: dict[str, Any], verdict: str) -> str:
        shown = f"{verdict:<4} {row['moment']:<{width}}  {format_value(row['value']):>8}  "
        shown += format_range(row["low"], row["high"])
        shown += "  (held out)" if row.get("held_out") else ""
        return shown + (f"\n     {row['note']}" if "note" in row else "")

    lines = []
    for theme, title in THEMES.items():
        rows = [row for row in result["moments"] if row["theme"] == theme]
        lines += [f"\n{title}", *(line(row, _verdict(row)) for row in rows)]
    lines += ["\nAssumed, no source settles them; not counted"]
    lines += [line(row, "") for row in result["assumed"]]
    n_held_out, n_held_out_ok = result["n_held_out"], result["n_held_out_ok"]
    lines += [
        f"\nworld {result['world']}, seed {result['seed']}, "
        f"{counted(result['n_influencers'], 'influencer')}: {result['n_ok'] - n_held_out_ok} of "
        f"{result['n_sourced'] - n_held_out} calibrated and {n_held_out_ok} of {n_held_out} "
        "held-out moments hold; " + ("ok" if result["ok"] else "not ok"),
    ]
    n_unknown = sum(row["value"] is None for row in result["moments"])
    if n_unknown:
        lines += [
            f"{n_unknown} moments (?) have too few rows to be measured, which counts as not held, "
            f"and chance moves others; --check without OUT and sizes draws {N_INFLUENCERS:,} "
            f"influencers and {N_CAMPAIGNS:,} campaigns, which are enough"
        ]
    return "\n".join(lines).lstrip("\n")


def _verdict(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "?"
    return "ok" if row["ok"] else "NO"
