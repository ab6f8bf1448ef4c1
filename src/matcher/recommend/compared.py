"""An account beside the others of the market, as of an instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.recommend.engagement import EngagementProfile, engagement_closeness
from matcher.recommend.likeness import (
    audience_overlaps,
    audience_shares,
    combine,
    content_cosines,
    share_below,
)
from matcher.retrieval.nearest import AccountCentroids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext
    from matcher.features.priors import LevelPrior

__all__ = ["PARTS", "Compared"]

PARTS: Final = ("content", "audience", "engagement")
"""What accounts are compared by."""


@dataclass(frozen=True)
class Compared:
    """An account and those it is compared with, as far as they were known before an instant.

    Parameters
    ----------
    code : int
        The account.
    codes : numpy.ndarray of int64, shape (n,)
        The others, rising.
    cosines : numpy.ndarray of float64, shape (n,)
        As from `content_cosines`.
    shares : pandas.DataFrame
        As from `audience_shares`.
    profile : EngagementProfile
        Figures of the account, first, and of the others.
    has_content : bool
        Whether the account itself has a post with text.
    n_few : int
        Accounts that are not compared, having too few earlier posts.
    """

    code: int
    codes: NDArray[np.int64]
    cosines: NDArray[np.float64]
    shares: pd.DataFrame
    profile: EngagementProfile
    has_content: bool
    n_few: int

    @classmethod
    def of(
        cls,
        context: FeatureContext,
        prior: LevelPrior,
        code: int,
        instant: int,
        *,
        min_posts: int,
        parts: Sequence[str] = PARTS,
    ) -> Compared:
        """Measure an account and all others with enough earlier posts.

        Parameters
        ----------
        context : FeatureContext
            Market and encoder.
        prior : LevelPrior
            Usual levels by tier and platform.
        code : int
            The account, whatever it posted.
        instant : int
            Microseconds since 1970; what was known strictly before it counts.
        min_posts : int
            Fewest earlier posts of another account.
        parts : sequence of str
            What will be compared; nothing is embedded without ``content``.

        Returns
        -------
        Compared
            Figures.
        """
        index = context.index
        everyone = np.arange(len(index.account_ids))
        starts, ends = index.posts_before(everyone, instant)
        enough = (ends - starts) >= min_posts
        codes = everyone[enough & (everyone != code)]
        cosines, has_content = np.full(len(codes), np.nan), False
        if "content" in parts:
            centroids = AccountCentroids(context, instant)
            cosines = content_cosines(centroids, code, codes)
            has_content = bool(centroids.rows[code].any())
        return cls(
            code,
            codes,
            cosines,
            audience_shares(index, instant),
            EngagementProfile.of(context.data, prior, np.concatenate(([code], codes)), instant),
            has_content,
            int((~enough & (everyone != code)).sum()),
        )

    def select(self, keep: NDArray[np.bool_]) -> Compared:
        """Comparison with some of the others.

        Parameters
        ----------
        keep : numpy.ndarray of bool, shape (n,)
            Whether each stays.

        Returns
        -------
        Compared
            The account and those.
        """
        return replace(
            self,
            codes=self.codes[keep],
            cosines=self.cosines[keep],
            profile=self.profile.select(np.concatenate(([True], keep))),
        )

    @cached_property
    def overlaps(self) -> dict[str, NDArray[np.float64]]:
        """Overlap of audiences by dimension; see `audience_overlaps`."""
        return audience_overlaps(self.shares, self.code, self.codes)

    @property
    def known_of_own(self) -> Mapping[str, bool]:
        """Whether each part is known of the account itself."""
        measures = self.profile.measures
        return {
            "content": self.has_content,
            "audience": bool((self.shares["code"] == self.code).any()),
            "engagement": any(
                np.isfinite(measures[name][0])
                for name in ("level", "rate_by_views", "rate_by_followers")
            ),
        }

    def nearness(self, parts: Sequence[str]) -> pd.DataFrame:
        """Share of the others that are less alike, by part, and the likeness of all parts.

        Parameters
        ----------
        parts : sequence of str
            Parts that count.

        Returns
        -------
        pandas.DataFrame
            Columns ``content, audience, engagement`` and ``likeness``, each 0 to 1, NaN where
            unknown or not asked for; one row per entry of `codes`.
        """
        closeness = engagement_closeness(self.profile, 0)
        aspects = {
            "content": [self.cosines],
            "audience": list(self.overlaps.values()),
            "engagement": [values[1:] for values in closeness.values()],
        }
        found = pd.DataFrame(np.nan, index=range(len(self.codes)), columns=[*PARTS, "likeness"])
        for part in parts:
            if aspects[part]:
                found[part] = share_below(combine(np.column_stack(aspects[part])))
        found["likeness"] = combine(found[list(parts)].to_numpy(np.float64))
        return found
