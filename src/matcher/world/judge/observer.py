"""Pairs as the product saw them: its own features, as of each decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.features.pair_features import build_features
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.ranking.fit import fit_prior, fit_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext
    from matcher.features.pair_features import FeatureMatrix
    from matcher.features.priors import LevelPrior

__all__ = ["Observer", "open_observer"]

_PAIRS_AT_ONCE: Final = 200_000
"""Pairs whose features are held at a time; 1 GB per million and 130 features, twice."""


@dataclass(frozen=True, eq=False)
class Observer:
    """A market through the product's eyes, closed at the earliest of the decisions that are asked.

    Parameters
    ----------
    context : FeatureContext
        Market, encoder and lexicon.
    prior : LevelPrior
        Expected levels of engagement.
    instants : pandas.Series
        From when each campaign is seen: its decision, or the end of the market while it is open.
    """

    context: FeatureContext
    prior: LevelPrior
    instants: pd.Series

    def look(self, pairs: pd.DataFrame) -> Iterator[tuple[NDArray[np.int64], FeatureMatrix]]:
        """Features of pairs, some campaigns at a time.

        Parameters
        ----------
        pairs : pandas.DataFrame
            ``campaign_id, account_id``; the rows of a campaign stand together, and are all whom
            its features are relative to.

        Yields
        ------
        rows : numpy.ndarray of int64
            Rows of `pairs`.
        matrix : FeatureMatrix
            Their features.
        """
        campaigns = pairs["campaign_id"].to_numpy(object)
        starts = np.flatnonzero(np.r_[True, campaigns[1:] != campaigns[:-1]])
        ends = np.r_[starts[1:], len(campaigns)]
        accounts = pairs["account_id"].to_numpy(object)
        first = 0
        while first < len(starts):
            last = first + 1
            while last < len(starts) and ends[last] - starts[first] <= _PAIRS_AT_ONCE:
                last += 1
            chosen = {
                str(campaigns[start]): accounts[start:end]
                for start, end in zip(starts[first:last], ends[first:last], strict=True)
            }
            briefs = [Brief.from_campaign(self.context.index.market, name) for name in chosen]
            seen = build_pairs(
                briefs, chosen, instants={name: self.instants[name] for name in chosen}
            )
            yield (
                np.arange(starts[first], ends[last - 1]),
                build_features(self.context, self.prior, seen),
            )
            first = last


def open_observer(
    folder: Path, campaign_ids: Sequence[str], *, settings: Settings | None = None
) -> Observer:
    """Observer of some campaigns of a market.

    Encoder, lexicon and levels are those that a training closed at the earliest of their decisions
    would fit.

    Parameters
    ----------
    folder : pathlib.Path
        Market.
    campaign_ids : sequence of str
        Campaigns that will be looked at.
    settings : Settings, optional
        Settings of the product; its defaults when None.

    Returns
    -------
    Observer
        The observer.
    """
    settings = Settings() if settings is None else settings
    market = load_market(folder, settings.market)
    data = MarketData(market)
    decided = market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    end = market.all_known_at
    instants = decided.where(decided < end, end).reindex(list(campaign_ids))
    cut = instants.min()
    context = fit_text(data, cut, settings)
    return Observer(context, fit_prior(context, cut), instants)
