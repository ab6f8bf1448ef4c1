"""Change of what lists bring, from draws in which the same account meets the same luck."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import ndtr

from matcher.errors import SupportError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.ranking.outcomes.distribution import Distributions
    from matcher.whatif.state import State

__all__ = [
    "N_DRAWS",
    "OutcomeChange",
    "Totals",
    "change_of_account",
    "change_of_outcomes",
    "totals",
]

N_DRAWS: Final = 2_000
"""Joint draws behind each interval."""
_LEVELS: Final = (0.1, 0.9)
_LASTING: Final = 0.57
"""Share of the variance of an error that is of the account itself, whatever luck its posts have.
With it intervals held .83 and .80 on three markets of ``default`` and four of ``drift``
(``bench_whatif_truth.py``, seeds 4001 to 4004), with .5 .81 and .74, with .65 .85 and .85."""
_FORMAT_ERROR: Final = 0.15
"""Log standard deviation by which the change from one format to another was missed there: what
formats bring is learnt over all platforms together."""


@dataclass(frozen=True)
class OutcomeChange:
    """What a scenario changes of one outcome of the accounts that would be hired.

    Parameters
    ----------
    outcome : str
        Outcome.
    before, after : float
        Expected total as things are and under the scenario; of a rate, the mean.
    change : float
        `after` less `before`.
    low, high : float
        80 % interval of the change of what is **expected**: how far the model may be off about the
        accounts themselves.
    low_drawn, high_drawn : float
        80 % interval of the change of what **comes**, the luck of posts included.
    low_share, high_share : float
        80 % interval of the relative change of what is expected: how much of it is sure where the
        level itself is not. Without width where the change is in proportion by assumption; NaN
        where nothing is expected as things are.
    """

    outcome: str
    before: float
    after: float
    change: float
    low: float
    high: float
    low_drawn: float
    high_drawn: float
    low_share: float
    high_share: float

    @property
    def share(self) -> float:
        """Change over what is expected as things are; NaN where that is 0."""
        return self.change / self.before if self.before else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, None for what is not a number.

        Returns
        -------
        dict
            By name.
        """
        values = {**self.__dict__, "share": self.share}
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in values.items()
        }


@dataclass(frozen=True, eq=False)
class Totals:
    """Totals of one outcome over some accounts.

    Parameters
    ----------
    expected : float
        Expected total; of a rate the mean.
    drawn : numpy.ndarray of float64, shape (n_draws,)
        Totals that come, luck included.
    known : numpy.ndarray of float64, shape (n_draws,)
        Totals expected, were the model off about each account by so much.
    """

    expected: float
    drawn: NDArray[np.float64]
    known: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        held: Distributions,
        ids: NDArray[np.object_],
        *,
        seed: int = 0,
        off: float = 0.0,
    ) -> Totals:
        """Draw the totals of some accounts.

        The luck of an account, and that of the campaign, depend on its id and the seed alone: it is
        met by whatever list the account stands in.

        Parameters
        ----------
        held : Distributions
            What each account would bring.
        ids : numpy.ndarray of object
            Their ids.
        seed : int, default 0
            Seed of the draws.
        off : float, default 0
            Log standard deviation by which what the edits do to an account may be off.

        Returns
        -------
        Totals
            Totals.
        """
        common = _luck("", seed)
        columns = [_luck(str(name), seed) for name in ids]
        own = np.column_stack(columns) if columns else np.empty((N_DRAWS, 0))
        shared = np.sqrt(held.shared) * common[:, None] + np.sqrt(1.0 - held.shared) * own
        return cls(
            float(_total(held, held.mean()[None, :])[0]),
            _total(held, held.at_levels(ndtr(shared))),
            _total(held, _means(held, own) * _doubt(ids, seed, off)),
        )

    def change_to(self, other: Totals, outcome: str) -> OutcomeChange:
        """Change from these totals to others that met the same luck.

        Parameters
        ----------
        other : Totals
            Totals under a scenario.
        outcome : str
            Outcome.

        Returns
        -------
        OutcomeChange
            With both intervals.
        """
        change = other.expected - self.expected
        low, high = np.quantile(other.known - self.known, _LEVELS)
        low_drawn, high_drawn = np.quantile(other.drawn - self.drawn, _LEVELS)
        share = change / self.expected if self.expected else float("nan")
        ends = (float("nan"),) * 2
        if (self.known > 0).all():
            ends = tuple(np.quantile(other.known / self.known - 1.0, _LEVELS))
        return OutcomeChange(
            outcome,
            self.expected,
            other.expected,
            change,
            min(float(low), change),
            max(float(high), change),
            float(low_drawn),
            float(high_drawn),
            min(float(ends[0]), share),
            max(float(ends[1]), share),
        )


