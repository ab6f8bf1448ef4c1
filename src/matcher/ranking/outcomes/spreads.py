"""How errors of outcomes are spread: what hires, posts and campaigns have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "mean_factor",
    "mean_of_errors",
    "overdispersion",
    "shape_of_errors",
    "shared_by_campaign",
    "spread_of_posts",
]

_EXPECTED_HIRES: Final = 25.0
_GRID: Final = np.arange(0, 11) / 10.0


def spread_of_posts(n_posts: NDArray[np.float64], shared: float) -> NDArray[np.float64]:
    """Spread of the mean of some posts over that of one.

    Parameters
    ----------
    n_posts : numpy.ndarray of float64, shape (n,)
        Posts, above 0.
    shared : float
        Share of the variance that all posts of a hire have in common, 0 to 1.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        1 for one post.
    """
    return np.asarray(np.sqrt(shared + (1.0 - shared) / np.maximum(n_posts, 1.0)))


def mean_of_errors(
    spread: NDArray[np.float64], errors: NDArray[np.float64], cells: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean of what errors multiply an outcome by (Duan's smearing estimate).

    Parameters
    ----------
    spread : numpy.ndarray of float64, shape (n,)
        Log spread of each pair.
    errors : numpy.ndarray of float64, shape (n_cells, n_levels)
        Quantiles of standardised errors, equally likely.
    cells : numpy.ndarray of int64, shape (n,)
        Row of `errors` of each pair.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Mean of exp(spread x error), above 0.

    References
    ----------
    Duan, Smearing estimate: a nonparametric retransformation method, JASA 78 (1983).
    """
    total = np.zeros(len(spread))
    for column in range(errors.shape[1]):
        total += np.exp(spread * errors[cells, column])
    return np.asarray(total / errors.shape[1])


def mean_factor(
    total: NDArray[np.float64], mean: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """What means fall short of outcomes by, drawn to 1 as if by 25 hires that came out as expected.

    Hires count by the root of what was expected of them: between counting all alike, which says
    little of totals, and counting them by size, which leaves it to the one largest.

    Parameters
    ----------
    total, mean : numpy.ndarray of float64, shape (n,)
        What came, and what was expected.
    weights : numpy.ndarray of float64, shape (n,)
        Weight of each hire.

    Returns
    -------
    float
        Above 0; 1 where means are right.
    """
    count = weights / np.sqrt(np.maximum(mean, 1e-9))
    n = float(weights.sum() ** 2 / (weights**2).sum())
    ratio = max(float((count * total).sum()), 1e-9) / max(float((count * mean).sum()), 1e-9)
    return float(np.exp(n / (n + _EXPECTED_HIRES) * np.log(ratio)))


def shape_of_errors(
    errors: NDArray[np.float64],
    scale: NDArray[np.float64],
    n_posts: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> tuple[float, float]:
    """Power of the expected size, and share that the posts of a hire have in common.

    Those of a grid under which the errors are most likely, were they normal; the larger power and
    the smaller share only where they are more so.

    Parameters
    ----------
    errors, scale : numpy.ndarray of float64, shape (n,)
        Errors, and their expected size.
    n_posts : numpy.ndarray of float64, shape (n,)
        Posts of each hire.
    weights : numpy.ndarray of float64, shape (n,)
        Weight of each hire.

    Returns
    -------
    power : float
        From 0 to 1.
    share : float
        From 0 to 1.
    """
    shares = _GRID if (n_posts > 1).any() else _GRID[5:6]
    best, found = np.inf, (0.0, 0.5)
    for power in _GRID[::2]:
        for shared in shares[::-1]:
            size = scale**power * spread_of_posts(n_posts, float(shared))
            variance = float(np.average((errors / size) ** 2, weights=weights))
            loss = 0.5 * np.log(variance) + float(np.average(np.log(size), weights=weights))
            if loss < best - 1e-9:
                best, found = loss, (float(power), float(shared))
    return found


def shared_by_campaign(errors: NDArray[np.float64], campaigns: NDArray[np.object_]) -> float:
    """Intraclass correlation of errors within campaigns, by analysis of variance.

    Parameters
    ----------
    errors : numpy.ndarray of float64, shape (n,)
        Standardised errors.
    campaigns : numpy.ndarray of object, shape (n,)
        Campaign of each.

    Returns
    -------
    float
        0 to .5.

    References
    ----------
    Donner, A review of inference procedures for the intraclass correlation coefficient in the
    one-way random effects model, International Statistical Review 54 (1986).
    """
    groups = pd.Series(np.clip(errors, -3.0, 3.0)).groupby(campaigns)
    sizes, means = groups.size().to_numpy(np.float64), groups.mean().to_numpy()
    n, k = sizes.sum(), len(sizes)
    if k < 2 or n <= k:
        return 0.0
    within = float(((groups.transform(lambda one: one - one.mean())) ** 2).sum()) / (n - k)
    overall = float(np.average(means, weights=sizes))
    between = float((sizes * (means - overall) ** 2).sum()) / (k - 1)
    size = (n - (sizes**2).sum() / n) / (k - 1)
    variance = max((between - within) / size, 0.0)
    return float(min(variance / max(variance + within, 1e-12), 0.5))


def overdispersion(counts: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Log standard deviation of rates beyond that of Poisson counts, by moments.

    Parameters
    ----------
    counts, expected : numpy.ndarray of float64, shape (n,)
        Counts, and what was expected of them, above 0.

    Returns
    -------
    float
        .1 to 1.2.
    """
    weights = expected / (1.0 + expected)
    beyond = ((counts - expected) ** 2 - expected) / expected**2
    # One lucky campaign must not make all rates look wild.
    share = float(np.average(np.minimum(beyond, 10.0), weights=weights * expected))
    return float(np.sqrt(np.log1p(np.clip(share, np.expm1(0.01), np.expm1(1.44)))))
