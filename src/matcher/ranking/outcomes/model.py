"""Models of every outcome, and the distributions that they give pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from matcher.errors import MatcherError
from matcher.ranking.outcomes.contributions import centre_contributions, log_of_level
from matcher.ranking.outcomes.inputs import FormatShares, pair_inputs
from matcher.ranking.outcomes.names import objective_outcome
from matcher.ranking.outcomes.single import OutcomeModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.config import Objectives
    from matcher.features.pair_features import FeatureMatrix
    from matcher.ranking.outcomes.distribution import Distributions
    from matcher.ranking.outcomes.inputs import PairInputs

__all__ = ["Located", "OutcomeModel", "OutcomeModels"]


_FAR: Final = 0.5
"""Share of the usual spread from which a pair counts as outside of what was learnt from."""


@dataclass(frozen=True, eq=False)
class Located:
    """Where the log of an outcome of some pairs is expected, per post.

    Parameters
    ----------
    centre, spread : numpy.ndarray of float64, shape (n_pairs,)
        Its middle, and the size of the usual error.
    beyond : numpy.ndarray of float64, shape (n_pairs,)
        What comes to the error where values lie beyond those learnt from.
    """

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    beyond: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OutcomeModels:
    """Models of the outcomes of a market.

    Parameters
    ----------
    models : mapping of str to OutcomeModel
        By outcome, parents first.
    shares : FormatShares
        In which formats platforms post.
    usual_posts : float
        Posts per hire that history agreed on most; 1 where it tells of none.
    n_hires : int
        Hires that were learnt from.
    n_without_posts : int
        Those of them that do not tell how many posts they had, and count as one post each.
    """

    models: Mapping[str, OutcomeModel]
    shares: FormatShares
    usual_posts: float
    n_hires: int = 0
    n_without_posts: int = 0

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for name, model in self.models.items():
            if model.parent is not None and model.parent not in seen:
                raise MatcherError(f"outcome {name}: its parent {model.parent} must come before it")
            seen.add(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Outcomes that are predicted."""
        return tuple(self.models)

    def of_hires(self) -> OutcomeModels:
        """Models of accounts that a buyer chose, by more than any table shows.

        What they say beyond these models is what past hires had over others of the same features;
        it holds of hires that are looked back at, not of whom a list or a plan proposes.

        Returns
        -------
        OutcomeModels
            The same where it was not logged with which chance hires were chosen.
        """
        return replace(self, models={name: one.of_hires() for name, one in self.models.items()})

    def predict(
        self,
        matrix: FeatureMatrix,
        *,
        names: Sequence[str] | None = None,
        n_posts: float | NDArray[np.float64] | None = None,
        formats: Sequence[Sequence[str]] | None = None,
        rows: NDArray[np.int64] | None = None,
    ) -> dict[str, Distributions]:
        """Distributions of outcomes of pairs.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features of pairs.
        names : sequence of str, optional
            Outcomes; all when None.
        n_posts : float or numpy.ndarray of float64, shape (n_rows,), optional
            Posts that each account makes; those usual in history when None.
        formats : sequence of sequence of str, optional
            Formats of each row; those of its brief when None.
        rows : numpy.ndarray of int64, optional
            Rows of the matrix; all when None.

        Returns
        -------
        dict of str to Distributions
            By outcome, in the order of `rows`.
        """
        inputs = pair_inputs(matrix, self.shares, formats=formats, rows=rows)
        posts = np.full(len(inputs), self.usual_posts)
        if n_posts is not None:
            posts = np.broadcast_to(np.asarray(n_posts, dtype=np.float64), posts.shape).copy()
        wanted = self.names if names is None else [name for name in self.names if name in names]
        return {name: self._distributions(name, inputs, posts) for name in wanted}

    def order(self, matrix: FeatureMatrix, objectives: Objectives) -> NDArray[np.float64]:
        """Score of pairs by the outcome that stands for the objective of their brief.

        Its middle, not its mean: how far errors spread differs between cells and is known less
        surely, and on simulated markets the first ten by the middle brought more.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features of pairs.
        objectives : Objectives
            Outcomes that stand for each objective.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Log of the outcome per post, comparable within a brief; NaN where none is predicted.
        """
        pairs = matrix.pairs
        asked = [
            objective_outcome(brief.objective, self.names, objectives) for brief in pairs.briefs
        ]
        names = np.array(asked, dtype=object)[pairs.brief_codes]
        found = np.full(len(pairs), np.nan)
        inputs = pair_inputs(matrix, self.shares)
        for name in dict.fromkeys(one for one in asked if one is not None):
            rows = np.flatnonzero(names == name)
            found[rows] = self.locate(name, inputs.select(rows)).centre
        return found

    def contributions(
        self, name: str, matrix: FeatureMatrix, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What each feature adds to the score that `order` gives.

        Parameters
        ----------
        name : str
            Outcome.
        matrix : FeatureMatrix
            Features of pairs.
        rows : numpy.ndarray of int64
            Rows of the matrix.

        Returns
        -------
        numpy.ndarray of float64, shape (n_rows, n_features + 2)
            See `matcher.ranking.outcomes.contributions.centre_contributions`.
        """
        inputs = pair_inputs(matrix, self.shares, rows=rows)
        return centre_contributions(self.models, name, inputs)

    def lift(
        self, name: str, matrix: FeatureMatrix, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What a hire has over what the account's posts say of an ordinary ad.

        Parameters
        ----------
        name : str
            Outcome; of a multiple of another one, the other's lift counts.
        matrix : FeatureMatrix
            Features of pairs.
        rows : numpy.ndarray of int64
            Rows of the matrix.

        Returns
        -------
        numpy.ndarray of float64, shape (n_rows,)
            Ratio of the middles; 1 where hires taught nothing.
        """
        model = self.models[name]
        if model.forecast is None:
            assert model.parent is not None
            return self.lift(model.parent, matrix, rows)
        inputs = pair_inputs(matrix, self.shares, rows=rows)
        beyond = self.locate(name, inputs).centre - model.forecast.centre(inputs)
        return np.asarray(np.exp(beyond))

    def locate(self, name: str, inputs: PairInputs) -> Located:
        """Where the log of an outcome is expected, per post.

        Parameters
        ----------
        name : str
            Outcome.
        inputs : PairInputs
            Pairs.

        Returns
        -------
        Located
            In the scale of the outcome's kind.
        """
        model = self.models[name]
        if model.forecast is not None:
            base = model.forecast.centre(inputs)
            found = Located(
                base + model.slope * (base - model.middle),
                model.forecast.scale(inputs) ** model.sharpness,
                model.forecast.beyond(inputs),
            )
        else:
            assert model.parent is not None
            found = self.locate(model.parent, inputs)
            if self.models[model.parent].kind == "level":
                found = replace(found, centre=log_of_level(found.centre))
            found = replace(found, spread=np.sqrt(found.spread**2 + model.spread**2))
        if model.adjustment is None:
            return found
        values = inputs.columns(model.adjustment.names)
        return Located(
            found.centre + model.adjustment.predict(values),
            found.spread,
            np.hypot(found.beyond, model.adjustment.held_back(values)),
        )

    def _distributions(
        self, name: str, inputs: PairInputs, n_posts: NDArray[np.float64]
    ) -> Distributions:
        model = self.models[name]
        found = self.locate(name, inputs)
        placed = model.distributions(
            inputs, found.centre, np.hypot(found.spread, found.beyond), n_posts
        )
        return replace(
            placed,
            outside=found.beyond > _FAR * found.spread,
            expected=self._expected(model, inputs, n_posts),
        )

    def _expected(
        self, model: OutcomeModel, inputs: PairInputs, n_posts: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Mean of what is a rate of another outcome: that of the other, times the rate."""
        if model.parent is None or model.adjustment is None:
            return np.full(len(inputs), np.nan)
        parent = self._distributions(model.parent, inputs, n_posts).mean()
        rate = model.adjustment.predict(inputs.columns(model.adjustment.names))
        return np.asarray(parent * np.exp(rate) * model.factor)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, exact.

        Returns
        -------
        dict
            What `from_dict` reads.
        """
        return {
            "models": [model.to_dict() for model in self.models.values()],
            "shares": self.shares.shares.tolist(),
            "usual_posts": self.usual_posts,
            "n_hires": self.n_hires,
            "n_without_posts": self.n_without_posts,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Models of plain values.

        Parameters
        ----------
        content : mapping
            What `to_dict` gave.

        Returns
        -------
        OutcomeModels
            The same models.
        """
        models = [OutcomeModel.from_dict(one) for one in content["models"]]
        return cls(
            {model.name: model for model in models},
            FormatShares(np.array(content["shares"], dtype=np.float64)),
            float(content["usual_posts"]),
            int(content["n_hires"]),
            int(content["n_without_posts"]),
        )
