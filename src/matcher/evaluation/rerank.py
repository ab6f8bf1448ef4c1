"""What a floor under the share of each group would have cost on the judged campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.evaluation.bootstrap import bootstrap_means
from matcher.evaluation.comparison import MODEL
from matcher.evaluation.metrics import ndcg_at_k
from matcher.evaluation.places import Groups, as_shares, count_cells
from matcher.evaluation.ranked import rank_candidates
from matcher.ranking.exposure import choose_places, least_places

if TYPE_CHECKING:
    from matcher.config import EvaluationSettings
    from matcher.evaluation.ranked import BoolArray, FloatArray, IntArray
    from matcher.evaluation.scored import ScoredCandidates
    from matcher.ranking.exposure import ExposureRule

__all__ = ["RERANKED_PLACES", "Figure", "RerankCost", "measure_rerank"]

RERANKED_PLACES: Final = 10
"""Places of the lists that are ranked again, and of their NDCG."""


@dataclass(frozen=True)
class Figure:
    """A mean over campaigns.

    Parameters
    ----------
    value : float
        The mean.
    low, high : float
        Its 95 % interval over brands; NaN where there are fewer than two.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """Values by name; None for an end that is not known."""
        named = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if np.isnan(value) else value for name, value in named.items()}


@dataclass(frozen=True, eq=False)
class RerankCost:
    """NDCG@10 of *hired*, without and with a floor under the share of every group.

    Parameters
    ----------
    rule : ExposureRule
        The floor.
    plain, reranked, difference : Figure
        NDCG@10 of the model's lists as they are, of those ranked again, and the second less the
        first, campaign by campaign.
    n_campaigns, n_changed : int
        Judged campaigns, and those whose first 10 places changed.
    n_replaced : float
        Mean number of places per list that went to somebody else.
    shares : pandas.DataFrame
        Columns ``group, supply, plain, reranked``: mean over campaigns of the share of each group
        among eligible candidates and among the first 10 places of both lists.

    Raises
    ------
    DataError
        If more campaigns changed than there are.
    """

    rule: ExposureRule
    plain: Figure
    reranked: Figure
    difference: Figure
    n_campaigns: int
    n_changed: int
    n_replaced: float
    shares: pd.DataFrame

    def __post_init__(self) -> None:
        if not 0 <= self.n_changed <= self.n_campaigns:
            raise DataError(
                f"rerank: {self.n_changed} of {self.n_campaigns} campaigns changed; expected no "
                "more than there are"
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values.

        Returns
        -------
        dict
            All parts; an undefined number is None.
        """
        figures = {name: getattr(self, name).to_dict() for name in
                   ("plain", "reranked", "difference")}  # fmt: skip
        return {
            "by": self.rule.by,
            "floor": self.rule.floor,
            f"ndcg_at_{RERANKED_PLACES}": figures,
            "n_campaigns": self.n_campaigns,
            "n_changed": self.n_changed,
            "n_replaced": self.n_replaced,
            "shares": {
                str(row.pop("group")): {str(name): float(value) for name, value in row.items()}
                for row in self.shares.to_dict("records")
            },
        }


def measure_rerank(
    pairs: ScoredCandidates, column: str, rule: ExposureRule, settings: EvaluationSettings
) -> RerankCost:
    """Rank the first 10 places of the model's lists again under a floor, and compare.

    The supply of a campaign is its candidates. Ties go by account id in both lists, so that a list
    on which the floor does not bear is the same in both.

    Parameters
    ----------
    pairs : ScoredCandidates
        Candidates with scores of `model` and labels; only campaigns with a hire are looked at.
    column : str
        Column of the scored frame that names the group of each candidate.
    rule : ExposureRule
        The floor.
    settings : EvaluationSettings
        `n_bootstrap` and `seed` of the intervals.

    Returns
    -------
    RerankCost
        Both lists beside each other.
    """
    judged = np.bincount(pairs.codes[pairs.hired], minlength=pairs.n_campaigns) > 0
    groups = Groups.of(pairs, rule.by, column, judged, merge=False)
    order = _by_score(pairs)
    bounds = np.searchsorted(pairs.codes[order], np.arange(pairs.n_campaigns + 1))
    k = RERANKED_PLACES
    first, again = (np.zeros(len(order), dtype=bool) for _ in range(2))
    for code in np.flatnonzero(judged):
        rows = order[bounds[code] : bounds[code + 1]]
        held = groups.codes[rows]
        supply = np.bincount(held, minlength=len(groups.names))
        first[rows[:k]] = True
        again[rows[choose_places(held, least_places(supply, k, rule.floor), k)]] = True
    values = np.column_stack([_ndcg(pairs, order, listed) for listed in (first, again)])[judged]
    both = np.column_stack([values, values[:, 1] - values[:, 0]])
    means = bootstrap_means(
        both, pairs.brands[judged], n_resamples=settings.n_bootstrap, seed=settings.seed
    )
    plain, reranked, difference = (
        Figure(float(means.value[n]), float(means.low[n]), float(means.high[n])) for n in range(3)
    )
    replaced = np.bincount(pairs.codes[again & ~first], minlength=pairs.n_campaigns)[judged]
    everyone = judged[pairs.codes]
    shares = {
        name: _mean_shares(pairs, groups, rows, judged)
        for name, rows in (("supply", everyone), ("plain", first), ("reranked", again))
    }
    return RerankCost(
        rule=rule,
        plain=plain,
        reranked=reranked,
        difference=difference,
        n_campaigns=int(judged.sum()),
        n_changed=int((replaced > 0).sum()),
        n_replaced=float(replaced.mean()),
        shares=pd.DataFrame({"group": list(groups.names), **shares}),
    )


def _by_score(pairs: ScoredCandidates) -> IntArray:
    """Rows by campaign, falling score and account id; missing scores last."""
    scores = pairs.scores(MODEL)
    accounts = pd.factorize(pairs.frame["account_id"], sort=True)[0]
    falling = np.where(np.isnan(scores), np.inf, -scores)
    return np.lexsort((accounts, falling, pairs.codes)).astype(np.int64)


def _ndcg(pairs: ScoredCandidates, order: IntArray, listed: BoolArray) -> FloatArray:
    """NDCG@10 of each campaign's list: those that are listed, best first, then all others."""
    place = np.empty(len(order))
    place[order] = np.arange(len(order), 0, -1)
    ranked = rank_candidates(
        pairs.codes, place + len(order) * listed, n_campaigns=pairs.n_campaigns
    )
    return ndcg_at_k(ranked, pairs.hired.astype(np.int8), k=RERANKED_PLACES).values


def _mean_shares(
    pairs: ScoredCandidates, groups: Groups, rows: BoolArray, judged: BoolArray
) -> FloatArray:
    counts = count_cells(
        pairs.codes[rows], groups.codes[rows], len(groups.names), pairs.n_campaigns
    )
    return np.asarray(as_shares(counts)[judged].mean(axis=0))
