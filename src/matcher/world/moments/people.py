"""Who the accounts are: sizes, and how much of their audience is real."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Final

import pandas as pd

from matcher.world.moments.export import Export
from matcher.world.moments.moment import Moment
from matcher.world.moments.statistics import band, enough, hill_exponent

__all__ = ["MOMENTS", "bought_share", "fake_share", "fraud_share", "tail_exponent", "tier_share"]


def tier_share(export: Export, *, low: float, high: float, platform: str | None = None) -> float:
    """Share of accounts in a band of followers.

    Parameters
    ----------
    export : Export
        Market.
    low, high : float
        Band.
    platform : str, optional
        One platform; all of them by default.

    Returns
    -------
    float
        Share of the accounts with 1,000 followers or more at the newest snapshot.
    """
    accounts = band(export.accounts, 1e3, inf)
    if platform is not None:
        accounts = accounts[accounts["platform"].eq(platform)]
    enough(accounts["followers"], f"{platform or 'known'} accounts")
    return len(band(accounts, low, high)) / len(accounts)


def tail_exponent(export: Export) -> float:
    """Pareto exponent of followers above 1 M.

    Parameters
    ----------
    export : Export
        Market.

    Returns
    -------
    float
        Hill's estimate over the accounts of all platforms.
    """
    return hill_exponent(export.accounts["followers"], 1e6)


def _true_accounts(export: Export, platform: str | None, low: float, high: float) -> pd.DataFrame:
    truth = export.true_table("accounts").join(
        export.accounts[["platform", "followers"]], on="account_id"
    )
    if platform is not None:
        truth = truth[truth["platform"].eq(platform)]
    return band(truth, low, high)


def _has_bought(truth: pd.DataFrame) -> pd.Series:
    """Whether followers were bought within the two years; the share passed says when."""
    return truth["bought_at"].astype(float).le(1.0).where(truth["bought_at"].notna())


def bought_share(
    export: Export, *, low: float = 0.0, high: float = inf, platform: str | None = None
) -> float:
    """True share of accounts that bought followers.

    Parameters
    ----------
    export : Export
        Market with its truth.
    low, high : float
        Followers of the accounts.
    platform : str, optional
        One platform; all of them by default.

    Returns
    -------
    float
        Share.
    """
    truth = _true_accounts(export, platform, low, high)
    return float(enough(_has_bought(truth), "accounts in the truth").mean())


def fraud_share(export: Export, *, low: float = 0.0, high: float = inf) -> float:
    """True share of accounts that bought followers or trade engagement in a pod.

    Parameters
    ----------
    export : Export
        Market with its truth.
    low, high : float
        Followers of the accounts.

    Returns
    -------
    float
        Share; Instagram accounts, as in the sources.
    """
    truth = _true_accounts(export, "instagram", low, high)
    in_pod = truth["in_pod"].eq(True)
    has_bought = enough(_has_bought(truth), "accounts in the truth")
    return float((has_bought.astype(bool) | in_pod.reindex(has_bought.index)).mean())


def fake_share(
    export: Export, *, low: float = 0.0, high: float = inf, bought: bool | None = None
) -> float:
    """True mean share of followers who are no people or take no part.

    Parameters
    ----------
    export : Export
        Market with its truth.
    low, high : float
        Followers of the accounts.
    bought : bool, optional
        Only accounts that bought followers, or only those that did not.

    Returns
    -------
    float
        Mean over accounts of all platforms.
    """
    truth = _true_accounts(export, None, low, high)
    if bought is not None:
        truth = truth[_has_bought(truth).eq(bought)]
    return float(enough(truth["fake_share"], "accounts in the truth").mean())


_TRUTH: Final = "from the truth: "

MOMENTS: Final = (
    Moment(
        "followers", "Share of nano accounts on Instagram", 0.58, 0.759, "fraction",
        "span of HypeAuditor 2022 (58 %) and organicmediabuying 2025 (75.9 %)", "V2",
        "accounts with 1,000 to 10,000 followers over those with 1,000 or more, newest snapshot",
        partial(tier_share, low=1e3, high=1e4, platform="instagram"),
    ),
    Moment(
        "followers", "Pareto exponent of followers above 1 M", 1.0, 2.0, "exponent",
        "usual tail of follower counts 1-2; Hill's estimate on the top-1000 YouTube list 2022: 2.0",
        "M", "Hill's estimate over accounts of all platforms above 1 M, newest snapshot",
        tail_exponent,
    ),
    Moment(
        "authenticity", "Accounts with bought followers or in a pod", 0.3628, 0.47, "fraction",
        "span of HypeAuditor 2022 (36.28 % impacted by fraud) and its Singapore study 2019 (47 %)",
        "V2", f"{_TRUTH}share of Instagram accounts", fraud_share,
    ),
    Moment(
        "authenticity", "Accounts of 1-5k with bought followers or in a pod", 0.3863, 0.487,
        "fraction",
        "HypeAuditor 2019-20: free of fraud 51.3 % (global) to 61.37 % (Singapore) at 1-5k", "V2",
        f"{_TRUTH}share of Instagram accounts with 1,000 to 5,000 followers",
        partial(fraud_share, low=1e3, high=5e3), held_out=True,
    ),
    Moment(
        "authenticity", "Low-quality followers of accounts above 1 M", 0.2666, 0.3023, "fraction",
        "HypeAuditor (n = 50,000, about 2018): UK 26.66 %, US 30.23 %", "V",
        f"{_TRUTH}mean share of followers who are not authentic, accounts of all platforms",
        partial(fake_share, low=1e6),
    ),
)  # fmt: skip
