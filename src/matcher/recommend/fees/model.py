"""A quantile model of the price of one post, from all prices known at an instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from matcher.columns import PLATFORMS
from matcher.recommend.fees.centre import Centre, fit_centre
from matcher.recommend.fees.columns import AccountColumns
from matcher.recommend.fees.ends import EndOffsets, Scores
from matcher.recommend.fees.rates import ENDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.recommend.fees.observed import ObservedPrices

__all__ = ["BASES", "LEAST_ACCOUNTS", "Estimates", "FeeModel", "fit_fee_model"]

LEAST_ACCOUNTS: Final = 50
"""Accounts with a price below which no model is fitted."""
_MOST_ACCOUNTS: Final = 5_000
"""Accounts that a model is fitted on at most, drawn at random; more add nothing."""
BASES: Final = ("facts", "fees", "rates", "format")
"""What an estimate rests on: facts of the account; besides these fees it was paid; rates of its own
for other formats; rates for the format, which ran out."""

_FOLDS: Final = 5
_MOST_OWN: Final = 12
"""Prices of its own that an estimate rests on at most, the newest ones."""


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimated prices of one post.

    Parameters
    ----------
    log_ends : numpy.ndarray of float64, shape (n, 3)
        Natural logarithms of the quantiles of `matcher.recommend.fees.rates.ENDS`, rising.
    basis : numpy.ndarray of int64, shape (n,)
        Places in `BASES`.
    """

    log_ends: NDArray[np.float64]
    basis: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Asked:
    """Prices asked for: account, format and instant of each, and the own prices it may rest on."""

    accounts: NDArray[np.int64]
    formats: NDArray[np.int64]
    instants: NDArray[np.int64]
    place: NDArray[np.int64]
    rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Stated:
    """Quantiles before they are moved, the unit of what moves them, and what each rests on."""

    ends: NDArray[np.float64]
    unit: NDArray[np.float64]
    basis: NDArray[np.int64]


def _state(
    centre: Centre,
    values: NDArray[np.float64],
    asked: _Asked,
    prices: ObservedPrices,
    *,
    platforms: NDArray[np.int64],
    is_paid: bool,
) -> _Stated:
    """Quantiles by a fitted centre.

    `values` has a row per price asked for, `platforms` the platform of every account code.
    """
    level = centre.combine(
        centre.expect(values),
        (asked.formats, asked.instants),
        (asked.place, asked.rows),
        prices,
        adjusted=centre.adjusted(prices, platforms[prices.accounts]),
        is_paid=is_paid,
    )
    n = len(asked.accounts)
    post = centre.posts.values(
        platforms[asked.accounts],
        asked.formats,
        asked.instants,
        np.full(n, is_paid),
        log_posts=np.zeros(n),
    )
    middle, unit = level.mean + post @ centre.effects, np.sqrt(level.variance)
    return _Stated(middle[:, None] + unit[:, None] * ndtri(ENDS), unit, _basis(asked, prices))


def _basis(asked: _Asked, prices: ObservedPrices) -> NDArray[np.int64]:
    basis = np.zeros(len(asked.accounts), dtype=np.int64)
    held = prices.formats[asked.rows]
    same = (held == -1) | (held == asked.formats[asked.place])
    found = np.where(prices.is_paid[asked.rows], 1, np.where(same, 3, 2))
    np.maximum.at(basis, asked.place, found)
    return basis