def change_of_outcomes(
    old: State, new: State, *, seed: int = 0, main_only: bool = False
) -> list[OutcomeChange]:
    """Change of predicted outcomes of those who would be hired.

    Parameters
    ----------
    old, new : State
        States of one desk.
    seed : int, default 0
        Seed of the draws.
    main_only : bool, default False
        Only the outcome that stands for the objective of the scenario.

    Returns
    -------
    list of OutcomeChange
        That outcome first; empty where the model predicts none.
    """
    main = new.main_outcome
    names = [name for name in new.hired_outcomes if name in old.hired_outcomes]
    names = [main] if main_only and main in names else sorted(names, key=lambda one: one != main)
    return [totals(old, name, seed).change_to(totals(new, name, seed), name) for name in names]


def totals(state: State, name: str, seed: int) -> Totals:
    """Totals of those who would be hired in a state, drawn once.

    Parameters
    ----------
    state : State
        State.
    name : str
        Outcome that the model predicts.
    seed : int
        Seed of the draws.

    Returns
    -------
    Totals
        Totals.
    """
    key = (name, seed)
    if key not in state.draws:
        state.draws[key] = Totals.of(
            state.hired_outcomes[name],
            state.ids(state.hired),
            seed=seed,
            off=_FORMAT_ERROR * state.has_other_formats,
        )
    found: Totals = state.draws[key]
    return found


def change_of_account(
    old: State, new: State, account_id: str, name: str, *, seed: int = 0
) -> OutcomeChange:
    """Change of what one account would bring, whoever else is hired.

    Parameters
    ----------
    old, new : State
        States of one desk.
    account_id : str
        Candidate of both.
    name : str
        Outcome that the model predicts.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    OutcomeChange
        Change with both intervals.

    Raises
    ------
    SupportError
        If the account is no candidate in one of them, or the outcome is not predicted.
    """
    ids = np.array([account_id], dtype=object)
    found = []
    for state in (old, new):
        rows, models = state.rows_of(ids), state.job.model.outcomes
        if rows[0] < 0 or models is None or name not in models.names:
            raise SupportError(
                f"scenario {state.scenario.name}: {account_id} is no candidate, or {name} is not "
                "predicted; there is no change to state"
            )
        found.append(
            Totals.of(
                state.outcomes(rows, names=(name,))[name],
                ids,
                seed=seed,
                off=_FORMAT_ERROR * state.has_other_formats,
            )
        )
    return found[0].change_to(found[1], name)


@lru_cache(maxsize=4_096)
def _luck(account: str, seed: int) -> NDArray[np.float64]:
    """Standard normal draws of one account, whoever else is in the list."""
    key = int.from_bytes(hashlib.sha256(account.encode()).digest()[:8], "little")
    return np.random.default_rng([seed, key]).standard_normal(N_DRAWS)


def _doubt(ids: NDArray[np.object_], seed: int, off: float) -> Any:
    """Factors of mean 1 by which what an edit does to each account may be off."""
    if not off or not len(ids):
        return 1.0
    drawn = np.column_stack([_luck(f"edit of {name}", seed) for name in ids])
    return np.exp(off * drawn - 0.5 * off**2)


def _means(held: Distributions, own: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected outcomes, shape (n_draws, n), were the model off about each account by so much."""
    place = np.clip(ndtr(own) * 100.0 - 1.0, 0.0, held.errors.shape[1] - 1.0)
    low = np.minimum(place.astype(np.int64), held.errors.shape[1] - 2)
    rest, errors = place - low, held.errors[held.cells]
    rows = np.arange(len(held))
    error = (1.0 - rest) * errors[rows, low] + rest * errors[rows, low + 1]
    size = held.spread * np.sqrt(_LASTING)
    middle = np.log(np.exp(size[:, None] * errors).mean(axis=1))
    return np.asarray(held.mean() * np.exp(size * error - middle))


def _total(held: Distributions, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over accounts, of a rate the mean; 0 without accounts."""
    if not values.shape[1]:
        return np.zeros(len(values))
    return np.asarray(values.mean(axis=1) if held.kind == "rate" else values.sum(axis=1))
