"""How many people a choice reaches, each counted once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from matcher.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Reach"]

_SURE: Final = 1e-12
"""A probability of 1 has an infinite rate; it stands for one that misses this share of a cell."""
_N_NODES: Final = 64
"""Nodes of the quadrature over a cell's people."""
_LEAST_EVENNESS: Final = 0.05
"""Below it the rate of a share near 1 is no floating-point number."""


@dataclass(frozen=True, eq=False)
class Reach:
    """Whom each option reaches, cell by cell of the audience.

    The people of a cell differ in how much they see: a person with activity L is reached by
    option i with probability ``1 - exp(-L r_iu)``, independently of the other options, where L
    has a gamma distribution of mean 1 and shape ``evenness``. The rates r follow from the
    probabilities, so that one option alone reaches exactly its share of the cell, and a choice
    reaches the share ``1 - (1 + c / k) ** -k`` with ``c`` the sum of its rates and ``k`` the
    evenness: the negative binomial model of media planning. As k grows it becomes independence
    inside the cell, ``1 - prod(1 - p)``; with k of 1 or less the same heavy users are met again
    and again. The share is a concave function of a sum, so the people reached are a monotone
    submodular function of the choice.

    Parameters
    ----------
    probability : scipy.sparse.csr_array, shape (n_options, n_cells)
        Share of the people of each cell that an option reaches; 0 to 1.
    people : numpy.ndarray of float, shape (n_cells,)
        People of each cell, or any other weight from 0 on.
    evenness : numpy.ndarray of float, shape (n_cells,), or float, default inf
        Shape of the activity's distribution, from 0.05 on; inf where all of a cell are alike.

    Raises
    ------
    DataError
        If shapes differ, a share is no number from 0 to 1, a weight is negative, or an evenness
        is below 0.05.
    """

    probability: csr_array
    people: NDArray[np.float64]
    evenness: NDArray[np.float64] | float = np.inf
    rates: csr_array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shares = csr_array(self.probability).astype(np.float64)
        shares.sum_duplicates()
        shares.eliminate_zeros()
        people = np.array(self.people, np.float64)
        n_cells = shares.shape[1]
        evenness = np.array(np.broadcast_to(np.asarray(self.evenness, np.float64), (n_cells,)))
        if people.shape != (n_cells,):
            raise DataError(
                f"reach: got people of shape {people.shape}; expected one number for each of "
                f"{n_cells} cells"
            )
        if not (np.isfinite(people).all() and (people >= 0).all()):
            raise DataError("reach: people of a cell are not a number from 0 on")
        wrong = ~((shares.data >= 0) & (shares.data <= 1))
        if wrong.any():
            raise DataError(
                f"reach: {wrong.sum()} shares are no numbers from 0 to 1; the first are "
                f"{shares.data[wrong][:5].tolist()}"
            )
        if not (evenness >= _LEAST_EVENNESS).all():
            raise DataError(
                f"reach: got an evenness of {evenness.min():g}; expected numbers from "
                f"{_LEAST_EVENNESS:g} on, or inf"
            )
        for array in (people, evenness):
            array.setflags(write=False)
        rates = shares.copy()
        rates.data = rates_of(shares.data, evenness[shares.indices])
        object.__setattr__(self, "probability", shares)
        object.__setattr__(self, "people", people)
        object.__setattr__(self, "evenness", evenness)
        object.__setattr__(self, "rates", rates)

    @property
    def n_options(self) -> int:
        """Number of options."""
        return int(self.probability.shape[0])

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.probability.shape[1])

    def select(self, kept: NDArray[np.int64]) -> Reach:
        """The same cells, reached by some of the options.

        Parameters
        ----------
        kept : numpy.ndarray of int, shape (k,)
            Options.

        Returns
        -------
        Reach
            Of those, in that order.
        """
        return Reach(self.probability[kept], self.people, self.evenness)

    def cell_rates(self, chosen: ArrayLike) -> NDArray[np.float64]:
        """Sum of the rates of the chosen options in each cell.

        Parameters
        ----------
        chosen : array-like of int
            Options.

        Returns
        -------
        numpy.ndarray of float, shape (n_cells,)
            From 0 on.
        """
        taken = np.zeros(self.n_options)
        taken[np.asarray(chosen, np.int64)] = 1.0
        return np.asarray(self.rates.T @ taken, np.float64)

    def people_reached(self, chosen: ArrayLike) -> float:
        """People reached by at least one of the chosen options.

        Parameters
        ----------
        chosen : array-like of int
            Options.

        Returns
        -------
        float
            In the unit of `people`.
        """
        return float(self.people @ shares_of(self.cell_rates(chosen), np.asarray(self.evenness)))

    def people_reached_often(self, chosen: ArrayLike, *, most: int = 3) -> NDArray[np.float64]:
        """People reached by at least 1, 2, ... of the chosen options.

        Parameters
        ----------
        chosen : array-like of int
            Options.
        most : int, default 3
            Number of options up to which people are counted.

        Returns
        -------
        numpy.ndarray, shape (most,)
            People reached by at least 1, 2, ..., `most` options; not increasing. Under an
            evenness that is finite the distribution of activity is integrated numerically (Gauss
            quadrature), but for the first, which is exact.
        """
        options = np.asarray(chosen, np.int64)
        rates = self.rates[options].toarray()
        counted = np.zeros((most, self.n_cells))
        evenness = np.asarray(self.evenness)
        for shape in np.unique(evenness):
            cells = np.flatnonzero(evenness == shape)
            for activity, weight in _activities(float(shape)):
                missed = np.exp(-activity * rates[:, cells])
                counted[:, cells] += weight * _at_least(missed, most)
        reached = counted @ self.people
        reached[0] = self.people_reached(options)
        return np.minimum.accumulate(reached)


