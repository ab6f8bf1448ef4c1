"""What a log leaves open, learnt from its other campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit

from matcher.errors import DataError, SupportError
from matcher.evaluation.offpolicy.folds import deal_campaigns
from matcher.evaluation.offpolicy.words import LOGGING_ADVICE
from matcher.features.relative import normal_scores
from matcher.ranking.linear import fit_logistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.log import DecisionLog

__all__ = [
    "Inputs",
    "add_scores",
    "estimate_chances",
    "expect_seen",
    "race_chances",
]

SCORE: Final = "logged_score"
_LEAST_ROWS: Final = 50
"""Accounts chosen by the other campaigns below which nothing is learnt."""
_PENALTY_SEEN: Final = 30.0
_PENALTY_CHANCE: Final = 100.0
_OTHERS_PER_CHOSEN: Final = 15
"""Candidates that were not chosen, drawn per chosen one to learn chances from."""
_BISECTIONS: Final = 60


@dataclass(frozen=True, eq=False)
class Inputs:
    """What is known of the candidates of a log as of each decision.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n, n_columns)
        Columns; NaN where unknown.
    names : tuple of str
        Columns.

    Raises
    ------
    DataError
        If shapes do not match.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise DataError(
                f"off-policy inputs: got {self.values.shape} values for {len(self.names)} columns"
            )


def add_scores(log: DecisionLog, inputs: Inputs) -> Inputs:
    """Inputs with what the logging policy thought of each candidate, where the log tells it.

    Whoever chose may have known more than any feature says; a score passes some of it on.

    Parameters
    ----------
    log : DecisionLog
        Log.
    inputs : Inputs
        What is known of its candidates.

    Returns
    -------
    Inputs
        The same, and the score less its mean in the campaign.
    """
    if log.score is None:
        return inputs
    known = ~np.isnan(log.score)
    sums, counts = (
        np.bincount(log.codes, weights=one, minlength=log.n_campaigns)
        for one in (np.where(known, log.score, 0.0), known)
    )
    deviation = log.score - (sums / np.maximum(counts, 1))[log.codes]
    values = np.column_stack([inputs.values, deviation])
    return Inputs(values, (*inputs.names, SCORE))


def expect_seen(log: DecisionLog, inputs: Inputs, *, seed: int = 0) -> NDArray[np.float64]:
    """Chance that the outcome of each candidate is known if it is chosen.

    Invitations are declined, posts come late, outcomes are not reported. Logistic regression,
    cross-fitted by campaign, on what is known of the candidate, how long the campaign is past, and
    how often the account was chosen in other campaigns of the log, earlier ones and all: whoever
    is in demand delivers later. Where it cannot be fitted, the share in the other campaigns.

    Parameters
    ----------
    log : DecisionLog
        Log.
    inputs : Inputs
        What is known of its candidates.
    seed : int
        Seed of the parts.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Above 0, at most 1.

    Raises
    ------
    SupportError
        If no outcome is known outside of a part.
    """
    waited = np.log1p(log.waited_days)[log.codes]
    values = np.column_stack([inputs.values, waited, *np.log1p(_demand(log))])
    names = (*inputs.names, "waited", "chosen_before", "chosen_elsewhere")
    found = np.full(len(log), np.nan)
    for others, own in deal_campaigns(log, inputs, seed):
        rows = np.flatnonzero(others & log.chosen)
        seen = log.observed[rows]
        if not seen.any():
            raise SupportError(
                "off-policy: no outcome of a chosen account is known",
                {
                    "en": "no outcome of a chosen account is known; log what hires bring",
                    "vi": "không biết kết quả của tài khoản nào đã được chọn; hãy ghi lại kết quả "
                    "của các lần thuê",
                },
            )
        share = float((seen.sum() + 0.5) / (len(seen) + 1.0))
        try:
            model = fit_logistic(values[rows], seen, names, penalty=_PENALTY_SEEN)
        except SupportError:
            found[own] = 1.0 if seen.all() else share
            continue
        found[own] = expit(model.predict(values[own]))
    return found


