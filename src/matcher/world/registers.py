"""Tables of one row per person, account, price or brand."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from matcher.columns import KINDS
from matcher.world.arrow import (
    account_ids,
    days,
    ids,
    instants,
    maybe,
    names,
    text_lists,
)
from matcher.world.bios import BioPlan, build_bios
from matcher.world.briefs import brand_texts
from matcher.world.buyers import N_DAYS
from matcher.world.latents import Market
from matcher.world.people import COUNTRIES, FX_VND, PLATFORM_NAMES
from matcher.world.places import CITIES, home_cities, life_stage
from matcher.world.platforms import FORMAT_NAMES, FORMAT_WEIGHTS, main_format
from matcher.world.streams import stream
from matcher.world.terms import fee_of_post
from matcher.world.vocabulary import fold

__all__ = [
    "account_table",
    "availability_table",
    "brand_table",
    "exchange_table",
    "influencer_table",
    "rate_table",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]

_FAMILY_VN: Final = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Ngô")
_GIVEN_VN: Final = (
    "An", "Bình", "Chi", "Dũng", "Giang", "Hà", "Huy", "Khánh", "Lan", "Linh", "Long", "Mai",
    "Nam", "Ngọc", "Phương", "Quân", "Sơn", "Thảo", "Trang", "Vy",
)  # fmt: skip
_FAMILY_EN: Final = (
    "Archer", "Bell", "Carter", "Dale", "Ellis", "Foster", "Gray", "Hayes", "Ives", "Jordan",
)  # fmt: skip
_GIVEN_EN: Final = (
    "Alex", "Blake", "Casey", "Drew", "Emery", "Frankie", "Gale", "Harper", "Indy", "Jamie",
    "Kai", "Logan", "Morgan", "Nico", "Parker", "Quinn", "Riley", "Sage", "Taylor", "Wren",
)  # fmt: skip


_CAMPAIGN_DAYS: Final = 45.0
"""Days from a decision in which its posts are due."""
_YEARS_KEY: Final = 10_000.0
"""More days than any market has, so that account and day make one number."""
_LEAST_PRICE: Final = 1.0
"""Least price that is stated, in its currency (assumed): prices abroad are stated in whole dollars,
and less than half of one would read 0. Fees paid, and the truth, know no least price."""


def _person_names(market: Market, rng: np.random.Generator) -> list[str]:
    people = market.people
    family = rng.integers(0, 10, people.n).tolist()
    given = rng.integers(0, 20, people.n).tolist()
    is_vn = (people.country == 0).tolist()
    return [
        f"{_FAMILY_VN[f]} {_GIVEN_VN[g]}" if vn else f"{_GIVEN_EN[g]} {_FAMILY_EN[f]}"
        for f, g, vn in zip(family, given, is_vn, strict=True)
    ]


def _listed_categories(
    market: Market, rng: np.random.Generator
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    people, vocabulary = market.people, market.vocabulary
    n, n_categories = people.n, len(vocabulary.categories)
    share = np.zeros((n, n_categories), dtype=np.float32)
    for c in range(n_categories):
        share[:, c] = people.interests[:, vocabulary.category_of == c].sum(axis=1)
    listed = share > 0.3
    listed[np.arange(n), share.argmax(axis=1)] = True
    wrong = rng.random(n) < 0.12
    listed[wrong] = False
    listed[wrong, rng.integers(0, n_categories, int(wrong.sum()))] = True
    return listed, rng.random(n) < 0.7


def influencer_table(market: Market) -> pa.Table:
    """Rows of `influencers`: what people say of themselves, partly missing, partly wrong.

    Parameters
    ----------
    market : Market
        All that was drawn: people, brands, campaigns and deals.

    Returns
    -------
    pyarrow.Table
        One row per person, in order of `influencer_id`.
    """
    rng = stream(market.seed, "influencers")
    people = market.people
    n = people.n
    city = home_cities(people, market.seed)
    shown_names = _person_names(market, rng)
    listed, is_listed = _listed_categories(market, rng)
    speaks = np.column_stack([people.language != 1, people.language != 0])
    is_declared = rng.random(n) < 0.55
    read = np.where(rng.random(n) < 0.8, rng.uniform(0, 240, n), np.nan)
    return pa.table(
        {
            "influencer_id": ids("inf_", np.arange(n), 6),
            "display_name": pa.array(shown_names),
            "bio": _bios(market, shown_names, city, rng),
            "languages": text_lists(("vi", "en"), speaks, rng.random(n) < 0.85),
            "country": names(COUNTRIES, people.country, rng.random(n) < 0.95),
            "city": names(CITIES, city, rng.random(n) < 0.6),
            "gender": names(("female", "male"), np.where(people.is_female, 0, 1), is_declared),
            "categories": text_lists(market.vocabulary.categories, listed, is_listed),
            "kind": names(KINDS, people.kind),
            "as_of": instants(read),
        }
    )


def _bios(market: Market, shown_names: list[str], city: Ints, rng: np.random.Generator) -> Any:
    people = market.people
    topics = np.argsort(-people.interests, axis=1, kind="stable")[:, :2]
    stage = life_stage(people)
    if not market.knobs.text_informative:
        topics = rng.integers(0, market.vocabulary.n_sub, (people.n, 2))
        stage = rng.integers(0, 4, people.n)
    habit = np.where(people.habit < 0.5, 0, np.where(people.habit < 0.82, 1, 2))
    given = [
        fold(name.split()[-1] if vn else name.split()[0]).lower()
        for name, vn in zip(shown_names, (people.country == 0).tolist(), strict=True)
    ]
    plan = BioPlan(
        first=topics[:, 0],
        second=topics[:, 1],
        style=np.where(people.language == 1, 3, habit),
        stage=stage,
        city=city,
        handle=tuple(f"{name}{k:04d}" for k, name in enumerate(given)),
        may_switch=market.knobs.share_vietnamese > 0,
    )
    return build_bios(plan, market.vocabulary, rng)


def account_table(market: Market) -> pa.Table:
    """Rows of `accounts`.

    Parameters
    ----------
    market : Market
        All that was drawn: people, brands, campaigns and deals.

    Returns
    -------
    pyarrow.Table
        One row per account, in order of `account_id`.
    """
    rng = stream(market.seed, "account-table")
    people = market.people
    m = people.n_accounts
    given = rng.integers(0, 20, m).tolist()
    is_vn = (people.country[people.person] == 0).tolist()
    handles = [
        f"{fold(_GIVEN_VN[g] if vn else _GIVEN_EN[g]).lower()}.{k:06d}"
        for k, (g, vn) in enumerate(zip(given, is_vn, strict=True))
    ]
    before = -rng.uniform(30, 1_500, m)
    created = np.where(people.start_day > 0, people.start_day - 1, before)
    hosts = [PLATFORM_NAMES[p] for p in people.platform.tolist()]
    urls = [f"https://{p}.example/{h}" for p, h in zip(hosts, handles, strict=True)]
    read = np.where(rng.random(m) < 0.7, np.maximum(created, 0) + rng.uniform(1, 100, m), np.nan)
    return pa.table(
        {
            "account_id": account_ids(np.arange(m)),
            "influencer_id": ids("inf_", people.person, 6),
            "platform": names(PLATFORM_NAMES, people.platform),
            "handle": pa.array(handles),
            "url": pa.array(urls),
            "created_at": instants(created),
            "is_verified": pa.array((people.followers > 2e5) & (rng.random(m) < 0.6)),
            "as_of": instants(read),
        }
    )


def rate_table(market: Market) -> pa.Table:
    """Rows of `rates`: asking prices of seven in ten accounts by format, some renewed.

    Parameters
    ----------
    market : Market
        All that was drawn: people, brands, campaigns and deals.

    Returns
    -------
    pyarrow.Table
        One or two rate cards per account that names a price, by account, time and format.
    """
    rng = stream(market.seed, "rates")
    people = market.people
    account, form = _priced_formats(market, rng)
    renewed = np.flatnonzero((rng.random(people.n_accounts) < 0.5)[account])
    is_new = np.arange(len(account) + len(renewed)) >= len(account)
    account, form = (np.concatenate([values, values[renewed]]) for values in (account, form))
    n = len(account)
    # One card per account and reading: all formats are named on the same day.
    first, second = rng.uniform(2, 330, people.n_accounts), rng.uniform(360, 690, people.n_accounts)
    day = np.where(is_new, second[account], first[account])
    is_vn = people.country[people.person[account]] == 0
    asked = fee_of_post(people, account, form, day) * np.exp(rng.normal(0, 0.06, n))
    price = np.where(is_vn, np.round(asked / 1e4) * 1e4, np.round(asked / FX_VND))
    ends = np.where(rng.random(people.n_accounts) < 0.3, 365.0, np.nan)
    order = np.lexsort((form, day, account))
    table = pa.table(
        {
            "account_id": account_ids(account),
            "as_of": instants(day),
            "format": names(FORMAT_NAMES, form),
            "price": pa.array(np.maximum(price, _LEAST_PRICE)),
            "currency": names(("USD", "VND"), is_vn.astype(np.int64)),
            "n_posts": pa.array(np.ones(n, dtype=np.int64)),
            "valid_until": instants(day + ends[account]),
        }
    )
    return table.take(pa.array(order))


def _priced_formats(market: Market, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Accounts that name a price, with the main format and about half of the others."""
    platform = market.people.platform
    m = market.people.n_accounts
    named = (FORMAT_WEIGHTS[platform] > 0) & (rng.random((m, len(FORMAT_NAMES))) < 0.5)
    named[np.arange(m), main_format(platform)] = True
    named[rng.random(m) >= 0.7] = False
    account, form = np.nonzero(named)
    return account, form


