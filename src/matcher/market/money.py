"""Conversion between currencies, by dated rates of the market alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.market.instants import to_microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.market.market import Market

__all__ = ["find_exchange_rate", "has_exchange_rate", "list_missing_rates"]

_NEVER: Final = np.iinfo(np.int64).max
"""Instant that never comes."""


def find_exchange_rate(market: Market, source: str, *, target: str, instant: pd.Timestamp) -> float:
    """Newest rate of exchange known before an instant.

    Parameters
    ----------
    market : Market
        Market whose table `exchange_rates` is read; no inverse and no chain is ever made up.
    source : str
        Currency converted, ISO 4217.
    target : str
        Currency it becomes, ISO 4217.
    instant : pandas.Timestamp
        Instant with timezone; only rates of days that began before it count.

    Returns
    -------
    float
        One unit of `source` in `target`; 1 for a currency and itself.

    Raises
    ------
    DataError
        Naming pair and day, when there is no such rate.
    """
    if source == target:
        return 1.0
    known, day = _known_rates(market, source, target, instant)
    if known.empty:
        raise DataError(
            f"exchange_rates: no rate from {source} to {target} before {day.date()}; add a row "
            f"with `from` {source}, `to` {target} and an earlier day `on` (matcher validate lists "
            "every pair that the campaigns need)",
            {
                "en": f"no exchange rate from {source} to {target} before {day.date()} is known; "
                "add it to the table `exchange_rates`",
                "vi": f"không có tỷ giá từ {source} sang {target} trước ngày {day:%d/%m/%Y}; hãy "
                "thêm vào bảng `exchange_rates`",
            },
        )
    newest = known.sort_values("on")["rate"].to_numpy(dtype="float64")[-1]
    return float(newest)


def has_exchange_rate(market: Market, source: str, *, target: str, instant: pd.Timestamp) -> bool:
    """Whether `find_exchange_rate` finds a rate.

    Parameters
    ----------
    market : Market
        Market whose table `exchange_rates` is read.
    source : str
        Currency converted, ISO 4217.
    target : str
        Currency it becomes, ISO 4217.
    instant : pandas.Timestamp
        Instant with timezone.

    Returns
    -------
    bool
        True for a currency and itself.
    """
    return source == target or not _known_rates(market, source, target, instant)[0].empty


def _known_rates(
    market: Market, source: str, target: str, instant: pd.Timestamp
) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Rates of a pair of currencies on days before an instant, and that instant without zone."""
    rates = market.tables["exchange_rates"]
    day = instant.tz_convert("UTC").tz_localize(None)
    return rates[(rates["from"] == source) & (rates["to"] == target) & (rates["on"] < day)], day


def list_missing_rates(tables: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Pairs of currencies that campaigns need and the market does not hold in time.

    Prices are needed at the decision of a campaign, revenue of a campaign for sales when it was
    read.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of a market.

    Returns
    -------
    tuple of str
        One phrase per pair: the currencies, the first decision before which a rate is needed, and
        for how many campaigns; one without a decision needs a rate of any day.
    """
    campaigns, prices = tables["campaigns"], tables["rates"]
    campaigns = campaigns[campaigns["currency"].notna()]
    found = _missing_for_revenue(campaigns, tables["collaborations"], tables["exchange_rates"])
    prices = prices[prices["price"].notna() & prices["currency"].notna()]
    rates = tables["exchange_rates"]
    for source, priced in prices.groupby("currency", sort=True):
        starts = np.sort(to_microseconds(priced["as_of"]))
        ends = to_microseconds(priced["valid_until"])
        ends = np.sort(np.where(priced["valid_until"].isna(), _NEVER, ends))
        for target, wanted in campaigns.groupby("currency", sort=True):
            if source == target:
                continue
            decided = to_microseconds(wanted["decided_at"])
            decided = np.sort(np.where(wanted["decided_at"].isna(), _NEVER - 1, decided))
            is_valid = np.searchsorted(starts, decided) > np.searchsorted(ends, decided)
            first = _first_rate(rates, str(source), str(target))
            lacking = decided[is_valid & (decided <= first)]
            if len(lacking):
                is_open = lacking[0] == _NEVER - 1
                before = "" if is_open else f" before {_day(lacking[0])}"
                found.append(f"{source} to {target}{before}, for {len(lacking):,} campaign(s)")
    return tuple(found)


def _first_rate(rates: pd.DataFrame, source: str, target: str) -> int:
    pair = rates[(rates["from"] == source) & (rates["to"] == target)]
    return _NEVER if pair.empty else int(to_microseconds(pair["on"]).min())


def _missing_for_revenue(
    campaigns: pd.DataFrame, collaborations: pd.DataFrame, rates: pd.DataFrame
) -> list[str]:
    earned = collaborations[
        collaborations["revenue"].notna() & collaborations["outcome_at"].notna()
    ]
    sales = campaigns.loc[campaigns["objective"] == "sales", ["campaign_id", "currency"]]
    earned = earned.merge(sales, on="campaign_id", suffixes=("", "_wanted"))
    earned = earned[earned["currency"].notna() & (earned["currency"] != earned["currency_wanted"])]
    found: list[str] = []
    for (source, target), rows in earned.groupby(["currency", "currency_wanted"], sort=True):
        read = np.sort(to_microseconds(rows["outcome_at"]))
        lacking = read[read <= _first_rate(rates, str(source), str(target))]
        if len(lacking):
            found.append(
                f"{source} to {target} before {_day(lacking[0])}, for the revenue of "
                f"{len(lacking):,} collaboration(s)"
            )
    return found


def _day(instant: np.int64) -> str:
    return str(pd.Timestamp(int(instant), unit="us").date())
