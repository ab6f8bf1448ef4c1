"""What a feature is: its column, its unit and formula, and when its inputs count as known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from matcher.columns import REASON_GROUPS
from matcher.errors import MatcherError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext, PairView

__all__ = ["Family", "FeatureSpec"]


@dataclass(frozen=True)
class FeatureSpec:
    """Declared metadata of one feature column.

    Parameters
    ----------
    name : str
        ASCII column name, unique among all features.
    unit : str
        Unit or scale, for example ``cosine, -1 to 1``.
    formula : str
        How it is computed.
    group : str
        Reason group, one of `matcher.columns.REASON_GROUPS`.
    known : str
        As-of rule: which instant decides whether an input may be used.
    trend : {-1, 0, 1}
        1 where more can only speak for an account, -1 where it can only speak against it, 0 where
        the domain does not say.
    """

    name: str
    unit: str
    formula: str
    group: str
    known: str
    trend: Literal[-1, 0, 1] = 0

    def __post_init__(self) -> None:
        if self.group not in REASON_GROUPS:
            raise MatcherError(
                f"feature {self.name}: got group {self.group!r}; expected one of "
                + ", ".join(REASON_GROUPS)
            )
        if not self.name.isascii() or not self.name.replace("_", "").isalnum():
            raise MatcherError(
                f"feature {self.name!r}: expected ASCII letters, digits and underscores"
            )


@dataclass(frozen=True)
class Family:
    """Features that are computed together.

    Parameters
    ----------
    name : str
        Name by which an ablation leaves the family out.
    specs : tuple of FeatureSpec
        Declared columns.
    compute : callable
        Pure function of a context and pairs seen in time; returns one float64 array of length
        ``n_pairs`` per declared column; NaN where the value is unknown.
    """

    name: str
    specs: tuple[FeatureSpec, ...]
    compute: Callable[[FeatureContext, PairView], Mapping[str, NDArray[np.float64]]]
