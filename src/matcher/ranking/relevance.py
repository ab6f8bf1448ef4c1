"""Who was hired and what came of it: labels, outcomes, and when a campaign counts as closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.columns import HIRED_STATUSES, OUTCOMES, TRUST_PROXY
from matcher.errors import DataError
from matcher.market.money import find_exchange_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.market.market import Market

__all__ = [
    "TRUST_NOTE",
    "closed_campaigns",
    "fully_closed_at",
    "hire_outcomes",
    "hired_pairs",
    "level_names",
    "measured_outcomes",
]

TRUST_NOTE: Final = (
    "the objective `trust` has no outcome of its own; it is read as (comments + shares + saves) "
    "per reach, a proxy"
)

_LEVEL_OF_OUTCOME: Final = {TRUST_PROXY: "", "views": "views_level"}
"""Level that an outcome's lift is taken over, where it is not that of engagements; none for a
rate, which has no level to take away."""

_LEAST_MEASURED: Final = 0.5
_SETTLED_DAYS: Final = 30
"""A hire without any outcome counts as settled this many days after its status."""


def hired_pairs(market: Market) -> pd.DataFrame:
    """One row per campaign and account that was hired.

    Parameters
    ----------
    market : Market
        Market, cut or whole.

    Returns
    -------
    pandas.DataFrame
        ``campaign_id, account_id, status_at, outcome_at``: earliest status and latest outcome of
        the rows of a pair.
    """
    return _pairs_of(market.tables["collaborations"])


def _pairs_of(table: pd.DataFrame) -> pd.DataFrame:
    hired = table[table["status"].isin(HIRED_STATUSES) & table["status_at"].notna()]
    grouped = hired.groupby(["campaign_id", "account_id"], sort=True)
    return grouped.agg(
        status_at=("status_at", "min"), outcome_at=("outcome_at", "max")
    ).reset_index()


def closed_campaigns(market: Market, instant: pd.Timestamp) -> pd.Index:
    """Campaigns all of whose hires known before an instant are settled by then.

    A hire is settled once its outcome is known; one whose outcome is never recorded, 30 days
    after its status. Only facts known strictly before the instant are looked at.

    Parameters
    ----------
    market : Market
        Market, cut or whole.
    instant : pandas.Timestamp
        Aware instant.

    Returns
    -------
    pandas.Index
        Campaign ids in order.
    """
    table = market.tables["collaborations"]
    table = table[table["status_at"] < instant]
    outcome_at = table["outcome_at"].where(table["outcome_at"] < instant)
    known = _pairs_of(table.assign(outcome_at=outcome_at))
    settled_at = known["outcome_at"].fillna(known["status_at"] + pd.Timedelta(days=_SETTLED_DAYS))
    settled = (settled_at < instant).groupby(known["campaign_id"]).all()
    closed: pd.Index[Any] = pd.Index(
        np.sort(settled.index[settled.to_numpy(bool)].to_numpy(object))
    )
    return closed


def fully_closed_at(market: Market) -> pd.Series:
    """When the last hire of each campaign was settled, with hindsight.

    Only for choosing which campaigns an evaluation reports on, never for training.

    Parameters
    ----------
    market : Market
        Whole market.

    Returns
    -------
    pandas.Series of datetime64[us, UTC]
        Instant by campaign id.
    """
    hires = hired_pairs(market)
    settled_at = hires["outcome_at"].fillna(hires["status_at"] + pd.Timedelta(days=_SETTLED_DAYS))
    return settled_at.groupby(hires["campaign_id"]).max()


def measured_outcomes(market: Market) -> pd.DataFrame:
    """Outcome of each hire under its campaign's objective, as the market's settings map it.

    Rows of a pair are added up; revenue is converted into the currency of its campaign. Where the
    hires of a campaign count different parts in ``engagements``, it is rebuilt from the campaign's
    posts on the parts that all have.

    Parameters
    ----------
    market : Market
        Market, cut or whole; outcomes that are not known in it are not used.

    Returns
    -------
    pandas.DataFrame
        ``campaign_id, account_id, outcome_name, outcome, outcome_at`` of hires with an outcome.

    Raises
    ------
    DataError
        If the revenue of a campaign for sales cannot be converted.
    """
    objectives = market.settings.objectives.outcomes()
    names = sorted({name for choices in objectives.values() for name in choices})
    sums = _summed(market)
    campaigns = market.tables["campaigns"].set_index("campaign_id")["objective"]
    objective = sums["campaign_id"].map(campaigns).fillna("engagement")
    by_trust = [name for name, choices in objectives.items() if TRUST_PROXY in choices]
    sums[TRUST_PROXY] = _trust_proxy(market, sums[objective.isin(by_trust).to_numpy()])
    shares = sums[names].notna().groupby(sums["campaign_id"]).transform("mean")
    chosen = pd.Series("", index=sums.index, dtype="str")
    for name, choices in objectives.items():
        for outcome in choices:
            is_open = (objective == name) & (chosen == "")
            chosen[is_open & (shares[outcome] >= _LEAST_MEASURED)] = outcome
    kept = sums[chosen != ""].copy()
    kept["outcome_name"] = chosen[chosen != ""]
    columns = kept[names].to_numpy(np.float64)
    place = [names.index(name) for name in kept["outcome_name"]]
    kept["outcome"] = columns[np.arange(len(kept)), place] if len(kept) else np.empty(0)
    kept = kept[kept["outcome"].notna()]
    return kept[["campaign_id", "account_id", "outcome_name", "outcome", "outcome_at"]].reset_index(
        drop=True
    )


def hire_outcomes(market: Market) -> pd.DataFrame:
    """Every outcome of every hire that has one, whatever its campaign was for.

    Parameters
    ----------
    market : Market
        Market, cut or whole; outcomes that are not known in it are not used.

    Returns
    -------
    pandas.DataFrame
        ``campaign_id, account_id, outcome_at, n_posts, format``, each of `matcher.columns.OUTCOMES`
        but the revenue, and ``trust_proxy``; sums over the rows of a pair. ``n_posts`` is what was
        delivered, else agreed, else how many posts of the campaign the account has; NaN where none
        is known. ``format`` is missing where rows of a pair differ.
    """
    sums = _summed(market).drop(columns="revenue")
    sums[TRUST_PROXY] = _trust_proxy(market, sums)
    table = _with_outcome(market)
    told = table["n_posts_delivered"].where(table["n_posts_delivered"] > 0)
    told = told.fillna(table["n_posts_agreed"])
    keys = [table["campaign_id"], table["account_id"]]
    pairs = pd.MultiIndex.from_frame(sums[["campaign_id", "account_id"]])
    agreed = told.groupby(keys).sum(min_count=1).reindex(pairs).to_numpy(np.float64)
    links = market.tables["campaign_posts"]
    authors = market.tables["posts"][["post_id", "account_id"]]
    made = links.merge(authors, on="post_id", validate="m:1")
    counted = made.groupby(["campaign_id", "account_id"]).size().reindex(pairs)
    sums["n_posts"] = np.where(agreed > 0, agreed, counted.to_numpy(np.float64))
    formats = table["format"].groupby(keys)
    common = formats.first().where(formats.agg(lambda held: len(held.unique())) == 1)
    sums["format"] = common.reindex(pairs).to_numpy(object)
    return sums


def _with_outcome(market: Market) -> pd.DataFrame:
    table = market.tables["collaborations"]
    return table[table["status"].isin(HIRED_STATUSES) & table["outcome_at"].notna()]


def _summed(market: Market) -> pd.DataFrame:
    """Outcomes of each pair that has one, added up over its rows."""
    hired = _with_outcome(market).copy()
    hired["engagements"] = _comparable_engagements(market, hired)
    hired["revenue"] = _revenue_in_campaign_currency(market, hired)
    grouped = hired.groupby(["campaign_id", "account_id"], sort=True)
    sums = grouped[list(OUTCOMES)].sum(min_count=1).reset_index()
    sums["outcome_at"] = grouped["outcome_at"].max().to_numpy()
    return sums


def level_names(outcomes: pd.DataFrame, campaign_ids: NDArray[np.object_]) -> NDArray[np.object_]:
    """Level over which each pair's lift is taken.

    Parameters
    ----------
    outcomes : pandas.DataFrame
        What `measured_outcomes` found.
    campaign_ids : numpy.ndarray of object, shape (n_pairs,)
        Campaign of each pair.

    Returns
    -------
    numpy.ndarray of object, shape (n_pairs,)
        ``engagements_level``, ``views_level``, or empty where the outcome is a rate.
    """
    name = outcomes.groupby("campaign_id")["outcome_name"].first()
    chosen = name.map(lambda one: _LEVEL_OF_OUTCOME.get(one, "engagements_level"))
    found = chosen.reindex(pd.Index(campaign_ids)).fillna("engagements_level")
    return found.to_numpy(object)


def _trust_proxy(market: Market, pairs: pd.DataFrame) -> pd.Series:
    """(Comments + shares + saves) / reach of pairs, from their campaign's posts."""
    campaigns = pairs["campaign_id"].unique().tolist()
    keys = pd.MultiIndex.from_frame(pairs[["campaign_id", "account_id"]])
    parts, seen = (
        _counts_of_posts(market, dict.fromkeys(campaigns, names)).reindex(keys).to_numpy(np.float64)
        for names in (["comments", "shares", "saves"], ["reach"])
    )
    told = pairs["reach"].to_numpy(np.float64)
    reach = np.where(np.isnan(told), seen, told)
    rate = np.divide(parts, reach, out=np.full(len(pairs), np.nan), where=reach > 0)
    return pd.Series(rate, index=pairs.index)


