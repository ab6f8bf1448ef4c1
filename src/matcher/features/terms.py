"""Audience, language and price: how an account's terms fit those of the brief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.features.index import microseconds
from matcher.features.segments import segment_mean
from matcher.features.spec import Family, FeatureSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.features.context import BriefBlock, FeatureContext, PairView
    from matcher.market.brief import Brief
    from matcher.market.market import Market

__all__ = ["AUDIENCE", "LANGUAGE", "PRICE", "exchange_rate", "newest_prices"]


def newest_before(
    table: pd.DataFrame, keys: list[str], instant: int, column: str = "as_of"
) -> pd.DataFrame:
    """Newest row per key that was known strictly before an instant.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows with an instant in `column`.
    keys : list of str
        Columns that name what a row is about; all rows of the newest instant are kept.
    instant : int
        Microseconds since 1970.
    column : str
        Column of the instant.

    Returns
    -------
    pandas.DataFrame
        Rows of `table`.
    """
    known = table[microseconds(table[column]) < instant]
    newest = known.groupby(keys, dropna=False)[column].transform("max")
    return known[known[column] == newest]


def exchange_rate(market: Market, source: str, target: str, *, instant: int) -> float:
    """Units of one currency for one of another, by the newest rate before an instant.

    Parameters
    ----------
    market : Market
        Market with a table ``exchange_rates``.
    source, target : str
        ISO 4217 codes.
    instant : int
        Microseconds since 1970.

    Returns
    -------
    float
        Rate; 1 for equal currencies; the inverse pair serves too.

    Raises
    ------
    DataError
        If no rate of the pair is known before the instant.
    """
    if source == target:
        return 1.0
    table = market.tables["exchange_rates"]
    days = table["on"].to_numpy("datetime64[us]").astype(np.int64)
    known = table[days < instant].sort_values("on")
    for one, other, inverse in ((source, target, False), (target, source, True)):
        rows = known[(known["from"] == one) & (known["to"] == other)]
        if len(rows):
            rate = float(rows["rate"].iloc[-1])
            return 1.0 / rate if inverse else rate
    day = pd.Timestamp(instant, unit="us").date()
    raise DataError(
        f"exchange_rates: no rate from {source} to {target} is known before {day}; add a row with "
        f"from={source}, to={target} and an earlier day, or give prices and budgets in one currency"
    )


def newest_prices(market: Market, brief: Brief, instant: int) -> pd.Series:
    """Lowest price per post of each account in a format of the brief, in the brief's currency.

    Parameters
    ----------
    market : Market
        Market with a table ``rates``.
    brief : Brief
        Brief; without formats any format counts, without a currency no price does.
    instant : int
        Decision in microseconds since 1970.

    Returns
    -------
    pandas.Series of float64
        Price by account id; accounts without a valid price in time are absent.

    Raises
    ------
    DataError
        If a price stands in a currency that cannot be converted.
    """
    rates = market.tables["rates"]
    usable = rates[rates["price"].notna() & rates["currency"].notna()]
    if brief.currency is None or usable.empty:
        return pd.Series(dtype=np.float64)
    if brief.formats:
        usable = usable[usable["format"].isna() | usable["format"].isin(brief.formats)]
    newest = newest_before(usable, ["account_id", "format"], instant)
    until = microseconds(newest["valid_until"])
    newest = newest[until >= instant]
    factors = {
        str(code): exchange_rate(market, str(code), brief.currency, instant=instant)
        for code in newest["currency"].unique()
    }
    posts = newest["n_posts"].fillna(1.0).clip(lower=1.0)
    price = newest["price"] * newest["currency"].map(factors).astype(np.float64) / posts
    return price.groupby(newest["account_id"]).min()


def _price(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    market = context.index.market
    price = np.full(len(view.pairs), np.nan)
    share = np.full(len(view.pairs), np.nan)
    level = view.windows["engagements_level"].to_numpy(np.float64)
    for block in view.blocks:
        found = newest_prices(market, block.brief, block.instant)
        if found.empty:
            continue
        values = found.reindex(view.pairs.account_ids[block.rows]).to_numpy(np.float64)
        price[block.rows] = values
        if block.brief.budget:
            heads = block.brief.n_creators or 1
            share[block.rows] = values * heads / block.brief.budget
    return {
        "price_log": np.log1p(price),
        "price_share_of_budget": np.log1p(share),
        "price_per_engagement": np.log1p(price) - level,
    }


def _audience(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    columns = {spec.name: np.full(len(view.pairs), np.nan) for spec in AUDIENCE.specs}
    table = context.index.market.tables["audiences"]
    if table.empty:
        return columns
    for block in view.blocks:
        known = newest_before(table, ["account_id", "dimension"], block.instant)
        for name, dimension, wanted in _targets(block.brief):
            rows = known[known["dimension"] == dimension]
            inside = rows["share"].where(rows["bucket"].isin(wanted), 0.0)
            shares = inside.groupby(rows["account_id"]).sum()
            columns[name][block.rows] = shares.reindex(view.pairs.account_ids[block.rows]).to_numpy(
                np.float64
            )
    return columns


def _targets(brief: Brief) -> list[tuple[str, str, tuple[str, ...]]]:
    wanted = (
        ("audience_country", "country", brief.countries),
        ("audience_age", "age", brief.audience_age),
        ("audience_gender", "gender", (brief.audience_gender,) if brief.audience_gender else None),
        ("audience_interest", "interest", brief.audience_interests),
        ("audience_language", "language", brief.creator_languages),
    )
    return [(name, dimension, tuple(values)) for name, dimension, values in wanted if values]


def _brief_languages(block: BriefBlock) -> set[str]:
    languages = set(block.brief.creator_languages or ())
    if not languages and block.brief.brief_language not in (None, "mul", "und"):
        languages = {str(block.brief.brief_language)}
    return {language.split("-")[0].lower() for language in languages}


def _language(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    spoken = context.index.posts["language"]
    tags = spoken.fillna("").tolist()
    short = np.array([tag.split("-")[0].lower() for tag in tags], dtype=object)
    given = spoken.notna().to_numpy(bool)
    share = np.full(len(view.pairs), np.nan)
    for block in view.blocks:
        wanted = _brief_languages(block)
        if not wanted:
            continue
        known = given[block.posts]
        inside = np.isin(short[block.posts][known].astype(str), list(wanted)).astype(np.float64)
        lengths = np.bincount(block.owners[known], minlength=len(block.lengths))
        share[block.rows] = segment_mean(inside, lengths)
    return {"language_share": share}


_AUDIENCE: Final = "audiences, from as_of"
AUDIENCE: Final = Family(
    "audience",
    tuple(
        FeatureSpec(f"audience_{what}", "share, 0 to 1", f"share of the audience {where}",
                    "audience", _AUDIENCE, trend=1)
        for what, where in (
            ("country", "in the brief's countries"),
            ("age", "in the brief's age buckets"),
            ("gender", "of the brief's gender"),
            ("interest", "with the brief's interests"),
            ("language", "speaking the languages asked for"),
        )
    ),
    _audience,
)  # fmt: skip
"""Match of the audience with the brief's target; unknown without a table ``audiences``."""

LANGUAGE: Final = Family(
    "language",
    (
        FeatureSpec("language_share", "share, 0 to 1",
                    "posts in a language of the brief / posts whose language is known",
                    "relevance", "posts, from publication", trend=1),
    ),
    _language,
)  # fmt: skip
"""Match of the language of posts with that of the brief."""

PRICE: Final = Family(
    "price",
    (
        FeatureSpec("price_log", "ln(1 + price per post)",
                    "lowest valid price in a format of the brief, in the brief's currency",
                    "price", "rates, from as_of", trend=0),
        FeatureSpec("price_share_of_budget", "ln(1 + share)",
                    "price per post x number of creators / budget", "price", "rates, from as_of",
                    trend=-1),
        FeatureSpec("price_per_engagement", "ln(price / engagements)",
                    "price_log less the median of ln(1 + engagements)", "price",
                    "rates, from as_of; readings, from observed_at", trend=-1),
    ),
    _price,
)  # fmt: skip
"""Price against budget and engagement; unknown without a table ``rates``."""
