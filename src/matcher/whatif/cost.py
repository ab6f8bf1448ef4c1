"""What the accounts that would be hired cost, before and after a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matcher.whatif.state import State

__all__ = ["Cost", "change_of_cost"]


@dataclass(frozen=True)
class Cost:
    """Fees of those who would be hired, over all posts that each makes.

    Parameters
    ----------
    currency : str or None
        Currency after the change; None where no fee is known.
    before, after : float
        Sums over the accounts whose fee is known or estimated.
    is_comparable : bool
        Whether both are in one currency and of every account.
    n_unknown : int
        Accounts without any fee, before and after together.
    n_estimated : int
        Accounts after the change whose fee is an estimate.
    """

    currency: str | None
    before: float
    after: float
    is_comparable: bool
    n_unknown: int
    n_estimated: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values.

        Returns
        -------
        dict
            By name, with ``change`` where both sums can be compared.
        """
        change = self.after - self.before if self.is_comparable else None
        return {**self.__dict__, "change": change}


def change_of_cost(old: State, new: State) -> Cost:
    """Fees of those who would be hired in two states.

    Parameters
    ----------
    old, new : State
        States of one desk.

    Returns
    -------
    Cost
        Posts are those of the brief, else as many as was usual.
    """
    sums, currencies, unknown, estimated = [], [], 0, 0
    for state in (old, new):
        n, fees = len(state.hired), state.fees
        models = state.job.model.outcomes
        usual = 1.0 if models is None else models.usual_posts
        paid = fees.fee[:n]
        known = np.isfinite(paid)
        sums.append(float(paid[known].sum()) * float(state.brief.n_posts or usual))
        currencies.append(fees.currency)
        unknown += int((~known).sum())
        estimated = int(fees.is_estimate[:n].sum())
    same = currencies[0] is not None and currencies[0] == currencies[1]
    return Cost(currencies[1], sums[0], sums[1], same and not unknown, unknown, estimated)
