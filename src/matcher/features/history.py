"""History: earlier hires of the account and its person, by kind of brand and by likeness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.features.contacts import Events, brand_context, count_by_account
from matcher.features.spec import Family, FeatureSpec
from matcher.market.instants import to_microseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from matcher.features.contacts import BrandContext
    from matcher.features.context import BriefBlock, FeatureContext, PairView

__all__ = ["AFFINITY", "BRAND_CONTACTS", "HISTORY", "PERSON_HISTORY"]

_DAY: Final = 86_400_000_000
_STATUS: Final = "collaborations, from status_at"
_PUBLISHED: Final = "posts, from publication"
_HALF_LIFE_DAYS: Final = 90.0
_SHARPNESS: Final = 4
"""Power of the cosine between brands or briefs: about the fourth, far brands count for nothing."""


def _decay(events: Events, instant: int) -> NDArray[np.float64]:
    days = (instant - events.times) / _DAY
    return np.asarray(np.exp2(-days / _HALF_LIFE_DAYS))


def _likeness(rows: NDArray[np.float64], query: NDArray[np.float64]) -> NDArray[np.float64]:
    cosines = (rows * query).sum(axis=1)
    return np.asarray(np.clip(cosines, 0.0, None) ** _SHARPNESS)


def _of_kind(mask: NDArray[np.bool_], events: Events) -> NDArray[np.bool_]:
    if not len(mask):
        return np.zeros(len(events), dtype=bool)
    return np.asarray(mask[events.brands] & (events.brands >= 0))


def _distinct_brands(
    block: BriefBlock, events: Events, weights: NDArray[np.float64] | None, n_brands: int, n: int
) -> NDArray[np.float64]:
    """Sum over the distinct brands an account dealt with of a weight per brand."""
    keys = np.unique(events.accounts * max(n_brands, 1) + events.brands)
    accounts, brands = np.divmod(keys, max(n_brands, 1))
    chosen = weights[brands] if weights is not None else None
    return count_by_account(block, accounts, chosen, n)


def _empty(view: PairView, specs: tuple[FeatureSpec, ...]) -> dict[str, NDArray[np.float64]]:
    return {spec.name: np.zeros(len(view.pairs)) for spec in specs}


def _history(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    return _hires(context, view, "hires", HISTORY.specs, lambda accounts: accounts)


def _person_history(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    person_of = context.index.person_of
    return _hires(
        context, view, "person_hires", PERSON_HISTORY.specs, lambda accounts: person_of[accounts]
    )


def _hires(
    context: FeatureContext,
    view: PairView,
    prefix: str,
    specs: tuple[FeatureSpec, ...],
    holder: Callable[[NDArray[np.int64]], NDArray[np.int64]],
) -> Mapping[str, NDArray[np.float64]]:
    contacts = context.contacts
    columns = _empty(view, specs)
    n = len(context.index.account_ids)
    briefs = context.past_briefs[1].astype(np.float64)
    for block in view.blocks:
        events = contacts.hires.before(block.instant)
        events = events.where((events.sources >= 0) & (events.accounts >= 0))
        kinds = brand_context(context, block.brief, block.instant)
        query = view.brief_embeddings[block.code].astype(np.float64)
        place = holder(block.accounts)
        found = {
            "all": _count(holder(events.accounts), None, n, place),
            "recent": _count(holder(events.accounts), _decay(events, block.instant), n, place),
            "like_brief": _count(
                holder(events.accounts), _likeness(briefs[events.sources], query), n, place
            ),
        }
        for kind, mask in _kinds(kinds).items():
            part = events.where(_of_kind(mask, events))
            found[kind] = _count(holder(part.accounts), None, n, place)
        for what, values in found.items():
            name = f"{prefix}_{what}"
            if name in columns:
                columns[name][block.rows] = np.log1p(values)
    return columns


def _kinds(kinds: BrandContext) -> dict[str, NDArray[np.bool_]]:
    return {"brand": kinds.own, "owner": kinds.same_owner, "category": kinds.same_category}


def _count(
    accounts: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
    n: int,
    place: NDArray[np.int64],
) -> NDArray[np.float64]:
    return np.bincount(accounts, weights=weights, minlength=n).astype(np.float64)[place]


def _brand_contacts(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    contacts = context.contacts
    columns = _empty(view, BRAND_CONTACTS.specs)
    n, n_brands = len(context.index.account_ids), len(context.index.brand_ids)
    for block in view.blocks:
        own_posts = context.index.own_posts.get(block.brief.brief_id, np.empty(0, dtype=np.int64))
        kinds = brand_context(context, block.brief, block.instant)
        query = view.brief_embeddings[block.code].astype(np.float64)
        closeness = _likeness(contacts.brand_profiles(block.instant, own_posts), query)
        closeness = np.where(kinds.own, 1.0, closeness)
        sources = {
            "sponsored": contacts.sponsored.before(block.instant),
            "mentions": contacts.mentions_before(block.instant),
        }
        stranger = np.empty(0, dtype=np.int64)
        if kinds.code < 0 and block.brief.brand_name:
            named = contacts.naming(block.brief.brand_name, block.instant)
            stranger = named.where(~np.isin(named.sources, own_posts)).accounts
        asked = np.zeros(n, dtype=bool)
        asked[block.accounts] = True
        for source, all_events in sources.items():
            events = all_events.where(asked[all_events.accounts])
            events = events.where(~np.isin(events.sources, own_posts))
            extra = stranger if source == "mentions" else stranger[:0]
            found = {
                "brand": events.where(_of_kind(kinds.own, events)),
                "owner": events.where(_of_kind(kinds.same_owner, events)),
                "category": events.where(_of_kind(kinds.same_category, events)),
                "any": events,
            }
            for what, part in found.items():
                dealt = np.concatenate((part.accounts, extra))
                values = np.log1p(count_by_account(block, dealt, None, n))
                columns[f"{source}_{what}"][block.rows] = values
            weights = closeness[events.brands] if n_brands else np.empty(0)
            recency = _decay(events, block.instant)
            rows = block.rows
            columns[f"{source}_like_brief"][rows] = np.log1p(
                10.0 * count_by_account(block, events.accounts, weights, n)
            )
            columns[f"{source}_like_brief_recent"][rows] = np.log1p(
                10.0 * count_by_account(block, events.accounts, weights * recency, n)
            )
            columns[f"{source}_brands"][rows] = _distinct_brands(block, events, None, n_brands, n)
            columns[f"{source}_brands_like_brief"][rows] = _distinct_brands(
                block, events, closeness, n_brands, n
            )
    return columns


def _affinity(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    contacts = context.contacts
    columns = {spec.name: np.full(len(view.pairs), np.nan) for spec in AFFINITY.specs}
    briefs = context.past_briefs[1].astype(np.float64)
    for block in view.blocks:
        events = contacts.hires.before(block.instant)
        events = events.where((events.sources >= 0) & (events.accounts >= 0))
        if not len(events):
            continue
        kinds = brand_context(context, block.brief, block.instant)
        query = view.brief_embeddings[block.code].astype(np.float64)
        weights = {
            "like_hired_all": np.ones(len(events)),
            "like_hired_brand": _of_kind(kinds.same_owner, events).astype(np.float64),
            "like_hired_category": _of_kind(kinds.same_category, events).astype(np.float64),
            "like_hired_similar_briefs": _likeness(briefs[events.sources], query),
        }
        hired = np.unique(events.accounts)
        members = np.concatenate((hired, block.accounts))
        directions = _account_directions(context, members, block)
        of_hired, of_block = directions[: len(hired)], directions[len(hired) :]
        for name, values in weights.items():
            by_hired = np.bincount(
                np.searchsorted(hired, events.accounts), weights=values, minlength=len(hired)
            ).astype(np.float64)
            columns[name][block.rows] = _likeness_to_others(
                of_hired, by_hired, of_block, hired, block.accounts
            )
    return columns


def _likeness_to_others(
    of_hired: NDArray[np.float64],
    weights: NDArray[np.float64],
    of_block: NDArray[np.float64],
    hired: NDArray[np.int64],
    accounts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Cosine of each candidate with the weighted sum of the hired accounts other than itself."""
    total = (of_hired * weights[:, None]).sum(axis=0)
    place = np.minimum(np.searchsorted(hired, accounts), len(hired) - 1)
    is_hired = hired[place] == accounts
    own = np.where(is_hired, weights[place], 0.0)[:, None] * of_block
    others = total - own
    norms = np.sqrt((others * others).sum(axis=1))
    usable = (norms > 1e-9) & of_block.any(axis=1)
    dots = (others * of_block).sum(axis=1)
    return np.where(usable, dots / np.where(usable, norms, 1.0), np.nan)


