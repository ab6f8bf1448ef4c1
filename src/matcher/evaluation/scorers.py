"""The scorers a model is compared with: baselines, plain learners and negative controls."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.evaluation.controls import OPPOSITE, Fit, permuted_fits
from matcher.features.context import FeatureContext, PairView
from matcher.features.expertise import brief_category, inferred_categories
from matcher.features.pair_features import FeatureMatrix, build_features
from matcher.features.pairs import Pairs
from matcher.features.segments import segment_mean
from matcher.market.taxonomy import read_taxonomy
from matcher.ranking.boosting import run_side_by_side
from matcher.ranking.fit import TrainingRows, fit_deliver, fit_hire, used_features
from matcher.text.encoder import random_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.ranking.boosting import BoostedRanker
    from matcher.ranking.model import Model

__all__ = [
    "BASELINES",
    "FITTED",
    "SCORERS",
    "FittedScorer",
    "Panel",
    "ScoredPairs",
    "category_match",
]

BASELINES: Final = (
    "random",
    "followers",
    "past_engagement",
    "category",
    "lexical",
    "cosine",
    "past_partners",
    "past_hires",
)
"""Scorers that learn nothing."""
FITTED: Final = ("lightgbm_plain", "missingness", "permuted", "random_vectors")
"""Learners and controls that are fitted anew in each block."""
SCORERS: Final = ("model", *BASELINES, *FITTED)
"""All scorers, in the order of reports."""

PLAIN_FEATURES: Final = (
    "followers_log",
    "engagements_expected",
    "content_centroid",
    "category_share",
    "hires_all",
    "posts_90d",
)
"""What anybody would try first."""


@dataclass(frozen=True)
class ScoredPairs:
    """Scores of the pairs of a block under every scorer and both questions.

    Parameters
    ----------
    hired, delivered : pandas.DataFrame
        One column per scorer (``permuted_0`` … for the draws of ``permuted``), aligned to the
        pairs.
    matrix : FeatureMatrix
        Features of the pairs.
    """

    hired: pd.DataFrame
    delivered: pd.DataFrame
    matrix: FeatureMatrix


def category_match(
    context: FeatureContext, pairs: Pairs
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How well an account's category fits that of the brief, as of the decision.

    Parameters
    ----------
    context : FeatureContext
        Market.
    pairs : Pairs
        Pairs.

    Returns
    -------
    score : numpy.ndarray of float64, shape (n_pairs,)
        1 for the brief's category, 0.5 for a related one, 0 otherwise; declared categories count
        where given, else the one that most earlier posts fall into.
    is_same : numpy.ndarray of bool, shape (n_pairs,)
        Whether the score is 1.
    """
    taxonomy = read_taxonomy()
    declared = context.index.influencers["categories"].to_numpy(object)
    score = np.zeros(len(pairs))
    for block in PairView(context, pairs).blocks:
        wanted = brief_category(context, block)
        if wanted is None:
            continue
        inferred = inferred_categories(context, block)
        near = np.array(
            [1.0 if other == wanted else 0.5 * taxonomy.related(wanted, other)
             for other in taxonomy.ids]
        )  # fmt: skip
        by_posts = np.where(inferred >= 0, near[inferred], 0.0)
        place = {category: near[code] for code, category in enumerate(taxonomy.ids)}
        score[block.rows] = [
            max((place.get(name, 0.0) for name in given), default=0.0) if given else posts
            for given, posts in zip(declared[block.accounts], by_posts, strict=True)
        ]
    return score, score == 1.0


def _uniform(pairs: Pairs, seed: int) -> NDArray[np.float64]:
    """Pseudo-random score of each pair, the same wherever the pair stands."""
    keys = zip(pairs.campaign_ids, pairs.account_ids, strict=True)
    digests = [hashlib.blake2b(f"{seed}\x1f{a}\x1f{b}".encode(), digest_size=8).digest()
               for a, b in keys]  # fmt: skip
    return np.array([int.from_bytes(digest, "big") for digest in digests]) / 2.0**64


def baseline_scores(
    context: FeatureContext, matrix: FeatureMatrix, seed: int
) -> dict[str, NDArray[np.float64]]:
    def column(name: str) -> NDArray[np.float64]:
        return matrix.columns([name])[:, 0]

    partners = (
        np.expm1(column("hires_brand"))
        + np.expm1(column("sponsored_brand"))
        + np.expm1(column("mentions_brand"))
    )
    return {
        "random": _uniform(matrix.pairs, seed),
        "followers": column("followers_log"),
        "past_engagement": column("engagements_expected"),
        "category": category_match(context, matrix.pairs)[0],
        "lexical": column("lexical_top5"),
        "cosine": column("content_top5"),
        "past_partners": partners,
        "past_hires": column("hires_all"),
    }


def missingness_features(context: FeatureContext, pairs: Pairs) -> FeatureMatrix:
    """Post count and shares of missing values only: what crawling alone gives away.

    Parameters
    ----------
    context : FeatureContext
        Market.
    pairs : Pairs
        Pairs.

    Returns
    -------
    FeatureMatrix
        ``n_posts`` and ``null_<column>`` over the posts published before the decision.
    """
    gaps = context.data.gaps
    names = ("n_posts", *gaps.names)
    values = np.full((len(pairs), len(names)), np.nan)
    for block in PairView(context, pairs).blocks:
        absent = gaps.before(block.posts, block.instant)
        values[block.rows, 0] = block.lengths
        for place in range(absent.shape[1]):
            values[block.rows, place + 1] = segment_mean(absent[:, place], block.lengths)
    return FeatureMatrix(values, names, pairs)


