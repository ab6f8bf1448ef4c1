"""Places of lists by group and by account, in expectation over a random order of ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.evaluation.ranked import rank_candidates
from matcher.evaluation.scored import UNKNOWN
from matcher.market.tiers import TIERS

if TYPE_CHECKING:
    from matcher.evaluation.ranked import BoolArray, FloatArray, IntArray
    from matcher.evaluation.scored import ScoredCandidates

__all__ = [
    "LEAST_SUPPLY",
    "LENGTHS",
    "SMALL",
    "Groups",
    "Places",
    "as_shares",
    "count_cells",
]

LENGTHS: Final = (10, 20)
"""Places of the lists that are looked at."""
LEAST_SUPPLY: Final = 0.01
"""Mean share of the eligible accounts below which groups, if there are several, stand together."""
SMALL: Final = "small groups"
"""Groups with little supply, together."""


@dataclass(frozen=True)
class Groups:
    """Groups of the candidates under one grouping.

    Parameters
    ----------
    by : str
        Grouping.
    names : tuple of str
        Groups in the order of reports: tiers by size, all others by falling supply, then
        ``small groups`` and ``unknown``.
    codes : numpy.ndarray of int, shape (n_rows,)
        Place of each candidate's group in `names`.
    merged : tuple of str
        Groups that stand together as ``small groups``, by falling supply.
    """

    by: str
    names: tuple[str, ...]
    codes: IntArray
    merged: tuple[str, ...]

    @classmethod
    def of(
        cls,
        pairs: ScoredCandidates,
        by: str,
        column: str,
        judged: BoolArray,
        *,
        merge: bool = True,
    ) -> Groups:
        """Groups of a column of the scored frame.

        Parameters
        ----------
        pairs : ScoredCandidates
            Candidates.
        by : str
            Grouping.
        column : str
            Column that names the group of each candidate; missing is ``unknown``.
        judged : numpy.ndarray of bool, shape (n_campaigns,)
            Campaigns from which supply is read.
        merge : bool, default True
            Whether groups with little supply stand together.

        Returns
        -------
        Groups
            Those of all candidates.
        """
        given = pairs.frame[column].astype(object)
        found, named = pd.factorize(given.where(given.notna(), UNKNOWN).astype(str), sort=True)
        names = [str(name) for name in named]
        supply = dict(zip(names, _mean_shares(pairs, found, len(names), judged), strict=True))
        small = [name for name in names if name != UNKNOWN and supply[name] < LEAST_SUPPLY]
        small = sorted(small, key=lambda name: -supply[name]) if merge and len(small) > 1 else []
        label_of = {name: SMALL if name in small else name for name in names}

        def place(name: str) -> tuple[int, float, str]:
            last = 2 * (name == UNKNOWN) + (name == SMALL)
            by_size = TIERS.index(name) if by == "tier" and name in TIERS else -supply.get(name, 0)
            return last, float(by_size), name

        labels = sorted(set(label_of.values()), key=place)
        code_of = np.array([labels.index(label_of[name]) for name in names], dtype=np.int64)
        return cls(by, tuple(labels), code_of[found], tuple(small))


@dataclass(frozen=True)
class Places:
    """Candidates near the top of a scorer's lists, in blocks of equal score.

    Parameters
    ----------
    rows : numpy.ndarray of int, shape (n,)
        Rows of the scored frame, by campaign and falling score.
    campaign, start, size : numpy.ndarray of int, shape (n,)
        Campaign of each, candidates of it with a higher score, and with an equal one.
    """

    rows: IntArray
    campaign: IntArray
    start: IntArray
    size: IntArray

    @classmethod
    def of(cls, pairs: ScoredCandidates, scores: FloatArray, judged: BoolArray) -> Places:
        """Candidates with a chance of standing in the longest lists that are looked at.

        Parameters
        ----------
        pairs : ScoredCandidates
            Candidates.
        scores : numpy.ndarray of float64, shape (n_rows,)
            Scores.
        judged : numpy.ndarray of bool, shape (n_campaigns,)
            Campaigns whose lists count.

        Returns
        -------
        Places
            Those candidates.
        """
        ranked = rank_candidates(pairs.codes, scores, n_campaigns=pairs.n_campaigns)
        campaign, start = ranked.campaign[ranked.block], ranked.start[ranked.block]
        near = np.flatnonzero((start < max(LENGTHS)) & judged[campaign])
        size = ranked.size[ranked.block]
        return cls(ranked.rows[near], campaign[near], start[near], size[near])

    def of_groups(self, groups: IntArray, n_groups: int, n_campaigns: int, k: int) -> FloatArray:
        """Expected places of each group in each campaign's list.

        Parameters
        ----------
        groups : numpy.ndarray of int, shape (n_rows,)
            Group of every candidate.
        n_groups, n_campaigns : int
            Numbers of both.
        k : int
            Places of a list.

        Returns
        -------
        numpy.ndarray of float64, shape (n_campaigns, n_groups)
            Places.
        """
        inside = self.start + self.size <= k
        crossing = ~inside & (self.start < k)
        whole, partly = (
            count_cells(self.campaign[part], groups[self.rows[part]], n_groups, n_campaigns)
            for part in (inside, crossing)
        )
        # One block at most crosses the last place; all of it has the same chance.
        chance = np.zeros(n_campaigns)
        chance[self.campaign[crossing]] = ((k - self.start) / self.size)[crossing]
        return np.asarray(whole + partly * chance[:, None])

    def of_accounts(
        self, accounts: IntArray, n_accounts: int, k: int
    ) -> tuple[FloatArray, FloatArray]:
        """Expected places of each account over all lists, and its chance of any.

        Parameters
        ----------
        accounts : numpy.ndarray of int, shape (n_rows,)
            Account of every candidate.
        n_accounts : int
            Number of accounts.
        k : int
            Places of a list.

        Returns
        -------
        had : numpy.ndarray of float64, shape (n_accounts,)
            Places.
        reached : numpy.ndarray of float64, shape (n_accounts,)
            Chance, 0 to 1.
        """
        chance = np.clip((k - self.start) / self.size, 0.0, 1.0)
        who = accounts[self.rows]
        had = np.bincount(who, weights=chance, minlength=n_accounts).astype(np.float64)
        missed = np.ones(n_accounts)
        np.multiply.at(missed, who, 1.0 - chance)
        return had, 1.0 - missed


def count_cells(
    campaigns: IntArray, groups: IntArray, n_groups: int, n_campaigns: int
) -> FloatArray:
    """Number of rows by campaign and group.

    Parameters
    ----------
    campaigns, groups : numpy.ndarray of int, shape (n_rows,)
        Codes.
    n_groups, n_campaigns : int
        Numbers of both.

    Returns
    -------
    numpy.ndarray of float64, shape (n_campaigns, n_groups)
        Counts.
    """
    cells = np.bincount(campaigns * n_groups + groups, minlength=n_campaigns * n_groups)
    return cells.reshape(n_campaigns, n_groups).astype(np.float64)


def as_shares(counts: FloatArray) -> FloatArray:
    """Counts over the sum of their row.

    Parameters
    ----------
    counts : numpy.ndarray of float64, shape (n_campaigns, n_groups)
        Counts.

    Returns
    -------
    numpy.ndarray of float64, shape (n_campaigns, n_groups)
        Shares; 0 in a row without any.
    """
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300))


def _mean_shares(
    pairs: ScoredCandidates, groups: IntArray, n_groups: int, judged: BoolArray
) -> FloatArray:
    shares = as_shares(count_cells(pairs.codes, groups, n_groups, judged.size))
    return np.asarray(shares[judged].mean(axis=0))
