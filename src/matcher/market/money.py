"""Conversion between currencies, by dated rates of the market alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from matcher.errors import DataError

if TYPE_CHECKING:
    from matcher.market.market import Market

__all__ = ["find_exchange_rate"]


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
    rates = market.tables["exchange_rates"]
    day = instant.tz_convert("UTC").tz_localize(None)
    known = rates[(rates["from"] == source) & (rates["to"] == target) & (rates["on"] < day)]
    if known.empty:
        raise DataError(
            f"exchange_rates: no rate from {source} to {target} before {day.date()}; add a row "
            f"with `from` {source}, `to` {target} and an earlier day `on`"
        )
    newest = known.sort_values("on")["rate"].to_numpy(dtype="float64")[-1]
    return float(newest)
