"""What accounts' next posts engage, learnt from public posts: far more of them than hires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from matcher.features.activity import CONDUCT, FOLLOWER_QUALITY, REACH
from matcher.features.pair_features import FeatureMatrix, build_features
from matcher.features.pairs import build_pairs
from matcher.features.relative import normal_scores
from matcher.market.brief import Brief
from matcher.market.instants import instant_microseconds
from matcher.ranking.boosting import BoostedRanker, fit_regression
from matcher.retrieval.eligibility import select_eligible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.index import MarketIndex
    from matcher.features.priors import LevelPrior

__all__ = ["ForecastRows", "build_forecast_rows", "fit_forecast", "fit_forecast_rows"]

_FAMILIES: Final = (REACH.name, FOLLOWER_QUALITY.name, CONDUCT.name, "resonance")
"""Families that say something of an account whatever the brief."""
_DAY_US: Final = 86_400_000_000
_LEAST_ACCOUNTS: Final = 10
"""Accounts with a measured post below which a period teaches nothing."""
_LEAST_ROWS: Final = 200
"""Accounts times periods below which nothing is learnt."""


@dataclass(frozen=True)
class ForecastRows:
    """Accounts of periods with what their posts in them reached.

    Parameters
    ----------
    matrix : FeatureMatrix
        What was known of each account at the beginning of its period.
    scores : numpy.ndarray of float64, shape (n_rows,)
        Normal score of its posts among the accounts of the period.
    source : str
        Which posts they are.
    """

    matrix: FeatureMatrix
    scores: NDArray[np.float64]
    source: str


def build_forecast_rows(
    context: FeatureContext, prior: LevelPrior, trained_until: pd.Timestamp, settings: Settings
) -> tuple[ForecastRows | None, str]:
    """What a forecast learns from; see `fit_forecast`.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels.
    trained_until : pandas.Timestamp
        Only readings known strictly before it are learnt from.
    settings : Settings
        ``outcome`` says which periods and how many accounts.

    Returns
    -------
    rows : ForecastRows or None
        None where too few posts were measured.
    reason : str
        Why there are none, else empty.
    """
    end, source = instant_microseconds(trained_until), "sponsored posts"
    reached = _measured_posts(context, end)
    sponsored = np.where(context.index.post_is_sponsored, reached, np.nan)
    periods = _list_periods(context, sponsored, end, settings)
    if _count_rows(periods) < _LEAST_ROWS:
        source = "all posts"
        periods = _list_periods(context, reached, end, settings)
    n_rows = _count_rows(periods)
    if n_rows < _LEAST_ROWS:
        return None, f"{n_rows} accounts x periods with a measured post; {_LEAST_ROWS} are needed"
    ids = context.index.account_ids.to_numpy(object)
    briefs = [Brief(brief_id=f"period {number}", brief="") for number in range(len(periods))]
    by_id = {brief.brief_id: period for brief, period in zip(briefs, periods, strict=True)}
    pairs = build_pairs(
        briefs,
        {name: ids[period.accounts] for name, period in by_id.items()},
        instants={
            name: pd.Timestamp(period.begin, unit="us", tz="UTC") for name, period in by_id.items()
        },
    )
    matrix = build_features(context, prior, pairs, families=_FAMILIES)
    levels = np.concatenate([period.levels for period in periods])
    scores = normal_scores(levels[:, None], pairs.bounds)[:, 0]
    return ForecastRows(matrix, scores, source), ""


def fit_forecast_rows(
    rows: ForecastRows, names: Sequence[str], settings: Settings
) -> tuple[BoostedRanker | None, str]:
    """Regression on rows that are built already.

    Parameters
    ----------
    rows : ForecastRows
        What `build_forecast_rows` made.
    names : sequence of str
        Features of the ranker; those that depend on a brief are never used.
    settings : Settings
        Trees.

    Returns
    -------
    ranker : BoostedRanker or None
        Its score is an expected normal score; None where no feature tells accounts apart.
    source : str
        What it learnt from, or why there is none.
    """
    known = [name for name in names if name in rows.matrix.names]
    if not known:
        return None, "no feature of accounts takes two values"
    values = np.full((len(rows.scores), len(names)), np.nan)
    values[:, [list(names).index(name) for name in known]] = rows.matrix.relative(known)
    ranker = fit_regression(values, rows.scores, names, settings=settings, feature_share=0.3)
    return ranker, rows.source


def fit_forecast(
    context: FeatureContext,
    prior: LevelPrior,
    trained_until: pd.Timestamp,
    names: Sequence[str],
    settings: Settings,
) -> tuple[BoostedRanker | None, str]:
    """Regression of how an account's next posts rank by engagements among those of others.

    Time before `trained_until` is cut into periods. What was known at the beginning of a period
    predicts the median ln(1 + engagements) of the sponsored posts in it, as a normal score among
    the accounts of the period, so that seasons and the growth of a platform cancel. Where too few
    sponsored posts were measured, all posts are taken.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels.
    trained_until : pandas.Timestamp
        Only readings known strictly before it are learnt from.
    names : sequence of str
        Features of the ranker; those that depend on a brief are never used.
    settings : Settings
        ``outcome`` says which periods and how many accounts.

    Returns
    -------
    ranker : BoostedRanker or None
        Its score is an expected normal score; None where too few posts were measured.
    source : str
        What it learnt from, or why there is none.
    """
    rows, reason = build_forecast_rows(context, prior, trained_until, settings)
    return (None, reason) if rows is None else fit_forecast_rows(rows, names, settings)


@dataclass(frozen=True)
class _Period:
    """Accounts of a period with the median ln(1 + engagements) of their posts in it."""

    begin: int
    accounts: NDArray[np.int64]
    levels: NDArray[np.float64]


def _count_rows(periods: Sequence[_Period]) -> int:
    return sum(len(period.accounts) for period in periods)


def _list_periods(
    context: FeatureContext, reached: NDArray[np.float64], end: int, settings: Settings
) -> list[_Period]:
    chosen = settings.outcome
    length = round(chosen.period_days * _DAY_US)
    periods = []
    for number in range(1, chosen.n_periods + 1):
        begin = end - number * length
        levels = _levels(context.index, reached, begin, begin + length)
        eligible = select_eligible(
            context.data,
            Brief(brief_id="period", brief=""),
            begin,
            min_posts=settings.retrieval.min_posts,
            use_history=False,
        ).accounts
        accounts = eligible[np.isfinite(levels[eligible])]
        if len(accounts) > chosen.n_accounts:
            rng = np.random.default_rng([settings.ranker.seed, number])
            accounts = np.sort(rng.choice(accounts, size=chosen.n_accounts, replace=False))
        if len(accounts) >= _LEAST_ACCOUNTS:
            periods.append(_Period(begin, accounts, levels[accounts]))
    return periods


def _measured_posts(context: FeatureContext, end: int) -> NDArray[np.float64]:
    """ln(1 + engagements) of each post by its newest reading before an instant, else NaN."""
    spans = context.data.spans
    now = spans.filter((pc.field("valid_from") < end) & (pc.field("valid_to") >= end))
    reached = np.full(len(context.index.post_published), np.nan)
    reached[now["post"].to_numpy()] = now["log_engagements"].to_numpy()
    return reached


def _levels(
    index: MarketIndex, reached: NDArray[np.float64], begin: int, end: int
) -> NDArray[np.float64]:
    """Median of what each account's posts of a period reached, by account code."""
    inside = (index.post_published >= begin) & (index.post_published < end) & np.isfinite(reached)
    medians = pd.Series(reached[inside]).groupby(index.post_account[inside]).median()
    levels = np.full(len(index.account_ids), np.nan)
    levels[medians.index.to_numpy(np.int64)] = medians.to_numpy(np.float64)
    return levels
