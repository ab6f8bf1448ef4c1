"""Exposure as grids of rounded cells, for every form in which they are shown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from matcher.evaluation.exposure import LEAST_HIRES
from matcher.evaluation.grids import Grid
from matcher.evaluation.places import LEAST_SUPPLY, LENGTHS
from matcher.evaluation.rerank import RERANKED_PLACES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.evaluation.exposure import Exposure
    from matcher.evaluation.rerank import Figure, RerankCost

__all__ = ["describe_rerank", "exposure_grids", "group_grid", "rerank_grid", "spread_grid"]


def exposure_grids(exposure: Exposure, *, lengths: Sequence[int] = LENGTHS) -> list[Grid]:
    """All tables of exposure.

    Parameters
    ----------
    exposure : Exposure
        What is shown.
    lengths : sequence of int
        Lengths of lists to show.

    Returns
    -------
    list of Grid
        Groups, spread, and the cost of a floor where one was asked for.
    """
    grids = [group_grid(exposure, lengths=lengths), spread_grid(exposure)]
    return grids if exposure.rerank is None else [*grids, rerank_grid(exposure.rerank)]


def group_grid(exposure: Exposure, *, lengths: Sequence[int] = LENGTHS) -> Grid:
    """Share of places of each group against its share of supply and of hires.

    Parameters
    ----------
    exposure : Exposure
        What is shown.
    lengths : sequence of int
        Lengths of lists to show.

    Returns
    -------
    Grid
        One row per group.
    """
    header = ["group", "supply", "hired"]
    for k in lengths:
        header += [f"first {k}", f"{k} ÷ supply", f"{k} ÷ hired"]
    rows = []
    for (by, group), held in exposure.shares.groupby(["by", "group"], sort=False):
        of = {int(row["k"]): row for row in held.to_dict("records")}
        first = of[lengths[0]]
        cells = [f"{by}={group}", _percent(first["supply"]), _percent(first["hired"])]
        for k in lengths:
            cells.append(_percent(of[k]["listed"]))
            cells += [_ratio(of[k], name) for name in ("over_supply", "over_hired")]
        rows.append(tuple(cells))
    notes = [
        f"Mean shares over {exposure.n_campaigns} campaigns: of the eligible candidates (supply), "
        "of those hired, and of the first places of the model's lists. ÷: the last over one of "
        "the others, 1 where both are equal, with its 95 % interval over brands; – where fewer "
        f"than {LEAST_HIRES} of a group were hired.",
        *(
            f"{by}: less than {100 * LEAST_SUPPLY:g} % of supply each, and shown together: "
            f"{', '.join(names)}."
            for by, names in exposure.merged.items()
        ),
    ]
    shown = set(exposure.shares["by"])
    if "gender" in shown:
        notes.append("Gender is what people declared, and unknown where they did not.")
    if "language" in shown:
        notes.append("Language is that of most of an account's posts before the decision.")
    return Grid("exposure: whom the first places go to", tuple(header), tuple(rows), tuple(notes))


def spread_grid(exposure: Exposure) -> Grid:
    """How places are spread over accounts.

    Parameters
    ----------
    exposure : Exposure
        What is shown.

    Returns
    -------
    Grid
        One row per kind and length of lists.
    """
    rows = []
    for row in exposure.spread.to_dict("records"):
        name = str(row["of"]) if pd.isna(row["k"]) else f"{row['of']}, first {row['k']}"
        rows.append(
            (name, f"{row['gini']:.3f}", _percent(row["coverage"]), f"{row['n_listed']:,.0f}")
        )
    notes = (
        f"Over the {exposure.n_accounts:,} accounts that were eligible for any of the campaigns: "
        "Gini coefficient of the places they had (0 where all have as many), and how many of "
        "them had any (coverage). Few places among many accounts make a high Gini coefficient by "
        "themselves; random lists tell how high.",
    )
    header = ("lists", "Gini", "coverage", "accounts")
    return Grid("exposure: spread over accounts", header, tuple(rows), notes)


def rerank_grid(cost: RerankCost) -> Grid:
    """Shares of places without and with a floor, and what it costs.

    Parameters
    ----------
    cost : RerankCost
        What is shown.

    Returns
    -------
    Grid
        One row per group.
    """
    k = RERANKED_PLACES
    rows = tuple(
        (
            f"{cost.rule.by}={row['group']}",
            *(_percent(float(row[name])) for name in ("supply", "plain", "reranked")),
        )
        for row in cost.shares.to_dict("records")
    )
    header = ("group", "supply", f"first {k}", f"first {k} with the floor")
    title = f"exposure: at least {cost.rule.floor:g} of the supply for each group of {cost.rule.by}"
    return Grid(title, header, rows, (describe_rerank(cost),))


def describe_rerank(cost: RerankCost) -> str:
    """What a floor costs, in a sentence.

    Parameters
    ----------
    cost : RerankCost
        What was measured.

    Returns
    -------
    str
        NDCG@10 of both lists, their difference, and how much changed.
    """
    return (
        f"NDCG@{RERANKED_PLACES} of hired is {cost.plain.value:.3f} without the floor and "
        f"{cost.reranked.value:.3f} with it; difference {_signed(cost.difference)}. "
        f"{cost.n_changed} of {cost.n_campaigns} lists change, by {cost.n_replaced:.1f} of "
        f"{RERANKED_PLACES} places on average over all."
    )


def _signed(figure: Figure) -> str:
    if math.isnan(figure.low):
        return f"{figure.value:+.3f}, without an interval, since one brand alone is there"
    return (
        f"{figure.value:+.3f} ({figure.low:+.3f} to {figure.high:+.3f}; paired, 95 % interval over "
        "brands)"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _ratio(row: dict[Any, Any], name: str) -> str:
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if math.isnan(value):
        return "–"
    return f"{value:.2f}" if math.isnan(low) else f"{value:.2f}\n{low:.2f}–{high:.2f}"
