"""Follower tiers: bands of followers on one platform, always named with their scheme.

The published schemes contradict each other by a factor of ten, so a tier is never kept without the
id of its scheme, and follower counts of two platforms are never summed.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from matcher.errors import ConfigError

__all__ = ["SCHEMES", "TIERS", "UNKNOWN_TIER", "TierScheme", "assign_tier", "find_scheme"]

TIERS: Final = ("nano", "micro", "mid", "macro", "mega")
UNKNOWN_TIER: Final = "unknown"
"""Tier of an account whose followers are not known."""


@dataclass(frozen=True)
class TierScheme:
    """Bands of follower counts.

    Parameters
    ----------
    id : str
        Its id, kept beside every tier.
    starts : mapping of str to float
        Fewest followers of each tier it knows, ascending; the first starts at 0, since accounts
        below a scheme's published floor are still its smallest.
    source : str
        Who published it.
    """

    id: str
    starts: Mapping[str, float]
    source: str

    @property
    def tiers(self) -> tuple[str, ...]:
        """Tiers that the scheme knows, ascending."""
        return tuple(self.starts)


def _scheme(name: str, source: str, **starts: float) -> TierScheme:
    return TierScheme(name, MappingProxyType(dict(starts)), source)


SCHEMES: Final[Mapping[str, TierScheme]] = MappingProxyType(
    {
        scheme.id: scheme
        for scheme in (
            _scheme(
                "vn_agency",
                "Vietnamese agencies (Height Media 2025; SGGP 2025)",
                nano=0,
                micro=10_000,
                macro=100_000,
                mega=1_000_000,
            ),
            _scheme(
                "vn_event",
                "Viking event agency, Vietnam; the bands of HypeAuditor's reports since 2022",
                nano=0,
                micro=10_000,
                mid=50_000,
                macro=500_000,
                mega=1_000_000,
            ),
            _scheme(
                "later_fohr",
                "Later and Fohr 2021",
                nano=0,
                micro=10_000,
                mid=100_000,
                macro=500_000,
                mega=1_000_000,
            ),
            _scheme(
                "hypeauditor_classic",
                "HypeAuditor, audience quality score",
                nano=0,
                micro=5_000,
                mid=20_000,
                macro=100_000,
                mega=1_000_000,
            ),
            _scheme(
                "marketing_trips",
                "MarketingTrips, Vietnam",
                nano=0,
                micro=1_000,
                macro=40_000,
                mega=1_000_000,
            ),
        )
    }
)
"""Schemes by id; a band's lower bound belongs to it."""


def find_scheme(scheme: str) -> TierScheme:
    """Scheme of an id.

    Parameters
    ----------
    scheme : str
        Id, a key of `SCHEMES`.

    Returns
    -------
    TierScheme
        The scheme.

    Raises
    ------
    ConfigError
        If there is no such scheme.
    """
    if scheme not in SCHEMES:
        near = difflib.get_close_matches(scheme, SCHEMES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"tier_scheme: got {scheme!r}; expected one of {', '.join(SCHEMES)}{hint}"
        )
    return SCHEMES[scheme]


def assign_tier(n_followers: pd.Series, scheme: str = "vn_agency") -> pd.Series:
    """Tier of each account on its platform.

    Parameters
    ----------
    n_followers : pandas.Series, shape (n_accounts,)
        Followers on one platform; missing is not known.
    scheme : str, default "vn_agency"
        Id of the scheme.

    Returns
    -------
    pandas.Series of str, shape (n_accounts,)
        Tiers of the scheme, ``unknown`` where followers are missing; index as given.

    Raises
    ------
    ConfigError
        If there is no such scheme.

    Examples
    --------
    >>> assign_tier(pd.Series([800.0, 10_000.0, None])).tolist()
    ['nano', 'micro', 'unknown']
    """
    bands = find_scheme(scheme)
    counts = n_followers.to_numpy(dtype="float64", na_value=np.nan)
    names = np.array([*bands.tiers, UNKNOWN_TIER], dtype=object)
    band = np.searchsorted(list(bands.starts.values()), counts, side="right") - 1
    band = np.where(np.isnan(counts), len(bands.tiers), np.maximum(band, 0))
    return pd.Series(names[band], index=n_followers.index, dtype="str", name="tier")
