"""The same pairs with some columns computed from something else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from matcher.evaluation.ablations.variants import VECTOR_COLUMNS
from matcher.evaluation.ablations.vectors import tfidf_encoder
from matcher.features.context import FeatureContext, MarketData
from matcher.features.pair_features import FAMILIES, FeatureMatrix, build_features
from matcher.text.encoder import random_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.config import Settings
    from matcher.evaluation.ablations.variants import Source
    from matcher.features.priors import LevelPrior

__all__ = ["Other", "list_others", "strict_data", "swap_columns"]

_VECTORS: Final = tuple(
    family.name for family in FAMILIES if any(spec.name in VECTOR_COLUMNS for spec in family.specs)
)
_UNDATED: Final = (
    "bio",
    "expertise",
    "history",
    "person_history",
    "brand_contacts",
    "affinity",
    "conduct",
)
"""Families that read undated columns of influencers, accounts or brands."""


def swap_columns(matrix: FeatureMatrix, other: FeatureMatrix) -> FeatureMatrix:
    """Matrix with some columns from another one of the same pairs.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features.
    other : FeatureMatrix
        Some of its columns, computed from something else.

    Returns
    -------
    FeatureMatrix
        All columns of `matrix`, those of `other` taken from there.
    """
    values = matrix.values.copy()
    place = {name: column for column, name in enumerate(matrix.names)}
    values[:, [place[name] for name in other.names]] = other.values
    return FeatureMatrix(values, matrix.names, matrix.pairs)


@dataclass(frozen=True)
class Other:
    """What some families are computed from instead.

    Parameters
    ----------
    context : FeatureContext
        Market seen in another way.
    prior : LevelPrior
        Expected levels, of the market as it is.
    families : tuple of str
        Families that differ.
    """

    context: FeatureContext
    prior: LevelPrior
    families: tuple[str, ...]

    def of(self, matrix: FeatureMatrix) -> FeatureMatrix:
        """The same pairs with the families computed anew.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features from the market as it is.

        Returns
        -------
        FeatureMatrix
            Features of the same pairs.
        """
        found = build_features(self.context, self.prior, matrix.pairs, families=self.families)
        return swap_columns(matrix, found)


def strict_data(data: MarketData) -> MarketData:
    """Market whose undated columns count as never known.

    Parameters
    ----------
    data : MarketData
        Market.

    Returns
    -------
    MarketData
        The same tables under ``strict_time``.
    """
    settings = data.market.settings.model_copy(update={"strict_time": True})
    return MarketData(replace(data.market, settings=settings))


def list_others(
    context: FeatureContext,
    prior: LevelPrior,
    settings: Settings,
    *,
    briefs: Sequence[str],
    strict: MarketData | None,
) -> dict[Source, Other]:
    """What features are computed from besides the market as it is.

    Parameters
    ----------
    context : FeatureContext
        Market seen through the model.
    prior : LevelPrior
        Expected levels.
    settings : Settings
        ``ranker.leave_out`` names families that need no computing.
    briefs : sequence of str
        Texts of all briefs that are learnt from or judged.
    strict : MarketData or None
        What `strict_data` made; None leaves it out.

    Returns
    -------
    dict of str to Other
        By source.
    """
    # These vectors are of no use to anybody else, so they do not go into an embedding cache.
    plain = FeatureContext(
        context.data, context.encoder, context.lexicon, n_threads=context.n_threads
    )
    noise = random_encoder(context.encoder.identity.dim, settings.evaluation.seed)
    words = tfidf_encoder(context.lexicon, briefs)
    held = [name for name in _VECTORS if name not in settings.ranker.leave_out]
    found: dict[Source, Other] = {
        "tfidf": Other(replace(plain, encoder=words), prior, tuple(held)),
        "random": Other(replace(plain, encoder=noise), prior, tuple(held)),
    }
    if strict is not None:
        held = [name for name in _UNDATED if name not in settings.ranker.leave_out]
        found["strict"] = Other(replace(context, data=strict), prior, tuple(held))
    return found
