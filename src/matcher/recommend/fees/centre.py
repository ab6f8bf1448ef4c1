"""The usual price of one post: what an account's own prices say, drawn to what its facts say.

A price is the level of its account and what the post is: format, quarter, year, whether it was
asked or paid, and how many posts were priced together. The second part is learnt within accounts
that have several prices, where the account itself drops out; the level, one number per account, is
then learnt from facts of the account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from matcher.features.segments import sum_segments
from matcher.ranking.linear import LinearModel, fit_linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.recommend.fees.observed import ObservedPrices

__all__ = ["Centre", "Level", "PostColumns", "fit_centre"]

_YEAR_US: Final = 365.25 * 86_400_000_000
_RIDGE: Final = 0.3
"""Penalty of what a post is: noise of a price over the usual spread of these effects, squared."""
_FIRST_PENALTIES: Final = (0.3, 1.0, 3.0, 10.0, 30.0)
_PENALTIES: Final = (30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
_OUTER: Final = 4.0
"""Robust standard deviations at which what is left over is held, so that a slip of the pen, a price
in thousands, say, cannot carry others away."""
_LEAST_PAIRS: Final = 30
"""Prices followed by another one of the same account, below which the noise is assumed."""
_ASSUMED_NOISE: Final = (0.01, 0.02, 0.02, 0.02)
_LEAST_NOISE: Final = 1e-4
_LEAST_SPREAD: Final = 1e-2


@dataclass(frozen=True, eq=False)
class PostColumns:
    """Columns of what is priced.

    Parameters
    ----------
    instant : int
        Instant from which years are counted back, in microseconds since 1970.
    kinds : numpy.ndarray of int64, shape (n_kinds,)
        Platforms and formats that have a column, as `kind_of` numbers them, rising.
    """

    instant: int
    kinds: NDArray[np.int64]

    @staticmethod
    def kind_of(platforms: NDArray[np.int64], formats: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of a platform and format.

        Parameters
        ----------
        platforms, formats : numpy.ndarray of int64, shape (n,)
            Codes from 0, and from -1.

        Returns
        -------
        numpy.ndarray of int64, shape (n,)
            Numbers.
        """
        return np.asarray(platforms * 100 + formats + 1)

    def values(
        self,
        platforms: NDArray[np.int64],
        formats: NDArray[np.int64],
        priced_at: NDArray[np.int64],
        is_paid: NDArray[np.bool_],
        *,
        log_posts: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Columns of prices.

        Parameters
        ----------
        platforms, formats : numpy.ndarray of int64, shape (n,)
            Codes.
        priced_at : numpy.ndarray of int64, shape (n,)
            Instants in microseconds since 1970.
        is_paid : numpy.ndarray of bool, shape (n,)
            Whether they were paid.
        log_posts : numpy.ndarray of float64, shape (n,)
            Natural logarithm of the posts priced together.

        Returns
        -------
        numpy.ndarray of float64, shape (n, n_columns)
            Formats, formats by platform, quarters, years before the instant (negative), paid,
            posts; all 0 for a kind of post that has no column.
        """
        months = priced_at.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
        single, kinds = np.unique(self.kinds % 100), self.kind_of(platforms, formats)
        return np.column_stack(
            [
                (formats + 1)[:, None] == single,
                kinds[:, None] == self.kinds,
                (months // 3 % 4)[:, None] == np.arange(4),
                (priced_at - self.instant) / _YEAR_US,
                is_paid,
                log_posts,
            ]
        ).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Level:
    """Expected level of accounts, ln price, and how sure it is.

    Parameters
    ----------
    mean : numpy.ndarray of float64, shape (n,)
        Natural logarithm of the price, before what the post is.
    variance : numpy.ndarray of float64, shape (n,)
        Variance of a new price around it.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Centre:
    """Fitted parts of the usual price.

    Parameters
    ----------
    posts : PostColumns
        Columns of what is priced.
    effects : numpy.ndarray of float64
        Change of ln price per unit of each.
    first, rest : LinearModel
        Level from the leading columns of the account, and what all columns say beyond.
    n_first : int
        Leading columns.
    noise : numpy.ndarray of float64, shape (4,)
        Variance of a rate, and of a fee, around the account's level; what is added between two
        formats; and per year between two prices.
    spread : float
        Variance of levels around what the facts say.
    """

    posts: PostColumns
    effects: NDArray[np.float64]
    first: LinearModel
    rest: LinearModel
    n_first: int
    noise: NDArray[np.float64]
    spread: float

    def adjusted(self, prices: ObservedPrices, platforms: NDArray[np.int64]) -> NDArray[np.float64]:
        """Prices less what the post is.

        Parameters
        ----------
        prices : ObservedPrices
            Prices.
        platforms : numpy.ndarray of int64, shape (n_prices,)
            Platform of each.

        Returns
        -------
        numpy.ndarray of float64, shape (n_prices,)
            Natural logarithm of the price that is the level.
        """
        return np.asarray(prices.log_price - _columns(self.posts, prices, platforms) @ self.effects)

    def expect(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Level of accounts by their facts alone.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape (n_accounts, n_columns)
            Columns of the accounts.

        Returns
        -------
        numpy.ndarray of float64, shape (n_accounts,)
            Natural logarithm of a price.
        """
        return self.first.predict(values[:, : self.n_first]) + self.rest.predict(values)

    def combine(
        self,
        expected: NDArray[np.float64],
        asked: tuple[NDArray[np.int64], NDArray[np.int64]],
        own: tuple[NDArray[np.int64], NDArray[np.int64]],
        prices: ObservedPrices,
        *,
        adjusted: NDArray[np.float64],
        is_paid: bool,
    ) -> Level:
        """Levels from facts and own prices, each weighted by the inverse of its variance.

        Parameters
        ----------
        expected : numpy.ndarray of float64, shape (n_asked,)
            Level by facts alone.
        asked : pair of numpy.ndarray of int64, shape (n_asked,)
            Format asked for and instant.
        own : pair of numpy.ndarray of int64, shape (n_own,)
            Place in `asked`, and row of an own price that it may rest on.
        prices : ObservedPrices
            Prices.
        adjusted : numpy.ndarray of float64, shape (n_prices,)
            What `adjusted` gave for them.
        is_paid : bool
            Whether what will be paid is asked for, rather than the rate.

        Returns
        -------
        Level
            Best linear unbiased predictor of a random level of the account.

        References
        ----------
        Robinson, That BLUP is a good thing: the estimation of random effects, Statistical Science
        6 (1991).
        """
        formats, instants = asked
        place, rows = own
        years = np.abs(instants[place] - prices.priced_at[rows]) / _YEAR_US
        noise = np.where(prices.is_paid[rows], self.noise[1], self.noise[0])
        noise = noise + self.noise[2] * (formats[place] != prices.formats[rows])
        weight = 1.0 / (noise + self.noise[3] * years)
        total = np.bincount(place, weight, minlength=len(expected)) + 1.0 / self.spread
        told = np.bincount(place, weight * adjusted[rows], minlength=len(expected))
        mean = (told + expected / self.spread) / total
        return Level(np.asarray(mean), 1.0 / total + self.noise[1 if is_paid else 0])


def fit_centre(
    values: NDArray[np.float64],
    names: tuple[str, ...],
    n_first: int,
    prices: ObservedPrices,
    *,
    platforms: NDArray[np.int64],
    instant: int,
) -> Centre:
    """Usual price from what some accounts asked and were paid.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_accounts, n_columns)
        Columns of the accounts that have a price, in rising order of their codes.
    names : tuple of str
        Columns.
    n_first : int
        Leading columns, which are learnt first: what the others add is shrunk far more.
    prices : ObservedPrices
        Prices of these accounts.
    platforms : numpy.ndarray of int64, shape (n_prices,)
        Platform of each price.
    instant : int
        Instant as of which all is known.

    Returns
    -------
    Centre
        Fitted parts.

    References
    ----------
    Mundlak, On the pooling of time series and cross section data, Econometrica 46 (1978), for
    effects within and between.
    """
    posts = PostColumns(instant, np.unique(PostColumns.kind_of(platforms, prices.formats)))
    design = _columns(posts, prices, platforms)
    _, member = np.unique(prices.accounts, return_inverse=True)
    effects = _fit_within(design, prices.log_price, np.bincount(member))
    adjusted = prices.log_price - design @ effects
    level = np.asarray(pd.Series(adjusted).groupby(member).median(), dtype=np.float64)
    first, rest = _fit_levels(values, level, names, n_first)
    left = _hold(level - first.predict(values[:, :n_first]) - rest.predict(values))
    noise = _measure_noise(prices, adjusted - level[member])
    own = float(np.mean(noise[0] / np.bincount(member)))
    spread = max(float(np.mean(left**2)) - own, _LEAST_SPREAD)
    return Centre(posts, effects, first, rest, n_first, noise, spread)


def _columns(
    posts: PostColumns, prices: ObservedPrices, platforms: NDArray[np.int64]
) -> NDArray[np.float64]:
    return posts.values(
        platforms,
        prices.formats,
        prices.priced_at,
        prices.is_paid,
        log_posts=prices.log_posts,
    )


def _hold(left: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left over, held at a multiple of its robust standard deviation."""
    outer = _OUTER * 1.4826 * float(np.median(np.abs(left))) if len(left) else 0.0
    return np.clip(left, -outer, outer) if outer > 0 else left


def _centred(rows: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rows less the mean of their account, accounts one after the other."""
    means = sum_segments(rows, counts) / counts[:, None]
    return np.asarray(rows - np.repeat(means, counts, axis=0))


def _fit_within(
    design: NDArray[np.float64], target: NDArray[np.float64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Ridge regression on differences from the account's mean, twice: outliers held the second."""
    columns = _centred(design, counts)
    wanted = _centred(target[:, None], counts)[:, 0]
    gram = columns.T @ columns + _RIDGE * np.eye(columns.shape[1])
    fitted = columns @ np.linalg.solve(gram, columns.T @ wanted)
    held = fitted + _hold(wanted - fitted)
    return np.asarray(np.linalg.solve(gram, columns.T @ held))


def _fit_levels(
    values: NDArray[np.float64], level: NDArray[np.float64], names: tuple[str, ...], n_first: int
) -> tuple[LinearModel, LinearModel]:
    """Levels from the leading columns, then what is left from all, outliers held in both."""
    leading, held = values[:, :n_first], level
    for _ in range(2):
        first = fit_linear(leading, held, names[:n_first], penalties=_FIRST_PENALTIES)
        left = _hold(level - first.predict(leading))
        held = first.predict(leading) + left
    return first, fit_linear(values, left, names, penalties=_PENALTIES)


def _measure_noise(prices: ObservedPrices, left: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance parts from the squared differences of prices that follow each other."""
    pairs = np.flatnonzero(prices.accounts[1:] == prices.accounts[:-1])
    if len(pairs) < _LEAST_PAIRS:
        return np.array(_ASSUMED_NOISE)
    one, two = pairs, pairs + 1
    apart = _hold(left[two] - left[one])
    n_paid = prices.is_paid[one].astype(np.float64) + prices.is_paid[two]
    parts = np.column_stack(
        [
            2.0 - n_paid,
            n_paid,
            prices.formats[one] != prices.formats[two],
            np.abs(prices.priced_at[two] - prices.priced_at[one]) / _YEAR_US,
        ]
    )
    found = np.asarray(nnls(parts.astype(np.float64), apart**2)[0])
    # A kind of price that never stands beside another one is taken to be as noisy as assumed.
    found = np.where(parts.any(axis=0), found, _ASSUMED_NOISE)
    return np.maximum(found, [_LEAST_NOISE, _LEAST_NOISE, 0.0, 0.0])
