"""Audience, language and price: how an account's terms fit those of the brief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.features.offers import newest_prices
from matcher.features.segments import segment_mean
from matcher.features.spec import Family, FeatureSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.features.context import BriefBlock, FeatureContext, PairView
    from matcher.market.brief import Brief

__all__ = ["AUDIENCE", "LANGUAGE", "PRICE"]


def _price(context: FeatureContext, view: PairView) -> Mapping[str, NDArray[np.float64]]:
    price = np.full(len(view.pairs), np.nan)
    share = np.full(len(view.pairs), np.nan)
    level = view.windows["engagements_level"].to_numpy(np.float64)
    for block in view.blocks:
        values = newest_prices(context.index, block.brief, block.instant)[block.accounts]
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
    audiences = context.index.audiences
    n_accounts = len(context.index.account_ids)
    for block in view.blocks:
        targets = _targets(block.brief)
        if not targets:
            continue
        # Only rows of the candidates, which are few among all accounts.
        is_candidate = np.zeros(n_accounts + 1, dtype=bool)
        is_candidate[block.accounts] = True
        is_candidate[-1] = False
        known = audiences.dated.newest(block.instant)
        known = known[is_candidate[audiences.accounts[known]]]
        for name, dimension, wanted in targets:
            meant = audiences.among(dimension, wanted)[audiences.labels[known]]
            rows = known[meant >= 0]
            accounts = audiences.accounts[rows]
            inside = meant[meant >= 0] == 1
            total = np.full(n_accounts, np.nan)
            total[accounts] = 0.0
            total += np.bincount(
                accounts[inside], audiences.shares[rows[inside]], minlength=n_accounts
            )
            columns[name][block.rows] = total[block.accounts]
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
    codes, names = context.index.post_languages
    share = np.full(len(view.pairs), np.nan)
    for block in view.blocks:
        wanted = _brief_languages(block)
        if not wanted:
            continue
        spoken = codes[block.posts]
        known = spoken >= 0
        meant = np.array([name in wanted for name in names], dtype=np.float64)
        lengths = np.bincount(block.owners[known], minlength=len(block.lengths))
        share[block.rows] = segment_mean(meant[spoken[known]], lengths)
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
