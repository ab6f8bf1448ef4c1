"""The average effect of a term, with everything known of a hire partialled out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.ranking.linear import prepare_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.effects.hires import Hires, Treatment

__all__ = ["Estimate", "Rests", "estimate_effect", "group_shares", "leave_rests"]

N_FOLDS: Final = 5
_PENALTIES: Final = (1.0, 10.0, 100.0, 1_000.0)
_NORMAL: Final = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Rests:
    """Treatment and outcome of hires, and what is left once all else that is known has spoken.

    Parameters
    ----------
    rows : numpy.ndarray of int64, shape (n,)
        Hires that count.
    treatment, outcome : numpy.ndarray of float64, shape (n,)
        Less their means, over all hires or of the account.
    treatment_rest, outcome_rest : numpy.ndarray of float64, shape (n,)
        What is left of each, from fits on other campaigns.
    campaigns, accounts : numpy.ndarray of int64, shape (n,)
        Codes.
    design : numpy.ndarray of float64, shape (n, n_columns)
        Columns adjusted for, standardised, less their means.
    groups : tuple of str
        Group of each column of the design.
    n_means : int
        Means that were taken off: 1, or one per account.
    """

    rows: NDArray[np.int64]
    treatment: NDArray[np.float64]
    outcome: NDArray[np.float64]
    treatment_rest: NDArray[np.float64]
    outcome_rest: NDArray[np.float64]
    campaigns: NDArray[np.int64]
    accounts: NDArray[np.int64]
    design: NDArray[np.float64]
    groups: tuple[str, ...]
    n_means: int

    @property
    def free_share(self) -> float:
        """Share of the treatment's variance that nothing known foretells, 0..1."""
        whole = float((self.treatment**2).mean())
        left = float((self.treatment_rest**2).mean())
        return min(left / whole, 1.0) if whole > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Estimate:
    r"""Slope of what is left of the outcome on what is left of the treatment.

    Parameters
    ----------
    slope : float
        Change of the log outcome per unit of treatment.
    low, high : float
        Ends of the interval of 95 %, from errors clustered over campaigns.
    error : float
        Classical standard error, for sensitivity.
    freedom : float
        Degrees of freedom.
    n_hires, n_accounts, n_campaigns : int
        What it rests on.
    n_effective : float
        :math:`(\sum d^2)^2 / \sum d^4` over campaigns of what is left of the treatment.
    weights : numpy.ndarray of float64, shape (n_rows,)
        Share of each hire in the average, summing to 1; 0 for hires that do not count.
    """

    slope: float
    low: float
    high: float
    error: float
    freedom: float
    n_hires: int
    n_accounts: int
    n_campaigns: int
    n_effective: float
    weights: NDArray[np.float64]


def leave_rests(hires: Hires, treatment: Treatment, *, within: bool, seed: int = 0) -> Rests | None:
    """Partial out what is known, each campaign by fits on the others.

    Ridge regressions of treatment and outcome, their penalties chosen by leaving rows out.

    Parameters
    ----------
    hires : Hires
        Hires.
    treatment : Treatment
        Term that is asked about.
    within : bool
        Whether everything is first taken relative to the mean of the account's hires, so that
        whatever stays the same of an account, known or not, cannot confound; accounts with one
        hire then say nothing.
    seed : int
        Seed by which campaigns are dealt to five parts.

    Returns
    -------
    Rests or None
        None where fewer than 50 hires or 10 campaigns count, or the treatment does not vary.

    References
    ----------
    Robinson (1988), Root-N-consistent semiparametric regression; Nie and Wager (2021),
    Quasi-oracle estimation of heterogeneous treatment effects (the R-learner); Chernozhukov et al.
    (2018), Double/debiased machine learning; Clarke and Polselli (2025), Double machine learning
    for static panel models with fixed effects (means first).
    """
    rows = np.flatnonzero(np.isfinite(treatment.values) & np.isfinite(treatment.outcome))
    accounts = _codes(hires, "account_id", rows)
    if within and len(rows):
        kept = np.bincount(accounts)[accounts] >= 2
        rows = rows[kept]
        accounts = _codes(hires, "account_id", rows)
    campaigns = _codes(hires, "campaign_id", rows)
    if len(rows) < 50 or campaigns.max(initial=-1) < 9 or np.ptp(treatment.values[rows]) == 0:
        return None
    values, groups = _columns(hires, treatment, rows)
    columns = prepare_columns(values)
    # The last columns of a design say where others are missing.
    told = [*groups, *np.array(groups, dtype=object)[columns.told]]
    means_of = accounts if within else np.zeros(len(rows), dtype=np.int64)
    table = _less_means(np.column_stack([treatment.values, treatment.outcome])[rows], means_of)
    d, y, design = table[:, 0], table[:, 1], _less_means(columns.design(values), means_of)
    rng = np.random.default_rng(seed)
    part = rng.permutation(np.arange(campaigns.max() + 1) % N_FOLDS)[campaigns]
    return Rests(
        rows=rows,
        treatment=d,
        outcome=y,
        treatment_rest=d - _foretell(design, d, part),
        outcome_rest=y - _foretell(design, y, part),
        campaigns=campaigns,
        accounts=accounts,
        design=design,
        groups=tuple(np.array(told, dtype=object)[columns.varies]),
        n_means=int(means_of.max()) + 1,
    )