def _demand(log: DecisionLog) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often each candidate was chosen in earlier, and in all other, campaigns."""
    accounts = np.unique(log.account_ids.astype(str), return_inverse=True)[1].reshape(-1)
    order = np.lexsort((log.codes, accounts))
    ranked, chosen = accounts[order], log.chosen[order].astype(np.int64)
    running = np.cumsum(chosen) - chosen
    first = np.searchsorted(ranked, ranked)
    before, elsewhere = np.empty(len(log), np.int64), np.empty(len(log), np.int64)
    before[order] = running - running[first]
    elsewhere[order] = np.bincount(ranked, weights=chosen)[ranked].astype(np.int64) - chosen
    return before, elsewhere


def race_chances(
    scores: NDArray[np.float64], sizes: NDArray[np.int64], bounds: NDArray[np.int64]
) -> NDArray[np.float64]:
    r"""Chances that follow from scores where each campaign chooses a fixed number.

    Candidates run a race with rates :math:`e^s`; it stops when the number of arrivals that is
    expected is the number asked for, so that :math:`p = 1 - e^{-t e^s}` with one :math:`t` for a
    campaign. To the accuracy of that expectation these are the chances of a list drawn by Gumbel
    top-k from the same scores.

    Parameters
    ----------
    scores : numpy.ndarray of float64, shape (n,)
        Log rates, finite.
    sizes : numpy.ndarray of int64, shape (n_campaigns,)
        Accounts that each campaign chooses.
    bounds : numpy.ndarray of int64, shape (n_campaigns + 1,)
        First row of each campaign.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Chances, summing to the size of each campaign; all 1 where it chooses everybody.
    """
    found = np.zeros(len(scores))
    for code, size in enumerate(sizes.tolist()):
        first, last = int(bounds[code]), int(bounds[code + 1])
        if size <= 0:
            continue
        if size >= last - first:
            found[first:last] = 1.0
            continue
        rate = np.exp(scores[first:last] - scores[first:last].max())
        low, high = -30.0, 60.0
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            if -np.expm1(-np.exp(middle) * rate).sum() < size:
                low = middle
            else:
                high = middle
        chance = -np.expm1(-np.exp(high) * rate)
        found[first:last] = np.minimum(chance * (size / chance.sum()), 1.0)
    return found


def estimate_chances(log: DecisionLog, inputs: Inputs, *, seed: int = 0) -> NDArray[np.float64]:
    """Chance with which each candidate was chosen, where the log does not say.

    Logistic regression of the choice on normal scores of what is known within the campaign,
    cross-fitted by campaign, of all chosen candidates and some of the others; its log odds run a
    race for the number that the campaign chose, which puts right that others were drawn.

    Parameters
    ----------
    log : DecisionLog
        Log.
    inputs : Inputs
        What is known of its candidates.
    seed : int
        Seed of the parts, and of the candidates drawn.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Chances above 0, summing to the number chosen in each campaign.

    Raises
    ------
    SupportError
        If fewer than 50 candidates were chosen outside of a part.
    """
    relative = normal_scores(inputs.values, log.bounds)
    if SCORE in inputs.names:
        # Scores mean the same in every campaign, up to a constant that a race does not see.
        place = inputs.names.index(SCORE)
        relative[:, place] = inputs.values[:, place]
    rng = np.random.default_rng([seed, 1])
    draw = rng.random(len(log))
    scores = np.zeros(len(log))
    for others, own in deal_campaigns(log, inputs, seed):
        n_chosen = int((others & log.chosen).sum())
        n_rest = int((others & ~log.chosen).sum())
        if n_chosen < _LEAST_ROWS:
            raise SupportError(
                f"off-policy: {n_chosen} accounts were chosen outside of a fifth of the campaigns; "
                f"{_LEAST_ROWS} are needed to estimate with which chance",
                {
                    "en": f"only {n_chosen} choices of the log are there to estimate chances from, "
                    f"of {_LEAST_ROWS} that are needed. {LOGGING_ADVICE['en']}",
                    "vi": f"nhật ký chỉ có {n_chosen} lựa chọn để ước lượng xác suất, cần "
                    f"{_LEAST_ROWS}. {LOGGING_ADVICE['vi']}",
                },
            )
        share = _OTHERS_PER_CHOSEN * n_chosen / max(n_rest, 1)
        rows = np.flatnonzero(others & (log.chosen | (draw < share)))
        model = fit_logistic(
            relative[rows], log.chosen[rows], inputs.names, penalty=_PENALTY_CHANCE
        )
        scores[own] = model.predict(relative[own])
    return np.maximum(race_chances(scores, log.n_chosen, log.bounds), np.finfo(float).tiny)
