"""Lists in which no group stands far below its supply: the best accounts under a floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from matcher.arguments import check_choice
from matcher.errors import UsageError
from matcher.features.account_groups import GROUPINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ExposureRule", "choose_places", "least_places"]


@dataclass(frozen=True)
class ExposureRule:
    """Floor under the share of every group in the first places of a list.

    A group with a share *s* of the eligible accounts gets at least ``floor x s`` of the places, as
    far as whole places allow: of *k* places, that product with *k*, rounded down. A group of fewer
    than ``1 / (floor x k)`` of the accounts is thus promised nothing.

    Parameters
    ----------
    by : {"tier", "platform", "gender", "language"}
        What groups are of; see `matcher.features.account_groups.account_groups`.
    floor : float, default 0.8
        Least share of places over share of supply; above 0, at most 1.

    Raises
    ------
    UsageError
        If there is no such grouping, or the floor is outside its range.

    References
    ----------
    Geyik, Ambler and Kenthapadi, Fairness-aware ranking in search and recommendation systems with
    application to LinkedIn talent search, KDD 2019 (arXiv 1905.01989), for re-ranking with least
    counts; Singh and Joachims, Fairness of exposure in rankings, KDD 2018 (arXiv 1802.07281), for
    shares of exposure against shares of what is there.

    Examples
    --------
    >>> ExposureRule("tier", floor=0.9)
    ExposureRule(by='tier', floor=0.9)
    """

    by: str
    floor: float = 0.8

    def __post_init__(self) -> None:
        check_choice(self.by, GROUPINGS, where="exposure: by")
        floor: Any = self.floor
        if not isinstance(floor, int | float) or not 0 < floor <= 1:
            raise UsageError(
                f"exposure: got a floor of {floor!r:.40}; expected a part of the supply, above 0 "
                "and at most 1, such as 0.8"
            )


def least_places(supply: NDArray[np.int64], k: int, floor: float) -> NDArray[np.int64]:
    """Fewest places that each group is promised.

    Parameters
    ----------
    supply : numpy.ndarray of int64, shape (n_groups,)
        Eligible accounts of each group.
    k : int
        Places of the list.
    floor : float
        Least share of places over share of supply, at most 1.

    Returns
    -------
    numpy.ndarray of int64, shape (n_groups,)
        Together at most `k`.

    Examples
    --------
    >>> least_places(np.array([70, 25, 5]), 10, 0.8).tolist()
    [5, 2, 0]
    """
    total = max(int(supply.sum()), 1)
    # What is whole but for the last digit of a product is whole.
    return np.floor(floor * k * supply / total + 1e-9).astype(np.int64)


def choose_places(
    groups: NDArray[np.integer],
    least: NDArray[np.int64],
    k: int,
    *,
    fixed: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Accounts with the highest total score among all lists that give each group its places.

    The best of each group take the places promised to it, the best of all others what is left.
    With groups that do not overlap no other list of that length has a higher total, whatever
    rising function of the scores is added up.

    Parameters
    ----------
    groups : numpy.ndarray of int, shape (n_accounts,)
        Group of each account, best account first.
    least : numpy.ndarray of int64, shape (n_groups,)
        Places promised to each group; one with fewer accounts gets them all.
    k : int
        Places of the list.
    fixed : numpy.ndarray of bool, shape (n_accounts,), optional
        Accounts that stand in the list in any case and take the places of their group first. Where
        they leave too few for what is promised to others, the best of these get them.

    Returns
    -------
    numpy.ndarray of int64
        Rows that are chosen, best first: `k`, or all where there are fewer, or the fixed ones
        where there are more.

    Examples
    --------
    >>> choose_places(np.array([0, 0, 0, 0, 1, 1]), np.array([1, 1]), 3).tolist()
    [0, 1, 4]
    """
    taken = np.zeros(len(groups), dtype=bool) if fixed is None else fixed.copy()
    owed = least - np.bincount(groups[taken], minlength=len(least))
    place = np.zeros(len(groups), dtype=np.int64)
    for group in range(len(least)):
        others = np.flatnonzero((groups == group) & ~taken)
        place[others] = np.arange(len(others))
    promised = np.flatnonzero(~taken & (place < owed[groups]))
    taken[promised[: max(k - int(taken.sum()), 0)]] = True
    rest = np.flatnonzero(~taken)
    taken[rest[: max(k - int(taken.sum()), 0)]] = True
    return np.flatnonzero(taken)
