"""Statistics that published benchmarks use: medians over accounts, slopes, pooled spreads."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from matcher.errors import SupportError

__all__ = [
    "LEAST_ACCOUNTS",
    "LEAST_POSTS",
    "account_medians",
    "band",
    "enough",
    "hill_exponent",
    "log_slope",
    "median_of",
    "residual_spread",
    "within_correlation",
    "within_spread",
]

LEAST_ACCOUNTS: Final = 8
"""Accounts (or other rows) below which no figure is stated."""
LEAST_POSTS: Final = 3
"""Posts of an account below which it has no median."""
_LEAST_FOR_SPREAD: Final = 5


def enough(values: pd.Series, what: str, least: int = LEAST_ACCOUNTS) -> pd.Series:
    """Known values, if there are enough of them.

    Parameters
    ----------
    values : pandas.Series
        Values; missing ones are left out.
    what : str
        What they are, for the message.
    least : int, default LEAST_ACCOUNTS
        Values needed.

    Returns
    -------
    pandas.Series
        Known values as float.

    Raises
    ------
    SupportError
        If there are fewer.
    """
    known = values.dropna().astype(float)
    if len(known) < least:
        raise SupportError(f"{len(known)} {what} to measure it on; at least {least} are needed")
    return known


def median_of(values: pd.Series, what: str) -> float:
    """Median of known values.

    Parameters
    ----------
    values : pandas.Series
        Values; missing ones are left out.
    what : str
        What they are, for the message.

    Returns
    -------
    float
        Median.

    Raises
    ------
    SupportError
        If fewer than `LEAST_ACCOUNTS` are known.
    """
    return float(enough(values, what).median())


def account_medians(posts: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """Median post of each account.

    Parameters
    ----------
    posts : pandas.DataFrame
        Posts with `account_id` and `followers`.
    values : pandas.Series
        A value per post, same index; missing or infinite ones are left out.

    Returns
    -------
    pandas.DataFrame
        Index `account_id`, columns ``value, followers`` (medians over its posts); accounts with
        fewer than `LEAST_POSTS` values are left out.
    """
    frame = pd.DataFrame(
        {
            "account_id": posts["account_id"],
            "followers": posts["followers"].astype(float),
            "value": values.astype(float).replace([np.inf, -np.inf], np.nan),
        }
    ).dropna()
    groups = frame.groupby("account_id")
    return groups.median()[groups.size() >= LEAST_POSTS]


def band(frame: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Accounts with at least `low` and fewer than `high` followers.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows with `followers`.
    low, high : float
        Band; `high` may be infinite.

    Returns
    -------
    pandas.DataFrame
        The rows within.
    """
    return frame[frame["followers"].ge(low) & frame["followers"].lt(high)]


def _logs(*columns: pd.Series) -> list[pd.Series]:
    """Natural logs of the rows in which every column is positive."""
    frame = pd.concat([column.astype(float) for column in columns], axis=1)
    frame = frame[(frame > 0).all(axis=1)]
    logs = pd.DataFrame(np.log(frame))
    return [logs.iloc[:, k] for k in range(frame.shape[1])]


def _centred(values: pd.Series, groups: pd.Series | None) -> pd.Series:
    if groups is None:
        return values - values.mean()
    return values - values.groupby(groups.reindex(values.index)).transform("mean")


def log_slope(y: pd.Series, x: pd.Series, groups: pd.Series | None = None) -> float:
    """Least-squares slope of log y on log x.

    Parameters
    ----------
    y, x : pandas.Series
        Values of the same index; rows that are not positive are left out.
    groups : pandas.Series, optional
        Each group gets an intercept of its own.

    Returns
    -------
    float
        Exponent b in ``y = a x^b``.

    Raises
    ------
    SupportError
        If fewer than `LEAST_ACCOUNTS` rows are left or x does not vary.
    """
    log_y, log_x = _logs(y, x)
    enough(log_y, "rows")
    dx, dy = _centred(log_x, groups), _centred(log_y, groups)
    if not dx.pow(2).sum() > 0:
        raise SupportError("followers do not vary, so there is no slope")
    return float((dx * dy).sum() / dx.pow(2).sum())


