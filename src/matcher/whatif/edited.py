"""Markets with edited tables that share with the market as it is what the edits do not touch."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.features.contacts import Contacts
from matcher.features.context import FeatureContext, MarketData
from matcher.features.index import MarketIndex
from matcher.features.texts import TextIndex
from matcher.market.instants import positions_in
from matcher.recommend.fees.build import share_price_models
from matcher.retrieval.facts import account_facts
from matcher.whatif.joined import join_contexts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.whatif.tables import EditedTables

__all__ = ["FACTS_READ", "READS", "edit_context"]

_POSTS: Final = ("counters", "times")
READS: Final[Mapping[type, Mapping[str, tuple[str, ...]]]] = {
    MarketIndex: {
        "posts": _POSTS,
        "post_published": ("times",),
        "_published_ranks": ("times",),
        "_post_keys": ("times",),
        "quotes": ("rates",),
        "audiences": ("audiences",),
    },
    MarketData: {"index": _POSTS, "texts": _POSTS, "gaps": _POSTS, "spans": _POSTS},
    TextIndex: {},
    FeatureContext: {"_kept_sums": ("times",), "contacts": _POSTS},
    Contacts: {"sponsored": ("times",), "mentions": ("times",), "_caption_sums": ("times",)},
}
"""Cached values that an edit of an aspect touches; all others are shared. What accounts that join
bring is put beside it, see `matcher.whatif.joined`."""
FACTS_READ: Final[Mapping[str, tuple[str, ...]]] = {
    "format_since": ("times",),
    "quoted_since": ("rates",),
    "_posts_at": ("times",),
    "sponsored": ("times",),
    "_sponsored_at": ("times",),
    "absences": ("terms",),
    "bonds": ("terms",),
}


def edit_context(context: FeatureContext, edited: EditedTables) -> FeatureContext:
    """A market with edited tables, seen through the same text objects.

    Parameters
    ----------
    context : FeatureContext
        The market as it is.
    edited : EditedTables
        Tables that differ.

    Returns
    -------
    FeatureContext
        Gives the same features as one built from the edited tables alone, but sooner. The hash of
        its market is that of the market as it is, marked by a digest of what was edited. What
        accounts that join ask for teaches what others ask, as of any account of a market; what is
        edited does not.
    """
    others = _edit_others(context, edited) if edited.tables else context
    if edited.newcomers is None:
        return others
    joining, data_hash = edited.newcomers, f"{edited.market.data_hash}+{edited.digest}"
    newcomers = replace(joining.market, tables={**joining.market.tables, **joining.tables})
    joined = join_contexts(others, newcomers, data_hash)
    as_joined = joined
    if edited.tables or joining.tables:
        as_joined = join_contexts(context, joining.market, data_hash)
        share_price_models(as_joined.data, joined.data, edited.instant)
    if not len(joining.market.tables["rates"]):
        codes = as_joined.index.account_places.others
        share_price_models(context.data, as_joined.data, edited.instant, codes=codes)
    return joined


def _edit_others(context: FeatureContext, edited: EditedTables) -> FeatureContext:
    """The accounts that the market holds, as edited."""
    market = replace(
        edited.market,
        tables={**edited.market.tables, **edited.tables},
        data_hash=f"{edited.market.data_hash}+{edited.digest}",
    )
    data = MarketData(market)
    result = replace(context, data=data)
    _share_index(context.data, data, edited)
    _share(context.data, data, edited.aspects, READS[MarketData], but=("index", "texts"))
    texts = TextIndex(data.index)
    _share(context.data.texts, texts, edited.aspects, READS[TextIndex])
    data.__dict__["texts"] = texts
    data.__dict__["_embedded"] = context.data._embedded
    _share(context, result, edited.aspects, READS[FeatureContext], but=("contacts",))
    contacts = Contacts(result)
    _share(context.contacts, contacts, edited.aspects, READS[Contacts])
    result.__dict__["contacts"] = contacts
    _share(account_facts(context.data), account_facts(data), edited.aspects, FACTS_READ)
    # A price or a figure that somebody only imagines teaches nothing of what others ask.
    share_price_models(context.data, data, edited.instant)
    return result


def _share(
    source: Any,
    target: Any,
    aspects: Collection[str],
    reads: Mapping[str, tuple[str, ...]],
    *,
    but: Sequence[str] = (),
) -> None:
    """Hand on cached values that no edited aspect touches."""
    own = {one.name for one in fields(source)}
    for name, value in vars(source).items():
        if name not in own and name not in but and not set(reads.get(name, ())) & set(aspects):
            target.__dict__[name] = value


def _share_index(base: MarketData, data: MarketData, edited: EditedTables) -> None:
    index = MarketIndex(data.market)
    _share(base.index, index, edited.aspects, READS[MarketIndex])
    if set(_POSTS) & set(edited.aspects):
        # Edits keep the order of an account's posts, so that the code of a post stays its own.
        before, now = base.index.posts, data.market.tables["posts"]
        order: NDArray[np.int64] | None = None
        if len(now) and not now["post_id"].equals(before["post_id"]):
            order = positions_in(before["post_id"], now["post_id"])
        index.__dict__["posts"] = now if order is None else now.iloc[order].reset_index(drop=True)
    data.__dict__["index"] = index
