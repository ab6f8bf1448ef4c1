r"""What each candidate would bring if it were chosen, and how far that may be off.

The logarithm of an outcome is taken to be linear in what is known, with an effect of each account
that stays the same over campaigns and is not known but by what the account brought elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.columns import PLATFORMS
from matcher.errors import SupportError
from matcher.evaluation.offpolicy.folds import deal_campaigns
from matcher.evaluation.offpolicy.models import Inputs
from matcher.evaluation.offpolicy.words import LOGGING_ADVICE
from matcher.ranking.linear import prepare_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.log import DecisionLog
    from matcher.ranking.linear import PreparedColumns

__all__ = ["Expected", "Lesson", "expect_outcomes"]

_LEAST_ROWS: Final = 50
"""Outcomes of the other campaigns below which nothing is learnt."""
_PENALTIES: Final = (1.0, 10.0, 100.0, 1000.0)
_LEVELS: Final = ("followers_log", "engagements_expected")
"""Columns whose slope is another one on each platform."""
_WORTH: Final = 50.0
"""Hires of a platform that say as much of how its outcomes spread as all platforms do."""
_ROWS_AT_ONCE: Final = 50_000


@dataclass(frozen=True, eq=False)
class Lesson:
    """How far what was learnt of outcomes may be off, on the scale of their logarithm.

    Parameters
    ----------
    design : numpy.ndarray of float32, shape (n, n_slopes)
        What the regression sees of each candidate; 0.5 KB a candidate with the features of a
        market.
    rows : numpy.ndarray of int64, shape (n_observed,)
        Candidates that were learnt from.
    pulls : numpy.ndarray of float64, shape (n_observed, n_slopes)
        By how much the error of each of them moved each slope.
    accounts : numpy.ndarray of int64, shape (n,)
        Account of each candidate, 0 to n_accounts - 1.
    doubt : numpy.ndarray of float64, shape (n_accounts,)
        Standard deviation of what is not known of each account's own effect.
    """

    design: NDArray[np.float32]
    rows: NDArray[np.int64]
    pulls: NDArray[np.float64]
    accounts: NDArray[np.int64]
    doubt: NDArray[np.float64]

    def mean(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of what the regression is fitted on, weighted.

        Parameters
        ----------
        shares : numpy.ndarray of float64, shape (n,)
            Weight of each candidate.

        Returns
        -------
        numpy.ndarray of float64, shape (n_slopes,)
            Sums over candidates.
        """
        kept = np.flatnonzero(shares)
        return np.asarray(shares[kept].astype(np.float32) @ self.design[kept], dtype=np.float64)

    def by_account(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums of weights over the candidates of each account.

        Parameters
        ----------
        shares : numpy.ndarray of float64, shape (n,)
            Weight of each candidate.

        Returns
        -------
        numpy.ndarray of float64, shape (n_accounts,)
            Sums.
        """
        sums = np.bincount(self.accounts, weights=shares, minlength=len(self.doubt))
        return sums.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Expected:
    """Outcomes that are expected of the candidates of a log.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n,)
        Expected outcome of each, 0 or more, from other campaigns alone.
    lesson : Lesson
        How far they may be off.
    """

    values: NDArray[np.float64]
    lesson: Lesson


@dataclass(frozen=True, eq=False)
class _Regression:
    """Ridge regression of the logarithm of an outcome, with effects of accounts."""

    columns: PreparedColumns
    slopes: NDArray[np.float64]
    constant: float
    penalty: float
    effects: NDArray[np.float64]
    variances: NDArray[np.float64]
    scales: NDArray[np.float64]
    highest: float

    def logs(self, inputs: Inputs, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(self.constant + self.columns.design(inputs.values[rows]) @ self.slopes)

    def outcomes(
        self, inputs: Inputs, rows: NDArray[np.int64], accounts: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        own = accounts[rows]
        logs = self.logs(inputs, rows) + self.effects[own] + 0.5 * self.variances[own]
        return self.scales[_platforms(inputs, rows)] * _level(logs, self.highest)


def expect_outcomes(log: DecisionLog, inputs: Inputs, *, seed: int = 0) -> Expected:
    r"""Outcome that is expected of each candidate if it is chosen, from other campaigns alone.

    Ridge regression of ln(1 + outcome), its penalty chosen by leaving rows out, with slopes of
    followers and usual engagement for each platform, and an effect of each account: the mean of
    what is left of its other hires, drawn to 0 as far as hires of one account are unlike each
    other. The exponential of a mean of logs is too low a mean, the more so the more outcomes of a
    platform spread; expected outcomes are therefore multiplied by one number for each platform,
    such that :math:`\sum y / (q + \bar q) = \sum q / (q + \bar q)` over its hires, drawn to that
    of all platforms. With sums of outcomes alone it would rest on the few largest.

    Parameters
    ----------
    log : DecisionLog
        Log.
    inputs : Inputs
        What is known of its candidates.
    seed : int
        Seed by which campaigns are dealt to five parts; each is answered from the other four.

    Returns
    -------
    Expected
        Expected outcomes and how far they may be off.

    Raises
    ------
    SupportError
        If fewer than 50 outcomes are known outside of a part.

    References
    ----------
    Chernozhukov et al. (2018), Double/debiased machine learning (cross-fitting); Duan (1983),
    Smearing estimate: a nonparametric retransformation method; Robinson (1991), That BLUP is a
    good thing: the estimation of random effects; Searle, Casella, McCulloch (1992), Variance
    components (analysis of variance).
    """
    inputs = _with_levels(log, inputs)
    accounts = np.unique(log.account_ids.astype(str), return_inverse=True)[1].reshape(-1)
    found, left = np.full(len(log), np.nan), np.full(len(log), np.nan)
    for others, own in deal_campaigns(log, inputs, seed):
        rows = np.flatnonzero(others & log.observed)
        if len(rows) < _LEAST_ROWS:
            raise SupportError(
                f"off-policy: {len(rows)} outcomes are known outside of a fifth of the campaigns; "
                f"{_LEAST_ROWS} are needed to learn what an account would bring",
                {
                    "en": f"only {len(rows)} outcomes are known to learn from what an account "
                    f"would bring, of {_LEAST_ROWS} that are needed. {LOGGING_ADVICE['en']}",
                    "vi": f"chỉ biết {len(rows)} kết quả để học một tài khoản sẽ mang lại gì, cần "
                    f"{_LEAST_ROWS}. {LOGGING_ADVICE['vi']}",
                },
            )
        model = _fit(log, inputs, rows, accounts)
        for part in _pieces(np.flatnonzero(own)):
            found[part] = model.outcomes(inputs, part, accounts)
        seen = np.flatnonzero(own & log.observed)
        left[seen] = np.log1p(log.outcome[seen]) - model.logs(inputs, seen)
    return Expected(found, _lesson(log, inputs, accounts, left))


def _with_levels(log: DecisionLog, inputs: Inputs) -> Inputs:
    """Inputs with the levels of accounts by platform, where inputs tell both."""
    if len(inputs.values) != len(log):
        return inputs
    columns, names = [inputs.values], list(inputs.names)
    for level in _LEVELS:
        if level not in inputs.names:
            continue
        values = inputs.values[:, inputs.names.index(level)]
        known = values[~np.isnan(values)]
        # An unknown level stays at the middle here; the level's own column says that it is unknown.
        apart = np.nan_to_num(values - np.median(known)) if len(known) else np.zeros(len(values))
        for name in PLATFORMS:
            if f"platform_{name}" in inputs.names:
                on = inputs.values[:, inputs.names.index(f"platform_{name}")]
                columns.append((on * apart)[:, None])
                names.append(f"{level}_on_{name}")
    return Inputs(np.hstack(columns), tuple(names))


def _lesson(
    log: DecisionLog,
    inputs: Inputs,
    accounts: NDArray[np.int64],
    left: NDArray[np.float64],
) -> Lesson:
    """Errors of the regression on all hires, by the errors at hires that it had not seen."""
    rows = np.flatnonzero(log.observed)
    model = _fit(log, inputs, rows, accounts)
    seen = model.columns.design(inputs.values[rows])
    square = seen.T @ seen + model.penalty * np.eye(seen.shape[1])
    pulls = np.linalg.solve(square, seen.T).T * (left[rows] - left[rows].mean())[:, None]
    design = np.empty((len(log), seen.shape[1]), dtype=np.float32)
    for part in _pieces(np.arange(len(log))):
        design[part] = model.columns.design(inputs.values[part])
    return Lesson(design, rows, pulls, accounts, np.sqrt(model.variances))


def _pieces(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[first : first + _ROWS_AT_ONCE]


def _fit(
    log: DecisionLog, inputs: Inputs, rows: NDArray[np.int64], accounts: NDArray[np.int64]
) -> _Regression:
    from sklearn.linear_model import RidgeCV

    outcome = log.outcome[rows]
    target = np.log1p(outcome)
    # Values rest on the largest accounts; held at outer thousandths they lose part of their size.
    columns = prepare_columns(inputs.values[rows], tails=(0.0, 1.0))
    design = columns.design(inputs.values[rows])
    ridge = RidgeCV(_PENALTIES).fit(design, target)
    fitted = ridge.predict(design)
    left, own = target - fitted, accounts[rows]
    within, between = _components(left, own)
    n_accounts = int(accounts.max()) + 1
    hires = np.bincount(own, minlength=n_accounts)
    sums = np.bincount(own, weights=left, minlength=n_accounts)
    # As many hires as would say as much of an account as is known of it beforehand.
    worth = within / between if between > 0 else np.inf
    # Beyond the largest outcome that was ever seen, a regression of logs explodes.
    highest = float(target.max())
    without = (sums[own] - left) / (hires[own] - 1 + worth)
    unsure = between / (1.0 + (hires[own] - 1) / worth)
    said = _level(fitted + without + 0.5 * unsure, highest)
    return _Regression(
        columns=columns,
        slopes=np.asarray(ridge.coef_),
        constant=float(ridge.intercept_),
        penalty=float(ridge.alpha_),
        effects=sums / (hires + worth),
        variances=between / (1.0 + hires / worth),
        scales=_scales(outcome, said, _platforms(inputs, rows), len(PLATFORMS)),
        highest=highest,
    )


def _platforms(inputs: Inputs, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the platform of some candidates; 0 where inputs tell none."""
    columns = [
        inputs.names.index(f"platform_{name}")
        for name in PLATFORMS
        if f"platform_{name}" in inputs.names
    ]
    if not columns:
        return np.zeros(len(rows), dtype=np.int64)
    told = np.nan_to_num(inputs.values[:, columns][rows])
    return np.asarray(np.argmax(told, axis=1), dtype=np.int64)