def _codes(hires: Hires, column: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return pd.factorize(hires.frame[column].to_numpy(object)[rows])[0].astype(np.int64)


def _less_means(values: NDArray[np.float64], means_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Columns less their means over the rows of the same code."""
    table = pd.DataFrame(values)
    return np.asarray((table - table.groupby(means_of).transform("mean")).to_numpy(np.float64))


def _columns(
    hires: Hires, treatment: Treatment, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[str]]:
    """Columns adjusted for: what was known, and the terms that are held still."""
    values, groups = [hires.values[rows]], list(hires.groups)
    for name in treatment.held:
        told = hires.frame[name].iloc[rows]
        if name == "format":
            told = told.astype("str") + " on " + hires.frame["platform"].iloc[rows].astype("str")
        kinds = pd.get_dummies(told.astype("str"), dtype=np.float64)
        kept = kinds.loc[:, kinds.sum() >= 5]
        values.append(kept.to_numpy(np.float64))
        groups += ["terms"] * kept.shape[1]
    return np.hstack(values), groups


def _foretell(
    design: NDArray[np.float64], target: NDArray[np.float64], part: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What ridge regressions on the other campaigns expect of each."""
    from sklearn.linear_model import RidgeCV

    found = np.empty(len(target))
    for fold in range(N_FOLDS):
        others, own = part != fold, part == fold
        ridge = RidgeCV(_PENALTIES).fit(design[others], target[others])
        found[own] = ridge.predict(design[own])
    return found


def estimate_effect(rests: Rests, *, n_rows: int) -> Estimate | None:
    """Average effect from what is left of treatment and outcome.

    Parameters
    ----------
    rests : Rests
        What is left.
    n_rows : int
        Hires in all, for the weights.

    Returns
    -------
    Estimate or None
        None where nothing is left to compare.
    """
    d, y = rests.treatment_rest, rests.outcome_rest
    campaigns, accounts = rests.campaigns, rests.accounts
    square = float((d**2).sum())
    freedom = float(len(d) - rests.n_means - 1)
    if square <= 1e-12 or freedom < 1:
        return None
    slope = float(d @ y) / square
    left = y - slope * d
    scores = np.bincount(campaigns, weights=d * left)
    n_campaigns = len(np.unique(campaigns))
    few = n_campaigns / max(n_campaigns - 1, 1) * (len(d) - 1) / freedom
    clustered = float(np.sqrt(few * (scores**2).sum())) / square
    by_campaign = np.bincount(campaigns, weights=d**2)
    weights = np.zeros(n_rows)
    weights[rests.rows] = d**2 / square
    return Estimate(
        slope=slope,
        low=slope - _NORMAL * clustered,
        high=slope + _NORMAL * clustered,
        error=float(np.sqrt((left**2).sum() / freedom / square)),
        freedom=freedom,
        n_hires=len(d),
        n_accounts=len(np.unique(accounts)),
        n_campaigns=n_campaigns,
        n_effective=square**2 / float((by_campaign**2).sum()),
        weights=weights,
    )


def group_shares(rests: Rests, treatment: Treatment) -> pd.DataFrame:
    """How much each group of columns explains of treatment and outcome given all others.

    Parameters
    ----------
    rests : Rests
        Treatment, outcome and the columns adjusted for.
    treatment : Treatment
        Term.

    Returns
    -------
    pandas.DataFrame
        ``group, treatment_share, outcome_share``: partial shares, corrected for the number of
        columns, 0..1; of the groups that are no yardstick nothing.
    """
    d, y, design = rests.treatment, rests.outcome, rests.design
    groups = np.array([*rests.groups, "treatment", "outcome"], dtype=object)
    table = np.column_stack([design, d, y])
    products, freedom = table.T @ table, len(table) - rests.n_means
    apart = {"terms", "time", *treatment.mechanical}
    columns = ~np.isin(groups, ("treatment", "outcome"))
    rows = []
    for name in sorted(set(rests.groups) - apart):
        others = columns & (groups != name)
        rows.append(
            {
                "group": name,
                "treatment_share": _partial_share(products, -2, columns, others, freedom),
                "outcome_share": _partial_share(
                    products,
                    -1,
                    columns | (groups == "treatment"),
                    others | (groups == "treatment"),
                    freedom,
                ),
            }
        )
    return pd.DataFrame(rows, columns=["group", "treatment_share", "outcome_share"])


def _partial_share(
    products: NDArray[np.float64],
    target: int,
    full: NDArray[np.bool_],
    less: NDArray[np.bool_],
    freedom: int,
) -> float:
    whole, part = (_unexplained(products, target, one, freedom) for one in (full, less))
    return float(np.clip(1.0 - whole / part, 0.0, 1.0)) if part > 0 else 0.0


def _unexplained(
    products: NDArray[np.float64], target: int, columns: NDArray[np.bool_], freedom: int
) -> float:
    """Mean square of what a regression leaves, from sums of products."""
    inner, cross = products[np.ix_(columns, columns)], products[columns, target]
    scale = np.sqrt(np.maximum(np.diag(inner), 1e-300))
    values, vectors = np.linalg.eigh(inner / np.outer(scale, scale))
    kept = values > 1e-8 * values.max(initial=1e-300)
    turned = vectors[:, kept].T @ (cross / scale)
    left = float(products[target, target] - (turned**2 / values[kept]).sum())
    return max(left, 0.0) / max(freedom - int(kept.sum()), 1)