@dataclass(frozen=True)
class FittedScorer:
    """A learner or control of a block.

    Parameters
    ----------
    inputs : str
        Which features it scores: ``model``, ``lightgbm_plain``, ``missingness`` or
        ``random_vectors``.
    hire, deliver : BoostedRanker or None
        Answers to the two questions; None where there is none.
    """

    inputs: str
    hire: BoostedRanker | None
    deliver: BoostedRanker | None


@dataclass(frozen=True)
class Panel:
    """All scorers of a block of campaigns, fitted on what was known before it.

    Parameters
    ----------
    model : Model
        Model closed before the block.
    context : FeatureContext
        Market seen through the model.
    settings : Settings
        Settings.
    fitted : mapping of str to FittedScorer
        Learners and controls by score column; empty where nothing could be learnt.
    """

    model: Model
    context: FeatureContext
    settings: Settings
    fitted: Mapping[str, FittedScorer]

    @classmethod
    def fit(
        cls, model: Model, rows: TrainingRows | None, context: FeatureContext, settings: Settings
    ) -> Panel:
        """Fit the learners and controls on the rows that the model was trained on.

        Parameters
        ----------
        model : Model
            Model closed before the block.
        rows : TrainingRows or None
            What it was trained on; None leaves learners and controls out.
        context : FeatureContext
            Market seen through the model.
        settings : Settings
            Settings.

        Returns
        -------
        Panel
            All scorers.
        """
        unfitted = cls(model, context, settings, {})
        if rows is None:
            return unfitted
        jobs: dict[str, Callable[[], FittedScorer]] = {}
        for name in ("lightgbm_plain", "missingness", "random_vectors"):
            seen = replace(rows, matrix=unfitted._inputs(name, rows.matrix))
            jobs[name] = partial(_fit_learner, name, seen, settings)
        names = used_features(rows.matrix, settings.ranker.leave_out)
        for name, fit in permuted_fits(rows, names, settings).items():
            jobs[name] = partial(_fit_control, fit)
        fitted = run_side_by_side(jobs.values())
        return replace(unfitted, fitted=dict(zip(jobs, fitted, strict=True)))

    def score(self, pairs: Pairs, asked: NDArray[np.bool_]) -> ScoredPairs:
        """Scores of pairs under every scorer and both questions.

        Parameters
        ----------
        pairs : Pairs
            All candidates of some campaigns of the block.
        asked : numpy.ndarray of bool, shape (n_pairs,)
            Pairs whose delivery is judged; others get no score for it from the fitted scorers.

        Returns
        -------
        ScoredPairs
            Scores.
        """
        matrix = self.model.features(self.context, pairs)
        own = self.model.score(matrix)
        simple = baseline_scores(self.context, matrix, self.settings.evaluation.seed)
        hired = {"model": own["hire"].to_numpy(np.float64), **simple}
        delivered = {"model": own["deliver"].to_numpy(np.float64), **simple}
        delivered["model_lift"] = own["lift"].to_numpy(np.float64)
        delivered["regression_to_mean"] = -simple["past_engagement"]
        nothing = np.full(len(pairs), np.nan)
        for inputs in dict.fromkeys(found.inputs for found in self.fitted.values()):
            seen = self._inputs(inputs, matrix)
            here = {name: found for name, found in self.fitted.items() if found.inputs == inputs}
            rankers = [found.hire or found.deliver for found in here.values()]
            names = next((ranker.names for ranker in rankers if ranker is not None), ())
            values = seen.relative(names)
            jobs = [partial(_score_both, found, values, asked) for found in here.values()]
            for name, (hire, deliver) in zip(here, run_side_by_side(jobs), strict=True):
                hired[name] = nothing if hire is None else hire
                if not name.endswith(OPPOSITE):
                    delivered[name] = nothing if deliver is None else deliver
        return ScoredPairs(pd.DataFrame(hired), pd.DataFrame(delivered), matrix)

    def _inputs(self, inputs: str, matrix: FeatureMatrix) -> FeatureMatrix:
        """What a scorer sees of the pairs of a matrix."""
        if inputs == "model":
            return matrix
        if inputs == "lightgbm_plain":
            names = tuple(name for name in PLAIN_FEATURES if name in matrix.names)
            return FeatureMatrix(matrix.columns(names), names, matrix.pairs)
        if inputs == "missingness":
            return missingness_features(self.context, matrix.pairs)
        seed = self.settings.evaluation.seed
        noise = random_encoder(self.context.encoder.identity.dim, seed)
        control = replace(self.context, encoder=noise)
        return build_features(control, self.model.prior, matrix.pairs, families=("content",))


def _fit_learner(inputs: str, rows: TrainingRows, settings: Settings) -> FittedScorer:
    names = used_features(rows.matrix)
    if not names:
        return FittedScorer(inputs, None, None)
    return FittedScorer(
        inputs, fit_hire(rows, names, settings), fit_deliver(rows, names, settings)[0]
    )


def _fit_control(fit: Fit) -> FittedScorer:
    return FittedScorer("model", *fit())


def _score_both(
    found: FittedScorer, values: NDArray[np.float64], asked: NDArray[np.bool_]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    hire = None if found.hire is None else found.hire.score(values)
    if found.deliver is None:
        return hire, None
    deliver = np.full(len(values), np.nan)
    deliver[asked] = found.deliver.score(values[asked])
    return hire, deliver
