"""Measure the moments of the default world, draw them, and write docs/world.md anew.

    python benchmarks/world_page.py              simulate, measure, draw, write (about a minute)
    python benchmarks/world_page.py --seeds 5    how many moments hold at each of five seeds

Writes docs/world/values.json (what was measured), the pictures beside it, and docs/world.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from matcher.cli.world_check import N_CAMPAIGNS, N_INFLUENCERS
from matcher.files import write_output
from matcher.report.pictures import render_picture
from matcher.world import simulate_market
from matcher.world.moments import MOMENTS, Check, Moment, check_market
from matcher.world.moments.page import record_of, world_page
from matcher.world.moments.prose import EDGES, NODES
from matcher.world.moments.wording import format_range, format_value

DOCS = Path(__file__).parents[1] / "docs"
OK, NOT_OK, PLAIN = "#2E7D32", "#C62828", "#607D8B"


def main() -> None:
    """Measure and write, or compare seeds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--world", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=0, help="compare that many seeds, write none")
    parser.add_argument("--influencers", type=int, default=N_INFLUENCERS)
    parser.add_argument("--campaigns", type=int, default=N_CAMPAIGNS)
    given = parser.parse_args()
    size = {"n_influencers": given.influencers, "n_campaigns": given.campaigns}
    if given.seeds:
        compare_seeds([measure(given.world, seed, **size) for seed in range(given.seeds)])
        return
    check = measure(given.world, given.seed, **size)
    record = record_of(check)
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (DOCS / "world").mkdir(exist_ok=True)
    _write(DOCS / "world" / "values.json", text.encode())
    values = record["values"]
    half = (len(MOMENTS) + 1) // 2
    for k, moments in enumerate((MOMENTS[:half], MOMENTS[half:])):
        _write(DOCS / "world" / f"moments-{k + 1}.svg", draw_moments(moments, values))
    _write(DOCS / "world" / "graph.svg", render_picture(draw_graph, form="svg", size=(11, 6)))
    _write(DOCS / "world.md", world_page(record).encode())
    result = check.as_dict()
    print(f"{result['n_ok']} of {result['n_sourced']} moments hold; wrote {DOCS / 'world.md'}")
    for row in result["moments"]:
        if not row["ok"]:
            shown = format_value(row["value"])
            print(f"  {row['moment']}: {shown}, not {format_range(row['low'], row['high'])}")


def measure(world: str, seed: int, **size: int) -> Check:
    """Check of a market drawn for it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "market"
        simulate_market(folder, world=world, seed=seed, **size)
        return check_market(folder)


def compare_seeds(checks: list[Check]) -> None:
    """Print verdicts by seed, and the moments that fail at some."""
    for check in checks:
        result = check.as_dict()
        counts = f"{result['n_ok']} of {result['n_sourced']} moments"
        held_out = f"{result['n_held_out_ok']} of {result['n_held_out']} held-out ones"
        print(f"seed {result['seed']}: {counts}, {held_out}; {'ok' if result['ok'] else 'not ok'}")
    for k, moment in enumerate(MOMENTS):
        found = [check.moments[k] for check in checks]
        if not all(one.ok for one in found):
            values = ", ".join(format_value(one.value) for one in found)
            print(f"  {moment.name}, {format_range(moment.low, moment.high)}: {values}")


def _write(path: Path, content: bytes) -> None:
    write_output(path, lambda target: target.write_bytes(content), force=True)


def place(moment: Moment, value: float) -> float:
    """Where a value lies in its range: 0 at the low end, 1 at the high one; logs where positive."""
    low, high = moment.low, moment.high
    if low is None or high is None:
        bound = low if low is not None else high
        assert bound is not None
        # An open side has no width: half the bound, or 1 where that is 0, stands for it.
        step = (value - bound) / (abs(bound) / 2 or 1.0)
        return step if low is not None else 1 + step
    if low > 0 and value > 0:
        return float((np.log(value) - np.log(low)) / (np.log(high) - np.log(low)))
    return (value - low) / (high - low)


def draw_moments(moments: tuple[Moment, ...], values: dict[str, float | None]) -> bytes:
    """Picture of moments: each range as a bar of one width, each value as a dot."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for row, moment in enumerate(moments):
            left = 0.0 if moment.low is not None else -0.7
            right = 1.0 if moment.high is not None else 1.7
            axes.barh(row, right - left, left=left, height=0.6, color="#CFD8DC")
            _draw_value(axes, row, moment, values.get(moment.name))
            axes.text(1.95, row, format_range(moment.low, moment.high), va="center", fontsize=7)
        names = [one.name + (" *" if one.held_out else "") for one in moments]
        axes.set_yticks(range(len(moments)), names, fontsize=7)
        axes.set_xticks([0, 1], ["low", "high"], fontsize=7)
        axes.set_xlim(-1.0, 1.9)
        axes.set_ylim(len(moments) - 0.4, -0.6)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_title("Dot: measured. Bar: sourced range. * held out", fontsize=8, loc="left")

    return render_picture(draw, form="svg", size=(9, 0.19 * len(moments) + 0.8))


def _draw_value(axes: Any, row: int, moment: Moment, value: float | None) -> None:
    if value is None:
        axes.text(0.5, row, "not measured", va="center", ha="center", fontsize=7, color=NOT_OK)
        return
    colour = OK if moment.holds(value) else NOT_OK
    x = place(moment, value)
    face = "white" if moment.held_out else colour
    marker = "o" if -0.9 < x < 1.8 else ("<" if x < 0 else ">")
    x = min(max(x, -0.9), 1.8)
    axes.plot(x, row, marker=marker, color=colour, markerfacecolor=face, markersize=5)


def draw_graph(figure: Any) -> None:
    """Causal graph: boxes at their places, arrows between them."""
    axes = figure.subplots()
    boxes = {}
    for name, (words, x, y, is_latent) in NODES.items():
        face = "#B0BEC5" if is_latent else "white"
        style = {"boxstyle": "round,pad=0.4", "facecolor": face, "edgecolor": "#455A64"}
        boxes[name] = axes.text(x, y, words, ha="center", va="center", fontsize=9, bbox=style)
    for start, end in EDGES:
        axes.annotate(
            "",
            xy=NODES[end][1:3],
            xytext=NODES[start][1:3],
            arrowprops={
                "arrowstyle": "-|>", "color": "#78909C", "lw": 1.1, "shrinkA": 3, "shrinkB": 3,
                "patchA": boxes[start].get_bbox_patch(), "patchB": boxes[end].get_bbox_patch(),
            },
        )  # fmt: skip
    axes.set_xlim(-1.15, 4.8)
    axes.set_ylim(-0.9, 3.9)
    axes.axis("off")


if __name__ == "__main__":
    main()