def _account_directions(
    context: FeatureContext, accounts: NDArray[np.int64], block: BriefBlock
) -> NDArray[np.float64]:
    """Unit sums of the embeddings of all posts that the brief of a block may see."""
    index = context.index
    sums = context.account_sums(accounts, block.instant)
    for post in index.own_posts.get(block.brief.brief_id, np.empty(0, dtype=np.int64)):
        if index.post_published[post] < block.instant:
            row = context.post_embeddings[post].astype(np.float64)
            sums[accounts == index.post_account[post]] -= row
    norms = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    return np.asarray(sums / np.where(norms > 0, norms, 1.0))


def last_contact_days(view: PairView) -> NDArray[np.float64]:
    """Days since the newest hire of each account, NaN without one.

    Parameters
    ----------
    view : PairView
        Pairs.

    Returns
    -------
    numpy.ndarray of float64, shape (n_pairs,)
        Days before the decision.
    """
    table = view.context.index.market.tables["collaborations"]
    times = to_microseconds(table["status_at"])
    codes = view.context.index.account_codes(table["account_id"])
    newest = np.full(len(view.pairs), np.nan)
    for block in view.blocks:
        known = (times < block.instant) & (codes >= 0)
        last = np.full(len(view.context.index.account_ids), -np.inf)
        np.maximum.at(last, codes[known], times[known].astype(np.float64))
        days = (block.instant - last[block.accounts]) / _DAY
        newest[block.rows] = np.where(np.isfinite(days), days, np.nan)
    return newest


