"""Whether a question lies where the model has learnt: distance of briefs, reach of features."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.columns import FORMATS, OBJECTIVES, PLATFORMS
from matcher.ranking.candidates import find_learnt_campaigns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext
    from matcher.market.brief import Brief
    from matcher.ranking.model import Model
    from matcher.whatif.desk import Desk
    from matcher.whatif.state import State

__all__ = [
    "FARTHEST",
    "LearntBriefs",
    "Support",
    "check_brief",
    "check_support",
    "find_learnt_briefs",
]

FARTHEST: Final = 0.99
"""Share of the briefs learnt from that lie nearer to their like; beyond it a brief is outside."""
_NEIGHBOURS: Final = 5
_LEAST_BRIEFS: Final = 20
"""Briefs learnt from below which nothing can be said of the distance of another one."""
_FAR: Final = 0.25
"""Widths of what was seen in training by which a feature may lie beyond it."""


@dataclass(frozen=True)
class Support:
    """Where a scenario lies beside what the model learnt from.

    Parameters
    ----------
    n_briefs : int
        Briefs of this market that the model learnt from: of campaigns that were decided, and all
        of whose hires were settled, before it was closed, as training counts them.
    percentile : float
        Share of them that lie nearer to their five nearest than this brief does; NaN where there
        are fewer than 20.
    baseline_percentile : float
        The same of the brief as it is.
    n_outside : int
        Accounts that would be hired whose prediction rests on figures beyond any learnt from.
    far_features : tuple of str
        Features of the edited accounts far beyond the range seen in training.
    """

    n_briefs: int
    percentile: float
    baseline_percentile: float
    n_outside: int
    far_features: tuple[str, ...] = ()

    @property
    def is_outside(self) -> bool:
        """Whether the answer should not be relied on: the brief, or an edited account, is far."""
        return bool(self.percentile > FARTHEST) or bool(self.far_features)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, None where unknown.

        Returns
        -------
        dict
            By name.
        """
        return {
            "n_briefs": self.n_briefs,
            "percentile": _known(self.percentile),
            "baseline_percentile": _known(self.baseline_percentile),
            "n_outside": self.n_outside,
            "far_features": list(self.far_features),
            "is_outside": self.is_outside,
        }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


@dataclass(frozen=True, eq=False)
class LearntBriefs:
    """Briefs that a model has learnt from, as points.

    Parameters
    ----------
    context : FeatureContext
        Market, whose encoder reads texts.
    terms : pandas.DataFrame
        Their terms.
    texts : numpy.ndarray of float64, shape (n_briefs, n_dims)
        Their embeddings.
    """

    context: FeatureContext = field(repr=False)
    terms: pd.DataFrame = field(repr=False)
    texts: NDArray[np.float64] = field(repr=False)
    _told: dict[str, float] = field(default_factory=dict, repr=False)

    @property
    def n(self) -> int:
        """Number of briefs."""
        return len(self.terms)

    def percentile(self, brief: Brief) -> float:
        """Share of the briefs learnt from that lie nearer to their five nearest than a brief does.

        Parameters
        ----------
        brief : Brief
            Brief.

        Returns
        -------
        float
            0 to 1; NaN where there are fewer than 20.
        """
        if self.n < _LEAST_BRIEFS:
            return float("nan")
        key = brief.model_dump_json()
        if key not in self._told:
            own = self._place(brief) - self._points
            gaps = np.sort(np.sqrt((own**2).sum(axis=1)))[:_NEIGHBOURS]
            self._told[key] = float((self._usual < gaps.mean()).mean())
        return self._told[key]

    @cached_property
    def _points(self) -> NDArray[np.float64]:
        return np.hstack((self.texts, _terms(self.terms, self.n) * np.sqrt(0.5)))

    @cached_property
    def _usual(self) -> NDArray[np.float64]:
        """Mean distance of each to its five nearest."""
        # By row, since all pairs of a few hundred briefs at once would fill the memory.
        gaps = [np.sqrt(((self._points - one) ** 2).sum(axis=1)) for one in self._points]
        table = np.array(gaps)
        np.fill_diagonal(table, np.inf)
        return np.asarray(np.sort(table, axis=1)[:, :_NEIGHBOURS].mean(axis=1))

    def _place(self, brief: Brief) -> NDArray[np.float64]:
        text = self.context.embed_briefs([brief]).astype(np.float64)
        terms = pd.concat([self.terms, pd.DataFrame([brief.model_dump()])], ignore_index=True)
        return np.hstack((text[0], _terms(terms, self.n)[-1] * np.sqrt(0.5)))


