"""Distributions of one outcome over pairs: quantiles, mean, chance of a goal, totals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from scipy.special import ndtr

from matcher.errors import MatcherError
from matcher.ranking.outcomes.conformal import LEVELS
from matcher.ranking.outcomes.noise import count_error, count_quantile
from matcher.ranking.outcomes.posts import LEAST_RATE
from matcher.ranking.outcomes.spreads import mean_of_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Distributions", "Kind", "scale_draws", "standard_error"]

Kind: TypeAlias = Literal["level", "count", "rate"]
_N_DRAWS: Final = 1_000


@dataclass(frozen=True, eq=False)
class Distributions:
    """Distribution of one outcome for some pairs.

    Parameters
    ----------
    outcome : str
        Outcome.
    kind : {"level", "count", "rate"}
        See `matcher.ranking.outcomes.model.OutcomeModel`.
    centre, spread : numpy.ndarray of float64, shape (n,)
        Middle and spread of its log, per post.
    n_posts : numpy.ndarray of float64, shape (n,)
        Posts over which it adds up; a rate does not.
    cells : numpy.ndarray of int64, shape (n,)
        Row of `errors` and `plain` of each pair's cell.
    errors, plain : numpy.ndarray of float64, shape (n_cells, 99)
        Quantiles of standardised errors; see `matcher.ranking.outcomes.conformal.ErrorCells`.
    outside : numpy.ndarray of bool, shape (n,)
        Pairs so far from what was learnt from that their ranges are much wider for it.
    expected : numpy.ndarray of float64, shape (n,)
        Mean of each pair, by a road of its own where it follows from another outcome; NaN where it
        is that of the distribution.
    factor : float
        What the mean of the distribution is multiplied by.
    shared : float
        Share of the error's variance that pairs of one campaign have in common.
    """

    outcome: str
    kind: Kind
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    n_posts: NDArray[np.float64]
    cells: NDArray[np.int64]
    errors: NDArray[np.float64]
    plain: NDArray[np.float64]
    outside: NDArray[np.bool_]
    expected: NDArray[np.float64]
    factor: float
    shared: float

    def __post_init__(self) -> None:
        sizes = {
            len(one) for one in (self.centre, self.spread, self.n_posts, self.cells, self.outside,
                                 self.expected)
        }  # fmt: skip
        if len(sizes) != 1 or self.errors.shape[1:] != (len(LEVELS),):
            raise MatcherError(
                f"outcome {self.outcome}: got arrays of {sorted(sizes)} pairs and errors of shape "
                f"{self.errors.shape}; expected one length and {len(LEVELS)} levels"
            )

    def __len__(self) -> int:
        return len(self.centre)

    def select(self, rows: NDArray[np.int64]) -> Distributions:
        """Distributions of some pairs.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Rows.

        Returns
        -------
        Distributions
            Those rows.
        """
        return Distributions(
            self.outcome, self.kind, self.centre[rows], self.spread[rows], self.n_posts[rows],
            self.cells[rows], self.errors, self.plain, self.outside[rows], self.expected[rows],
            self.factor, self.shared,
        )  # fmt: skip

    def quantile(self, level: float) -> NDArray[np.float64]:
        """Outcome that is not exceeded with a probability.

        Parameters
        ----------
        level : float
            .01 to .99.

        Returns
        -------
        numpy.ndarray of float64, shape (n,)
            Whole numbers, but for rates.
        """
        return self._value(self._error_at(np.full(len(self), level)))

    def mean(self) -> NDArray[np.float64]:
        """Expected outcome.

        Returns
        -------
        numpy.ndarray of float64, shape (n,)
            Mean over the errors of the cell, see `matcher.ranking.outcomes.spreads`, per pair.
        """
        power = np.exp(self.centre) * mean_of_errors(self.spread, self.plain, self.cells)
        if self.kind == "rate":
            found = np.maximum(power - LEAST_RATE, 0.0)
        else:
            less = 1.0 if self.kind == "level" else 0.0
            found = self.n_posts * np.maximum(power - less, 0.0)
        return np.where(np.isnan(self.expected), self.factor * found, self.expected)

    def exceeds(self, goal: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Probability of at least a goal.

        Parameters
        ----------
        goal : float or numpy.ndarray of float64, shape (n,)
            Goal of each pair, in the unit of the outcome.

        Returns
        -------
        numpy.ndarray of float64, shape (n,)
            0 to 1; never closer to either than .01 unless it is certain.
        """
        goals = np.broadcast_to(np.asarray(goal, dtype=np.float64), (len(self),))
        # A count reaches a goal where it is more than the whole number below.
        values = np.ceil(goals) - 1.0 if self.kind == "count" else goals
        error = standard_error(
            values, self.kind, self.centre, self.spread, self.n_posts, uniform=np.ones(len(self))
        )
        below = np.empty(len(self))
        for cell in np.unique(self.cells):
            inside = self.cells == cell
            below[inside] = np.interp(
                error[inside], self.errors[cell], LEVELS, left=LEVELS[0], right=LEVELS[-1]
            )
        return np.where(goals <= 0, 1.0, 1.0 - below)

    def draws(self, *, n_draws: int = _N_DRAWS, seed: int = 0) -> NDArray[np.float64]:
        """Joint draws of pairs of one campaign, which share part of their luck.

        Parameters
        ----------
        n_draws : int
            Draws.
        seed : int
            Seed.

        Returns
        -------
        numpy.ndarray of float64, shape (n_draws, n)
            Outcomes.
        """
        rng = np.random.default_rng(seed)
        common = rng.standard_normal((n_draws, 1))
        own = rng.standard_normal((n_draws, len(self)))
        return self.at_levels(
            ndtr(np.sqrt(self.shared) * common + np.sqrt(1.0 - self.shared) * own)
        )

    def at_levels(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outcomes at levels of the error that somebody else drew.

        Parameters
        ----------
        levels : numpy.ndarray of float64, shape (n_draws, n)
            0 to 1; those beyond .01 and .99 stand for these.

        Returns
        -------
        numpy.ndarray of float64, shape (n_draws, n)
            Outcomes.
        """
        # Values are found at the levels that are kept, once, and lie between them in the draws.
        place = np.clip(levels * 100.0 - 1.0, 0.0, len(LEVELS) - 1.0)
        low = np.minimum(place.astype(np.int64), len(LEVELS) - 2)
        values, rows, share = self._values_at_levels(), np.arange(len(self)), place - low
        found = (1.0 - share) * values[rows, low] + share * values[rows, low + 1]
        return np.asarray(found if self.kind == "rate" else np.round(found))

    def scaled(self, factors: NDArray[np.float64]) -> Distributions:
        """Distributions of the outcome under a world in which it is so many times as large.

        Parameters
        ----------
        factors : numpy.ndarray of float64, shape (n,)
            Factor of each pair, above 0.

        Returns
        -------
        Distributions
            Levels and counts multiplied; a rate stays, being a ratio of two that both change.
        """
        if self.kind == "rate":
            return self
        if self.kind == "count":
            centre = self.centre + np.log(factors)
        else:
            centre = np.log1p(factors * np.expm1(self.centre))
        return replace(self, centre=centre, expected=self.expected * factors)

    def _values_at_levels(self) -> NDArray[np.float64]:
        """Outcome of each pair at each of `LEVELS`, shape (n, 99)."""
        every = np.repeat(np.arange(len(self)), len(LEVELS))
        found = self.select(every)._value(self.errors[self.cells].ravel())
        return found.reshape(len(self), len(LEVELS))

    def beats(self, first: int, second: int, *, n_draws: int = 4_000, seed: int = 0) -> float:
        """Probability that one pair brings more than another.

        Parameters
        ----------
        first, second : int
            Rows.
        n_draws : int
            Joint draws.
        seed : int
            Seed.

        Returns
        -------
        float
            0 to 1, ties counting half.
        """
        one, two = self.select(np.array([first, second])).draws(n_draws=n_draws, seed=seed).T
        return float(np.mean(one > two) + 0.5 * np.mean(one == two))

    def _error_at(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Error of each pair at a level of its own, linear between the levels kept."""
        place = np.clip(levels * 100.0 - 1.0, 0.0, len(LEVELS) - 1.0)
        low = np.minimum(place.astype(np.int64), len(LEVELS) - 2)
        share = place - low
        return np.asarray(
            (1.0 - share) * self.errors[self.cells, low] + share * self.errors[self.cells, low + 1]
        )

    def _value(self, error: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outcome at an error."""
        if self.kind == "count":
            return count_quantile(error, self.centre + np.log(self.n_posts), self.spread)
        power = np.exp(self.centre + self.spread * error)
        if self.kind == "rate":
            return np.maximum(power - LEAST_RATE, 0.0)
        return np.round(self.n_posts * np.maximum(power - 1.0, 0.0))


def scale_draws(
    draws: NDArray[np.float64], mean: NDArray[np.float64], *, is_whole: bool, seed: int = 0
) -> NDArray[np.float64]:
    """Draws that bring what is expected of each pair on average, so that sums agree with means.

    A mean may come by a road of its own, see `Distributions`; its draws are multiplied by one
    factor per pair. A pair of which every draw is 0 brings its mean in each.

    Parameters
    ----------
    draws : numpy.ndarray of float64, shape (n_draws, n)
        Joint draws, from 0 on.
    mean : numpy.ndarray of float64, shape (n,)
        Expected outcome of each pair, from 0 on.
    is_whole : bool
        Whether outcomes are whole numbers; a fraction is then the chance of one more.
    seed : int, default 0
        Seed of those chances.

    Returns
    -------
    numpy.ndarray of float64, shape (n_draws, n)
        Outcomes.
    """
    drawn = draws.mean(axis=0)
    factor = np.divide(mean, drawn, out=np.zeros(len(mean)), where=drawn > 0)
    scaled = np.where(drawn > 0, draws * factor, mean)
    if not is_whole:
        return scaled
    # A stream apart from that of the draws, which the same seed may have begun.
    chances = np.random.default_rng([seed, 1]).random(scaled.shape)
    return np.asarray(np.floor(scaled + chances))


def standard_error(
    values: NDArray[np.float64],
    kind: Kind,
    centre: NDArray[np.float64],
    spread: NDArray[np.float64],
    n_posts: NDArray[np.float64],
    *,
    uniform: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Standardised error of outcomes.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n,)
        Outcomes.
    kind : {"level", "count", "rate"}
        As of `Distributions`, and so are the others.
    centre, spread, n_posts : numpy.ndarray of float64, shape (n,)
        What was expected.
    uniform : numpy.ndarray of float64, shape (n,)
        Places counts that could be many values, 0 to 1; 1 at the upper end of their level.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Errors.
    """
    if kind == "count":
        return count_error(np.round(values), centre + np.log(n_posts), spread, uniform)
    power = LEAST_RATE + values if kind == "rate" else 1.0 + values / n_posts
    return np.asarray((np.log(power) - centre) / spread)