@dataclass(frozen=True, eq=False)
class FeeModel:
    """Quantiles of the price of one post as of an instant.

    Parameters
    ----------
    columns : AccountColumns
        Facts of accounts.
    prices : ObservedPrices
        All prices known.
    tiers : numpy.ndarray of object, shape (n_accounts,)
        Follower tier of every account.
    centre : Centre
        Usual price, and how far levels of accounts spread around it.
    offsets : EndOffsets
        What moves the quantiles to where prices of accounts that were left out have fallen.
    is_paid : bool
        Whether it says what will be paid, since too few rates are known.
    n_rated, n_paid : int
        Accounts with a rate, and with a fee, that it was learnt from.
    """

    columns: AccountColumns
    prices: ObservedPrices
    tiers: NDArray[np.object_]
    centre: Centre
    offsets: EndOffsets
    is_paid: bool
    n_rated: int
    n_paid: int

    def estimate(
        self, data: MarketData, accounts: NDArray[np.int64], formats: NDArray[np.int64]
    ) -> Estimates:
        """Price of one post of accounts.

        Parameters
        ----------
        data : MarketData
            The market that it was learnt from.
        accounts, formats : numpy.ndarray of int64, shape (n,)
            Account codes, and places in `matcher.columns.FORMATS`, -1 for any.

        Returns
        -------
        Estimates
            In the order asked for.
        """
        instant = self.columns.instant
        unique, member = np.unique(accounts, return_inverse=True)
        prices = self.prices.select(np.isin(self.prices.accounts, unique))
        place, rows = prices.of(accounts, _MOST_OWN)
        stated = _state(
            self.centre,
            self.columns.values(data, unique)[0][member],
            _Asked(accounts, formats, np.full(len(accounts), instant), place, rows),
            prices,
            platforms=_platforms(data),
            is_paid=self.is_paid,
        )
        moved = self.offsets.look_up(_cells(data, self.tiers, accounts, stated.basis))
        ends = np.sort(stated.ends + stated.unit[:, None] * moved, axis=1)
        return Estimates(ends, stated.basis)

    def recoded(self, codes: NDArray[np.int64], tiers: NDArray[np.object_]) -> FeeModel:
        """What would be learnt from a market with the same prices that holds more accounts.

        Parameters
        ----------
        codes : numpy.ndarray of int64, shape (n_accounts,)
            Rising; code of every account in the larger market.
        tiers : numpy.ndarray of object
            Follower tier of every account there.

        Returns
        -------
        FeeModel
            For accounts of the larger market.
        """
        prices = replace(self.prices, accounts=codes[self.prices.accounts])
        return replace(self, prices=prices, tiers=tiers)


def fit_fee_model(
    data: MarketData, prices: ObservedPrices, tiers: NDArray[np.object_], *, instant: int
) -> FeeModel | None:
    """Model of the price of one post, from all prices known at an instant.

    The middle is a ridge regression, see `matcher.recommend.fees.centre`, and the ends are those of
    a normal distribution around it. All three are then moved to where prices of left-out accounts
    fall, by what they rest on, platform and tier: five times a fifth of the persons is left out,
    the middle is fitted on the others, and each price of those left out is compared with its
    quantiles, once without and then with more and more of what was known of the account's own
    prices. Gradient-boosted quantiles of what is left over were no better, even on thousands of
    accounts.

    Parameters
    ----------
    data : MarketData
        Market.
    prices : ObservedPrices
        What `matcher.recommend.fees.observed.observe_prices` found.
    tiers : numpy.ndarray of object, shape (n_accounts,)
        Follower tier of every account as of the instant.
    instant : int
        Microseconds since 1970.

    Returns
    -------
    FeeModel or None
        None with fewer than 50 accounts. With fewer than 50 that have a rate it says what will be
        paid.
    """
    known = np.unique(prices.accounts)
    if len(known) < LEAST_ACCOUNTS:
        return None
    rng = np.random.default_rng(0)
    if len(known) > _MOST_ACCOUNTS:
        known = np.sort(rng.choice(known, _MOST_ACCOUNTS, replace=False))
    used = prices.select(np.isin(prices.accounts, known))
    rated = np.unique(used.accounts[~used.is_paid])
    paid = np.unique(used.accounts[used.is_paid])
    columns = AccountColumns.of(data, known, instant)
    values, names = columns.values(data, known)
    learner = _Learner(
        data, columns, known, values, names, used, tiers, len(rated) < LEAST_ACCOUNTS
    )
    persons, person = np.unique(data.index.person_of[known], return_inverse=True)
    fold = rng.permutation(np.arange(len(persons)) % _FOLDS)[person]
    scores = [learner.score(fold != number) for number in range(_FOLDS)]
    return FeeModel(
        columns,
        prices,
        tiers,
        learner.fit(np.ones(len(known), dtype=bool)),
        EndOffsets.of(Scores.join(scores)),
        learner.is_paid,
        len(rated),
        len(paid),
    )