def _revenue_in_campaign_currency(market: Market, hired: pd.DataFrame) -> pd.Series:
    """Revenue of each row of a campaign for sales, at the rate known when it was read.

    A campaign without a currency is computed in that of its rows, if they have one in common.
    """
    campaigns = market.tables["campaigns"].set_index("campaign_id")
    result = hired["revenue"].copy()
    objective = hired["campaign_id"].map(campaigns["objective"]).fillna("engagement")
    by_revenue = [
        name
        for name, choices in market.settings.objectives.outcomes().items()
        if "revenue" in choices
    ]
    sales = objective.isin(by_revenue).to_numpy(bool)
    earned = hired[sales & hired["revenue"].notna().to_numpy(bool)]
    own = earned.groupby("campaign_id")["currency"].unique()
    common = {str(name): held[0] for name, held in own.items() if len(held) == 1}
    given = campaigns["currency"].dropna().to_dict()
    factors = np.ones(len(earned))
    rows = zip(earned["campaign_id"], earned["currency"], earned["outcome_at"], strict=True)
    for place, (campaign, source, instant) in enumerate(rows):
        wanted = given.get(campaign, common.get(campaign))
        if source == wanted:
            continue
        if not (isinstance(source, str) and isinstance(wanted, str)):
            if campaign in common:
                continue
            raise DataError(
                f"campaigns, row {campaign!r}: revenue in several or unknown currencies cannot be "
                "compared; give the `currency` of the campaign and of its collaborations"
            )
        factors[place] = find_exchange_rate(market, source, target=wanted, instant=instant)
    result[earned.index] = earned["revenue"].to_numpy(np.float64) * factors
    return result