def _spec(name: str, formula: str, known: str, unit: str = "ln(1 + count)") -> FeatureSpec:
    return FeatureSpec(name, unit, formula, "history", known, trend=1)


_HIRE_KINDS: Final = (
    ("all", "hires by anyone"),
    ("recent", f"hires by anyone, each halved every {_HALF_LIFE_DAYS:.0f} days"),
    ("brand", "hires by this brand"),
    ("owner", "hires by brands of the same owner"),
    ("category", "hires by brands of the same category"),
    ("like_brief", "hires, each weighted by cosine^4 of its brief with this one"),
)
HISTORY: Final = Family(
    "history",
    tuple(_spec(f"hires_{kind}", f"{text}, of the account", _STATUS) for kind, text in _HIRE_KINDS),
    _history,
)
"""Hires of the account."""

PERSON_HISTORY: Final = Family(
    "person_history",
    tuple(
        _spec(f"person_hires_{kind}", f"{text}, of all accounts of the person", _STATUS)
        for kind, text in _HIRE_KINDS
        if kind in ("all", "brand", "category")
    ),
    _person_history,
)
"""Hires of all accounts of the person."""

_CONTACT_KINDS: Final = (
    ("brand", "about this brand", "ln(1 + count)"),
    ("owner", "about brands of the same owner", "ln(1 + count)"),
    ("category", "about brands of the same category", "ln(1 + count)"),
    ("any", "about any brand", "ln(1 + count)"),
    ("like_brief", "about any brand, weighted by cosine^4 of the brand's words with the brief",
     "ln(1 + 10 x weight)"),
    ("like_brief_recent", "as like_brief, each halved every 90 days", "ln(1 + 10 x weight)"),
    ("brands", "distinct brands", "count"),
    ("brands_like_brief", "distinct brands, each weighted by its likeness to the brief", "weight"),
)  # fmt: skip
BRAND_CONTACTS: Final = Family(
    "brand_contacts",
    tuple(
        _spec(f"{source}_{kind}", f"{what} {text}", _PUBLISHED, unit)
        for source, what in (
            ("sponsored", "posts naming a sponsor,"),
            ("mentions", "posts that mention a brand without naming it as sponsor,"),
        )
        for kind, text, unit in _CONTACT_KINDS
    ),
    _brand_contacts,
)
"""Sponsored posts and organic mentions, by how close the brand is to this brief."""

AFFINITY: Final = Family(
    "affinity",
    tuple(
        _spec(name, f"cosine of the account's posts with those of others hired earlier {whom}",
              f"{_STATUS}; {_PUBLISHED}", "cosine, -1 to 1")
        for name, whom in (
            ("like_hired_all", "by anyone"),
            ("like_hired_brand", "for this brand or its owner"),
            ("like_hired_category", "for this category"),
            ("like_hired_similar_briefs", "weighted by cosine^4 of their briefs with this one"),
        )
    ),
    _affinity,
)  # fmt: skip
"""Likeness to accounts hired earlier."""