@dataclass(frozen=True, eq=False)
class _Learner:
    """What all folds share."""

    data: MarketData
    columns: AccountColumns
    known: NDArray[np.int64]
    values: NDArray[np.float64]
    names: tuple[str, ...]
    prices: ObservedPrices
    tiers: NDArray[np.object_]
    is_paid: bool

    def fit(self, keep: NDArray[np.bool_]) -> Centre:
        """Usual price from some of the accounts."""
        prices = self.prices.select(np.isin(self.prices.accounts, self.known[keep]))
        return fit_centre(
            self.values[keep],
            self.names,
            self.columns.n_first,
            prices,
            platforms=_platforms(self.data)[prices.accounts],
            instant=self.columns.instant,
        )

    def score(self, keep: NDArray[np.bool_]) -> Scores:
        """How prices of the other accounts lie to the quantiles of a model of these."""
        centre = self.fit(keep)
        prices = self.prices.select(np.isin(self.prices.accounts, self.known[~keep]))
        asked, target = _ask_again(prices, np.flatnonzero(prices.is_paid == self.is_paid))
        stated = _state(
            centre,
            self.values[np.searchsorted(self.known, asked.accounts)],
            asked,
            prices,
            platforms=_platforms(self.data),
            is_paid=self.is_paid,
        )
        # A rate for several posts is judged as one for one post.
        posts = centre.effects[-1] * prices.log_posts[target]
        distances = (prices.log_price[target] - posts)[:, None] - stated.ends
        cells = _cells(self.data, self.tiers, asked.accounts, stated.basis)
        return Scores(distances / stated.unit[:, None], asked.accounts, cells)


def _platforms(data: MarketData) -> NDArray[np.int64]:
    names = pd.Index(data.index.accounts["platform"].to_numpy(object))
    return pd.Index(PLATFORMS, dtype=object).get_indexer(names).astype(np.int64)


def _ask_again(
    prices: ObservedPrices, targets: NDArray[np.int64]
) -> tuple[_Asked, NDArray[np.int64]]:
    """Known prices asked for once more, as if less were known of the account.

    Once from nothing of its own, then from the fees that were known when it was priced, from these
    and the rates for other formats, and from all; a rate of the same day for the same format is the
    price itself.
    """
    accounts = prices.accounts[targets]
    place, rows = prices.of(accounts, _MOST_OWN)
    at = targets[place]
    same = (prices.formats[rows] == prices.formats[at]) | (prices.formats[rows] == -1)
    earlier = prices.known_at[rows] < prices.priced_at[at]
    at_once = ~same & ~prices.is_paid[rows] & (prices.priced_at[rows] == prices.priced_at[at])
    usable = (rows != at) & (earlier | at_once)
    views = [np.zeros(len(rows), dtype=bool), usable & prices.is_paid[rows]]
    views += [usable & (prices.is_paid[rows] | ~same), usable]
    n = len(targets)
    asked_of, own_place, own_rows, seen = [], [], [], 0
    told = np.full(n, -1)
    for view in views:
        counts = np.bincount(place[view], minlength=n)
        # A view that shows no more than the one before would count its price twice.
        fresh = counts > told
        number = np.cumsum(fresh) - 1
        held = view & fresh[place]
        asked_of.append(np.flatnonzero(fresh))
        own_place.append(number[place[held]] + seen)
        own_rows.append(rows[held])
        seen += int(fresh.sum())
        told = np.maximum(told, counts)
    target = targets[np.concatenate(asked_of)]
    return (
        _Asked(
            prices.accounts[target],
            prices.formats[target],
            prices.priced_at[target],
            np.concatenate(own_place).astype(np.int64),
            np.concatenate(own_rows).astype(np.int64),
        ),
        target,
    )


def _cells(
    data: MarketData,
    tiers: NDArray[np.object_],
    accounts: NDArray[np.int64],
    basis: NDArray[np.int64],
) -> NDArray[np.object_]:
    """Facts alone or own prices; the basis; then platform and tier."""
    return np.column_stack(
        [
            np.where(basis > 0, "own", "facts").astype(object),
            np.array(BASES, dtype=object)[basis],
            data.index.accounts["platform"].to_numpy(object)[accounts],
            tiers[accounts],
        ]
    )
