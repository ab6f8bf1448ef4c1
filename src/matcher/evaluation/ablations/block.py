"""One block of campaigns: features built once, every variant fitted on them and scored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.evaluation.ablations.rankers import (
    DELIVERED,
    Rankers,
    fit_rankers,
    score_columns,
)
from matcher.evaluation.ablations.sources import Other, list_others
from matcher.evaluation.controls import OPPOSITE, permuted_fits
from matcher.evaluation.labels import label_pairs
from matcher.features.pair_features import build_features
from matcher.market.brief import Brief
from matcher.ranking.boosting import run_side_by_side
from matcher.ranking.fit import build_training_rows, fit_prior, fit_text, used_features
from matcher.ranking.forecast import build_forecast_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.evaluation.ablations.variants import Source, Variant
    from matcher.evaluation.truth import Truth
    from matcher.features.context import Embed, FeatureContext, MarketData
    from matcher.features.pair_features import FeatureMatrix
    from matcher.features.pairs import Pairs
    from matcher.features.priors import LevelPrior
    from matcher.ranking.fit import TrainingRows
    from matcher.ranking.forecast import ForecastRows
    from matcher.text.encoder import Encoder

__all__ = ["LABELS", "Cut", "FittedBlock", "build_cut", "fit_block"]

LABELS = ["campaign_id", "account_id", "brand_id", "hired", "outcome", "expected", "same_category"]
"""Columns of a scored frame beside the scores; without slices, which ablations are not cut by."""


@dataclass(frozen=True)
class Cut:
    """What was known strictly before an instant, and all that is fitted on it shares.

    Parameters
    ----------
    context : FeatureContext
        Market seen through text objects fitted before the instant.
    prior : LevelPrior
        Expected levels.
    rows : TrainingRows
        Training rows.
    forecast : ForecastRows or None
        What the forecast from posts learns from.
    settings : Settings
        Settings.
    """

    context: FeatureContext
    prior: LevelPrior
    rows: TrainingRows
    forecast: ForecastRows | None
    settings: Settings

    def fit(self, variant: Variant, rows: TrainingRows | None = None) -> Rankers:
        """Rankers of a variant.

        Parameters
        ----------
        variant : Variant
            Variant.
        rows : TrainingRows, optional
            Rows with columns computed from something else, or with fewer campaigns.

        Returns
        -------
        Rankers
            Fitted.
        """
        rows = self.rows if rows is None else rows
        names = variant.names(used_features(rows.matrix))
        return fit_rankers(rows, self.forecast, names, self.settings)

    def features(self, pairs: Pairs) -> FeatureMatrix:
        """Features of candidates.

        Parameters
        ----------
        pairs : Pairs
            All candidates of campaigns decided after the instant.

        Returns
        -------
        FeatureMatrix
            All columns.
        """
        return build_features(self.context, self.prior, pairs)

    def label(self, pairs: Pairs, truth: Truth) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        """What became of pairs.

        Parameters
        ----------
        pairs : Pairs
            Pairs.
        truth : Truth
            What happened.

        Returns
        -------
        labels : pandas.DataFrame
            Columns `LABELS`.
        asked : numpy.ndarray of bool, shape (n_pairs,)
            Pairs whose delivery is judged.
        """
        frame = label_pairs(self.context, self.prior, pairs, truth)
        keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
        return frame[LABELS], np.asarray(keys.isin(truth.outcomes.index))


def build_cut(
    data: MarketData,
    trained_until: pd.Timestamp,
    settings: Settings,
    *,
    encoder: Encoder | None = None,
    embed: Embed | None = None,
) -> Cut:
    """What training until an instant rests on.

    Parameters
    ----------
    data : MarketData
        Market.
    trained_until : pandas.Timestamp
        Aware instant.
    settings : Settings
        Settings.
    encoder : Encoder, optional
        Encoder to use instead of the one that the settings name.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.

    Returns
    -------
    Cut
        As in `matcher.ranking.fit.fit_model`.

    Raises
    ------
    SupportError
        If nothing can be learnt.
    """
    context = fit_text(data, trained_until, settings, encoder=encoder, embed=embed)
    prior = fit_prior(context, trained_until)
    rows = build_training_rows(context, prior, trained_until, settings)
    forecast, _ = build_forecast_rows(context, prior, trained_until, settings)
    return Cut(context, prior, rows, forecast, settings)


@dataclass(frozen=True)
class FittedBlock:
    """All variants of a block.

    Parameters
    ----------
    cut : Cut
        What they were fitted on.
    others : mapping of str to Other
        What features are computed from besides the market as it is.
    variants : mapping of str to tuple of (str, Rankers)
        Source and rankers by variant.
    permuted : mapping of str to Rankers
        Draws of the control on shuffled labels, by score column.
    """

    cut: Cut
    others: Mapping[Source, Other]
    variants: Mapping[str, tuple[Source, Rankers]]
    permuted: Mapping[str, Rankers]

    def score(
        self, matrix: FeatureMatrix, asked: NDArray[np.bool_]
    ) -> dict[str, NDArray[np.float64]]:
        """Scores of all variants.

        Parameters
        ----------
        matrix : FeatureMatrix
            All candidates of some campaigns of the block.
        asked : numpy.ndarray of bool, shape (n_pairs,)
            Pairs whose delivery is judged.

        Returns
        -------
        dict of str to numpy.ndarray of float64, shape (n_pairs,)
            Two columns per variant; draws whose second half is opposite have one there.
        """
        found: dict[str, NDArray[np.float64]] = {}
        for source in dict.fromkeys(source for source, _ in self.variants.values()):
            seen = matrix if source == "market" else self.others[source].of(matrix)
            for name, (own, rankers) in self.variants.items():
                if own == source:
                    found |= score_columns(name, rankers, seen, asked)
        for name, rankers in self.permuted.items():
            columns = score_columns(name, rankers, matrix, asked)
            if name.endswith(OPPOSITE):
                del columns[name + DELIVERED]
            found |= columns
        return found


def fit_block(
    cut: Cut,
    variants: Sequence[Variant],
    campaign_ids: Sequence[str],
    *,
    strict: MarketData | None,
    step: Callable[[], None],
) -> FittedBlock:
    """Fit all variants on what was known before a block.

    Parameters
    ----------
    cut : Cut
        What was known before the block.
    variants : sequence of Variant
        Variants.
    campaign_ids : sequence of str
        Campaigns of the block.
    strict : MarketData or None
        Market without undated columns, if a variant asks for it.
    step : callable
        Called as each variant begins, and once more for the control.

    Returns
    -------
    FittedBlock
        Fitted.

    Raises
    ------
    SupportError
        If no earlier campaign has both hired and other candidates.
    """
    market = cut.context.index.market
    texts = [brief.text for brief in cut.rows.matrix.pairs.briefs]
    texts += [Brief.from_campaign(market, name).text for name in campaign_ids]
    others = list_others(cut.context, cut.prior, cut.settings, briefs=texts, strict=strict)
    rows: dict[Source, TrainingRows] = {"market": cut.rows}
    found: dict[tuple[Source, tuple[str, ...]], Rankers] = {}
    fitted: dict[str, tuple[Source, Rankers]] = {}
    for variant in variants:
        step()
        source = variant.source
        if source not in rows:
            rows[source] = replace(cut.rows, matrix=others[source].of(cut.rows.matrix))
        names = variant.names(used_features(rows[source].matrix))
        # A family that tells nobody apart here leaves the model as it is.
        if (source, names) not in found:
            found[source, names] = cut.fit(variant, rows[source])
        fitted[variant.name] = (source, found[source, names])
    step()
    whole = fitted[variants[0].name][1].names
    jobs = permuted_fits(cut.rows, whole, cut.settings)
    draws = run_side_by_side(jobs.values())
    permuted = {
        name: Rankers(whole, hire, deliver)
        for name, (hire, deliver) in zip(jobs, draws, strict=True)
    }
    return FittedBlock(cut, others, fitted, permuted)
