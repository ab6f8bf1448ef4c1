"""The judging mode of `simulate`: its options, and how its figures are shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from matcher.cli.complete import complete_words
from matcher.cli.output import note, print_json, print_result, progress
from matcher.errors import UsageError
from matcher.files import check_output, write_output, write_table
from matcher.plain import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from matcher.world.judge.judge import Judgement

__all__ = [
    "Judge",
    "JudgedFile",
    "JudgedKind",
    "NoCeilings",
    "RowsFile",
    "check_modes",
    "judge_world",
]

_PANEL: Final = "Judging predictions (with --judge)"
Judge = Annotated[
    bool,
    typer.Option(
        "--judge",
        help="Make nothing: judge predictions by the truth of the market OUT.",
        rich_help_panel=_PANEL,
    ),
]
JudgedFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR",
        help="A list of `recommend --out`, or rankings, intervals, plans, what-if answers or "
        "off-policy estimates as .parquet, .csv, .json or .jsonl; a folder of such files where "
        "OUT holds several markets.",
        rich_help_panel=_PANEL,
    ),
]
JudgedKind = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        autocompletion=complete_words("ranking", "interval", "plan", "what-if", "off-policy"),
        help="ranking, interval, plan, what-if or off-policy; else known from the columns.",
        rich_help_panel=_PANEL,
    ),
]
NoCeilings = Annotated[
    bool,
    typer.Option(
        "--no-ceilings", help="Score no baselines and oracles; fast.", rich_help_panel=_PANEL
    ),
]
RowsFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="All figures, those of each campaign too, as .parquet, .csv, .jsonl or .json.",
        rich_help_panel=_PANEL,
    ),
]

_FORMS: Final = (".parquet", ".csv", ".jsonl", ".json")
_LARGE: Final = 1_000.0
_APART: Final = 2
_FAR: Final = (-1.0, 2.0)
"""Shares of the way outside these are told in gaps."""
_REFERENCES: Final = ("baseline: ", "oracle: ")
"""How names of methods begin that predictions are held against."""
"""Targets with the same metrics up to which each has a table of its own."""
_TITLES: Final = {
    ("ranking", "outcome"): "expected outcome",
    ("ranking", "outcome_given"): "... of the rows given",
    ("ranking", "choice"): "buyer's choice",
    ("interval", "outcome"): "drawn outcome",
    ("plan", "outcome"): "plan",
    ("what-if", "delta"): "change",
}


def check_modes(judge: bool, judging: Mapping[str, object], making: Mapping[str, object]) -> None:
    """Refuse options of judging predictions and of making or checking a market in one command.

    Parameters
    ----------
    judge : bool
        Whether predictions are judged.
    judging, making : mapping of str to object
        Value of each option, None where it is not given, by its name on the command line.

    Raises
    ------
    UsageError
        If options are given that do not go with what is done.
    """
    if not judge:
        strange = [name for name, value in judging.items() if value is not None]
        if strange:
            raise UsageError(
                f"{', '.join(strange)}: given without --judge; expected simulate OUT --judge "
                "--predictions FILE"
            )
        return
    strange = [name for name, value in making.items() if value is not None]
    if strange:
        raise UsageError(
            f"{', '.join(strange)}: given with --judge, which makes and checks no market; leave "
            "them out"
        )
    if judging["--predictions"] is None:
        raise UsageError("--judge: no predictions are named; give --predictions FILE")


def judge_world(
    market: Path,
    predictions: Path,
    *,
    kind: str | None,
    ceilings: bool,
    out: Path | None,
    as_json: bool,
    force: bool,
) -> None:
    """Judge predictions, and show and write the figures.

    Parameters
    ----------
    market : pathlib.Path
        Market, or folder of markets.
    predictions : pathlib.Path
        File, or folder of files.
    kind : str or None
        What they are; known from the columns when None.
    ceilings : bool
        Score baselines and oracles too.
    out : pathlib.Path or None
        Where all rows go.
    as_json : bool
        Whether machines will read the result.
    force : bool
        Replace a file that stands there.
    """
    from matcher.world.judge.judge import USUAL_CEILINGS, judge_file
    from matcher.world.judge.markets import find_markets, judge_folder

    if out is not None:
        check_output(out, force=force, suffixes=_FORMS)
    judge = judge_folder if find_markets(market) else judge_file
    with progress() as tell:
        limits = USUAL_CEILINGS if ceilings else None
        found = judge(market, predictions, kind=kind, ceilings=limits, tell=tell)
    if out is not None:
        _write(out, found, force=force)
    for text in found.notes:
        note(text)
    if as_json:
        print_json({"rows": _records(found.rows), "notes": list(found.notes)})
        return
    print_result("\n".join(_told(market, found)))
    if out is not None:
        note(f"{out}: {len(found.rows):,} rows")


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", double_precision=15))
    return records


def _write(out: Path, found: Judgement, *, force: bool) -> None:
    if out.suffix.lower() != ".json":
        write_table(out, found.rows, force=force)
        return
    content = {"rows": _records(found.rows), "notes": list(found.notes)}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_output(out, lambda path: path.write_text(text, encoding="utf-8"), force=force)


def _told(market: Path, found: Judgement) -> list[str]:
    from matcher.world.judge.markets import MANY

    rows = found.rows[found.rows["campaign_id"] == "all"]
    first = rows.iloc[0]
    over = rows[rows["seed"] == MANY]
    worlds = rows["world"].drop_duplicates().tolist()
    named = f"world {worlds[0]}" if len(worlds) == 1 else f"worlds {', '.join(worlds)}"
    head = f"{market}: {first['kind']} predictions judged by the truth of {named}"
    if len(over):
        n = len(rows.loc[rows["seed"] != MANY, ["world", "seed"]].drop_duplicates())
        them = "markets" if len(worlds) == 1 else "those of a world"
        lines = [f"{head}, {counted(n, 'market')}; median and worst over {them}"]
        each = over["method"] + ", " + over["world"]
        rows = over if len(worlds) == 1 else over.assign(method=each)
    else:
        lines = [f"{head}, seed {first['seed']}"]
    is_share = rows["metric"].str.contains("share_|gap_", regex=True)
    for targets, part in _grouped(rows[~is_share]):
        lines += ["", *_table(targets, part)]
    if is_share.any():
        lines += ["", "share of the way from the best baseline (0%) to the observables oracle"]
        lines += _shares(rows[is_share])
    return lines


def _grouped(rows: pd.DataFrame) -> list[tuple[list[str], pd.DataFrame]]:
    """Rows of the targets that have the same metrics."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for target, part in rows.groupby("target", sort=False):
        groups.setdefault(tuple(part["metric"].drop_duplicates()), []).append(str(target))
    parts = [
        part
        for names in groups.values()
        for part in ([names] if len(names) > _APART else [[name] for name in names])
    ]
    return [(names, rows[rows["target"].isin(names)]) for names in parts]