def _comparable_engagements(market: Market, hired: pd.DataFrame) -> pd.Series:
    """Engagements of each row on the parts that all rows of its campaign have."""
    if "engagements_parts" not in hired:
        return hired["engagements"]
    parts = hired["engagements_parts"].fillna("likes+comments+shares+saves")
    mixed = parts.groupby(hired["campaign_id"]).transform("nunique") > 1
    if not mixed.any():
        return hired["engagements"]
    common = {
        str(campaign): sorted(set.intersection(*(set(text.split("+")) for text in texts)))
        for campaign, texts in parts[mixed].groupby(hired.loc[mixed, "campaign_id"])
    }
    rebuilt = _counts_of_posts(market, {name: some for name, some in common.items() if some})
    keys = pd.MultiIndex.from_frame(hired.loc[mixed, ["campaign_id", "account_id"]])
    result = hired["engagements"].copy()
    # A pair's posts count once, however many rows it has.
    again = keys.duplicated()
    result[mixed] = np.where(again, np.nan, rebuilt.reindex(keys).to_numpy(np.float64))
    return result


def _counts_of_posts(market: Market, common: dict[str, list[str]]) -> pd.Series:
    """Sum of the newest readings of a campaign's posts over given parts, by campaign, account."""
    links = market.tables["campaign_posts"]
    links = links[links["campaign_id"].isin(list(common))]
    readings = market.readings_of(links["post_id"])
    readings = readings.sort_values("known_at").drop_duplicates("post_id", keep="last")
    accounts = market.tables["posts"][["post_id", "account_id"]]
    accounts = accounts[accounts["post_id"].isin(links["post_id"])]
    joined = links.merge(accounts, on="post_id", validate="m:1").merge(
        readings.drop(columns="account_id", errors="ignore"), on="post_id", validate="m:1"
    )
    found = []
    for campaign, rows in joined.groupby("campaign_id", sort=True):
        total = rows[common[str(campaign)]].sum(axis=1, skipna=False)
        found.append(total.groupby([rows["campaign_id"], rows["account_id"]]).sum(min_count=1))
    return pd.concat(found) if found else pd.Series(dtype=np.float64)
