"""The linear model that trees start from."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from matcher.errors import FeatureMismatchError, SupportError
from matcher.ranking.linear import LinearModel, fit_linear, fit_logistic

NAMES = ("one", "two", "three")


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(600, 3)) * [1.0, 100.0, 0.01] + [0.0, 7.0, 1.0]
    targets = values @ [2.0, 0.03, -40.0] + rng.normal(size=600)
    values[::5, 1] = np.nan
    return values, targets


def test_it_is_ridge_on_filled_and_standardised_columns(rows) -> None:
    values, targets = rows
    made = fit_linear(values, targets, NAMES, penalties=(10.0,))
    oracle = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), Ridge(10.0)
    ).fit(values, targets)
    inside = (np.nan_to_num(values) >= made.low).all(1) & (np.nan_to_num(values) <= made.high).all(
        1
    )
    inside |= np.isnan(values).any(axis=1)
    gap = np.abs(made.predict(values) - oracle.predict(values))[inside]
    # They differ by the few values that are held at the outer thousandths.
    assert np.quantile(gap, 0.95) < 0.02


def test_it_goes_on_where_trees_would_stop(rows) -> None:
    values, targets = rows
    made = fit_linear(values[values[:, 0] < 1], targets[values[:, 0] < 1], NAMES)
    inner, outer = np.array([[0.5, 7.0, 1.0]]), np.array([[made.high[0], 7.0, 1.0]])
    step = made.predict(outer) - made.predict(inner)
    assert step == pytest.approx(2.0 * (made.high[0] - 0.5), rel=0.1)
    # One odd value cannot carry the prediction away.
    assert made.predict(np.array([[1e9, 7.0, 1.0]])) == made.predict(outer)


def test_a_column_without_a_value_or_a_change_says_nothing() -> None:
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(size=50), np.full(50, np.nan), np.full(50, 4.0)])
    made = fit_linear(values, values[:, 0] * 3, NAMES)
    other = values.copy()
    other[:, 2] = 9.0
    assert made.slopes[1:].tolist() == made.absent.tolist()[1:] == [0.0, 0.0]
    assert made.predict(other).tolist() == made.predict(values).tolist()


def test_it_survives_json(rows) -> None:
    values, targets = rows
    made = fit_linear(values, targets, NAMES)
    again = LinearModel.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again.predict(values).tolist() == made.predict(values).tolist()


def test_what_does_not_fit_is_refused(rows) -> None:
    values, targets = rows
    made = fit_linear(values, targets, NAMES)
    with pytest.raises(FeatureMismatchError, match=r"got \(600, 2\) values; expected 3 columns"):
        made.predict(values[:, :2])
    with pytest.raises(SupportError, match="got 1 rows; expected 2 or more"):
        fit_linear(values[:1], targets[:1], NAMES)


def test_log_odds_are_those_of_penalised_regression_on_filled_and_standardised_columns(
    rows,
) -> None:
    values, targets = rows
    is_one = targets > np.median(targets)
    made = fit_logistic(values, is_one, NAMES, penalty=20.0)
    oracle = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        LogisticRegression(C=1 / 20.0, solver="lbfgs", tol=1e-8),
    ).fit(values, is_one)
    gap = np.abs(made.predict(values) - oracle.decision_function(values))
    # They differ by the few values that are held at the outer thousandths.
    assert np.quantile(gap, 0.95) < 0.02
    again = fit_logistic(values, ~is_one, NAMES, penalty=20.0)
    np.testing.assert_allclose(again.predict(values), -made.predict(values), atol=1e-8)


def test_log_odds_of_rows_that_are_all_alike_are_refused(rows) -> None:
    values, targets = rows
    with pytest.raises(SupportError, match="got 600 rows, all of one kind; expected rows of both"):
        fit_logistic(values, np.ones(600, dtype=bool), NAMES, penalty=1.0)
    with pytest.raises(SupportError, match="none of 3 columns takes two values"):
        fit_logistic(np.full((600, 3), 0.1), targets > np.median(targets), NAMES, penalty=1.0)
