"""One call each: what a model, or given lists, would have brought in the campaigns of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher.arguments import check_type
from matcher.evaluation.offpolicy.log import read_log
from matcher.evaluation.offpolicy.policy import campaigns_of_lists, policy_of_frame, top_k_policy
from matcher.evaluation.offpolicy.staffing import staff_log
from matcher.evaluation.offpolicy.value import estimate_policy_value, learn
from matcher.features.data import MarketData
from matcher.ranking.model import Model

if TYPE_CHECKING:
    import pandas as pd

    from matcher.evaluation.offpolicy.answer import PolicyValue
    from matcher.features.context import Embed

__all__ = ["value_of_lists", "value_of_model"]


def value_of_model(
    model: Model,
    data: MarketData,
    *,
    outcome: str = "engagements",
    order: str = "hire",
    policy_id: str | None = None,
    seed: int = 0,
    embed: Embed | None = None,
) -> PolicyValue:
    """What the campaigns of a log would have brought, had a model staffed them.

    In each campaign it takes as many accounts as the log chose, the best first, one account per
    person.

    Parameters
    ----------
    model : Model
        Model; campaigns decided before it was closed are left out.
    data : MarketData
        Market of the log.
    outcome : str
        What is counted, one of `matcher.ranking.outcomes.names.OUTCOME_NAMES`.
    order : str
        By what the model ranks, one of `matcher.evaluation.offpolicy.staffing.ORDERS`.
    policy_id : str, optional
        Policy whose decisions are the log; may be left out where there is one.
    seed : int
        Seed of parts and resamples.
    embed : callable, optional
        An embedding cache.

    Returns
    -------
    PolicyValue
        The answer, or a refusal where the log does not carry one.

    Raises
    ------
    UsageError
        If model or market are something else, or there is no such outcome, order or policy.
    SupportError
        If there is no log, no campaign of it was decided after the model was closed, or too few
        outcomes are known to learn from.
    """
    _check_given(model, data, where="value_of_model")
    held = staff_log(
        model, data, read_log(data.market, outcome, policy_id=policy_id), order=order, embed=embed
    )
    policy = top_k_policy(held.log, held.scores, f"model ({order})", persons=held.persons)
    return estimate_policy_value(
        held.log, policy, learn(held.log, held.inputs, seed=seed), seed=seed
    )


def value_of_lists(
    model: Model,
    data: MarketData,
    lists: pd.DataFrame,
    *,
    name: str,
    outcome: str = "engagements",
    policy_id: str | None = None,
    seed: int = 0,
    embed: Embed | None = None,
) -> PolicyValue:
    """What the campaigns of a log would have brought with given lists or lotteries.

    Parameters
    ----------
    model : Model
        Model whose features the outcomes are learnt from; it does not choose.
    data : MarketData
        Market of the log.
    lists : pandas.DataFrame
        ``campaign_id, account_id, probability``, see
        `matcher.evaluation.offpolicy.policy.policy_of_frame`; campaigns of the log that it does
        not staff are left out.
    name : str
        What the policy is called.
    outcome : str
        What is counted.
    policy_id : str, optional
        Policy whose decisions are the log.
    seed : int
        Seed of parts and resamples.
    embed : callable, optional
        An embedding cache.

    Returns
    -------
    PolicyValue
        The answer, or a refusal where the log does not carry one.

    Raises
    ------
    UsageError
        If model or market are something else.
    DataError
        If a column is missing or a pair stands twice.
    SupportError
        As in `value_of_model`, or if the lists staff no campaign of the log.
    """
    _check_given(model, data, where="value_of_lists")
    log = campaigns_of_lists(read_log(data.market, outcome, policy_id=policy_id), lists, name)
    held = staff_log(model, data, log, embed=embed)
    policy = policy_of_frame(held.log, lists, name)
    return estimate_policy_value(
        held.log, policy, learn(held.log, held.inputs, seed=seed), seed=seed
    )


def _check_given(model: Model, data: MarketData, *, where: str) -> None:
    check_type(model, Model, where=f"{where}: model", hint="`read_model` returns it first")
    check_type(data, MarketData, where=f"{where}: data", hint="wrap it: MarketData(market)")
