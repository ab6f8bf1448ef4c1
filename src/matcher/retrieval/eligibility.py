"""Hard rules: who cannot be hired for a brief, and how many accounts each rule removes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from matcher.columns import FORMATS
from matcher.errors import DataError
from matcher.features.offers import newest_prices
from matcher.market.taxonomy import read_taxonomy
from matcher.retrieval.facts import AccountFacts, account_facts, primary_language

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.market.brief import Brief

__all__ = [
    "RIVAL_DAYS",
    "RULES",
    "Eligible",
    "flight_days",
    "last_day_known",
    "select_eligible",
]

RULES: Final = (
    "platform",
    "country",
    "language",
    "format",
    "price",
    "availability",
    "exclusivity",
    "blocklist",
    "rival",
    "posts",
)
"""Rules in the order in which they are applied."""

RIVAL_DAYS: Final = 90.0
"""Days before the decision in which work for a rival counts as a conflict."""

_DAY_US: Final = 86_400_000_000
_LATEST: Final = 253_402_300_800 * 1_000_000
"""The year 10000; a later instant is one in nanoseconds."""


@dataclass(frozen=True)
class Eligible:
    """Accounts that pass the hard rules of a brief.

    Parameters
    ----------
    accounts : numpy.ndarray of int64
        Account codes, rising.
    removed : mapping of str to int
        Accounts that each rule of `RULES` removed, in order; each account counts once, at the
        first rule against it.
    unknown : mapping of str to int
        Accounts that reached a rule with an unknown value, and so passed it.
    n_accounts : int
        Accounts of the market.
    notes : tuple of str
        What was noticed, in sentences.
    kept_against : mapping of str to numpy.ndarray of int64
        Accounts of `must_have` that stay against a rule, by rule.
    """

    accounts: NDArray[np.int64]
    removed: Mapping[str, int]
    unknown: Mapping[str, int]
    n_accounts: int
    notes: tuple[str, ...] = ()
    kept_against: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the order of the accounts and that the counts add up."""
        if len(self.accounts) > 1 and (np.diff(self.accounts) <= 0).any():
            raise DataError("eligible: account codes must rise without repeats")
        total = len(self.accounts) + sum(self.removed.values())
        if total != self.n_accounts:
            raise DataError(
                f"eligible: {len(self.accounts)} kept and {sum(self.removed.values())} removed "
                f"do not add up to {self.n_accounts} accounts"
            )

    def __len__(self) -> int:
        return len(self.accounts)


