"""What one post of an account costs: its own rate, or an estimate that is marked as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from matcher.columns import FORMATS
from matcher.features.snapshots import newest_snapshots
from matcher.market.money import find_exchange_rate, has_exchange_rate
from matcher.market.tiers import UNKNOWN_TIER, assign_tier
from matcher.recommend.wording import (
    FORMAT_NAMES,
    PLATFORM_NAMES,
    format_day,
    format_money,
    format_number,
    list_words,
)
from matcher.retrieval.facts import account_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.features.index import MarketIndex
    from matcher.features.offers import Quotes
    from matcher.market.brief import Brief
    from matcher.recommend.wording import Language
    from matcher.retrieval.facts import AccountFacts

__all__ = ["LEAST_RATES", "Fees", "build_fees"]

LEAST_RATES: Final = 10
"""Accounts with a rate below which a cell gives no estimate and its parent is asked."""

_SENTENCES: Final = {
    "en": {
        "rate": "{fee} for one post: its rate of {day} for {format}{detail}.",
        "lowest": "{fee} for one post: the lowest of its rates, of {day} for {format}{detail}.",
        "package": "{n} posts at {price}, divided by {n}",
        "converted": "{price} converted",
        "old": "Estimated at {fee} for one post: its rate of {day} for {format}, which ran out on "
        "{until}{detail}.",
        "cell": "Estimated at {fee} for one post: the median of the rates of {n} {tier}accounts "
        "{where} for {format}{why}; half of them ask between {low} and {high}.",
        "on": "on {platform}",
        "anywhere": "on all platforms",
        "sizeless": ", whatever their size, since its followers are not known",
        "elsewhere": " Its own rates are for other formats.",
        "none": "No rate of it is known, nor those of {n} accounts like it, so that no fee can be "
        "given.",
        "no_rates": "No rate of any account is known, so that no fee can be given.",
        "no_currency": "The brief names no currency and rates stand in several, so that no fee can "
        "be given.",
        "any": "any format",
    },
    "vi": {
        "rate": "{fee} cho một bài: báo giá ngày {day} cho {format}{detail}.",
        "lowest": "{fee} cho một bài: báo giá thấp nhất, ngày {day}, cho {format}{detail}.",
        "package": "gói {n} bài giá {price}, chia {n}",
        "converted": "quy đổi từ {price}",
        "old": "Ước tính {fee} cho một bài: báo giá ngày {day} cho {format}, đã hết hạn ngày "
        "{until}{detail}.",
        "cell": "Ước tính {fee} cho một bài: trung vị báo giá của {n} tài khoản {tier}{where} cho "
        "{format}{why}; một nửa trong số đó báo giá từ {low} đến {high}.",
        "on": "trên {platform}",
        "anywhere": "trên mọi nền tảng",
        "sizeless": ", không phân biệt quy mô vì chưa biết số người theo dõi",
        "elsewhere": " Báo giá của chính tài khoản này là cho định dạng khác.",
        "none": "Chưa biết báo giá của tài khoản này và chưa đủ {n} tài khoản tương tự có báo giá, "
        "nên không ước tính được.",
        "no_rates": "Chưa biết báo giá của tài khoản nào, nên không ước tính được.",
        "no_currency": "Brief không ghi đơn vị tiền và báo giá dùng nhiều đơn vị khác nhau, nên "
        "không tính được giá.",
        "any": "mọi định dạng",
    },
}


@dataclass(frozen=True)
class Fees:
    """What one post of some accounts costs.

    Parameters
    ----------
    currency : str or None
        Currency of all sums: that of the brief, else the only one in which rates stand.
    fee : numpy.ndarray of float64, shape (n,)
        Price of one post, NaN where neither known nor estimated.
    low, high : numpy.ndarray of float64, shape (n,)
        Quartiles of the rates behind an estimate, NaN for what rests on a rate of its own.
    is_estimate : numpy.ndarray of bool, shape (n,)
        Whether `fee` is an estimate.
    notes : tuple of str, length n
        What is priced and where it comes from, or why no fee can be given.
    """

    currency: str | None
    fee: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    is_estimate: NDArray[np.bool_]
    notes: tuple[str, ...]

    def columns(self) -> dict[str, Any]:
        """Fees as columns of a list.

        Returns
        -------
        dict of str to sequence
            ``fee, fee_currency, fee_is_estimate, fee_low, fee_high, fee_note``.
        """
        return {
            "fee": self.fee,
            "fee_currency": [None if np.isnan(fee) else self.currency for fee in self.fee],
            "fee_is_estimate": self.is_estimate,
            "fee_low": self.low,
            "fee_high": self.high,
            "fee_note": self.notes,
        }


@dataclass(frozen=True)
class _Asked:
    """Lowest newest rate of each account for one post, rates in force before those run out."""

    price: NDArray[np.float64]
    quote: NDArray[np.int64]
    in_force: NDArray[np.bool_]
    n_choices: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        quotes: Quotes,
        rows: NDArray[np.int64],
        factors: NDArray[np.float64],
        instant: int,
        n_accounts: int,
    ) -> _Asked:
        converted = quotes.price_per_post[rows] * factors[quotes.currencies[rows]]
        rows, converted = rows[np.isfinite(converted)], converted[np.isfinite(converted)]
        has_run_out = quotes.valid_until[rows] < instant
        accounts = quotes.accounts[rows]
        order = np.lexsort((quotes.formats[rows], converted, has_run_out, accounts))
        rows, converted, has_run_out = rows[order], converted[order], has_run_out[order]
        found, first = np.unique(accounts[order], return_index=True)
        price, quote = np.full(n_accounts, np.nan), np.full(n_accounts, -1, dtype=np.int64)
        in_force = np.zeros(n_accounts, dtype=bool)
        price[found], quote[found] = converted[first], rows[first]
        in_force[found] = ~has_run_out[first]
        choices = np.bincount(quotes.accounts[rows[~has_run_out]], minlength=n_accounts)
        return cls(price, quote, in_force, choices)


@dataclass(frozen=True)
class _Cell:
    """Accounts that are alike: where they were looked for, how many, and what they ask."""

    is_on_platform: bool
    is_in_format: bool
    n: int
    quartiles: NDArray[np.float64]


@dataclass(frozen=True)
class _Moment:
    """Rates and sizes of all accounts as of an instant."""

    index: MarketIndex
    instant: int
    rows: NDArray[np.int64]
    platforms: NDArray[np.object_]
    tiers: NDArray[np.object_]
    asked: dict[tuple[str, tuple[str, ...]], _Asked]
    cells: dict[tuple[str, tuple[str, ...], str, str], _Cell | None]

    @classmethod
    def of(cls, facts: AccountFacts, instant: int) -> _Moment:
        index = facts.index
        everyone = np.arange(len(index.account_ids))
        known = newest_snapshots(index, everyone, np.full(len(everyone), instant))
        tiers = assign_tier(known["n_followers"], index.market.settings.tier_scheme)
        rows = index.quotes.dated.newest(instant)
        return cls(index, instant, rows, facts.platforms, tiers.to_numpy(object), {}, {})

    def currency(self, brief: Brief) -> str | None:
        """Currency of a brief, else the only one in which rates are known."""
        if brief.currency is not None:
            return brief.currency
        held = np.unique(self.index.quotes.currencies[self.rows])
        return str(self.index.quotes.currency_names[held[0]]) if len(held) == 1 else None

    def ask(self, currency: str, formats: tuple[str, ...]) -> _Asked:
        """What accounts ask in some formats, in any when none is named."""
        key = (currency, formats)
        if key not in self.asked:
            quotes, rows = self.index.quotes, self.rows
            if formats:
                wanted = [-1, *(FORMATS.index(name) for name in formats)]
                rows = rows[np.isin(quotes.formats[rows], wanted)]
            moment = pd.Timestamp(self.instant, unit="us", tz="UTC")
            factors = np.full(len(quotes.currency_names), np.nan)
            for code in np.unique(quotes.currencies[rows]):
                source = str(quotes.currency_names[code])
                if has_exchange_rate(self.index.market, source, target=currency, instant=moment):
                    factors[code] = find_exchange_rate(
                        self.index.market, source, target=currency, instant=moment
                    )
            self.asked[key] = _Asked.of(
                quotes, rows, factors, self.instant, len(self.index.account_ids)
            )
        return self.asked[key]

    def cell(
        self, currency: str, formats: tuple[str, ...], platform: str, tier: str
    ) -> _Cell | None:
        """The narrowest cell of an account's platform and tier that is large enough."""
        key = (currency, formats, platform, tier)
        if key not in self.cells:
            self.cells[key] = next(self._cells(*key), None)
        return self.cells[key]

    def _cells(
        self, currency: str, formats: tuple[str, ...], platform: str, tier: str
    ) -> Iterator[_Cell]:
        """Cells that are large enough, from the narrowest to the widest."""
        for is_on_platform in (True, False):
            for is_in_format in (True, False):
                prices = self.ask(currency, formats if is_in_format else ()).price
                rows = np.flatnonzero(np.isfinite(prices))
                if tier != UNKNOWN_TIER:
                    rows = rows[self.tiers[rows] == tier]
                if is_on_platform:
                    rows = rows[self.platforms[rows] == platform]
                if len(rows) >= LEAST_RATES:
                    quartiles = np.quantile(prices[rows], [0.25, 0.5, 0.75])
                    yield _Cell(is_on_platform, is_in_format, len(rows), quartiles)


