"""Sentences about fees, in English and Vietnamese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from matcher.columns import FORMATS
from matcher.market.tiers import UNKNOWN_TIER
from matcher.recommend.fees.model import BASES
from matcher.recommend.wording import (
    FORMAT_NAMES,
    PLATFORM_NAMES,
    format_day,
    format_money,
    format_number,
    list_words,
)

if TYPE_CHECKING:
    from matcher.market.brief import Brief
    from matcher.recommend.fees.model import FeeModel
    from matcher.recommend.fees.rates import Asked, Cell, RateTable
    from matcher.recommend.wording import Language

__all__ = ["SENTENCES", "Teller"]

SENTENCES: Final = {
    "en": {
        "rate": "{fee} for one post: its rate of {day} for {format}{detail}.",
        "lowest": "{fee} for one post: the lowest of its rates, of {day} for {format}{detail}.",
        "package": "{n} posts at {price}, divided by {n}",
        "converted": "{price} converted",
        "old": "Estimated at {fee} for one post: its rate of {day} for {format}, which ran out on "
        "{until}{detail}.",
        "cell": "Estimated at {fee} for one post: the median of the rates of {n} {tier}accounts "
        "{where} for {format}{why}; four in five of them ask between {low} and {high}.",
        "on": "on {platform}",
        "anywhere": "on all platforms",
        "sizeless": ", whatever their size, since its followers are not known",
        "elsewhere": " Its own rates are for other formats.",
        "model": "Estimated at {fee} for one post ({format}), with a chance of 80 % between {low} "
        "and {high}: {basis}.",
        "facts": "from its {size}platform, country, engagement and subjects, as {source} say",
        "size": "followers, ",
        "fees": "from what it was paid for earlier campaigns, and from {source}",
        "rates": "from its own rates for other formats",
        "format": "from its rate of {day} for {format}, which ran out on {until}{detail}",
        "asked": "the rates of {n} accounts",
        "paid": "the fees paid to {n} accounts",
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
        "{format}{why}; bốn phần năm trong số đó báo giá từ {low} đến {high}.",
        "on": "trên {platform}",
        "anywhere": "trên mọi nền tảng",
        "sizeless": ", không phân biệt quy mô vì chưa biết số người theo dõi",
        "elsewhere": " Báo giá của chính tài khoản này là cho định dạng khác.",
        "model": "Ước tính {fee} cho một bài ({format}), với xác suất 80 % nằm từ {low} đến "
        "{high}: {basis}.",
        "facts": "suy từ {size}nền tảng, quốc gia, mức tương tác và chủ đề của tài khoản, theo "
        "{source}",
        "size": "số người theo dõi, ",
        "fees": "dựa trên thù lao tài khoản này đã nhận ở các chiến dịch trước và {source}",
        "rates": "dựa trên báo giá của chính tài khoản này cho định dạng khác",
        "format": "dựa trên báo giá ngày {day} cho {format}, đã hết hạn ngày {until}{detail}",
        "asked": "báo giá của {n} tài khoản",
        "paid": "thù lao đã trả cho {n} tài khoản",
        "none": "Chưa biết báo giá của tài khoản này và chưa đủ {n} tài khoản tương tự có báo giá, "
        "nên không ước tính được.",
        "no_rates": "Chưa biết báo giá của tài khoản nào, nên không ước tính được.",
        "no_currency": "Brief không ghi đơn vị tiền và báo giá dùng nhiều đơn vị khác nhau, nên "
        "không tính được giá.",
        "any": "mọi định dạng",
    },
}
"""Forms of sentences by language."""


@dataclass(frozen=True)
class Teller:
    """Sentences about fees for one brief.

    Parameters
    ----------
    table : RateTable
        Rates as of an instant.
    brief : Brief
        Brief.
    currency : str
        Currency of the sums.
    language : {"en", "vi"}
        Language.
    """

    table: RateTable
    brief: Brief
    currency: str
    language: Language

    def _money(self, value: float, currency: str | None = None) -> str:
        return format_money(value, currency or self.currency, self.language)

    def _formats(self, formats: tuple[str, ...]) -> str:
        if not formats:
            return SENTENCES[self.language]["any"]
        names = [FORMAT_NAMES[name][self.language] for name in formats]
        return list_words(names, self.language, last="or")

    def _day(self, instant: int) -> str:
        return format_day(pd.Timestamp(instant, unit="us").date(), self.language)

    def _range(self, ends: tuple[float, float]) -> tuple[str, str]:
        low, high = (self._money(value) for value in ends)
        return low.removesuffix(f" {self.currency}"), high

    def own(self, asked: Asked, code: int) -> str:
        """What is said of an account's own rate, in force or run out.

        Parameters
        ----------
        asked : Asked
            Rates.
        code : int
            Account that has one.

        Returns
        -------
        str
            Sentence.
        """
        several = int(asked.n_choices[code]) > 1
        kind = ("lowest" if several else "rate") if asked.in_force[code] else "old"
        fee = self._money(float(asked.price[code]))
        return SENTENCES[self.language][kind].format(fee=fee, **self._rate(asked, code))

    def _rate(self, asked: Asked, code: int) -> dict[str, str]:
        """Day, end, format and details of an account's own rate."""
        words, quotes = SENTENCES[self.language], self.table.index.quotes
        row = int(asked.quote[code])
        held = int(quotes.formats[row])
        source = str(quotes.currency_names[quotes.currencies[row]])
        details = []
        if quotes.n_posts[row] > 1:
            n = format_number(float(quotes.n_posts[row]), self.language)
            whole = float(quotes.price_per_post[row] * quotes.n_posts[row])
            details.append(words["package"].format(n=n, price=self._money(whole, source)))
        if source != self.currency:
            price = self._money(float(quotes.price_per_post[row]), source)
            details.append(words["converted"].format(price=price))
        return {
            "day": self._day(int(quotes.known_at[row])),
            "until": "" if asked.in_force[code] else self._day(int(quotes.valid_until[row])),
            "format": self._formats(() if held < 0 else (FORMATS[held],)),
            "detail": f" ({'; '.join(details)})" if details else "",
        }

    def model(
        self,
        model: FeeModel,
        code: int,
        form: int,
        *,
        ends: tuple[float, float, float],
        basis: int,
    ) -> str:
        """What is said of an estimate by a model.

        Parameters
        ----------
        model : FeeModel
            Model.
        code : int
            Account.
        form : int
            Place of the format in `matcher.columns.FORMATS`, -1 for any.
        ends : tuple of float
            Lower end, fee and upper end.
        basis : int
            Place in `matcher.recommend.fees.model.BASES`.

        Returns
        -------
        str
            Sentence.
        """
        words, name = SENTENCES[self.language], BASES[basis]
        formats = () if form < 0 else (FORMATS[form],)
        n = model.n_paid if model.is_paid else model.n_rated
        source = words["paid" if model.is_paid else "asked"].format(
            n=format_number(float(n), self.language)
        )
        details = {"source": source, "size": words["size"]}
        if self.table.tiers[code] == UNKNOWN_TIER:
            details["size"] = ""
        if name == "format":
            details |= self._rate(self.table.ask(self.currency, formats), code)
        low, high = self._range((ends[0], ends[2]))
        return words["model"].format(
            fee=self._money(ends[1]),
            low=low,
            high=high,
            format=self._formats(formats),
            basis=words[name].format(**details),
        )

    def cell(self, cell: Cell, code: int, *, has_rates: bool) -> str:
        """What is said of an estimate from accounts that are alike.

        Parameters
        ----------
        cell : Cell
            These accounts.
        code : int
            Account.
        has_rates : bool
            Whether it has rates of its own, for other formats.

        Returns
        -------
        str
            Sentence.
        """
        words = SENTENCES[self.language]
        platform, tier = str(self.table.platforms[code]), str(self.table.tiers[code])
        low, high = self._range((float(cell.quantiles[0]), float(cell.quantiles[2])))
        where = words["on"].format(platform=PLATFORM_NAMES.get(platform, platform))
        told = words["cell"].format(
            fee=self._money(float(cell.quantiles[1])),
            low=low,
            high=high,
            n=format_number(float(cell.n), self.language),
            tier="" if tier == UNKNOWN_TIER else f"{tier} ",
            where=where if cell.is_on_platform else words["anywhere"],
            format=self._formats(tuple(self.brief.formats) if cell.is_in_format else ()),
            why=words["sizeless"] if tier == UNKNOWN_TIER else "",
        )
        return told + (words["elsewhere"] if has_rates else "")
