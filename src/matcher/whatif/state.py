"""A brief and a market, as they are or as a scenario has them, scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.ranking.outcomes.names import objective_outcome
from matcher.recommend.fees import build_fees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.market.brief import Brief
    from matcher.ranking.model import Model
    from matcher.ranking.outcomes.distribution import Distributions
    from matcher.recommend.fees import Fees
    from matcher.recommend.rows import Job, Scored
    from matcher.whatif.scenario import Scenario

__all__ = ["State", "main_outcome"]


@dataclass(frozen=True, eq=False)
class State:
    """A brief and a market, as they are or as a scenario has them, scored.

    Parameters
    ----------
    scenario : Scenario
        What differs from things as they are.
    job : Job
        Model and market that everything was scored with.
    ranked : Scored
        All candidates.
    order : numpy.ndarray of int64, shape (n_ranked,)
        Rows of the candidates, best first, one per person if asked; those that the brief must have
        stand before all others.
    factors : mapping of str to float
        What multiplies the outcomes on a platform from now on.
    n_posts : float, optional
        Posts that each account makes as things are; outcomes are in proportion to it. Those of the
        brief when None.
    has_other_formats : bool, default False
        Whether the brief asks for other formats than as things are.
    """

    scenario: Scenario
    job: Job
    ranked: Scored
    order: NDArray[np.int64]
    factors: Mapping[str, float] = field(default_factory=dict)
    n_posts: float | None = None
    has_other_formats: bool = False

    @property
    def brief(self) -> Brief:
        """The brief, as edited."""
        return self.ranked.brief

    @property
    def chosen(self) -> NDArray[np.int64]:
        """Rows of the list, best first."""
        return self.order[: max(self.job.top_k, self.n_fixed)]

    @property
    def n_fixed(self) -> int:
        """Accounts of the list that the brief must have."""
        fixed = np.isin(self.ranked.candidates.account_ids, list(self.brief.must_have))
        return int(fixed.sum())

    @property
    def hired(self) -> NDArray[np.int64]:
        """Rows of those who would be hired: as many as the brief asks for, else the list."""
        n = self.brief.n_creators
        return self.chosen if n is None else self.order[:n]

    @cached_property
    def fees(self) -> Fees:
        """Fees of the first of `order`, as many as the longer of list and hires."""
        n = max(len(self.chosen), len(self.hired))
        return build_fees(
            self.job.data,
            self.brief,
            self.ranked.candidates.codes[self.order[:n]],
            self.ranked.candidates.instant,
            language=self.job.language,
        )

    @cached_property
    def hired_outcomes(self) -> dict[str, Distributions]:
        """Distributions of what those who would be hired bring, by outcome."""
        return self.outcomes(self.hired)

    @cached_property
    def draws(self) -> dict[Any, Any]:
        """What was drawn of this state already, by what was drawn and the seed."""
        return {}

    def ids(self, rows: NDArray[np.int64]) -> NDArray[np.object_]:
        """Account ids of rows.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Rows of the candidates.

        Returns
        -------
        numpy.ndarray of object
            Their ids.
        """
        return self.ranked.candidates.account_ids[rows]

    def rows_of(self, account_ids: NDArray[np.object_]) -> NDArray[np.int64]:
        """Rows of accounts, -1 for one that is no candidate.

        Parameters
        ----------
        account_ids : numpy.ndarray of object
            Account ids.

        Returns
        -------
        numpy.ndarray of int64
            Rows of the candidates.
        """
        known = pd.Index(self.ranked.candidates.account_ids, dtype=object)
        return known.get_indexer(pd.Index(account_ids, dtype=object)).astype(np.int64)

    def rank_of(self, account_id: str) -> int | None:
        """Place of an account among all candidates.

        Parameters
        ----------
        account_id : str
            The account.

        Returns
        -------
        int or None
            From 1; None where it is no candidate, or another account of the person stands higher.
        """
        row = self.rows_of(np.array([account_id], dtype=object))[0]
        found = np.flatnonzero(self.order == row)
        return int(found[0]) + 1 if row >= 0 and len(found) else None

    def outcomes(
        self, rows: NDArray[np.int64], *, names: tuple[str, ...] | None = None
    ) -> dict[str, Distributions]:
        """Distributions of what candidates would bring.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Rows of the candidates.
        names : tuple of str, optional
            Outcomes; all when None.

        Returns
        -------
        dict of str to Distributions
            By outcome; empty where the model predicts none.
        """
        models = self.job.model.outcomes
        if models is None:
            return {}
        usual = models.usual_posts
        asked = self.brief.n_posts or usual
        now = asked if self.n_posts is None else self.n_posts
        found = models.predict(self.ranked.matrix, names=names, rows=rows, n_posts=now)
        factors = self.ranked.matrix.by_platform(self.factors)[rows] * (asked / now)
        if (factors == 1.0).all():
            return found
        return {name: one.scaled(factors) for name, one in found.items()}

    @property
    def main_outcome(self) -> str | None:
        """Outcome that stands for the objective; None where none is predicted."""
        return main_outcome(self.job.model, self.brief)


def main_outcome(model: Model, brief: Brief) -> str | None:
    """Outcome that stands for the objective of a brief.

    Parameters
    ----------
    model : Model
        Model.
    brief : Brief
        Brief.

    Returns
    -------
    str or None
        None where none is predicted.
    """
    objectives, models = model.settings.market.objectives, model.outcomes
    return None if models is None else objective_outcome(brief.objective, models.names, objectives)