def availability_table(market: Market) -> pa.Table:
    """Rows of `availability`: times off of a few accounts, away from their campaigns.

    Parameters
    ----------
    market : Market
        All that was drawn: people, brands, campaigns and deals.

    Returns
    -------
    pyarrow.Table
        One row per time off, in order of `account_id`.
    """
    rng = stream(market.seed, "availability")
    m = market.people.n_accounts
    is_off = rng.random(m) < 0.04
    account = np.flatnonzero(is_off)
    from_day = rng.uniform(250, 740, len(account))
    to_day = from_day + rng.uniform(10, 60, len(account))
    reason = rng.integers(0, 3, len(account))
    is_free = ~_has_deal_between(market, account, from_day, to_day)
    account, reason = account[is_free], reason[is_free]
    from_day, to_day = from_day[is_free], to_day[is_free]
    return pa.table(
        {
            "account_id": account_ids(account),
            "from_on": days(from_day),
            "to_on": days(to_day),
            "reason": names(("travel", "leave", "exclusive shoot"), reason),
        }
    )


def _has_deal_between(market: Market, account: Ints, start: Floats, end: Floats) -> Masks:
    """Whether an invitation of the account falls near its time off, when nobody would invite."""
    deals = market.deals
    decided = np.maximum(market.campaigns.decided[deals.campaign], 0.0)
    key = np.sort(deals.account * _YEARS_KEY + decided)
    first = np.maximum(start - _CAMPAIGN_DAYS, 0.0)
    low = np.searchsorted(key, account * _YEARS_KEY + first)
    high = np.searchsorted(key, account * _YEARS_KEY + end)
    return np.asarray(high > low)


