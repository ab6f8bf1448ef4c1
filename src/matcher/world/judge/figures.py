"""Rows of figures: per campaign, and over all campaigns with an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from matcher.evaluation.bootstrap import bootstrap_means

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["ALL", "COLUMNS", "Figures", "campaign_rows", "join_rows", "single_row"]

COLUMNS: Final = (
    "world",
    "version",
    "seed",
    "kind",
    "method",
    "campaign_id",
    "target",
    "metric",
    "value",
    "low",
    "high",
    "n",
)
"""Columns of the rows that a judgement writes."""
ALL: Final = "all"
"""Campaign id of rows over all campaigns."""
_N_RESAMPLES: Final = 1_000

Figures: TypeAlias = "Mapping[tuple[str, str], NDArray[np.float64]]"
"""One figure per campaign, by target and metric; NaN where it is undefined."""


def campaign_rows(
    kind: str,
    method: str,
    campaign_ids: Sequence[str],
    figures: Figures,
    *,
    counts: NDArray[np.int64],
    apart: Collection[str] = (),
) -> pd.DataFrame:
    """Rows of each campaign, and of their mean with a 95 % bootstrap interval over campaigns.

    Parameters
    ----------
    kind : str
        Kind of predictions.
    method : str
        Who made them.
    campaign_ids : sequence of str
        Campaigns.
    figures : mapping
        Figures per campaign by target and metric.
    counts : numpy.ndarray of int64, shape (n_campaigns,)
        Rows that the figures of a campaign rest on.
    apart : collection of str
        Metrics that have no mean, since campaigns count them in different units.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS` without the world; rows over all campaigns first, whose `n` counts campaigns.
    """
    keys = list(figures)
    values = np.column_stack([np.asarray(figures[key], dtype=np.float64) for key in keys])
    ids = np.array(campaign_ids, dtype=object)
    means = bootstrap_means(values, ids, n_resamples=_N_RESAMPLES, seed=0)
    whole = pd.DataFrame(
        {
            "campaign_id": ALL,
            "target": [target for target, _ in keys],
            "metric": [metric for _, metric in keys],
            "value": means.value,
            "low": means.low,
            "high": means.high,
            "n": means.n,
        }
    )
    each = pd.DataFrame(
        {
            "campaign_id": np.repeat(ids, len(keys)),
            "target": np.tile(np.array([target for target, _ in keys], dtype=object), len(ids)),
            "metric": np.tile(np.array([metric for _, metric in keys], dtype=object), len(ids)),
            "value": values.ravel(),
            "low": np.nan,
            "high": np.nan,
            "n": np.repeat(counts, len(keys)),
        }
    )
    whole = whole[~whole["metric"].isin(list(apart))]
    rows = pd.concat([whole, each[each["value"].notna()]], ignore_index=True)
    rows.insert(0, "kind", kind)
    rows.insert(1, "method", method)
    return rows


def single_row(
    kind: str,
    method: str,
    target: str,
    metric: str,
    value: float,
    *,
    n: int,
    low: float = np.nan,
    high: float = np.nan,
) -> dict[str, Any]:
    """Row of a figure that has no parts by campaign.

    Parameters
    ----------
    kind, method, target, metric : str
        What it is a figure of.
    value : float
        The figure.
    n : int
        What it rests on.
    low, high : float
        Its interval, where there is one.

    Returns
    -------
    dict
        The row.
    """
    return {
        "kind": kind,
        "method": method,
        "campaign_id": ALL,
        "target": target,
        "metric": metric,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
    }


def join_rows(parts: Sequence[pd.DataFrame], stamp: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of one market under one another.

    Parameters
    ----------
    parts : sequence of pandas.DataFrame
        Rows without the world.
    stamp : mapping
        World, version and seed.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`.
    """
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True)
    for place, (name, value) in enumerate(stamp.items()):
        rows.insert(place, name, value)
    texts = ["world", "kind", "method", "campaign_id", "target", "metric"]
    return rows[list(COLUMNS)].astype(dict.fromkeys(texts, "str") | {"n": "int64"})
