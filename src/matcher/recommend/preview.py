"""What a run of `recommend` would rank, without embedding or scoring anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from matcher.features.pairs import build_pairs
from matcher.market.instants import instant_microseconds
from matcher.recommend.orders import resolve_order
from matcher.retrieval.eligibility import RIVAL_DAYS, select_eligible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.config import Settings
    from matcher.features.data import MarketData
    from matcher.market.brief import Brief
    from matcher.ranking.model import Model
    from matcher.recommend.orders import OrderRequest

__all__ = ["preview_pools"]


def preview_pools(
    model: Model,
    data: MarketData,
    briefs: Sequence[Brief],
    *,
    as_of: pd.Timestamp,
    settings: Settings,
    order: OrderRequest = "objective",
    top_k: int = 20,
    rival_days: float = RIVAL_DAYS,
) -> pd.DataFrame:
    """Accounts behind each list that would be made.

    Parameters
    ----------
    model : Model
        Model.
    data : MarketData
        Market.
    briefs : sequence of Brief
        Briefs with unique ids.
    as_of : pandas.Timestamp
        Aware instant; a brief decided before is seen from its decision.
    settings : Settings
        Settings of retrieval.
    order : {"objective", "fit", "deliver", "outcome", "value", "blend"}
        What lists would be ordered by.
    top_k : int, default 20
        Accounts per brief at most.
    rival_days : float, default 90
        Days before the instant in which work for a rival makes an account ineligible.

    Returns
    -------
    pandas.DataFrame
        One row per brief: ``brief_id, as_of, n_accounts, n_eligible, n_candidates, n_rows_at_most``
        and ``removed_<rule>``.

    Raises
    ------
    DataError
        If a brief id stands twice.
    LeakageError
        If the model was closed after an instant from which a brief is seen.
    SupportError
        If `order` needs a ranker that the model does not have.
    """
    for brief in briefs:
        resolve_order(model, brief, order)
    seen = {
        brief.brief_id: as_of if (at := brief.decision_instant) is None else min(at, as_of)
        for brief in briefs
    }
    # Refuses an id that stands twice.
    build_pairs(briefs, {}, instants=seen)
    rows = []
    for brief in briefs:
        instant = seen[brief.brief_id]
        model.check_closed_before(instant)
        eligible = select_eligible(
            data,
            brief,
            instant_microseconds(instant),
            min_posts=settings.retrieval.min_posts,
            rival_days=rival_days,
        )
        n_candidates = min(len(eligible), settings.retrieval.n_candidates)
        rows.append(
            {
                "brief_id": brief.brief_id,
                "as_of": instant,
                "n_accounts": eligible.n_accounts,
                "n_eligible": len(eligible),
                "n_candidates": n_candidates,
                "n_rows_at_most": min(n_candidates, max(top_k, len(brief.must_have))),
                **{f"removed_{rule}": count for rule, count in eligible.removed.items()},
            }
        )
    return pd.DataFrame(rows)
