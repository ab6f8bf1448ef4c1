"""Candidate pairs: briefs and accounts, each pair with the instant it is seen from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.errors import DataError, LeakageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.market.brief import Brief
    from matcher.market.market import Market

__all__ = ["Pairs", "build_pairs"]


@dataclass(frozen=True)
class Pairs:
    """Brief x account pairs, contiguous by brief.

    Parameters
    ----------
    briefs : tuple of Brief
        Briefs in the order of the pairs.
    instants : numpy.ndarray of datetime64[us], shape (n_briefs,)
        UTC instant from which each brief is decided; only what was known strictly before counts.
    brief_codes : numpy.ndarray of int64, shape (n_pairs,)
        Row of `briefs` of each pair, never decreasing.
    account_ids : numpy.ndarray of object, shape (n_pairs,)
        Account of each pair; unique within a brief.
    """

    briefs: tuple[Brief, ...]
    instants: NDArray[np.datetime64]
    brief_codes: NDArray[np.int64]
    account_ids: NDArray[np.object_]

    def __post_init__(self) -> None:
        if len(self.brief_codes) != len(self.account_ids):
            raise DataError(
                f"pairs: {len(self.brief_codes)} brief codes but {len(self.account_ids)} accounts"
            )
        if len(self.instants) != len(self.briefs):
            raise DataError(f"pairs: {len(self.briefs)} briefs but {len(self.instants)} instants")
        if np.isnat(self.instants).any():
            raise DataError("pairs: a brief has no decision instant; give --as-of")
        if len(self.brief_codes) and (np.diff(self.brief_codes) < 0).any():
            raise DataError("pairs: rows of a brief are not together; sort by brief first")

    def __len__(self) -> int:
        return len(self.brief_codes)

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """First row of each brief and, last, the number of rows; shape (n_briefs + 1,)."""
        return np.searchsorted(self.brief_codes, np.arange(len(self.briefs) + 1))

    @cached_property
    def campaign_ids(self) -> NDArray[np.object_]:
        """Brief id of each pair, shape (n_pairs,)."""
        ids = np.array([brief.brief_id for brief in self.briefs], dtype=object)
        return ids[self.brief_codes]

    @cached_property
    def pair_instants(self) -> NDArray[np.datetime64]:
        """Instant of each pair, shape (n_pairs,)."""
        return self.instants[self.brief_codes]

    def frame(self) -> pd.DataFrame:
        """Pairs as a frame of ``campaign_id, account_id``."""
        return pd.DataFrame(
            {
                "campaign_id": pd.Series(self.campaign_ids, dtype="str"),
                "account_id": pd.Series(self.account_ids, dtype="str"),
            }
        )

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Pairs:
        """Pairs of some rows; all briefs stay.

        Parameters
        ----------
        rows : numpy.ndarray of int64 or bool
            Row numbers in rising order, or a mask.

        Returns
        -------
        Pairs
            The chosen pairs.
        """
        return Pairs(self.briefs, self.instants, self.brief_codes[rows], self.account_ids[rows])

    def check_cut(self, market: Market) -> None:
        """Refuse pairs that look further than a market was cut.

        Parameters
        ----------
        market : Market
            Market that the pairs will be joined with.

        Raises
        ------
        LeakageError
            If the market is cut before the last instant of the pairs.
        """
        if market.cut_at is None or not len(self.instants):
            return
        last = pd.Timestamp(self.instants.max()).tz_localize("UTC")
        if last > market.cut_at:
            raise LeakageError(
                f"pairs are decided as late as {last} but the market is cut at {market.cut_at}; "
                "cut it at or after the last decision"
            )


def build_pairs(
    briefs: Sequence[Brief],
    candidates: Mapping[str, Sequence[str] | NDArray[np.object_]],
    *,
    instants: Mapping[str, pd.Timestamp],
) -> Pairs:
    """Pairs of briefs with their candidate accounts.

    Parameters
    ----------
    briefs : sequence of Brief
        Briefs with unique ids.
    candidates : mapping of str to sequence of str
        Accounts by brief id; a brief without an entry has no candidates.
    instants : mapping of str to pandas.Timestamp
        Decision instant by brief id, aware of its zone.

    Returns
    -------
    Pairs
        Contiguous by brief, accounts in the order given.

    Raises
    ------
    DataError
        If an account stands twice for a brief, or a brief id stands twice.
    """
    ids = [brief.brief_id for brief in briefs]
    if len(set(ids)) != len(ids):
        raise DataError("briefs: an id stands twice; give each brief its own `brief_id`")
    codes: list[NDArray[np.int64]] = []
    accounts: list[NDArray[np.object_]] = []
    for code, brief_id in enumerate(ids):
        chosen = np.asarray(candidates.get(brief_id, ()), dtype=object)
        if len(set(chosen)) != len(chosen):
            raise DataError(f"candidates of {brief_id}: an account stands twice")
        codes.append(np.full(len(chosen), code, dtype=np.int64))
        accounts.append(chosen)
    moments = [
        instants[brief_id].tz_convert("UTC").tz_localize(None).to_datetime64() for brief_id in ids
    ]
    return Pairs(
        briefs=tuple(briefs),
        instants=np.array(moments, dtype="datetime64[us]"),
        brief_codes=np.concatenate(codes) if codes else np.empty(0, dtype=np.int64),
        account_ids=np.concatenate(accounts) if accounts else np.empty(0, dtype=object),
    )
