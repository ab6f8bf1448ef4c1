from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.market.load import load_market

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"


@pytest.fixture(scope="session")
def data() -> MarketData:
    return MarketData(load_market(MARKET))


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings.model_validate(
        {
            "encoder": {"name": "random", "dim": 8},
            "ranker": {"n_trees": 5, "n_draws": 1},
            "outcome": {"n_trees": 5, "n_periods": 2},
            "retrieval": {"min_posts": 1},
            "evaluation": {"min_earlier_hired": 40, "n_bootstrap": 100},
        }
    )


@pytest.fixture(scope="session")
def until(data: MarketData) -> pd.Timestamp:
    return data.market.all_known_at


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATCHER_HOME", str(folder))
        yield folder
