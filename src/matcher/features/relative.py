"""Features relative to the other candidates of the same brief."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["normal_scores"]


def normal_scores(values: NDArray[np.float64], bounds: NDArray[np.int64]) -> NDArray[np.float64]:
    r"""Van der Waerden scores of each column within each brief.

    .. math:: z = \Phi^{-1}\left(\frac{r - 1/2}{n}\right)

    with r the average rank among the n known values of the brief. Counts that grow over the years
    thus mean the same in every campaign.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_pairs, n_features)
        Raw features; NaN where unknown.
    bounds : numpy.ndarray of int64, shape (n_briefs + 1,)
        First row of each brief and, last, the number of rows.

    Returns
    -------
    numpy.ndarray of float64, shape (n_pairs, n_features)
        Scores, 0 where all known values of a brief are equal, NaN where unknown.

    References
    ----------
    Conover, Practical Nonparametric Statistics (1999), section 5.10.

    Examples
    --------
    >>> normal_scores(np.array([[1.0], [7.0], [np.nan]]), np.array([0, 3])).round(3).ravel()
    array([-0.674,  0.674,    nan])
    """
    result = np.full(values.shape, np.nan)
    for first, last in pairwise(bounds.tolist()):
        part = values[first:last]
        if not len(part):
            continue
        known = ~np.isnan(part)
        ranks = rankdata(np.where(known, part, np.inf), axis=0)
        n_known = np.maximum(known.sum(axis=0), 1)
        result[first:last] = np.where(known, ndtri((ranks - 0.5) / n_known), np.nan)
    return result
