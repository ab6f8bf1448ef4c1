"""Public posts as training rows: what was known of their account before them, and what they got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.columns import FORMATS, TRUST_PROXY
from matcher.features.activity import CONDUCT, FOLLOWER_QUALITY, REACH
from matcher.features.pair_features import build_features
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief
from matcher.market.instants import instant_microseconds
from matcher.ranking.outcomes.inputs import (
    DUMMIES,
    FormatShares,
    PairInputs,
    count_formats,
    dummy_columns,
)
from matcher.retrieval.eligibility import select_eligible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.priors import LevelPrior

__all__ = ["FAMILIES", "LEAST_RATE", "PostRows", "build_post_rows"]

FAMILIES: Final = (REACH.name, FOLLOWER_QUALITY.name, CONDUCT.name, "resonance")
"""Families that say something of an account whatever the brief."""
LEAST_RATE: Final = 0.001
"""Added to a rate before its logarithm is taken, so that none is endlessly far from a little."""
_DAY_US: Final = 86_400_000_000
_COUNTERS: Final = ("views", "reach", "impressions")


@dataclass(frozen=True, eq=False)
class PostRows:
    """Posts of periods before a cut.

    Parameters
    ----------
    inputs : PairInputs
        What was known of the account of each post when its period began, with the platform, the
        format and whether the post was an ad.
    targets : mapping of str to numpy.ndarray of float64, shape (n_posts,)
        By metric the log of 1 + its newest reading (of a rate, of `LEAST_RATE` + it); NaN where it
        was not read.
    shares : FormatShares
        Formats by platform.
    """

    inputs: PairInputs
    targets: Mapping[str, NDArray[np.float64]]
    shares: FormatShares


def build_post_rows(
    context: FeatureContext, prior: LevelPrior, trained_until: pd.Timestamp, settings: Settings
) -> PostRows:
    """Posts of the periods before a cut, with what was known at the beginning of each period.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels.
    trained_until : pandas.Timestamp
        Only readings known strictly before it count.
    settings : Settings
        ``outcome`` says which periods, how many accounts of each and how many posts in all.

    Returns
    -------
    PostRows
        Drawn at random where there are more than asked for; empty where there is none.
    """
    index, end = context.index, instant_microseconds(trained_until)
    chosen = settings.outcome
    length = round(chosen.period_days * _DAY_US)
    begins = [end - number * length for number in range(1, chosen.n_periods + 1)]
    accounts = [_accounts(context, begin, number, settings) for number, begin in enumerate(begins)]
    ids = index.account_ids.to_numpy(object)
    briefs = [Brief(brief_id=f"period {number}", brief="") for number in range(len(begins))]
    pairs = build_pairs(
        briefs,
        {brief.brief_id: ids[held] for brief, held in zip(briefs, accounts, strict=True)},
        instants={
            brief.brief_id: pd.Timestamp(begin, unit="us", tz="UTC")
            for brief, begin in zip(briefs, begins, strict=True)
        },
    )
    matrix = build_features(context, prior, pairs, families=FAMILIES)
    posts, rows = [], []
    for number, (begin, held) in enumerate(zip(begins, accounts, strict=True)):
        place = np.full(len(ids), -1, dtype=np.int64)
        place[held] = pairs.bounds[number] + np.arange(len(held))
        inside = (index.post_published >= begin) & (index.post_published < begin + length)
        found = np.flatnonzero(inside & (place[index.post_account] >= 0))
        posts.append(found)
        rows.append(place[index.post_account[found]])
    post, row = np.concatenate([*posts, _NONE]), np.concatenate([*rows, _NONE])
    if len(post) > chosen.n_posts:
        rng = np.random.default_rng([settings.ranker.seed, len(post)])
        kept = np.sort(rng.choice(len(post), size=chosen.n_posts, replace=False))
        post, row = post[kept], row[kept]
    formats = index.posts["format"].to_numpy(object)
    platforms = index.accounts["platform"].to_numpy(object)
    before = index.post_published < end
    shares = count_formats(platforms[index.post_account[before]], formats[before])
    own = np.array([[name == held for name in FORMATS] for held in formats[post]], dtype=np.float64)
    assert matrix.platforms is not None
    assert matrix.tiers is not None
    dummies = dummy_columns(
        matrix.platforms[row],
        own.reshape(len(post), len(FORMATS)),
        index.post_is_sponsored[post].astype(np.float64),
    )
    inputs = PairInputs(
        np.hstack([matrix.values[row], dummies]),
        (*matrix.names, *DUMMIES),
        matrix.platforms[row],
        matrix.tiers[row],
    )
    return PostRows(inputs, _targets(context, post, end), shares)


_NONE: Final = np.empty(0, dtype=np.int64)


def _accounts(
    context: FeatureContext, begin: int, number: int, settings: Settings
) -> NDArray[np.int64]:
    """Accounts whose posts of a period are learnt from."""
    found = select_eligible(
        context.data,
        Brief(brief_id="period", brief=""),
        begin,
        min_posts=settings.retrieval.min_posts,
        use_history=False,
    ).accounts
    most = settings.outcome.n_accounts
    if len(found) > most:
        rng = np.random.default_rng([settings.ranker.seed, number])
        found = np.sort(rng.choice(found, size=most, replace=False))
    return found


def _targets(
    context: FeatureContext, posts: NDArray[np.int64], end: int
) -> dict[str, NDArray[np.float64]]:
    """Newest readings of posts before an instant, on the scale that is learnt from."""
    index = context.index
    ids = index.posts["post_id"].iloc[posts]
    readings = index.market.readings_of(ids)
    readings = readings[readings["known_at"] < pd.Timestamp(end, unit="us", tz="UTC")]
    newest = readings.sort_values("known_at").drop_duplicates("post_id", keep="last")
    held = newest.set_index("post_id").reindex(ids)
    spread = held[["comments", "shares", "saves"]].sum(axis=1, skipna=False).to_numpy(np.float64)
    reach = held["reach"].to_numpy(np.float64)
    rate = np.divide(spread, reach, out=np.full(len(posts), np.nan), where=reach > 0)
    # As the features count them: as far as given, and unknown without likes.
    parts = held["likes"] + held[["comments", "shares", "saves"]].fillna(0).sum(axis=1)
    return {
        "engagements": np.log1p(parts.to_numpy(np.float64)),
        **{name: np.log1p(held[name].to_numpy(np.float64)) for name in _COUNTERS},
        TRUST_PROXY: np.log(LEAST_RATE + rate),
    }
