"""A linear model that trees can start from: they cannot go beyond what they have seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from matcher.errors import FeatureMismatchError, SupportError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["LinearModel", "PreparedColumns", "fit_linear", "fit_logistic", "prepare_columns"]

_TAILS: Final = (0.001, 0.999)
"""Quantiles at which a column is held, so that one odd value cannot carry a prediction away."""
_LEAST_MISSING: Final = 0.01
"""Share of missing values from which their absence is a column of its own."""


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Ridge regression on columns that may be missing.

    Parameters
    ----------
    names : tuple of str
        Columns.
    fill : numpy.ndarray of float64, shape (n_columns,)
        What stands for a missing value.
    low, high : numpy.ndarray of float64, shape (n_columns,)
        Ends between which values are held.
    slopes : numpy.ndarray of float64, shape (n_columns,)
        Change of the prediction per unit of a column.
    absent : numpy.ndarray of float64, shape (n_columns,)
        Change of the prediction where a column is missing.
    constant : float
        Prediction where every column is 0.
    """

    names: tuple[str, ...]
    fill: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    slopes: NDArray[np.float64]
    absent: NDArray[np.float64]
    constant: float

    def predict(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Expected target.

        Parameters
        ----------
        values : numpy.ndarray of float, shape (n_rows, n_columns)
            Columns in the order of `names`; NaN where missing.

        Returns
        -------
        numpy.ndarray of float64, shape (n_rows,)
            In the unit of the target.

        Raises
        ------
        FeatureMismatchError
            If the number of columns differs.
        """
        missing, held = self._held(values)
        return np.asarray(self.constant + held @ self.slopes + missing @ self.absent)

    def contributions(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """What each column adds to the constant.

        Parameters
        ----------
        values : numpy.ndarray of float, shape (n_rows, n_columns)
            Columns in the order of `names`; NaN where missing.

        Returns
        -------
        numpy.ndarray of float64, shape (n_rows, n_columns)
            With the constant, rows sum to what `predict` gives.

        Raises
        ------
        FeatureMismatchError
            If the number of columns differs.
        """
        missing, held = self._held(values)
        return np.asarray(held * self.slopes + missing * self.absent)

    def _held(self, values: NDArray[np.floating]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Which values are missing, and all of them filled and held between the ends."""
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise FeatureMismatchError(
                f"linear model: got {values.shape} values; expected {len(self.names)} columns"
            )
        missing = np.isnan(values)
        return missing, np.clip(np.where(missing, self.fill, values), self.low, self.high)

    def held_back(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """How far predictions would lie elsewhere had values not been held at the ends.

        Parameters
        ----------
        values : numpy.ndarray of float, shape (n_rows, n_columns)
            Columns in the order of `names`; NaN where missing.

        Returns
        -------
        numpy.ndarray of float64, shape (n_rows,)
            Root of the sum of squares over columns, in the unit of the target; 0 where all values
            lie between the ends.
        """
        excess = np.where(np.isnan(values), 0.0, values - np.clip(values, self.low, self.high))
        return np.asarray(np.sqrt(((excess * self.slopes) ** 2).sum(axis=1)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, exact.

        Returns
        -------
        dict
            What `from_dict` reads.
        """
        columns = {
            name: getattr(self, name).tolist()
            for name in ("fill", "low", "high", "slopes", "absent")
        }
        return {"names": list(self.names), "constant": self.constant, **columns}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Model of plain values.

        Parameters
        ----------
        content : mapping
            What `to_dict` gave.

        Returns
        -------
        LinearModel
            The same model.
        """
        columns = {
            name: np.array(content[name], dtype=np.float64)
            for name in ("fill", "low", "high", "slopes", "absent")
        }
        return cls(tuple(content["names"]), **columns, constant=float(content["constant"]))


def fit_linear(
    values: NDArray[np.floating],
    targets: NDArray[np.float64],
    names: Sequence[str],
    *,
    penalties: Sequence[float] = (1.0, 10.0, 100.0, 1000.0),
) -> LinearModel:
    """Ridge regression, its penalty chosen by leaving each row out.

    Columns are held between their outer thousandths, filled with their median and standardised; a
    column that is often missing has a second one that says so.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (n_rows, n_columns)
        Columns; NaN where missing.
    targets : numpy.ndarray of float64, shape (n_rows,)
        What to predict.
    names : sequence of str
        Columns.
    penalties : sequence of float
        Penalties to choose from; with one there is no choice to compute.

    Returns
    -------
    LinearModel
        The model.

    Raises
    ------
    SupportError
        If there are fewer than two rows.

    References
    ----------
    Hoerl and Kennard, Ridge regression, Technometrics 12 (1970); Golub, Heath and Wahba,
    Generalized cross-validation, Technometrics 21 (1979).
    """
    from sklearn.linear_model import Ridge, RidgeCV

    if len(values) < 2:
        raise SupportError(f"linear model: got {len(values)} rows; expected 2 or more")
    columns = prepare_columns(values)
    chosen = Ridge(penalties[0]) if len(penalties) == 1 else RidgeCV(penalties)
    chosen.fit(columns.design(values), targets)
    return columns.model(names, chosen.coef_, float(chosen.intercept_))


def fit_logistic(
    values: NDArray[np.floating],
    is_one: NDArray[np.bool_],
    names: Sequence[str],
    *,
    penalty: float,
) -> LinearModel:
    """Ridge-penalised logistic regression; the model predicts log odds.

    Columns are treated as `fit_linear` treats them.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (n_rows, n_columns)
        Columns; NaN where missing.
    is_one : numpy.ndarray of bool, shape (n_rows,)
        What to predict.
    names : sequence of str
        Columns.
    penalty : float
        Weight, in rows, of half the squared slopes of the standardised columns; above 0.

    Returns
    -------
    LinearModel
        The model; ``1 / (1 + exp(-prediction))`` is the probability.

    Raises
    ------
    SupportError
        If all rows are alike in what is to be predicted, or in all columns.

    References
    ----------
    Le Cessie and van Houwelingen, Ridge estimators in logistic regression, Applied Statistics 41
    (1992).
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(is_one)) < 2:
        raise SupportError(
            f"logistic model: got {len(values)} rows, all of one kind; expected rows of both"
        )
    columns = prepare_columns(values)
    if not columns.varies.any():
        raise SupportError(f"logistic model: none of {len(names)} columns takes two values")
    # Newton's steps end at the same digits wherever they are taken; the default's do not.
    chosen = LogisticRegression(
        C=1.0 / penalty, solver="newton-cholesky", tol=1e-10, max_iter=1_000
    )
    chosen.fit(columns.design(values), is_one)
    return columns.model(names, chosen.coef_[0], float(chosen.intercept_[0]))


@dataclass(frozen=True, eq=False)
class PreparedColumns:
    """How columns become what a linear learner wants, and the way back.

    Parameters
    ----------
    fill, low, high : numpy.ndarray of float64, shape (n_columns,)
        As in `LinearModel`.
    told : numpy.ndarray of bool, shape (n_columns,)
        Columns that have a second one, which says where they are missing.
    varies : numpy.ndarray of bool, shape (n_columns + n_told,)
        Those that take two values; the others are left out.
    centre, scale : numpy.ndarray of float64, shape (n_varying,)
        What is taken off, and divided by.
    """

    fill: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    told: NDArray[np.bool_]
    varies: NDArray[np.bool_]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]

    def design(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Columns without gaps and outliers, standardised.

        Parameters
        ----------
        values : numpy.ndarray of float, shape (n_rows, n_columns)
            Columns; NaN where missing.

        Returns
        -------
        numpy.ndarray of float64, shape (n_rows, n_varying)
            What a learner is fitted on.
        """
        columns = _fill(np.asarray(values, dtype=np.float64), self.fill, self.low, self.high)
        design = np.hstack([columns, np.isnan(values)[:, self.told]])
        return np.asarray((design[:, self.varies] - self.centre) / self.scale)

    def model(
        self, names: Sequence[str], weights: NDArray[np.float64], constant: float
    ) -> LinearModel:
        """Model on the columns as they came.

        Parameters
        ----------
        names : sequence of str
            Columns.
        weights : numpy.ndarray of float64, shape (n_varying,)
            What the learner gave each column of the design.
        constant : float
            Its prediction where all of these are 0.

        Returns
        -------
        LinearModel
            The same predictions.
        """
        n = len(self.fill)
        slopes = np.zeros(len(self.varies))
        slopes[self.varies] = weights / self.scale
        absent = np.zeros(n)
        absent[self.told] = slopes[n:]
        return LinearModel(
            names=tuple(names),
            fill=self.fill,
            low=self.low,
            high=self.high,
            slopes=slopes[:n],
            absent=absent,
            constant=float(constant - (weights / self.scale) @ self.centre),
        )


def prepare_columns(
    values: NDArray[np.floating], *, tails: tuple[float, float] = _TAILS
) -> PreparedColumns:
    """How to prepare columns like those given; see `fit_linear`.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (n_rows, n_columns)
        Columns; NaN where missing.
    tails : tuple of float
        Quantiles at which columns are held; 0 and 1 for the least and greatest value.

    Returns
    -------
    PreparedColumns
        Ends, medians, means and spreads.
    """
    held = np.asarray(values, dtype=np.float64)
    missing = np.isnan(held)
    known = ~missing.all(axis=0)
    fill, low, high = (np.zeros(held.shape[1]) for _ in range(3))
    fill[known] = np.nanmedian(held[:, known], axis=0)
    low[known], high[known] = np.nanquantile(held[:, known], tails, axis=0)
    told = missing.mean(axis=0) >= _LEAST_MISSING
    design = np.hstack([_fill(held, fill, low, high), missing[:, told]])
    centre, scale = design.mean(axis=0), design.std(axis=0)
    # A column that never changes has nothing to say, and no scale but rounding to divide by.
    varies = np.ptp(design, axis=0) > 0
    return PreparedColumns(fill, low, high, told, varies, centre[varies], scale[varies])


def _fill(
    values: NDArray[np.float64],
    fill: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    return np.clip(np.where(np.isnan(values), fill, values), low, high)
