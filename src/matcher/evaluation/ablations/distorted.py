"""Features of judged pairs that are seen distorted, under a model fitted on what was there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.evaluation.ablations.sources import Other, swap_columns
from matcher.features.activity import resonance
from matcher.features.context import PairView
from matcher.features.index import MarketIndex
from matcher.features.pair_features import FAMILIES, FeatureMatrix, build_features
from matcher.features.snapshots import newest_snapshots
from matcher.market.instants import to_microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.ablations.distortions import BriefChange
    from matcher.features.context import FeatureContext, MarketData
    from matcher.features.priors import LevelPrior

__all__ = ["FRAUD", "FRAUD_ABOUT", "Distorter", "buys_followers"]

_SHARE: Final = 0.1
_FACTOR: Final = 5.0
_DAYS: Final = 60
_DAY_US: Final = 86_400_000_000

FRAUD: Final = "inflated followers"
FRAUD_ABOUT: Final = (
    f"a random {_SHARE:.0%} of the accounts count {_FACTOR:g} times their followers in every "
    f"snapshot from {_DAYS} days before the decision on; what their posts reach stays"
)

_OF_BRIEFS: Final = (
    "content",
    "sponsored_content",
    "lexical",
    "bio",
    "language",
    "history",
    "brand_contacts",
    "affinity",
)
"""Families that read the text or the language of a brief."""
_OF_POSTS: Final = (
    "content",
    "sponsored_content",
    "lexical",
    "bio",
    "expertise",
    "brand_contacts",
    "affinity",
)
"""Families that read what creators write."""
_OF_FOLLOWERS: Final = ("reach", "follower_quality")
"""Families that read followers, beside ``resonance``."""


@dataclass(frozen=True)
class Distorter:
    """Computes what differs when judged pairs are seen distorted; the candidates stay.

    Parameters
    ----------
    context : FeatureContext
        Market seen through the model.
    prior : LevelPrior
        Expected levels.
    leave_out : tuple of str
        Families that the model does not learn from, and that stay as they are.
    seed : int
        Which accounts buy followers.
    """

    context: FeatureContext
    prior: LevelPrior
    leave_out: tuple[str, ...]
    seed: int

    def _families(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in self.leave_out)

    def retold(
        self, matrix: FeatureMatrix, change: BriefChange
    ) -> tuple[FeatureMatrix, frozenset[str]]:
        """Pairs whose briefs are told in another way.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features under the briefs as they are.
        change : BriefChange
            What becomes of them.

        Returns
        -------
        matrix : FeatureMatrix
            Features under the changed briefs; those of other campaigns as they were.
        campaign_ids : frozenset of str
            Campaigns whose brief changes.
        """
        pairs = matrix.pairs
        told = [change.retell(brief) for brief in pairs.briefs]
        changed = np.array([brief is not None for brief in told], dtype=bool)
        if not changed.any():
            return matrix, frozenset()
        briefs = [old if new is None else new for old, new in zip(pairs.briefs, told, strict=True)]
        whole = replace(pairs, briefs=tuple(briefs))
        rows = changed[pairs.brief_codes]
        found = build_features(
            self.context, self.prior, whole.select(rows), families=self._families(_OF_BRIEFS)
        )
        values = matrix.values.copy()
        place = {name: column for column, name in enumerate(matrix.names)}
        columns = np.array([place[name] for name in found.names], dtype=np.int64)
        values[np.ix_(rows, columns)] = found.values
        ids = [brief.brief_id for brief in pairs.briefs]
        return (
            FeatureMatrix(values, matrix.names, whole),
            frozenset(ids[code] for code in np.flatnonzero(changed).tolist()),
        )

    def rewritten(self, matrix: FeatureMatrix, data: MarketData) -> FeatureMatrix:
        """Pairs whose creators write in another way.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features as they are.
        data : MarketData
            What `matcher.evaluation.ablations.distortions.rewritten_data` made.

        Returns
        -------
        FeatureMatrix
            Features under the encoder and lexicon of the model.
        """
        seen = replace(self.context, data=data)
        return Other(seen, self.prior, self._families(_OF_POSTS)).of(matrix)

    def inflated(self, matrix: FeatureMatrix) -> tuple[FeatureMatrix, frozenset[str]]:
        """Pairs of which some accounts bought followers before the decision.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features as they are.

        Returns
        -------
        matrix : FeatureMatrix
            Features from inflated snapshots.
        campaign_ids : frozenset of str
            Campaigns of which a candidate seems larger than it is.
        """
        pairs = matrix.pairs
        view = _InflatedView(self.context, pairs, self.seed)
        honest = PairView(self.context, pairs).snapshots["n_followers"]
        moved = np.asarray(view.snapshots["n_followers"] > honest)
        if not moved.any():
            return matrix, frozenset()
        columns: dict[str, NDArray[np.float64]] = {}
        for family in FAMILIES:
            if family.name in self._families(_OF_FOLLOWERS):
                columns.update(family.compute(self.context, view))
        if "resonance" not in self.leave_out:
            columns.update(resonance(self.prior, view))
        names = tuple(name for name in matrix.names if name in columns)
        values = np.column_stack([columns[name] for name in names])
        codes = np.unique(pairs.brief_codes[moved])
        return (
            swap_columns(matrix, FeatureMatrix(values, names, pairs)),
            frozenset(pairs.briefs[code].brief_id for code in codes.tolist()),
        )


def buys_followers(account_ids: NDArray[np.object_], seed: int) -> NDArray[np.bool_]:
    """Which accounts buy followers: about a tenth, at random.

    Parameters
    ----------
    account_ids : numpy.ndarray of str, shape (n,)
        Account ids.
    seed : int
        Another seed chooses others.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        The same for an account wherever it stands.
    """
    digests = [
        hashlib.blake2b(f"{seed}\x1f{name}".encode(), digest_size=8).digest()
        for name in account_ids.tolist()
    ]
    drawn = np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.float64)
    return np.asarray(drawn / 2.0**64 < _SHARE)


@dataclass(frozen=True)
class _InflatedView(PairView):
    """Pairs as they seem where some accounts bought followers."""

    seed: int = 0

    @cached_property
    def snapshots(self) -> pd.DataFrame:
        market = self.context.index.market
        table = market.tables["account_snapshots"]
        bought = buys_followers(table["account_id"].to_numpy(object), self.seed)
        taken = to_microseconds(table["as_of"])
        parts = []
        for block in self.blocks:
            late = bought & (taken >= block.instant - _DAYS * _DAY_US)
            followers = table["n_followers"].mask(late, table["n_followers"] * _FACTOR)
            tables = {**market.tables, "account_snapshots": table.assign(n_followers=followers)}
            index = MarketIndex(replace(market, tables=tables))
            parts.append(newest_snapshots(index, block.accounts, self.instants[block.rows]))
        return pd.concat(parts, ignore_index=True)
