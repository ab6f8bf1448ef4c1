"""The only place that knows LightGBM: rankers bagged over draws of unlabelled candidates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from matcher.errors import FeatureMismatchError, SupportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from matcher.config import RankerSettings, Settings

__all__ = [
    "MAX_ROWS_PER_CAMPAIGN",
    "BoostedRanker",
    "Draw",
    "fit_ranker",
    "fit_regression",
    "run_side_by_side",
]

_Result = TypeVar("_Result")

MAX_ROWS_PER_CAMPAIGN = 10_000
"""LightGBM refuses larger queries in training."""
_ROWS_PER_LEAST_LEAF = 20
"""Rows for every row that a leaf must have."""
_LEAST_FEATURES = 3
"""Features that a tree sees at least, where there are twice as many."""


@dataclass(frozen=True)
class Draw:
    """Rows that one member of a bag is trained on.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_rows, n_features)
        Features.
    relevance : numpy.ndarray of int64, shape (n_rows,)
        Grade of each row, 0 to 30.
    campaign_ids : numpy.ndarray of object, shape (n_rows,)
        Campaign of each row, in any order.
    """

    values: NDArray[np.float64]
    relevance: NDArray[np.int64]
    campaign_ids: NDArray[np.object_]


@dataclass(frozen=True)
class BoostedRanker:
    """Weighted sum of LightGBM models, each kept as its model text.

    Parameters
    ----------
    names : tuple of str
        Features, in the order of the columns.
    texts : tuple of str
        LightGBM model texts, one per member.
    weights : tuple of float, optional
        Weight of each member; the mean of the members when not given.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.weights:
            object.__setattr__(self, "weights", (1.0 / len(self.texts),) * len(self.texts))
        if len(self.weights) != len(self.texts):
            raise FeatureMismatchError(
                f"ranker: got {len(self.weights)} weights for {len(self.texts)} members; train the "
                "model again"
            )

    @property
    def digest_parts(self) -> tuple[str, ...]:
        """What two rankers of equal scores have in common, for digests of a model."""
        return self.texts

    @property
    def summary(self) -> str:
        """Size, in words for people."""
        return f"{len(self.texts)} x {len(self.names)} features"

    @cached_property
    def _boosters(self) -> tuple[Any, ...]:
        import lightgbm

        boosters = tuple(lightgbm.Booster(model_str=text) for text in self.texts)
        for booster in boosters:
            if tuple(booster.feature_name()) != self.names:
                raise FeatureMismatchError(
                    f"ranker: the model file has {booster.num_feature()} features that are not "
                    f"the {len(self.names)} of its manifest; train it again"
                )
        return boosters

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Raw score; comparable only within a brief.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape (n_pairs, n_features)
            Features in the order of `names`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Scores without bound or unit.
        """
        self._check(values)
        if not len(values):
            return np.empty(0)
        parts = run_side_by_side(
            partial(booster.predict, values, num_threads=1) for booster in self._boosters
        )
        return self._sum(parts)

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Exact additive contributions of each feature to the score.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape (n_pairs, n_features)
            Features in the order of `names`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs, n_features + 1)
            SHAP values of the trees; the last column is the base value; rows sum to the score.

        References
        ----------
        Lundberg et al., From local explanations to global understanding with explainable AI for
        trees, Nature Machine Intelligence 2 (2020).
        """
        self._check(values)
        if not len(values):
            return np.empty((0, len(self.names) + 1))
        parts = run_side_by_side(
            partial(booster.predict, values, pred_contrib=True, num_threads=1)
            for booster in self._boosters
        )
        return self._sum(parts)

    def _sum(self, parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        weighted = [weight * part for weight, part in zip(self.weights, parts, strict=True)]
        return np.asarray(np.sum(weighted, axis=0), dtype=np.float64)

    def _check(self, values: NDArray[np.float64]) -> None:
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise FeatureMismatchError(
                f"ranker: got {values.shape} values; expected {len(self.names)} columns"
            )


def _parameters(settings: RankerSettings, seed: int, n_features: int) -> dict[str, Any]:
    return {
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.n_leaves,
        "min_data_in_leaf": settings.min_rows_in_leaf,
        "lambda_l2": settings.l2,
        # A learner of few features sees half of them per tree.
        "feature_fraction": max(settings.feature_share, min(0.5, _LEAST_FEATURES / n_features)),
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "extra_trees": True,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.n_threads,
        "max_bin": 63,
        "verbosity": -1,
    }


def fit_ranker(
    draws: Sequence[Draw],
    names: Sequence[str],
    *,
    trends: Sequence[int],
    settings: RankerSettings,
) -> BoostedRanker:
    """LambdaRank on each draw.

    Parameters
    ----------
    draws : sequence of Draw
        Training rows of each member of the bag.
    names : sequence of str
        Features, in the order of the columns.
    trends : sequence of int
        Per feature 1, -1 or 0: the score may only rise, only fall, or both.
    settings : RankerSettings
        Trees and their regularisation; the seed of a member is ``seed + its number``.

    Returns
    -------
    BoostedRanker
        The bag.

    Raises
    ------
    SupportError
        If no campaign has two grades, or a campaign has more rows than LightGBM takes.

    References
    ----------
    Burges, From RankNet to LambdaRank to LambdaMART, MSR-TR-2010-82.
    """
    texts = run_side_by_side(
        partial(
            _fit_member,
            draw,
            names,
            {
                **_parameters(settings, settings.seed + number, len(names)),
                "objective": "lambdarank",
                "monotone_constraints": list(trends),
                "lambdarank_truncation_level": settings.truncation,
            },
            n_trees=settings.n_trees,
        )
        for number, draw in enumerate(draws)
    )
    return BoostedRanker(tuple(names), tuple(texts))


def fit_regression(
    values: NDArray[np.floating],
    targets: NDArray[np.float64],
    names: Sequence[str],
    *,
    settings: Settings,
    feature_share: float | None = None,
    random_splits: bool = True,
) -> BoostedRanker:
    """Least squares on targets that are comparable across campaigns.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (n_rows, n_features)
        Features.
    targets : numpy.ndarray of float64, shape (n_rows,)
        What to predict.
    names : sequence of str
        Features, in the order of the columns.
    settings : Settings
        Trees of ``outcome``, regularisation of ``ranker``; one member per ``ranker.n_draws``.
    feature_share : float, optional
        Features that a tree may use, where it is not that of ``ranker``.
    random_splits : bool, default True
        Draw the threshold of each split; else take the best, where rows are plenty.

    Returns
    -------
    BoostedRanker
        The bag; its members differ by seed.
    """
    chosen = settings.ranker
    texts = run_side_by_side(
        partial(
            _train,
            values,
            targets,
            names,
            {
                **_parameters(chosen, chosen.seed + number, len(names)),
                **({} if feature_share is None else {"feature_fraction": feature_share}),
                "objective": "l2",
                "extra_trees": random_splits,
                "min_data_in_leaf": settings.outcome.min_rows_in_leaf,
            },
            n_trees=settings.outcome.n_trees,
        )
        for number in range(chosen.n_draws)
    )
    return BoostedRanker(tuple(names), tuple(texts))


def run_side_by_side(jobs: Iterable[Callable[[], _Result]]) -> list[_Result]:
    """Run jobs that mostly fit or score rankers, as many at a time as there are cores.

    LightGBM lets other Python threads run while it works. Each job is single-threaded, so results
    do not depend on the number of cores.

    Parameters
    ----------
    jobs : iterable of callable
        Jobs without arguments that share nothing they write to.

    Returns
    -------
    list
        Results in the order of the jobs.
    """
    import joblib

    found: list[_Result] = joblib.Parallel(n_jobs=-1, backend="threading")(
        joblib.delayed(job)() for job in jobs
    )
    return found


def _fit_member(
    draw: Draw, names: Sequence[str], parameters: dict[str, Any], *, n_trees: int
) -> str:
    order = np.argsort(draw.campaign_ids.astype(str), kind="stable")
    _, sizes = np.unique(draw.campaign_ids[order].astype(str), return_counts=True)
    _check_draw(draw, sizes, order)
    return _train(
        draw.values[order], draw.relevance[order], names, parameters, n_trees=n_trees, sizes=sizes
    )


def _train(
    values: NDArray[np.floating],
    labels: NDArray[Any],
    names: Sequence[str],
    parameters: dict[str, Any],
    *,
    n_trees: int,
    sizes: NDArray[np.int64] | None = None,
) -> str:
    import lightgbm

    # Leaves of a fixed size would leave a small market without any split.
    least = max(1, min(int(parameters["min_data_in_leaf"]), len(values) // _ROWS_PER_LEAST_LEAF))
    parameters = {**parameters, "min_data_in_leaf": least}
    data = lightgbm.Dataset(
        values, labels, group=sizes, feature_name=list(names), free_raw_data=True
    )
    return str(lightgbm.train(parameters, data, num_boost_round=n_trees).model_to_string())


def _check_draw(draw: Draw, sizes: NDArray[np.int64], order: NDArray[np.int64]) -> None:
    if not len(sizes) or sizes.max() > MAX_ROWS_PER_CAMPAIGN:
        largest = int(sizes.max()) if len(sizes) else 0
        raise SupportError(
            f"ranker: the largest campaign has {largest} rows; expected 1 to "
            f"{MAX_ROWS_PER_CAMPAIGN}; lower `ranker.unlabelled_per_campaign`"
        )
    first = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    grades = draw.relevance[order]
    low, high = np.minimum.reduceat(grades, first), np.maximum.reduceat(grades, first)
    if not (high > low).any():
        raise SupportError(
            f"ranker: none of {len(sizes)} campaigns has both hired and other candidates (or "
            "outcomes that differ); give more finished campaigns"
        )
