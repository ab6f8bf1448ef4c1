"""The page about the simulated market, made from its code and from one measured check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from matcher.world.knobs import WORLDS, WorldKnobs
from matcher.world.moments.assumed import ASSUMED
from matcher.world.moments.check import HELD_OUT_SHARE, MOMENTS, Check
from matcher.world.moments.constants import inline_numbers, world_constants
from matcher.world.moments.moment import CONFIDENCES, THEMES, Assumption, Moment
from matcher.world.moments.prose import CANNOT_TELL, GRAPH, PURPOSE, REJECTED
from matcher.world.moments.wording import format_range, format_value

__all__ = ["record_of", "world_page"]

_SIZES = ("world", "version", "seed", "n_influencers", "n_campaigns")


def record_of(check: Check) -> dict[str, Any]:
    """What the page keeps of a check.

    Parameters
    ----------
    check : Check
        Check of a market.

    Returns
    -------
    dict of str to Any
        World, size, and ``values`` by name of moment or assumption, to nine digits; JSON values.
    """
    measured = (*check.moments, *check.assumed)
    return {
        **{name: check.record.get(name) for name in _SIZES},
        "values": {
            one.moment.name: None if one.value is None else float(f"{one.value:.9g}")
            for one in measured
        },
    }


def world_page(record: Mapping[str, Any]) -> str:
    """Page about the simulated market.

    Parameters
    ----------
    record : mapping of str to Any
        As `record_of` gives it.

    Returns
    -------
    str
        Markdown; the moments, assumptions, worlds and constants are those of the code.
    """
    values = record["values"]
    parts = [
        "<!-- Generated; `make docs` writes it anew, benchmarks/world_page.py measures. -->\n",
        "# The simulated market\n",
        PURPOSE,
        "## What causes what\n",
        f"{GRAPH}\n",
        "## Worlds\n",
        *_worlds(),
        "## Moments against their sources\n",
        *_moments(record, values),
        "## Sources that were not followed\n",
        *_table(("quantity", "not followed", "why"), REJECTED),
        "## Assumed, and not counted\n",
        "No source settles these. What is assumed stands beside what comes out.\n",
        *_table(
            ("figure", "assumed", "measured", "unit", "why it is assumed"),
            [_assumption_row(one, values.get(one.name)) for one in ASSUMED],
        ),
        "## Constants\n",
        *_constants(),
        "## What the world cannot tell\n",
        CANNOT_TELL,
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


def _worlds() -> Iterator[str]:
    default = asdict(WorldKnobs())
    rows = []
    for name, knobs in WORLDS.items():
        changed = {key: value for key, value in asdict(knobs).items() if value != default[key]}
        shown = ", ".join(f"`{key}` {value}" for key, value in changed.items())
        rows.append((f"`{name}`", shown or "the knobs below"))
    yield from _table(("world", "what differs from `default`"), rows)


def _moments(record: Mapping[str, Any], values: Mapping[str, float | None]) -> Iterator[str]:
    held_out = [one for one in MOMENTS if one.held_out]
    calibrated = [one for one in MOMENTS if not one.held_out]
    n_held_out, n_calibrated = (
        sum(_holds(one, values) for one in group) for group in (held_out, calibrated)
    )
    codes = "; ".join(f"{code}: {text}" for code, text in CONFIDENCES.items())
    yield (
        f"{len(MOMENTS)} moments have a published range; {len(held_out)} of them were set aside "
        "when the list was written and are not used to choose constants. "
        "`matcher simulate --check` measures them on the written tables, as an analyst with the "
        "export would; those that need a real panel say that they "
        f"are from the truth. All calibrated ones must hold and {HELD_OUT_SHARE:.0%} of those held "
        "out. A range is what the source gives, the span of the sources named, or, where there is "
        "one figure with its n, its 95 % sampling interval.\n"
    )
    yield (
        f"Measured on world `{record['world']}` (version {record['version']}), seed "
        f"{record['seed']}, {record['n_influencers']:,} influencers and {record['n_campaigns']:,} "
        f"campaigns: {n_calibrated} of {len(calibrated)} calibrated and {n_held_out} of "
        f"{len(held_out)} held-out moments hold. "
        f"Confidence, {codes}.\n"
    )
    yield "![Moments against their ranges, first half](world/moments-1.svg)\n"
    yield "![Moments against their ranges, second half](world/moments-2.svg)\n"
    head = ("moment", "range", "measured", "unit", "source", "conf.", "how it is measured")
    for theme, title in THEMES.items():
        yield f"### {title}\n"
        rows = [_moment_row(one, values) for one in MOMENTS if one.theme == theme]
        yield from _table(head, rows)


def _holds(moment: Moment, values: Mapping[str, float | None]) -> bool:
    value = values.get(moment.name)
    return value is not None and moment.holds(value)


def _moment_row(moment: Moment, values: Mapping[str, float | None]) -> tuple[str, ...]:
    value = format_value(values.get(moment.name))
    return (
        moment.name + (" (held out)" if moment.held_out else ""),
        format_range(moment.low, moment.high),
        value if _holds(moment, values) else f"**{value}**",
        moment.unit,
        moment.source,
        moment.confidence,
        moment.definition,
    )


def _assumption_row(assumption: Assumption, value: float | None) -> tuple[str, ...]:
    assumed = format_range(assumption.low, assumption.high)
    return assumption.name, assumed, format_value(value), assumption.unit, assumption.source


def _constants() -> Iterator[str]:
    constants = world_constants()
    yield (
        "Read from the code itself: every knob of `default` and every number that a module names. "
        "`calibrated` means that the code names a published figure or its source, `partly` that "
        "part of it is assumed, `assumed` all else. A calibrated constant was moved inside its "
        "published range until the moments above held.\n"
    )
    rows = [(f"`{one.name}`", one.value, one.text or "–", one.status) for one in constants]
    yield from _table(("constant", "value", "what it is, figure and source", "status"), rows)
    yield (
        "Further numbers stand inside formulas, mostly spreads and shares of rows; these are the "
        "lines that hold them, read from the code too. They count as assumed.\n"
    )
    inside = [
        (f"`{one.where}`", "<br>".join(f"`{line}`" for line in one.lines))
        for one in inline_numbers()
    ]
    yield from _table(("function", "lines with numbers"), inside)