def rates_of(shares: NDArray[np.float64], evenness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rates at which options alone reach shares of cells.

    Parameters
    ----------
    shares : numpy.ndarray of float
        Shares, 0 to 1.
    evenness : numpy.ndarray of float
        Evenness of the cell of each.

    Returns
    -------
    numpy.ndarray of float
        Finite also for a share of 1, which stands for all but 1e-12.
    """
    missed = np.maximum(1.0 - shares, _SURE)
    even = np.isinf(evenness)
    if even.all():
        return np.asarray(-np.log(missed))
    finite = np.where(even, 1.0, evenness)
    uneven = finite * np.expm1(-np.log(missed) / finite)
    return np.where(even, -np.log(missed), uneven)


def shares_of(rates: NDArray[np.float64], evenness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of cells that are reached at sums of rates.

    Parameters
    ----------
    rates : numpy.ndarray of float
        Sums of rates, from 0 on.
    evenness : numpy.ndarray of float
        Evenness of the cell of each.

    Returns
    -------
    numpy.ndarray of float
        0 to 1.
    """
    even = np.isinf(evenness)
    if even.all():
        return -np.expm1(-rates)
    finite = np.where(even, 1.0, evenness)
    return -np.expm1(-np.where(even, rates, finite * np.log1p(rates / finite)))


def slopes_of(rates: NDArray[np.float64], evenness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivatives of `shares_of` by the rates.

    Parameters
    ----------
    rates : numpy.ndarray of float
        Sums of rates, from 0 on.
    evenness : numpy.ndarray of float
        Evenness of the cell of each.

    Returns
    -------
    numpy.ndarray of float
        0 to 1, falling with the rates.
    """
    even = np.isinf(evenness)
    if even.all():
        return np.exp(-rates)
    finite = np.where(even, 1.0, evenness)
    return np.exp(-np.where(even, rates, (finite + 1.0) * np.log1p(rates / finite)))


def _activities(shape: float) -> list[tuple[float, float]]:
    """Nodes and weights of the distribution of activity."""
    if np.isinf(shape):
        return [(1.0, 1.0)]
    from scipy.special import gammaincinv, roots_legendre

    # Over the ranks of people rather than their activity, which has a peak at 0 that no polynomial
    # follows where the shape is small.
    nodes, weights = roots_legendre(_N_NODES)
    return list(zip(gammaincinv(shape, (nodes + 1.0) / 2.0) / shape, weights / 2.0, strict=True))


def _at_least(missed: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Probabilities of at least 1, ..., `most` successes; Poisson binomial by recursion."""
    exactly = np.zeros((most, missed.shape[1]))
    exactly[0] = 1.0
    for row in missed:
        exactly[1:] = exactly[1:] * row + exactly[:-1] * (1.0 - row)
        exactly[0] *= row
    return 1.0 - np.cumsum(exactly, axis=0)
