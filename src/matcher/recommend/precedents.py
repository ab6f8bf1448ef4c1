"""Past campaigns most like a brief, and past hires of its accounts, with what came of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, ref

import numpy as np
import pandas as pd

from matcher.features.contacts import brand_context
from matcher.market.instants import to_microseconds
from matcher.ranking.relevance import measured_outcomes
from matcher.recommend.recommendations import N_PAST, N_SIMILAR, PAST_PARTS, SIMILAR_PARTS
from matcher.recommend.retold import Outcome, Retold, retell_campaign, retell_hire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext, MarketData
    from matcher.market.brief import Brief
    from matcher.market.market import Market
    from matcher.recommend.wording import Language

__all__ = [
    "SAME_BRAND",
    "SAME_CATEGORY",
    "SAME_OBJECTIVE",
    "build_past_hires",
    "build_similar_campaigns",
]

SAME_BRAND: Final = 0.3
SAME_CATEGORY: Final = 0.15
SAME_OBJECTIVE: Final = 0.1
"""What is added to the cosine of two briefs where they share a brand, a category, an objective."""

_LEAST_PEERS: Final = 3
"""Hires of a campaign with a known outcome from which one is set against their median."""


@dataclass(frozen=True)
class _Past:
    """Campaigns decided before an instant, as a brief sees them."""

    nearness: NDArray[np.float64]
    similarity: NDArray[np.float64]
    same: NDArray[np.bool_]

    @classmethod
    def of(cls, context: FeatureContext, brief: Brief, instant: int) -> _Past:
        """Nearness of each row of ``FeatureContext.past_briefs``; -inf where it may not be seen."""
        table, embeddings = context.past_briefs
        query = context.embed_briefs([brief])[0].astype(np.float64)
        rows = embeddings.astype(np.float64)
        # A sum by row does not depend on which other campaigns the market holds.
        cosine = (rows * query).sum(axis=1)
        kinds = brand_context(context, brief, instant)
        codes = context.index.brand_codes(table["brand_id"])
        relations = [np.append(mask, False)[codes] for mask in (kinds.own, kinds.same_category)]
        aims = table["objective"].to_numpy(object)
        relations.append(np.array([one == brief.objective is not None for one in aims], dtype=bool))
        same = np.column_stack(relations)
        nearness = cosine + same @ np.array([SAME_BRAND, SAME_CATEGORY, SAME_OBJECTIVE])
        seen = to_microseconds(table["decided_at"]) < instant
        seen &= table["campaign_id"].to_numpy(object) != brief.brief_id
        has_text = rows.any(axis=1) & query.any()
        return cls(
            np.where(seen & (nearness > 0), nearness, -np.inf),
            np.where(has_text, cosine, np.nan),
            same,
        )

    def order(self, rows: NDArray[np.int64], *ties: NDArray[Any]) -> NDArray[np.int64]:
        """Places of rows that may be seen, the nearest first, then the later decided."""
        order = np.lexsort((*ties, -rows, -self.nearness[rows]))
        return order[np.isfinite(self.nearness[rows[order]])]


@dataclass
class _Held:
    """What is kept of a market as of an instant, since the briefs of a run mostly share it."""

    market: Market
    instant: int
    asked: tuple[ref[FeatureContext], Brief, _Past] | None = None

    @cached_property
    def outcomes(self) -> dict[str, dict[str, Outcome]]:
        """Outcome of each account by campaign, as far as known."""
        cut = self.market.as_of(pd.Timestamp(self.instant, unit="us", tz="UTC"))
        found: dict[str, dict[str, Outcome]] = {}
        for row in measured_outcomes(cut).to_dict("records"):
            outcome = Outcome(row["outcome_name"], row["outcome"])
            found.setdefault(row["campaign_id"], {})[row["account_id"]] = outcome
        return found

    def past(self, context: FeatureContext, brief: Brief) -> _Past:
        """Earlier campaigns as a brief sees them; those of the last brief are kept."""
        if self.asked is None or self.asked[0]() is not context or self.asked[1] is not brief:
            # A plain reference would keep the market of the context alive.
            self.asked = (ref(context), brief, _Past.of(context, brief, self.instant))
        return self.asked[2]


_HELD: WeakKeyDictionary[MarketData, _Held] = WeakKeyDictionary()


def _held(data: MarketData, instant: int) -> _Held:
    held = _HELD.get(data)
    if held is None:
        held = _HELD[data] = _Held(_campaigns_alone(data), instant)
    elif held.instant != instant:
        held = _HELD[data] = _Held(held.market, instant)
    return held


def _campaigns_alone(data: MarketData) -> Market:
    """The part of a market that outcomes rest on: a cut of it costs little."""
    market, index = data.market, data.index
    kept = ("campaigns", "collaborations", "campaign_posts", "exchange_rates")
    tables = {
        name: table if name in kept else table.head(0) for name, table in market.tables.items()
    }
    made = [np.empty(0, dtype=np.int64), *index.own_posts.values()]
    tables["posts"] = index.posts.iloc[np.unique(np.concatenate(made))].reset_index(drop=True)
    metrics = market.tables["post_metrics"]
    mine = metrics["post_id"].isin(tables["posts"]["post_id"])
    tables["post_metrics"] = metrics[mine].reset_index(drop=True)
    return replace(market, tables=tables)


def build_similar_campaigns(
    context: FeatureContext, brief: Brief, instant: int, *, language: Language
) -> dict[str, Any]:
    """The past campaigns nearest to a brief, with what was known of them before an instant.

    Only campaigns decided strictly before the instant for which a hire was known by then count,
    and never the brief's own. The nearest has the highest sum of the cosine of the two briefs'
    embeddings and of 0.3 for the same brand, 0.15 for the same category (that of the brand) and
    0.1 for the same objective; of equal ones the later decided stands first. A campaign whose sum
    is not above 0 is not like the brief at all and is left out.

    Parameters
    ----------
    context : FeatureContext
        Market and encoder.
    brief : Brief
        Brief.
    instant : int
        Microseconds since 1970.
    language : {"en", "vi"}
        Language of the sentences.

    Returns
    -------
    dict of str to Any
        ``similar_<number>_<part>`` for three campaigns and each of `SIMILAR_PARTS`, missing where
        there are fewer. ``outcome`` is the median over the hires whose outcome was known, of the
        outcome that stands for the campaign's objective; ``similarity`` is the cosine, NaN where a
        text is missing.
    """
    held = _held(context.data, instant)
    past = held.past(context, brief)
    hires = context.contacts.hires.before(instant)
    n_hired = np.bincount(hires.sources[hires.sources >= 0], minlength=len(past.nearness))
    rows = np.flatnonzero(n_hired > 0)
    rows = rows[past.order(rows)][:N_SIMILAR]
    retold = _retold(context, rows, instant)
    columns: dict[str, Any] = {}
    for number in range(1, N_SIMILAR + 1):
        values: dict[str, Any] = dict.fromkeys(SIMILAR_PARTS)
        if number <= len(rows):
            row, told = int(rows[number - 1]), retold[number - 1]
            known = list(held.outcomes.get(told.campaign_id, {}).values())
            outcome = _median(known)
            similarity, same = float(past.similarity[row]), past.same[row].tolist()
            values = {
                "campaign_id": told.campaign_id,
                "brand_id": told.brand_id,
                "decided_at": told.decided_at,
                "similarity": similarity,
                "n_hired": int(n_hired[row]),
                "n_outcomes": len(known),
                "outcome": None if outcome is None else outcome.value,
                "outcome_name": None if outcome is None else outcome.name,
                "text": retell_campaign(
                    told, similarity, same, int(n_hired[row]), len(known), outcome, language
                ),
            }
        columns |= {f"similar_{number}_{part}": values[part] for part in SIMILAR_PARTS}
    return columns


def build_past_hires(
    context: FeatureContext,
    brief: Brief,
    codes: NDArray[np.int64],
    instant: int,
    *,
    language: Language,
) -> dict[str, list[Any]]:
    """The hires of each account, or of its person, nearest to a brief, with what came of them.

    A hire counts when it was known strictly before the instant, and never one for the brief's own
    campaign. Hires stand in the order of `build_similar_campaigns`; of a campaign that hired
    several accounts of a person, the account's own hire counts.

    Parameters
    ----------
    context : FeatureContext
        Market and encoder.
    brief : Brief
        Brief.
    codes : numpy.ndarray of int64, shape (n,)
        Account codes.
    instant : int
        Microseconds since 1970.
    language : {"en", "vi"}
        Language of the sentences.

    Returns
    -------
    dict of str to list
        ``past_<number>_<part>`` for two hires and each of `PAST_PARTS`, missing where there are
        fewer. ``outcome`` is what the hire brought under the campaign's objective, missing where it
        was not known in time; ``outcome_ratio`` is that over the median of all hires of the
        campaign, where three or more outcomes were known.
    """
    held = _held(context.data, instant)
    past = held.past(context, brief)
    person_of = context.index.person_of
    events = context.contacts.hires.before(instant)
    events = events.where((events.sources >= 0) & (events.accounts >= 0))
    events = events.where(np.isin(person_of[events.accounts], person_of[codes]))
    persons = person_of[events.accounts]
    chosen: list[list[tuple[int, int]]] = []
    for code in codes.tolist():
        mine = np.flatnonzero(persons == person_of[code])
        rows, accounts = events.sources[mine], events.accounts[mine]
        order = past.order(rows, accounts, accounts != code)
        nearest: dict[int, int] = {}
        for place in order.tolist():
            nearest.setdefault(int(rows[place]), int(accounts[place]))
        chosen.append(list(nearest.items())[:N_PAST])
    needed = np.unique([row for hires in chosen for row, _ in hires]).astype(np.int64)
    retold = dict(zip(needed.tolist(), _retold(context, needed, instant), strict=True))
    names = _account_names(context, [account for hires in chosen for _, account in hires])
    columns: dict[str, list[Any]] = {
        f"past_{number}_{part}": [] for number in range(1, N_PAST + 1) for part in PAST_PARTS
    }
    for code, hires in zip(codes.tolist(), chosen, strict=True):
        for number in range(1, N_PAST + 1):
            values: dict[str, Any] = dict.fromkeys(PAST_PARTS)
            if number <= len(hires):
                row, account = hires[number - 1]
                outcomes = held.outcomes.get(retold[row].campaign_id, {})
                values = _describe(past, retold[row], outcomes, row, language,
                                   names[account], is_own=account == code)  # fmt: skip
            for part in PAST_PARTS:
                columns[f"past_{number}_{part}"].append(values[part])
    return columns


def _account_names(
    context: FeatureContext, codes: Sequence[int]
) -> dict[int, tuple[str, str, str]]:
    """Id, handle (the id where it has none) and platform of accounts by code."""
    wanted = np.unique(codes).astype(np.int64)
    table = context.index.accounts[["account_id", "handle", "platform"]].iloc[wanted]
    return {
        code: (account_id, _text(handle) or account_id, platform)
        for code, (account_id, handle, platform) in zip(
            wanted.tolist(), table.itertuples(index=False, name=None), strict=True
        )
    }


def _describe(
    past: _Past,
    told: Retold,
    outcomes: dict[str, Outcome],
    row: int,
    language: Language,
    account: tuple[str, str, str],
    *,
    is_own: bool,
) -> dict[str, Any]:
    """What is said of one past hire."""
    account_id, *name = account
    outcome, middle = outcomes.get(account_id), _median(list(outcomes.values()))
    ratio = None
    if outcome is not None and middle is not None and len(outcomes) >= _LEAST_PEERS:
        ratio = outcome.value / middle.value if middle.value > 0 else None
    other = None if is_own else (name[0], name[1])
    similarity = float(past.similarity[row])
    return {
        "campaign_id": told.campaign_id,
        "brand_id": told.brand_id,
        "account_id": account_id,
        "decided_at": told.decided_at,
        "similarity": similarity,
        "outcome": None if outcome is None else outcome.value,
        "outcome_name": None if outcome is None else outcome.name,
        "outcome_ratio": ratio,
        "text": retell_hire(
            told, similarity, past.same[row].tolist(), outcome, ratio, len(outcomes), other,
            language,
        ),
    }  # fmt: skip


def _median(outcomes: Sequence[Outcome]) -> Outcome | None:
    """Median outcome of the hires of a campaign, which all have the same name."""
    if not outcomes:
        return None
    return Outcome(outcomes[0].name, float(np.median([one.value for one in outcomes])))


def _retold(context: FeatureContext, rows: NDArray[np.int64], instant: int) -> list[Retold]:
    """What is retold of rows of ``FeatureContext.past_briefs``."""
    index = context.index
    parts = ["campaign_id", "brand_id", "title", "decided_at", "currency"]
    table = context.past_briefs[0][parts].iloc[rows]
    codes = index.brand_codes(table["brand_id"])
    names = np.full(len(rows), None, dtype=object)
    known = np.flatnonzero(codes >= 0)
    known = known[index.brand_described_at[codes[known]] < instant]
    names[known] = index.brands["name"].iloc[codes[known]].to_numpy(object)
    return [
        Retold(
            campaign_id=campaign_id,
            brand_id=_text(brand_id),
            title=_text(title),
            brand=_text(name) or _text(brand_id),
            decided_at=decided_at,
            currency=_text(currency),
        )
        for (campaign_id, brand_id, title, decided_at, currency), name in zip(
            zip(*(table[part] for part in parts), strict=True), names, strict=True
        )
    ]


def _text(value: Any) -> str | None:
    """A cell that holds a text, None where it is missing or blank."""
    return value if isinstance(value, str) and value.strip() else None