@dataclass(frozen=True)
class _Case:
    """A brief to be judged from an instant."""

    facts: AccountFacts
    brief: Brief
    instant: int
    min_posts: int
    rival_days: float
    use_history: bool

    @property
    def n_accounts(self) -> int:
        return len(self.facts.index.account_ids)

    @property
    def nobody(self) -> NDArray[np.bool_]:
        return np.zeros(self.n_accounts, dtype=bool)

    @cached_property
    def described(self) -> NDArray[np.bool_]:
        return self.facts.described_at < self.instant

    @cached_property
    def days(self) -> tuple[int, int]:
        return flight_days(self.brief, self.instant)

    @property
    def last_day_known(self) -> int:
        return last_day_known(self.instant)

    def in_force(self, first_day: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Terms that may be used: a term is known ahead, except under `strict_time`."""
        if not self.facts.index.market.settings.strict_time:
            return np.ones(len(first_day), dtype=bool)
        return np.asarray(first_day <= self.last_day_known)


def flight_days(brief: Brief, instant: int) -> tuple[int, int]:
    """First and last day of the flight of a brief.

    Parameters
    ----------
    brief : Brief
        Brief; the day of the decision stands for a missing first day, the first for a missing
        last one.
    instant : int
        Decision in microseconds since 1970.

    Returns
    -------
    tuple of int
        Days since 1970, in the timezone of the brief.
    """
    zone = ZoneInfo(brief.timezone or "UTC")
    decided = pd.Timestamp(instant, unit="us", tz="UTC").tz_convert(zone)
    first = _day(brief.starts_on)
    last = _day(brief.ends_on)
    if first is None:
        today = decided.date().toordinal() - _EPOCH
        first = today if last is None else min(today, last)
    return first, first if last is None else max(first, last)


def last_day_known(instant: int) -> int:
    """Last UTC day that began strictly before an instant.

    Parameters
    ----------
    instant : int
        Microseconds since 1970.

    Returns
    -------
    int
        Days since 1970.
    """
    return (instant - 1) // _DAY_US


_EPOCH: Final = date(1970, 1, 1).toordinal()


def _day(day: date | None) -> int | None:
    return None if day is None else day.toordinal() - _EPOCH


_Verdict = tuple["NDArray[np.bool_]", "NDArray[np.bool_]"]
"""Whom a rule removes and for whom its value is unknown, each of shape (n_accounts,)."""


def _platform(case: _Case) -> _Verdict:
    if not case.brief.platforms:
        return case.nobody, case.nobody
    return ~_isin(case.facts.platforms, case.brief.platforms), case.nobody


def _isin(values: NDArray[np.object_], wanted: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.asarray(pd.Index(values, dtype=object).isin(list(wanted)))


def _country(case: _Case) -> _Verdict:
    if not case.brief.countries:
        return case.nobody, case.nobody
    known = case.described & ~pd.isna(case.facts.countries)
    return known & ~_isin(case.facts.countries, case.brief.countries), ~known


def _language(case: _Case) -> _Verdict:
    if not case.brief.creator_languages:
        return case.nobody, case.nobody
    names, spoken = case.facts.languages
    known = case.described & spoken.any(axis=1)
    wanted = np.isin(names, [primary_language(tag) for tag in case.brief.creator_languages])
    return known & ~spoken[:, wanted].any(axis=1), ~known


def _format(case: _Case) -> _Verdict:
    if not case.brief.formats:
        return case.nobody, case.nobody
    shown = case.facts.formats_shown(case.brief, case.instant)
    known = np.asarray(shown.any(axis=1))
    wanted = np.isin(FORMATS, list(case.brief.formats))
    missed = ~np.asarray(shown[:, wanted].any(axis=1))
    return known & missed, ~known


def _price(case: _Case) -> _Verdict:
    budget = case.brief.budget
    if budget is None:
        return case.nobody, case.nobody
    price = newest_prices(case.facts.index, case.brief, case.instant)
    return np.asarray(price > float(budget)), np.asarray(np.isnan(price))


def _availability(case: _Case) -> _Verdict:
    accounts, first_day, last_day = case.facts.absences
    first, last = case.days
    rows = (first_day <= last) & (last_day >= first) & (accounts >= 0) & case.in_force(first_day)
    absent = case.nobody
    absent[accounts[rows]] = True
    return absent, case.nobody


def _exclusivity(case: _Case) -> _Verdict:
    bonds = case.facts.bonds
    first, last = case.days
    started = bonds["first_day"].to_numpy(np.int64)
    rows = (started <= last) & (bonds["last_day"].to_numpy(np.int64) >= first)
    rows &= case.in_force(started)
    rows &= bonds["brand_id"].to_numpy(object) != case.brief.brand_id
    category = bonds["category"].to_numpy(object)
    named = case.facts.category(case.brief, case.instant)
    barred = () if named is None else _with_wider(named)
    rows &= pd.isna(category) | _isin(category, barred)
    return _accounts_of(case, bonds["person"].to_numpy(np.int64)[rows]), case.nobody


def _with_wider(category: str) -> tuple[str, ...]:
    taxonomy = read_taxonomy()
    return taxonomy.lineage(category) if category in taxonomy else (category,)


def _accounts_of(case: _Case, persons: NDArray[np.int64]) -> NDArray[np.bool_]:
    bound = np.zeros(len(case.facts.index.person_ids), dtype=bool)
    bound[persons] = True
    return np.asarray(bound[case.facts.index.person_of])


def _blocklist(case: _Case) -> _Verdict:
    return _isin(case.facts.index.account_ids.to_numpy(object), case.brief.never or ()), case.nobody


def _rival(case: _Case) -> _Verdict:
    rivals = tuple(case.facts.competitors(case.brief, case.instant))
    if not rivals or not case.use_history or case.rival_days <= 0:
        return case.nobody, case.nobody
    since = case.instant - round(case.rival_days * _DAY_US)
    known_at, accounts, brands = case.facts.hires
    low, high = np.searchsorted(known_at, [since, case.instant])
    hired = case.facts.index.person_of[accounts[low:high][_isin(brands[low:high], rivals)]]
    bonds = case.facts.bonds
    started = bonds["first_day"].to_numpy(np.int64)
    rows = _isin(bonds["brand_id"].to_numpy(object), rivals)
    rows &= started <= case.last_day_known
    rows &= bonds["last_day"].to_numpy(np.int64) >= since // _DAY_US
    bound = bonds["person"].to_numpy(np.int64)[rows]
    return _accounts_of(case, np.concatenate([hired, bound])), case.nobody


def _posts(case: _Case) -> _Verdict:
    if case.min_posts <= 0:
        return case.nobody, case.nobody
    if not len(case.facts.index.posts):
        # A market without posts says nothing of anybody's.
        return case.nobody, ~case.nobody
    return case.facts.count_posts(case.brief, case.instant) < case.min_posts, case.nobody


_CHECKS: Final[Mapping[str, Callable[[_Case], _Verdict]]] = {
    "platform": _platform,
    "country": _country,
    "language": _language,
    "format": _format,
    "price": _price,
    "availability": _availability,
    "exclusivity": _exclusivity,
    "blocklist": _blocklist,
    "rival": _rival,
    "posts": _posts,
}


def select_eligible(
    data: MarketData,
    brief: Brief,
    instant: int,
    *,
    min_posts: int,
    use_history: bool = True,
    rival_days: float = RIVAL_DAYS,
) -> Eligible:
    """Accounts that may be hired for a brief, by what was known strictly before an instant.

    A rule on which the brief is silent removes nobody, and an unknown value passes. An account
    shows a format by an earlier post or by a rate, a rate without format showing every one. Its
    lowest valid price per post in a format of the brief may not exceed the whole budget. A span
    of `availability` that touches the flight removes it; so does an exclusivity of its influencer
    with another brand, or in the category of the brief or a wider one, unless with this brand;
    and work for a rival, or a bond to one, in the days before the instant. Accounts in `must_have`
    always stay. Terms (`availability`, `exclusivities`) are known ahead, except under
    `strict_time`, where only those that began before the instant count.

    Parameters
    ----------
    data : MarketData
        The market, whether or not it is cut at the instant.
    brief : Brief
        Brief.
    instant : int
        Decision in microseconds since 1970, UTC.
    min_posts : int
        Earlier posts that an account must have.
    use_history : bool, default True
        Whether earlier hires count; without them the rule `rival` removes nobody.
    rival_days : float, default 90
        Days before the instant in which work for a rival counts; 0 leaves the rule out.

    Returns
    -------
    Eligible
        Account codes, with what each rule removed.

    Raises
    ------
    DataError
        If a price cannot be converted into the brief's currency, or the instant is in another
        unit.
    """
    if not -_LATEST < instant < _LATEST:
        raise DataError(
            f"select_eligible: got instant {instant}; expected microseconds since 1970 "
            "(`Timestamp.value` counts nanoseconds)"
        )
    case = _Case(account_facts(data), brief, instant, min_posts, rival_days, use_history)
    fixed = case.facts.index.account_codes(np.array(brief.must_have or (), dtype=object))
    wanted = case.nobody
    wanted[fixed[fixed >= 0]] = True
    notes = [
        f"{name}: {len(strangers):,} account(s) are not in the market: {strangers[:5]}"
        for name in ("must_have", "never")
        if (
            strangers := [
                one for one in getattr(brief, name) if one not in case.facts.index.account_ids
            ]
        )
    ]
    standing = np.ones(case.n_accounts, dtype=bool)
    removed: dict[str, int] = {}
    unknown: dict[str, int] = {}
    kept_against: dict[str, NDArray[np.int64]] = {}
    for rule in RULES:
        against, unsure = _CHECKS[rule](case)
        kept = np.flatnonzero(against & wanted).astype(np.int64)
        if len(kept):
            kept_against[rule] = kept
            notes.append(f"must_have: {len(kept)} account(s) stay against the rule `{rule}`")
        against = against & standing & ~wanted
        removed[rule] = int(against.sum())
        unknown[rule] = int((unsure & standing).sum())
        standing &= ~against
    return Eligible(
        np.flatnonzero(standing).astype(np.int64),
        removed,
        unknown,
        case.n_accounts,
        tuple(notes),
        kept_against,
    )
