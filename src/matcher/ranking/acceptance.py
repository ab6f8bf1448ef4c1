"""Whether an account accepts when it is invited, learnt from the answers of earlier campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from scipy.special import expit, logit

from matcher.errors import DataError, SupportError
from matcher.ranking.answers import (
    COLUMNS,
    RELATIVE,
    Answers,
    answer_inputs,
    build_answers,
    list_answers,
    settled_answers,
)
from matcher.ranking.linear import LinearModel, fit_logistic

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.pair_features import FeatureMatrix
    from matcher.features.priors import LevelPrior

__all__ = ["AcceptanceModel", "fit_acceptance", "learn_acceptance"]

LEAST_ANSWERS: Final = 30
"""Answered invitations below which nothing is stated."""
LEAST_DECLINES: Final = 10

_PENALTIES: Final = (3.0, 10.0, 30.0, 100.0, 300.0)
_N_PARTS: Final = 5
"""Parts of the later half of the campaigns in time; each is predicted from those before it. Parts
of the earlier half would choose a penalty for fewer answers than the model is fitted on."""
_PRIOR: Final = 0.5
"""Acceptances and declines that a base rate starts from (Jeffreys)."""


@dataclass(frozen=True, eq=False)
class AcceptanceModel:
    """Probability that an account accepts if it is invited.

    Learnt from accounts that were invited: of one that no brand would have asked it says what
    accounts like it answered.

    Parameters
    ----------
    base_rate : float
        Share of the answers that were acceptances, drawn a little to one half; between 0 and 1.
    linear : LinearModel or None
        Log odds of an acceptance; None where it does not surely foretell answers better than the
        base rate, which then stands for everybody.
    n_answers, n_declined, n_campaigns : int
        What it was learnt from.
    log_loss : float
        Mean log loss of the regression on later campaigns, in nats; NaN where it could not be
        judged.
    base_log_loss : float
        That of the base rate on the same answers.
    relative : tuple of str
        Columns of the regression that are taken relative to the candidates of the brief, see
        `matcher.ranking.answers.answer_inputs`; the others are in their own units.

    Raises
    ------
    DataError
        If the base rate is no probability, more declines than answers are stated, or a relative
        column is none of the regression.
    """

    base_rate: float
    linear: LinearModel | None
    n_answers: int
    n_declined: int
    n_campaigns: int
    log_loss: float
    base_log_loss: float
    relative: tuple[str, ...] = RELATIVE

    def __post_init__(self) -> None:
        if not 0 < self.base_rate < 1 or not 0 <= self.n_declined <= self.n_answers:
            raise DataError(
                f"acceptance: got a base rate of {self.base_rate} from {self.n_declined} declines "
                f"among {self.n_answers} answers; expected a rate between 0 and 1"
            )
        strangers = set(self.relative) - set(self.linear.names if self.linear else self.relative)
        if strangers:
            raise DataError(f"acceptance: {sorted(strangers)} are no columns of the regression")

    @property
    def description(self) -> str:
        """What it was learnt from and how it was judged, as part of a sentence."""
        learnt = (
            f"{self.n_answers:,} answered invitations of {self.n_campaigns:,} campaigns, "
            f"{self.n_declined:,} of them declined"
        )
        if self.linear is not None:
            return (
                f"{learnt}; on later campaigns its log loss is {self.log_loss:.4f}, that of the "
                f"base rate {self.base_log_loss:.4f}"
            )
        if np.isnan(self.log_loss):
            return f"{learnt}; too few to learn whose invitations are declined"
        return (
            f"{learnt}; what is known of accounts does not surely foretell the answers of later "
            f"campaigns (log loss {self.log_loss:.4f}, that of the base rate "
            f"{self.base_log_loss:.4f})"
        )

    def predict(self, matrix: FeatureMatrix) -> NDArray[np.float64]:
        """Probability that each account of some pairs accepts an invitation to its brief.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features of all candidates of each brief, those of the regression among them.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Between 0 and 1.

        Raises
        ------
        FeatureMismatchError
            If a column is not in the matrix.
        """
        if self.linear is None:
            return np.full(len(matrix.pairs), self.base_rate)
        inputs = answer_inputs(matrix, self.linear.names, self.relative)
        return np.asarray(expit(self.linear.predict(inputs)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, exact.

        Returns
        -------
        dict
            What `from_dict` reads.
        """
        losses = {
            name: None if np.isnan(getattr(self, name)) else getattr(self, name)
            for name in ("log_loss", "base_log_loss")
        }
        return {
            "base_rate": self.base_rate,
            "linear": None if self.linear is None else self.linear.to_dict(),
            **{name: getattr(self, name) for name in ("n_answers", "n_declined", "n_campaigns")},
            **losses,
            "relative": list(self.relative),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Model of plain values.

        Parameters
        ----------
        content : mapping
            What `to_dict` gave.

        Returns
        -------
        AcceptanceModel
            The same model.
        """
        linear, loss, base_loss = (content[n] for n in ("linear", "log_loss", "base_log_loss"))
        return cls(
            base_rate=float(content["base_rate"]),
            linear=None if linear is None else LinearModel.from_dict(linear),
            n_answers=int(content["n_answers"]),
            n_declined=int(content["n_declined"]),
            n_campaigns=int(content["n_campaigns"]),
            log_loss=np.nan if loss is None else float(loss),
            base_log_loss=np.nan if base_loss is None else float(base_loss),
            relative=tuple(map(str, content["relative"])),
        )


def learn_acceptance(
    context: FeatureContext,
    prior: LevelPrior,
    trained_until: pd.Timestamp,
    settings: Settings,
    *,
    exclude_brands: frozenset[str] = frozenset(),
) -> tuple[AcceptanceModel | None, str]:
    """Model of acceptance from the answers known strictly before an instant.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels.
    trained_until : pandas.Timestamp
        Aware instant.
    settings : Settings
        Who is eligible.
    exclude_brands : frozenset of str
        Brands whose campaigns are left out.

    Returns
    -------
    model : AcceptanceModel or None
        None where fewer than 30 answers or 10 declines are known of eligible accounts.
    reason : str
        Why there is none, else empty.
    """
    answers = list_answers(context.index.market, trained_until, exclude_brands=exclude_brands)
    reason = _lacking(answers["accepted"].to_numpy(bool))
    if reason:
        return None, reason
    return fit_acceptance(build_answers(context, prior, answers, settings))


def _lacking(accepted: NDArray[np.bool_]) -> str:
    """What is missing for a model of acceptance; empty where nothing is."""
    n_declined = int((~accepted).sum())
    if len(accepted) >= LEAST_ANSWERS and n_declined >= LEAST_DECLINES:
        return ""
    return (
        f"{len(accepted)} answered invitations with {n_declined} declines are known; "
        f"{LEAST_ANSWERS} with {LEAST_DECLINES} are needed"
    )


def fit_acceptance(answers: Answers) -> tuple[AcceptanceModel | None, str]:
    """Logistic regression of the answers, or their base rate where that foretells them as well.

    The campaigns of the later half are cut into five parts in time. Each is predicted from the
    answers that were known before its first decision, by the regression under each penalty and by
    the base rate; the penalty with the least log loss is taken. The regression is taken only if it
    is then better than the base rate by more than one standard error over campaigns.

    Parameters
    ----------
    answers : Answers
        Answered invitations.

    Returns
    -------
    model : AcceptanceModel or None
        None where fewer than 30 answers or 10 declines are known.
    reason : str
        Why there is none, else empty.

    References
    ----------
    Le Cessie and van Houwelingen, Ridge estimators in logistic regression, Applied Statistics 41
    (1992); Bergmeir and Benitez, On the use of cross-validation for time series predictor
    evaluation, Information Sciences 191 (2012), for parts in time; Breiman et al., Classification
    and regression trees (1984), section 3.4.3, for the rule of one standard error.
    """
    values, accepted = answers.values, answers.accepted
    reason = _lacking(accepted)
    if reason:
        return None, reason
    losses = {penalty: np.full(len(accepted), np.nan) for penalty in _PENALTIES}
    base = np.full(len(accepted), np.nan)
    for earlier, later in _parts(answers):
        tried = {one: _fit(values[earlier], accepted[earlier], one) for one in _PENALTIES}
        rate = np.full(len(later), logit(_base_rate(accepted[earlier])))
        base[later] = _log_losses(rate, accepted[later])
        for penalty, model in tried.items():
            odds = rate if model is None else model.predict(values[later])
            losses[penalty][later] = _log_losses(odds, accepted[later])
    judged = np.flatnonzero(np.isfinite(base))
    means = {penalty: _mean(held[judged]) for penalty, held in losses.items()}
    best = min(means, key=lambda penalty: means[penalty])
    gains = (base - losses[best])[judged]
    is_better = len(gains) > 0 and gains.mean() > _error(gains, answers.campaigns[judged])
    return AcceptanceModel(
        base_rate=_base_rate(accepted),
        linear=_fit(values, accepted, best) if is_better else None,
        n_answers=len(accepted),
        n_declined=int((~accepted).sum()),
        n_campaigns=len(np.unique(answers.campaigns)),
        log_loss=means[best],
        base_log_loss=_mean(base[judged]),
    ), ""


def _error(gains: NDArray[np.float64], campaigns: NDArray[np.int64]) -> float:
    """Standard error of a mean whose parts come in campaigns; infinite with one campaign."""
    _, codes = np.unique(campaigns, return_inverse=True)
    totals = np.bincount(codes, weights=gains - gains.mean())
    n = len(totals)
    return float(np.sqrt(n / (n - 1) * (totals**2).sum()) / len(gains)) if n > 1 else np.inf


def _fit(
    values: NDArray[np.float64], accepted: NDArray[np.bool_], penalty: float
) -> LinearModel | None:
    """Regression, or None where the answers or all columns are alike."""
    try:
        return fit_logistic(values, accepted, COLUMNS, penalty=penalty)
    except SupportError:
        return None


def _mean(losses: NDArray[np.float64]) -> float:
    return float(losses.mean()) if len(losses) else float("nan")


def _base_rate(accepted: NDArray[np.bool_]) -> float:
    return float((accepted.sum() + _PRIOR) / (len(accepted) + 2 * _PRIOR))


def _log_losses(odds: NDArray[np.float64], happened: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of log odds, in nats."""
    return np.logaddexp(0.0, np.where(happened, -odds, odds))


def _parts(answers: Answers) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to learn from and later rows to predict, for each part of the later half."""
    decided, n = answers.decided_at, len(answers.decided_at)
    marks = np.arange(_N_PARTS, 2 * _N_PARTS) * n // (2 * _N_PARTS)
    # Campaigns decided together stand in one part.
    ends = [*np.searchsorted(decided, decided[marks]), n]
    for first, last in pairwise(ends):
        if first == last:
            continue
        begin = int(decided[first])
        earlier = np.flatnonzero((decided < begin) & (answers.known_at < begin))
        settled = settled_answers(
            decided[earlier], answers.known_at[earlier], answers.accepted[earlier], until=begin
        )
        if settled.any():
            yield earlier[settled], np.arange(first, last)
