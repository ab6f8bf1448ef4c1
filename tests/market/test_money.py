from __future__ import annotations

import pandas as pd
import pytest

from matcher.errors import DataError
from matcher.market.market import Market, build_market
from matcher.market.money import find_exchange_rate


@pytest.fixture
def market(tables: dict[str, pd.DataFrame]) -> Market:
    tables["exchange_rates"] = pd.DataFrame(
        {
            "from": ["USD", "USD"],
            "to": ["VND", "VND"],
            "on": ["2024-01-01", "2024-06-01"],
            "rate": [24_000.0, 25_000.0],
        }
    )
    return build_market(tables, strict=True)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2024-05-31T00:00:00Z", 24_000.0),
        ("2024-06-01T00:00:00Z", 24_000.0),
        ("2024-06-01T00:00:01Z", 25_000.0),
        ("2024-06-01T06:00:00+07:00", 24_000.0),
    ],
)
def test_the_newest_rate_before_the_instant_counts(
    market: Market, instant: str, expected: float
) -> None:
    rate = find_exchange_rate(market, "USD", target="VND", instant=pd.Timestamp(instant))
    assert rate == expected


def test_a_currency_is_worth_itself(market: Market) -> None:
    now = pd.Timestamp("2020-01-01", tz="UTC")
    assert find_exchange_rate(market, "EUR", target="EUR", instant=now) == 1.0


@pytest.mark.parametrize(("source", "target"), [("VND", "USD"), ("USD", "EUR")])
def test_a_missing_pair_is_named_with_its_day(market: Market, source: str, target: str) -> None:
    instant = pd.Timestamp("2024-07-01", tz="UTC")
    with pytest.raises(DataError, match=rf"from {source} to {target} before 2024-07-01"):
        find_exchange_rate(market, source, target=target, instant=instant)


def with_prices(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Prices in two currencies, one of them gone before the campaigns are decided."""
    tables["campaigns"]["currency"] = "VND"
    tables["rates"] = pd.DataFrame(
        {
            "account_id": ["a1", "a2", "a3"],
            "as_of": pd.to_datetime(["2023-01-01"] * 3, utc=True),
            "valid_until": pd.to_datetime([None, "2023-06-01", None], utc=True),
            "format": ["video"] * 3,
            "price": [100.0, 200.0, 3e6],
            "currency": ["USD", "EUR", "VND"],
        }
    )
    return tables


def test_every_pair_that_campaigns_need_is_listed_with_its_first_day(
    tables: dict[str, pd.DataFrame],
) -> None:
    market = build_market(with_prices(tables))
    decided = market.tables["campaigns"]["decided_at"]
    listed = market.quarantine.loc[market.quarantine["rule"] == "missing_rate", "value"].tolist()
    assert listed == [f"USD to VND before {decided.min().date()}, for {len(decided)} campaign(s)"]
    with pytest.raises(DataError, match="validate lists every pair that the campaigns need"):
        find_exchange_rate(market, "USD", target="VND", instant=decided.min())


def test_a_rate_known_before_the_first_decision_is_enough(
    tables: dict[str, pd.DataFrame],
) -> None:
    tables = with_prices(tables)
    tables["exchange_rates"] = pd.DataFrame(
        {"from": ["USD"], "to": ["VND"], "on": ["2023-01-01"], "rate": [24_000.0]}
    )
    build_market(tables, strict=True)
