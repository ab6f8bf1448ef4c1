"""All features of candidate pairs, as one matrix and as a scikit-learn transformer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from matcher.errors import DataError, FeatureMismatchError, MatcherError, NotFittedError
from matcher.features.activity import (
    CONDUCT,
    FOLLOWER_QUALITY,
    REACH,
    RESONANCE,
    resonance,
)
from matcher.features.content import BIO, CONTENT, LEXICAL, SPONSORED_CONTENT
from matcher.features.context import FeatureContext, PairView
from matcher.features.expertise import EXPERTISE
from matcher.features.history import AFFINITY, BRAND_CONTACTS, HISTORY, PERSON_HISTORY
from matcher.features.pairs import Pairs
from matcher.features.relative import normal_scores
from matcher.features.terms import AUDIENCE, LANGUAGE, PRICE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.features.priors import LevelPrior
    from matcher.features.spec import FeatureSpec

__all__ = [
    "FAMILIES",
    "FEATURES",
    "FeatureMatrix",
    "PairFeatures",
    "build_features",
    "compute_family",
    "join_families",
]

FAMILIES: Final = (
    CONTENT,
    SPONSORED_CONTENT,
    LEXICAL,
    BIO,
    LANGUAGE,
    EXPERTISE,
    HISTORY,
    PERSON_HISTORY,
    BRAND_CONTACTS,
    AFFINITY,
    REACH,
    FOLLOWER_QUALITY,
    CONDUCT,
    AUDIENCE,
    PRICE,
)
"""Families that need no fitted prior; ``resonance`` needs one."""


FEATURES: Final[tuple[FeatureSpec, ...]] = (
    *(spec for family in FAMILIES for spec in family.specs),
    *RESONANCE,
)
"""Every feature, in the order of the matrix."""


@dataclass(frozen=True)
class FeatureMatrix:
    """Features of pairs.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_pairs, n_features)
        Values, NaN where unknown.
    names : tuple of str
        Feature of each column.
    pairs : Pairs
        Pair of each row.
    platforms, tiers : numpy.ndarray of object, shape (n_pairs,), optional
        Platform and follower tier of each pair's account as of its decision; None in a matrix that
        was not built from a market.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    pairs: Pairs
    platforms: NDArray[np.object_] | None = None
    tiers: NDArray[np.object_] | None = None

    def __post_init__(self) -> None:
        expected = (len(self.pairs), len(self.names))
        if self.values.shape != expected:
            raise MatcherError(f"features: got shape {self.values.shape}; expected {expected}")
        if len(set(self.names)) != len(self.names):
            raise MatcherError("features: a name stands twice")

    def columns(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Columns of some features, in the order asked for.

        Parameters
        ----------
        names : sequence of str
            Feature names.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs, len(names))
            Their values.

        Raises
        ------
        FeatureMismatchError
            If a feature is not in the matrix.
        """
        return self.values[:, self._places(names)]

    def by_platform(self, factors: Mapping[str, float]) -> NDArray[np.float64]:
        """Factor of each pair's platform.

        Parameters
        ----------
        factors : mapping of str to float
            By platform.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Factors; 1 for a platform that is not named.
        """
        found = np.ones(len(self.pairs))
        if self.platforms is not None:
            for name, factor in factors.items():
                found[self.platforms == name] = factor
        return found

    def _places(self, names: Sequence[str]) -> list[int]:
        place = {name: column for column, name in enumerate(self.names)}
        missing = [name for name in names if name not in place]
        if missing:
            raise FeatureMismatchError(
                f"features: {len(missing)} of {len(names)} are missing ({', '.join(missing[:5])}); "
                "score with the version of Matcher that trained the model"
            )
        return [place[name] for name in names]

    @cached_property
    def _relative(self) -> NDArray[np.float64]:
        return normal_scores(self.values, self.pairs.bounds)

    def relative(
        self, names: Sequence[str], rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Columns as normal scores within each brief; what rankers learn from and score.

        Parameters
        ----------
        names : sequence of str
            Feature names.
        rows : numpy.ndarray of int64, optional
            Rows to return; all when None. The scores are those among all candidates of a brief.

        Returns
        -------
        numpy.ndarray of float64, shape (n_rows, len(names))
            See ``matcher.features.relative.normal_scores``.

        Raises
        ------
        FeatureMismatchError
            If a feature is not in the matrix.
        """
        places = np.array(self._places(names), dtype=np.int64)
        return self._relative[:, places] if rows is None else self._relative[np.ix_(rows, places)]

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> FeatureMatrix:
        """Matrix of some rows.

        Parameters
        ----------
        rows : numpy.ndarray of int64 or bool
            Row numbers in rising order, or a mask.

        Returns
        -------
        FeatureMatrix
            Those rows.
        """
        return FeatureMatrix(
            self.values[rows],
            self.names,
            self.pairs.select(rows),
            None if self.platforms is None else self.platforms[rows],
            None if self.tiers is None else self.tiers[rows],
        )

    def to_frame(self) -> pd.DataFrame:
        """Pairs and features as one frame."""
        frame = pd.DataFrame(self.values, columns=list(self.names))
        return pd.concat([self.pairs.frame(), frame], axis=1)


