"""Who competes with whom: candidates of campaigns, their labels, and draws of the unlabelled."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.errors import SupportError
from matcher.features.context import FeatureContext, MarketData
from matcher.features.pair_features import FAMILIES, FeatureMatrix, build_features
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief
from matcher.market.instants import instant_microseconds
from matcher.ranking.relevance import (
    closed_campaigns,
    hired_pairs,
    level_names,
    measured_outcomes,
)
from matcher.retrieval.eligibility import select_eligible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.pairs import Pairs
    from matcher.features.priors import LevelPrior
    from matcher.market.market import Market

__all__ = [
    "TrainingRows",
    "build_training_rows",
    "candidate_pairs",
    "find_learnt_campaigns",
    "find_missing_history",
    "training_campaigns",
    "used_features",
]


def _seed(*parts: object) -> int:
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True)
class TrainingRows:
    """Candidates of closed campaigns with their labels.

    Parameters
    ----------
    matrix : FeatureMatrix
        Raw features of the candidates.
    hired : numpy.ndarray of bool, shape (n_pairs,)
        Whether a hire was known.
    outcomes : pandas.DataFrame
        Outcomes of the hires, see ``matcher.ranking.relevance.measured_outcomes``.
    levels : numpy.ndarray of float64, shape (n_pairs,)
        Expected ln(1 + outcome) of each account, see ``engagements_expected`` and
        ``views_expected``; NaN where the campaign's outcome has no level.
    draws : tuple of numpy.ndarray of int64
        Rows of each draw: every hire and some of the others.
    n_eligible : numpy.ndarray of int64, shape (n_briefs,)
        Eligible accounts of each campaign, of which the candidates may be a part.
    """

    matrix: FeatureMatrix
    hired: NDArray[np.bool_]
    outcomes: pd.DataFrame
    levels: NDArray[np.float64]
    draws: tuple[NDArray[np.int64], ...]
    n_eligible: NDArray[np.int64]


def candidate_pairs(
    data: MarketData,
    campaign_ids: Sequence[str],
    settings: Settings,
    *,
    keep: dict[str, set[str]] | None = None,
    limit: int | None = None,
) -> Pairs:
    """Eligible accounts of past campaigns, as of each decision.

    Parameters
    ----------
    data : MarketData
        Market.
    campaign_ids : sequence of str
        Campaigns with a decision instant.
    settings : Settings
        ``retrieval.min_posts`` earlier posts make a candidate.
    keep : dict of str to set of str, optional
        Accounts by campaign that a limit may not drop.
    limit : int, optional
        Largest number of other accounts, drawn at random with a seed of the campaign's id.

    Returns
    -------
    Pairs
        Pairs by campaign in the order given, accounts in rising order.
    """
    return _candidates(data, campaign_ids, settings, keep, limit)[0]


def _candidates(
    data: MarketData,
    campaign_ids: Sequence[str],
    settings: Settings,
    keep: dict[str, set[str]] | None,
    limit: int | None,
) -> tuple[Pairs, NDArray[np.int64]]:
    """Pairs, and the number of eligible accounts of each campaign."""
    market = data.market
    decided = market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    briefs: list[Brief] = []
    chosen: dict[str, NDArray[np.object_]] = {}
    instants: dict[str, pd.Timestamp] = {}
    sizes: list[int] = []
    for campaign_id in campaign_ids:
        brief = Brief.from_campaign(market, campaign_id)
        instant = decided[campaign_id]
        eligible = select_eligible(
            data,
            brief,
            instant_microseconds(instant),
            min_posts=settings.retrieval.min_posts,
            rival_days=0.0,
        ).accounts
        accounts = data.index.account_ids.to_numpy(object)[eligible]
        sizes.append(len(accounts))
        if limit is not None and len(accounts) > limit:
            rng = np.random.default_rng(_seed(settings.ranker.seed, campaign_id))
            kept = np.isin(accounts, list((keep or {}).get(campaign_id, ())))
            others = np.flatnonzero(~kept)
            drawn = rng.choice(others, size=min(limit, len(others)), replace=False)
            accounts = accounts[np.sort(np.concatenate((np.flatnonzero(kept), drawn)))]
        briefs.append(brief)
        chosen[campaign_id] = accounts
        instants[campaign_id] = instant
    return build_pairs(briefs, chosen, instants=instants), np.array(sizes, dtype=np.int64)


def training_campaigns(
    market: Market, trained_until: pd.Timestamp, *, exclude_brands: frozenset[str] = frozenset()
) -> list[str]:
    """Campaigns that a training until an instant learns from.

    Parameters
    ----------
    market : Market
        Market.
    trained_until : pandas.Timestamp
        Aware instant; a campaign counts when it was decided, and closed, before.
    exclude_brands : frozenset of str
        Brands whose campaigns are left out.

    Returns
    -------
    list of str
        Campaign ids by decision.

    Raises
    ------
    SupportError
        If there is none.
    """
    ids = _closed(market, trained_until, exclude_brands)
    if not ids:
        raise SupportError(f"training: {_say_none_closed(market, trained_until)}")
    return ids


def find_learnt_campaigns(market: Market, trained_until: pd.Timestamp) -> list[str]:
    """Campaigns of a market that a training until an instant learns from.

    Parameters
    ----------
    market : Market
        Market.
    trained_until : pandas.Timestamp
        Aware instant; a campaign counts when it was decided, and closed, before.

    Returns
    -------
    list of str
        Campaign ids by decision; none where nothing is closed.
    """
    return _closed(market, trained_until)


def find_missing_history(market: Market, trained_until: pd.Timestamp) -> str:
    """Why a training until an instant has no campaign with a hire to learn from.

    Parameters
    ----------
    market : Market
        Market.
    trained_until : pandas.Timestamp
        Aware instant.

    Returns
    -------
    str
        Tables that are missing or hold no row, or that no campaign is closed; empty where one is.
    """
    lacking = market.list_lacking("campaigns", "collaborations")
    if lacking:
        return f"no history of hires: {', '.join(lacking)}"
    if _closed(market, trained_until):
        return ""
    return _say_none_closed(market, trained_until)


def _closed(
    market: Market, trained_until: pd.Timestamp, exclude_brands: frozenset[str] = frozenset()
) -> list[str]:
    """Campaigns with a hire, decided and closed before an instant, by decision."""
    campaigns = market.tables["campaigns"].set_index("campaign_id")
    closed = closed_campaigns(market, trained_until)
    usable = campaigns.loc[campaigns.index.intersection(closed)]
    usable = usable[usable["decided_at"].notna() & (usable["decided_at"] < trained_until)]
    usable = usable[~usable["brand_id"].isin(exclude_brands)]
    ids: list[str] = usable.sort_values("decided_at", kind="stable").index.tolist()
    return ids


def _say_none_closed(market: Market, trained_until: pd.Timestamp) -> str:
    campaigns, told = market.tables["campaigns"], hired_pairs(market)
    return (
        f"no campaign is closed before {trained_until}: of {len(campaigns)} "
        f"campaigns {int((campaigns['decided_at'] < trained_until).sum())} were decided "
        f"before (`decided_at`), {told['campaign_id'].nunique()} have a hire with a "
        f"`status_at`, {int(told['outcome_at'].notna().sum())} of {len(told)} hires have an "
        "`outcome_at`; a campaign closes when the outcome of each of its hires is known"
    )


def build_training_rows(
    context: FeatureContext,
    prior: LevelPrior,
    trained_until: pd.Timestamp,
    settings: Settings,
    *,
    exclude_brands: frozenset[str] = frozenset(),
    features: Callable[[Pairs], FeatureMatrix] | None = None,
) -> TrainingRows:
    """Candidates of the campaigns closed before an instant, with labels known before it.

    Parameters
    ----------
    context : FeatureContext
        Market and fitted text.
    prior : LevelPrior
        Expected levels.
    trained_until : pandas.Timestamp
        Aware instant.
    settings : Settings
        Settings.
    exclude_brands : frozenset of str
        Brands whose campaigns are left out (brand-cold protocols).
    features : callable, optional
        Features of pairs, where they are shared with other rows; computed here when None.

    Returns
    -------
    TrainingRows
        Rows, labels and draws.

    Raises
    ------
    SupportError
        If no campaign is closed before the instant, or none of these has a candidate.
    """
    market = context.index.market
    ids = training_campaigns(market, trained_until, exclude_brands=exclude_brands)
    hires = hired_pairs(market)
    hires = hires[hires["status_at"] < trained_until]
    hired_of = {str(key): set(part) for key, part in hires.groupby("campaign_id")["account_id"]}
    ranker = settings.ranker
    limit = ranker.n_draws * ranker.unlabelled_per_campaign
    pairs, n_eligible = _candidates(context.data, ids, settings, hired_of, limit)
    if not len(pairs):
        counts = _removed(context.data, ids, settings)
        raise SupportError(
            f"training: none of {len(ids)} closed campaigns has a candidate among "
            f"{len(context.index.account_ids):,} accounts (removed by {counts}, over all of them); "
            f"an account needs {settings.retrieval.min_posts} posts before the decision "
            "(`retrieval.min_posts`) and has to pass the terms of the campaign"
        )
    matrix = build_features(context, prior, pairs) if features is None else features(pairs)
    keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
    hired = keys.isin(pd.MultiIndex.from_frame(hires[["campaign_id", "account_id"]]))
    outcomes = measured_outcomes(market.as_of(trained_until))
    return TrainingRows(
        matrix=matrix,
        hired=np.asarray(hired),
        outcomes=outcomes,
        levels=_levels(matrix, outcomes),
        draws=_draws(pairs, hired, settings),
        n_eligible=n_eligible,
    )


def _removed(data: MarketData, campaign_ids: Sequence[str], settings: Settings) -> str:
    """What each hard rule removed, over several campaigns."""
    decided = data.market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    removed: Counter[str] = Counter()
    for campaign_id in campaign_ids:
        eligible = select_eligible(
            data,
            Brief.from_campaign(data.market, campaign_id),
            instant_microseconds(decided[campaign_id]),
            min_posts=settings.retrieval.min_posts,
            rival_days=0.0,
        )
        removed.update(eligible.removed)
    return ", ".join(f"{rule} {count:,}" for rule, count in removed.most_common() if count)


def _levels(matrix: FeatureMatrix, outcomes: pd.DataFrame) -> NDArray[np.float64]:
    names = level_names(outcomes, matrix.pairs.campaign_ids)
    engagements, views = matrix.columns(["engagements_expected", "views_expected"]).T
    return np.where(
        names == "engagements_level", engagements, np.where(names == "views_level", views, np.nan)
    )


def _draws(
    pairs: Pairs, hired: NDArray[np.bool_], settings: Settings
) -> tuple[NDArray[np.int64], ...]:
    ranker = settings.ranker
    draws = []
    for number in range(ranker.n_draws):
        rows = []
        for code, brief in enumerate(pairs.briefs):
            first, last = pairs.bounds[code], pairs.bounds[code + 1]
            inside = np.arange(first, last)
            others = inside[~hired[first:last]]
            rng = np.random.default_rng(_seed(ranker.seed, number, brief.brief_id))
            size = min(ranker.unlabelled_per_campaign, len(others))
            rows.append(inside[hired[first:last]])
            rows.append(rng.choice(others, size=size, replace=False))
        draws.append(np.sort(np.concatenate(rows)))
    return tuple(draws)


def used_features(matrix: FeatureMatrix, leave_out: Sequence[str] = ()) -> tuple[str, ...]:
    """Features that take at least two values; the others cannot rank anything.

    Parameters
    ----------
    matrix : FeatureMatrix
        Training features.
    leave_out : sequence of str
        Names of families whose features are not used.

    Returns
    -------
    tuple of str
        Names in the order of the matrix.
    """
    values = matrix.values
    low = np.where(np.isnan(values), np.inf, values).min(axis=0, initial=np.inf)
    high = np.where(np.isnan(values), -np.inf, values).max(axis=0, initial=-np.inf)
    ranges = zip(matrix.names, low, high, strict=True)
    without = {
        spec.name for family in FAMILIES if family.name in leave_out for spec in family.specs
    }
    return tuple(name for name, one, two in ranges if two > one and name not in without)
