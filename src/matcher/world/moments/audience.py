"""Who follows: users by platform and age, shared followers, and what accounts show of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from matcher.columns import AGE_BUCKETS
from matcher.errors import SupportError
from matcher.world.moments.export import Export
from matcher.world.moments.moment import PLATFORM_TITLES, Moment
from matcher.world.moments.panel import Panel
from matcher.world.moments.statistics import enough, median_of

__all__ = ["MOMENTS", "age_use", "audience_share", "overlap", "platform_users"]

_GEN_Z: Final = ("13-17", "18-24")
_ADULT: Final = AGE_BUCKETS[1:]


def _panel(export: Export) -> Panel:
    if export.panel is None:
        raise SupportError("the truth holds no audience; simulate the market anew")
    return export.panel


def platform_users(export: Export, *, platform: str, ages: Sequence[str] | None = None) -> float:
    """People of Viet Nam who use a platform.

    Parameters
    ----------
    export : Export
        Market with its truth.
    platform : str
        Platform.
    ages : sequence of str, optional
        Age buckets; all of them by default.

    Returns
    -------
    float
        Millions.
    """
    users = _panel(export).users[platform]
    return float((users if ages is None else users.loc[list(ages)]).sum()) / 1e6


def age_use(export: Export, *, platform: str, ages: Sequence[str]) -> float:
    """Share of people of some ages who use a platform, Viet Nam.

    Parameters
    ----------
    export : Export
        Market with its truth.
    platform : str
        Platform.
    ages : sequence of str
        Age buckets.

    Returns
    -------
    float
        Users over people who use social media.
    """
    panel = _panel(export)
    return float(panel.users.loc[list(ages), platform].sum() / panel.people[list(ages)].sum())


def overlap(export: Export, *, is_same_niche: bool) -> float:
    """Shared followers of two accounts of one platform and country.

    Parameters
    ----------
    export : Export
        Market with its truth.
    is_same_niche : bool
        Pairs of one true main niche, or of two.

    Returns
    -------
    float
        Mean over pairs of people who follow both over those who follow the one with fewer.
    """
    pairs = _panel(export).overlaps
    shared = enough(pairs[pairs["is_same_niche"].eq(is_same_niche)]["overlap"], "pairs")
    return float(shared.mean())


def audience_share(
    export: Export,
    *,
    dimension: str,
    buckets: Sequence[str],
    platform: str | None = None,
    category: str | None = None,
) -> float:
    """Share of audiences in some buckets, as accounts of Viet Nam show it.

    Parameters
    ----------
    export : Export
        Market.
    dimension : str
        Dimension.
    buckets : sequence of str
        Buckets that are added up; one that an account does not list counts as 0.
    platform, category : str, optional
        One platform, one first listed category; all of them by default.

    Returns
    -------
    float
        Median over accounts, each at its newest reading.
    """
    accounts = export.accounts[export.accounts["country"].eq("VN")]
    if platform is not None:
        accounts = accounts[accounts["platform"].eq(platform)]
    if category is not None:
        accounts = accounts[accounts["category"].eq(category)]
    shown = export.table("audiences")
    shown = shown[shown["dimension"].eq(dimension) & shown["account_id"].isin(accounts.index)]
    shown = shown[shown["as_of"].eq(shown.groupby("account_id")["as_of"].transform("max"))]
    counted = shown["share"].astype(float).where(shown["bucket"].isin(buckets), 0.0)
    return median_of(counted.groupby(shown["account_id"]).sum(), f"accounts that show {dimension}")


_TRUTH: Final = "from the truth: "
_PAIRS: Final = (
    f"{_TRUTH}mean over pairs of accounts with 10,000 followers or more, of one platform and "
    "country; followers of both over those of the smaller"
)
_USERS: Final = (
    ("facebook", "", None, 72.7, 76.2, "72.7 M, January 2025: about 76.2 M"),
    ("youtube", "", None, 62.3, 63.0, "63.0 M, January 2025: about 62.3 M"),
    ("tiktok", ", 18 and older", _ADULT, 40.9, 67.72,
     "67.72 M, January 2025 (restated tool): 40.9 M"),
    ("instagram", "", None, 10.6, 10.9, "10.9 M, January 2025: about 10.6 M"),
)  # fmt: skip

MOMENTS: Final = (
    *(
        Moment(
            "audience", f"Users of {PLATFORM_TITLES[platform]} in Viet Nam{who}", low, high,
            "M people", f"DataReportal, January 2024: {figures}", "M",
            f"{_TRUTH}people of the audience model",
            partial(platform_users, platform=platform, ages=ages),
        )
        for platform, who, ages, low, high, figures in _USERS
    ),
    Moment(
        "audience", "TikTok use of ages 13-24 in Viet Nam", 0.81, None, "fraction",
        "Decision Lab, third quarter of 2023: Gen Z above 81 %", "V",
        f"{_TRUTH}users over people who use social media",
        partial(age_use, platform="tiktok", ages=_GEN_Z),
    ),
    Moment(
        "audience", "Shared followers, same niche and country", 0.10, 0.30, "fraction",
        "usual range in the field: 10-30 %", "M",
        _PAIRS,
        partial(overlap, is_same_niche=True),
    ),
    Moment(
        "audience", "Shared followers, different niches, same country", 0.01, 0.08, "fraction",
        "usual range in the field: 1-8 %", "M",
        _PAIRS,
        partial(overlap, is_same_niche=False), held_out=True,
    ),
)  # fmt: skip