def _table(targets: list[str], rows: pd.DataFrame) -> list[str]:
    metrics = rows["metric"].drop_duplicates().tolist()
    title = _TITLES.get((str(rows["kind"].iloc[0]), targets[0]), targets[0])
    head = [title if len(targets) == 1 else "", *metrics]
    cells: dict[str, dict[str, str]] = {}
    for row in rows.to_dict("records"):
        label = str(row["method"])
        if len(targets) > 1:
            label = f"{label}, {row['target']}"
        cells.setdefault(label, {})[str(row["metric"])] = _cell(row)
    lines = [[label, *(held.get(name, "") for name in metrics)] for label, held in cells.items()]
    own = [line for line in lines if not line[0].startswith(_REFERENCES)]
    found = _aligned([head, *own, *(line for line in lines if line not in own)])
    if 0 < len(own) < len(lines):
        # What is judged stands apart from what it is held against.
        found.insert(1 + len(own), "-" * max(map(len, found)))
    return found


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return [
        "  ".join(
            text.ljust(width) if not place else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _cell(row: Mapping[Any, Any]) -> str:
    value, low, high = (float(row[name]) for name in ("value", "low", "high"))
    if value != value:
        return "-"
    if low != low:
        return _number(value)
    return f"{_number(value)} [{_number(low)}, {_number(high)}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.3f}"


def _shares(rows: pd.DataFrame) -> list[str]:
    """A sentence per method and metric, of one market or of several."""
    from matcher.world.judge.ceilings import LEAST_GAP

    by_name = {
        (str(row["method"]), str(row["target"]), str(row["metric"])): row
        for row in rows.to_dict("records")
    }
    lines = []
    for (method, target, name), gap in by_name.items():
        before, _, metric = name.partition("gap_")
        if name.endswith(f"share_{metric}") or "gap_" not in name:
            continue
        what = f"  {method}, {target} by {metric}"
        share = by_name.get((method, target, f"{before}share_{metric}"))
        if share is None or share["value"] != share["value"]:
            lines.append(f"{what}: no gap above {LEAST_GAP:g} ({gap['value']:.3f})")
        elif before:
            worst = by_name[method, target, f"worst_share_{metric}"]
            lines.append(
                f"{what}: median {_way(share['value'])}, worst {_way(worst['value'])}; "
                f"{counted(share['n'], 'market')} with a gap (median gap {gap['value']:.3f})"
            )
        elif share["low"] == share["low"]:
            between = f"[{_bound(share['low'])}, {_bound(share['high'])}]"
            lines.append(f"{what}: {_way(share['value'])} {between} (gap {gap['value']:.3f})")
        else:
            lines.append(
                f"{what}: {_way(share['value'])}, without interval, since the gap "
                f"({gap['value']:.3f}) is not surely above 0 in {counted(gap['n'], 'campaign')}"
            )
    return lines


def _way(share: float) -> str:
    """Share of the way, in gaps where it is far off it and a percentage says little."""
    if share < _FAR[0]:
        return f"{-share:,.1f} gaps behind the best baseline"
    return f"{share - 1:,.1f} gaps past the oracle" if share > _FAR[1] else f"{share:.0%}"


def _bound(share: float) -> str:
    """End of an interval of a share."""
    if share < _FAR[0]:
        return f"below {_FAR[0]:.0%}"
    return f"above {_FAR[1]:.0%}" if share > _FAR[1] else f"{share:.0%}"