def _scales(
    outcome: NDArray[np.float64],
    said: NDArray[np.float64],
    platform: NDArray[np.int64],
    n_platforms: int,
) -> NDArray[np.float64]:
    """Numbers by which exponentials of mean logs are multiplied, by platform."""
    if not said.sum() > 0:
        return np.ones(n_platforms)
    alike = said + said.mean()
    brought, expected = outcome / alike, said / alike
    whole = float(brought.sum() / expected.sum())
    worth = _WORTH * float(expected.mean())
    top = np.bincount(platform, weights=brought, minlength=n_platforms)
    bottom = np.bincount(platform, weights=expected, minlength=n_platforms)
    return np.asarray((top + worth * whole) / (bottom + worth))


def _level(logs: NDArray[np.float64], highest: float) -> NDArray[np.float64]:
    return np.asarray(np.maximum(np.expm1(np.minimum(logs, highest)), 0.0))


def _components(left: NDArray[np.float64], accounts: NDArray[np.int64]) -> tuple[float, float]:
    """Variance within and between accounts, by analysis of variance; 0 or more each."""
    _, own, sizes = np.unique(accounts, return_inverse=True, return_counts=True)
    n, groups = len(left), len(sizes)
    means = np.bincount(own, weights=left) / sizes
    if groups < 2 or n == groups:
        return float(left.var()), 0.0
    within = float(((left - means[own]) ** 2).sum() / (n - groups))
    usual = (n - float((sizes**2).sum()) / n) / (groups - 1)
    spread = float((sizes * (means - left.mean()) ** 2).sum() / (groups - 1))
    return within, max((spread - within) / usual, 0.0) if within > 0 else 0.0
