"""What only the world knows: latent traits and the expected outcome of each possible pair."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from matcher.world.arrow import account_ids, campaign_ids, ids
from matcher.world.buyers import N_DAYS
from matcher.world.engagement import (
    FORMAT_WEIGHTS,
    POST_SHOCK,
    log_exposure,
    log_rate,
    pair_effect,
)
from matcher.world.hiring import Hiring
from matcher.world.posts import Market

__all__ = ["truth_tables"]


def truth_tables(market: Market, hiring: Hiring) -> Mapping[str, pa.Table]:
    """Tables of the truth folder.

    Parameters
    ----------
    market : Market
        What was drawn.
    hiring : Hiring
        Longlists and probabilities.

    Returns
    -------
    mapping of str to pyarrow.Table
        ``people``, ``interests``, ``accounts``, ``campaigns``, ``pairs``.
    """
    return {
        "people": _people(market),
        "interests": _interests(market),
        "accounts": _accounts(market),
        "campaigns": _campaigns(market),
        "pairs": _pairs(market, hiring),
    }


def _people(market: Market) -> pa.Table:
    people = market.people
    columns = {
        "influencer_id": ids("inf_", np.arange(people.n), 6),
        "main_sub_topic": pa.array(np.array(market.vocabulary.sub_topics)[people.main_sub]),
        "level": pa.array(people.level),
        "trend": pa.array(people.trend),
        "reliability": pa.array(people.reliability),
        "ad_gap": pa.array(people.ad_gap),
        "audience_female": pa.array(people.audience_female),
    }
    for k in range(people.ad_share.shape[1]):
        columns[f"ad_share_{k}"] = pa.array(people.ad_share[:, k])
    for k in range(people.tone.shape[1]):
        columns[f"tone_{k}"] = pa.array(people.tone[:, k])
    return pa.table(columns)


def _interests(market: Market) -> pa.Table:
    person, sub = np.nonzero(market.people.interests)
    names = np.array(market.vocabulary.sub_topics)
    return pa.table(
        {
            "influencer_id": ids("inf_", person, 6),
            "sub_topic": pa.array(names[sub]),
            "weight": pa.array(market.people.interests[person, sub]),
        }
    )


def _accounts(market: Market) -> pa.Table:
    people = market.people
    return pa.table(
        {
            "account_id": account_ids(np.arange(people.n_accounts)),
            "followers": pa.array(people.followers),
            "fake_share": pa.array(people.fake_share),
            "bought_at": pa.array(people.bought_at),
            "growth": pa.array(people.growth),
            "comment_bias": pa.array(people.comment_bias),
            "price_vnd": pa.array(people.price),
        }
    )


def _campaigns(market: Market) -> pa.Table:
    campaigns = market.campaigns
    names = np.array(market.vocabulary.sub_topics, dtype=object)
    return pa.table(
        {
            "campaign_id": campaign_ids(np.arange(campaigns.n)),
            "sub_topic": pa.array(names[campaigns.sub], type=pa.string()),
            "second_sub_topic": pa.array(names[campaigns.second_sub], type=pa.string()),
            "tone": pa.array(campaigns.tone),
            "target_price_vnd": pa.array(campaigns.target_price),
        }
    )


def _pairs(market: Market, hiring: Hiring) -> pa.Table:
    """Expected engagements with every shock integrated out, in the account's main format."""
    people, knobs = market.people, market.knobs
    account, campaign = hiring.account, hiring.campaign
    tau = np.minimum(market.campaigns.decided[campaign] + 19, N_DAYS) / N_DAYS
    form = FORMAT_WEIGHTS.argmax(axis=1)[people.platform[account]]
    mean = log_exposure(people, account, tau, form) + pair_effect(
        people, account, tau, fit=hiring.fit, repeats=hiring.repeats, knobs=knobs
    )
    spread = POST_SHOCK[people.platform[account]] ** 2 + knobs.shock_pair**2
    exposure = np.exp(mean + spread / 2) * market.campaigns.n_posts[campaign]
    rate = np.exp(log_rate(people, account, tau) + 0.25**2 / 2)
    return pa.table(
        {
            "campaign_id": campaign_ids(campaign),
            "account_id": account_ids(account),
            "fit": pa.array(hiring.fit),
            "utility": pa.array(hiring.utility),
            "inclusion_probability": pa.array(
                hiring.probability, mask=np.isnan(hiring.probability)
            ),
            "expected_exposure": pa.array(exposure),
            "expected_engagements": pa.array(exposure * rate * 1.04),
        }
    )
