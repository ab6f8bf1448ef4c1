from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from matcher.world import WorldSummary, simulate_market


@dataclass(frozen=True)
class Written:
    folder: Path
    summary: WorldSummary

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / f"{name}.parquet")

    def truth(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "truth" / f"{name}.parquet")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Default world, big enough for rates and ranks."""
    folder = tmp_path_factory.mktemp("world") / "market"
    summary = simulate_market(folder, n_influencers=1_200, n_campaigns=150, seed=11)
    return Written(folder, summary)
