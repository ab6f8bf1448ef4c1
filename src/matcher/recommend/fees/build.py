"""Fees of the accounts of a list: own rates in force, else estimates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from matcher.columns import FORMATS
from matcher.recommend.fees.model import BASES, fit_fee_model
from matcher.recommend.fees.observed import ObservedPrices, observe_prices
from matcher.recommend.fees.rates import LEAST_RATES, RateTable
from matcher.recommend.fees.words import SENTENCES, Teller
from matcher.retrieval.facts import account_facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.market.brief import Brief
    from matcher.recommend.fees.model import FeeModel
    from matcher.recommend.wording import Language

__all__ = ["Fees", "build_fees", "share_price_models"]


@dataclass(frozen=True)
class Fees:
    """What one post of some accounts costs.

    Parameters
    ----------
    currency : str or None
        Currency of all sums: that of the brief, else the only one in which prices are known.
    fee : numpy.ndarray of float64, shape (n,)
        Price of one post, NaN where neither known nor estimated.
    low, high : numpy.ndarray of float64, shape (n,)
        Range of an estimate: quantiles .1 and .9 of what it may be. NaN for a rate in force, and
        where a rate that ran out stands as it is.
    is_estimate : numpy.ndarray of bool, shape (n,)
        Whether `fee` is an estimate.
    basis : tuple of str, length n
        ``rate``: own rate in force; ``old rate``: own rate that ran out, as it is; ``format,
        rates, fees, facts``: a model, see `matcher.recommend.fees.model.BASES`; ``cell``: median of
        accounts like it; empty without a fee.
    notes : tuple of str
        What is priced and where it comes from, or why no fee can be given.
    """

    currency: str | None
    fee: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    is_estimate: NDArray[np.bool_]
    basis: tuple[str, ...]
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


@dataclass(frozen=True, eq=False)
class _Moment:
    """Rates as of an instant, and the models of prices by currency, fitted when first needed."""

    table: RateTable
    models: dict[str, FeeModel | None] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Source:
    """Market that another takes models of prices from, and the instant for which it does.

    With `codes`, the other market holds more accounts, none of them with a price: there these are
    the codes of the accounts of the source.
    """

    data: MarketData
    instant: int
    codes: NDArray[np.int64] | None


_MOMENTS: WeakKeyDictionary[MarketData, _Moment] = WeakKeyDictionary()
_SOURCES: WeakKeyDictionary[MarketData, _Source] = WeakKeyDictionary()


def _moment(data: MarketData, instant: int) -> _Moment:
    """Rates as of an instant; the newest one asked for is kept, since briefs mostly share it."""
    held = _MOMENTS.get(data)
    if held is None or held.table.instant != instant:
        held = _MOMENTS[data] = _Moment(RateTable.of(account_facts(data), instant))
    return held


def _priced_by(data: MarketData, instant: int) -> MarketData:
    """The market from which prices of another one are learnt: mostly itself."""
    source = _SOURCES.get(data)
    if source is None or source.instant != instant or source.codes is not None:
        return data
    return source.data


def _model(data: MarketData, instant: int, currency: str) -> FeeModel | None:
    moment, source = _moment(data, instant), _SOURCES.get(data)
    if currency not in moment.models:
        if source is None or source.instant != instant or source.codes is None:
            prices = observe_prices(data.index, currency, instant)
            made = fit_fee_model(data, prices, moment.table.tiers, instant=instant)
        else:
            made = _model(source.data, instant, currency)
            made = None if made is None else made.recoded(source.codes, moment.table.tiers)
        moment.models[currency] = made
    return moment.models[currency]


def share_price_models(
    source: MarketData,
    target: MarketData,
    instant: int,
    *,
    codes: NDArray[np.int64] | None = None,
) -> None:
    """Let a market that somebody only imagines take over what is known of prices.

    Parameters
    ----------
    source : MarketData
        Market as it is.
    target : MarketData
        The same accounts, with other rates of some: its own rates count as they are, and estimates
        of the others stay those of `source`. Or, with `codes`, more accounts, none of which was
        ever priced: what is learnt of prices is the same.
    instant : int
        Microseconds since 1970.
    codes : numpy.ndarray of int64, shape (n_accounts,), optional
        Rising; code in `target` of each account of `source`.
    """
    _SOURCES[target] = _Source(source, instant, codes)


def build_fees(
    data: MarketData,
    brief: Brief,
    codes: NDArray[np.int64],
    instant: int,
    *,
    language: Language,
) -> Fees:
    """Price of one post of accounts, from prices known strictly before an instant.

    The fee of an account is its lowest rate in force for one post in a format of the brief, in any
    format when it names none; a rate for several posts is divided by their number. It is the same
    price that the hard rule on price and the features of the group ``price`` rest on.

    Without such a rate the fee is an estimate, and marked so: the lowest over the formats of the
    brief that the account has shown (those quoted on its platform where it has shown none of them)
    of what `matcher.recommend.fees.model.fit_fee_model` states as quantile .5, with quantiles .1
    and .9. The model is fitted when the first estimate of an instant is asked for.

    Where fewer than 50 accounts have a known price there is no model. Then the account's own newest
    rates count if they ran out, else the median over accounts like it, each of which counts once
    with its own such price. Like it are those of its platform and tier that have a rate in a format
    of the brief; where these are fewer than `LEAST_RATES`, those with a rate in any format, then
    those of its tier on every platform, in the same two steps. An account whose followers are not
    known is compared with those of every size on its platform, then anywhere. Where no cell is
    large enough there is no estimate.

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
        In the order of `codes`. Prices that cannot be converted into the currency are left out of
        estimates.
    """
    moment = _moment(data, instant)
    currency = moment.table.currency(brief)
    n = len(codes)
    unknown = np.full(n, np.nan)
    source = _priced_by(data, instant)
    model = None if currency is None else _model(source, instant, currency)
    if currency is None or (model is None and not len(moment.table.rows)):
        reason = "no_currency" if len(moment.table.rows) else "no_rates"
        notes = (SENTENCES[language][reason],) * n
        return Fees(None, unknown, unknown, unknown, np.zeros(n, dtype=bool), ("",) * n, notes)
    draft = _Draft(
        Teller(moment.table, brief, currency, language),
        codes,
        np.column_stack((unknown, unknown, unknown)),
        np.full(n, "", dtype=object),
        np.full(n, "", dtype=object),
    )
    draft.fill_own(("rate",) if model is not None else ("rate", "old rate"))
    if model is None:
        draft.fill_cells()
    else:
        draft.fill_model(source, model, _choices(data, brief, codes, instant, prices=model.prices))
    low, fee, high = draft.ends.T
    return Fees(
        currency,
        fee,
        low,
        high,
        np.isfinite(fee) & (draft.basis != "rate"),
        tuple(draft.basis.tolist()),
        tuple(draft.notes.tolist()),
    )


@dataclass(frozen=True, eq=False)
class _Draft:
    """Fees of some accounts, filled from the surest source to the least sure."""

    teller: Teller
    codes: NDArray[np.int64]
    ends: NDArray[np.float64]
    basis: NDArray[np.object_]
    notes: NDArray[np.object_]

    def fill_own(self, kinds: tuple[str, ...]) -> None:
        """Own rates in a format of the brief."""
        teller = self.teller
        asked = teller.table.ask(teller.currency, tuple(teller.brief.formats))
        for place, code in enumerate(self.codes.tolist()):
            kind = "rate" if asked.in_force[code] else "old rate"
            if asked.quote[code] >= 0 and kind in kinds:
                self.ends[place, 1] = asked.price[code]
                self.basis[place] = kind
                self.notes[place] = teller.own(asked, code)

    def fill_cells(self) -> None:
        """Medians of accounts that are alike."""
        teller, table = self.teller, self.teller.table
        formats = tuple(teller.brief.formats)
        anyhow = table.ask(teller.currency, ())
        for place in np.flatnonzero(self.basis == "").tolist():
            code = int(self.codes[place])
            platform, tier = str(table.platforms[code]), str(table.tiers[code])
            cell = table.cell(teller.currency, formats, platform, tier)
            if cell is None:
                self.notes[place] = SENTENCES[teller.language]["none"].format(n=LEAST_RATES)
                continue
            self.ends[place] = cell.quantiles
            self.basis[place] = "cell"
            has_rates = bool(anyhow.quote[code] >= 0)
            self.notes[place] = teller.cell(cell, code, has_rates=has_rates)

    def fill_model(self, data: MarketData, model: FeeModel, choices: NDArray[np.bool_]) -> None:
        """Estimates of a model, for the cheapest of the formats that each account may offer."""
        missing = self.basis == ""
        place, form = np.nonzero(choices & missing[:, None])
        form = form - 1
        found = model.estimate(data, self.codes[place], form)
        # The cheapest format of each account stands first.
        order = np.lexsort((form, found.log_ends[:, 1], place))
        first = order[np.unique(place[order], return_index=True)[1]]
        for row in first.tolist():
            at, basis = int(place[row]), int(found.basis[row])
            low, fee, high = np.exp(found.log_ends[row]).tolist()
            self.ends[at] = (low, fee, high)
            self.basis[at] = BASES[basis]
            self.notes[at] = self.teller.model(
                model, int(self.codes[at]), int(form[row]), ends=(low, fee, high), basis=basis
            )


def _choices(
    data: MarketData,
    brief: Brief,
    codes: NDArray[np.int64],
    instant: int,
    *,
    prices: ObservedPrices,
) -> NDArray[np.bool_]:
    """Formats that a fee may be for, shape (n_codes, 1 + n_formats); the first is any format."""
    wanted = np.zeros(1 + len(FORMATS), dtype=bool)
    wanted[1:] = [not brief.formats or name in brief.formats for name in FORMATS]
    shown = np.zeros((len(codes), len(wanted)), dtype=bool)
    shown[:, 1:] = account_facts(data).formats_shown(brief, instant)[codes]
    platforms = data.index.accounts["platform"].to_numpy(object)
    quoted = np.zeros_like(shown)
    for platform in np.unique(platforms[codes].astype(str)):
        held = np.unique(prices.formats[platforms[prices.accounts] == platform]) + 1
        quoted[np.ix_(platforms[codes] == platform, held)] = True
    found = np.where(_any_of(shown & wanted), shown, quoted) & wanted
    return np.asarray(np.where(_any_of(found), found, wanted), dtype=np.bool_)


def _any_of(choices: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a row has a choice, shape (n_rows, 1)."""
    return np.asarray(choices.any(axis=1, keepdims=True), dtype=np.bool_)
