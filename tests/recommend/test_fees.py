from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.errors import MatcherError
from matcher.features.context import MarketData
from matcher.features.offers import newest_prices
from matcher.market.market import build_market
from matcher.recommend.fees import LEAST_RATES, build_fees
from matcher.recommend.recommend import recommend
from matcher.recommend.recommendations import Recommendations

BANDS = {"nano": 0, "micro": 10_000, "macro": 100_000, "mega": 1_000_000}
DOLLAR = 25_000.0


def rate(account, day, price, *, form="short_video", money="VND", n=1, until=None, shop):
    return {
        "account_id": account,
        "as_of": shop.at(day),
        "format": form,
        "price": float(price),
        "currency": money,
        "n_posts": float(n),
        "valid_until": pd.NaT if until is None else shop.at(until),
    }


def make_data(shop, rates, *, followers=None, dollar_day=-90):
    tables = shop.make_tables()
    tables["rates"] = pd.DataFrame(rates)
    if followers is not None:
        tables["account_snapshots"] = pd.DataFrame(
            [
                {"account_id": one, "as_of": shop.at(-40), "n_followers": float(count)}
                for one, count in followers.items()
            ]
        )
    tables["exchange_rates"] = pd.DataFrame(
        {
            "from": ["USD"],
            "to": ["VND"],
            "on": [shop.at(dollar_day).tz_localize(None).normalize()],
            "rate": [DOLLAR],
        }
    )
    return MarketData(build_market(tables))


