"""The model: text objects, priors and rankers that were closed at one instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.config import Settings
from matcher.errors import LeakageError, SupportError
from matcher.features.context import FeatureContext, MarketData
from matcher.features.pair_features import FEATURES, FeatureMatrix, build_features
from matcher.markup import html_facts
from matcher.ranking.stated import describe_fallback

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.features.context import Embed
    from matcher.features.pairs import Pairs
    from matcher.features.priors import LevelPrior
    from matcher.ranking.acceptance import AcceptanceModel
    from matcher.ranking.boosting import BoostedRanker
    from matcher.ranking.calibration import FitCalibration
    from matcher.ranking.outcomes.model import OutcomeModels
    from matcher.ranking.seen import SeenRanges
    from matcher.ranking.stated import StatedRanker
    from matcher.text.encoder import Encoder
    from matcher.text.lexical import Lexicon

__all__ = ["GROUP_OF", "Model", "describe_facts", "find_no_content"]

GROUP_OF: dict[str, str] = {spec.name: spec.group for spec in FEATURES}
"""Reason group of each feature."""


_REMARKS: Final = {
    "no_content": "content is not compared",
    "no_hire": "the ranker of hires learnt nothing",
    "no_fit_probability": "fit is not stated as a probability",
    "no_forecast": "no forecast from posts",
    "no_outcomes": "no outcome is predicted",
    "posts_unknown": "posts of hires",
    "no_deliver": "no order by what a hire delivers",
    "deliver_from_posts_alone": "what a hire delivers is forecast from posts alone",
}


def describe_facts(facts: Mapping[str, Any]) -> list[str]:
    """What a training could not learn, in sentences.

    Parameters
    ----------
    facts : mapping
        Facts of a model; ``trained_until`` among them is named.

    Returns
    -------
    list of str
        One per shortcoming; empty for none.
    """
    until = facts.get("trained_until")
    where = f" (trained until {until})" if until else ""
    said = [f"{text}{where}: {facts[key]}" for key, text in _REMARKS.items() if key in facts]
    return [*filter(None, [describe_fallback(facts)]), *said]


def find_no_content(encoder: Encoder, settings: Settings) -> dict[str, str]:
    """Fact that a built-in encoder had no text to learn from.

    Parameters
    ----------
    encoder : Encoder
        Encoder of a training.
    settings : Settings
        Its settings.

    Returns
    -------
    dict of str to str
        ``no_content`` with the reason; empty where texts were known, or another encoder was named.
    """
    if settings.encoder.name != "builtin" or not encoder.identity.name.startswith("random"):
        return {}
    return {"no_content": "no post and no bio with text is known before the cut"}


@dataclass(frozen=True)
class Model:
    """Everything needed to score pairs; nothing in it knows of anything after `trained_until`.

    Parameters
    ----------
    encoder : Encoder
        Text encoder.
    lexicon : Lexicon
        Document frequencies.
    prior : LevelPrior
        Expected levels of engagement.
    hire : BoostedRanker or StatedRanker
        Would a buyer with this brief choose this account; by a stated rule where there is no
        history of hires.
    deliver : BoostedRanker or None
        What comes of a hire; None where too few outcomes were known.
    lift : BoostedRanker or None
        What comes of a hire over the account's expected level.
    settings : Settings
        Settings it was trained with.
    trained_until : pandas.Timestamp
        Everything that was used was known strictly before.
    data_hash : str
        Hash of the market it was trained on.
    facts : mapping
        Counts of the training: campaigns, hires, rows, and why `deliver` is missing.
    calibration : FitCalibration or None
        What a place in the order of `hire` means; None where too few campaigns were known.
    seen : SeenRanges or None
        In which range each feature was seen in training; None for a model that does not know.
    outcomes : OutcomeModels or None
        Distributions of what a hire brings; None where too little was measured.
    acceptance : AcceptanceModel or None
        Whether an account accepts an invitation; None where too few answers were known.
    """

    encoder: Encoder
    lexicon: Lexicon
    prior: LevelPrior
    hire: BoostedRanker | StatedRanker
    deliver: BoostedRanker | None
    lift: BoostedRanker | None
    settings: Settings
    trained_until: pd.Timestamp
    data_hash: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    calibration: FitCalibration | None = None
    seen: SeenRanges | None = None
    outcomes: OutcomeModels | None = None
    acceptance: AcceptanceModel | None = None

    def _repr_html_(self) -> str:
        """What it was trained on, for notebooks; every text escaped."""
        identity = self.encoder.identity
        rankers = {"hire": self.hire, "deliver": self.deliver, "lift": self.lift}
        facts = {
            "fallback": self.facts.get("fallback"),
            "trained until": self.trained_until.isoformat(),
            "data": self.data_hash,
            "settings": self.settings.hash,
            "encoder": f"{identity.name}, {identity.dim} dimensions",
            **{f"ranker {name}": one.summary for name, one in rankers.items() if one is not None},
            "outcomes": None if self.outcomes is None else ", ".join(self.outcomes.names),
            **{name: value for name, value in self.facts.items() if isinstance(value, int | float)},
        }
        return html_facts(facts, title="model", notes=describe_facts(self.facts))

    def context(self, data: MarketData, embed: Embed | None = None) -> FeatureContext:
        """A market seen through the model's text objects.

        Parameters
        ----------
        data : MarketData
            Market.
        embed : callable, optional
            ``embed(encoder, texts, role)``, for an embedding cache.

        Returns
        -------
        FeatureContext
            Context for `features`.
        """
        threads = self.settings.ranker.n_threads
        if embed is None:
            return FeatureContext(data, self.encoder, self.lexicon, n_threads=threads)
        return FeatureContext(data, self.encoder, self.lexicon, embed, threads)

    def features(self, context: FeatureContext, pairs: Pairs) -> FeatureMatrix:
        """Features of pairs.

        Parameters
        ----------
        context : FeatureContext
            What `context` made.
        pairs : Pairs
            Pairs; all candidates of a brief together, since scores are relative to them.

        Returns
        -------
        FeatureMatrix
            Raw features.

        Raises
        ------
        LeakageError
            If a brief was decided before the model was closed.
        """
        if len(pairs.instants):
            self.check_closed_before(pd.Timestamp(pairs.instants.min()).tz_localize("UTC"))
        return build_features(context, self.prior, pairs)

    def check_closed_before(self, instant: pd.Timestamp) -> None:
        """Refuse to look from an instant at which the model was not closed yet.

        Parameters
        ----------
        instant : pandas.Timestamp
            Aware instant from which a brief is seen.

        Raises
        ------
        LeakageError
            If the model was closed after it.
        """
        if instant < self.trained_until:
            raise LeakageError(
                f"the model was trained until {self.trained_until} but a brief is seen from "
                f"{instant} (its decision, or --as-of); score it with a model closed before, or "
                "`evaluate` without a model, which walks forward"
            )

    def ranker(self, which: str) -> BoostedRanker | StatedRanker:
        """Ranker by name.

        Parameters
        ----------
        which : {"hire", "deliver", "lift"}
            Question.

        Returns
        -------
        BoostedRanker or StatedRanker
            Ranker.

        Raises
        ------
        SupportError
            If the model has no such ranker.
        """
        rankers = {"hire": self.hire, "deliver": self.deliver, "lift": self.lift}
        ranker = rankers.get(which)
        if ranker is None:
            raise SupportError(
                f"the model has no ranker {which!r}: {self.facts.get('no_deliver', 'unknown name')}"
            )
        return ranker

    def _inputs(self, matrix: FeatureMatrix, which: str) -> NDArray[np.float64]:
        return matrix.relative(self.ranker(which).names)

    def score(
        self, matrix: FeatureMatrix, questions: Sequence[str] = ("hire", "deliver", "lift")
    ) -> pd.DataFrame:
        """Scores of pairs under each question; the one road by which anything is scored.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features of all candidates of each brief.
        questions : sequence of str
            Which of ``hire``, ``deliver``, ``lift`` and ``outcome`` are asked; the last is the
            middle of the log of the outcome that stands for the objective of each brief.

        Returns
        -------
        pandas.DataFrame
            One float64 column per question; NaN where the model has no such ranker.
        """
        rankers = {"hire": self.hire, "deliver": self.deliver, "lift": self.lift}
        columns = {}
        for which in questions:
            if which == "outcome":
                columns[which] = self._outcome(matrix)
                continue
            ranker = rankers[which]
            if ranker is None:
                columns[which] = np.full(len(matrix.pairs), np.nan)
            else:
                columns[which] = ranker.score(self._inputs(matrix, which))
        return pd.DataFrame(columns)

    def _outcome(self, matrix: FeatureMatrix) -> NDArray[np.float64]:
        if self.outcomes is None:
            return np.full(len(matrix.pairs), np.nan)
        return self.outcomes.order(matrix, self.settings.market.objectives)

    def contributions(self, matrix: FeatureMatrix, ranker: str = "hire") -> NDArray[np.float64]:
        """Contribution of each feature to the score.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features of all candidates of each brief.
        ranker : {"hire", "deliver", "lift"}
            Question.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs, n_features + 1)
            In the order of `feature_names`, then the base value; rows sum to the score.
        """
        return self.ranker(ranker).contributions(self._inputs(matrix, ranker))

    def feature_names(self, ranker: str = "hire") -> tuple[str, ...]:
        """Features of a ranker, in the order of its contributions.

        Parameters
        ----------
        ranker : {"hire", "deliver", "lift"}
            Question.

        Returns
        -------
        tuple of str
            Names.
        """
        return self.ranker(ranker).names
