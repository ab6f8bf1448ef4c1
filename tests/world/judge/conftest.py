from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.columns import OUTCOMES
from matcher.world.judge.bench import Bench
from matcher.world.truth import Intervention

COLUMNS = (*OUTCOMES, "fee", "trust")


@dataclass
class HandTruth:
    """A truth written down by hand: each outcome of a pair is one number times a column's factor.

    Posts multiply all counts, followers all but the fee; draw `d` multiplies by ``noise[d]``.
    """

    table: pd.DataFrame
    listed: pd.DataFrame
    noise: dict[int, float] = field(default_factory=dict)
    audience: Any = None

    record: dict[str, Any] = field(
        default_factory=lambda: {"world": "hand", "version": 7, "seed": 5, "knobs": {"a": 1}}
    )

    @property
    def campaign_ids(self) -> list[str]:
        return sorted(self.table["campaign_id"].unique())

    @property
    def account_ids(self) -> list[str]:
        return sorted(self.table["account_id"].unique())

    def expected(self, campaign_ids, account_ids, intervention=None) -> pd.DataFrame:
        change = intervention or Intervention()
        keys = pd.MultiIndex.from_arrays([list(campaign_ids), list(account_ids)])
        held = self.table.set_index(["campaign_id", "account_id"]).loc[keys].reset_index(drop=True)
        found = held[list(COLUMNS)].astype(float)
        counts = [name for name in COLUMNS if name not in ("fee", "trust")]
        found[counts] *= change.followers * (change.n_posts or 1)
        found["fee"] *= change.n_posts or 1
        return found

    def draw(self, campaign_ids, account_ids, intervention=None, *, draw=0) -> pd.DataFrame:
        found = self.expected(campaign_ids, account_ids, intervention).drop(columns="fee")
        return found * self.noise.get(draw, 1.0)

    def pairs(self) -> pd.DataFrame:
        return self.listed


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench() -> MakeBench:
    """Bench of accounts ``a0, a1, ...`` with given values, the same list for every campaign."""

    def make(
        values: dict[str, list[float]],
        *,
        objective: str = "engagement",
        fees: list[float] | None = None,
        outside: int = 0,
        probability: dict[str, list[float]] | None = None,
        chosen: dict[str, list[bool]] | None = None,
        budget: float = np.nan,
        n_creators: float = np.nan,
        reach: list[float] | None = None,
        **truth: Any,
    ) -> Bench:
        rows, listed = [], []
        for campaign, held in values.items():
            n = len(held)
            for place, value in enumerate(held):
                row = dict.fromkeys(COLUMNS, value)
                row["fee"] = fees[place] if fees else 1.0
                if reach:
                    row["reach"] = reach[place]
                rows.append({"campaign_id": campaign, "account_id": f"a{place}", **row})
            inside = n - outside
            known = probability[campaign] if probability else [0.5] * inside
            listed.append(
                pd.DataFrame(
                    {
                        "campaign_id": campaign,
                        "account_id": [f"a{place}" for place in range(inside)],
                        "utility": np.log(np.asarray(known[:inside], float)),
                        "inclusion_probability": known[:inside],
                        "chosen": chosen[campaign][:inside] if chosen else [False] * inside,
                    }
                )
            )
        table = pd.DataFrame(rows)
        accounts = sorted(table["account_id"].unique())
        return Bench(
            HandTruth(table, pd.concat(listed, ignore_index=True), **truth),
            pd.DataFrame(
                {
                    "objective": objective,
                    "budget": budget,
                    "currency": "VND",
                    "n_creators": n_creators,
                },
                index=pd.Index(list(values), name="campaign_id"),
            ),
            pd.DataFrame(
                {
                    "platform": [
                        "tiktok" if place % 2 else "youtube" for place in range(len(accounts))
                    ],
                    "tier": "nano",
                },
                index=pd.Index(accounts, name="account_id"),
            ),
        )

    return make