def fees(shop, data, brief, accounts=None, language="en"):
    ids = data.index.account_ids.to_numpy(object)
    codes = np.arange(len(ids)) if accounts is None else data.index.account_codes(
        np.array(accounts, dtype=object)
    )  # fmt: skip
    found = build_fees(data, brief, codes, int(shop.NOW.value // 1_000), language=language)
    return found, {one: place for place, one in enumerate(ids[codes])}


def random_rates(shop, seed):
    rng = np.random.default_rng(seed)
    accounts = [f"a{n:02d}" for n in range(48)] + [f"b{n:02d}" for n in range(6)]
    rates = {}
    for _ in range(150):
        one = str(rng.choice(accounts[: 20 + 30 * (seed % 2)]))
        form = rng.choice(["short_video", "image", "story", None])
        day = float(rng.integers(-300, 20))
        until = rng.choice([None, day + 30.0, day + 500.0])
        money = "USD" if rng.random() < 0.3 else "VND"
        price = float(rng.integers(1, 400)) * (1 if money == "USD" else DOLLAR)
        rates[one, form, day] = rate(
            one, day, price, form=form, money=money, n=rng.integers(1, 4), until=until, shop=shop
        )
    followers = {one: 10 ** rng.uniform(3, 6.5) for one in accounts if rng.random() < 0.8}
    return list(rates.values()), followers


def asks(shop, rates, account, formats):
    """Lowest price of an account, and whether it is one that ran out, by loops over the rates."""
    newest = {}
    for one in rates:
        if one["account_id"] == account and one["as_of"] < shop.NOW:
            older = newest.setdefault(one["format"], one)
            newest[one["format"]] = one if older["as_of"] < one["as_of"] else older
    prices = {True: [], False: []}
    for form, one in newest.items():
        if formats and form is not None and form not in formats:
            continue
        factor = DOLLAR if one["currency"] == "USD" else 1.0
        has_run_out = one["valid_until"] < shop.NOW
        prices[has_run_out].append(one["price"] / one["n_posts"] * factor)
    for has_run_out in (False, True):
        if prices[has_run_out]:
            return min(prices[has_run_out]), has_run_out
    return None


def plainly(shop, rates, followers, brief, platform_of):
    """Fee, its range and mark of each account."""

    def tier(account):
        size = followers.get(account)
        return size and [name for name, start in BANDS.items() if size >= start][-1]

    asked = {
        (one, formats): asks(shop, rates, one, formats)
        for one in platform_of
        for formats in {brief.formats, ()}
    }
    result = {}
    for account in platform_of:
        own = asked[account, brief.formats]
        peers = [one for one in platform_of if tier(account) in (None, tier(one))]
        here = [one for one in peers if platform_of[one] == platform_of[account]]
        cells = [
            [asked[one, formats][0] for one in group if asked[one, formats]]
            for group in (here, peers)
            for formats in (brief.formats, ())
        ]
        cell = next((one for one in cells if len(one) >= LEAST_RATES), None)
        if own is not None:
            result[account] = (own[0], np.nan, np.nan, own[1])
        elif cell is None:
            result[account] = (np.nan, np.nan, np.nan, False)
        else:
            low, middle, high = np.quantile(cell, [0.1, 0.5, 0.9])
            result[account] = (middle, low, high, True)
    return result


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("formats", [(), ("short_video",), ("image", "story")])
def test_fees_are_those_found_by_loops(shop, seed, formats):
    rates, followers = random_rates(shop, seed)
    data = make_data(shop, rates, followers=followers)
    brief = shop.make_brief(currency="VND", formats=formats)
    found, place = fees(shop, data, brief)
    table = data.index.accounts
    platform_of = dict(zip(table["account_id"], table["platform"], strict=True))
    expected = plainly(shop, rates, followers, brief, platform_of)
    for account, (fee, low, high, is_estimate) in expected.items():
        row = place[account]
        seen = [found.fee[row], found.low[row], found.high[row]]
        np.testing.assert_allclose(seen, [fee, low, high], rtol=1e-12)
        assert found.is_estimate[row] == is_estimate
        assert ("Estimated" in found.notes[row]) is is_estimate
    assert found.currency == "VND"
    # What is no estimate is the price that the hard rule and the features rest on.
    prices = newest_prices(data.index, brief, int(shop.NOW.value // 1_000))
    own = ~found.is_estimate & np.isfinite(found.fee)
    np.testing.assert_array_equal(np.where(own, found.fee, np.nan), prices)


def test_what_is_said_of_a_rate(shop):
    brief = shop.make_brief(currency="VND", formats=["short_video"])
    data = make_data(
        shop,
        [
            rate("a00", -20, 90, money="USD", n=3, shop=shop),
            rate("a01", -80, 500_000, shop=shop),
            rate("a01", -10, 800_000, form=None, shop=shop),
            rate("a02", -80, 400_000, until=-5, shop=shop),
            rate("a03", -80, 400_000, form="story", shop=shop),
        ],
    )
    accounts = ["a00", "a01", "a02", "a03"]
    en, vi = (fees(shop, data, brief, accounts, language)[0] for language in ("en", "vi"))
    assert en.fee.tolist()[:3] == [750_000.0, 500_000.0, 400_000.0]
    assert en.notes == (
        "750,000 VND for one post: its rate of 2025-02-09 for short video (3 posts at 90 USD, "
        "divided by 3; 30 USD converted).",
        "500,000 VND for one post: the lowest of its rates, of 2024-12-11 for short video.",
        "Estimated at 400,000 VND for one post: its rate of 2024-12-11 for short video, which ran "
        "out on 2025-02-24.",
        "No rate of it is known, nor those of 10 accounts like it, so that no fee can be given.",
    )
    assert vi.notes == (
        "750.000 VND cho một bài: báo giá ngày 09/02/2025 cho video ngắn (gói 3 bài giá 90 USD, "
        "chia 3; quy đổi từ 30 USD).",
        "500.000 VND cho một bài: báo giá thấp nhất, ngày 11/12/2024, cho video ngắn.",
        "Ước tính 400.000 VND cho một bài: báo giá ngày 11/12/2024 cho video ngắn, đã hết hạn ngày "
        "24/02/2025.",
        "Chưa biết báo giá của tài khoản này và chưa đủ 10 tài khoản tương tự có báo giá, nên "
        "không ước tính được.",
    )
    assert np.isnan(en.fee[3])
    assert not en.is_estimate[3]


def test_what_is_said_of_an_estimate(shop):
    brief = shop.make_brief(currency="VND", formats=["short_video", "image"])
    rates = [rate(f"a{n:02d}", -20, 1_000 * n, shop=shop) for n in range(10, 21)]
    followers = {f"a{n:02d}": 20_000 for n in range(40)}
    rates.append(rate("a30", -20, 77, form="story", shop=shop))
    data = make_data(shop, rates, followers=followers)
    found, place = fees(shop, data, brief)
    assert found.notes[place["a31"]] == (
        "Estimated at 15,000 VND for one post: the median of the rates of 11 micro accounts on "
        "TikTok for short video or image; four in five of them ask between 11,000 and 19,000 VND."
    )
    assert found.notes[place["a30"]].endswith(" Its own rates are for other formats.")
    assert "11 accounts on TikTok for short video or image, whatever" in found.notes[place["a45"]]
    assert "11 accounts on all platforms" in found.notes[place["b00"]]
    vi, _ = fees(shop, data, brief, ["a31"], "vi")
    assert vi.notes[0] == (
        "Ước tính 15.000 VND cho một bài: trung vị báo giá của 11 tài khoản micro trên TikTok cho "
        "video ngắn hoặc ảnh; bốn phần năm trong số đó báo giá từ 11.000 đến 19.000 VND."
    )


def test_money_that_cannot_be_compared(shop):
    two = [rate("a00", -20, 9, money="USD", shop=shop), rate("a01", -20, 9, shop=shop)]
    silent = shop.make_brief()
    found, _ = fees(shop, make_data(shop, two), silent)
    assert found.currency is None
    assert np.isnan(found.fee).all()
    assert "names no currency" in found.notes[0]
    alone, place = fees(shop, make_data(shop, two[:1]), silent)
    assert (alone.currency, alone.fee[place["a00"]]) == ("USD", 9.0)
    nothing, _ = fees(shop, shop.data, shop.make_brief(currency="VND"))
    assert nothing.notes[0] == "No rate of any account is known, so that no fee can be given."


def test_rates_that_cannot_be_converted_are_no_part_of_an_estimate(shop):
    rates = [rate(f"a{n:02d}", -20, 1_000, shop=shop) for n in range(10)]
    dollars = [
        rate(f"a{n:02d}", -20, 1, money="USD", until=-10, form="story", shop=shop)
        for n in range(10, 20)
    ]
    data = make_data(shop, rates + dollars, dollar_day=30)
    found, place = fees(shop, data, shop.make_brief(currency="VND"))
    assert found.fee[place["a30"]] == 1_000.0
    assert "rates of 10 accounts" in found.notes[place["a10"]]


def test_fees_of_a_list_and_what_became_known_later(shop):
    rates, followers = random_rates(shop, 1)
    brief = shop.make_brief(currency="VND", formats=["short_video"])
    early = [one for one in rates if one["as_of"] < shop.NOW]
    rows = [
        recommend(
            shop.model,
            make_data(shop, some, followers=followers),
            [brief],
            as_of=shop.NOW,
            top_k=60,
        ).frame
        for some in (early, [*early, rate("a00", 0, 1, shop=shop), rate("a01", 5, 2, shop=shop)])
    ]
    columns = [name for name in rows[0] if name != "data_hash"]
    pd.testing.assert_frame_equal(rows[0][columns], rows[1][columns])
    assert rows[0]["fee"].notna().any()
    estimated = rows[0]["fee_is_estimate"]
    assert rows[0].loc[~estimated & rows[0]["fee"].notna(), "fee_low"].isna().all()
    assert (rows[0]["fee_currency"].isna() == rows[0]["fee"].isna()).all()


def test_an_estimate_outside_its_range_is_refused(shop):
    rates, followers = random_rates(shop, 1)
    data = make_data(shop, rates, followers=followers)
    found = recommend(shop.model, data, [shop.make_brief(currency="VND")], as_of=shop.NOW, top_k=60)
    frame = found.frame.copy()
    frame["fee_low"] = frame["fee"] + 1.0
    with pytest.raises(MatcherError, match="outside its own range"):
        Recommendations(frame, found.pools)
