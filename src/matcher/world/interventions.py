"""Changes of the world that can be asked about, and the pairs they are asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from matcher.errors import UsageError
from matcher.world.buyers import Campaigns
from matcher.world.knobs import WorldKnobs
from matcher.world.people import People
from matcher.world.platforms import FORMAT_NAMES, PLATFORM_NAMES

__all__ = ["Intervention", "Pairs", "Setting"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Setting(Protocol):
    """What the outcomes of pairs rest on; a `Market` is one."""

    @property
    def people(self) -> People:
        """People and their accounts."""
        ...

    @property
    def campaigns(self) -> Campaigns:
        """What campaigns ask for."""
        ...

    @property
    def knobs(self) -> WorldKnobs:
        """The world."""
        ...

    @property
    def seed(self) -> int:
        """Seed of the world."""
        ...


@dataclass(frozen=True)
class Intervention:
    """A change of the world; the default changes nothing.

    Parameters
    ----------
    n_posts : int, optional
        Posts of each account, 1 or more.
    format : str, optional
        Format of the posts; must be in use on the platform of every account asked about.
    fee_ratio : float, optional
        Fee paid over the fee asked, above 0; as negotiated by default.
    days_later : float
        Days by which the posts are put off.
    sub_topic : str, optional
        What the campaign is about, ``category/sub_topic``.
    tone : int, optional
        Tone asked for; changes who is chosen, not what is earned.
    platform_reach : mapping of str to float
        Factor of a platform's exposure.
    followers : float
        Factor of authentic followers.
    ad_share : float, optional
        Sponsored share of the accounts' posts, 0..1.

    Raises
    ------
    UsageError
        If a value is out of range or a name unknown.
    """

    n_posts: int | None = None
    format: str | None = None
    fee_ratio: float | None = None
    days_later: float = 0.0
    sub_topic: str | None = None
    tone: int | None = None
    platform_reach: Mapping[str, float] = field(default_factory=dict)
    followers: float = 1.0
    ad_share: float | None = None

    def __post_init__(self) -> None:
        """Check kinds, ranges and names."""
        if not isinstance(self.platform_reach, Mapping):
            raise UsageError(
                f"intervention: platform_reach is {self.platform_reach!r}; expected a factor by "
                'platform, such as {"tiktok": 0.5}'
            )
        self._check_numbers()
        if self.ad_share is not None and not 0 <= self.ad_share <= 1:
            raise UsageError(f"intervention: ad_share is {self.ad_share}; expected 0..1")
        if self.format is not None and self.format not in FORMAT_NAMES:
            known = ", ".join(FORMAT_NAMES)
            raise UsageError(f"intervention: format `{self.format}`; expected one of: {known}")
        strange = sorted(set(self.platform_reach) - set(PLATFORM_NAMES))
        if strange:
            known = ", ".join(PLATFORM_NAMES)
            raise UsageError(
                f"intervention: platform_reach names {', '.join(strange)}; expected any of: {known}"
            )

    def _check_numbers(self) -> None:
        factors = {f"platform_reach.{name}": value for name, value in self.platform_reach.items()}
        optional = {
            "n_posts": self.n_posts,
            "fee_ratio": self.fee_ratio,
            "tone": self.tone,
            "ad_share": self.ad_share,
        }
        given = {name: value for name, value in optional.items() if value is not None}
        given |= {"days_later": self.days_later, "followers": self.followers, **factors}
        for name, value in given.items():
            if not _is_number(value):
                raise UsageError(f"intervention: {name} is {value!r}; expected a number")
        for name in ("n_posts", "tone"):
            if name in given and given[name] != int(given[name]):
                raise UsageError(f"intervention: {name} is {given[name]}; expected a whole number")
        for name in ("n_posts", "fee_ratio", "followers", *factors):
            if name in given and not given[name] > 0:
                raise UsageError(f"intervention: {name} is {given[name]}; expected more than 0")

    @classmethod
    def from_dict(cls, edits: Mapping[str, Any]) -> Intervention:
        """Build one from names and values, e.g. from a file.

        Parameters
        ----------
        edits : mapping of str to object
            Field to value; fields left out change nothing.

        Returns
        -------
        Intervention
            The change.

        Raises
        ------
        UsageError
            If a field is unknown or a value is out of range.
        """
        known = [entry.name for entry in fields(cls)]
        strange = sorted(set(edits) - set(known))
        if strange:
            raise UsageError(
                f"intervention: unknown {', '.join(strange[:5])}; expected any of: "
                + ", ".join(known)
            )
        return cls(**dict(edits))


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of campaign and account with what they have of their own; arrays of shape (n,)."""

    campaign: Ints
    account: Ints
    fit: Floats
    repeats: Floats

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.campaign)

    def take(self, rows: Ints) -> Pairs:
        """Some of the pairs.

        Parameters
        ----------
        rows : ndarray of int
            Rows to keep.

        Returns
        -------
        Pairs
            Those pairs, in the order of `rows`.
        """
        return Pairs(self.campaign[rows], self.account[rows], self.fit[rows], self.repeats[rows])
