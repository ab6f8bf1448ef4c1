"""The model of one outcome, in plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from matcher.errors import MatcherError
from matcher.ranking.linear import LinearModel
from matcher.ranking.outcomes.centre import PostForecast
from matcher.ranking.outcomes.conformal import UNKNOWN_ERRORS, ErrorCells
from matcher.ranking.outcomes.distribution import Distributions
from matcher.ranking.outcomes.spreads import mean_of_errors, spread_of_posts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.ranking.outcomes.distribution import Kind
    from matcher.ranking.outcomes.inputs import PairInputs

__all__ = ["HiredErrors", "OutcomeModel"]


@dataclass(frozen=True, eq=False)
class HiredErrors:
    """Errors of hires as they were chosen.

    Parameters
    ----------
    errors : ErrorCells
        Standardised errors on hires that the model did not see.
    factor : float
        What means have to be multiplied by to be theirs.
    """

    errors: ErrorCells
    factor: float


@dataclass(frozen=True, eq=False)
class OutcomeModel:
    """Model of one outcome.

    Parameters
    ----------
    name : str
        Outcome.
    kind : {"level", "count", "rate"}
        ``level``: ln(1 + outcome per post) is located; ``count``: a Poisson number whose log mean
        is; ``rate``: ln(.001 + share).
    forecast : PostForecast or None
        What public posts say; None for what follows from `parent`.
    parent : str or None
        Outcome of which this one is a multiple.
    adjustment : LinearModel or None
        Log of what a hire has beyond the forecast, or per unit of the parent; None where too few
        hires were measured.
    slope, middle : float
        A hire has `slope` more per unit by which its forecast is above `middle`, that of the
        average candidate.
    spread : float
        Log standard deviation that comes to that of the parent.
    sharpness : float
        Power to which the forecast's expected size of the error is taken: 0 where hires err alike
        whatever it says.
    usual_posts : float
        Posts of most hires that it learnt from: those of which `adjustment` and the middle hold.
    shared_by_posts : float
        Share of the variance that all posts of a hire have in common.
    shared_by_campaign : float
        Share of the variance that all hires of a campaign have in common.
    factor : float
        What means have to be multiplied by to be those of hires that the model did not see.
    multipliers : tuple of float
        10 and 90 % quantile of the outcome per post and follower over past hires: what is often
        taken for a prediction, and here stands beside it; NaN where no followers are known.
    errors : ErrorCells
        Standardised errors on hires that the model did not see, weighted so that they are those of
        any candidate where it is logged with which chance hires were chosen.
    hired : HiredErrors or None
        What differs for accounts that a buyer chose by more than any table shows; None where that
        is not known, and errors and factor are those of hires.
    facts : mapping
        ``n_hires``, ``n_posts`` and what it was learnt from.
    """

    name: str
    kind: Kind
    forecast: PostForecast | None = None
    parent: str | None = None
    adjustment: LinearModel | None = None
    slope: float = 0.0
    middle: float = 0.0
    spread: float = 0.0
    sharpness: float = 1.0
    usual_posts: float = 1.0
    shared_by_posts: float = 0.5
    shared_by_campaign: float = 0.0
    factor: float = 1.0
    multipliers: tuple[float, float] = (math.nan, math.nan)
    errors: ErrorCells = UNKNOWN_ERRORS
    hired: HiredErrors | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.forecast is None) == (self.parent is None):
            raise MatcherError(
                f"outcome {self.name}: expected either a forecast from posts or a parent"
            )

    @property
    def is_of_hires_alone(self) -> bool:
        """Whether it was learnt from hires of whom nothing tells how far they stand for others."""
        return self.adjustment is not None and self.hired is None

    def of_hires(self) -> OutcomeModel:
        """Model of accounts that a buyer chose.

        Returns
        -------
        OutcomeModel
            The model itself where it knows no difference.
        """
        if self.hired is None:
            return self
        return replace(self, errors=self.hired.errors, factor=self.hired.factor, hired=None)

    def distributions(
        self,
        inputs: PairInputs,
        centre: NDArray[np.float64],
        spread: NDArray[np.float64],
        n_posts: NDArray[np.float64],
    ) -> Distributions:
        """Distributions around given middles.

        Twice the posts bring twice as much in the mean. Since many posts err less than one, the
        middle of their sum is nearer to its mean than that of one, and is moved by as much.

        Parameters
        ----------
        inputs : PairInputs
            Pairs.
        centre : numpy.ndarray of float64, shape (n,)
            Middle of the log per post, of a hire of the usual number of posts.
        spread : numpy.ndarray of float64, shape (n,)
            Its spread, were it a single post.
        n_posts : numpy.ndarray of float64, shape (n,)
            Posts of each pair.

        Returns
        -------
        Distributions
            Of the number of posts asked; none lies outside, means are those of the errors.
        """
        cells, errors, plain = self.errors.find(inputs.platforms, inputs.tiers)
        usual = spread * spread_of_posts(
            np.full(len(inputs), self.usual_posts), self.shared_by_posts
        )
        held = spread * spread_of_posts(n_posts, self.shared_by_posts)
        moved = np.zeros(len(inputs))
        other = np.flatnonzero(held != usual)
        for sign, one in ((1.0, usual), (-1.0, held)):
            moved[other] += sign * np.log(mean_of_errors(one[other], plain, cells[other]))
        return Distributions(
            outcome=self.name,
            kind=self.kind,
            centre=centre + moved,
            spread=held,
            n_posts=n_posts,
            cells=cells,
            errors=errors,
            plain=plain,
            outside=np.zeros(len(inputs), dtype=bool),
            expected=np.full(len(inputs), np.nan),
            factor=self.factor,
            shared=self.shared_by_campaign,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, exact.

        Returns
        -------
        dict
            What `from_dict` reads.
        """
        return {
            "name": self.name,
            "kind": self.kind,
            "forecast": None if self.forecast is None else self.forecast.to_dict(),
            "parent": self.parent,
            "adjustment": None if self.adjustment is None else self.adjustment.to_dict(),
            "slope": self.slope,
            "middle": self.middle,
            "spread": self.spread,
            "sharpness": self.sharpness,
            "usual_posts": self.usual_posts,
            "shared_by_posts": self.shared_by_posts,
            "shared_by_campaign": self.shared_by_campaign,
            "factor": self.factor,
            "multipliers": [None if math.isnan(one) else one for one in self.multipliers],
            "errors": self.errors.to_dict(),
            "hired": None
            if self.hired is None
            else {"errors": self.hired.errors.to_dict(), "factor": self.hired.factor},
            "facts": dict(self.facts),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Model of plain values.

        Parameters
        ----------
        content : mapping
            What `to_dict` gave.

        Returns
        -------
        OutcomeModel
            The same model.
        """
        forecast, adjustment = content["forecast"], content["adjustment"]
        hired = content.get("hired")
        return cls(
            name=content["name"],
            kind=content["kind"],
            forecast=None if forecast is None else PostForecast.from_dict(forecast),
            parent=content["parent"],
            adjustment=None if adjustment is None else LinearModel.from_dict(adjustment),
            slope=float(content["slope"]),
            middle=float(content["middle"]),
            spread=float(content["spread"]),
            sharpness=float(content["sharpness"]),
            usual_posts=float(content["usual_posts"]),
            shared_by_posts=float(content["shared_by_posts"]),
            shared_by_campaign=float(content["shared_by_campaign"]),
            factor=float(content["factor"]),
            multipliers=_numbers(content["multipliers"]),
            errors=ErrorCells.from_dict(content["errors"]),
            hired=None
            if hired is None
            else HiredErrors(ErrorCells.from_dict(hired["errors"]), float(hired["factor"])),
            facts=dict(content["facts"]),
        )


def _numbers(values: Sequence[float | None]) -> tuple[float, float]:
    low, high = (math.nan if one is None else float(one) for one in values)
    return low, high
