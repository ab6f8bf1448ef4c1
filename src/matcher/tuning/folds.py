"""Rolling folds: train on what was closed before a cut, judge campaigns decided after a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import LeakageError, SupportError
from matcher.evaluation.splits import walk_forward_blocks
from matcher.evaluation.truth import list_campaigns
from matcher.features.pair_features import FeatureMatrix, build_features
from matcher.ranking.fit import build_training_rows, candidate_pairs, fit_prior, fit_text
from matcher.ranking.forecast import ForecastRows, build_forecast_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.evaluation.truth import Truth
    from matcher.features.context import Embed, FeatureContext, MarketData
    from matcher.features.pairs import Pairs
    from matcher.features.priors import LevelPrior
    from matcher.ranking.candidates import TrainingRows
    from matcher.text.encoder import Encoder

__all__ = ["PURGE_DAYS", "Fold", "JudgedPairs", "PlannedFold", "build_fold", "plan_folds"]

PURGE_DAYS: Final = 7
"""Days between what a fold may learn from and the first decision that it is judged on."""
_MATURE_DAYS: Final = 30
"""Days from a decision to the end of the history, in which most hires of a campaign get known."""
_N_BLOCKS: Final = 6
"""Blocks of campaigns, or half as many as there are campaigns. The latest two thirds of the blocks
judge, since before them there is little to learn from."""
_LEAST_CAMPAIGNS: Final = 2
"""Campaigns that judge a fold at least."""
_LEAST_FOLDS: Final = 2
_PAIRS_JUDGED: Final = 300_000
"""Pairs that judge a fold, about; all candidates of a campaign where there are fewer."""
_LEAST_OTHERS: Final = 1_000
"""Candidates of a campaign that are never drawn from."""


@dataclass(frozen=True)
class PlannedFold:
    """A cut and the campaigns that judge what is fitted before it.

    Parameters
    ----------
    trained_until : pandas.Timestamp
        UTC instant; only what was known strictly before it is learnt from.
    first_decided_at, last_decided_at : pandas.Timestamp
        First and last decision of the judged campaigns.
    campaign_ids : tuple of str
        Judged campaigns by decision, then id.

    Raises
    ------
    LeakageError
        If a judged campaign was decided within the gap after the cut.
    """

    trained_until: pd.Timestamp
    first_decided_at: pd.Timestamp
    last_decided_at: pd.Timestamp
    campaign_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.first_decided_at < self.trained_until + pd.Timedelta(days=PURGE_DAYS):
            raise LeakageError(
                f"fold until {self.trained_until}: its first campaign was decided at "
                f"{self.first_decided_at}; expected {PURGE_DAYS} days or more after the cut"
            )


@dataclass(frozen=True)
class JudgedPairs:
    """Candidates of the judged campaigns with what came of them.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features as of each decision.
    hired : numpy.ndarray of bool, shape (n_pairs,)
        Whether the pair became a hire.
    outcomes : numpy.ndarray of float64, shape (n_pairs,)
        Outcome of each hire; NaN where there is none.
    """

    matrix: FeatureMatrix
    hired: NDArray[np.bool_]
    outcomes: NDArray[np.float64]


@dataclass(frozen=True)
class Fold:
    """All that trials share: features, labels and text of one cut.

    Parameters
    ----------
    plan : PlannedFold
        Cut and campaigns.
    rows : dict of int to TrainingRows
        Training rows by ``ranker.unlabelled_per_campaign``, the one tuned setting that decides who
        is drawn and so whose features are needed.
    forecast : ForecastRows or None
        What the forecast from posts learns from.
    judged : JudgedPairs
        What judges.
    """

    plan: PlannedFold
    rows: dict[int, TrainingRows]
    forecast: ForecastRows | None
    judged: JudgedPairs


def plan_folds(
    data: MarketData, until: pd.Timestamp, settings: Settings
) -> tuple[PlannedFold, ...]:
    """Rolling folds over the latest two thirds of the campaigns that can be judged.

    A campaign judges when it was decided 30 days or more before `until`, has a hired candidate that
    is known by then, and ``evaluation.min_earlier_hired`` hires were settled a gap before it. Each
    fold is cut a gap before the first decision of its campaigns, and learns from all that was
    closed before the cut: a campaign that was running at the cut does not teach in that fold.

    Parameters
    ----------
    data : MarketData
        Market, cut at `until`.
    until : pandas.Timestamp
        Aware instant; nothing known at it or later is looked at.
    settings : Settings
        Settings.

    Returns
    -------
    tuple of PlannedFold
        By time, disjoint in their campaigns.

    Raises
    ------
    SupportError
        If there is too little history for two folds.
    """
    gap = pd.Timedelta(days=PURGE_DAYS)
    table, counts, _ = list_campaigns(data, settings)
    mature = table["decided_at"] < until - pd.Timedelta(days=_MATURE_DAYS)
    table["decided_at"] = table["decided_at"].where(mature)
    table["closed_at"] = table["closed_at"] + gap
    least = settings.evaluation.min_earlier_hired
    n_judged = len(
        walk_forward_blocks(table, counts, n_blocks=1, min_earlier_hired=least).campaign_ids
    )
    n_blocks = max(1, min(_N_BLOCKS, n_judged // _LEAST_CAMPAIGNS))
    walk = walk_forward_blocks(table, counts, n_blocks=n_blocks, min_earlier_hired=least)
    folds = tuple(
        PlannedFold(
            block.trained_until - gap,
            block.trained_until,
            block.last_decided_at,
            block.campaign_ids,
        )
        for block in walk.blocks[-max(_LEAST_FOLDS, 2 * n_blocks // 3) :]
        if len(block.campaign_ids) >= _LEAST_CAMPAIGNS
    )
    if len(folds) < _LEAST_FOLDS:
        raise SupportError(
            f"tuning: {n_judged} of {len(table)} campaigns can judge: decided {_MATURE_DAYS} days "
            f"before {until}, with a hired candidate, and {least} hires "
            f"(`evaluation.min_earlier_hired`) settled {PURGE_DAYS} days before them. They make "
            f"{len(folds)} fold(s) of {_LEAST_CAMPAIGNS} or more campaigns; {_LEAST_FOLDS} folds "
            "are needed: give more history, lower that setting, or train without --tune"
        )
    return folds


def build_fold(
    data: MarketData,
    plan: PlannedFold,
    settings: Settings,
    sizes: Sequence[int],
    *,
    truth: Truth,
    encoder: Encoder | None = None,
    embed: Embed | None = None,
    step: Callable[[], None] = lambda: None,
) -> Fold:
    """Features, labels and text of a fold, from what was known before its cut.

    Parameters
    ----------
    data : MarketData
        Market, cut at the end of the training history.
    plan : PlannedFold
        Fold.
    settings : Settings
        Settings as they are; tuned ones change nothing here but `sizes`.
    sizes : sequence of int
        Values of ``ranker.unlabelled_per_campaign``.
    truth : Truth
        What happened, as far as the history goes; for judging only.
    encoder : Encoder, optional
        Encoder to use instead of one fitted before the cut; fitted no later.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.
    step : callable, optional
        Called when the text is fitted.

    Returns
    -------
    Fold
        What trials share.

    Raises
    ------
    SupportError
        If nothing can be learnt before the cut.
    LeakageError
        If a campaign both teaches and judges.
    """
    context = fit_text(data, plan.trained_until, settings, encoder=encoder, embed=embed)
    step()
    prior = fit_prior(context, plan.trained_until)
    shared = _SharedFeatures(context, prior)
    rows: dict[int, TrainingRows] = {}
    # The largest first, since smaller draws are mostly among its candidates.
    for size in sorted(sizes, reverse=True):
        ranker = settings.ranker.model_copy(update={"unlabelled_per_campaign": size})
        drawn = settings.model_copy(update={"ranker": ranker})
        rows[size] = build_training_rows(
            context, prior, plan.trained_until, drawn, features=shared.build
        )
        _check_rows(rows[size], plan)
    forecast, _ = build_forecast_rows(context, prior, plan.trained_until, settings)
    hired_of: dict[str, set[str]] = {}
    for campaign_id, account_id in truth.hires:
        hired_of.setdefault(campaign_id, set()).add(account_id)
    limit = max(_LEAST_OTHERS, _PAIRS_JUDGED // len(plan.campaign_ids))
    pairs = candidate_pairs(data, plan.campaign_ids, settings, keep=hired_of, limit=limit)
    keys = _keys(pairs)
    hired = np.asarray(keys.isin(truth.hires))
    outcomes = np.where(hired, truth.outcomes.reindex(keys).to_numpy(np.float64), np.nan)
    judged = JudgedPairs(build_features(context, prior, pairs), hired, outcomes)
    return Fold(plan, rows, forecast, judged)


class _SharedFeatures:
    """Features of pairs, each computed once."""

    def __init__(self, context: FeatureContext, prior: LevelPrior) -> None:
        self._context, self._prior = context, prior
        self._held: list[FeatureMatrix] = []

    def build(self, pairs: Pairs) -> FeatureMatrix:
        places = _keys(pairs)
        values: NDArray[np.float64] | None = None
        missing = np.ones(len(pairs), dtype=np.bool_)
        for held in self._held:
            found = _keys(held.pairs).get_indexer(places)
            if len(held.pairs) == len(pairs) and (found == np.arange(len(pairs))).all():
                return held
            if values is None:
                values = np.full((len(pairs), len(held.names)), np.nan)
            taken = missing & (found >= 0)
            values[taken] = held.values[found[taken]]
            missing &= ~taken
        built = build_features(self._context, self._prior, pairs.select(missing))
        if values is not None:
            values[missing] = built.values
            built = FeatureMatrix(values, built.names, pairs)
        self._held.append(built)
        return built


def _keys(pairs: Pairs) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])


def _check_rows(rows: TrainingRows, plan: PlannedFold) -> None:
    pairs = rows.matrix.pairs
    if both := sorted({one.brief_id for one in pairs.briefs} & set(plan.campaign_ids)):
        raise LeakageError(
            f"fold until {plan.trained_until}: {len(both)} campaigns teach and judge ({both[:5]})"
        )
    if not np.isin(pairs.brief_codes[rows.hired], pairs.brief_codes[~rows.hired]).any():
        raise SupportError(
            f"none of {len(pairs.briefs)} earlier campaigns has both hired and other candidates"
        )