_MOMENTS: WeakKeyDictionary[MarketData, _Moment] = WeakKeyDictionary()


def _moment(data: MarketData, instant: int) -> _Moment:
    """Rates as of an instant; the newest one asked for is kept, since briefs mostly share it."""
    held = _MOMENTS.get(data)
    if held is None or held.instant != instant:
        held = _MOMENTS[data] = _Moment.of(account_facts(data), instant)
    return held


def build_fees(
    data: MarketData,
    brief: Brief,
    codes: NDArray[np.int64],
    instant: int,
    *,
    language: Language,
) -> Fees:
    """Price of one post of accounts, from rates known strictly before an instant.

    The fee of an account is its lowest rate in force for one post in a format of the brief, in any
    format when it names none; a rate for several posts is divided by their number. It is the same
    price that the hard rule on price and the features of the group ``price`` rest on. Without such
    a rate the fee is an estimate, and marked so: the account's own newest rates if they ran out,
    else the median over accounts like it, each of which counts once with its own such price. Like
    it are those of its platform and tier that have a rate in a format of the brief; where these are
    fewer than `LEAST_RATES`, those with a rate in any format, then those of its tier on every
    platform, in the same two steps. An account whose followers are not known is compared with
    those of every size on its platform, then anywhere. Where no cell is large enough there is no
    estimate.

    Parameters
    ----------
    data : MarketData
        Market.
    brief : Brief
        Brief; without a currency sums are in that of the rates, if they share one.
    codes : numpy.ndarray of int64, shape (n,)
        Account codes.
    instant : int
        Microseconds since 1970.
    language : {"en", "vi"}
        Language of the sentences.

    Returns
    -------
    Fees
        In the order of `codes`. Rates that cannot be converted into the currency are left out of
        estimates.
    """
    moment = _moment(data, instant)
    words = _SENTENCES[language]
    currency = moment.currency(brief)
    n = len(codes)
    unknown = np.full(n, np.nan)
    if not len(moment.rows) or currency is None:
        reason = words["no_currency" if len(moment.rows) else "no_rates"]
        return Fees(None, unknown, unknown, unknown, np.zeros(n, dtype=bool), (reason,) * n)
    asked = moment.ask(currency, tuple(brief.formats))
    anyhow = moment.ask(currency, ())
    teller = _Teller(moment, brief, currency, language)
    fee, low, high = asked.price[codes], unknown.copy(), unknown.copy()
    is_estimate = ~asked.in_force[codes]
    notes: list[str] = []
    for place, code in enumerate(codes.tolist()):
        if asked.quote[code] >= 0:
            notes.append(teller.own(asked, code))
            continue
        platform, tier = str(moment.platforms[code]), str(moment.tiers[code])
        cell = moment.cell(currency, tuple(brief.formats), platform, tier)
        if cell is None:
            is_estimate[place] = False
            notes.append(words["none"].format(n=LEAST_RATES))
            continue
        low[place], fee[place], high[place] = cell.quartiles
        notes.append(teller.cell(cell, platform, tier))
        if anyhow.quote[code] >= 0:
            notes[-1] += words["elsewhere"]
    return Fees(currency, fee, low, high, is_estimate, tuple(notes))


