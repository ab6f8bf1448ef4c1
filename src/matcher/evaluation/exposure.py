"""Whom the first places of lists go to, against whom there is and who was hired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.evaluation.bootstrap import bootstrap_ratios
from matcher.evaluation.comparison import MODEL
from matcher.evaluation.places import LENGTHS, Groups, Places, as_shares, count_cells
from matcher.evaluation.rerank import RerankCost, measure_rerank

if TYPE_CHECKING:
    from matcher.config import EvaluationSettings
    from matcher.evaluation.ranked import BoolArray, FloatArray
    from matcher.evaluation.scored import ScoredCandidates
    from matcher.ranking.exposure import ExposureRule

__all__ = [
    "GROUP_COLUMNS",
    "HIRED",
    "LEAST_HIRES",
    "Exposure",
    "gini",
    "measure_exposure",
]

GROUP_COLUMNS: Final = {
    "tier": "tier",
    "platform": "platform",
    "gender": "gender",
    "language": "content_language",
}
"""Column of the scored frame by grouping."""
HIRED: Final = "hired"
"""Who was chosen, in the place of a scorer."""
LEAST_HIRES: Final = 5
"""Hires of a group below which its places are not compared with them."""
_COMPARED: Final = ("random",)
"""Scorers beside the model whose spread is told: what lists drawn at random would come to."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """Shares of places by group, and how places are spread over accounts.

    Parameters
    ----------
    shares : pandas.DataFrame
        Columns ``by, group, k, supply, hired, listed``: mean over campaigns of the group's share
        among eligible candidates, among those hired, and among the first `k` places of the
        model's lists, each 0 to 1 and adding up to 1 in a grouping and length; ``over_supply,
        over_supply_low, over_supply_high`` and ``over_hired, over_hired_low, over_hired_high``:
        `listed` over `supply` and over `hired` with 95 % intervals over brands. NaN where nothing
        stands below the line or fewer than 5 were hired; intervals, where there is one brand.
    spread : pandas.DataFrame
        Columns ``of, k, gini, coverage, n_listed``, one row per length of the lists of the model
        and of random order, and one of those hired (`k` missing): the Gini coefficient of places
        over eligible accounts, 0 where all have as many; the share of eligible accounts that
        stand in any list, and their number.
    merged : mapping of str to tuple of str
        Groups that stand together as ``small groups`` for want of supply, by grouping.
    n_campaigns, n_accounts : int
        Judged campaigns, and accounts eligible in any of them.
    rerank : RerankCost or None
        What a floor under the share of each group would cost; None where none was asked for.

    Raises
    ------
    DataError
        If shares do not add up to 1, or a spread is outside 0 to 1.

    References
    ----------
    Singh and Joachims, Fairness of exposure in rankings, KDD 2018 (arXiv 1802.07281); here every
    one of the first `k` places counts alike.
    """

    shares: pd.DataFrame
    spread: pd.DataFrame
    merged: Mapping[str, tuple[str, ...]]
    n_campaigns: int
    n_accounts: int
    rerank: RerankCost | None = field(default=None)

    def __post_init__(self) -> None:
        totals = self.shares.groupby(["by", "k"])[["supply", "hired", "listed"]].sum()
        worst = float(np.abs(totals.to_numpy() - 1).max(initial=0.0))
        within = self.spread[["gini", "coverage"]].to_numpy(np.float64)
        if not worst < 1e-9 or not ((within > -1e-9) & (within < 1 + 1e-9)).all():
            raise DataError(
                f"exposure: shares miss 1 by up to {worst:.3g}, and spreads run from "
                f"{within.min(initial=0):.3g} to {within.max(initial=1):.3g}; expected shares that "
                "add up to 1, and spreads from 0 to 1"
            )

    def to_dict(self) -> dict[str, Any]:
        """Nested figures for machines.

        Returns
        -------
        dict
            ``shares`` by grouping, group and length, ``spread`` by whose lists and length, what
            was ``merged``, counts, and ``rerank``; an undefined number is None.
        """
        shares: dict[str, Any] = {}
        for row in _records(self.shares):
            by, group, k = row.pop("by"), row.pop("group"), row.pop("k")
            shares.setdefault(by, {}).setdefault(group, {})[f"first_{k}"] = row
        spread: dict[str, Any] = {}
        for row in _records(self.spread):
            of, k = row.pop("of"), row.pop("k")
            spread.setdefault(of, {})["all" if k is None else f"first_{k}"] = row
        return {
            "shares": shares,
            "spread": spread,
            "merged": {by: list(names) for by, names in self.merged.items()},
            "n_campaigns": self.n_campaigns,
            "n_accounts": self.n_accounts,
            "rerank": None if self.rerank is None else self.rerank.to_dict(),
        }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def gini(amounts: FloatArray) -> float:
    r"""Gini coefficient of amounts.

    .. math:: G = \frac{\sum_i (2 i - n - 1) \, x_{(i)}}{n \sum_i x_i}

    Parameters
    ----------
    amounts : numpy.ndarray of float64, shape (n,)
        Amounts, 0 or more.

    Returns
    -------
    float
        0 where all are equal, or nothing is there; ``1 - 1 / n`` where one has all.

    References
    ----------
    Gini, Variabilita e mutabilita (1912).

    Examples
    --------
    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 8.0]))
    (0.0, 0.75)
    """
    total = float(amounts.sum())
    if not total:
        return 0.0
    n = len(amounts)
    weights = 2.0 * np.arange(1, n + 1) - n - 1
    return float(weights @ np.sort(amounts)) / (n * total)


def measure_exposure(
    pairs: ScoredCandidates, settings: EvaluationSettings, *, rule: ExposureRule | None = None
) -> Exposure | None:
    """Shares of places by group and their spread over accounts, of the model's lists.

    Parameters
    ----------
    pairs : ScoredCandidates
        Candidates with scores of `model` and labels; only campaigns with a hire are looked at.
    settings : EvaluationSettings
        `n_bootstrap` and `seed` of the intervals.
    rule : ExposureRule, optional
        Floor whose cost is measured.

    Returns
    -------
    Exposure or None
        None without a scorer `model`, a grouping, or a campaign with a hire.

    Raises
    ------
    DataError
        If a rule is given and the frame does not tell the groups that it names.

    Notes
    -----
    Ties are at random: an account in a block of equal scores that crosses the last place counts
    with its chance of standing there.
    """
    frame = pairs.frame
    columns = {by: name for by, name in GROUP_COLUMNS.items() if name in frame}
    judged = np.bincount(pairs.codes[pairs.hired], minlength=pairs.n_campaigns) > 0
    if rule is not None and rule.by not in columns:
        raise DataError(
            f"exposure: the scored frame has no column `{GROUP_COLUMNS[rule.by]}` to group by "
            f"{rule.by}; it has {list(columns.values())}"
        )
    if MODEL not in frame or not columns or not judged.any():
        return None
    rows = np.flatnonzero(judged[pairs.codes])
    accounts = np.full(len(frame), -1, dtype=np.int64)
    accounts[rows] = pd.factorize(frame["account_id"].to_numpy(object)[rows], sort=True)[0]
    n_accounts = int(accounts.max()) + 1
    parts, merged, spreads = [], {}, []
    for name in (MODEL, *(name for name in _COMPARED if name in frame)):
        places = Places.of(pairs, pairs.scores(name), judged)
        if name == MODEL:
            for by, column in columns.items():
                groups = Groups.of(pairs, by, column, judged)
                parts.append(_shares(pairs, groups, places, judged, settings))
                merged[by] = groups.merged
        for k in LENGTHS:
            had, reached = places.of_accounts(accounts, n_accounts, k)
            spreads.append(_spread(name, k, had, reached))
    had = np.bincount(accounts[pairs.hired], minlength=n_accounts).astype(np.float64)
    spreads.append(_spread(HIRED, None, had, np.minimum(had, 1.0)))
    return Exposure(
        shares=pd.concat(parts, ignore_index=True),
        spread=pd.DataFrame(spreads).astype({"of": "str", "k": "Int64"}),
        merged={by: small for by, small in merged.items() if small},
        n_campaigns=int(judged.sum()),
        n_accounts=n_accounts,
        rerank=None if rule is None else measure_rerank(pairs, columns[rule.by], rule, settings),
    )


def _spread(of: str, k: int | None, had: FloatArray, reached: FloatArray) -> dict[str, Any]:
    coverage = float(reached.mean())
    return {"of": of, "k": k, "gini": gini(had), "coverage": coverage,
            "n_listed": float(reached.sum())}  # fmt: skip


def _shares(
    pairs: ScoredCandidates,
    groups: Groups,
    places: Places,
    judged: BoolArray,
    settings: EvaluationSettings,
) -> pd.DataFrame:
    """Rows of `Exposure.shares` of one grouping."""
    n_groups, n_campaigns = len(groups.names), pairs.n_campaigns
    supply = as_shares(count_cells(pairs.codes, groups.codes, n_groups, n_campaigns))[judged]
    hired = as_shares(
        count_cells(pairs.codes[pairs.hired], groups.codes[pairs.hired], n_groups, n_campaigns)
    )[judged]
    n_hired = np.bincount(groups.codes[pairs.hired], minlength=n_groups)
    tables = []
    for k in LENGTHS:
        listed = as_shares(places.of_groups(groups.codes, n_groups, n_campaigns, k))[judged]
        table = {
            "by": groups.by,
            "group": list(groups.names),
            "k": k,
            "supply": supply.mean(axis=0),
            "hired": hired.mean(axis=0),
            "listed": listed.mean(axis=0),
        }
        for name, below in (("over_supply", supply), ("over_hired", hired)):
            ratios = bootstrap_ratios(
                listed, below, pairs.brands[judged],
                n_resamples=settings.n_bootstrap, seed=settings.seed,
            )  # fmt: skip
            known = (
                n_hired >= LEAST_HIRES if name == "over_hired" else np.ones(n_groups, dtype=bool)
            )
            for end, values in (("", ratios.value), ("_low", ratios.low), ("_high", ratios.high)):
                table[f"{name}{end}"] = np.where(known, values, np.nan)
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True).astype({"by": "str", "group": "str"})
