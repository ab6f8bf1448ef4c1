"""What happened, known with hindsight: who was hired, what came of it, which campaigns count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from matcher.columns import TRUST_PROXY
from matcher.ranking.fit import candidate_pairs
from matcher.ranking.relevance import (
    TRUST_NOTE,
    fully_closed_at,
    hire_outcomes,
    hired_pairs,
    measured_outcomes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.config import Settings
    from matcher.features.context import MarketData

__all__ = ["Truth", "count_reasons", "describe_outside", "list_campaigns"]


@dataclass(frozen=True)
class Truth:
    """Hires and outcomes with hindsight: for judging only.

    Parameters
    ----------
    hires : pandas.MultiIndex
        Campaign and account of every hire.
    table : pandas.DataFrame
        What `matcher.ranking.relevance.measured_outcomes` found.
    hired_posts : pandas.DataFrame
        What `matcher.ranking.relevance.hire_outcomes` found.
    """

    hires: pd.MultiIndex
    table: pd.DataFrame
    hired_posts: pd.DataFrame

    @classmethod
    def of(cls, data: MarketData) -> Truth:
        """Truth of a market.

        Parameters
        ----------
        data : MarketData
            Whole market.

        Returns
        -------
        Truth
            All that was ever known.
        """
        hires = hired_pairs(data.market)[["campaign_id", "account_id"]]
        outcomes = measured_outcomes(data.market)
        return cls(pd.MultiIndex.from_frame(hires), outcomes, hire_outcomes(data.market))

    @cached_property
    def outcomes(self) -> pd.Series:
        """Outcome by campaign and account."""
        return self.table.set_index(["campaign_id", "account_id"])["outcome"]

    @cached_property
    def names(self) -> pd.Series:
        """Name of the outcome by campaign and account."""
        return self.table.set_index(["campaign_id", "account_id"])["outcome_name"]

    @cached_property
    def n_posts(self) -> pd.Series:
        """Posts of each hire with an outcome, by campaign and account; NaN where unknown."""
        return self.hired_posts.set_index(["campaign_id", "account_id"])["n_posts"]

    @property
    def stated(self) -> dict[str, Any]:
        """Which outcomes stand for *delivered*, and what is a proxy."""
        counts = self.table.groupby("outcome_name")["campaign_id"].nunique()
        return {
            "outcomes": {str(name): int(n) for name, n in counts.items()},
            "proxies": [TRUST_NOTE] if TRUST_PROXY in counts else [],
        }


def list_campaigns(
    data: MarketData, settings: Settings
) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Campaigns and how many of their hires are candidates.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Who is a candidate.

    Returns
    -------
    campaigns : pandas.DataFrame
        ``campaign_id, brand_id, decided_at, closed_at``.
    counts : pandas.Series
        Hired candidates by campaign.
    outside : pandas.Series
        Hires that are no candidates, by campaign.
    """
    table = data.market.tables["campaigns"][["campaign_id", "brand_id", "decided_at"]].copy()
    closed = fully_closed_at(data.market).reindex(table["campaign_id"])
    table["closed_at"] = pd.to_datetime(closed, utc=True).array
    decided = table[table["decided_at"].notna()]
    hires = hired_pairs(data.market)
    hired_of = {str(key): set(part) for key, part in hires.groupby("campaign_id")["account_id"]}
    names = [name for name in decided["campaign_id"].tolist() if name in hired_of]
    inside = candidate_pairs(data, names, settings, keep=hired_of, limit=0)
    counts = pd.Series(1, index=inside.campaign_ids).groupby(level=0).sum()
    outside = hires.groupby("campaign_id").size().sub(counts, fill_value=0)
    return table, counts, outside.reindex(names, fill_value=0).astype("int64")


def describe_outside(n_outside: int, settings: Settings) -> list[str]:
    """Hires of the judged campaigns that no scorer can find.

    Parameters
    ----------
    n_outside : int
        How many there are.
    settings : Settings
        Who is a candidate.

    Returns
    -------
    list of str
        One sentence, or none where there is no such hire.
    """
    if not n_outside:
        return []
    return [
        f"{n_outside} hires of the judged campaigns are no candidates: they fail a hard rule of "
        f"the brief or have fewer than {settings.retrieval.min_posts} earlier posts"
    ]


def count_reasons(skipped: Mapping[str, str]) -> str:
    """How often each reason occurs, most frequent first.

    Parameters
    ----------
    skipped : mapping of str to str
        Reason by campaign.

    Returns
    -------
    str
        ``13 too early, 2 without a hire``.
    """
    counts = pd.Series(dict(skipped), dtype=object).value_counts()
    return ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "no campaign"