@dataclass(frozen=True)
class _Teller:
    """Sentences about fees for one brief."""

    moment: _Moment
    brief: Brief
    currency: str
    language: Language

    def money(self, value: float, currency: str | None = None) -> str:
        return format_money(value, currency or self.currency, self.language)

    def formats(self, formats: tuple[str, ...]) -> str:
        if not formats:
            return _SENTENCES[self.language]["any"]
        names = [FORMAT_NAMES[name][self.language] for name in formats]
        return list_words(names, self.language, last="or")

    def own(self, asked: _Asked, code: int) -> str:
        """An account's own rate, in force or run out."""
        words, quotes = _SENTENCES[self.language], self.moment.index.quotes
        row = int(asked.quote[code])
        held = int(quotes.formats[row])
        source = str(quotes.currency_names[quotes.currencies[row]])
        details = []
        if quotes.n_posts[row] > 1:
            n = format_number(float(quotes.n_posts[row]), self.language)
            whole = float(quotes.price_per_post[row] * quotes.n_posts[row])
            details.append(words["package"].format(n=n, price=self.money(whole, source)))
        if source != self.currency:
            price = self.money(float(quotes.price_per_post[row]), source)
            details.append(words["converted"].format(price=price))
        several = int(asked.n_choices[code]) > 1
        kind = ("lowest" if several else "rate") if asked.in_force[code] else "old"
        until = "" if kind != "old" else self.day(int(quotes.valid_until[row]))
        return words[kind].format(
            fee=self.money(float(asked.price[code])),
            day=self.day(int(quotes.known_at[row])),
            until=until,
            format=self.formats(() if held < 0 else (FORMATS[held],)),
            detail=f" ({'; '.join(details)})" if details else "",
        )

    def day(self, instant: int) -> str:
        return format_day(pd.Timestamp(instant, unit="us").date(), self.language)

    def cell(self, cell: _Cell, platform: str, tier: str) -> str:
        """An estimate from accounts that are alike."""
        words = _SENTENCES[self.language]
        low, fee, high = (self.money(float(value)) for value in cell.quartiles)
        low = low.removesuffix(f" {self.currency}")
        where = words["on"].format(platform=PLATFORM_NAMES.get(platform, platform))
        return words["cell"].format(
            fee=fee,
            low=low,
            high=high,
            n=format_number(float(cell.n), self.language),
            tier="" if tier == UNKNOWN_TIER else f"{tier} ",
            where=where if cell.is_on_platform else words["anywhere"],
            format=self.formats(tuple(self.brief.formats) if cell.is_in_format else ()),
            why=words["sizeless"] if tier == UNKNOWN_TIER else "",
        )
