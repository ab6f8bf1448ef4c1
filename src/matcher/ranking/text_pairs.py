"""Texts of a market that belong together, known before an instant, for tuning an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.market.brief import Brief
from matcher.market.instants import instant_microseconds, to_microseconds
from matcher.ranking.relevance import hired_pairs
from matcher.text.normalise import lexical_tokens
from matcher.text.tuning import TextPairs

if TYPE_CHECKING:
    from matcher.features.context import MarketData

__all__ = ["BRIEFS", "MAX_PAIRS", "POSTS", "market_text_pairs"]

POSTS: Final = "two posts of one account"
BRIEFS: Final = "a brief and an earlier post of an account hired for it"
MAX_PAIRS: Final = 20_000
"""Pairs of each kind at most."""
_POSTS_PER_HIRE: Final = 5
_NEWEST: Final = 50
"""Newest posts before the decision that the posts of a hire are drawn from."""


def market_text_pairs(
    data: MarketData, until: pd.Timestamp, *, seed: int = 0, max_pairs: int = MAX_PAIRS
) -> tuple[TextPairs, ...]:
    """Pairs of two posts of one account, and of a brief and earlier content of a hired account.

    Parameters
    ----------
    data : MarketData
        Market.
    until : pandas.Timestamp
        Aware instant; only posts published, briefs decided and hires settled on strictly before
        it are used. A post that was made for a campaign is not paired with its brief.
    seed : int, default 0
        Which posts are drawn.
    max_pairs : int, default 20000
        Pairs of each kind at most, drawn at random.

    Returns
    -------
    tuple of TextPairs
        Kinds that have a pair, each of texts with a word.
    """
    rng = np.random.default_rng(seed)
    found = (_post_pairs(data, until, rng, max_pairs), _brief_pairs(data, until, rng, max_pairs))
    return tuple(one for one in found if len(one))


def _post_pairs(
    data: MarketData, until: pd.Timestamp, rng: np.random.Generator, max_pairs: int
) -> TextPairs:
    index = data.index
    seen = np.flatnonzero(index.post_published < instant_microseconds(until))
    order = rng.permutation(seen)
    order = order[np.argsort(index.post_account[order], kind="stable")]
    owners = index.post_account[order]
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]][: len(owners)])
    place = np.arange(len(owners)) - np.repeat(starts, np.diff(np.r_[starts, len(owners)]))
    first = np.flatnonzero((place[:-1] % 2 == 0) & (owners[:-1] == owners[1:]))
    left: list[str] = []
    right: list[str] = []
    accounts: list[int] = []
    texts = index.post_texts
    for row in rng.permutation(first):
        if len(left) == max_pairs:
            break
        one, two = texts[int(order[row])], texts[int(order[row + 1])]
        words = lexical_tokens(one), lexical_tokens(two)
        # Equal captions teach nothing but to copy.
        if all(words) and words[0] != words[1]:
            left.append(one)
            right.append(two)
            accounts.append(int(owners[row]))
    groups = np.array(accounts, dtype=np.int64)
    return TextPairs(POSTS, tuple(left), tuple(right), "content", groups, groups)


def _brief_pairs(
    data: MarketData, until: pd.Timestamp, rng: np.random.Generator, max_pairs: int
) -> TextPairs:
    index = data.index
    campaigns = data.market.tables["campaigns"]
    decided = campaigns[campaigns["decided_at"].notna() & (campaigns["decided_at"] < until)]
    decided = decided.sort_values(["decided_at", "campaign_id"]).reset_index(drop=True)
    hires = hired_pairs(data.market)
    hires = hires[hires["status_at"] < until]
    hired_of = dict(tuple(hires.groupby("campaign_id")["account_id"]))
    rows: list[tuple[int, int, int]] = []
    instants = to_microseconds(decided["decided_at"])
    for code, campaign_id in enumerate(decided["campaign_id"]):
        if campaign_id not in hired_of:
            continue
        accounts = index.account_codes(hired_of[campaign_id])
        accounts = accounts[accounts >= 0]
        own = index.own_posts.get(campaign_id, np.empty(0, dtype=np.int64))
        bounds = index.posts_before(accounts, int(instants[code]))
        for account, start, end in zip(accounts, *bounds, strict=True):
            posts = np.setdiff1d(np.arange(max(start, end - _NEWEST), end), own)
            drawn = rng.permutation(posts)[:_POSTS_PER_HIRE].tolist()
            rows += [(code, int(account), post) for post in drawn]
    chosen = [rows[place] for place in rng.permutation(len(rows))[:max_pairs]]
    briefs = [
        Brief.from_campaign(data.market, campaign_id).text for campaign_id in decided["campaign_id"]
    ]
    kept = [
        (code, account, index.post_texts[post])
        for code, account, post in chosen
        if lexical_tokens(briefs[code]) and lexical_tokens(index.post_texts[post])
    ]
    return TextPairs(
        BRIEFS,
        tuple(briefs[code] for code, _, _ in kept),
        tuple(text for _, _, text in kept),
        "brief",
        np.array([code for code, _, _ in kept], dtype=np.int64),
        np.array([account for _, account, _ in kept], dtype=np.int64),
    )
