"""A model asked whom it would have chosen in the campaigns of a log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.columns import PLATFORMS
from matcher.errors import SupportError, UsageError
from matcher.evaluation.offpolicy.models import Inputs
from matcher.evaluation.offpolicy.notes import Note
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.log import DecisionLog
    from matcher.features.context import Embed, MarketData
    from matcher.features.pair_features import FeatureMatrix
    from matcher.features.pairs import Pairs
    from matcher.market.market import Market
    from matcher.ranking.model import Model

__all__ = ["ORDERS", "Staffing", "campaigns_since", "pairs_of_log", "staff_log", "tell_inputs"]

ORDERS: Final = ("hire", "deliver", "outcome")
"""Questions of a model by which it may choose."""
_PAIRS_AT_ONCE: Final = 200_000


@dataclass(frozen=True, eq=False)
class Staffing:
    """What a model knows of, and thinks of, the candidates of a log.

    Parameters
    ----------
    log : DecisionLog
        Campaigns decided after the model was closed.
    inputs : Inputs
        Features of their candidates as of each decision.
    scores : numpy.ndarray of float64, shape (n,)
        Score of each candidate, comparable inside a campaign.
    persons : numpy.ndarray of object, shape (n,)
        Who stands behind each account.
    """

    log: DecisionLog
    inputs: Inputs
    scores: NDArray[np.float64]
    persons: NDArray[np.object_]


def campaigns_since(market: Market, log: DecisionLog, instant: pd.Timestamp) -> DecisionLog:
    """Campaigns of a log that were decided at or after an instant.

    Parameters
    ----------
    market : Market
        Market.
    log : DecisionLog
        Log.
    instant : pandas.Timestamp
        Aware instant.

    Returns
    -------
    DecisionLog
        Those campaigns, with a note on the others.

    Raises
    ------
    SupportError
        If there is none.
    """
    decided = market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    names = pd.Index(log.campaign_ids)
    kept = names[(decided.reindex(names) >= instant).to_numpy(bool)]
    if not len(kept):
        raise SupportError(
            f"off-policy: all {len(names)} campaigns of the log were decided before {instant}, "
            "when the model was closed; it may have learnt from them. Train one that was closed "
            "earlier (`matcher train --until`)",
            {
                "en": f"all {len(names)} campaigns of the log were decided before the model was "
                "closed, which may have learnt from them; train one that was closed before the log "
                "(`matcher train --until`)",
                "vi": f"cả {len(names)} chiến dịch của nhật ký đều được quyết định trước khi mô "
                "hình được chốt, nên mô hình có thể đã học từ chúng; hãy huấn luyện một mô hình "
                "chốt trước nhật ký (`matcher train --until`)",
            },
        )
    found = log.take_campaigns(kept)
    if len(kept) == len(names):
        return found
    n, all_ = len(names) - len(kept), len(names)
    note = Note(
        f"{n} of {all_} campaigns were decided before the model was closed ({instant}) and are "
        "left out",
        f"{n} trong {all_} chiến dịch được quyết định trước khi mô hình được chốt ({instant}) nên "
        "bị bỏ ra",
    )
    return replace(found, notes=(*found.notes, note))


def pairs_of_log(market: Market, log: DecisionLog) -> Pairs:
    """Candidates of a log as pairs seen from each decision, in the same order.

    Parameters
    ----------
    market : Market
        Market.
    log : DecisionLog
        Log.

    Returns
    -------
    Pairs
        One pair per candidate.
    """
    decided = market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    briefs = [Brief.from_campaign(market, name) for name in log.campaign_ids]
    chosen = {
        name: log.account_ids[log.bounds[code] : log.bounds[code + 1]]
        for code, name in enumerate(log.campaign_ids)
    }
    return build_pairs(briefs, chosen, instants={name: decided[name] for name in log.campaign_ids})


def tell_inputs(market: Market, log: DecisionLog, matrix: FeatureMatrix) -> Inputs:
    """What outcomes and chances are learnt from: features, platform, and posts agreed.

    Parameters
    ----------
    market : Market
        Market.
    log : DecisionLog
        Log.
    matrix : FeatureMatrix
        Features of its candidates, in its order.

    Returns
    -------
    Inputs
        Columns. The posts of a campaign are those that its hires agreed to at the median; they
        are the same for all of its candidates.
    """
    names = [*matrix.names]
    columns = [matrix.values]
    if matrix.platforms is not None:
        columns.append(
            np.column_stack([(matrix.platforms == name).astype(np.float64) for name in PLATFORMS])
        )
        names += [f"platform_{name}" for name in PLATFORMS]
    agreed = market.tables["collaborations"]
    median = agreed.groupby("campaign_id")["n_posts_agreed"].median()
    asked = np.log(median.reindex(pd.Index(log.campaign_ids)).to_numpy(np.float64))
    columns.append(asked[log.codes][:, None])
    names.append("posts_agreed")
    return Inputs(np.hstack(columns), tuple(names))


def staff_log(
    model: Model,
    data: MarketData,
    log: DecisionLog,
    *,
    order: str = "hire",
    embed: Embed | None = None,
) -> Staffing:
    """Scores that a model gives the candidates of a log, each as of its decision.

    Parameters
    ----------
    model : Model
        Model; campaigns decided before it was closed are left out.
    data : MarketData
        Market of the log.
    log : DecisionLog
        Log.
    order : str
        One of `ORDERS`: by what it ranks.
    embed : callable, optional
        An embedding cache, see `matcher.ranking.model.Model.context`.

    Returns
    -------
    Staffing
        Scores and features, held in memory at 1.2 KB a candidate.

    Raises
    ------
    UsageError
        If there is no such order.
    SupportError
        If no campaign was decided after the model was closed, or it cannot rank by this order.
    """
    if order not in ORDERS:
        raise UsageError(f"order: got {order!r}; expected one of {', '.join(ORDERS)}")
    market = data.market
    log = campaigns_since(market, log, model.trained_until)
    context = model.context(data, embed)
    parts, scores = [], []
    for piece in _pieces(log):
        matrix = model.features(context, pairs_of_log(market, piece))
        parts.append(tell_inputs(market, piece, matrix))
        scores.append(model.score(matrix, (order,))[order].to_numpy(np.float64))
    values = np.vstack([part.values for part in parts])
    found = np.concatenate(scores)
    if np.isnan(found).all():
        raise SupportError(
            f"off-policy: the model does not rank by {order!r}",
            {
                "en": f"the model does not rank by `{order}`; ask by another order",
                "vi": f"mô hình không xếp hạng theo `{order}`; hãy hỏi theo cách xếp hạng khác",
            },
        )
    persons = market.tables["accounts"].set_index("account_id")["influencer_id"]
    who = persons.reindex(pd.Index(log.account_ids))
    return Staffing(
        log=log,
        inputs=Inputs(values, parts[0].names),
        scores=found,
        persons=who.fillna(pd.Series(log.account_ids, index=who.index)).to_numpy(object),
    )


def _pieces(log: DecisionLog) -> list[DecisionLog]:
    """Consecutive campaigns of at most `_PAIRS_AT_ONCE` candidates, or one campaign."""
    names = pd.Index(log.campaign_ids)
    found, first = [], 0
    while first < len(names):
        limit = log.bounds[first] + _PAIRS_AT_ONCE
        last = max(int(np.searchsorted(log.bounds, limit, side="right")) - 1, first + 1)
        found.append(log.take_campaigns(names[first:last]))
        first = last
    return found
