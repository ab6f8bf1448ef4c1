"""Counts whose mean is itself uncertain: a Poisson number around a log-normal mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtr, ndtri, pdtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["count_below", "count_error", "count_quantile"]

_N_NODES: Final = 64
_MANY: Final = 60.0
"""Mean from which the count is taken as log-normal, Poisson part included: its own spread is then
smaller than the steps of the quadrature."""
_FARTHEST: Final = 1e-9
_STEPS: Final = 60


def count_below(
    counts: NDArray[np.float64], log_mean: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Probability that a count is at most a given one.

    .. math:: F(k) = \int P(\mathrm{Poisson}(e^{m + s z}) \le k) \, \varphi(z) \, dz

    at the middles of 64 parts of equal probability.

    Parameters
    ----------
    counts : numpy.ndarray of float64, shape (n,)
        Counts; below 0 gives 0.
    log_mean : numpy.ndarray of float64, shape (n,)
        Log of the middle of the mean, m above.
    spread : numpy.ndarray of float64, shape (n,)
        Log standard deviation of the mean, s above.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        0 to 1.
    """
    whole = np.floor(counts)
    many = np.exp(log_mean) >= _MANY
    wide = np.sqrt(spread**2 + np.exp(-log_mean))
    # Half a count further on, since whole numbers stand for their surroundings.
    found = ndtr((np.log(np.maximum(whole, 0.0) + 0.5) - log_mean) / np.where(many, wide, 1.0))
    few = np.flatnonzero(~many)
    nodes = ndtri((np.arange(_N_NODES) + 0.5) / _N_NODES)
    total = np.zeros(len(few))
    for node in nodes:
        total += pdtr(np.maximum(whole[few], 0.0), np.exp(log_mean[few] + spread[few] * node))
    found[few] = total / _N_NODES
    return np.where(whole < 0, 0.0, found)


def count_error(
    counts: NDArray[np.float64],
    log_mean: NDArray[np.float64],
    spread: NDArray[np.float64],
    uniform: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Normal score of observed counts; one that could be many values is placed at random.

    Parameters
    ----------
    counts : numpy.ndarray of float64, shape (n,)
        Observed counts.
    log_mean, spread : numpy.ndarray of float64, shape (n,)
        As for `count_below`.
    uniform : numpy.ndarray of float64, shape (n,)
        Where between the levels of the count below and its own each is placed, 0 to 1.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Standard normal where the distribution is right.

    References
    ----------
    Dunn and Smyth, Randomized quantile residuals, Journal of Computational and Graphical Statistics
    5 (1996).
    """
    below = count_below(counts - 1.0, log_mean, spread)
    level = below + uniform * (count_below(counts, log_mean, spread) - below)
    return np.asarray(ndtri(np.clip(level, _FARTHEST, 1.0 - _FARTHEST)))


def count_quantile(
    errors: NDArray[np.float64], log_mean: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Smallest count whose level reaches a normal score.

    Parameters
    ----------
    errors : numpy.ndarray of float64, shape (n,)
        Normal scores.
    log_mean, spread : numpy.ndarray of float64, shape (n,)
        As for `count_below`.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Whole numbers.
    """
    level = ndtr(errors)
    wide = np.sqrt(spread**2 + np.exp(-log_mean))
    found = np.maximum(np.ceil(np.exp(log_mean + wide * errors) - 0.5), 0.0)
    few = np.flatnonzero(np.exp(log_mean) < _MANY)
    low = np.full(len(few), -1.0)
    high = 16.0 * (1.0 + np.exp(log_mean[few] + spread[few] * np.abs(errors[few])))
    for _ in range(_STEPS):
        if not (high - low > 1.0).any():
            break
        middle = np.floor((low + high) / 2.0)
        reached = count_below(middle, log_mean[few], spread[few]) >= level[few]
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    found[few] = np.ceil(high)
    return found
