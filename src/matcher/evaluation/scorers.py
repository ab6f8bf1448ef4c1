"""The scorers a model is compared with: baselines, plain learners and negative controls."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.evaluation.controls import Learner, permuted_learners, score_asked
from matcher.features.context import FeatureContext, PairView
from matcher.features.expertise import brief_category, inferred_categories
from matcher.features.pair_features import FeatureMatrix, build_features
from matcher.features.pairs import Pairs
from matcher.features.segments import segment_mean
from matcher.market.instants import to_microseconds
from matcher.market.taxonomy import read_taxonomy
from matcher.ranking.boosting import run_side_by_side
from matcher.ranking.fit import TrainingRows, fit_deliver, fit_hire, used_features
from matcher.text.encoder import random_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.index import MarketIndex
    from matcher.ranking.model import Model

__all__ = [
    "BASELINES",
    "FITTED",
    "SCORERS",
    "ScoredPairs",
    "category_match",
    "score_block",
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

_FIXED_COLUMNS: Final = ("text", "language", "duration_s", "is_sponsored", "sponsor_brand_id")
_COUNTER_COLUMNS: Final = ("views", "likes", "comments", "shares", "saves", "reach", "impressions")


@dataclass(frozen=True)
class ScoredPairs:
    """Scores of the pairs of a block under every scorer and both questions.

    Parameters
    ----------
    hired, delivered : pandas.DataFrame
        One column per scorer (``permuted_0`` … for the draws of ``permuted``), aligned to `pairs`.
    pairs : Pairs
        Pairs.
    """

    hired: pd.DataFrame
    delivered: pd.DataFrame
    pairs: Pairs


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
    index = context.index
    fixed = index.posts[list(_FIXED_COLUMNS)].isna().to_numpy(np.float64)
    first_read, unread = _first_readings(index)
    names = ("n_posts", *(f"null_{name}" for name in (*_FIXED_COLUMNS, *_COUNTER_COLUMNS)))
    values = np.full((len(pairs), len(names)), np.nan)
    for block in PairView(context, pairs).blocks:
        read = first_read[block.posts] < block.instant
        counters = np.where(read[:, None], unread[block.posts], 1.0)
        absent = np.column_stack((fixed[block.posts], counters))
        values[block.rows, 0] = block.lengths
        for place in range(absent.shape[1]):
            values[block.rows, place + 1] = segment_mean(absent[:, place], block.lengths)
    return FeatureMatrix(values, names, pairs)


def _first_readings(index: MarketIndex) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """When each post was first read, and which counters that reading lacked."""
    readings = index.market.readings.sort_values("known_at").drop_duplicates("post_id")
    posts = index.post_ids.get_indexer(pd.Index(readings["post_id"].to_numpy(object)))
    first = np.full(len(index.post_ids), np.iinfo(np.int64).max)
    first[posts[posts >= 0]] = to_microseconds(readings["known_at"])[posts >= 0]
    unread = np.ones((len(first), len(_COUNTER_COLUMNS)))
    missing = readings[list(_COUNTER_COLUMNS)].isna().to_numpy(np.float64)
    unread[posts[posts >= 0]] = missing[posts >= 0]
    return first, unread


def score_block(
    model: Model,
    rows: TrainingRows | None,
    context: FeatureContext,
    pairs: Pairs,
    *,
    asked: NDArray[np.bool_],
    settings: Settings,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[ScoredPairs, FeatureMatrix]:
    """Scores of all scorers on the campaigns of a block.

    Parameters
    ----------
    model : Model
        Model closed before the block.
    rows : TrainingRows or None
        What it was trained on; the fitted baselines learn from the same rows. None leaves them out.
    context : FeatureContext
        Market seen through the model.
    pairs : Pairs
        Candidates of the block's campaigns.
    asked : numpy.ndarray of bool, shape (n_pairs,)
        Pairs whose delivery is judged; others get no score for it from the fitted scorers.
    settings : Settings
        Settings.
    tell : callable, optional
        Told the name of each step as it begins.

    Returns
    -------
    scored : ScoredPairs
        Scores.
    matrix : FeatureMatrix
        Features of the candidates under the model.
    """
    tell("features")
    matrix = model.features(context, pairs)
    own = model.score(matrix)
    tell("baselines")
    simple = baseline_scores(context, matrix, settings.evaluation.seed)
    hired = {"model": own["hire"].to_numpy(np.float64), **simple}
    delivered = {"model": own["deliver"].to_numpy(np.float64), **simple}
    delivered["model_lift"] = own["lift"].to_numpy(np.float64)
    delivered["regression_to_mean"] = -simple["past_engagement"]
    if rows is None:
        return ScoredPairs(pd.DataFrame(hired), pd.DataFrame(delivered), pairs), matrix
    inputs = _fitted_inputs(model, rows, context, matrix, settings)
    tell("controls")
    learners: dict[str, Learner] = {
        name: partial(_fit_and_score, train, test, settings, asked) for name, train, test in inputs
    }
    names = used_features(rows.matrix, settings.ranker.leave_out)
    learners.update(
        permuted_learners(rows, names, matrix.relative(names), settings=settings, asked=asked)
    )
    for name, (hire, deliver) in zip(learners, run_side_by_side(learners.values()), strict=True):
        hired[name] = hire
        if deliver is not None:
            delivered[name] = deliver
    return ScoredPairs(pd.DataFrame(hired), pd.DataFrame(delivered), pairs), matrix


def _fitted_inputs(
    model: Model,
    rows: TrainingRows,
    context: FeatureContext,
    matrix: FeatureMatrix,
    settings: Settings,
) -> list[tuple[str, TrainingRows, FeatureMatrix]]:
    def part(names: Sequence[str], of: FeatureMatrix) -> FeatureMatrix:
        return FeatureMatrix(of.columns(names), tuple(names), of.pairs)

    known = [name for name in PLAIN_FEATURES if name in matrix.names]
    control = replace(
        context, encoder=random_encoder(context.encoder.identity.dim, settings.evaluation.seed)
    )

    def content(pairs: Pairs) -> FeatureMatrix:
        return build_features(control, model.prior, pairs, families=("content",))

    def gaps(pairs: Pairs) -> FeatureMatrix:
        return missingness_features(context, pairs)

    return [
        ("lightgbm_plain", replace(rows, matrix=part(known, rows.matrix)), part(known, matrix)),
        ("missingness", replace(rows, matrix=gaps(rows.matrix.pairs)), gaps(matrix.pairs)),
        ("random_vectors", replace(rows, matrix=content(rows.matrix.pairs)), content(matrix.pairs)),
    ]


def _fit_and_score(
    rows: TrainingRows,
    matrix: FeatureMatrix,
    settings: Settings,
    asked: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    names = used_features(rows.matrix)
    if not names:
        nothing = np.full(len(matrix.pairs), np.nan)
        return nothing, nothing
    hire = fit_hire(rows, names, settings)
    deliver, _ = fit_deliver(rows, names, settings)
    values = matrix.relative(names)
    return hire.score(values), score_asked(deliver, values, asked)
