"""Groups that accounts belong to as of an instant: tier, platform, declared gender, language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.arguments import check_choice
from matcher.features.segments import expand_ranges
from matcher.features.snapshots import newest_snapshots
from matcher.market.tiers import assign_tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.index import MarketIndex

__all__ = ["GROUPINGS", "UNKNOWN_GROUP", "account_groups"]

GROUPINGS: Final = ("tier", "platform", "gender", "language")
"""By what accounts can be grouped."""
UNKNOWN_GROUP: Final = "unknown"
"""Group of the accounts of which it is not known; never guessed from anything else."""
_NO_LANGUAGE: Final = ("und", "zxx", "mul")
"""Tags of a text whose language is not determined, that has none, or several."""


def account_groups(
    index: MarketIndex,
    by: str,
    accounts: NDArray[np.int64],
    instant: int,
    *,
    campaign_id: str = "",
) -> NDArray[np.object_]:
    """Group of each account, from what was known strictly before an instant.

    Gender is what the person declared, and unknown without that. The language of an account is
    that of most of its earlier posts whose language is known, the first by name of several.

    Parameters
    ----------
    index : MarketIndex
        Market.
    by : {"tier", "platform", "gender", "language"}
        What groups are of; tiers are those of ``market.tier_scheme``.
    accounts : numpy.ndarray of int64, shape (n,)
        Account codes.
    instant : int
        Microseconds since 1970.
    campaign_id : str, default ""
        Campaign whose own posts do not count.

    Returns
    -------
    numpy.ndarray of str as object, shape (n,)
        Names; ``unknown`` where it is not known.

    Raises
    ------
    UsageError
        If there is no such grouping.
    """
    check_choice(by, GROUPINGS, where="account_groups: by")
    if by == "platform":
        return index.accounts["platform"].to_numpy(object)[accounts]
    if by == "tier":
        snapshots = newest_snapshots(index, accounts, np.full(len(accounts), instant))
        scheme = index.market.settings.tier_scheme
        return assign_tier(snapshots["n_followers"], scheme).to_numpy(object)
    if by == "gender":
        declared = index.influencers["gender"]
        told = declared.notna().to_numpy(bool) & (index.influencer_described_at < instant)
        return np.where(told, declared.to_numpy(object), UNKNOWN_GROUP)[accounts]
    return _languages(index, accounts, instant, index.own_posts.get(campaign_id, ()))


def _languages(
    index: MarketIndex, accounts: NDArray[np.int64], instant: int, own: object
) -> NDArray[np.object_]:
    codes, tags = index.post_languages
    names = sorted(set(tags) - set(_NO_LANGUAGE))
    if not names:
        return np.full(len(accounts), UNKNOWN_GROUP, dtype=object)
    place_of = {name: place for place, name in enumerate(names)}
    # A post without a language has code -1, which is the last place here.
    places = np.array([*(place_of.get(tag, -1) for tag in tags), -1])
    starts, ends = index.posts_before(accounts, instant)
    posts = expand_ranges(starts, ends)
    owners = np.repeat(np.arange(len(accounts)), ends - starts)
    spoken = places[codes[posts]]
    counted = (spoken >= 0) & ~np.isin(posts, np.asarray(own, dtype=np.int64))
    cells = owners[counted] * len(names) + spoken[counted]
    counts = np.bincount(cells, minlength=len(accounts) * len(names))
    table = counts.reshape(len(accounts), len(names))
    most = np.array(names, dtype=object)[table.argmax(axis=1)]
    return np.where(table.any(axis=1), most, UNKNOWN_GROUP)
