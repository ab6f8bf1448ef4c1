"""What became of candidates: who was hired, what came of it, and which slice each is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.evaluation.scorers import category_match
from matcher.evaluation.splits import assign_warmth
from matcher.features.account_groups import account_groups
from matcher.features.context import PairView
from matcher.ranking.relevance import level_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.truth import Truth
    from matcher.features.context import FeatureContext
    from matcher.features.pairs import Pairs
    from matcher.features.priors import LevelPrior

__all__ = ["label_pairs"]


def label_pairs(
    context: FeatureContext, prior: LevelPrior, pairs: Pairs, truth: Truth
) -> pd.DataFrame:
    """Labels, outcomes and slices of pairs.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels, over which lift is measured.
    pairs : Pairs
        Pairs.
    truth : Truth
        What happened.

    Returns
    -------
    pandas.DataFrame
        One row per pair: ``campaign_id, account_id, brand_id, hired, outcome, expected,
        same_category, platform, tier, gender, content_language, brief_language, warmth``.
    """
    view = PairView(context, pairs)
    frame = pairs.frame()
    keys = pd.MultiIndex.from_frame(frame)
    brands = [brief.brand_id for brief in pairs.briefs]
    languages = [brief.brief_language or "unknown" for brief in pairs.briefs]
    frame["brand_id"] = pd.Series(np.array(brands, dtype=object)[pairs.brief_codes], dtype="str")
    frame["hired"] = keys.isin(truth.hires)
    outcome = truth.outcomes.reindex(keys).to_numpy(np.float64)
    frame["outcome"] = np.where(frame["hired"], outcome, np.nan)
    levels = level_names(truth.table, pairs.campaign_ids)
    expected = np.full(len(pairs), np.nan)
    for name in ("engagements_level", "views_level"):
        expected = np.where(levels == name, np.exp(prior.shrink(name, view)), expected)
    frame["expected"] = expected
    frame["same_category"] = category_match(context, pairs)[1]
    frame["platform"] = pd.Series(view.platforms, dtype="str")
    frame["tier"] = pd.Series(view.tiers, dtype="str")
    for column, by in (("gender", "gender"), ("content_language", "language")):
        names = [
            account_groups(
                context.index, by, block.accounts, block.instant, campaign_id=block.brief.brief_id
            )
            for block in view.blocks
        ]
        frame[column] = pd.Series(np.concatenate([np.empty(0, object), *names]), dtype="str")
    frame["brief_language"] = pd.Series(
        np.array(languages, dtype=object)[pairs.brief_codes], dtype="str"
    )
    frame["warmth"] = pd.Series(_warmth(context, view), dtype="str")
    return frame


def _warmth(context: FeatureContext, view: PairView) -> NDArray[np.object_]:
    contacts = context.contacts
    times, accounts = contacts.outcomes_at
    persons = context.index.person_of
    n_outcomes = np.zeros(len(view.pairs))
    n_hires = np.zeros(len(view.pairs))
    n_posts = np.zeros(len(view.pairs))
    for block in view.blocks:
        known = accounts[: int(np.searchsorted(times, block.instant))]
        by_person = np.bincount(persons[known[known >= 0]], minlength=len(context.index.person_ids))
        hires = contacts.hires.before(block.instant).accounts
        by_account = np.bincount(hires[hires >= 0], minlength=len(context.index.account_ids))
        n_outcomes[block.rows] = by_person[persons[block.accounts]]
        n_hires[block.rows] = by_account[block.accounts]
        n_posts[block.rows] = block.lengths
    return assign_warmth(n_outcomes, n_account_posts=n_posts, n_account_collaborations=n_hires)
