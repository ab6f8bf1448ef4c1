"""Features of one brief's candidates, family by family, kept where a scenario does not touch them.

A family whose inputs an edit leaves alone is looked up, all others are computed by the same
functions: the features are equal to those of `matcher.features.pair_features.build_features`.
Where accounts join, those of all others are looked up as if none had.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import MatcherError
from matcher.features.context import PairView
from matcher.features.pair_features import (
    FAMILIES,
    FeatureMatrix,
    compute_family,
    join_families,
)
from matcher.whatif.joined import JoinedContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext
    from matcher.features.pairs import Pairs
    from matcher.features.priors import LevelPrior
    from matcher.market.brief import Brief

__all__ = ["BRIEF_FIELDS", "MARKET_ASPECTS", "READ_OF_OTHERS", "SharedFeatures"]

_TEXT: Final = ("brief_id", "title", "brief")
_BRAND: Final = (
    "brand_id",
    "brand_name",
    "brand_category",
    "brand_description",
    "brand_owner",
    "competitor_ids",
)
BRIEF_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "content": _TEXT,
    "sponsored_content": _TEXT,
    "lexical": _TEXT,
    "bio": _TEXT,
    "language": ("brief_id", "brief_language", "creator_languages"),
    "expertise": ("brief_id", "brand_id", "brand_category"),
    "history": (*_TEXT, *_BRAND),
    "person_history": (*_TEXT, *_BRAND),
    "brand_contacts": (*_TEXT, *_BRAND),
    "affinity": (*_TEXT, *_BRAND),
    "reach": ("brief_id",),
    "follower_quality": ("brief_id",),
    "conduct": ("brief_id", *_BRAND),
    "audience": (
        "countries",
        "audience_age",
        "audience_gender",
        "audience_interests",
        "creator_languages",
    ),
    "price": ("brief_id", "formats", "currency", "budget", "n_creators"),
    "resonance": ("brief_id",),
    "windows": ("brief_id",),
    "snapshots": (),
}
"""Fields of the brief that a family reads, and what families share."""
_POSTS: Final = ("counters", "times")
MARKET_ASPECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "brand_contacts": ("times",),
    "reach": (*_POSTS, "snapshots"),
    "follower_quality": (*_POSTS, "snapshots"),
    "conduct": _POSTS,
    "audience": ("audiences",),
    "price": (*_POSTS, "rates"),
    "resonance": (*_POSTS, "snapshots"),
    "windows": _POSTS,
    "snapshots": ("snapshots",),
}
"""Aspects of the market that a family reads, besides ``accounts``, which tells newcomers apart."""

READ_OF_OTHERS: Final = ("brand_contacts", "affinity")
"""Families that look at other accounts too: at the captions for a brand, at those hired earlier.
An account that joins is neither, so that it changes no family of anybody else."""
_NAMES: Final = (*(family.name for family in FAMILIES), "resonance")
_Key = tuple[object, ...]


@dataclass
class _Kept:
    """Values by account code, for the accounts that were asked for so far."""

    codes: NDArray[np.int64]
    frame: pd.DataFrame

    def missing(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.setdiff1d(codes, self.codes)

    def add(self, codes: NDArray[np.int64], frame: pd.DataFrame) -> None:
        both = np.concatenate((self.codes, codes))
        order = np.argsort(both, kind="stable")
        joined = pd.concat([self.frame, frame], ignore_index=True) if len(self.codes) else frame
        self.codes, self.frame = both[order], joined.iloc[order].reset_index(drop=True)

    def take(self, codes: NDArray[np.int64]) -> pd.DataFrame:
        rows = np.searchsorted(self.codes, codes)
        return self.frame.iloc[rows].reset_index(drop=True)


@dataclass(frozen=True)
class _View(PairView):
    """Pairs whose windows and snapshots are looked up where they are known."""

    shared: SharedFeatures = field(kw_only=True)
    versions: Mapping[str, str] = field(kw_only=True)

    @cached_property
    def windows(self) -> pd.DataFrame:
        """As of `PairView`."""
        return self._kept("windows", lambda view: PairView(view.context, view.pairs).windows)

    @cached_property
    def snapshots(self) -> pd.DataFrame:
        """As of `PairView`."""
        return self._kept("snapshots", lambda view: PairView(view.context, view.pairs).snapshots)

    def _kept(self, what: str, make: Callable[[PairView], pd.DataFrame]) -> pd.DataFrame:
        return self.shared.look_up(what, self, self.versions, make)

    def part(self, rows: NDArray[np.int64]) -> _View:
        """View of some of the pairs."""
        return _View(
            self.context, self.pairs.select(rows), shared=self.shared, versions=self.versions
        )


@dataclass(frozen=True, eq=False)
class SharedFeatures:
    """Features of candidates under one model, kept between scenarios.

    Parameters
    ----------
    prior : LevelPrior
        Expected levels of engagement of the model.
    """

    prior: LevelPrior
    _store: dict[_Key, _Kept] = field(default_factory=dict, repr=False)

    def build(
        self, context: FeatureContext, pairs: Pairs, versions: Mapping[str, str]
    ) -> FeatureMatrix:
        """Features of the candidates of one brief.

        Parameters
        ----------
        context : FeatureContext
            Market, as it is or edited.
        pairs : Pairs
            All candidates of one brief, by rising account code.
        versions : mapping of str to str
            What tells edited aspects of the market from one another; an aspect that is not named
            is as in the market as it is.

        Returns
        -------
        FeatureMatrix
            Equal to `matcher.features.pair_features.build_features`.
        """
        if len(pairs.briefs) != 1:
            raise MatcherError(f"shared features: got {len(pairs.briefs)} briefs; expected one")
        pairs.check_cut(context.index.market)
        if isinstance(context, JoinedContext):
            return self._build_joined(context, pairs, versions)
        view = _View(context, pairs, shared=self, versions=versions)
        return join_families({name: self._family(name, view) for name in _NAMES}, view)

    def _build_joined(
        self, context: JoinedContext, pairs: Pairs, versions: Mapping[str, str]
    ) -> FeatureMatrix:
        """Features of those who were there, as before, and of those who joined."""
        is_new, _ = context.index.account_places.origin(
            context.index.account_codes(pairs.account_ids)
        )
        if not is_new.any():
            return self._build_others(context, pairs, versions)
        own = pairs.select(is_new)
        alone = _View(context.newcomers, own, shared=self, versions=versions)
        among = _View(context, own, shared=self, versions=versions)
        new = join_families(
            {
                name: self._family(name, among if name in READ_OF_OTHERS else alone)
                for name in _NAMES
            },
            alone,
        )
        if is_new.all():
            return new
        return _interleave(
            pairs, is_new, self._build_others(context, pairs.select(~is_new), versions), new
        )

    def _build_others(
        self, context: JoinedContext, pairs: Pairs, versions: Mapping[str, str]
    ) -> FeatureMatrix:
        held = {name: version for name, version in versions.items() if name != "accounts"}
        return self.build(context.others, pairs, held)

    def _family(self, name: str, view: _View) -> pd.DataFrame:
        return self.look_up(name, view, view.versions, partial(self._make, name))

    def _make(self, name: str, view: PairView) -> pd.DataFrame:
        return pd.DataFrame(dict(compute_family(name, self.prior, view)))

    def look_up(
        self,
        what: str,
        view: _View,
        versions: Mapping[str, str],
        make: Callable[[PairView], pd.DataFrame],
    ) -> pd.DataFrame:
        """Values of a family for the pairs of a view, computed for those not known yet.

        Parameters
        ----------
        what : str
            Family, or ``windows`` or ``snapshots``.
        view : PairView
            Pairs of one brief.
        versions : mapping of str to str
            As in `build`.
        make : callable
            Computes the values of the pairs of a view.

        Returns
        -------
        pandas.DataFrame
            One row per pair.
        """
        codes = view.accounts
        key = self._key(what, view.pairs.briefs[0], int(view.instants[0]), versions)
        kept = self._store.get(key)
        if kept is None:
            kept = self._store[key] = _Kept(np.empty(0, dtype=np.int64), pd.DataFrame())
        missing = kept.missing(codes)
        if len(missing):
            rows = np.flatnonzero(np.isin(codes, missing))
            part = view if len(rows) == len(codes) else view.part(rows)
            kept.add(codes[rows], make(part))
        return kept.take(codes)

    def _key(self, what: str, brief: Brief, instant: int, versions: Mapping[str, str]) -> _Key:
        read = (*MARKET_ASPECTS.get(what, ()), "accounts")
        return (
            what,
            instant,
            *(getattr(brief, name) for name in BRIEF_FIELDS[what]),
            *(versions.get(name, "") for name in read),
        )


def _interleave(
    pairs: Pairs, is_new: NDArray[np.bool_], old: FeatureMatrix, new: FeatureMatrix
) -> FeatureMatrix:
    """Rows of two matrices in the order of the pairs."""
    order = np.argsort(np.concatenate((np.flatnonzero(~is_new), np.flatnonzero(is_new))))
    values, platforms, tiers = (
        np.concatenate((getattr(old, name), getattr(new, name)))[order]
        for name in ("values", "platforms", "tiers")
    )
    return FeatureMatrix(values, old.names, pairs, platforms, tiers)