def find_learnt_briefs(model: Model, context: FeatureContext, brief: Brief) -> LearntBriefs:
    """Briefs of a market that a model has learnt from.

    Parameters
    ----------
    model : Model
        Model.
    context : FeatureContext
        Market.
    brief : Brief
        Brief that is asked about, which is not compared with itself.

    Returns
    -------
    LearntBriefs
        Those of the campaigns that training learns from: decided, and all of their hires settled,
        before the model was closed.
    """
    table, embeddings = context.past_briefs
    names = table["campaign_id"]
    learnt = set(find_learnt_campaigns(context.data.market, model.trained_until))
    rows = np.flatnonzero((names.isin(learnt) & (names != brief.brief_id)).to_numpy(bool))
    return LearntBriefs(context, table.iloc[rows], embeddings[rows].astype(np.float64))


def check_support(desk: Desk, state: State) -> Support:
    """Where a state lies beside what the model learnt from.

    Parameters
    ----------
    desk : Desk
        The desk.
    state : State
        One of its states.

    Returns
    -------
    Support
        Distances are those of texts (half of the weight), of terms, and of the logs of budget
        and number of creators.
    """
    main = state.hired_outcomes.get(state.main_outcome or "")
    n_outside = 0 if main is None else int(main.outside.sum())
    return replace(
        check_brief(desk, state.brief), n_outside=n_outside, far_features=_far_features(desk, state)
    )


def check_brief(desk: Desk, brief: Brief) -> Support:
    """Where a brief lies beside those learnt from; nothing is said of accounts.

    Parameters
    ----------
    desk : Desk
        The desk.
    brief : Brief
        The brief as edited.

    Returns
    -------
    Support
        Its distance.
    """
    learnt = desk.learnt
    return Support(learnt.n, learnt.percentile(brief), learnt.percentile(desk.brief), 0)


def _far_features(desk: Desk, state: State) -> tuple[str, ...]:
    """Features that edits of accounts carried beyond what was seen, or that joined beyond it."""
    seen = desk.job.model.seen
    joining = [one for edit in state.scenario.markets for one in edit.new_accounts or ()]
    named = [one.account_id for one in state.scenario.influencers]
    named += [one.account_id for one in joining]
    edited = np.array(named, dtype=object)
    if seen is None or not len(edited):
        return ()
    names = state.ranked.matrix.names
    excess = []
    for one in (state, desk.base):
        rows = one.rows_of(edited)
        values = one.ranked.matrix.values[np.maximum(rows, 0)]
        excess.append(np.where((rows >= 0)[:, None], seen.excess(names, values), 0.0))
    far = (excess[0] > _FAR) & (excess[0] > excess[1] + 1e-9)
    return tuple(np.array(names, dtype=object)[far.any(axis=0)].tolist())


def _terms(table: pd.DataFrame, n: int) -> NDArray[np.float64]:
    """Terms of briefs, each block of a size like that of a cosine distance."""
    parts: list[NDArray[np.float64]] = []
    for name, known in (("objective", OBJECTIVES), ("platforms", PLATFORMS), ("formats", FORMATS)):
        cells = [
            set() if one is None or one is pd.NA or isinstance(one, float)
            else {one} if isinstance(one, str) else set(one)
            for one in table[name].to_numpy(object)
        ]  # fmt: skip
        flags = np.array([[word in held for word in known] for held in cells], dtype=np.float64)
        parts.append(flags / np.sqrt(len(known)))
    currency = table["currency"].to_numpy(object)
    for name in ("budget", "n_creators"):
        value = np.log1p(pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64))
        if name == "budget":
            value = _within(value, currency, n)
        parts.append(_standard(value, n)[:, None] / 2.0)
    return np.hstack(parts)


def _within(
    value: NDArray[np.float64], currency: NDArray[np.object_], n: int
) -> NDArray[np.float64]:
    """Logs of money less the median of the briefs learnt from in the same currency."""
    found = np.full(len(value), np.nan)
    for one in {name for name in currency.tolist() if isinstance(name, str)}:
        own = currency == one
        usual = value[:n][own[:n]]
        known = usual[np.isfinite(usual)]
        if len(known):
            found[own] = value[own] - np.median(known)
    return found


def _standard(value: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Over the spread of the briefs learnt from; 0 where unknown."""
    known = value[:n][np.isfinite(value[:n])]
    spread = known.std() if len(known) > 1 else 0.0
    if not spread > 0:
        return np.zeros(len(value))
    return np.where(np.isfinite(value), (value - known.mean()) / spread, 0.0)