def brand_table(market: Market) -> pa.Table:
    """Rows of `brands`, with the owner as a further column.

    Parameters
    ----------
    market : Market
        All that was drawn: people, brands, campaigns and deals.

    Returns
    -------
    pyarrow.Table
        One row per brand, in order of `brand_id`.
    """
    brands, vocabulary = market.brands, market.vocabulary
    country = np.where(brands.in_vietnam, 0, 1)
    every: Any = np.arange(brands.n)
    rival_lists = [
        [f"br_{k:03d}" for k in np.flatnonzero(row).tolist()] or None for row in brands.rivals
    ]
    return pa.table(
        {
            "brand_id": ids("br_", every, 3),
            "name": pa.array(list(brands.names)),
            "category": names(vocabulary.categories, brands.category),
            "description": pa.array(brand_texts(market), type=pa.string()),
            "country": names(COUNTRIES, country),
            "competitor_ids": pa.array(rival_lists, type=pa.list_(pa.string())),
            "owner_group": ids("own_", brands.owner, 3),
        }
    )


def exchange_table() -> pa.Table:
    """Rows of `exchange_rates`: one fixed rate, dated each quarter."""
    quarter = np.arange(-30.0, N_DAYS, 91.0)
    n = len(quarter)
    return pa.table(
        {
            "from": pa.array(["USD"] * n + ["VND"] * n),
            "to": pa.array(["VND"] * n + ["USD"] * n),
            "on": days(np.concatenate([quarter, quarter])),
            "rate": maybe(
                np.concatenate([np.full(n, FX_VND), np.full(n, 1 / FX_VND)]),
                np.ones(2 * n, dtype=bool),
            ),
        }
    )