def residual_spread(y: pd.Series, x: pd.Series, groups: pd.Series | None = None) -> float:
    """Standard deviation of log y around its line on log x.

    Parameters
    ----------
    y, x : pandas.Series
        Values of the same index; rows that are not positive are left out.
    groups : pandas.Series, optional
        Each group gets an intercept of its own.

    Returns
    -------
    float
        Natural log.

    Raises
    ------
    SupportError
        If fewer than `LEAST_ACCOUNTS` rows are left or x does not vary.
    """
    slope = log_slope(y, x, groups)
    log_y, log_x = _logs(y, x)
    return float(np.std(_centred(log_y - slope * log_x, groups), ddof=2))


def _within(values: pd.DataFrame, accounts: pd.Series) -> tuple[pd.DataFrame, int]:
    """Deviations of logs from the account's mean, and their degrees of freedom."""
    logs = pd.DataFrame(np.log(values.astype(float).where(values > 0))).dropna()
    groups = accounts.reindex(logs.index)
    logs = logs[groups.groupby(groups).transform("size") >= _LEAST_FOR_SPREAD]
    groups = groups.reindex(logs.index)
    n_accounts = groups.nunique()
    if n_accounts < LEAST_ACCOUNTS:
        raise SupportError(
            f"{n_accounts} accounts with {_LEAST_FOR_SPREAD} such posts; at least "
            f"{LEAST_ACCOUNTS} are needed"
        )
    return logs - logs.groupby(groups).transform("mean"), len(logs) - n_accounts


def within_spread(values: pd.Series, accounts: pd.Series) -> float:
    """Standard deviation of logs within accounts, pooled over accounts.

    Parameters
    ----------
    values : pandas.Series
        A value per post; those that are not positive are left out.
    accounts : pandas.Series
        Account of each post, same index.

    Returns
    -------
    float
        Natural log; accounts with fewer than five values are left out.

    Raises
    ------
    SupportError
        If fewer than `LEAST_ACCOUNTS` accounts are left.
    """
    deviations, freedom = _within(values.to_frame("value"), accounts)
    return float(np.sqrt(deviations["value"].pow(2).sum() / freedom))


def within_correlation(first: pd.Series, second: pd.Series, accounts: pd.Series) -> float:
    """Correlation of two logs within accounts, pooled over accounts.

    Parameters
    ----------
    first, second : pandas.Series
        Values per post of the same index; posts with one that is not positive are left out.
    accounts : pandas.Series
        Account of each post, same index.

    Returns
    -------
    float
        Correlation of deviations from the account's mean; -1..1.

    Raises
    ------
    SupportError
        If fewer than `LEAST_ACCOUNTS` accounts are left, or one of the two does not vary.
    """
    frame = pd.DataFrame({"first": first, "second": second})
    deviations, _ = _within(frame, accounts)
    a, b = deviations["first"], deviations["second"]
    scale = float(np.sqrt(a.pow(2).sum() * b.pow(2).sum()))
    if not scale > 0:
        raise SupportError("one of the two does not vary within accounts")
    return float((a * b).sum()) / scale


def hill_exponent(values: pd.Series, start: float) -> float:
    """Hill's estimate of a Pareto tail's exponent.

    Parameters
    ----------
    values : pandas.Series
        Sizes.
    start : float
        Where the tail starts.

    Returns
    -------
    float
        Alpha in ``P(X > x) ~ x^-alpha``.

    Raises
    ------
    SupportError
        If fewer than `LEAST_ACCOUNTS` values exceed `start`.
    """
    tail = enough(values[values > start], f"values above {start:,.0f}")
    return float(len(tail) / np.log(tail / start).sum())
