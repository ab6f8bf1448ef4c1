"""How accounts post and what comes of it, and how near to each other they stand in that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.columns import FORMATS
from matcher.features.snapshots import newest_snapshots
from matcher.features.windows import window_aggregates
from matcher.market.tiers import assign_tier
from matcher.recommend.likeness import share_below

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.features.index import MarketIndex
    from matcher.features.priors import LevelPrior

__all__ = ["EngagementProfile", "engagement_closeness"]

_DAY: Final = 86_400_000_000


@dataclass(frozen=True)
class EngagementProfile:
    """How some accounts post and what comes of it, from what was known before an instant.

    Parameters
    ----------
    codes : numpy.ndarray of int64, shape (n,)
        Account codes.
    measures : mapping of str to numpy.ndarray of float64, shape (n,)
        ``level`` (median engagements as a log ratio to the usual one of tier and platform),
        ``rate_by_views`` and ``rate_by_followers`` (medians, fractions), ``cadence`` (posts a
        week over the last year) and ``growth`` (log ratio of followers per 30 days); NaN where
        unknown.
    formats : numpy.ndarray of float64, shape (n, n_formats)
        Share of posts by format of `matcher.columns.FORMATS`; NaN without a post of known format.
    tiers : numpy.ndarray of object, shape (n,)
        Follower tier, ``unknown`` without followers.
    """

    codes: NDArray[np.int64]
    measures: Mapping[str, NDArray[np.float64]]
    formats: NDArray[np.float64]
    tiers: NDArray[np.object_]

    @classmethod
    def of(
        cls, data: MarketData, prior: LevelPrior, codes: NDArray[np.int64], instant: int
    ) -> EngagementProfile:
        """Measure accounts.

        Parameters
        ----------
        data : MarketData
            Market.
        prior : LevelPrior
            Usual levels by tier and platform.
        codes : numpy.ndarray of int64, shape (n,)
            Account codes, each once.
        instant : int
            Microseconds since 1970; what was known strictly before it counts.

        Returns
        -------
        EngagementProfile
            Their figures.
        """
        index = data.index
        instants = np.full(len(codes), instant)
        seen = window_aggregates(data.spans, codes, instants)
        snapshots = newest_snapshots(index, codes, instants)
        tiers = assign_tier(snapshots["n_followers"], index.market.settings.tier_scheme)
        platforms = index.accounts["platform"].to_numpy(object)[codes]
        level = seen["engagements_level"].to_numpy(np.float64)
        followers = snapshots["n_followers"].to_numpy(np.float64)
        before = snapshots["n_followers_before"].to_numpy(np.float64)
        days = snapshots["days_between"].to_numpy(np.float64)
        active = np.minimum((instant - seen["oldest"].to_numpy(np.float64)) / _DAY, 365.0)
        usual = prior.level("engagements_level", platforms, tiers.to_numpy(object))
        with np.errstate(divide="ignore", invalid="ignore"):
            by_followers = np.where(followers > 0, np.expm1(level) / followers, np.nan)
            growth = (np.log1p(followers) - np.log1p(before)) / np.where(days > 0, days, np.nan)
        return cls(
            codes,
            {
                "level": level - usual,
                "rate_by_views": seen["rate_by_views"].to_numpy(np.float64),
                "rate_by_followers": by_followers,
                "cadence": seen["n_posts_365d"].to_numpy(np.float64)
                / (np.maximum(active, 7.0) / 7.0),
                "growth": 30.0 * growth,
            },
            _format_shares(index, codes, instant),
            tiers.to_numpy(object),
        )

    def select(self, keep: NDArray[np.bool_]) -> EngagementProfile:
        """Figures of some of the accounts.

        Parameters
        ----------
        keep : numpy.ndarray of bool, shape (n,)
            Whether each stays.

        Returns
        -------
        EngagementProfile
            Theirs.
        """
        return EngagementProfile(
            self.codes[keep],
            {name: values[keep] for name, values in self.measures.items()},
            self.formats[keep],
            self.tiers[keep],
        )


def _format_shares(
    index: MarketIndex, codes: NDArray[np.int64], instant: int
) -> NDArray[np.float64]:
    starts, ends = index.posts_before(codes, instant)
    formats = pd.Index(FORMATS).get_indexer(pd.Index(index.posts["format"].to_numpy(object)))
    counts = np.empty((len(codes), len(FORMATS)))
    for place in range(len(FORMATS)):
        sums = np.concatenate(([0], np.cumsum(formats == place)))
        counts[:, place] = sums[ends] - sums[starts]
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.nan)


def engagement_closeness(profile: EngagementProfile, place: int) -> dict[str, NDArray[np.float64]]:
    """How near accounts stand to one of them in each measure of engagement.

    Measures are compared by the share of accounts that have less, which makes them comparable with
    each other: 1 less the distance of both shares. Formats are compared by 1 less the distance of
    both mixes in total variation. The rate is that by views where both have one, else that by
    followers.

    Parameters
    ----------
    profile : EngagementProfile
        Accounts.
    place : int
        Row of the account that the others are compared with.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (n,)
        ``level, rate, cadence, growth, formats``, each 0 to 1; NaN where one of both is unknown.
        All are NaN where neither level nor rate is known, since habits alone are no engagement.
    """
    near = {}
    for name, values in profile.measures.items():
        stands = share_below(values)
        near[name] = 1.0 - np.abs(stands - stands[place])
    by_views = near.pop("rate_by_views")
    by_followers = near.pop("rate_by_followers")
    near["rate"] = np.where(np.isfinite(by_views), by_views, by_followers)
    near["formats"] = 1.0 - np.abs(profile.formats - profile.formats[place]).sum(axis=1) / 2
    measured = np.isfinite(near["level"]) | np.isfinite(near["rate"])
    order = ("level", "rate", "cadence", "growth", "formats")
    return {name: np.where(measured, near[name], np.nan) for name in order}