def build_features(
    context: FeatureContext,
    prior: LevelPrior,
    pairs: Pairs,
    *,
    families: Sequence[str] | None = None,
) -> FeatureMatrix:
    """Features of pairs, each from what was known strictly before its decision.

    Parameters
    ----------
    context : FeatureContext
        Market seen through a fitted encoder and lexicon.
    prior : LevelPrior
        Expected levels of engagement.
    pairs : Pairs
        Pairs, contiguous by brief.
    families : sequence of str, optional
        Names of the families to compute; all when None.

    Returns
    -------
    FeatureMatrix
        One column per feature, in the order of `FEATURES`.

    Raises
    ------
    LeakageError
        If the market is cut before a decision.
    DataError
        If a pair names an account that the market does not hold.
    """
    pairs.check_cut(context.index.market)
    view = PairView(context, pairs)
    strangers = pairs.account_ids[view.accounts < 0].tolist()
    if strangers:
        raise DataError(
            f"pairs: {len(strangers)} of {len(pairs)} name an account that the market does not "
            f"hold ({', '.join(map(str, strangers[:5]))}); leave them out or add them to `accounts`"
        )
    chosen = [family.name for family in FAMILIES] + ["resonance"]
    parts = {
        name: compute_family(name, prior, view)
        for name in chosen
        if families is None or name in families
    }
    return join_families(parts, view)


def compute_family(
    name: str, prior: LevelPrior, view: PairView
) -> Mapping[str, NDArray[np.float64]]:
    """Features of one family.

    Parameters
    ----------
    name : str
        Name of the family, or ``resonance``.
    prior : LevelPrior
        Expected levels of engagement.
    view : PairView
        Pairs.

    Returns
    -------
    mapping of str to numpy.ndarray of float64
        One array of length ``n_pairs`` per feature.
    """
    if name == "resonance":
        return resonance(prior, view)
    family = next(one for one in FAMILIES if one.name == name)
    return family.compute(view.context, view)


def join_families(
    parts: Mapping[str, Mapping[str, NDArray[np.float64]] | pd.DataFrame], view: PairView
) -> FeatureMatrix:
    """Matrix of families that are computed.

    Parameters
    ----------
    parts : mapping of str to mapping or pandas.DataFrame
        Features of each family, by its name.
    view : PairView
        Pairs.

    Returns
    -------
    FeatureMatrix
        One column per feature, in the order of `FEATURES`.
    """
    names: list[str] = []
    columns: list[NDArray[np.float64]] = []
    for family, specs in (*((one.name, one.specs) for one in FAMILIES), ("resonance", RESONANCE)):
        if family in parts:
            names.extend(spec.name for spec in specs)
            columns.extend(np.asarray(parts[family][spec.name]) for spec in specs)
    values = np.column_stack(columns) if columns else np.empty((len(view.pairs), 0))
    values = values.astype(np.float64)
    return FeatureMatrix(values, tuple(names), view.pairs, view.platforms, view.tiers)


class PairFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer from a frame of pairs to features, for use in scikit-learn pipelines.

    Parameters
    ----------
    context : FeatureContext
        Market seen through a fitted encoder and lexicon.
    prior : LevelPrior
        Expected levels of engagement.
    """

    def __init__(self, context: FeatureContext, prior: LevelPrior) -> None:
        self.context = context
        self.prior = prior

    def fit(self, X: Pairs, y: Any = None) -> PairFeatures:
        """Check the pairs; features have no parameters of their own to learn.

        Parameters
        ----------
        X : Pairs
            Pairs.
        y : object, optional
            Ignored.

        Returns
        -------
        PairFeatures
            This transformer.
        """
        del y
        if not isinstance(X, Pairs):
            raise MatcherError(f"PairFeatures: got a {type(X).__name__}; expected Pairs")
        self.feature_names_out_ = np.array([spec.name for spec in FEATURES], dtype=object)
        self.n_features_in_ = 2
        return self

    def transform(self, X: Pairs) -> NDArray[np.float64]:
        """Features of pairs.

        Parameters
        ----------
        X : Pairs
            Pairs, contiguous by brief.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs, n_features)
            Values in the order of `get_feature_names_out`.
        """
        if not hasattr(self, "feature_names_out_"):
            raise NotFittedError("PairFeatures: call `fit` before `transform`")
        return build_features(self.context, self.prior, X).values

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns.

        Parameters
        ----------
        input_features : object, optional
            Ignored.

        Returns
        -------
        numpy.ndarray of object
            Names.
        """
        del input_features
        if not hasattr(self, "feature_names_out_"):
            raise NotFittedError("PairFeatures: call `fit` before `get_feature_names_out`")
        return np.asarray(self.feature_names_out_)
